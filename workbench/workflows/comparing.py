"""Two people's labels of a zone, compared."""

from __future__ import annotations

__all__ = ["WATCHED", "Comparison", "compare_authors"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.assessment.agreement import Agreement, measure_agreement
from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.errors import EditRefused
from workbench.geo.zone import Zone
from workbench.nomenclature import Nomenclature
from workbench.workflows.authors import open_alone

_SEED = 1
WATCHED = (("agricultural_land", "herbaceous_vegetation"), ("coniferous", "deciduous"))
"""The confusions that IGN names as the weak points of its own annotations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How far two authors agree on a zone."""

    zone: str
    authors: tuple[str, str]
    found: Agreement
    nomenclature: Nomenclature

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/agreement.schema.json``)."""
        found = self.found
        return {
            "zone": self.zone,
            "authors": list(self.authors),
            "pixels": found.pixels,
            "only_first": found.only_first,
            "only_second": found.only_second,
            "overall": found.overall.document(),
            "kappa": found.kappa.document(),
            "classes": {self._key(code): union.document() for code, union in found.classes.items()},
            "borders": {str(distance): border.document() for distance, border in found.borders.items()},
            "boundary_share": found.boundary,
            "pairs": [
                {"classes": list(keys), "boundary": boundary, "class": label, "watched": keys in WATCHED}
                for keys, boundary, label in self._pairs()
            ],
        }

    def text(self) -> str:
        """Return a page for a person."""
        found, (first, second) = self.found, self.authors
        lines = [
            f"{self.zone}: {first} and {second}, {counted(found.pixels, 'pixel')} that both labelled "
            f"({found.only_first:,} only {first}, {found.only_second:,} only {second})",
            f"  agreement {found.overall}, kappa {found.kappa}",
            "  borders within "
            + ", ".join(f"{distance} px {border}" for distance, border in found.borders.items()),
            f"  {self._kinds()}",
        ]
        lines += [f"    {self._key(code):24} IoU {union}" for code, union in found.classes.items()]
        lines += [
            f"  {one} / {other}: {counted(label, 'pixel')} of class, {boundary:,} of borders"
            for (one, other), boundary, label in self._pairs()
        ]
        return "\n".join(lines)

    def _kinds(self) -> str:
        if self.found.boundary is None:
            return "they differ in no pixel"
        moved = self.found.boundary
        return f"of the disagreement {moved:.1%} is moved borders, {1 - moved:.1%} class"

    def _key(self, code: int) -> str:
        return self.nomenclature.by_code(code).key

    def _pairs(self) -> list[tuple[tuple[str, str], int, int]]:
        """Return the pairs of classes that stand against each other, the watched ones first."""
        named = [
            (tuple(sorted(self._key(code) for code in pair.classes)), pair.boundary, pair.label)
            for pair in self.found.pairs
        ]
        found = [((one, other), boundary, label) for (one, other), boundary, label in named]
        return sorted(found, key=lambda pair: pair[0] not in WATCHED)


def compare_authors(campaign: Campaign, zone: Zone, authors: Sequence[str]) -> Comparison:
    """Compare what two authors labelled, each alone: their blind labels, where they made some.

    Raises
    ------
    JournalError
        An author has no journal in the zone.
    EditRefused
        They are one and the same, or have no pixel in common.
    """
    if authors[0] == authors[1]:
        raise EditRefused(f"{authors[0]} is compared with {authors[0]}; give two authors")
    first, second = (open_alone(campaign, zone, author).labels for author in authors)
    found = measure_agreement(first, second, zone.footprint(), rng=np.random.default_rng(_SEED))
    return Comparison(
        zone=zone.id, authors=(authors[0], authors[1]), found=found, nomenclature=campaign.nomenclature
    )
