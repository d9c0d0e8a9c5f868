"""How many edgels of borders follow leaf borders: where they are, and where they would be by chance."""

from __future__ import annotations

__all__ = ["TOLERANCES", "Counter", "Counts", "Edgels", "shares_of", "steps_to_leaves"]

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.assessment.blocks import block_count, blocks_of
from workbench.assessment.borders import edges_of, grown

TOLERANCES = (0, 1, 2)
"""Pixels, along rows and along columns, within which an edgel may follow a leaf border."""
_FAR = len(TOLERANCES)
_NOWHERE = _FAR + 1
_SHIFTS = 16
_NEAREST_SHIFT, _FARTHEST_SHIFT = 24, 80
"""Pixels: beyond the size of a leaf, and within the same field or wood."""


class Edgels(NamedTuple):
    """Edgels of borders between classes, each array of shape (edgel,)."""

    below: NDArray[np.intp]
    """0 where the edgel is the right side of a pixel, 1 where it is its lower side."""
    rows: NDArray[np.intp]
    cols: NDArray[np.intp]
    codes: tuple[NDArray[np.uint8], NDArray[np.uint8]]
    """Class of the pixel, and of the one beyond the edgel."""

    @classmethod
    def of(cls, labels: NDArray[np.uint8], edges: NDArray[np.bool_]) -> Edgels:
        """Return the edgels of a raster of them, shape (2, row, col)."""
        below, rows, cols = np.nonzero(edges)
        codes = labels[rows, cols], labels[rows + below, cols + 1 - below]
        return cls(below=below, rows=rows, cols=cols, codes=codes)

    @property
    def at(self) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
        """Where the edgels are in a raster of edgels."""
        return self.below, self.rows, self.cols

    @property
    def beyond(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The pixels on the other side."""
        return self.rows + self.below, self.cols + 1 - self.below


class Counts(NamedTuple):
    """How many edgels have a leaf border how many steps away: shape (block, group, step).

    Group 0 is of all edgels, the others of one class each.
    """

    found: NDArray[np.float64]
    shifted: NDArray[np.float64]
    """The same of the edgels as they were shifted."""

    def drawn(self, weights: NDArray[np.int64]) -> Counts:
        """Return the counts in the squares of each draw, shape (draw, group, step)."""
        return Counts(*(np.tensordot(weights.astype(np.float64), counts, axes=1) for counts in self))

    def whole(self) -> Counts:
        """Return the counts in all squares together, shape (group, step)."""
        return Counts(*(counts.sum(axis=0) for counts in self))

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of edgels that follow, shape (…, group, tolerance); NaN where there are none."""
        return shares_of(self.found)

    @property
    def attraction(self) -> NDArray[np.float64]:
        """Share of edgels that follow on purpose, shape (…, group, tolerance)."""
        near, chance = shares_of(self.found), shares_of(self.shifted)
        # Where leaves are single pixels every border follows them, and none on purpose.
        return np.divide(near - chance, 1 - chance, out=near * 0, where=chance < 1)


class Counter:
    """Counts edgels by square, class, and steps to a leaf border."""

    def __init__(self, edgels: tuple[Edgels, Edgels], steps: NDArray[np.uint8]) -> None:
        self._steps = steps
        used = np.zeros(256, np.bool_)
        squares = np.zeros(block_count(steps.shape[1:]), np.bool_)
        for one in edgels:
            squares[blocks_of(one.rows, one.cols, steps.shape[1:])] = True
            for codes in one.codes:
                used[codes] = True
        self.codes: list[int] = np.flatnonzero(used).tolist()
        self.blocks = int(squares.sum())
        self._places, self._numbers = np.cumsum(used) - 1, np.cumsum(squares) - 1

    def count(self, edgels: Edgels, rng: np.random.Generator) -> Counts:
        """Count edgels where they are, and shifted."""
        shifted = sum(self._counted(edgels, rows, cols) for rows, cols in _shifts(rng))
        return Counts(found=self._counted(edgels, 0, 0), shifted=np.asarray(shifted))

    def wavered(self, edgels: Edgels, deviation: float, rng: np.random.Generator) -> NDArray[np.float64]:
        """Count edgels each of which was moved at random."""
        rows, cols = np.rint(rng.normal(0, deviation, (2, edgels.rows.size))).astype(np.intp)
        return self._counted(edgels, rows, cols)

    def _counted(
        self, edgels: Edgels, row_shift: NDArray[np.intp] | int, col_shift: NDArray[np.intp] | int
    ) -> NDArray[np.float64]:
        """Count edgels that were moved by some rows and columns, around the edge of the image."""
        height, width = self._steps.shape[1:]
        moved = (edgels.rows + row_shift) % height, (edgels.cols + col_shift) % width
        steps = self._steps[edgels.below, *moved]
        blocks = self._numbers[blocks_of(edgels.rows, edgels.cols, (height, width))]
        kinds, classes = _NOWHERE + 1, len(self.codes)
        counts = np.zeros(self.blocks * classes * kinds, np.int64)
        for codes in edgels.codes:
            keys = (blocks * classes + self._places[codes]) * kinds + steps
            counts += np.bincount(keys, minlength=counts.size)
        by_class = counts.reshape(self.blocks, classes, kinds).astype(np.float64)
        # Each edgel is counted for both of its classes.
        return np.concatenate([by_class.sum(axis=1, keepdims=True) / 2, by_class], axis=1)


def shares_of(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of edgels within each tolerance, shape (…, tolerance) of (…, step)."""
    total = counts[..., :_NOWHERE].sum(axis=-1, keepdims=True)
    near = np.cumsum(counts[..., : len(TOLERANCES)], axis=-1)
    return np.asarray(np.divide(near, total, out=np.full(near.shape, np.nan), where=total > 0))


def steps_to_leaves(leaves: NDArray[np.uint32], where: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return how many pixels from each edgel a leaf border is, shape (2, row, col), or that none is near."""
    steps = np.full((2, *leaves.shape), _FAR, np.uint8)
    near = edges_of(leaves, where)
    for _ in TOLERANCES:
        steps -= near  # one step less for each distance that reaches it
        near = grown(near)
    beside, below = where[:, 1:] & where[:, :-1], where[1:] & where[:-1]
    np.copyto(steps[0, :, :-1], _NOWHERE, where=~beside)
    np.copyto(steps[1, :-1], _NOWHERE, where=~below)
    steps[0, :, -1] = steps[1, -1] = _NOWHERE
    return steps


def _shifts(rng: np.random.Generator) -> list[tuple[int, int]]:
    """Return (rows, columns) by which edgels are shifted."""
    sizes = rng.integers(_NEAREST_SHIFT, _FARTHEST_SHIFT, (_SHIFTS, 2), endpoint=True)
    signs = rng.choice((-1, 1), (_SHIFTS, 2))
    return [(int(rows), int(cols)) for rows, cols in sizes * signs]
