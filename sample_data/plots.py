"""House plots: a house on its street, drive, terrace, pool and garden."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["centre_plot", "house_plot"]

import math
from dataclasses import replace

import numpy as np

from .built import draw_roof, paving, pool
from .canvas import Frame
from .land import meadow
from .layout import Cell, Side
from .pieces import piece_of
from .sites import Site, garden
from .style import COLOURS, Code
from .textures import METRE, shaded


def house_plot(site: Site, cell: Cell, rng: np.random.Generator) -> None:
    """Fill a plot with a house, its drive, terrace, garden, perhaps a pool and a shed."""
    piece = piece_of(site.ground, cell)
    if piece is None:
        return
    meadow(site.canvas, piece, rng, site.style, lawn=True)
    street = _street_side(cell)
    outward = _outward(street)
    house = _fit(
        cell,
        street,
        rng,
        length=rng.uniform(9.5, 17) * METRE,
        width=rng.uniform(7.5, 10.5) * METRE,
        setback=rng.uniform(3, 9) * METRE,
    )
    if house is not None:
        _drive(site, cell, house, street, outward, rng)
        _behind(site, cell, house, outward, rng)
        _raise_house(site, cell, house, rng)
    if rng.random() < 0.3:
        row, col = cell.centre
        reach = 0.3 * cell.box()[1]
        bed = Frame(
            row=row + rng.uniform(-reach, reach),
            col=col + rng.uniform(-reach, reach),
            angle=cell.box()[0],
            length=rng.uniform(4, 9) * METRE,
            width=rng.uniform(2.5, 6) * METRE,
        )
        if cell.holds(bed, 0.5 * METRE):
            place = site.placed(bed)
            paving(site.canvas, site.ground, place, rng, within=cell, code=Code.PERVIOUS, name="gravel")
    garden(site, cell, piece, rng, trees=int(rng.integers(3, 14)))


def centre_plot(site: Site, cell: Cell, rng: np.random.Generator) -> None:
    """Fill a plot of an old centre: a tall house on the street, a yard behind."""
    piece = piece_of(site.ground, cell)
    if piece is None:
        return
    sealed = rng.random() < 0.6
    name, code = ("asphalt worn", Code.IMPERVIOUS) if sealed else ("gravel", Code.PERVIOUS)
    if rng.random() < 0.2:
        meadow(site.canvas, piece, rng, site.style, lawn=True)
    else:
        tone = 0.06 * piece.mottle + 0.04 * piece.speckle + rng.uniform(-0.15, 0.1)
        site.canvas.paint(piece.window, piece.mask, code=code, colour=shaded(COLOURS[name], tone))
    street = _street_side(cell)
    house = _fit(
        cell,
        street,
        rng,
        length=rng.uniform(11, 17) * METRE,
        width=rng.uniform(8.5, 12) * METRE,
        setback=0.4 * METRE,
        clearance=0.1 * METRE,
    )
    if house is not None:
        roof = draw_roof(rng, site.style, width=house.width / METRE, storeys=rng.uniform(1.8, 3.4))
        site.build(house, replace(roof, shape="gable"), rng)
    garden(site, cell, piece, rng, trees=int(rng.integers(0, 3)))


def _raise_house(site: Site, cell: Cell, house: Frame, rng: np.random.Generator) -> None:
    """Plan a house and, now and then, a lower wing at one of its ends."""
    roof = draw_roof(rng, site.style, width=house.width / METRE, storeys=rng.uniform(1.0, 2.0))
    site.build(house, roof, rng)
    if rng.random() < 0.45:
        side = (1.0 if rng.random() < 0.5 else -1.0) * (0.5 * house.length + 2.2 * METRE)
        row, col = house.moved(side, rng.uniform(-0.2, 0.2) * house.width)
        wing = replace(house, row=row, col=col, length=5.5 * METRE, width=0.62 * house.width)
        if cell.holds(wing, 0.5 * METRE):
            site.build(wing, replace(roof, eaves=2.5, rise=0.6 * roof.rise, panels=False), rng)


def _street_side(cell: Cell) -> Side | None:
    """Return the side that a house turns to: a street before a road before a track before any other."""
    order = ("street", "road", "track")
    with_line = [side for side in cell.sides if side.line is not None]
    ranked = sorted(
        with_line, key=lambda side: order.index(side.border) if side.border in order else len(order)
    )
    return ranked[0] if ranked else None


def _outward(street: Side | None) -> tuple[float, float]:
    """Return the unit vector (row, col) from the plot to its street."""
    if street is None or street.line is None:
        return 1.0, 0.0
    sign = 1.0 if street.below else -1.0
    return sign * street.line.normal_row, sign * street.line.normal_col


def _fit(
    cell: Cell,
    street: Side | None,
    rng: np.random.Generator,
    *,
    length: float,
    width: float,
    setback: float,
    clearance: float = 0.8 * METRE,
) -> Frame | None:
    """Find a place for a house of up to a size, about ``setback`` from the street, or None."""
    angle, box_length, _ = cell.box()
    if street is not None and street.line is not None:
        angle = math.atan2(-street.line.normal_col, street.line.normal_row)
    row, col = cell.centre
    for shrink in (1.0, 0.85, 0.72, 0.6):
        best: tuple[float, Frame] | None = None
        for _ in range(14):
            frame = Frame(
                row=row + rng.uniform(-0.4, 0.4) * box_length,
                col=col + rng.uniform(-0.4, 0.4) * box_length,
                angle=angle,
                length=shrink * length,
                width=shrink * width,
            )
            if not cell.holds(frame, clearance):
                continue
            wanted = setback + frame.width / 2
            off = (
                cell.room(frame.row, frame.col)
                if street is None or street.line is None
                else abs(abs(street.line.value(frame.row, frame.col)) - street.half_width - wanted)
            )
            if best is None or off < best[0]:
                best = (off, frame)
        if best is not None:
            return best[1]
    return None


def _drive(
    site: Site,
    cell: Cell,
    house: Frame,
    street: Side | None,
    outward: tuple[float, float],
    rng: np.random.Generator,
) -> None:
    """Lay the drive from the house to its street."""
    if street is None or street.line is None:
        return
    reach = abs(street.line.value(house.row, house.col))
    aside = rng.uniform(-0.35, 0.35) * house.length
    along = math.cos(house.angle) * aside, math.sin(house.angle) * aside
    drive = Frame(
        row=house.row + outward[0] * reach / 2 + along[1],
        col=house.col + outward[1] * reach / 2 + along[0],
        angle=math.atan2(outward[0], outward[1]),
        length=reach,
        width=rng.uniform(2.8, 5.5) * METRE,
    )
    sealed = rng.random() < 0.5
    name = (
        ("asphalt worn" if rng.random() < 0.5 else "concrete")
        if sealed
        else ("gravel" if rng.random() < 0.7 else "dust")
    )
    code = Code.IMPERVIOUS if sealed else Code.PERVIOUS
    paving(site.canvas, site.ground, site.placed(drive), rng, within=cell, code=code, name=name)


def _behind(
    site: Site, cell: Cell, house: Frame, outward: tuple[float, float], rng: np.random.Generator
) -> None:
    """Lay the terrace behind a house and, now and then, a pool beyond it."""

    def beyond(distance: float, aside: float) -> tuple[float, float]:
        return (
            house.row - outward[0] * distance + math.sin(house.angle) * aside,
            house.col - outward[1] * distance + math.cos(house.angle) * aside,
        )

    row, col = beyond(house.width / 2 + 1.2 * METRE, rng.uniform(-0.2, 0.2) * house.length)
    terrace = replace(
        house, row=row, col=col, length=rng.uniform(0.35, 0.8) * house.length, width=rng.uniform(3, 5) * METRE
    )
    stone = rng.random() < 0.7
    paving(
        site.canvas,
        site.ground,
        site.placed(terrace),
        rng,
        within=cell,
        code=Code.IMPERVIOUS if stone else Code.PERVIOUS,
        name="concrete" if stone else "gravel",
    )
    if rng.random() < 0.45:
        for distance in (11, 9.5, 8):
            row, col = beyond(house.width / 2 + distance * METRE, rng.uniform(-0.3, 0.3) * house.length)
            basin = replace(
                house,
                row=row,
                col=col,
                length=rng.uniform(6.5, 9.5) * METRE,
                width=rng.uniform(3.4, 4.6) * METRE,
            )
            if cell.holds(basin, 1.8 * METRE):
                pool(site.canvas, site.placed(basin), rng)
                return
