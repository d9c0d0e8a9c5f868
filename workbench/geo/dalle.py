"""Dalles: the large sheets that orthophotos are delivered in, which zones can be cut from."""

from __future__ import annotations

__all__ = ["Dalle", "lay_zones"]

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path

from workbench.errors import CampaignError
from workbench.geo.grid import NATIONAL_GRID, PixelGrid
from workbench.geo.zone import LARGEST_ZONE, Cell, Zone, ZoneRaster, check_names, cut_cells, zone_grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Dalle:
    """An orthophoto of which nothing has to be labelled yet.

    Raises
    ------
    CampaignError
        Its domain or its name is none.
    """

    domain: str
    """Department and year, such as ``D055_2018``."""
    name: str
    """Unique inside its domain; by default that of its file."""
    path: Path
    bands: tuple[str, ...]
    """What each band shows, such as ``R G B NIR E``."""
    grid: PixelGrid
    """Of the whole file."""
    acquired: date | None = None
    time_of_day: time | None = None
    camera: str | None = None

    def __post_init__(self) -> None:
        check_names(self.domain, self.name)

    @property
    def id(self) -> str:
        """``domain/name``."""
        return f"{self.domain}/{self.name}"

    def zone(self, name: str, cells: tuple[tuple[int, int], ...]) -> Zone:
        """Return the zone of some patch cells, which nobody has registered and no digest vouches for.

        Parameters
        ----------
        name
            Of the zone, inside the dalle's domain.
        cells
            (row, col) each; (0, 0) is the first whole cell of the file.
        """
        grid, window = zone_grid(self.grid, cells, NATIONAL_GRID)
        row, col = min(row for row, _ in cells), min(col for _, col in cells)
        ortho = ZoneRaster(role="ortho", path=self.path, bands=self.bands, window=window, pixels_sha256="")
        return Zone(
            domain=self.domain,
            name=name,
            grid=grid,
            cells=tuple(sorted(Cell(row=r - row, col=c - col) for r, c in cells)),
            rasters=(ortho,),
            acquired=self.acquired,
            time_of_day=self.time_of_day,
            camera=self.camera,
            theme=None,
        )

    def cells_of(self, zone: Zone) -> tuple[tuple[int, int], ...]:
        """Return the patch cells of a zone that was cut from it, as `zone` takes them."""
        row, col = NATIONAL_GRID.offset(self.grid)
        size, at = NATIONAL_GRID.pixels, zone.ortho.window
        first = (at.row - row) // size, (at.col - col) // size
        return tuple((first[0] + cell.row, first[1] + cell.col) for cell in zone.cells)


def lay_zones(dalle: Dalle, *, size: int) -> Iterator[Zone]:
    """Yield zones of a number of patches a side that could be cut from a dalle, none on another's ground.

    They begin at the first whole patch cell. Cells beyond the last whole zone of a row or column are in none;
    a dalle that is smaller than one is one.

    Raises
    ------
    CampaignError
        Such zones are none, or too large to be labelled.
    GridError
        The dalle holds no whole patch cell.
    """
    most = LARGEST_ZONE // NATIONAL_GRID.pixels
    if not 1 <= size <= most:
        raise CampaignError(f"a zone of {size} × {size} patches cannot be; give a side of 1 to {most}")
    cells = cut_cells(dalle.grid)
    rows, cols = max(row for row, _ in cells) + 1, max(col for _, col in cells) + 1
    height, width = min(size, rows), min(size, cols)
    for row in range(0, rows - height + 1, height):
        for col in range(0, cols - width + 1, width):
            own = tuple((r, c) for r in range(row, row + height) for c in range(col, col + width))
            yield dalle.zone(f"{dalle.name}-r{row}c{col}", own)
