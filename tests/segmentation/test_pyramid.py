"""The pyramid of an image of lines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from workbench.segmentation import pyramid
from workbench.segmentation.pyramid import level_shapes, max_pooled

small_images = arrays(np.uint8, st.tuples(st.integers(1, 40), st.integers(1, 40)))


@settings(max_examples=40)
@given(image=small_images)
def test_a_pyramid_keeps_every_line(image: np.ndarray) -> None:
    levels = small_pyramid(image)
    assert (levels[0] == image).all()
    for number, level in enumerate(levels):
        rows, cols = np.arange(image.shape[0]) >> number, np.arange(image.shape[1]) >> number
        assert (level[np.ix_(rows, cols)] >= image).all()
        assert level.max() == image.max()


def small_pyramid(image: np.ndarray) -> list[np.ndarray]:
    """Build a pyramid down to 4 pixels, so that small images have several levels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramid, "SMALLEST_LEVEL", 4)
        levels = max_pooled(image)
        assert [level.shape for level in levels] == level_shapes(image.shape)
        return levels


def test_a_long_thin_diagonal_stays_one_line_in_every_level() -> None:
    from scipy import ndimage

    image = np.zeros((4100, 4100), dtype=np.uint8)
    steps = np.arange(4100)
    image[steps, (steps * 0.37).astype(int)] = 200
    for level in max_pooled(image):
        assert ndimage.label(level, structure=np.ones((3, 3)))[1] == 1
