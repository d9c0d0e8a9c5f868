"""Scores: what a rule makes of a confusion matrix, as values, JSON, IGN's metrics.json and lines to read."""

from __future__ import annotations

__all__ = ["Absent", "Score", "aligned", "fraction", "percent"]

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.errors import EvaluationError
from workbench.evaluation.confusion import Confusion

Absent = Literal["left_out", "zero"]
"""What a class that is in neither map is in a mean: nothing, or 0."""

_FIGURES: Final = ("iou", "precision", "recall", "f1")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Score:
    """The figures of a confusion matrix by one rule."""

    rule: str
    confusion: Confusion
    """As the rule reads it: classes grouped, or without those of weight 0."""
    scored: tuple[str, ...]
    """Keys of the classes that count in means, where they are in a map; none = there is no mean."""
    dropped: tuple[str, ...]
    """Keys of the classes that the rule took out of the matrix."""
    absent: Absent

    def __post_init__(self) -> None:
        if strange := [key for key in self.scored if key not in self.confusion.keys]:
            raise EvaluationError(
                f"scored is {', '.join(strange)}, the matrix has {', '.join(self.confusion.keys)}"
            )

    @property
    def nowhere(self) -> tuple[str, ...]:
        """Keys of the classes of the matrix, scored or not, that are in neither map."""
        return self._keys_where(self._true + self._predicted == 0)

    @property
    def only_predicted(self) -> tuple[str, ...]:
        """Keys of the scored classes that are in the prediction and not in the truth: their IoU is 0."""
        strange = self._keys_where((self._true == 0) & (self._predicted > 0))
        return tuple(key for key in self.scored if key in strange)

    @property
    def averaged(self) -> tuple[str, ...]:
        """Keys of the classes that the mean IoU is the mean of."""
        if self.absent == "zero":
            return self.scored
        return tuple(key for key in self.scored if key not in self.nowhere)

    def over_true_classes(self) -> Self:
        """Return the figures with means over classes of which the truth has pixels, whatever was predicted.

        These are the same for all predictions of one truth, so their means can be compared: else a class that
        the truth has not is a 0 in the mean of who predicts a pixel of it, and in no mean of who does not.
        Where a class in neither map counts as 0, all have it in their mean, and nothing changes.
        """
        if self.absent == "zero":
            return self
        true = self._keys_where(self._true > 0)
        return replace(self, scored=tuple(key for key in self.scored if key in true))

    @property
    def mean_iou(self) -> float:
        """Mean IoU of the scored classes (mIoU)."""
        return self.mean(self.confusion.iou)

    @property
    def accuracy(self) -> float:
        """Share of the pixels that are right (OA), of all classes that are left in the matrix."""
        return self.confusion.accuracy

    def mean(self, figures: NDArray[np.float64]) -> float:
        """Return the mean over the scored classes of a figure of each class, by the rule.

        Parameters
        ----------
        figures
            Shape (class,), NaN where a class has none.
        """
        keys = self.confusion.keys
        chosen = np.array([figures[keys.index(key)] for key in self.scored])
        known = np.nan_to_num(chosen) if self.absent == "zero" else chosen[~np.isnan(chosen)]
        return float(known.mean()) if known.size else math.nan

    def of(self, key: str) -> float:
        """Return the IoU of a class; NaN where it is in neither map, or the rule does not know it."""
        keys = self.confusion.keys
        return float(self.confusion.iou[keys.index(key)]) if key in keys else math.nan

    @property
    def _true(self) -> NDArray[np.int64]:
        return self.confusion.support

    @property
    def _predicted(self) -> NDArray[np.int64]:
        predicted: NDArray[np.int64] = self.confusion.counts.sum(axis=0)
        return predicted

    def _keys_where(self, chosen: NDArray[np.bool_]) -> tuple[str, ...]:
        return tuple(key for key, one in zip(self.confusion.keys, chosen, strict=True) if one)

    def document(self) -> dict[str, Any]:
        """Return the JSON view: fractions of 1, null where there is no figure."""
        made = self.confusion
        figures = {name: getattr(made, name) for name in _FIGURES}
        return {
            "rule": self.rule,
            "dropped": list(self.dropped),
            "pixels": made.pixels,
            "accuracy": fraction(self.accuracy),
            **{f"mean_{name}": fraction(self.mean(values)) for name, values in figures.items()},
            "classes": [
                {
                    "key": key,
                    "scored": key in self.scored,
                    "true_pixels": int(made.support[number]),
                    "predicted_pixels": int(self._predicted[number]),
                    **{name: fraction(values[number]) for name, values in figures.items()},
                }
                for number, key in enumerate(made.keys)
            ],
        }

    def ign_document(self, titles: Mapping[str, str]) -> dict[str, Any]:
        """Return what IGN's FLAIR-1 and FLAIR-HUB write as ``metrics.json``: percent, scored classes only.

        Parameters
        ----------
        titles
            What a class is called there, by key; the key itself where there is none.
        """
        made, keys = self.confusion, self.confusion.keys
        figures = {name: getattr(made, name) for name in _FIGURES}
        empty = 0.0 if self.absent == "zero" else None

        def listed(name: str) -> list[float | None]:
            chosen = [float(figures[name][keys.index(key)]) for key in self.scored]
            return [empty if math.isnan(value) else 100 * value for value in chosen]

        order = ("iou", "f1", "precision", "recall")
        averages = [self.mean_iou, self.accuracy, *(self.mean(figures[name]) for name in order[1:])]
        return {
            "Avg_metrics_name": ["mIoU", "Overall Accuracy", "Fscore", "Precision", "Recall"],
            "Avg_metrics": [None if math.isnan(value) else 100 * value for value in averages],
            "classes": [titles.get(key, key) for key in self.scored],
            "per_class_iou": listed("iou"),
            "per_class_fscore": listed("f1"),
            "per_class_precision": listed("precision"),
            "per_class_recall": listed("recall"),
        }

    def text(self) -> str:
        """Return a table in percent, and the means below it."""
        made = self.confusion
        rows = [
            (
                key if key in self.scored else f"({key})",
                *(percent(getattr(made, name)[number]) for name in _FIGURES),
                f"{made.support[number]:,}",
            )
            for number, key in enumerate(made.keys)
        ]
        means = [percent(self.mean(getattr(made, name))) for name in _FIGURES]
        head = ("class", "IoU", "precision", "recall", "F1", "pixels")
        notes = [
            f"rule {self.rule}: mIoU {means[0]} % of {counted(len(self.averaged), 'class', 'classes')}; OA "
            f"{percent(self.accuracy)}"
        ]
        if set(made.keys) != set(self.scored):
            notes.append("in brackets: in no mean, and yet an error where another class is taken for it")
        if self.only_predicted:
            notes.append(f"in the prediction alone, so 0 in the mean: {', '.join(self.only_predicted)}")
        if self.nowhere:
            how = "0 in the mean (--drop leaves them out)" if self.absent == "zero" else "in no mean"
            notes.append(f"in neither map, and {how}: {counted(len(self.nowhere), 'class', 'classes')}")
        if self.dropped:
            notes.append(f"rows and columns left out: {', '.join(self.dropped)}")
        return "\n".join([*aligned([head, *rows, ("mean", *means, f"{made.pixels:,}")]), "", *notes])


def fraction(value: float) -> float | None:
    """Return a figure for JSON: rounded, None where there is none."""
    return None if math.isnan(value) else round(float(value), 6)


def percent(value: float) -> str:
    """Return a share in percent as people read it.

    >>> percent(0.5456), percent(math.nan)
    ('54.56', '–')
    """
    return "–" if math.isnan(value) else f"{100 * value:.2f}"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return a table as lines: the first column to the left, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
