"""How unlike zones are, on the ground or by what they look like."""

from __future__ import annotations

__all__ = ["distances", "farthest_first", "standardised"]

import math

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist


def standardised(*parts: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return columns with mean 0 and deviation 1 over all parts together; a constant column becomes 0.

    Parameters
    ----------
    parts
        Shape (zone, feature) each.
    """
    both = np.vstack(parts)
    deviation = both.std(axis=0)
    deviation[deviation <= 1e-12 * np.abs(both).max(axis=0, initial=1e-300)] = np.inf
    return [(part - both.mean(axis=0)) / deviation for part in parts]


def distances(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Euclid's distance of each row to each of another, shape (one's, other's)."""
    apart: NDArray[np.float64] = cdist(one, other)
    return apart


def farthest_first(
    rows: NDArray[np.float64], taken: NDArray[np.float64], *, rng: np.random.Generator
) -> dict[int, float]:
    """Return all rows in the order in which each is the farthest from those before it and from those taken.

    Where nothing is taken the first is the one nearest to the middle of all.

    Parameters
    ----------
    rows, taken
        Shape (zone, column).
    rng
        Decides where rows are as far.

    Returns
    -------
    dict
        How far each was when its turn came; inf for the first where nothing is taken.

    Notes
    -----
    Gonzalez, *Clustering to minimize the maximum intercluster distance* (1985); O(rows²).

    Examples
    --------
    >>> rows, rng = np.array([[0.0], [1.0], [9.0], [10.0]]), np.random.default_rng(0)
    >>> farthest_first(rows, np.array([[0.5]]), rng=rng)
    {3: 9.5, 2: 1.0, 1: 0.5, 0: 0.5}
    """
    rank = rng.permutation(len(rows))
    far: dict[int, float] = {}
    left = np.ones(len(rows), np.bool_)
    apart = distances(rows, taken).min(axis=1) if len(taken) else np.full(len(rows), math.inf)
    middle = distances(rows, rows.mean(axis=0, keepdims=True))[:, 0]
    while left.any():
        score = -middle if math.isinf(apart[left].max()) else apart
        ties = np.flatnonzero(left & (score == score[left].max()))
        row = int(ties[rank[ties].argmin()])
        far[row] = float(apart[row])
        left[row] = False
        apart = np.minimum(apart, distances(rows, rows[row : row + 1])[:, 0])
    return far
