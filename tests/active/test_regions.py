"""Where a pick in a zone is worth most: fields before specks, what is not said last, and nothing twice."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workbench.active.regions import expected_wrong, next_region, value_per_pick

confidences = st.one_of(st.just(np.nan), st.sampled_from((0.0, 0.31, 0.35, 0.9, 1.0)))
regions = st.lists(st.tuples(st.integers(0, 50_000), confidences), min_size=1, max_size=30)


def walk(pixels: np.ndarray, confidence: np.ndarray) -> list[int]:
    """Walk until nothing is left."""
    seen, found = np.zeros(pixels.size, np.bool_), list[int]()
    while (one := next_region(pixels, confidence, seen=seen)) is not None:
        seen[one] = True
        found.append(one)
    return found


def arrays(given_regions: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
    pixels, confidence = zip(*given_regions, strict=True)
    return np.array(pixels, np.int64), np.array(confidence, np.float64)


@given(regions)
def test_each_that_is_there_is_shown_once_the_most_valuable_first(given_regions):
    pixels, confidence = arrays(given_regions)
    order = walk(pixels, confidence)
    assert sorted(order) == np.flatnonzero(pixels).tolist()
    keys = [
        (
            np.isnan(confidence[one]),
            -pixels[one] if np.isnan(confidence[one]) else -value(pixels, confidence, one),
            one,
        )
        for one in order
    ]
    assert keys == sorted(keys)


def value(pixels: np.ndarray, confidence: np.ndarray, one: int) -> float:
    """Add a pick's worth up pixel by pixel: wrong, by the chance that the most are."""
    doubt = 1 - confidence[one]
    return float(pixels[one] * doubt * doubt * doubt)


def test_a_field_comes_before_a_speck_of_which_the_model_is_hardly_less_sure():
    assert walk(*arrays([(40, 0.31), (40_000, 0.35)])) == [1, 0]


def test_a_field_of_which_the_model_is_all_but_sure_comes_after_a_doubtful_plot():
    assert walk(*arrays([(40_000, 0.9), (400, 0.31)])) == [1, 0]


def test_without_confidences_the_largest_comes_first():
    assert walk(*arrays([(7, np.nan), (70, np.nan), (7, np.nan), (0, np.nan)])) == [1, 0, 2]


def test_what_is_settled_while_somebody_walks_is_passed_over_and_what_comes_back_is_shown():
    pixels, confidence = arrays([(100, 0.5), (90, 0.5), (80, 0.5)])
    seen = np.zeros(3, np.bool_)
    seen[next_region(pixels, confidence, seen=seen)] = True
    settled = np.array([0, 0, 80])
    assert next_region(settled, confidence, seen=seen) == 2
    assert next_region(pixels, confidence, seen=seen) == 1


@given(regions)
def test_a_surer_model_expects_less_to_be_wrong_and_a_pick_never_more_than_that(given_regions):
    pixels, confidence = arrays(given_regions)
    wrong, worth = expected_wrong(pixels, confidence), value_per_pick(pixels, confidence)
    said = ~np.isnan(confidence)
    assert (worth[said] <= wrong[said]).all()
    assert (wrong[said] <= pixels[said]).all()
    assert np.isnan(wrong[~said]).all()
    assert np.isnan(worth[~said]).all()
    surer = np.minimum(confidence + 0.05, 1)
    assert (value_per_pick(pixels, surer)[said] <= worth[said]).all()
