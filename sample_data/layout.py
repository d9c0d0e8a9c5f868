"""The lay of the land: a plane cut again and again by straight lines, seen through a gentle warp.

A cell is a convex polygon in warped coordinates. Its pixels are found from the signs of its sides' line
equations, so cells of one division cover every pixel exactly once, and the distance to a side costs nothing.
"""

# ruff: noqa: TID252 (the folder has two names, ``sample_data`` here and ``workbench._sample_data`` installed)
from __future__ import annotations

__all__ = ["Cell", "Cut", "Ground", "Line", "Side", "subdivide"]

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from workbench.geo.grid import Window

from .canvas import Frame, clipped
from .textures import METRE, Floats, Masks, fractal, smooth_noise

_WARP_PERIOD, _WARP_AMPLITUDE = 110 * METRE, 3.2 * METRE
_MARGIN = 4 * _WARP_AMPLITUDE


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A straight line of the warped plane: normal · (row, col) = offset."""

    normal_row: float
    normal_col: float
    offset: float

    def value(self, row: float, col: float) -> float:
        """Return the signed distance of a point in warped pixels."""
        return self.normal_row * row + self.normal_col * col - self.offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a cell: its line, on which side of it the cell lies, and what runs along it."""

    line: Line | None
    """None for the frame of the scene."""
    below: bool
    """Whether the cell lies where the line's value is negative."""
    border: str
    half_width: float
    """Half of the border's width, in pixels: what is built inside the cell keeps that distance."""


class Ground:
    """The warp from pixels to the plane in which the land is cut up."""

    def __init__(self, shape: tuple[int, int], rng: np.random.Generator) -> None:
        self.shape = shape
        rows = np.arange(shape[0], dtype=np.float32)[:, None] + 0.5
        cols = np.arange(shape[1], dtype=np.float32)[None, :] + 0.5
        self.rows: Floats = rows + np.float32(_WARP_AMPLITUDE) * smooth_noise(rng, shape, _WARP_PERIOD)
        self.cols: Floats = cols + np.float32(_WARP_AMPLITUDE) * smooth_noise(rng, shape, _WARP_PERIOD)

        self.mottle: Floats = fractal(rng, shape, 4 * METRE, octaves=4)
        """Shape (row, col). Noise that varies over some metres, shared by all surfaces."""
        self.speckle: Floats = fractal(rng, shape, 0.5 * METRE, octaves=2, gain=0.9)
        """Shape (row, col). Noise that varies over half a metre."""
        self.patch: Floats = smooth_noise(rng, shape, 30 * METRE)
        """Shape (row, col). Noise that varies over tens of metres."""
        self.lie: Floats = smooth_noise(rng, shape, 18 * METRE)
        self.lie += 0.45 * smooth_noise(rng, shape, 8 * METRE)
        """Shape (row, col). How far wild land is grown over: rock far below 0, grass, brush, trees."""

    @property
    def frame(self) -> Cell:
        """Return the cell of the whole scene, a little larger than it."""
        low, bottom, right = -_MARGIN, self.shape[0] + _MARGIN, self.shape[1] + _MARGIN
        corners = ((low, low), (low, right), (bottom, right), (bottom, low))
        return Cell(corners=corners, sides=(Side(line=None, below=True, border="frame", half_width=0),) * 4)

    def image_point(self, row: float, col: float) -> tuple[float, float]:
        """Return the pixel position (row, col) of a point of the warped plane (two fixed-point steps)."""
        at_row, at_col = row, col
        for _ in range(2):
            pixel = (
                min(max(int(at_row), 0), self.shape[0] - 1),
                min(max(int(at_col), 0), self.shape[1] - 1),
            )
            at_row = row - (float(self.rows[pixel]) - pixel[0] - 0.5)
            at_col = col - (float(self.cols[pixel]) - pixel[1] - 0.5)
        return at_row, at_col

    def distance(self, line: Line, window: Window) -> Floats:
        """Return the signed distance of each pixel from a line, in warped pixels."""
        value = self.rows[window.slices] * np.float32(line.normal_row)
        value += self.cols[window.slices] * np.float32(line.normal_col)
        value -= np.float32(line.offset)
        return value

    def along(self, line: Line, window: Window) -> Floats:
        """Return the position of each pixel along a line, in warped pixels."""
        value = self.cols[window.slices] * np.float32(line.normal_row)
        value -= self.rows[window.slices] * np.float32(line.normal_col)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A convex piece of the warped plane."""

    corners: tuple[tuple[float, float], ...]
    """(row, col) in warped pixels; side i runs from corner i to corner i + 1."""
    sides: tuple[Side, ...]

    @property
    def area(self) -> float:
        """Area in square pixels."""
        turned = self.corners[1:] + self.corners[:1]
        return abs(sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(self.corners, turned, strict=True))) / 2

    @property
    def centre(self) -> tuple[float, float]:
        """Return the mean of the corners, (row, col) in warped pixels."""
        count = len(self.corners)
        return sum(row for row, _ in self.corners) / count, sum(col for _, col in self.corners) / count

    def window(self, ground: Ground, *, margin: float = 0) -> Window | None:
        """Return the pixels that may belong to the cell, or None where it lies outside the image."""
        rows, cols = zip(*(ground.image_point(row, col) for row, col in self.corners), strict=True)
        # Between two corners the warp bends a side by less than this; beyond the frame the warp is guessed.
        reach = max(max(rows) - min(rows), max(cols) - min(cols))
        bend = min(_MARGIN, 10 + 1e-4 * reach**2) + margin
        if min(rows) < 0 or min(cols) < 0 or max(rows) > ground.shape[0] or max(cols) > ground.shape[1]:
            bend += _MARGIN / 2
        return clipped(min(rows) - bend, min(cols) - bend, max(rows) + bend, max(cols) + bend, ground.shape)

    def mask(self, ground: Ground, window: Window) -> Masks:
        """Return which pixels of a window are the cell's."""
        inside = np.ones(window.shape, dtype=bool)
        for side in self.sides:
            if side.line is not None:
                inside &= (ground.distance(side.line, window) < 0) == side.below
        return inside

    def room(self, row: float, col: float) -> float:
        """Return how far a point of the warped plane is from the nearest border strip; negative outside."""
        rooms = [
            (-side.line.value(row, col) if side.below else side.line.value(row, col)) - side.half_width
            for side in self.sides
            if side.line is not None
        ]
        return min(rooms, default=math.inf)

    def box(self) -> tuple[float, float, float]:
        """Return (angle, length, width) of the smallest box around the cell that shares a side's direction.

        The angle is that of the length, in radians from the column axis towards the row axis.
        """
        best = (math.inf, 0.0, 0.0, 0.0)
        for start, end in zip(self.corners, self.corners[1:] + self.corners[:1], strict=True):
            angle = math.atan2(end[0] - start[0], end[1] - start[1])
            cos, sin = math.cos(angle), math.sin(angle)
            along = [col * cos + row * sin for row, col in self.corners]
            across = [row * cos - col * sin for row, col in self.corners]
            length, width = max(along) - min(along), max(across) - min(across)
            if length * width < best[0] * (1 - 1e-9):
                flipped = length < width
                best = (
                    length * width,
                    angle + math.pi / 2 if flipped else angle,
                    max(length, width),
                    min(length, width),
                )
        return best[1:]

    @property
    def frame(self) -> Frame:
        """Return the box around the cell, centred on the cell's centre, in warped pixels."""
        angle, length, width = self.box()
        return Frame(row=self.centre[0], col=self.centre[1], angle=angle, length=length, width=width)

    def holds(self, frame: Frame, clearance: float) -> bool:
        """Tell whether a frame of the warped plane lies inside, so far from the border strips."""
        return all(self.room(row, col) >= clearance for row, col in frame.corners())

    def split(self, line: Line, border: str, half_width: float) -> tuple[Cell, Cell] | None:
        """Cut the cell in two along a line; None where the line misses it."""
        values = [line.value(row, col) for row, col in self.corners]
        if min(values) > -1 or max(values) < 1:
            return None
        below = self._half(line, values, Side(line=line, below=True, border=border, half_width=half_width))
        above = self._half(
            line, [-v for v in values], Side(line=line, below=False, border=border, half_width=half_width)
        )
        return below, above

    def _half(self, line: Line, values: list[float], cut: Side) -> Cell:
        corners: list[tuple[float, float]] = []
        sides: list[Side] = []
        count = len(values)
        for i in range(count):
            j = (i + 1) % count
            if values[i] < 0:
                corners.append(self.corners[i])
                sides.append(self.sides[i])
            if (values[i] < 0) != (values[j] < 0):
                share = values[i] / (values[i] - values[j])
                corners.append(
                    (
                        self.corners[i][0] + share * (self.corners[j][0] - self.corners[i][0]),
                        self.corners[i][1] + share * (self.corners[j][1] - self.corners[i][1]),
                    )
                )
                sides.append(cut if values[i] < 0 else self.sides[i])
        return Cell(corners=tuple(corners), sides=tuple(sides))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """One cut of a cell: what runs along the line inside it."""

    parent: Cell
    line: Line
    border: str
    half_width: float
    """Half of the strip's width in pixels."""
    depth: int
    """How many cuts led to the parent."""

    @property
    def rank(self) -> tuple[int, int]:
        """Return the order of painting, from last to first: what rolls covers what stops."""
        heavy = ("street", "road", "rail")
        return (-heavy.index(self.border) if self.border in heavy else 1, self.depth)

    @property
    def strip(self) -> Cell:
        """Return the part of the parent within the half width of the line."""
        cell = self.parent
        for sign in (1, -1):
            line = replace(self.line, offset=self.line.offset + sign * self.half_width)
            halves = cell.split(line, self.border, 0)
            if halves is not None:
                cell = halves[0 if sign > 0 else 1]
        return cell


def subdivide(
    cell: Cell,
    rng: np.random.Generator,
    *,
    area: Callable[[], float],
    border: Callable[[int], tuple[str, float]],
    jitter: float,
    depth: int = 0,
) -> tuple[list[Cell], list[Cut]]:
    """Cut a cell across its length until the pieces are small enough.

    Parameters
    ----------
    cell
        What to cut up.
    rng
        Source of positions and directions.
    area
        Draws the wanted area of a piece, in square pixels.
    border
        Draws what runs along a cut of a given depth: its name and its width in pixels.
    jitter
        Standard deviation of the cut's direction in radians.
    depth
        How many cuts led here.

    Returns
    -------
    pieces, cuts
        The pieces cover the cell; cuts come outermost first.
    """
    if cell.area < 1.45 * area():
        return [cell], []
    angle, length, width = cell.box()
    if depth == 0 and length < 1.3 * width:  # a square lies in no direction
        angle = rng.uniform(0, math.pi)
    angle += float(np.clip(rng.uniform(-1, 1) + rng.uniform(-1, 1), -1.6, 1.6)) * jitter
    normal_row, normal_col = math.sin(angle), math.cos(angle)
    positions = [row * normal_row + col * normal_col for row, col in cell.corners]
    share = rng.uniform(0.36, 0.64) if length < 2.4 * width else rng.uniform(0.3, 0.7)
    offset = min(positions) + share * (max(positions) - min(positions))
    line = Line(normal_row=normal_row, normal_col=normal_col, offset=offset)
    name, across = border(depth)
    halves = cell.split(line, name, across / 2)
    if halves is None:
        return [cell], []
    pieces: list[Cell] = []
    cuts = [Cut(parent=cell, line=line, border=name, half_width=across / 2, depth=depth)]
    for half in halves:
        more_pieces, more_cuts = subdivide(
            half, rng, area=area, border=border, jitter=jitter, depth=depth + 1
        )
        pieces += more_pieces
        cuts += more_cuts
    return pieces, cuts
