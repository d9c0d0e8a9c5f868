"""Mean and spread of the bands of a release, exactly, from every pixel of its patches.

Pixels are bytes, so a histogram of 256 counts per band holds all that there is to know: it is filled in one
pass, patch by patch, in whole numbers, and what is made of it does not depend on the order of the patches.
"""

from __future__ import annotations

__all__ = ["BandStatistics", "band_statistics", "moments"]

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export.patches import IMAGE, Patch
from workbench.export.release import Release

_BYTES: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class BandStatistics:
    """What the pixels of one band are, over some patches."""

    band: str
    """Such as ``NIR``."""
    pixels: int
    mean: float
    """Of pixel values 0–255."""
    std: float
    """Of the population: divided by the number of pixels. 0 where they are all alike."""
    low: int
    """The darkest pixel."""
    high: int
    """The brightest pixel."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view; mean and std as exact as a float is."""
        return {
            "name": self.band,
            "mean": self.mean,
            "std": self.std,
            "low": self.low,
            "high": self.high,
            "pixels": self.pixels,
        }


def band_statistics(
    release: Release,
    patches: Sequence[Patch],
    *,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[BandStatistics, ...]:
    """Return the statistics of each band over some patches of a release; no patch is kept in memory.

    Parameters
    ----------
    release
        Its images are read one by one, in the layout that has most bands.
    patches
        At least one.
    progress
        Called with the patches done and their total after each.

    Returns
    -------
    tuple of BandStatistics
        In the order of the layout's bands.

    Raises
    ------
    ReleaseError
        There is no patch, or an image is not bytes in the bands of its layout.
    """
    if not patches:
        raise ReleaseError(f"{release.name}: no patch to take the statistics of; choose another split")
    layout = release.richest
    counts = np.zeros((len(layout.bands), _BYTES), np.int64)
    for done, patch in enumerate(patches, start=1):
        image = release.image(patch, layout=layout.name)
        if image.dtype != np.uint8 or len(image) != len(layout.bands):
            raise ReleaseError(
                f"{patch.files[layout.name][IMAGE].path} has {len(image)} bands of {image.dtype}, the layout "
                f"{layout.name} {len(layout.bands)} of uint8; look it over by workbench release verify"
            )
        for number, band in enumerate(image):
            counts[number] += np.bincount(band.ravel(), minlength=_BYTES)
        if progress is not None:
            progress(done, len(patches))
    return tuple(_of(name, histogram) for name, histogram in zip(layout.bands, counts, strict=True))


def moments(counts: NDArray[np.int64]) -> tuple[float, float]:
    """Return mean and standard deviation of bytes; sums are exact, only the two results are rounded.

    Parameters
    ----------
    counts
        Shape (byte,). How often each value from 0 on is there; once at least in all.

    >>> moments(np.array([1, 0, 0, 0, 1]))
    (2.0, 2.0)
    """
    whole = [int(count) for count in counts]
    total = sum(whole)
    first = Fraction(sum(value * count for value, count in enumerate(whole)), total)
    second = Fraction(sum(value * value * count for value, count in enumerate(whole)), total)
    return float(first), math.sqrt(second - first * first)


def _of(band: str, counts: NDArray[np.int64]) -> BandStatistics:
    (there,) = np.nonzero(counts)
    mean, std = moments(counts)
    return BandStatistics(
        band=band,
        pixels=int(counts.sum()),
        mean=mean,
        std=std,
        low=int(there[0]),
        high=int(there[-1]),
    )
