"""What a release has of another one that is built on it: files that are as they would be written now."""

from __future__ import annotations

__all__ = ["Before"]

from collections.abc import Mapping, Sequence
from functools import cached_property

from workbench.export.encoding import ENCODING
from workbench.export.layouts import Layout
from workbench.export.manifest import Manifest
from workbench.export.packing import Pack
from workbench.export.patches import LABEL, Patch, ZoneSource, cut_patches
from workbench.export.release import NOMENCLATURE, Release
from workbench.geo.grid import PatchLattice
from workbench.geo.zone import domain_of


class Before:
    """The release that another one builds on, or none."""

    def __init__(
        self,
        parent: Release | None,
        layouts: Sequence[Layout],
        lattice: PatchLattice,
        nomenclature: bytes,
    ) -> None:
        self._index = parent.patches() if parent else None
        self._entries = {entry["id"]: entry for entry in parent.card["zones"]} if parent else {}
        self._layouts, self._lattice, self._parent = layouts, lattice, parent
        self.kept: dict[str, frozenset[str]] = {}
        """By layout, the modalities that the release has encoded as they would be now."""
        if parent is not None and parent.card.get("encoding") == ENCODING and parent.lattice == lattice:
            there = {one.name: one for one in parent.layouts}
            same = (parent.path / NOMENCLATURE).read_bytes() == nomenclature
            for one in layouts:
                old = there.get(one.name)
                if old and (old.bands, old.scheme, old.coloured) == (one.bands, one.scheme, one.coloured):
                    self.kept[one.name] = frozenset(old.modalities) - (frozenset() if same else {LABEL})

    def patches(self, zone: str) -> dict[str, Patch]:
        """Return the patches of a zone, by id."""
        if self._index is None or zone not in self._entries or not self.kept:
            return {}
        return {patch.id: patch for patch in self._index.of_zone(zone)}

    def same_views(self, source: ZoneSource) -> frozenset[str]:
        """Return what a zone has beside orthophoto and labels, made of the same rasters as there."""
        known = self._entries.get(source.zone.id, {}).get("views", {})
        return frozenset(name for name, view in source.views.items() if known.get(name) == view.sha256)

    def pack(self, pack: Pack) -> tuple[str, str] | None:
        """Return path and digest of a file of many patches, if it is there as it is to be."""
        if self._parent is None or not self._keeps(pack.layout):
            return None
        before = [self.patches(source.zone.id) for source in pack.sources]
        if not all(map(self._unchanged, pack.sources, before)):
            return None
        name, domains = pack.layout.name, {source.zone.domain for source in pack.sources}
        path = next(iter(before[0].values())).files[name][LABEL].path
        near = [zone for zone in self._entries if domain_of(zone) in domains]
        firsts = {zone: next(iter(self.patches(zone).values())) for zone in near}
        held = {zone for zone, first in firsts.items() if first.files[name][LABEL].path == path}
        sha256 = self._manifest.get(path)
        whole = held == {source.zone.id for source in pack.sources}
        return (path, sha256) if whole and sha256 else None

    @cached_property
    def _manifest(self) -> Manifest:
        assert self._parent is not None  # noqa: S101 - asked for where there is one
        return Manifest.read(self._parent.path)

    def has(self, source: ZoneSource, before: Mapping[str, Patch]) -> bool:
        """Tell whether all files of a zone are there as they are to be."""
        trees = [one for one in self._layouts if one.container == "files"]
        return all(map(self._keeps, trees)) and self._unchanged(source, before)

    def _keeps(self, layout: Layout) -> bool:
        return set(layout.modalities) <= self.kept.get(layout.name, frozenset())

    def _unchanged(self, source: ZoneSource, before: Mapping[str, Patch]) -> bool:
        """Tell whether a zone is what it was, pixel for pixel."""
        entry = self._entries.get(source.zone.id, {})
        return (
            entry.get("pixels_sha256") == source.zone.ortho.pixels_sha256
            and entry.get("labels_sha256") == source.labels_sha256
            and entry.get("views") == {name: view.sha256 for name, view in source.views.items()}
            and {patch.id: patch.grid for patch in cut_patches(source, self._lattice)}
            == {name: patch.grid for name, patch in before.items()}
            and all(patch.picture_hash for patch in before.values())
        )
