"""Land-cover classes, the upper classes above them, and their numbers in every published scheme."""

from __future__ import annotations

__all__ = ["LandCoverClass", "Nomenclature", "Scheme", "UpperClass", "load_nomenclature"]

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from workbench.documents import content_of, parse_document, validate
from workbench.errors import DocumentError, NomenclatureError, Problem
from workbench.nomenclature.entries import (
    document_path,
    duplicates,
    freeze,
    listed,
    plain,
    raise_all,
    tree_problems,
    unknown,
)
from workbench.nomenclature.lookup import NEVER, UNLABELLED, ranges, translate

_HEADER = {"format": "ocs-workbench/nomenclature", "format_version": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class LandCoverClass:
    """One class that a pixel can have."""

    code: int
    """1–254; never given to another class."""
    key: str
    titles: Mapping[str, str]
    """By language: ``en``, ``fr``."""
    colour: str
    """``#rrggbb`` of the nomenclature's owner."""
    palettes: Mapping[str, str]
    """``#rrggbb`` in other palettes, by palette."""
    parent: str | None
    """Key of the upper class that holds it."""
    definition: Mapping[str, str]
    """By language."""
    definition_status: Literal["working", "official"]
    definition_source: str
    observed: Mapping[str, str]
    """What published masks show, by language; may be empty."""
    confused_with: tuple[str, ...]
    """Keys of the classes that it is taken for; symmetric."""
    values: Mapping[str, int]
    """Its number in each scheme, 0–254."""

    def __post_init__(self) -> None:
        freeze(self)
        if not 1 <= self.code < NEVER:
            raise NomenclatureError(f"class {self.key}: code {self.code} is outside 1–{NEVER - 1}")
        for scheme, value in self.values.items():
            if not 0 <= value < NEVER:
                raise NomenclatureError(f"class {self.key}: {scheme} value {value} is outside 0–{NEVER - 1}")


@dataclass(frozen=True, slots=True, kw_only=True)
class UpperClass:
    """A group of classes, for a doubt that no class has a code for."""

    key: str
    titles: Mapping[str, str]
    colour: str
    parent: str | None
    fallback: str | None = None
    """Key of the class that an unresolved pixel is written as; None = the scheme's *other*."""

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """A published numbering of the classes."""

    description: str
    defined_by: str
    other: str | None
    """Key of the class that unlabelled pixels are written as; None where they have a value of their own."""
    ours: tuple[str, ...]
    """Keys of the classes that the owner has no known number for: theirs are the workbench's own."""
    palette: str | None
    """Palette that its rasters are coloured with; None = the classes' own colours."""
    unlabelled: int | None = None
    """Value of unlabelled pixels, 0–254, in a scheme that has one; such a scheme has no *other*."""

    def __post_init__(self) -> None:
        freeze(self)
        if self.unlabelled is not None and not 0 <= self.unlabelled < NEVER:
            raise NomenclatureError(f"value {self.unlabelled} of unlabelled is outside 0–{NEVER - 1}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nomenclature:
    """The classes of a campaign.

    >>> flair = load_nomenclature("flair-19")
    >>> flair.by_key("ligneous").values["flair_hub"], flair.by_code(17).key
    (16, 'ligneous')
    """

    name: str
    version: str
    titles: Mapping[str, str]
    notes: tuple[str, ...]
    schemes: Mapping[str, Scheme]
    groups: tuple[UpperClass, ...]
    classes: tuple[LandCoverClass, ...]

    def __post_init__(self) -> None:
        freeze(self)
        raise_all(f"nomenclature {self.name}", _problems(self))

    @classmethod
    def from_document(cls, document: Mapping[str, Any], *, source: str) -> Self:
        """Build from a parsed JSON document; ``source`` names it in errors.

        Raises
        ------
        DocumentError
            With every problem against the schema, or else every problem between the entries.
        """
        validate(document, "nomenclature", source=source)
        content = {key: value for key, value in document.items() if key not in _HEADER}
        content["schemes"] = {name: Scheme(**entry) for name, entry in content["schemes"].items()}
        content["groups"] = tuple(UpperClass(**entry) for entry in content["groups"])
        content["classes"] = tuple(LandCoverClass(**entry) for entry in content["classes"])
        try:
            return cls(**content)
        except DocumentError as error:
            raise DocumentError(source, error.problems) from None

    def document(self) -> dict[str, Any]:
        """Return the JSON document, ready for ``write_document(…, schema="nomenclature")``."""
        content = {**_HEADER, **plain(self)}
        for scheme in content["schemes"].values():
            if scheme["unlabelled"] is None:  # documents from before there was such a thing stay as they are
                del scheme["unlabelled"]
        return content

    @property
    def codes(self) -> tuple[int, ...]:
        """Codes of all classes, in the document's order."""
        return tuple(entry.code for entry in self.classes)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of all classes, in the document's order."""
        return tuple(entry.key for entry in self.classes)

    def by_key(self, key: str) -> LandCoverClass:
        """Return the class of a key; an upper class is no class."""
        for entry in self.classes:
            if entry.key == key:
                return entry
        if any(group.key == key for group in self.groups):
            choices = listed(entry.key for entry in self.below(key))
            raise NomenclatureError(f"{key!r} is an upper class of {self.name}; choose one of {choices}")
        raise NomenclatureError(f"{self.name} has no class {key!r}; it has {listed(self.keys)}")

    def by_code(self, code: int) -> LandCoverClass:
        """Return the class of a code; 0, unlabelled, is no class."""
        for entry in self.classes:
            if entry.code == code:
                return entry
        raise NomenclatureError(f"{self.name} has no class of code {code}; it has {ranges(self.codes)}")

    def upper(self, key: str) -> UpperClass:
        """Return the upper class of a key."""
        for group in self.groups:
            if group.key == key:
                return group
        known = listed(group.key for group in self.groups)
        raise NomenclatureError(f"{self.name} has no upper class {key!r}; it has {known}")

    def above(self, key: str) -> tuple[str, ...]:
        """Return the keys of the upper classes of a class or upper class, nearest first."""
        entries: Iterable[UpperClass | LandCoverClass] = chain(self.groups, self.classes)
        parents = {entry.key: entry.parent for entry in entries}
        if key not in parents:
            raise NomenclatureError(f"{self.name} has no class or upper class {key!r}")
        found: list[str] = []
        while (parent := parents[found[-1] if found else key]) is not None:
            found.append(parent)
        return tuple(found)

    def below(self, key: str) -> tuple[LandCoverClass, ...]:
        """Return the classes that an upper class holds at any depth, in the document's order."""
        self.upper(key)
        return tuple(entry for entry in self.classes if key in self.above(entry.key))

    def encode(self, labels: NDArray[np.integer[Any]], scheme: str) -> NDArray[np.uint8]:
        """Write codes as the values of a scheme; unlabelled (0) becomes the scheme's *other*.

        Where a scheme has a value for what is unlabelled, it becomes that.

        Parameters
        ----------
        labels
            Codes, any shape and integer type, usually (row, col) uint8.
        scheme
            Name of the scheme.

        Returns
        -------
        numpy.ndarray
            A new array of values, of the shape of ``labels``.

        Raises
        ------
        NomenclatureError
            The scheme is unknown, or some pixel has a code that no class has.

        >>> load_nomenclature("flair-19").encode(np.array([[0, 1, 16]], dtype=np.uint8), "flair_hub")
        array([[18,  0, 17]], dtype=uint8)
        """
        rules = self._scheme(scheme)
        table = {entry.code: entry.values[scheme] for entry in self.classes}
        if rules.other is not None:
            table[UNLABELLED] = self.by_key(rules.other).values[scheme]
        elif rules.unlabelled is not None:
            table[UNLABELLED] = rules.unlabelled
        allowed = f"{self.name} has codes {ranges(self.codes)}, and 0 for unlabelled"
        return translate(labels, table, refusal=lambda found: f"{found}: {allowed}; use these only")

    def decode(
        self, values: NDArray[np.integer[Any]], scheme: str, *, way_out: str | None = None
    ) -> NDArray[np.uint8]:
        """Read the values of a scheme as codes; its *other* is read as that class, never as unlabelled.

        Only a scheme's own value for what is unlabelled is read as that.

        Parameters
        ----------
        values
            Any shape and integer type, usually (row, col) uint8.
        scheme
            Name of the scheme.
        way_out
            What to do where a value is not allowed; to correct the pixels, or to name another scheme, if not
            given.

        Returns
        -------
        numpy.ndarray
            A new array of codes, of the shape of ``values``.

        Raises
        ------
        NomenclatureError
            The scheme is unknown, or some pixel has a value that it does not allow: named with the number
            of their pixels, the first of them and the allowed values.

        >>> load_nomenclature("flair-19").decode(np.array([[18, 0, 17]], dtype=np.uint8), "flair_hub")
        array([[19,  1, 16]], dtype=uint8)
        """
        unlabelled = self._scheme(scheme).unlabelled
        table = {entry.values[scheme]: entry.code for entry in self.classes}
        table |= {} if unlabelled is None else {unlabelled: UNLABELLED}
        allowed = f"scheme {scheme} of {self.name} allows {ranges(table)}"
        mend = f"correct these pixels, or name the scheme they follow ({listed(self.schemes)})"
        return translate(values, table, refusal=lambda found: f"{found}: {allowed}; {way_out or mend}")

    def colour_table(self, scheme: str | None = None) -> dict[int, tuple[int, int, int]]:
        """Return red, green, blue (0–255) of each value of a scheme, or of each code where none is named.

        >>> load_nomenclature("flair-19").colour_table("flair_hub")[17]
        (107, 113, 79)
        """
        if scheme is None:
            return {entry.code: _rgb(entry.colour) for entry in self.classes}
        palette = self._scheme(scheme).palette
        return {
            entry.values[scheme]: _rgb(entry.colour if palette is None else entry.palettes[palette])
            for entry in self.classes
        }

    def _scheme(self, name: str) -> Scheme:
        if name not in self.schemes:
            raise NomenclatureError(f"{self.name} has no scheme {name!r}; it has {listed(self.schemes)}")
        return self.schemes[name]


def load_nomenclature(name: str | Path) -> Nomenclature:
    """Read a nomenclature: a shipped one by name, or any by the path of its ``.json`` document.

    The same content is parsed once.

    Raises
    ------
    NomenclatureError
        No nomenclature of that name is shipped.
    DocumentError
        The document cannot be read or breaks its rules; every problem is listed.
    """
    path = document_path(name, folder="nomenclatures", what="nomenclature")
    return _parsed(content_of(path), str(path))


@lru_cache(maxsize=32)
def _parsed(content: bytes, source: str) -> Nomenclature:
    return Nomenclature.from_document(
        parse_document(content, schema="nomenclature", source=source), source=source
    )


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(colour[1:])
    return red, green, blue


def _problems(nomenclature: Nomenclature) -> Iterator[Problem]:
    classes = nomenclature.classes
    codes = ((("classes", i, "code"), entry.code) for i, entry in enumerate(classes))
    yield from duplicates("code", codes)
    yield from tree_problems(nomenclature.groups, classes, called="classes")
    fallbacks = ((("groups", i, "fallback"), group.fallback) for i, group in enumerate(nomenclature.groups))
    known = set(nomenclature.keys)
    yield from unknown("class", known, ((loc, key) for loc, key in fallbacks if key is not None))
    yield from _pair_problems(nomenclature)
    named = (
        (("classes", i, "values", name), name) for i, entry in enumerate(classes) for name in entry.values
    )
    yield from unknown("scheme", nomenclature.schemes, named)
    for name, scheme in nomenclature.schemes.items():
        yield from _scheme_problems(nomenclature, name, scheme)


def _pair_problems(nomenclature: Nomenclature) -> Iterator[Problem]:
    partners = {entry.key: entry.confused_with for entry in nomenclature.classes}
    for i, entry in enumerate(nomenclature.classes):
        for j, partner in enumerate(entry.confused_with):
            loc = ("classes", i, "confused_with", j)
            if partner == entry.key:
                yield Problem(
                    loc=loc, message=f"{partner!r} cannot be confused with itself", kind="reflexive"
                )
            elif partner not in partners:
                yield from unknown("class", partners, [(loc, partner)])
            elif entry.key not in partners[partner]:
                message = f"{partner!r} does not list {entry.key!r} in return"
                yield Problem(loc=loc, message=message, kind="asymmetric")


def _scheme_problems(nomenclature: Nomenclature, name: str, scheme: Scheme) -> Iterator[Problem]:
    placed = list(enumerate(nomenclature.classes))
    keys = set(nomenclature.keys)
    if (scheme.other is None) == (scheme.unlabelled is None):
        message = "takes either an other or an unlabelled value: what is unlabelled is written as one of them"
        yield Problem(loc=("schemes", name), message=message, kind="unlabelled")
    if scheme.other is not None:
        yield from unknown("class", keys, [(("schemes", name, "other"), scheme.other)])
    yield from unknown(
        "class", keys, ((("schemes", name, "ours", i), key) for i, key in enumerate(scheme.ours))
    )
    for i, entry in placed:
        if name not in entry.values:
            message = f"class {entry.key!r} has no value in scheme {name!r}"
            yield Problem(loc=("classes", i, "values"), message=message, kind="missing")
        if scheme.palette is not None and scheme.palette not in entry.palettes:
            message = f"class {entry.key!r} has no colour in palette {scheme.palette!r}"
            yield Problem(loc=("classes", i, "palettes"), message=message, kind="missing")
    values: list[tuple[tuple[str | int, ...], int]] = [
        (("classes", i, "values", name), entry.values[name]) for i, entry in placed if name in entry.values
    ]
    if scheme.unlabelled is not None:
        values.append((("schemes", name, "unlabelled"), scheme.unlabelled))
    yield from duplicates(f"{name} value", values)
