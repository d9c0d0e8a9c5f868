"""Refine here: segment one node again from its pixels, where it is coarser than what is to be labelled."""

from __future__ import annotations

__all__ = ["MOST_PIXELS", "MOST_SPANNED", "refine"]

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workbench.errors import HierarchyError
from workbench.segmentation.building import segment
from workbench.segmentation.cuts import Node
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.parameters import SegmentationParameters
from workbench.segmentation.refinement import FINEST, Refinement

MOST_PIXELS = 1 << 20
"""Pixels of the largest node that is refined: 200 × 200 m at 20 cm, and seconds rather than minutes."""

MOST_SPANNED = 1 << 22
"""Pixels of its bounding box: a net of roads may reach all over a zone."""

# One leaf for so many pixels, but always enough for a small object: about ten times as fine as a zone's
# leaves, and what keeps a journal with hundreds of refinements small.
_PIXELS_PER_LEAF = 8
_LEAVES = 256
_SPARE = 1.5


def refine(
    hierarchy: Hierarchy,
    node: Node,
    image: NDArray[np.generic],
    *,
    parameters: SegmentationParameters = FINEST,
) -> Refinement:
    """Segment the pixels of a node again, all others being walls.

    The result is its finest cut of at most one leaf for 8 pixels, 256, or twice the leaves that the node has:
    so refining a region again goes deeper, down to its pixels. Altitudes are at most the node's
    own (a leaf's at most its parent's), so that the node stays a node and nothing outside it changes.

    Parameters
    ----------
    hierarchy
        Whose node it is.
    node
        From `Hierarchy.node_at`.
    image
        Shape (band, row, col): what the hierarchy was made of.
    parameters
        How to segment. Bands, edgels and regions count what they count in the hierarchy.

    Returns
    -------
    Refinement
        For `Hierarchy.refined`.

    Raises
    ------
    HierarchyError
        The node is too large, or there is nothing finer in it than it has already.
    """
    if image.shape != (hierarchy.matrix.shape[1], *hierarchy.grid.shape):
        raise HierarchyError(
            f"image has shape {image.shape}, the hierarchy was made of "
            f"{(hierarchy.matrix.shape[1], *hierarchy.grid.shape)}"
        )
    pixels = hierarchy.pixel_count(node)
    if pixels > MOST_PIXELS:
        raise HierarchyError(
            f"the region has {pixels:,} pixels, at most {MOST_PIXELS:,} are refined at once; "
            "take a smaller region"
        )
    window, mask = hierarchy.mask(node)
    if mask.size > MOST_SPANNED:
        raise HierarchyError(
            f"the region spans {window.height} × {window.width} pixels, at most {MOST_SPANNED:,} are looked "
            "at; take a smaller region"
        )
    most = max(_LEAVES, pixels // _PIXELS_PER_LEAF, 2 * node.leaf_count)
    found = segment(
        image[:, *window.slices],
        grid=hierarchy.grid.crop(window),
        valid=mask,
        matrix=hierarchy.matrix,
        parameters=replace(
            parameters,
            # Scales in the units of the hierarchy's own; a node is mostly inside one coarse region.
            inside=hierarchy.parameters.inside,
            region_cost=hierarchy.parameters.region_cost,
            # The build stops near a number of leaves; the cut then makes it one that holds.
            leaf_pixels=max(1.0, pixels / most / _SPARE),
            leaf_budget=most * 2,
        ),
    )
    starts = _kept(found, most, node.leaf_count)
    s = np.minimum(found.s[starts], np.float32(hierarchy.ceiling(node)))
    s[0] = np.inf
    if starts.size <= node.leaf_count or not s[1:].any():
        raise HierarchyError(f"the region of {pixels:,} pixels holds nothing finer than it has already")
    lut = np.searchsorted(starts, np.arange(found.leaf_count), side="right") - 1
    return Refinement(
        base=hierarchy.digest,
        window=window,
        leaves=found.leafmap.gather(lut.astype(np.uint32)),
        s=s,
        sums=np.add.reduceat(found.sums, starts, axis=1),
        squares=np.add.reduceat(found.squares, starts, axis=1),
    )


def _kept(found: Hierarchy, most: int, before: int) -> NDArray[np.intp]:
    """Return the first leaf of each region of the finest cut of at most so many.

    Of each leaf, where that is no finer than before: so many boundaries can be of one altitude.
    """
    cut = found.cut_count(most)
    if cut.count <= before:
        return np.arange(found.leaf_count)
    return np.flatnonzero(np.diff(cut.lut.astype(np.int64), prepend=-1))
