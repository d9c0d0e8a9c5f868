"""Two people's labels of a zone, compared."""

from __future__ import annotations

__all__ = ["Comparison", "compare_authors"]

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.errors import JournalError
from workbench.geo.zone import Zone
from workbench.labels.agreement import Agreement, Interval, agreement
from workbench.labels.annotation import AnnotationStore
from workbench.labels.folder import journal_path
from workbench.labels.reading import read_own
from workbench.nomenclature import Nomenclature

_SEED = 1
_WATCHED = (("agricultural_land", "herbaceous_vegetation"), ("coniferous", "deciduous"))
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
            "overall": _figures(found.overall),
            "kappa": _figures(found.kappa),
            "classes": {self._key(code): _figures(union) for code, union in found.classes.items()},
            "borders": {str(distance): _figures(border) for distance, border in found.borders.items()},
            "boundary_share": found.boundary,
            "pairs": [
                {"classes": list(keys), "boundary": boundary, "class": label, "watched": keys in _WATCHED}
                for keys, boundary, label in self._pairs()
            ],
        }

    def text(self) -> str:
        """Return a page for a person."""
        found, (first, second) = self.found, self.authors
        lines = [
            f"{self.zone}: {first} and {second}, {found.pixels:,} pixels that both labelled "
            f"({found.only_first:,} only {first}, {found.only_second:,} only {second})",
            f"  agreement {_told(found.overall)}, kappa {_told(found.kappa)}",
            "  borders within "
            + ", ".join(f"{distance} px {_told(border)}" for distance, border in found.borders.items()),
            f"  of the disagreement {found.boundary:.1%} is moved borders, {1 - found.boundary:.1%} class",
        ]
        lines += [f"    {self._key(code):24} IoU {_told(union)}" for code, union in found.classes.items()]
        lines += [
            f"  {one} / {other}: {label:,} pixels of class, {boundary:,} of borders"
            for (one, other), boundary, label in self._pairs()
        ]
        return "\n".join(lines)

    def _key(self, code: int) -> str:
        return self.nomenclature.by_code(code).key

    def _pairs(self) -> list[tuple[tuple[str, str], int, int]]:
        """Return the pairs of classes that stand against each other, the watched ones first."""
        named = [
            (tuple(sorted(self._key(code) for code in pair.classes)), pair.boundary, pair.label)
            for pair in self.found.pairs
        ]
        found = [((one, other), boundary, label) for (one, other), boundary, label in named]
        return sorted(found, key=lambda pair: pair[0] not in _WATCHED)


def compare_authors(campaign: Campaign, zone: Zone, authors: Sequence[str]) -> Comparison:
    """Compare what two authors labelled, each alone: their blind labels, where they made some.

    Raises
    ------
    JournalError
        An author has no journal in the zone.
    EditRefused
        They have no pixel in common.
    """
    first, second = (_labels_of(campaign, zone, author) for author in authors)
    found = agreement(first, second, zone.footprint(), rng=np.random.default_rng(_SEED))
    return Comparison(
        zone=zone.id, authors=(authors[0], authors[1]), found=found, nomenclature=campaign.nomenclature
    )


def _labels_of(campaign: Campaign, zone: Zone, author: str) -> NDArray[np.uint8]:
    """Return the labels that the ops of one author make, shape (row, col)."""
    path = journal_path(campaign.journal_dir(zone), author)
    if not path.exists():
        raise JournalError(f"zone {zone.id} has no journal of {author}; take an author who labelled it")
    journal = read_own(path, campaign.subject(zone))
    blind = f"blind-{author}"
    track = blind if any(row.track == blind for row in journal.rows) else "labels"
    store = AnnotationStore(
        path.parent,
        journal.meta.subject,
        footprint=zone.footprint(),
        codes=campaign.nomenclature.codes,
        others=[journal],
        writer=None,
        track=track,
    )
    return store.labels


def _figures(interval: Interval) -> dict[str, float | None]:
    figures = {"value": interval.value, "low": interval.low, "high": interval.high}
    return {name: None if np.isnan(figure) else round(figure, 6) for name, figure in figures.items()}


def _told(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f}–{interval.high:.3f})"
