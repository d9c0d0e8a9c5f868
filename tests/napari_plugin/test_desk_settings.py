"""Language, keyboard and keys as one chooses them, and the help that lists them. Needs a display."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import unescape

import pytest
from desk_driver import LEFT, Driver, needs_window
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QDialogButtonBox, QLabel, QWidget

from napari_plugin.actions import ACTIONS, keymap
from napari_plugin.preferences import Preferences
from napari_plugin.settings_dialog import SettingsDialog
from workbench.nomenclature import load_nomenclature

pytestmark = needs_window
OK, DEFAULTS = QDialogButtonBox.StandardButton.Ok, QDialogButtonBox.StandardButton.RestoreDefaults
FRENCH = """
msgid "Undo"
msgstr "Annuler"

msgid "What one can do"
msgstr "Ce qu'on peut faire"
"""


@pytest.fixture
def dialog(qtbot: object, preferences: Preferences) -> Iterator[SettingsDialog]:
    window = QWidget()
    yield SettingsDialog(window, preferences)
    window.deleteLater()


def shown(dialog: SettingsDialog) -> dict[str, tuple[str, ...]]:
    """Return the keys that stand in the table, by action."""
    return {action.id: tuple(dialog.table.item(row, 2).text().split()) for row, action in enumerate(ACTIONS)}


def choose(dialog: SettingsDialog, key_set: str) -> None:
    dialog.key_set.setCurrentIndex(dialog.key_set.findData(key_set))


def test_the_dialog_shows_the_keys_of_the_keyboard_that_is_chosen(dialog: SettingsDialog) -> None:
    assert shown(dialog) == keymap("qwerty")
    choose(dialog, "azerty")
    assert shown(dialog) == keymap("azerty")
    choose(dialog, "qwerty")
    assert shown(dialog) == keymap("qwerty")


def test_classes_are_called_by_their_names_where_a_zone_is_open(
    dialog: SettingsDialog, preferences: Preferences
) -> None:
    def titles(shown: SettingsDialog) -> list[str]:
        return [shown.table.item(row, 1).text() for row in range(19)]

    assert titles(dialog) == [f"Class {place}" for place in range(1, 20)]
    flair = load_nomenclature("flair-19")
    named = SettingsDialog(dialog, preferences, flair)
    assert titles(named) == [entry.titles["en"] for entry in flair.classes]
    named.set_keys("class_1", ("J",))
    assert named.problem.text() == "J means two things: building, Brush"


def test_keys_of_ones_own_stay_on_another_keyboard_and_are_kept_alone(
    dialog: SettingsDialog, preferences: Preferences
) -> None:
    dialog.set_keys("undo", ("ctrl+b",))
    choose(dialog, "azerty")
    dialog.outlines.setChecked(True)
    dialog.accept()
    assert (preferences.key_set, preferences.own_keys) == ("azerty", {"undo": ("Ctrl+B",)})
    assert preferences.outlines
    again = SettingsDialog(dialog, preferences)
    assert shown(again) == keymap("azerty", {"undo": ("Ctrl+B",)})
    again.buttons.button(DEFAULTS).click()
    again.accept()
    assert preferences.own_keys == {}


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (("Ctrl+Z", "J"), "J means two things: Brush, Undo"),
        (("Ctrl+Nonsense",), "Undo: that is no key; write it like Ctrl+K"),
    ],
)
def test_keys_that_clash_or_are_none_are_not_accepted(
    dialog: SettingsDialog, keys: tuple[str, ...], problem: str
) -> None:
    dialog.set_keys("undo", keys)
    assert dialog.problem.text() == problem
    assert not dialog.buttons.button(OK).isEnabled()
    dialog.set_keys("undo", ("Ctrl+Z",))
    assert dialog.problem.text() == ""
    assert dialog.buttons.button(OK).isEnabled()


def test_what_is_given_up_is_not_kept(dialog: SettingsDialog, preferences: Preferences) -> None:
    dialog.set_keys("undo", ("Ctrl+B",))
    choose(dialog, "azerty")
    dialog.reject()
    assert (preferences.key_set, preferences.own_keys) == ("qwerty", {})


def test_the_desk_takes_another_language_and_keyboard_with_the_zone_open(
    desk: Driver, preferences: Preferences, in_french: Callable[[str], None]
) -> None:
    session = desk.session
    session.assign_at(100, 100)
    in_french(FRENCH)
    preferences.language, preferences.key_set = "fr", "azerty"
    preferences.own_keys = {"brush": ("Ctrl+B",)}
    desk.dock.take_preferences()
    QTest.qWait(30)
    assert desk.session is session
    assert desk.panel.saved.undo.text().endswith("Annuler")
    assert session.title_of(5) == "eau"
    session.hover_at(100, 100)
    scale = session.scale
    desk.press("Z")  # W on AZERTY
    assert session.scale > scale
    desk.press("J")
    assert desk.desk.tools.current.id == "pick"
    desk.press("Ctrl+B")
    assert desk.desk.tools.current.id == "brush"
    desk.press("Ctrl+Z")
    assert not session.labels.any()
    desk.press("?")
    assert desk.dock.help.isVisible()
    assert "Ce qu'on peut faire" in unescape(desk.dock.help.text)


def test_the_help_lists_every_action_with_its_keys_and_goes_with_a_click(desk: Driver) -> None:
    desk.press("?")
    help_page = desk.dock.help
    assert help_page.isVisible()
    assert help_page.size() == desk.canvas.size()
    for action in ACTIONS:
        if action.position is None and not action.id.startswith("view_"):
            assert action.title.split("…")[0] in help_page.text
    for entry in desk.session.nomenclature.classes:
        assert entry.titles["en"] in help_page.text
    keys = [action.keys for action in ACTIONS if action.id.startswith("view_")]
    for recipe, _ in zip(desk.desk.views.recipes, keys, strict=False):
        assert recipe.titles["en"] in help_page.text
    assert "Page ↑" in help_page.text
    for label in help_page.findChildren(QLabel):
        assert label.geometry().right() <= help_page.width()
        assert label.geometry().bottom() <= help_page.height()
    QTest.mouseClick(help_page, LEFT)
    assert not help_page.isVisible()
    assert desk.session.store.undo_steps == 0
