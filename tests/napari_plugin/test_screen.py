"""From the zone's pixels to the screen's and back, each against a second, slower definition."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from napari_plugin.screen import HOVER, PENDING, RIM, View, hatched, lit, sampled
from workbench.geo.grid import Window

places = st.floats(-20_000, 20_000)
views = st.builds(
    View,
    left=st.floats(-30, 30),
    top=st.floats(-30, 30),
    pitch=st.floats(0.05, 9),
    width=st.integers(1, 25),
    height=st.integers(1, 25),
)
windows = st.builds(
    Window,
    row=st.integers(0, 40),
    col=st.integers(0, 40),
    height=st.integers(1, 30),
    width=st.integers(1, 30),
)


def screen_of(view: View) -> Window:
    return Window(row=0, col=0, height=view.height, width=view.width)


@given(view=views, row=places, col=places)
def test_to_the_screen_and_back_is_the_same_place(view: View, row: float, col: float) -> None:
    spot = view.spot(*view.point(row, col))
    assert spot.row == pytest.approx(row, abs=1e-7)
    assert spot.col == pytest.approx(col, abs=1e-7)


@given(
    y=st.floats(-5000, 5000),
    x=st.floats(-5000, 5000),
    zoom=st.floats(0.1, 200),
    width=st.integers(1, 3000),
    height=st.integers(1, 2000),
    resolution=st.floats(0.05, 5),
)
def test_a_camera_looks_at_its_centre_and_a_metre_is_as_long_as_its_zoom(
    y: float, x: float, zoom: float, width: int, height: int, resolution: float
) -> None:
    view = View.of((y, x), zoom, (height, width), resolution)
    middle = view.point(y / resolution, x / resolution)
    assert middle == pytest.approx((width / 2, height / 2), abs=1e-4)
    beside = view.point((y + 1) / resolution, (x + 1) / resolution)
    assert np.subtract(beside, middle) == pytest.approx((zoom, zoom), rel=1e-6, abs=1e-4)


@given(view=views)
def test_a_pixel_of_the_screen_shows_what_a_click_on_its_centre_takes(view: View) -> None:
    box = screen_of(view)
    clicked = [[view.spot(x + 0.5, y + 0.5).pixel for x in range(box.width)] for y in range(box.height)]
    rows, cols = np.meshgrid(view.rows(box), view.cols(box), indexing="ij")
    assert np.array_equal(np.stack([rows, cols], axis=2), np.array(clicked))


@given(view=views)
def test_a_box_of_the_screen_shows_its_part_of_the_whole(view: View) -> None:
    whole = screen_of(view)
    half = Window(row=view.height // 2, col=0, height=view.height - view.height // 2, width=view.width)
    assert (view.rows(half) == view.rows(whole)[half.slices[0]]).all()
    right = Window(row=0, col=view.width // 3, height=1, width=view.width - view.width // 3)
    assert (view.cols(right) == view.cols(whole)[right.slices[1]]).all()


@given(view=views, window=windows)
def test_the_box_of_a_window_is_the_screen_pixels_that_it_reaches_into(view: View, window: Window) -> None:
    left, top = view.point(window.row - 0.5, window.col - 0.5)
    right, bottom = view.point(window.row_stop - 0.5, window.col_stop - 0.5)
    reached = [
        (y, x)
        for y in range(view.height)
        for x in range(view.width)
        if x < right and x + 1 > left and y < bottom and y + 1 > top
    ]
    box = view.box(window)
    assert (box is None) == (not reached)
    if box is not None:
        found = {(y, x) for y in range(box.row, box.row_stop) for x in range(box.col, box.col_stop)}
        assert found == set(reached)


@given(view=views, window=windows)
def test_what_shows_a_window_lies_in_its_box(view: View, window: Window) -> None:
    whole, box = screen_of(view), view.box(window)
    for y, row in enumerate(view.rows(whole).tolist()):
        for x, col in enumerate(view.cols(whole).tolist()):
            if window.contains(row, col):
                assert box is not None
                assert box.contains(y, x)


@given(view=views)
def test_all_that_is_in_view_lies_in_its_window(view: View) -> None:
    whole, window = screen_of(view), view.window
    for row in view.rows(whole).tolist():
        for col in view.cols(whole).tolist():
            if row >= 0 and col >= 0:
                assert window is not None
                assert window.contains(row, col)


PALETTE = np.stack([np.arange(256), 1000 + np.arange(256)]).astype(np.uint32)
"""Colours that say what code they are of, and whether they are on a stripe."""


def hatch_of(view: View, box: Window) -> NDArray[np.uint32]:
    codes = np.full(box.shape, 7, np.uint8)
    return hatched(codes, PALETTE, box.row + box.col + view.hatch)


@given(view=views)
def test_eight_pixels_of_the_screen_in_a_line_are_half_striped_and_of_one_class(view: View) -> None:
    found = hatch_of(view, Window(row=0, col=0, height=16, width=16))
    assert set(np.unique(found)) == {7, 1007}
    for line in (*found[:, 3:11], *found.T[:, 5:13]):
        assert (line == 1007).sum() == 4


@given(view=views, down=st.integers(0, 20), across=st.integers(0, 20))
def test_stripes_go_on_from_box_to_box_and_along_with_the_picture(view: View, down: int, across: int) -> None:
    whole = hatch_of(view, Window(row=0, col=0, height=40, width=40))
    part = Window(row=down, col=across, height=12, width=12)
    assert np.array_equal(hatch_of(view, part), whole[part.slices])
    steps = (view.top + view.left) / view.pitch
    assume(abs(steps - round(steps)) > 1e-6)
    # The picture is moved so many pixels of the screen up and to the left.
    moved = replace(view, top=view.top + down * view.pitch, left=view.left + across * view.pitch)
    assert np.array_equal(hatch_of(moved, replace(part, row=0, col=0)), whole[part.slices])


def test_a_view_before_the_zone_shows_no_window() -> None:
    view = View(left=-90.0, top=5.0, pitch=2.0, width=40, height=30)
    assert view.window is None
    assert view.box(Window(row=0, col=0, height=50, width=50)) is None


@given(data=st.data())
def test_what_is_sampled_is_what_lies_where_rows_and_columns_cross(data: st.DataObject) -> None:
    plane = data.draw(npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2, max_side=9)))
    window = data.draw(
        st.one_of(
            st.none(),
            st.builds(
                Window,
                row=st.integers(0, 5),
                col=st.integers(0, 5),
                height=st.just(plane.shape[0]),
                width=st.just(plane.shape[1]),
            ),
        )
    )
    rows, cols = data.draw(rising()), data.draw(rising())
    top, left = (window.row, window.col) if window is not None else (0, 0)
    expected = np.zeros((rows.size, cols.size), np.uint8)
    for y, row in enumerate(rows):
        for x, col in enumerate(cols):
            if 0 <= row - top < plane.shape[0] and 0 <= col - left < plane.shape[1]:
                expected[y, x] = plane[row - top, col - left]
    assert (sampled(plane, rows, cols, window) == expected).all()


def rising() -> st.SearchStrategy[Any]:
    """Rows or columns as a view shows them: never falling, beginning and ending anywhere."""
    return st.lists(st.integers(-6, 20), max_size=15).map(lambda values: np.array(sorted(values), np.int64))


@given(data=st.data())
def test_what_is_lit_is_what_is_marked_and_the_hovered_region_has_a_rim(data: st.DataObject) -> None:
    nodata = 99
    shape = data.draw(npst.array_shapes(min_dims=2, max_dims=2, max_side=9))
    leaves = data.draw(npst.arrays(np.uint32, shape, elements=st.sampled_from([0, 1, 2, 3, nodata])))
    marks = data.draw(npst.arrays(np.uint8, 4, elements=st.sampled_from([0, HOVER, PENDING])))
    inside = data.draw(npst.arrays(np.bool_, shape))
    before = marks.copy()
    codes = lit(leaves, marks, inside, nodata)
    marked = np.zeros(shape, np.uint8)
    known = (leaves != nodata) & inside
    marked[known] = marks[leaves[known]]
    hovered = np.pad(marked == HOVER, 1)
    surrounded = hovered[:-2, 1:-1] & hovered[2:, 1:-1] & hovered[1:-1, :-2] & hovered[1:-1, 2:]
    assert (codes == np.where((marked == HOVER) & ~surrounded, RIM, marked)).all()
    assert (marks == before).all()
