"""FLAIR#2's tree is read as IGN's loader reads it, written anew here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from made_zones import MadeZone, build, make_zone, make_zones
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export import verify_release
from workbench.export.patches import View
from workbench.export.release import Release
from workbench.geo.grid import Bounds, PixelGrid

DAYS = (date(2018, 5, 2), date(2018, 8, 20), date(2018, 11, 30))
NAMES = ("S2A_MSIL2A_20180502T105031_N0207_R051_T31TGL_20180502T131530", "s2-august", "s2-november")


def ground(grid: PixelGrid) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the pixels of a grid lie, in tens of metres."""
    x = grid.transform.c + (np.arange(grid.width) + 0.5) * grid.resolution
    y = grid.transform.f - (np.arange(grid.height) + 0.5) * grid.resolution
    return np.meshgrid(x // 10, y // 10)


def series(grid: PixelGrid) -> NDArray[np.uint16]:
    """Return pixels that tell their place, day and band."""
    x, y = ground(grid)
    planes = [(x % 100) * 100 + y % 100 + 1000 * day + band for day in range(3) for band in range(10)]
    return np.stack(planes).astype(np.uint16)


def with_series(made: MadeZone, *, reach: float = 1000.0) -> MadeZone:
    bounds = made.source.zone.grid.bounds
    ground = Bounds(
        left=bounds.left - reach,
        bottom=bounds.bottom - reach,
        right=bounds.right + reach,
        top=bounds.top + reach,
    )
    views = {
        "sentinel2": View(read=series, sha256="a" * 64, dates=DAYS, names=NAMES, reach=ground),
        "sentinel2-masks": View(
            read=lambda grid: np.zeros((6, *grid.shape), np.uint8), sha256="b" * 64, dates=DAYS, reach=ground
        ),
    }
    return replace(made, source=replace(made.source, views=views))


@pytest.fixture(scope="module")
def flair_two(tmp_path_factory: pytest.TempPathFactory) -> Release:
    zones = [with_series(zone) for zone in make_zones()]
    return build(zones, tmp_path_factory.mktemp("flair2"), layouts=["flair2"])


def samples(root: Path, images: str, labels: str, sentinel: str) -> Iterator[dict[str, Any]]:
    """Yield samples as FLAIR-2's ``load_data`` and its dataset make them."""
    number = lambda path: int(path.stem.rpartition("_")[2])  # noqa: E731
    image = sorted((root / images).rglob("IMG*.tif"), key=number)
    mask = sorted((root / labels).rglob("MSK*.tif"), key=number)
    centroids = json.loads((root / "flair-2_centroids_sp_to_patch.json").read_text())
    data = {path.parts[-4:-2]: path for path in (root / sentinel).rglob("*data.npy")}
    for one, other in zip(image, mask, strict=True):
        assert number(one) == number(other)
        place = one.parts[-4:-2]
        folder = data[place].parent
        row, col = centroids[one.name]
        whole = np.load(data[place], mmap_mode="r")
        clouds = np.load(next(folder.glob("*masks.npy")))
        products = next(folder.glob("*products.txt")).read_text().splitlines()
        yield {
            "image": one,
            "mask": other,
            "series": whole[:, :, row - 20 : row + 20, col - 20 : col + 20],
            "clouds": clouds[:, :, row - 20 : row + 20, col - 20 : col + 20],
            "days": [line[15:19] for line in products],
        }


def test_each_patch_has_its_own_ground_of_the_series_in_the_middle(flair_two: Release) -> None:
    root, seen = flair_two.path / "FLAIR2", 0
    for trees in (
        ("flair_aerial_train", "flair_labels_train", "flair_sen_train"),
        ("flair_2_aerial_test", "flair_2_labels_test", "flair_2_sen_test"),
    ):
        for sample in samples(root, *trees):
            seen += 1
            assert sample["series"].shape == (3, 10, 40, 40)
            assert sample["series"].dtype == np.uint16
            assert sample["clouds"].shape == (3, 2, 40, 40)
            assert sample["clouds"].dtype == np.uint8
            assert sample["days"] == ["0502", "0820", "1130"]
            with rasterio.open(sample["image"]) as source:
                x, y = (value // 10 for value in source.xy(255.5, 255.5))
                assert source.count == 5
            expected = (x % 100) * 100 + y % 100
            assert int(sample["series"][0, 0, 20, 20]) == expected
            assert int(sample["series"][2, 7, 20, 20]) == expected + 2007
    assert seen == 8


def test_product_that_is_known_keeps_its_name(flair_two: Release) -> None:
    (path,) = flair_two.path.glob("FLAIR2/*/D055_2018/Z2_UF/sen/*_products.txt")
    assert path.read_text().splitlines() == [NAMES[0], "SENTINEL-2_20180820", "SENTINEL-2_20181130"]
    assert path.name == "SEN2_sp_D055_2018_Z2_UF_products.txt"


def test_ground_that_no_picture_reaches_is_cloud(tmp_path: Path) -> None:
    release = build([with_series(make_zone(), reach=50.0)], tmp_path, layouts=["flair2"])
    (path,) = release.path.rglob("*masks.npy")
    clouds = np.load(path)
    assert (clouds[:, :, 0] == 100).all()
    assert (clouds[:, :, clouds.shape[2] // 2, clouds.shape[3] // 2] == 0).all()
    assert verify_release(release.path).sound


def test_zone_without_a_series_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="zone D055_2018/Z2_UF is without sentinel2; add it"):
        build([make_zone()], tmp_path, layouts=["flair2"])
    assert list(tmp_path.iterdir()) == []


def test_release_is_sound_and_a_changed_byte_of_a_series_is_named(flair_two: Release, tmp_path: Path) -> None:
    import shutil

    assert verify_release(flair_two.path).sound
    copy = Path(shutil.copytree(flair_two.path, tmp_path / "copy"))
    path = next(copy.rglob("*data.npy"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    found = verify_release(copy).problems
    assert [(str(one.loc[0]), one.kind) for one in found] == [(path.relative_to(copy).as_posix(), "changed")]
