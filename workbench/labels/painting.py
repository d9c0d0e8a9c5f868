"""Kernels that paint run-length masks onto the pixels of a zone.

Each pixel keeps the op that gave its value. Of all ops that paint a pixel the one that comes last in the
total order counts, so ops may be painted in any sequence; what they leave does not depend on it.
"""

from __future__ import annotations

__all__ = ["TILE", "fill", "lift", "meeting", "next_meeting", "paint", "touched"]

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel

TILE = 64
"""Side in pixels of the tiles by which ops are found that paint somewhere."""


@kernel
def paint(
    runs: NDArray[np.int64],
    box: NDArray[np.int32],
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
    runs
        Lengths in pixels of the runs of the mask in raster order, in turn outside and inside.
    box
        Row, col, row stop and column stop of the mask in the zone.
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
    width = box[3] - box[1]
    at = 0
    inside = False
    for run in runs:
        stop = at + run
        while inside and at < stop:
            row, col = box[0] + at // width, box[1] + at % width
            end = min(box[3], col + stop - at)
            at += end - col
            for here in range(col, end):
                top = last[row, here]
                if (top == 0 or order[top - 1] < place) and footprint[row, here]:
                    counts[values[row, here]] -= 1
                    counts[value] += 1
                    values[row, here] = value
                    last[row, here] = position + 1
        at = stop
        inside = not inside


@kernel
def fill(
    runs: NDArray[np.int64],
    box: NDArray[np.int32],
    footprint: NDArray[np.bool_],
    position: int,
    value: int,
    values: NDArray[np.uint8],
    last: NDArray[np.uint32],
    counts: NDArray[np.int64],
    bare: NDArray[np.int32],
) -> None:
    """Paint one op where no op stands.

    Parameters are those of `paint`; ``bare``, changed too, has shape (tile row, tile col) of the zone: the
    pixels of each tile on which no op stands. Ops that are filled in from the last in the order to the first
    leave what they leave when they are painted, and each pixel is written once.
    """
    width = box[3] - box[1]
    at = 0
    inside = False
    for run in runs:
        stop = at + run
        while inside and at < stop:
            row, col = box[0] + at // width, box[1] + at % width
            end = min(box[3], col + stop - at)
            at += end - col
            while col < end:
                tile = col // TILE
                border = min(end, (tile + 1) * TILE)
                if bare[row // TILE, tile]:
                    for here in range(col, border):
                        if last[row, here] == 0 and footprint[row, here]:
                            bare[row // TILE, tile] -= 1
                            counts[0] -= 1
                            counts[value] += 1
                            values[row, here] = value
                            last[row, here] = position + 1
                col = border
        at = stop
        inside = not inside


@kernel
def lift(
    runs: NDArray[np.int64],
    box: NDArray[np.int32],
    position: int,
    values: NDArray[np.uint8],
    last: NDArray[np.uint32],
    counts: NDArray[np.int64],
    bare: NDArray[np.int32],
) -> None:
    """Take one op off the pixels on which it stands.

    Parameters are those of `fill`.
    """
    width = box[3] - box[1]
    at = 0
    inside = False
    for run in runs:
        stop = at + run
        while inside and at < stop:
            row, col = box[0] + at // width, box[1] + at % width
            end = min(box[3], col + stop - at)
            at += end - col
            for here in range(col, end):
                if last[row, here] == position + 1:
                    counts[values[row, here]] -= 1
                    counts[0] += 1
                    values[row, here] = 0
                    last[row, here] = 0
                    bare[row // TILE, here // TILE] += 1
        at = stop
        inside = not inside


@kernel
def touched(runs: NDArray[np.int64], box: NDArray[np.int32], columns: int) -> NDArray[np.int32]:
    """Return the numbers of the tiles in which a mask has pixels, sorted; ``columns`` is tiles in a row."""
    width = box[3] - box[1]
    top, left = box[0] // TILE, box[1] // TILE
    shape = ((box[2] - 1) // TILE - top + 1, (box[3] - 1) // TILE - left + 1)
    marks = np.zeros(shape, np.bool_)
    at = 0
    inside = False
    for run in runs:
        stop = at + run
        while inside and at < stop:
            row, col = box[0] + at // width, box[1] + at % width
            end = min(box[3], col + stop - at)
            at += end - col
            for tile in range(col // TILE, (end - 1) // TILE + 1):
                marks[row // TILE - top, tile - left] = True
        at = stop
        inside = not inside
    numbers = np.empty(np.count_nonzero(marks), np.int32)
    count = 0
    for row in range(shape[0]):
        for col in range(shape[1]):
            if marks[row, col]:
                numbers[count] = (top + row) * columns + left + col
                count += 1
    return numbers


@kernel
def meeting(
    chosen: NDArray[np.bool_], starts: NDArray[np.int64], tiles: NDArray[np.int32], bare: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Return the ops that have pixels in tiles where some pixels are bare.

    Parameters
    ----------
    chosen
        Shape (op,). Ops to look at.
    starts, tiles
        Shape (op + 1,) and (entry,). The tiles of an op are those from its start to the next one's.
    bare
        Shape (tile,). Pixels of each tile on which no op stands.
    """
    found = np.empty(np.count_nonzero(chosen), np.int64)
    count = 0
    for op in range(chosen.size):
        if chosen[op]:
            for entry in range(starts[op], starts[op + 1]):
                if bare[tiles[entry]]:
                    found[count] = op
                    count += 1
                    break
    return found[:count]


@kernel
def next_meeting(
    ops: NDArray[np.int64],
    place: int,
    starts: NDArray[np.int64],
    tiles: NDArray[np.int32],
    bare: NDArray[np.int32],
) -> int:
    """Return the place of the next of some ops, from a place on, that `meeting` would return; -1 without."""
    for at in range(place, ops.size):
        for entry in range(starts[ops[at]], starts[ops[at] + 1]):
            if bare[tiles[entry]]:
                return at
    return -1
