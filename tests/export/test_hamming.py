"""Near hashes: those that comparing all with all finds, and each pair once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export import hamming
from workbench.export.hamming import near_pairs

KINDS = np.int32


def all_with_all(hashes: NDArray[np.uint64], kinds: NDArray[np.int32], bits: int) -> list[tuple[int, int]]:
    return [
        (first, second)
        for first in range(len(hashes))
        for second in range(first + 1, len(hashes))
        if kinds[first] != kinds[second] and (int(hashes[first]) ^ int(hashes[second])).bit_count() <= bits
    ]


@settings(max_examples=60)
@given(st.data(), st.integers(0, 15), st.integers(0, 1 << 30))
def test_pairs_are_those_of_comparing_all_with_all(data: st.DataObject, bits: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    count = data.draw(st.integers(0, 60))
    hashes = rng.integers(0, 1 << 63, 8, dtype=np.uint64)[rng.integers(0, 8, count)]
    for _ in range(data.draw(st.integers(0, 14))):  # some near, some just too far
        hashes = hashes ^ (np.uint64(1) << rng.integers(0, 64, count).astype(np.uint64))
    kinds = rng.integers(0, 3, count).astype(KINDS)
    first, second = near_pairs(hashes, kinds, bits=bits)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == all_with_all(hashes, kinds, bits)


def test_bits_that_differ_in_one_quarter_or_in_all_are_found() -> None:
    spread, gathered = sum(0b101 << (16 * quarter) for quarter in range(4)), 0xFF << 40
    hashes = np.array([0, spread, gathered], np.uint64)
    first, second = near_pairs(hashes, np.arange(3, dtype=KINDS), bits=8)
    assert list(zip(first, second, strict=True)) == [(0, 1), (0, 2)]


def test_hashes_of_one_kind_are_not_asked_for() -> None:
    first, _ = near_pairs(np.zeros(5_000, np.uint64), np.zeros(5_000, KINDS), bits=10)
    assert first.size == 0


def test_one_picture_very_many_times_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hamming, "_MOST", 100)
    kinds = np.arange(15, dtype=KINDS)
    assert near_pairs(np.zeros(14, np.uint64), kinds[:14], bits=0)[0].size == 14 * 13 // 2
    with pytest.raises(ReleaseError, match=r"more than 100 pairs of pictures.*raise --least-contrast"):
        near_pairs(np.zeros(15, np.uint64), kinds, bits=0)


@pytest.mark.parametrize("bits", [-1, 16])
def test_a_distance_that_would_compare_all_with_all_is_refused(bits: int) -> None:
    with pytest.raises(ReleaseError, match="choose 0 to 15"):
        near_pairs(np.zeros(2, np.uint64), np.arange(2, dtype=KINDS), bits=bits)
