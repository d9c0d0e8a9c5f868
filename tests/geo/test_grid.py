from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import GridError
from workbench.geo.grid import NATIONAL_GRID, Bounds, PixelGrid, Window

GRID = PixelGrid(
    crs="EPSG:2154", transform=Affine(0.2, 0, 831081.6, 0, -0.2, 6829179.2), height=300, width=400
)


def windows(limit: int = 60) -> st.SearchStrategy[Window]:
    start, size = st.integers(0, limit), st.integers(1, limit)
    return st.builds(lambda r, c, h, w: Window(row=r, col=c, height=h, width=w), start, start, size, size)


@given(windows(), windows())
def test_intersection_and_union_are_those_of_the_pixel_sets(one: Window, other: Window) -> None:
    canvas = np.zeros((2, 130, 130), dtype=bool)
    canvas[0][one.slices] = True
    canvas[1][other.slices] = True
    both = one.intersection(other)
    common = np.zeros((130, 130), dtype=bool)
    if both is not None:
        common[both.slices] = True
    assert (common == (canvas[0] & canvas[1])).all()
    assert one.union(other).intersection(one) == one
    assert one.union(other).intersection(other) == other


@given(windows(), windows(), st.integers(0, 30))
def test_a_window_grows_as_far_as_another_one_reaches(one: Window, other: Window, margin: int) -> None:
    within, canvas = one.union(other), np.zeros((200, 200), dtype=bool)
    rows, cols = one.slices
    canvas[
        max(0, rows.start - margin) : rows.stop + margin, max(0, cols.start - margin) : cols.stop + margin
    ] = 1
    expected = np.zeros_like(canvas)
    expected[within.slices] = canvas[within.slices]
    grown = np.zeros_like(canvas)
    grown[one.grown(margin, within=within).slices] = True
    assert (grown == expected).all()


def intervals(limit: float) -> st.SearchStrategy[tuple[float, float]]:
    """Places in pixels, some of them on pixel corners, none within float noise of one."""
    place = st.integers(-80, 480).map(lambda eighths: eighths / 8 * limit / 50)
    return st.tuples(place, place).filter(lambda pair: pair[0] < pair[1])


@given(rows=intervals(50), cols=intervals(50))
def test_the_covering_window_holds_each_pixel_that_the_bounds_touch(
    rows: tuple[float, float], cols: tuple[float, float]
) -> None:
    grid = PixelGrid(crs="EPSG:2154", transform=Affine(0.5, 0, 100, 0, -0.5, 200), height=40, width=50)
    bounds = Bounds(
        left=100 + cols[0] / 2, right=100 + cols[1] / 2, top=200 - rows[0] / 2, bottom=200 - rows[1] / 2
    )
    touched = [
        [i for i in range(count) if i < stop and i + 1 > start]
        for count, (start, stop) in ((40, rows), (50, cols))
    ]
    found = grid.covering(bounds)
    if not all(touched):
        assert found is None
    else:
        assert found is not None
        assert [list(range(part.start, part.stop)) for part in found.slices] == touched


@pytest.mark.parametrize(
    "values",
    [(-1, 0, 1, 1), (0, -1, 1, 1), (0, 0, 0, 1), (0, 0, 1, 0)],
    ids=["row", "col", "no rows", "no columns"],
)
def test_illegal_windows_cannot_be_built(values: tuple[int, int, int, int]) -> None:
    with pytest.raises(GridError):
        Window(row=values[0], col=values[1], height=values[2], width=values[3])


@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 40))
def test_tiles_cover_each_pixel_once(height: int, width: int, size: int) -> None:
    grid = PixelGrid(crs="EPSG:2154", transform=Affine(1, 0, 0, 0, -1, 0), height=height, width=width)
    hits = np.zeros(grid.shape, dtype=int)
    for window in grid.tiles(size):
        hits[window.slices] += 1
    assert (hits == 1).all()


@given(st.integers(1, 90), st.integers(1, 90), st.integers(2, 40), st.data())
def test_overlapping_tiles_cover_each_pixel_and_stay_inside(
    height: int, width: int, size: int, data: st.DataObject
) -> None:
    grid = PixelGrid(crs="EPSG:2154", transform=Affine(1, 0, 0, 0, -1, 0), height=height, width=width)
    hits = np.zeros(grid.shape, dtype=int)
    for window in grid.tiles(size, data.draw(st.integers(0, size - 1))):
        assert grid.crop(window).shape == window.shape
        hits[window.slices] += 1
    assert hits.min() >= 1


@given(st.integers(0, 299), st.integers(0, 399))
def test_a_pixel_centre_lies_in_its_pixel(row: int, col: int) -> None:
    assert GRID.rowcol(*GRID.xy(row, col)) == (row, col)


@given(windows())
def test_the_window_of_a_crops_bounds_is_the_window(window: Window) -> None:
    assert GRID.window(GRID.crop(window).bounds) == window
    assert GRID.crop(window).same_lattice(GRID)


def test_bounds_between_pixels_are_refused() -> None:
    bounds = GRID.bounds
    with pytest.raises(GridError, match="between pixels"):
        GRID.window(Bounds(left=bounds.left + 0.1, bottom=bounds.bottom, right=bounds.right, top=bounds.top))


@pytest.mark.parametrize(
    ("transform", "reason"),
    [
        (Affine(0.2, 0.1, 0, 0, -0.2, 0), "rotated"),
        (Affine(0.2, 0, 0, 0, 0.2, 0), "north-up"),
        (Affine(0.2, 0, 0, 0, -0.4, 0), "square"),
        (Affine(float("nan"), 0, 0, 0, -0.4, 0), "finite"),
    ],
    ids=["rotated", "south-up", "oblong", "nan"],
)
def test_grids_that_the_workbench_cannot_use_are_not_built(transform: Affine, reason: str) -> None:
    with pytest.raises(GridError, match=reason):
        PixelGrid(crs="EPSG:2154", transform=transform, height=1, width=1)


@given(st.integers(0, 511), st.integers(0, 511))
def test_the_first_patch_corner_is_on_the_national_grid(down: int, right: int) -> None:
    # A measured patch corner (IMG_034217), moved by whole pixels.
    transform = Affine(0.2, 0, 831081.6 - 0.2 * right, 0, -0.2, 6829179.2 + 0.2 * down)
    grid = PixelGrid(crs="EPSG:2154", transform=transform, height=2000, width=2000)
    assert NATIONAL_GRID.offset(grid) == (down, right)


@pytest.mark.parametrize(
    "grid",
    [
        PixelGrid(crs="EPSG:3857", transform=GRID.transform, height=9, width=9),
        PixelGrid(crs="EPSG:2154", transform=Affine(0.5, 0, 0, 0, -0.5, 0), height=9, width=9),
        PixelGrid(crs="EPSG:2154", transform=Affine(0.2, 0, 831081.7, 0, -0.2, 6829179.2), height=9, width=9),
    ],
    ids=["crs", "resolution", "half a pixel off"],
)
def test_rasters_off_the_patch_grid_are_refused_with_the_way_out(grid: PixelGrid) -> None:
    with pytest.raises(GridError, match="gdalwarp"):
        NATIONAL_GRID.offset(grid)
