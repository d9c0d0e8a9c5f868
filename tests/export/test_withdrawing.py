"""A zone that must go leaves a release in its next version, and everything else is as it was."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from made_zones import build, file_bytes, make_zones

from workbench.errors import ReleaseError
from workbench.export import open_release, subset_release, verify_release
from workbench.export.diff import diff_releases
from workbench.export.release import Release
from workbench.export.wanted import Wanted
from workbench.export.withdrawing import release_without
from workbench.workflows.diff_words import zone_lines

ALL = ["flair-hub", "flair1", "hdf5", "shards"]
GONE = "D055_2018/Z3-AU"
WHY = "shows a prison"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release in all layouts; tests must not change it."""
    return build(make_zones(), tmp_path_factory.mktemp("whole"), layouts=ALL)


def without(parent: Release, out: Path, *zones: str, **said: Any) -> Release:
    options = {"reason": WHY, "name": "FR_V0.2"} | said
    return release_without(parent, zones or (GONE,), out=out, **options)


ZONES = {
    "one of a domain": ("D055_2018/Z3-AU",),
    "a whole domain": ("D036_2020/Z2_UF", "D036_2020/Z9_NN"),
    "all but one": tuple(made.source.zone.id for made in make_zones()[1:]),
}


@pytest.mark.parametrize("case", ZONES)
def test_what_stays_has_the_content_of_a_build_of_it(case: str, whole: Release, tmp_path: Path) -> None:
    left = without(whole, tmp_path / "left", *ZONES[case])
    zones = [made for made in make_zones() if made.source.zone.id not in ZONES[case]]
    built = build(zones, tmp_path / "built", layouts=ALL)
    report = verify_release(left.path)
    assert report.sound, report.text()
    assert left.card["content_sha256"] == built.card["content_sha256"]
    ours, theirs = file_bytes(left.path), file_bytes(built.path)
    about = {"README.md", "release.json", "SHA256SUMS"}
    assert {name for name in ours if ours[name] != theirs.get(name)} == about
    entries = {entry["id"]: entry for entry in whole.card["zones"]}
    assert all(entries[entry["id"]] == entry for entry in left.card["zones"])


def test_files_are_those_of_the_release_which_is_not_touched(whole: Release, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.path.rglob("*")}
    left = without(whole, tmp_path)
    linked = list(left.path.rglob("*.tif"))
    assert len(linked) == 4 * 7
    assert all(path.samefile(whole.path / path.relative_to(left.path)) for path in linked)
    assert {path: path.stat().st_mtime_ns for path in whole.path.rglob("*")} == before


def test_the_next_version_says_what_went_and_why(whole: Release, tmp_path: Path) -> None:
    left = without(whole, tmp_path, reason=f"  {WHY}\n again ")
    assert left.card["parent"] == {
        "name": "FR_V0.1",
        "version": "0.1.0",
        "content_sha256": whole.card["content_sha256"],
    }
    assert left.withdrawn == ({"zone": GONE, "reason": f"{WHY} again", "since": "0.2.0"},)
    assert f"- {GONE}, since 0.2.0: {WHY} again" in (left.path / "README.md").read_text()
    (line,) = zone_lines(diff_releases(whole, left))
    assert line.startswith(f"removed: {GONE} (1 patch, ")
    assert line.endswith(f", withdrawn: {WHY} again")
    assert str(without(whole, tmp_path, name="NEXT").version) == "0.2.0"
    assert str(without(whole, tmp_path, name="LATER", version="1.0.0").version) == "1.0.0"


def test_a_second_withdrawal_keeps_the_first(whole: Release, tmp_path: Path) -> None:
    first = without(whole, tmp_path)
    second = without(first, tmp_path, "D036_2020/Z9_NN", name="FR_V0.3", reason="the law")
    assert [(one["zone"], one["since"]) for one in second.withdrawn] == [
        (GONE, "0.2.0"),
        ("D036_2020/Z9_NN", "0.3.0"),
    ]
    with pytest.raises(ReleaseError, match=f"is without {GONE} already: withdrawn in 0.2.0, {WHY}"):
        without(first, tmp_path, GONE, name="FR_V0.3b")


def test_a_build_on_it_leaves_the_zone_out(whole: Release, tmp_path: Path) -> None:
    left = without(whole, tmp_path)
    with pytest.raises(ReleaseError, match=f"{GONE} was withdrawn in 0.2.0: {WHY}"):
        build(make_zones(), tmp_path, name="FR_V0.3", parent=left, layouts=ALL)
    back = build(make_zones(), tmp_path, name="FR_V0.3", parent=left, layouts=ALL, readmit=[GONE])
    assert back.card["content_sha256"] == whole.card["content_sha256"]


def test_a_subset_stays_one_without_a_zone(whole: Release, tmp_path: Path) -> None:
    wanted = Wanted.parse(domains=["D055_2018"])
    part = subset_release(whole, name="PART_V0.1", out=tmp_path, wanted=wanted).release
    left = without(part, tmp_path, name="PART_V0.2")
    assert verify_release(left.path).sound
    assert left.card["subset"] == part.card["subset"]
    assert left.card["parent"]["name"] == "PART_V0.1"


REFUSED: dict[str, tuple[tuple[str, ...], dict[str, Any], str]] = {
    "no such zone": (("Z2_UF",), {}, "has no zone Z2_UF; it has 6, such as D036_2020/Z2_UF"),
    "no zone left": (tuple(made.source.zone.id for made in make_zones()), {}, "has no other zone"),
    "no reason": ((GONE,), {"reason": " \n"}, "--reason TEXT"),
    "a book of reasons": ((GONE,), {"reason": "law " * 1001}, "say it shorter"),
    "a patch version": ((GONE,), {"name": "NEXT", "version": "0.1.1"}, "makes it 0.2.0 at least"),
    "no name": ((GONE,), {"name": "../x"}, "cannot name a release"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_withdrawn_is_refused_and_leaves_nothing(
    case: str, whole: Release, tmp_path: Path
) -> None:
    zones, said, told = REFUSED[case]
    with pytest.raises(ReleaseError, match=told) as refusal:
        without(whole, tmp_path / "new", *zones, **said)
    assert "\n" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_is_refused_even_by_the_same_content(whole: Release, tmp_path: Path) -> None:
    kept = tuple(made.source.zone.id for made in make_zones() if made.source.zone.id != GONE)
    subset_release(whole, name="FR_V0.2", out=tmp_path, wanted=Wanted(zones=kept))
    before = file_bytes(tmp_path)
    with pytest.raises(ReleaseError, match=r"tells otherwise how it was made \(version, parent, withdrawn"):
        without(whole, tmp_path)
    assert file_bytes(tmp_path) == before


def test_the_same_withdrawal_again_is_reused_and_another_one_is_refused(
    whole: Release, tmp_path: Path
) -> None:
    first = without(whole, tmp_path)
    before = file_bytes(tmp_path)
    assert not first.reused
    assert without(whole, tmp_path).reused
    with pytest.raises(ReleaseError, match=r"\(withdrawn in its release.json\); choose another name"):
        without(whole, tmp_path, reason="a slip")
    with pytest.raises(ReleaseError, match="exists with other content"):
        without(whole, tmp_path, "D036_2020/Z9_NN")
    assert file_bytes(tmp_path) == before
    label = next(first.path.rglob("MSK_*.tif"))
    label.unlink()
    with pytest.raises(ReleaseError, match=f"is damaged .*{label.name}"):
        without(whole, tmp_path)


HALVES = {
    "OPEN": "OPEN withholds labels; withdraw from FR_V0.1",
    "OPEN-SEALED": "OPEN-SEALED has the labels that OPEN withholds; withdraw from FR_V0.1",
}


@pytest.mark.parametrize("half", HALVES)
def test_neither_half_of_a_challenge_is_changed(half: str, whole: Release, tmp_path: Path) -> None:
    subset_release(whole, name="OPEN", out=tmp_path, wanted=Wanted(), withhold_test=True)
    with pytest.raises(ReleaseError, match=HALVES[half]):
        without(open_release(tmp_path / half), tmp_path)


@pytest.mark.parametrize("name", ["index.parquet", "FLAIR1/*/D055_2018/Z2_UF/msk/*.tif", "HDF5/D055_2018.h5"])
def test_a_damaged_release_is_named_and_leaves_nothing(name: str, whole: Release, tmp_path: Path) -> None:
    damaged = open_release(Path(shutil.copytree(whole.path, tmp_path / whole.name)))
    path = next(damaged.path.glob(name))
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(ReleaseError, match=rf"{path.name} (is not what its release says|has other content)"):
        without(damaged, tmp_path / "out")
    assert not (tmp_path / "out").exists()
