"""The least energy over all cuts of a tree, against every one of them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from segmentation_oracles import BASINS, PIXELS, hierarchy_of, images, masks, pixel_energy

from workbench.segmentation.quality import optimal_energy

SETTINGS = [PIXELS, replace(PIXELS, band_weights="texture", inside=3, region_cost=2), BASINS]


def partitions(hierarchy, first, stop):
    """Yield every cut of the leaves first … stop − 1, which are a node or all, as lists of intervals."""
    if stop - first == 1:
        yield [(first, stop)]
        return
    inner = hierarchy.s[first + 1 : stop]
    starts = [first, *(first + 1 + np.flatnonzero(inner == inner.max())).tolist(), stop]
    if np.isfinite(inner.max()):
        yield [(first, stop)]
    parts = [list(partitions(hierarchy, a, b)) for a, b in itertools.pairwise(starts)]
    for chosen in itertools.product(*parts):
        yield [interval for part in chosen for interval in part]


@settings(max_examples=60)
@given(st.data())
def test_no_cut_of_the_tree_has_less(data):
    image = data.draw(images(most_side=3, most_value=40))
    valid = data.draw(masks(image.shape[1:]))
    parameters = data.draw(st.sampled_from(SETTINGS))
    hierarchy = hierarchy_of(image, parameters, valid=valid)
    terms = []
    for cut in partitions(hierarchy, 0, hierarchy.leaf_count):
        lut = np.empty(hierarchy.leaf_count, np.int64)
        for number, (first, stop) in enumerate(cut):
            lut[first:stop] = number
        labels = np.where(valid, lut[np.where(valid, hierarchy.leaves, 0)], -1)
        terms.append(pixel_energy(image, labels, hierarchy.weights))
    rises, lengths = np.array(terms).T
    for scale in (0.0, 1.0, 30.0, 1000.0):
        assert optimal_energy(hierarchy, scale) == pytest.approx(
            float((rises + scale * lengths).min()), abs=1e-6
        )
