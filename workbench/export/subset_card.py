"""What a subset of a release says about itself: its own counts, whose subset it is, and what is withheld."""

from __future__ import annotations

__all__ = ["Origin", "subset_note"]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workbench.export.card import readme
from workbench.export.layouts import Layout
from workbench.export.part_card import part_card
from workbench.export.patches import LABELS, Patch
from workbench.export.release import Release
from workbench.export.sealing import KEY, SEAL
from workbench.export.totals import Totals
from workbench.export.wanted import Wanted

_OF_LABELS: Final = ("unlabelled_pixels", "labels_sha256")
_TOLD: Final = (
    "id", "fold", "place", "splits", "state", "patches", "pixels_sha256", "acquired", "time", "camera",
    "theme",
)  # fmt: skip
"""What is said of a zone whose labels are withheld; what nobody thought of here is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a subset comes from, and what it says of that."""

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

    def card(
        self, patches: Iterable[Patch], *, name: str, content_sha256: str, layouts: Sequence[Layout]
    ) -> dict[str, Any]:
        """Return the content of the ``release.json`` of a subset.

        Where labels are withheld it tells nothing that hangs on them: no count, no digest of labels, no work
        of annotators, and no digest of the release that it is a subset of, by which a guess of all of them
        could be proved.
        """
        parent = self.parent
        card = part_card(
            parent,
            Totals.of(patches),
            name=name,
            content_sha256=content_sha256,
            layouts=layouts,
            told=self._zone,
        )
        subset = {"of": parent.name, **self.wanted.document()}
        subset["content_sha256"] = None if self.withheld else parent.card["content_sha256"]
        if self.seals:
            subset["seals"] = self.seals
        card["subset"] = subset
        if self.withheld:
            zones = [entry for entry in card["zones"] if entry["id"] in self.withheld]
            card["withheld"] = {
                "split": self.split,
                "zones": len(self.withheld),
                "patches": sum(entry["patches"] for entry in zones),
                "sealed": self.sealed,
            }
        return card

    def readme(self, card: Mapping[str, Any], layouts: Sequence[Layout]) -> str:
        """Return the content of the ``README.md`` of a subset."""
        withheld = card.get("withheld")
        parts = [subset_note(card)]
        if withheld:
            parts.append(_WITHHELD.format(name=card["name"], seal=SEAL, key=KEY, **withheld))
        if self.seals:
            parts.append(_SEALS.format(name=card["name"], key=KEY, seals=self.seals))
        return readme(card, layouts) + "".join(parts)

    def _zone(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is said of a zone."""
        if entry["id"] not in self.withheld:
            return dict(entry)
        views = {name: sha256 for name, sha256 in entry.get("views", {}).items() if name not in LABELS}
        told = {key: entry[key] for key in _TOLD if key in entry}
        return told | {"heads": {}, "views": views} | dict.fromkeys(_OF_LABELS)


def subset_note(card: Mapping[str, Any]) -> str:
    """Return what ``README.md`` says of the release that a subset is a part of."""
    subset = card["subset"]
    chosen = [*subset["domains"], *subset["zones"], *subset["sets"]]
    return _SUBSET.format(of=subset["of"], chosen=", ".join(chosen) or "all its zones")


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
