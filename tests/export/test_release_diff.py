"""The difference of two releases: exact, whatever they are written as."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_zones import L_SHAPE, ONE, MadeZone, build, make_zone, make_zones, sealed_again

from workbench.documents import digest_file
from workbench.errors import ReleaseError
from workbench.export.diff import diff_releases
from workbench.export.patches import codes_digest
from workbench.export.release import Release, open_release
from workbench.export.release_diff import ReleaseDiff
from workbench.export.transitions import UNLABELLED, UNTOLD, Transitions
from workbench.export.versions import Change
from workbench.geo.geotiff import encode_raster
from workbench.geo.grid import parse_lattice
from workbench.geo.raster import inspect_raster, read_bands
from workbench.geo.zone import Cell
from workbench.nomenclature import Nomenclature, load_nomenclature
from workbench.threads import in_threads

FLAIR = load_nomenclature("flair-19")
GOLDEN = Path(__file__).parent.parent / "golden/release_v1/release_v1"
SQUARE = tuple(Cell(row=row, col=col) for row in (0, 1) for col in (0, 1))


def without_other(zones: Sequence[MadeZone]) -> list[MadeZone]:
    """Return zones in which no pixel is *other*, so that all can be told of those that nobody labelled."""
    for zone in zones:
        zone.labels[zone.labels == 19] = 4
    return list(zones)


def corrected(zones: Sequence[MadeZone], *, seed: int = 5) -> list[MadeZone]:
    """Return zones in which somebody labelled a rectangle of each anew, and erased another one."""
    rng = np.random.default_rng(seed)
    for zone in zones:
        row, col = rng.integers(0, 300, 2)
        zone.labels[row : row + 150, col : col + 90] = rng.integers(1, 19)
        zone.labels[row : row + 9, col + 100 : col + 110] = 0
    return list(zones)


def oracle(before: Sequence[MadeZone], after: Sequence[MadeZone]) -> Transitions:
    """Return the transitions of zones that are in both, from all their pixels at once."""
    keys = [UNLABELLED, *FLAIR.keys]
    codes = [0, *FLAIR.codes]
    there = {zone.source.zone.id: zone for zone in after}
    matrix = np.zeros((20, 20), int)
    for zone in before:
        other = there.get(zone.source.zone.id)
        if other is not None:
            cells = zone.source.zone.footprint()
            np.add.at(matrix, (zone.labels[cells], other.labels[cells]), 1)
    return Transitions(
        {
            (keys[row], keys[col]): int(matrix[codes[row], codes[col]])
            for row, col in np.ndindex(20, 20)
            if matrix[codes[row], codes[col]]
        }
    )


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> tuple[Release, Release]:
    """Two releases: zones corrected, one gone, one new, two with *other* beside unlabelled pixels."""
    out = tmp_path_factory.mktemp("releases")
    zones, later = make_zones(), make_zones()
    without_other(zones[:4])
    without_other(later[:4])
    corrected(later[:3])
    corrected(later[4:])
    later = [*later[:5], make_zone("D067_2021", "Z1_NN", fold=4, east=90, first_number=99)]
    return build(zones, out), build(later, out, name="FR_V0.2")


@pytest.fixture(scope="module")
def diff(releases: tuple[Release, Release]) -> ReleaseDiff:
    return diff_releases(*releases)


def told(found: ReleaseDiff) -> dict[str, Any]:
    """Return what a difference says, but for where the releases lie."""
    document = found.document()
    for side in ("before", "after"):
        del document[side]
    return document


def test_a_release_and_itself_differ_in_nothing(releases: tuple[Release, Release]) -> None:
    found = diff_releases(releases[0], releases[0])
    assert found.change == Change.NONE
    assert (found.transitions.changed, found.changed_zones, len(found.changed)) == (0, (), 0)
    assert not found.patches.changed
    assert found.transitions.total == releases[0].card["counts"]["pixels"]


def test_the_matrix_is_that_of_all_pixels(tmp_path: Path) -> None:
    zones = without_other(make_zones()[:4])
    later = corrected(without_other(make_zones()[:4]))
    found = diff_releases(build(zones, tmp_path), build(later, tmp_path, name="FR_V0.2"))
    assert found.transitions == oracle(zones, later)
    assert found.patches.labels == 4
    assert sum(patch.pixels for patch in found.changed) == found.transitions.changed


def test_a_matrix_computed_by_hand(tmp_path: Path) -> None:
    """Left half water, right half deciduous, 200 pixels unlabelled; then the upper quarter is built."""
    zone, later = make_zone(), make_zone()
    for one in (zone, later):
        one.labels[:, :256], one.labels[:, 256:] = 5, 7
        one.labels[500:510, 0:20] = 0
    later.labels[:128] = 1
    found = diff_releases(build([zone], tmp_path), build([later], tmp_path, name="FR_V0.2"))
    assert found.transitions == Transitions(
        {
            ("water", "water"): 384 * 256 - 200,
            ("water", "building"): 128 * 256,
            ("deciduous", "deciduous"): 384 * 256,
            ("deciduous", "building"): 128 * 256,
            (UNLABELLED, UNLABELLED): 200,
        }
    )
    document = found.document()
    assert document["pixels"] == {"changed": 65536, "untold": 0}
    assert document["km2"] == 0.00262144
    assert document["change"], document["least_version"] == ("patch", "0.1.1")


def test_there_and_back_are_transposed(releases: tuple[Release, Release], diff: ReleaseDiff) -> None:
    back = diff_releases(releases[1], releases[0])
    assert back.transitions.reversed() == diff.transitions
    assert (back.added, back.removed) == (diff.removed, diff.added)
    assert (back.patches.added, back.patches.removed) == (diff.patches.removed, diff.patches.added)
    assert {zone.name for zone in back.of_kind("added")} == {zone.name for zone in diff.of_kind("removed")}
    there = {(patch.before, patch.id, patch.pixels) for patch in diff.changed}
    assert {(patch.id, patch.before, patch.pixels) for patch in back.changed} == there


def test_sums_of_the_matrix_are_the_counts_of_both_indexes(
    releases: tuple[Release, Release], diff: ReleaseDiff
) -> None:
    sides = ((diff.transitions.before(), diff.removed), (diff.transitions.after(), diff.added))
    for release, (sums, apart) in zip(releases, sides, strict=True):
        counts = Counter(sums) + Counter(apart)
        card = release.card
        for key, pixels in card["class_pixels"].items():
            if key != "other":
                assert counts[key] == pixels
        open_pixels = sum(counts[key] for key in ("other", UNLABELLED, UNTOLD))
        assert open_pixels == card["class_pixels"]["other"] + card["unlabelled_pixels"]


def test_sums_of_zones_and_patches_are_those_of_the_release(diff: ReleaseDiff) -> None:
    whole = Transitions()
    for zone in diff.zones:
        whole.add(zone.transitions)
        patches = diff.changed.of_zone(zone.after[0]) if zone.after else ()
        assert sum(patch.pixels for patch in patches) == zone.transitions.changed
        assert sum(patch.labels for patch in patches) == zone.patches.labels
    assert whole == diff.transitions
    assert diff.transitions.untold > 0
    assert [patch.pixels for patch in diff.changed] == sorted((p.pixels for p in diff.changed), reverse=True)


def test_zones_that_came_and_went_are_named_with_what_is_on_them(diff: ReleaseDiff) -> None:
    (came,), (went,) = diff.of_kind("added"), diff.of_kind("removed")
    assert (came.after, went.before) == (("D067_2021/Z1_NN",), ("D051_2019/Z16_FF",))
    assert sum(came.added.values()) == sum(went.removed.values()) == 512 * 512
    assert diff.added == came.added
    assert diff.change == Change.MINOR


def test_threads_change_nothing(releases: tuple[Release, Release], diff: ReleaseDiff) -> None:
    calls: list[tuple[int, int]] = []
    with in_threads(3) as threads:
        found = diff_releases(*releases, map=threads, progress=lambda *call: calls.append(call))
    assert told(found) == told(diff)
    assert calls[-1] == (8, 8)
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)


def test_equal_digests_are_not_read(
    releases: tuple[Release, Release], diff: ReleaseDiff, tmp_path: Path
) -> None:
    """Only the labels that changed, of one layout, are needed."""
    changed = {patch.id for patch in diff.changed}
    bare = []
    for release in releases:
        copy = Path(shutil.copytree(release.path, tmp_path / release.name))
        needed = {
            patch.files["flair-hub"]["label"].path for patch in release.patches() if patch.id in changed
        }
        for path in copy.rglob("*.tif"):
            if path.relative_to(copy).as_posix() not in needed:
                path.unlink()
        bare.append(open_release(copy))
    assert told(diff_releases(*bare)) == told(diff)


@pytest.mark.parametrize("layouts", [["flair1"], ["hdf5"], ["shards"], ["shards", "flair-hub=HUB"]])
def test_layouts_change_nothing_but_what_is_said_of_them(
    releases: tuple[Release, Release], diff: ReleaseDiff, tmp_path: Path, layouts: list[str]
) -> None:
    zones = make_zones()
    without_other(zones[:4])
    corrected(zones[:3])
    corrected(zones[4:])
    later = [*zones[:5], make_zone("D067_2021", "Z1_NN", fold=4, east=90, first_number=99)]
    found = diff_releases(releases[0], build(later, tmp_path, name="FR_V0.2", layouts=layouts))
    assert {change.name for change in found.layouts} >= {"flair-hub"}
    assert told(found) | {"layouts": [], "bands": []} == told(diff) | {"bands": []}


def encode_again(path: Path) -> str:
    """Write the same pixels in other bytes; return their digest."""
    pixels, info = read_bands(path), inspect_raster(path)
    path.unlink()
    path.write_bytes(encode_raster(pixels, info.grid, level=1))
    return digest_file(path)


def as_format_1(release: Release, folder: Path, *, encoded_anew: bool = False) -> Release:
    """Return a release as the first workbench would have written it: no digests of pixels."""
    import pyarrow.parquet as pq

    shutil.copytree(release.path, folder)
    table = pq.read_table(folder / "index.parquet")
    if encoded_anew:
        for name in [one for one in table.column_names if f"{one}_sha256" in table.column_names]:
            digests = [encode_again(folder / path) for path in table.column(name).to_pylist()]
            place = table.column_names.index(f"{name}_sha256")
            table = table.set_column(place, f"{name}_sha256", [digests])
    pq.write_table(table.drop_columns(["image_sha256", "label_sha256"]), folder / "index.parquet")
    card = json.loads((folder / "release.json").read_text())
    for name in ("encoding", "version", "parent", "withdrawn", "excluded_patches"):
        del card[name]
    for zone in card["zones"]:
        for name in ("pixels_sha256", "labels_sha256", "views", "time", "place"):
            del zone[name]
    (folder / "release.json").write_text(json.dumps(card | {"format_version": 1}))
    return sealed_again(folder)


@pytest.mark.parametrize("encoded_anew", [False, True])
def test_a_release_of_format_1_tells_the_same(
    releases: tuple[Release, Release], diff: ReleaseDiff, tmp_path: Path, encoded_anew: bool
) -> None:
    old = as_format_1(releases[0], tmp_path / "old", encoded_anew=encoded_anew)
    found = diff_releases(old, releases[1])
    assert found.transitions.moves() == diff.transitions.moves()
    assert found.patches == diff.patches
    assert {patch.id for patch in found.changed} == {patch.id for patch in diff.changed}
    itself = diff_releases(old, releases[0])
    assert (itself.transitions.changed, itself.patches.labels, itself.patches.pictures) == (0, 0, 0)


def test_the_golden_release_of_format_1_can_be_compared(release: Release) -> None:
    old = open_release(GOLDEN)
    found = diff_releases(old, release)
    assert [zone.name for zone in found.of_kind("removed")] == ["D051_2019/Z1_AA"]
    assert diff_releases(old, old).change == Change.NONE


def moved(zone: MadeZone, name: str) -> MadeZone:
    """Return a zone under another name."""
    return replace(zone, source=replace(zone.source, zone=replace(zone.source.zone, name=name)))


def test_a_renamed_zone_is_the_same_ground(tmp_path: Path) -> None:
    zone, later = make_zone(cells=L_SHAPE), moved(make_zone(cells=L_SHAPE), "Z77-XX")
    later.labels[700:710, 700:710] = 3
    found = diff_releases(build([zone], tmp_path), build([later], tmp_path, name="FR_V0.2"))
    (change,) = found.zones
    assert (change.kind, change.before, change.after) == (
        "renamed",
        ("D055_2018/Z2_UF",),
        ("D055_2018/Z77-XX",),
    )
    (patch,) = found.changed
    assert (patch.before, patch.id) == ("D055-2018_Z2--UF_2-2", "D055-2018_Z77-XX_2-2")
    assert found.patches.both == 3
    assert (found.patches.added, found.patches.removed) == (0, 0)
    moves = {move.column for move in change.sets}
    assert "fold" not in moves  # other names, other draws, and the domain's fold


def test_a_zone_cut_in_two_hangs_together_with_both(tmp_path: Path) -> None:
    whole = make_zone(cells=SQUARE)
    left = make_zone(cells=(Cell(row=0, col=0), Cell(row=1, col=0)), name="Z2_UF")
    right = make_zone(cells=ONE, name="Z3_UF", east=1, first_number=7)
    left.labels[:] = whole.labels[:, :512]
    right.labels[:] = whole.labels[:512, 512:]
    found = diff_releases(build([whole], tmp_path), build([left, right], tmp_path, name="FR_V0.2"))
    (change,) = found.zones
    assert change.kind == "re-cut"
    assert change.after == ("D055_2018/Z2_UF", "D055_2018/Z3_UF")
    assert (found.patches.both, found.patches.added, found.patches.removed) == (3, 0, 1)
    assert found.patches.labels == 0
    assert (found.transitions.changed, sum(found.removed.values())) == (0, 512 * 512)


def test_a_name_on_other_ground_is_the_same_zone_cut_anew(tmp_path: Path) -> None:
    found = diff_releases(
        build([make_zone()], tmp_path), build([make_zone(east=40)], tmp_path, name="FR_V0.2")
    )
    (change,) = found.zones
    assert (change.kind, change.patches.both, change.patches.added) == ("re-cut", 0, 1)


def test_the_same_ground_in_another_year_is_another_zone(tmp_path: Path) -> None:
    found = diff_releases(
        build([make_zone("D055_2018")], tmp_path), build([make_zone("D055_2021")], tmp_path, name="FR_V0.2")
    )
    assert [zone.kind for zone in found.zones] == ["removed", "added"]


def test_a_picture_alone_may_change(tmp_path: Path) -> None:
    zone, later = make_zone(), make_zone()
    later.image[3, 9, 9] ^= 1
    first, second = build([zone], tmp_path), build([later], tmp_path, name="FR_V0.2")
    for before in (first, as_format_1(first, tmp_path / "old")):
        found = diff_releases(before, second)
        (patch,) = found.changed
        assert (patch.labels, patch.picture, patch.pixels) == (False, True, 0)
        assert (found.patches.labels, found.patches.pictures) == (0, 1)
        assert found.change == Change.PATCH


def test_sets_and_folds_that_moved_are_counted(tmp_path: Path) -> None:
    first = build([make_zone(cells=L_SHAPE, fold=1)], tmp_path)
    found = diff_releases(first, build([make_zone(cells=L_SHAPE, fold=2)], tmp_path, name="FR_V0.2"))
    assert (found.patches.sets, found.change) == (3, Change.MAJOR)
    (zone,) = found.zones
    moves = {move.column: (move.before, move.after, move.patches) for move in zone.sets}
    assert moves["fold"] == ("1", "2", 3)
    assert moves["split_2"][1:] == ("test", 3)
    assert [fact.name for fact in zone.facts] == ["fold"]


def test_releases_on_other_lattices_are_refused_in_a_sentence(tmp_path: Path) -> None:
    first = build([make_zone(cells=SQUARE)], tmp_path)
    second = build(
        [make_zone(cells=SQUARE)],
        tmp_path,
        name="B",
        layouts=["flair-hub"],
        lattice=parse_lattice("51.2@0.4"),
    )
    with pytest.raises(
        ReleaseError, match=r"FR_V0.1 has patches of 102.4 m at 0.2 m .* B of 51.2 m at 0.4 m"
    ):
        diff_releases(first, second)


def test_a_coarser_lattice_is_compared_as_well(tmp_path: Path) -> None:
    lattice = parse_lattice("51.2@0.4")
    zone, later = make_zone(cells=SQUARE), make_zone(cells=SQUARE)
    later.labels[300:400, 300:500] = 2
    found = [
        build([one], tmp_path, name=name, layouts=["flair-hub"], lattice=lattice)
        for one, name in ((zone, "A"), (later, "B"))
    ]
    diff = diff_releases(*found)
    assert diff.document()["km2"] == pytest.approx(diff.transitions.changed * 0.16 / 1e6)
    assert 0 < diff.transitions.changed <= 5000


def test_damage_is_named_and_never_taken_for_a_change(
    releases: tuple[Release, Release], diff: ReleaseDiff, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(releases[1].path, tmp_path / "FR_V0.2"))
    (patch,) = (one for one in releases[1].patches() if one.id == next(iter(diff.changed)).id)
    path = copy / patch.files["flair-hub"]["label"].path
    values = np.full((512, 512), 3, np.uint8)
    path.write_bytes(encode_raster(values, patch.grid))
    with pytest.raises(ReleaseError, match=f"{path.name} has other content; run: workbench release verify"):
        diff_releases(releases[0], open_release(copy))


def with_classes(release: Release, folder: Path, change: Any) -> Release:
    """Return a release whose nomenclature is another one."""
    shutil.copytree(release.path, folder)
    document = json.loads((folder / "nomenclature.json").read_text())
    change(document)
    (folder / "nomenclature.json").write_text(json.dumps(document))
    card = json.loads((folder / "release.json").read_text())
    card["nomenclature"] = {"name": document["name"], "version": document["version"]}
    (folder / "release.json").write_text(json.dumps(card))
    return sealed_again(folder)


def test_codes_that_change_hands_are_told_by_key(tmp_path: Path) -> None:
    """Codes, and numbers in every scheme, of two classes swapped: equal digests mean other classes."""

    def swap(document: dict[str, Any]) -> None:
        document["version"] = "2.0.0"
        entries = {entry["key"]: entry for entry in document["classes"]}
        water, snow = entries["water"], entries["snow"]
        for name in ("code", "values"):
            water[name], snow[name] = snow[name], water[name]

    zone = make_zone()
    zone.labels[:] = 5
    zone.labels[:100] = 14
    zone.labels[100:110] = 6
    before = build([zone], tmp_path)
    after = with_classes(before, tmp_path / "B", swap)
    rename_columns(after, {"pixels_water": "pixels_snow", "pixels_snow": "pixels_water"})
    found = diff_releases(before, sealed_again(after.path))
    assert found.transitions == Transitions(
        {
            ("water", "snow"): 402 * 512,
            ("snow", "water"): 100 * 512,
            ("coniferous", "coniferous"): 10 * 512,
        }
    )
    assert found.nomenclature.recoded == ("water", "snow")
    assert found.nomenclature.renumbered == ("water", "snow")
    assert found.change == Change.MAJOR


def rename_columns(release: Release, names: dict[str, str]) -> None:
    import pyarrow.parquet as pq

    path = release.path / "index.parquet"
    table = pq.read_table(path)
    pq.write_table(table.rename_columns([names.get(one, one) for one in table.column_names]), path)


def test_codes_that_only_change_their_number_change_no_label(tmp_path: Path) -> None:
    def renumber(nomenclature: Nomenclature) -> Nomenclature:
        codes = {"water": 105}
        classes = tuple(
            replace(entry, code=codes.get(entry.key, entry.code)) for entry in nomenclature.classes
        )
        return replace(nomenclature, version="1.1.0", classes=classes)

    zone, later = make_zone(), make_zone()
    later.labels[later.labels == 5] = 105
    before = build([zone], tmp_path)
    after = build([later], tmp_path, name="FR_V0.2", nomenclature=renumber(FLAIR))
    assert codes_digest(zone.labels) != codes_digest(later.labels)
    found = diff_releases(before, after)
    assert (found.transitions.changed, found.patches.labels) == (0, 0)
    assert (found.nomenclature.recoded, found.nomenclature.before) == (("water",), "flair-19 1.0.0")


def test_two_patches_on_one_ground_are_refused(releases: tuple[Release, Release], tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    copy = Path(shutil.copytree(releases[0].path, tmp_path / "A"))
    table = pq.read_table(copy / "index.parquet")
    pq.write_table(pa.concat_tables([table, table]).sort_by("zone"), copy / "index.parquet")
    with pytest.raises(ReleaseError, match="two patches of domain D036_2020 show the same ground"):
        diff_releases(sealed_again(copy), releases[1])
    pq.write_table(table.take(list(range(len(table)))[::-1]), copy / "index.parquet")
    with pytest.raises(ReleaseError, match="is no index of patches"):
        diff_releases(sealed_again(copy), releases[1])
