"""The ground of a zone: which of its pixels can be painted, counted where they are."""

from __future__ import annotations

__all__ = ["bare_everywhere", "bare_in", "bare_nowhere", "ground_of", "nothing_shown"]

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.labels.painting import CELL, TILE, Bare, Ground, Shown

_SIDE = TILE // CELL


def ground_of(footprint: NDArray[np.bool_]) -> Ground:
    """Return the ground of a zone, shape (row, col), True inside.

    >>> ground = ground_of(np.arange(70 * 70).reshape(70, 70) > 0)
    >>> ground.cells[:2, :2].tolist(), ground.whole.tolist()
    ([[63, 64], [64, 64]], [[False, True], [True, True]])
    """
    rows, cols = (-(-side // TILE) for side in footprint.shape)
    cells = np.zeros((rows * _SIDE, cols * _SIDE), np.uint8)
    whole = np.zeros((rows, cols), np.bool_)
    _count(footprint, cells, whole)
    return Ground(footprint=footprint, cells=cells, whole=whole)


def nothing_shown(ground: Ground) -> Shown:
    """Return what shows where no op was painted."""
    counts = np.zeros(256, np.int64)
    counts[0] = ground.cells.sum(dtype=np.int64)
    shape = ground.whole.shape
    return Shown(
        values=np.zeros(ground.footprint.shape, np.uint8),
        counts=counts,
        tops=np.zeros(shape, np.uint32),
        last=np.zeros((*shape, TILE, TILE), np.uint32),
        stamps=np.zeros(shape, np.uint32),
    )


def bare_nowhere(ground: Ground) -> Bare:
    """Return the bare pixels of a zone that has none."""
    return Bare(counts=np.zeros_like(ground.cells), cells=np.zeros(ground.whole.shape, np.uint64))


def bare_everywhere(ground: Ground) -> Bare:
    """Return the bare pixels of a zone of which every pixel is bare."""
    return bare_in(ground, np.ones_like(ground.whole))


def bare_in(ground: Ground, tiles: NDArray[np.bool_]) -> Bare:
    """Return the bare pixels of a zone where those of some tiles, shape (tile row, tile col), are bare."""
    bare = bare_nowhere(ground)
    _open(ground.cells, tiles, bare.counts, bare.cells)
    return bare


@kernel
def _count(footprint: NDArray[np.bool_], cells: NDArray[np.uint8], whole: NDArray[np.bool_]) -> None:
    """Count the pixels of each cell, and find the tiles that lack none."""
    height, width = footprint.shape
    lacking = np.zeros(whole.shape, np.bool_)
    for row in range(height):
        for cell in range((width + CELL - 1) // CELL):
            inside, stop = 0, min(width, (cell + 1) * CELL)
            for col in range(cell * CELL, stop):
                inside += footprint[row, col]
            cells[row // CELL, cell] += inside
            if inside < stop - cell * CELL:
                lacking[row // TILE, cell // _SIDE] = True
    for row in range(whole.shape[0]):
        for col in range(whole.shape[1]):
            whole[row, col] = not lacking[row, col]


@kernel
def _open(
    inside: NDArray[np.uint8], tiles: NDArray[np.bool_], counts: NDArray[np.uint8], bits: NDArray[np.uint64]
) -> None:
    """Have the cells of some tiles bare."""
    for row in range(inside.shape[0]):
        for col in range(inside.shape[1]):
            if inside[row, col] and tiles[row // _SIDE, col // _SIDE]:
                counts[row, col] = inside[row, col]
                place = np.uint64(row % _SIDE * _SIDE + col % _SIDE)
                bits[row // _SIDE, col // _SIDE] |= np.uint64(1) << place
