"""What can be asked of a hierarchy file: what it is, one of its cuts, how good it is for a known mask."""

from __future__ import annotations

__all__ = ["describe", "evaluate_file", "write_cut"]

import math
from pathlib import Path
from typing import Any

import numpy as np

from workbench.counting import counted
from workbench.errors import HierarchyError
from workbench.geo.geotiff import write_raster
from workbench.geo.raster import inspect_raster, read_bands, read_valid
from workbench.geo.raster_kinds import REGIONS
from workbench.outputs import check_output
from workbench.segmentation.hierarchy import NODATA_LEAF
from workbench.segmentation.quality import evaluate
from workbench.segmentation.storage import read_hierarchy

_COUNTS = (10, 100, 1_000, 10_000)


def describe(path: Path) -> dict[str, Any]:
    """Return what a hierarchy was made of, and the scale of its cuts of some sizes."""
    found = read_hierarchy(path)
    cuts = [found.cut_count(count) for count in _COUNTS if count < found.leaf_count]
    return {
        "path": str(path),
        "digest": found.digest,
        "image_digest": found.image_digest,
        "crs": found.grid.crs,
        "resolution": found.grid.resolution,
        "height": found.grid.height,
        "width": found.grid.width,
        "bands": int(found.sums.shape[0]),
        "pixels": int(found.area.sum(dtype=np.int64)),
        "leaves": found.leaf_count,
        "parameters": found.parameters.as_document(),
        "cuts": [{"regions": cut.count, "scale": cut.scale} for cut in cuts],
    }


def write_cut(path: Path, output: Path, *, scale: float | None, regions: int | None, overwrite: bool) -> str:
    """Write the regions at a scale, or the finest cut of at most so many, as uint32 from 1 (0 = no data).

    Returns
    -------
    str
        One line for a person.
    """
    check_output(output, REGIONS, overwrite=overwrite, sources=(path,))
    found = read_hierarchy(path)
    cut = found.cut(scale) if scale is not None else found.cut_count(regions or 1)
    labels = cut.labels()
    numbered = np.where(labels == NODATA_LEAF, 0, labels + np.uint32(1)).astype(np.uint32)
    write_raster(output, numbered, found.grid, kind=REGIONS, predictor=2, overwrite=overwrite)
    at = "the largest scale" if scale == math.inf else f"scale {cut.scale + 0.0:g}"
    fewest = "; no cut has fewer" if regions is not None and cut.count > regions else ""
    return f"{output}: {counted(cut.count, 'region')} at {at}{fewest}"


def evaluate_file(path: Path, truth: Path) -> tuple[dict[str, Any], str]:
    """Measure a hierarchy against a mask of its size; 0 in the mask, and its nodata, do not count.

    Returns
    -------
    document, text
        The JSON view (``schema/outputs/hierarchy-evaluate.schema.json``) and a table for a person.

    Raises
    ------
    HierarchyError
        The mask does not lie on the hierarchy's pixels.
    """
    found = read_hierarchy(path)
    info = inspect_raster(truth, assume_crs=found.grid.crs)
    if not info.grid.coincides(found.grid):
        raise HierarchyError(
            f"{truth} ({info.grid.height} × {info.grid.width} pixels from {info.grid.xy(0, 0)}) "
            f"does not lie on {path} ({found.grid.height} × {found.grid.width} from {found.grid.xy(0, 0)}); "
            "give the mask of the same image"
        )
    if info.band_count != 1:
        raise HierarchyError(f"{truth} has {info.band_count} bands; a mask has one band of class numbers")
    classes = np.where(read_valid(truth), read_bands(truth, bands=(1,))[0], 0)
    evaluation = evaluate(found, classes, ignore=0)
    return {"path": str(path), "truth": str(truth)} | evaluation.document(), evaluation.text()
