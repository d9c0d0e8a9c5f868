"""Pieces: cells as the pixels of an image."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["Piece", "blocks_of", "piece_of"]

import math
from collections.abc import Iterator
from dataclasses import dataclass

from workbench.geo.grid import Window

from .layout import Cell, Ground, Line
from .textures import Floats, Masks

_BLOCK = 640


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """A cell on the canvas: its pixels and the direction of its longest side."""

    ground: Ground
    cell: Cell
    window: Window
    mask: Masks
    """Shape of the window. Which of its pixels are the cell's."""
    side: Line

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, columns) of the window."""
        return self.window.shape

    @property
    def across(self) -> Floats:
        """Distance of each pixel from the longest side, in warped pixels."""
        return self.ground.distance(self.side, self.window)

    @property
    def along(self) -> Floats:
        """Position of each pixel along the longest side, in warped pixels."""
        return self.ground.along(self.side, self.window)

    @property
    def speckle(self) -> Floats:
        """Noise of unit deviation that varies over half a metre."""
        return self.ground.speckle[self.window.slices]

    @property
    def mottle(self) -> Floats:
        """Noise of unit deviation that varies over some metres."""
        return self.ground.mottle[self.window.slices]


def piece_of(ground: Ground, cell: Cell, *, margin: float = 0) -> Piece | None:
    """Find a cell's pixels; None where it has none inside the image."""
    window = cell.window(ground, margin=margin)
    return None if window is None else _piece(ground, cell, window)


def blocks_of(ground: Ground, cell: Cell, *, margin: float = 0) -> Iterator[Piece]:
    """Yield a cell's pixels in blocks: a slanting strip's window is far larger than the strip."""
    window = cell.window(ground, margin=margin)
    if window is None:
        return
    for row in range(window.row, window.row_stop, _BLOCK):
        for col in range(window.col, window.col_stop, _BLOCK):
            block = Window(
                row=row,
                col=col,
                height=min(_BLOCK, window.row_stop - row),
                width=min(_BLOCK, window.col_stop - col),
            )
            piece = _piece(ground, cell, block)
            if piece is not None:
                yield piece


def _piece(ground: Ground, cell: Cell, window: Window) -> Piece | None:
    mask = cell.mask(ground, window)
    if not mask.any():
        return None
    angle = cell.box()[0]
    normal_row, normal_col = math.cos(angle), -math.sin(angle)
    row, col = cell.centre
    side = Line(normal_row=normal_row, normal_col=normal_col, offset=normal_row * row + normal_col * col)
    return Piece(ground=ground, cell=cell, window=window, mask=mask, side=side)
