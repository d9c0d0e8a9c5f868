"""Borders: where two zones touch along edges of their patch cells."""

from __future__ import annotations

__all__ = ["Border", "Side", "shared_borders"]

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.geo.grid import NATIONAL_GRID, Window
from workbench.geo.zone import Zone

Side = Literal["top", "right", "bottom", "left"]
_STEPS: dict[Side, tuple[int, int]] = {"top": (-1, 0), "right": (0, 1), "bottom": (1, 0), "left": (0, -1)}
_Scalar = TypeVar("_Scalar", bound=np.generic)


@dataclass(frozen=True, slots=True, kw_only=True)
class Border:
    """A straight piece of ground border between a zone and a neighbour, and a strip on either side of it."""

    side: Side
    """On which side of the zone's cells the neighbour lies."""
    inside: Window
    """The strip of the zone, in its grid."""
    outside: Window
    """The strip of the neighbour, as deep, in the neighbour's grid."""

    @property
    def line(self) -> Window:
        """The outermost pixels of the zone along the border, in its grid."""
        row, col, height, width = self.inside.row, self.inside.col, *self.inside.shape
        match self.side:
            case "top":
                return Window(row=row, col=col, height=1, width=width)
            case "bottom":
                return Window(row=row + height - 1, col=col, height=1, width=width)
            case "left":
                return Window(row=row, col=col, height=height, width=1)
            case "right":
                return Window(row=row, col=col + width - 1, height=height, width=1)

    def outward(self, strip: NDArray[_Scalar]) -> NDArray[_Scalar]:
        """Turn a strip so that its rows go from inside the zone outwards and its columns along the border.

        Parameters
        ----------
        strip
            Shape (…, row, col) of either window.
        """
        turned = strip if self.side in ("top", "bottom") else np.swapaxes(strip, -1, -2)
        return turned if self.side in ("bottom", "right") else np.flip(turned, axis=-2)


def shared_borders(zone: Zone, other: Zone, *, depth: int) -> tuple[Border, ...]:
    """Return where two zones touch, each straight piece as long as it goes.

    Parameters
    ----------
    zone
        Whose pixels `Border.inside` is of.
    other
        Its neighbour; zones of one domain never overlap.
    depth
        Of the strips, in pixels, at most a patch cell.
    """
    if not zone.grid.same_lattice(other.grid):
        return ()
    size = NATIONAL_GRID.pixels
    row, col = zone.grid.rowcol(*other.grid.xy(0, 0))
    down, right = row // size, col // size
    theirs = {(cell.row + down, cell.col + right) for cell in other.cells}
    found = []
    for side, (down_step, right_step) in _STEPS.items():
        touching = [
            (cell.row, cell.col)
            for cell in zone.cells
            if (cell.row + down_step, cell.col + right_step) in theirs
        ]
        found += [_border(side, run, (row, col), depth) for run in _runs(touching, side)]
    return tuple(found)


def _runs(cells: list[tuple[int, int]], side: Side) -> list[list[tuple[int, int]]]:
    """Cut cells (row, col) into runs of adjacent ones along a side."""
    along, across = (1, 0) if side in ("top", "bottom") else (0, 1)
    runs: list[list[tuple[int, int]]] = []
    for cell in sorted(cells, key=lambda cell: (cell[across], cell[along])):
        last = runs[-1][-1] if runs else None
        if last and cell[across] == last[across] and cell[along] == last[along] + 1:
            runs[-1].append(cell)
        else:
            runs.append([cell])
    return runs


def _border(side: Side, run: list[tuple[int, int]], origin: tuple[int, int], depth: int) -> Border:
    """Return the border of a run of cells; ``origin`` is the neighbour's (row, col) in the zone's grid."""
    size = NATIONAL_GRID.pixels
    row, col = run[0][0] * size, run[0][1] * size
    height, width = (depth, len(run) * size) if side in ("top", "bottom") else (len(run) * size, depth)
    first = row + size - depth if side == "bottom" else row, col + size - depth if side == "right" else col
    beyond = {
        "top": (row - depth, col),
        "bottom": (row + size, col),
        "left": (row, col - depth),
        "right": (row, col + size),
    }[side]
    return Border(
        side=side,
        inside=Window(row=first[0], col=first[1], height=height, width=width),
        outside=Window(row=beyond[0] - origin[0], col=beyond[1] - origin[1], height=height, width=width),
    )
