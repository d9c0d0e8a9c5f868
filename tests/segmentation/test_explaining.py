"""Explanations of predictions, against all cuts that there are of small trees."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from segmentation_oracles import hierarchy_of

from workbench.errors import HierarchyError
from workbench.segmentation import picks
from workbench.segmentation.explaining import UNEXPLAINED, explain, gather_mass


def nodes_of(s):
    """Return the nodes that some cut has, roots included, as (first, stop)."""
    scales = [0.0, *sorted({float(one) for one in s if np.isfinite(one)})]
    found = set()
    for scale in scales:
        starts = [*np.flatnonzero(s > scale).tolist(), s.size]
        found |= set(itertools.pairwise(starts))
    return sorted(found)


def least_cost(s, mass, price):
    """Return the least of pixels contradicted plus price times regions, of all cuts and all classes."""
    nodes, best = nodes_of(s), np.inf
    for count in range(1, len(nodes) + 1):
        for cut in itertools.combinations(nodes, count):
            if [leaf for first, stop in cut for leaf in range(first, stop)] != list(range(s.size)):
                continue
            parts = [mass[first:stop].sum(axis=0) for first, stop in cut]
            for columns in itertools.product(range(mass.shape[1]), repeat=count):
                costs = [
                    int(part.sum() - part[k]) + price if part.any() else 0
                    for part, k in zip(parts, columns, strict=True)
                ]
                best = min(best, sum(costs))
    return best


@st.composite
def trees(draw):
    leaves = draw(st.integers(1, 5))
    altitude = st.sampled_from([0.0, 1.0, 2.0, 3.0, np.inf])
    s = np.array([np.inf, *(draw(altitude) for _ in range(leaves - 1))], np.float32)
    classes = draw(st.integers(1, 2))
    rows = st.lists(st.integers(0, 6), min_size=classes, max_size=classes)
    return s, 255 * np.array([draw(rows) for _ in range(leaves)], np.int64)


@settings(max_examples=150)
@given(trees(), st.integers(1, 9))
def test_no_cut_explains_a_prediction_at_less_cost(tree, price):
    s, mass = tree
    found = explain(s, mass, price=price)
    cost = 255 * (found.contradicted + price * found.count)
    assert cost == least_cost(s, mass, 255 * price)


@settings(max_examples=100)
@given(st.integers(0, 10_000), st.integers(1, 60))
def test_regions_are_nodes_that_part_the_leaves_and_the_cheapest_as_picks(seed, price):
    rng = np.random.default_rng(seed)
    s = rng.integers(0, 9, 40).astype(np.float32)
    s[0] = np.inf
    mass = rng.integers(0, 255 * 20, (40, 3))
    found = explain(s, mass, price=price)
    nodes = nodes_of(s)
    for number, node in enumerate(zip(found.first.tolist(), found.stop.tolist(), strict=True)):
        assert node in nodes
        assert found.scale[number] == s[node[0] + 1 : node[1]].max(initial=0)
        assert (found.region[node[0] : node[1]] == number).all()
    assert [0, *found.stop[:-1]] == found.first.tolist()
    assert found.stop[-1] == 40
    right = mass[np.arange(40), found.column[found.region]].sum()
    assert found.contradicted * 255 == pytest.approx(int(mass.sum() - right))
    errors, count, _ = picks._cover(picks.pick_tree(s, mass), 255.0 * price)
    assert found.contradicted + price * found.count == pytest.approx(errors / 255 + price * count)


def test_a_higher_price_gives_fewer_regions_and_contradicts_more():
    rng = np.random.default_rng(3)
    s = np.concatenate([[np.inf], rng.random(999)]).astype(np.float32)
    mass = rng.integers(0, 255 * 50, (1000, 5))
    found = [explain(s, mass, price=price) for price in (1, 3, 10, 30, 100, 300, 1e5)]
    counts = [one.count for one in found]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 500
    assert counts[-1] == 1
    assert [one.contradicted for one in found] == sorted(one.contradicted for one in found)


def test_where_costs_are_equal_there_are_fewer_regions_and_the_first_class():
    s, mass = np.array([np.inf, 1], np.float32), 255 * np.array([[10, 0], [0, 5]])
    assert explain(s, mass, price=5).count == 1
    assert explain(s, mass, price=4.9).count == 2
    assert explain(s[:1], 255 * np.array([[4, 4, 4]]), price=5).column.tolist() == [0]


def test_what_is_known_of_an_island_is_painted_however_little_it_is():
    s = np.array([np.inf, np.inf, np.inf, 2], np.float32)
    mass = np.array([[0, 255 * 900], [0, 0], [1, 0], [0, 0]])
    found = explain(s, mass, price=60)
    assert found.first.tolist() == [0, 2]
    assert found.region.tolist() == [0, UNEXPLAINED, 1, 1]
    assert explain(s, np.zeros((4, 0), np.int64), price=60).count == 0


def test_leaves_that_no_cut_parts_are_one():
    s, mass = np.array([np.inf, 0, 0], np.float32), 255 * np.array([[9, 0], [0, 9], [0, 1]])
    found = explain(s, mass, price=0.1)
    assert (found.first.tolist(), found.stop.tolist(), found.column.tolist()) == ([0], [3], [1])


@pytest.mark.parametrize("rising", [True, False], ids=["rising", "falling"])
def test_a_tree_that_is_a_chain_is_explained(rising):
    chain = np.arange(1, 5000, dtype=np.float32)
    s = np.concatenate([[np.float32(np.inf)], chain if rising else chain[::-1]])
    mass = np.zeros((5000, 2), np.int64)
    mass[:, 0], mass[-2 if rising else 1] = 2550, (0, 255 * 100)
    found = explain(s, mass, price=40)
    assert found.column.tolist() == [0, 1, 0]
    assert found.first.tolist() == ([0, 4998, 4999] if rising else [0, 1, 2])


def test_masses_are_those_of_the_pixels_that_are_known():
    rng = np.random.default_rng(1)
    leaves = rng.integers(0, 6, (20, 30)).astype(np.uint32)
    leaves[leaves == 5] = UNEXPLAINED
    codes, weights = rng.choice([0, 3, 9], (20, 30)).astype(np.uint8), rng.integers(0, 256, (20, 30))
    classes, mass = gather_mass(leaves, codes, weights.astype(np.uint8), leaf_count=5)
    assert classes.tolist() == [3, 9]
    for leaf, (k, code) in itertools.product(range(5), enumerate(classes)):
        here = (leaves == leaf) & (codes == code)
        assert mass[leaf, k] == np.maximum(weights[here], 1).sum()


def test_an_image_with_noise_is_explained_by_its_two_halves():
    image = np.zeros((1, 24, 24), np.uint8)
    image[0, :, 12:] = 200
    hierarchy = hierarchy_of(image)
    rng = np.random.default_rng(0)
    codes = np.where(image[0] > 0, 7, 2).astype(np.uint8)
    codes[rng.random(codes.shape) < 0.2] = 5
    codes[0] = 0
    weights = np.full(codes.shape, 200, np.uint8)
    classes, mass = gather_mass(hierarchy.leaves, codes, weights, leaf_count=hierarchy.leaf_count)
    found = explain(hierarchy.s, mass, price=10)
    regions = found.regions(hierarchy.leaves, codes)
    assert found.count == 2
    assert (regions[0] == UNEXPLAINED).all()
    assert (classes[found.column][regions[1:]] == np.where(image[0, 1:] > 0, 7, 2)).all()


@pytest.mark.parametrize("price", [0, -1, float("nan"), float("inf"), 2.0**31, 1e18])
def test_a_price_that_is_none_or_that_no_region_is_worth_is_refused_with_its_bounds(price):
    with pytest.raises(HierarchyError, match=r"cannot be; give one above 0 and below 2,147,483,648"):
        explain(np.array([np.inf], np.float32), np.ones((1, 1), np.int64), price=price)


def test_what_does_not_fit_is_refused():
    with pytest.raises(HierarchyError, match="masses of 2 leaves do not fit a hierarchy of 1"):
        explain(np.array([np.inf], np.float32), np.ones((2, 1), np.int64), price=1)
    plane = np.zeros((2, 2), np.uint8)
    with pytest.raises(HierarchyError, match="leaves have"):
        gather_mass(np.zeros((3, 2), np.uint32), plane, plane, leaf_count=1)
