"""Journals as they are read: safely, whoever made them, and without a trace.

Reading changes no byte of a journal, leaves no file behind and never waits for a writer. A journal with no
``-wal`` beside it is read as immutable. With ``-wal`` and ``-shm`` (a live writer, or one that was killed)
SQLite reads both. With a ``-wal`` alone, or where SQLite may not write, copies are read: a ``-shm`` that a
reader made could belong to another user and keep the author from writing.
"""

from __future__ import annotations

__all__ = [
    "Journal",
    "JournalReport",
    "check_format",
    "connect",
    "copy_journal",
    "dump_journal",
    "lacking",
    "read_journal",
    "read_journals",
    "read_on",
    "read_own",
    "read_together",
    "stamps",
    "verify_journal",
]

import functools
import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.errors import JournalError
from workbench.labels.folder import journal_files
from workbench.labels.losses import missing_ops, unheld_ops
from workbench.labels.meta import FORMAT_VERSION, JournalMeta, JournalSubject
from workbench.labels.op import Op, op_document
from workbench.labels.payloads import check_payload
from workbench.labels.tables import (
    APPLICATION_ID,
    SCHEMA,
    SELECT,
    SELECT_FROM,
    WAY_OUT,
    Row,
    believed,
    op_of_row,
)
from workbench.labels.wal import wal_damage

# The -shm cannot be written: no right to, or a full disk on which it cannot grow.
_NEEDS_COPY = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL)
_SMALLEST = 512  # bytes of the smallest database
_LARGEST_VALUE = 1 << 28  # bytes of one column of one row that a reader will take


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """A journal as it was read: every op's hash and place in the chain were checked."""

    path: Path
    meta: JournalMeta
    rows: tuple[Row, ...]
    stamps: tuple[object, ...] = field(default=(), compare=False)
    """What `stamps` gave before it was read."""

    @property
    def ops(self) -> tuple[Op, ...]:
        """The ops of the rows, made anew each time."""
        return tuple(op_of_row(row, self.meta.author) for row in self.rows)

    @property
    def head_sha256(self) -> str:
        """What the next op chains to."""
        return self.rows[-1].sha256.hex() if self.rows else self.meta.genesis


class ForeignJournal(JournalError):
    """A file that is no journal, or one of a newer version: not damaged, but not this version's to read."""


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
    foreign: bool = False
    """Whether it is no journal of this version at all."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return self.problem is None

    @property
    def whole(self) -> bool:
        """Whether its bytes are as they were written; they may still say what makes no sense."""
        return self.chain_ok and self.integrity == "ok"


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
    return Journal(path=path, meta=scan.meta, rows=tuple(scan.rows), stamps=scan.stamps)


def read_on(journal: Journal) -> Journal:
    """Return a journal with what was appended to it since it was read; the same object if nothing was.

    Raises
    ------
    JournalError
        As for `read_journal`; or the journal is not the one that was read, only longer.
    """
    if stamps(journal.path) == journal.stamps:
        return journal
    scan = _scan(journal.path, known=journal)
    if scan.problem:
        raise JournalError(scan.problem)
    return replace(journal, rows=(*journal.rows, *scan.rows), stamps=scan.stamps)


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
    return tuple(read_own(path, subject) for path in paths)


def read_together(directory: Path, subject: JournalSubject) -> tuple[Journal, ...]:
    """Read every journal of a folder, while people label, such that the ops that somebody had seen are there.

    Journals are read one after the other, so a later one may have seen ops that were not there yet when an
    earlier one was read: that one is read on, until the cut is consistent (Chandy & Lamport 1985). Ops that
    no journal holds any more do not come, and are not waited for.

    Raises
    ------
    JournalError
        As for `read_journals`.
    """
    found = {journal.meta.author: journal for journal in read_journals(directory, subject)}
    while True:
        grown = {}
        paths = {path.stem: path for path in journal_files(directory)}
        for author in lacking(directory, found.values()).keys() & paths.keys():
            known = found.get(author)
            journal = read_on(known) if known else read_own(paths[author], subject)
            if known is None or len(journal.rows) > len(known.rows):
                grown[author] = journal
        if not grown:
            return tuple(found[author] for author in sorted(found))
        found |= grown


def lacking(directory: Path, journals: Collection[Journal]) -> dict[str, int]:
    """Return {author: seq} of an op that may have been there, as these journals or their folder know.

    Parameters
    ----------
    directory
        The journal folder that they are those of.
    journals
        Or copies of them.
    """
    return missing_ops(directory, *_heads_and_rows(journals))


def unheld(journals: Collection[Journal]) -> dict[str, int]:
    """Return {author: seq} of the last op that somebody had seen and that is not among these journals."""
    return unheld_ops(*_heads_and_rows(journals))


def _heads_and_rows(journals: Collection[Journal]) -> tuple[dict[str, int], Iterator[Row]]:
    heads = {journal.meta.author: len(journal.rows) for journal in journals}
    return heads, (row for journal in journals for row in journal.rows)


def dump_journal(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the JSON view of each op of a journal, in order (``schema/op.schema.json``).

    Raises
    ------
    JournalError
        Where the journal cannot be believed any further; the ops before were yielded.
    """
    scan = _scan(path)
    if scan.meta is not None:
        yield from (op_document(op_of_row(row, scan.meta.author)) for row in scan.rows)
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
        first_bad = f"{scan.meta.author}:{len(scan.rows) + 1}"
    if problem is None and scan.integrity != "ok":
        problem = f"{path}: SQLite finds it damaged: {scan.integrity}"
    author = path.stem
    for row in scan.rows if problem is None else ():
        op = op_of_row(row, author)
        try:
            check_payload(op)
        except JournalError as error:
            problem, first_bad = f"{path}: {error}", op.id
            break
    return JournalReport(
        path=path,
        meta=scan.meta,
        ops=len(scan.rows),
        head=f"{author}:{scan.rows[-1].seq}" if scan.rows else None,
        head_sha256=scan.rows[-1].sha256.hex() if scan.rows else None,
        chain_ok=scan.problem is None,
        integrity=scan.integrity,
        first_bad=first_bad,
        problem=problem,
        foreign=scan.foreign,
    )


def copy_journal(path: Path, target: Path) -> None:
    """Copy a journal as it is at one instant, whoever writes to it meanwhile; the copy is one file.

    Nobody waits for it: SQLite's backup reads beside the writer, all pages in one transaction.

    Raises
    ------
    JournalError
        The journal cannot be read, or the copy not be written. What was copied cannot be believed.
    """
    while True:
        before, live, problem = stamps(path), _live(path), None
        try:
            with _reading(path, live=live) as source, closing(sqlite3.connect(target)) as copy:
                source.backup(copy)
        except sqlite3.Error as error:
            problem = error
        if live or stamps(path) == before:
            break
        target.unlink(missing_ok=True)
    if problem is not None:
        raise JournalError(f"{path}: it cannot be copied ({problem}); {WAY_OUT}") from problem


@dataclass(slots=True, kw_only=True)
class _Scan:
    """How far a journal could be read."""

    stamps: tuple[object, ...]
    meta: JournalMeta | None = None
    rows: list[Row] = field(default_factory=list)
    integrity: str = "not checked"
    problem: str | None = None
    foreign: bool = False


def _scan(path: Path, *, thorough: bool = False, known: Journal | None = None) -> _Scan:
    """Read a journal, or what follows a known part of it, as far as it can be believed."""
    while True:
        before, live = stamps(path), _live(path)
        scan, damage = _Scan(stamps=before), None
        try:
            damage = wal_damage(_beside(path, "wal"), _beside(path, "shm"))
            if damage:  # before SQLite opens it, and writes another -shm
                raise JournalError(f"{damage}; {WAY_OUT}")
            with _reading(path, live=live) as connection:
                _scan_into(scan, connection, path, thorough=thorough, known=known)
        except (sqlite3.Error, UnicodeDecodeError) as error:  # sqlite3's own message may not be UTF-8
            read = len(scan.rows) + (len(known.rows) if known else 0)
            where = f"op {scan.meta.author}:{read + 1}" if scan.meta else "it"
            reason = " ".join(str(error).split())  # SQLite may quote a statement of several lines
            scan.problem = f"{where} cannot be read ({reason}); {WAY_OUT}"
        except JournalError as error:
            scan.problem, scan.foreign = str(error), isinstance(error, ForeignJournal)
        except OSError as error:  # no word on the journal: a copy of it could not be made
            raise JournalError(
                f"{path}: it cannot be read ({error.strerror}); look at its rights, and at the room in "
                f"{tempfile.gettempdir()}"
            ) from error
        if scan.problem:
            scan.problem = f"{path}: {scan.problem}"
        # A writer may have come and gone while the file was read as one that nobody writes to.
        if (live and not damage) or stamps(path) == before:
            return scan


def _scan_into(
    scan: _Scan, connection: sqlite3.Connection, path: Path, *, thorough: bool, known: Journal | None
) -> None:
    check_format(connection)
    if thorough:
        scan.integrity = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    row = connection.execute("SELECT document FROM meta").fetchone()
    if row is None or not isinstance(row[0], str):
        raise JournalError(f"its meta document is missing; {WAY_OUT}")
    meta = JournalMeta.parse(row[0])
    if path.stem != meta.author:
        raise JournalError(f"it is the journal of {meta.author}; name it {meta.author}.sqlite again")
    scan.meta = meta
    last = known.rows[-1] if known and known.rows else None
    rows = connection.execute(SELECT_FROM, (last.seq,)) if last else connection.execute(SELECT)
    if known is not None and (meta != known.meta or (last is not None and rows.fetchone() != last)):
        raise JournalError("it is not the journal that it was a moment ago; close the zone and open it again")
    for row in believed(rows, meta, after=last):
        scan.rows.append(row)


def check_format(connection: sqlite3.Connection) -> None:
    """Refuse what is not a journal of this version, before any of its tables is read."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise ForeignJournal("it is no journal of the workbench; move it out of the journal folder")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > FORMAT_VERSION:
        raise ForeignJournal(
            f"it was written by a newer version of the workbench (journal format {version}, "
            f"this one reads up to {FORMAT_VERSION}); update the workbench"
        )
    if version != FORMAT_VERSION or _schema_of(connection) != _expected_schema():
        raise JournalError(
            f"its tables and triggers are not those of a journal, something changed them; {WAY_OUT}"
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
    if (size := path.stat().st_size) < _SMALLEST:  # SQLite takes that for a new database
        raise JournalError(f"of the journal only {size} bytes are left; {WAY_OUT}")
    path = path.resolve()  # a link has no -wal of its own
    unfinished = [file for file in (_beside(path, "wal"), _beside(path, "journal")) if file.exists()]
    connection = None
    if not unfinished:
        connection = connect(path, "mode=ro&immutable=1")
    elif live:
        try:
            connection = connect(path, "mode=ro")
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
            if code not in _NEEDS_COPY:
                raise
    if connection is not None:
        with closing(connection):
            yield connection
        return
    with tempfile.TemporaryDirectory(prefix="workbench-journal-") as folder:
        for file in (path, *unfinished):
            shutil.copyfile(file, Path(folder, file.name))
        with closing(connect(Path(folder, path.name), "mode=rw")) as connection:
            yield connection


def connect(path: Path, query: str) -> sqlite3.Connection:
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


def _live(path: Path) -> bool:
    """Tell whether somebody writes to a journal, or was killed while they did."""
    return _beside(path, "wal").exists() and _beside(path, "shm").exists()


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


def stamps(path: Path) -> tuple[tuple[int, ...], ...]:
    """Return what tells whether a journal, or what SQLite keeps beside it, was written to meanwhile."""
    return tuple(_stamp(file) for file in (path, _beside(path, "wal"), _beside(path, "journal")))


def read_own(path: Path, subject: JournalSubject) -> Journal:
    """Read a journal that has to be about a subject."""
    journal = read_journal(path)
    try:
        journal.meta.check_belongs(subject)
    except JournalError as error:
        raise JournalError(f"{path}: {error}") from error
    return journal
