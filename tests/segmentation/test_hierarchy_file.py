"""hierarchy.h5: written once, the same bytes each time, and nothing in it is trusted."""

from __future__ import annotations

import json
import time

import h5py
import numpy as np
import pytest
from segmentation_oracles import hierarchy_of, scene

from workbench.errors import HierarchyError
from workbench.segmentation.hierarchy import SegmentationParameters, read_hierarchy, write_hierarchy


@pytest.fixture(scope="module")
def hierarchy():
    valid = np.ones((300, 280), np.bool_)
    valid[:40, 100:] = False
    return hierarchy_of(scene(2, side=300)[:, :, :280], SegmentationParameters(), valid=valid)


@pytest.fixture
def path(hierarchy, tmp_path):
    path = tmp_path / "hierarchy.h5"
    write_hierarchy(hierarchy, path)
    return path


@pytest.mark.parametrize("saliency", [True, False])
def test_what_is_written_is_read_back(hierarchy, tmp_path, saliency):
    path = tmp_path / "h.h5"
    write_hierarchy(hierarchy, path, saliency=saliency)
    found = read_hierarchy(path)
    for name in ("leaves", "s", "area", "sums", "squares", "weights"):
        assert np.array_equal(getattr(found, name), getattr(hierarchy, name)), name
        assert getattr(found, name).dtype == getattr(hierarchy, name).dtype
    assert found.grid == hierarchy.grid
    assert found.parameters == hierarchy.parameters
    assert found.digest == hierarchy.digest
    assert np.array_equal(found.saliency(), hierarchy.saliency())


def test_the_same_hierarchy_gives_the_same_bytes_at_any_time(hierarchy, path, tmp_path):
    time.sleep(1.1)  # HDF5 stamps objects in whole seconds, unless told not to
    write_hierarchy(hierarchy, tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()


def test_the_file_is_what_the_format_says(hierarchy, path):
    with h5py.File(path, "r") as file:
        assert file.attrs["format"] == "workbench-hierarchy"
        assert file.attrs["format_version"] == 1
        assert file.attrs["digest"] == hierarchy.digest
        assert json.loads(file.attrs["grid"])["height"] == 300
        assert file["leaves"].chunks == (256, 256)
        for dataset in file.values():
            assert (dataset.compression, dataset.compression_opts) == ("gzip", 1)
            assert dataset.shuffle
            assert dataset.fletcher32


def test_nothing_is_overwritten_unless_told_to(hierarchy, path):
    before = path.read_bytes()
    with pytest.raises(HierarchyError, match="exists; choose another name, or say --overwrite"):
        write_hierarchy(hierarchy, path)
    assert path.read_bytes() == before
    write_hierarchy(hierarchy, path, overwrite=True)
    assert list(path.parent.iterdir()) == [path]


def test_a_missing_folder_is_one_clear_sentence(hierarchy, tmp_path):
    with pytest.raises(HierarchyError, match="is no folder"):
        write_hierarchy(hierarchy, tmp_path / "nowhere" / "h.h5")


def rewrite(path, change):
    """Copy a file without its checks, changing it on the way."""
    with h5py.File(path, "r") as file:
        arrays = {name: file[name][()] for name in file}
        attributes = dict(file.attrs)
    change(arrays, attributes)
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes)
        for name, array in arrays.items():
            file[name] = array


def drop(name):
    def change(arrays, attributes):
        (arrays if name in arrays else attributes).pop(name)

    return change


def put(name, value):
    def change(arrays, attributes):
        if name in arrays:
            arrays[name] = value(arrays[name])
        else:
            attributes[name] = value(attributes[name])

    return change


def first(value):
    def change(array):
        array = array.copy()
        array.flat[0] = value
        return array

    return change


def last_pixel(value):
    def change(array):
        array = array.copy()
        array[-1, -1] = value
        return array

    return change


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (drop("s"), "s is missing"),
        (drop("leaves"), "leaves is missing"),
        (drop("weights"), "weights is missing"),
        (drop("grid"), "grid"),
        (drop("digest"), "digest"),
        (put("format", lambda _: "netcdf"), "not a workbench-hierarchy file"),
        (put("format", lambda _: 7), "attribute format is not text"),
        (put("format_version", lambda _: 2), "format version 2, this software reads up to 1"),
        (put("format_version", lambda _: "one"), "invalid literal"),
        (put("s", lambda s: s[:-1]), r"area has shape"),
        (put("s", first(0.0)), "s starts with 0.0, not with inf"),
        (put("s", lambda s: np.where(np.arange(s.size) == 3, np.float32("nan"), s)), "s is nan at leaf 3"),
        (put("s", lambda s: np.where(np.arange(s.size) == 3, np.float32(-1), s)), "s is -1.0 at leaf 3"),
        (put("s", lambda s: s.astype(np.float64)), "s is float64"),
        (put("s", lambda s: s[:0]), "s"),
        (put("leaves", lambda a: a[:-1]), r"leaves has shape \(299, 280\), expected \(300, 280\)"),
        (put("leaves", lambda a: a[..., None]), "not 2-dimensional uint32"),
        (put("leaves", last_pixel(10**8)), r"pixel \(299, 279\) is in leaf 100000000"),
        (put("sums", lambda a: a[:1]), r"sums has shape"),
        (put("area", lambda a: a + np.uint32(1)), "areas add up to"),
        (put("saliency", lambda a: a[:, :-1]), "saliency has shape"),
        (put("image_digest", lambda _: "0" * 64), "its digest is"),
        (put("parameters", lambda text: text.replace("0.65", "0.5")), "its digest is"),
        (
            put("parameters", lambda text: text.replace('"algorithm": 2', '"algorithm": 99')),
            "of algorithm 99",
        ),
        (put("parameters", lambda text: text.replace("smoothing", "smothing")), "not understood"),
        (put("parameters", lambda _: "[1, 2]"), "parameters are list"),
        (put("parameters", lambda text: text.replace("0.65", '"a"')), "not understood"),
        (put("grid", lambda _: "{}"), "crs|transform"),
        (put("grid", lambda text: text.replace("-0.2", "0.2")), "north-up"),
        (put("grid", lambda _: "not JSON"), "Expecting value"),
    ],
)
def test_a_broken_file_is_one_clear_sentence(path, change, reason):
    rewrite(path, change)
    with pytest.raises(HierarchyError, match=reason) as caught:
        read_hierarchy(path)
    assert str(path) in str(caught.value)
    assert "make it again with `workbench segment" in str(caught.value)
    assert "\n" not in str(caught.value)


def refuse(path, reason):
    with pytest.raises(HierarchyError, match=reason) as caught:
        read_hierarchy(path)
    assert str(path) in str(caught.value)
    assert "workbench segment" in str(caught.value)


def test_what_is_no_file_or_no_hdf5_is_refused(tmp_path, path):
    refuse(tmp_path / "nothing.h5", "there is no such file")
    refuse(tmp_path, "it is damaged, or no HDF5 file")
    (tmp_path / "text.h5").write_text("leaves, s, area\n")
    refuse(tmp_path / "text.h5", "it is damaged, or no HDF5 file")
    (tmp_path / "empty.h5").write_bytes(b"")
    refuse(tmp_path / "empty.h5", "it is damaged, or no HDF5 file")


@pytest.mark.parametrize("share", [0.02, 0.3, 0.7, 0.98])
def test_a_truncated_file_is_refused(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refuse(path, "it is damaged, or no HDF5 file")


def test_a_flipped_byte_of_the_arrays_is_noticed(path):
    with h5py.File(path, "r") as file:
        chunk = file["leaves"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    path.write_bytes(content)
    refuse(path, "it is damaged, or no HDF5 file")


def test_links_to_other_files_are_not_followed(path, tmp_path):
    other = tmp_path / "other.h5"
    other.write_bytes(path.read_bytes())
    for link in (h5py.ExternalLink(str(other), "/leaves"), h5py.SoftLink("/s"), None):
        rewrite(path, drop("leaves") if link or "leaves" in h5py.File(path) else lambda *_: None)
        with h5py.File(path, "a") as file:
            if link is None:
                file.create_group("leaves")
            else:
                file["leaves"] = link
        refuse(path, "leaves is (missing or a link|not a dataset)")
        path.write_bytes(other.read_bytes())


def test_pixels_kept_in_another_file_are_not_read(path, tmp_path, hierarchy):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(hierarchy.leaves.nbytes))
    rewrite(path, drop("leaves"))
    with h5py.File(path, "a") as file:
        shape = hierarchy.leaves.shape
        file.create_dataset("leaves", shape, np.uint32, external=[(str(secret), 0, h5py.h5f.UNLIMITED)])
    refuse(path, "leaves is not a dataset of this file")


def test_virtual_datasets_are_not_read(path, tmp_path, hierarchy):
    other = tmp_path / "other.h5"
    other.write_bytes(path.read_bytes())
    layout = h5py.VirtualLayout(hierarchy.leaves.shape, np.uint32)
    layout[...] = h5py.VirtualSource(str(other), "leaves", hierarchy.leaves.shape)
    rewrite(path, drop("leaves"))
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("leaves", layout)
    refuse(path, "leaves is not a dataset of this file")


def test_filters_other_than_ours_are_not_run(path, hierarchy):
    rewrite(path, drop("leaves"))
    with h5py.File(path, "a") as file:
        file.create_dataset("leaves", data=hierarchy.leaves, chunks=(256, 256), compression="lzf")
    refuse(path, "leaves uses HDF5 filter 32000")


def test_a_size_that_is_only_claimed_is_refused_before_memory_is_taken(path):
    def claim(arrays, attributes):
        grid = json.loads(attributes["grid"]) | {"height": 2**21, "width": 2**20}
        attributes["grid"] = json.dumps(grid)
        del arrays["leaves"]

    rewrite(path, claim)
    with h5py.File(path, "a") as file:
        file.create_dataset("leaves", (2**21, 2**20), np.uint32, chunks=(256, 256), compression="gzip")
    refuse(path, r"leaves declares \(2097152, 1048576\) but holds almost nothing")


def test_an_interrupted_write_leaves_the_old_file(hierarchy, path, monkeypatch):
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(HierarchyError, match=r"cannot be written \(disk full\); nothing was changed"):
        write_hierarchy(hierarchy, path, overwrite=True)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
