"""Pixels of patches as the bytes that a release has of them."""

from __future__ import annotations

__all__ = ["ENCODING", "Encoder", "PatchJob"]

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import NomenclatureError, ReleaseError
from workbench.export.hdf5 import Chunked, compressed
from workbench.export.layouts import Layout
from workbench.export.modalities import MODALITIES, grid_of
from workbench.export.patches import IMAGE, LABEL, Patch, ZoneSource
from workbench.export.pixels import PatchPixels
from workbench.geo.geotiff import encode_raster
from workbench.nomenclature import Nomenclature

ENCODING: Final = 1
"""Changes when the same pixels are written as other bytes, so that what is taken from an older release is as
what is written now."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchJob:
    """One patch to write."""

    patch: Patch
    source: ZoneSource
    codes: NDArray[np.uint8]
    """Codes of its pixels, (row, col); 0 = unlabelled."""
    before: Patch | None = None
    """The same patch of the release that this one builds on."""
    same: frozenset[str] = frozenset()
    """Modalities beside orthophoto and labels that are made of the same as there."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoder:
    """Makes bytes of the modalities of patches, as a layout has them."""

    nomenclature: Nomenclature

    def raster(self, layout: Layout, modality: str, job: PatchJob, pixels: PatchPixels) -> bytes:
        """Return a GeoTIFF."""
        planes, grid = self._planes(layout, modality, job, pixels), grid_of(modality, job.patch.grid)
        if modality == LABEL:
            colours = self.nomenclature.colour_table(layout.scheme) if layout.coloured else None
            return encode_raster(planes, grid, colours=colours)
        # Level 4 takes half the time of level 6 and makes images 3 % larger.
        return encode_raster(planes, grid, level=4, predictor=3 if planes.dtype.kind == "f" else 2)

    def chunk(self, layout: Layout, modality: str, job: PatchJob, pixels: PatchPixels) -> bytes:
        """Return a chunk of HDF5."""
        return compressed(self._planes(layout, modality, job, pixels))

    def chunked(self, layout: Layout, modality: str, patch: Patch, source: ZoneSource) -> Chunked:
        """Return what the dataset of a modality holds of each patch."""
        shape = grid_of(modality, patch.grid).shape
        if modality == LABEL:
            return Chunked(dtype="uint8", shape=shape)
        if modality == IMAGE:
            return Chunked(dtype="uint8", shape=(len(layout.bands), *shape))
        return Chunked(
            dtype=MODALITIES[modality].dtype, shape=(source.views[modality].depth(modality), *shape)
        )

    def _planes(self, layout: Layout, modality: str, job: PatchJob, pixels: PatchPixels) -> NDArray[Any]:
        """Return pixels, labels (row, col) in the numbers of the layout's scheme, others (band, row, col)."""
        if modality == IMAGE:
            return pixels.image_of(layout.bands)
        if modality != LABEL:
            return pixels.view(modality)
        try:
            return self.nomenclature.encode(job.codes, layout.scheme)
        except NomenclatureError as error:
            raise ReleaseError(f"no release was built: labels of patch {job.patch.id}: {error}") from error
