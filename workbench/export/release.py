"""Releases: built aside and renamed last, opened lazily, verified to the last byte.

The same zones give the same bytes: nothing in a release tells when or by whom it was built. ``release.json``
says what it is, ``index.parquet`` has one row per patch, ``SHA256SUMS`` the digest of every file.
"""

from __future__ import annotations

__all__ = [
    "Release",
    "VerifyReport",
    "build_release",
    "check_target",
    "open_release",
    "read_labels",
    "verify_release",
]

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.documents import inside, read_document, validate
from workbench.errors import DocumentError, NomenclatureError, ReleaseError
from workbench.export.card import readme, release_card
from workbench.export.checks import VerifyReport, verify_release
from workbench.export.cutting import PatchWriter, patch_jobs, put_file
from workbench.export.gates import check_sources
from workbench.export.layouts import Layout, layouts_of, parse_layouts
from workbench.export.manifest import (
    ABOUT,
    MANIFEST,
    check_files,
    content_digest,
    format_manifest,
    read_manifest,
)
from workbench.export.patches import Patch, ZoneSource
from workbench.export.proving import prove_index, proven
from workbench.export.staging import Staging
from workbench.export.tables import index_bytes, read_index
from workbench.geo.raster import read_bands
from workbench.nomenclature import Nomenclature, load_nomenclature

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
    def layouts(self) -> tuple[Layout, ...]:
        """Layouts that the patches are in."""
        return layouts_of(self.card)

    @property
    def richest(self) -> Layout:
        """The layout with most bands, of equal ones the first."""
        return max(self.layouts, key=lambda layout: len(layout.bands))

    @property
    def nomenclature(self) -> Nomenclature:
        """The nomenclature that the release was made with, from its own copy."""
        return load_nomenclature(self.path / "nomenclature.json")

    def patches(self) -> tuple[Patch, ...]:
        """Read the index: all patches, by zone, row and column."""
        return read_index(self.path / "index.parquet", layouts=[layout.name for layout in self.layouts])

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
        files = patch.files[self._layout(layout).name]
        pixels: NDArray[np.uint8] = read_bands(proven(self.path, files.image, files.image_sha256))
        return pixels

    def labels(self, patch: Patch, *, layout: str | None = None) -> NDArray[np.uint8]:
        """Read the labels of a patch as codes of the nomenclature, shape (row, col).

        Pixels that nobody labelled come back as *other*, as which they were written.

        Raises
        ------
        ReleaseError
            The file is not what the index says, or some pixel has a value of no class.
        """
        chosen = self._layout(layout)
        files = patch.files[chosen.name]
        proven(self.path, files.label, files.label_sha256)
        return read_labels(self.path, files.label, self.nomenclature, chosen.scheme)

    def document(self) -> dict[str, Any]:
        """Return what `build_release` did, for ``--json``."""
        keys = (
            "name",
            "content_sha256",
            "layouts",
            "counts",
            "class_pixels",
            "unlabelled_pixels",
            "warnings",
        )
        return {"path": str(self.path), "reused": self.reused, **{key: self.card[key] for key in keys}}

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
        return "\n".join(lines + [f"warning: {warning['message']}" for warning in self.card["warnings"]])

    def _layout(self, name: str | None) -> Layout:
        for layout in self.layouts:
            if name in (None, layout.name):
                return layout
        raise ReleaseError(
            f"{self.path} has no layout {name!r}; it has {', '.join(x.name for x in self.layouts)}"
        )


def build_release(
    sources: Iterable[ZoneSource],
    *,
    name: str,
    out: Path,
    nomenclature: Nomenclature,
    software: str,
    layouts: Iterable[str | Layout] = ("flair-hub", "flair1"),
    progress: Callable[[int, int], None] | None = None,
    map: Callable[..., Iterable[Any]] = map,  # noqa: A002 - the house's name for what runs in parallel
) -> Release:
    """Cut zones into patches and publish them as ``out/name``, whole or not at all.

    Parameters
    ----------
    sources
        Accepted zones, in any order.
    name
        Letters, digits and ``. _ -``, such as ``FR_V0.1``.
    out
        Folder for releases; made if missing.
    nomenclature
        Of the codes that the sources' labels have.
    software
        Version of the workbench, for the record.
    layouts
        Names of layouts, each with ``=FOLDER`` if it should lie in another folder, or layouts.
    progress
        Called with the patches done and their total after each.
    map
        Such as the ``map`` of a thread pool; it must give results in order.

    Returns
    -------
    Release
        The release; with ``reused`` where the same content was there under this name.

    Raises
    ------
    ReleaseError
        The zones make no sound release, or the name is taken by other content. Nothing was left on disk.
    """
    target, chosen = check_target(out, name), parse_layouts(layouts)
    zones = sorted(sources, key=lambda source: source.zone.id)
    check_sources(zones, chosen, nomenclature)
    with Staging.beside(target) as staging:
        write = PatchWriter(folder=staging.path, layouts=chosen, nomenclature=nomenclature)
        patches: list[Patch] = []
        total = sum(len(source.zone.cells) for source in zones)
        for source in zones:
            for patch in map(write, patch_jobs(source)):
                patches.append(patch)
                if progress is not None:
                    progress(len(patches), total)
        digests = _write_about(staging.path, name, software, nomenclature, chosen, zones, patches)
        if not target.exists() and staging.publish():
            return open_release(target)
        return _same_content(target, digests)


def check_target(out: Path, name: str) -> Path:
    """Return where a release of that name goes.

    Raises
    ------
    ReleaseError
        It cannot be a release's name, or something else is there.
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
    if target.exists() and not (target / "release.json").is_file():
        raise ReleaseError(f"{target} exists and is no release; choose another name or move it away")
    return target


def open_release(path: Path) -> Release:
    """Open a release without reading its patches.

    Raises
    ------
    ReleaseError
        There is no release, or its ``release.json`` is damaged.
    """
    if not (path / "release.json").is_file():
        raise ReleaseError(f"{path} is no release: it has no release.json; give the folder that holds one")
    try:
        return Release(path=path, card=read_document(path / "release.json", schema="release"))
    except DocumentError as error:
        raise ReleaseError(f"{error}; copy the release again") from error


def read_labels(root: Path, file: str, nomenclature: Nomenclature, scheme: str) -> NDArray[np.uint8]:
    """Read a label file of the release at ``root`` as codes, shape (row, col).

    Raises
    ------
    ReleaseError
        Some pixel has a value of no class.
    """
    path, mend = inside(root, file), f"see what was changed: workbench release verify {root}"
    try:
        return nomenclature.decode(read_bands(path)[0], scheme, way_out=mend)
    except NomenclatureError as error:
        raise ReleaseError(f"{path} is not as it was built: {error}") from error


def _write_about(
    folder: Path,
    name: str,
    software: str,
    nomenclature: Nomenclature,
    layouts: Sequence[Layout],
    sources: Sequence[ZoneSource],
    patches: Sequence[Patch],
) -> dict[str, str]:
    """Write everything that is no patch file; return the digests of all files."""
    digests: dict[str, str] = {}
    for patch in patches:
        for files in patch.files.values():
            digests |= {files.image: files.image_sha256, files.label: files.label_sha256}
    for layout in layouts:
        for path, content in layout.tables(patches):
            digests[f"{layout.root}/{path}"] = put_file(folder, f"{layout.root}/{path}", content)
    digests["nomenclature.json"] = put_file(folder, "nomenclature.json", _json(nomenclature.document()))
    digests["index.parquet"] = put_file(folder, "index.parquet", index_bytes(patches))
    card = release_card(
        name=name,
        software=software,
        content_sha256=content_digest(digests),
        nomenclature=nomenclature,
        layouts=layouts,
        sources=sources,
        patches=patches,
    )
    validate(card, "release", source=f"{name}/release.json")
    digests["README.md"] = put_file(folder, "README.md", readme(card, layouts).encode())
    digests["release.json"] = put_file(folder, "release.json", _json(card))
    put_file(folder, MANIFEST, format_manifest(digests).encode())
    return digests


def _json(document: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)}\n".encode()


def _same_content(target: Path, digests: Mapping[str, str]) -> Release:
    """Return the release that is there already, if it is whole and has the content that was just built."""
    there = read_manifest(target)
    if content_digest(there) == content_digest(digests):
        damage = check_files(target, there)
        if not damage:
            return replace(open_release(target), reused=True)
        raise ReleaseError(
            f"{target} has the same content but is damaged ({damage[0]}); move it away and build again"
        )
    data = sorted((there.keys() | digests.keys()) - ABOUT)
    first = next(path for path in data if there.get(path) != digests.get(path))
    raise ReleaseError(
        f"{target} exists with other content (first {first}) and a release never changes; choose another name"
    )
