"""The canvas: class, object, height and colour of every pixel, and the shapes that are put on it."""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["Canvas", "Frame", "Window"]

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.geo.grid import Window

from .textures import Floats, Masks

Colour = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """An oriented rectangle in pixels: a roof, a pool, a car."""

    row: float
    col: float
    angle: float
    """Direction of the length, in radians from the column axis towards the row axis."""
    length: float
    width: float

    def window(self, shape: tuple[int, int], margin: float = 0) -> Window | None:
        """Return the pixels around the frame that lie in an image, or None where there are none."""
        cos, sin = abs(math.cos(self.angle)), abs(math.sin(self.angle))
        half_row = (self.length * sin + self.width * cos) / 2 + margin
        half_col = (self.length * cos + self.width * sin) / 2 + margin
        return clipped(
            self.row - half_row, self.col - half_col, self.row + half_row, self.col + half_col, shape
        )

    def local(self, window: Window) -> tuple[Floats, Floats]:
        """Return each pixel's position along the length and across it, from the centre, in pixels."""
        rows = (np.arange(window.row, window.row_stop) + 0.5 - self.row).astype(np.float32)[:, None]
        cols = (np.arange(window.col, window.col_stop) + 0.5 - self.col).astype(np.float32)[None, :]
        cos, sin = np.float32(math.cos(self.angle)), np.float32(math.sin(self.angle))
        return cols * cos + rows * sin, rows * cos - cols * sin

    def moved(self, along: float, across: float) -> tuple[float, float]:
        """Return the (row, col) of a position given in the frame's own axes, in pixels."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return self.row + along * sin + across * cos, self.col + along * cos - across * sin

    def corners(self, margin: float = 0) -> tuple[tuple[float, float], ...]:
        """Return the (row, col) of the four corners of the frame grown by a margin."""
        length, width = self.length / 2 + margin, self.width / 2 + margin
        ends = ((-length, -width), (length, -width), (length, width), (-length, width))
        return tuple(self.moved(along, across) for along, across in ends)


class Canvas:
    """What is painted so far; later paint covers earlier paint."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.classes: NDArray[np.uint8] = np.zeros(shape, np.uint8)
        """Shape (row, col). FLAIR code of each pixel."""
        self.objects: NDArray[np.uint32] = np.zeros(shape, np.uint32)
        """Shape (row, col). One id per thing painted; parts that do not touch are told apart at the end."""
        self.height: Floats = np.zeros(shape, np.float32)
        """Shape (row, col). Metres above the ground."""
        self.colour: Floats = np.zeros((4, *shape), np.float32)
        """Shape (band, row, col). Grey level of R, G, B, NIR in full sun on flat ground."""
        self._last_object = 0
        self._thing: dict[int, int] | None = None

    @property
    def whole(self) -> Window:
        """Return the window of all pixels."""
        return Window(row=0, col=0, height=self.shape[0], width=self.shape[1])

    def paint(
        self, window: Window, mask: Masks, *, code: int, colour: Floats | Colour, height: Floats | float = 0.0
    ) -> int:
        """Cover the pixels of a mask with a new object and return its id."""
        number = None if self._thing is None else self._thing.get(code)
        if number is None:
            self._last_object = number = self._last_object + 1
            if self._thing is not None:
                self._thing[code] = number
        np.copyto(self.classes[window.slices], np.uint8(code), where=mask)
        np.copyto(self.objects[window.slices], np.uint32(number), where=mask)
        self.decorate(window, mask, colour=colour, height=height)
        return number

    @contextmanager
    def one_thing(self) -> Iterator[None]:
        """Let all that is painted inside be one object per class, such as a road painted block by block."""
        self._thing = {}
        try:
            yield
        finally:
            self._thing = None

    def decorate(
        self,
        window: Window,
        mask: Masks,
        *,
        colour: Floats | Colour | None = None,
        height: Floats | float | None = None,
    ) -> None:
        """Change how pixels look without changing what they are: a marking, a car, a chimney."""
        if height is not None:
            np.copyto(self.height[window.slices], np.float32(height), where=mask)
        if colour is not None:
            for band in range(4):
                np.copyto(self.colour[band][window.slices], np.float32(colour[band]), where=mask)

    def at(self, row: float, col: float) -> int:
        """Return the class code under a position, 0 outside the canvas."""
        inside = 0 <= row < self.shape[0] and 0 <= col < self.shape[1]
        return int(self.classes[int(row), int(col)]) if inside else 0


def clipped(top: float, left: float, bottom: float, right: float, shape: tuple[int, int]) -> Window | None:
    """Return the pixels of a box that lie in an image, or None where there are none."""
    row, col = max(0, math.floor(top)), max(0, math.floor(left))
    row_stop, col_stop = min(shape[0], math.ceil(bottom) + 1), min(shape[1], math.ceil(right) + 1)
    if row >= row_stop or col >= col_stop:
        return None
    return Window(row=row, col=col, height=row_stop - row, width=col_stop - col)
