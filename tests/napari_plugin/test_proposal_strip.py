"""Proposals that are no zones yet, above the queue: seen, told why, and made zones of. Needs a display."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from made_orthos import MakeOrtho
from made_proposals import pooled, propose, told
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_plugin import proposal_strip, queue_panel
from napari_plugin.queue import WaitingProposals, ZoneChoice
from napari_plugin.queue_panel import QueuePanel
from workbench.campaign import Campaign
from workbench.workflows.intake import add_zone

NO_DISPLAY = sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
pytestmark = [
    pytest.mark.window,
    pytest.mark.skipif(NO_DISPLAY, reason="a window needs a display: apt-get install xvfb"),
]
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def proposed(campaign: Campaign, make_ortho: MakeOrtho) -> Campaign:
    """A campaign of one zone, with two proposals."""
    image, _ = make_ortho()
    add_zone(campaign, image, domain="D051_2019", name="Z1_AA")
    pooled(campaign)
    propose(campaign, adviser=told(campaign))
    return campaign


@pytest.fixture
def panel(qtbot: Any, proposed: Campaign) -> Iterator[QueuePanel]:
    shown = QueuePanel(proposed.path, "marie")
    qtbot.addWidget(shown)
    shown.resize(320, 600)
    shown.show()
    settle(qtbot, shown)
    yield shown
    shown.release()


def settle(qtbot: Any, panel: QueuePanel) -> None:
    """Wait until nothing is read or made: the widget goes before its fixture ends, and hears nothing then."""
    qtbot.waitUntil(lambda: not panel.reading and not panel.proposals.making, timeout=60_000)
    assert panel.model.rowCount()


def rows(panel: QueuePanel) -> list[str]:
    table = panel.proposals.list
    return [table.topLevelItem(row).text(0) for row in range(table.topLevelItemCount())]


def test_a_line_says_how_many_there_are_and_opens_to_why_and_what_each_takes(panel: QueuePanel) -> None:
    strip = panel.proposals
    assert strip.head.text() == "2 proposals are no zones yet"
    assert not strip.list.isVisible()
    assert not strip.make.isVisible()
    QTest.mouseClick(strip.head, LEFT)
    assert strip.list.isVisible()
    assert strip.make.isVisible()
    # The right half of the dalle is the doubtful one.
    assert rows(panel) == [
        "D051_2019/dalle-r0c1\nthe model doubts",
        "D051_2019/dalle-r0c0\nthe model doubts",
    ]
    first = strip.list.topLevelItem(0)
    assert "picks" in first.text(1)
    assert "min" in first.text(1)
    assert "doubtful" in first.toolTip(0)


def test_nothing_is_seen_of_it_where_nothing_is_proposed(qtbot: Any, panel: QueuePanel) -> None:
    (panel.directory / "proposals.gpkg").unlink()
    panel.refresh()
    settle(qtbot, panel)
    for part in (panel.proposals.head, panel.proposals.list, panel.proposals.make, panel.proposals.problem):
        assert not part.isVisible()


def test_the_row_that_is_taken_stays_taken_when_others_go(panel: QueuePanel) -> None:
    strip = panel.proposals
    QTest.mouseClick(strip.head, LEFT)
    assert strip._shown is not None
    both = strip._shown.proposals
    strip.list.setCurrentItem(strip.list.topLevelItem(1))
    strip.show_waiting(WaitingProposals(proposals=both[1:]))
    assert strip.list.currentItem().text(0).startswith(both[1].id)
    strip.show_waiting(WaitingProposals(proposals=both))
    assert strip.list.currentItem().text(0).startswith(both[1].id)


def test_one_click_makes_a_zone_that_can_be_labelled_and_opens_it(
    qtbot: Any, panel: QueuePanel, proposed: Campaign
) -> None:
    QTest.mouseClick(panel.proposals.head, LEFT)
    with qtbot.waitSignal(panel.chosen, timeout=60_000) as chosen:
        QTest.mouseClick(panel.proposals.make, LEFT)
        assert panel.proposals.head.text() == "Making a zone…"
        assert not panel.proposals.make.isEnabled()
        QTest.mouseDClick(panel.proposals.list.viewport(), LEFT, pos=QPoint(60, 8))  # no second one
    assert chosen.args == [ZoneChoice(zone="D051_2019/Z2")]
    qtbot.waitUntil(lambda: len(rows(panel)) == 1, timeout=20_000)
    settle(qtbot, panel)
    zone = proposed.zone("D051_2019/Z2")
    assert proposed.hierarchy_path(zone).exists()
    with proposed.open_store(zone) as store:
        assert store.prelabels().waiting()
    place = panel.model.place(zone.id)
    assert place is not None
    assert rows(panel) == ["D051_2019/dalle-r0c0\nthe model doubts"]
    assert panel.proposals.make.isEnabled()
    assert len(proposed.zones()) == 2


def test_who_went_to_another_zone_meanwhile_is_told_and_stays_there(
    qtbot: Any, panel: QueuePanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    informed, chosen = list[str](), list[ZoneChoice]()
    monkeypatch.setattr(queue_panel, "show_info", informed.append)
    panel.chosen.connect(chosen.append)
    QTest.mouseClick(panel.proposals.head, LEFT)
    QTest.mouseClick(panel.proposals.make, LEFT)
    panel.show_current("D051_2019/Z1_AA")
    qtbot.waitUntil(lambda: bool(informed), timeout=60_000)
    assert informed == ["D051_2019/Z2 is ready to be labelled."]
    assert not chosen
    qtbot.waitUntil(lambda: len(rows(panel)) == 1, timeout=20_000)
    with qtbot.waitSignal(panel.chosen, timeout=60_000):
        QTest.mouseClick(panel.proposals.make, LEFT)
    settle(qtbot, panel)
    assert chosen == [ZoneChoice(zone="D051_2019/Z3")]


def test_what_cannot_be_made_is_one_sentence_and_the_proposal_stays(
    qtbot: Any, panel: QueuePanel, proposed: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    warned: list[str] = []
    monkeypatch.setattr(proposal_strip, "show_warning", warned.append)
    QTest.mouseClick(panel.proposals.head, LEFT)
    (proposed.path.parent / "dalle.tif").unlink()
    QTest.mouseClick(panel.proposals.make, LEFT)
    qtbot.waitUntil(lambda: bool(warned), timeout=60_000)
    assert len(warned) == 1
    assert "dalle.tif" in warned[0]
    assert len(rows(panel)) == 2
    assert [zone.name for zone in proposed.zones()] == ["Z1_AA"]
