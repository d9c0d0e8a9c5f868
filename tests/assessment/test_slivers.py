from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage
from skimage.measure import label

from workbench.assessment.findings import Finding, Limits
from workbench.assessment.slivers import find_slivers, small_patches

ALL = np.ones((120, 120), np.bool_)


def found(codes: NDArray[np.uint8], footprint: NDArray[np.bool_] = ALL) -> list[Finding]:
    return list(find_slivers(np.where(footprint, codes, 0).astype(np.uint8), footprint, Limits()))


def halves() -> NDArray[np.uint8]:
    codes = np.full((120, 120), 10, np.uint8)
    codes[:, 60:] = 3
    return codes


@settings(max_examples=60)
@given(seed=st.integers(0, 9999), classes=st.integers(2, 4), fewest=st.integers(1, 12))
def test_small_patches_are_those_of_a_labelling_that_do_not_touch_outside(
    seed: int, classes: int, fewest: int
) -> None:
    rng = np.random.default_rng(seed)
    codes = np.kron(rng.integers(0, classes, (7, 9)), np.ones((2, 2))).astype(np.uint8)
    codes[rng.random(codes.shape) < 0.1] = 1
    padded = np.pad(codes, 1)
    numbers = label(padded, background=0, connectivity=2)
    beside = np.unique(numbers[ndimage.binary_dilation(padded == 0, np.ones((3, 3)))])
    expected = (np.bincount(numbers.ravel()) < fewest)[numbers] & ~np.isin(numbers, beside)
    assert np.array_equal(small_patches(codes, fewest), expected[1:-1, 1:-1])


def test_a_border_between_two_classes_is_no_sliver() -> None:
    assert found(halves()) == []


def test_a_strip_of_two_pixels_along_a_border_is_found_once() -> None:
    codes = halves()
    codes[20:70, 60:62] = 2
    (strip,) = found(codes)
    assert (strip.kind, strip.code, strip.pixels, strip.window.shape) == ("sliver", 2, 100, (50, 2))
    assert strip.measured == 2.0
    assert strip.contains(strip.row, strip.col)
    assert strip.contains(20, 60)
    assert not strip.contains(20, 62)


def test_a_slanting_strip_is_as_thin_as_a_straight_one() -> None:
    codes = halves()
    for row in range(20, 70):
        codes[row, 10 + row // 2 : 12 + row // 2] = 5
    (strip,) = found(codes)
    assert strip.pixels == 100


def test_strips_of_two_classes_that_touch_are_two() -> None:
    codes = halves()
    codes[20:70, 60:62] = 2
    codes[20:70, 62:64] = 4
    assert sorted(one.code for one in found(codes)) == [2, 4]


def test_what_is_as_wide_as_a_photo_interpreter_draws_is_none() -> None:
    codes = halves()
    codes[20:70, 60:63] = 2
    codes[80:87, 20:26] = 5
    assert found(codes) == []


def test_a_tiny_patch_is_found_however_compact() -> None:
    codes = halves()
    codes[80:86, 20:26] = 5
    codes[100, 100] = 7
    assert [(one.code, one.pixels) for one in found(codes)] == [(5, 36), (7, 1)]


def test_the_footprint_cuts_without_making_slivers() -> None:
    codes = halves()
    codes[:, 58:60] = 2  # two pixels of it are left of an L-shaped zone
    codes[57:60, :3] = 5
    footprint = ALL.copy()
    footprint[60:, 60:] = False
    assert [one.window.row_stop for one in found(codes)] == [120]
    codes[:60, 58:60] = 10
    assert found(codes, footprint) == [], "along the border two pixels may be all there is"


def test_unlabelled_pixels_are_no_sliver_but_part_what_is_labelled() -> None:
    codes = halves()
    codes[20:70, 30:32] = 0
    assert found(codes) == []
    codes[20:70, 32:34] = 5
    assert [one.code for one in found(codes)] == [5]
