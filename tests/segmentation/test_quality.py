"""Picks against trying every set of picks, and the measures of partitions against their definitions."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from segmentation_oracles import PIXELS, fields, hierarchy_of, images, masks, pixel_energy, scene, signed

from workbench.errors import HierarchyError
from workbench.segmentation.hierarchy import NODATA_LEAF, SegmentationParameters
from workbench.segmentation.picks import cheapest_cut, cheapest_painting, count_classes, pick_tree
from workbench.segmentation.quality import boundary_length, evaluate, nested_picks, optimal_energy

BASINS = SegmentationParameters(smoothing=0.65)


@pytest.fixture(scope="module")
def judged():
    """A scene with a river of nodata, and its truth with a strip of unknown pixels."""
    valid = np.ones((64, 64), np.bool_)
    valid[28:31] = False
    truth = fields(6, side=64)
    truth[:, 20:25] = 0
    return hierarchy_of(scene(6, side=64), BASINS, valid=valid), truth


def pickable_nodes(hierarchy):
    """Return every node that some pixel and some scale lead to, outer ones first."""
    places = np.argwhere(hierarchy.leaves != NODATA_LEAF).tolist()
    scales = [0.0, *np.unique(hierarchy.s[np.isfinite(hierarchy.s)]).tolist()]
    nodes = {hierarchy.node_at(row, col, scale) for row, col in places for scale in scales}
    return sorted(nodes, key=lambda node: (node.first, -node.stop))


def tree_of(hierarchy, truth):
    classes = truth.astype(np.int32)
    return pick_tree(hierarchy.s, count_classes(hierarchy.leaves, classes, (hierarchy.leaf_count, 2)))


def lower_hull(points):
    """Return the vertices of the lower left hull of (picks, errors), few picks last."""
    best = {}
    for picks, errors in points:
        best[picks] = min(errors, best.get(picks, errors))
    hull = []
    for picks, errors in sorted(best.items()):
        if hull and errors >= hull[-1][1]:
            continue
        while len(hull) > 1 and (hull[-1][0] - hull[-2][0]) * (errors - hull[-2][1]) <= (
            picks - hull[-2][0]
        ) * (hull[-1][1] - hull[-2][1]):
            hull.pop()
        hull.append((picks, errors))
    return hull[::-1]


@st.composite
def tiny_cases(draw):
    image = draw(images(most_side=3, most_value=9))[:, :2]
    valid = draw(masks(image.shape[1:]))
    flipped = draw(arrays(np.bool_, image.shape[1:], elements=st.sampled_from([False, False, True])))
    truth = ((image[0] > draw(st.integers(0, 8))) ^ flipped).astype(np.int8)
    return hierarchy_of(image, PIXELS, valid=valid), truth


@settings(max_examples=40, deadline=None)
@given(tiny_cases())
def test_nested_picks_are_the_fewest_of_all_sets_of_picks(case):
    hierarchy, truth = case
    nodes = pickable_nodes(hierarchy)
    choices = np.array(list(itertools.product((-1, 0, 1), repeat=len(nodes))), np.int8)
    picks = np.count_nonzero(choices >= 0, axis=1)
    errors = np.zeros(len(choices), int)
    for row, col in np.argwhere(hierarchy.leaves != NODATA_LEAF).tolist():
        painted = np.full(len(choices), -1)
        for column, node in enumerate(nodes):
            if node.first <= hierarchy.leaves[row, col] < node.stop:
                painted = np.where(choices[:, column] >= 0, choices[:, column], painted)
        errors += painted != truth[row, col]
    compare(lower_hull(zip(picks.tolist(), errors.tolist(), strict=True)), case, cheapest_painting)


@settings(max_examples=40, deadline=None)
@given(tiny_cases())
def test_disjoint_picks_are_the_fewest_of_all_cuts(case):
    hierarchy, truth = case

    def cost(node):
        known = truth[(hierarchy.leaves >= node.first) & (hierarchy.leaves < node.stop)]
        return 1, int(min((known == 0).sum(), (known == 1).sum()))

    pickable = set(pickable_nodes(hierarchy))

    def cuts(node):
        found = [cost(node)]
        children = hierarchy.children(node)
        if children and pickable.issuperset(children):
            for parts in itertools.product(*map(cuts, children)):
                found.append((sum(p for p, _ in parts), sum(e for _, e in parts)))
        return found

    roots = [node for node in pickable if hierarchy.parent(node) is None]
    points = [
        (sum(p for p, _ in parts), sum(e for _, e in parts)) for parts in itertools.product(*map(cuts, roots))
    ]
    compare(lower_hull(points), case, cheapest_cut)


def compare(hull, case, cheapest):
    """Check that each number of allowed errors leads to the first hull vertex within it."""
    tree = tree_of(*case)
    for most_errors in range(case[1].size + 1):
        expected = next(((picks, errors) for picks, errors in hull[::-1] if errors <= most_errors), None)
        found = cheapest(tree, most_errors)
        assert (None if found is None else (found.picks, found.errors)) == expected


@pytest.mark.parametrize("accuracy", [0.5, 0.8, 0.9, 0.95, 0.97])
def test_replayed_picks_reach_the_promised_accuracy(judged, accuracy):
    hierarchy, truth = judged
    picks = nested_picks(hierarchy, truth, accuracy=accuracy, ignore=0)
    labels = np.zeros(truth.shape, np.uint8)
    for pick in picks:
        node = hierarchy.node_at(pick.row, pick.col, pick.scale)
        assert node.scale == pick.scale
        window, mask = hierarchy.mask(node)
        labels[window.slices][mask] = pick.value
    known = (truth != 0) & (hierarchy.leaves != NODATA_LEAF)
    reached = float((labels == truth)[known].mean())
    assert reached >= accuracy
    counts = evaluate(hierarchy, truth, ignore=0, targets=[accuracy]).picks[0]
    assert len(picks) == counts.nested
    tree_errors = round((1 - reached) * known.sum())
    painting = cheapest_painting(known_tree(hierarchy, truth), int((1 - accuracy) * known.sum() + 1e-6))
    assert painting.errors == tree_errors, "what is painted is what was promised"


def known_tree(hierarchy, truth):
    classes = truth.astype(np.int32) - 1
    return pick_tree(hierarchy.s, count_classes(hierarchy.leaves, classes, (hierarchy.leaf_count, 4)))


def test_outer_picks_come_before_those_inside_them(judged):
    hierarchy, truth = judged
    nodes = [hierarchy.node_at(p.row, p.col, p.scale) for p in nested_picks(hierarchy, truth, 0.97, ignore=0)]
    for early, late in itertools.combinations(nodes, 2):
        assert not (late.first <= early.first and early.stop <= late.stop), "nothing is painted over whole"


def test_hierarchies_need_fewer_picks_than_one_scale(judged):
    for counts in evaluate(*judged, ignore=0, targets=(0.8, 0.9, 0.95)).picks:
        assert counts.nested <= counts.disjoint <= counts.single_scale


@pytest.mark.parametrize("target", [0.8, 0.9, 0.95])
def test_single_scale_is_the_coarsest_cut_that_reaches_the_target(judged, target):
    hierarchy, truth = judged
    known = (truth != 0) & (hierarchy.leaves != NODATA_LEAF)
    expected = None
    for scale in [0.0, *np.unique(hierarchy.s[np.isfinite(hierarchy.s)]).tolist()]:
        labels = hierarchy.cut(scale).labels()
        regions = np.unique(labels[known])
        right = sum(np.bincount(truth[known & (labels == region)]).max() for region in regions)
        if right >= target * known.sum() - 1e-6:
            expected = regions.size
    assert evaluate(hierarchy, truth, ignore=0, targets=[target]).picks[0].single_scale == expected


def test_leaves_that_no_cut_parts_are_picked_together():
    hierarchy = hierarchy_of(np.array([[[10, 50, 90]]], np.uint8))
    hierarchy = dataclasses.replace(hierarchy, s=np.array([np.inf, 0.0, 5.0], np.float32))
    truth = np.array([[1, 2, 1]])
    assert [counts.nested for counts in evaluate(hierarchy, truth, targets=[0.6, 1.0]).picks] == [1, None]
    with pytest.raises(HierarchyError, match=r"picks reach 0\.6667"):
        nested_picks(hierarchy, truth, 1.0)


def test_targets_out_of_reach_are_null_and_refused(judged):
    hierarchy, truth = judged
    noisy = np.random.default_rng(0).integers(1, 5, truth.shape)
    counts = evaluate(hierarchy, noisy, targets=[0.99]).picks[0]
    assert (counts.nested, counts.disjoint, counts.single_scale) == (None, None, None)
    with pytest.raises(HierarchyError, match=r"picks reach 0\.\d+ of the truth at most, not 0.99"):
        nested_picks(hierarchy, noisy, 0.99)


def test_partition_measures_follow_their_definitions(judged):
    hierarchy, truth = judged
    known = (truth != 0) & (hierarchy.leaves != NODATA_LEAF)
    evaluation = evaluate(hierarchy, truth, ignore=0)
    assert evaluation.pixels == known.sum()
    assert evaluation.values == (1, 2, 3, 4)
    assert len(evaluation.partitions) >= 3
    for part in evaluation.partitions:
        labels = hierarchy.cut(part.scale).labels()
        right = wrong = 0
        for region in np.unique(labels[known]):
            inside = truth[known & (labels == region)]
            shares = np.bincount(inside, minlength=5)[1:]
            right += shares.max()
            wrong += np.minimum(shares, inside.size - shares).sum()
        assert part.regions == hierarchy.cut(part.scale).count
        assert part.achievable_accuracy == pytest.approx(right / known.sum())
        assert part.undersegmentation_error == pytest.approx(wrong / known.sum())
        wanted = edge_pixels(truth, known)
        found = edge_pixels(labels, np.ones_like(known))
        near = [np.abs(found - at).max(axis=1).min() <= 2 for at in wanted]
        assert part.boundary_recall == pytest.approx(np.mean(near))


def edge_pixels(labels, known):
    places = []
    for row, col in np.ndindex(labels.shape):
        for r, c in ((row, col + 1), (row + 1, col)):
            inside = r < labels.shape[0] and c < labels.shape[1]
            if inside and known[row, col] and known[r, c] and labels[r, c] != labels[row, col]:
                places.append((row, col))
                break
    return np.array(places)


def test_a_truth_of_one_class_needs_one_pick_per_part(judged):
    hierarchy, truth = judged
    evaluation = evaluate(hierarchy, np.full(truth.shape, 7))
    assert [counts.nested for counts in evaluation.picks] == [2, 2, 2], "nodata parts the image in two"
    assert evaluation.partitions[0].boundary_recall is None
    assert evaluation.partitions[0].achievable_accuracy == 1.0


def test_the_document_is_json_and_the_text_has_a_line_per_figure(judged):
    evaluation = evaluate(*judged, ignore=0)
    document = json.loads(json.dumps(evaluation.document()))
    assert set(document["picks"]) == {"90", "95", "98"}
    assert set(document["picks"]["90"]) == {"nested", "disjoint", "single_scale"}
    assert len(document["partitions"]) == len(evaluation.partitions)
    assert len(evaluation.text().splitlines()) == 2 + 3 + 1 + len(evaluation.partitions)


@pytest.mark.parametrize(
    ("truth", "options", "reason"),
    [
        (np.zeros((64, 63), np.uint8), {}, r"truth has \(64, 63\) pixels, the hierarchy \(64, 64\)"),
        (np.zeros((64, 64)), {}, "truth is float64"),
        (np.zeros((64, 64), np.uint8), {"ignore": 0}, "no pixel of known class"),
        (np.ones((64, 64), np.uint8), {"targets": [95]}, "accuracy is 95; give a share"),
    ],
    ids=["shape", "float", "unknown", "percent"],
)
def test_truths_that_cannot_be_compared_are_refused(judged, truth, options, reason):
    with pytest.raises(HierarchyError, match=reason):
        evaluate(judged[0], truth, **options)


def test_energies_are_those_of_the_pixels():
    image = scene(8, side=40)
    hierarchy = hierarchy_of(image, BASINS)
    for scale in (0.0, 100.0, 1000.0, 1e5):
        labels = hierarchy.cut(scale).labels()
        rise, length = pixel_energy(image, signed(labels))
        assert boundary_length(labels) == length
        assert optimal_energy(hierarchy, scale) == pytest.approx(rise + scale * length)
