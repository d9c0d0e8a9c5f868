"""E*(λ) of a higra tree by our D and L, and the partition that has it."""

from __future__ import annotations

from typing import Any

import higra as hg
import numba
import numpy as np
from numpy.typing import NDArray


def energies_and_labels(
    tree: Any, image: NDArray[np.uint8], scales: tuple[float, ...], scale: float
) -> tuple[list[float], NDArray[np.int64]]:
    """Return the least D + λ·L over the cuts of a tree at each scale, and the labels of the best cut at one.

    Parameters
    ----------
    tree
        Of higra, over the pixels in raster order.
    image
        Shape (band, row, col). D has no weights.
    """
    bands, height, width = image.shape
    pixels = height * width
    parents = np.asarray(tree.parents())
    area = hg.accumulate_sequential(tree, np.ones(pixels), hg.Accumulators.sum)
    rise = np.zeros(parents.size)
    for band in range(bands):
        values = image[band].astype(np.float64).ravel()
        sums = hg.accumulate_sequential(tree, values, hg.Accumulators.sum)
        rise += hg.accumulate_sequential(tree, values**2, hg.Accumulators.sum) - sums**2 / area
    ids = np.arange(pixels).reshape(height, width)
    here = np.concatenate([ids[:, :-1].ravel(), ids[:-1].ravel()])
    there = np.concatenate([ids[:, 1:].ravel(), ids[1:].ravel()])
    inside = np.bincount(tree.lowest_common_ancestor(here, there), minlength=parents.size).astype(np.float64)
    energies = [float(_least(parents, rise, inside, pixels, value)[0]) for value in scales]
    nodes = _least(parents, rise, inside, pixels, scale)[1]
    return energies, nodes.reshape(height, width)


@numba.njit
def _least(
    parents: NDArray[np.int64],
    rise: NDArray[np.float64],
    inside: NDArray[np.float64],
    pixels: int,
    scale: float,
) -> tuple[float, NDArray[np.int64]]:
    """Return the least energy and the node of the best cut that each pixel is in; ``inside`` is edgels."""
    nodes = parents.size
    apart = scale * inside
    whole = np.zeros(nodes, np.bool_)
    energy = 0.0
    for node in range(nodes):
        whole[node] = node < pixels or rise[node] <= apart[node]
        energy = 0.0 if node < pixels else min(rise[node], apart[node])
        if node < nodes - 1:
            apart[parents[node]] += energy
    region = np.arange(nodes)
    chosen = np.zeros(nodes, np.bool_)
    for node in range(nodes - 1, -1, -1):
        above = parents[node]
        if node < nodes - 1 and chosen[above]:
            region[node], chosen[node] = region[above], True
        else:
            chosen[node] = whole[node]
    return energy, region[:pixels]
