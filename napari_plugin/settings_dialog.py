"""The dialog for what one prefers: language, keyboard, keys of every action, outlines."""

from __future__ import annotations

__all__ = ["SettingsDialog"]

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_plugin.actions import ACTIONS, GROUPS, KEY_SETS, Action, clashes, keymap
from napari_plugin.language import LANGUAGES, title, tr
from napari_plugin.preferences import Preferences
from napari_plugin.theme import ink
from workbench.nomenclature import Nomenclature

_KEYS_COLUMN = 2
_ID = Qt.ItemDataRole.UserRole


class SettingsDialog(QDialog):
    """Shows the preferences, and keeps them when it is accepted.

    Parameters
    ----------
    parent
        The window.
    preferences
        What is shown and kept.
    nomenclature
        Whose classes the keys take in hand; None where no zone is open.
    """

    def __init__(
        self, parent: QWidget, preferences: Preferences, nomenclature: Nomenclature | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Keys and language"))
        self.resize(820, 700)
        self._preferences = preferences
        self._classes = nomenclature.classes if nomenclature is not None else ()
        self.language, self.key_set = QComboBox(), QComboBox()
        for name, shown in LANGUAGES.items():
            self.language.addItem(shown, name)
        for name, shown in KEY_SETS.items():
            self.key_set.addItem(shown, name)
        self.language.setCurrentIndex(self.language.findData(preferences.language))
        self.key_set.setCurrentIndex(self.key_set.findData(preferences.key_set))
        self.outlines = QCheckBox(tr("Tell classes apart by outlines as well (colour-blind safe)"))
        self.outlines.setChecked(preferences.outlines)
        self.table = QTableWidget(len(ACTIONS), 3)
        self.table.setHorizontalHeaderLabels([tr("Group"), tr("Action"), tr("Keys, separated by spaces")])
        self.table.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setSectionResizeMode(
            _KEYS_COLUMN, QHeaderView.ResizeMode.ResizeToContents
        )
        self.table.verticalHeader().hide()
        self.problem = QLabel()
        self.problem.setWordWrap(True)
        both = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(both.Ok | both.Cancel | both.RestoreDefaults)
        form = QFormLayout()
        form.addRow(tr("Language"), self.language)
        form.addRow(tr("Keyboard"), self.key_set)
        form.addRow(self.outlines)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(self.table, 1)
        column.addWidget(self.problem)
        column.addWidget(self.buttons)
        self._fill(preferences.own_keys)
        self.key_set.currentIndexChanged.connect(lambda: self._fill(self._own()))
        self.table.itemChanged.connect(lambda item: self._check())
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.buttons.button(both.RestoreDefaults).clicked.connect(lambda: self._fill({}))

    def accept(self) -> None:
        """Keep what was chosen."""
        self._preferences.language = self.language.currentData()
        self._preferences.key_set = self.key_set.currentData()
        self._preferences.own_keys = self._own()
        self._preferences.outlines = self.outlines.isChecked()
        super().accept()

    def set_keys(self, action: str, keys: tuple[str, ...]) -> None:
        """Give an action other keys, in the dialog."""
        row = next(place for place, one in enumerate(ACTIONS) if one.id == action)
        self.table.item(row, _KEYS_COLUMN).setText(" ".join(keys))

    def _fill(self, own: dict[str, tuple[str, ...]]) -> None:
        self._standard = keymap(self.key_set.currentData())
        keys = {**self._standard, **own}
        self.table.blockSignals(True)
        for row, action in enumerate(ACTIONS):
            for column, text in enumerate(
                (tr(GROUPS[action.group]), self._title(action), " ".join(keys[action.id]))
            ):
                item = QTableWidgetItem(text)
                item.setData(_ID, action.id)
                if column != _KEYS_COLUMN:
                    item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                self.table.setItem(row, column, item)
        self.table.resizeColumnToContents(0)
        self.table.blockSignals(False)
        self._check()

    def _written(self) -> dict[str, tuple[str, ...]]:
        """Return the keys of every action as they stand in the table, each as Qt writes it."""
        return {
            action.id: tuple(
                QKeySequence(key).toString() for key in self.table.item(row, _KEYS_COLUMN).text().split()
            )
            for row, action in enumerate(ACTIONS)
        }

    def _own(self) -> dict[str, tuple[str, ...]]:
        """Return the keys that are others than those of the keyboard that the table was filled for."""
        written = self._written()
        return {name: keys for name, keys in written.items() if keys != _as_qt(self._standard[name])}

    def _check(self) -> None:
        """Say which keys are no keys, or have two meanings, and keep such from being accepted."""
        titles = {action.id: self._title(action) for action in ACTIONS}
        written = self._written()
        bad = next((name for name, keys in written.items() if "" in keys), None)
        twice = next(iter(clashes(written).items()), None)
        told = ""
        if bad is not None:
            told = tr("{title}: that is no key; write it like Ctrl+K", title=titles[bad])
        elif twice is not None:
            told = tr(
                "{key} means two things: {titles}",
                key=twice[0],
                titles=", ".join(titles[one] for one in twice[1]),
            )
        self.problem.setText(told)
        self.problem.setStyleSheet(f"background: {ink().error.name()}; padding: 4px;" if told else "")
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not told)

    def _title(self, action: Action) -> str:
        """Return what an action is called; a class by its place where the nomenclature has none there."""
        if action.position is None:
            return tr(action.title)
        if action.position < len(self._classes):
            return title(self._classes[action.position].titles)
        return tr("Class {number}", number=action.position + 1)


def _as_qt(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(QKeySequence(key).toString() for key in keys)
