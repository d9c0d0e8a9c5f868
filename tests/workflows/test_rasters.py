"""Rasters beside the orthophoto: of any resolution, placed exactly, told apart, noticed when they change."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from made_orthos import LEFT, TOP, MakeOrtho, made_grid
from packs import files

from workbench.campaign import Campaign
from workbench.errors import CampaignError, RasterError, WorkbenchError
from workbench.geo.grid import PixelGrid, Window
from workbench.geo.zone import Zone
from workbench.workflows import rasters
from workbench.workflows.backup import back_up
from workbench.workflows.intake import add_zone
from workbench.workflows.migrating import find_recoding, migrate
from workbench.workflows.packing import pack_zone
from workbench.workflows.rasters import ROLES, add_raster
from workbench.workflows.standing import standing
from workbench.workflows.unpacking import unpack_zone

MakeRaster = Callable[..., Path]


@pytest.fixture
def zone(campaign: Campaign, make_ortho: MakeOrtho) -> Zone:
    """A zone of one patch, whose upper left corner is (LEFT, TOP) and whose side 102.4 m."""
    image, _ = make_ortho(640, 640, row=-64, col=-64)
    return add_zone(campaign, image, domain="D051_2019", name="Z1_AA").zone


@pytest.fixture
def make_raster(tmp_path: Path) -> MakeRaster:
    """Write a raster of numbered pixels as others write them."""

    def make(
        name: str = "dsm.tif",
        *,
        shape: tuple[int, ...] = (1, 60, 60),
        resolution: float = 2.0,
        left: float = LEFT - 9.0,
        top: float = TOP + 7.0,
        dtype: str = "float32",
        **profile: object,
    ) -> Path:
        pixels = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
        options = {"driver": "GTiff", "count": shape[0], "height": shape[1], "width": shape[2]}
        options |= {"dtype": dtype, "crs": "EPSG:2154"}
        options |= {"transform": Affine(resolution, 0, left, 0, -resolution, top)} | profile
        with rasterio.open(tmp_path / name, "w", **options) as target:
            target.write(pixels)
        return tmp_path / name

    return make


def test_a_raster_of_another_resolution_is_kept_with_its_place(
    campaign: Campaign, zone: Zone, make_raster: MakeRaster
) -> None:
    path = make_raster()
    done = add_raster(campaign, zone, path, role="dsm")
    # 9 m and 7 m before the corner are 4.5 and 3.5 pixels of 2 m: pixels 4 and 3 are cut by the zone's edge.
    # 102.4 m later, at 55.7 and 54.7 pixels, 55 and 54 are the last.
    assert done.raster.window == Window(row=3, col=4, height=52, width=52)
    assert done.share == 1
    (ortho, dsm) = Campaign.open(campaign.path).zone(zone.id).rasters
    assert (ortho, dsm) == (zone.ortho, done.raster)
    assert (dsm.bands, dsm.key, dsm.acquired) == (("DSM",), "dsm", None)
    found = campaign.read_raster(zone, dsm, margin=0)
    assert found.grid == dsm.grid
    assert found.grid.bounds.left == LEFT - 1
    assert found.grid.bounds.top == TOP + 1
    # The same ground in both grids: 31 m right of and 21 m below the corner.
    x, y = LEFT + 31.05, TOP - 21.05
    assert zone.grid.rowcol(x, y) == (105, 155)
    assert found.pixels[0][found.grid.rowcol(x, y)] == 60 * (3 + 11) + 4 + 16


def test_the_surroundings_come_along_as_far_as_the_raster_reaches(
    campaign: Campaign, zone: Zone, make_raster: MakeRaster
) -> None:
    raster = add_raster(campaign, zone, make_raster(), role="dsm").raster
    found = campaign.read_raster(zone, raster, margin=20)  # 4 m are 2 pixels
    assert found.grid.bounds.left == LEFT - 1 - 4
    assert found.pixels.shape == (1, 56, 56)
    whole = campaign.read_raster(zone, raster)
    assert whole.pixels.shape == (1, 60, 60)
    assert whole.valid is None
    ortho = campaign.read_raster(zone, zone.ortho)
    assert ortho.grid.bounds.left == pytest.approx(LEFT - 12.8)
    assert (ortho.pixels == campaign.read_surroundings(zone)[0]).all()


def test_a_raster_on_a_part_of_the_zone_says_which_share(
    campaign: Campaign, zone: Zone, make_raster: MakeRaster
) -> None:
    east = make_raster("east.tif", left=LEFT + 51.2, shape=(1, 60, 60))
    assert add_raster(campaign, zone, east, role="dsm").share == pytest.approx(0.5)
    # The raster of numbered pixels is 0 in its first one alone, which lies in the zone with all of its 25 m².
    hole = make_raster("hole.tif", left=LEFT, top=TOP, resolution=5.0, shape=(1, 30, 30), nodata=0)
    done = add_raster(campaign, zone, hole, role="dtm")
    assert done.share == pytest.approx(1 - 25 / 102.4**2)
    found = campaign.read_raster(done.zone, done.raster)
    assert found.valid is not None
    assert [tuple(place) for place in np.argwhere(~found.valid)] == [(0, 0)]


def test_the_share_counts_the_zones_cells_alone(
    campaign: Campaign, make_ortho: MakeOrtho, make_raster: MakeRaster, tmp_path: Path
) -> None:
    image, _ = make_ortho(1024, 1024)
    upper, lower = (shapely.box(LEFT + 5 + d, TOP - 90 - d, LEFT + 90 + d, TOP - 5 - d) for d in (0, 102.4))
    geopandas.GeoDataFrame(geometry=[upper, lower], crs=2154).to_file(tmp_path / "outline.gpkg")
    zone = add_zone(
        campaign, image, domain="D051_2019", name="Z1_AA", footprint=tmp_path / "outline.gpkg"
    ).zone
    assert len(zone.cells) == 2
    half = make_raster(left=LEFT, top=TOP, shape=(1, 60, 26), resolution=204.8 / 52)
    assert add_raster(campaign, zone, half, role="dsm").share == pytest.approx(0.5)


def test_nan_is_no_data_and_never_comes_out(campaign: Campaign, zone: Zone, make_raster: MakeRaster) -> None:
    path = make_raster()
    with rasterio.open(path, "r+") as target:
        pixels = target.read()
        pixels[0, 10:12, 10] = np.nan
        target.write(pixels)
    done = add_raster(campaign, zone, path, role="dsm")
    assert done.share == pytest.approx(1 - 8 / 102.4**2)
    found = campaign.read_raster(done.zone, done.raster)
    assert np.isfinite(found.pixels).all()
    assert found.valid is not None
    assert (~found.valid).sum() == 2


def test_other_dates_are_told_apart_by_their_day(
    campaign: Campaign, zone: Zone, make_raster: MakeRaster
) -> None:
    for year in (2014, 2021):
        path = make_raster(f"{year}.tif", shape=(3, 60, 60), dtype="uint8")
        zone = add_raster(campaign, zone, path, role="other-date", acquired=date(year, 6, 1)).zone
    assert [raster.key for raster in zone.rasters] == [
        "ortho",
        "other-date-2014-06-01",
        "other-date-2021-06-01",
    ]
    told = standing(campaign, zone)
    assert "other-date-2014-06-01" in told.text()
    assert [one["acquired"] for one in told.document()["rasters"]] == [None, "2014-06-01", "2021-06-01"]


def test_the_bands_of_each_role_have_names_that_can_be_given(
    campaign: Campaign, zone: Zone, make_raster: MakeRaster
) -> None:
    for role, usual in ROLES.items():
        for count, names in usual.items():
            path = make_raster(f"{role}-{count}.tif", shape=(count, 60, 60), dtype="uint16")
            day = date(2000, 1, count)
            found = add_raster(campaign, zone, path, role=role, acquired=day).raster
            assert found.bands == names
            given = make_raster(f"{role}-{count}-given.tif", shape=(count, 60, 60), dtype="uint16")
            day = date(2001, 1, count)
            assert (
                add_raster(campaign, zone, given, role=role, bands=names, acquired=day).raster.bands == names
            )


REFUSED = {
    "another crs": ({"crs": "EPSG:3857"}, {}, "gdalwarp -t_srs EPSG:2154"),
    "another place": ({"left": LEFT + 103}, {}, "nothing of zone D051_2019/Z1_AA"),
    "rotated": ({"transform": Affine(2, 0.1, LEFT, 0.1, -2, TOP)}, {}, "warp it north-up first"),
    "all nodata": ({"nodata": 0, "shape": (1, 1, 1), "resolution": 200.0}, {}, "no data on zone"),
    "no such role": ({}, {"role": "ortho"}, "no role of a raster; choose one of dsm,"),
    "no date": ({}, {"role": "other-date"}, "--date"),
    "many bands": ({"shape": (7, 60, 60)}, {}, "has 7 bands, a raster dsm has 1; .*--bands DSM"),
    "wrong bands": ({}, {"bands": ("R", "G")}, "does not name the 1 band"),
    "unknown band": ({}, {"bands": ("HEIGHT",)}, "give one of P, R, G"),
    "no crs": ({"crs": None}, {}, "gdal_edit.py -a_srs"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_raster_that_does_not_fit_is_refused_and_nothing_is_written(
    campaign: Campaign, zone: Zone, make_raster: MakeRaster, case: str
) -> None:
    profile, options, reason = REFUSED[case]
    path, before = make_raster(**profile), files(campaign.path)
    with pytest.raises(WorkbenchError, match=reason) as caught:
        add_raster(campaign, zone, path, **{"role": "dsm"} | options)
    assert "\n" not in str(caught.value)
    assert files(campaign.path) == before


def test_a_colour_table_is_refused(campaign: Campaign, zone: Zone, make_raster: MakeRaster) -> None:
    path = make_raster("scan.tif", dtype="uint8", photometric="palette")
    with rasterio.open(path, "r+") as target:
        target.write_colormap(1, {value: (value, 0, 0, 255) for value in range(256)})
    with pytest.raises(RasterError, match="gdal_translate -expand rgb"):
        add_raster(campaign, zone, path, role="map")


def test_a_raster_beyond_the_memory_is_refused(
    campaign: Campaign, zone: Zone, make_raster: MakeRaster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rasters, "_LARGEST", 52 * 52 * 4 - 1)
    with pytest.raises(RasterError, match=r"52 × 52 pixels × 1 bands .* gdalwarp -tr 0.2 0.2 -r average"):
        add_raster(campaign, zone, make_raster(), role="dsm")


def test_duplicates_are_refused(campaign: Campaign, zone: Zone, make_raster: MakeRaster) -> None:
    path, other = make_raster(), make_raster("other.tif")
    add_raster(campaign, zone, path, role="dsm")
    before = files(campaign.path)
    with pytest.raises(
        CampaignError, match=r"has a raster dsm already, .*dsm.tif; tell them apart by --date"
    ):
        add_raster(campaign, zone, other, role="dsm")
    with pytest.raises(CampaignError, match=r"is the dsm of zone .* already; one file is added once"):
        add_raster(campaign, zone, path, role="dtm")
    with pytest.raises(CampaignError, match="is the ortho of zone"):
        add_raster(campaign, zone, zone.ortho.path, role="other-date", acquired=date(2014, 6, 1))
    assert files(campaign.path) == before


CHANGES: dict[str, tuple[Callable[[MakeRaster], object], str]] = {
    "pixels": (lambda make: make(dtype="float64"), "not those that were added .* as dsm"),
    "place": (lambda make: make(left=LEFT - 8.0, top=TOP + 7.0), "lies elsewhere"),
    "size": (lambda make: make(shape=(1, 30, 30)), "put the old file back"),
    "bands": (lambda make: make(shape=(2, 60, 60)), "has 2 bands"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_raster_that_changed_since_is_noticed(
    campaign: Campaign, zone: Zone, make_raster: MakeRaster, case: str
) -> None:
    raster = add_raster(campaign, zone, make_raster(), role="dsm").raster
    change, reason = CHANGES[case]
    change(make_raster)
    with pytest.raises(RasterError, match=reason):
        campaign.read_raster(zone, raster)


def test_a_raster_goes_with_a_backup_and_a_migration_and_stays_at_home_from_a_pack(
    campaign: Campaign, zone: Zone, make_raster: MakeRaster, tmp_path: Path
) -> None:
    (campaign.path / "rasters").mkdir()
    inside = Path(shutil.move(make_raster(), campaign.path / "rasters"))
    zone = add_raster(campaign, zone, inside, role="dsm").zone
    zone = add_raster(campaign, zone, make_raster("dtm.tif"), role="dtm").zone

    copy = Campaign.open(back_up(campaign, tmp_path / "backup").path)
    assert [raster.path for raster in copy.zone(zone.id).rasters[1:]] == [
        tmp_path / "backup" / "rasters" / "dsm.tif",
        tmp_path / "dtm.tif",
    ]
    for home, away in zip(zone.rasters, copy.zone(zone.id).rasters, strict=True):
        assert (campaign.read_raster(zone, home).pixels == copy.read_raster(zone, away).pixels).all()

    recoding = find_recoding(campaign, tmp_path / "new", table=None, to=None)
    done = migrate(campaign, tmp_path / "new", zones=[zone], recoding=recoding, decisions={})
    assert Campaign.open(tmp_path / "new").zone(zone.id).rasters == zone.rasters
    assert "keep it" in done.text()

    packed = pack_zone(campaign, zone, tmp_path / "zone.zip", overwrite=False)
    assert packed.left_out == ("dsm", "dtm")
    assert "these rasters stay here: dsm, dtm" in packed.text()
    away = Campaign.create(tmp_path / "away")
    unpack_zone(away, tmp_path / "zone.zip")
    assert [raster.key for raster in away.zone(zone.id).rasters] == ["ortho"]
    assert not unpack_zone(campaign, tmp_path / "zone.zip").added
    assert campaign.zone(zone.id).rasters == zone.rasters


def test_a_campaign_that_moves_takes_its_own_rasters_along(
    campaign: Campaign, zone: Zone, make_raster: MakeRaster, tmp_path: Path
) -> None:
    inside = Path(shutil.move(make_raster(), campaign.path))
    add_raster(campaign, zone, inside, role="dsm")
    moved = Campaign.open(campaign.path.rename(tmp_path / "moved"))
    (one,) = moved.zones()
    assert moved.read_raster(one, one.rasters[1]).pixels.shape == (1, 60, 60)


def test_the_smallest_covering_window_is_that_of_whole_pixels() -> None:
    grid = PixelGrid(crs="EPSG:2154", transform=Affine(0.5, 0, 100, 0, -0.5, 200), height=40, width=30)
    exact = grid.crop(Window(row=4, col=6, height=8, width=10))
    assert grid.covering(exact.bounds) == Window(row=4, col=6, height=8, width=10)
    assert grid.covering(grid.bounds) == grid.whole
    fine = made_grid(512, 512)
    assert grid.covering(fine.bounds) is None
