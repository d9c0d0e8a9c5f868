"""Models compared on one frozen test: whether what was labelled since makes the next model better."""

from __future__ import annotations

__all__ = ["Comparison", "Gain"]

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.errors import EvaluationError
from workbench.evaluation.confusion import Confusion
from workbench.evaluation.crossvalidation import markdown
from workbench.evaluation.evaluation import Evaluation
from workbench.evaluation.rules import Rule
from workbench.evaluation.scores import Score, fraction, percent

_HEADER: Final = {"format": "ocs-workbench/model-comparison", "format_version": 1}
_FEWEST_ZONES = 5
"""With fewer, zones drawn again and again tell little of other zones."""
_DRAWS = 1000
_BOUNDS: Final = (2.5, 97.5)
"""Percentiles of what is gained in these draws."""
_COUNTED: Final = ("counts", "unanswered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What one model has of mean IoU more than another over the same classes, and between which bounds."""

    mean_iou: float
    low: float
    high: float
    """Bounds of the 95 % interval; NaN where there are too few zones."""
    zones: int

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "mean_iou": fraction(self.mean_iou),
            "low": fraction(self.low),
            "high": fraction(self.high),
            "zones": self.zones,
        }

    def text(self) -> str:
        """Return a sentence for a person."""
        told = f"gained {_signed(self.mean_iou)} points of mIoU"
        if math.isnan(self.low):
            few = counted(self.zones, "zone is", "zones are")
            return f"{told}; {few} too few to say how sure that is"
        doubt = "" if self.low > 0 or self.high < 0 else ": may as well be chance"
        return (
            f"{told}, 95 % interval {_signed(self.low)} … {_signed(self.high)} (zones drawn anew {_DRAWS:,} "
            f"times from {self.zones}){doubt}"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Several models by one rule on the same pixels, their means over the same classes.

    These are the classes that the test has, which is frozen: so a model's mean does not hang on whom it is
    compared with. By a rule that counts absent classes as 0 they are all that it scores.

    Raises
    ------
    EvaluationError
        They are fewer than two, two of one name, or were not judged by the same rule on the same pixels.
    """

    evaluations: tuple[Evaluation, ...]
    """In the order in which the models were made."""

    def __post_init__(self) -> None:
        if len(self.evaluations) < 2:
            raise EvaluationError("a comparison takes two models at least")
        first, *others = self.evaluations
        for one in others:
            if (self._test_of(one), one.rule) != (self.test, first.rule):
                raise EvaluationError(
                    f"{one.subject} was held against {self._test_of(one)}, {first.subject} against "
                    f"{self.test}, by rules that may differ: models are compared on one frozen test, by one "
                    "rule that drops the same classes"
                )
            known = first.total.confusion, one.total.confusion
            if first.zones.keys() != one.zones.keys() or (known[0].support != known[1].support).any():
                raise EvaluationError(
                    f"{one.subject} and {first.subject} were not judged by the same pixels; evaluate both on "
                    "one test"
                )
        names = [one.subject for one in self.evaluations]
        if len(set(names)) != len(names):
            raise EvaluationError("two of the models have the same id; give each its own")

    @property
    def test(self) -> str:
        """What all were held against."""
        return self._test_of(self.evaluations[0])

    @property
    def rule(self) -> Rule:
        """By which all are judged."""
        return self.evaluations[0].rule

    @property
    def scores(self) -> dict[str, Score]:
        """The figures of each model, by its id, with means over one set of classes."""
        return {one.subject: one.score.over_true_classes() for one in self.evaluations}

    @property
    def classes(self) -> tuple[str, ...]:
        """Keys of the classes that all means are of."""
        return self.evaluations[0].score.over_true_classes().averaged

    @cached_property
    def gain(self) -> Gain:
        """What the last model gained on the first.

        Both are judged on the same zones, drawn with replacement (Efron's bootstrap, 1979, percentiles), for
        pixels of a zone are no trials of their own. Of zones that lack a class, no mean has it.
        """
        zones = sorted(self.evaluations[0].zones)
        before, after = (self._by_zones(one, zones) for one in (self.evaluations[0], self.evaluations[-1]))

        def gained(drawn: NDArray[np.intp]) -> float:
            return after(drawn) - before(drawn)

        found = gained(np.arange(len(zones)))
        low = high = math.nan
        if len(zones) >= _FEWEST_ZONES and not math.isnan(found):
            drawn = np.random.default_rng(0).integers(len(zones), size=(_DRAWS, len(zones)))
            # Zones that have no scored class, drawn alone, have no mean.
            low, high = np.nanpercentile([gained(each) for each in drawn], _BOUNDS).tolist()
        return Gain(mean_iou=found, low=low, high=high, zones=len(zones))

    def _by_zones(self, evaluation: Evaluation, zones: Sequence[str]) -> Callable[[NDArray[np.intp]], float]:
        """Return the mean IoU over some of the zones, by their numbers."""
        found = [evaluation.zones[zone].confusion for zone in zones]
        counts, unanswered = (np.stack([getattr(one, name) for one in found]) for name in _COUNTED)

        def mean_iou(drawn: NDArray[np.intp]) -> float:
            total = (matrix[drawn].sum(axis=0) for matrix in (counts, unanswered))
            made = Confusion(keys=found[0].keys, **dict(zip(_COUNTED, total, strict=True)))
            return self.rule.score(made).over_true_classes().mean_iou

        return mean_iou

    def document(self) -> dict[str, Any]:
        """Return the JSON document (``schema/model-comparison.schema.json``)."""
        return _HEADER | {
            "test": self.test,
            "rule": self.rule.name,
            "classes": list(self.classes),
            "models": [
                {
                    "model": one.subject,
                    "seen": [seen.domain for seen in one.seen],
                    "unknown_ground": one.unknown,
                    "mean_iou": fraction(self.scores[one.subject].mean_iou),
                    "accuracy": fraction(one.score.accuracy),
                    "iou": {key: fraction(one.score.of(key)) for key in one.score.scored},
                }
                for one in self.evaluations
            ],
            "gain": self.gain.document(),
        }

    def text(self) -> str:
        """Return a table in Markdown: classes down, models across, then what the last gained on the first."""
        scores = list(self.scores.values())
        names = [f"{one.subject}{' *' if one.doubt else ''}" for one in self.evaluations]
        rows = [(self._title(key), [score.of(key) for score in scores]) for key in self._scored]
        rows.append(("**mIoU**", [score.mean_iou for score in scores]))
        rows.append(("**OA**", [score.accuracy for score in scores]))
        head = ("IoU, %", *names, "gained")
        table = markdown([head, *((key, *map(percent, row), _signed(row[-1] - row[0])) for key, row in rows)])
        lines = [f"{len(scores)} models on {self.test}, rule {self.rule.name}", "", table, ""]
        lines.append(f"{self.evaluations[-1].subject} {self.gain.text()}")
        lines += self._means()
        lines += [
            f"* no test for {one.subject}, or perhaps none: {one.doubt}"
            for one in self.evaluations
            if one.doubt
        ]
        return "\n".join(lines)

    def _means(self) -> Iterator[str]:
        """Yield of which classes the means are, and where the mean of a model alone is another one."""
        mean = f"mIoU is the mean of {counted(len(self.classes), 'class', 'classes')}"
        if self.evaluations[0].score.absent == "zero":
            yield f"{mean}; one that is in neither map counts as 0"
            return
        others = "; others are in brackets" if len(self.classes) < len(self._scored) else ""
        yield f"{mean}, those of which the test has pixels{others}"
        for one in self.evaluations:
            if strange := one.score.only_predicted:
                yield (
                    f"alone, {one.subject} has an mIoU of {percent(one.score.mean_iou)} %: it gives "
                    f"{', '.join(strange)}, of which the test has no pixel, and that is 0 in its mean"
                )

    @property
    def _scored(self) -> tuple[str, ...]:
        """Keys of the classes that the rule scores, whether the test has them or not."""
        return self.evaluations[0].score.scored

    def _title(self, key: str) -> str:
        return key if key in self.classes else f"({key})"

    @staticmethod
    def _test_of(evaluation: Evaluation) -> str:
        return f"{evaluation.reference} {evaluation.split or ''}".strip()


def _signed(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:+.2f}"
