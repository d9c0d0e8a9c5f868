"""An image in blocks: no seams, no loss, the same bytes on any number of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from segmentation_oracles import hierarchy_of, mixing_of, scene

from workbench.segmentation import building
from workbench.segmentation.graph import leaf_statistics, region_graph
from workbench.segmentation.hierarchy import SegmentationParameters
from workbench.segmentation.quality import optimal_energy
from workbench.segmentation.tiling import blocks_of, margin_for, reduce_block, stitch

SETTINGS = [SegmentationParameters.preset("default"), SegmentationParameters.preset("plain")]
NAMES = ["default", "plain"]


def ortho(seed=2, side=260):
    """Return a scene with a plateau and an island of nodata, both on block borders."""
    image = scene(seed, side=side, noise=6.0)
    image[:, 100:150, 40:90] = 80
    valid = np.ones(image.shape[1:], np.bool_)
    valid[120:140, 120:140] = False
    return image, valid


def stitched(image, valid, parameters, side, scale):
    """Return the stitched regions, the region of each pixel, and the weights of edgels by block."""
    windows = blocks_of(valid.shape, side)
    margin = margin_for(parameters)
    parts = [
        building._with_margin(
            lambda part: (image[:, *part.slices], valid[part.slices]), valid.shape, window, margin
        )
        for window in windows
    ]
    blocks = [
        reduce_block(*part, mixing=mixing_of(image), parameters=parameters, scale=scale) for part in parts
    ]
    whole = stitch(blocks, windows)
    labels = np.full(valid.shape, -1, np.int32)
    for block, regions, window in zip(blocks, whole.regions, windows, strict=True):
        known = block.labels >= 0
        labels[window.slices][known] = regions[block.labels[known]]
    return whole, labels


@pytest.mark.parametrize("scale", [0.0, 200.0])
@pytest.mark.parametrize("parameters", SETTINGS, ids=NAMES)
def test_stitched_blocks_are_the_graph_of_their_labels(parameters, scale):
    image, valid = ortho()
    whole, labels = stitched(image, valid, replace(parameters, inside=1), 64, scale)
    count = whole.statistics.area.size
    assert np.array_equal(labels >= 0, valid)
    assert np.array_equal(np.unique(labels[valid]), np.arange(count))
    statistics, graph = leaf_statistics(image, labels, count), region_graph(labels, count)
    for found, expected in zip(whole.statistics, statistics, strict=True):
        assert np.allclose(found, expected, rtol=1e-12)
    rows = [
        [
            sorted(zip(one.neighbours[a:b].tolist(), one.lengths[a:b].tolist(), strict=True))
            for a, b in zip(one.offsets[:-1], one.offsets[1:], strict=True)
        ]
        for one in (whole.graph, graph)
    ]
    assert rows[0] == rows[1]


def test_basins_do_not_depend_on_the_blocks():
    image, valid = ortho()
    parameters = SegmentationParameters(leaf_pixels=1.0)
    one, whole = stitched(image, valid, parameters, 512, 0.0)
    for side in (50, 64, 131):
        _, parts = stitched(image, valid, parameters, side, 0.0)
        # A scale of 0 merges equal neighbours, but not across the border of a block: those are split there.
        pairs = np.unique(np.stack([whole[valid], parts[valid]]), axis=1)
        assert np.unique(pairs[1]).size == pairs.shape[1], "each part lies in one leaf"
        assert pairs.shape[1] <= one.statistics.area.size + 40


def test_an_edgel_counts_the_same_on_a_block_border_as_inside():
    """Where one side says that both lie in one coarse basin, so does the graph."""
    image, valid = ortho()
    totals = []
    for side in (512, 64):
        whole, _ = stitched(image, valid, SegmentationParameters.preset("default"), side, 0.0)
        totals.append(whole.graph.lengths.sum() / 2 / whole.graph.offsets.size)
    assert totals[1] == pytest.approx(totals[0], rel=0.02)


@pytest.mark.parametrize("parameters", SETTINGS, ids=NAMES)
def test_threads_do_not_matter(parameters, monkeypatch):
    monkeypatch.setattr(building, "BLOCK", 64)
    image, valid = ortho()
    alone = hierarchy_of(image, parameters, valid=valid)
    for threads in (2, 5):
        with ThreadPoolExecutor(threads) as pool:
            found = hierarchy_of(image, parameters, valid=valid, map=pool.map)
        for name in ("leaves", "s", "area", "sums", "squares"):
            assert getattr(found, name).tobytes() == getattr(alone, name).tobytes(), name


@pytest.mark.parametrize("parameters", SETTINGS, ids=NAMES)
def test_blocks_leave_no_seams_and_cost_nothing(parameters, monkeypatch):
    image, _ = ortho(side=384)
    whole = hierarchy_of(image, parameters)
    monkeypatch.setattr(building, "BLOCK", 96)
    parts = hierarchy_of(image, parameters)
    for scale in (300.0, 3000.0, 30000.0):
        assert optimal_energy(parts, scale) == pytest.approx(optimal_energy(whole, scale), rel=0.005)
    for count in (2000, 400):
        shares = []
        for hierarchy in (whole, parts):
            labels = hierarchy.cut_count(count).labels()
            seam = [labels[:, at - 1] != labels[:, at] for at in (96, 192, 288)]
            seam += [labels[at - 1] != labels[at] for at in (96, 192, 288)]
            shares.append(np.mean(seam))
        assert shares[1] - shares[0] < 0.03, "no more regions end at the border of a block"
