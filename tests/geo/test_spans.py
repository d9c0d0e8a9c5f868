"""Spans are masks told otherwise: what is asked of them is what a mask would answer."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from workbench.geo.grid import Window
from workbench.geo.spans import bounds, kept, laid_over, mask_of, pixel_count, spans_of_mask

SHAPE = (7, 9)
WHOLE = Window(row=0, col=0, height=SHAPE[0], width=SHAPE[1])
MASKS = arrays(np.bool_, SHAPE)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    row, col = draw(st.integers(0, SHAPE[0] - 1)), draw(st.integers(0, SHAPE[1] - 1))
    height, width = draw(st.integers(1, SHAPE[0] - row)), draw(st.integers(1, SHAPE[1] - col))
    return Window(row=row, col=col, height=height, width=width)


def spans_of(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    return spans_of_mask(mask, WHOLE)


@given(mask=MASKS, window=windows())
def test_spans_are_the_pixels_of_a_mask(mask: NDArray[np.bool_], window: Window) -> None:
    spans = spans_of_mask(mask[window.slices], window)
    counted = np.zeros(SHAPE, np.int64)
    for row, col, stop in spans:
        assert col < stop
        counted[row, col:stop] += 1
    inside = np.zeros(SHAPE, np.bool_)
    inside[window.slices] = mask[window.slices]
    assert np.array_equal(counted, inside)
    assert pixel_count(spans) == inside.sum()
    assert np.array_equal(mask_of(spans, WHOLE), inside)
    assert np.array_equal(mask_of(spans_of(mask), window), mask[window.slices])


@given(mask=MASKS)
def test_spans_come_row_by_row_from_left_to_right_and_do_not_touch(mask: NDArray[np.bool_]) -> None:
    spans = spans_of(mask).tolist()
    assert spans == sorted(spans)
    for (row, _, stop), (next_row, col, _) in pairwise(spans):
        assert row < next_row or stop < col


@given(mask=MASKS.filter(np.any))
def test_bounds_are_the_smallest_window(mask: NDArray[np.bool_]) -> None:
    window = bounds(spans_of(mask))
    assert mask[window.slices].sum() == mask.sum()
    for edge in (0, -1):
        assert mask[window.slices][edge].any()
        assert mask[window.slices][:, edge].any()


@given(mask=MASKS, allowed=MASKS, window=windows())
def test_what_is_kept_is_allowed_or_outside_the_window(
    mask: NDArray[np.bool_], allowed: NDArray[np.bool_], window: Window
) -> None:
    spans, open_pixels = spans_of(mask), np.ones(SHAPE, np.bool_)
    open_pixels[window.slices] = allowed[window.slices]
    found = kept(spans, allowed[window.slices], window)
    assert np.array_equal(found, spans_of(mask & open_pixels))
    assert (found is spans) == np.array_equal(mask & open_pixels, mask)


@given(beneath=MASKS, cover=MASKS, shown=MASKS)
def test_what_lies_over_hides_and_shows(
    beneath: NDArray[np.bool_], cover: NDArray[np.bool_], shown: NDArray[np.bool_]
) -> None:
    found = laid_over(spans_of(beneath), spans_of(cover), spans_of(cover & shown))
    assert np.array_equal(found, spans_of((beneath & ~cover) | (cover & shown)))
