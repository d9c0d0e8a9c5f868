"""Published trees become campaigns: bit for bit, by what rasters say, each zone whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import date, time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from trees import DAYS, L_SHAPE, SIDE, FlairTree, cell_pixels, grid_at, put_zone

from workbench.campaign import Campaign
from workbench.documents import validate
from workbench.errors import CampaignError, RasterError, ReleaseError, WorkbenchError
from workbench.export import Release, subset_release, verify_release
from workbench.export.layouts import parse_layouts
from workbench.export.wanted import Wanted
from workbench.geo.geotiff import write_raster
from workbench.geo.raster import read_bands
from workbench.labels.review import zone_state
from workbench.workflows.imported import ImportedTree
from workbench.workflows.importing import import_release
from workbench.workflows.journals import verify_journals
from workbench.workflows.publishing import ReleaseOrder, publish

ROOT = Path(__file__).resolve().parents[2]
REAL = ROOT.parent / "shared" / "data" / "flair"
BOTH = ("flair-hub", "flair1")
PLACES = [(row, col) for row in range(2) for col in range(2)]
NAMES = ("Z2_UF", "UU-S1-22", "Z10_AU", "FF-S1-V7")


def quiet(sentence: str) -> None:
    """Say nothing."""


def released(campaign: Campaign, out: Path, **options: Any) -> Release:
    return publish(campaign, ReleaseOrder(name="FR_V0.1", out=out, **options), say=quiet)


def checked(done: ImportedTree) -> dict[str, Any]:
    document = done.document()
    head = {"format": "ocs-workbench/release-import", "format_version": 1}
    validate(json.loads(json.dumps(head | document)), "outputs/release-import", source="import")
    return document


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }


def labels_of(campaign: Campaign, zone_id: str) -> np.ndarray:
    with campaign.open_store(campaign.zone(zone_id)) as store:
        return store.labels.copy()


@st.composite
def made_zones(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw zones: footprints of any form, numbers and folds of any kind, names that repeat across domains."""
    zones, first = [], draw(st.integers(1, 400_000))
    folds = {"D055_2018": draw(st.integers(1, 5)), "D036_2020": draw(st.integers(1, 5))}
    for place in range(draw(st.integers(1, 3))):
        domain = draw(st.sampled_from(sorted(folds)))
        taken = {zone["zone_id"] for zone in zones}
        name = draw(st.sampled_from([one for one in NAMES if f"{domain}/{one}" not in taken]))
        cells = draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=4, unique=True))
        row, col = min(cell[0] for cell in cells), min(cell[1] for cell in cells)
        dated = draw(st.booleans())
        zones.append(
            {
                "zone_id": f"{domain}/{name}",
                "places": [(one[0] - row, one[1] - col) for one in cells],
                "at": 3 * place,
                "fold": folds[domain],
                "first": first,
                "seed": draw(st.integers(0, 99)),
                "acquired": date(2018, 9, 16) if dated else None,
                "time_of_day": time(9, 43) if dated and draw(st.booleans()) else None,
                "camera": draw(st.sampled_from([None, "UCE-M3-f120-s06"])),
            }
        )
        first += len(cells) + draw(st.integers(0, 900))
    return zones


@settings(max_examples=6, suppress_health_check=[HealthCheck.too_slow])
@given(made_zones())
def test_a_release_that_was_imported_is_built_again_with_the_same_content(
    zones: list[dict[str, Any]],
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        campaign = Campaign.create(folder / "one")
        for zone in zones:
            put_zone(campaign, folder, **zone)
        first = released(campaign, folder / "releases")
        import_release(first.path, folder / "two")
        again = released(Campaign.open(folder / "two"), folder / "again")
        assert again.card["content_sha256"] == first.card["content_sha256"]
        assert again.card["class_pixels"] == first.card["class_pixels"]


@pytest.mark.parametrize("layouts", [("flair-hub", "hdf5"), ("shards",)])
def test_all_modalities_come_back_from_files_and_containers(layouts: tuple[str, ...], tmp_path: Path) -> None:
    views = ("elevation", "historical", "spot", "sentinel2", "sentinel2-masks", "sentinel1-asc", "parcels")
    campaign = Campaign.create(tmp_path / "one")
    four = ("R", "G", "B", "NIR")
    put_zone(
        campaign, tmp_path, "D055_2018/Z2_UF", views=views, bands=four, acquired=date(2018, 7, 1), fold=3
    )
    first = released(campaign, tmp_path / "releases", layouts=layouts)
    done = import_release(first.path, tmp_path / "two")
    assert done.notes == ()
    assert done.zones[0].rasters[:3] == ("ortho", "dsm", "dtm")
    again = released(Campaign.open(tmp_path / "two"), tmp_path / "again", layouts=layouts)
    assert again.card["content_sha256"] == first.card["content_sha256"]


@pytest.mark.parametrize("layout", BOTH)
def test_a_bare_tree_comes_back_with_its_pixels_and_folds(layout: str, tmp_path: Path) -> None:
    """Without our index: what FLAIR's own files say is enough."""
    campaign = Campaign.create(tmp_path / "one")
    put_zone(campaign, tmp_path, "D055_2018/Z2_UF", fold=1, first=40_000, acquired=DAYS[0], camera="UCE")
    put_zone(campaign, tmp_path, "D036_2020/Z2_UF", ((0, 0),), at=4, fold=2, first=7, acquired=DAYS[1])
    first = released(campaign, tmp_path / "releases", layouts=[layout])
    (chosen,) = parse_layouts([layout])
    tree = Path(shutil.copytree(first.path / chosen.root, tmp_path / "tree"))
    done = import_release(tree, tmp_path / "two")
    assert (done.layout, len(done.zones)) == (layout, 2)
    assert checked(done)["left_out"] == []
    two = Campaign.open(tmp_path / "two")
    again = released(two, tmp_path / "again", layouts=[layout])
    before, after = files_of(first.path / chosen.root), files_of(again.path / chosen.root)
    rasters = [name for name in before if name.endswith(".tif")]
    assert len(rasters) == 2 * 4
    assert {name: before[name] for name in rasters} == {
        name: after[name] for name in after if name in rasters
    }
    assert two.folds() == {"D036_2020": 2, "D055_2018": 1}
    zone = two.zone("D055_2018/Z2_UF")
    assert (zone.acquired, zone.theme) == (DAYS[0], "UF")
    if layout == "flair1":
        assert zone.camera == "UCE"
        assert sorted(two.patch_numbers(zone).values()) == [40_000, 40_001, 40_002]
    else:
        # FLAIR-HUB has no numbers and no cameras; all its tables but these say the same.
        assert before == after


def test_release_without_its_index_is_read_as_what_it_holds(tmp_path: Path) -> None:
    campaign = Campaign.create(tmp_path / "one")
    put_zone(campaign, tmp_path, "D055_2018/Z2_UF", fold=4)
    first = released(campaign, tmp_path / "releases")
    done = import_release(first.path, tmp_path / "two", layout="flair-hub")
    assert (done.layout, done.zones[0].fold) == ("flair-hub", 4)
    assert Campaign.open(tmp_path / "two").only_zone().ortho.bands == ("R", "G", "B", "NIR")
    (first.path / "release.json").unlink()
    with pytest.raises(ReleaseError, match="holds trees of flair1 and flair-hub; say --layout"):
        import_release(first.path, tmp_path / "three")


@pytest.mark.skipif(not REAL.is_dir(), reason="the real FLAIR patches are not beside the checkout")
@pytest.mark.parametrize("number", ["036294", "034217", "084558"])
def test_real_flair_patch_comes_back_bit_for_bit(number: str, tmp_path: Path) -> None:
    image = next(REAL.rglob(f"IMG_{number}.tif"))
    mask = image.parents[1] / "msk" / f"MSK_{number}.tif"
    domain, zone = image.relative_to(REAL).parts[:2]
    for path, kind in ((image, "aerial"), (mask, "labels")):
        target = tmp_path / f"tree/flair_{kind}_train/{domain}/{zone}/{path.parent.name}/{path.name}"
        target.parent.mkdir(parents=True)
        shutil.copyfile(path, target)
    done = import_release(tmp_path / "tree", tmp_path / "campaign")
    assert (done.zones[0].id, done.zones[0].accepted) == (f"{domain}/{zone}", True)
    release = released(Campaign.open(tmp_path / "campaign"), tmp_path / "releases")
    assert verify_release(release.path).sound
    for path in (image, mask):
        (again,) = (release.path / "FLAIR1").rglob(path.name)
        with rasterio.open(path) as before, rasterio.open(again) as after:
            np.testing.assert_array_equal(after.read(), before.read())
            assert after.transform.almost_equals(before.transform, precision=1e-6)
            assert after.crs.to_epsg() == 2154


def test_zone_is_a_tiled_orthophoto_inside_the_campaign_and_an_l_stays_one(tmp_path: Path) -> None:
    tree = FlairTree(tmp_path / "tree")
    tree.put_zone("D055_2018/Z2_UF", 100)
    done = import_release(tree.root, tmp_path / "campaign")
    campaign = Campaign.open((tmp_path / "campaign").rename(tmp_path / "moved"))
    zone = campaign.only_zone()
    assert [(cell.row, cell.col) for cell in zone.cells] == list(L_SHAPE)
    assert zone.ortho.path == campaign.zone_dir(zone) / "ortho.tif"
    with rasterio.open(zone.ortho.path) as source:
        assert source.block_shapes[0] == (512, 512)
        assert source.descriptions == ("R", "G", "B", "NIR", "E")
    image, labels = campaign.read_image(zone), labels_of(campaign, zone.id)
    for row, col in L_SHAPE:
        pixels, truth = cell_pixels(row, col)
        at = (slice(row * SIDE, (row + 1) * SIDE), slice(col * SIDE, (col + 1) * SIDE))
        np.testing.assert_array_equal(image[:, *at], pixels)
        np.testing.assert_array_equal(labels[at], truth)
    assert not image[:, SIDE:, :SIDE].any()
    assert not labels[SIDE:, :SIDE].any()
    assert campaign.patch_numbers(zone) == dict(zip(zone.cells, (100, 101, 102), strict=True))
    with campaign.open_store(zone) as store:
        assert str(zone_state(store)).startswith("accepted by import: imported from tree")
    assert verify_journals(campaign, zone, author=None).sound
    assert sorted(path.name for path in campaign.path.iterdir()) == [
        "nomenclature.json",
        "registry.gpkg",
        "zones",
    ]
    assert "1 zone in 1 domain" in done.text()


def test_metadata_gives_day_time_camera_and_its_centres_do_not_count(tmp_path: Path) -> None:
    tree = FlairTree(tmp_path / "tree")
    known = {"date": "2020-06-23", "time": "09h43", "camera": "UCE-M3-f120-s06"}
    for number, place in enumerate(L_SHAPE, start=1):
        tree.put(
            "D074_2020/Z3_UN", number, place, **known, patch_centroid_x=LEFT_BESIDE, patch_centroid_y=7e6
        )
    done = import_release(tree.root, tmp_path / "campaign")
    zone = Campaign.open(tmp_path / "campaign").only_zone()
    assert (zone.acquired, zone.time_of_day, zone.camera) == (date(2020, 6, 23), time(9, 43), known["camera"])
    assert zone.theme == "UN"
    assert zone.grid.coincides(grid_at(0, 0, shape=(1024, 1024)))
    assert "centres in the metadata lie beside those of the rasters, which count (1 zone)" in done.notes


LEFT_BESIDE = 831_156.8


def test_several_times_and_cameras_are_told_and_not_kept(tmp_path: Path) -> None:
    tree = FlairTree(tmp_path / "tree")
    for number, place in enumerate(L_SHAPE, start=1):
        tree.put(
            "D074_2020/Z3_UN", number, place, date="2020-06-23", time=f"09h4{number}", camera=f"C{number}"
        )
    done = import_release(tree.root, tmp_path / "campaign")
    zone = Campaign.open(tmp_path / "campaign").only_zone()
    assert (zone.acquired, zone.time_of_day, zone.camera) == (date(2020, 6, 23), None, None)
    assert [note.partition(",")[0] for note in done.notes[1:]] == [
        "patches have several cameras",
        "patches have several times of day",
    ]


def local_crs(path: Path) -> None:
    """Give a mask the CRS that IGN's have: Lambert-93 by name, without a code."""
    with rasterio.open(path) as source:
        profile, pixels = source.profile, source.read()
    profile["crs"] = CRS.from_wkt('LOCAL_CS["RGF93 v1 / Lambert-93",UNIT["metre",1]]')
    with rasterio.open(path, "w", **profile) as target:
        target.write(pixels)


def test_mask_without_a_code_of_its_crs_lies_where_its_image_does(tmp_path: Path) -> None:
    tree = FlairTree(tmp_path / "tree")
    _, mask = tree.put("D055_2018/Z2_UF", 1, (0, 0))
    local_crs(mask)
    with rasterio.open(mask) as source:
        assert source.crs.to_epsg() is None
    import_release(tree.root, tmp_path / "campaign")
    campaign = Campaign.open(tmp_path / "campaign")
    np.testing.assert_array_equal(labels_of(campaign, "D055_2018/Z2_UF"), cell_pixels(0, 0)[1])


def test_zones_of_one_name_in_two_domains_are_two(tmp_path: Path) -> None:
    tree = FlairTree(tmp_path / "tree")
    tree.put("D055_2018/Z2_UF", 1, (0, 0))
    tree.put("D036_2020/Z2_UF", 2, (0, 0), subset="1_aerial_test")
    import_release(tree.root, tmp_path / "campaign")
    ids = [zone.id for zone in Campaign.open(tmp_path / "campaign").zones()]
    assert ids == ["D036_2020/Z2_UF", "D055_2018/Z2_UF"]


def test_domains_of_the_test_are_fold_1_and_no_others_are(tmp_path: Path) -> None:
    tree = FlairTree(tmp_path / "tree")
    for place, department in enumerate(("004", "006", "007", "008", "009")):
        tree.put(f"D{department}_2020/Z1_UU", 10 + place, (2 * place, 0))
    tree.put("D012_2019/Z1_UU", 1, (20, 0), subset="test")
    done = import_release(tree.root, tmp_path / "campaign")
    folds = Campaign.open(tmp_path / "campaign").folds()
    assert folds.pop("D012_2019") == 1
    assert sorted(folds.values()) == [2, 2, 3, 4, 5]
    assert done.notes == ("folds: domains of its test are fold 1, the others are spread over folds 2 to 5",)


def test_sets_that_are_no_folds_of_domains_are_told_and_left_to_the_workbench(tmp_path: Path) -> None:
    tree = FlairTree(tmp_path / "tree")
    tree.put("D055_2018/Z2_UF", 1, (0, 0))
    tree.put("D055_2018/Z3_UF", 2, (0, 4), subset="test")
    done = import_release(tree.root, tmp_path / "campaign")
    assert done.notes == (
        "folds: D055_2018 is in train and in test, so that sets are no folds: the workbench chooses",
    )
    assert len(done.zones) == 2


def test_toy_split_of_flair_hub_makes_no_folds(tmp_path: Path) -> None:
    """Its zones are in train and valid, and only five of its domains in test; split_1 alone is there."""
    campaign = Campaign.create(tmp_path / "one")
    for place, domain in enumerate(("D006_2020", "D012_2019", "D068_2021")):
        put_zone(
            campaign,
            tmp_path,
            f"{domain}/FF-S1-{place}",
            ((0, 0),),
            at=3 * place,
            fold=1 + place,
            first=1 + place,
        )
    first = released(campaign, tmp_path / "releases", layouts=["flair-hub"])
    shutil.rmtree(first.path / "FLAIR-HUB/GLOBAL_ALL_MTD")
    done = import_release(first.path / "FLAIR-HUB", tmp_path / "two")
    assert done.notes == ("folds: domains of its test are fold 1, the others are spread over folds 2 to 5",)
    assert Campaign.open(tmp_path / "two").folds() == {"D006_2020": 1, "D012_2019": 2, "D068_2021": 3}
    assert Campaign.open(tmp_path / "two").zones()[0].theme == "FF"


def test_rows_and_columns_that_begin_later_are_counted_anew_and_told(tmp_path: Path) -> None:
    campaign = Campaign.create(tmp_path / "one")
    put_zone(campaign, tmp_path, "D055_2018/Z2_UF", fold=2)
    first = released(campaign, tmp_path / "releases", layouts=["flair-hub"])
    for path in first.path.rglob("*_1-?.tif"):
        path.unlink()
    done = import_release(first.path / "FLAIR-HUB", tmp_path / "two")
    zone = Campaign.open(tmp_path / "two").only_zone()
    assert [(cell.row, cell.col) for cell in zone.cells] == [(0, 0)]
    assert done.notes == ("rows and columns are counted anew, from the first patch that is there (1 zone)",)


def test_modality_that_some_patches_lack_stays_out_and_is_told(tmp_path: Path) -> None:
    campaign = Campaign.create(tmp_path / "one")
    put_zone(campaign, tmp_path, "D055_2018/Z2_UF", views=("elevation", "spot", "sentinel2"))
    first = released(campaign, tmp_path / "releases", layouts=["flair-hub"])
    tree = first.path / "FLAIR-HUB"
    next(tree.glob("*_DEM_ELEV/*/*_1-2.tif")).unlink()
    (tree / "GLOBAL_ALL_MTD/GLOBAL_SENTINEL2_MTD_DATES.gpkg").unlink()
    done = import_release(tree, tmp_path / "two")
    assert done.zones[0].rasters == ("ortho", "spot-2018-08-22")
    told = "stays out: not all patches have it, in the form and on the days that it needs (1 zone)"
    assert done.notes == (f"elevation {told}", f"sentinel2 {told}")


def test_zone_without_masks_is_open_and_one_with_some_is_not_accepted(tmp_path: Path) -> None:
    tree = FlairTree(tmp_path / "tree")
    tree.put_zone("D055_2018/Z2_UF", 1, labelled=False)
    tree.put("D055_2018/Z3_UF", 10, (0, 9))
    tree.put("D055_2018/Z3_UF", 11, (0, 10), labelled=False)
    done = import_release(tree.root, tmp_path / "campaign")
    assert [(zone.labelled, zone.accepted) for zone in done.zones] == [(0, False), (1, False)]
    campaign = Campaign.open(tmp_path / "campaign")
    assert not labels_of(campaign, "D055_2018/Z2_UF").any()
    labels = labels_of(campaign, "D055_2018/Z3_UF")
    assert labels[:, :SIDE].all()
    assert not labels[:, SIDE:].any()
    for zone in campaign.zones():
        with campaign.open_store(zone) as store:
            assert zone_state(store).state == "open"
    assert "some patches have no label" in done.text()


def test_withheld_labels_come_as_zones_without_labels(tmp_path: Path) -> None:
    campaign = Campaign.create(tmp_path / "one")
    put_zone(campaign, tmp_path, "D055_2018/Z2_UF", fold=1, first=40)
    put_zone(campaign, tmp_path, "D036_2020/Z2_UF", ((0, 0),), at=4, fold=2, first=7)
    first = released(campaign, tmp_path / "releases")
    made = subset_release(first, name="OPEN", out=tmp_path, wanted=Wanted(), withhold_test=True)
    done = import_release(made.release.path, tmp_path / "two")
    assert [(zone.id, zone.labelled, zone.fold) for zone in done.zones] == [
        ("D036_2020/Z2_UF", 1, 2),
        ("D055_2018/Z2_UF", 0, 1),
    ]
    assert done.notes == ("labels of 3 patches are withheld: their zones come without",)


def off_the_grid(tree: FlairTree) -> None:
    tree.put("D055_2018/Z9_UF", 9, (0, 0), grid=grid_at(0, 0, south=-2, east=3))


def off_the_pixels(tree: FlairTree) -> None:
    moved = grid_at(0, 0)
    noisy = type(moved)(
        crs=moved.crs,
        transform=moved.transform @ moved.transform.translation(0.4, 0),
        height=SIDE,
        width=SIDE,
    )
    tree.put("D055_2018/Z9_UF", 9, (0, 0), grid=noisy)


def of_another_size(tree: FlairTree) -> None:
    image, truth = cell_pixels(0, 0)
    tree.put(
        "D055_2018/Z9_UF",
        9,
        (0, 0),
        image=image[:, :256, :256],
        mask=truth[:256, :256],
        grid=grid_at(0, 0, shape=(256, 256)),
    )


def of_two_dates(tree: FlairTree) -> None:
    tree.put("D055_2018/Z9_UF", 9, (0, 0), date="2018-09-16")
    tree.put("D055_2018/Z9_UF", 10, (0, 1), date="2018-06-02")


def on_the_same_ground(tree: FlairTree) -> None:
    tree.put("D055_2018/Z9_UF", 9, (0, 0))
    tree.put("D055_2018/Z9_UF", 10, (0, 0))


def on_the_ground_of_another_zone(tree: FlairTree) -> None:
    tree.put("D055_2018/Z1_UF", 9, (0, 0))
    tree.put("D055_2018/Z9_UF", 10, (0, 0))


def of_no_class(tree: FlairTree) -> None:
    tree.put("D055_2018/Z9_UF", 9, (0, 0), mask=np.zeros((SIDE, SIDE), np.uint8))


def of_a_number_too_large(tree: FlairTree) -> None:
    tree.put("D055_2018/Z9_UF", 10**19, (0, 0))


def outside_the_area_of_the_crs(tree: FlairTree) -> None:
    tree.put("D055_2018/Z9_UF", 9, (0, 0), grid=grid_at(0, 10**9))


def of_two_numbers(tree: FlairTree) -> None:
    tree.put("D055_2018/Z1_UF", 9, (0, 0))
    tree.put("D036_2020/Z9_UF", 9, (0, 4))


def of_six_bands(tree: FlairTree) -> None:
    tree.put("D055_2018/Z9_UF", 9, (0, 0), image=np.ones((6, SIDE, SIDE), np.uint8))


def of_sixteen_bits(tree: FlairTree) -> None:
    tree.put("D055_2018/Z9_UF", 9, (0, 0), image=np.ones((5, SIDE, SIDE), np.uint16))


def of_four_and_five_bands(tree: FlairTree) -> None:
    tree.put("D055_2018/Z9_UF", 9, (0, 0))
    tree.put("D055_2018/Z9_UF", 10, (0, 1), image=cell_pixels(0, 1)[0][:4])


def with_a_mask_elsewhere(tree: FlairTree) -> None:
    _, mask = tree.put("D055_2018/Z9_UF", 9, (0, 0))
    mask.unlink()
    write_raster(mask, cell_pixels(0, 0)[1], grid_at(0, 1))


def with_a_name_that_is_none(tree: FlairTree) -> None:
    tree.put("D055_2018/Z9__UF", 9, (0, 0))


def with_a_damaged_image(tree: FlairTree) -> None:
    image, _ = tree.put("D055_2018/Z9_UF", 9, (0, 0))
    image.write_bytes(b"II*\0 and no more")


def too_large(tree: FlairTree) -> None:
    tree.put("D055_2018/Z9_UF", 9, (0, 0))
    tree.put("D055_2018/Z9_UF", 10, (0, 20))


UNFIT: dict[str, tuple[Callable[[FlairTree], None], str]] = {
    "off the national grid": (
        off_the_grid,
        "IMG_000009 lies 510 rows and 3 columns off a corner of the national",
    ),
    "off the pixels": (
        off_the_pixels,
        r"IMG_000009: raster's pixels lie .*0\.400 columns .* off the patch grid",
    ),
    "another size": (
        of_another_size,
        "IMG_000009 has 256 × 256 pixels, and zones are made of patches of 512 × 512",
    ),
    "two dates": (of_two_dates, r"its patches are of 2 dates \(1 of 2018-06-02 and 1 of 2018-09-16\)"),
    "the same ground": (on_the_same_ground, r"IMG_000009.tif and .*IMG_000010.tif show the same ground"),
    "ground of another zone": (on_the_ground_of_another_zone, "it shows ground of zone D055_2018/Z1_UF"),
    "no class": (of_no_class, r"MSK_000009.tif: unknown value 0 in 262,144 pixels.*scheme flair"),
    "a number too large": (
        of_a_number_too_large,
        r"has the number 10{19}, and numbers have at most 12 digits",
    ),
    "outside the area of the CRS": (
        outside_the_area_of_the_crs,
        r"x 1\.024\d*e\+11, y .* lies outside the area of EPSG:2154",
    ),
    "one number twice": (of_two_numbers, "number 9 is a patch of zone D036_2020/Z9_UF, too"),
    "six bands": (
        of_six_bands,
        "IMG_000009 has 6 bands of uint8, images of flair1 have 3 or 4 or 5 of uint8",
    ),
    "sixteen bits": (of_sixteen_bits, "IMG_000009 has 5 bands of uint16"),
    "four bands and five": (of_four_and_five_bands, "its images have different numbers of bands"),
    "a mask elsewhere": (with_a_mask_elsewhere, "MSK_000009.tif does not lie on the image of IMG_000009"),
    "a name that is none": (with_a_name_that_is_none, "zone name 'Z9__UF' is not letters and digits"),
    "a damaged image": (with_a_damaged_image, r"IMG_000009.tif is damaged or cut short"),
    "too large": (too_large, "it is 512 × 10,752 pixels, and a zone at most 10,240 a side"),
}


@pytest.mark.parametrize("case", UNFIT)
def test_what_does_not_fit_is_one_sentence_and_nothing_is_written(case: str, tmp_path: Path) -> None:
    spoil, told = UNFIT[case]
    tree = FlairTree(tmp_path / "tree")
    tree.put("D074_2020/Z1_UU", 1, (30, 0))
    spoil(tree)
    with pytest.raises(ReleaseError, match=told) as refusal:
        import_release(tree.root, tmp_path / "new" / "campaign")
    assert "\n" not in str(refusal.value)
    assert "or pass --leave-out to import the others" in str(refusal.value)
    assert not (tmp_path / "new").exists()
    done = import_release(tree.root, tmp_path / "new" / "campaign", leave_out=True)
    assert "D074_2020/Z1_UU" in {zone.id for zone in done.zones}
    assert len(checked(done)["left_out"]) == 1
    assert "was left out: " in done.text()


def test_all_that_does_not_fit_is_told_at_once(tmp_path: Path) -> None:
    tree = FlairTree(tmp_path / "tree")
    for place, number in enumerate(range(1, 8)):
        mask = np.zeros((SIDE, SIDE), np.uint8)
        tree.put(f"D055_2018/Z{number}_UF", number, (2 * place, 0), mask=mask)
        tree.put(f"D055_2018/Z{number}_UF", number + 50, (2 * place, 1), mask=mask)
    with pytest.raises(ReleaseError, match=r"1 more patches do not fit.*; and 2 more zones; mend them first"):
        import_release(tree.root, tmp_path / "campaign")


def test_metadata_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    tree = FlairTree(tmp_path / "tree")
    tree.put("D055_2018/Z2_UF", 1, (0, 0), date="16/09/2018")
    with pytest.raises(ReleaseError, match=r"metadata of IMG_000001: '16/09/2018', None is no moment"):
        import_release(tree.root, tmp_path / "campaign")
    (tree.root / "flair_aerial_metadata.json").write_text("[]")
    with pytest.raises(ReleaseError, match="is no metadata of FLAIR's"):
        import_release(tree.root, tmp_path / "campaign")
    assert not (tmp_path / "campaign").exists()


def test_domains_can_be_chosen_and_folds_are_those_of_the_whole_tree(tmp_path: Path) -> None:
    campaign = Campaign.create(tmp_path / "one")
    put_zone(campaign, tmp_path, "D055_2018/Z2_UF", fold=4, first=40)
    put_zone(campaign, tmp_path, "D036_2020/Z2_UF", ((0, 0),), at=4, fold=2, first=7)
    first = released(campaign, tmp_path / "releases")
    done = import_release(first.path, tmp_path / "two", domains=["D055_2018"])
    assert [(zone.id, zone.fold) for zone in done.zones] == [("D055_2018/Z2_UF", 4)]
    with pytest.raises(ReleaseError, match="has no domain D001_2020; it has D036_2020, D055_2018"):
        import_release(first.path, tmp_path / "two", domains=["D001_2020"])
    more = import_release(first.path, tmp_path / "two")
    assert [zone.there for zone in more.zones] == [False, True]
    assert "1 zone was there already" in more.text()


def test_zone_of_other_patches_or_another_fold_is_not_taken_for_the_same(tmp_path: Path) -> None:
    campaign = Campaign.create(tmp_path / "one")
    put_zone(campaign, tmp_path, "D055_2018/Z2_UF", fold=4)
    first = released(campaign, tmp_path / "releases")
    other = Campaign.create(tmp_path / "two")
    put_zone(other, tmp_path / "releases", "D055_2018/Z2_UF", ((0, 0),), fold=4)
    before = files_of(other.path)
    with pytest.raises(ReleaseError, match="has a zone D055_2018/Z2_UF of other patches"):
        import_release(first.path, other.path)
    third = Campaign.create(tmp_path / "three")
    put_zone(third, tmp_path, "D055_2018/Z3_UF", ((0, 0),), at=9, fold=1)
    with pytest.raises(
        ReleaseError, match=r"its domain is in fold 4, and in .*three in fold 1, which it keeps"
    ):
        import_release(first.path, third.path)
    assert files_of(other.path) == before


def test_numbers_that_are_taken_are_given_anew_and_told(tmp_path: Path) -> None:
    campaign = Campaign.create(tmp_path / "campaign")
    put_zone(campaign, tmp_path, "D036_2020/Z2_UF", ((0, 0),), first=101)
    tree = FlairTree(tmp_path / "tree")
    tree.put_zone("D055_2018/Z2_UF", 100)
    done = import_release(tree.root, campaign.path)
    assert [zone.numbers_kept for zone in done.zones] == [False]
    assert sorted(campaign.patch_numbers(campaign.zone("D055_2018/Z2_UF")).values()) == [102, 103, 104]
    assert "patches of 1 zones have new numbers" in done.text()


def test_campaign_of_other_classes_is_refused(tmp_path: Path) -> None:
    tree = FlairTree(tmp_path / "tree")
    tree.put("D055_2018/Z2_UF", 1, (0, 0))
    naf = Campaign.create(tmp_path / "naf", nomenclature="ign-naf")
    with pytest.raises(CampaignError, match="numbered as flair, which ign-naf does not have"):
        import_release(tree.root, naf.path)
    with pytest.raises(CampaignError, match=r"has the classes of ign-naf .*, not of flair-19"):
        import_release(tree.root, naf.path, nomenclature="flair-19")
    assert naf.zones() == ()


def test_damaged_release_is_not_imported(tmp_path: Path) -> None:
    campaign = Campaign.create(tmp_path / "one")
    put_zone(campaign, tmp_path, "D055_2018/Z2_UF")
    first = released(campaign, tmp_path / "releases")
    mask = next(first.path.rglob("MSK_*.tif"))
    mask.write_bytes(mask.read_bytes()[:-1] + b"!")
    with pytest.raises(ReleaseError, match=r"is not sound \(.*MSK_.*, so nothing was imported"):
        import_release(first.path, tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_release_on_another_lattice_is_no_campaign(tmp_path: Path) -> None:
    from workbench.geo.grid import parse_lattice

    campaign = Campaign.create(tmp_path / "one")
    put_zone(campaign, tmp_path, "D055_2018/Z2_UF", PLACES)
    small = released(campaign, tmp_path / "out", lattice=parse_lattice("51.2@0.4"), layouts=["flair-hub"])
    with pytest.raises(
        ReleaseError, match=r"has patches of 51\.2 m, and zones are made of those of 102\.4 m"
    ):
        import_release(small.path, tmp_path / "two")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: path.mkdir(), r"holds no patches such as .*IMG_036294\.tif or D055-2018_AERIAL_RGBI"),
        (lambda path: None, "is no folder"),
        (
            lambda path: FlairTree(path).put("vosges/Z1_UU", 1, (0, 0)),
            "lies below no domain such as D055_2018",
        ),
    ],
)
def test_folder_that_is_no_tree_is_refused(make: Callable[[Path], Any], told: str, tmp_path: Path) -> None:
    make(tmp_path / "tree")
    with pytest.raises(ReleaseError, match=told):
        import_release(tmp_path / "tree", tmp_path / "campaign")
    with pytest.raises(
        ReleaseError, match="layout 'coco' of a tree is unknown; choose from flair1, flair-hub"
    ):
        import_release(tmp_path, tmp_path / "campaign", layout="coco")
    assert not (tmp_path / "campaign").exists()


def break_image(path: Path) -> None:
    """Cut pixels off, so that the header is as it was."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def test_pixels_that_cannot_be_read_leave_whole_zones_and_a_way_to_go_on(tmp_path: Path) -> None:
    tree = FlairTree(tmp_path / "tree")
    image, _ = tree.put("D074_2020/Z1_UU", 1, (30, 0))
    tree.put_zone("D055_2018/Z2_UF", 10)
    whole = image.read_bytes()
    break_image(image)
    with pytest.raises(RasterError, match=r"IMG_000001\.tif"):
        import_release(tree.root, tmp_path / "campaign")
    campaign = Campaign.open(tmp_path / "campaign")
    assert [zone.id for zone in campaign.zones()] == ["D055_2018/Z2_UF"]
    assert sorted(path.name for path in campaign.path.iterdir()) == [
        "nomenclature.json",
        "registry.gpkg",
        "zones",
    ]
    image.write_bytes(whole)
    done = import_release(tree.root, tmp_path / "campaign")
    assert [zone.there for zone in done.zones] == [True, False]
    only = FlairTree(tmp_path / "only")
    broken, _ = only.put("D074_2020/Z1_UU", 1, (30, 0))
    break_image(broken)
    with pytest.raises(WorkbenchError):
        import_release(only.root, tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
import workbench.workflows.importing as importing
write, calls = importing.import_labels, []
def stop(*args, **options):
    write(*args, **options)
    calls.append(1)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
importing.import_labels = stop
importing.import_release(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_import_that_was_killed_goes_on_with_whole_zones(tmp_path: Path) -> None:
    tree = FlairTree(tmp_path / "tree")
    for place in range(3):
        places = [(row + 4 * place, col) for row, col in L_SHAPE]
        tree.put_zone(f"D055_2018/Z{place}_UF", 10 * place + 1, places)
    command = [sys.executable, "-c", KILLED, str(tree.root), str(tmp_path / "campaign")]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -signal.SIGKILL
    campaign = Campaign.open(tmp_path / "campaign")
    assert [zone.id for zone in campaign.zones()] == ["D055_2018/Z0_UF"]
    again = import_release(tree.root, campaign.path)
    assert [zone.there for zone in again.zones] == [True, False, False]
    assert sorted(path.name for path in campaign.path.iterdir()) == [
        "nomenclature.json",
        "registry.gpkg",
        "zones",
    ]
    assert sorted(path.name for path in (campaign.path / "zones").iterdir()) == ["D055_2018"]
    import_release(tree.root, tmp_path / "whole")
    one, other = (
        released(Campaign.open(tmp_path / name), tmp_path / f"{name}-out") for name in ("campaign", "whole")
    )
    assert one.card["content_sha256"] == other.card["content_sha256"]


def test_two_imports_into_one_campaign_at_once_are_one_too_many(tmp_path: Path) -> None:
    from workbench.documents import alone

    tree = FlairTree(tmp_path / "tree")
    tree.put("D055_2018/Z2_UF", 1, (0, 0))
    with alone(tmp_path / "campaign"), pytest.raises(CampaignError, match="is being made by another process"):
        import_release(tree.root, tmp_path / "campaign")


def test_orthophoto_of_a_zone_has_its_digest_and_another_one_is_noticed(tmp_path: Path) -> None:
    tree = FlairTree(tmp_path / "tree")
    tree.put("D055_2018/Z2_UF", 1, (0, 0))
    import_release(tree.root, tmp_path / "campaign", author="ign")
    campaign = Campaign.open(tmp_path / "campaign")
    zone = campaign.only_zone()
    with campaign.open_store(zone) as store:
        assert set(store.head) == {"ign"}
    pixels = read_bands(zone.ortho.path)
    pixels[0, 0, 0] ^= 1
    zone.ortho.path.unlink()
    write_raster(zone.ortho.path, pixels, zone.grid)
    with pytest.raises(RasterError, match="are not those that zone"):
        campaign.read_image(zone)


def test_series_of_many_dates_is_read(tmp_path: Path) -> None:
    """FLAIR-HUB's have some fifty dates of ten bands."""
    path = tmp_path / "series.tif"
    pixels = np.arange(500 * 100, dtype=np.uint16).reshape(500, 10, 10)
    write_raster(path, pixels, grid_at(0, 0, shape=(10, 10)))
    np.testing.assert_array_equal(read_bands(path), pixels)
