"""A power cut at any instant: what was acknowledged is there, and everything can be read."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from label_cases import open_store
from recorded_disk import Event, disk_after, has_strace, record

from workbench.errors import JournalError
from workbench.labels.reading import verify_journal

WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from label_cases import open_store, rectangle
from workbench.labels import journal
if len(sys.argv) > 3:
    opened = journal._open_to_write
    def careless(path, meta):
        connection = opened(path, meta)
        connection.execute(f"PRAGMA synchronous = {sys.argv[3]}")
        return connection
    journal._open_to_write = careless
for session in range(3):
    with open_store(Path(sys.argv[2]), "marie") as store:
        for turn in range(8):
            if turn % 5 == 4:
                store.undo()
            else:
                store.apply(rectangle(4 + turn % 5, 6, 3, 3, 1 + turn))
            print(store.last_id, flush=True)
"""


def recorded(folder: Path, *options: str) -> list[Event]:
    directory = folder / "zone" / "journal"
    directory.mkdir(parents=True)
    return record(
        WRITER, str(Path(__file__).parent), str(directory), *options, root=folder / "zone", log=folder / "log"
    )


def lost(events: list[Event], count: int, disk: Path, chance: random.Random | None) -> int:
    """Return how many acknowledged edits a power cut after some events costs."""
    disk_after(events, count, disk, chance=chance)
    (disk / "journal").mkdir(parents=True, exist_ok=True)
    said = [event.data.decode() for event in events[:count] if event.kind == "say"]
    path = disk / "journal" / "marie.sqlite"
    if path.exists():
        assert verify_journal(path).ok
    with open_store(disk / "journal", "marie") as store:
        there = {op.id for op in store.ops}
    return len(set(said) - there)


@pytest.mark.skipif(not has_strace(), reason="needs strace")
def test_no_acknowledged_edit_is_lost_to_a_power_cut(tmp_path: Path) -> None:
    events = recorded(tmp_path)
    assert sum(event.kind == "say" for event in events) == 24
    assert sum(event.kind == "sync" for event in events) >= 24
    chance = random.Random(3)
    for count in range(1, len(events) + 1):
        for turn, luck in enumerate((None, chance)):
            assert lost(events, count, tmp_path / f"disk-{count}-{turn}", luck) == 0


@pytest.mark.skipif(not has_strace(), reason="needs strace")
@pytest.mark.parametrize("synchronous", ["OFF", "NORMAL"])
def test_the_recorded_disk_can_find_losses(tmp_path: Path, synchronous: str) -> None:
    """A journal that does not sync each commit loses edits on it: the test above could fail."""
    events = recorded(tmp_path, synchronous)
    worst = 0
    for count in range(1, len(events) + 1):
        try:
            worst = max(worst, lost(events, count, tmp_path / f"disk-{count}", None))
        except (JournalError, AssertionError):
            worst = max(worst, 1)
    assert worst > 0
