"""A refinement as an edit: finer regions inside one region of the author's hierarchy, with their result.

Labels never need it. It is in the journal so that an author who opens the zone again finds the regions that
they had, without segmenting anything again; a refinement of another hierarchy is passed over.

Layout of the body, version 1: the run-length mask of the region (``mask_bytes`` of it, see
`workbench.labels.runs`), then one zlib stream of these arrays, each as all lowest bytes, then all second
bytes and so on: new leaf of each of the region's pixels from 0 on, uint32; ``s`` from the second leaf on,
float32; ``sums`` and ``squares`` of shape (band, leaf), float64.
"""

from __future__ import annotations

__all__ = ["MOST_BANDS", "MOST_LEAVES", "MOST_PIXELS", "MOST_SPANNED", "FinerRegions", "Refine"]

import zlib
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused, JournalError
from workbench.geo.grid import Window
from workbench.labels.runs import RunLengthMask, inflate

# Higher levels save a tenth at most and take several times as long, while somebody waits.
_LEVEL = 1

MOST_PIXELS, MOST_SPANNED, MOST_LEAVES, MOST_BANDS = 1 << 20, 1 << 22, 1 << 18, 64
"""Largest region of one refinement, its window, and what it may hold: what a reader takes memory for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinerRegions:
    """What a refinement puts inside its region; the names are those of `workbench.segmentation`."""

    mask: NDArray[np.bool_]
    """Shape (row, col) of the window: the region's pixels."""
    leaves: NDArray[np.uint32]
    """Shape (pixel,). New leaf of each of the region's pixels in raster order, from 0 on."""
    s: NDArray[np.float32]
    """Shape (leaf,). Altitude between leaves j − 1 and j, inf at 0."""
    sums: NDArray[np.float64]
    """Shape (band, leaf)."""
    squares: NDArray[np.float64]
    """Shape (band, leaf)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refine:
    """Give a region of the author's hierarchy finer regions inside; no label changes."""

    window: Window
    """Bounding box of the region in the zone."""
    leaf_count: int
    band_count: int
    mask_bytes: int
    data: bytes
    """The body described in the module; checked when it is decoded."""
    hierarchy_digest: str
    """The hierarchy that it was made on, with the author's refinements before it."""
    scale: float
    """Scale (λ) at which the region was picked."""
    row: int
    """Row of the picked pixel in the zone."""
    col: int

    def __post_init__(self) -> None:
        if not (2 <= self.leaf_count <= MOST_LEAVES and 1 <= self.band_count <= MOST_BANDS):
            raise EditRefused(
                f"a refinement has 2 to {MOST_LEAVES} leaves and 1 to {MOST_BANDS} bands, "
                f"not {self.leaf_count} and {self.band_count}"
            )
        if self.window.height * self.window.width > MOST_SPANNED:
            raise EditRefused(f"a refinement's window has at most {MOST_SPANNED} pixels, not {self.window}")
        if not self.window.contains(self.row, self.col):
            raise EditRefused(f"pick ({self.row}, {self.col}) lies outside the refinement's {self.window}")
        if not 0 <= self.mask_bytes <= len(self.data):
            raise EditRefused(f"a mask of {self.mask_bytes} bytes does not fit a body of {len(self.data)}")

    @classmethod
    def encode(
        cls, finer: FinerRegions, window: Window, *, hierarchy_digest: str, scale: float, row: int, col: int
    ) -> Self:
        """Compress a refinement.

        Raises
        ------
        EditRefused
            The region is larger, or finer, than what a journal takes.
        """
        pixels = finer.leaves.size
        if pixels > MOST_PIXELS:
            raise EditRefused(f"a refinement of {pixels} pixels is larger than {MOST_PIXELS}; take a smaller")
        mask = RunLengthMask.encode(finer.mask, window).data
        arrays = (
            (finer.leaves, "<u4"),
            (finer.s[1:], "<f4"),
            (finer.sums, "<f8"),
            (finer.squares, "<f8"),
        )
        planes = b"".join(
            np.ascontiguousarray(array, kind).reshape(-1).view(np.uint8).reshape(-1, int(kind[2])).T.tobytes()
            for array, kind in arrays
        )
        return cls(
            window=window,
            leaf_count=finer.s.size,
            band_count=finer.sums.shape[0],
            mask_bytes=len(mask),
            data=mask + zlib.compress(planes, _LEVEL),
            hierarchy_digest=hierarchy_digest,
            scale=float(scale) + 0.0,  # SQLite keeps no negative zero
            row=int(row),
            col=int(col),
        )

    def decode(self) -> FinerRegions:
        """Return what the refinement holds.

        Raises
        ------
        JournalError
            The body is damaged, larger than a refinement may be, or holds numbers that cannot be.
        """
        mask = RunLengthMask(window=self.window, data=self.data[: self.mask_bytes])
        pixels, leaves, bands = mask.pixels, self.leaf_count, self.band_count
        if not 2 <= pixels <= MOST_PIXELS or leaves > pixels:
            raise JournalError(f"a refinement of {pixels} pixels cannot have {leaves} leaves")
        sizes = ((pixels, "<u4"), (leaves - 1, "<f4"), (bands * leaves, "<f8"), (bands * leaves, "<f8"))
        total = sum(size * int(kind[2]) for size, kind in sizes)
        planes = inflate(self.data[self.mask_bytes :], at_most=total, what="refinement")
        if len(planes) != total:
            raise JournalError(f"refinement is damaged: it holds {len(planes)} bytes of {total}")
        arrays: list[NDArray[Any]] = []
        begin = 0
        for size, kind in sizes:
            part = np.frombuffer(planes, np.uint8, size * int(kind[2]), begin).reshape(int(kind[2]), -1)
            arrays.append(np.ascontiguousarray(part.T).view(kind).reshape(-1))
            begin += part.size
        numbers, inner, sums, squares = arrays
        used = np.bincount(np.minimum(numbers, leaves), minlength=leaves)
        if used.size != leaves or not used.all():
            raise JournalError(f"refinement is damaged: its pixels are not of {leaves} leaves")
        if not all(np.isfinite(array).all() for array in (inner, sums, squares)) or inner.min() < 0:
            raise JournalError("refinement is damaged: its altitudes and sums are not finite numbers")
        return FinerRegions(
            mask=mask.decode(),
            leaves=numbers.astype(np.uint32),
            s=np.concatenate([[np.inf], inner]).astype(np.float32),
            sums=sums.reshape(bands, leaves).astype(np.float64),
            squares=squares.reshape(bands, leaves).astype(np.float64),
        )
