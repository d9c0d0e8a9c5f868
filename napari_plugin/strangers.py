"""Layers that napari opened beside a zone, a release, say: put where they lie on the ground, seen from it.

Every layer of ours has its own first pixel at the origin. Two of different places would lie over each other,
and somebody would label one by the picture of the other.
"""

from __future__ import annotations

__all__ = ["put_in_place"]

from collections.abc import Iterable
from typing import Any

from napari_plugin.language import number, tr
from napari_plugin.layers import steps_between
from workbench.geo.grid import PixelGrid


def put_in_place(layers: Iterable[Any], grid: PixelGrid) -> list[str]:
    """Move layers that know their place on the ground to it, and hide those in another CRS than a zone.

    Parameters
    ----------
    layers
        Of napari, none of them the desk's own; what does not say where it lies stays where it is.
    grid
        Of the zone, whose first pixel is the origin.

    Returns
    -------
    list of str
        What to tell of those that are not seen here, one sentence each.
    """
    told = []
    for layer in layers:
        crs, transform = layer.metadata.get("crs"), layer.metadata.get("transform")
        if crs is None or transform is None or "source" not in layer.metadata:
            continue  # of no file: of another desk, say
        if crs != grid.crs:
            layer.visible = False
            told.append(
                tr(
                    "{layer} is in {crs} and this zone in {own}: it is not shown here.",
                    layer=layer.name,
                    crs=crs,
                    own=grid.crs,
                )
            )
            continue
        down, across = steps_between(grid, transform)
        layer.translate = (down, across)
        if away := _distance(layer, grid):
            told.append(
                tr(
                    "{layer} lies {distance} km from here.",
                    layer=layer.name,
                    distance=number(max(away / 1000, 0.1), 1),
                )
            )
    return told


def _distance(layer: Any, grid: PixelGrid) -> float:
    """Return how far a layer is from a zone, in metres; 0 where they touch."""
    first, last = layer.extent.world[:, -2:]
    sides = [side * grid.resolution for side in grid.shape]
    gaps = [max(low - side, -high, 0.0) for low, high, side in zip(first, last, sides, strict=True)]
    return float(max(gaps))
