"""Heights → the picture of a surface under a low sun."""

from __future__ import annotations

__all__ = ["hillshade"]

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import inlined_kernel, kernel
from workbench.geo.grid import Window
from workbench.geo.rendering import as_picture

_EVERYWHERE: NDArray[np.bool_] = np.zeros((0, 0), np.bool_)


def hillshade(
    height: NDArray[Any],
    window: Window,
    *,
    unit: float,
    pixel: float,
    azimuth: float = 315.0,
    altitude: float = 45.0,
    valid: NDArray[np.bool_] | None = None,
    into: NDArray[np.uint32] | None = None,
) -> NDArray[np.uint8]:
    """Return the picture of a surface under a low sun, in grey.

    Slopes are Horn's, by the 3 × 3 pixels around each (*Hill shading and the reflectance map*, Proceedings of
    the IEEE 69(1), 1981). At a window's edge they are taken from what lies beyond it, so windows fit
    together; beyond the plane, and where there is no data, the surface goes on level.

    Parameters
    ----------
    height
        Shape (row, col), contiguous.
    unit
        Metres that one step of it is: 0.2 for FLAIR's elevation band, which is height above ground × 5.
    pixel
        Side of a pixel in metres.
    azimuth, altitude
        Of the sun in degrees, clockwise from north and above the horizon.
    window, valid, into
        As for `workbench.geo.rendering.composite`.
    """
    picture = np.empty(window.shape, np.uint32) if into is None else into
    turn, rise = math.radians(azimuth), math.radians(altitude)
    # East, south and up to the sun; a level pixel is as light as the sun is high.
    east, south, up = math.cos(rise) * math.sin(turn), -math.cos(rise) * math.cos(turn), math.sin(rise)
    sun = np.array((east, south, up), np.float32)
    known = _EVERYWHERE if valid is None else valid
    _hillshade(height, np.float32(unit / (8.0 * pixel)), sun, known, window.row, window.col, picture)
    return as_picture(picture, window, valid)


@kernel
def _hillshade(
    height: NDArray[Any],
    steep: np.float32,
    sun: NDArray[np.float32],
    valid: NDArray[np.bool_],
    row: int,
    col: int,
    picture: NDArray[np.uint32],
) -> None:
    rows, cols = picture.shape
    zero, one, light, half = np.float32(0), np.float32(1), np.float32(255), np.float32(0.5)
    east, south, up = sun[0], sun[1], sun[2]
    right, down = np.empty(cols, np.float32), np.empty(cols, np.float32)
    total, rise = np.empty(cols + 2, np.float32), np.empty(cols + 2, np.float32)
    gaps = np.zeros(rows + 2, np.bool_)
    _find_gaps(valid, row, col, cols, gaps)
    for r in range(rows):
        if gaps[r] or gaps[r + 1] or gaps[r + 2]:
            _slopes_at_gaps(height, valid, row + r, col, right, down)
        else:
            _slopes(height, row + r, col, total, rise, right, down)
        line = picture[r]
        for c in range(cols):
            # The normal of a surface that rises by x eastwards and by y southwards is (−x, −y, 1).
            x, y = steep * right[c], steep * down[c]
            length = np.sqrt(one + x * x + y * y)
            # The compiler sees that it does not divide by 0, and takes eight pixels a step.
            shade = (up - x * east - y * south) / (length if length > one else one)
            grey = np.int32(light * (shade if shade > zero else zero) + half)
            line[c] = grey * 0x010101 | 0xFF000000


@inlined_kernel
def _find_gaps(valid: NDArray[np.bool_], row: int, col: int, cols: int, gaps: NDArray[np.bool_]) -> None:
    """Write which rows of a window lack data somewhere, from the one above it to the one below."""
    for r in range(gaps.size if valid.size else 0):
        at = min(max(row + r - 1, 0), valid.shape[0] - 1)
        known = valid[at, max(col - 1, 0) : col + cols + 1]
        count = 0
        for c in range(known.size):
            count += known[c]
        gaps[r] = count < known.size


@inlined_kernel
def _slopes(
    height: NDArray[Any],
    at: int,
    col: int,
    total: NDArray[np.float32],
    rise: NDArray[np.float32],
    right: NDArray[np.float32],
    down: NDArray[np.float32],
) -> None:
    """Write eight times by how much a row rises eastwards and southwards, in steps a pixel.

    ``total`` is what three pixels of a column add, the middle one twice, and ``rise`` by how much they rise
    downwards; both begin one column before the window and end one after.
    """
    two, cols = np.float32(2), right.size
    first, stop = max(col - 1, 0), min(col + cols + 1, height.shape[1])
    above, here = height[max(at - 1, 0), first:stop], height[at, first:stop]
    below = height[min(at + 1, height.shape[0] - 1), first:stop]
    sums, falls = total[first - col + 1 :], rise[first - col + 1 :]
    for c in range(stop - first):
        upper, lower = np.float32(above[c]), np.float32(below[c])
        sums[c] = upper + two * np.float32(here[c]) + lower
        falls[c] = lower - upper
    if col == 0:
        total[0], rise[0] = total[1], rise[1]
    if stop == col + cols:
        total[cols + 1], rise[cols + 1] = total[cols], rise[cols]
    for c in range(cols):
        right[c] = total[c + 2] - total[c]
        down[c] = rise[c] + two * rise[c + 1] + rise[c + 2]


@inlined_kernel
def _slopes_at_gaps(
    height: NDArray[Any],
    valid: NDArray[np.bool_],
    at: int,
    col: int,
    right: NDArray[np.float32],
    down: NDArray[np.float32],
) -> None:
    """Do what `_slopes` does, where a neighbour without data is as high as the pixel itself."""
    near, two = np.empty((3, 3), np.float32), np.float32(2)
    for c in range(right.size):
        for i in range(3):
            for j in range(3):
                q = min(max(at + i - 1, 0), height.shape[0] - 1)
                k = min(max(col + c + j - 1, 0), height.shape[1] - 1)
                near[i, j] = height[q, k] if valid[q, k] else height[at, col + c]
        right[c] = (near[0, 2] - near[0, 0]) + two * (near[1, 2] - near[1, 0]) + (near[2, 2] - near[2, 0])
        down[c] = (near[2, 0] - near[0, 0]) + two * (near[2, 1] - near[0, 1]) + (near[2, 2] - near[0, 2])
