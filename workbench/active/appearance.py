"""What a zone looks like, as a few numbers that need no model: colours, contrast, texture."""

from __future__ import annotations

__all__ = ["STATISTICS", "appearance"]

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

STATISTICS: Final = ("mean", "deviation", "texture")
"""What is told of each band: its mean, its standard deviation, and the mean deviation in small squares."""
_SQUARE: Final = 8
"""Pixels a side: 1.6 m at 20 cm, the crown of a small tree."""


def appearance(image: NDArray[np.generic], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return `STATISTICS` of each band, shape (band, statistic).

    Parameters
    ----------
    image
        Shape (band, row, col).
    valid
        Shape (row, col). Pixels that count, some at least; a square counts if all of it does.

    Examples
    --------
    >>> image = np.zeros((1, 16, 16))
    >>> image[:, :, 8:] = 10
    >>> appearance(image, np.ones((16, 16), bool)).tolist()
    [[5.0, 5.0, 0.0]]
    """
    return np.array([_of_band(band, valid) for band in image])


def _of_band(band: NDArray[Any], valid: NDArray[np.bool_]) -> list[float]:
    pixels = band[valid].astype(np.float64)
    rows, cols = (side // _SQUARE * _SQUARE for side in band.shape)
    shape = rows // _SQUARE, _SQUARE, cols // _SQUARE, _SQUARE
    whole = valid[:rows, :cols].reshape(shape).all(axis=(1, 3))
    local = band[:rows, :cols].reshape(shape).std(axis=(1, 3), dtype=np.float32)
    texture = float(local[whole].mean(dtype=np.float64)) if whole.any() else 0.0
    return [float(pixels.mean()), float(pixels.std()), texture]
