"""What whoever sits at the desk prefers: kept between windows, and never trusted blindly."""

from __future__ import annotations

from pathlib import Path

import pytest
from qtpy.QtCore import QLocale

from napari_plugin.actions import keymap
from napari_plugin.preferences import Preferences


def test_what_was_chosen_is_there_in_the_next_window(preferences: Preferences) -> None:
    preferences.language, preferences.key_set, preferences.outlines = "fr", "azerty", True
    preferences.own_keys = {"undo": ("Ctrl+B", "É"), "redo": ()}
    again = Preferences()
    assert (again.language, again.key_set, again.outlines) == ("fr", "azerty", True)
    assert again.own_keys == {"undo": ("Ctrl+B", "É"), "redo": ()}
    assert again.keys == keymap("azerty", again.own_keys)
    assert again.keys["parent"] == ("Z",)


def test_tests_read_and_write_nobodys_own_settings(preferences: Preferences) -> None:
    path = Path(preferences._kept.fileName())
    preferences._kept.sync()
    assert path.exists()
    assert not path.is_relative_to(Path.home() / ".config")


@pytest.mark.parametrize(
    ("system", "language", "key_set"),
    [
        ("fr_FR", "fr", "azerty"),
        ("fr_BE", "fr", "azerty"),
        ("fr_CA", "fr", "qwerty"),
        ("en_GB", "en", "qwerty"),
        ("de_DE", "en", "qwerty"),
    ],
)
def test_until_something_is_chosen_it_is_as_the_system_has_it(
    preferences: Preferences, monkeypatch: pytest.MonkeyPatch, system: str, language: str, key_set: str
) -> None:
    preferences._kept.clear()
    monkeypatch.setattr(QLocale, "system", lambda: QLocale(system))
    assert (preferences.language, preferences.key_set) == (language, key_set)
    assert not preferences.outlines
    assert preferences.own_keys == {}


@pytest.mark.parametrize("kept", ["no json", "[1, 2]", "{", '{"undo": "Ctrl+B"}', "null"])
def test_keys_that_cannot_be_read_are_those_of_the_keyboard(preferences: Preferences, kept: str) -> None:
    preferences._kept.setValue("keys/own", kept)
    assert preferences.keys == keymap("qwerty")


def test_a_language_or_keyboard_that_is_none_is_not_taken(
    preferences: Preferences, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QLocale, "system", lambda: QLocale("en_GB"))
    preferences._kept.setValue("language", "xx")
    preferences._kept.setValue("keys/set", "dvorak")
    assert (preferences.language, preferences.key_set) == ("en", "qwerty")
