"""Squares of a zone, drawn to tell how sure a figure is.

Pixels next to each other are no independent witnesses. So what is counted is counted in whole squares, and
the squares are drawn again and again, with replacement: a block bootstrap (Künsch 1989).
"""

from __future__ import annotations

__all__ = ["Interval", "block_count", "blocks_of", "draw_blocks"]

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SIDE = 128
"""Side of a square in pixels."""
_DRAWS = 1000
_SHARE = (2.5, 97.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, value: NDArray[np.float64] | float, drawn: NDArray[np.float64]) -> Interval:
        """Return a figure with the interval of the same figure in each draw, shape (draw,); NaN is none."""
        known = drawn[~np.isnan(drawn)]
        low, high = np.percentile(known, _SHARE) if known.size else (np.nan, np.nan)
        return cls(value=float(value), low=float(low), high=float(high))

    def document(self) -> dict[str, float | None]:
        """Return the JSON view; null where there is no figure."""
        figures = {"value": self.value, "low": self.low, "high": self.high}
        return {name: None if np.isnan(figure) else round(figure, 6) for name, figure in figures.items()}

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}–{self.high:.3f})"


def block_count(shape: tuple[int, ...]) -> int:
    """Return how many squares an image of some (rows, columns) has."""
    return -(-shape[0] // _SIDE) * -(-shape[1] // _SIDE)


def blocks_of(
    rows: NDArray[np.integer], cols: NDArray[np.integer], shape: tuple[int, ...]
) -> NDArray[np.integer]:
    """Return the number of the square of each pixel.

    >>> blocks_of(np.array([0, 127, 128]), np.array([0, 128, 0]), (200, 200)).tolist()
    [0, 1, 2]
    """
    return rows // _SIDE * -(-shape[1] // _SIDE) + cols // _SIDE


def draw_blocks(count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return how often each of some squares is drawn, shape (draw, block)."""
    return rng.multinomial(count, np.full(count, 1 / count), size=_DRAWS)
