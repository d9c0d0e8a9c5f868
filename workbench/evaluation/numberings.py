"""Numberings: which class a number stands for, in predictions of which nobody can see it."""

from __future__ import annotations

__all__ = ["Numbering", "chosen", "numberings"]

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Final

from workbench.errors import EvaluationError
from workbench.export.layouts import LAYOUTS
from workbench.geo.codes import ARGMAX, CODES
from workbench.nomenclature import Nomenclature, load_crosswalk
from workbench.nomenclature.lookup import ranges

CHALLENGE: Final = "challenge"
"""Numbering of the FLAIR challenges: 0–11 the scored classes, 12 all others."""
_FLAIR: Final = "flair"
_GROUPS: Final = "flair-19-to-12-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbering:
    """What the numbers of a prediction stand for."""

    name: str
    codes: Mapping[int, int]
    """Code of the class of each number."""

    def __str__(self) -> str:
        return f"{self.name} ({ranges(self.codes)})"


def numberings(nomenclature: Nomenclature, *, rule: str) -> dict[str, Numbering]:
    """Return the numberings that predictions of a nomenclature may have, by name.

    Those are the numberings of labels in releases, codes, and what networks make of them.

    Parameters
    ----------
    nomenclature
        Of the classes.
    rule
        By which they are scored: only *challenge* has no use for more than its 12 classes and other.

    >>> from workbench.nomenclature import load_nomenclature
    >>> known = numberings(load_nomenclature("flair-19"), rule="challenge")
    >>> [str(one) for one in known.values()][:3]
    ['codes (1–19)', 'flair (1–19)', 'flair_hub (0–18)']
    >>> [str(one) for one in known.values()][-2:]
    ['flair-argmax (0–18)', 'challenge (0–12)']
    """
    found = {CODES: {code: code for code in nomenclature.codes}}
    for scheme in sorted({one.scheme for one in LAYOUTS.values()} & nomenclature.schemes.keys()):
        found[scheme] = {entry.values[scheme]: entry.code for entry in nomenclature.classes}
    if _FLAIR in found:
        found[ARGMAX] = {value - 1: code for value, code in found[_FLAIR].items()}
    if rule == CHALLENGE:
        groups = load_crosswalk(_GROUPS, source=nomenclature).targets
        found[CHALLENGE] = {one.value - 1: nomenclature.by_key(one.key).code for one in groups}
    return {name: Numbering(name=name, codes=codes) for name, codes in found.items()}


def chosen(known: Mapping[str, Numbering], name: str | None, values: Set[int]) -> Numbering:
    """Return the numbering of a name, or the only one that some values can have.

    Numberings that give each of the values the same class are one.

    Parameters
    ----------
    known
        Those that there are.
    name
        As somebody said; None where nobody did.
    values
        Numbers that are there.

    Raises
    ------
    EvaluationError
        There is none of that name, or nobody can tell which one it is.
    """
    if name is not None:
        if name not in known:
            raise EvaluationError(
                f"there is no numbering {name!r} here; say --scheme {', '.join(map(str, known.values()))}"
            )
        return known[name]
    fitting = [one for one in known.values() if values <= one.codes.keys()]
    meanings = {tuple(one.codes[value] for value in sorted(values)) for one in fitting}
    if len(meanings) == 1:
        return fitting[0]
    listed = _listed(fitting or known.values())
    if not fitting:
        raise EvaluationError(
            f"values {ranges(values)} are of no numbering; predictions have one of {listed}"
        )
    raise EvaluationError(
        f"values {ranges(values)} can stand for other classes by {listed}; say which is meant: --scheme"
    )


def _listed(some: Iterable[Numbering]) -> str:
    return ", ".join(map(str, some))
