"""The hierarchy: one array, from which cuts, nodes, masks and boundaries all agree."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from segmentation_oracles import PIXELS, grid_of, hierarchy_of, images, masks, scene, signed

from workbench.errors import HierarchyError
from workbench.geo.grid import Window
from workbench.geo.spans import spans_of_mask
from workbench.segmentation.building import segment
from workbench.segmentation.hierarchy import (
    NODATA_LEAF,
    Node,
    ScaleSteps,
    SegmentationParameters,
)
from workbench.segmentation.parameters import digest_image, usable_pixels
from workbench.segmentation.quality import distortion

BASINS = SegmentationParameters(smoothing=0.65)


@pytest.fixture(scope="module")
def image():
    return scene(11, side=64)


@pytest.fixture(scope="module")
def valid():
    """A river of nodata from side to side, and a pond."""
    rows, cols = np.mgrid[:64, :64]
    return (np.abs(rows - 30 - cols // 8) > 2) & ((rows - 12) ** 2 + (cols - 40) ** 2 > 20)


@pytest.fixture(scope="module")
def hierarchy(image, valid):
    return hierarchy_of(image, BASINS, valid=valid)


def some_scales(hierarchy):
    finite = np.unique(hierarchy.s[np.isfinite(hierarchy.s)])
    return [0.0, *finite[:: max(1, finite.size // 12)].tolist(), float(finite[-1]), np.inf]


def nodes_of(hierarchy):
    """Return nodes at pixels and scales spread over everything."""
    places = np.argwhere(hierarchy.leaves != NODATA_LEAF)[::97].tolist()
    return [hierarchy.node_at(row, col, scale) for scale in some_scales(hierarchy) for row, col in places]


def test_each_valid_pixel_is_in_one_leaf_and_nodata_in_none(hierarchy, valid):
    assert np.array_equal(hierarchy.leaves != NODATA_LEAF, valid)
    counts = np.bincount(hierarchy.leaves[valid], minlength=hierarchy.leaf_count)
    assert np.array_equal(counts, hierarchy.area)
    assert counts.min() > 0


def test_cuts_cover_each_leaf_once_and_label_regions_in_leaf_order(hierarchy):
    for scale in some_scales(hierarchy):
        cut = hierarchy.cut(scale)
        assert cut.lut.shape == (hierarchy.leaf_count,)
        assert np.array_equal(np.unique(cut.lut), np.arange(cut.count))
        assert np.all(np.diff(cut.lut.astype(np.int64)) >= 0)


@settings(max_examples=40)
@given(st.data())
def test_a_larger_scale_never_splits_a_region(data):
    image = data.draw(images(most_side=8, most_value=30))
    found = hierarchy_of(image, valid=data.draw(masks(image.shape[1:])))
    fine, coarse = sorted(data.draw(st.tuples(st.floats(0, 500), st.floats(0, 500))))
    fine_cut, coarse_cut = found.cut(fine), found.cut(coarse)
    for region in range(fine_cut.count):
        assert np.unique(coarse_cut.lut[fine_cut.lut == region]).size == 1


def test_regions_of_a_cut_are_connected(hierarchy):
    from scipy import ndimage

    for scale in (0.0, 300.0, 3000.0, np.inf):
        labels = signed(hierarchy.cut(scale).labels())
        assert all(ndimage.label(labels == region)[1] == 1 for region in np.unique(labels[labels >= 0]))


def test_nodata_keeps_regions_apart_at_every_scale(hierarchy):
    cut = hierarchy.cut(np.inf)
    labels = cut.labels()
    assert cut.count == 2
    assert labels[0, 0] != labels[63, 63]
    assert labels[30, 0] == NODATA_LEAF


def test_a_node_is_the_region_of_the_cut_at_its_pixel(hierarchy):
    for scale in some_scales(hierarchy):
        cut = hierarchy.cut(scale)
        labels = cut.labels()
        for row, col in np.argwhere(labels != NODATA_LEAF)[::131].tolist():
            node = hierarchy.node_at(row, col, scale)
            inside = np.flatnonzero(cut.lut == labels[row, col])
            assert (node.first, node.stop) == (inside[0], inside[-1] + 1)
            assert node.scale <= cut.scale
            assert hierarchy.node_at(row, col, node.scale) == node, (
                "its altitude is a scale that gives it back"
            )


def test_the_mask_of_a_node_is_its_region_in_the_cut(hierarchy):
    for node in nodes_of(hierarchy):
        window, mask = hierarchy.mask(node)
        whole = np.zeros(hierarchy.leaves.shape, np.bool_)
        whole[window.slices] = mask
        inside = (hierarchy.leaves >= node.first) & (hierarchy.leaves < node.stop)
        assert np.array_equal(whole, inside)
        for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]):
            assert side.any(), "the window is tight"
        assert hierarchy.pixel_count(node) == mask.sum()


def test_the_spans_of_a_node_are_its_pixels(hierarchy):
    for node in nodes_of(hierarchy):
        window, mask = hierarchy.mask(node)
        assert np.array_equal(hierarchy.spans(node), spans_of_mask(mask, window))


def test_children_partition_their_parent(hierarchy):
    for node in nodes_of(hierarchy):
        children = hierarchy.children(node)
        if node.leaf_count == 1:
            assert children == ()
            continue
        assert len(children) >= 2
        assert [child.first for child in children[1:]] == [child.stop for child in children[:-1]]
        assert (children[0].first, children[-1].stop) == (node.first, node.stop)
        for child in children:
            if child.scale < node.scale:
                assert hierarchy.parent(child) == node


def test_parents_lead_to_the_largest_node(hierarchy):
    node = hierarchy.node_at(0, 0, 0.0)
    while (above := hierarchy.parent(node)) is not None:
        assert above.first <= node.first
        assert above.stop >= node.stop
        assert above.leaf_count > node.leaf_count
        assert above.scale > node.scale
        node = above
    assert node == hierarchy.node_at(0, 0, np.inf)


def test_statistics_of_nodes_are_those_of_their_pixels(hierarchy, image):
    values = image.astype(np.float64)
    for node in nodes_of(hierarchy)[::7]:
        inside = (hierarchy.leaves >= node.first) & (hierarchy.leaves < node.stop)
        assert hierarchy.means(node) == pytest.approx(values[:, inside].mean(axis=1))
        squares = hierarchy.squares[:, node.first : node.stop].sum(axis=1)
        assert squares == pytest.approx((values[:, inside] ** 2).sum(axis=1))


def test_distortion_from_sums_is_that_of_the_pixels(image, valid):
    """On a mean of 30,000: the digits of a small variance must survive."""
    high = image.astype(np.uint16) + 30000
    parameters = SegmentationParameters(band_weights=(1.0, 0.5, 2.0))
    found = hierarchy_of(high, parameters, valid=valid)
    labels = signed(found.cut(500.0).labels())
    direct = 0.0
    for region in np.unique(labels[labels >= 0]):
        values = high[:, labels == region].astype(np.float64)
        spread = (values - values.mean(axis=1, keepdims=True)) ** 2
        direct += float((np.array([[1.0], [0.5], [2.0]]) * spread).sum())
    assert distortion(found, found.cut(500.0)) == pytest.approx(direct, rel=1e-9)


def test_labels_of_a_window_are_part_of_all_labels(hierarchy):
    cut = hierarchy.cut(400.0)
    window = Window(row=20, col=7, height=19, width=33)
    assert np.array_equal(cut.labels(window), cut.labels()[window.slices])


@pytest.mark.parametrize("count", [1, 2, 3, 10, 57, 10**6])
def test_cut_count_is_the_finest_cut_of_at_most_so_many_regions(hierarchy, count):
    cut = hierarchy.cut_count(count)
    possible = {hierarchy.cut(scale).count for scale in [0.0, *np.unique(hierarchy.s).tolist()]}
    assert cut.count == max((n for n in possible if n <= count), default=min(possible))


def test_saliency_above_a_level_is_the_boundary_of_the_cut_at_its_scale(hierarchy):
    steps, saliency = hierarchy.scale_steps, hierarchy.saliency()
    for level in (0, 1, 2, 60, 127, 200, 253, 254):
        labels = hierarchy.cut(steps.scale(level)).labels()
        edges = np.zeros(labels.shape, np.bool_)
        edges[:, :-1] |= labels[:, :-1] != labels[:, 1:]
        edges[:-1] |= labels[:-1] != labels[1:]
        assert np.array_equal(saliency > level, edges)


@given(st.floats(1e-6, 1e3), st.floats(1.0, 1e7))
def test_scale_steps_rise_and_lead_back_to_their_level(low, ratio):
    steps = ScaleSteps(low=low, high=low * ratio)
    scales = steps.scales
    assert scales.shape == (255,)
    assert scales[0] == 0
    assert np.all(np.diff(scales) >= 0)
    assert float(scales[-1]) == pytest.approx(low * ratio)
    for level in (0, 1, 100, 254):
        found = steps.level(steps.scale(level))
        assert steps.scale(found) == steps.scale(level)


def test_the_same_input_gives_the_same_arrays(image, valid, hierarchy):
    again = hierarchy_of(image, BASINS, valid=valid)
    for name in ("leaves", "s", "area", "sums", "squares", "matrix"):
        assert np.array_equal(getattr(again, name), getattr(hierarchy, name)), name
    assert again.digest == hierarchy.digest


def test_one_thread_and_two_give_the_same_bytes(tmp_path):
    program = (
        "import sys; from pathlib import Path; from segmentation_oracles import hierarchy_of, scene;"
        "from workbench.segmentation.storage import write_hierarchy;"
        "from workbench.segmentation.parameters import SegmentationParameters;"
        "h = hierarchy_of(scene(4, side=150), SegmentationParameters(band_weights='noise'));"
        "write_hierarchy(h, Path(sys.argv[1]))"
    )
    files = []
    for threads in ("1", "2"):
        files.append(tmp_path / f"{threads}.h5")
        environment = os.environ | {"NUMBA_NUM_THREADS": threads, "PYTHONPATH": os.path.dirname(__file__)}
        subprocess.run([sys.executable, "-c", program, str(files[-1])], env=environment, check=True)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_the_digest_names_image_mask_and_parameters(image, valid, hierarchy):
    assert hierarchy.digest == BASINS.digest(digest_image(image, usable_pixels(image, valid)))
    other = image.copy()
    other[0, 0, 0] ^= 1
    names = {
        hierarchy.digest,
        BASINS.digest(digest_image(other, valid)),
        BASINS.digest(digest_image(image)),
        PIXELS.digest(digest_image(image, valid)),
        BASINS.digest(digest_image(image.astype(np.uint16), valid)),
    }
    assert len(names) == 5


def test_arrays_cannot_be_written(hierarchy):
    with pytest.raises(ValueError, match="read-only"):
        hierarchy.s[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        hierarchy.saliency()[0, 0] = 1


def test_progress_is_reported_in_rising_order(image):
    steps = []
    hierarchy_of(image, BASINS, progress=lambda step, done: steps.append((step, done)))
    assert list(dict.fromkeys(step for step, _ in steps)) == [
        "reading",
        "leaves",
        "merging",
        "scales",
        "numbering",
    ]
    assert sorted(done for _, done in steps) == [done for _, done in steps]


@pytest.mark.parametrize(("row", "col"), [(-1, 0), (0, 64), (64, 0), (30, 0)], ids=str)
def test_picking_outside_or_in_nodata_is_refused(hierarchy, row, col):
    with pytest.raises(HierarchyError, match=rf"pixel \({row}, {col}\) is (outside|nodata)"):
        hierarchy.node_at(row, col, 1.0)


@pytest.mark.parametrize("scale", [-1.0, float("nan")])
def test_scales_that_are_no_scales_are_refused(hierarchy, scale):
    with pytest.raises(HierarchyError, match="scale is"):
        hierarchy.cut(scale)


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.full((3, 50, 60), 7, np.uint8),
        lambda: np.kron([[3, 200], [200, 3]], np.ones((20, 20)))[None].astype(np.uint8),
        lambda: np.random.default_rng(0).integers(0, 2, (1, 60, 60), dtype=np.uint8) * 255,
        lambda: np.random.default_rng(0).integers(0, 65535, (4, 1, 50), dtype=np.uint16),
        lambda: np.random.default_rng(0).normal(0, 1e-3, (2, 50, 1)).astype(np.float32),
        lambda: np.zeros((1, 1, 1), np.uint8),
        lambda: np.random.default_rng(0).integers(0, 255, (10, 30, 30), dtype=np.uint8),
        lambda: np.asfortranarray(scene(0, side=24)),
        lambda: scene(0, side=24).astype(">u2"),
        lambda: np.full((1, 20, 20), 1e11, np.float32),
    ],
    ids=[
        "constant",
        "two-halves",
        "salt-and-pepper",
        "one-row",
        "one-col",
        "one-pixel",
        "ten-bands",
        "fortran",
        "big-endian",
        "large",
    ],
)
@pytest.mark.parametrize("start", ["basins", "pixels"])
def test_odd_images_give_whole_hierarchies(make, start):
    image = make()
    found = hierarchy_of(image, SegmentationParameters(start=start))
    assert found.area.sum() == image[0].size
    assert found.cut(np.inf).count == 1
    assert np.all(np.isfinite(found.s[1:]))
    root = found.node_at(0, 0, np.inf)
    assert root == Node(first=0, stop=found.leaf_count, scale=root.scale)
    assert found.means(root) == pytest.approx(
        image.reshape(image.shape[0], -1).mean(axis=1, dtype=np.float64)
    )
    assert found.saliency().shape == image.shape[1:]


def test_a_constant_image_is_one_region_at_scale_zero():
    for start in ("basins", "pixels"):
        found = hierarchy_of(np.full((2, 9, 9), 4, np.uint8), SegmentationParameters(start=start))
        assert found.cut(0.0).count == 1


def test_nan_and_infinity_are_nodata():
    image = scene(3, side=24).astype(np.float32)
    image[0, 3, 4] = np.nan
    image[2, 10:12] = np.inf
    found = hierarchy_of(image)
    nodata = found.leaves == NODATA_LEAF
    assert nodata[3, 4]
    assert nodata[10:12].all()
    assert nodata.sum() == 1 + 48


@pytest.mark.parametrize(
    ("image", "options", "reason"),
    [
        (np.zeros((3, 4, 4), np.int16), {}, "convert it to one of uint8"),
        (np.zeros((4, 4), np.uint8), {}, "give a non-empty"),
        (np.full((1, 4, 4), np.nan, np.float32), {}, "all 16 pixels are nodata"),
        (np.zeros((1, 4, 4), np.uint8), {"valid": np.zeros((4, 4), np.bool_)}, "all 16 pixels are nodata"),
        (
            np.zeros((1, 4, 4), np.uint8),
            {"valid": np.ones((4, 5), np.bool_)},
            r"valid mask has shape \(4, 5\)",
        ),
        (np.full((2, 4, 4), -3.4e38, np.float32), {}, "band 1 holds 3.4e.38, a fill value"),
    ],
    ids=["type", "axes", "all-nan", "all-invalid", "mask-shape", "fill"],
)
def test_images_that_cannot_be_segmented_are_refused(image, options, reason):
    with pytest.raises(HierarchyError, match=reason):
        hierarchy_of(image, **options)


def test_an_image_that_does_not_fit_its_grid_is_refused(image):
    with pytest.raises(HierarchyError, match="its grid"):
        segment(image, grid=grid_of(image[:, 1:]))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"start": "superpixels"}, "choose one of basins, pixels"),
        ({"smoothing": -1.0}, "smoothing is -1.0; choose a number from 0 to 16"),
        ({"smoothing": float("nan")}, "smoothing is nan"),
        ({"smoothing": "1"}, "smoothing is '1'"),
        ({"coarse": 0.1}, "coarse is 0.1"),
        ({"coarse": None}, "coarse is None"),
        ({"inside": 0}, "inside is 0"),
        ({"inside": 1.5}, "choose a whole number from 1 to 15"),
        ({"inside": True}, "inside is True"),
        ({"region_cost": -1}, "region_cost is -1"),
        ({"leaf_pixels": 0.5}, "leaf_pixels is 0.5"),
        ({"leaf_budget": 2**31}, "leaf_budget is 2147483648"),
        ({"algorithm": 1.5}, "algorithm is 1.5"),
        ({"band_weights": "best"}, "band_weights is 'best'"),
        ({"band_weights": ["a"]}, "give a tuple"),
        ({"band_weights": None}, "give a tuple"),
        ({"band_weights": (0.0, 0.0)}, "not all 0"),
        ({"band_weights": (1.0, float("inf"))}, "finite numbers"),
    ],
    ids=str,
)
def test_parameters_that_cannot_be_are_refused(fields, reason):
    with pytest.raises(HierarchyError, match=reason):
        SegmentationParameters(**fields)


def test_an_earlier_algorithm_is_read_but_not_run(image):
    with pytest.raises(HierarchyError, match="algorithm 1, whose hierarchies are read but not made"):
        hierarchy_of(image, SegmentationParameters(algorithm=1))


def test_weights_of_another_number_of_bands_are_refused(image):
    with pytest.raises(HierarchyError, match="image has 3 bands, band_weights has 2"):
        hierarchy_of(image, SegmentationParameters(band_weights=(1.0, 1.0)))


@pytest.mark.parametrize("weights", ["equal", "noise", (1.0, 2.5)], ids=str)
def test_parameters_survive_their_document(weights):
    parameters = SegmentationParameters(start="pixels", smoothing=1.25, band_weights=weights)
    assert SegmentationParameters.from_document(parameters.as_document()) == parameters


def test_noise_weights_undo_a_change_of_unit():
    """The same scene in sixteenths: with equal noise, the same leaves at the same scales."""
    rng = np.random.default_rng(1)
    image = (scene(1, noise=0) + rng.normal(0, 4, (3, 48, 48))).astype(np.float32)
    parameters = SegmentationParameters(band_weights="noise")
    one, other = hierarchy_of(image, parameters), hierarchy_of(image * np.float32(16), parameters)
    assert np.array_equal(one.leaves, other.leaves)
    assert one.s == pytest.approx(other.s, rel=1e-5)


def test_a_band_of_no_weight_changes_nothing(image):
    more = np.concatenate([image, np.random.default_rng(0).integers(0, 255, (1, 64, 64), dtype=np.uint8)])
    one = hierarchy_of(image, SegmentationParameters(band_weights=(1.0, 1.0, 1.0)))
    other = hierarchy_of(more, SegmentationParameters(band_weights=(1.0, 1.0, 1.0, 0.0)))
    assert np.array_equal(one.leaves, other.leaves)
    assert np.array_equal(one.s, other.s)
