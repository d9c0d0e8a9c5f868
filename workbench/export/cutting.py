"""From zones to patch files: read, count, encode, write, one patch at a time."""

from __future__ import annotations

__all__ = [
    "ANEW",
    "PatchWriter",
    "check_taken",
    "disk_told",
    "looked_at",
    "patch_jobs",
    "put_file",
    "put_tables",
    "take_file",
]

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from workbench.documents import digest, digest_arrays, digest_file
from workbench.errors import ReleaseError
from workbench.export.encoding import Encoder, PatchJob
from workbench.export.fingerprints import fingerprint, luminance
from workbench.export.index import PatchIndex
from workbench.export.layouts import Layout
from workbench.export.patches import (
    IMAGE,
    LABEL,
    Patch,
    PatchFile,
    ZoneSource,
    codes_digest,
    cut_patches,
)
from workbench.export.pixels import PatchPixels, codes_on
from workbench.geo.grid import PatchLattice
from workbench.nomenclature import Nomenclature
from workbench.nomenclature.code_counts import code_counts

_FACTS: Final = (
    "ground", "dates", "class_counts", "unlabelled", "image_sha256", "label_sha256", "picture_hash",
    "contrast",
)  # fmt: skip
"""What is known of a patch once its pixels were looked at."""
ANEW: Final = ", or build without --parent"
"""What a builder may do whose parent is damaged."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchWriter:
    """Write the files of one patch; a value, so that it can be sent to another process."""

    folder: Path
    layouts: tuple[Layout, ...]
    encoder: Encoder
    parent: Path | None = None
    """Folder of the release that this one builds on."""
    kept: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By layout, the modalities that the parent encodes as this release does."""

    def __call__(self, job: PatchJob) -> Patch:
        """Write a patch in every layout; return it with its counts, paths and digests."""
        pixels = PatchPixels(job.patch, job.source)
        patch = looked_at(job, pixels, self.encoder.nomenclature)
        return replace(patch, files={one.name: self._write(one, patch, job, pixels) for one in self.layouts})

    def take(self, pair: tuple[Patch, Patch]) -> Patch:
        """Return a patch with the files of the same one, which did not change, of the parent."""
        patch, before = pair
        facts = {name: getattr(before, name) for name in _FACTS}
        files = {
            layout.name: {one: self._take(layout, patch, before, one) for one in layout.modalities}
            if layout.container == "files"
            else within(layout, patch)
            for layout in self.layouts
        }
        return replace(patch, **facts, files=files)

    def _write(
        self, layout: Layout, patch: Patch, job: PatchJob, pixels: PatchPixels
    ) -> dict[str, PatchFile]:
        if layout.container != "files":
            return within(layout, patch)
        files = {}
        for modality in layout.modalities:
            if job.before is not None and modality in self._same(layout, patch, job, job.before):
                files[modality] = self._take(layout, patch, job.before, modality)
                continue
            path = f"{layout.root}/{layout.path(patch, modality)}"
            sha256 = put_file(self.folder, path, self.encoder.raster(layout, modality, job, pixels))
            files[modality] = PatchFile(path=path, sha256=sha256)
        return files

    def _same(self, layout: Layout, patch: Patch, job: PatchJob, before: Patch) -> set[str]:
        """Return the modalities whose file the parent has as it is to be."""
        same = {name for name in job.same if name in layout.modalities}
        same |= {IMAGE} if before.image_sha256 == patch.image_sha256 else set()
        same |= {LABEL} if before.label_sha256 == patch.label_sha256 else set()
        return same & self.kept.get(layout.name, frozenset())

    def _take(self, layout: Layout, patch: Patch, before: Patch, modality: str) -> PatchFile:
        """Have a file of the parent in this release, too: one file on the disk, under two names."""
        assert self.parent is not None  # noqa: S101 - nothing is taken from nowhere
        there = before.files[layout.name][modality]
        path = f"{layout.root}/{layout.path(patch, modality)}"
        take_file(self.parent, there.path, there.sha256, self.folder, path, otherwise=ANEW)
        return PatchFile(path=path, sha256=there.sha256)


def looked_at(job: PatchJob, pixels: PatchPixels, nomenclature: Nomenclature) -> Patch:
    """Return a patch with all that its pixels tell of it."""
    counts = code_counts(job.codes)
    seen = fingerprint(luminance(pixels.image, pixels.bands))
    return replace(
        job.patch,
        ground=pixels.ground,
        dates={name: view.dates for name, view in job.source.views.items() if view.dates},
        class_counts={entry.key: int(counts[entry.code]) for entry in nomenclature.classes},
        unlabelled=int(counts[0]),
        image_sha256=digest_arrays(",".join(pixels.bands).encode(), pixels.image),
        label_sha256=codes_digest(job.codes),
        picture_hash=seen.hash,
        contrast=seen.contrast,
    )


def within(layout: Layout, patch: Patch) -> dict[str, PatchFile]:
    """Return where the modalities of a patch lie in files that hold more."""
    return {
        one: PatchFile(path=f"{layout.root}/{layout.path(patch, one)}", member=patch.id)
        for one in layout.modalities
    }


def patch_jobs(
    source: ZoneSource, lattice: PatchLattice, before: Mapping[str, Patch], same: frozenset[str]
) -> Iterator[PatchJob]:
    """Yield the patches of a zone with their labels, which are read once.

    Parameters
    ----------
    source
        The zone.
    lattice
        What it is cut on.
    before
        Patches of the release that this one builds on, by id.
    same
        Modalities beside orthophoto and labels that this zone has as it had there.

    Raises
    ------
    ReleaseError
        The labels do not fit the zone's grid, or are not those that were accepted.
    """
    codes, zone = source.labels(), source.zone
    if codes.dtype != np.uint8 or codes.shape != zone.grid.shape:
        raise ReleaseError(
            f"no release was built: labels of zone {zone.id} are {codes.dtype} of shape {codes.shape}, not "
            f"uint8 of {zone.grid.shape}; check its journals: workbench journal verify DIR --zone {zone.id}"
        )
    if codes_digest(codes) != source.labels_sha256:
        raise ReleaseError(
            f"no release was built: labels of zone {zone.id} changed while it was built; have the zone "
            "accepted and build again"
        )
    for patch in cut_patches(source, lattice):
        old = before.get(patch.id)
        known = old if old is not None and old.grid == patch.grid else None
        part = codes_on(patch.grid, codes, zone.grid)
        yield PatchJob(patch=patch, source=source, codes=part, before=known, same=same)


def take_file(
    parent: Path, there: str, sha256: str | None, folder: Path, path: str, *, otherwise: str = ""
) -> None:
    """Have a file of another release in this one, too: one file on the disk, under two names.

    Parameters
    ----------
    parent, there, sha256
        Folder of the other release, path in it, and digest.
    folder, path
        Folder of this one, and path in it.
    otherwise
        What its user may do if the file is damaged, beside putting the release back.

    Raises
    ------
    ReleaseError
        It is not what its release says, or the disk is full.
    """
    source, target = parent / there, folder / path
    check_taken(parent, there, sha256, otherwise=otherwise)
    with disk_told(folder):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # another disk, or one that knows no links
            shutil.copyfile(source, target)


def check_taken(parent: Path, there: str, sha256: str | None, *, otherwise: str = "") -> None:
    """Refuse a file of another release that is not what its release says; see `take_file`.

    Raises
    ------
    ReleaseError
        It has other bytes, or is gone.
    """
    source = parent / there
    try:
        whole = digest_file(source) == sha256
    except OSError:
        whole = False
    if not whole:
        raise ReleaseError(
            f"no release was built: {source} is not what its release says; put {parent.name} back from a "
            f"copy (workbench release verify {parent}){otherwise}"
        )


def put_file(folder: Path, name: str, content: bytes) -> str:
    """Write a file below a folder and return its SHA-256.

    Raises
    ------
    ReleaseError
        The disk is full, or cannot be written.
    """
    with disk_told(folder):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return digest(content)


def put_tables(folder: Path, layout: Layout, patches: PatchIndex) -> dict[str, str]:
    """Write what a layout has to describe patches; return the digests by path.

    Raises
    ------
    ReleaseError
        The disk is full.
    """
    made = {}
    for table in layout.tables(patches):
        path = f"{layout.root}/{table.path}"
        with disk_told(folder):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).unlink(missing_ok=True)
            table.write(folder / path)
        made[path] = digest_file(folder / path)
    return made


@contextmanager
def disk_told(folder: Path) -> Iterator[None]:
    """Say what a failing disk means for the release that is written to a folder."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise ReleaseError(
            f"no release was built: {folder.parent} cannot be written ({reason}); make room there or choose "
            "another folder"
        ) from error
