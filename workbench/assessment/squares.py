"""Squares of pixels: which parts of a map are as wide as one, and means over one."""

from __future__ import annotations

__all__ = ["square_means", "wide_parts"]

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_BAND = 256
"""Rows that are worked on at a time, so that what is needed beside the raster stays small."""
_Scalar = TypeVar("_Scalar", np.uint8, np.bool_)


def wide_parts(codes: NDArray[np.uint8], width: int) -> NDArray[np.bool_]:
    """Tell which pixels lie in a square of one code.

    The opening of every class by a square (Serra 1982), of all classes in one pass. A square may reach over
    the border: what lies outside fits any code, so that nothing is narrow only because it is cut there.

    Parameters
    ----------
    codes
        Shape (row, col). 0 marks what lies outside, and fits any code.
    width
        Side of the square in pixels, from 1.

    Returns
    -------
    numpy.ndarray
        Shape (row, col), True also outside.

    >>> codes = np.array([[1, 1, 1, 2, 3], [1, 1, 1, 2, 3], [1, 1, 1, 2, 3]], np.uint8)
    >>> wide_parts(codes, 2).astype(int)[0]
    array([1, 1, 1, 0, 1])
    """
    height, reach = codes.shape[0], width - 1
    wide = np.empty(codes.shape, np.bool_)
    for row in range(0, height, _BAND):
        stop = min(height, row + _BAND)
        first, last = row - reach, stop + reach
        around = codes[max(0, first) : last]
        missing = (max(0, -first), max(0, last - height))
        high = np.pad(around, (missing, (reach, reach)))
        # Outside is below every code and above every code: it decides neither the least nor the greatest.
        low = np.where(high == 0, np.uint8(255), high)
        uniform = _over_squares(np.minimum, low, width) >= _over_squares(np.maximum, high, width)
        wide[row:stop] = _over_squares(np.logical_or, uniform, width)
    return wide


def square_means(values: NDArray[np.uint8], width: int) -> NDArray[np.float32]:
    """Return the mean of the square around each pixel; the border is repeated outwards.

    Parameters
    ----------
    values
        Shape (row, col).
    width
        Side of the square in pixels, odd, at most 15.

    >>> square_means(np.array([[0, 0, 9]], np.uint8), 3)
    array([[0., 3., 6.]], dtype=float32)
    """
    rows, cols = values.shape
    padded = np.pad(values, width // 2, mode="edge")
    along = padded[:, :cols].astype(np.uint16)  # 15² × 255 still fits
    for step in range(1, width):
        along += padded[:, step : step + cols]
    total = along[:rows].copy()
    for step in range(1, width):
        total += along[step : step + rows]
    means: NDArray[np.float32] = total.astype(np.float32) / np.float32(width * width)
    return means


def _over_squares(extreme: np.ufunc, values: NDArray[_Scalar], width: int) -> NDArray[_Scalar]:
    """Return the extreme of each whole square, by spans that double; width − 1 rows and columns fewer."""
    for axis in (0, 1):
        found, span = np.moveaxis(values, axis, 0), 1
        while span < width:
            step = min(span, width - span)
            found, span = extreme(found[:-step], found[step:]), span + step
        values = np.moveaxis(found, 0, axis)
    return values
