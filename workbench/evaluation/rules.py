"""The two rules by which IGN averages IoU; for the same maps they give different figures.

*challenge* (FLAIR #1 and #2): 12 classes and *other*. Other is left out of the mean alone, so a pixel taken
for it is an error of its true class; a class that is in neither map counts in no mean.

*flair* (FLAIR-1, FLAIR-INC, FLAIR-HUB): the rows and columns of classes of weight 0 are deleted before
anything is computed, so a pixel taken for one of them is no error but gone; a class that is in neither map
counts as 0. That is why IGN's cards drop *snow* by hand, which no test set has.
"""

from __future__ import annotations

__all__ = ["RULES", "ChallengeRule", "FlairRule", "Rule", "rule_of"]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, Literal, Protocol, Self, get_args

from workbench.errors import EvaluationError
from workbench.evaluation.confusion import Confusion
from workbench.evaluation.scores import Absent, Score
from workbench.nomenclature import Crosswalk, Nomenclature, load_crosswalk

RuleName = Literal["challenge", "flair"]
RULES: Final[tuple[str, ...]] = get_args(RuleName)


class Rule(Protocol):
    """Makes figures of a confusion matrix; equal to another that makes the same ones."""

    @property
    def name(self) -> str:
        """What the rule is called on the command line."""

    def score(self, confusion: Confusion) -> Score:
        """Return the figures of a matrix over the classes of a nomenclature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeRule:
    """The mean of the FLAIR challenges, for any crosswalk that says which of its classes are scored."""

    name: ClassVar[str] = "challenge"
    absent: ClassVar[Absent] = "left_out"
    groups: Mapping[str, str]
    """Key of the target that each class becomes."""
    keys: tuple[str, ...]
    """The targets, in order."""
    scored: tuple[str, ...]

    @classmethod
    def of(cls, crosswalk: Crosswalk) -> Self:
        """Return the rule of a crosswalk, such as ``flair-19-to-12-1``."""
        return cls(
            groups=crosswalk.table,
            keys=tuple(target.key for target in crosswalk.targets),
            scored=tuple(target.key for target in crosswalk.targets if target.scored),
        )

    def score(self, confusion: Confusion) -> Score:
        """Return the figures of a matrix over the classes of a nomenclature."""
        return Score(
            rule=self.name,
            confusion=confusion.grouped(self.groups, self.keys),
            scored=self.scored,
            dropped=(),
            absent=self.absent,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FlairRule:
    """The mean of IGN's training code, which forgets classes of weight 0."""

    name: ClassVar[str] = "flair"
    absent: ClassVar[Absent] = "zero"
    dropped: tuple[str, ...]
    """Keys of the classes of weight 0."""

    def score(self, confusion: Confusion) -> Score:
        """Return the figures of a matrix over the classes of a nomenclature."""
        left = confusion.without(self.dropped)
        return Score(
            rule=self.name, confusion=left, scored=left.keys, dropped=self.dropped, absent=self.absent
        )


def rule_of(name: str, nomenclature: Nomenclature, *, dropped: Iterable[str] = ()) -> Rule:
    """Return a rule by its name, for the classes of a nomenclature.

    Parameters
    ----------
    name
        ``challenge`` or ``flair``.
    nomenclature
        Of ``flair-19``, IGN's 15 scored classes are known; of any other one, all count.
    dropped
        Keys of further classes of weight 0: those that a model was not trained on, or *snow*.

    Raises
    ------
    EvaluationError
        The challenge's 12 classes are those of another nomenclature, a class to drop is not there, or none
        is left.
    """
    flair = nomenclature.name == "flair-19"
    if name == "challenge":
        if not flair:
            raise EvaluationError(
                f"the challenge's 12 classes are of flair-19, not of {nomenclature.name}; use --rule flair"
            )
        if gone := tuple(dropped):
            raise EvaluationError(
                f"the challenge's rule drops no class, so not {', '.join(gone)}; use --rule flair"
            )
        return ChallengeRule.of(load_crosswalk("flair-19-to-12-1", source=nomenclature))
    if name != "flair":
        raise EvaluationError(f"there is no rule {name!r}; choose one of {', '.join(RULES)}")
    gone = tuple(dropped)
    if strange := [key for key in gone if key not in nomenclature.keys]:
        raise EvaluationError(
            f"{nomenclature.name} has no class {', '.join(strange)} to drop; it has "
            f"{', '.join(nomenclature.keys)}"
        )
    unscored = _unscored(nomenclature) if flair else ()
    dropped = tuple(key for key in nomenclature.keys if key in {*unscored, *gone})
    if len(dropped) == len(nomenclature.keys):
        named = ", ".join(dict.fromkeys(gone))
        raise EvaluationError(f"{nomenclature.name} without {named} has no class to average; drop fewer")
    return FlairRule(dropped=dropped)


def _unscored(nomenclature: Nomenclature) -> tuple[str, ...]:
    """Return the classes that IGN's 15-class models have weight 0 for."""
    table = load_crosswalk("flair-19-to-15", source=nomenclature)
    scored = {target.key for target in table.targets if target.scored}
    return tuple(key for key in nomenclature.keys if table.table[key] not in scored)
