"""Regions that merge in great numbers: how they lie in memory, and which are left.

Each region is one row of 32-bit words, so that all that a look at a neighbour needs is in one cache line.
Means are in single precision: they decide about merges and are not kept.
"""

from __future__ import annotations

__all__ = ["Merges", "Swarm", "surviving_graph", "survivors"]

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.segmentation.graph import RegionGraph

# Words of a row, then the means. Unsigned, since numba tests signed indices for being negative.
JOINED, COST, BEST, MET, SEEN, ENTRY, NEXT, AREA, FIRST, COUNT, MEANS = (
    np.uint64(word) for word in range(11)
)
NOBODY = np.uint32(0xFFFFFFFF)
_SHIFT: Any = np.uint64(32)


class Swarm(NamedTuple):
    """Regions and their neighbours, while there are very many; compiled kernels write into it.

    The words of a row are: the region it was joined to (itself while it lives); its least cost ΔD / edgels,
    which neighbour in its list has it, and that one's area when it was looked at; the last look that met the
    region, and as which neighbour; the next of those absorbed since the last look; area; where its list of
    neighbours starts in the arena, and its entries; and the mean of each feature.
    """

    words: NDArray[np.float32]
    """Shape (region × stride,)."""
    numbers: NDArray[np.uint32]
    """The same memory, for the words that are whole numbers."""
    stride: np.uint64
    means: np.uint64
    """One past the last mean of a row."""
    arena: NDArray[np.uint64]
    """Lists of neighbours: edgels in the high half of an entry, the neighbour in the low half."""
    free: NDArray[np.int64]
    """Shape (2,). First free entry of the arena; number of looks so far."""
    found: NDArray[np.uint64]
    """Shape (region + 1,). The neighbours of the region looked at last, from 1 on."""
    costs: NDArray[np.float32]
    """Shape (region + 1,). What each of them costs to absorb."""
    region_cost: np.float32
    """What C counts for a region itself, in edgels."""

    @property
    def size(self) -> int:
        """Number of regions at the beginning."""
        return self.costs.size - 1

    def least_costs(self) -> NDArray[np.float32]:
        """Return what each region costs least to merge, shape (region,); inf where it has no neighbour."""
        return self.words[int(COST) :: int(self.stride)]

    def living(self) -> NDArray[np.bool_]:
        """Return which regions live, shape (region,)."""
        joined = self.numbers[int(JOINED) :: int(self.stride)]
        return np.asarray(joined == np.arange(joined.size))

    def living_costs(self) -> NDArray[np.float32]:
        """Return what each living region cost least to merge at the last look, shape (living region,)."""
        return self.least_costs()[self.living()]


class Merges(NamedTuple):
    """Merges in the order they were made."""

    pairs: NDArray[np.uint32]
    """Shape (merge, 2). The region that stays, and the one that it absorbs."""
    lengths: NDArray[np.int64]
    """Shape (merge,). Edgels between the two."""


def survivors(swarm: Swarm) -> tuple[NDArray[np.int32], int]:
    """Return which living region each region belongs to now, numbered in order, and how many live."""
    ids, count = _survivors(swarm)
    return ids, int(count)


def surviving_graph(swarm: Swarm, ids: NDArray[np.int32], count: int) -> RegionGraph:
    """Return the graph of the living regions, by the numbers that `survivors` gave them."""
    offsets = np.zeros(count + 1, np.int64)
    size = _list_all(swarm, ids, offsets, np.empty(0, np.int32), np.empty(0, np.int32))
    neighbours, lengths = np.empty(size, np.int32), np.empty(size, np.int32)
    _list_all(swarm, ids, offsets, neighbours, lengths)
    return RegionGraph(offsets=offsets, neighbours=neighbours, lengths=lengths)


@kernel
def _survivors(swarm: Swarm) -> tuple[NDArray[np.int32], int]:
    numbers, stride = swarm.numbers, swarm.stride
    size = swarm.costs.size - 1
    ids = np.empty(size, np.int32)
    count = 0
    for region in range(size):
        if numbers[np.uint64(region) * stride] == region:
            ids[region] = count
            count += 1
    for region in range(size):
        living = np.uint32(region)
        while numbers[np.uint64(living) * stride] != living:
            living = numbers[np.uint64(living) * stride]
        ids[region] = ids[living]
    return ids, count


@kernel
def _list_all(
    swarm: Swarm,
    ids: NDArray[np.int32],
    offsets: NDArray[np.int64],
    neighbours: NDArray[np.int32],
    lengths: NDArray[np.int32],
) -> int:
    """Write each living region's neighbours, each once; or only count them, if there is no room to write."""
    numbers, stride, arena = swarm.numbers, swarm.stride, swarm.arena
    entry_of = np.full(offsets.size - 1, -1, np.int64)
    counting = neighbours.size == 0
    write, living = 0, 0
    for region in range(ids.size):
        if numbers[np.uint64(region) * stride] != region:
            continue
        begin = write
        part = np.uint32(region)
        while part != NOBODY:
            row = np.uint64(part) * stride
            first = np.uint64(numbers[row + FIRST])
            for at in range(first, first + np.uint64(numbers[row + COUNT])):
                other = ids[np.uint32(arena[at])]
                if other == living:
                    continue
                if entry_of[other] < begin:
                    entry_of[other] = write
                    if not counting:
                        neighbours[write], lengths[write] = other, np.int32(arena[at] >> _SHIFT)
                    write += 1
                elif not counting:
                    lengths[entry_of[other]] += np.int32(arena[at] >> _SHIFT)
            part = numbers[row + NEXT]
        living += 1
        offsets[living] = write
    return write
