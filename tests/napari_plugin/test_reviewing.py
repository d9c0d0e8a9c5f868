"""Review on the desk: what people said, where they contradict each other, verdicts, and places to go to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
from desk_cases import heard, lit, over

from napari_plugin.places import Rounds, Stop
from napari_plugin.reviewing import Reviewing
from napari_plugin.session import Session
from workbench.campaign import Campaign
from workbench.geo.grid import Window
from workbench.labels.edits import ACCEPTED, Comment, Provenance, assign
from workbench.labels.review import submit
from workbench.workflows.admitting import set_gold

LEFT = Window(row=0, col=0, height=512, width=300)
RIGHT = Window(row=0, col=200, height=512, width=312)


@pytest.fixture
def reviewing(session: Session) -> Reviewing:
    return Reviewing(session)


def paint(campaign: Campaign, author: str, window: Window, code: int) -> None:
    with campaign.open_store(campaign.only_zone(), author=author) as store:
        store.apply(assign(np.ones(window.shape, bool), window, code, Provenance(tool="brush")))


@pytest.fixture
def contradicted(zone: Campaign) -> Iterator[Session]:
    """Two people labelled at once; a hundred columns are in conflict, and a spot that is smaller."""
    stores = [zone.open_store(zone.only_zone(), author=author) for author in ("jean", "paul")]
    spot = Window(row=500, col=0, height=4, width=5)
    for store, window, code in zip(stores, (LEFT, RIGHT), (3, 5), strict=True):
        store.apply(assign(np.ones(window.shape, bool), window, code, Provenance(tool="brush")))
        store.apply(assign(np.ones(spot.shape, bool), spot, code, Provenance(tool="brush")))
    for store in stores:
        store.close()
    with closing(Session.open(zone.path, zone_id=None, author="marie")) as opened:
        yield opened


def test_threads_tell_who_said_what_and_open_questions_come_first(
    session: Session, reviewing: Reviewing
) -> None:
    store = session.store
    store.record(Comment(row=9, col=9, text="a pond\nin summer"))
    store.record(Comment(row=6, col=8, text="which tree?", question=True))
    store.record(Comment(row=6, col=30, text="grass?", question=True))
    assert [thread.kind for thread in reviewing.threads()] == ["question", "question", "comment"]
    tree, grass, pond = reviewing.threads()
    assert (tree.text, tree.row, tree.col) == ("which tree?", 6, 8)
    assert reviewing.answer(tree.id, "needles, I think")
    assert reviewing.rule(grass.id, "agricultural_land", "it is mown")
    assert reviewing.answer(pond.id, "dry")
    tree, pond, grass = reviewing.threads()
    assert [(one.kind, [saying.text for saying in one.sayings]) for one in (tree, pond, grass)] == [
        ("question", ["which tree?", "needles, I think"]),
        ("comment", ["a pond\nin summer", "dry"]),
        ("ruled", ["grass?", "it is mown"]),
    ]
    ruling = grass.sayings[1]
    code = session.nomenclature.by_key("agricultural_land").code
    assert (ruling.author, ruling.ruling) == ("marie", session.title_of(code))
    assert tree.sayings[1].ruling is None
    # What somebody typed cannot pass for a line of the desk's own.
    assert reviewing.stop_of(pond).told == r"marie: a pond\nin summer"


def test_answers_that_cannot_be_are_refused_in_a_sentence(session: Session, reviewing: Reviewing) -> None:
    session.store.record(Comment(row=9, col=9, text="a pond"))
    refused = heard(session.refused)
    (pond,) = reviewing.threads()
    assert not reviewing.rule(pond.id, "water", "so it is")
    assert "is no question" in refused[0]
    assert not reviewing.answer("marie:77", "nothing there")


def test_next_comment_goes_round_and_shows_the_surroundings(session: Session, reviewing: Reviewing) -> None:
    noticed = heard(session.noticed)
    assert reviewing.next_comment() is None
    for col, text in ((9, "one"), (400, "two"), (200, "three?")):
        session.store.record(Comment(row=9, col=col, text=text, question=text.endswith("?")))
    stops = [reviewing.next_comment() for _ in range(4)]
    assert [stop.col for stop in stops if stop] == [200, 9, 400, 200]
    assert noticed == [
        "Nobody has said anything about this zone.",
        "1 of 3: marie: three?",
        "2 of 3: marie: one",
        "3 of 3: marie: two",
        "1 of 3: marie: three?",
    ]
    assert stops[0] is not None
    assert stops[0].window == Window(row=0, col=160, height=50, width=81)
    # From one that was chosen it goes on to the one after it.
    one = reviewing.threads()[1]
    reviewing.visit(one)
    assert reviewing.next_comment().told.endswith("two")


def test_next_conflict_names_the_sides_and_its_region_has_exactly_its_pixels(contradicted: Session) -> None:
    reviewing, noticed = Reviewing(contradicted), heard(contradicted.noticed)
    large, small = reviewing.next_conflict(), reviewing.next_conflict()
    assert large is not None
    assert small is not None
    sides = [contradicted.title_of(code) for code in (3, 5)]
    assert large.told == f"jean says {sides[0]}, paul says {sides[1]} · {512 * 100:,} pixels"
    assert noticed[0] == f"1 of 2: {large.told}"
    region = over(reviewing.conflict_region(large), contradicted.grid.shape)
    assert region.sum() == 512 * 100
    assert region[:, 200:300].all()
    assert small.window == Window(row=500, col=0, height=4, width=5)
    # Somebody who has seen both settles it; the round goes on with what is left.
    contradicted.store.apply(assign(np.ones(LEFT.shape, bool), LEFT, 3, Provenance(tool="brush")))
    assert reviewing.next_conflict() is None


def test_a_zone_is_accepted_once_nothing_is_in_the_way(contradicted: Session) -> None:
    reviewing, refused = Reviewing(contradicted), heard(contradicted.refused)
    submit(contradicted.store)
    assert reviewing.in_the_way() == ("2 conflicts: somebody has to label those pixels again.",)
    assert not reviewing.accept()
    assert "has 2 conflicts, the largest at pixel" in refused[0]
    contradicted.store.apply(assign(np.ones(LEFT.shape, bool), LEFT, 3, Provenance(tool="brush")))
    assert reviewing.in_the_way() == ("It was not handed in, so nobody has checked it.",)
    assert not reviewing.accept()
    assert "was not handed in; check it first, or give a reason" in refused[1]
    reviewed: list[str] = []
    contradicted.reviewed.connect(lambda: reviewed.append("told"))
    submit(contradicted.store)
    assert reviewing.accept()
    assert reviewed == ["told"]
    assert (reviewing.state.state, reviewing.state.by) == ("accepted", "marie")
    assert contradicted.locked_by == "marie"


def test_a_zone_that_was_not_handed_in_is_accepted_checked_or_for_a_reason(
    session: Session, reviewing: Reviewing
) -> None:
    session.set_class(5)
    session.assign_at(100, 100)
    assert reviewing.accept(checked=True)
    assert reviewing.state.reason is None
    assert reviewing.send_back("again, please")
    submit(session.store)
    session.assign_at(400, 400)
    assert reviewing.accept(reason="an exercise")
    assert reviewing.state.reason == "an exercise"


def test_what_is_sent_back_says_why(session: Session, reviewing: Reviewing) -> None:
    refused = heard(session.refused)
    assert not reviewing.send_back("too early")
    assert "nobody's to send back" in refused[0]
    submit(session.store)
    assert not reviewing.send_back("  ")
    assert reviewing.send_back("the pond is a shadow")
    assert (reviewing.state.state, reviewing.state.reason) == ("sent_back", "the pond is a shadow")
    assert reviewing.in_the_way() == ("It can be accepted once it was handed in again.",)


def test_who_is_not_admitted_judges_nothing(zone: Campaign) -> None:
    with closing(Session.open(zone.path, zone_id=None, author="marie")) as session:
        reviewing, refused = Reviewing(session), heard(session.refused)
        assert reviewing.accept(reason="gold to be")
        set_gold(zone, zone.only_zone(), 0.9)
        assert not reviewing.send_back("no")
        assert "marie is not admitted" in refused[0]


def test_labels_of_a_region_are_accepted_and_opened_again(session: Session, reviewing: Reviewing) -> None:
    session.set_level(180)
    session.set_class(5)
    session.assign_at(200, 200)
    here = lit(session, session.hover_at(200, 200))
    notices = heard(session.noticed)
    reviewing.accept_labels()
    assert np.array_equal(session.store.protected == ACCEPTED, here)
    refused = heard(session.refused)
    session.set_class(3)
    session.assign_at(200, 200)
    assert "accepted by marie" in refused[0]
    reviewing.reopen_labels()
    assert not session.store.protected.any()
    assert notices == [
        "Accepted: nobody paints over these labels until they are opened again.",
        "Opened again: these labels can be painted over.",
    ]
    session.assign_at(200, 200)
    assert (session.labels[here] == 3).all()


def stops(*keys: str) -> list[Stop]:
    window = Window(row=0, col=0, height=1, width=1)
    return [Stop(key=key, window=window, row=0, col=0, told=key) for key in keys]


def walk(rounds: Rounds, *keys: str) -> str | None:
    stop = rounds.next(stops(*keys))
    return stop.key if stop is not None else None


def test_rounds_go_on_where_a_stop_was_settled() -> None:
    rounds = Rounds()
    assert walk(rounds, *"abcd") == "a"
    assert walk(rounds, *"abcd") == "b"
    assert walk(rounds, *"acd") == "c"  # b is gone, c has its rank
    assert walk(rounds, *"abcd") == "d"
    assert walk(rounds, *"abcd") == "a"
    assert walk(rounds) is None
    assert walk(rounds, *"ab") == "a"


def test_a_comment_that_is_undone_or_redone_is_told_to_who_shows_it(
    session: Session, reviewing: Reviewing
) -> None:
    session.assign_at(100, 100)
    session.write(lambda: session.store.record(Comment(row=6, col=8, text="which tree?", question=True)))
    told: list[bool] = []
    session.reviewed.connect(lambda: told.append(True))
    session.undo()
    assert (len(told), reviewing.threads()) == (1, ())
    session.redo()
    assert (len(told), [thread.text for thread in reviewing.threads()]) == (2, ["which tree?"])
    session.undo()
    session.undo()
    assert len(told) == 3, "an undone stroke changes no comment"
