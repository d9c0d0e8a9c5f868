"""A snapshot is a cache: with it, without it, or with a broken one a store is the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from label_cases import FOOTPRINT, GRID, SUBJECT, edits, open_store, rectangle

from workbench.errors import JournalError
from workbench.labels import snapshot
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import AssignMask
from workbench.labels.lasts import Runs
from workbench.labels.optable import OpTable
from workbench.labels.snapshot import Snapshot, newest_snapshot, snapshot_key, write_snapshot


def seen_in(store: AnnotationStore) -> tuple[Any, ...]:
    """Everything that shows: pixels, who painted them, undo, redo and heads."""
    ops = ["", *(op.id for op in store.ops)]
    return (
        store.labels.tobytes(),
        np.array(ops)[store.last_op].tolist(),
        store.counts(),
        (store.undo_steps, store.redo_steps),
        store.head,
        store.last_id,
        store.label_heads(),
        [op.id for op in store.refinements("marie")],
    )


Step = tuple[str, object]
STEPS = st.one_of(
    st.tuples(st.just("edit"), edits()),
    st.tuples(st.sampled_from(("undo", "redo", "snapshot", "reopen", "jean")), st.none()),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=3, max_size=16), other=edits())
def test_a_store_from_a_snapshot_is_the_store_from_its_journals(
    tmp_path_factory: pytest.TempPathFactory, steps: list[Step], other: AssignMask
) -> None:
    home = tmp_path_factory.mktemp("zone")
    folder, snapshots = home / "journal", home / "snapshots"
    store = open_store(folder, "marie", snapshots=snapshots)
    for name, edit in steps:
        if isinstance(edit, AssignMask):
            store.apply(edit)
        elif name == "jean":
            with open_store(folder, "jean", snapshots=snapshots) as jean:
                jean.apply(other)
        elif name == "reopen":
            store.close()
            store = open_store(folder, "marie", snapshots=snapshots)
            assert store.refresh() is None
        else:
            getattr(store, name)()
    store.refresh()
    store.snapshot()
    store.close()
    with (
        open_store(folder, "marie", snapshots=snapshots) as fast,
        open_store(folder, snapshots=snapshots) as reader,
    ):
        assert reader.labels.tobytes() == fast.labels.tobytes()
        with open_store(folder) as slow:
            assert slow.labels.tobytes() == fast.labels.tobytes()
            assert slow.counts() == fast.counts()
            assert (slow.head, slow.last_id) == (fast.head, fast.last_id)
        while fast.undo():
            pass
        bare = seen_in(fast)
        while fast.redo():
            pass
        full = seen_in(fast)
    shutil.rmtree(snapshots)
    copy = home / "copy"
    shutil.copytree(folder, copy)
    with open_store(copy, "marie") as slow:
        assert slow.labels.tobytes() == full[0]
        assert slow.undo_steps == full[3][0]
        while slow.undo():
            pass
        assert slow.labels.tobytes() == bare[0]


@pytest.fixture
def zone(tmp_path: Path) -> Path:
    """A zone with a snapshot of 9 ops, and 3 ops since."""
    rng = np.random.default_rng(4)

    def stroke() -> AssignMask:
        return rectangle(int(rng.integers(4, 9)), int(rng.integers(5, 13)), 3, 4, int(rng.integers(1, 20)))

    with open_store(tmp_path / "journal", "jean", snapshots=tmp_path / "snapshots") as store:
        for _ in range(4):
            store.apply(stroke())
    with open_store(tmp_path / "journal", "marie", snapshots=tmp_path / "snapshots") as store:
        for _ in range(4):
            store.apply(stroke())
        store.undo()
        store.snapshot()
        for _ in range(3):
            store.apply(stroke())
    return tmp_path


def test_it_is_used(zone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    append = OpTable.append
    monkeypatch.setattr(OpTable, "append", lambda *arguments: taken.append(1) or append(*arguments))
    with open_store(zone / "journal", "marie", snapshots=zone / "snapshots") as fast:
        assert len(taken) == 3
        found = seen_in(fast)
    with open_store(zone / "journal", "marie") as slow:
        assert len(taken) == 3 + 12
        assert seen_in(slow) == found


def test_a_damaged_one_is_passed_over(zone: Path) -> None:
    with open_store(zone / "journal") as store:
        expected = seen_in(store)
    (path,) = (zone / "snapshots").iterdir()
    content = path.read_bytes()
    damages: list[Callable[[int], bytes]] = [
        lambda at: content[:at],
        lambda at: content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :],
        lambda at: content[:at] + bytes(64) + content[at + 64 :],
    ]
    for at in range(0, len(content), 61):
        for damage in damages:
            path.write_bytes(damage(at))
            with open_store(zone / "journal", snapshots=zone / "snapshots") as store:
                assert seen_in(store) == expected


def test_one_of_other_journals_is_passed_over(zone: Path) -> None:
    journal = zone / "journal" / "jean.sqlite"
    journal.unlink()
    with open_store(zone / "journal", "jean-2", snapshots=zone / "snapshots") as store:
        assert store.head == {"marie": 8}
        store.apply(rectangle(5, 6, 2, 2, 9))
        store.apply(rectangle(5, 6, 2, 2, 3))
        assert store.labels[5, 6] == 3
    with (
        open_store(zone / "journal", snapshots=zone / "snapshots") as store,
        open_store(zone / "journal") as slow,
    ):
        assert seen_in(store) == seen_in(slow)


@pytest.mark.parametrize("about", ["footprint", "nomenclature"])
def test_one_of_another_footprint_or_nomenclature_is_passed_over(
    zone: Path, about: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    footprint = FOOTPRINT.copy()
    footprint[9:] = False
    key = snapshot_key(SUBJECT, FOOTPRINT, "labels")
    assert snapshot_key(SUBJECT, footprint, "labels") != key
    assert snapshot_key(SUBJECT, FOOTPRINT, "blind-marie") != key
    with open_store(zone / "journal", footprint=footprint, snapshots=zone / "snapshots") as store:
        assert not store.labels[9:].any()


def wrong(name: str, table: dict[str, np.ndarray], last: np.ndarray) -> None:
    """Change one thing in a snapshot as only somebody who makes one up would."""
    match name:
        case "tiles":
            table["tiles"][0] = 1 << 20
        case "starts":
            table["starts"][3] = 99
        case "boxes":
            table["boxes"][0] = 0, 0, 400, 400
        case "empty box":
            table["boxes"][0] = 5, 5, 5, 5
        case "kind":
            table["kind"][0] = 77
        case "author":
            table["author"][0] = 7
        case "seq":
            table["seq"][0] = 5
        case "gesture":
            table["gesture"][0] = 50
        case "columns":
            table["value"] = table["value"].astype(np.int64)
        case "missing":
            del table["kind"]
        case "length":
            table["boxes"] = table["boxes"][:-1]
        case "last":
            last[5, 6] = 1000
        case "an undo paints":
            last[5, 6] = 9
        case "outside":
            last[0, 0] = 1


def changed(snapshot: Snapshot, name: str) -> Snapshot:
    """Return a snapshot in which one thing is wrong."""
    table, runs = dict(snapshot.table), snapshot.planes["assign"]
    last = np.repeat(*runs).reshape(GRID.shape)
    wrong(name, table, last)
    made_up = Runs(values=last.reshape(-1), lengths=np.ones(last.size, np.uint32))
    return replace(snapshot, table=table, planes={**snapshot.planes, "assign": made_up})


NAMES = ("tiles", "starts", "boxes", "empty box", "kind", "author", "seq", "gesture", "columns", "missing")


@pytest.mark.parametrize("name", [*NAMES, "length", "last", "an undo paints", "outside"])
def test_one_that_somebody_made_up_leads_nowhere(zone: Path, name: str) -> None:
    with open_store(zone / "journal") as store:
        expected, rows = seen_in(store), {author: store._table.rows(author) for author in store.head}
    key = snapshot_key(SUBJECT, FOOTPRINT, "labels")
    found = newest_snapshot(zone / "snapshots", key, rows, GRID.shape)
    assert found is not None
    found = changed(found, name)
    shutil.rmtree(zone / "snapshots")
    write_snapshot(zone / "snapshots", found, key)
    with open_store(zone / "journal", snapshots=zone / "snapshots") as store:
        assert seen_in(store) == expected
    table = OpTable(GRID.shape, "labels")
    if name not in ("last", "an undo paints", "outside"):
        with pytest.raises(JournalError):
            table.restore(found.table, {head.author: rows[head.author][: head.seq] for head in found.heads})


def test_many_edits_leave_one_when_the_zone_is_closed_and_three_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "_MANY", 3)
    snapshots = tmp_path / "snapshots"
    counts = []
    for edit_count in (2, 3, 2, 1, 4, 3, 3):
        with open_store(tmp_path / "journal", "marie", snapshots=snapshots) as store:
            for number in range(edit_count):
                store.apply(rectangle(5, 6, 2, 2, 1 + number))
        counts.append(len(list(snapshots.glob("*"))))
    assert counts == [0, 1, 1, 2, 3, 3, 3]
    assert max(path.name for path in snapshots.iterdir()).startswith("0000000018-")


def test_a_reader_writes_none_and_a_full_disk_is_no_error(
    zone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(snapshot, "_MANY", 1)
    before = sorted(path.name for path in (zone / "snapshots").iterdir())
    open_store(zone / "journal", snapshots=zone / "snapshots").close()
    monkeypatch.setattr(snapshot, "write_snapshot", full)
    with open_store(zone / "journal", "marie", snapshots=zone / "snapshots") as store:
        store.apply(rectangle(5, 6, 2, 2, 3))
    assert sorted(path.name for path in (zone / "snapshots").iterdir()) == before


def test_snapshots_of_a_journal_that_lost_ops_make_room(tmp_path: Path) -> None:
    snapshots = tmp_path / "snapshots"
    for turn in range(3):
        with open_store(tmp_path / "journal", "marie", snapshots=snapshots) as store:
            for _ in range(3):
                store.apply(rectangle(5, 6, 2, 2, 1 + turn))
            store.snapshot()
    (tmp_path / "journal" / "marie.sqlite").unlink()
    with open_store(tmp_path / "journal", "marie", snapshots=snapshots) as store:
        store.apply(rectangle(5, 6, 2, 2, 9))
        store.snapshot()
    names = sorted(path.name for path in snapshots.iterdir())
    assert len(names) == 3
    assert names[0].startswith("0000000001-")
