"""The labels of a zone by author: what one made alone, and what all others made."""

from __future__ import annotations

__all__ = ["open_alone", "open_without"]

from collections.abc import Iterable

from workbench.campaign import Campaign
from workbench.errors import JournalError
from workbench.geo.zone import Zone
from workbench.labels.annotation import AnnotationStore
from workbench.labels.folder import journal_path
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
    blind = f"blind-{author}"
    track = blind if any(row.track == blind for row in journal.rows) else "labels"
    return _open(campaign, zone, [journal], track)


def open_without(campaign: Campaign, zone: Zone, author: str) -> AnnotationStore:
    """Open the labels that the ops of all others make, read-only; nobody's blind labels are among them."""
    path = journal_path(campaign.journal_dir(zone), author)
    own = read_own(path, campaign.subject(zone)).rows if path.exists() else ()
    if all(row.track != "labels" for row in own):
        return campaign.open_store(zone)  # the same, and from a snapshot
    journals = read_journals(campaign.journal_dir(zone), campaign.subject(zone), skip=author)
    return _open(campaign, zone, journals, "labels")


def _open(campaign: Campaign, zone: Zone, journals: Iterable[Journal], track: str) -> AnnotationStore:
    return AnnotationStore(
        campaign.journal_dir(zone),
        campaign.subject(zone),
        footprint=zone.footprint(),
        codes=campaign.nomenclature.codes,
        others=list(journals),
        writer=None,
        track=track,
    )
