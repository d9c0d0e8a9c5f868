"""What a segmenter is, whatever runs it: the rest of the house asks for no more."""

from __future__ import annotations

__all__ = ["PLANES", "Segmenter"]

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.inference.card import ModelCard

PLANES = ("class", "probability of the class", "entropy")
"""What a reduced prediction tells of a pixel, a byte each: the index of the class among the card's plus 1
(0 = nothing is known), its probability and the normalised entropy, both from 0 to 255."""


class Segmenter(Protocol):
    """Gives classes to the pixels of tiles."""

    @property
    def card(self) -> ModelCard:
        """What it takes and gives."""

    @property
    def device(self) -> str:
        """Where it runs, such as ``cpu`` or ``cuda:0``."""

    def predict_proba(self, tiles: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the probability of each class, shape (tile, class, row, col); 0 for untrained ones.

        Parameters
        ----------
        tiles
            Shape (tile, row, col, band), in the order of the card's bands.
        """

    def predict_reduced(self, tiles: NDArray[np.uint8], *, margin: int = 0) -> NDArray[np.uint8]:
        """Return the planes of `PLANES`, shape (tile, plane, row, col), without a margin on each side."""
