"""Findings: places whose labels are worth a second look before a zone is handed in."""

from __future__ import annotations

__all__ = ["JUSTIFIABLE", "KINDS", "Finding", "Kind", "Limits", "Region", "finding_at", "regions"]

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.geo.grid import Window
from workbench.labels.edits import tight
from workbench.labels.runs import RunLengthMask

Kind = Literal[
    "unlabelled", "unresolved", "tall-water", "green-impervious", "flat-building", "sliver", "border-break"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
JUSTIFIABLE = frozenset(KINDS) - {"unlabelled"}
"""Kinds that a comment can justify; a pixel without a label is no matter of opinion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """From which figures on a place is worth a look. Widths and lengths in pixels of 0.2 m.

    The defaults keep the masks of IGN and the truth of synthetic scenes quiet and find errors planted in
    them: `tests/benchmarks/closing_checks.py` has the tables.
    """

    water_height: float = 2.0
    """Metres above ground up to which water is as it should be."""
    water_brightness: float = 0.7
    """Near infrared, as a share of the median of land in the zone, up to which water is as dark as it is."""
    full_height: float = 0.85
    """Share of a water patch above `water_height` from which on it stands up as a whole, bright or dark."""
    water_width: int = 7
    green_share: float = 0.5
    """How far NDVI may lie on the way from the zone's mineral ground (0) to its vegetation (1)."""
    green_width: int = 10
    building_height: float = 1.5
    """Metres that a building has at least."""
    greenhouse_height: float = 1.0
    flat_width: int = 15
    """More than roofs lean: an orthophoto shows high roofs a few metres beside where they stand."""
    sliver_width: int = 3
    """Strips narrower than this are slivers."""
    sliver_pixels: int = 30
    """Pixels from which on a strip is worth telling."""
    smallest_patch: int = 40
    """Pixels from which on a patch is one that somebody meant; IGN's smallest in three patches has 60."""
    break_length: int = 10
    break_contrast: float = 2.0
    """Step of the picture at the border, over its steps beside it, from which on there is an edge."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Region:
    """Some connected pixels of a zone."""

    window: Window
    """Their bounding box in the zone."""
    mask: NDArray[np.bool_]
    """Shape of the window."""

    @property
    def middle(self) -> tuple[int, int]:
        """(row, col) in the zone of the middle pixel of its middle row: cheap, and always inside."""
        below = np.cumsum(np.count_nonzero(self.mask, axis=1))
        row = int(np.searchsorted(below, (int(below[-1]) + 1) // 2))
        cols = np.flatnonzero(self.mask[row])
        return self.window.row + row, self.window.col + int(cols[cols.size // 2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One place whose labels are worth a look."""

    kind: Kind
    code: int
    """The class of most of its pixels, 0 = unlabelled."""
    pixels: int
    row: int
    """A pixel of it, for a person to go to."""
    col: int
    measured: float
    limit: float
    told: str
    """What was measured, against what, in words; classes by their keys."""
    mask: RunLengthMask
    """Which pixels they are; its window is their bounding box in the zone."""
    named: tuple[str, ...] = ()
    """What is named in `told`, in its order: keys of classes, and last the neighbour of a border."""

    @property
    def window(self) -> Window:
        """Bounding box in the zone."""
        return self.mask.window

    def contains(self, row: int, col: int) -> bool:
        """Tell whether a pixel of the zone lies in it."""
        window = self.window
        return window.contains(row, col) and bool(self.mask.decode()[row - window.row, col - window.col])


def regions(values: NDArray[np.uint8], *, least: int = 1) -> Iterator[Region]:
    """Yield the connected pixels (8 neighbours) of equal value.

    Parameters
    ----------
    values
        Shape (row, col) of the zone; 0 belongs to no region.
    least
        Pixels that a region has at least.
    """
    from skimage.measure import label

    rows, cols = np.flatnonzero(values.any(axis=1)), np.flatnonzero(values.any(axis=0))
    if not rows.size:
        return
    top, left = int(rows[0]), int(cols[0])
    part = values[top : int(rows[-1]) + 1, left : int(cols[-1]) + 1]
    # Of any value first, which is much quicker: few regions of different values touch.
    clumps, _ = ndimage.label(part, np.ones((3, 3), np.bool_))
    for clump, place in enumerate(ndimage.find_objects(clumps), start=1):
        mask = clumps[place] == clump
        if np.count_nonzero(mask) < least:
            continue
        inside = np.where(mask, part[place], np.uint8(0))
        numbers, count = label(inside, background=0, connectivity=2, return_num=True)  # type: ignore[no-untyped-call]
        height, width = mask.shape
        row, col = top + place[0].start, left + place[1].start
        window = Window(row=row, col=col, height=height, width=width)
        for number in range(1, count + 1):
            found = tight(numbers == number, window)
            if found is not None and np.count_nonzero(found[0]) >= least:
                yield Region(mask=found[0], window=found[1])


def finding_at(
    region: Region,
    kind: Kind,
    codes: NDArray[np.uint8],
    *,
    measured: float,
    limit: float,
    told: str,
    named: tuple[str, ...] = (),
) -> Finding:
    """Return the finding of a region.

    Parameters
    ----------
    region
        Where it is.
    kind, measured, limit, told, named
        As in `Finding`.
    codes
        Shape (row, col) of the zone, 0 = unlabelled.
    """
    window, mask = region.window, region.mask
    row, col = region.middle
    return Finding(
        kind=kind,
        code=int(np.bincount(codes[window.slices][mask]).argmax()),
        pixels=int(np.count_nonzero(mask)),
        row=row,
        col=col,
        measured=round(measured, 3),
        limit=round(limit, 3),
        told=told,
        mask=RunLengthMask.encode(mask, window),
        named=named,
    )
