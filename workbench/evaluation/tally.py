"""What is counted of a prediction held against the truth: classes taken for classes, and how sure it was."""

from __future__ import annotations

__all__ = ["Tally"]

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EvaluationError
from workbench.evaluation.calibration import Calibration
from workbench.evaluation.confusion import Confusion
from workbench.nomenclature import Nomenclature


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """The counts of some pixels; those of several places add up."""

    confusion: Confusion
    calibration: Calibration | None = None
    """None where the prediction has no probability."""

    @classmethod
    def of(cls, truth: NDArray[np.uint8], planes: NDArray[np.uint8], nomenclature: Nomenclature) -> Self:
        """Count a prediction.

        Parameters
        ----------
        truth
            Shape (row, col). Codes; 0 = unlabelled, which does not count.
        planes
            Shape (plane, row, col). Code, and if there are more planes top-1 probability from 0 to 255 (a
            third one, entropy, is not looked at). Code 0 = nothing was predicted.
        nomenclature
            Of the codes.

        Raises
        ------
        EvaluationError
            The shapes differ, or a code is of no class.
        """
        codes = {entry.key: entry.code for entry in nomenclature.classes}
        confusion = Confusion.of(truth, planes[0], codes=codes)
        if len(planes) < 2:
            return cls(confusion=confusion)
        return cls(confusion=confusion, calibration=Calibration.of(truth, planes[0], planes[1], codes=codes))

    @classmethod
    def total(cls, tallies: Iterable[Tally]) -> Self:
        """Add tallies up; the sum has a calibration where all of them have one."""
        first, *others = tallies
        histograms = [one.calibration for one in (first, *others) if one.calibration is not None]
        whole = histograms[0].plus(*histograms[1:]) if len(histograms) == len(others) + 1 else None
        if histograms and whole is None:
            raise EvaluationError("some of the predictions have probabilities and some have none")
        return cls(confusion=first.confusion.plus(*(one.confusion for one in others)), calibration=whole)
