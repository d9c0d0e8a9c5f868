"""What a strategy is asked: which of some candidates to label under a budget, given what is known already."""

from __future__ import annotations

__all__ = ["Strategy", "Task"]

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.active.budget import Budget, Tariff
from workbench.active.measures import Known, Measures
from workbench.active.selection import Selection
from workbench.errors import CampaignError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """Candidates, and what they may cost.

    Raises
    ------
    CampaignError
        There is no candidate, the budget buys none, or candidates and labelled zones are measured otherwise.
    """

    candidates: Measures
    known: Known
    budget: Budget
    tariff: Tariff = field(default_factory=Tariff)
    seed: int = 0
    """Of whatever is left to chance."""

    def __post_init__(self) -> None:
        one, other = self.candidates, self.known.zones
        if one.classes != other.classes or one.features.shape[1:] != other.features.shape[1:]:
            raise CampaignError(
                "candidates and labelled zones are measured by other classes or features; measure both again"
            )
        if not len(one):
            raise CampaignError(
                "there is nothing to choose from: the pool has no candidate; add orthophotos of other "
                "ground: workbench pool add"
            )
        cheapest = int(self.costs.argmin())
        if self.costs[cheapest] > self.budget.limit:
            raise CampaignError(
                f"the budget of {self.budget.text()} buys no zone: the cheapest, {one.ids[cheapest]}, is "
                f"expected to cost {self.budget.said(float(self.costs[cheapest]))}; raise it, or propose "
                "smaller zones: --zone-size"
            )

    @property
    def costs(self) -> NDArray[np.float64]:
        """Shape (zone,). What each candidate is expected to cost, in the unit of the budget."""
        return self.budget.costs(self.candidates.picks, self.candidates.area, tariff=self.tariff)

    @property
    def rng(self) -> np.random.Generator:
        """Return a generator that starts anew from the seed."""
        return np.random.default_rng(self.seed)

    def doubt(self, strategy: str) -> NDArray[np.float64]:
        """Return the mean doubt of each candidate, shape (zone,), for a strategy that needs it.

        Raises
        ------
        CampaignError
            No model was asked.
        """
        if not self.candidates.doubtful.any():
            raise CampaignError(
                f"{strategy} goes by what a model doubts, and none was asked; give one with --model, or "
                "choose by stratified, k-centre or value"
            )
        return self.candidates.doubt


class Strategy(Protocol):
    """Chooses candidates; others than the workbench's come by the entry point ``workbench.strategies``."""

    def __call__(self, task: Task, /) -> Selection:
        """Choose candidates whose costs add up to the budget at most; the same task gives the same choice.

        Raises
        ------
        CampaignError
            The strategy needs what was not measured.
        """
