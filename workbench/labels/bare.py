"""Bare pixels: those of a zone on which no op stands, counted where they are."""

from __future__ import annotations

__all__ = ["BarePixels"]

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workbench.labels.painting import CELL, TILE

_SIDE = TILE // CELL


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarePixels:
    """How many there are in each cell of a zone; the kernels of `workbench.labels.painting` change it."""

    counts: NDArray[np.uint8]
    """Shape (cell row, cell col)."""
    cells: NDArray[np.uint64]
    """Shape (tile row, tile col). A bit for each cell of the tile, set where there are some."""

    @classmethod
    def nowhere(cls, shape: tuple[int, ...]) -> Self:
        """Return those of a zone, shape (row, col), that has none."""
        height, width = (-(-side // TILE) for side in shape)
        counts = np.zeros((height * _SIDE, width * _SIDE), np.uint8)
        return cls(counts=counts, cells=np.zeros((height, width), np.uint64))

    @classmethod
    def everywhere(cls, footprint: NDArray[np.bool_]) -> Self:
        """Return those of a zone that has no others, shape (row, col), True inside."""
        bare = cls.nowhere(footprint.shape)
        rows, cols = (np.arange(0, side, CELL) for side in footprint.shape)
        inside = np.add.reduceat(np.add.reduceat(footprint, rows, axis=0, dtype=np.uint8), cols, axis=1)
        bare.counts[: rows.size, : cols.size] = inside
        bare.cells[:] = _bits(bare.counts > 0)
        return bare

    @classmethod
    def in_tiles(cls, tiles: NDArray[np.bool_]) -> Self:
        """Return more than there are pixels in some tiles, shape (tile row, tile col): none fills up."""
        cells = tiles.repeat(_SIDE, axis=0).repeat(_SIDE, axis=1)
        return cls(counts=np.where(cells, CELL * CELL + 1, 0).astype(np.uint8), cells=_bits(cells))


def _bits(cells: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Return the number that the cells of each tile are the bits of."""
    height, width = cells.shape[0] // _SIDE, cells.shape[1] // _SIDE
    weights = np.uint64(1) << np.arange(_SIDE * _SIDE, dtype=np.uint64)
    tiles = cells.reshape(height, _SIDE, width, _SIDE).swapaxes(1, 2).reshape(height, width, -1)
    bits: NDArray[np.uint64] = (tiles * weights).sum(axis=2, dtype=np.uint64)
    return bits
