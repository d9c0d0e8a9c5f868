"""The desk in a real viewer: layers, pointer, keys, dock. Needs a display."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from desk_cases import at, edits, lit
from desk_driver import LEFT, MIDDLE, PLAIN, RIGHT, Driver, needs_window
from qtpy.QtCore import QEvent, QPoint, QPointF, QRect
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QPushButton

from napari_plugin import contributions
from napari_plugin.actions import ACTIONS, Action, keymap
from napari_plugin.session import Session
from workbench.campaign import Campaign
from workbench.geo.grid import Window
from workbench.labels.edits import Provenance, assign
from workbench.workflows.intake import add_zone

pytestmark = needs_window
MakeOrtho = Callable[..., tuple[Path, Path]]


def test_layers_lie_in_order_in_one_world_of_metres(desk: Driver) -> None:
    names = ["Picture", "Second view", "Classes", "Regions"]
    assert [layer.name for layer in desk.viewer.layers] == names
    for layer in desk.viewer.layers:
        assert [str(unit) for unit in layer.units] == ["meter", "meter"]
        if layer.visible:
            assert tuple(layer.scale) == (0.2, 0.2)
            assert layer.metadata["crs"] == "EPSG:2154"
    layers = desk.desk.layers
    assert desk.viewer.layers.selection.active.name == "Classes"
    assert layers.classes.mode == "pan_zoom"
    assert not layers.second.visible
    assert tuple(layers.picture.translate) == (-12.8, -12.8)
    assert tuple(layers.classes.translate) == (0, 0)


def test_beside_a_raster_of_bands_the_zone_is_fitted_and_labelled_as_before(desk: Driver) -> None:
    viewer, session = desk.viewer, desk.session
    desk.desk.fit()
    before = (viewer.scene.camera.center[-2:], viewer.scene.camera.zoom)
    bands = viewer.add_image(np.zeros((3, 20, 30), np.uint8), name="bands")  # an axis more, and a slider
    try:
        desk.settle()
        desk.press("Home")
        assert viewer.scene.camera.center[-2:] == pytest.approx(before[0])
        assert viewer.scene.camera.zoom == pytest.approx(before[1], rel=0.1)  # the slider takes some room
        session.set_class(5)
        desk.click(256, 300)
        assert session.labels[256, 300] == 5
    finally:
        viewer.layers.remove(bands)


def glowing(desk: Driver) -> np.ndarray:
    """Return which pixels of the zone are lit on the glass, as far as the screen shows them."""
    view = desk.desk.view()
    found = desk.desk.light.codes(view)
    shown = np.zeros(desk.session.grid.shape, bool)
    if found is not None:
        box, codes = found
        rows, cols = np.meshgrid(view.rows(box), view.cols(box), indexing="ij")
        shown[rows[codes > 0], cols[codes > 0]] = True
    return shown


def test_what_is_clicked_is_what_lit_up(desk: Driver) -> None:
    session = desk.session
    assert desk.desk.view().pitch < 1  # every pixel of the zone has one of the screen
    session.set_class(5)
    session.set_level(200)
    desk.move(256, 300)
    light = glowing(desk)
    assert light[256, 300]
    assert not session.labels.any()
    desk.click(256, 300)
    assert ((session.labels == 5) == light).all()


def test_a_repaint_changes_the_pixels_of_its_window_on_the_screen(desk: Driver) -> None:
    session = desk.session
    desk.desk.layers.contours.visible = False
    desk.desk.layers.classes.opacity = 1.0
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
    assert (glowing(desk) == lit(desk.session, desk.session.hover)).all()
    desk.session.leave()
    assert not glowing(desk).any()


def test_a_hand_that_shakes_still_clicks_where_it_pressed(desk: Driver) -> None:
    desk.session.set_level(0)
    start = desk.at(256, 256)
    desk.drag(start, start + QPointF(3, 2))
    assert desk.session.labels[256, 256]
    assert [op.tool for op in edits(desk.session)] == ["pick"]


def test_only_a_plain_left_button_paints(desk: Driver) -> None:
    desk.click(256, 256, RIGHT)
    desk.click(256, 256, MIDDLE)
    desk.stroke((100, 100), (300, 300), button=RIGHT)
    assert edits(desk.session) == []


def test_the_second_of_two_quick_clicks_picks_and_does_not_zoom(desk: Driver) -> None:
    desk.session.set_level(120)
    zoom = desk.viewer.scene.camera.zoom
    desk.click(100, 100)
    desk.move(400, 400)
    desk.double_click(400, 400)
    assert desk.session.labels[100, 100] == desk.session.labels[400, 400] == desk.session.code
    assert len(edits(desk.session)) == 2
    assert desk.viewer.scene.camera.zoom == zoom


def test_ctrl_wheel_changes_the_scale_under_the_pointer_and_not_the_zoom(desk: Driver) -> None:
    desk.session.set_level(100)
    desk.move(256, 256)
    zoom, steps = desk.viewer.scene.camera.zoom, tuple(desk.viewer.dims.point)
    desk.wheel(256, 256, 2)
    coarse = desk.session.level
    assert coarse > 100
    assert tuple(desk.viewer.dims.point) == steps
    assert tuple(desk.desk.layers.contours.contrast_limits) == (coarse, coarse + 1)
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
    QApplication.sendEvent(desk.canvas, QEvent(QEvent.Type.Enter))
    desk.move(256, 256)
    assert glowing(desk).any()
    QApplication.sendEvent(desk.canvas, QEvent(QEvent.Type.Leave))
    assert desk.session.hover is None
    assert not glowing(desk).any()


@pytest.mark.parametrize(("key_set", "focus"), [("qwerty", "canvas"), ("azerty", "dock")])
def test_every_key_does_what_the_table_says(
    driver: Driver, session: Session, preferences: Any, monkeypatch: Any, key_set: Any, focus: str
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "napari_plugin.commands.QInputDialog.getMultiLineText",
        lambda *question: (asked.append(question[1]) or f"a hedge {len(asked)}", True),
    )
    preferences.key_set = key_set
    driver.take(session)
    (driver.canvas if focus == "canvas" else driver.dock).setFocus()
    done = set()
    for action in ACTIONS:
        if action.id in driver.dock.commands:
            for key in keymap(key_set)[action.id]:
                seen = seen_of(driver, action)
                before = seen()
                driver.press(key)
                assert seen() != before, f"{key} did not {action.title}"
                done.add(action.id)
    assert done == {name for name in driver.dock.commands if keymap(key_set)[name]}
    driver.dock.close_session()


def seen_of(desk: Driver, action: Action) -> Callable[[], Any]:
    """Put the desk where an action shows, and return what shows it."""
    session, layers, tools = desk.session, desk.desk.layers, desk.desk.tools
    camera, views = desk.viewer.scene.camera, desk.desk.views
    layer_of = {"labels": layers.classes, "outlines": layers.classes, "contours": layers.contours}
    if action.position is not None:
        session.set_class(0)
        return lambda: session.code == session.nomenclature.classes[action.position or 0].code
    if action.id in layer_of:
        return lambda: layer_of[action.id].visible
    if action.id.startswith("pan_"):
        return lambda: tuple(camera.center)
    if action.id.startswith("view_"):
        views.show("irc" if action.id == "view_1" else "rgb")
        return lambda: views.first.view.recipe.key
    match action.id:
        case "infrared":
            return lambda: views.first.view.recipe.key
        case "swipe":
            return lambda: views.swipe
        case "help":
            return lambda: desk.dock.help.isVisible()
        case (
            "identify"
            | "accept_prelabel"
            | "next_uncertain"
            | "next_conflict"
            | "next_comment"
            | "next_finding"
            | "next_difference"
        ):  # there is nothing of the kind, and each says so; what they find is in test_appraisal
            session.hover_at(256, 256)
            desk.panel.place.notice("")
            return lambda: desk.panel.place.noticed
        case "next_tile" | "previous_tile" | "next_unlabelled":
            desk.desk.go_to(Window(row=0, col=0, height=3, width=3))
            return lambda: tuple(camera.center)
        case "erase" | "last_class":
            session.set_class(5)
            session.set_class(4)
            return lambda: session.code
        case "eyedropper":
            label(session, 256, 256, code=9)
            session.set_class(4)
            session.hover_at(256, 256)
            return lambda: session.code
        case "finer" | "coarser":
            session.set_level(127)
            return lambda: np.sign(session.level - 127) == (1 if action.id == "coarser" else -1)
        case "parent" | "child" | "refine":
            session.set_level(200)
            session.hover_at(256, 256)
            return lambda: (session.scale, session.hierarchy and session.hierarchy.digest)
        case "fill":
            session.set_level(200)
            label(session, 256, 256, code=0)
            session.set_class(3)
            return lambda: session.labels[256, 256]
        case "protect":
            session.set_level(100)
            session.hover_at(480, 480)
            return lambda: session.store.protected[480, 480]
        case "accept_labels" | "reopen_labels":
            session.set_level(60)
            label(session, 30, 480, code=2)
            session.hover_at(30, 480)
            if action.id == "reopen_labels":
                desk.dock.commands["accept_labels"]()
            return lambda: session.store.protected[30, 480]
        case "absorb":
            session.set_level(254)
            label(session, 256, 256, code=5)
            sliver = Window(row=256, col=256, height=2, width=3)
            session.set_class(3)
            session.paint((sliver, np.ones(sliver.shape, bool)), Provenance(tool="brush"))
            session.hover_at(256, 256)
            return lambda: session.labels[256, 256]
        case "comment":
            session.hover_at(256, 256)
            return lambda: [comment.text for _, comment in session.store.comments()]
        case "pick" | "brush" | "line" | "polygon" | "cut" | "merge":
            tools.take("merge" if action.id == "pick" else "pick")
            return lambda: tools.current.id
        case "finish" | "back":
            corners = ((100, 100), (100, 200), (200, 200))
            tools.take("polygon")
            session.set_class(1 if session.labels[110, 190] != 1 else 2)
            for row, col in corners:
                tools.current.press(at(row, col))
                tools.current.release(at(row, col), dragged=False)
            return lambda: (session.labels[110, 190], len(tools.current._corners))
        case "undo" | "redo":
            label(session, 9, 9, code=1 if session.labels[9, 9] != 1 else 2)
            if action.id == "redo":
                session.undo()
            return lambda: session.labels[9, 9]
        case "whole_zone":
            camera.zoom *= 3
            return lambda: camera.zoom
    raise AssertionError(f"{action.id} is not tested")


def label(session: Session, row: int, col: int, *, code: int) -> None:
    """Give the region at a pixel a class, unless it has it."""
    session.set_class(code)
    session.assign_at(row, col)


def test_refining_shows_finer_contours_in_the_region_and_undo_takes_them_away(desk: Driver) -> None:
    session, contours = desk.session, desk.desk.layers.contours
    session.set_level(190)
    desk.move(256, 256)
    inside = lit(session, session.hover)
    before = contours.data[0]
    desk.press("A")
    assert (lit(session, session.hover) == inside).all()
    after = contours.data[0]
    assert (after[inside] != before[inside]).any()
    assert (after[~inside] == before[~inside]).all()
    assert desk.panel.place.noticed.endswith("finer regions: make regions smaller.")
    done = len(edits(desk.session))
    assert f"Saved · edit {done} · " in desk.panel.saved.text
    assert desk.panel.saved.undo.isEnabled()
    desk.press("Ctrl+Z")
    assert (contours.data[0] == before).all()
    assert len(edits(desk.session)) > done
    assert f"Saved · edit {len(edits(desk.session))} · " in desk.panel.saved.text


def test_hidden_labels_come_back_with_an_edit(desk: Driver) -> None:
    desk.press("L")
    assert not desk.desk.layers.classes.visible
    desk.session.assign_at(100, 100)
    assert desk.desk.layers.classes.visible


def test_the_dock_says_what_is_saved_labelled_and_pointed_at(desk: Driver) -> None:
    panel = desk.panel
    assert panel.saved.text == "No edit yet"
    assert not panel.saved.undo.isEnabled()
    desk.session.set_class(5)
    desk.click(256, 256)
    assert f"Saved · edit {len(edits(desk.session))} · " in panel.saved.text
    assert panel.saved.undo.isEnabled()
    QTest.qWait(200)
    assert panel.coverage.share == pytest.approx(desk.session.store.coverage())
    assert "water" in panel.place.text
    desk.session.assign_at(-5, 5)
    assert panel.place.noticed == "Outside the zone: nothing is labelled here."
    QTest.mouseClick(panel.saved.undo, LEFT)
    assert f"Saved · edit {len(edits(desk.session))} · " in panel.saved.text
    assert not desk.session.labels.any()


def test_an_error_stays_in_the_banner_until_an_edit_succeeds(desk: Driver) -> None:
    banner = desk.panel.banner
    desk.session.refused.emit("the disk is full")
    assert banner.isVisible()
    assert banner.text == "The disk is full."
    desk.session.assign_at(100, 100)
    assert not banner.isVisible()


@pytest.mark.parametrize("height", [700, 900])
def test_nothing_that_comes_unasked_moves_the_classes_or_covers_one(desk: Driver, height: int) -> None:
    desk.viewer.window.resize(1400, height)
    QTest.qWait(100)
    panel, long = desk.panel, "the disk is full; " * 9
    news: tuple[Callable[[], None], ...] = (
        lambda: panel.banner.warn(long),
        lambda: panel.banner.ask(long, "Label all the same"),
        lambda: panel.banner.advise(long, "Make the regions of this zone"),
        lambda: panel.lock.show_lock("jean"),
    )
    classes = panel.classes
    classes.verticalScrollBar().setValue(classes.verticalScrollBar().maximum() // 2)

    def rows() -> list[QRect]:
        shown = [classes.visualItemRect(classes.item(row)) for row in range(classes.count())]
        return [one.translated(classes.viewport().mapTo(panel, QPoint())) for one in shown]

    before = rows()
    for come in news:
        come()
        QTest.qWait(50)
        assert panel.banner.isVisible()
        assert rows() == before
        for banner in (panel.banner, panel.lock):
            assert not banner.isVisible() or not banner.geometry().intersects(classes.geometry())


def test_what_others_label_meanwhile_is_seen_at_the_desk_by_itself(
    driver: Driver, session: Session, zone: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_plugin.widgets._OTHERS_MILLISECONDS", 50)
    driver.take(session)
    gc.collect()
    whole, made = session.grid.whole, Provenance(tool="brush")
    with zone.open_store(zone.only_zone(), author="paul") as store:
        store.apply(assign(np.ones(whole.shape, bool), whole, 5, made))
    QTest.qWait(500)
    assert (session.labels == 5).all()
    assert driver.panel.place.noticed == "paul labelled here too."
    session.barred = "paul is labelling this zone"
    driver.panel.banner.agreed.emit()
    assert session.barred == ""
    driver.dock.close_session()


def test_napari_commands_act_on_the_open_zone(desk: Driver) -> None:
    desk.session.assign_at(100, 100)
    contributions.do_undo(desk.viewer)
    assert not desk.session.labels.any()
    contributions.do_redo(desk.viewer)
    assert desk.session.labels.any()
    level = desk.session.level
    contributions.do_coarser(desk.viewer)
    assert desk.session.level > level


def test_a_zone_that_is_not_segmented_shows_its_labels_and_what_is_missing(
    driver: Driver, campaign: Campaign, make_ortho: MakeOrtho, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[bool] = []
    monkeypatch.setattr(driver.dock.work, "segment", lambda: begun.append(True))
    image, mask = make_ortho()
    add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask, scheme="flair")
    with closing(Session.open(campaign.path, zone_id=None, author="marie")) as session:
        driver.take(session)
        assert driver.panel.banner.isVisible()
        assert driver.panel.banner.text == "Not segmented yet: there are no regions to pick."
        assert not driver.panel.scale.isEnabled()
        driver.click(256, 256)
        assert driver.panel.place.noticed == "This zone has no regions to pick yet."
        assert session.labels.all()
        assert (driver.desk.layers.classes.data == session.labels).all()
        assert session.store.last_own is None
        (way_out,) = (one for one in driver.panel.banner.findChildren(QPushButton) if one.isVisible())
        assert way_out.text() == "Make the regions of this zone"
        QTest.mouseClick(way_out, LEFT)
        assert begun == [True]
        driver.dock.close_session()
