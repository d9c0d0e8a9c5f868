"""Images → relief: how steep an image is at each pixel, which leaves and coarse basins are cut along."""

from __future__ import annotations

__all__ = ["blurred", "deriche", "halved", "radius_of", "reach_of", "sobel"]

import math

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import inlined_kernel, kernel

_DERICHE_REACH = 8.0
"""In units of 1/α: what lies beyond weighs less than a hundredth of the largest weight."""


def radius_of(sigma: float) -> int:
    """Return how many pixels around one `blurred` looks at."""
    return math.ceil(2.0 * sigma)


def reach_of(alpha: float) -> int:
    """Return how many pixels around one `deriche` looks at."""
    return math.ceil(_DERICHE_REACH / alpha)


def blurred(slope: NDArray[np.float32], valid: NDArray[np.bool_], sigma: float) -> NDArray[np.float32]:
    """Return a plane (row, col) after a Gaussian in which nodata has no say; 0 at nodata.

    Pixels within 2 σ of the plane's edge are only good where nodata lies there.
    """
    distance = np.arange(radius_of(sigma) + 1)
    weights = np.exp(-0.5 * (distance / sigma) ** 2).astype(np.float32)
    return _blur(slope, valid, weights)


def halved(
    image: NDArray[np.generic], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the mean of each cell of 2 × 2 pixels over its valid ones, and which cells have any.

    >>> means, known = halved(np.array([[[1, 3, 9]]], np.uint8), np.array([[True, True, False]]))
    >>> means.tolist(), known.tolist()
    ([[[2.0, 0.0]]], [[True, False]])
    """
    height, width = (-(-side // 2) for side in valid.shape)
    cells = np.zeros((image.shape[0], height, width), np.float32)
    known = np.zeros((height, width), np.bool_)
    _halve(image, valid, cells, known)
    return cells, known


def deriche(
    image: NDArray[np.float32], valid: NDArray[np.bool_], alpha: float, weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the largest weighted squared modulus over the bands of Deriche's gradient, shape (row, col).

    The derivative filter is x · exp(−α|x|) along one axis, and its integral (1 + α|x|) · exp(−α|x|) along the
    other (Deriche, *Using Canny's criteria to derive a recursively implemented optimal edge detector*, IJCV
    1(2), 1987), here cut off where it has died away. Nodata has no say: each pixel beyond it counts as
    the nearest known one on the line.

    Parameters
    ----------
    image
        Shape (band, row, col); finite.
    weights
        Shape (band,). Factors of the squared moduli.
    """
    distance = np.arange(reach_of(alpha) + 1)
    fall = np.exp(-alpha * distance)
    across, along = (1.0 + alpha * distance) * fall, distance * fall
    across /= 2.0 * across.sum() - across[0]
    along /= 2.0 * (distance * along).sum()
    return _deriche(image, valid, weights, across.astype(np.float32), along.astype(np.float32))


@kernel
def sobel(
    image: NDArray[np.generic], valid: NDArray[np.bool_], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the largest Sobel modulus over the bands, (row, col); 0 at nodata and the outermost pixels.

    A neighbour that is nodata counts as equal to the pixel itself. ``weights`` (band,) multiply the squares.
    """
    bands, height, width = image.shape
    slope = np.zeros((height, width), np.float32)
    near = np.empty((3, 3), np.float32)
    total, rise = np.empty(width, np.float32), np.empty(width, np.float32)
    two = np.float32(2)
    for row in range(1, height - 1):
        steepest = slope[row]
        if valid[row - 1 : row + 2].all():
            for band in range(bands):
                above, here, below = image[band, row - 1], image[band, row], image[band, row + 1]
                for col in range(width):
                    up, down = np.float32(above[col]), np.float32(below[col])
                    total[col] = up + two * np.float32(here[col]) + down
                    rise[col] = down - up
                for col in range(1, width - 1):
                    right = total[col + 1] - total[col - 1]
                    fall = rise[col - 1] + two * rise[col] + rise[col + 1]
                    steepest[col] = max(steepest[col], weights[band] * (fall * fall + right * right))
        else:
            for col in range(1, width - 1):
                if not valid[row, col]:
                    continue
                for band in range(bands):
                    for i in range(3):
                        for j in range(3):
                            r, c = row + i - 1, col + j - 1
                            there = image[band, r, c] if valid[r, c] else image[band, row, col]
                            near[i, j] = np.float32(there)
                    right = (near[0, 2] - near[0, 0]) + two * (near[1, 2] - near[1, 0])
                    right += near[2, 2] - near[2, 0]
                    fall = (near[2, 0] - near[0, 0]) + two * (near[2, 1] - near[0, 1])
                    fall += near[2, 2] - near[0, 2]
                    steepest[col] = max(steepest[col], weights[band] * (fall * fall + right * right))
        for col in range(1, width - 1):
            steepest[col] = np.sqrt(steepest[col])
    return slope


@kernel
def _halve(
    image: NDArray[np.generic],
    valid: NDArray[np.bool_],
    cells: NDArray[np.float32],
    known: NDArray[np.bool_],
) -> None:
    bands, height, width = image.shape
    quarter = np.float32(0.25)
    for row in range(cells.shape[1]):
        top = 2 * row
        if top + 1 < height and width % 2 == 0 and valid[top : top + 2].all():
            known[row] = True
            for band in range(bands):
                above, below, line = image[band, top], image[band, top + 1], cells[band, row]
                for col in range(width // 2):
                    left = np.float32(above[2 * col]) + np.float32(below[2 * col])
                    right = np.float32(above[2 * col + 1]) + np.float32(below[2 * col + 1])
                    line[col] = quarter * (left + right)
            continue
        for col in range(cells.shape[2]):
            count = 0
            for r in range(top, min(top + 2, height)):
                for c in range(2 * col, min(2 * col + 2, width)):
                    if valid[r, c]:
                        count += 1
                        for band in range(bands):
                            cells[band, row, col] += np.float32(image[band, r, c])
            if count:
                known[row, col] = True
                for band in range(bands):
                    cells[band, row, col] /= np.float32(count)


@kernel
def _blur(
    plane: NDArray[np.float32], valid: NDArray[np.bool_], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    height, width = plane.shape
    radius = weights.size - 1
    smooth = np.empty((height, width), np.float32)
    _spread(plane, weights, radius, smooth)
    if valid.all():
        share = np.float32((2 * weights.sum() - weights[0]) ** 2)
        for row in range(height):
            line = smooth[row]
            for col in range(width):
                line[col] /= share
        return smooth
    total, shares = np.zeros((height, width), np.float32), np.empty((height, width), np.float32)
    for row in range(height):
        for col in range(width):
            if valid[row, col]:
                total[row, col] = np.float32(1)
    _spread(total, weights, radius, shares)
    for row in range(height):
        for col in range(width):
            smooth[row, col] = smooth[row, col] / shares[row, col] if valid[row, col] else np.float32(0)
    return smooth


@inlined_kernel
def _spread(
    plane: NDArray[np.float32], weights: NDArray[np.float32], radius: int, spread: NDArray[np.float32]
) -> None:
    """Add up what lies around each pixel, by weights of distance; beyond the plane is 0."""
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
def _deriche(
    image: NDArray[np.float32],
    valid: NDArray[np.bool_],
    weights: NDArray[np.float32],
    across: NDArray[np.float32],
    along: NDArray[np.float32],
) -> NDArray[np.float32]:
    bands, height, width = image.shape
    radius = across.size - 1
    steepest = np.zeros((height, width), np.float32)
    smooth, rise = np.empty((height, width), np.float32), np.empty((height, width), np.float32)
    wide = np.empty(width + 2 * radius, np.float32)
    down, right = np.empty(width, np.float32), np.empty(width, np.float32)
    whole = valid.all()
    for band in range(bands):
        for row in range(height):
            _widen(image[band, row], valid[row], radius, wide)
            soft, steep = smooth[row], rise[row]
            centre = wide[radius : radius + width]
            for col in range(width):
                soft[col], steep[col] = across[0] * centre[col], np.float32(0)
            for d in range(1, radius + 1):
                before, after = wide[radius - d : radius - d + width], wide[radius + d : radius + d + width]
                weight, slope = across[d], along[d]
                for col in range(width):
                    soft[col] += weight * (before[col] + after[col])
                    steep[col] += slope * (after[col] - before[col])
        if not whole:
            _fill_down(smooth, valid)
            _fill_down(rise, valid)
        for row in range(height):
            for col in range(width):
                down[col], right[col] = np.float32(0), across[0] * rise[row, col]
            for d in range(1, radius + 1):
                top, bottom = max(row - d, 0), min(row + d, height - 1)
                above, below, left, other = smooth[top], smooth[bottom], rise[top], rise[bottom]
                weight, slope = across[d], along[d]
                for col in range(width):
                    down[col] += slope * (below[col] - above[col])
                    right[col] += weight * (left[col] + other[col])
            line, factor = steepest[row], weights[band]
            for col in range(width):
                line[col] = max(line[col], factor * (down[col] * down[col] + right[col] * right[col]))
    return steepest


@inlined_kernel
def _widen(
    line: NDArray[np.float32], known: NDArray[np.bool_], radius: int, wide: NDArray[np.float32]
) -> None:
    """Copy a line with ``radius`` more at each end; what is not known takes the nearest known value."""
    width = line.size
    for col in range(width):
        wide[radius + col] = line[col]
    if not known.all():
        last = -1
        for col in range(width + 1):
            if col < width and not known[col]:
                continue
            for between in range(last + 1, col):
                earlier = last >= 0 and (col == width or between - last <= col - between)
                if earlier or col < width:
                    wide[radius + between] = line[last] if earlier else line[col]
            last = col
    for col in range(radius):
        wide[col], wide[radius + width + col] = wide[radius], wide[radius + width - 1]


@inlined_kernel
def _fill_down(plane: NDArray[np.float32], valid: NDArray[np.bool_]) -> None:
    """Give what is not known the nearest known value in its column."""
    height, width = plane.shape
    for col in range(width):
        last = -1
        for row in range(height + 1):
            if row < height and not valid[row, col]:
                continue
            for between in range(last + 1, row):
                earlier = last >= 0 and (row == height or between - last <= row - between)
                if earlier or row < height:
                    plane[between, col] = plane[last, col] if earlier else plane[row, col]
            last = row
