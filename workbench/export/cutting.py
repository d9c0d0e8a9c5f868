"""From zones to patch files: read, count, encode, write, one patch at a time."""

from __future__ import annotations

__all__ = ["ENCODING", "PatchJob", "PatchWriter", "disk_told", "patch_jobs", "put_file"]

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.documents import digest, digest_arrays, digest_file
from workbench.errors import NomenclatureError, ReleaseError
from workbench.export.layouts import Layout
from workbench.export.patches import (
    IMAGE,
    Patch,
    PatchFile,
    ZoneSource,
    codes_digest,
    cut_patches,
)
from workbench.geo.raster import encode_raster
from workbench.nomenclature import Nomenclature

ENCODING: Final = 1
"""Changes when the same pixels are written as other bytes, so that what is taken from an older release is as
what is written now."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchJob:
    """One patch to write."""

    patch: Patch
    source: ZoneSource
    codes: NDArray[np.uint8]
    """Codes of its pixels, (row, col); 0 = unlabelled."""
    before: Patch | None = None
    """The same patch of the release that this one builds on."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchWriter:
    """Write the files of one patch; a value, so that it can be sent to another process."""

    folder: Path
    layouts: tuple[Layout, ...]
    nomenclature: Nomenclature
    parent: Path | None = None
    """Folder of the release that this one builds on."""
    kept: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By layout, the modalities that the parent encodes as this release does."""

    def __call__(self, job: PatchJob) -> Patch:
        """Write a patch in every layout; return it with its counts, paths and digests."""
        bands, counts = job.source.zone.ortho.bands, np.bincount(job.codes.ravel(), minlength=256)
        image = job.source.image(job.patch.window)
        if image.dtype != np.uint8 or image.shape != (len(bands), *job.patch.grid.shape):
            raise ReleaseError(
                f"no release was built: the orthophoto of patch {job.patch.id} has {image.dtype} pixels of "
                f"shape {image.shape}, not uint8 of {(len(bands), *job.patch.grid.shape)}; add the zone "
                "again from an 8-bit raster: gdal_translate -ot Byte -scale"
            )
        patch = replace(
            job.patch,
            class_counts={entry.key: int(counts[entry.code]) for entry in self.nomenclature.classes},
            unlabelled=int(counts[0]),
            image_sha256=digest_arrays(",".join(bands).encode(), image),
            label_sha256=codes_digest(job.codes),
        )
        return replace(patch, files={one.name: self._write(one, patch, job, image) for one in self.layouts})

    def take(self, pair: tuple[Patch, Patch]) -> Patch:
        """Return a patch with the files of the same one, which did not change, of the parent."""
        patch, before = pair
        facts = {
            name: getattr(before, name)
            for name in ("class_counts", "unlabelled", "image_sha256", "label_sha256")
        }
        files = {
            layout.name: {
                modality: self._take(layout, patch, before, modality) for modality in layout.modalities
            }
            for layout in self.layouts
        }
        return replace(patch, **facts, files=files)

    def _write(
        self, layout: Layout, patch: Patch, job: PatchJob, image: NDArray[np.uint8]
    ) -> dict[str, PatchFile]:
        before, files = job.before, {}
        for modality in layout.modalities:
            if before is not None and modality in self.kept.get(layout.name, ()):
                name = f"{modality}_sha256"
                if getattr(before, name) == getattr(patch, name):
                    files[modality] = self._take(layout, patch, before, modality)
                    continue
            encode = self._encoded_image if modality == IMAGE else self._encoded_labels
            path = f"{layout.root}/{layout.path(patch, modality)}"
            files[modality] = PatchFile(
                path=path, sha256=put_file(self.folder, path, encode(layout, job, image))
            )
        return files

    def _take(self, layout: Layout, patch: Patch, before: Patch, modality: str) -> PatchFile:
        """Have a file of the parent in this release, too: one file on the disk, under two names."""
        assert self.parent is not None  # noqa: S101 - nothing is taken from nowhere
        there = before.files[layout.name][modality]
        path = f"{layout.root}/{layout.path(patch, modality)}"
        source, target = self.parent / there.path, self.folder / path
        try:
            whole = digest_file(source) == there.sha256
        except OSError:
            whole = False
        if not whole:
            raise ReleaseError(
                f"no release was built: {source} is not what its release says; put {self.parent.name} back "
                f"from a copy (workbench release verify {self.parent}), or build without --parent"
            )
        with disk_told(self.folder):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source, target)
            except OSError:  # another disk, or one that knows no links
                shutil.copyfile(source, target)
        return PatchFile(path=path, sha256=there.sha256)

    def _encoded_image(self, layout: Layout, job: PatchJob, image: NDArray[np.uint8]) -> bytes:
        bands = job.source.zone.ortho.bands
        planes = image[[bands.index(band) for band in layout.bands]]
        # Level 4 takes half the time of level 6 and makes images 3 % larger.
        return encode_raster(planes, job.patch.grid, level=4, predictor=2)

    def _encoded_labels(self, layout: Layout, job: PatchJob, _: NDArray[np.uint8]) -> bytes:
        try:
            values = self.nomenclature.encode(job.codes, layout.scheme)
        except NomenclatureError as error:
            raise ReleaseError(f"no release was built: labels of patch {job.patch.id}: {error}") from error
        colours = self.nomenclature.colour_table(layout.scheme) if layout.coloured else None
        return encode_raster(values, job.patch.grid, colours=colours)


def patch_jobs(source: ZoneSource, before: Mapping[str, Patch]) -> Iterator[PatchJob]:
    """Yield the patches of a zone with their labels, which are read once.

    Parameters
    ----------
    source
        The zone.
    before
        Patches of the release that this one builds on, by id.

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
    for patch in cut_patches(source):
        part, old = codes[patch.window.slices].copy(), before.get(patch.id)
        same = old if old is not None and old.grid == patch.grid else None
        yield PatchJob(patch=patch, source=source, codes=part, before=same)


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
