"""Painting by runs is painting by masks, whatever the sequence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.geo.grid import Window
from workbench.labels.bare import BarePixels
from workbench.labels.painting import CELL, TILE, fill, lift, paint, touched
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


def spans_of(stroke: Stroke) -> NDArray[np.int32]:
    window, mask = stroke
    return RunLengthMask.encode(mask, window).spans()


class Canvas:
    def __init__(self, footprint: NDArray[np.bool_], order: list[int]) -> None:
        self.footprint, self.order = footprint, np.array(order, np.int64)
        self.values, self.last = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint32)
        self.counts = np.zeros(256, np.int64)
        self.counts[0] = footprint.sum()
        self.bare = BarePixels.everywhere(footprint)

    def paint(self, position: int, stroke: Stroke, value: int) -> None:
        paint(
            spans_of(stroke), self.footprint, self.order, position, value,
            self.values, self.last, self.counts,
        )  # fmt: skip

    def fill(self, position: int, stroke: Stroke, value: int) -> None:
        fill(
            spans_of(stroke), self.footprint, position, value,
            self.values, self.last, self.counts, self.bare.counts, self.bare.cells,
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
    check_bare(filled.bare, footprint & (filled.last == 0))


@settings(deadline=None)
@given(below=strokes(), above=strokes())
def test_what_is_lifted_is_bare_and_nothing_else(below: Stroke, above: Stroke) -> None:
    canvas = Canvas(np.ones(SHAPE, np.bool_), [0, 1])
    canvas.paint(0, below, 3)
    canvas.paint(1, above, 4)
    shown, bare = canvas.last == 2, BarePixels.nowhere(SHAPE)
    lift(spans_of(above), 1, canvas.values, canvas.last, canvas.counts, bare.counts, bare.cells)
    check_bare(bare, shown)
    assert not canvas.last[shown].any()
    assert not canvas.values[shown].any()
    assert np.array_equal(canvas.counts, np.bincount(canvas.values.ravel(), minlength=256))


LARGE = (3 * TILE + 5, 2 * TILE + 9)


@settings(deadline=None)
@given(stroke=strokes(LARGE))
def test_touched_tiles_and_cells_are_those_with_pixels(stroke: Stroke) -> None:
    window, mask = stroke
    whole = np.zeros(LARGE, np.bool_)
    whole[window.slices] = mask
    if not mask.any():
        assert not spans_of(stroke).size
        return
    tiles, cells = touched(spans_of(stroke), 3)
    assert tiles.tolist() == np.flatnonzero(by_tiles(whole).any(axis=2)).tolist()
    found = (cells[:, np.newaxis] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.array_equal(found, by_tiles(whole).reshape(12, 64)[tiles])


@settings(deadline=None)
@given(seed=st.integers(0, 999), share=st.sampled_from((0.0, 0.001, 0.7, 1.0)))
def test_bare_pixels_are_counted_where_they_are(seed: int, share: float) -> None:
    footprint = np.random.default_rng(seed).random(LARGE) < share
    check_bare(BarePixels.everywhere(footprint), footprint)
    check_bare(BarePixels.nowhere(LARGE), np.zeros(LARGE, np.bool_))


def by_tiles(pixels: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which cells have pixels, shape (tile row, tile col, cell of the tile)."""
    rows, cols = (-(-side // TILE) for side in pixels.shape)
    whole = np.zeros((rows * TILE, cols * TILE), np.bool_)
    whole[: pixels.shape[0], : pixels.shape[1]] = pixels
    side = TILE // CELL
    cells = whole.reshape(rows, side, CELL, cols, side, CELL).any(axis=(2, 5))
    return cells.swapaxes(1, 2).reshape(rows, cols, side * side)


def check_bare(bare: BarePixels, pixels: NDArray[np.bool_]) -> None:
    """Bare pixels are those, in number and place."""
    assert bare.counts.sum() == pixels.sum()
    bits = (bare.cells[..., np.newaxis] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.array_equal(bits.astype(np.bool_), by_tiles(pixels))
    side = TILE // CELL
    counted = bare.counts.reshape(bits.shape[0], side, -1, side).swapaxes(1, 2).reshape(bits.shape)
    assert np.array_equal(counted > 0, by_tiles(pixels))


@settings(deadline=None)
@given(stroke=strokes())
def test_spans_are_the_pixels_of_a_mask(stroke: Stroke) -> None:
    window, mask = stroke
    whole, painted = np.zeros(SHAPE, np.int_), np.zeros(SHAPE, np.int_)
    whole[window.slices] = mask
    for row, col, stop in spans_of(stroke):
        assert col < stop
        painted[row, col:stop] += 1
    assert np.array_equal(painted, whole)


@pytest.mark.parametrize("row", [0, 70_000])
def test_masks_of_many_pixels_and_no_runs_of_their_own(row: int) -> None:
    window = Window(row=row, col=0, height=300, width=300)
    mask = np.zeros(window.shape, np.bool_)
    mask[299, 299] = True
    tiles, _ = touched(spans_of((window, mask)), 10)
    assert tiles.tolist() == [(row + 299) // TILE * 10 + 299 // TILE]
