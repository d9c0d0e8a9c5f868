"""Leaves → region graph: statistics of each leaf, and which leaves share how long a boundary.

Boundaries are counted in unit edgels between 4-neighbouring pixels; edgels against nodata or the outside
of the image belong to no pair of leaves and cost nothing.
"""

from __future__ import annotations

__all__ = ["LeafStatistics", "RegionGraph", "leaf_statistics", "merge_parallel", "region_graph"]

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel


class LeafStatistics(NamedTuple):
    """Sums over the pixels of each leaf, from which any node's mean and distortion follow."""

    area: NDArray[np.int64]
    """Shape (leaf,). Pixels."""
    sums: NDArray[np.float64]
    """Shape (band, leaf). Sum of the values, in the band's unit."""
    squares: NDArray[np.float64]
    """Shape (band, leaf). Sum of the squared values."""


class RegionGraph(NamedTuple):
    """Adjacency of leaves in compressed sparse rows; each boundary stands in the rows of both its sides."""

    offsets: NDArray[np.int64]
    """Shape (leaf + 1,). Leaf i's neighbours are entries offsets[i] … offsets[i + 1] − 1."""
    neighbours: NDArray[np.int32]
    """Shape (entry,). In raster order of the first edgel; no leaf appears twice in a row."""
    lengths: NDArray[np.int32]
    """Shape (entry,). Edgels shared with that neighbour, weighted; at least 1."""


def leaf_statistics(
    image: NDArray[np.generic], leaves: NDArray[np.int32], count: int, *, margin: int = 0
) -> LeafStatistics:
    """Sum areas, values and squares over each leaf.

    Sums run in raster order in double precision: exact for integer bands up to 2⁵³. The image may have a
    margin of pixels around the leaves.
    """
    bands = image.shape[0]
    totals = np.zeros((count, 2 * bands + 1))
    _accumulate(image, margin, leaves, totals)
    columns = totals.T  # views: what is added up side by side stays side by side
    return LeafStatistics(
        area=columns[0].astype(np.int64), sums=columns[1 : bands + 1], squares=columns[bands + 1 :]
    )


def region_graph(
    leaves: NDArray[np.int32], count: int, *, zones: NDArray[np.int32] | None = None, inside: int = 1
) -> RegionGraph:
    """Find which leaves touch, and along how many edgels, in time and memory linear in the pixels.

    Parameters
    ----------
    leaves
        Shape (row, col). Ids; negative at nodata.
    zones, inside
        Shape (leaf,). Zone of each leaf. An edgel between two leaves of one zone counts ``inside``, others 1.

    >>> graph = region_graph(np.array([[0, 0, 1], [2, 2, 1]], dtype=np.int32), 3)
    >>> [list(map(int, part)) for part in graph]
    [[0, 2, 4, 6], [2, 1, 0, 2, 0, 1], [2, 1, 1, 1, 2, 1]]
    """
    offsets = _edgel_offsets(leaves, count)
    neighbours, lengths = np.empty(offsets[-1], np.int32), np.ones(offsets[-1], np.int32)
    _list_edgels(leaves, offsets, neighbours)
    graph = merge_parallel(offsets, neighbours, lengths)
    if zones is not None and inside != 1:
        _weigh(graph, zones, inside)
    return graph


def merge_parallel(
    offsets: NDArray[np.int64], neighbours: NDArray[np.int32], lengths: NDArray[np.int32]
) -> RegionGraph:
    """Return the graph of rows in which a neighbour may stand several times; writes into its arguments."""
    offsets = _merge_parallel(offsets, neighbours, lengths)
    entries = int(offsets[-1])
    # Copies, so that the larger buffers can be freed.
    return RegionGraph(
        offsets=offsets, neighbours=neighbours[:entries].copy(), lengths=lengths[:entries].copy()
    )


@kernel
def _accumulate(
    image: NDArray[np.generic], margin: int, leaves: NDArray[np.int32], totals: NDArray[np.float64]
) -> None:
    """Add up a row of totals per leaf: area, the bands' sums, the bands' squares."""
    height, width = leaves.shape
    bands = image.shape[0]
    for row in range(height):
        for col in range(width):
            leaf = leaves[row, col]
            if leaf >= 0:
                total = totals[leaf]
                total[0] += 1.0
                for band in range(bands):
                    value = np.float64(image[band, row + margin, col + margin])
                    total[1 + band] += value
                    total[1 + bands + band] += value * value


@kernel
def _edgel_offsets(leaves: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    height, width = leaves.shape
    offsets = np.zeros(count + 1, np.int64)
    for row in range(height):
        for col in range(width):
            leaf = leaves[row, col]
            if leaf < 0:
                continue
            if col + 1 < width:
                right = leaves[row, col + 1]
                if right >= 0 and right != leaf:
                    offsets[leaf + 1] += 1
                    offsets[right + 1] += 1
            if row + 1 < height:
                below = leaves[row + 1, col]
                if below >= 0 and below != leaf:
                    offsets[leaf + 1] += 1
                    offsets[below + 1] += 1
    for leaf in range(count):
        offsets[leaf + 1] += offsets[leaf]
    return offsets


@kernel
def _list_edgels(
    leaves: NDArray[np.int32], offsets: NDArray[np.int64], neighbours: NDArray[np.int32]
) -> None:
    height, width = leaves.shape
    free = offsets[:-1].copy()
    for row in range(height):
        for col in range(width):
            leaf = leaves[row, col]
            if leaf < 0:
                continue
            if col + 1 < width:
                right = leaves[row, col + 1]
                if right >= 0 and right != leaf:
                    neighbours[free[leaf]] = right
                    neighbours[free[right]] = leaf
                    free[leaf] += 1
                    free[right] += 1
            if row + 1 < height:
                below = leaves[row + 1, col]
                if below >= 0 and below != leaf:
                    neighbours[free[leaf]] = below
                    neighbours[free[below]] = leaf
                    free[leaf] += 1
                    free[below] += 1


@kernel
def _weigh(graph: RegionGraph, zones: NDArray[np.int32], inside: int) -> None:
    for leaf in range(zones.size):
        for at in range(graph.offsets[leaf], graph.offsets[leaf + 1]):
            if zones[graph.neighbours[at]] == zones[leaf]:
                graph.lengths[at] *= inside


@kernel
def _merge_parallel(
    offsets: NDArray[np.int64], neighbours: NDArray[np.int32], lengths: NDArray[np.int32]
) -> NDArray[np.int64]:
    """Pack each row to one entry per neighbour, in place, and return the new offsets."""
    count = offsets.size - 1
    packed = np.zeros(count + 1, np.int64)
    entry_of = np.full(count, -1, np.int64)
    write = 0
    for region in range(count):
        first = write
        for read in range(offsets[region], offsets[region + 1]):
            other, length = neighbours[read], lengths[read]
            # Entries of earlier rows lie before `first`, so no marks have to be cleared between rows.
            if entry_of[other] >= first:
                lengths[entry_of[other]] += length
            else:
                neighbours[write], lengths[write] = other, length
                entry_of[other] = write
                write += 1
        packed[region + 1] = write
    return packed
