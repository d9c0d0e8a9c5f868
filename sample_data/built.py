"""What people build: houses, sheds, yards, pools, greenhouses, car parks."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["Roof", "building", "car_park", "draw_roof", "greenhouse", "metal_roof", "paving", "pool"]

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .canvas import Canvas, Frame
from .layout import Cell, Ground
from .network import car
from .style import COLOURS, Code, Colour, Style, mixed, pick
from .textures import METRE, blend, hump, normal, shaded, smooth_noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Roof:
    """The shape and cover of a roof."""

    shape: Literal["gable", "hip", "flat"]
    eaves: float
    """Height of the walls in metres."""
    rise: float
    """Height of the ridge above the eaves in metres."""
    colour: Colour
    course: float
    """Distance of the rows of tiles or of the seams of sheets, in metres; 0 for none."""
    panels: bool


def draw_roof(rng: np.random.Generator, style: Style, *, width: float, storeys: float = 1.4) -> Roof:
    """Draw the roof of a dwelling of a given width in metres."""
    cover = pick(rng, style.roofs)
    slope = rng.uniform(0.35, 0.6) if cover.startswith("tile") else rng.uniform(0.6, 1.0)
    shape: Literal["gable", "hip", "flat"] = "gable" if rng.random() < 0.72 else "hip"
    if cover == "bitumen":
        shape, slope = "flat", 0.0
    return Roof(
        shape=shape,
        eaves=rng.uniform(2.4, 3.0) * storeys,
        rise=slope * width / 2,
        colour=mixed(COLOURS[cover], COLOURS["tile old"], rng.uniform(-0.25, 0.35)),
        course=0.42 if cover.startswith("tile") else 0.0,
        panels=rng.random() < 0.1,
    )


def building(
    canvas: Canvas, frame: Frame, roof: Roof, rng: np.random.Generator, *, code: int = Code.BUILDING
) -> None:
    """Raise one building; the sun makes its slopes two-tone and casts its shadow."""
    window = frame.window(canvas.shape)
    if window is None:
        return
    along, across = frame.local(window)
    half_length, half_width = frame.length / 2, frame.width / 2
    where = (np.abs(along) < half_length) & (np.abs(across) < half_width)
    if (canvas.classes[window.slices][where] == Code.WATER).any():
        return
    fall = np.abs(across) * (1 / half_width)
    if roof.shape == "hip":
        fall = np.maximum(fall, (np.abs(along) - half_length + half_width) * (1 / half_width))
    height = roof.eaves + roof.rise * (1 - fall) + 0 * along
    edge = np.minimum(half_length - np.abs(along), half_width - np.abs(across))
    tone = 0.05 * smooth_noise(rng, window.shape, 1.2 * METRE) + 0.035 * normal(rng, window.shape)
    tone += 0.05 * smooth_noise(rng, window.shape, 4 * METRE)
    if roof.course:
        tone += 0.03 * hump(across * (1 / (roof.course * METRE))) + 0.02 * hump(along * (1 / (0.9 * METRE)))
    else:
        tone += 0.035 * hump(along * (1 / (1.1 * METRE)))
    if roof.shape == "flat":
        parapet = edge < 0.4 * METRE
        height = height + 0.5 * parapet
        tone += 0.18 * parapet
    else:
        tone += 0.1 * (np.abs(across) < 0.8) * (fall < 0.999)
        tone -= 0.08 * (edge < 0.9)
    colour = shaded(roof.colour, tone)
    if roof.panels:
        solar = (
            (across > 0.15 * half_width) & (across < 0.85 * half_width) & (np.abs(along) < 0.6 * half_length)
        )
        grid = 0.25 * (hump(along * (1 / METRE)) > 0.93)
        colour = np.where(solar, shaded(COLOURS["panel"], grid + 0 * tone), colour)
    canvas.paint(window, where, code=code, colour=colour, height=height)
    for _ in range(int(rng.integers(0, 3)) if roof.rise > 0.5 else int(rng.integers(1, 5))):
        place = frame.moved(rng.uniform(-0.4, 0.4) * frame.length, rng.uniform(-0.35, 0.35) * frame.width)
        _on_roof(canvas, frame, place, rng, top=roof.eaves + roof.rise)


def _on_roof(
    canvas: Canvas, frame: Frame, place: tuple[float, float], rng: np.random.Generator, *, top: float
) -> None:
    """Set a chimney, a vent or a skylight on a roof."""
    size = rng.uniform(0.5, 1.1) * METRE
    spot = Frame(row=place[0], col=place[1], angle=frame.angle, length=size, width=0.8 * size)
    window = spot.window(canvas.shape)
    if window is None:
        return
    along, across = spot.local(window)
    where = (np.abs(along) < spot.length / 2) & (np.abs(across) < spot.width / 2)
    if rng.random() < 0.6:
        canvas.decorate(window, where, colour=COLOURS["concrete"], height=top + 0.6)
    else:
        canvas.decorate(window, where, colour=COLOURS["panel"])


def paving(
    canvas: Canvas,
    ground: Ground,
    frame: Frame,
    rng: np.random.Generator,
    *,
    within: Cell,
    code: int,
    name: str,
) -> None:
    """Lay a drive, a terrace or a yard inside a cell, not over what is built already."""
    window = frame.window(canvas.shape)
    if window is None:
        return
    along, across = frame.local(window)
    ragged = 0.0 if code == Code.IMPERVIOUS else 1.5 * ground.mottle[window.slices]
    where = (np.abs(along) + ragged < frame.length / 2) & (np.abs(across) + ragged < frame.width / 2)
    where &= within.mask(ground, window)
    where &= ~np.isin(canvas.classes[window.slices], (Code.BUILDING, Code.WATER, Code.POOL))
    if not where.any():
        return
    tone = 0.05 * ground.mottle[window.slices] + 0.04 * ground.speckle[window.slices]
    canvas.paint(
        window, where, code=code, colour=shaded(COLOURS[name], tone + rng.uniform(-0.1, 0.08)), height=0.05
    )


def pool(canvas: Canvas, frame: Frame, rng: np.random.Generator) -> None:
    """Sink a swimming pool with its stone edge."""
    window = frame.window(canvas.shape, margin=2 * METRE)
    if window is None:
        return
    along, across = frame.local(window)
    outside = np.maximum(np.abs(along) - frame.length / 2, np.abs(across) - frame.width / 2)
    rim = rng.uniform(0.5, 1.6) * METRE
    stone = shaded(COLOURS["pool edge"], 0.04 * normal(rng, window.shape))
    canvas.paint(window, outside < rim, code=Code.IMPERVIOUS, colour=stone, height=0.1)
    covered = rng.random() < 0.12
    base = COLOURS["blue metal"] if covered else COLOURS["pool"]
    depth = 0.16 * along * (2 / frame.length) + 0.05 * smooth_noise(rng, window.shape, 3.0)
    steps = 0.25 * np.clip(1.5 + outside * (1 / METRE), 0, 1)
    canvas.paint(
        window,
        outside < 0,
        code=Code.POOL,
        colour=shaded(mixed(base, (60, 160, 190, 30), rng.uniform(0, 0.5)), depth * 0.6 + steps),
        height=0.0,
    )


def greenhouse(canvas: Canvas, frame: Frame, rng: np.random.Generator) -> None:
    """Raise one arched tunnel of film, or one bay of glass."""
    window = frame.window(canvas.shape)
    if window is None:
        return
    along, across = frame.local(window)
    glass = rng.random() < 0.3
    where = (np.abs(along) < frame.length / 2) & (np.abs(across) < frame.width / 2)
    bow = np.maximum(1 - (across * (2 / frame.width)) ** 2, 0)
    top = frame.width / METRE * 0.42
    height = 0.8 + (top - 0.8) * (np.sqrt(bow) if not glass else 1 - np.abs(across) * (2 / frame.width))
    hoop = 0.05 * hump(along * (1 / (2.0 * METRE))) + 0.04 * smooth_noise(rng, window.shape, 2.2 * METRE)
    inside = 0.3 * smooth_noise(rng, window.shape, 5 * METRE) + 0.25
    colour = blend(COLOURS["glass" if glass else "plastic"], COLOURS["lush grass"], np.clip(inside, 0, 0.5))
    canvas.paint(window, where, code=Code.GREENHOUSE, colour=shaded(colour, hoop), height=height)


def car_park(canvas: Canvas, ground: Ground, frame: Frame, rng: np.random.Generator, *, within: Cell) -> None:
    """Lay a car park with painted bays, some of them taken."""
    paving(canvas, ground, frame, rng, within=within, code=Code.IMPERVIOUS, name="asphalt")
    bay, depth, aisle = 2.5 * METRE, 5.0 * METRE, 6.0 * METRE
    window = frame.window(canvas.shape)
    if window is None:
        return
    along, across = frame.local(window)
    lines = np.zeros(window.shape, dtype=bool)
    starts = np.arange(-frame.width / 2 + 0.5 * METRE, frame.width / 2 - depth, depth + aisle / 2)
    for start in starts:
        row_of_bays = (across > start) & (across < start + depth) & (np.abs(along) < frame.length / 2 - bay)
        lines |= row_of_bays & (np.abs(along * (1 / bay) - np.floor(along * (1 / bay)) - 0.5) > 0.47)
    canvas.decorate(
        window, lines & (canvas.classes[window.slices] == Code.IMPERVIOUS), colour=COLOURS["paint"]
    )
    taken = rng.uniform(0.15, 0.75)
    for start in starts:
        for place in np.arange(-frame.length / 2 + 1.5 * bay, frame.length / 2 - bay, bay):
            at = np.floor(place / bay) * bay
            if rng.random() < taken:
                row, col = frame.moved(float(at) + bay, float(start) + depth / 2)
                if canvas.at(row, col) == Code.IMPERVIOUS:
                    car(canvas, row, col, frame.angle + np.pi / 2 + rng.uniform(-0.05, 0.05), rng)


def metal_roof(rng: np.random.Generator, *, width: float) -> Roof:
    """Draw the roof of a shed or a hall of a given width in metres."""
    cover = pick(
        rng, {"sheet metal": 3.0, "blue metal": 1.0, "fibre cement": 2.0, "bitumen": 1.5, "concrete": 0.6}
    )
    flat = cover in ("bitumen", "concrete")
    return Roof(
        shape="flat" if flat else "gable",
        eaves=rng.uniform(4.5, 8.0),
        rise=0.0 if flat else rng.uniform(0.1, 0.25) * width / 2,
        colour=mixed(COLOURS[cover], COLOURS["fibre cement"], rng.uniform(0, 0.3)),
        course=0.0,
        panels=rng.random() < 0.15,
    )
