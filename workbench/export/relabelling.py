"""Patches of a release with other labels: everything else is the same file under a second name."""

from __future__ import annotations

__all__ = ["Relabeller"]

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.documents import digest_file
from workbench.export.cutting import check_taken, disk_told, put_file
from workbench.export.hdf5 import compressed, take_patches
from workbench.export.index import PatchIndex
from workbench.export.layouts import Layout
from workbench.export.packing import patch_json
from workbench.export.patches import IMAGE, LABEL, Patch, PatchFile, codes_digest
from workbench.export.release import Release, read_labels
from workbench.export.retaking import Retaker
from workbench.export.tars import each_member, write_members
from workbench.export.usage import UsageLayer, ZoneUsage
from workbench.geo.geotiff import encode_raster
from workbench.nomenclature import Derivation, Nomenclature
from workbench.nomenclature.code_counts import code_counts
from workbench.threads import Map

_Labelled = tuple[Patch, NDArray[np.uint8], Counter[str]]
"""A patch, its codes, and of its pixels that hang on the usage how many became what."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Relabeller:
    """Writes the labels of a release anew, in the classes of a derivation, into another one's folder."""

    parent: Release
    nomenclature: Nomenclature
    """Of the parent."""
    derivation: Derivation
    usage: UsageLayer | None
    retaker: Retaker
    """Takes all that is no label."""
    resolved: Counter[str] = field(default_factory=Counter)
    """Pixels whose answer hangs on the usage: ``known``, ``contested`` or ``unknown``."""

    @property
    def folder(self) -> Path:
        """Folder of the release that is made."""
        return self.retaker.folder

    def zone(self, held: Sequence[Patch], map: Map) -> Iterator[Patch]:  # noqa: A002
        """Write the files of a zone's patches that have files of their own; yield them as they are now."""
        for before, (patch, codes, told) in zip(held, self._labelled(held, map), strict=True):
            self.resolved.update(told)
            yield replace(patch, files={one.name: self._files(one, before, codes) for one in self._layouts})

    def others(self, after: PatchIndex, map: Map) -> Iterator[tuple[str, str]]:  # noqa: A002
        """Write what is no file of one patch, of patches as they are now; yield path and digest."""
        before = self.parent.patches()
        yield from self.retaker.of_zones(before)
        for layout in self._layouts:
            if layout.container != "files":
                place = partial(self.retaker.place, layout, modality=IMAGE)
                for path, held in groupby(before, key=place):
                    yield path, self._pack(layout, path, list(held), after, map)

    def check_packs(self) -> None:
        """Refuse a parent whose labels lie in damaged files of many patches; others are proven as read.

        Raises
        ------
        ReleaseError
            With the first file that is another one.
        """
        layout = self._read_from
        if layout.container != "files":
            place = partial(self.retaker.place, layout, modality=LABEL)
            for path, _ in groupby(self.parent.patches(), key=place):
                check_taken(self.parent.path, path, self.retaker.manifest.get(path))

    @property
    def _layouts(self) -> tuple[Layout, ...]:
        return self.retaker.layouts

    @property
    def _read_from(self) -> Layout:
        """Layout whose labels are read: one of files, if there is one."""
        return min(self._layouts, key=lambda layout: layout.container != "files")

    def _labelled(self, held: Sequence[Patch], map: Map) -> Iterator[_Labelled]:  # noqa: A002
        """Yield patches of one zone of the parent with their new labels."""
        under = None if self.usage is None else self.usage.on(held)
        yield from map(partial(self._one, under), held)

    def _one(self, under: ZoneUsage | None, patch: Patch) -> _Labelled:
        before = read_labels(self.parent.path, self._read_from, patch, self.nomenclature)
        codes, told = self._derived(before, None if under is None else under.of(patch))
        counts = code_counts(codes)
        target = self.derivation.target
        classes = {entry.key: int(counts[entry.code]) for entry in target.classes}
        unlabelled = self._still_unlabelled(patch)
        for key, bare in unlabelled.items():
            classes[key] -= bare
        patch = replace(
            patch,
            class_counts=classes,
            unlabelled=sum(unlabelled.values()),
            label_sha256=codes_digest(codes),
        )
        return patch, codes, told

    def _derived(
        self, before: NDArray[np.uint8], under: tuple[NDArray[np.uint8], NDArray[np.bool_]] | None
    ) -> tuple[NDArray[np.uint8], Counter[str]]:
        """Return new codes, and of the pixels that hang on the usage how many have one."""
        if under is None:
            return self.derivation.apply(before), Counter()
        places, contested = under
        hanging = np.isin(before, self.derivation.hanging)
        told = {
            "known": int((hanging & (places != 0)).sum()),
            "contested": int((hanging & contested).sum()),
            "unknown": int((hanging & (places == 0) & ~contested).sum()),
        }
        return self.derivation.apply(before, places), Counter(told)

    def _still_unlabelled(self, patch: Patch) -> Mapping[str, int]:
        """Return the pixels that nobody labelled, by the class that they are written as.

        The files have them as the scheme's *other*. They stay unlabelled where *other* becomes the other of
        the new scheme; where it was decided to be a class, nobody can tell them from it any more.
        """
        scheme = self._read_from.scheme
        before, after = (one.schemes[scheme].other for one in (self.nomenclature, self.derivation.target))
        stays = after is not None and before is not None and self.derivation.goals[before] == after
        return {after: patch.unlabelled} if stays and after else {}

    def _files(self, layout: Layout, before: Patch, codes: NDArray[np.uint8]) -> dict[str, PatchFile]:
        """Have a patch of a layout in this release; return where its modalities lie."""
        if layout.container != "files":
            return dict(before.files[layout.name])
        files = {}
        for modality in layout.modalities:
            if modality == LABEL:
                path = self.retaker.place(layout, before, LABEL)
                if layout != self._read_from:  # that was proven as it was read
                    check_taken(self.parent.path, path, before.files[layout.name][LABEL].sha256)
                sha256 = put_file(self.folder, path, self._raster(layout, before, codes))
            else:
                path, sha256 = self.retaker.take(layout, before, modality)
            files[modality] = PatchFile(path=path, sha256=sha256)
        return files

    def _raster(self, layout: Layout, patch: Patch, codes: NDArray[np.uint8]) -> bytes:
        target = self.derivation.target
        colours = target.colour_table(layout.scheme) if layout.coloured else None
        return encode_raster(target.encode(codes, layout.scheme), patch.grid, colours=colours)

    def _pack(
        self,
        layout: Layout,
        path: str,
        held: Sequence[Patch],
        after: PatchIndex,
        map: Map,  # noqa: A002
    ) -> str:
        """Write a file of many patches, as the parent has them, with other labels; return its digest."""
        source, target = self.parent.path / path, self.folder / path
        check_taken(self.parent.path, path, self.retaker.manifest.get(path))
        with disk_told(self.folder):
            target.parent.mkdir(parents=True, exist_ok=True)
            if layout.container == "tar":
                known = {patch.id: patch for patch in after.of_zone(held[0].zone)}
                write_members(target, self._members(source, layout, held, known, map))
            else:
                self._hdf5(source, target, layout, held, map)
            return digest_file(target)

    def _members(
        self,
        source: Path,
        layout: Layout,
        held: Sequence[Patch],
        known: Mapping[str, Patch],
        map: Map,  # noqa: A002
    ) -> Iterator[tuple[str, bytes]]:
        """Yield the members of a tar file of a zone, labels and what is known of patches anew."""
        codes = {patch.id: codes for patch, codes, _ in self._labelled(held, map)}
        for name, content in each_member(source):
            patch_id, _, what = name.partition(".")
            if what == "json":
                yield name, patch_json(known[patch_id])
            elif what == f"{LABEL}.tif":
                yield name, self._raster(layout, known[patch_id], codes[patch_id])
            else:
                yield name, content

    def _hdf5(
        self,
        source: Path,
        target: Path,
        layout: Layout,
        held: Sequence[Patch],
        map: Map,  # noqa: A002
    ) -> None:
        """Write an HDF5 file of a domain: all chunks but those of labels as they are."""
        classes = self.derivation.target

        def labels() -> Iterator[Mapping[str, bytes]]:
            for _, of_zone in groupby(held, key=lambda patch: patch.zone):
                for _, codes, _ in self._labelled(list(of_zone), map):
                    yield {LABEL: compressed(classes.encode(codes, layout.scheme))}

        take_patches(
            source,
            target,
            [patch.id for patch in held],
            layout.modalities,
            instead=labels(),
            about={"nomenclature": f"{classes.name} {classes.version}"},
        )
