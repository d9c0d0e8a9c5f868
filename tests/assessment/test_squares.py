from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.assessment import squares
from workbench.assessment.squares import square_means, wide_parts


def slow_wide_parts(codes: NDArray[np.uint8], width: int) -> NDArray[np.bool_]:
    """The definition: every square that meets the raster, and holds one code besides what is outside."""
    reach = width - 1
    padded = np.pad(codes, reach)
    wide = np.zeros(padded.shape, np.bool_)
    for row in range(padded.shape[0] - reach):
        for col in range(padded.shape[1] - reach):
            part = slice(row, row + width), slice(col, col + width)
            if len(set(padded[part][padded[part] > 0].tolist())) <= 1:
                wide[part] = True
    return wide[reach : reach + codes.shape[0], reach : reach + codes.shape[1]]


@settings(max_examples=60)
@given(
    seed=st.integers(0, 9999),
    shape=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    width=st.integers(1, 8),
    classes=st.integers(1, 4),
    grain=st.integers(1, 5),
)
def test_wide_parts_are_the_union_of_the_squares_of_one_code(
    seed: int, shape: tuple[int, int], width: int, classes: int, grain: int
) -> None:
    coarse = np.random.default_rng(seed).choice([0, 1, 7, 255][:classes], (20, 20)).astype(np.uint8)
    codes = np.kron(coarse, np.ones((grain, grain), np.uint8))[: shape[0], : shape[1]]
    assert np.array_equal(wide_parts(codes, width), slow_wide_parts(codes, width))


def test_a_raster_is_worked_on_in_bands_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = np.kron(np.random.default_rng(3).integers(0, 3, (9, 6)), np.ones((4, 4))).astype(np.uint8)
    whole = wide_parts(codes, 6)
    monkeypatch.setattr(squares, "_BAND", 5)
    assert np.array_equal(wide_parts(codes, 6), whole)


def test_a_mean_takes_the_square_around_a_pixel() -> None:
    values = np.random.default_rng(1).integers(0, 256, (9, 11)).astype(np.uint8)
    means = square_means(values, 5)
    assert means[4, 6] == pytest.approx(values[2:7, 4:9].mean())
    assert means[0, 0] == pytest.approx(np.pad(values, 2, mode="edge")[:5, :5].mean())
    assert (square_means(np.full((3, 3), 255, np.uint8), 15) == 255).all()
