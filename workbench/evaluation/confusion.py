"""Confusion matrices: how many pixels of each true class were taken for which class."""

from __future__ import annotations

__all__ = ["Confusion"]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.errors import EvaluationError

_CODES = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Confusion:
    """Pixels by true and predicted class.

    Raises
    ------
    EvaluationError
        A class twice, counts that are not one row and column per class, or below 0.

    Examples
    --------
    >>> made = Confusion(keys=("water", "other"), counts=np.array([[3, 1], [2, 4]]), unanswered=np.zeros(2))
    >>> made.iou.tolist(), made.accuracy
    ([0.5, 0.5714285714285714], 0.7)
    """

    keys: tuple[str, ...]
    """Key of each class."""
    counts: NDArray[np.int64]
    """Shape (truth, predicted)."""
    unanswered: NDArray[np.int64]
    """Shape (truth,). Pixels for which nothing was predicted: they are missed, and taken for no class."""

    def __post_init__(self) -> None:
        size = len(self.keys)
        if len(set(self.keys)) != size or not size:
            raise EvaluationError(
                f"classes {', '.join(self.keys) or 'none'}: each is there once, at least one"
            )
        for name, shape in (("counts", (size, size)), ("unanswered", (size,))):
            array = np.array(getattr(self, name), dtype=np.int64)
            if array.shape != shape:
                raise EvaluationError(f"{name} has shape {array.shape}, {size} classes need {shape}")
            if array.size and array.min() < 0:
                raise EvaluationError(f"{name} has {array.min()}; pixels are counted from 0")
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @classmethod
    def empty(cls, keys: Iterable[str]) -> Self:
        """Return the matrix of no pixel."""
        named = tuple(keys)
        size = len(named)
        return cls(keys=named, counts=np.zeros((size, size), np.int64), unanswered=np.zeros(size, np.int64))

    @classmethod
    def of(
        cls,
        truth: NDArray[np.uint8],
        predicted: NDArray[np.uint8],
        *,
        codes: Mapping[str, int],
        unlabelled: int = 0,
        unanswered: int = 0,
    ) -> Self:
        """Count the pixels of two label maps.

        Parameters
        ----------
        truth, predicted
            Codes, of the same shape.
        codes
            Code of each class by its key; the order is that of the rows and columns.
        unlabelled
            Code in the truth of pixels that do not count.
        unanswered
            Code in the prediction of pixels for which nothing was predicted.

        Raises
        ------
        EvaluationError
            The shapes differ, or some pixel has a code of no class.

        Examples
        --------
        >>> truth, predicted = np.array([[1, 1, 0, 2]], np.uint8), np.array([[1, 2, 2, 0]], np.uint8)
        >>> made = Confusion.of(truth, predicted, codes={"water": 1, "other": 2})
        >>> made.counts.tolist(), made.unanswered.tolist()
        ([[1, 1], [0, 0]], [0, 1])
        """
        if truth.shape != predicted.shape:
            raise EvaluationError(f"the truth has shape {truth.shape}, the prediction {predicted.shape}")
        pairs = truth.ravel().astype(np.intp) * _CODES + predicted.ravel()
        table = np.bincount(pairs, minlength=_CODES * _CODES).reshape(_CODES, _CODES)
        numbers = list(codes.values())
        _check_codes("the truth", table.sum(axis=1), {unlabelled, *numbers})
        known = [number for number in range(_CODES) if number != unlabelled]
        _check_codes("the prediction", table[known].sum(axis=0), {unanswered, *numbers})
        return cls(
            keys=tuple(codes), counts=table[np.ix_(numbers, numbers)], unanswered=table[numbers, unanswered]
        )

    def plus(self, *others: Confusion) -> Self:
        """Return the matrix of all pixels of this one and others, of the same classes."""
        for other in others:
            if other.keys != self.keys:
                raise EvaluationError(
                    f"matrices of {', '.join(self.keys)} and of {', '.join(other.keys)} do not add up"
                )
        return type(self)(
            keys=self.keys,
            counts=self.counts + sum(one.counts for one in others),
            unanswered=self.unanswered + sum(one.unanswered for one in others),
        )

    def grouped(self, groups: Mapping[str, str], keys: Sequence[str]) -> Self:
        """Return the matrix of coarser classes.

        Parameters
        ----------
        groups
            Key of the coarser class that each class falls into.
        keys
            The coarser classes, in order.

        Raises
        ------
        EvaluationError
            A class falls into none.
        """
        lost = [key for key in self.keys if groups.get(key) not in keys]
        if lost:
            raise EvaluationError(f"{', '.join(lost)} fall into none of {', '.join(keys)}")
        member = np.zeros((len(keys), len(self.keys)), np.int64)
        for column, key in enumerate(self.keys):
            member[keys.index(groups[key]), column] = 1
        return type(self)(
            keys=tuple(keys), counts=member @ self.counts @ member.T, unanswered=member @ self.unanswered
        )

    def without(self, dropped: Iterable[str]) -> Self:
        """Return the matrix without the rows and columns of some classes: their pixels are as if not there.

        Raises
        ------
        EvaluationError
            A class is not there, or none is left.
        """
        gone = set(dropped)
        if strange := gone - set(self.keys):
            raise EvaluationError(
                f"no class {', '.join(sorted(strange))} to leave out; there are {', '.join(self.keys)}"
            )
        kept = [number for number, key in enumerate(self.keys) if key not in gone]
        return type(self)(
            keys=tuple(self.keys[number] for number in kept),
            counts=self.counts[np.ix_(kept, kept)],
            unanswered=self.unanswered[kept],
        )

    @property
    def pixels(self) -> int:
        """Number of pixels that count."""
        return int(self.counts.sum() + self.unanswered.sum())

    @property
    def support(self) -> NDArray[np.int64]:
        """Shape (class,). Pixels of each class in the truth."""
        found: NDArray[np.int64] = self.counts.sum(axis=1) + self.unanswered
        return found

    @property
    def iou(self) -> NDArray[np.float64]:
        """Shape (class,). Intersection over union (Jaccard 1912); NaN where a class is in neither map."""
        return _share(self._right, self.support + self.counts.sum(axis=0) - self._right)

    @property
    def precision(self) -> NDArray[np.float64]:
        """Shape (class,). Share of a class's predicted pixels that are right; NaN where there are none."""
        return _share(self._right, self.counts.sum(axis=0))

    @property
    def recall(self) -> NDArray[np.float64]:
        """Shape (class,). Share of a class's true pixels that were found; NaN where there are none."""
        return _share(self._right, self.support)

    @property
    def f1(self) -> NDArray[np.float64]:
        """Shape (class,). Harmonic mean of precision and recall; NaN where a class is in neither map."""
        return _share(2 * self._right, self.support + self.counts.sum(axis=0))

    @property
    def accuracy(self) -> float:
        """Share of all pixels that are right (OA); NaN where there are none."""
        return float(_share(self._right.sum(), np.int64(self.pixels)))

    @property
    def _right(self) -> NDArray[np.int64]:
        return np.diag(self.counts)

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "keys": list(self.keys),
            "counts": self.counts.tolist(),
            "unanswered": self.unanswered.tolist(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the matrix that a JSON document describes."""
        return cls(
            keys=tuple(document["keys"]),
            counts=np.array(document["counts"], dtype=np.int64),
            unanswered=np.array(document["unanswered"], dtype=np.int64),
        )


def _share(part: Any, whole: Any) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        share: NDArray[np.float64] = np.true_divide(part, whole)
    return share


def _check_codes(what: str, pixels: NDArray[np.int64], allowed: set[int]) -> None:
    strange = [int(code) for code in np.flatnonzero(pixels) if code not in allowed]
    if strange:
        raise EvaluationError(
            f"{what} has code {', '.join(map(str, strange[:8]))} in "
            f"{counted(int(pixels[strange].sum()), 'pixel')}, of no class; name the nomenclature or the "
            "scheme that it follows"
        )
