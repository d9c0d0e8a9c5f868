"""Questions to ``s``: which interval of leaves is a node, where its pixels are, where boundaries run.

Everything here runs on one thread without the GIL and is fast enough to follow the pointer.
"""

from __future__ import annotations

__all__ = [
    "box_of",
    "cut_lut",
    "gather",
    "gather_over",
    "interval_at",
    "leaf_boxes",
    "leaf_pixels",
    "mask_of",
    "node_edges",
    "region_edges",
    "sampled",
    "splits_of",
]

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel


@kernel
def interval_at(s: NDArray[np.float32], first: int, stop: int, scale: np.float32) -> tuple[int, int, float]:
    """Widen an interval of leaves as far as s ≤ scale; return (first, stop, largest s inside)."""
    while s[first] <= scale:
        first -= 1
    while stop < s.size and s[stop] <= scale:
        stop += 1
    altitude = np.float32(0)
    for leaf in range(first + 1, stop):
        altitude = max(altitude, s[leaf])
    return first, stop, float(altitude)


@kernel
def splits_of(s: NDArray[np.float32], first: int, stop: int, altitude: np.float32) -> NDArray[np.int64]:
    """Return where an interval's children begin: its first leaf, and each leaf at the interval's altitude."""
    count = 1
    for leaf in range(first + 1, stop):
        if s[leaf] == altitude:
            count += 1
    starts = np.empty(count, np.int64)
    starts[0] = first
    at = 1
    for leaf in range(first + 1, stop):
        if s[leaf] == altitude:
            starts[at] = leaf
            at += 1
    return starts


@kernel
def cut_lut(s: NDArray[np.float32], scale: np.float32) -> tuple[NDArray[np.uint32], int]:
    """Return the region of each leaf in the cut at a scale, and the number of regions."""
    lut = np.empty(s.size, np.uint32)
    region = -1
    for leaf in range(s.size):
        if s[leaf] > scale:
            region += 1
        lut[leaf] = region
    return lut, region + 1


@kernel
def gather(leaves: NDArray[np.uint32], lut: NDArray[np.uint32], nodata: int) -> NDArray[np.uint32]:
    """Return lut[leaves], and nodata where there is no leaf."""
    height, width = leaves.shape
    labels = np.empty((height, width), np.uint32)
    for row in range(height):
        for col in range(width):
            leaf = leaves[row, col]
            labels[row, col] = nodata if leaf == nodata else lut[leaf]
    return labels


@kernel
def sampled(
    leaves: NDArray[np.uint32], rows: NDArray[np.int64], cols: NDArray[np.int64], nodata: int
) -> NDArray[np.uint32]:
    """Return the leaves where some rows and columns cross, nodata outside the image."""
    height, width = leaves.shape
    found = np.empty((rows.size, cols.size), np.uint32)
    for i in range(rows.size):
        row = rows[i]
        if row < 0 or row >= height:
            found[i] = nodata
            continue
        for j in range(cols.size):
            col = cols[j]
            found[i, j] = leaves[row, col] if 0 <= col < width else nodata
    return found


@kernel
def gather_over(
    labels: NDArray[np.uint32], leaves: NDArray[np.uint32], lut: NDArray[np.uint32], nodata: int
) -> None:
    """Write lut[leaves] over labels, except where there is no leaf."""
    height, width = leaves.shape
    for row in range(height):
        for col in range(width):
            leaf = leaves[row, col]
            if leaf != nodata:
                labels[row, col] = lut[leaf]


@kernel
def leaf_boxes(leaves: NDArray[np.uint32], count: int, nodata: int) -> NDArray[np.int32]:
    """Return each leaf's bounding box as (row, col, row stop, col stop), shape (leaf, 4)."""
    height, width = leaves.shape
    boxes = np.empty((count, 4), np.int32)
    boxes[:, 0], boxes[:, 1], boxes[:, 2], boxes[:, 3] = height, width, 0, 0
    for row in range(height):
        col = 0
        while col < width:
            leaf, first = leaves[row, col], col
            while col < width and leaves[row, col] == leaf:
                col += 1
            if leaf != nodata:
                boxes[leaf, 0] = min(boxes[leaf, 0], row)
                boxes[leaf, 1] = min(boxes[leaf, 1], first)
                boxes[leaf, 2] = row + 1
                boxes[leaf, 3] = max(boxes[leaf, 3], col)
    return boxes


@kernel
def leaf_pixels(leaves: NDArray[np.uint32], count: int, nodata: int) -> NDArray[np.int64]:
    """Return each leaf's first pixel in raster order, as a flat index; shape (leaf,)."""
    pixels = np.full(count, -1, np.int64)
    height, width = leaves.shape
    for row in range(height):
        for col in range(width):
            leaf = leaves[row, col]
            if leaf != nodata and pixels[leaf] < 0:
                pixels[leaf] = row * width + col
    return pixels


@kernel
def box_of(boxes: NDArray[np.int32], first: int, stop: int) -> tuple[int, int, int, int]:
    """Return the bounding box of an interval of leaves."""
    row, col, row_stop, col_stop = boxes[first, 0], boxes[first, 1], boxes[first, 2], boxes[first, 3]
    for leaf in range(first + 1, stop):
        row, col = min(row, boxes[leaf, 0]), min(col, boxes[leaf, 1])
        row_stop, col_stop = max(row_stop, boxes[leaf, 2]), max(col_stop, boxes[leaf, 3])
    return row, col, row_stop, col_stop


@kernel
def mask_of(leaves: NDArray[np.uint32], first: int, stop: int) -> NDArray[np.bool_]:
    """Return which pixels belong to an interval of leaves."""
    height, width = leaves.shape
    mask = np.empty((height, width), np.bool_)
    for row in range(height):
        for col in range(width):
            leaf = leaves[row, col]
            mask[row, col] = first <= leaf < stop
    return mask


@kernel
def region_edges(leaves: NDArray[np.uint32], levels: NDArray[np.uint8], nodata: int) -> NDArray[np.uint8]:
    """Return for each pixel the highest level between it and its right or lower neighbour.

    The level between leaves i < j is the largest of levels[i + 1 … j], found in two reads of a table of the
    largest level in every run of 1, 2, 4 … leaves. Against nodata it is 255, between nodata 0.
    """
    count = levels.size
    depth = 1
    while (1 << depth) <= count:
        depth += 1
    table = np.empty((depth, count), np.uint8)
    table[0] = levels
    for k in range(1, depth):
        half = 1 << (k - 1)
        for leaf in range(count):
            beyond = min(leaf + half, count - 1)
            table[k, leaf] = max(table[k - 1, leaf], table[k - 1, beyond])
    logs = np.zeros(count + 1, np.uint8)
    for length in range(2, count + 1):
        logs[length] = logs[length // 2] + 1
    height, width = leaves.shape
    edges = np.zeros((height, width), np.uint8)
    for row in range(height):
        for col in range(width):
            here = leaves[row, col]
            highest = np.uint8(0)
            for step in range(2):
                r, c = row + step, col + 1 - step
                if r >= height or c >= width or leaves[r, c] == here:
                    continue
                there = leaves[r, c]
                if here == nodata or there == nodata:
                    highest = np.uint8(255)
                    continue
                low, high = int(min(here, there)) + 1, int(max(here, there)) + 1
                k = int(logs[high - low])
                level = max(table[k, low], table[k, high - (1 << k)])
                highest = max(highest, level)
            edges[row, col] = highest
    return edges


@kernel
def node_edges(
    leaves: NDArray[np.uint32],
    s: NDArray[np.float32],
    first: int,
    stop: int,
    scales: NDArray[np.float32],
    nodata: int,
) -> NDArray[np.uint8]:
    """Return what `region_edges` gives for the pixels of a node, and 0 for others.

    Parameters
    ----------
    leaves
        Shape (row, col). The node's bounding box, and one row and column more where the image goes on.
    s
        Shape (leaf,). Of the whole hierarchy.
    first, stop
        Leaves of the node.
    scales
        Shape (level,), rising. The level of an edge is how many of them are below its altitude.
    nodata
        Number of pixels without a leaf.
    """
    # Largest s in every run of 1, 2, 4 … of the node's leaves, for two reads per edge as in region_edges.
    count = stop - first
    depth = 1
    while (1 << depth) <= count:
        depth += 1
    table = np.empty((depth, count), np.float32)
    table[0] = s[first:stop]
    for k in range(1, depth):
        half = 1 << (k - 1)
        for leaf in range(count):
            table[k, leaf] = max(table[k - 1, leaf], table[k - 1, min(leaf + half, count - 1)])
    logs = np.zeros(count + 1, np.uint8)
    for length in range(2, count + 1):
        logs[length] = logs[length // 2] + 1
    # All leaves of the node have the same altitude of meeting with a leaf outside: the largest s on the way.
    lowest, highest_leaf = first, stop - 1
    height, width = leaves.shape
    for row in range(height):
        for col in range(width):
            if leaves[row, col] != nodata:
                lowest = min(lowest, int(leaves[row, col]))
                highest_leaf = max(highest_leaf, int(leaves[row, col]))
    before, after = np.empty(first - lowest, np.float32), np.empty(highest_leaf + 1 - stop, np.float32)
    altitude = np.float32(0)
    for leaf in range(first - 1, lowest - 1, -1):
        altitude = max(altitude, s[leaf + 1])
        before[leaf - lowest] = altitude
    altitude = np.float32(0)
    for leaf in range(stop, highest_leaf + 1):
        altitude = max(altitude, s[leaf])
        after[leaf - stop] = altitude
    edges = np.zeros((height, width), np.uint8)
    for row in range(height):
        for col in range(width):
            here = leaves[row, col]
            if here < first or here >= stop:
                continue
            altitude = np.float32(-1)
            for step in range(2):
                r, c = row + step, col + 1 - step
                if r >= height or c >= width or leaves[r, c] == here:
                    continue
                there = leaves[r, c]
                if there == nodata:
                    altitude = np.float32(np.inf)
                elif there < first:
                    altitude = max(altitude, before[there - lowest])
                elif there >= stop:
                    altitude = max(altitude, after[there - stop])
                else:
                    low, high = int(min(here, there)) + 1 - first, int(max(here, there)) + 1 - first
                    k = int(logs[high - low])
                    altitude = max(altitude, table[k, low], table[k, high - (1 << k)])
            if altitude >= 0:
                edges[row, col] = np.searchsorted(scales, altitude)
    return edges
