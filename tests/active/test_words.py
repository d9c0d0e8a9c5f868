"""Visual words: alike is the same word, whatever the units, and the same looks always have the same words."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.active.words import MOST_WORDS, visual_words


def looks(seed: int, count: int = 300) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(0, 1, (count, 4)) + 6 * rng.integers(0, 3, (count, 1))


@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_the_same_looks_always_have_the_same_words(seed: int):
    assert np.array_equal(visual_words(looks(seed)), visual_words(looks(seed)))


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), scale=st.integers(-3, 3), shift=st.integers(-64, 64))
def test_units_do_not_matter(seed: int, scale: int, shift: int):
    found = looks(seed)
    found = (
        np.round(found * 64) / 64
    )  # so that scaling and shifting are exact, but for the last bits of a mean
    other = visual_words(found * 2.0**scale + shift)
    assert np.mean(other == visual_words(found)) > 0.99


@settings(max_examples=40)
@given(count=st.integers(1, 200), kinds=st.integers(1, 100))
def test_there_are_no_more_words_than_looks(count: int, kinds: int):
    rng = np.random.default_rng(count)
    found = rng.normal(0, 1, (kinds, 3))[rng.integers(kinds, size=count)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        words = visual_words(found)
    assert words.min() >= 0
    assert len(set(words.tolist())) <= min(MOST_WORDS, len(np.unique(found, axis=0)))
    if kinds <= 8:
        for look in np.unique(found, axis=0):
            assert len(set(words[(found == look).all(axis=1)].tolist())) == 1


def test_groups_far_apart_share_no_word():
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(5), 400)
    found = rng.normal(0, 0.1, (2000, 2)) + 50 * np.column_stack([group % 3, group // 3])
    words = visual_words(found)
    for one in range(5):
        assert not set(words[group == one]) & set(words[group != one])
