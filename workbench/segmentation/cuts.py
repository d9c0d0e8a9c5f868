"""What is had from a hierarchy: nodes, cuts, and the steps of a scale slider."""

from __future__ import annotations

__all__ = ["NODATA_LEAF", "Cut", "Node", "ScaleSteps", "single"]

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import HierarchyError
from workbench.geo.grid import Window
from workbench.segmentation.leafmap import NODATA_LEAF, LeafMap

LARGEST_SCALE = float(np.finfo(np.float32).max)


def single(scale: float) -> np.float32:
    """Return a scale λ ≥ 0 in the precision that scales are compared in; inf becomes the largest number.

    >>> float(single(0.1))
    0.10000000149011612
    """
    if math.isnan(scale) or scale < 0:
        raise HierarchyError(f"scale is {scale}; it must be a number ≥ 0")
    return np.float32(min(scale, LARGEST_SCALE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A region of the tree: leaves first … stop − 1."""

    first: int
    stop: int
    scale: float
    """Altitude: the smallest λ at which the node is a region of the cut; 0 for leaves."""

    @property
    def leaf_count(self) -> int:
        """Number of leaves inside."""
        return self.stop - self.first


@dataclass(frozen=True, slots=True, kw_only=True)
class ScaleSteps:
    """256 levels for the scales of one hierarchy: what its uint8 saliency image counts in.

    Level k shows the boundaries of the cut at ``scale(k)``: an edge belongs to that cut exactly if its
    saliency is above k. Levels are logarithmic from 1 (``low``) to 254 (``high``); level 0 is scale 0, and
    saliency 255 is a boundary that no scale removes.

    >>> steps = ScaleSteps(low=1.0, high=1000.0)
    >>> [round(steps.scale(level), 3) for level in (0, 1, 128, 254)]
    [0.0, 1.0, 32.057, 1000.0]
    >>> steps.level(steps.scale(77))
    77
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (0.0 < self.low <= self.high <= LARGEST_SCALE):
            raise HierarchyError(f"scale steps from {self.low} to {self.high}; 0 < low ≤ high must hold")

    @property
    def scales(self) -> NDArray[np.float32]:
        """Return the scale of each level, shape (255,), never falling."""
        steps = np.zeros(255, np.float32)
        steps[1:] = np.geomspace(self.low, self.high, 254)
        steps[1], steps[-1] = self.low, self.high
        return np.minimum(np.maximum.accumulate(steps), np.float32(self.high))

    def scale(self, level: int) -> float:
        """Return the scale whose boundaries are the saliencies above a level, 0 … 254."""
        return float(self.scales[level])

    def level(self, scale: float) -> int:
        """Return the level of the smallest step at or above a scale; 255 above them all."""
        return int(np.searchsorted(self.scales, single(scale), side="left"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cut:
    """A partition of the image: the regions that are optimal at one scale."""

    leafmap: LeafMap
    """Leaf of each pixel."""
    lut: NDArray[np.uint32]
    """Shape (leaf,). Region of each leaf; regions are numbered in leaf order from 0."""
    count: int
    """Number of regions."""
    scale: float

    def labels(self, window: Window | None = None) -> NDArray[np.uint32]:
        """Return the region of each pixel of a window (default: all), `NODATA_LEAF` at nodata."""
        return self.leafmap.gather(self.lut, window)
