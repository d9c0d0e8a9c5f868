"""The annotation store: the labels of one zone, kept as the fold of its journals."""

from __future__ import annotations

__all__ = ["AnnotationStore", "Codes"]

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused, GridError, JournalError
from workbench.geo.grid import PixelGrid, Window
from workbench.labels.edits import (
    AssignMask,
    Edit,
    LabelEdit,
    Redo,
    Refine,
    Review,
    RunLengthMask,
    Undo,
    edit_of,
    entry_of,
    tight,
)
from workbench.labels.fold import area, fold, histogram, hull, paint, refold
from workbench.labels.history import OpTable, UndoStack
from workbench.labels.journal import Journal, JournalWriter, read_journals
from workbench.labels.meta import JournalSubject
from workbench.labels.op import Op, utc_now

_TRACK = "labels"
_Scalar = TypeVar("_Scalar", bound=np.generic)


class Codes(Protocol):
    """What the store needs of a nomenclature."""

    @property
    def name(self) -> str:
        """Its name; journals are bound to it."""

    @property
    def codes(self) -> Collection[int]:
        """The codes that a pixel may have."""


class AnnotationStore:
    """The labels of a zone, and who gave them; the one mutable type of the workbench.

    Its state is *defined* as the fold of the ``labels`` ops of all journals of the zone in their total order
    (lamport, author, seq), leaving out undone gestures. A change is first in the author's journal, on the
    disk, and then in memory: what `apply` returned from survives a kill at any instant.

    Other authors' journals are read when the store is opened; what they add later is seen at the next
    opening. A store is used by one thread at a time.
    """

    def __init__(
        self,
        directory: Path,
        subject: JournalSubject,
        *,
        footprint: NDArray[np.bool_],
        codes: Iterable[int],
        others: Sequence[Journal],
        writer: JournalWriter | None,
    ) -> None:
        self._zone_id, self._grid = subject.zone, subject.grid
        self._nomenclature, self._codes = subject.nomenclature, frozenset(int(code) for code in codes) | {0}
        self._footprint = footprint.copy()
        self._footprint.flags.writeable = False
        self._writer = writer
        self._author = writer.found.meta.author if writer else None
        self._table = OpTable(directory)
        self._stack = UndoStack()
        self._head: dict[str, int] = {}
        found = [*others, writer.found] if writer else others
        for op in sorted((op for journal in found for op in journal.ops), key=lambda op: op.order):
            self._take(op)
        self._fold()

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        zone_id: str,
        grid: PixelGrid,
        footprint: NDArray[np.bool_],
        nomenclature: Codes,
        author: str | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> Self:
        """Open the labels of a zone.

        Parameters
        ----------
        directory
            The zone's journal folder. It may be missing; without an author it is not made.
        zone_id
            ``domain/zone``.
        grid
            Pixels of the zone.
        footprint
            Shape (row, col) of the grid, True inside the zone; no other pixel is ever painted.
        nomenclature
            Gives the codes that a pixel may have.
        author
            Who labels. None opens read-only. One author has one open store at a time; their journal file
            is made at the first edit.
        clock
            Gives the aware time that is written into ops.

        Raises
        ------
        JournalError
            A journal is damaged, of a newer version, or of another zone, grid or nomenclature, or this
            author labels in another window.
        """
        if footprint.shape != grid.shape or footprint.dtype != np.bool_:
            raise GridError(
                f"footprint is {footprint.dtype} of shape {footprint.shape}, "
                f"zone {zone_id} takes bool of {grid.shape}"
            )
        subject = JournalSubject(zone=zone_id, grid=grid, nomenclature=nomenclature.name)
        others = read_journals(directory, subject, skip=author)
        writer = None
        if author is not None:
            writer = JournalWriter.open(directory, subject, author=author, clock=clock)
        try:
            return cls(
                directory,
                subject,
                footprint=footprint,
                codes=nomenclature.codes,
                others=others,
                writer=writer,
            )
        except BaseException:  # a lock must not outlive the attempt, whatever ended it
            if writer is not None:
                writer.close()
            raise

    # State

    @property
    def labels(self) -> NDArray[np.uint8]:
        """Read-only view of shape (row, col): class codes, 0 = unlabelled."""
        return _frozen_view(self._labels)

    @property
    def last_op(self) -> NDArray[np.uint32]:
        """Read-only view of shape (row, col): 1 + place in `ops` of the op that gave the code, 0 = none."""
        return _frozen_view(self._last_op)

    @property
    def footprint(self) -> NDArray[np.bool_]:
        """Read-only, of shape (row, col): True inside the zone."""
        return self._footprint

    @property
    def grid(self) -> PixelGrid:
        """Pixels of the zone."""
        return self._grid

    @property
    def zone_id(self) -> str:
        """``domain/zone``."""
        return self._zone_id

    @property
    def author(self) -> str | None:
        """Who labels; None in a store that was opened read-only."""
        return self._author

    @property
    def ops(self) -> tuple[Op, ...]:
        """Every op of the zone's journals, of all tracks, in their total order."""
        return tuple(self._table.ops)

    @property
    def head(self) -> dict[str, int]:
        """Last seq of each author's journal."""
        return dict(self._head)

    @property
    def last_id(self) -> str | None:
        """Id of the last op in the total order; after an edit, the edit's last op."""
        return self._table.ops[-1].id if self._table.ops else None

    @property
    def undo_steps(self) -> int:
        """How many gestures of the author can be taken back."""
        return len(self._stack.done) if self._writer is not None else 0

    @property
    def redo_steps(self) -> int:
        """How many undone gestures of the author can be made to count again."""
        return len(self._stack.undone) if self._writer is not None else 0

    @property
    def can_undo(self) -> bool:
        """Whether the author has an edit that counts."""
        return self.undo_steps > 0

    @property
    def can_redo(self) -> bool:
        """Whether the author undid an edit and made none since."""
        return self.redo_steps > 0

    def refinements(self, author: str | None = None) -> tuple[Op, ...]:
        """Return the refine ops of an author (default: who labels) that count, first to last."""
        name = author or self._author
        return tuple(self._table.refinements(name)) if name is not None else ()

    def op_at(self, row: int, col: int) -> Op | None:
        """Return the op that gave a pixel its code, None where none did."""
        if not self._grid.whole.contains(row, col):
            raise GridError(
                f"pixel ({row}, {col}) lies outside zone {self._zone_id} of {self._grid.shape} pixels"
            )
        place = int(self._last_op[row, col])
        return self._table.ops[place - 1] if place else None

    def coverage(self) -> float:
        """Return the labelled share of the footprint, 0 to 1."""
        total = int(self._counts.sum())
        return 1 - int(self._counts[0]) / total if total else 0.0

    def counts(self) -> dict[int, int]:
        """Return {code: pixels} for the codes inside the footprint, 0 = unlabelled; only those there are."""
        return {int(code): int(self._counts[code]) for code in np.flatnonzero(self._counts)}

    # Changes

    def apply(self, edit: LabelEdit) -> Window:
        """Make one edit, one undo step; it is on the disk when this returns.

        Returns
        -------
        Window
            The pixels to repaint.

        Raises
        ------
        EditRefused
            The store is read-only, the code is none of the nomenclature's, or the mask reaches outside the
            grid or holds no pixel of the zone.
        JournalError
            The edit could not be written. In both cases nothing changed.
        """
        return self.apply_all((edit,))

    def apply_all(self, edits: Iterable[LabelEdit]) -> Window:
        """Make several edits as one gesture: one transaction and one undo step.

        Like `apply`, but edits that lie wholly outside the footprint are left out as long as one is left.
        """
        self._check_writable()
        clipped = [edit for edit in map(self._clipped, edits) if edit is not None]
        if not clipped:
            raise EditRefused(
                f"the edit holds no pixel of zone {self._zone_id}, there is nothing to label; "
                "pick inside its footprint"
            )
        painted: list[Window] = []
        for position in self._commit(clipped):
            window, edit = self._table.window(position), clipped[len(painted)]
            with self._counting(window):
                paint(edit, position, self._footprint, self._labels, self._last_op)
            painted.append(window)
        return hull(painted)

    def undo(self) -> Window | None:
        """Take back the author's last gesture that counts; None where there is none."""
        self._check_writable()
        return self._switch(Undo(target=self._stack.done[-1])) if self._stack.done else None

    def redo(self) -> Window | None:
        """Make the author's last undone gesture count again, at its place in the order; None without one."""
        self._check_writable()
        return self._switch(Redo(target=self._stack.undone[-1])) if self._stack.undone else None

    def refine(self, edit: Refine) -> Op:
        """Write a refinement into the author's journal, one undo step; no label changes.

        Raises
        ------
        EditRefused
            The store is read-only, or the refinement reaches outside the grid.
        """
        self._check_writable()
        if self._grid.whole.intersection(edit.window) != edit.window:
            raise EditRefused(
                f"{edit.window} reaches outside zone {self._zone_id} of {self._grid.shape} pixels"
            )
        self._commit([edit])
        return self._table.ops[-1]

    def record(self, review: Review) -> Op:
        """Write a review into the author's journal; `workbench.labels.review` knows which ones are legal."""
        self._check_writable()
        self._commit([review])
        return self._table.ops[-1]

    def close(self) -> None:
        """Give the author's journal and lock back; the labels can still be read."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Inside

    def _check_writable(self) -> JournalWriter:
        if self._writer is not None:
            return self._writer
        if self._author is not None:
            raise EditRefused(f"zone {self._zone_id} was closed; open it again to label it")
        raise EditRefused(f"zone {self._zone_id} is open read-only; open it with an author to label it")

    def _clipped(self, edit: LabelEdit) -> AssignMask | None:
        """Return an edit cut down to the pixels of the zone that it paints, None where it paints none."""
        if edit.code not in self._codes:
            raise EditRefused(
                f"code {edit.code} is none of nomenclature {self._nomenclature}; take one of "
                f"{', '.join(str(code) for code in sorted(self._codes - {0}))}, or 0 to erase"
            )
        if self._grid.whole.intersection(edit.window) != edit.window:
            raise EditRefused(
                f"{edit.window} reaches outside zone {self._zone_id} of {self._grid.shape} pixels; "
                "cut the mask at its edge"
            )
        mask = edit.mask.decode()
        inside = mask & self._footprint[edit.window.slices]
        part = tight(inside, edit.window)
        if part is None:
            return None
        if part[1] == edit.window and np.array_equal(inside, mask):
            return edit
        return AssignMask(mask=RunLengthMask.encode(*part), code=edit.code, provenance=edit.provenance)

    def _commit(self, edits: Sequence[Edit]) -> list[int]:
        """Write a gesture to the journal, then to the table of ops; return the ops that count or cease to."""
        seen = {author: seq for author, seq in self._head.items() if author != self._author}
        lamport = self._table.ops[-1].lamport + 1 if self._table.ops else 1
        entries = [entry_of(edit, track=_TRACK) for edit in edits]
        ops = self._check_writable().append_many(entries, seen=seen, lamport=lamport)
        return [position for op in ops for position in self._take(op)]

    def _switch(self, edit: Undo | Redo) -> Window:
        """Write an undo or redo; paint the pixels of its gesture as they are without it, or with it again."""
        windows = [self._table.window(position) for position in self._commit([edit])]
        whole = hull(windows)
        # Ops of one gesture may lie far apart; what lies between them has not changed.
        apart = sum(area(window) for window in windows) < area(whole)
        for window in windows if apart else [whole]:
            with self._counting(window):
                labels, last_op = refold(self._table, self._footprint, window)
                self._labels[window.slices], self._last_op[window.slices] = labels, last_op
        return whole

    def _take(self, op: Op) -> list[int]:
        """Follow one op of any journal; return the ops that count, or cease to, because of it."""
        try:
            edit = edit_of(op) if op.track == _TRACK else None
            if isinstance(edit, AssignMask | Refine):
                self._check_fits(op, edit)
            positions = self._table.append(op, edit)
        except JournalError as error:
            raise self._table.complaint(op, str(error)) from error
        if edit is not None and op.author == self._author:
            self._stack.record(op, edit)
        self._head[op.author] = op.seq
        return positions

    def _check_fits(self, op: Op, edit: AssignMask | Refine) -> None:
        if isinstance(edit, AssignMask) and edit.code not in self._codes:
            raise JournalError(
                f"op {op.id} labels with code {edit.code}, which nomenclature {self._nomenclature} "
                "does not have; update the nomenclature"
            )
        if self._grid.whole.intersection(edit.window) != edit.window:
            verb = "paints" if isinstance(edit, AssignMask) else "refines"
            raise JournalError(
                f"op {op.id} {verb} {edit.window}, outside the zone's {self._grid.shape} pixels"
            )

    def _fold(self) -> None:
        self._labels, self._last_op = fold(self._table, self._footprint)
        self._counts = histogram(self._labels)
        # Outside the footprint labels are 0 for ever and belong to no count.
        self._counts[0] -= self._footprint.size - np.count_nonzero(self._footprint)

    @contextmanager
    def _counting(self, window: Window) -> Iterator[None]:
        """Keep the counts of codes right while a window is painted."""
        before = histogram(self._labels[window.slices])
        yield
        self._counts += histogram(self._labels[window.slices]) - before


def _frozen_view(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    view = array.view()
    view.flags.writeable = False
    return view
