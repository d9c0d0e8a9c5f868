"""The scale in hand: how large the regions are that the pointer takes, and the ways to change it."""

from __future__ import annotations

__all__ = ["COARSEST", "ScaleInHand"]

import math

import numpy as np
from numpy.typing import NDArray

from workbench.segmentation.hierarchy import Hierarchy, Node, ScaleSteps

COARSEST = 254
# One notch of the wheel or press of a key changes λ by half an octave: coarse enough to travel from a tile to
# a field in a flick, fine enough to stop at the roof in between.
_OCTAVES_PER_STEP = 0.5
# A zone opens at regions of about this many pixels (100 m² at 20 cm): a house, a tree, a lawn.
_FIRST_REGION_PIXELS = 2500


class ScaleInHand:
    """A scale λ over a hierarchy, with the level of the saliency image that shows its regions' borders.

    Parameters
    ----------
    hierarchy
        Of the zone; None where it is not segmented, then nothing moves.
    resolution
        Metres per pixel.
    """

    def __init__(self, hierarchy: Hierarchy | None, resolution: float) -> None:
        self._hierarchy = hierarchy
        self._steps = hierarchy.scale_steps if hierarchy is not None else ScaleSteps(low=1.0, high=1.0)
        pixels = int(hierarchy.area.sum(dtype=np.int64)) if hierarchy is not None else 1
        self._area = pixels * resolution**2
        self._climbed: list[float] = []
        """Scales from which `climb` came, to go back to."""
        level = int(np.argmax(self._counts * _FIRST_REGION_PIXELS <= pixels)) if hierarchy is not None else 0
        self._scale = self._steps.scale(level)

    @property
    def scale(self) -> float:
        """Scale (λ)."""
        return self._scale

    @property
    def level(self) -> int:
        """The first level that shows no border inside the regions, `finest` to 254 (whole zone)."""
        return min(max(self._steps.level(self._scale), self.finest), COARSEST)

    @property
    def finest(self) -> int:
        """The highest level that shows every leaf; below it are scales that refining a region may need."""
        return int(np.flatnonzero(self._counts == self._counts[0])[-1])

    @property
    def regions(self) -> int:
        """Number of regions of the zone."""
        return int(self._counts[self.level])

    @property
    def regions_per_km2(self) -> float:
        """Density of the regions, over the pixels that have any."""
        return self.regions / self._area * 1e6

    def take(self, hierarchy: Hierarchy) -> None:
        """Go on with another hierarchy of the same zone, refined here and there."""
        self._hierarchy = hierarchy
        self._scale = max(self._scale, self._steps.scale(self.finest))

    def set_level(self, level: int) -> bool:
        """Go to a level, the nearest end if it is out of range; return whether that changed anything."""
        return self._go(self._steps.scale(min(max(level, self.finest), COARSEST)))

    def set_scale(self, scale: float) -> bool:
        """Go to the smallest level at or above a scale (λ)."""
        return self.set_level(self._steps.level(scale))

    def step(self, steps: int) -> bool:
        """Make regions larger (or, below 0, smaller) by steps of half an octave of λ."""
        octaves = math.log2(self._steps.high / self._steps.low) / (COARSEST - 1)
        stride = max(1, round(_OCTAVES_PER_STEP / octaves)) if octaves else COARSEST
        return self.set_level(self.level + steps * stride)

    def climb(self, node: Node) -> bool:
        """Go to the scale at which a region becomes part of the next larger one."""
        parent = self._hierarchy.parent(node) if self._hierarchy is not None else None
        if parent is None:
            return False
        before = self._scale
        climbed = [*self._climbed, before]
        if not self._go(parent.scale):
            return False
        self._climbed = climbed
        return True

    def descend(self, node: Node, leaf: int) -> bool:
        """Go back to where `climb` came from; else to the largest region inside one that holds a leaf.

        Returns
        -------
        bool
            False where the region is a leaf: only refining makes smaller ones.
        """
        if self._climbed:
            left = self._climbed[:-1]
            moved = self._go(self._climbed[-1])
            self._climbed = left
            return moved
        children = self._hierarchy.children(node) if self._hierarchy is not None else ()
        inside = next((child for child in children if child.first <= leaf < child.stop), None)
        return inside is not None and self._go(inside.scale)

    def _go(self, scale: float) -> bool:
        if self._hierarchy is None or scale == self._scale:
            return False
        self._scale = scale
        self._climbed = []
        return True

    @property
    def _counts(self) -> NDArray[np.int64]:
        """How many regions the cut at each level has, shape (level,)."""
        if self._hierarchy is None:
            return np.zeros(COARSEST + 1, np.int64)
        return self._hierarchy.region_counts
