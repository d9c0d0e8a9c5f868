"""Colours, and what a whole scene has in common: its season, its soil, its roofs, its sun and its camera."""

from __future__ import annotations

__all__ = ["COLOURS", "Code", "Colour", "Style", "draw_style", "mixed", "pick"]

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeVar

import numpy as np

Colour = tuple[float, float, float, float]
"""Grey levels of R, G, B and NIR in full sun on flat ground."""
Choice = TypeVar("Choice")


class Code(IntEnum):
    """The FLAIR code of each class (nomenclature flair-19)."""

    BUILDING = 1
    PERVIOUS = 2
    IMPERVIOUS = 3
    BARE_SOIL = 4
    WATER = 5
    CONIFEROUS = 6
    DECIDUOUS = 7
    BRUSHWOOD = 8
    VINEYARD = 9
    HERBACEOUS = 10
    AGRICULTURAL = 11
    PLOWED = 12
    POOL = 13
    SNOW = 14
    CLEAR_CUT = 15
    MIXED = 16
    LIGNEOUS = 17
    GREENHOUSE = 18
    OTHER = 19


COLOURS: Mapping[str, Colour] = {
    "asphalt": (126, 127, 125, 84),
    "asphalt worn": (158, 154, 146, 98),
    "concrete": (186, 179, 168, 116),
    "paint": (226, 226, 222, 168),
    "gravel": (178, 168, 153, 108),
    "ballast": (150, 142, 128, 92),
    "dust": (190, 178, 158, 122),
    "sand": (180, 172, 152, 116),
    "rock": (176, 172, 162, 122),
    "lawn": (100, 120, 92, 130),
    "lush grass": (88, 114, 84, 134),
    "dry grass": (146, 138, 116, 112),
    "reed": (112, 124, 88, 132),
    "green cereal": (90, 118, 88, 142),
    "young cereal": (120, 128, 104, 126),
    "ripe cereal": (190, 168, 118, 134),
    "stubble": (182, 168, 132, 126),
    "straw": (206, 190, 144, 144),
    "rapeseed": (176, 172, 84, 158),
    "maize": (86, 112, 84, 144),
    "sunflower": (122, 124, 82, 130),
    "beet": (88, 118, 90, 148),
    "vine": (86, 106, 84, 130),
    "broadleaf": (96, 114, 92, 148),
    "broadleaf light": (120, 130, 98, 156),
    "conifer": (70, 90, 82, 108),
    "conifer blue": (84, 100, 98, 112),
    "bush": (96, 108, 94, 122),
    "heath": (112, 106, 100, 110),
    "litter": (92, 88, 74, 92),
    "slash": (140, 124, 108, 104),
    "river": (84, 94, 76, 42),
    "lake": (94, 108, 82, 56),
    "shallow": (134, 130, 98, 84),
    "basin": (76, 186, 182, 16),
    "pool": (112, 196, 208, 66),
    "pool edge": (212, 206, 194, 150),
    "plastic": (208, 210, 206, 168),
    "glass": (166, 178, 178, 128),
    "tile": (186, 122, 96, 112),
    "tile old": (160, 120, 102, 104),
    "tile pink": (200, 150, 124, 128),
    "slate": (104, 108, 118, 84),
    "sheet metal": (192, 194, 194, 154),
    "blue metal": (150, 166, 186, 136),
    "bitumen": (118, 116, 114, 84),
    "fibre cement": (158, 154, 148, 112),
    "panel": (58, 66, 92, 52),
    "snow": (246, 247, 250, 236),
}
"""Calibrated on the class means of real FLAIR patches; real pixels are nowhere in the scenes."""

_SOILS: tuple[Colour, ...] = (
    (146, 124, 104, 100),
    (164, 148, 126, 116),
    (124, 106, 90, 86),
    (168, 132, 108, 112),
    (186, 174, 156, 128),
)
_ROOFS: tuple[Mapping[str, float], ...] = (
    {"tile": 5, "tile old": 4, "tile pink": 3, "slate": 0.4, "fibre cement": 0.5},
    {"slate": 5, "tile old": 2, "tile": 1, "fibre cement": 1},
    {"tile": 4, "tile old": 3, "slate": 2, "bitumen": 0.6},
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What a scene's pixels have in common."""

    dryness: float
    """Share of dry grass in grassland, 0 (wet spring) to 1 (drought)."""
    ripeness: float
    """How far the crops are: 0 sown, 1 harvested."""
    vines: float
    """How much of the farmland is vineyard, 0 to 1."""
    soil: Colour
    roofs: Mapping[str, float]
    sun_slope: float
    """Columns towards the sun per row towards the sun, a multiple of 1/8: shadows fall to the north."""
    sun_height: float
    """Rise of a sun ray per metre on the ground: the tangent of the sun's elevation."""
    haze: Colour
    """Grey level that the air alone adds."""
    gain: Colour
    """Factor of the camera and the mosaic's colour balance."""
    noise: float
    """Standard deviation of the sensor's noise in the dark, in grey levels."""


def draw_style(rng: np.random.Generator) -> Style:
    """Draw the season, the region and the flight of a scene."""
    balance = rng.uniform(0.96, 1.04, 4)
    exposure = rng.uniform(0.97, 1.09)
    haze = rng.uniform(0.7, 1.2)
    red, green, blue, near_infrared = (float(exposure * factor) for factor in balance)
    return Style(
        dryness=float(rng.uniform(0.1, 0.75)),
        ripeness=float(rng.uniform(0.0, 1.0)),
        vines=float(rng.uniform(0.35, 0.9)) if rng.random() < 0.35 else 0.06,
        soil=_SOILS[int(rng.integers(len(_SOILS)))],
        roofs=_ROOFS[int(rng.integers(len(_ROOFS)))],
        sun_slope=float(rng.integers(-5, 6)) / 8,
        sun_height=float(rng.uniform(1.15, 1.8)),
        haze=(34 * haze, 40 * haze, 45 * haze, 8 * haze),
        gain=(red, green, blue, near_infrared),
        noise=float(rng.uniform(2.7, 3.0)),
    )


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """Return a colour between two."""
    red, green, blue, near_infrared = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return red, green, blue, near_infrared


def pick(rng: np.random.Generator, weights: Mapping[Choice, float]) -> Choice:
    """Draw one key of a mapping in proportion to its weight."""
    level = float(rng.random()) * sum(weights.values())
    chosen = next(iter(weights))
    for choice, weight in weights.items():
        if weight <= 0:
            continue
        chosen = choice
        level -= weight
        if level < 0:
            break
    return chosen
