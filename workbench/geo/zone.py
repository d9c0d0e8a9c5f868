"""Zones: the pieces of ground that people label, made of whole patch cells of the national grid."""

from __future__ import annotations

__all__ = [
    "LARGEST_ZONE",
    "Cell",
    "Zone",
    "ZoneRaster",
    "check_names",
    "cut_cells",
    "departments_of",
    "domain_of",
    "is_domain",
    "moment_of",
    "nearest",
    "read_footprint",
    "taken_at",
    "theme_of",
    "zone_grid",
]

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.errors import CampaignError, GridError, RasterError
from workbench.geo.grid import NATIONAL_GRID, PatchLattice, PixelGrid, Window

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

# FLAIR writes D055_2018; FLAIR-HUB has merged departments such as D024047. The layouts split names on "_",
# so a domain has exactly one, before its year.
_DOMAIN = re.compile(r"D[0-9]{2,9}_[0-9]{4}")
_ZONE = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")
_THEME = re.compile(r"[A-Z]{2}")
_MAX_NAME = 48
LARGEST_ZONE = 10_240
"""Pixels a side of the largest zone; larger scenes are cut into zones."""
_TINY = 1e-3
"""Of a cell, by which two may lie apart and be one."""
_VECTOR_SUFFIXES = (".gpkg", ".geojson", ".json", ".shp", ".fgb")
# Folders are named after zones, also on Windows.
_RESERVED = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Cell:
    """A patch cell of a zone: row and column among the cells of its bounding box, from 0."""

    row: int
    col: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneRaster:
    """A raster that a zone looks at; it is read where it lies and never written."""

    role: str
    """``ortho`` for the one that is labelled on; ``dsm``, ``dtm``, ``other-date`` … for others."""
    path: Path
    bands: tuple[str, ...]
    """What each band of the file shows, such as ``R G B NIR E`` (E: height above ground × 5)."""
    window: Window
    """Where the zone lies in the raster, in the raster's own pixels: the zone's grid itself for the ortho,
    else the smallest window of whole pixels that covers it, as far as the raster reaches."""
    pixels_sha256: str
    """Digest of the window's pixels in all bands, so that a raster that was changed is noticed."""
    grid: PixelGrid | None = None
    """Where the window's pixels lie; None for the ortho, where that is the zone's grid."""
    acquired: date | None = None
    """Day that it shows; None where nobody said it, and for the ortho, whose day is the zone's."""

    @property
    def key(self) -> str:
        """What tells it from the zone's other rasters, such as ``dsm`` or ``other-date-2019-08-26``."""
        return f"{self.role}-{self.acquired.isoformat()}" if self.acquired else self.role

    def document(self, zone: Zone) -> dict[str, Any]:
        """Return the JSON view of a raster of a zone."""
        return {
            "key": self.key,
            "role": self.role,
            "path": str(self.path),
            "bands": list(self.bands),
            "resolution": (self.grid or zone.grid).resolution,
            "acquired": self.acquired.isoformat() if self.acquired else None,
        }

    def told(self, zone: Zone) -> str:
        """Return what a person reads about a raster of a zone."""
        metres = (self.grid or zone.grid).resolution
        return f"{self.key} {self.path} ({','.join(self.bands)}), pixels of {metres:g} m"


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A zone: which ground, of which domain, seen by which rasters."""

    domain: str
    """Department and year, such as ``D055_2018``; folds are made of domains."""
    name: str
    """Unique inside its domain, such as ``Z2_UF``."""
    grid: PixelGrid
    """The bounding box of the zone's cells, on the pixel grid of its orthophoto."""
    cells: tuple[Cell, ...]
    """The footprint, sorted by row, then column."""
    rasters: tuple[ZoneRaster, ...]
    acquired: date | None
    camera: str | None
    theme: str | None
    """Two letters of the main and second landscape, such as ``UU`` or ``AF``."""
    time_of_day: time | None = None
    """When the picture was taken, to the minute."""

    def __post_init__(self) -> None:
        check_names(self.domain, self.name)
        if self.time_of_day is not None and self.acquired is None:
            raise CampaignError(
                f"zone {self.id}: {self.time_of_day:%H:%M} is no moment without a date; give both"
            )
        if self.theme is not None and not _THEME.fullmatch(self.theme):
            raise CampaignError(f"theme {self.theme!r} is not two capital letters; write it like UF")
        size = NATIONAL_GRID.pixels
        if not self.cells or tuple(sorted(set(self.cells))) != self.cells:
            raise GridError(f"zone {self.id}: cells are missing, doubled or out of order")
        rows, cols = {cell.row for cell in self.cells}, {cell.col for cell in self.cells}
        shape = (size * (max(rows) + 1), size * (max(cols) + 1))
        if min(rows) or min(cols) or shape != self.grid.shape:
            raise GridError(f"zone {self.id}: cells span {shape} pixels, the grid has {self.grid.shape}")

    @property
    def id(self) -> str:
        """``domain/name``: zone names repeat across domains."""
        return f"{self.domain}/{self.name}"

    @property
    def taken(self) -> str | None:
        """When the picture was taken: ``2018-09-16`` or ``2018-09-16T09:43``; None if nobody knows."""
        return taken_at(self.acquired, self.time_of_day)

    @property
    def roi(self) -> str:
        """The name without ``_`` that FLAIR-HUB's files need; ``Z2_UF`` becomes ``Z2--UF``, reversibly.

        A name never holds two separators in a row, so ``--`` can only have been ``_``.
        """
        return self.name.replace("_", "--")

    @property
    def ortho(self) -> ZoneRaster:
        """The orthophoto that the zone is labelled on."""
        return next(raster for raster in self.rasters if raster.role == "ortho")

    @property
    def area(self) -> float:
        """Ground area of the footprint in m²."""
        return len(self.cells) * NATIONAL_GRID.pitch**2

    @property
    def extent(self) -> str:
        """How large the zone is, in words."""
        many = counted(len(self.cells), "patch", "patches")
        return f"{many} of {NATIONAL_GRID.pixels} px, {self.area / 1e6:.3f} km²"

    def distance(self, other: Zone) -> float:
        """Return the metres between two footprints, 0 where they touch or overlap."""
        gaps = np.maximum(self._steps(other) - 1, 0)
        return round(float(np.hypot(gaps[..., 0], gaps[..., 1]).min()) * NATIONAL_GRID.pitch, 3)

    def shared(self, other: Zone) -> int:
        """Return how many cells two footprints share."""
        return int((self._steps(other) < _TINY).all(axis=-1).sum())

    def _steps(self, other: Zone) -> NDArray[np.float64]:
        """Return how many rows and columns lie from each cell to each of another, (cell, other's, 2)."""
        one, two = (
            np.array([(cell.row, cell.col) for cell in zone.cells])
            + np.array([-zone.grid.transform.f, zone.grid.transform.c]) / NATIONAL_GRID.pitch
            for zone in (self, other)
        )
        steps: NDArray[np.float64] = np.abs(one[:, np.newaxis] - two)
        return steps

    def patch_windows(self) -> Iterator[tuple[Cell, Window]]:
        """Yield each cell with its window in the zone's grid."""
        size = NATIONAL_GRID.pixels
        for cell in self.cells:
            yield cell, Window(row=cell.row * size, col=cell.col * size, height=size, width=size)

    def outline(self) -> BaseGeometry:
        """Return the ground of its cells as one geometry, in the grid's CRS."""
        import shapely

        bounds = [self.grid.crop(window).bounds for _, window in self.patch_windows()]
        return shapely.union_all([shapely.box(b.left, b.bottom, b.right, b.top) for b in bounds])

    def footprint(self) -> NDArray[np.bool_]:
        """Return which pixels of the grid belong to the zone, shape (row, col)."""
        mask = np.zeros(self.grid.shape, dtype=np.bool_)
        for _, window in self.patch_windows():
            mask[window.slices] = True
        return mask


def taken_at(acquired: date | None, time_of_day: time | None) -> str | None:
    """Return what `moment_of` reads; None where no day is known."""
    if acquired is None or time_of_day is None:
        return acquired.isoformat() if acquired else None
    return datetime.combine(acquired, time_of_day).isoformat(timespec="minutes")


def moment_of(taken: str | None) -> tuple[date | None, time | None]:
    """Return date and time of day of what `Zone.taken` gives.

    >>> moment_of("2018-09-16T09:43")
    (datetime.date(2018, 9, 16), datetime.time(9, 43))
    >>> moment_of("2018-09-16")
    (datetime.date(2018, 9, 16), None)
    """
    if not taken:
        return None, None
    day, _, clock = taken.partition("T")
    return date.fromisoformat(day), time.fromisoformat(clock) if clock else None


def theme_of(name: str) -> str | None:
    """Return the two letters at the end of the name of a zone of FLAIR's, None where there are none.

    >>> theme_of("Z2_UF"), theme_of("Z2")
    ('UF', None)
    """
    last = name.rsplit("_", 1)[-1]
    return last if "_" in name and _THEME.fullmatch(last) else None


def nearest(zone: Zone, others: Iterable[Zone], *, within: float) -> tuple[Zone, ...]:
    """Return the zones that share ground with a zone or lie nearer than so many metres, the nearest first.

    Of those as near, those that share the most ground go first, then those of its domain, then by id.
    """
    found = []
    for other in others:
        one, two = zone.grid.bounds, other.grid.bounds
        gap = max(one.left - two.right, two.left - one.right, one.bottom - two.top, two.bottom - one.top)
        if gap < within and (apart := zone.distance(other)) < within:
            order = apart, -zone.shared(other), other.domain != zone.domain, other.id
            found.append((order, other))
    return tuple(other for _, other in sorted(found, key=lambda pair: pair[0]))


def is_domain(name: str) -> bool:
    """Tell whether a name is that of a domain: department and year.

    >>> is_domain("D055_2018"), is_domain("Vosges")
    (True, False)
    """
    return _DOMAIN.fullmatch(name) is not None


def domain_of(zone: str) -> str:
    """Return the domain of a zone's id.

    >>> domain_of("D055_2018/Z2_UF")
    'D055_2018'
    """
    return zone.partition("/")[0]


def departments_of(domain: str) -> frozenset[str]:
    """Return the departments of a domain: FLAIR-HUB joins some, so that D024047 is of two.

    >>> sorted(departments_of("D024047_2021")), sorted(departments_of("D055_2018"))
    (['D024', 'D047'], ['D055'])
    """
    digits = domain.removeprefix("D").partition("_")[0]
    every = re.findall("...", digits) if len(digits) % 3 == 0 else [digits]
    return frozenset(f"D{number}" for number in every)


def check_names(domain: str, name: str) -> None:
    """Check the names of a domain and a zone; they become folder and file names.

    Raises
    ------
    CampaignError
        A name is not of the form that the layouts need, or leads out of the campaign.
    """
    if not is_domain(domain):
        raise CampaignError(f"domain {domain!r} is not department and year; write it like D055_2018")
    if not _ZONE.fullmatch(name) or len(name) > _MAX_NAME or name.lower() in _RESERVED:
        raise CampaignError(
            f"zone name {name!r} is not letters and digits joined by single - or _ "
            f"(at most {_MAX_NAME}, no reserved word of Windows); write it like Z2_UF"
        )


def zone_grid(
    raster: PixelGrid, cells: Sequence[tuple[int, int]], lattice: PatchLattice
) -> tuple[PixelGrid, Window]:
    """Return the bounding box of some lattice cells of a raster: its grid, and its window in the raster.

    The grid's corner is rounded to the millimetre: transforms of real files carry float noise.
    """
    offset_row, offset_col = lattice.offset(raster)
    rows, cols = [row for row, _ in cells], [col for _, col in cells]
    size = lattice.pixels
    window = Window(
        row=offset_row + min(rows) * size,
        col=offset_col + min(cols) * size,
        height=(max(rows) - min(rows) + 1) * size,
        width=(max(cols) - min(cols) + 1) * size,
    )
    left, top = raster.transform @ (window.col, window.row)
    step = lattice.resolution
    transform = Affine(step, 0.0, round(left, 3), 0.0, -step, round(top, 3))
    return PixelGrid(crs=raster.crs, transform=transform, height=window.height, width=window.width), window


def cut_cells(
    raster: PixelGrid, *, footprint: BaseGeometry | None = None, lattice: PatchLattice = NATIONAL_GRID
) -> tuple[tuple[int, int], ...]:
    """Return the lattice cells (row, col) that lie wholly in a raster and whose centre lies in a footprint.

    Cell (0, 0) is the first whole one of the raster.

    Raises
    ------
    GridError
        No cell is left, or the raster does not lie on the lattice.
    """
    offset_row, offset_col = lattice.offset(raster)
    rows = (raster.height - offset_row) // lattice.pixels
    cols = (raster.width - offset_col) // lattice.pixels
    if rows < 1 or cols < 1:
        raise GridError(
            f"raster of {raster.height} × {raster.width} px holds no whole {lattice.pixels} px patch cell "
            f"(the first corner is {offset_row} rows, {offset_col} columns in); use a larger raster"
        )
    cells = [(row, col) for row in range(rows) for col in range(cols)]
    if footprint is not None:
        cells = _inside(cells, raster, footprint, lattice)
    if not cells:
        raise GridError(f"the footprint holds the centre of none of the raster's {rows} × {cols} patch cells")
    return tuple(cells)


def _inside(
    cells: list[tuple[int, int]], raster: PixelGrid, footprint: BaseGeometry, lattice: PatchLattice
) -> list[tuple[int, int]]:
    import shapely

    offset_row, offset_col = lattice.offset(raster)
    size = lattice.pixels
    centres = [
        raster.transform @ (offset_col + (col + 0.5) * size, offset_row + (row + 0.5) * size)
        for row, col in cells
    ]
    shapely.prepare(footprint)
    hits = shapely.contains_xy(footprint, [x for x, _ in centres], [y for _, y in centres])
    return [cell for cell, hit in zip(cells, hits, strict=True) if hit]


def read_footprint(path: Path, *, crs: str) -> BaseGeometry:
    """Read the union of the polygons of a vector file, in a given CRS.

    Raises
    ------
    RasterError
        The file cannot be read, has no CRS or holds no polygon.
    """
    import geopandas
    import shapely.errors
    from pyogrio.errors import DataSourceError

    if not path.is_file() or path.suffix.lower() not in _VECTOR_SUFFIXES:
        raise RasterError(
            f"{path} is not a vector file ({', '.join(_VECTOR_SUFFIXES)}) on this machine; check the path"
        )
    try:
        frame: Any = geopandas.read_file(path, engine="pyogrio")
    except DataSourceError as error:
        raise RasterError(
            f"{path} is not a readable vector file; export it as GeoPackage or GeoJSON"
        ) from error
    if "geometry" not in frame or frame.crs is None:
        raise RasterError(f"{path} has no geometry or no CRS; export it again with its CRS")
    polygons = frame[frame.geometry.geom_type.isin(["Polygon", "MultiPolygon"])]
    if polygons.empty:
        raise RasterError(f"{path} holds no polygon; draw the zone's outline as a polygon")
    try:
        union: BaseGeometry = polygons.to_crs(crs).geometry.make_valid().union_all()
    except shapely.errors.GEOSException as error:
        raise RasterError(f"{path}: its polygons cannot be joined; check them in QGIS") from error
    return union
