"""What was imported of a published tree, as values, JSON and lines to read."""

from __future__ import annotations

__all__ = ["ImportedTree", "ImportedZone"]

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.counting import counted
from workbench.geo.zone import domain_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedZone:
    """A zone of a campaign that was one of a tree."""

    id: str
    patches: int
    labelled: int
    """Patches that came with labels."""
    accepted: bool
    """Whether all did, so that it is accepted."""
    fold: int
    numbers_kept: bool
    """Whether patches have the numbers that they had, if they had some."""
    rasters: tuple[str, ...]
    """Keys of its rasters."""
    there: bool = False
    """Whether it was there before."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "zone": self.id,
            "patches": self.patches,
            "labelled": self.labelled,
            "accepted": self.accepted,
            "fold": self.fold,
            "numbers_kept": self.numbers_kept,
            "rasters": list(self.rasters),
            "there": self.there,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedTree:
    """What `import_release` did."""

    source: Path
    layout: str
    campaign: Path
    zones: tuple[ImportedZone, ...]
    left_out: Mapping[str, tuple[str, ...]]
    """By id, why zones were left out."""
    notes: tuple[str, ...]
    """What a person should know of the tree, and of what was not taken over as it is."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/release-import.schema.json``)."""
        return {
            "source": str(self.source),
            "layout": self.layout,
            "campaign": str(self.campaign),
            "zones": [zone.document() for zone in self.zones],
            "left_out": [{"zone": zone, "reasons": list(why)} for zone, why in self.left_out.items()],
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """Return the report for people."""
        new = [zone for zone in self.zones if not zone.there]
        domains = {domain_of(zone.id) for zone in new}
        patches, accepted = sum(zone.patches for zone in new), sum(zone.accepted for zone in new)
        lines = [
            f"{self.campaign}: {counted(len(new), 'zone')} in {counted(len(domains), 'domain')} of "
            f"{self.source} ({self.layout}), {counted(patches, 'patch', 'patches')}; "
            f"{counted(accepted, 'zone is', 'zones are')} accepted"
        ]
        if there := len(self.zones) - len(new):
            lines.append(
                f"{counted(there, 'zone was there already and was', 'zones were there already and were')} "
                "left alone"
            )
        if renumbered := [zone.id for zone in self.zones if not zone.numbers_kept]:
            lines.append(
                f"patches of {len(renumbered)} zones have new numbers, since theirs are taken; the first is "
                f"{renumbered[0]}"
            )
        lines += self.notes
        lines += [f"{zone} was left out: {'; '.join(why)}" for zone, why in self.left_out.items()]
        return "\n".join(lines)

    @staticmethod
    def told(notes: Counter[str]) -> tuple[str, ...]:
        """Return what is to be known of zones, each once, with the number of these."""
        return tuple(f"{note} ({count} zone{'s' * (count != 1)})" for note, count in sorted(notes.items()))
