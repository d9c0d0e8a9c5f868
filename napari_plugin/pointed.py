"""What is under the pointer, and what is being drawn there: places, regions, sketches."""

from __future__ import annotations

__all__ = ["Hover", "Place", "Sketch", "Spot"]

import math
from dataclasses import dataclass

from workbench.geo.grid import Window
from workbench.labels.editing import Region
from workbench.segmentation.hierarchy import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """A position in the zone, in pixels; whole numbers are the centres of pixels."""

    row: float
    col: float

    @property
    def pixel(self) -> tuple[int, int]:
        """(row, col) of the pixel that holds it; it may lie outside the zone."""
        return math.floor(self.row + 0.5), math.floor(self.col + 0.5)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hover:
    """The region under the pointer: what a click gives the class."""

    node: Node
    scale: float
    """Scale (λ) that it was looked up at."""
    window: Window
    """Bounding box of its pixels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sketch:
    """What is begun and not done: nothing of it is a label yet."""

    path: tuple[Spot, ...] = ()
    """Corners of a line or polygon, or the way of the pointer."""
    radius: float = 0.0
    """Half the width of a brush or line, in pixels; 0 where it has none."""
    closed: bool = False
    """Whether the path is the outline of what will be painted."""
    nodes: tuple[Node, ...] = ()
    """Regions that will be painted."""
    region: Region | None = None
    """Pixels that will be painted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What is under the pointer."""

    row: int
    col: int
    x: float
    """Ground position of the pixel's centre in the zone's CRS."""
    y: float
    code: int | None
    """Class code, 0 for unlabelled, None outside the zone's footprint."""
