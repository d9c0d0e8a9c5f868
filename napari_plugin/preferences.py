"""What whoever sits at the desk prefers: language, keys, outlines. Kept by Qt, per person and machine."""

from __future__ import annotations

__all__ = ["Preferences", "use_language"]

import json
from collections.abc import Mapping
from typing import cast

from qtpy.QtCore import QCoreApplication, QLibraryInfo, QLocale, QSettings, QTranslator

from napari_plugin.actions import KEY_SETS, Keymap, KeySet, keymap
from napari_plugin.language import LANGUAGES, language, speak

_AUTOMATIC = "auto"


class Preferences:
    """The settings, read from and written to Qt's store at each call."""

    def __init__(self) -> None:
        self._kept = QSettings(QSettings.Format.IniFormat, QSettings.Scope.UserScope, "ocs-workbench", "desk")

    @property
    def language(self) -> str:
        """``en`` or ``fr``; that of the system until one is chosen."""
        chosen = str(self._kept.value("language", _AUTOMATIC))
        return chosen if chosen in LANGUAGES else _system_language()

    @language.setter
    def language(self, language: str) -> None:
        self._kept.setValue("language", language)

    @property
    def key_set(self) -> KeySet:
        """Which keyboard; AZERTY where the system is French, until one is chosen."""
        chosen = str(self._kept.value("keys/set", _AUTOMATIC))
        if chosen in KEY_SETS:
            return cast("KeySet", chosen)
        return "azerty" if QLocale.system().name() in ("fr_FR", "fr_BE") else "qwerty"

    @key_set.setter
    def key_set(self, key_set: KeySet) -> None:
        self._kept.setValue("keys/set", key_set)

    @property
    def own_keys(self) -> dict[str, tuple[str, ...]]:
        """Keys that were chosen in place of those of the set, by action."""
        try:
            kept = json.loads(str(self._kept.value("keys/own", "{}")))
        except ValueError:
            return {}
        if not isinstance(kept, dict):
            return {}
        return {str(name): tuple(map(str, keys)) for name, keys in kept.items() if isinstance(keys, list)}

    @own_keys.setter
    def own_keys(self, own: Mapping[str, tuple[str, ...]]) -> None:
        self._kept.setValue("keys/own", json.dumps({name: list(keys) for name, keys in own.items()}))

    @property
    def keys(self) -> Keymap:
        """The keys of every action."""
        return keymap(self.key_set, self.own_keys)

    @property
    def outlines(self) -> bool:
        """Whether labels are told apart by their outlines and not by colour alone."""
        return str(self._kept.value("outlines", "false")) == "true"

    @outlines.setter
    def outlines(self, on: bool) -> None:
        self._kept.setValue("outlines", "true" if on else "false")


_qt_words: QTranslator | None = None


def use_language(name: str) -> None:
    """Speak a language from now on; Qt's own words, such as those on the buttons of a question, follow.

    What is on the screen already stays as it is.
    """
    global _qt_words
    speak(name)
    application = QCoreApplication.instance()
    if application is None:
        return
    if _qt_words is not None:
        application.removeTranslator(_qt_words)
        _qt_words.deleteLater()
    _qt_words = QTranslator(application)
    folder = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    if _qt_words.load(f"qtbase_{language()}", folder):
        application.installTranslator(_qt_words)


def _system_language() -> str:
    return QLocale.system().name()[:2] if QLocale.system().name()[:2] in LANGUAGES else "en"
