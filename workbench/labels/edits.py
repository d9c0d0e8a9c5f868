"""Edits: what an author does to a zone, as values, and as the payloads of ops.

A label edit is stored as *pixels*: a window, a mask and a code. How it was made (the pick, its scale, the
hierarchy, the model) travels along as provenance and decides nothing, so labels, undo and review stand
whatever becomes of a hierarchy.

========  ======================================================================================
kind      payload
========  ======================================================================================
assign    header: ``code`` 0–254 (0 erases), ``window`` [row, col, height, width] and, where there
          was a pick, its ``row, col``; body: the mask
refine    header: ``window``, ``row, col``, ``leaves``, ``bands``, ``mask_bytes``; body: finer regions
          inside a region of the hierarchy named in the envelope; labels do not change
undo      header: ``target``, id of a gesture of the same author that no longer counts
redo      header: ``target``, id of an undone gesture that counts again, at its place in the order
review    header: ``state`` submitted | accepted | sent_back, ``reason``, ``heads``
          [{author, seq, sha256}]: the last label op of each author that was judged
========  ======================================================================================

The envelope and the rules of payloads are in `workbench.labels.op`, the mask's bytes in
`workbench.labels.runs`, and a refinement's in `workbench.labels.refine`.
"""

from __future__ import annotations

__all__ = [
    "KINDS",
    "AssignMask",
    "Edit",
    "LabelEdit",
    "Provenance",
    "Redo",
    "Refine",
    "Review",
    "RunLengthMask",
    "Undo",
    "assign",
    "assign_raster",
    "check_payload",
    "edit_of",
    "entry_of",
    "tight",
]

import math
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused, GridError, JournalError
from workbench.geo.grid import Window
from workbench.labels.op import Entry, Head, Op, join_payload, split_payload
from workbench.labels.refine import Refine
from workbench.labels.runs import RunLengthMask

_REASON_LENGTH = 2000
_LAST_CODE = 254
KINDS = frozenset({"assign", "refine", "undo", "redo", "review"})
"""Every kind of op that this version can read."""
Verdict = Literal["submitted", "accepted", "sent_back"]


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", operator.index(self.code))
        if not 0 <= self.code <= _LAST_CODE:
            raise EditRefused(f"code {self.code} is not between 0 (erase) and {_LAST_CODE}")

    @property
    def window(self) -> Window:
        """Where the mask lies in the zone."""
        return self.mask.window


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
        if self.state not in get_args(Verdict):
            raise EditRefused(f"review state {self.state!r} is none of {', '.join(get_args(Verdict))}")
        if self.state == "sent_back" and not (self.reason or "").strip():
            raise EditRefused(
                "a zone is sent back with a reason, so that the annotator knows what to mend; give one"
            )
        if self.reason is not None and len(self.reason) > _REASON_LENGTH:
            raise EditRefused(f"reason has {len(self.reason)} characters; keep it below {_REASON_LENGTH}")
        authors = [head.author for head in self.heads]
        if authors != sorted(set(authors)):
            raise EditRefused(f"heads of a review are sorted, one per author, not {authors}")


LabelEdit = AssignMask
"""Every edit that `AnnotationStore.apply` takes."""
Edit = AssignMask | Refine | Undo | Redo | Review


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
    if mask.dtype != np.bool_ or mask.shape != window.shape:
        raise EditRefused(
            f"mask is {mask.dtype} of shape {mask.shape}, its window takes bool of {window.shape}"
        )
    part = tight(mask, window)
    if part is None:
        raise EditRefused(f"mask at {window} holds no pixel; there is nothing to label")
    return AssignMask(mask=RunLengthMask.encode(*part), code=code, provenance=provenance)


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


def entry_of(edit: Edit, *, track: str = "labels") -> Entry:
    """Return the journal entry that records an edit."""
    match edit:
        case AssignMask(mask=mask, code=code, provenance=made):
            header: dict[str, Any] = {"code": code, "window": _numbers_of(mask.window)}
            if made.row is not None:
                header |= {"row": made.row, "col": made.col}
            return Entry(
                track=track,
                kind="assign",
                tool=made.tool,
                scale=made.scale,
                hierarchy_digest=made.hierarchy_digest,
                model=made.model,
                payload=join_payload(header, mask.data),
            )
        case Refine():
            return _refine_entry(edit, track)
        case Undo(target=target):
            return Entry(track=track, kind="undo", payload=join_payload({"target": target}))
        case Redo(target=target):
            return Entry(track=track, kind="redo", payload=join_payload({"target": target}))
        case Review(state=state, reason=reason, heads=heads):
            judged = [{"author": head.author, "seq": head.seq, "sha256": head.sha256} for head in heads]
            content = {"state": state, "reason": reason, "heads": judged}
            return Entry(track=track, kind="review", payload=join_payload(content))


def edit_of(op: Op) -> Edit:
    """Return the edit that an op records.

    The mask of an assign is checked when it is decoded, not here.

    Raises
    ------
    JournalError
        The op's kind is not known to this version, or its payload is not what its kind says; the
        message names the op.
    """
    try:
        header, body = split_payload(op.payload)
        match op.kind:
            case "assign":
                return _assign_of(op, header, body)
            case "refine":
                return _refine_of(op, header, body)
            case "undo":
                return Undo(target=_typed(header, "target", str))
            case "redo":
                return Redo(target=_typed(header, "target", str))
            case "review":
                return _review_of(header)
    except (JournalError, EditRefused, GridError) as error:
        raise JournalError(f"op {op.id}: {error}") from error
    raise JournalError(
        f"op {op.id} is of kind {op.kind!r}, which this version of the workbench does not know; "
        "update the workbench to open this zone"
    )


def check_payload(op: Op) -> None:
    """Check the payload of an op down to its mask, if the op is of a kind that this version knows.

    Raises
    ------
    JournalError
        The message names the op.
    """
    edit = edit_of(op) if op.kind in KINDS else None
    try:
        match edit:
            case AssignMask(mask=mask):
                mask.decode()
            case Refine():
                edit.decode()
    except JournalError as error:
        raise JournalError(f"op {op.id}: {error}") from error


def _refine_entry(edit: Refine, track: str) -> Entry:
    header = {
        "window": _numbers_of(edit.window),
        "row": edit.row,
        "col": edit.col,
        "leaves": edit.leaf_count,
        "bands": edit.band_count,
        "mask_bytes": edit.mask_bytes,
    }
    return Entry(
        track=track,
        kind="refine",
        tool="refine",
        scale=edit.scale,
        hierarchy_digest=edit.hierarchy_digest,
        payload=join_payload(header, edit.data),
    )


def _refine_of(op: Op, header: dict[str, Any], body: bytes | None) -> Refine:
    if body is None or op.hierarchy_digest is None or op.scale is None:
        raise JournalError("a refine needs a body, a scale and the digest of a hierarchy")
    return Refine(
        window=_window_of(header),
        row=_typed(header, "row", int),
        col=_typed(header, "col", int),
        leaf_count=_typed(header, "leaves", int),
        band_count=_typed(header, "bands", int),
        mask_bytes=_typed(header, "mask_bytes", int),
        data=body,
        hierarchy_digest=op.hierarchy_digest,
        scale=op.scale,
    )


def _numbers_of(window: Window) -> list[int]:
    return [int(number) for number in (window.row, window.col, window.height, window.width)]


def _window_of(header: dict[str, Any]) -> Window:
    numbers = _typed(header, "window", list)
    if len(numbers) != 4 or any(type(number) is not int for number in numbers):
        raise JournalError(f"window {numbers} is not four whole numbers")
    row, col, height, width = numbers
    return Window(row=row, col=col, height=height, width=width)


def _assign_of(op: Op, header: dict[str, Any], body: bytes | None) -> AssignMask:
    window = _window_of(header)
    if body is None or op.tool is None:
        raise JournalError("an assign needs a mask and a tool")
    pick = {name: _typed(header, name, int) for name in ("row", "col") if name in header}
    return AssignMask(
        mask=RunLengthMask(window=window, data=body),
        code=_typed(header, "code", int),
        provenance=Provenance(
            tool=op.tool, scale=op.scale, hierarchy_digest=op.hierarchy_digest, model=op.model, **pick
        ),
    )


def _review_of(header: dict[str, Any]) -> Review:
    heads = []
    for head in _typed(header, "heads", list):
        if not isinstance(head, dict):
            raise JournalError(f"head {head!r} is no object")
        author, sha256 = _typed(head, "author", str), _typed(head, "sha256", str)
        heads.append(Head(author=author, seq=_typed(head, "seq", int), sha256=sha256))
    reason = header.get("reason")
    if reason is not None and not isinstance(reason, str):
        raise JournalError(f"reason {reason!r} is no text")
    return Review(state=_typed(header, "state", str), reason=reason, heads=tuple(heads))


def _typed(header: dict[str, Any], key: str, kind: type) -> Any:
    value = header.get(key)
    if type(value) is not kind:
        raise JournalError(f"payload's {key!r} is {value!r}, not {kind.__name__}")
    return value
