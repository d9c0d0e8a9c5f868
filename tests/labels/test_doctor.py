"""The doctor: whatever becomes of a journal's bytes, what can be proven goes on."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from label_cases import GRID, SUBJECT, open_store, rectangle
from test_journal import unlocked

from workbench.errors import EditRefused, JournalError
from workbench.geo.grid import Window
from workbench.labels import doctor
from workbench.labels.carving import carved_rows, images
from workbench.labels.doctor import mend_journal
from workbench.labels.edits import Provenance, assign
from workbench.labels.folder import authors_there
from workbench.labels.journal import JournalWriter
from workbench.labels.losses import marks
from workbench.labels.op import Entry
from workbench.labels.reading import read_journal, verify_journal
from workbench.labels.review import accept
from workbench.labels.tables import Row
from workbench.workflows.journals import ZoneTreatment


def filled(directory: Path) -> Path:
    """A journal of every sort of op: small ones, and payloads that run over several pages."""
    rng = np.random.default_rng(2)
    with open_store(directory, "marie") as store:
        for number in range(24):
            row, col = int(rng.integers(4, 9)), int(rng.integers(5, 13))
            provenance = Provenance(
                tool="pick", row=row, col=col, scale=float(number), hierarchy_digest="ab" * 32, model="m1"
            )
            mask = rng.random((3, 4)) < 0.7
            mask[0, 0] = True
            store.apply(
                assign(mask, Window(row=row, col=col, height=3, width=4), 1 + number % 19, provenance)
            )
            if number % 7 == 3:
                store.undo()
    with closing(JournalWriter.open(directory, SUBJECT, author="marie")) as writer:
        for size in (30, 3500, 4000, 4061, 5000, 20_000):
            lamport = writer.found.rows[-1].lamport + size
            noise = [
                Entry(kind="noise", track="blind-marie", tool="brush", payload=b"{}\n" + rng.bytes(size))
                for _ in range(2)
            ]
            writer.append_many(noise, seen={"jean": size}, lamport=lamport)
    return directory / "marie.sqlite"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, tuple[Row, ...]]:
    """The bytes of a sound journal, and its ops."""
    path = filled(tmp_path_factory.mktemp("whole"))
    return path.read_bytes(), read_journal(path).rows


def mended(path: Path, rows: tuple[Row, ...]) -> int:
    """Mend a damaged journal; return how many ops are there, all of them as they were written."""
    treatment = mend_journal(path, SUBJECT)
    found = read_journal(path).rows if path.exists() else ()
    assert found == rows[: len(found)], "no op is made up"
    assert treatment.ops == len(found)
    assert treatment.problem is not None
    assert "\n" not in treatment.problem
    assert "journal doctor" not in treatment.problem
    assert treatment.first_lost == (f"marie:{len(found) + 1}" if treatment.more else None)
    assert treatment.more or found == rows, "what is lost is told"
    assert marks(path.parent)["marie"] == len(found) + 1, "whether more is lost nobody knows"
    assert not list(path.parent.glob("*.mending"))
    assert not list(path.parent.glob("*-wal"))
    assert treatment.quarantine is not None
    again = mend_journal(path, SUBJECT) if path.exists() else None
    assert again is None or again.problem is None
    return len(found)


def pages_of(content: bytes, row: Row) -> set[int]:
    """Return the pages of a file in which an op has bytes, from 0 on."""
    parts = [row.sha256, *(row.payload[at : at + 32] for at in range(0, len(row.payload), 500))]
    return {content.index(part) // 4096 for part in parts if content.count(part) == 1}


def test_a_file_cut_short_anywhere_keeps_what_is_before(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    content, rows = whole
    kept = []
    for size in range(0, len(content), 512):
        folder = tmp_path / str(size)
        folder.mkdir()
        (folder / "marie.sqlite").write_bytes(content[:size])
        assert not verify_journal(folder / "marie.sqlite").ok
        kept.append(mended(folder / "marie.sqlite", rows))
    assert kept[0] == 0
    assert max(kept) >= len(rows) - 2
    assert kept == sorted(kept)


def test_one_flipped_bit_in_any_page_costs_no_op_before_it(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    content, rows = whole
    rng = np.random.default_rng(1)
    kept, harmless = [], 0
    for page in range(len(content) // 4096):
        for attempt in range(3):
            at = page * 4096 + int(rng.integers(0, 4096))
            damaged = bytearray(content)
            damaged[at] ^= 1 << int(rng.integers(0, 8))
            folder = tmp_path / f"{page}-{attempt}"
            folder.mkdir()
            path = folder / "marie.sqlite"
            path.write_bytes(damaged)
            if verify_journal(path).ok:
                assert read_journal(path).rows == rows, "a bit that nothing is made of"
                harmless += 1
                continue
            kept.append(mended(path, rows))
            assert kept[-1] == len(rows) or page in pages_of(content, rows[kept[-1]])
    assert len(kept) > harmless
    assert len(rows) in kept, "a bit of SQLite's own"


def test_the_header_of_the_file_is_not_needed(tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]) -> None:
    content, rows = whole
    path = tmp_path / "marie.sqlite"
    path.write_bytes(bytes(4096) + content[4096:])
    # The first page holds the schema, which is known, and in a small file nothing else.
    assert mended(path, rows) == len(rows)


def left_by_a_kill(directory: Path) -> tuple[Path, tuple[Row, ...]]:
    """A journal whose last ops are in its WAL only."""
    with open_store(directory, "marie") as store:
        for number in range(5):
            store.apply(rectangle(5, 6, 2, 2, 1 + number))
    copy = directory.with_name("left")
    with open_store(directory, "marie") as store:
        for number in range(5):
            store.apply(rectangle(6, 7, 2, 2, 1 + number))
        rows = tuple(store._table.rows("marie"))
        shutil.copytree(directory, copy)
    return copy / "marie.sqlite", rows


def test_a_cut_wal_keeps_what_is_before(tmp_path: Path) -> None:
    path, rows = left_by_a_kill(tmp_path / "journal")
    wal = path.with_name("marie.sqlite-wal").read_bytes()
    counts = set()
    for size in (*range(0, len(wal), 512), len(wal)):
        folder = tmp_path / f"cut-{size}"
        shutil.copytree(path.parent, folder)
        (folder / "marie.sqlite-wal").write_bytes(wal[:size])
        (folder / "marie.sqlite-shm").unlink()
        if verify_journal(folder / path.name).ok:
            found = read_journal(folder / path.name).rows
            assert found == rows[: len(found)]
            counts.add(len(found))
        else:
            counts.add(mended(folder / path.name, rows))
    assert counts == set(range(5, 11))


def test_a_journal_of_which_only_the_wal_is_left_is_noticed(tmp_path: Path) -> None:
    path, _ = left_by_a_kill(tmp_path / "journal")
    path.unlink()
    for author in (None, "marie", "jean"):
        with pytest.raises(JournalError, match=r"marie\.sqlite-wal: marie's journal is .*journal doctor"):
            open_store(path.parent, author)
    mend_journal(path, SUBJECT)  # the meta document was in the file that is gone
    with pytest.raises(JournalError, match="ends before op marie:1"):
        open_store(path.parent, "marie")
    open_store(path.parent, "marie-2").close()
    assert list((path.parent / "quarantine").rglob("marie.sqlite-wal"))


def test_a_good_copy_put_into_quarantine_brings_everything_back(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    content, rows = whole
    path = tmp_path / "marie.sqlite"
    path.write_bytes(content[:20_000])
    assert mended(path, rows) < len(rows)
    backup = tmp_path / "quarantine" / "marie-backup"
    backup.mkdir()
    (backup / "marie.sqlite").write_bytes(content)
    assert mended(path, rows) == len(rows)
    assert mend_journal(path, SUBJECT).problem is None


def forked(folder: Path, whole: tuple[bytes, tuple[Row, ...]]) -> tuple[Path, int]:
    """Have marie go on after her journal was cut short, as earlier versions let her; add the longer copy.

    Returns her journal, and how many of its ops are those of the copy.
    """
    path = folder / "marie.sqlite"
    path.write_bytes(whole[0][:20_000])
    kept = mended(path, whole[1])
    for mark in folder.glob("quarantine/*/lost"):
        mark.unlink()
    with open_store(folder, "marie") as store:
        store.apply(rectangle(5, 6, 1, 1, 5))
    copied(folder, whole[0])
    return path, kept


def copied(folder: Path, content: bytes, name: str = "marie-backup") -> None:
    """Put a copy of marie's journal into quarantine."""
    backup = folder / "quarantine" / name
    backup.mkdir(parents=True)
    (backup / "marie.sqlite").write_bytes(content)


def test_a_copy_that_goes_another_way_than_its_author_went_on_is_left_where_it_is_and_named(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    path, kept = forked(tmp_path, whole)
    before = path.read_bytes()
    treatment = mend_journal(path, SUBJECT)
    assert treatment.problem is None
    assert path.read_bytes() == before
    assert len(read_journal(path).rows) == kept + 1
    (fork,) = treatment.forks
    assert (fork.first, fork.ops) == (f"marie:{kept + 1}", len(whole[1]) - kept)
    assert fork.folder == tmp_path / "quarantine" / "marie-backup"
    shutil.rmtree(fork.folder)
    assert mend_journal(path, SUBJECT).forks == ()


def test_a_damaged_journal_keeps_its_own_way_where_a_copy_goes_another(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    path, kept = forked(tmp_path, whole)
    rows = read_journal(path).rows
    path.write_bytes(bytes(100) + path.read_bytes()[100:])
    treatment = mend_journal(path, SUBJECT)
    assert read_journal(path).rows == rows
    assert [fork.first for fork in treatment.forks] == [f"marie:{kept + 1}"]
    assert (treatment.apart, treatment.first_lost) == (0, None), "what the copy has is told as a fork"
    assert marks(tmp_path) == {"marie": kept + 2}


def test_a_journal_that_was_begun_again_is_a_fork_from_its_first_op_on(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(5, 6, 1, 1, 5))
    copied(tmp_path, whole[0])
    treatment = mend_journal(tmp_path / "marie.sqlite", SUBJECT)
    assert [(fork.first, fork.ops) for fork in treatment.forks] == [("marie:1", len(whole[1]))]
    assert treatment.problem is None


def test_copies_that_agree_are_no_forks(tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]) -> None:
    """Whole, cut short, with a bit of an op's hash or of its payload flipped."""
    content, rows = whole
    (tmp_path / "marie.sqlite").write_bytes(content)
    damaged = {"whole": content, "short": content[:30_000]}
    for name, part in (("hash", rows[9].sha256), ("payload", rows[9].payload)):
        at = content.rindex(part)
        damaged[name] = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    for name, copy in damaged.items():
        copied(tmp_path, copy, name)
    treatment = mend_journal(tmp_path / "marie.sqlite", SUBJECT)
    assert (treatment.problem, treatment.forks, treatment.ops) == (None, (), len(rows))


def killed_at(step: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Have the doctor killed when it does something to a file for the given time; return whether it was."""
    calls = iter(range(1000))

    class Killed(BaseException):
        pass

    def stopping(function):  # type: ignore[no-untyped-def]
        def stepped(*arguments, **options):  # type: ignore[no-untyped-def]
            if next(calls) == step:
                raise Killed
            return function(*arguments, **options)

        return stepped

    with monkeypatch.context() as patched:
        for owner, name in ((os, "fsync"), (Path, "unlink"), (Path, "replace"), (shutil, "copyfile")):
            patched.setattr(owner, name, stopping(getattr(owner, name)))
        try:
            mend_journal(path, SUBJECT)
        except Killed:
            return True
    return False


@pytest.mark.parametrize("step", range(12))
def test_a_doctor_killed_at_any_step_loses_nothing(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]], step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, rows = whole
    path = tmp_path / "marie.sqlite"
    path.write_bytes(bytes(100) + content[100:])
    if killed_at(step, path, monkeypatch):
        for author in (None, "marie"):
            with pytest.raises(JournalError):
                open_store(tmp_path, author)
        mend_journal(path, SUBJECT)
    assert read_journal(path).rows == rows


def test_a_doctor_killed_at_any_step_leaves_no_loss_unknown(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for size in (0, 6144, 20_000):
        step, killed = 0, True
        while killed:
            folder = tmp_path / f"{size}-{step}"
            folder.mkdir()
            path = folder / "marie.sqlite"
            path.write_bytes(whole[0][:size])
            killed = killed_at(step, path, monkeypatch)
            for _ in range(2):
                with pytest.raises(JournalError):
                    open_store(folder, "marie")
                mend_journal(path, SUBJECT)
            with open_store(folder) as store:
                assert store.missing()["marie"] == store.head.get("marie", 0) + 1
            step += 1
        assert step > 12


def test_what_does_not_follow_is_counted_and_kept_apart(tmp_path: Path) -> None:
    path = filled(tmp_path / "journal")
    rows = read_journal(path).rows
    with unlocked(path) as connection:
        connection.execute("UPDATE ops SET payload = x'00' WHERE seq = 10")
    before = path.read_bytes()
    treatment = mend_journal(path, SUBJECT)
    assert treatment.ops == 9
    assert treatment.apart == len(rows) - 9
    assert treatment.quarantine is not None
    assert (treatment.quarantine / "marie.sqlite").read_bytes() == before
    with open_store(path.parent, "marie-2") as store:  # and work goes on
        store.apply(rectangle(5, 6, 2, 2, 3))
        assert store.last_id == "marie-2:1"
        assert store.missing()["marie"] == 10


def test_a_tampered_op_is_not_believed_though_its_record_is_found(tmp_path: Path) -> None:
    path = filled(tmp_path / "journal")
    with unlocked(path) as connection:
        connection.execute("UPDATE ops SET wall_time = wall_time + 1 WHERE seq = 3")
    content = path.read_bytes()
    assert len({row.sha256 for row in carved_rows(*images(content, b"")[0])}) == 39
    assert mend_journal(path, SUBJECT).ops == 2


def test_a_sound_journal_and_one_that_is_in_use_are_left_alone(tmp_path: Path) -> None:
    path = filled(tmp_path / "journal")
    before = path.read_bytes()
    assert mend_journal(path, SUBJECT).problem is None
    assert path.read_bytes() == before
    assert not (path.parent / "quarantine").exists()
    with open_store(path.parent, "marie"):
        path.write_bytes(before[:9000])
        with pytest.raises(JournalError, match="another window"):
            mend_journal(path, SUBJECT)
    assert path.read_bytes() == before[:9000]


def strangers(path: Path) -> Iterator[str]:
    """Make files of a journal's name that are none of the doctor's business, one after the other."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (text)")
        connection.commit()
    yield "no journal of the workbench"
    path.unlink()
    filled(path.parent)
    with unlocked(path) as connection:
        connection.execute("UPDATE meta SET document = replace(document, '_version\":1', '_version\":2')")
        connection.execute("PRAGMA user_version = 2")
    yield "newer version"
    path.unlink()
    filled(path.parent)
    content = path.read_bytes()
    path.write_bytes(content[:9000])
    yield "made for zone"


def test_what_is_none_of_its_business_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    path = tmp_path / "journal" / "marie.sqlite"
    for complaint in strangers(path):
        before = path.read_bytes()
        subject = replace(SUBJECT, zone="D001_2019/Z1_UU") if complaint == "made for zone" else SUBJECT
        with pytest.raises(JournalError, match=complaint):
            mend_journal(path, subject)
        assert path.read_bytes() == before
        assert not (path.parent / "quarantine").exists()


def test_a_full_disk_leaves_the_damaged_journal_where_it_is(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "marie.sqlite"
    path.write_bytes(whole[0][:20_000])

    def full(source: Path, goal: Path) -> None:
        goal.write_bytes(source.read_bytes()[:100])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(doctor.shutil, "copyfile", full)  # type: ignore[attr-defined]
        with pytest.raises(JournalError, match=r"could not be mended \(No space left.*again"):
            mend_journal(path, SUBJECT)
    assert path.read_bytes() == whole[0][:20_000]
    assert mended(path, whole[1]) > 0


def test_the_grid_of_the_cases_is_the_subjects() -> None:
    assert SUBJECT.grid == GRID


def test_a_journal_under_another_name_is_not_taken_apart(tmp_path: Path) -> None:
    path = filled(tmp_path / "journal")
    before = path.read_bytes()
    renamed = path.rename(path.with_name("paul.sqlite"))
    with pytest.raises(JournalError, match=r"journal of marie; name it marie\.sqlite again"):
        mend_journal(renamed, SUBJECT)
    assert renamed.read_bytes() == before
    assert not (path.parent / "quarantine").exists()


def test_a_piece_of_a_journal_is_mended_like_an_empty_one(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    for size in (0, 50, 511):
        folder = tmp_path / str(size)
        folder.mkdir()
        (folder / "marie.sqlite").write_bytes(whole[0][:size])
        assert mended(folder / "marie.sqlite", whole[1]) == 0


def read_by_another(folder: Path) -> bytes:
    """Have jean read two ops of marie's; return her journal as it was after the first."""
    with open_store(folder, "marie") as store:
        store.apply(rectangle(5, 6, 2, 2, 3))
    backup = (folder / "marie.sqlite").read_bytes()
    with open_store(folder, "marie") as store:
        store.apply(rectangle(5, 6, 2, 2, 4))
    with open_store(folder, "jean") as store:
        store.apply(rectangle(5, 6, 1, 1, 5))
    return backup


def test_ops_that_somebody_had_seen_are_missed(tmp_path: Path) -> None:
    backup = read_by_another(tmp_path)
    with open_store(tmp_path) as store:
        assert store.missing() == {}
    (tmp_path / "marie.sqlite").write_bytes(backup)
    with open_store(tmp_path) as store:
        assert store.missing() == {"marie": 2}
    with pytest.raises(
        JournalError, match=r"ends before op marie:2, which may have been there; .* such as marie-2$"
    ):
        open_store(tmp_path, "marie")
    with pytest.raises(JournalError, match="ends before op marie:2"):
        open_store(tmp_path, "marie", blind=True)
    with open_store(tmp_path, "marie-2") as store:
        store.apply(rectangle(5, 6, 1, 1, 5))
        with pytest.raises(EditRefused, match=r"cannot be accepted, edits may be lost: .* op marie:2"):
            accept(store)
    (tmp_path / "marie.sqlite").unlink()
    with open_store(tmp_path) as store:
        assert store.missing() == {"marie": 2}


def test_what_is_in_the_way_is_named_and_nothing_is_left_behind(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    """Room on the disk would not help there."""
    (tmp_path / "marie.sqlite").mkdir()
    with pytest.raises(JournalError, match=r"marie\.sqlite: it is a folder where a journal should be"):
        mend_journal(tmp_path / "marie.sqlite", SUBJECT)
    with pytest.raises(JournalError, match=r"marie\.sqlite: it is a folder where a journal should be"):
        open_store(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["marie.sqlite"]
    (tmp_path / "marie.sqlite").rmdir()
    (tmp_path / "marie.sqlite").write_bytes(whole[0][:9000])
    (tmp_path / "quarantine").write_text("in the way")
    with pytest.raises(JournalError, match="quarantine: damaged files go into a folder of that name"):
        mend_journal(tmp_path / "marie.sqlite", SUBJECT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["marie.sqlite", "quarantine"]
    (tmp_path / "marie (copy).sqlite").write_bytes(whole[0])
    with pytest.raises(JournalError, match=r"marie \(copy\)\.sqlite: it is named after no author"):
        authors_there(tmp_path)


def test_the_doctor_says_what_is_lost_and_only_that(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    content, rows = whole
    path = tmp_path / "marie.sqlite"
    path.write_bytes(bytes(4096) + content[4096:])
    told = ZoneTreatment(zone=SUBJECT.zone, treatments=(mend_journal(path, SUBJECT),), missing={}).text()
    assert f"{len(rows)} ops are there" in told
    assert "whether there were later ones cannot be known" in told
    assert "can be believed" not in told
    assert "run workbench journal doctor" not in told
    path.write_bytes(content[: len(content) // 2])
    shutil.rmtree(tmp_path / "quarantine")
    treatment = mend_journal(path, SUBJECT)
    told = ZoneTreatment(zone=SUBJECT.zone, treatments=(treatment,), missing={}).text()
    assert f"nothing from op marie:{treatment.ops + 1} on can be believed" in told


def test_what_others_had_seen_of_a_mended_journal_is_lost(tmp_path: Path) -> None:
    backup = read_by_another(tmp_path)
    (tmp_path / "marie.sqlite").write_bytes(bytes(100) + backup[100:])
    treatment = mend_journal(tmp_path / "marie.sqlite", SUBJECT)
    assert (treatment.ops, treatment.apart, treatment.first_lost) == (1, 0, "marie:2")


# What is lost, or may be, is known for good


def assert_unknown(folder: Path, ops: int) -> None:
    """Nobody writes on in marie's journal until a person removes each mark."""
    with open_store(folder) as store:
        assert store.missing()["marie"] == ops + 1
    with pytest.raises(JournalError, match=rf"ends before op marie:{ops + 1}, .* remove") as refusal:
        open_store(folder, "marie")
    for mark in folder.glob("quarantine/*/lost"):
        assert str(mark) in str(refusal.value)
        mark.unlink()
    open_store(folder, "marie").close()


FRAME = 24 + 4096
BROKEN_WALS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "its end zeroed": lambda wal, _: wal[: -3 * FRAME] + bytes(3 * FRAME),
    "its end cut off": lambda wal, _: wal[:-FRAME],
    "a byte of its last op": lambda wal, sha256: wal.replace(sha256, bytes([sha256[0] ^ 1]) + sha256[1:]),
}


@pytest.mark.parametrize("harm", BROKEN_WALS)
def test_whatever_became_of_a_wal_its_ids_are_not_given_again(tmp_path: Path, harm: str) -> None:
    path, rows = left_by_a_kill(tmp_path / "journal")
    wal = path.with_name("marie.sqlite-wal")
    wal.write_bytes(BROKEN_WALS[harm](wal.read_bytes(), rows[-1].sha256))
    assert not verify_journal(path).ok
    treatment = mend_journal(path, SUBJECT)
    assert treatment.ops < len(rows)
    mend_journal(path, SUBJECT)
    assert_unknown(path.parent, treatment.ops)


@pytest.mark.parametrize("step", [-4096, -5000])
def test_a_zeroed_end_leaves_a_mark(tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]], step: int) -> None:
    path = tmp_path / "marie.sqlite"
    path.write_bytes(whole[0][:step] + bytes(-step))
    treatment = mend_journal(path, SUBJECT)
    assert treatment.ops < len(whole[1])
    assert_unknown(tmp_path, treatment.ops)


def test_a_copy_older_than_the_damage_is_not_written_on(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    content, rows = whole
    older = tmp_path / "older"
    older.mkdir()
    (older / "marie.sqlite").write_bytes(cut(content, rows, len(rows) - 4))
    ops = mended(older / "marie.sqlite", rows)
    home = tmp_path / "home"
    home.mkdir()
    (home / "marie.sqlite").write_bytes(content[:20_000])
    assert mended(home / "marie.sqlite", rows) < ops
    copied(home, (older / "marie.sqlite").read_bytes())
    mend_journal(home / "marie.sqlite", SUBJECT)
    assert marks(home) == {"marie": ops + 1}
    assert_unknown(home, ops)


def test_a_second_damage_that_costs_more_is_sure_by_the_first_mark(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    content, rows = whole
    path = tmp_path / "marie.sqlite"
    path.write_bytes(bytes(100) + content[100:])
    assert mended(path, rows) == len(rows)
    for copy in tmp_path.glob("quarantine/*/marie.sqlite"):
        copy.unlink()
    path.write_bytes(content[:4096] + bytes(len(content) - 4096))
    treatment = mend_journal(path, SUBJECT)
    assert (treatment.ops, treatment.first_lost) == (0, "marie:1")
    assert marks(tmp_path) == {"marie": len(rows) + 1}


def cut(content: bytes, rows: tuple[Row, ...], before: int) -> bytes:
    """Return a journal without the page in which an op ends, nor any after it."""
    return content[: content.index(rows[before - 1].sha256) // 4096 * 4096]


def test_ids_of_ops_that_the_doctor_lost_are_not_given_again(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    path = tmp_path / "marie.sqlite"
    path.write_bytes(whole[0][:20_000])
    kept = mended(path, whole[1])
    (mark,) = tmp_path.glob("quarantine/*/lost")
    assert mark.read_text() == f"marie:{kept + 1}\n"
    with open_store(tmp_path) as store:
        assert store.missing()["marie"] == kept + 1
    with pytest.raises(JournalError, match=rf"ends before op marie:{kept + 1}, .* such as marie-2"):
        open_store(tmp_path, "marie")
    with open_store(tmp_path, "marie-2") as store:
        store.apply(rectangle(5, 6, 1, 1, 5))
    path.write_bytes(whole[0])  # put back, as the sentence says; is it the newest?
    after = f"marie:{len(whole[1]) + 1}"
    with pytest.raises(
        JournalError, match=rf"before op {after}, .* nothing is missing, remove .*lost$"
    ) as refusal:
        open_store(tmp_path, "marie")
    assert str(mark) in str(refusal.value)
    mark.unlink()
    with open_store(tmp_path, "marie") as store:
        assert "marie" not in store.missing()


@pytest.mark.parametrize("size", [0, 100, 6144])
def test_a_journal_of_which_nothing_is_left_comes_back_from_a_copy(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]], size: int
) -> None:
    content, rows = whole
    path = tmp_path / "marie.sqlite"
    path.write_bytes(content[:size])
    with pytest.raises(JournalError, match="journal doctor"):
        open_store(tmp_path)
    assert mended(path, rows) == 0
    for _ in range(2):
        assert authors_there(tmp_path) == ["marie"]
        again = mend_journal(path, SUBJECT)
        assert (again.mended, again.ops, again.first_lost) == (False, 0, "marie:1")
        assert "nothing in its copies in quarantine can be believed" in str(again.problem)
        assert len(list(tmp_path.glob("quarantine/*"))) == 1
        with pytest.raises(JournalError, match="ends before op marie:1"):
            open_store(tmp_path, "marie")
    copied(tmp_path, content)
    treatment = mend_journal(path, SUBJECT)
    assert (treatment.mended, treatment.ops, treatment.first_lost) == (True, len(rows), None)
    assert treatment.quarantine is None
    assert read_journal(path).rows == rows
    assert_unknown(tmp_path, len(rows))
    assert mend_journal(path, SUBJECT).problem is None


def test_a_copy_that_ends_too_early_is_taken_in_and_a_later_loss_stays_known(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    content, rows = whole
    longer = len(rows) - 4
    path = tmp_path / "marie.sqlite"
    path.write_bytes(content[:20_000])
    kept = mended(path, rows)
    folder = tmp_path / "of-monday"
    folder.mkdir()
    (folder / "marie.sqlite").write_bytes(cut(content, rows, longer))
    older = mended(folder / "marie.sqlite", rows)
    assert kept < older < len(rows)
    copied(tmp_path, (folder / "marie.sqlite").read_bytes())
    treatment = mend_journal(path, SUBJECT)
    assert (treatment.ops, treatment.first_lost) == (older, f"marie:{older + 1}")
    with open_store(tmp_path) as store:
        assert store.missing()["marie"] == older + 1
    copied(tmp_path, content, "marie-backup-2")
    assert (mend_journal(path, SUBJECT).first_lost, len(read_journal(path).rows)) == (None, len(rows))
    assert_unknown(tmp_path, len(rows))


def test_an_op_that_came_back_is_not_lost_because_a_copy_has_it_damaged(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    content, rows = whole
    path = tmp_path / "marie.sqlite"
    at = content.rindex(rows[9].sha256)  # the first is in the op after it
    path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    assert mended(path, rows) == 9
    copied(tmp_path, content)
    treatment = mend_journal(path, SUBJECT)
    assert (treatment.ops, treatment.apart, treatment.first_lost) == (len(rows), 0, None)
    assert_unknown(tmp_path, len(rows))


@pytest.mark.parametrize("content", [b"", b"marie", b"marie:30x\n", b"\xff:1"])
def test_a_mark_that_says_nothing_is_named(tmp_path: Path, content: bytes) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(5, 6, 1, 1, 5))
    mark = tmp_path / "quarantine" / "marie-1" / "lost"
    mark.parent.mkdir(parents=True)
    mark.write_bytes(content)
    with open_store(tmp_path) as store, pytest.raises(JournalError, match=r"lost: it does not say .* remove"):
        store.missing()
    with pytest.raises(JournalError, match=r"lost: it does not say"):
        open_store(tmp_path, "marie")


def test_a_copy_of_another_author_is_not_taken_for_ones_own(
    tmp_path: Path, whole: tuple[bytes, tuple[Row, ...]]
) -> None:
    (tmp_path / "quarantine" / "paul-backup").mkdir(parents=True)
    (tmp_path / "quarantine" / "paul-backup" / "paul.sqlite").write_bytes(whole[0])
    with pytest.raises(
        JournalError, match=r"paul\.sqlite: it is the journal of marie; name it marie\.sqlite"
    ):
        mend_journal(tmp_path / "paul.sqlite", SUBJECT)
    assert not (tmp_path / "paul.sqlite").exists()
