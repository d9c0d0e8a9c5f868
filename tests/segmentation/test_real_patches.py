"""Real FLAIR patches, where they lie beside the checkout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from segmentation_oracles import hierarchy_of

from workbench.geo.raster import read_bands
from workbench.segmentation.hierarchy import NODATA_LEAF, SegmentationParameters
from workbench.segmentation.quality import evaluate, nested_picks

PATCHES = Path(__file__).resolve().parents[3] / "shared" / "data" / "flair"


def patches():
    images = sorted(PATCHES.glob("*/*/img/IMG_*.tif"))
    if not images:
        return [pytest.param(None, id="none", marks=pytest.mark.skip(reason=f"no real patches in {PATCHES}"))]
    return [pytest.param(path, id=path.stem) for path in images]


@pytest.mark.parametrize("path", patches())
def test_a_real_patch_is_labelled_in_few_nested_picks(path):
    image = read_bands(path)
    truth = read_bands(Path(str(path).replace("/img/IMG_", "/msk/MSK_")))[0]
    hierarchy = hierarchy_of(image, SegmentationParameters.preset("default"))
    evaluation = evaluate(hierarchy, truth)
    finest = evaluation.partitions[0]
    assert finest.achievable_accuracy > 0.995
    assert finest.boundary_recall > 0.98
    at_95 = evaluation.picks[1]
    assert at_95.nested <= 24
    assert at_95.nested <= at_95.disjoint <= at_95.single_scale
    labels = np.zeros(truth.shape, truth.dtype)
    for pick in nested_picks(hierarchy, truth, accuracy=0.95):
        window, mask = hierarchy.mask(hierarchy.node_at(pick.row, pick.col, pick.scale))
        labels[window.slices][mask] = pick.value
    assert float((labels == truth).mean()) >= 0.95
    assert not (hierarchy.leaves == NODATA_LEAF).any()
