"""Payloads: what an edit is in a journal, and back.

========  ======================================================================================
kind      payload
========  ======================================================================================
assign    header: ``code`` 0–254 (0 erases), ``window`` [row, col, height, width] and, where there
          was a pick, its ``row, col``; ``upper``, key of the upper class, where the author was
          unsure; ``source``, id of the op of a pre-label, where one was accepted; ``confidence`` of a
          pre-label, 0 to 1; body: the mask
protect   header: ``on``, ``window`` and, of a reviewer, ``accepted`` true; body: the mask; its pixels
          are painted no more, or again
comment   header: ``row, col``, ``text``, ``answers`` the id of another comment or null,
          ``question``, ``ruling`` the key of a class or null; ``justifies``, the kind of a finding
          that is right as it is, where it says so; labels do not change
look      header: ``window``, pixels that the author had before their eyes; labels do not change
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

__all__ = ["KINDS", "UNDOABLE", "check_payload", "edit_of", "entry_of", "renamed_payload", "target_of"]

from collections.abc import Callable
from typing import Any

from workbench.errors import EditRefused, GridError, JournalError
from workbench.geo.grid import Window
from workbench.labels.edits import AssignMask, Comment, Edit, Look, Protect, Provenance, Redo, Review, Undo
from workbench.labels.op import Entry, Head, Op, check_op_id, join_payload, split_payload
from workbench.labels.refine import Refine
from workbench.labels.runs import RunLengthMask

_KEYS = {
    "assign": frozenset({"code", "window", "row", "col", "upper", "source", "confidence"}),
    "protect": frozenset({"on", "window", "accepted"}),
    "comment": frozenset({"row", "col", "text", "answers", "question", "ruling", "justifies"}),
    "look": frozenset({"window"}),
    "refine": frozenset({"window", "row", "col", "leaves", "bands", "mask_bytes"}),
    "undo": frozenset({"target"}),
    "redo": frozenset({"target"}),
    "review": frozenset({"state", "reason", "heads"}),
}
"""What a header of each kind may hold."""
KINDS = frozenset(_KEYS)
"""Every kind of op that this version can read."""
UNDOABLE = frozenset({"assign", "comment", "protect", "refine"})
"""Kinds of op whose gesture an author can take back."""
_OPTIONAL = {"upper": str, "source": str, "confidence": float}
"""What an assign says only where there is something to say."""
_REFERENCES = ("source", "answers", "target")
"""Keys whose value is the id of another op, or null."""


def entry_of(edit: Edit, *, track: str = "labels") -> Entry:
    """Return the journal entry that records an edit."""
    match edit:
        case AssignMask(mask=mask, code=code, provenance=made):
            header: dict[str, Any] = {"code": code, "window": _numbers_of(mask.window)}
            optional = {"row": made.row, "col": made.col} | {name: getattr(edit, name) for name in _OPTIONAL}
            header |= {name: value for name, value in optional.items() if value is not None}
            return Entry(
                track=track,
                kind="assign",
                tool=made.tool,
                scale=made.scale,
                hierarchy_digest=made.hierarchy_digest,
                model=made.model,
                payload=join_payload(header, mask.data),
            )
        case Protect(mask=mask, on=on, accepted=accepted):
            header = {"on": on, "window": _numbers_of(mask.window)} | ({"accepted": True} if accepted else {})
            return Entry(track=track, kind="protect", tool="protect", payload=join_payload(header, mask.data))
        case Comment():
            return Entry(track=track, kind="comment", payload=join_payload(_comment_header(edit)))
        case Look(window=window):
            return Entry(track=track, kind="look", payload=join_payload({"window": _numbers_of(window)}))
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
            case "protect":
                accepted = _typed(header, "accepted", bool) if "accepted" in header else False
                return Protect(mask=_mask_of(header, body), on=_typed(header, "on", bool), accepted=accepted)
            case "comment":
                return _comment_of(header)
            case "look":
                return Look(window=_window_of(header))
            case "refine":
                return _refine_of(op, header, body)
            case "undo":
                return Undo(target=target_of(op.payload))
            case "redo":
                return Redo(target=target_of(op.payload))
            case "review":
                return _review_of(header)
    except (JournalError, EditRefused, GridError) as error:
        raise JournalError(f"op {op.id}: {error}") from error
    raise JournalError(
        f"op {op.id} is of kind {op.kind!r}, which this version of the workbench does not know; "
        "update the workbench to open this zone"
    )


def target_of(payload: bytes) -> str:
    """Return the gesture id at which an undo or redo aims."""
    header, _ = split_payload(payload)
    return str(_typed(header, "target", str))


def renamed_payload(
    kind: str, payload: bytes, rename: Callable[[str], str], rehash: Callable[[Head], str]
) -> bytes:
    """Return a payload in which authors have other names; texts stay as they were written.

    Parameters
    ----------
    kind, payload
        Of the op.
    rename
        Gives the other name of an author.
    rehash
        Gives the sha256 that the op of a head has under the other names.

    Raises
    ------
    JournalError
        The kind is not known to this version, or the header holds what it does not know: there may be names
        in it.
    """
    header, body = split_payload(payload)
    if not header.keys() <= _KEYS.get(kind, frozenset()) or kind not in KINDS:
        raise JournalError(
            f"its kind {kind!r}, or one of {', '.join(sorted(header))}, is not known to this version of the "
            "workbench, and may hold names; update the workbench"
        )
    for key in _REFERENCES:
        if header.get(key) is not None:
            author, _, seq = check_op_id(_typed(header, key, str)).rpartition(":")
            header[key] = f"{rename(author)}:{seq}"
    if kind == "review":
        heads = [
            {"author": rename(head.author), "seq": head.seq, "sha256": rehash(head)}
            for head in _review_of(header).heads
        ]
        header["heads"] = sorted(heads, key=lambda head: str(head["author"]))
    return join_payload(header, body)


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
            case AssignMask(mask=mask) | Protect(mask=mask):
                mask.runs()
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


def _mask_of(header: dict[str, Any], body: bytes | None) -> RunLengthMask:
    if body is None:
        raise JournalError("a mask is missing")
    return RunLengthMask(window=_window_of(header), data=body)


def _assign_of(op: Op, header: dict[str, Any], body: bytes | None) -> AssignMask:
    if op.tool is None:
        raise JournalError("an assign needs a tool")
    pick = {name: _typed(header, name, int) for name in ("row", "col") if name in header}
    more = {name: _typed(header, name, kind) for name, kind in _OPTIONAL.items() if name in header}
    return AssignMask(
        mask=_mask_of(header, body),
        code=_typed(header, "code", int),
        provenance=Provenance(
            tool=op.tool, scale=op.scale, hierarchy_digest=op.hierarchy_digest, model=op.model, **pick
        ),
        **more,
    )


def _comment_header(comment: Comment) -> dict[str, Any]:
    more = {} if comment.justifies is None else {"justifies": comment.justifies}
    return more | {
        "row": comment.row,
        "col": comment.col,
        "text": comment.text,
        "answers": comment.answers,
        "question": comment.question,
        "ruling": comment.ruling,
    }


def _comment_of(header: dict[str, Any]) -> Comment:
    return Comment(
        row=_typed(header, "row", int),
        col=_typed(header, "col", int),
        text=_typed(header, "text", str),
        answers=None if header.get("answers") is None else _typed(header, "answers", str),
        question=_typed(header, "question", bool),
        ruling=None if header.get("ruling") is None else _typed(header, "ruling", str),
        justifies=None if header.get("justifies") is None else _typed(header, "justifies", str),
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
