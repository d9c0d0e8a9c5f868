"""Commands that make hierarchies and look into them."""

from __future__ import annotations

__all__ = ["hierarchy", "segment"]

from pathlib import Path
from typing import Literal

import click

from workbench.cli.commands import Command, Group
from workbench.cli.options import JSON, OVERWRITE, PATH, emit, example, open_campaign, progress, say, table


@click.command(cls=Command, epilog=example("workbench segment ortho.tif -o hierarchy.h5"))
@click.argument("source", metavar="RASTER|DIR", type=PATH)
@click.option("-o", "--output", type=PATH, help="Hierarchy to write, for a raster.")
@click.option("--zone", "zone_id", help="Zone to segment, for a campaign.")
@click.option("--all", "every", is_flag=True, help="Segment all zones of a campaign.")
@click.option(
    "--preset", type=click.Choice(["default", "plain"]), default="default", help="Settings to segment with."
)
@click.option(
    "--memory",
    type=click.FloatRange(min=0.0, min_open=True),
    help="GiB that a raster may take (6 if not given); one that needs more is segmented block by block.",
)
@OVERWRITE
@JSON
def segment(
    source: Path,
    output: Path | None,
    zone_id: str | None,
    every: bool,
    preset: Literal["default", "plain"],
    memory: float | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Segment a raster, or zones of a campaign, into a scale-sets hierarchy."""
    from workbench.segmentation import SegmentationParameters
    from workbench.workflows import segmenting

    parameters = SegmentationParameters.preset(preset)
    zones = (zone_id is not None) + every
    if source.is_dir() == (output is not None) or zones != source.is_dir():
        raise click.UsageError("give RASTER with -o H.h5, or a campaign DIR with --zone ID or --all")
    if memory is not None and output is None:
        raise click.UsageError("--memory is for a raster; a zone is segmented at once")
    if output is not None:
        with progress("percent") as bar:
            done = [
                segmenting.segment_raster(
                    source,
                    output,
                    parameters=parameters,
                    overwrite=overwrite,
                    memory=memory or segmenting.MEMORY,
                    progress=lambda _, share: bar(round(100 * share), 100),
                    say=say,
                )
            ]
    else:
        with progress("percent") as bar:
            zones_done = segmenting.segment_zones(
                open_campaign(source),
                zone_id,
                parameters=parameters,
                overwrite=overwrite,
                say=say,
                progress=lambda _, share: bar(round(100 * share), 100),
            )
            done = list(zones_done)
    text = "\n".join(one.text() for one in done) or f"{source} has no zone yet; see workbench zone add --help"
    emit("segment", segmenting.summary(done), text, as_json=as_json)


@click.group(cls=Group)
def hierarchy() -> None:
    """Look into a hierarchy."""


_H5 = click.argument("path", metavar="H.h5", type=PATH)


@hierarchy.command("info", epilog=example("workbench hierarchy info hierarchy.h5"))
@_H5
@JSON
def hierarchy_info(path: Path, as_json: bool) -> None:
    """Show what a hierarchy was made of and how many regions it has at some scales."""
    from workbench.workflows.hierarchies import describe

    found = describe(path)
    emit("hierarchy-info", found, table(list(found.items())), as_json=as_json)


@hierarchy.command("cut", epilog=example("workbench hierarchy cut hierarchy.h5 --regions 500 -o regions.tif"))
@_H5
@click.option("--scale", type=click.FloatRange(min=0), help="λ: regions whose merging cost less are merged.")
@click.option("--regions", type=click.IntRange(min=1), help="Largest number of regions wanted.")
@click.option("-o", "--output", type=PATH, required=True)
@OVERWRITE
def hierarchy_cut(
    path: Path, scale: float | None, regions: int | None, output: Path, overwrite: bool
) -> None:
    """Write the regions at one scale as a raster; 0 = no data, regions from 1."""
    from workbench.workflows.hierarchies import write_cut

    if (scale is None) == (regions is None):
        raise click.UsageError("give one of --scale and --regions")
    click.echo(write_cut(path, output, scale=scale, regions=regions, overwrite=overwrite))


@hierarchy.command("evaluate", epilog=example("workbench hierarchy evaluate hierarchy.h5 truth.tif"))
@_H5
@click.argument("truth", metavar="TRUTH.tif", type=PATH)
@JSON
def hierarchy_evaluate(path: Path, truth: Path, as_json: bool) -> None:
    """Measure how few picks would label a known mask, and how well region borders follow it."""
    from workbench.workflows.hierarchies import evaluate_file

    found, text = evaluate_file(path, truth)
    emit("hierarchy-evaluate", found, text, as_json=as_json)
