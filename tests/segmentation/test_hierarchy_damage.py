"""Whatever happens to the bytes of hierarchy.h5, it is refused or read as it was; nothing loops or dies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from workbench.errors import HierarchyError
from workbench.segmentation.storage import read_hierarchy, write_hierarchy

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
ARRAYS = ("leaves", "s", "area", "sums", "squares", "matrix")

# HDF5 may loop for ever or end the process on damage, so it has a process of its own, and a time limit.
_READ_DAMAGED = """
import sys
from pathlib import Path
import numpy as np
from test_hierarchy_damage import ARRAYS, damaged
from workbench.errors import HierarchyError
from workbench.segmentation.storage import read_hierarchy
source, target = map(Path, sys.argv[1:])
sound, counts = read_hierarchy(source), {"refused": 0, "same": 0}
for what, content in damaged(source.read_bytes()):
    target.write_bytes(content)
    try:
        found = read_hierarchy(target)
    except HierarchyError as error:
        assert "\\n" not in str(error), (what, str(error))
        counts["refused"] += 1
        continue
    assert found.grid == sound.grid, what
    for name in ARRAYS:
        assert np.array_equal(getattr(found, name), getattr(sound, name)), (what, name)
    counts["same"] += 1
print(counts["refused"], counts["same"])
"""


def damaged(content):
    """Fill each 512 bytes in turn with zeros or noise, or cut the file off there; drawn by a seed."""
    rng = np.random.default_rng(0)
    for start in range(0, len(content), 512):
        before, block, after = content[:start], content[start : start + 512], content[start + 512 :]
        zeros, noise = (before + new[: len(block)] + after for new in (bytes(512), rng.bytes(512)))
        changed = [("noise", noise), ("cut", before)] + [("zeros", zeros)] * 2 * any(block)
        what, other = changed[rng.integers(len(changed))]
        yield (what, start), other


def read_damaged(source, target):
    command = [sys.executable, "-c", _READ_DAMAGED, source, target]
    done = subprocess.run(
        command, cwd=Path(__file__).parent, capture_output=True, text=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return tuple(map(int, done.stdout.split()))


@pytest.fixture
def sealed(tmp_path):
    path = tmp_path / "sealed.h5"
    write_hierarchy(read_hierarchy(GOLDEN / "hierarchy_v2" / "hierarchy.h5"), path)
    return path


def test_no_damage_to_a_sealed_file_goes_unnoticed(sealed):
    assert read_damaged(sealed, sealed.with_name("damaged.h5")) == (-(-sealed.stat().st_size // 512), 0)


@pytest.mark.parametrize("version", ["hierarchy_v1", "hierarchy_v2"])
def test_damage_to_a_file_from_before_the_seal_is_refused_or_harmless(tmp_path, version):
    refused, same = read_damaged(GOLDEN / version / "hierarchy.h5", tmp_path / "damaged.h5")
    assert refused > same


def test_each_flipped_bit_of_the_seal_and_around_it_is_noticed(sealed):
    content = sealed.read_bytes()
    for place in (*range(0, 520, 9), len(content) - 1):
        for bit in range(8):
            sealed.write_bytes(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])
            with pytest.raises(HierarchyError, match=r"it is damaged|its beginning is damaged"):
                read_hierarchy(sealed)


def test_the_seal_is_the_digest_of_the_rest_and_other_software_skips_it(sealed):
    line, _, rest = sealed.read_bytes()[:512].partition(b"\n")
    assert line.startswith(b"workbench-hierarchy, sealed: SHA-256 of all from byte 512 on is ")
    assert not rest.strip(b"\0")
    with h5py.File(sealed, "r") as file:
        assert file.userblock_size == 512
        assert file.attrs["format_version"] == 2


def test_a_heap_whose_objects_have_no_size_does_not_loop(tmp_path):
    content = bytearray((GOLDEN / "hierarchy_v2" / "hierarchy.h5").read_bytes())
    heap = content.index(b"GCOL\x01")
    size = int.from_bytes(content[heap + 8 : heap + 16], "little")
    for start in range(heap + 16, heap + size, 16):
        damage = content[:start] + bytes(heap + size - start) + content[heap + size :]
        if damage == content:
            continue
        (tmp_path / "h.h5").write_bytes(damage)
        with pytest.raises(HierarchyError, match=r"the HDF5 heap at byte \d+ leads nowhere"):
            read_hierarchy(tmp_path / "h.h5")


def test_a_damaged_type_of_an_attribute_does_not_end_the_process(unsealed):
    content = bytearray(unsealed.read_bytes())
    kind = content.index(b"parameters\0") + 17
    assert content[kind - 1] == 0x19  # version 1 of a type of variable length, of which 1 is a string
    for other in (0, 3, 5, 9):
        content[kind] = other
        unsealed.write_bytes(content)
        with pytest.raises(HierarchyError, match="attribute parameters is not text"):
            read_hierarchy(unsealed)


def chunked(path, fill):
    """Give a file without a seal another ``matrix``, in two chunks that `fill` writes."""
    with h5py.File(path, "a") as file:
        shape = file["matrix"].shape
        del file["matrix"]
        options = {"chunks": (1, shape[1]), "compression": "gzip", "shuffle": True, "fletcher32": True}
        fill(file.create_dataset("matrix", shape, np.float64, **options))


@pytest.fixture
def unsealed(sealed):
    """Copy a sealed file to one without, with a matrix in chunks."""
    path = sealed.with_name("unsealed.h5")
    with h5py.File(sealed, "r") as file, h5py.File(path, "w") as copy:
        copy.attrs.update(file.attrs)
        for name in file:
            file.copy(name, copy)
    assert np.array_equal(read_hierarchy(path).leaves, read_hierarchy(sealed).leaves)
    return path


def test_a_lost_chunk_is_not_taken_for_zeros(unsealed):
    def fill(dataset):
        dataset[:-1] = 1.0

    chunked(unsealed, fill)
    with pytest.raises(HierarchyError, match="it is damaged"):
        read_hierarchy(unsealed)


def test_a_chunk_without_its_filters_is_refused(unsealed):
    def fill(dataset):
        dataset[:] = 1.0
        dataset.id.write_direct_chunk((0, 0), bytes(dataset[:1].nbytes), filter_mask=7)

    chunked(unsealed, fill)
    with pytest.raises(HierarchyError, match=r"matrix has a chunk at \(0, 0\) whose filters are off"):
        read_hierarchy(unsealed)


@pytest.mark.parametrize(
    "options", [{}, {"compression": "gzip"}, {"compression": "gzip", "fletcher32": True}]
)
def test_chunks_without_all_filters_are_refused(unsealed, options):
    with h5py.File(unsealed, "a") as file:
        matrix = file["matrix"][()]
        del file["matrix"]
        file.create_dataset("matrix", data=matrix, chunks=(1, 1), shuffle=False, **options)
    with pytest.raises(HierarchyError, match="matrix is in chunks without the filters"):
        read_hierarchy(unsealed)
