"""Pre-labels, hand-in, review and double annotation in a real window: wires, pins, veils. Needs a display."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from desk_cases import last_op
from desk_driver import Driver, needs_window, one_window
from prelabel_cases import propose
from qtpy.QtCore import QEvent, QPointF, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QFileDialog, QPlainTextEdit
from scipy import ndimage

from napari_plugin.appraisal import Appraisal
from napari_plugin.session import Session
from workbench.campaign import Campaign
from workbench.geo.grid import Window
from workbench.labels.edits import Comment, Provenance, assign
from workbench.labels.review import submit

pytestmark = needs_window
WHOLE = Window(row=0, col=0, height=512, width=512)
HOLE = Window(row=300, col=300, height=20, width=30)


@pytest.fixture(scope="module")
def driver(qapp: Any) -> Iterator[Driver]:
    with one_window() as viewer:
        opened = Driver(viewer)
        yield opened
        opened.close()
        del opened, viewer


@pytest.fixture
def proposed(zone: Campaign) -> Iterator[Session]:
    propose(zone, 12)
    with closing(Session.open(zone.path, zone_id=None, author="marie")) as opened:
        yield opened


def shown(driver: Driver, session: Session) -> Appraisal:
    """Show a session with its pages."""
    driver.take(session)
    return driver.dock.appraisal


def see(driver: Driver, page: Any) -> None:
    driver.dock.beside.gather()
    driver.dock.beside.side.pages.setCurrentWidget(page)
    wait(page.isVisible)


def wait(until: Callable[[], bool], seconds: float = 60) -> None:
    for _ in range(round(seconds * 50)):
        if until():
            return
        QTest.qWait(20)
    raise AssertionError("it did not come to that")


def veil(driver: Driver, row: float, col: float) -> tuple[int, int, int, int]:
    """Return the colour that lies on the glass at a position of the zone."""
    return veils(driver, row, col, 1)[0]


def veils(driver: Driver, row: float, col: float, count: int) -> list[tuple[int, int, int, int]]:
    """Return the colours on so many pixels of the screen from a position of the zone to the right."""
    image, point = driver.desk.glass.grab().toImage(), driver.at(row, col)
    ratio = image.width() / driver.canvas.width()
    x, y = int(point.x() * ratio), int(point.y() * ratio)
    return [image.pixelColor(x + step, y).getRgb() for step in range(count)]


def test_the_preview_is_seen_while_the_slider_moves_and_accepting_leaves_the_hand_free(
    driver: Driver, proposed: Session
) -> None:
    appraisal = shown(driver, proposed)
    part = appraisal.prelabels
    see(driver, part.page)
    wait(lambda: part.prelabels.counted)
    assert part.page.groups.topLevelItemCount() == 4
    part.page.above.setValue(50)
    assert part.veil.previewing
    assert part.page.preview.isChecked()
    prelabels = proposed.store.prelabels()
    confidence = prelabels.proposed.confidence[prelabels.last]
    sure, unsure = np.argwhere(confidence > 0.5), np.argwhere(confidence < 0.5)
    proposed.leave()
    row, col = sure[len(sure) // 2]
    code = int(prelabels.codes[row, col])
    wanted = proposed.nomenclature.by_code(code).colour
    expected = [round(int(wanted[place : place + 2], 16)) for place in (1, 3, 5)]
    differing = np.abs(np.array(veils(driver, row, col, 8))[:, :3] - expected).max(axis=1)
    assert (differing < 60).sum() == 4  # on the stripes
    driver.click(*unsure[len(unsure) // 2])
    painted = last_op(proposed)
    assert painted.tool == "pick"
    wait(lambda: part.prelabels.counted)
    part.page.accept.click()
    driver.click(*unsure[len(unsure) // 3])  # refused, or after it: never in between
    wait(lambda: not proposed.lent)
    assert not part.veil.previewing
    assert proposed.labels[row, col] == code
    assert {op.tool for op in proposed.store.ops if op.author == "marie"} >= {"pick", "accept-all"}
    wait(lambda: part.prelabels.counted)
    assert part.page.told.text() == "Nothing would change."
    assert not part.page.accept.isEnabled()


@pytest.mark.parametrize("zoom", [0.3, 1.0, 12.0])
def test_proposed_classes_are_striped_at_any_zoom_unlike_labels(
    driver: Driver, proposed: Session, zoom: float
) -> None:
    part = shown(driver, proposed).prelabels
    see(driver, part.page)
    wait(lambda: part.prelabels.counted)
    part._show_veil("classes")
    depth = ndimage.distance_transform_edt(proposed.store.prelabels().codes == 5)
    row, col = np.unravel_index(int(depth.argmax()), depth.shape)
    camera, resolution = driver.viewer.scene.camera, proposed.grid.resolution
    camera.zoom *= zoom
    camera.center = (*camera.center[:-2], row * resolution, col * resolution)
    proposed.leave()
    QTest.qWait(50)
    colours = veils(driver, row, col, 8)
    assert sorted(map(colours.count, set(colours))) == [4, 4]


def test_next_uncertain_goes_there_and_outlines_it(driver: Driver, proposed: Session) -> None:
    appraisal = shown(driver, proposed)
    part = appraisal.prelabels
    see(driver, part.page)
    wait(lambda: part.prelabels.counted)
    part.page.next.click()
    window, mask = appraisal.guide.highlight.region
    view = driver.desk.view()
    assert view.box(window) is not None
    assert mask.any()
    # A stroke there takes the outline away.
    row, col = np.argwhere(mask)[len(np.argwhere(mask)) // 2] + (window.row, window.col)
    proposed.assign_at(int(row), int(col))
    assert appraisal.guide.highlight.region is None


def test_a_click_on_a_pin_shows_its_thread_and_paints_nothing(driver: Driver, session: Session) -> None:
    session.store.record(Comment(row=200, col=300, text="<b>meadow</b> or crop?", question=True))
    session.store.record(Comment(row=400, col=100, text="a shadow"))
    appraisal = shown(driver, session)
    part = appraisal.review
    see(driver, part.page)
    question, comment = part.reviewing.threads()

    def head(thread: Any) -> QPointF:
        return driver.at(thread.row, thread.col) - QPointF(0, 15)

    driver.send(QEvent.Type.MouseMove, head(comment))
    assert "a shadow" in part.page.sayings.text()
    driver.send(QEvent.Type.MouseMove, head(comment) + QPointF(60, 60))
    assert "shadow" not in part.page.sayings.text()
    driver.drag(head(question), head(question))
    assert part.pins.chosen == question.id
    # As it was typed: it is text, not HTML.
    assert "<b>meadow</b> or crop?" in part.page.sayings.text()
    driver.send(QEvent.Type.MouseMove, head(question) + QPointF(80, 0))
    assert "meadow" in part.page.sayings.text()
    assert not session.labels.any()
    part.page.text.setText("crop, I see furrows")
    part.page.answer.click()
    assert part.page.threads.topLevelItem(0).text(1) == "↩ 1"
    part.page.classes.setCurrentIndex(part.page.classes.findData("agricultural_land"))
    part.page.text.setText("as last year")
    part.page.rule.click()
    assert [thread.kind for thread in part.reviewing.threads()] == ["ruled", "comment"]
    driver.click(350, 350)
    assert last_op(session).tool == "pick"


def test_findings_are_listed_gone_to_justified_and_the_zone_is_handed_in(
    driver: Driver, session: Session
) -> None:
    made, code = Provenance(tool="brush"), session.nomenclature.by_key("bare_soil").code
    strip = Window(row=100, col=50, height=2, width=60)
    for window, given in ((WHOLE, code), (strip, 7), (HOLE, 0)):
        session.store.apply(assign(np.ones(window.shape, bool), window, given, made))
    appraisal = shown(driver, session)
    part = appraisal.handin
    see(driver, part.page)
    assert not part.page.submit.isEnabled()
    part.page.check.click()
    wait(lambda: part.handin.checked)
    tops = [part.page.findings.topLevelItem(place).text(0) for place in range(2)]
    assert tops == ["Without a label", "Slivers"]
    part._go_next()
    assert part.page.chosen == 0
    assert appraisal.guide.highlight.region[0] == HOLE
    assert not part.page.why.isEnabled()
    part._go_next()
    part.page.why.setText("a wall")
    part.page.justify.click()
    assert part.page.findings.topLevelItem(1).text(1) == "✓"
    part.page.reason.setText("hidden by a cloud")
    part.page.submit.click()
    assert part.handin.state.reason == "hidden by a cloud"
    assert not part.page.submit.isEnabled()
    assert part.page.reason.text() == ""
    see(driver, appraisal.review.page)
    assert appraisal.review.page.accept.isEnabled()
    appraisal.review.page.reason.setText("look under the cloud")
    appraisal.review.page.send_back.click()
    assert part.handin.state.state == "sent_back"
    assert "look under the cloud" in part.page.state.text


def test_two_annotations_are_compared_once_both_are_done(driver: Driver, zone: Campaign) -> None:
    made = Provenance(tool="brush")
    for author, blind, windows in (("jean", False, ((WHOLE, 7),)), ("anne", True, ((WHOLE, 7), (HOLE, 5)))):
        with zone.open_store(zone.only_zone(), author=author, blind=blind) as store:
            for window, code in windows:
                store.apply(assign(np.ones(window.shape, bool), window, code, made))
            submit(store)
    with closing(Session.open(zone.path, zone_id=None, author="marie")) as session:
        appraisal = shown(driver, session)
        part = appraisal.doubles
        see(driver, part.page)
        wait(lambda: part.doubles.standing is not None)
        assert part.page.authors.topLevelItemCount() == 2
        part.page.compare.click()
        wait(lambda: part.doubles.compared is not None)
        assert not driver.desk.layers.classes.visible
        assert part.page.places.topLevelItem(0).text(1) == "600 px"
        part.page.next.click()
        assert appraisal.guide.highlight.region[0] == HOLE
        assert veil(driver, 310, 315)[:3] != veil(driver, 310, 340)[:3]
        part.page.shown_chosen.emit("nothing")
        assert driver.desk.layers.classes.visible
        part.page.shown_chosen.emit("kinds")
        session.hover_at(310, 315)
        driver.dock.commands["protect"]()
        assert part.doubles.shown == "kinds"  # no label is another
        driver.dock.commands["protect"]()
        driver.click(310, 315)  # who mends a place sees what they do
        assert part.doubles.shown == "nothing"
        assert driver.desk.layers.classes.visible
        driver.dock.close_session()


def test_to_look_who_is_done_swallows_no_comparing(driver: Driver, zone: Campaign) -> None:
    made = Provenance(tool="brush")
    for author, blind in (("jean", False), ("anne", True)):
        with zone.open_store(zone.only_zone(), author=author, blind=blind) as store:
            store.apply(assign(np.ones(WHOLE.shape, bool), WHOLE, 7, made))
            submit(store)
    with closing(Session.open(zone.path, zone_id=None, author="marie")) as session:
        appraisal = shown(driver, session)
        part = appraisal.doubles
        see(driver, part.page)
        wait(lambda: part.doubles.standing is not None)
        see(driver, appraisal.review.page)
        see(driver, part.page)  # one looks again
        part.page.compare.click()
        assert (part.page.compare.text(), part.page.compare.isEnabled()) == ("Comparing…", False)
        wait(lambda: part.doubles.compared is not None)
        assert (part.page.compare.text(), part.page.compare.isEnabled()) == ("Compare", True)
        driver.dock.close_session()


def test_who_labels_blind_has_no_page_of_reviews_and_exports_nothing(
    driver: Driver, zone: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *given: pytest.fail("it was asked for a file"))
    with closing(Session.open(zone.path, zone_id=None, author="jean", blind=True)) as session:
        appraisal = shown(driver, session)
        titles = driver.dock.beside.side.titles
        assert ("Review" in titles, "Two authors" in titles) == (False, False)
        told = []
        monkeypatch.setattr("napari_plugin.work.show_warning", told.append)
        driver.dock.commands["export"]()
        assert told == ["You label this zone blind: what others did stays hidden."]
        see(driver, appraisal.prelabels.page)
        assert appraisal.prelabels.page.told.text() == "Nothing would change."
        driver.dock.close_session()


def test_a_comment_goes_where_one_pointed_before_the_dialog_came(driver: Driver, session: Session) -> None:
    shown(driver, session)
    driver.move(200, 300)

    def write() -> None:
        dialog = QApplication.activeModalWidget()
        dialog.findChild(QPlainTextEdit).setPlainText("meadow or crop?")
        dialog.accept()

    QTimer.singleShot(200, write)
    driver.dock.commands["comment"]()
    ((_, pinned),) = session.store.comments()
    assert pinned == Comment(row=200, col=300, text="meadow or crop?", question=True)


def test_what_was_written_stays_where_it_could_not_be_done(driver: Driver, session: Session) -> None:
    session.store.record(Comment(row=200, col=300, text="meadow or crop?", question=True))
    part = shown(driver, session).review
    see(driver, part.page)
    part.page.thread_chosen.emit(part.reviewing.threads()[0].id)
    session.lent = "Pre-labels are being accepted."
    part.page.text.setText("furrows, so a crop")
    part.page.reason.setText("as it is")
    for button in (part.page.answer, part.page.rule, part.page.accept):
        button.click()
    assert (part.page.text.text(), part.page.reason.text()) == ("furrows, so a crop", "as it is")
    session.lent = ""
    part.page.answer.click()
    part.page.accept.click()
    assert (part.page.text.text(), part.page.reason.text()) == ("", "")
    assert part.reviewing.state.state == "accepted"


def test_a_place_as_large_as_the_zone_is_shown_no_smaller_than_the_zone(
    driver: Driver, session: Session
) -> None:
    shown(driver, session)
    driver.desk.fit()
    whole = driver.viewer.scene.camera.zoom
    driver.desk.go_to(WHOLE)
    assert driver.viewer.scene.camera.zoom == pytest.approx(whole, rel=0.05)
    driver.desk.go_to(Window(row=100, col=100, height=40, width=40))
    assert driver.viewer.scene.camera.zoom == pytest.approx(2 / 0.2)  # as close as one is wont to look


def test_another_zone_takes_all_marks_along(driver: Driver, session: Session, bent: Campaign) -> None:
    appraisal = shown(driver, session)
    assert len(driver.desk.glass.drawings) > 5
    appraisal.release()
    ours = (appraisal.guide.highlight, appraisal.review.pins, appraisal.prelabels.veil)
    assert not any(drawing in driver.desk.glass.drawings for drawing in ours)
    appraisal.release = lambda: None  # type: ignore[method-assign]  # the dock calls it once more
    session.store.record(Comment(row=20, col=30, text="later"))
    session.reviewed.emit()
    assert appraisal.review.pins.threads == ()


def test_the_page_that_is_open_stays_open_from_zone_to_zone(
    driver: Driver, session: Session, bent: Campaign
) -> None:
    review = shown(driver, session).review.page
    see(driver, review)
    with closing(Session.open(bent.path, zone_id=None, author="marie")) as another:
        driver.take(another)
        wait(lambda: driver.dock.beside.side.pages.currentWidget() is driver.dock.appraisal.review.page)
        assert driver.dock.appraisal.review.page is not review
        driver.dock.close_session()
