"""The difference of two releases, as a value."""

from __future__ import annotations

__all__ = ["ReleaseDiff"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.export.card_changes import LayoutChange, NomenclatureChange
from workbench.export.changed_patches import ChangedPatches
from workbench.export.release import Release
from workbench.export.transitions import Transitions, square_kilometres
from workbench.export.versions import Change, Version, change_between
from workbench.export.zone_changes import Counts, ZoneChange

_CARD = ("name", "content_sha256", "format_version", "counts")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReleaseDiff:
    """What changed from one release to another."""

    before: Release
    after: Release
    nomenclature: NomenclatureChange
    layouts: tuple[LayoutChange, ...]
    zones: tuple[ZoneChange, ...]
    """All zones of both, changed or not, by name."""
    transitions: Transitions
    """Of the ground that both releases have."""
    added: Mapping[str, int]
    """Pixels of each class on ground that only the second has."""
    removed: Mapping[str, int]
    patches: Counts
    changed: ChangedPatches
    """Patches whose labels or picture changed."""
    bands: tuple[str, ...]
    """By which pictures were compared where digests did not tell."""

    @property
    def pixel_area(self) -> float:
        """Of a pixel, in m²."""
        return self.after.lattice.resolution**2

    @property
    def changed_zones(self) -> tuple[ZoneChange, ...]:
        """The zones of which anything is other."""
        return tuple(zone for zone in self.zones if zone.changed)

    def of_kind(self, kind: str) -> tuple[ZoneChange, ...]:
        """Return the zones to which that happened."""
        return tuple(zone for zone in self.zones if zone.kind == kind)

    @property
    def change(self) -> Change:
        """How much the releases differ: by their cards, and by what is in them."""
        inside = self.patches.changed or self.nomenclature.changed or self.layouts or self.changed_zones
        least = Change.MAJOR if self.nomenclature.classes_changed else Change(bool(inside))
        return max(change_between(self.before.card, self.after.card), least)

    @property
    def least_version(self) -> Version:
        """The version that the second release has at least, after the first one's."""
        return self.before.version.after(self.change)

    @property
    def withdrawn(self) -> dict[str, str]:
        """Zones that were withdrawn since the first release, and why."""
        known = {entry["zone"] for entry in self.before.withdrawn}
        return {one["zone"]: one["reason"] for one in self.after.withdrawn if one["zone"] not in known}

    def document(self) -> dict[str, Any]:
        """Return the JSON view, of all patches that changed."""
        area = self.pixel_area
        return {
            "before": _told(self.before),
            "after": _told(self.after),
            "change": self.change.name.lower(),
            "least_version": str(self.least_version),
            "withdrawn": self.withdrawn,
            "nomenclature": self.nomenclature.document(),
            "layouts": [layout.document() for layout in self.layouts],
            "patches": self.patches.document(),
            "pixels": {"changed": self.transitions.changed, "untold": self.transitions.untold},
            "km2": square_kilometres(self.transitions.changed, area),
            "transitions": self.transitions.document(area),
            "added_pixels": dict(self.added),
            "removed_pixels": dict(self.removed),
            "bands": list(self.bands),
            "zones": [zone.document(area) for zone in self.changed_zones],
            "changed_patches": [patch.document(area) for patch in self.changed],
        }


def _told(release: Release) -> dict[str, Any]:
    told = {key: release.card[key] for key in _CARD}
    return {"path": str(release.path), "version": str(release.version), **told}
