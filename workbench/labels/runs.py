"""Masks as compressed run lengths: the pixels of an edit, small enough to keep every edit for ever.

Layout, version 1: the mask's rows one after the other are cut into runs that are in turn False and True,
beginning with False (a first run of 0 where the mask begins True). Run lengths are uint16; a longer run
is written as 65535, 0, rest. First the low bytes of all runs, then all high bytes, as one zlib stream.
"""

from __future__ import annotations

__all__ = ["MAX_MASK_PIXELS", "RunLengthMask", "check_mask", "inflate", "spans_of"]

import zlib
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.errors import EditRefused, JournalError
from workbench.geo.grid import Window
from workbench.geo.spans import bounds, spans_of_mask

MAX_MASK_PIXELS = 1 << 28
"""Largest window of one mask, in pixels (16,384²); zones stay below 10,240²."""

_LONGEST = 0xFFFF
# A zlib stream has a header of 2 bytes, at least one block, and a checksum of 4.
_SHORTEST_STREAM = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLengthMask:
    """A boolean mask over a window of the zone, held compressed.

    Equal masks over equal windows have equal bytes as long as the zlib library stays the same.
    """

    window: Window
    data: bytes
    """The zlib stream described in the module; checked when it is decoded."""

    def __post_init__(self) -> None:
        pixels = self.window.height * self.window.width
        if pixels > MAX_MASK_PIXELS:
            raise EditRefused(
                f"a mask of {pixels} pixels is larger than {MAX_MASK_PIXELS}; cut it into windows"
            )

    @classmethod
    def encode(cls, mask: NDArray[np.bool_], window: Window) -> Self:
        """Compress a mask.

        Parameters
        ----------
        mask
            Shape (row, col) of the window, True where the edit paints.
        window
            Where the mask lies in the zone.

        Examples
        --------
        >>> window = Window(row=10, col=20, height=2, width=3)
        >>> RunLengthMask.encode(np.array([[0, 1, 1], [1, 0, 0]], bool), window).decode().astype(int)
        array([[0, 1, 1],
               [1, 0, 0]])
        """
        check_mask(mask, window)
        window = Window(row=int(window.row), col=int(window.col), height=mask.shape[0], width=mask.shape[1])
        return cls._of(spans_of_mask(mask, window), window)

    @classmethod
    def of_spans(cls, spans: NDArray[np.int32]) -> Self:
        """Compress the pixels of some spans (see `workbench.geo.spans`) over the smallest window.

        >>> mask = RunLengthMask.of_spans(np.array([[10, 21, 23], [11, 20, 21]], np.int32))
        >>> mask.window, mask.decode().astype(int).tolist()
        (Window(row=10, col=20, height=2, width=3), [[0, 1, 1], [1, 0, 0]])
        """
        return cls._of(spans, bounds(spans))

    @classmethod
    def _of(cls, spans: NDArray[np.int32], window: Window) -> Self:
        planes = _planes_of(spans, window.row, window.col, window.height, window.width)
        return cls(window=window, data=zlib.compress(planes, 6))

    @property
    def pixels(self) -> int:
        """Number of pixels that are True."""
        return int(self.runs()[1::2].sum())

    def decode(self) -> NDArray[np.bool_]:
        """Return the mask, shape (row, col) of its window.

        Raises
        ------
        JournalError
            The bytes are damaged, incomplete, or hold another number of pixels than the window.
        """
        runs = self.runs()
        inside = (np.arange(runs.size) & 1).astype(np.bool_)
        return np.repeat(inside, runs).reshape(self.window.shape)

    def runs(self) -> NDArray[np.int64]:
        """Return the lengths of the runs, in turn False and True, proven to fill the window exactly.

        Raises
        ------
        JournalError
            As for `decode`.
        """
        low, high = _planes(self.data, self.window.height * self.window.width)
        runs: NDArray[np.int64] = high.astype(np.int64)
        runs <<= 8
        runs += low
        return runs

    def spans(self) -> NDArray[np.int32]:
        """Return the spans of the mask in the zone; see `spans_of`."""
        window = self.window
        return spans_of(self.data, row=window.row, col=window.col, height=window.height, width=window.width)


def spans_of(data: bytes, *, row: int, col: int, height: int, width: int) -> NDArray[np.int32]:
    """Return the spans of a mask, as `workbench.geo.spans` has them.

    Parameters
    ----------
    data
        Of a `RunLengthMask`.
    row, col, height, width
        Its window in the zone.

    Returns
    -------
    NDArray
        Shape (span, 3): row, first column and column stop in the zone.

    Raises
    ------
    JournalError
        As for `RunLengthMask.decode`.

    Examples
    --------
    >>> window = Window(row=10, col=20, height=2, width=3)
    >>> mask = RunLengthMask.encode(np.array([[0, 1, 1], [1, 0, 0]], bool), window)
    >>> spans_of(mask.data, row=10, col=20, height=2, width=3).tolist()
    [[10, 21, 23], [11, 20, 21]]
    """
    planes = _planes(data, height * width)
    spans: NDArray[np.int32] = _spans(planes, row, col, height, width)
    return spans


def check_mask(mask: NDArray[np.bool_], window: Window) -> None:
    """Refuse what is no mask of a window.

    Raises
    ------
    EditRefused
        It is not bool, or not of the window's shape.
    """
    if mask.dtype != np.bool_ or mask.shape != window.shape:
        raise EditRefused(
            f"mask is {mask.dtype} of shape {mask.shape}, its window takes bool of {window.shape}"
        )


def _planes(data: bytes, pixels: int) -> NDArray[np.uint8]:
    """Return the low bytes of all runs, and the high ones, shape (2, run), proven to be of so many pixels."""
    content = inflate(data, at_most=2 * (pixels + 2 * (pixels // _LONGEST) + 2))
    if len(content) % 2:
        raise JournalError(f"run-length mask is damaged: {len(content)} bytes do not hold whole runs")
    planes = np.frombuffer(content, np.uint8).reshape(2, -1)
    low, high = planes.sum(axis=1, dtype=np.int64).tolist()
    if low + (high << 8) != pixels:
        raise JournalError(
            f"run-length mask is damaged: runs add up to {low + (high << 8)} of {pixels} pixels"
        )
    return planes


@kernel
def _spans(planes: NDArray[np.uint8], row: int, col: int, height: int, width: int) -> NDArray[np.int32]:
    """Return the spans of runs that are proven to fill a window exactly."""
    spans = np.empty((planes.shape[1] // 2 + height, 3), np.int32)
    count, at, line, line_stop = 0, 0, row, width
    for number in range(0, planes.shape[1] - 1, 2):
        at += (np.int64(planes[1, number]) << 8) + planes[0, number]
        stop = at + (np.int64(planes[1, number + 1]) << 8) + planes[0, number + 1]
        while at >= line_stop:
            line += 1
            line_stop += width
        while at < stop:
            first, end = at - line_stop + width, min(stop, line_stop)
            spans[count, 0], spans[count, 1], spans[count, 2] = line, col + first, col + first + end - at
            count += 1
            at = end
            if at == line_stop:
                line += 1
                line_stop += width
    return spans[:count].copy()


@kernel
def _planes_of(spans: NDArray[np.int32], row: int, col: int, height: int, width: int) -> NDArray[np.uint8]:
    """Return the low bytes of the runs of a window's pixels, and the high ones, shape (2, run).

    Spans that go on from the end of a row to the beginning of the next are one run.
    """
    planes = np.empty((2, 0), np.uint8)
    for _ in range(2):
        at, count, number = 0, 0, 0
        while at < height * width:
            start = stop = height * width
            if number < len(spans):
                start = (spans[number, 0] - row) * width + spans[number, 1] - col
                stop = (spans[number, 0] - row) * width + spans[number, 2] - col
                number += 1
            while number < len(spans):
                if (spans[number, 0] - row) * width + spans[number, 1] - col != stop:
                    break
                stop = (spans[number, 0] - row) * width + spans[number, 2] - col
                number += 1
            for run in (start - at, stop - start):
                if run == 0 and start > 0:
                    break
                rest = run
                while True:
                    part = min(rest, _LONGEST)
                    if planes.shape[1]:
                        planes[0, count], planes[1, count] = part & 0xFF, part >> 8
                    count += 1
                    rest -= part
                    if rest == 0:
                        break
                    if planes.shape[1]:
                        planes[0, count], planes[1, count] = 0, 0
                    count += 1
            at = stop
        if planes.shape[1] == 0:
            planes = np.empty((2, count), np.uint8)
    return planes


def inflate(data: bytes, *, at_most: int, what: str = "run-length mask") -> bytes:
    """Decompress one whole zlib stream, never writing more than what it may hold."""
    if len(data) < _SHORTEST_STREAM:
        raise JournalError(f"{what} is damaged: {len(data)} bytes are no zlib stream")
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(data, at_most)
        if stream.unconsumed_tail and stream.decompress(stream.unconsumed_tail, 1):
            raise JournalError(f"{what} is damaged: it inflates to more than {at_most} bytes")
    except zlib.error as error:
        raise JournalError(f"{what} is damaged: {error}") from error
    if not stream.eof or stream.unused_data:
        how = "goes on after its end" if stream.eof else "ends too early"
        raise JournalError(f"{what} is damaged: its zlib stream {how}")
    return content
