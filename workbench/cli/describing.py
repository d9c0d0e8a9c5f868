"""Commands that tell what is in a release, and what changed since another."""

from __future__ import annotations

__all__ = ["release_diff", "release_report", "release_stats"]

import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli.commands import Command
from workbench.cli.options import JSON, OVERWRITE, PATH, emit, example, open_campaign, progress, say


@click.command("stats", cls=Command, epilog=example("workbench release stats releases/FR_V0.1 --no-pixels"))
@click.argument("path", metavar="RELEASE", type=PATH)
@click.option(
    "--no-pixels", is_flag=True, help="Leave out mean and std of the bands, which read every image."
)
@JSON
def release_stats(path: Path, no_pixels: bool, as_json: bool) -> None:
    """Count patches, ground and classes of a release by domain, fold and set.

    Card, index and classes are proven by their digests, and each image file as it is read; exit status 1
    where one is damaged. `workbench release verify` proves all the rest.
    """
    from workbench.export import open_release
    from workbench.export.figures import measure_release
    from workbench.threads import in_threads

    with in_threads() as threads, progress("patches") as bar:
        found = measure_release(open_release(path), pixels=not no_pixels, progress=bar, map=threads)
    emit("release-stats", found.document(), found.text(), as_json=as_json)


@click.command(
    "report", cls=Command, epilog=example("workbench release report releases/FR_V0.1 -o report.html")
)
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


@click.command(
    "diff", cls=Command, epilog=example("workbench release diff releases/FR_V0.1 releases/FR_V0.2")
)
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

    Exit status 1 where the campaign's journals do not explain a patch that changed, or where a release is
    damaged in what is read of it: card, index, classes, and files of patches whose digests differ. `workbench
    release verify` proves all the rest.
    """
    from workbench.workflows.release_comparing import compare_releases

    opened = open_campaign(directory) if directory else None
    with progress("patches") as bar:
        found = compare_releases(before, after, campaign=opened, progress=bar, **options)
    emit("release-diff", found.document(), found.text(), as_json=as_json)
    sys.exit(0 if found.sound else 1)
