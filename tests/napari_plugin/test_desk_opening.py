"""How a zone comes into a window, and how it goes: menus, dropped files, the dock. Needs a display."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import weakref
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from desk_cases import edits
from desk_driver import Driver, needs_window
from made_proposals import pooled, propose, told
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog, QInputDialog, QLabel, QPushButton

from napari_plugin.language import sentence
from napari_plugin.panels import Banner
from napari_plugin.session import Session
from napari_plugin.widgets import LabellingDock
from workbench.campaign import Campaign

pytestmark = needs_window


def plugin_dock(viewer: Any) -> LabellingDock:
    """Open the dock as napari's Plugins menu does."""
    _, dock = viewer.window.add_plugin_dock_widget("ocs-workbench", "Land-cover labelling")
    return dock


def pointer_callbacks(viewer: Any) -> list[set[str]]:
    """Return what hears the pointer, kind by kind."""
    kinds = ("move", "drag", "wheel", "double_click")
    lists = [getattr(viewer, f"mouse_{kind}_callbacks") for kind in kinds]
    return [{callback.__name__ for callback in callbacks} for callbacks in lists]


def test_a_dock_that_goes_frees_journal_layers_and_pointer(
    make_napari_viewer_proxy: Any, session: Session, zone: Campaign, qtbot: Any
) -> None:
    viewer = make_napari_viewer_proxy(show=True)
    before = pointer_callbacks(viewer)
    desk = Driver(viewer, session)
    assert len(viewer.layers) == 4
    assert pointer_callbacks(viewer) != before
    viewer.window.remove_dock_widget(desk.dock)
    qtbot.waitUntil(lambda: len(viewer.layers) == 0)
    assert pointer_callbacks(viewer) == before
    Session.open(zone.path, zone_id=None, author="marie").close()
    vars(desk).clear()


def test_zones_that_were_left_do_not_gather_in_memory(
    make_napari_viewer_proxy: Any, zone: Campaign, qtbot: Any
) -> None:
    viewer = make_napari_viewer_proxy(show=True)
    desk = Driver(viewer)
    opened = []
    for _ in range(4):
        desk.dock.open_zone(zone.path, "D051_2019/Z1_AA", "marie")
        qtbot.waitUntil(lambda: desk.dock.session is not None, timeout=20_000)
        desk.settle()
        desk.move(100, 100)
        opened.append(weakref.ref(desk.dock.session))
    # What was still being done for the last one may hold it until the next is left.
    assert [session() for session in opened[:-2]] == [None, None]
    assert opened[-1]() is desk.dock.session
    viewer.window.remove_dock_widget(desk.dock)
    qtbot.waitUntil(lambda: len(viewer.layers) == 0)
    vars(desk).clear()


@pytest.mark.parametrize("how", ["closed", "open"])
def test_a_script_may_end_with_its_window_still_there(zone: Campaign, tmp_path: Path, how: str) -> None:
    script = Path(__file__).with_name("left_open.py")
    done = subprocess.run(
        [sys.executable, str(script), str(zone.path), "D051_2019/Z1_AA", how],
        env=os.environ | {"XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    Session.open(zone.path, zone_id=None, author="marie").close()


def test_a_dropped_registry_opens_its_zone_in_the_dock(
    make_napari_viewer_proxy: Any, zone: Campaign, qtbot: Any
) -> None:
    viewer = make_napari_viewer_proxy()
    dock = plugin_dock(viewer)
    assert dock.session is None
    viewer.open(str(zone.path / "registry.gpkg"), plugin="ocs-workbench")
    qtbot.waitUntil(lambda: dock.session is not None, timeout=20_000)
    assert dock.session.zone_id == "D051_2019/Z1_AA"
    assert viewer.layers[0].name == "Picture"
    viewer.window.remove_dock_widget(dock)
    qtbot.waitUntil(lambda: len(viewer.layers) == 0)


def test_a_dropped_registry_takes_the_place_of_the_zone_that_is_open(
    make_napari_viewer_proxy: Any, zone: Campaign, bent: Campaign, qtbot: Any
) -> None:
    viewer = make_napari_viewer_proxy()
    dock = LabellingDock(viewer, Session.open(zone.path, zone_id=None, author="marie"))
    viewer.window.add_dock_widget(dock, area="right")
    viewer.open(str(bent.path / "registry.gpkg"), plugin="ocs-workbench")

    def other() -> bool:
        return dock.session is not None and dock.session.opened.campaign.path == bent.path

    qtbot.waitUntil(other, timeout=20_000)
    assert dock.session.author == "marie"
    assert [layer.name for layer in viewer.layers] == ["Picture", "Second view", "Classes", "Regions"]
    viewer.window.remove_dock_widget(dock)
    qtbot.waitUntil(lambda: len(viewer.layers) == 0)


def test_a_dropped_registry_neither_unblinds_a_zone_nor_opens_one_under_another_name(
    make_napari_viewer_proxy: Any, zone: Campaign, bent: Campaign, qtbot: Any
) -> None:
    viewer = make_napari_viewer_proxy()
    dock = LabellingDock(viewer, Session.open(zone.path, zone_id=None, author="jean", blind=True))
    viewer.window.add_dock_widget(dock, area="right")
    before = dock.session
    viewer.open(str(zone.path / "registry.gpkg"), plugin="ocs-workbench")
    qtbot.waitUntil(lambda: dock.session not in (None, before), timeout=20_000)
    assert (dock.session.author, dock.session.opened.blind) == ("jean", True)
    dock.close_session()
    (bent.path / "registry.gpkg").rename(bent.path / "away")
    dock.open_zone(bent.path, "D051_2019/Z1_AA", "jean")
    qtbot.waitUntil(lambda: not dock._opening.busy, timeout=20_000)
    (bent.path / "away").rename(bent.path / "registry.gpkg")
    viewer.open(str(bent.path / "registry.gpkg"), plugin="ocs-workbench")
    qtbot.waitUntil(lambda: dock.session is not None, timeout=20_000)
    assert dock.session.author == "jean"
    viewer.window.remove_dock_widget(dock)
    qtbot.waitUntil(lambda: len(viewer.layers) == 0)


def test_a_dock_that_was_taken_out_leaves_a_dropped_registry_to_the_next_one(
    make_napari_viewer_proxy: Any, zone: Campaign, bent: Campaign, qtbot: Any
) -> None:
    viewer = make_napari_viewer_proxy()
    gone = LabellingDock(viewer, Session.open(zone.path, zone_id=None, author="marie"))
    viewer.window.add_dock_widget(gone, area="right")
    qtbot.waitUntil(lambda: "Zone" in viewer.window.dock_widgets)
    viewer.window.remove_dock_widget(gone)
    qtbot.waitUntil(lambda: len(viewer.layers) == 0)
    assert "Zone" not in viewer.window.dock_widgets  # its pages went along
    viewer.open(str(bent.path / "registry.gpkg"), plugin="ocs-workbench")
    QTest.qWait(100)
    assert len(viewer.layers) == 1
    dock = LabellingDock(viewer)
    viewer.window.add_dock_widget(dock, area="right")
    qtbot.waitUntil(lambda: dock.session is not None, timeout=20_000)
    assert gone.session is None
    viewer.window.remove_dock_widget(dock)
    qtbot.waitUntil(lambda: len(viewer.layers) == 0)


def test_pages_that_somebody_closed_come_back_with_the_zones_and_with_another_zone(
    make_napari_viewer_proxy: Any, zone: Campaign, qtbot: Any
) -> None:
    viewer = make_napari_viewer_proxy()
    dock = LabellingDock(viewer, Session.open(zone.path, zone_id=None, author="marie"))
    viewer.window.add_dock_widget(dock, area="right")
    docks = viewer.window.dock_widgets
    qtbot.waitUntil(lambda: "Zone" in docks)
    for bring_back in (
        dock.commands["zones"],
        lambda: dock.show_session(Session.open(zone.path, zone_id=None, author="jean", together=True)),
    ):
        viewer.window.remove_dock_widget(docks["Zone"])
        assert "Zone" not in docks
        bring_back()
        qtbot.waitUntil(lambda: "Zone" in docks)
    viewer.window.remove_dock_widget(docks["Zone"])
    viewer.window.remove_dock_widget(dock)
    qtbot.waitUntil(lambda: len(viewer.layers) == 0)


def test_what_is_in_the_way_of_a_zone_is_told_in_the_dock(
    make_napari_viewer_proxy: Any, zone: Campaign, qtbot: Any
) -> None:
    dock = LabellingDock(make_napari_viewer_proxy())

    def problem() -> str:
        """Try to open the zone, and return what the dock says in the end."""
        dock.open_zone(zone.path, "D051_2019/Z1_AA", "marie")
        assert dock.contents.findChild(QLabel, "title").text() == "Opening D051_2019/Z1_AA…"
        qtbot.waitUntil(lambda: bool(dock.contents.problem), timeout=20_000)
        assert dock.session is None
        (banner,) = dock.contents.findChildren(Banner)
        assert banner.text == sentence(dock.contents.problem)
        return dock.contents.problem

    with closing(Session.open(zone.path, zone_id=None, author="paul")):
        assert "paul is labelling zone D051_2019/Z1_AA" in problem()
    shutil.rmtree(zone.path / "rasters")
    assert "ortho.tif" in problem()
    (zone.path / "registry.gpkg").unlink()
    assert "is not a campaign; make one" in problem()
    dock.deleteLater()


def test_the_sample_zone_can_be_labelled(make_napari_viewer_proxy: Any, qtbot: Any) -> None:
    viewer = make_napari_viewer_proxy()
    viewer.open_sample("ocs-workbench", "sample_zone")
    assert [layer.metadata["crs"] for layer in viewer.layers] == ["EPSG:2154"]
    dock = plugin_dock(viewer)
    qtbot.waitUntil(lambda: dock.session is not None, timeout=20_000)
    dock.session.assign_at(100, 100)
    assert dock.session.labels.any()
    dock.close_session()


def test_closing_the_window_in_the_middle_of_a_drag_loses_that_drag_and_nothing_else(
    make_napari_viewer: Any, session: Session, zone: Campaign, qtbot: Any
) -> None:
    viewer = make_napari_viewer(show=True)
    desk = Driver(viewer, session)
    desk.desk.fit()
    session.set_class(5)
    session.set_level(150)
    desk.click(100, 100)
    labels = session.labels.copy()
    assert labels[100, 100] == 5
    desk.press("J")
    desk.down(300, 100)
    desk.on(300, 300)
    desk.on(320, 400)
    vars(desk).clear()
    viewer.close()
    QTest.qWait(50)
    with closing(Session.open(zone.path, zone_id=None, author="marie")) as again:
        assert (again.labels == labels).all()
        assert [op.tool for op in edits(again)] == ["pick"]
    later = Driver(make_napari_viewer(show=True))
    later.dock.open_zone(zone.path, "D051_2019/Z1_AA", "marie")
    qtbot.waitUntil(lambda: later.dock.session is not None, timeout=20_000)
    assert (later.desk.layers.classes.data == labels).all()
    assert later.panel.coverage.share == pytest.approx((labels > 0).mean())
    assert f"Saved · edit {len(edits(later.session))} · " in later.panel.saved.text
    later.close()


def test_a_zone_that_is_read_when_its_dock_is_gone_already_is_given_back(
    make_napari_viewer_proxy: Any, zone: Campaign, qtbot: Any
) -> None:
    viewer = make_napari_viewer_proxy()
    dock = plugin_dock(viewer)
    dock.open_zone(zone.path, "D051_2019/Z1_AA", "marie")
    opening = dock._opening
    viewer.window.remove_dock_widget(dock)
    qtbot.waitUntil(lambda: not opening.busy, timeout=20_000)
    qtbot.wait(50)
    assert dock.session is None
    assert len(viewer.layers) == 0
    Session.open(zone.path, zone_id=None, author="marie").close()


def test_a_zone_is_chosen_from_the_campaigns_that_are_there(
    make_napari_viewer_proxy: Any, zone: Campaign, tmp_path: Path, qtbot: Any, monkeypatch: Any
) -> None:
    dock = LabellingDock(make_napari_viewer_proxy())
    button = dock.contents.findChild(QPushButton, "open")
    chosen = {"folder": "", "zone": ("", False)}
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: chosen["folder"])
    monkeypatch.setattr(QInputDialog, "getItem", lambda *question, **_: offered(question))

    def offered(question: tuple[Any, ...]) -> tuple[str, bool]:
        assert question[3] == ["D051_2019/Z1_AA"]
        return question[3][0], True

    button.click()
    assert not dock.contents.problem
    chosen["folder"] = str(tmp_path / "nothing")
    button.click()
    assert "is not a campaign" in dock.contents.problem
    button = dock.contents.findChild(QPushButton, "open")
    chosen["folder"] = str(zone.path)
    button.click()
    qtbot.waitUntil(lambda: dock.session is not None, timeout=20_000)
    assert dock.session.zone_id == "D051_2019/Z1_AA"
    dock.close_session()
    dock.deleteLater()


def test_a_campaign_without_any_zone_shows_what_is_proposed_and_opens_what_is_made_of_it(
    make_napari_viewer_proxy: Any, tmp_path: Path, qtbot: Any, monkeypatch: Any
) -> None:
    campaign = pooled(Campaign.create(tmp_path / "new"))
    dock = LabellingDock(make_napari_viewer_proxy())
    qtbot.addWidget(dock)
    dock.show()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(campaign.path))
    dock.contents.findChild(QPushButton, "open").click()
    empty = dock.contents
    qtbot.waitUntil(lambda: empty.queue.told == "0 zones", timeout=20_000)
    assert not empty.queue.proposals.make.isVisible()
    propose(campaign, adviser=told(campaign))
    empty.findChild(QPushButton, "open").click()  # the same campaign, once more
    page = dock.contents
    assert page is not empty
    strip = page.queue.proposals
    qtbot.waitUntil(strip.make.isVisible, timeout=20_000)
    assert strip.list.topLevelItemCount() == 2
    strip.make.click()
    qtbot.waitUntil(lambda: dock.session is not None, timeout=60_000)
    assert dock.session.zone_id == "D051_2019/Z1"
    assert [zone.id for zone in campaign.zones()] == ["D051_2019/Z1"]
    dock.close_session()
