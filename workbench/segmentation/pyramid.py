"""Ever coarser levels of an image of lines, for display."""

from __future__ import annotations

__all__ = ["level_shapes", "max_pooled"]

import numpy as np
from numpy.typing import NDArray

SMALLEST_LEVEL = 512
"""A pyramid stops where a level fits into a small window: coarser ones would never be drawn."""


def level_shapes(shape: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the shape of each level of an image's pyramid, the image's own first.

    >>> level_shapes((1025, 600))
    [(1025, 600), (513, 300), (257, 150)]
    """
    shapes = [shape]
    while max(shapes[-1]) > SMALLEST_LEVEL:
        height, width = shapes[-1]
        shapes.append(((height + 1) // 2, (width + 1) // 2))
    return shapes


def max_pooled(image: NDArray[np.uint8]) -> list[NDArray[np.uint8]]:
    """Return an image and ever coarser maxima of its pixels, for napari's multiscale.

    A maximum keeps thin lines whole where a mean would thin them out and a single pixel would drop them. In
    the coarser levels lines are two pixels wide: napari draws a level down to half its size by leaving out
    pixels, which would cut thinner ones into dots.

    Parameters
    ----------
    image
        Shape (row, col).

    Examples
    --------
    >>> lines = np.zeros((600, 600), np.uint8)
    >>> lines[10, :] = 3
    >>> image, half = max_pooled(lines)
    >>> half[4:8, 0]
    array([0, 3, 3, 0], dtype=uint8)
    """
    levels, fine = [image], image
    while max(fine.shape) > SMALLEST_LEVEL:
        fine = _even(fine)
        tops = np.maximum(fine[0::2], fine[1::2])
        fine = np.maximum(tops[:, 0::2], tops[:, 1::2])
        wide = fine.copy()
        np.maximum(fine[1:], fine[:-1], out=wide[1:])
        np.maximum(wide[:, 1:], wide[:, :-1].copy(), out=wide[:, 1:])
        levels.append(wide)
    return levels


def _even(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Repeat the last row and column where their number is odd."""
    height, width = image.shape
    if height % 2 or width % 2:
        return np.pad(image, ((0, height % 2), (0, width % 2)), mode="edge")
    return image
