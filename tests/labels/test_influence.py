"""What labels say the same as a model had said before, whoever they were taken from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from label_cases import open_store, rectangle

from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import AssignMask
from workbench.labels.influence import influences
from workbench.labels.prelabels import Chosen

EARLY, LATE = "unet@aaaaaaaaaaaa", "unet@bbbbbbbbbbbb"


def propose(folder: Path, edit: AssignMask, *, model: str | None = None, author: str = "model-unet") -> None:
    with open_store(folder, author) as store:
        store.apply(replace(edit, provenance=replace(edit.provenance, tool="prelabel", model=model)))


def accept_all(folder: Path) -> None:
    with open_store(folder, "marie") as marie:
        marie.apply_drawn(marie.prelabels().accepting(Chosen()))


def shares(store: AnnotationStore) -> dict[str, tuple[int, int]]:
    """Return the pixels that each model gave, and those that agree with it."""
    return {name: (int(one.gave.sum()), int(one.agrees.sum())) for name, one in influences(store).items()}


def test_who_takes_over_one_model_had_the_same_from_another_before_their_eyes(tmp_path: Path) -> None:
    propose(tmp_path, rectangle(5, 6, 4, 4, 7), author="model-a")
    propose(tmp_path, rectangle(5, 6, 2, 4, 7), author="model-b")
    propose(tmp_path, rectangle(7, 6, 1, 4, 3), author="model-b")
    accept_all(tmp_path)
    with open_store(tmp_path) as reader:
        assert shares(reader) == {"a": (4, 12), "b": (12, 12)}


def test_an_earlier_model_agrees_although_a_later_one_was_taken_over(tmp_path: Path) -> None:
    for author in ("model-tainted", "model-untainted"):
        propose(tmp_path, rectangle(5, 6, 2, 4, 7), author=author)
    accept_all(tmp_path)
    with open_store(tmp_path) as reader:
        assert shares(reader) == {"tainted": (0, 8), "untainted": (8, 8)}


def test_what_a_later_version_leaves_standing_is_of_both(tmp_path: Path) -> None:
    """Earlier workbenches wrote only the regions in which a version differed from the one before."""
    propose(tmp_path, rectangle(5, 6, 2, 4, 7), model=EARLY)
    propose(tmp_path, rectangle(9, 6, 1, 4, 3), model=LATE)
    accept_all(tmp_path)
    with open_store(tmp_path) as reader:
        assert shares(reader) == {EARLY: (8, 8), LATE: (4, 12)}


def test_what_a_later_version_replaced_is_of_the_earlier_one_where_it_had_been_read(tmp_path: Path) -> None:
    propose(tmp_path, rectangle(5, 6, 2, 4, 7), model=EARLY)
    with open_store(tmp_path, "marie") as marie:
        marie.apply(rectangle(11, 6, 1, 1, 2))
    propose(tmp_path, rectangle(5, 6, 2, 4, 7), model=LATE)
    accept_all(tmp_path)
    with open_store(tmp_path) as reader:
        assert shares(reader) == {EARLY: (0, 8), LATE: (8, 8)}


def test_what_a_model_says_after_a_label_was_given_is_no_reason_for_it(tmp_path: Path) -> None:
    with open_store(tmp_path, "marie") as marie:
        marie.apply(rectangle(5, 6, 2, 4, 7))
    propose(tmp_path, rectangle(5, 6, 2, 4, 7))
    with open_store(tmp_path, "marie") as marie:
        assert influences(marie) == {}
        marie.apply(rectangle(5, 6, 1, 4, 7))  # once more, having read it
        assert shares(marie) == {"unet": (4, 4)}


def test_who_gives_another_class_agrees_with_nobody(tmp_path: Path) -> None:
    propose(tmp_path, rectangle(5, 6, 2, 4, 7))
    with open_store(tmp_path, "marie") as marie:
        marie.apply(rectangle(5, 6, 2, 4, 3))
        (one,) = influences(marie).values()
        assert (dict(one.pixels), np.any(one.gave), np.any(one.agrees)) == ({"corrected": 8}, False, False)
