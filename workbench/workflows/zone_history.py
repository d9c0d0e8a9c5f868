"""A zone between two releases: its labels at the heads of each, and which edits lie in between.

The labels of a release are those that the ops up to its heads make, so they can be made again. What differs
is due to ops in between: the one that stands on a pixel now, or an undo that took away what stood there, or
brought back what stands.
"""

from __future__ import annotations

__all__ = ["Cause", "CauseKind", "ZoneHistory", "zone_history"]

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.errors import EditRefused, JournalError
from workbench.geo.zone import Zone
from workbench.labels.annotation import AnnotationStore
from workbench.labels.op import Op
from workbench.labels.payloads import target_of
from workbench.labels.prelabels import BULK_TOOL, POINTED_TOOL
from workbench.labels.proposed import LABELS
from workbench.labels.reading import Journal, read_together
from workbench.labels.strokes import given_map, patch_mask
from workbench.labels.tables import Row
from workbench.nomenclature import Nomenclature
from workbench.workflows.authors import open_journals
from workbench.workflows.remarks import Remark, Ruled, spoken_between

CauseKind = Literal["hand", "prelabels", "recoding", "import", "ruling", "undo", "nomenclature"]
_IMPORT, _RECODE = "import", "recode"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Cause:
    """A kind of edit."""

    kind: CauseKind
    about: str = ""
    """The tool of what a hand did, the model of pre-labels, the class that was ruled right; else nothing."""


UNDO: Final = Cause(kind="undo")
"""Undo and redo."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneHistory:
    """The labels of a zone at two moments, and the causes of what is other."""

    before: NDArray[np.uint8] | None
    """Shape (row, col). Codes at the heads of the first release; None where the zone was not in it."""
    after: NDArray[np.uint8]
    causes: tuple[Cause, ...]
    cause: NDArray[np.uint8]
    """Shape (row, col). 1 + place in `causes` of why a pixel may be other; 0 where nothing happened."""
    ops: Mapping[Cause, int]
    """Ops in between, whether or not they stand on a pixel."""
    remarks: tuple[Remark, ...]
    """First to last."""


def zone_history(
    campaign: Campaign, zone: Zone, before: Mapping[str, int] | None, after: Mapping[str, int]
) -> ZoneHistory:
    """Return what happened to the labels of a zone between two releases.

    Parameters
    ----------
    campaign, zone
        Where the journals are.
    before, after
        Heads in the two ``release.json``, by pseudonym; None where the zone was not in the first release.

    Raises
    ------
    JournalError
        The journals cannot be read, or are not those that the releases were built from.
    """
    journals = read_together(campaign.journal_dir(zone), campaign.subject(zone))
    pseudonyms = {journal.meta.author: campaign.pseudonym(journal.meta.author) for journal in journals}
    first, second = (_heads(zone, journals, pseudonyms, heads) for heads in (before or {}, after))
    for author, seq in first.items():
        if seq > second.get(author, 0):
            raise JournalError(
                f"zone {zone.id}: the first release has {seq} ops of {pseudonyms[author]}, the second "
                f"{second.get(author, 0)}; give the older release first"
            )
    spoken = spoken_between(journals, None if before is None else first, second)
    now = _opened(campaign, zone, journals, second)
    then = None if before is None else _opened(campaign, zone, journals, first)
    stand = _Standing(now, first)
    if then is not None:
        stand.undone(then)
        for ruled in (one for one in spoken.rulings if one.key in campaign.nomenclature.keys):
            stand.ruled(then, ruled, campaign.nomenclature)
    ops = Counter(cause for journal in journals for cause in _between(journal, first, second))
    ops += Counter(Cause(kind="ruling", about=ruled.key) for ruled in spoken.rulings)
    return ZoneHistory(
        before=then.settled_labels() if then else None,
        after=now.settled_labels(),
        causes=tuple(stand.known),
        cause=stand.cause,
        ops=ops,
        remarks=spoken.remarks(pseudonyms),
    )


class _Standing:
    """Why each pixel may be other than it was: the op that stands there, if it is one in between."""

    def __init__(self, now: AnnotationStore, before: Mapping[str, int]) -> None:
        self.known: list[Cause] = []
        self._now, self._ops, self._last = now, now.ops, now.last_op
        new = [op.seq > before.get(op.author, 0) and op.kind == "assign" for op in self._ops]
        self._new = np.array([False, *new])
        numbers = [
            self._number(_cause(op)) if is_new else 0 for op, is_new in zip(self._ops, new, strict=True)
        ]
        self.cause: NDArray[np.uint8] = np.array([0, *numbers], np.uint8)[self._last]

    def undone(self, then: AnnotationStore) -> None:
        """Find where another op stands than before, and none that is new."""
        places = {op.id: place for place, op in enumerate(self._ops, start=1)}
        before = np.array([0, *(places[op.id] for op in then.ops)], np.uint32)[then.last_op]
        other = (before != self._last) & (self.cause == 0)
        if other.any():
            self.cause[other] = self._number(UNDO)

    def ruled(self, then: AnnotationStore, ruled: Ruled, nomenclature: Nomenclature) -> None:
        """Find where a ruling was followed: what it touched then, given its class by who had read it."""
        read = np.array([False, *(ruled.was_read_by(op) for op in self._ops)]) & self._new
        uppers, keys = then.uppers()
        touched = np.isin(
            uppers, [1 + keys.index(key) for key in nomenclature.above(ruled.key) if key in keys]
        )
        try:
            window, mask = patch_mask(given_map(then.labels, uppers), ruled.asked.row, ruled.asked.col)
            touched[window.slices] |= mask
        except EditRefused:  # nothing was labelled there
            touched[ruled.asked.row, ruled.asked.col] = True
        given = self._now.labels == nomenclature.by_key(ruled.key).code
        followed = touched & given & read[self._last]
        if followed.any():
            self.cause[followed] = self._number(Cause(kind="ruling", about=ruled.key))

    def _number(self, cause: Cause) -> int:
        if cause not in self.known:
            self.known.append(cause)
        return 1 + self.known.index(cause)


def _cause(one: Op | Row) -> Cause:
    """Return what kind of edit an op that labels is."""
    tool = one.tool or ""
    if tool in (POINTED_TOOL, BULK_TOOL):
        return Cause(kind="prelabels", about=one.model or "")
    if tool == _IMPORT:
        return Cause(kind="import")
    return Cause(kind="recoding") if tool == _RECODE else Cause(kind="hand", about=tool)


def _between(journal: Journal, first: Mapping[str, int], second: Mapping[str, int]) -> Iterable[Cause]:
    """Yield the cause that each op of a journal in between is, of those that may have changed labels."""
    author = journal.meta.author
    own = [row for row in journal.rows[: second.get(author, 0)] if row.track == LABELS]
    painting = {f"{author}:{row.gesture}" for row in own if row.kind == "assign"}
    for row in own:
        if row.seq <= first.get(author, 0):
            continue
        if row.kind == "assign":
            yield _cause(row)
        elif row.kind in ("undo", "redo") and target_of(row.payload) in painting:
            yield UNDO


def _heads(
    zone: Zone, journals: Sequence[Journal], pseudonyms: Mapping[str, str], heads: Mapping[str, int]
) -> dict[str, int]:
    """Return heads of a release by the authors' names."""
    authors = {pseudonym: author for author, pseudonym in pseudonyms.items()}
    lengths = {journal.meta.author: len(journal.rows) for journal in journals}
    found = {}
    for pseudonym, seq in heads.items():
        author = authors.get(pseudonym)
        if author is None or lengths[author] < seq:
            there = "no journal" if author is None else f"{lengths[author]} ops"
            raise JournalError(
                f"zone {zone.id} has {there} of {pseudonym}, and the release {seq} ops; give the campaign "
                "that it was built from"
            )
        found[author] = seq
    return found


def _opened(
    campaign: Campaign, zone: Zone, journals: Sequence[Journal], heads: Mapping[str, int]
) -> AnnotationStore:
    """Open the labels as they were at some heads."""
    cut = [
        replace(journal, rows=journal.rows[: heads[journal.meta.author]])
        for journal in journals
        if journal.meta.author in heads
    ]
    return open_journals(campaign, zone, cut, track=LABELS)
