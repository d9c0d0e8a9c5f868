"""Pictures as napari shows them: arrays of which only what is on the screen is made, when it is asked for.

A `Picture` draws a `DeskRaster` by a recipe; its `LazyLevel`s are what a multiscale Image layer slices. No
Qt, no napari.
"""

from __future__ import annotations

__all__ = ["LazyLevel", "Look", "Picture", "Showing", "Swipe", "reserve"]

import math
import threading
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_plugin.desk_rasters import DeskRaster
from napari_plugin.recipes import Recipe
from workbench.geo.grid import Window
from workbench.geo.rendering import veil

Index = int | slice | EllipsisType


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How light and dark a picture is."""

    gamma: float = 1.0
    """Above 1 lifts shadows."""
    percentiles: tuple[float, float] | None = None
    """Of each band's values, from darkest to lightest; None leaves it to the recipe."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swipe:
    """A line across the world, on one side of which a picture is clear and shows what lies below."""

    hides: Literal["left", "right", "above", "below"]
    at: float
    """World coordinate of the line in metres: x for left and right, y for above and below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What a picture shows of a raster."""

    recipe: Recipe
    look: Look = field(default_factory=Look)
    dimmed: bool = True
    """Whether a veil lies on what is around the zone."""
    swipe: Swipe | None = None


_PIECES = 5
"""Two that two layers show, two that they will show, and one that a graphics card may still be reading."""


class _Memory:
    """Memory for pictures, used again once nobody looks at the last one in it.

    Touching new memory takes longer than drawing does: a view from one and a half times as many pixels as the
    screen has is 30 MB, and each of its pages is a trip to the kernel.
    """

    def __init__(self) -> None:
        self._pieces: list[bytearray] = []
        self._lock = threading.Lock()

    def take(self, shape: tuple[int, int]) -> NDArray[np.uint32]:
        """Return an array of a shape (row, col) that holds anything."""
        count = shape[0] * shape[1]
        with self._lock:
            piece = next((one for one in self._pieces if len(one) >= 4 * count and _unused(one)), None)
            if piece is None:
                piece = bytearray(4 * count)
                self._pieces = [piece, *self._pieces[: _PIECES - 1]]
            return np.frombuffer(piece, np.uint32, count).reshape(shape)


def _unused(piece: bytearray) -> bool:
    """Tell whether no array lies in a piece of memory: Python refuses to change the size of a used one."""
    try:
        piece.append(piece.pop())
    except BufferError:
        return False
    return True


_MEMORY = _Memory()
"""Of all pictures: who looks at another one needs the memory of the last no more."""


def reserve(rows: int, cols: int, *, pictures: int = 3) -> None:
    """Touch the memory that views on a canvas of a size need, so that the first of them do not wait for it.

    napari asks for up to twice as many pixels a side as the canvas has, and whole chunks: 40 MB for a picture
    on a canvas of 1,100 × 1,500.
    """
    height, width = (2 * side + 2 * LazyLevel.chunks[0] for side in (rows, cols))
    taken = [_MEMORY.take((height, width)) for _ in range(min(pictures, _PIECES))]
    for one in taken:
        one.fill(0)


class Picture:
    """What a layer of napari shows of a raster: its `levels` are drawn when they are asked for.

    After a new `view` the layer's ``refresh()`` shows it; the levels stay the same objects. A layer may as
    well be given the ``levels`` of another picture as its ``data``.

    Parameters
    ----------
    raster
        What is shown; pictures may share it.
    view
        How; its recipe must be one of this raster.
    """

    def __init__(self, raster: DeskRaster, view: Showing) -> None:
        self.raster = raster
        self.levels = [LazyLevel(self, level, shape) for level, shape in enumerate(raster.shapes())]
        """What an Image layer takes as ``data``, with ``multiscale=True`` and ``rgb=True``."""
        self._overview: NDArray[np.uint8] | None = None
        self.view = view

    @property
    def view(self) -> Showing:
        """What the picture shows."""
        return self._view

    @view.setter
    def view(self, view: Showing) -> None:
        raster, rendering = self.raster, view.recipe.rendering
        if view.recipe.raster != raster.key:
            raise ValueError(f"recipe {view.recipe.key} is of raster {view.recipe.raster}, not {raster.key}")
        percentiles = view.look.percentiles or rendering.percentiles
        self._view = view
        self._bands = [raster.bands.index(band) for band in rendering.bands]
        self._stretches = [raster.stretch(band, percentiles, view.look.gamma) for band in rendering.bands]
        if self._overview is not None:
            self._overview[:] = self.draw(len(self.levels) - 1, self.levels[-1].whole)

    def overview(self) -> NDArray[np.uint8]:
        """Return the coarsest level as an array, shape (row, col, 4), which is painted anew with each view.

        napari keeps the array of that level, for thumbnails and for views from far away.
        """
        if self._overview is None:
            self._overview = self.draw(len(self.levels) - 1, self.levels[-1].whole).copy()
        return self._overview

    def draw(self, level: int, window: Window) -> NDArray[np.uint8]:
        """Return the picture of a window of a level, shape (row, col, 4)."""
        seen = self._seen(level, window)
        if seen == window:
            return self._drawn(level, window)
        picture = _MEMORY.take(window.shape).view(np.uint8).reshape(*window.shape, 4)
        picture[:] = 0
        if seen is not None:
            picture[seen.within(window).slices] = self._drawn(level, seen)
        return picture

    def _seen(self, level: int, window: Window) -> Window | None:
        """Return the part of a window in which there are bands and that no swipe hides."""
        starts, stops = [0, 0], list(self.raster.levels[level].pixels.shape[1:])
        if (swipe := self._view.swipe) is not None:
            axis: Literal[0, 1] = 1 if swipe.hides in ("left", "right") else 0
            first, side = self.raster.centres(level, axis)
            edge = min(max(0, math.ceil((swipe.at - first) / side)), stops[axis])
            (starts if swipe.hides in ("left", "above") else stops)[axis] = edge
        if starts[0] >= stops[0] or starts[1] >= stops[1]:
            return None
        height, width = stops[0] - starts[0], stops[1] - starts[1]
        return window.intersection(Window(row=starts[0], col=starts[1], height=height, width=width))

    def _drawn(self, level: int, window: Window) -> NDArray[np.uint8]:
        raster, view, bands = self.raster, self._view, self.raster.levels[level]
        picture = view.recipe.rendering.draw(
            [bands.pixels[band] for band in self._bands],
            self._stretches,
            window,
            pixel=raster.scale * 2**level,
            valid=bands.valid,
            into=_MEMORY.take(window.shape),
        )
        if view.dimmed:
            rows, cols = window.slices
            veil(picture, raster.cells_of(level, 0)[rows], raster.cells_of(level, 1)[cols], raster.cells)
        return picture


class LazyLevel:
    """A level of a picture as napari slices it: an array of colours that are made when they are asked for."""

    dtype = np.dtype(np.uint8)
    ndim = 3
    chunks = (256, 256, 4)
    """napari asks for whole chunks, so that not every step of a pan is drawn."""

    def __init__(self, picture: Picture, level: int, shape: tuple[int, int]) -> None:
        self._picture, self._level = picture, level
        self.shape = (*shape, 4)
        self.whole = Window(row=0, col=0, height=shape[0], width=shape[1])

    @property
    def size(self) -> int:
        """Return the number of values."""
        return math.prod(self.shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        last = self._level == len(self._picture.levels) - 1
        drawn = self._picture.overview() if last else self._picture.draw(self._level, self.whole)
        return np.array(drawn, dtype=dtype, copy=copy)

    def __getitem__(self, key: Index | tuple[Index, ...]) -> NDArray[np.uint8]:
        row, col, channel = _three(key)
        (rows, in_rows), (cols, in_cols) = _span(row, self.shape[0]), _span(col, self.shape[1])
        if not len(rows) or not len(cols):
            drawn = np.empty((len(rows), len(cols), 4), np.uint8)
        else:
            window = Window(row=rows.start, col=cols.start, height=len(rows), width=len(cols))
            drawn = self._picture.draw(self._level, window)
        return drawn[in_rows, in_cols, channel]


def _three(key: Index | tuple[Index, ...]) -> tuple[int | slice, int | slice, int | slice]:
    """Return an index with one entry for each of three axes."""
    entries = key if isinstance(key, tuple) else (key,)
    given: list[int | slice] = [entry for entry in entries if not isinstance(entry, EllipsisType)]
    if len(entries) - len(given) > 1 or len(given) > 3:
        raise IndexError(f"{key} is too long for an array of rows, columns and channels")
    at = entries.index(...) if len(given) < len(entries) else len(given)
    given[at:at] = [slice(None)] * (3 - len(given))
    row, col, channel = given
    return row, col, channel


def _span(index: int | slice, size: int) -> tuple[range, int | slice]:
    """Return the pixels that an index needs, without gaps, and where its own are among them."""
    if not isinstance(index, slice):
        at = range(size)[index]  # raises where there is none
        return range(at, at + 1), 0
    wanted = range(size)[index]
    if not len(wanted):
        return range(0), slice(None)
    first, last = min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1])
    return range(first, last + 1), slice(None, None, wanted.step)
