"""Zones to work on: what a queue says of each, whose turn it is, and in which order they come."""

from __future__ import annotations

__all__ = [
    "FILTERS",
    "Filter",
    "Offers",
    "QueuedZone",
    "Turn",
    "WaitingProposals",
    "ZoneChoice",
    "arranged",
    "counts",
    "kept_offers",
    "remarks",
    "share_text",
    "state_title",
    "tooltip",
    "turn_of",
]

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import Protocol

from napari_plugin.language import count, number, percent, said, tr
from napari_plugin.reasons import ClassTitles, reason_lines, reason_words, reasons_told
from workbench.active.offer import Offer
from workbench.active.proposal import ZoneProposal
from workbench.campaign import Campaign
from workbench.geo.zone import Zone
from workbench.labels.losses import lost_edits
from workbench.labels.outline import Outline
from workbench.leases import Lease

_FOLDERS = re.compile(r"^.*[\\/]journal[\\/](?=[^\\/:]+:)")


class Offers(Protocol):
    """Where proposals come from."""

    def __call__(self, campaign: Campaign, /) -> Mapping[str, Offer]:
        """Return the proposed zones of a campaign by id, the best first."""


def kept_offers(campaign: Campaign, /) -> Mapping[str, Offer]:
    """Return the proposals that became zones."""
    return campaign.registry.offers()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QueuedZone:
    """What a queue knows of a zone; the registry tells it at once, the journals later."""

    zone: Zone
    fold: int
    """Of its domain, 1–5."""
    drawn: bool
    """Whether two people annotate it, the second one blind."""
    gold: bool
    """Whether new annotators show there how they label."""
    entrance: bool = False
    """Whether whoever looks has to show so there before they may label elsewhere."""
    lease: Lease | None = None
    """Who labels there just now."""
    offer: Offer | None = None
    outline: Outline | None = None
    """What its journals say; None as long as they were not read, or where they cannot be."""
    segmented: bool | None = None
    """Whether there are regions to pick; None as long as nobody looked."""
    labelled: float | None = None
    """Labelled share, 0 to 1; None as long as nobody counted."""
    problem: str = ""
    """Why its journals cannot be read, in one sentence."""
    classes: ClassTitles = field(default_factory=dict)
    """Of the campaign."""

    @property
    def read(self) -> bool:
        """Whether its journals were read, or cannot be."""
        return self.outline is not None or bool(self.problem)

    @property
    def state(self) -> str:
        """Where it stands in review; ``open`` until its journals say something else."""
        return self.outline.state.state if self.outline is not None else "open"

    def held_by_other(self, author: str) -> str:
        """Return who else labels there just now; empty where nobody does."""
        return self.lease.holder if self.lease is not None and self.lease.holder != author else ""

    def to_be_blind(self, author: str) -> bool:
        """Tell whether an author should label it without seeing what others did, to be admitted or second."""
        if self.entrance:
            return True
        if not self.drawn or self.outline is None or author in self.outline.authors:
            return False
        return bool(self.outline.authors) and set(self.outline.blind) <= {author}


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneChoice:
    """A zone that somebody wants to open, and how."""

    zone: str
    """Id."""
    together: bool = False
    """Beside whoever labels there just now."""
    blind: bool = False
    """As a second annotation, without seeing what others did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingProposals:
    """Proposals that are no zones yet."""

    proposals: tuple[ZoneProposal, ...] = ()
    """The best first."""
    problem: str = ""
    """Why they cannot be read, in one sentence."""
    classes: ClassTitles = field(default_factory=dict)
    """Of the campaign."""


class Turn(IntEnum):
    """Whose turn it is in a zone, seen by whoever looks; the most urgent first."""

    ENTRANCE = 0
    BACK_TO_ME = 1
    MINE = 2
    DAMAGED = 3
    PROPOSED = 4
    BACK = 5
    OPEN = 6
    OTHERS = 7
    SUBMITTED = 8
    ACCEPTED = 9


def turn_of(queued: QueuedZone, author: str) -> Turn:
    """Return whose turn it is, for an author who looks."""
    mine = queued.outline is not None and author in queued.outline.authors
    if queued.problem:
        return Turn.DAMAGED
    if queued.entrance:
        return Turn.ENTRANCE
    match queued.state:
        case "sent_back":
            return Turn.BACK_TO_ME if mine else Turn.BACK
        case "submitted":
            return Turn.SUBMITTED
        case "accepted":
            return Turn.ACCEPTED
    if mine or (queued.lease is not None and queued.lease.holder == author):
        return Turn.MINE
    if queued.lease is not None or (queued.outline is not None and queued.outline.authors):
        return Turn.OTHERS
    return Turn.PROPOSED if queued.offer is not None else Turn.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Zones of one kind."""

    title: str
    """In English, as `language.tr` takes it."""
    takes: Callable[[QueuedZone, str], bool]
    """Tells whether a zone is one of them, for an author."""


def _turns(*turns: Turn) -> Callable[[QueuedZone, str], bool]:
    return lambda queued, author: turn_of(queued, author) in turns


FILTERS: Mapping[str, Filter] = {
    "all": Filter(title="All zones", takes=lambda queued, author: True),
    "mine": Filter(title="Mine", takes=_turns(Turn.ENTRANCE, Turn.BACK_TO_ME, Turn.MINE)),
    "proposed": Filter(title="Proposed", takes=lambda queued, author: queued.offer is not None),
    "sent_back": Filter(title="Sent back", takes=_turns(Turn.BACK_TO_ME, Turn.BACK)),
    "open": Filter(
        title="Open",
        takes=_turns(Turn.MINE, Turn.PROPOSED, Turn.OPEN, Turn.OTHERS),
    ),
    "submitted": Filter(title="Submitted", takes=_turns(Turn.SUBMITTED)),
    "accepted": Filter(title="Accepted", takes=_turns(Turn.ACCEPTED)),
    "double": Filter(title="Drawn for two people", takes=lambda queued, author: queued.drawn),
    "gold": Filter(title="Gold zones", takes=lambda queued, author: queued.gold),
    "damaged": Filter(title="Damaged", takes=_turns(Turn.DAMAGED)),
}
"""What a queue can be narrowed down to, by id, in the order in which it is offered."""


def arranged(
    zones: Iterable[QueuedZone], author: str, *, only: str = "all", text: str = ""
) -> list[QueuedZone]:
    """Return the zones that an author wants to see, the most urgent first.

    Parameters
    ----------
    zones
        Proposed ones in the order of their proposals.
    author
        Who looks.
    only
        One of `FILTERS`.
    text
        Words, in any order, that the zone's names, people, reasons or numbers begin with or hold; accents and
        capitals do not matter.
    """
    takes, words = FILTERS[only].takes, _plain(text).split()
    found = [queued for queued in zones if takes(queued, author) and _holds(queued, words)]
    places = {id(queued): place for place, queued in enumerate(found)}

    def urgency(queued: QueuedZone) -> tuple[Turn, int, tuple[tuple[int, str], ...]]:
        turn = turn_of(queued, author)
        return turn, places[id(queued)] if turn == Turn.PROPOSED else 0, _natural(queued.zone.id)

    return sorted(found, key=urgency)


def counts(zones: Iterable[QueuedZone], author: str) -> dict[str, int]:
    """Return how many zones each of `FILTERS` takes."""
    found = dict.fromkeys(FILTERS, 0)
    for queued in zones:
        for name, one in FILTERS.items():
            found[name] += one.takes(queued, author)
    return found


def state_title(queued: QueuedZone, author: str) -> str:
    """Return where a zone stands, in a word or two."""
    if not queued.read:
        return "…"
    titles = {
        Turn.ENTRANCE: tr("begin here"),
        Turn.BACK_TO_ME: tr("back to you"),
        Turn.MINE: tr("yours"),
        Turn.DAMAGED: tr("damaged"),
        Turn.PROPOSED: tr("proposed"),
        Turn.BACK: tr("sent back"),
        Turn.OPEN: tr("open"),
        Turn.OTHERS: tr("in work"),
        Turn.SUBMITTED: tr("submitted"),
        Turn.ACCEPTED: tr("accepted"),
    }
    return titles[turn_of(queued, author)]


def remarks(queued: QueuedZone, author: str) -> list[str]:
    """Return what there is to say of a zone, what matters most first."""
    # Which journal is damaged matters, not where campaigns lie on this machine.
    found = [said(_FOLDERS.sub("", queued.problem))] if queued.problem else []
    if queued.entrance:
        found.append(tr("label it blind, to be admitted to the other zones"))
    if other := queued.held_by_other(author):
        found.append(tr("{holder} is there since {time}", holder=other, time=_time(queued.lease)))
    outline = queued.outline
    if outline is not None:
        if outline.missing:
            found.append(said(lost_edits(outline.missing)))
        if outline.state.reason:
            reason = " ".join(outline.state.reason.split())
            found.append(tr("{where}: {what}", where=outline.state.by, what=reason))
        elif outline.state.by:
            found.append(tr("by {reviewer}", reviewer=outline.state.by))
    if queued.offer is not None:
        found.append(_offered(queued.offer))
    found += _facts(queued)
    return found


def tooltip(queued: QueuedZone, author: str) -> str:
    """Return all that is known of a zone, line by line."""
    zone, outline = queued.zone, queued.outline
    state = tr("not read yet") if not queued.read else state_title(queued, author)
    lines = [tr("{where}: {what}", where=zone.id, what=state), *remarks(queued, author)]
    if queued.offer is not None:
        lines += reason_lines(queued.offer.reasons, queued.classes)
    lines.append(tr("domain {domain}, fold {fold}", domain=zone.domain, fold=queued.fold))
    if queued.labelled is not None:
        lines.append(tr("{share} labelled", share=share_text(queued.labelled)))
    if outline is not None and outline.authors:
        lines.append(tr("labelled by {names}", names=", ".join(outline.authors)))
    if outline is not None and outline.blind:
        lines.append(tr("annotated blind by {names}", names=", ".join(outline.blind)))
    return "\n".join(lines)


def share_text(share: float) -> str:
    """Write a labelled share; 100 % only where no pixel is left."""
    return percent(min(share, 0.999) if share < 1 else 1.0)


def _facts(queued: QueuedZone) -> list[str]:
    cells = len(queued.zone.cells)
    found = [count("{count} patch", "{count} patches", cells), tr("fold {fold}", fold=queued.fold)]
    if queued.gold:
        found.append(tr("gold zone"))
    if queued.drawn:
        done = queued.outline is not None and bool(queued.outline.blind)
        found.append(tr("annotated twice") if done else tr("for two people"))
    if queued.segmented is False:
        found.append(tr("no regions yet"))
    if queued.zone.theme:
        found.append(queued.zone.theme)
    return found


def _offered(offer: Offer) -> str:
    reason = reasons_told(offer.reasons) or offer.reason
    if offer.picks is None:
        return reason
    return tr("{reason}, about {picks} picks", reason=reason, picks=number(offer.picks))


def _time(lease: Lease | None) -> str:
    return f"{lease.since.astimezone():%H:%M}" if lease is not None else ""


def _holds(queued: QueuedZone, words: Iterable[str]) -> bool:
    words = list(words)
    if not words:
        return True
    outline = queued.outline
    people = (*outline.authors, *outline.blind, outline.state.by or "") if outline is not None else ()
    holder = queued.lease.holder if queued.lease is not None else ""
    reason = outline.state.reason or "" if outline is not None else ""
    offer = queued.offer
    offered = f"{offer.reason} {reason_words(offer.reasons, queued.classes)}" if offer is not None else ""
    parts = (queued.zone.id, queued.zone.theme or "", holder, *people, reason, offered, queued.problem)
    there = _plain(" ".join(parts))
    return all(word in there for word in words)


@lru_cache(maxsize=1 << 14)
def _natural(zone_id: str) -> tuple[tuple[int, str], ...]:
    """Return a key that puts Z2 before Z10."""
    parts = re.split(r"(\d+)", zone_id)
    return tuple((int(part), "") if part.isdecimal() else (0, part) for part in parts)


def _plain(text: str) -> str:
    """Return a text in small letters without accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))
