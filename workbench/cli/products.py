"""Commands that make maps of predictions."""

from __future__ import annotations

__all__ = ["product"]

from pathlib import Path
from typing import Any

import click

from workbench.cli.options import (
    JSON,
    OVERWRITE,
    PATH,
    emit,
    example,
    progress,
    split_decisions,
)


@click.group()
def product() -> None:
    """Make the maps that are published out of predictions."""


@product.command(
    "build",
    epilog=example("workbench product build prediction.tif -o cosia --kind cosia --domain D051_2019"),
)
@click.argument("prediction", metavar="PREDICTION.tif", type=PATH)
@click.option(
    "-o", "--output", type=PATH, required=True, help="FILE.gpkg; of CoSIA, or a folder for blocks of 10 km."
)
@click.option(
    "--kind",
    type=click.Choice(["cosia", "ocsge"]),
    required=True,
    help="CoSIA, or OCS GE cover generalised to its minimum mapping units.",
)
@click.option("--domain", help="Department and year that blocks are named after, such as D055_2018.")
@click.option("--hierarchy", type=PATH, help="Hierarchy of the same image: each region gets one class.")
@click.option("--scale", type=click.FloatRange(min=0), help="λ of its regions (0, the leaves, if not given).")
@click.option("--mmu", help="Minimum areas in m²: 2500,CS1.1.1.1=200 (of OCS GE, if not given).")
@click.option(
    "--resolution", type=click.FloatRange(min=0, min_open=True), help="Metres of larger pixels, by majority."
)
@click.option("--crosswalk", help="Another table of classes, by name or path: flair-19-to-cosia-15.")
@click.option(
    "--decide",
    "decisions",
    metavar="OLD=NEW",
    multiple=True,
    callback=split_decisions,
    help="What a class that the table leaves undecided becomes.",
)
@click.option("--nomenclature", default="flair-19", show_default=True, help="Of the prediction's classes.")
@click.option(
    "--scheme",
    help="How the prediction is numbered: as it says, or else codes; flair-argmax, flair, flair_hub, …",
)
@click.option("--crs", help="Where the prediction lies, if its own CRS has no EPSG code: EPSG:2154.")
@OVERWRITE
@JSON
def product_build(prediction: Path, output: Path, scale: float | None, as_json: bool, **options: Any) -> None:
    """Make CoSIA or OCS GE cover of a prediction: GeoPackage, GeoTIFF and a style for QGIS."""
    from workbench.workflows.products import build_product

    if scale is not None and options["hierarchy"] is None:
        raise click.UsageError("--scale is that of regions; give their --hierarchy, too")
    with progress("blocks") as bar:
        built = build_product(prediction, output, scale=scale or 0.0, progress=bar, **options)
    emit("product-build", built.document(), built.text(), as_json=as_json)
