"""Tile by tile through a zone, without Qt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from napari_plugin.screen import View
from napari_plugin.session import Session
from napari_plugin.tiles import Tiles
from workbench.campaign import Campaign
from workbench.geo.grid import Window
from workbench.labels.editing import Given, painting
from workbench.labels.edits import Provenance


@pytest.fixture
def bent_session(bent: Campaign) -> Iterator[Session]:
    with closing(Session.open(bent.path, zone_id=None, author="marie")) as opened:
        yield opened


def view_of(window: Window, pitch: float = 1.0) -> View:
    """Return a canvas that shows a window of the zone and a pixel around it."""
    return View(
        left=window.col - 1.0,
        top=window.row - 1.0,
        pitch=pitch,
        width=round((window.width + 2) / pitch),
        height=round((window.height + 2) / pitch),
    )


def paint(session: Session, window: Window, code: int = 5) -> None:
    mask = np.ones(window.shape, bool)
    session.store.apply(painting((window, mask), Given(code=code), Provenance(tool="brush")))


def test_the_tiles_are_the_patches_of_the_footprint(bent_session: Session) -> None:
    tiles = Tiles(bent_session)
    covered = np.zeros(bent_session.grid.shape, int)
    for window in tiles.windows:
        covered[window.slices] += 1
    assert (covered == bent_session.store.footprint).all()


def test_a_tile_is_looked_at_once_all_of_it_was_on_the_screen_for_a_second(bent_session: Session) -> None:
    tiles = Tiles(bent_session)
    told: list[bool] = []
    tiles.changed.connect(lambda: told.append(True))
    first = tiles.windows[0]
    tiles.watch(view_of(first), 10.0)
    tiles.watch(view_of(first), 10.9)
    assert not tiles.looked.any()
    tiles.watch(view_of(first), 11.0)
    assert tiles.looked.tolist() == [True, *[False] * (len(tiles.windows) - 1)]
    assert told


def test_a_glance_or_a_look_from_afar_is_none(bent_session: Session) -> None:
    tiles = Tiles(bent_session)
    first, second = tiles.windows[:2]
    for moment in range(20):  # to and fro, never long enough
        tiles.watch(view_of(first if moment % 2 else second), moment * 0.9)
    for moment in range(5):
        tiles.watch(view_of(bent_session.grid.whole, pitch=1.01), 100.0 + moment)
        tiles.watch(None, 200.0 + moment)
    assert not tiles.looked.any()


def test_a_tile_larger_than_the_canvas_is_looked_at_part_by_part(bent_session: Session) -> None:
    tiles, clock = Tiles(bent_session), 0.0
    first = tiles.windows[0]
    half = Window(row=first.row, col=first.col, height=first.height, width=first.width // 2)
    for window in (half, Window(row=half.row, col=half.col_stop, height=half.height, width=half.width)):
        assert not tiles.looked[0]
        for _ in range(2):
            tiles.watch(view_of(window), clock)
            clock += 1.0
    assert tiles.looked[0]


def test_only_who_labels_writes_down_what_they_looked_at(bent_session: Session) -> None:
    tiles = Tiles(bent_session)
    for moment in (0.0, 1.0):
        tiles.watch(view_of(tiles.windows[1]), moment)
    assert tiles.looked[1]
    assert bent_session.store.head == {}
    paint(bent_session, Window(row=0, col=0, height=2, width=2))
    tiles.watch(None, 2.0)
    assert bent_session.store.looks() == {bent_session.author: (tiles.windows[1],)}
    assert bent_session.store.own_count == 1
    saved = bent_session.last_saved
    assert saved is not None
    assert saved.number == 1
    # Another day it is known.
    assert Tiles(bent_session).looked.tolist() == tiles.looked.tolist()


def test_the_next_tile_is_one_that_was_not_looked_at(bent_session: Session) -> None:
    tiles = Tiles(bent_session)
    tiles.looked[1] = True
    assert tiles.go_next() == tiles.windows[2 % len(tiles.windows)]
    tiles.looked[:] = True
    before = tiles.current
    assert tiles.go_next() == tiles.windows[(before + 1) % len(tiles.windows)]
    assert tiles.go_back() == tiles.windows[before]


def test_shares_follow_the_labels_and_know_upper_classes(bent_session: Session) -> None:
    tiles = Tiles(bent_session)
    first = tiles.windows[0]
    paint(bent_session, Window(row=first.row, col=first.col, height=first.height // 2, width=first.width))
    tiles.follow(first)
    assert tiles.labelled[0] == 0  # not before it is counted
    tiles.count()
    assert tiles.labelled[0] == 0.5
    rest = Window(row=first.row + first.height // 2, col=0, height=first.height // 2, width=first.width)
    unsure = Given(code=0, upper="mineral_ground")
    mask = np.ones(rest.shape, bool)
    bent_session.store.apply(painting((rest, mask), unsure, Provenance(tool="brush")))
    tiles.follow(rest)
    tiles.count()
    assert tiles.labelled.tolist() == [1.0, *[0.0] * (len(tiles.windows) - 1)]


def test_the_next_bare_place_is_the_largest_of_its_tile_and_then_there_is_none(bent_session: Session) -> None:
    tiles = Tiles(bent_session)
    for window in tiles.windows:
        paint(bent_session, window)
    last = tiles.windows[-1]
    small = Window(row=last.row + 3, col=last.col + 4, height=2, width=3)
    large = Window(row=last.row + 30, col=last.col + 40, height=9, width=8)
    for hole in (small, large):
        paint(bent_session, hole, code=0)
    tiles.follow(bent_session.grid.whole)
    assert tiles.next_bare() == large
    paint(bent_session, large)
    tiles.follow(large)
    assert tiles.next_bare() == small
    paint(bent_session, small)
    tiles.follow(small)
    assert tiles.next_bare() is None


def test_others_and_other_days_are_told_apart(bent: Campaign) -> None:
    for author in ("marie", "bob"):
        with closing(Session.open(bent.path, zone_id=None, author=author, together=True)) as session:
            paint(session, Window(row=0, col=0, height=1, width=1))
            tiles = Tiles(session)
            assert not tiles.looked.any()
            number = 0 if author == "marie" else 1
            for moment in (0.0, 1.0):
                tiles.watch(view_of(tiles.windows[number]), moment)
    with closing(Session.open(bent.path, zone_id=None, author="bob")) as session:
        looked = Tiles(session).looked.tolist()
        assert looked == [False, True, *[False] * (len(looked) - 2)]
        assert sorted(session.store.looks()) == ["bob", "marie"]
