"""The op: one line of a journal, its envelope, its hash and its JSON view.

Everything that happens to a zone's labels is an op that somebody appended to their own journal. The
envelope is the same for every kind of op and for every version of the workbench:

====================  ==================================================================================
``author, seq``       whose journal, and the place in it, counted from 1; together the op's id ``author:seq``
``gesture``           seq of the gesture's first op; a gesture is one transaction and one undo step
``seen``              {other author: seq}: what the author had read of the others' journals
``lamport``           larger than that of any op the author had read; total order (lamport, author, seq)
``wall_time``         the author's clock in UTC; for people and statistics, never for order
``track``             ``labels`` (the only one exported), ``prelabels``, or ``blind-<author>``
``kind``              what the payload means: ``assign``, ``refine``, ``undo``, ``redo``, ``review``
``tool, scale``       how the edit was made: the tool, and the scale (λ) of the pick; null elsewhere
``hierarchy_digest``  the hierarchy that was picked in, or refined; null elsewhere
``model``             the model that proposed the edit; null elsewhere
``payload``           the edit (see `workbench.labels.edits`)
``previous``          sha256 of the author's op before; for the first, of the journal's meta document
``sha256``            of the canonical JSON of all of the above but the payload, a newline, and the payload
====================  ==================================================================================

In the hashed JSON keys are sorted and nothing is padded (`documents.canonical_bytes`); ``wall_time`` is the
number of microseconds since 1970. A payload is a canonical JSON object, called its header, and, if the kind
has one, a newline and a binary body. A newer version may add keys to a header that do not change which
pixels get which code; whatever changes that is a new kind, which an older version refuses to read past.
"""

from __future__ import annotations

__all__ = [
    "BLIND",
    "LAST_LAMPORT",
    "Entry",
    "Head",
    "Op",
    "blind_track",
    "check_author",
    "check_op_id",
    "from_microseconds",
    "join_payload",
    "op_document",
    "split_payload",
    "to_microseconds",
    "utc_now",
]

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from workbench.documents import canonical_bytes, digest
from workbench.errors import EditRefused, JournalError

_AUTHOR = r"(?!model-$)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?"
_PATTERNS = {
    "track": re.compile(rf"labels|prelabels|blind-{_AUTHOR}"),
    "kind": re.compile(r"[a-z][a-z0-9_-]{0,31}"),
    "tool": re.compile(r"[a-z][a-z0-9_-]{0,31}"),
    "hierarchy_digest": re.compile(r"[0-9a-f]{8,128}"),
    "model": re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}"),
}
# Windows refuses these as file names whatever the extension.
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
BLIND = "blind-"
"""What the name of a track begins with that is a blind annotation; then comes its author."""
LAST_LAMPORT = 1 << 46
"""No op has a larger lamport: with the author's place among the zone's it has to fit 64 bits."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def utc_now() -> datetime:
    """Return the clock's time in UTC."""
    return datetime.now(UTC)


def check_author(author: str) -> str:
    """Return an author's name if it can also be the name of a journal file on every system.

    Raises
    ------
    JournalError
        With the rule that a name has to keep.

    Examples
    --------
    >>> check_author("marie.dupont")
    'marie.dupont'
    """
    if not re.fullmatch(_AUTHOR, author) or _RESERVED.fullmatch(author):
        raise JournalError(
            f"author {author!r} cannot name a journal file; take 1 to 64 unaccented letters, digits, '.', "
            "'_' or '-', the first a letter or digit, the last no dot, neither model- alone nor a device of "
            "Windows (con, nul …)"
        )
    return author


def blind_track(author: str) -> str:
    """Return the track of an author's blind annotation."""
    return f"{BLIND}{author}"


def check_op_id(text: str) -> str:
    """Return an op's id ``author:seq`` if it is one.

    Raises
    ------
    EditRefused
        It is none.
    """
    author, _, seq = text.rpartition(":")
    if not re.fullmatch(_AUTHOR, author) or not re.fullmatch(r"[1-9][0-9]{0,17}", seq):
        raise EditRefused(f"{text!r} is no op id author:seq")
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What an author adds to a journal; the journal makes an `Op` of it."""

    track: str = "labels"
    kind: str
    tool: str | None = None
    scale: float | None = None
    """Scale (λ) of the pick, finite and not negative."""
    hierarchy_digest: str | None = None
    model: str | None = None
    payload: bytes

    def __post_init__(self) -> None:
        for field, pattern in _PATTERNS.items():
            value = getattr(self, field)
            if value is not None and not pattern.fullmatch(value):
                raise EditRefused(
                    f"{field} {value!r} is none this version can read or write ({pattern.pattern})"
                )
        if self.scale is not None and not 0 <= self.scale < math.inf:
            raise EditRefused(f"scale {self.scale} is not a finite number from 0 upwards")


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last op of an author that somebody had before them, hash and all."""

    author: str
    seq: int
    sha256: str

    def __post_init__(self) -> None:
        check_author(self.author)
        if self.seq < 1 or not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise EditRefused(f"head {self.author}:{self.seq} {self.sha256!r} is no op id with its sha256")


@dataclass(frozen=True, slots=True, kw_only=True)
class Op(Entry):
    """One op of a journal: the envelope of the module's table."""

    author: str
    seq: int
    gesture: int
    seen: Mapping[str, int]
    lamport: int
    wall_time: datetime
    previous: str
    """64 hexadecimal digits."""
    sha256: str = ""
    """64 hexadecimal digits; `sealed` computes it."""

    @property
    def id(self) -> str:
        """``author:seq``."""
        return f"{self.author}:{self.seq}"

    @property
    def gesture_id(self) -> str:
        """Id of the gesture's first op: what an undo aims at."""
        return f"{self.author}:{self.gesture}"

    @property
    def order(self) -> tuple[int, str, int]:
        """Key of the total order over all journals of a zone."""
        return self.lamport, self.author, self.seq

    @property
    def head(self) -> Head:
        """The op as a head."""
        return Head(author=self.author, seq=self.seq, sha256=self.sha256)

    def sealed(self) -> Op:
        """Return the op with its sha256."""
        return replace(self, sha256=self.hashed())

    def hashed(self) -> str:
        """Return the sha256 that the op's content has."""
        envelope = {
            "author": self.author,
            "gesture": self.gesture,
            "hierarchy_digest": self.hierarchy_digest,
            "kind": self.kind,
            "lamport": self.lamport,
            "model": self.model,
            "previous": self.previous,
            "scale": self.scale,
            "seen": dict(self.seen),
            "seq": self.seq,
            "tool": self.tool,
            "track": self.track,
            "wall_time": to_microseconds(self.wall_time),
        }
        return digest(canonical_bytes(envelope) + b"\n" + self.payload)


def to_microseconds(time: datetime) -> int:
    """Return the microseconds from 1970 to an aware time."""
    return (time - _EPOCH) // _MICROSECOND


def from_microseconds(count: int) -> datetime:
    """Return the UTC time some microseconds after 1970."""
    return _EPOCH + count * _MICROSECOND


def join_payload(header: Mapping[str, object], body: bytes | None = None) -> bytes:
    r"""Return the bytes of a payload.

    >>> join_payload({"target": "marie:3"})
    b'{"target":"marie:3"}'
    >>> join_payload({"code": 2}, b"\x00")
    b'{"code":2}\n\x00'
    """
    text = canonical_bytes(header)
    return text if body is None else text + b"\n" + body


def split_payload(payload: bytes) -> tuple[dict[str, Any], bytes | None]:
    """Return header and body of a payload of any kind, of this version or a newer one.

    Raises
    ------
    JournalError
        The header is not a canonical JSON object.
    """
    text, newline, body = payload.partition(b"\n")
    try:
        header = json.loads(text)
        canonical = isinstance(header, dict) and canonical_bytes(header) == text
    except (ValueError, RecursionError) as error:
        raise JournalError(f"payload does not begin with JSON: {error}") from error
    if not canonical:
        raise JournalError("payload does not begin with a canonical JSON object")
    return header, body if newline else None


def op_document(op: Op) -> dict[str, Any]:
    """Return the JSON view of an op (``schema/op.schema.json``), complete enough to compute its sha256."""
    header, body = split_payload(op.payload)
    return {
        "format": "ocs-workbench/op",
        "format_version": 1,
        "id": op.id,
        "author": op.author,
        "seq": op.seq,
        "gesture": op.gesture,
        "seen": dict(op.seen),
        "lamport": op.lamport,
        "wall_time": op.wall_time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "track": op.track,
        "kind": op.kind,
        "tool": op.tool,
        "scale": op.scale,
        "hierarchy_digest": op.hierarchy_digest,
        "model": op.model,
        "payload": header,
        "body": None if body is None else base64.b64encode(body).decode("ascii"),
        "previous": op.previous,
        "sha256": op.sha256,
    }
