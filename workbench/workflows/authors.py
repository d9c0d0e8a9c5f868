"""The labels of a zone by author: what one made alone, and what all others made."""

from __future__ import annotations

__all__ = ["open_alone", "open_journals", "open_without"]

from collections.abc import Iterable
from pathlib import Path

from workbench.campaign import Campaign
from workbench.errors import JournalError
from workbench.geo.zone import Zone
from workbench.labels.annotation import AnnotationStore
from workbench.labels.folder import journal_path
from workbench.labels.op import blind_track
from workbench.labels.reading import Journal, read_journals, read_own


def open_alone(campaign: Campaign, zone: Zone, author: str) -> AnnotationStore:
    """Open what the ops of one author make, read-only: their blind labels, where they made some.

    Raises
    ------
    JournalError
        The author has no journal in the zone.
    """
    path = journal_path(campaign.journal_dir(zone), author)
    if not path.exists():
        raise JournalError(f"zone {zone.id} has no journal of {author}; take an author who labelled it")
    journal = read_own(path, campaign.subject(zone))
    blind = blind_track(author)
    track = blind if any(row.track == blind for row in journal.rows) else "labels"
    return open_journals(campaign, zone, [journal], track=track)


def open_without(campaign: Campaign, zone: Zone, author: str) -> AnnotationStore:
    """Open the labels that the ops of all others make, read-only; nobody's blind labels are among them."""
    path = journal_path(campaign.journal_dir(zone), author)
    own = read_own(path, campaign.subject(zone)).rows if path.exists() else ()
    if all(row.track != "labels" for row in own):
        return campaign.open_store(zone)  # the same, and from a snapshot
    journals = read_journals(campaign.journal_dir(zone), campaign.subject(zone), skip=author)
    return open_journals(campaign, zone, journals, track="labels")


def open_journals(
    campaign: Campaign, zone: Zone, journals: Iterable[Journal], *, track: str, source: Path | None = None
) -> AnnotationStore:
    """Open what the ops of some journals make, read-only.

    Raises
    ------
    JournalError
        An op is none of the zone; it is named as one of ``source``, by default of the zone's journal folder.
    """
    return AnnotationStore(
        source or campaign.journal_dir(zone),
        campaign.subject(zone),
        footprint=zone.footprint(),
        codes=campaign.nomenclature.codes,
        others=list(journals),
        writer=None,
        track=track,
    )
