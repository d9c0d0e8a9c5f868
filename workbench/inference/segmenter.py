"""What a segmenter is, whatever runs it: the rest of the house asks for no more."""

from __future__ import annotations

__all__ = ["Segmenter", "Views"]

from collections.abc import Sequence
from typing import Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from workbench.geo.grid import Window
from workbench.inference.card import ModelCard

Views = Literal[1, 4, 8]
"""How often a tile is seen: as it is, in its four rotations, or in the eight symmetries of a square (D4)."""


class Segmenter(Protocol):
    """Gives classes to the pixels of tiles."""

    @property
    def card(self) -> ModelCard:
        """What it takes and gives."""

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        """Of each model that is asked."""

    @property
    def digest(self) -> str:
        """SHA-256 of all that its answers depend on."""

    @property
    def device(self) -> str:
        """Where it runs, such as ``cpu`` or ``cuda:0``."""

    @property
    def planes(self) -> tuple[str, ...]:
        """What `predict_reduced` tells of a pixel: `workbench.geo.predictions.PLANES`, and more after them.

        The class is its index among the card's plus 1; 0 = nothing is known.
        """

    @property
    def lanes(self) -> int:
        """How many threads may ask at a time and be answered faster for it."""

    @property
    def batch(self) -> int:
        """How many tiles to ask for at once."""

    def enter_lane(self) -> None:
        """Make ready a thread that is one of several to ask."""

    def without(self, bands: Sequence[str]) -> Self:
        """Return the same for tiles that lack bands, whose pixels tell nothing there."""

    def predict_proba(self, tiles: NDArray[np.uint8], *, core: Window | None = None) -> NDArray[np.float32]:
        """Return the probability of each class, shape (tile, class, row, col); 0 for untrained ones.

        Parameters
        ----------
        tiles
            Shape (tile, row, col, band), in the order of the card's bands.
        core
            Part of each tile that is asked for, the rest being what is around it; all by default.
        """

    def predict_opinions(
        self, tiles: NDArray[np.uint8], *, core: Window | None = None
    ) -> NDArray[np.float32]:
        """Return the probability of each class, and after them, from 0 to 1, what several disagree on.

        Shape (tile, class, row, col), with one class more where `planes` tells of disagreement.
        """

    def predict_reduced(self, tiles: NDArray[np.uint8], *, core: Window | None = None) -> NDArray[np.uint8]:
        """Return what `planes` names, shape (tile, plane, row, col)."""
