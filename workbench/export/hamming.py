"""Hashes that differ in a few bits, among very many: multi-index hashing.

Norouzi, Punjani and Fleet (*Fast Search in Hamming Space with Multi-Index Hashing*, CVPR 2012): of two hashes
that differ in at most d of 64 bits, one of their four quarters differs in at most d // 4 of its 16. So hashes
are put into 65,536 buckets by each quarter in turn, and only those of near buckets are compared: for d = 10
about 2,100 of 250,000 evenly spread ones in place of all, and memory for the pairs that are found alone.
"""

from __future__ import annotations

__all__ = ["near_pairs"]

from itertools import combinations
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import inlined_kernel, kernel
from workbench.errors import ReleaseError

_QUARTERS: Final = 4
_WIDTH: Final = 16
_MOST: Final = 100_000
"""Pairs; more are not near-duplicates that somebody could look at, but one picture many times."""


def near_pairs(
    hashes: NDArray[np.uint64],
    kinds: NDArray[np.int32],
    *,
    bits: int,
    others: NDArray[np.uint64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of hashes of different kinds that differ in at most so many bits, each pair once.

    Parameters
    ----------
    hashes
        Shape (patch,).
    kinds
        Shape (patch,). Pairs of one kind are not asked for.
    bits
        From 0 to 15: more would compare everything with everything.
    others
        Shape (patch,). Hashes that the patch with the larger place has here, such as those of its picture
        turned; the same by default.

    Returns
    -------
    first, second
        Places in ``hashes``, first < second, sorted.

    Raises
    ------
    ReleaseError
        There are more than 100,000, or the distance is none that can be searched for.

    >>> near_pairs(np.array([0, 7, 255], np.uint64), np.array([0, 1, 2], np.int32), bits=3)
    (array([0]), array([1]))
    """
    if not 0 <= bits < _QUARTERS * 4:
        raise ReleaseError(f"hashes that differ in {bits} bits are not searched for; choose 0 to 15")
    radius = bits // _QUARTERS
    near = np.array(_patterns(radius), np.int64)
    found, count = np.empty((_MOST, 2), np.int64), 0
    for quarter in range(_QUARTERS):
        own = _Buckets.of(hashes, kinds, quarter)
        other = own if others is None else _Buckets.of(others, kinds, quarter)
        count = _search(*own, *other, others is None, near, quarter, radius, bits, found, count)
        if count > _MOST:
            raise ReleaseError(
                f"more than {_MOST:,} pairs of pictures in different sets are nearly alike, as where one is "
                "there very many times; raise --least-contrast, or lower --duplicate-bits"
            )
    pairs = np.sort(found[:count], axis=1)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return pairs[:, 0], pairs[:, 1]


class _Buckets(NamedTuple):
    """Hashes sorted by a quarter of their bits; bucket b is from ``begins[b]`` to ``begins[b + 1]``."""

    hashes: NDArray[np.uint64]
    kinds: NDArray[np.int32]
    order: NDArray[np.int64]
    """Their places before."""
    begins: NDArray[np.int64]

    @classmethod
    def of(cls, hashes: NDArray[np.uint64], kinds: NDArray[np.int32], quarter: int) -> Self:
        buckets = (hashes >> np.uint64(_WIDTH * quarter)).astype(np.uint16)
        order = np.argsort(buckets, kind="stable")
        begins = np.searchsorted(buckets[order], np.arange((1 << _WIDTH) + 1))
        return cls(hashes[order], kinds[order], order, begins)


def _patterns(radius: int) -> list[int]:
    """Return all numbers of 16 bits of which at most ``radius`` are set."""
    chosen = (places for size in range(radius + 1) for places in combinations(range(_WIDTH), size))
    return [sum(1 << place for place in places) for places in chosen]


@inlined_kernel
def _ones(word: np.uint64) -> np.int64:
    """Count the bits of a word that are set."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@kernel
def _met(unlike: np.uint64, quarter: int, radius: int) -> bool:
    """Tell whether two hashes, of which the unlike bits are set, are near in a quarter before this one."""
    for before in range(quarter):
        if _ones((unlike >> np.uint64(16 * before)) & np.uint64(0xFFFF)) <= radius:
            return True
    return False


@kernel
def _search(
    hashes: NDArray[np.uint64],
    kinds: NDArray[np.int32],
    order: NDArray[np.int64],
    begins: NDArray[np.int64],
    other_hashes: NDArray[np.uint64],
    other_kinds: NDArray[np.int32],
    other_order: NDArray[np.int64],
    other_begins: NDArray[np.int64],
    same: bool,
    near: NDArray[np.int64],
    quarter: int,
    radius: int,
    bits: int,
    found: NDArray[np.int64],
    count: int,
) -> int:
    """Write the pairs that are near in a quarter and in none before; return their count, more than fit stop.

    Of two sides the first has the patch with the smaller place; of one, ``same``, buckets are taken once.
    """
    for bucket in range(begins.size - 1):
        if begins[bucket] == begins[bucket + 1]:
            continue
        for pattern in near:
            other = bucket ^ pattern
            if same and other < bucket:
                continue
            for i in range(begins[bucket], begins[bucket + 1]):
                start = i + 1 if same and other == bucket else other_begins[other]
                for j in range(start, other_begins[other + 1]):
                    unlike = hashes[i] ^ other_hashes[j]
                    if _ones(unlike) > bits or kinds[i] == other_kinds[j] or _met(unlike, quarter, radius):
                        continue
                    if not same and order[i] > other_order[j]:
                        continue
                    if count >= len(found):
                        return len(found) + 1
                    found[count, 0], found[count, 1] = order[i], other_order[j]
                    count += 1
    return count
