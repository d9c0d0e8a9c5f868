"""A plane: what the ops of one kind and track leave on the pixels of a zone.

The value of a pixel is *defined* as that of the last op in the total order (lamport, author, seq) which
paints it and does not stand undone. That is a maximum, so a plane may take ops in any sequence.
"""

from __future__ import annotations

__all__ = ["Plane"]

from collections.abc import Sequence
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from workbench.geo.grid import Window
from workbench.labels.ground import bare_everywhere, bare_nowhere, nothing_shown
from workbench.labels.lasts import Picture, Runs, last_in, shown_of
from workbench.labels.optable import OpTable
from workbench.labels.painting import (
    TILE,
    Bare,
    Beneath,
    Ground,
    clear,
    fill,
    held_whole,
    lift,
    mark,
    paint,
    shows_only,
    touched,
)

_NOTHING = Beneath(np.zeros(0, np.int32), np.zeros(0, np.uint32), np.zeros(0, np.uint32))
_REMEMBERED = 256
"""Ops of which it is remembered what they were painted over: at most 300 kB each."""


class Plane:
    """The value of each pixel and the op that gave it; private to `AnnotationStore`."""

    def __init__(self, table: OpTable, ground: Ground, kind: str) -> None:
        self._table, self._ground, self._kind = table, ground, kind
        self.shown = nothing_shown(ground)
        """Values and ops, as the kernels of `workbench.labels.painting` keep them."""
        self._highest = -1
        """Position of an op after which none that is painted comes in the order, -1 for none."""
        self._beneath: dict[int, Beneath] = {}
        """What the last painted ops were painted over: nearly every undo is of one of them."""
        self._pictures: WeakSet[Picture] = WeakSet()

    @property
    def values(self) -> NDArray[np.uint8]:
        """Shape (row, col). 0 where nothing was painted."""
        return self.shown.values

    @property
    def counts(self) -> NDArray[np.int64]:
        """Shape (256,). Pixels of each value inside the footprint."""
        return self.shown.counts

    def last(self, window: Window) -> NDArray[np.uint32]:
        """Return 1 + position of the op that gave the value of each pixel of a window, 0 where none did."""
        return last_in(self.shown, window)

    def place(self, row: int, col: int) -> int:
        """Return 1 + position of the op that gave one pixel its value, 0 where none did."""
        return int(self.last(Window(row=row, col=col, height=1, width=1))[0, 0])

    def painted(self, window: Window) -> Window | None:
        """Return the smallest part of a window, of whole tiles, outside which no op stands."""
        top, left = window.row // TILE, window.col // TILE
        tops = self.shown.tops[top : -(-window.row_stop // TILE), left : -(-window.col_stop // TILE)]
        rows, cols = np.flatnonzero(tops.any(axis=1)), np.flatnonzero(tops.any(axis=0))
        if not rows.size:
            return None
        part = Window(
            row=(top + int(rows[0])) * TILE,
            col=(left + int(cols[0])) * TILE,
            height=int(rows[-1] - rows[0] + 1) * TILE,
            width=int(cols[-1] - cols[0] + 1) * TILE,
        )
        return part.intersection(window)

    def shows_only(self, spans: NDArray[np.int32], value: int) -> bool:
        """Tell whether all pixels of some spans have a value."""
        return bool(shows_only(spans, value, self.shown))

    def standing(self, position: int) -> int:
        """Return the number of pixels on which an op stands."""
        nothing = np.zeros((0, 0), np.uint8)
        return int(mark(self._table.spans(position), position, 0, self.shown, 0, 0, nothing))

    def mark(self, position: int, number: int, numbers: NDArray[np.uint8], window: Window) -> int:
        """Write a number where an op stands in a window, shape (row, col) of it; return on how many pixels."""
        spans = self._table.spans(position)
        return int(mark(spans, position, number, self.shown, int(window.row), int(window.col), numbers))

    def take(self, positions: Sequence[int]) -> None:
        """Paint ops that count; those of other planes are passed over."""
        table = self._table
        for position in positions:
            if table.kind(position) == self._kind:
                spans = table.spans(position)
                if self._highest < 0 or table.order[position] > table.order[self._highest]:
                    self._highest = position
                if self._pictures:
                    newest = self._highest == position
                    self._keep(spans, held_whole(spans, self._ground) if newest else _NOTHING.tiles)
                beneath = paint(
                    spans, self._ground, table.order, position, table.value(position), self._highest,
                    self.shown,
                )  # fmt: skip
                self._remember(position, beneath)

    def settle(self, positions: Sequence[int]) -> None:
        """Paint ops that begin to count, take away those that cease to, and show what is beneath."""
        table = self._table
        own = [position for position in positions if table.kind(position) == self._kind]
        self.take([position for position in own if table.counts(position)])
        taken = [position for position in own if not table.counts(position)]
        if taken:
            bare = bare_nowhere(self._ground)
            for position in taken:
                spans = table.spans(position)
                beneath = self._beneath.pop(position, _NOTHING)
                if self._pictures:
                    same = self.shown.stamps.reshape(-1)[beneath.tiles] == beneath.stamps
                    self._keep(spans, beneath.tiles[same])
                lift(spans, self._ground, position, table.given, beneath, self.shown, bare)
            self._fill(bare)
            if self._highest in taken:
                self._highest = table.last_counting(self._kind)

    def picture(self) -> Picture:
        """Return which op stands on each pixel now, for another thread to read."""
        picture = Picture(self.shown)
        self._pictures.add(picture)
        return picture

    def restore(self, runs: Runs) -> None:
        """Take the op of each pixel from a snapshot; this plane is empty.

        Raises
        ------
        JournalError
            It names ops that cannot have painted there.
        """
        if runs.values.any():  # of protection and acceptance there is nothing in most zones
            self.shown = shown_of(runs, self._table.values(self._kind), self._ground)
            self._highest = self._table.latest
        self._load_kernels()

    def fill(self) -> None:
        """Paint all ops that count, where none is painted yet."""
        self._highest = self._table.latest
        self._fill(bare_everywhere(self._ground))

    def _load_kernels(self) -> None:
        """Call each kernel for nothing: the first undo must not wait until they are loaded."""
        nothing, bare = np.zeros((0, 3), np.int32), bare_nowhere(self._ground)
        paint(nothing, self._ground, self._table.order, 0, 0, 0, self.shown)
        lift(nothing, self._ground, 0, self._table.given, _NOTHING, self.shown, bare)
        fill(nothing, self._ground, 0, 0, self.shown, bare)
        self._fill(bare)

    def _fill(self, bare: Bare) -> None:
        """Paint ops, the last in the order first, where pixels are bare.

        Where none is left, and that is soon since most of what was painted was painted over, an op is not
        even decoded.
        """
        table, rows = self._table, np.flatnonzero(bare.cells.any(axis=1))
        if not rows.size:
            return
        top, bottom = int(rows[0]) * TILE, int(rows[-1] + 1) * TILE
        for position in table.beneath(self._kind, bare):
            spans = table.spans(position)
            first, stop = np.searchsorted(spans[:, 0], (top, bottom))
            fill(spans[first:stop], self._ground, position, table.value(position), self.shown, bare)
        clear(self.shown, bare)

    def _remember(self, position: int, beneath: Beneath) -> None:
        self._beneath.pop(position, None)
        if beneath.tiles.size:
            self._beneath[position] = beneath
            if len(self._beneath) > _REMEMBERED:
                del self._beneath[next(iter(self._beneath))]

    def _keep(self, spans: NDArray[np.int32], spared: NDArray[np.int32]) -> None:
        """Let pictures keep the tiles of some spans but those spared, whose pixels will not change."""
        if spans.size:
            tiles = np.setdiff1d(touched(spans, self._ground.whole.shape[1])[0], spared, assume_unique=True)
            for picture in self._pictures:
                picture.keep(tiles)
