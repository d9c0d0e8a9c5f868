"""GeoTIFFs out: durable files, or the bytes of many small ones.

Writing is durable (temporary sibling, sync, rename) and gives equal bytes for equal input.
"""

from __future__ import annotations

__all__ = ["encode_raster", "write_raster"]

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.io import MemoryFile

from workbench.documents import write_file
from workbench.errors import RasterError
from workbench.geo.grid import PixelGrid
from workbench.geo.raster import FORMAT, crs_name
from workbench.outputs import OutputKind, check_output


def write_raster(
    path: Path,
    pixels: NDArray[Any],
    grid: PixelGrid,
    *,
    kind: OutputKind | None = None,
    compress: str = "deflate",
    level: int = 6,
    predictor: int = 1,
    descriptions: Sequence[str] = (),
    colours: Mapping[int, tuple[int, int, int]] | None = None,
    tags: Mapping[str, str] | None = None,
    tiled: bool = True,
    overwrite: bool = False,
) -> None:
    """Write a GeoTIFF; equal input gives equal bytes.

    Parameters
    ----------
    path
        File to write; its folder must exist.
    pixels
        Shape (band, row, col) or (row, col).
    grid
        Where the pixels lie; its shape must be the pixels'.
    kind
        What it is; None where it is no output of a command, and replaces nothing.
    compress, level, predictor
        GDAL's COMPRESS, ZLEVEL and PREDICTOR.
    descriptions
        One name per band.
    colours
        Colour table of a single uint8 band, so that viewers do not show a class raster as black.
    tags
        Free text tags.
    tiled
        512×512 blocks; otherwise strips.
    overwrite
        Replace an older one of its kind.

    Raises
    ------
    RasterError
        Something else is there, its folder is not, the pixels do not fit the grid, or the disk is full.
    """
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise RasterError(f"{path}: a GeoTIFF is written; give it a name that ends in .tif")
    if kind is not None:
        check_output(path, kind, overwrite=overwrite, error=RasterError)
    elif os.path.lexists(path):
        raise RasterError(f"{path} exists already; choose another name")
    planes, profile = _prepared(pixels, grid, compress, level, predictor, tiled=tiled, called=str(path))
    # GDAL writes to memory: on a full disk it closes a file that is cut short, and says nothing.
    with _encoded(profile, planes, descriptions, colours, _marked(tags, kind)) as content:
        write_file(path, content, error=RasterError)


def encode_raster(
    pixels: NDArray[Any],
    grid: PixelGrid,
    *,
    kind: OutputKind | None = None,
    compress: str = "deflate",
    level: int = 6,
    predictor: int = 1,
    colours: Mapping[int, tuple[int, int, int]] | None = None,
) -> bytes:
    """Return the bytes of a tiled GeoTIFF, each band in blocks of its own; equal input gives equal bytes.

    For many small rasters: the caller hashes and writes the bytes itself, so a full disk is an `OSError` and
    nothing is synced file by file. Parameters are those of `write_raster`.
    """
    planes, profile = _prepared(pixels, grid, compress, level, predictor, tiled=True, called="raster")
    with _encoded(profile | {"interleave": "band"}, planes, (), colours, _marked(None, kind)) as content:
        return bytes(content)


def _marked(tags: Mapping[str, str] | None, kind: OutputKind | None) -> Mapping[str, str]:
    return {**(tags or {}), **({} if kind is None else {FORMAT: kind.mark})}


def _prepared(
    pixels: NDArray[Any],
    grid: PixelGrid,
    compress: str,
    level: int,
    predictor: int,
    *,
    tiled: bool,
    called: str,
) -> tuple[NDArray[Any], dict[str, Any]]:
    """Return the pixels as (band, row, col), and the profile to create their GeoTIFF with."""
    planes = pixels[np.newaxis] if pixels.ndim == 2 else pixels
    if planes.shape[1:] != grid.shape:
        raise RasterError(f"{called}: pixels of shape {planes.shape[1:]} do not fit a grid of {grid.shape}")
    crs_name(grid.crs)
    profile: dict[str, Any] = {"driver": "GTiff", "count": len(planes), "dtype": planes.dtype}
    profile |= {"height": grid.height, "width": grid.width, "crs": grid.crs, "transform": grid.transform}
    profile |= {"compress": compress, "photometric": "MINISBLACK", "bigtiff": "IF_SAFER"}
    if compress.lower() in {"deflate", "zstd"}:
        profile |= {"zlevel" if compress.lower() == "deflate" else "zstd_level": level}
    if predictor != 1:
        profile["predictor"] = predictor
    if tiled:
        profile |= {"tiled": True, "blockxsize": 512, "blockysize": 512}
    return planes, profile


@contextmanager
def _encoded(
    profile: Mapping[str, Any],
    planes: NDArray[Any],
    descriptions: Sequence[str],
    colours: Mapping[int, tuple[int, int, int]] | None,
    tags: Mapping[str, str],
) -> Iterator[memoryview]:
    """Give the bytes of a GeoTIFF."""
    with rasterio.Env(), MemoryFile() as memory:
        with memory.open(**profile) as target:
            if len(planes) > 1:
                target.colorinterp = [ColorInterp.gray] + [ColorInterp.undefined] * (len(planes) - 1)
            target.write(planes)
            for band, text in enumerate(descriptions, start=1):
                target.set_band_description(band, text)
            if tags:
                target.update_tags(**tags)
            if colours:
                target.write_colormap(1, {value: (*rgb, 255) for value, rgb in colours.items()})
        yield memory.getbuffer()
