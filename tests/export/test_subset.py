"""A part of a release is a release: as if it had been built so, and without a word of what is withheld."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas
import pyarrow.parquet as pq
import pytest
from made_zones import MadeZone, build, file_bytes, make_zone, make_zones
from test_modalities import with_views
from test_read_as_flair_two_does import with_series

from workbench.errors import ReleaseError
from workbench.export import subset_release, verify_release
from workbench.export.cutting import check_taken
from workbench.export.layouts import with_modalities
from workbench.export.layouts.flair_hub import FlairHub
from workbench.export.layouts.hdf5 import Hdf5
from workbench.export.release import Release, open_release
from workbench.export.rules import ASKS
from workbench.export.sealing import KEY, SEAL
from workbench.export.subset import Subset
from workbench.export.wanted import Wanted
from workbench.export.withdrawing import release_without
from workbench.threads import in_threads

ALL = ["flair-hub", "flair1", "hdf5", "shards"]
TESTED = ("D055_2018/Z2_UF", "D055_2018/Z3-AU")
"""The zones of fold 1."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release in all layouts; tests must not change it."""
    return build(make_zones(), tmp_path_factory.mktemp("whole"), layouts=ALL)


@pytest.fixture(scope="module")
def challenge(whole: Release, tmp_path_factory: pytest.TempPathFactory) -> Subset:
    """The release with the labels of its test withheld; tests must not change it."""
    out = tmp_path_factory.mktemp("challenge")
    return subset_release(whole, name="CHALLENGE", out=out, wanted=Wanted(), withhold_test=True)


def taken(parent: Release, out: Path, **chosen: Any) -> Release:
    return subset_release(parent, name="PART", out=out, wanted=Wanted.parse(**chosen)).release


CHOICES: dict[str, tuple[dict[str, Any], Callable[[MadeZone], bool]]] = {
    "a domain": ({"domains": ["D051_2019"]}, lambda made: made.source.zone.domain == "D051_2019"),
    "zones": (
        {"zones": ["D055_2018/Z2_UF", "D036_2020/Z9_NN"]},
        lambda made: made.source.zone.id in {"D055_2018/Z2_UF", "D036_2020/Z9_NN"},
    ),
    "a domain and a zone of another": (
        {"domains": ["D051_2019"], "zones": ["D055_2018/Z3-AU"]},
        lambda made: made.source.zone.domain == "D051_2019" or made.source.zone.id == "D055_2018/Z3-AU",
    ),
    "a set": ({"sets": ["split_2"]}, lambda made: made.source.fold == 2),
    "sets": (
        {"sets": ["split_1:train", "split_1:valid"]},
        lambda made: made.source.fold != 1,
    ),
    "all": ({}, lambda made: True),
}


@pytest.mark.parametrize("case", CHOICES)
def test_subset_has_the_content_of_a_build_of_its_zones(case: str, whole: Release, tmp_path: Path) -> None:
    chosen, is_in = CHOICES[case]
    part = taken(whole, tmp_path / "part", **chosen)
    built = build([made for made in make_zones() if is_in(made)], tmp_path / "built", layouts=ALL)
    assert verify_release(part.path).sound
    assert part.card["content_sha256"] == built.card["content_sha256"]
    ours, theirs = file_bytes(part.path), file_bytes(built.path)
    about = {"README.md", "release.json", "SHA256SUMS"}
    assert {name for name in ours if ours[name] != theirs.get(name)} == about
    same = {key for key in built.card if part.card.get(key) == built.card[key]}
    assert set(built.card) - same <= {"name", "rules", "warnings"}
    of_rules = [one for one in built.card["warnings"] if one["kind"] in ASKS]
    assert part.card["warnings"] == [one for one in built.card["warnings"] if one not in of_rules]
    assert part.card["subset"]["of"] == whole.name


@pytest.mark.parametrize("layouts", [["flair1"], ["shards", "hdf5"]])
def test_layouts_can_be_chosen(layouts: list[str], whole: Release, tmp_path: Path) -> None:
    part = taken(whole, tmp_path / "part", layouts=layouts, domains=["D036_2020"])
    zones = [made for made in make_zones() if made.source.zone.domain == "D036_2020"]
    kept = [name for name in ALL if name in layouts]
    built = build(zones, tmp_path / "built", layouts=kept)
    assert verify_release(part.path).sound
    assert part.card["content_sha256"] == built.card["content_sha256"]


def test_modalities_can_be_chosen_and_what_stays_is_as_it_was(tmp_path: Path) -> None:
    views = ("elevation", "parcels", "sentinel2")
    zones = [with_views(made, views) for made in make_zones()[:3]]
    layouts = [with_modalities(one, views) for one in (FlairHub(), Hdf5())]
    parent = build(zones, tmp_path / "whole", layouts=layouts)
    part = taken(parent, tmp_path, modalities=["elevation"])
    report = verify_release(part.path)
    assert report.sound, report.text()
    assert [one.modalities for one in part.layouts] == [("image", "label", "elevation")] * 2
    for before, after in zip(parent.patches(), part.patches(), strict=True):
        for layout in ("flair-hub", "hdf5"):
            ours, theirs = (one.view(before, "elevation", layout=layout) for one in (part, parent))
            np.testing.assert_array_equal(ours, theirs)
        assert after.dates == before.dates
    with h5py.File(part.path / "HDF5/D055_2018.h5") as file:
        assert set(file) == {"id", "transform", "image", "label", "elevation"}
    bare = subset_release(parent, name="BARE", out=tmp_path, wanted=Wanted(modalities=())).release
    assert [one.modalities for one in bare.layouts] == [("image", "label")] * 2
    assert verify_release(bare.path).sound


def test_series_around_zones_come_along(tmp_path: Path) -> None:
    parent = build([with_series(made) for made in make_zones()], tmp_path / "whole", layouts=["flair2"])
    part = taken(parent, tmp_path, zones=["D055_2018/Z2_UF"])
    series = sorted(path.name for path in part.path.rglob("SEN2_*"))
    assert series == [f"SEN2_sp_D055_2018_Z2_UF_{what}" for what in ("data.npy", "masks.npy", "products.txt")]
    assert verify_release(part.path).sound


def test_files_are_those_of_the_parent_and_it_is_not_touched(whole: Release, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.path.rglob("*")}
    part = taken(whole, tmp_path, domains=["D055_2018"])
    linked = list(part.path.rglob("*.tif"))
    assert len(linked) == 4 * 4
    assert all(path.samefile(whole.path / path.relative_to(part.path)) for path in linked)
    assert {path: path.stat().st_mtime_ns for path in whole.path.rglob("*")} == before


def test_nothing_is_made_inside_a_release(whole: Release) -> None:
    with pytest.raises(ReleaseError, match="which never changes; choose a folder beside it"):
        taken(whole, whole.path / "FLAIR1")
    with pytest.raises(ReleaseError, match="which never changes; choose a folder beside it"):
        release_without(whole, TESTED[:1], reason="consent", name="NEXT", out=whole.path)
    assert verify_release(whole.path).sound


def test_readme_says_of_the_card_what_is_in_it(whole: Release, tmp_path: Path) -> None:
    told = "what the release was held against"
    assert told in (whole.path / "README.md").read_text()
    part = taken(whole, tmp_path, domains=["D051_2019"])
    assert "rules" not in part.card
    assert told not in (part.path / "README.md").read_text()


def test_seal_that_was_changed_is_not_said_to_be_missing(challenge: Subset, tmp_path: Path) -> None:
    path = Path(shutil.copytree(challenge.release.path, tmp_path / "CHALLENGE"))
    with (path / SEAL).open("a") as file:
        file.write("x")
    told = [one.message for one in verify_release(path).problems if one.kind == "seal"]
    assert told == ["is another one than was made: nobody can prove what is withheld"]
    (path / SEAL).unlink()
    told = [one.message for one in verify_release(path).problems if one.kind == "seal"]
    assert told == ["is missing: nobody can prove what is withheld"]


def test_same_subset_again_is_reused_and_another_one_is_refused(whole: Release, tmp_path: Path) -> None:
    first = taken(whole, tmp_path, domains=["D055_2018"])
    before = file_bytes(tmp_path)
    assert not first.reused
    assert taken(whole, tmp_path, domains=["D055_2018"]).reused
    with pytest.raises(ReleaseError, match="exists with other content"):
        taken(whole, tmp_path, domains=["D036_2020"])
    assert file_bytes(tmp_path) == before


def test_warning_of_shared_ground_stays_where_both_zones_do(tmp_path: Path) -> None:
    zones = [make_zone(), make_zone("D055_2021", fold=2, first_number=9)]
    zones += [make_zone("D036_2020", fold=3, first_number=20, east=9)]
    parent = build(zones, tmp_path / "whole")
    kinds = [
        [one["kind"] for one in taken(parent, tmp_path / str(number), domains=domains).card["warnings"]]
        for number, domains in enumerate([["D055_2018", "D055_2021"], ["D055_2018", "D036_2020"]])
    ]
    assert [("same-ground" in one) for one in kinds] == [True, False]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no such domain": ({"domains": ["D001_2020"]}, "has no domain D001_2020; it has 3, such as D036_2020"),
    "no such zone": ({"zones": ["Z2_UF"]}, "has no zone Z2_UF; it has 6, such as D036_2020/Z2_UF"),
    "no zone in the set": ({"sets": ["split_5"]}, r"has no zone that is in split_5:test; choose others"),
    "no such set": ({"sets": ["split_1:tests"]}, "'split_1:tests' is no set of patches"),
    "layout that is not there": (
        {"layouts": ["flair2"]},
        "has no layout 'flair2'; choose from flair-hub, flair1",
    ),
    "modality that is not there": ({"modalities": ["spot"]}, "has no spot in flair-hub, flair1"),
    "no such modality": ({"modalities": ["sopt"]}, "modality 'sopt' is unknown"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_there_is_refused_and_leaves_nothing(case: str, whole: Release, tmp_path: Path) -> None:
    chosen, told = REFUSED[case]
    with pytest.raises(ReleaseError, match=told) as refusal:
        taken(whole, tmp_path / "new", **chosen)
    assert "\n" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["index.parquet", "FLAIR1/*/D055_2018/Z2_UF/msk/*.tif", "HDF5/D055_2018.h5"])
def test_damaged_parent_is_named_and_leaves_nothing(name: str, whole: Release, tmp_path: Path) -> None:
    damaged = open_release(Path(shutil.copytree(whole.path, tmp_path / whole.name)))
    path = next(damaged.path.glob(name))
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    with pytest.raises(ReleaseError, match=rf"{path.name} (is not what its release says|has other content)"):
        taken(damaged, tmp_path / "out", zones=["D055_2018/Z2_UF"])
    assert not (tmp_path / "out").exists()


def test_threads_that_are_still_at_work_leave_nothing_of_a_refused_subset(
    whole: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = open_release(Path(shutil.copytree(whole.path, tmp_path / whole.name)))
    (damaged.path / damaged.patches()[0].files["flair-hub"]["image"].path).write_bytes(b"damaged")

    def slowly(*arguments: Any, **options: Any) -> None:
        check_taken(*arguments, **options)
        time.sleep(0.1)

    monkeypatch.setattr("workbench.export.cutting.check_taken", slowly)
    with in_threads(4) as threads, pytest.raises(ReleaseError, match="is not what its release says"):
        subset_release(damaged, name="S", out=tmp_path / "out", wanted=Wanted(), map=threads)
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="files have no mode there")
def test_nobody_else_may_read_the_key(challenge: Subset) -> None:
    assert challenge.sealed is not None
    assert (challenge.sealed.path / KEY).stat().st_mode & 0o777 == 0o600


def test_withheld_labels_are_sound_apart_and_prove_each_other(challenge: Subset, whole: Release) -> None:
    assert challenge.sealed is not None
    report = verify_release(challenge.release.path, sealed=challenge.sealed.path)
    assert report.sound, report.text()
    assert report.text().endswith(
        f"labels of 4 patches are withheld\n{challenge.sealed.path} is what was sealed"
    )
    assert verify_release(challenge.sealed.path).sound
    assert challenge.release.card["withheld"] == {
        "split": "split_1",
        "zones": 2,
        "patches": 4,
        "sealed": "CHALLENGE-SEALED",
    }
    assert [patch.zone for patch in challenge.release.patches() if patch.withheld] == [
        *[TESTED[0]] * 3,
        TESTED[1],
    ]
    assert {patch.zone for patch in challenge.sealed.patches()} == set(TESTED)
    truth = {patch.id: whole.labels(patch) for patch in whole.patches()}
    for patch in challenge.sealed.patches():
        np.testing.assert_array_equal(challenge.sealed.labels(patch), truth[patch.id])
    for patch in challenge.release.patches():
        for layout in ALL:
            np.testing.assert_array_equal(
                challenge.release.image(patch, layout=layout), whole.image(patch, layout=layout)
            )
        if patch.withheld:
            with pytest.raises(ReleaseError, match=r"withholds the labels of patch .* in CHALLENGE-SEALED"):
                challenge.release.labels(patch)
        else:
            np.testing.assert_array_equal(challenge.release.labels(patch), truth[patch.id])


def test_seal_can_be_proved_with_standard_tools(challenge: Subset) -> None:
    assert challenge.sealed is not None
    lines = (challenge.release.path / SEAL).read_text().splitlines()
    named = dict(reversed(line.split("  ", 1)) for line in lines)
    assert "index.parquet" in named
    assert len([path for path in named if "/msk/" in path or "LABEL-COSIA" in path]) == 2 * 4
    for path, said in named.items():
        command = f"cat {KEY} '{path}' | sha256sum"
        done = subprocess.run(command, shell=True, cwd=challenge.sealed.path, capture_output=True, check=True)
        assert done.stdout.decode().split()[0] == said


def label_bytes(tmp_path: Path, code: int) -> list[bytes]:
    """Return all that a release has of a zone whose every pixel is of one class."""
    made = make_zone()
    made.labels[:] = code
    release = build([made], tmp_path, layouts=["flair-hub", "flair1"])
    return [
        path.read_bytes()
        for path in release.path.rglob("*.tif")
        if "LABEL" in path.name or "MSK" in path.name
    ]


def test_label_that_can_be_guessed_is_not_found_out(tmp_path: Path) -> None:
    """All water: who tries each class finds the file, and must not find its digest anywhere."""
    made = [make_zone(), make_zone("D036_2020", fold=2, first_number=9, east=9)]
    made[0].labels[:] = 5
    parent = build(made, tmp_path / "whole", layouts=["flair-hub", "flair1", "shards", "hdf5"])
    shown = subset_release(parent, name="OPEN", out=tmp_path, wanted=Wanted(), withhold_test=True).release
    guessed = label_bytes(tmp_path / "guess", 5)
    assert len(guessed) == 2
    table = pq.read_table(shown.path / "index.parquet").to_pylist()
    told = b"".join(file_bytes(shown.path).values()) + json.dumps(table, default=str).encode()
    for content in guessed:
        assert content not in told
        for algorithm in ("sha256", "sha1", "md5"):
            assert hashlib.new(algorithm, content).hexdigest().encode() not in told
    secrets = {entry["labels_sha256"] for entry in parent.card["zones"] if entry["fold"] == 1}
    secrets |= {patch.label_sha256 for patch in parent.patches() if patch.fold == 1}
    for secret in (*secrets, parent.card["content_sha256"]):
        assert secret.encode() not in told


def test_nothing_public_hangs_on_a_withheld_label(tmp_path: Path) -> None:
    """Two releases that differ in withheld labels alone are the same to the public, but for the seal."""
    shown = []
    for number in range(2):
        zones = make_zones()
        for made in zones:
            if made.source.zone.id in TESTED:
                made.labels[:] = np.roll(made.labels, 37 * number, axis=1)
                made.labels[400:420, :300] = 0 if number else made.labels[400:420, :300]
        parent = build(zones, tmp_path / str(number), layouts=ALL)
        made_of = subset_release(
            parent, name="OPEN", out=tmp_path / str(number), wanted=Wanted(), withhold_test=True
        )
        shown.append(file_bytes(made_of.release.path))
    about = {SEAL, "SHA256SUMS", "release.json"}
    assert {name for name in shown[0] if shown[0][name] != shown[1][name]} == about
    cards = [json.loads(files["release.json"]) for files in shown]
    assert {key for key in cards[0] if cards[0][key] != cards[1][key]} == {"content_sha256"}
    sums = [
        dict(reversed(line.split("  ", 1)) for line in files["SHA256SUMS"].decode().splitlines())
        for files in shown
    ]
    assert {name for name in sums[0] if sums[0][name] != sums[1][name]} == {SEAL, "release.json"}


def test_labels_of_a_second_task_are_withheld_as_well(tmp_path: Path) -> None:
    views = ("elevation", "parcels")
    zones = [with_views(made, views) for made in make_zones()]
    layouts = [with_modalities(one, views) for one in (FlairHub(), Hdf5())]
    parent = build(zones, tmp_path / "whole", layouts=layouts)
    made = subset_release(parent, name="OPEN", out=tmp_path, wanted=Wanted(), withhold_test=True)
    assert made.sealed is not None
    assert verify_release(made.release.path, sealed=made.sealed.path).sound
    assert not list(made.release.path.glob("FLAIR-HUB/D055-2018_ALL_LABEL-LPIS"))
    assert list(made.sealed.path.glob("FLAIR-HUB/D055-2018_ALL_LABEL-LPIS/*/*.tif"))
    with h5py.File(made.release.path / "HDF5/D055_2018.h5") as file:
        assert set(file) == {"id", "transform", "image", "elevation"}
    (tested,) = [patch for patch in made.release.patches() if patch.zone == TESTED[1]]
    assert made.release.view(tested, "elevation").shape == (2, 512, 512)
    with pytest.raises(ReleaseError, match="withholds the labels"):
        made.release.view(tested, "parcels")
    assert "parcels" not in made.release.card["zones"][-1]["views"]


def test_tables_list_images_without_masks_and_ign_predicts_on_them(challenge: Subset) -> None:
    tree = challenge.release.path / "FLAIR1"
    # FLAIR-1's gather_paths: two columns, of which predicting opens the first alone.
    paths = pandas.read_csv(tree / "test.csv", header=None)
    images, masks = paths.iloc[:, 0].tolist(), paths.iloc[:, 1].tolist()
    assert len(images) == 4
    assert all((tree / image).is_file() for image in images)
    assert paths.iloc[:, 1].isna().all(), masks
    assert not list(tree.glob("flair_1_labels_test"))
    for name in ("train.csv", "val.csv"):
        for image, mask in csv.reader((tree / name).read_text().splitlines()):
            assert (tree / image).is_file()
            assert (tree / mask).is_file()
    hub = challenge.release.path / "FLAIR-HUB/csv"
    table = pandas.read_csv(hub / "split_1_test.csv")
    assert table["AERIAL_LABEL-COSIA"].isna().all()
    assert all((hub / path).is_file() for path in table["AERIAL_RGBI"])
    labelled = pandas.read_csv(hub / "split_1_train.csv")
    assert all((hub / path).is_file() for path in labelled["AERIAL_LABEL-COSIA"])


def test_card_and_readme_say_what_is_withheld_and_how_to_prove_it(challenge: Subset) -> None:
    assert challenge.sealed is not None
    readme = (challenge.release.path / "README.md").read_text()
    for told in (
        "a part of the release FR_V0.1",
        "Labels of the 4 patches",
        "--sealed CHALLENGE-SEALED",
        f"`{SEAL}`",
    ):
        assert told in readme
    assert "those that CHALLENGE withholds" in (challenge.sealed.path / "README.md").read_text()
    assert challenge.release.card["subset"]["content_sha256"] is None
    assert challenge.sealed.card["subset"]["content_sha256"] is not None
    assert re.search(
        r"labels of 4 patches in 2 zones are withheld; .*CHALLENGE-SEALED has them", challenge.text()
    )


def test_the_same_again_takes_the_key_that_is_there(
    challenge: Subset, whole: Release, tmp_path: Path
) -> None:
    out = Path(shutil.copytree(challenge.release.path.parent, tmp_path / "out"))
    before = file_bytes(out)
    again = subset_release(whole, name="CHALLENGE", out=out, wanted=Wanted(), withhold_test=True)
    assert again.release.reused
    assert again.sealed is not None
    assert again.sealed.reused
    shutil.rmtree(out / "CHALLENGE")
    subset_release(whole, name="CHALLENGE", out=out, wanted=Wanted(), withhold_test=True)
    assert file_bytes(out) == before
    shutil.rmtree(out / "CHALLENGE-SEALED")
    with pytest.raises(ReleaseError, match=r"CHALLENGE exists with other content \(first SEAL\)"):
        subset_release(whole, name="CHALLENGE", out=out, wanted=Wanted(), withhold_test=True)
    assert [path.name for path in out.iterdir()] == ["CHALLENGE"]


def spoilt(challenge: Subset, tmp_path: Path) -> tuple[Path, Path]:
    out = Path(shutil.copytree(challenge.release.path.parent, tmp_path / "out"))
    return out / "CHALLENGE", out / "CHALLENGE-SEALED"


def test_label_that_was_changed_since_is_named_by_the_seal(challenge: Subset, tmp_path: Path) -> None:
    shown, sealed = spoilt(challenge, tmp_path)
    one, other = sorted(sealed.rglob("MSK_*.tif"))[:2]
    one.write_bytes(other.read_bytes())
    report = verify_release(shown, sealed=sealed)
    assert [(problem.kind, problem.loc) for problem in report.problems] == [
        ("seal", (SEAL, one.relative_to(sealed).as_posix()))
    ]
    other.unlink()
    assert "lacks" in verify_release(shown, sealed=sealed).text()
    assert verify_release(shown).sound, "the public release alone is as it was"


def test_sealed_folder_of_another_key_proves_nothing(challenge: Subset, tmp_path: Path) -> None:
    shown, sealed = spoilt(challenge, tmp_path)
    (sealed / KEY).write_text("0" * 64 + "\n")
    (problem,) = verify_release(shown, sealed=sealed).problems
    assert (problem.kind, problem.loc) == ("seal", (SEAL,))
    assert f"fits nothing in {sealed}: that is the sealed folder of another challenge" in problem.message
    (sealed / KEY).write_text("no key")
    with pytest.raises(ReleaseError, match="holds no key"):
        verify_release(shown, sealed=sealed)
    with pytest.raises(ReleaseError, match="is not sealed"):
        verify_release(shown, sealed=shown)


def test_a_release_that_withholds_nothing_has_nothing_to_prove(
    challenge: Subset, whole: Release, tmp_path: Path
) -> None:
    shown, sealed = spoilt(challenge, tmp_path)
    with pytest.raises(
        ReleaseError, match=r"withholds no labels, so nothing was sealed .*; leave --sealed out"
    ):
        verify_release(whole.path, sealed=sealed)
    (shown / SEAL).unlink()
    found = verify_release(shown, sealed=sealed)
    assert "SEAL: is missing: nobody can prove what is withheld" in found.text()
    assert "is what was sealed" not in found.text()


def put_mask(shown: Path, sealed: Path) -> None:
    path = next(sealed.rglob("MSK_*.tif"))
    target = shown / path.relative_to(sealed)
    target.parent.mkdir(parents=True)
    shutil.copyfile(path, target)


def put_container(shown: Path, sealed: Path) -> None:
    for name in ("HDF5/D055_2018.h5", "SHARDS/D055_2018_Z3-AU.tar"):
        shutil.copyfile(sealed / name, shown / name)


def put_counts(shown: Path, sealed: Path) -> None:
    table = pq.read_table(shown / "index.parquet")
    place = table.schema.get_field_index("pixels_water")
    counts = [count if count is not None else 7 for count in table["pixels_water"].to_pylist()]
    table = table.set_column(place, table.schema.field(place), [counts])
    pq.write_table(table, shown / "index.parquet")


def put_digest(shown: Path, sealed: Path) -> None:
    card = json.loads((shown / "release.json").read_text())
    entries = {entry["id"]: entry for entry in json.loads((sealed / "release.json").read_text())["zones"]}
    card["zones"] = [entries.get(entry["id"], entry) for entry in card["zones"]]
    (shown / "release.json").write_text(json.dumps(card))


@pytest.mark.parametrize(
    ("put", "found"),
    [
        (put_mask, {("index", "FLAIR1")}),
        (put_container, {("leak", "HDF5"), ("leak", "SHARDS")}),
        (put_counts, {("leak", "index.parquet")}),
        (put_digest, {("leak", "release.json")}),
    ],
    ids=lambda case: getattr(case, "__name__", ""),
)
def test_leak_is_named_even_with_new_digests(
    put: Callable[[Path, Path], None], found: set[tuple[str, str]], challenge: Subset, tmp_path: Path
) -> None:
    from test_verify_release import seal

    shown, sealed = spoilt(challenge, tmp_path)
    put(shown, sealed)
    seal(shown)
    problems = verify_release(shown).problems
    assert found <= {(problem.kind, str(problem.loc[0]).partition("/")[0]) for problem in problems}


def test_nothing_to_withhold_or_withheld_already_is_refused(
    challenge: Subset, whole: Release, tmp_path: Path
) -> None:
    with pytest.raises(ReleaseError, match="none of 2 zones is test in split_1"):
        subset_release(
            whole, name="X", out=tmp_path, wanted=Wanted(domains=("D036_2020",)), withhold_test=True
        )
    with pytest.raises(ReleaseError, match=r"CHALLENGE withholds labels; take a subset of FR_V0\.1"):
        taken(challenge.release, tmp_path)
    with pytest.raises(ReleaseError, match="no release is built on it"):
        build(make_zones(), tmp_path, parent=challenge.release)
    assert list(tmp_path.iterdir()) == []


def test_full_disk_leaves_neither_of_the_two(
    whole: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, counted = os.link, itertools.count()

    def fill_up(source: Path, target: Path) -> None:
        if next(counted) > 20:
            raise OSError(28, "No space left on device")
        link(source, target)

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", fill_up)
    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(ReleaseError, match="No space left on device"):
        subset_release(whole, name="X", out=tmp_path / "out", wanted=Wanted(), withhold_test=True)
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_the_patches_of_both(whole: Release, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    told = lambda done, total: seen.append((done, total))  # noqa: E731
    subset_release(whole, name="X", out=tmp_path, wanted=Wanted(), withhold_test=True, progress=told)
    assert seen == [(number, 12) for number in range(1, 13)]
