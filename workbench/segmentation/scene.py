"""Scenes larger than memory: block after block from a reader, kept on disk until all are there.

A run that was killed goes on where it was: blocks that are kept, and were made of the same image in the same
way, are not made again.
"""

from __future__ import annotations

__all__ = ["BYTES_PER_LEAF", "scene_bytes", "segment_scene"]

import contextlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from workbench import documents
from workbench.geo.grid import PixelGrid
from workbench.segmentation.building import DEFAULT, Reader, segment_source
from workbench.segmentation.graph import LeafStatistics, RegionGraph
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.mapper import Mapper
from workbench.segmentation.parameters import SegmentationParameters
from workbench.segmentation.tiling import BLOCK, Reduced

BYTES_PER_LEAF = 400
"""What a leaf takes while it is merged: its statistics, neighbours and nodes, measured."""

_RIM = ("left_rim", "right_rim", "top_rim", "bottom_rim")


def segment_scene(
    read: Reader,
    *,
    grid: PixelGrid,
    image_digest: str,
    shelf: Path,
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
        Folder for the blocks: made if it is missing, emptied if it holds blocks of something else. Throw it
        away when the hierarchy is written.
    map
        As for `segment`.
    """
    key = {"image": image_digest, "parameters": parameters.as_document(), "block": BLOCK}
    _prepare(shelf, key)
    return segment_source(
        read,
        grid=grid,
        parameters=parameters,
        matrix=None,
        image_digest=lambda: image_digest,
        keep=lambda number, make: _kept(shelf / f"{number:06}", make),
        map=map,
        progress=progress,
    )


def _prepare(shelf: Path, key: dict[str, object]) -> None:
    """Make the folder ready for blocks of this image and these parameters."""
    text = json.dumps(key, sort_keys=True)
    label = shelf / "scene.json"
    with contextlib.suppress(OSError):
        if label.read_text() == text:
            return
    if shelf.exists():
        shutil.rmtree(shelf)
    shelf.mkdir(parents=True)
    label.write_text(text)


def _kept(stem: Path, make: Callable[[], Reduced]) -> Reduced:
    """Return the regions of a block, made now or before; the image of their labels stays on disk."""
    rest, labels = stem.with_suffix(".npz"), stem.with_suffix(".npy")
    # What a power cut leaves may be any bytes: then the block is made again.
    with contextlib.suppress(OSError, ValueError, KeyError, EOFError, BadZipFile):
        return _read(rest, labels)
    block = make()
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
    }
    with documents.replacing(rest) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    return _read(rest, labels)


def _read(rest: Path, labels: Path) -> Reduced:
    with np.load(rest) as found:
        return Reduced(
            labels=np.asarray(np.load(labels, mmap_mode="c")),
            rim=(found["left_rim"], found["right_rim"], found["top_rim"], found["bottom_rim"]),
            statistics=LeafStatistics(found["area"], found["sums"], found["squares"]),
            graph=RegionGraph(found["offsets"], found["neighbours"], found["lengths"]),
            goes_on=(found["right"], found["below"]),
            weights=(found["right_weights"], found["below_weights"]),
        )


def scene_bytes(pixels: int, leaves: float) -> float:
    """Return about how much memory a scene takes: measured for 625 megapixels and 8 million leaves."""
    return 4.0 * pixels + BYTES_PER_LEAF * leaves + (1 << 28)
