from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import CampaignError, GridError, RasterError
from workbench.geo.grid import NATIONAL_GRID, PixelGrid, Window
from workbench.geo.zone import Cell, Zone, ZoneRaster, check_names, cut_cells, read_footprint, zone_grid

# 3 × 4 whole cells that begin 100 rows and 200 columns into the raster.
RASTER = PixelGrid(
    crs="EPSG:2154",
    transform=Affine(0.2, 0, 831081.6 - 40, 0, -0.2, 6829179.2 + 20),
    height=100 + 3 * 512 + 7,
    width=200 + 4 * 512 + 300,
)
NAMES = st.from_regex(r"[A-Za-z0-9]{1,6}([-_][A-Za-z0-9]{1,4}){0,3}", fullmatch=True)


def zone(cells: list[tuple[int, int]], name: str = "Z1_AA") -> Zone:
    grid, window = zone_grid(RASTER, cells, NATIONAL_GRID)
    top, left = min(row for row, _ in cells), min(col for _, col in cells)
    return Zone(
        domain="D051_2019",
        name=name,
        grid=grid,
        cells=tuple(sorted(Cell(row=row - top, col=col - left) for row, col in cells)),
        rasters=(
            ZoneRaster(role="ortho", path=Path("x.tif"), bands=("P",), window=window, pixels_sha256="0" * 64),
        ),
        acquired=None,
        camera=None,
        theme=None,
    )


def test_without_a_footprint_all_whole_cells_are_taken() -> None:
    assert len(cut_cells(RASTER)) == 12
    grid, window = zone_grid(RASTER, cut_cells(RASTER), NATIONAL_GRID)
    assert window == Window(row=100, col=200, height=3 * 512, width=4 * 512)
    assert NATIONAL_GRID.offset(grid) == (0, 0)


def test_a_footprint_takes_the_cells_whose_centre_it_holds() -> None:
    left, top, pitch = 831081.6, 6829179.2, 102.4
    footprint = shapely.box(left + 0.4 * pitch, top - 1.6 * pitch, left + 2.4 * pitch, top)
    assert cut_cells(RASTER, footprint=footprint) == ((0, 0), (0, 1), (1, 0), (1, 1))


def test_a_footprint_beside_the_raster_is_refused() -> None:
    with pytest.raises(GridError, match="holds the centre of none"):
        cut_cells(RASTER, footprint=shapely.box(0, 0, 1, 1))


def test_a_raster_without_a_whole_cell_is_refused() -> None:
    small = RASTER.crop(Window(row=0, col=0, height=600, width=2000))
    with pytest.raises(GridError, match="no whole 512 px patch cell"):
        cut_cells(small)


def test_the_footprint_mask_is_the_cells() -> None:
    shape = zone([(0, 1), (0, 2), (1, 1)])
    mask = shape.footprint()
    assert mask.shape == (1024, 1024)
    assert mask.sum() == 3 * 512**2
    assert not mask[512:, 512:].any()
    assert shape.area == pytest.approx(3 * 102.4**2)
    assert [window.row for _, window in shape.patch_windows()] == [0, 0, 512]


@given(NAMES, NAMES)
def test_roi_names_are_reversible_and_have_no_underscore(one: str, other: str) -> None:
    rois = [
        zone([(0, 0)], name).roi for name in (one, other) if name.lower() not in {"con", "prn", "aux", "nul"}
    ]
    assert all("_" not in roi for roi in rois)
    if len(rois) == 2:
        assert (rois[0] == rois[1]) == (one == other)
        assert rois[0].replace("--", "_") == one


@pytest.mark.parametrize(
    ("domain", "name"),
    [
        ("D051_2019", "../Z1"),
        ("D051_2019", "a/b"),
        ("D051_2019", ""),
        ("D051_2019", "a__b"),
        ("D051_2019", "a-_b"),
        ("D051_2019", "con"),
        ("D051_2019", "Z1."),
        ("D051_2019", "é"),
        ("D051_2019", "x" * 60),
        ("../D051_2019", "Z1"),
        ("D051", "Z1"),
        ("2019_D051", "Z1"),
    ],
)
def test_names_that_are_no_names_are_refused(domain: str, name: str) -> None:
    with pytest.raises(CampaignError, match="write it like"):
        check_names(domain, name)


def test_cells_out_of_order_cannot_be_built() -> None:
    shape = zone([(0, 0), (0, 1)])
    with pytest.raises(GridError):
        Zone(
            domain=shape.domain,
            name=shape.name,
            grid=shape.grid,
            cells=shape.cells[::-1],
            rasters=shape.rasters,
            acquired=None,
            camera=None,
            theme=None,
        )


def test_a_footprint_file_is_read_in_the_rasters_crs(tmp_path: Path) -> None:
    box = shapely.box(831081.6, 6829000, 831200, 6829179.2)
    path = tmp_path / "zone.geojson"
    geopandas.GeoDataFrame(geometry=[box], crs=2154).to_crs(4326).to_file(path, driver="GeoJSON")
    read = read_footprint(path, crs="EPSG:2154")
    # GeoJSON keeps 7 decimals of a degree, about a centimetre.
    assert np.allclose(read.bounds, box.bounds, atol=0.02)


@pytest.mark.parametrize("content", ["not a vector", '{"type": "FeatureCollection", "features": []}', None])
def test_bad_footprint_files_get_one_clear_sentence(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "zone.geojson"
    if content is not None:
        path.write_text(content)
    with pytest.raises(RasterError, match=r"zone\.geojson"):
        read_footprint(path, crs="EPSG:2154")
