"""Painting by spans and tiles is painting by masks, whatever the sequence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.geo.grid import Window
from workbench.geo.spans import spans_of_mask
from workbench.labels.covering import all_inside, shows_only, touched
from workbench.labels.ground import bare_everywhere, bare_in, bare_nowhere, ground_of, nothing_shown
from workbench.labels.lasts import last_in
from workbench.labels.painting import (
    CELL,
    TILE,
    Bare,
    Beneath,
    clear,
    fill,
    lift,
    paint,
)

SMALL, LARGE = (9, 11), (3 * TILE + 5, 2 * TILE + 9)
SHAPES = st.sampled_from((SMALL, LARGE))
NOTHING = Beneath(np.zeros(0, np.int32), np.zeros(0, np.uint32), np.zeros(0, np.uint32))
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
        self.given = np.array([3 + position % 2 for position in range(len(order))], np.uint8)
        self.beneath: dict[int, Beneath] = {}
        self.highest = -1

    @property
    def last(self) -> NDArray[np.uint32]:
        return last_in(self.shown, whole_of(self.ground.footprint.shape))

    def paint(self, position: int, stroke: Stroke) -> None:
        if self.highest < 0 or self.order[position] > self.order[self.highest]:
            self.highest = position
        self.beneath[position] = paint(
            spans_of(stroke),
            self.ground,
            self.order,
            position,
            self.given[position],
            self.highest,
            self.shown,
        )

    def fill(self, position: int, stroke: Stroke) -> None:
        fill(spans_of(stroke), self.ground, position, self.given[position], self.shown, self.bare)

    def lift(self, position: int, stroke: Stroke) -> Bare:
        bare = bare_nowhere(self.ground)
        beneath = self.beneath.pop(position)
        lift(spans_of(stroke), self.ground, position, self.given, beneath, self.shown, bare)
        return bare

    def check(self, expected: NDArray[np.uint32]) -> None:
        """The ops on the pixels are those, and all else follows from them."""
        assert np.array_equal(self.last, expected)
        given = np.concatenate([[0], self.given])[expected]
        assert np.array_equal(self.shown.values, given)
        assert np.array_equal(self.shown.counts, np.bincount(given[self.ground.footprint], minlength=256))


def painted(gestures: list[Stroke], positions: list[int], footprint: NDArray[np.bool_]) -> NDArray[np.uint32]:
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


@given(shape=SHAPES, seed=st.integers(0, 99), data=st.data())
def test_the_last_in_the_order_shows_in_whatever_sequence_ops_come(
    shape: tuple[int, int], seed: int, data: st.DataObject
) -> None:
    gestures = data.draw(st.lists(strokes(shape), min_size=1, max_size=6))
    footprint, order = footprint_of(shape, seed), data.draw(st.permutations(range(len(gestures))))
    canvas, places = Canvas(footprint, order), sorted(range(len(gestures)), key=order.__getitem__)
    expected = painted(gestures, places, footprint)
    for position in data.draw(st.permutations(places)):
        canvas.paint(position, gestures[position])
    canvas.check(expected)
    filled = Canvas(footprint, order)
    for position in reversed(places):
        filled.fill(position, gestures[position])
    filled.check(expected)
    check_bare(filled.bare, footprint & (expected == 0))


@settings(max_examples=200)
@given(shape=SHAPES, seed=st.integers(0, 99), data=st.data())
def test_ops_taken_away_and_put_back_leave_what_those_that_stand_leave(
    shape: tuple[int, int], seed: int, data: st.DataObject
) -> None:
    gestures = data.draw(st.lists(strokes(shape), min_size=1, max_size=5))
    footprint, order = footprint_of(shape, seed), data.draw(st.permutations(range(len(gestures))))
    canvas, standing = Canvas(footprint, order), set[int]()
    # Mostly the way undo and redo go: what was painted last is taken away first.
    steps = data.draw(st.lists(st.integers(0, len(gestures) - 1), min_size=4, max_size=16))
    for position in [*range(len(gestures)), *steps]:
        before = canvas.last
        if position in standing:
            standing.remove(position)
            if data.draw(st.booleans()):
                canvas.beneath[position] = NOTHING
            told = canvas.beneath[position].tiles.size > 0
            canvas.bare = canvas.lift(position, gestures[position])
            if not told:
                check_bare(canvas.bare, before == position + 1)
            for other in sorted(standing, key=order.__getitem__, reverse=True):
                canvas.fill(other, gestures[other])
            clear(canvas.shown, canvas.bare)
        else:
            standing.add(position)
            canvas.paint(position, gestures[position])
        left = sorted(standing, key=order.__getitem__)
        if left and canvas.order[canvas.highest] > order[left[-1]]:
            canvas.highest = left[-1]
        canvas.check(painted(gestures, left, footprint))


@given(below=strokes(LARGE), above=strokes(LARGE), asked=strokes(LARGE), seed=st.integers(0, 99))
def test_whether_pixels_have_a_value_and_are_inside_is_what_pixels_say(
    below: Stroke, above: Stroke, asked: Stroke, seed: int
) -> None:
    canvas = Canvas(footprint_of(LARGE, seed), [0, 1])
    canvas.paint(0, below)
    canvas.paint(1, above)
    window, mask = asked
    values = canvas.shown.values[window.slices][mask]
    for value in (0, 3, 4):
        assert (
            shows_only(spans_of(asked), value, canvas.shown.values, canvas.shown.tops)
            == (values == value).all()
        )
    inside = canvas.ground.footprint[window.slices][mask]
    assert all_inside(spans_of(asked), canvas.ground.footprint, canvas.ground.whole) == inside.all()


@given(stroke=strokes(LARGE))
def test_touched_tiles_and_cells_are_those_with_pixels(stroke: Stroke) -> None:
    window, mask = stroke
    whole = np.zeros(LARGE, np.bool_)
    whole[window.slices] = mask
    if not mask.any():
        assert not spans_of(stroke).size
        return
    tiles, cells, pixels = touched(spans_of(stroke), 3)
    assert tiles.tolist() == np.flatnonzero(by_tiles(whole).any(axis=2)).tolist()
    found = (cells[:, np.newaxis] >> np.arange(64, dtype=np.uint64)) & np.uint64(1)
    assert np.array_equal(found, by_tiles(whole).reshape(12, 64)[tiles])
    rows, cols = np.nonzero(whole)
    counted = np.bincount(rows // TILE * 3 + cols // TILE, minlength=12)
    assert np.array_equal(pixels, counted[tiles])


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
    tiles, *_ = touched(spans_of((window, mask)), 10)
    assert tiles.tolist() == [(row + 299) // TILE * 10 + 299 // TILE]
