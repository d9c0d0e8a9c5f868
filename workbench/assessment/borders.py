"""Borders between labels, as edgels: the sides of pixels, between one and the next in a row or a column.

A raster of edgels has shape (2, row, col): first the right side of each pixel, then its lower side.
"""

from __future__ import annotations

__all__ = ["edges_of", "grown", "moved_borders"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel


def edges_of(values: NDArray[np.integer[Any]], where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the edgels between different values, shape (2, row, col).

    Parameters
    ----------
    values
        Shape (row, col). Such as class codes, or leaves.
    where
        Shape (row, col). Pixels that count; an edgel lies between two of them.

    Examples
    --------
    >>> edges_of(np.array([[1, 1], [1, 2]]), np.ones((2, 2), bool)).astype(int).tolist()
    [[[0, 0], [1, 0]], [[0, 1], [0, 0]]]
    """
    edges = np.zeros((2, *values.shape), np.bool_)
    edges[0, :, :-1] = (values[:, 1:] != values[:, :-1]) & where[:, 1:] & where[:, :-1]
    edges[1, :-1] = (values[1:] != values[:-1]) & where[1:] & where[:-1]
    return edges


def grown(edges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the edgels that have one of some edgels, of the same direction, at most a pixel away."""
    wide = edges.copy()
    wide[:, :, 1:] |= edges[:, :, :-1]
    wide[:, :, :-1] |= edges[:, :, 1:]
    found = wide.copy()
    found[:, 1:] |= wide[:, :-1]
    found[:, :-1] |= wide[:, 1:]
    return found


def moved_borders(
    first: NDArray[np.uint8], second: NDArray[np.uint8], both: NDArray[np.bool_], *, distance: int
) -> NDArray[np.bool_]:
    """Return the pixels of two classes for which a moved border gives account, shape (row, col).

    Those are pixels on which two labellings differ, and near which each has the class of the other: to move a
    border by the distance is enough to mend them.

    Parameters
    ----------
    first, second
        Shape (row, col). Codes.
    both
        Shape (row, col). Pixels that both labelled.
    distance
        In pixels, along rows and along columns.
    """
    return _moved_borders(first, second, both, distance)


@kernel
def _moved_borders(
    first: NDArray[np.uint8], second: NDArray[np.uint8], both: NDArray[np.bool_], distance: int
) -> NDArray[np.bool_]:
    height, width = first.shape
    found = np.zeros((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            mine, theirs = first[row, col], second[row, col]
            if mine == theirs or not both[row, col]:
                continue
            in_second, in_first = False, False
            for r in range(max(row - distance, 0), min(row + distance + 1, height)):
                if in_second and in_first:
                    break
                for c in range(max(col - distance, 0), min(col + distance + 1, width)):
                    if both[r, c]:
                        in_second |= second[r, c] == mine
                        in_first |= first[r, c] == theirs
            found[row, col] = in_second and in_first
    return found
