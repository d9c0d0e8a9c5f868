"""Releases read back by the rules of IGN's three loaders (facts, section 7), not by our own code."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas
import pytest
import rasterio
from made_zones import SIDE, MadeZone, build, make_zone
from numpy.typing import NDArray
from PIL import Image
from rasterio.enums import ColorInterp

from workbench.export.checks import verify_release
from workbench.export.release import Release
from workbench.nomenclature import load_nomenclature

FLAIR = load_nomenclature("flair-19")
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "flair"
HUB_COLUMNS = [
    "patch_id",
    "AERIAL-RLT_PAN",
    "AERIAL_LABEL-COSIA",
    "AERIAL_RGBI",
    "ALL_LABEL-LPIS",
    "DEM_ELEV",
    "SENTINEL1-ASC_TS",
    "SENTINEL1-DESC_TS",
    "SENTINEL2_MSK-SC",
    "SENTINEL2_TS",
    "SPOT_RGBI",
]
NUMBERED = ("flair", 1, 19)
INDEXED = ("flair_hub", 0, 18)


def read_flair(tree: Path, csv: str) -> list[tuple[str, NDArray[Any], NDArray[Any]]]:
    """F1: headless CSV of two columns; five channels by rasterio; mask minus 1, one-hot, argmax."""
    if not (tree / csv).stat().st_size:
        return []
    paths = pandas.read_csv(tree / csv, header=None)
    assert paths.shape[1] == 2
    read = []
    for image_path, mask_path in zip(paths[0], paths[1], strict=True):
        assert "\\" not in image_path + mask_path
        with rasterio.open(tree / image_path) as source:
            image = source.read([1, 2, 3, 4, 5])
        with rasterio.open(tree / mask_path) as source:
            stack = np.stack([source.read()[0] - 1 == n for n in range(19)])
        assert (stack.sum(axis=0) == 1).all(), "a value of no class would be trained as building"
        read.append((image_path.split("/")[-1][:-4], image, stack.argmax(axis=0) + 1))
    return read


def list_flair2(tree: Path, images: str, labels: str) -> list[tuple[str, str]]:
    """F2: domains from the labels, areas from the images, files paired by the number after the last ``_``."""
    pairs = []
    for domain in os.listdir(tree / labels):
        for area in os.listdir(tree / images / domain):
            found = [
                sorted(
                    (path.as_posix() for path in (tree / kind / domain / area).rglob(pattern)),
                    key=lambda path: int(path.split("_")[-1][:-4]),
                )
                for kind, pattern in ((images, "IMG*.tif"), (labels, "MSK*.tif"))
            ]
            pairs += list(zip(*found, strict=True))
    return pairs


def get_paths(tree: Path, subset: str, config: dict[str, Any]) -> dict[str, list[Any]]:
    """HUB get_paths: columns named by modality, for the active inputs and the labels."""
    table = pandas.read_csv(tree / f"csv/split_1_{subset}.csv")
    paths: dict[str, list[Any]] = {modality: [] for modality in config["inputs"]}
    for modality, active in config["inputs"].items():
        if active and modality in table.columns:
            paths[modality] = table[modality].tolist()
    for label in config["labels"]:
        paths[label] = table[label].tolist()
    if config["inputs"]["SENTINEL2_TS"]:
        paths["SENTINEL2_MSK-SC"] = table["SENTINEL2_MSK-SC"].tolist()
    return paths


CONFIG = {
    "inputs": {
        name: name == "AERIAL_RGBI" for name in HUB_COLUMNS if "LABEL" not in name and name != "patch_id"
    },
    "labels": ["AERIAL_LABEL-COSIA"],
}


def truth_by_number(zones: list[MadeZone]) -> dict[int, tuple[NDArray[Any], NDArray[Any]]]:
    truth = {}
    for zone in zones:
        for cell, number in zip(zone.source.zone.cells, zone.source.numbers, strict=True):
            rows, cols = (slice(at * SIDE, (at + 1) * SIDE) for at in (cell.row, cell.col))
            truth[number] = zone.image[:, rows, cols], zone.labels[rows, cols]
    return truth


def truth_by_id(zones: list[MadeZone], patch_id: str) -> tuple[NDArray[Any], NDArray[Any]]:
    domain, roi, place = patch_id.split("_")
    row, col = (int(part) - 1 for part in place.split("-"))
    zone_id = f"{domain.replace('-', '_')}/{roi.replace('--', '_')}"
    (zone,) = (zone for zone in zones if zone.source.zone.id == zone_id)
    rows, cols = (slice(at * SIDE, (at + 1) * SIDE) for at in (row, col))
    return zone.image[:, rows, cols], zone.labels[rows, cols]


def values_of(codes: NDArray[Any], scheme: str) -> NDArray[Any]:
    """Return codes in a scheme, class by class; unlabelled is the scheme's last value, *other*."""
    values = np.full(codes.shape, 19 if scheme == "flair" else 18)
    for entry in FLAIR.classes:
        values[codes == entry.code] = entry.values[scheme]
    return values


def test_flair_loader_reads_every_patch_with_its_own_labels(release: Release, zones: list[MadeZone]) -> None:
    tree, truth = release.path / "FLAIR1", truth_by_number(zones)
    read = [patch for csv in ("train.csv", "val.csv", "test.csv") for patch in read_flair(tree, csv)]
    assert sorted(name for name, _, _ in read) == [f"IMG_{number:06d}" for number in sorted(truth)]
    for name, image, mask in read:
        pixels, codes = truth[int(name.split("_")[-1])]
        np.testing.assert_array_equal(image, pixels)
        np.testing.assert_array_equal(mask, values_of(codes, "flair"))


def test_flair_sets_are_those_of_split_1(release: Release) -> None:
    tree = release.path / "FLAIR1"
    sets = {p.number: p.splits["split_1"] for p in release.patches()}
    for csv, subset in (("train.csv", "train"), ("val.csv", "valid"), ("test.csv", "test")):
        numbers = [int(name.split("_")[-1]) for name, _, _ in read_flair(tree, csv)]
        assert sorted(numbers) == sorted(number for number, where in sets.items() if where == subset)


def test_flair_metadata_knows_every_image_and_invents_nothing(
    release: Release, zones: list[MadeZone]
) -> None:
    tree = release.path / "FLAIR1"
    metadata = json.loads((tree / "flair_aerial_metadata.json").read_text(encoding="utf-8"))
    images = {path.stem: path for path in tree.rglob("IMG_*.tif")}
    assert set(metadata) == set(images)
    for name, record in metadata.items():
        domain, zone = images[name].relative_to(tree).parts[1:3]
        assert (record["domain"], record["zone"]) == (domain, zone)
        with rasterio.open(images[name]) as source:
            x, y = source.transform @ (256, 256)
        assert record["patch_centroid_x"] == pytest.approx(x, abs=1e-3)
        assert record["patch_centroid_y"] == pytest.approx(y, abs=1e-3)
        assert record["date"] == "2018-09-16"
        assert [record[key] for key in ("patch_centroid_z", "time", "camera")] == [None, None, None]


def test_flair2_loader_pairs_images_and_masks_by_number(release: Release, zones: list[MadeZone]) -> None:
    tree, truth = release.path / "FLAIR1", truth_by_number(zones)
    pairs = list_flair2(tree, "flair_aerial_train", "flair_labels_train")
    pairs += list_flair2(tree, "flair_1_aerial_test", "flair_1_labels_test")
    assert len(pairs) == len(truth)
    for image_path, mask_path in pairs:
        number = int(image_path.split("_")[-1][:-4])
        assert int(mask_path.split("_")[-1][:-4]) == number
        # F2's metrics open masks with PIL.
        mask = np.array(Image.open(mask_path))
        np.testing.assert_array_equal(mask, values_of(truth[number][1], "flair"))


def test_hub_loader_reads_every_patch_with_its_own_labels(release: Release, zones: list[MadeZone]) -> None:
    tree, seen = release.path / "FLAIR-HUB", set()
    for subset in ("train", "valid", "test"):
        paths = get_paths(tree, subset, CONFIG)
        assert not any(paths[name] for name, active in CONFIG["inputs"].items() if not active)
        for image_path, label_path in zip(paths["AERIAL_RGBI"], paths["AERIAL_LABEL-COSIA"], strict=True):
            parts = label_path.split("/")[-1].split("_")
            patch_id = "_".join([parts[0], parts[-2], parts[-1].split(".")[0]])
            with rasterio.open(tree / "csv" / image_path) as source:
                image = source.read([4, 1, 2])
            with rasterio.open(tree / "csv" / label_path) as source:
                stack = np.stack([source.read(1) == n for n in range(19)])
            assert (stack.sum(axis=0) == 1).all(), "a value of no class would be trained as building"
            pixels, codes = truth_by_id(zones, patch_id)
            np.testing.assert_array_equal(image, pixels[[3, 0, 1]])
            np.testing.assert_array_equal(stack.argmax(axis=0), values_of(codes, "flair_hub"))
            np.testing.assert_array_equal(
                np.array(Image.open(tree / "csv" / label_path)), values_of(codes, "flair_hub")
            )
            seen.add(patch_id)
    assert len(seen) == sum(len(zone.source.zone.cells) for zone in zones)


def test_hub_csv_has_the_header_of_flair_hub(release: Release) -> None:
    for subset in ("train", "valid", "test"):
        table = pandas.read_csv(release.path / f"FLAIR-HUB/csv/split_1_{subset}.csv")
        assert table.columns.tolist() == HUB_COLUMNS


def test_hub_geopackage_agrees_with_the_files_and_keeps_each_zone_in_one_set(release: Release) -> None:
    tree = release.path / "FLAIR-HUB"
    table = geopandas.read_file(tree / "GLOBAL_ALL_MTD/GLOBAL_ALL_MTD_SPLIT.gpkg")
    assert table.crs.to_epsg() == 2154
    labels = {
        path.stem.replace("AERIAL_LABEL-COSIA_", ""): path
        for path in tree.glob("D*_AERIAL_LABEL-COSIA/*/*.tif")
    }
    assert set(table["patch_id"]) == set(labels)
    for outline, patch_id in zip(table.geometry, table["patch_id"], strict=True):
        with rasterio.open(labels[patch_id]) as source:
            assert outline.bounds == pytest.approx(tuple(source.bounds), abs=1e-6)
    columns = [*(f"split_{k}" for k in range(1, 6)), "split_flairchallenge", "split_toy", "prod"]
    for column in columns:
        assert set(table[column]) <= {"train", "valid", "test"}
        assert (table.groupby(["domain", "zone"])[column].nunique() == 1).all()
    assert (table.groupby("domain")["fold"].nunique() == 1).all()
    for fold in range(1, 6):
        assert ((table[f"split_{fold}"] == "test") == (table["fold"] == fold)).all()


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        ("FLAIR-HUB/*_AERIAL_RGBI/*/*.tif", 4),
        ("FLAIR-HUB/*_AERIAL_LABEL-COSIA/*/*.tif", 1),
        ("FLAIR1/*/*/*/img/IMG_*.tif", 5),
        ("FLAIR1/*/*/*/msk/MSK_*.tif", 1),
    ],
)
def test_rasters_are_as_published_ones(release: Release, pattern: str, count: int) -> None:
    files = sorted(release.path.glob(pattern))
    assert len(files) == 8
    for path in files:
        with rasterio.open(path) as source:
            assert (source.count, source.height, source.width) == (count, 512, 512)
            assert set(source.dtypes) == {"uint8"}
            assert source.nodata is None
            assert source.crs.to_epsg() == 2154
            assert source.compression.name == "deflate"
            assert tuple(source.transform)[:6] == (
                0.2,
                0.0,
                source.transform.c,
                0.0,
                -0.2,
                source.transform.f,
            )
            for place, remainder in ((source.transform.c, 3.2), (source.transform.f, 20.8)):
                assert (place - remainder) / 102.4 == pytest.approx(
                    round((place - remainder) / 102.4), abs=1e-6
                )
            if count > 1:
                assert source.colorinterp == (ColorInterp.gray, *[ColorInterp.undefined] * (count - 1))
            assert not list(path.parent.glob("*.aux.xml"))


def test_hub_labels_carry_the_official_colours_and_flair_masks_none(release: Release) -> None:
    hub = next(release.path.glob("FLAIR-HUB/*_AERIAL_LABEL-COSIA/*/*.tif"))
    with rasterio.open(hub) as source:
        colours = source.colormap(1)
    assert {value: colours[value][:3] for value in range(19)} == FLAIR.colour_table("flair_hub")
    mask = next(release.path.glob("FLAIR1/*/*/*/msk/*.tif"))
    with rasterio.open(mask) as source:
        assert source.colorinterp == (ColorInterp.gray,)


@pytest.mark.parametrize(
    ("pattern", "scheme"),
    [("FLAIR1/*/*/*/msk/*.tif", NUMBERED), ("FLAIR-HUB/*_AERIAL_LABEL-COSIA/*/*.tif", INDEXED)],
)
def test_label_values_stay_in_their_scheme(
    release: Release, pattern: str, scheme: tuple[str, int, int]
) -> None:
    for path in release.path.glob(pattern):
        values = np.array(Image.open(path))
        assert (values.min(), values.max()) == scheme[1:]
        # The made labels leave this block unlabelled in each patch.
        assert (values[:10, :20] == scheme[2]).all()


@pytest.mark.skipif(not REAL.is_dir(), reason="the real FLAIR patches are not beside the checkout")
@pytest.mark.parametrize("number", ["036294", "034217", "084558"])
def test_real_flair_patch_comes_back_bit_for_bit(number: str, tmp_path: Path) -> None:
    image_path = next(REAL.rglob(f"IMG_{number}.tif"))
    domain, zone = image_path.relative_to(REAL).parts[:2]
    with rasterio.open(image_path) as source:
        pixels, transform = source.read(), source.transform
    with rasterio.open(image_path.parents[1] / "msk" / f"MSK_{number}.tif") as source:
        mask = source.read(1)
    made = make_zone(domain, zone, first_number=int(number))
    grid = replace(made.source.zone.grid, transform=transform)
    zone_source = replace(
        made.source, zone=replace(made.source.zone, grid=grid), image=lambda _: pixels, labels=lambda: mask
    )
    release = build([replace(made, source=zone_source)], tmp_path)
    assert verify_release(release.path).sound
    (written,) = (release.path / "FLAIR1").glob(f"*/{domain}/{zone}/img/IMG_{number}.tif")
    with rasterio.open(written) as again:
        np.testing.assert_array_equal(again.read(), pixels)
        assert again.transform.almost_equals(transform, precision=1e-6)
    (written,) = (release.path / "FLAIR1").glob(f"*/{domain}/{zone}/msk/MSK_{number}.tif")
    np.testing.assert_array_equal(np.array(Image.open(written)), mask)


def test_no_name_has_an_underscore_where_loaders_split(release: Release) -> None:
    for path in (release.path / "FLAIR-HUB").rglob("*.tif"):
        domain, *modality, roi, place = path.stem.split("_")
        assert path.parent.name == roi
        assert path.parent.parent.name == "_".join([domain, *modality])
        assert place.split("-")[0].isdigit()
        assert place.split("-")[1].isdigit()
