"""Greedy merging against looking at every pair, and hubs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from segmentation_oracles import basins_of, flat_zones_of, greedy_merges, images, masks, pixel_leaves, scene

from workbench.segmentation.graph import leaf_statistics, region_graph
from workbench.segmentation.merging import merge_regions
from workbench.segmentation.scales import persistent_scales


def start(image, leaves, count):
    area, sums, _ = leaf_statistics(image, leaves, count)
    return region_graph(leaves, count), area, np.ascontiguousarray((sums / area).T)


def as_list(tree):
    columns = (tree.left.tolist(), tree.right.tolist(), tree.gains.tolist(), tree.lengths.tolist())
    return list(zip(*columns, strict=True))


@settings(max_examples=80)
@given(st.data())
def test_merges_are_those_of_looking_at_every_pair(data):
    image = data.draw(images(most_side=6))
    valid = data.draw(masks(image.shape[1:]))
    leaves, count = pixel_leaves(valid)
    graph, area, means = start(image, leaves, count)
    assert as_list(merge_regions(graph, area, means)) == greedy_merges(leaves, area, means)


@pytest.mark.parametrize("seed", range(3))
def test_merges_of_basins_are_those_of_looking_at_every_pair(seed):
    image = scene(seed, side=40)
    leaves, count = basins_of(image, smoothing=0.65)
    graph, area, means = start(image, leaves, count)
    assert as_list(merge_regions(graph, area, means)) == greedy_merges(leaves, area, means)


def test_merging_leaves_the_graph_as_it_was():
    image = scene(0, side=16)
    leaves, count = pixel_leaves(np.ones((16, 16), np.bool_))
    graph, area, means = start(image, leaves, count)
    before = [part.copy() for part in graph]
    merge_regions(graph, area, means)
    assert all(np.array_equal(a, b) for a, b in zip(graph, before, strict=True))


@settings(max_examples=40)
@given(st.data())
def test_hubs_give_whole_trees_with_true_gains(data):
    image = data.draw(images(most_side=7, most_value=200))
    leaves, count = pixel_leaves(np.ones(image.shape[1:], np.bool_))
    graph, area, means = start(image, leaves, count)
    tree = merge_regions(graph, area, means, hub_degree=data.draw(st.integers(1, 6)))
    assert tree.left.size == count - 1
    assert sorted(tree.left.tolist() + tree.right.tolist()) == list(range(2 * count - 2)), "each node once"
    values = image.reshape(image.shape[0], -1).astype(np.float64)
    inside = [[leaf] for leaf in range(count)]
    for left, right, gain, length in as_list(tree):
        parts = [values[:, inside[left]], values[:, inside[right]]]
        rise = spread(np.concatenate(parts, axis=1)) - spread(parts[0]) - spread(parts[1])
        assert gain == pytest.approx(rise, rel=1e-9, abs=1e-6)
        here, there = (np.isin(leaves, inside[node]) for node in (left, right))
        shared = sum(
            int(np.count_nonzero(here[a] & there[b])) + int(np.count_nonzero(there[a] & here[b]))
            for a, b in (
                ((slice(1, None),), (slice(-1),)),
                ((slice(None), slice(1, None)), (slice(None), slice(-1))),
            )
        )
        assert length == shared
        assert min(inside[left]) < min(inside[right])
        inside.append(inside[left] + inside[right])


def spread(values):
    return float(((values - values.mean(axis=1, keepdims=True)) ** 2).sum())


@pytest.mark.parametrize("seed", range(3))
def test_hubs_cost_next_to_no_energy(seed):
    """Energies where D and C balance, with a low hub degree so that many regions are hubs."""
    image = scene(seed, side=64)
    leaves, count = pixel_leaves(np.ones((64, 64), np.bool_))
    graph, area, means = start(image, leaves, count)
    exact, hubs = (merge_regions(graph, area, means, hub_degree=degree) for degree in (10**6, 24))
    for scale in (100.0, 300.0, 1000.0, 3000.0):
        assert saving(hubs, scale) == pytest.approx(saving(exact, scale), rel=0.01)


def saving(tree, scale):
    """Return how much D + λ·C falls from the leaves to the optimal cut."""
    merged = persistent_scales(tree) <= scale
    return float((scale * tree.lengths[merged] - tree.gains[merged]).sum())


def test_a_constant_sea_with_islands_is_merged():
    """Ten thousand islands in one region: each merge of the sea would look at them all."""
    image = np.full((1, 400, 400), 50, np.uint8)
    image[0, 1::4, 1::4] = np.random.default_rng(0).integers(100, 200, (100, 100))
    leaves = np.zeros((400, 400), np.int32)
    leaves[1::4, 1::4] = np.arange(1, 10001).reshape(100, 100)
    graph, area, means = start(image, leaves, 10001)
    tree = merge_regions(graph, area, means)
    assert tree.left.size == 10000
    costs = tree.gains / tree.lengths
    assert np.all(costs[1:] >= 0.98 * np.maximum.accumulate(costs)[:-1]), "islands join in order of contrast"


def halves():
    """Two constant lands that a river of noise parts: hubs that meet only once it has run dry."""
    image = np.full((1, 300, 601), 50, np.uint8)
    image[0, :, 300] = np.random.default_rng(1).integers(60, 255, 300)
    return image


def seas():
    """Islands in two seas side by side."""
    image = np.full((1, 90, 180), 50, np.uint8)
    image[0, 1::3, 1::3] = np.random.default_rng(2).integers(60, 255, (30, 60))
    image[0, :, 90:] = 255 - image[0, :, 90:]
    return image


def comb():
    """Constant columns and columns of noise: each pixel of noise lies between two hubs."""
    image = np.full((1, 300, 40), 10, np.uint8)
    image[0, :, ::2] = np.random.default_rng(3).integers(0, 255, (300, 20))
    return image


@pytest.mark.parametrize("make", [halves, seas, comb])
@pytest.mark.parametrize("hub_degree", [256, 16])
def test_hubs_forget_no_boundary_and_cost_next_to_no_energy(make, hub_degree):
    image = make()
    leaves, count = flat_zones_of(image)
    graph, area, means = start(image, leaves, count)
    exact, hubs = (merge_regions(graph, area, means, hub_degree=degree) for degree in (10**6, hub_degree))
    assert hubs.left.size == count - 1
    for scale in (10.0, 100.0, 1000.0, 1e4, 1e6):
        assert saving(hubs, scale) == pytest.approx(saving(exact, scale), rel=0.001)
