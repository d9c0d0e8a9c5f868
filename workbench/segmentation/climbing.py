"""Region graph → merges: rounds at finely rising scales while regions are many, then the exact queue.

In a round each region absorbs the neighbour it costs least to absorb, while that costs at most the round's
scale; the next round's is a fifth higher. Any two merges out of order are therefore within a fifth of each
other, which moves the energies of the optimal cuts by a few parts in ten thousand, and rounds take a fifth of
the time of a queue. The last regions, where each merge is seen by the user, are merged by the queue.
"""

from __future__ import annotations

__all__ = ["QUEUED", "merge_all"]

import math

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.segmentation.graph import RegionGraph
from workbench.segmentation.merging import MergeTree, merge_regions
from workbench.segmentation.premerging import (
    absorb_and_tell,
    absorb_near_and_tell,
    swarm_of,
)
from workbench.segmentation.swarm import Merges, Swarm, surviving_graph, survivors

QUEUED = 8192
"""From so many regions on they are merged in exact order."""

_STEP = 2.0**0.25
# A round below the least cost of any pair would change nothing: where most costs are far apart, the first
# rounds start where one in a hundred regions has something to do.
_FIRST_SHARE = 0.01
# As many leaves as fit a second cache, numbered as they lie in the image, are merged with
# each other alone at first. Those at the rim of such a group wait for their neighbours, so only to a share.
_GROUP, _NEAR_SHARE, _NEAR_LIMIT = 8192, 0.25, 8.0


def merge_all(
    graph: RegionGraph,
    area: NDArray[np.int64],
    means: NDArray[np.float64],
    *,
    region_cost: int,
    queued: int = QUEUED,
) -> MergeTree:
    """Merge regions until no two touch.

    Parameters
    ----------
    graph
        Adjacency of the leaves.
    area
        Shape (leaf,). Pixels.
    means
        Shape (leaf, feature).
    region_cost
        What C counts for a region itself, in edgels.
    queued
        How many regions are left to the queue; all of them in a graph that has no more.

    Returns
    -------
    MergeTree
        Its gains are computed anew from the means, in double precision.
    """
    if area.size <= queued:
        return merge_regions(graph, area, means, region_cost=region_cost)
    swarm = swarm_of(graph, area, means.astype(np.float32), region_cost=region_cost)
    swarm, rounds = _rounds(swarm, queued)
    pairs = np.concatenate([merges.pairs for merges in rounds])
    lengths = np.concatenate([merges.lengths for merges in rounds])
    ids, count = survivors(swarm)
    node, left, right, gains, total, mean = _grown(pairs, area, means)
    living = np.flatnonzero(swarm.living())
    graph = surviving_graph(swarm, ids, count)
    del swarm
    # Where nothing is left to merge, as among islands, more rounds would not end.
    queued = queued if lengths.size else living.size
    rest = merge_all(graph, total[living], mean[living], region_cost=region_cost, queued=queued)
    return _one_tree(area.size, left, right, gains, lengths + region_cost, node[living], rest)


def _rounds(swarm: Swarm, queued: int) -> tuple[Swarm, list[Merges]]:
    """Merge groups of near regions where there are many, and all together where that does too little."""
    costs = swarm.least_costs()
    positive = costs[np.isfinite(costs) & (costs > 0)]
    scale = float(np.quantile(positive, _FIRST_SHARE)) if positive.size else 1.0
    rounds = []
    if swarm.size > queued / _NEAR_SHARE:
        limit = _NEAR_LIMIT * float(np.median(positive)) if positive.size else scale
        count = max(1, math.ceil(math.log(limit / scale, _STEP)))
        swarm, merges = absorb_near_and_tell(
            swarm,
            (scale * _STEP ** np.arange(1, count + 1)).astype(np.float32),
            ends=np.append(np.arange(_GROUP, swarm.size, _GROUP), swarm.size),
            share=_NEAR_SHARE,
        )
        rounds.append(merges)
    if rounds and rounds[0].lengths.size >= swarm.size / 4:
        return swarm, rounds
    swarm, more = _all_rounds(swarm, scale, float(positive.max(initial=0.0)), queued)
    return swarm, rounds + more


def _all_rounds(swarm: Swarm, scale: float, top: float, queued: int) -> tuple[Swarm, list[Merges]]:
    """Merge at rising scales until so few regions are left, or none touch."""
    regions = np.flatnonzero(swarm.living()).astype(np.uint32)
    living, rounds = regions.size, list[Merges]()
    while living > queued:
        swarm, merges, regions = absorb_and_tell(swarm, scale, regions=regions)
        rounds.append(merges)
        living -= merges.lengths.size
        if not merges.lengths.size and scale > top:
            costs = swarm.living_costs()
            if not np.isfinite(costs).any():
                break
            top = float(costs[np.isfinite(costs)].min())
            scale = max(scale, top)
        scale *= _STEP
    return swarm, rounds


def _one_tree(
    leaves: int,
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    gains: NDArray[np.float64],
    lengths: NDArray[np.int64],
    nodes: NDArray[np.int32],
    rest: MergeTree,
) -> MergeTree:
    """Put the merges of the queue, whose leaves are these nodes, behind those of the rounds."""
    later = np.concatenate([nodes, leaves + left.size + np.arange(rest.left.size, dtype=np.int32)])
    merged_left = np.concatenate([left, later[rest.left]]).astype(np.int32)
    merged_right = np.concatenate([right, later[rest.right]]).astype(np.int32)
    _smaller_first(leaves, merged_left, merged_right)
    return MergeTree(
        leaves=leaves,
        left=merged_left,
        right=merged_right,
        gains=np.concatenate([gains, rest.gains]),
        lengths=np.concatenate([lengths, rest.lengths]),
    )


@kernel
def _grown(
    pairs: NDArray[np.uint32], area: NDArray[np.int64], means: NDArray[np.float64]
) -> tuple[
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.int32],
    NDArray[np.float64],
    NDArray[np.int64],
    NDArray[np.float64],
]:
    """Return each region's node, the merges as pairs of nodes with their gains, and areas and means then."""
    leaves, merges = area.size, pairs.shape[0]
    node = np.arange(leaves).astype(np.int32)
    left, right = np.empty(merges, np.int32), np.empty(merges, np.int32)
    gains = np.empty(merges)
    total, mean = area.copy(), means.copy()
    for merge in range(merges):
        one, other = pairs[merge, 0], pairs[merge, 1]
        a, b = float(total[one]), float(total[other])
        distance = 0.0
        for k in range(means.shape[1]):
            difference = mean[one, k] - mean[other, k]
            distance += difference * difference
            mean[one, k] = (a * mean[one, k] + b * mean[other, k]) / (a + b)
        gains[merge] = distance * (a * b / (a + b))
        total[one] += total[other]
        left[merge], right[merge] = node[one], node[other]
        node[one] = leaves + merge
    return node, left, right, gains, total, mean


@kernel
def _smaller_first(leaves: int, left: NDArray[np.int32], right: NDArray[np.int32]) -> None:
    """Let the left child of each merge be the one that holds the smaller leaf id."""
    low = np.arange(leaves + left.size)
    for merge in range(left.size):
        a, b = left[merge], right[merge]
        if low[b] < low[a]:
            left[merge], right[merge] = b, a
        low[leaves + merge] = min(low[a], low[b])
