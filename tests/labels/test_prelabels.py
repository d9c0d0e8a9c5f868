"""Pre-labels: replayed once and anywhere, accepted without being read and cut again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_cases import FOOTPRINT, edits, open_store, rectangle

from workbench.errors import EditRefused
from workbench.geo.grid import Window
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import AssignMask, Protect
from workbench.labels.prelabels import Chosen
from workbench.labels.proposed import Group

UNET, TREE = "model-unet", "model-tree"


def propose(directory: Path, model: str, *proposals: AssignMask) -> None:
    with open_store(directory, model) as store:
        store.apply_all(proposals)


def sure(edit: AssignMask, confidence: float | None) -> AssignMask:
    return replace(edit, confidence=confidence)


def test_what_another_thread_replayed_is_what_the_store_replays(tmp_path: Path) -> None:
    propose(tmp_path, UNET, sure(rectangle(5, 6, 4, 4, 7), 0.9), sure(rectangle(6, 7, 4, 4, 3), 0.25))
    propose(tmp_path, TREE, replace(rectangle(4, 10, 2, 2, 0), upper="herbaceous_and_arable"))
    with open_store(tmp_path, UNET) as model:
        model.apply(rectangle(9, 9, 2, 2, 5))
        model.undo()
    with open_store(tmp_path, "marie") as marie, ThreadPoolExecutor(max_workers=1) as pool:
        proposed = pool.submit(marie.proposals.journals().replayed).result()
        own = marie.prelabels().proposed
        assert (proposed.heads, proposed.edits, proposed.groups) == (own.heads, own.edits, own.groups)
        whole = marie.grid.whole
        assert np.array_equal(proposed.last(whole), own.last(whole))
        groups = [
            Group(model=TREE, code=0, upper="herbaceous_and_arable"),
            Group(model=UNET, code=3, upper=None),
            Group(model=UNET, code=7, upper=None),
        ]
        assert list(proposed.groups) == groups
        said = {
            groups[proposed.group[place] - 1]: proposed.confidence[place]
            for place in np.unique(own.last(whole))[1:]
        }
        assert (said[groups[1]], said[groups[2]]) == (0.25, 0.9)
        assert np.isnan(said[groups[0]])
        assert [edit is None for edit in proposed.edits].count(True) == 2  # undone, and the undo
        marie.proposals.keep(proposed)
        assert marie.prelabels().proposed is proposed
        # What came in since is replayed, whatever was kept.
        propose(tmp_path, UNET, rectangle(9, 9, 2, 2, 5))
        marie.refresh()
        assert marie.prelabels().codes[9, 9] == 5


@pytest.mark.parametrize(
    ("chosen", "codes"),
    [
        (Chosen(), {3, 7, 8}),
        (Chosen(code=7), {7}),
        (Chosen(above=0.5), {7, 8}),
        (Chosen(among=[Group(model=UNET, code=3, upper=None)]), {3}),
        (Chosen(among=[Group(model=TREE, code=8, upper=None)], above=0.5), {8}),
    ],
    ids=["all", "class", "confidence", "group", "group and confidence"],
)
def test_a_choice_takes_what_it_says(tmp_path: Path, chosen: Chosen, codes: set[int]) -> None:
    propose(tmp_path, UNET, sure(rectangle(5, 6, 2, 2, 7), 0.9), sure(rectangle(7, 6, 2, 2, 3), 0.25))
    propose(tmp_path, TREE, sure(rectangle(9, 6, 2, 2, 8), 0.5))
    with open_store(tmp_path, "marie") as marie:
        marie.apply_drawn(marie.prelabels().accepting(chosen))
        assert set(np.unique(marie.labels).tolist()) == codes | {0}
        assert marie.undo_steps == 1


def test_a_choice_of_nothing_is_refused(tmp_path: Path) -> None:
    propose(tmp_path, UNET, rectangle(5, 6, 2, 2, 7))
    with open_store(tmp_path, "marie") as marie, pytest.raises(EditRefused, match="is of this class"):
        marie.prelabels().accepting(Chosen(among=[]))


@settings(max_examples=60)
@given(
    proposals=st.lists(edits().filter(lambda edit: edit.code > 0), min_size=1, max_size=5),
    labels=st.lists(edits(), max_size=2),
    over=st.booleans(),
)
def test_what_is_made_of_the_labels_as_they_are_needs_no_cutting(
    tmp_path_factory: pytest.TempPathFactory,
    proposals: list[AssignMask],
    labels: list[AssignMask],
    over: bool,
) -> None:
    """`apply_drawn` writes and shows what `apply_all`, which reads, cuts and proves it all, would."""
    directory = tmp_path_factory.mktemp("journals")
    propose(directory, UNET, *proposals)
    with open_store(directory, "marie") as marie, open_store(directory, "jean") as jean:
        for store in (marie, jean):
            for edit in labels:
                store.apply(edit)
            store.apply(Protect(mask=rectangle(6, 8, 2, 2, 1).mask, on=True))
        try:
            drawn = marie.prelabels().accepting(Chosen(over=over))
        except EditRefused:
            return
        marie.apply_drawn(drawn)
        jean.apply_all([one.edit for one in drawn])
        assert payloads(marie) == payloads(jean)
        assert np.array_equal(marie.labels, jean.labels)
        assert not marie.labels[~FOOTPRINT].any()
        shown = marie.labels.copy()
    with open_store(directory) as again:
        assert np.array_equal(again.labels, shown)


def payloads(store: AnnotationStore) -> list[bytes]:
    return [op.payload for op in store.ops if op.author == store.author]


def test_a_prelabel_of_which_a_part_is_free_is_copied_in_that_part(tmp_path: Path) -> None:
    propose(tmp_path, UNET, rectangle(5, 6, 4, 4, 7))
    with open_store(tmp_path, "marie") as marie:
        marie.apply(rectangle(5, 6, 1, 4, 3))
        (drawn,) = marie.prelabels().accepting(Chosen())
        assert isinstance(drawn.edit, AssignMask)
        assert drawn.edit.window == Window(row=6, col=6, height=3, width=4)
        assert drawn.edit.source == "model-unet:1"
        assert drawn.edit.provenance.tool == "accept-all"
