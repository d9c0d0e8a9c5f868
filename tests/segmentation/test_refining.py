"""Refine here: one node gets other leaves and nodes inside, and nothing else changes."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from segmentation_oracles import hierarchy_of, images, masks, pixel_energy, scene

from workbench.errors import HierarchyError
from workbench.geo.grid import Window
from workbench.geo.raster import read_bands
from workbench.geo.spans import spans_of_mask
from workbench.segmentation.hierarchy import NODATA_LEAF, Hierarchy, Node, SegmentationParameters
from workbench.segmentation.leafmap import LeafMap
from workbench.segmentation.refinement import Refinement
from workbench.segmentation.refining import MOST_PIXELS, refine

BASINS = SegmentationParameters(smoothing=1.5)
PATCHES = Path(__file__).resolve().parents[3] / "shared" / "data" / "flair"


def real_patches() -> list[Any]:
    images = sorted(PATCHES.glob("*/*/img/IMG_*.tif"))
    if not images:
        return [pytest.param(None, id="none", marks=pytest.mark.skip(reason=f"no real patches in {PATCHES}"))]
    return [pytest.param(path, id=path.stem) for path in images]


def pruned(hierarchy: Hierarchy, count: int) -> Hierarchy:
    """Return a hierarchy with the regions of a cut as its leaves."""
    cut = hierarchy.cut_count(count)
    starts = np.flatnonzero(np.diff(cut.lut.astype(np.int64), prepend=-1))
    return dataclasses.replace(
        hierarchy,
        leafmap=LeafMap(numbers=cut.labels()),
        s=hierarchy.s[starts],
        area=np.add.reduceat(hierarchy.area, starts).astype(np.uint32),
        sums=np.add.reduceat(hierarchy.sums, starts, axis=1),
        squares=np.add.reduceat(hierarchy.squares, starts, axis=1),
    )


def nodes_of(hierarchy: Hierarchy) -> list[Node]:
    """Return every node of a small hierarchy."""
    found = []
    todo = [
        hierarchy.node_at(*map(int, np.argwhere(hierarchy.leaves == leaf)[0]), scale=math.inf)
        for leaf in np.flatnonzero(np.isinf(hierarchy.s))
    ]
    while todo:
        node = todo.pop()
        found.append(node)
        todo += hierarchy.children(node)
    return found


def pixels_of(hierarchy: Hierarchy, node: Node) -> bytes:
    leaves = hierarchy.leaves
    return np.packbits((leaves >= node.first) & (leaves < node.stop) & (leaves != NODATA_LEAF)).tobytes()


def check_refined(before: Hierarchy, node: Node, after: Hierarchy, image: np.ndarray) -> None:
    """Prove all that a refinement promises, from the two hierarchies alone."""
    old = {pixels_of(before, one): one for one in nodes_of(before)}
    new = {pixels_of(after, one): one for one in nodes_of(after)}
    inside = {key for key, one in old.items() if node.first <= one.first and one.stop <= node.stop}
    whole = pixels_of(before, node)
    assert whole in new, "the node is a node still"
    assert old.keys() - inside <= new.keys(), "all nodes outside are there, pixel for pixel"
    ceiling = node.scale if node.leaf_count > 1 else np.nextafter(np.float32(math.inf), np.float32(0))
    parent = before.parent(node)
    if node.leaf_count == 1 and parent is not None:
        assert new[whole].scale < parent.scale
    assert new[whole].scale <= ceiling
    for key in old.keys() - inside:
        assert new[key].scale == old[key].scale, "at their scales"
    # s: what lies outside the node is untouched, in the same order.
    gone, come = node.leaf_count, after.leaf_count - before.leaf_count + node.leaf_count
    assert np.array_equal(after.s[: node.first + 1], before.s[: node.first + 1])
    assert np.array_equal(after.s[node.first + come :], before.s[node.first + gone :])
    assert np.all(after.s[node.first + 1 : node.first + come] <= ceiling)
    # Every leaf has pixels, and its statistics are those of its pixels.
    valid = after.leaves != NODATA_LEAF
    assert np.array_equal(valid, before.leaves != NODATA_LEAF)
    assert np.array_equal(np.bincount(after.leaves[valid], minlength=after.leaf_count), after.area)
    assert after.area.min() > 0
    values = image[:, valid].astype(np.float64)
    for band, sums, squares in zip(values, after.sums, after.squares, strict=True):
        assert np.array_equal(np.bincount(after.leaves[valid], band), sums)
        assert np.array_equal(np.bincount(after.leaves[valid], band * band), squares)
    # Cuts from the node's scale on are the same partitions; below, they differ inside only.
    _, mask = before.window(node), (before.leaves >= node.first) & (before.leaves < node.stop)
    for scale in {
        0.0,
        new[whole].scale,
        node.scale,
        *before.s[1:][:: max(1, before.leaf_count // 9)].tolist(),
    }:
        one, other = before.cut(scale).labels(), after.cut(scale).labels()
        where = np.ones_like(mask) if scale >= max(node.scale, new[whole].scale) else ~mask
        assert same_partition(one[where], other[where])
    for one in new.values():
        window, mask = after.mask(one)
        assert np.array_equal(after.spans(one), spans_of_mask(mask, window))
    assert after.scale_steps == before.scale_steps
    again = dataclasses.replace(after)
    again._known["steps"] = before.scale_steps
    assert np.array_equal(after.saliency(), again.saliency())
    assert np.array_equal(after._boxes(), again._boxes())
    assert np.array_equal(after.region_counts, again.region_counts)
    assert after.region_counts.tolist() == [
        after.cut(float(scale)).count for scale in after.scale_steps.scales
    ]


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    pairs = np.unique(np.stack([one, other]), axis=1)
    return pairs.shape[1] == np.unique(one).size == np.unique(other).size


def warm(hierarchy: Hierarchy) -> Hierarchy:
    """Have everything made that a refinement then brings up to date."""
    hierarchy.saliency()
    hierarchy._boxes()
    hierarchy.region_counts  # noqa: B018
    return hierarchy


@pytest.fixture(scope="module")
def image():
    return scene(7, side=40)


@pytest.fixture(scope="module")
def valid():
    rows, cols = np.mgrid[:40, :40]
    return (np.abs(rows - 30 - cols // 8) > 1) & ((rows - 12) ** 2 + (cols - 30) ** 2 > 12)


@pytest.mark.parametrize("count", [4, 12, 40])
@pytest.mark.parametrize("made_before", [True, False], ids=["warm", "cold"])
def test_only_the_inside_of_the_node_changes(image, valid, count, made_before):
    base = pruned(hierarchy_of(image, BASINS, valid=valid), count)
    base = warm(base) if made_before else base
    done = 0
    for node in nodes_of(base):
        try:
            refinement = refine(base, node, image)
        except HierarchyError:  # nothing finer
            continue
        done += 1
        check_refined(base, node, base.refined(refinement), image)
    assert done >= count * 0.9


@settings(max_examples=60)
@given(st.data())
def test_only_the_inside_changes_on_tiny_images_full_of_ties(data):
    image = data.draw(images(most_side=7, most_value=20))
    valid = data.draw(masks(image.shape[1:]))
    base = hierarchy_of(image, valid=valid)
    base = warm(pruned(base, data.draw(st.integers(1, base.leaf_count))))
    for _ in range(3):
        node = data.draw(st.sampled_from(nodes_of(base)))
        try:
            after = base.refine(node, image)
        except HierarchyError:
            continue
        check_refined(base, node, after, image)
        base = after


def test_a_node_inside_a_refined_node_is_refined_again(image, valid):
    base = warm(pruned(hierarchy_of(image, BASINS, valid=valid), 6))
    node = max((node for node in nodes_of(base) if node.leaf_count == 1), key=base.pixel_count)
    coarse = dataclasses.replace(BASINS, smoothing=0.8)
    once = base.refine(node, image, parameters=coarse)
    check_refined(base, node, once, image)
    inner = [
        one
        for one in nodes_of(once)
        if node.first <= one.first and one.stop <= node.first + once.leaf_count - base.leaf_count + 1
    ]
    inner = sorted(
        (one for one in inner if once.pixel_count(one) < base.pixel_count(node)), key=once.pixel_count
    )
    twice = once.refine(inner[-1], image)
    check_refined(once, inner[-1], twice, image)
    elsewhere = next(one for one in nodes_of(twice) if one.leaf_count == 1 and twice.pixel_count(one) > 60)
    thrice = twice.refine(elsewhere, image)
    check_refined(twice, elsewhere, thrice, image)
    assert len({base.digest, once.digest, twice.digest, thrice.digest}) == 4
    assert len(thrice.refinements) == 3
    assert base.leaf_count < once.leaf_count < twice.leaf_count < thrice.leaf_count


def test_readers_of_windows_and_of_pixels_see_the_refined_leaves(image, valid):
    base = pruned(hierarchy_of(image, BASINS, valid=valid), 9)
    after = base
    for row, col in ((2, 2), (20, 10), (38, 38)):
        after = after.refine(after.node_at(row, col, 0.0), image)
    leaves = after.leaves
    for row, col in np.argwhere(valid)[::23].tolist():
        assert after.leafmap.at(row, col) == leaves[row, col]
        node = after.node_at(row, col, 40.0)
        window, mask = after.mask(node)
        assert np.array_equal(
            mask, (leaves[window.slices] >= node.first) & (leaves[window.slices] < node.stop)
        )
        assert mask.sum() == after.pixel_count(node)
    window = Window(row=1, col=5, height=30, width=20)
    cut = after.cut(3.0)
    assert np.array_equal(cut.labels(window), cut.labels()[window.slices])
    assert np.array_equal(cut.labels()[valid], cut.lut[leaves[valid]])
    with pytest.raises(ValueError, match="read-only"):
        leaves[0, 0] = 1


@pytest.fixture(scope="module")
def thrice(image, valid):
    """Refined in three places, the last time inside a refined node, with nodata between."""
    refined = pruned(hierarchy_of(image, BASINS, valid=valid), 9)
    coarse = dataclasses.replace(BASINS, smoothing=0.8)
    for row, col in ((2, 2), (38, 38)):
        refined = refined.refine(refined.node_at(row, col, 0.0), image, parameters=coarse)
    pixels = np.count_nonzero(refined.leafmap.patches[0].numbers != NODATA_LEAF)
    larger = node = refined.node_at(2, 2, 0.0)
    while refined.pixel_count(larger) < pixels:
        node, larger = larger, refined.parent(larger)
    return refined.refine(node, image)


@settings(max_examples=60)
@given(data=st.data())
def test_what_the_screen_samples_are_the_leaves_where_rows_and_columns_cross(thrice, data):
    first, _, last = (patch.window for patch in thrice.leafmap.patches)
    assert first.intersection(last) == last
    rising = st.lists(st.integers(-5, 46), max_size=70).map(lambda values: np.array(sorted(values), np.int64))
    rows, cols = data.draw(rising), data.draw(rising)
    padded = np.full((60, 60), NODATA_LEAF, np.uint32)
    padded[10:50, 10:50] = thrice.leaves
    assert np.array_equal(thrice.leafmap.sampled(rows, cols), padded[np.ix_(rows + 10, cols + 10)])


def test_the_screen_samples_a_map_that_was_never_refined_too(image, valid):
    base = hierarchy_of(image, BASINS, valid=valid)
    rows = np.arange(0, 40, 3)
    assert np.array_equal(base.leafmap.sampled(rows, rows), base.leaves[::3, ::3])


@pytest.mark.parametrize("path", real_patches())
def test_regions_of_a_real_patch_are_refined_alone(path):
    image = np.ascontiguousarray(read_bands(path)[:, 190:310, 150:290])
    base = warm(pruned(hierarchy_of(image), 120))
    nodes = sorted(nodes_of(base), key=base.pixel_count)
    for node in nodes[len(nodes) // 2 :: 17]:
        check_refined(base, node, base.refine(node, image), image)


def test_what_is_glued_together_in_a_leaf_comes_apart(image):
    base = pruned(hierarchy_of(image), 3)
    leaf = base.node_at(5, 5, 0.0)
    refinement = refine(base, leaf, image)
    after = base.refined(refinement)
    assert 50 < refinement.leaf_count <= 256
    window, mask = base.mask(leaf)
    glued = spread(image[:, *window.slices], np.where(mask, 0, -1))
    regions = np.unique(after.cut(0.0).labels(window), return_inverse=True)[1].reshape(mask.shape)
    assert spread(image[:, *window.slices], np.where(mask, regions, -1)) < 0.4 * glued


def spread(image: np.ndarray, labels: np.ndarray) -> float:
    """Return the squared differences of pixels to their region's mean, summed."""
    return pixel_energy(image, labels)[0]


def test_the_whole_image_is_a_node_too():
    image = scene(3, side=512, bands=2)
    base = pruned(hierarchy_of(image, BASINS), 50)
    root = base.node_at(0, 0, math.inf)
    after = base.refine(root, image)
    assert 0.6 < after.leaf_count / (512 * 512 / 8) <= 1.0
    assert after.cut(root.scale).count == 1
    assert base.scale_steps == after.scale_steps


def test_the_same_refinement_gives_the_same_hierarchy(image):
    base = pruned(hierarchy_of(image, BASINS), 7)
    node = base.node_at(11, 3, 0.0)
    one, other = refine(base, node, image), refine(base, node, image)
    assert one.digest == other.digest
    assert base.refined(one).digest == base.refined(other).digest != base.digest
    again = base.refine(base.node_at(39, 39, 0.0), image)
    assert again.digest not in (base.digest, base.refined(one).digest)


def test_float_images_and_their_holes():
    image = (scene(9, side=40) / np.float32(7)).astype(np.float32)
    image[1, 10:13, 5:30] = np.nan
    base = pruned(hierarchy_of(image, SegmentationParameters(band_weights="noise")), 8)
    node = base.node_at(0, 0, 0.0)
    after = base.refine(node, image)
    assert np.array_equal(after.weights, base.weights)
    assert np.array_equal(after.leaves == NODATA_LEAF, base.leaves == NODATA_LEAF)
    assert after.means(after.node_at(0, 0, math.inf)) == pytest.approx(
        base.means(base.node_at(0, 0, math.inf))
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.zeros((1, 1, 1), np.uint8),
        lambda: np.full((3, 20, 20), 9, np.uint8),
        lambda: np.array([[[0, 255]]], np.uint8),
    ],
    ids=["one-pixel", "constant", "leaves-are-pixels"],
)
def test_where_nothing_is_finer_one_sentence_says_so(make):
    image = make()
    base = hierarchy_of(image)
    with pytest.raises(
        HierarchyError, match=r"the region of .* pixels holds nothing finer than it has already"
    ):
        base.refine(base.node_at(0, 0, 0.0), image)


def test_an_image_of_another_size_or_look_is_refused(image):
    base = pruned(hierarchy_of(image, BASINS), 7)
    node = base.node_at(3, 3, 0.0)
    with pytest.raises(
        HierarchyError, match=r"image has shape \(2, 40, 40\), the hierarchy was made of \(3,"
    ):
        base.refine(node, image[:2])
    with pytest.raises(HierarchyError, match="it was made of another image"):
        base.refine(node, 255 - image)


def test_a_node_that_is_too_large_is_refused():
    side = int(MOST_PIXELS**0.5) + 1
    image = np.kron(
        np.arange(4, dtype=np.uint8).reshape(1, 2, 2),
        np.ones(
            (
                1,
                side // 2 + 1,
            )
            * 1
            + (side // 2 + 1,),
            np.uint8,
        ),
    )
    base = hierarchy_of(np.ascontiguousarray(image))
    with pytest.raises(HierarchyError, match="at most 1,048,576 are refined at once; take a smaller region"):
        base.refine(base.node_at(0, 0, math.inf), image)


def test_a_node_that_spans_too_much_is_refused():
    """A road along two sides of a zone: few pixels, in a window of all of it."""
    image = np.zeros((1, 2100, 2100), np.uint8)
    image[0, 5:8], image[0, :, 5:8] = 200, 200
    base = hierarchy_of(image)
    with pytest.raises(HierarchyError, match=r"spans 2100 × 2100 pixels, .* take a smaller region"):
        base.refine(base.node_at(6, 6, 0.0), image)


def tampered(refinement: Refinement, **changes: object) -> Refinement:
    return dataclasses.replace(refinement, **changes)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda r: {"base": "0" * 64}, "was made on hierarchy 00000000…, this is"),
        (lambda r: {"window": dataclasses.replace(r.window, row=39)}, "reaches outside"),
        (lambda r: {"window": dataclasses.replace(r.window, row=r.window.row + 1)}, "are no node's"),
        (lambda r: {"leaves": moved(r.leaves)}, "are no node's"),
        (lambda r: {"s": np.where(np.isinf(r.s), r.s, np.float32(1e30))}, "its node goes up to"),
        (lambda r: {"s": r.s * np.float32("nan")}, "s starts with inf"),
        (lambda r: {"s": np.where(np.arange(r.s.size) == 3, np.float32("nan"), r.s)}, "is nan at leaf 3"),
        (lambda r: {"s": np.where(np.arange(r.s.size) == 3, np.float32(-1), r.s)}, "is -1.0 at leaf 3"),
        (lambda r: {"s": np.where(np.arange(r.s.size) == 3, np.float32("inf"), r.s)}, "is inf at leaf 3"),
        (lambda r: {"s": r.s[:-1]}, "have shapes"),
        (lambda r: {"sums": r.sums * np.inf}, "not finite"),
        (lambda r: {"sums": r.sums * 2}, "it was made of another image"),
        (lambda r: {"squares": r.squares + 1}, "it was made of another image"),
        (lambda r: {"sums": r.sums[:1], "squares": r.squares[:1]}, "it was made of another image"),
        (lambda r: {"leaves": np.where(r.leaves == 1, np.uint32(0), r.leaves)}, "has pixels of"),
        (lambda r: {"leaves": np.where(r.leaves == 1, np.uint32(10**6), r.leaves)}, "has pixels of"),
        (lambda r: {"leaves": np.full_like(r.leaves, NODATA_LEAF)}, "has pixels of"),
    ],
)
def test_a_refinement_that_does_not_fit_is_refused(image, change, reason):
    base = pruned(hierarchy_of(image, BASINS), 7)
    refinement = refine(base, base.node_at(20, 20, 0.0), image)
    with pytest.raises(HierarchyError, match=reason):
        base.refined(tampered(refinement, **change(refinement)))


def moved(leaves: np.ndarray) -> np.ndarray:
    """Give one pixel of the node away, of a leaf that has others."""
    leaves = leaves.copy()
    numbers, counts = np.unique(leaves[leaves != NODATA_LEAF], return_counts=True)
    leaves[tuple(np.argwhere(leaves == numbers[np.argmax(counts > 1)])[0])] = NODATA_LEAF
    return leaves


def test_pixels_of_leaves_that_are_no_node_are_refused(image):
    """An interval of leaves, all of their pixels, but cut out of the middle of a node."""
    base = pruned(hierarchy_of(image), 30)
    starts = np.flatnonzero(base.s[1:-2] < base.s[2:-1]) + 1
    first = next(leaf for leaf in starts.tolist() if base.s[leaf] <= base.s[leaf + 1] < math.inf and leaf > 0)
    inside = (base.leaves >= first) & (base.leaves < first + 2)
    rows, cols = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    window = Window(
        row=int(rows[0]), col=int(cols[0]), height=int(np.ptp(rows)) + 1, width=int(np.ptp(cols)) + 1
    )
    part = base.leaves[window.slices]
    forged = Refinement(
        base=base.digest,
        window=window,
        leaves=np.where(inside[window.slices], part - np.uint32(first), np.uint32(NODATA_LEAF)),
        s=np.array([np.inf, 0.1], np.float32),
        sums=base.sums[:, first : first + 2],
        squares=base.squares[:, first : first + 2],
    )
    with pytest.raises(HierarchyError, match="are no node's"):
        base.refined(forged)


def test_a_region_of_the_default_preset_is_refined_in_its_own_units():
    """Its scales count texture, those of plain parameters the bands' units: refining takes the base's."""
    image = scene(3, side=160, noise=9.0)
    base = hierarchy_of(image, SegmentationParameters.preset("default"))
    node = base.node_at(80, 80, float(np.sort(base.s[np.isfinite(base.s)])[-40]))
    refinement = refine(base, node, image)
    inside = refinement.s[1:]
    assert (inside < node.scale).mean() > 0.5, "not all squeezed to the node's own scale"
