"""Pyramids of bands: against block means, with odd sides and gaps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.geo import pyramids
from workbench.geo.pyramids import Level, level_count, mean_levels


def halved(level: Level) -> tuple[np.ndarray, np.ndarray]:
    """Means by the definition, pixel by pixel."""
    bands, height, width = level.pixels.shape
    valid = np.ones((height, width), bool) if level.valid is None else level.valid
    means = np.zeros((bands, (height + 1) // 2, (width + 1) // 2))
    known = np.zeros(means.shape[1:], bool)
    for row, col in itertools.product(*map(range, known.shape)):
        block = slice(2 * row, 2 * row + 2), slice(2 * col, 2 * col + 2)
        known[row, col] = valid[block].any()
        if known[row, col]:
            means[:, row, col] = level.pixels[:, *block][:, valid[block]].mean(axis=1)
    return means, known


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@settings(max_examples=40)
@given(
    height=st.integers(1, 21),
    width=st.integers(1, 21),
    gaps=st.sampled_from([0, 0.2, 0.9]),
    seed=st.integers(0, 99),
)
def test_each_level_is_the_mean_of_what_there_is(
    dtype: str, height: int, width: int, gaps: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (2, height, width)).astype(dtype)
    valid = rng.random((height, width)) >= gaps if gaps else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pyramids, "SMALLEST_LEVEL", 3)
        levels = mean_levels(pixels, valid)
        assert len(levels) == level_count((height, width))
    assert levels[0].pixels is pixels
    assert max(levels[-1].pixels.shape[1:]) <= 3 or len(levels) == 1
    for fine, coarse in itertools.pairwise(levels):
        means, known = halved(fine)
        assert coarse.pixels.dtype == dtype
        assert (known if coarse.valid is None else coarse.valid == known).all()
        off = 0.5 if dtype != "float32" else 1e-4
        assert np.abs(coarse.pixels - means)[:, known].max(initial=0) <= off
        assert not coarse.pixels[:, ~known].any()


def test_a_pyramid_ends_where_a_level_fits_a_small_window() -> None:
    for side in (1, 511, 512, 513, 1024, 1025, 4608, 10_240):
        levels = mean_levels(np.zeros((1, side, 3), np.uint8))
        assert len(levels) == level_count((side, 3))
        assert levels[-1].pixels.shape[1] <= 512
        assert len(levels) == 1 or levels[-2].pixels.shape[1] > 512
