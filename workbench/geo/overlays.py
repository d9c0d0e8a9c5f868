"""Features laid over a zone: what is under a point, and lines to draw in a view.

Places are (row, col) of the zone's pixels as floats, whole numbers at pixel centres: (0, 0) is the centre of
the upper left one. In the geometries x is the column and y the row.
"""

from __future__ import annotations

__all__ = ["Feature", "Overlay", "Paths", "attribute_text"]

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import shapely
from numpy.typing import NDArray

from workbench.compiled import kernel

_PIECE = 256
"""Segments of the longest line that is looked up and drawn as a whole: a view takes no more of a motorway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """A feature near a point."""

    index: int
    """Its place in the overlay."""
    distance: float
    """In pixels; 0 in an area."""
    attributes: dict[str, str]
    """Text of each attribute, empty where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Paths:
    """Lines and points to draw."""

    vertices: NDArray[np.float64]
    """Shape (vertex, 2): row and column."""
    starts: NDArray[np.intp]
    """Shape (path + 1,). Path i is ``vertices[starts[i] : starts[i + 1]]``; rings end where they begin."""
    features: NDArray[np.intp]
    """Shape (path,): of which feature each path is."""
    points: NDArray[np.float64]
    """Shape (point, 2): row and column."""
    point_features: NDArray[np.intp]
    """Shape (point,)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Overlay:
    """Features of one layer of a vector file that meet a zone."""

    name: str
    """What the layer is called for a person."""
    layer: str
    """Its name in the file."""
    geometries: NDArray[Any]
    """Shape (feature,): shapely geometries, valid and not empty."""
    attributes: Mapping[str, NDArray[Any]]
    """By name, of shape (feature,)."""
    notices: tuple[str, ...]
    """Sentences on what is not shown."""
    _tree: shapely.STRtree = field(repr=False)
    _lines: _Lines = field(repr=False)

    @classmethod
    def of(
        cls,
        geometries: NDArray[Any],
        attributes: Mapping[str, NDArray[Any]],
        *,
        name: str,
        layer: str,
        notices: tuple[str, ...] = (),
    ) -> Self:
        """Return an overlay of geometries, with what makes looking them up quick."""
        return cls(
            name=name,
            layer=layer,
            geometries=geometries,
            attributes=attributes,
            notices=notices,
            _tree=shapely.STRtree(geometries),
            _lines=_Lines.of(geometries),
        )

    def __len__(self) -> int:
        return len(self.geometries)

    def identify(self, row: float, col: float, *, tolerance: float = 0.0) -> tuple[Feature, ...]:
        """Return the features under a point or near it, nearest first; of areas that hold it, the smallest.

        Parameters
        ----------
        row, col
            The point.
        tolerance
            In pixels: how far a line or a point may be away.
        """
        point = shapely.Point(col, row)
        near = self._tree.query(point, predicate="dwithin", distance=tolerance)
        distances = shapely.distance(self.geometries[near], point)
        order = np.lexsort((near, shapely.area(self.geometries[near]), distances))
        return tuple(
            Feature(index=index, distance=distance, attributes=self.told(index))
            for index, distance in zip(near[order].tolist(), distances[order].tolist(), strict=True)
        )

    def told(self, index: int) -> dict[str, str]:
        """Return the attributes of a feature as text."""
        return {name: attribute_text(values[index]) for name, values in self.attributes.items()}

    def paths(self, rows: tuple[float, float], cols: tuple[float, float], *, tolerance: float = 0.0) -> Paths:
        """Return what there is to draw in a view, in the order of the file.

        Parameters
        ----------
        rows, cols
            First and last row and column of the view; long lines are cut near it.
        tolerance
            Side of a pixel of the screen in pixels of the zone: vertices closer than that to the one before
            are left out, so that no line moves further.
        """
        lines = self._lines
        view = shapely.box(cols[0], rows[0], cols[1], rows[1])
        pieces = np.sort(lines.tree.query(view))
        firsts, stops = lines.firsts[pieces], lines.stops[pieces]
        vertices = np.empty((int((stops - firsts).sum()), 2))
        starts = np.zeros(len(pieces) + 1, np.intp)
        _thin(lines.vertices, firsts, stops, tolerance**2, vertices, starts)
        low, high = (rows[0], cols[0]), (rows[1], cols[1])
        seen = ((lines.points >= low) & (lines.points <= high)).all(axis=1)
        return Paths(
            vertices=vertices[: starts[-1]],
            starts=starts,
            features=lines.features[pieces],
            points=lines.points[seen],
            point_features=lines.point_features[seen],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Lines:
    """All lines, rings and points of some geometries, in pieces that can be looked up."""

    vertices: NDArray[np.float64]
    """Shape (vertex, 2): row and column."""
    firsts: NDArray[np.intp]
    """Shape (piece,): its first vertex."""
    stops: NDArray[np.intp]
    """Shape (piece,): after its last vertex, which may be the first one of the next piece."""
    features: NDArray[np.intp]
    """Shape (piece,)."""
    points: NDArray[np.float64]
    """Shape (point, 2): row and column."""
    point_features: NDArray[np.intp]
    tree: shapely.STRtree
    """Of the pieces' boxes."""

    @classmethod
    def of(cls, geometries: NDArray[Any]) -> Self:
        parts, owners = _simple_parts(geometries)
        kinds = shapely.get_type_id(parts)
        points = kinds == shapely.GeometryType.POINT
        areas = kinds == shapely.GeometryType.POLYGON
        rings, of_area = shapely.get_rings(parts[areas], return_index=True)
        others = ~(points | areas)
        lines = np.concatenate([parts[others], rings])
        owner = np.concatenate([owners[others], owners[areas][of_area]])
        order = np.argsort(owner, kind="stable")
        xy, line = shapely.get_coordinates(lines[order], return_index=True)
        counts = np.bincount(line, minlength=len(lines))
        begins = np.cumsum(counts) - counts
        pieces = np.maximum(1, -(-(counts - 1) // _PIECE))
        number = np.arange(pieces.sum()) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        firsts = np.repeat(begins, pieces) + _PIECE * number
        stops = np.minimum(firsts + _PIECE + 1, np.repeat(begins + counts, pieces))
        return cls(
            vertices=np.ascontiguousarray(xy[:, ::-1]),
            firsts=firsts,
            stops=stops,
            features=np.repeat(owner[order], pieces),
            points=shapely.get_coordinates(parts[points])[:, ::-1],
            point_features=owners[points],
            tree=shapely.STRtree(_boxes(xy, firsts, stops)),
        )


def _simple_parts(geometries: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the points, lines and areas of geometries, and of which each is; collections may be nested."""
    parts, owners = geometries, np.arange(len(geometries))
    while (shapely.get_type_id(parts) >= shapely.GeometryType.MULTIPOINT).any():
        parts, of_part = shapely.get_parts(parts, return_index=True)
        owners = owners[of_part]
    return parts, owners


def _boxes(xy: NDArray[np.float64], firsts: NDArray[np.intp], stops: NDArray[np.intp]) -> NDArray[Any]:
    """Return the box of each piece of lines."""
    if not firsts.size:
        return np.empty(0, object)
    last = xy[stops - 1]  # a piece ends where the next one begins
    low = np.minimum(np.minimum.reduceat(xy, firsts), last)
    high = np.maximum(np.maximum.reduceat(xy, firsts), last)
    boxes: NDArray[Any] = shapely.box(low[:, 0], low[:, 1], high[:, 0], high[:, 1])
    return boxes


def attribute_text(value: Any) -> str:
    """Return a value of an attribute as a person reads it."""
    if value is None or value != value:  # NaN, and no date
        return ""
    if isinstance(value, float | np.floating):
        return f"{value:.12g}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return str(value)


@kernel
def _thin(
    vertices: NDArray[np.float64],
    firsts: NDArray[np.intp],
    stops: NDArray[np.intp],
    nearest: float,
    kept: NDArray[np.float64],
    starts: NDArray[np.intp],
) -> None:
    """Copy lines without vertices that are nearer (squared) to the one before; ends always stay."""
    count = 0
    for path in range(firsts.size):
        row, col = np.inf, np.inf
        for vertex in range(firsts[path], stops[path]):
            down, right = vertices[vertex, 0] - row, vertices[vertex, 1] - col
            if down * down + right * right >= nearest or vertex == stops[path] - 1:
                row, col = vertices[vertex, 0], vertices[vertex, 1]
                kept[count, 0], kept[count, 1] = row, col
                count += 1
        starts[path + 1] = count
