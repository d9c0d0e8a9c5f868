"""The index of tiles: which ops have pixels where, without a look at their masks."""

from __future__ import annotations

__all__ = ["TileIndex"]

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.errors import JournalError
from workbench.labels.growth import doubled, roomy
from workbench.labels.painting import TILE, Bare, touched


class TileIndex:
    """An entry for each tile in which an op has pixels; the ops in the sequence in which they were added.

    The entries of an op follow each other, and each leads to the one before it in its tile: an undo looks at
    what lies beneath it, however many ops a zone has.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = tuple(-(-side // TILE) for side in shape)
        """(tile row, tile col) of the zone."""
        self._count = 0
        self._starts = np.zeros(65, np.int64)
        """Shape (op + 1,). Where the entries of each op begin."""
        self._tiles = np.zeros(64, np.int32)
        """Shape (entry,). Number of the tile."""
        self._cells = np.zeros(64, np.uint64)
        """Shape (entry,). Bits of the cells of the tile in which the op has pixels."""
        self._owners = np.zeros(64, np.int32)
        """Shape (entry,). The op."""
        self._older = np.zeros(64, np.int32)
        """Shape (entry,). The entry of the same tile before it, -1 for none."""
        self._newest = np.full(self.shape[0] * self.shape[1], -1, np.int32)
        """Shape (tile,). The last entry of each tile, -1 for none."""

    def append(self, spans: NDArray[np.int32] | None) -> None:
        """Add the next op, with the spans of its mask if it has one."""
        start = int(self._starts[self._count])
        stop = start
        if spans is not None and spans.size:
            tiles, cells = touched(spans, self.shape[1])
            stop = start + tiles.size
            while stop > len(self._tiles):
                self._tiles, self._cells = doubled(self._tiles), doubled(self._cells)
                self._owners, self._older = doubled(self._owners), doubled(self._older)
            self._tiles[start:stop], self._cells[start:stop] = tiles, cells
            self._owners[start:stop] = self._count
            _link(self._tiles, self._newest, self._older, start, stop)
        self._count += 1
        if self._count == len(self._starts):
            self._starts = doubled(self._starts)
        self._starts[self._count] = stop

    def beneath(self, chosen: NDArray[np.bool_], order: NDArray[np.int64], bare: Bare) -> Iterator[int]:
        """Yield the chosen ops that have pixels in cells where some are bare, the last in the order first.

        Parameters
        ----------
        chosen, order
            Shape (op,).
        bare
            Looked at before each op.
        """
        cells = bare.cells.reshape(-1)
        found = _meeting(chosen, self._cells, self._owners, self._older, self._newest, cells)
        ops = found[np.argsort(-order[found])]
        place = _next_meeting(ops, 0, self._starts, self._tiles, self._cells, cells)
        while place >= 0:
            yield int(ops[place])
            place = _next_meeting(ops, place + 1, self._starts, self._tiles, self._cells, cells)

    def tiles_of(self, position: int) -> NDArray[np.int32]:
        """Return the numbers of the tiles in which an op has pixels."""
        return self._tiles[self._starts[position] : self._starts[position + 1]]

    def shared(self, numbers: NDArray[Any], chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the tiles with chosen ops of different numbers, shape (tile row, tile col).

        ``numbers`` and ``chosen`` have shape (op,).
        """
        count = self._starts[self._count]
        found: NDArray[np.bool_] = _shared(
            numbers, chosen, self._owners[:count], self._tiles[:count], self._newest.size
        )
        return found.reshape(self.shape)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return copies of what `restore` needs."""
        starts = self._starts[: self._count + 1].copy()
        return {
            "starts": starts,
            "tiles": self._tiles[: starts[-1]].copy(),
            "cells": self._cells[: starts[-1]].copy(),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take the ops that the index had when `state` was called; this one is empty.

        Raises
        ------
        JournalError
            The state would lead a kernel out of the zone.
        """
        nothing = np.zeros(0)
        starts, tiles, cells = (state.get(name, nothing) for name in ("starts", "tiles", "cells"))
        if not (
            starts.ndim == tiles.ndim == 1
            and (starts.dtype.str, tiles.dtype.str, cells.dtype.str) == ("<i8", "<i4", "<u8")
            and starts.size
            and starts[0] == 0
            and starts[-1] == tiles.size
            and cells.shape == tiles.shape
            and (np.diff(starts) >= 0).all()
            and ((tiles >= 0) & (tiles < self._newest.size)).all()
        ):
            raise JournalError("a snapshot's index of tiles cannot be one of this zone")
        self._count = starts.size - 1
        self._starts, self._tiles, self._cells = roomy(starts), roomy(tiles), roomy(cells)
        self._owners = np.zeros(len(self._tiles), np.int32)
        self._owners[: tiles.size] = np.repeat(np.arange(self._count, dtype=np.int32), np.diff(starts))
        self._older = np.zeros(len(self._tiles), np.int32)
        _link(self._tiles, self._newest, self._older, 0, tiles.size)


@kernel
def _link(
    tiles: NDArray[np.int32],
    newest: NDArray[np.int32],
    older: NDArray[np.int32],
    start: int,
    stop: int,
) -> None:
    """Put new entries before the older ones of their tiles."""
    for entry in range(start, stop):
        older[entry] = newest[tiles[entry]]
        newest[tiles[entry]] = entry


@kernel
def _shared(
    numbers: NDArray[np.uint16],
    chosen: NDArray[np.bool_],
    owners: NDArray[np.int32],
    tiles: NDArray[np.int32],
    size: int,
) -> NDArray[np.bool_]:
    """Return the tiles, of so many, that have entries of chosen ops of different numbers."""
    first, shared = np.full(size, -1, np.int64), np.zeros(size, np.bool_)
    for entry in range(owners.size):
        if chosen[owners[entry]]:
            number = np.int64(numbers[owners[entry]])
            if first[tiles[entry]] < 0:
                first[tiles[entry]] = number
            elif first[tiles[entry]] != number:
                shared[tiles[entry]] = True
    return shared


@kernel
def _meeting(
    chosen: NDArray[np.bool_],
    cells: NDArray[np.uint64],
    owners: NDArray[np.int32],
    older: NDArray[np.int32],
    newest: NDArray[np.int32],
    bare: NDArray[np.uint64],
) -> NDArray[np.int64]:
    """Return the chosen ops with pixels in cells where some are bare.

    ``bare`` has shape (tile,), ``chosen`` (op,), ``newest`` (tile,), the others (entry,).
    """
    meets = np.zeros(chosen.size, np.bool_)
    for tile in np.flatnonzero(bare):
        entry = newest[tile]
        while entry >= 0:
            if cells[entry] & bare[tile]:
                meets[owners[entry]] = True
            entry = older[entry]
    return np.flatnonzero(meets & chosen)


@kernel
def _next_meeting(
    ops: NDArray[np.int64],
    place: int,
    starts: NDArray[np.int64],
    tiles: NDArray[np.int32],
    cells: NDArray[np.uint64],
    bare: NDArray[np.uint64],
) -> int:
    """Return the place of the next of some ops that has pixels in cells where some are bare; -1 without."""
    for at in range(place, ops.size):
        for entry in range(starts[ops[at]], starts[ops[at] + 1]):
            if cells[entry] & bare[tiles[entry]]:
                return at
    return -1
