"""A plane: what the ops of one kind and track leave on the pixels of a zone.

The value of a pixel is *defined* as that of the last op in the total order (lamport, author, seq) which
paints it and does not stand undone. That is a maximum, so a plane may take ops in any sequence.
"""

from __future__ import annotations

__all__ = ["Plane"]

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.errors import JournalError
from workbench.labels.bare import BarePixels
from workbench.labels.optable import OpTable
from workbench.labels.painting import fill, lift, paint


class Plane:
    """The value of each pixel and the op that gave it; private to `AnnotationStore`."""

    def __init__(self, table: OpTable, footprint: NDArray[np.bool_], kind: str) -> None:
        self._table = table
        self._footprint = footprint
        self._kind = kind
        self.values = np.zeros(footprint.shape, np.uint8)
        """Shape (row, col). 0 where nothing was painted."""
        self.last = np.zeros(footprint.shape, np.uint32)
        """Shape (row, col). 1 + position of the op that gave the value, 0 where none did."""
        self.counts = np.zeros(256, np.int64)
        """Shape (256,). Pixels of each value inside the footprint."""
        self.counts[0] = np.count_nonzero(footprint)

    def take(self, positions: Sequence[int]) -> None:
        """Paint ops that count; those of other planes are passed over."""
        table = self._table
        for position in positions:
            if table.kind(position) == self._kind:
                paint(
                    table.spans(position), self._footprint, table.order, position, table.value(position),
                    self.values, self.last, self.counts,
                )  # fmt: skip

    def settle(self, positions: Sequence[int]) -> None:
        """Paint ops that begin to count, take away those that cease to, and show what is beneath."""
        table = self._table
        own = [position for position in positions if table.kind(position) == self._kind]
        self.take([position for position in own if table.counts(position)])
        taken = [position for position in own if not table.counts(position)]
        if taken:
            bare = BarePixels.nowhere(self._footprint.shape)
            for position in taken:
                lift(
                    table.spans(position), position,
                    self.values, self.last, self.counts, bare.counts, bare.cells,
                )  # fmt: skip
            self._fill(bare)

    def restore(self, last: NDArray[np.uint32]) -> None:
        """Take the op of each pixel from a snapshot; this plane is empty.

        Raises
        ------
        JournalError
            It names ops that cannot have painted there.
        """
        values = self._table.values(self._kind)
        most = last.max(initial=0)
        if most:  # of protection and acceptance there is nothing in most zones
            found = values[last] if most < values.size else np.full(1, -1)
            if found.min() < 0 or (np.greater(last, 0) & ~self._footprint).any():
                raise JournalError("a snapshot names ops that do not paint there")
            self.values = found.astype(np.uint8)
            self.counts = np.bincount(self.values[self._footprint], minlength=256)
        self.last = last
        self._load_kernels()

    def fill(self) -> None:
        """Paint all ops that count, where none is painted yet."""
        self._fill(BarePixels.everywhere(self._footprint))

    def _load_kernels(self) -> None:
        """Call each kernel for nothing: the first undo must not wait until they are loaded."""
        nothing, bare = np.zeros((0, 3), np.int32), BarePixels.nowhere(self._footprint.shape)
        shown = self.values, self.last, self.counts
        paint(nothing, self._footprint, self._table.order, 0, 0, *shown)
        lift(nothing, 0, *shown, bare.counts, bare.cells)
        fill(nothing, self._footprint, 0, 0, *shown, bare.counts, bare.cells)
        self._fill(bare)

    def _fill(self, bare: BarePixels) -> None:
        """Paint ops, the last in the order first, where pixels are bare.

        Where none is left, and that is soon since most of what was painted was painted over, an op is not
        even decoded.
        """
        table = self._table
        for position in table.beneath(self._kind, bare):
            fill(
                table.spans(position), self._footprint, position, table.value(position),
                self.values, self.last, self.counts, bare.counts, bare.cells,
            )  # fmt: skip
