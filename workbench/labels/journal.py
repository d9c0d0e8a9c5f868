"""Journals: one append-only SQLite file per author and zone, and how their authors write them.

A journal ``<author>.sqlite`` has the table ``meta`` (one row: the document of `workbench.labels.meta`) and
the table ``ops`` (one row per op: the envelope of `workbench.labels.op`, its author being the meta's).
Triggers refuse UPDATE, DELETE and any INSERT that is not the next op. Each op holds the sha256 of the one
before, the first that of the meta document, so that a changed byte is found and named.

Writing: WAL, ``synchronous=FULL``, one gesture = one transaction: an op that was acknowledged is on the disk.
One writer per author, held by a lock on ``<author>.lock``; the file is made at the author's first edit.
`workbench.labels.reading` reads.
"""

from __future__ import annotations

__all__ = ["JournalWriter", "extend_journals", "write_journal"]

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Self

from filelock import FileLock

from workbench.documents import replacing, sync_directory
from workbench.errors import JournalError
from workbench.labels.folder import author_lock, journal_path
from workbench.labels.meta import FORMAT_VERSION, JournalMeta, JournalSubject
from workbench.labels.op import Entry, utc_now
from workbench.labels.reading import Journal, check_format, connect, read_own, stamps
from workbench.labels.tables import APPLICATION_ID, INSERT, SCHEMA, Row, chained_rows, check_following


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
        self._last = journal.rows[-1] if journal.rows else None

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
        before = stamps(path)
        journal = _read_or_new(path, meta)
        lock = author_lock(path)
        try:
            if stamps(path) != before:
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
    ) -> Sequence[Row]:
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
        author = self._journal.meta.author
        rows = chained_rows(
            entries, author=author, after=self._end, seen=seen, lamport=lamport, clock=self._clock
        )
        self.append_sealed(rows)
        return rows

    def append_sealed(self, rows: Sequence[Row]) -> None:
        """Append ops that follow the last one, sealed elsewhere, in one transaction.

        Raises
        ------
        JournalError, ValueError
            As for `append_many`; nothing was written.
        """
        for before, row in zip((self._last, *rows), rows, strict=False):
            check_following(row, before, self._journal.meta)  # nothing that a reader would refuse
        try:
            with self._connected() as connection:
                connection.execute("BEGIN IMMEDIATE")
                self._check_head(connection)
                connection.executemany(INSERT, rows)
        except JournalError:
            raise
        except (sqlite3.Error, OSError) as error:
            self._withdraw()
            reason = getattr(error, "strerror", None) or error
            raise JournalError(
                f"{self._path}: the edit was not recorded ({reason}) and changes nothing; "
                "look at the disk's free space and health, then make it again"
            ) from error
        self._last = rows[-1]

    def _withdraw(self) -> None:
        """Empty the ``-wal``: after a kill SQLite would believe a gesture there whose sync failed."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

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
        return (last.seq, last.sha256.hex()) if last else (0, self._journal.meta.genesis)

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = _open_to_write(self._path, self._journal.meta)
            self._opened_file = stamps(self._path)[0][:2]
        return self._connection

    def _check_head(self, connection: sqlite3.Connection) -> None:
        """Make sure that the file is still there and ends where this writer left it."""
        if stamps(self._path)[0][:2] != self._opened_file:
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


def extend_journals(directory: Path, journals: Iterable[Journal]) -> None:
    """Append to the journals of a folder what these have more, each in one transaction.

    One that is not there yet is made. Their authors are locked, all of them before anything is written.

    Raises
    ------
    JournalError
        Somebody writes as one of these authors, a journal that is there is not the beginning of its longer
        one, or cannot be written to. In the latter case, those before it by name were extended.
    """
    with ExitStack() as stack:
        found = []
        for journal in sorted(journals, key=lambda journal: journal.meta.author):
            writer = _writer_of(journal, directory)
            stack.callback(writer.close)
            there = len(writer.found.rows)
            if writer.found.meta != journal.meta or writer.found.rows != journal.rows[:there]:
                raise JournalError(
                    f"{journal.path}: it changed while the ops that go on from it were made; try again"
                )
            found.append((writer, journal.rows[there:]))
        for writer, rows in found:
            if rows:
                writer.append_sealed(rows)


def write_journal(path: Path, meta: JournalMeta, rows: Sequence[Row] = ()) -> None:
    """Write a new journal with the ops that it begins with; nobody ever sees a part of it.

    SQLite makes it elsewhere and its bytes are copied: it says nothing of a sync that fails when it closes a
    file, and no later sync brings back what such a one lost (Rebello et al., *Can Applications Recover from
    fsync Failures?*, USENIX ATC 2020).

    Raises
    ------
    OSError
        It could not be written.
    """
    with tempfile.TemporaryDirectory(prefix="workbench-journal-") as folder, replacing(path) as temporary:
        made = Path(folder, path.name)
        try:
            with closing(sqlite3.connect(made, isolation_level=None)) as connection:
                _fill(connection, meta, rows)
        except sqlite3.Error as error:
            raise OSError(str(error)) from error
        temporary.write_bytes(made.read_bytes())


def _fill(connection: sqlite3.Connection, meta: JournalMeta, rows: Sequence[Row]) -> None:
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    for statement in SCHEMA:
        connection.execute(statement)
    connection.execute("INSERT INTO meta (id, document) VALUES (1, ?)", (meta.text,))
    connection.executemany(INSERT, rows)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode = WAL")


def _writer_of(journal: Journal, directory: Path) -> JournalWriter:
    created = datetime.fromisoformat(journal.meta.created)
    author, subject = journal.meta.author, journal.meta.subject
    return JournalWriter.open(directory, subject, author=author, clock=lambda: created)


def _read_or_new(path: Path, meta: JournalMeta) -> Journal:
    return read_own(path, meta.subject) if path.exists() else Journal(path=path, meta=meta, rows=())


def _open_to_write(path: Path, meta: JournalMeta) -> sqlite3.Connection:
    if not path.exists():
        write_journal(path, meta)
    connection = connect(path, "mode=rw")
    try:
        try:
            check_format(connection)
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
        # The name of the -wal, which is there by now: SQLite passes over a folder that cannot be synced.
        sync_directory(path.parent)
    except BaseException:
        connection.close()
        raise
    return connection
