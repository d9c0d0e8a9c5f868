"""The fold: what the ops of one track make of a zone, without the journals they come from.

Its state is *defined* as that of painting the ops that count one over the other in their total order
(lamport, author, seq). They may be taken in any sequence.
"""

from __future__ import annotations

__all__ = ["Drawn", "Fold"]

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused, JournalError
from workbench.geo.grid import Window
from workbench.labels.canvas import Canvas
from workbench.labels.conflicts import ConflictFinder, Conflicts
from workbench.labels.edits import AssignMask, Edit, LabelEdit, Look, Protect, Refine, Review
from workbench.labels.guard import Guard
from workbench.labels.optable import OpTable
from workbench.labels.payloads import edit_of
from workbench.labels.plane import Plane
from workbench.labels.snapshot import FoldPicture, Snapshot
from workbench.labels.tables import Row, op_of_row


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """An edit of this zone that becomes an op, and what is known of it already."""

    edit: Edit
    spans: NDArray[np.int32] | None = None
    """Of its mask; None where nobody decoded it."""


class Fold:
    """The table of a zone's ops, and what those of one track paint; private to `AnnotationStore`."""

    def __init__(self, canvas: Canvas, track: str) -> None:
        self.canvas, self.track = canvas, track
        self.table = OpTable(canvas.footprint.shape, track)
        self.labels = Plane(self.table, canvas.ground, "assign")
        self.guard = Guard(self.table, canvas.ground, self.labels)
        self._finder = ConflictFinder(self.table, canvas.ground, "assign")

    @classmethod
    def begun(
        cls,
        canvas: Canvas,
        track: str,
        rows: Mapping[str, Sequence[Row]],
        snapshot: Snapshot | None,
        *,
        directory: Path,
        edits: list[Edit | None] | None = None,
    ) -> Fold:
        """Return the fold of some journals, from a snapshot of them where there is one that can be believed.

        Parameters
        ----------
        canvas, track
            Of the zone.
        rows
            Of each journal, by author.
        snapshot
            Of some of these rows.
        directory
            Journal folder that errors name.
        edits
            Grows by the edit of each op that is read, in the order of the table, for who needs them after.

        Raises
        ------
        JournalError
            An op cannot be one of this zone; it is named with its file in the directory.
        """
        if snapshot is not None:
            fold = cls(canvas, track)
            known = {head.author: rows[head.author][: head.seq] for head in snapshot.heads}
            try:
                fold.table.restore(snapshot.table, known)
                fold.labels.restore(snapshot.planes["assign"])
                fold.guard.restore(snapshot.planes)
            except (JournalError, KeyError):
                return cls.begun(canvas, track, rows, None, directory=directory)
            fresh = ((name, row) for name, own in rows.items() for row in own[len(known.get(name, ())) :])
            fold.follow(fresh, directory=directory)
            return fold
        fold = cls(canvas, track)
        fold._take(((author, row) for author, own in rows.items() for row in own), directory, edits)
        fold.labels.fill()
        fold.guard.fill()
        return fold

    def follow(
        self, fresh: Iterable[tuple[str, Row]], *, directory: Path, drawn: Sequence[Drawn] = ()
    ) -> list[int]:
        """Take ops, given as (author, row), that follow those that were taken, and show them.

        Parameters
        ----------
        fresh
            The ops.
        directory
            Journal folder that errors name.
        drawn
            What the ops are of one gesture that was made here; nothing of it has to be read and proven.

        Returns
        -------
        list of int
            Ops that count, or cease to, because of them.

        Raises
        ------
        JournalError
            As for `begun`; the ops before the one that it names, in the total order, were taken.
        """
        before = len(self.table)
        try:
            positions = self._append(fresh, drawn) if drawn else self._take(fresh, directory)
        except JournalError:
            self._settle(self.table.changed_since(before))
            raise
        self._settle(positions)
        return positions

    def picture(self) -> FoldPicture:
        """Return what another thread needs for a snapshot of the fold as it is now."""
        return FoldPicture(
            heads=tuple(self.table.head(author) for author in self.table.heads),
            table=self.table.state(),
            planes={"assign": self.labels.picture(), **self.guard.pictures()},
        )

    def conflicts(self) -> Conflicts:
        """Return where authors disagree who had not seen each other's edits."""
        return self._finder.conflicts()

    def fitted(self, edits: Sequence[LabelEdit]) -> list[LabelEdit]:
        """Return edits cut down to what they may paint, without those that may paint nothing.

        Raises
        ------
        EditRefused
            An edit is none of this zone, or nothing is left of all of them.
        """
        found = [fitted for fitted in map(self._fitted, edits) if fitted is not None]
        if found:
            return found
        for edit in edits:
            if isinstance(edit, Protect) and edit.accepted:
                raise EditRefused(
                    "nothing could be accepted there: it is unlabelled, of an upper class, or in conflict"
                    if edit.on
                    else "nothing there is accepted that could be opened again"
                )
            inside = self.canvas.clipped(edit)
            if inside is not None:
                raise self.guard.refusal(inside.window, inside.mask.decode())
        raise EditRefused(
            f"the edit holds no pixel of zone {self.canvas.subject.zone} that it could change; "
            "pick inside its footprint"
        )

    def check_unlocked(self) -> None:
        """Refuse to change labels that a reviewer accepted as a whole.

        Raises
        ------
        EditRefused
            With who accepted them, and the way out.
        """
        verdict = self.table.last_review
        review = edit_of(verdict) if verdict is not None else None
        if verdict is None or not isinstance(review, Review) or review.state != "accepted":
            return
        if review.heads == self.table.label_heads():
            raise EditRefused(
                f"zone {self.canvas.subject.zone} was accepted by {verdict.author} and is locked; "
                "send it back with a reason to label in it"
            )

    def hull(self, positions: Sequence[int]) -> Window:
        """Return the smallest window that holds what some ops paint or refine."""
        return self.table.hull(positions)

    def uppers(self, window: Window | None = None) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
        """Return where authors were sure of an upper class only, in a window or the whole zone.

        Returns
        -------
        numbers, keys
            Shape (row, col), 0 = sure of the class; and the key of each upper class by number, from 1.
        """
        window = window or self.canvas.subject.grid.whole
        numbers, keys = np.zeros(window.shape, np.uint8), list[str]()
        for position, upper in self._unsure():
            key = keys.index(upper) if upper in keys else len(keys)
            if self.labels.mark(position, key + 1, numbers, window) and key == len(keys):
                keys.append(upper)
        return numbers, tuple(keys)

    def unresolved(self) -> dict[str, int]:
        """Return {key of an upper class: pixels} where authors were sure of no class, sorted."""
        counts = Counter[str]()
        for position, upper in self._unsure():
            counts[upper] += self.labels.standing(position)
        return {upper: count for upper, count in sorted(counts.items()) if count}

    def _unsure(self) -> Iterator[tuple[int, str]]:
        """Yield the ops that count and name an upper class, with it, as they were taken."""
        for position in self.table.unsure():
            upper = self.table.upper(position)
            if upper is not None:
                yield position, upper

    def _fitted(self, edit: LabelEdit) -> LabelEdit | None:
        self.canvas.check_inside(edit.window, "; cut the mask at its edge")
        if isinstance(edit, Protect):
            reach = self.guard.reach(edit)
            if edit.accepted and edit.on:
                reach &= self._settled(edit.window)
            return self.canvas.clipped(edit, (edit.window, reach))
        return self.canvas.clipped(edit, self.guard.allowed(edit.window))

    def _settled(self, window: Window) -> NDArray[np.bool_]:
        """Return where a label has a class that nobody contradicts, shape (row, col) of the window."""
        settled: NDArray[np.bool_] = self.uppers(window)[0] == 0
        settled &= ~self.conflicts().mask(window)
        return settled

    def _settle(self, positions: Sequence[int]) -> None:
        self._finder.note(positions)
        self.labels.settle(positions)
        self.guard.settle(positions)

    def _append(self, fresh: Iterable[tuple[str, Row]], drawn: Sequence[Drawn]) -> list[int]:
        """Put the ops of a gesture that was made here into the table; nothing is painted."""
        changed: dict[int, None] = {}
        for (author, row), one in zip(fresh, drawn, strict=True):
            changed.update(dict.fromkeys(self.table.append(row, author, one.edit, spans=one.spans)))
        return list(changed)

    def _take(
        self, fresh: Iterable[tuple[str, Row]], directory: Path, edits: list[Edit | None] | None = None
    ) -> list[int]:
        """Put ops into the table, in their total order; nothing is painted."""
        ordered = sorted(fresh, key=lambda item: (item[1].lamport, item[0]))
        changed: dict[int, None] = {}
        for author, row in ordered:
            try:
                op = op_of_row(row, author) if row.track == self.track else None
                edit = edit_of(op) if op is not None else None
                if op is not None and isinstance(edit, AssignMask | Protect | Refine | Look):
                    self.canvas.check_op(op, edit)
                changed |= dict.fromkeys(self.table.append(row, author, edit))
                if edits is not None:
                    edits.append(edit)
            except JournalError as error:
                text = str(error) if str(error).startswith("op ") else f"op {author}:{row.seq}: {error}"
                raise JournalError(f"{directory / author}.sqlite: {text}") from error
        return list(changed)
