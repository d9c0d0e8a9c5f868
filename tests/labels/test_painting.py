"""Painting by runs is painting by masks, whatever the sequence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.geo.grid import Window
from workbench.labels.painting import TILE, fill, lift, paint, touched
from workbench.labels.runs import RunLengthMask

SHAPE = (9, 11)
Stroke = tuple[Window, NDArray[np.bool_]]


@st.composite
def strokes(draw: st.DrawFn, shape: tuple[int, int] = SHAPE) -> Stroke:
    row, col = draw(st.integers(0, shape[0] - 1)), draw(st.integers(0, shape[1] - 1))
    height, width = draw(st.integers(1, shape[0] - row)), draw(st.integers(1, shape[1] - col))
    density, seed = draw(st.sampled_from((1.0, 0.6, 0.1))), draw(st.integers(0, 999))
    window = Window(row=row, col=col, height=height, width=width)
    return window, np.random.default_rng(seed).random(window.shape) < density


def box_of(window: Window) -> NDArray[np.int32]:
    return np.array([window.row, window.col, window.row_stop, window.col_stop], np.int32)


class Canvas:
    def __init__(self, footprint: NDArray[np.bool_], order: list[int]) -> None:
        self.footprint, self.order = footprint, np.array(order, np.int64)
        self.values, self.last = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint32)
        self.counts = np.zeros(256, np.int64)
        self.counts[0] = footprint.sum()
        self.bare = np.array([[footprint.sum()]], np.int32)

    def paint(self, position: int, stroke: Stroke, value: int) -> None:
        window, mask = stroke
        runs = RunLengthMask.encode(mask, window).runs()
        paint(
            runs, box_of(window), self.footprint, self.order, position, value,
            self.values, self.last, self.counts,
        )  # fmt: skip

    def fill(self, position: int, stroke: Stroke, value: int) -> None:
        window, mask = stroke
        runs = RunLengthMask.encode(mask, window).runs()
        fill(
            runs, box_of(window), self.footprint, position, value,
            self.values, self.last, self.counts, self.bare,
        )  # fmt: skip


@settings(deadline=None)
@given(gestures=st.lists(strokes(), min_size=1, max_size=6), data=st.data())
def test_the_last_in_the_order_shows_in_whatever_sequence_ops_come(
    gestures: list[Stroke], data: st.DataObject
) -> None:
    footprint = np.random.default_rng(data.draw(st.integers(0, 99))).random(SHAPE) < 0.8
    order = data.draw(st.permutations(range(len(gestures))))
    canvas = Canvas(footprint, order)
    for position in data.draw(st.permutations(range(len(gestures)))):
        canvas.paint(position, gestures[position], 3 + position % 2)
    expected = np.zeros(SHAPE, np.uint32)
    for position in sorted(range(len(gestures)), key=order.__getitem__):
        window, mask = gestures[position]
        expected[window.slices][mask & footprint[window.slices]] = position + 1
    assert np.array_equal(canvas.last, expected)
    assert np.array_equal(canvas.values, np.where(expected > 0, 3 + (expected.astype(int) - 1) % 2, 0))
    assert np.array_equal(canvas.counts, np.bincount(canvas.values[footprint], minlength=256))
    filled = Canvas(footprint, order)
    for position in sorted(range(len(gestures)), key=order.__getitem__, reverse=True):
        filled.fill(position, gestures[position], 3 + position % 2)
    assert np.array_equal(filled.last, canvas.last)
    assert np.array_equal(filled.values, canvas.values)
    assert np.array_equal(filled.counts, canvas.counts)
    assert filled.bare[0, 0] == np.count_nonzero(footprint & (filled.last == 0))


@settings(deadline=None)
@given(below=strokes(), above=strokes())
def test_what_is_lifted_is_bare_and_nothing_else(below: Stroke, above: Stroke) -> None:
    canvas = Canvas(np.ones(SHAPE, np.bool_), [0, 1])
    canvas.paint(0, below, 3)
    canvas.paint(1, above, 4)
    shown, bare = canvas.last == 2, np.zeros((1, 1), np.int32)
    runs = RunLengthMask.encode(above[1], above[0]).runs()
    lift(runs, box_of(above[0]), 1, canvas.values, canvas.last, canvas.counts, bare)
    assert bare[0, 0] == shown.sum()
    assert not canvas.last[shown].any()
    assert not canvas.values[shown].any()
    assert np.array_equal(canvas.counts, np.bincount(canvas.values.ravel(), minlength=256))


@settings(deadline=None)
@given(stroke=strokes((3 * TILE + 5, 2 * TILE + 9)))
def test_touched_tiles_are_those_with_pixels(stroke: Stroke) -> None:
    window, mask = stroke
    whole = np.zeros((4 * TILE, 3 * TILE), np.bool_)
    whole[window.slices] = mask
    tiles = whole.reshape(4, TILE, 3, TILE).any(axis=(1, 3))
    found = touched(RunLengthMask.encode(mask, window).runs(), box_of(window), 3)
    assert found.tolist() == np.flatnonzero(tiles).tolist()


@pytest.mark.parametrize("row", [0, 70_000])
def test_masks_of_many_pixels_and_no_runs_of_their_own(row: int) -> None:
    window = Window(row=row, col=0, height=300, width=300)
    mask = np.zeros(window.shape, np.bool_)
    mask[299, 299] = True
    found = touched(RunLengthMask.encode(mask, window).runs(), box_of(window), 10)
    assert found.tolist() == [(row + 299) // TILE * 10 + 299 // TILE]
