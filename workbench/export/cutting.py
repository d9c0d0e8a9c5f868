"""From zones to patch files: read, count, encode, write, one patch at a time."""

from __future__ import annotations

__all__ = ["PatchJob", "PatchWriter", "patch_jobs", "put_file"]

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.documents import digest
from workbench.errors import NomenclatureError, ReleaseError
from workbench.export.layouts import Layout
from workbench.export.patches import Patch, PatchFiles, ZoneSource, cut_patches
from workbench.geo.raster import encode_raster
from workbench.nomenclature import Nomenclature


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchJob:
    """One patch to write."""

    patch: Patch
    source: ZoneSource
    codes: NDArray[np.uint8]
    """Codes of its pixels, (row, col); 0 = unlabelled."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchWriter:
    """Write the files of one patch; a value, so that it can be sent to another process."""

    folder: Path
    layouts: tuple[Layout, ...]
    nomenclature: Nomenclature

    def __call__(self, job: PatchJob) -> Patch:
        """Write a patch in every layout; return it with its counts, paths and digests."""
        patch, bands = job.patch, job.source.zone.ortho.bands
        counts = np.bincount(job.codes.ravel(), minlength=256)
        image = job.source.image(patch.window)
        if image.dtype != np.uint8 or image.shape != (len(bands), *patch.grid.shape):
            raise ReleaseError(
                f"no release was built: the orthophoto of patch {patch.id} has {image.dtype} pixels of shape "
                f"{image.shape}, not uint8 of {(len(bands), *patch.grid.shape)}; add the zone again from an "
                "8-bit raster: gdal_translate -ot Byte -scale"
            )
        return replace(
            patch,
            class_counts={entry.key: int(counts[entry.code]) for entry in self.nomenclature.classes},
            unlabelled=int(counts[0]),
            files={layout.name: self._write(layout, job, image) for layout in self.layouts},
        )

    def _write(self, layout: Layout, job: PatchJob, image: NDArray[np.uint8]) -> PatchFiles:
        patch, bands = job.patch, job.source.zone.ortho.bands
        try:
            values = self.nomenclature.encode(job.codes, layout.scheme)
        except NomenclatureError as error:
            raise ReleaseError(f"no release was built: labels of patch {patch.id}: {error}") from error
        planes = image[[bands.index(band) for band in layout.bands]]
        colours = self.nomenclature.colour_table(layout.scheme) if layout.coloured else None
        # Level 4 takes half the time of level 6 and makes images 3 % larger.
        contents = {
            f"{layout.root}/{layout.image_path(patch)}": encode_raster(
                planes, patch.grid, level=4, predictor=2
            ),
            f"{layout.root}/{layout.label_path(patch)}": encode_raster(values, patch.grid, colours=colours),
        }
        (image_path, image_sha), (label_path, label_sha) = (
            (path, put_file(self.folder, path, content)) for path, content in contents.items()
        )
        return PatchFiles(image=image_path, label=label_path, image_sha256=image_sha, label_sha256=label_sha)


def patch_jobs(source: ZoneSource) -> Iterator[PatchJob]:
    """Yield the patches of a zone with their labels, which are read once.

    Raises
    ------
    ReleaseError
        The labels do not fit the zone's grid.
    """
    codes, zone = source.labels(), source.zone
    if codes.dtype != np.uint8 or codes.shape != zone.grid.shape:
        raise ReleaseError(
            f"no release was built: labels of zone {zone.id} are {codes.dtype} of shape {codes.shape}, not "
            f"uint8 of {zone.grid.shape}; check its journals: workbench journal verify DIR --zone {zone.id}"
        )
    for patch in cut_patches(source):
        yield PatchJob(patch=patch, source=source, codes=codes[patch.window.slices].copy())


def put_file(folder: Path, name: str, content: bytes) -> str:
    """Write a file below a folder and return its SHA-256.

    Raises
    ------
    ReleaseError
        The disk is full, or cannot be written.
    """
    path = folder / name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise ReleaseError(
            f"no release was built: {folder.parent} cannot be written ({error.strerror}); make room there or "
            "choose another folder"
        ) from error
    return digest(content)
