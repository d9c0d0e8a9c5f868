"""From a painted canvas to what the aircraft's camera and the image matcher deliver."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["elevation_band", "expose", "light"]

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .canvas import Canvas
from .style import Code, Style
from .textures import METRE, PIXEL, Floats, fractal, normal, smooth_noise, stream

_AMBIENT = (0.26, 0.30, 0.37, 0.24)
"""Share of R, G, B and NIR light that comes from the sky: what is left in a shadow."""
_CLEAR_AIR = (34.0, 40.0, 45.0, 8.0)
"""Grey level of the air in the colours of ``COLOURS``."""
_GRAIN = {
    Code.CONIFEROUS: 0.19,
    Code.DECIDUOUS: 0.19,
    Code.MIXED: 0.19,
    Code.BRUSHWOOD: 0.17,
    Code.VINEYARD: 0.17,
    Code.CLEAR_CUT: 0.15,
    Code.AGRICULTURAL: 0.1,
    Code.HERBACEOUS: 0.1,
    Code.PLOWED: 0.09,
    Code.BARE_SOIL: 0.06,
    Code.PERVIOUS: 0.06,
    Code.BUILDING: 0.03,
    Code.IMPERVIOUS: 0.02,
}
"""Relative deviation of what is smaller than a pixel - leaves, stalks, stones -, before the blur."""
_LEAVES = {
    Code.CONIFEROUS: 0.5,
    Code.DECIDUOUS: 0.5,
    Code.MIXED: 0.5,
    Code.BRUSHWOOD: 0.42,
    Code.VINEYARD: 0.5,
    Code.AGRICULTURAL: 0.55,
    Code.HERBACEOUS: 0.6,
    Code.CLEAR_CUT: 0.5,
}
"""How much of a slope's light and shade shows where leaves scatter and let through; 1 elsewhere."""
_BLUR = (0.7, 0.7, 0.7, 1.15)
"""Standard deviation of the point spread in pixels; the near infrared sensor is the softer one."""


def light(height: Floats, classes: NDArray[np.uint8], style: Style) -> Floats:
    """Return direct sunlight on each pixel, 1 on flat open ground and 0 in full shadow.

    Parameters
    ----------
    height
        Shape (row, col), metres above the ground.
    classes
        Shape (row, col), FLAIR codes: plants are softer than walls.
    style
        Gives the sun's direction.
    """
    rise_row, rise_col = np.gradient(height, PIXEL)
    step = math.sqrt(1 + style.sun_slope**2)
    facing = rise_row
    facing *= -1 / step
    rise_col *= -style.sun_slope / step
    # Towards the sun the ground falls away: a surface that rises towards it is turned from it.
    steep = 1 + facing * facing
    steep += rise_col * rise_col
    facing += rise_col
    facing *= 1 / style.sun_height
    facing += 1
    facing /= np.sqrt(steep)
    np.clip(facing, 0.0, 1.5, out=facing)
    hard = _by_class(classes, _LEAVES, 1.0)
    facing -= 1
    facing *= hard
    facing += 1
    hard *= 0.5
    hard += 0.5
    lit: Floats = facing * (1 - hard * _shadow(height, style))
    return lit


def expose(canvas: Canvas, style: Style, *, seed: int) -> NDArray[np.uint8]:
    """Take the picture: sun, shadow, drift of the light, blur, noise, rounding; (band, row, col) uint8."""
    shape = canvas.shape
    sun = light(canvas.height, canvas.classes, style)
    sky = _openness(canvas.height)
    drift = 0.035 * smooth_noise(stream(seed, 1), shape, 160 * METRE) + 1
    grain = normal(stream(seed, 11), shape)
    grain *= _by_class(canvas.classes, _GRAIN, 0.0)
    grain += 1
    drift *= grain
    leaves = 1 - _by_class(canvas.classes, _LEAVES, 1.0)
    image = np.empty((4, *shape), np.uint8)
    for band in range(4):
        ambient = _AMBIENT[band] + (0.5 * leaves if band == 3 else 0)
        radiance = sun * (1 - ambient)
        radiance += ambient * sky
        radiance *= np.maximum(canvas.colour[band] - _CLEAR_AIR[band], 3)
        radiance *= drift * style.gain[band]
        radiance += style.haze[band]
        blurred = ndimage.gaussian_filter(radiance, _BLUR[band], truncate=3.5)
        grain = normal(stream(seed, 2, band), shape)
        # Photon noise: its variance grows with the light.
        grain *= np.sqrt(style.noise**2 + 0.008 * blurred)
        blurred += grain
        blurred += 0.5
        np.clip(blurred, 0, 255, out=blurred)
        image[band] = blurred
    return image


def elevation_band(canvas: Canvas, *, seed: int) -> NDArray[np.uint8]:
    """Return height above ground × 5 as an image matcher sees it: soft edges, bumps, nonsense over water."""
    shape = canvas.shape
    rng = stream(seed, 3)
    seen = ndimage.gaussian_filter(canvas.height, 2.2, truncate=3)
    seen += 0.16 * fractal(rng, shape, 6 * METRE, octaves=3)
    water = canvas.classes == Code.WATER
    if water.any():
        inner = ndimage.uniform_filter(water.astype(np.float32), round(7 * METRE))
        inner = np.clip(2 * inner - 1, 0, 1)
        lost = np.maximum(fractal(rng, shape, 14 * METRE, octaves=4) + 0.35, 0)
        seen += inner * lost * lost * lost * 5.5
    seen *= METRE
    np.clip(seen, 0, 255, out=seen)
    return seen.astype(np.uint8)


def _by_class(classes: NDArray[np.uint8], values: Mapping[Code, float], otherwise: float) -> Floats:
    """Return a value per pixel from a value per class."""
    table = np.full(256, otherwise, np.float32)
    for code, value in values.items():
        table[code] = value
    return table[classes]


def _shadow(height: Floats, style: Style) -> Floats:
    """Return how much of each pixel is shadowed, by marching all rays at once in doubling steps."""
    fall = style.sun_height * PIXEL * math.sqrt(1 + style.sun_slope**2)
    tallest = float(height.max(initial=0))
    steps = max(1, math.ceil(tallest / fall))
    ceiling = np.full(height.shape, -1e3, np.float32)
    _lower_from(height, ceiling, 1, style.sun_slope, fall)
    reach = 1
    while reach < min(steps, height.shape[0]):
        _lower_from(ceiling.copy(), ceiling, reach, style.sun_slope, fall * reach)
        reach *= 2
    ceiling -= height
    ceiling *= 1 / 0.35
    return np.clip(ceiling, 0, 1, out=ceiling)


def _lower_from(source: Floats, target: Floats, reach: int, slope: float, fall: float) -> None:
    """Raise the target to the source seen ``reach`` rows towards the sun, less the ray's fall."""
    down, right = reach, round(reach * slope)
    rows, cols = source.shape
    if down >= rows or abs(right) >= cols:
        return
    here = target[: rows - down, max(0, -right) : cols - max(0, right)]
    there = source[down:, max(0, right) : cols - max(0, -right)]
    np.maximum(here, there - np.float32(fall), out=here)


def _openness(height: Floats) -> Floats:
    """Return how much sky a pixel sees, about: less in gaps and at the foot of walls, more on tops."""
    around = ndimage.uniform_filter(height, 9)
    around -= height
    around *= -0.09
    around += 1
    return np.clip(around, 0.45, 1.15, out=around)
