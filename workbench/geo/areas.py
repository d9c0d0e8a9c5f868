"""Ground that the polygons of a vector file cover, all of it: what would be left out of it is refused."""

from __future__ import annotations

__all__ = ["read_area_features", "read_areas"]

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError, ProjError

from workbench.counting import counted
from workbench.errors import VectorError
from workbench.geo.vectors import VectorLayer, layer_geometries, list_layers

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


def read_areas(path: Path, *, crs: str) -> dict[str, BaseGeometry]:
    """Return the union of the polygons of each layer of a vector file, by name, in a given CRS.

    Layers without any are not there.

    Raises
    ------
    VectorError
        The file cannot be read, a layer has no CRS or one that does not reach the other, nothing is in it, or
        something that covers no ground, as points and lines do.
    """
    found = read_area_features(path, crs=crs)
    try:
        return {name: shapely.union_all(parts) for name, parts in found.items()}
    except shapely.errors.GEOSException as error:
        raise VectorError(f"{path}: its polygons cannot be joined; check them in QGIS") from error


def read_area_features(path: Path, *, crs: str) -> dict[str, NDArray[Any]]:
    """Return the polygons of each layer of a vector file that has some, shape (feature,), valid.

    Parameters and errors are those of `read_areas`.
    """
    found = {layer.name: [*_areas(path, layer, crs)] for layer in list_layers(path)}
    if not any(found.values()):
        raise VectorError(f"{path} holds no polygon; draw the ground as polygons")
    return {name: shapely.make_valid(np.array(parts, object)) for name, parts in found.items() if parts}


def _areas(path: Path, layer: VectorLayer, crs: str) -> Iterator[Any]:
    """Yield the features of a layer that have a geometry."""
    found = layer_geometries(path, layer.name)
    found = found[~(shapely.is_missing(found) | shapely.is_empty(found))]
    flat = sum(not _is_area(one) for one in found)
    if flat:
        raise VectorError(
            f"{path}: {counted(flat, 'feature')} of {len(found):,} in layer {layer.name} cover no ground, as "
            "points and lines do; draw polygons around them, such as buffers of 100 m (in QGIS: Vector, "
            "Geoprocessing Tools, Buffer)"
        )
    yield from _moved(path, layer, found, crs)


def _is_area(geometry: Any) -> bool:
    """Tell whether a geometry is of polygons alone."""
    parts = shapely.get_parts(shapely.get_parts([geometry]))  # a collection may hold multipolygons
    return bool((shapely.get_type_id(parts) == shapely.GeometryType.POLYGON).all())


def _moved(path: Path, layer: VectorLayer, found: NDArray[Any], crs: str) -> NDArray[Any]:
    """Return geometries of a layer in another CRS."""
    if layer.crs is None:
        raise VectorError(f"{path}: layer {layer.name} has no CRS; export it again with its CRS")
    try:
        there = pyproj.Transformer.from_crs(layer.crs, crs, always_xy=True)
    except (CRSError, ProjError) as error:
        reason = " ".join(str(error).split())
        raise VectorError(f"{path}: its CRS does not lead to {crs} ({reason[:200]}); correct it") from error
    moved: NDArray[Any] = shapely.transform(found, lambda xy: np.column_stack(there.transform(*xy.T)))
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise VectorError(
            f"{path}: some of layer {layer.name} lies where {crs} does not reach; correct its CRS, or leave "
            "that out"
        )
    return moved
