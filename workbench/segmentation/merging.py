"""Region graph → merges: always the two touching regions whose union costs least distortion per edgel.

Greedy Mumford-Shah merging. The priority of a pair is its scale of appearance, ΔD / shared length: the λ from
which D + λ·C gains by removing the boundary between the two. The queue is exact, yet merging never touches
the lists of the neighbours:

* Each boundary is *covered* by the younger of its two regions, and each region has one entry in the heap,
  whose priority is the least among the boundaries it covers. Two living regions' priority never changes.
* When an entry reaches the top and its other side has been merged away meanwhile, the region looks again
  among what it still covers. What it lost is covered by the younger region that replaced it. So an entry
  is never above the true least priority, and a pair that is merged has the least of all.

A region with very many neighbours (a *hub*: a meadow full of trees, a constant background) would be scanned
whole on each of its merges. Hubs therefore keep their identity when they absorb a small neighbour, and the
boundary between a hub and another region is covered by the other region. Its priority is then computed anew
when it reaches the top, and for all of a hub's neighbours whenever the hub has grown by 1/256 and taken in
1/64 of its neighbours, or grown by 1/16. Only pairs with a hub may so be merged late, by as little as that
growth moves its mean; all else stays exact.
"""

from __future__ import annotations

__all__ = ["HUB_DEGREE", "MergeTree", "merge_regions"]

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.segmentation.graph import RegionGraph
from workbench.segmentation.regions import Heap, Lists, Regions, new_heap, new_lists, new_regions

HUB_DEGREE = 256
"""From this many neighbours on a region is a hub."""

_LEAST_GROWTH = 1.0 + 1.0 / 256.0
_MOST_GROWTH = 1.0 + 1.0 / 16.0
_DUE_SHARE = 64


class MergeTree(NamedTuple):
    """A binary tree over leaves 0 … leaves − 1; merge k makes node ``leaves + k``, children before parents.

    It is a forest where nodata keeps parts of the image apart: fewer merges than leaves − 1.
    """

    leaves: int
    left: NDArray[np.int32]
    """Shape (merge,). The child that holds the smaller leaf id."""
    right: NDArray[np.int32]
    """Shape (merge,). The other child."""
    gains: NDArray[np.float64]
    """Shape (merge,). Rise of the distortion D, ≥ 0."""
    lengths: NDArray[np.int64]
    """Shape (merge,). The fall of C, ≥ 1: weighted edgels between the children, and what a region counts."""


def merge_regions(
    graph: RegionGraph,
    area: NDArray[np.int64],
    means: NDArray[np.float64],
    *,
    region_cost: int = 0,
    hub_degree: int = HUB_DEGREE,
) -> MergeTree:
    """Merge regions greedily until no two touch.

    Parameters
    ----------
    graph
        Adjacency of the leaves.
    area
        Shape (leaf,). Pixels.
    means
        Shape (leaf, band). Mean of each band, scaled by the square root of its weight; centre it on a value
        near the image's mean, so that no digits are lost.
    region_cost
        What C counts for a region itself, in edgels.
    hub_degree
        From this many neighbours on a region is a hub.

    Returns
    -------
    MergeTree
        Ties are broken by the smaller leaf ids. O(n log n) for bounded degrees.
    """
    leaves = area.size
    regions = new_regions(area, means, region_cost)
    lists = new_lists(graph)
    heap = new_heap(leaves)
    left, right = np.empty(leaves, np.int32), np.empty(leaves, np.int32)
    gains, lengths = np.empty(leaves), np.empty(leaves, np.int64)
    merges = _merge_all(regions, lists, heap, leaves, hub_degree, left, right, gains, lengths)
    return MergeTree(
        leaves=leaves,
        left=left[:merges].copy(),
        right=right[:merges].copy(),
        gains=gains[:merges].copy(),
        lengths=lengths[:merges] + region_cost,
    )


@kernel
def _rise(rows: NDArray[np.float64], a: int, b: int) -> float:
    """Return the rise of D when a and b become one region; the same bits for (b, a)."""
    total = 0.0
    for band in range(1, rows.shape[1]):
        difference = rows[a, band] - rows[b, band]
        total += difference * difference
    return float(total * (rows[a, 0] * rows[b, 0] / (rows[a, 0] + rows[b, 0])))


@kernel
def _unite(rows: NDArray[np.float64], a: int, b: int, into: int) -> None:
    """Write the area and means of a ∪ b; ``into`` may be a or b."""
    area = rows[a, 0] + rows[b, 0]
    for band in range(1, rows.shape[1]):
        rows[into, band] = (rows[a, 0] * rows[a, band] + rows[b, 0] * rows[b, band]) / area
    rows[into, 0] = area


@kernel
def _living(joined: NDArray[np.int32], region: int) -> int:
    """Return the region that this one is part of now, halving the path on the way."""
    while joined[region] != region:
        joined[region] = joined[joined[region]]
        region = joined[region]
    return region


@kernel
def _pack(regions: Regions, lists: Lists, region: int, packing: int) -> int:
    """Rewrite a region's list in place with living neighbours, each once; return how many there are."""
    write, filled, count = regions.head[region], 0, 0
    segment = write
    while segment >= 0:
        begin = lists.offsets[segment]
        stop = begin + lists.used[segment]
        next_segment = lists.following[segment]
        for read in range(begin, stop):
            other = _living(regions.joined, lists.neighbours[read])
            if other == region:
                continue
            length = lists.lengths[read]
            if regions.seen[other] == packing:
                lists.lengths[regions.entry[other]] += length
                continue
            while filled == lists.offsets[write + 1] - lists.offsets[write]:
                lists.used[write] = filled
                write, filled = lists.following[write], 0
            at = lists.offsets[write] + filled
            lists.neighbours[at], lists.lengths[at] = other, length
            regions.seen[other], regions.entry[other] = packing, at
            filled += 1
            count += 1
        segment = next_segment
    lists.used[write] = filled
    lists.following[write] = -1
    regions.tail[region] = write
    return count


@kernel
def _covers(regions: Regions, region: int, other: int) -> bool:
    """Tell whether a region answers for a boundary: the younger side does, but a hub never if it can."""
    if regions.hub[region] != regions.hub[other]:
        return bool(regions.hub[other])
    return other < region


@kernel
def _choose(regions: Regions, lists: Lists, region: int) -> None:
    """Find the least priority among the boundaries that a region covers; its list must be packed."""
    cost, best, border = np.inf, -1, 0
    low = regions.low[region]
    segment = regions.head[region]
    while segment >= 0:
        begin = lists.offsets[segment]
        for read in range(begin, begin + lists.used[segment]):
            other = lists.neighbours[read]
            if not _covers(regions, region, other):
                continue
            length = lists.lengths[read]
            candidate = _rise(regions.rows, region, other) / (length + regions.extra[0])
            tied = candidate == cost and best >= 0
            if candidate < cost or (tied and _earlier(low, regions.low[other], low, regions.low[best])):
                cost, best, border = candidate, other, length
        segment = lists.following[segment]
    regions.cost[region], regions.best[region], regions.border[region] = cost, best, border


@kernel
def _earlier(a: int, b: int, c: int, d: int) -> bool:
    """Compare two pairs of leaf ids, smaller ids first."""
    if min(a, b) != min(c, d):
        return min(a, b) < min(c, d)
    return max(a, b) < max(c, d)


@kernel
def _before(regions: Regions, cost: float, region: int, other_cost: float, other: int) -> bool:
    """Compare two heap entries."""
    if cost != other_cost:
        return cost < other_cost
    low, best = regions.low, regions.best
    return _earlier(low[region], low[best[region]], low[other], low[best[other]])


@kernel
def _sink(regions: Regions, heap: Heap, at: int) -> None:
    """Move an entry down to its place."""
    size = heap.size[0]
    cost, region = heap.priority[at], heap.region[at]
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and _before(
            regions,
            heap.priority[child + 1],
            heap.region[child + 1],
            heap.priority[child],
            heap.region[child],
        ):
            child += 1
        if not _before(regions, heap.priority[child], heap.region[child], cost, region):
            break
        heap.priority[at], heap.region[at] = heap.priority[child], heap.region[child]
        at = child
    heap.priority[at], heap.region[at] = cost, region


@kernel
def _drop_top(regions: Regions, heap: Heap) -> None:
    heap.size[0] -= 1
    last = heap.size[0]
    heap.priority[0], heap.region[0] = heap.priority[last], heap.region[last]
    if last > 0:
        _sink(regions, heap, 0)


@kernel
def _replace_top(regions: Regions, heap: Heap, region: int) -> None:
    """Put a region's entry where the top one was; the heap just shrinks if the region covers nothing."""
    if regions.best[region] < 0:
        _drop_top(regions, heap)
    else:
        heap.priority[0], heap.region[0] = regions.cost[region], region
        _sink(regions, heap, 0)


@kernel
def _push(regions: Regions, heap: Heap, region: int) -> None:
    if heap.size[0] == heap.priority.size:
        _purge(regions, heap)
    at = heap.size[0]
    heap.size[0] += 1
    cost = regions.cost[region]
    while at > 0:
        above = (at - 1) // 2
        if not _before(regions, cost, region, heap.priority[above], heap.region[above]):
            break
        heap.priority[at], heap.region[at] = heap.priority[above], heap.region[above]
        at = above
    heap.priority[at], heap.region[at] = cost, region


@kernel
def _stale(regions: Regions, cost: float, region: int) -> bool:
    return bool(regions.joined[region] != region or regions.cost[region] != cost)


@kernel
def _purge(regions: Regions, heap: Heap) -> None:
    """Drop stale and repeated entries and order the rest again."""
    kept = 0
    entered = np.zeros(regions.joined.size, np.bool_)
    for at in range(heap.size[0]):
        region = heap.region[at]
        if not _stale(regions, heap.priority[at], region) and not entered[region]:
            entered[region] = True
            heap.priority[kept], heap.region[kept] = heap.priority[at], region
            kept += 1
    heap.size[0] = kept
    for at in range(kept // 2 - 1, -1, -1):
        _sink(regions, heap, at)


@kernel
def _fill(regions: Regions, lists: Lists, heap: Heap, leaves: int, hub_degree: int) -> None:
    """Find the hubs among the leaves, and enter each leaf that covers a boundary."""
    for leaf in range(leaves):
        regions.hub[leaf] = lists.used[leaf] >= hub_degree
        regions.told[leaf] = regions.rows[leaf, 0]
        regions.due[leaf] = lists.used[leaf] // _DUE_SHARE
    for leaf in range(leaves):
        _choose(regions, lists, leaf)
        if regions.best[leaf] >= 0:
            heap.priority[heap.size[0]], heap.region[heap.size[0]] = regions.cost[leaf], leaf
            heap.size[0] += 1
    for at in range(heap.size[0] // 2 - 1, -1, -1):
        _sink(regions, heap, at)


@kernel
def _merge_all(
    regions: Regions,
    lists: Lists,
    heap: Heap,
    leaves: int,
    hub_degree: int,
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    gains: NDArray[np.float64],
    lengths: NDArray[np.int64],
) -> int:
    """Run the queue dry; return the number of merges written to the last four arrays."""
    _fill(regions, lists, heap, leaves, hub_degree)
    merges, packing = 0, 0
    while heap.size[0] > 0:
        cost, region = heap.priority[0], heap.region[0]
        if _stale(regions, cost, region):
            _drop_top(regions, heap)
            continue
        other = regions.best[region]
        dead = regions.joined[other] != other
        if dead or regions.hub[region] or regions.hub[other]:
            packing += 1
            _pack(regions, lists, region, packing)
            _choose(regions, lists, region)
            if dead or regions.cost[region] > cost:
                _replace_top(regions, heap, region)
                continue
            other = regions.best[region]
        a, b = region, other
        if regions.low[b] < regions.low[a]:
            a, b = b, a
        left[merges], right[merges] = regions.node[a], regions.node[b]
        gains[merges], lengths[merges] = _rise(regions.rows, a, b), regions.border[region]
        node = leaves + merges
        merges += 1
        if regions.hub[other] and not regions.hub[region]:
            packing = _absorb(regions, lists, heap, region, other, node, packing)
        else:
            packing = _join(regions, lists, heap, a, b, node, packing, hub_degree)
    return merges


@kernel
def _chain(regions: Regions, lists: Lists, a: int, b: int, into: int) -> None:
    """Put the list of b behind the list of a."""
    lists.following[regions.tail[a]] = regions.head[b]
    regions.head[into], regions.tail[into] = regions.head[a], regions.tail[b]


@kernel
def _join(
    regions: Regions, lists: Lists, heap: Heap, a: int, b: int, node: int, packing: int, hub_degree: int
) -> int:
    """Make a new region of the popped pair, which is younger than all others and covers all it touches."""
    _unite(regions.rows, a, b, node)
    regions.low[node] = regions.low[a]
    regions.joined[a], regions.joined[b] = node, node
    _chain(regions, lists, a, b, node)
    packing += 1
    if _pack(regions, lists, node, packing) >= hub_degree:
        regions.hub[node] = True
    _choose(regions, lists, node)
    _replace_top(regions, heap, node)
    if regions.hub[node]:
        _tell_neighbours(regions, lists, heap, node)
    return packing


@kernel
def _absorb(
    regions: Regions, lists: Lists, heap: Heap, region: int, hub: int, node: int, packing: int
) -> int:
    """Let a hub take in the popped region, whose list is packed, and keep its identity."""
    _unite(regions.rows, hub, region, hub)
    regions.low[hub] = min(regions.low[hub], regions.low[region])
    regions.joined[region], regions.node[hub] = hub, node
    regions.best[region] = -1
    _replace_top(regions, heap, region)
    segment = regions.head[region]
    while segment >= 0:
        begin = lists.offsets[segment]
        for read in range(begin, begin + lists.used[segment]):
            other = lists.neighbours[read]
            if other == hub:
                continue
            if regions.hub[other]:
                _lengthen(regions, heap, hub, other, lists.lengths[read])
                continue
            before = regions.cost[other]
            packing += 1
            _pack(regions, lists, other, packing)
            _choose(regions, lists, other)
            if regions.cost[other] != before:
                _push(regions, heap, other)
        segment = lists.following[segment]
    _chain(regions, lists, hub, region, hub)
    regions.due[hub] -= 1
    growth = regions.rows[hub, 0] / regions.told[hub]
    if growth >= _MOST_GROWTH or (growth >= _LEAST_GROWTH and regions.due[hub] <= 0):
        packing += 1
        _pack(regions, lists, hub, packing)
        _choose(regions, lists, hub)
        if regions.best[hub] >= 0:
            _push(regions, heap, hub)
        _tell_neighbours(regions, lists, heap, hub)
    return packing


@kernel
def _lengthen(regions: Regions, heap: Heap, hub: int, other: int, length: int) -> None:
    """Count in a boundary between two hubs that one of them got by absorbing a region between them.

    What they shared before is known only if it is what the younger one has chosen: a priority computed
    without it is too high until the next full look, but the boundary is never forgotten.
    """
    younger, older = max(hub, other), min(hub, other)
    if regions.best[younger] == older:
        length += regions.border[younger]
        regions.border[younger] = length
    cost = _rise(regions.rows, hub, other) / (length + regions.extra[0])
    if cost < regions.cost[younger]:
        regions.cost[younger], regions.best[younger], regions.border[younger] = cost, older, length
        _push(regions, heap, younger)


@kernel
def _tell_neighbours(regions: Regions, lists: Lists, heap: Heap, hub: int) -> None:
    """Offer a hub, whose list is packed, to each neighbour that now prefers it to what it had chosen."""
    regions.told[hub] = regions.rows[hub, 0]
    degree = 0
    segment = regions.head[hub]
    while segment >= 0:
        begin = lists.offsets[segment]
        degree += lists.used[segment]
        for read in range(begin, begin + lists.used[segment]):
            other, length = lists.neighbours[read], lists.lengths[read]
            if _covers(regions, hub, other):
                continue
            cost = _rise(regions.rows, hub, other) / (length + regions.extra[0])
            if cost < regions.cost[other]:
                regions.cost[other], regions.best[other], regions.border[other] = cost, hub, length
                _push(regions, heap, other)
        segment = lists.following[segment]
    regions.due[hub] = degree // _DUE_SHARE
