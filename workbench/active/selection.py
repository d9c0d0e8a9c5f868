"""Which zones a strategy chose, for what they cost, and why."""

from __future__ import annotations

__all__ = ["Chosen", "Reason", "Selection", "affordable"]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A part of why a zone was chosen."""

    kind: str
    """``uncertain``, ``weak``, ``rare``, ``uncovered``, ``domain``, ``cheap`` or ``drawn``."""
    share: float
    """Of all reasons for this zone, 0 to 1."""
    told: str
    """In a few words, such as ``brushwood and clear_cut, 31 % of it doubtful``."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {"kind": self.kind, "share": round(self.share, 4), "told": self.told}

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the reason of its JSON view."""
        return cls(kind=str(document["kind"]), share=float(document["share"]), told=str(document["told"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One zone of a selection."""

    row: int
    """Of the candidates."""
    score: float
    """What it adds to those before it, for its cost."""
    cost: float
    """In the unit of the budget."""
    reasons: tuple[Reason, ...]
    """The largest share first; shares add up to 1."""
    inclusion: float | None = None
    """Probability that it was chosen; None where that is no matter of chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a strategy chose under a budget, in its order."""

    strategy: str
    chosen: tuple[Chosen, ...]
    reached: float | None = None
    """What the selection is worth at least, as a share of the best that any selection under the budget could
    be; None where a strategy maximises nothing."""

    @property
    def rows(self) -> list[int]:
        """The candidates that were chosen."""
        return [one.row for one in self.chosen]

    @property
    def cost(self) -> float:
        """Of all of them, in the unit of the budget."""
        return float(sum(one.cost for one in self.chosen))


def affordable(order: Iterable[int], costs: NDArray[np.float64], limit: float) -> list[int]:
    """Return, of candidates in order of preference, each that still fits into what the others leave.

    Examples
    --------
    >>> affordable([2, 0, 1], np.array([5.0, 2.0, 4.0]), 6.5)
    [2, 1]
    """
    taken, left, each = [], limit * (1 + 1e-9), costs.tolist()
    cheapest = min(each)
    for row in order:
        if each[row] <= left:
            taken.append(row)
            left -= each[row]
            if left < cheapest:
                break
    return taken
