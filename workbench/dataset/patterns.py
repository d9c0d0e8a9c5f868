"""Globs of the files of a layout, found from their names."""

from __future__ import annotations

__all__ = ["Patterns"]

import re
from itertools import takewhile
from typing import Final

_BREAKS: Final = re.compile(r"[._-]")


Key = tuple[str, str]
"""Layout and modality."""


class Patterns:
    """For each kind of file the narrowest plain glob that holds all of its paths.

    >>> patterns = Patterns()
    >>> patterns.add(("hub", "image"), "HUB/D006-2020_RGBI/Z1/D006-2020_RGBI_Z1_1-1.tif")
    >>> patterns.add(("hub", "image"), "HUB/D055-2018_RGBI/Z2/D055-2018_RGBI_Z2_1-4.tif")
    >>> patterns.globs()
    {('hub', 'image'): 'HUB/*_RGBI/*/*.tif'}
    """

    def __init__(self) -> None:
        self._parts: dict[Key, list[tuple[str, bool]]] = {}

    def add(self, kind: Key, path: str) -> None:
        """Take a path in; all of one kind lie equally deep."""
        parts = path.split("/")
        known = self._parts.setdefault(kind, [(part, True) for part in parts])
        self._parts[kind] = [_shared(*one, part) for one, part in zip(known, parts, strict=True)]

    def globs(self) -> dict[Key, str]:
        """Return the glob of each kind."""
        return {
            kind: "/".join(text if whole else f"*{_from_break(text)}" for text, whole in parts)
            for kind, parts in self._parts.items()
        }


def _shared(text: str, whole: bool, part: str) -> tuple[str, bool]:
    """Return what a part of a path has in common with others, from its end, and whether that is all of it."""
    if whole and text == part:
        return text, True
    length = sum(
        1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text[::-1], part[::-1], strict=False))
    )
    return text[len(text) - length :], False


def _from_break(text: str) -> str:
    found = _BREAKS.search(text)
    return text[found.start() :] if found else ""
