"""Closing: what a zone's labels are looked over for before they are handed in, without any model.

================  ============================================================================================
kind              what is found
================  ============================================================================================
unlabelled        pixels of the zone without a label
unresolved        labels of an upper class: their author was sure of no class, and nobody has been since
tall-water        water or pool above ground that is as bright in near infrared as land, or stands up as a
                  whole; the matching of images fails on water, so height alone says little there
green-impervious  sealed ground as green as vegetation
flat-building     building or greenhouse without height
sliver            a strip or a patch too small to have been meant, and not cut by the zone's border
border-break      labels that break at the border with a finished neighbour where the picture goes on
================  ============================================================================================

A finding holds the offending pixels, grouped where they touch; parts of them that are narrower than a real
error of their kind are left out.
"""

from __future__ import annotations

__all__ = ["Closing", "check_closing"]

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.assessment.findings import KINDS, Finding, Kind, Limits, finding_at, regions
from workbench.assessment.seams import Seam, find_breaks
from workbench.assessment.slivers import find_slivers
from workbench.assessment.surfaces import SURFACE_BANDS, find_odd_surfaces
from workbench.errors import GridError
from workbench.nomenclature import Nomenclature


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What the checks of a zone found."""

    found: tuple[Finding, ...]
    """The largest first."""
    left_out: tuple[tuple[Kind, str], ...]
    """Checks that could not be made, and why."""


def check_closing(
    codes: NDArray[np.uint8],
    footprint: NDArray[np.bool_],
    bands: Mapping[str, NDArray[np.uint8]],
    nomenclature: Nomenclature,
    *,
    uppers: tuple[NDArray[np.uint8], tuple[str, ...]] | None = None,
    seams: Iterable[Seam] = (),
    limits: Limits | None = None,
) -> Closing:
    """Look a zone's labels over.

    Parameters
    ----------
    codes
        Shape (row, col), 0 = unlabelled.
    footprint
        Shape (row, col), True inside the zone.
    bands
        The picture by band (``R``, ``G``, ``B``, ``NIR``; ``E`` = height above ground × 5), each of the shape
        of ``codes``. Checks whose bands are missing are left out.
    nomenclature
        Of the codes; the classes that the checks are about are found by their keys.
    uppers
        Where authors were sure of an upper class only, as `AnnotationStore.uppers` tells; nowhere by default.
    seams
        The borders with finished neighbours.
    limits
        From which figures on a place is worth a look; the calibrated ones by default.

    Raises
    ------
    GridError
        The rasters differ in shape.
    """
    numbers, upper_keys = uppers if uppers is not None else (np.zeros_like(codes), ())
    shapes = {"footprint": footprint.shape, "upper classes": numbers.shape}
    shapes |= {f"band {name}": band.shape for name, band in bands.items()}
    for name, shape in shapes.items():
        if shape != codes.shape:
            raise GridError(f"{name} has shape {shape}, the labels have {codes.shape}")
    inside = np.where(footprint, codes, np.uint8(0))
    found = [
        *_unlabelled(inside, footprint & (numbers == 0)),
        *_unresolved(inside, np.where(footprint, numbers, np.uint8(0)), upper_keys),
        *find_odd_surfaces(inside, bands, nomenclature, limits or Limits()),
        *find_slivers(inside, footprint, limits or Limits()),
        *find_breaks(seams, inside, nomenclature, limits or Limits()),
    ]
    return Closing(
        found=tuple(sorted(found, key=lambda one: (-one.pixels, KINDS.index(one.kind), one.row, one.col))),
        left_out=tuple(_left_out(bands)),
    )


def _unlabelled(codes: NDArray[np.uint8], footprint: NDArray[np.bool_]) -> Iterator[Finding]:
    bare = footprint & (codes == 0)
    for region in regions(bare.view(np.uint8)):
        pixels = int(np.count_nonzero(region.mask))
        yield finding_at(region, "unlabelled", codes, measured=pixels, limit=0, told="no label")


def _unresolved(
    codes: NDArray[np.uint8], numbers: NDArray[np.uint8], keys: tuple[str, ...]
) -> Iterator[Finding]:
    for region in regions(numbers):
        pixels, (row, col) = int(np.count_nonzero(region.mask)), np.argwhere(region.mask)[0]
        key = keys[numbers[region.window.row + row, region.window.col + col] - 1]
        told = f"its author was sure of {key} only"
        yield finding_at(region, "unresolved", codes, measured=pixels, limit=0, told=told, named=(key,))


def _left_out(bands: Mapping[str, NDArray[np.uint8]]) -> Iterator[tuple[Kind, str]]:
    for kind, needed in SURFACE_BANDS.items():
        missing = [band for band in needed if band not in bands]
        if missing:
            yield kind, f"the picture has no band {' and '.join(missing)}"
