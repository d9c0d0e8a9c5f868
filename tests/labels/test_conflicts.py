"""Conflicts: every pixel that two people labelled differently without knowing it, and no other."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from operator import or_
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from label_cases import FOOTPRINT, GRID, edits, open_store, rectangle
from numpy.typing import NDArray

from workbench.geo.grid import Window
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import AssignMask, Redo, Undo
from workbench.labels.op import Op
from workbench.labels.payloads import edit_of

AUTHORS = ("anne", "jean", "marie")


def slow_conflicts(ops: Sequence[Op]) -> NDArray[np.bool_]:
    """The definition, pixel by pixel: the last ops of each author that none of the others had seen differ."""
    # What each op's author had seen, as the bits of a number: those ops, and all that their authors had seen.
    ops = sorted(ops, key=lambda op: op.order)
    places, known = {op.id: place for place, op in enumerate(ops)}, list[int]()
    for op in ops:
        before = [f"{author}:{seq}" for author, seq in op.seen.items()]
        before += [f"{op.author}:{op.seq - 1}"] if op.seq > 1 else []
        known.append(reduce(or_, (known[places[one]] | 1 << places[one] for one in before), 0))

    def saw(op: Op, other: Op) -> bool:
        return bool(known[places[op.id]] >> places[other.id] & 1)

    undone: set[str] = set()
    for op in ops:
        edit = edit_of(op)
        if isinstance(edit, Undo):
            undone.add(edit.target)
        if isinstance(edit, Redo):
            undone.discard(edit.target)
    painting: list[list[dict[str, Op]]] = [[{} for _ in range(GRID.width)] for _ in range(GRID.height)]
    for op in ops:
        edit = edit_of(op)
        if isinstance(edit, AssignMask) and op.gesture_id not in undone:
            for row, col in np.argwhere(edit.mask.decode()):
                painting[edit.window.row + row][edit.window.col + col][op.author] = op
    result = np.zeros(GRID.shape, np.bool_)
    for row, col in np.argwhere(FOOTPRINT):
        last = list(painting[row][col].values())
        unseen = [op for op in last if not any(saw(other, op) for other in last if other is not op)]
        codes = {edit.code for op in unseen if isinstance(edit := edit_of(op), AssignMask)}
        result[row, col] = len(codes) > 1
    return result


def mask_of(store: AnnotationStore) -> NDArray[np.bool_]:
    conflicts = store.conflicts()
    mask = conflicts.mask(GRID.whole)
    assert conflicts.pixels == mask.sum() == sum(conflict.pixels for conflict in conflicts.found)
    if len(conflicts.found) == 1:
        rows, cols = np.nonzero(mask)
        nearest = np.argmin(np.abs(rows - np.median(rows)) + np.abs(cols - np.median(cols)))
        assert (conflicts.found[0].row, conflicts.found[0].col) == (rows[nearest], cols[nearest])
    for conflict in conflicts.found:
        assert mask[conflict.row, conflict.col]
        assert len(set(conflict.codes)) > 1
    return mask


Step = tuple[str, str, AssignMask | None]
STEPS = st.tuples(
    st.sampled_from(("edit", "edit", "edit", "undo", "redo", "refresh")), st.sampled_from(AUTHORS), edits()
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=2, max_size=18))
def test_conflicts_are_those_of_the_definition(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as place:
        stores = {author: open_store(Path(place), author) for author in AUTHORS}
        for name, author, edit in steps:
            if name == "edit" and edit is not None:
                stores[author].apply(edit)
            elif name != "edit":
                getattr(stores[author], name)()
            mask_of(stores[author])  # followed from step to step
        for store in stores.values():
            store.refresh()
        masks = [mask_of(store) for store in stores.values()]
        with open_store(Path(place)) as reader:
            masks.append(mask_of(reader))
            assert not reader.settled_labels()[masks[0]].any()
            assert np.array_equal(reader.settled_labels()[~masks[0]], reader.labels[~masks[0]])
            expected = slow_conflicts(reader.ops)
        for store in stores.values():
            store.close()
    assert all(np.array_equal(mask, expected) for mask in masks)


def test_two_who_did_not_know_of_each_other_are_in_conflict_until_somebody_looks(tmp_path: Path) -> None:
    marie, jean = open_store(tmp_path, "marie"), open_store(tmp_path, "jean")
    marie.apply(rectangle(5, 6, 3, 4, 7))
    jean.apply(rectangle(6, 8, 3, 4, 2))
    assert marie.conflicts().found == ()  # she does not know it yet
    assert marie.refresh() == Window(row=6, col=8, height=3, width=4)
    (conflict,) = marie.conflicts().found
    assert conflict.ops == ("jean:1", "marie:1")
    assert conflict.codes == (2, 7)
    assert (conflict.pixels, conflict.window) == (4, Window(row=6, col=8, height=2, width=2))
    marie.apply(rectangle(6, 8, 1, 1, 7))  # she saw both and says it again
    assert sum(conflict.pixels for conflict in marie.conflicts().found) == 3
    marie.undo()
    assert marie.conflicts().found == (conflict,)
    jean.refresh()
    assert jean.conflicts().found == (conflict,)
    jean.undo()
    assert jean.conflicts().found == ()
    for store in (marie, jean):
        store.close()


def test_who_saw_it_at_second_hand_saw_it(tmp_path: Path) -> None:
    with open_store(tmp_path, "anne") as anne:
        anne.apply(rectangle(5, 6, 3, 3, 1))
    with open_store(tmp_path, "jean") as jean:
        jean.apply(rectangle(5, 6, 1, 1, 2))
    with open_store(tmp_path, "marie") as marie:
        marie.apply(rectangle(5, 6, 3, 3, 3))
        assert marie.conflicts().found == ()


def test_the_same_class_twice_is_no_conflict(tmp_path: Path) -> None:
    marie, jean = open_store(tmp_path, "marie"), open_store(tmp_path, "jean")
    marie.apply(rectangle(5, 6, 3, 4, 7))
    jean.apply(rectangle(6, 8, 3, 4, 7))
    marie.refresh()
    assert marie.conflicts().found == ()
    # but who has seen only one of the two and gives another disagrees with the other
    marie.apply(rectangle(6, 8, 1, 1, 3))
    assert marie.conflicts().found == ()
    jean.apply(rectangle(6, 8, 1, 1, 5))
    jean.refresh()
    (conflict,) = jean.conflicts().found
    assert (conflict.ops, conflict.codes, conflict.pixels) == (("jean:2", "marie:2"), (5, 3), 1)
    for store in (marie, jean):
        store.close()


WRITER = """
import random, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from label_cases import open_store, rectangle
directory, author, other, count = Path(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
rng = random.Random(author)
with open_store(directory, author) as store:
    for turn in range(count):
        while turn == 1 and not (directory / f"{other}.sqlite").exists():
            time.sleep(0.01)
        if turn % 9 == 8 and turn < count - 30:
            store.refresh()
        if rng.random() < 0.1 and store.undo_steps:
            store.undo()
        else:
            store.apply(rectangle(rng.randrange(4, 10), rng.randrange(5, 15), 2, 2, rng.randrange(1, 20)))
        print(store.last_own.id, flush=True)
    (directory / f"{author}.done").touch()
    while not (directory / f"{other}.done").exists():
        time.sleep(0.01)
    store.apply(rectangle(5, 6, 1, 1, len(author)))  # neither has seen the other's
    print(store.last_own.id, flush=True)
"""


def test_two_processes_that_label_one_zone_lose_nothing(tmp_path: Path) -> None:
    count = 300
    command = [sys.executable, "-c", WRITER, str(Path(__file__).parent), str(tmp_path)]
    processes = [
        subprocess.Popen([*command, *authors, str(count)], stdout=subprocess.PIPE, text=True)
        for authors in (("jean", "marie"), ("marie", "jean"))
    ]
    said = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    with open_store(tmp_path) as store:
        ops = store.ops
        assert {op_id for own in said for op_id in own} == {op.id for op in ops}
        assert len(ops) == 2 * count + 2
        assert any(op.seen for op in ops)
        found = mask_of(store)
        assert found[5, 6]
        assert np.array_equal(found, slow_conflicts(ops))
    with open_store(tmp_path, "anne") as store:  # who sees everything settles everything
        store.apply(rectangle(4, 5, 8, 12, 3))
        assert store.conflicts().found == ()


@pytest.mark.parametrize("upper", ["woody_vegetation", None])
def test_upper_classes_conflict_like_classes(tmp_path: Path, upper: str | None) -> None:
    with open_store(tmp_path, "marie") as marie, open_store(tmp_path, "jean") as jean:
        marie.apply(replace(rectangle(5, 6, 2, 2, 17), upper="tree_stand"))
        jean.apply(replace(rectangle(5, 6, 2, 2, 17), upper=upper))
        marie.refresh()
        (found,) = marie.conflicts().found
        assert (found.pixels, found.codes) == (4, (17, 17))
        assert set(found.uppers) == {"tree_stand", upper}
        assert not marie.settled_labels().any()
