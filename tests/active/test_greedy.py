"""Greedy choice against the best there is, found by trying all."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.active.greedy import GUARANTEE, best_within


class Coverage:
    """Weighted coverage: what a candidate adds is what nobody covers yet."""

    def __init__(self, covers: np.ndarray, weights: np.ndarray) -> None:
        self.covers, self.weights = covers, weights
        self.left = np.ones(weights.size, bool)

    def gains(self) -> np.ndarray:
        return self.covers @ (self.weights * self.left)

    def take(self, row: int) -> None:
        self.left &= ~self.covers[row]


def best_of_all(covers: np.ndarray, weights: np.ndarray, costs: np.ndarray, limit: float) -> float:
    rows = range(len(costs))
    return max(
        (
            weights @ covers[list(some)].any(axis=0)
            for size in range(len(costs) + 1)
            for some in combinations(rows, size)
            if costs[list(some)].sum() <= limit
        ),
        default=0.0,
    )


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), limit=st.floats(0.5, 6))
def test_it_keeps_its_guarantee_and_its_bound_holds(seed, limit):
    rng = np.random.default_rng(seed)
    covers, weights = rng.random((8, 12)) < 0.3, rng.random(12)
    costs = rng.uniform(0.2, 3, 8)
    taken = best_within(lambda: Coverage(covers, weights), costs, limit, order=np.arange(8))
    best = best_of_all(covers, weights, costs, limit)
    assert costs[list(taken.rows)].sum() <= limit * (1 + 1e-6)
    assert taken.value == pytest.approx(weights @ covers[list(taken.rows)].any(axis=0))
    assert GUARANTEE <= taken.reached <= 1
    assert taken.value >= taken.reached * best - 1e-9


def test_a_cheap_trifle_does_not_keep_out_what_is_worth_the_whole_budget():
    covers, weights = np.eye(2, dtype=bool), np.array([2.0, 90.0])
    taken = best_within(lambda: Coverage(covers, weights), np.array([1.0, 100.0]), 100, order=np.arange(2))
    assert taken.rows == (1,)


def test_of_equal_gains_the_order_decides():
    covers, weights, costs = np.eye(3, dtype=bool), np.ones(3), np.ones(3)
    taken = best_within(lambda: Coverage(covers, weights), costs, 2, order=np.array([2, 0, 1]))
    assert taken.rows == (1, 2)


def test_where_all_fit_the_bound_is_sharp():
    covers, weights = np.eye(3, dtype=bool), np.array([3.0, 1.0, 2.0])
    taken = best_within(lambda: Coverage(covers, weights), np.ones(3), 3, order=np.arange(3))
    assert (taken.rows, taken.reached) == ((0, 2, 1), 1.0)


def test_what_adds_nothing_is_not_bought():
    covers = np.array([[True], [True]])
    taken = best_within(lambda: Coverage(covers, np.ones(1)), np.ones(2), 2, order=np.arange(2))
    assert taken.rows == (0,)
