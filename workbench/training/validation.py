"""How good a network is on patches that it does not learn from, while it learns."""

from __future__ import annotations

__all__ = ["RULE", "Score", "score_of", "validate_on"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.training.patches import PatchSet
from workbench.training.sampling import MASKED

RULE: Final = "labelled"
"""What the mean is called in cards: over the classes that are labelled, whatever was predicted.

Neither of IGN's (`workbench.evaluation.rules`): what is not learned from does not count, and a class that is
predicted and nowhere labelled is no 0 of its own.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How many labelled pixels were found."""

    mean_iou: float
    """Mean intersection over union of the classes that were labelled."""
    classes: int
    """How many these are."""
    accuracy: float
    """Share of the labelled pixels that are right."""
    pixels: int
    """Labelled pixels."""
    ious: tuple[float | None, ...]
    """Intersection over union of each class, None of those that were not labelled."""


def score_of(confusion: NDArray[np.int64]) -> Score:
    """Return the score of a confusion matrix, shape (labelled, predicted).

    >>> score_of(np.array([[3, 1], [0, 4]])).accuracy
    0.875
    """
    right, labelled = np.diag(confusion), confusion.sum(axis=1)
    union = labelled + confusion.sum(axis=0) - right
    present = labelled > 0
    pixels = int(labelled.sum())
    shares = right / np.maximum(union, 1)
    return Score(
        ious=tuple(float(share) if there else None for share, there in zip(shares, present, strict=True)),
        mean_iou=float(shares[present].mean()) if present.any() else 0.0,
        classes=int(present.sum()),
        accuracy=float(right.sum() / max(1, pixels)),
        pixels=pixels,
    )


def validate_on(
    patches: PatchSet,
    predict: Callable[[NDArray[np.uint8], tuple[str, ...]], NDArray[np.uint8]],
    *,
    output_of: NDArray[np.uint8],
    outputs: int,
) -> Score:
    """Return the score of a network on patches.

    Parameters
    ----------
    patches
        What it is judged on.
    predict
        From an image (band, row, col) and its bands to the number of an output per pixel.
    output_of
        Shape (256,). Number of the output of each code; `MASKED` for those that do not count.
    outputs
        Number of outputs.
    """
    confusion = np.zeros((outputs, outputs), np.int64)
    for number in range(len(patches)):
        found = patches.read(number)
        labelled = output_of[found.codes]
        counted = labelled != MASKED
        given = predict(found.image, patches.bands[number])[counted]
        pairs = labelled[counted].astype(np.int64) * outputs + given
        confusion += np.bincount(pairs, minlength=outputs**2).reshape(outputs, outputs)
    return score_of(confusion)
