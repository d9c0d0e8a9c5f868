"""Calibration: bins counted by hand, and against a slower definition."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.errors import EvaluationError
from workbench.evaluation import Calibration, Confusion, Tally
from workbench.nomenclature import load_nomenclature

CODES = {"a": 1, "b": 2, "c": 3}
LABELS = hnp.arrays(np.uint8, (6, 5), elements=st.integers(0, 3))
BYTES = hnp.arrays(np.uint8, (6, 5))


def of(truth, predicted, top) -> Calibration:
    return Calibration.of(
        np.array(truth, np.uint8), np.array(predicted, np.uint8), np.array(top, np.uint8), codes=CODES
    )


def test_a_model_that_says_half_and_is_right_half_the_time_has_no_error_to_speak_of() -> None:
    made = of([[1, 1, 1, 1]], [[1, 2, 1, 2]], [[128] * 4])
    assert made.accuracy == 0.5
    assert made.expected_error() == pytest.approx(128 / 255 - 0.5)


def test_a_sure_model_that_is_wrong_has_the_largest_error() -> None:
    assert of([[1, 1]], [[2, 2]], [[255, 255]]).expected_error() == 1


def test_the_error_is_averaged_over_pixels_not_over_bins() -> None:
    """Three pixels at 255, right; one at 51 (0.2), right too: the gap of 0.8 counts a quarter."""
    made = of([[1, 1, 1, 1]], [[1, 1, 1, 1]], [[255, 255, 255, 51]])
    assert made.expected_error() == pytest.approx(0.2)


def test_a_probability_on_an_edge_lies_in_the_bin_above_it() -> None:
    made = of([[1, 1, 1]], [[1, 1, 1]], [[51, 50, 255]])
    assert [one.pixels for one in made.bins(5)] == [1, 1, 0, 0, 1]
    assert math.isnan(made.bins(5)[2].accuracy)


@given(LABELS, LABELS, BYTES, st.integers(1, 30))
def test_bins_are_those_of_the_slow_definition(truth, predicted, top, count: int) -> None:
    made = of(truth, predicted, top)
    counted = (truth != 0) & (predicted != 0)
    place = np.minimum(top.astype(int) * count // 255, count - 1)
    error = 0.0
    for number, one in enumerate(made.bins(count)):
        inside = counted & (place == number)
        assert one.pixels == inside.sum()
        if inside.any():
            right, said = (truth == predicted)[inside].mean(), (top[inside] / 255).mean()
            assert one.accuracy == pytest.approx(right)
            assert one.confidence == pytest.approx(said)
            error += inside.sum() * abs(right - said)
    if counted.any():
        assert made.expected_error(count) == pytest.approx(error / counted.sum())
    else:
        assert math.isnan(made.expected_error(count))


@given(LABELS, LABELS, BYTES)
def test_parts_add_up(truth, predicted, top) -> None:
    whole = of(truth, predicted, top)
    parts = of(truth[:2], predicted[:2], top[:2]).plus(of(truth[2:], predicted[2:], top[2:]))
    assert np.array_equal(whole.pixels, parts.pixels)
    assert np.array_equal(whole.right, parts.right)


@given(LABELS, LABELS, BYTES)
def test_it_counts_the_pixels_of_the_matrix(truth, predicted, top) -> None:
    made, matrix = of(truth, predicted, top), Confusion.of(truth, predicted, codes=CODES)
    assert np.array_equal(made.pixels.sum(axis=1), matrix.counts.sum(axis=1))
    assert np.array_equal(made.right.sum(axis=1), np.diag(matrix.counts))
    assert np.array_equal(made.over(["b"]).pixels[0], made.pixels[1])


def test_what_cannot_be_is_refused() -> None:
    made = of([[1]], [[1]], [[9]])
    with pytest.raises(EvaluationError, match="bins"):
        made.bins(0)
    with pytest.raises(EvaluationError, match="do not add up"):
        made.plus(made.over(["a"]))
    with pytest.raises(EvaluationError, match="shape"):
        Calibration(keys=("a",), pixels=np.zeros((1, 3)), right=np.zeros((1, 3)))
    with pytest.raises(EvaluationError, match="more pixels are right than there are"):
        Calibration(keys=("a",), pixels=np.zeros((1, 256)), right=np.ones((1, 256)))
    with pytest.raises(EvaluationError, match="shape"):
        of([[1]], [[1]], [[9, 9]])


def test_a_tally_of_one_plane_has_no_calibration() -> None:
    flair, truth = load_nomenclature("flair-19"), np.ones((2, 2), np.uint8)
    bare, full = Tally.of(truth, truth[None], flair), Tally.of(truth, np.stack([truth, truth]), flair)
    assert bare.calibration is None
    assert Tally.total([bare, bare]).calibration is None
    assert Tally.total([full, full]).calibration.pixels.sum() == 8
    with pytest.raises(EvaluationError, match="some have none"):
        Tally.total([bare, full])
