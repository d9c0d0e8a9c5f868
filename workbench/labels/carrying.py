"""Journals carried out of a campaign, into another one, and home again.

What leaves a campaign carries pseudonyms and nobody's working hours, and comes back without harm to what was
done meanwhile. The ops on the way are therefore sealed anew; labels, conflicts, undo, reviews and minutes of
work are the same:

=========  =======================================================================================
names      people have pseudonyms wherever a name occurs but in texts, and models are told by the
           campaign where they ran (``model-unet.from-1a2b3c4d``), for one may run in several;
           ``import`` and who has such a name already keep theirs
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

__all__ = ["carried_in", "carried_out", "check_goes_on", "is_carried", "name_outside", "names_inside"]

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from workbench.counting import counted
from workbench.errors import EditRefused, JournalError
from workbench.labels.folder import journal_path
from workbench.labels.meta import JournalMeta, JournalSubject
from workbench.labels.op import BLIND, Head, blind_track
from workbench.labels.payloads import renamed_payload
from workbench.labels.proposed import is_model
from workbench.labels.provenance import IDLE
from workbench.labels.reading import Journal, read_journal
from workbench.labels.tables import Row, sealed, seen_of, seen_text

Rename = Callable[[str], str]

_PSEUDONYM = "person-[0-9a-f]{8}"
_FROM = r"model-.+\.from-[0-9a-f]{8}"
_OUTSIDE = re.compile(rf"import|{_FROM}|{_PSEUDONYM}")
"""Names outside a campaign."""
_MODEL_LENGTH = 50
"""What is left of a model's name there, so that all of it can be an author's."""
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
        Gives the pseudonym of a name: ``person-`` and eight hexadecimal digits.

    Examples
    --------
    >>> [name_outside(name, lambda name: "person-0a1b2c3d") for name in ("marie", "import", "model-unet")]
    ['person-0a1b2c3d', 'import', 'model-unet.from-0a1b2c3d']
    """
    if _OUTSIDE.fullmatch(author):
        return author
    if is_model(author):
        return f"{author[:_MODEL_LENGTH]}.from-{pseudonym(author)[-8:]}"
    return pseudonym(author)


def is_carried(meta: JournalMeta) -> bool:
    """Tell whether a journal came out of another campaign's pack, or lies in a pack."""
    return meta.created == _BEGIN and _OUTSIDE.fullmatch(meta.author) is not None


def check_goes_on(directory: Path, author: str) -> None:
    """Refuse a name under which nobody may label here: its journal goes on somewhere else.

    Parameters
    ----------
    directory
        The zone's journal folder.
    author
        Who is to label.

    Raises
    ------
    JournalError
        The name is one that somebody, or a model, has outside another campaign, or its journal came with a
        pack: two that go on from one would be two pasts, and no pack of either could come home.
    """
    if re.fullmatch(_PSEUDONYM, author):
        raise JournalError(f"{author} is a pseudonym; label under your own name")
    if re.fullmatch(_FROM, author):
        raise JournalError(f"{author} is a model of another campaign, and goes on there; take another name")
    path = journal_path(directory, author)
    if _OUTSIDE.fullmatch(author) and path.exists() and is_carried(read_journal(path).meta):
        raise JournalError(
            f"{path} came here with a pack and goes on only where it began; label under another name, "
            f"such as {author}-2"
        )


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
    inside = names_inside(home, pseudonym=pseudonym)
    goals = {}
    for journal in journals:
        name = inside(journal.meta.author)
        own = there.get(name)
        if own is None:
            meta = JournalMeta(subject=subject, author=name, created=_BEGIN)
            own = Journal(path=directory / f"{name}.sqlite", meta=meta, rows=())
        else:
            _check_agrees(journal, own, lambda author: name_outside(author, pseudonym))
        goals[name] = own
    found = _carried(journals, inside, goals)
    return tuple(one for one in found if len(one.rows) > len(goals[one.meta.author].rows))


def names_inside(home: Iterable[Journal], *, pseudonym: Rename) -> Rename:
    """Return what gives an author's name at home from that in a pack.

    Parameters
    ----------
    home, pseudonym
        As for `carried_in`.

    Raises
    ------
    JournalError
        Two people at home have one pseudonym.
    """
    names = _names_outside((journal.meta.author for journal in home), pseudonym)
    inside = {name: author for author, name in names.items()}
    return lambda name: inside.get(name, name)


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
            f"the pack has {counted(len(packed.rows), 'op')} of {author}, {own.path} has {len(own.rows)}; if "
            f"ops were lost here, put the newer {author}.sqlite back from a backup; nothing was taken"
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
