"""What can be redone: until something is built on the zone as it is without it, across restarts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from label_cases import open_store, rectangle
from test_refine import refine_edit

from workbench.geo.grid import Window
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import Comment, Look, Protect
from workbench.labels.review import send_back, submit

SAID: dict[str, Callable[[AnnotationStore], object]] = {
    "a comment": lambda store: store.record(Comment(row=6, col=8, text="a pond")),
    "a question": lambda store: store.record(Comment(row=6, col=8, text="a pond?", question=True)),
    "an answer": lambda store: store.record(Comment(row=6, col=8, text="dry", answers="marie:1")),
    "a ruling": lambda store: store.record(
        Comment(row=6, col=8, text="dry", answers="marie:1", ruling="vineyard")
    ),
    "a justification": lambda store: store.record(Comment(row=6, col=8, text="weir", justifies="sliver")),
    "a look": lambda store: store.record(Look(window=Window(row=5, col=6, height=2, width=2))),
    "a verdict": submit,
    "two verdicts": lambda store: (submit(store), send_back(store, "the pond")),
    "a comment that is taken back": lambda store: (
        store.record(Comment(row=6, col=8, text="a pond")),
        store.undo(),
        store.redo(),
    ),
}
BUILT: dict[str, Callable[[AnnotationStore], object]] = {
    "labels": lambda store: store.apply(rectangle(8, 6, 1, 1, 4)),
    "an eraser": lambda store: store.apply(rectangle(5, 6, 1, 1, 0)),
    "protection": lambda store: store.apply(Protect(mask=rectangle(5, 6, 2, 2, 1).mask, on=True)),
    "refined regions": lambda store: store.record(refine_edit()),
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AnnotationStore]:
    """Of two edits, the last of which is undone."""
    with open_store(tmp_path, "marie") as opened:
        opened.record(Comment(row=6, col=8, text="a pond?", question=True))
        opened.apply(rectangle(5, 6, 3, 3, 2))
        opened.apply(rectangle(6, 7, 3, 3, 3))
        opened.undo()
        yield opened


@pytest.mark.parametrize("deed", SAID)
def test_what_is_said_seen_or_judged_leaves_what_can_be_redone(
    store: AnnotationStore, tmp_path: Path, deed: str
) -> None:
    with_both = store.labels.copy()
    with_both[6:9, 7:10] = 3
    SAID[deed](store)
    assert store.redo_steps == 1
    store.close()
    with open_store(tmp_path, "marie") as again:
        assert again.redo_steps == 1
        again.redo()
        assert np.array_equal(again.labels, with_both)


@pytest.mark.parametrize("deed", BUILT)
def test_what_builds_on_the_zone_forgets_what_could_be_redone(store: AnnotationStore, deed: str) -> None:
    BUILT[deed](store)
    assert store.redo_steps == 0


def test_undone_comments_and_edits_are_redone_in_turn(store: AnnotationStore) -> None:
    before = store.labels.copy()
    store.record(Comment(row=6, col=8, text="a weir"))
    store.undo()
    assert store.redo_steps == 2
    store.redo()
    assert [one.text for _, one in store.comments()] == ["a pond?", "a weir"]
    assert np.array_equal(store.labels, before)
    store.redo()
    assert (store.labels[6:9, 7:10] == 3).all()
