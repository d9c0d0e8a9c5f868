"""Questions to a zone's files that take seconds, each a function for another process: values in, values out.

Every edit is on the disk before it is on the screen, so the files are the state that the window shows; what
came since is told by the last op of each author.
"""

from __future__ import annotations

__all__ = [
    "Checked",
    "Fates",
    "check_labels",
    "compare_authors",
    "count_fates",
    "double_standing",
    "get_ready",
]

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_plugin.language import tr
from napari_plugin.processes import Report
from workbench.assessment.closing import check_closing
from workbench.campaign import Campaign
from workbench.geo.zone import Zone
from workbench.labels.annotation import AnnotationStore
from workbench.labels.op import Head
from workbench.labels.proposed import Group
from workbench.labels.provenance import prelabel_fates
from workbench.workflows.authors import open_alone
from workbench.workflows.closing import CheckedZone, check_store
from workbench.workflows.doubling import Compared, Double, compare_doubles, double

Fates = Mapping[Group, Mapping[str, int]]
"""Pixels of each group of pre-labels by what became of them; see `provenance.prelabel_fates`."""
_CORNER = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the checks found in the labels as they were at some moment."""

    zone: CheckedZone
    heads: tuple[Head, ...]
    """Last op of each author that may have changed labels."""


def get_ready(directory: Path, zone_id: str, blind: str, report: Report) -> None:
    """Load all that `check_labels` needs, by a look at a corner of the zone."""
    campaign, zone = _zone(directory, zone_id)
    with _labels(campaign, zone, blind) as store:
        corner = store.labels[:_CORNER, :_CORNER], store.footprint[:_CORNER, :_CORNER]
    bands = dict.fromkeys(zone.ortho.bands, corner[0])
    check_closing(*corner, bands, campaign.nomenclature)


def check_labels(directory: Path, zone_id: str, blind: str, report: Report) -> Checked:
    """Look over the labels of a zone, or (``blind`` names who) somebody's blind labels of it.

    Raises
    ------
    WorkbenchError
        The zone's picture or journals cannot be read.
    """
    campaign, zone = _zone(directory, zone_id)
    report(0.1, tr("reading the labels"))
    with _labels(campaign, zone, blind) as store:
        report(0.3, tr("looking them over"))
        return Checked(zone=check_store(campaign, zone, store), heads=store.label_heads())


def count_fates(directory: Path, zone_id: str, report: Report) -> Fates:
    """Count what became of the pre-labels of a zone."""
    campaign, zone = _zone(directory, zone_id)
    report(0.1, tr("reading the labels"))
    with campaign.open_store(zone) as store:
        report(0.4, tr("counting pixels"))
        return prelabel_fates(store)


def double_standing(directory: Path, zone_id: str, report: Report) -> Double:
    """Tell how far the annotations of a zone are that two people make."""
    campaign, zone = _zone(directory, zone_id)
    report(0.1, tr("reading the labels"))
    return double(campaign, zone)


def compare_authors(directory: Path, zone_id: str, authors: tuple[str, str], report: Report) -> Compared:
    """Lay the annotations of two people over each other, if both are done."""
    campaign, zone = _zone(directory, zone_id)
    report(0.1, tr("comparing"))
    return compare_doubles(campaign, zone, authors)


def _zone(directory: Path, zone_id: str) -> tuple[Campaign, Zone]:
    campaign = Campaign.open(directory)
    return campaign, campaign.zone(zone_id)


def _labels(campaign: Campaign, zone: Zone, blind: str) -> AnnotationStore:
    return open_alone(campaign, zone, blind) if blind else campaign.open_store(zone)
