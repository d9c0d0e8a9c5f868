"""The gestures of hand and keyboard in a real window: what reaches which tool, and what is seen of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from desk_cases import edits, lit
from desk_driver import CONTROL, LEFT, MIDDLE, PLAIN, RIGHT, Driver, needs_window
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QPointF, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLineEdit

from napari_plugin.prelabel_page import PrelabelPage
from napari_plugin.session import Session
from napari_plugin.theme import ink
from workbench.labels.editing import Given

pytestmark = needs_window
KEY_DOWN, KEY_UP = QEvent.Type.KeyPress, QEvent.Type.KeyRelease
CODE = 5


def distances(shape: tuple[int, int], *way: tuple[float, float]) -> NDArray[np.float64]:
    """Return how far each pixel is from the straight lines between some places."""
    rows, cols = np.indices(shape)
    found = np.full(shape, np.inf)
    for (row, col), (row_stop, col_stop) in pairwise(way):
        down, across = row_stop - row, col_stop - col
        share = np.clip(((rows - row) * down + (cols - col) * across) / (down**2 + across**2), 0, 1)
        np.minimum(found, np.hypot(rows - row - share * down, cols - col - share * across), out=found)
    return found


# Each tool, by the hand


def test_a_drag_paints_every_region_that_it_touches_whole(desk: Driver) -> None:
    session = desk.session
    session.set_class(CODE)
    session.set_level(170)
    regions = session.hierarchy.cut(session.scale).labels()
    desk.down(100, 100)
    desk.on(150, 300)
    desk.on(400, 310)
    assert edits(session) == []
    desk.up(410, 312)
    painted = session.labels == CODE
    (op,) = edits(session)
    assert op.tool == "drag"
    touched = np.unique(regions[painted])
    assert (painted == np.isin(regions, touched)).all()
    near = distances(painted.shape, (100, 100), (150, 300), (400, 310), (410, 312))
    assert set(np.unique(regions[near < 0.2])) <= set(touched) <= set(np.unique(regions[near < 1.5]))


def test_a_brush_paints_as_wide_as_it_shows_and_ctrl_and_the_wheel_make_it_wider(desk: Driver) -> None:
    session = desk.session
    session.set_class(CODE)
    desk.press("J")
    level, zoom = session.level, desk.viewer.scene.camera.zoom
    desk.move(256, 256)
    desk.wheel(256, 256, 3)
    radius = desk.desk.tools.current.width.radius
    assert radius == pytest.approx(8 * 1.25**3)
    assert (session.level, desk.viewer.scene.camera.zoom) == (level, zoom)
    assert desk.panel.tools._told.text() == f"{2 * radius * 0.2:.1f} m wide · Ctrl + wheel"
    desk.stroke((100, 100), (150, 300), (152, 310))
    near = distances(session.grid.shape, (100, 100), (150, 300), (152, 310))
    painted = session.labels == CODE
    assert painted[near < radius - 1].all()
    assert not painted[near > radius + 1].any()
    assert [op.tool for op in edits(session)] == ["brush"]


@pytest.mark.parametrize(("key", "ends"), [("P", "Return"), ("P", "double click"), ("K", "Return")])
def test_corners_are_clicked_and_a_key_or_a_double_click_ends_them(desk: Driver, key: str, ends: str) -> None:
    session, corners = desk.session, [(100, 100), (100, 300), (250, 320), (200, 90)]
    session.set_class(CODE)
    desk.press(key)
    for row, col in corners:
        desk.click(row, col)
    assert edits(session) == []
    if ends == "Return":
        desk.press("Return")
    else:
        desk.double_click(*corners[-1])
    (op,) = edits(session)
    painted = session.labels == CODE
    if key == "P":
        assert op.tool == "polygon"
        rim = distances(session.grid.shape, *corners, corners[0])
        assert painted[130, 200]
        assert np.count_nonzero(painted[rim > 1.5] != inside_of(corners, session)[rim > 1.5]) == 0
    else:
        assert op.tool == "line"
        near = distances(session.grid.shape, *corners)
        assert painted[near < 9].all()
        assert not painted[near > 11].any()


def inside_of(corners: list[tuple[int, int]], session: Session) -> NDArray[np.bool_]:
    """Return the pixels inside a polygon by counting the edges that a ray from each of them crosses."""
    rows, cols = np.indices(session.grid.shape)
    found = np.zeros(session.grid.shape, bool)
    for (row, col), (row_stop, col_stop) in zip(corners, [*corners[1:], corners[0]], strict=True):
        if row != row_stop:
            crossing = col + (rows - row) / (row_stop - row) * (col_stop - col)
            found ^= ((row > rows) != (row_stop > rows)) & (cols < crossing)
    return found


def test_a_region_is_cut_by_a_line_and_its_side_painted_by_a_click(desk: Driver) -> None:
    session = desk.session
    session.set_class(CODE)
    session.set_level(254)
    desk.press("O")
    desk.stroke((256, -8), (256, 200), (256, 520))
    assert edits(session) == []
    desk.click(100, 100)
    assert (session.labels[:255] == CODE).all()
    assert not session.labels[259:].any()
    assert [op.tool for op in edits(session)] == ["cut"]


def test_a_label_is_dragged_into_its_neighbour(desk: Driver) -> None:
    session = desk.session
    session.set_level(170)
    for code, place in ((3, (100, 100)), (7, (400, 400))):
        session.set_class(code)
        session.assign_at(*place)
    desk.press("M")
    desk.stroke((400, 400), (200, 200), (100, 100))
    assert session.labels[100, 100] == 7
    assert edits(session)[-1].tool == "merge"


def test_escape_or_another_tool_in_the_middle_of_a_stroke_gives_it_up(desk: Driver) -> None:
    for tool, key in (("Esc", "Esc"), ("Esc", "P"), ("J", "Esc"), ("J", "J"), ("O", "Esc"), ("P", "K")):
        desk.press(tool)
        desk.down(100, 100)
        desk.on(150, 200)
        desk.press(key)
        assert desk.session._sketch is None
        desk.on(300, 300)
        desk.up(300, 300)
        desk.press("Return")
    assert edits(desk.session) == []
    assert not desk.session.labels.any()


# Other buttons, and keys that are held


def test_a_right_click_takes_the_class_under_the_pointer(desk: Driver) -> None:
    session = desk.session
    session.give(Given(code=0, upper="woody_vegetation"))
    session.assign_at(256, 256)
    session.set_class(CODE)
    desk.click(256, 256, RIGHT)
    assert session.given == Given(code=17, upper="woody_vegetation")
    count = len(edits(session))
    desk.stroke((100, 100), (300, 300), button=RIGHT)
    assert (session.given.upper, len(edits(session))) == ("woody_vegetation", count)


def moved(desk: Driver, button: Any) -> NDArray[np.float64]:
    """Drag across the canvas and return how far the picture went with it, (x, y) in pixels of the screen."""
    start = desk.at(256, 256)
    desk.drag(start, start + QPointF(80, 40), button)
    return np.array([(desk.at(256, 256) - start).x(), (desk.at(256, 256) - start).y()])


def test_the_middle_button_and_space_move_the_picture_and_paint_nothing(desk: Driver) -> None:
    session = desk.session
    assert moved(desk, MIDDLE) == pytest.approx([80, 40], abs=0.5)
    desk.hold(Qt.Key.Key_Space, KEY_DOWN)
    assert moved(desk, LEFT) == pytest.approx([80, 40], abs=0.5)
    assert edits(session) == []
    desk.hold(Qt.Key.Key_Space, KEY_UP)
    assert moved(desk, LEFT) == pytest.approx([0, 0])
    assert [op.tool for op in edits(session)] == ["drag"]


def test_a_held_key_is_let_go_when_another_window_comes_before_ours(desk: Driver) -> None:
    desk.hold(Qt.Key.Key_Space, KEY_DOWN)
    assert desk.desk.gestures.panning
    QApplication.sendEvent(desk.window, QEvent(QEvent.Type.WindowDeactivate))
    assert not desk.desk.gestures.panning
    desk.hold(Qt.Key.Key_Space, KEY_UP)
    desk.hold(Qt.Key.Key_Space, KEY_DOWN)
    assert desk.desk.gestures.panning
    desk.hold(Qt.Key.Key_Space, KEY_UP)
    assert not desk.desk.gestures.panning


def test_tab_shows_the_second_view_as_long_as_it_is_held(desk: Driver) -> None:
    second = desk.desk.layers.second
    natural = desk.colour(256, 256)
    desk.hold(Qt.Key.Key_Tab, KEY_DOWN)
    assert second.visible
    assert desk.colour(256, 256).tolist() != natural.tolist()
    desk.hold(Qt.Key.Key_Tab, KEY_UP)
    assert not second.visible
    assert desk.colour(256, 256).tolist() == natural.tolist()


@contextmanager
def field(desk: Driver) -> Iterator[QLineEdit]:
    """A text field in the dock, with the keyboard."""
    line = QLineEdit(desk.dock)
    line.show()
    line.setFocus()
    QTest.qWait(20)
    assert QApplication.focusWidget() is line
    yield line
    line.deleteLater()


def test_a_text_field_keeps_its_keys_until_the_pointer_comes_to_the_picture(desk: Driver) -> None:
    session = desk.session
    session.set_class(3)
    with field(desk) as line:
        QTest.keyClicks(line, "5 j")
        assert line.text() == "5 j"
        assert (session.code, desk.desk.tools.current.id) == (3, "pick")
        assert not desk.desk.gestures.panning
        QApplication.sendEvent(desk.canvas, QEvent(QEvent.Type.Leave))
        QApplication.sendEvent(desk.canvas, QEvent(QEvent.Type.Enter))
        QTest.qWait(20)
        assert QApplication.focusWidget() is not line
        desk.press("5")
        assert session.code == CODE


# What is seen


def seen(desk: Driver, row: float, col: float) -> tuple[int, ...]:
    """Return the colour of the window, glass and all, at a position of the zone."""
    shot = desk.window.grab().toImage()
    point = desk.canvas.mapTo(desk.window, desk.at(row, col).toPoint())
    ratio = shot.devicePixelRatio()
    return shot.pixelColor(int(point.x() * ratio), int(point.y() * ratio)).getRgb()[:3]


def test_the_light_lies_where_the_region_is_however_the_picture_moved(desk: Driver) -> None:
    session, camera = desk.session, desk.viewer.scene.camera
    session.set_class(CODE)
    session.set_level(200)
    session.hover_at(256, 256)
    region = lit(session, session.hover)
    deep = distances_inside(region)
    inside = np.unravel_index(int(deep.argmax()), deep.shape)
    deep = distances_inside(~region)
    outside = np.unravel_index(int(deep[120:400, 120:400].argmax()), (280, 280)) + np.array([120, 120])

    def move() -> None:
        camera.center = (*camera.center[:-2], camera.center[-2] + 12, camera.center[-1] - 9)

    def come_closer() -> None:
        camera.zoom *= 1.4

    for change in (lambda: None, move, come_closer):
        change()
        session.hover_at(256, 256)
        QTest.qWait(60)
        with_light = seen(desk, *inside), seen(desk, *outside)
        session.leave()
        QTest.qWait(60)
        without = seen(desk, *inside), seen(desk, *outside)
        assert with_light[1] == without[1]
        veil = np.array([0x15, 0x53, 0xAE]) * 0.45 + np.array(without[0]) * 0.55
        assert np.array(with_light[0]) == pytest.approx(veil, abs=3)


def distances_inside(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    from scipy import ndimage

    return np.asarray(ndimage.distance_transform_edt(mask))


def test_the_light_follows_the_picture_while_it_is_dragged(desk: Driver) -> None:
    session = desk.session
    session.set_level(200)
    desk.move(256, 256)
    region = lit(session, session.hover)
    inside = np.unravel_index(int(distances_inside(region).argmax()), region.shape)
    QTest.qWait(60)
    before = seen(desk, *inside)
    desk.down(256, 256, MIDDLE)
    point = desk.at(256, 256) + QPointF(60, -30)
    desk.send(QEvent.Type.MouseMove, point, button=Qt.MouseButton.NoButton, held=MIDDLE)
    QTest.qWait(60)
    assert desk.at(256, 256).x() == pytest.approx(point.x(), abs=0.5)
    assert np.array(seen(desk, *inside)) == pytest.approx(np.array(before), abs=4)
    desk.send(QEvent.Type.MouseButtonRelease, point, MIDDLE)


def test_a_stroke_is_seen_before_it_is_painted(desk: Driver) -> None:
    session = desk.session
    session.set_class(CODE)
    desk.press("J")
    QTest.qWait(30)
    before = seen(desk, 150, 200)
    desk.down(150, 100)
    desk.on(150, 300)
    QTest.qWait(60)
    under_way = seen(desk, 150, 200)
    desk.press("Esc")
    QTest.qWait(60)
    assert under_way != before
    assert seen(desk, 150, 200) == before
    desk.up(150, 300)


def test_where_several_views_are_shown_nothing_is_painted_on_glass(desk: Driver) -> None:
    grid = desk.viewer.canvas.grid
    desk.move(256, 256)
    grid.enabled = True
    try:
        assert desk.desk.view() is None
        desk.session.hover_at(100, 100)
        desk.wheel(256, 256, 1)
        desk.wheel(256, 256, 1, PLAIN)
        QTest.qWait(50)
    finally:
        grid.enabled = False
    assert desk.desk.view() is not None


# The dock


def test_a_row_of_the_palette_takes_its_class_or_upper_class_in_hand(desk: Driver) -> None:
    session, rows = desk.session, desk.panel.classes
    given = [rows.item(place).data(Qt.ItemDataRole.UserRole).given for place in range(rows.count())]
    codes = [one.code for one in given if one.upper is None]
    assert sorted(codes) == sorted([0, *session.nomenclature.codes])
    assert {one.upper for one in given} - {None} == {group.key for group in session.nomenclature.groups}
    for place in (0, 2, given.index(Given(code=0)), given.index(Given(code=7))):
        rows.scrollToItem(rows.item(place))
        QTest.mouseClick(rows.viewport(), LEFT, pos=rows.visualItemRect(rows.item(place)).center())
        wanted = given[place]
        assert session.given.upper == wanted.upper
        assert wanted.upper is not None or session.given == wanted
        assert rows.currentRow() == place
    (woody,) = [place for place, one in enumerate(given) if one.upper == "woody_vegetation"]
    rows.scrollToItem(rows.item(woody))
    QTest.mouseClick(rows.viewport(), LEFT, pos=rows.visualItemRect(rows.item(woody)).center())
    assert session.given == Given(code=17, upper="woody_vegetation")


def test_a_button_takes_its_tool_and_shows_which_is_in_hand(desk: Driver) -> None:
    buttons = desk.panel.tools._buttons
    for name, button in buttons.items():
        QTest.mouseClick(button, LEFT)
        assert desk.desk.tools.current.id == name
        assert [one for one, other in buttons.items() if other.isChecked()] == [name]
    desk.press("Esc")
    assert [one for one, other in buttons.items() if other.isChecked()] == ["pick"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_dock_is_painted_in_the_colours_of_the_theme(desk: Driver, theme: str) -> None:
    try:
        desk.viewer.theme = theme
        QTest.qWait(30)
        shot = desk.panel.grab().toImage()
        ground = shot.pixelColor(shot.width() - 2, 1)
        assert (ground.lightness() > 128) == (theme == "light")
        for colour in (ink().text, ink().dim):
            assert abs(colour.lightness() - ground.lightness()) > 60
        assert ink().text.name() in desk.dock.styleSheet()
        assert ink().dim.name() in desk.panel.card.text  # colours in a text are not the style sheet's
    finally:
        desk.viewer.theme = "dark"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_which_overlay_is_chosen_is_seen_on_the_page_beside_the_picture(desk: Driver, theme: str) -> None:
    try:
        desk.viewer.theme = theme
        side = desk.dock.beside.side
        page = side.findChild(PrelabelPage)
        side.pages.setCurrentWidget(page)
        for kind in ("nothing", "confidence"):
            page.show_veil(kind)
            QTest.qWait(30)
            for button in page._veils.buttons():
                corner = button.grab().toImage().pixelColor(button.width() // 2, 3)
                assert (corner == ink().chosen) == (button.property("key") == kind)
    finally:
        desk.viewer.theme = "dark"


def test_another_zone_takes_the_place_of_the_one_before(desk: Driver, bent: Any, session: Session) -> None:
    desk.session.assign_at(100, 100)
    before = session.labels.copy()
    other = Session.open(bent.path, zone_id=None, author="marie")
    desk.take(other)
    assert desk.session is other
    assert (desk.desk.layers.classes.data == other.labels).all()
    other.set_level(120)
    desk.click(800, 700)
    assert other.labels[800, 700]
    assert (session.labels == before).all()
    again = Session.open(session.opened.campaign.path, zone_id=None, author="marie")
    assert (again.labels == before).all()
    again.close()
    desk.dock.close_session()


def test_ctrl_and_a_wheel_that_turns_in_small_steps_moves_by_whole_notches(desk: Driver) -> None:
    desk.session.set_level(100)
    changes: list[int] = []
    desk.session.rescaled.connect(changes.append)
    for _ in range(8):
        desk.wheel(256, 256, 0.25, CONTROL)
    assert len(changes) == 2


@pytest.mark.parametrize("place", ["floating", "hidden"])
def test_keys_work_wherever_the_dock_is(desk: Driver, session: Session, place: str) -> None:
    dock = desk.dock.parentWidget()
    try:
        dock.setFloating(True) if place == "floating" else dock.hide()
        QTest.qWait(100)
        desk.window.activateWindow()
        desk.canvas.setFocus()
        desk.press("J")
        desk.press("2")
        assert desk.desk.tools.current.id == "brush"
        assert session.code == session.nomenclature.classes[1].code
        other = Session.open(session.opened.campaign.path, zone_id=None, author="paul", together=True)
        desk.dock.show_session(other)
        QTest.qWait(100)
        assert desk.desk.glass is not None
        desk.press("K")
        assert desk.desk.tools.current.id == "line"
    finally:
        dock.setFloating(False)
        dock.show()
        desk.settle()


def test_napari_brushes_are_not_to_be_had_for_the_classes(desk: Driver, session: Session) -> None:
    for mode in ("paint", "fill", "erase", "polygon"):
        desk.desk.layers.classes.mode = mode
        assert desk.desk.layers.classes.mode == "pan_zoom"
        desk.stroke((100, 100), (120, 140))
    assert session.labels.any()
