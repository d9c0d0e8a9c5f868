"""Conflicts: pixels to which two authors gave different classes, neither having seen the other's edit.

Of each author the last op on a pixel counts. One of them is settled when the author of another had seen it:
what somebody painted over with open eyes is no conflict. If those that are left give different codes, the
pixel is in conflict, whichever of them the labels show. An edit by anybody who has seen them settles it.

What an author had seen is in the envelope of each op (``seen``); what those ops had seen in turn, they had
seen too (vector clocks: Fidge 1988, Mattern 1989; a pixel's labels are a multi-value register: Shapiro et al.
2011).
"""

from __future__ import annotations

__all__ = ["Conflict", "ConflictFinder", "Conflicts"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.geo.grid import Window
from workbench.geo.spans import mask_of, pixel_count
from workbench.labels.clocks import Clocks
from workbench.labels.ground import bare_in, nothing_shown
from workbench.labels.lasts import last_in
from workbench.labels.optable import OpTable
from workbench.labels.painting import TILE, Ground, Shown, fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Pixels on which the same ops disagree."""

    ops: tuple[str, ...]
    """Ids of the ops, sorted."""
    codes: tuple[int, ...]
    """What each gives."""
    uppers: tuple[str | None, ...]
    """Key of the upper class of which each was sure, None of a class."""
    pixels: int
    window: Window
    """Bounding box of the pixels."""
    row: int
    """A pixel of it, for a person to go to."""
    col: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conflicts:
    """All conflicts of a zone at one moment."""

    found: tuple[Conflict, ...]
    """The largest first."""
    spans: NDArray[np.int32]
    """Shape (span, 3). The pixels in conflict, as row, first column and column stop, in no order."""

    @property
    def pixels(self) -> int:
        """Number of pixels in conflict."""
        return pixel_count(self.spans)

    def mask(self, window: Window) -> NDArray[np.bool_]:
        """Return which pixels of a window are in conflict, shape (row, col)."""
        return mask_of(self.spans, window)


class ConflictFinder:
    """The conflicts among the ops of a kind that count, followed from call to call; private to the fold.

    A call costs the tiles in which ops began or ceased to count since the last one, as far as more than one
    author painted there.
    """

    def __init__(self, table: OpTable, ground: Ground, kind: str) -> None:
        self._table, self._ground, self._kind = table, ground, kind
        self._clocks = Clocks(table)
        self._noted: set[int] | None = None
        """Ops that began or ceased to count since the last call; None before the first."""
        self._contested = np.zeros(ground.whole.shape, np.bool_)
        """Shape (tile row, tile col). Where more than one author's ops count."""
        self._shown: dict[str, Shown] = {}
        """What each author's ops alone leave on contested tiles."""
        self._combinations: dict[tuple[int, ...], int] = {}
        """Number of each combination of ops, given by 1 + their positions, that was met on a pixel."""
        self._disputes: list[tuple[int, ...]] = []
        """By number of the combination: the ops that disagree."""
        self._runs = np.zeros((0, 4), np.int32)
        """Shape (run, 4). Row, first column and column stop of pixels in conflict in one tile, and the number
        of their combination."""
        self._described: dict[int, Conflict] = {}
        self._conflicts = Conflicts(found=(), spans=np.zeros((0, 3), np.int32))

    def note(self, positions: Iterable[int]) -> None:
        """Take note of ops that begin or cease to count."""
        if self._noted is not None:
            self._noted.update(positions)

    def conflicts(self) -> Conflicts:
        """Return the conflicts as they are now."""
        table, before, noted = self._table, self._contested, self._noted
        if noted is None or any(table.kind(position) == self._kind for position in noted):
            self._contested = table.shared_tiles(self._kind)
        self._noted = set()
        if not (before.any() or self._contested.any()):
            return self._conflicts
        changed = self._changed_by_author(noted or ())
        dirty = reduce(np.logical_or, changed.values(), self._contested != before)
        if not self._clocks.follow():
            self._combinations, self._disputes, dirty = {}, [], self._contested | before
        if dirty.any():
            for author in table.heads:
                self._follow(author, changed.get(author), before)
            self._take(dirty, self._found_in(dirty & self._contested))
        return self._conflicts

    def _changed_by_author(self, positions: Iterable[int]) -> dict[str, NDArray[np.bool_]]:
        """Return the tiles in which ops of each author changed, shape (tile row, tile col)."""
        found: dict[str, NDArray[np.bool_]] = {}
        for position in positions:
            if self._table.kind(position) != self._kind:
                continue
            author = self._table.name(position)[0]
            tiles = found.setdefault(author, np.zeros(self._contested.shape, np.bool_))
            tiles.reshape(-1)[self._table.tiles(position)] = True
        return found

    def _follow(self, author: str, changed: NDArray[np.bool_] | None, before: NDArray[np.bool_]) -> None:
        """Have what an author's ops alone leave on the contested tiles up to date."""
        stale = self._contested & ~before
        if changed is not None:
            stale |= self._contested & changed
        if not stale.any():
            return
        shown = self._shown.setdefault(author, nothing_shown(self._ground))
        shown.tops[stale] = 0
        bare = bare_in(self._ground, stale)
        for position in self._table.beneath(self._kind, bare, author=author):
            fill(
                self._table.spans(position), self._ground, position, self._table.value(position), shown, bare
            )

    def _found_in(self, tiles: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Return the runs of pixels in conflict in some tiles, with numbers of combinations, shape (run, 4)."""
        found = [np.zeros((0, 4), np.int32)]
        height, width = self._ground.footprint.shape
        for row in np.flatnonzero(tiles.any(axis=1)).tolist():
            cols = np.flatnonzero(tiles[row])
            left, stop = int(cols[0]) * TILE, min(width, int(cols[-1] + 1) * TILE)
            window = Window(
                row=row * TILE, col=left, height=min(TILE, height - row * TILE), width=stop - left
            )
            last = np.stack([last_in(shown, window) for shown in self._shown.values()])
            runs, places = _runs_together(last, tiles[row, cols[0] : cols[-1] + 1], window.row, window.col)
            numbers = self._numbered(places)
            found.append(np.column_stack([runs, numbers])[numbers >= 0])
        return np.concatenate(found)

    def _numbered(self, places: NDArray[np.uint32]) -> NDArray[np.int32]:
        """Return the number of each run's combination, -1 where its ops do not disagree; shape (run,)."""
        together = np.zeros(len(places), np.int64)
        for column in places.T:
            together = np.unique((together << 32) | column, return_inverse=True)[1]
        _, first, which = np.unique(together, return_index=True, return_inverse=True)
        numbers = np.empty(first.size, np.int32)
        for number, combination in enumerate(places[first].tolist()):
            key = tuple(place for place in combination if place)
            if key not in self._combinations:
                self._combinations[key] = len(self._disputes)
                self._disputes.append(_disputed(self._table, self._clocks, key))
            found = self._combinations[key]
            numbers[number] = found if self._disputes[found] else -1
        return numbers[which]

    def _take(self, dirty: NDArray[np.bool_], fresh: NDArray[np.int32]) -> None:
        """Put the conflicts of some tiles in the place of those that were there."""
        gone = dirty[self._runs[:, 0] // TILE, self._runs[:, 1] // TILE]
        before = np.unique(self._runs[gone, 3]).tolist()
        self._runs = np.concatenate([self._runs[~gone], fresh])
        for number in before:
            del self._described[number]
        changed = np.zeros(len(self._disputes), np.bool_)
        changed[[number for number in before if number < changed.size]] = True
        changed[fresh[:, 3]] = True
        runs = self._runs[changed[self._runs[:, 3]]]
        runs = runs[np.argsort(runs[:, 3], kind="stable")]
        numbers, starts = np.unique(runs[:, 3], return_index=True)
        for number, part in zip(numbers.tolist(), np.split(runs[:, :3], starts[1:]), strict=False):
            self._described[number] = _described(self._table, self._disputes[number], part)
        found = sorted(
            self._described.values(),
            key=lambda conflict: (-conflict.pixels, conflict.ops, conflict.row, conflict.col),
        )
        self._conflicts = Conflicts(found=tuple(found), spans=self._runs[:, :3])


@kernel
def _runs_together(
    last: NDArray[np.uint32], tiles: NDArray[np.bool_], row: int, col: int
) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """Return the runs of pixels on which the same ops of several authors stand.

    Parameters
    ----------
    last
        Shape (author, row, col). 1 + position of each author's last op on the pixels of a row of tiles.
    tiles
        Shape (tile col,). Which of them are looked at.
    row, col
        Of the first pixel.

    Returns
    -------
    runs, places
        Shape (run, 3): row, first column and column stop; and (run, author): what stands there.
    """
    authors, height, width = last.shape
    runs, places, count = np.empty((64, 3), np.int32), np.empty((64, authors), np.uint32), 0
    for r in range(height):
        for tile in range(tiles.size):
            first, stop = tile * TILE, min(width, (tile + 1) * TILE) if tiles[tile] else 0
            inside = False
            for c in range(first, stop):
                same = c > first
                for author in range(authors):
                    same = same and last[author, r, c] == last[author, r, c - 1]
                if same:
                    continue
                if inside:
                    runs[count - 1, 2] = col + c
                several = 0
                for author in range(authors):
                    several += last[author, r, c] > 0
                inside = several > 1
                if inside:
                    if count == len(runs):
                        runs = np.concatenate((runs, np.empty_like(runs)))
                        places = np.concatenate((places, np.empty_like(places)))
                    runs[count, 0], runs[count, 1] = row + r, col + c
                    places[count] = last[:, r, c]
                    count += 1
            if inside:
                runs[count - 1, 2] = col + stop
    return runs[:count].copy(), places[:count].copy()


def _disputed(table: OpTable, clocks: Clocks, places: Sequence[int]) -> tuple[int, ...]:
    """Return the ops that nobody who painted there had seen, if they give different codes."""
    positions = [place - 1 for place in places]
    unseen = [
        position
        for position in positions
        if not any(clocks.saw(other, position) for other in positions if other != position)
    ]
    given = {(table.value(position), table.upper(position)) for position in unseen}
    return tuple(unseen) if len(given) > 1 else ()


def _described(table: OpTable, positions: tuple[int, ...], runs: NDArray[np.int32]) -> Conflict:
    """Return the conflict of some ops, of runs of pixels in it, shape (run, 3)."""
    told = ((table.name(one), table.value(one), table.upper(one)) for one in positions)
    named = sorted(told, key=lambda one: one[0])
    rows, cols, stops = runs.T.astype(np.int64)
    row, col = int(rows.min()), int(cols.min())
    ends = np.bincount(cols - col, minlength=stops.max() - col + 1) - np.bincount(stops - col)
    middle_row = row + _median(np.bincount(rows - row, weights=stops - cols))
    middle_col = col + _median(np.cumsum(ends))
    # Of the pixels nearest to the middle the first, tile by tile; of each run, which is in one, the leftmost.
    nearest = np.clip(np.ceil(middle_col - 0.5).astype(np.int64), cols, stops - 1)
    far = np.abs(rows - middle_row) + np.abs(nearest - middle_col)
    first = np.lexsort((nearest, rows, nearest // TILE, rows // TILE, far))[0]
    return Conflict(
        ops=tuple(f"{author}:{seq}" for (author, seq), _, _ in named),
        codes=tuple(code for _, code, _ in named),
        uppers=tuple(upper for _, _, upper in named),
        pixels=int((stops - cols).sum()),
        window=Window(row=row, col=col, height=int(rows.max()) - row + 1, width=int(stops.max()) - col),
        row=int(rows[first]),
        col=int(nearest[first]),
    )


def _median(counts: NDArray[np.integer | np.floating]) -> float:
    """Return the median of numbers from 0 on of which there are so many each."""
    stops = np.cumsum(counts)
    lower, upper = np.searchsorted(stops, ((stops[-1] - 1) // 2, stops[-1] // 2), side="right")
    return float(lower + upper) / 2
