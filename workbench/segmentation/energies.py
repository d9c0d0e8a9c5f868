"""The least energy of a tree: over all of its cuts, whatever it was made for."""

from __future__ import annotations

__all__ = ["least_energies"]

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel


def least_energies(
    leaves: NDArray[np.uint32],
    s: NDArray[np.float32],
    area: NDArray[np.uint32],
    sums: NDArray[np.float64],
    squares: NDArray[np.float64],
    *,
    weights: NDArray[np.float64],
    scales: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the least D + λ·L over the cuts of a tree at each λ, and how many regions the cut has.

    D is the squared difference of each band to its mean in the region, times the band's weight; L counts each
    edgel between two regions once. A node's D follows from its leaves' sums, and its boundary from theirs and
    from the edgels inside it; dynamic programming on the tree finds the best cut (Guigues et al. 2006). Where
    the tree was made for this very energy it is the cut at λ. O(edgels + leaves · (bands + λs)).

    Parameters
    ----------
    leaves
        Shape (row, col). Leaf of each pixel; numbers that are no leaf are nodata.
    s
        Shape (leaf,). Altitude of the lowest common ancestor of leaves j − 1 and j.
    area, sums, squares
        Shapes (leaf,), (band, leaf) and (band, leaf).
    weights
        Shape (band,).
    scales
        Shape (λ,).

    Returns
    -------
    energies, regions
        Shape (λ,).
    """
    boundary, inside = _edgels(leaves, s)
    return _least(s, area, sums, squares, weights, scales, boundary, inside)


@kernel
def _edgels(
    leaves: NDArray[np.uint32], s: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the edgels of each leaf to others; and at the j with the largest s between both sides of each."""
    count = s.size
    above = np.empty(count, np.int64)  # the next j with a larger s
    waiting, height = np.empty(count, np.int64), 0
    for j in range(count):
        while height > 0 and s[waiting[height - 1]] < s[j]:
            height -= 1
            above[waiting[height]] = j
        waiting[height] = j
        height += 1
    for at in range(height):
        above[waiting[at]] = count
    boundary, inside = np.zeros(count, np.int64), np.zeros(count, np.int64)
    rows, cols = leaves.shape
    for row in range(rows):
        for col in range(cols):
            here = int(leaves[row, col])
            for down in range(2):
                r, c = row + down, col + 1 - down
                if here >= count or r >= rows or c >= cols:
                    continue
                there = int(leaves[r, c])
                if there >= count or there == here:
                    continue
                boundary[here] += 1
                boundary[there] += 1
                j, last = min(here, there) + 1, max(here, there)
                while above[j] <= last:
                    j = int(above[j])
                inside[j] += 1
    return boundary, inside


@kernel
def _least(
    s: NDArray[np.float32],
    area: NDArray[np.uint32],
    sums: NDArray[np.float64],
    squares: NDArray[np.float64],
    weights: NDArray[np.float64],
    scales: NDArray[np.float64],
    boundary: NDArray[np.int64],
    inside: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    count, bands, many = s.size, weights.size, scales.size
    # A stack of finished nodes: the altitude in front of each, what it is made of, and the best below it.
    before = np.empty(count, np.float32)
    pixels, border = np.empty(count), np.empty(count)
    total, total_squares = np.empty((count, bands)), np.empty((count, bands))
    least, regions = np.empty((count, many)), np.empty((count, many), np.int64)
    # Edgels inside whose j is passed once the node in front of it is joined to those behind it.
    across = np.empty(count, np.int64)
    height = 0
    for leaf in range(count + 1):
        here = s[leaf] if leaf < count else np.float32(np.inf)
        while height > 1 and before[height - 1] < here:
            level = before[height - 1]
            run = height - 1
            while run > 0 and before[run] == level:
                run -= 1
            for at in range(run + 1, height):
                pixels[run] += pixels[at]
                border[run] += border[at] - 2.0 * across[at]
                for band in range(bands):
                    total[run, band] += total[at, band]
                    total_squares[run, band] += total_squares[at, band]
                for k in range(many):
                    least[run, k] += least[at, k]
                    regions[run, k] += regions[at, k]
            rise = 0.0
            for band in range(bands):
                rise += weights[band] * (total_squares[run, band] - total[run, band] ** 2 / pixels[run])
            for k in range(many):
                whole = max(rise, 0.0) + 0.5 * scales[k] * border[run]
                if whole <= least[run, k]:
                    least[run, k], regions[run, k] = whole, 1
            height = run + 1
        if leaf < count:
            before[height], across[height] = here, inside[leaf]
            pixels[height], border[height] = area[leaf], boundary[leaf]
            rise = 0.0
            for band in range(bands):
                total[height, band], total_squares[height, band] = sums[band, leaf], squares[band, leaf]
                rise += weights[band] * (squares[band, leaf] - sums[band, leaf] ** 2 / area[leaf])
            for k in range(many):
                least[height, k] = max(rise, 0.0) + 0.5 * scales[k] * boundary[leaf]
                regions[height, k] = 1
            height += 1
    energies, counts = np.zeros(many), np.zeros(many, np.int64)
    for at in range(height):
        for k in range(many):
            energies[k] += least[at, k]
            counts[k] += regions[at, k]
    return energies, counts
