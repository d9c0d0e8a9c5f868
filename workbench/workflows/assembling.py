"""Patches of a zone put together: one raster of each modality, and the codes of its labels."""

from __future__ import annotations

__all__ = ["assemble_codes", "assemble_rasters"]

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from workbench.export.modalities import MODALITIES
from workbench.export.patches import IMAGE
from workbench.export.trees.tree import PatchRaster, TreePatch
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import PixelGrid
from workbench.geo.placed import pixels_digest
from workbench.geo.zone import Cell, ZoneRaster
from workbench.nomenclature import Nomenclature
from workbench.threads import Map
from workbench.workflows.rasters import ROLES
from workbench.workflows.surveying import ZonePlan
from workbench.workflows.views import MADE_OF

_ORTHO: Final = "ortho"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """Some bands of a modality that are a raster of their own."""

    role: str
    modality: str
    bands: tuple[str, ...]
    first: int
    """Number from 0 of its first band in the modality."""
    day: date | None = None

    @property
    def file(self) -> str:
        return f"{self.role}-{self.day.isoformat()}.tif" if self.day else f"{self.role}.tif"


def assemble_rasters(
    plan: ZonePlan,
    patches: Mapping[Cell, TreePatch],
    folder: Path,
    *,
    home: Path,
    map: Map,  # noqa: A002 - the house's name for what runs in parallel
) -> tuple[ZoneRaster, ...]:
    """Write the rasters of a zone to a folder, one after the other; return them as they lie in its home.

    Pixels where the zone has no patch are 0.

    Parameters
    ----------
    plan, patches
        The zone, and its patches by cell.
    folder
        Where to write.
    home
        Folder that the files are moved to afterwards.
    map
        Such as `workbench.threads.in_threads` gives.

    Raises
    ------
    WorkbenchError
        Pixels of a patch cannot be read, or the disk is full.
    """
    return tuple(_written(plan, patches, piece, folder, home, map) for piece in _pieces(plan))


def assemble_codes(
    plan: ZonePlan,
    patches: Mapping[Cell, TreePatch],
    nomenclature: Nomenclature,
    scheme: str,
    *,
    map: Map,  # noqa: A002
) -> NDArray[np.uint8]:
    """Return the labels of a zone as codes, shape (row, col); 0 where there is no label."""
    codes = np.zeros(plan.grid.shape, np.uint8)
    labels = {cell: patch.label for cell, patch in patches.items() if patch.label is not None}
    for (rows, cols), values in _placed(plan.grid, labels, _first_band, map):
        codes[rows, cols] = nomenclature.decode(values, scheme)
    return codes


def _pieces(plan: ZonePlan) -> Iterator[_Piece]:
    """Yield the rasters that a zone gets: its orthophoto, and those that its modalities are made of."""
    yield _Piece(role=_ORTHO, modality=IMAGE, bands=plan.bands, first=0)
    for name in plan.views:
        modality, days = MODALITIES[name], plan.dates[name]
        place = 0
        for day in days if modality.series else [days[0] if days else None]:
            for role in MADE_OF[name]:
                bands = _bands_of(role, modality.bands)
                # Of the three levels of crops the last one gives the others.
                first = len(modality.bands) - 1 if name == "parcels" else place
                yield _Piece(role=role, modality=name, bands=bands, first=first, day=day)
                place += len(bands)


def _bands_of(role: str, bands: Sequence[str]) -> tuple[str, ...]:
    """Return the bands of a modality that a role has."""
    usual = ROLES[role]
    return usual[len(bands)] if len(bands) in usual else usual[1]


def _written(
    plan: ZonePlan,
    patches: Mapping[Cell, TreePatch],
    piece: _Piece,
    folder: Path,
    home: Path,
    map: Map,  # noqa: A002
) -> ZoneRaster:
    ortho = piece.modality == IMAGE
    grid = plan.grid if ortho else _coarser(plan.grid, piece.modality)
    rasters = {cell: patch.image if ortho else patch.views[piece.modality] for cell, patch in patches.items()}
    pixels = _mosaic(grid, plan.grid, rasters, partial(_bands, piece.first, len(piece.bands)), map)
    predictor = 3 if pixels.dtype.kind == "f" else 2
    write_raster(folder / piece.file, pixels, grid, level=4, predictor=predictor, descriptions=piece.bands)
    return ZoneRaster(
        role=piece.role,
        path=home / piece.file,
        bands=piece.bands,
        window=grid.whole,
        pixels_sha256=pixels_digest(pixels),
        grid=None if ortho else grid,
        acquired=piece.day,
    )


def _coarser(zone: PixelGrid, modality: str) -> PixelGrid:
    """Return the grid of a modality's pixels on a zone, which are whole on each of its patches."""
    side = MODALITIES[modality].grid(zone).resolution
    rows, cols = (round(size * zone.resolution / side) for size in zone.shape)
    transform = Affine(side, 0.0, zone.transform.c, 0.0, -side, zone.transform.f)
    return PixelGrid(crs=zone.crs, transform=transform, height=rows, width=cols)


def _mosaic(
    grid: PixelGrid,
    zone: PixelGrid,
    rasters: Mapping[Cell, PatchRaster],
    read: Callable[[PatchRaster], NDArray[Any]],
    map: Map,  # noqa: A002
) -> NDArray[Any]:
    """Return the pixels of patches on a grid, shape (band, row, col)."""
    pixels: NDArray[Any] | None = None
    for (rows, cols), part in _placed(grid, rasters, read, map):
        if pixels is None:
            pixels = np.zeros((len(part), *grid.shape), part.dtype)
        pixels[:, rows, cols] = part
    assert pixels is not None  # noqa: S101 - a zone has a patch
    return pixels


def _placed(
    grid: PixelGrid,
    rasters: Mapping[Cell, PatchRaster],
    read: Callable[[PatchRaster], NDArray[Any]],
    map: Map,  # noqa: A002
) -> Iterator[tuple[tuple[slice, slice], NDArray[Any]]]:
    """Yield where the pixels of each patch lie, and the pixels."""
    for cell, part in zip(rasters, map(read, rasters.values()), strict=True):
        height, width = part.shape[-2:]
        yield (
            (
                slice(cell.row * height, (cell.row + 1) * height),
                slice(cell.col * width, (cell.col + 1) * width),
            ),
            part,
        )


def _bands(first: int, count: int, raster: PatchRaster) -> NDArray[Any]:
    return raster.read()[first : first + count]


def _first_band(raster: PatchRaster) -> NDArray[Any]:
    band: NDArray[Any] = raster.read()[0]
    return band
