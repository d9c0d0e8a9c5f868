"""The journal folder of a zone: which of its files are journals, and who may write to one."""

from __future__ import annotations

__all__ = [
    "QUARANTINE",
    "author_lock",
    "authors_there",
    "journal_files",
    "journal_path",
    "mending_marker",
    "quarantined",
    "traces",
]

from pathlib import Path

from filelock import FileLock, Timeout

from workbench.errors import JournalError
from workbench.labels.op import check_author

QUARANTINE = "quarantine"
"""Folder in a journal folder, with one for each time that the doctor set files apart."""


def journal_files(directory: Path) -> list[Path]:
    """Return the journals of a folder by name; one that does not exist holds none.

    A name with a leading dot is that of a journal that was never finished, and is passed over.

    Raises
    ------
    JournalError
        The folder cannot be read, holds something named like a journal that is a folder or named after no
        author, or ops that no journal shows: the doctor was interrupted, or of a journal only the ``-wal`` is
        there.
    """
    try:
        files = sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise JournalError(f"{directory}: the journals cannot be listed ({error.strerror})") from error
    paths = [path for path in files if path.suffix == ".sqlite"]
    for path in files:
        alone = path.suffix == ".sqlite-wal" and path.with_suffix(".sqlite") not in paths
        if path.suffix == ".mending" or (alone and path.stat().st_size):
            raise JournalError(
                f"{path}: {path.stem}'s journal is damaged or half mended; run workbench journal doctor"
            )
    for path in paths:
        _author_of(path)
    return paths


def authors_there(directory: Path) -> list[str]:
    """Return the authors of whom a folder or its quarantine holds what is left of a journal, by name.

    Raises
    ------
    JournalError
        Something there is named like a journal and cannot be one.
    """
    folders = [directory, *(directory / QUARANTINE).glob("*")]
    return sorted({_author_of(path) for folder in folders for path in traces(folder)})


def quarantined(directory: Path, author: str) -> list[Path]:
    """Return the folders in a journal folder's quarantine that hold files of an author's journal, by name."""
    folders = sorted((directory / QUARANTINE).glob("*"))
    return [folder for folder in folders if any(path.stem == author for path in traces(folder))]


def traces(directory: Path) -> list[Path]:
    """Return what a folder holds of journals: the files themselves, a ``-wal``, a half-mended one.

    Raises
    ------
    JournalError
        Something there is named like one and is a folder.
    """
    paths = directory.iterdir() if directory.is_dir() else ()
    marks = (".sqlite", ".sqlite-wal", ".mending")
    found = [path for path in paths if path.suffix in marks and path.name[0] != "."]
    for path in found:
        _check_file(path)
    return found


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


def _author_of(path: Path) -> str:
    """Return the author after whom a file of a journal is named."""
    _check_file(path)
    try:
        return check_author(path.stem)
    except JournalError as error:
        raise JournalError(f"{path}: it is named after no author; move it out of the folder") from error


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise JournalError(f"{path}: it is a folder where a journal should be; move it away")


def mending_marker(path: Path) -> Path:
    """Return the file that stands beside a journal as long as the doctor puts another in its place."""
    return path.with_suffix(".mending")


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
