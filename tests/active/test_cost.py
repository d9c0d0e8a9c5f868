"""Expected picks: never below 0, none where a model is sure, more where it is less so, and by the area."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from sample_data import make_scene
from workbench.active.cost import expected_from_nothing, expected_left, expected_picks
from workbench.geo.grid import PixelGrid
from workbench.segmentation import segment
from workbench.segmentation.explaining import gather_mass

AREA = 1024**2
seeds = st.integers(0, 10_000)


def made(seed, *, leaves=4000, walls=0):
    """Return scales and pixels of the leaves of a zone of 1,024² pixels, in parts that walls keep apart."""
    rng = np.random.default_rng(seed)
    s = rng.lognormal(2, 1.5, leaves).astype(np.float32)
    s[rng.choice(leaves, walls, replace=False)] = np.inf
    s[0] = np.inf
    return s, np.diff(np.sort(rng.choice(AREA - 1, leaves - 1, replace=False) + 1), prepend=0, append=AREA)


def said(seed, pixels, *, classes=5, sure=(0.3, 1.0)):
    """Return the mass of a prediction that has one class in each leaf."""
    rng = np.random.default_rng(seed)
    mass = np.zeros((pixels.size, classes), np.int64)
    weight = np.rint(255 * rng.uniform(*sure, pixels.size)).astype(np.int64)
    mass[np.arange(pixels.size), rng.integers(classes, size=pixels.size)] = pixels * weight
    return mass


@settings(max_examples=25)
@given(seeds, st.integers(1, 6), st.integers(0, 40), st.sampled_from([1, 3, 50, 4000]))
def test_picks_are_never_below_0_and_never_more_than_from_nothing(seed, classes, walls, leaves):
    s, pixels = made(seed, leaves=leaves, walls=min(walls, leaves))
    left = expected_left(s, said(seed, pixels, classes=classes), pixels)
    assert 0 <= left <= expected_from_nothing(s, pixels) < np.inf


@settings(max_examples=25)
@given(seeds, st.integers(0, 30))
def test_nothing_is_left_where_a_model_is_sure_of_each_part_of_a_zone(seed, walls):
    s, pixels = made(seed, walls=walls)
    part = np.cumsum(np.isinf(s)) - 1
    sizes = np.bincount(part, pixels)
    part[sizes[part] < 1000] = 0  # what is too small is no region, and of the class around it
    mass = np.zeros((pixels.size, 3), np.int64)
    mass[np.arange(pixels.size), np.where(sizes[part] < 1000, 0, part % 3)] = 255 * pixels
    assert expected_left(s, mass, pixels) == 0
    assert expected_from_nothing(s, pixels) > 0


@settings(max_examples=25)
@given(seeds, st.integers(0, 30), st.floats(0.05, 1), st.floats(0.05, 1))
def test_the_less_sure_a_model_is_the_more_picks_are_left(seed, walls, sure, surer):
    s, pixels = made(seed, walls=walls)
    certainty = np.random.default_rng(seed).uniform(0.5, 1, pixels.size)
    left = [
        expected_left(s, np.rint(255 * certainty * factor * pixels).astype(np.int64)[:, None], pixels)
        for factor in sorted([sure, surer])
    ]
    assert left[0] >= left[1]


@settings(max_examples=25)
@given(seeds, st.integers(1, 4))
def test_a_zone_twice_as_large_and_like_it_takes_twice_as_many(seed, classes):
    s, pixels = made(seed)
    mass = said(seed, pixels, classes=classes)
    once = expected_left(s, mass, pixels), expected_from_nothing(s, pixels)
    s, mass, pixels = (np.concatenate([one, one]) for one in (s, mass, pixels))
    twice = expected_left(s, mass, pixels), expected_from_nothing(s, pixels)
    assert twice == pytest.approx((2 * once[0], 2 * once[1]))


@settings(max_examples=25)
@given(seeds, st.floats(1e-3, 1e3))
def test_the_unit_of_altitudes_changes_nothing(seed, factor):
    s, pixels = made(seed)
    mass, other = said(seed, pixels), (s * np.float32(factor)).astype(np.float32)
    assert expected_left(other, mass, pixels) == pytest.approx(expected_left(s, mass, pixels))
    assert expected_from_nothing(other, pixels) == pytest.approx(expected_from_nothing(s, pixels), rel=0.05)


def test_a_zone_without_pixels_takes_none():
    s, pixels = made(1, leaves=5)
    assert expected_left(s, np.zeros((5, 0), np.int64), 0 * pixels) == 0
    assert expected_from_nothing(s, 0 * pixels) == 0


@pytest.fixture(scope="module")
def zones():
    """Return the hierarchy and the truth of a town and of fields."""
    found = {}
    for theme in ("UU", "AA"):
        scene = make_scene(seed=3, height=384, theme=theme)
        transform = Affine(0.2, 0, 650_000, 0, -0.2, 6_860_000)
        grid = PixelGrid(crs="EPSG:2154", transform=transform, height=384, width=384)
        valid = np.ones(grid.shape, bool)
        valid[:8] = False
        found[theme] = segment(scene.image, grid=grid, valid=valid), scene.classes.astype(np.uint8)
    return found


def test_a_town_takes_more_picks_than_fields_whoever_says_something(zones):
    for sure in (0, 150, 240):
        town, fields = (
            expected_picks(hierarchy, codes * (sure > 0), np.full_like(codes, sure))
            for hierarchy, codes in (zones["UU"], zones["AA"])
        )
        assert town > fields > 0


def test_what_is_told_and_what_is_not_add_up(zones):
    hierarchy, codes = zones["AA"]
    sure = np.full_like(codes, 200)
    left = np.arange(codes.shape[1]) < codes.shape[1] // 2
    told = expected_picks(hierarchy, codes * left, sure * left)
    untold = expected_picks(hierarchy, codes * 0, sure * 0)
    usable = hierarchy.leaves < hierarchy.leaf_count
    pixels, known = (
        np.bincount(hierarchy.leaves[there], minlength=hierarchy.leaf_count)
        for there in (usable, usable & left)
    )
    _, mass = gather_mass(hierarchy.leaves, codes * left, sure, leaf_count=hierarchy.leaf_count)
    assert untold == expected_from_nothing(hierarchy.s, pixels)
    assert told == pytest.approx(expected_left(hierarchy.s, mass, pixels, told=known) + untold / 2)
    assert expected_picks(hierarchy, codes, sure) < told < untold


def test_pixels_without_data_take_no_picks(zones):
    hierarchy, codes = zones["UU"]
    other = codes.copy()
    other[:8] = 1 + (other[:8] + 7) % 19
    sure = np.full_like(codes, 240)
    assert expected_picks(hierarchy, other, sure) == expected_picks(hierarchy, codes, sure)
