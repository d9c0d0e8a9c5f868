"""Rivers, lakes, ponds and lined basins, with their banks."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["basin", "lake", "river"]

import math

import numpy as np

from workbench.geo.grid import Window

from .canvas import Canvas, Frame, clipped
from .layout import Ground
from .style import COLOURS, Code, Colour, Style, mixed
from .textures import METRE, Floats, Masks, blend, fractal, shaded, smooth_noise


def river(canvas: Canvas, ground: Ground, rng: np.random.Generator, style: Style) -> None:
    """Let a river wind through the whole scene."""
    height, width = canvas.shape
    angle = rng.uniform(0, math.pi)
    cos, sin = math.cos(angle), math.sin(angle)
    length = math.ceil(math.hypot(height, width)) + 2
    bends = smooth_noise(rng, (1, length), 70 * METRE)[0] * (14 * METRE)
    slope = np.gradient(bends)
    half = np.maximum(
        rng.uniform(3.0, 9.0) * METRE * (1 + 0.16 * smooth_noise(rng, (1, length), 25 * METRE)[0]), 4
    )
    middle = rng.uniform(0.3, 0.7) * height * cos - rng.uniform(0.3, 0.7) * width * sin
    start = min(0.0, cos) * width
    rows_at_once = 256
    for top in range(0, height, rows_at_once):
        window = Window(row=top, col=0, height=min(rows_at_once, height - top), width=width)
        rows = np.arange(window.row, window.row_stop, dtype=np.float32)[:, None]
        cols = np.arange(width, dtype=np.float32)[None, :]
        place = np.clip((cols * cos + rows * sin - start).astype(np.intp), 0, length - 1)
        offset = np.abs(rows * cos - cols * sin - middle - bends[place]) / np.sqrt(1 + slope[place] ** 2)
        if not (offset < half[place] + 6 * METRE).any():
            continue
        shore = half[place] - offset + 2.0 * ground.mottle[window.slices]
        _fill(canvas, ground, window, shore.astype(np.float32), style, COLOURS["river"], bank=3.0 * METRE)


def lake(
    canvas: Canvas,
    ground: Ground,
    rng: np.random.Generator,
    style: Style,
    *,
    row: float,
    col: float,
    radius: float,
) -> None:
    """Flood a ragged round of the given radius in pixels, with a beach or reeds around it."""
    window = clipped(
        row - 1.7 * radius, col - 1.7 * radius, row + 1.7 * radius, col + 1.7 * radius, canvas.shape
    )
    if window is None:
        return
    rows = (np.arange(window.row, window.row_stop) - row).astype(np.float32)[:, None]
    cols = (np.arange(window.col, window.col_stop) - col).astype(np.float32)[None, :]
    stretch = rng.uniform(0.75, 1.3)
    distance = np.sqrt((rows * stretch) ** 2 + (cols * (1 / stretch)) ** 2)
    ragged = fractal(rng, window.shape, max(radius / 1.6, 12), octaves=4, gain=0.42)
    shore = radius - distance + 0.13 * radius * ragged
    deep = mixed(COLOURS["lake"], COLOURS["river"], rng.uniform(0, 1))
    _fill(canvas, ground, window, shore, style, deep, bank=min(0.12 * radius, 7 * METRE))


def basin(canvas: Canvas, ground: Ground, rng: np.random.Generator, frame: Frame) -> None:
    """Dig a lined reservoir inside its gravel embankment."""
    bank = rng.uniform(3.5, 6.0) * METRE
    window = frame.window(canvas.shape, margin=bank + 2)
    if window is None:
        return
    along, across = frame.local(window)
    corner = 0.25 * frame.width
    beyond_length = np.maximum(np.abs(along) - frame.length / 2 + corner, 0)
    beyond_width = np.maximum(np.abs(across) - frame.width / 2 + corner, 0)
    outside = np.sqrt(beyond_length**2 + beyond_width**2) - corner
    tone = 0.07 * ground.speckle[window.slices] + 0.06 * ground.mottle[window.slices]
    slope = np.clip(1 - np.abs(outside - 0.45 * bank) * (1 / bank), 0, 1)
    canvas.paint(
        window,
        outside < bank + 3 * ground.mottle[window.slices],
        code=Code.PERVIOUS,
        colour=shaded(COLOURS["gravel"], tone),
        height=1.6 * slope,
    )
    shallow = np.clip(1 + outside * (1 / (4 * METRE)), 0, 1)
    colour = blend(
        COLOURS["basin"], (190, 226, 216, 60), 0.7 * shallow * (1 + 0.3 * ground.mottle[window.slices])
    )
    canvas.paint(window, outside < 0, code=Code.WATER, colour=colour, height=0.0)
    canvas.decorate(window, np.abs(outside) < 0.9, colour=(60, 70, 66, 40))


def _fill(
    canvas: Canvas, ground: Ground, window: Window, shore: Floats, style: Style, deep: Colour, *, bank: float
) -> None:
    """Fill water where ``shore`` (pixels from the shoreline, positive in the water) is positive."""
    mottle, speckle = ground.mottle[window.slices], ground.speckle[window.slices]
    beach = (shore > -bank * (1 + 0.5 * mottle)) & (shore <= 0)
    sandy = shaded(mixed(COLOURS["sand"], style.soil, 0.3), 0.05 * speckle + 0.04 * mottle)
    reeds = shaded(COLOURS["reed"], 0.1 * speckle + 0.08 * mottle)
    wooded = ground.patch[window.slices] > -0.1
    _bank(canvas, window, beach & ~wooded, Code.BARE_SOIL, sandy, 0.0)
    _bank(canvas, window, beach & wooded, Code.HERBACEOUS, reeds, np.maximum(0.8 + 0.4 * speckle, 0))
    shallow = 1 - np.clip(shore * (1 / (5 * METRE)), 0, 1) + 0.15 * mottle
    ripples = 0.012 * speckle + 0.03 * ground.patch[window.slices]
    colour = shaded(blend(deep, COLOURS["shallow"], 0.75 * shallow), ripples)
    canvas.paint(window, shore > 0, code=Code.WATER, colour=colour, height=0.0)


def _bank(
    canvas: Canvas, window: Window, where: Masks, code: int, colour: Floats, height: Floats | float
) -> None:
    if where.any():
        canvas.paint(window, where, code=code, colour=colour, height=height)
