"""Headers of GeoTIFFs of which many are alike: GDAL reads the first, of the others what differs is read.

To say what the CRS of a file is called takes GDAL most of a millisecond, in which no other thread can work,
and patches of a release differ in nothing but their place. A file whose tags are those of one that GDAL has
read, but for the place of its upper left corner and of its blocks, is what GDAL would say it is.
"""

from __future__ import annotations

__all__ = ["AlikeHeads"]

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from workbench.geo.raster import RasterInfo, inspect_raster, read_raster

_PLACE: Final = 33922
"""ModelTiepointTag (OGC 19-008r4, *GeoTIFF*, 7.1)."""
_BLOCKS: Final = frozenset({273, 279, 324, 325})
"""Offsets and lengths of strips and of tiles (*TIFF* 6.0)."""
_KINDS: Final = 64
"""Headers that are remembered."""

# What it would write on the screen about damaged files is said once, by GDAL.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Head:
    """The tags of a file of one picture."""

    alike: tuple[tuple[int, Any], ...]
    """Number and value of those that tell what it is."""
    x: float
    """Of the upper left corner."""
    y: float
    pixels: NDArray[Any] | None = None
    """Shape (1, row, col), if they were read; None where there is more than one band."""


class AlikeHeads:
    """Reads small GeoTIFFs as `inspect_raster` and `read_raster` do; any thread may."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[int, Any], ...], RasterInfo] = {}

    def inspect(self, path: Path) -> RasterInfo:
        """Return what `inspect_raster` does.

        Raises
        ------
        RasterError
            As there.
        """
        return self._info(path, _head(path))

    def read(self, path: Path) -> tuple[RasterInfo, NDArray[Any]]:
        """Return what `read_raster` does.

        Raises
        ------
        RasterError
            As there.
        """
        head = _head(path, pixels=True)
        if head is None or head.pixels is None:
            return read_raster(path)
        return self._info(path, head), head.pixels

    def _info(self, path: Path, head: _Head | None) -> RasterInfo:
        known = None if head is None else self._known.get(head.alike)
        if head is None or known is None:
            info = inspect_raster(path)
            if head is not None and len(self._known) < _KINDS and info.grid == _moved(info, head).grid:
                self._known[head.alike] = info
            return info
        return replace(_moved(known, head), path=path)


def _moved(info: RasterInfo, head: _Head) -> RasterInfo:
    """Return what is known of a raster as if its upper left corner lay elsewhere."""
    step = info.grid.transform
    transform = Affine(step.a, step.b, head.x, step.d, step.e, head.y)
    return replace(info, grid=replace(info.grid, transform=transform))


def _head(path: Path, *, pixels: bool = False) -> _Head | None:
    """Return the header of a file; None where it has several pictures, or says otherwise where it lies."""
    import tifffile

    try:
        with tifffile.TiffFile(path) as file:
            tags = {tag.code: _hashable(tag.value) for tag in file.pages.first.tags}
            col, row, _, x, y, _ = tags.pop(_PLACE)
            if len(file.pages) != 1 or col or row:
                return None
            found: NDArray[Any] | None = file.pages.first.asarray() if pixels else None
    except Exception:  # decoders raise what they like; GDAL is asked then, and says what is wrong
        return None
    alike = tuple((code, value) for code, value in sorted(tags.items()) if code not in _BLOCKS)
    bands = None if found is None or found.ndim != 2 else found[np.newaxis]
    return _Head(alike=alike, x=float(x), y=float(y), pixels=bands)


def _hashable(value: Any) -> Any:
    return value.tobytes() if isinstance(value, np.ndarray) else value
