"""Leaf rasters as what tells pixels from their neighbours: small in a file, and quick to unpack.

Most pixels are in the leaf of the pixel to their left or above, so two bits say where a pixel's leaf is to be
taken from: 0 left, 2 left (and another leaf above), 1 above, 3 from neither. Where neither is right, the next
of the ``starts`` is the difference to the leaf of the upper right pixel, which is nearly always 0 where a
leaf grows to the lower left. Four pixels of a square make a byte. Any raster of numbers survives this.

Measured on 22 Mpx and 300,000 leaves: 3.2 MB after deflate against 6.0 for the numbers themselves.
"""

from __future__ import annotations

__all__ = ["pack_leaves", "unpack_leaves"]

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.errors import HierarchyError


def pack_leaves(leaves: NDArray[np.uint32]) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Return a leaf raster of shape (row, col) as codes of shape (row / 2, col / 2), and its starts.

    >>> codes, starts = pack_leaves(np.array([[5, 5], [5, 6]], np.uint32))
    >>> unpack_leaves(codes, starts, (2, 2))
    array([[5, 5],
           [5, 6]], dtype=uint32)
    """
    codes = np.zeros(tuple((side + 1) // 2 for side in leaves.shape), np.uint8)
    starts = np.empty(_pack(leaves, codes, np.empty(0, np.uint32)), np.uint32)
    codes[:] = 0
    _pack(leaves, codes, starts)
    return codes, starts


def unpack_leaves(
    codes: NDArray[np.uint8], starts: NDArray[np.uint32], shape: tuple[int, int]
) -> NDArray[np.uint32]:
    """Return the leaf raster that `pack_leaves` was given.

    Raises
    ------
    HierarchyError
        Codes and starts do not fit each other, or the shape.
    """
    if codes.shape != tuple((side + 1) // 2 for side in shape):
        raise HierarchyError(f"leaf codes have shape {codes.shape}, they are for {shape} pixels")
    leaves = np.empty(shape, np.uint32)
    used = _unpack(codes, starts, leaves)
    if used != starts.size:
        raise HierarchyError(f"leaf codes ask for {used} starts, there are {starts.size}")
    return leaves


@kernel
def _pack(leaves: NDArray[np.uint32], codes: NDArray[np.uint8], starts: NDArray[np.uint32]) -> int:
    """Fill the codes and, as far as there is room, the starts; return how many starts there are."""
    height, width = leaves.shape
    count = 0
    for row in range(height):
        for col in range(width):
            leaf = leaves[row, col]
            code = 0
            if col == 0 or leaves[row, col - 1] != leaf:
                code = 1
            if row == 0 or leaves[row - 1, col] != leaf:
                code += 2
            if code == 3:
                if count < starts.size:
                    near = leaves[row - 1, col + 1] if row > 0 and col + 1 < width else np.uint32(0)
                    rise = np.int64(np.int32(leaf - near))
                    starts[count] = np.uint32((rise << 1) ^ (rise >> 63))
                count += 1
            codes[row >> 1, col >> 1] |= np.uint8(code << (4 * (row & 1) + 2 * (col & 1)))
    return count


@kernel
def _unpack(codes: NDArray[np.uint8], starts: NDArray[np.uint32], leaves: NDArray[np.uint32]) -> int:
    """Fill the leaves; return how many starts the codes ask for."""
    height, width = leaves.shape
    count = 0
    for row in range(height):
        leaf = np.uint32(0)
        for col in range(width):
            code = (codes[row >> 1, col >> 1] >> (4 * (row & 1) + 2 * (col & 1))) & 3
            if code == 3:
                near = leaves[row - 1, col + 1] if row > 0 and col + 1 < width else np.uint32(0)
                step = starts[count] if count < starts.size else np.uint32(0)
                leaf = near + ((step >> np.uint32(1)) ^ (np.uint32(0) - (step & np.uint32(1))))
                count += 1
            elif code == 1 and row > 0:
                leaf = leaves[row - 1, col]
            leaves[row, col] = leaf
    return count
