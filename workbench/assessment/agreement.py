"""Agreement of two people on one zone: how much, on which classes, and in class or only in border.

Overall agreement, Cohen's kappa (Cohen 1960) and intersection over union per class come from the matrix of
pixels by the class that each gave. Borders are compared by the F-measure of boundary pixels within a distance
(Martin, Fowlkes & Malik 2004). Intervals are those of `workbench.assessment.blocks`.
"""

from __future__ import annotations

__all__ = ["DISTANCES", "Agreement", "Pair", "measure_agreement"]

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from workbench.assessment.blocks import Interval, block_count, blocks_of, draw_blocks
from workbench.assessment.borders import edges_of, moved_borders
from workbench.errors import EditRefused

DISTANCES = (1, 3, 5)
"""Pixels within which a border counts as found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two classes that were taken for each other."""

    classes: tuple[int, int]
    """Codes, the smaller first."""
    boundary: int
    """Pixels of which a moved border gives account."""
    label: int
    """Pixels where the two disagree on the class itself."""

    @property
    def pixels(self) -> int:
        """All pixels on which the two classes stand against each other."""
        return self.boundary + self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far two labellings of a zone agree, where both labelled it."""

    pixels: int
    """That both labelled."""
    only_first: int
    only_second: int
    overall: Interval
    """Share of pixels of the same class."""
    kappa: Interval
    """Cohen's; 1 = the same, 0 = as by chance."""
    same: dict[int, int]
    """Pixels to which both gave a class, by code, of each class that either used."""
    classes: dict[int, Interval]
    """Intersection over union of each class that either used, by code."""
    borders: dict[int, Interval]
    """F-measure of the borders, by distance in pixels."""
    boundary: float | None
    """Share of the disagreement of which moved borders give account; None where nothing differs."""
    pairs: tuple[Pair, ...]
    """Classes taken for each other, those of most pixels of another class first."""


def measure_agreement(
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    footprint: NDArray[np.bool_],
    *,
    rng: np.random.Generator,
    moved: int = 5,
) -> Agreement:
    """Compare two labellings of a zone.

    A pixel on which they disagree is one of *boundary* where each class lies within ``moved`` pixels in the
    other's labels: to move a border is enough to mend it. Elsewhere they disagree on the class.

    Parameters
    ----------
    first, second
        Shape (row, col). Codes, 0 = unlabelled.
    footprint
        Shape (row, col), True inside the zone.
    rng
        Draws the squares for the intervals.
    moved
        Pixels by which a border may be moved.

    Raises
    ------
    EditRefused
        There is no pixel that both labelled.
    """
    both = footprint & (first > 0) & (second > 0)
    if not both.any():
        raise EditRefused("there is no pixel that both labelled; nothing can be compared")
    codes = np.flatnonzero(np.bincount(first[both], minlength=256) + np.bincount(second[both], minlength=256))
    places = np.zeros(256, np.int64)
    places[codes] = np.arange(codes.size)
    tables = _tables(places[first], places[second], both, codes.size)
    weights = draw_blocks(len(tables), rng)
    drawn = np.einsum("db,bij->dij", weights, tables, optimize=True)
    whole = tables.sum(axis=0)
    unions = {int(code): place for place, code in enumerate(codes)}
    kinds = moved_borders(first, second, both, distance=moved)
    differ = both & (first != second)
    return Agreement(
        pixels=int(both.sum()),
        only_first=int((footprint & (first > 0) & (second == 0)).sum()),
        only_second=int((footprint & (second > 0) & (first == 0)).sum()),
        overall=Interval.of(_overall(whole), _overall(drawn)),
        kappa=Interval.of(_kappa(whole), _kappa(drawn)),
        same={code: int(whole[place, place]) for code, place in unions.items()},
        classes={
            code: Interval.of(_union(whole, place), _union(drawn, place)) for code, place in unions.items()
        },
        borders=_borders(first, second, both, weights),
        boundary=float(kinds[differ].mean()) if differ.any() else None,
        pairs=_pairs(first, second, differ, kinds, codes.tolist()),
    )


def _blocks(shape: tuple[int, ...]) -> tuple[NDArray[np.integer], int]:
    """Return the number of the square of each pixel, shape (row, col), and how many there are."""
    rows, cols = np.arange(shape[0], dtype=np.int32), np.arange(shape[1], dtype=np.int32)
    return blocks_of(rows[:, np.newaxis], cols, shape), block_count(shape)


def _tables(
    first: NDArray[np.int64], second: NDArray[np.int64], both: NDArray[np.bool_], classes: int
) -> NDArray[np.int64]:
    """Return pixels by class in both, shape (block, class, class), of the squares that have some."""
    numbers, count = _blocks(both.shape)
    keys = (numbers[both] * classes + first[both]) * classes + second[both]
    tables = np.bincount(keys, minlength=count * classes * classes).reshape(count, classes, classes)
    found: NDArray[np.int64] = tables[tables.any(axis=(1, 2))]
    return found


def _overall(table: NDArray[np.int64]) -> NDArray[np.float64]:
    same = np.trace(table, axis1=-2, axis2=-1)
    return np.asarray(same / table.sum(axis=(-2, -1)), np.float64)


def _kappa(table: NDArray[np.int64]) -> NDArray[np.float64]:
    total = table.sum(axis=(-2, -1))
    chance = (table.sum(axis=-1) * table.sum(axis=-2).astype(np.float64)).sum(axis=-1) / total.astype(
        float
    ) ** 2
    left = 1 - chance
    return np.where(left > 0, (_overall(table) - chance) / np.where(left > 0, left, 1), 1.0)


def _union(table: NDArray[np.int64], place: int) -> NDArray[np.float64]:
    same = table[..., place, place]
    union = table[..., place, :].sum(axis=-1) + table[..., :, place].sum(axis=-1) - same
    return np.where(union > 0, same / np.maximum(union, 1), np.nan)


def _pairs(
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    differ: NDArray[np.bool_],
    kinds: NDArray[np.bool_],
    codes: Sequence[int],
) -> tuple[Pair, ...]:
    one, other, boundary = first[differ].astype(np.int64), second[differ], kinds[differ]
    keys = np.minimum(one, other) * 256 + np.maximum(one, other)
    borders, labels = (np.bincount(keys[boundary == kind], minlength=1 << 16) for kind in (True, False))
    pairs = [
        Pair(
            classes=(low, high), boundary=int(borders[low * 256 + high]), label=int(labels[low * 256 + high])
        )
        for low, high in combinations(codes, 2)
    ]
    found = [pair for pair in pairs if pair.pixels]
    return tuple(sorted(found, key=lambda pair: (-pair.label, -pair.boundary, pair.classes)))


def _borders(
    first: NDArray[np.uint8], second: NDArray[np.uint8], both: NDArray[np.bool_], weights: NDArray[np.int64]
) -> dict[int, Interval]:
    """Return the F-measure of two labellings' borders by distance."""
    from scipy import ndimage

    numbers, count = _blocks(both.shape)
    used = np.unique(numbers[both])
    places = np.zeros(count, np.int64)
    places[used] = np.arange(used.size)
    edges = [edges_of(labels, both).any(axis=0) for labels in (first, second)]
    if not all(edge.any() for edge in edges):
        same = 1.0 if not any(edge.any() for edge in edges) else 0.0
        return {distance: Interval(value=same, low=same, high=same) for distance in DISTANCES}
    away = [ndimage.distance_transform_edt(~edge) for edge in edges]
    found: dict[int, Interval] = {}
    for distance in DISTANCES:
        hits = [
            np.bincount(places[numbers[edge & (far <= distance)]], minlength=used.size)
            for edge, far in zip(edges, reversed(away), strict=True)
        ]
        totals = [np.bincount(places[numbers[edge]], minlength=used.size) for edge in edges]
        whole = _f_measure([hit.sum() for hit in hits], [total.sum() for total in totals])
        drawn = _f_measure([weights @ hit for hit in hits], [weights @ total for total in totals])
        found[distance] = Interval.of(whole, drawn)
    return found


def _f_measure(hits: Sequence[NDArray[np.int64]], totals: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    shares = [
        np.asarray(hit, np.float64) / np.maximum(total, 1) for hit, total in zip(hits, totals, strict=True)
    ]
    both = shares[0] + shares[1]
    return np.asarray(np.where(both > 0, 2 * shares[0] * shares[1] / np.where(both > 0, both, 1), 0.0))
