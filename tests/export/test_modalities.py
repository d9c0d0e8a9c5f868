"""What a release has beside orthophoto and labels, and patches of other sizes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
from made_zones import MadeZone, build, make_zone, same_but_for_parent
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export import verify_release
from workbench.export.layouts import FlairHub
from workbench.export.modalities import MODALITIES
from workbench.export.patches import GROUND, View
from workbench.geo.grid import PixelGrid, parse_lattice
from workbench.geo.zone import Cell

SQUARE = tuple(Cell(row=row, col=col) for row in range(5) for col in range(5))
DAYS = (date(2018, 6, 3), date(2018, 8, 22))


def pixels_of(name: str, grid: PixelGrid) -> NDArray[Any]:
    """Return pixels that tell where they lie and which band they are."""
    modality = MODALITIES[name]
    count = len(modality.bands) * (len(DAYS) if modality.series else 1)
    x, y = np.meshgrid(np.arange(grid.width), np.arange(grid.height))
    corner = round(grid.transform.c / 10.24) % 97
    planes = [(x + 3 * y + 7 * band + corner) % 40 for band in range(count)]
    return np.stack(planes).astype(modality.dtype)


def with_views(made: MadeZone, names: tuple[str, ...] = tuple(MODALITIES)) -> MadeZone:
    views = {
        name: View(
            read=lambda grid, name=name: pixels_of(name, grid),
            sha256=f"{place:064x}",
            dates=DAYS if MODALITIES[name].series else DAYS[:1] if name in ("spot", "historical") else (),
        )
        for place, name in enumerate(names)
    }
    views[GROUND] = View(read=lambda grid: np.full((1, 1, 1), 123.456), sha256="e" * 64)
    zone = replace(made.source.zone, time_of_day=time(9, 43), camera="UCE-M3-f120")
    return replace(made, source=replace(made.source, zone=zone, views=views))


ALL = FlairHub(modalities=("image", "label", *MODALITIES))


@pytest.fixture
def made() -> MadeZone:
    return with_views(make_zone(cells=(Cell(row=0, col=0), Cell(row=0, col=1))))


def test_each_modality_has_the_place_type_and_size_that_flair_hub_gives_it(
    made: MadeZone, tmp_path: Path
) -> None:
    release = build([made], tmp_path, layouts=[ALL])
    found: dict[str, tuple[int, tuple[int, int], str, float]] = {}
    for path in sorted((release.path / "FLAIR-HUB").glob("D*/Z2--UF/*_1-1.tif")):
        with rasterio.open(path) as source:
            assert source.nodata is None
            assert source.transform[2] == 3.2 + 102.4 * 8000
            found[path.name] = (source.count, source.shape, source.dtypes[0], round(source.res[0], 4))
    assert found == {
        "D055-195X_AERIAL-RLT_PAN_Z2--UF_1-1.tif": (1, (256, 256), "uint8", 0.4),
        "D055-2018_AERIAL_LABEL-COSIA_Z2--UF_1-1.tif": (1, (512, 512), "uint8", 0.2),
        "D055-2018_AERIAL_RGBI_Z2--UF_1-1.tif": (4, (512, 512), "uint8", 0.2),
        "D055-2018_ALL_LABEL-LPIS_Z2--UF_1-1.tif": (3, (512, 512), "uint8", 0.2),
        "D055-2018_DEM_ELEV_Z2--UF_1-1.tif": (2, (512, 512), "float32", 0.2),
        "D055-2018_SENTINEL1-ASC_TS_Z2--UF_1-1.tif": (4, (10, 10), "float32", 10.24),
        "D055-2018_SENTINEL1-DESC_TS_Z2--UF_1-1.tif": (4, (10, 10), "float32", 10.24),
        "D055-2018_SENTINEL2_MSK-SC_Z2--UF_1-1.tif": (4, (10, 10), "uint8", 10.24),
        "D055-2018_SENTINEL2_TS_Z2--UF_1-1.tif": (20, (10, 10), "uint16", 10.24),
        "D055-2018_SPOT_RGBI_Z2--UF_1-1.tif": (4, (64, 64), "uint16", 1.6),
    }
    assert verify_release(release.path).sound


def test_pixels_of_each_modality_come_back(made: MadeZone, tmp_path: Path) -> None:
    release = build([made], tmp_path, layouts=[ALL])
    for patch in release.patches():
        for name, modality in MODALITIES.items():
            read = release.view(patch, name)
            assert read.dtype == modality.dtype
            assert np.array_equal(read, pixels_of(name, modality.grid(patch.grid))), name


def test_tables_tell_paths_and_days_of_each_modality(made: MadeZone, tmp_path: Path) -> None:
    release = build([made], tmp_path, layouts=[ALL])
    tree = release.path / "FLAIR-HUB"
    rows = pd.concat(pd.read_csv(path) for path in sorted((tree / "csv").glob("*.csv")))
    assert len(rows) == 2
    for column in rows.columns.drop("patch_id"):
        assert all((tree / "csv" / path).resolve().is_file() for path in rows[column]), column
    named = {path.name: geopandas.read_file(path) for path in (tree / "GLOBAL_ALL_MTD").glob("*_DATES.gpkg")}
    assert sorted(named) == [
        f"GLOBAL_{name}_MTD_DATES.gpkg"
        for name in ("AERIAL-RLT", "AERIAL", "SENTINEL1-ASC", "SENTINEL1-DESC", "SENTINEL2", "SPOT")
    ]
    days = json.loads(named["GLOBAL_SENTINEL2_MTD_DATES.gpkg"]["acquisition_dates"][0])
    assert days == {"1": "20180603", "2": "20180822"}
    assert named["GLOBAL_AERIAL_MTD_DATES.gpkg"]["date"].tolist() == ["20180916"] * 2
    assert named["GLOBAL_SPOT_MTD_DATES.gpkg"]["date"].tolist() == ["20180603"] * 2


def test_metadata_of_flair_1_has_time_camera_and_height(made: MadeZone, tmp_path: Path) -> None:
    release = build([made], tmp_path, layouts=["flair1"])
    records = json.loads((release.path / "FLAIR1/flair_aerial_metadata.json").read_text())
    record = records["IMG_000001"]
    assert record["time"] == "09h43"
    assert record["camera"] == "UCE-M3-f120"
    assert record["patch_centroid_z"] == 123.46
    assert "metadata" not in {warning["kind"] for warning in release.card["warnings"]}
    (first, _) = release.patches()
    assert (first.time, first.ground) == (time(9, 43), 123.46)


def test_height_that_nobody_knows_stays_unknown(tmp_path: Path) -> None:
    made = make_zone()
    views = {GROUND: View(read=lambda grid: np.full((1, 1, 1), np.nan), sha256="e" * 64)}
    release = build([replace(made, source=replace(made.source, views=views))], tmp_path)
    assert release.patches()[0].ground is None


def test_a_modality_that_changed_is_written_and_others_are_taken_from_the_parent(
    made: MadeZone, tmp_path: Path
) -> None:
    parent = build([made], tmp_path, layouts=[ALL])
    views = dict(made.source.views)
    views["spot"] = View(read=lambda grid: pixels_of("spot", grid) + 1, sha256="f" * 64, dates=DAYS[:1])
    other = replace(made, source=replace(made.source, views=views))
    child = build([other], tmp_path, name="FR_V0.2", layouts=[ALL], parent=parent)
    anew = build([other], tmp_path / "anew", name="FR_V0.2", layouts=[ALL])
    assert same_but_for_parent(child, anew)
    there = {path.stat().st_ino for path in parent.path.rglob("*.tif")}
    own = [path.name for path in child.path.rglob("*.tif") if path.stat().st_ino not in there]
    assert sorted(own) == [f"D055-2018_SPOT_RGBI_Z2--UF_1-{col}.tif" for col in (1, 2)]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"spot": None}, "zone D055_2018/Z2_UF is without spot; add it"),
        ({"spot": np.zeros((4, 64, 64), np.uint8)}, r"spot of patch .* has uint8 pixels .* not uint16 of"),
        ({"elevation": np.zeros((1, 512, 512), np.float32)}, "add a raster of DSM, DTM in that type"),
    ],
)
def test_modality_that_is_none_is_refused(
    made: MadeZone, tmp_path: Path, change: Mapping[str, Any], told: str
) -> None:
    ((name, pixels),) = change.items()
    views = {key: view for key, view in made.source.views.items() if key != name}
    if pixels is not None:
        views[name] = View(read=lambda _: pixels, sha256="f" * 64, dates=DAYS[:1])
    with pytest.raises(ReleaseError, match=told):
        build([replace(made, source=replace(made.source, views=views))], tmp_path, layouts=[ALL])
    assert list(tmp_path.iterdir()) == []


def test_patches_of_256_m_at_half_a_metre_are_means_and_most_frequent_classes(tmp_path: Path) -> None:
    """25 patches of 102.4 m are 512 m, in which one patch of 256 m at least lies whole."""
    made = with_views(make_zone(cells=SQUARE), ())
    lattice = parse_lattice("256@0.5")
    release = build([made], tmp_path, layouts=["flair-hub"], lattice=lattice)
    (patch,) = release.patches()
    zone = made.source.zone.grid
    assert patch.number is None
    assert patch.grid.transform.c % 256 == 0
    assert patch.grid.transform.f % 256 == 0
    assert patch.area == pytest.approx(256**2)
    # Pixels of 1 m begin every two pixels of 0.5 m and every five of 0.2 m.
    row = round((zone.transform.f - patch.grid.transform.f) / 0.2)
    col = round((patch.grid.transform.c - zone.transform.c) / 0.2)
    part = made.image[:4, row : row + 1280, col : col + 1280].astype(float)
    ours = release.image(patch).astype(float).reshape(4, 256, 2, 256, 2).mean(axis=(2, 4))
    theirs = part.reshape(4, 256, 5, 256, 5).mean(axis=(2, 4))
    assert np.abs(ours - theirs).max() <= 0.5
    assert release.card["grid"] == {
        "crs": "EPSG:2154", "resolution": 0.5, "patch_pixels": 512, "x": 0.0, "y": 0.0,
    }  # fmt: skip
    assert sum(patch.class_counts.values()) + patch.unlabelled == 512**2
    assert verify_release(release.path).sound
    assert release.lattice == lattice


def test_layout_with_numbers_and_zones_that_hold_no_patch_are_refused(tmp_path: Path) -> None:
    lattice = parse_lattice("256@0.5")
    with pytest.raises(ReleaseError, match=r"layout flair1 numbers the patches of 102.4 m for ever"):
        build([make_zone(cells=SQUARE)], tmp_path, layouts=["flair1"], lattice=lattice)
    with pytest.raises(ReleaseError, match="no zone holds a whole patch of 256 m outside"):
        build([make_zone()], tmp_path, layouts=["flair-hub"], lattice=lattice)
    assert list(tmp_path.iterdir()) == []
