"""How steep an image is: Sobel's and Deriche's gradients, what smooths them, and walls of nodata."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from segmentation_oracles import scene, slope_of

from workbench.segmentation.relief import blurred, deriche, halved, reach_of


def whole(image):
    return np.ones(image.shape[1:], np.bool_)


def test_sobel_is_the_largest_modulus_of_the_bands():
    image = scene(1)
    weights = np.array([1.0, 4.0, 0.25])
    found = slope_of(image, whole(image), weights=weights)
    moduli = [
        np.sqrt(w) * np.hypot(ndimage.sobel(band, 0), ndimage.sobel(band, 1))
        for w, band in zip(weights, image.astype(np.float64), strict=True)
    ]
    inner = (slice(1, -1), slice(1, -1))
    assert np.allclose(found[inner], np.max(moduli, axis=0)[inner], rtol=1e-5)


def test_sobel_takes_a_neighbour_of_nodata_for_equal():
    image = scene(2, side=20)
    valid = whole(image)
    valid[6:9, 4:15] = False
    found = slope_of(image, valid)
    filled = image.astype(np.float64)
    for row, col in ((5, 8), (9, 8)):  # above and below the hole
        near = filled[:, row - 1 : row + 2, col - 1 : col + 2].copy()
        near[:, ~valid[row - 1 : row + 2, col - 1 : col + 2]] = np.nan
        near = np.where(np.isnan(near), image[:, row, col][:, None, None], near)
        moduli = [np.hypot(ndimage.sobel(b, 0)[1, 1], ndimage.sobel(b, 1)[1, 1]) for b in near]
        assert found[row, col] == pytest.approx(max(moduli), rel=1e-5)
    assert not found[~valid].any()


def test_blur_is_a_normalised_gaussian():
    slope = slope_of(scene(7, bands=1), np.ones((48, 48), np.bool_))
    weights = np.exp(-0.5 * np.arange(-2, 3) ** 2)
    valid = np.ones(slope.shape, np.bool_)
    valid[20:24, 30:] = False
    blur, share = np.where(valid, slope, 0).astype(np.float64), valid.astype(np.float64)
    for axis in (0, 1):
        blur = ndimage.convolve1d(blur, weights, axis=axis, mode="constant")
        share = ndimage.convolve1d(share, weights, axis=axis, mode="constant")
    found = blurred(np.where(valid, slope, 0).astype(np.float32), valid, 1.0)
    assert np.allclose(found[valid], (blur / share)[valid], rtol=1e-5)
    assert not found[~valid].any()


@pytest.mark.parametrize("shape", [(1, 1), (5, 8), (6, 7)], ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_a_cell_is_the_mean_of_its_known_pixels(shape, dtype):
    rng = np.random.default_rng(3)
    image = rng.integers(0, 250, (2, *shape)).astype(dtype)
    valid = rng.random(shape) < 0.6
    cells, known = halved(image, valid)
    for row in range(-(-shape[0] // 2)):
        for col in range(-(-shape[1] // 2)):
            part = np.s_[2 * row : 2 * row + 2, 2 * col : 2 * col + 2]
            assert known[row, col] == valid[part].any()
            expected = image[:, *part][:, valid[part]].mean(axis=1) if known[row, col] else 0.0
            assert cells[:, row, col] == pytest.approx(expected, rel=1e-5)


def derivative_of(plane, alpha, axis):
    """Filter with x · exp(−α|x|) along an axis and (1 + α|x|) · exp(−α|x|) along the other."""
    x = np.arange(-reach_of(alpha), reach_of(alpha) + 1)
    fall = np.exp(-alpha * np.abs(x))
    along, across = x * fall, (1.0 + alpha * np.abs(x)) * fall
    once = ndimage.correlate1d(plane, along / (x * along).sum(), axis=axis, mode="nearest")
    return ndimage.correlate1d(once, across / across.sum(), axis=1 - axis, mode="nearest")


@pytest.mark.parametrize("alpha", [0.7, 1.0, 2.0])
def test_deriche_is_the_largest_squared_modulus_of_the_bands(alpha):
    image = scene(5, side=40).astype(np.float32)
    weights = np.array([1.0, 0.0, 2.0], np.float32)
    found = deriche(image, whole(image), alpha, weights)
    moduli = [
        w * (derivative_of(band, alpha, 0) ** 2 + derivative_of(band, alpha, 1) ** 2)
        for w, band in zip(weights, image.astype(np.float64), strict=True)
    ]
    assert np.allclose(found, np.max(moduli, axis=0), rtol=1e-3, atol=1e-3)


def test_a_ramp_has_a_gradient_of_its_slope():
    image = np.tile(3.0 * np.arange(60, dtype=np.float32), (1, 60, 1))
    found = deriche(image, whole(image), 1.0, np.ones(1, np.float32))
    assert found[30, 30] == pytest.approx(9.0, rel=1e-5)


def test_what_lies_in_nodata_does_not_matter_to_deriche():
    image = scene(6, side=40).astype(np.float32)
    valid = whole(image)
    valid[10:14, 5:25], valid[:3], valid[:, 36:] = False, False, False
    weights = np.ones(3, np.float32)
    first = deriche(image, valid, 1.0, weights)
    image[:, ~valid] = 1e6
    assert np.array_equal(deriche(image, valid, 1.0, weights)[valid], first[valid])
    flat = np.where(valid, 50.0, 0.0).astype(np.float32)[None]
    assert not deriche(flat, valid, 1.0, weights[:1])[valid].any(), "its border is no edge"
