"""Kernels that paint masks onto the pixels of a zone.

Each pixel keeps the op that gave its value. Of all ops that paint a pixel the one that comes last in the
total order counts, so ops may be painted in any sequence; what they leave does not depend on it.

A mask is its spans (see `workbench.labels.runs`). Where it has pixels is told by tiles of 64 × 64 pixels, and
in each tile by a bit for each of its cells of 8 × 8.
"""

from __future__ import annotations

__all__ = ["CELL", "TILE", "fill", "lift", "paint", "touched"]

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import inlined_kernel, kernel

TILE = 64
"""Side of a tile in pixels."""
CELL = 8
"""Side of a cell in pixels: the 64 cells of a tile are the bits of one number."""


@inlined_kernel
def _bit(row: int, cell: int) -> np.uint64:
    """Return the bit, in the number of its tile, of a cell given by a row of pixels and a column of cells."""
    return np.uint64(1) << np.uint64(row % TILE // CELL * (TILE // CELL) + cell % (TILE // CELL))


@kernel
def paint(
    spans: NDArray[np.int32],
    footprint: NDArray[np.bool_],
    order: NDArray[np.int64],
    position: int,
    value: int,
    values: NDArray[np.uint8],
    last: NDArray[np.uint32],
    counts: NDArray[np.int64],
) -> None:
    """Paint one op where no op stands that comes after it.

    Parameters
    ----------
    spans
        Of its mask.
    footprint
        Shape (row, col) of the zone; nothing else is painted.
    order
        Shape (op,). Place of each op in the total order.
    position
        Of the op.
    value
        What it gives its pixels.
    values, last
        Shape (row, col) of the zone: value, and 1 + position of the op that gave it, 0 = none. Changed.
    counts
        Shape (256,). Pixels of each value. Changed.
    """
    place = order[position]
    for row, col, stop in spans:
        for here in range(col, stop):
            top = last[row, here]
            if (top == 0 or order[top - 1] < place) and footprint[row, here]:
                counts[values[row, here]] -= 1
                counts[value] += 1
                values[row, here] = value
                last[row, here] = position + 1


@kernel
def fill(
    spans: NDArray[np.int32],
    footprint: NDArray[np.bool_],
    position: int,
    value: int,
    values: NDArray[np.uint8],
    last: NDArray[np.uint32],
    counts: NDArray[np.int64],
    bare: NDArray[np.uint8],
    cells: NDArray[np.uint64],
) -> None:
    """Paint one op where no op stands.

    Ops that are filled in from the last in the order to the first leave what they leave when they are
    painted, and each pixel is written once. Parameters are those of `paint`, and

    Parameters
    ----------
    bare
        Shape (cell row, cell col) of the zone. Pixels of each cell on which no op stands. Changed.
    cells
        Shape (tile row, tile col). The bits of the cells that have some. Changed.
    """
    for row, col, stop in spans:
        while col < stop:
            tile = col // TILE
            border = min(stop, (tile + 1) * TILE)
            if not cells[row // TILE, tile]:
                col = border
                continue
            while col < border:
                cell = col // CELL
                end = min(border, (cell + 1) * CELL)
                if bare[row // CELL, cell]:
                    for here in range(col, end):
                        if last[row, here] == 0 and footprint[row, here]:
                            bare[row // CELL, cell] -= 1
                            counts[0] -= 1
                            counts[value] += 1
                            values[row, here] = value
                            last[row, here] = position + 1
                    if not bare[row // CELL, cell]:
                        cells[row // TILE, tile] &= ~_bit(row, cell)
                col = end


@kernel
def lift(
    spans: NDArray[np.int32],
    position: int,
    values: NDArray[np.uint8],
    last: NDArray[np.uint32],
    counts: NDArray[np.int64],
    bare: NDArray[np.uint8],
    cells: NDArray[np.uint64],
) -> None:
    """Take one op off the pixels on which it stands.

    Parameters are those of `fill`.
    """
    for row, col, stop in spans:
        for here in range(col, stop):
            if last[row, here] == position + 1:
                counts[values[row, here]] -= 1
                counts[0] += 1
                values[row, here] = 0
                last[row, here] = 0
                bare[row // CELL, here // CELL] += 1
                cells[row // TILE, here // TILE] |= _bit(row, here // CELL)


@kernel
def touched(spans: NDArray[np.int32], columns: int) -> tuple[NDArray[np.int32], NDArray[np.uint64]]:
    """Return the tiles in which a mask has pixels, and the bits of the cells in each.

    Parameters
    ----------
    spans
        Of the mask, at least one.
    columns
        Tiles in a row of the zone.

    Returns
    -------
    tiles, cells
        Shape (tile,): numbers of the tiles, sorted, and the bits of each.
    """
    top, bottom = spans[0, 0] // TILE, spans[-1, 0] // TILE
    left, right = spans[:, 1].min() // TILE, (spans[:, 2].max() - 1) // TILE
    marks = np.zeros((bottom - top + 1, right - left + 1), np.uint64)
    for row, col, stop in spans:
        for cell in range(col // CELL, (stop - 1) // CELL + 1):
            marks[row // TILE - top, cell * CELL // TILE - left] |= _bit(row, cell)
    count = int(np.count_nonzero(marks))
    tiles, cells = np.empty(count, np.int32), np.empty(count, np.uint64)
    count = 0
    for row in range(marks.shape[0]):
        for col in range(marks.shape[1]):
            if marks[row, col]:
                tiles[count] = (top + row) * columns + left + col
                cells[count] = marks[row, col]
                count += 1
    return tiles, cells
