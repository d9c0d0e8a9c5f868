"""A clock that goes back, stands still or jumps: order, conflicts, undo, snapshots, effort do not mind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from label_cases import FOOTPRINT, any_edit, open_store, rectangle, slow_fold

from workbench.labels.annotation import AnnotationStore
from workbench.labels.provenance import effort, sources
from workbench.labels.reading import verify_journal
from workbench.labels.review import accept, send_back, zone_state

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
STEPS = {
    "steady": [timedelta(seconds=7)],
    "stands still": [timedelta(0)],
    "goes back": [timedelta(seconds=-7)],
    "back and forth": [timedelta(hours=1), timedelta(hours=-1, seconds=-3), timedelta(seconds=5)],
    "years ahead and back": [timedelta(days=9000), timedelta(days=-9000), timedelta(days=-20_000)],
}


def ticking(steps: list[timedelta]) -> Callable[[], datetime]:
    """A clock that makes these steps, one each time that it is read, inside gestures too."""

    def times() -> Iterator[datetime]:
        now = NOON
        while True:
            for step in steps:
                yield now
                if datetime(1, 1, 3, tzinfo=UTC) < now + step < datetime(9999, 12, 1, tzinfo=UTC):
                    now += step

    clock = times()
    return lambda: next(clock)


def labelled(folder: Path, steps: list[timedelta]) -> AnnotationStore:
    """Two authors at a time, by clocks of their own; marie's store stays open."""
    jean = open_store(folder / "journal", "jean", clock=ticking(steps[::-1]))
    marie = open_store(folder / "journal", "marie", clock=ticking(steps))
    for turn in range(14):
        any_edit(marie, turn)
        jean.apply(rectangle(4 + turn % 4, 7, 3, 3, 1 + turn))
        if turn % 5 == 4:
            marie.refresh()
            jean.refresh()
    jean.close()
    marie.refresh()
    return marie


@pytest.mark.parametrize("name", [name for name in STEPS if name != "steady"])
def test_no_label_depends_on_a_clock(tmp_path: Path, name: str) -> None:
    with (
        labelled(tmp_path / "true", STEPS["steady"]) as true,
        labelled(tmp_path / "wrong", STEPS[name]) as store,
    ):
        assert {op.wall_time for op in store.ops} != {op.wall_time for op in true.ops}
        assert store.labels.tobytes() == true.labels.tobytes()
        assert np.array_equal(store.labels, slow_fold(store.ops, FOOTPRINT)[0])
        assert store.conflicts().found == true.conflicts().found
        assert true.conflicts().found
        assert (store.undo_steps, store.redo_steps) == (true.undo_steps, true.redo_steps)
        for step in ("undo", "undo", "redo"):
            getattr(store, step)()
            getattr(true, step)()
            assert store.labels.tobytes() == true.labels.tobytes()
        total, classes = effort(store.ops, sources(store)[1])
        assert total.minutes >= 0
        assert all(one.minutes >= 0 for one in classes.values())
    for path in (tmp_path / "wrong" / "journal").glob("*.sqlite"):
        assert verify_journal(path).ok


def test_a_verdict_before_the_labels_it_judged_holds(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie", clock=ticking([timedelta(days=-1)])) as store:
        store.apply(rectangle(5, 6, 2, 2, 3))
        accept(store)
        assert zone_state(store).state == "accepted"
        send_back(store, "the crop is grass")
        store.apply(rectangle(5, 6, 2, 2, 4))
        assert zone_state(store).state == "sent_back"


def test_a_snapshot_written_after_the_clock_went_back_is_the_newest(tmp_path: Path) -> None:
    journal, snapshots = tmp_path / "journal", tmp_path / "snapshots"
    with open_store(journal, "marie", snapshots=snapshots) as store:
        for turn in range(3):
            store.apply(rectangle(5, 6, 2, 2, 3 + turn))
            store.snapshot()
    for days, path in enumerate(sorted(snapshots.iterdir())):
        os.utime(path, (NOON.timestamp() + 86_400 * (9000 - days),) * 2)
    with open_store(journal, "marie", snapshots=snapshots) as store:
        for turn in range(3):
            store.apply(rectangle(5, 6, 2, 2, 7 + turn))
            store.snapshot()
            last = max(snapshots.iterdir(), key=lambda path: path.stat().st_mtime_ns)
            assert int(last.name[:10]) == 4 + turn
            assert len(list(snapshots.iterdir())) == 3
        labels = store.labels.tobytes()
    assert sorted(int(path.name[:10]) for path in snapshots.iterdir()) == [4, 5, 6]
    with open_store(journal, snapshots=snapshots) as reader:
        assert reader.labels.tobytes() == labels
