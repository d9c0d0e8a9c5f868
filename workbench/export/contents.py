"""Whether the files of patches hold what the index says: place, size and type of pixels, labels, images."""

from __future__ import annotations

__all__ = ["ContentCheck", "Whole"]

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import Problem, RasterError, ReleaseError
from workbench.export.hdf5 import each_patch, strange_members
from workbench.export.layouts import Layout
from workbench.export.modalities import MODALITIES, grid_of
from workbench.export.patches import IMAGE, LABEL, Patch
from workbench.export.pixel_digests import are_image, are_labels
from workbench.export.tars import each_member, member_names
from workbench.geo.grid import PixelGrid
from workbench.geo.raster import decode_raster
from workbench.geo.tiff_heads import AlikeHeads
from workbench.nomenclature import Nomenclature
from workbench.nomenclature.code_counts import code_counts
from workbench.threads import Map

_NEAR: Final = 1e-6
"""Metres, in transforms."""
Wrong = tuple[str, str]
"""Kind and words of what is wrong."""
Held = Mapping[str, tuple[NDArray[Any], PixelGrid | None]]
"""By modality, pixels (band, row, col) and where they lie, if the file says it."""


@dataclass(frozen=True, slots=True)
class Whole:
    """The files of a release that are there, without those that are named already."""

    release: Path
    spoilt: frozenset[str]

    def __contains__(self, path: str) -> bool:
        return path not in self.spoilt and (self.release / path).is_file()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """What there is of a modality of a patch."""

    bands: int
    shape: tuple[int, int]
    dtype: str
    grid: PixelGrid | None = None
    """Where it lies, if the file says it."""
    nodata: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentCheck:
    """Check the patches of one layout."""

    release: Path
    layout: Layout
    nomenclature: Nomenclature
    whole: Whole
    """Files that are there as ``SHA256SUMS`` says; the others are named already."""
    pixels: bool = False
    """Whether images are read, too, and held against what the index says of them."""
    originals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By zone, the bands of its orthophoto; older releases do not tell them."""
    heads: AlikeHeads = field(default_factory=AlikeHeads)

    def problems(self, patches: Iterable[Patch], map: Map) -> Iterator[Problem]:  # noqa: A002
        """Yield what is wrong with the files of patches, which come in the sequence of the index."""
        if self.layout.container == "files":
            for found in map(self._files, patches):
                yield from found
            return
        for path, held in groupby(patches, key=lambda patch: patch.files[self.layout.name][IMAGE].path):
            yield from self._pack(path, {patch.id: patch for patch in held})

    def _files(self, patch: Patch) -> list[Problem]:
        """Return what is wrong with the files of a patch."""
        problems: list[Problem] = []
        for modality in patch.shown(self.layout.modalities):
            name = f"{self.layout.root}/{self.layout.path(patch, modality)}"
            lying = patch.files[self.layout.name][modality].path
            if lying != name:
                message = f"the {modality} of patch {patch.id} should lie at {name}"
                problems.append(Problem(loc=(lying,), message=message, kind="path"))
            elif name in self.whole:
                wrong = self._file(self.release / name, patch, modality)
                problems += [Problem(loc=(name,), message=message, kind=kind) for kind, message in wrong]
        return problems

    def _file(self, path: Path, patch: Patch, modality: str) -> Iterator[Wrong]:
        try:
            read = modality == LABEL or (modality == IMAGE and self.pixels)
            info, pixels = self.heads.read(path) if read else (self.heads.inspect(path), None)
            found = _Found(
                bands=info.band_count,
                shape=info.grid.shape,
                dtype=info.dtype,
                grid=info.grid,
                nodata=info.nodata,
            )
            wrong = [*self._unfit(found, patch, modality)]
            yield from wrong
            if pixels is not None and not wrong:
                yield from self._unlike(pixels, patch, modality)
        except RasterError as error:
            yield "raster", str(error)

    def _pack(self, path: str, patches: Mapping[str, Patch]) -> Iterator[Problem]:
        """Yield what is wrong with a file of many patches."""
        first = next(iter(patches.values()))
        if path != f"{self.layout.root}/{self.layout.path(first, IMAGE)}":
            message = f"patch {first.id} should lie in {self.layout.root}/{self.layout.path(first, IMAGE)}"
            yield Problem(loc=(path,), message=message, kind="path")
        if path not in self.whole:
            return
        read, missing = _members if self.layout.container == "tar" else _datasets, dict(patches)
        try:
            for name in self._strange(self.release / path, patches):
                message = f"has {name}, which the index does not name, or has it twice"
                yield Problem(loc=(path, name), message=message, kind="member")
            for patch_id, held in read(self.release / path, first.shown(self.layout.modalities)):
                patch = missing.pop(patch_id, None)
                wrong = (
                    [("member", f"is not in the index: {patch_id}")]
                    if patch is None
                    else self._held(held, patch)
                )
                yield from (Problem(loc=(path, patch_id), message=text, kind=kind) for kind, text in wrong)
        except (ReleaseError, RasterError) as error:
            yield Problem(loc=(path,), message=str(error), kind="container")
            return
        for patch_id in missing:
            yield Problem(loc=(path, patch_id), message=f"lacks patch {patch_id}", kind="member")

    def _held(
        self, held: Mapping[str, tuple[NDArray[Any], PixelGrid | None]], patch: Patch
    ) -> Iterator[Wrong]:
        """Yield what is wrong with a patch in a file of many."""
        for modality in patch.shown(self.layout.modalities):
            if modality not in held:
                yield "member", f"lacks {modality}"
                continue
            planes, grid = held[modality]
            found = _Found(bands=len(planes), shape=planes.shape[1:], dtype=planes.dtype.name, grid=grid)
            wrong = [*self._unfit(found, patch, modality)]
            yield from ((kind, f"{modality}: {message}") for kind, message in wrong)
            if not wrong:
                yield from self._unlike(planes, patch, modality)

    def _strange(self, path: Path, patches: Collection[str]) -> Iterator[str]:
        """Yield what a file of many patches has of its patches, or beside them, that no index names."""
        if self.layout.container == "hdf5":
            yield from strange_members(path, self.layout.modalities)
            return
        known = {"json", *(f"{one}.tif" for one in self.layout.modalities)}
        for name, count in Counter(member_names(path)).items():
            patch_id, _, what = name.partition(".")
            if patch_id in patches and (count > 1 or what not in known):
                yield name

    def _unfit(self, found: _Found, patch: Patch, modality: str) -> Iterator[Wrong]:
        """Yield what a modality is and should not be."""
        grid = grid_of(modality, patch.grid)
        dtype = MODALITIES[modality].dtype if modality in MODALITIES else "uint8"
        facts: dict[str, tuple[Any, Any]] = {
            "size": (found.shape, grid.shape),
            "bands": (found.bands, self._depth(patch, modality)),
            "dtype": (found.dtype, dtype),
            "crs": (found.grid.crs if found.grid else grid.crs, grid.crs),
            "nodata": (found.nodata, None),
        }
        for kind, (is_now, should_be) in facts.items():
            if is_now != should_be:
                yield kind, f"{kind} is {is_now}, should be {should_be}"
        now, should = tuple((found.grid or grid).transform)[:6], tuple(grid.transform)[:6]
        if not all(math.isclose(a, b, rel_tol=0.0, abs_tol=_NEAR) for a, b in zip(now, should, strict=True)):
            yield "transform", f"transform is {now}, should be {should}"

    def _depth(self, patch: Patch, modality: str) -> int:
        """Return the number of bands that a modality of a patch should have."""
        if modality in (IMAGE, LABEL):
            return len(self.layout.bands) if modality == IMAGE else 1
        known = MODALITIES[modality]
        return len(known.bands) * (len(patch.dates.get(modality, ())) if known.series else 1)

    def _unlike(self, planes: NDArray[Any], patch: Patch, modality: str) -> Iterator[Wrong]:
        """Yield what the pixels of a modality, shape (band, row, col), are and should not be."""
        if modality == LABEL:
            yield from self._mislabelled(planes[0], patch)
        elif modality == IMAGE and self.pixels:
            original = self.originals.get(patch.zone)
            if not are_image(planes, self.layout.bands, patch, original):
                yield "pixels", "image is not the one that index.parquet has the digest of"

    def _mislabelled(self, values: NDArray[np.uint8], patch: Patch) -> Iterator[Wrong]:
        """Yield what is wrong with labels, shape (row, col), in the numbers of the layout's scheme."""
        scheme = self.layout.scheme
        counts = code_counts(values)
        keys = {entry.values[scheme]: entry.key for entry in self.nomenclature.classes}
        if unknown := [str(value) for value in np.flatnonzero(counts) if value not in keys]:
            yield "classes", f"values {', '.join(unknown)} are not in scheme {scheme}"
        other, counted = self.nomenclature.schemes[scheme].other, True
        for value, key in keys.items():
            expected = patch.class_counts.get(key, 0) + (patch.unlabelled if key == other else 0)
            if counts[value] != expected:
                counted = False
                yield "counts", f"has {counts[value]} pixels of {key}, index.parquet says {expected}"
        if counted and not unknown and not are_labels(values, patch, self.nomenclature, scheme):
            yield "pixels", "labels are not those that index.parquet has the digest of"


def _datasets(path: Path, modalities: tuple[str, ...]) -> Iterator[tuple[str, Held]]:
    """Yield the patches of an HDF5 file: pixels (band, row, col), which say nothing of their place."""
    for patch_id, pixels in each_patch(path, modalities):
        yield (
            patch_id,
            {
                name: (planes if planes.ndim == 3 else planes[np.newaxis], None)
                for name, planes in pixels.items()
            },
        )


def _members(path: Path, modalities: tuple[str, ...]) -> Iterator[tuple[str, Held]]:
    """Yield the patches of a tar file, whose members lie beside each other: pixels and their grid."""
    for patch_id, members in groupby(each_member(path), key=lambda member: member[0].partition(".")[0]):
        held = {name.removeprefix(f"{patch_id}.").removesuffix(".tif"): content for name, content in members}
        yield (
            patch_id,
            {
                one: decode_raster(held[one], called=f"{path}: {patch_id}.{one}.tif")
                for one in modalities
                if one in held
            },
        )
