"""A release is built: zone by zone beside where it will be, going on after a kill, renamed last."""

from __future__ import annotations

__all__ = ["build_release", "json_bytes", "published", "same_content"]

import dataclasses
import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from workbench.documents import canonical_bytes, digest, digest_file, validate
from workbench.errors import ReleaseError
from workbench.export.before import Before
from workbench.export.card import readme, release_card
from workbench.export.cutting import ANEW, PatchWriter, disk_told, patch_jobs, put_file, put_tables, take_file
from workbench.export.encoding import Encoder
from workbench.export.identity import Identity
from workbench.export.index import INDEX, PatchIndex, part_bytes, part_key, write_index
from workbench.export.judging import judge_index, judge_sources, pictures_of
from workbench.export.layouts import DEFAULT_LAYOUTS, Layout, parse_layouts
from workbench.export.manifest import MANIFEST, Manifest, check_files, listed_files
from workbench.export.packing import Pack, packs_of, write_pack
from workbench.export.patches import Patch, ZoneSource, cut_patches, files_of
from workbench.export.release import NOMENCLATURE, Release, check_target, open_release
from workbench.export.rules import DEFAULTS, Rules, Verdict, refuse
from workbench.export.staging import Staging
from workbench.geo.grid import NATIONAL_GRID, PatchLattice
from workbench.nomenclature import Nomenclature
from workbench.threads import Map

_PARTS: Final = ".parts"
"""Folder of the index of each zone that is written; gone when the release is whole."""
_ORIGIN: Final = ("version", "parent", "withdrawn", "subset", "derived")
"""What a card says of where a release comes from."""


def build_release(
    sources: Iterable[ZoneSource],
    *,
    name: str,
    out: Path,
    nomenclature: Nomenclature,
    software: str,
    layouts: Iterable[str | Layout] = DEFAULT_LAYOUTS,
    parent: Release | None = None,
    version: str | None = None,
    readmit: Iterable[str] = (),
    lattice: PatchLattice = NATIONAL_GRID,
    rules: Rules = DEFAULTS,
    still: Callable[[], None] = lambda: None,
    progress: Callable[[int, int], None] | None = None,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> Release:
    """Cut zones into patches and publish them as ``out/name``, whole or not at all.

    A build that was killed goes on where it was, zone by zone, when the same is built again.

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
    parent
        A release to build on: files of patches that did not change are those of the parent, under another
        name on the same disk, else copies.
    version
        Such as ``1.2.0``; by default what the name ends with, or the next after the parent's.
    readmit
        Zones that were withdrawn before and are here again.
    lattice
        What patches are cut on, and their resolution; orthophotos become means, labels the most frequent
        class of the ground that a pixel covers.
    rules
        What the release is held against.
    still
        Asked before the release appears, some time after its zones were chosen; what it raises ends all.
    progress
        Called with the patches done and their total after each.
    map
        Such as `workbench.threads.in_threads` gives; its results come in order.

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
    if parent is not None and "withheld" in parent.card:
        raise ReleaseError(
            f"{parent.name} withholds labels, so no release is built on it; build on "
            f"{parent.card['subset']['of']}, of which it is a part"
        )
    if parent is not None and "derived" in parent.card:
        raise ReleaseError(
            f"labels of {parent.name} are derived, so no release is built on it; build on "
            f"{parent.card['derived']['of']}, and derive again"
        )
    zones = sorted(sources, key=lambda source: source.zone.id)
    identity = Identity(name=name, said=version, parent=parent, readmitted=frozenset(readmit))
    verdicts = judge_sources(zones, chosen, nomenclature, lattice, rules)
    refuse(verdicts)
    verdicts.append(identity.verdict(zones, nomenclature, lattice))
    refuse(verdicts)
    with Staging.beside(target, go_on=True) as staging:
        build = _Build(staging, chosen, nomenclature, lattice, software, parent, map)
        total = sum(1 for source in zones for _ in cut_patches(source, lattice))
        for done, _ in enumerate(build.zones(zones), start=1):
            if progress is not None:
                progress(done, total)
        verdicts += build.index(zones, rules)
        refuse(verdicts)
        manifest = build.finish(identity, zones, verdicts)
        still()
        return published(staging, manifest, map)


class _Step(NamedTuple):
    """What is to be done for a patch; a value, so that it can be sent to another thread."""

    zone: str
    key: str | None
    """Of the zone's index, None where that is there."""
    write: Callable[[Any], Patch] | None
    """None where the patch is there."""
    work: Any
    """What that writes; or the patch."""
    last: bool
    """Of the zone."""


def _steps(
    zone: str, key: str | None, write: Callable[[Any], Patch] | None, works: Iterable[Any]
) -> Iterator[_Step]:
    """Yield a step for each work; the last one is told, so that a kill in the next zone loses nothing."""
    for work, more in pairwise(chain(works, [None])):
        yield _Step(zone, key, write, work, last=more is None)


def _done(step: _Step) -> tuple[_Step, Patch]:
    return step, step.work if step.write is None else step.write(step.work)


class _Build:
    """A release in its staging folder."""

    def __init__(
        self,
        staging: Staging,
        layouts: Sequence[Layout],
        nomenclature: Nomenclature,
        lattice: PatchLattice,
        software: str,
        parent: Release | None,
        map: Map,  # noqa: A002
    ) -> None:
        self._staging, self._map = staging, map
        self._layouts, self._nomenclature, self._software = layouts, nomenclature, software
        self._lattice = lattice
        self._about = json_bytes(nomenclature.document())
        self._parent, self._before = parent, Before(parent, layouts, lattice, self._about)
        self._write = PatchWriter(
            folder=staging.path,
            layouts=tuple(layouts),
            encoder=Encoder(nomenclature=nomenclature),
            parent=parent.path if parent else None,
            kept=self._before.kept,
        )
        self._parts: list[Path] = []
        self._manifest = Manifest()

    def zones(self, sources: Iterable[ZoneSource]) -> Iterator[Patch]:
        """Write the zones that are not there; yield the patches of all, zone by zone.

        Patches of the next zone are in work while the index of one is written.
        """
        patches = []
        for step, patch in self._map(_done, (step for source in sources for step in self._steps(source))):
            patches.append(patch)
            yield patch
            if step.last:
                path = f"{_PARTS}/{step.zone}.parquet"
                if step.key is not None:
                    put_file(self._staging.path, path, part_bytes(patches, key=step.key))
                self._parts.append(self._staging.path / path)
                self._manifest.put(files := [*files_of(patches)])
                self._staging.sync_soon(name for name, _ in files)
                patches = []

    def _steps(self, source: ZoneSource) -> Iterator[_Step]:
        """Yield what is to be done for each patch of a zone: nothing, where all is excluded or too small."""
        zone, key = source.zone.id, self._key(source)
        there = self._there(self._staging.path / _PARTS / f"{zone}.parquet", key)
        if there is not None:
            yield from _steps(zone, None, None, there)
            return
        before = self._before.patches(zone)
        if self._before.has(source, before):
            pairs = ((patch, before[patch.id]) for patch in cut_patches(source, self._lattice))
            yield from _steps(zone, key, self._write.take, pairs)
            return
        same = self._before.same_views(source)
        yield from _steps(zone, key, self._write, patch_jobs(source, self._lattice, before, same))

    def index(self, zones: Sequence[ZoneSource], rules: Rules) -> list[Verdict]:
        """Write the index; return what is to be said of the patches."""
        path = self._staging.path / INDEX
        with disk_told(self._staging.path):
            write_index(self._parts, path)
        patches = self._index(path)
        return judge_index(patches, self._lattice, pictures_of(zones, patches, self._lattice), rules)

    def finish(
        self, identity: Identity, zones: Sequence[ZoneSource], verdicts: Sequence[Verdict]
    ) -> Manifest:
        """Write everything else that is no patch; return the digests of all files."""
        folder = self._staging.path
        patches = self._index(folder / INDEX)
        made = {INDEX: digest_file(folder / INDEX)}
        for layout in self._layouts:
            for pack in packs_of(layout, zones, patches):
                made[pack.path] = self._packed(pack, patches)
            made |= self._zone_files(layout, zones, patches)
            made |= put_tables(folder, layout, patches)
        made[NOMENCLATURE] = put_file(folder, NOMENCLATURE, self._about)
        self._manifest.put(made.items())
        card = release_card(
            name=identity.name,
            software=self._software,
            content_sha256=self._manifest.content_sha256,
            nomenclature=self._nomenclature,
            lattice=self._lattice,
            layouts=self._layouts,
            sources=zones,
            patches=patches,
            verdicts=verdicts,
        )
        card |= identity.document(card)
        validate(card, "release", source=f"{identity.name}/release.json")
        about = {
            "README.md": put_file(folder, "README.md", readme(card, self._layouts).encode()),
            "release.json": put_file(folder, "release.json", json_bytes(card)),
        }
        self._manifest.put(about.items())
        with disk_told(folder):
            self._manifest.write(folder)
        self._tidy()
        return self._manifest

    def _zone_files(self, layout: Layout, zones: Iterable[ZoneSource], patches: PatchIndex) -> dict[str, str]:
        """Write what zones have beside their patches; return the digests."""
        made = {}
        for source in zones:
            for name, content in layout.zone_files(source, patches.of_zone(source.zone.id)):
                path = f"{layout.root}/{name}"
                made[path] = put_file(self._staging.path, path, content)
        return made

    def _packed(self, pack: Pack, patches: PatchIndex) -> str:
        """Have a file of many patches there; return its digest."""
        folder = self._staging.path
        part = folder / _PARTS / f"{pack.path}.json"
        key = digest(canonical_bytes([self._key(source) for source in pack.sources]))
        if self._staging.adopted and part.is_file():
            there = json.loads(part.read_bytes())
            damage = check_files(folder, Manifest([(pack.path, there["sha256"])]), extra=False)
            if there["key"] == key and not damage:
                return str(there["sha256"])
        before = self._before.pack(pack)
        if before is not None and self._parent is not None:
            old, sha256 = before
            with disk_told(folder):
                (folder / pack.path).unlink(missing_ok=True)
            take_file(self._parent.path, old, sha256, folder, pack.path, otherwise=ANEW)
        else:
            encoder = self._write.encoder
            sha256 = write_pack(pack, folder, patches, encoder=encoder, lattice=self._lattice, map=self._map)
        content = canonical_bytes({"key": key, "sha256": sha256})
        put_file(folder, f"{_PARTS}/{pack.path}.json", content)
        return sha256

    def _index(self, path: Path) -> PatchIndex:
        return PatchIndex(path, {one.name: one.modalities for one in self._layouts}, self._lattice)

    def _key(self, source: ZoneSource) -> str:
        """Return the digest of all that the files of a zone depend on."""
        zone = source.zone
        facts = {
            "software": self._software,
            "nomenclature": digest(self._about),
            "layouts": [[one.name, one.root, one.scheme, one.bands, one.modalities] for one in self._layouts],
            "parent": self._parent.card["content_sha256"] if self._parent else None,
            "zone": [zone.id, source.fold, source.splits, source.numbers, zone.theme, zone.camera],
            "acquired": zone.acquired.isoformat() if zone.acquired else None,
            "grid": [zone.grid.crs, list(zone.grid.transform), [[cell.row, cell.col] for cell in zone.cells]],
            "lattice": dataclasses.astuple(self._lattice),
            "time": zone.time_of_day.isoformat() if zone.time_of_day else None,
            "pixels": [zone.ortho.bands, zone.ortho.pixels_sha256, source.labels_sha256],
            "views": {name: view.sha256 for name, view in source.views.items()},
        }
        return digest(canonical_bytes(facts))

    def _there(self, part: Path, key: str) -> list[Patch] | None:
        """Return the patches of a zone that a killed build wrote, if they are what is to be written."""
        if not self._staging.adopted or part_key(part) != key:
            return None
        patches = list(self._index(part))
        damage = check_files(self._staging.path, Manifest(files_of(patches)), map=self._map, extra=False)
        return None if damage else patches

    def _tidy(self) -> None:
        """Remove what a killed build wrote and this one has not, and the parts."""
        folder = self._staging.path
        shutil.rmtree(folder / _PARTS)
        if self._staging.adopted:
            for path in listed_files(folder):
                if self._manifest.get(path) is None and path != MANIFEST and not path.startswith("."):
                    (folder / path).unlink()
            for found in sorted(folder.rglob("*"), reverse=True):
                if found.is_dir() and not any(found.iterdir()):
                    found.rmdir()


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """Return a document as people read it."""
    return f"{json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)}\n".encode()


def published(staging: Staging, manifest: Manifest, map: Map) -> Release:  # noqa: A002
    """Have a release appear, unless the same is there."""
    if not staging.target.exists() and staging.publish():
        return open_release(staging.target)
    return same_content(staging, manifest, map)


def same_content(staging: Staging, manifest: Manifest, map: Map) -> Release:  # noqa: A002
    """Return the release that is there already, if it is whole and is what was just built.

    That is the same content, and the same word on where it comes from: all else that a release tells may be
    of another day, as which edit was the last.
    """
    target, there = staging.target, Manifest.read(staging.target)
    if there.content_sha256 == manifest.content_sha256:
        damage = check_files(target, there, map=map)
        if damage:
            raise ReleaseError(
                f"{target} has the same content but is damaged ({damage[0]}); move it away and build again"
            )
        found, made = open_release(target), open_release(staging.path)
        if other := [key for key in _ORIGIN if found.card.get(key) != made.card.get(key)]:
            raise ReleaseError(
                f"{target} has the same content, and tells otherwise how it was made ({', '.join(other)} in "
                "its release.json); choose another name"
            )
        return dataclasses.replace(found, reused=True)
    raise ReleaseError(
        f"{target} exists with other content (first {there.first_other(manifest)}) and a release never "
        "changes; choose another name"
    )
