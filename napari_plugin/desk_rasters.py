"""Rasters on the desk: pyramids of bands with a place in the world of the viewer.

World coordinates are those of the desk: metres, rows downwards, the *centre* of the zone's pixel (0, 0) at
the origin. Each raster has its own scale and place there. No Qt, no napari.
"""

from __future__ import annotations

__all__ = ["DeskRaster", "desk_raster", "placement"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.geo.grid import NATIONAL_GRID, PixelGrid
from workbench.geo.placed import PlacedPixels
from workbench.geo.pyramids import Level, mean_levels
from workbench.geo.stretches import Stretch
from workbench.geo.zone import Zone

_SAMPLE_SIDE = 512
_QUANTILES = 1001
_USUAL = (2.0, 98.0)


def placement(grid: PixelGrid, zone: PixelGrid) -> tuple[float, tuple[float, float]]:
    """Return scale and translate of a layer of pixels, in metres; translate is (y, x), downwards.

    Examples
    --------
    >>> from affine import Affine
    >>> made = lambda step, x, y: PixelGrid(
    ...     crs="EPSG:2154", transform=Affine(step, 0, x, 0, -step, y), height=9, width=9
    ... )
    >>> placement(made(1.0, 98.0, 200.0), made(0.5, 100.0, 200.0))
    (1.0, (0.25, -1.75))
    """
    if grid.same_lattice(zone):  # the same pixels, whatever noise is in the transforms
        row, col = zone.rowcol(*grid.xy(0, 0))
        return zone.resolution, (row * zone.resolution, col * zone.resolution)
    (x, y), (origin_x, origin_y) = grid.xy(0, 0), zone.xy(0, 0)
    return grid.resolution, (origin_y - y, x - origin_x)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeskRaster:
    """A raster that lies on the desk."""

    key: str
    """That of the zone's raster, such as ``ortho``."""
    bands: tuple[str, ...]
    levels: tuple[Level, ...]
    """Pyramid of its bands, each of shape (band, row, col), in uint8, uint16 or float32."""
    scale: float
    """Side of a pixel of the first level in metres."""
    translate: tuple[float, float]
    """Centre of its pixel (0, 0) in the world, (y, x) in metres."""
    cells: NDArray[np.bool_]
    """Shape (row, col): which patch cells of the zone's box are the zone's."""
    cell: float
    """Side of a cell in metres."""
    corner: float
    """Upper left corner of the cells in the world, y and x alike: half a pixel before the origin."""
    quantiles: Mapping[str, NDArray[Any]]
    """Of each band, the least to the largest value of a sample, a thousandth of it apart."""

    def stretch(self, band: str, percentiles: tuple[float, float] | None, gamma: float) -> Stretch:
        """Return how a band becomes light and dark.

        Parameters
        ----------
        percentiles
            Values between which it is stretched; None shows an 8-bit band as it is.
        """
        if percentiles is None and self.levels[0].pixels.dtype == np.uint8:
            return Stretch(gamma=gamma)
        return Stretch.of(self.quantiles[band], percentiles=percentiles or _USUAL, gamma=gamma)

    def shapes(self) -> list[tuple[int, int]]:
        """Return the (rows, columns) that each level has for napari.

        napari takes the ratio of shapes for that of pixels, so they are exact multiples: up to one pixel of
        the coarsest level wider than the bands, and clear there.
        """
        last = len(self.levels) - 1
        rows, cols = (-(-side >> last) << last for side in self.levels[0].pixels.shape[1:])
        return [(rows >> level, cols >> level) for level in range(last + 1)]

    def centres(self, level: int, axis: Literal[0, 1]) -> tuple[float, float]:
        """Return where the first pixel of a level lies in the world along an axis, and its side in metres."""
        side = self.scale * 2**level
        return self.translate[axis] + (side - self.scale) / 2, side

    def cells_of(self, level: int, axis: Literal[0, 1]) -> NDArray[np.intp]:
        """Return in which row (axis 0) or column (axis 1) of cells pixels of a level lie, −1 beyond."""
        first, side = self.centres(level, axis)
        places = first + side * np.arange(self.levels[level].pixels.shape[1 + axis])
        cells = np.floor((places - self.corner) / self.cell).astype(np.intp)
        return np.where((cells >= 0) & (cells < self.cells.shape[axis]), cells, -1)


def desk_raster(found: PlacedPixels, zone: Zone, *, key: str) -> DeskRaster:
    """Return a raster as it lies on the desk.

    Parameters
    ----------
    found
        What `Campaign.read_raster` gives.
    zone
        Whose desk.
    key
        The raster's.
    """
    pixels = found.pixels
    if pixels.dtype not in (np.uint8, np.uint16, np.float32):
        pixels = pixels.astype(np.float32)
    scale, translate = placement(found.grid, zone.grid)
    size = NATIONAL_GRID.pixels
    return DeskRaster(
        key=key,
        bands=found.bands,
        levels=mean_levels(np.ascontiguousarray(pixels), found.valid),
        scale=scale,
        translate=translate,
        cells=_cells(zone),
        cell=size * zone.grid.resolution,
        corner=-zone.grid.resolution / 2,
        quantiles=_quantiles(pixels, found),
    )


def _quantiles(pixels: NDArray[Any], found: PlacedPixels) -> dict[str, NDArray[Any]]:
    step = max(1, max(found.grid.shape) // _SAMPLE_SIDE)
    shares, quantiles = np.linspace(0, 1, _QUANTILES), {}
    for band, name in zip(pixels, found.bands, strict=True):
        sample = band[::step, ::step]
        sample = sample[found.valid[::step, ::step]] if found.valid is not None else sample
        quantiles[name] = np.quantile(sample, shares) if sample.size else np.empty(0)
    return quantiles


def _cells(zone: Zone) -> NDArray[np.bool_]:
    """Return which patch cells of a zone's box are the zone's."""
    size = NATIONAL_GRID.pixels
    cells = np.zeros((zone.grid.height // size, zone.grid.width // size), np.bool_)
    for cell in zone.cells:
        cells[cell.row, cell.col] = True
    return cells
