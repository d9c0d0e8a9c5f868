"""Kernels that paint masks onto the pixels of a zone.

Each pixel keeps the op that gave its value. Of all ops that paint a pixel the one that comes last in the
total order counts, so ops may be painted in any sequence; what they leave does not depend on it.

A mask is its spans (see `workbench.geo.spans`). Everything else is by tiles of 64 × 64 pixels. Where a single
op stands on all pixels of a tile, the tile says so and its pixels need not: a region of millions of pixels
is painted, and taken away again, at the price of its tiles and of the pixels along its boundary. Where a mask
has pixels is told, for each tile, by a bit for each of its cells of 8 × 8.
"""

from __future__ import annotations

__all__ = [
    "CELL",
    "Bare",
    "Beneath",
    "Ground",
    "MIXED",
    "Shown",
    "TILE",
    "all_inside",
    "clear",
    "fill",
    "held_whole",
    "lift",
    "mark",
    "paint",
    "shows_only",
    "touched",
]

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import inlined_kernel, kernel

TILE = 64
"""Side of a tile in pixels."""
CELL = 8
"""Side of a cell in pixels: the 64 cells of a tile are the bits of one number."""
MIXED = 0xFFFFFFFF
"""In `Shown.tops`: look at the pixels of the tile."""
_SIDE = TILE // CELL


# The tuples lie beside the kernels that take them apart: numba's cache looks at this file only.
class Ground(NamedTuple):
    """The pixels of a zone that can be painted; never changes."""

    footprint: NDArray[np.bool_]
    """Shape (row, col). True inside the zone."""
    cells: NDArray[np.uint8]
    """Shape (cell row, cell col). Pixels of each cell inside the zone, in whole tiles of cells."""
    whole: NDArray[np.bool_]
    """Shape (tile row, tile col). Whether all pixels of a tile are inside."""


class Shown(NamedTuple):
    """What ops leave on the pixels of a zone; the kernels change it."""

    values: NDArray[np.uint8]
    """Shape (row, col). 0 where no op stands."""
    counts: NDArray[np.int64]
    """Shape (256,). Pixels of each value inside the zone."""
    tops: NDArray[np.uint32]
    """Shape (tile row, tile col). 1 + position of the op that stands on all pixels of a tile, all of which are
    inside the zone; 0 where none stands on any; else `MIXED`."""
    last: NDArray[np.uint32]
    """Shape (tile row, tile col, row, col). 1 + position of the op on each pixel of a mixed tile, 0 for none;
    anything in other tiles, and below the zone's edge."""
    stamps: NDArray[np.uint32]
    """Shape (tile row, tile col). Another number after each change of a tile but that an op was painted over
    all of it, or such a one taken away."""


class Beneath(NamedTuple):
    """What stood on the tiles that an op was painted over whole, so that it can be taken away without a look
    at other ops."""

    tiles: NDArray[np.int32]
    """Shape (tile,). Numbers of the tiles, rising."""
    tops: NDArray[np.uint32]
    """Shape (tile,). As in `Shown`; a mixed tile keeps its pixels until it gets another stamp."""
    stamps: NDArray[np.uint32]
    """Shape (tile,). Those that the tiles had."""


class Bare(NamedTuple):
    """Pixels on which no op stands, counted where they are; the kernels change it."""

    counts: NDArray[np.uint8]
    """Shape (cell row, cell col)."""
    cells: NDArray[np.uint64]
    """Shape (tile row, tile col). The bits of the cells that have some."""


@inlined_kernel
def _bits(row: int, col: int, stop: int) -> np.uint64:
    """Return the bits, in the number of their tile, of the cells of a stretch of one row of the tile."""
    first, last = col % TILE // CELL, (stop - 1) % TILE // CELL
    stretch = (np.uint64(2) << np.uint64(last - first)) - np.uint64(1)
    return stretch << np.uint64(row % TILE // CELL * _SIDE + first)


@inlined_kernel
def _covered(spans: NDArray[np.int32], wanted: NDArray[np.uint64]) -> tuple[int, int, NDArray[np.int32]]:
    """Return how many pixels a mask has in each tile, and the first row and column of tiles it tells of.

    Tiles of which ``wanted``, of shape (tile row, tile col), is 0 are left at 0; it may be empty.
    """
    top, left, bottom, right = 0, 0, -1, -1
    if len(spans):
        top, bottom = spans[0, 0] // TILE, spans[-1, 0] // TILE
        left, right = spans[:, 1].min() // TILE, (spans[:, 2].max() - 1) // TILE
    covered = np.zeros((bottom - top + 1, right - left + 1), np.int32)
    for number in range(len(spans)):
        row, col, stop = spans[number, 0], spans[number, 1], spans[number, 2]
        tile_row = row // TILE
        while col < stop:
            tile = col // TILE
            border = min(stop, (tile + 1) * TILE)
            if wanted.size == 0 or wanted[tile_row, tile]:
                covered[tile_row - top, tile - left] += border - col
            col = border
    return top, left, covered


@inlined_kernel
def _take_away(counts: NDArray[np.int64], values: NDArray[np.uint8]) -> None:
    """Subtract the values of a row of pixels from their counts."""
    held, many = values[0], 0
    for value in values:
        if value != held:
            counts[held] -= many
            held, many = value, 0
        many += 1
    counts[held] -= many


@inlined_kernel
def _write(values: NDArray[np.uint8], marked: NDArray[np.bool_], top: int, left: int, value: int) -> None:
    """Give all pixels of marked tiles, from a first row and column of tiles on, a value.

    Row by row through tiles side by side: memory is written in the order in which it lies.
    """
    height, width = values.shape
    for i in range(marked.shape[0]):
        j = 0
        while j < marked.shape[1]:
            if not marked[i, j]:
                j += 1
                continue
            begin = j
            while j < marked.shape[1] and marked[i, j]:
                j += 1
            first, stop = (left + begin) * TILE, min(width, (left + j) * TILE)
            for row in range((top + i) * TILE, min(height, (top + i + 1) * TILE)):
                values[row, first:stop] = value


@kernel
def paint(
    spans: NDArray[np.int32],
    ground: Ground,
    order: NDArray[np.int64],
    position: int,
    value: int,
    highest: int,
    shown: Shown,
) -> Beneath:
    """Paint one op where no op stands that comes after it.

    Parameters
    ----------
    spans
        Of its mask.
    ground
        Of the zone; nothing else is painted.
    order
        Shape (op,). Place of each op in the total order.
    position
        Of the op.
    value
        What it gives its pixels.
    highest
        Position of the op that comes last in the order of those painted so far; of this one, if none was.
    shown
        Changed.

    Returns
    -------
    Beneath
        For `lift`.
    """
    height, width = ground.footprint.shape
    place, newest = order[position], order[position] >= order[highest]
    values, counts, tops = shown.values, shown.counts, shown.tops
    top, left, covered = _covered(spans, np.empty((0, 0), np.uint64))
    other = np.zeros(covered.shape, np.bool_)
    beneath = Beneath(
        np.empty(covered.size, np.int32), np.empty(covered.size, np.uint32), np.empty(covered.size, np.uint32)
    )
    whole = 0
    for i in range(covered.shape[0]):
        for j in range(covered.shape[1]):
            tile_row, tile = top + i, left + j
            if covered[i, j] == 0:
                continue
            there = tops[tile_row, tile]
            stamp = shown.stamps[tile_row, tile]
            shown.stamps[tile_row, tile] = stamp + 1
            if there != MIXED and there > 0 and order[there - 1] >= place:
                covered[i, j] = 0
                continue
            row, col = tile_row * TILE, tile * TILE
            row_stop, col_stop = min(height, row + TILE), min(width, col + TILE)
            area = (row_stop - row) * (col_stop - col)
            if ground.whole[tile_row, tile] and covered[i, j] == area and (there != MIXED or newest):
                if there != MIXED:
                    counts[values[row, col]] -= area
                else:
                    for r in range(row, row_stop):
                        _take_away(counts, values[r, col:col_stop])
                counts[value] += area
                other[i, j] = there == MIXED or values[row, col] != value
                beneath.tiles[whole], beneath.tops[whole] = tile_row * tops.shape[1] + tile, there
                beneath.stamps[whole] = shown.stamps[tile_row, tile] = stamp
                whole += 1
                tops[tile_row, tile] = position + 1
                covered[i, j] = 0
            elif there != MIXED:
                shown.last[tile_row, tile, :, :] = there
                tops[tile_row, tile] = MIXED
    _write(values, other, top, left, value)
    for number in range(len(spans)):
        row, col, stop = spans[number, 0], spans[number, 1], spans[number, 2]
        tile_row = row // TILE
        while col < stop:
            tile = col // TILE
            border = min(stop, (tile + 1) * TILE)
            if covered[tile_row - top, tile - left]:
                last = shown.last[tile_row, tile, row % TILE, col - tile * TILE : border - tile * TILE]
                if newest and ground.whole[tile_row, tile]:
                    _take_away(counts, values[row, col:border])
                    counts[value] += border - col
                    values[row, col:border] = value
                    last[:] = position + 1
                else:
                    for here in range(col, border):
                        under = last[here - col]
                        if (under == 0 or order[under - 1] < place) and ground.footprint[row, here]:
                            counts[values[row, here]] -= 1
                            counts[value] += 1
                            values[row, here] = value
                            last[here - col] = position + 1
            col = border
    return Beneath(beneath.tiles[:whole].copy(), beneath.tops[:whole].copy(), beneath.stamps[:whole].copy())


@kernel
def fill(
    spans: NDArray[np.int32],
    ground: Ground,
    position: int,
    value: int,
    shown: Shown,
    bare: Bare,
) -> None:
    """Paint one op where no op stands.

    Ops that are filled in from the last in the order to the first leave what they leave when they are
    painted, and each pixel is written once. Parameters are those of `paint`, and

    Parameters
    ----------
    bare
        Where no op stands, as far as it is to be painted. Changed.
    """
    height, width = ground.footprint.shape
    values, counts, tops = shown.values, shown.counts, shown.tops
    top, left, covered = _covered(spans, bare.cells)
    other = np.zeros(covered.shape, np.bool_)
    for i in range(covered.shape[0]):
        for j in range(covered.shape[1]):
            tile_row, tile = top + i, left + j
            if covered[i, j] == 0:
                continue
            shown.stamps[tile_row, tile] += 1
            if tops[tile_row, tile] != 0:
                continue
            row, col = tile_row * TILE, tile * TILE
            row_stop, col_stop = min(height, row + TILE), min(width, col + TILE)
            area = (row_stop - row) * (col_stop - col)
            if ground.whole[tile_row, tile] and covered[i, j] == area:
                counts[0] -= area
                counts[value] += area
                other[i, j] = True
                tops[tile_row, tile] = position + 1
                bare.counts[row // CELL : row // CELL + _SIDE, col // CELL : col // CELL + _SIDE] = 0
                bare.cells[tile_row, tile] = 0
                covered[i, j] = 0
            else:
                shown.last[tile_row, tile, :, :] = 0
                tops[tile_row, tile] = MIXED
    _write(values, other, top, left, value)
    for number in range(len(spans)):
        row, col, stop = spans[number, 0], spans[number, 1], spans[number, 2]
        tile_row = row // TILE
        while col < stop:
            tile = col // TILE
            border = min(stop, (tile + 1) * TILE)
            if not covered[tile_row - top, tile - left] or not bare.cells[tile_row, tile]:
                col = border
                continue
            last = shown.last[tile_row, tile, row % TILE]
            while col < border:
                cell = col // CELL
                end = min(border, (cell + 1) * CELL)
                if bare.counts[row // CELL, cell]:
                    many = 0
                    for here in range(col, end):
                        if last[here - tile * TILE] == 0 and ground.footprint[row, here]:
                            values[row, here] = value
                            last[here - tile * TILE] = position + 1
                            many += 1
                    counts[0] -= many
                    counts[value] += many
                    bare.counts[row // CELL, cell] -= many
                    if not bare.counts[row // CELL, cell]:
                        bare.cells[tile_row, tile] &= ~_bits(row, col, end)
                col = end


@kernel
def lift(
    spans: NDArray[np.int32],
    ground: Ground,
    position: int,
    given: NDArray[np.uint8],
    beneath: Beneath,
    shown: Shown,
    bare: Bare,
) -> None:
    """Take one op off the pixels on which it stands.

    What stood beneath shows again where nothing else happened since. Elsewhere the pixels are bare, and keep
    their values until they are filled or cleared. Parameters are those of `fill`, and

    Parameters
    ----------
    given
        Shape (op,). What each op gives its pixels.
    beneath
        As `paint` returned it for the op, or with no tiles.
    """
    height, width = ground.footprint.shape
    counts, tops = shown.counts, shown.tops
    columns, value, at = tops.shape[1], given[position], 0
    done = np.zeros(tops.shape, np.bool_)
    while at < beneath.tiles.size:
        # Row by row through the tiles of a row of tiles: memory is written in the order in which it lies.
        tile_row, begin = beneath.tiles[at] // columns, at
        while at < beneath.tiles.size and beneath.tiles[at] // columns == tile_row:
            tile = beneath.tiles[at] % columns
            if tops[tile_row, tile] == position + 1 and shown.stamps[tile_row, tile] == beneath.stamps[at]:
                tops[tile_row, tile] = beneath.tops[at]
                done[tile_row, tile] = True
            at += 1
        for row in range(tile_row * TILE, min(height, (tile_row + 1) * TILE)):
            for number in range(begin, at):
                tile = beneath.tiles[number] % columns
                if not done[tile_row, tile]:
                    continue
                col, stop = tile * TILE, min(width, (tile + 1) * TILE)
                counts[value] -= stop - col
                if beneath.tops[number] != MIXED:
                    shows = given[beneath.tops[number] - 1] if beneath.tops[number] else np.uint8(0)
                    counts[shows] += stop - col
                    shown.values[row, col:stop] = shows
                else:
                    _show(shown.last[tile_row, tile, row % TILE], given, shown.values[row, col:stop], counts)
    _bare(spans, ground, position, value, done, shown, bare)


@inlined_kernel
def _show(
    last: NDArray[np.uint32], given: NDArray[np.uint8], values: NDArray[np.uint8], counts: NDArray[np.int64]
) -> None:
    """Give the pixels of a row what the ops on them give, and add them to the counts."""
    held, value, many = np.uint32(0), np.uint8(0), 0
    for here in range(values.size):
        if last[here] != held:
            counts[value] += many
            held, many = last[here], 0
            value = given[held - 1] if held else np.uint8(0)
        values[here] = value
        many += 1
    counts[value] += many


@inlined_kernel
def _bare(
    spans: NDArray[np.int32],
    ground: Ground,
    position: int,
    value: int,
    done: NDArray[np.bool_],
    shown: Shown,
    bare: Bare,
) -> None:
    """Take an op off the pixels on which it stands, which are bare then; not in tiles that are done."""
    height, width = ground.footprint.shape
    counts, tops = shown.counts, shown.tops
    for number in range(len(spans)):
        row, col, stop = spans[number, 0], spans[number, 1], spans[number, 2]
        tile_row = row // TILE
        while col < stop:
            tile = col // TILE
            border = min(stop, (tile + 1) * TILE)
            if done[tile_row, tile]:
                pass
            elif tops[tile_row, tile] == position + 1:
                first, side = tile_row * TILE, tile * TILE
                area = (min(height, first + TILE) - first) * (min(width, side + TILE) - side)
                counts[value] -= area
                counts[0] += area
                tops[tile_row, tile] = 0
                bits = np.uint64(0)
                for i in range(_SIDE):
                    for j in range(_SIDE):
                        inside = ground.cells[first // CELL + i, side // CELL + j]
                        bare.counts[first // CELL + i, side // CELL + j] = inside
                        if inside:
                            bits |= np.uint64(1) << np.uint64(i * _SIDE + j)
                bare.cells[tile_row, tile] = bits
                shown.stamps[tile_row, tile] += 1
            elif tops[tile_row, tile] == MIXED:
                last = shown.last[tile_row, tile, row % TILE]
                while col < border:
                    end, many = min(border, (col // CELL + 1) * CELL), 0
                    for here in range(col, end):
                        if last[here - tile * TILE] == position + 1:
                            last[here - tile * TILE] = 0
                            many += 1
                    if many:
                        counts[value] -= many
                        counts[0] += many
                        bare.counts[row // CELL, col // CELL] += many
                        bare.cells[tile_row, tile] |= _bits(row, col, end)
                        shown.stamps[tile_row, tile] += 1
                    col = end
            else:
                shown.stamps[tile_row, tile] += 1
            col = border


@kernel
def clear(shown: Shown, bare: Bare) -> None:
    """Give the pixels that stayed bare the value 0."""
    height, width = shown.values.shape
    empty = (bare.cells != 0) & (shown.tops == 0)
    _write(shown.values, empty, 0, 0, 0)
    for tile_row in range(bare.cells.shape[0]):
        for tile in range(bare.cells.shape[1]):
            if not bare.cells[tile_row, tile] or empty[tile_row, tile]:
                continue
            row, col = tile_row * TILE, tile * TILE
            for r in range(row, min(height, row + TILE)):
                for c in range(col, min(width, col + TILE)):
                    if shown.last[tile_row, tile, r - row, c - col] == 0:
                        shown.values[r, c] = 0


@kernel
def held_whole(spans: NDArray[np.int32], ground: Ground) -> NDArray[np.int32]:
    """Return the numbers of the tiles, all of them inside the zone, of which a mask has all pixels."""
    height, width = ground.footprint.shape
    top, left, covered = _covered(spans, np.empty((0, 0), np.uint64))
    found, count = np.empty(covered.size, np.int32), 0
    for i in range(covered.shape[0]):
        for j in range(covered.shape[1]):
            row, col = (top + i) * TILE, (left + j) * TILE
            area = (min(height, row + TILE) - row) * (min(width, col + TILE) - col)
            if covered[i, j] == area and ground.whole[top + i, left + j]:
                found[count] = (top + i) * ground.whole.shape[1] + left + j
                count += 1
    return found[:count].copy()


@kernel
def all_inside(spans: NDArray[np.int32], ground: Ground) -> bool:
    """Tell whether all pixels of a mask are inside the zone."""
    for number in range(len(spans)):
        row, col, stop = spans[number, 0], spans[number, 1], spans[number, 2]
        while col < stop:
            border = min(stop, (col // TILE + 1) * TILE)
            if not ground.whole[row // TILE, col // TILE]:
                for here in range(col, border):
                    if not ground.footprint[row, here]:
                        return False
            col = border
    return True


@kernel
def shows_only(spans: NDArray[np.int32], value: int, shown: Shown) -> bool:
    """Tell whether all pixels of a mask have a value."""
    for number in range(len(spans)):
        row, col, stop = spans[number, 0], spans[number, 1], spans[number, 2]
        while col < stop:
            border = min(stop, (col // TILE + 1) * TILE)
            one = shown.tops[row // TILE, col // TILE] != MIXED
            for here in range(col, col + 1 if one else border):
                if shown.values[row, here] != value:
                    return False
            col = border
    return True


@kernel
def mark(
    spans: NDArray[np.int32],
    position: int,
    number: int,
    shown: Shown,
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
    shown
        What shows.
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
            top = shown.tops[r // TILE, c // TILE]
            if top == MIXED or top == position + 1:
                last = shown.last[r // TILE, c // TILE, r % TILE]
                for here in range(c, border):
                    if top != MIXED or last[here % TILE] == position + 1:
                        count += 1
                        if some:
                            numbers[r - row, here - col] = number
            c = border
    return count


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
    for number in range(len(spans)):
        row, col, stop = spans[number, 0], spans[number, 1], spans[number, 2]
        while col < stop:
            tile = col // TILE
            border = min(stop, (tile + 1) * TILE)
            marks[row // TILE - top, tile - left] |= _bits(row, col, border)
            col = border
    count = int(np.count_nonzero(marks))
    tiles, cells = np.empty(count, np.int32), np.empty(count, np.uint64)
    count = 0
    for i in range(marks.shape[0]):
        for j in range(marks.shape[1]):
            if marks[i, j]:
                tiles[count] = (top + i) * columns + left + j
                cells[count] = marks[i, j]
                count += 1
    return tiles, cells
