"""How a zone comes into a window, and how it goes: menus, dropped files, the dock. Needs a display."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import Any

from desk_driver import Driver, needs_window
from qtpy.QtWidgets import QLabel

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
        assert banner.text == dock.contents.problem
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
