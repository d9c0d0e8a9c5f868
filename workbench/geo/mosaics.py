"""Parts of a raster, each a file of its own, as one cloud-optimized GeoTIFF: rasterio's second door.

What is too large for memory is made in parts, which are written whole or not at all, and outlast a kill.
"""

from __future__ import annotations

__all__ = ["Part", "write_mosaic"]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import rasterio
import rasterio.shutil
from rasterio._err import CPLE_BaseError  # what copying raises; rasterio.errors has no name for it
from rasterio.errors import RasterioError

from workbench.documents import replacing
from workbench.errors import RasterError
from workbench.geo.grid import PixelGrid, Window
from workbench.geo.raster import FORMAT
from workbench.outputs import OutputKind

_OPTIONS = {
    "driver": "COG",
    "compress": "DEFLATE",
    "blocksize": 512,
    "overview_resampling": "NEAREST",  # a class between two others is a third one
    "num_threads": "ALL_CPUS",
    "bigtiff": "IF_SAFER",
}
_SETTINGS = {
    "GDAL_CACHEMAX": 64 << 20,  # bytes; GDAL's usual cache is a twentieth of the machine's memory
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file with some of a raster's pixels."""

    path: Path
    window: Window
    """Where they lie."""


def write_mosaic(
    path: Path,
    parts: Iterable[Part],
    grid: PixelGrid,
    *,
    kind: OutputKind,
    bands: Sequence[int],
    descriptions: Sequence[str],
    tags: Mapping[str, str],
    folder: Path,
    error: type[RasterError] = RasterError,
) -> None:
    """Write parts, all of uint8, as a cloud-optimized GeoTIFF with overviews; equal input, equal bytes.

    Parameters
    ----------
    path
        File to write, whole or not at all; an older one is replaced.
    parts
        Together they cover the grid.
    grid
        Where the whole lies.
    kind
        What it is.
    bands
        Numbers from 1 of the parts' bands, in the order wanted.
    descriptions
        One for each of them.
    tags
        Free text tags.
    folder
        For files that go again, and lie there after a kill.
    error
        What to raise.

    Raises
    ------
    RasterError
        A part cannot be read, or the disk is full.
    """
    virtual = folder / f"{path.stem}.vrt"
    try:
        virtual.write_bytes(_described(list(parts), grid, bands, descriptions, {**tags, FORMAT: kind.mark}))
        with replacing(path) as temporary, rasterio.Env(**_SETTINGS, CPL_TMPDIR=str(folder)):
            rasterio.shutil.copy(virtual, temporary, **_OPTIONS)
            _check_whole(temporary, grid)
    except (RasterioError, CPLE_BaseError, OSError) as failure:
        if isinstance(failure, RasterError):
            raise
        raise error(f"{path} cannot be written ({failure}); look at the room on the disk") from failure
    finally:
        virtual.unlink(missing_ok=True)


def _check_whole(path: Path, grid: PixelGrid) -> None:
    """Read what GDAL wrote last: on a full disk it may say nothing."""
    last = Window(row=grid.height - 1, col=grid.width - 1, height=1, width=1)
    with rasterio.open(path) as written:
        where = rasterio.windows.Window(last.col, last.row, 1, 1)
        written.read(window=where)
    with path.open("rb") as file:
        file.seek(-1, 2)


def _described(
    parts: Sequence[Part],
    grid: PixelGrid,
    bands: Sequence[int],
    descriptions: Sequence[str],
    tags: Mapping[str, str],
) -> bytes:
    """Return GDAL's virtual dataset of the parts."""
    root = ElementTree.Element("VRTDataset", rasterXSize=str(grid.width), rasterYSize=str(grid.height))
    ElementTree.SubElement(root, "SRS").text = grid.crs
    # GDAL's own order: x and its steps, then y and its steps.
    a, b, c, d, e, f = tuple(grid.transform)[:6]
    ElementTree.SubElement(root, "GeoTransform").text = ", ".join(map(repr, map(float, (c, a, b, f, d, e))))
    metadata = ElementTree.SubElement(root, "Metadata")
    for key, value in sorted(tags.items()):
        ElementTree.SubElement(metadata, "MDI", key=key).text = value
    for number, (band, description) in enumerate(zip(bands, descriptions, strict=True), start=1):
        target = ElementTree.SubElement(root, "VRTRasterBand", dataType="Byte", band=str(number))
        ElementTree.SubElement(target, "Description").text = description
        for part in parts:
            source = ElementTree.SubElement(target, "SimpleSource")
            ElementTree.SubElement(source, "SourceFilename", relativeToVRT="0").text = str(
                part.path.resolve()
            )
            ElementTree.SubElement(source, "SourceBand").text = str(band)
            height, width = part.window.shape
            ElementTree.SubElement(
                source,
                "SourceProperties",
                RasterXSize=str(width),
                RasterYSize=str(height),
                DataType="Byte",
                BlockXSize="512",
                BlockYSize="512",
            )
            for name, row, col in (("SrcRect", 0, 0), ("DstRect", part.window.row, part.window.col)):
                ElementTree.SubElement(source, name, _rectangle(row, col, height, width))
    content: bytes = ElementTree.tostring(root, encoding="utf-8")
    return content


def _rectangle(row: int, col: int, height: int, width: int) -> dict[str, Any]:
    return {"xOff": str(col), "yOff": str(row), "xSize": str(width), "ySize": str(height)}
