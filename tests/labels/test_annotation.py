"""The store is the fold of its journals, whatever was done, by whom, and across any number of restarts."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from label_cases import (
    FLAIR,
    FOOTPRINT,
    GRID,
    PICK,
    SUBJECT,
    edits,
    open_store,
    rectangle,
    slow_fold,
    slow_guard,
)

from workbench.errors import EditRefused, GridError, JournalError
from workbench.geo.grid import Window
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import (
    ACCEPTED,
    AssignMask,
    Comment,
    Protect,
    Provenance,
    RunLengthMask,
    Undo,
    assign_raster,
)
from workbench.labels.journal import JournalWriter
from workbench.labels.op import Entry, Op, join_payload
from workbench.labels.payloads import edit_of, entry_of
from workbench.labels.prelabels import Chosen
from workbench.labels.reading import read_journals, verify_journal

AUTHORS = ("jean", "marie")
MODEL = "model-unet"
EVERYWHERE = RunLengthMask.encode(np.ones(GRID.shape, np.bool_), GRID.whole)


def confidence_of(op: Op) -> float:
    edit = edit_of(op)
    return edit.confidence or -1 if isinstance(edit, AssignMask) else -1


class Labelling(RuleBasedStateMachine):
    """Two authors at their desks; each sees what the other did when they open the zone again, or refresh."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp()) / "journal"
        self.stores = {author: open_store(self.directory, author) for author in AUTHORS}

    def teardown(self) -> None:
        for store in self.stores.values():
            store.close()
        self.check_what_is_on_the_disk()
        while sum(map(self.undo_everything, AUTHORS)):
            self.open_what_was_accepted()
        with open_store(self.directory) as store:
            assert not store.labels.any()
            assert not store.last_op.any()
            assert not store.protected.any()
            assert not store.comments()
        shutil.rmtree(self.directory.parent)

    def undo_everything(self, author: str) -> int:
        """Return how many gestures are left: undo does not go behind the back of a reviewer."""
        with open_store(self.directory, author) as store:
            with suppress(EditRefused):
                while store.undo():
                    pass
            return store.undo_steps

    def open_what_was_accepted(self) -> None:
        with open_store(self.directory, "paul") as store:
            if (store.protected == ACCEPTED).any():
                store.apply(Protect(mask=EVERYWHERE, on=False, accepted=True))

    def check_what_is_on_the_disk(self) -> None:
        for path in self.directory.glob("*.sqlite"):
            assert verify_journal(path).ok
        with open_store(self.directory) as store:
            lamports = {op.id: op.lamport for op in store.ops}
            for op in store.ops:
                assert all(lamports[f"{author}:{seq}"] < op.lamport for author, seq in op.seen.items())

    @rule(author=st.sampled_from(AUTHORS), edit=edits())
    def edit(self, author: str, edit: AssignMask) -> None:
        store = self.stores[author]
        before, guard = store.labels.copy(), store.protected.copy()
        wanted = np.zeros(GRID.shape, np.bool_)
        wanted[edit.window.slices] = edit.mask.decode()
        if not (wanted & FOOTPRINT & (guard == 0)).any():
            with pytest.raises(EditRefused, match=r"protected by op|accepted by (marie|jean)"):
                store.apply(edit)
            assert np.array_equal(store.labels, before)
            return
        dirty = store.apply(edit)
        assert not store.redo_steps
        assert np.array_equal(store.labels[guard > 0], before[guard > 0])
        assert (store.labels[wanted & FOOTPRINT & (guard == 0)] == edit.code).all()
        assert store.last_id == f"{author}:{store.head[author]}"
        self.check_only_changed_inside(store, before, dirty)

    @rule(author=st.sampled_from(AUTHORS), edit=edits(), on=st.booleans(), accepted=st.booleans())
    def protect(self, author: str, edit: AssignMask, on: bool, accepted: bool) -> None:
        store = self.stores[author]
        before, guard, head = store.labels.copy(), store.protected, store.head
        reach = before > 0 if accepted else guard != ACCEPTED
        if accepted and on:
            reach &= ~store.conflicts().mask(GRID.whole)
        wanted = np.zeros(GRID.shape, np.bool_)
        wanted[edit.window.slices] = edit.mask.decode()
        try:
            store.apply(Protect(mask=edit.mask, on=on, accepted=accepted))
        except EditRefused:
            assert not (wanted & reach & FOOTPRINT).any() or (accepted and not on)
            assert store.head == head
        else:
            assert np.array_equal(store.protected[~wanted], guard[~wanted])
        assert np.array_equal(store.labels, before)

    @rule(edit=edits(), confidence=st.sampled_from((None, 0.2, 0.9)))
    def propose(self, edit: AssignMask, confidence: float | None) -> None:
        with open_store(self.directory) as reader:
            before = reader.labels.copy()
        with open_store(self.directory, MODEL) as model:
            model.apply(replace(edit, confidence=confidence))
        with open_store(self.directory) as reader:
            assert np.array_equal(reader.labels, before)
            assert MODEL not in {head.author for head in reader.label_heads()}
        for store in self.stores.values():
            store.refresh()

    @rule(author=st.sampled_from(AUTHORS), above=st.sampled_from((None, 0.5)), over=st.booleans())
    def accept(self, author: str, above: float | None, over: bool) -> None:
        store = self.stores[author]
        before, guard = store.labels.copy(), store.protected.copy()
        proposed = store.prelabels()
        codes, last = slow_fold(store.ops, FOOTPRINT, track="prelabels")
        assert np.array_equal(proposed.codes, codes)
        sure = np.array(
            [False, *(op.author == MODEL and confidence_of(op) >= (above or -1) for op in store.ops)]
        )
        wanted = sure[last] & (codes > 0) & (guard == 0) & ((before != codes) if over else (before == 0))
        if not wanted.any():
            with pytest.raises(EditRefused):
                store.apply_drawn(proposed.accepting(Chosen(above=above, over=over)))
            assert np.array_equal(store.labels, before)
            return
        steps = store.undo_steps
        store.apply_drawn(proposed.accepting(Chosen(above=above, over=over)))
        assert np.array_equal(store.labels, np.where(wanted, codes, before))
        assert store.undo_steps == steps + 1

    @rule(author=st.sampled_from(AUTHORS), question=st.booleans())
    def comment(self, author: str, question: bool) -> None:
        store = self.stores[author]
        there, redoable = len(store.comments()), store.redo_steps
        op = store.record(Comment(row=5, col=6, text="grass or crop?", question=question))
        assert store.redo_steps == redoable
        assert [found.id for found, _ in store.comments()].count(op.id) == 1
        assert len(store.comments()) == there + 1

    @rule(author=st.sampled_from(AUTHORS), gesture=st.lists(edits(), min_size=1, max_size=4))
    def gesture(self, author: str, gesture: list[AssignMask]) -> None:
        store = self.stores[author]
        if store.protected.any():
            return
        before, seq = store.labels.copy(), store.head.get(author, 0)
        dirty = store.apply_all(gesture)
        assert store.head[author] == seq + len(gesture)
        self.check_only_changed_inside(store, before, dirty)
        after = store.labels.copy()
        store.undo()
        assert np.array_equal(store.labels, before)
        store.redo()
        assert np.array_equal(store.labels, after)

    @rule(author=st.sampled_from(AUTHORS), redo=st.booleans())
    def walk(self, author: str, redo: bool) -> None:
        store = self.stores[author]
        before = store.labels.copy()
        possible, guard = store.redo_steps if redo else store.undo_steps, store.protected.copy()
        try:
            dirty = store.redo() if redo else store.undo()
        except EditRefused as refusal:
            assert "accepted by" in str(refusal)  # noqa: PT017 - which of the steps are refused, others tell
            assert np.array_equal(store.labels, before)
            return
        assert (dirty is not None) == (possible > 0)
        lasting = (guard == ACCEPTED) & (store.protected == ACCEPTED)
        assert np.array_equal(store.labels[lasting], before[lasting])
        if dirty is not None:
            self.check_only_changed_inside(store, before, dirty)

    @rule(author=st.sampled_from(AUTHORS))
    def reopen(self, author: str) -> None:
        old = self.stores[author]
        old.close()
        new = self.stores[author] = open_store(self.directory, author)
        assert ((new.undo_steps > 0), (new.redo_steps > 0)) == (
            bool(old._stack.done),
            bool(old._stack.undone),
        )
        if new.head == old.head:
            assert np.array_equal(new.labels, old.labels)
            assert sorted(new.ops, key=lambda op: op.order) == sorted(old.ops, key=lambda op: op.order)
            ids = [[""] + [op.id for op in store.ops] for store in (new, old)]
            assert np.array_equal(np.array(ids[0])[new.last_op], np.array(ids[1])[old.last_op])

    @rule(author=st.sampled_from(AUTHORS))
    def refresh(self, author: str) -> None:
        store = self.stores[author]
        before, steps = store.labels.copy(), (store.undo_steps, store.redo_steps)
        dirty = store.refresh()
        if dirty is None:
            assert np.array_equal(store.labels, before)
        else:
            self.check_only_changed_inside(store, before, dirty)
        assert (store.undo_steps, store.redo_steps) == steps
        assert store.refresh() is None
        with open_store(self.directory) as reader:
            assert store.head == reader.head
            assert np.array_equal(store.labels, reader.labels)
            assert store.label_heads() == reader.label_heads()

    @invariant()
    def live_state_is_the_fold(self) -> None:
        for store in self.stores.values():
            labels, last_op = slow_fold(store.ops, FOOTPRINT)
            assert np.array_equal(store.labels, labels)
            assert np.array_equal(store.protected, slow_guard(store.ops, FOOTPRINT))
            assert np.array_equal(store.last_op, last_op)
            counts = np.bincount(labels[FOOTPRINT], minlength=256)
            assert store.counts() == {int(code): int(counts[code]) for code in np.flatnonzero(counts)}
            assert store.coverage() == pytest.approx(np.count_nonzero(labels) / np.count_nonzero(FOOTPRINT))

    @staticmethod
    def check_only_changed_inside(
        store: AnnotationStore, before: np.ndarray[Any, Any], dirty: Window
    ) -> None:
        outside = np.ones(GRID.shape, np.bool_)
        outside[dirty.slices] = False
        assert np.array_equal(store.labels[outside], before[outside])


TestLabelling = Labelling.TestCase
TestLabelling.settings = settings(max_examples=30, stateful_step_count=25)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(gestures=st.lists(st.lists(edits(), min_size=1, max_size=3), min_size=1, max_size=8), data=st.data())
def test_undo_everything_gives_the_initial_bytes_and_redo_everything_the_last(
    gestures: list[list[AssignMask]], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as place:
        states = []
        with open_store(Path(place), "marie") as store:
            for gesture in gestures:
                states.append((store.labels.tobytes(), store.counts()))
                store.apply_all(gesture)
            last = store.labels.tobytes()
        with open_store(Path(place), "marie") as store:  # undo goes on after a restart
            for labels, counts in reversed(states):
                assert store.undo() is not None
                assert (store.labels.tobytes(), store.counts()) == (labels, counts)
            assert store.undo() is None
            for _ in range(data.draw(st.integers(0, len(gestures)))):
                assert store.redo() is not None
        with open_store(Path(place), "marie") as store:
            while store.redo():
                pass
            assert store.labels.tobytes() == last


def test_merging_does_not_depend_on_the_order_of_reading(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    authors = ("anne", "Bo", "model-7", "zoe")
    stores = [open_store(tmp_path, author) for author in authors]
    for store in [stores[place] for place in rng.integers(0, 4, 40)]:
        row, col = rng.integers(4, 9), rng.integers(5, 13)
        store.apply(rectangle(row, col, 3, 4, int(rng.integers(1, 20))))
        if rng.random() < 0.3:
            store.undo()
    for store in stores:
        store.close()
    journals = read_journals(tmp_path, SUBJECT)
    results = set()
    for order in itertools.permutations(journals):
        with AnnotationStore(
            tmp_path, SUBJECT, footprint=FOOTPRINT, codes=FLAIR.codes, others=order, writer=None
        ) as store:
            ids = ",".join(op.id for op in store.ops)
            results.add((store.labels.tobytes(), store.last_op.tobytes(), ids))
    assert len(results) == 1


def test_undo_takes_back_ones_own_edit_from_under_anothers(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(5, 6, 3, 3, 7))
    with open_store(tmp_path, "jean") as store:
        assert not store.undo_steps
        assert store.undo() is None
        store.apply(rectangle(6, 6, 3, 3, 2))
    with open_store(tmp_path, "marie") as store:
        store.undo()
        assert store.labels[5, 6] == 0
        assert store.labels[6, 6] == 2
        store.redo()  # at its own place in the order: below jean's
        assert store.labels[5, 6] == 7
        assert store.labels[6, 6] == 2


def test_a_new_edit_forgets_what_could_be_redone(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(5, 6, 3, 3, 7))
        store.apply(rectangle(5, 6, 3, 3, 8))
        store.undo()
        assert store.redo_steps > 0
    with open_store(tmp_path, "marie") as store:  # what can be redone is known after a restart
        assert store.redo_steps > 0
        store.apply(rectangle(5, 6, 3, 3, 9))
        assert not store.redo_steps
        assert store.redo() is None
    with open_store(tmp_path, "marie") as store:
        assert not store.redo_steps
        store.undo()  # the 9, then the 7: the 8 is undone for ever
        store.undo()
        assert store.labels[5, 6] == 0
        assert store.undo() is None


def test_what_an_author_had_read_travels_with_the_edit(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(5, 6, 3, 3, 7))
        store.apply(rectangle(5, 6, 3, 3, 8))
    with open_store(tmp_path, "jean") as store:
        store.apply(rectangle(6, 6, 3, 3, 2))
        op = store.ops[-1]
        assert (op.id, dict(op.seen), op.lamport) == ("jean:1", {"marie": 2}, 3)
        assert store.head == {"marie": 2, "jean": 1}
        assert store.last_id == "jean:1"


def test_each_pixel_names_the_op_that_gave_its_code(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(5, 6, 3, 3, 7))
        store.apply(rectangle(6, 7, 3, 3, 8, replace(PICK, tool="brush", model="resnet34")))
        below, above = store.op_at(5, 6), store.op_at(6, 7)
        assert below is not None
        assert above is not None
        assert (below.id, below.tool, below.scale, below.hierarchy_digest) == (
            "marie:1",
            "pick",
            12.5,
            "ab" * 32,
        )
        assert (above.id, above.tool, above.model) == ("marie:2", "brush", "resnet34")
        assert store.op_at(11, 16) is None
        with pytest.raises(GridError, match="outside zone"):
            store.op_at(12, 0)


def test_erasing_is_an_edit_like_any_other(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(5, 6, 3, 3, 7))
        store.apply(rectangle(5, 6, 3, 3, 0))
        assert not store.labels.any()
        assert store.coverage() == 0
        store.undo()
        assert store.counts() == {0: FOOTPRINT.sum() - 9, 7: 9}


def test_no_pixel_outside_the_footprint_is_ever_painted_or_journalled(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        dirty = store.apply(rectangle(2, 3, 4, 6, 7))
        assert not store.labels[~FOOTPRINT].any()
        assert dirty == Window(row=2, col=3, height=4, width=6)
        dirty = store.apply(rectangle(0, 0, 4, 6, 8))
        assert dirty == Window(row=0, col=5, height=4, width=1)
        with pytest.raises(EditRefused, match="holds no pixel of zone"):
            store.apply(rectangle(0, 0, 4, 5, 7))
        assert len(store.ops) == 2
        # in a gesture what lies outside is left out as long as something is left
        store.apply_all([rectangle(0, 0, 4, 5, 7), rectangle(5, 6, 1, 1, 7)])
        assert len(store.ops) == 3


def test_a_foreign_journal_cannot_paint_outside_the_footprint(tmp_path: Path) -> None:
    writer = JournalWriter.open(tmp_path, SUBJECT, author="marie")
    writer.append_many([entry_of(rectangle(0, 0, 12, 17, 7))], seen={}, lamport=1)
    writer.close()
    with open_store(tmp_path) as store:
        assert np.array_equal(store.labels == 7, FOOTPRINT)


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (rectangle(5, 6, 2, 2, 20), "code 20 is none of nomenclature flair-19; take one of 1, 2, 3"),
        (rectangle(5, 6, 8, 2, 3), "reaches outside zone"),
        (rectangle(5, 16, 1, 2, 3), "reaches outside zone"),
        (rectangle(500, 600, 1, 1, 3), r"pixel \(500, 600\) lies outside zone"),
        (rectangle(0, 0, 4, 5, 3), "no pixel of zone"),
        (
            AssignMask(
                mask=RunLengthMask.encode(
                    np.zeros((2, 2), np.bool_), Window(row=5, col=6, height=2, width=2)
                ),
                code=3,
                provenance=PICK,
            ),
            "no pixel of zone",
        ),
        (rectangle(5, 6, 2, 2, 3, Provenance(tool="Pick!")), "tool 'Pick!'"),
    ],
)
def test_an_edit_that_cannot_be_is_refused_and_writes_nothing(
    tmp_path: Path, edit: AssignMask, complaint: str
) -> None:
    with open_store(tmp_path, "marie") as store:
        with pytest.raises(EditRefused, match=complaint):
            store.apply(edit)
        with pytest.raises(EditRefused, match=complaint if "no pixel" not in complaint else "no pixel"):
            store.apply_all([edit] if "no pixel" in complaint else [rectangle(5, 6, 1, 1, 3), edit])
        with pytest.raises(EditRefused, match="no pixel"):
            store.apply_all([])
        assert store.last_id is None
        assert not store.labels.any()
    assert not list(tmp_path.glob("*.sqlite"))


def test_a_commit_that_fails_changes_nothing_in_memory(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(5, 6, 3, 3, 7))
        before = (store.labels.tobytes(), store.last_op.tobytes(), store.head, store.counts(), store.ops)
        (tmp_path / "marie.sqlite").rename(tmp_path / "elsewhere")
        for change in (lambda: store.apply(rectangle(6, 6, 3, 3, 8)), store.undo):
            with pytest.raises(JournalError, match="moved or replaced"):
                change()
        assert (
            store.labels.tobytes(), store.last_op.tobytes(), store.head, store.counts(), store.ops
        ) == before  # fmt: skip
        assert (store.undo_steps > 0, store.redo_steps) == (True, 0)
        (tmp_path / "elsewhere").rename(tmp_path / "marie.sqlite")
        store.undo()
        assert not store.labels.any()


def test_looking_at_a_zone_makes_no_files(tmp_path: Path) -> None:
    with open_store(tmp_path / "journal") as store:
        assert store.coverage() == 0
        assert store.counts() == {0: FOOTPRINT.sum()}
        with pytest.raises(EditRefused, match="read-only"):
            store.apply(rectangle(5, 6, 3, 3, 7))
        with pytest.raises(EditRefused, match="read-only"):
            store.undo()
    assert not list(tmp_path.iterdir())


def test_a_zone_that_was_opened_to_label_and_left_alone_has_no_journal(tmp_path: Path) -> None:
    open_store(tmp_path, "marie").close()
    assert [file.name for file in tmp_path.iterdir()] == ["marie.lock"]


def test_views_of_the_state_cannot_be_written_to(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        for view in (store.labels, store.last_op, store.footprint):
            with pytest.raises(ValueError, match="read-only"):
                view[0, 0] = 1


def test_the_callers_footprint_is_not_kept_alive(tmp_path: Path) -> None:
    footprint = FOOTPRINT.copy()
    with open_store(tmp_path, "marie", footprint=footprint) as store:
        footprint[:] = True
        assert np.array_equal(store.footprint, FOOTPRINT)


def test_a_store_that_was_closed_refuses_edits_and_gives_the_lock_back(tmp_path: Path) -> None:
    store = open_store(tmp_path, "marie")
    store.apply(rectangle(5, 6, 3, 3, 7))
    with pytest.raises(JournalError, match="another window"):
        open_store(tmp_path, "marie")
    with open_store(tmp_path) as reader:
        assert reader.labels[5, 6] == 7
    store.close()
    store.close()
    assert store.labels[5, 6] == 7
    with pytest.raises(EditRefused, match="was closed"):
        store.undo()
    open_store(tmp_path, "marie").close()


def test_a_footprint_of_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GridError, match=r"\(17, 12\)"):
        open_store(tmp_path, footprint=FOOTPRINT.T)
    with pytest.raises(GridError, match="uint8"):
        open_store(tmp_path, footprint=FOOTPRINT.astype(np.uint8))


# Journals that a store does not follow


def foreign(directory: Path, *gestures: Sequence[Entry]) -> None:
    writer = JournalWriter.open(directory, SUBJECT, author="marie")
    for lamport, entries in enumerate(gestures, start=1):
        writer.append_many(list(entries), seen={}, lamport=10 * lamport)
    writer.close()


PAINT = entry_of(rectangle(5, 6, 3, 3, 7))


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        (
            [Entry(kind="recode", payload=join_payload({"from": 3}))],
            "op marie:2 is of kind 'recode'.*update the workb",
        ),
        ([entry_of(rectangle(5, 6, 3, 3, 20))], "op marie:2 labels with code 20"),
        ([entry_of(rectangle(5, 6, 30, 3, 2))], "op marie:2 paints .*outside"),
        (
            [replace(PAINT, payload=join_payload({"code": 3, "window": [5, 5, 2, 2]}, b"x" * 9))],
            "run-length mask",
        ),
        ([entry_of(Undo(target="marie:7"))], "op marie:2: undo of marie:7"),
        ([entry_of(Undo(target="jean:1"))], "op marie:2: undo of jean:1"),
        ([replace(PAINT, payload=b"{")], "op marie:2: .*JSON"),
    ],
)
def test_an_op_that_cannot_be_followed_is_named_with_its_file(
    tmp_path: Path, entries: list[Entry], complaint: str
) -> None:
    with open_store(tmp_path, "jean") as store:
        store.apply(rectangle(5, 6, 3, 3, 7))
    foreign(tmp_path, [PAINT], entries)
    for author in (None, "marie", "anne"):
        with pytest.raises(JournalError, match=complaint) as refusal:
            open_store(tmp_path, author)
        assert "marie.sqlite" in str(refusal.value)
        assert "\n" not in str(refusal.value)


def test_a_damaged_mask_is_named_though_its_edit_is_undone(tmp_path: Path) -> None:
    broken = replace(PAINT, payload=join_payload({"code": 3, "window": [5, 5, 2, 2]}, b"x" * 9))
    foreign(tmp_path, [PAINT], [broken], [entry_of(Undo(target="marie:2"))])
    with pytest.raises(JournalError, match=r"marie\.sqlite: op marie:2: run-length mask"):
        open_store(tmp_path)


def test_what_a_newer_version_does_on_another_track_does_not_matter(tmp_path: Path) -> None:
    newer = Entry(kind="propose", track="prelabels", model="resnet34", payload=join_payload({"threshold": 3}))
    foreign(
        tmp_path, [PAINT], [newer], [replace(PAINT, track="blind-marie")], [entry_of(Undo(target="marie:1"))]
    )
    with open_store(tmp_path, "marie") as store:
        assert not store.labels.any()
        assert len(store.ops) == 4
        store.redo()
        assert store.labels[5, 6] == 7


def test_a_journal_of_another_zone_stops_the_opening(tmp_path: Path) -> None:
    foreign(tmp_path, [PAINT])
    for author in (None, "marie", "jean"):
        with pytest.raises(
            JournalError, match=r"made for zone D055_2018/Z2_UF .*this is zone D001_2019/Z2_UF"
        ):
            open_store(tmp_path, author, zone_id="D001_2019/Z2_UF")


def test_an_imported_raster_is_one_undo_step(tmp_path: Path) -> None:
    codes = np.random.default_rng(0).integers(0, 20, GRID.shape).astype(np.uint8)
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(5, 6, 3, 3, 7))
        before = store.labels.copy()
        store.apply_all(assign_raster(codes, provenance=Provenance(tool="import"), tile=5))
        assert np.array_equal(store.labels[FOOTPRINT & (codes > 0)], codes[FOOTPRINT & (codes > 0)])
    with open_store(tmp_path, "marie") as store:
        store.undo()
        assert np.array_equal(store.labels, before)


def test_undo_of_edits_far_apart_repaints_each(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(4, 5, 8, 12, 3))
        store.apply_all([rectangle(4, 5, 1, 1, 7), rectangle(11, 16, 1, 1, 8)])
        assert store.undo() == Window(row=4, col=5, height=8, width=12)
        assert (store.labels[4:, 5:] == 3).all()
        assert store.counts()[3] == 96


def test_protected_pixels_are_left_out_of_an_edit_and_named_where_nothing_is_left(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(rectangle(5, 6, 3, 3, 7))
        shield = rectangle(5, 6, 3, 3, 1).mask
        store.apply(Protect(mask=shield, on=True))
        assert store.counts()[7] == 9
        assert store.apply(rectangle(5, 6, 4, 4, 2)) == Window(row=5, col=6, height=4, width=4)
        assert (store.labels[5:8, 6:9] == 7).all()
        assert store.counts()[2] == 7
        with pytest.raises(EditRefused, match="protected by op marie:2; unprotect"):
            store.apply(rectangle(5, 6, 2, 2, 3))
        assert store.label_heads()[0].seq == 3
    with open_store(tmp_path, "jean") as store:  # it holds for everybody, and everybody may lift it
        with pytest.raises(EditRefused, match="protected by op marie:2"):
            store.apply(rectangle(5, 6, 2, 2, 3))
        store.apply(Protect(mask=shield, on=False))
        assert not store.protected.any()
        assert store.label_heads()[0].author == "marie"  # no label changed
        store.apply(rectangle(5, 6, 2, 2, 3))
        store.undo()
        store.undo()
        assert store.protected.sum() == 9


def test_where_authors_are_sure_of_an_upper_class_only(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        store.apply(replace(rectangle(5, 6, 3, 3, 17), upper="woody_vegetation"))
        store.apply(replace(rectangle(9, 6, 1, 2, 0), upper="vegetation"))
        assert store.unresolved() == {"vegetation": 2, "woody_vegetation": 9}
        store.apply(rectangle(5, 6, 3, 2, 7))
        assert store.unresolved() == {"vegetation": 2, "woody_vegetation": 3}
    with open_store(tmp_path) as store:
        assert store.unresolved() == {"vegetation": 2, "woody_vegetation": 3}


def test_questions_are_answered_and_ruled_on(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as store:
        question = store.record(Comment(row=5, col=6, text="crop or grass?", question=True))
        for wrong, complaint in (
            (Comment(row=12, col=6, text="x"), "outside zone"),
            (Comment(row=0, col=0, text="x"), "or of its footprint"),
            (Comment(row=5, col=6, text="x", answers="marie:9"), "no comment marie:9"),
        ):
            with pytest.raises(EditRefused, match=complaint):
                store.record(wrong)
    with open_store(tmp_path, "jean") as store:
        answer = store.record(Comment(row=5, col=6, text="mown: grass", answers=question.id))
        with pytest.raises(EditRefused, match="is no question"):
            store.record(Comment(row=5, col=6, text="so", answers=answer.id, ruling="plowed_land"))
        store.record(Comment(row=5, col=6, text="so", answers=question.id, ruling="herbaceous_vegetation"))
        assert [comment.ruling for _, comment in store.comments()] == [None, None, "herbaceous_vegetation"]
        store.undo()
        assert len(store.comments()) == 2
        assert not store.label_heads()
