from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_plugin.outlines import DARK, LIGHT, outlined, patterns_of
from workbench.nomenclature import load_nomenclature

labels = arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 3))
NONE = np.zeros(256, np.uint8)


def slow(found: np.ndarray, *, cased: bool) -> np.ndarray:
    """Return the two outermost pixels of each label, along rows and columns, by their definition."""
    height, width = found.shape
    painted = np.zeros_like(found)
    for y, x in np.argwhere(found):
        near = [
            step
            for step in (1, 2)
            for row, col in ((y - step, x), (y + step, x), (y, x - step), (y, x + step))
            if 0 <= row < height and 0 <= col < width and found[row, col] != found[y, x]
        ]
        if near:
            painted[y, x] = found[y, x] if not cased else (LIGHT if min(near) == 1 else DARK)
    return painted


@settings(max_examples=60)
@given(found=labels, cased=st.booleans())
def test_outlines_are_the_two_outermost_pixels_of_each_label(found: np.ndarray, cased: bool) -> None:
    assert (outlined(found, NONE, 0, 0, cased) == slow(found, cased=cased)).all()


def test_patterns_go_on_from_box_to_box() -> None:
    whole = np.full((40, 60), 3, np.uint8)
    for pattern in range(1, 7):
        patterns = np.full(256, pattern, np.uint8)
        painted = outlined(whole, patterns, 0, 0, True)
        assert 0 < np.count_nonzero(painted == DARK) < painted.size / 2
        part = outlined(whole[7:30, 11:50], patterns, 7, 11, True)
        assert (part == painted[7:30, 11:50]).all()


def test_classes_of_one_group_share_a_pattern_and_groups_differ() -> None:
    flair = load_nomenclature("flair-19")
    patterns = patterns_of(flair)
    of = {entry.key: int(patterns[entry.code]) for entry in flair.classes}
    assert of["building"] == of["greenhouse"] != of["water"]
    assert of["water"] == of["swimming_pool"]
    assert of["coniferous"] == of["deciduous"] != of["brushwood"]
    assert of["other"] == patterns[0] == 0
    assert (
        len({of[key] for key in ("building", "bare_soil", "water", "coniferous", "brushwood", "plowed_land")})
        == 6
    )
