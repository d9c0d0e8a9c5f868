"""Mean and spread of the bands of a release, exactly, from every pixel of its patches.

Pixels are bytes, so a histogram of 256 counts per band holds all that there is to know: it is filled in one
pass, patch by patch, in whole numbers, and what is made of it does not depend on the order of the patches.
"""

from __future__ import annotations

__all__ = ["BandStatistics", "band_statistics", "learning_statistics", "moments"]

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export.folds import PROD, SPLITS
from workbench.export.patches import IMAGE, Patch
from workbench.export.release import Release
from workbench.threads import Map

_BYTES: Final = 256


class Patches(Protocol):
    """Patches whose number is known before they are."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Patch]: ...


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
    patches: Patches,
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
    bands = release.richest.bands
    counts = np.zeros((len(bands), _BYTES), np.int64)
    for done, patch in enumerate(patches, start=1):
        counts += _histograms(release, patch)
        if progress is not None:
            progress(done, len(patches))
    return tuple(_of(name, histogram) for name, histogram in zip(bands, counts, strict=True))


def learning_statistics(
    release: Release,
    *,
    progress: Callable[[int, int], None] | None = None,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> dict[str, tuple[BandStatistics, ...]]:
    """Return the statistics of each band over TRAIN and VALID of every split, each image read once.

    Parameters
    ----------
    release, progress
        As `band_statistics` takes them.
    map
        Such as `workbench.threads.in_threads` gives.

    Returns
    -------
    dict
        By split and ``prod``; empty where a split has no patch to learn from.

    Raises
    ------
    ReleaseError
        An image is not bytes in the bands of its layout.
    """
    bands, patches = release.richest.bands, release.patches()
    counts = {split: np.zeros((len(bands), _BYTES), np.int64) for split in (*SPLITS, PROD)}

    def measured(patch: Patch) -> tuple[Patch, NDArray[np.int64]]:
        return patch, _histograms(release, patch)

    for done, (patch, found) in enumerate(map(measured, patches), start=1):
        for split, subset in patch.splits.items():
            if subset != "test":
                counts[split] += found
        if progress is not None:
            progress(done, len(patches))
    return {
        split: tuple(_of(*pair) for pair in zip(bands, own, strict=True)) if own.any() else ()
        for split, own in counts.items()
    }


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


def _histograms(release: Release, patch: Patch) -> NDArray[np.int64]:
    """Return how often each value is in each band of a patch, shape (band, byte)."""
    layout = release.richest
    image = release.image(patch, layout=layout.name)
    if image.dtype != np.uint8 or len(image) != len(layout.bands):
        raise ReleaseError(
            f"{patch.files[layout.name][IMAGE].path} has {len(image)} bands of {image.dtype}, the layout "
            f"{layout.name} {len(layout.bands)} of uint8; look it over by workbench release verify"
        )
    return np.stack([np.bincount(band.ravel(), minlength=_BYTES) for band in image])


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
