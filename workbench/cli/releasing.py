"""Commands that build releases and look them over."""

from __future__ import annotations

__all__ = ["release"]

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.options import (
    DIR,
    JSON,
    OVERWRITE,
    PATH,
    emit,
    example,
    open_campaign,
    progress,
    say,
    split_names,
)

if TYPE_CHECKING:
    from workbench.geo.grid import PatchLattice


def _lattice(ctx: click.Context, param: click.Parameter, value: str | None) -> PatchLattice | None:
    """Read PITCH@RESOLUTION."""
    from workbench.errors import GridError
    from workbench.geo.grid import parse_lattice

    try:
        return None if value is None else parse_lattice(value)
    except GridError as error:
        raise click.BadParameter(str(error)) from error


@click.group()
def release() -> None:
    """Cut accepted zones into versioned patch releases."""


@release.command("build", epilog=example("workbench release build DIR --name FR_V0.1 -o releases"))
@DIR
@click.option("--name", required=True, help="Name of the release, such as FR_V0.1.")
@click.option("-o", "--output", "out", type=PATH, required=True, help="Folder that the release goes into.")
@click.option(
    "--layout",
    "layouts",
    callback=split_names,
    default="flair-hub,flair1",
    show_default=True,
    help="Layouts joined by commas; NAME=FOLDER names the folder.",
)
@click.option(
    "--modality",
    "modalities",
    callback=split_names,
    help="What FLAIR-HUB's tree is to have beside orthophoto and labels, joined by commas: elevation, "
    "historical, spot, sentinel2, sentinel2-masks, sentinel1-asc, sentinel1-desc, parcels; or none. All "
    "that every zone has if not given.",
)
@click.option(
    "--grid",
    "lattice",
    callback=_lattice,
    metavar="PITCH@RESOLUTION",
    help="Patches of another size, in metres, such as 256@0.5; the national grid, 102.4@0.2, if not given.",
)
@click.option(
    "--parent",
    type=PATH,
    metavar="RELEASE",
    help="Release to build on: what did not change is taken from it.",
)
@click.option(
    "--version", help="Such as 1.2.0; as the name ends, or the next after the parent's, if not given."
)
@click.option("--exclude", type=PATH, metavar="VECTOR", help="Polygons of ground that stays out.")
@click.option(
    "--readmit", multiple=True, metavar="ZONE", help="Zone that was withdrawn, to come back; repeatable."
)
@JSON
def release_build(directory: Path, as_json: bool, lattice: PatchLattice | None, **options: Any) -> None:
    """Build a release of all accepted zones; it appears whole or not at all."""
    from workbench.geo.grid import NATIONAL_GRID
    from workbench.workflows.publishing import publish

    opened = open_campaign(directory)
    with progress("patches") as bar:
        built = publish(opened, **options, lattice=lattice or NATIONAL_GRID, say=say, progress=bar)
    emit("release-build", built.document(), built.text(), as_json=as_json)


@release.command("verify", epilog=example("workbench release verify releases/FR_V0.1"))
@click.argument("path", metavar="RELEASE", type=PATH)
@JSON
def release_verify(path: Path, as_json: bool) -> None:
    """Check every file of a release against its digests and its layouts' rules."""
    from workbench.export import verify_release
    from workbench.threads import in_threads

    with in_threads() as threads:
        report = verify_release(path, map=threads)
    emit("release-verify", report.document(), report.text(), as_json=as_json)
    sys.exit(0 if report.sound else 1)


@release.command("diff", epilog=example("workbench release diff releases/FR_V0.1 releases/FR_V0.2"))
@click.argument("before", metavar="A", type=PATH)
@click.argument("after", metavar="B", type=PATH)
@click.option(
    "--campaign",
    "directory",
    type=PATH,
    metavar="DIR",
    help="Campaign that B was built from: its journals say why labels changed.",
)
@click.option("--changelog", "notes", type=PATH, metavar="FILE.md", help="Write a changelog for B's notes.")
@click.option("--report", "page", type=PATH, metavar="FILE.html", help="Write a page with pictures.")
@click.option(
    "--thumbnails",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Patches that the page shows as pictures; the others are listed.",
)
@OVERWRITE
@JSON
def release_diff(before: Path, after: Path, directory: Path | None, as_json: bool, **options: Any) -> None:
    """Tell what changed from release A to B, pixel by pixel.

    Exit status 1 where a release is damaged, or where the campaign's journals do not explain a patch that
    changed.
    """
    from workbench.workflows.release_comparing import compare_releases

    opened = open_campaign(directory) if directory else None
    with progress("patches") as bar:
        found = compare_releases(before, after, campaign=opened, progress=bar, **options)
    emit("release-diff", found.document(), found.text(), as_json=as_json)
    sys.exit(0 if found.sound else 1)
