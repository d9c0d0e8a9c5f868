"""What any part of a release says about itself: its own sums, and the rest as the whole says it."""

from __future__ import annotations

__all__ = ["part_card"]

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from workbench.export.card import FORMAT, layout_entries, nomenclature_document, sums, warnings
from workbench.export.layouts import Layout
from workbench.export.release import Release
from workbench.export.totals import Totals
from workbench.nomenclature import Nomenclature

_KEPT: Final = (
    "withdrawn", "excluded_patches", "software", "nomenclature", "grid", "encoding", "derived",
)  # fmt: skip
_CARRIED: Final = ("same-ground",)
"""Kinds of warnings that cannot be had from patches: those about zones that are all here are kept."""
_ZONE = re.compile(r"D[0-9]{2,9}_[0-9]{4}/[A-Za-z0-9_-]+")


def part_card(
    parent: Release,
    totals: Totals,
    *,
    name: str,
    content_sha256: str,
    layouts: Sequence[Layout],
    told: Callable[[Mapping[str, Any]], dict[str, Any]] = dict,
    classes: Nomenclature | None = None,
) -> dict[str, Any]:
    """Return the content of the ``release.json`` of a part of a release, or of all of it made otherwise.

    It is not held against rules again, so it says of none that it was.

    Parameters
    ----------
    parent
        The whole.
    totals
        What the patches of the part add up to.
    name, content_sha256, layouts
        Of the part.
    told
        What is said of a zone, of what the whole says.
    classes
        Of its labels, where they are not those of the whole.
    """
    before = parent.card
    zones = [told(entry) for entry in before["zones"] if entry["id"] in totals.zone_folds]
    ids = {entry["id"] for entry in zones}
    return {
        "format": FORMAT,
        "format_version": before["format_version"],
        "name": name,
        "content_sha256": content_sha256,
        "version": str(parent.version),
        "parent": None,
        **{key: before[key] for key in _KEPT if key in before},
        **({} if classes is None else {"nomenclature": nomenclature_document(classes)}),
        "layouts": layout_entries(layouts),
        **sums(totals, classes or parent.nomenclature),
        "splits": before["splits"] | {"columns": totals.columns()},
        "zones": zones,
        "warnings": [
            *warnings(totals, layouts),
            *(one for one in before["warnings"] if one["kind"] in _CARRIED and _among(one["message"], ids)),
        ],
    }


def _among(message: str, zones: set[str]) -> bool:
    named = set(_ZONE.findall(message))
    return bool(named) and named <= zones
