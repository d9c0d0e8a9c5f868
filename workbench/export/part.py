"""A part of a release as a release: its files are those of the whole, under another name on the same disk."""

from __future__ import annotations

__all__ = ["PartMaker", "Steps", "Telling", "patches_in"]

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from workbench.documents import digest_file, validate
from workbench.export.building import json_bytes
from workbench.export.cutting import disk_told, put_file, put_tables, take_file
from workbench.export.index import INDEX, PatchIndex
from workbench.export.index_rows import take_rows
from workbench.export.layouts import Layout
from workbench.export.manifest import Manifest
from workbench.export.release import NOMENCLATURE, Release
from workbench.export.retaking import Retaker
from workbench.export.sealing import SEAL, write_seal
from workbench.threads import Map


class Telling(Protocol):
    """What a part says about itself, and where it comes from."""

    @property
    def parent(self) -> Release:
        """The whole."""

    @property
    def withheld(self) -> frozenset[str]:
        """Ids of the zones whose labels are kept apart."""

    def card(
        self, patches: PatchIndex, *, name: str, content_sha256: str, layouts: Sequence[Layout]
    ) -> dict[str, Any]:
        """Return the content of ``release.json``."""

    def readme(self, card: Mapping[str, Any], layouts: Sequence[Layout]) -> str:
        """Return the content of ``README.md``."""


class Steps:
    """Patches done, told one by one."""

    def __init__(self, progress: Callable[[int, int], None] | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __call__(self) -> None:
        """Tell of one more."""
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)


class PartMaker:
    """Fills the folder of a part."""

    def __init__(
        self,
        telling: Telling,
        folder: Path,
        layouts: Sequence[Layout],
        steps: Steps,
        map: Map,  # noqa: A002
    ) -> None:
        self._telling, self._folder, self._layouts = telling, folder, tuple(layouts)
        self._steps, self._map = steps, map

    def make(
        self,
        name: str,
        zones: Sequence[str],
        *,
        extra: Sequence[str] = (),
        seal: tuple[Path, Manifest] | None = None,
    ) -> Manifest:
        """Write all files of the part; return their digests.

        Parameters
        ----------
        name, zones
            Of the part.
        extra
            Files that lie there already and belong to it.
        seal
            Folder and files of the release that has the labels that are withheld.
        """
        folder, parent = self._folder, self._telling.parent
        manifest, patches = Manifest(), self._rows(zones)
        retaker = Retaker(
            parent=parent, manifest=Manifest.read(parent.path), folder=folder, layouts=self._layouts
        )
        for files in retaker.files(patches, self._map):
            manifest.put(files)
            self._steps()
        manifest.put(retaker.others(patches))
        for layout in self._layouts:
            manifest.put(put_tables(folder, layout, patches).items())
        before = digest_file(parent.path / NOMENCLATURE)
        take_file(parent.path, NOMENCLATURE, before, folder, NOMENCLATURE)
        manifest.put((path, digest_file(folder / path)) for path in (INDEX, NOMENCLATURE, *extra))
        if seal is not None:
            with disk_told(folder):
                write_seal(folder, manifest, *seal)
            manifest.put([(SEAL, digest_file(folder / SEAL))])
        self._about(name, patches, manifest)
        return manifest

    def _rows(self, zones: Sequence[str]) -> PatchIndex:
        parent, folder = self._telling.parent, self._folder
        shown = {one.name: one.modalities for one in self._layouts}
        with disk_told(folder):
            take_rows(
                parent.path / INDEX,
                folder / INDEX,
                zones=frozenset(zones),
                withheld=self._telling.withheld,
                before={one.name: one.modalities for one in parent.layouts},
                layouts=shown,
            )
        return PatchIndex(folder / INDEX, shown, parent.lattice)

    def _about(self, name: str, patches: PatchIndex, manifest: Manifest) -> None:
        """Write what tells about the data, and the digests."""
        content, layouts = manifest.content_sha256, self._layouts
        card = self._telling.card(patches, name=name, content_sha256=content, layouts=layouts)
        validate(card, "release", source=f"{name}/release.json")
        told = {"README.md": self._telling.readme(card, layouts).encode(), "release.json": json_bytes(card)}
        manifest.put((path, put_file(self._folder, path, content)) for path, content in told.items())
        with disk_told(self._folder):
            manifest.write(self._folder)


def patches_in(parent: Release, zones: Sequence[str]) -> int:
    """Return how many patches some zones of a release have."""
    counts = {entry["id"]: entry["patches"] for entry in parent.card["zones"]}
    return sum(counts[zone] for zone in zones)
