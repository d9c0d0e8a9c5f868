"""Spans: pixels of a zone as stretches of its rows, for regions too large to be looked at pixel by pixel.

Spans are an array of shape (span, 3), int32: row, first column and column stop, row by row from left to
right. Each is as long as it can be: two of a row do not touch. A region of a million pixels has thousands.
"""

from __future__ import annotations

__all__ = [
    "all_are",
    "bounds",
    "kept",
    "laid_over",
    "mask_of",
    "pixel_count",
    "spans_of_labels",
    "spans_of_mask",
]

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.geo.grid import Window


def spans_of_mask(mask: NDArray[np.bool_], window: Window) -> NDArray[np.int32]:
    """Return the spans of the True pixels of a mask, shape (row, col) of its window.

    >>> mask = np.array([[0, 1, 1], [1, 0, 0]], bool)
    >>> spans_of_mask(mask, Window(row=10, col=20, height=2, width=3)).tolist()
    [[10, 21, 23], [11, 20, 21]]
    """
    spans: NDArray[np.int32] = _of_mask(np.ascontiguousarray(mask), int(window.row), int(window.col))
    return spans


def spans_of_labels(labels: NDArray[np.uint32], count: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the spans of each of the labels 0 … count − 1 of an image, in two passes over it.

    Parameters
    ----------
    labels
        Shape (row, col). Other labels are of nobody.
    count
        Number of labels.

    Returns
    -------
    spans, starts
        Those of label k are ``spans[starts[k] : starts[k + 1]]``.

    Examples
    --------
    >>> spans, starts = spans_of_labels(np.array([[1, 1, 0], [0, 9, 0]], np.uint32), 2)
    >>> spans.tolist(), starts.tolist()
    ([[0, 2, 3], [1, 0, 1], [1, 2, 3], [0, 0, 2]], [0, 3, 4])
    """
    spans, starts = _of_labels(labels, count)
    return spans, starts


def mask_of(spans: NDArray[np.int32], window: Window) -> NDArray[np.bool_]:
    """Return which pixels of a window some spans hold, shape (row, col).

    >>> spans = np.array([[10, 21, 23], [11, 20, 21]], np.int32)
    >>> mask_of(spans, Window(row=10, col=20, height=1, width=3)).tolist()
    [[False, True, True]]
    """
    mask = np.zeros(window.shape, np.bool_)
    _write(spans, int(window.row), int(window.col), mask)
    return mask


def bounds(spans: NDArray[np.int32]) -> Window:
    """Return the smallest window that holds some spans; there is at least one.

    >>> bounds(np.array([[10, 21, 23], [11, 20, 21]], np.int32))
    Window(row=10, col=20, height=2, width=3)
    """
    row, col = int(spans[0, 0]), int(spans[:, 1].min())
    return Window(row=row, col=col, height=int(spans[-1, 0]) + 1 - row, width=int(spans[:, 2].max()) - col)


def all_are(value: int, spans: NDArray[np.int32], plane: NDArray[np.uint8]) -> bool:
    """Tell whether a plane, shape (row, col) of the zone, has one value on all pixels of some spans.

    >>> all_are(3, np.array([[0, 1, 3]], np.int32), np.array([[0, 3, 3]], np.uint8))
    True
    """
    return bool(_all_are(np.uint8(value), spans, plane))


def pixel_count(spans: NDArray[np.int32]) -> int:
    """Return the number of pixels of some spans."""
    return int((spans[:, 2] - spans[:, 1]).sum(dtype=np.int64))


def kept(spans: NDArray[np.int32], allowed: NDArray[np.bool_], window: Window) -> NDArray[np.int32]:
    """Return the spans of the pixels that a mask allows; outside its window all are.

    Parameters
    ----------
    spans
        Of the pixels.
    allowed
        Shape (row, col) of the window.
    window
        Where the mask lies.

    Returns
    -------
    NDArray
        The very array that was given where all its pixels are allowed.

    Examples
    --------
    >>> spans = np.array([[10, 21, 25]], np.int32)
    >>> allowed = np.array([[False, True, False]])
    >>> kept(spans, allowed, Window(row=10, col=20, height=1, width=3)).tolist()
    [[10, 21, 22], [10, 23, 25]]
    """
    row, col = int(window.row), int(window.col)
    start, stop = np.searchsorted(spans[:, 0], (row, window.row_stop))
    part = spans[start:stop]
    first = _first_forbidden(part, allowed, row, col)
    if first == len(part):
        return spans
    return np.concatenate([spans[:start], _kept(part, allowed, row, col, first), spans[stop:]])


def laid_over(
    spans: NDArray[np.int32], cover: NDArray[np.int32], above: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return the spans of pixels that are hidden where others lie over them, and of what those show.

    Parameters
    ----------
    spans
        Of the pixels beneath.
    cover
        Of the pixels that others lie over.
    above
        Of those of them that count.

    Examples
    --------
    >>> spans, cover, above = np.array([[[0, 0, 9]], [[0, 4, 20]], [[0, 8, 12]]], np.int32)
    >>> laid_over(spans, cover, above).tolist()
    [[0, 0, 4], [0, 8, 12]]
    """
    stops = np.cumsum([len(spans), len(cover), len(above)])
    found: NDArray[np.int32] = _laid_over(np.concatenate([spans, cover, above]), stops)
    return found


@kernel
def _of_mask(mask: NDArray[np.bool_], row: int, col: int) -> NDArray[np.int32]:
    """Return the spans of a mask whose first pixel is at a place."""
    height, width = mask.shape
    spans = np.empty((0, 3), np.int32)
    for _ in range(2):
        count = 0
        for r in range(height):
            before = False
            for c in range(width):
                here = mask[r, c]
                if here != before:
                    if len(spans):
                        if here:
                            spans[count, 0], spans[count, 1], spans[count, 2] = row + r, col + c, col + width
                        else:
                            spans[count - 1, 2] = col + c
                    if here:
                        count += 1
                    before = here
        if count == 0:
            break
        if len(spans) == 0:
            spans = np.empty((count, 3), np.int32)
    return spans


@kernel
def _of_labels(labels: NDArray[np.uint32], count: int) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    height, width = labels.shape
    starts = np.zeros(count + 1, np.int64)
    for row in range(height):
        for col in range(width):
            here = labels[row, col]
            if here < count and (col == 0 or labels[row, col - 1] != here):
                starts[here + 1] += 1
    for label in range(count):
        starts[label + 1] += starts[label]
    spans, free = np.empty((starts[count], 3), np.int32), starts.copy()
    for row in range(height):
        col = 0
        while col < width:
            here, first = labels[row, col], col
            while col < width and labels[row, col] == here:
                col += 1
            if here < count:
                at = free[here]
                spans[at, 0], spans[at, 1], spans[at, 2] = row, first, col
                free[here] += 1
    return spans, starts


@kernel
def _write(spans: NDArray[np.int32], row: int, col: int, mask: NDArray[np.bool_]) -> None:
    """Set the pixels of spans in a mask whose first pixel is at a place."""
    height, width = mask.shape
    for number in range(len(spans)):
        r = spans[number, 0] - row
        first, stop = max(0, spans[number, 1] - col), min(width, spans[number, 2] - col)
        if 0 <= r < height and first < stop:
            mask[r, first:stop] = True


@kernel
def _first_forbidden(spans: NDArray[np.int32], allowed: NDArray[np.bool_], row: int, col: int) -> int:
    """Return the first span with a pixel that is not allowed, or how many there are."""
    height, width = allowed.shape
    for number in range(len(spans)):
        r = spans[number, 0] - row
        first, stop = max(0, spans[number, 1] - col), min(width, spans[number, 2] - col)
        if 0 <= r < height and first < stop:
            forbidden = np.uint8(0)
            for c in range(first, stop):
                forbidden |= np.uint8(not allowed[r, c])
            if forbidden:
                return number
    return len(spans)


@kernel
def _kept(
    spans: NDArray[np.int32], allowed: NDArray[np.bool_], row: int, col: int, first: int
) -> NDArray[np.int32]:
    """Return the spans of allowed pixels; those before the first one that has others stay as they are."""
    height, width = allowed.shape
    found = np.empty((len(spans) + 64, 3), np.int32)
    found[:first] = spans[:first]
    count = first
    for number in range(first, len(spans)):
        r, at, stop = spans[number, 0] - row, spans[number, 1], spans[number, 2]
        while at < stop:
            begin = at
            if 0 <= r < height:
                while begin < stop and 0 <= begin - col < width and not allowed[r, begin - col]:
                    begin += 1
                at = begin
                while at < stop and not (0 <= at - col < width and not allowed[r, at - col]):
                    at += 1
            else:
                at = stop
            if begin < at:
                if count == len(found):
                    found = np.concatenate((found, np.empty_like(found)))
                found[count, 0], found[count, 1], found[count, 2] = spans[number, 0], begin, at
                count += 1
    return found[:count].copy()


@kernel
def _laid_over(spans: NDArray[np.int32], stops: NDArray[np.int64]) -> NDArray[np.int32]:
    """Walk through the ends of all spans, row by row from left to right.

    ``spans`` are those beneath, the cover and those above, which stop at ``stops``.
    """
    found = np.empty_like(spans)
    count, open_col = 0, -1
    at, inside = np.array([0, stops[0], stops[1]]), np.zeros(3, np.bool_)
    while True:
        row = col = -1
        for k in range(3):
            if at[k] < stops[k]:
                r, c = spans[at[k], 0], spans[at[k], 2 if inside[k] else 1]
                if row < 0 or r < row or (r == row and c < col):
                    row, col = r, c
        if row < 0:
            return found[:count].copy()
        for k in range(3):
            while at[k] < stops[k]:
                if spans[at[k], 0] != row or spans[at[k], 2 if inside[k] else 1] != col:
                    break
                at[k] += inside[k]
                inside[k] = not inside[k]
        shows = inside[2] or (inside[0] and not inside[1])
        if shows and open_col < 0:
            open_col = col
        elif not shows and open_col >= 0:
            found[count, 0], found[count, 1], found[count, 2] = row, open_col, col
            count += 1
            open_col = -1


@kernel
def _all_are(value: np.uint8, spans: NDArray[np.int32], plane: NDArray[np.uint8]) -> bool:
    for number in range(len(spans)):
        row, first, stop = spans[number, 0], spans[number, 1], spans[number, 2]
        for col in range(first, stop):
            if plane[row, col] != value:
                return False
    return True
