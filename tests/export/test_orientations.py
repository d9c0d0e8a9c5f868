"""Pictures that are one, however they are laid."""

from __future__ import annotations

import numpy as np
import pytest
from made_orthos import made_image, made_truth

from workbench.export.fingerprints import fingerprint
from workbench.export.hamming import near_pairs
from workbench.export.orientations import ORIENTATIONS, UPRIGHT, Orientation

NAMED = pytest.mark.parametrize("laid", ORIENTATIONS, ids=lambda laid: laid.name or "upright")


def word(picture: np.ndarray) -> int:
    return int(fingerprint(np.ascontiguousarray(picture)).hash, 16)


def test_there_are_eight_and_each_pair_of_them_is_one_of_them() -> None:
    square = np.arange(9).reshape(3, 3)
    ways = {laid.laid(square).tobytes() for laid in ORIENTATIONS}
    assert len(ways) == len({laid.name for laid in ORIENTATIONS}) == 8
    assert {one.laid(other.laid(square)).tobytes() for one in ORIENTATIONS for other in ORIENTATIONS} == ways


@NAMED
def test_names_say_what_was_done(laid: Orientation) -> None:
    square = np.arange(9).reshape(3, 3)
    by_name = {
        "": square,
        "mirrored top to bottom": np.flipud(square),
        "mirrored left to right": np.fliplr(square),
        "turned by 180°": np.rot90(square, 2),
        "mirrored along a diagonal": square.T,
        "turned by 90° to the left": np.rot90(square),
        "turned by 90° to the right": np.rot90(square, -1),
        "mirrored along the other diagonal": np.rot90(square, 2).T,
    }
    assert np.array_equal(laid.laid(square), by_name[laid.name])


@NAMED
def test_the_hash_of_a_picture_that_is_laid_so_follows_from_its_own(laid: Orientation) -> None:
    for seed in range(4):
        picture = made_image(made_truth(512, 512, seed), seed)[0]
        (guess,) = laid.hashes(np.array([word(picture)], np.uint64)).tolist()
        assert (guess ^ word(laid.laid(picture))).bit_count() <= (0 if laid == UPRIGHT else 10)


@NAMED
def test_pairs_across_are_those_of_comparing_all_with_all(laid: Orientation) -> None:
    rng = np.random.default_rng(3)
    words = rng.integers(0, 1 << 64, 6, dtype=np.uint64)[rng.integers(0, 6, 80)]
    words ^= np.uint64(1) << rng.integers(0, 64, 80).astype(np.uint64)
    turned, kinds = laid.hashes(words), rng.integers(0, 3, 80).astype(np.int32)
    first, second = near_pairs(words, kinds, bits=6, others=turned)
    assert list(zip(first.tolist(), second.tolist(), strict=True)) == [
        (one, other)
        for one in range(80)
        for other in range(one + 1, 80)
        if kinds[one] != kinds[other] and (int(words[one]) ^ int(turned[other])).bit_count() <= 6
    ]
