"""A subset of a release: a release of its own, of the same files; labels of *test* may be withheld."""

from __future__ import annotations

__all__ = ["Subset", "subset_release"]

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from workbench.counting import counted
from workbench.documents import digest_file, validate
from workbench.errors import ReleaseError
from workbench.export.building import json_bytes, same_content
from workbench.export.cutting import check_taken, disk_told, put_file, put_tables, take_file
from workbench.export.folds import SPLITS
from workbench.export.index import INDEX, PatchIndex
from workbench.export.index_rows import take_rows
from workbench.export.layouts import Layout
from workbench.export.manifest import Manifest
from workbench.export.release import NOMENCLATURE, Release, check_target, open_release
from workbench.export.retaking import Retaker
from workbench.export.sealing import KEY, SEAL, key_of, write_seal
from workbench.export.staging import Staging
from workbench.export.subset_card import Origin, subset_card, subset_readme
from workbench.export.wanted import Wanted
from workbench.threads import Map

SEALED: Final = "-SEALED"
"""End of the name of the release that has the labels that another one withholds."""
TESTED: Final = SPLITS[0]
"""The split that all layouts lay out: its test is what can be withheld."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subset:
    """What `subset_release` made."""

    release: Release
    sealed: Release | None = None
    """The release that has the labels that the other one withholds."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/release-subset.schema.json``)."""
        card = self.release.card
        return {
            "path": str(self.release.path),
            "reused": self.release.reused,
            "name": self.release.name,
            "content_sha256": card["content_sha256"],
            "subset": card["subset"],
            "counts": card["counts"],
            "layouts": [layout.name for layout in self.release.layouts],
            "withheld": card.get("withheld"),
            "sealed": None if self.sealed is None else str(self.sealed.path),
        }

    def text(self) -> str:
        """Return the report for people."""
        lines = [self.release.text()]
        if self.sealed is not None:
            withheld = self.release.card["withheld"]
            lines.append(
                f"labels of {counted(withheld['patches'], 'patch', 'patches')} in "
                f"{counted(withheld['zones'], 'zone')} are withheld; "
                f"{self.sealed.path} has them: keep it to yourself, with its {KEY}, and never without a copy"
            )
        return "\n".join(lines)


def subset_release(
    parent: Release,
    *,
    name: str,
    out: Path,
    wanted: Wanted,
    withhold_test: bool = False,
    progress: Callable[[int, int], None] | None = None,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> Subset:
    """Make a release of some zones, layouts and modalities of another one; nothing is cut anew.

    Files are those of the other release, under another name on the same disk, else copies.

    Parameters
    ----------
    parent
        The other release; it is never written to.
    name, out
        As `workbench.export.build_release` takes them.
    wanted
        What is taken.
    withhold_test
        Whether labels of what is test in ``split_1`` are left out, and put into a second release
        ``{name}-SEALED``, whose digests stand under seal in the first (`workbench.export.sealing`).
    progress
        Called with the patches done and their total after each.
    map
        Such as `workbench.threads.in_threads` gives; its results come in order.

    Returns
    -------
    Subset
        With the release; as ``reused`` where the same content was there under this name.

    Raises
    ------
    ReleaseError
        There is nothing to take or to withhold, the other release is damaged, or a name is taken by other
        content. Nothing was left on disk.
    """
    _check_whole(parent)
    target, zones, layouts = check_target(out, name), wanted.zones_of(parent), wanted.layouts_of(parent)
    tested = _tested(parent, zones) if withhold_test else ()
    sealed = check_target(out, f"{name}{SEALED}") if withhold_test else None
    with ExitStack() as stack:
        staging = stack.enter_context(Staging.beside(target))
        steps = _Steps(progress, _patches(parent, zones) + _patches(parent, tested))
        if sealed is None:
            origin = Origin(parent=parent, wanted=wanted)
            manifest = _Maker(origin, staging.path, layouts, steps, map).make(name, zones)
            return Subset(release=_published(staging, manifest, map))
        aside = stack.enter_context(Staging.beside(sealed))
        put_file(aside.path, KEY, key_of(sealed))
        of_test = replace(wanted, zones=tested, domains=(), sets=())
        origin = Origin(parent=parent, wanted=of_test, seals=name)
        whole = _Maker(origin, aside.path, layouts, steps, map).make(sealed.name, tested, extra=(KEY,))
        origin = Origin(
            parent=parent, wanted=wanted, withheld=frozenset(tested), split=TESTED, sealed=sealed.name
        )
        maker = _Maker(origin, staging.path, layouts, steps, map)
        manifest = maker.make(name, zones, seal=(aside.path, whole))
        if target.exists():  # before the other one is: what is refused leaves nothing
            same_content(target, manifest, map)
        kept = _published(aside, whole, map)
        return Subset(release=_published(staging, manifest, map), sealed=kept)


class _Steps:
    """Patches done, told one by one."""

    def __init__(self, progress: Callable[[int, int], None] | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def __call__(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)


class _Maker:
    """Fills the folder of a subset."""

    def __init__(
        self,
        origin: Origin,
        folder: Path,
        layouts: Sequence[Layout],
        steps: _Steps,
        map: Map,  # noqa: A002
    ) -> None:
        self._origin, self._folder, self._layouts = origin, folder, tuple(layouts)
        self._steps, self._map = steps, map

    def make(
        self,
        name: str,
        zones: Sequence[str],
        *,
        extra: Sequence[str] = (),
        seal: tuple[Path, Manifest] | None = None,
    ) -> Manifest:
        """Write all files of a subset; return their digests.

        Parameters
        ----------
        name, zones
            Of the subset.
        extra
            Files that lie there already and belong to it.
        seal
            Folder and files of the release that has the labels that are withheld.
        """
        folder, parent = self._folder, self._origin.parent
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
        parent, folder = self._origin.parent, self._folder
        shown = {one.name: one.modalities for one in self._layouts}
        with disk_told(folder):
            take_rows(
                parent.path / INDEX,
                folder / INDEX,
                zones=frozenset(zones),
                withheld=self._origin.withheld,
                before={one.name: one.modalities for one in parent.layouts},
                layouts=shown,
            )
        return PatchIndex(folder / INDEX, shown, parent.lattice)

    def _about(self, name: str, patches: PatchIndex, manifest: Manifest) -> None:
        """Write what tells about the data, and the digests."""
        card = subset_card(
            self._origin,
            patches,
            name=name,
            content_sha256=manifest.content_sha256,
            layouts=self._layouts,
        )
        validate(card, "release", source=f"{name}/release.json")
        told = {"README.md": subset_readme(card, self._layouts).encode(), "release.json": json_bytes(card)}
        manifest.put((path, put_file(self._folder, path, content)) for path, content in told.items())
        with disk_told(self._folder):
            manifest.write(self._folder)


def _check_whole(parent: Release) -> None:
    """Refuse a parent whose index is damaged, or that lacks labels."""
    if "withheld" in parent.card:
        raise ReleaseError(
            f"{parent.name} withholds labels; take a subset of {parent.card['subset']['of']}, of which it is "
            "one itself"
        )
    check_taken(parent.path, INDEX, Manifest.read(parent.path).get(INDEX))


def _tested(parent: Release, zones: Sequence[str]) -> tuple[str, ...]:
    """Return those zones whose labels are withheld."""
    splits = {entry["id"]: entry["splits"] for entry in parent.card["zones"]}
    tested = tuple(zone for zone in zones if splits[zone][TESTED] == "test")
    if not tested:
        raise ReleaseError(
            f"none of {counted(len(zones), 'zone')} is test in {TESTED}, so there is nothing to withhold; "
            "choose domains of fold 1, too"
        )
    return tested


def _patches(parent: Release, zones: Sequence[str]) -> int:
    counts = {entry["id"]: entry["patches"] for entry in parent.card["zones"]}
    return sum(counts[zone] for zone in zones)


def _published(staging: Staging, manifest: Manifest, map: Map) -> Release:  # noqa: A002
    """Have a release appear, unless the same is there."""
    if not staging.target.exists() and staging.publish():
        return open_release(staging.target)
    return same_content(staging.target, manifest, map)
