"""Acquisition functions against scikit-activeml, a second definition, and what holds for all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.active.acquisition import entropy, least_confidence, margin, mutual_information
from workbench.errors import GridError

POINTWISE = [least_confidence, margin, entropy]


def softmax(logits: np.ndarray, axis: int) -> np.ndarray:
    shifted = np.exp(logits - logits.max(axis=axis, keepdims=True))
    return shifted / shifted.sum(axis=axis, keepdims=True)


def probabilities(classes: int = 5, pixels: int = 40, seed: int = 0) -> np.ndarray:
    return softmax(np.random.default_rng(seed).normal(0, 2, (classes, pixels)), axis=0)


@pytest.mark.parametrize(
    ("ours", "theirs", "scale"),
    [
        (least_confidence, "least_confident", 5 / 4),
        (margin, "margin_sampling", 1.0),
        (entropy, "entropy", 1 / np.log(5)),
    ],
    ids=["least-confidence", "margin", "entropy"],
)
def test_scores_are_those_of_scikit_activeml_over_their_most(ours, theirs, scale):
    from skactiveml.pool import uncertainty_scores

    proba = probabilities()
    expected = uncertainty_scores(proba.T, method=theirs) * scale
    np.testing.assert_allclose(ours(proba), expected, atol=1e-6)


def test_mutual_information_is_that_of_scikit_activeml():
    from skactiveml.pool import batch_bald

    members = softmax(np.random.default_rng(3).normal(0, 2, (6, 4, 30)), axis=1)
    # A batch of one sample: the first pick of BatchBALD is the sample of the largest BALD.
    found = batch_bald(np.moveaxis(members, 2, 1), batch_size=1, random_state=0)[0]
    np.testing.assert_allclose(mutual_information(members), found / np.log(4), atol=1e-6)


def test_mutual_information_is_the_mean_divergence_from_the_mean():
    """A second definition, as baal's tests have it: E[KL(member ‖ mean)]."""
    members = softmax(np.random.default_rng(4).normal(0, 1, (5, 3, 20)), axis=1)
    mean = members.mean(axis=0)
    divergence = (members * np.log(members / mean)).sum(axis=1).mean(axis=0)
    np.testing.assert_allclose(mutual_information(members), divergence / np.log(3), atol=1e-6)


@pytest.mark.parametrize("score", POINTWISE)
@given(logits=arrays(np.float64, (4, 7), elements=st.floats(-30, 30)))
def test_scores_are_shares(score, logits):
    found = score(softmax(logits, axis=0))
    assert ((found >= 0) & (found <= 1 + 1e-6)).all()


@pytest.mark.parametrize("score", POINTWISE)
def test_the_order_of_classes_does_not_matter(score):
    proba = probabilities()
    np.testing.assert_allclose(score(proba), score(proba[[3, 1, 4, 0, 2]]), atol=1e-6)


@pytest.mark.parametrize("score", POINTWISE)
def test_of_two_classes_all_scores_put_pixels_in_one_order(score):
    proba = probabilities(classes=2, pixels=100)
    assert (np.argsort(score(proba)) == np.argsort(-np.abs(proba[0] - 0.5))).all()


@pytest.mark.parametrize("score", POINTWISE)
def test_images_are_scored_pixel_by_pixel(score):
    proba = probabilities(pixels=12)
    np.testing.assert_array_equal(score(proba.reshape(5, 3, 4)), score(proba).reshape(3, 4))


@pytest.mark.parametrize("score", POINTWISE)
def test_a_pixel_of_which_nothing_is_known_tells_nothing(score):
    proba = probabilities(pixels=3)
    proba[:, 1] = 0
    assert score(proba)[1] == 0
    assert (score(proba)[[0, 2]] > 0).all()


def test_members_that_agree_have_no_mutual_information():
    one = probabilities()
    np.testing.assert_allclose(mutual_information(np.stack([one, one, one])), 0, atol=1e-6)


def test_bytes_of_a_file_are_probabilities_enough():
    proba = np.round(probabilities(classes=19) * 255) / 255
    np.testing.assert_allclose(entropy(proba), entropy(probabilities(classes=19)), atol=0.03)


@pytest.mark.parametrize(
    ("proba", "told"),
    [
        (np.ones((1, 3)), "two classes at least"),
        (np.full((2, 3), 0.9), "sum of 1"),
        (np.array([[1.5], [-0.5]]), "below 0 or no number"),
        (np.array([[np.nan], [1.0]]), "below 0 or no number"),
    ],
    ids=["one-class", "sum", "negative", "nan"],
)
@pytest.mark.parametrize("score", POINTWISE)
def test_what_is_no_probability_is_refused(score, proba, told):
    with pytest.raises(GridError, match=told):
        score(proba)


def test_one_member_is_refused():
    with pytest.raises(GridError, match="give the probabilities of several"):
        mutual_information(probabilities()[None])
