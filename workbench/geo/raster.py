"""The rasterio door: rasters in; those out are made by `workbench.geo.geotiff`.

Opening is defensive: an allow-list of drivers, no virtual or remote files, sizes read from the header
before any pixel.
"""

from __future__ import annotations

__all__ = [
    "FORMAT",
    "ORTHO_BANDS",
    "RasterInfo",
    "crs_name",
    "decode_raster",
    "inspect_raster",
    "read_bands",
    "read_onto",
    "read_raster",
    "read_resampled",
    "read_valid",
]

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window as _RasterioWindow

from workbench.counting import counted
from workbench.errors import GridError, RasterError
from workbench.geo.grid import PixelGrid, Window

# The allow-list: a file is opened by the driver of its first bytes, never by GDAL's guess.
_DRIVERS = {
    b"II*\0": "GTiff",
    b"MM\0*": "GTiff",
    b"II+\0": "GTiff",
    b"MM\0+": "GTiff",
    b"\0\0\0\x0c": "JP2OpenJPEG",
    b"\xffO\xffQ": "JP2OpenJPEG",
    b"\x89PNG": "PNG",
}
FORMAT = "FORMAT"
"""Tag by which a raster says what kind of output it is."""
ORTHO_BANDS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {3: ("R", "G", "B"), 4: ("R", "G", "B", "NIR"), 5: ("R", "G", "B", "NIR", "E")}
)
"""What the bands of an orthophoto show where nothing says it, by number; E is height above ground × 5."""
_DTYPES = ("uint8", "uint16", "uint32", "int16", "int32", "float32", "float64")
_MAX_PIXELS = 40_000**2
_MAX_BANDS = 64
"""Of a raster of so many pixels; a smaller one, such as a series of many dates, has more."""
_MAX_BLOCK_BYTES = 1 << 30
_OPEN_OPTIONS = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_VRT_ENABLE_PYTHON": "NO"}
# Threads that decode the blocks of one read pay where there is much to read, in blocks that are no mere rows.
_IN_THREADS = {"GDAL_NUM_THREADS": "ALL_CPUS"}
_MANY_BYTES = 16 << 20
_LARGE_BLOCK_BYTES = 64 << 10

# Without a handler of ours the logging module prints GDAL's messages to stderr beside our sentence.
logging.getLogger("rasterio").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterInfo:
    """What a raster's header says."""

    path: Path
    grid: PixelGrid
    band_count: int
    dtype: str
    """Numpy name of the pixel type, the same for all bands."""
    nodata: float | None
    descriptions: tuple[str, ...]
    """One per band, empty where the file has none."""
    tags: Mapping[str, str]
    palette: bool = False
    """Whether the pixels are entries of a colour table."""
    geographic: bool = False
    """Whether it lies in degrees, so that nothing about it is in metres."""
    local: bool = False
    """Whether its CRS does not say where on Earth it is."""


def inspect_raster(path: Path, *, assume_crs: str | None = None) -> RasterInfo:
    """Read a raster's header and check that it can be worked with.

    Parameters
    ----------
    path
        A local GeoTIFF, COG, JPEG 2000 or PNG file.
    assume_crs
        CRS to take where the file has none or one without an EPSG code. FLAIR masks carry such a local CRS
        (``../facts``: 4 of 5 real masks), and the image beside them has the true one.

    Raises
    ------
    RasterError
        Not a raster, damaged, without CRS, rotated, too large, or of a pixel type that is not supported.
    """
    with _opened(path) as source:
        return _inspected(path, source, assume_crs)


def crs_name(text: str) -> str:
    """Return a CRS as grids name it: ``EPSG:2154`` where it has such a code, else in full.

    Raises
    ------
    RasterError
        It is none.
    """
    system = _system(text)
    epsg = system.to_epsg()
    wkt: str = system.to_wkt()
    return wkt if epsg is None else f"EPSG:{epsg}"


def read_bands(
    path: Path, *, bands: Sequence[int] | None = None, window: Window | None = None
) -> NDArray[Any]:
    """Read pixels, shape (band, row, col), in the file's own type.

    Parameters
    ----------
    path
        A raster that `inspect_raster` accepts.
    bands
        Band numbers from 1, in the order wanted; all by default.
    window
        Pixels to read; all by default.

    Raises
    ------
    RasterError
        The pixels cannot be decoded (a truncated copy, say), or the window or a band is not there.
    """
    with _opened(path) as source:
        _check_size(path, source)
        where = _to_rasterio(path, source, window)
        if not _pays_in_threads(source, window):
            return _read(path, source, bands, where)
    with _opened(path, _IN_THREADS) as source:
        return _read(path, source, bands, where)


def read_raster(path: Path) -> tuple[RasterInfo, NDArray[Any]]:
    """Return what `inspect_raster` and `read_bands` do, of a small file that is opened once.

    Raises
    ------
    RasterError
        As they do.
    """
    with _opened(path) as source:
        return _inspected(path, source), _read(path, source, None, None)


def read_resampled(path: Path, *, bands: Sequence[int], window: Window, factor: float) -> NDArray[Any]:
    """Read pixels as they are at another resolution, shape (band, row, col), in the file's own type.

    Finer pixels are interpolated, coarser ones are means.

    Parameters
    ----------
    path
        A raster that `inspect_raster` accepts.
    bands
        Band numbers from 1, in the order wanted.
    window
        Of the grid with the same upper left corner and the other resolution; it may reach beyond the raster
        by what a pixel of that grid is cut short.
    factor
        Side of a pixel of that grid, in pixels of the file.
    """
    with _opened(path) as source:
        _check_size(path, source)
        where = _RasterioWindow(
            window.col * factor,
            window.row * factor,
            min(window.width * factor, source.width - window.col * factor),
            min(window.height * factor, source.height - window.row * factor),
        )
        shape = (len(bands), *window.shape)
        resampling = Resampling.average if factor > 1 else Resampling.bilinear
        try:
            pixels: NDArray[Any] = source.read(
                indexes=list(bands), window=where, out_shape=shape, resampling=resampling
            )
        except RasterioError as error:
            raise _damaged(path) from error
    return pixels


def read_onto(
    path: Path, grid: PixelGrid, *, bands: Sequence[int] | None = None, nearest: bool = False
) -> NDArray[Any]:
    """Read pixels as they are on another grid, shape (band, row, col), in the file's own type.

    Pixels that are twice as coarse or more are means, others are interpolated.

    Parameters
    ----------
    path
        A raster that `inspect_raster` accepts, of the grid's CRS whatever it calls it.
    grid
        Where pixels are wanted; the raster covers it.
    bands
        Band numbers from 1, in the order wanted; all by default.
    nearest
        Whether pixels are numbers of something, so that the nearest one counts.

    Raises
    ------
    RasterError
        The pixels cannot be decoded.
    """
    with _opened(path) as source:
        _check_size(path, source)
        coarser = grid.resolution >= 2 * abs(source.transform.a)
        smooth = Resampling.average if coarser else Resampling.bilinear
        place = {"crs": grid.crs, "transform": grid.transform, "width": grid.width, "height": grid.height}
        try:
            with WarpedVRT(
                source, src_crs=grid.crs, resampling=Resampling.nearest if nearest else smooth, **place
            ) as view:
                pixels: NDArray[Any] = view.read(indexes=list(bands) if bands else None)
        except RasterioError as error:
            raise _damaged(path) from error
    return pixels


def read_valid(path: Path, *, window: Window | None = None) -> NDArray[np.bool_]:
    """Read where a raster has data, shape (row, col).

    A nodata value or an internal mask counts where all bands say so: 0 is a height too. An alpha band does
    not: GDAL marks the fourth band of four as alpha by default, and in an orthophoto that is near infrared.
    """
    with _opened(path) as source:
        where = _to_rasterio(path, source, window)
        shape = window.shape if window else (source.height, source.width)
        flags = source.mask_flag_enums[0]
        try:
            if MaskFlags.nodata in flags:
                # Not GDAL's masks: it warns that a nodata value and an alpha band are one too many.
                pixels = source.read(window=where)
                mask = ~np.isnan(pixels) if np.isnan(source.nodata) else pixels != source.nodata
            elif MaskFlags.all_valid in flags or MaskFlags.alpha in flags:
                return np.ones(shape, dtype=np.bool_)
            else:
                mask = source.read_masks(window=where) != 0
        except RasterioError as error:
            raise _damaged(path) from error
    valid: NDArray[np.bool_] = mask.any(axis=0)
    return valid


def decode_raster(content: bytes, *, called: str) -> tuple[NDArray[Any], PixelGrid]:
    """Return the pixels, shape (band, row, col), and the grid of a GeoTIFF in memory.

    Raises
    ------
    RasterError
        It is none, or lies nowhere.
    """
    try:
        with (
            rasterio.Env(**_OPEN_OPTIONS),
            MemoryFile(content) as memory,
            memory.open(driver="GTiff") as source,
        ):
            pixels: NDArray[Any] = source.read()
            crs = _crs_name(Path(called), source, None)
            return pixels, PixelGrid(
                crs=crs, transform=source.transform, height=source.height, width=source.width
            )
    except (RasterioError, GridError) as error:
        raise RasterError(f"{called} is no GeoTIFF that can be read; copy it again") from error


def _inspected(path: Path, source: Any, assume_crs: str | None = None) -> RasterInfo:
    _check_size(path, source)
    if source.transform.is_identity:
        raise RasterError(
            f"{path} is not georeferenced; write a copy that is: gdal_translate -a_srs … -a_ullr …"
        )
    crs = _crs_name(path, source, assume_crs)
    try:
        grid = PixelGrid(crs=crs, transform=source.transform, height=source.height, width=source.width)
    except GridError as error:
        raise RasterError(f"{path}: {error}") from error
    system = _system(crs)
    return RasterInfo(
        path=path,
        grid=grid,
        band_count=source.count,
        dtype=source.dtypes[0],
        nodata=source.nodata,
        descriptions=tuple(text or "" for text in source.descriptions),
        tags=dict(source.tags()),
        palette=source.colorinterp[0] == ColorInterp.palette,
        geographic=system.is_geographic,
        local=not (system.is_geographic or system.is_projected),
    )


def _damaged(path: Path) -> RasterError:
    return RasterError(f"{path}: pixels cannot be decoded, the file is damaged or cut short; copy it again")


def _read(
    path: Path, source: Any, bands: Sequence[int] | None, where: _RasterioWindow | None
) -> NDArray[Any]:
    try:
        pixels: NDArray[Any] = source.read(indexes=list(bands) if bands else None, window=where)
    except RasterioError as error:
        raise _damaged(path) from error
    except IndexError as error:
        raise RasterError(
            f"{path}: has {counted(source.count, 'band')}, band {max(bands or (0,))} was asked for"
        ) from error
    return pixels


def _pays_in_threads(source: Any, window: Window | None) -> bool:
    """Tell whether a read is long enough for threads, which GDAL takes or not when it opens a file."""
    height, width = window.shape if window else (source.height, source.width)
    many = height * width * source.count * np.dtype(source.dtypes[0]).itemsize >= _MANY_BYTES
    return many and _block_bytes(source) >= _LARGE_BLOCK_BYTES


@contextmanager
def _opened(path: Path, options: Mapping[str, str] = MappingProxyType({})) -> Iterator[Any]:
    """Open a local raster by an allowed driver, with some options of GDAL."""
    name = str(path)
    if name.startswith("/vsi") or "://" in name or not path.is_file():
        raise RasterError(f"{path} is not a file on this machine; check the path")
    with path.open("rb") as file:
        driver = _DRIVERS.get(file.read(4))
    if driver is None:
        raise RasterError(
            f"{path} is not a GeoTIFF, JPEG 2000 or PNG raster; convert it: gdal_translate -of COG"
        )
    with warnings.catch_warnings(), rasterio.Env(**_OPEN_OPTIONS, **options):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            source = rasterio.open(path, driver=driver)
        except RasterioError as error:
            raise RasterError(f"{path} is damaged or cut short; copy it again") from error
        with source:
            yield source


def _check_size(path: Path, source: Any) -> None:
    if len(set(source.dtypes)) > 1 or source.dtypes[0] not in _DTYPES:
        raise RasterError(
            f"{path}: pixel type {'/'.join(sorted(set(source.dtypes)))} is not one of {', '.join(_DTYPES)}"
        )
    if source.height * source.width * max(1, source.count / _MAX_BANDS) > _MAX_PIXELS:
        raise RasterError(
            f"{path}: {source.height} × {source.width} pixels × {source.count} bands is above the limit of "
            f"{_MAX_PIXELS:,} pixels and {_MAX_BANDS} bands; cut it into smaller rasters"
        )
    block = _block_bytes(source)
    if block > _MAX_BLOCK_BYTES:
        raise RasterError(
            f"{path}: one block holds {block / 2**20:.0f} MiB; rewrite it tiled: gdal_translate -co TILED=YES"
        )


def _block_bytes(source: Any) -> int:
    """Return the bytes of a block of all bands, decoded."""
    rows, cols = source.block_shapes[0]
    return int(rows * cols * source.count * np.dtype(source.dtypes[0]).itemsize)


@lru_cache
def _system(crs: str) -> Any:
    try:
        return CRS.from_user_input(crs)
    except CRSError as error:
        raise RasterError(f"{crs!r} is no CRS; write it like EPSG:2154") from error


def _crs_name(path: Path, source: Any, assume_crs: str | None) -> str:
    epsg = source.crs.to_epsg() if source.crs else None
    if epsg is not None:
        return f"EPSG:{epsg}"
    if assume_crs is not None:
        return assume_crs
    if source.crs is None:
        raise RasterError(
            f"{path} has no CRS; write the true one into it first: gdal_edit.py -a_srs EPSG:2154 {path.name}"
        )
    wkt: str = source.crs.to_wkt()
    return wkt


def _to_rasterio(path: Path, source: Any, window: Window | None) -> _RasterioWindow | None:
    if window is None:
        return None
    if window.row_stop > source.height or window.col_stop > source.width:
        raise RasterError(f"{path}: {window} reaches outside its {source.height} × {source.width} pixels")
    return _RasterioWindow(window.col, window.row, window.width, window.height)
