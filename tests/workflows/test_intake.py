from __future__ import annotations

import warnings
from datetime import date
from pathlib import Path

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from made_orthos import LEFT, TOP, MakeOrtho, made_grid, made_image, made_truth

from workbench.campaign import Campaign
from workbench.errors import CampaignError, GridError, NomenclatureError, RasterError, WorkbenchError
from workbench.geo.raster import read_bands
from workbench.labels.review import zone_state
from workbench.workflows.intake import add_zone

ZONE = {"domain": "D051_2019", "name": "Z15_UN"}


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_an_imported_mask_comes_back_bit_for_bit(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    image, mask = make_ortho(1024, 512)
    done = add_zone(campaign, image, mask=mask, author="ign", **ZONE)
    with campaign.open_store(done.zone) as store:
        assert (store.labels == read_bands(mask)[0]).all()
        assert store.coverage() == 1
        assert zone_state(store).state == "accepted"
        assert set(store.head) == {"ign"}
    assert sum(done.imported.values()) == 1024 * 512


def test_a_no_label_in_a_mask_stays_unlabelled(tmp_path: Path, make_ortho: MakeOrtho) -> None:
    campaign = Campaign.create(tmp_path / "naf", nomenclature="ign-naf")
    image, mask = make_ortho()
    rewritten(mask, lambda values: np.where(values == 11, 0, values))
    before = read_bands(mask)[0]
    done = add_zone(campaign, image, mask=mask, scheme="naf", **ZONE)
    with campaign.open_store(done.zone) as store:
        assert (store.labels == before).all()
        assert 0 < store.coverage() < 1
    rewritten(mask, np.zeros_like)
    with pytest.raises(NomenclatureError, match="labels no pixel of zone D051_2019/Z9"):
        add_zone(campaign, image, mask=mask, scheme="naf", domain="D051_2019", name="Z9")


def test_what_is_known_of_the_picture_is_kept(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    image, _ = make_ortho()
    zone = add_zone(campaign, image, acquired=date(2019, 8, 26), camera="UCE-M3-f120", **ZONE).zone
    assert (zone.acquired, zone.camera, zone.theme) == (date(2019, 8, 26), "UCE-M3-f120", "UN")
    assert zone.ortho.bands == ("R", "G", "B", "NIR", "E")


def test_a_footprint_cuts_an_l_shape_out_of_a_larger_raster(
    campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    image, mask = make_ortho(40 + 3 * 512, 30 + 3 * 512 + 9, row=-40, col=-30)
    outline = tmp_path / "outline.gpkg"
    pitch = 102.4
    upright = shapely.box(LEFT + 5, TOP - 2 * pitch + 5, LEFT + pitch - 5, TOP - 5)
    lying = shapely.box(LEFT + 5, TOP - 2 * pitch + 5, LEFT + 2 * pitch - 5, TOP - pitch - 5)
    geopandas.GeoDataFrame(geometry=[upright, lying], crs=2154).to_file(outline)
    zone = add_zone(campaign, image, footprint=outline, mask=mask, **ZONE).zone
    assert [(cell.row, cell.col) for cell in zone.cells] == [(0, 0), (1, 0), (1, 1)]
    with campaign.open_store(zone) as store:
        truth = read_bands(mask, window=zone.ortho.window)[0]
        assert (store.labels == np.where(zone.footprint(), truth, 0)).all()
        assert store.coverage() == 1
    surroundings, offset = campaign.read_surroundings(zone, margin=1000)
    assert offset == (-40, -30)
    assert surroundings.shape[1:] == (40 + 3 * 512, 30 + 3 * 512 + 9)


def test_cells_without_data_are_left_out_and_said(campaign: Campaign, tmp_path: Path) -> None:
    truth = made_truth(512, 1024)
    image = made_image(truth)
    image[:, 500, 1000] = 0
    path = tmp_path / "gap.tif"
    grid = made_grid(512, 1024)
    profile = {"driver": "GTiff", "count": 5, "height": 512, "width": 1024, "dtype": "uint8", "nodata": 0}
    with rasterio.open(path, "w", crs=grid.crs, transform=grid.transform, **profile) as target:
        target.write(np.maximum(image, 1) * (image.sum(axis=0) > 0))
    done = add_zone(campaign, path, **ZONE)
    assert (len(done.zone.cells), done.left_out) == (1, 1)
    assert "left out" in done.text()


def test_a_mask_may_have_a_local_crs_as_flairs_have(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    image, mask = make_ortho()
    local = 'LOCAL_CS["RGF93 v1 / Lambert-93",UNIT["metre",1]]'
    with rasterio.open(mask, "r+") as target:
        target.crs = rasterio.crs.CRS.from_wkt(local)
    with rasterio.open(mask) as source:
        assert source.crs.to_epsg() is None
    zone = add_zone(campaign, image, mask=mask, **ZONE).zone
    assert zone.grid.crs == "EPSG:2154"


def rewritten(path: Path, change: object, **profile: object) -> Path:
    with rasterio.open(path) as source:
        array, options = source.read(), source.profile | profile
    array = change(array)  # type: ignore[operator]
    options |= {"height": array.shape[1], "width": array.shape[2], "count": array.shape[0]}
    options |= {"dtype": array.dtype}
    with rasterio.open(path, "w", **options) as target:
        target.write(array)
    return path


def with_a_pixel_of(value: int) -> object:
    def change(array: np.ndarray) -> np.ndarray:
        array[0, 7, 9] = value
        return array

    return change


BAD_MASKS = {
    "another size": (
        lambda mask: rewritten(mask, lambda a: a[:, :500]),
        RasterError,
        "500 × 512 pixels.*512 × 512",
    ),
    "another place": (
        lambda mask: rewritten(mask, lambda a: a, transform=made_grid(512, 512, col=1).transform),
        RasterError,
        "does not lie on the image",
    ),
    "unknown class": (
        lambda mask: rewritten(mask, with_a_pixel_of(77)),
        NomenclatureError,
        r"mask\.tif.*77.*row 7, col 9",
    ),
    "zero": (lambda mask: rewritten(mask, with_a_pixel_of(0)), NomenclatureError, "0"),
    "two bands": (lambda mask: rewritten(mask, lambda a: np.concatenate([a, a])), RasterError, "one band"),
    "fractions": (lambda mask: rewritten(mask, lambda a: a.astype("float32")), RasterError, "integers"),
    "truncated": (
        lambda mask: mask.write_bytes(mask.read_bytes()[: mask.stat().st_size * 2 // 3]),
        RasterError,
        "cut short",
    ),
    "text": (lambda mask: mask.write_text("a mask"), RasterError, "is not a GeoTIFF"),
    "missing": (lambda mask: mask.unlink(), RasterError, "not a file"),
}


@pytest.mark.parametrize("case", BAD_MASKS)
def test_a_bad_mask_is_refused_and_nothing_is_written(
    campaign: Campaign, make_ortho: MakeOrtho, case: str
) -> None:
    image, mask = make_ortho()
    damage, error, reason = BAD_MASKS[case]
    damage(mask)
    before = files(campaign.path)
    with pytest.raises(error, match=reason) as caught:
        add_zone(campaign, image, mask=mask, **ZONE)
    assert "\n" not in str(caught.value)
    assert files(campaign.path) == before


def ungeoreferenced(path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        return rewritten(path, lambda a: a, transform=None)


BAD_IMAGES = {
    "truncated": (
        lambda image: image.write_bytes(image.read_bytes()[: image.stat().st_size // 2]),
        "cut short",
    ),
    "text": (lambda image: image.write_text("an image"), "is not a GeoTIFF"),
    "no crs": (lambda image: rewritten(image, lambda a: a, crs=None), "no CRS"),
    "uint16": (lambda image: rewritten(image, lambda a: a.astype("uint16")), "uint16.*gdal_translate"),
    "two bands": (lambda image: rewritten(image, lambda a: a[:2]), "--bands"),
    "too small": (lambda image: rewritten(image, lambda a: a[:, :511]), "no whole 512 px patch cell"),
    "another crs": (lambda image: rewritten(image, lambda a: a, crs="EPSG:32631"), "gdalwarp"),
    "not georeferenced": (lambda image: ungeoreferenced(image), "not georeferenced"),
    "outside the area of the CRS": (
        lambda image: rewritten(image, lambda a: a, transform=made_grid(512, 512, col=512e9).transform),  # type: ignore[arg-type]
        "lies outside the area of EPSG:2154 .* gdal_edit.py",
    ),
    "half a pixel off": (
        lambda image: rewritten(image, lambda a: a, transform=made_grid(512, 512, col=0.5).transform),  # type: ignore[arg-type]
        "gdalwarp",
    ),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_a_bad_image_is_refused_and_nothing_is_written(
    campaign: Campaign, make_ortho: MakeOrtho, case: str
) -> None:
    image, _ = make_ortho()
    damage, reason = BAD_IMAGES[case]
    damage(image)
    before = files(campaign.path)
    with pytest.raises(WorkbenchError, match=reason) as caught:
        add_zone(campaign, image, **ZONE)
    assert "\n" not in str(caught.value)
    assert str(image) in str(caught.value)
    assert files(campaign.path) == before


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"name": "../Z1"}, CampaignError),
        ({"domain": "../D051_2019"}, CampaignError),
        ({"bands": ("R", "G")}, CampaignError),
        ({"bands": ("R", "G", "B", "X", "E")}, CampaignError),
        ({"bands": ("R", "R", "B", "NIR", "E")}, CampaignError),
        ({"scheme": "nonsense"}, NomenclatureError),
        ({"author": "../marie"}, WorkbenchError),
        ({"domain": "D051_２０１９"}, CampaignError),
        ({"theme": "../x"}, CampaignError),
        ({"theme": ""}, CampaignError),
        ({"author": ""}, WorkbenchError),
    ],
    ids=[
        "zone name",
        "domain",
        "few bands",
        "unknown band",
        "band twice",
        "scheme",
        "author",
        "wide digits",
        "theme",
        "no theme",
        "no author",
    ],
)
def test_bad_options_are_refused_and_nothing_is_written(
    campaign: Campaign, make_ortho: MakeOrtho, options: dict[str, object], error: type[Exception]
) -> None:
    image, mask = make_ortho()
    before = files(campaign.path)
    with pytest.raises(error):
        add_zone(campaign, image, mask=mask, **ZONE | options)  # type: ignore[arg-type]
    assert files(campaign.path) == before


def test_height_zero_is_data_where_the_other_bands_have_some(
    campaign: Campaign, make_ortho: MakeOrtho
) -> None:
    image, _ = make_ortho()
    assert (read_bands(image, bands=(5,)) == 0).any()
    rewritten(image, lambda a: np.concatenate([np.maximum(a[:4], 1), a[4:]]), nodata=0)
    assert len(add_zone(campaign, image, **ZONE).zone.cells) == 1


def test_a_footprint_that_crosses_itself_is_mended(
    campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    image, _ = make_ortho()
    right, bottom = LEFT + 102.4, TOP - 102.4
    bow_tie = shapely.Polygon([(LEFT, TOP), (right, bottom), (right, TOP), (LEFT, bottom)])
    square = shapely.box(LEFT + 40, TOP - 60, LEFT + 60, TOP - 40)
    outline = tmp_path / "outline.gpkg"
    geopandas.GeoDataFrame(geometry=[bow_tie, square], crs=2154).to_file(outline)
    assert len(add_zone(campaign, image, footprint=outline, **ZONE).zone.cells) == 1


def test_a_footprint_elsewhere_is_refused(campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path) -> None:
    image, _ = make_ortho()
    outline = tmp_path / "outline.geojson"
    geopandas.GeoDataFrame(geometry=[shapely.box(0, 0, 9, 9)], crs=2154).to_file(outline)
    with pytest.raises(GridError, match="holds the centre of none"):
        add_zone(campaign, image, footprint=outline, **ZONE)


def test_a_raster_is_never_written(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    image, mask = make_ortho()
    before = image.read_bytes(), mask.read_bytes()
    add_zone(campaign, image, mask=mask, **ZONE)
    assert (image.read_bytes(), mask.read_bytes()) == before
    assert sorted(path.name for path in image.parent.glob("*.xml")) == []
