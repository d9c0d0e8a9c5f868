"""Releases that build on another one: what did not change is the same file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_zones import MadeZone, build, file_bytes, make_zone, make_zones, same_but_for_parent, watched

from workbench.errors import ReleaseError
from workbench.export import verify_release
from workbench.export.release import Release, open_release


def with_one_pixel_changed() -> list[MadeZone]:
    zones = make_zones()
    zones[0].labels[600, 600] = zones[0].labels[600, 600] % 19 + 1
    return zones


def shared(release: Release, parent: Release) -> set[str]:
    """Return the files that are one on the disk, below both releases."""
    there = {path.stat().st_ino for path in parent.path.rglob("*.tif")}
    return {
        path.relative_to(release.path).as_posix()
        for path in release.path.rglob("*.tif")
        if path.stat().st_ino in there
    }


def test_only_what_changed_is_read_and_encoded(release: Release, tmp_path: Path) -> None:
    zones = [*with_one_pixel_changed(), make_zone("D067_2021", "Z1_NN", fold=4, east=90, first_number=9)]
    read: list[str] = []
    child = build(watched(zones, read), tmp_path, name="FR_V0.2", parent=release)
    assert sorted(read) == ["D055_2018/Z2_UF"] * 3 + ["D067_2021/Z1_NN"]
    anew = build(zones, tmp_path / "anew", name="FR_V0.2")
    assert same_but_for_parent(child, anew)
    labels = {"FLAIR-HUB/D055-2018_AERIAL_LABEL-COSIA/Z2--UF/D055-2018_AERIAL_LABEL-COSIA_Z2--UF_2-2.tif"}
    labels.add("FLAIR1/flair_1_labels_test/D055_2018/Z2_UF/msk/MSK_036292.tif")
    own = {name for name in file_bytes(child.path) if name.endswith(".tif")} - shared(child, release)
    assert own == labels | {name for name in own if "D067" in name}
    assert len(own) == 2 + 4
    assert verify_release(child.path).sound


def test_layout_that_the_parent_lacks_is_written_and_others_are_taken(
    zones: list[MadeZone], tmp_path: Path
) -> None:
    parent = build(zones, tmp_path, layouts=["flair-hub"])
    child = build(zones, tmp_path, name="FR_V0.2", parent=parent)
    assert same_but_for_parent(child, build(zones, tmp_path / "anew", name="FR_V0.2"))
    assert {name.partition("/")[0] for name in shared(child, parent)} == {"FLAIR-HUB"}


def test_folder_of_a_layout_may_be_another_one(
    zones: list[MadeZone], release: Release, tmp_path: Path
) -> None:
    child = build(zones, tmp_path, name="TOY", layouts=["flair-hub=FLAIR-HUB_TOY"], parent=release)
    assert len(shared(child, release)) == 2 * 8
    assert verify_release(child.path).sound


def test_release_of_format_1_gives_nothing_and_may_be_built_on(tmp_path: Path) -> None:
    old = open_release(Path(__file__).parent.parent / "golden/release_v1/release_v1")
    child = build([make_zone()], tmp_path, name="FR_V0.2", parent=old)
    assert shared(child, old) == set()
    assert verify_release(child.path).sound


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"II*\0")])
def test_damaged_parent_is_refused_and_leaves_nothing(
    zones: list[MadeZone], damaged: Path, tmp_path: Path, spoil: Any
) -> None:
    spoil(next(damaged.glob("FLAIR1/*/D036_2020/Z9_NN/img/*.tif")))
    with pytest.raises(ReleaseError, match=r"IMG_\d+.tif is not what its release says; put FR_V0.1 back"):
        build(zones, tmp_path / "out", name="FR_V0.2", parent=open_release(damaged))
    assert not (tmp_path / "out").exists()


def test_labels_of_another_nomenclature_are_written_anew(
    zones: list[MadeZone], damaged: Path, tmp_path: Path
) -> None:
    """Colours of a class lie in the files of FLAIR-HUB's labels."""
    document = json.loads((damaged / "nomenclature.json").read_text())
    document["classes"][0]["colour"] = "#010203"
    (damaged / "nomenclature.json").write_text(json.dumps(document))
    child = build(zones, tmp_path, name="FR_V0.2", parent=open_release(damaged))
    assert {"LABEL" in name or "MSK" in name for name in shared(child, open_release(damaged))} == {False}
