"""Pixels → leaves: the basins of a gradient, in which a drop of water runs to the same minimum.

Everything here works on a *patch*: a part of the image (its core) with a margin around it, outside of which
nothing is asked. Pixels beyond the image are nodata like any other. Nodata is a wall: no gradient is taken
across it and no basin crosses it, so an image with a nodata margin gives the same leaves as one without.

A core's basins are those of the whole image as far as the core shows them: where a drop runs out of the core
the leaf ends there, and whoever knows the pixels around it (`tiling`) tells that it goes on.
"""

from __future__ import annotations

__all__ = [
    "OUTSIDE",
    "TILE",
    "Leaves",
    "basins",
    "edgel_weights",
    "flat_zones",
    "gradient",
    "margin_of",
    "parts",
    "radius_of",
    "smoothed",
]

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.segmentation.compiled import inlined_kernel, kernel

OUTSIDE = -1
"""Leaf id of pixels that belong to no leaf, while leaves are being made."""

TILE = 128
"""Side, in pixels, of the squares in whose order leaves are numbered: what is near in the image is near in
memory, and the regions of a square fit a processor's second cache."""


class Leaves(NamedTuple):
    """The leaves of a core."""

    labels: NDArray[np.int32]
    """Shape (row, col) of the core. Leaf ids, square by square in raster order of their first pixel there;
    `OUTSIDE` at nodata."""
    ends: NDArray[np.int64]
    """Shape (square,). One past the last id that begins in each square of `TILE` pixels; the last one is the
    number of leaves."""
    open: NDArray[np.bool_]
    """Shape (leaf,). True where the leaf may go on, or has neighbours, beyond the core."""

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self.open.size


def margin_of(smoothing: float) -> int:
    """Return how many pixels around a core `basins` needs to know."""
    return 2 + _gaussian(smoothing).size - 1


def radius_of(sigma: float) -> int:
    """Return how many pixels around one `smoothed` looks at."""
    return _gaussian(sigma).size - 1 if sigma > 0 else 0


def basins(features: NDArray[np.float32], *, valid: NDArray[np.bool_], smoothing: float) -> Leaves:
    """Cut a core into the catchment basins of its gradient.

    The gradient is the largest Sobel modulus over the features; a neighbour that is nodata counts as equal
    to the pixel itself. Each pixel points to the lowest of its four neighbours if that one is lower than
    itself, in the total order (gradient, raster index); following the pointers leads to the basin's minimum.
    The order has no ties, so plateaus need no special case, and path compression keeps long chains linear.

    Parameters
    ----------
    features
        Shape (feature, row, col): the core and `margin_of` pixels around it; finite where valid.
    valid
        Shape (row, col); False for nodata.
    smoothing
        Standard deviation, in pixels, of the Gaussian applied to the gradient; 0 for none.
    """
    margin = margin_of(smoothing)
    slope = gradient(features, valid)
    if smoothing > 0:
        slope = _smooth(slope[np.newaxis], valid, _gaussian(smoothing))[0]
    return _leaves(_descend(slope, valid, margin), valid, margin)


def flat_zones(features: NDArray[np.float32], *, valid: NDArray[np.bool_]) -> Leaves:
    """Make a leaf of each pixel of a core, and of touching pixels of equal features together.

    Equal pixels would merge first of all, at scale 0; merged one by one, a large flat zone would be walked
    around once for each of its pixels. The margin is one pixel.
    """
    return _leaves(_join_equal(features, valid), valid, 1)


def smoothed(features: NDArray[np.float32], valid: NDArray[np.bool_], sigma: float) -> NDArray[np.float32]:
    """Return features (feature, row, col) after a Gaussian in which nodata has no say.

    Pixels within 2 σ of the array's edge are only good where nodata lies there.
    """
    return _smooth(features, valid, _gaussian(sigma))


def parts(sharp: NDArray[np.int32], coarse: NDArray[np.int32]) -> Leaves:
    """Cut leaves where they leave one coarse region for another, and where the core cuts them in two.

    Parameters
    ----------
    sharp, coarse
        Shape (row + 2, col + 2). Ids of leaves and of coarse regions, in the core and the pixels around it.
    """
    return _leaves(_join_same(sharp, coarse), sharp != OUTSIDE, 1)


def edgel_weights(coarse: NDArray[np.int32], inside: int) -> NDArray[np.uint8]:
    """Return what the edgels right of and below each pixel of a core count, as `region_graph` takes them.

    Parameters
    ----------
    coarse
        Shape (row + 2, col + 2). Ids of coarse regions, in the core and the pixels around it.
    inside
        What an edgel inside one coarse region counts, 1 … 15; one between two counts 1.
    """
    here = coarse[1:-1, 1:-1]
    right = np.where(here == coarse[1:-1, 2:], inside, 1)
    below = np.where(here == coarse[2:, 1:-1], inside, 1)
    return ((right << 4) | below).astype(np.uint8)


def _gaussian(sigma: float) -> NDArray[np.float32]:
    """Return the weights of distance 0, 1, …, 2σ; not normalised, the caller divides by their sum."""
    distance = np.arange(math.ceil(2.0 * sigma) + 1)
    return np.exp(-0.5 * (distance / (sigma or 1.0)) ** 2).astype(np.float32)


def _leaves(towards: NDArray[np.int32], valid: NDArray[np.bool_], margin: int) -> Leaves:
    labels, ends = _number(towards, valid, margin)
    open_leaves = np.zeros(int(ends[-1]), np.bool_)
    _mark_open(labels, valid, margin, open_leaves)
    return Leaves(labels=labels, ends=ends, open=open_leaves)


@kernel
def gradient(features: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the gradient, 0 at nodata and in the outermost pixels; whole rows at once where all is valid."""
    count, height, width = features.shape
    slope = np.zeros((height, width), np.float32)
    near = np.empty((3, 3), np.float32)
    two = np.float32(2)
    for row in range(1, height - 1):
        if valid[row - 1 : row + 2].all():
            steepest = slope[row]
            for k in range(count):
                above, here, below = features[k, row - 1], features[k, row], features[k, row + 1]
                for col in range(1, width - 1):
                    down = (below[col - 1] - above[col - 1]) + two * (below[col] - above[col])
                    down += below[col + 1] - above[col + 1]
                    right = (above[col + 1] - above[col - 1]) + two * (here[col + 1] - here[col - 1])
                    right += below[col + 1] - below[col - 1]
                    steepest[col] = max(steepest[col], down * down + right * right)
            for col in range(1, width - 1):
                steepest[col] = np.sqrt(steepest[col])
            continue
        for col in range(1, width - 1):
            if not valid[row, col]:
                continue
            steepest_here = np.float32(0)
            for k in range(count):
                for i in range(3):
                    for j in range(3):
                        r, c = row + i - 1, col + j - 1
                        near[i, j] = features[k, r, c] if valid[r, c] else features[k, row, col]
                down = (near[2, 0] - near[0, 0]) + two * (near[2, 1] - near[0, 1])
                down += near[2, 2] - near[0, 2]
                right = (near[0, 2] - near[0, 0]) + two * (near[1, 2] - near[1, 0])
                right += near[2, 2] - near[2, 0]
                steepest_here = max(steepest_here, down * down + right * right)
            slope[row, col] = np.sqrt(steepest_here)
    return slope


@kernel
def _smooth(
    planes: NDArray[np.float32], valid: NDArray[np.bool_], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the mean over the valid pixels around each one, weighted by distance; rows, then columns.

    Where all is valid, the outermost pixels are not worth anything: their neighbours are not known.
    """
    count, height, width = planes.shape
    radius = weights.size - 1
    whole = valid.all()
    smooth = np.zeros((count, height, width), np.float32)
    share = np.zeros((height, width), np.float32)
    total = np.empty((height, width), np.float32)
    if whole:
        share[:] = (2 * weights.sum() - weights[0]) ** 2
    else:
        for row in range(height):
            for col in range(width):
                total[row, col] = np.float32(1) if valid[row, col] else np.float32(0)
        _spread(total, weights, radius, share)
    for k in range(count):
        _spread(planes[k], weights, radius, smooth[k])
        for row in range(height):
            line, shares = smooth[k, row], share[row]
            for col in range(width):
                line[col] = line[col] / shares[col] if valid[row, col] else np.float32(0)
    return smooth


@inlined_kernel
def _spread(
    plane: NDArray[np.float32], weights: NDArray[np.float32], radius: int, spread: NDArray[np.float32]
) -> None:
    """Add up what lies around each pixel, by weights of distance; nodata is 0."""
    height, width = plane.shape
    across = np.empty((height, width), np.float32)
    for row in range(height):
        line, sums = plane[row], across[row]
        for col in range(width):
            sums[col] = weights[0] * line[col]
        for d in range(1, min(radius + 1, width)):
            weight = weights[d]
            for col in range(d, width - d):
                sums[col] += weight * (line[col - d] + line[col + d])
            for col in range(min(d, width - d)):
                sums[col] += weight * line[col + d]
                sums[width - 1 - col] += weight * line[width - 1 - col - d]
    for row in range(height):
        line, sums = spread[row], across[row]
        for col in range(width):
            line[col] = weights[0] * sums[col]
        for d in range(1, radius + 1):
            weight = weights[d]
            if row - d >= 0 and row + d < height:
                above, below = across[row - d], across[row + d]
                for col in range(width):
                    line[col] += weight * (above[col] + below[col])
            elif row - d >= 0 or row + d < height:
                other = across[row - d if row - d >= 0 else row + d]
                for col in range(width):
                    line[col] += weight * other[col]


@kernel
def _descend(slope: NDArray[np.float32], valid: NDArray[np.bool_], margin: int) -> NDArray[np.int32]:
    """Point each pixel of the core to its lowest neighbour below it, or to itself; flat indices in the core.

    A pixel whose lowest neighbour lies beyond the core points to itself.
    """
    height, width = slope.shape[0] - 2 * margin, slope.shape[1] - 2 * margin
    towards = np.empty(height * width, np.int32)
    first, stop = margin - 1, margin + width + 1
    walls = np.empty((3, width + 2), np.float32)
    steps = np.empty(width, np.uint8)
    infinite = np.float32(np.inf)
    for row in range(height):
        r = row + margin
        for line in range(3):
            known, values, wall = (
                valid[r + line - 1, first:stop],
                slope[r + line - 1, first:stop],
                walls[line],
            )
            for col in range(width + 2):
                wall[col] = values[col] if known[col] else infinite
        above, here, under = walls[0], walls[1], walls[2]
        # In raster order of the neighbours: those before the pixel win a tie against it, and the first of
        # them against the others. Without branches, so that whole rows are compared at once.
        for col in range(width):
            lowest = here[col + 1]
            up = above[col + 1] <= lowest
            lowest = above[col + 1] if up else lowest
            left = (here[col] < lowest) | ((here[col] == lowest) & (not up))
            lowest = here[col] if left else lowest
            right = here[col + 2] < lowest
            lowest = here[col + 2] if right else lowest
            down = under[col + 1] < lowest
            step = 1 if up else 0
            step = 2 if left else step
            step = 3 if right else step
            steps[col] = 4 if down else step
        for col in range(width):
            step = steps[col]
            here_at = row * width + col
            there_row = row + (step == 4) - (step == 1)
            there_col = col + (step == 3) - (step == 2)
            beyond = not (0 <= there_row < height and 0 <= there_col < width)
            towards[here_at] = here_at if beyond else there_row * width + there_col
    return towards


@inlined_kernel
def _unite(towards: NDArray[np.int32], one: int, other: int) -> None:
    """Let two pixels lead to the smaller index that either leads to, halving the paths on the way."""
    while towards[one] != one:
        towards[one] = towards[towards[one]]
        one = towards[one]
    while towards[other] != other:
        towards[other] = towards[towards[other]]
        other = towards[other]
    towards[max(one, other)] = min(one, other)


@kernel
def _join_equal(features: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Point each pixel to the smallest raster index of its flat zone, or to one that leads there."""
    count, height, width = features.shape[0], features.shape[1] - 2, features.shape[2] - 2
    towards = np.arange(height * width).astype(np.int32)
    for row in range(height):
        for col in range(width):
            if not valid[row + 1, col + 1]:
                continue
            for up in range(2):
                r, c = row - up, col - 1 + up
                if r < 0 or c < 0 or not valid[r + 1, c + 1]:
                    continue
                equal = True
                for k in range(count):
                    equal = equal and features[k, row + 1, col + 1] == features[k, r + 1, c + 1]
                if not equal:
                    continue
                _unite(towards, row * width + col, r * width + c)
    return towards


@kernel
def _join_same(one: NDArray[np.int32], other: NDArray[np.int32]) -> NDArray[np.int32]:
    """Point each pixel to the smallest index of the connected pixels with the same two ids, or towards it.

    Both have a margin of one pixel, which is left out.
    """
    height, width = one.shape[0] - 2, one.shape[1] - 2
    towards = np.arange(height * width).astype(np.int32)
    for row in range(height):
        for col in range(width):
            a, b = one[row + 1, col + 1], other[row + 1, col + 1]
            if a < 0:
                continue
            for up in range(2):
                r, c = row - up, col - 1 + up
                if r < 0 or c < 0 or one[r + 1, c + 1] != a or other[r + 1, c + 1] != b:
                    continue
                _unite(towards, row * width + col, r * width + c)
    return towards


@kernel
def _number(
    towards: NDArray[np.int32], valid: NDArray[np.bool_], margin: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Follow the pointers to their minima and number these, square by square, by their first pixel."""
    height, width = valid.shape[0] - 2 * margin, valid.shape[1] - 2 * margin
    labels = np.full((height, width), OUTSIDE, np.int32)
    ids = labels.ravel()
    numbers = np.full(height * width, OUTSIDE, np.int32)
    down, across = -(-height // TILE), -(-width // TILE)
    ends = np.empty(down * across, np.int64)
    count = 0
    for square in range(down * across):
        top, left = square // across * TILE, square % across * TILE
        for row in range(top, min(top + TILE, height)):
            for col in range(left, min(left + TILE, width)):
                if not valid[row + margin, col + margin]:
                    continue
                pixel = row * width + col
                minimum = pixel
                while towards[minimum] != minimum:
                    minimum = towards[minimum]
                passed = pixel
                while towards[passed] != minimum:
                    following = towards[passed]
                    towards[passed] = minimum
                    passed = following
                if numbers[minimum] < 0:
                    numbers[minimum] = count
                    count += 1
                ids[pixel] = numbers[minimum]
        ends[square] = count
    return labels, ends


@kernel
def _mark_open(
    labels: NDArray[np.int32], valid: NDArray[np.bool_], margin: int, open_leaves: NDArray[np.bool_]
) -> None:
    """Mark the leaves that touch a valid pixel beyond the core."""
    height, width = labels.shape
    for col in range(width):
        if labels[0, col] >= 0 and valid[margin - 1, col + margin]:
            open_leaves[labels[0, col]] = True
        if labels[height - 1, col] >= 0 and valid[height + margin, col + margin]:
            open_leaves[labels[height - 1, col]] = True
    for row in range(height):
        if labels[row, 0] >= 0 and valid[row + margin, margin - 1]:
            open_leaves[labels[row, 0]] = True
        if labels[row, width - 1] >= 0 and valid[row + margin, width + margin]:
            open_leaves[labels[row, width - 1]] = True
