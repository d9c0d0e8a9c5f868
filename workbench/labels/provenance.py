"""Provenance: whose each pixel of a zone is, how it came about, and what the labels cost.

A raster of numbers and a table of what each number stands for: who, when, with which tool, at which scale,
from which model, and what became of a pre-label there:

=============  ==========================================================================================
``none``       no model had proposed anything that its author had read
``kept``       the label has the class of the pre-label: a person pointed at it and accepted it, or drew it
``corrected``  a person gave another class
``untouched``  accepted with others, by class, confidence or place, or given by recoding; nobody looked at it
               for itself
=============  ==========================================================================================
"""

from __future__ import annotations

__all__ = [
    "IDLE",
    "PRELABEL_FATES",
    "Effort",
    "Fates",
    "Proposal",
    "Source",
    "effort",
    "fates_of",
    "prelabel_fates",
    "sources",
]

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import AssignMask
from workbench.labels.op import Op
from workbench.labels.payloads import edit_of
from workbench.labels.prelabels import BULK_TOOL, POINTED_TOOL
from workbench.labels.proposed import MODEL, Group, is_model

PRELABEL_FATES = ("none", "kept", "corrected", "untouched")
"""What can become of a pre-label, by number."""
_NONE, _KEPT, _CORRECTED, _UNTOUCHED = range(4)
_IMPORT, _RECODE = "import", "recode"
IDLE = timedelta(minutes=2)
"""A longer pause between two gestures of an author is none of work."""


Given = int | str
"""What an edit gave: a code, 0 where it erased, or the key of an upper class that has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An op that gives pixels their class, as the labels are now."""

    number: int
    """Its number in the raster, from 1."""
    op: Op
    code: int
    upper: str | None
    """Upper class, where the author was sure of no class."""
    given: Given
    prelabel: str
    """One of `PRELABEL_FATES`."""
    pixels: int
    contested: int
    """Of these, in conflict with what another author gave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What the labels of a class, or of a whole zone, cost."""

    minutes: float
    """Of work, without pauses longer than `IDLE`."""
    gestures: int
    tools: Mapping[str, int]
    """Gestures by tool."""
    pixels: int
    """That have the class now."""
    prelabels: Mapping[str, int]
    """Of those, by what became of the pre-label there; see `PRELABEL_FATES`."""


def sources(store: AnnotationStore) -> tuple[NDArray[np.uint32], tuple[Source, ...]]:
    """Return the raster of provenance and its table: a number for each op and fate of a pre-label.

    Returns
    -------
    numbers, table
        Shape (row, col), 0 = nobody; and what each number stands for, first op first.
    """
    ops = store.ops
    keys = store.last_op.astype(np.int64) * len(PRELABEL_FATES) + fates_of(store, ops).fates
    counts = np.bincount(keys.reshape(-1), minlength=len(PRELABEL_FATES))
    contested = np.bincount(keys[store.conflicts().mask(store.grid.whole)], minlength=counts.size)
    used = np.flatnonzero(counts)
    used = used[used >= len(PRELABEL_FATES)]
    named = [(ops[key // len(PRELABEL_FATES) - 1], key) for key in used.tolist()]
    named.sort(key=lambda item: (item[0].order, item[1]))
    numbers = np.zeros(counts.size, np.uint32)
    table = []
    for number, (op, key) in enumerate(named, start=1):
        numbers[key] = number
        edit = edit_of(op)
        assert isinstance(edit, AssignMask)  # noqa: S101 - nothing else paints labels
        fate = PRELABEL_FATES[key % len(PRELABEL_FATES)]
        table.append(
            Source(
                number=number,
                op=op,
                code=edit.code,
                upper=edit.upper,
                given=_given(edit),
                prelabel=fate,
                pixels=int(counts[key]),
                contested=int(contested[key]),
            )
        )
    return numbers[keys], tuple(table)


def prelabel_fates(store: AnnotationStore) -> dict[Group, dict[str, int]]:
    """Return the labelled pixels of each group of pre-labels by what became of them, by the model and class.

    Of the fates in `PRELABEL_FATES` only those are there that some pixels have, and never ``none``.
    """
    found = fates_of(store, store.ops).told(lambda proposal: proposal[0])
    return dict(sorted(found.items(), key=lambda one: one[0].order))


Proposal = tuple[Group, str]
"""A class that a model proposes, and what edits call that model."""
_Whose = TypeVar("_Whose")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fates:
    """What became of the pre-label of each pixel."""

    fates: NDArray[np.uint8]
    """Shape (row, col): places in `PRELABEL_FATES`."""
    proposals: NDArray[np.uint16]
    """Shape (row, col): 1 + place in `known` of what was proposed there, 0 where nothing was."""
    known: tuple[Proposal, ...]

    def told(self, whose: Callable[[Proposal], _Whose]) -> dict[_Whose, dict[str, int]]:
        """Return the pixels of each fate that some have, by whatever is asked for of what was proposed."""
        keys = self.proposals.astype(np.int64) * len(PRELABEL_FATES) + self.fates
        counts = np.bincount(keys.reshape(-1), minlength=(len(self.known) + 1) * len(PRELABEL_FATES))
        tables = counts.reshape(-1, len(PRELABEL_FATES))
        tables[:, _NONE] = 0
        summed: dict[_Whose, NDArray[np.int64]] = {}
        for proposal, table in zip(self.known, tables[1:], strict=True):
            if table.any():
                summed[whose(proposal)] = summed.get(whose(proposal), 0) + table
        return {
            name: {PRELABEL_FATES[fate]: int(table[fate]) for fate in np.flatnonzero(table)}
            for name, table in summed.items()
        }


def fates_of(store: AnnotationStore, ops: Sequence[Op]) -> Fates:
    """Return what became of the pre-label of each pixel.

    An edit that accepts one says so. Of any other the pre-label is the last one that its author had read.
    """
    last, known = store.last_op, dict[Proposal, int]()
    accepted = {BULK_TOOL: _UNTOUCHED, POINTED_TOOL: _KEPT}
    given = np.array([_NONE, *(accepted.get(op.tool or "", _NONE) for op in ops)], np.uint8)
    copied = [_copied(op) if op.tool in accepted else None for op in ops]
    numbers = [0 if one is None else known.setdefault(one, len(known) + 1) for one in copied]
    fates: NDArray[np.uint8] = given[last]
    proposals: NDArray[np.uint16] = np.array([0, *numbers], np.uint16)[last]
    open_pixels = (last > 0) & (fates == _NONE)
    there, same, when = np.zeros_like(open_pixels), np.zeros_like(open_pixels), np.zeros(last.shape, np.int64)
    for model in sorted({op.author for op in ops if is_model(op.author)}):
        read = np.array([0, *(op.seen.get(model, 0) for op in ops)], np.uint32)[last]
        for count in np.unique(read[open_pixels & (read > 0)]).tolist():
            prelabels = store.proposals.prelabels(store.proposals.journals(model, ops=count))
            proposed, wrote = prelabels.proposed, prelabels.ops
            ranks = np.array([0, *(op.lamport for op in wrote)], np.int64)[prelabels.last]
            found, agree = prelabels.compared()
            newer = open_pixels & (read == count) & found & (ranks >= when)
            there |= newer
            same[newer], when[newer] = agree[newer], ranks[newer]
            own = [0] * proposed.group.size
            for place in np.flatnonzero(proposed.group).tolist():
                named = wrote[place - 1].model or model.removeprefix(MODEL)
                proposal = proposed.groups[proposed.group[place] - 1], named
                own[place] = known.setdefault(proposal, len(known) + 1)
            proposals[newer] = np.array(own, np.uint16)[prelabels.last[newer]]
    fates[there] = np.where(same[there], _KEPT, _CORRECTED)
    recoded = np.array([False, *(op.tool == _RECODE for op in ops)])[last]
    fates[recoded & (fates == _KEPT)] = _UNTOUCHED
    return Fates(fates=fates, proposals=proposals, known=tuple(known))


def _copied(op: Op) -> Proposal | None:
    """Return the pre-label that an op accepted; None where it names none."""
    edit = edit_of(op)
    if not isinstance(edit, AssignMask) or edit.source is None:
        return None
    model = edit.source.rpartition(":")[0]
    group = Group(model=model, code=edit.code, upper=edit.upper)
    return group, op.model or model.removeprefix(MODEL)


def effort(ops: Iterable[Op], table: Iterable[Source]) -> tuple[Effort, dict[Given, Effort]]:
    """Return what a zone cost, and each of its classes.

    Time between two gestures of an author goes to the later one; undone work is work. Imports and models cost
    nobody's time. A gesture that gives several classes is one of each of them, and one of the zone.

    Parameters
    ----------
    ops
        Of one track.
    table
        What `sources` made of them.
    """
    minutes: dict[Given, float] = defaultdict(float)
    tools: dict[Given, Counter[str]] = defaultdict(Counter)
    before: dict[str, datetime] = {}
    gestures: dict[str, set[Given]] = defaultdict(set)
    every, total = Counter[str](), 0.0
    for op in sorted(ops, key=lambda op: (op.author, op.seq)):
        if op.tool == _IMPORT or is_model(op.author):
            before.pop(op.author, None)
            continue
        pause = op.wall_time - before.get(op.author, op.wall_time)
        before[op.author] = op.wall_time
        spent = pause.total_seconds() / 60 if timedelta(0) < pause <= IDLE else 0.0
        total += spent
        edit = edit_of(op) if op.kind == "assign" else None
        if isinstance(edit, AssignMask):
            given, found = _given(edit), gestures[op.gesture_id]
            minutes[given] += spent
            every[op.tool or ""] += not found
            tools[given][op.tool or ""] += given not in found
            found.add(given)
    fates: dict[Given, Counter[str]] = defaultdict(Counter)
    for source in table:
        fates[source.given][source.prelabel] += source.pixels
    classes = {
        given: _effort(minutes[given], tools[given], fates[given])
        for given in sorted({*minutes, *fates}, key=lambda given: (isinstance(given, str), given))
    }
    return _effort(total, every, sum(fates.values(), Counter[str]())), classes


def _given(edit: AssignMask) -> Given:
    return edit.upper if edit.upper and not edit.code else edit.code


def _effort(minutes: float, tools: Mapping[str, int], fates: Mapping[str, int]) -> Effort:
    return Effort(
        minutes=minutes,
        gestures=sum(tools.values()),
        tools=dict(sorted(tools.items())),
        pixels=sum(fates.values()),
        prelabels={fate: fates[fate] for fate in PRELABEL_FATES if fates.get(fate)},
    )
