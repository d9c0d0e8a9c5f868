"""In a zone of several tiles, regions that hold tiles whole are painted, undone and stored like any other."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from label_cases import FLAIR, PICK, ZONE, counting, open_store, slow_fold
from numpy.typing import NDArray

from workbench.errors import EditRefused
from workbench.geo.grid import PixelGrid, Window
from workbench.geo.spans import spans_of_mask
from workbench.labels.annotation import AnnotationStore
from workbench.labels.conflicts import ConflictFinder
from workbench.labels.edits import AssignMask, Protect, assign, assign_spans
from workbench.labels.lasts import Picture
from workbench.labels.meta import JournalSubject
from workbench.labels.payloads import edit_of
from workbench.labels.snapshot import PendingSnapshot, newest_snapshot, snapshot_key

GRID = PixelGrid(
    crs="EPSG:2154", transform=Affine(0.2, 0, 831081.6, 0, -0.2, 6829179.2), height=150, width=201
)
FOOTPRINT = np.ones(GRID.shape, np.bool_)
FOOTPRINT[:70, 130:140] = False
UPPERS = ("herbaceous_and_arable", "woody")
SUBJECT = JournalSubject(zone=ZONE, grid=GRID, nomenclature=FLAIR.name)


def opened(home: Path, author: str | None = None, *, snapshots: bool = True) -> AnnotationStore:
    folder = home / "snapshots" if snapshots else None
    return open_store(home / "journal", author, grid=GRID, footprint=FOOTPRINT, snapshots=folder)


@st.composite
def regions(draw: st.DrawFn) -> AssignMask:
    """The whole zone, some of its tiles, or a ragged part of it."""
    seed, kind = draw(st.integers(0, 999)), draw(st.sampled_from(("zone", "tiles", "part", "ragged")))
    rng = np.random.default_rng(seed)
    window, mask = GRID.whole, np.ones(GRID.shape, np.bool_)
    if kind == "tiles":
        mask[:] = (rng.random((3, 4)) < 0.5).repeat(64, axis=0).repeat(64, axis=1)[:150, :201]
        mask[64, 64:128] = True
    elif kind != "zone":
        row, col = int(rng.integers(0, 100)), int(rng.integers(0, 150))
        window = Window(row=row, col=col, height=int(rng.integers(1, 151 - row)), width=int(201 - col))
        mask = rng.random(window.shape) < (1.0 if kind == "part" else 0.5)
        mask[-1, -1] = True
    return assign(mask, window, draw(st.sampled_from((0, 1, 2, 3))), PICK)


def state(
    store: AnnotationStore,
) -> tuple[NDArray[np.str_], NDArray[np.uint8], dict[int, int], tuple[int, ...]]:
    """Who painted each pixel what, how much of it, and what can be undone."""
    ids = np.array(["", *(op.id for op in store.ops)])
    return ids[store.last_op], store.labels.copy(), store.counts(), (store.undo_steps, store.redo_steps)


def check_same(one: AnnotationStore, other: AnnotationStore) -> None:
    for mine, theirs in zip(state(one)[:3], state(other)[:3], strict=True):
        assert np.array_equal(mine, theirs)


def check(store: AnnotationStore) -> None:
    """What shows is the fold of the ops."""
    labels, last = slow_fold(store.ops, FOOTPRINT)
    assert np.array_equal(store.labels, labels)
    assert np.array_equal(store.last_op, last)
    counted = np.bincount(labels[FOOTPRINT], minlength=1)
    assert store.counts() == {code: count for code, count in enumerate(counted.tolist()) if count}
    check_guard_and_uppers(store, last)
    anew = ConflictFinder(store._table, store._fold.canvas.ground, "assign").conflicts()
    assert store.conflicts().found == anew.found
    assert np.array_equal(store.conflicts().mask(GRID.whole), anew.mask(GRID.whole))


def check_guard_and_uppers(store: AnnotationStore, last: NDArray[np.uint32]) -> None:
    """What is protected is what the last protection says, and upper classes are those of the last ops."""
    guarded = np.zeros(GRID.shape, np.bool_)
    for _, edit in counting(store.ops):
        if isinstance(edit, Protect):
            guarded[edit.window.slices][edit.mask.decode()] = edit.on
    assert np.array_equal(store.protected, guarded & FOOTPRINT)
    part = Window(row=60, col=10, height=50, width=130)
    assert np.array_equal(store.protected_in(part), (guarded & FOOTPRINT)[part.slices])
    named = np.array(["", *(getattr(edit_of(op), "upper", None) or "" for op in store.ops)])[last]
    numbers, keys = store.uppers()
    assert np.array_equal(np.array(["", *keys])[numbers], named)
    assert store.unresolved() == {key: int((named == key).sum()) for key in sorted(keys)}


STEPS = st.one_of(
    st.tuples(st.sampled_from(("edit", "edit", "jean", "protect", "unsure")), regions()),
    st.tuples(st.sampled_from(("undo", "undo", "redo", "refresh", "jean undoes", "reopen")), st.none()),
)


def whole(code: int) -> AssignMask:
    return assign(np.ones(GRID.shape, np.bool_), GRID.whole, code, PICK)


RAGGED = assign(np.random.default_rng(1).random(GRID.shape) < 0.5, GRID.whole, 1, PICK)
LATE = [("edit", RAGGED), ("edit", whole(2)), ("jean", whole(3)), ("undo", None), ("refresh", None)]
"""What comes late and stands beneath, after the op above all others was undone."""


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@example(steps=LATE)
@given(steps=st.lists(STEPS, min_size=4, max_size=14))
def test_a_large_zone_shows_the_fold_of_its_ops(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, AssignMask | None]]
) -> None:
    home = tmp_path_factory.mktemp("zone")
    marie, jean = opened(home, "marie"), opened(home, "jean", snapshots=False)
    try:
        for name, edit in steps:
            try:
                match name, edit:
                    case "edit", AssignMask():
                        marie.apply(edit)
                    case "unsure", AssignMask():
                        marie.apply(replace(edit, code=0, upper=UPPERS[edit.code % 2]))
                    case "protect", AssignMask():
                        marie.apply(Protect(mask=edit.mask, on=edit.code > 1))
                    case "jean", AssignMask():
                        jean.apply(edit)
                    case "jean undoes", _:
                        jean.undo()
                    case "reopen", _:
                        marie.snapshot()
                        marie.close()
                        marie = opened(home, "marie")
                    case _:
                        getattr(marie, name)()
            except EditRefused:  # all of it was protected
                assert marie.protected.any()
            check(marie)
            check(jean)
        marie.refresh()
        jean.refresh()
        check(marie)
        check_same(marie, jean)
        with opened(home, snapshots=False) as slow:
            check_same(marie, slow)
    finally:
        marie.close()
        jean.close()


def check_written(home: Path, pending: PendingSnapshot, seen: NDArray[np.uint32]) -> None:
    """The newest snapshot is of so many ops, and of the pixels that were seen."""
    with opened(home, snapshots=False) as store:
        rows = {author: store._table.rows(author) for author in store.head}
    found = newest_snapshot(home / "snapshots", snapshot_key(SUBJECT, FOOTPRINT, "labels"), rows, GRID.shape)
    assert found is not None
    assert sum(head.seq for head in found.heads) == pending.ops
    assert np.array_equal(np.repeat(*found.planes["assign"]).reshape(GRID.shape), seen)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(before=st.lists(regions(), min_size=1, max_size=5), after=st.lists(STEPS, max_size=9), data=st.data())
def test_a_snapshot_is_of_the_moment_it_was_begun_whatever_happens_while_it_is_written(
    tmp_path_factory: pytest.TempPathFactory,
    before: list[AssignMask],
    after: list[tuple[str, AssignMask | None]],
    data: st.DataObject,
) -> None:
    home, pixels = tmp_path_factory.mktemp("zone"), Picture._pixels
    rest = [step for step in after if step[0] in ("edit", "undo", "redo")]
    with opened(home, "marie") as store, pytest.MonkeyPatch.context() as patch:
        for edit in before:
            store.apply(edit)

        def change() -> None:
            """Make some of the steps that are left."""
            for _ in range(data.draw(st.integers(0, 2))):
                if rest:
                    name, edit = rest.pop()
                    if edit is None:
                        getattr(store, name)()
                    else:
                        store.apply(edit)

        def changed_before(picture: Picture, row: int) -> NDArray[np.uint32]:
            change()
            return pixels(picture, row)

        patch.setattr(Picture, "_pixels", changed_before)
        pending, seen = store.begin_snapshot(), store.last_op
        assert pending is not None
        change()
        assert pending.write()
        check_written(home, pending, seen)
        check(store)
    with opened(home, "marie") as fast, opened(home, snapshots=False) as slow:
        check_same(fast, slow)


def test_a_snapshot_is_written_by_another_thread_while_edits_go_on(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)

    def region() -> AssignMask:
        return assign(rng.random(GRID.shape) < 0.5, GRID.whole, int(rng.integers(1, 9)), PICK)

    with opened(tmp_path, "marie") as store:
        for _ in range(5):
            store.apply(region())
        for _ in range(5):
            pending, seen = store.begin_snapshot(), store.last_op
            assert pending is not None
            writer = threading.Thread(target=pending.write)
            writer.start()
            while writer.is_alive():
                store.apply(region())
                store.undo()
            store.apply(region())
            assert pending.write()
            check_written(tmp_path, pending, seen)


def test_closing_waits_for_a_snapshot_that_is_being_written_and_writes_no_second_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.labels.snapshot._MANY", 2)
    going, pixels = threading.Event(), Picture._pixels
    read_by = []

    def slow(picture: Picture, row: int) -> NDArray[np.uint32]:
        read_by.append(threading.current_thread().name)
        assert going.wait(60)
        return pixels(picture, row)

    monkeypatch.setattr(Picture, "_pixels", slow)
    store = opened(tmp_path, "marie")
    for code in (1, 2, 3):
        store.apply(whole(code))
    pending = store.begin_snapshot()
    assert pending is not None
    writer = threading.Thread(target=pending.write, name="writer")
    writer.start()
    while not read_by:
        pass
    threading.Timer(0.2, going.set).start()
    store.close()
    assert set(read_by) == {"writer"}
    writer.join()
    assert len(list((tmp_path / "snapshots").iterdir())) == 1
    with opened(tmp_path, "marie") as again:
        assert again.counts() == {3: int(FOOTPRINT.sum())}


def test_a_store_without_a_folder_begins_no_snapshot(tmp_path: Path) -> None:
    with opened(tmp_path, "marie", snapshots=False) as store:
        assert store.begin_snapshot() is None


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(edit=regions(), asked=regions())
def test_spans_label_what_a_mask_labels_and_tell_what_shows(
    tmp_path_factory: pytest.TempPathFactory, edit: AssignMask, asked: AssignMask
) -> None:
    spans = spans_of_mask(edit.mask.decode(), edit.window)
    assert assign_spans(spans, code=edit.code, provenance=edit.provenance) == edit
    there = asked.mask.decode() & FOOTPRINT[asked.window.slices]
    with opened(tmp_path_factory.mktemp("zone"), "marie", snapshots=False) as store:
        store.apply(edit)
        for code in (0, edit.code, 9):
            expected = bool((store.labels[asked.window.slices][there] == code).all())
            assert store.shows_only(spans_of_mask(there, asked.window), code) == expected
