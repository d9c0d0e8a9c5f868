"""The annotation store: the labels of one zone, kept as the fold of its journals."""

from __future__ import annotations

__all__ = ["AnnotationStore"]

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused, GridError
from workbench.geo.grid import PixelGrid, Window
from workbench.labels.canvas import Canvas, Codes
from workbench.labels.comments import check_comment
from workbench.labels.conflicts import Conflicts
from workbench.labels.edits import AssignMask, Comment, LabelEdit, Look, Redo, Refine, Review, Undo
from workbench.labels.fold import Drawn, Fold
from workbench.labels.folder import journal_files
from workbench.labels.journal import JournalWriter
from workbench.labels.losses import check_end
from workbench.labels.meta import JournalSubject
from workbench.labels.op import Head, Op, utc_now
from workbench.labels.optable import OpTable
from workbench.labels.payloads import edit_of, entry_of
from workbench.labels.prelabels import Prelabels
from workbench.labels.proposed import LABELS, ModelJournals, Proposed, is_model, track_of
from workbench.labels.reading import Journal, read_journals, read_on, read_own
from workbench.labels.snapshot import PendingSnapshot, newest_snapshot, snapshot_key
from workbench.labels.tables import op_of_row
from workbench.labels.undo import UndoStack

_MANY = 500
"""Ops after which a store writes a snapshot when it is closed; so many are painted in a blink."""
_Scalar = TypeVar("_Scalar", bound=np.generic)


class AnnotationStore:
    """The labels of a zone, and who gave them; the one mutable type of the workbench.

    Its state is *defined* as the fold of the ``labels`` ops of all journals of the zone in their total order
    (lamport, author, seq), leaving out undone gestures. A change is first in the author's journal, on the
    disk, and then in memory: what `apply` returned from survives a kill at any instant.

    Other authors' journals are read when the store is opened, and again at each `refresh`. Never in between:
    an op says what its author had seen. A store is used by one thread at a time.
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
        snapshots: Path | None = None,
        track: str = LABELS,
    ) -> None:
        canvas = Canvas.of(subject, footprint, codes)
        self._writer = writer
        self._author = writer.found.meta.author if writer else None
        self._directory, self._snapshots = directory, snapshots
        self._others = {journal.meta.author: journal for journal in others}
        found = [*others, writer.found] if writer else others
        rows = {journal.meta.author: journal.rows for journal in found}
        self._key = snapshot_key(subject, canvas.footprint, track)
        snapshot = newest_snapshot(snapshots, self._key, rows, footprint.shape) if snapshots else None
        self._fold = Fold.begun(canvas, track, rows, snapshot, directory=directory)
        self._settled = sum(head.seq for head in snapshot.heads) if snapshot else 0
        self._pending: PendingSnapshot | None = None
        self._proposed: Proposed | None = None
        self._stack = UndoStack()
        for row in rows.get(self._author or "", ()):
            if row.track == track:
                self._stack.record(row, self._author or "")

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
        blind: bool = False,
        snapshots: Path | None = None,
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
            is made at the first edit. What ``model-<id>`` labels are pre-labels.
        blind
            The author labels without seeing what others did, and nothing of it shows in the labels of the
            zone.
        snapshots
            Folder of snapshots, which may be missing: the zone opens faster from one that fits, and one is
            written when it is closed after many edits. None paints every op.
        clock
            Gives the aware time that is written into ops.

        Raises
        ------
        JournalError
            A journal is damaged, of a newer version, or of another zone, grid or nomenclature; or this
            author labels in another window, or ops of theirs may be lost.
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
            if writer is not None:
                rows = (row for journal in others for row in journal.rows)
                check_end(writer.found.path, len(writer.found.rows), rows)
            return cls(
                directory,
                subject,
                footprint=footprint,
                codes=nomenclature.codes,
                others=() if blind else others,
                writer=writer,
                snapshots=snapshots if track_of(author, blind=blind) == LABELS else None,
                track=track_of(author, blind=blind),
            )
        except BaseException:  # a lock must not outlive the attempt, whatever ended it
            if writer is not None:
                writer.close()
            raise

    # State

    @property
    def labels(self) -> NDArray[np.uint8]:
        """Read-only view of shape (row, col): class codes, 0 = unlabelled."""
        return _frozen_view(self._fold.labels.values)

    @property
    def last_op(self) -> NDArray[np.uint32]:
        """Read-only, of shape (row, col): 1 + place in `ops` of the op that gave the code, 0 = none.

        Made anew each time, for the whole zone.
        """
        return self._fold.labels.last(self.grid.whole)

    @property
    def protected(self) -> NDArray[np.uint8]:
        """`edits.OPEN`, `PROTECTED` or `ACCEPTED`, shape (row, col), as it is now."""
        return self._fold.guard.levels(self.grid.whole)

    @property
    def footprint(self) -> NDArray[np.bool_]:
        """Read-only, of shape (row, col): True inside the zone."""
        return self._fold.canvas.footprint

    @property
    def grid(self) -> PixelGrid:
        """Pixels of the zone."""
        return self._fold.canvas.subject.grid

    @property
    def zone_id(self) -> str:
        """``domain/zone``."""
        return self._fold.canvas.subject.zone

    @property
    def author(self) -> str | None:
        """Who labels; None in a store that was opened read-only."""
        return self._author

    @property
    def ops(self) -> tuple[Op, ...]:
        """Every op of the zone's journals, of all tracks, made anew each time.

        Those there when the store was opened in their total order, then what came in as it came.
        """
        return tuple(self._table.op(position) for position in range(len(self._table)))

    @property
    def head(self) -> dict[str, int]:
        """Last seq of each author's journal."""
        return self._table.heads

    @property
    def last_id(self) -> str | None:
        """Id of the last op in the total order; after an edit, the edit's last op."""
        return self._table.op(self._table.latest).id if len(self._table) else None

    @property
    def last_own(self) -> Op | None:
        """The last op of who labels; that they looked at something is none of theirs."""
        rows = self._table.rows(self._author) if self._author is not None else ()
        last = next((row for row in reversed(rows) if row.kind != "look"), None)
        return op_of_row(last, self._author) if last is not None and self._author is not None else None

    @property
    def own_count(self) -> int:
        """How many ops who labels has written, looks left out."""
        rows = self._table.rows(self._author) if self._author is not None else ()
        return len(rows) - (self._table.count_of("look", self._author or "") if rows else 0)

    @property
    def undo_steps(self) -> int:
        """How many gestures of the author can be taken back."""
        return len(self._stack.done) if self._writer is not None else 0

    @property
    def redo_steps(self) -> int:
        """How many undone gestures of the author can be made to count again."""
        return len(self._stack.undone) if self._writer is not None else 0

    def refinements(self, author: str | None = None) -> tuple[Op, ...]:
        """Return the refine ops of an author (default: who labels) that count, first to last."""
        name = author or self._author
        return tuple(self._table.counting("refine", author=name)) if name is not None else ()

    def comments(self) -> tuple[tuple[Op, Comment], ...]:
        """Return the comments that count, with their ops, first to last."""
        found = [(op, edit_of(op)) for op in self._table.counting("comment")]
        return tuple((op, edit) for op, edit in found if isinstance(edit, Comment))

    def looks(self) -> dict[str, tuple[Window, ...]]:
        """Return the windows that each author has had before their eyes, sorted by author."""
        return self._table.looks()

    def unresolved(self) -> dict[str, int]:
        """Return {key of an upper class: pixels} where authors were sure of no class."""
        return self._fold.unresolved()

    def uppers(self, window: Window | None = None) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        """Return upper classes of a window (default: all): 0 = sure of the class, else 1 + place in keys."""
        return self._fold.uppers(window)

    def protected_in(self, window: Window) -> NDArray[np.uint8]:
        """Return `edits.OPEN`, `PROTECTED` or `ACCEPTED` of a window's pixels, shape (row, col)."""
        return self._fold.guard.levels(window)

    @property
    def blind_authors(self) -> tuple[str, ...]:
        """Who labelled the zone blind, by name."""
        return self._table.blind_authors()

    def label_heads(self) -> tuple[Head, ...]:
        """Return the last op of each author that may have changed labels, sorted by author."""
        return self._table.label_heads()

    def last_review(self) -> Op | None:
        """Return the last verdict on the zone, None before the first."""
        return self._table.last_review

    def op_at(self, row: int, col: int) -> Op | None:
        """Return the op that gave a pixel its code, None where none did."""
        if not self.grid.whole.contains(row, col):
            raise GridError(
                f"pixel ({row}, {col}) lies outside zone {self.zone_id} of {self.grid.shape} pixels"
            )
        place = self._fold.labels.place(row, col)
        return self._table.op(place - 1) if place else None

    def shows_only(self, spans: NDArray[np.int32], code: int) -> bool:
        """Tell whether all pixels of some spans (see `workbench.geo.spans`) have a code."""
        return self._fold.labels.shows_only(spans, code)

    def coverage(self) -> float:
        """Return the labelled share of the footprint, 0 to 1."""
        counts = self._fold.labels.counts
        total = int(counts.sum())
        return 1 - int(counts[0]) / total if total else 0.0

    def counts(self) -> dict[int, int]:
        """Return {code: pixels} for the codes inside the footprint, 0 = unlabelled; only those there are."""
        counts = self._fold.labels.counts
        return {int(code): int(counts[code]) for code in np.flatnonzero(counts)}

    def missing(self) -> dict[str, int]:
        """Return {author: seq} of ops that may have been there and that no journal holds."""
        return self._table.missing(self._directory)

    def models(self, model: str | None = None, *, ops: int | None = None) -> ModelJournals:
        """Return what models wrote; or one of them, such as ``model-unet``, in its first so many ops."""
        models = [author for author in self._table.heads if is_model(author) and model in (None, author)]
        rows = {author: tuple(self._table.rows(author)[:ops]) for author in models}
        return ModelJournals(canvas=self._fold.canvas, rows=rows, directory=self._directory)

    def prelabels(self, journals: ModelJournals | None = None) -> Prelabels:
        """Return what some journals of models propose; by default those of all models.

        They are replayed unless they were before, or `keep` was given that.
        """
        wanted = journals if journals is not None else self.models()
        if self._proposed is None or self._proposed.heads != wanted.heads:
            self._proposed = wanted.replayed()
        return Prelabels(self._fold, self._proposed)

    @property
    def replayed(self) -> bool:
        """Whether `prelabels` has nothing to replay."""
        return self._proposed is not None and self._proposed.heads == self.models().heads

    def keep(self, proposed: Proposed) -> None:
        """Keep what somebody replayed of `models`, in another thread say, for `prelabels`."""
        self._proposed = proposed

    def conflicts(self) -> Conflicts:
        """Return where authors disagree who had not seen each other's edits."""
        return self._fold.conflicts()

    def settled_labels(self) -> NDArray[np.uint8]:
        """Return a copy of the labels, shape (row, col), in which pixels in conflict are unlabelled."""
        labels = self._fold.labels.values.copy()
        labels[self.conflicts().mask(self.grid.whole)] = 0
        return labels

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
            The store is read-only, the zone is accepted, the code is none of the nomenclature's, or the mask
            reaches outside the grid or holds no pixel of the zone that may be painted.
        JournalError
            The edit could not be written. In both cases nothing changed.
        """
        return self.apply_all((edit,))

    def apply_all(self, edits: Iterable[LabelEdit]) -> Window:
        """Make several edits as one gesture: one transaction and one undo step.

        Like `apply`, but edits that lie wholly outside the footprint are left out as long as one is left.
        """
        self._check_writable()
        given = list(edits)
        if any(isinstance(edit, AssignMask) for edit in given):
            self._fold.check_unlocked()
        window = self._commit([Drawn(edit=edit) for edit in self._fold.fitted(given)])
        assert window is not None  # noqa: S101 - each of these edits paints
        return window

    def apply_drawn(self, drawn: Sequence[Drawn]) -> Window:
        """Make edits as one gesture that were made of the labels as they are: nothing has to be cut.

        Raises
        ------
        EditRefused, JournalError
            As for `apply`.
        """
        self._check_writable()
        self._fold.check_unlocked()
        window = self._commit(drawn)
        assert window is not None  # noqa: S101 - each of these edits paints
        return window

    def undo(self) -> Window | None:
        """Take back the author's last gesture that counts; None where there is none.

        Raises
        ------
        EditRefused
            It changed labels that a reviewer accepted since.
        """
        self._check_writable()
        return self._walked(Undo(target=self._stack.done[-1])) if self._stack.done else None

    def redo(self) -> Window | None:
        """Make the author's last undone gesture count again, at its place in the order; None without one.

        Raises
        ------
        EditRefused
            As for `undo`.
        """
        self._check_writable()
        return self._walked(Redo(target=self._stack.undone[-1])) if self._stack.undone else None

    def record(self, edit: Comment | Look | Refine | Review) -> Op:
        """Write into the author's journal what changes no label.

        A comment or refinement is one undo step; `workbench.labels.review` knows which reviews are legal.

        Raises
        ------
        EditRefused
            The store is read-only, the edit reaches outside the zone, or as for `check_comment`.
        """
        self._check_writable()
        match edit:
            case Comment():
                self._fold.canvas.check_pixel(edit.row, edit.col)
                there, track = {op.id: found for op, found in self.comments()}, self._fold.track
                check_comment(edit, there, zone=self.zone_id, author=self._author or "", track=track)
            case Look() | Refine():
                self._fold.canvas.check_inside(edit.window)
        self._commit([Drawn(edit=edit)])
        return self._table.op(len(self._table) - 1)

    def refresh(self) -> Window | None:
        """Read what other authors did since the zone was opened, or refreshed.

        Returns
        -------
        Window or None
            The pixels to repaint; None if nobody did anything that shows.

        Raises
        ------
        JournalError
            As for `open`. Of a journal that cannot be read nothing was taken; of one with an op that is none
            of this zone, the ops before it.
        """
        found = {}
        for path in journal_files(self._directory) if self._fold.track == LABELS else ():
            if path.stem != self._author:
                known = self._others.get(path.stem)
                found[path.stem] = read_on(known) if known else read_own(path, self._fold.canvas.subject)
        self._others.update(found)
        taken = {author: len(self._table.rows(author)) for author in found}
        fresh = [(author, row) for author in found for row in found[author].rows[taken[author] :]]
        positions = self._fold.follow(fresh, directory=self._directory)
        return self._fold.hull(positions) if positions else None

    def snapshot(self) -> None:
        """Write down what the store knows, if it has a folder for that; a full disk is no error."""
        pending = self.begin_snapshot()
        if pending is not None:
            pending.write()

    @property
    def snapshot_due(self) -> bool:
        """Whether so many ops came in since the last snapshot that another one is worth its while."""
        begun = self._pending.ops if self._pending is not None else self._settled
        return self._snapshots is not None and len(self._table) - begun >= _MANY

    def begin_snapshot(self) -> PendingSnapshot | None:
        """Return a snapshot of what the store knows now, for any thread to write; None without a folder.

        Takes some milliseconds, however large the zone is; the store can be changed right away.
        """
        if self._snapshots is None:
            return None
        self._pending = PendingSnapshot(self._snapshots, self._fold.picture(), self._key)
        return self._pending

    def close(self) -> None:
        """Give the author's journal and lock back; the labels can still be read.

        After many edits a snapshot is written. One that another thread is writing is waited for.
        """
        if self._writer is not None:
            if self._unsettled >= _MANY and self._pending is not None and self._pending.write():
                self._settled = self._pending.ops
            if self._unsettled >= _MANY:
                self.snapshot()
            self._writer.close()
            self._writer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Inside

    @property
    def _unsettled(self) -> int:
        """Ops that came since the snapshot that is known to be on the disk."""
        return len(self._table) - self._settled

    def _check_writable(self) -> JournalWriter:
        if self._writer is not None:
            return self._writer
        if self._author is not None:
            raise EditRefused(f"zone {self.zone_id} was closed; open it again to label it")
        raise EditRefused(f"zone {self.zone_id} is open read-only; open it with an author to label it")

    def _walked(self, step: Undo | Redo) -> Window | None:
        """Undo or redo a gesture."""
        if self._table.labels_with(step.target):
            self._fold.check_unlocked()
            self._fold.guard.check_open(step.target)
        return self._commit([Drawn(edit=step)])

    def _commit(self, drawn: Sequence[Drawn]) -> Window | None:
        """Write a gesture to the journal, then follow it; return the pixels that it may have changed."""
        writer = self._check_writable()
        author = writer.found.meta.author
        seen = {name: seq for name, seq in self._table.heads.items() if name != author}
        entries = [entry_of(one.edit, track=self._fold.track) for one in drawn]
        rows = writer.append_many(entries, seen=seen, lamport=self._table.lamport + 1)
        fresh = [(author, row) for row in rows]
        positions = self._fold.follow(fresh, directory=self._directory, drawn=drawn)
        for row in rows:
            self._stack.record(row, author)
        return self._fold.hull(positions) if positions else None

    @property
    def _table(self) -> OpTable:
        return self._fold.table


def _frozen_view(array: NDArray[_Scalar]) -> NDArray[_Scalar]:
    view = array.view()
    view.flags.writeable = False
    return view
