"""SIGKILL at random instants: what was acknowledged is there, and everything can be read."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from kills import killed
from label_cases import open_store, rectangle

from workbench.errors import JournalError
from workbench.labels.reading import verify_journal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")


def test_no_acknowledged_edit_is_lost_to_a_kill(tmp_path: Path) -> None:
    directory, acknowledged = tmp_path / "journal", 0
    for said in killed("journal", directory, 60, seed=5):
        whole = [line.split() for line in said if line]
        if not (directory / "marie.sqlite").exists():
            assert not whole
            continue
        assert verify_journal(directory / "marie.sqlite").problem is None
        with (
            open_store(directory, snapshots=tmp_path / "snapshots") as store,
            open_store(directory) as replayed,
        ):
            assert store.labels.tobytes() == replayed.labels.tobytes()
            ops = store.ops
            places = {op.id: place for place, op in enumerate(ops)}
            assert {op_id for op_id, _ in whole} <= set(places)
            if whole:
                last_id, labels = whole[-1]
                later = {op.gesture_id for op in ops[places[last_id] + 1 :]}
                assert len(later) <= 1  # at most the gesture that was on its way, and that one whole
                if not later:
                    assert store.labels.tobytes().hex() == labels
        with open_store(directory, "marie") as store:  # the kill left no lock
            assert store.author == "marie"
        acknowledged += len(whole)
    assert acknowledged >= 30


def test_the_kills_can_find_losses(tmp_path: Path) -> None:
    """A file that is changed in place does not survive what the journals survive."""
    import h5py

    for said in killed("hdf5", tmp_path, 200, seed=1, flushed=20):
        path = tmp_path / "labels.h5"
        if not path.exists():
            continue
        try:
            with h5py.File(path, "r") as file:
                file["labels"][()]
                if not {line for line in said if line} <= set(file["edits"]):
                    return
        except (OSError, KeyError, RuntimeError, ValueError):
            return
    pytest.fail("no kill lost anything")


def test_readers_work_and_a_second_writer_is_refused_while_one_writes(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    with open_store(directory, "marie") as store:
        store.apply(rectangle(5, 6, 3, 3, 7))
        with pytest.raises(JournalError, match="another window"):
            open_store(directory, "marie")
        with open_store(directory) as reader:
            assert reader.last_id == "marie:1"
