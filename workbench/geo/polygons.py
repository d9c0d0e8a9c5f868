"""From the pixels of a map to polygons and back; a door of rasterio, for its ``features``.

Polygons follow the sides of pixels, so a map and its polygons say the same of every point of the ground.
"""

from __future__ import annotations

__all__ = ["Outlines", "covered", "polygonise"]

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio import features

from workbench.geo.grid import PixelGrid


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outlines:
    """The pieces of a map as polygons, from north to south, then west to east."""

    values: NDArray[np.uint8]
    """Shape (piece,)."""
    polygons: NDArray[Any]
    """Shape (piece,). Shapely polygons with their holes, valid."""


def polygonise(values: NDArray[np.uint8], grid: PixelGrid) -> Outlines:
    """Return the outline of each piece of a map: pixels of one value that hang together by their sides.

    Parameters
    ----------
    values
        Shape (row, col); 0 = nothing, which has no outline.
    grid
        Where they lie.
    """
    found, codes = [], []
    for geometry, value in features.shapes(np.ascontiguousarray(values), mask=values != 0, connectivity=4):
        outer, *holes = geometry["coordinates"]
        found.append(shapely.Polygon(outer, holes))
        codes.append(int(value))
    polygons = np.array(found, dtype=object)
    # By the box of the outline, whatever order the library found them in.
    left, top, right, bottom = shapely.bounds(polygons).reshape(-1, 4).T
    order = np.lexsort((np.array(codes, np.float64), bottom, right, left, top))
    corner, step = grid.transform, grid.resolution
    cols_rows = shapely.get_coordinates(polygons)
    # Corners in pixels are whole numbers; what multiplying adds beyond a micrometre is noise.
    on_ground = np.round(np.array([corner.c, corner.f]) + cols_rows * np.array([step, -step]), 6)
    shapely.set_coordinates(polygons, on_ground)
    return Outlines(values=np.array(codes, np.uint8)[order], polygons=polygons[order])


def covered(geometries: NDArray[Any], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels whose centre lies in one of some polygons, (row, col).

    Parameters
    ----------
    geometries
        Shape (feature,): shapely geometries in pixels, whole numbers at pixel centres, as overlays have them.
        Lines and points cover nothing.
    shape
        Rows and columns.

    >>> covered(np.array([shapely.box(0.4, -0.6, 2.4, 0.4)], object), (2, 3)).tolist()
    [[False, True, True], [False, False, False]]
    """
    parts = geometries
    while (shapely.get_type_id(parts) >= shapely.GeometryType.MULTIPOINT).any():
        parts = shapely.get_parts(parts)
    areas = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    if not areas.size:
        return np.zeros(shape, np.bool_)
    burnt = features.rasterize(
        areas.tolist(), out_shape=shape, transform=Affine.translation(-0.5, -0.5), dtype="uint8"
    )
    inside: NDArray[np.bool_] = burnt != 0
    return inside
