"""FLAIR#2's layout: FLAIR#1's, and a series of Sentinel-2 around each zone."""

from __future__ import annotations

__all__ = ["FlairTwo"]

import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, ClassVar, Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from workbench.export.index import PatchIndex
from workbench.export.layouts.flair_one import FlairOne, json_lines
from workbench.export.modalities import MODALITIES
from workbench.export.patches import Patch, ZoneSource
from workbench.export.tables import Table, TextTable
from workbench.geo.grid import Bounds, PixelGrid

_SERIES, _MASKS = "sentinel2", "sentinel2-masks"
_PIXEL: Final = 10.0
_AROUND: Final = 200.0
"""Metres around a zone: FLAIR#2's loader cuts 40 × 40 pixels around the middle of each patch."""
_HIDDEN: Final = 100
"""Of snow and cloud, where there is no picture."""
_PRODUCT = re.compile(r"S2[A-Z]_MSI[A-Z0-9]{3}_[0-9]{8}[A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class FlairTwo(FlairOne):
    """FLAIR#2: the aerial tree of FLAIR#1 under other names of the test folders, and Sentinel-2.

    Each zone has a super-patch of 10 m pixels: ``SEN2_sp_{domain}_{zone}_data.npy`` (date, band, row, col),
    ``…_masks.npy`` (date, snow and cloud 0–100, row, col) and ``…_products.txt``, a product a line, whose
    characters 15 to 18 are month and day. ``flair-2_centroids_sp_to_patch.json`` says in which pixel, row and
    column, the middle of each patch is. Where a zone's rasters do not reach, snow and cloud are 100.
    """

    name: ClassVar[str] = "flair2"
    edition: ClassVar[str] = "flair_2"
    views: ClassVar[tuple[str, ...]] = (_SERIES, _MASKS)
    root: str = "FLAIR2"

    def zone_paths(self, patches: Sequence[Patch]) -> tuple[str, ...]:
        """Return where the super-patch of a zone lies: its series, masks and products."""
        first = patches[0]
        folder = f"{self._tree('sen', first.splits)}/{first.domain}/{first.zone_name}/sen"
        begin = f"{folder}/SEN2_sp_{first.domain}_{first.zone_name}"
        return f"{begin}_data.npy", f"{begin}_masks.npy", f"{begin}_products.txt"

    def zone_files(self, source: ZoneSource, patches: Sequence[Patch]) -> Iterator[tuple[str, bytes]]:
        """Yield the super-patch of a zone."""
        grid = _around([patch.grid.bounds for patch in patches], patches[0].grid.crs)
        data, hidden, products = self.zone_paths(patches)
        series, masks = source.views[_SERIES], source.views[_MASKS]
        yield data, _npy(series.read(grid), _SERIES)
        seen = masks.read(grid)
        if masks.reach is not None:
            seen[:, ~_within(grid, masks.reach)] = _HIDDEN
        yield hidden, _npy(seen, _MASKS)
        days = zip(series.names, series.dates, strict=True)
        names = (name if _PRODUCT.fullmatch(name) else f"SENTINEL-2_{day:%Y%m%d}" for name, day in days)
        yield products, "".join(f"{name}\n" for name in names).encode()

    def tables(self, patches: PatchIndex) -> Iterator[Table]:
        """Yield FLAIR#1's tables, and where patches lie in super-patches."""
        yield from FlairOne.tables(self, patches)
        grid = cache(partial(_around_zone, patches))

        def place(patch: Patch) -> tuple[str, list[int]]:
            bounds = patch.grid.bounds
            middle = (bounds.left + bounds.right) / 2, (bounds.bottom + bounds.top) / 2
            return f"IMG_{patch.number:06d}.tif", list(grid(patch.zone).rowcol(*middle))

        yield TextTable(path="flair-2_centroids_sp_to_patch.json", lines=partial(json_lines, patches, place))

    def note(self) -> str:
        """Return what ``README.md`` says about the layout."""
        return f"""\
## Folder `{self.root}`: layout FLAIR#2

Images and masks as in FLAIR#1. Super-patches of Sentinel-2 lie in `flair_sen_train` and `flair_2_sen_test`:
bands B2, 3, 4, 5, 6, 7, 8, 8A, 11, 12 at 10 m; masks are snow and cloud, 100 where no picture reaches. A
product that is not known by its name is called by its day, so that characters 15 to 18 are month and day.
"""


def _around_zone(patches: PatchIndex, zone: str) -> PixelGrid:
    held = patches.of_zone(zone)
    return _around([patch.grid.bounds for patch in held], held[0].grid.crs)


def _around(bounds: Sequence[Bounds], crs: str) -> PixelGrid:
    """Return the grid of a super-patch: whole pixels on multiples of 10 m, around all patches of a zone."""
    left = math.floor((min(one.left for one in bounds) - _AROUND) / _PIXEL) * _PIXEL
    right = math.ceil((max(one.right for one in bounds) + _AROUND) / _PIXEL) * _PIXEL
    bottom = math.floor((min(one.bottom for one in bounds) - _AROUND) / _PIXEL) * _PIXEL
    top = math.ceil((max(one.top for one in bounds) + _AROUND) / _PIXEL) * _PIXEL
    return PixelGrid(
        crs=crs,
        transform=Affine(_PIXEL, 0.0, left, 0.0, -_PIXEL, top),
        height=round((top - bottom) / _PIXEL),
        width=round((right - left) / _PIXEL),
    )


def _within(grid: PixelGrid, reach: Bounds) -> NDArray[np.bool_]:
    """Return which pixels have their middle on some ground, shape (row, col)."""
    x = grid.transform.c + (np.arange(grid.width) + 0.5) * grid.resolution
    y = grid.transform.f - (np.arange(grid.height) + 0.5) * grid.resolution
    held: NDArray[np.bool_] = np.outer(
        (y >= reach.bottom) & (y <= reach.top), (x >= reach.left) & (x <= reach.right)
    )
    return held


def _npy(pixels: NDArray[Any], modality: str) -> bytes:
    """Return a series, (date × band, row, col), as the bytes of an array (date, band, row, col)."""
    known = MODALITIES[modality]
    content = io.BytesIO()
    parted = pixels.reshape(-1, len(known.bands), *pixels.shape[1:]).astype(known.dtype)
    np.save(content, parted, allow_pickle=False)
    return content.getvalue()
