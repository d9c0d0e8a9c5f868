"""The desk in a real viewer: layers, pointer, keys, dock. Needs a display."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QKeySequence, QMouseEvent, QWheelEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_plugin.bindings import KEYS, Binding
from napari_plugin.contributions import coarser, redo, undo
from napari_plugin.session import Session
from napari_plugin.widgets import DOCK_NAME, LabellingDock
from workbench.campaign import Campaign
from workbench.workflows.intake import add_zone
from workbench.workflows.segmenting import segment_zones

NO_DISPLAY = sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
pytestmark = [
    pytest.mark.window,
    pytest.mark.skipif(NO_DISPLAY, reason="a window needs a display; run under xvfb-run"),
]
MakeOrtho = Callable[..., tuple[Path, Path]]
NOTHING, LEFT, MIDDLE = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
PLAIN, CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def zone(campaign: Campaign, make_ortho: MakeOrtho) -> Campaign:
    """A campaign with a segmented zone of one patch in a raster that reaches beyond it."""
    image, _ = make_ortho(640, 640, row=-64, col=-64)
    add_zone(campaign, image, domain="D051_2019", name="Z1_AA")
    list(segment_zones(campaign, None, say=lambda message: None))
    return campaign


class Driver:
    """A person at the desk: Qt events on the canvas and the window, and what is seen."""

    def __init__(self, viewer: Any, session: Session) -> None:
        self.viewer, self.session = viewer, session
        viewer.window.resize(1400, 900)
        self.dock = LabellingDock(viewer, session)
        viewer.window.add_dock_widget(self.dock, name=DOCK_NAME, area="right")
        self.window = self.dock.window()
        self.canvas = self.window.findChild(QOpenGLWidget)
        self.window.activateWindow()
        QTest.qWait(200)
        self.dock.desk.fit()
        QTest.qWait(50)

    def at(self, row: float, col: float) -> QPointF:
        camera, resolution = self.viewer.scene.camera, self.session.grid.resolution
        down, across = camera.center[-2:]
        return QPointF(
            self.canvas.width() / 2 + (col * resolution - across) * camera.zoom,
            self.canvas.height() / 2 + (row * resolution - down) * camera.zoom,
        )

    def send(self, kind: QEvent.Type, point: QPointF, button: Any = NOTHING, held: Any = NOTHING) -> None:
        where = self.canvas.mapToGlobal(point)
        QApplication.sendEvent(self.canvas, QMouseEvent(kind, point, where, button, held, PLAIN))
        QTest.qWait(8)  # napari takes a move every 5 ms

    def move(self, row: float, col: float) -> None:
        self.send(QEvent.Type.MouseMove, self.at(row, col))

    def click(self, row: float, col: float) -> None:
        self.drag(self.at(row, col), self.at(row, col))

    def drag(self, start: QPointF, stop: QPointF, button: Any = LEFT) -> None:
        self.send(QEvent.Type.MouseMove, start)
        self.send(QEvent.Type.MouseButtonPress, start, button, button)
        if stop != start:
            self.send(QEvent.Type.MouseMove, (start + stop) / 2, NOTHING, button)
            self.send(QEvent.Type.MouseMove, stop, NOTHING, button)
        self.send(QEvent.Type.MouseButtonRelease, stop, button)

    def wheel(self, row: float, col: float, notches: int, modifiers: Any = CONTROL) -> None:
        point = self.at(row, col)
        event = QWheelEvent(
            point,
            self.canvas.mapToGlobal(point),
            QPoint(),
            QPoint(0, 120 * notches),
            NOTHING,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.canvas, event)
        QTest.qWait(8)

    def press(self, key: str) -> None:
        QTest.keySequence(self.window, QKeySequence(key))
        QTest.qWait(8)

    def colour(self, row: int, col: int) -> np.ndarray:
        """Return the colour on the screen at a pixel's centre."""
        shot = self.viewer.screenshot(canvas_only=True, flash=False)
        point, ratio = self.at(row, col), shot.shape[1] / self.canvas.width()
        return shot[int(point.y() * ratio), int(point.x() * ratio), :3].astype(int)


@pytest.fixture
def session(zone: Campaign) -> Iterator[Session]:
    opened = Session.open(zone.path, zone_id=None, author="marie")
    yield opened
    opened.close()


@pytest.fixture
def desk(make_napari_viewer_proxy: Any, session: Session) -> Iterator[Driver]:
    driver = Driver(make_napari_viewer_proxy(show=True), session)
    yield driver
    # pytest keeps the driver until napari has looked for leaked viewers.
    vars(driver).clear()


def test_layers_lie_in_order_in_one_world_of_metres(desk: Driver) -> None:
    names = ["Orthophoto", "Colour-infrared", "Around the zone", "Classes", "Regions", "Pointer"]
    assert [layer.name for layer in desk.viewer.layers] == names
    for layer in desk.viewer.layers:
        assert [str(unit) for unit in layer.units] == ["meter", "meter"]
        assert tuple(layer.scale) == (0.2, 0.2)
        assert layer.metadata["crs"] == "EPSG:2154"
    assert desk.viewer.layers.selection.active.name == "Classes"
    assert desk.dock.desk.classes.mode == "pan_zoom"
    assert not desk.dock.desk.infrared.visible
    assert tuple(desk.dock.desk.ortho.translate) == (-12.8, -12.8)


def test_what_is_clicked_is_what_lit_up_and_shows_the_class_colour(desk: Driver) -> None:
    session = desk.session
    session.set_class(5)
    session.set_level(200)
    desk.move(256, 300)
    lit = desk.dock.desk.pointer.data > 0
    assert lit[256, 300]
    assert not session.labels.any()
    desk.click(256, 300)
    assert ((session.labels == 5) == lit).all()


def test_a_repaint_changes_the_pixels_of_its_window_on_the_screen(desk: Driver) -> None:
    session = desk.session
    desk.dock.desk.contours.visible = desk.dock.desk.pointer.visible = False
    desk.dock.desk.classes.opacity = 1.0
    session.set_level(180)
    session.set_class(5)
    hover = session.hover_at(400, 100)
    assert hover is not None
    beside = next(
        (row, col) for row, col in ((100, 400), (20, 20), (500, 500)) if not hover.window.contains(row, col)
    )
    before = desk.colour(*beside)
    session.assign_at(400, 100)
    assert desk.colour(400, 100).tolist() == [0x15, 0x53, 0xAE]
    assert desk.colour(*beside).tolist() == before.tolist()
    session.undo()
    assert desk.colour(400, 100).tolist() != [0x15, 0x53, 0xAE]


def test_the_pointer_leaves_no_trail(desk: Driver) -> None:
    for row, col in ((10, 10), (300, 200), (500, 500)):
        desk.move(row, col)
    hover = desk.session.hover
    assert hover is not None
    assert np.count_nonzero(desk.dock.desk.pointer.data) == hover.mask.sum()
    desk.session.leave()
    assert not desk.dock.desk.pointer.data.any()


def test_a_drag_pans_and_picks_nothing(desk: Driver) -> None:
    for button in (LEFT, MIDDLE):
        centre = np.array(desk.viewer.scene.camera.center)
        start = desk.at(256, 256)
        desk.drag(start, start + QPointF(80, 40), button)
        moved = (np.array(desk.viewer.scene.camera.center) - centre) * desk.viewer.scene.camera.zoom
        assert moved[-2:] == pytest.approx([-40, -80], abs=0.5)
    assert desk.session.store.last_id is None


def test_a_hand_that_shakes_still_clicks_where_it_pressed(desk: Driver) -> None:
    start = desk.at(256, 256)
    desk.drag(start, start + QPointF(3, 2))
    op = desk.session.store.op_at(256, 256)
    assert op is not None
    assert desk.session.store.last_id == "marie:1"


def test_only_a_plain_left_click_picks(desk: Driver) -> None:
    desk.drag(desk.at(256, 256), desk.at(256, 256), Qt.MouseButton.RightButton)
    desk.drag(desk.at(256, 256), desk.at(256, 256), MIDDLE)
    assert desk.session.store.last_id is None


def test_the_second_of_two_quick_clicks_picks_and_does_not_zoom(desk: Driver) -> None:
    desk.session.set_level(120)
    zoom = desk.viewer.scene.camera.zoom
    desk.click(100, 100)
    point = desk.at(400, 400)
    desk.send(QEvent.Type.MouseMove, point)
    desk.send(QEvent.Type.MouseButtonDblClick, point, LEFT, LEFT)
    desk.send(QEvent.Type.MouseButtonRelease, point, LEFT)
    assert desk.session.labels[100, 100] == desk.session.labels[400, 400] == desk.session.code
    assert desk.session.store.last_id == "marie:2"
    assert desk.viewer.scene.camera.zoom == zoom


def test_ctrl_wheel_changes_the_scale_under_the_pointer_and_not_the_zoom(desk: Driver) -> None:
    desk.session.set_level(100)
    desk.move(256, 256)
    zoom, steps = desk.viewer.scene.camera.zoom, tuple(desk.viewer.dims.point)
    desk.wheel(256, 256, 2)
    coarse = desk.session.level
    assert coarse > 100
    assert tuple(desk.viewer.dims.point) == steps
    assert tuple(desk.dock.desk.contours.contrast_limits) == (coarse, coarse + 1)
    assert desk.session.hover is not None
    assert desk.session.hover.scale == desk.session.scale
    desk.wheel(256, 256, -2)
    assert desk.session.level == 100
    assert desk.viewer.scene.camera.zoom == zoom


def test_a_plain_wheel_zooms_and_keeps_the_scale(desk: Driver) -> None:
    zoom, level = desk.viewer.scene.camera.zoom, desk.session.level
    desk.wheel(256, 256, 1, PLAIN)
    assert desk.viewer.scene.camera.zoom > zoom
    assert desk.session.level == level


def test_the_zone_stays_fitted_until_the_user_moves(desk: Driver) -> None:
    zoom = desk.viewer.scene.camera.zoom
    desk.viewer.window.resize(1000, 700)
    QTest.qWait(100)
    fitted = desk.viewer.scene.camera.zoom
    assert fitted < zoom
    desk.wheel(256, 256, 1, PLAIN)
    closer = desk.viewer.scene.camera.zoom
    desk.viewer.window.resize(1400, 900)
    QTest.qWait(100)
    assert desk.viewer.scene.camera.zoom == pytest.approx(closer)
    desk.press("Home")
    assert desk.viewer.scene.camera.zoom == pytest.approx(zoom, rel=0.02)


def test_leaving_the_canvas_puts_the_light_out(desk: Driver) -> None:
    QApplication.sendEvent(self := desk.canvas, QEvent(QEvent.Type.Enter))
    desk.move(256, 256)
    assert desk.session.hover is not None
    QApplication.sendEvent(self, QEvent(QEvent.Type.Leave))
    assert desk.session.hover is None


@pytest.mark.parametrize("focus", ["canvas", "dock"])
def test_every_key_does_what_the_table_says(desk: Driver, focus: str) -> None:
    (desk.canvas if focus == "canvas" else desk.dock).setFocus()
    for binding in KEYS:
        for key in binding.keys:
            prepared, expected = before_and_after(desk, binding)
            desk.press(key)
            assert expected() != prepared, f"{key} did not {binding.title}"


def before_and_after(desk: Driver, binding: Binding) -> tuple[Any, Callable[[], Any]]:
    """Put the desk where an action shows, and return what shows it, before, and as a function."""
    session, layers = desk.session, desk.dock.desk
    match binding.action:
        case "class":
            session.set_class(0)
            code = session.nomenclature.classes[binding.position or 0].code
            return False, lambda: session.code == code
        case "erase":
            session.set_class(4)
            return 4, lambda: session.code if session.code != 0 else "erases"
        case "finer" | "coarser":
            session.set_level(127)
            sign = 1 if binding.action == "coarser" else -1
            return False, lambda: (session.level - 127) * sign > 0
        case "refine":
            session.set_level(200)
            desk.move(256, 256)
            return session.hierarchy.digest, lambda: session.hierarchy.digest
        case "undo":
            session.set_class(1 if session.labels[9, 9] != 1 else 2)
            session.assign_at(9, 9)
            return session.labels[9, 9], lambda: session.labels[9, 9]
        case "redo":
            session.set_class(1 if session.labels[9, 9] != 1 else 2)
            session.assign_at(9, 9)
            session.undo()
            return session.labels[9, 9], lambda: session.labels[9, 9]
        case "infrared" | "labels" | "contours":
            layer = {"infrared": layers.infrared, "labels": layers.classes, "contours": layers.contours}
            shown = layer[binding.action]
            return shown.visible, lambda: shown.visible
        case "whole_zone":
            desk.viewer.scene.camera.zoom *= 3
            return desk.viewer.scene.camera.zoom, lambda: desk.viewer.scene.camera.zoom
    raise AssertionError(f"{binding.action} is not tested")


def test_refining_shows_finer_contours_in_the_region_and_undo_takes_them_away(desk: Driver) -> None:
    session, contours = desk.session, desk.dock.desk.contours
    session.set_level(190)
    desk.move(256, 256)
    hover = session.hover
    assert hover is not None
    assert not contours.multiscale  # a zone of one patch
    before = contours.data
    desk.press("S")
    assert session.hover is not None
    assert (session.hover.mask == hover.mask).all()
    after = contours.data
    changed = np.zeros(before.shape, bool)
    changed[hover.window.slices] = hover.mask
    assert (after[changed] != before[changed]).any()
    assert (after[~changed] == before[~changed]).all()
    panel = desk.dock.contents
    assert panel.place.noticed.endswith("finer regions: make regions smaller.")
    assert "Saved · edit 1 · " in panel.saved.text
    assert panel.saved.undo.isEnabled()
    desk.press("Ctrl+Z")
    assert (contours.data == before).all()
    assert "Saved · edit 2 · " in panel.saved.text


def test_hidden_labels_come_back_with_an_edit(desk: Driver) -> None:
    desk.press("L")
    assert not desk.dock.desk.classes.visible
    desk.session.assign_at(100, 100)
    assert desk.dock.desk.classes.visible


def test_the_dock_says_what_is_saved_labelled_and_pointed_at(desk: Driver) -> None:
    panel = desk.dock.contents
    assert panel.saved.text == "No edit yet"
    assert not panel.saved.undo.isEnabled()
    desk.session.set_class(5)
    desk.click(256, 256)
    assert "Saved · edit 1 · " in panel.saved.text
    assert panel.saved.undo.isEnabled()
    assert panel.coverage.share == pytest.approx(desk.session.store.coverage())
    assert "eau · water" in panel.place.text
    desk.session.assign_at(-5, 5)
    assert panel.place.noticed == "Outside the zone: nothing is labelled here."
    QTest.mouseClick(panel.saved.undo, LEFT)
    assert "Saved · edit 2 · " in panel.saved.text
    assert not desk.session.labels.any()


def test_an_error_stays_in_the_banner_until_an_edit_succeeds(desk: Driver) -> None:
    banner = desk.dock.contents.banner
    desk.session.refused.emit("the disk is full")
    assert banner.isVisible()
    assert banner.text == "the disk is full"
    desk.session.assign_at(100, 100)
    assert not banner.isVisible()


def test_a_class_is_taken_by_clicking_its_row(desk: Driver) -> None:
    rows = desk.dock.contents.classes
    QTest.mouseClick(rows.viewport(), LEFT, pos=rows.visualItemRect(rows.item(6)).center())
    assert desk.session.code == desk.session.nomenclature.classes[6].code
    assert rows.currentRow() == 6


def test_napari_commands_act_on_the_open_zone(desk: Driver) -> None:
    desk.session.assign_at(100, 100)
    undo(desk.viewer)
    assert not desk.session.labels.any()
    redo(desk.viewer)
    assert desk.session.labels.any()
    level = desk.session.level
    coarser(desk.viewer)
    assert desk.session.level > level


def test_a_dock_that_goes_frees_journal_layers_and_pointer(desk: Driver, zone: Campaign) -> None:
    desk.viewer.window.remove_dock_widget(desk.dock)
    QTest.qWait(50)
    assert len(desk.viewer.layers) == 0
    names = [callback.__name__ for callback in desk.viewer.mouse_double_click_callbacks]
    assert names == ["double_click_to_zoom"]
    Session.open(zone.path, zone_id=None, author="marie").close()


def test_a_zone_that_is_not_segmented_shows_its_labels_and_the_way_out(
    make_napari_viewer_proxy: Any, campaign: Campaign, make_ortho: MakeOrtho
) -> None:
    image, mask = make_ortho()
    add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask, scheme="flair")
    session = Session.open(campaign.path, zone_id=None, author="marie")
    desk = Driver(make_napari_viewer_proxy(show=True), session)
    assert desk.dock.contents.banner.isVisible()
    assert "workbench segment" in desk.dock.contents.banner.text
    assert desk.dock.desk.contours is None
    desk.click(256, 256)
    assert session.labels.all()
    session.close()


def plugin_dock(viewer: Any) -> LabellingDock:
    """Open the dock as napari's Plugins menu does."""
    _, dock = viewer.window.add_plugin_dock_widget("ocs-workbench", "Land-cover labelling")
    return dock


def test_a_dropped_registry_opens_its_zone_in_the_dock(make_napari_viewer_proxy: Any, zone: Campaign) -> None:
    viewer = make_napari_viewer_proxy()
    dock = plugin_dock(viewer)
    assert dock.session is None
    viewer.open(str(zone.path / "registry.gpkg"), plugin="ocs-workbench")
    QTest.qWait(50)
    assert dock.session is not None
    assert dock.session.zone_id == "D051_2019/Z1_AA"
    assert viewer.layers[0].name == "Orthophoto"
    dock.close_session()
    assert len(viewer.layers) == 0


def test_what_is_in_the_way_of_a_zone_is_told_in_the_dock(
    make_napari_viewer_proxy: Any, session: Session, zone: Campaign
) -> None:
    dock = LabellingDock(make_napari_viewer_proxy())
    dock.open_zone(zone.path, session.zone_id, "marie")
    assert dock.session is None
    assert "marie" in dock.contents.problem
    dock.deleteLater()


def test_the_sample_zone_can_be_labelled(make_napari_viewer_proxy: Any) -> None:
    viewer = make_napari_viewer_proxy()
    viewer.open_sample("ocs-workbench", "sample_zone")
    assert [layer.metadata["crs"] for layer in viewer.layers] == ["EPSG:2154"]
    dock = plugin_dock(viewer)
    assert dock.session is not None
    dock.session.assign_at(100, 100)
    assert dock.session.labels.any()
    dock.close_session()
