"""The page itself: what the template is filled with; needs jinja2."""

from __future__ import annotations

__all__ = ["PAGE", "Sheet", "report_page"]

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from workbench.export.card import derived_statement
from workbench.export.figures import ReleaseFigures, percent
from workbench.export.inventory import class_distance
from workbench.export.report.changes import changes_since
from workbench.export.report.maps import FOLD_SIGNS, zone_map
from workbench.export.report.pictures import domain_bars, fold_bars
from workbench.export.report.sheet import Look
from workbench.export.rules import ASKS
from workbench.nomenclature import LandCoverClass
from workbench.pages import data_address, fill_page, page_kind

PAGE: Final = page_kind("a report of a release", "ocs-workbench/release-report")
_TEMPLATE: Final = Path(__file__).with_name("report.html.jinja")
_OLDEST: Final = {"version": None, "parent": None, "withdrawn": (), "excluded_patches": 0, "rules": ()}
"""What cards of format 1 lack."""
_ORIGINS: Final = (
    ("manual", "drawn", "drawn by hand: brush, line, polygon"),
    ("manual", "picked", "picked: regions that a person pointed at, merged or recoded, without a model"),
    ("imported", "imported", "imported from an existing map"),
    ("assisted", "kept", "a person pointed at a model's class and kept it"),
    ("assisted", "corrected", "a person gave another class than the model"),
    ("accepted", "untouched", "a model's class, accepted with others; nobody looked at it for itself"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a page shows beside figures."""

    looks: Sequence[Look] = ()
    """Patches to look at."""
    before: Sequence[Mapping[str, Any]] = ()
    """Cards of the releases that this one builds on, the oldest first, as far as they are at hand."""
    notes: Sequence[str] = field(default_factory=tuple)
    """What the reader should know of how the page came about."""


def report_page(figures: ReleaseFigures, sheet: Sheet) -> bytes:
    """Return the page of a release: HTML in UTF-8 that needs no other file.

    Parameters
    ----------
    figures
        Of the release.
    sheet
        What else is shown.
    """
    release, inventory = figures.release, figures.inventory
    classes = [release.nomenclature.by_key(key) for key in inventory.keys]
    return "".join(
        fill_page(
            _TEMPLATE,
            PAGE,
            filters=_FILTERS,
            class_distance=class_distance,
            release=release,
            card=_OLDEST | dict(release.card),
            derived=derived_statement(release.card) if "derived" in release.card else None,
            figures=figures,
            inventory=inventory,
            whole=inventory.whole,
            classes=classes,
            versions=[_OLDEST | dict(card) for card in (*sheet.before, release.card)],
            changes=_changes(release.card, sheet.before),
            notes=sheet.notes,
            looks=sheet.looks,
            by_code={entry.code: entry for entry in release.nomenclature.classes},
            title_of={entry.key: entry.titles["en"] for entry in release.nomenclature.classes},
            signs=FOLD_SIGNS,
            asks=ASKS,
            origins=_origins(figures),
            map=zone_map(inventory.sums, release.lattice.crs),
            **_bars(figures, classes),
        )
    ).encode()


def _changes(card: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> Any:
    parent = card.get("parent")
    if not parent or not before or before[-1]["content_sha256"] != parent["content_sha256"]:
        return None
    return changes_since(before[-1], card)


def _bars(figures: ReleaseFigures, classes: Sequence[LandCoverClass]) -> dict[str, Any]:
    """Return the pictures of classes by fold and domain."""
    inventory = figures.inventory
    parts = {
        "whole release": inventory.whole,
        **{f"fold {fold}": one for fold, one in inventory.folds.items()},
    }
    named = sorted(inventory.domains.items(), key=lambda pair: (inventory.fold_of(pair[0]), pair[0]))
    rows = [(f"{name} · {inventory.fold_of(name)} · {part.area:.3g} km²", part) for name, part in named]
    return {
        "fold_shares": fold_bars(classes, parts, log=False),
        "fold_pixels": fold_bars(classes, parts, log=True),
        "domain_bars": domain_bars(classes, rows),
        "by_fold": named,
    }


def _origins(figures: ReleaseFigures) -> list[dict[str, Any]]:
    """Return the rows of the table of origins; none where no zone tells."""
    found = figures.labels.origins
    total = sum(found.values())
    return [
        {"group": group, "told": told, "pixels": found.get(name, 0), "share": found.get(name, 0) / total}
        for group, name, told in _ORIGINS
        if total
    ]


def _metres(length: float) -> str:
    """Write a distance for a person.

    >>> [_metres(length) for length in (0.0, 102.4, 12_345.0)]
    ['0, they touch', '102 m', '12.3 km']
    """
    if not length:
        return "0, they touch"
    return f"{length:.0f} m" if length < 1000 else f"{length / 1000:,.1f} km"


def _shade(share: float) -> int:
    """Return how dark a cell is, 0–6: by a share's logarithm, so that rare classes show.

    >>> [_shade(share) for share in (0, 0.00001, 0.005, 0.05, 0.6)]
    [0, 1, 2, 4, 6]
    """
    return 0 if not share else min(6, max(1, math.ceil(2 * math.log10(share) + 6.5)))


def _days(days: Sequence[str]) -> str:
    """Write when something was seen.

    >>> _days(("2018-06-01",)), _days(("2018-06-01", "2018-06-09")), _days(())
    ('2018-06-01', '2018-06-01 … 06-09, 2 days', '–')
    """
    if len(days) < 2:
        return days[0] if days else "–"
    first, last = days[0], days[-1]
    return f"{first} … {last[5:] if first[:4] == last[:4] else last}, {len(days)} days"


_FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "thousands": lambda number: f"{number:,}",
    "percent": lambda share: percent(share) if share else "·",
    "distance": lambda figure: "–" if figure is None else f"{figure:.3f}",
    "metres": _metres,
    "svg": lambda content: data_address(content, "svg+xml"),
    "png": lambda content: data_address(content, "png"),
    "jpeg": lambda content: data_address(content, "jpeg"),
    "shade": _shade,
    "days": _days,
    "many": lambda count, one, more="": f"{count:,} {one if count == 1 else more or one + 's'}",
    "points": lambda figure: f"{100 * figure:+.2f}",
}
