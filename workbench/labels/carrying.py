"""Journals carried out of a campaign, into another one, and home again.

What leaves a campaign carries pseudonyms and nobody's working hours, and comes back without harm to what was
done meanwhile. The ops on the way are therefore sealed anew; labels, conflicts, undo, reviews and minutes of
work are the same:

=========  =======================================================================================
names      people have pseudonyms wherever a name occurs but in texts; models, ``import`` and who
           has a pseudonym already keep theirs
wall time  each track of a journal begins with 1970; a pause of at most `IDLE` stays as it is, a
           longer one becomes `IDLE` and a second
lamport    given anew along the total order, each larger than all before it: of equal lamports the
           names decide, and other names would turn them round
seen       what had been seen and comes before the op
sha256     of the op as it is now, also where a review names an op that it judged
=========  =======================================================================================

At home, ops that are there already stay as they are, whoever wrote them; new ones get lamports larger than
those of all ops before them in the pack. So what had seen an op comes after it (Lamport 1978), and a journal
that was taken once goes on from where it ended.
"""

from __future__ import annotations

__all__ = ["carried_in", "carried_out", "is_carried", "name_outside"]

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from workbench.errors import EditRefused, JournalError
from workbench.labels.meta import JournalMeta, JournalSubject
from workbench.labels.op import BLIND, Head, blind_track
from workbench.labels.payloads import renamed_payload
from workbench.labels.provenance import IDLE
from workbench.labels.reading import Journal
from workbench.labels.tables import Row, sealed, seen_of, seen_text

Rename = Callable[[str], str]

_NOT_PEOPLE = re.compile(r"import|model-.+|person-[0-9a-f]{8}")
_BEGIN = "1970-01-01T00:00:00.000000Z"
_UNKNOWN = "0" * 64
"""Stands for the sha256 of an op that is not there, which no op has."""
_IDLE = IDLE // timedelta(microseconds=1)
_LONGER = _IDLE + 1_000_000


def name_outside(author: str, pseudonym: Rename) -> str:
    """Return the name that an author has outside a campaign.

    Parameters
    ----------
    author
        Name inside.
    pseudonym
        Gives a person's pseudonym: ``person-`` and eight hexadecimal digits.

    Examples
    --------
    >>> [name_outside(name, lambda name: "person-0a1b2c3d") for name in ("marie", "import", "model-unet")]
    ['person-0a1b2c3d', 'import', 'model-unet']
    """
    return author if _NOT_PEOPLE.fullmatch(author) else pseudonym(author)


def is_carried(meta: JournalMeta) -> bool:
    """Tell whether a journal came out of another campaign's pack, or lies in a pack."""
    return meta.created == _BEGIN and _NOT_PEOPLE.fullmatch(meta.author) is not None


def carried_out(journals: Sequence[Journal], *, pseudonym: Rename) -> tuple[Journal, ...]:
    """Return the journals of a zone as they leave their campaign, by name.

    Parameters
    ----------
    journals
        All of the zone, such that of each op that somebody had seen the journal is there.
    pseudonym
        As for `name_outside`.

    Raises
    ------
    JournalError
        An op may hold names in a place that this version does not know, or two people have one pseudonym.
    """
    names = _names_outside((journal.meta.author for journal in journals), pseudonym)
    goals = {}
    for journal in journals:
        name = names[journal.meta.author]
        meta = replace(journal.meta, author=name, created=_BEGIN)
        goals[name] = Journal(path=Path(f"{name}.sqlite"), meta=meta, rows=())
    return _carried(journals, lambda author: names.get(author) or name_outside(author, pseudonym), goals)


def carried_in(
    journals: Sequence[Journal],
    *,
    home: Sequence[Journal],
    subject: JournalSubject,
    directory: Path,
    pseudonym: Rename,
) -> tuple[Journal, ...]:
    """Return the journals that a campaign gets, or gets more of, from a pack, by name and whole.

    Parameters
    ----------
    journals
        All of the pack.
    home
        All that the campaign has of the zone; none if the zone is new to it.
    subject
        What the campaign's journals of the zone are about.
    directory
        Where they lie.
    pseudonym
        As for `name_outside`: that of the campaign, whose people get their names back.

    Raises
    ------
    JournalError
        A journal of the pack and the one at home differ in an op, or the pack has more of somebody at home
        than they wrote there.
    """
    there = {journal.meta.author: journal for journal in home}
    inside = {name: author for author, name in _names_outside(there, pseudonym).items()}
    goals = {}
    for journal in journals:
        name = inside.get(journal.meta.author, journal.meta.author)
        own = there.get(name)
        if own is None:
            meta = JournalMeta(subject=subject, author=name, created=_BEGIN)
            own = Journal(path=directory / f"{name}.sqlite", meta=meta, rows=())
        else:
            _check_agrees(journal, own, lambda author: name_outside(author, pseudonym))
        goals[name] = own
    found = _carried(journals, lambda author: inside.get(author, author), goals)
    return tuple(one for one in found if len(one.rows) > len(goals[one.meta.author].rows))


def _names_outside(authors: Iterable[str], pseudonym: Rename) -> dict[str, str]:
    """Return {author: name outside}, no two of which are the same."""
    names = {author: name_outside(author, pseudonym) for author in sorted(authors)}
    inside: dict[str, str] = {}
    for author, name in names.items():
        if inside.setdefault(name, author) != author:
            raise JournalError(
                f"{inside[name]} and {author} are both {name} outside the campaign, their edits could not be "
                "told apart; move the journal of one of them out of the zone"
            )
    return names


def _check_agrees(packed: Journal, own: Journal, rename: Rename) -> None:
    """Refuse a packed journal that is not the one at home, up to where one of them ends."""
    author = own.meta.author
    for row, mine in zip(packed.rows, own.rows, strict=False):
        if _said(row, packed.meta.author, lambda name: name) != _said(mine, author, rename):
            raise JournalError(
                f"op {author}:{mine.seq} is another one in the pack than in {own.path}, so the pack was not "
                "made from this zone's journals, or one of them was mended; nothing was taken"
            )
    if len(packed.rows) > len(own.rows) and not is_carried(own.meta):
        raise JournalError(
            f"the pack has {len(packed.rows)} ops of {author}, {own.path} has {len(own.rows)}; if ops were "
            f"lost here, put the newer {author}.sqlite back from a backup; nothing was taken"
        )


def _said(row: Row, author: str, rename: Rename) -> tuple[object, ...]:
    """Return what an op says, without its place among others' ops, times and hashes."""
    with _about(author, row):
        payload = renamed_payload(row.kind, row.payload, rename, lambda head: _UNKNOWN)
    track = _renamed_track(row.track, rename)
    return row.gesture, track, row.kind, row.tool, row.scale, row.hierarchy_digest, row.model, payload


def _carried(journals: Sequence[Journal], rename: Rename, goals: dict[str, Journal]) -> tuple[Journal, ...]:
    """Return the goals, by name, with those ops of the journals that they do not have yet."""
    ordered = sorted(
        ((journal.meta.author, row) for journal in journals for row in journal.rows),
        key=lambda item: (item[1].lamport, item[0]),
    )
    passage = _Passage(rename, goals)
    for author, row in ordered:
        passage.take(author, row)
    return tuple(replace(goals[name], rows=tuple(passage.rows[name])) for name in sorted(goals))


class _Passage:
    """The ops of some journals on their way, in their total order."""

    def __init__(self, rename: Rename, goals: dict[str, Journal]) -> None:
        self.rows = {name: list(journal.rows) for name, journal in goals.items()}
        """By name: those that are there, and then those that came."""
        self._rename, self._goals = rename, goals
        self._lamport = 0
        self._passed: dict[str, int] = {}
        self._hashes: dict[tuple[str, int], tuple[str, str]] = {}
        self._times: dict[tuple[str, str], tuple[int, int]] = {}

    def take(self, author: str, row: Row) -> None:
        """Take the next op of the order."""
        name = self._rename(author)
        rows = self.rows[name]
        if row.seq > len(rows):
            rows.append(self._sealed(author, name, row))
        made = rows[row.seq - 1]
        self._lamport = max(self._lamport, made.lamport)
        self._passed[author] = row.seq
        self._hashes[author, row.seq] = row.sha256.hex(), made.sha256.hex()
        self._times[author, row.track] = row.wall_time, made.wall_time

    def _sealed(self, author: str, name: str, row: Row) -> Row:
        rows = self.rows[name]
        with _about(author, row):
            payload = renamed_payload(row.kind, row.payload, self._rename, self._rehash)
        seen = {
            self._rename(other): min(seq, self._passed[other])
            for other, seq in seen_of(row.seen).items()
            if other in self._passed
        }
        made = row._replace(
            lamport=self._lamport + 1,
            seen=seen_text(seen),
            wall_time=self._time(author, row),
            track=_renamed_track(row.track, self._rename),
            payload=payload,
            previous=rows[-1].sha256 if rows else bytes.fromhex(self._goals[name].meta.genesis),
        )
        return sealed(made, name)

    def _rehash(self, head: Head) -> str:
        before, after = self._hashes.get((head.author, head.seq), ("", ""))
        return after if before == head.sha256 else _UNKNOWN

    def _time(self, author: str, row: Row) -> int:
        """Return the wall time that `workbench.labels.provenance` counts the same minutes from."""
        if (author, row.track) not in self._times:
            return 0
        before, after = self._times[author, row.track]
        pause = max(0, row.wall_time - before)
        return after + (pause if pause <= _IDLE else _LONGER)


def _renamed_track(track: str, rename: Rename) -> str:
    return blind_track(rename(track.removeprefix(BLIND))) if track.startswith(BLIND) else track


@contextmanager
def _about(author: str, row: Row) -> Iterator[None]:
    """Have errors name the op that they are about."""
    try:
        yield
    except (JournalError, EditRefused) as error:
        raise JournalError(f"op {author}:{row.seq}: {error}") from error
