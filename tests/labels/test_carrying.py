"""Journals under other names, out and home: labels, conflicts, undo, review and minutes are the same."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from label_cases import PICK, SUBJECT, edits, open_store, rectangle

from workbench.errors import EditRefused, JournalError
from workbench.labels.annotation import AnnotationStore
from workbench.labels.carrying import carried_in, carried_out, check_goes_on, is_carried, name_outside
from workbench.labels.edits import AssignMask, Comment, Protect
from workbench.labels.journal import JournalWriter, extend_journals, write_journal
from workbench.labels.op import Entry, Head, Op, check_author, join_payload
from workbench.labels.payloads import edit_of
from workbench.labels.prelabels import Chosen
from workbench.labels.provenance import IDLE, effort, sources
from workbench.labels.reading import Journal, read_journal, read_journals, read_together, verify_journal
from workbench.labels.review import accept, send_back, submit, zone_state
from workbench.labels.tables import Row, row_of_op, sealed, seen_of, seen_text

AUTHORS = ("anne", "jean", "marie")
# The other way round by name: where lamports are equal, names decide.
TURNED = {"anne": "person-cccccccc", "jean": "person-bbbbbbbb", "marie": "person-aaaaaaaa"}


def turned(author: str) -> str:
    return TURNED.get(author) or f"person-{sha256(author.encode()).hexdigest()[:8]}"


def outside(author: str) -> str:
    return name_outside(author, turned)


def outside_id(op_id: str) -> str:
    author, _, seq = op_id.rpartition(":")
    return f"{outside(author)}:{seq}"


def write_all(folder: Path, journals: Sequence[Journal]) -> Path:
    folder.mkdir()
    for journal in journals:
        write_journal(folder / journal.path.name, journal.meta, journal.rows)
    return folder


def shown(store: AnnotationStore, rename: Any = lambda op_id: op_id) -> dict[str, Any]:
    """Everything that a zone shows but names and times, ids renamed."""
    ids = ["", *(rename(op.id) for op in store.ops)]
    conflicts = store.conflicts()
    state = zone_state(store)
    numbers, table = sources(store)
    return {
        "labels": store.labels.tobytes(),
        "last": np.array(ids)[store.last_op].tolist(),
        "protected": store.protected.tobytes(),
        "settled": store.settled_labels().tobytes(),
        "unresolved": store.unresolved(),
        "counts": store.counts(),
        "conflicts": {
            (tuple(sorted(zip(map(rename, one.ops), one.codes, strict=True))), one.pixels, one.window)
            for one in conflicts.found
        },
        "pixels in conflict": conflicts.mask(store.grid.whole).tobytes(),
        "state": (state.state, state.by and rename(f"{state.by}:1"), state.reason),
        "heads": sorted(rename(f"{head.author}:{head.seq}") for head in store.label_heads()),
        "judged": sorted(rename(f"{head.author}:{head.seq}") for head in state.heads),
        "comments": [
            (rename(op.id), one.text, one.answers and rename(one.answers)) for op, one in store.comments()
        ],
        "numbers": numbers.tobytes(),
        "sources": [
            (rename(one.op.id), one.code, one.upper, one.prelabel, one.op.tool, one.op.scale, one.op.model)
            for one in table
        ],
    }


def cost(store: AnnotationStore, track: str = "labels") -> Any:
    total, classes = effort((op for op in store.ops if op.track == track), sources(store)[1])
    return [
        (code, pytest.approx(one.minutes, rel=1e-12), one.gestures, one.tools, one.pixels)
        for code, one in (("all", total), *classes.items())
    ]


class Clock:
    """Goes on, and at times back, by drawn steps of seconds."""

    def __init__(self, steps: Sequence[float]) -> None:
        self.steps, self.turn = steps or [1.0], 0
        self.now = datetime(2026, 3, 2, 8, 15, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=self.steps[self.turn % len(self.steps)])
        self.turn += 1
        return self.now


PACE = st.lists(st.sampled_from((0.0, 0.5, 20.0, 119.9, 120.0, 120.1, 7200.0, -40.0, -90000.0)), max_size=9)
DEEDS = ("edit", "edit", "edit", "undo", "redo", "refresh", "protect", "ask", "submit", "accept", "gesture")
STEPS = st.lists(
    st.tuples(st.sampled_from(DEEDS), st.sampled_from(AUTHORS), edits()), min_size=2, max_size=20
)


def do(store: AnnotationStore, deed: str, edit: AssignMask) -> None:
    """Do one thing, as far as it can be done."""
    comments, state = store.comments(), zone_state(store).state
    free = store.footprint & (store.protected == 0)
    if deed == "edit" and (edit.mask.decode() & free[edit.window.slices]).any():
        store.apply(replace(edit, source=store.last_id, upper="woody_vegetation" if edit.code == 7 else None))
    elif deed == "gesture" and free[4:6, 5:8].any() and free[6:8, 5:9].any():
        store.apply_all([rectangle(4, 5, 2, 3, 1), rectangle(6, 5, 2, 4, 2)])
    elif deed == "protect":
        store.apply(Protect(mask=edit.mask, on=edit.code % 3 > 0))
    elif deed == "ask":
        answers = comments[-1][0].id if comments else None
        store.record(Comment(row=6, col=7, text="by marie: spruce?", answers=answers))
    elif deed == "submit" and state in ("open", "sent_back"):
        submit(store, reason="ask anne")
    elif deed == "accept" and state in ("open", "submitted") and not store.conflicts().found:
        accept(store)
    elif deed in ("undo", "redo", "refresh"):
        getattr(store, deed)()


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, pace=PACE)
def test_a_packed_zone_is_the_zone_but_for_names_and_times(steps: list[Any], pace: list[float]) -> None:
    clock = Clock(pace)
    with tempfile.TemporaryDirectory() as place:
        home = Path(place, "home")
        with open_store(home, "marie", blind=True, clock=clock) as blind:
            blind.apply(rectangle(5, 6, 2, 2, 9))
        with ExitStack() as stack:
            stores = {a: stack.enter_context(open_store(home, a, clock=clock)) for a in AUTHORS}
            for deed, author, edit in steps:
                with suppress(EditRefused):  # locked
                    do(stores[author], deed, edit)
        with open_store(home, "marie", blind=True, clock=clock) as blind:
            blind.apply(rectangle(6, 6, 2, 2, 8))
        packed = carried_out(read_together(home, SUBJECT), pseudonym=turned)
        away = write_all(Path(place, "away"), packed)
        with open_store(home) as here, open_store(away) as there:
            assert shown(there) == shown(here, outside_id)
            assert cost(there) == cost(here)
            assert cost(there, f"blind-{turned('marie')}") == cost(here, "blind-marie")
            assert [op.id for op in there.ops] == [outside_id(op.id) for op in here.ops]
            lamports = [op.lamport for op in there.ops]
            assert lamports == list(range(1, len(lamports) + 1))
        for path in away.glob("*.sqlite"):
            content = path.read_bytes().replace(b"by marie", b"").replace(b"ask anne", b"")
            assert not any(author.encode() in content for author in AUTHORS)
            assert b"2026" not in content
            times = [op.wall_time for op in read_journal(path).ops]
            assert min(times) == datetime(1970, 1, 1, tzinfo=UTC)
            assert max(times) <= min(times) + len(times) * (IDLE + timedelta(seconds=1))
        for author in AUTHORS:
            if not (home / f"{author}.sqlite").exists():
                continue
            assert verify_journal(away / f"{turned(author)}.sqlite").ok
            with open_store(home, author) as mine, open_store(away, turned(author)) as theirs:
                assert (mine.undo_steps, mine.redo_steps) == (theirs.undo_steps, theirs.redo_steps)
                for store in (mine, theirs):
                    if zone_state(store).state == "accepted":
                        send_back(store, "undo it all")
                while mine.undo() and theirs.undo():
                    assert theirs.labels.tobytes() == mine.labels.tobytes()
                assert not theirs.undo_steps


def test_who_is_nobody_keeps_the_name() -> None:
    names = (
        "import",
        "model-unet.from-01234567",
        "person-01234567",
        "marie",
        "imports",
        "person-0123456",
        "Person-01234567",
    )
    assert [name_outside(name, lambda name: "X") for name in names] == [*names[:3], "X", "X", "X", "X"]
    longest = f"model-{'u' * 58}"
    assert check_author(name_outside(longest, lambda name: "person-0a1b2c3d")).endswith("uu.from-0a1b2c3d")


def test_two_people_of_one_pseudonym_are_refused(tmp_path: Path) -> None:
    for author in ("anne", "jean"):
        with open_store(tmp_path, author) as store:
            store.apply(rectangle(5, 6, 1, 1, 2))
    with pytest.raises(JournalError, match="anne and jean are both person-00000000"):
        carried_out(read_journals(tmp_path, SUBJECT), pseudonym=lambda name: "person-00000000")


@pytest.mark.parametrize(
    ("kind", "header", "body"),
    [
        ("assign", {"code": 2, "window": [5, 6, 1, 1], "for": "marie"}, rectangle(5, 6, 1, 1, 2).mask.data),
        ("greet", {"target": "marie:1"}, None),
    ],
    ids=["unknown key", "unknown kind"],
)
def test_what_may_hold_a_name_unknown_to_this_version_does_not_leave(
    tmp_path: Path, kind: str, header: dict[str, Any], body: bytes | None
) -> None:
    writer = JournalWriter.open(tmp_path, SUBJECT, author="jean")
    entry = Entry(kind=kind, tool="pick", payload=join_payload(header, body))
    writer.append_many([entry], seen={}, lamport=1)
    writer.close()
    with pytest.raises(JournalError, match=r"op jean:1: its kind .* update the workbench"):
        carried_out(read_journals(tmp_path, SUBJECT), pseudonym=turned)


def test_a_journal_read_late_brings_what_it_had_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ops that come in while the journals are read one after the other: what an op had seen is there too."""
    from workbench.labels import reading

    with open_store(tmp_path, "anne") as anne, open_store(tmp_path, "marie") as marie:
        anne.apply(rectangle(5, 6, 1, 1, 2))
        marie.apply(rectangle(5, 7, 1, 1, 3))
        read_own, meanwhile = reading.read_own, iter([True])

        def slowly(path: Path, subject: Any) -> Journal:
            journal = read_own(path, subject)
            if path.stem == "anne" and next(meanwhile, False):
                anne.apply(rectangle(5, 8, 1, 1, 4))
                with open_store(tmp_path, "jean") as jean:
                    jean.apply(rectangle(5, 9, 1, 1, 5))
                marie.refresh()
                marie.apply(rectangle(5, 6, 1, 1, 6))
            return journal

        monkeypatch.setattr(reading, "read_own", slowly)
        found = read_together(tmp_path, SUBJECT)
    assert {journal.meta.author: len(journal.rows) for journal in found} == {"anne": 2, "jean": 1, "marie": 2}


def test_what_was_seen_and_lost_is_not_waited_for(tmp_path: Path) -> None:
    for author in ("anne", "jean"):
        with open_store(tmp_path, author) as store:
            store.apply(rectangle(5, 6, 1, 1, 2))
    (tmp_path / "anne.sqlite").unlink()
    (found,) = read_together(tmp_path, SUBJECT)
    (packed,) = carried_out([found], pseudonym=turned)
    assert found.ops[0].seen == {"anne": 1}
    assert packed.ops[0].seen == {}


# Home and away


class World:
    """A campaign's journals of one zone, and who its people are outside."""

    def __init__(self, folder: Path, salt: str) -> None:
        self.folder, self.salt = folder, salt

    def pseudonym(self, author: str) -> str:
        return f"person-{sha256((self.salt + author).encode()).hexdigest()[:8]}"

    def packed(self) -> tuple[Journal, ...]:
        return carried_out(read_together(self.folder, SUBJECT), pseudonym=self.pseudonym)

    def take(self, packed: Sequence[Journal]) -> tuple[Journal, ...]:
        home = read_together(self.folder, SUBJECT)
        arrived = carried_in(
            packed, home=home, subject=SUBJECT, directory=self.folder, pseudonym=self.pseudonym
        )
        extend_journals(self.folder, arrived)
        now = {journal.meta.author: journal.rows for journal in read_together(self.folder, SUBJECT)}
        for journal in home:  # what was there is there, to the bit, and people's own journals are untouched
            assert now[journal.meta.author][: len(journal.rows)] == journal.rows
            if not is_carried(journal.meta):
                assert now[journal.meta.author] == journal.rows
        return arrived


def as_if_at_home(home: World, away: World, folder: Path) -> Path:
    """Write the journals of one campaign in which all of them worked: the definition of what comes home.

    Ops, what each had seen and Lamport's own lamports; nothing of it comes from `carried_in`.
    """
    outside_home = {home.pseudonym(name): name for name in ("marie", "jean")}

    def at_home(name: str) -> str:
        return outside_home.get(name) or (away.pseudonym(name) if name in ("bob", "eve") else name)

    ops: dict[tuple[str, int], Op] = {}
    for journal in read_journals(home.folder, SUBJECT):
        if journal.meta.author in ("marie", "jean"):
            ops |= {(op.author, op.seq): op for op in journal.ops}
    for journal in read_journals(away.folder, SUBJECT):
        if journal.meta.author in ("bob", "eve"):
            for op in journal.ops:
                seen = {at_home(name): seq for name, seq in op.seen.items()}
                made = replace(op, author=at_home(op.author), seen=seen)
                if op.kind in ("undo", "redo"):
                    target = join_payload(
                        {"target": f"{made.author}:{op.payload.decode()[:-2].split(':')[-1]}"}
                    )
                    made = replace(made, payload=target)
                ops[made.author, made.seq] = made
    lamports: dict[tuple[str, int], int] = {}

    def lamport(key: tuple[str, int]) -> int:
        if key not in lamports:
            before = [*ops[key].seen.items(), *([(key[0], key[1] - 1)] if key[1] > 1 else [])]
            lamports[key] = 1 + max(map(lamport, before), default=0)
        return lamports[key]

    folder.mkdir()
    for author in sorted({author for author, _ in ops}):
        own = [ops[key] for key in sorted(ops) if key[0] == author]
        meta = replace(read_journals(home.folder, SUBJECT)[0].meta, author=author)
        rows: list[Row] = []
        for op in own:
            before = rows[-1].sha256 if rows else bytes.fromhex(meta.genesis)
            row = row_of_op(replace(op, previous=before.hex(), lamport=lamport((author, op.seq))))
            rows.append(sealed(row, author))
        write_journal(folder / f"{author}.sqlite", meta, rows)
    return folder


def settled(store: AnnotationStore) -> dict[str, Any]:
    """What does not depend on which of two ops comes first that had not seen each other."""
    conflicts = store.conflicts()
    return {
        "settled": store.settled_labels().tobytes(),
        "conflicts": {(one.ops, one.codes, one.pixels) for one in conflicts.found},
        "pixels": conflicts.mask(store.grid.whole).tobytes(),
        "heads": store.head,
    }


JOURNEYS = st.lists(
    st.tuples(
        st.sampled_from(("edit",) * 6 + ("undo", "redo", "refresh", "refresh", "out", "home")),
        st.sampled_from(("marie", "jean", "bob", "eve")),
        edits(),
    ),
    min_size=4,
    max_size=24,
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(steps=JOURNEYS)
def test_what_comes_home_is_as_if_it_had_been_done_there(steps: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as place:
        home, away = World(Path(place, "home"), "a"), World(Path(place, "away"), "b")
        with open_store(home.folder, "marie") as marie:
            marie.apply(rectangle(4, 5, 4, 4, 3))
        away.take(home.packed())
        with ExitStack() as stack:
            stores = {
                name: stack.enter_context(open_store(world.folder, name))
                for world, names in ((home, ("marie", "jean")), (away, ("bob", "eve")))
                for name in names
            }
            for deed, author, edit in steps:
                if deed == "edit":
                    stores[author].apply(edit)
                elif deed == "out":
                    away.take(home.packed())
                elif deed == "home":
                    home.take(away.packed())
                else:
                    getattr(stores[author], deed)()
            for name in ("marie", "jean"):  # desks that stay open see what came
                stores[name].refresh()
            home.take(away.packed())
            stores["marie"].refresh()
            with open_store(home.folder) as here:
                assert settled(stores["marie"]) == settled(here)
        assert home.take(away.packed()) == ()
        reference = as_if_at_home(home, away, Path(place, "one"))
        with open_store(home.folder) as here, open_store(reference) as expected:
            assert settled(here) == settled(expected)
            assert here.missing() == {}
        away.take(home.packed())
        with open_store(home.folder) as here, open_store(away.folder) as there:
            assert there.settled_labels().tobytes() == here.settled_labels().tobytes()
        for world in (home, away):
            for path in world.folder.glob("*.sqlite"):
                assert verify_journal(path).ok


@pytest.fixture
def worlds(tmp_path: Path) -> tuple[World, World]:
    """Marie labelled 2 × 2 pixels and asked; her zone went to Bob, who labelled, answered and submitted."""
    home, away = World(tmp_path / "home", "a"), World(tmp_path / "away", "b")
    with open_store(home.folder, "marie") as marie:
        marie.apply(rectangle(5, 6, 2, 2, 3))
        marie.record(Comment(row=5, col=6, text="a pond?", question=True))
    away.take(home.packed())
    with open_store(away.folder, "bob") as bob:
        bob.apply(rectangle(5, 6, 1, 2, 4))
        answers = f"{home.pseudonym('marie')}:2"
        bob.record(Comment(row=5, col=6, text="a pool", answers=answers, ruling="swimming_pool"))
        submit(bob)
    return home, away


def test_over_what_was_seen_and_in_conflict_with_what_was_not(worlds: tuple[World, World]) -> None:
    home, away = worlds
    with open_store(home.folder, "marie") as marie:
        marie.apply(rectangle(5, 7, 1, 2, 5))  # meanwhile
        home.take(away.packed())
        marie.refresh()
        bob = away.pseudonym("bob")
        assert marie.labels[5, 6] == 4
        (conflict,) = marie.conflicts().found
        assert (conflict.ops, conflict.pixels) == (("marie:3", f"{bob}:1"), 1)
        assert [(op.author, one.answers) for op, one in marie.comments()] == [
            ("marie", None),
            (bob, "marie:2"),
        ]
        assert zone_state(marie).state == "open"  # what Bob submitted is not what is here now
        marie.undo()
        assert zone_state(marie).state == "open"
        marie.apply(rectangle(5, 7, 1, 1, 5))
        assert marie.conflicts().found == ()


def test_a_verdict_on_what_is_there_holds_at_home(worlds: tuple[World, World]) -> None:
    home, away = worlds
    home.take(away.packed())
    with open_store(home.folder) as store:
        state = zone_state(store)
        assert (state.state, state.by) == ("submitted", away.pseudonym("bob"))
        assert state.heads == store.label_heads()


def test_a_second_pack_brings_what_is_new_and_an_older_one_nothing(worlds: tuple[World, World]) -> None:
    home, away = worlds
    first = away.packed()
    home.take(first)
    with open_store(home.folder, "marie") as marie:
        marie.apply(rectangle(7, 7, 1, 1, 2))  # has seen Bob's
    before = {journal.meta.author: journal.rows for journal in read_journals(home.folder, SUBJECT)}
    with open_store(away.folder, "bob") as bob:
        bob.apply(rectangle(7, 7, 2, 2, 9))
    home.take(away.packed())
    now = {journal.meta.author: journal.rows for journal in read_journals(home.folder, SUBJECT)}
    assert {name: len(rows) - len(before[name]) for name, rows in now.items()} == {
        "marie": 0,
        away.pseudonym("bob"): 1,
    }
    assert home.take(first) == ()


def altered(journal: Journal, seq: int, **changed: Any) -> Journal:
    """Return a journal in which an op says something else, sealed again from there on."""
    rows: list[Row] = []
    for row in journal.rows:
        row = row._replace(**changed) if row.seq == seq else row
        before = rows[-1].sha256 if rows else bytes.fromhex(journal.meta.genesis)
        rows.append(sealed(row._replace(previous=before), journal.meta.author))
    return replace(journal, rows=tuple(rows))


def test_a_pack_of_another_past_is_refused(worlds: tuple[World, World]) -> None:
    home, away = worlds
    home.take(away.packed())
    for name, whose in ((home.pseudonym("marie"), "marie"), (away.pseudonym("bob"), away.pseudonym("bob"))):
        packed = [
            altered(journal, 1, scale=99.0) if journal.meta.author == name else journal
            for journal in away.packed()
        ]
        with pytest.raises(JournalError, match=f"op {whose}:1 is another one in the pack"):
            home.take(packed)


def test_nobody_writes_for_a_person_at_home(worlds: tuple[World, World]) -> None:
    home, away = worlds
    with open_store(away.folder, home.pseudonym("marie")) as forger:
        forger.apply(rectangle(5, 6, 2, 2, 8))
    with pytest.raises(JournalError, match="the pack has 3 ops of marie"):
        home.take(away.packed())


def test_who_is_at_work_is_not_disturbed(worlds: tuple[World, World]) -> None:
    home, away = worlds
    home.take(away.packed())
    bob = away.pseudonym("bob")
    with open_store(away.folder, "bob") as store:
        store.apply(rectangle(7, 7, 2, 2, 9))
    with (
        open_store(home.folder, "marie") as marie,
        open_store(home.folder, bob),
        pytest.raises(JournalError, match=f"author {bob} has this zone open"),
    ):
        home.take(away.packed())
    with open_store(home.folder, "marie") as marie:  # her lock is hers, her journal nobody else's
        home.take(away.packed())
        assert marie.apply(rectangle(7, 7, 1, 1, 2))


def test_a_claim_to_have_seen_what_comes_later_is_cut(worlds: tuple[World, World]) -> None:
    """Somebody at home must not be overruled by who says that they had seen ops that they cannot have."""
    home, away = worlds
    with open_store(home.folder, "marie") as marie:
        marie.apply(rectangle(5, 6, 1, 1, 5))
    forged = [
        altered(journal, 1, seen=seen_text({home.pseudonym("marie"): 900, "marie": 7, "zoe": 2}))
        if journal.meta.author == away.pseudonym("bob")
        else journal
        for journal in away.packed()
    ]
    home.take(forged)
    taken = read_journal(home.folder / f"{away.pseudonym('bob')}.sqlite")
    assert seen_of(taken.rows[0].seen) == {"marie": 2}
    with open_store(home.folder) as store:
        assert len(store.conflicts().found) == 1


def test_lamports_of_a_pack_cannot_use_up_those_at_home(worlds: tuple[World, World]) -> None:
    home, away = worlds
    forged = [
        altered(journal, len(journal.rows), lamport=1 << 46)
        if journal.meta.author == away.pseudonym("bob")
        else journal
        for journal in away.packed()
    ]
    home.take(forged)
    with open_store(home.folder, "marie") as marie:
        marie.apply(rectangle(5, 6, 2, 2, 8))
        assert marie.last_own is not None
        assert marie.last_own.lamport < 10


def test_who_had_seen_an_op_comes_after_it_also_where_journals_were_lost(tmp_path: Path) -> None:
    """Marie's lamports are those of somebody who had seen thirty ops that are gone."""
    home, away = World(tmp_path / "home", "a"), World(tmp_path / "away", "b")
    with open_store(home.folder, "paul") as paul:
        for turn in range(30):
            paul.apply(rectangle(5, 6, 2, 2, 1 + turn % 5))
    with open_store(home.folder, "marie") as marie:
        marie.apply(rectangle(5, 6, 2, 2, 3))
    (home.folder / "paul.sqlite").unlink()
    away.take(home.packed())
    with open_store(away.folder, "bob") as bob:
        bob.apply(rectangle(5, 6, 2, 2, 4))
    home.take(away.packed())
    with open_store(home.folder) as store:
        assert [(op.author, op.lamport) for op in store.ops] == [("marie", 31), (away.pseudonym("bob"), 32)]
        assert store.labels[5, 6] == 4
        assert store.conflicts().found == ()


def test_heads_that_nobody_had_match_nothing(worlds: tuple[World, World]) -> None:
    _, away = worlds
    bob = read_journal(away.folder / "bob.sqlite")
    head = Head(author="bob", seq=1, sha256="ab" * 32)
    review = {
        "state": "accepted",
        "reason": None,
        "heads": [{"author": head.author, "seq": head.seq, "sha256": head.sha256}],
    }
    forged = altered(bob, 3, payload=join_payload(review))
    others = [journal for journal in read_journals(away.folder, SUBJECT) if journal.meta.author != "bob"]
    packed = carried_out([forged, *others], pseudonym=away.pseudonym)
    payload = next(row.payload for journal in packed for row in journal.rows if row.kind == "review")
    assert b"abab" not in payload
    assert b"bob" not in payload
    assert PICK.tool.encode() not in payload


# Models, which run in several campaigns


MODEL = "model-unet"
RUNS = st.lists(
    st.tuples(
        st.sampled_from(("propose", "propose", "accept", "accept", "edit", "undo", "out", "home")),
        st.sampled_from(("home", "away")),
        edits(),
    ),
    min_size=4,
    max_size=20,
)


def proposed(folder: Path) -> dict[str, list[bytes]]:
    """Payloads of each journal of a model, none of which names anybody."""
    journals = [one for one in read_journals(folder, SUBJECT) if one.meta.author.startswith("model-")]
    return {one.meta.author: [row.payload for row in one.rows] for one in journals}


def accepted(folder: Path) -> list[tuple[bytes, bytes]]:
    """What each accepted pre-label says, with what it was copied from."""
    found = []
    with open_store(folder) as store:
        there = {op.id: op for op in store.ops}
    for op in there.values():
        edit = edit_of(op)
        if isinstance(edit, AssignMask) and edit.source is not None:
            found.append((edit.mask.data, there[edit.source].payload))
    return sorted(found)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(steps=RUNS, same=st.booleans())
def test_a_model_that_runs_on_both_sides_is_in_nobodys_way(steps: list[Any], same: bool) -> None:
    with tempfile.TemporaryDirectory() as place:
        worlds = {"home": World(Path(place, "home"), "a"), "away": World(Path(place, "away"), "b")}
        home, away = worlds["home"], worlds["away"]
        people = {"home": "marie", "away": "bob"}
        for world in worlds.values() if same else (home,):  # the same proposal to begin with, or none
            with open_store(world.folder, MODEL) as model:
                model.apply(rectangle(6, 6, 2, 3, 4))
        away.take(home.packed())
        for deed, side, edit in steps:
            folder = worlds[side].folder
            if deed == "propose":
                check_goes_on(folder, MODEL)
                with open_store(folder, MODEL) as model:
                    model.apply(edit)
            elif deed == "out":
                away.take(home.packed())
            elif deed == "home":
                home.take(away.packed())
            else:
                with open_store(folder, people[side]) as store, suppress(EditRefused):
                    if deed == "accept":
                        store.apply_drawn(store.prelabels().accepting(Chosen(over=True)))
                    elif deed == "edit":
                        store.apply(edit)
                    else:
                        store.undo()
        before = proposed(home.folder), proposed(away.folder)
        for _ in range(2):
            home.take(away.packed())
            away.take(home.packed())
        assert home.take(away.packed()) == away.take(home.packed()) == ()
        for world, own in zip((home, away), before, strict=True):
            now = proposed(world.folder)
            for name, payloads in own.items():
                assert now[name][: len(payloads)] == payloads
            contents = sorted(payloads for payloads in proposed(world.folder).values())
            for payloads in (*before[0].values(), *before[1].values()):
                assert any(found[: len(payloads)] == payloads for found in contents)
            with open_store(world.folder) as store:
                assert store.missing() == {}
            for path in world.folder.glob("*.sqlite"):
                assert verify_journal(path).ok
        assert accepted(home.folder) == accepted(away.folder)
        with open_store(home.folder) as here, open_store(away.folder) as there:
            assert there.settled_labels().tobytes() == here.settled_labels().tobytes()
            found = [one.conflicts() for one in (here, there)]
            assert np.array_equal(found[0].mask(here.grid.whole), found[1].mask(there.grid.whole))


def test_another_journal_of_a_model_comes_under_a_name_of_its_own_and_goes_on_there(
    worlds: tuple[World, World],
) -> None:
    home, away = worlds
    for world, codes in ((home, (4, 5)), (away, (7,))):
        for code in codes:
            with open_store(world.folder, MODEL) as model:
                model.apply(rectangle(8, 8, 2, 2, code))
    with open_store(away.folder, "bob") as bob:
        bob.apply_drawn(bob.prelabels().accepting(Chosen()))
    home.take(away.packed())
    (theirs,) = (name for name in proposed(home.folder) if name != MODEL)
    assert theirs.startswith(f"{MODEL}.from-")
    assert {name: len(payloads) for name, payloads in proposed(home.folder).items()} == {MODEL: 2, theirs: 1}
    with open_store(home.folder) as store:
        last = store.op_at(8, 8)
        assert last is not None
        assert edit_of(last).source == f"{theirs}:1"
        assert store.labels[8, 8] == 7
    with open_store(away.folder, MODEL) as model:
        model.apply(rectangle(9, 9, 2, 2, 2))
    home.take(away.packed())
    assert {name: len(payloads) for name, payloads in proposed(home.folder).items()} == {MODEL: 2, theirs: 2}
    away.take(home.packed())
    assert sorted(map(len, proposed(away.folder).values())) == [2, 2]
    assert len(proposed(away.folder)[MODEL]) == 2


def test_models_that_say_the_same_on_both_sides_are_two(worlds: tuple[World, World]) -> None:
    """Else marie would seem to have read what bob did before the model ran there: no conflict would show."""
    home, away = worlds
    region = rectangle(8, 8, 2, 2, 4)
    for world, name, code, first in ((home, "marie", 1, True), (away, "bob", 7, False)):
        if first:
            with open_store(world.folder, MODEL) as model:
                model.apply(region)
        with open_store(world.folder, name) as store:
            store.apply(rectangle(10, 8, 2, 3, code))
        if not first:
            with open_store(world.folder, MODEL) as model:
                model.apply(region)
    home.take(away.packed())
    away.take(home.packed())
    for world in worlds:
        assert len(proposed(world.folder)) == 2
        with open_store(world.folder) as store:
            found = store.conflicts().found
            assert [conflict.pixels for conflict in found if set(conflict.codes) == {1, 7}] == [6]


def test_nobody_goes_on_with_what_came_or_under_a_pseudonym(worlds: tuple[World, World]) -> None:
    home, away = worlds
    with open_store(home.folder, MODEL) as model:
        model.apply(rectangle(8, 8, 2, 2, 4))
    away.take(home.packed())
    check_goes_on(home.folder, MODEL)
    check_goes_on(away.folder, MODEL)  # its own
    check_goes_on(away.folder, "bob")
    (theirs,) = proposed(away.folder)
    with pytest.raises(JournalError, match=f"{theirs} is a model of another campaign"):
        check_goes_on(away.folder, theirs)
    for folder, name in ((away.folder, home.pseudonym("marie")), (home.folder, "person-01234567")):
        with pytest.raises(JournalError, match=f"{name} is a pseudonym; label under your own name"):
            check_goes_on(folder, name)
