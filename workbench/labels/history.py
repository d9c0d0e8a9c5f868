"""What counts: which gestures of a track are undone, and which ops paint which pixels.

Private to `AnnotationStore`, whose state these classes are part of. Everything here is derived from the
ops alone, so that undo and redo go on where they stopped after a restart.
"""

from __future__ import annotations

__all__ = ["LABEL_KINDS", "OpTable", "UndoStack"]

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from workbench.errors import JournalError
from workbench.geo.grid import Window
from workbench.labels.edits import AssignMask, Edit, Redo, Refine, Undo, edit_of
from workbench.labels.op import Op

LABEL_KINDS = frozenset({"assign", "undo", "redo"})
"""Kinds of op after which a zone's labels may be others."""


class UndoStack:
    """One author's gestures that can be undone, and those that can be redone, last ones last."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.undone: list[str] = []

    def record(self, op: Op, edit: Edit) -> None:
        """Follow one op of the author; a new edit forgets what could be redone."""
        match edit:
            case AssignMask() | Refine():
                if not self.done or self.done[-1] != op.gesture_id:
                    self.done.append(op.gesture_id)
                self.undone.clear()
            case Undo(target=target):
                _move(target, self.done, self.undone)
            case Redo(target=target):
                _move(target, self.undone, self.done)


class OpTable:
    """The ops of a zone in their total order, and what those of its track paint."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.ops: list[Op] = []
        self._boxes = np.zeros((64, 4), np.int32)
        """Shape (op, 4): row, col, row stop, column stop of what an op paints or refines; zeros elsewhere."""
        self._live = np.zeros(64, np.bool_)
        """Shape (op,). Whether the op paints or refines and its gesture is not undone."""
        self._refines: list[int] = []
        """Ops that refine, which paint nothing."""
        self._gestures: dict[str, list[int]] = {}

    def append(self, op: Op, edit: Edit | None) -> list[int]:
        """Add the next op of the total order, with its edit if it belongs to the track.

        Returns
        -------
        list of int
            Positions of the painting or refining ops that start or cease to count with it.

        Raises
        ------
        JournalError
            The op undoes what is not a gesture of the same author and track.
        """
        position = len(self.ops)
        if position == len(self._live):
            self._boxes = np.concatenate([self._boxes, np.zeros_like(self._boxes)])
            self._live = np.concatenate([self._live, np.zeros_like(self._live)])
        changed: list[int] = []
        match edit:
            case AssignMask(window=window) | Refine(window=window):
                self._boxes[position] = window.row, window.col, window.row_stop, window.col_stop
                self._live[position] = True
                if isinstance(edit, Refine):
                    self._refines.append(position)
                self._gestures.setdefault(op.gesture_id, []).append(position)
                changed = [position]
            case Undo(target=target):
                changed = self._switch(op, target, counts=False)
            case Redo(target=target):
                changed = self._switch(op, target, counts=True)
        self.ops.append(op)
        return changed

    def window(self, position: int) -> Window:
        """Return the window of one painting or refining op."""
        row, col, row_stop, col_stop = (int(edge) for edge in self._boxes[position])
        return Window(row=row, col=col, height=row_stop - row, width=col_stop - col)

    def counts(self, position: int) -> bool:
        """Tell whether an op paints and its gesture is not undone."""
        return bool(self._live[position])

    def complaint(self, op: Op, what: str) -> JournalError:
        """Return the error that says what is wrong with an op, with its file."""
        return JournalError(f"{self._directory / op.author}.sqlite: {what}")

    def assigns(self) -> Iterator[tuple[int, AssignMask]]:
        """Yield (position, edit) of every painting op, undone or not, first to last."""
        paints = self._boxes[: len(self.ops), 2] > 0
        paints[self._refines] = False
        for position in np.flatnonzero(paints).tolist():
            yield position, self._assign(position)

    def refinements(self, author: str) -> list[Op]:
        """Return the refining ops of an author that count, first to last."""
        counting = (self.ops[position] for position in self._refines if self._live[position])
        return [op for op in counting if op.author == author]

    def painting_back(self, window: Window) -> Iterator[tuple[int, AssignMask]]:
        """Yield (position, edit) of the ops that count and whose windows meet one, last to first."""
        for position in self._meeting(window)[::-1].tolist():
            yield position, self._assign(position)

    def _meeting(self, window: Window) -> NDArray[np.intp]:
        row, col, row_stop, col_stop = self._boxes[: len(self.ops)].T
        meets = (
            (row < window.row_stop)
            & (row_stop > window.row)
            & (col < window.col_stop)
            & (col_stop > window.col)
        )
        meets &= self._live[: len(self.ops)]
        meets[self._refines] = False
        return np.flatnonzero(meets)

    def _assign(self, position: int) -> AssignMask:
        return cast("AssignMask", edit_of(self.ops[position]))  # only painting ops are ever live

    def _switch(self, op: Op, target: str, *, counts: bool) -> list[int]:
        positions = self._gestures.get(target, [])
        if not positions or self.ops[positions[0]].author != op.author:
            raise JournalError(
                f"op {op.id}: {op.kind} of {target}, which is no gesture of {op.author}'s before it"
            )
        self._live[positions] = counts
        return positions


def _move(gesture: str, source: list[str], goal: list[str]) -> None:
    """Move a gesture between the stacks, nearly always from the end of one."""
    if source and source[-1] == gesture:
        source.pop()
    elif gesture in source:
        source.remove(gesture)
    if not goal or goal[-1] != gesture:
        goal.append(gesture)
