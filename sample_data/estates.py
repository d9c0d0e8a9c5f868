"""Whole blocks and yards: works, flats, farms, market gardens."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["farmyard", "flats", "market_garden", "works"]

import math
from dataclasses import replace
from functools import partial

import numpy as np

from .built import car_park, draw_roof, greenhouse, metal_roof, paving
from .land import meadow
from .layout import Cell
from .pieces import piece_of
from .sites import Site, garden
from .style import COLOURS, Code, mixed
from .textures import METRE, blend, shaded


def works(site: Site, cell: Cell, rng: np.random.Generator) -> None:
    """Fill a block with one hall or two, a car park and a yard."""
    piece = piece_of(site.ground, cell)
    if piece is None:
        return
    sealed = rng.random() < 0.7
    tone = 0.05 * piece.mottle + 0.03 * piece.speckle
    colour = blend(
        COLOURS["asphalt" if sealed else "gravel"], COLOURS["asphalt worn"], 0.5 + 0.3 * piece.mottle
    )
    code = Code.IMPERVIOUS if sealed else Code.PERVIOUS
    site.canvas.paint(piece.window, piece.mask, code=code, colour=shaded(colour, tone))
    whole = cell.frame
    length, width = whole.length, whole.width
    shift = (1.0 if rng.random() < 0.5 else -1.0) * 0.2 * length
    at = whole.moved(shift, 0)
    hall = replace(whole, row=at[0], col=at[1], length=0.46 * length, width=min(0.6 * width, 45 * METRE))
    for _ in range(5):
        if cell.holds(hall, 3 * METRE):
            break
        hall = replace(hall, length=0.86 * hall.length, width=0.86 * hall.width)
    roof = metal_roof(rng, width=hall.width / METRE)
    at = whole.moved(-1.35 * shift, 0)
    park = replace(whole, row=at[0], col=at[1], length=0.36 * length, width=0.62 * width)
    car_park(site.canvas, site.ground, site.placed(park), rng, within=cell)
    if hall.width > 7 * METRE:
        site.build(hall, roof, rng)
    garden(site, cell, piece, rng, trees=int(rng.integers(2, 8)))


def flats(site: Site, cell: Cell, rng: np.random.Generator) -> None:
    """Fill a block with slabs of flats between lawns, with their car parks and trees."""
    piece = piece_of(site.ground, cell)
    if piece is None:
        return
    meadow(site.canvas, piece, rng, site.style, lawn=True)
    whole = cell.frame
    length, width = whole.length, whole.width
    for number, share in enumerate(np.arange(-0.5 * width + 14 * METRE, 0.5 * width - 8 * METRE, 27 * METRE)):
        at = whole.moved(rng.uniform(-0.08, 0.08) * length, float(share))
        slab = replace(whole, row=at[0], col=at[1], length=min(0.6 * length, 50 * METRE), width=12.5 * METRE)
        if not cell.holds(slab, 1 * METRE):
            continue
        if number % 2:
            car_park(site.canvas, site.ground, site.placed(replace(slab, width=17 * METRE)), rng, within=cell)
            continue
        roof = replace(metal_roof(rng, width=12), shape="flat", rise=0.0, eaves=rng.uniform(9, 17))
        site.build(slab, roof, rng)
    garden(site, cell, piece, rng, trees=int(rng.integers(8, 22)))


def farmyard(site: Site, cell: Cell, rng: np.random.Generator) -> None:
    """Fill a cell with a farm: sheds and a house around a gravel yard."""
    piece = piece_of(site.ground, cell)
    if piece is None:
        return
    meadow(site.canvas, piece, rng, site.style)
    whole = cell.frame
    length, width = whole.length, whole.width
    yard = replace(whole, length=min(0.75 * length, 60 * METRE), width=min(0.75 * width, 45 * METRE))
    paving(site.canvas, site.ground, site.placed(yard), rng, within=cell, code=Code.PERVIOUS, name="gravel")
    for number, (along, across) in enumerate(((-0.28, -0.3), (0.3, -0.22), (0.05, 0.32))):
        at = whole.moved(along * yard.length, across * yard.width)
        turn = (0.0, math.pi / 2, 0.0)[number]
        size = (
            (rng.uniform(18, 34), rng.uniform(11, 17))
            if number < 2
            else (rng.uniform(11, 16), rng.uniform(8, 10))
        )
        shed = replace(
            whole,
            row=at[0],
            col=at[1],
            angle=whole.angle + turn,
            length=size[0] * METRE,
            width=size[1] * METRE,
        )
        if cell.holds(shed, 1 * METRE):
            roof = metal_roof(rng, width=size[1]) if number < 2 else draw_roof(rng, site.style, width=size[1])
            site.build(shed, roof, rng)
    garden(site, cell, piece, rng, trees=int(rng.integers(4, 12)))


def market_garden(site: Site, cell: Cell, rng: np.random.Generator) -> None:
    """Fill a cell with rows of greenhouses on bare ground."""
    piece = piece_of(site.ground, cell)
    if piece is None:
        return
    tone = 0.06 * piece.mottle + 0.06 * piece.speckle
    colour = shaded(mixed(COLOURS["gravel"], site.style.soil, 0.6), tone)
    site.canvas.paint(piece.window, piece.mask, code=Code.PERVIOUS, colour=colour)
    whole = cell.frame
    length, width = whole.length, whole.width
    bay = rng.uniform(7.5, 9.5) * METRE
    pitch = bay + rng.uniform(0.0, 2.5) * METRE
    long = min(0.8 * length, 70 * METRE)
    for across in np.arange(-0.5 * width + pitch, 0.5 * width - pitch / 2, pitch):
        at = whole.moved(rng.uniform(-1, 1) * METRE, float(across))
        tunnel = replace(whole, row=at[0], col=at[1], length=long, width=bay)
        while tunnel.length > 12 * METRE and not cell.holds(tunnel, 1.5 * METRE):
            tunnel = replace(tunnel, length=0.85 * tunnel.length)
        if tunnel.length > 12 * METRE:
            site.later.append(partial(greenhouse, site.canvas, site.placed(tunnel), rng))
