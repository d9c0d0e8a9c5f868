from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import GridError
from workbench.geo.grid import PixelGrid
from workbench.geo.regridding import mean_pixels, most_frequent


def grid(side: int, *, step: float, x: float = 0.0, y: float = 0.0) -> PixelGrid:
    transform = Affine(step, 0.0, x, 0.0, -step, y)
    return PixelGrid(crs="EPSG:2154", transform=transform, height=side, width=side)


def test_a_pixel_is_the_mean_of_what_it_covers_by_hand() -> None:
    """2.5 pixels a side: two whole ones and half of the third."""
    source, target = grid(5, step=0.2), grid(2, step=0.5)
    row = np.array([0, 10, 20, 30, 40], np.uint8)
    image = np.broadcast_to(row, (1, 5, 5))
    # (0 + 10 + 20 / 2) / 2.5 = 8, (20 / 2 + 30 + 40) / 2.5 = 32
    assert mean_pixels(image, source, target)[0].tolist() == [[8, 32], [8, 32]]


def test_the_class_with_most_ground_wins_and_of_equal_ones_the_smallest_by_hand() -> None:
    source, target = grid(5, step=0.2), grid(2, step=0.5)
    codes = np.array([3, 3, 7, 7, 7], np.uint8)[np.newaxis].repeat(5, axis=0)
    assert most_frequent(codes, source, target).tolist() == [[3, 7], [3, 7]]
    halves = np.array([[9, 4], [4, 9]], np.uint8)
    assert most_frequent(halves, grid(2, step=1.0), grid(1, step=2.0)).tolist() == [[4]]


@given(st.integers(1, 6), st.integers(0, 3), st.integers(0, 255))
def test_whole_numbers_of_pixels_are_block_means_wherever_they_begin(
    factor: int, shift: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (2, 4 * factor + shift, 4 * factor + shift), dtype=np.uint8)
    source = grid(4 * factor + shift, step=0.2, x=1000.2, y=2000.4)
    target = grid(4, step=0.2 * factor, x=1000.2 + 0.2 * shift, y=2000.4 - 0.2 * shift)
    blocks = image[:, shift:, shift:].reshape(2, 4, factor, 4, factor).mean(axis=(2, 4))
    assert np.array_equal(mean_pixels(image, source, target), np.floor(blocks + 0.5 + 1e-9))


@given(st.integers(0, 255))
def test_the_same_grid_gives_the_same_pixels(seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (3, 7, 7), dtype=np.uint8)
    same = grid(7, step=0.2, x=3.2, y=20.8)
    assert np.array_equal(mean_pixels(image, same, same), image)
    assert np.array_equal(most_frequent(image[0], same, same), image[0])


@pytest.mark.parametrize("x", [-0.1, 0.5])
def test_ground_that_the_source_lacks_is_refused(x: float) -> None:
    with pytest.raises(GridError, match="are asked for of 5"):
        mean_pixels(np.zeros((1, 5, 5), np.uint8), grid(5, step=0.2), grid(2, step=0.5, x=x))


def test_another_crs_is_refused() -> None:
    other = PixelGrid(crs="EPSG:32631", transform=Affine(0.5, 0, 0, 0, -0.5, 0), height=1, width=1)
    with pytest.raises(GridError, match="EPSG:32631"):
        mean_pixels(np.zeros((1, 5, 5), np.uint8), grid(5, step=0.2), other)
