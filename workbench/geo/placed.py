"""Pixels that know where they lie and where there are none: rasters of any resolution beside a zone."""

from __future__ import annotations

__all__ = ["PlacedPixels", "check_pixels", "data_share", "pixels_digest", "read_placed", "without_nodata"]

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.documents import digest_arrays
from workbench.errors import GridError, RasterError
from workbench.geo.grid import PixelGrid, Window
from workbench.geo.raster import inspect_raster, read_bands, read_valid
from workbench.geo.zone import Zone, ZoneRaster


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedPixels:
    """Pixels of a raster, what they show and where they lie."""

    pixels: NDArray[Any]
    """Shape (band, row, col), in the file's type; 0 where there is no data."""
    bands: tuple[str, ...]
    """What each band shows, such as ``R G B NIR E`` or ``DSM``."""
    grid: PixelGrid
    """Where they lie; its shape is theirs."""
    valid: NDArray[np.bool_] | None
    """Shape (row, col): where there is data; None where that is everywhere."""

    def __post_init__(self) -> None:
        if self.pixels.shape != (len(self.bands), *self.grid.shape):
            raise GridError(
                f"pixels of shape {self.pixels.shape} are not bands {','.join(self.bands)} "
                f"of {self.grid.shape} pixels"
            )
        if self.valid is not None and self.valid.shape != self.grid.shape:
            raise GridError(f"data is known of {self.valid.shape} pixels, there are {self.grid.shape}")


def pixels_digest(pixels: NDArray[Any]) -> str:
    """Return the SHA-256 of an image's type, shape and pixels."""
    return digest_arrays(f"{pixels.dtype.str}{pixels.shape}".encode(), pixels)


def check_pixels(zone: Zone, raster: ZoneRaster, pixels: NDArray[Any]) -> None:
    """Refuse pixels of a raster's window that are not those that a zone was made on, or was given later.

    Raises
    ------
    RasterError
        They are others.
    """
    if pixels_digest(pixels) == raster.pixels_sha256:
        return
    if raster.role == "ortho":
        raise RasterError(
            f"{raster.path}: its pixels are not those that zone {zone.id} was made on; "
            "put the old file back, or add the new one as another zone"
        )
    raise RasterError(
        f"{raster.path}: its pixels are not those that were added to zone {zone.id} as {raster.key}; "
        "put the old file back"
    )


def read_placed(
    path: Path, at: Window, *, margin: int = 0, bands: tuple[str, ...]
) -> tuple[PlacedPixels, Window]:
    """Read a window of a raster and a margin around it, as far as the raster reaches.

    Returns
    -------
    PlacedPixels
        As the file has them: nodata values and NaN stay in the pixels.
    Window
        Where the window lies in them.

    Raises
    ------
    RasterError
        The raster is none, damaged, or does not hold the window or the bands.
    """
    info = inspect_raster(path)
    if at.row_stop > info.grid.height or at.col_stop > info.grid.width or info.band_count != len(bands):
        raise RasterError(
            f"{path} has {info.band_count} bands of {info.grid.height} × {info.grid.width} pixels, bands "
            f"{','.join(bands)} of {at} are to be read; put the old file back"
        )
    window = at.grown(margin, within=info.grid.whole)
    pixels = read_bands(path, window=window)
    if info.nodata is not None and not np.isnan(info.nodata):
        # As `read_valid` has it, without decoding the pixels once more.
        valid = (pixels != info.nodata).any(axis=0)
    else:
        valid = read_valid(path, window=window)
    if np.issubdtype(pixels.dtype, np.floating):
        valid &= np.isfinite(pixels).any(axis=0)
    found = PlacedPixels(
        pixels=pixels, bands=bands, grid=info.grid.crop(window), valid=None if valid.all() else valid
    )
    return found, at.within(window)


def without_nodata(found: PlacedPixels) -> PlacedPixels:
    """Return pixels that are finite, 0 where there is no data; the array is changed in place.

    A band that alone is NaN at a pixel where others have data counts as 0 there.
    """
    if np.issubdtype(found.pixels.dtype, np.floating):
        np.nan_to_num(found.pixels, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    if found.valid is not None:
        found.pixels[:, ~found.valid] = 0
    return found


def data_share(zone: Zone, grid: PixelGrid, valid: NDArray[np.bool_] | None) -> float:
    """Return which share of a zone's ground has data in a raster, 0 to 1.

    Parameters
    ----------
    zone
        Whose patch cells count, by area.
    grid, valid
        Of the raster, as in `PlacedPixels`; pixels may be of any size and cut by the cells' edges.
    """
    total = 0.0
    for _, window in zone.patch_windows():
        bounds = zone.grid.crop(window).bounds
        left, top = ~grid.transform @ (bounds.left, bounds.top)
        right, bottom = ~grid.transform @ (bounds.right, bounds.bottom)
        first, down = _overlaps(top, bottom, grid.height)
        start, across = _overlaps(left, right, grid.width)
        if not (down.size and across.size):
            continue
        if valid is None:
            total += float(down.sum() * across.sum())
        else:
            part = valid[first : first + down.size, start : start + across.size]
            total += float(down @ part @ across)
    return min(1.0, total * grid.resolution**2 / zone.area)


def _overlaps(start: float, stop: float, count: int) -> tuple[int, NDArray[np.float64]]:
    """Return how much of each of ``count`` pixels in a row lies between two places, from the first that does.

    >>> _overlaps(1.25, 3.5, 9)
    (1, array([0.75, 1.  , 0.5 ]))
    """
    first = min(count, max(0, int(np.floor(start))))
    pixels = np.arange(first, min(count, max(0, int(np.ceil(stop)))))
    return first, np.minimum(pixels + 1, stop) - np.maximum(pixels, start)
