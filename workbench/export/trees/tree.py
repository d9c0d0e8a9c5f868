"""What a published tree of patches is to who reads it: zones, their patches, and where the pixels are."""

from __future__ import annotations

__all__ = ["FileRaster", "Header", "PatchRaster", "Tree", "TreePatch"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from workbench.geo.grid import PixelGrid
from workbench.geo.raster import inspect_raster, read_bands
from workbench.nomenclature import Nomenclature


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What is known of a raster without its pixels."""

    grid: PixelGrid
    bands: int
    dtype: str


class PatchRaster(Protocol):
    """A modality of a patch, wherever it lies."""

    @property
    def called(self) -> str:
        """What a person finds it by."""

    def header(self, *, assume_crs: str | None = None) -> Header:
        """Return what is known of it without its pixels.

        Parameters
        ----------
        assume_crs
            Its CRS where it names none that has a code.

        Raises
        ------
        RasterError
            It is no raster that can be worked with.
        """

    def read(self) -> NDArray[Any]:
        """Return its pixels, shape (band, row, col).

        Raises
        ------
        WorkbenchError
            They cannot be read.
        """


@dataclass(frozen=True, slots=True)
class FileRaster:
    """A modality of a patch that is a file."""

    path: Path

    @property
    def called(self) -> str:
        """Its path."""
        return str(self.path)

    def header(self, *, assume_crs: str | None = None) -> Header:
        """Return what the file's header says."""
        info = inspect_raster(self.path, assume_crs=assume_crs)
        return Header(grid=info.grid, bands=info.band_count, dtype=info.dtype)

    def read(self) -> NDArray[Any]:
        """Return the file's pixels."""
        return read_bands(self.path)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TreePatch:
    """A patch of a tree."""

    name: str
    """As its tree calls it, such as ``IMG_036294`` or ``D006-2020_FF-S1-14_5-5``."""
    image: PatchRaster
    label: PatchRaster | None
    views: Mapping[str, PatchRaster] = field(default_factory=dict)
    """By modality, what there is beside orthophoto and labels."""
    number: int | None = None
    place: tuple[int, int] | None = None
    """Row and column from 1, as its name says."""
    acquired: date | None = None
    time_of_day: time | None = None
    camera: str | None = None
    centre: tuple[float, float] | None = None
    """Ground (x, y) of its middle as some table says, which may be wrong."""
    dates: Mapping[str, Sequence[date]] = field(default_factory=dict)
    """By modality, the days that it shows, the oldest first."""


class Tree(Protocol):
    """A published tree."""

    @property
    def path(self) -> Path:
        """Its folder."""

    @property
    def layout(self) -> str:
        """What its layout is called on the command line; ``release`` of a release of ours."""

    @property
    def scheme(self) -> str:
        """How its labels are numbered."""

    @property
    def nomenclature(self) -> Nomenclature | None:
        """The classes of its labels, where it says them."""

    @property
    def bands(self) -> Mapping[int, tuple[str, ...]]:
        """What the bands of its images show, by their number."""

    @property
    def zones(self) -> tuple[str, ...]:
        """Ids of its zones, sorted."""

    @property
    def folds(self) -> Mapping[str, int]:
        """Fold of each domain; empty where its sets are no folds of domains."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know of it."""

    def theme(self, zone: str) -> str | None:
        """Return the two letters of a zone's landscape, None where nobody knows them."""

    def patches(self, zone: str) -> tuple[TreePatch, ...]:
        """Return the patches of a zone, in the order of their names.

        Raises
        ------
        ReleaseError
            A table about them cannot be read.
        """
