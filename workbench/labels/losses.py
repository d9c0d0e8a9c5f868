"""Ops that may have been there and that no journal holds.

Two things tell: what the authors of other journals had seen, and the marks of the doctor. A mark is the file
``lost`` in a folder of ``quarantine/``, with the id of the first op that may be gone. Of a journal that was
damaged nobody knows whether it went on, so its mark stays in force, whatever the journal holds, until a
person who knows removes it. As long as ops may be missing nobody writes on in their journal: an id stands
for one op for ever.
"""

from __future__ import annotations

__all__ = ["check_end", "leave_mark", "lost_edits", "marks", "missing_ops", "unheld_ops", "unmarking"]

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from workbench.documents import replacing, sync_directory
from workbench.errors import EditRefused, JournalError
from workbench.labels.folder import QUARANTINE
from workbench.labels.op import check_op_id
from workbench.labels.tables import Row, last_seen

_MARK = "lost"
_LONGEST_MARK = 100
"""Bytes of a mark that are read; an op's id has fewer."""


def unheld_ops(heads: Mapping[str, int], rows: Iterable[Row]) -> dict[str, int]:
    """Return {author: seq} of the last op that the author of some row had read and that no journal holds.

    Parameters
    ----------
    heads
        Last seq of each author's journal.
    rows
        Of the journals.
    """
    return {author: seq for author, seq in last_seen(rows).items() if seq > heads.get(author, 0)}


def missing_ops(directory: Path, heads: Mapping[str, int], rows: Iterable[Row]) -> dict[str, int]:
    """Return {author: seq} of an op that may have been there and that no journal holds, by name.

    Parameters
    ----------
    directory
        The journal folder, whose quarantine has the doctor's marks.
    heads
        Last seq of each author's journal.
    rows
        Of the journals: what their authors had seen.

    Raises
    ------
    JournalError
        A mark says nothing.
    """
    known = unheld_ops(heads, rows)
    for author, seq in marks(directory).items():
        known[author] = max(known.get(author, 0), seq, heads.get(author, 0) + 1)
    return dict(sorted(known.items()))


def lost_edits(missing: Mapping[str, int], *, into: Path | None = None) -> str:
    """Tell which edits may be lost, and the way out; an empty text if none may.

    Parameters
    ----------
    missing
        See `missing_ops`.
    into
        The journal folder, to say where journals are put back and which marks may be removed.

    Examples
    --------
    >>> lost_edits({"marie": 7})
    'edits may be lost: no journal holds op marie:7; put the newer marie.sqlite back'
    >>> lost_edits({})
    ''
    """
    if not missing:
        return ""
    ops = ", ".join(f"{author}:{seq}" for author, seq in sorted(missing.items()))
    files = ", ".join(f"{author}.sqlite" for author in sorted(missing))
    many = "ops" if len(missing) > 1 else "op"
    told = f"edits may be lost: no journal holds {many} {ops}; put the newer {files} back"
    return told if into is None else f"{told} into {into}{unmarking(into, missing)}"


def check_end(path: Path, head: int, others: Iterable[Row]) -> None:
    """Refuse to write on in a journal whose end may be lost: the ids of its ops would mean two things.

    Parameters
    ----------
    path
        The journal, which may be gone.
    head
        Seq of its last op, 0 without one.
    others
        Rows of the other journals of the folder.
    """
    author = path.stem
    seq = missing_ops(path.parent, {author: head}, others).get(author)
    if seq is not None:
        raise JournalError(
            f"{path} ends before op {author}:{seq}, which may have been there; put the newer file back, or "
            f"label as another author, such as {author}-2{unmarking(path.parent, [author])}"
        )


def marks(directory: Path) -> dict[str, int]:
    """Return {author: seq} of the marks in a journal folder's quarantine, of each author the last.

    Raises
    ------
    JournalError
        A mark cannot be read.
    """
    found: dict[str, int] = {}
    for _, author, seq in _marks(directory):
        found[author] = max(found.get(author, 0), seq)
    return found


def unmarking(directory: Path, authors: Collection[str]) -> str:
    """Return what is to be done about the marks of authors where nothing is missing; empty without marks.

    It goes on after a sentence such as that of `lost_edits`.
    """
    paths = [str(path) for path, author, _ in _marks(directory) if author in authors]
    return f"; if it is known that nothing is missing, remove {', '.join(paths)}" if paths else ""


def leave_mark(folder: Path, author: str, seq: int) -> None:
    """Write down, durably, that an author's ops may be lost from one on, in a folder of the quarantine."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / _MARK) as temporary:
        temporary.write_text(f"{author}:{seq}\n", encoding="ascii")
    for parent in (folder.parent, folder.parent.parent):
        sync_directory(parent)


def _marks(directory: Path) -> Iterator[tuple[Path, str, int]]:
    """Yield each mark, whose it is, and the seq that it names."""
    for path in sorted((directory / QUARANTINE).glob(f"*/{_MARK}")):
        try:
            with path.open("rb") as file:
                name = check_op_id(file.read(_LONGEST_MARK).decode("ascii").strip())
        except (OSError, UnicodeDecodeError, EditRefused) as error:
            raise JournalError(
                f"{path}: it does not say from which op on edits may be lost; write that op's id into it, "
                "such as marie:30, or remove the file if none was"
            ) from error
        author, _, seq = name.rpartition(":")
        yield path, author, int(seq)
