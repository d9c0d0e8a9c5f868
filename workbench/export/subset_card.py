"""What a subset of a release says about itself: its own counts, whose subset it is, and what is withheld."""

from __future__ import annotations

__all__ = ["Origin", "subset_card", "subset_readme"]

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workbench.export.card import FORMAT, layout_entries, readme, sums, warnings
from workbench.export.layouts import Layout
from workbench.export.patches import LABELS, Patch
from workbench.export.release import Release
from workbench.export.sealing import KEY, SEAL
from workbench.export.totals import Totals
from workbench.export.wanted import Wanted

_KEPT: Final = ("withdrawn", "excluded_patches", "software", "nomenclature", "grid", "encoding", "derived")
_CARRIED: Final = ("same-ground",)
"""Kinds of warnings that cannot be had from patches: those about zones that are all here are kept."""
_ZONE = re.compile(r"D[0-9]{2,9}_[0-9]{4}/[A-Za-z0-9_-]+")
_OF_LABELS: Final = ("unlabelled_pixels", "labels_sha256")
_TOLD: Final = (
    "id", "fold", "place", "splits", "state", "patches", "pixels_sha256", "acquired", "time", "camera",
    "theme",
)  # fmt: skip
"""What is said of a zone whose labels are withheld; what nobody thought of here is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a subset comes from."""

    parent: Release
    wanted: Wanted
    withheld: frozenset[str] = frozenset()
    """Ids of the zones whose labels are kept apart."""
    split: str = ""
    """Split whose test they are."""
    sealed: str = ""
    """Name of the release that has their labels."""
    seals: str = ""
    """Name of the release whose labels this one has under seal."""


def subset_card(
    origin: Origin, patches: Iterable[Patch], *, name: str, content_sha256: str, layouts: Sequence[Layout]
) -> dict[str, Any]:
    """Return the content of the ``release.json`` of a subset.

    Where labels are withheld it tells nothing that hangs on them: no count, no digest of labels, no work of
    annotators, and no digest of the release that it is a subset of, by which a guess of all of them could be
    proved.
    """
    before, totals = origin.parent.card, Totals.of(patches)
    zones = [_zone(entry, origin) for entry in before["zones"] if entry["id"] in totals.zone_folds]
    ids = {entry["id"] for entry in zones}
    subset = {"of": origin.parent.name, **origin.wanted.document()}
    subset["content_sha256"] = None if origin.withheld else before["content_sha256"]
    card = {
        "format": FORMAT,
        "format_version": before["format_version"],
        "name": name,
        "content_sha256": content_sha256,
        "version": str(origin.parent.version),
        "parent": None,
        **{key: before[key] for key in _KEPT if key in before},
        "layouts": layout_entries(layouts),
        **sums(totals, origin.parent.nomenclature),
        "splits": before["splits"] | {"columns": totals.columns()},
        "zones": zones,
        "warnings": [
            *warnings(totals, layouts),
            *(one for one in before["warnings"] if one["kind"] in _CARRIED and _among(one["message"], ids)),
        ],
        "subset": subset,
    }
    if origin.seals:
        subset["seals"] = origin.seals
    if origin.withheld:
        card["withheld"] = {
            "split": origin.split,
            "zones": len(origin.withheld),
            "patches": sum(entry["patches"] for entry in zones if entry["id"] in origin.withheld),
            "sealed": origin.sealed,
        }
    return card


def subset_readme(card: Mapping[str, Any], layouts: Sequence[Layout]) -> str:
    """Return the content of the ``README.md`` of a subset."""
    subset, withheld = card["subset"], card.get("withheld")
    chosen = [*subset["domains"], *subset["zones"], *subset["sets"]]
    parts = [_SUBSET.format(of=subset["of"], chosen=", ".join(chosen) or "all its zones")]
    if withheld:
        parts.append(_WITHHELD.format(name=card["name"], seal=SEAL, key=KEY, **withheld))
    if "seals" in subset:
        parts.append(_SEALS.format(name=card["name"], key=KEY, seals=subset["seals"]))
    return readme(card, layouts) + "".join(parts)


_SUBSET: Final = """
## A subset

This is a part of the release {of}: files, ids, folds and sets are the same as there. Chosen: {chosen}.
"""
_WITHHELD: Final = """
## Labels that are withheld

Labels of the {patches:,} patches that are test in `{split}` are withheld: their cells in tables, and their
columns in `index.parquet`, are empty. Train and valid of `{split}` are whole; other splits cannot be used.
{sealed} has the labels. `{seal}` lists a digest of each of its files; once it is published, anybody can prove
that nothing was changed: `workbench release verify {name} --sealed {sealed}`, or by hand
`cat {sealed}/{key} {sealed}/FILE | sha256sum`.
"""
_SEALS: Final = """
## Under seal

The labels here are those that {seals} withholds: keep this folder, with `{key}`, to yourself until they may
be known. `workbench release score {name} SUBMISSION` judges predictions.
"""


def _zone(entry: Mapping[str, Any], origin: Origin) -> dict[str, Any]:
    if entry["id"] not in origin.withheld:
        return dict(entry)
    views = {name: sha256 for name, sha256 in entry.get("views", {}).items() if name not in LABELS}
    told = {key: entry[key] for key in _TOLD if key in entry}
    return told | {"heads": {}, "views": views} | dict.fromkeys(_OF_LABELS)


def _among(message: str, zones: set[str]) -> bool:
    named = set(_ZONE.findall(message))
    return bool(named) and named <= zones
