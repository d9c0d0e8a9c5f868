"""Commands that import models, look at them and publish them."""

from __future__ import annotations

__all__ = ["model"]

import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli.commands import Group
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
    split_names,
    table,
)

_STAND_IN = "FLAIR-INC_rgb_15cl_resnet34-unet_weights.pth"


@click.group(cls=Group)
def model() -> None:
    """Import models, look at them, publish them."""


@model.command("import", epilog=example(f"workbench model import {_STAND_IN} -o flair-inc-rgb"))
@click.argument("source", metavar="PATH|HUB-NAME")
@click.option("-o", "--output", type=PATH, required=True, metavar="MODEL_DIR", help="Model to write.")
@click.option("--id", "model_id", help="What it is to be called (as its folder if not given).")
@click.option("--title", help="Its title.")
@click.option(
    "--family",
    type=click.Choice(["flair-inc", "flair-hub"]),
    help="Whose classes and statistics it has, where the file does not tell.",
)
@click.option(
    "--classes", callback=split_names, help="Keys of its outputs in order, or a scheme: flair, flair_hub."
)
@click.option("--untrained", callback=split_names, help="Keys of classes that were not trained.")
@click.option("--bands", callback=split_names, help="What it takes: R,G,B or NAME:MEAN:STD,…")
@click.option(
    "--adapt-bands", callback=split_names, help="What it is to take instead, by changing its first layer."
)
@click.option("--resolution", type=click.FloatRange(min=0, min_open=True), help="Metres per pixel.")
@click.option("--licence", help="Under which it may be used.")
@click.option("--nomenclature", help="Of its classes (flair-19 if not given).")
@click.option("--encoder", help="Its encoder, where that is not recognised.")
@click.option("--network", is_flag=True, help="Fetch a model of the Hugging Face hub.")
@OVERWRITE
@JSON
def model_import(source: str, output: Path, as_json: bool, **options: Any) -> None:
    """Make a model of a checkpoint: FLAIR-INC, FLAIR-HUB, ODEON, smp, transformers or ours."""
    from workbench.inference.flair import FAMILIES
    from workbench.inference.telling import Said
    from workbench.workflows.models import import_model, parse_bands

    leave = {name: options.pop(name) for name in ("network", "overwrite")}
    called, family = options.pop("model_id"), options.pop("family")
    for name in ("bands", "adapt_bands"):
        options[name] = parse_bands(options[name]) if options[name] else None
    said = Said(family=FAMILIES[family] if family else None, **options)
    done = import_model(source, output, id=called, said=said, **leave)
    emit("model-import", done.document(), done.text(), as_json=as_json)


@model.command("info", epilog=example("workbench model info flair-inc-rgb"))
@click.argument("directory", metavar="MODEL_DIR", type=PATH)
@JSON
def model_info(directory: Path, as_json: bool) -> None:
    """Show what a model takes, gives and may be used for."""
    from workbench.workflows.models import describe_model

    found = describe_model(directory)
    emit("model-info", found.document(), found.text(), as_json=as_json)


@model.command("list", epilog=example("workbench model list ."))
@click.argument("folder", metavar="[DIR|FOLDER]", type=PATH, default=".")
@click.option("--published", is_flag=True, help="List the models that IGN names instead.")
@JSON
def model_list(folder: Path, published: bool, as_json: bool) -> None:
    """List the models of a folder or a campaign, or those that IGN has published."""
    from workbench.inference.published import PUBLISHED
    from workbench.workflows.models import list_models

    if published:
        document = {"models": [], "damaged": [], "published": [one.document() for one in PUBLISHED]}
        head = ("NAME", "NETWORK", "BANDS", "PARAMETERS", "REMARK")
        rows = [one.row() for one in PUBLISHED]
        emit("model-list", document, table([head, *rows]), as_json=as_json)
        return
    found = list_models(folder)
    rows = [one.row() for one in found.models]
    none = f"{folder} has no model; see workbench model import --help"
    text = table([("PATH", "ID", "NETWORK", "BANDS", "CLASSES", "METRES", "MB"), *rows]) if rows else none
    emit("model-list", found.document(), "\n".join([text, *dict(found.damaged).values()]), as_json=as_json)
    sys.exit(1 if found.damaged else 0)


@model.command(
    "publish",
    epilog=example(
        "workbench model publish MODEL -o published --release releases/FR_V0.1 --licence etalab-2.0"
    ),
)
@click.argument("directory", metavar="MODEL", type=PATH)
@click.option("-o", "--output", type=PATH, required=True, help="Folder to write.")
@click.option(
    "--release",
    type=PATH,
    help="Release to take statistics of, and figures; nothing is measured if not given.",
)
@click.option(
    "--split",
    callback=split_name,
    help="Split of it: 1 to 5 or prod (that which the model learned from if not given).",
)
@click.option(
    "--rule",
    type=click.Choice(["challenge", "flair"]),
    default="challenge",
    show_default=True,
    help="Which mean of the IoU comes first, as for evaluate.",
)
@click.option("--licence", help="Under which it is published, such as etalab-2.0 (its card's if not given).")
@click.option("--authors", callback=split_names, help="Who made it, joined by commas.")
@click.option("--contact", help="Whom to write to.")
@DEVICE
@OVERWRITE
@JSON
def model_publish(
    directory: Path, output: Path, authors: tuple[str, ...] | None, as_json: bool, **options: Any
) -> None:
    """Write the folder of a model for a model hub: its card with figures of ground that it never saw."""
    from workbench.workflows.model_publishing import publish_model

    with progress("patches") as bar:
        done = publish_model(directory, output, authors=authors or (), say=say, progress=bar, **options)
    emit("model-publish", done.document(), done.text(), as_json=as_json)
