"""Fields, meadows, vineyards and bare land: everything flat that fills a cell."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["CROPS", "Crop", "bare", "crop", "meadow", "plowed", "snowfields", "vineyard"]

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .canvas import Canvas
from .layout import Ground
from .pieces import Piece
from .style import COLOURS, Code, Style, mixed
from .textures import METRE, Floats, Masks, blend, fractal, hump, normal, shaded, smooth_noise


def meadow(
    canvas: Canvas,
    piece: Piece,
    rng: np.random.Generator,
    style: Style,
    *,
    lawn: bool = False,
    mown: bool = True,
) -> int:
    """Paint grass: mottled, tufted, here and there mown in swaths."""
    lush = COLOURS["lawn" if lawn else "lush grass"]
    wet = fractal(rng, piece.shape, rng.uniform(6, 14) * METRE, octaves=4)
    dryness = style.dryness * rng.uniform(0.4, 1.2)
    colour = blend(lush, COLOURS["dry grass"], dryness + (0.09 if lawn else 0.17) * wet)
    tone = (0.03 if lawn else 0.045) * piece.mottle + (0.03 if lawn else 0.055) * piece.speckle
    if mown and not lawn and rng.random() < 0.35:
        swath = hump(piece.across * (1 / (rng.uniform(2.2, 4.5) * METRE)))
        tone += rng.uniform(0.02, 0.06) * swath
    if lawn:
        tone += rng.uniform(-0.09, 0.07)
    elif rng.random() < 0.5:
        worn = smooth_noise(rng, piece.shape, 9 * METRE) + 0.25 * piece.mottle + 0.15 * piece.speckle
        trodden = blend(style.soil, COLOURS["dry grass"], 0.4 + 0.2 * wet)
        colour += (trodden - colour) * np.clip(1.4 * worn - 1.6, 0, 0.75)
    height = (0.04 if lawn else 0.14) + (0.02 if lawn else 0.06) * piece.speckle
    return canvas.paint(
        piece.window, piece.mask, code=Code.HERBACEOUS, colour=shaded(colour, tone), height=height
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Crop:
    """How one crop looks from above."""

    colour: str
    other: str
    """Colour of its weaker patches: a name of COLOURS, or ``soil``."""
    row: float
    """Distance of rows in metres."""
    contrast: float
    """How much of the soil shows between the rows, 0 to 1."""
    height: float
    tramlines: bool
    season: tuple[float, float]
    """From which to which ripeness of the scene the crop looks like this."""


CROPS: Mapping[str, Crop] = {
    "young cereal": Crop(
        colour="young cereal",
        other="soil",
        row=0.5,
        contrast=0.35,
        height=0.1,
        tramlines=True,
        season=(0, 0.3),
    ),
    "green cereal": Crop(
        colour="green cereal",
        other="young cereal",
        row=0.4,
        contrast=0.1,
        height=0.6,
        tramlines=True,
        season=(0, 0.5),
    ),
    "rapeseed": Crop(
        colour="rapeseed",
        other="green cereal",
        row=0.45,
        contrast=0.05,
        height=1.1,
        tramlines=True,
        season=(0, 0.35),
    ),
    "ripe cereal": Crop(
        colour="ripe cereal",
        other="straw",
        row=0.4,
        contrast=0.06,
        height=0.7,
        tramlines=True,
        season=(0.4, 0.8),
    ),
    "stubble": Crop(
        colour="stubble",
        other="straw",
        row=0.4,
        contrast=0.08,
        height=0.1,
        tramlines=False,
        season=(0.6, 1.01),
    ),
    "maize": Crop(
        colour="maize",
        other="green cereal",
        row=0.8,
        contrast=0.3,
        height=1.9,
        tramlines=False,
        season=(0.3, 1.01),
    ),
    "sunflower": Crop(
        colour="sunflower",
        other="soil",
        row=0.7,
        contrast=0.3,
        height=1.3,
        tramlines=False,
        season=(0.4, 1.01),
    ),
    "beet": Crop(
        colour="beet", other="soil", row=0.5, contrast=0.25, height=0.4, tramlines=True, season=(0.3, 1.01)
    ),
}


def crop(canvas: Canvas, piece: Piece, rng: np.random.Generator, style: Style, kind: Crop) -> int:
    """Paint an arable crop: rows, drill passes, tramlines, headlands, weak and strong patches."""
    other = style.soil if kind.other == "soil" else COLOURS[kind.other]
    patches = fractal(rng, piece.shape, rng.uniform(10, 22) * METRE, octaves=4)
    colour = blend(COLOURS[kind.colour], other, rng.uniform(0.08, 0.2) + 0.13 * patches)
    across, headland = _headland(piece, rng)
    period = kind.row * METRE * rng.uniform(0.9, 1.2)
    wave = hump((across + 0.35 * piece.speckle) * (1 / period))
    # A camera cannot resolve rows closer than two pixels: what is left of them is a faint grain.
    visible = kind.contrast * min(1.0, max(0.15, (period - 1.6) / 1.6))
    gap = np.clip(wave * 0.5 + 0.3, 0, 1) * (visible)
    soil = np.asarray(style.soil, np.float32)[:, None, None]
    colour += (soil * 0.85 - colour) * gap
    tone = 0.035 * piece.speckle + 0.03 * piece.mottle
    passes = np.floor(across * (1 / (rng.uniform(2.8, 5.5) * METRE)))
    tone += 0.025 * hump(passes * 0.377) + 0.03 * headland
    height = kind.height * (1 - 0.55 * gap) + np.float32(0.05 + 0.1 * kind.height) * piece.speckle
    if kind.tramlines:
        wheel = _tramlines(across, rng)
        colour += (soil - colour) * (0.65 * wheel)
        height *= 1 - 0.8 * wheel
    return canvas.paint(
        piece.window,
        piece.mask,
        code=Code.AGRICULTURAL,
        colour=shaded(colour, tone),
        height=np.maximum(height, 0),
    )


def plowed(canvas: Canvas, piece: Piece, rng: np.random.Generator, style: Style) -> int:
    """Paint worked soil: furrows, clods, damp patches, stones."""
    wet = fractal(rng, piece.shape, rng.uniform(12, 30) * METRE, octaves=4)
    dark = mixed(style.soil, (70, 60, 54, 60), 0.42)
    colour = blend(style.soil, dark, rng.uniform(0.2, 0.7) + 0.2 * wet)
    across, headland = _headland(piece, rng)
    period = rng.uniform(0.45, 1.1) * METRE
    furrow = hump((across + 0.5 * piece.mottle) * (1 / period))
    furrow *= np.float32(min(1.0, (period - 1.5) / 2.5))
    bout = hump(across * (1 / (rng.uniform(3.0, 6.0) * METRE)))
    clods = normal(rng, piece.shape)
    tone = 0.045 * furrow + 0.03 * bout + 0.05 * piece.speckle
    tone += 0.03 * clods + 0.04 * headland
    height = 0.12 + 0.05 * furrow + 0.035 * piece.speckle
    return canvas.paint(
        piece.window, piece.mask, code=Code.PLOWED, colour=shaded(colour, tone), height=np.maximum(height, 0)
    )


def vineyard(canvas: Canvas, piece: Piece, rng: np.random.Generator, style: Style) -> int:
    """Paint vine rows with missing plants, over bare or grassy inter-rows."""
    period = rng.uniform(1.5, 2.5) * METRE
    position = (piece.across + 0.25 * piece.mottle) * (1 / period)
    row = np.floor(position)
    inside = np.abs(position - row - 0.5) * (2 * period)
    width = rng.uniform(0.55, 0.95) * METRE
    vigour = 1 + 0.28 * piece.speckle + 0.2 * piece.mottle
    missing = smooth_noise(rng, piece.shape, 1.3 * METRE) < np.float32(-2.1 + rng.uniform(0, 0.5))
    plant = (inside < (width) * vigour) & ~missing
    grassy = rng.uniform(0, 0.9) if rng.random() < 0.6 else 0.0
    alternate = 0.5 * np.float32(rng.random() < 0.4) * (row - 2 * np.floor(row / 2))
    floor = blend(style.soil, COLOURS["dry grass"], (grassy) - alternate + 0.2 * piece.mottle)
    vine = shaded(COLOURS["vine"], 0.1 * piece.speckle + 0.06 * piece.mottle)
    colour = np.where(plant, vine, shaded(floor, 0.05 * piece.speckle))
    tall = rng.uniform(1.0, 1.6)
    height = np.where(plant, tall * (0.85 + 0.12 * piece.speckle), 0.04)
    return canvas.paint(
        piece.window, piece.mask, code=Code.VINEYARD, colour=colour, height=np.maximum(height, 0)
    )


def bare(
    canvas: Canvas,
    piece: Piece,
    rng: np.random.Generator,
    style: Style,
    *,
    mask: Masks,
    inner: Floats,
    rocky: bool,
) -> int:
    """Paint natural bare ground with stones, and wisps of grass where ``inner`` (1 inside) nears 0."""
    base = COLOURS["rock" if rocky else "sand"]
    patches = fractal(rng, piece.shape, 5 * METRE, octaves=4)
    wisps = 0.12 + 0.2 * patches + (1 - np.clip(inner, 0, 1)) * (0.35 + 0.3 * piece.mottle)
    colour = blend(
        mixed(base, style.soil, 0.4), mixed(COLOURS["dry grass"], COLOURS["lush grass"], 0.5), wisps
    )
    stones = np.maximum(normal(rng, piece.shape) - (1.3 if rocky else 2.0), 0)
    tone = 0.05 * piece.speckle + 0.04 * piece.mottle + 0.2 * stones
    height = 0.03 + (0.1 if rocky else 0.03) * np.abs(piece.speckle)
    return canvas.paint(piece.window, mask, code=Code.BARE_SOIL, colour=shaded(colour, tone), height=height)


def snowfields(canvas: Canvas, ground: Ground) -> None:
    """Leave snow lying in patches on open ground; roads and water stay clear."""
    clear = np.isin(canvas.classes, (Code.IMPERVIOUS, Code.WATER, Code.POOL))
    lying = (0.8 * ground.patch + 0.5 * ground.lie + 0.2 * ground.mottle > 0.15) & ~clear
    if lying.any():
        colour = shaded(COLOURS["snow"], 0.03 * ground.speckle + 0.02 * ground.mottle)
        canvas.paint(canvas.whole, lying, code=Code.SNOW, colour=colour, height=0.2)


def _headland(piece: Piece, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the coordinate across the rows, turned along the short sides, and where it is turned."""
    across, along = piece.across, piece.along
    values = along[piece.mask]
    depth = rng.uniform(6, 11) * METRE
    low, high = float(values.min()), float(values.max())
    if high - low < 6 * depth or rng.random() < 0.3:
        return across, np.zeros(piece.shape, np.float32)
    turned = (along < low + depth) | (along > high - depth)
    return np.where(turned, along, across), turned.astype(np.float32)


def _tramlines(across: Floats, rng: np.random.Generator) -> Floats:
    """Return how much of each pixel is wheel track: pairs of ruts 1.8 m apart, once per sprayer width."""
    spacing = float((12, 18, 24)[int(rng.integers(3))]) * METRE
    middle = np.abs(across - spacing * np.floor(across / spacing) - spacing / 2)
    rut = np.abs(middle - 0.9 * METRE)
    share: Floats = np.clip(1.6 - rut, 0, 1)
    return share
