"""Snapshots: what a store knew at some heads of its journals, so that it opens without painting again.

A snapshot is a cache. It is written once, as ``<ops>-<digest>.npz`` in a folder beside the journals, and
anybody may throw it away: one that is damaged, or of journals that are not there as they were, is passed
over, and the journals are painted from the first op. What it holds is checked before it is used, so a file
from elsewhere can at worst show wrong labels, which `journal verify` finds, since it paints for itself.

Not HDF5 as in hierarchies: a damaged file of numpy's is an error, never a loop or a fault, and a snapshot is
read whole.
"""

from __future__ import annotations

__all__ = [
    "FoldPicture",
    "PendingSnapshot",
    "Shelf",
    "Snapshot",
    "newest_snapshot",
    "snapshot_key",
    "write_snapshot",
]

import json
import os
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.documents import canonical_bytes, digest, replacing
from workbench.errors import EditRefused, JournalError
from workbench.labels.lasts import Picture, Runs
from workbench.labels.meta import JournalSubject
from workbench.labels.op import Head
from workbench.labels.tables import Row

_FORMAT, _FORMAT_VERSION = "ocs-workbench/snapshot", 2
_KEPT = 3
_MANY = 500
"""Ops after which a store writes a snapshot when it is closed; so many are painted in a blink."""
_TABLE, _VALUES, _LENGTHS = "table_", "values_", "lengths_"
# What numpy and zipfile raise when they meet bytes that they did not write.
_DAMAGED = (
    OSError, ValueError, KeyError, TypeError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile,
    zlib.error, JournalError, EditRefused,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """The table of ops and the planes of a store."""

    heads: tuple[Head, ...]
    """Last op of each author, in the order of the table's numbers of authors."""
    table: Mapping[str, NDArray[Any]]
    """What `OpTable.state` returned."""
    planes: Mapping[str, Runs]
    """By kind of op: the last op on each pixel."""

    @property
    def ops(self) -> int:
        """Number of ops."""
        return sum(head.seq for head in self.heads)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoldPicture:
    """What a snapshot is made of, taken in an instant; the store may go on changing."""

    heads: tuple[Head, ...]
    table: Mapping[str, NDArray[Any]]
    planes: Mapping[str, Picture]

    def developed(self) -> Snapshot:
        """Return the snapshot of that instant, in any thread, once; it looks at every pixel."""
        planes = {kind: picture.runs() for kind, picture in self.planes.items()}
        return Snapshot(heads=self.heads, table=self.table, planes=planes)


class PendingSnapshot:
    """A snapshot of a store as it was in an instant, to be written by any thread.

    It costs the store a copy of the pixels that change before it is written; thrown away unwritten, nothing.
    """

    def __init__(self, folder: Path, picture: FoldPicture, key: str) -> None:
        self.ops = sum(head.seq for head in picture.heads)
        """Ops that the store had."""
        self._folder, self._key = folder, key
        self._picture: FoldPicture | None = picture
        self._written = False
        self._lock = Lock()

    def write(self) -> bool:
        """Write it, once, however many threads ask; all of them wait for the one that does.

        Returns
        -------
        bool
            Whether it is on the disk. A disk that is full is no error: nothing depends on a snapshot.
        """
        with self._lock:
            picture, self._picture = self._picture, None
            if picture is not None:
                with suppress(OSError):
                    write_snapshot(self._folder, picture.developed(), self._key)
                    self._written = True
            return self._written


class Shelf:
    """Where a store puts its snapshots, and when."""

    def __init__(self, folder: Path, key: str, *, settled: int) -> None:
        self._folder, self._key = folder, key
        self._settled = settled
        """Ops that the last snapshot has that is known to be on the disk."""
        self._pending: PendingSnapshot | None = None

    def begin(self, picture: FoldPicture) -> PendingSnapshot:
        """Return a snapshot that any thread may write."""
        self._pending = PendingSnapshot(self._folder, picture, self._key)
        return self._pending

    def settle(self, ops: int, picture: Callable[[], FoldPicture]) -> None:
        """Write a snapshot if a store of so many ops has many more than the last; wait for one underway."""
        if ops - self._settled >= _MANY and self._pending is not None and self._pending.write():
            self._settled = self._pending.ops
        if ops - self._settled >= _MANY:
            self.begin(picture()).write()


def snapshot_key(subject: JournalSubject, footprint: NDArray[np.bool_], track: str) -> str:
    """Return the digest of what a store is about; snapshots of anything else are passed over."""
    grid = subject.grid
    about = {
        "zone": subject.zone,
        "crs": grid.crs,
        "transform": [float(value) for value in tuple(grid.transform)[:6]],
        "shape": list(grid.shape),
        "nomenclature": subject.nomenclature,
        "footprint": digest(np.packbits(footprint).tobytes()),
        "track": track,
    }
    return digest(canonical_bytes(about))


def write_snapshot(folder: Path, snapshot: Snapshot, key: str) -> Path:
    """Write a snapshot, durably, and throw away all but the newest few.

    Raises
    ------
    OSError
        It could not be written; nothing depends on it.
    """
    heads = [{"author": head.author, "seq": head.seq, "sha256": head.sha256} for head in snapshot.heads]
    meta = canonical_bytes({"format": _FORMAT, "format_version": _FORMAT_VERSION, "key": key, "heads": heads})
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{snapshot.ops:010}-{digest(meta)[:8]}.npz"
    arrays = {_TABLE + name: array for name, array in snapshot.table.items()}
    arrays |= {"meta": np.frombuffer(meta, np.uint8)}
    for kind, runs in snapshot.planes.items():
        arrays[_VALUES + kind], arrays[_LENGTHS + kind] = runs
    others = [_written(other) for other in _files(folder) if other != path]
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
    if _written(path) <= max(others, default=0):  # the clock went back
        os.utime(path, ns=(max(others) + 1,) * 2)
    for old in _files(folder)[_KEPT:]:
        old.unlink(missing_ok=True)
    return path


def newest_snapshot(
    folder: Path, key: str, rows: Mapping[str, Sequence[Row]], shape: tuple[int, ...]
) -> Snapshot | None:
    """Return the newest snapshot that is sound and of the journals as they are, None without one.

    Parameters
    ----------
    folder
        Where they lie; it may be missing.
    key
        As `snapshot_key` gives it.
    rows
        Of the journal of each author.
    shape
        (row, col) of the zone.
    """
    for path in _files(folder):
        try:
            snapshot = _read(path, key, rows, shape)
        except _DAMAGED:
            continue
        if snapshot is not None:
            return snapshot
    return None


def _files(folder: Path) -> list[Path]:
    """Return the snapshots of a folder, the last written first: a mended journal has fewer ops."""
    return sorted(folder.glob("[0-9]*.npz"), key=lambda path: (_written(path), path.name), reverse=True)


def _written(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # somebody threw it away meanwhile
        return 0


def _read(path: Path, key: str, rows: Mapping[str, Sequence[Row]], shape: tuple[int, ...]) -> Snapshot | None:
    """Read a snapshot, None if it is none of these journals."""
    with path.open("rb") as content, np.load(content, allow_pickle=False) as file:
        meta = json.loads(file["meta"].tobytes())
        if meta["format_version"] != _FORMAT_VERSION or meta["key"] != key:
            return None
        heads = tuple(Head(**head) for head in meta["heads"])
        if not all(_holds(rows.get(head.author, ()), head) for head in heads):
            return None
        kinds = [name.removeprefix(_VALUES) for name in file.files if name.startswith(_VALUES)]
        planes = {kind: _plane(file[_VALUES + kind], file[_LENGTHS + kind], shape) for kind in kinds}
        table = {name.removeprefix(_TABLE): file[name] for name in file.files if name.startswith(_TABLE)}
    return Snapshot(heads=heads, table=table, planes=planes)


def _plane(values: NDArray[np.uint32], lengths: NDArray[np.uint32], shape: tuple[int, ...]) -> Runs:
    right = values.dtype == lengths.dtype == np.uint32 and values.shape == lengths.shape and values.ndim == 1
    if not right or int(lengths.sum(dtype=np.uint64)) != shape[0] * shape[1]:
        raise ValueError("a plane is not of the zone's pixels")
    return Runs(values=values, lengths=lengths)


def _holds(rows: Sequence[Row], head: Head) -> bool:
    return head.seq <= len(rows) and rows[head.seq - 1].sha256.hex() == head.sha256
