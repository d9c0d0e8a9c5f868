"""Pre-labels: what models propose for a zone, and the edits by which a person takes it over.

A model writes into a journal of its own, ``model-<id>``, on the track ``prelabels``; no label comes from
there by itself. Whoever accepts a pre-label copies its pixels into the labels by an edit of their own, which
names the op that it was copied from.
"""

from __future__ import annotations

__all__ = [
    "BULK_TOOL",
    "LABELS",
    "MODEL",
    "POINTED_TOOL",
    "PRELABELS",
    "Prelabels",
    "Waiting",
    "is_model",
    "track_of",
]

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused
from workbench.geo.grid import Window
from workbench.labels.edits import OPEN, AssignMask, Provenance, assign
from workbench.labels.fold import Fold
from workbench.labels.op import Op, blind_track
from workbench.labels.payloads import edit_of
from workbench.labels.strokes import given_map
from workbench.labels.tables import Row

LABELS = "labels"
"""The track of what people label, the only one that is exported."""
PRELABELS = "prelabels"
"""The track of what models propose."""
MODEL = "model-"
"""What the name of an author begins with that is a model."""
POINTED_TOOL, BULK_TOOL = "accept", "accept-all"
"""Tools of edits that accept pre-labels: where a person pointed, or wherever something is true of them."""

_Group = tuple[str, int, str | None]


def is_model(author: str) -> bool:
    """Tell whether an author is a model."""
    return author.startswith(MODEL)


def track_of(author: str | None, *, blind: bool) -> str:
    """Return the track that an author labels on; without one, that of the labels."""
    if author is None:
        return LABELS
    if is_model(author):
        return PRELABELS
    return blind_track(author) if blind else LABELS


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Pre-labels of one class by one model that nobody has taken over yet."""

    model: str
    code: int
    upper: str | None
    """Key of an upper class, where the model proposes one."""
    pixels: int
    confidence: tuple[float, float] | None
    """The least and the most that the model said; None where it said none."""


class Prelabels:
    """The pre-labels of a zone at one moment: of all models' that of the last op on each pixel."""

    def __init__(self, labels: Fold, rows: Mapping[str, Sequence[Row]], *, directory: Path) -> None:
        self._labels = labels
        self._fold = Fold.begun(labels.canvas, PRELABELS, rows, None, directory=directory)

    @property
    def codes(self) -> NDArray[np.uint8]:
        """Shape (row, col). Class codes, 0 where no model proposes anything."""
        return self._fold.labels.values

    @property
    def last(self) -> NDArray[np.uint32]:
        """Shape (row, col). 1 + place in `ops` of the op that proposes the code, 0 = none."""
        return self._fold.labels.last(self._fold.canvas.subject.grid.whole)

    @property
    def ops(self) -> tuple[Op, ...]:
        """The ops of the models' journals."""
        return tuple(self._fold.table.op(position) for position in range(len(self._fold.table)))

    def accepting(
        self,
        *,
        region: tuple[Window, NDArray[np.bool_]] | None = None,
        pointed: bool = False,
        code: int | None = None,
        above: float | None = None,
        over: bool = False,
    ) -> list[AssignMask]:
        """Return the edits that take pre-labels over, one for each op that proposes some of the pixels.

        Meant for `AnnotationStore.apply_all`.

        Parameters
        ----------
        region
            Where: a window and its mask. None = anywhere.
        pointed
            Whether a person pointed at this very region; a pre-label that is alone there was looked at for
            itself.
        code
            Only pre-labels of this class.
        above
            Only pre-labels in which the model has at least this confidence, 0 to 1.
        over
            Replace labels that are there, too; else only what is unlabelled.

        Raises
        ------
        EditRefused
            There is no such pre-label.
        """
        whole = self._fold.canvas.subject.grid.whole
        window, mask = region if region is not None else (whole, np.ones(whole.shape, np.bool_))
        wanted = np.where(mask & self._free(window, over=over), self._fold.labels.last(window), np.uint32(0))
        there = [(place, *self._proposal(place)) for place in _numbers(wanted)]
        if not there:
            raise EditRefused(self._nothing_there(window, mask, over=over))
        meant = [one for one in there if code is None or (one[2].code == code and one[2].upper is None)]
        if not meant:
            raise EditRefused(f"no pre-label of the {len(there)} there is of this class")
        sure = [one for one in meant if above is None or _sure(one[2], above)]
        if not sure:
            said = [found.confidence for _, _, found in meant if found.confidence is not None]
            most = f"a confidence of {max(said)}" if said else "no confidence"
            raise EditRefused(f"the surest of the {len(meant)} pre-labels there has {most}")
        tool = POINTED_TOOL if pointed and len(sure) == 1 else BULK_TOOL
        edits = []
        for place, op, found in sure:
            part = window.intersection(found.window)
            assert part is not None  # noqa: S101 - some of the pixels are its
            pixels = wanted[part.within(window).slices] == place
            edits.append(_copy(op, found, pixels, part, tool=tool))
        return edits

    def compared(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return where there are pre-labels, and where the labels are the same: class or upper class alike.

        Returns
        -------
        there, same
            Shape (row, col) of the zone.
        """
        here, proposed = self._given(self._fold.canvas.subject.grid.whole)
        return proposed > 0, here == proposed

    def waiting(self) -> tuple[Waiting, ...]:
        """Return what can be accepted without replacing a label, by model and class, most pixels first."""
        whole = self._fold.canvas.subject.grid.whole
        wanted = np.where(self._free(whole, over=False), self.last, np.uint32(0))
        counts, places = np.bincount(wanted.reshape(-1)), defaultdict[_Group, list[int]](list)
        said = defaultdict[_Group, list[float]](list)
        for place in _numbers(wanted):
            op, edit = self._proposal(place)
            group = op.author, edit.code, edit.upper
            places[group].append(place)
            said[group] += [edit.confidence] if edit.confidence is not None else []
        found = [
            Waiting(
                model=group[0],
                code=group[1],
                upper=group[2],
                pixels=int(counts[own].sum()),
                confidence=(min(said[group]), max(said[group])) if said[group] else None,
            )
            for group, own in places.items()
        ]
        return tuple(sorted(found, key=lambda one: (-one.pixels, one.model, one.code, one.upper or "")))

    def _free(self, window: Window, *, over: bool) -> NDArray[np.bool_]:
        """Return where a pre-label of a window can change something, shape (row, col) of it."""
        here, proposed = self._given(window)
        changing: NDArray[np.bool_] = here != proposed if over else here == 0
        return changing & (proposed > 0) & np.equal(self._labels.guard.levels(window), OPEN)

    def _given(self, window: Window) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """Return labels and pre-labels of a window as `given_map`, upper classes numbered alike in both."""
        keys: list[str] = []
        maps = []
        for fold in (self._labels, self._fold):
            uppers, found = fold.uppers(window)
            keys += [key for key in found if key not in keys]
            numbers = np.array([0, *(keys.index(key) + 1 for key in found)], np.uint8)
            maps.append(given_map(fold.labels.values[window.slices], numbers[uppers]))
        return maps[0], maps[1]

    def _proposal(self, place: int) -> tuple[Op, AssignMask]:
        """Return an op of the models', by 1 + its place, and its edit."""
        op = self._fold.table.op(place - 1)
        edit = edit_of(op)
        assert isinstance(edit, AssignMask)  # noqa: S101 - nothing else paints pre-labels
        return op, edit

    def _nothing_there(self, window: Window, mask: NDArray[np.bool_], *, over: bool) -> str:
        """Return why nothing can be accepted in a region."""
        if not self.compared()[0].any():
            return "no model proposes anything in this zone"
        there = mask & (self._given(window)[1] > 0)
        if not there.any():
            return "no model proposes anything there"
        if not (there & (self._labels.guard.levels(window) == OPEN)).any():
            return "what models propose there is protected or accepted"
        if over:
            return "what models propose there is what the labels are already"
        return "what models propose there is labelled already; replace takes it over what is there"


def _sure(found: AssignMask, above: float) -> bool:
    return found.confidence is not None and found.confidence >= above


def _numbers(wanted: NDArray[np.uint32]) -> Iterator[int]:
    """Yield the numbers above 0 that there are, ascending."""
    yield from (np.flatnonzero(np.bincount(wanted.reshape(-1), minlength=1)[1:]) + 1).tolist()


def _copy(op: Op, found: AssignMask, pixels: NDArray[np.bool_], window: Window, *, tool: str) -> AssignMask:
    """Return the edit that copies some pixels of a pre-label."""
    made = Provenance(
        tool=tool,
        scale=op.scale,
        hierarchy_digest=op.hierarchy_digest,
        model=op.model or op.author.removeprefix(MODEL),
    )
    return replace(assign(pixels, window, found.code, made), upper=found.upper, source=op.id)
