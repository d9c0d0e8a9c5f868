"""What a learning curve is worth, and how sure a paired difference is."""

from __future__ import annotations

__all__ = ["Interval", "area_under", "bootstrap", "level_at", "picks_to"]

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_RESAMPLES = 10_000


class Interval(NamedTuple):
    """A mean and its bootstrap 95 % interval."""

    mean: float
    low: float
    high: float


def level_at(picks: Sequence[float], values: Sequence[float], at: float) -> float:
    """Return a curve's value after so many picks: straight between points, level after the last.

    >>> level_at([0, 10, 30], [0.2, 0.4, 0.6], 20)
    0.5
    """
    return float(np.interp(at, picks, values))


def area_under(picks: Sequence[float], values: Sequence[float], budget: float) -> float:
    """Return the mean height of a curve from no picks to the budget, by trapezoids.

    The last round may go beyond the budget: the curve is cut there. A curve that ends before stays level.

    >>> area_under([0, 10, 30], [0.0, 1.0, 1.0], 20)
    0.75
    """
    inside = [at for at in picks if at < budget]
    at = np.array([*inside, budget])
    return float(np.trapezoid(np.interp(at, picks, values), at) / budget)


def picks_to(picks: Sequence[float], values: Sequence[float], level: float) -> float | None:
    """Return after how many picks a curve is first as high as a level, None if it never is.

    >>> picks_to([0, 10, 30], [0.2, 0.4, 0.6], 0.5), picks_to([0, 10], [0.2, 0.4], 0.5)
    (20.0, None)
    """
    for place, value in enumerate(values):
        if value >= level:
            if place == 0:
                return float(picks[0])
            before = values[place - 1]
            share = (level - before) / (value - before)
            return float(picks[place - 1] + share * (picks[place] - picks[place - 1]))
    return None


def bootstrap(differences: Sequence[float], *, seed: int = 0) -> Interval:
    """Return the mean of paired differences and the percentile interval of means of resamples of them."""
    found = np.asarray(differences, float)
    drawn = np.random.default_rng(seed).integers(found.size, size=(_RESAMPLES, found.size))
    low, high = np.percentile(found[drawn].mean(axis=1), [2.5, 97.5])
    return Interval(float(found.mean()), float(low), float(high))
