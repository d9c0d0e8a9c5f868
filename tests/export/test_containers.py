"""Layouts whose files hold many patches: HDF5 files of domains, tar files of zones."""

from __future__ import annotations

import io
import json
import os
import signal
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
from made_zones import (
    MadeZone,
    build,
    file_bytes,
    labelled,
    make_zone,
    make_zones,
    run_apart,
    same_but_for_parent,
    sealed_again,
    watched,
)

from workbench.errors import ReleaseError
from workbench.export import packing, verify_release
from workbench.export.release import Release

BOTH = ["hdf5", "shards"]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release in both layouts; tests must not change it."""
    return build(make_zones(), tmp_path_factory.mktemp("packed"), layouts=BOTH)


@pytest.fixture
def spoilt(packed: Release, tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(packed.path, tmp_path / packed.name))


def test_a_domain_is_an_hdf5_file_and_a_zone_a_tar_file(packed: Release) -> None:
    found = {path.relative_to(packed.path).as_posix() for path in packed.path.rglob("*") if path.is_file()}
    assert found == {
        *(f"HDF5/{domain}.h5" for domain in ("D036_2020", "D051_2019", "D055_2018")),
        *(f"SHARDS/D036_2020_{roi}.tar" for roi in ("Z2--UF", "Z9--NN")),
        *(f"SHARDS/D051_2019_{roi}.tar" for roi in ("Z15--UN", "Z16--FF")),
        *(f"SHARDS/D055_2018_{roi}.tar" for roi in ("Z2--UF", "Z3-AU")),
        *(f"SHARDS/split_1_{subset}.txt" for subset in ("train", "valid", "test")),
        *("README.md", "SHA256SUMS", "index.parquet", "nomenclature.json", "release.json"),
    }
    report = verify_release(packed.path)
    assert report.sound, report.text()


def test_pixels_and_labels_come_back_from_both(packed: Release, zones: list[MadeZone]) -> None:
    by_id = {zone.source.zone.id: zone for zone in zones}
    for patch in packed.patches():
        made = by_id[patch.zone]
        codes = made.labels[patch.window.slices]
        for layout in BOTH:
            assert np.array_equal(packed.image(patch, layout=layout), made.image[:4, *patch.window.slices])
            assert np.array_equal(packed.labels(patch, layout=layout), np.where(codes == 0, 19, codes))


def test_hdf5_is_chunked_by_patch_and_read_without_us(packed: Release, zones: list[MadeZone]) -> None:
    with h5py.File(packed.path / "HDF5/D055_2018.h5") as file:
        assert file["image"].chunks == (1, 4, 512, 512)
        assert file["image"].compression == "gzip"
        assert file["label"].shape == (4, 512, 512)
        assert json.loads(file.attrs["bands"]) == ["R", "G", "B", "NIR"]
        ids = [patch.id for patch in packed.patches() if patch.domain == "D055_2018"]
        assert file["id"].asstr()[:].tolist() == ids
        made = next(zone for zone in zones if zone.source.zone.id == "D055_2018/Z2_UF")
        assert np.array_equal(file["image"][2], made.image[:4, 512:, 512:])
        left, top = file["transform"][2][[2, 5]]
        corner = made.source.zone.grid.transform
        assert (left, top) == pytest.approx((corner.c + 102.4, corner.f - 102.4), abs=1e-6)


def test_a_shard_is_read_as_webdataset_does(packed: Release) -> None:
    """Members of a sample lie beside each other, and have the same name up to the first dot."""
    with tarfile.open(packed.path / "SHARDS/D055_2018_Z2--UF.tar") as tar:
        members = tar.getmembers()
        assert {(one.mtime, one.uid, one.gid, one.mode) for one in members} == {(0, 0, 0, 0o644)}
        names = [one.name for one in members]
        keys = [name.partition(".")[0] for name in names]
        assert keys == sorted(keys)
        assert [name.partition(".")[2] for name in names[:3]] == ["image.tif", "label.tif", "json"]
        told = json.loads(tar.extractfile(names[2]).read())  # type: ignore[union-attr]
        with rasterio.open(io.BytesIO(tar.extractfile(names[0]).read())) as source:  # type: ignore[union-attr]
            assert source.shape == (512, 512)
            assert list(source.transform)[:6] == told["transform"]
    patch = next(patch for patch in packed.patches() if patch.id == keys[0])
    assert told["class_counts"] == dict(patch.class_counts)


def test_lists_name_each_shard_in_one_set(packed: Release) -> None:
    listed = [
        (packed.path / f"SHARDS/split_1_{subset}.txt").read_text().splitlines()
        for subset in ("train", "valid", "test")
    ]
    shards = sorted(path.name for path in (packed.path / "SHARDS").glob("*.tar"))
    assert sorted(name for names in listed for name in names) == shards


def test_two_builds_are_byte_identical_in_other_processes(packed: Release, tmp_path: Path) -> None:
    body = f"build(make_zones()[::-1], Path(sys.argv[2]), layouts={BOTH!r})"
    assert run_apart(body, str(tmp_path), "apart", PYTHONHASHSEED="9", TZ="Asia/Tokyo").wait() == 0
    assert file_bytes(tmp_path / "apart" / packed.name) == file_bytes(packed.path)


def change_label(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        labels = file["label"][0]
        labels[300, 300] = (labels[300, 300] + 1) % 19
        file["label"][0] = labels


def drop_patch(path: Path) -> None:
    with tarfile.open(path) as tar:
        kept = [(one, tar.extractfile(one).read()) for one in tar if "_2-2." not in one.name]  # type: ignore[union-attr]
    with tarfile.open(path, "w") as tar:
        for one, content in kept:
            tar.addfile(one, io.BytesIO(content))


@pytest.mark.parametrize(
    ("name", "spoil", "kind"),
    [
        ("HDF5/D055_2018.h5", change_label, "counts"),
        ("HDF5/D055_2018.h5", lambda path: path.write_bytes(b"no hdf5"), "container"),
        ("SHARDS/D055_2018_Z2--UF.tar", drop_patch, "member"),
        ("SHARDS/D055_2018_Z2--UF.tar", lambda path: path.write_bytes(b"no tar"), "container"),
    ],
)
def test_content_that_is_not_what_the_index_says_is_named_even_with_new_digests(
    spoilt: Path, name: str, spoil: Callable[[Path], None], kind: str
) -> None:
    from test_verify_release import seal

    spoil(spoilt / name)
    seal(spoilt)
    found = {(str(problem.loc[0]), problem.kind) for problem in verify_release(spoilt).problems}
    assert (name, kind) in found


def test_pack_that_a_killed_build_finished_is_kept(packed: Release, tmp_path: Path) -> None:
    kill = (
        "import os, signal\n"
        "import workbench.export.building as building\n"
        "write, done = building.write_pack, []\n"
        "def stop(*args, **options):\n"
        "    done.append(1)\n"
        "    if len(done) == 3:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return write(*args, **options)\n"
        "building.write_pack = stop\n"
        f"build(make_zones(), Path(sys.argv[1]), layouts={BOTH!r})"
    )
    assert run_apart(kill, str(tmp_path)).wait() == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    kept = {path.name: path.stat().st_ino for path in left.glob("HDF5/*.h5")}
    assert len(kept) == 2
    again = build(make_zones(), tmp_path, layouts=BOTH)
    assert file_bytes(again.path) == file_bytes(packed.path)
    assert {name: os.stat(again.path / "HDF5" / name).st_ino for name in kept} == kept


def test_pack_whose_zones_did_not_change_is_the_parents(packed: Release, tmp_path: Path) -> None:
    zones = make_zones()
    zones[0].labels[600, 600] = zones[0].labels[600, 600] % 19 + 1
    read: list[str] = []
    child = build(watched(zones, read), tmp_path, name="FR_V0.2", layouts=BOTH, parent=packed)
    anew = build(zones, tmp_path / "anew", name="FR_V0.2", layouts=BOTH)
    assert same_but_for_parent(child, anew)
    there = {path.stat().st_ino for path in packed.path.rglob("*") if path.suffix in (".h5", ".tar")}
    own = {
        path.name
        for path in child.path.rglob("*")
        if path.suffix in (".h5", ".tar") and path.stat().st_ino not in there
    }
    assert own == {"D055_2018.h5", "D055_2018_Z2--UF.tar"}
    assert set(read) == {"D055_2018/Z2_UF", "D055_2018/Z3-AU"}


def test_domain_with_a_zone_less_is_no_file_of_the_parent(packed: Release, tmp_path: Path) -> None:
    few = [zone for zone in make_zones() if zone.source.zone.id != "D055_2018/Z3-AU"]
    child = build(few, tmp_path, name="FR_V0.2", layouts=["hdf5"], parent=packed)
    with h5py.File(child.path / "HDF5/D055_2018.h5") as file:
        assert len(file["id"]) == 3
    assert verify_release(child.path).sound


def test_disk_that_is_full_for_a_pack_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packing, "write_patches", fill_up)
    with pytest.raises(ReleaseError, match=r"cannot be written \(No space left on device\)"):
        build([make_zone()], tmp_path / "out", layouts=["hdf5"])
    assert list(tmp_path.iterdir()) == []


def test_series_of_other_dates_in_one_domain_are_refused_for_hdf5(tmp_path: Path) -> None:
    """A dataset has one shape for all patches of a domain."""
    from test_modalities import with_views

    one, other = (
        with_views(make_zone(name=name, east=east, first_number=number), ("sentinel2",))
        for name, east, number in (("Z1_UU", 0, 1), ("Z2_UU", 9, 2))
    )
    views = {name: replace(view, dates=view.dates[:1]) for name, view in other.source.views.items()}
    other = replace(other, source=replace(other.source, views=views))
    from workbench.export.layouts import Hdf5

    layout = Hdf5(modalities=("image", "label", "sentinel2"))
    with pytest.raises(ReleaseError, match=r"zones of D055_2018 have other numbers of days of sentinel2"):
        build([one, other], tmp_path, layouts=[layout])


def forged(path: Path, forge: Callable[[h5py.File], None]) -> set[tuple[str, ...]]:
    """Forge an HDF5 file, make all digests agree, and return place and kind of what is found."""
    release = path.parent.parent
    with h5py.File(path, "r+") as file:
        forge(file)
    sealed_again(release)
    return {(*map(str, one.loc), one.kind) for one in verify_release(release).problems}


def a_dataset(file: h5py.File) -> None:
    file["extra"] = np.arange(9)


def an_external_link(file: h5py.File) -> None:
    file["extra"] = h5py.ExternalLink("/etc/passwd", "x")


def a_soft_link(file: h5py.File) -> None:
    file["extra"] = h5py.SoftLink("/image")


@pytest.mark.parametrize("forge", [a_dataset, an_external_link, a_soft_link])
def test_member_of_an_hdf5_file_that_no_index_names_is_named(
    forge: Callable[[h5py.File], None], spoilt: Path
) -> None:
    path = spoilt / "HDF5/D036_2020.h5"
    assert forged(path, forge) == {("HDF5/D036_2020.h5", "extra", "member")}


def test_labels_upside_down_in_an_hdf5_file_are_named(tmp_path: Path) -> None:
    path = build([labelled(zone) for zone in make_zones()], tmp_path, layouts=BOTH).path

    def turn(file: h5py.File) -> None:
        for number, labels in enumerate(file["label"][:]):
            file["label"][number] = labels[::-1]

    found = forged(path / "HDF5/D036_2020.h5", turn)
    assert found
    assert {kind for *_, kind in found} == {"pixels"}


def test_member_of_a_tar_file_that_no_index_names_or_that_is_there_twice_is_named(spoilt: Path) -> None:
    path = spoilt / "SHARDS/D036_2020_Z2--UF.tar"
    with tarfile.open(path) as tar:
        members = [(one, tar.extractfile(one).read()) for one in tar.getmembers()]  # type: ignore[union-attr]
    first = members[0][0].name
    extra = tarfile.TarInfo(f"{first.partition('.')[0]}.exe")
    with tarfile.open(path, "w") as tar:
        for entry, content in [(extra, b""), members[0], *members]:
            tar.addfile(entry, io.BytesIO(content))
    sealed_again(spoilt)
    assert {(one.loc[1], one.kind) for one in verify_release(spoilt).problems} == {
        (extra.name, "member"),
        (first, "member"),
    }
