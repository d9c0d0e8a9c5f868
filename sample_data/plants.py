"""Everything woody: stands of crowns, single trees, bushes, hedges, cleared stands."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["Stand", "brush", "clear_cut", "draw_stand", "forest", "hedge", "shrubs", "tree"]

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .canvas import Canvas, clipped
from .layout import Cut
from .pieces import Piece
from .style import COLOURS, Code, Style, mixed
from .textures import METRE, Floats, Masks, blend, domes, fractal, shaded, smooth_noise

# What a crown may not stand on, although it may reach over it.
_BUILT = frozenset({Code.BUILDING, Code.IMPERVIOUS, Code.WATER, Code.POOL, Code.GREENHOUSE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """What grows in a forest cell."""

    conifers: float
    """Share of conifers, 0 to 1; in between they form patches."""
    mingled: bool
    """Whether species alternate tree by tree: class *mixed*."""
    crown: float
    """Mean crown diameter in metres."""
    tall: float
    """Height of the tallest tree in metres."""
    density: float
    """Share of the crowns that stand, 0 to 1."""


def draw_stand(rng: np.random.Generator, *, conifers: float) -> Stand:
    """Draw a stand; ``conifers`` is how likely it is coniferous."""
    pure = rng.random()
    share = 0.0 if pure > conifers + 0.12 else (1.0 if pure < conifers else rng.uniform(0.2, 0.8))
    crown = rng.uniform(4.5, 8.5) * (1 - 0.3 * share)
    return Stand(
        conifers=share,
        mingled=0 < share < 1 and rng.random() < 0.3,
        crown=crown,
        tall=rng.uniform(1.7, 2.6) * crown,
        density=rng.uniform(0.8, 1.0),
    )


def forest(
    canvas: Canvas, piece: Piece, rng: np.random.Generator, stand: Stand, *, floor: int, mask: Masks
) -> None:
    """Raise a stand of single crowns on the masked pixels of one object (its floor) and over its edges."""
    shape, window = piece.shape, piece.window
    ground = mask & (canvas.objects[window.slices] == floor)
    alive = ground.copy()
    alive &= rng.random(shape, dtype=np.float32) < stand.density
    patch = smooth_noise(rng, shape, 14 * METRE) + 0.3 * smooth_noise(rng, shape, 5 * METRE)
    conifer = patch < _quantile(stand.conifers)
    if stand.mingled:
        conifer = rng.random(shape, dtype=np.float32) < stand.conifers
    needle = _crowns(piece, rng, stand, alive & conifer, cone=True) if stand.conifers > 0 else None
    leaf = _crowns(piece, rng, stand, alive & ~conifer, cone=False) if stand.conifers < 1 else None
    cover = np.zeros(shape, np.float32)
    for crowns in (needle, leaf):
        if crowns is not None:
            cover = np.maximum(cover, crowns[0])
    inner = ndimage.uniform_filter((cover > 0).astype(np.float32), round(6 * METRE)) > 0.36
    inner &= ground
    litter = shaded(mixed(COLOURS["litter"], COLOURS["bush"], 0.5), 0.12 * piece.speckle + 0.1 * piece.mottle)
    shrub = np.maximum(0.5 + 0.4 * piece.mottle, 0)
    for where, code in ((conifer, Code.CONIFEROUS), (~conifer, Code.DECIDUOUS)):
        if stand.mingled:
            code = Code.MIXED
        if (inner & where).any():
            canvas.paint(window, inner & where, code=code, colour=litter, height=shrub)
    for crowns, code in ((needle, Code.CONIFEROUS), (leaf, Code.DECIDUOUS)):
        if crowns is not None:
            height, colour = crowns
            where = (height > 0) & (height > canvas.height[window.slices])
            canvas.paint(
                window, where, code=Code.MIXED if stand.mingled else code, colour=colour, height=height
            )


def _crowns(
    piece: Piece, rng: np.random.Generator, stand: Stand, alive: Masks, *, cone: bool
) -> tuple[Floats, Floats]:
    """Return height (metres, 0 between the crowns) and colour of the crowns whose feet are alive."""
    spacing = max(8, round(stand.crown * (0.62 if cone else 0.8) * METRE))
    top, tone = domes(
        rng,
        piece.shape,
        spacing,
        profile="cone" if cone else "round",
        alive=alive,
        wobble=spacing * (0.04 if cone else 0.09),
        radius=(0.5, 0.78),
    )
    tufts, _ = domes(rng, piece.shape, 4 if cone else 6, radius=(0.5, 1.0))
    leaf = 0.75 * tufts + 0.3 * piece.speckle
    standing = top > (0.1 if cone else 0.22)
    body = 0.5 + 0.5 * top if cone else 0.55 + 0.45 * top
    height = stand.tall * body * (1 + 0.12 * tone) + (0.7 if cone else 1.15) * leaf
    height = np.where(standing, np.maximum(height, 1.0), np.float32(0))
    if cone:
        colour = blend(COLOURS["conifer"], COLOURS["conifer blue"], 0.5 + 0.6 * tone)
    else:
        colour = blend(
            COLOURS["broadleaf"], COLOURS["broadleaf light"], 0.35 + 0.45 * tone + 0.15 * piece.mottle
        )
    light = 0.11 * tone + 0.12 * (tufts - 0.6) + 0.05 * piece.speckle - 0.3 * np.clip(0.55 - top, 0, 1)
    return height, shaded(colour, light)


def tree(
    canvas: Canvas,
    row: float,
    col: float,
    rng: np.random.Generator,
    *,
    radius: float,
    tall: float,
    conifer: bool = False,
    bush: bool = False,
) -> None:
    """Raise one tree or bush (radius and height in metres) unless its foot is on something built."""
    if canvas.at(row, col) in _BUILT | {0}:
        return
    reach = radius * METRE
    window = clipped(row - 1.4 * reach, col - 1.4 * reach, row + 1.4 * reach, col + 1.4 * reach, canvas.shape)
    if window is None:
        return
    rows = (np.arange(window.row, window.row_stop) + 0.5 - row).astype(np.float32)[:, None]
    cols = (np.arange(window.col, window.col_stop) + 0.5 - col).astype(np.float32)[None, :]
    ragged = 1 + 0.2 * smooth_noise(rng, window.shape, max(2.0, reach / 2.2))
    near = 1 - (rows * rows + cols * cols) * (ragged * (1 / reach**2))
    if conifer:
        near = 1 - np.sqrt(np.maximum(1 - near, 0))
    clumps = smooth_noise(rng, window.shape, 0.55 * METRE)
    top = np.sqrt(np.maximum(near, 0)) if not conifer else np.maximum(near, 0)
    height = tall * (0.3 + 0.7 * top) + min(0.5, 0.14 * tall) * clumps
    where = (near > 0.03) & (height > canvas.height[window.slices])
    if not where.any():
        return
    name = "conifer" if conifer else "bush" if bush else "broadleaf"
    other = "conifer blue" if conifer else "heath" if bush else "broadleaf light"
    base = mixed(COLOURS[name], COLOURS[other], rng.uniform(-0.15, 0.7))
    light = rng.uniform(-0.12, 0.1) + 0.08 * clumps + 0.3 * (top - 0.75)
    code = Code.CONIFEROUS if conifer else Code.BRUSHWOOD if bush else Code.DECIDUOUS
    canvas.paint(window, where, code=code, colour=shaded(base, light), height=height)


def brush(
    canvas: Canvas, piece: Piece, rng: np.random.Generator, style: Style, *, mask: Masks | None = None
) -> int:
    """Paint brushwood: bushes of 1 to 3 m over dry grass, one object."""
    where = piece.mask if mask is None else mask
    patches = fractal(rng, piece.shape, 7 * METRE, octaves=3)
    under = blend(mixed(COLOURS["heath"], style.soil, 0.25), COLOURS["dry grass"], 0.35 + 0.22 * patches)
    colour = shaded(under, 0.09 * piece.speckle + 0.05 * piece.mottle)
    height = np.maximum(0.25 + 0.12 * piece.speckle, 0)
    thin = smooth_noise(rng, piece.shape, 5 * METRE) > rng.uniform(-1.3, 0.0)
    for spacing, tall in ((round(2.4 * METRE), 2.4), (round(1.2 * METRE), 1.2)):
        top, tone = domes(
            rng, piece.shape, spacing, alive=where & thin, wobble=0.14 * spacing, radius=(0.3, 0.72)
        )
        rise = tall * top * (1 + 0.3 * tone) + 0.22 * piece.speckle
        bushes = (top > 0.2) & (rise > height)
        green = blend(COLOURS["bush"], COLOURS["heath"], 0.4 + 0.45 * tone + 0.1 * patches)
        leaf = shaded(green, 0.12 * tone + 0.1 * piece.speckle + 0.25 * (top - 0.7))
        colour = np.where(bushes, leaf, colour)
        height = np.where(bushes, rise, height)
    return canvas.paint(piece.window, where, code=Code.BRUSHWOOD, colour=colour, height=height)


def clear_cut(canvas: Canvas, piece: Piece, rng: np.random.Generator, style: Style) -> int:
    """Paint a felled stand: soil and slash in windrows, stumps, skid trails, first regrowth."""
    patches = fractal(rng, piece.shape, 8 * METRE, octaves=4)
    row = piece.across * (1 / (rng.uniform(9, 14) * METRE)) + 0.12 * patches
    heap = np.clip(2.2 - 6.5 * np.abs(row - np.floor(row) - 0.5), 0, 1)
    sticks = smooth_noise(rng, piece.shape, 1.7)
    colour = blend(mixed(style.soil, COLOURS["litter"], 0.4), COLOURS["slash"], heap + 0.25 * patches)
    green = np.clip(0.5 * patches - 0.35, 0, 0.7)
    colour += (np.asarray(COLOURS["lush grass"], np.float32)[:, None, None] - colour) * green
    tone = 0.1 * sticks * (0.5 + heap) + 0.07 * piece.speckle
    height = np.maximum(0.15 + 0.9 * heap * (1 + 0.4 * sticks) + 0.12 * piece.speckle, 0)
    return canvas.paint(
        piece.window, piece.mask, code=Code.CLEAR_CUT, colour=shaded(colour, tone), height=height
    )


def shrubs(canvas: Canvas, piece: Piece, rng: np.random.Generator, count: int) -> None:
    """Scatter some bushes and small trees over a piece."""
    for _ in range(count):
        row = piece.window.row + rng.uniform(0, piece.window.height)
        col = piece.window.col + rng.uniform(0, piece.window.width)
        local = int(row) - piece.window.row, int(col) - piece.window.col
        if not piece.mask[local]:
            continue
        if rng.random() < 0.5:
            tree(canvas, row, col, rng, radius=rng.uniform(0.6, 1.6), tall=rng.uniform(0.8, 2.5), bush=True)
        else:
            radius = rng.uniform(1.5, 4.5)
            tree(canvas, row, col, rng, radius=radius, tall=2.2 * radius, conifer=rng.random() < 0.15)


def hedge(canvas: Canvas, blocks: Iterable[Piece], cut: Cut, rng: np.random.Generator) -> None:
    """Raise a hedge along a cut: a ragged strip of bushes, with trees in it where it is wide."""
    tall = min(3.5, 0.32 * cut.half_width)
    green = mixed(COLOURS["bush"], COLOURS["broadleaf"], rng.uniform(0, 0.8))
    feet: list[tuple[float, float]] = []
    with canvas.one_thing():
        for piece in blocks:
            distance = np.abs(piece.ground.distance(cut.line, piece.window))
            ragged = cut.half_width * (1 + 0.25 * piece.mottle + 0.12 * piece.speckle)
            where = piece.mask & (distance < ragged)
            where &= ~np.isin(canvas.classes[piece.window.slices], tuple(_BUILT))
            rounded = 1 - (distance / np.maximum(ragged, 1)) ** 2
            height = tall * (0.5 + 0.5 * rounded) * (1 + 0.15 * piece.mottle) + 0.25 * piece.speckle
            where &= height > canvas.height[piece.window.slices]
            colour = shaded(green, 0.12 * piece.mottle + 0.1 * piece.speckle)
            height = np.maximum(height, 0.4)
            canvas.paint(piece.window, where, code=Code.BRUSHWOOD, colour=colour, height=height)
            rows, cols = np.nonzero(where & (distance < 1))
            picks = rng.integers(len(rows), size=len(rows) // round(40 * METRE)) if len(rows) else ()
            feet.extend((float(rows[i] + piece.window.row), float(cols[i] + piece.window.col)) for i in picks)
    for row, col in feet if cut.border == "hedge" else ():
        radius = rng.uniform(1.8, 4.2)
        tree(canvas, row, col, rng, radius=radius, tall=2.3 * radius)


def _quantile(share: float) -> float:
    """Return about the point below which a share of a bell-shaped noise of unit deviation lies."""
    return 2.56 * (share - 0.5) * (1 + 0.9 * abs(share - 0.5) ** 2)
