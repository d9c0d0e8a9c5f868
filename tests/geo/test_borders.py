from __future__ import annotations

import numpy as np
import pytest
from made_orthos import made_grid

from workbench.geo.borders import shared_borders
from workbench.geo.grid import Window
from workbench.geo.zone import Cell, Zone


def zone(name: str, cells: list[tuple[int, int]]) -> Zone:
    """Return a zone of some patch cells (row, col) of the ground."""
    top, left = min(row for row, _ in cells), min(col for _, col in cells)
    own = sorted(Cell(row=row - top, col=col - left) for row, col in cells)
    height, width = 512 * (max(c.row for c in own) + 1), 512 * (max(c.col for c in own) + 1)
    return Zone(
        domain="D051_2019",
        name=name,
        grid=made_grid(height, width, row=512 * top, col=512 * left),
        cells=tuple(own),
        rasters=(),
        acquired=None,
        camera=None,
        theme=None,
    )


# An L, and a zone that fills its corner and stands beside it.
ELL = zone("Z1", [(0, 0), (1, 0), (2, 0), (2, 1)])
CORNER = zone("Z2", [(0, 1), (1, 1), (1, 2), (2, 2)])


def test_the_borders_of_an_l_and_what_fills_it() -> None:
    found = {border.side: border for border in shared_borders(ELL, CORNER, depth=13)}
    assert len(found) == 2
    assert len(shared_borders(ELL, CORNER, depth=13)) == 3
    right = [border for border in shared_borders(ELL, CORNER, depth=13) if border.side == "right"]
    assert right[0].inside == Window(row=0, col=499, height=1024, width=13)
    assert right[0].outside == Window(row=0, col=0, height=1024, width=13)
    assert right[0].line == Window(row=0, col=511, height=1024, width=1)
    assert right[1].line == Window(row=1024, col=1023, height=512, width=1)
    assert right[1].outside == Window(row=1024, col=512, height=512, width=13)
    assert found["top"].line == Window(row=1024, col=512, height=1, width=512)
    assert found["top"].outside == Window(row=1011, col=0, height=13, width=512)


def test_a_border_seen_from_the_other_side_is_the_same_ground() -> None:
    there, back = shared_borders(ELL, CORNER, depth=13), shared_borders(CORNER, ELL, depth=13)
    assert sorted((one.inside.row, one.inside.col) for one in there) == sorted(
        (one.outside.row, one.outside.col) for one in back
    )


@pytest.mark.parametrize(
    "cells", [[(0, 2)], [(3, 2), (3, 3)], [(-1, 1), (3, 2)]], ids=["apart", "at a corner", "at two corners"]
)
def test_zones_that_share_no_edge_have_no_border(cells: list[tuple[int, int]]) -> None:
    assert shared_borders(ELL, zone("Z3", cells), depth=13) == ()


@pytest.mark.parametrize(
    ("cell", "side"), [((-1, 0), "top"), ((1, 0), "bottom"), ((0, -1), "left"), ((0, 1), "right")]
)
def test_strips_are_turned_so_that_they_go_outwards(cell: tuple[int, int], side: str) -> None:
    """The whole ground as one raster of row and column numbers is the oracle."""
    ground = np.add.outer(np.arange(1536) * 2000, np.arange(1536))
    (border,) = shared_borders(zone("Z1", [(0, 0)]), zone("Z2", [cell]), depth=3)
    assert border.side == side
    own, other = ground[512:1024, 512:1024], ground[(cell[0] + 1) * 512 :, (cell[1] + 1) * 512 :][:512, :512]
    strip = np.concatenate(
        (border.outward(own[border.inside.slices]), border.outward(other[border.outside.slices]))
    )
    assert strip.shape == (6, 512)
    outward = {"top": -2000, "bottom": 2000, "left": -1, "right": 1}[side]
    assert (np.diff(strip, axis=0) == outward).all()
    assert np.array_equal(strip[2], own[border.line.slices].reshape(-1))
