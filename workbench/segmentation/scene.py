"""Scenes larger than memory: block after block from a reader, kept on disk until all are there.

A run that was killed goes on where it was: blocks that are kept, and were made of the same image in the same
way, are not made again.

The folder of the blocks, the shelf, holds ``scene.json``, which says what they are blocks of, and two files a
block: ``000012.npy``, the image of its labels, which stays on disk until the end, and ``000012.npz``, the
rest and the checksum of that image.
"""

from __future__ import annotations

__all__ = ["Shelf", "segment_scene"]

import contextlib
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from workbench import documents
from workbench.errors import HierarchyError
from workbench.geo.grid import PixelGrid
from workbench.segmentation.building import DEFAULT, Reader, segment_source
from workbench.segmentation.graph import LeafStatistics, RegionGraph
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.mapper import Mapper
from workbench.segmentation.parameters import SegmentationParameters
from workbench.segmentation.tiling import BLOCK, Reduced

_OWN = frozenset({"lock", "scene.json"})
_RIM = ("left_rim", "right_rim", "top_rim", "bottom_rim")


class Shelf:
    """The folder that keeps the blocks of a scene until its hierarchy is written; one run at a time.

    Parameters
    ----------
    folder
        Where it is, or will be.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / "lock", timeout=0, thread_local=False)

    def __enter__(self) -> Self:
        """Take the folder.

        Raises
        ------
        HierarchyError
            It is something else, another run has it, or it cannot be written to.
        """
        folder = self._folder
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise HierarchyError(f"{folder} is in the way of the blocks of a scene; move it away")
        strange = [name for name in self._names() if not name.startswith("0") and name not in _OWN]
        if strange:
            raise HierarchyError(
                f"{folder} holds {strange[0]}, which is no block of a scene; move the folder away"
            )
        try:
            folder.mkdir(exist_ok=True)
            self._lock.acquire()
        except Timeout as error:
            raise HierarchyError(f"{folder}: another run is making this hierarchy; wait for it") from error
        except OSError as error:
            raise HierarchyError(
                f"{folder} cannot be written to ({error.strerror}); look at its rights"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def prepare(self, key: dict[str, object]) -> int:
        """Keep blocks that were made of this image in this way, throw others away; return how many stay."""
        text = json.dumps(key, sort_keys=True)
        label = self._folder / "scene.json"
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if label.read_text(encoding="utf-8") == text:
                return sum(name.endswith(".npz") and not name.startswith(".") for name in self._names())
        self._empty()
        label.write_text(text, encoding="utf-8")
        return 0

    def block(self, number: int, make: Callable[[], Reduced]) -> Reduced:
        """Return the regions of a block, made now or before; the image of their labels stays on disk.

        Raises
        ------
        HierarchyError
            The block cannot be written.
        """
        stem = self._folder / f"{number:06}"
        rest, labels = stem.with_suffix(".npz"), stem.with_suffix(".npy")
        # What a power cut leaves may be any bytes: then the block is made again.
        with contextlib.suppress(OSError, ValueError, KeyError, EOFError, BadZipFile, zlib.error):
            return _read(rest, labels, check=True)
        block = make()
        try:
            _write(block, rest, labels)
        except OSError as error:
            raise HierarchyError(
                f"{self._folder}: a block cannot be written ({error.strerror or error}); make room on "
                "the disk and run the command again, it goes on from the blocks there, or delete the folder"
            ) from error
        return _read(rest, labels, check=False)

    def discard(self) -> None:
        """Throw the blocks and the folder away."""
        self._empty()
        self._lock.release()
        with contextlib.suppress(OSError):
            (self._folder / "lock").unlink(missing_ok=True)
            self._folder.rmdir()

    def clear(self) -> None:
        """Throw away what an earlier run left, if it left blocks; a folder that is not ours stays."""
        if (self._folder / "scene.json").is_file():
            with self:
                self.discard()

    def _names(self) -> list[str]:
        return [path.name for path in self._folder.iterdir()] if self._folder.is_dir() else []

    def _empty(self) -> None:
        for name in self._names():
            if name != "lock":
                (self._folder / name).unlink()


def segment_scene(
    read: Reader,
    *,
    grid: PixelGrid,
    image_digest: str,
    shelf: Shelf,
    kept: Callable[[int], None],
    parameters: SegmentationParameters = DEFAULT,
    map: Mapper = map,  # noqa: A002 - it takes the place of the builtin
    progress: Callable[[str, float], None],
) -> Hierarchy:
    """Build the hierarchy of an image that is read window by window.

    Parameters
    ----------
    read
        Returns the pixels of a window, shape (band, row, col), and which of them are valid. Several threads
        may call it at once.
    image_digest
        Names the image: 64 hexadecimal digits that change when a pixel does.
    shelf
        Keeps the blocks; the caller has entered it, and discards it when the hierarchy is written.
    kept
        Called with the number of blocks that an earlier run kept, before any is made.
    map
        As for `segment`.
    """
    key = {"image": image_digest, "parameters": parameters.as_document(), "block": BLOCK}
    kept(shelf.prepare(key))
    return segment_source(
        read,
        grid=grid,
        parameters=parameters,
        matrix=None,
        image_digest=lambda: image_digest,
        keep=shelf.block,
        map=map,
        progress=progress,
    )


def _write(block: Reduced, rest: Path, labels: Path) -> None:
    with documents.replacing(labels) as temporary, temporary.open("wb") as file:
        np.save(file, block.labels)
    arrays: dict[str, NDArray[Any]] = {
        **dict(zip(_RIM, block.rim, strict=True)),
        "area": block.statistics.area,
        "sums": block.statistics.sums,
        "squares": block.statistics.squares,
        "offsets": block.graph.offsets,
        "neighbours": block.graph.neighbours,
        "lengths": block.graph.lengths,
        "right": block.goes_on[0],
        "below": block.goes_on[1],
        "right_weights": block.weights[0],
        "below_weights": block.weights[1],
        "checksum": np.array(_checksum(block.labels)),
    }
    with documents.replacing(rest) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def _read(rest: Path, labels: Path, *, check: bool) -> Reduced:
    numbers = np.asarray(np.load(labels, mmap_mode="c"))
    with np.load(rest) as found:
        if check and _checksum(numbers) != int(found["checksum"]):
            raise ValueError(f"{labels} is damaged")
        return Reduced(
            labels=numbers,
            rim=(found["left_rim"], found["right_rim"], found["top_rim"], found["bottom_rim"]),
            statistics=LeafStatistics(found["area"], found["sums"], found["squares"]),
            graph=RegionGraph(found["offsets"], found["neighbours"], found["lengths"]),
            goes_on=(found["right"], found["below"]),
            weights=(found["right_weights"], found["below_weights"]),
        )


def _checksum(labels: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(labels).data)
