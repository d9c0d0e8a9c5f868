"""Generalisation to minimum mapping units: what is too small goes to its neighbour.

The smallest piece first. It goes to the neighbour with the longest common border and takes its class; other
neighbours of that class, which now touch, become one piece with it. So a piece may have grown large enough
when its turn comes. Ties: the longer border, then the larger neighbour, then the one whose first pixel comes
first, row by row.
"""

from __future__ import annotations

__all__ = ["Generalised", "MinimumUnits", "generalise"]

import heapq
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.errors import ProductError
from workbench.products.pieces import borders_of, measure_pieces, number_pieces, paint_pieces

_NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumUnits:
    """Areas in m² below which a piece is none of its own.

    >>> MinimumUnits.parse("2500,CS1.1.1.1=200").of("CS1.1.1.1")
    200.0
    """

    elsewhere: float
    """Of classes that are not named."""
    named: Mapping[str, float] = field(default_factory=lambda: _NOTHING)
    """By key of the class."""

    def __post_init__(self) -> None:
        for area in (self.elsewhere, *self.named.values()):
            if not (math.isfinite(area) and area >= 0):
                raise ProductError(f"{area} m² is no minimum area; give 0 or more")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what is written as ``AREA`` or ``AREA,CLASS=AREA,…``, in m².

        Raises
        ------
        ProductError
            It is not written like that.
        """
        elsewhere, named = 0.0, {}
        for place, part in enumerate(text.split(",")):
            key, equals, area = part.strip().rpartition("=")
            try:
                number = float(area)
            except ValueError:
                number = math.nan
            if math.isnan(number) or bool(equals) != (place > 0) or (place > 0 and not key):
                raise ProductError(f"{text!r} are no minimum areas; write them like 2500,CS1.1.1.1=200")
            if place:
                named[key] = number
            else:
                elsewhere = number
        return cls(elsewhere=elsewhere, named=named)

    def of(self, key: str) -> float:
        """Return the minimum area of a class, in m²."""
        return self.named.get(key, self.elsewhere)

    def pixels(self, keys: Iterable[tuple[int, str]], *, resolution: float) -> NDArray[np.int64]:
        """Return the fewest pixels of each value, shape (256,), for pixels of a size in metres.

        Parameters
        ----------
        keys
            Value and key of each class.

        Raises
        ------
        ProductError
            A named class is not among them.
        """
        pairs = tuple(keys)
        known = {key for _, key in pairs}
        if strange := set(self.named) - known:
            raise ProductError(
                f"minimum areas name {', '.join(sorted(strange))}, which is no class of the map; it has "
                f"{', '.join(sorted(known))}"
            )
        fewest = np.zeros(256, np.int64)
        for value, key in pairs:
            # 500 m² of 0.04 m² are 12,500 pixels and no float above it.
            fewest[value] = math.ceil(round(self.of(key) / resolution**2, 6))
        return fewest

    def __str__(self) -> str:
        named = "".join(f",{key}={area:g}" for key, area in self.named.items())
        return f"{self.elsewhere:g}{named}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Generalised:
    """A map in which every piece is large enough, or has no neighbour to go to."""

    values: NDArray[np.uint8]
    """Shape (row, col)."""
    before: int
    """Pieces that there were."""
    after: int
    small: int
    """Pieces that are too small still: all around them is nothing."""


def generalise(values: NDArray[np.uint8], fewest: NDArray[np.int64]) -> Generalised:
    """Merge pieces that are too small into their neighbours.

    Linear in the pixels, and n log n in the pieces that are too small.

    Parameters
    ----------
    values
        Shape (row, col); 0 is nothing, and stays.
    fewest
        Shape (256,). Pixels that a piece of each value has at least.

    Examples
    --------
    >>> around = np.array([[1, 1, 1, 1], [1, 2, 3, 1], [1, 1, 1, 1]], np.uint8)
    >>> generalise(around, np.full(256, 3)).values.tolist()
    [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]
    """
    numbers, count = number_pieces(values)
    if not count:
        return Generalised(values=values.copy(), before=0, after=0, small=0)
    area, of_piece = measure_pieces(values, numbers, count)
    offsets, beyond = borders_of(numbers, count, area < fewest[of_piece])
    roots = _merge(area, of_piece, offsets, beyond, fewest.astype(np.int64))
    merged = paint_pieces(numbers, of_piece[roots])
    living = np.flatnonzero(roots == np.arange(count))
    small = int(np.count_nonzero(area[living] < fewest[of_piece[living]]))
    return Generalised(values=merged, before=count, after=living.size, small=small)


@kernel
def _merge(
    area: NDArray[np.int64],
    values: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    beyond: NDArray[np.int32],
    fewest: NDArray[np.int64],
) -> NDArray[np.int32]:
    """Merge pieces; return the piece that each is part of, whose area and value are changed.

    What lies beyond a piece is a chain: its own list, then those of the pieces that went into it. Only small
    pieces have any, for no other is ever asked.
    """
    count = area.size
    parents = np.arange(count).astype(np.int32)
    low = np.arange(count)  # the first pixel's piece, for ties
    following = np.full(count, -1, np.int32)
    tail = np.arange(count).astype(np.int32)
    border = np.zeros(count, np.int64)
    met = np.empty(count, np.int64)
    heap = [
        (area[piece], np.int64(piece), np.int64(piece))
        for piece in range(count)
        if area[piece] < fewest[values[piece]]
    ]
    heapq.heapify(heap)
    while heap:
        size, _, piece = heapq.heappop(heap)
        if parents[piece] != piece or size != area[piece] or size >= fewest[values[piece]]:
            continue
        found = 0
        segment = piece
        while segment >= 0:
            for place in range(offsets[segment], offsets[segment + 1]):
                other = np.int64(beyond[place])
                while parents[other] != other:
                    parents[other] = parents[parents[other]]
                    other = np.int64(parents[other])
                if other == piece:
                    continue
                if border[other] == 0:
                    met[found] = other
                    found += 1
                border[other] += 1
            segment = np.int64(following[segment])
        if found == 0:
            continue
        best = met[0]
        for other in met[:found]:
            longer = border[other] - border[best]
            larger = area[other] - area[best]
            if longer > 0 or (longer == 0 and (larger > 0 or (larger == 0 and low[other] < low[best]))):
                best = other
        value = values[best]
        for other in met[:found]:
            border[other] = 0
            if other != best and values[other] == value:
                _join(parents, area, low, following, tail, int(best), int(other))
        _join(parents, area, low, following, tail, int(best), piece)
        if area[best] < fewest[value]:
            heapq.heappush(heap, (area[best], np.int64(low[best]), best))
    for each in range(count):
        root = parents[each]
        while parents[root] != root:
            root = parents[root]
        parents[each] = root
    return parents


@kernel
def _join(
    parents: NDArray[np.int32],
    area: NDArray[np.int64],
    low: NDArray[np.int64],
    following: NDArray[np.int32],
    tail: NDArray[np.int32],
    into: int,
    piece: int | np.int64,
) -> None:
    parents[piece] = into
    area[into] += area[piece]
    low[into] = min(low[into], low[piece])
    following[tail[into]] = piece
    tail[into] = tail[piece]
