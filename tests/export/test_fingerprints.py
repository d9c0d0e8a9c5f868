"""Fingerprints: the hash of the paper, and what it is for: one picture after what happens to pictures."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter

from workbench.export.fingerprints import correlation, fingerprint, luminance
from workbench.export.rules import DEFAULTS
from workbench.geo.raster import read_bands

Picture = NDArray[np.uint8]
PATCHES = Path(__file__).resolve().parents[3] / "shared" / "data" / "flair"
real = pytest.mark.skipif(not PATCHES.is_dir(), reason=f"no real patches in {PATCHES}")


def grey(values: NDArray[np.floating]) -> Picture:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def ground(seed: int, side: int = 560) -> Picture:
    """Return something with structure at every size, as ground has."""
    rng = np.random.default_rng(seed)
    layers = [gaussian_filter(rng.normal(size=(side, side)), width) * width for width in (1, 3, 10, 30, 80)]
    total = sum(layers)
    return grey(120 + 30 * (total - total.mean()) / total.std())


def middle(picture: Picture, row: int = 0, col: int = 0) -> Picture:
    """Return 512² pixels of a larger picture, shifted by some."""
    return picture[24 + row : 24 + row + 512, 24 + col : 24 + col + 512]


def encoded(picture: Picture, quality: int) -> Picture:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def noisy(picture: Picture) -> Picture:
    return grey(picture + np.random.default_rng(9).normal(0, 8, picture.shape))


CHANGES: dict[str, Callable[[Picture], Picture]] = {
    "brighter": lambda big: grey(middle(big) + 20.0),
    "less contrast": lambda big: grey((middle(big) - 128.0) * 0.7 + 128),
    "gamma": lambda big: grey(255 * (middle(big) / 255.0) ** 0.7),
    "encoded again": lambda big: encoded(middle(big), 30),
    "noise": lambda big: noisy(middle(big)),
    "shifted by a metre": lambda big: middle(big, 5, -3),
    "shifted, darker, encoded": lambda big: encoded(grey(middle(big, -4, 3) * 0.8), 50),
}


def bits(one: Picture, other: Picture) -> int:
    return (int(fingerprint(one).hash, 16) ^ int(fingerprint(other).hash, 16)).bit_count()


@pytest.mark.parametrize("change", CHANGES)
def test_what_happens_to_a_picture_leaves_it_a_near_duplicate_of_itself(change: str) -> None:
    for seed in range(3):
        big = ground(seed)
        one, other = middle(big), CHANGES[change](big)
        assert bits(one, other) <= DEFAULTS.duplicate_bits, seed
        assert correlation(one, other) > DEFAULTS.duplicate_correlation + 0.03, seed


def test_other_pictures_are_no_near_duplicates() -> None:
    pictures = [middle(ground(seed)) for seed in range(12)]
    pairs = [(one, other) for one in pictures for other in pictures if one is not other]
    assert min(bits(one, other) for one, other in pairs) > DEFAULTS.duplicate_bits
    assert max(correlation(*pair) for pair in pairs[:40]) < DEFAULTS.duplicate_correlation - 0.1


@real
def test_real_patches_are_near_duplicates_of_themselves_and_of_no_other() -> None:
    images = [read_bands(path) for path in sorted(PATCHES.glob("*/*/img/*.tif"))]
    pictures = [luminance(image, ["R", "G", "B", "NIR", "E"]) for image in images]
    assert len(pictures) == 3
    for one in pictures:
        framed = np.pad(one, 24, mode="reflect")
        for name, change in CHANGES.items():
            assert bits(one, change(framed)) <= DEFAULTS.duplicate_bits, name
            assert correlation(one, change(framed)) > DEFAULTS.duplicate_correlation, name
        assert fingerprint(one).contrast > DEFAULTS.least_contrast
        assert all(bits(one, other) > 16 for other in pictures if other is not one)


@real
def test_water_on_a_real_patch_has_less_contrast_than_any_duplicate() -> None:
    image = read_bands(PATCHES / "D051_2019/Z15_UN/img/IMG_034217.tif")
    mask = read_bands(PATCHES / "D051_2019/Z15_UN/msk/MSK_034217.tif")[0]
    picture = luminance(image, ["R", "G", "B", "NIR", "E"])
    windows = [
        np.s_[row : row + 128, col : col + 128] for row in range(0, 385, 64) for col in range(0, 385, 64)
    ]
    water = [fingerprint(picture[at]).contrast for at in windows if (mask[at] == 5).all()]
    assert len(water) > 20
    assert max(water) < DEFAULTS.least_contrast


def test_the_hash_is_that_of_the_paper() -> None:
    """The same by a library's transform of floats; where a frequency is at the median, nobody can say."""
    for seed in range(6):
        picture = middle(ground(seed))
        means = picture.reshape(32, 16, 32, 16).mean(axis=(1, 3))
        waves = dctn(means)[1:9, 1:9].ravel()
        clear = np.abs(waves - np.median(waves)) > 1.0
        found = np.unpackbits(np.frombuffer(bytes.fromhex(fingerprint(picture).hash), np.uint8))
        assert clear.sum() > 55
        np.testing.assert_array_equal(found[clear], (waves > np.median(waves))[clear])


@given(st.integers(16, 70), st.integers(16, 70), st.integers(0, 1 << 30))
def test_contrast_is_the_standard_deviation_and_brightness_changes_no_bit(
    height: int, width: int, seed: int
) -> None:
    picture = np.random.default_rng(seed).integers(0, 200, (height, width), dtype=np.uint8)
    found = fingerprint(picture)
    assert found.contrast == pytest.approx(picture.std(), abs=5.1e-4)
    brighter = fingerprint(picture + np.uint8(55))
    assert brighter == found
    assert correlation(picture, picture) == pytest.approx(1.0)


def test_a_flat_picture_has_no_hash_no_contrast_and_is_like_no_other() -> None:
    flat = np.full((512, 512), 90, np.uint8)
    assert (fingerprint(flat).hash, fingerprint(flat).contrast) == ("0" * 16, 0.0)
    assert correlation(flat, flat) == 0.0
    assert correlation(flat, middle(ground(1))) == 0.0


def test_luminance_is_of_what_is_light() -> None:
    image = np.random.default_rng(3).integers(0, 256, (5, 8, 8), dtype=np.uint8)
    red, green, blue, infrared, _ = image.astype(float)
    found = luminance(image, ["R", "G", "B", "NIR", "E"])
    assert np.abs(found - (0.299 * red + 0.587 * green + 0.114 * blue)).max() < 1.0
    np.testing.assert_array_equal(luminance(image[[1, 3, 2, 0]], ["G", "NIR", "B", "R"]), found)
    np.testing.assert_array_equal(luminance(image[3:], ["NIR", "E"]), infrared)
    np.testing.assert_array_equal(luminance(image[4:], ["E"]), image[4])
