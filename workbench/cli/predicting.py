"""Commands that ask models what a raster shows."""

from __future__ import annotations

__all__ = ["predict"]

from pathlib import Path
from typing import Literal

import click

from workbench.cli.commands import Command
from workbench.cli.options import DEVICE, JSON, OVERWRITE, PATH, emit, example, progress, say, split_names


@click.command(cls=Command, epilog=example("workbench predict ortho.tif --model MODEL -o prediction.tif"))
@click.argument("raster", type=PATH)
@click.option(
    "--model",
    "models",
    type=PATH,
    multiple=True,
    help="Directory of a model; given several times, their mean. The demonstration model if not given.",
)
@click.option("-o", "--output", type=PATH, required=True, help="GeoTIFF to write.")
@click.option("--probabilities", type=PATH, help="GeoTIFF to write with the probability of each class.")
@click.option(
    "--bands", callback=split_names, help="What each band shows, such as R,G,B,NIR (by count if not given)."
)
@click.option("--resample", is_flag=True, help="Give the model pixels of the size that it was trained at.")
@DEVICE
@click.option(
    "--tile", type=int, help="Side of a tile, a multiple of 32; 512, on a graphics card 1024 if not given."
)
@click.option("--margin", type=int, help="What is cropped of each side of it, an eighth if not given.")
@click.option(
    "--blend",
    is_flag=True,
    help="Average all tiles that hold a pixel, for transformers; twice as slow.",
)
@click.option(
    "--views",
    type=click.Choice([1, 4, 8]),
    default=1,
    show_default=True,
    help="Look at each tile so often, turned and mirrored; as much slower.",
)
@OVERWRITE
@JSON
def predict(
    raster: Path,
    models: tuple[Path, ...],
    output: Path,
    probabilities: Path | None,
    bands: tuple[str, ...] | None,
    resample: bool,
    device: str,
    tile: int | None,
    margin: int | None,
    blend: bool,
    views: Literal[1, 4, 8],
    overwrite: bool,
    as_json: bool,
) -> None:
    """Predict a raster of any size: class, probability and entropy of each pixel, a band each.

    What is stopped goes on where it was, when it is asked for again.
    """
    from workbench.inference.embedded import embedded_model
    from workbench.inference.tiles import Tiling
    from workbench.workflows.predicting import open_models, predict_file

    segmenter = open_models(models or [embedded_model()], views=views, device=device)
    with progress("tiles") as bar:
        done = predict_file(
            raster,
            output,
            segmenter,
            tiling=Tiling.on(segmenter.device, size=tile, margin=margin, blended=blend),
            bands=bands,
            resample=resample,
            probabilities=probabilities,
            overwrite=overwrite,
            say=say,
            progress=bar,
        )
    emit("predict", done.document(), done.text(), as_json=as_json)
