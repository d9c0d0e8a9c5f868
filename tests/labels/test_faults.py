"""A disk that fails, or is full: edits are refused in one sentence, and no acknowledged one is lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import CALLS, Outcome, counted, failing, lost, run, traced
from forks import Forker
from label_cases import any_edit, open_store
from recorded_disk import RECORDING, disk_after, events_of, has_strace

from workbench.errors import JournalError
from workbench.labels import reading

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="children are forked")
needs_strace = pytest.mark.skipif(not has_strace(), reason="needs strace")


@pytest.fixture(scope="module")
def forker() -> Iterator[Forker]:
    with Forker("faults:session") as started:
        yield started


def check_told(directory: Path, outcome: Outcome) -> None:
    """Nothing that was acknowledged is lost, and a refusal is one sentence."""
    assert outcome.status == 0
    assert lost(directory, outcome) == 0
    for sentence in outcome.refusals:
        assert "\n" not in sentence
        assert "look at the disk's free space and health" in sentence or "cannot be written to" in sentence


def check(directory: Path, outcome: Outcome) -> None:
    """Besides that, what was on the screen is in the store, and nothing half written lies about."""
    check_told(directory, outcome)
    with open_store(directory) as store:
        assert outcome.said
        assert store.labels.tobytes().hex() == outcome.said[-1]["labels"]
    assert not [path.name for path in directory.iterdir() if path.name[0] == "."]


@needs_strace
def test_whatever_call_fails_no_acknowledged_edit_is_lost(forker: Forker, tmp_path: Path) -> None:
    clean = traced(forker, tmp_path / "clean" / "journal", tmp_path / "log", "-e", f"trace={','.join(CALLS)}")
    check(tmp_path / "clean" / "journal", clean)
    assert not clean.refusals
    refused = 0
    for call, count in counted(clean.log).items():
        assert count
        for number in range(1, count + 1, 1 + count // 6):
            directory = tmp_path / f"{call}-{number}" / "journal"
            outcome = traced(forker, directory, tmp_path / "log", *failing(call, number))
            assert outcome.injected
            check(directory, outcome)
            assert len(outcome.acknowledged) >= len(clean.acknowledged) - 1, "the session went on"
            refused += len(outcome.refusals)
    assert refused >= 12


@needs_strace
@pytest.mark.parametrize(("call", "error"), [("fdatasync", "EIO"), ("pwrite64", "ENOSPC"), ("fsync", "EIO")])
def test_a_disk_that_fails_for_good_refuses_every_edit(
    forker: Forker, tmp_path: Path, call: str, error: str
) -> None:
    directory = tmp_path / "journal"
    outcome = traced(forker, directory, tmp_path / "log", *failing(call, 4, error, ever=True))
    check_told(directory, outcome)
    assert outcome.refusals or call == "fsync"
    last = int(outcome.acknowledged[-1].split(":")[1]) if outcome.acknowledged else 0
    with open_store(
        directory
    ) as store:  # of what was refused, the last may be there: it could not be taken back
        assert len({op.gesture for op in store.ops if op.seq > last}) <= 1


@needs_strace
def test_a_refused_edit_does_not_come_back_after_a_kill(forker: Forker, tmp_path: Path) -> None:
    """Its pages are in the WAL when their sync fails, and SQLite would believe them."""
    refused = 0
    for number in (1, 3, 5, 8):
        directory = tmp_path / str(number) / "journal"
        fault = failing("fdatasync", number)
        outcome = traced(forker, directory, tmp_path / "log", *fault, deadly=True)
        assert lost(directory, outcome) == 0
        if outcome.refusals:
            shown = next(one["labels"] for one in outcome.said if "refused" in one)
            with open_store(directory) as store:
                assert store.labels.tobytes().hex() == shown or "op" in outcome.said[-1]
        refused += len(outcome.refusals)
    assert refused >= 3


@needs_strace
def test_what_a_failed_sync_lost_is_never_acknowledged(forker: Forker, tmp_path: Path) -> None:
    """After a sync that failed the kernel forgets what was to be written, and the next sync succeeds."""
    failed = 0
    for call, numbers in (("fsync", range(1, 4)), ("fdatasync", range(1, 10, 2))):
        for number in numbers:
            root = tmp_path / f"{call}-{number}"
            directory, disk = root / "journal", root / "disk"
            fault = ("-e", f"inject={call}:error=EIO:when={number}")
            outcome = traced(forker, directory, tmp_path / "log", *RECORDING, *fault)
            events = events_of(outcome.log, root)
            failed += sum(event.kind == "failed sync" for event in events)
            for count in (place + 1 for place, event in enumerate(events) if event.kind == "say"):
                disk_after(events, count, disk)
                said = [json.loads(event.data[1:-1]) for event in events[:count] if event.kind == "say"]
                (disk / "journal").mkdir(parents=True, exist_ok=True)
                assert lost(disk / "journal", Outcome(said=said, status=0)) == 0
                shutil.rmtree(disk)
    assert failed >= 5


def test_what_a_kill_left_is_read_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite would let the -shm grow, and where it cannot it calls that an I/O error."""
    with open_store(tmp_path / "journal", "marie") as store:
        any_edit(store, 0)
        labels = store.labels.tobytes()
        shutil.copytree(tmp_path / "journal", tmp_path / "left")
    real = reading.connect

    def full(path: Path, query: str) -> sqlite3.Connection:
        if query == "mode=ro":
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
            raise error
        return real(path, query)

    monkeypatch.setattr(reading, "connect", full)
    with open_store(tmp_path / "left") as store:
        assert store.labels.tobytes() == labels

    def nothing(source: Path, goal: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", nothing)
    with pytest.raises(JournalError, match=r"marie\.sqlite: it cannot be read \(No space left .* room in"):
        open_store(tmp_path / "left")


@pytest.mark.parametrize("limit", [0, 4_000, 16_384, 20_000, 33_000, 60_000, 100_001])
def test_on_a_full_disk_the_session_goes_on_when_room_is_made(
    forker: Forker, tmp_path: Path, limit: int
) -> None:
    directory = tmp_path / "journal"
    outcome = run(forker, directory, turns=40, limit=limit)
    check(directory, outcome)
    assert len(outcome.refusals) == (1 if limit else 0)
    assert len(outcome.acknowledged) == 40 - len(outcome.refusals)
