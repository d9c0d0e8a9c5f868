"""What one author can undo and redo: derived from their ops alone, so it goes on after a restart.

What is undone can be redone until its author builds on the zone as it is without it: gives labels, protects
some (as they are now) or refines regions. What is only said (comments of every sort: questions, answers,
rulings, justifications), looked at or judged (reviews) builds on nothing, and leaves all that can be redone.
"""

from __future__ import annotations

__all__ = ["UndoStack"]

from workbench.labels.payloads import UNDOABLE, target_of
from workbench.labels.tables import Row

_BUILDS = UNDOABLE - {"comment"}


class UndoStack:
    """One author's gestures that can be undone, and those that can be redone, last ones last."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.undone: list[str] = []

    def record(self, row: Row, author: str) -> None:
        """Follow one op of the author."""
        if row.kind in UNDOABLE:
            gesture = f"{author}:{row.gesture}"
            if not self.done or self.done[-1] != gesture:
                self.done.append(gesture)
            if row.kind in _BUILDS:
                self.undone.clear()
        elif row.kind == "undo":
            _move(target_of(row.payload), self.done, self.undone)
        elif row.kind == "redo":
            _move(target_of(row.payload), self.undone, self.done)


def _move(gesture: str, source: list[str], goal: list[str]) -> None:
    """Move a gesture between the stacks, nearly always from the end of one."""
    if source and source[-1] == gesture:
        source.pop()
    elif gesture in source:
        source.remove(gesture)
    if not goal or goal[-1] != gesture:
        goal.append(gesture)
