"""Models compared on one frozen test: whether what was labelled since makes the next model better."""

from __future__ import annotations

__all__ = ["Comparison", "Gain"]

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

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
_COUNTED: Final = ("counts", "unanswered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """What one model has of mean IoU more than another, and between which bounds it lies."""

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
            return f"{told}; {self.zones} zones are too few to say how sure that is"
        doubt = "" if self.low > 0 or self.high < 0 else ": may as well be chance"
        return (
            f"{told}, 95 % interval {_signed(self.low)} … {_signed(self.high)} (zones drawn anew {_DRAWS:,} "
            f"times from {self.zones}){doubt}"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """Several models by one rule on the same pixels.

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
        """The figures of each model, by its id."""
        return {one.subject: one.score for one in self.evaluations}

    @cached_property
    def gain(self) -> Gain:
        """What the last model gained on the first.

        Both are judged on the same zones, drawn with replacement (Efron's bootstrap, 1979, percentiles), for
        pixels of a zone are no trials of their own.
        """
        zones = sorted(self.evaluations[0].zones)
        before, after = (self._by_zones(one, zones) for one in (self.evaluations[0], self.evaluations[-1]))

        def gained(drawn: NDArray[np.intp]) -> float:
            return after(drawn) - before(drawn)

        found = gained(np.arange(len(zones)))
        low = high = math.nan
        if len(zones) >= _FEWEST_ZONES:
            interval = stats.bootstrap(
                (np.arange(len(zones)),),
                gained,
                n_resamples=_DRAWS,
                vectorized=False,
                method="percentile",
                rng=np.random.default_rng(0),
            ).confidence_interval
            low, high = float(interval.low), float(interval.high)
        return Gain(mean_iou=found, low=low, high=high, zones=len(zones))

    def _by_zones(self, evaluation: Evaluation, zones: Sequence[str]) -> Callable[[NDArray[np.intp]], float]:
        """Return the mean IoU over some of the zones, by their numbers."""
        found = [evaluation.zones[zone].confusion for zone in zones]
        counts, unanswered = (np.stack([getattr(one, name) for one in found]) for name in _COUNTED)

        def mean_iou(drawn: NDArray[np.intp]) -> float:
            total = (matrix[drawn].sum(axis=0) for matrix in (counts, unanswered))
            made = Confusion(keys=found[0].keys, **dict(zip(_COUNTED, total, strict=True)))
            return self.rule.score(made).mean_iou

        return mean_iou

    def document(self) -> dict[str, Any]:
        """Return the JSON document (``schema/model-comparison.schema.json``)."""
        return _HEADER | {
            "test": self.test,
            "rule": self.rule.name,
            "models": [
                {
                    "model": one.subject,
                    "seen": [seen.domain for seen in one.seen],
                    "unknown_ground": one.unknown,
                    "mean_iou": fraction(score.mean_iou),
                    "accuracy": fraction(score.accuracy),
                    "iou": {key: fraction(score.of(key)) for key in score.scored},
                }
                for one, score in ((one, one.score) for one in self.evaluations)
            ],
            "gain": self.gain.document(),
        }

    def text(self) -> str:
        """Return a table in Markdown: classes down, models across, then what the last gained on the first."""
        scores = list(self.scores.values())
        names = [f"{one.subject}{' *' if one.doubt else ''}" for one in self.evaluations]
        rows = [(key, [score.of(key) for score in scores]) for key in scores[0].scored]
        rows.append(("**mIoU**", [score.mean_iou for score in scores]))
        rows.append(("**OA**", [score.accuracy for score in scores]))
        head = ("IoU, %", *names, "gained")
        table = markdown([head, *((key, *map(percent, row), _signed(row[-1] - row[0])) for key, row in rows)])
        lines = [f"{len(scores)} models on {self.test}, rule {self.rule.name}", "", table, ""]
        lines.append(f"{self.evaluations[-1].subject} {self.gain.text()}")
        lines += [
            f"* no test for {one.subject}, or perhaps none: {one.doubt}"
            for one in self.evaluations
            if one.doubt
        ]
        return "\n".join(lines)

    @staticmethod
    def _test_of(evaluation: Evaluation) -> str:
        return f"{evaluation.reference} {evaluation.split or ''}".strip()


def _signed(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:+.2f}"
