"""Small pictures: what is left of the pixels, and that others read the bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from workbench.geo.thumbnails import jpeg, picked, png, shrunk, touched


@pytest.mark.parametrize(
    ("shape", "side", "small"),
    [
        ((512, 512), 160, (128, 128)),
        ((100, 33), 160, (100, 33)),
        ((300, 500), 160, (75, 125)),
        ((7, 3), 3, (2, 1)),
    ],
)
def test_no_side_is_longer_than_asked_for(shape: tuple[int, int], side: int, small: tuple[int, int]) -> None:
    pixels = np.zeros((3, *shape), np.uint8)
    assert shrunk(pixels, side).shape == (3, *small)
    assert picked(pixels[0], side).shape == touched(pixels[0] > 0, side).shape == small


def test_pictures_are_means_numbers_are_picked_and_a_single_pixel_is_seen() -> None:
    values = np.arange(16, dtype=np.uint8).reshape(4, 4)
    assert shrunk(values[np.newaxis], 2).tolist() == [[[3, 5], [11, 13]]]  # halves go up
    assert picked(values, 2).tolist() == [[5, 7], [13, 15]]
    assert touched(values == 2, 2).tolist() == [[False, True], [False, False]]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_png_has_the_pixels_and_a_jpeg_nearly(tmp_path: Path) -> None:
    pixels = np.zeros((3, 40, 64), np.uint8)
    pixels[0, :20], pixels[2, 20:] = 200, 90
    for name, content, off in (("a.png", png(pixels), 0), ("a.jpg", jpeg(pixels), 40)):
        (tmp_path / name).write_bytes(content)
        with rasterio.open(tmp_path / name) as source:
            assert np.abs(source.read().astype(int) - pixels).max() <= off
    assert png(pixels) == png(pixels.copy())
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.jpg", "a.png"]
