"""A release in other classes is a release: each pixel as the table says, else the same files, and told."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas
import h5py
import numpy as np
import pytest
import rasterio
import shapely
from made_zones import L_SHAPE, SIDE, MadeZone, build, file_bytes, make_zone, make_zones
from test_modalities import with_views
from test_read_as_flair_two_does import with_series

from workbench.documents import shipped
from workbench.errors import ReleaseError, VectorError, WorkbenchError
from workbench.export import open_release, subset_release, verify_release
from workbench.export.layouts import with_modalities
from workbench.export.layouts.flair_hub import FlairHub
from workbench.export.layouts.hdf5 import Hdf5
from workbench.export.recode import Recoded
from workbench.export.release import Release
from workbench.export.trees import open_tree
from workbench.export.wanted import Wanted
from workbench.nomenclature import derivation_to, load_nomenclature
from workbench.workflows.recoding import recode

ALL = ["flair-hub", "flair1", "hdf5", "shards"]
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "flair"
FLAIR = load_nomenclature("flair-19")
TABLES = {
    "15": "flair-19-to-15",
    "12-1": "flair-19-to-12-1",
    "16": "flair-19-to-16",
    "cosia": "flair-19-to-cosia",
    "cosia-15": "flair-19-to-cosia-15",
    "ocsge-cover": "flair-19-to-ocsge-cover",
}
OPEN = {
    "swimming_pool": "CS1.1.1.2",
    "clear_cut": "CS2.1.2",
    "ligneous": "undecided",
    "greenhouse": "CS1.1.1.1",
    "other": "undecided",
}
"""Decisions on all classes that the table to OCS GE leaves undecided."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release in all layouts; tests must not change it."""
    return build(make_zones(), tmp_path_factory.mktemp("whole"), layouts=ALL)


def made(parent: Release, out: Path, goal: str, **options: Any) -> Recoded:
    decided = OPEN if goal == "ocsge-cover" else {}
    return recode(parent.path, out=out, **{"name": "DERIVED", "goal": goal, "decisions": decided} | options)


def values_of(goal: str) -> np.ndarray[Any, Any]:
    """Return what each code of flair-19 becomes, shape (20,), by the documents alone."""
    document = json.loads((shipped("schema") / "crosswalks" / f"{TABLES[goal]}.json").read_text())
    values = {one["key"]: one["value"] for one in document["targets"]} | {"undecided": 15}
    table = {**document["table"], **(OPEN if document["undecided"] else {})}
    flair = json.loads((shipped("schema") / "nomenclatures" / "flair-19.json").read_text())
    lookup = np.zeros(20, np.uint8)
    for entry in flair["classes"]:
        lookup[entry["code"]] = values[table[entry["key"]]]
    lookup[0] = lookup[19]  # what nobody labelled lies in the files as other
    return lookup


@pytest.mark.parametrize("goal", TABLES)
def test_each_pixel_is_what_the_document_says_in_every_layout(
    goal: str, whole: Release, tmp_path: Path
) -> None:
    done = made(whole, tmp_path, goal).release
    assert verify_release(done.path).problems == ()
    lookup, sides = values_of(goal), {zone.source.zone.id: zone.labels for zone in make_zones()}
    for patch in done.patches():
        truth = lookup[sides[patch.zone][patch.window.slices]]
        for layout in ALL:
            np.testing.assert_array_equal(done.labels(patch, layout=layout), truth)
        (mask,) = done.path.glob(f"FLAIR1/*/*/*/msk/MSK_{patch.number:06d}.tif")
        with rasterio.open(mask) as source:
            np.testing.assert_array_equal(source.read(1), truth)  # FLAIR's tree has the table's own numbers


def labelled(zone: MadeZone) -> MadeZone:
    """Return a zone in which every pixel has a label."""
    labels = np.where(zone.labels == 0, np.uint8(19), zone.labels)
    return replace(zone, source=replace(zone.source, labels=lambda: labels.copy()), labels=labels)


@pytest.mark.parametrize("goal", ["15", "cosia", "ocsge-cover"])
def test_it_has_the_content_of_a_build_in_these_classes(goal: str, tmp_path: Path) -> None:
    zones = list(map(labelled, make_zones()))
    done = made(build(zones, tmp_path / "whole", layouts=ALL), tmp_path, goal).release
    decided = OPEN if goal == "ocsge-cover" else {}
    target = derivation_to(goal, FLAIR, decisions=decided).target

    def relabelled(zone: MadeZone) -> MadeZone:
        labels = values_of(goal)[zone.labels]
        return replace(zone, source=replace(zone.source, labels=lambda: labels.copy()), labels=labels)

    built = build(map(relabelled, zones), tmp_path / "built", layouts=ALL, nomenclature=target)
    ours, theirs = file_bytes(done.path), file_bytes(built.path)
    about = {"README.md", "release.json", "SHA256SUMS"}
    assert {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)} == about
    assert done.card["content_sha256"] == built.card["content_sha256"]
    assert done.card["class_pixels"] == built.card["class_pixels"]


def test_files_that_are_no_labels_are_the_same_files_under_the_same_names(
    whole: Release, tmp_path: Path
) -> None:
    done = made(whole, tmp_path, "15").release
    names = {str(path.relative_to(whole.path)) for path in whole.path.rglob("*") if path.is_file()}
    assert names == {str(path.relative_to(done.path)) for path in done.path.rglob("*") if path.is_file()}
    for name in names:
        if "IMG_" in name or "AERIAL_RGBI" in name:
            assert os.path.samefile(whole.path / name, done.path / name)
        if "MSK_" in name or "LABEL" in name:
            assert not os.path.samefile(whole.path / name, done.path / name)
        if name.endswith((".csv", ".json")) and name.count("/"):
            assert (whole.path / name).read_bytes() == (done.path / name).read_bytes()
    for path in whole.path.glob("HDF5/*.h5"):
        with h5py.File(path) as before, h5py.File(done.path / "HDF5" / path.name) as after:
            np.testing.assert_array_equal(before["image"][:], after["image"][:])
            assert after.attrs["nomenclature"] == "flair-15 1.0.0"


def test_twice_is_the_same_bytes_and_the_second_time_is_reused(whole: Release, tmp_path: Path) -> None:
    first = made(whole, tmp_path / "a", "12-1").release
    second = made(whole, tmp_path / "b", "12-1").release
    assert file_bytes(first.path) == file_bytes(second.path)
    assert made(whole, tmp_path / "a", "12-1").release.reused
    with pytest.raises(ReleaseError, match="exists with other content"):
        made(whole, tmp_path / "a", "16")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["DERIVED"]


def test_the_same_pixels_by_other_decisions_are_not_taken_for_the_same(tmp_path: Path) -> None:
    parent = build([striped()], tmp_path / "whole", layouts=["flair1"])
    decided = {"ligneous": "CS2.1.2"}
    made(parent, tmp_path, "ocsge-cover", decisions=decided)
    assert made(parent, tmp_path, "ocsge-cover", decisions=decided).release.reused
    with pytest.raises(ReleaseError, match="has the same content, and tells otherwise how it was made"):
        made(parent, tmp_path, "ocsge-cover", decisions=decided | {"greenhouse": "CS1.1.1.1"})


def test_series_and_zone_files_come_along(tmp_path: Path) -> None:
    views = ("elevation", "sentinel2")
    layouts = [with_modalities(one, views) for one in (FlairHub(), Hdf5())]
    parent = build(
        [with_views(zone, views) for zone in make_zones()[:3]], tmp_path / "whole", layouts=layouts
    )
    done = made(parent, tmp_path, "15").release
    assert verify_release(done.path).problems == ()
    assert [one.modalities for one in done.layouts] == [one.modalities for one in parent.layouts]
    for before, after in zip(parent.patches(), done.patches(), strict=True):
        assert after.dates == before.dates
        np.testing.assert_array_equal(done.view(after, "elevation"), parent.view(before, "elevation"))
    two = build([with_series(make_zone())], tmp_path / "two", layouts=["flair2"])
    again = made(two, tmp_path, "cosia", name="TWO").release
    assert verify_release(again.path).problems == ()
    (data,) = again.path.rglob("*_data.npy")
    assert os.path.samefile(data, two.path / data.relative_to(again.path))


def test_a_release_of_files_of_many_patches_alone_is_read_and_proven(tmp_path: Path) -> None:
    parent = build(make_zones()[:2], tmp_path / "whole", layouts=["hdf5"])
    assert verify_release(made(parent, tmp_path / "a", "15").release.path).problems == ()
    (file,) = parent.path.glob("HDF5/*.h5")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ReleaseError, match="is not what its release says"):
        made(parent, tmp_path / "b", "15")
    assert not (tmp_path / "b").exists()


def test_what_nobody_labelled_stays_so_where_other_stays_other(whole: Release, tmp_path: Path) -> None:
    bare = whole.card["unlabelled_pixels"]
    assert bare == 8 * 200
    assert made(whole, tmp_path / "a", "cosia").release.card["unlabelled_pixels"] == bare
    assert made(whole, tmp_path / "b", "artificialised").release.card["unlabelled_pixels"] == bare
    decided = OPEN | {"other": "CS1.2.1"}
    card = made(whole, tmp_path / "c", "ocsge-cover", decisions=decided).release.card
    assert card["unlabelled_pixels"] == 0  # nobody can tell them from other in the files
    before = whole.card["class_pixels"]
    assert card["class_pixels"]["cs1_2_1"] == before["bare_soil"] + before["other"] + bare


def test_the_card_and_the_first_paragraph_say_that_labels_are_derived(whole: Release, tmp_path: Path) -> None:
    done = made(whole, tmp_path, "ocsge-cover")
    derived = done.release.card["derived"]
    assert (derived["of"], derived["crosswalk"]) == ("FR_V0.1", "flair-19-to-ocsge-cover")
    assert derived["content_sha256"] == whole.card["content_sha256"]
    assert (derived["version"], derived["status"], derived["decisions"]) == ("1.0.0", "derived", OPEN)
    pixels = whole.card["class_pixels"]
    left = {"ligneous": pixels["ligneous"], "other": pixels["other"] + whole.card["unlabelled_pixels"]}
    assert derived["undecided"] == left
    assert done.undecided == sum(left.values())
    title, first = (done.release.path / "README.md").read_text().split("\n\n")[:2]
    assert title == "# DERIVED"
    for word in ("DERIVED", "FR_V0.1", "flair-19-to-ocsge-cover 1.0.0", "this workbench's own", "greenhouse"):
        assert word in first
    assert f"ligneous ({pixels['ligneous']:,} pixels)" in first
    published = (made(whole, tmp_path / "b", "15").release.path / "README.md").read_text()
    assert "those of the classes' owner" in published.split("\n\n")[1]
    part = subset_release(done.release, name="PART", out=tmp_path, wanted=Wanted(zones=("D036_2020/Z9_NN",)))
    assert part.release.card["derived"] == derived
    assert "DERIVED" in (part.release.path / "README.md").read_text().split("\n\n")[1]


def test_zones_tell_nothing_of_classes_that_they_do_not_have_any_more(tmp_path: Path) -> None:
    zone = make_zone()
    facts = {"origins": dict.fromkeys(("drawn", "picked", "imported", "kept", "corrected", "untouched"), 1)}
    interval = {"value": 0.5, "low": 0.4, "high": 0.6}
    agreement = {
        "pixels": 9, "same": 8, "overall": interval, "kappa": interval, "borders": {},
        "classes": {"clear_cut": {"both": 1, "either": 2}}, "pairs": [],
    }  # fmt: skip
    told = replace(zone, source=replace(zone.source, facts={**facts, "agreement": [agreement]}))
    parent = build([told], tmp_path / "whole")
    (entry,) = made(parent, tmp_path, "15").release.card["zones"]
    assert "agreement" in parent.card["zones"][0]
    assert "agreement" not in entry
    assert entry["origins"] == facts["origins"]
    assert entry["labels_sha256"] != parent.card["zones"][0]["labels_sha256"]


REFUSED: dict[str, tuple[str, dict[str, str], str]] = {
    "a class that is there and not decided": (
        "ocsge-cover",
        {key: goal for key, goal in OPEN.items() if key != "greenhouse"},
        r"becomes of greenhouse \(110,465 pixels\): decide it, such as --decide greenhouse=CS1.1.1.1 or",
    ),
    "a class that is decided already": ("15", {"water": "water"}, "'water' is not undecided"),
    "undecided what is decided": ("ocsge-cover", {"water": "undecided"}, "'water' is not undecided"),
    "a group": ("ocsge-cover", OPEN | {"ligneous": "CS2.1"}, "CS2.1 is a group, .* CS2.1.1.1, CS2.1.1.2"),
    "no class": ("ocsge-cover", OPEN | {"ligneous": "CS9"}, "ocsge-cover has no class 'CS9'"),
    "no target": ("corine", {}, "no derivation to 'corine'; choose one of 15, 12-1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_derived_is_refused_in_a_sentence_and_leaves_nothing(
    case: str, whole: Release, tmp_path: Path
) -> None:
    goal, decisions, words = REFUSED[case]
    with pytest.raises(WorkbenchError, match=words):
        made(whole, tmp_path / "out", goal, decisions=decisions)
    assert not (tmp_path / "out").exists()


def test_labels_that_are_withheld_derived_or_changed_are_no_source(whole: Release, tmp_path: Path) -> None:
    challenge = subset_release(whole, name="OPEN", out=tmp_path, wanted=Wanted(), withhold_test=True)
    with pytest.raises(ReleaseError, match=r"OPEN withholds labels, .* recode FR_V0\.1, of which"):
        made(challenge.release, tmp_path, "15")
    assert challenge.sealed is not None
    assert verify_release(made(challenge.sealed, tmp_path, "15").release.path).problems == ()
    with pytest.raises(ReleaseError, match="are derived themselves; recode OPEN-SEALED"):
        made(open_release(tmp_path / "DERIVED"), tmp_path, "12-1", name="AGAIN")
    damaged = build(make_zones()[:1], tmp_path / "damaged")
    next(damaged.path.rglob("*LABEL*.tif")).write_bytes(b"II*\0")
    with pytest.raises(ReleaseError, match=r"is not as it was built: .*LABEL-COSIA_.*\.tif has other"):
        made(damaged, tmp_path / "none", "15")
    assert not (tmp_path / "none").exists()


def test_derived_labels_are_nobodys_work_and_build_no_campaign_and_no_release(
    whole: Release, tmp_path: Path
) -> None:
    done = made(whole, tmp_path, "cosia").release
    for path in (done.path, done.path / "FLAIR1", done.path / "FLAIR-HUB"):
        for layout in (None, "flair1", "flair-hub"):
            with pytest.raises(ReleaseError, match=r"derived from FR_V0\.1, and nobody gave them"):
                open_tree(path, layout=layout)
    with pytest.raises(ReleaseError, match=r"are derived, so no release is built on it; build on FR_V0\.1"):
        build(make_zones(), tmp_path, name="NEXT", parent=done)


# Artificialisation: four rows of 512 / 4 pixels each, by cover; usages by column.
COLUMNS = (0, 100, 200, 300, 400, SIDE)
"""Where usages begin: none, US5, US1.1, US1.3, and two that overlap."""
COVERS = ("building", "pervious_surface", "herbaceous_vegetation", "ligneous")
ARTIFICIALISED, NOT, DEPENDS, UNDECIDED = 1, 2, 3, 4
BY_HAND = np.array(
    [
        # none, US5 (residential), US1.1 (agriculture), US1.3 (extraction), contested
        [ARTIFICIALISED, ARTIFICIALISED, ARTIFICIALISED, ARTIFICIALISED, ARTIFICIALISED],
        [DEPENDS, ARTIFICIALISED, ARTIFICIALISED, NOT, DEPENDS],
        [DEPENDS, ARTIFICIALISED, NOT, NOT, DEPENDS],
        [UNDECIDED, UNDECIDED, UNDECIDED, UNDECIDED, UNDECIDED],
    ],
    np.uint8,
)
"""What rows of covers become in columns of usages."""
WIDTHS = np.diff(COLUMNS)


def striped() -> MadeZone:
    """Return a zone of four stripes of covers."""
    zone = make_zone()
    codes = np.array([FLAIR.by_key(key).code for key in COVERS], np.uint8)
    labels = np.repeat(codes, SIDE // 4)[:, np.newaxis].repeat(SIDE, axis=1)
    return replace(zone, source=replace(zone.source, labels=lambda: labels.copy()), labels=labels)


def usage_frame(zone: MadeZone, *, shift: float = 0.0) -> geopandas.GeoDataFrame:
    """Return polygons over columns of a zone of one patch, their sides moved eastwards by some pixels."""
    grid = zone.source.zone.grid
    bounds, step = grid.bounds, grid.resolution

    def column(first: int, stop: int) -> shapely.Polygon:
        left, right = (bounds.left + (at + shift) * step for at in (first, stop))
        return shapely.box(left, bounds.bottom - 5, right, bounds.top + 5)

    pieces = [
        ("US5", column(100, 200)),
        ("US1.1", column(200, 300)),
        ("US1.3", column(300, 400)),
        ("US3", column(400, SIDE)),
        ("US1.1", column(400, SIDE + 50)),
        (None, column(0, 100)),
        ("US5", shapely.box(0, 0, 1, 1)),
    ]
    return geopandas.GeoDataFrame(
        {"code_us": [code for code, _ in pieces]}, geometry=[shape for _, shape in pieces], crs="EPSG:2154"
    )


def test_usage_resolves_what_hangs_on_it_pixel_by_pixel(tmp_path: Path) -> None:
    zone = striped()
    parent = build([zone], tmp_path / "whole", layouts=["flair-hub", "flair1", "hdf5", "shards"])
    usage_frame(zone).to_file(tmp_path / "usage.gpkg", layer="OCCUPATION_SOL")
    done = made(parent, tmp_path, "artificialised", usage=tmp_path / "usage.gpkg")
    assert verify_release(done.release.path).problems == ()
    truth = BY_HAND.repeat(SIDE // 4, axis=0).repeat(WIDTHS, axis=1)
    (patch,) = done.release.patches()
    for layout in ("flair-hub", "flair1", "hdf5", "shards"):
        np.testing.assert_array_equal(done.release.labels(patch, layout=layout), truth)
    stripe = SIDE // 4
    usage = done.release.card["derived"]["usage"]
    assert (usage["layer"], usage["field"], usage["features"]) == ("OCCUPATION_SOL", "code_us", 7)
    assert usage["uncoded"] == 1
    assert "left aside: 1 polygon of OCCUPATION_SOL without a code in code_us" in done.text()
    assert usage["known_pixels"] == 2 * stripe * 300
    assert usage["contested_pixels"] == 2 * stripe * (SIDE - 400)
    assert usage["unknown_pixels"] == 2 * stripe * 100
    assert done.release.card["class_pixels"] == {
        key: int((truth == code).sum())
        for key, code in [
            ("artificialised", 1), ("not_artificialised", 2), ("depends_on_usage", 3), ("undecided", 4),
        ]
    }  # fmt: skip
    first = (done.release.path / "README.md").read_text().split("\n\n")[1]
    assert "known for 76,800 of the pixels" in first
    assert "2023-1096" in (done.release.path / "README.md").read_text()
    bare = made(parent, tmp_path, "artificialised", name="BARE").release
    alone = BY_HAND[:, [0] * 5].repeat(SIDE // 4, axis=0).repeat(WIDTHS, axis=1)
    np.testing.assert_array_equal(bare.labels(next(iter(bare.patches()))), alone)


@pytest.mark.parametrize(("shift", "begin"), [(-0.4, 100), (0.4, 100), (0.6, 101), (-0.6, 99)])
def test_a_pixel_has_the_usage_of_its_centre(shift: float, begin: int, tmp_path: Path) -> None:
    zone = striped()
    parent = build([zone], tmp_path / "whole", layouts=["flair1"])
    usage_frame(zone, shift=shift).to_file(tmp_path / "usage.gpkg")
    done = made(parent, tmp_path, "artificialised", usage=tmp_path / "usage.gpkg").release
    row = done.labels(next(iter(done.patches())))[SIDE // 2 + 5]  # herbaceous
    assert row[:300].tolist() == [DEPENDS] * begin + [ARTIFICIALISED] * 100 + [NOT] * (200 - begin)


@pytest.mark.parametrize("name", ["usage.geojson", "usage.fgb"])
def test_usage_of_another_crs_and_kind_says_the_same(name: str, tmp_path: Path) -> None:
    zone = striped()
    parent = build([zone], tmp_path / "whole", layouts=["flair1"])
    # Where sides are off the centres of pixels, a millimetre of reprojection moves nothing.
    frame = usage_frame(zone)
    frame.to_file(tmp_path / "usage.gpkg")
    frame.to_crs(4326).rename(columns={"code_us": "us"}).to_file(tmp_path / name)
    one = made(parent, tmp_path, "artificialised", usage=tmp_path / "usage.gpkg", name="ONE").release
    two = made(parent, tmp_path, "artificialised", usage=tmp_path / name, field="us", name="TWO").release
    assert one.card["content_sha256"] == two.card["content_sha256"]
    assert one.card["derived"]["usage"]["sha256"] != two.card["derived"]["usage"]["sha256"]


def test_an_l_of_patches_has_the_usage_of_its_own_ground(tmp_path: Path) -> None:
    zone = make_zone(cells=L_SHAPE)
    code = FLAIR.by_key("herbaceous_vegetation").code
    labels = np.full(zone.labels.shape, code, np.uint8)
    zone = replace(zone, source=replace(zone.source, labels=lambda: labels.copy()), labels=labels)
    parent = build([zone], tmp_path / "whole", layouts=["flair1"])
    bounds = zone.source.zone.grid.bounds
    triangle = shapely.Polygon(
        [(bounds.left, bounds.top), (bounds.right, bounds.top), (bounds.right, bounds.bottom)]
    )
    geopandas.GeoDataFrame({"code_us": ["US5"]}, geometry=[triangle], crs=2154).to_file(tmp_path / "u.gpkg")
    done = made(parent, tmp_path, "artificialised", usage=tmp_path / "u.gpkg").release
    rows, cols = np.indices(labels.shape)
    # Centres on the diagonal itself belong to either side.
    above, below = cols > rows, cols < rows
    for patch in done.patches():
        found, at = done.labels(patch), patch.window.slices
        assert (found[above[at]] == ARTIFICIALISED).all()
        assert (found[below[at]] == DEPENDS).all()


def test_usage_layers_that_say_nothing_true_are_refused_and_leave_nothing(tmp_path: Path) -> None:
    zone = striped()
    parent = build([zone], tmp_path / "whole", layouts=["flair1"])
    frame = usage_frame(zone)
    path = tmp_path / "usage.gpkg"
    frame.to_file(path)

    def refused(words: str, *, error: type[WorkbenchError] = ReleaseError, **options: Any) -> None:
        with pytest.raises(error, match=words):
            made(parent, tmp_path / "out", **{"goal": "artificialised", "usage": path} | options)
        assert not (tmp_path / "out").exists()

    refused("hangs on no usage; leave the usage layer out", goal="15")
    refused("has no field usage; it has code_us", error=VectorError, field="usage")
    strange = frame.assign(code_us=["US9", "US1.1", "5", None, None, None, None])
    strange.to_file(tmp_path / "strange.gpkg")
    refused("field code_us has '5' and 1 more, which is no usage code", usage=tmp_path / "strange.gpkg")
    frame.set_geometry(frame.boundary).to_file(tmp_path / "lines.gpkg")
    refused("geometries .*LineString; usage is told by polygons", usage=tmp_path / "lines.gpkg")
    frame.to_file(tmp_path / "usage.shp")
    refused("write a GeoPackage: ogr2ogr usage.gpkg usage.shp", usage=tmp_path / "usage.shp")
    frame.to_file(path, layer="ZONE_CONSTRUITE", mode="a")
    refused("several layers; say which", error=VectorError)
    assert made(parent, tmp_path, "artificialised", usage=path, layer="ZONE_CONSTRUITE").release.path.exists()
    refused("is not a vector file", error=VectorError, usage=tmp_path / "none.gpkg")


def test_a_usage_layer_of_other_ground_is_told(tmp_path: Path) -> None:
    zone = striped()
    parent = build([zone], tmp_path / "whole", layouts=["flair1"])
    usage_frame(zone).translate(5000, 0).to_frame("geometry").assign(code_us="US5").to_file(
        tmp_path / "u.gpkg"
    )
    done = made(parent, tmp_path, "artificialised", usage=tmp_path / "u.gpkg")
    assert done.release.card["derived"]["usage"]["known_pixels"] == 0
    assert "the usage layer tells nothing here" in done.text()


@pytest.mark.skipif(not REAL.is_dir(), reason="the real FLAIR patches are not beside the checkout")
@pytest.mark.parametrize("number", ["036294", "034217", "084558"])
def test_a_real_patch_is_what_the_documents_say_and_lies_where_loaders_look(
    number: str, tmp_path: Path
) -> None:
    image_path = next(REAL.rglob(f"IMG_{number}.tif"))
    domain, name = image_path.relative_to(REAL).parts[:2]
    with rasterio.open(image_path) as source:
        pixels, transform = source.read(), source.transform
    with rasterio.open(image_path.parents[1] / "msk" / f"MSK_{number}.tif") as source:
        mask = source.read(1)
    zone = make_zone(domain, name, first_number=int(number))
    grid = replace(zone.source.zone.grid, transform=transform)
    own = replace(zone.source.zone, grid=grid)
    real = replace(zone.source, zone=own, image=lambda _: pixels, labels=lambda: mask)
    parent = build([replace(zone, source=real)], tmp_path / "whole")
    for goal in TABLES:
        done = made(parent, tmp_path, goal, name=f"TO_{goal}").release
        assert verify_release(done.path).problems == ()
        (mask_path,) = done.path.glob(f"FLAIR1/*/{domain}/{name}/msk/MSK_{number}.tif")
        assert (parent.path / mask_path.relative_to(done.path)).is_file()
        with rasterio.open(mask_path) as source:
            np.testing.assert_array_equal(source.read(1), values_of(goal)[mask])
            assert source.transform.almost_equals(transform, precision=1e-6)
