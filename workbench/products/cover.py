"""A cover map: the classes of a prediction as those of a product, voted, coarsened and generalised."""

from __future__ import annotations

__all__ = ["Cover", "Regions", "make_cover"]

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.errors import ProductError
from workbench.geo.grid import PixelGrid
from workbench.nomenclature import Crosswalk
from workbench.nomenclature.code_counts import code_counts
from workbench.products.generalising import MinimumUnits, generalise
from workbench.products.voting import coarser_grid, vote_by_region, vote_on_grid


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regions:
    """A partition of the image that a prediction is of, such as a cut of its hierarchy."""

    labels: NDArray[np.uint32]
    """Shape (row, col). Region of each pixel, 4,294,967,295 where there is none."""
    count: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cover:
    """A map in the values of a crosswalk's targets."""

    values: NDArray[np.uint8]
    """Shape (row, col); 0 = nothing."""
    grid: PixelGrid
    crosswalk: Crosswalk
    units: MinimumUnits
    merged: int
    """Pieces that were too small and went to their neighbours."""
    small: int
    """Pieces that are too small still, for all around them is nothing."""

    def pixels(self) -> dict[int, int]:
        """Return how many pixels each value of the targets has."""
        counts = code_counts(self.values)
        return {target.value: int(counts[target.value]) for target in self.crosswalk.targets}


def make_cover(
    codes: NDArray[np.uint8],
    grid: PixelGrid,
    crosswalk: Crosswalk,
    *,
    units: MinimumUnits,
    regions: Regions | None = None,
    resolution: float | None = None,
) -> Cover:
    """Make a cover map of a prediction.

    Parameters
    ----------
    codes
        Shape (row, col). Codes of the nomenclature that the crosswalk starts from; 0 = nothing.
    grid
        Where they lie.
    crosswalk
        What they become.
    units
        How small a piece may be.
    regions
        Of the same pixels; each takes the class that most of its pixels have, before anything else.
    resolution
        Metres of the map's pixels, where they are larger.

    Raises
    ------
    ProductError
        A class that is there is undecided, a target is 0, or something does not fit.
    """
    if any(target.value == 0 for target in crosswalk.targets):
        raise ProductError(
            f"crosswalk {crosswalk.name} writes a class as 0, which is nothing in a map; number it from 1"
        )
    voted = codes if regions is None else vote_by_region(codes, regions.labels, regions.count)
    values = _translated(voted, crosswalk)
    if resolution is not None and resolution != grid.resolution:
        coarser = coarser_grid(grid, resolution)
        values, grid = vote_on_grid(values, grid, coarser), coarser
    fewest = units.pixels(
        ((target.value, target.key) for target in crosswalk.targets), resolution=grid.resolution
    )
    done = generalise(values, fewest) if fewest.max() > 1 else None
    return Cover(
        values=values if done is None else done.values,
        grid=grid,
        crosswalk=crosswalk,
        units=units,
        merged=0 if done is None else done.before - done.after,
        small=0 if done is None else done.small,
    )


def _translated(codes: NDArray[np.uint8], crosswalk: Crosswalk) -> NDArray[np.uint8]:
    """Return codes as values of the targets; 0 stays 0, whatever becomes of unlabelled pixels."""
    counts = code_counts(codes)
    table = np.zeros(256, np.uint8)
    open_classes: Mapping[str, int] = {
        one.key: int(counts[one.code]) for one in crosswalk.source.classes if one.key in crosswalk.undecided
    }
    left = {key: pixels for key, pixels in open_classes.items() if pixels}
    if left:
        told = ", ".join(f"{key} ({counted(pixels, 'pixel')})" for key, pixels in left.items())
        first = next(iter(left))
        candidates = crosswalk.undecided[first].candidates or (crosswalk.targets[0].key,)
        raise ProductError(
            f"{crosswalk.name} does not say what becomes of {told}: decide it, such as "
            f"--decide {first}={candidates[0]}"
        )
    present = np.flatnonzero(counts).astype(np.uint8)
    present = present[present != 0]
    if present.size:
        table[present] = crosswalk.apply(present)
    return table[codes]
