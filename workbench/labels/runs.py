"""Masks as compressed run lengths: the pixels of an edit, small enough to keep every edit for ever.

Layout, version 1: the mask's rows one after the other are cut into runs that are in turn False and True,
beginning with False (a first run of 0 where the mask begins True). Run lengths are uint16; a longer run
is written as 65535, 0, rest. First the low bytes of all runs, then all high bytes, as one zlib stream.
"""

from __future__ import annotations

__all__ = ["MAX_MASK_PIXELS", "RunLengthMask", "inflate", "mask_of", "runs_of"]

import zlib
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused, JournalError
from workbench.geo.grid import Window

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
        if mask.dtype != np.bool_ or mask.shape != window.shape:
            raise EditRefused(
                f"mask is {mask.dtype} of shape {mask.shape}, its window takes bool of {window.shape}"
            )
        window = Window(row=int(window.row), col=int(window.col), height=mask.shape[0], width=mask.shape[1])
        flat = mask.reshape(-1)
        changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
        edges = np.concatenate(([0], changes, [flat.size]) if not flat[0] else ([0, 0], changes, [flat.size]))
        runs = _split_long(np.diff(edges)).astype("<u2")
        planes = runs.view(np.uint8).reshape(-1, 2).T
        return cls(window=window, data=zlib.compress(planes.tobytes(), 6))

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
        return mask_of(self.runs(), self.window)

    def runs(self) -> NDArray[np.int64]:
        """Return the lengths of the runs, in turn False and True, proven to fill the window exactly.

        Raises
        ------
        JournalError
            As for `decode`.
        """
        return runs_of(self.data, self.window.height * self.window.width)


def runs_of(data: bytes, pixels: int) -> NDArray[np.int64]:
    """Return the runs of a mask of some pixels; see `RunLengthMask.runs`."""
    planes = inflate(data, at_most=2 * (pixels + 2 * (pixels // _LONGEST) + 2))
    if len(planes) % 2:
        raise JournalError(f"run-length mask is damaged: {len(planes)} bytes do not hold whole runs")
    low, high = np.frombuffer(planes, np.uint8).reshape(2, -1)
    runs = high.astype(np.int64)
    runs <<= 8
    runs += low
    total = int(runs.sum())
    if total != pixels:
        raise JournalError(f"run-length mask is damaged: runs add up to {total} of {pixels} pixels")
    return runs


def mask_of(runs: NDArray[np.int64], window: Window) -> NDArray[np.bool_]:
    """Return the mask that runs describe, shape (row, col) of its window."""
    inside = (np.arange(runs.size) & 1).astype(np.bool_)
    return np.repeat(inside, runs).reshape(window.shape)


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


def _split_long(runs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Write runs above 65535 as 65535, 0, …, rest, which keeps False and True in turn."""
    if runs.max() <= _LONGEST:
        return runs
    full = np.maximum(runs - 1, 0) // _LONGEST
    pieces = 2 * full + 1
    stops = np.cumsum(pieces)
    place = np.arange(stops[-1]) - np.repeat(stops - pieces, pieces)
    split = np.where(place % 2 == 0, _LONGEST, 0)
    split[stops - 1] = runs - full * _LONGEST
    return split
