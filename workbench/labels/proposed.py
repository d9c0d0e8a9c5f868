"""Models: who is one, what they wrote, and what that proposes for a zone.

A model writes into a journal of its own, ``model-<id>``, on the track ``prelabels``; no label comes from
there by itself.
"""

from __future__ import annotations

__all__ = ["Group", "LABELS", "MODEL", "ModelJournals", "PRELABELS", "Proposed", "is_model", "track_of"]

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.geo.grid import Window
from workbench.labels.canvas import Canvas
from workbench.labels.edits import AssignMask, Edit
from workbench.labels.fold import Fold
from workbench.labels.lasts import last_across
from workbench.labels.op import blind_track
from workbench.labels.tables import Row

LABELS = "labels"
"""The track that is exported."""
PRELABELS = "prelabels"
"""The track of what models propose."""
MODEL = "model-"
"""What the name of an author begins with that is a model."""


def is_model(author: str) -> bool:
    """Tell whether an author is a model."""
    return author.startswith(MODEL)


def track_of(author: str | None, *, blind: bool) -> str:
    """Return the track that an author labels on; None only reads."""
    if author is None:
        return LABELS
    if is_model(author):
        return PRELABELS
    return blind_track(author) if blind else LABELS


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Pre-labels of one class by one model."""

    model: str
    """Name of its journal, such as ``model-unet``."""
    code: int
    upper: str | None
    """Key of an upper class, where the model proposes one."""

    @property
    def order(self) -> tuple[str, int, str]:
        """What groups are sorted by."""
        return self.model, self.code, self.upper or ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proposed:
    """What models propose for a zone, whatever its labels are; it never changes.

    The ops are numbered by 1 + their place, as they stand on pixels; 0 is none.
    """

    heads: Mapping[str, int]
    """Last op of each model that is in it."""
    fold: Fold
    """Private to `Prelabels`."""
    edits: tuple[AssignMask | None, ...]
    """What each op proposes, by its place; None where it is undone, or proposes nothing."""
    groups: tuple[Group, ...]
    """Every group that there is, by model, code and upper class."""
    group: NDArray[np.uint16]
    """Shape (op + 1,). 1 + place in `groups`, 0 for ops that propose nothing."""
    confidence: NDArray[np.float64]
    """Shape (op + 1,). From 0 to 1, NaN where the model said none."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, columns) of the zone."""
        return self.fold.labels.values.shape

    def last(self, window: Window) -> NDArray[np.uint32]:
        """Return the number of the op that proposes the class of each pixel of a window, shape (row, col)."""
        return self.fold.labels.last(window)

    def last_across(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.uint32]:
        """Return the same where some rows and columns cross, shape (row, col); 0 outside the zone."""
        return last_across(self.fold.labels.shown, rows, cols)

    def spans(self, number: int) -> NDArray[np.int32]:
        """Return the pixels of an op, given by its number, as `workbench.geo.spans`."""
        return self.fold.table.spans(number - 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelJournals:
    """What models wrote, up to some op of each; any thread may replay it."""

    canvas: Canvas
    rows: Mapping[str, tuple[Row, ...]]
    """By model."""
    directory: Path
    """Journal folder that errors name."""

    @property
    def heads(self) -> dict[str, int]:
        """Last op of each model."""
        return {model: len(own) for model, own in self.rows.items()}

    def replayed(self) -> Proposed:
        """Return what that proposes; it takes seconds where there are tens of thousands of ops.

        Raises
        ------
        JournalError
            An op cannot be one of this zone; it is named with its file.
        """
        read: list[Edit | None] = []
        fold = Fold.begun(self.canvas, PRELABELS, self.rows, None, directory=self.directory, edits=read)
        table = fold.table
        edits = tuple(
            edit if isinstance(edit, AssignMask) and table.counts(place) else None
            for place, edit in enumerate(read)
        )
        named = [
            Group(model=table.name(place)[0], code=edit.code, upper=edit.upper) if edit is not None else None
            for place, edit in enumerate(edits)
        ]
        groups = sorted({one for one in named if one}, key=lambda one: one.order)
        numbers = {None: 0} | {one: number for number, one in enumerate(groups, start=1)}
        said = [np.nan if edit is None or edit.confidence is None else edit.confidence for edit in edits]
        return Proposed(
            heads=self.heads,
            fold=fold,
            edits=edits,
            groups=tuple(groups),
            group=np.array([0, *(numbers[one] for one in named)], np.uint16),
            confidence=np.array([np.nan, *said], np.float64),
        )
