"""Painting by spans and tiles is painting by masks, whatever the sequence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.geo.grid import Window
from workbench.geo.spans import spans_of_mask
from workbench.labels.ground import bare_everywhere, bare_in, bare_nowhere, ground_of, nothing_shown
from workbench.labels.lasts import last_in
from workbench.labels.painting import (
    CELL,
    TILE,
    Bare,
    all_inside,
    clear,
    fill,
    lift,
    paint,
    shows_only,
    touched,
)

SMALL, LARGE = (9, 11), (3 * TILE + 5, 2 * TILE + 9)
SHAPES = st.sampled_from((SMALL, LARGE))
Stroke = tuple[Window, NDArray[np.bool_]]


@st.composite
def strokes(draw: st.DrawFn, shape: tuple[int, int] = SMALL) -> Stroke:
    """Masks; in large zones mostly such as hold whole tiles, and their edges."""
    row, col = draw(st.integers(0, shape[0] - 1)), draw(st.integers(0, shape[1] - 1))
    height, width = draw(st.integers(1, shape[0] - row)), draw(st.integers(1, shape[1] - col))
    density, seed = draw(st.sampled_from((1.0, 1.0, 0.6, 0.1))), draw(st.integers(0, 999))
    window = Window(row=row, col=col, height=height, width=width)
    if draw(st.booleans()):
        window = Window(row=0, col=0, height=shape[0], width=shape[1])
    return window, np.random.default_rng(seed).random(window.shape) < density


def spans_of(stroke: Stroke) -> NDArray[np.int32]:
    window, mask = stroke
    return spans_of_mask(mask, window)


def whole_of(shape: tuple[int, int]) -> Window:
    return Window(row=0, col=0, height=shape[0], width=shape[1])


class Canvas:
    def __init__(self, footprint: NDArray[np.bool_], order: list[int]) -> None:
        self.ground, self.order = ground_of(footprint), np.array(order, np.int64)
        self.shown, self.bare = nothing_shown(self.ground), bare_everywhere(self.ground)
        self.highest = -1

    @property
    def last(self) -> NDArray[np.uint32]:
        return last_in(self.shown, whole_of(self.ground.footprint.shape))

    def paint(self, position: int, stroke: Stroke, value: int) -> None:
        if self.highest < 0 or self.order[position] > self.order[self.highest]:
            self.highest = position
        paint(spans_of(stroke), self.ground, self.order, position, value, self.highest, self.shown)

    def fill(self, position: int, stroke: Stroke, value: int) -> None:
        fill(spans_of(stroke), self.ground, position, value, self.shown, self.bare)

    def lift(self, position: int, stroke: Stroke) -> Bare:
        bare = bare_nowhere(self.ground)
        lift(spans_of(stroke), self.ground, position, 3 + position % 2, self.shown, bare)
        return bare

    def check(self, expected: NDArray[np.uint32], value: int = 3) -> None:
        """The ops on the pixels are those, and all else follows from them."""
        assert np.array_equal(self.last, expected)
        given = np.where(expected > 0, value + (expected.astype(int) - 1) % 2, 0)
        assert np.array_equal(self.shown.values, given)
        assert np.array_equal(
            self.shown.counts, np.bincount(given[self.ground.footprint], minlength=256)
        )


def painted(
    gestures: list[Stroke], positions: list[int], footprint: NDArray[np.bool_]
) -> NDArray[np.uint32]:
    """Paint ops one over the other, by masks."""
    last = np.zeros(footprint.shape, np.uint32)
    for position in positions:
        window, mask = gestures[position]
        last[window.slices][mask & footprint[window.slices]] = position + 1
    return last


def footprint_of(shape: tuple[int, int], seed: int) -> NDArray[np.bool_]:
    """All of a zone, most of its pixels, or all but a corner."""
    footprint = np.ones(shape, np.bool_)
    if seed % 3 == 1:
        footprint &= np.random.default_rng(seed).random(shape) < 0.8
    elif seed % 3 == 2:
        footprint[: seed % shape[0], : seed % shape[1]] = False
    return footprint


@settings(deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 99), data=st.data())
def test_the_last_in_the_order_shows_in_whatever_sequence_ops_come(
    shape: tuple[int, int], seed: int, data: st.DataObject
) -> None:
    gestures = data.draw(st.lists(strokes(shape), min_size=1, max_size=6))
    footprint, order = footprint_of(shape, seed), data.draw(st.permutations(range(len(gestures))))
    canvas, places = Canvas(footprint, order), sorted(range(len(gestures)), key=order.__getitem__)
    expected = painted(gestures, places, footprint)
    for position in data.draw(st.permutations(places)):
        canvas.paint(position, gestures[position], 3 + position % 2)
    canvas.check(expected)
    filled = Canvas(footprint, order)
    for position in reversed(places):
        filled.fill(position, gestures[position], 3 + position % 2)
    filled.check(expected)
    check_bare(filled.bare, footprint & (expected == 0))


@settings(deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 99), data=st.data())
def test_what_is_lifted_and_filled_again_is_as_if_it_had_not_been_painted(
    shape: tuple[int, int], seed: int, data: st.DataObject
) -> None:
    gestures = data.draw(st.lists(strokes(shape), min_size=1, max_size=5))
    footprint, places = footprint_of(shape, seed), list(range(len(gestures)))
    canvas = Canvas(footprint, places)
    for position in places:
        canvas.paint(position, gestures[position], 3 + position % 2)
    before = canvas.last
    lifted = data.draw(st.sampled_from(places))
    canvas.bare = canvas.lift(lifted, gestures[lifted])
    check_bare(canvas.bare, before == lifted + 1)
    left = [position for position in places if position != lifted]
    for position in reversed(left):
        canvas.fill(position, gestures[position], 3 + position % 2)
    clear(canvas.shown, canvas.bare)
    canvas.check(painted(gestures, left, footprint))
    canvas.paint(lifted, gestures[lifted], 3 + lifted % 2)
    canvas.check(before)


@settings(deadline=None)
@given(below=strokes(LARGE), above=strokes(LARGE), asked=strokes(LARGE), seed=st.integers(0, 99))
def test_whether_pixels_have_a_value_and_are_inside_is_what_pixels_say(
    below: Stroke, above: Stroke, asked: Stroke, seed: int
) -> None:
    canvas = Canvas(footprint_of(LARGE, seed), [0, 1])
    canvas.paint(0, below, 3)
    canvas.paint(1, above, 4)
    window, mask = asked
    values = canvas.shown.values[window.slices][mask]
    for value in (0, 3, 4):
        assert shows_only(spans_of(asked), value, canvas.shown) == (values == value).all()
    inside = canvas.ground.footprint[window.slices][mask]
    assert all_inside(spans_of(asked), canvas.ground) == inside.all()


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
    rng = np.random.default_rng(seed)
    footprint = rng.random(LARGE) < share
    ground, tiles = ground_of(footprint), rng.random((4, 3)) < 0.5
    check_bare(bare_everywhere(ground), footprint)
    check_bare(bare_nowhere(ground), np.zeros(LARGE, np.bool_))
    there = tiles.repeat(TILE, axis=0).repeat(TILE, axis=1)[: LARGE[0], : LARGE[1]]
    check_bare(bare_in(ground, tiles), footprint & there)
    lacking = by_tiles(~footprint).any(axis=2)
    assert np.array_equal(ground.whole, ~lacking)


def by_tiles(pixels: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which cells have pixels, shape (tile row, tile col, cell of the tile)."""
    rows, cols = (-(-side // TILE) for side in pixels.shape)
    whole = np.zeros((rows * TILE, cols * TILE), np.bool_)
    whole[: pixels.shape[0], : pixels.shape[1]] = pixels
    side = TILE // CELL
    cells = whole.reshape(rows, side, CELL, cols, side, CELL).any(axis=(2, 5))
    return cells.swapaxes(1, 2).reshape(rows, cols, side * side)


def check_bare(bare: Bare, pixels: NDArray[np.bool_]) -> None:
    """Bare pixels are those, in number and place."""
    assert bare.counts.sum() == pixels.sum()
    bits = (bare.cells[..., np.newaxis] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.array_equal(bits.astype(np.bool_), by_tiles(pixels))
    side = TILE // CELL
    counted = bare.counts.reshape(bits.shape[0], side, -1, side).swapaxes(1, 2).reshape(bits.shape)
    assert np.array_equal(counted > 0, by_tiles(pixels))


@pytest.mark.parametrize("row", [0, 70_000])
def test_masks_of_many_pixels_and_no_runs_of_their_own(row: int) -> None:
    window = Window(row=row, col=0, height=300, width=300)
    mask = np.zeros(window.shape, np.bool_)
    mask[299, 299] = True
    tiles, _ = touched(spans_of((window, mask)), 10)
    assert tiles.tolist() == [(row + 299) // TILE * 10 + 299 // TILE]
