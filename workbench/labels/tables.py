"""The tables of a journal: their SQL, and rows as ops that follow each other. No database is opened here."""

from __future__ import annotations

__all__ = ["APPLICATION_ID", "INSERT", "SCHEMA", "SELECT", "following", "ops_of_rows", "row_of_op"]

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType, NoneType
from typing import Any

from workbench.documents import canonical_bytes
from workbench.errors import JournalError
from workbench.labels.meta import JournalMeta
from workbench.labels.op import Op, check_author, from_microseconds, to_microseconds

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


def ops_of_rows(rows: Iterable[tuple[object, ...]], meta: JournalMeta) -> Iterator[Op]:
    """Yield the ops of a journal as long as each is what its author appended after the one before.

    Raises
    ------
    JournalError
        At the first row that is not, naming its op.
    """
    op: Op | None = None
    for row in rows:
        try:
            op = following(_op_of_row(row, meta.author), op, meta)
        except (ValueError, TypeError, OverflowError, RecursionError, JournalError) as error:
            place = f"{meta.author}:{op.seq + 1 if op else 1}"
            raise JournalError(
                f"op {place} was damaged or tampered with ({error}); put a good copy of the file in its place"
            ) from error
        yield op


def _op_of_row(values: tuple[object, ...], author: str) -> Op:
    for value, (name, types) in zip(values, _COLUMNS.items(), strict=True):
        if type(value) not in types:
            raise TypeError(f"{name} is {type(value).__name__}")
    row: dict[str, Any] = dict(zip(_COLUMNS, values, strict=True))
    row["seen"] = _seen_of(row["seen"])
    row["wall_time"] = from_microseconds(row["wall_time"])
    row["previous"], row["sha256"] = row["previous"].hex(), row["sha256"].hex()
    return Op(author=author, **row)


def row_of_op(op: Op) -> tuple[object, ...]:
    """Return the row of an op, in the order of the table's columns."""
    changed = {
        "seen": canonical_bytes(dict(op.seen)).decode("ascii"),
        "wall_time": to_microseconds(op.wall_time),
        "previous": bytes.fromhex(op.previous),
        "sha256": bytes.fromhex(op.sha256),
    }
    return tuple(changed[name] if name in changed else getattr(op, name) for name in _COLUMNS)


def following(op: Op, previous: Op | None, meta: JournalMeta) -> Op:
    """Return an op if it is the one that its author appended after another, else raise ValueError."""
    if previous is None:
        seq, gesture, lamport, sha256 = 0, op.seq, 0, meta.genesis
    else:
        seq, gesture, lamport, sha256 = previous.seq, previous.gesture, previous.lamport, previous.sha256
    if op.seq != seq + 1:
        raise ValueError(f"the next one has seq {op.seq}")
    if op.previous != sha256:
        raise ValueError("it does not follow the op before")
    if op.hashed() != op.sha256:
        raise ValueError("its sha256 is not that of its content")
    if op.gesture not in (op.seq, gesture) or op.lamport <= lamport or op.author in op.seen:
        raise ValueError(f"gesture {op.gesture}, lamport {op.lamport} or seen {dict(op.seen)} cannot be")
    return op


@functools.lru_cache(maxsize=256)
def _seen_of(text: str) -> Mapping[str, int]:
    seen = json.loads(text)
    if not isinstance(seen, dict) or canonical_bytes(seen) != text.encode("utf-8"):
        raise ValueError(f"seen {text!r} is no canonical JSON object")
    for author, seq in seen.items():
        if type(seq) is not int or seq < 1:
            raise ValueError(f"seen {text!r} is not a count of ops per author")
        check_author(author)
    return MappingProxyType(seen)
