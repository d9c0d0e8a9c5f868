"""Which leaf each pixel is in, such that refining a node writes the node's pixels and no others.

Leaves are numbered depth-first, so refining a node gives another number to all leaves after it: in a raster
of 4,700² pixels up to 22 million writes. Here the raster that was read stays as it is. A table says which
leaf each of its numbers stands for now, and refined nodes lie over it as patches. Nobody outside sees other
than depth-first numbers.
"""

from __future__ import annotations

__all__ = ["NODATA_LEAF", "LeafMap", "Patch"]

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.geo.grid import Window
from workbench.geo.spans import laid_over, spans_of_mask
from workbench.segmentation import intervals
from workbench.segmentation.scanning import Ranges, interval_of, ranges_of, spans_between

NODATA_LEAF = 0xFFFFFFFF
"""Value in leaf rasters, and in the labels of cuts, of pixels that belong to no leaf."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Patch:
    """The pixels of a node that was refined."""

    window: Window
    numbers: NDArray[np.uint32]
    """Shape (row, col). Number of each of the node's pixels, `NODATA_LEAF` elsewhere."""
    edges: NDArray[np.uint8]
    """Shape (row, col). Saliency of the node's pixels."""
    cover: NDArray[np.int32]
    """Spans of the node's pixels."""
    ranges: Ranges
    """Of the numbers."""
    first: int
    """The least of the numbers; the others follow."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeafMap:
    """The leaf of each pixel, `NODATA_LEAF` where there is none; never changes."""

    numbers: NDArray[np.uint32]
    """Shape (row, col). As segmented; a pixel below a patch keeps a number that stands for nothing."""
    places: NDArray[np.uint32] | None = None
    """Shape (number,). The leaf that each number stands for; None where each stands for itself."""
    patches: tuple[Patch, ...] = ()
    """In the order in which they were laid, later over earlier."""
    gone: NDArray[np.bool_] | None = None
    """Shape (number,). Numbers that stand for nothing; None where there are none."""
    _known: dict[str, Ranges] = field(default_factory=dict, repr=False)
    """Ranges of the numbers as segmented, made once for all that were refined from them."""

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        height, width = self.numbers.shape
        return height, width

    def at(self, row: int, col: int) -> int:
        """Return the leaf of one pixel."""
        number = int(self.numbers[row, col])
        for patch in reversed(self.patches):
            if patch.window.contains(row, col):
                found = int(patch.numbers[row - patch.window.row, col - patch.window.col])
                if found != NODATA_LEAF:
                    number = found
                    break
        return number if self.places is None or number == NODATA_LEAF else int(self.places[number])

    def leaves(self, window: Window | None = None) -> NDArray[np.uint32]:
        """Return the leaf of each pixel of a window (default: all), shape (row, col); read-only."""
        if self.places is None:
            return self.numbers if window is None else self.numbers[window.slices]
        found = self._looked_up(self.places, window)
        found.flags.writeable = False
        return found

    def sampled(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.uint32]:
        """Return the leaf of the pixels where some rows and columns cross, shape (rows.size, cols.size).

        For the screen, which shows every n-th pixel of a large image or each of a small one n times.

        Parameters
        ----------
        rows, cols
            Never falling; outside the image there is no leaf.
        """
        found = intervals.sampled(self.numbers, rows, cols, NODATA_LEAF)
        if self.places is None:
            return found
        for patch in self.patches:
            window = patch.window
            down = slice(*np.searchsorted(rows, (window.row, window.row_stop)))
            across = slice(*np.searchsorted(cols, (window.col, window.col_stop)))
            above = intervals.sampled(
                patch.numbers, rows[down] - window.row, cols[across] - window.col, NODATA_LEAF
            )
            np.copyto(found[down, across], above, where=above != NODATA_LEAF)
        return intervals.gather(found, self.places, NODATA_LEAF)

    @property
    def ranges(self) -> Ranges:
        """Which numbers, as segmented, are in each block of pixels; made once and kept."""
        if "ranges" not in self._known:
            self._known["ranges"] = ranges_of(self.numbers, NODATA_LEAF)
        return self._known["ranges"]

    def spans(self, first: int, stop: int, window: Window) -> NDArray[np.int32]:
        """Return the spans (see `workbench.geo.spans`) of the pixels of leaves first … stop − 1.

        ``window`` holds all of them. Costs the blocks of pixels in it, and the pixels of those along the
        boundary of the leaves.
        """
        lowest, beyond = self._numbers_between(first, stop, 0)
        spans = _spans_in(self.numbers, self.ranges, (lowest, beyond), self._whole, window)
        for patch in self.patches:
            part = patch.window.intersection(window)
            if part is not None:
                lowest, beyond = self._numbers_between(first, stop, patch.first)
                above = _spans_in(patch.numbers, patch.ranges, (lowest, beyond), patch.window, part)
                spans = laid_over(spans, patch.cover, above)
        return spans

    def _numbers_between(self, first: int, stop: int, start: int) -> tuple[int, int]:
        """Return the interval of numbers that stand for leaves first … stop − 1, of those of one raster.

        ``start`` is the first number of the raster.
        """
        if self.places is None or self.gone is None:
            return first, stop
        starts = [0, *(patch.first for patch in self.patches), self.places.size]
        end = starts[starts.index(start) + 1]
        lowest, beyond = interval_of(self.places[start:end], self.gone[start:end], first, stop)
        return start + lowest, start + beyond

    def gather(self, lut: NDArray[np.uint32], window: Window | None = None) -> NDArray[np.uint32]:
        """Return the entry of a table of shape (leaf,) for each pixel of a window (default: all)."""
        return self._looked_up(lut if self.places is None else lut.take(self.places), window)

    def refined(
        self,
        first: int,
        stop: int,
        window: Window,
        inside: NDArray[np.uint32],
        edges: NDArray[np.uint8],
        *,
        leaf_count: int,
        count: int,
    ) -> LeafMap:
        """Return the map in which the pixels of leaves first … stop − 1 have new leaves.

        Parameters
        ----------
        first, stop
            The leaves that go. Those from ``stop`` on move by the difference in their number.
        window
            Bounding box of their pixels.
        inside
            Shape (row, col). New leaf of each of these pixels, from 0 on; `NODATA_LEAF` elsewhere.
        edges
            Shape (row, col). Saliency of these pixels.
        leaf_count
            How many leaves there are before.
        count
            How many are new.
        """
        places = np.arange(leaf_count, dtype=np.uint32) if self.places is None else self.places
        moved = np.where(places >= stop, places + np.uint32(count - (stop - first)), places)
        gone = np.zeros(places.size, np.bool_) if self.gone is None else self.gone
        fresh = np.arange(first, first + count, dtype=np.uint32)
        numbers = np.where(inside == NODATA_LEAF, inside, inside + np.uint32(places.size))
        patch = Patch(
            window=window,
            numbers=_sealed(numbers),
            edges=_sealed(edges),
            cover=_sealed(spans_of_mask(inside != NODATA_LEAF, window)),
            ranges=ranges_of(numbers, NODATA_LEAF),
            first=places.size,
        )
        return LeafMap(
            numbers=self.numbers,
            places=_sealed(np.concatenate([moved, fresh])),
            patches=(*self.patches, patch),
            gone=_sealed(
                np.concatenate([gone | ((places >= first) & (places < stop)), np.zeros(count, np.bool_)])
            ),
            _known=self._known,
        )

    def saliency(self, beneath: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a saliency image of the pixels as segmented with that of the patches laid over it."""
        edges = beneath.copy()
        for patch in self.patches:
            np.copyto(edges[patch.window.slices], patch.edges, where=patch.numbers != NODATA_LEAF)
        return edges

    @property
    def _whole(self) -> Window:
        return Window(row=0, col=0, height=self.shape[0], width=self.shape[1])

    def _looked_up(self, table: NDArray[np.uint32], window: Window | None) -> NDArray[np.uint32]:
        window = window or self._whole
        found = intervals.gather(self.numbers[window.slices], table, NODATA_LEAF)
        for patch in self.patches:
            part = patch.window.intersection(window)
            if part is not None:
                above = patch.numbers[_within(part, patch.window)]
                intervals.gather_over(found[_within(part, window)], above, table, NODATA_LEAF)
        return found


def _spans_in(
    numbers: NDArray[np.uint32], ranges: Ranges, interval: tuple[int, int], where: Window, window: Window
) -> NDArray[np.int32]:
    """Return the spans of an interval of numbers of a raster that lies somewhere, inside a window of it."""
    part = window.within(where)
    box = int(part.row), int(part.col), int(part.row_stop), int(part.col_stop)
    return spans_between(numbers, ranges, *interval, box, int(where.row), int(where.col))


def _within(part: Window, whole: Window) -> tuple[slice, slice]:
    row, col = part.row - whole.row, part.col - whole.col
    return slice(row, row + part.height), slice(col, col + part.width)


def _sealed(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
