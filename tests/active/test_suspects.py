"""Suspects: which pixels, by a second definition; which places; how they are ranked; what mends them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_orthos import made_grid, made_image, made_truth
from numpy.typing import NDArray
from scipy import ndimage

from workbench.active.suspects import PRIOR, Suspect, find_suspects, suspect_pixels, tally
from workbench.assessment.borders import moved_borders
from workbench.segmentation import Hierarchy, segment

BRUSHWOOD, CROP, GRASS, SEALED = 8, 11, 10, 3
TRUTH = made_truth(512, 512)


@pytest.fixture(scope="module")
def hierarchy() -> Hierarchy:
    return segment(made_image(TRUTH), grid=made_grid(512, 512))


def planted(code: int = BRUSHWOOD) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return labels in which the largest field of crop is something else, and where it lies."""
    fields, _ = ndimage.label(TRUTH == CROP)
    field = fields == 1 + int(np.bincount(fields.ravel())[1:].argmax())
    labels = TRUTH.copy()
    labels[field] = code
    return labels, field


def said(sure: int = 230, wobble: int = 20) -> NDArray[np.uint8]:
    rng = np.random.default_rng(3)
    return rng.integers(sure - wobble, sure + wobble, TRUTH.shape).astype(np.uint8)


def find(
    labels: NDArray[np.uint8],
    codes: NDArray[np.uint8],
    probability: NDArray[np.uint8],
    hierarchy: Hierarchy | None,
    **options,
) -> tuple[Suspect, ...]:
    excused = moved_borders(labels, codes, (labels > 0) & (codes > 0), distance=5)
    found = tally(labels, codes, probability)
    return find_suspects(
        labels, codes, probability, found=found, excused=excused, hierarchy=hierarchy, **options
    )


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.uint8, (5, 6), elements=st.integers(0, 3)),
    arrays(np.uint8, (5, 6), elements=st.integers(0, 3)),
    arrays(np.uint8, (5, 6), elements=st.integers(86, 255)),
)
def test_suspect_pixels_are_those_of_confident_learning(labels, codes, probability):
    """Against the definition, pixel by pixel, with the probabilities of all classes written out."""
    known = [(i, j) for i, j in np.ndindex(labels.shape) if labels[i, j] and codes[i, j]]
    classes = sorted({int(codes[at]) for at in known})
    others = max(len(classes) - 1, 1)

    def given_to(at: tuple[int, int], code: int) -> float:
        top = probability[at] / 255
        return top if codes[at] == code else (1 - top) / others

    own = {code: [given_to(at, code) for at in known if labels[at] == code] for code in range(1, 4)}
    everything = [one for values in own.values() for one in values]
    expected = np.zeros(labels.shape, bool)
    for at in known:
        code = int(codes[at])
        threshold = np.mean(own[code] or everything)
        judged = int(labels[at]) in classes
        expected[at] = labels[at] != code and judged and probability[at] / 255 >= threshold - 1e-6
        if abs(probability[at] / 255 - threshold) < 1e-6:
            labels[at] = codes[at]  # equal but for rounding: as it may be
            expected[at] = False
            return
    found = suspect_pixels(labels, codes, probability, tally(labels, codes, probability))
    assert (found == expected).all()


def test_tallies_of_parts_add_up_to_that_of_the_whole():
    labels, _ = planted()
    whole = tally(labels, TRUTH, said())
    parts = tally(labels[:90], TRUTH[:90], said()[:90]) + tally(labels[90:], TRUTH[90:], said()[90:])
    assert (parts.labelled == whole.labelled).all()
    assert np.allclose(parts.thresholds, whole.thresholds)


def test_a_field_that_is_labelled_wrong_is_the_first_suspect(hierarchy):
    labels, field = planted(GRASS)
    first, *others = find(labels, TRUTH, np.where(field, np.uint8(250), said()), hierarchy)
    assert (first.label, first.suggested) == (GRASS, CROP)
    whole = np.zeros(TRUTH.shape, bool)
    whole[first.mask.window.slices] = first.mask.decode()
    assert (whole & field).sum() > 0.98 * field.sum()
    assert (whole & ~field).sum() < 0.05 * field.sum()
    assert field[first.row, first.col]
    assert first.share > 0.9
    assert first.confidence == pytest.approx(250 / 255, abs=0.01)
    assert all(one.pixels < 0.05 * first.pixels for one in others)


def test_to_label_the_regions_of_a_suspect_anew_takes_its_picks_and_mends_it(hierarchy):
    labels, field = planted(GRASS)
    first = find(labels, TRUTH, said(), hierarchy)[0]
    assert 1 <= first.picks <= 5
    mended = labels.copy()
    mended[first.mask.window.slices][first.mask.decode()] = first.suggested
    assert (mended != TRUTH).sum() < 0.05 * field.sum()


def test_moved_borders_are_no_suspects(hierarchy):
    moved = np.roll(TRUTH, 4, axis=1)
    moved[:, :4] = TRUTH[:, :4]
    assert (moved != TRUTH).any()
    assert find(TRUTH, moved, said(), hierarchy) == ()
    assert find(TRUTH, moved, said(), None) == ()


def test_who_is_not_sure_suspects_nothing(hierarchy):
    labels, field = planted(GRASS)
    unsure = np.where(field, np.uint8(150), said())
    assert find(labels, TRUTH, unsure, hierarchy) == ()
    assert find(TRUTH, TRUTH, said(), hierarchy) == ()
    assert find(labels, np.zeros_like(TRUTH), said(), hierarchy) == ()


def test_labels_of_a_class_that_no_model_says_are_not_judged(hierarchy):
    labels, _ = planted(BRUSHWOOD)
    found = tally(labels, TRUTH, said())
    assert found.never_said == (BRUSHWOOD,)
    assert find(labels, TRUTH, said(), hierarchy) == ()


def test_without_a_hierarchy_places_are_connected_pixels():
    labels, field = planted(GRASS)
    first = find(labels, TRUTH, said(wobble=1), None)[0]
    assert first.picks is None
    assert first.share == 1
    assert first.pixels == first.mask.pixels <= field.sum()


def test_salt_is_smoothed_away(hierarchy):
    rng = np.random.default_rng(1)
    salted = np.where(rng.random(TRUTH.shape) < 0.02, np.uint8(SEALED), TRUTH)
    assert find(TRUTH, salted, said(), hierarchy) == ()


def test_rank_is_by_the_pixels_expected_to_be_wrong(hierarchy):
    labels, field = planted(GRASS)
    fields, _ = ndimage.label(TRUTH == 7)
    other = fields == 1 + int(np.bincount(fields.ravel())[1:].argmax())
    labels[other] = GRASS
    sure = np.where(other, 253, np.where(field, 246, 230)).astype(np.uint8)
    ranked = find(labels, TRUTH, sure, hierarchy)
    assert [one.wrong for one in ranked] == sorted((one.wrong for one in ranked), reverse=True)
    for one in ranked:
        assert 0 < one.wrong < one.pixels
    by = {one.suggested: one.wrong / one.pixels for one in ranked}
    for code, p in ((7, 253 / 255), (CROP, 246 / 255)):
        assert by[code] == pytest.approx(PRIOR * p / (PRIOR * p + (1 - PRIOR) * (1 - p)))


def test_equal_input_gives_equal_suspects(hierarchy):
    labels, _ = planted(GRASS)
    assert find(labels, TRUTH, said(), hierarchy) == find(labels, TRUTH, said(), hierarchy)
