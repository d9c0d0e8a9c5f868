"""Releases of ours as trees: what their index says, and pixels of whatever layout has most of them."""

from __future__ import annotations

__all__ = ["ReleasedTree"]

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from numpy.typing import NDArray

from workbench.counting import counted
from workbench.errors import ReleaseError
from workbench.export.layouts import Layout
from workbench.export.modalities import MODALITIES, grid_of
from workbench.export.patches import IMAGE, LABEL, Patch
from workbench.export.reading import read_modality
from workbench.export.release import Release
from workbench.export.trees.tree import Header, TreePatch
from workbench.geo.grid import NATIONAL_GRID
from workbench.geo.zone import domain_of
from workbench.nomenclature import Nomenclature


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReleasedRaster:
    """A modality of a patch of a release."""

    release: Path
    layout: Layout
    patch: Patch
    modality: str

    @property
    def called(self) -> str:
        """The file that it lies in."""
        return f"{self.release / self.patch.files[self.layout.name][self.modality].path}"

    def header(self, *, assume_crs: str | None = None) -> Header:
        """Return what the index and the layout say of it."""
        grid = grid_of(self.modality, self.patch.grid)
        if self.modality in (IMAGE, LABEL):
            bands = len(self.layout.bands) if self.modality == IMAGE else 1
            return Header(grid=grid, bands=bands, dtype="uint8")
        known = MODALITIES[self.modality]
        days = len(self.patch.dates.get(self.modality, ())) if known.series else 1
        return Header(grid=grid, bands=len(known.bands) * days, dtype=known.dtype)

    def read(self) -> NDArray[Any]:
        """Return its pixels."""
        return read_modality(self.release, self.layout, self.patch, self.modality)


class ReleasedTree:
    """A release; its domains keep their folds, its patches their numbers.

    Raises
    ------
    ReleaseError
        Its patches are no cells of the national grid, of which zones are made.
    """

    layout: Final = "release"

    def __init__(self, release: Release) -> None:
        if release.lattice != NATIONAL_GRID:
            raise ReleaseError(
                f"{release.path} has patches of {release.lattice.pitch:g} m, and zones are made of those of "
                f"{NATIONAL_GRID.pitch:g} m; import a release of these"
            )
        self.path, self._release = release.path, release
        self._entries = {entry["id"]: entry for entry in release.card["zones"]}
        self._index, self._richest = release.patches(), release.richest
        self.scheme = self._richest.scheme
        self.bands: Mapping[int, tuple[str, ...]] = {len(self._richest.bands): self._richest.bands}
        self.zones = tuple(sorted(self._entries))
        self.folds = {domain_of(zone): entry["fold"] for zone, entry in self._entries.items()}
        self.notes = tuple(self._noted())

    @property
    def nomenclature(self) -> Nomenclature | None:
        """The nomenclature of the release."""
        return self._release.nomenclature

    def theme(self, zone: str) -> str | None:
        """Return the theme of a zone."""
        found: str | None = self._entries[zone]["theme"]
        return found

    def patches(self, zone: str) -> tuple[TreePatch, ...]:
        """Return the patches of a zone, by row, then column."""
        return tuple(map(self._patch, self._index.of_zone(zone)))

    def _patch(self, patch: Patch) -> TreePatch:
        there = {
            modality: ReleasedRaster(release=self.path, layout=layout, patch=patch, modality=modality)
            for layout in reversed((self._richest, *self._release.layouts))
            for modality in patch.files[layout.name]
        }
        return TreePatch(
            name=patch.id,
            image=there[IMAGE],
            label=there.get(LABEL),
            views={name: raster for name, raster in there.items() if name in MODALITIES},
            number=patch.number,
            place=(patch.row, patch.col),
            acquired=patch.acquired,
            time_of_day=patch.time,
            camera=patch.camera,
            dates=patch.dates,
        )

    def _noted(self) -> list[str]:
        notes = []
        if unlabelled := self._release.card["unlabelled_pixels"]:
            notes.append(
                f"{unlabelled:,} pixels that nobody labelled are *other* in a release, and come as that"
            )
        if withheld := self._release.card.get("withheld"):
            notes.append(
                f"labels of {counted(withheld['patches'], 'patch is', 'patches are')} withheld: their zones "
                "come without"
            )
        return notes
