"""Pixels → leaves: basins, walls of nodata, plateaus, noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from segmentation_oracles import basins_of as cut
from segmentation_oracles import drop_of_water, flat_zones_of, images, masks, scene, with_margin

from workbench.segmentation.features import noise_levels
from workbench.segmentation.partition import OUTSIDE, TILE, basins, gradient, margin_of


def slope_of(image, valid, weights=None):
    return gradient(*with_margin(image, valid, 1, weights))[1:-1, 1:-1]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_basins_are_where_drops_of_water_meet(data):
    image = data.draw(images(most_side=7))
    valid = data.draw(masks(image.shape[1:]))
    leaves, count = cut(image, valid)
    minima = drop_of_water(slope_of(image, valid), valid)
    assert np.array_equal(leaves == OUTSIDE, ~valid)
    pairs = set(zip(leaves[valid].tolist(), minima[valid].tolist(), strict=True))
    assert len(pairs) == count == len(set(minima[valid].tolist())), "one minimum per leaf and the reverse"


@pytest.mark.parametrize("smoothing", [0.0, 0.65, 2.0])
def test_leaves_of_a_small_image_are_connected_and_numbered_in_raster_order(smoothing):
    image = scene(3)
    leaves, count = cut(image, smoothing=smoothing)
    assert leaves.min() == 0
    assert leaves.max() == count - 1
    for leaf in range(count):
        assert ndimage.label(leaves == leaf)[1] == 1
    _, first = np.unique(leaves, return_index=True)
    assert np.all(np.diff(first) > 0)


def test_gradient_is_the_largest_sobel_modulus_of_the_bands():
    image = scene(1)
    weights = np.array([1.0, 4.0, 0.25])
    found = slope_of(image, np.ones(image.shape[1:], np.bool_), weights)
    values = image.astype(np.float64)
    moduli = [
        np.sqrt(w) * np.hypot(ndimage.sobel(band, 0), ndimage.sobel(band, 1))
        for w, band in zip(weights, values, strict=True)
    ]
    inner = (slice(1, -1), slice(1, -1))
    assert np.allclose(found[inner], np.max(moduli, axis=0)[inner], rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.65, 1.5])
def test_a_nodata_margin_gives_the_same_leaves_as_no_margin(smoothing):
    image = scene(5, side=32)
    wide = np.pad(image, ((0, 0), (3, 4), (5, 2)), constant_values=255)
    valid = np.zeros(wide.shape[1:], np.bool_)
    valid[3:-4, 5:-2] = True
    bare, count = cut(image, smoothing=smoothing)
    walled, walled_count = cut(wide, valid, smoothing=smoothing)
    assert walled_count == count
    assert np.array_equal(walled[3:-4, 5:-2], bare)
    assert np.all(walled[~valid] == OUTSIDE)


def test_smoothing_is_a_normalised_gaussian():
    image = scene(7, bands=1)
    valid = np.ones(image.shape[1:], np.bool_)
    slope = slope_of(image, valid).astype(np.float64)
    kernel = np.exp(-0.5 * np.arange(-2, 3) ** 2)
    blur = slope
    share = np.ones_like(slope)
    for axis in (0, 1):
        blur = ndimage.convolve1d(blur, kernel, axis=axis, mode="constant")
        share = ndimage.convolve1d(share, kernel, axis=axis, mode="constant")
    leaves, _ = cut(image, smoothing=1.0)
    minima = drop_of_water((blur / share).astype(np.float32), valid)
    # Single precision may order two all but equal neighbours differently; that moves few pixels.
    label_of = {leaf: minima[leaves == leaf] for leaf in range(leaves.max() + 1)}
    agree = sum(int(np.unique(found, return_counts=True)[1].max()) for found in label_of.values())
    assert agree >= 0.98 * leaves.size


@pytest.mark.parametrize("smoothing", [0.0, 0.65])
def test_a_part_of_an_image_has_the_basins_of_the_whole(smoothing):
    image = scene(4, side=40)
    image[:, 5:20, 18:30] = 77  # a plateau across the border of the part
    margin = margin_of(smoothing)
    whole, _ = cut(image, smoothing=smoothing)
    features, walled = with_margin(image, np.ones((40, 40), np.bool_), margin)
    rows, cols = slice(3, 27), slice(11, 25)
    near = np.s_[3 : 27 + 2 * margin, 11 : 25 + 2 * margin]
    part = basins(np.ascontiguousarray(features[:, *near]), valid=walled[near].copy(), smoothing=smoothing)
    for leaf in range(part.size):
        assert np.unique(whole[rows, cols][part.labels == leaf]).size == 1
    border = np.zeros((24, 14), np.bool_)
    border[[0, -1]], border[:, [0, -1]] = True, True
    assert set(np.flatnonzero(part.open)) == set(np.unique(part.labels[border]))


def test_leaves_are_numbered_square_by_square():
    image = np.random.default_rng(1).integers(0, 255, (1, TILE + 30, 2 * TILE + 5), dtype=np.uint8)
    margin = margin_of(0.65)
    features, walled = with_margin(image, np.ones(image.shape[1:], np.bool_), margin)
    leaves = basins(features, valid=walled, smoothing=0.65)
    assert leaves.ends.size == 6
    assert leaves.ends[-1] == leaves.size
    begin = 0
    for square, end in enumerate(leaves.ends):
        top, left = square // 3 * TILE, square % 3 * TILE
        inside = np.unique(leaves.labels[top : top + TILE, left : left + TILE])
        assert set(range(begin, int(end))) <= set(inside.tolist())
        assert inside.max() < end
        begin = int(end)


def test_a_long_plateau_is_one_leaf():
    leaves, count = cut(np.full((1, 700, 700), 9, np.uint8))
    assert count == 1
    assert not leaves.any()


@pytest.mark.parametrize("shape", [(1, 40), (40, 1), (1, 1), (2, 2)], ids=str)
def test_thin_images_are_cut(shape):
    image = np.random.default_rng(0).integers(0, 255, (2, *shape), dtype=np.uint8)
    leaves, count = cut(image, smoothing=0.65)
    assert leaves.shape == shape
    assert 1 <= count <= leaves.size


def test_the_same_values_in_another_type_give_the_same_leaves():
    image = scene(2)
    first, _ = cut(image, smoothing=0.65)
    for dtype in (np.uint16, np.float32):
        assert np.array_equal(cut(image.astype(dtype), smoothing=0.65)[0], first)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_flat_zones_are_connected_pixels_of_equal_values(data):
    image = data.draw(images(most_side=8, most_value=2))
    valid = data.draw(masks(image.shape[1:]))
    leaves, count = flat_zones_of(image, valid)
    assert np.array_equal(leaves == OUTSIDE, ~valid)
    values = np.unique(image.reshape(image.shape[0], -1), axis=1, return_inverse=True)[1].reshape(valid.shape)
    zones = 0
    for value in np.unique(values[valid]):
        parts, here = ndimage.label((values == value) & valid)
        zones += here
        for part in range(1, here + 1):
            assert np.unique(leaves[parts == part]).size == 1
    assert count == zones == np.unique(leaves[valid]).size


@pytest.mark.parametrize("sigma", [2.0, 7.0])
def test_noise_level_is_found_beneath_edges(sigma):
    rng = np.random.default_rng(4)
    clean = np.kron(rng.uniform(500, 5000, (2, 12, 12)), np.ones((1, 20, 20)))
    noisy = (clean + rng.normal(0, sigma, clean.shape)).astype(np.float32)
    valid = np.ones(noisy.shape[1:], np.bool_)
    assert noise_levels([(noisy, valid)]) == pytest.approx([sigma, sigma], rel=0.2)
    valid[:, 100:] = False
    noisy[:, :, 100:] = np.nan
    assert noise_levels([(noisy, valid)]) == pytest.approx([sigma, sigma], rel=0.25)
