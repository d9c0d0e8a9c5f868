"""Commands that build releases and look them over."""

from __future__ import annotations

__all__ = ["release"]

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.gating import release_leakage, rule_options
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


def _asked(sentence: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Ask for what a data set must say and a release cannot know."""

    def given(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        if value is None and not ctx.resilient_parsing:
            raise click.UsageError(sentence)
        return value

    return given


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
    from workbench.workflows.publishing import judge, publish

    opened, rules = open_campaign(directory), Rules(**limits)
    options |= {"lattice": lattice or NATIONAL_GRID, "rules": rules, "say": say}
    with progress("patches") as bar:
        done = judge(opened, **options, progress=bar) if report else publish(opened, **options, progress=bar)
    emit("release-build", done.document(), done.text(), as_json=as_json)
    sys.exit(1 if isinstance(done, Trial) and done.refused else 0)


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


@release.command(
    "publish",
    epilog=example(
        "workbench release publish releases/FR_V0.1 -o public --licence etalab-2.0 --date 2026-01-31"
    ),
)
@click.argument("path", metavar="RELEASE", type=PATH)
@click.option("-o", "--output", "out", type=PATH, required=True, help="Folder that the data set goes into.")
@click.option(
    "--licence",
    callback=_asked("nobody may use data without a licence; give one with --licence, such as etalab-2.0"),
    help="Under which the data are published, such as etalab-2.0 or cc-by-4.0.",
)
@click.option(
    "--date",
    "published",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    callback=_asked("a release does not know when it is published; give the day with --date YYYY-MM-DD"),
    help="Day of publication.",
)
@click.option("--title", help="Its title (the release's name if not given).")
@click.option("--authors", callback=split_names, help="Who made it, joined by commas.")
@click.option("--contact", help="Whom to write to.")
@click.option("--url", help="Where it will be found.")
@click.option("--doi", help="Its DOI.")
@click.option("--description", type=PATH, metavar="FILE.md", help="Text for its card, in Markdown.")
@click.option(
    "--known-bias", "biases", multiple=True, metavar="TEXT", help="What users should know of; repeatable."
)
@JSON
def release_publish(path: Path, out: Path, published: datetime, as_json: bool, **said: Any) -> None:
    """Write the folder of a data set: a release as it is, with what hubs and catalogues read about it."""
    from workbench.dataset import publish_dataset, read_edition
    from workbench.export import open_release
    from workbench.threads import in_threads

    title = said.pop("title") or open_release(path).name
    edition = read_edition(title=title, published=published.date(), **said)
    with in_threads() as threads, progress("files, patches") as bar:
        done = publish_dataset(path, out, edition=edition, map=threads, progress=bar)
    emit("release-publish", done.document(), done.text(), as_json=as_json)


release.add_command(release_leakage)


@release.command("stats", epilog=example("workbench release stats releases/FR_V0.1 --no-pixels"))
@click.argument("path", metavar="RELEASE", type=PATH)
@click.option(
    "--no-pixels", is_flag=True, help="Leave out mean and std of the bands, which read every image."
)
@JSON
def release_stats(path: Path, no_pixels: bool, as_json: bool) -> None:
    """Count patches, ground and classes of a release by domain, fold and set."""
    from workbench.export import open_release
    from workbench.export.figures import measure_release
    from workbench.threads import in_threads

    with in_threads() as threads, progress("patches") as bar:
        found = measure_release(open_release(path), pixels=not no_pixels, progress=bar, map=threads)
    emit("release-stats", found.document(), found.text(), as_json=as_json)


@release.command("report", epilog=example("workbench release report releases/FR_V0.1 -o report.html"))
@click.argument("path", metavar="RELEASE", type=PATH)
@click.option("-o", "--output", type=PATH, required=True, help="The page, such as report.html.")
@click.option("--campaign", type=PATH, metavar="DIR", help="Tells what an older release does not.")
@click.option(
    "--no-pixels", is_flag=True, help="Leave out mean and std of the bands, which read every image."
)
@OVERWRITE
def release_report(path: Path, campaign: Path | None, no_pixels: bool, **options: Any) -> None:
    """Write what a release is as one page, with a map, class histograms and patches to look at."""
    from workbench.threads import in_threads
    from workbench.workflows.reporting import write_report

    opened = open_campaign(campaign) if campaign else None
    with in_threads() as threads, progress("patches") as bar:
        write_report(
            path, campaign=opened, pixels=not no_pixels, say=say, progress=bar, map=threads, **options
        )


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
