"""Persistent scales against the optimum over all cuts of a tree and over all partitions of an image."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from segmentation_oracles import (
    PIXELS,
    connected_partitions,
    hierarchy_of,
    images,
    masks,
    node_leaves,
    pixel_energy,
    pixel_leaves,
    tree_cuts,
)

from workbench.segmentation.graph import leaf_statistics, region_graph
from workbench.segmentation.merging import MergeTree, merge_regions
from workbench.segmentation.quality import optimal_energy
from workbench.segmentation.scales import leaf_order, persistent_scales

SCALES = [0.0, 0.01, 0.1, 0.3, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0, 30.0, 100.0, 1e6]


@settings(max_examples=40)
@given(st.data())
def test_each_cut_is_the_best_of_all_cuts_of_the_tree(data):
    image = data.draw(images(most_side=3, most_value=9))
    valid = data.draw(masks(image.shape[1:]))
    weights = np.array(data.draw(st.lists(st.sampled_from([0.5, 1.0, 3.0]), min_size=3, max_size=3)))
    weights = weights[: image.shape[0]]
    leaves, count = pixel_leaves(valid)
    area, sums, _ = leaf_statistics(image, leaves, count)
    means = sums / area * np.sqrt(weights)[:, None]
    tree = merge_regions(region_graph(leaves, count), area, np.ascontiguousarray(means.T))
    energies = []
    for cut in tree_cuts(tree):
        labels = np.full(valid.shape, -1)
        for region, node in enumerate(cut):
            labels[np.isin(leaves, node_leaves(tree, node))] = region
        energies.append(pixel_energy(image, labels, weights))
    rises, lengths = np.array(energies, dtype=np.float64).T
    rank, s = leaf_order(tree, persistent_scales(tree).astype(np.float32))
    for scale in [*SCALES, *np.unique(s[np.isfinite(s)]).tolist()]:
        regions = np.cumsum(s > np.float32(scale)) - 1
        labels = np.full(valid.shape, -1)
        labels[valid] = regions[rank[leaves[valid]]]
        rise, length = pixel_energy(image, labels, weights)
        best = (rises + scale * lengths).min()
        assert rise + scale * length == pytest.approx(best, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("shape", [(2, 3), (3, 3)], ids=str)
@pytest.mark.parametrize("seed", range(4))
def test_cuts_cost_no_less_than_the_best_partition_and_the_same_at_both_ends(shape, seed):
    image = np.random.default_rng(seed).integers(0, 12, (2, *shape), dtype=np.uint8)
    image[:, :, 0] = image[:, :1, 0]
    hierarchy = hierarchy_of(image, PIXELS)
    energies = np.array([pixel_energy(image, labels) for labels in connected_partitions(*shape)])
    best = [float((energies[:, 0] + scale * energies[:, 1]).min()) for scale in SCALES]
    found = [optimal_energy(hierarchy, scale) for scale in SCALES]
    assert all(mine >= least - 1e-4 for mine, least in zip(found, best, strict=True))
    assert found[0] == pytest.approx(best[0], abs=1e-6)
    assert found[1] == pytest.approx(best[1], abs=1e-6)
    assert found[-1] == pytest.approx(best[-1])
    assert hierarchy.cut(1e6).count == 1


def test_a_scale_is_pooled_where_the_raw_one_falls():
    """Merges of 6 per edgel, then 2 per edgel: (6 + 4) / (1 + 2) makes both visible at 10/3 only."""
    children = np.array([0, 3], np.int32), np.array([1, 2], np.int32)
    scales = persistent_scales(MergeTree(3, *children, np.array([6.0, 4.0]), np.array([1, 2])))
    assert scales == pytest.approx([10 / 3, 10 / 3])


@settings(max_examples=60)
@given(st.data())
def test_scales_never_fall_towards_the_root(data):
    leaves = data.draw(st.integers(1, 30))
    alive, left, right = list(range(leaves)), [], []
    for merge in range(data.draw(st.integers(0, leaves - 1))):
        for children in (left, right):
            children.append(alive.pop(data.draw(st.integers(0, len(alive) - 1))))
        alive.append(leaves + merge)
    gains = data.draw(st.lists(st.integers(0, 50), min_size=len(left), max_size=len(left)))
    lengths = data.draw(st.lists(st.integers(1, 5), min_size=len(left), max_size=len(left)))
    tree = MergeTree(
        leaves,
        np.array(left, np.int32),
        np.array(right, np.int32),
        np.array(gains, np.float64),
        np.array(lengths, np.int64),
    )
    scales = persistent_scales(tree)
    for merge, children in enumerate(zip(left, right, strict=True)):
        for child in children:
            assert child < leaves or scales[child - leaves] <= scales[merge]
    rank, s = leaf_order(tree, scales.astype(np.float32))
    assert sorted(rank.tolist()) == list(range(leaves))
    assert np.count_nonzero(np.isinf(s)) == len(alive)
    for node in range(leaves, leaves + len(left)):
        places = sorted(rank[node_leaves(tree, node)].tolist())
        assert places == list(range(places[0], places[0] + len(places))), "a node is an interval"
        assert s[places[0] + 1 : places[-1] + 1].max() == np.float32(scales[node - leaves])
