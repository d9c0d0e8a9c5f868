"""What came of carrying zones to another nomenclature: the report of `workbench.workflows.migrating`."""

from __future__ import annotations

__all__ = ["CarriedClass", "CarriedJournal", "Migration", "ZoneMigration"]

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.counting import counted
from workbench.geo.zone import Zone
from workbench.nomenclature import Recoding


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedJournal:
    """A journal before and after."""

    author: str
    ops: int
    before: str
    """sha256 of the last op in the old campaign."""
    after: str
    """sha256 of the same op in the new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedClass:
    """A class, or upper class, of the old nomenclature that a zone speaks of."""

    key: str
    pixels: int
    """That show it."""
    ops: int
    """That speak of it, on all tracks, undone ones too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneMigration:
    """What became of a zone."""

    zone: Zone
    fold: int
    numbers_kept: bool
    """Whether its patches have the numbers that they had."""
    gold: float | None
    """Share of its pixels that has to be right, if it is a gold zone."""
    journals: tuple[CarriedJournal, ...]
    classes: tuple[CarriedClass, ...]
    """The most pixels first."""
    conflicts_before: int
    """Pixels in conflict."""
    conflicts_after: int

    def document(self, recoding: Recoding) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "zone": self.zone.id,
            "fold": self.fold,
            "numbers_kept": self.numbers_kept,
            "gold": self.gold,
            "raster": str(self.zone.ortho.path),
            "journals": [
                {
                    "author": one.author,
                    "ops": one.ops,
                    "head_sha256_before": one.before,
                    "head_sha256_after": one.after,
                }
                for one in self.journals
            ],
            "classes": [
                {"from": one.key, "to": recoding.links[one.key], "pixels": one.pixels, "ops": one.ops}
                for one in self.classes
            ],
            "conflicts_before": self.conflicts_before,
            "conflicts_after": self.conflicts_after,
        }

    def lines(self, recoding: Recoding) -> list[str]:
        """Return what a person reads about the zone."""
        ops = ", ".join(f"{one.author} {one.ops}" for one in self.journals) or "none"
        lines = [f"  {self.zone.id}: fold {self.fold}, ops: {ops}"]
        if not self.numbers_kept:
            lines.append("    its patches have new numbers, the old ones are taken")
        if self.gold is not None:
            lines.append(f"    a gold zone here, too: {self.gold:.0%} of its pixels have to be right")
        if self.conflicts_before:
            lines.append(
                f"    {counted(self.conflicts_before, 'pixel was', 'pixels were')} in conflict, now "
                f"{self.conflicts_after:,}: "
                "classes that were merged are no conflict any more"
            )
        width = max((len(one.key) for one in self.classes), default=0)
        return lines + [
            f"    {one.pixels:12,} pixels, {one.ops:6,} ops  {one.key:{width}} → {_named(recoding, one.key)}"
            for one in self.classes
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """What was carried where."""

    source: Path
    target: Path
    recoding: Recoding
    decisions: Mapping[str, str]
    zones: tuple[ZoneMigration, ...]
    double_share: tuple[float, float]
    """Share of the zones drawn for double annotation, there and here."""
    admitted: tuple[str, ...]
    """Who was admitted there and is here."""
    not_admitted: tuple[str, ...]
    """Who was admitted there and is not here, since this campaign was there before."""

    @property
    def merged(self) -> dict[str, list[str]]:
        """Several classes that zones speak of and that became one: nobody can tell them apart any more."""
        spoken = {one.key for zone in self.zones for one in zone.classes}
        found = defaultdict(list)
        for key, goal in self.recoding.links.items():
            if key in spoken:
                found[goal].append(key)
        return {goal: keys for goal, keys in found.items() if len(keys) > 1}

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/zone-migrate.schema.json``)."""
        old, new = self.recoding.source, self.recoding.target
        return {
            "source": {"campaign": str(self.source), "nomenclature": old.name, "version": old.version},
            "target": {"campaign": str(self.target), "nomenclature": new.name, "version": new.version},
            "table": self.recoding.name,
            "links": dict(self.recoding.links),
            "decisions": dict(self.decisions),
            "undecided": [
                {"class": key, "candidates": list(why.candidates), "reason": why.reason}
                for key, why in self.recoding.undecided.items()
            ],
            "merged": [{"into": goal, "classes": keys} for goal, keys in self.merged.items()],
            "double_share": {"source": self.double_share[0], "target": self.double_share[1]},
            "admitted": list(self.admitted),
            "not_admitted": list(self.not_admitted),
            "zones": [zone.document(self.recoding) for zone in self.zones],
        }

    def text(self) -> str:
        """Return a page for a person."""
        old, new = self.recoding.source, self.recoding.target
        count = counted(len(self.zones), "zone")
        lines = [
            f"{self.target}: {count} of {self.source} carried from {old.name} {old.version} "
            f"to {new.name} {new.version} by {self.recoding.name}"
        ]
        for zone in self.zones:
            lines += zone.lines(self.recoding)
        lines += [f"  merged into {goal}: {', '.join(keys)}" for goal, keys in self.merged.items()]
        lines += [f"  undecided, and in no zone: {key}" for key in self.recoding.undecided]
        lines += self._people()
        home = self.source.resolve()
        pictures = [raster.path for one in self.zones for raster in one.zone.rasters]
        if any(path.resolve().is_relative_to(home) for path in pictures):
            lines.append(f"  pictures stay where they are, some of them inside {self.source}: keep it")
        return "\n".join(lines)

    def _people(self) -> list[str]:
        """Tell what became of admissions and double annotation."""
        lines, (before, after) = [], self.double_share
        if before != after:
            lines.append(
                f"  a share of {before:g} of the zones was drawn for double annotation, here {after:g} are: "
                f"workbench campaign double {self.target} --share {before:g}"
            )
        elif after:
            lines.append(f"  a share of {after:g} of the zones is drawn for double annotation, as before")
        if self.admitted:
            lines.append(f"  admitted here, too: {', '.join(self.admitted)}")
        if self.not_admitted:
            lines.append(
                f"  admitted in {self.source} and not here: {', '.join(self.not_admitted)}; as long as there "
                f"are gold zones: workbench gold admit {self.target} --author NAME"
            )
        return lines


def _named(recoding: Recoding, key: str) -> str:
    """Return what a class becomes, for a person."""
    goal, landing = recoding.links[key], recoding.landing(key)
    if landing.upper is None:
        return goal
    shown = recoding.target.by_code(landing.code).key if landing.code else "unlabelled"
    return f"{goal} (upper class, shown as {shown})"
