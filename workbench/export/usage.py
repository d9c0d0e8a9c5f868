"""Usage of the ground, such as OCS GE's, laid under patches: where an answer hangs on it, it tells."""

from __future__ import annotations

__all__ = ["UsageLayer", "ZoneUsage"]

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from workbench.documents import digest_file
from workbench.errors import ReleaseError
from workbench.export.patches import Patch
from workbench.geo.grid import PixelGrid
from workbench.geo.overlays import attribute_text
from workbench.geo.polygons import covered
from workbench.geo.vectors import VectorLayer, chosen_layer, field_values, read_overlay

FIELD: Final = "code_us"
"""What OCS GE calls it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneUsage:
    """Usages on the ground of a zone."""

    places: NDArray[np.uint8]
    """Shape (row, col). Place of each pixel's usage among the known ones, from 1; 0 = not known."""
    contested: NDArray[np.bool_]
    """Which pixels lie in polygons of several usages, and therefore have none."""
    grid: PixelGrid

    def of(self, patch: Patch) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return the places of a patch's pixels, and which are contested."""
        row, col = _offset(self.grid, patch.grid)
        at = slice(row, row + patch.grid.height), slice(col, col + patch.grid.width)
        return self.places[at], self.contested[at]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageLayer:
    """Polygons with a usage code each."""

    path: Path
    layer: str
    field: str
    features: int
    """Of the layer."""
    uncoded: int
    """Of these, that have no code and tell nothing."""
    sha256: str
    """Of the file."""
    usages: tuple[str, ...]
    """All codes that are known."""

    @classmethod
    def open(cls, path: Path, usages: Sequence[str], *, field: str = FIELD, layer: str | None = None) -> Self:
        """Open a layer whose codes are all known; polygons without a code say nothing.

        Raises
        ------
        VectorError
            The file, its layer or field is none.
        ReleaseError
            No usage is asked for, or the layer has no polygons, or codes that nobody knows.
        """
        if not usages:
            raise ReleaseError(f"{path}: the answer hangs on no usage; leave the usage layer out")
        if path.suffix.lower() == ".shp":
            raise ReleaseError(
                f"{path} is one of several files, which no digest proves together; write a GeoPackage: "
                f"ogr2ogr {path.stem}.gpkg {path.name}"
            )
        found: VectorLayer = chosen_layer(path, layer)
        if not any(kind in found.geometry for kind in ("Polygon", "Unknown", "Collection")):
            raise ReleaseError(
                f"{path}: layer {found.name} has geometries {found.geometry}; usage is told by polygons"
            )
        told = field_values(path, field, layer=found.name)
        strange = [code for code in told if code and code not in usages]
        if strange:
            more = f" and {len(strange) - 1:,} more" if len(strange) > 1 else ""
            raise ReleaseError(
                f"{path}: field {field} has {strange[0]!r}{more}, which is no usage code; correct the layer, "
                "or name its true field (--usage-field)"
            )
        return cls(
            path=path,
            layer=found.name,
            field=field,
            features=found.features,
            uncoded=told.get("", 0),
            sha256=digest_file(path),
            usages=tuple(usages),
        )

    def on(self, patches: Sequence[Patch]) -> ZoneUsage:
        """Return the usages under the patches of a zone, one at least: a pixel has that of its centre.

        Raises
        ------
        VectorError
            The layer cannot be read, or leads nowhere near the zone.
        ReleaseError
            Not all of it can be laid there.
        """
        grid = _around([patch.grid for patch in patches])
        overlay = read_overlay(self.path, grid, layer=self.layer, margin=0)
        if overlay.notices:
            raise ReleaseError(
                f"no release was made: under zone {patches[0].zone}, {overlay.notices[0]}; a usage layer has "
                "to be read whole"
            )
        codes = np.array([attribute_text(value) for value in overlay.attributes[self.field]], dtype=object)
        places, contested = np.zeros(grid.shape, np.uint8), np.zeros(grid.shape, np.bool_)
        for place, usage in enumerate(self.usages, start=1):
            there = codes == usage
            if there.any():
                inside = covered(overlay.geometries[there], grid.shape)
                contested |= inside & (places != 0)
                places[inside] = place
        places[contested] = 0
        return ZoneUsage(places=places, contested=contested, grid=grid)

    def document(self) -> dict[str, Any]:
        """Return what ``release.json`` says of it."""
        return {
            "sha256": self.sha256,
            "layer": self.layer,
            "field": self.field,
            "features": self.features,
            "uncoded": self.uncoded,
        }


def _around(grids: Sequence[PixelGrid]) -> PixelGrid:
    """Return the grid around those of some patches of one lattice."""
    left = min(grid.transform.c for grid in grids)
    top = max(grid.transform.f for grid in grids)
    step = grids[0].resolution
    corner = Affine(step, 0.0, left, 0.0, -step, top)
    whole = PixelGrid(crs=grids[0].crs, transform=corner, height=1, width=1)
    ends = [(*_offset(whole, grid), grid) for grid in grids]
    return PixelGrid(
        crs=whole.crs,
        transform=corner,
        height=max(row + grid.height for row, _, grid in ends),
        width=max(col + grid.width for _, col, grid in ends),
    )


def _offset(grid: PixelGrid, inner: PixelGrid) -> tuple[int, int]:
    """Return in which row and column of a grid another one of the same pixels begins."""
    row = round((grid.transform.f - inner.transform.f) / grid.resolution)
    return row, round((inner.transform.c - grid.transform.c) / grid.resolution)
