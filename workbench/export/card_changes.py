"""What two releases tell otherwise of themselves: nomenclature, layouts, and each zone's facts."""

from __future__ import annotations

__all__ = ["FactChange", "LayoutChange", "NomenclatureChange", "layout_changes", "zone_facts"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from workbench.export.layouts import Layout
from workbench.export.release import Release
from workbench.nomenclature import Nomenclature
from workbench.nomenclature.classes import LandCoverClass

_FACTS: Final = (
    "fold", "place", "acquired", "time", "camera", "theme",
    "heads", "pixels_sha256", "labels_sha256", "views",
)  # fmt: skip
"""What a card tells of a zone, beside its sets and what its patches add up to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactChange:
    """Something that is told otherwise of a zone."""

    name: str
    """As in ``release.json``, such as ``acquired`` or ``heads``."""
    before: Any
    after: Any

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {"name": self.name, "from": self.before, "to": self.after}


def zone_facts(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FactChange, ...]:
    """Return what two cards tell otherwise of a zone; what one of them does not tell is no change."""
    return tuple(
        FactChange(name=name, before=before[name], after=after[name])
        for name in _FACTS
        if name in before and name in after and before[name] != after[name]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutChange:
    """A layout that is in one of two releases, or in both otherwise."""

    name: str
    before: Mapping[str, Any] | None
    """Folder, scheme, bands and modalities; None where the release does not have it."""
    after: Mapping[str, Any] | None

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {"name": self.name, "from": self.before, "to": self.after}


def layout_changes(before: Release, after: Release) -> tuple[LayoutChange, ...]:
    """Return which layouts are others, by name."""
    first, second = ({layout.name: _told(layout) for layout in one.layouts} for one in (before, after))
    return tuple(
        LayoutChange(name=name, before=first.get(name), after=second.get(name))
        for name in sorted(first.keys() | second.keys())
        if first.get(name) != second.get(name)
    )


def _told(layout: Layout) -> dict[str, Any]:
    return {
        "folder": layout.root,
        "scheme": layout.scheme,
        "bands": list(layout.bands),
        "modalities": list(layout.modalities),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class NomenclatureChange:
    """Two nomenclatures, class by class, by their keys."""

    before: str
    """Name and version."""
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    recoded: tuple[str, ...]
    """Classes that have another code."""
    renumbered: tuple[str, ...]
    """Classes that have another value in a scheme that both have."""
    described: tuple[str, ...]
    """Classes of which anything else is other: titles, definition, colours, place among upper classes."""

    @classmethod
    def between(cls, before: Nomenclature, after: Nomenclature) -> Self:
        """Return what is other in the second."""
        first, second = ({entry.key: entry for entry in one.classes} for one in (before, after))
        common = [(first[key], second[key]) for key in before.keys if key in second]
        schemes = before.schemes.keys() & after.schemes.keys()

        def values(entry: LandCoverClass) -> dict[str, int]:
            return {scheme: entry.values[scheme] for scheme in schemes if scheme in entry.values}

        def rest(entry: LandCoverClass) -> tuple[Any, ...]:
            texts = (entry.titles, entry.definition, entry.observed, entry.palettes)
            return (*map(dict, texts), entry.colour, entry.parent, entry.confused_with)

        return cls(
            before=f"{before.name} {before.version}",
            after=f"{after.name} {after.version}",
            added=tuple(key for key in after.keys if key not in first),
            removed=tuple(key for key in before.keys if key not in second),
            recoded=tuple(one.key for one, other in common if one.code != other.code),
            renumbered=tuple(one.key for one, other in common if values(one) != values(other)),
            described=tuple(one.key for one, other in common if rest(one) != rest(other)),
        )

    @property
    def changed(self) -> bool:
        """Whether anything is other."""
        return self.before != self.after or self.classes_changed or bool(self.described)

    @property
    def classes_changed(self) -> bool:
        """Whether classes or their numbers are others."""
        return bool(self.added or self.removed or self.recoded or self.renumbered)

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "from": self.before,
            "to": self.after,
            "added": list(self.added),
            "removed": list(self.removed),
            "recoded": list(self.recoded),
            "renumbered": list(self.renumbered),
            "described": list(self.described),
        }
