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
    "margin_for",
    "number_leaves",
    "reduce_block",
    "stitch",
    "summed",
    "swarm_of_block",
]

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.geo.grid import Window
from workbench.segmentation.compiled import kernel
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
from workbench.segmentation.partition import OUTSIDE, Leaves, basins, flat_zones, margin_of
from workbench.segmentation.premerging import Swarm, absorb, surviving_graph, survivors, swarm_of

BLOCK = 1024
"""Side of a block in pixels."""


class Reduced(NamedTuple):
    """The regions of a block."""

    labels: NDArray[np.int32]
    """Shape (row, col). Region of each pixel, `OUTSIDE` at nodata."""
    statistics: LeafStatistics
    graph: RegionGraph
    open: NDArray[np.bool_]
    """Shape (region,). True where the region touches another block."""
    exits: NDArray[np.int64]
    """Shape (exit, 3). A region that goes on in another block, and at which pixel from this one's corner."""


class Stitched(NamedTuple):
    """The regions of all blocks."""

    regions: list[NDArray[np.int32]]
    """Per block, shape (region,). Its regions' numbers in the whole."""
    statistics: LeafStatistics
    graph: RegionGraph


def blocks_of(shape: tuple[int, int], side: int) -> list[Window]:
    """Return the blocks of an image, row by row."""
    return [
        Window(row=row, col=col, height=min(side, shape[0] - row), width=min(side, shape[1] - col))
        for row in range(0, shape[0], side)
        for col in range(0, shape[1], side)
    ]


def margin_for(parameters: SegmentationParameters) -> int:
    """Return how many pixels around a block its leaves depend on."""
    return margin_of(parameters.smoothing) if parameters.start == "basins" else 1


def swarm_of_block(
    image: NDArray[np.generic], valid: NDArray[np.bool_], mixing: Mixing, parameters: SegmentationParameters
) -> tuple[Leaves, LeafStatistics, Swarm]:
    """Return the leaves of a block, their sums, and the swarm of them.

    Parameters
    ----------
    image, valid
        Shape (band, row, col) and (row, col): the block and `margin_for` pixels around it.
    """
    margin = margin_for(parameters)
    features = mixing.pixels(image, valid)
    if parameters.start == "basins":
        leaves = basins(features, valid=valid, smoothing=parameters.smoothing)
    else:
        leaves = flat_zones(features, valid=valid)
    statistics = leaf_statistics(image, leaves.labels, leaves.size, margin=margin)
    graph = region_graph(leaves.labels, leaves.size)
    means = mixing.means(statistics.sums, statistics.area).astype(np.float32)
    return leaves, statistics, swarm_of(graph, statistics.area, means)


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
    leaves, statistics, swarm = swarm_of_block(image, valid, mixing, parameters)
    swarm, _ = absorb(swarm, scale, ends=leaves.ends, keep=leaves.open)
    ids, count = survivors(swarm)
    exits = leaves.exits
    exits[:, 0] = ids[exits[:, 0]]
    open_regions = np.zeros(count, np.bool_)
    open_regions[ids[leaves.open]] = True
    return Reduced(
        labels=_renumbered(leaves.labels, ids),
        statistics=summed([statistics], [ids], count),
        graph=surviving_graph(swarm, ids, count),
        open=open_regions,
        exits=exits,
    )


def stitch(blocks: Sequence[Reduced], windows: Sequence[Window]) -> Stitched:
    """Put blocks together: one region for what goes on from one block in the next, and edges across.

    Parameters
    ----------
    blocks, windows
        In the order of `blocks_of`.
    """
    counts = np.array([block.open.size for block in blocks])
    firsts = np.concatenate([[0], np.cumsum(counts)])
    seams = _seams(blocks, windows, firsts)
    joined = np.arange(firsts[-1])
    _join(joined, _exit_pairs(blocks, windows, firsts))
    roots = joined == np.arange(joined.size)
    numbers = (np.cumsum(roots) - 1).astype(np.int32)[joined]
    count = int(roots.sum())
    regions = [numbers[first:stop] for first, stop in itertools.pairwise(firsts)]
    return Stitched(
        regions=regions,
        statistics=summed([block.statistics for block in blocks], regions, count),
        graph=_together([block.graph for block in blocks], regions, numbers[seams], count),
    )


def summed(parts: Sequence[LeafStatistics], ids: Sequence[NDArray[np.int32]], count: int) -> LeafStatistics:
    """Add up the statistics of regions that became one."""
    bands = parts[0].sums.shape[0]
    total = LeafStatistics(np.zeros(count, np.int64), np.zeros((bands, count)), np.zeros((bands, count)))
    for part, numbers in zip(parts, ids, strict=True):
        _add(total, part, numbers)
    return total


def _together(
    graphs: Sequence[RegionGraph], ids: Sequence[NDArray[np.int32]], seams: NDArray[np.int32], count: int
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
    _place_pairs(seams, free, neighbours, lengths)
    return merge_parallel(offsets, neighbours, lengths)


def _across(windows: Sequence[Window]) -> int:
    """Return the number of blocks in a row."""
    return sum(window.row == windows[0].row for window in windows)


def _seams(
    blocks: Sequence[Reduced], windows: Sequence[Window], firsts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the pairs of regions on both sides of each edgel between blocks, shape (edgel, 2)."""
    across = _across(windows)
    pairs = [np.empty((0, 2), np.int64)]
    for number, block in enumerate(blocks):
        for other, here, there in (
            (number + 1 if (number + 1) % across else len(blocks), np.s_[:, -1], np.s_[:, 0]),
            (number + across, np.s_[-1], np.s_[0]),
        ):
            if other < len(blocks):
                one, two = block.labels[here], blocks[other].labels[there]
                known = (one != OUTSIDE) & (two != OUTSIDE)
                pairs.append(np.stack([one[known] + firsts[number], two[known] + firsts[other]], axis=1))
    return np.concatenate(pairs)


def _exit_pairs(
    blocks: Sequence[Reduced], windows: Sequence[Window], firsts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the pairs of regions that are one, shape (pair, 2)."""
    across = _across(windows)
    pairs = [np.empty((0, 2), np.int64)]
    for number, (block, window) in enumerate(zip(blocks, windows, strict=True)):
        region, row, col = block.exits.T
        for other, leaves, down, right in (
            (number - across, row < 0, -1, 0),
            (number - 1, col < 0, 0, -1),
            (number + 1, col >= window.width, 0, 1),
            (number + across, row >= window.height, 1, 0),
        ):
            if leaves.any():
                labels = blocks[other].labels
                there_row = row[leaves] - (down > 0) * window.height + (down < 0) * labels.shape[0]
                there_col = col[leaves] - (right > 0) * window.width + (right < 0) * labels.shape[1]
                target = labels[there_row, there_col] + firsts[other]
                pairs.append(np.stack([region[leaves] + firsts[number], target], axis=1))
    return np.concatenate(pairs)


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
        total.area[ids[region]] += part.area[region]
    for band in range(part.sums.shape[0]):
        for region in range(ids.size):
            total.sums[band, ids[region]] += part.sums[band, region]
            total.squares[band, ids[region]] += part.squares[band, region]


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
    free: NDArray[np.int64],
    neighbours: NDArray[np.int32],
    lengths: NDArray[np.int32],
) -> None:
    for pair in range(seams.shape[0]):
        one, other = seams[pair, 0], seams[pair, 1]
        if one != other:
            neighbours[free[one]], lengths[free[one]] = other, 1
            neighbours[free[other]], lengths[free[other]] = one, 1
            free[one] += 1
            free[other] += 1
