"""Dalles, and the zones that could be cut from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_orthos import made_grid

from workbench.errors import CampaignError, GridError
from workbench.geo.dalle import Dalle, lay_zones
from workbench.geo.zone import cut_cells


def dalle(height: int, width: int, *, row: int = 0, col: int = 0) -> Dalle:
    grid = made_grid(height, width, row=row, col=col)
    return Dalle(domain="D055_2018", name="east", path=Path("east.tif"), bands=("R", "G", "B"), grid=grid)


@given(
    height=st.integers(512, 6000),
    width=st.integers(512, 6000),
    size=st.integers(1, 5),
    offset=st.tuples(st.integers(-511, 0), st.integers(-511, 0)),
)
def test_zones_lie_side_by_side_on_whole_cells(height, width, size, offset):
    sheet = dalle(height, width, row=offset[0], col=offset[1])
    try:
        whole = set(cut_cells(sheet.grid))
    except GridError:
        with pytest.raises(GridError):
            next(lay_zones(sheet, size=size))
        return
    zones = list(lay_zones(sheet, size=size))
    cells = [cell for zone in zones for cell in sheet.cells_of(zone)]
    assert len(cells) == len(set(cells))
    assert set(cells) <= whole
    assert len({zone.name for zone in zones}) == len(zones)
    rows, cols = max(row for row, _ in whole) + 1, max(col for _, col in whole) + 1
    # What is left out lies beyond the last whole zone of a row or column.
    assert len(cells) == (rows // min(size, rows)) * min(size, rows) * (cols // min(size, cols)) * min(
        size, cols
    )


def test_a_zone_knows_its_cells_again():
    sheet = dalle(2048, 2048)
    zone = sheet.zone("L", ((1, 1), (1, 2), (2, 1)))
    assert sheet.cells_of(zone) == ((1, 1), (1, 2), (2, 1))
    assert zone.grid.shape == (1024, 1024)
    assert zone.footprint().sum() == 3 * 512**2
    assert sheet.grid.crop(zone.ortho.window).coincides(zone.grid)


@pytest.mark.parametrize("size", [0, 21])
def test_zones_that_nobody_could_label_are_refused(size):
    with pytest.raises(CampaignError, match="give a side of 1 to 20"):
        next(lay_zones(dalle(1024, 1024), size=size))
