"""What the pages beside the picture are made of."""

from __future__ import annotations

__all__ = [
    "Page",
    "button",
    "choice",
    "field",
    "fit",
    "heading",
    "note",
    "quietly",
    "slider",
    "swatch",
    "tip",
    "tree",
]

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QToolButton,
    QTreeWidget,
    QVBoxLayout,
    QWidget,
)

from napari_plugin.actions import Keymap

_SWATCH = 11


class Page(QScrollArea):
    """A column of widgets that scrolls where there is no room for it."""

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        self.column = QVBoxLayout(inside)
        self.column.setContentsMargins(4, 6, 6, 4)
        self.column.setSpacing(5)
        self.setWidget(inside)

    def minimumSizeHint(self) -> QSize:
        """Be as wide as what is in it: it scrolls up and down only."""
        inside, bar = self.widget().minimumSizeHint(), self.verticalScrollBar().sizeHint()
        return QSize(inside.width() + bar.width(), 120)


def heading(text: str) -> QLabel:
    """Return the title of a part of a page."""
    label = QLabel(text)
    label.setObjectName("heading")
    return label


def note(text: str = "") -> QLabel:
    """Return a quiet line, as long as it needs; it shows text as it was typed."""
    label = QLabel(text)
    label.setObjectName("dim")
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label


def button(text: str, tip: str, *, action: str = "", keys: Keymap | None = None) -> QPushButton:
    """Return a button; the keys of an action that does the same are in its tooltip."""
    found = QPushButton(text)
    own = " / ".join((keys or {}).get(action, ()))
    found.setToolTip(f"{tip} ({own})" if own else tip)
    found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return found


def field(hint: str) -> QLineEdit:
    """Return a line to write on."""
    line = QLineEdit()
    line.setPlaceholderText(hint)
    line.setToolTip(hint)
    line.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    return line


def slider(value: int, most: int, tip: str) -> QSlider:
    """Return a slider from 0."""
    found = QSlider(Qt.Orientation.Horizontal)
    found.setRange(0, most)
    found.setValue(value)
    found.setToolTip(tip)
    found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return found


def choice(titles: Mapping[str, str], chosen: Callable[[str], None]) -> tuple[QHBoxLayout, QButtonGroup]:
    """Return a row of buttons of which one is down; each has its key as name.

    Parameters
    ----------
    titles
        Of the buttons, by key.
    chosen
        Called with the key of the one that was clicked.
    """
    row, group = QHBoxLayout(), QButtonGroup()
    row.setSpacing(2)
    for key, title in titles.items():
        one = QToolButton()
        one.setObjectName("tool")
        one.setProperty("key", key)
        one.setText(title)
        one.setCheckable(True)
        one.setAutoRaise(True)
        one.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        one.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        one.setMinimumWidth(0)
        one.clicked.connect(lambda _=False, own=key: chosen(own))
        group.addButton(one)
        row.addWidget(one)
    return row, group


def tree(titles: Sequence[str], *, nested: bool = False) -> QTreeWidget:
    """Return a table whose first column is as wide as there is room; without titles it has no head."""
    found = QTreeWidget()
    found.setHeaderLabels(list(titles))
    found.setHeaderHidden(not any(titles))
    found.setRootIsDecorated(nested)
    found.setIndentation(12)
    found.setUniformRowHeights(True)
    found.setFrameShape(QFrame.Shape.NoFrame)
    found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    found.setMinimumHeight(5 * found.fontMetrics().height())
    found.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    head = found.header()
    head.setStretchLastSection(False)
    head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    for column in range(1, len(titles)):
        head.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
    return found


def fit(table: QTreeWidget, most: int) -> None:
    """Make a table as high as its rows, but for no more than some of them; then it scrolls."""
    head = 0 if table.isHeaderHidden() else table.header().sizeHint().height()
    line = table.sizeHintForRow(0) if table.topLevelItemCount() else table.fontMetrics().height() + 2
    table.setFixedHeight(head + line * max(1, min(most, table.topLevelItemCount())) + 4)


def swatch(colour: str) -> QIcon:
    """Return a small square of a colour ``#rrggbb``."""
    pixels = QPixmap(_SWATCH, _SWATCH)
    pixels.fill(QColor(colour))
    icon = QIcon(pixels)
    icon.addPixmap(pixels, QIcon.Mode.Selected)  # else a row that is taken tints it
    return icon


def tip(text: str) -> str:
    """Return a tooltip that shows a text as it was typed: Qt would take what looks like HTML for that."""
    return f"<span style='white-space:pre-wrap'>{escape(text)}</span>"


@contextmanager
def quietly(*widgets: QWidget) -> Iterator[None]:
    """Let widgets be changed without their telling anybody."""
    before = [widget.blockSignals(True) for widget in widgets]
    try:
        yield
    finally:
        for widget, was in zip(widgets, before, strict=True):
            widget.blockSignals(was)
