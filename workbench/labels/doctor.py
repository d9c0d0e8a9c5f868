"""A damaged journal mended: what can be believed goes on, the rest is kept apart, nothing is guessed.

The doctor reads the bytes of a journal without SQLite (`workbench.labels.carving`), follows the chain of
hashes from the meta document as far as it holds, and writes those ops, unchanged, as a new journal. The old
files go to ``quarantine/<author>-<time>/`` in the journal folder first: at any instant of a kill they,
or the new journal, are there. With them goes a mark (`workbench.labels.losses`), always: what is whole again
by its hashes may have gone on, and nobody can tell.

What lies in quarantine is looked at again the next time, so a good copy that turns up later can be put there
and the doctor called again. A copy that goes on where the journal ends is taken in. One that goes another
way, because its author went on from an older one, stays where it is and is named.
"""

from __future__ import annotations

__all__ = ["Fork", "Treatment", "mark_losses", "mend_journal"]

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    claimed_size,
    images,
)
from workbench.labels.folder import QUARANTINE, author_lock, mending_marker, quarantined, traces
from workbench.labels.journal import write_journal
from workbench.labels.losses import leave_mark, marks
from workbench.labels.meta import JournalMeta, JournalSubject
from workbench.labels.op import utc_now
from workbench.labels.reading import JournalReport, read_journal, verify_journal
from workbench.labels.tables import WAY_OUT, Row, last_seen
from workbench.labels.wal import missing_bytes

_INTERRUPTED, _WENT_ON = "the doctor was interrupted", "a copy in quarantine goes on where it ended"
_NO_COPY = "it is gone, and nothing in its copies in quarantine can be believed"
_SUFFIXES = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """A copy in quarantine that goes another way than the journal."""

    folder: Path
    """Where it is."""
    first: str
    """Id of the first op that is another one there."""
    ops: int
    """How many there are from that on, each as its author wrote it; none of them is in the labels."""


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
    mended: bool = False
    """Whether the journal was written anew."""
    apart: int = 0
    """Records that look like later ops, but do not follow; they stay in quarantine."""
    more: bool = False
    """Whether there surely were later ops: such records, some that others had seen, a file too short."""
    forks: tuple[Fork, ...] = ()
    quarantine: Path | None = None
    """Where the damaged files are; None where there were none."""

    @property
    def first_lost(self) -> str | None:
        """Id of the op from which on nothing could be believed; None where no later one left a trace.

        There may have been later ones all the same; of what the doctor mended nobody knows.
        """
        return f"{self.path.stem}:{self.ops + 1}" if self.more else None


def mend_journal(
    path: Path, subject: JournalSubject, *, clock: Callable[[], datetime] = utc_now
) -> Treatment:
    """Salvage a journal if it is damaged, or if a copy in quarantine goes on where it ends.

    Parameters
    ----------
    path
        The journal; the file itself may be gone if its ``-wal`` or a copy in quarantine is there.
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
    short_wal = missing_bytes(*(path.with_name(f"{path.name}-{suffix}") for suffix in ("wal", "shm")))
    report = verify_journal(path)
    sound = report.whole and not mending_marker(path).exists()
    if sound:
        found = _salvaged(path, subject, foreign=False) if quarantined(path.parent, path.stem) else None
        if found is None or not found.goes_on(report):
            forks = found.forks if found else ()
            return Treatment(path=path, problem=report.problem, ops=report.ops, head=report.head, forks=forks)
    shelf = path.parent / QUARANTINE
    if path.is_dir():
        raise JournalError(f"{path}: it is a folder where a journal should be; move it away")
    if shelf.exists() and not shelf.is_dir():
        raise JournalError(f"{shelf}: damaged files go into a folder of that name; move this file away")
    with author_lock(path):
        found = _salvaged(path, subject, foreign=report.foreign)
        if found.meta is None and report.foreign:
            raise JournalError(report.problem or f"{path}: it is no journal of this version")
        quarantine = _new_folder(path.parent, path.stem, clock)
        problem = report.problem or f"{path}: {_WENT_ON if sound else _INTERRUPTED}"
        return _mended(path, found, quarantine, problem=problem.removesuffix(f"; {WAY_OUT}"), short=short_wal)


def mark_losses(
    directory: Path, missing: Mapping[str, int], *, clock: Callable[[], datetime] = utc_now
) -> None:
    """Leave a mark for each author who has none yet and of whom other journals had seen more than there is.

    Otherwise the loss would be forgotten when those journals are damaged, too.

    Parameters
    ----------
    directory
        The journal folder.
    missing
        See `workbench.labels.losses.missing_ops`.
    clock
        Gives the time for the names of the folders in quarantine.

    Raises
    ------
    JournalError
        Nothing can be written.
    """
    marked = marks(directory)
    for author, seq in missing.items():
        if author not in marked:
            try:
                leave_mark(_new_folder(directory, author, clock), author, seq)
            except OSError as error:
                raise JournalError(
                    f"{directory / QUARANTINE}: it could not be noted that op {author}:{seq} is lost "
                    f"({error.strerror or error}); look at the disk's free space, rights and health, then "
                    "run the doctor again"
                ) from error


def _mended(path: Path, found: _Salvage, quarantine: Path, *, problem: str, short: bool) -> Treatment:
    """Put what was salvaged in the place of a journal, whose files go to quarantine, with a mark.

    Nothing is written of a journal that is gone and of whose copies nothing can be believed.
    """
    author, ops = path.stem, len(found.rows)
    there = any(trace.stem == author for trace in traces(path.parent))
    mended = there or found.meta is not None
    marked = marks(path.parent).get(author, 0)
    more = bool(found.apart) or found.short or short or max(marked - 1, _seen_by_others(path)) > ops
    try:
        if there:
            _set_apart(path, quarantine)
        if marked <= ops:  # before the damaged files go: as long as they are there nobody writes on
            leave_mark(quarantine, author, ops + 1)
        if mended:
            _replace(path, found.meta, found.rows, mending_marker(path))
    except OSError as error:
        raise JournalError(
            f"{path}: it could not be mended ({error.strerror or error}); look at the disk's free space, "
            "rights and health, then run the doctor again"
        ) from error
    return Treatment(
        path=path,
        problem=problem if mended else f"{path}: {_NO_COPY}",
        ops=ops,
        head=f"{author}:{ops}" if ops else None,
        mended=mended,
        apart=found.apart,
        more=more,
        forks=found.forks,
        quarantine=quarantine if there else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Copy:
    """What the bytes of a journal, or of a copy in quarantine, hold."""

    folder: Path
    size: int
    claimed: int
    """Bytes that it had, by what it says."""
    metas: Mapping[str, JournalMeta]
    """Meta documents by their text; those that it may have had, too."""
    rows: frozenset[Row]

    @classmethod
    def read(cls, folder: Path, path: Path, subject: JournalSubject, *, foreign: bool) -> _Copy:
        """Read the files of a journal in a folder.

        Raises
        ------
        JournalError
            It is another author's.
        """
        main, wal = (_content(folder / f"{path.name}{suffix}") for suffix in ("", "-wal"))
        _check_name(folder / path.name, main)
        metas: dict[str, JournalMeta] = {}
        rows: set[Row] = set()
        for image, page in images(main, wal):
            metas |= {meta.text: meta for meta in carved_metas(image) if meta.author == path.stem}
            # Where the document itself is damaged: no guess either, since the first op has its hash.
            for created in () if foreign else carved_dates(image):
                meant = JournalMeta(subject=subject, author=path.stem, created=created)
                metas.setdefault(meant.text, meant)
            rows |= set(carved_rows(image, page))
        claimed = claimed_size(main)
        return cls(folder=folder, size=len(main), claimed=claimed, metas=metas, rows=frozenset(rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Salvage:
    """What can be believed of a journal and its copies."""

    meta: JournalMeta | None
    rows: Sequence[Row] = ()
    forks: tuple[Fork, ...] = ()
    apart: int
    short: bool
    """Whether no copy is as long as one of them was."""

    def goes_on(self, report: JournalReport) -> bool:
        """Tell whether there is more than in a sound journal: a backup that turned up later."""
        ends = report.ops - 1
        return len(self.rows) > report.ops and (
            not report.ops or self.rows[ends].sha256.hex() == report.head_sha256
        )


def _salvaged(path: Path, subject: JournalSubject, *, foreign: bool) -> _Salvage:
    """Return what can be believed of a journal; its own ops go before those of copies in quarantine."""
    folders = [path.parent, *quarantined(path.parent, path.stem)]
    own, *others = copies = [_Copy.read(folder, path, subject, foreign=foreign) for folder in folders]
    rows = frozenset[Row]().union(*(copy.rows for copy in copies))
    metas = {text: meta for copy in copies for text, meta in copy.metas.items()}
    sizes = [copy.size for copy in copies]
    short = not any(sizes) or max(copy.claimed for copy in copies) > max(sizes)
    chains = [(believed_chain(rows, meta, own=own.rows), meta) for _, meta in sorted(metas.items())]
    if not chains:
        return _Salvage(meta=None, apart=_apart(rows, ()), short=short)
    ours = {row.sha256 for row in own.rows}
    chain, meta = max(chains, key=lambda found: (any(row.sha256 in ours for row in found[0]), len(found[0])))
    for other in [meta] if chain else metas.values():
        other.check_belongs(subject)
    branches = [(copy, _branch(copy, rows, chain, meta)) for copy in others]
    forks = [
        Fork(folder=copy.folder, first=f"{path.stem}:{branch[0].seq}", ops=len(branch))
        for copy, branch in branches
        if branch
    ]
    told = [*chain, *(row for _, branch in branches for row in branch)]
    return _Salvage(meta=meta, rows=chain, forks=tuple(forks), apart=_apart(rows, told), short=short)


def _branch(copy: _Copy, rows: Iterable[Row], chain: Sequence[Row], meta: JournalMeta) -> list[Row]:
    """Return the ops of a copy from the first on that is another than the journal's; none if it agrees."""
    if {row.sha256 for row in copy.rows} <= {row.sha256 for row in chain}:
        return []
    branches: list[list[Row]] = [[]]
    for begun in [one for one in copy.metas.values() if _is_about(one, meta.subject)] or [meta]:
        found = believed_chain(rows, begun, own=copy.rows)
        at = next((row.seq for row, ours in zip(found, chain, strict=False) if row != ours), len(found) + 1)
        branches.append(found[at - 1 :])
    return max(branches, key=len)


def _is_about(meta: JournalMeta, subject: JournalSubject) -> bool:
    with suppress(JournalError):
        meta.check_belongs(subject)
        return True
    return False


def _apart(rows: Iterable[Row], told: Sequence[Row]) -> int:
    """Count the records that may be ops and are none of these, nor one of them damaged."""
    hashes, places = {row.sha256 for row in told}, {row.previous for row in told}
    return len({row.sha256 for row in rows if row.previous not in places} - hashes)


def _seen_by_others(path: Path) -> int:
    """Return the last op of an author's that another one in the folder had seen, 0 for none."""
    seen = [0]
    for other in path.parent.glob("*.sqlite"):
        if other != path:
            with suppress(JournalError):  # the doctor looks at that one by itself
                seen.append(last_seen(read_journal(other).rows).get(path.stem, 0))
    return max(seen)


def _new_folder(directory: Path, author: str, clock: Callable[[], datetime]) -> Path:
    """Return where in the quarantine of a journal folder an author's files go now."""
    return directory / QUARANTINE / f"{author}-{clock():%Y%m%dT%H%M%S%f}"


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
