from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from made_zones import (
    L_SHAPE,
    ONE,
    MadeZone,
    build,
    changed,
    file_bytes,
    make_zone,
    make_zones,
    run_apart,
    watched,
)

from workbench.errors import ReleaseError
from workbench.export.building import build_release
from workbench.export.checks import verify_release
from workbench.export.layouts import FlairHub
from workbench.export.patches import ZoneSource
from workbench.export.release import Release, open_release
from workbench.export.staging import Staging
from workbench.geo.grid import PixelGrid
from workbench.nomenclature import load_nomenclature


def test_release_holds_every_cell_of_every_footprint_once(release: Release, zones: list[MadeZone]) -> None:
    patches = release.patches()
    assert [(p.zone, p.row - 1, p.col - 1, p.number) for p in patches] == [
        (zone.source.zone.id, cell.row, cell.col, number)
        for zone in sorted(zones, key=lambda zone: zone.source.zone.id)
        for cell, number in zip(zone.source.zone.cells, zone.source.numbers, strict=True)
    ]
    l_shaped = [p.id for p in patches if p.zone == "D055_2018/Z2_UF"]
    assert l_shaped == [f"D055-2018_Z2--UF_{place}" for place in ("1-1", "1-2", "2-2")]
    for layout, folder in (("flair-hub", "FLAIR-HUB"), ("flair1", "FLAIR1")):
        listed = {path for p in patches for path in (one.path for one in p.files[layout].values())}
        found = {path.relative_to(release.path).as_posix() for path in (release.path / folder).rglob("*.tif")}
        assert listed == found


def test_opened_release_gives_back_images_labels_and_counts(release: Release, zones: list[MadeZone]) -> None:
    by_id = {zone.source.zone.id: zone for zone in zones}
    for patch in open_release(str(release.path)).patches():
        zone = by_id[patch.zone]
        codes = zone.labels[patch.window.slices]
        shown = np.where(codes == 0, 19, codes)
        for layout, bands in (("flair-hub", 4), ("flair1", 5)):
            np.testing.assert_array_equal(
                release.image(patch, layout=layout), zone.image[:bands, *patch.window.slices]
            )
            np.testing.assert_array_equal(release.labels(patch, layout=layout), shown)
        for entry in release.nomenclature.classes:
            assert patch.class_counts[entry.key] == np.count_nonzero(codes == entry.code)
        assert patch.unlabelled == np.count_nonzero(codes == 0) == 200


def test_card_sums_up_the_release_and_warns_of_what_is_thin(release: Release, zones: list[MadeZone]) -> None:
    card = release.card
    assert card["counts"] == {
        "domains": 3,
        "zones": 6,
        "patches": 8,
        "pixels": 8 * 512 * 512,
        "area_km2": 0.083886,
    }
    codes = np.concatenate(
        [z.labels[w.slices].ravel() for z in zones for _, w in z.source.zone.patch_windows()]
    )
    assert card["class_pixels"]["building"] == np.count_nonzero(codes == 1)
    assert card["unlabelled_pixels"] == 8 * 200
    assert card["zones"][0]["heads"] == {"person-1f0a": 12}
    for column, sizes in card["splits"]["columns"].items():
        assert sum(sizes.values()) == 8
        empty = [name for name, size in sizes.items() if not size and (column, name) != ("prod", "test")]
        warned = [w["message"] for w in card["warnings"] if w["message"].startswith(f"{column} has no patch")]
        assert bool(empty) == bool(warned), column
    assert {w["kind"] for w in card["warnings"]} == {"empty-set", "unlabelled", "metadata"}


def test_same_ground_of_two_domains_in_different_sets_is_warned_of(tmp_path: Path) -> None:
    zones = [
        make_zone("D055_2018", fold=1, cells=L_SHAPE),
        make_zone("D055_2021", fold=2, east=1, first_number=11),
    ]
    (message,) = [w["message"] for w in build(zones, tmp_path).card["warnings"] if w["kind"] == "same-ground"]
    assert message.startswith("zones D055_2018/Z2_UF and D055_2021/Z2_UF show the same ground")
    assert "split_1, split_2" in message


def test_two_builds_are_byte_identical_in_other_processes_orders_and_threads(
    release: Release, zones: list[MadeZone], tmp_path: Path
) -> None:
    body = "build(make_zones()[::-1], Path(sys.argv[2]))"
    apart = run_apart(body, str(tmp_path), "apart", TZ="Asia/Tokyo", PYTHONHASHSEED="7", LC_ALL="C")
    assert apart.wait() == 0
    with ThreadPoolExecutor(2) as pool:
        threaded = build(zones, tmp_path / "threaded", map=pool.map)
    first = file_bytes(release.path)
    assert len(first) == 2 * 2 * 8 + 5 + 4 + 5
    for other in (tmp_path / "apart" / release.name, threaded.path):
        again = file_bytes(other)
        assert first.keys() == again.keys()
        assert [name for name in first if first[name] != again[name]] == []


def test_name_and_software_do_not_change_the_content_digest_and_one_label_does(
    release: Release, tmp_path: Path
) -> None:
    renamed = build(make_zones(), tmp_path, name="FR_V0.2", software="9.9.9")
    assert renamed.card["content_sha256"] == release.card["content_sha256"]
    zones = make_zones()
    zones[0].labels[300, 300] = zones[0].labels[300, 300] % 19 + 1
    other = build(zones, tmp_path / "other")
    assert other.card["content_sha256"] != release.card["content_sha256"]


def test_same_content_under_the_same_name_is_kept(zones: list[MadeZone], damaged: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in damaged.rglob("*")}
    kept = build(zones, damaged.parent, software="0.1.1")
    assert kept.reused
    assert "is there already" in kept.text()
    assert {path: path.stat().st_mtime_ns for path in damaged.rglob("*")} == before
    assert list(damaged.parent.iterdir()) == [damaged]


def test_other_content_under_the_same_name_is_refused_and_changes_nothing(damaged: Path) -> None:
    zones, before = make_zones(), file_bytes(damaged)
    zones[4].labels[100, 100] = zones[4].labels[100, 100] % 19 + 1
    with pytest.raises(
        ReleaseError, match=r"other content \(first FLAIR-HUB/D051-2019_AERIAL_LABEL.*another name"
    ):
        build(zones, damaged.parent)
    assert file_bytes(damaged) == before
    assert list(damaged.parent.iterdir()) == [damaged]


def test_same_content_that_was_damaged_since_is_not_called_the_same(
    zones: list[MadeZone], damaged: Path
) -> None:
    (damaged / "nomenclature.json").write_text("{}")
    with pytest.raises(ReleaseError, match=r"is damaged \(nomenclature\.json: .*move it away"):
        build(zones, damaged.parent)


def test_folder_that_is_no_release_is_left_alone(zones: list[MadeZone], tmp_path: Path) -> None:
    (tmp_path / "FR_V0.1").mkdir()
    (tmp_path / "FR_V0.1" / "thesis.odt").write_text("years of work")
    with pytest.raises(ReleaseError, match="exists and is no release"):
        build(zones, tmp_path)
    assert file_bytes(tmp_path) == {"FR_V0.1/thesis.odt": b"years of work"}


def shifted(zone: MadeZone) -> MadeZone:
    grid = zone.source.zone.grid
    moved = PixelGrid(
        crs=grid.crs, transform=grid.transform @ Affine.translation(3, 0), height=512, width=512
    )
    return changed(zone, zone=replace(zone.source.zone, grid=moved))


def one() -> MadeZone:
    return make_zone()


REFUSED: dict[str, tuple[Callable[[], list[MadeZone]], dict[str, Any], str]] = {
    "no zone": (list, {}, "there is no accepted zone"),
    "zone not accepted": (
        lambda: [make_zone(state="submitted"), make_zone("D036_2020", fold=2, east=5, first_number=9)],
        {},
        r"zone D055_2018/Z2_UF \(submitted\) is not accepted; review first",
    ),
    "several zones not accepted": (
        lambda: [make_zone(state="open"), make_zone(name="Z3_UU", east=5, first_number=9, state="sent_back")],
        {},
        r"zones D055_2018/Z2_UF \(open\), D055_2018/Z3_UU \(sent_back\) are not accepted",
    ),
    "same ground twice": (
        lambda: [make_zone(cells=L_SHAPE), make_zone(name="Z3_UU", east=1, first_number=9)],
        {},
        "zones D055_2018/Z2_UF and D055_2018/Z3_UU share 1 patch cell;",
    ),
    "names that differ by case": (
        lambda: [one(), make_zone(name="z2_uf", east=9, first_number=9)],
        {},
        "D055_2018/Z2_UF, D055_2018/z2_uf have the same name but for its case",
    ),
    "number used twice": (
        lambda: [one(), make_zone(name="Z3_UU", east=9)],
        {},
        "patch numbers 1 are used twice",
    ),
    "too few numbers": (lambda: [changed(one(), numbers=())], {}, "has 1 patch and 0 numbers"),
    "fold that is none": (lambda: [make_zone(fold=6)], {}, "zone D055_2018/Z2_UF is in no fold of 1–5"),
    "domain in two folds": (
        lambda: [one(), make_zone(name="Z3_UU", fold=2, east=9, first_number=9)],
        {},
        "domains in several folds: D055_2018",
    ),
    "no elevation for FLAIR#1": (
        lambda: [make_zone(bands=("R", "G", "B", "NIR"))],
        {},
        "flair1 needs the bands R, G, B, NIR, E, which D055_2018/Z2_UF lack; build with --layout flair-hub",
    ),
    "no near infrared": (
        lambda: [make_zone(bands=("R", "G", "B"))],
        {"layouts": ("flair-hub",)},
        "layout flair-hub needs the bands R, G, B, NIR, which D055_2018/Z2_UF lack; add the zones again",
    ),
    "zone off the patch grid": (lambda: [shifted(one())], {}, "starts 0 rows and 509 columns off a patch"),
    "code of no class": (
        lambda: [changed(one(), labels=lambda: np.full((512, 512), 77, dtype=np.uint8))],
        {},
        r"labels of patch D055-2018_Z2--UF_1-1: unknown value 77 in 262,144 pixels, first at \(row 0, "
        r"col 0\)",
    ),
    "labels of another size": (
        lambda: [changed(one(), labels=lambda: np.ones((512, 511), dtype=np.uint8))],
        {},
        r"labels of zone D055_2018/Z2_UF are uint8 of shape \(512, 511\)",
    ),
    "orthophoto of 16 bits": (
        lambda: [changed(one(), image=lambda _: np.ones((5, 512, 512), dtype=np.uint16))],
        {},
        "the orthophoto of patch D055-2018_Z2--UF_1-1 has uint16 pixels",
    ),
    "unknown layout": (lambda: [one()], {"layouts": ("flair3",)}, "layout 'flair3' is unknown; choose from"),
    "layout named twice": (lambda: [one()], {"layouts": ("flair1", "flair1=B")}, "flair1 is named twice"),
    "layouts in one folder": (lambda: [one()], {"layouts": ("flair1=A", "flair-hub=a")}, "a is named twice"),
    "folder of a layout that is taken": (
        lambda: [one()],
        {"layouts": ("flair1=License",)},
        "'License' is a file or folder of every release, or of its publication",
    ),
    "folder of a layout outside": (lambda: [one()], {"layouts": ("flair1=../x",)}, r"folder '\.\./x' is not"),
}


@pytest.mark.parametrize("folder", ["", "FLAIR1", "FLAIR1/new"])
def test_nothing_is_built_into_a_release(folder: str, release: Release) -> None:
    with pytest.raises(ReleaseError, match=r"lies in .*, which never changes; choose a folder beside it"):
        build([one()], release.path / folder, name="OTHER")
    assert verify_release(release.path).sound


@pytest.mark.parametrize("case", REFUSED)
def test_refusal_is_one_sentence_and_leaves_nothing(case: str, tmp_path: Path) -> None:
    make, options, sentence = REFUSED[case]
    with pytest.raises(ReleaseError, match=sentence) as refusal:
        build(make(), tmp_path / "new" / "releases", **options)
    assert "\n" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "a\\b",
        "../a",
        "FR V1",
        ".FR",
        "FR.",
        "FR..1",
        "-o",
        "con",
        "NUL.1",
        "é",
        "a" * 65,
        "a\n",
        "x_AERIAL_LABEL-COSIA",
    ],
)
def test_name_that_is_no_plain_folder_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="cannot name a release"):
        build([one()], tmp_path, name=name)
    assert list(tmp_path.iterdir()) == []


def test_release_cannot_be_put_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "releases").write_text("")
    with pytest.raises(ReleaseError, match="is no folder to write in"):
        build([one()], tmp_path / "releases")


def test_full_disk_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def fill_up(path: Path, content: bytes) -> int:
        if "MSK" in path.name:
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(ReleaseError, match=r"releases cannot be written \(No space left on device\)"):
        build([one()], tmp_path / "releases")
    assert list(tmp_path.iterdir()) == []


def test_failure_of_a_source_in_mid_build_leaves_nothing(tmp_path: Path) -> None:
    zone = make_zone(cells=L_SHAPE)
    calls = []

    def fail_late(window: Any) -> Any:
        calls.append(window)
        if len(calls) == 3:
            raise RuntimeError("the drive was pulled out")
        return zone.source.image(window)

    with pytest.raises(RuntimeError):
        build([changed(zone, image=fail_late)], tmp_path)
    assert len(calls) == 3
    assert list(tmp_path.iterdir()) == []


def test_killed_build_leaves_no_release_and_the_next_one_cleans_up(tmp_path: Path) -> None:
    body = "build([make_zone(cells=L, wait=lambda: time.sleep(0.4))], Path(sys.argv[1]))".replace(
        "L,", "__import__('made_zones').L_SHAPE,"
    )
    builder = run_apart(body, str(tmp_path))
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".FR_V0.1-*/FLAIR1/*/*/*/img/*.tif")) and time.monotonic() < deadline:
        time.sleep(0.02)
    builder.send_signal(signal.SIGKILL)
    assert builder.wait() == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".FR_V0.1-")
    release = build([make_zone(cells=L_SHAPE)], tmp_path)
    assert list(tmp_path.iterdir()) == [release.path]
    assert verify_release(release.path).sound


def killed_in_the_last_zone(tmp_path: Path) -> Path:
    """Have a build killed in the last of six zones; return what it left."""
    kill = (
        "import dataclasses, os, signal\n"
        "stop = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "*zones, last = sorted(make_zones(), key=lambda zone: zone.source.zone.id)\n"
        "last = dataclasses.replace(last, source=dataclasses.replace(last.source, image=stop))\n"
        "build([*zones, last], Path(sys.argv[1]))"
    )
    assert run_apart(kill, str(tmp_path)).wait() == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    return left


def test_build_that_was_killed_goes_on_and_has_the_same_bytes(
    release: Release, zones: list[MadeZone], tmp_path: Path
) -> None:
    left = killed_in_the_last_zone(tmp_path)
    written = {path: path.stat().st_ino for path in left.rglob("*.tif")}
    assert len(written) == 4 * 7, "seven of eight patches, two files in each of two layouts"
    looked_at: list[str] = []
    again = build(watched(zones, looked_at), tmp_path)
    assert looked_at == ["D055_2018/Z3-AU"]
    assert file_bytes(again.path) == file_bytes(release.path)
    kept = {again.path / path.relative_to(left): inode for path, inode in written.items()}
    assert {path: path.stat().st_ino for path in kept} == kept
    assert list(tmp_path.iterdir()) == [again.path]


def test_build_that_goes_on_takes_nothing_that_is_damaged_or_of_other_labels(
    zones: list[MadeZone], tmp_path: Path
) -> None:
    left = killed_in_the_last_zone(tmp_path)
    damaged = next(left.glob("FLAIR1/*/D036_2020/Z9_NN/img/*.tif"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    other = make_zones()
    other[4].labels[300, 300] = other[4].labels[300, 300] % 19 + 1
    again = build(other, tmp_path / "again")
    gone_on = build(other, tmp_path)
    assert file_bytes(gone_on.path) == file_bytes(again.path)
    assert verify_release(gone_on.path).sound


def test_build_that_goes_on_with_fewer_zones_leaves_nothing_of_the_others(
    zones: list[MadeZone], tmp_path: Path
) -> None:
    killed_in_the_last_zone(tmp_path)
    few = build(zones[:3], tmp_path)
    assert file_bytes(few.path) == file_bytes(build(zones[:3], tmp_path / "anew").path)
    assert not any(path.is_dir() and not any(path.iterdir()) for path in few.path.rglob("*"))


def test_interrupted_build_is_left_to_the_next_one(tmp_path: Path) -> None:
    zone = make_zone(cells=L_SHAPE)

    def interrupt(window: Any) -> Any:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build([changed(zone, image=interrupt)], tmp_path)
    assert [path.name.startswith(".FR_V0.1-") for path in tmp_path.iterdir()] == [True]
    release = build([zone], tmp_path)
    assert list(tmp_path.iterdir()) == [release.path]


def test_folder_that_another_builder_fills_is_not_taken_for_an_abandoned_one(tmp_path: Path) -> None:
    target = tmp_path / "FR_V0.1"
    with Staging.beside(target) as first:
        (first.path / "a").write_text("first")
        with Staging.beside(target) as second:
            assert first.path.is_dir()
            (second.path / "b").write_text("second")
            assert second.publish()
        assert not first.publish()
    assert file_bytes(tmp_path) == {"FR_V0.1/b": b"second"}


def test_progress_counts_every_patch(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    build([make_zone(cells=L_SHAPE)], tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_layout_alone_and_its_folder_can_be_chosen(tmp_path: Path) -> None:
    four = [make_zone(bands=("NIR", "R", "G", "B"))]
    release = build(four, tmp_path, layouts=[FlairHub(root="FLAIR-HUB_TOY")])
    (patch,) = release.patches()
    assert patch.files["flair-hub"]["image"].path.startswith("FLAIR-HUB_TOY/D055-2018_AERIAL_RGBI/Z2--UF/")
    # Bands are taken by name, whatever their order in the orthophoto.
    np.testing.assert_array_equal(release.image(patch), four[0].image[[1, 2, 3, 0]])
    assert not (release.path / "FLAIR1").exists()
    assert verify_release(release.path).sound
    with pytest.raises(ReleaseError, match="has no layout 'flair1'"):
        release.image(patch, layout="flair1")


def test_float_noise_of_an_orthophoto_does_not_reach_the_patches(tmp_path: Path) -> None:
    zone = one()
    noisy = Affine(0.1999999999999995, 0.0, 831081.60000001, 0.0, -0.1999999999999995, 6829179.2)
    grid = PixelGrid(crs="EPSG:2154", transform=noisy, height=512, width=512)
    (patch,) = build([changed(zone, zone=replace(zone.source.zone, grid=grid))], tmp_path).patches()
    assert tuple(patch.grid.transform)[:6] == (0.2, 0.0, 831081.6, 0.0, -0.2, 6829179.2)


def test_unknown_date_of_a_zone_stays_unknown(tmp_path: Path) -> None:
    release = build([make_zone(acquired=None, cells=ONE)], tmp_path)
    (patch,) = release.patches()
    assert (patch.acquired, patch.camera, patch.theme) == (None, None, "UF")
    metadata = json.loads((release.path / "FLAIR1/flair_aerial_metadata.json").read_text())
    assert metadata["IMG_000001"]["date"] is None


def test_sources_may_come_as_an_iterator(tmp_path: Path) -> None:
    chosen: ZoneSource = one().source
    release = build_release(
        iter([chosen]),
        name="FR_V0.1",
        out=tmp_path,
        nomenclature=load_nomenclature("flair-19"),
        software="0.1.0",
    )
    assert len(release.patches()) == 1


def test_hidden_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".FR_V0.1-keepsake").mkdir()
    build([one()], tmp_path)
    assert (tmp_path / ".FR_V0.1-keepsake").is_dir()
