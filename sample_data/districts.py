"""Which kind of land fills which part of a scene."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["cut_up", "paint_district", "run_waters"]

import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from .canvas import Frame
from .estates import farmyard, flats, market_garden, works
from .land import CROPS, Crop, bare, crop, meadow, plowed, vineyard
from .layout import Cell, Cut, Ground, subdivide
from .network import draw_width
from .pieces import Piece, piece_of
from .plants import brush, clear_cut, draw_stand, forest, shrubs
from .plots import centre_plot, house_plot
from .sites import Site
from .style import pick
from .textures import METRE
from .water import basin, lake, river

_HECTARE = (100 * METRE) ** 2

_BORDERS: Mapping[str, tuple[Mapping[str, float], ...]] = {
    "district": (
        {"road": 8, "rail": 1, "track": 1},
        {"road": 3, "track": 3, "hedge": 1},
        {"track": 3, "hedge": 2, "path": 1},
    ),
    "town": ({"road": 9, "rail": 1}, {"road": 3, "street": 2, "track": 1}),
    "A": (
        {"track": 5, "hedge": 2, "margin": 3},
        {"margin": 4, "hedge": 3, "none": 3, "track": 1},
    ),
    "F": ({"track": 4, "none": 3, "path": 1}, {"none": 5, "track": 1, "path": 1}),
    "N": ({"path": 1, "track": 1, "none": 2}, {"none": 1}),
    "H": ({"path": 1, "none": 2}, {"none": 1}),
    "U": ({"street": 1},),
    "plot": ({"garden hedge": 4, "fence": 3, "wall": 2},),
}


def cut_up(ground: Ground, rng: np.random.Generator, theme: str) -> tuple[list[tuple[Cell, str]], list[Cut]]:
    """Cut the scene into districts, each with its kind of land in the theme's proportions."""
    frame = ground.frame
    count = round(ground.shape[0] * ground.shape[1] / (9 * _HECTARE))
    area = frame.area / max(2 if min(ground.shape) >= 400 else 1, count)
    cells, cuts = subdivide(
        frame,
        rng,
        area=lambda: area * rng.uniform(0.62, 1.05),
        border=_borders("town" if theme[0] == "U" else "district", rng),
        jitter=0.22,
    )
    wanted = {"A": 0.05, "N": 0.04}
    wanted[theme[1]] = wanted.get(theme[1], 0.0) + 0.33
    wanted[theme[0]] = wanted.get(theme[0], 0.0) + 0.58
    total = sum(cell.area for cell in cells)
    districts = []
    for cell in sorted(cells, key=lambda cell: -cell.area):
        kind = max(wanted, key=lambda kind: wanted[kind])
        wanted[kind] -= cell.area / total
        districts.append((cell, kind))
    return districts, cuts


def paint_district(site: Site, cell: Cell, kind: str, rng: np.random.Generator) -> list[Cut]:
    """Paint the ground of a district, plan what stands on it, and return its inner cuts."""
    sizes = {"A": (0.5, 2.6), "F": (0.6, 3.0), "N": (1.0, 4.0), "H": (2.0, 6.0), "U": (0.45, 1.0)}
    low, high = (min(size * _HECTARE, cell.area / 2.5) for size in sizes[kind])
    cells, cuts = subdivide(
        cell,
        rng,
        area=lambda: low * (high / low) ** rng.random(),
        border=_borders(kind, rng),
        jitter=0.16 if kind in "AFN" else 0.08,
    )
    if kind in "NH":
        cells = [cell]
    fill = {"A": _farmland, "F": _woodland, "N": _wild, "H": _shore, "U": _block}[kind]
    for part in cells:
        cuts += fill(site, part, rng)
    return cuts


def run_waters(site: Site, rng: np.random.Generator, theme: str) -> None:
    """Let a river run through some scenes, and fill ponds."""
    if rng.random() < (0.5 if set(theme) & {"H", "N"} else 0.12) and min(site.ground.shape) > 700:
        river(site.canvas, site.ground, rng, site.style)


def _borders(kind: str, rng: np.random.Generator) -> Callable[[int], tuple[str, float]]:
    table = _BORDERS[kind]

    def draw(depth: int) -> tuple[str, float]:
        name = pick(rng, table[min(depth, len(table) - 1)])
        return name, draw_width(rng, name)

    return draw


def _farmland(site: Site, cell: Cell, rng: np.random.Generator) -> list[Cut]:
    small = cell.area < 0.9 * _HECTARE
    use = pick(
        rng,
        {
            "crop": 5.0,
            "plowed": 1.5,
            "meadow": 1.8,
            "vineyard": 4 * site.style.vines,
            "copse": 0.5,
            "farm": 0.7 if small else 0.1,
            "greenhouses": 0.25 if small else 0.05,
            "fallow": 0.25,
        },
    )
    piece = piece_of(site.ground, cell)
    if piece is None:
        return []
    canvas, style = site.canvas, site.style
    if use == "crop":
        crop(canvas, piece, rng, style, _season_crop(style.ripeness, rng))
    elif use == "plowed":
        plowed(canvas, piece, rng, style)
    elif use == "vineyard":
        vineyard(canvas, piece, rng, style)
    elif use == "copse":
        _stand(site, piece, rng, conifers=0.15)
    elif use == "farm":
        farmyard(site, cell, rng)
    elif use == "greenhouses":
        market_garden(site, cell, rng)
    elif use == "fallow":
        brush(canvas, piece, rng, style)
    else:
        meadow(canvas, piece, rng, style)
        site.later.append(partial(shrubs, canvas, piece, rng, int(rng.integers(0, 14))))
    return []


def _season_crop(ripeness: float, rng: np.random.Generator) -> Crop:
    fitting = {name: 1.0 for name, kind in CROPS.items() if kind.season[0] <= ripeness < kind.season[1]}
    return CROPS[pick(rng, fitting)]


def _woodland(site: Site, cell: Cell, rng: np.random.Generator) -> list[Cut]:
    piece = piece_of(site.ground, cell, margin=3 * METRE)
    if piece is None:
        return []
    use = pick(rng, {"stand": 6.5, "cut": 0.9, "brush": 0.6, "clearing": 0.5})
    if use == "stand":
        _stand(site, piece, rng, conifers=0.35)
    elif use == "cut":
        clear_cut(site.canvas, piece, rng, site.style)
        site.later.append(partial(shrubs, site.canvas, piece, rng, 12))
    elif use == "brush":
        brush(site.canvas, piece, rng, site.style)
        site.later.append(partial(shrubs, site.canvas, piece, rng, 20))
    else:
        meadow(site.canvas, piece, rng, site.style)
        site.later.append(partial(shrubs, site.canvas, piece, rng, 20))
    return []


def _stand(site: Site, piece: Piece, rng: np.random.Generator, *, conifers: float) -> None:
    floor = meadow(site.canvas, piece, rng, site.style)
    stand = draw_stand(rng, conifers=conifers)
    site.later.append(partial(forest, site.canvas, piece, rng, stand, floor=floor, mask=piece.mask))


def _wild(site: Site, cell: Cell, rng: np.random.Generator) -> list[Cut]:
    """Fill a natural district: grass, brush, rock and thickets that follow no line."""
    piece = piece_of(site.ground, cell)
    if piece is None:
        return []
    canvas, style = site.canvas, site.style
    meadow(canvas, piece, rng, style, mown=False)
    lie = site.ground.lie[piece.window.slices] + 0.05 * piece.mottle
    wood = piece.mask & (lie > 0.85)
    scrub = piece.mask & (lie > -0.25)
    stony = piece.mask & (lie + 0.06 * piece.mottle < -1.2)
    if stony.any():
        bare(canvas, piece, rng, style, mask=stony, inner=-4 * (lie + 1.2), rocky=rng.random() < 0.6)
    if scrub.any():
        floor = brush(canvas, piece, rng, style, mask=scrub)
        stand = draw_stand(rng, conifers=0.25)
        site.later.append(partial(forest, canvas, piece, rng, stand, floor=floor, mask=wood))
    site.later.append(partial(shrubs, canvas, piece, rng, int(piece.mask.sum() / _HECTARE * 22)))
    if rng.random() < 0.35 and cell.area > 0.8 * _HECTARE:
        row, col = site.ground.image_point(*cell.centre)
        frame = Frame(
            row=row,
            col=col,
            angle=rng.uniform(0, math.pi),
            length=rng.uniform(35, 60) * METRE,
            width=rng.uniform(22, 34) * METRE,
        )
        basin(canvas, site.ground, rng, frame)
    return []


def _shore(site: Site, cell: Cell, rng: np.random.Generator) -> list[Cut]:
    """Fill a cell with a lake in wild land."""
    cuts = _wild(site, cell, rng)
    row, col = site.ground.image_point(*cell.centre)
    radius = math.sqrt(cell.area) * rng.uniform(0.26, 0.46)
    lake(site.canvas, site.ground, rng, site.style, row=row, col=col, radius=radius)
    return cuts


def _block(site: Site, cell: Cell, rng: np.random.Generator) -> list[Cut]:
    """Fill a block between streets."""
    big = cell.area > 0.5 * _HECTARE
    use = pick(
        rng,
        {
            "houses": 6.0,
            "centre": 1.6,
            "works": 1.3 if big else 0.3,
            "flats": 0.9 if big else 0.1,
            "park": 0.5,
        },
    )
    if use == "works":
        works(site, cell, rng)
        return []
    if use == "flats":
        flats(site, cell, rng)
        return []
    if use == "park":
        piece = piece_of(site.ground, cell)
        if piece is not None:
            meadow(site.canvas, piece, rng, site.style, lawn=True)
            site.later.append(partial(shrubs, site.canvas, piece, rng, int(rng.integers(15, 40))))
        return []
    size = (420, 900) if use == "houses" else (170, 330)
    plots, cuts = subdivide(
        cell,
        rng,
        area=lambda: rng.uniform(*size) * METRE**2,
        border=_borders("plot", rng),
        jitter=0.04,
        depth=10,
    )
    for plot in plots:
        (house_plot if use == "houses" else centre_plot)(site, plot, rng)
    return cuts
