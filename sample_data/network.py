"""What runs along the cuts: roads, streets, tracks, paths, railways, grass margins, fences; and the cars."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["BORDERS", "car", "draw_width", "strip"]

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .canvas import Canvas, Frame
from .layout import Cut
from .pieces import Piece
from .style import COLOURS, Code, Colour, Style, mixed
from .textures import METRE, Floats, blend, hump, normal, shaded

BORDERS: Mapping[str, tuple[float, float]] = {
    "none": (0.0, 0.0),
    "margin": (0.8, 2.4),
    "hedge": (2.0, 4.5),
    "fence": (0.0, 0.0),
    "garden hedge": (1.0, 1.8),
    "wall": (0.4, 0.4),
    "path": (1.4, 2.0),
    "track": (4.5, 6.0),
    "rail": (9.0, 10.0),
    "street": (7.6, 10.0),
    "road": (9.5, 12.5),
}
"""Smallest and largest width of what may run along a cut, verges and pavements included, in metres."""

_TRAFFIC: Mapping[str, float] = {"street": 22 * METRE, "road": 70 * METRE}
"""Mean distance of cars in pixels."""
_CARS: tuple[Colour, ...] = (
    (214, 216, 218, 168),
    (60, 62, 66, 52),
    (150, 152, 156, 118),
    (168, 66, 58, 96),
    (66, 84, 120, 66),
    (228, 228, 224, 176),
    (98, 100, 104, 80),
)


def draw_width(rng: np.random.Generator, border: str) -> float:
    """Draw the width in pixels of what runs along a cut."""
    return rng.uniform(*BORDERS[border]) * METRE


def strip(
    canvas: Canvas,
    blocks: Iterable[Piece],
    cut: Cut,
    *,
    looks: Callable[[], np.random.Generator],
    places: np.random.Generator,
    style: Style,
) -> None:
    """Paint what runs along a cut on the ground, block by block; hedges are raised later, with the trees.

    Parameters
    ----------
    canvas
        What to paint on.
    blocks
        The pixels of the cut's strip.
    cut
        Where the strip runs, and what it is.
    looks
        Gives the same generator afresh for every block, so that the strip looks the same from end to end.
    places
        Source of the places of cars.
    style
        The scene's style.
    """
    painters: Mapping[str, Callable[[Canvas, Piece, Cut, np.random.Generator, Style], float]] = {
        "margin": _margin,
        "hedge": _margin,
        "wall": _wall,
        "path": _path,
        "track": _track,
        "rail": _rail,
        "street": _street,
        "road": _road,
    }
    painter = painters.get(cut.border)
    if painter is None:
        return
    lanes: list[NDArray[np.intp]] = []
    with canvas.one_thing():
        for piece in blocks:
            if cut.border not in ("rail", "street", "road"):  # only these have bridges
                piece = replace(piece, mask=piece.mask & (canvas.classes[piece.window.slices] != Code.WATER))
            lane = painter(canvas, piece, cut, looks(), style)
            distance = np.abs(piece.ground.distance(cut.line, piece.window))
            on_lane = np.argwhere(piece.mask & (np.abs(distance - lane) < 0.6))
            lanes.append(on_lane + np.array([[piece.window.row, piece.window.col]]))
    if cut.border in _TRAFFIC and lanes:
        _drive_on(canvas, np.concatenate(lanes), cut, places, every=_TRAFFIC[cut.border])


def car(canvas: Canvas, row: float, col: float, angle: float, rng: np.random.Generator) -> None:
    """Park a car: it changes what pixels look like, not their class."""
    van = rng.random() < 0.12
    frame = Frame(
        row=row,
        col=col,
        angle=angle,
        length=(5.4 if van else 4.3) * METRE,
        width=(2.0 if van else 1.8) * METRE,
    )
    window = frame.window(canvas.shape)
    if window is None:
        return
    along, across = frame.local(window)
    where = (np.abs(along) < frame.length / 2) & (np.abs(across) < frame.width / 2)
    colour = _CARS[int(rng.integers(len(_CARS)))]
    glass = ((np.abs(along - 3.4) < 1.3) | (np.abs(along + 6.6) < 0.9)) & (
        np.abs(across) < 0.42 * frame.width
    )
    roof = (np.abs(along + 1.8) < 3.9) & (np.abs(across) < 0.4 * frame.width)
    shade = 0.12 * roof - 0.5 * glass
    height = (2.0 if van else 1.1) + 0.35 * roof
    canvas.decorate(window, where, colour=shaded(colour, shade), height=height)


def _grass(piece: Piece, style: Style) -> Floats:
    base = mixed(COLOURS["lush grass"], COLOURS["dry grass"], 0.25 + 0.5 * style.dryness)
    return shaded(base, 0.07 * piece.mottle + 0.06 * piece.speckle)


def _verge(canvas: Canvas, piece: Piece, style: Style) -> None:
    height = 0.2 + 0.06 * piece.speckle
    canvas.paint(
        piece.window,
        piece.mask,
        code=Code.HERBACEOUS,
        colour=_grass(piece, style),
        height=np.maximum(height, 0),
    )


def _margin(canvas: Canvas, piece: Piece, cut: Cut, rng: np.random.Generator, style: Style) -> float:
    _verge(canvas, piece, style)
    return 0


def _wall(canvas: Canvas, piece: Piece, cut: Cut, rng: np.random.Generator, style: Style) -> float:
    colour = shaded(COLOURS["concrete"], 0.08 * piece.speckle)
    canvas.decorate(piece.window, piece.mask, colour=colour, height=rng.uniform(0.8, 1.9))
    return 0


def _path(canvas: Canvas, piece: Piece, cut: Cut, rng: np.random.Generator, style: Style) -> float:
    distance = np.abs(piece.ground.distance(cut.line, piece.window))
    where = piece.mask & (distance < cut.half_width * (0.8 + 0.15 * piece.mottle))
    colour = blend(COLOURS["dust"], style.soil, 0.4 + 0.2 * piece.mottle)
    canvas.paint(piece.window, where, code=Code.PERVIOUS, colour=shaded(colour, 0.05 * piece.speckle))
    return 0


def _track(canvas: Canvas, piece: Piece, cut: Cut, rng: np.random.Generator, style: Style) -> float:
    _verge(canvas, piece, style)
    distance = np.abs(piece.ground.distance(cut.line, piece.window)) + 0.4 * piece.mottle
    half = 1.6 * METRE
    where = piece.mask & (distance < half)
    rut = 1 - np.clip(np.abs(distance - 0.85 * METRE) * (1 / (0.5 * METRE)) - 0.3, 0, 1)
    grassy = rng.uniform(0.0, 0.9)
    pale = mixed(COLOURS["gravel"], style.soil, rng.uniform(0, 0.7))
    middle = mixed(pale, COLOURS["dry grass"], grassy)
    colour = shaded(
        blend(middle, pale, rut + 0.15 * piece.speckle), 0.05 * piece.speckle + 0.04 * piece.mottle
    )
    canvas.paint(piece.window, where, code=Code.PERVIOUS, colour=colour, height=0.0)
    return 0


def _rail(canvas: Canvas, piece: Piece, cut: Cut, rng: np.random.Generator, style: Style) -> float:
    _verge(canvas, piece, style)
    signed = piece.ground.distance(cut.line, piece.window)
    distance = np.abs(signed)
    where = piece.mask & (distance + 0.5 * piece.speckle < 2.9 * METRE)
    along = piece.ground.along(cut.line, piece.window)
    rust = np.maximum(1.7 - distance * (1 / METRE), 0)
    stones = normal(rng, piece.shape)
    colour = shaded(COLOURS["ballast"], 0.05 * stones + 0.04 * piece.speckle - 0.06 * rust)
    sleeper = (distance < 1.3 * METRE) & (hump(along * (1 / (0.6 * METRE))) > 0.25)
    colour = np.where(
        sleeper, shaded(mixed(COLOURS["concrete"], COLOURS["ballast"], 0.3), 0.03 * stones), colour
    )
    rail = np.clip(1.1 - np.abs(distance - 0.72 * METRE), 0, 1)
    colour += (np.asarray((112, 98, 88, 76), np.float32)[:, None, None] - colour) * (0.75 * rail)
    canvas.paint(piece.window, where, code=Code.PERVIOUS, colour=colour, height=0.4)
    return 0


def _asphalt(piece: Piece, cut: Cut, rng: np.random.Generator, half: float) -> Floats:
    """Return the colour of a carriageway: wear under the wheels, patches, cracks, darker edges."""
    distance = np.abs(piece.ground.distance(cut.line, piece.window))
    wear = rng.uniform(0.1, 0.9)
    lane = np.abs(distance - half / 2)
    track = np.clip(1 - np.abs(lane - 0.75 * METRE) * (1 / (0.6 * METRE)), 0, 1)
    along = piece.ground.along(cut.line, piece.window)
    mended = 0.06 * np.sign(hump(np.floor(along * (1 / (17 * METRE))) * 0.3819)) * (rng.random() < 0.4)
    share = wear + 0.14 * track + 0.09 * piece.mottle - 0.1 * (distance > half - 0.5 * METRE)
    return shaded(blend(COLOURS["asphalt"], COLOURS["asphalt worn"], share), 0.02 * piece.speckle + mended)


def _mark(colour: Floats, share: Floats) -> None:
    """Lay road paint over a colour, in place; a share below 1 is paint narrower than a pixel, or worn."""
    colour += (np.asarray(COLOURS["paint"], np.float32)[:, None, None] - colour) * np.clip(share, 0, 1)


def _road(canvas: Canvas, piece: Piece, cut: Cut, rng: np.random.Generator, style: Style) -> float:
    _verge(canvas, piece, style)
    half = rng.uniform(2.6, 3.8) * METRE
    signed = piece.ground.distance(cut.line, piece.window)
    distance = np.abs(signed)
    where = piece.mask & (distance < half)
    colour = _asphalt(piece, cut, rng, half)
    along = piece.ground.along(cut.line, piece.window)
    dash = (along * (1 / (13 * METRE)) - np.floor(along * (1 / (13 * METRE)))) < 0.26
    fresh = rng.uniform(0.45, 0.9)
    _mark(colour, fresh * np.maximum(0.9 - 0.9 * distance, 0) * dash)
    _mark(colour, 0.9 * fresh * np.maximum(0.95 - 0.9 * np.abs(distance - half + 0.45 * METRE), 0))
    canvas.paint(piece.window, where, code=Code.IMPERVIOUS, colour=colour, height=0.0)
    return half / 2


def _street(canvas: Canvas, piece: Piece, cut: Cut, rng: np.random.Generator, style: Style) -> float:
    half = cut.half_width - 1.5 * METRE
    distance = np.abs(piece.ground.distance(cut.line, piece.window))
    kerb = np.abs(distance - half) < 0.8
    pavement = mixed(COLOURS["concrete"], COLOURS["asphalt worn"], rng.uniform(0.2, 0.9))
    along = piece.ground.along(cut.line, piece.window)
    colour = np.where(
        distance < half,
        _asphalt(piece, cut, rng, half),
        shaded(pavement, 0.04 * piece.speckle + 0.05 * piece.mottle + 0.1 * kerb),
    )
    if rng.random() < 0.5:
        _mark(colour, 0.6 * np.maximum(0.9 - 0.9 * distance, 0) * (hump(along * (1 / (6 * METRE))) > 0))
    place = along * (1 / (110 * METRE)) + rng.random()
    crossing = np.abs(place - np.floor(place) - 0.5) < 1.3 / 110
    _mark(colour, 0.85 * (crossing & (distance < half) & (hump(distance * (1 / METRE)) > 0)))
    canvas.paint(piece.window, piece.mask, code=Code.IMPERVIOUS, colour=colour, height=0.0)
    return half - 1.0 * METRE


def _drive_on(
    canvas: Canvas, lanes: NDArray[np.intp], cut: Cut, rng: np.random.Generator, *, every: float
) -> None:
    """Put cars on both lanes, whose pixels are given, one per so many pixels of road on average."""
    angle = math.atan2(-cut.line.normal_col, cut.line.normal_row)
    for _ in range(round(len(lanes) / 2.4 / every)):
        row, col = lanes[int(rng.integers(len(lanes)))]
        car(canvas, float(row), float(col), angle + rng.uniform(-0.04, 0.04), rng)
