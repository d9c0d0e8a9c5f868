"""Tiles: each pixel from one of them, with all that is around it that there is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import ModelError
from workbench.geo.grid import Window
from workbench.inference.tiles import Tiling

SIDES = st.integers(1, 400)
TILINGS = st.builds(
    Tiling, size=st.sampled_from([64, 96, 256]), margin=st.integers(0, 31), across=st.integers(1, 3)
)


@given(height=SIDES, width=SIDES, tiling=TILINGS)
def test_cores_cover_each_pixel_once_and_lie_in_their_tiles(height: int, width: int, tiling: Tiling) -> None:
    seen = np.zeros((height, width), dtype=np.uint8)
    whole = Window(row=0, col=0, height=height, width=width)
    for block in tiling.blocks(height, width):
        assert block.source.intersection(whole) == block.source
        inside = np.zeros((height, width), dtype=np.bool_)
        inside[block.window.slices] = True
        for tile in block.tiles:
            seen[tile.core.slices] += 1
            inside[tile.core.slices] = False
            assert tile.window.shape == (tiling.size, tiling.size)
            assert tile.window.intersection(tile.core) == tile.core
            assert block.source.union(tile.window.intersection(whole)) == block.source
        assert not inside.any()
    assert (seen == 1).all()


@given(height=SIDES, width=SIDES, tiling=TILINGS)
def test_around_a_core_is_the_margin_or_the_edge_of_the_raster(
    height: int, width: int, tiling: Tiling
) -> None:
    for block in tiling.blocks(height, width):
        for tile in block.tiles:
            before = tile.core.row - tile.window.row, tile.core.col - tile.window.col
            after = (
                tile.window.row_stop - tile.core.row_stop,
                tile.window.col_stop - tile.core.col_stop,
            )
            at_start = tile.window.row == 0, tile.window.col == 0
            at_end = tile.window.row_stop >= height, tile.window.col_stop >= width
            assert all(gap >= tiling.margin or edge for gap, edge in zip(before, at_start, strict=True))
            assert all(gap >= tiling.margin or edge for gap, edge in zip(after, at_end, strict=True))


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"size": 500}, "choose a multiple of 32"),
        ({"size": 64, "margin": 32}, "leaves nothing of tiles"),
        ({"across": 0}, "choose at least 1"),
    ],
)
def test_tiles_that_cannot_be_are_refused(wish: dict[str, int], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        Tiling(**wish)


def test_a_graphics_card_gets_larger_tiles_unless_told_otherwise() -> None:
    assert Tiling.on("cpu") == Tiling(size=512, margin=64, across=4)
    assert Tiling.on("cuda:1") == Tiling(size=1024, margin=128, across=2)
    assert Tiling.on("cuda:0", size=256, margin=0, blended=True) == Tiling(
        size=256, margin=0, across=8, blended=True
    )


@pytest.mark.parametrize("size", [0, 31, 500, 640_000])
def test_tiles_that_fit_no_network_are_refused(size: int) -> None:
    with pytest.raises(ModelError, match="fit no network"):
        Tiling.on("cpu", size=size)
