"""Segmentation bias: labels of known making, held against hands of known unsteadiness."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from workbench.assessment.bias import FEWEST, Bias, bias_against, bias_within
from workbench.assessment.borders import edges_of, grown, moved_borders
from workbench.errors import EditRefused

SHAPE = (480, 520)
WHOLE = np.ones(SHAPE, np.bool_)


def patchwork(seed: int, regions: int, shape: tuple[int, int] = SHAPE) -> NDArray[np.uint32]:
    """Regions of some pixels around random places, as numbers."""
    rng = np.random.default_rng(seed)
    flat = rng.choice(shape[0] * shape[1], regions, replace=False)
    places = np.ones(shape, np.bool_)
    places.flat[flat] = False
    nearest = ndimage.distance_transform_edt(places, return_distances=False, return_indices=True)
    numbers = np.zeros(shape, np.uint32)
    numbers.flat[flat] = np.arange(regions)
    return numbers[tuple(nearest)]


def wavering(labels: NDArray[np.uint8], deviation: float, seed: int) -> NDArray[np.uint8]:
    """What a hand draws that misses each edge by some pixels, smoothly."""
    rng, shape = np.random.default_rng(seed), labels.shape
    moved = []
    for axis in (0, 1):
        coarse = rng.normal(size=(shape[0] // 14 + 4, shape[1] // 14 + 4))
        field = ndimage.zoom(coarse, 14, order=3)[: shape[0], : shape[1]]
        place = np.indices(shape)[axis] + field / field.std() * deviation
        moved.append(np.clip(np.rint(place), 0, shape[axis] - 1).astype(int))
    return labels[tuple(moved)]


def majority(truth: NDArray[np.uint8], leaves: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """The best labels that picks of leaves can make."""
    counts = np.zeros((int(leaves.max()) + 1, 20), np.int64)
    np.add.at(counts, (leaves.reshape(-1), truth.reshape(-1)), 1)
    return counts.argmax(axis=1).astype(np.uint8)[leaves]


TRUTH = (patchwork(1, 45) % 5 + 1).astype(np.uint8)


def crossing(count: int, *, seed: int = 2) -> NDArray[np.uint32]:
    """Leaves that know nothing of the truth."""
    return patchwork(seed, count)


def fitting(count: int) -> NDArray[np.uint32]:
    """Leaves that do not cross a border of the truth."""
    return (crossing(count).astype(np.int64) * 20 + TRUTH).astype(np.uint32)


def bias(labels: NDArray[np.uint8], reference: NDArray[np.uint8], leaves: NDArray[np.uint32]) -> Bias:
    return bias_against(labels, reference, leaves, WHOLE, rng=np.random.default_rng(0))


def test_labels_made_of_leaves_are_biased_against_a_hand() -> None:
    leaves = crossing(2500)
    found = bias(majority(TRUTH, leaves), wavering(TRUTH, 1.5, 3), leaves)
    assert found.labels.share.value == 1
    assert found.labels.attraction.value == 1
    assert found.bias.low > 0.3
    assert found.bias.value == pytest.approx(1 - found.reference.share.value)
    assert abs(found.reference.attraction.value) < 0.1  # the leaves know nothing of the truth
    assert all(one.bias is not None and one.bias.low > 0 for one in found.classes.values())


@pytest.mark.parametrize("leaves", [crossing(2500), fitting(800)], ids=["crossing", "fitting"])
def test_what_two_hands_drew_has_no_bias(leaves: NDArray[np.uint32]) -> None:
    found = [bias(wavering(TRUTH, 1.5, seed), wavering(TRUTH, 1.5, seed + 50), leaves) for seed in range(6)]
    assert sum(one.bias.low <= 0 <= one.bias.high for one in found) >= 5
    assert all(abs(one.bias.value) < 0.04 for one in found)


def test_labels_have_no_bias_against_themselves() -> None:
    hand, leaves = wavering(TRUTH, 1.5, 3), crossing(2500)
    found = bias(hand, hand, leaves)
    for interval in (found.bias, *found.tolerances.values()):
        assert (interval.value, interval.low, interval.high) == (0, 0, 0)
    assert found.labels.attraction == found.reference.attraction
    assert found.disagreement is not None
    assert (found.disagreement.pixels, found.disagreement.forced) == (0, 0)


def test_coarser_leaves_have_more_bias_and_force_more() -> None:
    hand = wavering(TRUTH, 1.0, 3)
    found = [bias(majority(TRUTH, leaves), hand, leaves) for leaves in map(crossing, (10000, 2500, 600, 150))]
    values = [one.bias.value for one in found]
    assert values == sorted(values)
    forced = [one.disagreement.forced for one in found if one.disagreement]
    beyond = [one.disagreement.beyond_forced for one in found if one.disagreement]
    assert forced == sorted(forced)
    assert beyond == sorted(beyond)
    assert beyond[-1] > 10 * beyond[0]


def test_leaves_of_single_pixels_constrain_nothing() -> None:
    pixels = np.arange(TRUTH.size, dtype=np.uint32).reshape(SHAPE)
    found = bias(TRUTH, wavering(TRUTH, 1.5, 3), pixels)
    assert found.bias.value == 0
    assert found.labels.attraction.value == found.reference.attraction.value == 0
    assert found.disagreement is not None
    assert found.disagreement.forced == 0  # a pick of one pixel could have been right


@pytest.mark.parametrize("deviation", [1, 2])
def test_what_an_unsteady_hand_adds_is_told(deviation: int) -> None:
    """The leaves are right everywhere: all of the bias is the hand's."""
    found = bias(TRUTH, wavering(TRUTH, deviation, 3), fitting(800))
    assert found.bias.value == pytest.approx(found.unsteady[deviation], rel=0.2)


def test_the_class_that_leaves_do_not_follow_has_the_larger_bias() -> None:
    """Bands of class 1 in leaves that end with them, bands of class 2 in leaves that end 4 pixels further."""
    row, col = np.indices(SHAPE)
    truth = np.select([row // 30 % 4 == 1, row // 30 % 4 == 3], [1, 2], 3)
    ends = np.select([row // 30 % 4 == 1, (row - 4) // 30 % 4 == 3], [1, 2], 3)
    leaves = ((ends * 100 + (row + 105) // 120) * 100 + col // 25).astype(np.uint32)
    hand = wavering(truth.astype(np.uint8), 0.7, 3)
    found = bias(majority(truth.astype(np.uint8), leaves), hand, leaves)
    good, bad = found.classes[1].bias, found.classes[2].bias
    assert good is not None
    assert bad is not None
    assert good.high < bad.low
    assert good.value < 0.2 < 0.8 < bad.value
    assert found.without_leaf is not None
    assert found.with_leaf is not None
    assert found.without_leaf.missed > 0.5 * found.without_leaf.edgels
    assert found.with_leaf.missed < 0.03 * found.with_leaf.edgels


def test_what_leaves_force_is_told_from_what_was_picked_wrongly() -> None:
    """The reference cuts a column of leaves of 10 × 10 in 3 and 7; the labels have one leaf wrong."""
    rows, cols = np.indices((200, 200))
    leaves = (rows // 10 * 20 + cols // 10).astype(np.uint32)
    reference = np.where(cols < 103, 1, 2).astype(np.uint8)
    labels = np.where(cols < 100, 1, 2).astype(np.uint8)
    labels[50:60, 20:30] = 2
    found = bias_against(labels, reference, leaves, np.ones((200, 200), bool), rng=np.random.default_rng(0))
    split = found.disagreement
    assert split is not None
    assert (split.pixels, split.forced) == (3 * 200 + 100, 3 * 200)
    # Only the middle one of the three columns is within 2 pixels of its class in both.
    assert (split.beyond, split.beyond_forced) == (2 * 200 + 100, 2 * 200)


def test_only_what_both_labelled_counts() -> None:
    leaves, hand = crossing(2500), wavering(TRUTH, 1.5, 3)
    labels = majority(TRUTH, leaves)
    labels[:100] = 0
    where = WHOLE.copy()
    where[:, :120] = False
    part = bias_against(labels, hand, leaves, where, rng=np.random.default_rng(0))
    window = (slice(100, None), slice(120, None))
    alone = bias_against(
        *(array[window].copy() for array in (labels, hand, leaves, WHOLE)), rng=np.random.default_rng(0)
    )
    assert part.pixels == alone.pixels == 380 * 400
    assert part.labels.edgels == alone.labels.edgels
    assert part.disagreement == alone.disagreement
    assert part.bias.value == pytest.approx(alone.bias.value, abs=0.002)  # leaf borders go on outside


def test_borders_of_the_labels_are_held_against_those_drawn_by_hand() -> None:
    """Picks on the left, a hand on the right; the border between is of the later one."""
    leaves = crossing(2500)
    picked, hand = majority(TRUTH, leaves), wavering(TRUTH, 1.5, 3)
    right = np.indices(SHAPE)[1] >= 260
    labels = np.where(right, hand, picked)
    order = np.where(right, 2, 1)
    found = bias_within(labels, right, order, leaves, WHOLE, rng=np.random.default_rng(0))
    other = bias_against(hand, hand, leaves, WHOLE & right, rng=np.random.default_rng(0))
    assert found.reference.share.value == pytest.approx(other.labels.share.value, abs=0.02)
    shares = found.labels.edgels, found.reference.edgels
    mixed = (shares[0] - shares[1] + shares[1] * found.reference.share.value) / shares[0]
    assert found.labels.share.value == pytest.approx(mixed, abs=0.01)
    assert found.bias.low > 0
    assert found.disagreement is None
    seam = (labels[:, 259] != labels[:, 260]).sum()
    earlier = bias_within(labels, right, -order, leaves, WHOLE, rng=np.random.default_rng(0))
    assert shares[1] - earlier.reference.edgels == seam


def test_too_little_to_compare_is_refused() -> None:
    leaves = crossing(2500)
    with pytest.raises(EditRefused, match="no pixel that both labelled"):
        bias(TRUTH, np.zeros_like(TRUTH), leaves)
    few = np.ones_like(TRUTH)
    few[:10, : FEWEST // 2 - 11] = 2
    with pytest.raises(EditRefused, match=f"the reference has {FEWEST // 2 - 1}, a bias takes {FEWEST}"):
        bias(TRUTH, few, leaves)


def test_edgels_are_the_sides_of_pixels() -> None:
    values = np.array([[1, 1, 2], [1, 3, 2]])
    edges = edges_of(values, np.ones((2, 3), bool))
    assert edges.astype(int).tolist() == [[[0, 1, 0], [1, 1, 0]], [[0, 1, 0], [0, 0, 0]]]
    inside = np.array([[1, 1, 0], [1, 1, 1]], bool)
    assert edges_of(values, inside).astype(int).tolist() == [[[0, 0, 0], [1, 1, 0]], [[0, 1, 0], [0, 0, 0]]]


def test_grown_edgels_are_a_pixel_wider() -> None:
    edges = np.random.default_rng(0).random((2, 40, 50)) < 0.02
    expected = np.stack([ndimage.maximum_filter(edge, 3, mode="constant") for edge in edges])
    assert (grown(edges) == expected).all()


@pytest.mark.parametrize("distance", [1, 3])
def test_moved_borders_are_those_of_their_definition(distance: int) -> None:
    rng = np.random.default_rng(0)
    first, second = (
        ndimage.zoom(rng.integers(1, 4, (12, 15)), 5, order=0).astype(np.uint8) for _ in range(2)
    )
    both = rng.random(first.shape) < 0.9
    near_first, near_second = np.zeros(first.shape, bool), np.zeros(first.shape, bool)
    for code in (1, 2, 3):
        mine, theirs = (first == code) & both, (second == code) & both
        near_first |= theirs & ndimage.maximum_filter(mine, 2 * distance + 1, mode="constant")
        near_second |= mine & ndimage.maximum_filter(theirs, 2 * distance + 1, mode="constant")
    expected = near_first & near_second & (first != second)
    assert (moved_borders(first, second, both, distance=distance) == expected).all()
