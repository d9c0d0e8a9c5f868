"""From the zone's pixels to the screen's and back, and what lights up there. Pure functions, no viewer."""

from __future__ import annotations

__all__ = ["HOVER", "PENDING", "RIM", "View", "coloured", "hatched", "lit", "lit_in", "sampled"]

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_plugin.pointed import Spot
from workbench.compiled import kernel
from workbench.geo.grid import Window
from workbench.segmentation.hierarchy import NODATA_LEAF, Hierarchy

HOVER, PENDING, RIM = 1, 2, 3
_HATCH, _STRIPE = 8, 4
"""Pixels of the screen from one stripe to the next, and of a stripe."""
_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Which part of a zone the canvas shows."""

    left: float
    """Column, in pixels of the zone, at the left border of the canvas; whole numbers are centres."""
    top: float
    pitch: float
    """Pixels of the zone per pixel of the screen."""
    width: int
    """Of the canvas, in pixels of the screen."""
    height: int

    @classmethod
    def of(cls, centre: tuple[float, float], zoom: float, size: tuple[int, int], resolution: float) -> View:
        """Return the view of a napari camera.

        Parameters
        ----------
        centre
            (y, x) in metres.
        zoom
            Pixels of the screen per metre.
        size
            (height, width) of the canvas.
        resolution
            Metres per pixel of the zone.
        """
        pitch = 1 / (zoom * resolution)
        height, width = size
        return cls(
            left=centre[1] / resolution - width / 2 * pitch,
            top=centre[0] / resolution - height / 2 * pitch,
            pitch=pitch,
            width=width,
            height=height,
        )

    def spot(self, x: float, y: float) -> Spot:
        """Return what lies at a position on the canvas."""
        return Spot(row=self.top + y * self.pitch, col=self.left + x * self.pitch)

    def point(self, row: float, col: float) -> tuple[float, float]:
        """Return the position (x, y) on the canvas of a position in the zone."""
        return (col - self.left) / self.pitch, (row - self.top) / self.pitch

    def box(self, window: Window) -> Window | None:
        """Return the pixels of the screen that a window of the zone reaches; None where it is not in view."""
        # A pixel reaches half a pixel to each side of its centre.
        left, top = self.point(window.row - 0.5, window.col - 0.5)
        right, bottom = self.point(window.row_stop - 0.5, window.col_stop - 0.5)
        first_col, first_row = max(0, math.floor(left)), max(0, math.floor(top))
        stop_col, stop_row = min(self.width, math.ceil(right)), min(self.height, math.ceil(bottom))
        if first_col >= stop_col or first_row >= stop_row:
            return None
        return Window(row=first_row, col=first_col, height=stop_row - first_row, width=stop_col - first_col)

    def rows(self, box: Window) -> NDArray[np.int64]:
        """Return the row of the zone that each row of a box of the screen shows."""
        return _pixels(self.top, self.pitch, box.row, box.height)

    def cols(self, box: Window) -> NDArray[np.int64]:
        """Return the column of the zone that each column of a box of the screen shows."""
        return _pixels(self.left, self.pitch, box.col, box.width)

    @property
    def hatch(self) -> int:
        """Where on the canvas `hatched` begins its stripes, so that they go along with the picture."""
        return math.floor((self.left + self.top) / self.pitch) % _HATCH

    @property
    def window(self) -> Window | None:
        """The pixels of the zone's plane in view, cut at row and column 0; None where it is all before."""
        top, left = max(0, math.floor(self.top)), max(0, math.floor(self.left))
        bottom = math.ceil(self.top + self.height * self.pitch) + 1
        right = math.ceil(self.left + self.width * self.pitch) + 1
        if bottom <= top or right <= left:
            return None
        return Window(row=top, col=left, height=bottom - top, width=right - left)


def _pixels(origin: float, pitch: float, first: int, count: int) -> NDArray[np.int64]:
    # The centre of a pixel of the screen decides which pixel of the zone it shows, as when GL samples.
    centres = origin + (np.arange(first, first + count) + 0.5) * pitch
    pixels: NDArray[np.int64] = np.floor(centres + 0.5).astype(np.int64)
    return pixels


def sampled(
    plane: NDArray[_Scalar], rows: NDArray[np.int64], cols: NDArray[np.int64], window: Window | None = None
) -> NDArray[_Scalar]:
    """Return what a plane holds where rows and columns cross; 0 outside it.

    Parameters
    ----------
    plane
        Shape (row, col), of a whole zone or of a window of it.
    rows, cols
        Of the zone, never falling.
    window
        Where the plane lies; the zone's upper left corner by default.
    """
    top, left = (int(window.row), int(window.col)) if window is not None else (0, 0)
    height, width = plane.shape
    down = slice(*np.searchsorted(rows, (top, top + height)))
    across = slice(*np.searchsorted(cols, (left, left + width)))
    found = np.zeros((rows.size, cols.size), plane.dtype)
    _cross(plane, rows[down] - top, cols[across] - left, found[down, across])
    return found


@kernel
def _cross(
    plane: NDArray[_Scalar], rows: NDArray[np.int64], cols: NDArray[np.int64], found: NDArray[_Scalar]
) -> None:
    # A quarter of the time of numpy's plane[np.ix_(rows, cols)].
    for row in range(rows.size):
        for col in range(cols.size):
            found[row, col] = plane[rows[row], cols[col]]


@kernel
def coloured(codes: NDArray[np.uint8], palette: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return the colour of each code, shape (row, col); a quarter of the time in which Qt looks it up.

    Parameters
    ----------
    codes
        Shape (row, col).
    palette
        Shape (code,).
    """
    found = np.empty(codes.shape, np.uint32)
    for row in range(codes.shape[0]):
        for col in range(codes.shape[1]):
            found[row, col] = palette[codes[row, col]]
    return found


@kernel
def hatched(codes: NDArray[np.uint8], palette: NDArray[np.uint32], start: int) -> NDArray[np.uint32]:
    """Return the colour of each code, shape (row, col), in stripes from the lower left to the upper right.

    Parameters
    ----------
    codes
        Shape (row, col).
    palette
        Shape (2, code). Colours between the stripes, and on them.
    start
        Of the first pixel: the sum of its row and column on the canvas and of `View.hatch`.
    """
    found = np.empty(codes.shape, np.uint32)
    for row in range(codes.shape[0]):
        for col in range(codes.shape[1]):
            striped = (start + row + col) % _HATCH < _STRIPE
            found[row, col] = palette[1 if striped else 0, codes[row, col]]
    return found


def lit_in(
    box: Window,
    view: View,
    hierarchy: Hierarchy,
    footprint: NDArray[np.bool_],
    marks: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """Return what lights up in a box of the screen, as `lit` does.

    Parameters
    ----------
    box
        Of the screen, in its pixels.
    view
        What the screen shows.
    hierarchy, footprint
        Regions of the zone; which of its pixels are to be labelled, shape (row, col).
    marks
        Shape (leaf,). `HOVER`, `PENDING` or 0.
    """
    rows, cols = view.rows(box), view.cols(box)
    leaves = hierarchy.leafmap.sampled(rows, cols)
    codes: NDArray[np.uint8] = lit(leaves, marks, sampled(footprint, rows, cols), NODATA_LEAF)
    return codes


@kernel
def lit(
    leaves: NDArray[np.uint32], marks: NDArray[np.uint8], inside: NDArray[np.bool_], nodata: int
) -> NDArray[np.uint8]:
    """Return what lights up of some pixels of the screen.

    Parameters
    ----------
    leaves
        Shape (row, col). Leaf that each pixel shows.
    marks
        Shape (leaf,). `HOVER`, `PENDING` or 0.
    inside
        Shape (row, col). False where the pixel shows ground outside the zone.
    nodata
        Leaf of pixels that have none.

    Returns
    -------
    NDArray[np.uint8]
        Shape (row, col). 0, or what the leaf is marked with; `RIM` on the outermost pixels of what is.
    """
    height, width = leaves.shape
    codes = np.zeros((height, width), np.uint8)
    for row in range(height):
        for col in range(width):
            leaf = leaves[row, col]
            if leaf != nodata and inside[row, col]:
                codes[row, col] = marks[leaf]
    rims = np.zeros((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            if codes[row, col] == HOVER:
                rims[row, col] = (
                    row == 0
                    or row == height - 1
                    or col == 0
                    or col == width - 1
                    or codes[row - 1, col] != HOVER
                    or codes[row + 1, col] != HOVER
                    or codes[row, col - 1] != HOVER
                    or codes[row, col + 1] != HOVER
                )
    for row in range(height):
        for col in range(width):
            if rims[row, col]:
                codes[row, col] = RIM
    return codes
