"""Rulings: what was decided on a question, and which labels that concerns.

A ruling holds as long as its question does. Who rules on a question having read what was ruled on it replaces
that; of rulings that had not read each other both hold, and people have to settle it by another one.
"""

from __future__ import annotations

__all__ = ["Ruling", "Touched", "open_questions", "rulings"]

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import Comment
from workbench.labels.op import Op
from workbench.labels.strokes import given_map, patch_mask
from workbench.nomenclature import Nomenclature


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Connected pixels of one label that a ruling concerns."""

    op: str
    """Id of an edit that gave it: that of the pixel."""
    given: str
    """Key of the class, or upper class, that it has."""
    pixels: int
    row: int
    """A pixel of it."""
    col: int
    follows: bool
    """Whether it has the class of the ruling."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The class that is right where a question was asked."""

    id: str
    question: str
    """Id of the question."""
    key: str
    """Of the class."""
    touched: tuple[Touched, ...]
    """The label where it was asked, then every label of an upper class that the class is one of."""


def open_questions(comments: Iterable[tuple[Op, Comment]]) -> tuple[tuple[str, Comment], ...]:
    """Return the questions among some comments that no ruling answers, with their ids."""
    found = tuple((op.id, comment) for op, comment in comments)
    ruled = {comment.answers for _, comment in found if comment.ruling is not None}
    return tuple((name, comment) for name, comment in found if comment.question and name not in ruled)


def rulings(store: AnnotationStore, nomenclature: Nomenclature) -> tuple[Ruling, ...]:
    """Return the rulings of a zone that count, first to last, with the labels that they touch now."""
    ruled = _holding(store.comments())
    if not ruled:
        return ()
    uppers, keys = store.uppers()
    given = given_map(store.labels, uppers)
    found = []
    for op, question, asked, key in ruled:
        places = [(asked.row, asked.col), *_unsure(uppers, keys, nomenclature.above(key))]
        touched: dict[tuple[int, int], Touched] = {}
        for place in places:
            one = _touched(store, nomenclature, given, keys, place, key)
            if one is not None:
                touched.setdefault((one.row, one.col), one)
        found.append(Ruling(id=op.id, question=question, key=key, touched=tuple(touched.values())))
    return tuple(found)


def _holding(comments: Iterable[tuple[Op, Comment]]) -> list[tuple[Op, str, Comment, str]]:
    """Return the rulings among some comments that hold: op, id of the question, question, key."""
    said = list(comments)
    asked = {op.id: comment for op, comment in said if comment.question}
    ruled = [
        (op, comment.answers, asked[comment.answers], comment.ruling)
        for op, comment in said
        if comment.ruling is not None and comment.answers in asked
    ]
    return [
        one for one in ruled if not any(other[1] == one[1] and _had_read(other[0], one[0]) for other in ruled)
    ]


def _had_read(op: Op, other: Op) -> bool:
    """Tell whether an op was made by somebody who had read, or made, another one before."""
    before = op.seq - 1 if op.author == other.author else op.seen.get(other.author, 0)
    return before >= other.seq


def _unsure(
    uppers: NDArray[np.uint8], keys: tuple[str, ...], above: tuple[str, ...]
) -> Iterator[tuple[int, int]]:
    """Yield a pixel of each connected label of some upper classes."""
    from scipy import ndimage

    for number, key in enumerate(keys, start=1):
        if key in above:
            patches, _ = ndimage.label(uppers == number)
            _, firsts = np.unique(patches, return_index=True)
            for first in firsts[1 if not patches.all() else 0 :].tolist():
                yield divmod(first, uppers.shape[1])


def _touched(
    store: AnnotationStore,
    nomenclature: Nomenclature,
    given: NDArray[np.uint16],
    keys: tuple[str, ...],
    place: tuple[int, int],
    ruling: str,
) -> Touched | None:
    """Return the label at a pixel; None where there is none."""
    try:
        window, mask = patch_mask(given, *place)
    except EditRefused:
        return None
    op, (upper, code) = store.op_at(*place), divmod(int(given[place]), 256)
    key = keys[upper - 1] if upper else nomenclature.by_code(code).key
    inside = np.argwhere(mask)[0]
    return Touched(
        op=op.id if op is not None else "",
        given=key,
        pixels=int(mask.sum()),
        row=int(window.row + inside[0]),
        col=int(window.col + inside[1]),
        follows=key == ruling,
    )
