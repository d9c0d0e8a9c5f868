"""The command that cross-validates a release."""

from __future__ import annotations

__all__ = ["crossval"]

from pathlib import Path
from typing import Any

import click

from workbench.cli.commands import Command
from workbench.cli.options import JSON, PATH, RULE, emit, example, progress, say
from workbench.cli.training import how_to_train


@click.command(cls=Command, epilog=example("workbench crossval releases/FR_V0.1 -o folds --steps 5"))
@click.argument("release", metavar="RELEASE", type=PATH)
@click.option("-o", "--output", type=PATH, required=True, help="Folder for the models and their table.")
@RULE
@click.option("--prod/--no-prod", default=True, show_default=True, help="Also a model of all folds.")
@how_to_train
@JSON
def crossval(release: Path, output: Path, as_json: bool, **options: Any) -> None:
    """Train a model for each fold of domains, judge it on that fold, and one for production on all."""
    from workbench.workflows.crossvalidating import cross_validate

    with progress("crossval") as bar:
        done = cross_validate(
            release,
            output,
            say=say,
            progress=lambda share, told: bar(round(1000 * share), 1000),
            **options,
        )
    names = [*(fold.name for fold in done.folds), *(["prod"] if options["prod"] else [])]
    document = {
        "models": {name: str(output / name) for name in names},
        "cross_validation": done.document(),
    }
    emit("crossval", document, done.text(), as_json=as_json)
