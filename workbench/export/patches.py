"""Patches: the square pieces that a release is made of, and the zones they are cut from."""

from __future__ import annotations

__all__ = [
    "IMAGE",
    "LABEL",
    "Patch",
    "PatchFile",
    "ZoneSource",
    "codes_digest",
    "cut_patches",
    "files_of",
    "ground_cell",
]

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from workbench.documents import digest_arrays
from workbench.export.folds import Subset, splits_of_zone
from workbench.geo.grid import NATIONAL_GRID, PixelGrid, Window
from workbench.geo.zone import Cell, Zone

IMAGE: Final = "image"
"""Modality of the orthophoto, which every patch has."""
LABEL: Final = "label"
"""Modality of the classes, which every patch has."""


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

    @property
    def splits(self) -> dict[str, Subset]:
        """Return the zone's set in each split and in ``prod``."""
        return splits_of_zone(self.zone.id, fold=self.fold)


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
    number: int
    """As FLAIR#1 writes it, six digits: ``IMG_036294``."""
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
    camera: str | None
    theme: str | None
    class_counts: Mapping[str, int] = field(default_factory=dict)
    """Pixels of each class, by key; filled when the patch is written, as all below."""
    unlabelled: int = 0
    """Pixels that nobody labelled; the layouts show them as their scheme's *other*."""
    image_sha256: str = ""
    """Of the orthophoto's pixels, all bands, however they are encoded; empty in releases of format 1."""
    label_sha256: str = ""
    """Of the codes, whatever numbers and bytes a layout makes of them; empty in releases of format 1."""
    files: Mapping[str, Mapping[str, PatchFile]] = field(default_factory=dict)
    """By name of the layout and modality."""

    @property
    def zone_name(self) -> str:
        """Name of the zone inside its domain."""
        return self.zone.partition("/")[2]

    @property
    def area(self) -> float:
        """Ground area in m²."""
        return NATIONAL_GRID.pitch**2


def cut_patches(source: ZoneSource) -> Iterator[Patch]:
    """Yield the patches of a zone by row, then column, not yet written.

    Each grid is rebuilt from its upper left corner, rounded to the millimetre, so that every patch has
    exactly 0.2 m pixels and no float noise of the orthophoto's transform.
    """
    zone, splits = source.zone, source.splits
    for (cell, window), number in zip(zone.patch_windows(), source.numbers, strict=True):
        corner, step = zone.grid.crop(window).transform, NATIONAL_GRID.resolution
        transform = Affine(step, 0.0, round(corner.c, 3), 0.0, -step, round(corner.f, 3))
        row, col = cell.row + 1, cell.col + 1
        yield Patch(
            id=f"{zone.domain.replace('_', '-')}_{zone.roi}_{row}-{col}",
            number=number,
            domain=zone.domain,
            zone=zone.id,
            roi=zone.roi,
            row=row,
            col=col,
            fold=source.fold,
            splits=splits,
            window=window,
            grid=PixelGrid(crs=zone.grid.crs, transform=transform, height=window.height, width=window.width),
            acquired=zone.acquired,
            camera=zone.camera,
            theme=zone.theme,
        )


def files_of(patches: Iterable[Patch]) -> Iterator[tuple[str, str]]:
    """Yield path and digest of each file that holds one modality of one patch."""
    for patch in patches:
        for modalities in patch.files.values():
            yield from ((file.path, file.sha256) for file in modalities.values() if file.sha256)


def codes_digest(codes: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of codes, shape (row, col), and their number of rows and columns."""
    return digest_arrays(f"{codes.shape}".encode(), [codes])


def ground_cell(grid: PixelGrid) -> Cell:
    """Return which cell of the national grid a patch is: rows count southwards, columns eastwards."""
    lattice = NATIONAL_GRID
    row = round((lattice.y - grid.transform.f) / lattice.pitch)
    return Cell(row=row, col=round((grid.transform.c - lattice.x) / lattice.pitch))
