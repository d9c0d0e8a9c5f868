"""Whether a patch of a published tree fits: a cell of the national grid, of known bands and classes."""

from __future__ import annotations

__all__ = ["SeenPatch", "look_at"]

from dataclasses import dataclass

import numpy as np

from workbench.errors import CampaignError, GridError, WorkbenchError
from workbench.export.modalities import MODALITIES
from workbench.export.trees import PatchRaster, Tree, TreePatch
from workbench.export.trees.tree import Header
from workbench.geo.grid import NATIONAL_GRID
from workbench.nomenclature import Nomenclature


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenPatch:
    """A patch that was looked at, and fits."""

    patch: TreePatch
    header: Header
    """Of its image."""
    views: frozenset[str]
    """Modalities beside orthophoto and labels that are what their name says."""


def look_at(tree: Tree, nomenclature: Nomenclature, patch: TreePatch) -> SeenPatch | str:
    """Return what a patch is, or in a sentence why it does not fit.

    Headers are read, and labels whole; pixels of pictures are not.

    Parameters
    ----------
    tree
        Whose patch.
    nomenclature
        Of its labels.
    patch
        The patch.
    """
    try:
        header = patch.image.header()
        _check_place(patch, header)
        if header.dtype != "uint8" or header.bands not in tree.bands:
            return (
                f"{patch.name} has {header.bands} bands of {header.dtype}, images of {tree.layout} have "
                f"{' or '.join(map(str, tree.bands))} of uint8"
            )
        if patch.label is not None:
            _check_label(patch, patch.label, header, nomenclature, tree.scheme)
    except WorkbenchError as error:
        return str(error)
    views = frozenset(name for name, raster in patch.views.items() if _fits(patch, header, name, raster))
    return SeenPatch(patch=patch, header=header, views=views)


def _check_place(patch: TreePatch, header: Header) -> None:
    """Refuse a patch that is no cell of the national grid, by what its raster says."""
    side, grid = NATIONAL_GRID.pixels, header.grid
    try:
        offset = NATIONAL_GRID.offset(grid)
    except GridError as error:
        raise GridError(f"{patch.name}: {error}") from error
    if grid.shape != (side, side):
        raise GridError(
            f"{patch.name} has {grid.height} × {grid.width} pixels, and zones are made of patches of "
            f"{side} × {side}; cut it anew"
        )
    if offset != (0, 0):
        raise GridError(
            f"{patch.name} lies {-offset[0] % side} rows and {-offset[1] % side} columns off a corner of the "
            "national patch grid; cut it anew"
        )


def _check_label(
    patch: TreePatch, label: PatchRaster, image: Header, nomenclature: Nomenclature, scheme: str
) -> None:
    """Refuse labels that do not lie on their image, or have values of no class."""
    # Masks of FLAIR's carry a local CRS without a code; the image beside them has the true one.
    header = label.header(assume_crs=image.grid.crs)
    if not header.grid.coincides(image.grid):
        raise GridError(f"{label.called} does not lie on the image of {patch.name}; copy both again")
    if header.bands != 1 or not np.issubdtype(np.dtype(header.dtype), np.integer):
        raise GridError(
            f"{label.called} has {header.bands} bands of {header.dtype}; labels are one of integers"
        )
    try:
        nomenclature.decode(label.read()[0], scheme)
    except WorkbenchError as error:
        raise CampaignError(f"{label.called}: {error}") from error


def _fits(patch: TreePatch, image: Header, name: str, raster: PatchRaster) -> bool:
    """Tell whether another modality of a patch is what its name says."""
    known = MODALITIES[name]
    days = len(patch.dates.get(name, ())) if known.series else 1
    try:
        header = raster.header(assume_crs=image.grid.crs)
    except WorkbenchError:
        return False
    return (
        header.grid.coincides(known.grid(image.grid))
        and header.bands == len(known.bands) * days > 0
        and np.can_cast(header.dtype, known.dtype, "safe")
    )
