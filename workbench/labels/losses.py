"""Ops that are known to have been there and that no journal holds any more.

Two things tell: what the authors of other journals had seen, and the marks of the doctor. A mark is the file
``lost`` in a folder of ``quarantine/``, with the id of the first op that could not be brought back. It counts
until the journal holds that op. As long as ops are missing nobody writes on in their journal: an id stands
for one op for ever.
"""

from __future__ import annotations

__all__ = ["check_end", "leave_mark", "marks", "missing_ops"]

from collections.abc import Iterable, Mapping
from pathlib import Path

from workbench.documents import replacing, sync_directory
from workbench.errors import EditRefused, JournalError
from workbench.labels.folder import QUARANTINE
from workbench.labels.op import check_op_id
from workbench.labels.tables import Row, last_seen

_MARK = "lost"
_LONGEST_MARK = 100
"""Bytes of a mark that are read; an op's id has fewer."""


def missing_ops(directory: Path, heads: Mapping[str, int], rows: Iterable[Row]) -> dict[str, int]:
    """Return {author: seq} of an op that is known to have been there and that no journal holds, by name.

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
    known = last_seen(rows)
    for author, seq in marks(directory).items():
        known[author] = max(known.get(author, 0), seq)
    return {author: seq for author, seq in sorted(known.items()) if seq > heads.get(author, 0)}


def check_end(path: Path, head: int, others: Iterable[Row]) -> None:
    """Refuse to write on in a journal whose end is lost: the ids of its ops would mean two things.

    Parameters
    ----------
    path
        The journal, which may be gone.
    head
        Seq of its last op, 0 without one.
    others
        Rows of the other journals of the folder.
    """
    seq = missing_ops(path.parent, {path.stem: head}, others).get(path.stem)
    if seq is not None:
        raise JournalError(
            f"{path} ends before op {path.stem}:{seq}, which was there once; put the newer file back, or "
            f"label as another author, such as {path.stem}-2"
        )


def marks(directory: Path) -> dict[str, int]:
    """Return {author: seq} of the marks in a journal folder's quarantine, of each author the last.

    Raises
    ------
    JournalError
        A mark cannot be read.
    """
    found: dict[str, int] = {}
    for path in sorted((directory / QUARANTINE).glob(f"*/{_MARK}")):
        try:
            with path.open("rb") as file:
                name = check_op_id(file.read(_LONGEST_MARK).decode("ascii").strip())
        except (OSError, UnicodeDecodeError, EditRefused) as error:
            raise JournalError(
                f"{path}: it does not say from which op on edits were lost; write that op's id into it, such "
                "as marie:30, or remove the file if none was"
            ) from error
        author, _, seq = name.rpartition(":")
        found[author] = max(found.get(author, 0), int(seq))
    return found


def leave_mark(folder: Path, author: str, seq: int) -> None:
    """Write down, durably, that an author's ops are lost from one on, in a folder of the quarantine."""
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / _MARK) as temporary:
        temporary.write_text(f"{author}:{seq}\n", encoding="ascii")
    for parent in (folder.parent, folder.parent.parent):
        sync_directory(parent)
