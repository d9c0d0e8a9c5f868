"""Models compared on one frozen test: whether what was labelled since makes the next model better."""

from __future__ import annotations

__all__ = ["Comparison"]

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from workbench.errors import EvaluationError
from workbench.evaluation.confusion import Confusion
from workbench.evaluation.crossvalidation import markdown
from workbench.evaluation.evaluation import Evaluation
from workbench.evaluation.rules import Rule
from workbench.evaluation.scores import Score, fraction, percent

_HEADER: Final = {"format": "ocs-workbench/model-comparison", "format_version": 1}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """The figures of several models, in order, by one rule on the same pixels.

    Raises
    ------
    EvaluationError
        They are fewer than two, two of one name, or were not judged by the same pixels.
    """

    test: str
    """What all were held against."""
    rule: Rule
    confusions: Mapping[str, Confusion]
    """Over all classes, by the model's id, in the order in which the models were made."""

    def __post_init__(self) -> None:
        if len(self.confusions) < 2:
            raise EvaluationError("a comparison takes two models at least")
        (first, known), *others = self.confusions.items()
        for name, one in others:
            if one.keys != known.keys or (one.support != known.support).any():
                raise EvaluationError(
                    f"{name} and {first} were not judged by the same pixels; evaluate both on one test"
                )

    @property
    def scores(self) -> dict[str, Score]:
        """The figures of each model, by its id."""
        return {name: self.rule.score(one) for name, one in self.confusions.items()}

    @classmethod
    def of(cls, *evaluations: Evaluation) -> Self:
        """Return the comparison of evaluations against the same test.

        Raises
        ------
        EvaluationError
            Their test or rule is not the same.
        """
        tests = {f"{one.reference} {one.split or ''}".strip() for one in evaluations}
        rules = [one.rule for one in evaluations]
        if len(tests) != 1 or any(rule != rules[0] for rule in rules):
            raise EvaluationError(
                f"held against {', '.join(sorted(tests)) or 'nothing'} by rules that may differ: models are "
                "compared on one frozen test, by one rule that drops the same classes"
            )
        confusions = {one.subject: one.total.confusion for one in evaluations}
        if len(confusions) != len(evaluations):
            raise EvaluationError("two of the models have the same id; give each its own")
        return cls(test=tests.pop(), rule=rules[0], confusions=confusions)

    def document(self) -> dict[str, Any]:
        """Return the JSON document (``schema/model-comparison.schema.json``)."""
        return _HEADER | {
            "test": self.test,
            "rule": self.rule.name,
            "models": [
                {
                    "model": name,
                    "mean_iou": fraction(score.mean_iou),
                    "accuracy": fraction(score.accuracy),
                    "iou": {key: fraction(score.of(key)) for key in score.scored},
                }
                for name, score in self.scores.items()
            ],
        }

    def text(self) -> str:
        """Return a table in Markdown: classes down, models across, then what the last gained on the first."""
        names, scores = list(self.scores), list(self.scores.values())
        rows = [(key, [score.of(key) for score in scores]) for key in scores[0].scored]
        rows.append(("**mIoU**", [score.mean_iou for score in scores]))
        rows.append(("**OA**", [score.accuracy for score in scores]))
        head = ("IoU, %", *names, "gained")
        table = markdown([head, *((key, *map(percent, row), _gain(row[0], row[-1])) for key, row in rows)])
        return "\n".join([f"{len(scores)} models on {self.test}, rule {self.rule.name}", "", table])


def _gain(before: float, after: float) -> str:
    return "–" if math.isnan(after - before) else f"{100 * (after - before):+.2f}"
