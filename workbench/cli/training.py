"""The command that trains models."""

from __future__ import annotations

__all__ = ["how_to_train", "train"]

from pathlib import Path
from typing import Any

import click

from workbench.cli.commands import Command
from workbench.cli.options import (
    DEVICE,
    JSON,
    OVERWRITE,
    PATH,
    emit,
    example,
    progress,
    say,
    split_name,
    together,
)
from workbench.errors import ModelError

how_to_train = together(
    click.option(
        "--init",
        "begin",
        type=PATH,
        callback=lambda ctx, param, value: "none" if str(value) == "none" else value,
        help="Model to begin with, or none; the shipped one if not given.",
    ),
    click.option("--network", help="Such as tiny-unet or resnet34-unet; that of --init if not given."),
    click.option(
        "--minutes",
        type=click.FloatRange(min=0, min_open=True),
        help="Time to train a model for (10 if neither it nor --steps is given).",
    ),
    click.option("--steps", type=click.IntRange(min=1), help="Steps to train a model for."),
    click.option("--focal", is_flag=True, help="Focal loss in place of cross-entropy."),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**32 - 1),
        default=0,
        show_default=True,
        help="Of all that is drawn.",
    ),
    DEVICE,
    click.option("--resume", is_flag=True, help="Go on with what was cut short."),
)
"""Options of a training: what it begins with, its budget, its loss and its machine."""


@click.command(
    cls=Command,
    epilog=example("workbench train releases/FR_V0.1 -o model --split prod --steps 5"),
)
@click.argument("source", metavar="DIR|RELEASE", type=PATH)
@click.option("-o", "--output", type=PATH, required=True, help="Directory of the model to write.")
@how_to_train
@click.option(
    "--split",
    callback=split_name,
    help="Split, 1 to 5 or prod, whose test is not learned from (1 for a release, prod for a campaign).",
)
@click.option("--unreviewed", is_flag=True, help="Also zones of the campaign that nobody accepted yet.")
@click.option(
    "--sure",
    type=PATH,
    metavar="DIR",
    help="Campaign whose predicted, unlabelled zones are learned from, too, where a model was sure.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True),
    help="How sure it must have been, with --sure (0.9 if not given).",
)
@OVERWRITE
@JSON
def train(source: Path, output: Path, confidence: float | None, as_json: bool, **options: Any) -> None:
    """Train a model on the labelled zones of a campaign, or on a release."""
    if confidence is not None and options["sure"] is None:
        raise click.UsageError("--confidence is that of pseudo-labels; give their campaign by --sure, too")
    try:
        from workbench.workflows.training import CONFIDENCE, train_model
    except ModuleNotFoundError as error:
        raise ModelError(
            f"training needs {error.name}, which is not installed: pip install 'ocs-workbench[torch]'"
        ) from error
    with progress("train") as bar:
        done = train_model(
            source,
            output,
            confidence=confidence or CONFIDENCE,
            say=say,
            progress=lambda share, told: bar(round(1000 * share), 1000),
            **options,
        )
    emit("train", done.document(), done.text(), as_json=as_json)
