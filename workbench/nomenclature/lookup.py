"""Pixel values through a table, in one pass; values that the table does not know are refused by name."""

from __future__ import annotations

__all__ = ["NEVER", "UNLABELLED", "ranges", "translate"]

from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.errors import NomenclatureError

NEVER = 255
"""No code, value or target is ever this one, so it marks "not in the table" on both sides of a lookup."""
UNLABELLED = 0
"""The code of pixels that nobody has labelled; it lives in the annotation store only."""

_LISTED = 8


def translate(
    pixels: NDArray[np.integer[Any]], table: Mapping[int, int], *, refusal: Callable[[str], str]
) -> NDArray[np.uint8]:
    """Replace every pixel by its entry in a table of 0–254 to 0–254.

    Parameters
    ----------
    pixels
        Any shape and integer type.
    table
        What each pixel value becomes.
    refusal
        Makes the sentence of the error from its beginning: which values are unknown, how many, and where.

    Returns
    -------
    numpy.ndarray
        A new uint8 array of the shape of ``pixels``.

    Raises
    ------
    NomenclatureError
        The array holds no integers, or some pixel is not in the table.

    >>> translate(np.array([3, 1, 3], dtype=np.uint8), {1: 10, 3: 30}, refusal=str)
    array([30, 10, 30], dtype=uint8)
    """
    if pixels.dtype.kind not in "iu":
        raise NomenclatureError(
            f"pixels are {pixels.dtype}, classes are integers; convert the raster to uint8 first"
        )
    lut = np.full(NEVER + 1, NEVER, dtype=np.uint8)
    lut[list(table)] = list(table.values())
    replaced: NDArray[np.uint8] = lut.take(_as_bytes(pixels))
    if replaced.size and replaced.max() == NEVER:
        raise NomenclatureError(refusal(_describe(pixels, replaced == NEVER)))
    return replaced


def ranges(numbers: Iterable[int]) -> str:
    """Write numbers shortly, runs as a range.

    >>> ranges([1, 2, 3, 7, 9, 8])
    '1–3, 7–9'
    """
    ordered = sorted(numbers)
    starts = [ordered[0], *(after for before, after in pairwise(ordered) if after > before + 1)]
    stops = [*(before for before, after in pairwise(ordered) if after > before + 1), ordered[-1]]
    return ", ".join(str(a) if a == b else f"{a}–{b}" for a, b in zip(starts, stops, strict=True))


def _as_bytes(pixels: NDArray[np.integer[Any]]) -> NDArray[np.uint8]:
    """Return uint8 pixels in which everything outside 0–254 is 255, so that nothing wraps into the table."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    narrow = np.full(pixels.shape, NEVER, dtype=np.uint8)
    np.copyto(narrow, pixels, where=(pixels >= 0) & (pixels < NEVER), casting="unsafe")
    return narrow


def _describe(pixels: NDArray[np.integer[Any]], unknown: NDArray[np.bool_]) -> str:
    values, counts = np.unique(pixels[unknown], return_counts=True)
    listed = [
        f"{value} in {counted(count, 'pixel')}"
        for value, count in zip(values[:_LISTED].tolist(), counts[:_LISTED].tolist(), strict=True)
    ]
    if values.size > _LISTED:
        listed.append(counted(values.size - _LISTED, "more value"))
    first = [int(index) for index in np.unravel_index(int(np.argmax(unknown)), unknown.shape)]
    where = f"(row {first[0]}, col {first[1]})" if len(first) == 2 else f"index {tuple(first)}"
    return f"unknown {'value' if values.size == 1 else 'values'} {', '.join(listed)}, first at {where}"
