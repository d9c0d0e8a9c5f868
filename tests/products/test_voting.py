"""Majorities, in regions and on larger pixels, against a slower definition."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.errors import ProductError
from workbench.geo.grid import PixelGrid
from workbench.products.voting import coarser_grid, vote_by_region, vote_on_grid

MAPS = hnp.arrays(np.uint8, (10, 15), elements=st.integers(0, 3))


def grid(height: int, width: int) -> PixelGrid:
    transform = Affine(0.2, 0, 831081.6, 0, -0.2, 6829179.2)
    return PixelGrid(crs="EPSG:2154", transform=transform, height=height, width=width)


@given(MAPS, hnp.arrays(np.uint32, (10, 15), elements=st.sampled_from([0, 1, 2, 0xFFFFFFFF])))
def test_a_region_takes_its_most_frequent_class(values: np.ndarray, regions: np.ndarray) -> None:
    voted = vote_by_region(values, regions, 3)
    for region in range(3):
        inside = regions == region
        votes = np.bincount(values[inside], minlength=4)
        votes[0] = 0
        assert (voted[inside] == (votes.argmax() if votes.any() else 0)).all()
    outside = regions == 0xFFFFFFFF
    assert np.array_equal(voted[outside], values[outside])


@given(MAPS, st.sampled_from([0.2, 0.3, 0.4, 0.5, 0.7, 1.0]))
def test_a_larger_pixel_takes_what_covers_most_of_it(values: np.ndarray, resolution: float) -> None:
    before = grid(10, 15)
    after = coarser_grid(before, resolution)
    voted = vote_on_grid(values, before, after)
    assert voted.shape == after.shape
    fine = values.repeat(2, axis=0).repeat(2, axis=1)  # pixels of 0.1 m: whole ones in each larger pixel
    side = round(resolution / 0.1)
    for row in range(after.height):
        for col in range(after.width):
            part = fine[row * side : (row + 1) * side, col * side : (col + 1) * side]
            assert voted[row, col] == np.bincount(part.ravel()).argmax()


def test_larger_pixels_begin_at_the_same_corner() -> None:
    after = coarser_grid(grid(512, 512), 0.5)
    assert after.shape == (204, 204)  # of 204.8
    assert after.bounds.left == grid(512, 512).bounds.left
    assert after.bounds.top == grid(512, 512).bounds.top


@pytest.mark.parametrize(("resolution", "told"), [(0.1, "finer than"), (1000.0, "larger than the raster")])
def test_pixels_that_cannot_be_voted_on_are_refused(resolution: float, told: str) -> None:
    with pytest.raises(ProductError, match=told):
        coarser_grid(grid(10, 15), resolution)


def test_other_shapes_are_refused() -> None:
    with pytest.raises(ProductError, match="shape"):
        vote_by_region(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint32), 1)
