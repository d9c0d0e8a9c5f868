"""Majorities: the class that most pixels of a region have, or most of the ground of a larger pixel."""

from __future__ import annotations

__all__ = ["coarser_grid", "vote_by_region", "vote_on_grid"]

import math

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.errors import ProductError
from workbench.geo.grid import PixelGrid

_NOWHERE = 0xFFFFFFFF
_NOISE = 1e-6


def vote_by_region(values: NDArray[np.uint8], regions: NDArray[np.uint32], count: int) -> NDArray[np.uint8]:
    """Give each region of a partition the value that most of its pixels have.

    Parameters
    ----------
    values
        Shape (row, col); 0 = nothing, which has no vote.
    regions
        Shape (row, col). Region of each pixel, 4,294,967,295 where there is none: those pixels keep theirs.
    count
        Number of regions.

    Returns
    -------
    numpy.ndarray
        Shape (row, col). Of equal votes the smaller value; 0 where a region has no vote at all.

    Examples
    --------
    >>> values, regions = np.array([[5, 5, 0, 7]], np.uint8), np.array([[0, 0, 0, 1]], np.uint32)
    >>> vote_by_region(values, regions, 2).tolist()
    [[5, 5, 5, 7]]
    """
    if values.shape != regions.shape:
        raise ProductError(f"values have shape {values.shape}, regions {regions.shape}")
    known = np.unique(values)
    known = known[known != 0]
    place = np.zeros(256, np.intp)
    place[known] = np.arange(known.size)
    voting = (regions != _NOWHERE) & (values != 0)
    votes = np.bincount(
        regions[voting].astype(np.intp) * known.size + place[values[voting]], minlength=count * known.size
    ).reshape(count, known.size)
    if not known.size:
        return values.copy()
    chosen = np.where(votes.any(axis=1), known[votes.argmax(axis=1)], 0).astype(np.uint8)
    inside = regions != _NOWHERE
    voted = values.copy()
    voted[inside] = chosen[regions[inside]]
    return voted


def coarser_grid(grid: PixelGrid, resolution: float) -> PixelGrid:
    """Return the grid of larger pixels from the same upper left corner, as far as whole ones reach.

    Raises
    ------
    ProductError
        The pixels are smaller than those there are, or larger than the ground.
    """
    factor = resolution / grid.resolution
    if not (math.isfinite(factor) and factor >= 1 - _NOISE):
        raise ProductError(
            f"pixels of {resolution:g} m are finer than the {grid.resolution:g} m there are; ask for more"
        )
    height, width = (math.floor(size / factor + _NOISE) for size in grid.shape)
    if not (height and width):
        raise ProductError(f"one pixel of {resolution:g} m is larger than the raster; ask for smaller ones")
    corner = grid.transform
    transform = Affine(resolution, 0.0, corner.c, 0.0, -resolution, corner.f)
    return PixelGrid(crs=grid.crs, transform=transform, height=height, width=width)


def vote_on_grid(values: NDArray[np.uint8], grid: PixelGrid, coarser: PixelGrid) -> NDArray[np.uint8]:
    """Give each larger pixel the value that most of its ground has.

    Pixels that it covers in part vote by that part, so 0.5 m is no more difficult than 0.4 m.

    Parameters
    ----------
    values
        Shape (row, col); 0 = nothing, which has a vote here.
    grid
        Where they lie.
    coarser
        From `coarser_grid`.

    Returns
    -------
    numpy.ndarray
        Shape (row, col) of the coarser grid; of equal votes the smaller value.
    """
    return _vote(
        np.ascontiguousarray(values), coarser.height, coarser.width, coarser.resolution / grid.resolution
    )


@kernel
def _vote(values: NDArray[np.uint8], height: int, width: int, factor: float) -> NDArray[np.uint8]:
    voted = np.empty((height, width), np.uint8)
    votes = np.zeros(256, np.float64)
    for row in range(height):
        top, bottom = row * factor, (row + 1) * factor
        for col in range(width):
            left, right = col * factor, (col + 1) * factor
            best = 0
            for y in range(int(top + 1e-6), min(int(np.ceil(bottom - 1e-6)), values.shape[0])):
                tall = min(bottom, y + 1.0) - max(top, float(y))
                for x in range(int(left + 1e-6), min(int(np.ceil(right - 1e-6)), values.shape[1])):
                    votes[values[y, x]] += tall * (min(right, x + 1.0) - max(left, float(x)))
            most = 0.0
            for y in range(int(top + 1e-6), min(int(np.ceil(bottom - 1e-6)), values.shape[0])):
                for x in range(int(left + 1e-6), min(int(np.ceil(right - 1e-6)), values.shape[1])):
                    value = values[y, x]
                    more = votes[value] - most
                    if more > 1e-9 or (more > -1e-9 and value < best):
                        best, most = value, max(most, votes[value])
            for y in range(int(top + 1e-6), min(int(np.ceil(bottom - 1e-6)), values.shape[0])):
                for x in range(int(left + 1e-6), min(int(np.ceil(right - 1e-6)), values.shape[1])):
                    votes[values[y, x]] = 0.0
            voted[row, col] = best
    return voted
