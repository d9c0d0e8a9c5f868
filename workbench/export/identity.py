"""What a release is called, what it builds on, and what went from it."""

from __future__ import annotations

__all__ = ["Identity"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import ReleaseError
from workbench.export.card import grid_document, nomenclature_document
from workbench.export.patches import ZoneSource, cut_patches
from workbench.export.release import Release
from workbench.export.rules import Outcome, Verdict
from workbench.export.versions import Change, change_between, settled
from workbench.geo.grid import PatchLattice
from workbench.nomenclature import Nomenclature


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Name and version of a release to be, and the release that it builds on."""

    name: str
    said: str | None
    """Version, where it is not to be the name's or the next."""
    parent: Release | None
    readmitted: frozenset[str]
    """Zones that were withdrawn and are here again."""

    def verdict(
        self, sources: Sequence[ZoneSource], nomenclature: Nomenclature, lattice: PatchLattice
    ) -> Verdict:
        """Return, before any patch is cut, whether what is cut from zones can be called so."""
        outcome: Outcome
        try:
            self._check(sources, nomenclature, lattice)
        except ReleaseError as error:
            outcome, message = "refused", str(error)
        else:
            outcome, message = "kept", ""
        wrong = int(bool(message))
        return Verdict(
            rule="version", outcome=outcome, measured=wrong, limit=0, unit="problems", message=message
        )

    def _check(
        self, sources: Sequence[ZoneSource], nomenclature: Nomenclature, lattice: PatchLattice
    ) -> None:
        """Refuse a version that is too low for the zones that came or went, and zones that were withdrawn."""
        gone = {entry["zone"]: entry for entry in self._withdrawn()}
        if back := [source.zone.id for source in sources if source.zone.id in gone]:
            raise ReleaseError(
                f"zone {back[0]} was withdrawn in {gone[back[0]]['since']}: {gone[back[0]]['reason']}; "
                f"leave it out, or let it in: --readmit {back[0]}"
            )
        zones = [
            {
                "id": source.zone.id,
                "fold": source.fold,
                "patches": sum(1 for _ in cut_patches(source, lattice)),
            }
            for source in sources
        ]
        self._version(
            {
                "nomenclature": nomenclature_document(nomenclature),
                "grid": grid_document(lattice),
                "zones": zones,
                "content_sha256": self.parent.card["content_sha256"] if self.parent else None,
            }
        )

    def document(self, card: Mapping[str, Any]) -> dict[str, Any]:
        """Return what ``release.json`` says of it.

        Raises
        ------
        ReleaseError
            The version is too low for what changed.
        """
        parent = None
        if self.parent is not None:
            parent = {
                "name": self.parent.name,
                "version": str(self.parent.version),
                "content_sha256": self.parent.card["content_sha256"],
            }
        return {"version": self._version(card), "parent": parent, "withdrawn": self._withdrawn()}

    def _version(self, card: Mapping[str, Any]) -> str:
        if self.parent is None:
            change, before = Change.NONE, None
        else:
            change, before = change_between(self.parent.card, card), self.parent.version
        return str(settled(self.name, self.said, before=before, change=change))

    def _withdrawn(self) -> list[dict[str, str]]:
        known = self.parent.withdrawn if self.parent else ()
        return [dict(entry) for entry in known if entry["zone"] not in self.readmitted]
