"""Crops to learn from, drawn from patches: turned, mirrored, lit otherwise, some without optional bands.

What is drawn for a step hangs on the seed and the step alone, so that a training that was killed goes on with
the very crops it would have had.
"""

from __future__ import annotations

__all__ = ["MASKED", "CropSampler", "Crops"]

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ModelError
from workbench.inference.card import Band
from workbench.training.patches import LabelledPixels, PatchCache, PatchSet
from workbench.training.recipe import Recipe

MASKED = 255
"""Output number of pixels that are not learned from."""
_UNLIT = frozenset({"E", "DSM", "DTM"})
"""Bands that are heights: no light changes them."""
_AHEAD, _THREADS = 4, 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crops:
    """What one step learns from."""

    images: NDArray[np.uint8]
    """Shape (crop, row, col, band), bands of the network; 0 in those that are missing."""
    outputs: NDArray[np.uint8]
    """Shape (crop, row, col). Number of the network's output, or `MASKED`."""
    contrast: NDArray[np.float32]
    """Shape (crop, band). What normalised pixels are multiplied by; 0 where a band is missing."""
    brightness: NDArray[np.float32]
    """Shape (crop, band). What is added after that."""


class CropSampler:
    """Draws crops from patches.

    Parameters
    ----------
    patches
        Where from.
    bands
        Of the network, in its order.
    output_of
        Shape (256,). Number of the output that each code trains; `MASKED` for those that train none.
    recipe
        Size, balance and looks of crops.

    Raises
    ------
    ModelError
        No pixel of the patches trains anything.
    """

    def __init__(
        self, patches: PatchSet, *, bands: tuple[Band, ...], output_of: NDArray[np.uint8], recipe: Recipe
    ) -> None:
        self._patches, self._bands, self._output_of, self._recipe = patches, bands, output_of, recipe
        self._read = PatchCache(patches.read)
        self._side = min(recipe.crop, *patches.shape)
        trained = np.flatnonzero(output_of[: patches.pixels.shape[1]] != MASKED)
        counts = patches.pixels[:, trained]
        self._codes = trained[counts.any(axis=0)] if len(counts) else trained[:0]
        if not len(self._codes):
            raise ModelError("no labelled pixel is there to learn from; label some zones first")
        # (code, patch): pixels up to each patch, so that a patch is drawn as often as it has some of them.
        self._sums = np.cumsum(patches.pixels[:, self._codes].T, axis=1, dtype=np.int64)
        self._all = np.cumsum(counts.sum(axis=1, dtype=np.int64))
        self._lit = np.array([band.name not in _UNLIT for band in bands])
        self._sets = np.array([[band.name in one for band in bands] for one in recipe.band_sets], np.bool_)

    def batches(self, first: int) -> Generator[Crops]:
        """Yield the crops of each step from one on, for ever; some are drawn ahead in threads."""
        waiting: deque[Future[Crops]] = deque()
        pool = ThreadPoolExecutor(_THREADS)
        try:
            for step in range(first, first + _AHEAD):
                waiting.append(pool.submit(self.crops, step))
            step = first + _AHEAD
            while True:
                yield waiting.popleft().result()
                waiting.append(pool.submit(self.crops, step))
                step += 1
        finally:
            pool.shutdown(cancel_futures=True)

    def crops(self, step: int) -> Crops:
        """Draw the crops of a step."""
        rng, count = np.random.default_rng((self._recipe.seed, step)), self._recipe.batch
        shape = (count, self._side, self._side)
        images = np.zeros((*shape, len(self._bands)), np.uint8)
        outputs = np.empty(shape, np.uint8)
        present = np.empty((count, len(self._bands)), np.bool_)
        for number in range(count):
            patch, code = self._draw(rng)
            present[number] = self._fill(rng, patch, code, images[number], outputs[number])
        contrast, brightness = self._looks(rng, present)
        return Crops(images=images, outputs=outputs, contrast=contrast, brightness=brightness)

    def _draw(self, rng: np.random.Generator) -> tuple[int, int | None]:
        """Draw a patch, and the code of which a pixel must be in the crop, None for any that trains."""
        if rng.random() < self._recipe.balance:
            row = int(rng.integers(len(self._codes)))
            sums = self._sums[row]
            return int(np.searchsorted(sums, rng.integers(sums[-1]), side="right")), int(self._codes[row])
        return int(np.searchsorted(self._all, rng.integers(self._all[-1]), side="right")), None

    def _fill(
        self,
        rng: np.random.Generator,
        patch: int,
        code: int | None,
        image: NDArray[np.uint8],
        outputs: NDArray[np.uint8],
    ) -> NDArray[np.bool_]:
        """Fill one crop, (row, col, band) and (row, col); return which bands are there."""
        found, side = self._read(patch), self._side
        row, col = self._corner(rng, found, code)
        turns, mirrored = int(rng.integers(4)), bool(rng.integers(2))
        window = (slice(row, row + side), slice(col, col + side))
        outputs[:] = _turned(self._output_of[found.codes[window]], turns, mirrored=mirrored)
        bands, present = self._patches.bands[patch], np.zeros(len(self._bands), np.bool_)
        for number, band in enumerate(self._bands):
            if band.name in bands:
                present[number] = True
                plane = found.image[bands.index(band.name)][window]
                image[:, :, number] = _turned(plane, turns, mirrored=mirrored)
        return present

    def _corner(self, rng: np.random.Generator, found: LabelledPixels, code: int | None) -> tuple[int, int]:
        """Return the upper left corner of a crop that holds a pixel of a code, or any that trains."""
        wanted = found.codes == code if code is not None else self._output_of[found.codes] != MASKED
        places = np.flatnonzero(wanted)
        rows, cols = found.codes.shape
        if not len(places):  # the counts promised one: another file than was counted
            raise ModelError("a patch changed while it was learned from; train again")
        row, col = divmod(int(places[rng.integers(len(places))]), cols)
        return (_start(rng, row, rows, self._side), _start(rng, col, cols, self._side))

    def _looks(
        self, rng: np.random.Generator, present: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return contrast and brightness, each of shape (crop, band)."""
        crops, bands = present.shape
        jitter = self._recipe.jitter
        # One light for all bands, and a little of its own for each: other days, other cameras.
        contrast = np.exp(jitter * (rng.normal(size=(crops, 1)) + 0.5 * rng.normal(size=(crops, bands))))
        brightness = jitter * (2 * rng.normal(size=(crops, 1)) + rng.normal(size=(crops, bands)))
        contrast, brightness = np.where(self._lit, contrast, 1), np.where(self._lit, brightness, 0)
        kept = present & ~self._dropped(rng, present)
        return np.where(kept, contrast, 0).astype(np.float32), np.where(kept, brightness, 0).astype(
            np.float32
        )

    def _dropped(self, rng: np.random.Generator, present: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Draw which bands each crop does without, (crop, band); something is always left."""
        dropped = np.zeros_like(present)
        if self._recipe.band_dropout and len(self._sets):
            chosen = rng.random(len(present)) < self._recipe.band_dropout
            dropped = ~self._sets[rng.integers(len(self._sets), size=len(present))] & chosen[:, np.newaxis]
            dropped[~(present & ~dropped).any(axis=1)] = False
        return dropped


def _start(rng: np.random.Generator, place: int, size: int, side: int) -> int:
    """Return where a crop of a side begins that holds a place of a line, all positions as likely."""
    return int(rng.integers(max(0, place - side + 1), min(place, size - side) + 1))


def _turned(plane: NDArray[np.uint8], turns: int, *, mirrored: bool) -> NDArray[np.uint8]:
    turned = np.rot90(plane, turns)
    return turned[:, ::-1] if mirrored else turned
