"""Refine here, as the session does it: without Qt and without a viewer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from desk_cases import heard, lit

from napari_plugin.here import Here
from napari_plugin.session import Session
from workbench.campaign import Campaign
from workbench.segmentation.hierarchy import SegmentationParameters
from workbench.workflows.intake import add_zone
from workbench.workflows.segmenting import segment_zones

MakeOrtho = Callable[..., tuple[Path, Path]]


def open_session(campaign: Campaign, author: str = "marie") -> Session:
    return Session.open(campaign.path, zone_id=None, author=author)


def regions(session: Session) -> int:
    assert session.hierarchy is not None
    return session.hierarchy.leaf_count


def test_the_region_under_the_pointer_gets_finer_ones_and_stays_a_region(session: Session) -> None:
    session.set_level(200)
    before, level = regions(session), session.level
    hover = session.hover_at(100, 100)
    assert hover is not None
    pixels = lit(session, hover)
    refined, hovered, saved = heard(session.refined), heard(session.hovered), heard(session.saved)
    rescaled, notices = heard(session.rescaled), heard(session.noticed)
    Here(session).refine()
    assert refined == [hover.window]
    assert [one.id for one in saved] == ["marie:1"]
    assert (rescaled, session.level) == ([level], level)
    assert regions(session) > before
    assert notices[0].endswith("finer regions: make regions smaller.")
    assert hovered == [session.hover]
    assert session.hover is not hover
    assert (lit(session, session.hover) == pixels).all()
    assert not session.labels.any()


def test_finer_regions_are_picked_like_any_others(session: Session) -> None:
    assert session.hierarchy is not None
    session.set_level(200)
    session.hover_at(100, 100)
    base = session.hierarchy.digest
    Here(session).refine()
    session.set_level(0)
    assert session.level == session.scales.finest
    taken = lit(session, session.hover_at(100, 100))
    session.assign_at(100, 100)
    op = session.store.op_at(100, 100)
    assert op is not None
    assert op.hierarchy_digest == session.hierarchy.digest != base
    assert ((session.labels != 0) == taken).all()
    assert (
        session.scales.regions == session.hierarchy.cut(session.scale).count == session.hierarchy.leaf_count
    )


def test_undo_and_redo_take_refinements_and_picks_in_turn(session: Session) -> None:
    states = []
    for row, col in ((100, 100), (400, 300)):
        session.set_level(190)
        session.hover_at(row, col)
        states.append((session.hierarchy.digest, session.labels.copy()))
        Here(session).refine()
        states.append((session.hierarchy.digest, session.labels.copy()))
        session.set_level(120)
        session.assign_at(row, col)
    states.append((session.hierarchy.digest, session.labels.copy()))
    assert len({digest for digest, _ in states}) == 3
    refined = heard(session.refined)
    session.undo()
    assert refined == []
    session.undo()
    assert len(refined) == 1
    assert session.hierarchy.digest == states[2][0]
    session.undo()
    session.undo()
    assert session.hierarchy.digest == states[0][0]
    assert not session.labels.any()
    for _ in range(4):
        session.redo()
    assert session.hierarchy.digest == states[-1][0]
    assert (session.labels == states[-1][1]).all()


def test_refinements_are_there_when_the_zone_is_opened_again_for_their_author_only(zone: Campaign) -> None:
    with closing(open_session(zone)) as first:
        first.set_level(200)
        base = first.hierarchy.digest
        first.hover_at(100, 100)
        Here(first).refine()
        first.hover_at(400, 400)
        Here(first).refine()
        digest = first.hierarchy.digest
    with closing(open_session(zone)) as again:
        assert again.hierarchy.digest == digest
        assert again.remark == ""
        again.undo()
        again.undo()
        assert again.hierarchy.digest == base
    with closing(open_session(zone, author="paul")) as paul:
        assert paul.hierarchy.digest == base


def test_another_hierarchy_leaves_them_out_with_one_sentence_and_labels_stand(zone: Campaign) -> None:
    with closing(open_session(zone)) as first:
        first.set_level(200)
        first.hover_at(100, 100)
        Here(first).refine()
        first.assign_at(100, 100)
        labels = first.labels.copy()
    (here,) = zone.zones()
    list(
        segment_zones(
            zone, here.id, parameters=SegmentationParameters(smoothing=1.0), say=lambda message: None
        )
    )
    with closing(open_session(zone)) as again:
        assert again.remark.startswith("1 of 1 refinements are left out (marie:1: the refinement was made on")
        assert (again.labels == labels).all()
        again.undo()
        again.undo()
        assert not again.labels.any()
        assert not again.hierarchy.refinements


def test_why_nothing_is_refined_is_said(session: Session) -> None:
    notices, refined = heard(session.noticed), heard(session.refined)
    Here(session).refine()
    session.hover_at(-5, 3)
    Here(session).refine()
    session.set_level(session.scales.finest)
    session.hover_at(100, 100)
    for _ in range(30):
        Here(session).refine()
        session.set_level(0)
        if notices[-1].endswith("holds nothing finer than it has already."):
            break
    assert notices[:2] == ["Point at a region first.", "Outside the zone: nothing is labelled here."]
    assert notices[-1].startswith("The region of")
    assert len(refined) == len(notices) - 3


def test_a_refinement_that_cannot_be_written_changes_nothing(session: Session) -> None:
    session.set_level(200)
    session.hover_at(100, 100)
    before = session.hierarchy
    session.close()
    refused, refined = heard(session.refused), heard(session.refined)
    Here(session).refine()
    assert len(refused) == 1
    assert "was closed; open it again" in refused[0]
    assert refined == []
    assert session.hierarchy is before


def test_a_zone_without_regions_has_none_to_refine(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_AA")
    with closing(open_session(campaign)) as session:
        notices = heard(session.noticed)
        session.hover_at(3, 3)
        Here(session).refine()
        session.undo()
        assert notices == ["This zone has no regions to pick yet.", "Nothing left to undo."]
        assert session.remark == ""


def test_the_slider_ends_where_all_leaves_show(session: Session) -> None:
    assert session.hierarchy is not None
    counts = [session.hierarchy.cut(float(scale)).count for scale in session.hierarchy.scale_steps.scales]
    assert counts[session.scales.finest] == counts[0] > counts[session.scales.finest + 1]
