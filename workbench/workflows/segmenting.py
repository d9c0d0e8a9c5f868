"""Segment a raster, or a zone of a campaign, into its hierarchy."""

from __future__ import annotations

__all__ = ["Segmented", "segment_raster", "segment_zones", "summary"]

import hashlib
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.errors import HierarchyError
from workbench.geo.grid import PixelGrid, Window
from workbench.geo.raster import RasterInfo, inspect_raster, read_bands, read_valid
from workbench.geo.zone import LARGEST_ZONE, Zone
from workbench.segmentation.building import DEFAULT, segment
from workbench.segmentation.hierarchy import Hierarchy, SegmentationParameters
from workbench.segmentation.parameters import digest_image, usable_pixels
from workbench.segmentation.scene import BYTES_PER_LEAF, scene_bytes, segment_scene
from workbench.segmentation.storage import read_hierarchy, write_hierarchy

MEMORY = 6.0
"""GiB that a raster may take unless told otherwise."""

# Measured above the image: 0.30 GB for 22 Mpx of the default preset, 4.5 GB of the plain one.
_BYTES_PER_PIXEL = 12
_PIXELS_PER_BASIN = 11.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Segmented:
    """What became of one raster."""

    path: Path
    hierarchy: Hierarchy
    build_seconds: float
    """From the image in memory to the hierarchy in memory; 0 where it was there already."""
    skipped: bool
    """The file held the hierarchy of these pixels and parameters already."""
    zone: str | None = None
    """Id of the zone, if it is one."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/segment.schema.json``)."""
        return {
            "path": str(self.path),
            "zone": self.zone,
            "digest": self.hierarchy.digest,
            "leaves": self.hierarchy.leaf_count,
            "pixels": int(self.hierarchy.area.sum(dtype=np.int64)),
            "build_seconds": round(self.build_seconds, 3),
            "skipped": self.skipped,
        }

    def text(self) -> str:
        """Return one line for a person."""
        how = "was there already" if self.skipped else f"made in {self.build_seconds:.1f} s"
        return f"{self.path}: {self.hierarchy.leaf_count:,} leaves, {how}"


def summary(done: Sequence[Segmented]) -> dict[str, Any]:
    """Return the JSON view of a run (``schema/outputs/segment.schema.json``): totals and each hierarchy."""
    return {
        "build_seconds": round(sum(one.build_seconds for one in done), 3),
        "leaves": sum(one.hierarchy.leaf_count for one in done),
        "peak_mb": _peak_mb(),
        "hierarchies": [one.document() for one in done],
    }


def segment_raster(
    raster: Path,
    output: Path,
    *,
    parameters: SegmentationParameters = DEFAULT,
    overwrite: bool = False,
    memory: float = MEMORY,
    progress: Callable[[str, float], None] | None = None,
) -> Segmented:
    """Segment all pixels of a raster and write the hierarchy.

    A raster that needs more than the memory is read block by block, and its blocks are kept in a folder
    beside the output until it is written: a run that was killed goes on where it was.

    Parameters
    ----------
    memory
        GiB that may be used.
    progress
        Called with the name of each step and the share of the work done before it.

    Raises
    ------
    HierarchyError
        The output exists already, or has no folder; or the raster does not fit in the memory either way.
    RasterError
        The raster cannot be read.
    """
    if output.exists() and not overwrite:
        raise HierarchyError(f"{output} exists already; choose another name or pass --overwrite")
    if not output.parent.is_dir():
        raise HierarchyError(f"{output.parent} is not a folder; make it first")
    info = inspect_raster(raster)
    grid = info.grid
    pixels = grid.height * grid.width
    least = _PIXELS_PER_BASIN if parameters.start == "basins" else 1.0
    leaves = pixels / max(parameters.pixels_per_leaf(pixels), least)
    parts = scene_bytes(pixels, leaves)
    per_pixel = info.band_count * np.dtype(info.dtype).itemsize + _BYTES_PER_PIXEL
    whole = per_pixel * pixels + BYTES_PER_LEAF * leaves
    if whole <= memory * 2**30:
        return _build(read_bands(raster), read_valid(raster), grid, output, parameters, progress)
    if parts > memory * 2**30:
        raise HierarchyError(
            f"{raster}: {grid.height:,} × {grid.width:,} pixels need {whole / 2**30:.1f} GiB at once, "
            f"{parts / 2**30:.1f} GiB block by block, and {memory:g} GiB are given; pass "
            f"--memory {math.ceil(parts / 2**30)} if the machine has it, or cut the raster "
            f"into zones of at most {LARGEST_ZONE:,} × {LARGEST_ZONE:,}"
        )
    return _build_scene(raster, info, output, parameters, progress)


def segment_zones(
    campaign: Campaign,
    zone_id: str | None,
    *,
    parameters: SegmentationParameters = DEFAULT,
    say: Callable[[str], None],
) -> Iterator[Segmented]:
    """Segment one zone or (None) all, skipping those whose hierarchy is there with the same digest.

    Labels are pixels: a zone can be segmented again at any time and no label changes.
    """
    for zone in campaign.zones() if zone_id is None else (campaign.zone(zone_id),):
        done = _segment_zone(campaign, zone, parameters)
        say(f"{zone.id}: {done.hierarchy.leaf_count:,} leaves" + (" (there already)" if done.skipped else ""))
        yield replace(done, zone=zone.id)


def _segment_zone(campaign: Campaign, zone: Zone, parameters: SegmentationParameters) -> Segmented:
    output = campaign.hierarchy_path(zone)
    image, footprint = campaign.read_image(zone), zone.footprint()
    found = _readable(output)
    if found is not None and found.digest == parameters.digest(
        digest_image(image, usable_pixels(image, footprint))
    ):
        return Segmented(path=output, hierarchy=found, build_seconds=0.0, skipped=True)
    return _build(image, footprint, zone.grid, output, parameters)


def _build(
    image: NDArray[Any],
    valid: NDArray[np.bool_],
    grid: PixelGrid,
    output: Path,
    parameters: SegmentationParameters,
    progress: Callable[[str, float], None] | None = None,
) -> Segmented:
    start = time.perf_counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        hierarchy = segment(
            image, grid=grid, valid=valid, parameters=parameters, map=pool.map, progress=progress
        )
    seconds = time.perf_counter() - start
    write_hierarchy(hierarchy, output, overwrite=True)
    return Segmented(path=output, hierarchy=hierarchy, build_seconds=seconds, skipped=False)


def _build_scene(
    raster: Path,
    info: RasterInfo,
    output: Path,
    parameters: SegmentationParameters,
    progress: Callable[[str, float], None] | None,
) -> Segmented:
    def read(window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        image = read_bands(raster, window=window)
        return image, usable_pixels(image, read_valid(raster, window=window), some=False)

    start = time.perf_counter()
    shelf = output.with_name(output.name + ".blocks")
    with raster.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        hierarchy = segment_scene(
            read,
            grid=info.grid,
            image_digest=digest,
            shelf=shelf,
            parameters=parameters,
            map=pool.map,
            progress=progress or (lambda step, done: None),
        )
    seconds = time.perf_counter() - start
    write_hierarchy(hierarchy, output, overwrite=True)
    shutil.rmtree(shelf)
    return Segmented(path=output, hierarchy=hierarchy, build_seconds=seconds, skipped=False)


def _readable(path: Path) -> Hierarchy | None:
    """Return a hierarchy, or None where there is none or a broken one: it is derived and made again."""
    try:
        return read_hierarchy(path)
    except HierarchyError:
        return None


def _peak_mb() -> float | None:
    """Return the largest resident size of this process so far, in MiB; None where the system does not say."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)
