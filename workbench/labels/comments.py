"""Comments: who may pin one, which answer which, and how what people wrote is told on one line."""

from __future__ import annotations

__all__ = ["Thread", "check_comment", "one_line", "threads"]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from unicodedata import category

from workbench.errors import EditRefused
from workbench.labels.edits import Comment
from workbench.labels.op import BLIND, Op
from workbench.labels.proposed import is_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """A comment and what was answered to it."""

    id: str
    comment: Comment
    answers: tuple[tuple[str, Comment], ...]
    """With their ids, first to last; answers to answers, too."""


def check_comment(
    comment: Comment, there: Mapping[str, Comment], *, zone: str, author: str, track: str
) -> None:
    """Refuse a comment that nobody would read, or that answers nothing.

    Parameters
    ----------
    comment
        To be written.
    there
        The comments of the zone by their ids.
    zone, author, track
        Where and by whom.

    Raises
    ------
    EditRefused
        A model writes it, or it is in a blind annotation, which nobody sees; or there is no such comment to
        answer.
    """
    if is_model(author):
        raise EditRefused(f"{author} is a model, whose comments nobody reads; do it as a person")
    if track.startswith(BLIND):
        raise EditRefused(
            "a blind annotation is seen by nobody, and a comment in it neither; comment without --blind"
        )
    if comment.answers is not None and comment.answers not in there:
        raise EditRefused(f"zone {zone} has no comment {comment.answers} to answer")
    if comment.ruling is not None and not there[str(comment.answers)].question:
        raise EditRefused(f"comment {comment.answers} is no question; answer it without a ruling")


def threads(comments: Iterable[tuple[Op, Comment]]) -> tuple[Thread, ...]:
    """Return the comments that answer none of the others, first to last, each with its answers.

    A question is one of them, even one that answers; justifications are not, they belong to findings.
    """
    beginnings: dict[str, str] = {}
    found: dict[str, tuple[Comment, list[tuple[str, Comment]]]] = {}
    for op, comment in comments:
        if comment.justifies is not None:
            continue
        begun = op.id if comment.question else beginnings.get(comment.answers or "", op.id)
        beginnings[op.id] = begun
        if begun == op.id:
            found[op.id] = comment, []
        else:
            found[begun][1].append((op.id, comment))
    return tuple(
        Thread(id=name, comment=comment, answers=tuple(answers)) for name, (comment, answers) in found.items()
    )


def one_line(text: str) -> str:
    r"""Return what somebody wrote on one line, in which nothing is hidden.

    Line breaks, control characters and those that turn the direction of writing are shown by their codes:
    a text, which may come from another campaign, must not pass for lines that the workbench prints.

    >>> one_line("spruce?\n  0.0% labelled \u202e")
    'spruce?\\n  0.0% labelled \\u202e'
    """
    return "".join(
        one if one.isprintable() else " " if category(one) == "Zs" else one.encode("unicode_escape").decode()
        for one in text
    )
