"""Learning curves and their paired differences, by hand."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

BENCHMARK = Path(__file__).resolve().parents[1] / "benchmarks" / "active_learning"


@pytest.fixture(scope="module")
def curves():
    """Import the benchmark's module as its scripts do: from its own folder."""
    sys.path.insert(0, str(BENCHMARK))
    try:
        yield importlib.import_module("curves")
    finally:
        sys.path.remove(str(BENCHMARK))


@pytest.mark.parametrize(
    ("picks", "values", "budget", "area"),
    [
        ([0, 10], [0.2, 0.4], 10, 0.3),
        ([0, 10], [0.2, 0.4], 5, 0.25),
        ([0, 10], [0.2, 0.4], 20, 0.35),
        ([0, 4, 12], [0.0, 0.8, 0.4], 8, (4 * 0.4 + 4 * 0.7) / 8),
        ([0], [0.5], 7, 0.5),
    ],
    ids=["to the end", "cut in a round", "level after the end", "a curve that falls", "no round"],
)
def test_the_area_is_the_mean_height_up_to_the_budget(curves, picks, values, budget, area):
    assert curves.area_under(picks, values, budget) == pytest.approx(area)


@pytest.mark.parametrize(
    ("level", "picks"), [(0.1, 0.0), (0.3, 5.0), (0.4, 10.0), (0.5, 25.0), (0.7, None)], ids=str
)
def test_picks_to_a_level_are_those_of_the_first_crossing(curves, level, picks):
    assert curves.picks_to([0, 10, 20, 30], [0.2, 0.4, 0.4, 0.6], level) == (
        None if picks is None else pytest.approx(picks)
    )


def test_a_curve_that_falls_again_has_reached_what_it_reached(curves):
    assert curves.picks_to([0, 10, 20], [0.2, 0.6, 0.3], 0.4) == pytest.approx(5)


def test_equal_differences_have_an_interval_of_no_width(curves):
    assert curves.bootstrap([0.25] * 20) == (0.25, 0.25, 0.25)


def test_the_interval_of_two_differences_spans_both(curves):
    """A quarter of the resamples are twice the one, a quarter twice the other."""
    assert curves.bootstrap([-1.0, 3.0]) == (1.0, -1.0, 3.0)


def test_the_interval_is_that_of_the_mean_of_many_differences(curves):
    """By the central limit theorem: 1.96 standard errors on both sides."""
    found = np.random.default_rng(5).normal(0.02, 0.05, 400)
    interval = curves.bootstrap(found)
    reach = 1.96 * found.std() / 20
    assert interval.mean == pytest.approx(found.mean())
    assert interval.low == pytest.approx(found.mean() - reach, abs=0.0005)
    assert interval.high == pytest.approx(found.mean() + reach, abs=0.0005)
