"""How many picks a zone will take: read off its hierarchy and off what a model says of its pixels.

Picks are those of the scripted annotator, the fewest nested ones that get `ACCURACY` of the pixels right.
They cannot be expected from probabilities alone: on unknown ground a model is as sure as on known ground, and
wrong. So three things are counted, by the area; none of them depends on the unit of the altitudes.

*Doubts*: regions that the prediction is explained by and that must be mended, the most doubtful first, until
no more is expected to be wrong than may be; and what its regions contradict of the prediction, details that
it sees and that are too small to be regions. *Pieces*: regions of a fine cut that are no specks, many in
towns and few in fields, whatever a model says. *Objects*: large regions of a cut that is coarse beside the
zone's fine detail.

Doubts² · pieces³ is what is expected after pre-labels, objects² from nothing. Powers are the whole numbers
next to those of a regression of log(1 + picks), the factors its result: fitted on 75 made scenes (seeds 7,000
to 7,074), by the shipped network as they are and under two shifts of colours, and on 96 more (seeds from
7,500,000) by linear heads that learned from 4 to 40 of them. ``tests/benchmarks/expected_picks.py`` measures
on other scenes how well zones are ranked. Picks in a number depend on who labels, and on the ground: on three
real FLAIR patches, whose masks are coarse, it is 10 times as many from nothing as they take.
"""

from __future__ import annotations

__all__ = ["ACCURACY", "expected_from_nothing", "expected_left", "expected_picks"]

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.segmentation.cuts import NODATA_LEAF
from workbench.segmentation.explaining import UNEXPLAINED, explain, gather_mass
from workbench.segmentation.hierarchy import Hierarchy

ACCURACY: Final = 0.95
"""Share of the pixels to get right."""
_AREA: Final = 1024**2
"""Pixels that counts are of."""
_DOUBTED: Final = 150.0
"""Pixels that a region must explain to be doubted: smaller ones are seldom mended for `ACCURACY`."""
_CONTRADICTED: Final = 2000.0
"""Contradicted pixels that count as a region to mend."""
_PIECES: Final = 700
"""Regions by area of the cut that pieces are of."""
_SPECK: Final = 300
"""Pixels of the smallest piece: 12 m² at 20 cm."""
_DETAILS: Final = 3000
"""Regions by area of the cut that is the zone's fine detail."""
_COARSER: Final = 8.0
"""The scale of the cut that objects are of, in scales of the fine detail."""
_OBJECT: Final = 1000
"""Pixels of the smallest object: 40 m² at 20 cm."""


def expected_picks(hierarchy: Hierarchy, codes: NDArray[np.uint8], sure: NDArray[np.uint8]) -> float:
    """Return how many picks are left to `ACCURACY` once the pre-labels of a prediction are accepted.

    Where nothing is predicted they are counted from nothing.

    Parameters
    ----------
    hierarchy
        Of the zone.
    codes, sure
        Shape (row, col). Predicted class, 0 where nothing is said, and its probability, 0 to 255.
    """
    leaves, usable = hierarchy.leaves, hierarchy.leaves != NODATA_LEAF
    pixels, told = (
        np.bincount(leaves[there], minlength=hierarchy.leaf_count) for there in (usable, usable & (codes > 0))
    )
    _, mass = gather_mass(leaves, codes, sure, leaf_count=hierarchy.leaf_count)
    untold = 1 - told.sum() / max(pixels.sum(), 1)
    left = expected_left(hierarchy.s, mass, pixels, told=told)
    return float(left + untold * expected_from_nothing(hierarchy.s, pixels))


def expected_left(
    s: NDArray[np.float32],
    mass: NDArray[np.int64],
    pixels: NDArray[np.int64],
    *,
    told: NDArray[np.int64] | None = None,
) -> float:
    """Return how many picks are left to `ACCURACY` after pre-labels: no more than from nothing.

    Parameters
    ----------
    s
        Shape (leaf,). Altitude of the lowest common ancestor of leaves j − 1 and j; inf at 0.
    mass
        Shape (leaf, class), as `workbench.segmentation.explaining.gather_mass` gives it.
    pixels
        Shape (leaf,).
    told
        Shape (leaf,). Pixels of which a class is predicted, which alone are counted; default all.
    """
    told = pixels if told is None else told
    area = told.sum() / _AREA
    if not area:
        return 0.0
    whole = pixels.sum() / _AREA
    doubts = _doubts(s, mass, told) / area
    pieces = _regions(s, pixels, _scale_of(s, _PIECES * whole), _SPECK) / whole
    found = area * (doubts / 11) ** 2 * (pieces / 400) ** 3
    return float(min(found, area / whole * expected_from_nothing(s, pixels)))


def expected_from_nothing(s: NDArray[np.float32], pixels: NDArray[np.int64]) -> float:
    """Return how many picks it takes to `ACCURACY` where nobody says anything.

    Parameters are those of `expected_left`.
    """
    area = pixels.sum() / _AREA
    if not area:
        return 0.0
    objects = _regions(s, pixels, _COARSER * _scale_of(s, _DETAILS * area), _OBJECT) / area
    return float(area * (objects / 10.5) ** 2)


def _doubts(s: NDArray[np.float32], mass: NDArray[np.int64], pixels: NDArray[np.int64]) -> float:
    """Return how many regions must be mended, the most doubtful first, and what they contradict."""
    found = explain(s, mass, price=_DOUBTED)
    leaf = np.flatnonzero(found.region != UNEXPLAINED)
    region = found.region[leaf]
    right = np.bincount(region, mass[leaf, found.column[region]], found.count) / 255
    wrong = np.sort(np.bincount(region, pixels[leaf], found.count) - right)[::-1]
    too_many = wrong.sum() - (1 - ACCURACY) * pixels.sum()
    mended = np.interp(too_many, np.append(0, np.cumsum(wrong)), np.arange(found.count + 1))
    return float(mended + found.contradicted / _CONTRADICTED)


def _scale_of(s: NDArray[np.float32], count: float) -> float:
    """Return the scale of the finest cut of at most so many regions; 0 where there are no more leaves."""
    most = max(1, int(count))
    return float(np.partition(s, s.size - most - 1)[s.size - most - 1]) if most < s.size else 0.0


def _regions(s: NDArray[np.float32], pixels: NDArray[Any], scale: float, least: int) -> int:
    """Count the regions of a cut that have so many pixels at least."""
    first = np.flatnonzero((s > scale) | np.isinf(s))
    return int(np.count_nonzero(np.add.reduceat(pixels, first) >= least))
