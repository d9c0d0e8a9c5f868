"""How many pixels have each code, several times as fast as by `numpy.bincount`, while other threads go on."""

from __future__ import annotations

__all__ = ["code_counts"]

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel


def code_counts(codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the number of pixels of each code from 0 to 255.

    Parameters
    ----------
    codes
        Of any shape, uint8.

    >>> code_counts(np.array([[3, 3], [0, 255]], np.uint8))[[0, 3, 255]].tolist()
    [1, 2, 1]
    """
    # Four tables: equal neighbours need not wait for each other.
    tables = np.zeros((4, 256), np.int64)
    _count(codes.reshape(-1), tables)
    counts: NDArray[np.int64] = tables.sum(axis=0)
    return counts


@kernel
def _count(codes: NDArray[np.uint8], tables: NDArray[np.int64]) -> None:
    whole = codes.size - codes.size % 4
    for place in range(0, whole, 4):
        for table in range(4):
            tables[table, codes[place + table]] += 1
    for place in range(whole, codes.size):
        tables[0, codes[place]] += 1
