"""Pixels → leaves: the basins of a gradient, in which a drop of water runs to the same minimum.

Nodata and the outside of the image are walls: no gradient is taken across them and no basin crosses them,
so an image with a nodata margin gives the same leaves as the image without it.
"""

from __future__ import annotations

__all__ = ["OUTSIDE", "basins", "flat_zones", "gradient", "noise_levels"]

import math

import numpy as np
from numba import prange
from numpy.typing import NDArray

from workbench.segmentation.compiled import kernel, parallel_kernel

OUTSIDE = -1
"""Leaf id of pixels that belong to no leaf, while leaves are being made."""

# For a centred unit-variance noise the 3 × 3 Laplacian below has this standard deviation, and a normal
# variable's median absolute deviation is 0.6745 standard deviations.
_LAPLACIAN_GAIN = 6.0
_MAD_OF_NORMAL = 0.6745
_NOISE_SAMPLE_ROWS = 512


def basins(
    image: NDArray[np.generic], *, valid: NDArray[np.bool_], weights: NDArray[np.float64], smoothing: float
) -> tuple[NDArray[np.int32], int]:
    """Cut an image into the catchment basins of its gradient.

    Each pixel points to the lowest of its four neighbours if that one is lower than itself, in the total
    order (gradient, raster index); following the pointers leads to the basin's minimum. The order has no
    ties, so plateaus need no special case, and path compression keeps long chains linear.

    Parameters
    ----------
    image
        Shape (band, row, col); uint8, uint16 or float32, finite where valid.
    valid
        Shape (row, col); False for nodata.
    weights
        Shape (band,); factors of the squared differences.
    smoothing
        Standard deviation, in pixels, of the Gaussian applied to the gradient; 0 for none.

    Returns
    -------
    leaves
        Shape (row, col); leaf ids in raster order of first appearance, `OUTSIDE` for nodata.
    count
        Number of leaves.
    """
    slope = gradient(image, valid=valid, weights=weights)
    if smoothing > 0:
        slope = _smooth(slope, valid, _gaussian(smoothing))
    return _number(_descend(slope, valid), valid)


def flat_zones(image: NDArray[np.generic], *, valid: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Make a leaf of each pixel, and of touching pixels of equal values together.

    Equal pixels would merge first of all, at scale 0; merged one by one, a large flat zone would be walked
    around once for each of its pixels.

    >>> image = np.array([[[5, 5, 6], [6, 5, 6]]], dtype=np.uint8)
    >>> flat_zones(image, valid=np.ones((2, 3), dtype=bool))[0].tolist()
    [[0, 0, 1], [2, 0, 1]]
    """
    leaves, count = _number(_join_equal(image, valid), valid)
    return leaves, int(count)


def gradient(
    image: NDArray[np.generic], *, valid: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the largest weighted Sobel modulus over the bands, shape (row, col); 0 at nodata.

    A neighbour that is nodata or outside counts as equal to the pixel itself.
    """
    return _sobel(image, valid, np.sqrt(weights).astype(np.float32))


def noise_levels(image: NDArray[np.generic], *, valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Estimate each band's noise standard deviation, in the band's unit; 0 where a band shows none.

    The median absolute 3 × 3 Laplacian (Immerkær 1996) over at most 512 evenly spaced rows: edges and
    texture are few enough among pixels for the median to pass them over.
    """
    bands, height, width = image.shape
    levels = np.zeros(bands)
    if height < 3 or width < 3:
        return levels
    step = max(1, (height - 2) // _NOISE_SAMPLE_ROWS)
    rows = np.arange(1, height - 1, step)
    whole = np.ones((rows.size, width - 2), dtype=bool)
    for shift in (-1, 0, 1):
        line = valid[rows + shift]
        whole &= line[:, :-2] & line[:, 1:-1] & line[:, 2:]
    if not whole.any():
        return levels
    for band in range(bands):
        above, here, below = (image[band, rows + shift].astype(np.float64) for shift in (-1, 0, 1))
        across = 2.0 * here - above - below
        laplacian = 2.0 * across[:, 1:-1] - across[:, :-2] - across[:, 2:]
        levels[band] = np.median(np.abs(laplacian[whole])) / (_MAD_OF_NORMAL * _LAPLACIAN_GAIN)
    return levels


def _gaussian(sigma: float) -> NDArray[np.float32]:
    """Return the weights of distance 0, 1, …, 3σ; not normalised, the caller divides by their sum."""
    distance = np.arange(math.ceil(3.0 * sigma) + 1)
    return np.exp(-0.5 * (distance / sigma) ** 2).astype(np.float32)


@parallel_kernel
def _sobel(
    image: NDArray[np.generic], valid: NDArray[np.bool_], factors: NDArray[np.float32]
) -> NDArray[np.float32]:
    bands, height, width = image.shape
    slope = np.zeros((height, width), np.float32)
    for row in prange(height):
        near = np.empty((3, 3), np.float32)
        for col in range(width):
            if not valid[row, col]:
                continue
            inner = 0 < row < height - 1 and 0 < col < width - 1
            steepest = np.float32(0)
            for band in range(bands):
                here = np.float32(image[band, row, col])
                for i in range(3):
                    for j in range(3):
                        r, c = row + i - 1, col + j - 1
                        if (inner or (0 <= r < height and 0 <= c < width)) and valid[r, c]:
                            near[i, j] = np.float32(image[band, r, c])
                        else:
                            near[i, j] = here
                two = np.float32(2)
                down = (near[2, 0] - near[0, 0]) + two * (near[2, 1] - near[0, 1]) + (near[2, 2] - near[0, 2])
                right = (
                    (near[0, 2] - near[0, 0]) + two * (near[1, 2] - near[1, 0]) + (near[2, 2] - near[2, 0])
                )
                modulus = factors[band] * np.sqrt(down * down + right * right)
                steepest = max(steepest, modulus)
            slope[row, col] = steepest
    return slope


@parallel_kernel
def _smooth(
    slope: NDArray[np.float32], valid: NDArray[np.bool_], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    height, width = slope.shape
    radius = weights.size - 1
    total = np.empty((height, width), np.float32)
    share = np.empty((height, width), np.float32)
    for row in prange(height):
        for col in range(width):
            value, weight = np.float32(0), np.float32(0)
            for c in range(max(0, col - radius), min(width, col + radius + 1)):
                if valid[row, c]:
                    value += weights[abs(c - col)] * slope[row, c]
                    weight += weights[abs(c - col)]
            total[row, col], share[row, col] = value, weight
    smooth = np.zeros((height, width), np.float32)
    for row in prange(height):
        for col in range(width):
            if valid[row, col]:
                value, weight = np.float32(0), np.float32(0)
                for r in range(max(0, row - radius), min(height, row + radius + 1)):
                    value += weights[abs(r - row)] * total[r, col]
                    weight += weights[abs(r - row)] * share[r, col]
                smooth[row, col] = value / weight
    return smooth


@parallel_kernel
def _descend(slope: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Point each pixel to its lowest neighbour below it, or to itself; flat raster indices."""
    height, width = slope.shape
    towards = np.empty(height * width, np.int32)
    for row in prange(height):
        for col in range(width):
            here = row * width + col
            lowest, height_there = here, slope[row, col]
            if valid[row, col]:
                # In raster order of the neighbours, so that "<" alone keeps the smaller index on a tie;
                # only the two after the pixel itself must be strictly lower than it.
                if row > 0 and valid[row - 1, col] and slope[row - 1, col] <= height_there:
                    lowest, height_there = here - width, slope[row - 1, col]
                if col > 0 and valid[row, col - 1]:
                    value = slope[row, col - 1]
                    if value < height_there or (value == height_there and lowest == here):
                        lowest, height_there = here - 1, value
                if col + 1 < width and valid[row, col + 1] and slope[row, col + 1] < height_there:
                    lowest, height_there = here + 1, slope[row, col + 1]
                if row + 1 < height and valid[row + 1, col] and slope[row + 1, col] < height_there:
                    lowest = here + width
            towards[here] = lowest
    return towards


@kernel
def _join_equal(image: NDArray[np.generic], valid: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Point each pixel to the smallest raster index of its flat zone, or to one that leads there."""
    bands, height, width = image.shape
    towards = np.arange(height * width).astype(np.int32)
    for row in range(height):
        for col in range(width):
            for r, c in ((row - 1, col), (row, col - 1)):
                if r < 0 or c < 0 or not (valid[row, col] and valid[r, c]):
                    continue
                equal = True
                for band in range(bands):
                    equal = equal and image[band, row, col] == image[band, r, c]
                if not equal:
                    continue
                one, other = row * width + col, r * width + c
                while towards[one] != one:
                    towards[one] = towards[towards[one]]
                    one = towards[one]
                while towards[other] != other:
                    towards[other] = towards[towards[other]]
                    other = towards[other]
                towards[max(one, other)] = min(one, other)
    return towards


@kernel
def _number(towards: NDArray[np.int32], valid: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Follow the pointers to their minima and number these in raster order of their first pixel."""
    height, width = valid.shape
    leaves = np.full((height, width), OUTSIDE, np.int32)
    ids = leaves.ravel()
    usable = valid.ravel()
    count = 0
    for pixel in range(towards.size):
        if not usable[pixel]:
            continue
        minimum = pixel
        while towards[minimum] != minimum:
            minimum = towards[minimum]
        passed = pixel
        while towards[passed] != minimum:
            following = towards[passed]
            towards[passed] = minimum
            passed = following
        if ids[minimum] < 0:
            ids[minimum] = count
            count += 1
    for pixel in range(towards.size):
        if usable[pixel]:
            ids[pixel] = ids[towards[pixel]]
    return leaves, count
