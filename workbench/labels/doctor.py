"""A damaged journal mended: what can be believed goes on, the rest is kept apart, nothing is guessed.

The doctor reads the bytes of a journal without SQLite (`workbench.labels.carving`), follows the chain of
hashes from the meta document as far as it holds, and writes those ops, unchanged, as a new journal. The old
files go to ``quarantine/<author>-<time>/`` in the journal folder first: at any instant of a kill they,
or the new journal, are there. What lies in quarantine is looked at again the next time, so a good copy that
turns up later can be put there and the doctor called again.
"""

from __future__ import annotations

__all__ = ["Treatment", "mend_journal"]

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from workbench.documents import replacing, sync_directory
from workbench.errors import JournalError
from workbench.labels.carving import (
    believed_chain,
    carved_dates,
    carved_metas,
    carved_rows,
    images,
    is_cut_short,
)
from workbench.labels.folder import author_lock, mending_marker
from workbench.labels.journal import write_journal
from workbench.labels.meta import JournalMeta, JournalSubject
from workbench.labels.op import utc_now
from workbench.labels.reading import JournalReport, read_journal, verify_journal
from workbench.labels.tables import WAY_OUT, Row, last_seen
from workbench.labels.wal import missing_bytes

_QUARANTINE = "quarantine"
_INTERRUPTED, _WENT_ON = "the doctor was interrupted", "a copy in quarantine goes on where it ended"
_SMALLEST = 512
"""Bytes of the smallest database: what is shorter is a piece of one."""
_SUFFIXES = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What the doctor found, and did."""

    path: Path
    problem: str | None
    """What was wrong, None where nothing was. What an author wrote is never mended, only named."""
    ops: int
    """Ops of the journal as it is now."""
    head: str | None
    """Id of the last of them."""
    apart: int = 0
    """Records that look like later ops, but do not follow; they stay in quarantine."""
    more: bool = False
    """Whether there were later ops: such records, one that others had seen, a file shorter than it says."""
    quarantine: Path | None = None
    """Where the damaged files are; None where nothing was done."""

    @property
    def first_lost(self) -> str | None:
        """Id of the op from which on nothing could be believed; None where no later one left a trace."""
        return f"{self.path.stem}:{self.ops + 1}" if self.more else None


def mend_journal(
    path: Path, subject: JournalSubject, *, clock: Callable[[], datetime] = utc_now
) -> Treatment:
    """Salvage a journal if it is damaged, or if a copy in quarantine goes on where it ends.

    Parameters
    ----------
    path
        The journal; the file itself may be gone if its ``-wal`` is there.
    subject
        What it has to be about.
    clock
        Gives the time for the name of the folder in quarantine.

    Raises
    ------
    JournalError
        Its author has the zone open, nothing can be written, or it is a journal of another zone or of a newer
        version, which is none of the doctor's business. It was not changed.
    """
    marker, shelf = mending_marker(path), path.parent / _QUARANTINE
    short_wal = missing_bytes(*(path.with_name(f"{path.name}-{suffix}") for suffix in ("wal", "shm")))
    report = verify_journal(path)
    more = report.whole and not marker.exists() and _goes_on(path, subject, report)
    if report.whole and not marker.exists() and not more:
        return Treatment(path=path, problem=report.problem, ops=report.ops, head=report.head)
    if path.is_dir():
        raise JournalError(f"{path}: it is a folder where a journal should be; move it away")
    if shelf.exists() and not shelf.is_dir():
        raise JournalError(f"{shelf}: damaged files go into a folder of that name; move this file away")
    with author_lock(path):
        meta, rows, apart, short = _salvaged(path, subject, foreign=report.foreign)
        if meta is None and report.foreign and path.stat().st_size >= _SMALLEST:
            raise JournalError(report.problem or f"{path}: it is no journal of this version")
        quarantine = shelf / f"{path.stem}-{clock():%Y%m%dT%H%M%S%f}"
        try:
            _set_apart(path, quarantine)
            _replace(path, meta, rows, marker)
        except OSError as error:
            raise JournalError(
                f"{path}: it could not be mended ({error.strerror or error}); look at the disk's free space, "
                "rights and health, then run the doctor again"
            ) from error
    return Treatment(
        path=path,
        problem=(report.problem or f"{path}: {_WENT_ON if more else _INTERRUPTED}").removesuffix(
            f"; {WAY_OUT}"
        ),
        ops=len(rows),
        head=f"{path.stem}:{len(rows)}" if rows else None,
        apart=apart,
        more=bool(apart) or short or short_wal or _seen_by_others(path) > len(rows),
        quarantine=quarantine,
    )


def _goes_on(path: Path, subject: JournalSubject, report: JournalReport) -> bool:
    """Tell whether a copy in quarantine goes on where a sound journal ends: a backup that turned up later."""
    if report.foreign or not any((path.parent / _QUARANTINE).glob(f"{path.stem}-*")):
        return False
    _, rows, _, _ = _salvaged(path, subject, foreign=False)
    return len(rows) > report.ops and (
        not report.ops or rows[report.ops - 1].sha256.hex() == report.head_sha256
    )


def _salvaged(
    path: Path, subject: JournalSubject, *, foreign: bool
) -> tuple[JournalMeta | None, list[Row], int, bool]:
    """Return the meta document of a journal, the ops that follow from it, how many others there are.

    And whether every copy of the file is shorter than it says.
    """
    metas: dict[str, JournalMeta] = {}
    rows: set[Row] = set()
    short = True
    for folder in (path.parent, *sorted((path.parent / _QUARANTINE).glob(f"{path.stem}-*"))):
        main, wal = (_content(folder / f"{path.name}{suffix}") for suffix in ("", "-wal"))
        if folder == path.parent:
            _check_name(path, main)
        short &= not main or is_cut_short(main)
        for image, page in images(main, wal):
            metas |= {meta.text: meta for meta in carved_metas(image) if meta.author == path.stem}
            # Where the document itself is damaged: no guess either, since the first op has its hash.
            for created in () if foreign else carved_dates(image):
                meant = JournalMeta(subject=subject, author=path.stem, created=created)
                metas.setdefault(meant.text, meant)
            rows |= set(carved_rows(image, page))
    chains = [(believed_chain(rows, meta), meta) for _, meta in sorted(metas.items())]
    if not chains:
        return None, [], len({row.sha256 for row in rows}), short
    chain, meta = max(chains, key=lambda found: len(found[0]))
    for other in [meta] if chain else metas.values():
        other.check_belongs(subject)
    return meta, chain, len({row.sha256 for row in rows} - {row.sha256 for row in chain}), short


def _seen_by_others(path: Path) -> int:
    """Return the last op of an author's that another one in the folder had seen, 0 for none."""
    seen = [0]
    for other in path.parent.glob("*.sqlite"):
        if other != path:
            with suppress(JournalError):  # the doctor looks at that one by itself
                seen.append(last_seen(read_journal(other).rows).get(path.stem, 0))
    return max(seen)


def _check_name(path: Path, main: bytes) -> None:
    """Refuse another author's journal: it only wants its name back."""
    others = {meta.author for meta in carved_metas(main)} - {path.stem}
    if others:
        author = min(others)
        raise JournalError(f"{path}: it is the journal of {author}; name it {author}.sqlite again")


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _set_apart(path: Path, quarantine: Path) -> None:
    """Copy the files of a journal, durably."""
    quarantine.mkdir(parents=True)
    for suffix in _SUFFIXES:
        source = path.with_name(path.name + suffix)
        if source.is_file():
            with replacing(quarantine / source.name) as temporary:
                shutil.copyfile(source, temporary)
    for folder in (quarantine.parent, path.parent):
        sync_directory(folder)


def _replace(path: Path, meta: JournalMeta | None, rows: Sequence[Row], marker: Path) -> None:
    """Put the salvaged journal in the place of the damaged one.

    An old WAL must never meet the new file, and no instant may show fewer ops than there are without saying
    so: while the marker is there, nobody reads the folder.
    """
    with replacing(marker) as temporary:
        temporary.touch()
    for suffix in _SUFFIXES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    if meta is not None:
        write_journal(path, meta, rows)
    marker.unlink()
    sync_directory(path.parent)
