"""Edits: what an author does to a zone, as values; `workbench.labels.payloads` writes and reads them.

A label edit is stored as *pixels*: a window, a mask and a code. How it was made (the pick, its scale, the
hierarchy, the model) travels along as provenance and decides nothing, so labels, undo and review stand
whatever becomes of a hierarchy.
"""

from __future__ import annotations

__all__ = [
    "ACCEPTED",
    "AssignMask",
    "Comment",
    "Edit",
    "LabelEdit",
    "Look",
    "OPEN",
    "PROTECTED",
    "Protect",
    "Provenance",
    "Redo",
    "Refine",
    "Review",
    "RunLengthMask",
    "Undo",
    "VERDICTS",
    "assign",
    "assign_raster",
    "assign_spans",
    "tight",
]

import math
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused
from workbench.geo.grid import Window
from workbench.geo.spans import spans_of_mask
from workbench.labels.op import Head, check_op_id
from workbench.labels.refine import Refine
from workbench.labels.runs import RunLengthMask, check_mask

_REASON_LENGTH = 2000
_LAST_CODE = 254
OPEN, PROTECTED, ACCEPTED = 0, 1, 2
"""Whether a pixel may be painted, may not until it is unprotected, or not until it is opened for review."""
Verdict = Literal["submitted", "accepted", "sent_back"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""By how much they ask for: where two people judge unread by each other the stricter one holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How a label edit was made. None where it does not apply."""

    tool: str
    """Such as ``pick``, ``polygon``, ``brush``, ``import``: small letters, digits, '-' and '_'."""
    row: int | None = None
    """Row of the picked pixel in the zone."""
    col: int | None = None
    scale: float | None = None
    """Scale (λ) at which the region was picked, finite."""
    hierarchy_digest: str | None = None
    model: str | None = None
    """Id of the model that proposed the pixels."""

    def __post_init__(self) -> None:
        if (self.row is None) != (self.col is None):
            raise EditRefused(f"a pick needs both row and col, not ({self.row}, {self.col})")
        for name in ("row", "col"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, operator.index(value))
        if self.row is not None and self.col is not None and min(self.row, self.col) < 0:
            raise EditRefused(f"pick ({self.row}, {self.col}) lies outside the zone")
        if self.scale is not None:
            if not 0 <= self.scale < math.inf:
                raise EditRefused(f"scale {self.scale} is not a finite number from 0 upwards")
            # "+ 0.0" because SQLite keeps no negative zero, and the hash must be that of what is kept.
            object.__setattr__(self, "scale", float(self.scale) + 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignMask:
    """Give the pixels of a mask a code; 0 makes them unlabelled again."""

    mask: RunLengthMask
    code: int
    provenance: Provenance
    upper: str | None = None
    """Key of the upper class that the author is sure of, where they are of no class."""
    source: str | None = None
    """Id of the op of the pre-label that the author accepted."""
    confidence: float | None = None
    """What the model gives the class, from 0 to 1; of pre-labels only."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", operator.index(self.code))
        if self.confidence is not None:
            if not 0 <= self.confidence <= 1:
                raise EditRefused(f"confidence {self.confidence} is not between 0 and 1")
            object.__setattr__(self, "confidence", float(self.confidence) + 0.0)
        if self.upper is not None and not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", self.upper):
            raise EditRefused(f"upper class {self.upper!r} is no key of a nomenclature")
        if self.source is not None:
            check_op_id(self.source)
        if not 0 <= self.code <= _LAST_CODE:
            raise EditRefused(f"code {self.code} is not between 0 (erase) and {_LAST_CODE}")

    @property
    def window(self) -> Window:
        """Where the mask lies in the zone."""
        return self.mask.window


@dataclass(frozen=True, slots=True, kw_only=True)
class Protect:
    """Let nobody paint the pixels of a mask, or let them again.

    Pixels that a reviewer *accepted* are protected more strongly: only who opens them for review again lets
    them be painted, not who merely unprotects them.
    """

    mask: RunLengthMask
    on: bool
    accepted: bool = False
    """Whether it is a reviewer's: who accepts the labels of the pixels, or opens them again."""

    @property
    def window(self) -> Window:
        """Where the mask lies in the zone."""
        return self.mask.window


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A remark pinned to a pixel: a question, an answer to another comment, or a ruling on a question."""

    row: int
    col: int
    text: str
    answers: str | None = None
    """Id ``author:seq`` of the comment that it answers."""
    question: bool = False
    """Whether it waits for a ruling."""
    ruling: str | None = None
    """Key of the class that is right where a question was asked."""
    justifies: str | None = None
    """Kind of finding (`workbench.assessment.findings`) at this pixel that is right as it is."""

    def __post_init__(self) -> None:
        for name in ("row", "col"):
            object.__setattr__(self, name, operator.index(getattr(self, name)))
        if min(self.row, self.col) < 0:
            raise EditRefused(f"pixel ({self.row}, {self.col}) lies outside the zone")
        if not self.text.strip():
            raise EditRefused("a comment of blanks says nothing; write what there is to say")
        if len(self.text) > _REASON_LENGTH:
            raise EditRefused(f"a comment has 1 to {_REASON_LENGTH} characters, not {len(self.text)}")
        if self.answers is not None:
            check_op_id(self.answers)
        if self.ruling is not None and (self.answers is None or self.question):
            raise EditRefused("a ruling answers a question; give the id of the question")
        if self.justifies is not None and not re.fullmatch(r"[a-z][a-z-]{0,31}", self.justifies):
            raise EditRefused(f"{self.justifies!r} is no kind of finding")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The author had the pixels of a window before their eyes, none smaller than one of the screen."""

    window: Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Take back one of the author's own gestures."""

    target: str
    """Gesture id ``author:seq``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redo:
    """Make an undone gesture of the author's own count again."""

    target: str
    """Gesture id ``author:seq``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A verdict on the labels of a zone as they were at some heads."""

    state: Verdict
    reason: str | None = None
    heads: tuple[Head, ...]
    """Last label op of each author, sorted by author."""

    def __post_init__(self) -> None:
        if self.state not in VERDICTS:
            raise EditRefused(f"review state {self.state!r} is none of {', '.join(VERDICTS)}")
        if self.state == "sent_back" and not (self.reason or "").strip():
            raise EditRefused(
                "a zone is sent back with a reason, so that the annotator knows what to mend; give one"
            )
        if self.reason is not None and len(self.reason) > _REASON_LENGTH:
            raise EditRefused(f"reason has {len(self.reason)} characters; keep it below {_REASON_LENGTH}")
        authors = [head.author for head in self.heads]
        if authors != sorted(set(authors)):
            raise EditRefused(f"heads of a review are sorted, one per author, not {authors}")


LabelEdit = AssignMask | Protect
"""Every edit that `AnnotationStore.apply` takes."""
Edit = AssignMask | Protect | Comment | Look | Refine | Undo | Redo | Review


def tight(mask: NDArray[np.bool_], window: Window) -> tuple[NDArray[np.bool_], Window] | None:
    """Return a mask and its window cut down to the True pixels, or None where there are none.

    >>> mask = np.array([[0, 0, 0], [0, 1, 0], [0, 0, 1]], bool)
    >>> part, window = tight(mask, Window(row=5, col=7, height=3, width=3))
    >>> part.shape, window.row, window.col
    ((2, 2), 6, 8)
    """
    rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    top, left = int(rows[0]), int(cols[0])
    part = mask[top : int(rows[-1]) + 1, left : int(cols[-1]) + 1]
    row, col = int(window.row) + top, int(window.col) + left
    return part, Window(row=row, col=col, height=part.shape[0], width=part.shape[1])


def assign(mask: NDArray[np.bool_], window: Window, code: int, provenance: Provenance) -> AssignMask:
    """Return the edit that gives a mask's pixels a code, its window cut down to them.

    Parameters
    ----------
    mask
        Shape (row, col) of the window, True where the edit paints.
    window
        Where the mask lies in the zone.
    code
        Class code of the zone's nomenclature; 0 erases.
    provenance
        How the edit was made.

    Raises
    ------
    EditRefused
        The mask is empty, or not bool of the window's shape.
    """
    check_mask(mask, window)
    spans = spans_of_mask(mask, window)
    if not spans.size:
        raise EditRefused(f"mask at {window} holds no pixel; there is nothing to label")
    return assign_spans(spans, code=code, provenance=provenance)


def assign_spans(spans: NDArray[np.int32], *, code: int, provenance: Provenance) -> AssignMask:
    """Return the edit that gives the pixels of some spans a code; the same as `assign` of their mask.

    Parameters
    ----------
    spans
        Shape (span, 3), at least one; see `workbench.geo.spans`.
    code, provenance
        As for `assign`.
    """
    return AssignMask(mask=RunLengthMask.of_spans(spans), code=code, provenance=provenance)


def assign_raster(
    codes: NDArray[np.uint8], *, provenance: Provenance, tile: int = 512
) -> Iterator[AssignMask]:
    """Yield the edits that write a raster of codes, one per tile and class; 0 writes nothing.

    Meant for `AnnotationStore.apply_all`. Tiles keep a later undo local: it looks only at edits whose
    window it meets.

    Parameters
    ----------
    codes
        Shape (row, col) of the zone.
    provenance
        How the raster was made, such as ``Provenance(tool="import")``.
    tile
        Side of a tile in pixels.
    """
    height, width = codes.shape
    for row in range(0, height, tile):
        for col in range(0, width, tile):
            part = codes[row : row + tile, col : col + tile]
            window = Window(row=row, col=col, height=part.shape[0], width=part.shape[1])
            for code in np.flatnonzero(np.bincount(part.reshape(-1), minlength=1)):
                if code:
                    yield assign(part == code, window, int(code), provenance)
