"""Two annotations on the desk: hidden until both are done, then a map of where they differ."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from desk_cases import heard

from napari_plugin.doubles import Doubles
from napari_plugin.inquiries import compare_authors, double_standing
from napari_plugin.reviewing import Reviewing
from napari_plugin.session import Session
from workbench.assessment.disagreement import BORDER, CLASS
from workbench.campaign import Campaign
from workbench.errors import EditRefused
from workbench.geo.grid import Window
from workbench.labels.edits import AssignMask, Provenance, assign
from workbench.labels.review import submit

WHOLE = Window(row=0, col=0, height=512, width=512)
LEFT, FURTHER = Window(row=0, col=0, height=512, width=200), Window(row=0, col=0, height=512, width=203)
POND = Window(row=300, col=300, height=40, width=50)


def quiet(share: float, what: str) -> None:
    """Report to nobody."""


def filled(window: Window, code: int) -> AssignMask:
    return assign(np.ones(window.shape, bool), window, code, Provenance(tool="brush"))


def annotate(
    campaign: Campaign, author: str, *edits: AssignMask, blind: bool = False, done: bool = True
) -> None:
    with campaign.open_store(campaign.only_zone(), author=author, blind=blind) as store:
        store.apply_all(edits)
        if done:
            submit(store)


@pytest.fixture
def doubled(zone: Campaign) -> Campaign:
    """A zone that marie and, blind, jean have labelled: a border was moved, a pond is one of them only."""
    annotate(zone, "marie", filled(WHOLE, 7), filled(LEFT, 3))
    annotate(zone, "jean", filled(WHOLE, 7), filled(FURTHER, 3), filled(POND, 5), blind=True)
    return zone


def test_the_map_shows_each_pixel_by_kind_and_either_annotation(doubled: Campaign) -> None:
    with closing(Session.open(doubled.path, zone_id=None, author="paul")) as session:
        doubles = Doubles(session)
        assert doubles.wanted
        assert doubles.hidden() == "Looking who is done…"
        doubles.take_standing(double_standing(doubled.path, session.zone_id, quiet))
        assert doubles.authors == ("marie", "jean")
        assert doubles.hidden() == ""
        rows, cols = np.arange(-5, 520), np.arange(190, 400)
        assert not doubles.codes(rows, cols).any()
        doubles.take(compare_authors(doubled.path, session.zone_id, doubles.authors, quiet))
        kinds = doubles.codes(rows, cols)
        assert kinds[5 + 10].tolist() == [BORDER if 200 <= col < 203 else 0 for col in cols]
        assert (kinds[5 + 300 : 5 + 340, 110:160] == CLASS).all()
        assert not kinds[:5].any()
        doubles.show("second")
        assert doubles.codes(rows, cols)[5 + 310, 120] == 5
        doubles.show("first")
        assert doubles.codes(rows, cols)[5 + 310, 120] == 7
        noticed = heard(session.noticed)
        places = [doubles.next_place() for _ in range(3)]
        assert [(one.kind, one.pixels) for one in places if one] == [
            (CLASS, 2000), (BORDER, 512 * 3), (CLASS, 2000),
        ]  # fmt: skip
        titles = [session.title_of(code) for code in (7, 5)]
        assert noticed[0] == f"1 of 2: {titles[0]} or {titles[1]} · 2,000 pixels"


def test_nothing_is_shown_before_both_are_done(zone: Campaign) -> None:
    annotate(zone, "marie", filled(WHOLE, 7), done=False)
    annotate(zone, "jean", filled(LEFT, 3), blind=True, done=False)
    with closing(Session.open(zone.path, zone_id=None, author="marie")) as session:
        doubles = Doubles(session)
        doubles.take_standing(double_standing(zone.path, session.zone_id, quiet))
        told = doubles.hidden()
        assert told.startswith("Hidden until both are handed in: marie has labelled 100%")
        with pytest.raises(EditRefused, match="hidden until both"):
            compare_authors(zone.path, session.zone_id, ("marie", "jean"), quiet)
        assert (session.labels == 7).all()


def test_who_labels_blind_neither_compares_nor_opens_the_zone_openly(zone: Campaign) -> None:
    annotate(zone, "marie", filled(WHOLE, 7))
    with closing(Session.open(zone.path, zone_id=None, author="jean", blind=True)) as session:
        session.store.apply(filled(LEFT, 3))
        assert session.subtitle == "campaign · jean, blind"
        assert Doubles(session).hidden() == "You label this zone blind: what others did stays hidden."
        assert not (session.labels == 7).any()
    with pytest.raises(EditRefused, match=r"jean labels zone .* blind and is not done"):
        Session.open(zone.path, zone_id=None, author="jean")
    # The refusal leaves neither lock nor lease behind.
    annotate(zone, "jean", filled(LEFT, 3), blind=True)
    with closing(Session.open(zone.path, zone_id=None, author="jean")) as session:
        assert (session.labels == 7).all()


def test_a_zone_with_one_annotation_has_nothing_to_compare(zone: Campaign) -> None:
    annotate(zone, "marie", filled(WHOLE, 7))
    with closing(Session.open(zone.path, zone_id=None, author="marie")) as session:
        doubles, noticed = Doubles(session), heard(session.noticed)
        assert not doubles.wanted
        doubles.take_standing(double_standing(zone.path, session.zone_id, quiet))
        assert doubles.hidden() == "Nobody labels this zone a second time yet."
        assert doubles.next_place() is None
        assert noticed == ["There is no place where two annotations differ."]


def test_other_authors_can_be_chosen(doubled: Campaign) -> None:
    annotate(doubled, "paul", filled(WHOLE, 3), blind=True)
    with closing(Session.open(doubled.path, zone_id=None, author="anne")) as session:
        doubles = Doubles(session)
        doubles.take_standing(double_standing(doubled.path, session.zone_id, quiet))
        assert [one.author for one in doubles.annotators()] == ["marie", "jean", "paul"]
        doubles.take(compare_authors(doubled.path, session.zone_id, ("marie", "jean"), quiet))
        doubles.choose(("jean", "paul"))
        assert doubles.compared is None
        assert doubles.hidden() == ""
        doubles.take_standing(double_standing(doubled.path, session.zone_id, quiet))
        assert doubles.authors == ("jean", "paul")


def test_one_person_is_compared_with_nobody(doubled: Campaign) -> None:
    with closing(Session.open(doubled.path, zone_id=None, author="anne")) as session:
        doubles = Doubles(session)
        doubles.take_standing(double_standing(doubled.path, session.zone_id, quiet))
        doubles.choose(("jean", "jean"))
        assert doubles.hidden() == "Choose two people: one is compared with nobody."


def test_what_was_compared_of_others_than_are_chosen_by_then_is_not_shown(doubled: Campaign) -> None:
    annotate(doubled, "paul", filled(WHOLE, 3), blind=True)
    with closing(Session.open(doubled.path, zone_id=None, author="anne")) as session:
        doubles = Doubles(session)
        doubles.take_standing(double_standing(doubled.path, session.zone_id, quiet))
        late = compare_authors(doubled.path, session.zone_id, ("marie", "jean"), quiet)
        doubles.choose(("jean", "paul"))
        doubles.take(late)
        assert (doubles.compared, doubles.shown) == (None, "nothing")


def test_nobody_accepts_or_locks_what_is_labelled_blind(zone: Campaign) -> None:
    with closing(Session.open(zone.path, zone_id=None, author="jean", blind=True)) as session:
        session.store.apply(filled(WHOLE, 3))
        reviewing, refused = Reviewing(session), heard(session.refused)
        session.hover_at(100, 100)
        assert not reviewing.accept(reason="all is fine")
        reviewing.accept_labels()
        assert set(refused) == {
            "You label this zone blind, and nobody reviews that: hand it in when it is done."
        }
        assert reviewing.state.state == "open"
        assert session.store.own_count == 1
