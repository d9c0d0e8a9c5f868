"""What the nomenclature documents have in common: frozen entries, and rules that a JSON Schema cannot say."""

from __future__ import annotations

__all__ = [
    "Keyed",
    "document_path",
    "duplicates",
    "freeze",
    "listed",
    "plain",
    "raise_all",
    "tree_problems",
    "unknown",
]

import copyreg
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from workbench.documents import shipped
from workbench.errors import DocumentError, NomenclatureError, Problem

Loc = tuple[str | int, ...]


class Keyed(Protocol):
    """An entry of a tree: a key, and the key of the group above it."""

    @property
    def key(self) -> str:
        """Key of the entry."""

    @property
    def parent(self) -> str | None:
        """Key of the group above, None at the top."""


def freeze(entry: Any) -> None:
    """Make the lists and mappings of a frozen dataclass read-only copies; for its ``__post_init__``."""
    for field in fields(entry):
        value = getattr(entry, field.name)
        if isinstance(value, Mapping):
            object.__setattr__(entry, field.name, _read_only(dict(value)))
        elif isinstance(value, list):
            object.__setattr__(entry, field.name, tuple(value))


def plain(entry: Any) -> Any:
    """Return frozen entries as the dicts and lists of their JSON document."""
    if is_dataclass(entry):
        return {field.name: plain(getattr(entry, field.name)) for field in fields(entry)}
    if isinstance(entry, Mapping):
        return {key: plain(value) for key, value in entry.items()}
    return [plain(value) for value in entry] if isinstance(entry, tuple) else entry


def document_path(name: str | Path, *, folder: str, what: str) -> Path:
    """Find a document: a path, a string that ends in ``.json``, or the name of a shipped one.

    Raises
    ------
    NomenclatureError
        No document of that name is shipped; those that are get listed.
    """
    if isinstance(name, Path) or name.endswith(".json"):
        return Path(name)
    known = {path.stem: path for path in sorted((shipped("schema") / folder).glob("*.json"))}
    if name not in known:
        raise NomenclatureError(
            f"there is no {what} {name!r}; choose one of {listed(known)}, or the path of a .json file"
        )
    return known[name]


def listed(names: Iterable[str]) -> str:
    """Write names for a sentence.

    >>> listed([]), listed(["a", "b"])
    ('none', 'a, b')
    """
    return ", ".join(names) or "none"


def raise_all(source: str, problems: Iterator[Problem]) -> None:
    """Raise every problem at once, if there is one."""
    if found := tuple(problems):
        raise DocumentError(source, found)


def duplicates(what: str, entries: Iterable[tuple[Loc, Hashable]]) -> Iterator[Problem]:
    """Yield a problem for each entry whose value an earlier entry has."""
    first: dict[Hashable, Loc] = {}
    for loc, value in entries:
        if value in first:
            where = "/".join(map(str, first[value]))
            yield Problem(loc=loc, message=f"{what} {value!r} is taken by {where}", kind="duplicate")
        else:
            first[value] = loc


def unknown(what: str, known: Container[str], entries: Iterable[tuple[Loc, str]]) -> Iterator[Problem]:
    """Yield a problem for each entry that names something that does not exist."""
    for loc, name in entries:
        if name not in known:
            yield Problem(loc=loc, message=f"there is no {what} {name!r}", kind="unknown")


def tree_problems(groups: Sequence[Keyed], members: Sequence[Keyed], *, called: str) -> Iterator[Problem]:
    """Yield what keeps groups and the members below them (``called`` in the document) from being a tree."""
    placed = [(("groups", i), group) for i, group in enumerate(groups)]
    placed += [((called, i), member) for i, member in enumerate(members)]
    yield from duplicates("key", (((*loc, "key"), entry.key) for loc, entry in placed))
    parents = {group.key: group.parent for group in groups}
    named = (((*loc, "parent"), entry.parent) for loc, entry in placed if entry.parent is not None)
    yield from unknown("group", parents, named)
    for i, group in enumerate(groups):
        way = [group.key]
        while (above := parents.get(way[-1])) is not None and above not in way:
            way.append(above)
        if above == group.key:
            message = f"is above itself: {' < '.join([*way, above])}"
            yield Problem(loc=("groups", i, "parent"), message=message, kind="cycle")


def _read_only(content: dict[str, Any]) -> MappingProxyType[str, Any]:
    return MappingProxyType(content)


# Entries go to worker processes; read-only mappings cannot be pickled or copied unless told how.
copyreg.pickle(MappingProxyType, lambda proxy: (_read_only, (dict(proxy),)))
