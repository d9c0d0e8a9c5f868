"""Uptake: its figures are those of the edits that would be made, whatever the labels went through."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_cases import GRID, edits, open_store, painted, rectangle

from workbench.errors import EditRefused
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import AssignMask, Protect
from workbench.labels.prelabels import Chosen
from workbench.labels.proposed import Group
from workbench.labels.uptake import FREE, OTHER, Tally, Uptake

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


def test_the_least_sure_one_comes_first_and_what_says_nothing_last(tmp_path: Path) -> None:
    confidences = [0.9, 0.2, None, 0.2, 0.4]
    propose(
        tmp_path,
        *(
            replace(rectangle(4, 5 + 2 * place, 2, 2, 7), confidence=confidence)
            for place, confidence in enumerate(confidences)
        ),
    )
    with open_store(tmp_path, "marie") as marie:
        uptake = counted(marie)
        assert walk(uptake) == [2, 4, 5, 1, 3]
        uptake.follow(marie.apply(rectangle(4, 7, 2, 2, 3)))
        assert not uptake.counted
        uptake.count()
        assert walk(uptake) == [4, 5, 1, 3]
        # One that was taken meanwhile still says where to go on.
        assert uptake.next_uncertain(2) == 4


def walk(uptake: Uptake) -> list[int]:
    found, after = [], 0
    while (after := uptake.next_uncertain(after) or 0) > 0:
        found.append(after)
    return found
