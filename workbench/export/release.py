"""Releases on disk, opened lazily: patches and pixels are read when they are asked for.

The same zones give the same bytes: nothing in a release tells when or by whom it was built. ``release.json``
says what it is, ``index.parquet`` has one row per patch, ``SHA256SUMS`` the digest of every file.
"""

from __future__ import annotations

__all__ = [
    "NOMENCLATURE",
    "Release",
    "check_target",
    "excluded_sentence",
    "lattice_of",
    "open_release",
    "read_labels",
]

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.documents import read_document
from workbench.errors import DocumentError, NomenclatureError, ReleaseError
from workbench.export.index import INDEX, PatchIndex
from workbench.export.layouts import Layout, layouts_of
from workbench.export.packed import PackedFiles
from workbench.export.patches import IMAGE, LABEL, LABELS, Patch
from workbench.export.proving import prove_index
from workbench.export.reading import read_modality
from workbench.export.versions import Version, version_of
from workbench.geo.grid import PatchLattice
from workbench.nomenclature import Nomenclature, load_nomenclature
from workbench.outputs import check_outside_releases

NOMENCLATURE: Final = "nomenclature.json"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")
# No file of Windows may be called so, with any suffix.
_RESERVED: Final = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(10))}
# TorchGeo finds an image by replacing this text everywhere in the path of its label.
_REPLACED: Final = "AERIAL_LABEL-COSIA"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Release:
    """A release on disk; patches and pixels are read when asked for."""

    path: Path
    card: Mapping[str, Any]
    """The content of ``release.json``."""
    reused: bool = False
    """Whether `build_release` found the same content there and built nothing."""

    @property
    def name(self) -> str:
        """Name of the release."""
        return str(self.card["name"])

    @property
    def version(self) -> Version:
        """Version of the release; of older ones what their names say."""
        said = self.card.get("version")
        return Version.parse(said) if said else version_of(self.name) or Version(0, 1, 0)

    @property
    def withdrawn(self) -> tuple[Mapping[str, str], ...]:
        """Zones that went, from this release or one before it, why, and since which version."""
        return tuple(self.card.get("withdrawn", ()))

    @property
    def layouts(self) -> tuple[Layout, ...]:
        """Layouts that the patches are in."""
        return layouts_of(self.card)

    @property
    def lattice(self) -> PatchLattice:
        """What the patches are cut on."""
        return lattice_of(self.card)

    @property
    def richest(self) -> Layout:
        """The layout with most bands, of equal ones the first."""
        return max(self.layouts, key=lambda layout: len(layout.bands))

    @property
    def nomenclature(self) -> Nomenclature:
        """The nomenclature that the release was made with, from its own copy."""
        return load_nomenclature(self.path / NOMENCLATURE)

    def patches(self) -> PatchIndex:
        """Return all patches, by zone, row and column; they are read as they are asked for."""
        modalities = {layout.name: layout.modalities for layout in self.layouts}
        return PatchIndex(self.path / INDEX, modalities, self.lattice)

    def prove(self) -> None:
        """Refuse a release whose index is not the one that was built; its files are proven as they are read.

        Raises
        ------
        ReleaseError
            With the first file that is another one.
        """
        prove_index(self.path, self.card)

    def image(self, patch: Patch, *, layout: str | None = None) -> NDArray[np.uint8]:
        """Read the image of a patch, shape (band, row, col), bands of the layout (by default the first).

        Raises
        ------
        ReleaseError
            The file is not the one that was built.
        """
        pixels: NDArray[np.uint8] = read_modality(self.path, self._layout(layout), patch, IMAGE)
        return pixels

    def labels(self, patch: Patch, *, layout: str | None = None) -> NDArray[np.uint8]:
        """Read the labels of a patch as codes of the nomenclature, shape (row, col).

        Pixels that nobody labelled come back as *other*, as which they were written.

        Raises
        ------
        ReleaseError
            The release withholds them, the file is not what the index says, or some pixel has a value of no
            class.
        """
        self._check_told(patch)
        chosen = self._layout(layout)
        return read_labels(self.path, chosen, patch, self.nomenclature)

    def view(self, patch: Patch, modality: str, *, layout: str | None = None) -> NDArray[Any]:
        """Read another modality of a patch, shape (band, row, col); see `MODALITIES`.

        Raises
        ------
        ReleaseError
            The layout, by default the first that has it, has no such modality.
        """
        if modality in LABELS:
            self._check_told(patch)
        for one in self.layouts:
            if layout in (None, one.name) and modality in one.modalities:
                return read_modality(self.path, one, patch, modality)
        raise ReleaseError(f"{self.path} has no {modality}; see its README.md")

    def document(self) -> dict[str, Any]:
        """Return what `build_release` did, for ``--json``."""
        keys = (
            "name",
            "version",
            "content_sha256",
            "layouts",
            "counts",
            "class_pixels",
            "unlabelled_pixels",
            "excluded_patches",
            "rules",
            "warnings",
        )
        card = {"rules": [], "excluded_patches": 0, **self.card, "version": str(self.version)}
        return {"path": str(self.path), "reused": self.reused, **{key: card[key] for key in keys}}

    def text(self) -> str:
        """Return what `build_release` did, for people."""
        counts = self.card["counts"]
        lines = [
            f"{self.path} {'is there already, with the same content' if self.reused else 'built'}: "
            f"{counted(counts['patches'], 'patch', 'patches')}, {counts['area_km2']:g} km², "
            f"{counted(counts['zones'], 'zone')} in {counted(counts['domains'], 'domain')}; "
            f"layouts {', '.join(layout.name for layout in self.layouts)}",
            f"content {self.card['content_sha256']}",
        ]
        lines[-1] = f"version {self.version}, {lines[-1]}"
        if out := self.card.get("excluded_patches"):
            lines.append(excluded_sentence(out))
        return "\n".join(lines + [f"warning: {warning['message']}" for warning in self.card["warnings"]])

    def _check_told(self, patch: Patch) -> None:
        if patch.withheld:
            raise ReleaseError(
                f"{self.path} withholds the labels of patch {patch.id}; they are in "
                f"{self.card['withheld']['sealed']}, for those who have it"
            )

    def _layout(self, name: str | None) -> Layout:
        for layout in self.layouts:
            if name in (None, layout.name):
                return layout
        raise ReleaseError(
            f"{self.path} has no layout {name!r}; it has {', '.join(x.name for x in self.layouts)}"
        )


def excluded_sentence(patches: int) -> str:
    """Return how much stayed out of a release, for people."""
    return f"{counted(patches, 'patch', 'patches')} of excluded ground stayed out"


def check_target(out: Path, name: str) -> Path:
    """Return where a release of that name goes.

    Raises
    ------
    ReleaseError
        It cannot be a release's name, something else is there, or it lies in a release.
    """
    if (
        not _NAME.fullmatch(name)
        or ".." in name
        or name.split(".")[0].lower() in _RESERVED
        or _REPLACED in name
    ):
        raise ReleaseError(
            f"{name!r} cannot name a release: it takes up to 64 letters, digits and . _ - without .., and no "
            "reserved word of Windows; write it like FR_V0.1"
        )
    target = out / name
    check_outside_releases(target, error=ReleaseError)
    if target.exists() and not (target / "release.json").is_file():
        raise ReleaseError(f"{target} exists and is no release; choose another name or move it away")
    return target


def lattice_of(card: Mapping[str, Any]) -> PatchLattice:
    """Return the lattice that a ``release.json`` tells of."""
    grid = card["grid"]
    pitch = round(grid["resolution"] * grid["patch_pixels"], 9)
    return PatchLattice(crs=grid["crs"], x=grid["x"], y=grid["y"], pitch=pitch, pixels=grid["patch_pixels"])


def open_release(path: str | Path) -> Release:
    """Open a release, by its folder, without reading its patches.

    Raises
    ------
    ReleaseError
        There is no release, or its ``release.json`` is damaged.
    """
    path = Path(path)
    if not (path / "release.json").is_file():
        raise ReleaseError(f"{path} is no release: it has no release.json; give the folder that holds one")
    try:
        return Release(path=path, card=read_document(path / "release.json", schema="release"))
    except DocumentError as error:
        raise ReleaseError(f"{error}; copy the release again") from error


def read_labels(
    root: Path,
    layout: Layout,
    patch: Patch,
    nomenclature: Nomenclature,
    *,
    packed: PackedFiles | None = None,
) -> NDArray[np.uint8]:
    """Read the labels of a patch of the release at ``root`` as codes, shape (row, col).

    ``packed`` is as for `workbench.export.reading.read_modality`.

    Raises
    ------
    ReleaseError
        The file is not the one that was built, or some pixel has a value of no class.
    """
    values = read_modality(root, layout, patch, LABEL, packed=packed)[0]
    mend = f"see what was changed: workbench release verify {root}"
    try:
        return nomenclature.decode(values, layout.scheme, way_out=mend)
    except NomenclatureError as error:
        path = root / patch.files[layout.name][LABEL].path
        raise ReleaseError(f"{path} is not as it was built: {error}") from error
