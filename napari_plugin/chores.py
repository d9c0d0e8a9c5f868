"""Long work on a campaign, each a function for a process of its own: values in, values out."""

from __future__ import annotations

__all__ = ["build_release", "export_labels", "ready_proposal", "segment_missing", "segment_zone"]

from functools import partial
from pathlib import Path

from napari_plugin.language import count, number, said, tr
from napari_plugin.processes import Report
from workbench.campaign import Campaign
from workbench.workflows import labelling, readying
from workbench.workflows.publishing import ReleaseOrder, publish
from workbench.workflows.segmenting import segment_zones


def segment_zone(directory: Path, zone_id: str, report: Report) -> int:
    """Make the regions of a zone; return how many, or 0 where they were there already."""
    campaign = Campaign.open(directory)
    return sum(_segmented(campaign, zone_id, report, done=0, total=1))


def segment_missing(directory: Path, report: Report) -> int:
    """Make the regions of every zone that has none; return of how many zones."""
    campaign = Campaign.open(directory)
    left = [zone.id for zone in campaign.zones() if not campaign.hierarchy_path(zone).exists()]
    for done, zone_id in enumerate(left):
        _segmented(campaign, zone_id, report, done=done, total=len(left))
    return len(left)


def export_labels(directory: Path, zone_id: str, output: Path, scheme: str, report: Report) -> str:
    """Write a zone's labels as a raster numbered by a scheme, over one that is there; tell how it went."""
    report(0.0, zone_id)
    campaign = Campaign.open(directory)
    return labelling.export_labels(campaign, campaign.zone(zone_id), output, scheme=scheme, overwrite=True)


def build_release(
    directory: Path, name: str, out: Path, layouts: tuple[str, ...], report: Report
) -> tuple[str, list[str]]:
    """Build a release of all accepted zones; return what was built, and which zones stay out, and why."""
    report(0.0, tr("reading the zones"))
    left_out: list[str] = []

    def advance(done: int, total: int) -> None:
        patches = count("{count} patch", "{count} patches", done)
        report(done / total, tr("{done} of {total}", done=patches, total=number(total)))

    built = publish(
        Campaign.open(directory),
        ReleaseOrder(name=name, out=out, layouts=layouts),
        say=left_out.append,
        progress=advance,
    )
    return built.text(), left_out


def ready_proposal(directory: Path, proposal: str, report: Report) -> readying.Readied:
    """Make a zone of a proposal, with regions, and pre-labels where the pool has a prediction."""
    words: dict[readying.Step, tuple[float, float, str]] = {
        "zone": (0.0, 0.05, tr("cutting the zone")),
        "regions": (0.05, 0.75, tr("making its regions")),
        "prelabels": (0.8, 0.2, tr("taking over what the model said")),
    }

    def advance(step: readying.Step, share: float) -> None:
        begun, part, told = words[step]
        report(begun + part * share, told)

    return readying.ready_proposal(Campaign.open(directory), proposal, progress=advance)


def _segmented(campaign: Campaign, zone_id: str, report: Report, *, done: int, total: int) -> list[int]:
    """Segment a zone, one of several; return the number of its leaves, where they were made."""
    advance = partial(_advance, report, done, total)
    made = segment_zones(campaign, zone_id, say=lambda sentence: None, progress=advance)
    return [one.hierarchy.leaf_count for one in made if not one.skipped]


def _advance(report: Report, done: int, total: int, step: str, share: float) -> None:
    report((done + share) / total, said(step))
