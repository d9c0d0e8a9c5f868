"""Blocks of 10 km, in which CoSIA is published, and what their files are called."""

from __future__ import annotations

__all__ = ["Block", "blocks_of"]

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from workbench.errors import ProductError
from workbench.geo.grid import PixelGrid, Window

_SIDE = 10_000.0
_KM = 1000.0
_DOMAIN = re.compile(r"D[0-9A-Z]{2,9}_[0-9]{4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A square of the ground and the pixels of a raster whose centres lie in it."""

    west: int
    """Kilometres, of its north-west corner; what files are named after."""
    north: int
    window: Window

    def name(self, domain: str) -> str:
        """Return what its files are called, as IGN's are: ``D055_2018_830_6830``.

        Raises
        ------
        ProductError
            The domain is not department and year.
        """
        if not _DOMAIN.fullmatch(domain):
            raise ProductError(f"domain {domain!r} is not department and year; write it like D055_2018")
        return f"{domain}_{self.west}_{self.north}"


def blocks_of(grid: PixelGrid) -> Iterator[Block]:
    """Yield the blocks that hold pixels of a grid, from north to south, then west to east."""
    bounds, step = grid.bounds, grid.resolution
    first_row, last_row = math.ceil(bounds.top / _SIDE), math.floor(bounds.bottom / _SIDE)
    for row in range(first_row, last_row, -1):
        north = row * _SIDE
        top, below = (_first_beyond((bounds.top - y) / step, grid.height) for y in (north, north - _SIDE))
        for col in range(math.floor(bounds.left / _SIDE), math.ceil(bounds.right / _SIDE)):
            west = col * _SIDE
            left, beyond = (_first_beyond((x - bounds.left) / step, grid.width) for x in (west, west + _SIDE))
            if below > top and beyond > left:
                window = Window(row=top, col=left, height=below - top, width=beyond - left)
                yield Block(west=round(west / _KM), north=round(north / _KM), window=window)


def _first_beyond(edge: float, size: int) -> int:
    """Return the first pixel whose centre lies at or beyond an edge, in pixels from the grid's corner."""
    return min(size, max(0, math.ceil(edge - 0.5 - 1e-6)))
