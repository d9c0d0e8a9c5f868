"""Journals: one append-only SQLite file per author and zone. The only door to sqlite3 for labels.

A journal ``<author>.sqlite`` has the table ``meta`` (one row: the document of `workbench.labels.meta`) and
the table ``ops`` (one row per op: the envelope of `workbench.labels.op`, its author being the meta's).
Triggers refuse UPDATE, DELETE and any INSERT that is not the next op. Each op holds the sha256 of the one
before, the first that of the meta document, so that a changed byte is found and named.

Writing: WAL, ``synchronous=FULL``, one gesture = one transaction: an op that was acknowledged is on the disk.
One writer per author, held by a lock on ``<author>.lock``; the file is made at the author's first edit.
Reading changes no byte of a journal, leaves no file behind and never waits for a writer. A journal with no
``-wal`` beside it is read as immutable. With ``-wal`` and ``-shm`` (a live writer, or one that was killed)
SQLite reads both. With a ``-wal`` alone, or where SQLite may not write, copies are read: a ``-shm`` that a
reader made could belong to another user and keep the author from writing.
"""

from __future__ import annotations

__all__ = [
    "Journal",
    "JournalReport",
    "JournalWriter",
    "dump_journal",
    "read_journal",
    "read_journals",
    "verify_journal",
]

import functools
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from filelock import FileLock

from workbench.documents import replacing
from workbench.errors import JournalError
from workbench.labels.edits import check_payload
from workbench.labels.folder import author_lock, journal_files, journal_path
from workbench.labels.meta import FORMAT_VERSION, JournalMeta, JournalSubject
from workbench.labels.op import Entry, Op, chained, op_document, utc_now
from workbench.labels.tables import APPLICATION_ID, INSERT, SCHEMA, SELECT, following, ops_of_rows, row_of_op

_LARGEST_VALUE = 1 << 28  # bytes of one column of one row that a reader will take


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A journal as it was read: every op's hash and place in the chain were checked."""

    path: Path
    meta: JournalMeta
    ops: tuple[Op, ...]

    @property
    def head_sha256(self) -> str:
        """What the next op chains to."""
        return self.ops[-1].sha256 if self.ops else self.meta.genesis


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalReport:
    """What `verify_journal` found."""

    path: Path
    meta: JournalMeta | None
    """What the journal is about; None where that cannot be read."""
    ops: int
    """Ops from the first on whose chain holds."""
    head: str | None
    """Id of the last of them."""
    head_sha256: str | None
    chain_ok: bool
    integrity: str
    """``ok``, or the first complaint of SQLite's integrity_check."""
    first_bad: str | None
    """Id of the first op that cannot be believed."""
    problem: str | None
    """One sentence on what is wrong, None where all is well."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.problem is None


class JournalWriter:
    """An author's own journal, open for appending; holds the author's lock until closed.

    Not for use by two threads at a time.
    """

    def __init__(self, journal: Journal, *, lock: FileLock, clock: Callable[[], datetime]) -> None:
        self._journal = journal
        self._path = journal.path
        self._lock = lock
        self._clock = clock
        self._connection: sqlite3.Connection | None = None
        self._opened_file: tuple[int, ...] | None = None
        self._last = journal.ops[-1] if journal.ops else None

    @classmethod
    def open(
        cls,
        directory: Path,
        subject: JournalSubject,
        *,
        author: str,
        clock: Callable[[], datetime] = utc_now,
    ) -> Self:
        """Lock an author's journal in a zone's journal folder and read what it holds so far.

        Raises
        ------
        JournalError
            Somebody writes as this author already, the folder cannot be written to, or the journal is
            damaged or belongs elsewhere.
        """
        path = journal_path(directory, author)
        created = clock().isoformat(timespec="microseconds").replace("+00:00", "Z")
        meta = JournalMeta(subject=subject, author=author, created=created)
        # Before locking, so that a bad journal leaves no lock file behind; again if it changed meanwhile.
        before = _stamps(path)
        journal = _read_or_new(path, meta)
        lock = author_lock(path)
        try:
            if _stamps(path) != before:
                journal = _read_or_new(path, meta)
            return cls(journal, lock=lock, clock=clock)
        except BaseException:  # a lock must not outlive the attempt, whatever ended it
            lock.release()
            raise

    @property
    def found(self) -> Journal:
        """The journal as it was when it was opened."""
        return self._journal

    def append_many(
        self, entries: Sequence[Entry], *, seen: Mapping[str, int], lamport: int
    ) -> tuple[Op, ...]:
        """Append one gesture in one transaction; it is on the disk when this returns.

        Parameters
        ----------
        entries
            The ops of the gesture, in order.
        seen
            Last seq read of each other author.
        lamport
            Of the first op, larger than that of any op read.

        Raises
        ------
        JournalError
            Nothing was written: the disk is full or failing, or something else wrote to the file.
        ValueError
            Nothing was written: the lamport or what was seen breaks the order of ops.
        """
        meta = self._journal.meta
        ops = chained(
            entries, author=meta.author, after=self._end, seen=seen, lamport=lamport, clock=self._clock
        )
        for before, op in zip((self._last, *ops), ops, strict=False):
            following(op, before, meta)  # nothing is written that a reader would refuse
        try:
            with self._connected() as connection:
                connection.execute("BEGIN IMMEDIATE")
                self._check_head(connection)
                connection.executemany(INSERT, [row_of_op(op) for op in ops])
        except JournalError:
            raise
        except (sqlite3.Error, OSError) as error:
            raise JournalError(
                f"{self._path}: the edit was not recorded ({error}) and changes nothing; "
                "look at the disk's free space and health, then make it again"
            ) from error
        self._last = ops[-1]
        return ops

    def close(self) -> None:
        """Close the file and give the author's lock back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._lock.release()

    @property
    def _end(self) -> tuple[int, str]:
        """Seq and sha256 that the next op follows."""
        last = self._last
        return (last.seq, last.sha256) if last else (0, self._journal.meta.genesis)

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = _open_to_write(self._path, self._journal.meta)
            self._opened_file = _stamp(self._path)[:2]
        return self._connection

    def _check_head(self, connection: sqlite3.Connection) -> None:
        """Make sure that the file is still there and ends where this writer left it."""
        if _stamp(self._path)[:2] != self._opened_file:
            raise JournalError(
                f"{self._path} was moved or replaced while it was open, the edit was not recorded; "
                "put it back, close the zone and open it again"
            )
        row = connection.execute("SELECT seq, sha256 FROM ops ORDER BY seq DESC LIMIT 1").fetchone()
        seq, sha256 = (row[0], row[1].hex()) if row else (0, self._journal.meta.genesis)
        if (seq, sha256) != self._end:
            raise JournalError(
                f"{self._path} ends at op {seq}, not at op {self._end[0]} where this session left it, "
                "the edit was not recorded; close the zone and open it again"
            )


def read_journal(path: Path) -> Journal:
    """Read a journal, and check its schema and the whole chain of its ops.

    Raises
    ------
    JournalError
        The file is no journal, was made by a newer version, or is damaged: the message names the file and
        the first op that cannot be believed.
    """
    scan = _scan(path)
    if scan.problem or scan.meta is None:
        raise JournalError(scan.problem or f"{path}: it has no meta document")
    return Journal(path=path, meta=scan.meta, ops=tuple(scan.ops))


def read_journals(
    directory: Path, subject: JournalSubject, *, skip: str | None = None
) -> tuple[Journal, ...]:
    """Read every journal of a zone's journal folder, in the order of the authors' names.

    Parameters
    ----------
    directory
        The folder; one that does not exist holds no journals.
    subject
        What every journal in it must be about.
    skip
        An author whose journal is left out.
    """
    paths = [path for path in journal_files(directory) if path.stem != skip]
    return tuple(_read_own(path, subject) for path in paths)


def dump_journal(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON view of each op of a journal, in order (``schema/op.schema.json``).

    Raises
    ------
    JournalError
        Where the journal cannot be believed any further; the ops before were yielded.
    """
    scan = _scan(path)
    yield from map(op_document, scan.ops)
    if scan.problem:
        raise JournalError(scan.problem)


def verify_journal(path: Path) -> JournalReport:
    """Check a journal thoroughly and report, rather than raise, what is wrong with it.

    Besides the chain this runs SQLite's integrity_check and decodes the payload of every op whose kind this
    version knows.
    """
    scan = _scan(path, thorough=True)
    problem, first_bad = scan.problem, None
    if scan.meta is not None and problem:
        first_bad = f"{scan.meta.author}:{len(scan.ops) + 1}"
    if problem is None and scan.integrity != "ok":
        problem = f"{path}: SQLite finds it damaged: {scan.integrity}"
    for op in scan.ops if problem is None else ():
        try:
            check_payload(op)
        except JournalError as error:
            problem, first_bad = f"{path}: {error}", op.id
            break
    return JournalReport(
        path=path,
        meta=scan.meta,
        ops=len(scan.ops),
        head=scan.ops[-1].id if scan.ops else None,
        head_sha256=scan.ops[-1].sha256 if scan.ops else None,
        chain_ok=scan.problem is None,
        integrity=scan.integrity,
        first_bad=first_bad,
        problem=problem,
    )


@dataclass(slots=True, kw_only=True)
class _Scan:
    """How far a journal could be read."""

    meta: JournalMeta | None = None
    ops: list[Op] = field(default_factory=list)
    integrity: str = "not checked"
    problem: str | None = None


def _scan(path: Path, *, thorough: bool = False) -> _Scan:
    """Read a journal as far as it can be believed."""
    while True:
        before, live = _stamps(path), _beside(path, "wal").exists() and _beside(path, "shm").exists()
        scan = _Scan()
        try:
            with _reading(path, live=live) as connection:
                _scan_into(scan, connection, path, thorough=thorough)
        except (sqlite3.Error, UnicodeDecodeError) as error:  # sqlite3's own message may not be UTF-8
            where = f"op {scan.meta.author}:{len(scan.ops) + 1}" if scan.meta else "it"
            scan.problem = f"{where} cannot be read ({error}); put a good copy of the file in its place"
        except JournalError as error:
            scan.problem = str(error)
        if scan.problem:
            scan.problem = f"{path}: {scan.problem}"
        # A writer may have come and gone while the file was read as one that nobody writes to.
        if live or _stamps(path) == before:
            return scan


def _scan_into(scan: _Scan, connection: sqlite3.Connection, path: Path, *, thorough: bool) -> None:
    _check_format(connection)
    if thorough:
        scan.integrity = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    row = connection.execute("SELECT document FROM meta").fetchone()
    if row is None or not isinstance(row[0], str):
        raise JournalError("its meta document is missing; put a good copy of the file in its place")
    meta = JournalMeta.parse(row[0])
    if path.stem != meta.author:
        raise JournalError(f"it is the journal of {meta.author}; name it {meta.author}.sqlite again")
    scan.meta = meta
    for op in ops_of_rows(connection.execute(SELECT), meta):
        scan.ops.append(op)


def _check_format(connection: sqlite3.Connection) -> None:
    """Refuse what is not a journal of this version, before any of its tables is read."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise JournalError("it is no journal of the workbench; move it out of the journal folder")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > FORMAT_VERSION:
        raise JournalError(
            f"it was written by a newer version of the workbench (journal format {version}, "
            f"this one reads up to {FORMAT_VERSION}); update the workbench"
        )
    if version != FORMAT_VERSION or _schema_of(connection) != _expected_schema():
        raise JournalError(
            "its tables and triggers are not those of a journal, something changed them; "
            "put a good copy of the file in its place"
        )


def _schema_of(connection: sqlite3.Connection) -> frozenset[tuple[str, str, str, str]]:
    return frozenset(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall())


@functools.cache
def _expected_schema() -> frozenset[tuple[str, str, str, str]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in SCHEMA:
            connection.execute(statement)
        return _schema_of(connection)


@contextmanager
def _reading(path: Path, *, live: bool) -> Iterator[sqlite3.Connection]:
    """Give a connection that cannot write to the journal, nor beside it."""
    if not path.is_file():
        raise JournalError("there is no such journal")
    path = path.resolve()  # a link has no -wal of its own
    unfinished = [file for file in (_beside(path, "wal"), _beside(path, "journal")) if file.exists()]
    connection = None
    if not unfinished:
        connection = _connect(path, "mode=ro&immutable=1")
    elif live:
        try:
            connection = _connect(path, "mode=ro")
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
            if code not in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise
    if connection is not None:
        with closing(connection):
            yield connection
        return
    with tempfile.TemporaryDirectory(prefix="workbench-journal-") as folder:
        for file in (path, *unfinished):
            shutil.copyfile(file, Path(folder, file.name))
        with closing(_connect(Path(folder, path.name), "mode=rw")) as connection:
            yield connection


def _connect(path: Path, query: str) -> sqlite3.Connection:
    """Open an SQLite file that may have been made to do harm."""
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?{query}",
        uri=True,
        timeout=5,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA mmap_size = 0")
        connection.execute("PRAGMA user_version").fetchone()  # the first to touch the file
    except BaseException:
        connection.close()
        raise
    return connection


def _beside(path: Path, suffix: str) -> Path:
    """Return a file that SQLite keeps beside a journal; ``-journal`` only where other tools wrote to it."""
    path = path.resolve()
    return path.with_name(f"{path.name}-{suffix}")


def _stamp(path: Path) -> tuple[int, ...]:
    """Return which file a path leads to, and when and how long it was last written; empty where none is."""
    try:
        status = path.stat()
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _stamps(path: Path) -> list[tuple[int, ...]]:
    return [_stamp(file) for file in (path, _beside(path, "wal"), _beside(path, "journal"))]


def _read_own(path: Path, subject: JournalSubject) -> Journal:
    """Read a journal that has to be about a subject."""
    journal = read_journal(path)
    try:
        journal.meta.check_belongs(subject)
    except JournalError as error:
        raise JournalError(f"{path}: {error}") from error
    return journal


def _read_or_new(path: Path, meta: JournalMeta) -> Journal:
    return _read_own(path, meta.subject) if path.exists() else Journal(path=path, meta=meta, ops=())


# Writing


def _open_to_write(path: Path, meta: JournalMeta) -> sqlite3.Connection:
    if not path.exists():
        _create(path, meta)
    connection = _connect(path, "mode=rw")
    try:
        try:
            _check_format(connection)
        except JournalError as error:
            raise JournalError(f"{path}: {error}") from error
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise JournalError(
                f"{path}: this file system cannot keep a journal safe; put the campaign on a local disk"
            )
        connection.execute("PRAGMA synchronous = FULL")
        # macOS only: its plain fsync leaves the bytes in the drive's cache.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _create(path: Path, meta: JournalMeta) -> None:
    """Write a journal without ops; nobody ever sees a part of it."""
    with (
        replacing(path) as temporary,
        closing(sqlite3.connect(temporary, isolation_level=None)) as connection,
    ):
        connection.execute("BEGIN")
        for statement in SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT INTO meta (id, document) VALUES (1, ?)", (meta.text,))
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
