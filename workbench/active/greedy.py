"""Choosing under a budget what is worth most together: greedily, with a bound on what that misses.

What zones are worth together is *submodular*: a zone adds less to many than to few. For such functions that
never fall, the better of two greedy selections, by gain and by gain per cost, is worth (1 − 1/e) / 2 of the
best at least (Leskovec et al., *Cost-effective outbreak detection in networks*, KDD 2007), and mostly far
more: how much, the gains that are left at the end tell for the case at hand (the same, section 3.2).
"""

from __future__ import annotations

__all__ = ["GUARANTEE", "Objective", "Taken", "best_within"]

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

GUARANTEE: Final = (1 - 1 / math.e) / 2
"""Share of the best that a greedy selection is worth at least."""


class Objective(Protocol):
    """What candidates are worth together, given those that were taken.

    It must be monotone and submodular: `gains` are never below 0, and never rise when another is taken.
    """

    def gains(self) -> NDArray[np.float64]:
        """Return what each candidate would add, shape (candidate,)."""

    def take(self, row: int) -> None:
        """Take a candidate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A greedy selection."""

    rows: tuple[int, ...]
    """In the order in which they were taken."""
    gains: tuple[float, ...]
    """What each added to those before it."""
    reached: float
    """Share of the best selection that it is worth at least, not below `GUARANTEE`."""

    @property
    def value(self) -> float:
        """What the selection is worth."""
        return math.fsum(self.gains)


def best_within(
    begin: Callable[[], Objective], costs: NDArray[np.float64], limit: float, *, order: NDArray[np.int64]
) -> Taken:
    """Return the better one of two greedy selections: by gain, and by gain per cost.

    Parameters
    ----------
    begin
        Returns the objective with nothing taken.
    costs
        Shape (candidate,), above 0.
    limit
        The most that they may cost together.
    order
        Shape (candidate,). Rank of each candidate where gains are equal; so a seed may decide.

    Notes
    -----
    O(candidates · taken) evaluations of `Objective.gains`, which are vectorised: pools have thousands of
    candidates, budgets buy dozens.
    """
    affordable = costs <= limit
    runs = [_greedy(begin(), costs, limit, order, by, affordable) for by in (costs, np.ones_like(costs))]
    (per_cost, _), (outright, _) = runs
    best = outright if math.fsum(outright.values()) > math.fsum(per_cost.values()) * (1 + 1e-12) else per_cost
    value, bound = math.fsum(best.values()), min(bound for _, bound in runs)
    reached = min(max(value / bound, GUARANTEE), 1.0) if bound > 0 else 1.0
    return Taken(rows=tuple(best), gains=tuple(best.values()), reached=reached)


def _greedy(
    objective: Objective,
    costs: NDArray[np.float64],
    limit: float,
    order: NDArray[np.int64],
    divisors: NDArray[np.float64],
    affordable: NDArray[np.bool_],
) -> tuple[dict[int, float], float]:
    """Return the gain of each candidate that was taken, in order, and a bound on any selection."""
    taken: dict[int, float] = {}
    room, bound = limit * (1 + 1e-9), math.inf
    free = affordable.copy()
    while True:
        gains = np.where(free, objective.gains(), 0.0)
        bound = min(bound, math.fsum(taken.values()) + _most(gains, costs, limit))
        fits = free & (costs <= room) & (gains > 0)
        if not fits.any():
            return taken, bound
        ratios = np.where(fits, gains / divisors, -np.inf)
        ties = np.flatnonzero(ratios >= ratios.max() * (1 - 1e-12))
        row = int(ties[order[ties].argmin()])
        taken[row] = float(gains[row])
        room -= float(costs[row])
        free[row] = False
        objective.take(row)


def _most(gains: NDArray[np.float64], costs: NDArray[np.float64], limit: float) -> float:
    """Return the most that any selection could add: the gains per cost, highest first, the last one in part.

    Gains only fall, so no selection adds more than the sum of those of its members.
    """
    best = np.argsort(-gains / costs, kind="stable")
    spent = np.cumsum(costs[best])
    whole = int(np.searchsorted(spent, limit, side="right"))
    total = float(gains[best[:whole]].sum())
    if whole < best.size:
        left = limit - (float(spent[whole - 1]) if whole else 0.0)
        total += float(gains[best[whole]]) * left / float(costs[best[whole]])
    return total
