"""Whole scenes: which land lies where, painted, raised and photographed, with exact truth."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["LARGEST", "SMALLEST", "THEMES", "VERSION", "Scene", "make_scene"]

import itertools
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from .camera import elevation_band, expose
from .canvas import Canvas
from .districts import cut_up, paint_district, run_waters
from .land import snowfields
from .layout import Ground
from .network import strip
from .pieces import blocks_of
from .plants import hedge
from .sites import Site
from .style import Code, Style, draw_style
from .textures import METRE, stream
from .truth import tidy

VERSION = 1
"""Of the generator: the bytes of a scene may only change together with it."""
THEMES = tuple("".join(pair) for pair in itertools.product("UAFNH", repeat=2))
"""Main and second theme as in FLAIR's zone names: urban, agricultural, forest, natural, water (hydro)."""

SMALLEST, LARGEST = 16, 32_768
"""Side of a scene in pixels."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """A synthetic orthophoto and all that is true of it."""

    seed: int
    theme: str
    image: NDArray[np.uint8]
    """Shape (5, row, col): R, G, B, NIR, and height above ground × 5 (0.2 m steps, saturating at 51 m)."""
    classes: NDArray[np.uint8]
    """Shape (row, col). FLAIR codes 1 … 19."""
    objects: NDArray[np.uint32]
    """Shape (row, col). Ids 1 … n without gaps; each object is 4-connected and of one class."""

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, columns)."""
        height, width = self.classes.shape
        return height, width

    @property
    def object_count(self) -> int:
        """Number of objects."""
        return int(self.objects.max())

    def class_shares(self) -> dict[int, float]:
        """Return the share of the pixels of each FLAIR code that occurs."""
        counts = np.bincount(self.classes.ravel(), minlength=20)
        return {code: float(count) / self.classes.size for code, count in enumerate(counts) if count}


def make_scene(
    *,
    seed: int,
    height: int,
    width: int | None = None,
    theme: str | None = None,
    snow: bool = False,
    flight: int | None = None,
) -> Scene:
    """Make the scene of a seed; the same arguments give the same bytes on every machine.

    Parameters
    ----------
    seed
        Any integer from 0.
    height, width
        Size in pixels of 0.2 m; a square where no width is given.
    theme
        One of `THEMES`; by default the seed chooses.
    snow
        Whether snow lies in patches.
    flight
        The seed of another scene whose season, soil, roofs, sun and camera this one shares, so that the zones
        of a domain look alike; by default its own.

    Raises
    ------
    ValueError
        A negative seed or flight, a size outside 16 … 32,768, or an unknown theme.
    """
    shape = (height, height if width is None else width)
    if seed < 0:
        raise ValueError(f"seed is {seed}; use an integer from 0")
    if flight is not None and flight < 0:
        raise ValueError(f"flight is {flight}; use an integer from 0")
    if min(shape) < SMALLEST or max(shape) > LARGEST:
        raise ValueError(f"a scene of {shape[0]} × {shape[1]} pixels; sides go from {SMALLEST} to {LARGEST}")
    if theme is None:
        theme = THEMES[int(stream(seed, 0).integers(len(THEMES)))]
    if theme not in THEMES:
        raise ValueError(f"theme {theme!r}; use two of the letters U, A, F, N and H, such as AU")
    canvas, style = _paint(seed, shape, theme, snow, seed if flight is None else flight)
    image = np.empty((5, *shape), np.uint8)
    image[:4] = expose(canvas, style, seed=seed)
    image[4] = elevation_band(canvas, seed=seed)
    classes, objects = tidy(canvas.classes, canvas.objects)
    return Scene(seed=seed, theme=theme, image=image, classes=classes, objects=objects)


def _paint(seed: int, shape: tuple[int, int], theme: str, snow: bool, flight: int) -> tuple[Canvas, Style]:
    style = draw_style(stream(flight, 4))
    ground = Ground(shape, stream(seed, 5))
    canvas = Canvas(shape)
    site = Site(canvas=canvas, ground=ground, style=style)
    canvas.paint(canvas.whole, np.ones(shape, dtype=bool), code=Code.HERBACEOUS, colour=(98, 122, 86, 146))
    districts, cuts = cut_up(ground, stream(seed, 6), theme)
    for number, (district, kind) in enumerate(districts):
        cuts += paint_district(site, district, kind, stream(seed, 7, number))
    run_waters(site, stream(seed, 8), theme)
    # Deep cuts first, so that a main road covers the ends of the lanes that meet it.
    ordered = sorted(cuts, key=lambda cut: cut.rank, reverse=True)
    for number, cut in enumerate(ordered):
        strip(
            canvas,
            blocks_of(ground, cut.strip),
            cut,
            looks=partial(stream, seed, 9, number),
            places=stream(seed, 12, number),
            style=style,
        )
    for number, cut in enumerate(ordered):
        if cut.border in ("hedge", "garden hedge"):
            hedge(canvas, blocks_of(ground, cut.strip, margin=METRE), cut, stream(seed, 10, number))
    if snow:
        snowfields(canvas, ground)
    for raise_it in site.later:
        raise_it()
    return canvas, style
