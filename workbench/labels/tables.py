"""The tables of a journal: their SQL, and rows as ops that follow each other. No database is opened here.

Ops stay rows until somebody asks for one: a zone has tens of thousands, and their chain is checked each time
that it is opened.
"""

from __future__ import annotations

__all__ = [
    "APPLICATION_ID",
    "INSERT",
    "SCHEMA",
    "SELECT",
    "SELECT_FROM",
    "WAY_OUT",
    "Row",
    "believed",
    "body_of_row",
    "chained_rows",
    "check_following",
    "checked",
    "last_seen",
    "op_of_row",
    "row_of_op",
    "sealed",
    "seen_of",
    "seen_text",
]

import functools
import hashlib
import itertools
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType, NoneType
from typing import Any, NamedTuple

from workbench.documents import canonical_bytes
from workbench.errors import JournalError
from workbench.labels.meta import JournalMeta
from workbench.labels.op import LAST_LAMPORT, Entry, Op, check_author, from_microseconds, to_microseconds

APPLICATION_ID = 0x4F43534A  # "OCSJ"
_COLUMNS: dict[str, tuple[type, ...]] = {
    "seq": (int,),
    "gesture": (int,),
    "lamport": (int,),
    "seen": (str,),
    "wall_time": (int,),
    "track": (str,),
    "kind": (str,),
    "tool": (str, NoneType),
    "scale": (float, NoneType),
    "hierarchy_digest": (str, NoneType),
    "model": (str, NoneType),
    "payload": (bytes,),
    "previous": (bytes,),
    "sha256": (bytes,),
}
INSERT = f"INSERT INTO ops ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
SELECT = f"SELECT {', '.join(_COLUMNS)} FROM ops ORDER BY seq"  # noqa: S608
# Not for a whole journal: in a file that was cut short a search can miss rows that a scan stumbles over.
SELECT_FROM = f"SELECT {', '.join(_COLUMNS)} FROM ops WHERE seq >= ? ORDER BY seq"  # noqa: S608
# CHECKs on typeof rather than a STRICT table, which SQLite before 3.37 (RHEL 9) could not open.
SCHEMA = (
    """CREATE TABLE meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    document TEXT NOT NULL CHECK (typeof(document) = 'text')
)""",
    """CREATE TABLE ops (
    seq INTEGER PRIMARY KEY CHECK (seq >= 1),
    gesture INTEGER NOT NULL CHECK (typeof(gesture) = 'integer' AND gesture BETWEEN 1 AND seq),
    lamport INTEGER NOT NULL CHECK (typeof(lamport) = 'integer' AND lamport >= seq),
    seen TEXT NOT NULL CHECK (typeof(seen) = 'text'),
    wall_time INTEGER NOT NULL CHECK (typeof(wall_time) = 'integer'),
    track TEXT NOT NULL CHECK (typeof(track) = 'text'),
    kind TEXT NOT NULL CHECK (typeof(kind) = 'text'),
    tool TEXT CHECK (typeof(tool) IN ('text', 'null')),
    scale REAL CHECK (typeof(scale) IN ('real', 'null')),
    hierarchy_digest TEXT CHECK (typeof(hierarchy_digest) IN ('text', 'null')),
    model TEXT CHECK (typeof(model) IN ('text', 'null')),
    payload BLOB NOT NULL CHECK (typeof(payload) = 'blob'),
    previous BLOB NOT NULL CHECK (typeof(previous) = 'blob' AND length(previous) = 32),
    sha256 BLOB NOT NULL CHECK (typeof(sha256) = 'blob' AND length(sha256) = 32)
)""",
    """CREATE TRIGGER meta_once BEFORE INSERT ON meta WHEN (SELECT count(*) FROM meta) > 0
BEGIN SELECT RAISE(ABORT, 'a journal is about one zone for ever'); END""",
    """CREATE TRIGGER meta_no_update BEFORE UPDATE ON meta
BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END""",
    """CREATE TRIGGER meta_no_delete BEFORE DELETE ON meta
BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END""",
    """CREATE TRIGGER ops_append BEFORE INSERT ON ops
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ops)
    OR NEW.seq > 1 AND NEW.previous IS NOT (SELECT sha256 FROM ops WHERE seq = NEW.seq - 1)
BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END""",
    """CREATE TRIGGER ops_no_update BEFORE UPDATE ON ops
BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END""",
    """CREATE TRIGGER ops_no_delete BEFORE DELETE ON ops
BEGIN SELECT RAISE(ABORT, 'a journal is append-only'); END""",
)
WAY_OUT = "run workbench journal doctor, or put a good copy of the file in its place"
_TYPES = frozenset(itertools.product(*_COLUMNS.values()))
# Times that a datetime can hold.
_FIRST_TIME, _LAST_TIME = -62_135_596_800_000_000, 253_402_300_799_999_999


class Row(NamedTuple):
    """An op as its journal keeps it; the author is the journal's."""

    seq: int
    gesture: int
    lamport: int
    seen: str
    wall_time: int
    track: str
    kind: str
    tool: str | None
    scale: float | None
    hierarchy_digest: str | None
    model: str | None
    payload: bytes
    previous: bytes
    sha256: bytes


def believed(
    rows: Iterable[tuple[Any, ...]], meta: JournalMeta, *, after: Row | None = None
) -> Iterator[Row]:
    """Yield the rows of a journal as long as each is what its author appended after the one before.

    Parameters
    ----------
    rows
        As `SELECT` gives them.
    meta
        Of the journal.
    after
        The row before the first; None at the beginning of the journal.

    Raises
    ------
    JournalError
        At the first row that is not, naming its op.
    """
    last = after
    for values in rows:
        try:
            row = checked(values)
            check_following(row, last, meta)
        except (ValueError, TypeError, OverflowError, RecursionError, JournalError) as error:
            place = f"{meta.author}:{last.seq + 1 if last else 1}"
            raise JournalError(f"op {place} was damaged or tampered with ({error}); {WAY_OUT}") from error
        yield row
        last = row


def check_following(row: Row, last: Row | None, meta: JournalMeta) -> None:
    """Raise ValueError if a row is not what its author can have appended after another."""
    if last is None:
        seq, gesture, lamport, sha256 = 0, row.seq, 0, bytes.fromhex(meta.genesis)
    else:
        seq, gesture, lamport, sha256 = last.seq, last.gesture, last.lamport, last.sha256
    if row.seq != seq + 1:
        raise ValueError(f"the next one has seq {row.seq}")
    if row.previous != sha256:
        raise ValueError("it does not follow the op before")
    if _hashed(row, meta.author) != row.sha256:
        raise ValueError("its sha256 is not that of its content")
    follows = row.gesture in (row.seq, gesture) and lamport < row.lamport <= LAST_LAMPORT
    if not follows or meta.author in seen_of(row.seen):
        raise ValueError(f"gesture {row.gesture}, lamport {row.lamport} or seen {row.seen} cannot be")


def op_of_row(row: Row, author: str) -> Op:
    """Return the op of a row that is believed."""
    changed = {
        "seen": seen_of(row.seen),
        "wall_time": from_microseconds(row.wall_time),
        "previous": row.previous.hex(),
        "sha256": row.sha256.hex(),
    }
    return Op(author=author, **(row._asdict() | changed))


def row_of_op(op: Op) -> Row:
    """Return the row of an op."""
    changed: dict[str, Any] = {
        "seen": seen_text(op.seen),
        "wall_time": to_microseconds(op.wall_time),
        "previous": bytes.fromhex(op.previous),
        "sha256": bytes.fromhex(op.sha256),
    }
    return Row(**{name: changed[name] if name in changed else getattr(op, name) for name in _COLUMNS})


def chained_rows(
    entries: Iterable[Entry],
    *,
    author: str,
    after: tuple[int, str],
    seen: Mapping[str, int],
    lamport: int,
    clock: Callable[[], datetime],
) -> list[Row]:
    """Return the rows that the entries of one gesture become at the end of a journal.

    Parameters
    ----------
    entries
        In order.
    author
        Whose journal it is.
    after
        Seq and sha256 of its last op; 0 and the hash of the meta document if it has none.
    seen, lamport
        As in the table of `workbench.labels.op`; the lamport is the first op's.
    clock
        Gives the wall time of each op.
    """
    rows: list[Row] = []
    last, previous = after[0], bytes.fromhex(after[1])
    text = seen_text(seen)
    for place, entry in enumerate(entries):
        row = Row(
            seq=last + 1 + place,
            gesture=last + 1,
            lamport=lamport + place,
            seen=text,
            wall_time=to_microseconds(clock()),
            track=entry.track,
            kind=entry.kind,
            tool=entry.tool,
            scale=entry.scale,
            hierarchy_digest=entry.hierarchy_digest,
            model=entry.model,
            payload=entry.payload,
            previous=previous,
            sha256=b"",
        )
        rows.append(sealed(row, author))
        previous = rows[-1].sha256
    return rows


def sealed(row: Row, author: str) -> Row:
    """Return a row with the sha256 of its content."""
    return row._replace(sha256=_hashed(row, author))


def last_seen(rows: Iterable[Row]) -> dict[str, int]:
    """Return {author: seq} of the last op of each that the author of some row had read, by name."""
    last: dict[str, int] = {}
    for text in {row.seen for row in rows}:
        for author, seq in seen_of(text).items():
            last[author] = max(last.get(author, 0), seq)
    return dict(sorted(last.items()))


def seen_text(seen: Mapping[str, int]) -> str:
    """Return the text that a row keeps of what an author had read: the inverse of `seen_of`."""
    return canonical_bytes(dict(seen)).decode("ascii")


def body_of_row(row: Row) -> bytes:
    """Return the binary body of a payload that has one."""
    return row.payload[row.payload.index(b"\n") + 1 :]


@functools.lru_cache(maxsize=256)
def seen_of(text: str) -> Mapping[str, int]:
    """Return what an author had read, as {author: seq}, from the text that a row keeps of it."""
    seen = json.loads(text)
    if not isinstance(seen, dict) or canonical_bytes(seen) != text.encode("utf-8"):
        raise ValueError(f"seen {text!r} is no canonical JSON object")
    for author, seq in seen.items():
        if type(seq) is not int or seq < 1:
            raise ValueError(f"seen {text!r} is not a count of ops per author")
        check_author(author)
    return MappingProxyType(seen)


def checked(values: tuple[Any, ...]) -> Row:
    """Return the values of a row, each of the type and form that it has to be."""
    if tuple(map(type, values)) not in _TYPES:
        for value, (name, types) in zip(values, _COLUMNS.items(), strict=True):
            if type(value) not in types:
                raise TypeError(f"{name} is {type(value).__name__}")
    row = Row._make(values)
    track, kind, tool, digest, model = _named(row.track, row.kind, row.tool, row.hierarchy_digest, row.model)
    if row.scale is not None and not 0 <= row.scale < math.inf:
        raise ValueError(f"scale {row.scale} is not a finite number from 0 upwards")
    if not _FIRST_TIME <= row.wall_time <= _LAST_TIME:
        raise ValueError(f"wall time {row.wall_time} is none")
    names: dict[str, Any] = {
        "track": track,
        "kind": kind,
        "tool": tool,
        "hierarchy_digest": digest,
        "model": model,
    }
    return row._replace(**names)


@functools.lru_cache(maxsize=1024)
def _named(
    track: str, kind: str, tool: str | None, hierarchy_digest: str | None, model: str | None
) -> tuple[str, str, str | None, str | None, str | None]:
    """Return names that an op may have; equal ones are the same objects, of which a zone has thousands."""
    entry = Entry(
        track=track, kind=kind, tool=tool, hierarchy_digest=hierarchy_digest, model=model, payload=b""
    )
    return entry.track, entry.kind, entry.tool, entry.hierarchy_digest, entry.model


def _hashed(row: Row, author: str) -> bytes:
    """Return what `Op.hashed` returns for the op of a row, in a tenth of the time.

    No name of an op needs an escape in JSON, so the canonical text is put together as it stands.
    """
    scale = "null" if row.scale is None else float.__repr__(row.scale)
    envelope = (
        f'{{"author":"{author}","gesture":{row.gesture},"hierarchy_digest":{_quoted(row.hierarchy_digest)},'
        f'"kind":"{row.kind}","lamport":{row.lamport},"model":{_quoted(row.model)},'
        f'"previous":"{row.previous.hex()}","scale":{scale},"seen":{row.seen},"seq":{row.seq},'
        f'"tool":{_quoted(row.tool)},"track":"{row.track}","wall_time":{row.wall_time}}}\n'
    )
    content = hashlib.sha256(envelope.encode("utf-8"))
    content.update(row.payload)
    return content.digest()


def _quoted(name: str | None) -> str:
    return "null" if name is None else f'"{name}"'
