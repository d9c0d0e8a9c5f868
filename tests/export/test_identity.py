"""Versions, parents, and zones that had to go or must not be shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_zones import L_SHAPE, MadeZone, build, file_bytes, make_zone, make_zones

from workbench.documents import read_document
from workbench.errors import ReleaseError
from workbench.export import verify_release
from workbench.export.release import Release, open_release
from workbench.export.versions import Change, Version, settled, version_of
from workbench.geo.grid import parse_lattice
from workbench.nomenclature import Nomenclature, load_nomenclature

NUMBERS = st.integers(0, 30)
VERSIONS = st.builds(Version, NUMBERS, NUMBERS, NUMBERS)


@given(VERSIONS)
def test_a_version_comes_back_from_its_text(version: Version) -> None:
    assert Version.parse(str(version)) == version
    assert version_of(f"FR_V{version}") == version


@given(VERSIONS, st.sampled_from(list(Change)), st.sampled_from(list(Change)))
def test_a_larger_change_never_gives_a_smaller_version(version: Version, one: Change, two: Change) -> None:
    less, more = sorted((one, two))
    assert version <= version.after(less) <= version.after(more)
    assert (version.after(one) > version) == (one > Change.NONE)


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("FR_V0.1", Version(0, 1, 0)),
        ("FR_V1.2.3", Version(1, 2, 3)),
        ("V2.0", Version(2, 0, 0)),
        ("FR-v10.4", Version(10, 4, 0)),
        ("SPRING", None),
        ("REV1.2", None),
        ("FR_V1.2-beta", None),
    ],
)
def test_the_end_of_a_name_is_its_version(name: str, version: Version | None) -> None:
    assert version_of(name) == version


@pytest.mark.parametrize("text", ["", "1.2", "1.2.3.4", "01.2.3", "1.2.x", "-1.0.0", "1.2.3 "])
def test_text_that_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ReleaseError, match=r"is no version; write it like 1\.2\.0"):
        settled("FR", text, before=None, change=Change.NONE)


@pytest.mark.parametrize("said", ["1.0.0", "9.0.1"])
def test_a_name_and_a_version_that_contradict_each_other_are_refused(said: str, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=rf"FR_V9.0 says version 9\.0\.0, and --version {said}; leave"):
        build([make_zone()], tmp_path / "out", name="FR_V9.0", version=said)
    assert list(tmp_path.iterdir()) == []
    assert str(build([make_zone()], tmp_path, name="FR_V9.0", version="9.0.0").version) == "9.0.0"


def other_labels() -> list[MadeZone]:
    zones = make_zones()
    zones[0].labels[300, 300] = zones[0].labels[300, 300] % 19 + 1
    return zones


def other_zone() -> list[MadeZone]:
    return [*make_zones(), make_zone("D067_2021", "Z1_NN", fold=4, east=90, first_number=9)]


def other_fold() -> list[MadeZone]:
    moved = [replace(zone, source=replace(zone.source, fold=5)) for zone in make_zones()[:2]]
    return [*moved, *make_zones()[2:]]


def other_classes() -> Nomenclature:
    document = load_nomenclature("flair-19").document()
    return Nomenclature.from_document({**document, "version": "2.0.0"}, source="test")


CHANGES: dict[str, tuple[Callable[[], list[MadeZone]], dict[str, Any], str, str]] = {
    "labels": (other_labels, {}, "1.1.1", "labels or pictures"),
    "a zone more": (other_zone, {}, "1.2.0", "zones"),
    "a zone less": (lambda: make_zones()[1:], {}, "1.2.0", "zones"),
    "a fold": (other_fold, {}, "2.0.0", "classes, folds or grid"),
    "classes": (make_zones, {"nomenclature": other_classes()}, "2.0.0", "classes, folds or grid"),
    "nothing": (make_zones, {}, "1.1.0", "nothing that changed"),
}


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return build(make_zones(), tmp_path_factory.mktemp("parent"), name="FR_V1.1")


@pytest.mark.parametrize("case", CHANGES)
def test_what_changed_says_which_version_is_next(case: str, parent: Release, tmp_path: Path) -> None:
    make, options, version, _ = CHANGES[case]
    child = build(make(), tmp_path, name="NEXT", parent=parent, **options)
    assert str(child.version) == version
    assert child.card["parent"] == {
        "name": "FR_V1.1",
        "version": "1.1.0",
        "content_sha256": parent.card["content_sha256"],
    }


@pytest.mark.parametrize("case", [case for case in CHANGES if case != "nothing"])
def test_a_version_that_is_too_low_for_what_changed_is_refused_and_leaves_nothing(
    case: str, parent: Release, tmp_path: Path
) -> None:
    make, options, version, why = CHANGES[case]
    for said in ({"name": "FR_V1.1"}, {"name": "NEXT", "version": "1.1.0"}):
        with pytest.raises(ReleaseError, match=f"{why} since 1.1.0 makes it {version} at least"):
            build(make(), tmp_path / "out", parent=parent, **options, **said)
    assert list(tmp_path.iterdir()) == []
    built = build(make(), tmp_path, name=f"FR_V{version}", parent=parent, **options)
    assert str(built.version) == version


def test_a_release_of_format_1_has_the_version_of_its_name() -> None:
    old = open_release(Path(__file__).parent.parent / "golden/release_v1/release_v1")
    assert "version" not in old.card
    assert old.version == (version_of(old.name) or Version(0, 1, 0))
    assert old.withdrawn == ()


def with_a_withdrawn_zone(release: Release) -> Release:
    card = {
        **release.card,
        "withdrawn": [{"zone": "D036_2020/Z9_NN", "reason": "shows a prison", "since": "1.0.1"}],
    }
    return replace(release, card=card)


def test_a_zone_that_was_withdrawn_stays_out_until_it_is_let_in(parent: Release, tmp_path: Path) -> None:
    before = with_a_withdrawn_zone(parent)
    with pytest.raises(ReleaseError, match=r"Z9_NN was withdrawn in 1.0.1: shows a prison; .* --readmit"):
        build(make_zones(), tmp_path / "out", name="NEXT", parent=before)
    assert list(tmp_path.iterdir()) == []
    few = [zone for zone in make_zones() if zone.source.zone.id != "D036_2020/Z9_NN"]
    assert build(few, tmp_path, name="NEXT", parent=before).withdrawn == before.withdrawn
    back = build(make_zones(), tmp_path, name="BACK", parent=before, readmit=["D036_2020/Z9_NN"])
    assert back.withdrawn == ()
    read_document(back.path / "release.json", schema="release")


def test_ground_that_is_excluded_is_in_no_file_and_is_counted(tmp_path: Path) -> None:
    made = make_zone(cells=L_SHAPE)
    bounds = made.source.zone.grid.bounds
    middle = bounds.left + 102.4 + 50

    def second_column(box: Any) -> bool:
        return bool(box.left < middle < box.right and box.top == bounds.top)

    hidden = replace(made, source=replace(made.source, excluded=second_column))
    release = build([hidden], tmp_path)
    assert [patch.id for patch in release.patches()] == [
        f"D055-2018_Z2--UF_{place}" for place in ("1-1", "2-2")
    ]
    assert release.card["excluded_patches"] == 1
    assert release.card["zones"][0]["patches"] == 2
    assert not any("1-2" in name or "000002" in name for name in file_bytes(release.path))
    assert [patch.number for patch in release.patches()] == [1, 3], "numbers are kept for ever"
    assert verify_release(release.path).sound


def test_a_zone_that_is_excluded_whole_is_not_named(tmp_path: Path) -> None:
    made = make_zone(name="Z9_UU", east=9, first_number=7)
    hidden = replace(made, source=replace(made.source, excluded=lambda box: True))
    release = build([make_zone(), hidden], tmp_path)
    assert [entry["id"] for entry in release.card["zones"]] == ["D055_2018/Z2_UF"]
    assert "Z9_UU" not in json.dumps(release.card)
    assert verify_release(release.path).sound


def test_patches_of_another_size_make_a_major_version(tmp_path: Path) -> None:
    from made_zones import ONE

    parent = build([make_zone(cells=ONE)], tmp_path, name="FR_V1.0", layouts=["flair-hub"])
    other = build(
        [make_zone(cells=ONE)],
        tmp_path,
        name="NEXT",
        layouts=["flair-hub"],
        parent=parent,
        lattice=parse_lattice("25.6@0.4"),
    )
    assert str(other.version) == "2.0.0"


@pytest.mark.parametrize("name", ["FR_V99999999999999999999.1", "A_V1.2.3.4", "A_V01.2"])
def test_a_name_that_ends_with_what_is_no_version_is_refused(name: str) -> None:
    with pytest.raises(ReleaseError, match=f"the name {name} ends with V.*no version"):
        version_of(name)
