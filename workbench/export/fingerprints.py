"""Fingerprints: what a picture is recognised by after it was brightened, encoded again or shifted a little.

The hash is the DCT hash of Zauner (*Implementation and Benchmarking of Perceptual Image Hash Functions*,
2010, section 3.2): means of 32 × 32 squares, their cosine transform, and of its 8 × 8 lowest frequencies
without the mean whether each is above their median: 64 bits. All sums are of whole numbers, so that the same
pixels give the same bits on every machine.

Whether two pictures with near hashes are one is told by their correlation, at 128 × 128 means, for the best
of small shifts.
"""

from __future__ import annotations

__all__ = ["BITS", "LIGHT", "Fingerprint", "correlation", "fingerprint", "luminance"]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

BITS: Final = 64
"""Length of a hash."""
_SIDE, _LOWEST = 32, 8
_FREQUENCIES = np.arange(1, _LOWEST + 1)[:, np.newaxis]
_COSINES: Final = np.rint(
    np.cos(np.pi * _FREQUENCIES * (2 * np.arange(_SIDE) + 1) / (2 * _SIDE)) * (1 << 14)
).astype(np.int64)
"""Shape (frequency, square); each row adds up to 0, so that brightness is nothing."""
_WEIGHTS: Final = {"R": 77, "G": 150, "B": 29}
"""Of ITU-R BT.601, in 256ths."""
LIGHT: Final = frozenset(_WEIGHTS)
"""Bands that luminance is made of, where a picture has them."""
_COMPARED: Final = 128
_REACH: Final = 4
"""Squares of the 128 that pictures are shifted by: 3.2 m on a patch of 102.4 m."""
_FLAT: Final = 1e-3
"""Of squares of 256ths of a level: below, rounding is all that a picture shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What a picture is recognised by."""

    hash: str
    """16 hexadecimal digits."""
    contrast: float
    """Standard deviation of its luminance, 0 to 127.5."""


def luminance(image: NDArray[np.uint8], bands: Sequence[str]) -> NDArray[np.uint8]:
    """Return how bright pixels are, shape (row, col): of R, G and B, or the mean of what bands there are.

    Heights (E) are no light.

    >>> int(luminance(np.full((4, 1, 1), 200, np.uint8), ["R", "G", "B", "NIR"])[0, 0])
    200
    """
    if set(bands) >= LIGHT:
        red, green, blue = (image[bands.index(band)] * np.uint16(weight) for band, weight in _WEIGHTS.items())
        grey: NDArray[np.uint16] = red + green + blue + np.uint16(128)
        return (grey >> np.uint16(8)).astype(np.uint8)
    shown = [place for place, band in enumerate(bands) if band != "E"] or [*range(len(bands))]
    total: NDArray[np.uint16] = image[shown].sum(axis=0, dtype=np.uint16)
    return (total // np.uint16(len(shown))).astype(np.uint8)


def fingerprint(pixels: NDArray[np.uint8]) -> Fingerprint:
    """Return the fingerprint of a picture from its luminance, shape (row, col).

    >>> fingerprint(np.full((64, 64), 7, np.uint8))
    Fingerprint(hash='0000000000000000', contrast=0.0)
    """
    waves = (_COSINES @ _means(pixels, _SIDE) @ _COSINES.T).ravel()
    # The median of an even number of whole numbers lies between two of them.
    middle = np.sort(waves)[BITS // 2 - 1 : BITS // 2 + 1].sum()
    bits = np.packbits(2 * waves > middle)
    total, squares = (
        int(pixels.sum(dtype=np.int64)),
        int(np.square(pixels, dtype=np.uint16).sum(dtype=np.int64)),
    )
    contrast = math.sqrt(pixels.size * squares - total * total) / pixels.size
    return Fingerprint(hash=bits.tobytes().hex(), contrast=round(contrast, 3))


def correlation(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Return the correlation of two pictures for the best of small shifts, −1 to 1; 0 where one is flat.

    Parameters
    ----------
    one, other
        Luminance, shape (row, col), each of any size.
    """
    from scipy.fft import irfft2, next_fast_len, rfft2

    first, second = (_means(pixels, _COMPARED).astype(np.float64) for pixels in (one, other))
    first, second = first - first.mean(), second - second.mean()
    size = (next_fast_len(_COMPARED + _REACH, real=True),) * 2  # around the edges only shifts beyond reach
    waves = [rfft2(values, size) for values in (first, second)]
    shifts = np.arange(-_REACH, _REACH + 1)
    products = irfft2(waves[0] * waves[1].conj(), size)[np.ix_(shifts, shifts)]
    count = np.multiply.outer(_COMPARED - abs(shifts), _COMPARED - abs(shifts))
    sums = [_shifted_sums(first), _shifted_sums(second)[::-1, ::-1]]
    squares = [_shifted_sums(first**2), _shifted_sums(second**2)[::-1, ::-1]]
    spread = [np.maximum(square - total**2 / count, 0) for total, square in zip(sums, squares, strict=True)]
    varied = np.sqrt(spread[0] * spread[1])
    found = np.divide(
        products - sums[0] * sums[1] / count, varied, out=np.zeros_like(varied), where=varied > _FLAT
    )
    return float(found.max())


def _shifted_sums(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of what is left of squares when others are shifted, shape (rows shifted, columns)."""
    side = len(values)
    added = np.pad(values.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    begins = np.maximum(np.arange(-_REACH, _REACH + 1), 0)
    ends = side - begins[::-1]
    low, high = np.ix_(begins, begins), np.ix_(ends, ends)
    found: NDArray[np.float64] = (
        added[high] - added[np.ix_(begins, ends)] - added[np.ix_(ends, begins)] + added[low]
    )
    return found


def _means(pixels: NDArray[np.uint8], side: int) -> NDArray[np.int64]:
    """Return the means of ``side × side`` squares in 256ths; squares of what has fewer pixels repeat them."""
    rows, cols = (np.arange(side) * length // side for length in pixels.shape)
    sums = np.add.reduceat(pixels, cols, axis=1, dtype=np.uint32)
    sums = np.add.reduceat(sums, rows, axis=0, dtype=np.uint32).astype(np.int64)
    heights, widths = (
        np.maximum(np.diff(begins, append=length), 1)
        for begins, length in zip((rows, cols), pixels.shape, strict=True)
    )
    found: NDArray[np.int64] = (sums << 8) // np.outer(heights, widths)
    return found
