"""Where painting goes on: the ground now, what stands on it later; and what grows in gardens."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["Site", "garden"]

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from .built import Roof, building, metal_roof
from .canvas import Canvas, Frame
from .layout import Cell, Ground
from .pieces import Piece
from .plants import tree
from .style import Style
from .textures import METRE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Site:
    """Where painting goes on: first the ground, then what stands on it."""

    canvas: Canvas
    ground: Ground
    style: Style
    later: list[Callable[[], None]] = field(default_factory=list)
    """What is raised once all the ground is painted, in order."""

    def placed(self, frame: Frame) -> Frame:
        """Return a frame of the warped plane as a frame of the image."""
        row, col = self.ground.image_point(frame.row, frame.col)
        return replace(frame, row=row, col=col)

    def build(self, frame: Frame, roof: Roof, rng: np.random.Generator) -> None:
        """Plan a building on a frame of the warped plane."""
        self.later.append(partial(building, self.canvas, self.placed(frame), roof, rng))


def garden(site: Site, cell: Cell, piece: Piece, rng: np.random.Generator, *, trees: int) -> None:
    """Plan the trees, the bushes and the shed of a garden."""
    rows, cols = np.nonzero(piece.mask)
    for _ in range(trees):
        index = int(rng.integers(len(rows)))
        row, col = float(rows[index] + piece.window.row), float(cols[index] + piece.window.col)
        bush = rng.random() < 0.5
        radius = rng.uniform(0.6, 1.4) if bush else rng.uniform(1.4, 4.2)
        site.later.append(
            partial(
                tree,
                site.canvas,
                row,
                col,
                rng,
                radius=radius,
                tall=(1.3 if bush else 2.1) * radius,
                bush=bush,
                conifer=not bush and rng.random() < 0.25,
            )
        )
    if rng.random() < 0.4:
        row, col = cell.centre
        angle = cell.box()[0]
        reach = 0.35 * cell.box()[2]
        shed = Frame(
            row=row + rng.uniform(-reach, reach),
            col=col + rng.uniform(-reach, reach),
            angle=angle,
            length=rng.uniform(3, 5) * METRE,
            width=rng.uniform(2.5, 3.5) * METRE,
        )
        if cell.holds(shed, 0.4 * METRE):
            roof = replace(metal_roof(rng, width=3), eaves=2.2, rise=0.4, shape="gable", panels=False)
            site.build(shed, roof, rng)
