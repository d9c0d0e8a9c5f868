"""The language of a real window, changed while a zone is open. Needs a display."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from desk_driver import Driver, needs_window, one_window
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDockWidget, QMessageBox, QToolButton

from napari_plugin.language import LANGUAGES
from napari_plugin.session import Session
from workbench.labels.review import accept

pytestmark = needs_window
NARROW = "\u202f"


@pytest.fixture(scope="module")
def driver(qapp: Any) -> Iterator[Driver]:
    with one_window() as viewer:
        opened = Driver(viewer)
        yield opened
        opened.close()
        del opened, viewer


def speak_in(desk: Driver, language: str) -> None:
    """Choose a language as the dialog does."""
    desk.dock.preferences.language = language
    desk.dock.take_preferences()


def tools(desk: Driver) -> list[QToolButton]:
    return [one for one in desk.panel.tools.findChildren(QToolButton) if one.objectName() == "tool"]


def names_of_docks(desk: Driver) -> set[str]:
    """Return what the desk's docks are called, wherever that stands."""
    names = set()
    for widget in (desk.dock, desk.dock.beside.side):
        while not isinstance(widget, QDockWidget):
            widget = widget.parentWidget()
        names |= {
            widget.windowTitle(),
            widget.toggleViewAction().text(),
            widget.titleBarWidget().title.text(),
        }
    return names


def words_of_a_question(desk: Driver) -> set[str]:
    """Return what stands on the buttons of a question, which are Qt's own."""
    answers = QMessageBox.StandardButton
    box = QMessageBox(QMessageBox.Icon.Question, "", "", answers.Yes | answers.Cancel, desk.dock)
    found = {button.text().replace("&", "") for button in box.buttons()}
    box.deleteLater()
    return found


def test_another_language_is_shown_everywhere_at_once_and_english_comes_back(
    driver: Driver, session: Session
) -> None:
    driver.take(session)
    session.assign_at(256, 300)
    session.write(lambda: accept(session.store))
    speak_in(driver, "fr")
    dock, panel = driver.dock, driver.panel
    names = ["Désigner", "Pinceau", "Ligne", "Polygone", "Scinder", "Fusionner"]
    assert [button.text() for button in tools(driver)] == names
    assert tools(driver)[0].toolTip().endswith("(Échap)")
    assert "Enregistré · modif. 2 · il y a" in panel.saved.text
    assert panel.classes.item(0).toolTip().startswith("Là où aucune de ces classes n’est sûre")
    assert panel.lock.text == "Acceptée par marie, et verrouillée."
    assert {"Ce que l’on peut faire", "Retour arrière"} <= set(re.split(r"<[^>]*>|&nbsp;", dock.help.text))
    assert [dock.beside.side.pages.tabText(place) for place in range(2)] == ["Vue", "Zones"]
    assert dock.beside.queue.search.placeholderText() == "Zone, personne, motif…"
    assert names_of_docks(driver) == {"Annotation de l’occupation du sol", "Zone"}
    assert [layer.name for layer in driver.viewer.layers] == ["Image", "Seconde vue", "Classes", "Régions"]
    assert words_of_a_question(driver) == {"Oui", "Annuler"}
    session.set_class(9)
    session.assign_at(256, 300)
    assert panel.banner.text == (
        f"La zone {session.zone_id} a été acceptée par marie et est verrouillée{NARROW}; "
        "renvoyez-la avec un motif pour y annoter."
    )
    speak_in(driver, "en")
    names = ["Pick", "Brush", "Line", "Polygon", "Split", "Merge"]
    assert [button.text() for button in tools(driver)] == names
    assert driver.panel.lock.text == "Accepted by marie, and locked."
    assert [layer.name for layer in driver.viewer.layers] == ["Picture", "Second view", "Classes", "Regions"]
    assert driver.dock.beside.queue.search.placeholderText() == "Zone, person, reason…"
    assert names_of_docks(driver) == {"Land-cover labelling", "Zone"}
    assert words_of_a_question(driver) == {"Yes", "Cancel"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_of_tools_have_room(driver: Driver, session: Session, language: str) -> None:
    driver.take(session)
    speak_in(driver, language)
    QTest.qWait(50)
    assert len(tools(driver)) == 6
    assert [one.text() for one in tools(driver) if one.width() < one.sizeHint().width()] == []
