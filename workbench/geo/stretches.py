"""Which values of a band become dark and which light on a screen."""

from __future__ import annotations

__all__ = ["STEPS", "Stretch"]

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

STEPS = 4096
"""Entries of the curve for bands that are not 8-bit: fine enough for a gamma that lifts shadows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From the values of a band to shades: linear between two of them, then a curve.

    Examples
    --------
    >>> Stretch(low=50, high=150).shades(np.array([0, 50, 75, 150, 200]))
    array([0.  , 0.  , 0.25, 1.  , 1.  ])
    >>> Stretch(low=50, high=150, gamma=2).shades(np.array([75]))
    array([0.5])
    """

    low: float = 0.0
    """Value that is darkest."""
    high: float = 255.0
    """Value that is lightest."""
    gamma: float = 1.0
    """Above 1 lifts shadows, below 1 darkens: a shade becomes its 1/gamma-th power."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(
                f"a band is stretched from a value to a higher one, not {self.low} to {self.high}"
            )
        if not (math.isfinite(self.gamma) and self.gamma > 0):
            raise ValueError(f"gamma {self.gamma} is not a positive number")

    @classmethod
    def of(
        cls, sample: NDArray[Any], *, percentiles: tuple[float, float] = (2.0, 98.0), gamma: float = 1.0
    ) -> Self:
        """Return the stretch between two percentiles of a sample of a band, NaN apart.

        Parameters
        ----------
        sample
            Values of any shape; a stretch of none is from 0 to 1, one of a single value begins there.
        """
        known = sample[np.isfinite(sample)]
        low, high = map(float, np.percentile(known, percentiles)) if known.size else (0.0, 1.0)
        return cls(low=low, high=high if high > low else low + 1.0, gamma=gamma)

    def shades(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return the shade of each value, 0 dark to 1 light."""
        share = np.clip((values.astype(np.float64) - self.low) / (self.high - self.low), 0.0, 1.0)
        shades: NDArray[np.float64] = share ** (1.0 / self.gamma)
        return shades

    def table(self) -> NDArray[np.uint8]:
        """Return the shade, 0 to 255, of each value of an 8-bit band; shape (256,)."""
        return np.rint(255 * self.shades(np.arange(256))).astype(np.uint8)

    @property
    def gain(self) -> float:
        """What multiplies a value less `low` to give its place in `curve`."""
        return (STEPS - 1) / (self.high - self.low)

    def curve(self) -> NDArray[np.uint8]:
        """Return the shade, 0 to 255, at each of `STEPS` places from low to high; shape (STEPS,)."""
        share = np.arange(STEPS) / (STEPS - 1)
        return np.rint(255 * share ** (1.0 / self.gamma)).astype(np.uint8)
