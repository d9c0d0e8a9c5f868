"""Image → hierarchy: leaves, region graph, merges, scales, numbering."""

from __future__ import annotations

__all__ = ["segment"]

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from workbench.errors import HierarchyError
from workbench.geo.grid import PixelGrid
from workbench.segmentation import intervals
from workbench.segmentation.cuts import NODATA_LEAF
from workbench.segmentation.graph import leaf_statistics, region_graph
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.merging import merge_regions
from workbench.segmentation.parameters import SegmentationParameters, digest_image, usable_pixels
from workbench.segmentation.partition import basins, flat_zones
from workbench.segmentation.scales import leaf_order, persistent_scales


def segment(
    image: NDArray[np.generic],
    *,
    grid: PixelGrid,
    valid: NDArray[np.bool_] | None = None,
    parameters: SegmentationParameters = SegmentationParameters(),  # noqa: B008 - frozen
    progress: Callable[[str, float], None] | None = None,
) -> Hierarchy:
    """Build the scale-sets hierarchy of an image.

    Parameters
    ----------
    image
        Shape (band, row, col); uint8, uint16 or float32. Pixels with a NaN in any band are nodata.
    grid
        Where the pixels lie; of the image's size.
    valid
        Shape (row, col); False for nodata. Nodata is a wall: it is in no region, and regions on both sides of
        it are no neighbours.
    parameters
        How to segment.
    progress
        Called with the name of each step and the share of the work done before it.

    Raises
    ------
    HierarchyError
        The image is of a type that cannot be segmented, or has no valid pixel.
    """
    report = progress or _silent
    report("reading", 0.0)
    usable = usable_pixels(image, valid)
    if usable.shape != grid.shape:
        raise HierarchyError(f"image has {usable.shape} pixels, its grid {grid.shape}")
    pixels = np.ascontiguousarray(image, dtype=image.dtype.newbyteorder("="))
    weights = parameters.weights_of(pixels, usable)
    report("leaves", 0.05)
    if parameters.start == "pixels":
        leaves, count = flat_zones(pixels, valid=usable)
    else:
        leaves, count = basins(pixels, valid=usable, weights=weights, smoothing=parameters.smoothing)
    report("graph", 0.25)
    statistics = leaf_statistics(pixels, leaves, count)
    graph = region_graph(leaves, count)
    report("merging", 0.35)
    centre = statistics.sums.sum(axis=1) / statistics.area.sum()
    means = (statistics.sums / statistics.area - centre[:, None]) * np.sqrt(weights)[:, None]
    tree = merge_regions(graph, statistics.area, np.ascontiguousarray(means.T))
    report("scales", 0.85)
    rank, s = leaf_order(tree, persistent_scales(tree).astype(np.float32))
    order = np.argsort(rank)
    report("numbering", 0.95)
    return Hierarchy(
        leaves=intervals.gather(leaves.view(np.uint32), rank, NODATA_LEAF),
        s=s,
        area=statistics.area[order].astype(np.uint32),
        sums=statistics.sums[:, order],
        squares=statistics.squares[:, order],
        weights=weights,
        grid=grid,
        parameters=parameters,
        image_digest=digest_image(pixels, usable),
    )


def _silent(step: str, done: float) -> None:
    """Report progress to nobody."""
