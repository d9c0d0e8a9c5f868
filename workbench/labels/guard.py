"""The guard: which pixels may not be painted, because somebody protected or a reviewer accepted them.

*Protected* is what the last op in the total order says. *Accepted* is bound to what the reviewer saw: it
holds where the label that shows is the one that their desk showed: the last that counts of what they had
read. So an edit by somebody who had not read the acceptance is not lost, and does not pass for accepted.
"""

from __future__ import annotations

__all__ = ["Guard"]

from collections.abc import Mapping, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused
from workbench.geo.grid import Window
from workbench.labels.edits import ACCEPTED, OPEN, PROTECTED, Protect
from workbench.labels.lasts import Picture, Runs
from workbench.labels.optable import OpTable
from workbench.labels.painting import TILE, Ground
from workbench.labels.plane import Plane


class Guard:
    """What may be painted of a zone, pixel by pixel; private to the fold."""

    def __init__(self, table: OpTable, ground: Ground, labels: Plane) -> None:
        self._table, self._labels = table, labels
        self._planes = {kind: Plane(table, ground, kind) for kind in ("protect", "accept")}
        self._flipped: tuple[int, dict[int, tuple[int, ...]]] = 0, {}
        """How many ops there were, and what `OpTable.flipped` gave for acceptances then."""

    def fill(self) -> None:
        """Take all ops that count, where none was taken yet."""
        for plane in self._planes.values():
            plane.fill()

    def settle(self, positions: Sequence[int]) -> None:
        """Take ops that begin to count, and take away those that cease to."""
        for plane in self._planes.values():
            plane.settle(positions)

    def restore(self, planes: Mapping[str, Runs]) -> None:
        """Take the op of each pixel from a snapshot's planes."""
        for kind, plane in self._planes.items():
            plane.restore(planes[kind])

    def pictures(self) -> dict[str, Picture]:
        """Return what `restore` takes, for another thread to read."""
        return {kind: plane.picture() for kind, plane in self._planes.items()}

    def levels(self, window: Window) -> NDArray[np.uint8]:
        """Return `edits.OPEN`, `PROTECTED` or `ACCEPTED` for each pixel, shape (row, col) of the window."""
        levels = np.zeros(window.shape, np.uint8)
        for part in self._guarded(window):
            levels[part.within(window).slices] = self._levels(part)
        return levels

    def allowed(self, window: Window) -> list[tuple[Window, NDArray[np.bool_]]]:
        """Return the parts of a window where some pixels may not be painted, and those that may there."""
        return [(part, np.equal(self._levels(part), OPEN)) for part in self._guarded(window)]

    def _levels(self, window: Window) -> NDArray[np.uint8]:
        levels: NDArray[np.uint8] = self._planes["protect"].values[window.slices] * np.uint8(PROTECTED)
        stamped = self._planes["accept"].values[window.slices] > 0
        if stamped.any():
            levels[self._standing(window, stamped)] = ACCEPTED
        return levels

    def _guarded(self, window: Window) -> list[Window]:
        """Return parts of a window, one in each row of tiles, outside which all pixels are open."""
        planes = [plane for plane in self._planes.values() if plane.counts[1:].any()]
        if not planes:
            return []
        painted, found = reduce(np.logical_or, (plane.painted for plane in planes)), []
        for row in range(window.row // TILE, -(-window.row_stop // TILE)):
            cols = np.flatnonzero(painted[row])
            if cols.size:
                left, width = int(cols[0]) * TILE, int(cols[-1] - cols[0] + 1) * TILE
                part = Window(row=row * TILE, col=left, height=TILE, width=width).intersection(window)
                found += [part] if part is not None else []
        return found

    def reach(self, edit: Protect) -> NDArray[np.bool_]:
        """Return the pixels that a protection may change, shape (row, col) of its window."""
        if not edit.accepted:
            return np.not_equal(self.levels(edit.window), ACCEPTED)
        plane = self._labels if edit.on else self._planes["accept"]
        return np.greater(plane.values[edit.window.slices], 0)

    def check_open(self, gesture: str) -> None:
        """Refuse to undo or redo a gesture ``author:seq`` where that would change accepted labels.

        Raises
        ------
        EditRefused
            With who accepted them, and the way out.
        """
        if not self._planes["accept"].counts[1]:
            return
        for position in self._table.gesture(gesture):
            if self._table.kind(position) == "assign":
                for window in self._guarded(self._table.window(position)):
                    changed = self._deciding(position, window)
                    if (changed & (self._levels(window) == ACCEPTED)).any():
                        raise self.refusal(window, changed)

    def refusal(self, window: Window, mask: NDArray[np.bool_]) -> EditRefused:
        """Return why pixels of a window may not be changed, some of which are protected or accepted."""
        levels = self.levels(window) * mask
        level = int(levels.max())
        row, col = np.argwhere(levels == level)[0] + (window.row, window.col)
        plane = self._planes["accept" if level == ACCEPTED else "protect"]
        by = self._table.op(plane.place(int(row), int(col)) - 1)
        way_out = f"protected by op {by.id}; unprotect them to label them"
        if level == ACCEPTED:
            way_out = f"accepted by {by.author} (op {by.id}); have them opened for review again to label them"
        return EditRefused(f"the pixels around ({row}, {col}) are {way_out}")

    def _standing(self, window: Window, stamped: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the pixels whose label is the one that was accepted."""
        table = self._table
        shown, stamps = self._labels.last(window), self._planes["accept"].last(window)
        standing: NDArray[np.bool_] = stamped & (self._labels.values[window.slices] > 0)
        for stamp in np.unique(stamps[standing]).tolist():
            mine = standing & (stamps == stamp)
            places = np.unique(shown[mine]).tolist()
            other = np.isin(shown, [place for place in places if not table.saw(stamp - 1, place - 1)])
            for position in self._flipped_since(stamp - 1):
                part = window.intersection(table.window(position))
                if part is not None:
                    other[part.within(window).slices] |= self._deciding(position, part)
            standing &= ~(mine & other)
        return standing

    def _flipped_since(self, stamp: int) -> tuple[int, ...]:
        """Return what `OpTable.flipped` gives for an acceptance; made once until another op comes."""
        count, known = self._flipped
        if count != len(self._table):
            known = {}
            self._flipped = len(self._table), known
        if stamp not in known:
            known[stamp] = tuple(self._table.flipped(stamp))
        return known[stamp]

    def _deciding(self, position: int, window: Window) -> NDArray[np.bool_]:
        """Return where in a window it decides over the label whether an op counts, shape (row, col)."""
        table, shown = self._table, self._labels.last(window)
        if table.counts(position):
            return np.equal(shown, position + 1)
        beneath = np.where(shown > 0, table.order[np.maximum(shown, 1).astype(np.int64) - 1], -1)
        inside = window.within(table.window(position))
        above: NDArray[np.bool_] = table.order[position] > beneath
        return above & table.mask(position)[inside.slices]
