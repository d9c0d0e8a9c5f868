"""Quick merging: what it may and may not merge, and that its trees are trees with true gains."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from segmentation_oracles import images, masks, pixel_leaves, scene

from workbench.segmentation.climbing import merge_all
from workbench.segmentation.graph import leaf_statistics, region_graph
from workbench.segmentation.merging import merge_regions
from workbench.segmentation.premerging import absorb, swarm_of
from workbench.segmentation.scales import persistent_scales
from workbench.segmentation.swarm import surviving_graph, survivors


def start(image, valid=None):
    valid = np.ones(image.shape[1:], np.bool_) if valid is None else valid
    leaves, count = pixel_leaves(valid)
    area, sums, squares = leaf_statistics(image, leaves, count)
    return leaves, region_graph(leaves, count), area, np.ascontiguousarray((sums / area).T), squares


def merged(graph, area, means, scale, keep=None, ends=None):
    swarm = swarm_of(graph, area, means.astype(np.float32), region_cost=0)
    keep = np.zeros(area.size, np.bool_) if keep is None else keep
    swarm, made = absorb(swarm, scale, ends=np.array([area.size]) if ends is None else ends, keep=keep)
    ids, count = survivors(swarm)
    assert count == area.size - made
    return swarm, ids, count


@settings(max_examples=60)
@given(st.data())
def test_survivors_are_connected_and_their_graph_is_that_of_their_labels(data):
    image = data.draw(images(most_side=9, most_value=60))
    valid = data.draw(masks(image.shape[1:]))
    leaves, graph, area, means, _ = start(image, valid)
    scale = data.draw(st.sampled_from([0.0, 5.0, 100.0, 1e9]))
    swarm, ids, count = merged(graph, area, means, scale)
    labels = np.where(leaves >= 0, ids[leaves], -1).astype(np.int32)
    expected, found = region_graph(labels, count), surviving_graph(swarm, ids, count)
    assert np.array_equal(found.offsets, expected.offsets)
    for a, b in zip(found.offsets[:-1], found.offsets[1:], strict=True):
        rows = [
            sorted(zip(one.neighbours[a:b].tolist(), one.lengths[a:b].tolist(), strict=True))
            for one in (found, expected)
        ]
        assert rows[0] == rows[1]
    if scale == 1e9:
        assert np.all(np.diff(found.offsets) == 0), "whatever touches is merged in the end"


def test_what_is_kept_is_neither_merged_nor_forgotten():
    image = scene(1, side=40)
    _, graph, area, means, _ = start(image)
    keep = np.zeros(1600, np.bool_)
    keep[::7] = True
    _, ids, _ = merged(graph, area, means, 1e4, keep=keep)
    sizes = np.bincount(ids)
    assert np.all(sizes[ids[keep]] == 1)
    assert sizes.max() > 1


@pytest.mark.parametrize("scale", [20.0, 200.0])
def test_groups_change_the_order_and_little_else(scale):
    image = scene(3, side=64, noise=8.0)
    _, graph, area, means, _ = start(image)
    one = merged(graph, area, means, scale)[2]
    many = merged(graph, area, means, scale, ends=np.arange(64, 4097, 64))[2]
    assert many == pytest.approx(one, rel=0.1)


@settings(max_examples=40)
@given(st.data())
def test_rounds_give_whole_trees_with_true_gains_and_lengths(data):
    image = data.draw(images(most_side=8, most_value=200))
    valid = data.draw(masks(image.shape[1:]))
    leaves, graph, area, means, _ = start(image, valid)
    tree = merge_all(graph, area, means, region_cost=0, queued=data.draw(st.integers(0, 10)))
    exact = merge_regions(graph, area, means)
    assert tree.left.size == exact.left.size
    nodes = tree.leaves + np.arange(tree.left.size)
    assert np.all(tree.left < nodes)
    assert np.all(tree.right < nodes)
    assert np.unique(np.concatenate([tree.left, tree.right])).size == 2 * tree.left.size
    assert tree.gains.sum() == pytest.approx(exact.gains.sum(), rel=1e-9)
    assert tree.lengths.sum() == exact.lengths.sum()
    inside = [{leaf} for leaf in range(tree.leaves)]
    for left, right, gain, length in zip(tree.left, tree.right, tree.gains, tree.lengths, strict=True):
        assert min(inside[left]) < min(inside[right])
        values = [means[sorted(inside[node])] for node in (left, right)]
        apart = sum(((part - part.mean(axis=0)) ** 2).sum() for part in values)
        both = np.concatenate(values)
        assert gain == pytest.approx(((both - both.mean(axis=0)) ** 2).sum() - apart, abs=1e-6)
        assert length == shared_edgels(leaves, inside[left], inside[right])
        inside.append(inside[left] | inside[right])


def shared_edgels(leaves, one, other):
    count = 0
    for here, there in ((leaves[:, :-1], leaves[:, 1:]), (leaves[:-1], leaves[1:])):
        for a, b in zip(here.ravel().tolist(), there.ravel().tolist(), strict=True):
            count += (a in one and b in other) or (b in one and a in other)
    return count


def test_rounds_cost_what_the_exact_order_costs():
    image = scene(5, side=160, noise=8.0)
    _, graph, area, means, _ = start(image)
    energies = []
    for queued in (10**6, 200):
        tree = merge_all(graph, area, means, region_cost=0, queued=queued)
        scales = persistent_scales(tree)
        energies.append(
            [
                tree.gains[scales <= at].sum() - at * tree.lengths[scales <= at].sum() + at * 2 * area.sum()
                for at in (30.0, 100.0, 300.0, 1000.0, 3000.0)
            ]
        )
    assert energies[1] == pytest.approx(energies[0], rel=0.003)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((2, 300, 300), np.uint8),
        (np.random.default_rng(0).random((1, 300, 300)) < 0.7).astype(np.uint8) * 200,
        np.tile(np.arange(2, dtype=np.uint8) * 99, (1, 300, 150)),
        np.full((1, 300, 300), 3, np.uint16) * (np.arange(300)[:, None] % 2).astype(np.uint16)[None],
        np.random.default_rng(1).integers(0, 255, (3, 1, 5000), dtype=np.uint8),
    ],
    ids=["constant", "salt and pepper", "stripes", "comb", "one row"],
)
def test_images_that_make_hubs_and_chains_are_merged(image):
    _, graph, area, means, _ = start(image)
    tree = merge_all(graph, area, means, region_cost=0, queued=100)
    assert tree.left.size == area.size - 1
    assert np.all(np.diff(np.sort(persistent_scales(tree))) >= 0)
