"""Our strategy: what is worth most together for what it costs."""

from __future__ import annotations

__all__ = ["value"]

from workbench.active.greedy import best_within
from workbench.active.selection import Chosen, Selection
from workbench.active.task import Task
from workbench.active.worth import Weights, Worth

_WEIGHTS = Weights()


def value(task: Task) -> Selection:
    """Choose greedily what adds most for its cost, see `Worth`; how good that is at least is told.

    It does without a model: then zones are worth what they look like, where they lie and what an old map has
    of them.
    """
    costs = task.costs
    worth = Worth(task.candidates, task.known, weights=_WEIGHTS)
    taken = best_within(worth.copy, costs, task.budget.limit, order=task.rng.permutation(costs.size))
    for row in taken.rows:
        worth.take(row)
    chosen = (
        Chosen(row=row, score=gain / float(costs[row]), cost=float(costs[row]), reasons=reasons)
        for row, gain, reasons in zip(taken.rows, taken.gains, worth.reasons, strict=True)
    )
    return Selection(strategy="value", chosen=tuple(chosen), reached=taken.reached)
