"""The rows of a zone queue: Qt's model of them, the list that shows them, and how one is painted."""

from __future__ import annotations

__all__ = ["QueueModel", "QueueRowPainter", "ZoneList"]

import time
from collections.abc import Iterable

from qtpy.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from qtpy.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from napari_plugin.queue import QueuedZone, Turn, remarks, share_text, state_title, tooltip, turn_of
from napari_plugin.theme import ink

_QUEUED = Qt.ItemDataRole.UserRole
"""Role under which an index gives its `QueuedZone`."""
_REST_SECONDS = 1.5
_KEYPAD = Qt.KeyboardModifier.KeypadModifier
_HEIGHT, _MARGIN, _BAR = 44, 8, 3
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_Index = QModelIndex | QPersistentModelIndex


class QueueModel(QAbstractListModel):
    """The zones of a queue, in the order in which they are shown."""

    def __init__(self, author: str) -> None:
        super().__init__()
        self._author = author
        self._rows: list[QueuedZone] = []
        self._places: dict[str, int] = {}

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        """Return how many there are."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what Qt asks for of a row."""
        queued = self._rows[index.row()] if 0 <= index.row() < len(self._rows) else None
        if queued is None:
            return None
        if role == _QUEUED:
            return queued
        if role == Qt.ItemDataRole.DisplayRole:
            return queued.zone.id
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(queued, self._author)
        return None

    def place(self, zone_id: str) -> int | None:
        """Return the row of a zone; None where it is not shown."""
        return self._places.get(zone_id)

    def ids(self, first: int, last: int) -> tuple[str, ...]:
        """Return the ids of some rows, the last one included."""
        return tuple(queued.zone.id for queued in self._rows[max(first, 0) : last + 1])

    def arrange(self, rows: list[QueuedZone]) -> None:
        """Show other rows, or the same in another order."""
        self.beginResetModel()
        self._rows = rows
        self._places = {queued.zone.id: place for place, queued in enumerate(rows)}
        self.endResetModel()

    def update(self, changed: Iterable[QueuedZone]) -> None:
        """Show what is known now of rows that are shown, where they are."""
        places = []
        for queued in changed:
            place = self._places.get(queued.zone.id)
            if place is not None:
                self._rows[place] = queued
                places.append(place)
        if places:
            self.dataChanged.emit(self.index(min(places)), self.index(max(places)))


class ZoneList(QListView):
    """The list; keys that the desk has taken for itself work in it while it has the focus."""

    opened = Signal(object)
    """`QueuedZone` that was double-clicked, or chosen with Enter."""
    menu_wanted = Signal(object, QPoint)
    """`QueuedZone`, and where on the screen."""
    moved = Signal()
    """It shows other rows than before."""

    _KEYS = frozenset(
        getattr(Qt.Key, f"Key_{name}")
        for name in ("Up", "Down", "PageUp", "PageDown", "Home", "End", "Return", "Enter")
    )

    def __init__(self, model: QueueModel, painter: QStyledItemDelegate) -> None:
        super().__init__()
        self._rows = model
        self._painter = painter  # Qt does not keep it
        self._touched = 0.0
        self.setModel(model)
        self.setItemDelegate(painter)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        # napari's own background is the colour of what is chosen.
        self.setStyleSheet("QListView { background: transparent; }")
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._on_menu)
        self.doubleClicked.connect(self._emit_opened)
        self.verticalScrollBar().valueChanged.connect(lambda _: self.moved.emit())

    def shown(self) -> tuple[str, ...]:
        """Return the ids of the zones that can be seen, top to bottom."""
        top = self.indexAt(QPoint(2, 2)).row()
        bottom = self.indexAt(QPoint(2, self.viewport().height() - 2)).row()
        last = bottom if bottom >= 0 else self._rows.rowCount() - 1
        return self._rows.ids(max(top, 0), last) if self.isVisible() else ()

    def keep_place(self, rows: list[QueuedZone]) -> None:
        """Show rows in another order, with the same one at the top, and the same one taken."""
        bar, current = self.verticalScrollBar(), self.currentIndex().data(_QUEUED)
        top = self._rows.ids(bar.value(), bar.value()) if bar.value() else ()
        self._rows.arrange(rows)
        if current is not None and (place := self._rows.place(current.zone.id)) is not None:
            self.setCurrentIndex(self._rows.index(place))
        place = self._rows.place(top[0]) if top else 0
        bar.setValue(place or 0)

    def open_current(self) -> None:
        """Open the row that is taken, or the first one."""
        index = self.currentIndex()
        self._emit_opened(index if index.isValid() else self._rows.index(0))

    def event(self, event: QEvent) -> bool:
        """Take the keys of a list for the list."""
        override = event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent)
        if override and event.key() in self._KEYS and not event.modifiers() & ~_KEYPAD:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open by Enter."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.open_current()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QEvent) -> None:
        """Tell that other rows are shown."""
        super().resizeEvent(event)
        self.moved.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Take notice of a hand."""
        self._touched = time.monotonic()
        super().mouseMoveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take notice of a hand."""
        self._touched = time.monotonic()
        super().mousePressEvent(event)

    @property
    def at_rest(self) -> bool:
        """Whether no hand is about to click a row, so that rows may move."""
        return time.monotonic() - self._touched > _REST_SECONDS

    def _emit_opened(self, index: QModelIndex) -> None:
        queued = index.data(_QUEUED)
        if queued is not None:
            self.opened.emit(queued)

    def _on_menu(self, where: QPoint) -> None:
        queued = self.indexAt(where).data(_QUEUED)
        if queued is not None:
            self.menu_wanted.emit(queued, self.viewport().mapToGlobal(where))


class QueueRowPainter(QStyledItemDelegate):
    """Paints one zone: its name and state, what matters most of it, and its labelled share as a bar."""

    def __init__(self, author: str) -> None:
        super().__init__()
        self._author = author
        self.current = ""
        """Id of the zone that is open."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        """Ask for two lines and a bar."""
        return QSize(200, max(_HEIGHT, 2 * option.fontMetrics.height() + 14))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        """Paint a row."""
        queued: QueuedZone = index.data(_QUEUED)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRect(option.rect)
        if option.state & QStyle.StateFlag.State_Selected:
            _rounded(painter, area.adjusted(2, 1, -2, -2), ink().chosen)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            faint = QColor(ink().chosen)
            faint.setAlpha(90)
            _rounded(painter, area.adjusted(2, 1, -2, -2), faint)
        inner = area.adjusted(_MARGIN, 4, -_MARGIN, -_BAR - 4)
        upper, lower = QRect(inner), QRect(inner)
        upper.setHeight(inner.height() // 2)
        lower.setTop(upper.bottom() + 1)
        self._paint_head(painter, upper, option.font, queued)
        self._paint_remarks(painter, lower, option.font, queued)
        _bar(painter, QRect(inner.left(), area.bottom() - _BAR - 2, inner.width(), _BAR), queued.labelled)
        painter.restore()

    def _paint_head(self, painter: QPainter, area: QRect, font: QFont, queued: QueuedZone) -> None:
        """Write the zone's name, and at the right where it stands."""
        width = self._paint_state(painter, area, font, queued)
        bold = QFont(font)
        bold.setBold(True)
        mark = "▸ " if queued.zone.id == self.current else ""
        rest = area.adjusted(0, 0, -width - 6, 0)
        name = QFontMetrics(bold).elidedText(
            f"{mark}{queued.zone.id}", Qt.TextElideMode.ElideMiddle, rest.width()
        )
        painter.setFont(bold)
        painter.setPen(ink().text)
        painter.drawText(rest, _LEFT, name)

    def _paint_state(self, painter: QPainter, area: QRect, font: QFont, queued: QueuedZone) -> int:
        """Write where the zone stands, on a chip where somebody should act on it; return its width."""
        title, turn = state_title(queued, self._author), turn_of(queued, self._author)
        painter.setFont(font)
        width = QFontMetrics(font).horizontalAdvance(title) + 12
        chip = QRect(area.right() - width, area.top() + 1, width, area.height() - 1)
        fill = {
            Turn.BACK_TO_ME: ink().error,
            Turn.BACK: ink().error,
            Turn.DAMAGED: ink().error,
            Turn.PROPOSED: ink().advice,
            Turn.ENTRANCE: ink().advice,
            Turn.MINE: ink().advice,
            Turn.SUBMITTED: ink().chosen,
        }.get(turn)
        if fill is not None and queued.read:
            _rounded(painter, chip, fill)
        done = turn == Turn.ACCEPTED
        painter.setPen(ink().good if done else ink().text if fill is not None else ink().dim)
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, title)
        return width

    def _paint_remarks(self, painter: QPainter, area: QRect, font: QFont, queued: QueuedZone) -> None:
        """Write what matters most of the zone, and at the right its labelled share."""
        share = share_text(queued.labelled) if queued.labelled else ""
        metrics = QFontMetrics(font)
        painter.setFont(font)
        painter.setPen(ink().dim)
        painter.drawText(area, _RIGHT, share)
        rest = area.adjusted(0, 0, -metrics.horizontalAdvance(share) - 8, 0)
        told = " · ".join(remarks(queued, self._author))
        painter.drawText(rest, _LEFT, metrics.elidedText(told, Qt.TextElideMode.ElideRight, rest.width()))


def _bar(painter: QPainter, area: QRect, share: float | None) -> None:
    """Paint a labelled share."""
    _rounded(painter, area, ink().line if share is not None else QColor(0, 0, 0, 0))
    if share:
        done = QRect(area)
        done.setWidth(max(_BAR, int(area.width() * share)))
        _rounded(painter, done, ink().good)


def _rounded(painter: QPainter, area: QRect, fill: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(fill)
    painter.drawRoundedRect(area, 3, 3)
