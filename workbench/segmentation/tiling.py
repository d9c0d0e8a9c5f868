"""The image in blocks: each is reduced to few regions on its own, then the blocks are put together again.

A block is reduced with a margin of the image around it, so that its leaves are those of the whole image.
Regions that touch another block are kept as they are until the blocks are together: whatever is merged
before, is merged knowing all its neighbours. So there are no seams, a block can be reduced on any thread or
machine, and the result does not depend on the order in which that is done.
"""

from __future__ import annotations

__all__ = [
    "BLOCK",
    "Reduced",
    "Stitched",
    "blocks_of",
    "cut_block",
    "margin_for",
    "number_leaves",
    "reduce_block",
    "stitch",
    "summed",
]

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.geo.grid import Window
from workbench.segmentation.cuts import NODATA_LEAF
from workbench.segmentation.features import Mixing
from workbench.segmentation.graph import (
    LeafStatistics,
    RegionGraph,
    leaf_statistics,
    merge_parallel,
    region_graph,
)
from workbench.segmentation.parameters import SegmentationParameters
from workbench.segmentation.partition import OUTSIDE, RING, Leaves, basins, coarse_basins, pixels
from workbench.segmentation.premerging import absorb, swarm_of
from workbench.segmentation.relief import blurred, deriche, halved, radius_of, reach_of, sobel
from workbench.segmentation.swarm import Swarm, surviving_graph, survivors

BLOCK = 512
"""Side of a block in pixels: what is known of its pixels stays in a processor's cache. Twice as much where
merging starts from pixels, since more waits at a border then."""

_HALO = 12
"""Cells around a block in which coarse basins are cut too, so that both sides of a border see the same."""


class Reduced(NamedTuple):
    """The regions of a block."""

    labels: NDArray[np.int32]
    """Shape (row, col). Region of each pixel, `OUTSIDE` at nodata."""
    rim: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]]
    """Its first and last column, and its first and last row: all that is asked for until the end."""
    statistics: LeafStatistics
    graph: RegionGraph
    goes_on: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    """Shapes (row,) and (col,). True where a region goes on in the block on the right, and in that below."""
    weights: tuple[NDArray[np.int32], NDArray[np.int32]]
    """Shapes (row,) and (col,). What the edgels to these blocks count."""

    @property
    def size(self) -> int:
        """Number of regions."""
        return self.statistics.area.size


class Stitched(NamedTuple):
    """The regions of all blocks."""

    regions: list[NDArray[np.int32]]
    """Per block, shape (region,). Its regions' numbers in the whole."""
    statistics: LeafStatistics
    graph: RegionGraph


def blocks_of(shape: tuple[int, int], side: int) -> list[Window]:
    """Return the blocks of an image, row by row: of nearly equal size, and at most so large a side.

    They begin at even rows and columns, as cells of 2 × 2 pixels do.
    """
    rows, cols = (
        [*(np.linspace(0, size, -(-size // side), endpoint=False) // 2 * 2).astype(int).tolist(), size]
        for size in shape
    )
    return [
        Window(row=top, col=left, height=bottom - top, width=right - left)
        for top, bottom in itertools.pairwise(rows)
        for left, right in itertools.pairwise(cols)
    ]


def margin_for(parameters: SegmentationParameters) -> int:
    """Return how many pixels around a block its leaves depend on."""
    if parameters.start == "pixels":
        return RING
    near = RING + 1 + radius_of(parameters.smoothing)
    cells = _HALO + reach_of(parameters.coarse) if parameters.coarse else 0
    return 2 * max(cells, -(-near // 2))  # whole cells


class Block(NamedTuple):
    """A block before its leaves are merged."""

    leaves: Leaves
    statistics: LeafStatistics
    swarm: Swarm
    weights: tuple[NDArray[np.int32], NDArray[np.int32]]
    """Shapes (row,) and (col,). What the edgels to the blocks on the right and below count."""


def cut_block(
    image: NDArray[np.generic],
    valid: NDArray[np.bool_],
    *,
    mixing: Mixing,
    parameters: SegmentationParameters,
    scale: float = 0.0,
) -> Block:
    """Cut a block into leaves.

    Parameters
    ----------
    image, valid
        Shape (band, row, col) and (row, col): the block and `margin_for` pixels around it.
    scale
        Up to which leaves are going to be merged anyway.
    """
    margin, inside = margin_for(parameters), parameters.inside
    weights = mixing.weights.astype(np.float32)
    zones = _zones(image, valid, weights, parameters)
    if parameters.start == "pixels":
        most = 2.0 * scale * (inside + parameters.region_cost)  # two pixels at distance d raise D by d² / 2
        metric = (mixing.matrix.T @ mixing.matrix).astype(np.float32)
        leaves = pixels(_within(image, margin - RING), zones, metric=metric, most=most)
    else:
        leaves = basins(_slope(image, valid, weights, parameters), zones)
    statistics = leaf_statistics(image, leaves.labels, leaves.size, margin=margin)
    graph = region_graph(leaves.labels, leaves.size, zones=leaves.zones, inside=inside)
    means = mixing.means(statistics.sums, statistics.area).astype(np.float32)
    core, last, beyond = np.s_[RING:-RING], -RING - 1, -RING
    right, below = zones[core, last] == zones[core, beyond], zones[last, core] == zones[beyond, core]
    return Block(
        leaves=leaves,
        statistics=statistics,
        swarm=swarm_of(graph, statistics.area, means, region_cost=parameters.region_cost),
        weights=(np.where(right, inside, 1).astype(np.int32), np.where(below, inside, 1).astype(np.int32)),
    )


def _zones(
    image: NDArray[np.generic],
    valid: NDArray[np.bool_],
    weights: NDArray[np.float32],
    parameters: SegmentationParameters,
) -> NDArray[np.int32]:
    """Return the coarse basin of each pixel of a block and its ring, 0 without coarse ones."""
    margin = margin_for(parameters)
    known = _within(valid, margin - RING)
    if not parameters.coarse:
        return np.where(known, np.int32(0), np.int32(OUTSIDE))
    cells, some = halved(image, valid)
    coarse = coarse_basins(deriche(cells, some, parameters.coarse, weights), some)
    near = _within(coarse, (margin - RING) // 2)
    zones = near.repeat(2, axis=0).repeat(2, axis=1)[: known.shape[0], : known.shape[1]]
    return zones if known.all() else np.where(known, zones, np.int32(OUTSIDE))


def _slope(
    image: NDArray[np.generic],
    valid: NDArray[np.bool_],
    weights: NDArray[np.float32],
    parameters: SegmentationParameters,
) -> NDArray[np.float32]:
    """Return how steep the image is in a block and its ring."""
    smoothing = parameters.smoothing
    spare = margin_for(parameters) - RING - 1 - radius_of(smoothing)
    known = _within(valid, spare)
    slope = sobel(_within(image, spare), known, weights)
    if smoothing > 0:
        slope = blurred(slope, known, smoothing)
    return _within(slope, 1 + radius_of(smoothing))


def _within(array: NDArray[Any], pixels: int) -> NDArray[Any]:
    """Return what is left of an array (…, row, col) without so many pixels at each side."""
    inner = slice(pixels, -pixels or None)
    return np.ascontiguousarray(array[..., inner, inner])


def reduce_block(
    image: NDArray[np.generic],
    valid: NDArray[np.bool_],
    *,
    mixing: Mixing,
    parameters: SegmentationParameters,
    scale: float,
) -> Reduced:
    """Cut a block into leaves and merge whatever costs at most a scale.

    Parameters
    ----------
    image, valid
        Shape (band, row, col) and (row, col): the block and `margin_for` pixels around it.
    """
    block = cut_block(image, valid, mixing=mixing, parameters=parameters, scale=scale)
    leaves = block.leaves
    swarm, _ = absorb(block.swarm, scale, ends=leaves.ends, keep=leaves.open)
    ids, count = survivors(swarm)
    labels = _renumbered(leaves.labels, ids)
    return Reduced(
        labels=labels,
        rim=(labels[:, 0].copy(), labels[:, -1].copy(), labels[0].copy(), labels[-1].copy()),
        statistics=summed([block.statistics], [ids], count),
        graph=surviving_graph(swarm, ids, count),
        goes_on=leaves.goes_on,
        weights=block.weights,
    )


def stitch(blocks: Sequence[Reduced], windows: Sequence[Window]) -> Stitched:
    """Put blocks together: one region for what goes on from one block in the next, and edges across.

    Parameters
    ----------
    blocks, windows
        In the order of `blocks_of`.
    """
    counts = np.array([block.size for block in blocks])
    firsts = np.concatenate([[0], np.cumsum(counts)])
    seams, weights, one = _seams(blocks, windows, firsts)
    joined = np.arange(firsts[-1])
    _join(joined, seams[one])
    roots = joined == np.arange(joined.size)
    numbers = (np.cumsum(roots) - 1).astype(np.int32)[joined]
    count = int(roots.sum())
    regions = [numbers[first:stop] for first, stop in itertools.pairwise(firsts)]
    return Stitched(
        regions=regions,
        statistics=summed([block.statistics for block in blocks], regions, count),
        graph=_together([block.graph for block in blocks], regions, numbers[seams], weights, count),
    )


def summed(parts: Sequence[LeafStatistics], ids: Sequence[NDArray[np.int32]], count: int) -> LeafStatistics:
    """Add up the statistics of regions that became one."""
    bands = parts[0].sums.shape[0]
    total = LeafStatistics(np.zeros(count, np.int64), np.zeros((bands, count)), np.zeros((bands, count)))
    for part, numbers in zip(parts, ids, strict=True):
        _add(total, part, numbers)
    return total


def _together(
    graphs: Sequence[RegionGraph],
    ids: Sequence[NDArray[np.int32]],
    seams: NDArray[np.int32],
    weights: NDArray[np.int32],
    count: int,
) -> RegionGraph:
    """Return one graph of graphs whose regions have new numbers, and of pairs with an edgel between them."""
    free = np.zeros(count + 1, np.int64)
    for graph, numbers in zip(graphs, ids, strict=True):
        _count_rows(graph, numbers, free)
    _count_pairs(seams, free)
    offsets = np.cumsum(free)
    free = offsets[:-1].copy()
    neighbours, lengths = np.empty(offsets[-1], np.int32), np.empty(offsets[-1], np.int32)
    for graph, numbers in zip(graphs, ids, strict=True):
        _place_rows(graph, numbers, free, neighbours, lengths)
    _place_pairs(seams, weights, free, neighbours, lengths)
    return merge_parallel(offsets, neighbours, lengths)


def _across(windows: Sequence[Window]) -> int:
    """Return the number of blocks in a row."""
    return sum(window.row == windows[0].row for window in windows)


def _seams(
    blocks: Sequence[Reduced], windows: Sequence[Window], firsts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
    """Return what lies on both sides of each edgel between blocks, what it counts, and if it is one region.

    Shapes (edgel, 2), (edgel,) and (edgel,).
    """
    across = _across(windows)
    pairs, weights = [np.empty((0, 2), np.int64)], [np.empty(0, np.int32)]
    one = [np.empty(0, np.bool_)]
    for number, block in enumerate(blocks):
        right = number + 1 if (number + 1) % across else len(blocks)
        for side, other in enumerate((right, number + across)):
            if other < len(blocks):
                mine, theirs = block.rim[2 * side + 1], blocks[other].rim[2 * side]
                known = (mine != OUTSIDE) & (theirs != OUTSIDE)
                pairs.append(np.stack([mine[known] + firsts[number], theirs[known] + firsts[other]], axis=1))
                weights.append(block.weights[side][known])
                one.append(block.goes_on[side][known])
    return np.concatenate(pairs), np.concatenate(weights), np.concatenate(one)


@kernel
def number_leaves(labels: NDArray[np.int32], numbers: NDArray[np.uint32], leaves: NDArray[np.uint32]) -> None:
    """Write the leaf of each pixel of a block, by the leaf of each of its regions."""
    height, width = labels.shape
    for row in range(height):
        for col in range(width):
            label = labels[row, col]
            leaves[row, col] = numbers[label] if label >= 0 else NODATA_LEAF


@kernel
def _renumbered(labels: NDArray[np.int32], ids: NDArray[np.int32]) -> NDArray[np.int32]:
    height, width = labels.shape
    renumbered = np.empty((height, width), np.int32)
    for row in range(height):
        for col in range(width):
            label = labels[row, col]
            renumbered[row, col] = ids[label] if label >= 0 else OUTSIDE
    return renumbered


@kernel
def _add(total: LeafStatistics, part: LeafStatistics, ids: NDArray[np.int32]) -> None:
    for region in range(ids.size):
        number = ids[region]
        total.area[number] += part.area[region]
        for band in range(part.sums.shape[0]):
            total.sums[band, number] += part.sums[band, region]
            total.squares[band, number] += part.squares[band, region]


@kernel
def _join(joined: NDArray[np.int64], pairs: NDArray[np.int64]) -> None:
    """Point each region to the smallest one that it is one with."""
    for pair in range(pairs.shape[0]):
        one, other = pairs[pair, 0], pairs[pair, 1]
        while joined[one] != one:
            one = joined[one]
        while joined[other] != other:
            other = joined[other]
        joined[max(one, other)] = min(one, other)
    for region in range(joined.size):
        joined[region] = joined[joined[region]]


@kernel
def _count_rows(graph: RegionGraph, ids: NDArray[np.int32], free: NDArray[np.int64]) -> None:
    for region in range(ids.size):
        for at in range(graph.offsets[region], graph.offsets[region + 1]):
            if ids[graph.neighbours[at]] != ids[region]:
                free[ids[region] + 1] += 1


@kernel
def _count_pairs(seams: NDArray[np.int32], free: NDArray[np.int64]) -> None:
    for pair in range(seams.shape[0]):
        if seams[pair, 0] != seams[pair, 1]:
            free[seams[pair, 0] + 1] += 1
            free[seams[pair, 1] + 1] += 1


@kernel
def _place_rows(
    graph: RegionGraph,
    ids: NDArray[np.int32],
    free: NDArray[np.int64],
    neighbours: NDArray[np.int32],
    lengths: NDArray[np.int32],
) -> None:
    for region in range(ids.size):
        number = ids[region]
        for at in range(graph.offsets[region], graph.offsets[region + 1]):
            if ids[graph.neighbours[at]] != number:
                neighbours[free[number]] = ids[graph.neighbours[at]]
                lengths[free[number]] = graph.lengths[at]
                free[number] += 1


@kernel
def _place_pairs(
    seams: NDArray[np.int32],
    weights: NDArray[np.int32],
    free: NDArray[np.int64],
    neighbours: NDArray[np.int32],
    lengths: NDArray[np.int32],
) -> None:
    for pair in range(seams.shape[0]):
        one, other = seams[pair, 0], seams[pair, 1]
        if one != other:
            neighbours[free[one]], lengths[free[one]] = other, weights[pair]
            neighbours[free[other]], lengths[free[other]] = one, weights[pair]
            free[one] += 1
            free[other] += 1
