"""The scale in hand against its hierarchy: every level, and the walks through the tree."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from affine import Affine
from made_orthos import made_image, made_truth

from napari_plugin.scale import COARSEST, ScaleInHand
from workbench.geo.grid import PixelGrid
from workbench.segmentation.building import segment
from workbench.segmentation.hierarchy import Hierarchy, Node

SIDE, RESOLUTION = 256, 0.2
GRID = PixelGrid(crs="EPSG:2154", transform=Affine(0.2, 0, 0, 0, -0.2, 0), height=SIDE, width=SIDE)
PLACES = [(3, 4), (50, 50), (255, 0), (20, 200)]


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return made_image(made_truth(SIDE, SIDE))


@pytest.fixture(scope="module")
def hierarchy(image: np.ndarray) -> Hierarchy:
    return segment(image, grid=GRID)


@pytest.fixture
def scales(hierarchy: Hierarchy) -> ScaleInHand:
    return ScaleInHand(hierarchy, RESOLUTION)


def same(one: Node, other: Node | None) -> bool:
    return other is not None and (one.first, one.stop) == (other.first, other.stop)


def test_each_level_has_the_regions_of_its_cut_and_larger_ones_have_no_more(
    scales: ScaleInHand, hierarchy: Hierarchy
) -> None:
    seen = []
    for level in range(scales.finest, COARSEST + 1):
        scales.set_level(level)
        assert scales.level == level
        assert scales.scale == hierarchy.scale_steps.scale(level)
        assert scales.regions == hierarchy.cut(scales.scale).count
        assert scales.regions_per_km2 == pytest.approx(scales.regions / (SIDE * RESOLUTION) ** 2 * 1e6)
        seen.append((scales.scale, -scales.regions))
    assert seen == sorted(seen)
    assert seen[-1][1] == -1


def test_the_finest_level_is_the_last_that_shows_every_leaf(
    scales: ScaleInHand, hierarchy: Hierarchy
) -> None:
    counts = [hierarchy.cut(hierarchy.scale_steps.scale(level)).count for level in range(COARSEST + 1)]
    assert counts[scales.finest] == hierarchy.leaf_count > counts[scales.finest + 1]


def test_levels_out_of_range_are_the_nearest_end(scales: ScaleInHand) -> None:
    assert scales.set_level(999)
    assert (scales.level, scales.regions) == (COARSEST, 1)
    assert not scales.set_level(COARSEST)
    assert scales.set_level(-5)
    assert scales.level == scales.finest


def test_a_zone_opens_at_regions_as_large_as_a_house(scales: ScaleInHand, hierarchy: Hierarchy) -> None:
    mean = SIDE**2 / scales.regions
    assert mean >= 2500 * SIDE**2 / (math.floor(SIDE**2 / 2500) * 2500)
    finer = hierarchy.cut(hierarchy.scale_steps.scale(scales.level - 1)).count
    assert SIDE**2 / finer < 2500


@pytest.mark.parametrize("steps", [1, 2, 5, -1, -3])
def test_steps_are_half_octaves_and_go_back(scales: ScaleInHand, steps: int) -> None:
    scales.set_level(150)
    before = scales.scale
    assert scales.step(steps)
    assert scales.scale / before == pytest.approx(2 ** (steps / 2), rel=0.05 * abs(steps))
    assert scales.step(-steps)
    assert scales.scale == before


@pytest.mark.parametrize("place", PLACES)
def test_climbing_visits_each_larger_region_and_descending_comes_back_by_the_same_scales(
    scales: ScaleInHand, hierarchy: Hierarchy, place: tuple[int, int]
) -> None:
    scales.set_level(scales.finest)
    node, walked = hierarchy.node_at(*place, scales.scale), [scales.scale]
    while (parent := hierarchy.parent(node)) is not None:
        assert scales.climb(node)
        assert scales.scale == parent.scale
        node = hierarchy.node_at(*place, scales.scale)
        assert same(node, parent)
        walked.append(scales.scale)
    assert not scales.climb(node)
    assert len(walked) > 5
    leaf = hierarchy.leafmap.at(*place)
    for scale in walked[-2::-1]:
        assert scales.descend(hierarchy.node_at(*place, scales.scale), leaf)
        assert scales.scale == scale
    assert hierarchy.node_at(*place, scales.scale).leaf_count == 1


@pytest.mark.parametrize("place", PLACES)
def test_descending_without_having_climbed_visits_the_children_that_hold_the_pixel(
    scales: ScaleInHand, hierarchy: Hierarchy, place: tuple[int, int]
) -> None:
    scales.set_level(COARSEST)
    leaf, node = hierarchy.leafmap.at(*place), hierarchy.node_at(*place, scales.scale)
    for _ in itertools.count():
        (child,) = [one for one in hierarchy.children(node) if one.first <= leaf < one.stop] or [None]
        if child is None:
            break
        assert scales.descend(node, leaf)
        node = hierarchy.node_at(*place, scales.scale)
        assert same(node, child)
    assert node.leaf_count == 1
    assert not scales.descend(node, leaf)


def test_a_scale_that_was_chosen_otherwise_forgets_where_one_climbed_from(
    scales: ScaleInHand, hierarchy: Hierarchy
) -> None:
    scales.set_level(120)
    scales.climb(hierarchy.node_at(50, 50, scales.scale))
    scales.set_level(COARSEST)
    node, leaf = hierarchy.node_at(50, 50, scales.scale), hierarchy.leafmap.at(50, 50)
    scales.descend(node, leaf)
    (child,) = [one for one in hierarchy.children(node) if one.first <= leaf < one.stop]
    assert scales.scale == child.scale


def test_a_refined_hierarchy_keeps_the_scale_and_its_finer_regions_can_be_reached(
    scales: ScaleInHand, hierarchy: Hierarchy, image: np.ndarray
) -> None:
    scales.set_level(200)
    before = scales.scale
    finer = hierarchy.refine(hierarchy.node_at(50, 50, scales.scale), image)
    assert finer.leaf_count > hierarchy.leaf_count
    scales.take(finer)
    assert scales.scale == before
    scales.set_level(0)
    assert scales.regions == finer.leaf_count
    kept = scales.scale
    scales.take(hierarchy)
    assert scales.scale == kept
    assert scales.regions == hierarchy.cut(kept).count


def test_without_regions_nothing_moves() -> None:
    scales, node = ScaleInHand(None, RESOLUTION), Node(first=0, stop=1, scale=0.0)
    before = scales.scale, scales.level
    moved = [
        scales.set_level(30),
        scales.set_scale(12.0),
        scales.step(3),
        scales.climb(node),
        scales.descend(node, 0),
    ]
    assert not any(moved)
    assert (scales.scale, scales.level, scales.regions) == (*before, 0)
