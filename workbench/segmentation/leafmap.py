"""Which leaf each pixel is in, such that refining a node writes the node's pixels and no others.

Leaves are numbered depth-first, so refining a node gives another number to all leaves after it: in a raster
of 4,700² pixels up to 22 million writes. Here the raster that was read stays as it is. A table says which
leaf each of its numbers stands for now, and refined nodes lie over it as patches. Nobody outside sees other
than depth-first numbers.
"""

from __future__ import annotations

__all__ = ["NODATA_LEAF", "LeafMap", "Patch"]

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.geo.grid import Window
from workbench.segmentation import intervals

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeafMap:
    """The leaf of each pixel, `NODATA_LEAF` where there is none; never changes."""

    numbers: NDArray[np.uint32]
    """Shape (row, col). As segmented; a pixel below a patch keeps a number that stands for nothing."""
    places: NDArray[np.uint32] | None = None
    """Shape (number,). The leaf that each number stands for; None where each stands for itself."""
    patches: tuple[Patch, ...] = ()
    """In the order in which they were laid, later over earlier."""

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
        fresh = np.arange(first, first + count, dtype=np.uint32)
        numbers = np.where(inside == NODATA_LEAF, inside, inside + np.uint32(places.size))
        patch = Patch(window=window, numbers=_sealed(numbers), edges=_sealed(edges))
        return LeafMap(
            numbers=self.numbers,
            places=_sealed(np.concatenate([moved, fresh])),
            patches=(*self.patches, patch),
        )

    def saliency(self, beneath: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a saliency image of the pixels as segmented with that of the patches laid over it."""
        edges = beneath.copy()
        for patch in self.patches:
            np.copyto(edges[patch.window.slices], patch.edges, where=patch.numbers != NODATA_LEAF)
        return edges

    def _looked_up(self, table: NDArray[np.uint32], window: Window | None) -> NDArray[np.uint32]:
        window = window or Window(row=0, col=0, height=self.shape[0], width=self.shape[1])
        found = intervals.gather(self.numbers[window.slices], table, NODATA_LEAF)
        for patch in self.patches:
            part = patch.window.intersection(window)
            if part is not None:
                above = patch.numbers[_within(part, patch.window)]
                intervals.gather_over(found[_within(part, window)], above, table, NODATA_LEAF)
        return found


def _within(part: Window, whole: Window) -> tuple[slice, slice]:
    row, col = part.row - whole.row, part.col - whole.col
    return slice(row, row + part.height), slice(col, col + part.width)


def _sealed(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
