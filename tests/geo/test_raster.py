from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from workbench.errors import RasterError
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import PixelGrid, Window
from workbench.geo.raster import inspect_raster, read_bands, read_valid
from workbench.geo.raster_kinds import LABELS, REGIONS

GRID = PixelGrid(crs="EPSG:2154", transform=Affine(0.2, 0, 831081.6, 0, -0.2, 6829179.2), height=40, width=70)


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (5, *GRID.shape), dtype=np.uint8)


@pytest.fixture
def written(tmp_path: Path, pixels: np.ndarray) -> Path:
    path = tmp_path / "image.tif"
    write_raster(path, pixels, GRID, descriptions=("R", "G", "B", "NIR", "E"), tags={"made": "here"})
    return path


def plain(path: Path, array: np.ndarray, **profile: object) -> Path:
    """Write a raster with rasterio itself, as others do."""
    options = {"driver": "GTiff", "height": array.shape[1], "width": array.shape[2], "count": array.shape[0]}
    options |= {"dtype": array.dtype, "crs": "EPSG:2154", "transform": GRID.transform} | profile
    with rasterio.open(path, "w", **options) as target:
        target.write(array)
    return path


def test_what_is_written_is_read_back_by_us_and_by_rasterio(written: Path, pixels: np.ndarray) -> None:
    info = inspect_raster(written)
    assert info.grid == GRID
    assert (info.band_count, info.dtype, info.nodata) == (5, "uint8", None)
    assert info.descriptions == ("R", "G", "B", "NIR", "E")
    assert info.tags["made"] == "here"
    assert (read_bands(written) == pixels).all()
    with rasterio.open(written) as source:
        assert (source.read() == pixels).all()
        assert source.crs.to_epsg() == 2154
        assert [interpretation.name for interpretation in source.colorinterp] == ["gray"] + ["undefined"] * 4


def test_a_window_and_chosen_bands_are_those_pixels(written: Path, pixels: np.ndarray) -> None:
    window = Window(row=3, col=11, height=20, width=31)
    assert (read_bands(written, bands=(4, 1), window=window) == pixels[[3, 0]][:, *window.slices]).all()


@pytest.mark.parametrize(
    "layout",
    [
        {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"},
        {"tiled": True, "blockxsize": 256, "blockysize": 256, "interleave": "band", "compress": "lzw"},
        {"tiled": True, "blockxsize": 512, "blockysize": 512},
        {"tiled": False, "blockysize": 64, "compress": "deflate"},
        {"tiled": False, "blockysize": 1},
    ],
    ids=lambda layout: "-".join(str(value) for value in layout.values()),
)
def test_a_large_raster_is_read_at_once_as_by_windows(tmp_path: Path, layout: dict[str, object]) -> None:
    rng = np.random.default_rng(3)
    pixels = np.repeat(rng.integers(0, 255, (3, 600, 2400), dtype=np.uint8), 4, axis=1)
    path = plain(tmp_path / "large.tif", pixels, **layout)
    assert np.array_equal(read_bands(path), pixels)
    window = Window(row=1000, col=300, height=70, width=900)
    assert np.array_equal(read_bands(path, window=window), pixels[:, *window.slices])


def test_equal_pixels_give_equal_bytes(tmp_path: Path, written: Path, pixels: np.ndarray) -> None:
    again = tmp_path / "again.tif"
    write_raster(again, pixels, GRID, descriptions=("R", "G", "B", "NIR", "E"), tags={"made": "here"})
    assert again.read_bytes() == written.read_bytes()


def test_a_class_raster_carries_its_colours(tmp_path: Path) -> None:
    path = tmp_path / "classes.tif"
    write_raster(path, np.full(GRID.shape, 3, dtype=np.uint8), GRID, colours={3: (248, 12, 0)})
    with rasterio.open(path) as source:
        assert source.colormap(1)[3] == (248, 12, 0, 255)


def test_nothing_but_an_older_one_of_its_kind_is_overwritten_and_only_when_asked(
    tmp_path: Path, written: Path, pixels: np.ndarray
) -> None:
    before = written.read_bytes()
    for kind in (None, LABELS):
        with pytest.raises(RasterError, match="exists already"):
            write_raster(written, pixels[:1], GRID, kind=kind)
    with pytest.raises(RasterError, match="exists already; choose another name"):
        write_raster(written, pixels[:1], GRID, overwrite=True)
    with pytest.raises(RasterError, match="does not say that it is a raster of labels"):
        write_raster(written, pixels[:1], GRID, kind=LABELS, overwrite=True)
    assert written.read_bytes() == before
    for count in (2, 1):
        write_raster(tmp_path / "labels.tif", pixels[:count], GRID, kind=LABELS, overwrite=True)
        assert inspect_raster(tmp_path / "labels.tif").band_count == count
    with pytest.raises(RasterError, match="does not say that it is a raster of regions"):
        write_raster(tmp_path / "labels.tif", pixels[:1], GRID, kind=REGIONS, overwrite=True)


def test_near_infrared_is_not_taken_for_transparency(tmp_path: Path) -> None:
    image = np.zeros((4, *GRID.shape), dtype=np.uint8)
    image[3, :5] = 200
    path = plain(tmp_path / "rgbi.tif", image, photometric="RGB", alpha="yes")
    assert read_valid(path).all()


def test_nodata_beside_four_bands_is_read_without_a_warning(tmp_path: Path) -> None:
    image = np.ones((4, 8, 9), np.uint8)
    image[:, :3] = 0
    image[0, 4] = 0
    path = plain(tmp_path / "four.tif", image, nodata=0)  # GDAL takes the fourth band for alpha
    expected = np.ones((8, 9), np.bool_)
    expected[:3] = False
    assert np.array_equal(read_valid(path), expected)
    heights = np.array([[[np.nan, 1.0], [np.nan, np.nan]]], np.float32)
    assert read_valid(plain(tmp_path / "nan.tif", heights, nodata=np.nan)).tolist() == [
        [False, True],
        [False, False],
    ]


def test_only_a_geotiff_is_replaced_and_named_so(tmp_path: Path) -> None:
    pixels = np.zeros((1, 4, 4), np.uint8)
    grid = PixelGrid(crs="EPSG:2154", transform=Affine(0.2, 0, 0, 0, -0.2, 0), height=4, width=4)
    (tmp_path / "notes.tif").write_text("mine")
    with pytest.raises(RasterError, match="does not say that it is a raster of labels"):
        write_raster(tmp_path / "notes.tif", pixels, grid, kind=LABELS, overwrite=True)
    with pytest.raises(RasterError, match=r"ends in \.tif"):
        write_raster(tmp_path / "map.png", pixels, grid)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.tif"]


def test_nodata_is_not_valid(tmp_path: Path) -> None:
    image = np.ones((1, *GRID.shape), dtype=np.uint8)
    image[0, 2, 3] = 0
    valid = read_valid(plain(tmp_path / "gap.tif", image, nodata=0))
    assert not valid[2, 3]
    assert valid.sum() == valid.size - 1


def truncated(path: Path) -> Path:
    noise = np.random.default_rng(2).integers(0, 256, (4, 300, 300), dtype=np.uint8)
    whole = plain(path.with_name("whole.tif"), noise, compress="deflate")
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return path


def test_a_truncated_raster_is_said_to_be_cut_short(tmp_path: Path) -> None:
    path = truncated(tmp_path / "half.tif")
    with pytest.raises(RasterError, match=r"half\.tif.*cut short"):
        read_bands(path)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_text("not a raster"), "is not a GeoTIFF"),
        (lambda path: path.write_bytes(b""), "is not a GeoTIFF"),
        (lambda path: path.write_bytes(b"II*\0" + bytes(60)), "damaged or cut short"),
        (lambda path: path.write_text('<VRTDataset rasterXSize="1" rasterYSize="1"/>'), "is not a GeoTIFF"),
        (lambda path: plain(path, np.zeros((1, 9, 9), np.uint8), crs=None), "no CRS.*gdal_edit"),
        (lambda path: plain(path, np.zeros((1, 9, 9), np.complex64)), "complex64"),
        (
            lambda path: plain(path, np.zeros((1, 9, 9), np.uint8), transform=Affine(1, 0.5, 0, 0, -1, 0)),
            "rotated",
        ),
        (lambda path: None, "not a file"),
    ],
    ids=["text", "empty", "broken header", "vrt", "no crs", "complex", "rotated", "missing"],
)
def test_bad_rasters_get_one_clear_sentence(tmp_path: Path, make: object, reason: str) -> None:
    path = tmp_path / "bad.tif"
    make(path)  # type: ignore[operator]
    with pytest.raises(RasterError, match=reason) as caught:
        inspect_raster(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_remote_and_virtual_paths_are_refused() -> None:
    for name in ("/vsicurl/http://localhost/x.tif", "/vsizip/x.zip/x.tif"):
        with pytest.raises(RasterError, match="not a file on this machine"):
            inspect_raster(Path(name))


def test_a_mask_with_a_local_crs_takes_the_images(tmp_path: Path) -> None:
    path = plain(tmp_path / "mask.tif", np.ones((1, 9, 9), np.uint8), crs=None)
    assert inspect_raster(path, assume_crs="EPSG:2154").grid.crs == "EPSG:2154"


def test_a_window_outside_is_refused(written: Path) -> None:
    with pytest.raises(RasterError, match="reaches outside"):
        read_bands(written, window=Window(row=30, col=0, height=20, width=10))
