"""The table of ops: which of them count, and what they do where. Private to `AnnotationStore`."""

from __future__ import annotations

__all__ = ["OpTable"]

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import JournalError
from workbench.geo.grid import Window
from workbench.labels.edits import (
    VERDICTS,
    AssignMask,
    Comment,
    Edit,
    Look,
    Protect,
    Redo,
    Refine,
    Review,
    Undo,
)
from workbench.labels.growth import doubled, roomy
from workbench.labels.losses import missing_ops
from workbench.labels.op import LAST_LAMPORT, Head, Op, blind_track, split_payload
from workbench.labels.opcolumns import COLUMNS, KINDS, check_columns
from workbench.labels.painting import Bare
from workbench.labels.payloads import target_of
from workbench.labels.runs import RunLengthMask, spans_of
from workbench.labels.tables import Row, body_of_row, op_of_row, seen_of
from workbench.labels.tileindex import TileIndex

_AUTHOR_BITS = 63 - LAST_LAMPORT.bit_length()
_LABEL_KINDS = frozenset({"assign", "undo", "redo"})
"""Kinds of op after which a zone's labels may be others."""
_REMEMBERED = 64 << 20
"""Bytes of masks that stay decoded: undo and redo come back to those of a moment ago."""


class OpTable:
    """The ops of a zone in the order in which they were taken, and what those of its track do where.

    Columns instead of objects: a zone has tens of thousands of ops, and opening it must not make as many
    objects. The ops stay rows of their journals until somebody asks for one.
    """

    def __init__(self, shape: tuple[int, ...], track: str) -> None:
        self._shape, self._track = shape, track
        self._count = 0
        self._columns: dict[str, NDArray[Any]] = {name: np.zeros(64, kind) for name, kind in COLUMNS.items()}
        self._boxes = np.zeros((64, 4), np.int32)
        """Shape (op, 4): row, col, row stop, column stop of what an op paints or refines; zeros elsewhere."""
        self._order = np.zeros(64, np.int64)
        """Shape (op,). Place in the total order (lamport, author)."""
        self._index = TileIndex(shape)
        self._authors: list[str] = []
        self._ranks: list[int] = []
        self._rows: list[list[Row]] = []
        self._positions: list[list[int]] = []
        self._latest = -1
        self._reviews: list[int] = []
        self._steps: list[list[tuple[int, str, bool]]] = []
        """By author: seq of each undo and redo, the gesture it is of, whether it is a redo."""
        self._uppers: dict[int, str] = {}
        """By position: the upper class that an op names."""
        self._decoded: dict[int, NDArray[np.int32]] = {}
        self._decoded_bytes = 0

    def __len__(self) -> int:
        return self._count

    @property
    def order(self) -> NDArray[np.int64]:
        """Shape (op,) or longer. Place of each op in the total order."""
        return self._order

    @property
    def latest(self) -> int:
        """Position of the last op in the total order, -1 without ops."""
        return self._latest

    @property
    def lamport(self) -> int:
        """Lamport of the last op in the total order, 0 without ops."""
        return int(self._order[self._latest]) >> _AUTHOR_BITS if self._count else 0

    @property
    def heads(self) -> dict[str, int]:
        """Last seq of each author's journal."""
        return {author: len(rows) for author, rows in zip(self._authors, self._rows, strict=True)}

    def rows(self, author: str) -> Sequence[Row]:
        """Return the rows of an author's journal that were taken, first to last."""
        return self._rows[self._authors.index(author)] if author in self._authors else ()

    def op(self, position: int) -> Op:
        """Return an op."""
        return op_of_row(self._row(position), self._authors[self._columns["author"][position]])

    def append(
        self, row: Row, author: str, edit: Edit | None, *, spans: NDArray[np.int32] | None = None
    ) -> list[int]:
        """Take the next op of an author's journal, with its edit if it belongs to the track.

        Parameters
        ----------
        row, author, edit
            The op.
        spans
            Of its mask, where somebody decoded it already.

        Returns
        -------
        list of int
            Positions of the painting or refining ops that start or cease to count with it.

        Raises
        ------
        JournalError
            The op undoes what is not a gesture of the same author and track. Nothing was taken.
        """
        number = self._number(author)
        position, changed = self._count, []
        match edit:
            case AssignMask(mask=mask) | Protect(mask=mask):
                spans = mask.spans() if spans is None else spans
                changed = [position]
            case Refine() | Comment():
                changed = [position]
            case Undo(target=target) | Redo(target=target):
                changed = self.gesture(target) if target.rpartition(":")[0] == author else []
                if not changed:
                    what = f"{row.kind} of {target}, which is no gesture of {author}'s before it"
                    raise JournalError(f"op {author}:{row.seq}: {what}")
        self._make_room()
        columns = self._columns
        columns["author"][position], columns["seq"][position] = number, row.seq
        columns["gesture"][position] = row.gesture
        match edit:
            case AssignMask(window=window, code=code, upper=upper):
                self._place(position, window, kind="assign", value=code)
                if upper is not None:
                    self._uppers[position] = upper
            case Protect(window=window, on=on, accepted=accepted):
                self._place(position, window, kind="accept" if accepted else "protect", value=int(on))
            case Refine(window=window):
                self._place(position, window, kind="refine")
            case Comment(row=at_row, col=at_col):
                pixel = Window(row=at_row, col=at_col, height=1, width=1)
                self._place(position, pixel, kind="comment")
            case Look(window=window):
                self._place(position, window, kind="look")
            case Undo(target=target) | Redo(target=target):
                columns["counts"][changed] = isinstance(edit, Redo)
                self._steps[number].append((row.seq, target, isinstance(edit, Redo)))
        if spans is not None:
            self._remember(position, spans)
        self._index.append(spans)
        self._order[position] = (row.lamport << _AUTHOR_BITS) | self._ranks[number]
        if self._latest < 0 or self._order[position] > self._order[self._latest]:
            self._latest = position
        if isinstance(edit, Review):
            self._reviews.append(position)
        self._rows[number].append(row)
        self._positions[number].append(position)
        self._count += 1
        return changed

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return what `restore` needs besides the rows: copies of the columns."""
        count = self._count
        state: dict[str, NDArray[Any]] = {
            name: column[:count].copy() for name, column in self._columns.items()
        }
        return state | {"boxes": self._boxes[:count].copy()} | self._index.state()

    def restore(self, state: Mapping[str, NDArray[Any]], rows: Mapping[str, Sequence[Row]]) -> None:
        """Take the ops that the table had when `state` was called; this table is empty.

        Parameters
        ----------
        state
            As `state` returned it, or some file says it did.
        rows
            Those ops by author, the authors in the order of their numbers.

        Raises
        ------
        JournalError
            The state cannot be that of a table of this zone with these ops.
        """
        check_columns(state, [len(own) for own in rows.values()], self._shape)
        self._index.restore(state)
        count = len(state["author"])
        self._columns = {name: roomy(state[name]) for name in COLUMNS}
        self._boxes = roomy(state["boxes"])
        for author, own in rows.items():
            number = self._number(author)
            self._rows[number] = list(own)
            self._positions[number] = np.flatnonzero(state["author"] == number).tolist()
            self._steps[number] = [
                (row.seq, target_of(row.payload), row.kind == "redo")
                for row in own
                if row.track == self._track and row.kind in ("undo", "redo")
            ]
            self._uppers |= {
                self._positions[number][row.seq - 1]: upper
                for row in own
                if row.track == self._track and (upper := _upper_of(row)) is not None
            }
        lamports = np.zeros(count + 64, np.int64)
        for own, positions in zip(self._rows, self._positions, strict=True):
            lamports[positions] = [row.lamport for row in own]
        ranks = np.asarray(self._ranks, np.int64)[state["author"]]
        self._order = lamports << _AUTHOR_BITS
        self._order[:count] |= ranks
        self._count = count
        self._latest = int(self._order[:count].argmax()) if count else -1
        self._reviews = [
            positions[row.seq - 1]
            for own, positions in zip(self._rows, self._positions, strict=True)
            for row in own
            if row.kind == "review" and row.track == self._track
        ]

    def changed_since(self, count: int) -> list[int]:
        """Return the ops whose effect may be another since the table had so many."""
        new = range(count, self._count)
        return [position for position in range(self._count) if position in new or not self.counts(position)]

    def kind(self, position: int) -> str:
        """Return the kind of an op that has a place on the ground, empty for others."""
        return KINDS[self._columns["kind"][position]]

    def value(self, position: int) -> int:
        """Return what a painting op gives its pixels."""
        return int(self._columns["value"][position])

    @property
    def given(self) -> NDArray[np.uint8]:
        """Shape (op,) or longer. What each painting op gives its pixels."""
        given: NDArray[np.uint8] = self._columns["value"]
        return given

    def values(self, kind: str) -> NDArray[np.int16]:
        """Return what each op of a kind that counts gives, shape (op + 1,): 0 for none, -1 for other ops."""
        values = self._columns["value"][: self._count].astype(np.int16)
        values[~self._of_kind(kind)] = -1
        return np.concatenate([np.zeros(1, np.int16), values])

    def head(self, author: str) -> Head:
        """Return the last op of an author's journal."""
        return _head_of(self.rows(author)[-1], author)

    def counts(self, position: int) -> bool:
        """Tell whether an op paints or refines and its gesture is not undone."""
        return bool(self._columns["counts"][position])

    def upper(self, position: int) -> str | None:
        """Return the upper class that a painting op names where its author was sure of no class."""
        return self._uppers.get(position)

    def unsure(self) -> list[int]:
        """Return the painting ops that count and name an upper class, as they were taken."""
        return [position for position in sorted(self._uppers) if self.counts(position)]

    def window(self, position: int) -> Window:
        """Return the window of one painting or refining op."""
        row, col, row_stop, col_stop = (int(edge) for edge in self._boxes[position])
        return Window(row=row, col=col, height=row_stop - row, width=col_stop - col)

    def hull(self, positions: Sequence[int]) -> Window:
        """Return the smallest window that holds what some ops paint or refine."""
        boxes = self._boxes[np.asarray(positions, np.int64)]
        row, col = boxes[:, :2].min(axis=0).tolist()
        row_stop, col_stop = boxes[:, 2:].max(axis=0).tolist()
        return Window(row=row, col=col, height=row_stop - row, width=col_stop - col)

    def spans(self, position: int) -> NDArray[np.int32]:
        """Return the spans of a painting op's mask (see `workbench.labels.painting`)."""
        spans = self._decoded.get(position)
        if spans is None:
            row, col, row_stop, col_stop = self._boxes[position].tolist()
            body = body_of_row(self._row(position))
            spans = spans_of(body, row=row, col=col, height=row_stop - row, width=col_stop - col)
            self._remember(position, spans)
        return spans

    def mask(self, position: int) -> NDArray[np.bool_]:
        """Return the mask of a painting op, shape (row, col) of its window."""
        return RunLengthMask(window=self.window(position), data=body_of_row(self._row(position))).decode()

    def beneath(self, kind: str, bare: Bare, *, author: str = "") -> Iterator[int]:
        """Yield the ops of a kind that count near bare pixels, the last in the order first.

        Parameters
        ----------
        kind
            Of the ops.
        bare
            Looked at before each op.
        author
            Whose ops; everybody's by default.
        """
        return self._index.beneath(self._of_kind(kind, author), self._order, bare)

    def shared_tiles(self, kind: str) -> NDArray[np.bool_]:
        """Return the tiles in which ops of a kind by several authors count, shape (tile row, tile col)."""
        return self._index.shared(self._columns["author"], self._of_kind(kind))

    def seen(self, position: int) -> Mapping[str, int]:
        """Return {author: seq} of what the author of an op had read; the same object for the same text."""
        return seen_of(self._row(position).seen)

    def positions(self, author: str) -> Sequence[int]:
        """Return the position of each op of an author's journal that was taken, first to last."""
        return self._positions[self._authors.index(author)] if author in self._authors else ()

    def tiles(self, position: int) -> NDArray[np.int32]:
        """Return the numbers of the tiles in which a painting op has pixels."""
        return self._index.tiles_of(position)

    def missing(self, directory: Path) -> dict[str, int]:
        """Return {author: seq} of an op that may have been there, as its journal folder knows, and is not."""
        return missing_ops(directory, self.heads, itertools.chain.from_iterable(self._rows))

    def name(self, position: int) -> tuple[str, int]:
        """Return author and seq of an op."""
        columns = self._columns
        return self._authors[columns["author"][position]], int(columns["seq"][position])

    def tool(self, position: int) -> str | None:
        """Return the tool that an op was made with."""
        return self._row(position).tool

    def last_counting(self, kind: str) -> int:
        """Return the position of the last op of a kind that counts in the total order, -1 without one."""
        found = np.flatnonzero(self._of_kind(kind))
        return int(found[self._order[found].argmax()]) if found.size else -1

    def count_of(self, kind: str, author: str) -> int:
        """Return how many ops of a kind by an author count."""
        return int(np.count_nonzero(self._of_kind(kind, author)))

    def counting(self, kind: str, *, author: str = "") -> list[Op]:
        """Return the ops of a kind that count, first to last; everybody's unless an author is given."""
        return [self.op(position) for position in self._counting(kind, author)]

    def looks(self) -> dict[str, tuple[Window, ...]]:
        """Return the windows that each author has had before their eyes, sorted by author."""
        found: dict[str, list[Window]] = {}
        for position in self._counting("look"):
            found.setdefault(self.name(position)[0], []).append(self.window(position))
        return {author: tuple(windows) for author, windows in sorted(found.items())}

    def label_heads(self) -> tuple[Head, ...]:
        """Return the last op of each author that may have changed labels of the track, sorted by author."""
        heads = []
        for author in sorted(self._authors):
            found = (row for row in reversed(self.rows(author)) if self._may_label(row))
            heads += [_head_of(row, author) for row in itertools.islice(found, 1)]
        return tuple(heads)

    @property
    def last_review(self) -> Op | None:
        """The verdict on the track that holds.

        Of those that nobody who judged later had read it is the strictest, and of those the last.
        """
        read = {other for one in self._reviews for other in self._reviews if self.saw(one, other)}
        left = [(self._strictness(one), self._order[one], one) for one in self._reviews if one not in read]
        return self.op(max(left)[2]) if left else None

    def _strictness(self, position: int) -> int:
        return VERDICTS.index(split_payload(self._row(position).payload)[0]["state"])

    def blind_authors(self) -> tuple[str, ...]:
        """Return the authors who have edits of a blind annotation, by name."""
        tracks = ((author, {row.track for row in self.rows(author)}) for author in sorted(self._authors))
        return tuple(author for author, own in tracks if blind_track(author) in own)

    def saw(self, position: int, other: int) -> bool:
        """Tell whether the author of an op had read another one, or written it before."""
        (author, seq), (writer, written) = self.name(position), self.name(other)
        if author == writer:
            return written < seq
        return seen_of(self._row(position).seen).get(writer, 0) >= written

    def flipped(self, position: int) -> Iterator[int]:
        """Yield the label ops that count and did not in what an op's author had read, or the reverse."""
        (author, seq), seen = self.name(position), seen_of(self._row(position).seen)
        for writer, steps in zip(self._authors, self._steps, strict=True):
            known = seq if writer == author else seen.get(writer, 0)
            then = {target: redo for at, target, redo in steps if at <= known}
            for target in {target for at, target, _ in steps if at > known}:
                for one in self.gesture(target):
                    read = self.kind(one) == "assign" and self.name(one)[1] <= known
                    if read and self.counts(one) != then.get(target, True):
                        yield one

    def labels_with(self, target: str) -> bool:
        """Tell whether a gesture ``author:seq`` gives pixels a code."""
        return any(self.kind(position) == "assign" for position in self.gesture(target))

    def _may_label(self, row: Row) -> bool:
        if row.track != self._track or row.kind not in _LABEL_KINDS:
            return False
        return row.kind == "assign" or self.labels_with(target_of(row.payload))

    def gesture(self, target: str) -> list[int]:
        """Return the ops with a place on the ground of a gesture ``author:seq``; none if there is no such."""
        author, _, number = target.rpartition(":")
        positions: list[int] = []
        if author in self._authors and number.isdecimal() and int(number) >= 1:
            for position in self._positions[self._authors.index(author)][int(number) - 1 :]:
                if self._columns["gesture"][position] != int(number):
                    break
                if self._columns["kind"][position]:
                    positions.append(position)
        return positions

    def _row(self, position: int) -> Row:
        columns = self._columns
        return self._rows[int(columns["author"][position])][int(columns["seq"][position]) - 1]

    def _counting(self, kind: str, author: str = "") -> list[int]:
        """Return the positions of what `counting` returns."""
        found = np.flatnonzero(self._of_kind(kind, author))
        return [int(position) for position in found[np.argsort(self._order[found])]]

    def _of_kind(self, kind: str, author: str = "") -> NDArray[np.bool_]:
        """Return which ops are of a kind, and of an author if one is given, and count, shape (op,)."""
        columns = self._columns
        chosen: NDArray[np.bool_] = np.equal(columns["kind"][: self._count], KINDS.index(kind))
        chosen &= columns["counts"][: self._count]
        if author:
            number = self._authors.index(author) if author in self._authors else len(self._authors)
            chosen &= columns["author"][: self._count] == number
        return chosen

    def _place(self, position: int, window: Window, *, kind: str, value: int = 0) -> None:
        self._boxes[position] = _box(window)
        self._columns["kind"][position] = KINDS.index(kind)
        self._columns["value"][position] = value
        self._columns["counts"][position] = True

    def _remember(self, position: int, spans: NDArray[np.int32]) -> None:
        self._decoded[position] = spans
        self._decoded_bytes += spans.nbytes
        while self._decoded_bytes > _REMEMBERED and len(self._decoded) > 1:
            self._decoded_bytes -= self._decoded.pop(next(iter(self._decoded))).nbytes

    def _make_room(self) -> None:
        if self._count == len(self._order):
            self._columns = {name: doubled(column) for name, column in self._columns.items()}
            self._boxes, self._order = doubled(self._boxes), doubled(self._order)

    def _number(self, author: str) -> int:
        """Return the number of an author; the order of all ops follows the names of all authors."""
        if author not in self._authors:
            self._authors.append(author)
            self._rows.append([])
            self._positions.append([])
            self._steps.append([])
            sorted_names = sorted(self._authors)
            self._ranks = [sorted_names.index(name) for name in self._authors]
            ranks = np.asarray(self._ranks)[self._columns["author"][: self._count]]
            self._order[: self._count] &= ~((1 << _AUTHOR_BITS) - 1)
            self._order[: self._count] |= ranks
        return self._authors.index(author)


def _upper_of(row: Row) -> str | None:
    header, _ = split_payload(row.payload) if b'"upper"' in row.payload[:512] else ({}, None)
    upper = header.get("upper") if row.kind == "assign" else None
    return upper if isinstance(upper, str) else None


def _head_of(row: Row, author: str) -> Head:
    return Head(author=author, seq=row.seq, sha256=row.sha256.hex())


def _box(window: Window) -> NDArray[np.int32]:
    return np.array([window.row, window.col, window.row_stop, window.col_stop], np.int32)
