"""Segment a raster, or a zone of a campaign, into its hierarchy."""

from __future__ import annotations

__all__ = ["Segmented", "segment_raster", "segment_zones", "summary"]

import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.documents import digest_file
from workbench.errors import HierarchyError, WorkbenchError
from workbench.geo.grid import PixelGrid, Window
from workbench.geo.predictions import check_picture
from workbench.geo.raster import RasterInfo, inspect_raster, read_bands, read_valid
from workbench.geo.zone import Zone
from workbench.outputs import check_older, check_output
from workbench.segmentation.building import DEFAULT, segment
from workbench.segmentation.hierarchy import Hierarchy, SegmentationParameters
from workbench.segmentation.parameters import digest_image, usable_pixels
from workbench.segmentation.scene import Shelf, segment_scene
from workbench.segmentation.storage import HIERARCHY, read_hierarchy, write_hierarchy

MEMORY = 6.0
"""GiB that a raster may take unless told otherwise."""

# Measured on rasters of 1 to 64 bands, 4 to 625 megapixels, 58,000 to 8 million leaves.
# They take what follows in bytes, and so the whole process within 15 %.
_AT_ONCE, _PER_BYTE_AT_ONCE, _PER_PIXEL = 230e6, 3e6, 11
_IN_BLOCKS, _PER_BYTE_IN_BLOCKS, _PER_LABEL = 265e6, 5.5e6, 4
_PER_LEAF, _PER_SUM, _FROM_PIXELS = 168, 48, 1.35
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
        return f"{self.path}: {counted(self.hierarchy.leaf_count, 'leaf', 'leaves')}, {how}"


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
    say: Callable[[str], None] = lambda sentence: None,
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
    say
        Called with a sentence for a person where a run goes on from what an earlier one left.

    Raises
    ------
    HierarchyError
        The output exists already, or has no folder; or the raster does not fit in the memory either way.
    RasterError
        The raster cannot be read.
    """
    check_output(output, HIERARCHY, overwrite=overwrite, sources=(raster,), error=HierarchyError)
    if not memory > 0:
        raise HierarchyError(f"--memory {memory} is no amount of memory; give GiB above 0")
    info = inspect_raster(raster)
    check_picture(info)
    whole, parts = _needed_memory(info, parameters)
    if min(whole, parts) > memory:
        raise HierarchyError(
            f"{raster}: {info.grid.height:,} × {info.grid.width:,} pixels need {whole:.2f} GiB at once, "
            f"{parts:.2f} GiB block by block, and {memory:g} GiB are given; pass "
            f"--memory {math.ceil(min(whole, parts) * 10) / 10:g} if the machine has it, or cut the raster "
            "into smaller ones"
        )
    shelf = Shelf(output.with_name(output.name + ".blocks"))
    with _about(raster):
        if whole > memory:
            return _build_scene(raster, info, output, shelf, parameters, progress, say)
        done = _build(read_bands(raster), read_valid(raster), info.grid, output, parameters, progress)
    shelf.clear()
    return done


def segment_zones(
    campaign: Campaign,
    zone_id: str | None,
    *,
    parameters: SegmentationParameters = DEFAULT,
    overwrite: bool = False,
    say: Callable[[str], None],
    progress: Callable[[str, float], None] | None = None,
) -> Iterator[Segmented]:
    """Segment one zone or (None) all, skipping (or not) those whose hierarchy is there with the same digest.

    Labels are pixels: a zone can be segmented again at any time and no label changes.

    Parameters
    ----------
    campaign, zone_id, parameters, overwrite
        Which zones, and how.
    say
        Told how each zone went.
    progress
        Called with the zone and the step, and the share of all the work done before it.

    Raises
    ------
    WorkbenchError
        A zone cannot be segmented; of all zones, once the others are.
    """
    zones = campaign.zones() if zone_id is None else (campaign.zone(zone_id),)
    left_out = []
    for place, zone in enumerate(zones):
        advance = partial(_advance, progress, zone.id, place, len(zones))
        try:
            with _about(zone.id):
                advance("image", 0.0)
                done = _segment_zone(campaign, zone, parameters, overwrite=overwrite, progress=advance)
        except WorkbenchError as error:
            if len(zones) == 1:
                raise
            left_out.append(str(error))
            continue
        leaves = counted(done.hierarchy.leaf_count, "leaf", "leaves")
        say(f"{zone.id}: {leaves}" + (" (there already)" if done.skipped else ""))
        yield replace(done, zone=zone.id)
    if left_out:
        raise HierarchyError(
            f"{len(left_out)} of {counted(len(zones), 'zone')} could not be segmented: {'; '.join(left_out)}"
        )


def _advance(
    progress: Callable[[str, float], None] | None, zone: str, place: int, count: int, step: str, share: float
) -> None:
    """Tell how far one of several zones is."""
    if progress is not None:
        progress(f"{zone}: {step}", (place + share) / count)


def _segment_zone(
    campaign: Campaign,
    zone: Zone,
    parameters: SegmentationParameters,
    *,
    overwrite: bool,
    progress: Callable[[str, float], None],
) -> Segmented:
    output = campaign.hierarchy_path(zone)
    check_older(output, HIERARCHY, error=HierarchyError)
    image, footprint = campaign.read_image(zone), zone.footprint()
    found = None if overwrite else _readable(output)
    if found is not None and found.digest == parameters.digest(
        digest_image(image, usable_pixels(image, footprint))
    ):
        return Segmented(path=output, hierarchy=found, build_seconds=0.0, skipped=True)
    return _build(image, footprint, zone.grid, output, parameters, progress)


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
    shelf: Shelf,
    parameters: SegmentationParameters,
    progress: Callable[[str, float], None] | None,
    say: Callable[[str], None],
) -> Segmented:
    def read(window: Window) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        image = read_bands(raster, window=window)
        return image, usable_pixels(image, read_valid(raster, window=window), some=False)

    def kept(blocks: int) -> None:
        if blocks:
            say(f"{output}: going on from {counted(blocks, 'block')} that an earlier run made")

    start = time.perf_counter()
    digest = digest_file(raster)
    with shelf, ThreadPoolExecutor(os.cpu_count()) as pool:
        hierarchy = segment_scene(
            read,
            grid=info.grid,
            image_digest=digest,
            shelf=shelf,
            kept=kept,
            parameters=parameters,
            map=pool.map,
            progress=progress or (lambda step, done: None),
        )
        seconds = time.perf_counter() - start
        write_hierarchy(hierarchy, output, overwrite=True)
        shelf.discard()
    return Segmented(path=output, hierarchy=hierarchy, build_seconds=seconds, skipped=False)


def _needed_memory(info: RasterInfo, parameters: SegmentationParameters) -> tuple[float, float]:
    """Return about how many GiB a raster takes at once, and block by block."""
    pixels = info.grid.height * info.grid.width
    least = _PIXELS_PER_BASIN if parameters.start == "basins" else 1.0
    leaves = pixels / max(parameters.pixels_per_leaf(pixels), least)
    merging = (_PER_LEAF + _PER_SUM * info.band_count) * leaves
    if parameters.start == "pixels":
        merging *= _FROM_PIXELS
    pixel = info.band_count * np.dtype(info.dtype).itemsize
    whole = (pixel + _PER_PIXEL) * pixels + merging + _AT_ONCE + _PER_BYTE_AT_ONCE * pixel
    blocks = _PER_LABEL * pixels + merging + _IN_BLOCKS + _PER_BYTE_IN_BLOCKS * pixel
    return whole / 2**30, blocks / 2**30


@contextmanager
def _about(what: object) -> Iterator[None]:
    """Have errors say what they are about, where that is not in them already."""
    try:
        yield
    except HierarchyError as error:
        text = str(error)
        raise HierarchyError(text if str(what) in text else f"{what}: {text}") from error


def _readable(path: Path) -> Hierarchy | None:
    """Return a hierarchy, or None where there is none or a broken one: it is derived and made again."""
    try:
        return read_hierarchy(path)
    except HierarchyError:
        return None


def _peak_mb() -> float | None:
    """Return the largest resident size of this process so far, in MiB; None where the system does not say."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux hands getrusage's figure on from the process that started this one
        fields = dict(line.split(":", 1) for line in status.read_text(encoding="ascii").splitlines())
        return round(int(fields["VmHWM"].split()[0]) / (1 << 10), 1)
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1 << 20 if sys.platform == "darwin" else 1 << 10), 1)
