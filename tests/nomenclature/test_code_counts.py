"""Pixels of each code are counted as numpy counts them."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.nomenclature.code_counts import code_counts


@pytest.mark.parametrize("shape", [(0,), (1,), (3,), (4,), (7, 9), (2, 3, 5), (512, 512)])
@pytest.mark.parametrize("most", [1, 20, 256])
def test_counts_are_those_of_numpy(shape: tuple[int, ...], most: int) -> None:
    codes = np.random.default_rng(most).integers(0, most, shape).astype(np.uint8)
    np.testing.assert_array_equal(code_counts(codes), np.bincount(codes.ravel(), minlength=256))


def test_parts_of_an_image_are_counted_where_they_lie() -> None:
    codes = np.random.default_rng(1).integers(0, 20, (40, 60)).astype(np.uint8)
    for part in (codes[3:17, 5:50], codes[::2, ::-1], codes.T):
        np.testing.assert_array_equal(code_counts(part), np.bincount(part.ravel(), minlength=256))
