"""Files of a release in another one: as they are, or without the patches and modalities that stay out."""

from __future__ import annotations

__all__ = ["Retaker"]

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from workbench.documents import digest_file
from workbench.errors import ReleaseError
from workbench.export.cutting import check_taken, disk_told, take_file
from workbench.export.hdf5 import take_patches
from workbench.export.index import PatchIndex
from workbench.export.layouts import Layout
from workbench.export.manifest import Manifest
from workbench.export.packing import patch_json
from workbench.export.patches import IMAGE, Patch
from workbench.export.release import Release
from workbench.export.tars import each_member, write_members
from workbench.geo.zone import domain_of
from workbench.threads import Map

Digests = Iterator[tuple[str, str]]
"""Path and digest of each file."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Retaker:
    """Takes files of a release into the folder of another one.

    A file is taken whole, under a second name on the same disk, or not at all; where a file holds many
    patches and some of it is left out, it is written anew of the bytes that stay.
    """

    parent: Release
    manifest: Manifest
    """Of the parent."""
    folder: Path
    """Of the other release."""
    layouts: tuple[Layout, ...]
    """With the modalities that are taken."""

    def files(self, patches: PatchIndex, map: Map) -> Iterator[list[tuple[str, str]]]:  # noqa: A002
        """Take the files of patches; yield path and digest of those of each patch.

        Raises
        ------
        ReleaseError
            The parent is damaged, or the disk is full.
        """
        yield from map(self._patch, patches)

    def others(self, patches: PatchIndex) -> Digests:
        """Take what zones have beside their patches, and files of many patches."""
        yield from self.of_zones(patches)
        for layout in self.layouts:
            if layout.container != "files":
                for path, held in groupby(patches, key=lambda patch: self.place(layout, patch, IMAGE)):
                    yield self._pack(layout, path, list(held))

    def of_zones(self, patches: PatchIndex) -> Digests:
        """Take what zones have beside their patches."""
        for layout in self.layouts:
            for _, held in groupby(patches, key=lambda patch: patch.zone):
                for name in layout.zone_paths(list(held)):
                    path = f"{layout.root}/{name}"
                    yield self._take(path, self.manifest.get(path))

    def take(self, layout: Layout, patch: Patch, modality: str) -> tuple[str, str]:
        """Take the file of a modality of a patch; return path and digest."""
        path = self.place(layout, patch, modality)
        return self._take(path, patch.files[layout.name][modality].sha256)

    def _patch(self, patch: Patch) -> list[tuple[str, str]]:
        return [
            self.take(layout, patch, modality)
            for layout in self.layouts
            if layout.container == "files"
            for modality in patch.shown(layout.modalities)
        ]

    def place(self, layout: Layout, patch: Patch, modality: str) -> str:
        """Return where a modality of a patch lies, if it lies where it should."""
        path = f"{layout.root}/{layout.path(patch, modality)}"
        if patch.files[layout.name][modality].path != path:
            raise ReleaseError(
                f"{self.parent.path}: the {modality} of patch {patch.id} should lie at {path}; look it over: "
                f"workbench release verify {self.parent.path}"
            )
        return path

    def _take(self, path: str, sha256: str | None) -> tuple[str, str]:
        take_file(self.parent.path, path, sha256, self.folder, path)
        return path, str(sha256)

    def _pack(self, layout: Layout, path: str, patches: Sequence[Patch]) -> tuple[str, str]:
        """Take a file of many patches, or what stays of it."""
        (before,) = (one for one in self.parent.layouts if one.name == layout.name)
        shown, sha256 = patches[0].shown(layout.modalities), self.manifest.get(path)
        whole = layout.container == "tar" or len(patches) == self._held(patches[0].domain)
        if whole and shown == before.modalities:
            return self._take(path, sha256)
        source, target = self.parent.path / path, self.folder / path
        check_taken(self.parent.path, path, sha256)
        with disk_told(self.folder):
            target.parent.mkdir(parents=True, exist_ok=True)
            if layout.container == "tar":
                write_members(target, _members(source, layout, patches))
            else:
                take_patches(source, target, [patch.id for patch in patches], shown)
            return path, digest_file(target)

    def _held(self, domain: str) -> int:
        """Return how many patches of a domain the parent has."""
        entries = self.parent.card["zones"]
        return sum(entry["patches"] for entry in entries if domain_of(entry["id"]) == domain)


def _members(source: Path, layout: Layout, patches: Iterable[Patch]) -> Iterator[tuple[str, bytes]]:
    """Yield the members of a tar file that stay, what is known of a patch anew."""
    known = {patch.id: patch for patch in patches}
    for name, content in each_member(source):
        patch_id, _, what = name.partition(".")
        patch = known.get(patch_id)
        if patch is None:
            continue
        if what == "json":
            yield name, patch_json(patch)
        elif what.removesuffix(".tif") in patch.shown(layout.modalities):
            yield name, content
