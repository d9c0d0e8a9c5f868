"""The gestures of one key where the pointer is, on a session without Qt."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from desk_cases import heard, last_op, lit

from napari_plugin.here import SMALLEST_PATCH, Here
from napari_plugin.session import Session
from workbench.campaign import Campaign
from workbench.geo.grid import Window
from workbench.labels.editing import Given
from workbench.labels.edits import OPEN, PROTECTED, Comment, Provenance
from workbench.labels.payloads import edit_of

PLACE = (256, 300)


@pytest.fixture
def here(session: Session) -> Here:
    return Here(session)


def test_climbing_lights_up_each_larger_region_and_descending_each_of_them_again(
    session: Session, here: Here
) -> None:
    hierarchy = session.hierarchy
    assert hierarchy is not None
    session.set_level(session.scales.finest)
    session.hover_at(*PLACE)
    walked, rescaled = [session.hover.node], heard(session.rescaled)
    while (parent := hierarchy.parent(walked[-1])) is not None:
        here.climb()
        assert session.hover is not None
        node = session.hover.node
        assert (node.first, node.stop) == (parent.first, parent.stop)
        walked.append(node)
    assert len(rescaled) == len(walked) - 1 > 8
    assert lit(session, session.hover).all()
    notices = heard(session.noticed)
    here.climb()
    assert notices == ["There is no larger region here."]
    for node in walked[-2::-1]:
        here.descend()
        assert (session.hover.node.first, session.hover.node.stop) == (node.first, node.stop)


def test_descending_from_above_goes_to_the_part_under_the_pointer(session: Session, here: Here) -> None:
    hierarchy = session.hierarchy
    assert hierarchy is not None
    session.set_level(254)
    node, leaf = session.hover_at(*PLACE).node, hierarchy.leafmap.at(*PLACE)
    while node.leaf_count > 1:
        (inside,) = (child for child in hierarchy.children(node) if child.first <= leaf < child.stop)
        here.descend()
        node = session.hover.node
        assert (node.first, node.stop) == (inside.first, inside.stop)
    notices = heard(session.noticed)
    here.descend()
    assert notices == ["There is no smaller region here; refine it."]


@pytest.mark.parametrize("gesture", ["climb", "descend", "fill", "protect", "absorb"])
def test_a_gesture_without_a_region_says_why_and_does_nothing(
    session: Session, here: Here, gesture: str
) -> None:
    notices, scale = heard(session.noticed), session.scale
    getattr(here, gesture)()
    session.hover_at(-3, 700)
    getattr(here, gesture)()
    assert notices == ["Point at a region first.", "Outside the zone: nothing is labelled here."]
    assert session.scale == scale
    assert session.store.ops == ()


def test_the_class_under_the_pointer_comes_to_hand(session: Session, here: Here) -> None:
    notices = heard(session.noticed)
    here.take_class()
    session.hover_at(*PLACE)
    here.take_class()
    session.hover_at(-1, -1)
    here.take_class()
    assert notices == [
        "Point at a label first.",
        "Nothing is labelled here yet.",
        "Outside the zone: nothing is labelled here.",
    ]
    session.set_class(9)
    session.assign_at(*PLACE)
    session.give(Given(code=0, upper="mineral_ground"))
    session.set_level(0)
    session.assign_at(20, 20)
    session.set_class(0)
    session.hover_at(*PLACE)
    here.take_class()
    assert session.given == Given(code=9)
    session.hover_at(20, 20)
    here.take_class()
    assert session.given == Given(code=0, upper="mineral_ground")


def test_filling_gives_the_class_to_what_has_none_in_the_region(session: Session, here: Here) -> None:
    session.set_class(9)
    session.set_level(120)
    session.assign_at(*PLACE)
    labelled = session.labels == 9
    session.set_class(5)
    session.set_level(200)
    session.hover_at(*PLACE)
    region = lit(session, session.hover)
    here.fill()
    assert ((session.labels == 5) == (region & ~labelled)).all()
    assert ((session.labels == 9) == labelled).all()
    op = last_op(session)
    assert (op.tool, op.scale) == ("fill", session.scale)
    made = edit_of(op).provenance
    assert (made.row, made.col) == PLACE
    refused, noticed = heard(session.refused), heard(session.noticed)
    here.fill()
    assert (refused, noticed) == ([], ["Everything there is labelled already."])


def test_a_protected_region_is_painted_by_nobody_until_it_is_protected_no_longer(
    session: Session, here: Here
) -> None:
    session.set_level(150)
    session.hover_at(*PLACE)
    region = lit(session, session.hover)
    notices = heard(session.noticed)
    here.protect()
    assert (session.store.protected == np.where(region, PROTECTED, OPEN)).all()
    session.set_level(254)
    session.set_class(5)
    session.assign_at(*PLACE)
    assert ((session.labels == 5) == ~region).all()
    session.set_level(150)
    session.hover_at(*PLACE)
    here.protect()
    assert (session.store.protected == OPEN).all()
    assert notices == ["Protected: nobody paints here until it is unprotected.", "No longer protected."]
    session.undo()
    assert (session.store.protected == np.where(region, PROTECTED, OPEN)).all()


def test_slivers_that_reach_into_the_region_become_part_of_what_surrounds_them(
    session: Session, here: Here
) -> None:
    session.set_level(254)
    session.set_class(7)
    session.assign_at(*PLACE)
    session.set_class(3)
    side = int(SMALLEST_PATCH**0.5)
    for window in (
        Window(row=256, col=300, height=side, width=side),
        Window(row=100, col=100, height=side + 1, width=side + 1),
    ):
        session.paint((window, np.ones(window.shape, bool)), Provenance(tool="brush"))
    session.hover_at(*PLACE)
    here.absorb()
    assert (session.labels == 3).sum() == (side + 1) ** 2
    assert session.labels[PLACE] == 7
    refused, noticed = heard(session.refused), heard(session.noticed)
    here.absorb()
    assert (refused, noticed) == ([], [f"There is no sliver of fewer than {SMALLEST_PATCH} pixels there."])


def test_a_comment_is_asked_for_only_where_it_can_be_pinned(
    session: Session, here: Here, zone: Campaign
) -> None:
    assert here.why_no_comment() == "Point at the place that the comment is about."
    session.hover_at(*PLACE)
    assert here.why_no_comment() == ""
    with closing(Session.open(zone.path, zone_id=None, author="jean", blind=True)) as blind:
        blind.hover_at(*PLACE)
        assert Here(blind).why_no_comment() == "You label this zone blind: nobody would see a comment."
        refused = heard(blind.refused)
        Here(blind).comment(*PLACE, "a pond", question=False)
        assert len(refused) == 1


def test_a_comment_is_pinned_to_its_pixel_wherever_the_pointer_is_meanwhile(
    session: Session, here: Here
) -> None:
    reviewed, saved = [], heard(session.saved)
    session.reviewed.connect(lambda: reviewed.append(True))
    here.comment(*PLACE, "is this a vineyard?", question=True)
    ((_, pinned),) = session.store.comments()
    assert pinned == Comment(row=256, col=300, text="is this a vineyard?", question=True)
    assert (reviewed, [one.number for one in saved]) == ([True], [1])
