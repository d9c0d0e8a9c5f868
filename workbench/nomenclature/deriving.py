"""Derivations: labels of one nomenclature as classes of another one that nobody labelled in.

A crosswalk names its targets; here they become a nomenclature of their own, with numbers for the published
trees, so that whatever reads labels reads derived ones as well. Where the answer hangs on the usage of the
ground, too, it is given for each usage.
"""

from __future__ import annotations

__all__ = ["ARTIFICIALISED", "TARGETS", "UNDECIDED", "Derivation", "derivation_to"]

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.documents import shipped
from workbench.errors import NomenclatureError
from workbench.nomenclature.artificialisation import (
    ArtificialisationRule,
    Artificialised,
    load_artificialisation,
)
from workbench.nomenclature.classes import LandCoverClass, Nomenclature, load_nomenclature
from workbench.nomenclature.crosswalk import Crosswalk, load_crosswalk
from workbench.nomenclature.entries import freeze, listed
from workbench.nomenclature.lookup import NEVER
from workbench.nomenclature.targets import UNDECIDED, class_key, nomenclature_of

ARTIFICIALISED: Final = "artificialised"
TARGETS: Final[Mapping[str, str]] = {
    "15": "flair-19-to-15",
    "12-1": "flair-19-to-12-1",
    "16": "flair-19-to-16",
    "cosia": "flair-19-to-cosia",
    "cosia-15": "flair-19-to-cosia-15",
    "ocsge-cover": "flair-19-to-ocsge-cover",
    ARTIFICIALISED: "flair-19-to-ocsge-cover",
}
"""By what labels can be derived to, the crosswalk that says how."""
_ANSWERS: Final = {
    Artificialised.ALWAYS: "artificialised",
    Artificialised.NEVER: "not_artificialised",
    Artificialised.DEPENDS: "depends_on_usage",
    Artificialised.UNDECIDED: UNDECIDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Derivation:
    """What each class of a nomenclature becomes in another one, for each usage of the ground if that counts.

    >>> made = derivation_to("artificialised", load_nomenclature("flair-19"))
    >>> made.goals["pervious_surface"], made.by_usage["US1.3"]["pervious_surface"]
    ('depends_on_usage', 'not_artificialised')
    >>> made.apply(np.array([[1, 2, 5, 19]], np.uint8))
    array([[1, 3, 2, 4]], dtype=uint8)
    """

    crosswalk: Crosswalk
    """With the decisions."""
    decisions: Mapping[str, str]
    """By key of an undecided class, what it was decided to become, or `UNDECIDED`."""
    target: Nomenclature
    goals: Mapping[str, str]
    """By key of each class of the source, the key of the class that it becomes."""
    rule: ArtificialisationRule | None = None
    """What the classes of the crosswalk were judged by."""
    by_usage: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By usage code and key of a class whose answer hangs on the usage, the class that it becomes."""

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def source(self) -> Nomenclature:
        """The nomenclature that the labels are in."""
        return self.crosswalk.source

    @property
    def usages(self) -> tuple[str, ...]:
        """Usage codes; the place of one, from 1, stands for it in `apply`."""
        return tuple(self.by_usage)

    @property
    def hanging(self) -> tuple[int, ...]:
        """Codes of the classes whose answer hangs on the usage."""
        keys = {key for answers in self.by_usage.values() for key in answers}
        return tuple(entry.code for entry in self.source.classes if entry.key in keys)

    @property
    def undecided(self) -> tuple[str, ...]:
        """Keys of the classes that nobody decided."""
        return tuple(key for key, goal in self.goals.items() if goal == UNDECIDED)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Keys of the classes that were to be decided, and were not, even as `UNDECIDED`."""
        return () if self.rule else tuple(key for key in self.undecided if key not in self.decisions)

    def origins(self, goal: str) -> tuple[LandCoverClass, ...]:
        """Return the classes of the source that become a class wherever no usage says otherwise."""
        return tuple(entry for entry in self.source.classes if self.goals[entry.key] == goal)

    def apply(self, codes: NDArray[np.uint8], usage: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Return codes of the target.

        Parameters
        ----------
        codes
            Codes of classes of the source, (row, col); none is 0, for a release writes what nobody labelled
            as *other*.
        usage
            Of the same shape: places of `usages` from 1; 0 = not known.

        Raises
        ------
        NomenclatureError
            Some pixel has a code of no class.
        """
        derived: NDArray[np.uint8] = self._table()[0 if usage is None else usage, codes]
        if (derived == NEVER).any():
            first = int(codes[derived == NEVER][0])
            raise NomenclatureError(
                f"{self.source.name} has no class of code {first}; look the release over: workbench release "
                "verify"
            )
        return derived

    def _table(self) -> NDArray[np.uint8]:
        """Return the code that each code becomes, shape (usage + 1, 256); the first row is for no usage."""
        table = np.full((len(self.by_usage) + 1, NEVER + 1), NEVER, np.uint8)
        codes = {entry.key: entry.code for entry in self.source.classes}
        goals = {entry.key: entry.code for entry in self.target.classes}
        for key, goal in self.goals.items():
            table[:, codes[key]] = goals[goal]
        for place, answers in enumerate(self.by_usage.values(), start=1):
            for key, goal in answers.items():
                table[place, codes[key]] = goals[goal]
        return table


def derivation_to(
    name: str, source: Nomenclature, *, decisions: Mapping[str, str] | None = None
) -> Derivation:
    """Return how labels become one of `TARGETS`.

    Parameters
    ----------
    name
        Of the target.
    source
        The nomenclature of the labels.
    decisions
        By key of a class that the crosswalk leaves undecided, the key of a target, or `UNDECIDED`.

    Raises
    ------
    NomenclatureError
        There is no such target, or a decision is none.
    DocumentError
        The crosswalk does not start from this nomenclature.
    """
    if name not in TARGETS:
        raise NomenclatureError(f"there is no derivation to {name!r}; choose one of {listed(TARGETS)}")
    loaded, chosen = load_crosswalk(TARGETS[name], source=source), dict(decisions or {})
    target = nomenclature_of(loaded)
    for key, goal in chosen.items():
        if loaded.is_group(goal):
            below = {entry.key for entry in target.below(class_key(goal))}
            inside = (one.key for one in loaded.targets if class_key(one.key) in below)
            raise NomenclatureError(
                f"{loaded.name}: {goal} is a group, and a pixel has a class; decide {key} to be one of "
                f"{listed(inside)}, or {UNDECIDED}"
            )
        if goal == UNDECIDED and key not in loaded.undecided:
            raise NomenclatureError(
                f"{loaded.name}: {key!r} is not undecided; undecided: {listed(loaded.undecided)}"
            )
    crosswalk = loaded.decide({key: goal for key, goal in chosen.items() if goal != UNDECIDED})
    if name == ARTIFICIALISED:
        return _artificialised(crosswalk, chosen, load_artificialisation())
    goals = {
        key: class_key(crosswalk.table[key]) if key in crosswalk.table else UNDECIDED for key in source.keys
    }
    return Derivation(crosswalk=crosswalk, decisions=chosen, target=target, goals=goals)


def _artificialised(
    crosswalk: Crosswalk, decisions: Mapping[str, str], rule: ArtificialisationRule
) -> Derivation:
    answers = rule.of_classes(crosswalk)
    depending = [key for key, answer in answers.items() if answer is Artificialised.DEPENDS]

    def told(key: str, usage: str) -> str:
        sealed = rule.is_artificialised(crosswalk.table[key], usage=usage)
        return _ANSWERS[Artificialised.ALWAYS if sealed else Artificialised.NEVER]

    return Derivation(
        crosswalk=crosswalk,
        decisions=decisions,
        target=load_nomenclature(shipped("schema") / "derived" / "artificialisation.json"),
        goals={key: _ANSWERS[answer] for key, answer in answers.items()},
        rule=rule,
        by_usage={usage: {key: told(key, usage) for key in depending} for usage in rule.usages},
    )
