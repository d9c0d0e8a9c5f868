"""The labels of a zone are the fold of its ops: paint them in order, leaving out what was undone.

`fold` is the definition; `refold` gives the same pixels for one window without starting from the first op.
"""

from __future__ import annotations

__all__ = ["area", "fold", "histogram", "hull", "paint", "refold"]

from collections.abc import Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from workbench.errors import JournalError
from workbench.geo.grid import Window
from workbench.labels.edits import AssignMask
from workbench.labels.history import OpTable

_PIXELS_AT_ONCE = 1 << 20  # numpy counts in 8 bytes per pixel


def fold(table: OpTable, footprint: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Paint the edits that count one over the other.

    Parameters
    ----------
    table
        Ops in their total order.
    footprint
        Shape (row, col), True where the zone is; nothing else is painted.

    Returns
    -------
    labels
        Shape (row, col), class codes, 0 where nothing was painted.
    last_op
        Shape (row, col), 1 + position of the op that gave each pixel its code, 0 where none did.

    Raises
    ------
    JournalError
        A mask is damaged, be it that of an undone edit, which may be redone.
    """
    labels = np.zeros(footprint.shape, np.uint8)
    last_op = np.zeros(footprint.shape, np.uint32)
    for position, edit in table.assigns():
        try:
            if table.counts(position):
                paint(edit, position, footprint, labels, last_op)
            else:
                edit.mask.decode()
        except JournalError as error:
            op = table.ops[position]
            raise table.complaint(op, f"op {op.id}: {error}") from error
    return labels, last_op


def paint(
    edit: AssignMask,
    position: int,
    footprint: NDArray[np.bool_],
    labels: NDArray[np.uint8],
    last_op: NDArray[np.uint32],
) -> None:
    """Paint one edit over labels and last ops, both of shape (row, col) of the zone, in place."""
    here = edit.window.slices
    mask = edit.mask.decode()
    mask &= footprint[here]
    np.copyto(labels[here], edit.code, where=mask)
    np.copyto(last_op[here], position + 1, where=mask)


def refold(
    table: OpTable, footprint: NDArray[np.bool_], window: Window
) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Return what `fold` gives for a window, by going back through its ops until every pixel has its code.

    Costs the pixels of the window, and one pass over the runs of the masks that it meets on the way.

    Returns
    -------
    labels, last_op
        Shape (row, col) of the window.
    """
    labels = np.zeros(window.shape, np.uint8)
    last_op = np.zeros(window.shape, np.uint32)
    open_pixels = footprint[window.slices].copy()
    left = int(np.count_nonzero(open_pixels))
    for position, edit in table.painting_back(window):
        if not left:
            break
        part = edit.window.intersection(window)
        if part is None:  # for the type checker: the table gives only what meets the window
            continue
        here = Window(
            row=part.row - window.row, col=part.col - window.col, height=part.height, width=part.width
        )
        mask = edit.mask.decode(part)
        mask &= open_pixels[here.slices]
        labels[here.slices][mask] = edit.code
        last_op[here.slices][mask] = position + 1
        open_pixels[here.slices][mask] = False
        left -= int(np.count_nonzero(mask))
    return labels, last_op


def histogram(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the number of pixels of each code, shape (256,), of labels of shape (row, col)."""
    counts = np.zeros(256, np.int64)
    for band in np.array_split(labels, max(1, labels.size // _PIXELS_AT_ONCE)):
        counts += np.bincount(band.reshape(-1), minlength=256)
    return counts


def hull(windows: Sequence[Window]) -> Window:
    """Return the smallest window that holds all of some."""
    return reduce(Window.union, windows)


def area(window: Window) -> int:
    """Return the pixels of a window."""
    return window.height * window.width
