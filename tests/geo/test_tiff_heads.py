"""Headers of alike GeoTIFFs say what GDAL says, whatever was read before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import Resampling

from workbench.errors import RasterError
from workbench.geo.raster import inspect_raster, read_raster
from workbench.geo.tiff_heads import AlikeHeads

PLACES = ((700_000.0, 6_600_000.0), (700_102.4, 6_600_000.0), (-0.1, 1 / 3), (716803.2, 6758420.8))


def write(path: Path, place: tuple[float, float] = PLACES[0], *, seed: int = 0, **profile: Any) -> Path:
    """Write a raster of noise, one band of bytes in Lambert-93 unless told otherwise."""
    profile = {
        "driver": "GTiff",
        "crs": "EPSG:2154",
        "dtype": "uint8",
        "count": 1,
        "compress": "deflate",
    } | profile
    profile = {
        "count": 1,
        "height": 48,
        "width": 64,
        "transform": Affine(0.2, 0, place[0], 0, -0.2, place[1]),
    } | profile
    shape = profile["count"], profile["height"], profile["width"]
    pixels = np.random.default_rng(seed).integers(0, 250, shape).astype(profile["dtype"])
    with rasterio.open(path, "w", **profile) as target:
        target.write(pixels)
    return path


def said(heads: AlikeHeads, path: Path) -> None:
    """Hold what is read of a file against what GDAL says."""
    assert heads.inspect(path) == inspect_raster(path)
    info, pixels = heads.read(path)
    wanted, there = read_raster(path)
    assert info == wanted
    np.testing.assert_array_equal(pixels, there, strict=True)


VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "another CRS": {"crs": "EPSG:32631"},
    "another size": {"height": 32},
    "another pixel": {"transform": Affine(0.5, 0, 700_000, 0, -0.5, 6_600_000)},
    "16 bits": {"dtype": "uint16"},
    "floats with a predictor": {"dtype": "float32", "predictor": 3},
    "five bands": {"count": 5, "interleave": "band"},
    "tiled": {"tiled": True, "blockxsize": 32, "blockysize": 16},
    "LZW": {"compress": "lzw", "predictor": 2},
    "nodata": {"nodata": 0},
}


def test_each_of_many_files_is_what_gdal_says(tmp_path: Path) -> None:
    heads = AlikeHeads()
    for turn, place in enumerate(PLACES):
        for number, (name, profile) in enumerate(VARIANTS.items()):
            said(heads, write(tmp_path / f"{name} {turn}.tif", place, seed=turn + number, **profile))


def test_gdal_reads_one_of_those_that_are_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heads = AlikeHeads()
    files = [write(tmp_path / f"{turn}.tif", place, seed=turn) for turn, place in enumerate(PLACES)]
    wanted = [read_raster(path) for path in files]
    asked: list[Path] = []
    monkeypatch.setattr(
        "workbench.geo.tiff_heads.inspect_raster", lambda path: (asked.append(path), inspect_raster(path))[1]
    )
    for path, (info, pixels) in zip(files, wanted, strict=True):
        found, there = heads.read(path)
        assert found == info
        np.testing.assert_array_equal(there, pixels, strict=True)
    assert asked == files[:1]


def test_what_is_told_beside_the_pixels_counts(tmp_path: Path) -> None:
    heads = AlikeHeads()
    said(heads, write(tmp_path / "before.tif"))
    for name, change in {
        "tags": lambda target: target.update_tags(what="else"),
        "point": lambda target: target.update_tags(AREA_OR_POINT="Point"),
        "described": lambda target: target.set_band_description(1, "NIR"),
        "coloured": lambda target: target.write_colormap(1, {0: (1, 2, 3, 255)}),
        "overviews": lambda target: target.build_overviews([2], Resampling.nearest),
    }.items():
        path = write(tmp_path / f"{name}.tif")
        with rasterio.open(path, "r+") as target:
            change(target)
        for _ in range(2):
            said(heads, path)


def test_files_that_gdal_refuses_are_refused_after_sound_ones(tmp_path: Path) -> None:
    heads = AlikeHeads()
    content = write(tmp_path / "sound.tif").read_bytes()
    said(heads, tmp_path / "sound.tif")
    wrong = {"text": b"no picture", "empty": b"", "short": content[:60], "half": content[: len(content) // 2]}
    for name, part in wrong.items():
        path = tmp_path / f"{name}.tif"
        path.write_bytes(part)
        with pytest.raises(RasterError) as wanted:
            read_raster(path)
        with pytest.raises(RasterError) as found:
            heads.read(path)
        assert str(found.value) == str(wanted.value)
    turned = write(tmp_path / "turned.tif", transform=Affine(0.2, 0.1, 7e5, 0.1, -0.2, 6e6))
    with pytest.raises(RasterError, match="rotated"):
        heads.inspect(turned)


def test_any_byte_of_a_header_that_changes_is_read_as_gdal_reads_it_or_refused(tmp_path: Path) -> None:
    heads, path = AlikeHeads(), write(tmp_path / "one.tif")
    said(heads, path)
    content, changed = path.read_bytes(), tmp_path / "changed.tif"
    begin = int.from_bytes(content[4:8], "little")
    for place in range(begin, min(begin + 300, len(content))):
        changed.write_bytes(content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :])
        try:
            wanted = inspect_raster(changed)
        except RasterError:
            continue
        assert heads.inspect(changed) == wanted, place
