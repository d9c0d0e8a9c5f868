"""A release in other classes: labels are derived by a table, all else is the same files."""

from __future__ import annotations

__all__ = ["Recoded", "recode_release"]

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from workbench.counting import counted
from workbench.documents import canonical_bytes, digest, digest_file, validate
from workbench.errors import ReleaseError
from workbench.export.building import json_bytes, published
from workbench.export.cutting import disk_told, put_file, put_tables
from workbench.export.derived_card import derived_card, derived_document, derived_readme
from workbench.export.index import INDEX, PatchIndex, part_bytes, write_index
from workbench.export.manifest import Manifest
from workbench.export.patches import files_of
from workbench.export.relabelling import Relabeller
from workbench.export.release import NOMENCLATURE, Release, check_target
from workbench.export.retaking import Retaker
from workbench.export.staging import Staging
from workbench.export.usage import UsageLayer
from workbench.nomenclature import Derivation
from workbench.threads import Map

_PARTS: Final = ".parts"
"""Folder of the index of each zone; gone when the release is whole."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recoded:
    """What `recode_release` made."""

    release: Release
    undecided: int
    """Pixels of classes that nobody decided."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/release-recode.schema.json``)."""
        card = self.release.card
        return {
            "path": str(self.release.path),
            "reused": self.release.reused,
            "name": self.release.name,
            "content_sha256": card["content_sha256"],
            "derived": card["derived"],
            "nomenclature": card["nomenclature"],
            "counts": card["counts"],
            "class_pixels": card["class_pixels"],
            "unlabelled_pixels": card["unlabelled_pixels"],
            "undecided_pixels": self.undecided,
            "layouts": [layout.name for layout in self.release.layouts],
        }

    def text(self) -> str:
        """Return the report for people."""
        derived = self.release.card["derived"]
        lines = [self.release.text()]
        lines.append(
            f"labels are derived from {derived['of']} by {derived['crosswalk']} {derived['version']}"
            + (f" and {derived['rule']['name']} {derived['rule']['version']}" if derived["rule"] else "")
        )
        if self.undecided:
            told = (f"{key} {count:,}" for key, count in derived["undecided"].items() if count)
            lines.append(f"undecided: {counted(self.undecided, 'pixel')} ({', '.join(told)})")
        if usage := derived["usage"]:
            hanging = sum(usage[f"{name}_pixels"] for name in ("known", "contested", "unknown"))
            lines.append(
                f"usage is known for {usage['known_pixels']:,} of {counted(hanging, 'pixel')} that hang on it"
                + (f", contested for {usage['contested_pixels']:,}" if usage["contested_pixels"] else "")
            )
            if usage.get("uncoded"):
                lines.append(
                    f"left aside: {counted(usage['uncoded'], 'polygon')} of {usage['layer']} without a code "
                    f"in {usage['field']}"
                )
            if hanging and not usage["known_pixels"]:
                lines.append("warning: the usage layer tells nothing here; is it of that ground?")
        return "\n".join(lines)


def recode_release(
    parent: Release,
    *,
    name: str,
    out: Path,
    derivation: Derivation,
    software: str,
    usage: UsageLayer | None = None,
    progress: Callable[[int, int], None] | None = None,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> Recoded:
    """Make a release whose labels are those of another one in other classes.

    Files that are no labels are those of the other release, under another name on the same disk, else copies.

    Parameters
    ----------
    parent
        The other release; it is never written to.
    name, out
        As `workbench.export.build_release` takes them.
    derivation
        What classes become; it starts from the nomenclature of the parent.
    software
        Version of the workbench, for the record.
    usage
        Polygons that tell the usage of the ground, where the answer hangs on it.
    progress
        Called with the patches done and their total after each.
    map
        Such as `workbench.threads.in_threads` gives; its results come in order.

    Returns
    -------
    Recoded
        With the release; as ``reused`` where the same content was there under this name.

    Raises
    ------
    ReleaseError
        Classes that are there are not decided, the other release withholds labels, is derived itself or
        damaged, or the name is taken by other content. Nothing was left on disk.
    """
    check_recodable(parent)
    target = check_target(out, name)
    if usage is not None and usage.usages != derivation.usages:
        raise ReleaseError(f"{usage.path} was not opened for the usages of {derivation.target.name}")
    _check_decided(parent, derivation)
    with Staging.beside(target) as staging:
        maker = _Maker(parent, derivation, usage, staging.path, map)
        maker.relabel(progress)
        manifest = maker.finish(name, software)
        made = published(staging, manifest, map)
    return Recoded(release=made, undecided=sum(made.card["derived"]["undecided"].values()))


def check_recodable(parent: Release) -> None:
    """Refuse a release that lacks labels, whose labels are derived, or that is not what its card says.

    Raises
    ------
    ReleaseError
        It is one.
    """
    if "withheld" in parent.card:
        raise ReleaseError(
            f"{parent.name} withholds labels, which cannot be derived from; recode "
            f"{parent.card['subset']['of']}, of which it is a part"
        )
    if "derived" in parent.card:
        raise ReleaseError(
            f"labels of {parent.name} are derived themselves; recode {parent.card['derived']['of']}, which "
            "they come from"
        )
    parent.prove()


class _Maker:
    """Fills the folder of a release of derived labels."""

    def __init__(
        self,
        parent: Release,
        derivation: Derivation,
        usage: UsageLayer | None,
        folder: Path,
        map: Map,  # noqa: A002
    ) -> None:
        self._parent, self._derivation, self._usage = parent, derivation, usage
        self._folder, self._layouts, self._map = folder, parent.layouts, map
        self._manifest, self._digests = Manifest(), dict[str, str]()
        self._relabeller = Relabeller(
            parent=parent,
            nomenclature=parent.nomenclature,
            derivation=derivation,
            usage=usage,
            retaker=Retaker(
                parent=parent, manifest=Manifest.read(parent.path), folder=folder, layouts=self._layouts
            ),
        )

    def relabel(self, progress: Callable[[int, int], None] | None) -> None:
        """Write the files of all patches, and the index."""
        before = self._parent.patches()
        self._relabeller.check_packs()
        done, total, parts = 0, len(before), list[Path]()
        for zone, held in groupby(before, key=lambda patch: patch.zone):
            patches = []
            for patch in self._relabeller.zone(list(held), self._map):
                patches.append(patch)
                done += 1
                if progress is not None:
                    progress(done, total)
            self._manifest.put(files_of(patches))
            self._digests[zone] = digest(canonical_bytes([patch.label_sha256 for patch in patches]))
            put_file(self._folder, f"{_PARTS}/{zone}.parquet", part_bytes(patches))
            parts.append(self._folder / _PARTS / f"{zone}.parquet")
        with disk_told(self._folder):
            write_index(parts, self._folder / INDEX)
        shutil.rmtree(self._folder / _PARTS)

    def finish(self, name: str, software: str) -> Manifest:
        """Write everything else; return the digests of all files."""
        folder, manifest = self._folder, self._manifest
        patches = self._index()
        derived = derived_document(self._parent, self._derivation, self._usage, self._relabeller.resolved)
        manifest.put(self._relabeller.others(patches, self._map))
        for layout in self._layouts:
            manifest.put(put_tables(folder, layout, patches).items())
        classes = put_file(folder, NOMENCLATURE, json_bytes(self._derivation.target.document()))
        manifest.put([(INDEX, digest_file(folder / INDEX)), (NOMENCLATURE, classes)])
        card = derived_card(
            self._parent,
            self._derivation,
            patches,
            label_digests=self._digests,
            name=name,
            software=software,
            content_sha256=manifest.content_sha256,
            layouts=self._layouts,
            derived=derived,
        )
        validate(card, "release", source=f"{name}/release.json")
        told = {
            "README.md": derived_readme(card, self._layouts, self._derivation).encode(),
            "release.json": json_bytes(card),
        }
        manifest.put((path, put_file(folder, path, content)) for path, content in told.items())
        with disk_told(folder):
            manifest.write(folder)
        return manifest

    def _index(self) -> PatchIndex:
        shown = {one.name: one.modalities for one in self._layouts}
        return PatchIndex(self._folder / INDEX, shown, self._parent.lattice)


def _check_decided(parent: Release, derivation: Derivation) -> None:
    """Refuse labels with pixels of classes that nobody decided."""
    pixels = parent.card["class_pixels"]
    left: Sequence[str] = [key for key in derivation.waiting if pixels[key]]
    if left:
        told = ", ".join(f"{key} ({counted(pixels[key], 'pixel')})" for key in left)
        candidates = derivation.crosswalk.undecided[left[0]].candidates
        goals = " or ".join(f"{left[0]}={goal}" for goal in (*candidates[:1], "undecided"))
        raise ReleaseError(
            f"{derivation.crosswalk.name} does not say what becomes of {told}: decide it, such as --decide "
            f"{goals}"
        )
