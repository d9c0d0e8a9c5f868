"""Patches: the square pieces that a release is made of, and the zones they are cut from."""

from __future__ import annotations

__all__ = [
    "GROUND",
    "IMAGE",
    "LABEL",
    "LABELS",
    "Patch",
    "PatchFile",
    "View",
    "ZoneSource",
    "codes_digest",
    "cut_patches",
    "files_of",
    "ground_cell",
]

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from itertools import product
from typing import Any, Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from workbench.documents import digest_arrays
from workbench.export.assistance import Assistance, Choice
from workbench.export.folds import Subset, splits_of_zone
from workbench.export.modalities import MODALITIES
from workbench.geo.grid import NATIONAL_GRID, Bounds, PatchLattice, PixelGrid, Window
from workbench.geo.zone import Cell, Zone

IMAGE: Final = "image"
"""Modality of the orthophoto, which every patch has."""
LABEL: Final = "label"
"""Modality of the classes, which every patch has unless its labels are withheld."""
LABELS: Final = (LABEL, "parcels")
"""Modalities that are labels, of this task or of another one."""
GROUND: Final = "ground"
"""View that gives the height of the ground in metres, NaN where it is not known."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class View:
    """A modality of a zone: where its pixels come from."""

    read: Callable[[PixelGrid], NDArray[Any]]
    """Pixels on a grid: (band, row, col), the bands of one date after those of another."""
    sha256: str
    """Of all that they are made of."""
    dates: tuple[date, ...] = ()
    """Days that it shows, the oldest first; of a series one for each of its parts."""
    names: tuple[str, ...] = ()
    """What its rasters are called; of a series one for each of its parts."""
    reach: Bounds | None = None
    """The ground on which it has pixels, beyond the zone as well; None where nobody knows."""

    def depth(self, modality: str) -> int:
        """Return the number of its bands, over all days."""
        known = MODALITIES[modality]
        return len(known.bands) * (len(self.dates) if known.series else 1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneSource:
    """A zone as a release takes it: what it is, its fold and numbers, and where its pixels come from."""

    zone: Zone
    fold: int
    """Fold of its domain, 1–5."""
    numbers: tuple[int, ...]
    """FLAIR's numeric id of each cell of ``zone.cells``, from the registry, for ever."""
    image: Callable[[Window], NDArray[np.uint8]]
    """Pixels of a window of the zone's grid: (band, row, col), bands as in ``zone.ortho.bands``."""
    labels: Callable[[], NDArray[np.uint8]]
    """Codes of the whole zone's grid, (row, col); 0 = unlabelled."""
    labels_sha256: str
    """`codes_digest` of these, so that what did not change since is not read again."""
    state: str
    """State of review; only ``accepted`` zones are released."""
    heads: Mapping[str, int]
    """Last op of each author when the zone was accepted, by the author's pseudonym."""
    place: str | None = None
    """Zone that it is drawn together with, for they lie near each other."""
    excluded: Callable[[Bounds], bool] = lambda bounds: False
    """Tells which ground stays out of the release, whoever looks at it."""
    views: Mapping[str, View] = field(default_factory=dict)
    """By modality, or `GROUND`, what the zone has beside orthophoto and labels."""
    code_counts: tuple[int, ...] | None = None
    """Pixels of each code from 0 to 255 in the footprint; None where nobody counted them before."""
    assistance: tuple[Assistance, ...] = ()
    """What models gave of its labels."""
    choice: Choice | None = None
    """How it was chosen, where that was not by a person."""

    @property
    def labelled(self) -> int:
        """Return the number of its pixels that have a label; of all, where nobody counted them."""
        if self.code_counts is None:
            return len(self.zone.cells) * NATIONAL_GRID.pixels**2
        return sum(self.code_counts[1:])

    facts: Mapping[str, Any] = field(default_factory=dict)
    """What its entry in ``release.json`` tells of its labels beside all that: sums, and nobody's name."""

    @property
    def splits(self) -> dict[str, Subset]:
        """Return the zone's set in each split and in ``prod``."""
        return splits_of_zone(self.zone.id, fold=self.fold, place=self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchFile:
    """Where a modality of a patch lies in one layout; the path starts at the release's folder, with ``/``."""

    path: str
    sha256: str | None = None
    """Of the file, where it holds this alone."""
    member: str | None = None
    """Which part of the file it is, where it holds more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """One patch of a release."""

    id: str
    """As FLAIR-HUB writes it: ``D055-2018_Z2--UF_1-1``."""
    number: int | None
    """As FLAIR#1 writes it, six digits: ``IMG_036294``; None on other lattices than the national one."""
    domain: str
    zone: str
    """Id of the zone: ``D055_2018/Z2_UF``."""
    roi: str
    """Name of the zone without ``_``."""
    row: int
    """Among the patch rows of the zone's bounding box, from 1."""
    col: int
    fold: int
    splits: Mapping[str, Subset]
    """Set in ``split_1`` … ``split_5`` and ``prod``."""
    window: Window
    """In the zone's grid."""
    grid: PixelGrid
    acquired: date | None
    time: time | None = None
    """Of the picture."""
    camera: str | None
    theme: str | None
    ground: float | None = None
    """Height of the ground at its middle in metres."""
    dates: Mapping[str, tuple[date, ...]] = field(default_factory=dict)
    """By modality, the days that it shows, where they are known; filled when the patch is written."""
    class_counts: Mapping[str, int] = field(default_factory=dict)
    """Pixels of each class, by key; filled when the patch is written, as all below."""
    unlabelled: int = 0
    """Pixels that nobody labelled; the layouts show them as their scheme's *other*."""
    image_sha256: str = ""
    """Of the orthophoto's pixels, all bands, however they are encoded; empty in releases of format 1."""
    label_sha256: str = ""
    """Of the codes, whatever numbers and bytes a layout makes of them; empty in releases of format 1."""
    picture_hash: str = ""
    """What the orthophoto is recognised by, see `fingerprint`; empty in older releases."""
    contrast: float | None = None
    """Standard deviation of the orthophoto's luminance."""
    withheld: bool = False
    """Whether its labels are kept apart: it has no file, count or digest of them."""
    files: Mapping[str, Mapping[str, PatchFile]] = field(default_factory=dict)
    """By name of the layout and modality."""

    @property
    def zone_name(self) -> str:
        """Name of the zone inside its domain."""
        return self.zone.partition("/")[2]

    def shown(self, modalities: Iterable[str]) -> tuple[str, ...]:
        """Return those of some modalities that it has: all, or all that are no labels."""
        return tuple(one for one in modalities if not (self.withheld and one in LABELS))

    @property
    def area(self) -> float:
        """Ground area in m²."""
        return (self.grid.resolution * self.grid.width) * (self.grid.resolution * self.grid.height)


def cut_patches(source: ZoneSource, lattice: PatchLattice = NATIONAL_GRID) -> Iterator[Patch]:
    """Yield the patches of a zone by row, then column, not yet written.

    Those are the cells of the lattice that lie wholly in the zone's footprint. Each grid is rebuilt from its
    upper left corner, rounded to the millimetre, so that every patch has exactly the lattice's pixels and no
    float noise of the orthophoto's transform.
    """
    zone, splits, size = source.zone, source.splits, lattice.pixels
    cells = [*_cells(zone, lattice)]
    first = Cell(row=min((cell.row for cell in cells), default=0), col=min((c.col for c in cells), default=0))
    numbers = source.numbers if lattice == NATIONAL_GRID else (None,) * len(cells)
    for cell, number in zip(cells, numbers, strict=True):
        row, col = cell.row - first.row, cell.col - first.col
        transform = Affine(
            lattice.resolution,
            0.0,
            round(lattice.x + cell.col * lattice.pitch, 3),
            0.0,
            -lattice.resolution,
            round(lattice.y - cell.row * lattice.pitch, 3),
        )
        grid = PixelGrid(crs=lattice.crs, transform=transform, height=size, width=size)
        if source.excluded(grid.bounds):
            continue
        yield Patch(
            id=f"{zone.domain.replace('_', '-')}_{zone.roi}_{row + 1}-{col + 1}",
            number=number,
            domain=zone.domain,
            zone=zone.id,
            roi=zone.roi,
            row=row + 1,
            col=col + 1,
            fold=source.fold,
            splits=splits,
            window=Window(row=row * size, col=col * size, height=size, width=size),
            grid=grid,
            acquired=zone.acquired,
            time=zone.time_of_day,
            camera=zone.camera,
            theme=zone.theme,
        )


def ground_cell(grid: PixelGrid, lattice: PatchLattice = NATIONAL_GRID) -> Cell:
    """Return in which cell of a lattice the upper left corner of a grid is: rows count southwards."""
    row = round((lattice.y - grid.transform.f) / lattice.pitch)
    return Cell(row=row, col=round((grid.transform.c - lattice.x) / lattice.pitch))


def _cells(zone: Zone, lattice: PatchLattice) -> Iterator[Cell]:
    """Yield the cells of a lattice that lie wholly in a zone's footprint, by row, then column."""
    corner = ground_cell(zone.grid)
    own = {Cell(row=corner.row + cell.row, col=corner.col + cell.col) for cell in zone.cells}
    if lattice == NATIONAL_GRID:
        yield from sorted(own)
        return
    bounds, near = zone.grid.bounds, 1e-6
    rows = range(
        math.ceil((lattice.y - bounds.top) / lattice.pitch - near),
        math.floor((lattice.y - bounds.bottom) / lattice.pitch + near),
    )
    cols = range(
        math.ceil((bounds.left - lattice.x) / lattice.pitch - near),
        math.floor((bounds.right - lattice.x) / lattice.pitch + near),
    )
    for row, col in product(rows, cols):
        top, left = lattice.y - row * lattice.pitch, lattice.x + col * lattice.pitch
        held = product(
            _covered(NATIONAL_GRID.y - top, lattice.pitch), _covered(left - NATIONAL_GRID.x, lattice.pitch)
        )
        if all(Cell(row=r, col=c) in own for r, c in held):
            yield Cell(row=row, col=col)


def _covered(begin: float, length: float) -> range:
    """Return the cells of the national grid that a stretch of ground along one axis touches."""
    pitch, near = NATIONAL_GRID.pitch, 1e-6
    return range(math.floor(begin / pitch + near), math.ceil((begin + length) / pitch - near))


def files_of(patches: Iterable[Patch]) -> Iterator[tuple[str, str]]:
    """Yield path and digest of each file that holds one modality of one patch."""
    for patch in patches:
        for modalities in patch.files.values():
            yield from ((file.path, file.sha256) for file in modalities.values() if file.sha256)


def codes_digest(codes: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of codes, shape (row, col), and their number of rows and columns."""
    return digest_arrays(f"{codes.shape}".encode(), [codes])
