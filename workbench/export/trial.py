"""A release on trial: held against every rule, and not built."""

from __future__ import annotations

__all__ = ["Trial", "try_release"]

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from workbench.export.card import excluded_patches
from workbench.export.cutting import looked_at, patch_jobs
from workbench.export.encoding import PatchJob
from workbench.export.identity import Identity
from workbench.export.index import INDEX, PatchIndex, part_bytes, write_index
from workbench.export.judging import judge_index, judge_sources, pictures_of
from workbench.export.layouts import Layout
from workbench.export.patches import Patch, ZoneSource, cut_patches
from workbench.export.pixels import PatchPixels
from workbench.export.release import Release, excluded_sentence
from workbench.export.rules import Rules, Verdict
from workbench.geo.grid import PatchLattice
from workbench.nomenclature import Nomenclature
from workbench.threads import Map

_ONE: Final = {
    "problems": "problem",
    "zones": "zone",
    "pairs of zones": "pair of zones",
    "pairs of patches": "pair of patches",
}
"""What one of those is called that rules count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a release would be refused for, or warned of, and what it keeps."""

    name: str
    verdicts: tuple[Verdict, ...]
    excluded: int = 0
    """Patches that stay out, for they show excluded ground."""

    @property
    def refused(self) -> bool:
        """Whether the release would not be built."""
        return any(one.outcome == "refused" for one in self.verdicts)

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "name": self.name,
            "refused": self.refused,
            "excluded_patches": self.excluded,
            "trial": [one.told() for one in self.verdicts],
        }

    def text(self) -> str:
        """Return a page for people: every rule, then what is wrong and the ways out."""
        width = max(len(one.rule) for one in self.verdicts)
        lines = [f"{one.outcome:8} {one.rule:{width}}  {one.asks}: {_measured(one)}" for one in self.verdicts]
        for one in self.verdicts:
            if one.outcome != "kept":
                lines += ["", f"{one.outcome}: {one.sentence}", *(f"  {place}" for place in one.places)]
        if self.excluded:
            lines += ["", excluded_sentence(self.excluded)]
        verdict = "would be refused" if self.refused else "would be built"
        return "\n".join([*lines, "", f"{self.name} {verdict}; nothing was built"])


def try_release(
    sources: Iterable[ZoneSource],
    *,
    name: str,
    nomenclature: Nomenclature,
    layouts: Sequence[Layout],
    parent: Release | None = None,
    version: str | None = None,
    readmit: Iterable[str] = (),
    lattice: PatchLattice,
    rules: Rules,
    progress: Callable[[int, int], None] | None = None,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> Trial:
    """Hold zones against the rules of a release without building one.

    All pictures and labels are looked at, unless no release could be made of the zones at all.

    Parameters
    ----------
    sources, name, nomenclature, layouts, parent, version, readmit, lattice, rules, progress, map
        As `workbench.export.build_release` takes them.
    """
    zones = sorted(sources, key=lambda source: source.zone.id)
    verdicts = {one.rule: one for one in judge_sources(zones, layouts, nomenclature, lattice, rules)}
    if "same-ground" in verdicts:
        identity = Identity(name=name, said=version, parent=parent, readmitted=frozenset(readmit))
        verdicts["version"] = identity.verdict(zones, nomenclature, lattice)
        with tempfile.TemporaryDirectory(prefix="workbench-trial-") as folder:
            index = _index(Path(folder), _looked(zones, nomenclature, lattice, map, progress), lattice)
            found = judge_index(index, lattice, pictures_of(zones, index, lattice), rules)
            verdicts |= {one.rule: one for one in found}
    excluded = sum(excluded_patches(source, lattice) for source in zones)
    return Trial(name=name, verdicts=tuple(verdicts.values()), excluded=excluded)


def _looked(
    zones: Sequence[ZoneSource],
    nomenclature: Nomenclature,
    lattice: PatchLattice,
    map: Map,  # noqa: A002
    progress: Callable[[int, int], None] | None,
) -> Iterator[list[Patch]]:
    """Yield the patches of each zone that has some, with what their pixels tell."""
    done, total = 0, sum(1 for source in zones for _ in cut_patches(source, lattice))
    for source in zones:
        patches = []
        for patch in map(partial(_look, nomenclature), patch_jobs(source, lattice, {}, frozenset())):
            patches.append(patch)
            done += 1
            if progress is not None:
                progress(done, total)
        if patches:
            yield patches


def _look(nomenclature: Nomenclature, job: PatchJob) -> Patch:
    return looked_at(job, PatchPixels(job.patch, job.source), nomenclature)


def _index(folder: Path, zones: Iterable[list[Patch]], lattice: PatchLattice) -> PatchIndex:
    """Write an index of patches that have no files."""
    parts = []
    for number, patches in enumerate(zones):
        part = folder / f"{number}.parquet"
        part.write_bytes(part_bytes(patches))
        parts.append(part)
    write_index(parts, folder / INDEX)
    return PatchIndex(folder / INDEX, {}, lattice)


def _measured(one: Verdict) -> str:
    unit = _ONE.get(one.unit, one.unit) if one.measured == 1 else one.unit
    found = "nothing to measure" if one.measured is None else f"{one.measured:g} {unit}"
    return f"{found}, {'least' if one.floor else 'most'} {one.limit:g}"
