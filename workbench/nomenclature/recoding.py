"""Recoding: what the labels of one nomenclature become in another one, or in another version of it.

A crosswalk says what classes become and may be read by itself; a recoding holds it against the nomenclature
that it leads to, so that every label lands on a code, or an upper class, that is there.
"""

from __future__ import annotations

__all__ = ["Landing", "Recoding"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

from workbench.errors import NomenclatureError, Problem
from workbench.nomenclature.classes import Nomenclature
from workbench.nomenclature.crosswalk import Crosswalk, Undecided
from workbench.nomenclature.entries import freeze, listed, raise_all, unknown
from workbench.nomenclature.lookup import UNLABELLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """What the label of a pixel becomes."""

    code: int
    """Of the class; of an upper class's fallback, or 0 where it has none."""
    upper: str | None = None
    """Key of the upper class, where only so much is sure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recoding:
    """What each class and upper class of a nomenclature becomes in another one; unlabelled stays so.

    >>> from workbench.nomenclature import load_crosswalk, load_nomenclature
    >>> table, flair = load_crosswalk("ign-urbain-to-flair-19"), load_nomenclature("flair-19")
    >>> recoding = Recoding.by_table(table, flair)
    >>> recoding.landing("ligneux"), list(recoding.undecided)
    (Landing(code=17, upper='woody_vegetation'), ['mineraux'])
    >>> recoding.decide({"mineraux": "mineral_ground"}).landing("mineraux")
    Landing(code=0, upper='mineral_ground')
    """

    name: str
    """Of the table, with its version."""
    source: Nomenclature
    target: Nomenclature
    links: Mapping[str, str]
    """Key of the class or upper class that each decided class or upper class becomes."""
    undecided: Mapping[str, Undecided]
    """All others of the source."""

    def __post_init__(self) -> None:
        freeze(self)

    @classmethod
    def by_table(cls, crosswalk: Crosswalk, target: Nomenclature) -> Self:
        """Return the recoding that a crosswalk says.

        Parameters
        ----------
        crosswalk
            Its targets are classes of the target nomenclature with their codes, its groups upper classes.
        target
            The nomenclature that it leads to.

        Raises
        ------
        NomenclatureError
            It leads to another nomenclature.
        DocumentError
            Some of its targets are not in the nomenclature, or with other codes; all are listed.
        """
        if crosswalk.target != target.name:
            raise NomenclatureError(
                f"{crosswalk.name} leads to {crosswalk.target}, not to {target.name}; "
                f"take a table to {target.name}"
            )
        raise_all(f"crosswalk {crosswalk.name}", _target_problems(crosswalk, target))
        named = {*crosswalk.table, *crosswalk.undecided}
        reason = f"an upper class that {crosswalk.name} does not name"
        left = {
            group.key: Undecided(candidates=(), reason=reason)
            for group in crosswalk.source.groups
            if group.key not in named
        }
        return cls(
            name=f"{crosswalk.name} {crosswalk.version}",
            source=crosswalk.source,
            target=target,
            links=crosswalk.table,
            undecided={**crosswalk.undecided, **left},
        )

    @classmethod
    def of_versions(cls, source: Nomenclature, target: Nomenclature) -> Self:
        """Return the recoding from a nomenclature to another version of itself: every key keeps its code.

        Raises
        ------
        NomenclatureError
            They are two nomenclatures, or classes are missing or have another code: all of them are listed.
        """
        if source.name != target.name:
            raise NomenclatureError(
                f"{target.name} is no version of {source.name}; say by a table what its classes become"
            )
        codes = {entry.key: entry.code for entry in target.classes}
        broken = [
            f"{one.key} ({one.code}) has code {codes[one.key]}"
            if one.key in codes
            else f"{one.key} ({one.code}) is missing"
            for one in source.classes
            if codes.get(one.key) != one.code
        ]
        if broken:
            raise NomenclatureError(
                f"{target.name} {target.version} is no continuation of {source.version}: {listed(broken)}; "
                "say by a table what these classes become"
            )
        groups = {group.key for group in target.groups}
        reason = f"an upper class that {target.name} {target.version} does not have"
        return cls(
            name=f"{source.name} {source.version} to {target.version}",
            source=source,
            target=target,
            links={key: key for key in (*source.keys, *(g.key for g in source.groups if g.key in groups))},
            undecided={
                group.key: Undecided(candidates=(), reason=reason)
                for group in source.groups
                if group.key not in groups
            },
        )

    def decide(self, decisions: Mapping[str, str]) -> Self:
        """Return a recoding in which undecided classes (keys) become classes or upper classes (keys).

        Raises
        ------
        NomenclatureError
            A class is not among the undecided ones, or there is nothing of that name to become.
        """
        goals = (*self.target.keys, *(group.key for group in self.target.groups))
        for key, goal in decisions.items():
            if key not in self.undecided:
                raise NomenclatureError(
                    f"{self.name}: {key!r} is not undecided; undecided: {listed(self.undecided)}"
                )
            if goal not in goals:
                raise NomenclatureError(
                    f"{self.target.name} has no class or upper class {goal!r}; it has {listed(goals)}"
                )
        left = {key: why for key, why in self.undecided.items() if key not in decisions}
        return replace(self, links={**self.links, **decisions}, undecided=left)

    def landing(self, key: str) -> Landing:
        """Return what a class or upper class of the source becomes.

        Raises
        ------
        NomenclatureError
            It is undecided, or none of the source.
        """
        if key not in self.links:
            raise NomenclatureError(f"{self.name} does not say what {key!r} becomes; decide it")
        goal = self.links[key]
        if goal in self.target.keys:
            return Landing(code=self.target.by_key(goal).code)
        fallback = self.target.upper(goal).fallback
        return Landing(code=self.target.by_key(fallback).code if fallback else UNLABELLED, upper=goal)


def _target_problems(crosswalk: Crosswalk, target: Nomenclature) -> Iterator[Problem]:
    codes = {entry.key: entry.code for entry in target.classes}
    what = f"class of {target.name}"
    yield from unknown(what, codes, ((("targets", i, "key"), t.key) for i, t in enumerate(crosswalk.targets)))
    for i, one in enumerate(crosswalk.targets):
        if codes.get(one.key, one.value) != one.value:
            message = f"{one.key!r} has value {one.value}, its code in {target.name} is {codes[one.key]}"
            yield Problem(loc=("targets", i, "value"), message=message, kind="code")
    groups = {group.key for group in target.groups}
    what = f"upper class of {target.name}"
    yield from unknown(what, groups, ((("groups", i, "key"), g.key) for i, g in enumerate(crosswalk.groups)))
