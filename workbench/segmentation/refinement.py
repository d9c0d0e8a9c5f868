"""A refinement: other leaves and nodes for the inside of one node, as a value."""

from __future__ import annotations

__all__ = ["FINEST", "Refinement"]

import hashlib
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench import documents
from workbench.errors import HierarchyError
from workbench.geo.grid import Window
from workbench.segmentation.leafmap import NODATA_LEAF
from workbench.segmentation.parameters import SegmentationParameters

FINEST = SegmentationParameters(start="pixels")
"""How a node is segmented again unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Refinement:
    """What `Hierarchy.refined` puts inside a node. Made by `workbench.segmentation.refining.refine`."""

    base: str
    """Digest of the hierarchy that it was made on."""
    window: Window
    """Bounding box of the node."""
    leaves: NDArray[np.uint32]
    """Shape (row, col). New leaf of each of the node's pixels, from 0 on in depth-first order; `NODATA_LEAF`
    where the window is not the node's."""
    s: NDArray[np.float32]
    """Shape (leaf,). Altitude of the lowest common ancestor of leaves j − 1 and j; inf at 0."""
    sums: NDArray[np.float64]
    """Shape (band, leaf). Sum of the values."""
    squares: NDArray[np.float64]
    """Shape (band, leaf). Sum of the squared values."""

    def __post_init__(self) -> None:
        count, shape = self.s.size, self.window.shape
        bands = self.sums.shape[0]
        found = (self.leaves.shape, self.s.shape, self.sums.shape, self.squares.shape)
        if found != (shape, (count,), (bands, count), (bands, count)):
            raise HierarchyError(f"arrays of a refinement have shapes {found}, its window {shape}")
        if count < 2 or not math.isinf(self.s[0]):
            raise HierarchyError(f"a refinement has 2 leaves or more and s starts with inf, not {self.s[:2]}")
        bad = np.flatnonzero(~((self.s[1:] >= 0) & np.isfinite(self.s[1:])))
        if bad.size:
            raise HierarchyError(f"s of a refinement is {self.s[1 + bad[0]]} at leaf {1 + bad[0]}")
        if not (np.isfinite(self.sums).all() and np.isfinite(self.squares).all()):
            raise HierarchyError("sums of a refinement are not finite")
        used = np.bincount(self._inside, minlength=count)
        if used.size != count or not used.all():
            raise HierarchyError(f"a refinement of {count} leaves has pixels of {np.count_nonzero(used)}")

    @property
    def leaf_count(self) -> int:
        """Number of leaves that the node has afterwards."""
        return self.s.size

    @property
    def area(self) -> NDArray[np.uint32]:
        """Pixels of each leaf, shape (leaf,)."""
        return np.bincount(self._inside, minlength=self.leaf_count).astype(np.uint32)

    @property
    def digest(self) -> str:
        """SHA-256 of where and what it is, as 64 hexadecimal digits."""
        window = self.window
        place = [int(n) for n in (window.row, window.col, window.height, window.width)]
        hasher = hashlib.sha256(documents.canonical_bytes({"leaves": self.leaf_count, "window": place}))
        for array in (self.leaves, self.s, self.sums, self.squares):
            hasher.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).data)
        return hasher.hexdigest()

    @property
    def _inside(self) -> NDArray[np.uint32]:
        """Leaf of each of the node's pixels, shape (pixel,)."""
        inside: NDArray[np.uint32] = self.leaves[self.leaves != NODATA_LEAF]
        return inside
