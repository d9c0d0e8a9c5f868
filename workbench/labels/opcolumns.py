"""The columns of the table of ops: their types, and whether those of a file can be believed."""

from __future__ import annotations

__all__ = ["COLUMNS", "KINDS", "check_columns"]

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import JournalError

COLUMNS: dict[str, type[np.generic]] = {
    "author": np.uint16,
    "seq": np.uint32,
    "gesture": np.uint32,
    "kind": np.uint8,
    "value": np.uint8,
    "counts": np.bool_,
}
KINDS = ("", "assign", "refine", "protect", "comment", "accept", "look")
"""Kinds of op that have a place on the ground, by their number in the column ``kind``."""


def check_columns(state: Mapping[str, NDArray[Any]], heads: Sequence[int], shape: tuple[int, ...]) -> None:
    """Refuse columns that would lead a kernel out of the zone, or an op to rows that are not there.

    Parameters
    ----------
    state
        Columns of a table by name, with ``boxes`` and ``starts``.
    heads
        Number of ops of each author, by number.
    shape
        (rows, columns) of the zone.

    Raises
    ------
    JournalError
        They cannot be those of these journals.
    """
    count, (height, width) = sum(heads), shape
    expected: dict[str, Any] = {name: ((count,), kind) for name, kind in COLUMNS.items()}
    expected |= {"boxes": ((count, 4), np.int32), "starts": ((count + 1,), np.int64)}
    found = {name: (state[name].shape, state[name].dtype.type) for name in expected if name in state}
    if found != expected:
        raise JournalError("a snapshot's table has other columns, or another length, than the journals")
    row, col, row_stop, col_stop = state["boxes"].T
    placed = state["kind"] > 0
    sound = (
        (state["kind"] < len(KINDS)).all()
        and ((state["gesture"] >= 1) & (state["gesture"] <= state["seq"])).all()
        and ((row >= 0) & (col >= 0) & (row_stop <= height) & (col_stop <= width)).all()
        and ((row < row_stop) & (col < col_stop))[placed].all()
        and all(
            np.array_equal(state["seq"][state["author"] == number], np.arange(1, head + 1))
            for number, head in enumerate(heads)
        )
    )
    if not sound:
        raise JournalError("a snapshot's table cannot be one of these journals")
