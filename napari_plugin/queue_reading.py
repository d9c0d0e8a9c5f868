"""Reading a campaign's zones for a queue: those first that somebody looks at, and none twice for nothing.

All of it is done by one thread beside the window; the window only says which zones it shows.
"""

from __future__ import annotations

__all__ = ["ZoneReader"]

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from napari_plugin.language import number, tr
from napari_plugin.queue import Offers, QueuedZone, WaitingProposals, kept_offers
from napari_plugin.reasons import ClassTitles
from workbench.active.offer import Offer
from workbench.active.proposal import ZoneProposal, read_proposals
from workbench.campaign import Campaign
from workbench.errors import CampaignError, JournalError
from workbench.geo.zone import Zone
from workbench.labels.folder import QUARANTINE
from workbench.labels.meta import JournalSubject
from workbench.labels.outline import Outline, read_outline, read_share
from workbench.leases import leases
from workbench.workflows.admitting import admitted_authors, gold_zones
from workbench.workflows.zone_proposing import FILE

_BATCH_SECONDS = 0.15
"""What was read is told so often: at once for the eye, and rarely enough for the window."""
_SEEN_BY_JOURNALS = (".sqlite", ".sqlite-wal", ".sqlite-journal", ".mending")

Tell = Callable[[list[QueuedZone]], None]
"""Called with zones of which more is known than before."""
_Stamps = tuple[tuple[str, int, int], ...] | None
"""None where files cannot be looked at: whatever was read then is read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What was read of a zone, and what its files looked like then."""

    stamps: _Stamps
    outline: Outline | None
    problem: str
    labelled: float | None = None


class ZoneReader:
    """Reads the zones of a campaign.

    Parameters
    ----------
    directory
        The campaign.
    author
        Who looks.
    offers
        Says which zones are proposed.
    """

    def __init__(self, directory: Path, author: str, *, offers: Offers = kept_offers) -> None:
        self._directory, self._author, self._offers = directory, author, offers
        self._campaign: Campaign | None = None
        self._facts: dict[str, str] = {}
        self._nomenclature = ""
        self._listed: list[QueuedZone] = []
        self._zones: dict[str, QueuedZone] = {}
        self._kept: dict[str, _Kept] = {}
        self._places: dict[str, tuple[Path, Path]] = {}
        self._unread: dict[str, None] = {}
        self.wanted: tuple[str, ...] = ()
        """Ids of the zones that somebody looks at; set by the window at any time."""
        self.waiting = WaitingProposals()
        """Proposals that were no zones yet when the registry was read last; told before the zones are."""
        self._proposed: tuple[tuple[int, int], tuple[ZoneProposal, ...]] | None = None
        """What was read of the file of proposals, and what that looked like then."""

    def read(self, *, tell: Tell, report: Callable[[float, str], None]) -> None:
        """Read the registry, then the journals of every zone that changed since they were read.

        Raises
        ------
        WorkbenchError
            The campaign cannot be opened, or its registry is damaged. Damaged journals are told.
        """
        self._begin()
        tell(list(self._zones.values()))
        self.go_on(tell=tell, report=report)

    def go_on(self, *, tell: Tell, report: Callable[[float, str], None]) -> None:
        """Read what is not read yet, and count the labels of the zones that are wanted."""
        fresh: dict[str, QueuedZone] = {}
        told = time.monotonic()
        while (zone_id := self._next()) is not None:
            fresh[zone_id] = self._read_one(zone_id)
            if time.monotonic() - told >= _BATCH_SECONDS:
                tell(list(fresh.values()))
                fresh, told = {}, time.monotonic()
                report(self._share_read(), self._how_far())
        if fresh:
            tell(list(fresh.values()))

    @property
    def left(self) -> int:
        """How many zones are not read yet."""
        return len(self._unread)

    def lacks(self, zones: Iterable[str]) -> bool:
        """Tell whether the labels of some of these zones are still to be counted."""
        return any(self._uncounted(zone_id) for zone_id in zones)

    def _begin(self) -> None:
        campaign = self._campaign
        if campaign is None or campaign.registry.facts() != self._facts:
            # The facts hold a digest of all that is registered.
            campaign = self._campaign = Campaign.open(self._directory)
            self._facts, self._nomenclature = campaign.registry.facts(), campaign.nomenclature.name
            self._listed = _listed(campaign)
        held, gold, offers = leases(campaign.registry), gold_zones(campaign), self._offers(campaign)
        self.waiting = self._waiting(campaign, offers)
        entering = bool(gold) and self._author not in admitted_authors(campaign)
        places = {zone_id: place for place, zone_id in enumerate(offers)}
        before, self._zones = self._zones, {}
        for one in sorted(self._listed, key=lambda one: places.get(one.zone.id, len(places))):
            name = one.zone.id
            # As it was, until its files were looked at again: nothing on the screen flickers.
            known = before.get(name, one)
            self._zones[name] = replace(
                known,
                zone=one.zone,
                fold=one.fold,
                drawn=one.drawn,
                gold=name in gold,
                entrance=name in gold and entering,
                lease=held.get(name),
                offer=offers.get(name),
            )
        self._unread = dict.fromkeys(self._zones)

    def _waiting(self, campaign: Campaign, offers: Mapping[str, Offer]) -> WaitingProposals:
        """Return the proposals that are no zones yet; the file is read when it is another than before."""
        path = campaign.path / FILE
        try:
            facts = path.stat()
            stamp = facts.st_size, facts.st_mtime_ns
            if self._proposed is None or self._proposed[0] != stamp:
                self._proposed = stamp, read_proposals(path)
        except FileNotFoundError:
            return WaitingProposals()
        except (CampaignError, OSError) as error:
            return WaitingProposals(problem=str(error))
        made = {offer.proposal for offer in offers.values()}
        waiting = tuple(one for one in self._proposed[1] if one.id not in made)
        return WaitingProposals(proposals=waiting, classes=_titles(campaign))

    def _next(self) -> str | None:
        """Return the zone to read next, None where nothing is left to do."""
        wanted = self.wanted
        for zone_id in wanted:
            if zone_id in self._unread:
                return zone_id
        for zone_id in wanted:
            if self._uncounted(zone_id):
                return zone_id
        return next(iter(self._unread), None)

    def _uncounted(self, zone_id: str) -> bool:
        queued = self._zones.get(zone_id)
        return queued is not None and queued.outline is not None and queued.labelled is None

    def _read_one(self, zone_id: str) -> QueuedZone:
        """Read the journals of a zone; or count its labels, where they were read."""
        queued = self._zones[zone_id]
        if zone_id in self._unread:
            del self._unread[zone_id]
            self._zones[zone_id] = self._looked_at(queued)
        else:
            self._zones[zone_id] = self._counted(queued)
        return self._zones[zone_id]

    def _looked_at(self, queued: QueuedZone) -> QueuedZone:
        zone = queued.zone
        journal, hierarchy = self._paths(zone)
        segmented = hierarchy.exists()
        stamps, kept = _stamps(journal), self._kept.get(zone.id)
        if kept is None or stamps is None or kept.stamps != stamps:
            kept = self._kept[zone.id] = _read(journal, self._subject(queued), stamps)
        return replace(
            queued,
            segmented=segmented,
            outline=kept.outline,
            problem=kept.problem,
            labelled=kept.labelled,
        )

    def _counted(self, queued: QueuedZone) -> QueuedZone:
        zone, kept = queued.zone, self._kept[queued.zone.id]
        journal, _ = self._paths(zone)
        try:
            share = read_share(journal, self._subject(queued), zone.footprint())
        except (JournalError, OSError) as error:
            self._kept[zone.id] = replace(kept, outline=None, problem=str(error))
            return replace(queued, outline=None, problem=str(error))
        self._kept[zone.id] = replace(kept, labelled=share)
        return replace(queued, labelled=share)

    def _paths(self, zone: Zone) -> tuple[Path, Path]:
        """Return where the journals and the hierarchy of a zone are; to make sure of it takes a while."""
        if zone.id not in self._places:
            assert self._campaign is not None  # noqa: S101 - zones come from there
            self._places[zone.id] = self._campaign.journal_dir(zone), self._campaign.hierarchy_path(zone)
        return self._places[zone.id]

    def _subject(self, queued: QueuedZone) -> JournalSubject:
        zone = queued.zone
        return JournalSubject(zone=zone.id, grid=zone.grid, nomenclature=self._nomenclature)

    def _share_read(self) -> float:
        return 1 - len(self._unread) / max(len(self._zones), 1)

    def _how_far(self) -> str:
        read, total = len(self._zones) - len(self._unread), len(self._zones)
        return tr("{read} of {total} zones", read=number(read), total=number(total))


def _listed(campaign: Campaign) -> list[QueuedZone]:
    """Return the zones as the registry has them."""
    zones, folds = campaign.zones(), campaign.folds()
    drawn, classes = {zone.id for zone in campaign.drawn_among(zones)}, _titles(campaign)
    return [
        QueuedZone(zone=zone, fold=folds[zone.domain], drawn=zone.id in drawn, gold=False, classes=classes)
        for zone in zones
    ]


def _titles(campaign: Campaign) -> ClassTitles:
    return {entry.key: entry.titles for entry in campaign.nomenclature.classes}


def _read(journal: Path, subject: JournalSubject, stamps: _Stamps) -> _Kept:
    try:
        outline = read_outline(journal, subject)
    except (JournalError, OSError) as error:
        return _Kept(stamps=stamps, outline=None, problem=str(error))
    return _Kept(stamps=stamps, outline=outline, problem="", labelled=None if outline.authors else 0.0)


def _stamps(journal: Path) -> _Stamps:
    """Return what tells whether the journals of a folder were written to since."""
    found = []
    try:
        files = [path for path in journal.iterdir() if path.suffix in _SEEN_BY_JOURNALS]
        for path in (*files, *(journal / QUARANTINE).glob("*")):
            facts = path.stat()
            found.append((path.name, facts.st_size, facts.st_mtime_ns))
    except FileNotFoundError:  # nobody has labelled there yet
        return ()
    except OSError:
        return None
    return tuple(sorted(found))
