"""Pixels → leaves: the basins of a gradient, in which a drop of water runs to the same minimum.

Everything here works on a *core*, a part of the image, and a ring of two pixels around it. Pixels beyond the
image are nodata like any other. Pixels are told apart by *zones*: a drop never leaves its zone, and nodata is
in none. So nodata is a wall, and an image with a nodata margin gives the same leaves as one without.

A core's basins are those of the whole image as far as the core shows them: where a drop runs out of the core
the leaf ends there, and `Leaves.goes_on` says so.
"""

from __future__ import annotations

__all__ = ["OUTSIDE", "RING", "TILE", "Leaves", "basins", "coarse_basins", "pixels"]

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import inlined_kernel, kernel

OUTSIDE = -1
"""Leaf id of pixels that belong to no leaf, and zone of nodata."""

RING = 2
"""Pixels around a core that are known: one, and what lies around it."""

TILE = 128
"""Side, in pixels, of the squares in whose order leaves are numbered: what is near in the image is near in
memory, and the regions of a square fit a processor's second cache."""

_UP, _LEFT, _RIGHT, _DOWN = 1, 2, 3, 4


class Leaves(NamedTuple):
    """The leaves of a core."""

    labels: NDArray[np.int32]
    """Shape (row, col) of the core. Leaf ids, square by square in raster order of their first pixel there;
    `OUTSIDE` at nodata."""
    ends: NDArray[np.int64]
    """Shape (square,). One past the last id that begins in each square of `TILE` pixels; the last one is the
    number of leaves."""
    zones: NDArray[np.int32]
    """Shape (leaf,). Zone of each leaf."""
    open: NDArray[np.bool_]
    """Shape (leaf,). True where the leaf may go on, or has neighbours, beyond the core."""
    goes_on: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    """Shapes (row,) and (col,). True where a leaf goes on beyond the right and the lower border."""

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self.open.size


def basins(slope: NDArray[np.float32], zones: NDArray[np.int32]) -> Leaves:
    """Cut a core into the catchment basins of its gradient, zone by zone.

    Each pixel points to the lowest of its four neighbours in its zone if that one is lower than itself, in
    the total order (gradient, raster index); following the pointers leads to the basin's minimum. The order
    has no ties, so plateaus need no special case, and path compression keeps long chains linear.

    Parameters
    ----------
    slope, zones
        Shape (row, col): the core and its ring. How steep the image is; and the zone of each pixel.
    """
    steps = _steps(slope, zones)
    right = (steps[:-1, -2] == _RIGHT) | (steps[:-1, -1] == _LEFT)
    below = (steps[-2, :-1] == _DOWN) | (steps[-1, :-1] == _UP)
    return _leaves(_followed(steps), zones, (right, below))


def pixels(
    image: NDArray[np.generic], zones: NDArray[np.int32], *, metric: NDArray[np.float32], most: float
) -> Leaves:
    """Make a leaf of each pixel of a core, but of touching pixels at distance 0, and of near pairs, together.

    Pixels at distance 0 would merge first of all; merged one by one, a large flat zone would be walked around
    once for each of its pixels. A pair of pixels that are each other's nearest neighbour merges before
    anything else around it does.

    Parameters
    ----------
    image, zones
        Shape (band, row, col) and (row, col): the core and its ring.
    metric
        Shape (band, band). The squared distance of two pixels is Δᵀ · metric · Δ.
    most
        Squared distance up to which pairs are made.
    """
    right, below = _distances(image, zones, metric)
    core, last = np.s_[RING:-RING], -RING - 1
    goes_on = right[core, last] == 0, below[last, core] == 0
    return _leaves(_join_near(right, below, np.float32(most)), zones, goes_on)


@kernel
def coarse_basins(slope: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return in which basin each pixel is, drops running to the lowest of eight neighbours; shape (row, col).

    As Pyram's base regions, basins may hang together by a corner only. Numbers are raster indices of the
    basins' minima, `OUTSIDE` at nodata.
    """
    height, width = slope.shape
    towards = np.empty(height * width, np.int32)
    walls = np.full((3, width + 2), np.float32(np.inf))
    steps = np.empty(width, np.int32)
    for row in range(height):
        for line in range(3):
            r = row + line - 1
            wall = walls[line]
            for col in range(width):
                inside = 0 <= r < height and valid[r, col]
                wall[col + 1] = slope[r, col] if inside else np.float32(np.inf)
        for col in range(width):
            lowest, step = walls[1, col + 1], 0
            # Neighbours before the pixel win a tie against it, and the first of them against the others.
            for line in range(2):
                for d in range(-1, 2 if line == 0 else 0):
                    value = walls[line, col + 1 + d]
                    lower = (value <= lowest) if step == 0 else (value < lowest)
                    lowest = value if lower else lowest
                    step = (line - 1) * width + d if lower else step
            for line in range(1, 3):
                for d in range(1 if line == 1 else -1, 2):
                    value = walls[line, col + 1 + d]
                    lower = value < lowest
                    lowest = value if lower else lowest
                    step = (line - 1) * width + d if lower else step
            steps[col] = step
        for col in range(width):
            towards[row * width + col] = row * width + col + (steps[col] if valid[row, col] else 0)
    labels = np.empty((height, width), np.int32)
    ids = labels.ravel()
    for pixel in range(height * width):
        minimum = pixel
        while towards[minimum] != minimum:
            minimum = towards[minimum]
        passed = pixel
        while towards[passed] != minimum:
            following = towards[passed]
            towards[passed] = minimum
            passed = following
        ids[pixel] = minimum if valid[pixel // width, pixel % width] else OUTSIDE
    return labels


def _leaves(
    towards: NDArray[np.int32],
    zones: NDArray[np.int32],
    goes_on: tuple[NDArray[np.bool_], NDArray[np.bool_]],
) -> Leaves:
    labels, ends, zone_of = _number(towards, zones)
    open_leaves = np.zeros(int(ends[-1]), np.bool_)
    _mark_open(labels, zones, open_leaves)
    return Leaves(labels=labels, ends=ends, zones=zone_of, open=open_leaves, goes_on=goes_on)


@kernel
def _steps(slope: NDArray[np.float32], zones: NDArray[np.int32]) -> NDArray[np.uint8]:
    """Return where each pixel points, 0 for nowhere: of the core, and of a row and a column behind it."""
    height, width = slope.shape[0] - 2 * RING + 1, slope.shape[1] - 2 * RING + 1
    steps = np.empty((height, width), np.uint8)
    infinite = np.float32(np.inf)
    for row in range(height):
        r = row + RING
        above, here, under = slope[r - 1, 1:], slope[r, 1:], slope[r + 1, 1:]
        zone_above, zone_here, zone_under = zones[r - 1, 1:], zones[r, 1:], zones[r + 1, 1:]
        line = steps[row]
        # In raster order of the neighbours: those before the pixel win a tie against it, and the first of
        # them against the others. Without branches, so that whole rows are compared at once.
        for col in range(width):
            own, zone = here[col + 1], zone_here[col + 1]
            upper = above[col + 1] if zone_above[col + 1] == zone else infinite
            before = here[col] if zone_here[col] == zone else infinite
            after = here[col + 2] if zone_here[col + 2] == zone else infinite
            lower = under[col + 1] if zone_under[col + 1] == zone else infinite
            up = upper <= own
            lowest = upper if up else own
            left = (before < lowest) | ((before == lowest) & (not up))
            lowest = before if left else lowest
            right = after < lowest
            lowest = after if right else lowest
            step = _UP if up else 0
            step = _LEFT if left else step
            step = _RIGHT if right else step
            line[col] = _DOWN if lower < lowest else step
    return steps


@kernel
def _followed(steps: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return to which pixel of the core each one points, by flat indices; to itself at the core's border."""
    height, width = steps.shape[0] - 1, steps.shape[1] - 1
    towards = np.empty(height * width, np.int32)
    for row in range(height):
        line = steps[row]
        top, bottom = row == 0, row == height - 1
        for col in range(width):
            step = line[col]
            beyond = (
                (top and step == _UP)
                or (bottom and step == _DOWN)
                or (col == 0 and step == _LEFT)
                or (col == width - 1 and step == _RIGHT)
            )
            here = row * width + col
            there = here + (step == _RIGHT) - (step == _LEFT) + width * ((step == _DOWN) - (step == _UP))
            towards[here] = here if beyond else there
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
def _distances(
    image: NDArray[np.generic], zones: NDArray[np.int32], metric: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return each pixel's squared distance to the one on its right and to that below; inf beyond its zone."""
    bands, height, width = image.shape
    right = np.full((height, width), np.float32(np.inf))
    below = np.full((height, width), np.float32(np.inf))
    steps = np.empty((bands, width), np.float32)
    total = np.empty(width, np.float32)
    for row in range(height):
        for down in range(2):
            if row + down == height:
                continue
            # One pixel less to the right, unless it is the row below that is looked at.
            count = width - 1 + down
            for band in range(bands):
                here, there, step = image[band, row], image[band, row + down, 1 - down :], steps[band]
                for col in range(count):
                    step[col] = np.float32(there[col]) - np.float32(here[col])
            total[:] = 0
            for band in range(bands):
                for other in range(band, bands):
                    factor = (
                        metric[band, other] if other == band else metric[band, other] + metric[other, band]
                    )
                    if factor != 0:
                        one, two = steps[band], steps[other]
                        for col in range(count):
                            total[col] += factor * one[col] * two[col]
            line, zone, zone_there = (
                below[row] if down else right[row],
                zones[row],
                zones[row + down, 1 - down :],
            )
            for col in range(count):
                if zone[col] != OUTSIDE and zone[col] == zone_there[col]:
                    line[col] = max(total[col], np.float32(0))
    return right, below


@kernel
def _join_near(right: NDArray[np.float32], below: NDArray[np.float32], most: np.float32) -> NDArray[np.int32]:
    """Point each pixel of the core to one that it is together with, or to one that leads there."""
    height, width = right.shape[0] - 2 * RING, right.shape[1] - 2 * RING
    # Where the nearest neighbour of each pixel is, of the core and a ring of one.
    nearest = np.empty((height + 2, width + 2), np.uint8)
    for row in range(height + 2):
        r = row + RING - 1
        above, after, under, line = below[r - 1], right[r], below[r], nearest[row]
        for col in range(width + 2):
            c = col + RING - 1
            least, step = above[c], _UP
            closer = after[c - 1] < least
            least, step = (after[c - 1], _LEFT) if closer else (least, step)
            closer = after[c] < least
            least, step = (after[c], _RIGHT) if closer else (least, step)
            step = _DOWN if under[c] < least else step
            line[col] = step
    towards = np.arange(height * width).astype(np.int32)
    for row in range(height):
        for col in range(width):
            here, r, c = row * width + col, row + RING, col + RING
            if col + 1 < width:
                pair = nearest[row + 1, col + 1] == _RIGHT and nearest[row + 1, col + 2] == _LEFT
                if right[r, c] == 0 or (pair and right[r, c] <= most):
                    _unite(towards, here, here + 1)
            if row + 1 < height:
                pair = nearest[row + 1, col + 1] == _DOWN and nearest[row + 2, col + 1] == _UP
                if below[r, c] == 0 or (pair and below[r, c] <= most):
                    _unite(towards, here, here + width)
    return towards


@kernel
def _number(
    towards: NDArray[np.int32], zones: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
    """Follow the pointers to their minima and number these, square by square, by their first pixel."""
    height, width = zones.shape[0] - 2 * RING, zones.shape[1] - 2 * RING
    labels = np.full((height, width), OUTSIDE, np.int32)
    ids = labels.ravel()
    zone_of = np.empty(height * width, np.int32)
    down, across = -(-height // TILE), -(-width // TILE)
    ends = np.empty(down * across, np.int64)
    count = 0
    for square in range(down * across):
        top, left = square // across * TILE, square % across * TILE
        for row in range(top, min(top + TILE, height)):
            for col in range(left, min(left + TILE, width)):
                zone = zones[row + RING, col + RING]
                pixel = row * width + col
                if zone == OUTSIDE or ids[pixel] >= 0:
                    continue
                # What the way down passes has its leaf from now on, so each pixel is passed once.
                end = pixel
                while ids[end] < 0 and towards[end] != end:
                    end = towards[end]
                leaf = ids[end]
                if leaf < 0:
                    leaf = count
                    ids[end] = leaf
                    zone_of[count] = zone
                    count += 1
                while ids[pixel] < 0:
                    ids[pixel] = leaf
                    pixel = towards[pixel]
        ends[square] = count
    return labels, ends, zone_of[:count].copy()


@kernel
def _mark_open(labels: NDArray[np.int32], zones: NDArray[np.int32], open_leaves: NDArray[np.bool_]) -> None:
    """Mark the leaves that touch a valid pixel beyond the core."""
    height, width = labels.shape
    for col in range(width):
        if labels[0, col] >= 0 and zones[RING - 1, col + RING] != OUTSIDE:
            open_leaves[labels[0, col]] = True
        if labels[height - 1, col] >= 0 and zones[height + RING, col + RING] != OUTSIDE:
            open_leaves[labels[height - 1, col]] = True
    for row in range(height):
        if labels[row, 0] >= 0 and zones[row + RING, RING - 1] != OUTSIDE:
            open_leaves[labels[row, 0]] = True
        if labels[row, width - 1] >= 0 and zones[row + RING, width + RING] != OUTSIDE:
            open_leaves[labels[row, width - 1]] = True
