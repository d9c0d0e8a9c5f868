"""What a patch shows, read from the rasters of its zone."""

from __future__ import annotations

__all__ = ["PatchPixels", "codes_on"]

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export.modalities import MODALITIES
from workbench.export.patches import GROUND, Patch, ZoneSource
from workbench.geo.grid import PixelGrid
from workbench.geo.regridding import mean_pixels, most_frequent

_METRES: Final = 1.0
"""Side of the square of ground at the middle of a patch, whose height is that of the patch."""


class PatchPixels:
    """The pixels of a patch, each read once, however many layouts want them.

    Raises
    ------
    ReleaseError
        They are not what the zone's rasters should have.
    """

    def __init__(self, patch: Patch, source: ZoneSource) -> None:
        self._patch, self._source = patch, source
        self.bands = source.zone.ortho.bands
        self._views: dict[str, NDArray[Any]] = {}

    @cached_property
    def image(self) -> NDArray[np.uint8]:
        """The orthophoto in all its bands, shape (band, row, col)."""
        zone, grid = self._source.zone.grid, self._patch.grid
        if zone.same_lattice(grid):
            image = self._source.image(zone.window(grid.bounds))
        else:
            window = zone.covering(grid.bounds) or zone.whole
            image = mean_pixels(self._source.image(window), zone.crop(window), grid)
        wanted = (len(self.bands), *grid.shape)
        if image.dtype != np.uint8 or image.shape != wanted:
            raise ReleaseError(
                f"no release was built: the orthophoto of patch {self._patch.id} has {image.dtype} pixels of "
                f"shape {image.shape}, not uint8 of {wanted}; add the zone again from an 8-bit raster: "
                "gdal_translate -ot Byte -scale"
            )
        return image

    def image_of(self, bands: Sequence[str]) -> NDArray[np.uint8]:
        """Return some bands of the orthophoto."""
        if tuple(bands) == tuple(self.bands):
            return self.image
        return self.image[[self.bands.index(band) for band in bands]]

    def view(self, name: str) -> NDArray[Any]:
        """Return the pixels of another modality, shape (band, row, col)."""
        if name not in self._views:
            modality, view = MODALITIES[name], self._source.views[name]
            grid = modality.grid(self._patch.grid)
            found = view.read(grid)
            wanted = (view.depth(name), *grid.shape)
            if found.dtype != modality.dtype or found.shape != wanted:
                raise ReleaseError(
                    f"no release was built: {name} of patch {self._patch.id} has {found.dtype} pixels of "
                    f"shape {found.shape}, not {modality.dtype} of {wanted}; add a raster of "
                    f"{', '.join(modality.bands)} in that type, or leave {name} out"
                )
            self._views[name] = found
        return self._views[name]

    @property
    def ground(self) -> float | None:
        """Height of the ground at the middle in metres, to the centimetre; None where nobody knows it."""
        view = self._source.views.get(GROUND)
        if view is None:
            return None
        bounds = self._patch.grid.bounds
        x, y = (bounds.left + bounds.right) / 2, (bounds.bottom + bounds.top) / 2
        corner = Affine(_METRES, 0.0, x - _METRES / 2, 0.0, -_METRES, y + _METRES / 2)
        height = float(
            view.read(PixelGrid(crs=self._patch.grid.crs, transform=corner, height=1, width=1))[0, 0, 0]
        )
        return round(height, 2) if np.isfinite(height) else None


def codes_on(patch: PixelGrid, codes: NDArray[np.uint8], zone: PixelGrid) -> NDArray[np.uint8]:
    """Return the codes of a patch from those of its zone, shape (row, col)."""
    if zone.same_lattice(patch):
        return codes[zone.window(patch.bounds).slices].copy()
    window = zone.covering(patch.bounds) or zone.whole
    return most_frequent(codes[window.slices], zone.crop(window), patch)
