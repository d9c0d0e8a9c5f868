"""Pre-labels on the desk: what the preview shows is what accepting does, and the hand is free meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from desk_cases import heard, last_op, lit, over
from numpy.typing import NDArray
from prelabel_cases import CODES, UNET, propose

from napari_plugin.others import Others
from napari_plugin.prelabels import Choice, Looked, Prelabelling
from napari_plugin.screen import View
from napari_plugin.session import Session
from workbench.campaign import Campaign
from workbench.errors import EditRefused
from workbench.geo.grid import Window
from workbench.labels.edits import Look, Provenance, assign
from workbench.labels.prelabels import Chosen
from workbench.labels.proposed import Group

MADE = Provenance(tool="polygon")
SCREEN = Window(row=0, col=0, height=200, width=300)


@pytest.fixture
def session(bent: Campaign) -> Iterator[Session]:
    """An L-shaped zone with pre-labels."""
    propose(bent)
    with closing(Session.open(bent.path, zone_id=None, author="marie")) as opened:
        yield opened


@pytest.fixture
def prelabels(session: Session) -> Prelabelling:
    found = Prelabelling(session)
    session.repainted.connect(found.follow)
    journals = found.unread()
    assert journals is not None
    found.take(journals.replayed())
    settle(found)
    return found


def settle(prelabels: Prelabelling) -> None:
    while prelabels.count():
        pass
    assert prelabels.counted


def view(pitch: float, row: float, col: float) -> Looked:
    """Return the rows and columns of the zone that a canvas shows, some of them outside."""
    looking = View(left=col, top=row, pitch=pitch, width=SCREEN.width, height=SCREEN.height)
    return Looked(rows=looking.rows(SCREEN), cols=looking.cols(SCREEN))


def seen(plane: NDArray[np.uint8], looked: Looked) -> NDArray[np.uint8]:
    """Sample a plane the slow way, 0 outside."""
    (height, width), rows, cols = plane.shape, looked.rows, looked.cols
    inside = ((rows >= 0) & (rows < height))[:, None] & ((cols >= 0) & (cols < width))[None]
    sample = plane[rows.clip(0, height - 1)][:, cols.clip(0, width - 1)]
    return np.where(inside, sample, 0).astype(plane.dtype)


def accept(prelabels: Prelabelling) -> None:
    """Accept what is chosen, in another thread."""
    work = prelabels.begin_accepting()
    assert work is not None
    with ThreadPoolExecutor(max_workers=1) as pool:
        prelabels.end_accepting(pool.submit(work, lambda share, what: None).result())


CHOICES = {
    "all": Choice(),
    "above a confidence": Choice(above=0.6),
    "some classes": Choice(groups=frozenset({Group(model=UNET, code=5, upper=None)})),
    "over what is there": Choice(over=True),
    "sure ones over what is there": Choice(above=0.3, over=True),
}


@pytest.mark.parametrize("name", CHOICES)
def test_the_preview_shows_exactly_what_accepting_changes(
    session: Session, prelabels: Prelabelling, name: str
) -> None:
    session.set_class(7)
    session.set_level(200)
    for place in ((100, 100), (700, 300), (800, 900)):
        session.assign_at(*place)
    settle(prelabels)
    prelabels.choose(CHOICES[name])
    before = session.labels.copy()
    windows = [view(5.0, -60, -40), view(1.0, 480, 300), view(0.2, 700, 310)]
    previews = [prelabels.preview_codes(place) for place in windows]
    tally = prelabels.tally()
    steps = session.store.undo_steps
    accept(prelabels)
    changed = session.labels != before
    for place, preview in zip(windows, previews, strict=True):
        assert np.array_equal(preview > 0, seen(changed.view(np.uint8), place) > 0)
        given = seen(session.labels, place)
        for number in np.unique(preview[preview > 0]).tolist():
            entry = session.nomenclature.by_code(int(given[preview == number][0]))
            assert prelabels.colours[number] == entry.colour
            assert (given[preview == number] == entry.code).all()
    for group, one in tally.items():
        assert one.pixels == (changed & (session.labels == group.code)).sum()
    assert sum(one.pixels for one in tally.values()) == changed.sum() > 0
    assert session.store.undo_steps == steps + 1
    settle(prelabels)
    if not name.startswith("sure"):
        assert prelabels.tally() == {}
    session.undo()
    assert np.array_equal(session.labels, before)
    settle(prelabels)
    assert prelabels.tally() == tally


def test_overlays_show_the_class_and_the_confidence_of_the_op_that_proposes(
    session: Session, prelabels: Prelabelling
) -> None:
    proposed = session.store.prelabels()
    place = view(4.0, -100, -100)
    classes = prelabels.class_codes(place)
    given = seen(proposed.codes, place)
    assert np.array_equal(classes > 0, given > 0)
    assert set(np.unique(given).tolist()) == {0, *CODES}
    pairs = {(int(a), int(b)) for a, b in zip(classes.flat, given.flat, strict=True)}
    assert len(pairs) == len(CODES) + 1
    said = proposed.proposed.confidence[seen(proposed.last, place)]
    heat = prelabels.heat_codes(place).astype(int)
    figures = (given > 0) & ~np.isnan(said)
    assert (heat[figures] == np.rint(said[figures] * 100) + 1).all()
    assert (heat[(given > 0) & np.isnan(said)] == 102).all()
    assert (heat[given == 0] == 0).all()


def test_a_part_of_the_screen_shows_what_it_shows_in_the_whole(
    session: Session, prelabels: Prelabelling
) -> None:
    session.set_class(5)
    session.assign_at(700, 300)
    settle(prelabels)
    whole, part = view(0.4, 600, 250), Window(row=20, col=30, height=50, width=70)
    within = replace(whole, part=part)
    for codes in (
        prelabels.preview_codes,
        prelabels.class_codes,
        prelabels.heat_codes,
        lambda looked: prelabels.class_codes(looked, waiting=True),
    ):
        expected = codes(whole)[part.slices]
        assert expected.any()
        assert np.array_equal(codes(within), expected)
    bare = (seen(session.labels, whole) == 0) & (seen(session.store.prelabels().codes, whole) > 0)
    assert np.array_equal(prelabels.heat_codes(whole, waiting=True) > 0, bare)
    assert not bare.all()


def test_while_another_thread_has_the_store_nobody_else_touches_it(
    session: Session, prelabels: Prelabelling, bent: Campaign
) -> None:
    work = prelabels.begin_accepting()
    assert work is not None
    refused, head = heard(session.refused), session.store.head
    session.assign_at(100, 100)
    session.undo()
    assert not session.write(lambda: pytest.fail("somebody wrote"))
    assert not session.record_quietly(Look(window=Window(row=0, col=0, height=512, width=512)))
    assert prelabels.begin_accepting() is None
    assert set(refused) == {"Pre-labels are being accepted; wait until that is done."}
    with bent.open_store(bent.only_zone(), author="jean") as jean:
        jean.apply_drawn(jean.prelabels().accepting(Chosen(code=5)))
    Others(session).look()
    assert session.store.head == head
    repainted = heard(session.repainted)
    prelabels.end_accepting(work(lambda share, what: None))
    assert len(repainted) == 1
    Others(session).look()
    assert "jean" in session.store.head
    session.assign_at(100, 100)
    assert last_op(session).tool == "pick"


def test_a_refusal_gives_the_store_back_as_it_was(session: Session, prelabels: Prelabelling) -> None:
    accept(prelabels)
    work = prelabels.begin_accepting()
    assert work is not None
    with pytest.raises(EditRefused, match="is labelled already"):
        work(lambda share, what: None)
    prelabels.end_accepting(None)
    session.undo()
    assert not session.labels.any()


def test_the_region_under_the_pointer_takes_its_prelabels_over(
    session: Session, prelabels: Prelabelling
) -> None:
    session.set_level(150)
    hover = session.hover_at(600, 200)
    here = lit(session, hover)
    proposed = session.store.prelabels()
    prelabels.accept_here()
    assert np.array_equal(session.labels, np.where(here, proposed.codes, 0))
    alone = np.unique(proposed.last[here]).size == 1
    assert last_op(session).tool == ("accept" if alone else "accept-all")
    refused = heard(session.refused)
    prelabels.accept_here()
    assert refused
    assert "labelled already" in refused[0]
    session.set_class(1)
    session.assign_at(600, 200)
    prelabels.choose(Choice(over=True))
    prelabels.accept_here()
    assert np.array_equal(session.labels, np.where(here, proposed.codes, 0))


def test_next_uncertain_goes_from_where_a_pick_is_worth_most_on_and_round(
    session: Session, prelabels: Prelabelling
) -> None:
    proposed = session.store.prelabels()
    noticed, walked = heard(session.noticed), []
    waiting = sum(one.regions for one in prelabels.waiting().values())
    for _ in range(waiting):
        region = prelabels.next_uncertain()
        assert region is not None
        where = over(region, session.grid.shape)
        (op,) = np.unique(proposed.last[where]).tolist()
        assert np.array_equal(where, proposed.last == op)
        walked.append(op)
    assert len(set(walked)) == waiting
    said = proposed.proposed.confidence[walked]
    pixels = np.bincount(proposed.last.ravel())[walked]
    figures = ~np.isnan(said)
    worth = pixels[figures] * (1 - said[figures]) ** 3
    assert worth.tolist() == sorted(worth, reverse=True)
    assert not figures[np.count_nonzero(figures) :].any()
    first = f"{pixels[0]:,} px, confidence {said[0]:.0%}, about {pixels[0] * (1 - said[0]):,.0f} wrong"
    assert "".join(noticed[0].split()).endswith("".join(first.split()))
    assert noticed[-1].endswith("no confidence said")
    again = prelabels.next_uncertain()
    assert again is not None
    assert np.array_equal(over(again, session.grid.shape), proposed.last == walked[0])


def test_what_was_accepted_unseen_comes_after_what_waits_until_somebody_looks(
    session: Session, prelabels: Prelabelling
) -> None:
    prelabels.choose(Choice(above=0.5))
    accept(prelabels)
    settle(prelabels)
    noticed = heard(session.noticed)
    waiting = sum(one.regions for one in prelabels.waiting().values())
    shown = [prelabels.next_uncertain() for _ in range(40)]
    assert all(region is not None for region in shown)
    unseen = ["accepted unseen" in told for told in noticed]
    assert unseen == [False] * waiting + [True] * (40 - waiting)
    session.set_level(0)
    for region in shown:
        assert region is not None
        row, col = np.argwhere(over(region, session.grid.shape))[0].tolist()
        session.set_class(int(session.store.prelabels().codes[row, col]))
        session.commit(lambda region=region: [assign(region[1], region[0], session.code, MADE)])
    settle(prelabels)
    assert prelabels.next_uncertain() is None
    assert noticed[-1] == "No pre-label waits any more, and each was looked at."


def test_of_a_prelabel_that_is_taken_in_part_the_rest_waits(
    session: Session, prelabels: Prelabelling
) -> None:
    region = prelabels.next_uncertain()
    assert region is not None
    whole = over(region, session.grid.shape)
    row, col = np.argwhere(whole)[0]
    session.set_level(0)
    session.set_class(1)
    session.assign_at(int(row), int(col))
    settle(prelabels)
    fresh = Prelabelling(session)
    assert fresh.unread() is None  # the store has them already
    settle(fresh)
    left = fresh.next_uncertain()
    assert left is not None
    assert np.array_equal(over(left, session.grid.shape), whole & (session.labels == 0))


def test_groups_are_chosen_one_by_one(session: Session, prelabels: Prelabelling) -> None:
    assert [group.code for group in prelabels.groups] == sorted(CODES)
    first = prelabels.groups[0]
    prelabels.toggle(first)
    assert prelabels.choice.groups == frozenset(prelabels.groups[1:])
    assert set(prelabels.tally()) == set(prelabels.groups[1:])
    prelabels.toggle(first)
    assert prelabels.choice == Choice()
    prelabels.choose(replace(prelabels.choice, groups=frozenset()))
    assert prelabels.told() == "Nothing would change."
    assert prelabels.title_of(first) == session.title_of(first.code)


def test_what_would_change_is_told_in_regions_pixels_and_area(
    session: Session, prelabels: Prelabelling
) -> None:
    pixels = int(session.store.footprint.sum())
    hectares = pixels * 0.04 / 1e4
    ha = "\N{NO-BREAK SPACE}ha"
    assert prelabels.told() == f"40 regions would change: {pixels:,} pixels, {hectares:.2f}{ha}"
    session.set_class(3)
    session.assign_at(600, 200)
    assert prelabels.told() == "Counting…"


def test_what_a_model_writes_meanwhile_is_read_when_others_are(
    session: Session, prelabels: Prelabelling, bent: Campaign
) -> None:
    assert prelabels.unread() is None
    propose(bent, 7, model="model-tree", seed=1)
    Others(session).look()
    journals = prelabels.unread()
    assert journals is not None
    prelabels.take(journals.replayed())
    assert {group.model for group in prelabels.groups} == {UNET, "model-tree"}


def test_without_a_model_there_is_nothing_to_read_or_accept(zone: Campaign) -> None:
    with closing(Session.open(zone.path, zone_id=None, author="marie")) as session:
        prelabels, noticed = Prelabelling(session), heard(session.noticed)
        assert not prelabels.present
        assert prelabels.unread() is None
        session.hover_at(100, 100)
        prelabels.accept_here()
        assert prelabels.next_uncertain() is None
        assert noticed == ["No model proposes anything in this zone."] * 2


def test_who_labels_blind_sees_no_prelabels(bent: Campaign) -> None:
    propose(bent)
    with closing(Session.open(bent.path, zone_id=None, author="jean", blind=True)) as session:
        assert not Prelabelling(session).present
