"""Picks against trying every set of picks, and the measures of partitions against their definitions."""

from __future__ import annotations

import dataclasses
import itertools
import json

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from segmentation_oracles import PIXELS, fields, hierarchy_of, images, masks, pixel_energy, scene, signed

from workbench.documents import shipped
from workbench.errors import HierarchyError
from workbench.segmentation.hierarchy import NODATA_LEAF, SegmentationParameters
from workbench.segmentation.partition_measures import (
    boundary_length,
    boundary_precision,
    boundary_recall,
    class_agreement,
    squared_differences,
    true_boundary,
)
from workbench.segmentation.picks import cheapest_cut, cheapest_painting, count_classes, pick_tree
from workbench.segmentation.quality import (
    distortion,
    evaluate,
    nested_picks,
    optimal_energy,
    reachable_accuracy,
)

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


def tree_of(hierarchy, truth, begun=None):
    classes, right = truth.astype(np.int32), None
    if begun is not None:
        right = np.bincount(
            hierarchy.leaves[(hierarchy.leaves != NODATA_LEAF) & (begun == truth)],
            minlength=hierarchy.leaf_count,
        )
    return pick_tree(hierarchy.s, count_classes(hierarchy.leaves, classes, (hierarchy.leaf_count, 2)), right)


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


@settings(max_examples=40)
@given(tiny_cases(), st.data())
def test_nested_picks_are_the_fewest_of_all_sets_of_picks(case, data):
    hierarchy, truth = case
    begun = data.draw(arrays(np.int8, truth.shape, elements=st.sampled_from([-1, -1, 0, 1])))
    nodes = pickable_nodes(hierarchy)
    choices = np.array(list(itertools.product((-1, 0, 1), repeat=len(nodes))), np.int8)
    picks = np.count_nonzero(choices >= 0, axis=1)
    errors = np.zeros(len(choices), int)
    for row, col in np.argwhere(hierarchy.leaves != NODATA_LEAF).tolist():
        painted = np.full(len(choices), begun[row, col])
        for column, node in enumerate(nodes):
            if node.first <= hierarchy.leaves[row, col] < node.stop:
                painted = np.where(choices[:, column] >= 0, choices[:, column], painted)
        errors += painted != truth[row, col]
    hull = lower_hull(zip(picks.tolist(), errors.tolist(), strict=True))
    compare(hull, tree_of(hierarchy, truth, begun), cheapest_painting, truth.size)


@settings(max_examples=40)
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
    compare(lower_hull(points), tree_of(hierarchy, truth), cheapest_cut, truth.size)


def compare(hull, tree, cheapest, pixels):
    """Check that each number of allowed errors leads to the first hull vertex within it."""
    for most_errors in range(pixels + 1):
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
    most = reachable_accuracy(hierarchy, noisy)
    labels = np.zeros_like(noisy)
    for pick in nested_picks(hierarchy, noisy, most):
        window, mask = hierarchy.mask(hierarchy.node_at(pick.row, pick.col, pick.scale))
        labels[window.slices][mask] = pick.value
    known = hierarchy.leaves != NODATA_LEAF
    assert (labels == noisy)[known].mean() == pytest.approx(most)
    with pytest.raises(HierarchyError, match=f"{most:.4f} of the truth at most"):
        nested_picks(hierarchy, noisy, most + 2 / noisy.size)
    assert reachable_accuracy(hierarchy, noisy, begun=noisy) == 1


def slow_measures(labels, classes):
    """Return ASA, UE, boundary recall and precision by their definitions, pixel by pixel; −1 is none."""
    known = (classes >= 0) & (labels >= 0)
    right = wrong = 0
    for region in np.unique(labels[known]):
        for value in np.unique(classes[known]):
            inside = int(((labels == region) & (classes == value) & known).sum())
            outside = int(((labels == region) & (classes != value) & known).sum())
            wrong += min(inside, outside)
        right += np.bincount(classes[known & (labels == region)]).max()
    wanted = edge_pixels(classes, classes >= 0)
    recall = share_near(wanted, edge_pixels(labels, labels >= 0))
    precision = share_near(edge_pixels(labels, known), wanted)
    return right / known.sum(), wrong / known.sum(), recall, precision


def edge_pixels(labels, known):
    places = []
    for row, col in np.ndindex(labels.shape):
        for r, c in ((row, col + 1), (row + 1, col)):
            inside = r < labels.shape[0] and c < labels.shape[1]
            if inside and known[row, col] and known[r, c] and labels[r, c] != labels[row, col]:
                places.append((row, col))
                break
    return places


def share_near(places, others):
    near = [any(max(abs(r - y), abs(c - x)) <= 2 for y, x in others) for r, c in places]
    return float(np.mean(near)) if near else None


def test_partition_measures_follow_their_definitions(judged):
    hierarchy, truth = judged
    known = (truth != 0) & (hierarchy.leaves != NODATA_LEAF)
    evaluation = evaluate(hierarchy, truth, ignore=0)
    assert evaluation.pixels == known.sum()
    assert evaluation.values == (1, 2, 3, 4)
    assert len(evaluation.partitions) >= 3
    assert evaluation.partitions[0].regions == hierarchy.cut(0.0).count
    classes = np.where(known, truth, 0).astype(np.int32) - 1
    image = scene(6, side=64)
    one_region = pixel_energy(image, np.where(hierarchy.leaves == NODATA_LEAF, -1, 0))[0]
    for part in evaluation.partitions:
        cut = hierarchy.cut(part.scale)
        labels = signed(cut.labels())
        rise, length = pixel_energy(image, labels)
        accuracy, error, recall, precision = slow_measures(labels, classes)
        assert part.regions == cut.count
        assert part.achievable_accuracy == pytest.approx(accuracy)
        assert part.undersegmentation_error == pytest.approx(error)
        assert part.boundary_recall == pytest.approx(recall)
        assert part.boundary_precision == pytest.approx(precision)
        assert part.distortion == pytest.approx(rise)
        assert part.boundary_length == length
        assert part.explained_variation == pytest.approx(1 - rise / one_region)


@st.composite
def tiny_partitions(draw):
    """Draw two label images of one shape, −1 where there is no region and where no class is known."""
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 7)))
    labels = draw(arrays(np.int64, shape, elements=st.sampled_from([-1, 0, 0, 0, 1, 1, 2])))
    classes = draw(arrays(np.int32, shape, elements=st.sampled_from([-1, 0, 0, 0, 1])))
    classes[labels < 0] = -1
    return labels, classes


@settings(max_examples=60)
@given(tiny_partitions())
def test_measures_of_any_partition_follow_their_definitions(case):
    labels, classes = case
    regions = labels.astype(np.uint32)
    if (classes >= 0).any():
        accuracy, error, recall, precision = slow_measures(labels, classes)
        counts = count_classes(regions, classes, (3, 2))
        agreement = class_agreement(np.arange(3, dtype=np.uint32), counts)
        assert agreement.right / (classes >= 0).sum() == pytest.approx(accuracy)
        assert agreement.wrong / (classes >= 0).sum() == pytest.approx(error)
        assert boundary_recall(regions, true_boundary(classes)) == pytest.approx(recall)
        assert boundary_precision(regions, true_boundary(classes)) == pytest.approx(precision)
    assert boundary_length(regions) == pixel_energy(np.zeros((1, *labels.shape)), labels)[1]


def test_a_partition_equal_to_the_truth_has_full_recall_and_precision(judged):
    truth = judged[1].astype(np.int32)
    truth[28:31] = 0
    boundary = true_boundary(truth - 1)
    labels = (truth - 1).astype(np.uint32)
    assert (labels == NODATA_LEAF).any()
    assert boundary_recall(labels, boundary) == 1.0
    assert boundary_precision(labels, boundary) == 1.0
    finer = labels * 100 + (np.indices(labels.shape)[1] // 4).astype(np.uint32)
    finer[labels == NODATA_LEAF] = NODATA_LEAF
    assert boundary_recall(finer, boundary) == 1.0
    assert boundary_precision(finer, boundary) < 0.9
    assert boundary_precision(np.zeros_like(labels), boundary) is None


def test_one_region_explains_nothing_and_single_pixels_everything():
    image = scene(8, side=40)
    truth = fields(8, side=40)
    whole = evaluate(hierarchy_of(image, SegmentationParameters(band_weights=(1.0, 0.0, 3.0))), truth)
    assert whole.partitions[-1].explained_variation < whole.partitions[0].explained_variation < 1.0
    hierarchy = hierarchy_of(image, PIXELS)
    single = evaluate(hierarchy, truth).partitions[0]
    assert (single.distortion, single.explained_variation, single.achievable_accuracy) == (0.0, 1.0, 1.0)
    coarse = dataclasses.replace(hierarchy, s=np.where(np.isinf(hierarchy.s), np.inf, 0).astype(np.float32))
    one = evaluate(coarse, truth).partitions
    assert [part.regions for part in one] == [1]
    assert one[0].explained_variation == 0.0
    assert one[0].boundary_precision is None
    flat = evaluate(hierarchy_of(np.full_like(image, 7)), truth).partitions[0]
    assert (flat.distortion, flat.explained_variation) == (0.0, None)


@settings(max_examples=40)
@given(st.data())
def test_differences_from_leaf_sums_are_those_of_the_pixels(data):
    """Also on a mean of 50,000, and where the means of leaves lie far apart."""
    image = data.draw(images(most_side=5, most_value=9)).astype(np.float64)
    image += data.draw(st.sampled_from([0, 50_000]))
    leaves = data.draw(arrays(np.int64, image.shape[1:], elements=st.integers(0, 5)))
    image += data.draw(st.sampled_from([0, 10_000])) * (leaves % 2)
    leaves = np.unique(leaves, return_inverse=True)[1].reshape(leaves.shape)
    lut = np.cumsum(data.draw(arrays(np.bool_, int(leaves.max()) + 1))).astype(np.uint32)
    flat, bands = leaves.ravel(), image.reshape(image.shape[0], -1)
    found = squared_differences(
        lut,
        np.bincount(flat).astype(np.uint32),
        np.array([np.bincount(flat, band) for band in bands]),
        np.array([np.bincount(flat, band**2) for band in bands]),
    )
    direct = [pixel_energy(band[None], lut[leaves].astype(np.int64))[0] for band in image]
    assert found == pytest.approx(direct, rel=1e-9, abs=1e-4)


@pytest.mark.parametrize(
    ("dtype", "mean", "unit"), [("uint16", 60_000, 1), ("float32", 2_000, 0.02)], ids=str
)
def test_small_differences_on_a_large_mean_are_not_lost(dtype, mean, unit):
    """A height of 2 km with noise of centimetres, a bright band of 16 bits."""
    image = (mean + unit * (scene(2, side=40, noise=1.0).astype(np.float64) - 100)).astype(dtype)
    hierarchy = hierarchy_of(image, BASINS)
    for scale in (0.0, 0.3, 100.0):
        rise, _ = pixel_energy(image, signed(hierarchy.cut(scale).labels()))
        assert distortion(hierarchy, hierarchy.cut(scale)) == pytest.approx(rise, rel=1e-6)


@pytest.mark.parametrize("parameters", [PIXELS, BASINS], ids=["pixels", "basins"])
def test_finer_cuts_are_closer_to_the_pixels_and_have_longer_boundaries(parameters):
    hierarchy = hierarchy_of(scene(4), parameters)
    cuts = [hierarchy.cut_count(count) for count in (1, 3, 10, 30, 100, 300)]
    differences = [distortion(hierarchy, cut) for cut in cuts]
    lengths = [boundary_length(cut.labels()) for cut in cuts]
    assert differences == sorted(differences, reverse=True)
    assert lengths == sorted(lengths)
    assert lengths[0] == 0


@pytest.mark.parametrize("seed", range(3))
def test_the_least_energy_rises_with_scale_and_is_concave(seed):
    hierarchy = hierarchy_of(scene(seed), PIXELS)
    scales = np.array([0.0, *np.geomspace(1.0, 1e6, 40)])
    energies = np.array([optimal_energy(hierarchy, scale) for scale in scales])
    slopes = np.diff(energies) / np.diff(scales)
    assert (np.diff(energies) >= 0).all()
    assert (np.diff(slopes) <= 1e-6 * slopes[:-1]).all()


def test_energies_are_told_at_fixed_scales_with_their_regions(judged):
    hierarchy, truth = judged
    energies = evaluate(hierarchy, truth, ignore=0).energies
    assert [energy.scale for energy in energies] == [30, 100, 300, 1000, 3000, 10000]
    for energy in energies:
        assert energy.regions == hierarchy.cut(energy.scale).count
        assert energy.energy == optimal_energy(hierarchy, energy.scale)


def test_a_truth_of_one_class_needs_one_pick_per_part(judged):
    hierarchy, truth = judged
    evaluation = evaluate(hierarchy, np.full(truth.shape, 7))
    assert [counts.nested for counts in evaluation.picks] == [2, 2, 2], "nodata parts the image in two"
    assert evaluation.partitions[0].boundary_recall is None
    assert evaluation.partitions[0].achievable_accuracy == 1.0


def test_the_document_follows_its_schema(judged):
    evaluation = evaluate(*judged, ignore=0)
    document = json.loads(json.dumps(evaluation.document(), allow_nan=False))
    assert set(document["picks"]) == {"90", "95", "98"}
    assert set(document["picks"]["90"]) == {"nested", "disjoint", "single_scale"}
    assert len(document["partitions"]) == len(evaluation.partitions)
    schema = json.loads((shipped("schema") / "outputs" / "hierarchy-evaluate.schema.json").read_bytes())
    head = {"format": "ocs-workbench/hierarchy-evaluate", "format_version": 1}
    jsonschema.validate({**head, "path": "h.h5", "truth": "t.tif", **document}, schema)


def test_the_text_has_a_line_per_figure_and_fits_a_terminal(judged):
    evaluation = evaluate(*judged, ignore=0)
    lines = evaluation.text().splitlines()
    tables = [list(block) for filled, block in itertools.groupby(lines, key=bool) if filled]
    sizes = [1, 1 + 3, 1 + len(evaluation.partitions), 1 + len(evaluation.energies), 3]
    assert [len(table) for table in tables] == sizes
    for table in tables[1:4]:
        assert len({len(line) for line in table}) == 1, "columns are aligned"
    assert tables[2][0].split() == ["regions", "scale", "D", "L", "EV", "ASA", "UE", "BR", "BP"]
    huge = dataclasses.replace(
        evaluation.partitions[0], regions=22_090_000, scale=1.234e-05, boundary_length=44_170_600
    )
    long = dataclasses.replace(evaluation, partitions=(huge,), pixels=22_090_000)
    assert max(map(len, long.text().splitlines())) <= 110


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
