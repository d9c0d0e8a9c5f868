"""Transitions of one patch: what can be told of *other* and unlabelled pixels, and what cannot."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from made_zones import make_zone
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export.patches import Patch, cut_patches
from workbench.export.transitions import UNLABELLED, UNTOLD, Shown, Transitions, joint_counts, told
from workbench.nomenclature import load_nomenclature

FLAIR = load_nomenclature("flair-19")
HUB, ONE = (Shown.by(FLAIR, scheme, release="R") for scheme in ("flair_hub", "flair"))
(PATCH,) = cut_patches(make_zone().source)
CODES = npst.arrays(np.uint8, (3, 4), elements=st.integers(0, 19))


def patch_of(codes: NDArray[np.uint8]) -> Patch:
    counts = np.bincount(codes.ravel(), minlength=20)
    keys = {entry.key: int(counts[entry.code]) for entry in FLAIR.classes}
    return replace(PATCH, class_counts=keys, unlabelled=int(counts[0]))


def transitions(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Transitions:
    """Return what two labels tell that lie in different layouts."""
    joint = joint_counts(FLAIR.encode(before, "flair_hub"), FLAIR.encode(after, "flair"))
    return told(joint, (HUB, ONE), (patch_of(before), patch_of(after)))


def truth(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> Transitions:
    """Return what the codes themselves tell, pixel by pixel."""
    keys = {0: UNLABELLED} | {entry.code: entry.key for entry in FLAIR.classes}
    found = Transitions()
    for one, other in zip(before.ravel().tolist(), after.ravel().tolist(), strict=True):
        found.add(Transitions({(keys[one], keys[other]): 1}))
    return found


def closed(found: Transitions) -> Transitions:
    """Return transitions in which *other*, unlabelled and what is either are one."""
    merged = Transitions()
    for pair, count in found.pixels.items():
        one, other = ("other" if key in (UNLABELLED, UNTOLD) else key for key in pair)
        merged.add(Transitions({(one, other): count}))
    return merged


@given(CODES, CODES)
def test_what_is_told_is_true(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> None:
    found, right = transitions(before, after), truth(before, after)
    assert closed(found) == closed(right)
    known = {pair: count for pair, count in found.pixels.items() if UNTOLD not in pair}
    # A pair that is told may have more pixels among those that are not, never fewer.
    assert all(right.pixels[pair] >= count for pair, count in known.items())
    assert found.changed <= right.changed <= found.changed + found.untold
    assert found.total == before.size


@given(CODES, CODES)
def test_all_is_told_where_no_label_has_both_other_and_unlabelled_pixels(
    before: NDArray[np.uint8], after: NDArray[np.uint8]
) -> None:
    before, after = np.where(before == 19, 1, before), np.where(after == 0, 19, after)
    assert transitions(before, after) == truth(before, after)


@given(CODES, CODES)
def test_the_way_back_is_the_matrix_transposed(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> None:
    joint = joint_counts(FLAIR.encode(after, "flair"), FLAIR.encode(before, "flair_hub"))
    back = told(joint, (ONE, HUB), (patch_of(after), patch_of(before)))
    assert back.reversed() == transitions(before, after)


def test_pixels_that_all_become_one_class_are_told_whatever_they_were() -> None:
    before, after = np.array([[0, 0, 19, 5]], np.uint8), np.array([[5, 5, 5, 5]], np.uint8)
    assert transitions(before, after) == Transitions(
        {(UNLABELLED, "water"): 2, ("other", "water"): 1, ("water", "water"): 1}
    )


def test_pixels_that_part_are_not_told_and_count_as_change_only_where_they_certainly_changed() -> None:
    before, after = np.array([[0, 0, 19, 19]], np.uint8), np.array([[5, 0, 19, 19]], np.uint8)
    found = transitions(before, after)
    assert found == Transitions({(UNTOLD, "water"): 1, (UNTOLD, UNTOLD): 3})
    assert (found.changed, found.untold) == (1, 3)


def test_labels_that_are_not_those_of_the_index_are_refused_by_name() -> None:
    codes = np.array([[5, 5, 6, 6]], np.uint8)
    joint = joint_counts(FLAIR.encode(codes, "flair"), FLAIR.encode(codes, "flair"))
    other = patch_of(np.array([[5, 6, 6, 6]], np.uint8))
    with pytest.raises(ReleaseError, match=r"R: the label of patch D055-2018_Z2--UF_1-1 has 2 pixels of val"):
        told(joint, (ONE, ONE), (patch_of(codes), other))
    strange = joint_counts(np.full((1, 4), 77, np.uint8), np.zeros((1, 4), np.uint8))
    with pytest.raises(ReleaseError, match="has 4 pixels of value 77"):
        told(strange, (ONE, ONE), (patch_of(codes), patch_of(codes)))


def test_moves_come_by_pixels_then_by_name() -> None:
    found = Transitions({("b", "a"): 3, ("a", "b"): 3, ("c", "a"): 9, ("c", "c"): 70})
    assert [(move.before, move.after) for move in found.moves()] == [("c", "a"), ("a", "b"), ("b", "a")]
    assert found.document(0.25)[0] == {"from": "a", "to": "b", "pixels": 3, "km2": 0.00000075}
