"""How good a partition is: by the values inside its regions, and against an image of true classes.

Functions of arrays. A partition is an image of labels in which `NODATA_LEAF` belongs to no region; classes
are numbered from 0, −1 where unknown. What is summed over regions is summed from their leaves: leaves of one
region follow each other, as in the ``lut`` of a cut.
"""

from __future__ import annotations

__all__ = [
    "ClassAgreement",
    "TrueBoundary",
    "boundary_length",
    "boundary_precision",
    "boundary_recall",
    "class_agreement",
    "squared_differences",
    "true_boundary",
]

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.compiled import kernel
from workbench.segmentation.cuts import NODATA_LEAF

_TOLERANCE = 2
"""Pixels, along rows and columns, within which two boundaries count as the same."""


class ClassAgreement(NamedTuple):
    """Pixels of known class, judged region by region."""

    right: int
    """Those of their region's majority class: over all known pixels, the achievable accuracy."""
    wrong: int
    """Per class and region the smaller of the parts inside and outside, summed: over all known pixels,
    Neubert and Protzel's undersegmentation error."""


class TrueBoundary(NamedTuple):
    """Where true classes meet; three images of shape (row, col)."""

    pixels: NDArray[np.bool_]
    """Pixels whose right or lower neighbour is of another class, both known."""
    near: NDArray[np.bool_]
    """Pixels within the tolerance of those."""
    known: NDArray[np.bool_]
    """Pixels of known class."""


def squared_differences(
    lut: NDArray[np.uint32],
    area: NDArray[np.uint32],
    sums: NDArray[np.float64],
    squares: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the squared differences of all pixels to their regions' means, summed, shape (band,).

    Differences inside leaves and those of leaves to their regions are added up apart: a small variance keeps
    its digits in a region of any size and height, as far as ``squares`` holds them.

    Parameters
    ----------
    lut
        Shape (leaf,). Region of each leaf.
    area
        Shape (leaf,). Pixels.
    sums, squares
        Shape (band, leaf). Sums of the values and of their squares.

    Examples
    --------
    Leaves of values (1, 3) and (5,) apart, then as one region:

    >>> leaves = np.uint32([2, 1]), np.array([[4.0, 5.0]]), np.array([[10.0, 25.0]])
    >>> squared_differences(np.uint32([0, 1]), *leaves), squared_differences(np.uint32([0, 0]), *leaves)
    (array([2.]), array([8.]))
    """
    found: NDArray[np.float64] = _squared_differences(lut, area, sums, squares)
    return found


def class_agreement(lut: NDArray[np.uint32], counts: NDArray[np.int64]) -> ClassAgreement:
    """Judge regions by the pixels of each class in them.

    Parameters
    ----------
    lut
        Shape (leaf,). Region of each leaf.
    counts
        Shape (leaf, class). Pixels.

    Examples
    --------
    >>> class_agreement(np.uint32([0, 0, 1]), np.array([[3, 0], [1, 2], [0, 4]]))
    ClassAgreement(right=8, wrong=4)
    """
    right, wrong = _class_agreement(lut, counts)
    return ClassAgreement(right=int(right), wrong=int(wrong))


def boundary_length(labels: NDArray[np.uint32]) -> int:
    """Return L of a partition: edgels between pixels of different regions, each counted once.

    >>> boundary_length(np.array([[0, 0, 1], [2, 2, NODATA_LEAF]], dtype=np.uint32))
    3
    """
    return int(_boundary_length(labels, NODATA_LEAF))


def true_boundary(classes: NDArray[np.int32]) -> TrueBoundary:
    """Find where classes meet.

    Parameters
    ----------
    classes
        Shape (row, col). −1 where unknown.
    """
    known = classes >= 0
    pixels = _boundary(classes, known)
    near = ndimage.maximum_filter(pixels, size=2 * _TOLERANCE + 1, mode="constant")
    return TrueBoundary(pixels=pixels, near=near, known=known)


def boundary_recall(labels: NDArray[np.uint32], truth: TrueBoundary) -> float | None:
    """Return the share of the truth's boundary that a partition has too, None where there is no boundary.

    The border of nodata is nobody's boundary.
    """
    wanted = int(np.count_nonzero(truth.pixels))
    found = _boundary(labels, labels != NODATA_LEAF)
    return int(_count_near(truth.pixels, found, _TOLERANCE)) / wanted if wanted else None


def boundary_precision(labels: NDArray[np.uint32], truth: TrueBoundary) -> float | None:
    """Return the share of a partition's boundary that the truth has too, None where there is no boundary.

    Only boundaries between two pixels of known class count.
    """
    found = _boundary(labels, truth.known & (labels != NODATA_LEAF))
    count = int(np.count_nonzero(found))
    return int(np.count_nonzero(found & truth.near)) / count if count else None


@kernel
def _squared_differences(
    lut: NDArray[np.uint32],
    area: NDArray[np.uint32],
    sums: NDArray[np.float64],
    squares: NDArray[np.float64],
) -> NDArray[np.float64]:
    bands, leaves = sums.shape
    differences = np.zeros(bands)
    first = 0
    for stop in range(1, leaves + 1):
        if stop < leaves and lut[stop] == lut[first]:
            continue
        pixels = 0.0
        for leaf in range(first, stop):
            pixels += area[leaf]
        for band in range(bands):
            total = 0.0
            for leaf in range(first, stop):
                total += sums[band, leaf]
            mean = total / pixels
            for leaf in range(first, stop):
                height = sums[band, leaf] / area[leaf]
                inside = squares[band, leaf] - height * sums[band, leaf]
                differences[band] += max(inside, 0.0) + area[leaf] * (height - mean) ** 2
        first = stop
    return differences


@kernel
def _class_agreement(lut: NDArray[np.uint32], counts: NDArray[np.int64]) -> tuple[int, int]:
    leaves, classes = counts.shape
    inside = np.zeros(classes, np.int64)
    right, wrong = 0, 0
    for leaf in range(leaves):
        for k in range(classes):
            inside[k] += counts[leaf, k]
        if leaf + 1 < leaves and lut[leaf + 1] == lut[leaf]:
            continue
        total, most = 0, 0
        for k in range(classes):
            total += inside[k]
            most = max(most, inside[k])
        right += most
        for k in range(classes):
            wrong += min(inside[k], total - inside[k])
            inside[k] = 0
    return right, wrong


@kernel
def _boundary_length(labels: NDArray[np.uint32], nodata: int) -> int:
    height, width = labels.shape
    length = 0
    for row in range(height):
        for col in range(width):
            here = labels[row, col]
            if here == nodata:
                continue
            if col + 1 < width and labels[row, col + 1] != here and labels[row, col + 1] != nodata:
                length += 1
            if row + 1 < height and labels[row + 1, col] != here and labels[row + 1, col] != nodata:
                length += 1
    return length


@kernel
def _boundary(labels: NDArray[np.integer[Any]], usable: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the usable pixels whose right or lower neighbour is usable and has another label."""
    height, width = labels.shape
    boundary = np.zeros((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            if not usable[row, col]:
                continue
            here = labels[row, col]
            right = col + 1 < width and usable[row, col + 1] and labels[row, col + 1] != here
            below = row + 1 < height and usable[row + 1, col] and labels[row + 1, col] != here
            boundary[row, col] = right or below
    return boundary


@kernel
def _count_near(wanted: NDArray[np.bool_], found: NDArray[np.bool_], tolerance: int) -> int:
    """Count the wanted pixels with a found one within the tolerance; quick because few are wanted."""
    height, width = wanted.shape
    count = 0
    for row in range(height):
        for col in range(width):
            if not wanted[row, col]:
                continue
            met = False
            for r in range(max(row - tolerance, 0), min(row + tolerance + 1, height)):
                for c in range(max(col - tolerance, 0), min(col + tolerance + 1, width)):
                    met = met or found[r, c]
            count += met
    return count
