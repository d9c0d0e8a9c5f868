"""Disagreement on the map: each pixel in one place, the kinds of the figures, pairs and places by count."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from workbench.assessment.agreement import measure_agreement
from workbench.assessment.disagreement import BORDER, CLASS, disagreement_kinds, disagreements

WHOLE = np.ones((60, 80), np.bool_)


def labelled(seed: int) -> np.ndarray:
    """Large patches, some of them of no class."""
    rng = np.random.default_rng(seed)
    return np.kron(rng.integers(0, 5, (6, 8)), np.ones((10, 10))).astype(np.uint8)


def slow_kinds(first: np.ndarray, second: np.ndarray, footprint: np.ndarray, moved: int) -> np.ndarray:
    """The definition, pixel by pixel."""
    both = footprint & (first > 0) & (second > 0)
    kinds = np.zeros(first.shape, np.uint8)
    for row, col in np.argwhere(both & (first != second)):
        around = slice(max(0, row - moved), row + moved + 1), slice(max(0, col - moved), col + moved + 1)
        mine = (second[around] == first[row, col]) & both[around]
        theirs = (first[around] == second[row, col]) & both[around]
        kinds[row, col] = BORDER if mine.any() and theirs.any() else CLASS
    return kinds


@settings(max_examples=20)
@given(seed=st.integers(0, 99), shift=st.integers(0, 9), moved=st.integers(1, 6))
def test_each_pixel_is_of_the_kind_that_the_definition_says_and_in_one_place(
    seed: int, shift: int, moved: int
) -> None:
    first, second, footprint = labelled(seed), np.roll(labelled(seed), shift, axis=1), WHOLE.copy()
    second[30:40, 20:50] = 4
    footprint[:7, :9] = False
    kinds = disagreement_kinds(first, second, footprint, moved=moved)
    assert np.array_equal(kinds, slow_kinds(first, second, footprint, moved))
    covered = np.zeros(kinds.shape, np.uint8)
    for place in disagreements(kinds, first, second):
        mask = np.zeros(kinds.shape, np.bool_)
        mask[place.window.slices] = place.mask.decode()
        assert (kinds[mask] == place.kind).all()
        assert ndimage.label(mask, np.ones((3, 3)))[1] == 1
        assert place.pixels == mask.sum()
        assert mask[place.row, place.col]
        assert (first[place.row, place.col], second[place.row, place.col]) == place.classes
        covered += mask
    assert np.array_equal(covered, kinds > 0)


def test_the_map_has_the_kinds_that_the_figures_count() -> None:
    first, second = labelled(3), np.roll(labelled(3), 2, axis=1)
    second[10:30, 40:70] = 4
    figures = measure_agreement(first, second, WHOLE, rng=np.random.default_rng(0))
    kinds = disagreement_kinds(first, second, WHOLE)
    assert (kinds == BORDER).sum() == sum(pair.boundary for pair in figures.pairs) > 0
    assert (kinds == CLASS).sum() == sum(pair.label for pair in figures.pairs) > 0


def test_the_largest_come_first_and_small_ones_are_left_out() -> None:
    first, second = np.full((60, 80), 7, np.uint8), np.full((60, 80), 7, np.uint8)
    second[5:25, 5:25], second[40:44, 40:44], second[50, 70] = 3, 5, 2
    kinds = disagreement_kinds(first, second, WHOLE)
    found = disagreements(kinds, first, second)
    assert [(one.pixels, one.classes) for one in found] == [(400, (7, 3)), (16, (7, 5)), (1, (7, 2))]
    assert [one.pixels for one in disagreements(kinds, first, second, least=16)] == [400, 16]
    assert found[0].window.shape == (20, 20)
