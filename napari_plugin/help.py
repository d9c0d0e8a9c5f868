"""The help over the picture: what the pointer and every key do, in columns, on one page."""

from __future__ import annotations

__all__ = ["HelpOverlay"]

from collections.abc import Sequence
from html import escape

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from qtpy.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_plugin.actions import ACTIONS, GROUPS, POINTER, Action, Keymap
from napari_plugin.keycaps import shown_key
from napari_plugin.language import title, tr
from workbench.nomenclature import Nomenclature

_VEIL = QColor(14, 16, 22, 232)
_CAP = "background:#3a4050; color:#f0f1f2;"
_COLUMNS = (("pointer", "scale", "here", "edits"), ("tools", "views"), ("places", "desk", "classes"))


class HelpOverlay(QWidget):
    """Lies over the canvas until it is clicked.

    Parameters
    ----------
    canvas
        The widget that it covers.
    keys
        Of every action.
    nomenclature
        Whose classes have keys.
    views
        What the ways to look at the zone are called, in the order of their keys.
    """

    def __init__(
        self, canvas: QWidget, keys: Keymap, nomenclature: Nomenclature, views: Sequence[str]
    ) -> None:
        super().__init__(canvas)
        self._keys = keys
        classes = [
            f"<span style='color:{entry.colour}'>■</span> {escape(title(entry.titles))}"
            for entry in nomenclature.classes
        ]
        self._listed = {"class": classes, "view": [escape(view) for view in views]}
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        heading = QLabel(f"<h2>{escape(tr('What one can do'))}</h2>")
        columns = QHBoxLayout()
        columns.setSpacing(26)
        for groups in _COLUMNS:
            label = QLabel("".join(self._group(group) for group in groups))
            label.setTextFormat(Qt.TextFormat.RichText)
            label.setAlignment(Qt.AlignmentFlag.AlignTop)
            label.setWordWrap(True)  # the canvas may be narrow, and some languages take more room
            columns.addWidget(label, 1)
        foot = QLabel(tr("Every action is also in napari's command palette: Ctrl+Shift+P. Click to close."))
        page = QVBoxLayout(self)
        page.setContentsMargins(36, 24, 36, 24)
        page.addWidget(heading)
        page.addLayout(columns)
        page.addStretch()
        page.addWidget(foot)
        self.setStyleSheet("QLabel { color: #f0f1f2; background: transparent; font-size: 11px; }")
        canvas.installEventFilter(self)
        self.resize(canvas.size())
        self.hide()

    @property
    def text(self) -> str:
        """Everything it says, as rich text."""
        return "".join(label.text() for label in self.findChildren(QLabel))

    def toggle(self) -> None:
        """Show it, or put it away."""
        self.setVisible(not self.isVisible())
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Dim what lies below."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), _VEIL)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go away."""
        self.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as large as the canvas."""
        if event.type() == QEvent.Type.Resize:
            self.resize(self.parentWidget().size())
        return super().eventFilter(watched, event)

    def _group(self, group: str) -> str:
        if group == "pointer":
            rows = [(_cap(tr(one.gesture)), tr(one.title)) for one in POINTER]
            return _table(tr("Pointer"), rows)
        rows = []
        for action in ACTIONS:
            if action.group != group:
                continue
            keys = " ".join(_cap(shown_key(key)) for key in self._keys.get(action.id, ()))
            rows.append((keys, self._title(action)))
        return _table(tr(GROUPS[group]), [(keys, told) for keys, told in rows if told])

    def _title(self, action: Action) -> str:
        """Return what an action does; empty for a class or view that there is none of."""
        kind, _, place = action.id.partition("_")
        if not place.isdecimal():
            return escape(tr(action.title))
        return next(iter(self._listed[kind][int(place) - 1 :][:1]), "")


def _table(heading: str, rows: list[tuple[str, str]]) -> str:
    lines = "".join(
        f"<tr><td style='padding:1px 10px 3px 0'>{keys}</td><td style='padding:1px 0 3px 0'>{told}</td></tr>"
        for keys, told in rows
    )
    return f"<p><b>{escape(heading)}</b></p><table cellspacing='0'>{lines}</table><br>"


def _cap(key: str) -> str:
    return f"<span style='{_CAP}'>&nbsp;{escape(key)}&nbsp;</span>"
