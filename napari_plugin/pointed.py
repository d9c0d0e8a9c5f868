"""What is under the pointer: a place, and the region that a click there takes."""

from __future__ import annotations

__all__ = ["Hover", "Place"]

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.geo.grid import Window
from workbench.segmentation.hierarchy import Node


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hover:
    """The region under the pointer: exactly the pixels that a click gives the class."""

    node: Node
    scale: float
    """Scale (λ) that it was looked up at."""
    window: Window
    mask: NDArray[np.bool_]
    """Shape (row, col) of the window; inside the zone's footprint."""


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
