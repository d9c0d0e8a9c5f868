"""Where the pixels of an interval of leaves are, without a look at each pixel.

Leaves are numbered depth-first, so nearly all blocks of pixels inside a large region hold numbers of its
interval only, and nearly all blocks elsewhere none. The least and the largest number of each block tell
which: pixels are looked at in the others, along the region's boundary.
"""

from __future__ import annotations

__all__ = ["Ranges", "interval_of", "ranges_of", "spans_between"]

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import inlined_kernel, kernel

_SIDE = 16
"""Side of a block in pixels; a row of it fits into the bits of a number."""


class Ranges(NamedTuple):
    """Which numbers are in each block of a raster of leaves."""

    lowest: NDArray[np.uint32]
    """Shape (block row, block col). The least number, where there is no leaf that for no leaf."""
    stop: NDArray[np.uint32]
    """Shape (block row, block col). 1 + the largest number of a leaf, 0 where there is none."""
    voids: NDArray[np.uint32]
    """Shape (block row, block col). Pixels without a leaf."""


@kernel
def ranges_of(numbers: NDArray[np.uint32], nodata: int) -> Ranges:
    """Return the ranges of a raster, shape (row, col); nodata is the largest number that there can be."""
    height, width = numbers.shape
    shape = ((height + _SIDE - 1) // _SIDE, (width + _SIDE - 1) // _SIDE)
    lowest, stop = np.full(shape, np.uint32(nodata)), np.zeros(shape, np.uint32)
    voids = np.zeros(shape, np.uint32)
    for row in range(height):
        for block in range(shape[1]):
            least, most, without = np.uint32(nodata), np.uint32(0), np.uint32(0)
            for col in range(block * _SIDE, min(width, (block + 1) * _SIDE)):
                number = numbers[row, col]
                least = min(least, number)
                most = max(most, np.uint32(number + np.uint32(1)))
                without += np.uint32(number == nodata)
            lowest[row // _SIDE, block] = min(lowest[row // _SIDE, block], least)
            stop[row // _SIDE, block] = max(stop[row // _SIDE, block], most)
            voids[row // _SIDE, block] += without
    return Ranges(lowest, stop, voids)


@inlined_kernel
def _look(
    numbers: NDArray[np.uint32],
    first: int,
    stop: int,
    row: int,
    row_stop: int,
    col: int,
    held: NDArray[np.uint64],
) -> None:
    """Tell which pixels of a block are in an interval by the bits of a number for each row.

    Without a branch, so that the rows, which lie far apart, come from memory side by side.
    """
    low, many = np.uint32(first), np.uint32(stop - first)
    width = min(_SIDE, numbers.shape[1] - col)
    for r in range(row, row_stop):
        bits = np.uint64(0)
        for place in range(width):
            inside = np.uint32(numbers[r, col + place] - low) < many
            bits |= np.uint64(inside) << np.uint64(place)
        held[r - row] = bits


@inlined_kernel
def _trailing_zeros(bits: np.uint64) -> int:
    """Return how many bits of a number from the lowest on are 0, at most as a block has."""
    zeros = 0
    while zeros < _SIDE and not (bits >> np.uint64(zeros)) & np.uint64(1):
        zeros += 1
    return zeros


@kernel
def spans_between(
    numbers: NDArray[np.uint32],
    ranges: Ranges,
    first: int,
    stop: int,
    box: tuple[int, int, int, int],
    row: int,
    col: int,
) -> NDArray[np.int32]:
    """Return the spans (see `workbench.geo.spans`) of the pixels with numbers first … stop − 1.

    Parameters
    ----------
    numbers, ranges
        Of the raster.
    first, stop
        Of the interval.
    box
        Row, column, row stop and column stop in the raster, outside which there are none.
    row, col
        Where the raster's first pixel lies.
    """
    top, left, bottom, right = box
    blocks = ranges.lowest.shape[1]
    begins, ends = np.empty(blocks, np.int64), np.empty(blocks, np.int64)
    mixed, held = np.empty(blocks, np.bool_), np.empty((blocks, _SIDE), np.uint64)
    spans, count = np.empty((256, 3), np.int32), 0
    for block_row in range(top // _SIDE, (bottom + _SIDE - 1) // _SIDE):
        first_row, row_stop = max(top, block_row * _SIDE), min(bottom, (block_row + 1) * _SIDE)
        # Whole blocks side by side are one stretch; those without pixels of the interval are none.
        stretches = 0
        for block in range(left // _SIDE, (right + _SIDE - 1) // _SIDE):
            lowest, beyond = ranges.lowest[block_row, block], ranges.stop[block_row, block]
            if beyond <= first or lowest >= stop:
                continue
            whole = lowest >= first and beyond <= stop and ranges.voids[block_row, block] == 0
            begin, end = block * _SIDE, min(numbers.shape[1], (block + 1) * _SIDE)
            if not whole:
                _look(numbers, first, stop, first_row, row_stop, begin, held[block])
            elif stretches and ends[stretches - 1] == begin and not mixed[stretches - 1]:
                ends[stretches - 1] = end
                continue
            begins[stretches], ends[stretches], mixed[stretches] = begin, end, not whole
            stretches += 1
        for r in range(first_row, row_stop):
            if len(spans) < count + (right - left) // 2 + 2:
                spans = np.concatenate((spans, np.empty((len(spans) + right - left + 2, 3), np.int32)))
            at = -1  # where the span before stops
            for number in range(stretches):
                begin, end = begins[number], ends[number]
                if not mixed[number]:
                    if begin != at:
                        spans[count, 0], spans[count, 1] = row + r, col + begin
                        count += 1
                    spans[count - 1, 2] = col + end
                    at = end
                    continue
                bits = held[begin // _SIDE, r - first_row]
                while bits:
                    zeros = _trailing_zeros(bits)
                    bits >>= np.uint64(zeros)
                    ones = _trailing_zeros(~bits)
                    begin += zeros
                    if begin != at:
                        spans[count, 0], spans[count, 1] = row + r, col + begin
                        count += 1
                    begin += ones
                    bits >>= np.uint64(ones)
                    spans[count - 1, 2] = col + begin
                    at = begin
    return spans[:count].copy()


@kernel
def interval_of(
    places: NDArray[np.uint32], gone: NDArray[np.bool_], first: int, stop: int
) -> tuple[int, int]:
    """Return the least interval of numbers that holds all that stand for leaves first … stop − 1.

    ``places`` is the leaf that each number stands for, rising but for those that are ``gone`` and stand for
    nothing. Of these some may be inside.
    """
    lowest, beyond = places.size, 0
    for number in range(places.size):
        if first <= places[number] < stop and not gone[number]:
            lowest, beyond = min(lowest, number), number + 1
    return min(lowest, beyond), beyond
