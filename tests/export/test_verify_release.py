from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest
import rasterio
from made_zones import MadeZone, build, changed, labelled

from workbench.errors import ReleaseError
from workbench.export.checks import VerifyReport, verify_release
from workbench.export.manifest import Manifest, listed_files
from workbench.export.release import Release, open_release

IMAGE = "FLAIR-HUB/D036-2020_AERIAL_RGBI/Z2--UF/D036-2020_AERIAL_RGBI_Z2--UF_1-1.tif"
LABEL = "FLAIR-HUB/D036-2020_AERIAL_LABEL-COSIA/Z2--UF/D036-2020_AERIAL_LABEL-COSIA_Z2--UF_1-1.tif"
OTHER_LABEL = LABEL.replace("Z2--UF", "Z9--NN")
MASK = "FLAIR1/flair_labels_train/D036_2020/Z2_UF/msk/MSK_036294.tif"
CSV = "FLAIR1/train.csv"
GPKG = "FLAIR-HUB/GLOBAL_ALL_MTD/GLOBAL_ALL_MTD_SPLIT.gpkg"


def found(report: VerifyReport) -> set[tuple[str, str]]:
    return {(str(problem.loc[0]), problem.kind) for problem in report.problems}


def flip(release: Path, name: str, at: int) -> None:
    content = bytearray((release / name).read_bytes())
    content[at] ^= 1
    (release / name).write_bytes(content)


def swap(release: Path, one: str, other: str) -> None:
    first, second = (release / one).read_bytes(), (release / other).read_bytes()
    (release / one).write_bytes(second)
    (release / other).write_bytes(first)


def seal(release: Path) -> None:
    """Make the digests agree with the files again, as somebody who wants to hide a change would."""
    names = [name for name in listed_files(release) if name != "SHA256SUMS"]
    digests = {name: hashlib.sha256((release / name).read_bytes()).hexdigest() for name in names}
    card = json.loads((release / "release.json").read_text())
    card["content_sha256"] = Manifest(digests.items()).content_sha256
    (release / "release.json").write_text(json.dumps(card))
    digests["release.json"] = hashlib.sha256((release / "release.json").read_bytes()).hexdigest()
    Manifest(digests.items()).write(release)


def edit_index(release: Path, edit: Callable[[Any], None], *, name: str = "index.parquet") -> None:
    frame = geopandas.read_parquet(release / name)
    edit(frame)
    frame.to_parquet(release / name, index=False)
    seal(release)


def rewrite(release: Path, name: str, change: Callable[[dict[str, Any], Any], Any]) -> None:
    with rasterio.open(release / name) as source:
        profile, pixels = source.profile, source.read()
    pixels = change(profile, pixels)
    with rasterio.open(release / name, "w", **profile) as target:
        target.write(pixels)


def test_release_as_built_is_sound_for_us_and_for_sha256sum(release: Release) -> None:
    report = verify_release(release.path)
    assert report.problems == ()
    assert report.sound
    assert (report.files, report.patches) == (45, 8)
    assert report.text() == f"{release.path}: sound; 45 files, 8 patches"
    check = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=release.path, check=False
    )
    assert check.returncode == 0


def test_content_digest_can_be_had_with_standard_tools(release: Release) -> None:
    command = "grep -v -e '  README.md$' -e '  release.json$' SHA256SUMS | sha256sum"
    output = subprocess.run(command, shell=True, cwd=release.path, capture_output=True, check=True).stdout
    assert output.decode().split()[0] == release.card["content_sha256"]


@pytest.mark.parametrize(
    "name", [IMAGE, LABEL, MASK, CSV, GPKG, "index.parquet", "README.md", "release.json"]
)
@pytest.mark.parametrize("place", [0.0, 0.4, 1.0])
def test_each_flipped_byte_names_its_file(damaged: Path, name: str, place: float) -> None:
    flip(damaged, name, round(place * ((damaged / name).stat().st_size - 1)))
    report = verify_release(damaged)
    assert (name, "changed") in found(report)
    assert {str(problem.loc[0]) for problem in report.problems} == {name}


def test_every_kind_of_damage_is_named_at_once(damaged: Path) -> None:
    (damaged / IMAGE).unlink()
    flip(damaged, MASK, 200)
    (damaged / "FLAIR1" / "notes.txt").write_text("mine")
    (damaged / CSV).write_text("")
    assert found(verify_release(damaged)) == {
        (IMAGE, "missing"),
        (MASK, "changed"),
        ("FLAIR1/notes.txt", "extra"),
        (CSV, "changed"),
    }


def test_two_swapped_labels_are_both_named(damaged: Path) -> None:
    swap(damaged, LABEL, OTHER_LABEL)
    assert found(verify_release(damaged)) == {(LABEL, "changed"), (OTHER_LABEL, "changed")}


def test_swapped_labels_are_named_even_with_new_digests(damaged: Path) -> None:
    swap(damaged, LABEL, OTHER_LABEL)
    seal(damaged)
    assert {(LABEL, "transform"), (LABEL, "index"), (OTHER_LABEL, "transform")} <= found(
        verify_release(damaged)
    )


def drop(profile: dict[str, Any], **changes: Any) -> None:
    profile.update(changes)


REWRITTEN: dict[str, tuple[str, Callable[[dict[str, Any], Any], Any], str, str]] = {
    "nodata tag": (LABEL, lambda p, x: (drop(p, nodata=0), x)[1], "nodata", "nodata is 0.0, should be None"),
    "another type": (
        IMAGE,
        lambda p, x: (drop(p, dtype="uint16"), x.astype(np.uint16))[1],
        "dtype",
        "dtype is uint16, should be uint8",
    ),
    "a band less": (IMAGE, lambda p, x: (drop(p, count=3), x[:3])[1], "bands", "bands is 3, should be 4"),
    "another size": (
        MASK,
        lambda p, x: (drop(p, height=511), x[:, :511])[1],
        "size",
        r"size is \(511, 512\), should be \(512, 512\)",
    ),
    "another CRS": (MASK, lambda p, x: (drop(p, crs="EPSG:32631"), x)[1], "crs", "crs is EPSG:32631"),
    "a pixel further": (
        LABEL,
        lambda p, x: (drop(p, transform=p["transform"] @ rasterio.Affine.translation(0, 1)), x)[1],
        "transform",
        "transform is",
    ),
    "a value of no class": (
        MASK,
        lambda _, x: np.where(x == 1, 0, x).astype(np.uint8),
        "classes",
        "values 0 are not in scheme flair",
    ),
    "another class": (
        MASK,
        lambda _, x: np.where(x == 1, 2, x).astype(np.uint8),
        "counts",
        r"has 0 pixels of building, index\.parquet says",
    ),
}


@pytest.mark.parametrize("case", REWRITTEN)
def test_unfit_raster_is_named_even_with_new_digests(case: str, damaged: Path) -> None:
    name, change, kind, message = REWRITTEN[case]
    rewrite(damaged, name, change)
    seal(damaged)
    report = verify_release(damaged)
    assert {str(problem.loc[0]) for problem in report.problems} == {name}
    (problem,) = [
        p for p in report.problems if p.kind == kind and p.message.startswith(message.split("\\")[0])
    ][:1]
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(problem.message)


def set_value(column: str, value: object, *, where: Callable[[Any], Any]) -> Callable[[Any], None]:
    def edit(frame: Any) -> None:
        frame.loc[where(frame), column] = value

    return edit


def first_of_l(frame: Any) -> Any:
    return frame["id"] == "D055-2018_Z2--UF_1-1"


def test_zone_in_two_sets_is_named(damaged: Path) -> None:
    edit_index(damaged, set_value("split_3", "valid", where=lambda f: f["id"].str.endswith("2--UF_2-2")))
    edit_index(damaged, set_value("split_3", "train", where=first_of_l))
    problems = [p for p in verify_release(damaged).problems if p.kind == "split"]
    assert [p.message for p in problems] == [
        "zone D055_2018/Z2_UF is train and valid in split_3; a zone is in one set"
    ]


def test_tested_zone_outside_its_fold_is_named(damaged: Path) -> None:
    edit_index(damaged, set_value("split_4", "test", where=lambda f: f["zone"] == "D051_2019/Z16_FF"))
    report = verify_release(damaged)
    assert ("index.parquet", "split") in found(report)
    assert "zone D051_2019/Z16_FF is test in split_4; test are the zones of that fold" in report.text()
    # The GeoPackage still says what was built.
    assert (GPKG, "table") in found(report)


def test_domain_in_two_folds_is_named(damaged: Path) -> None:
    edit_index(damaged, set_value("fold", 2, where=first_of_l))
    assert "domain D055_2018 is in folds 1, 2" in verify_release(damaged).text()


def test_patch_id_twice_is_named(damaged: Path) -> None:
    edit_index(damaged, set_value("id", "D055-2018_Z2--UF_1-2", where=first_of_l))
    assert "2 patches have the id D055-2018_Z2--UF_1-2" in verify_release(damaged).text()


def test_missing_row_of_the_index_is_named_with_its_files(damaged: Path) -> None:
    frame = geopandas.read_parquet(damaged / "index.parquet")
    frame[frame["number"] != 36294].to_parquet(damaged / "index.parquet", index=False)
    seal(damaged)
    report = verify_release(damaged)
    assert {(LABEL, "index"), (MASK, "index"), ("release.json", "counts")} <= found(report)
    assert "release.json/counts/patches: says 8, index.parquet 7" in report.text()


def test_path_in_the_index_that_leads_elsewhere_is_named_and_not_followed(damaged: Path) -> None:
    edit_index(damaged, set_value("flair1_label", "../../../../etc/passwd", where=first_of_l))
    problems = {(p.loc[0], p.kind) for p in verify_release(damaged).problems}
    assert ("../../../../etc/passwd", "path") in problems
    release = open_release(damaged)
    patch = next(p for p in release.patches() if p.number == 36290)
    with pytest.raises(Exception, match="leads out of"):
        release.labels(patch, layout="flair1")


@pytest.mark.parametrize(
    "name", [CSV, "FLAIR-HUB/csv/split_1_test.csv", "FLAIR1/flair_aerial_metadata.json", GPKG]
)
def test_table_that_differs_from_the_index_is_named_even_with_new_digests(damaged: Path, name: str) -> None:
    if name == GPKG:
        frame = geopandas.read_file(damaged / name)
        frame.loc[0, "split_2"] = "valid"
        frame.to_file(damaged / name)
    else:
        (damaged / name).write_bytes((damaged / name).read_bytes().replace(b"D0", b"D9", 1) + b"\n")
    seal(damaged)
    assert found(verify_release(damaged)) == {(name, "table")}


def test_damaged_index_geopackage_and_card_are_problems_not_crashes(damaged: Path) -> None:
    for name in ("index.parquet", GPKG):
        (damaged / name).write_bytes(b"no such thing")
    seal(damaged)
    assert ("index.parquet", "index") in found(verify_release(damaged))
    (damaged / "release.json").write_text('{"format": "ocs-workbench/release"}')
    assert ("release.json", "required") in found(verify_release(damaged))
    (damaged / "release.json").write_text("no JSON")
    assert ("release.json", "json") in found(verify_release(damaged))


def test_layout_that_nobody_knows_is_named(damaged: Path) -> None:
    text = (damaged / "release.json").read_text().replace('"name": "flair1"', '"name": "flair9"')
    (damaged / "release.json").write_text(text)
    seal(damaged)
    assert found(verify_release(damaged)) == {("release.json", "layouts")}


def test_set_that_is_none_makes_the_index_unreadable(damaged: Path) -> None:
    edit_index(damaged, set_value("split_2", "val", where=first_of_l))
    assert found(verify_release(damaged)) == {("index.parquet", "index")}


def test_damaged_geopackage_is_named(damaged: Path) -> None:
    (damaged / GPKG).write_bytes(b"no such thing")
    seal(damaged)
    assert found(verify_release(damaged)) == {(GPKG, "table")}


def test_damaged_nomenclature_is_named(damaged: Path) -> None:
    (damaged / "nomenclature.json").write_text("{}")
    seal(damaged)
    assert {name for name, _ in found(verify_release(damaged))} == {"nomenclature.json"}


def test_digest_that_does_not_belong_to_the_content_is_named(damaged: Path) -> None:
    card = json.loads((damaged / "release.json").read_text())
    (damaged / "release.json").write_text(json.dumps(card | {"content_sha256": "0" * 64}))
    lines = dict(Manifest.read(damaged))
    lines["release.json"] = hashlib.sha256((damaged / "release.json").read_bytes()).hexdigest()
    Manifest(lines.items()).write(damaged)
    assert found(verify_release(damaged)) == {("release.json", "content")}


def test_link_in_place_of_a_file_is_named(damaged: Path) -> None:
    (damaged / MASK).rename(damaged.parent / "elsewhere.tif")
    os.symlink(damaged.parent / "elsewhere.tif", damaged / MASK)
    assert found(verify_release(damaged)) == {(MASK, "missing")}


def test_path_in_the_digests_that_leads_elsewhere_is_not_followed(damaged: Path) -> None:
    with (damaged / "SHA256SUMS").open("a") as file:
        file.write(f"{'0' * 64}  ../../../../etc/passwd\n")
    assert ("../../../../etc/passwd", "missing") in found(verify_release(damaged))


@pytest.mark.parametrize("content", [None, b"", b"abc  x.tif\n", b"\xff\xfe"])
def test_missing_or_damaged_list_of_digests_is_named(damaged: Path, content: bytes | None) -> None:
    if content is None:
        (damaged / "SHA256SUMS").unlink()
    else:
        (damaged / "SHA256SUMS").write_bytes(content)
    report = verify_release(damaged)
    assert not report.sound
    assert any(name == "SHA256SUMS" or kind == "extra" for name, kind in found(report))


def forge(release: Path, name: str, column: str, change: Callable[[Any], Any]) -> None:
    """Change a raster of a patch, and make every digest of files agree."""
    rewrite(release, name, lambda profile, pixels: np.ascontiguousarray(change(pixels)))
    sha256 = hashlib.sha256((release / name).read_bytes()).hexdigest()
    path = column.removesuffix("_sha256")

    def edit(frame: Any) -> None:
        frame.loc[frame[path] == name, column] = sha256

    edit_index(release, edit)


def upside_down(pixels: Any) -> Any:
    return pixels[:, ::-1]


TURNED = {
    "one layout": [(MASK, "flair1_label_sha256")],
    "all layouts": [(MASK, "flair1_label_sha256"), (LABEL, "flair_hub_label_sha256")],
}


@pytest.mark.parametrize("case", TURNED)
def test_labels_upside_down_are_named_though_counts_and_digests_of_files_agree(
    case: str, zones: list[MadeZone], tmp_path: Path
) -> None:
    path = build([labelled(zone) for zone in zones], tmp_path).path
    assert verify_release(path).sound
    for name, column in TURNED[case]:
        forge(path, name, column, upside_down)
    assert found(verify_release(path)) == {(name, "pixels") for name, _ in TURNED[case]}


def test_labels_upside_down_are_named_where_all_of_other_is_unlabelled(
    zones: list[MadeZone], tmp_path: Path
) -> None:
    labels = np.where(zones[0].labels == 19, 1, zones[0].labels).astype(np.uint8)
    whole = build([changed(zones[0], labels=labels.copy)], tmp_path)
    patch = next(iter(whole.patches()))
    assert patch.unlabelled
    assert verify_release(whole.path).sound
    forge(whole.path, patch.files["flair1"]["label"].path, "flair1_label_sha256", upside_down)
    assert {kind for _, kind in found(verify_release(whole.path))} == {"pixels"}


def brighter_nir(pixels: Any) -> Any:
    pixels = pixels.copy()
    pixels[3] ^= 1
    return pixels


@pytest.mark.parametrize("change", [np.invert, upside_down, brighter_nir])
def test_forged_image_is_named_where_pixels_are_read_and_only_there(
    change: Callable[[Any], Any], damaged: Path
) -> None:
    name = next(iter(open_release(damaged).patches())).files["flair1"]["image"].path
    assert verify_release(damaged, pixels=True).sound
    forge(damaged, name, "flair1_image_sha256", change)
    assert verify_release(damaged).sound
    report = verify_release(damaged, pixels=True)
    assert found(report) == {(name, "pixels")}
    assert report.document()["pixels"] is True


def test_image_of_a_layout_without_all_bands_is_known_by_its_fingerprint(damaged: Path) -> None:
    forge(damaged, IMAGE, "flair_hub_image_sha256", upside_down)
    assert found(verify_release(damaged, pixels=True)) == {(IMAGE, "pixels")}


def test_withdrawn_zone_that_is_there_is_named(damaged: Path) -> None:
    card = json.loads((damaged / "release.json").read_text())
    card["withdrawn"] = [{"zone": "D036_2020/Z2_UF", "reason": "consent", "since": "0.1.0"}]
    (damaged / "release.json").write_text(json.dumps(card))
    seal(damaged)
    assert found(verify_release(damaged)) == {("release.json", "withdrawn")}


def test_report_as_a_document_lists_file_place_kind_and_message(damaged: Path) -> None:
    flip(damaged, MASK, 100)
    document = verify_release(damaged).document()
    assert json.loads(json.dumps(document)) == document
    assert (document["sound"], document["files"], document["patches"]) == (False, 45, 8)
    (problem,) = document["problems"]
    assert (problem["file"], problem["kind"], problem["loc"]) == (MASK, "changed", [])


def test_folder_that_is_no_release_is_refused(tmp_path: Path) -> None:
    for read in (open_release, verify_release):
        with pytest.raises(ReleaseError, match=r"is no release: it has no release\.json"):
            read(tmp_path)
