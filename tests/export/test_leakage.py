"""Leaks of releases: found in those that are built, told by the command, and none where there is none."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from made_zones import L_SHAPE, MadeZone, build, changed, make_zone, make_zones

from workbench.cli import workbench as command
from workbench.documents import shipped
from workbench.errors import ReleaseError
from workbench.export.columns import PatchColumns
from workbench.export.index import PatchIndex
from workbench.export.leakage import find_leaks, leaks_of
from workbench.export.orientations import ORIENTATIONS, Orientation
from workbench.export.patches import cut_patches
from workbench.export.release import Release, open_release
from workbench.export.rules import DEFAULTS
from workbench.geo.grid import NATIONAL_GRID

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "release_v1" / "release_v1"


def shows(zone: MadeZone, image: np.ndarray) -> MadeZone:
    """Return a zone with another orthophoto."""
    return replace(changed(zone, image=lambda window: image[:, *window.slices].copy()), image=image)


def run(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words], catch_exceptions=False)


def document(done: Result) -> dict[str, object]:
    import jsonschema

    found: dict[str, object] = json.loads(done.stdout)
    schema = json.loads((shipped("schema") / "outputs" / "release-leakage.schema.json").read_text())
    jsonschema.validate(found, schema)
    return found


@pytest.fixture(scope="module")
def leaking(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A pilot of two domains, with zones that share ground, that touch, and that show another's picture."""
    first = make_zone("D055_2018", "Z1", fold=1, cells=L_SHAPE)
    again = make_zone("D055_2021", "Z1", fold=2, east=1, first_number=11, seed=1)
    touching = make_zone("D055_2021", "Z2", fold=2, east=2, south=2, first_number=12, seed=2)
    far = make_zone("D055_2021", "Z3", fold=2, east=50, first_number=13, seed=3)
    copied = first.image[:, 512:, 512:].astype(int) + 9
    far = shows(far, np.clip(copied, 0, 255).astype(np.uint8))
    return build([first, again, touching, far], tmp_path_factory.mktemp("leaking"))


def test_each_leak_is_named_with_its_zones_patches_and_splits(leaking: Release) -> None:
    found = {leak.kind: leak for leak in leaks_of(leaking, rules=DEFAULTS).leaks}
    assert set(found) == {"overlap", "distance", "duplicate"}
    overlap, near, copy = found["overlap"], found["distance"], found["duplicate"]
    assert overlap.zones == ("D055_2018/Z1", "D055_2021/Z1")
    assert overlap.patches == ("D055-2018_Z1_1-2", "D055-2021_Z1_1-1")
    assert (overlap.distance, overlap.pairs) == (0.0, 1)
    assert near.zones == ("D055_2018/Z1", "D055_2021/Z2")
    assert (near.patches[0], near.distance) == ("D055-2018_Z1_2-2", 0.0)
    assert copy.patches == ("D055-2018_Z1_2-2", "D055-2021_Z3_1-1")
    assert copy.correlation is not None
    assert copy.correlation > 0.98
    assert {"split_1", "split_2"} <= set(overlap.columns) & set(copy.columns)
    assert {overlap.distance, copy.distance} == {0.0, None}


def beside_itself(picture: np.ndarray) -> list[MadeZone]:
    """Return two zones of different folds, the second of which shows another picture of the first's size."""
    first = make_zone("D055_2018", "Z1", fold=1)
    return [first, shows(make_zone("D066_2020", "Z1", fold=2, east=50, first_number=9, seed=3), picture)]


@pytest.mark.parametrize("laid", ORIENTATIONS[1:], ids=lambda laid: laid.name)
def test_a_picture_that_is_turned_or_mirrored_is_found_and_said_to_be(
    laid: Orientation, tmp_path: Path
) -> None:
    """What was done to the copy is undone by the way in which it is laid."""
    picture = make_zone("D055_2018", "Z1", fold=1).image
    undone = next(one for one in ORIENTATIONS if np.array_equal(one.laid(laid.laid(picture[0])), picture[0]))
    copy = np.stack([np.clip(undone.laid(band).astype(int) + 9, 0, 255).astype(np.uint8) for band in picture])
    release = build(beside_itself(copy), tmp_path)
    (leak,) = leaks_of(release, rules=DEFAULTS).of("duplicate")
    assert laid.name in leak.text()
    told = document(run("release", "leakage", release.path, "--json"))
    (entry,) = told["leaks"]  # type: ignore[misc]
    assert entry["laid"] == leak.laid == laid.name  # type: ignore[index]


def test_a_larger_buffer_finds_what_is_farther(leaking: Release) -> None:
    far = leaks_of(leaking, rules=replace(DEFAULTS, buffer=5_000.0)).of("distance")
    assert {leak.zones[1] for leak in far} == {"D055_2021/Z2", "D055_2021/Z3"}
    assert max(leak.distance or 0.0 for leak in far) == pytest.approx(48 * 102.4)


def test_the_command_fails_where_something_leaks_and_tells_what(leaking: Release, release: Release) -> None:
    done = run("release", "leakage", leaking.path)
    assert done.exit_code == 1
    assert "zones D055_2018/Z1 and D055_2021/Z1 show the same ground" in done.stdout
    assert "3 leaks between sets of 6 patches, buffer 100 m" in done.stdout
    told = document(run("release", "leakage", leaking.path, "--json"))
    assert (told["clean"], told["hashes"], len(told["leaks"])) == (False, "index", 3)  # type: ignore[arg-type]
    clean = run("release", "leakage", release.path)
    assert clean.exit_code == 0
    assert "nothing leaks" in clean.stdout
    assert document(run("release", "leakage", release.path, "--json"))["clean"]
    assert run("release", "leakage", release.path, "--buffer", "2000").exit_code == 1
    with pytest.raises(ReleaseError, match="buffer -1 is not between"):
        run("release", "leakage", release.path, "--buffer", "-1")


def test_a_release_of_format_1_has_its_hashes_computed_and_says_so() -> None:
    done = run("release", "leakage", GOLDEN)
    assert done.exit_code == 0
    assert "the index has no hashes of pictures: they were computed" in done.stdout
    assert document(run("release", "leakage", GOLDEN, "--json"))["hashes"] == "computed"


def test_hashes_that_are_computed_are_those_of_the_index(release: Release) -> None:
    columns = PatchColumns.of_index(release.patches(), release.lattice)
    without = [name for name in release.patches().columns if name not in ("picture_hash", "contrast")]
    older = _index_with(release, without)
    again = leaks_of(older, rules=DEFAULTS)
    assert again.computed
    assert again.candidates == leaks_of(release, rules=DEFAULTS).candidates == 0
    assert columns.hashes is not None
    assert len(set(columns.hashes.tolist())) == len(columns) == 8


def _index_with(release: Release, names: Sequence[str]) -> Release:
    """Return the same release with an index of some columns alone."""
    import pyarrow.parquet as pq

    class Older(Release):
        def patches(self) -> PatchIndex:
            path = release.path.parent / "older.parquet"
            pq.write_table(release.patches().table(names), path)
            layouts = {one.name: one.modalities for one in release.layouts}
            return PatchIndex(path, layouts, release.lattice)

    return Older(path=release.path, card=release.card)


def test_columns_of_zones_are_those_of_the_index_that_is_cut_from_them(
    release: Release, zones: list[MadeZone]
) -> None:
    sources = sorted((zone.source for zone in zones), key=lambda source: source.zone.id)
    before = PatchColumns.of_patches(
        (one for source in sources for one in cut_patches(source)), NATIONAL_GRID
    )
    after = PatchColumns.of_index(open_release(release.path).patches(), NATIONAL_GRID)
    assert before.names == after.names
    for name in ("ids", "zone", "cells", "sets"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name))
    assert find_leaks(before, rules=DEFAULTS).spacings == find_leaks(after, rules=DEFAULTS).spacings


def test_low_contrast_makes_no_duplicate(tmp_path: Path) -> None:
    zones = make_zones()[2:4] + make_zones()[4:5]
    water = np.clip(zones[0].image // 64 + 90, 0, 255).astype(np.uint8)
    release = build([shows(zone, water) for zone in zones], tmp_path)
    found = leaks_of(release, rules=DEFAULTS)
    assert (found.of("duplicate"), found.candidates) == ((), 0)
    assert leaks_of(release, rules=replace(DEFAULTS, least_contrast=0.1)).of("duplicate")


def test_an_index_with_a_patch_off_its_grid_is_refused(release: Release) -> None:
    elsewhere = replace(release.lattice, x=release.lattice.x + 1.0)
    with pytest.raises(ReleaseError, match="lies off the grid that"):
        PatchColumns.of_index(release.patches(), elsewhere)
