"""Pixels of one grid as those of another one, coarser or shifted, by the ground that they share, exactly."""

from __future__ import annotations

__all__ = ["mean_pixels", "most_frequent"]

import numpy as np
from numpy.typing import NDArray

from workbench.errors import GridError
from workbench.geo.grid import PixelGrid


def mean_pixels(pixels: NDArray[np.uint8], source: PixelGrid, target: PixelGrid) -> NDArray[np.uint8]:
    """Return the mean of the pixels that each pixel of another grid covers, weighted by shared ground.

    Parameters
    ----------
    pixels
        Shape (band, row, col), on the source grid.
    source, target
        Grids of one CRS; the source covers the target.

    Returns
    -------
    numpy.ndarray
        Shape (band, row, col) on the target grid; halves are rounded up.

    Raises
    ------
    GridError
        The source does not cover the target.
    """
    rows, cols = _shares(source, target)
    means = rows @ pixels.astype(np.float64) @ cols.T
    # Sums of shares err by some 1e-16, which must not push a half down.
    rounded: NDArray[np.uint8] = np.floor(means + 0.5 + 1e-9).astype(np.uint8)
    return rounded


def most_frequent(codes: NDArray[np.uint8], source: PixelGrid, target: PixelGrid) -> NDArray[np.uint8]:
    """Return the code with most ground in each pixel of another grid; of equal ones the smallest.

    Parameters
    ----------
    codes
        Shape (row, col), on the source grid.
    source, target
        As for `mean_pixels`.
    """
    rows, cols = _shares(source, target)
    best, most = np.zeros(target.shape, np.uint8), np.zeros(target.shape)
    for code in np.unique(codes).tolist():
        ground = rows @ (codes == code).astype(np.float64) @ cols.T
        better = ground > most + 1e-9
        best[better], most[better] = code, ground[better]
    return best


def _shares(source: PixelGrid, target: PixelGrid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the share of each source row in each target row, (target, source), and the same of columns."""
    if source.crs != target.crs:
        raise GridError(f"pixels in {source.crs} cannot be laid on {target.crs} by their ground")
    factor = target.resolution / source.resolution
    row = (source.transform.f - target.transform.f) / source.resolution
    col = (target.transform.c - source.transform.c) / source.resolution
    return (
        _along(row, factor, target.height, source.height),
        _along(col, factor, target.width, source.width),
    )


def _along(first: float, factor: float, count: int, there: int) -> NDArray[np.float64]:
    """Return the shares along one axis, of ``count`` pixels of ``factor`` source pixels each."""
    edges = first + factor * np.arange(count + 1)
    nearest = np.round(edges)
    edges = np.where(np.abs(edges - nearest) < 1e-6, nearest, edges)  # float noise of transforms
    if edges[0] < 0 or edges[-1] > there:
        raise GridError(f"pixels {edges[0]:g} to {edges[-1]:g} are asked for of {there}")
    begins = np.arange(there)
    low = np.maximum(edges[:-1, np.newaxis], begins)
    high = np.minimum(edges[1:, np.newaxis], begins + 1)
    shares: NDArray[np.float64] = np.maximum(high - low, 0) / factor
    return shares
