"""How many picks a zone will take: read off its hierarchy and off what a model says of its pixels."""

from __future__ import annotations

__all__ = ["UNTOLD", "expected_picks"]

from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.segmentation.cuts import NODATA_LEAF
from workbench.segmentation.explaining import PRICE, explain, gather_mass
from workbench.segmentation.hierarchy import Hierarchy

UNTOLD: Final = 27.0 / 512**2
"""Picks of a pixel of which nobody says anything: the median of 30 synthetic scenes, by the scripted
annotator from nothing to 95 %; a quarter of them take half as many, a quarter twice."""


def expected_picks(
    hierarchy: Hierarchy,
    codes: NDArray[np.uint8],
    sure: NDArray[np.uint8],
    *,
    accuracy: float = 0.95,
) -> float:
    """Return how many picks are left to an accuracy once the pre-labels of a prediction are accepted.

    The prediction is explained by regions, as pre-labels are. Of each it is expected that as many pixels are
    wrong as the prediction says; those in which most are wrong are mended first, one pick each, until no more
    is expected to be wrong than may be. Where nothing is predicted, picks are counted by the area.

    Parameters
    ----------
    hierarchy
        Of the zone.
    codes, sure
        Shape (row, col). Predicted class, 0 where nothing is said, and its probability, 0 to 255.
    accuracy
        Share of the pixels to get right.

    Notes
    -----
    Over scenes, its rank correlation with the picks of the scripted annotator is measured by
    ``tests/benchmarks/expected_picks.py``. It ranks zones; picks in a number depend on who labels.
    """
    usable = hierarchy.leaves != NODATA_LEAF
    known = usable & (codes > 0)
    untold = UNTOLD * (np.count_nonzero(usable) - np.count_nonzero(known))
    if not known.any():
        return float(untold)
    _, mass = gather_mass(hierarchy.leaves, codes, sure, leaf_count=hierarchy.leaf_count)
    pixels = np.bincount(hierarchy.leaves[known], minlength=hierarchy.leaf_count)
    found = explain(hierarchy.s, mass, price=PRICE)
    right = np.array(
        [
            mass[first:stop, column].sum()
            for first, stop, column in zip(found.first, found.stop, found.column, strict=True)
        ]
    )
    size = np.add.reduceat(np.append(pixels, 0), np.column_stack([found.first, found.stop]).reshape(-1))[::2]
    wrong = np.sort(size - right / 255)[::-1]
    left = wrong.sum() - np.cumsum(wrong)
    needed = np.searchsorted(-left, -(1 - accuracy) * size.sum())
    mended = 0 if wrong.sum() <= (1 - accuracy) * size.sum() else int(needed) + 1
    return float(untold + mended)
