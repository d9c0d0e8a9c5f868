"""The command line of the scene maker."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["make"]

import time
from pathlib import Path

import click

from workbench.errors import WorkbenchError

from .files import check_free, national_corner, place_of, write_scene
from .scene import LARGEST, SMALLEST, THEMES, make_scene


@click.command(
    epilog="Example: python sample_data/make.py --seed 7 --size 1024 --theme AU -o scene-7",
    context_settings={"show_default": True},
)
@click.option(
    "--seed", type=click.IntRange(0), required=True, help="Any integer from 0; other seeds, other scenes."
)
@click.option("--size", type=click.IntRange(SMALLEST, LARGEST), default=4700, help="Side in pixels of 0.2 m.")
@click.option(
    "-o", "--out", "directory", type=click.Path(path_type=Path), required=True, help="Folder to write to."
)
@click.option(
    "--theme",
    type=click.Choice(THEMES, case_sensitive=False),
    metavar="XX",
    help="Main and second of U(rban), A(gricultural), F(orest), N(atural), H(ydro); else the seed chooses.",
)
@click.option("--x", type=float, help="Left edge in Lambert-93, moved to the national patch grid.")
@click.option("--y", type=float, help="Top edge in Lambert-93, moved to the national patch grid.")
@click.option("--snow", is_flag=True, help="Let snow lie in patches.")
@click.option("--no-elevation", is_flag=True, help="Write R, G, B and NIR only.")
@click.option("--overwrite", is_flag=True, help="Replace the files of another scene.")
def make(
    seed: int,
    size: int,
    directory: Path,
    theme: str | None,
    x: float | None,
    y: float | None,
    snow: bool,
    no_elevation: bool,
    overwrite: bool,
) -> None:
    """Make a synthetic orthophoto with exact class and object truth.

    Writes ortho.tif, truth.tif (FLAIR codes 1-19), objects.tif and scene.json.
    """
    if (x is None) != (y is None):
        raise click.UsageError("give both --x and --y, or neither")
    start = time.perf_counter()
    try:
        left, top = place_of(seed) if x is None or y is None else national_corner(x, y)
        if not overwrite:
            check_free(directory)
        scene = make_scene(seed=seed, height=size, theme=theme, snow=snow)
        paths = write_scene(scene, directory, x=left, y=top, elevation=not no_elevation, overwrite=overwrite)
    except (WorkbenchError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(
        f"{paths.ortho}: theme {scene.theme}, {scene.object_count:,} objects, upper left at "
        f"({left:.1f}, {top:.1f}), {time.perf_counter() - start:.0f} s",
        err=True,
    )
