"""Where the ground of a release lies: in longitude and latitude, and in cells of a coarse grid."""

from __future__ import annotations

__all__ = ["grid_cells", "lonlat_bounds", "lonlat_outline"]

import math
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from workbench.dataset.survey import Survey
from workbench.errors import ReleaseError
from workbench.geo.lonlat import to_lonlat

_DIGITS: Final = 7
"""Of degrees: a centimetre."""
_STEP: Final = 10_000.0
"""Metres; side of the smallest cells."""


def lonlat_outline(outline: BaseGeometry, crs: str) -> BaseGeometry:
    """Return a geometry in longitude and latitude, to a centimetre.

    >>> lonlat_outline(shapely.Point(700000.0, 6600000.0), "EPSG:2154").wkt
    'POINT (3 46.5)'

    Raises
    ------
    ReleaseError
        Some of it has none.
    """
    transformer = to_lonlat(crs)

    def moved(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(transformer.transform(*points.T), axis=-1)

    degrees = shapely.transform(outline, moved)
    found = shapely.set_precision(shapely.normalize(degrees), 10.0**-_DIGITS)
    # Far outside the area of a CRS degrees are infinite, or ground is smaller than they can tell.
    if not np.isfinite(degrees.bounds).all() or found.is_empty:
        x, y, *_ = outline.bounds
        raise ReleaseError(
            f"ground at x {x:.6g}, y {y:.6g} of {crs} has no longitude and latitude; publish a part without "
            "its zone: workbench release subset"
        )
    return found


def lonlat_bounds(survey: Survey) -> tuple[float, float, float, float]:
    """Return west, south, east and north of all patches."""
    outlines = [lonlat_outline(zone.outline, survey.card["grid"]["crs"]) for zone in survey.zones]
    west, south, east, north = shapely.total_bounds(outlines).tolist()
    return rounded(west), rounded(south), rounded(east), rounded(north)


def rounded(degrees: float) -> float:
    """Return degrees to a centimetre, without the noise of binary fractions."""
    return round(degrees, _DIGITS)


def grid_cells(survey: Survey, *, most: int) -> list[str]:
    """Return the cells of a square grid that zones touch, by the names that INSPIRE gives to such cells.

    Cells have 10 km, or the double as often as it takes for there not to be too many.
    """
    boxes = [zone.outline.bounds for zone in survey.zones]
    step = _STEP
    while len(cells := _touched(boxes, step)) > most:
        step *= 2
    code = survey.card["grid"]["crs"].partition(":")[2]
    return [f"CRS{code}RES{step:.0f}mN{north * step:.0f}E{east * step:.0f}" for north, east in sorted(cells)]


def _touched(boxes: list[tuple[float, float, float, float]], step: float) -> set[tuple[int, int]]:
    return {
        (north, east)
        for left, bottom, right, top in boxes
        for north in range(math.floor(bottom / step), math.ceil(top / step))
        for east in range(math.floor(left / step), math.ceil(right / step))
    }
