"""The journal folder of a zone: which of its files are journals, and who may write to one."""

from __future__ import annotations

__all__ = ["author_lock", "journal_files", "journal_path"]

from pathlib import Path

from filelock import FileLock, Timeout

from workbench.errors import JournalError
from workbench.labels.op import check_author


def journal_files(directory: Path) -> list[Path]:
    """Return the journals of a folder by name; one that does not exist holds none.

    A name with a leading dot is that of a journal that was never finished, and is passed over.

    Raises
    ------
    JournalError
        The folder cannot be read, or holds an SQLite file that is named after no author.
    """
    try:
        paths = sorted(path for path in directory.glob("*.sqlite") if not path.name.startswith("."))
    except OSError as error:
        raise JournalError(f"{directory}: the journals cannot be listed ({error.strerror})") from error
    for path in paths:
        try:
            check_author(path.stem)
        except JournalError as error:
            raise JournalError(f"{path}: it is named after no author; move it out of the folder") from error
    return paths


def journal_path(directory: Path, author: str) -> Path:
    """Return where an author's journal is or will be.

    Raises
    ------
    JournalError
        The name is not one that can be a file's on every system, or differs from another author's by
        case only, which is the same file on Windows.
    """
    path = directory / f"{check_author(author)}.sqlite"
    for other in journal_files(directory):
        if other.stem != author and other.stem.casefold() == author.casefold():
            raise JournalError(
                f"{other}: there is an author {other.stem!r} already; write {author!r} like that"
            )
    return path


def author_lock(path: Path) -> FileLock:
    """Take the lock that goes with an author's journal, ``<author>.lock`` beside it.

    The lock goes with the process: a killed one holds nothing. The empty file stays.

    Raises
    ------
    JournalError
        Another window holds it, or the folder cannot be written to.
    """
    author, path = path.stem, path.with_suffix(".lock")
    # Not bound to the thread: a zone is opened by a worker and closed by the window.
    lock = FileLock(path, timeout=0, thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise JournalError(
            f"{path}: author {author} has this zone open for labelling in another window; "
            "close that one, or label as another author"
        ) from error
    except OSError as error:
        raise JournalError(
            f"{path}: the journal folder cannot be written to ({error}); ask for the right to write there"
        ) from error
    return lock
