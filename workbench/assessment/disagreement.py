"""Disagreement of two labellings on the map: where borders were moved, where the class is another."""

from __future__ import annotations

__all__ = ["BORDER", "CLASS", "Disagreement", "disagreement_kinds", "disagreements"]

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.assessment.borders import moved_borders
from workbench.assessment.findings import Region, regions
from workbench.geo.grid import Window
from workbench.labels.runs import RunLengthMask

BORDER, CLASS = 1, 2
"""Pixels of which a moved border gives account, and those where the class is another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Connected pixels on which two labellings differ in one way."""

    kind: int
    """`BORDER` or `CLASS`."""
    classes: tuple[int, int]
    """Codes of the first and of the second: the pair of most of its pixels."""
    pixels: int
    row: int
    """A pixel of it, of that pair, for a person to go to."""
    col: int
    mask: RunLengthMask
    """Which pixels they are; its window is their bounding box in the zone."""

    @property
    def window(self) -> Window:
        """Bounding box in the zone."""
        return self.mask.window


def disagreement_kinds(
    first: NDArray[np.uint8], second: NDArray[np.uint8], footprint: NDArray[np.bool_], *, moved: int = 5
) -> NDArray[np.uint8]:
    """Return in which way two labellings differ, shape (row, col): `BORDER`, `CLASS`, or 0 where they do not.

    A pixel is one of `BORDER` where each class lies within ``moved`` pixels in the other's labels: to move a
    border is enough to mend it; see `workbench.assessment.agreement`. What only one of them labelled is 0.

    Parameters
    ----------
    first, second
        Shape (row, col). Codes, 0 = unlabelled.
    footprint
        Shape (row, col), True inside the zone.
    moved
        Pixels by which a border may be moved.

    Examples
    --------
    >>> first, second = np.full((1, 30), 7, np.uint8), np.full((1, 30), 7, np.uint8)
    >>> first[0, :10], second[0, :12], second[0, 25:] = 3, 3, 5
    >>> disagreement_kinds(first, second, np.ones((1, 30), bool))[0].tolist()[9:13]
    [0, 1, 1, 0]
    """
    both = footprint & (first > 0) & (second > 0)
    differ = both & (first != second)
    moved_there = moved_borders(first, second, both, distance=moved)
    return np.where(differ, np.where(moved_there, BORDER, CLASS), 0).astype(np.uint8)


def disagreements(
    kinds: NDArray[np.uint8], first: NDArray[np.uint8], second: NDArray[np.uint8], *, least: int = 1
) -> tuple[Disagreement, ...]:
    """Return the connected places (8 neighbours) of one kind, the largest first.

    Parameters
    ----------
    kinds
        Shape (row, col), of `disagreement_kinds`.
    first, second
        What it was made of.
    least
        Pixels that a place has at least.
    """
    found = _places(kinds, first, second, least)
    return tuple(sorted(found, key=lambda one: (-one.pixels, one.kind, one.row, one.col)))


def _places(
    kinds: NDArray[np.uint8], first: NDArray[np.uint8], second: NDArray[np.uint8], least: int
) -> Iterator[Disagreement]:
    for region in regions(kinds, least=least):
        window, mask = region.window, region.mask
        pairs = first[window.slices].astype(np.int64) * 256 + second[window.slices]
        pair = int(np.bincount(pairs[mask]).argmax())
        row, col = Region(window=window, mask=mask & (pairs == pair)).middle
        yield Disagreement(
            kind=int(kinds[row, col]),
            classes=(pair // 256, pair % 256),
            pixels=int(np.count_nonzero(mask)),
            row=row,
            col=col,
            mask=RunLengthMask.encode(mask, window),
        )
