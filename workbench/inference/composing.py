"""What tiles say, as the pixels of their block: cores side by side, or all that overlaps, blended."""

from __future__ import annotations

__all__ = ["Blended", "Composer", "Cores"]

import math
import os
from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from workbench.geo.grid import Window
from workbench.geo.predictions import PLANES
from workbench.inference.segmenter import Segmenter
from workbench.inference.tiles import Block, Tile

_MOST_AHEAD = 8
"""Blocks, of 30 MB each; a graphics card waits for fewer."""
_STRIP = 64
"""Rows that are reduced at a time."""


class Composer(Protocol):
    """Asks for tiles and puts the answers together."""

    @property
    def planes(self) -> tuple[str, ...]:
        """What is told of a pixel."""

    @property
    def ahead(self) -> int:
        """Blocks that may be read or written while another one is in work."""

    @property
    def batch(self) -> int:
        """Tiles to ask for at once."""

    def ask(self, cut: NDArray[np.uint8], core: Window | None) -> NDArray[np.uint8] | NDArray[np.float32]:
        """Return what is said of a part of tiles (tile, row, col, band), or all of them.

        Shape (tile, anything, row, col).
        """

    def compose(
        self, block: Block, answers: Iterable[tuple[Tile, NDArray[np.uint8] | NDArray[np.float32]]]
    ) -> NDArray[np.uint8]:
        """Return the planes of a block, and the probability of each class after them where it is wanted.

        Shape (plane, row, col). Answers come in the sequence of the block's tiles, without those that hold
        no data; what none of them tells is 0.
        """


class Cores:
    """Each pixel from one tile, reduced where the network runs.

    Parameters
    ----------
    segmenter
        Who is asked.
    with_all
        Whether the probability of each class is wanted, too.
    """

    def __init__(self, segmenter: Segmenter, *, with_all: bool) -> None:
        self._segmenter, self._with_all = segmenter, with_all
        self.planes, self.batch = segmenter.planes, segmenter.batch
        self.ahead = min(_MOST_AHEAD, max(2, (os.cpu_count() or 1) - segmenter.lanes))

    def ask(self, cut: NDArray[np.uint8], core: Window | None) -> NDArray[np.uint8]:
        """Return planes, and probabilities in bytes after them."""
        told = self._segmenter.predict_reduced(cut, core=core)
        if self._with_all:
            told = np.concatenate([told, _in_bytes(self._segmenter.predict_proba(cut, core=core))], axis=1)
        return told

    def compose(
        self, block: Block, answers: Iterable[tuple[Tile, NDArray[np.uint8] | NDArray[np.float32]]]
    ) -> NDArray[np.uint8]:
        """Lay cores side by side."""
        depth = len(self.planes) + self._with_all * len(self._segmenter.card.classes)
        planes = np.zeros((depth, *block.window.shape), dtype=np.uint8)
        for tile, told in answers:
            planes[:, *tile.core.within(block.window).slices] = told
        return planes


class Blended:
    """Each pixel from all tiles that hold it: the mean of their probabilities, weighted by Hann's window.

    What several members disagree on is the mean of their disagreement in each tile: tiles that disagree with
    one another are no part of it.
    """

    ahead = 0  # nineteen float planes of a block are enough at a time
    batch = 1  # sums of floats depend on their sequence, which must not be that of batches

    def __init__(self, segmenter: Segmenter, *, with_all: bool) -> None:
        self._segmenter, self._with_all = segmenter, with_all
        self.planes = segmenter.planes
        self._counted = int(segmenter.card.trained.sum())

    def ask(self, cut: NDArray[np.uint8], core: Window | None) -> NDArray[np.float32]:
        """Return probabilities, and disagreement after them."""
        return self._segmenter.predict_opinions(cut, core=core)

    def compose(
        self, block: Block, answers: Iterable[tuple[Tile, NDArray[np.uint8] | NDArray[np.float32]]]
    ) -> NDArray[np.uint8]:
        """Average, and reduce the averages."""
        classes, (height, width) = len(self._segmenter.card.classes), block.window.shape
        more = len(self.planes) - len(PLANES)
        total = np.zeros((classes + more, height, width), dtype=np.float32)
        weight = np.zeros((height, width), dtype=np.float32)
        for tile, opinions in answers:
            rows, cols = tile.core.within(tile.window).slices
            lying = np.outer(_hann(tile.window.height)[rows], _hann(tile.window.width)[cols])
            where = tile.core.within(block.window).slices
            weight[where] += lying
            total[:, *where] += opinions * lying
        depth = len(self.planes) + self._with_all * classes
        planes = np.zeros((depth, height, width), dtype=np.uint8)
        for row in range(0, height, _STRIP):
            strip = np.s_[row : row + _STRIP]
            known = weight[strip] > 0
            told = total[:, strip] / np.where(known, weight[strip], 1)
            mean, disagreed = told[:classes], told[classes:]
            doubt = special.entr(mean).sum(axis=0) / math.log(max(self._counted, 2))
            known &= ~np.isnan(doubt)
            planes[0, strip] = (mean.argmax(axis=0) + 1) * known
            planes[1, strip] = _in_bytes(mean.max(axis=0))
            planes[2, strip] = _in_bytes(doubt)
            planes[3 : 3 + more, strip] = _in_bytes(disagreed)
            if self._with_all:
                planes[3 + more :, strip] = _in_bytes(mean)
        return planes


def _in_bytes(share: NDArray[np.floating]) -> NDArray[np.uint8]:
    bounded = np.clip(np.nan_to_num(share), 0, 1)
    rounded: NDArray[np.uint8] = np.floor(bounded * 255 + 0.5).astype(np.uint8)
    return rounded


def _hann(size: int) -> NDArray[np.float32]:
    """Return Hann's window at the middles of pixels: nowhere 0."""
    return (np.sin(math.pi * (np.arange(size) + 0.5) / size) ** 2).astype(np.float32)
