"""Uptake: its figures are those of the edits that would be made, whatever the labels went through."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_cases import GRID, edits, open_store, painted, rectangle

from workbench.errors import EditRefused
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import OPEN, AssignMask, Protect
from workbench.labels.prelabels import Chosen
from workbench.labels.proposed import Group
from workbench.labels.provenance import PRELABEL_FATES, fates_of
from workbench.labels.uptake import FREE, OTHER, UNTOUCHED, Tally, Uptake

UNET = "model-unet"


def propose(directory: Path, *proposals: AssignMask, model: str = UNET) -> None:
    with open_store(directory, model) as store:
        store.apply_all(proposals)


def counted(store: AnnotationStore) -> Uptake:
    uptake = Uptake(store.prelabels())
    while uptake.count():
        pass
    return uptake


def group_of(edit: AssignMask, model: str = UNET) -> Group:
    return Group(model=model, code=edit.code, upper=edit.upper)


def would(store: AnnotationStore, chosen: Chosen) -> tuple[dict[Group, Tally], np.ndarray]:
    """What accepting gives, by its edits: figures by group, and where."""
    regions, pixels, where = Counter[Group](), Counter[Group](), np.zeros(GRID.shape, bool)
    try:
        drawn = store.prelabels().accepting(chosen)
    except EditRefused:
        drawn = []
    for one in drawn:
        assert isinstance(one.edit, AssignMask)
        regions[group_of(one.edit)] += 1
        pixels[group_of(one.edit)] += one.edit.mask.pixels
        where |= painted(one.edit)
    return {group: Tally(regions=regions[group], pixels=pixels[group]) for group in regions}, where


proposals = edits().filter(lambda edit: edit.code > 0)
said = st.one_of(st.none(), st.sampled_from((0.0, 0.3, 0.9, 1.0)))


@settings(max_examples=60)
@given(
    models=st.lists(st.tuples(proposals, said), min_size=1, max_size=5),
    labels=st.lists(edits(), max_size=4),
    above=st.one_of(st.none(), st.sampled_from((0.0, 0.3, 0.5, 1.0))),
    over=st.booleans(),
    upper=st.booleans(),
)
def test_figures_and_preview_are_those_of_the_edits(
    tmp_path_factory: pytest.TempPathFactory,
    models: list[tuple[AssignMask, float | None]],
    labels: list[AssignMask],
    above: float | None,
    over: bool,
    upper: bool,
) -> None:
    directory = tmp_path_factory.mktemp("journals")
    proposed = [replace(edit, confidence=confidence) for edit, confidence in models]
    if upper:
        proposed[0] = replace(proposed[0], code=0, upper="herbaceous_and_arable")
    propose(directory, *proposed)
    with open_store(directory, "marie") as marie:
        uptake = counted(marie)
        for edit in [*labels, Protect(mask=rectangle(6, 8, 2, 2, 1).mask, on=True)]:
            uptake.follow(marie.apply(edit))
        if window := marie.undo():
            uptake.follow(window)
        while uptake.count():
            pass
        assert uptake.counted
        groups = marie.prelabels().proposed.groups
        for among in (None, groups[:1]):
            tally, where = would(marie, Chosen(above=above, over=over, among=among))
            chosen = uptake.chosen(among=among, above=above)
            assert uptake.tally(chosen, over=over) == tally
            takes = (uptake.standing == FREE) | (over & (uptake.standing == OTHER))
            assert np.array_equal(takes & chosen[marie.prelabels().last], where)
        assert np.array_equal(uptake.standing, counted(marie).standing)


@settings(max_examples=60, deadline=None)
@given(
    models=st.lists(st.tuples(proposals, said), min_size=1, max_size=5),
    before=st.lists(edits(), max_size=2),
    labels=st.lists(edits(), max_size=3),
    above=st.one_of(st.none(), st.sampled_from((0.3, 1.0))),
    undone=st.booleans(),
)
def test_untouched_is_what_provenance_calls_so_of_what_may_still_be_painted(
    tmp_path_factory: pytest.TempPathFactory,
    models: list[tuple[AssignMask, float | None]],
    before: list[AssignMask],
    labels: list[AssignMask],
    above: float | None,
    undone: bool,
) -> None:
    directory = tmp_path_factory.mktemp("journals")
    propose(directory, *(replace(edit, confidence=confidence) for edit, confidence in models))
    with open_store(directory, "marie") as marie:
        uptake = counted(marie)
        for edit in before:
            uptake.follow(marie.apply(edit))
        with suppress(EditRefused):
            uptake.follow(marie.apply_drawn(marie.prelabels().accepting(Chosen(above=above))))
        for edit in [*labels, Protect(mask=rectangle(6, 8, 2, 2, 1).mask, on=True)]:
            uptake.follow(marie.apply(edit))
        if undone and (window := marie.undo()):
            uptake.follow(window)
        while uptake.count():
            pass
        prelabels = marie.prelabels()
        fates = fates_of(marie, marie.ops).fates
        there, same = prelabels.compared()
        open_pixels = prelabels.levels(prelabels.whole) == OPEN
        untouched = there & same & open_pixels & (fates == PRELABEL_FATES.index("untouched"))
        assert np.array_equal(uptake.standing == UNTOUCHED, untouched)
        numbers = np.bincount(prelabels.last[untouched], minlength=uptake.untouched.size)
        assert np.array_equal(uptake.untouched, numbers)


def test_a_label_that_somebody_confirms_is_untouched_no_longer(tmp_path: Path) -> None:
    propose(tmp_path, rectangle(4, 5, 3, 4, 7))
    with open_store(tmp_path, "marie") as marie:
        marie.apply_drawn(marie.prelabels().accepting(Chosen()))
        uptake = counted(marie)
        assert uptake.untouched.tolist() == [0, 12]
        uptake.follow(marie.apply(rectangle(4, 5, 3, 1, 7)))
        while uptake.count():
            pass
        assert uptake.untouched.tolist() == [0, 9]
