"""Tile by tile through a zone: what was looked at, what is labelled, where to go next.

The tiles are the zone's patches. One counts as looked at when all of it has been on the screen, no pixel
smaller than one of the screen, long enough to be seen. Of who labels or reviews that is written into their
journal, so that others know that nothing was passed over.
"""

from __future__ import annotations

__all__ = ["Tiles"]

from collections.abc import Iterator

import numpy as np
from psygnal import Signal
from scipy import ndimage

from napari_plugin.screen import View
from napari_plugin.session import Session
from workbench.geo.grid import Window
from workbench.labels.edits import Look

_PARTS = 4
"""So many parts a side a tile has: one that is larger than the canvas is looked at part by part."""
_SECONDS = 1.0
"""What is on the screen for less was passed over."""


class Tiles:
    """The tiles of the zone of a session.

    Parameters
    ----------
    session
        Told what was looked at; its labels are followed.
    """

    changed = Signal()
    """A tile was looked at, or has other labels than before."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.windows = tuple(window for _, window in session.opened.zone.patch_windows())
        """Of the tiles, row by row."""
        self.looked = np.zeros(len(self.windows), np.bool_)
        """Shape (tile,). Whether the author has looked at it, in this session or an earlier one."""
        self.labelled = np.zeros(len(self.windows), np.float64)
        """Shape (tile,). Share of the pixels that have a label."""
        self.current = 0
        """The tile that was gone to last, by its number."""
        self._parts = np.zeros((len(self.windows), _PARTS, _PARTS), np.bool_)
        self._since: dict[tuple[int, int, int], float] = {}
        self._changed: Window | None = session.grid.whole
        self._unwritten: list[int] = []
        places = {window: number for number, window in enumerate(self.windows)}
        for window in session.store.looks().get(session.author, ()):
            if window in places:
                self.looked[places[window]] = True
        self.count()

    def follow(self, window: Window) -> None:
        """Take notice of labels that changed in a window, for when they are counted next."""
        self._changed = window if self._changed is None else self._changed.union(window)

    def count(self) -> None:
        """Count what is labelled, in the tiles that changed."""
        if self._changed is None:
            return
        for number, window in enumerate(self.windows):
            if window.intersection(self._changed) is not None:
                bare = self._session.bare_in(window)
                self.labelled[number] = 1 - np.count_nonzero(bare) / bare.size
        self._changed = None
        self.changed.emit()

    def watch(self, view: View | None, now: float) -> None:
        """Take notice of what is on the screen; called whenever that changes, and every half second.

        Parameters
        ----------
        view
            What the canvas shows; None where it shows no zone.
        now
            Seconds of a clock that never goes back.
        """
        shown = set(self._shown(view)) if view is not None and view.pitch <= 1 else set()
        self._since = {part: self._since.get(part, now) for part in shown}
        for part in [part for part, since in self._since.items() if now - since >= _SECONDS]:
            self._parts[part] = True
            del self._since[part]
        fresh = np.flatnonzero(self._parts.all(axis=(1, 2)) & ~self.looked).tolist()
        if fresh:
            self.looked[fresh] = True
            self._unwritten += fresh
            self.changed.emit()
        if self._session.store.own_count:  # who only looks around leaves no trace
            for number in self._unwritten:
                self._session.record_quietly(Look(window=self.windows[number]))
            self._unwritten = []

    def go_next(self) -> Window:
        """Go to the next tile that was not looked at; to the next one if all were."""
        order = np.roll(np.arange(len(self.windows)), -self.current - 1)
        left = order[~self.looked[order]]
        self.current = int(left[0] if left.size else order[0])
        return self.windows[self.current]

    def go_back(self) -> Window:
        """Go to the tile before."""
        self.current = (self.current - 1) % len(self.windows)
        return self.windows[self.current]

    def next_bare(self) -> Window | None:
        """Return the largest place without a label of the next tile that has one; None if none has."""
        self.count()
        order = np.roll(np.arange(len(self.windows)), -self.current)
        for number in order[self.labelled[order] < 1].tolist():
            self.current = number
            bare = self._session.bare_in(self.windows[number])
            patches, count = ndimage.label(bare)
            if count:
                sizes = np.bincount(patches.reshape(-1))[1:]
                box = ndimage.find_objects(patches)[int(sizes.argmax())]
                window = self.windows[number]
                return Window(
                    row=window.row + box[0].start,
                    col=window.col + box[1].start,
                    height=box[0].stop - box[0].start,
                    width=box[1].stop - box[1].start,
                )
        return None

    def _shown(self, view: View) -> Iterator[tuple[int, int, int]]:
        """Yield the parts of tiles, (tile, row, col), that are wholly on the screen and not yet looked at."""
        top, left = view.top, view.left
        bottom, right = top + view.height * view.pitch, left + view.width * view.pitch
        for number, window in enumerate(self.windows):
            if self.looked[number] or window.row > bottom or window.col > right:
                continue
            height, width = window.height / _PARTS, window.width / _PARTS
            for row in range(_PARTS):
                for col in range(_PARTS):
                    first_row, first_col = window.row + row * height, window.col + col * width
                    inside = (
                        first_row >= top
                        and first_col >= left
                        and first_row + height <= bottom
                        and first_col + width <= right
                    )
                    if inside and not self._parts[number, row, col]:
                        yield number, row, col
