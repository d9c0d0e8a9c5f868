"""What is taken of a release: zones by name, domain and set, some of its layouts and modalities."""

from __future__ import annotations

__all__ = ["Wanted"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from workbench.errors import ReleaseError
from workbench.export.layouts import Layout, with_modalities
from workbench.export.modalities import check_modalities
from workbench.export.release import Release
from workbench.export.selection import Selection
from workbench.geo.zone import domain_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is taken of a release; all of it where nothing is said."""

    domains: tuple[str, ...] = ()
    """Domains whose zones are all taken."""
    zones: tuple[str, ...] = ()
    """Ids of further zones."""
    sets: tuple[Selection, ...] = ()
    """Sets of splits, of which a zone has to be in one."""
    layouts: tuple[str, ...] | None = None
    """Names of layouts."""
    modalities: tuple[str, ...] | None = None
    """What is taken beside orthophoto and labels."""

    @classmethod
    def parse(
        cls,
        *,
        domains: Sequence[str] | None = None,
        zones: Sequence[str] | None = None,
        sets: Sequence[str] | None = None,
        layouts: Sequence[str] | None = None,
        modalities: Sequence[str] | None = None,
    ) -> Self:
        """Return what is written as names; sets as `Selection` reads them.

        Raises
        ------
        ReleaseError
            There is no such set.
        """
        return cls(
            domains=tuple(domains or ()),
            zones=tuple(zones or ()),
            sets=tuple(map(Selection.parse, sets or ())),
            layouts=None if layouts is None else tuple(layouts),
            modalities=None if modalities is None else tuple(modalities),
        )

    def zones_of(self, release: Release) -> tuple[str, ...]:
        """Return the ids of the zones that are taken, sorted.

        Raises
        ------
        ReleaseError
            A domain or zone is not there, or none is left.
        """
        entries = {entry["id"]: entry for entry in release.card["zones"]}
        domains = {domain_of(zone) for zone in entries}
        for what, named, known in (("domain", self.domains, domains), ("zone", self.zones, set(entries))):
            if strange := [name for name in named if name not in known]:
                raise ReleaseError(
                    f"{release.name} has no {what} {strange[0]}; it has {len(known)}, such as {min(known)}; "
                    "see its release.json"
                )
        chosen = tuple(zone for zone, entry in sorted(entries.items()) if self._takes(zone, entry["splits"]))
        if not chosen:
            raise ReleaseError(f"{release.name} has no zone that is {self}; choose others")
        return chosen

    def layouts_of(self, release: Release) -> tuple[Layout, ...]:
        """Return the layouts that are taken, with the modalities that are.

        Raises
        ------
        ReleaseError
            The release lacks a layout or a modality.
        """
        there = {layout.name: layout for layout in release.layouts}
        named = self.layouts or tuple(there)
        if strange := [name for name in named if name not in there]:
            raise ReleaseError(
                f"{release.name} has no layout {strange[0]!r}; choose from {', '.join(there)}, or build anew"
            )
        layouts = tuple(there[name] for name in there if name in named)
        if self.modalities is None:
            return layouts
        wanted = check_modalities(self.modalities)
        if lacking := [one for one in wanted if not any(one in layout.modalities for layout in layouts)]:
            raise ReleaseError(
                f"{release.name} has no {lacking[0]} in {', '.join(layout.name for layout in layouts)}; "
                "leave it out"
            )
        return tuple(
            with_modalities(layout, [one for one in layout.modalities if one in wanted], layout.bands)
            for layout in layouts
        )

    def document(self) -> dict[str, Any]:
        """Return how ``release.json`` says it."""
        return {"domains": list(self.domains), "zones": list(self.zones), "sets": list(map(str, self.sets))}

    def __str__(self) -> str:
        return "; ".join(self._told()) or "all zones"

    def _told(self) -> Iterator[str]:
        if self.domains:
            yield f"of domain {', '.join(self.domains)}"
        if self.zones:
            yield f"{'or ' if self.domains else ''}one of {', '.join(self.zones)}"
        if self.sets:
            yield f"in {' or '.join(map(str, self.sets))}"

    def _takes(self, zone: str, splits: dict[str, str]) -> bool:
        domain = domain_of(zone)
        named = not (self.domains or self.zones) or domain in self.domains or zone in self.zones
        return named and (not self.sets or any(one.takes(domain, splits) for one in self.sets))
