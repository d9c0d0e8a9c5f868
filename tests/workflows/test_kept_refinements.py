"""Refinements from hierarchy to journal and back: hierarchy.h5 and journal give the same regions again."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_orthos import made_grid, made_image, made_truth

from workbench.campaign import Campaign
from workbench.labels.annotation import AnnotationStore
from workbench.labels.payloads import entry_of
from workbench.segmentation import Hierarchy, segment
from workbench.segmentation.hierarchy import SegmentationParameters
from workbench.workflows import refining
from workbench.workflows.intake import add_zone
from workbench.workflows.refining import RefinedHierarchy, refine_node, refined_by
from workbench.workflows.segmenting import segment_zones

PICKS = ((40, 40), (300, 200), (40, 40), (500, 20))
MakeOrtho = Callable[..., tuple[Path, Path]]


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    return made_image(made_truth(512, 512))


@pytest.fixture
def zone(campaign: Campaign, make_ortho: MakeOrtho) -> Campaign:
    add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_AA")
    list(segment_zones(campaign, None, say=lambda message: None))
    return campaign


def refined(
    store: AnnotationStore,
    hierarchy: Hierarchy,
    image: np.ndarray,
    picks: tuple[tuple[int, int], ...] = PICKS,
) -> list[Hierarchy]:
    """Refine regions as the desk does, each a little finer than the last; return the hierarchy after each."""
    states = [hierarchy]
    for turn, (row, col) in enumerate(picks):
        scale = 3000.0 / 4**turn
        node = hierarchy.node_at(row, col, scale)
        edit, hierarchy = refine_node(hierarchy, node, image, row=row, col=col, scale=scale)
        store.record(edit)
        states.append(hierarchy)
    return states


def same(one: Hierarchy, other: Hierarchy) -> bool:
    return one.digest == other.digest and all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("leaves", "s", "area", "sums", "squares")
    )


def test_file_and_journal_give_the_refined_hierarchy_again(
    zone: Campaign, image: np.ndarray, monkeypatch
) -> None:
    (here,) = zone.zones()
    with zone.open_store(here, author="marie") as store:
        *_, last = refined(store, zone.read_hierarchy(here), image)
    monkeypatch.setattr(refining, "refine", None)  # nothing is segmented again
    with zone.open_store(here, author="marie") as store:
        again, left_out = refined_by(zone.read_hierarchy(here), store.refinements())
        assert not store.labels.any()
    assert left_out == ""
    assert same(again, last)
    assert len(again.refinements) == len(PICKS)
    assert np.array_equal(again.saliency(), last.saliency())


def test_undo_and_redo_go_through_the_same_hierarchies(zone: Campaign, image: np.ndarray) -> None:
    (here,) = zone.zones()
    base = zone.read_hierarchy(here)
    with zone.open_store(here, author="marie") as store:
        states = refined(store, base, image, (*PICKS, (200, 400), (400, 400)))
        regions = RefinedHierarchy(base, store.refinements())
        assert regions.current.digest == states[-1].digest
        for state in states[-2::-1]:
            store.undo()
            assert regions.follow(store.refinements())
            assert same(regions.current, state)
        assert regions.current.digest == base.digest
        for state in states[1:]:
            store.redo()
            regions.follow(store.refinements())
            assert same(regions.current, state)
        assert not regions.follow(store.refinements())


def test_two_authors_refine_the_same_zone_each_their_own_way(zone: Campaign, image: np.ndarray) -> None:
    (here,) = zone.zones()
    base = zone.read_hierarchy(here)
    for author, picks in (("marie", PICKS[:2]), ("paul", PICKS[1:2])):
        with zone.open_store(here, author=author) as store:
            refined(store, base, image, picks)
    with zone.open_store(here) as store:
        marie, paul = (refined_by(base, store.refinements(author)) for author in ("marie", "paul"))
    assert marie[1] == paul[1] == ""
    assert [len(found.refinements) for found, _ in (marie, paul)] == [2, 1]
    assert marie[0].digest != paul[0].digest


def test_refinements_of_another_hierarchy_are_left_out_in_one_sentence(
    zone: Campaign, image: np.ndarray
) -> None:
    (here,) = zone.zones()
    base = zone.read_hierarchy(here)
    other = segment(image, grid=made_grid(512, 512), parameters=SegmentationParameters(smoothing=1.0))
    with zone.open_store(here, author="marie") as store:
        refined(store, base, image, PICKS[:3])
        after, left_out = refined_by(other, store.refinements())
        assert after is other
        assert left_out.startswith("3 of 3 refinements are left out (marie:1: the refinement was made on")
        assert left_out.endswith("; labels are not touched")
        assert base.digest[:8] in left_out
        assert other.digest[:8] in left_out
        # Segmented anew, the zone is refined anew; going back finds the old ones, and leaves out the new one.
        *_, new = refined(store, other, image, PICKS[:1])
        after, left_out = refined_by(other, store.refinements())
        assert after.digest == new.digest
        assert left_out.startswith("3 of 4")
        after, left_out = refined_by(base, store.refinements())
        assert len(after.refinements) == 3
        assert left_out.startswith("1 of 4")


def test_a_forged_refinement_is_left_out_with_those_on_it(zone: Campaign, image: np.ndarray) -> None:
    (here,) = zone.zones()
    base = zone.read_hierarchy(here)
    node = base.node_at(40, 40, 3000.0)
    edit, finer = refine_node(base, node, image, row=40, col=40, scale=3000.0)
    edit2, _ = refine_node(finer, finer.node_at(500, 20, 50.0), image, row=500, col=20, scale=50.0)
    window = edit.window
    shifted = dataclasses.replace(window, row=window.row + 1 if window.row_stop < 512 else window.row - 1)
    forgeries = (
        dataclasses.replace(edit, window=shifted, row=shifted.row, col=shifted.col),
        dataclasses.replace(edit, data=edit.data[:-4]),
    )
    for forged in forgeries:
        with zone.open_store(here, author="marie") as store:
            store.record(forged)
            store.record(edit2)
            after, left_out = refined_by(base, store.refinements())
            assert after.digest == base.digest
            assert left_out.startswith("2 of 2 refinements are left out (marie:")
            assert "\n" not in left_out
            store.undo()
            store.undo()
    assert entry_of(edit).kind == "refine"


WRITER = """
import sys, time
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from made_orthos import made_image, made_truth
from test_kept_refinements import PICKS, refined
from workbench.campaign import Campaign
campaign = Campaign.open(Path(sys.argv[3]))
(zone,) = campaign.zones()
store = campaign.open_store(zone, author="marie")
hierarchy = campaign.read_hierarchy(zone)
for pick in PICKS:
    *_, hierarchy = refined(store, hierarchy, made_image(made_truth(512, 512)), (pick,))
    print(hierarchy.digest, flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_refinement_that_was_acknowledged_survives_a_kill(zone: Campaign) -> None:
    (here,) = zone.zones()
    tests = Path(__file__).resolve().parent
    command = [sys.executable, "-c", WRITER, str(tests), str(tests.parent), str(zone.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        digests = [writer.stdout.readline().strip() for _ in range(3)]
        os.kill(writer.pid, signal.SIGKILL)
    with zone.open_store(here, author="marie") as store:
        found, left_out = refined_by(zone.read_hierarchy(here), store.refinements()[:3])
    assert (found.digest, left_out) == (digests[-1], "")
