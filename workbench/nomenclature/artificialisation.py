"""Artificialised land: the rule by cover and usage, and what it says of land-cover classes."""

from __future__ import annotations

__all__ = ["ArtificialisationRule", "Artificialised", "CoverRule", "load_artificialisation"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from workbench.documents import read_document, validate
from workbench.errors import DocumentError, NomenclatureError, Problem
from workbench.nomenclature.crosswalk import Crosswalk
from workbench.nomenclature.entries import document_path, freeze, listed, raise_all, unknown

_HEADER = ("format", "format_version")


class Artificialised(StrEnum):
    """What a cover alone says about artificialisation."""

    ALWAYS = "always"
    NEVER = "never"
    DEPENDS = "depends_on_usage"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverRule:
    """When land of a cover counts as artificialised."""

    answer: Artificialised
    if_usage_in: tuple[str, ...] = ()
    """Usages that artificialise it; empty where the other list says it."""
    unless_usage_in: tuple[str, ...] = ()
    """The only usages that do not."""

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtificialisationRule:
    """Whether land counts as artificialised, by cover and usage.

    >>> rule = load_artificialisation()
    >>> str(rule.of_cover("CS1.1.2.1")), rule.is_artificialised("CS1.1.2.1", usage="US1.3")
    ('depends_on_usage', False)
    """

    name: str
    version: str
    titles: Mapping[str, str]
    covers_of: str
    """Name of the crosswalk target that the covers are the keys of."""
    provenance: str
    notes: tuple[str, ...]
    usages: Mapping[str, Mapping[str, str]]
    """Titles by language of each usage code."""
    covers: Mapping[str, CoverRule]
    impervious: tuple[str, ...]
    """Covers that count as impermeabilised."""

    def __post_init__(self) -> None:
        freeze(self)
        raise_all(f"artificialisation rule {self.name}", _problems(self))

    @classmethod
    def from_document(cls, document: Mapping[str, Any], *, source: str) -> Self:
        """Build from a parsed document; ``source`` names it in errors."""
        validate(document, "artificialisation", source=source)
        content = {key: value for key, value in document.items() if key not in _HEADER}
        content["covers"] = {
            cover: CoverRule(**{**entry, "answer": Artificialised(entry["answer"])})
            for cover, entry in content["covers"].items()
        }
        try:
            return cls(**content)
        except DocumentError as error:
            raise DocumentError(source, error.problems) from None

    def of_cover(self, cover: str) -> Artificialised:
        """Return what a cover code alone says: always, never or depends on usage."""
        return self._rule(cover).answer

    def is_artificialised(self, cover: str, *, usage: str) -> bool:
        """Tell whether land of a cover and usage code counts as artificialised."""
        if usage not in self.usages:
            raise NomenclatureError(f"{self.name} has no usage {usage!r}; it has {listed(self.usages)}")
        rule = self._rule(cover)
        if rule.answer is not Artificialised.DEPENDS:
            return rule.answer is Artificialised.ALWAYS
        return usage in rule.if_usage_in if rule.if_usage_in else usage not in rule.unless_usage_in

    def of_classes(self, crosswalk: Crosswalk) -> dict[str, Artificialised]:
        """Derive the answer for each class of a crosswalk's source, by class key.

        Raises
        ------
        NomenclatureError
            The crosswalk leads to other covers than the rule's.
        """
        if crosswalk.target != self.covers_of:
            raise NomenclatureError(
                f"{self.name} speaks of {self.covers_of}, {crosswalk.name} leads to {crosswalk.target}; "
                f"use a crosswalk to {self.covers_of}"
            )
        covers = {key: to for key, to in crosswalk.table.items() if not crosswalk.is_group(to)}
        return {
            key: self.of_cover(covers[key]) if key in covers else Artificialised.UNDECIDED
            for key in crosswalk.source.keys
        }

    def _rule(self, cover: str) -> CoverRule:
        if cover not in self.covers:
            raise NomenclatureError(
                f"{self.name} has no rule for cover {cover!r}; it has {listed(self.covers)}"
            )
        return self.covers[cover]


def load_artificialisation(name: str | Path = "ocsge-artificialisation") -> ArtificialisationRule:
    """Read an artificialisation rule, a shipped one by name or any by the path of its ``.json`` document."""
    path = document_path(name, folder="rules", what="artificialisation rule")
    return ArtificialisationRule.from_document(
        read_document(path, schema="artificialisation"), source=str(path)
    )


def _problems(rule: ArtificialisationRule) -> Iterator[Problem]:
    placed = ((("impervious", i), cover) for i, cover in enumerate(rule.impervious))
    yield from unknown("cover", rule.covers, placed)
    for cover, entry in rule.covers.items():
        for name in ("if_usage_in", "unless_usage_in"):
            usages = enumerate(getattr(entry, name))
            yield from unknown(
                "usage", rule.usages, ((("covers", cover, name, i), usage) for i, usage in usages)
            )
        listing = bool(entry.if_usage_in) + bool(entry.unless_usage_in)
        if listing != (entry.answer is Artificialised.DEPENDS) or entry.answer is Artificialised.UNDECIDED:
            message = (
                f"{entry.answer} goes with {listing} lists of usages; only {Artificialised.DEPENDS} takes one"
            )
            yield Problem(loc=("covers", cover), message=message, kind="usages")
