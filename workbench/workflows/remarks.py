"""What people wrote about the labels of a zone between two releases: reasons of verdicts, and rulings."""

from __future__ import annotations

__all__ = ["Remark", "Ruled", "spoken_between"]

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from workbench.labels.comments import one_line
from workbench.labels.edits import Comment, Review
from workbench.labels.op import Op
from workbench.labels.payloads import edit_of, target_of
from workbench.labels.reading import Journal
from workbench.labels.tables import op_of_row

_SAYING: Final = frozenset({"review", "comment"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """Why somebody judged or ruled as they did."""

    kind: Literal["submitted", "accepted", "sent_back", "ruling"]
    by: str
    """Pseudonym."""
    text: str
    """As it was written; there may be names in it."""
    question: str | None = None
    """What a ruling answers."""
    ruling: str | None = None
    """Key of the class that was ruled right."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "kind": self.kind,
            "by": self.by,
            "text": self.text,
            "question": self.question,
            "ruling": self.ruling,
        }

    def __str__(self) -> str:
        text = one_line(self.text)
        if self.kind != "ruling":
            verb = {"sent_back": "sent it back", "accepted": "accepted it", "submitted": "submitted it"}
            return f"{self.by} {verb[self.kind]}: {text}"
        return f"{self.by} ruled {self.ruling} on “{one_line(self.question or '')}”: {text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """A ruling that counts."""

    op: Op
    asked: Comment
    """The question."""
    key: str
    """Of the class."""
    text: str

    def was_read_by(self, op: Op) -> bool:
        """Tell whether an op was made by somebody who had read it, or made it before."""
        known = op.seq - 1 if op.author == self.op.author else op.seen.get(self.op.author, 0)
        return known >= self.op.seq


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What was said between two releases."""

    verdicts: tuple[tuple[Op, Review], ...]
    rulings: tuple[Ruled, ...]

    def remarks(self, pseudonym: Mapping[str, str]) -> tuple[Remark, ...]:
        """Return what has words, first to last.

        Parameters
        ----------
        pseudonym
            Of each author.
        """
        found = [
            (op.order, Remark(kind=review.state, by=pseudonym[op.author], text=review.reason))
            for op, review in self.verdicts
            if review.reason
        ]
        found += [
            (
                one.op.order,
                Remark(
                    kind="ruling",
                    by=pseudonym[one.op.author],
                    text=one.text,
                    question=one.asked.text,
                    ruling=one.key,
                ),
            )
            for one in self.rulings
        ]
        return tuple(remark for _, remark in sorted(found, key=lambda item: item[0]))


def spoken_between(
    journals: Sequence[Journal], before: Mapping[str, int] | None, after: Mapping[str, int]
) -> Spoken:
    """Return what was said after a zone was accepted for one release, and until it was for another.

    Parameters
    ----------
    journals
        Of the zone, whole.
    before, after
        Last label op of each author that the two verdicts judged; None where there was no first one.
    """
    said = sorted(_said(journals), key=lambda op: op.order)
    judged = [(op, edit) for op in said if isinstance(edit := edit_of(op), Review)]
    since = next((op for op, review in judged if _accepts(review, before)), None)
    until = next((op for op, review in reversed(judged) if _accepts(review, after)), None)

    def between(op: Op) -> bool:
        return (since is None or op.order > since.order) and (until is None or op.order <= until.order)

    return Spoken(
        verdicts=tuple((op, review) for op, review in judged if between(op)),
        rulings=tuple(one for one in _rulings(said) if between(one.op)),
    )


def _accepts(review: Review, heads: Mapping[str, int] | None) -> bool:
    """Tell whether a verdict is the one that a release was built on."""
    return review.state == "accepted" and heads == {head.author: head.seq for head in review.heads}


def _rulings(said: Iterable[Op]) -> Iterator[Ruled]:
    comments = {op.id: (op, edit) for op in said if isinstance(edit := edit_of(op), Comment)}
    for op, comment in comments.values():
        if comment.ruling is not None and comment.answers in comments:
            asked = comments[comment.answers][1]
            yield Ruled(op=op, asked=asked, key=comment.ruling, text=comment.text)


def _said(journals: Iterable[Journal]) -> Iterator[Op]:
    """Yield the reviews and comments that count; who undid a comment did not say it."""
    for journal in journals:
        author, undone = journal.meta.author, set[str]()
        for row in journal.rows:
            if row.kind == "undo":
                undone.add(target_of(row.payload))
            elif row.kind == "redo":
                undone.discard(target_of(row.payload))
        for row in journal.rows:
            if row.kind in _SAYING and row.track == "labels" and f"{author}:{row.gesture}" not in undone:
                yield op_of_row(row, author)
