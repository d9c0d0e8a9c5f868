"""Slivers: strips and patches that are too small to have been meant."""

from __future__ import annotations

__all__ = ["find_slivers", "small_patches"]

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.assessment.findings import Finding, Limits, finding_at, regions
from workbench.assessment.squares import wide_parts
from workbench.compiled import kernel
from workbench.counting import counted

_OUTSIDE, _UNLABELLED = 0, 255


def find_slivers(codes: NDArray[np.uint8], footprint: NDArray[np.bool_], limits: Limits) -> Iterator[Finding]:
    """Yield strips narrower, and patches smaller, than anybody draws; none that the footprint's border cuts.

    Parameters
    ----------
    codes
        Shape (row, col), 0 = unlabelled.
    footprint
        Shape (row, col), True inside the zone.
    limits
        From which sizes on.
    """
    # Unlabelled pixels are a neighbour like any class; what lies outside fits every class.
    marked = np.where(footprint, np.where(codes == 0, np.uint8(_UNLABELLED), codes), np.uint8(_OUTSIDE))
    small = small_patches(marked, limits.smallest_patch)
    thin = ~wide_parts(marked, limits.sliver_width) & ~small & (marked != _UNLABELLED)
    for region in regions(marked * thin, least=limits.sliver_pixels):
        length = max(region.window.shape)
        told = f"a strip {length} pixels long, narrower than {limits.sliver_width}"
        width = np.count_nonzero(region.mask) / length
        yield finding_at(region, "sliver", codes, measured=width, limit=limits.sliver_width, told=told)
    for region in regions(marked * (small & (marked != _UNLABELLED))):
        pixels = int(np.count_nonzero(region.mask))
        told = f"a patch of {counted(pixels, 'pixel')}, what is drawn has at least {limits.smallest_patch}"
        yield finding_at(region, "sliver", codes, measured=pixels, limit=limits.smallest_patch, told=told)


@kernel
def _ends_within(
    codes: NDArray[np.uint8], row: int, col: int, rows: NDArray[np.int64], cols: NDArray[np.int64]
) -> bool:
    """Tell whether the patch of a pixel has fewer pixels than there is room for, and none beside outside.

    Parameters
    ----------
    codes
        Shape (row, col).
    row, col
        The pixel.
    rows, cols
        Room for the pixels of the patch, changed.
    """
    height, width = codes.shape
    rows[0], cols[0] = row, col
    count, at = 1, 0
    while at < count:
        for step in range(9):
            y, x = rows[at] + step // 3 - 1, cols[at] + step % 3 - 1
            if y < 0 or x < 0 or y >= height or x >= width or codes[y, x] == 0:
                return False
            if codes[y, x] != codes[row, col]:
                continue
            met = False
            for before in range(count):
                met |= rows[before] == y and cols[before] == x
            if not met:
                if count + 1 >= rows.size:
                    return False
                rows[count], cols[count] = y, x
                count += 1
        at += 1
    return count < rows.size


@kernel
def small_patches(codes: NDArray[np.uint8], fewest: int) -> NDArray[np.bool_]:
    """Return the pixels of patches that are smaller than some pixels and do not touch what lies outside.

    A patch is what hangs together by 8 neighbours. Row by row: a pixel shares the fate of a neighbour before
    it of the same code; only one that has none is looked around, as far as the patch may be small.

    Parameters
    ----------
    codes
        Shape (row, col); 0 is outside, as is what lies beyond the raster.
    fewest
        Pixels from which on a patch is not small.
    """
    height, width = codes.shape
    small = np.zeros((height, width), np.bool_)
    rows, cols = np.empty(fewest, np.int64), np.empty(fewest, np.int64)
    for row in range(height):
        for col in range(width):
            code = codes[row, col]
            if code == 0:
                continue
            known = False
            if col > 0 and codes[row, col - 1] == code:
                small[row, col], known = small[row, col - 1], True
            elif row > 0:
                for beside in range(max(0, col - 1), min(width, col + 2)):
                    if not known and codes[row - 1, beside] == code:
                        small[row, col], known = small[row - 1, beside], True
            if not known:
                small[row, col] = _ends_within(codes, row, col, rows, cols)
    return small
