"""The commands of releases: two that build one and look it over, and those of other modules."""

from __future__ import annotations

__all__ = ["release"]

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.challenging import release_score, release_subset
from workbench.cli.commands import Group
from workbench.cli.describing import release_diff, release_report, release_stats
from workbench.cli.gating import release_leakage, rule_options
from workbench.cli.importing import release_import
from workbench.cli.options import DIR, JSON, PATH, emit, example, open_campaign, progress, say, split_names
from workbench.cli.publishing import release_publish
from workbench.cli.recoding import release_recode
from workbench.cli.withdrawing import release_withdraw

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


@click.group(cls=Group)
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
    help="Patches of another size, in metres, such as 256@0.5 with --layout flair-hub; the national grid, "
    "102.4@0.2, if not given.",
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
@click.option(
    "--exclude", type=PATH, metavar="VECTOR", help="Polygons of ground that stays out; no points or lines."
)
@click.option(
    "--readmit", multiple=True, metavar="ZONE", help="Zone that was withdrawn, to come back; repeatable."
)
@rule_options
@click.option("--report", is_flag=True, help="Build nothing, and explain what each rule finds.")
@JSON
def release_build(
    directory: Path,
    as_json: bool,
    lattice: PatchLattice | None,
    limits: dict[str, Any],
    report: bool,
    **options: Any,
) -> None:
    """Build a release of all accepted zones; it appears whole or not at all."""
    from workbench.export.rules import Rules
    from workbench.export.trial import Trial
    from workbench.geo.grid import NATIONAL_GRID
    from workbench.workflows.publishing import ReleaseOrder, judge, publish

    chosen = {"lattice": lattice or NATIONAL_GRID, "rules": Rules(**limits)}
    opened, order = open_campaign(directory), ReleaseOrder(**options | chosen)
    with progress("patches") as bar:
        done = (judge if report else publish)(opened, order, say=say, progress=bar)
    emit("release-build", done.document(), done.text(), as_json=as_json)
    sys.exit(1 if isinstance(done, Trial) and done.refused else 0)


@release.command("verify", epilog=example("workbench release verify releases/FR_V0.1"))
@click.argument("path", metavar="RELEASE", type=PATH)
@click.option("--sealed", type=PATH, help="Release with the labels that this one withholds, to prove it by.")
@click.option("--pixels", is_flag=True, help="Read the pixels of images, too; it takes longer.")
@JSON
def release_verify(path: Path, sealed: Path | None, pixels: bool, as_json: bool) -> None:
    """Check every file of a release against its digests and its layouts' rules.

    Labels are read and held against class counts and the digest of their pixels in the index. Of images
    only the headers are, unless --pixels is given: then they are held against the digest of the orthophoto's
    pixels where a layout has all its bands, and against its fingerprint where one has red, green and blue.
    """
    from workbench.export import verify_release
    from workbench.threads import in_threads

    with in_threads() as threads:
        report = verify_release(path, sealed=sealed, pixels=pixels, map=threads)
    emit("release-verify", report.document(), report.text(), as_json=as_json)
    sys.exit(0 if report.sound else 1)


for _command in (
    release_stats,
    release_leakage,
    release_report,
    release_diff,
    release_publish,
    release_subset,
    release_withdraw,
    release_recode,
    release_score,
    release_import,
):
    release.add_command(_command)
