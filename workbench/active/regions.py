"""Inside a zone: which pre-label to look at next, by the pixels that a pick there is expected to put right.

A pick costs the same on a speck as on a field, so pixels count. But on a field of which a tenth is doubtful
most pixels have the right class, and a pick puts nothing right: doubt counts more than once. How much more
is a matter of the model (``tests/benchmarks/next_region.py``): networks are wrong about whole regions, and
pixels times doubt, 1 − confidence, finds most there; where errors are noise that finds nothing, and its
fourth to sixth power most. The third puts more right than the least confidence first, after 20, 50 and 100
looks, with each model that was measured. A weight for classes that a model knows badly added nothing that
would be seen.
"""

from __future__ import annotations

__all__ = ["expected_wrong", "next_region", "value_per_pick"]

import numpy as np
from numpy.typing import NDArray


def expected_wrong(pixels: NDArray[np.int64], confidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return on how many pixels of each pre-label its class is expected to be wrong.

    Parameters
    ----------
    pixels
        Shape (region,).
    confidence
        Shape (region,). From 0 to 1, NaN where the model said none; so is what is returned.

    Examples
    --------
    >>> expected_wrong(np.array([40, 40_000]), np.array([0.25, 0.5])).tolist()
    [30.0, 20000.0]
    """
    return pixels * (1.0 - confidence)


def value_per_pick(pixels: NDArray[np.int64], confidence: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how many pixels of each pre-label a pick is expected to put right, pixels · (1 − confidence)³.

    Parameters are those of `expected_wrong`.

    Examples
    --------
    >>> value_per_pick(np.array([40, 40_000]), np.array([0.0, 0.5])).tolist()
    [40.0, 5000.0]
    """
    return pixels * (1.0 - confidence) ** 3


def next_region(
    pixels: NDArray[np.int64], confidence: NDArray[np.float64], *, seen: NDArray[np.bool_]
) -> int | None:
    """Return the pre-label in which a pick is worth most, of those that were not shown yet.

    Those of which the model said no confidence come last, the largest first. Ties go to the smaller number.

    Parameters
    ----------
    pixels, confidence
        As of `expected_wrong`; what has no pixels is not there.
    seen
        Shape (region,). What was shown already, and is passed over.

    Returns
    -------
    int or None
        None where nothing is left.

    Examples
    --------
    >>> pixels, confidence = np.array([40, 40_000, 7]), np.array([0.31, 0.35, np.nan])
    >>> next_region(pixels, confidence, seen=np.array([False, False, False]))
    1
    """
    left = np.flatnonzero((pixels > 0) & ~seen)
    if not left.size:
        return None
    here, value = pixels[left], value_per_pick(pixels[left], confidence[left])
    unsaid = np.isnan(value)
    order = np.lexsort((left, -np.where(unsaid, here, 0), -np.where(unsaid, -1.0, value)))
    return int(left[order[0]])
