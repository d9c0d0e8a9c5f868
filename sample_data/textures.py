"""Noise, domes and colour mixing: the stuff that surfaces are made of.

Every pixel of a scene must have the same bytes on every machine. So pixels see only exact arithmetic (sums,
products, roots), raw bits of the generator, and no transcendental function whose last digit depends on the
processor.
"""

from __future__ import annotations

__all__ = [
    "METRE",
    "PIXEL",
    "Floats",
    "Masks",
    "blend",
    "domes",
    "fractal",
    "hump",
    "normal",
    "shaded",
    "smooth_noise",
    "stream",
]

import itertools
import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Masks = NDArray[np.bool_]

PIXEL = 0.2
"""Side of a pixel in metres."""
METRE = 5.0
"""Pixels in a metre."""

# A sum of four random bytes has mean 510 and this standard deviation.
_BYTES_DEVIATION = math.sqrt(4 * (256**2 - 1) / 12)
# Mean square of a quadratic B-spline's weights over all phases, per axis (0.55): interpolation calms noise.
_SPLINE_GAIN = 1 / 0.55


def stream(seed: int, *keys: int) -> np.random.Generator:
    """Return the random generator of one part of a scene; other keys give independent streams."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=keys)))


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Floats:
    """Return noise of mean 0 and deviation 1, bell-shaped up to ±3.4.

    Each value is the sum of four bytes of the generator's raw words, the one stream that NumPy promises never
    to change.
    """
    count = math.prod(shape)
    words = rng.bit_generator.random_raw((count + 1) // 2)
    quarters = np.asarray(words, dtype="<u8").view("<u4")[:count]
    pairs = (quarters & 0x00FF00FF) + ((quarters >> 8) & 0x00FF00FF)
    sums = (pairs & 0xFFFF) + (pairs >> 16)
    values = (sums.astype(np.float32) - 510) * np.float32(1 / _BYTES_DEVIATION)
    return values.reshape(shape)


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], period: float) -> Floats:
    """Return noise of about unit deviation that varies over ``period`` pixels (quadratic B-spline)."""
    lattice = normal(rng, (int(shape[0] / period) + 4, int(shape[1] / period) + 4))
    lattice *= np.float32(_SPLINE_GAIN)
    start_row, start_col = rng.random(2)
    return _interpolate(_interpolate(lattice, shape[0], period, start_row, 0), shape[1], period, start_col, 1)


def fractal(
    rng: np.random.Generator, shape: tuple[int, int], period: float, *, octaves: int = 3, gain: float = 0.55
) -> Floats:
    """Return noise of about unit deviation summed over octaves, from ``period`` pixels down."""
    total = smooth_noise(rng, shape, period)
    power, amplitude = 1.0, 1.0
    for octave in range(1, octaves):
        amplitude *= gain
        power += amplitude**2
        total += np.float32(amplitude) * smooth_noise(rng, shape, max(period / 2**octave, 1.2))
    return total * np.float32(1 / math.sqrt(power))


def domes(
    rng: np.random.Generator,
    shape: tuple[int, int],
    spacing: int,
    *,
    profile: Literal["round", "cone"] = "round",
    alive: Masks | None = None,
    wobble: float = 0.0,
    radius: tuple[float, float] = (0.45, 0.8),
) -> tuple[Floats, Floats]:
    """Cover an area with one dome per cell of a jittered grid: crowns, bushes, tufts, clods.

    Parameters
    ----------
    rng
        Source of positions, radii and tones.
    shape
        Rows and columns of the area.
    spacing
        Side of a cell in pixels.
    profile
        Round like a broadleaf crown, or a cone like a conifer.
    alive
        Shape (row, col). A dome whose centre lies on a false pixel is left out.
    wobble
        Bends the outlines by about so many pixels.
    radius
        Smallest and largest radius in units of the spacing, at most 1.

    Returns
    -------
    height, tone
        Shape (row, col): 0 between domes, 1 on the tallest top; and one random value in −1 … 1 per dome.
    """
    cells = (-(-shape[0] // spacing) + 2, -(-shape[1] // spacing) + 2)
    centre_row, centre_col = _jittered(rng, cells, spacing)
    squeeze = (1 / (spacing * rng.uniform(*radius, cells)) ** 2).astype(np.float32)
    peak = rng.uniform(0.55, 1.0, cells).astype(np.float32)
    tones = rng.uniform(-1, 1, cells).astype(np.float32)
    if alive is not None:
        at_row = np.clip(centre_row.astype(np.intp), 0, shape[0] - 1)
        at_col = np.clip(centre_col.astype(np.intp), 0, shape[1] - 1)
        peak[~alive[at_row, at_col]] = 0
    bend_row = wobble * smooth_noise(rng, shape, spacing / 3 + 1.5) if wobble else None
    bend_col = wobble * smooth_noise(rng, shape, spacing / 3 + 1.5) if wobble else None

    height, tone = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    # Some rows of cells at a time: what is worked on stays in the processor's cache.
    cells_at_once = max(1, 96 // spacing)
    for first in range(0, cells[0] - 2, cells_at_once):
        count = min(cells_at_once, cells[0] - 2 - first)
        band = slice(first * spacing, min((first + count) * spacing, shape[0]))
        rows = np.arange(band.start, band.stop, dtype=np.float32)[:, None]
        cols = np.arange(shape[1], dtype=np.float32)[None, :]
        if bend_row is not None and bend_col is not None:
            rows, cols = rows + bend_row[band], cols + bend_col[band]
        # A dome reaches no farther than into the cells beside its own.
        for down, right in itertools.product(range(3), repeat=2):
            part = slice(first + down, first + down + count), slice(right, right + cells[1] - 2)
            lattices = (centre_row[part], centre_col[part], squeeze[part], peak[part], tones[part])
            _raise(height[band], tone[band], rows, cols, lattices, spacing, cone=profile == "cone")
    return (np.sqrt(height) if profile == "round" else height), tone


def hump(position: Floats) -> Floats:
    """Return a wave of period 1 between −1 and 1: a sine's shape from two parabolas, in exact arithmetic."""
    phase = position - np.floor(position)
    half = 2 * phase - 1
    wave: Floats = half * (1 - np.abs(half)) * 4
    return wave


def blend(one: tuple[float, ...], other: tuple[float, ...], share: Floats) -> Floats:
    """Mix two colours: (row, col) shares of the other give (band, row, col); shares are clipped to 0 … 1."""
    share = np.clip(share, 0, 1)
    return np.stack([np.float32(a) + np.float32(b - a) * share for a, b in zip(one, other, strict=True)])


def shaded(colour: tuple[float, ...] | Floats, tone: Floats) -> Floats:
    """Multiply a colour by 1 + tone: (band,) or (band, row, col) by (row, col) gives (band, row, col)."""
    bands = np.asarray(colour, dtype=np.float32)
    return (bands if bands.ndim == 3 else bands[:, None, None]) * (1 + tone)


def _jittered(rng: np.random.Generator, cells: tuple[int, int], spacing: int) -> tuple[Floats, Floats]:
    """Return a random (row, col) in each cell of a grid that starts one cell outside the area."""
    rows = np.arange(-1, cells[0] - 1)[:, None] + rng.random(cells)
    cols = np.arange(-1, cells[1] - 1)[None, :] + rng.random(cells)
    return (rows * spacing).astype(np.float32), (cols * spacing).astype(np.float32)


def _raise(
    height: Floats,
    tone: Floats,
    rows: Floats,
    cols: Floats,
    lattices: tuple[Floats, ...],
    spacing: int,
    *,
    cone: bool,
) -> None:
    """Raise a height, in place, to the one dome per cell whose lattices are given."""
    centre_row, centre_col, squeeze, peak, hue = (_spread(cells, height.shape, spacing) for cells in lattices)
    distance = rows - centre_row
    distance *= distance
    aside = cols - centre_col
    aside *= aside
    distance += aside
    distance *= squeeze
    if cone:
        np.sqrt(distance, out=distance)
    rise = 1 - distance
    rise *= peak
    higher = rise > height
    np.copyto(height, rise, where=higher)
    np.copyto(tone, hue, where=higher)


def _spread(cells: Floats, shape: tuple[int, ...], spacing: int) -> Floats:
    """Give every pixel the value of its cell."""
    return cells.repeat(spacing, 1)[:, : shape[1]].repeat(spacing, 0)[: shape[0]]


def _interpolate(lattice: Floats, size: int, period: float, start: float, axis: int) -> Floats:
    position = (np.arange(size) + 0.5) / period + start
    cell = position.astype(np.intp)
    phase = (position - cell).astype(np.float32)
    if axis == 0:
        phase = phase[:, None]
    weights = (0.5 * (1 - phase) ** 2, 0.5 + phase * (1 - phase), 0.5 * phase**2)
    total: Floats = np.take(lattice, cell, axis=axis)
    total *= weights[0]
    for step in (1, 2):
        more = np.take(lattice, cell + step, axis=axis)
        more *= weights[step]
        total += more
    return total
