"""Versions of releases: what changed says which number has to grow (semantic versioning, semver.org 2.0.0).

*Major*: classes, folds or grid are others, so figures cannot be compared. *Minor*: zones came or went.
*Patch*: labels, pictures or what is told of them changed.
"""

from __future__ import annotations

__all__ = ["Change", "Version", "change_between", "settled", "version_of"]

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self

from workbench.errors import ReleaseError
from workbench.geo.zone import domain_of

_IN_NAME = re.compile(r"(?:^|[^A-Za-z0-9])[Vv]([0-9]+(?:\.[0-9]+)+)$")
_VERSION = re.compile(r"(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")


class Change(IntEnum):
    """How much two releases differ."""

    NONE = 0
    PATCH = 1
    MINOR = 2
    MAJOR = 3


_WHY = {
    Change.NONE: "nothing that changed",
    Change.PATCH: "what changed of labels or pictures",
    Change.MINOR: "what came or went of zones",
    Change.MAJOR: "what changed of classes, folds or grid",
}


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """Three numbers.

    >>> Version(1, 1, 0) < Version(1, 2, 0)
    True
    """

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the version of a text such as ``1.2.0``.

        Raises
        ------
        ReleaseError
            It is none.
        """
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ReleaseError(f"{text!r} is no version; write it like 1.2.0")
        return cls(*map(int, match.groups()))

    def after(self, change: Change) -> Version:
        """Return the next version after a change.

        Before 1.0.0 anything may change, and minor is enough.

        >>> str(Version(1, 1, 2).after(Change.MINOR)), str(Version(0, 3, 1).after(Change.MAJOR))
        ('1.2.0', '0.4.0')
        """
        if change == Change.MAJOR and self.major > 0:
            return Version(self.major + 1, 0, 0)
        if change in (Change.MAJOR, Change.MINOR):
            return Version(self.major, self.minor + 1, 0)
        return Version(self.major, self.minor, self.patch + (change == Change.PATCH))


def version_of(name: str) -> Version | None:
    """Return the version that a release's name ends with, None where it has none.

    Raises
    ------
    ReleaseError
        It ends with something that looks like one and is none.

    >>> str(version_of("FR_V1.2")), version_of("SPRING")
    ('1.2.0', None)
    """
    match = _IN_NAME.search(name)
    if match is None:
        return None
    numbers = match[1].split(".")
    try:
        return Version.parse(".".join([*numbers, *["0"] * (3 - len(numbers))]))
    except ReleaseError as error:
        raise ReleaseError(
            f"the name {name} ends with V{match[1]}, which is no version; write it like FR_V1.2 or FR_V1.2.0"
        ) from error


def settled(name: str, said: str | None, *, before: Version | None, change: Change) -> Version:
    """Return the version that a release gets: the one that is said, or its name's, or else the next.

    Parameters
    ----------
    name
        Of the release, which may end with a version.
    said
        A version; that of the name, where this has one.
    before
        Version of the release that it builds on, if any.
    change
        How much it differs from that one.

    Raises
    ------
    ReleaseError
        The version is none, not that of the name, or too low for what changed.

    >>> str(settled("FR_V1.2", None, before=Version(1, 1, 0), change=Change.MINOR))
    '1.2.0'
    """
    named = version_of(name)
    wanted = Version.parse(said) if said is not None else named
    if named not in (None, wanted):
        raise ReleaseError(
            f"the name {name} says version {named}, and --version {wanted}; leave --version out, or give it "
            "another name"
        )
    if before is None:
        return wanted or Version(0, 1, 0)
    least = before.after(change)
    if wanted is not None and wanted < least:
        raise ReleaseError(
            f"{name} is version {wanted}, and {_WHY[change]} since {before} makes it {least} at least; give "
            f"{'it another name' if named else 'another --version, or none'}"
        )
    return wanted or least


def change_between(before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    """Return how much two releases differ, by their cards."""
    old, new = ({entry["id"]: entry for entry in card["zones"]} for card in (before, after))
    folds, known = ({domain_of(name): entry["fold"] for name, entry in zones.items()} for zones in (new, old))
    if (
        before["nomenclature"] != after["nomenclature"]
        or before["grid"] != after["grid"]
        or any(known.get(domain, fold) != fold for domain, fold in folds.items())
    ):
        return Change.MAJOR
    if old.keys() != new.keys() or any(old[name]["patches"] != new[name]["patches"] for name in new):
        return Change.MINOR
    return Change.NONE if before["content_sha256"] == after["content_sha256"] else Change.PATCH
