"""Kernels that tell where a mask has pixels, and what shows there. Nothing is changed."""

from __future__ import annotations

__all__ = ["all_inside", "mark", "shows_only", "touched"]

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import inlined_kernel, kernel
from workbench.labels.painting import CELL, MIXED, TILE

_SIDE = TILE // CELL


@inlined_kernel
def _bits(row: int, col: int, stop: int) -> np.uint64:
    """Return the bits, in the number of their tile, of the cells of a stretch of one row of the tile."""
    first, last = col % TILE // CELL, (stop - 1) % TILE // CELL
    stretch = (np.uint64(2) << np.uint64(last - first)) - np.uint64(1)
    return stretch << np.uint64(row % TILE // CELL * _SIDE + first)


@kernel
def touched(
    spans: NDArray[np.int32], columns: int
) -> tuple[NDArray[np.int32], NDArray[np.uint64], NDArray[np.int32]]:
    """Return the tiles in which a mask has pixels, the bits of the cells in each, and how many pixels.

    Parameters
    ----------
    spans
        Of the mask, at least one.
    columns
        Tiles in a row of the zone.

    Returns
    -------
    tiles, cells, pixels
        Shape (tile,): numbers of the tiles, sorted, and the bits and pixels of each.
    """
    top, bottom = spans[0, 0] // TILE, spans[-1, 0] // TILE
    left, right = spans[:, 1].min() // TILE, (spans[:, 2].max() - 1) // TILE
    marks = np.zeros((bottom - top + 1, right - left + 1), np.uint64)
    counts = np.zeros(marks.shape, np.int32)
    for number in range(len(spans)):
        row, col, stop = spans[number, 0], spans[number, 1], spans[number, 2]
        while col < stop:
            tile = col // TILE
            border = min(stop, (tile + 1) * TILE)
            marks[row // TILE - top, tile - left] |= _bits(row, col, border)
            counts[row // TILE - top, tile - left] += border - col
            col = border
    count = int(np.count_nonzero(marks))
    tiles, cells, pixels = np.empty(count, np.int32), np.empty(count, np.uint64), np.empty(count, np.int32)
    count = 0
    for i in range(marks.shape[0]):
        for j in range(marks.shape[1]):
            if marks[i, j]:
                tiles[count] = (top + i) * columns + left + j
                cells[count], pixels[count] = marks[i, j], counts[i, j]
                count += 1
    return tiles, cells, pixels


@kernel
def all_inside(spans: NDArray[np.int32], footprint: NDArray[np.bool_], whole: NDArray[np.bool_]) -> bool:
    """Tell whether all pixels of a mask are inside the zone; ``footprint`` and ``whole`` as in `Ground`."""
    for number in range(len(spans)):
        row, col, stop = spans[number, 0], spans[number, 1], spans[number, 2]
        while col < stop:
            border = min(stop, (col // TILE + 1) * TILE)
            if not whole[row // TILE, col // TILE]:
                for here in range(col, border):
                    if not footprint[row, here]:
                        return False
            col = border
    return True


@kernel
def shows_only(
    spans: NDArray[np.int32], value: int, values: NDArray[np.uint8], tops: NDArray[np.uint32]
) -> bool:
    """Tell whether all pixels of a mask have a value; ``values`` and ``tops`` as in `Shown`."""
    for number in range(len(spans)):
        row, col, stop = spans[number, 0], spans[number, 1], spans[number, 2]
        while col < stop:
            border = min(stop, (col // TILE + 1) * TILE)
            one = tops[row // TILE, col // TILE] != MIXED
            for here in range(col, col + 1 if one else border):
                if values[row, here] != value:
                    return False
            col = border
    return True


@kernel
def mark(
    spans: NDArray[np.int32],
    position: int,
    number: int,
    tops: NDArray[np.uint32],
    last: NDArray[np.uint32],
    row: int,
    col: int,
    numbers: NDArray[np.uint8],
) -> int:
    """Write a number on the pixels on which an op stands, and return how many they are.

    Parameters
    ----------
    spans, position
        Of the op.
    number
        What is written.
    tops, last
        As in `Shown`.
    row, col
        First pixel of the window that is looked at.
    numbers
        Shape (row, col) of it, written to. All pixels count, and none is written to, where it is empty.
    """
    count, some = 0, numbers.size > 0
    for one in range(len(spans)):
        r, c, stop = spans[one, 0], spans[one, 1], spans[one, 2]
        if some:
            c, stop = max(c, col), min(stop, col + numbers.shape[1])
            if not row <= r < row + numbers.shape[0]:
                continue
        while c < stop:
            border = min(stop, (c // TILE + 1) * TILE)
            top = tops[r // TILE, c // TILE]
            if top == MIXED or top == position + 1:
                pixels = last[r // TILE, c // TILE, r % TILE]
                for here in range(c, border):
                    if top != MIXED or pixels[here % TILE] == position + 1:
                        count += 1
                        if some:
                            numbers[r - row, here - col] = number
            c = border
    return count
