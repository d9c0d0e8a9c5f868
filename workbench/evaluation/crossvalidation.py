"""Cross-validation: one model per fold of domains, each judged where it was never trained, and their table.

IGN's scheme: the domains of fold k are the test of model k, the other zones are cut 80 / 20 into training and
validation; *PROD* is trained on all of them and has no test, so its figures are those of its validation zones
and stand apart.
"""

from __future__ import annotations

__all__ = ["CrossValidation", "Fold"]

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from workbench.errors import EvaluationError
from workbench.evaluation.confusion import Confusion
from workbench.evaluation.evaluation import Evaluation
from workbench.evaluation.rules import Rule, rule_of
from workbench.evaluation.scores import Score, fraction, percent
from workbench.nomenclature import Nomenclature

_HEADER: Final = {"format": "ocs-workbench/cross-validation", "format_version": 1}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fold:
    """What one model is worth where it was judged."""

    name: str
    """``fold_1`` … ``fold_5``, or ``prod``."""
    model: str
    """The model's id."""
    split: str
    """Which patches it was judged by, such as ``split_1:test``."""
    domains: tuple[str, ...]
    """The domains of these."""
    patches: int
    confusion: Confusion
    """Over all classes of the nomenclature."""
    ece: float = math.nan
    """Expected calibration error; NaN where it is not known."""
    doubt: str | None = None
    """Why this is no test of the model, or perhaps none; such a fold counts in no mean."""

    @classmethod
    def of(cls, name: str, evaluation: Evaluation) -> Self:
        """Return the fold that an evaluation is of."""
        sure = evaluation.calibration(evaluation.total)
        return cls(
            name=name,
            model=evaluation.subject,
            split=evaluation.split or "",
            domains=tuple(evaluation.domains),
            patches=evaluation.patches,
            confusion=evaluation.total.confusion,
            ece=math.nan if sure is None else sure.expected_error(),
            doubt=evaluation.doubt,
        )

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "name": self.name,
            "model": self.model,
            "split": self.split,
            "domains": list(self.domains),
            "patches": self.patches,
            "ece": fraction(self.ece),
            "doubt": self.doubt,
            "confusion": self.confusion.document(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the fold that a JSON document describes."""
        ece = document["ece"]
        return cls(
            name=document["name"],
            model=document["model"],
            split=document["split"],
            domains=tuple(document["domains"]),
            patches=document["patches"],
            ece=math.nan if ece is None else ece,
            doubt=document["doubt"],
            confusion=Confusion.from_document(document["confusion"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossValidation:
    """The folds of a release, and the model of them all.

    Raises
    ------
    EvaluationError
        There is no fold, or two folds share a domain.
    """

    release: str
    nomenclature: Nomenclature
    rule: Rule
    folds: tuple[Fold, ...]
    prod: Fold | None = None

    def __post_init__(self) -> None:
        if not self.folds:
            raise EvaluationError(f"{self.release}: a cross-validation has one fold at least")
        owner: dict[str, str] = {}
        for fold in self.folds:
            for domain in fold.domains:
                if (first := owner.setdefault(domain, fold.name)) != fold.name:
                    raise EvaluationError(
                        f"{self.release}: domain {domain} is in {first} and in {fold.name}; folds share none"
                    )

    @property
    def scores(self) -> tuple[Score, ...]:
        """The figures of each fold."""
        return tuple(self.rule.score(fold.confusion) for fold in self.folds)

    @property
    def pooled(self) -> Score:
        """The figures of the pixels of all folds that are tests, each judged once."""
        none = Confusion.empty(self.folds[0].confusion.keys)
        return self.rule.score(none.plus(*(fold.confusion for fold in self.folds if fold.doubt is None)))

    def spread(self, figures: Iterable[float]) -> tuple[float, float]:
        """Return mean and standard deviation of a sample (n − 1) of the tests that have a figure.

        Parameters
        ----------
        figures
            One of each fold, NaN where it has none.
        """
        told = zip(figures, self.folds, strict=True)
        known = np.array([value for value, fold in told if not math.isnan(value) and fold.doubt is None])
        return (
            float(known.mean()) if known.size else math.nan,
            float(known.std(ddof=1)) if known.size > 1 else math.nan,
        )

    def document(self) -> dict[str, Any]:
        """Return the JSON document (``schema/cross-validation.schema.json``)."""
        scores, pooled = self.scores, self.pooled
        rows = {key: [score.of(key) for score in scores] for key in pooled.confusion.keys}
        return _HEADER | {
            "release": self.release,
            "nomenclature": self.nomenclature.name,
            "rule": self.rule.name,
            "dropped": list(pooled.dropped),
            "folds": [fold.document() for fold in self.folds],
            "prod": None if self.prod is None else self.prod.document(),
            "mean_iou": self._summary([score.mean_iou for score in scores])
            | {"pooled": fraction(pooled.mean_iou)},
            "accuracy": self._summary([score.accuracy for score in scores])
            | {"pooled": fraction(pooled.accuracy)},
            "iou": {
                key: self._summary(figures) | {"pooled": fraction(pooled.of(key))}
                for key, figures in rows.items()
            },
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any], nomenclature: Nomenclature) -> Self:
        """Return the cross-validation that a JSON document describes; figures are computed again."""
        prod = document["prod"]
        dropped = document["dropped"] if document["rule"] == "flair" else ()
        return cls(
            release=document["release"],
            nomenclature=nomenclature,
            rule=rule_of(document["rule"], nomenclature, dropped=dropped),
            folds=tuple(Fold.from_document(one) for one in document["folds"]),
            prod=None if prod is None else Fold.from_document(prod),
        )

    def text(self) -> str:
        """Return a table in Markdown as IGN's: classes down, folds across, IoU in percent."""
        scores, pooled = self.scores, self.pooled
        apart = None if self.prod is None else self.rule.score(self.prod.confusion)
        names = [_marked(fold.name, fold) for fold in self.folds]
        names += ["mean ± sd", "pooled", _marked("PROD", self.prod)]
        rows = [
            (title, *map(percent, figures), self._told(figures), percent(whole), percent(alone))
            for title, figures, whole, alone in (
                *(
                    (
                        self._title(key),
                        [score.of(key) for score in scores],
                        pooled.of(key),
                        math.nan if apart is None else apart.of(key),
                    )
                    for key in pooled.scored
                ),
                (
                    "**mIoU**",
                    [score.mean_iou for score in scores],
                    pooled.mean_iou,
                    math.nan if apart is None else apart.mean_iou,
                ),
                (
                    "**OA**",
                    [score.accuracy for score in scores],
                    pooled.accuracy,
                    math.nan if apart is None else apart.accuracy,
                ),
            )
        ]
        last = 1 if apart is None else 0
        head = ["IoU, %", *names]
        table = markdown([head[: len(head) - last], *(row[: len(row) - last] for row in rows)])
        tested = [f"- {fold.name}: {fold.model}, {', '.join(fold.domains)}" for fold in self._all]
        about = f"Rule {self.rule.name}; sd of a sample (n − 1); pooled: all folds' pixels, each judged once."
        if apart is not None:
            about += " PROD is judged by validation zones of domains that it was trained on."
        doubts = [f"\\* no test of {fold.name}, in no mean: {fold.doubt}" for fold in self._all if fold.doubt]
        return "\n".join([f"Cross-validation on {self.release}", "", table, "", about, *doubts, *tested])

    @property
    def _all(self) -> tuple[Fold, ...]:
        return self.folds if self.prod is None else (*self.folds, self.prod)

    def _summary(self, figures: Sequence[float]) -> dict[str, Any]:
        mean, deviation = self.spread(figures)
        return {
            "folds": [fraction(value) for value in figures],
            "mean": fraction(mean),
            "sd": fraction(deviation),
        }

    def _told(self, figures: Iterable[float]) -> str:
        mean, deviation = self.spread(figures)
        return percent(mean) if math.isnan(deviation) else f"{percent(mean)} ± {percent(deviation)}"

    def _title(self, key: str) -> str:
        keys = self.nomenclature.keys
        return self.nomenclature.by_key(key).titles["en"] if key in keys else key


def _marked(title: str, fold: Fold | None) -> str:
    return f"{title} *" if fold is not None and fold.doubt else title


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown; the first row is the heading, numbers stand to the right."""
    widths = [max(3, *(len(row[column]) for row in rows)) for column in range(len(rows[0]))]
    lines = [
        "| "
        + " | ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in rows
    ]
    rule = "|" + "|".join("-" * (w + 1) + ("-" if n == 0 else ":") for n, w in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
