"""The scripted annotator: how many picks a zone costs it, from nothing or after pre-labels.

It knows the truth, and paints the fewest nested regions that get `ACCURACY` of a zone right
(`workbench.segmentation.picks`, exact). Where regions straddle classes too much for that, it goes as far as
they allow.
"""

from __future__ import annotations

__all__ = [
    "ACCURACY",
    "OPENING",
    "PRICE",
    "explained",
    "mass_of",
    "picks_from_nothing",
    "picks_left",
    "reachable",
]

import numpy as np
from numpy.typing import NDArray
from zone_tables import ZoneTable

from workbench.segmentation.explaining import Explanation, explain
from workbench.segmentation.picks import cheapest_painting, pick_tree

ACCURACY = 0.95
"""Share of a zone's pixels to get right."""
OPENING = 5
"""Picks that it costs to open a zone, whatever is in it."""
PRICE = 30.0
"""Pixels that a region of pre-labels must explain: what ``workbench prelabel`` takes."""


def picks_from_nothing(table: ZoneTable) -> int:
    """Return the picks that label a zone of which nothing is known."""
    return _picks(table, None)


def picks_left(table: ZoneTable, proba: NDArray[np.floating]) -> int:
    """Return the picks left once a prediction's explanation was accepted; never more than from nothing.

    Parameters
    ----------
    table
        The zone.
    proba
        Shape (region, class). What a head says of each region; rows sum to 1.
    """
    found, present = explained(table, proba)
    proposed = present[found.column][found.region]
    right = table.counts[np.arange(table.s.size), proposed]
    return min(_picks(table, None), _picks(table, right))


def reachable(table: ZoneTable) -> float:
    """Return the share of a zone's pixels that picks can get right at most."""
    return float(table.counts.max(axis=1).sum() / table.counts.sum())


def explained(table: ZoneTable, proba: NDArray[np.floating]) -> tuple[Explanation, NDArray[np.intp]]:
    """Return the regions that ``workbench prelabel`` would propose, and the class of each column."""
    mass = mass_of(table, proba)
    present = np.flatnonzero(mass.any(axis=0))
    return explain(table.s, np.ascontiguousarray(mass[:, present]), price=PRICE), present


def mass_of(table: ZoneTable, proba: NDArray[np.floating]) -> NDArray[np.int64]:
    """Return what is said of each region, shape (region, class), as `gather_mass` has it of pixels.

    A pixel weighs what it weighs there: the probability of its most likely class.
    """
    mass = np.zeros(proba.shape, np.int64)
    weight = np.maximum(np.rint(255 * proba.max(axis=1)), 1).astype(np.int64)
    mass[np.arange(table.s.size), proba.argmax(axis=1)] = table.area * weight
    return mass


def _picks(table: ZoneTable, right: NDArray[np.int64] | None) -> int:
    present = np.ascontiguousarray(table.counts[:, table.counts.any(axis=0)])
    pixels = int(table.counts.sum())
    least = pixels - int(table.counts.max(axis=1).sum())
    most_errors = max(int((1 - ACCURACY) * pixels + 1e-6), least)
    painting = cheapest_painting(pick_tree(table.s, present, right), most_errors)
    assert painting is not None, "no picks reach what regions allow"
    return painting.picks
