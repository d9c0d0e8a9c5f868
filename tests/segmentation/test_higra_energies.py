"""Optimal energies against higra's Mumford-Shah tree on the pixel graph."""

from __future__ import annotations

import numpy as np
import pytest
from segmentation_oracles import PIXELS, hierarchy_of, scene

from workbench.segmentation.hierarchy import SegmentationParameters
from workbench.segmentation.quality import optimal_energy

hg = pytest.importorskip("higra")

SCALES = [10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0]


def higra_energies(image):
    """Return E*(λ) of higra's tree: its own merges, judged by our D and C (each edgel counted once)."""
    height, width = image.shape[1:]
    pixels = height * width
    values = image.reshape(image.shape[0], -1).T.astype(np.float64)
    graph = hg.get_4_adjacency_graph((height, width))
    tree, _ = hg.binary_partition_tree_MumfordShah_energy(graph, values)
    parents, count = tree.parents(), tree.num_vertices()
    area, sums, squares = np.zeros(count), np.zeros((count, values.shape[1])), np.zeros(count)
    area[:pixels], sums[:pixels], squares[:pixels] = 1, values, (values**2).sum(axis=1)
    for node in range(count - 1):
        for array in (area, sums, squares):
            array[parents[node]] += array[node]
    rise = squares - (sums**2).sum(axis=1) / area
    ids = np.arange(pixels).reshape(height, width)
    here = np.concatenate([ids[:, :-1].ravel(), ids[:-1].ravel()])
    there = np.concatenate([ids[:, 1:].ravel(), ids[1:].ravel()])
    length = np.bincount(tree.lowest_common_ancestor(here, there), minlength=count)
    energies = []
    for scale in SCALES:
        below = scale * length
        for node in range(count):
            energy = min(rise[node], below[node]) if node >= pixels else 0.0
            if node == count - 1:
                energies.append(energy)
            else:
                below[parents[node]] += energy
    return np.array(energies)


@pytest.mark.parametrize("seed", range(4))
def test_merging_from_pixels_costs_what_higra_costs(seed):
    image = scene(seed)
    ours = [optimal_energy(hierarchy_of(image, PIXELS), scale) for scale in SCALES]
    assert np.array(ours) == pytest.approx(higra_energies(image), rel=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_the_plain_preset_costs_what_higra_costs_from_scale_30_on(seed):
    image = scene(seed, side=96)
    hierarchy = hierarchy_of(image, SegmentationParameters.preset("plain"))
    ours = [optimal_energy(hierarchy, scale) for scale in SCALES]
    assert ours[1:] == pytest.approx(higra_energies(image)[1:], rel=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_merging_from_basins_costs_little_more_at_the_scale_of_objects(seed):
    """Basins cannot follow the noise, so they cost more at fine scales: bounded from λ = 1,000 on.

    The scene has 12 fields and noise of variance 16 in 3 bands: at λ = 300 regions are still noise.
    """
    image = scene(seed)
    hierarchy = hierarchy_of(image, SegmentationParameters(smoothing=0.65, leaf_pixels=1.0))
    ratios = [optimal_energy(hierarchy, scale) for scale in SCALES] / higra_energies(image)
    for scale, most in ((1000.0, 1.7), (3000.0, 1.15), (10000.0, 1.05)):
        assert ratios[SCALES.index(scale)] <= most
