"""Which op stands on each pixel, read from the tiles that `workbench.labels.painting` keeps."""

from __future__ import annotations

__all__ = ["Picture", "Runs", "last_across", "last_at", "last_in", "shown_of"]

from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.errors import JournalError
from workbench.geo.grid import Window
from workbench.labels.ground import nothing_shown
from workbench.labels.painting import MIXED, TILE, Ground, Shown


class Runs(NamedTuple):
    """The op on each pixel of a zone, row after row, as stretches of pixels with the same."""

    values: NDArray[np.uint32]
    """Shape (run,). 1 + position of the op, 0 where none stands."""
    lengths: NDArray[np.uint32]
    """Shape (run,). Pixels; all of the zone together."""


def last_in(shown: Shown, window: Window) -> NDArray[np.uint32]:
    """Return 1 + position of the op on each pixel of a window, 0 for none; shape (row, col), read-only."""
    found = np.empty(window.shape, np.uint32)
    _gather(shown.tops, shown.last, int(window.row), int(window.col), found)
    found.flags.writeable = False
    return found


def last_at(shown: Shown, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return 1 + position of the op on each of some pixels, 0 for none; shape (pixel,)."""
    found = np.empty(rows.size, np.uint32)
    _pick(shown.tops, shown.last, rows, cols, found)
    return found


def last_across(shown: Shown, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return 1 + position of the op where rows and columns cross, shape (row, col); 0 for none, and outside.

    Rows and columns never fall. What a screen shows of a zone, say: it costs the pixels of the screen.
    """
    found = np.zeros((rows.size, cols.size), np.uint32)
    height, width = shown.values.shape
    _cross(shown.tops, shown.last, rows, cols, height, width, found)
    return found


def shown_of(runs: Runs, given: NDArray[np.int16], ground: Ground) -> Shown:
    """Return what shows where ops stand as some runs say.

    Parameters
    ----------
    runs
        Of all pixels of the zone.
    given
        Shape (op + 1,). What each op gives its pixels, after 0 for none; negative where it gives nothing.
    ground
        Of the zone.

    Raises
    ------
    JournalError
        The runs name ops that cannot have painted there.
    """
    shown = nothing_shown(ground)
    if runs.values.max(initial=0) >= given.size or not _lay(runs.values, runs.lengths, given, ground, shown):
        raise JournalError("a snapshot names ops that do not paint there")
    return shown


class Picture:
    """Which op stands on each pixel at one moment, to be read by another thread while painting goes on.

    Whoever paints says first which tiles will change: of those, and no others, a copy is kept for the reader.
    """

    def __init__(self, shown: Shown) -> None:
        self._last, self._tops, self._shape = shown.last, shown.tops.copy(), shown.values.shape
        self._wanted = self._tops == MIXED
        """Shape (tile row, tile col). Tiles whose pixels the reader still has to come for."""
        self._kept: list[tuple[NDArray[np.int32], NDArray[np.uint32]]] = []
        """Numbers of tiles, and their pixels, shape (tile, row, col)."""
        self._lock = Lock()

    def keep(self, tiles: NDArray[np.int32]) -> None:
        """Keep some tiles, given by their numbers, as they are; their pixels are about to change."""
        with self._lock:
            changing = tiles[self._wanted.reshape(-1)[tiles]]
            if changing.size:
                self._kept.append((changing, self._last.reshape(-1, TILE, TILE)[changing]))
                self._wanted.reshape(-1)[changing] = False

    def runs(self) -> Runs:
        """Return what stood where when the picture was taken; for one reader, once."""
        (height, width), found, before = self._shape, [], -1
        for row, tops in enumerate(self._tops):
            values, begins, before = _runs_of(
                tops, self._pixels(row), min(TILE, height - row * TILE), width, before
            )
            found.append((values, begins + row * TILE * width))
        values, begins = (np.concatenate(parts) for parts in zip(*found, strict=True))
        lengths = np.diff(begins, append=height * width).astype(np.uint32)
        return Runs(values=values, lengths=lengths)

    def _pixels(self, row: int) -> NDArray[np.uint32]:
        """Return the pixels of a row of tiles, shape (tile col, row, col), and be done with it."""
        with self._lock:
            last = self._last[row].copy() if self._wanted[row].any() else np.empty_like(self._last[row])
            self._wanted[row] = False
            kept = list(self._kept)
        for tiles, pixels in kept:
            here = tiles // self._tops.shape[1] == row
            last[tiles[here] % self._tops.shape[1]] = pixels[here]
        return last


@kernel
def _gather(
    tops: NDArray[np.uint32], last: NDArray[np.uint32], row: int, col: int, found: NDArray[np.uint32]
) -> None:
    """Fill a window that begins at a pixel."""
    for r in range(row, row + found.shape[0]):
        tile_row, c = r // TILE, col
        while c < col + found.shape[1]:
            tile = c // TILE
            stop = min(col + found.shape[1], (tile + 1) * TILE)
            if tops[tile_row, tile] == MIXED:
                for here in range(c, stop):
                    found[r - row, here - col] = last[tile_row, tile, r % TILE, here % TILE]
            else:
                found[r - row, c - col : stop - col] = tops[tile_row, tile]
            c = stop


@kernel
def _cross(
    tops: NDArray[np.uint32],
    last: NDArray[np.uint32],
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
    height: int,
    width: int,
    found: NDArray[np.uint32],
) -> None:
    """Fill the crossings of rows and columns, never falling, that lie inside: tile by tile."""
    first_row, stop_row = np.searchsorted(rows, 0), np.searchsorted(rows, height)
    first_col, stop_col = np.searchsorted(cols, 0), np.searchsorted(cols, width)
    top = first_row
    while top < stop_row:
        tile_row = rows[top] // TILE
        bottom = min(stop_row, np.searchsorted(rows, (tile_row + 1) * TILE))
        left = first_col
        while left < stop_col:
            tile_col = cols[left] // TILE
            right = min(stop_col, np.searchsorted(cols, (tile_col + 1) * TILE))
            there = tops[tile_row, tile_col]
            if there != MIXED:
                found[top:bottom, left:right] = there
            else:
                tile = last[tile_row, tile_col]
                for r in range(top, bottom):
                    row = rows[r] - tile_row * TILE
                    for c in range(left, right):
                        found[r, c] = tile[row, cols[c] - tile_col * TILE]
            left = right
        top = bottom


@kernel
def _pick(
    tops: NDArray[np.uint32],
    last: NDArray[np.uint32],
    rows: NDArray[np.int64],
    cols: NDArray[np.int64],
    found: NDArray[np.uint32],
) -> None:
    """Fill some pixels."""
    for number in range(rows.size):
        row, col = rows[number], cols[number]
        there = tops[row // TILE, col // TILE]
        if there == MIXED:
            there = last[row // TILE, col // TILE, row % TILE, col % TILE]
        found[number] = there


@kernel
def _lay(
    values: NDArray[np.uint32],
    lengths: NDArray[np.uint32],
    given: NDArray[np.int16],
    ground: Ground,
    shown: Shown,
) -> bool:
    """Lay runs on pixels that are bare; return False at the first that cannot lie there.

    First it is found out which tiles are mixed, then pixels are written, those of mixed tiles one by one.
    """
    height, width = ground.footprint.shape
    unseen, mixed = np.int64(-1), np.int64(MIXED)
    tops = np.full(ground.whole.shape, unseen)
    for step in range(2):
        row, col = 0, 0
        for number in range(values.size):
            place, left = np.int64(values[number]), np.int64(lengths[number])
            if given[place] < 0:
                return False
            while left > 0:
                tile_row, tile = row // TILE, col // TILE
                stop = min(width, col + left, (tile + 1) * TILE)
                if step == 0:
                    if place > 0 and not ground.whole[tile_row, tile]:
                        for here in range(col, stop):
                            if not ground.footprint[row, here]:
                                return False
                    shown.counts[0] -= stop - col if place > 0 else 0
                    shown.counts[given[place]] += stop - col if place > 0 else 0
                    if tops[tile_row, tile] == unseen:
                        tops[tile_row, tile] = place
                    elif tops[tile_row, tile] != place:
                        tops[tile_row, tile] = mixed
                else:
                    if place > 0:
                        shown.values[row, col:stop] = np.uint8(given[place])
                    if tops[tile_row, tile] == mixed:
                        first = col - tile * TILE
                        shown.last[tile_row, tile, row % TILE, first : first + stop - col] = place
                left -= stop - col
                col = stop
                if col == width:
                    row, col = row + 1, 0
    for row in range(tops.shape[0]):
        for col in range(tops.shape[1]):
            shown.tops[row, col] = tops[row, col]
    return True


@kernel
def _runs_of(
    tops: NDArray[np.uint32], last: NDArray[np.uint32], height: int, width: int, before: int
) -> tuple[NDArray[np.uint32], NDArray[np.int64], int]:
    """Return the runs that begin in one row of tiles.

    Parameters
    ----------
    tops, last
        As in `Shown`, of that row of tiles.
    height, width
        Pixels of it.
    before
        What stands on the pixel before the first, -1 at the beginning.

    Returns
    -------
    values, begins, before
        Shape (run,): value, and number of its first pixel; and what stands on the last pixel.
    """
    values, begins = np.empty(0, np.uint32), np.empty(0, np.int64)
    start = np.int64(before)
    for _ in range(2):
        before, count = start, 0
        for row in range(height):
            for tile in range(tops.size):
                first = tile * TILE
                stop = min(width, first + TILE)
                for col in range(first, stop if tops[tile] == MIXED else first + 1):
                    there = np.int64(tops[tile])
                    if there == MIXED:
                        there = np.int64(last[tile, row, col - first])
                    if there != before:
                        if count < values.size:
                            values[count], begins[count] = there, row * width + col
                        count += 1
                        before = there
        if values.size < count:
            values, begins = np.empty(count, np.uint32), np.empty(count, np.int64)
    return values, begins, before
