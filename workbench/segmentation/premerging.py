"""Very many small regions → fewer: quick merging of whatever is cheap, before the exact queue.

A pair of regions that costs far less than the finest scale of interest is merged sooner or later whatever the
order; only at that scale does the order show. So instead of one queue over the whole image, regions are
visited in order at a few rising *steps* of the scale, and each one absorbs the neighbour it costs least to
absorb for as long as that is at most the step. The visits stay in one tile of the image until its last step,
which a cache holds; only what a tile's edge kept waiting is visited in a final round.
"""

from __future__ import annotations

__all__ = ["absorb", "absorb_and_tell", "absorb_near_and_tell", "swarm_of"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import inlined_kernel, kernel
from workbench.segmentation.graph import RegionGraph
from workbench.segmentation.swarm import (
    AREA,
    BEST,
    COST,
    COUNT,
    ENTRY,
    FIRST,
    MEANS,
    MET,
    NEXT,
    NOBODY,
    SEEN,
    Merges,
    Swarm,
)

_STEPS = (0.125, 0.25, 0.5, 1.0)
"""Share of the last scale that each round of visits goes up to."""
_TINY = 0.125
"""Neighbours that cost at most this share of the last scale are absorbed together, after one look."""
_HUB = 256
"""A region with more neighbours takes in all it can afford at once, and never looks for a small one."""

_ZERO: Any = np.uint64(0)
_ONE: Any = np.uint64(1)
_TWO: Any = np.uint64(2)
_THREE: Any = np.uint64(3)
_FOUR: Any = np.uint64(4)
_SHIFT: Any = np.uint64(32)
_LENGTH = np.uint64(0xFFFFFFFF00000000)
_LINE = 16
"""Words of a cache line."""


def swarm_of(
    graph: RegionGraph,
    area: NDArray[np.int64],
    means: NDArray[np.float32],
    *,
    region_cost: float,
) -> Swarm:
    """Make the swarm of a graph's regions.

    Parameters
    ----------
    area
        Shape (region,). Pixels.
    means
        Shape (region, feature). Centred near 0, so that single precision is enough.
    region_cost
        What C counts for a region itself, in edgels.
    """
    count, features = means.shape
    stride = -(-(int(MEANS) + features) // 8) * 8
    words = _aligned(count * stride)
    entries = graph.neighbours.size
    swarm = Swarm(
        words=words,
        numbers=words.view(np.uint32),
        stride=np.uint64(stride),
        means=np.uint64(int(MEANS) + features),
        arena=np.empty(2 * entries + 1024, np.uint64),
        free=np.array([entries, 0]),
        found=np.empty(count + 1, np.uint64),
        costs=np.empty(count + 1, np.float32),
        region_cost=np.float32(region_cost),
    )
    _fill(swarm, graph, area, means)
    return swarm


def absorb(
    swarm: Swarm, scale: float, *, ends: NDArray[np.int64], keep: NDArray[np.bool_]
) -> tuple[Swarm, int]:
    """Merge whatever costs at most a scale; return the swarm and how many merges were made.

    Parameters
    ----------
    ends
        Shape (group,). One past the last region of each group of regions that lie near each other; the last
        one is the number of regions. A group is finished before the next one begins; then all are visited.
    keep
        Shape (region,). True for regions that must not be merged: their neighbours are not all known.
    """
    scales = (np.array(_STEPS) * scale).astype(np.float32)
    tiny = np.float32(_TINY * scale)
    arena, made = _visit_groups(swarm, ends, scales, tiny, keep)
    return swarm._replace(arena=arena), int(made)


def absorb_and_tell(
    swarm: Swarm, scale: float, *, regions: NDArray[np.uint32]
) -> tuple[Swarm, Merges, NDArray[np.uint32]]:
    """Merge whatever costs at most a scale, one pair after the other.

    Parameters
    ----------
    regions
        Shape (region,). The living ones; written to.

    Returns
    -------
    swarm, merges, regions
        The regions that live now, and some that did until just now.
    """
    pairs, lengths = np.empty((regions.size, 2), np.uint32), np.empty(regions.size, np.int64)
    scales, keep = np.array([scale], np.float32), np.zeros(swarm.size, np.bool_)
    arena, made, left = _visit(
        swarm,
        swarm.arena,
        regions,
        np.int64(0),
        np.int64(swarm.size),
        scales,
        np.float32(-1),
        keep,
        True,
        pairs,
        lengths,
    )
    merges = Merges(pairs[:made].copy(), lengths[:made].copy())
    return swarm._replace(arena=arena), merges, regions[:left]


def absorb_near_and_tell(
    swarm: Swarm, scales: NDArray[np.float32], *, ends: NDArray[np.int64], share: float
) -> tuple[Swarm, Merges]:
    """Merge group by group at rising scales, each until so small a share of its regions is left.

    Parameters
    ----------
    ends
        As for `absorb`. Nothing is merged across groups.
    """
    pairs, lengths = np.empty((swarm.size, 2), np.uint32), np.empty(swarm.size, np.int64)
    arena, made = _tell_groups(swarm, ends, scales, share, pairs, lengths)
    return swarm._replace(arena=arena), Merges(pairs[:made].copy(), lengths[:made].copy())


def _aligned(words: int) -> NDArray[np.float32]:
    """Return memory that begins with a cache line, so that no row of 16 words lies in two."""
    spare = np.empty(words + _LINE, np.float32)
    first = -spare.ctypes.data // spare.itemsize % _LINE
    return spare[first : first + words]


@inlined_kernel
def _cost(swarm: Swarm, one: Any, other: Any, length: Any) -> Any:
    """Return what it costs to merge two regions: the rise of D over the fall of C; their rows are given."""
    words = swarm.words
    total, k = np.float32(0), MEANS
    while k + _FOUR <= swarm.means:
        # Four at once, so that none waits for the sum of those before it.
        first, second = words[one + k] - words[other + k], words[one + k + _ONE] - words[other + k + _ONE]
        third, last = (
            words[one + k + _TWO] - words[other + k + _TWO],
            words[one + k + _THREE] - words[other + k + _THREE],
        )
        total += (first * first + second * second) + (third * third + last * last)
        k += _FOUR
    while k < swarm.means:
        difference = words[one + k] - words[other + k]
        total += difference * difference
        k += _ONE
    a, b = words[one + AREA], words[other + AREA]
    return total * (a * b) / ((a + b) * (np.float32(length) + swarm.region_cost))


@inlined_kernel
def _look(swarm: Swarm, region: Any, arena: NDArray[np.uint64]) -> Any:
    """Pack a region's list and find its least cost; return one more than its neighbours are many.

    Entry 0 stands for the region itself: whatever leads back to it is gathered there and dropped.
    """
    words, numbers, stride = swarm.words, swarm.numbers, swarm.stride
    found, costs = swarm.found, swarm.costs
    swarm.free[1] += 1
    look = np.uint32(swarm.free[1])
    row = np.uint64(region) * stride
    numbers[row + SEEN], numbers[row + ENTRY] = look, np.uint32(0)
    room = np.uint64(numbers[row + COUNT])
    count = _ONE
    part = region
    while part != NOBODY:
        list_row = np.uint64(part) * stride
        first = np.uint64(numbers[list_row + FIRST])
        for at in range(first, first + np.uint64(numbers[list_row + COUNT])):
            entry = arena[at]
            # Most have been joined at most twice since the list was written.
            other = numbers[np.uint64(np.uint32(entry)) * stride]
            other = numbers[np.uint64(other) * stride]
            there = np.uint64(other) * stride
            while numbers[there] != other:
                other = numbers[there]
                there = np.uint64(other) * stride
            new = numbers[there + SEEN] != look
            place = count if new else np.uint64(numbers[there + ENTRY])
            numbers[there + SEEN], numbers[there + ENTRY] = look, np.uint32(place)
            before = _ZERO if new else found[place] & _LENGTH
            found[place] = (before + (entry & _LENGTH)) | np.uint64(other)
            count += _ONE if new else _ZERO
        part = numbers[list_row + NEXT]
    size = count - _ONE
    write = np.uint64(numbers[row + FIRST])
    if size > room:
        write = np.uint64(swarm.free[0])
        swarm.free[0] += np.int64(size)
        numbers[row + FIRST] = np.uint32(write)
    numbers[row + COUNT], numbers[row + NEXT] = np.uint32(size), NOBODY
    least, best, met = np.float32(np.inf), _ZERO, np.float32(0)
    for place in range(_ONE, count):
        entry = found[place]
        arena[write] = entry
        write += _ONE
        there = np.uint64(np.uint32(entry)) * stride
        cost = _cost(swarm, row, there, entry >> _SHIFT)
        costs[place] = cost
        less = cost < least
        least = cost if less else least
        best = place - _ONE if less else best
        met = words[there + AREA] if less else met
    words[row + COST], numbers[row + BEST], words[row + MET] = least, np.uint32(best), met
    return count


@inlined_kernel
def _absorb(swarm: Swarm, region: Any, other: Any) -> None:
    """Join another region to this one; its list stays where it is until the next look."""
    words, numbers = swarm.words, swarm.numbers
    row, there = np.uint64(region) * swarm.stride, np.uint64(other) * swarm.stride
    area = words[row + AREA] + words[there + AREA]
    here_share, there_share = words[row + AREA] / area, words[there + AREA] / area
    for k in range(MEANS, swarm.means):
        words[row + k] = here_share * words[row + k] + there_share * words[there + k]
    words[row + AREA] = area
    numbers[there] = region
    # Whatever waits at the other one waits here now.
    last = there
    while numbers[last + NEXT] != NOBODY:
        last = np.uint64(numbers[last + NEXT]) * swarm.stride
    numbers[last + NEXT] = numbers[row + NEXT]
    numbers[row + NEXT] = other


@inlined_kernel
def _together(swarm: Swarm, arena: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a fresh arena that holds the lists in use, without gaps; resets the free end."""
    numbers, stride = swarm.numbers, swarm.stride
    used = _ZERO
    rows = np.uint64(numbers.size) // stride
    for region in range(rows):
        row = region * stride
        used += np.uint64(numbers[row + COUNT])
    size = np.int64(_TWO * used) + 1024
    fresh = np.empty(size if size > arena.size else arena.size, np.uint64)
    write = _ZERO
    for region in range(rows):
        row = region * stride
        first = np.uint64(numbers[row + FIRST])
        count = np.uint64(numbers[row + COUNT])
        for at in range(first, first + count):
            fresh[write + at - first] = arena[at]
        numbers[row + FIRST] = np.uint32(write)
        write += count
    swarm.free[0] = np.int64(write)
    return fresh


@kernel
def _visit(
    swarm: Swarm,
    arena: NDArray[np.uint64],
    regions: NDArray[np.uint32],
    begin: Any,
    end: Any,
    scales: NDArray[np.float32],
    tiny: np.float32,
    keep: NDArray[np.bool_],
    record: bool,
    merges: NDArray[np.uint32],
    lengths: NDArray[np.int64],
) -> tuple[NDArray[np.uint64], int, int]:
    """Let regions absorb each other at rising scales, but none outside begin … end − 1.

    ``regions`` are the living ones to visit; they are packed on the way to those that are left. A merge is
    written down only if ``record`` says so: the region that stays, the one absorbed, and the edgels between
    them. Returns the arena, the number of merges, and that of the regions left.
    """
    words, numbers, stride = swarm.words, swarm.numbers, swarm.stride
    found, costs = swarm.found, swarm.costs
    made, size = 0, regions.size
    for step in range(scales.size):
        scale = scales[step]
        left = 0
        for visit in range(size):
            region = regions[visit]
            row = np.uint64(region) * stride
            if numbers[row] != region:
                continue
            regions[left] = region
            left += 1
            if words[row + COST] > scale or keep[region]:
                continue
            count = _ONE
            best = arena[np.uint64(numbers[row + FIRST]) + np.uint64(numbers[row + BEST])]
            there = np.uint64(np.uint32(best)) * stride
            fresh = numbers[there] == np.uint32(best) and words[there + AREA] == words[row + MET]
            while True:
                if not fresh:
                    needed, part = _ZERO, region
                    while part != NOBODY:
                        needed += np.uint64(numbers[np.uint64(part) * stride + COUNT])
                        part = numbers[np.uint64(part) * stride + NEXT]
                    if np.uint64(swarm.free[0]) + needed > np.uint64(arena.size):
                        arena = _together(swarm, arena)
                    count = _look(swarm, region, arena)
                if not (words[row + COST] <= scale):
                    break
                fresh = False
                best = arena[np.uint64(numbers[row + FIRST]) + np.uint64(numbers[row + BEST])]
                other = np.uint32(best)
                there = np.uint64(other) * stride
                beyond = not (begin <= other < end)
                if keep[other] or (beyond and words[there + COST] < words[row + COST]):
                    break
                hub = numbers[there + COUNT] > np.uint32(_HUB) >= numbers[row + COUNT]
                most = scale if count > np.uint64(_HUB) and not record else tiny
                if count > _ONE and words[row + COST] <= most and not hub and not beyond:
                    for place in range(_ONE, count):
                        other = np.uint32(found[place])
                        if costs[place] <= most and begin <= other < end and not keep[other]:
                            made += 1
                            _absorb(swarm, region, other)
                    continue
                if record:
                    merges[made, 0] = other if hub else region
                    merges[made, 1] = region if hub else other
                    lengths[made] = np.int64(best >> _SHIFT)
                made += 1
                if hub:
                    # It takes this one in, and looks around when it is visited itself.
                    _absorb(swarm, other, region)
                    words[there + COST], words[there + MET] = np.float32(0), np.float32(-1)
                    break
                _absorb(swarm, region, other)
        size = left
    return arena, made, size


@kernel
def _visit_groups(
    swarm: Swarm,
    ends: NDArray[np.int64],
    scales: NDArray[np.float32],
    tiny: np.float32,
    keep: NDArray[np.bool_],
) -> tuple[NDArray[np.uint64], int]:
    pairs, lengths = np.empty((1, 2), np.uint32), np.empty(1, np.int64)
    regions = np.arange(ends[-1]).astype(np.uint32)
    arena, made, begin, left = swarm.arena, 0, np.int64(0), 0
    for end in ends:
        near = regions[begin:end]
        arena, more, size = _visit(swarm, arena, near, begin, end, scales, tiny, keep, False, pairs, lengths)
        regions[left : left + size] = near[:size]
        made, begin, left = made + more, end, left + size
    arena, more, size = _visit(
        swarm, arena, regions[:left], np.int64(0), begin, scales[-1:], tiny, keep, False, pairs, lengths
    )
    return arena, made + more


@kernel
def _tell_groups(
    swarm: Swarm,
    ends: NDArray[np.int64],
    scales: NDArray[np.float32],
    share: float,
    pairs: NDArray[np.uint32],
    lengths: NDArray[np.int64],
) -> tuple[NDArray[np.uint64], int]:
    keep = np.zeros(ends[-1], np.bool_)
    arena, made, begin = swarm.arena, 0, np.int64(0)
    for end in ends:
        near, size = np.arange(begin, end).astype(np.uint32), end - begin
        for at in range(scales.size):
            if size <= share * (end - begin):
                break
            arena, more, size = _visit(
                swarm,
                arena,
                near[:size],
                begin,
                end,
                scales[at : at + 1],
                np.float32(-1),
                keep,
                True,
                pairs[made:],
                lengths[made:],
            )
            made += more
        begin = end
    return arena, made


@kernel
def _fill(swarm: Swarm, graph: RegionGraph, area: NDArray[np.int64], means: NDArray[np.float32]) -> None:
    """Write the rows and lists of regions that nothing has happened to yet."""
    words, numbers, arena = swarm.words, swarm.numbers, swarm.arena
    for region in range(area.size):
        row = np.uint64(region) * swarm.stride
        numbers[row], numbers[row + NEXT] = region, NOBODY
        numbers[row + SEEN], numbers[row + ENTRY] = np.uint32(0), np.uint32(0)
        words[row + AREA] = area[region]
        for k in range(means.shape[1]):
            words[row + MEANS + np.uint64(k)] = means[region, k]
        first, stop = graph.offsets[region], graph.offsets[region + 1]
        numbers[row + FIRST], numbers[row + COUNT] = first, stop - first
        for at in range(first, stop):
            arena[at] = (np.uint64(graph.lengths[at]) << _SHIFT) | np.uint64(graph.neighbours[at])
    for region in range(area.size):
        row = np.uint64(region) * swarm.stride
        least, best, met = np.float32(np.inf), np.uint32(0), np.float32(0)
        first = graph.offsets[region]
        for at in range(first, graph.offsets[region + 1]):
            there = np.uint64(graph.neighbours[at]) * swarm.stride
            cost = _cost(swarm, row, there, graph.lengths[at])
            if cost < least:
                least, best, met = cost, np.uint32(at - first), words[there + AREA]
        words[row + COST], numbers[row + BEST], words[row + MET] = least, best, met
