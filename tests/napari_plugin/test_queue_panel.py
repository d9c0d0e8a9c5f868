"""The zone queue on the screen. Needs a display."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from threading import Event
from typing import Any

import numpy as np
import pytest
from made_orthos import MakeOrtho
from napari.utils.progress import progress
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QMessageBox, QVBoxLayout, QWidget

from napari_plugin import queue_reading
from napari_plugin.queue import QueuedZone, ZoneChoice
from napari_plugin.queue_panel import QueuePanel
from napari_plugin.queue_reading import ZoneReader
from workbench.campaign import Campaign
from workbench.geo.grid import Window
from workbench.labels.edits import Provenance, assign
from workbench.labels.review import send_back, submit
from workbench.leases import Tenancy
from workbench.workflows.intake import add_zone

NO_DISPLAY = sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
pytestmark = [
    pytest.mark.window,
    pytest.mark.skipif(NO_DISPLAY, reason="a window needs a display: apt-get install xvfb"),
]
ONE, TWO, THREE = (f"D051_2019/Z{number}_AA" for number in (1, 2, 3))
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def three(campaign: Campaign, make_ortho: MakeOrtho) -> Campaign:
    """A campaign of three zones, the last one labelled by jean."""
    for place, zone in enumerate((ONE, TWO, THREE)):
        image, _ = make_ortho(row=1024 * place, name=f"scene{place}")
        add_zone(campaign, image, domain="D051_2019", name=zone.partition("/")[2])
    with campaign.open_store(campaign.zone(THREE), author="jean") as store:
        window = Window(row=0, col=0, height=512, width=512)
        store.apply(assign(np.ones(window.shape, np.bool_), window, 5, Provenance(tool="brush")))
    return campaign


@pytest.fixture
def panel(qtbot: Any, three: Campaign) -> Iterator[QueuePanel]:
    shown = QueuePanel(three.path, "marie")
    qtbot.addWidget(shown)
    shown.resize(320, 500)
    shown.show()
    yield shown
    shown.release()
    qtbot.waitUntil(lambda: not shown.reading)


def settle(qtbot: Any, panel: QueuePanel) -> None:
    qtbot.waitUntil(lambda: not panel.reading and panel.model.rowCount() > 0, timeout=20_000)


def names(panel: QueuePanel) -> list[str]:
    return [panel.model.index(row).data() for row in range(panel.model.rowCount())]


def middle(panel: QueuePanel, zone: str) -> QPoint:
    return panel.view.visualRect(panel.model.index(panel.model.place(zone))).center()


def double_click(panel: QueuePanel, zone: str) -> None:
    where = middle(panel, zone)
    QTest.mouseClick(panel.view.viewport(), LEFT, pos=where)
    QTest.mouseDClick(panel.view.viewport(), LEFT, pos=where)


def answer(monkeypatch: pytest.MonkeyPatch, button: QMessageBox.StandardButton) -> list[str]:
    """Answer every question, and return what was asked."""
    asked: list[str] = []
    monkeypatch.setattr(QMessageBox, "question", lambda *given: (asked.append(given[2]), button)[1])
    return asked


def test_it_reads_when_it_is_first_seen_and_says_how_many_zones_there_are(
    qtbot: Any, panel: QueuePanel
) -> None:
    settle(qtbot, panel)
    assert names(panel) == [ONE, TWO, THREE]
    assert panel.told == "3 zones"
    assert panel.only.itemText(0) == "All zones (3)"


def test_a_double_click_and_enter_open_a_zone(qtbot: Any, panel: QueuePanel) -> None:
    settle(qtbot, panel)
    with qtbot.waitSignal(panel.chosen) as double:
        double_click(panel, TWO)
    with qtbot.waitSignal(panel.chosen) as enter:
        QTest.keyClick(panel.view, Qt.Key.Key_Return)
    assert double.args == enter.args == [ZoneChoice(zone=TWO)]


def test_enter_in_the_search_opens_the_first_zone_that_is_left(qtbot: Any, panel: QueuePanel) -> None:
    settle(qtbot, panel)
    QTest.keyClicks(panel.search, "jean")
    assert names(panel) == [THREE]
    assert panel.told == "1 zone of 3"
    with qtbot.waitSignal(panel.chosen) as enter:
        QTest.keyClick(panel.search, Qt.Key.Key_Return)
    assert enter.args == [ZoneChoice(zone=THREE)]


@pytest.mark.parametrize(
    ("button", "expected"),
    [
        (QMessageBox.StandardButton.Yes, [ZoneChoice(zone=ONE, together=True)]),
        (QMessageBox.StandardButton.No, []),
    ],
    ids=["yes", "no"],
)
def test_a_zone_where_somebody_is_asks_whether_to_label_together(
    qtbot: Any,
    three: Campaign,
    panel: QueuePanel,
    monkeypatch: pytest.MonkeyPatch,
    button: QMessageBox.StandardButton,
    expected: list[ZoneChoice],
) -> None:
    settle(qtbot, panel)
    asked, chosen = answer(monkeypatch, button), list[ZoneChoice]()
    panel.chosen.connect(chosen.append)
    with Tenancy(three.registry, ONE, "jean"):
        panel.refresh()
        settle(qtbot, panel)
        double_click(panel, ONE)
    assert chosen == expected
    assert len(asked) == 1
    assert f"jean is labelling {ONE} just now" in asked[0]


def test_the_second_annotator_is_offered_to_label_blind(
    qtbot: Any, three: Campaign, panel: QueuePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(qtbot, panel)
    three.draw(1.0)
    panel.refresh()
    settle(qtbot, panel)
    asked = answer(monkeypatch, QMessageBox.StandardButton.Yes)
    with qtbot.waitSignal(panel.chosen) as signal:
        double_click(panel, THREE)
    assert signal.args == [ZoneChoice(zone=THREE, blind=True)]
    assert "jean did so first" in asked[0]


def test_rows_stay_under_a_hand_and_move_when_it_rests(
    qtbot: Any, three: Campaign, panel: QueuePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(qtbot, panel)
    with three.open_store(three.zone(THREE), author="marie") as store:
        window = Window(row=0, col=0, height=5, width=5)
        store.apply(assign(np.ones(window.shape, np.bool_), window, 7, Provenance(tool="brush")))
        submit(store)
        send_back(store, "roofs")
    resting = False
    monkeypatch.setattr(type(panel.view), "at_rest", property(lambda _: resting))
    panel.refresh()
    settle(qtbot, panel)
    assert names(panel) == [ONE, TWO, THREE]
    resting = True
    qtbot.waitUntil(lambda: names(panel) == [THREE, ONE, TWO], timeout=5_000)


def test_keys_of_the_list_go_to_the_list_where_the_window_has_them_too(qtbot: Any, three: Campaign) -> None:
    window, pressed = QWidget(), list[str]()
    panel = QueuePanel(three.path, "marie")
    QVBoxLayout(window).addWidget(panel)
    qtbot.addWidget(window)
    for key in ("Down", "Return"):
        QShortcut(QKeySequence(key), window).activated.connect(lambda key=key: pressed.append(key))
    window.show()
    window.activateWindow()
    settle(qtbot, panel)
    panel.view.setFocus()
    QTest.qWait(100)
    panel.view.setCurrentIndex(panel.model.index(0))
    with qtbot.waitSignal(panel.chosen) as enter:
        QTest.keyClick(panel.view, Qt.Key.Key_Down)
        QTest.keyClick(panel.view, Qt.Key.Key_Return)
    assert enter.args == [ZoneChoice(zone=TWO)]
    assert not pressed
    panel.release()


def test_reading_is_stopped_by_its_button_and_goes_on_by_it(
    qtbot: Any, panel: QueuePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(qtbot, panel)
    monkeypatch.setattr(queue_reading, "_BATCH_SECONDS", 0.0)
    begun, pressed, read_one = Event(), Event(), ZoneReader._read_one

    def held(*args: Any) -> Any:
        """Read a zone once the button was pressed, however fast the machine is."""
        begun.set()
        assert pressed.wait(20)
        return read_one(*args)

    monkeypatch.setattr(ZoneReader, "_read_one", held)
    again = QueuePanel(panel.directory, "marie")
    qtbot.addWidget(again)
    again.refresh()
    qtbot.waitUntil(begun.is_set, timeout=20_000)
    again.stop()
    pressed.set()
    qtbot.waitUntil(lambda: not again.reading, timeout=20_000)
    assert "were not read" in again.told
    QTest.mouseClick(again.again, LEFT)
    settle(qtbot, again)
    assert again.told == "3 zones"
    again.release()


def test_a_campaign_that_cannot_be_read_is_one_sentence(qtbot: Any, three: Campaign) -> None:
    three.registry.path.write_bytes(b"SQLite format 3\0" + b"\0" * 100)
    broken = QueuePanel(three.path, "marie")
    qtbot.addWidget(broken)
    broken.show()
    qtbot.waitUntil(lambda: not broken.reading, timeout=20_000)
    assert broken.told.endswith("restore it from a backup")
    broken.release()


def test_a_panel_that_goes_while_it_reads_leaves_no_bar_in_the_activity(
    qtbot: Any, three: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_plugin.jobs._PATIENCE_MILLISECONDS", 0)
    seen, read_one = Event(), ZoneReader._read_one

    def read_when_seen(reader: ZoneReader, zone_id: str) -> QueuedZone:
        assert seen.wait(30)
        return read_one(reader, zone_id)

    monkeypatch.setattr(ZoneReader, "_read_one", read_when_seen)
    panel = QueuePanel(three.path, "marie")
    panel.refresh()
    qtbot.waitUntil(lambda: bool(progress._all_instances), timeout=20_000)
    seen.set()
    panel.release()
    panel.deleteLater()
    del panel
    qtbot.waitUntil(lambda: not progress._all_instances, timeout=20_000)
