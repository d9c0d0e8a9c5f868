"""The door of vector files that are looked at: roads, parcels, old maps; nothing of them is written.

Opening is defensive: files of four kinds, known by their first bytes, and never more of them than what meets
a zone.
"""

from __future__ import annotations

__all__ = ["VectorLayer", "chosen_layer", "field_values", "layer_geometries", "list_layers", "read_overlay"]

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pyproj
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError, GeometryError
from pyproj.exceptions import CRSError, ProjError

from workbench.errors import VectorError
from workbench.geo.grid import Bounds, PixelGrid
from workbench.geo.overlays import Overlay, attribute_text

# By suffix: what such files begin with. GDAL would open other formats under these names as well.
_KINDS = {
    ".gpkg": b"SQLite format 3\0",
    ".shp": b"\x00\x00\x27\x0a",
    ".fgb": b"fgb\x03fgb",
    ".geojson": b"{",
    ".json": b"{",
}
_HEAD = 1 << 14
_LARGEST_JSON = 1 << 28
"""Bytes; GDAL holds all of a GeoJSON file in memory, whatever part of it is asked for."""
_MOST_VERTICES = 2_000_000
"""In an overlay: what is drawn smoothly, and a tenth of a gigabyte."""
_UNREADABLE = (DataSourceError, DataLayerError, FeatureError, GeometryError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorLayer:
    """A layer of a vector file, as its header says."""

    name: str
    geometry: str
    """Such as ``LineString``; ``Unknown`` where features may be of any kind."""
    features: int
    """How many; −1 where counting them would take long."""
    crs: str | None
    """``EPSG:code`` where the CRS has one, else WKT."""


def list_layers(path: Path) -> tuple[VectorLayer, ...]:
    """Return the layers of a vector file that have geometries.

    Raises
    ------
    VectorError
        It is no GeoPackage, shapefile, FlatGeobuf or GeoJSON file, or damaged.
    """
    with _opened(path):
        found = []
        for name, geometry in pyogrio.list_layers(path):
            if geometry is not None:
                info = pyogrio.read_info(path, layer=name)
                found.append(
                    VectorLayer(
                        name=str(name), geometry=str(geometry), features=info["features"], crs=info["crs"]
                    )
                )
    return tuple(found)


def chosen_layer(path: Path, name: str | None = None) -> VectorLayer:
    """Return a layer of a vector file by its name, by default the only one.

    Raises
    ------
    VectorError
        As `list_layers`, or there is no such layer, or there are several.
    """
    return _chosen(path, list_layers(path), name)


def field_values(path: Path, field: str, *, layer: str) -> dict[str, int]:
    """Return how many features of a layer have each text in a field, sorted; those without any have ``""``.

    Raises
    ------
    VectorError
        The file cannot be read, or its layer has no such field.
    """
    with _opened(path):
        known = [str(name) for name in pyogrio.read_info(path, layer=layer)["fields"]]
        if field not in known:
            raise VectorError(
                f"{path}: layer {layer} has no field {field}; it has {', '.join(known[:20]) or 'none'}"
            )
        _, _, _, columns = pyogrio.raw.read(path, layer=layer, columns=[field], read_geometry=False)
    return dict(sorted(Counter(map(attribute_text, columns[0].tolist())).items()))


def layer_geometries(path: Path, layer: str) -> NDArray[Any]:
    """Return the geometry of each feature of a layer, as they lie in the file; None where there is none.

    Raises
    ------
    VectorError
        The file, or the geometry of a feature, cannot be read.
    """
    with _opened(path):
        _, _, encoded, _ = pyogrio.raw.read(path, layer=layer, columns=[], force_2d=True)
    try:
        return np.asarray(shapely.from_wkb(encoded), object)
    except shapely.errors.ShapelyError as error:
        reason = " ".join(str(error).split())
        raise VectorError(
            f"{path}: a geometry of layer {layer} cannot be read ({reason[:200]}); mend it in QGIS"
        ) from error


def read_overlay(
    path: Path, grid: PixelGrid, *, layer: str | None = None, margin: int = 256, name: str | None = None
) -> Overlay:
    """Read the features of a layer that meet a zone or its surroundings, in pixels of the zone.

    Parameters
    ----------
    path
        A GeoPackage, shapefile, FlatGeobuf or GeoJSON file.
    grid
        The zone's.
    layer
        Name of the layer; the only one by default.
    margin
        How far around the zone, in its pixels.
    name
        What the overlay is called; by default as the file, or the layer of a file of several.

    Returns
    -------
    Overlay
        Without features that have no geometry or none that can be read; invalid ones are made valid, heights
        are left out and curves are made of short lines. What is left out is in its ``notices``.

    Raises
    ------
    VectorError
        The file or layer is none, damaged or too large, or its CRS is missing or leads nowhere near the zone.
    """
    layers = list_layers(path)
    chosen = _chosen(path, layers, layer)
    around = _around(grid, margin)
    to_grid, bbox = _way(path, chosen, grid, around)
    with _opened(path):
        fields, encoded, columns = _features(path, chosen.name, bbox)
    notices = []
    if len(encoded) > _MOST_VERTICES:
        notices.append(f"{path} has more than {_MOST_VERTICES:,} features there, {_FEWER}")
    geometries = np.asarray(shapely.from_wkb(encoded, on_invalid="ignore"), object)
    good = ~(shapely.is_missing(geometries) | shapely.is_empty(geometries))
    placed, finite = _in_pixels(geometries[good], to_grid, grid)
    index = np.flatnonzero(good)[finite]
    if lost := len(geometries) - len(index):
        notices.append(f"{lost:,} of {len(geometries):,} features there have no geometry that can be shown")
    bounds = ~grid.transform @ (around.left, around.top), ~grid.transform @ (around.right, around.bottom)
    (left, top), (right, bottom) = bounds
    near = shapely.intersects(placed, shapely.box(left - 0.5, top - 0.5, right - 0.5, bottom - 0.5))
    many = np.cumsum(shapely.get_num_coordinates(placed) * near) > _MOST_VERTICES
    if (near & many).any():
        notices.append(
            f"{path} has more than {_MOST_VERTICES:,} vertices there, the first {(near & ~many).sum():,} of "
            f"{near.sum():,} features are shown, {_FEWER}"
        )
    index, placed = index[near & ~many], placed[near & ~many]
    plain = path.stem if len(layers) == 1 else chosen.name
    return Overlay.of(
        placed,
        {field: column[index] for field, column in zip(fields, columns, strict=True)},
        name=plain if name is None else name,
        layer=chosen.name,
        notices=tuple(notices),
    )


_FEWER = "make it simpler: ogr2ogr -simplify 1 simpler.gpkg"


def _chosen(path: Path, layers: tuple[VectorLayer, ...], name: str | None) -> VectorLayer:
    known = ", ".join(one.name for one in layers[:20]) or "none"
    found = layers if name is None else [one for one in layers if one.name == name]
    if len(found) != 1:
        several = "several layers; say which" if layers else "no layer"
        wanted = several if name is None else f"no layer {name}"
        raise VectorError(f"{path} has {wanted}; its layers with geometries are: {known}")
    return found[0]


def _around(grid: PixelGrid, margin: int) -> Bounds:
    bounds, more = grid.bounds, margin * grid.resolution
    return Bounds(
        left=bounds.left - more, bottom=bounds.bottom - more, right=bounds.right + more, top=bounds.top + more
    )


def _way(
    path: Path, layer: VectorLayer, grid: PixelGrid, around: Bounds
) -> tuple[pyproj.Transformer, tuple[float, float, float, float]]:
    """Return how coordinates of a layer become those of the zone, and the zone's box in the layer's CRS."""
    if layer.crs is None:
        raise VectorError(
            f"{path}: layer {layer.name} has no CRS; write a copy that says the true one: "
            f"ogr2ogr -a_srs EPSG:2154 with_crs.gpkg {path.name}"
        )
    try:
        to_grid = pyproj.Transformer.from_crs(layer.crs, grid.crs, always_xy=True)
        bbox = to_grid.transform_bounds(
            around.left,
            around.bottom,
            around.right,
            around.top,
            direction=pyproj.enums.TransformDirection.INVERSE,
        )
    except (CRSError, ProjError) as error:
        reason = " ".join(str(error).split())
        raise VectorError(
            f"{path}: layer {layer.name} cannot be laid over {grid.crs} ({reason[:200]}); write a copy: "
            f"ogr2ogr -t_srs {grid.crs} warped.gpkg {path.name}"
        ) from error
    if not np.isfinite(bbox).all():
        raise VectorError(
            f"{path}: layer {layer.name} is in {layer.crs[:40]}, which does not reach the zone; "
            "choose a file of that ground"
        )
    return to_grid, bbox


def _features(
    path: Path, layer: str, bbox: tuple[float, float, float, float]
) -> tuple[list[str], NDArray[Any], list[NDArray[Any]]]:
    """Return names of the attributes, geometries as WKB and attributes, of what meets a box."""
    # Shapefiles often lie about the encoding of their text, or say nothing; some are of the nineties.
    said = pyogrio.read_info(path, layer=layer)["encoding"] == "UTF-8"
    for encoding in (None if said else "UTF-8", "cp1252", "ISO-8859-1"):
        try:
            meta, _, encoded, columns = pyogrio.raw.read(
                path,
                layer=layer,
                bbox=bbox,
                force_2d=True,
                encoding=encoding,
                max_features=_MOST_VERTICES + 1,
                datetime_as_string=True,
            )
        except UnicodeDecodeError:
            continue
        return [str(name) for name in meta["fields"]], encoded, columns
    raise VectorError(f"{path}: its attributes are text in no known encoding; export it as GeoPackage")


def _in_pixels(
    geometries: NDArray[Any], to_grid: pyproj.Transformer, grid: PixelGrid
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return geometries in pixels of the grid, valid, and which of the given ones they are."""
    xy, owner = shapely.get_coordinates(geometries, return_index=True)
    x, y = to_grid.transform(xy[:, 0], xy[:, 1])
    affine = ~grid.transform
    col, row = affine.a * x + affine.c - 0.5, affine.e * y + affine.f - 0.5
    lost = np.zeros(len(geometries), np.bool_)
    lost[owner[~(np.isfinite(col) & np.isfinite(row))]] = True
    kept = np.flatnonzero(~lost)
    inside = ~lost[owner]
    placed = shapely.set_coordinates(geometries[kept], np.stack([col[inside], row[inside]], axis=1))
    bad = ~shapely.is_valid(placed)
    placed[bad] = shapely.make_valid(placed[bad])
    return placed, kept


@contextmanager
def _opened(path: Path) -> Iterator[None]:
    """Check that a path is a vector file of a kind that is read, and tell what goes wrong with it."""
    begins = _KINDS.get(path.suffix.lower())
    if begins is None or not path.is_file():
        raise VectorError(
            f"{path} is not a vector file ({', '.join(_KINDS)}) on this machine; check the path"
        )
    with path.open("rb") as file:
        head = file.read(_HEAD)
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip() if begins == b"{" else head
    # GDAL takes anything that mentions a virtual source for one, and follows it wherever it leads.
    if not text.startswith(begins) or b"<OGRVRT" in head:
        raise VectorError(f"{path} is not what its name says, or damaged; export it again as GeoPackage")
    if begins == b"{" and path.stat().st_size > _LARGEST_JSON:
        raise VectorError(
            f"{path} is a GeoJSON file of {path.stat().st_size / 1e6:,.0f} MB, all of which would be held in "
            f"memory; make a file that is read in part: ogr2ogr {path.stem}.gpkg {path.name}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except _UNREADABLE as error:
        reason = " ".join(str(error).split())
        raise VectorError(
            f"{path} cannot be read ({reason[:200]}); look at it in QGIS, and export it as GeoPackage"
        ) from error
