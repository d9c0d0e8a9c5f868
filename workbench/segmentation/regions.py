"""The working state of greedy merging: living regions, their lists of neighbours, and the queue.

Tuples of arrays, which compiled kernels can take and write into.
"""

from __future__ import annotations

__all__ = ["Heap", "Lists", "Regions", "new_heap", "new_lists", "new_regions"]

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.segmentation.graph import RegionGraph


class Regions(NamedTuple):
    """What is known of each region; leaves first, then one per merge."""

    rows: NDArray[np.float64]
    """Shape (region, 1 + band). Area, then the mean of each band."""
    joined: NDArray[np.int32]
    """Union-find: the region it was merged into, itself while it lives."""
    node: NDArray[np.int32]
    """The tree node it stands for: itself, except for hubs that have absorbed others."""
    low: NDArray[np.int32]
    """Smallest leaf id inside; breaks ties."""
    hub: NDArray[np.bool_]
    told: NDArray[np.float64]
    """A hub's area when its neighbours were last offered it."""
    due: NDArray[np.int64]
    """How many more regions a hub should absorb before looking at them all again is worth it."""
    cost: NDArray[np.float64]
    """Least priority among the boundaries it covers; inf where it covers none."""
    best: NDArray[np.int32]
    """The region beyond that boundary, −1 where it covers none."""
    border: NDArray[np.int64]
    """Edgels of that boundary."""
    head: NDArray[np.int32]
    """First segment of its list of neighbours."""
    tail: NDArray[np.int32]
    """Last segment."""
    seen: NDArray[np.int64]
    """Number of the last packing that met this region as a neighbour."""
    entry: NDArray[np.int64]
    """Where that packing put it."""
    extra: NDArray[np.int64]
    """Shape (1,). What C counts for a region itself, in edgels."""


class Lists(NamedTuple):
    """Lists of neighbours: chains of segments, one segment of fixed capacity from each leaf's graph row."""

    offsets: NDArray[np.int64]
    used: NDArray[np.int64]
    """Shape (leaf,). Entries in use in each segment."""
    following: NDArray[np.int32]
    """Shape (leaf,). Next segment of the chain, −1 at its end."""
    neighbours: NDArray[np.int32]
    lengths: NDArray[np.int32]


class Heap(NamedTuple):
    """Binary heap of (priority, region); an entry is stale if the region is dead or has another cost now."""

    priority: NDArray[np.float64]
    region: NDArray[np.int32]
    size: NDArray[np.int64]
    """Shape (1,)."""


def new_regions(area: NDArray[np.int64], means: NDArray[np.float64], region_cost: int) -> Regions:
    """Make the regions of a graph's leaves, with room for all merges.

    Parameters
    ----------
    area
        Shape (leaf,).
    means
        Shape (leaf, band).
    """
    leaves, bands = means.shape
    nodes = 2 * leaves - 1
    rows = np.empty((nodes, bands + 1))
    rows[:leaves, 0], rows[:leaves, 1:] = area, means
    ids = np.arange(nodes, dtype=np.int32)
    return Regions(
        rows=rows,
        joined=ids.copy(),
        node=ids.copy(),
        low=ids.copy(),
        hub=np.zeros(nodes, np.bool_),
        told=np.zeros(nodes),
        due=np.zeros(nodes, np.int64),
        cost=np.full(nodes, np.inf),
        best=np.full(nodes, -1, np.int32),
        border=np.zeros(nodes, np.int64),
        head=ids.copy(),
        tail=ids.copy(),
        seen=np.full(nodes, -1, np.int64),
        entry=np.zeros(nodes, np.int64),
        extra=np.array([region_cost]),
    )


def new_lists(graph: RegionGraph) -> Lists:
    """Make the lists of the leaves, one full segment each; the graph itself is not written to."""
    return Lists(
        offsets=graph.offsets,
        used=np.diff(graph.offsets),
        following=np.full(graph.offsets.size - 1, -1, np.int32),
        neighbours=graph.neighbours.copy(),
        lengths=graph.lengths.copy(),
    )


def new_heap(leaves: int) -> Heap:
    """Make an empty queue; each living region has one valid entry, the rest is room for stale ones."""
    capacity = 2 * leaves + 16
    return Heap(priority=np.empty(capacity), region=np.empty(capacity, np.int32), size=np.zeros(1, np.int64))
