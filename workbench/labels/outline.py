"""A zone in outline: its state of review and its labelled share, from the journals alone and with no store.

A list of thousands of zones needs little of each. An `AnnotationStore` keeps for every pixel which op gave it
its label, and opens in a second or more; the state of review takes no pixel at all, and the share one byte of
each. The answers are a second definition of the store's, and tested against them.
"""

from __future__ import annotations

__all__ = ["Outline", "read_outline", "read_share"]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.errors import JournalError
from workbench.labels.edits import VERDICTS
from workbench.labels.losses import missing_ops
from workbench.labels.meta import JournalSubject
from workbench.labels.op import Head, Op, blind_track, from_microseconds, split_payload
from workbench.labels.payloads import edit_of, target_of
from workbench.labels.reading import read_journals
from workbench.labels.review import ZoneState, state_after
from workbench.labels.runs import spans_of
from workbench.labels.tables import Row, op_of_row

_TRACK = "labels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What the journals of a zone say, in a few words."""

    state: ZoneState
    authors: tuple[str, ...]
    """Who labelled, by name; not who did so blind."""
    blind: tuple[str, ...]
    """Who annotated the zone blind, by name."""
    edited: datetime | None
    """When somebody labelled last, by their clock."""
    missing: Mapping[str, int]
    """An op of authors that may have been there and that no journal holds."""


def read_outline(directory: Path, subject: JournalSubject) -> Outline:
    """Read the journals of a zone, every hash of them, and tell where the zone stands.

    Parameters
    ----------
    directory
        The zone's journal folder; one that does not exist holds no journals.
    subject
        What every journal in it must be about.

    Raises
    ------
    JournalError
        A journal is damaged, of a newer version or of something else. That an op paints outside the zone, or
        with a code that its nomenclature does not have, is found when the zone is opened.
    """
    rows = _rows(directory, subject)
    heads = {author: head for author, own in rows.items() if (head := _label_head(own))}
    judged = tuple(
        Head(author=author, seq=row.seq, sha256=row.sha256.hex()) for author, row in sorted(heads.items())
    )
    return Outline(
        state=state_after(_last_review(rows), judged),
        authors=tuple(sorted(heads)),
        blind=tuple(
            author
            for author, own in sorted(rows.items())
            if any(row.track == blind_track(author) for row in own)
        ),
        edited=max((from_microseconds(row.wall_time) for row in heads.values()), default=None),
        missing=missing_ops(
            directory,
            {author: len(own) for author, own in rows.items()},
            (row for own in rows.values() for row in own),
        ),
    )


def read_share(directory: Path, subject: JournalSubject, footprint: NDArray[np.bool_]) -> float:
    """Return the share of a zone that has a label, 0 to 1; 1 only where no pixel is left.

    Every label op that counts is painted over those before it: O(their pixels), in one byte a pixel.

    Parameters
    ----------
    directory, subject
        As for `read_outline`.
    footprint
        Shape (row, col) of the grid, True inside the zone.

    Raises
    ------
    JournalError
        As for `read_outline`.
    """
    codes = np.zeros(footprint.shape, np.uint8)
    counting = sorted(_counting(_rows(directory, subject)), key=lambda item: (item[1].lamport, item[0]))
    for author, row in counting:
        # Not `edit_of`: provenance is of no use here, and takes longer than the pixels.
        header, body = split_payload(row.payload)
        try:
            top, left, height, width = map(int, header["window"])
            spans, code = spans_of(body or b"", row=top, col=left, height=height, width=width), header["code"]
            _cover(spans, int(code), codes)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise JournalError(f"op {author}:{row.seq} is no label ({type(error).__name__})") from error
    return float((codes[footprint] > 0).mean())


def _rows(directory: Path, subject: JournalSubject) -> dict[str, Sequence[Row]]:
    return {journal.meta.author: journal.rows for journal in read_journals(directory, subject)}


def _label_head(rows: Sequence[Row]) -> Row | None:
    """Return the last op of a journal that may have changed labels."""
    for row in reversed(rows):
        if row.track == _TRACK and (row.kind == "assign" or _labels_with(row, rows)):
            return row
    return None


def _labels_with(step: Row, rows: Sequence[Row]) -> bool:
    """Tell whether an op undoes or redoes a gesture that gives pixels a code."""
    if step.kind not in ("undo", "redo"):
        return False
    first = _gesture(step)
    gesture = (row for row in rows[first - 1 :] if row.gesture == first)
    return any(row.kind == "assign" and row.track == _TRACK for row in gesture)


def _gesture(step: Row) -> int:
    """Return the gesture that an undo or redo is of: the seq of its first op.

    Raises
    ------
    JournalError
        There is no such.
    """
    number = target_of(step.payload).rpartition(":")[2]
    if not number.isdecimal() or not 0 < int(number) < step.seq:
        raise JournalError(f"op {step.seq} is {step.kind} of {number}, which is no gesture before it")
    return int(number)


def _last_review(rows: Mapping[str, Sequence[Row]]) -> Op | None:
    """Return the verdict that holds; see `OpTable.last_review`."""
    found = {
        (author, row.seq): op_of_row(row, author)
        for author, own in rows.items()
        for row in own
        if row.kind == "review" and row.track == _TRACK
    }
    seen = {(op.author, op.seq): {**op.seen, op.author: op.seq - 1} for op in found.values()}
    read = {(author, seq) for author, seq in found for last in seen.values() if last.get(author, 0) >= seq}
    left = [op for place, op in found.items() if place not in read]
    return max(left, key=_strictness, default=None)


def _strictness(verdict: Op) -> tuple[int, tuple[int, str, int]]:
    state = getattr(edit_of(verdict), "state", VERDICTS[0])
    return VERDICTS.index(state), verdict.order


def _counting(rows: Mapping[str, Sequence[Row]]) -> Iterator[tuple[str, Row]]:
    """Yield the label ops, with their authors, whose gestures are not undone."""
    for author, own in rows.items():
        undone = set[int]()
        for row in own:
            if row.track == _TRACK and row.kind == "undo":
                undone.add(_gesture(row))
            elif row.track == _TRACK and row.kind == "redo":
                undone.discard(_gesture(row))
        for row in own:
            if row.track == _TRACK and row.kind == "assign" and row.gesture not in undone:
                yield author, row


@kernel
def _cover(spans: NDArray[np.int32], code: int, codes: NDArray[np.uint8]) -> None:
    """Write a code into the pixels of spans, as far as they lie in the zone."""
    height, width = codes.shape
    for number in range(spans.shape[0]):
        row, first, stop = spans[number, 0], max(spans[number, 1], 0), min(spans[number, 2], width)
        if 0 <= row < height:
            for col in range(first, stop):
                codes[row, col] = code
