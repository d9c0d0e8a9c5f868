"""Leaves → region graph and statistics, against counting by hand and by numpy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from segmentation_oracles import scene

from workbench.segmentation.graph import leaf_statistics, region_graph


def edgels_by_pair(leaves):
    pairs = {}
    for here, there in ((leaves[:, :-1], leaves[:, 1:]), (leaves[:-1], leaves[1:])):
        for a, b in zip(here.ravel().tolist(), there.ravel().tolist(), strict=True):
            if a != b and a >= 0 and b >= 0:
                pairs[a, b] = pairs.get((a, b), 0) + 1
                pairs[b, a] = pairs.get((b, a), 0) + 1
    return pairs


@settings(max_examples=60)
@given(
    arrays(np.int32, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.integers(-1, 6)).filter(
        lambda leaves: leaves.max() >= 0
    )
)
def test_graph_holds_every_shared_edgel_once_per_side(leaves):
    count = int(leaves.max()) + 1
    graph = region_graph(leaves, count)
    found = {}
    for leaf in range(count):
        row = slice(graph.offsets[leaf], graph.offsets[leaf + 1])
        neighbours = graph.neighbours[row].tolist()
        assert len(neighbours) == len(set(neighbours)), "a neighbour stands once in a row"
        found |= {(leaf, other): n for other, n in zip(neighbours, graph.lengths[row].tolist(), strict=True)}
    assert found == edgels_by_pair(leaves)


def test_statistics_are_sums_over_the_leaf():
    image = scene(1, side=20)
    leaves = np.random.default_rng(0).integers(-1, 9, image.shape[1:]).astype(np.int32)
    area, sums, squares = leaf_statistics(image, leaves, 9)
    values = image.astype(np.float64)
    for leaf in range(9):
        inside = leaves == leaf
        assert area[leaf] == inside.sum()
        assert np.array_equal(sums[:, leaf], values[:, inside].sum(axis=1))
        assert np.array_equal(squares[:, leaf], (values[:, inside] ** 2).sum(axis=1))


def test_statistics_of_sixteen_bits_do_not_overflow():
    image = np.full((1, 300, 300), 65535, np.uint16)
    _, sums, squares = leaf_statistics(image, np.zeros((300, 300), np.int32), 1)
    assert sums[0, 0] == 65535 * 90000
    assert squares[0, 0] == 65535**2 * 90000
