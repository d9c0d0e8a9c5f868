"""Pixels → leaves: basins, walls of nodata, plateaus, noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from segmentation_oracles import basins_of as cut
from segmentation_oracles import drop_of_water, flat_zones_of, images, masks, scene, slope_of

from workbench.segmentation.features import noise_levels
from workbench.segmentation.partition import OUTSIDE, RING, TILE, basins, coarse_basins


@settings(max_examples=60)
@given(st.data())
def test_basins_are_where_drops_of_water_meet_in_a_zone(data):
    image = data.draw(images(most_side=7))
    valid = data.draw(masks(image.shape[1:]))
    zones = data.draw(arrays(np.int32, valid.shape, elements=st.integers(0, 2)))
    leaves, count = cut(image, valid, zones=zones)
    minima = drop_of_water(slope_of(image, valid), np.where(valid, zones, -1))
    assert np.array_equal(leaves == OUTSIDE, ~valid)
    pairs = set(zip(leaves[valid].tolist(), minima[valid].tolist(), strict=True))
    assert len(pairs) == count == len(set(minima[valid].tolist())), "one minimum per leaf and the reverse"


@settings(max_examples=60)
@given(st.data())
def test_coarse_basins_are_where_drops_meet_that_run_over_corners_too(data):
    slope = data.draw(arrays(np.float32, st.tuples(*[st.integers(1, 9)] * 2), elements=st.integers(0, 5)))
    valid = data.draw(masks(slope.shape))
    assert np.array_equal(
        coarse_basins(slope, valid), drop_of_water(slope, np.where(valid, 0, -1), corners=True)
    )


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


@pytest.mark.parametrize("zoned", [False, True], ids=["one zone", "zones"])
def test_a_part_of_an_image_has_the_basins_of_the_whole(zoned):
    image = scene(4, side=40)
    image[:, 5:20, 18:30] = 77  # a plateau across the border of the part
    valid = np.ones((40, 40), np.bool_)
    slope = slope_of(image, valid, smoothing=0.65)
    zones = (np.arange(40)[:, None] // 6 * 8 + np.arange(40) // 6).astype(np.int32) * zoned
    whole, _ = cut(image, smoothing=0.65, zones=zones)
    near = np.s_[3 - RING : 27 + RING, 11 - RING : 25 + RING]
    part = basins(slope[near].copy(), zones[near].copy())
    rows, cols = slice(3, 27), slice(11, 25)
    for leaf in range(part.size):
        assert np.unique(whole[rows, cols][part.labels == leaf]).size == 1
        assert np.unique(zones[rows, cols][part.labels == leaf]) == part.zones[leaf]
    border = np.zeros((24, 14), np.bool_)
    border[[0, -1]], border[:, [0, -1]] = True, True
    assert set(np.flatnonzero(part.open)) == set(np.unique(part.labels[border]))
    right, below = part.goes_on
    assert right.any()
    assert below.any()
    assert np.all(whole[rows, 24][right] == whole[rows, 25][right])
    assert np.all(whole[26, cols][below] == whole[27, cols][below])


def test_leaves_are_numbered_square_by_square():
    image = np.random.default_rng(1).integers(0, 255, (1, TILE + 30, 2 * TILE + 5), dtype=np.uint8)
    slope = np.pad(slope_of(image, np.ones(image.shape[1:], np.bool_), smoothing=0.65), RING)
    zones = np.pad(np.zeros(image.shape[1:], np.int32), RING, constant_values=OUTSIDE)
    leaves = basins(slope, zones)
    assert leaves.ends.size == 6
    assert leaves.ends[-1] == leaves.size
    begin = 0
    for square, end in enumerate(leaves.ends):
        top, left = square // 3 * TILE, square % 3 * TILE
        inside = leaves.labels[top : top + TILE, left : left + TILE]
        assert np.all(np.isin(np.arange(begin, end), inside)), "each has a pixel there"
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


@settings(max_examples=60)
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


def nearest_of(image, valid, metric, at):
    """Return the nearest neighbour of a pixel, the first in the order up, left, right, down; and how near."""
    found, least = None, np.inf
    for down, right in ((-1, 0), (0, -1), (0, 1), (1, 0)):
        r, c = at[0] + down, at[1] + right
        if 0 <= r < valid.shape[0] and 0 <= c < valid.shape[1] and valid[r, c]:
            step = image[:, r, c].astype(float) - image[:, *at]
            if step @ metric @ step < least:
                found, least = (r, c), step @ metric @ step
    return found, least


@settings(max_examples=60)
@given(st.data())
def test_pixels_that_are_each_others_nearest_are_one_leaf(data):
    image = data.draw(images(most_side=8, most_value=9))
    valid = data.draw(masks(image.shape[1:]))
    bands = image.shape[0]
    metric = np.eye(bands) + data.draw(st.sampled_from([0.0, 1.0])) * np.ones((bands, bands))
    most = data.draw(st.sampled_from([0.0, 4.0, 50.0]))
    labels, zones = flat_zones_of(image, valid)[0], {}
    expected = np.arange(labels.max() + 1)
    for at in map(tuple, np.argwhere(valid).tolist()):
        there, near = nearest_of(image, valid, metric, at)
        if there is not None and near <= most and nearest_of(image, valid, metric, there)[0] == at:
            one, other = expected[labels[at]], expected[labels[there]]
            expected[expected == one] = other
    found, count = flat_zones_of(image, valid, most=most, metric=metric)
    for at in map(tuple, np.argwhere(valid).tolist()):
        zones.setdefault(int(expected[labels[at]]), set()).add(int(found[at]))
    assert all(len(leaves) == 1 for leaves in zones.values())
    assert len(zones) == count


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
