"""How fine leaves are: as many as asked for, where the image lets them be counted down."""

from __future__ import annotations

import numpy as np
import pytest
from segmentation_oracles import hierarchy_of, scene

from workbench.segmentation.hierarchy import SegmentationParameters

ROW, COL = np.indices((200, 210))
NOISE = np.random.default_rng(0).integers(0, 256, (3, 200, 210), dtype=np.uint8)


@pytest.mark.parametrize("preset", ["default", "plain"])
@pytest.mark.parametrize(
    "valid",
    [
        (ROW % 5 < 3) & (COL % 5 < 3),
        (ROW % 3 < 2) & (COL % 2 < 1),
        np.random.default_rng(1).random((200, 210)) < 0.5,
    ],
    ids=["squares", "pairs", "half of the pixels"],
)
def test_islands_in_nodata_are_segmented_too(valid, preset):
    found = hierarchy_of(NOISE, SegmentationParameters.preset(preset), valid=valid)
    assert int(found.area.sum()) == np.count_nonzero(valid)


def test_islands_do_not_coarsen_what_lies_beside_them():
    valid = (ROW % 5 < 3) & (COL % 5 < 3)
    valid[100:] = True
    found = hierarchy_of(NOISE, SegmentationParameters.preset("default"), valid=valid)
    assert np.unique(found.leaves[100:]).size > valid[100:].sum() / 40


def test_a_chessboard_keeps_its_pixels():
    board = np.broadcast_to(((ROW + COL) % 2 * 255).astype(np.uint8), (2, 200, 210)).copy()
    assert hierarchy_of(board, SegmentationParameters.preset("plain")).leaf_count == board[0].size
    one = hierarchy_of(board, SegmentationParameters.preset("default"))
    assert one.refine(one.node_at(0, 0, 0.0), board).leaf_count == board[0].size


@pytest.mark.parametrize(("preset", "pixels"), [("default", 16.0), ("plain", 2.2)])
def test_leaves_are_about_as_many_as_asked_for(preset, pixels):
    image = scene(3, side=400, noise=12.0)
    found = hierarchy_of(image, SegmentationParameters.preset(preset))
    assert image[0].size / found.leaf_count == pytest.approx(pixels, rel=0.3)
