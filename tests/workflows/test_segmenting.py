"""Rasters to hierarchies: in memory, block by block, or refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
from made_orthos import made_grid, made_image, made_truth

from workbench.errors import HierarchyError
from workbench.geo.raster import write_raster
from workbench.segmentation import SegmentationParameters, building, read_hierarchy
from workbench.workflows import segmenting


@pytest.fixture
def raster(tmp_path):
    image = made_image(made_truth(512, 400))
    write_raster(tmp_path / "ortho.tif", image, made_grid(*image.shape[1:]))
    return tmp_path / "ortho.tif"


def test_a_raster_that_does_not_fit_is_segmented_block_by_block(raster, tmp_path, monkeypatch):
    monkeypatch.setattr(building, "BLOCK", 200)
    whole = segmenting.segment_raster(raster, tmp_path / "whole.h5")
    monkeypatch.setattr(segmenting, "scene_bytes", lambda pixels, leaves: 0)
    steps = []
    parts = segmenting.segment_raster(
        raster, tmp_path / "parts.h5", memory=1e-6, progress=lambda step, done: steps.append(done)
    )
    assert steps == sorted(steps)
    one, other = read_hierarchy(whole.path), read_hierarchy(parts.path)
    assert np.array_equal(one.leaves, other.leaves)
    assert np.array_equal(one.s, other.s)
    assert one.image_digest != other.image_digest, "of the pixels, and of the file"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ortho.tif", "parts.h5", "whole.h5"]


def test_a_raster_that_fits_neither_way_is_refused_with_the_figures(raster, tmp_path):
    with pytest.raises(HierarchyError, match=r"GiB at once, 0\.3 GiB block by block.*--memory 1"):
        segmenting.segment_raster(raster, tmp_path / "h.h5", memory=0.0001)
    assert [path.name for path in tmp_path.iterdir()] == ["ortho.tif"]


def test_a_preset_with_more_leaves_needs_more_memory(raster, tmp_path, monkeypatch):
    monkeypatch.setattr(
        segmenting, "BYTES_PER_LEAF", 400_000
    )  # as if the raster were a thousand times larger
    figures = []
    for preset in ("default", "plain"):
        parameters = SegmentationParameters.preset(preset)
        with pytest.raises(HierarchyError) as refusal:
            segmenting.segment_raster(raster, tmp_path / "h.h5", parameters=parameters, memory=0.0001)
        figures.append(float(re.search(r"need ([0-9.]+) GiB at once", str(refusal.value)).group(1)))
    assert figures[1] > 5 * figures[0] > 0
