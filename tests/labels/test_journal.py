"""Journals: append-only, chained, one writer; whatever is wrong with one is said in a sentence."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from affine import Affine
from label_cases import GRID, SUBJECT, rectangle
from rights import open_folder, read_only

from workbench.documents import canonical_bytes, validate
from workbench.errors import JournalError
from workbench.labels.edits import Edit, Redo, Review, Undo
from workbench.labels.journal import JournalWriter
from workbench.labels.meta import JournalSubject
from workbench.labels.op import Entry, join_payload
from workbench.labels.payloads import entry_of
from workbench.labels.reading import Journal, dump_journal, read_journal, read_journals, verify_journal

EDITS: tuple[Edit, ...] = (
    rectangle(5, 6, 3, 3, 7),
    rectangle(6, 7, 4, 4, 11),
    Undo(target="marie:2"),
    Redo(target="marie:2"),
    Review(state="submitted", heads=()),
)


HASHED = ("author", "gesture", "hierarchy_digest", "kind", "lamport", "model", "previous", "scale", "seen")
HASHED += ("seq", "tool", "track")


def write(directory: Path, author: str = "marie", edits: tuple[Edit, ...] = EDITS) -> Path:
    with closing(JournalWriter.open(directory, SUBJECT, author=author)) as writer:
        lamport = writer.found.ops[-1].lamport if writer.found.ops else 0
        for edit in edits:
            lamport += 1
            writer.append_many([entry_of(edit)], seen={"jean": 4}, lamport=lamport)
    return directory / f"{author}.sqlite"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return write(tmp_path / "journal")


def listing(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(directory.iterdir())}


# Writing and reading


def test_ops_are_read_back_as_they_were_acknowledged(tmp_path: Path) -> None:
    with closing(JournalWriter.open(tmp_path, SUBJECT, author="marie")) as writer:
        first = writer.append_many([entry_of(EDITS[0]), entry_of(EDITS[1])], seen={"jean": 4}, lamport=9)
        second = writer.append_many([entry_of(Undo(target="marie:1"))], seen={"jean": 5}, lamport=12)
    journal = read_journal(tmp_path / "marie.sqlite")
    assert list(journal.rows) == [*first, *second]
    assert [(op.seq, op.gesture, op.lamport) for op in journal.ops] == [(1, 1, 9), (2, 1, 10), (3, 3, 12)]
    chain = [journal.meta.genesis, first[0].sha256.hex(), first[1].sha256.hex()]
    assert [op.previous for op in journal.ops] == chain
    assert journal.meta.subject == SUBJECT


def test_a_journal_goes_on_where_it_stopped(path: Path) -> None:
    write(path.parent, edits=(rectangle(7, 7, 1, 1, 3),))
    ops = read_journal(path).ops
    assert len(ops) == len(EDITS) + 1
    assert ops[-1].previous == ops[-2].sha256


@pytest.mark.parametrize(("seen", "lamport"), [({}, 5), ({}, 0), ({"marie": 5}, 6)])
def test_nothing_is_written_that_a_reader_would_refuse(
    path: Path, seen: dict[str, int], lamport: int
) -> None:
    with closing(JournalWriter.open(path.parent, SUBJECT, author="marie")) as writer:
        with pytest.raises(ValueError, match="cannot be"):
            writer.append_many([entry_of(EDITS[0])], seen=seen, lamport=lamport)
        writer.append_many([entry_of(EDITS[0])], seen={}, lamport=6)
    assert len(read_journal(path).ops) == len(EDITS) + 1


def test_opening_for_writing_makes_no_journal_before_the_first_edit(tmp_path: Path) -> None:
    with closing(JournalWriter.open(tmp_path / "journal", SUBJECT, author="marie")):
        assert sorted(file.name for file in (tmp_path / "journal").iterdir()) == ["marie.lock"]


def test_reading_leaves_nothing_behind(path: Path) -> None:
    before = listing(path.parent)
    read_journal(path)
    verify_journal(path)
    list(dump_journal(path))
    assert listing(path.parent) == before


def test_a_journal_behind_a_link_is_read_whole(path: Path, tmp_path: Path) -> None:
    left = as_left_by_a_kill(path, tmp_path / "left", without="-shm")
    (tmp_path / "linked").mkdir()
    link = tmp_path / "linked" / "marie.sqlite"
    link.symlink_to(left.path)
    assert read_journal(link).ops == left.ops


def test_a_journal_is_wal_and_says_what_it_is(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        pragmas = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "user_version")
        }
        application = connection.execute("PRAGMA application_id").fetchone()[0]
    assert pragmas == {"journal_mode": "wal", "user_version": 1}
    assert application.to_bytes(4, "big") == b"OCSJ"


def test_the_writer_syncs_every_commit(tmp_path: Path) -> None:
    with closing(JournalWriter.open(tmp_path, SUBJECT, author="marie")) as writer:
        writer.append_many([entry_of(EDITS[0])], seen={}, lamport=1)
        connection = writer._connection
        assert connection is not None
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA trusted_schema").fetchone() == (0,)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ops SET payload = x'00' WHERE seq = 2",
        "UPDATE OR IGNORE ops SET tool = 'x'",
        "UPDATE OR REPLACE ops SET seq = 1 WHERE seq = 2",
        "DELETE FROM ops WHERE seq = 5",
        "DELETE FROM ops",
        "REPLACE INTO ops SELECT * FROM ops WHERE seq = 1",
        "INSERT OR REPLACE INTO ops SELECT * FROM ops WHERE seq = 5",
        "INSERT INTO ops SELECT * FROM ops WHERE seq = 5 ON CONFLICT (seq) DO UPDATE SET kind = 'redo'",
        "INSERT INTO ops SELECT seq + 2, gesture, lamport + 2, seen, wall_time, track, kind, tool, scale, "
        "hierarchy_digest, model, payload, previous, sha256 FROM ops WHERE seq = 5",
        "INSERT INTO ops SELECT seq + 1, gesture, lamport + 2, seen, wall_time, track, kind, tool, scale, "
        "hierarchy_digest, model, payload, zeroblob(32), sha256 FROM ops WHERE seq = 5",
        "UPDATE meta SET document = '{}'",
        "DELETE FROM meta",
        "REPLACE INTO meta VALUES (1, '{}')",
        "INSERT INTO meta VALUES (2, '{}')",
    ],
)
def test_triggers_refuse_everything_but_the_next_op(path: Path, statement: str) -> None:
    before = read_journal(path)
    with closing(sqlite3.connect(path)) as connection:
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)
        connection.commit()
    assert read_journal(path) == before


# One writer, any number of readers


def test_a_second_writer_of_an_author_is_refused_while_readers_work(path: Path) -> None:
    with closing(JournalWriter.open(path.parent, SUBJECT, author="marie")) as writer:
        writer.append_many([entry_of(EDITS[0])], seen={}, lamport=99)
        with pytest.raises(JournalError, match=r"marie\.lock: author marie .*another window"):
            JournalWriter.open(path.parent, SUBJECT, author="marie")
        with closing(JournalWriter.open(path.parent, SUBJECT, author="jean")) as other:
            other.append_many([entry_of(EDITS[0])], seen={"marie": 6}, lamport=100)
        assert len(read_journal(path).ops) == len(EDITS) + 1
    JournalWriter.open(path.parent, SUBJECT, author="marie").close()


def test_a_reader_in_the_middle_of_reading_does_not_block_the_writer(path: Path) -> None:
    with closing(JournalWriter.open(path.parent, SUBJECT, author="marie")) as writer:
        writer.append_many([entry_of(EDITS[0])], seen={}, lamport=50)
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as reader:
            cursor = reader.execute("SELECT seq FROM ops")
            assert cursor.fetchone() == (1,)
            writer.append_many([entry_of(EDITS[0])], seen={}, lamport=51)
        assert len(read_journal(path).ops) == len(EDITS) + 2


def test_an_author_that_differs_by_case_only_is_refused(path: Path) -> None:
    with pytest.raises(JournalError, match="an author 'marie' already"):
        JournalWriter.open(path.parent, SUBJECT, author="Marie")


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    with closing(JournalWriter.open(tmp_path, SUBJECT, author="marie")) as writer:
        writer.append_many([entry_of(EDITS[0])], seen={}, lamport=1)
        connection = writer._connection
        assert connection is not None
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        large = Entry(kind="assign", tool="pick", payload=b"{}\n" + os.urandom(100_000))
        with pytest.raises(JournalError, match=r"full.*free space"):
            writer.append_many([large], seen={}, lamport=2)
        connection.execute(f"PRAGMA max_page_count = {pages + 100}")
        (row,) = writer.append_many([entry_of(EDITS[1])], seen={}, lamport=2)
    rows = read_journal(tmp_path / "marie.sqlite").rows
    assert row.seq == 2
    assert rows[-1] == row


def test_a_writer_notices_that_its_file_was_replaced(path: Path) -> None:
    with closing(JournalWriter.open(path.parent, SUBJECT, author="marie")) as writer:
        writer.append_many([entry_of(EDITS[0])], seen={}, lamport=50)
        copy = path.with_name("copy")
        shutil.copyfile(path, copy)
        copy.replace(path)
        with pytest.raises(JournalError, match="moved or replaced"):
            writer.append_many([entry_of(EDITS[0])], seen={}, lamport=51)


def test_a_writer_notices_ops_that_are_not_its_own(path: Path) -> None:
    with closing(JournalWriter.open(path.parent, SUBJECT, author="marie")) as writer:
        with closing(sqlite3.connect(path)) as stranger:
            stranger.execute(
                "INSERT INTO ops SELECT seq + 1, gesture + 1, lamport + 1, seen, wall_time, track, kind, "
                "tool, scale, hierarchy_digest, model, payload, sha256, previous FROM ops WHERE seq = 5"
            )
            stranger.commit()
        with pytest.raises(JournalError, match="ends at op 6, not at op 5"):
            writer.append_many([entry_of(EDITS[0])], seen={}, lamport=50)


# Damage


@contextmanager
def unlocked(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection to a journal whose triggers are away for a while, as a tamperer would."""
    with closing(sqlite3.connect(path)) as connection:
        triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        for _, sql in triggers:
            connection.execute(sql)
        connection.commit()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("gesture", 1),
        ("lamport", 100),
        ("seen", '{"jean":5}'),
        ("seen", '{"jean": 4}'),
        ("seen", "{}"),
        ("seen", '{"jean":4,"marie":1}'),
        ("seen", "[" * 50_000),
        ("wall_time", 1),
        ("wall_time", 2**62),
        ("track", "prelabels"),
        ("track", "elsewhere"),
        ("kind", "redo"),
        ("tool", "brush"),
        ("tool", None),
        ("scale", 12.500000000000002),
        ("scale", None),
        ("hierarchy_digest", "cd" * 32),
        ("hierarchy_digest", None),
        ("model", "resnet"),
        ("payload", b"{}"),
        ("previous", bytes(32)),
        ("sha256", bytes(32)),
    ],
)
def test_a_changed_field_is_found_and_its_op_named(path: Path, column: str, value: object) -> None:
    with unlocked(path) as connection:
        connection.execute(f"UPDATE ops SET {column} = ? WHERE seq = 2", (value,))
    for attempt in (read_journal, lambda p: list(dump_journal(p))):
        with pytest.raises(JournalError, match=rf"{path}: op marie:2 .*tampered.*good copy"):
            attempt(path)
    report = verify_journal(path)
    assert (report.ops, report.head, report.first_bad, report.chain_ok) == (1, "marie:1", "marie:2", False)
    assert not report.ok


def test_every_byte_of_a_payload_is_under_the_hash(path: Path) -> None:
    payload = read_journal(path).ops[0].payload
    for place in range(len(payload)):
        damaged = bytearray(payload)
        damaged[place] ^= 1
        with unlocked(path) as connection:
            connection.execute("UPDATE ops SET payload = ? WHERE seq = 1", (bytes(damaged),))
        with pytest.raises(JournalError, match="op marie:1 "):
            read_journal(path)


@pytest.mark.parametrize("gone", [1, 3])
def test_a_missing_op_is_found(path: Path, gone: int) -> None:
    with unlocked(path) as connection:
        connection.execute("DELETE FROM ops WHERE seq = ?", (gone,))
    assert verify_journal(path).first_bad == f"marie:{gone}"


def test_swapped_ops_are_found(path: Path) -> None:
    with unlocked(path) as connection:
        for old, new in ((1, 50), (2, 1), (50, 2)):
            connection.execute(
                "UPDATE ops SET seq = ?, gesture = ?, lamport = 60 WHERE seq = ?", (new, new, old)
            )
    assert verify_journal(path).first_bad == "marie:1"


@pytest.mark.parametrize("key", ["zone", "grid", "author", "nomenclature", "created", "format"])
def test_changed_meta_is_found(path: Path, key: str) -> None:
    with unlocked(path) as connection:
        document = json.loads(connection.execute("SELECT document FROM meta").fetchone()[0])
        document[key] = document[key] | {"height": 13} if key == "grid" else f"{document[key]}x"
        connection.execute("UPDATE meta SET document = ?", (canonical_bytes(document).decode(),))
    with pytest.raises(JournalError, match=r"meta document is damaged|op marie:1 |journal of mariex"):
        read_journal(path)


def test_every_flipped_byte_of_the_file_is_found_or_harmless(path: Path) -> None:
    content, before = path.read_bytes(), read_journal(path)
    found = 0
    for place in range(0, len(content), 29):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        report = verify_journal(path)
        if report.problem is None:
            assert read_journal(path) == before
        else:
            assert str(path) in report.problem
            found += 1
    assert found > 20


def test_a_file_cut_short_anywhere_is_found(path: Path) -> None:
    content = path.read_bytes()
    for size in range(0, len(content), 512):
        path.write_bytes(content[:size])
        with pytest.raises(JournalError, match=str(path)):
            read_journal(path)
        assert not verify_journal(path).ok


def other_database(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE ops (seq)")


def newer_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE ops ADD COLUMN session TEXT")
        connection.execute("PRAGMA user_version = 2")


def without_a_trigger(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TRIGGER ops_no_update")


def with_a_view_for_a_table(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE ops RENAME TO hidden")
        connection.execute("CREATE VIEW ops AS SELECT * FROM hidden")


def without_meta(path: Path) -> None:
    with unlocked(path) as connection:
        connection.execute("DELETE FROM meta")


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (lambda path: path.write_text("row;col;code\n" * 500), "cannot be read.*not a database"),
        (lambda path: path.write_bytes(b""), "only 0 bytes are left; run workbench journal doctor"),
        (lambda path: path.unlink(), "no such journal"),
        (other_database, "no journal of the workbench"),
        (newer_version, "newer version of the workbench.*format 2.*update"),
        (without_a_trigger, "tables and triggers"),
        (with_a_view_for_a_table, "tables and triggers"),
        (without_meta, "meta document is missing"),
    ],
)
def test_what_is_no_journal_of_this_version_is_refused_with_a_sentence(
    path: Path, harm: Callable[[Path], Any], complaint: str
) -> None:
    harm(path)
    with pytest.raises(JournalError, match=complaint) as refusal:
        read_journal(path)
    assert str(refusal.value).startswith(f"{path}: ")
    assert "\n" not in str(refusal.value)
    assert not verify_journal(path).ok


def test_a_bad_journal_leaves_no_lock_file(path: Path) -> None:
    path.write_text("no journal")
    path.with_suffix(".lock").unlink()
    with pytest.raises(JournalError):
        JournalWriter.open(path.parent, SUBJECT, author="marie")
    assert sorted(file.name for file in path.parent.iterdir()) == ["marie.sqlite"]


def test_a_renamed_journal_is_refused(path: Path) -> None:
    renamed = path.rename(path.with_name("jean.sqlite"))
    with pytest.raises(JournalError, match="journal of marie"):
        read_journal(renamed)


def test_a_file_named_after_no_author_is_named(path: Path) -> None:
    path.rename(path.with_name("marie (copy).sqlite"))
    with pytest.raises(JournalError, match=r"marie \(copy\)\.sqlite.*move it out"):
        read_journals(path.parent, SUBJECT)


def test_a_half_made_journal_of_a_killed_writer_is_passed_over(path: Path) -> None:
    (path.parent / ".jean-0123abcd.sqlite").write_bytes(b"half")
    assert [journal.meta.author for journal in read_journals(path.parent, SUBJECT)] == ["marie"]


@pytest.mark.parametrize(
    ("subject", "complaint"),
    [
        (replace(SUBJECT, zone="D031_2016/Z1_AA"), r"zone D055_2018/Z2_UF .* zone D031_2016/Z1_AA"),
        (replace(SUBJECT, grid=replace(GRID, height=13)), r"12 × 17 .* 13 × 17"),
        (replace(SUBJECT, grid=replace(GRID, crs="EPSG:32631")), "EPSG:2154.*EPSG:32631"),
        (
            replace(SUBJECT, grid=replace(GRID, transform=GRID.transform @ Affine.translation(1, 0))),
            r"831081\.60",
        ),
        (replace(SUBJECT, nomenclature="naf"), "nomenclature flair-19.*naf"),
    ],
)
def test_a_journal_of_another_zone_grid_or_nomenclature_is_refused(
    path: Path, subject: JournalSubject, complaint: str
) -> None:
    before = listing(path.parent)
    with pytest.raises(JournalError, match=complaint):
        read_journals(path.parent, subject)
    with pytest.raises(JournalError, match=complaint):
        JournalWriter.open(path.parent, subject, author="marie")
    assert listing(path.parent) == before


def test_a_grid_that_differs_by_float_noise_is_the_same(path: Path) -> None:
    noisy = Affine(0.2 + 1e-15, 0, 831081.6 + 1e-9, 0, -0.2, 6829179.2)
    (journal,) = read_journals(path.parent, replace(SUBJECT, grid=replace(GRID, transform=noisy)))
    assert len(journal.ops) == len(EDITS)


# Beside a writer that was killed, in a folder that cannot be written to


def as_left_by_a_kill(path: Path, goal: Path, *, without: str = "") -> Journal:
    """Copy a journal whose writer is still alive: what a kill would leave."""
    with closing(JournalWriter.open(path.parent, SUBJECT, author="marie")) as writer:
        for lamport in range(10, 14):
            writer.append_many([entry_of(EDITS[0])], seen={}, lamport=lamport)
        goal.mkdir()
        for file in path.parent.glob("marie.sqlite*"):
            if not (without and file.name.endswith(without)):
                shutil.copyfile(file, goal / file.name)
        left = read_journal(path)
    return replace(left, path=goal / path.name)


@pytest.mark.parametrize("without", ["", "-shm"])
def test_what_a_killed_writer_left_in_the_wal_is_read_and_written_on(
    path: Path, tmp_path: Path, without: str
) -> None:
    left = as_left_by_a_kill(path, tmp_path / "left", without=without)
    before = listing(left.path.parent)
    assert read_journal(left.path) == left
    after = listing(left.path.parent)
    if not without:  # an index that SQLite rebuilds at will
        assert before.pop("marie.sqlite-shm")
        assert after.pop("marie.sqlite-shm")
    assert after == before
    write(left.path.parent, edits=(rectangle(7, 7, 1, 1, 3),))
    assert read_journal(left.path).ops[:-1] == left.ops
    assert sorted(file.name for file in left.path.parent.iterdir()) == ["marie.lock", "marie.sqlite"]


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no mode there")
@pytest.mark.parametrize("without", [None, "", "-shm"])
def test_a_journal_in_a_read_only_folder_is_read_whole(path: Path, without: str | None) -> None:
    with open_folder() as place:
        goal = place / "journal"
        if without is None:
            left = read_journal(shutil.copytree(path.parent, goal) / path.name)
        else:
            left = as_left_by_a_kill(path, goal, without=without)
        before = listing(goal)
        with read_only(goal):
            assert read_journal(left.path) == left
            with pytest.raises(JournalError, match=r"cannot be written to.*right to write"):
                JournalWriter.open(goal, SUBJECT, author="jean")
        assert listing(goal) == before


# The JSON view


def test_the_dump_keeps_its_schema_and_holds_what_the_hashes_need(path: Path) -> None:
    with closing(JournalWriter.open(path.parent, SUBJECT, author="marie")) as writer:
        newer = Entry(
            kind="recode", tool="polygon", payload=join_payload({"from": 3, "to": 2}, b"\x00\n\xff")
        )
        writer.append_many([newer, entry_of(EDITS[1])], seen={}, lamport=20)
    previous = read_journal(path).meta.genesis
    lines = [json.loads(json.dumps(document)) for document in dump_journal(path)]
    assert len(lines) == len(EDITS) + 2
    for document in lines:
        validate(document, "op", source=document["id"])
        assert document["previous"] == previous
        envelope = {name: document[name] for name in HASHED}
        moment = datetime.fromisoformat(document["wall_time"]) - datetime(1970, 1, 1, tzinfo=UTC)
        envelope["wall_time"] = (
            moment.days * 86_400_000_000 + moment.seconds * 1_000_000 + moment.microseconds
        )
        content = canonical_bytes(envelope) + b"\n" + canonical_bytes(document["payload"])
        if document["body"] is not None:
            content += b"\n" + base64.b64decode(document["body"])
        previous = hashlib.sha256(content).hexdigest()
        assert document["sha256"] == previous


def test_a_sound_journal_is_reported_sound(path: Path) -> None:
    report = verify_journal(path)
    assert report.ok
    assert (report.ops, report.head, report.chain_ok, report.integrity) == (5, "marie:5", True, "ok")
    assert report.head_sha256 == read_journal(path).head_sha256
    assert report.first_bad is report.problem is None
    assert report.meta is not None
    assert report.meta.subject == SUBJECT


def test_a_mask_that_was_never_right_is_reported_though_the_chain_holds(path: Path) -> None:
    entry = replace(entry_of(EDITS[0]), payload=join_payload({"code": 3, "window": [5, 5, 2, 2]}, b"junk"))
    with closing(JournalWriter.open(path.parent, SUBJECT, author="marie")) as writer:
        writer.append_many([entry], seen={}, lamport=20)
    report = verify_journal(path)
    assert (report.chain_ok, report.first_bad, report.ok) == (True, "marie:6", False)
    assert "run-length mask is damaged" in (report.problem or "")
