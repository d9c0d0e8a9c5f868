"""Calibration: whether a model that says 80 % is right four times of five.

Probabilities come as bytes, so what is kept is a histogram of all 256 of them: exact, added up over patches
in any order, and cut into bins when it is looked at. Nothing is fitted.
"""

from __future__ import annotations

__all__ = ["Calibration", "ReliabilityBin"]

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EvaluationError
from workbench.evaluation.scores import fraction

_BYTES = 256
BINS = 10
"""Bins unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReliabilityBin:
    """The pixels whose probability lies in one bin."""

    low: float
    high: float
    pixels: int
    confidence: float
    """Mean probability; NaN in an empty bin."""
    accuracy: float
    """Share of the pixels that are right; NaN in an empty bin."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """Pixels, and right pixels, of each true class by the byte of their top-1 probability.

    Examples
    --------
    >>> truth, predicted = np.array([[1, 1, 2, 2]], np.uint8), np.array([[1, 1, 2, 1]], np.uint8)
    >>> top = np.array([[255, 255, 255, 255]], np.uint8)
    >>> made = Calibration.of(truth, predicted, top, codes={"water": 1, "other": 2})
    >>> made.accuracy, made.confidence, made.expected_error()
    (0.75, 1.0, 0.25)
    """

    keys: tuple[str, ...]
    pixels: NDArray[np.int64]
    """Shape (class, byte)."""
    right: NDArray[np.int64]
    """Shape (class, byte)."""

    def __post_init__(self) -> None:
        for name in ("pixels", "right"):
            array = np.array(getattr(self, name), dtype=np.int64)
            if array.shape != (len(self.keys), _BYTES):
                raise EvaluationError(f"{name} has shape {array.shape}, expected {(len(self.keys), _BYTES)}")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if (self.right > self.pixels).any():
            raise EvaluationError("more pixels are right than there are")

    @classmethod
    def empty(cls, keys: Iterable[str]) -> Self:
        """Return the histogram of no pixel."""
        named = tuple(keys)
        none = np.zeros((len(named), _BYTES), np.int64)
        return cls(keys=named, pixels=none, right=none)

    @classmethod
    def of(
        cls,
        truth: NDArray[np.uint8],
        predicted: NDArray[np.uint8],
        probability: NDArray[np.uint8],
        *,
        codes: Mapping[str, int],
        unanswered: int = 0,
    ) -> Self:
        """Count the pixels of a prediction for which something was predicted.

        Parameters
        ----------
        truth, predicted
            Codes, of the same shape; a code of no class does not count.
        probability
            Of the predicted class, from 0 to 255.
        codes
            Code of each class by its key.
        unanswered
            Code in the prediction of pixels for which nothing was predicted.
        """
        if not truth.shape == predicted.shape == probability.shape:
            raise EvaluationError(
                f"the truth has shape {truth.shape}, the prediction {predicted.shape}, its probability "
                f"{probability.shape}"
            )
        answered = predicted != unanswered
        pairs = truth.astype(np.intp) * _BYTES + probability
        numbers = list(codes.values())
        pixels, right = (
            np.bincount(pairs[where], minlength=_BYTES * _BYTES).reshape(_BYTES, _BYTES)[numbers]
            for where in (answered, answered & (truth == predicted))
        )
        return cls(keys=tuple(codes), pixels=pixels, right=right)

    def plus(self, *others: Calibration) -> Self:
        """Return the histogram of all pixels of this one and others, of the same classes."""
        if any(other.keys != self.keys for other in others):
            raise EvaluationError("calibrations of different classes do not add up")
        return type(self)(
            keys=self.keys,
            pixels=self.pixels + sum(one.pixels for one in others),
            right=self.right + sum(one.right for one in others),
        )

    def over(self, keys: Iterable[str]) -> Self:
        """Return the histogram of the pixels of some true classes."""
        kept = [number for number, key in enumerate(self.keys) if key in set(keys)]
        return type(self)(
            keys=tuple(self.keys[number] for number in kept),
            pixels=self.pixels[kept],
            right=self.right[kept],
        )

    @property
    def accuracy(self) -> float:
        """Share of the pixels that are right; NaN where there are none."""
        return _ratio(self.right.sum(), self.pixels.sum())

    @property
    def confidence(self) -> float:
        """Mean probability; NaN where there are no pixels."""
        return _ratio(self.pixels.sum(axis=0) @ _PROBABILITIES, self.pixels.sum())

    def bins(self, count: int = BINS) -> tuple[ReliabilityBin, ...]:
        """Return what happened in bins of equal width from 0 to 1; what is on an edge lies above it."""
        if count < 1:
            raise EvaluationError(f"{count} bins are none; ask for 1 or more")
        # In whole numbers: 255 × 7 / 10 would be just below 178.5 one day, and just above another.
        place = np.minimum(np.arange(_BYTES) * count // (_BYTES - 1), count - 1)
        pixels, right = self.pixels.sum(axis=0), self.right.sum(axis=0)
        found = []
        for number in range(count):
            inside = place == number
            total = pixels[inside].sum()
            found.append(
                ReliabilityBin(
                    low=number / count,
                    high=(number + 1) / count,
                    pixels=int(total),
                    confidence=_ratio(pixels[inside] @ _PROBABILITIES[inside], total),
                    accuracy=_ratio(right[inside].sum(), total),
                )
            )
        return tuple(found)

    def expected_error(self, count: int = BINS) -> float:
        """Return the expected calibration error (ECE; Naeini et al. 2015, Guo et al. 2017).

        The difference of confidence and accuracy in each bin, averaged over the pixels; NaN without pixels.
        """
        total = int(self.pixels.sum())
        gaps = [one.pixels * abs(one.accuracy - one.confidence) for one in self.bins(count) if one.pixels]
        return sum(gaps) / total if total else math.nan

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "pixels": int(self.pixels.sum()),
            "accuracy": fraction(self.accuracy),
            "confidence": fraction(self.confidence),
            "ece": fraction(self.expected_error()),
            "bins": [
                {
                    "low": one.low,
                    "high": one.high,
                    "pixels": one.pixels,
                    "confidence": fraction(one.confidence),
                    "accuracy": fraction(one.accuracy),
                }
                for one in self.bins()
            ],
        }


_PROBABILITIES = np.arange(_BYTES) / (_BYTES - 1)


def _ratio(part: Any, whole: Any) -> float:
    return float(part) / float(whole) if whole else math.nan
