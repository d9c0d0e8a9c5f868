"""Strokes: the pixels that a polygon, a brush, a line or a cut takes; points are (row, col) of centres."""

from __future__ import annotations

__all__ = ["brush_mask", "cut_mask", "given_map", "patch_mask", "polygon_mask"]

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused
from workbench.geo.grid import Window
from workbench.labels.edits import tight

Points = Sequence[Sequence[float]]


def polygon_mask(vertices: Points, shape: tuple[int, ...]) -> tuple[Window, NDArray[np.bool_]]:
    """Return the pixels whose centre lies in a polygon, clipped to an image.

    Parameters
    ----------
    vertices
        At least three corners.
    shape
        (rows, columns) of the image.

    Raises
    ------
    EditRefused
        The polygon covers no pixel centre of the image.
    """
    from skimage.draw import polygon

    corners = np.asarray(vertices, dtype=np.float64)
    rows, cols = polygon(corners[:, 0], corners[:, 1], shape=shape[:2])  # type: ignore[no-untyped-call]
    if not rows.size:
        raise EditRefused(f"the polygon covers no pixel of the zone's {shape[0]} × {shape[1]}")
    top, left = int(rows.min()), int(cols.min())
    window = Window(row=top, col=left, height=int(rows.max()) - top + 1, width=int(cols.max()) - left + 1)
    mask = np.zeros(window.shape, dtype=np.bool_)
    mask[rows - top, cols - left] = True
    return window, mask


def brush_mask(points: Points, radius: float, shape: tuple[int, ...]) -> tuple[Window, NDArray[np.bool_]]:
    """Return the pixels whose centre lies within a radius, in pixels, of a line through some points.

    Raises
    ------
    EditRefused
        That is no pixel of the image.

    Examples
    --------
    >>> window, mask = brush_mask([[2, 1], [2, 4]], 0.5, (5, 9))
    >>> window.row, window.col, mask.astype(int).tolist()
    (2, 1, [[1, 1, 1, 1]])
    """
    line = np.asarray(points, dtype=np.float64)
    low = np.maximum(np.floor(line.min(axis=0) - radius), 0).astype(int)
    high = np.minimum(np.ceil(line.max(axis=0) + radius) + 1, shape[:2]).astype(int)
    if (low >= high).any():
        raise EditRefused(f"the stroke covers no pixel of the zone's {shape[0]} × {shape[1]}")
    mask = np.zeros(high - low, np.bool_)
    for begin, end in pairwise([*line, line[-1]] if len(line) == 1 else line):
        first = np.maximum(np.floor(np.minimum(begin, end) - radius).astype(int), low)
        stop = np.minimum(np.ceil(np.maximum(begin, end) + radius).astype(int) + 1, high)
        if (first < stop).all():
            part = mask[first[0] - low[0] : stop[0] - low[0], first[1] - low[1] : stop[1] - low[1]]
            part |= _distance(begin, end, first, part.shape) <= radius
    window = Window(row=int(low[0]), col=int(low[1]), height=mask.shape[0], width=mask.shape[1])
    found = tight(mask, window)
    if found is None:
        raise EditRefused(f"the stroke covers no pixel of the zone's {shape[0]} × {shape[1]}")
    return found[1], found[0]


def cut_mask(
    mask: NDArray[np.bool_], window: Window, line: Points, *, row: int, col: int
) -> NDArray[np.bool_]:
    """Return the part of a region on the side of a line where a pixel lies; the line itself goes with it.

    Parameters
    ----------
    mask, window
        The region, shape (row, col) of the window.
    line
        At least two points; it should cross the region.
    row, col
        A pixel of the region in the zone.

    Raises
    ------
    EditRefused
        The pixel is none of the region's, or the line does not part the region there.
    """
    from scipy import ndimage

    here = row - int(window.row), col - int(window.col)
    if not window.contains(row, col) or not mask[here]:
        raise EditRefused(f"pixel ({row}, {col}) is not in the region that is cut")
    height, width = int(window.row_stop) + 1, int(window.col_stop) + 1
    place, drawn = brush_mask(line, 0.5**0.5, (height, width))
    wall = np.zeros((height, width), np.bool_)
    wall[place.slices] = drawn
    wall = wall[window.slices] & mask
    wall[here] = False
    parts, count = ndimage.label(mask & ~wall)
    if count < 2:
        raise EditRefused("the line does not part the region; draw it across")
    side: NDArray[np.bool_] = parts == parts[here]
    # What the line covers goes with this side where it touches it.
    reached: NDArray[np.bool_] = ndimage.binary_dilation(side, iterations=2, mask=wall | side)
    return side | (wall & reached)


def given_map(codes: NDArray[np.uint8], uppers: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return what each pixel was given: its code, plus 256 times the number of its upper class, 0 = none.

    Parameters
    ----------
    codes, uppers
        Shape (row, col) of the zone, as `AnnotationStore.labels` and `AnnotationStore.uppers` have them.
    """
    return codes + np.uint16(256) * uppers


def patch_mask(labels: NDArray[np.integer[Any]], row: int, col: int) -> tuple[Window, NDArray[np.bool_]]:
    """Return the connected pixels of one label around a pixel.

    Parameters
    ----------
    labels
        Shape (row, col) of the zone.
    row, col
        A pixel of the zone.

    Raises
    ------
    EditRefused
        The pixel lies outside, or is unlabelled.
    """
    from skimage.segmentation import flood

    height, width = labels.shape
    if not (0 <= row < height and 0 <= col < width) or not labels[row, col]:
        raise EditRefused(f"there is no label at pixel ({row}, {col})")
    mask = flood(labels, (row, col), connectivity=1)  # type: ignore[no-untyped-call]
    found = tight(mask, Window(row=0, col=0, height=height, width=width))
    assert found is not None  # noqa: S101 - the pixel itself is there
    return found[1], found[0]


def _distance(
    begin: NDArray[np.float64], end: NDArray[np.float64], first: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.float64]:
    """Return the distance of each pixel of a window to a segment, in pixels."""
    rows = (np.arange(shape[0]) + first[0] - begin[0])[:, np.newaxis]
    cols = (np.arange(shape[1]) + first[1] - begin[1])[np.newaxis]
    along = end - begin
    length = float(along @ along)
    share = np.clip((rows * along[0] + cols * along[1]) / length, 0, 1) if length else 0.0
    distance: NDArray[np.float64] = np.hypot(rows - share * along[0], cols - share * along[1])
    return distance
