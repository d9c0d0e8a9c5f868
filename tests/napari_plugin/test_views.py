"""What one sees of a zone, without a viewer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from desk_cases import heard

from napari_plugin.desk_rasters import DeskRaster
from napari_plugin.pictures import Swipe
from napari_plugin.session import Session
from napari_plugin.views import Views
from workbench.campaign import Campaign
from workbench.geo.geotiff import write_raster
from workbench.geo.raster import inspect_raster, read_bands
from workbench.workflows.rasters import add_raster


class Reading:
    """Reads rasters when it is told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Callable[[], DeskRaster], Callable[[DeskRaster], None], Any]] = []

    def __call__(self, title: str, read: Any, done: Any, failed: Any) -> None:
        self.asked.append((title, read, done, failed))

    def finish(self) -> None:
        for _, read, done, _ in self.asked:
            done(read())
        self.asked.clear()


@pytest.fixture
def reading() -> Reading:
    return Reading()


@pytest.fixture
def views(session: Session, reading: Reading) -> Views:
    return Views(session, reading)


def test_a_zone_opens_in_natural_colours_with_infrared_as_the_second_look(views: Views) -> None:
    assert views.first.view.recipe.key == "rgb"
    assert views.second_recipe.key == "irc"
    assert views.second is None
    assert {"ndvi", "height", "hillshade", "band-NIR"} <= {recipe.key for recipe in views.recipes}


@pytest.mark.parametrize(("there", "second"), [(("rgb", "height", "band-R"), "height"), (("rgb",), "rgb")])
def test_without_infrared_the_second_look_is_the_next_way_in_the_list(
    session: Session, reading: Reading, monkeypatch: pytest.MonkeyPatch, there: tuple[str, ...], second: str
) -> None:
    found = {one.key: one for one in Views(session, reading).recipes}
    monkeypatch.setattr("napari_plugin.views.recipes_for", lambda rasters: [found[key] for key in there])
    assert Views(session, reading).second_recipe.key == second


def test_another_way_to_look_is_another_picture_of_the_same_raster(views: Views, reading: Reading) -> None:
    told: list[bool] = []
    views.changed.connect(lambda: told.append(True))
    before = views.first
    views.show("ndvi")
    assert views.first is not before
    assert views.first.raster is before.raster
    assert len(told) == 1
    assert not reading.asked
    views.show_place(99)
    assert views.first.view.recipe.key == "ndvi"
    views.toggle_infrared()
    assert views.first.view.recipe.key == "irc"
    views.toggle_infrared()
    assert views.first.view.recipe.key == "rgb"


def test_a_picture_without_infrared_stays_as_it_is_and_says_why(
    session: Session, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [one for one in Views(session, reading).recipes if one.key in ("rgb", "height")]
    monkeypatch.setattr("napari_plugin.views.recipes_for", lambda rasters: found)
    views, noticed = Views(session, reading), heard(session.noticed)
    views.toggle_infrared()
    assert views.first.view.recipe.key == "rgb"
    assert noticed == ["The picture of this zone has no infrared."]


def test_blinking_shows_the_second_view_as_long_as_it_lasts(views: Views) -> None:
    views.blink(True)
    assert views.second is not None
    assert views.second.view.recipe.key == "irc"
    assert views.second.view.swipe is None
    views.blink(False)
    assert views.second is None


def test_beside_the_first_the_second_view_is_clear_left_of_the_line(views: Views) -> None:
    views.swipe_at(31.0)
    assert views.second is not None
    assert views.second.view.swipe == Swipe(hides="left", at=31.0)
    views.swipe_at(42.0)
    assert views.second.view.swipe == Swipe(hides="left", at=42.0)
    views.show_second("ndvi")
    assert views.second.view.recipe.key == "ndvi"
    assert views.second.view.swipe == Swipe(hides="left", at=42.0)
    views.blink(True)  # over all of it, and back
    assert views.second.view.swipe is None
    views.blink(False)
    assert views.second.view.swipe == Swipe(hides="left", at=42.0)
    views.swipe_at(None)
    assert views.second is None


def test_shadows_are_lifted_in_both_views_and_in_those_to_come(views: Views) -> None:
    views.swipe_at(10.0)
    dark = views.first.overview().astype(int).mean()
    views.lift(2.0)
    assert views.first.overview().astype(int).mean() > dark
    assert views.second is not None
    assert views.first.view.look == views.second.view.look
    views.show("irc")
    assert views.first.view.look.gamma == 2.0


def test_the_thumbnail_shows_the_zone_and_nothing_around(views: Views, session: Session) -> None:
    thumbnail = views.thumbnail()
    height, width = session.grid.shape
    assert thumbnail.shape[2] == 3
    assert thumbnail.shape[0] / thumbnail.shape[1] == pytest.approx(height / width, rel=0.05)


def test_another_raster_is_read_when_it_is_looked_at_and_once(
    zone: Campaign, reading: Reading, tmp_path: Any
) -> None:
    only = zone.only_zone()
    other = tmp_path / "other.tif"
    write_raster(other, 255 - read_bands(only.ortho.path), inspect_raster(only.ortho.path).grid)
    add_raster(zone, only, other, role="other-date", acquired=date(2014, 7, 1))
    session = Session.open(zone.path, zone_id=None, author="marie")
    views = Views(session, reading)
    key = next(recipe.key for recipe in views.recipes if recipe.raster == "other-date-2014-07-01")
    views.show(key)
    assert [title for title, *_ in reading.asked] == ["Reading other-date-2014-07-01"]
    assert views.first.view.recipe.key == "rgb"
    reading.finish()
    assert views.first.view.recipe.key == key
    views.show("rgb")
    views.show(key)
    assert not reading.asked
    session.close()


def test_a_raster_that_cannot_be_read_is_said_and_changes_nothing(
    zone: Campaign, reading: Reading, tmp_path: Any
) -> None:
    only = zone.only_zone()
    other = tmp_path / "other.tif"
    write_raster(other, read_bands(only.ortho.path), inspect_raster(only.ortho.path).grid)
    add_raster(zone, only, other, role="other-date", acquired=date(2014, 7, 1))
    session = Session.open(zone.path, zone_id=None, author="marie")
    views, refused = Views(session, reading), heard(session.refused)
    views.show(next(recipe.key for recipe in views.recipes if recipe.raster == "other-date-2014-07-01"))
    reading.asked[0][3]("the raster has gone; put it back")
    assert refused == ["the raster has gone; put it back"]
    assert views.first.view.recipe.key == "rgb"
    session.close()
