"""Ever coarser levels of a raster's bands, for looking at it: means, so that nothing flickers or vanishes."""

from __future__ import annotations

__all__ = ["SMALLEST_LEVEL", "Level", "level_count", "mean_levels"]

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel

SMALLEST_LEVEL = 512
"""A pyramid stops where a level fits into a small window: coarser ones would never be drawn."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Level:
    """One level of a pyramid."""

    pixels: NDArray[Any]
    """Shape (band, row, col)."""
    valid: NDArray[np.bool_] | None
    """Shape (row, col): where there is data; None where that is everywhere."""


def level_count(shape: tuple[int, int]) -> int:
    """Return how many levels the pyramid of an image has, its own included.

    >>> [level_count(shape) for shape in ((512, 40), (513, 40), (10_240, 10_240))]
    [1, 2, 6]
    """
    return max(1, 1 + (-(-max(shape) // SMALLEST_LEVEL) - 1).bit_length())


def mean_levels(pixels: NDArray[Any], valid: NDArray[np.bool_] | None = None) -> tuple[Level, ...]:
    """Return planar bands and ever coarser means of 2 × 2 of their pixels.

    Where a side is odd, the last pixels of the coarser level are means of what there is. Pixels without data
    have no say in a mean; where there are no others, there is no data.

    Parameters
    ----------
    pixels
        Shape (band, row, col), contiguous; unsigned integers, or floats without NaN.
    valid
        Shape (row, col): where there is data; everywhere by default.

    Examples
    --------
    >>> fine = np.zeros((1, 600, 601), np.uint8)
    >>> fine[0, :2, :2] = 10, 20
    >>> coarse = mean_levels(fine)[1].pixels
    >>> coarse.shape, int(coarse[0, 0, 0])
    ((1, 300, 301), 15)
    """
    levels = [Level(pixels=pixels, valid=valid)]
    for _ in range(1, level_count((pixels.shape[1], pixels.shape[2]))):
        levels.append(_halved(levels[-1]))
    return tuple(levels)


def _halved(fine: Level) -> Level:
    bands, height, width = fine.pixels.shape
    half = (height + 1) // 2, (width + 1) // 2
    pixels = np.empty((bands, *half), fine.pixels.dtype)
    whole = np.issubdtype(pixels.dtype, np.integer)
    if fine.valid is not None:
        valid = np.zeros(half, np.bool_)
        _pool_valid(fine.pixels, fine.valid, 0.5 if whole else 0.0, pixels, valid)
        return Level(pixels=pixels, valid=None if valid.all() else valid)
    if whole:
        _pool_integers(fine.pixels, pixels)
    else:
        _pool_floats(fine.pixels, pixels)
    return Level(pixels=pixels, valid=None)


@kernel
def _pool_integers(fine: NDArray[Any], coarse: NDArray[Any]) -> None:
    """Write means of 2 × 2 pixels, rounded half up. Simple loops: compilers make sixteen pixels a step."""
    bands, height, width = fine.shape
    for band in range(bands):
        for row in range(coarse.shape[1]):
            above, below = fine[band, 2 * row], fine[band, min(2 * row + 1, height - 1)]
            line = coarse[band, row]
            for col in range(width // 2):
                total = np.uint32(above[2 * col]) + np.uint32(above[2 * col + 1])
                total += np.uint32(below[2 * col]) + np.uint32(below[2 * col + 1])
                line[col] = (total + np.uint32(2)) >> np.uint32(2)
            if width % 2:
                total = np.uint32(above[width - 1]) + np.uint32(below[width - 1])
                line[width // 2] = (total + np.uint32(1)) >> np.uint32(1)


@kernel
def _pool_floats(fine: NDArray[Any], coarse: NDArray[Any]) -> None:
    bands, height, width = fine.shape
    for band in range(bands):
        for row in range(coarse.shape[1]):
            above, below = fine[band, 2 * row], fine[band, min(2 * row + 1, height - 1)]
            line = coarse[band, row]
            for col in range(width // 2):
                left, right = above[2 * col] + below[2 * col], above[2 * col + 1] + below[2 * col + 1]
                line[col] = np.float32(0.25) * (left + right)
            if width % 2:
                line[width // 2] = np.float32(0.5) * (above[width - 1] + below[width - 1])


@kernel
def _pool_valid(
    fine: NDArray[Any],
    valid: NDArray[np.bool_],
    lift: float,
    coarse: NDArray[Any],
    known: NDArray[np.bool_],
) -> None:
    """Write means of those of 2 × 2 pixels that are known; ``lift`` is what makes cutting off rounding."""
    bands, height, width = fine.shape
    counts = np.empty(known.shape[1], np.uint8)
    for row in range(known.shape[0]):
        top, bottom = 2 * row, min(2 * row + 1, height - 1)
        for col in range(counts.size):
            left, right = 2 * col, min(2 * col + 1, width - 1)
            count = np.uint8(valid[top, left]) + np.uint8(valid[bottom, left])
            counts[col] = count + np.uint8(valid[top, right]) + np.uint8(valid[bottom, right])
            known[row, col] = counts[col] > 0
        for band in range(bands):
            above, below, line = fine[band, top], fine[band, bottom], coarse[band, row]
            for col in range(counts.size):
                left, right = 2 * col, min(2 * col + 1, width - 1)
                total = 0.0
                if counts[col] == 4:
                    total = np.float64(above[left]) + below[left] + above[right] + below[right]
                else:
                    # On an odd side a pixel counts twice, and so does its weight.
                    for c in (left, right):
                        total += np.float64(above[c]) if valid[top, c] else 0.0
                        total += np.float64(below[c]) if valid[bottom, c] else 0.0
                line[col] = total / max(counts[col], 1) + lift
