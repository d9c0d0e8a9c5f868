"""Crosswalks: what the classes of a nomenclature become in a grouping or in another nomenclature."""

from __future__ import annotations

__all__ = ["Crosswalk", "TargetClass", "Undecided", "load_crosswalk"]

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from workbench.documents import read_document, validate
from workbench.errors import DocumentError, NomenclatureError, Problem
from workbench.nomenclature.classes import Nomenclature, UpperClass, load_nomenclature
from workbench.nomenclature.entries import (
    document_path,
    duplicates,
    freeze,
    listed,
    raise_all,
    tree_problems,
    unknown,
)
from workbench.nomenclature.lookup import NEVER, UNLABELLED, translate

_HEADER = ("format", "format_version")


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetClass:
    """What classes of a nomenclature become in a crosswalk."""

    value: int
    """Pixel value, 0–254."""
    key: str
    titles: Mapping[str, str]
    colour: str
    parent: str | None
    """Key of the group above."""
    scored: bool
    """Whether it counts in the mean of scores."""

    def __post_init__(self) -> None:
        freeze(self)
        if not 0 <= self.value < NEVER:
            raise NomenclatureError(f"target {self.key}: value {self.value} is outside 0–{NEVER - 1}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """Why a class has no target yet, and which would be defensible."""

    candidates: tuple[str, ...]
    reason: str

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crosswalk:
    """From the classes of a nomenclature to other ones; each class has one target, or is undecided.

    Where only so much is sure, a class becomes an upper class (a group) of the target: a doubt with a name,
    to be resolved later.
    """

    name: str
    version: str
    titles: Mapping[str, str]
    source: Nomenclature
    target: str
    """Name of what it leads to."""
    status: Literal["published", "derived"]
    """Whether the links are the owner's or the workbench's."""
    provenance: str
    notes: tuple[str, ...]
    unlabelled_as: str | None
    """Key of the source class that unlabelled pixels are treated as; None = they become 0."""
    groups: tuple[UpperClass, ...]
    targets: tuple[TargetClass, ...]
    table: Mapping[str, str]
    """Key of the target or group of each decided class, and of upper classes of the source."""
    undecided: Mapping[str, Undecided]

    def __post_init__(self) -> None:
        freeze(self)
        raise_all(f"crosswalk {self.name}", _problems(self))

    @classmethod
    def from_document(cls, document: Mapping[str, Any], *, nomenclature: Nomenclature, source: str) -> Self:
        """Build from a parsed document and the nomenclature it starts from; ``source`` names it in errors."""
        validate(document, "crosswalk", source=source)
        if document["source"] != nomenclature.name:
            message = f"starts from {document['source']}, not from {nomenclature.name}"
            raise DocumentError(source, (Problem(loc=("source",), message=message, kind="source"),))
        content = {key: value for key, value in document.items() if key not in _HEADER}
        content["source"] = nomenclature
        content["groups"] = tuple(UpperClass(**entry) for entry in content["groups"])
        content["targets"] = tuple(TargetClass(**entry) for entry in content["targets"])
        content["undecided"] = {key: Undecided(**entry) for key, entry in content["undecided"].items()}
        try:
            return cls(**content)
        except DocumentError as error:
            raise DocumentError(source, error.problems) from None

    def by_key(self, key: str) -> TargetClass:
        """Return the target of a key."""
        for target in self.targets:
            if target.key == key:
                return target
        raise NomenclatureError(
            f"{self.target} has no class {key!r}; it has {listed(t.key for t in self.targets)}"
        )

    def is_group(self, key: str) -> bool:
        """Tell whether a key is that of an upper class of the target."""
        return any(group.key == key for group in self.groups)

    def decide(self, decisions: Mapping[str, str]) -> Crosswalk:
        """Return a crosswalk in which undecided classes (keys) have targets or groups (keys).

        Raises
        ------
        NomenclatureError
            A class is not among the undecided ones, or a target does not exist.
        """
        for key, target in decisions.items():
            if key not in self.undecided:
                raise NomenclatureError(
                    f"{self.name}: {key!r} is not undecided; undecided: {listed(self.undecided)}"
                )
            if not self.is_group(target):
                self.by_key(target)
        left = {key: why for key, why in self.undecided.items() if key not in decisions}
        return replace(self, table={**self.table, **decisions}, undecided=left)

    def apply(
        self, codes: NDArray[np.integer[Any]], *, undecided: int | Literal["refuse"] = "refuse"
    ) -> NDArray[np.uint8]:
        """Write codes as the values of the targets; unlabelled (0) goes the way of ``unlabelled_as``.

        A class that becomes a group is written as the group's fallback; without one it counts as undecided.

        Parameters
        ----------
        codes
            Codes of the source nomenclature, any shape, usually (row, col) uint8.
        undecided
            Value for pixels of undecided classes, 0–254 and no target's own; by default they are refused.

        Returns
        -------
        numpy.ndarray
            Values, of the shape of ``codes``.

        Raises
        ------
        NomenclatureError
            Some pixel has an unknown code or, unless a value is given for them, an undecided class.

        >>> load_crosswalk("flair-19-to-12-1").apply(np.array([[0, 12, 13]], dtype=np.uint8))
        array([[13, 12, 13]], dtype=uint8)
        """
        values = {target.key: target.value for target in self.targets}
        values |= {g.key: values[g.fallback] for g in self.groups if g.fallback is not None}
        table = {
            one.code: values[self.table[one.key]]
            for one in self.source.classes
            if self.table.get(one.key) in values
        }
        left = [one for one in self.source.classes if one.code not in table]
        if undecided != "refuse":
            if not 0 <= undecided < NEVER or undecided in values.values():
                raise NomenclatureError(
                    f"{self.name}: {undecided} cannot mark undecided pixels; choose a free value"
                )
            table |= {one.code: undecided for one in left}
        if self.unlabelled_as is None:
            table[UNLABELLED] = UNLABELLED
        elif (like := self.source.by_key(self.unlabelled_as).code) in table:
            table[UNLABELLED] = table[like]
        open_codes = listed(f"{one.code} {one.key}" for one in left)
        kept = f"goes with {self.unlabelled_as}" if self.unlabelled_as else "stays 0"
        refused = f"not in {self.name}; undecided are {open_codes}, and 0 (unlabelled) {kept}"
        way_out = "decide them, or give a value for undecided pixels"
        return translate(codes, table, refusal=lambda found: f"{found}: {refused}; {way_out}")


def load_crosswalk(name: str | Path, *, source: Nomenclature | None = None) -> Crosswalk:
    """Read a crosswalk, a shipped one by name or any by the path of its ``.json`` document.

    Parameters
    ----------
    name
        Name or path.
    source
        The nomenclature that it has to start from; by default the shipped one that it names.

    Raises
    ------
    NomenclatureError
        No crosswalk of that name, or no nomenclature that it starts from, is shipped.
    DocumentError
        The document cannot be read or breaks its rules; every problem is listed.
    """
    path = document_path(name, folder="crosswalks", what="crosswalk")
    document = read_document(path, schema="crosswalk")
    nomenclature = load_nomenclature(document["source"]) if source is None else source
    return Crosswalk.from_document(document, nomenclature=nomenclature, source=str(path))


def _problems(crosswalk: Crosswalk) -> Iterator[Problem]:
    values: list[tuple[tuple[str | int, ...], int]] = [
        (("targets", i, "value"), target.value) for i, target in enumerate(crosswalk.targets)
    ]
    if crosswalk.unlabelled_as is None:
        values.insert(0, (("unlabelled_as",), UNLABELLED))
    yield from duplicates("value", values)
    yield from tree_problems(crosswalk.groups, crosswalk.targets, called="targets")
    targets = {target.key for target in crosswalk.targets}
    fallbacks = ((("groups", i, "fallback"), group.fallback) for i, group in enumerate(crosswalk.groups))
    yield from unknown("target", targets, ((loc, key) for loc, key in fallbacks if key is not None))
    goals = targets | {group.key for group in crosswalk.groups}
    yield from unknown("target", goals, ((("table", key), to) for key, to in crosswalk.table.items()))
    for key, why in crosswalk.undecided.items():
        placed = ((("undecided", key, "candidates", i), name) for i, name in enumerate(why.candidates))
        yield from unknown("target", goals, placed)
    yield from _coverage_problems(crosswalk)


def _coverage_problems(crosswalk: Crosswalk) -> Iterator[Problem]:
    """Yield what keeps each class of the source from being decided once or undecided."""
    keys = crosswalk.source.keys
    known = {*keys, *(group.key for group in crosswalk.source.groups)}
    what = f"class of {crosswalk.source.name}"
    yield from unknown(what, known, ((("table", key), key) for key in crosswalk.table))
    yield from unknown(what, known, ((("undecided", key), key) for key in crosswalk.undecided))
    if crosswalk.unlabelled_as is not None:
        yield from unknown(what, keys, [(("unlabelled_as",), crosswalk.unlabelled_as)])
    for key in sorted(crosswalk.undecided.keys() & crosswalk.table.keys()):
        yield Problem(loc=("undecided", key), message=f"{key!r} has a target in the table", kind="duplicate")
    for key in keys:
        if key not in crosswalk.table and key not in crosswalk.undecided:
            message = f"{key!r} has no target and is not undecided either"
            yield Problem(loc=("table",), message=message, kind="missing")
