"""hierarchy.h5: written once, the same bytes each time, and nothing in it is trusted."""

from __future__ import annotations

import dataclasses
import errno
import json
import time

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from segmentation_oracles import grid_of, hierarchy_of, scene

from workbench.errors import HierarchyError
from workbench.segmentation.building import segment
from workbench.segmentation.hierarchy import SegmentationParameters
from workbench.segmentation.packing import pack_leaves, unpack_leaves
from workbench.segmentation.storage import read_hierarchy, write_hierarchy


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
    for name in ("leaves", "s", "area", "sums", "squares", "matrix"):
        assert np.array_equal(getattr(found, name), getattr(hierarchy, name)), name
        assert getattr(found, name).dtype == getattr(hierarchy, name).dtype
    assert found.grid == hierarchy.grid
    assert found.parameters == hierarchy.parameters
    assert found.digest == hierarchy.digest
    assert np.array_equal(found.saliency(), hierarchy.saliency())
    assert all(map(np.array_equal, found.saliency_pyramid(), hierarchy.saliency_pyramid()))
    assert found.scale_steps == hierarchy.scale_steps


def test_the_same_hierarchy_gives_the_same_bytes_at_any_time(hierarchy, path, tmp_path):
    time.sleep(1.1)  # HDF5 stamps objects in whole seconds, unless told not to
    write_hierarchy(hierarchy, tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()


def test_the_file_is_what_the_format_says(hierarchy, path):
    with h5py.File(path, "r") as file:
        assert file.attrs["format"] == "workbench-hierarchy"
        assert file.attrs["format_version"] == 2
        assert file.attrs["digest"] == hierarchy.digest
        assert json.loads(file.attrs["grid"])["height"] == 300
        assert set(file) == {"leaf_codes", "leaf_starts", "s", "area", "sums", "spread", "matrix"}
        assert file["leaf_codes"].shape == (150, 140)
        assert (file["sums"].dtype, file["spread"].dtype) == (np.uint32, np.uint32)
        for dataset in file.values():
            assert (dataset.compression, dataset.compression_opts) == ("gzip", 4)
            assert dataset.shuffle == (dataset.dtype.itemsize > 1)
            assert dataset.fletcher32


def test_the_pyramid_is_stored_where_wanted_and_used_where_present(hierarchy, tmp_path):
    path = tmp_path / "h.h5"
    grid = grid_of(np.zeros((1, 700, 30)))
    tall = segment(scene(5, side=700)[:, :, :30], grid=grid)
    write_hierarchy(tall, path, saliency=True)
    with h5py.File(path, "r") as file:
        assert {name: file[name].shape for name in file if "saliency" in name} == {
            "saliency_1": (700, 30),
            "saliency_2": (350, 15),
        }
    rewrite(path, put("saliency_2", lambda level: level + np.uint8(1)))
    assert (read_hierarchy(path).saliency_pyramid()[1] == tall.saliency_pyramid()[1] + 1).all()
    rewrite(path, drop("saliency_2"))
    refuse(path, "saliency_2 is missing")


@pytest.mark.parametrize(
    ("image", "types"),
    [
        (scene(1).astype(np.uint16) * 255, ("uint32", "uint64")),
        (scene(1).astype(np.float32) / np.float32(3), ("float64", None)),
        (scene(1).astype(np.float32) * -1, ("float64", None)),
        (np.full((2, 30, 30), 9e11, np.float32), ("float64", None)),
        (np.zeros((2, 30, 30), np.uint8), ("uint32", "uint32")),
    ],
    ids=["uint16", "fractions", "negative", "huge", "zeros"],
)
def test_statistics_are_kept_to_the_bit_whatever_the_image(tmp_path, image, types):
    found = hierarchy_of(image, SegmentationParameters())
    if image.dtype == np.uint16:
        found = dataclasses.replace(found, squares=found.squares + 2.0**33)
    write_hierarchy(found, tmp_path / "h.h5")
    with h5py.File(tmp_path / "h.h5") as file:
        spread = file["spread"].dtype.name if "spread" in file else None
        assert (file["sums"].dtype.name, spread) == types
    again = read_hierarchy(tmp_path / "h.h5")
    assert np.array_equal(again.sums, found.sums)
    assert np.array_equal(again.squares, found.squares)


@pytest.mark.parametrize("name", ["sums", "squares"])
def test_statistics_that_are_not_finite_are_refused(tmp_path, name):
    write_hierarchy(hierarchy_of(scene(1).astype(np.float32) / np.float32(3)), tmp_path / "h.h5")
    rewrite(tmp_path / "h.h5", put(name, first(np.nan)))
    refuse(tmp_path / "h.h5", "its sums or squares are not finite")


def test_a_refined_hierarchy_is_not_written(hierarchy, tmp_path):
    image = scene(2, side=300)[:, :, :280]
    refined = hierarchy.refine(hierarchy.node_at(200, 100, 500.0), image)
    with pytest.raises(HierarchyError, match="a refined hierarchy is not written; its base and"):
        write_hierarchy(refined, tmp_path / "refined.h5")


@settings(max_examples=200)
@given(
    arrays(
        np.uint32,
        st.tuples(st.integers(1, 9), st.integers(1, 9)),
        elements=st.sampled_from([0, 1, 2, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]),
    )
)
def test_any_raster_survives_packing(leaves):
    codes, starts = pack_leaves(leaves)
    assert np.array_equal(unpack_leaves(codes, starts, leaves.shape), leaves)
    with pytest.raises(HierarchyError, match="starts"):
        unpack_leaves(codes, starts[:-1], leaves.shape)
    with pytest.raises(HierarchyError, match="codes have shape"):
        unpack_leaves(codes, starts, (leaves.shape[0] + 2, leaves.shape[1]))
    unpack_leaves(np.full_like(codes, 0x55), starts[:0], leaves.shape)  # all "above": not read outside


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


def in_grid(**values):
    return put("grid", lambda text: json.dumps(json.loads(text) | values))


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
        (drop("leaf_codes"), "leaf_codes is missing"),
        (drop("leaf_starts"), "leaf_starts is missing"),
        (drop("spread"), "sums is uint32"),
        (drop("matrix"), "weights is missing"),
        (drop("grid"), "grid"),
        (drop("digest"), "digest"),
        (put("format", lambda _: "netcdf"), "not a workbench-hierarchy file"),
        (put("format", lambda _: 7), "attribute format is not text"),
        (put("format_version", lambda _: 3), "format version 3, this software reads up to 2"),
        (put("format_version", lambda _: 1), "leaves is missing"),
        (put("format_version", lambda _: "one"), "format_version is no whole number from 1 on"),
        (put("format_version", lambda _: 2.5), "format_version is no whole number from 1 on"),
        (put("format_version", lambda _: 0), "format_version is no whole number from 1 on"),
        (put("format_version", lambda _: [1, 2]), "format_version is no whole number from 1 on"),
        (put("s", lambda s: s[:-1]), r"area has shape"),
        (put("s", first(0.0)), "s starts with 0.0, not with inf"),
        (put("s", lambda s: np.where(np.arange(s.size) == 3, np.float32("nan"), s)), "s is nan at leaf 3"),
        (put("s", lambda s: np.where(np.arange(s.size) == 3, np.float32(-1), s)), "s is -1.0 at leaf 3"),
        (put("s", lambda s: s.astype(np.float64)), "s is float64"),
        (put("s", lambda s: s[:0]), "s"),
        (put("leaf_codes", lambda a: a[:-1]), r"leaf codes have shape \(149, 140\), .* \(300, 280\)"),
        (put("leaf_codes", lambda a: a[..., None]), "not 2-dimensional uint8"),
        (put("leaf_starts", first(2 * 10**8)), r"pixel \(0, 0\) is in leaf 100000000"),
        (put("leaf_starts", lambda a: a[:-1]), "starts, there are"),
        (put("leaf_codes", last_pixel(0xFF)), "starts, there are|is in leaf"),
        (put("matrix", lambda a: a[:0]), r"its matrix of shape \(0, 3\) is empty"),
        (put("matrix", first(np.nan)), "is empty, or not finite"),
        (put("matrix", first(np.inf)), "is empty, or not finite"),
        (put("sums", lambda a: a[:1]), r"sums have shape"),
        (put("sums", lambda a: a.astype(np.int32)), r"sums is int32"),
        (put("area", lambda a: a + np.uint32(1)), "areas add up to"),
        (put("area", first(0)), "leaves .* have pixels"),
        (put("image_digest", lambda _: "0" * 64), "its digest is"),
        (put("parameters", lambda text: text.replace("0.65", "0.5")), "its digest is"),
        (
            put("parameters", lambda text: text.replace('"algorithm": 2', '"algorithm": 99')),
            "algorithm is 99",
        ),
        (put("parameters", lambda text: text.replace("smoothing", "smothing")), "not understood"),
        (put("parameters", lambda _: "[1, 2]"), "parameters are list"),
        (put("parameters", lambda text: text.replace("0.65", '"a"')), "smoothing is 'a'"),
        (put("digest", lambda text: text + "\n"), "attribute digest is not text"),
        (put("grid", lambda _: "{}"), "its grid has not the names crs, transform, height and width"),
        (put("grid", lambda _: "[]"), "its grid has not the names"),
        (put("grid", lambda _: "[" * 30000), "it is damaged"),
        (in_grid(crs=None), "crs of its grid is None, not text"),
        (in_grid(width=280.0), "width of its grid is 280.0, not a number of pixels"),
        (in_grid(height=True), "height of its grid is True"),
        (in_grid(height=float("inf")), "height of its grid is inf"),
        (in_grid(height=0), "height of its grid is 0"),
        (in_grid(transform=[0.2, 0.0, 1.0]), "not six numbers"),
        (in_grid(transform=[0.2, 0.0, "1", 0.0, -0.2, 1.0]), "not six numbers"),
        (in_grid(transform=[0.2, 0.0, float("nan"), 0.0, -0.2, 1.0]), "transform is not finite"),
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
    refuse(tmp_path, "is a folder; give the file that")
    for name, content in (("text.h5", b"leaves, s, area\n"), ("scene.tif", b"II*\0"), ("empty.h5", b"")):
        (tmp_path / name).write_bytes(content)
        refuse(tmp_path / name, "it is no hierarchy file, or its beginning is damaged")
    with h5py.File(tmp_path / "other.h5", "w"):
        pass
    refuse(tmp_path / "other.h5", "it is not a workbench-hierarchy file")


def test_links_to_other_files_are_not_followed(path, tmp_path):
    other = tmp_path / "other.h5"
    other.write_bytes(path.read_bytes())
    for link in (h5py.ExternalLink(str(other), "/area"), h5py.SoftLink("/s"), None):
        rewrite(path, drop("area") if link or "area" in h5py.File(path) else lambda *_: None)
        with h5py.File(path, "a") as file:
            if link is None:
                file.create_group("area")
            else:
                file["area"] = link
        refuse(path, "area is (missing or a link|not a dataset)")
        path.write_bytes(other.read_bytes())


def test_pixels_kept_in_another_file_are_not_read(path, tmp_path, hierarchy):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(hierarchy.area.nbytes))
    rewrite(path, drop("area"))
    with h5py.File(path, "a") as file:
        shape = hierarchy.area.shape
        file.create_dataset("area", shape, np.uint32, external=[(str(secret), 0, h5py.h5f.UNLIMITED)])
    refuse(path, "area is not a dataset of this file")


def test_virtual_datasets_are_not_read(path, tmp_path, hierarchy):
    other = tmp_path / "other.h5"
    other.write_bytes(path.read_bytes())
    layout = h5py.VirtualLayout(hierarchy.area.shape, np.uint32)
    layout[...] = h5py.VirtualSource(str(other), "area", hierarchy.area.shape)
    rewrite(path, drop("area"))
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("area", layout)
    refuse(path, "area is not a dataset of this file")


def test_filters_other_than_ours_are_not_run(path, hierarchy):
    rewrite(path, drop("area"))
    with h5py.File(path, "a") as file:
        file.create_dataset("area", data=hierarchy.area, chunks=(64,), compression="lzf")
    refuse(path, "area uses HDF5 filter 32000")


def test_a_size_that_is_only_claimed_is_refused_before_memory_is_taken(path):
    def claim(arrays, attributes):
        grid = json.loads(attributes["grid"]) | {"height": 2**16, "width": 2**14}
        attributes["grid"] = json.dumps(grid)
        del arrays["leaf_codes"]

    rewrite(path, claim)
    with h5py.File(path, "a") as file:
        file.create_dataset(
            "leaf_codes", (2**15, 2**13), np.uint8, chunks=(256, 256), compression="gzip", fletcher32=True
        )
    refuse(path, r"leaf_codes declares \(32768, 8192\) but holds almost nothing")
    rewrite(path, put("grid", lambda text: text.replace("65536", "2097152")))
    refuse(path, r"declares \(2097152, 16384\) pixels, at most")
    rewrite(path, in_grid(height=2**31))
    refuse(path, "height of its grid is 2147483648")


@pytest.mark.parametrize("step", ["fsync", "write_bytes"])
def test_a_full_disk_leaves_the_old_file(hierarchy, path, monkeypatch, step):
    before = path.read_bytes()

    def fail(target, content=b""):
        if step == "write_bytes":
            target.open("wb").close()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync" if step == "fsync" else "pathlib.Path.write_bytes", fail)
    with pytest.raises(HierarchyError, match=r"cannot be written \(.*No space left.*\); nothing was changed"):
        write_hierarchy(hierarchy, path, overwrite=True)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
