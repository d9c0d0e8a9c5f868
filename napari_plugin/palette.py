"""The list of classes: key, official colour, French and English title, share of the zone."""

from __future__ import annotations

__all__ = ["ClassList"]

from collections.abc import Mapping
from dataclasses import dataclass

from qtpy.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFont, QFontMetrics, QPainter, QResizeEvent
from qtpy.QtWidgets import (
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from napari_plugin.bindings import CLASS_KEYS, key_hint
from napari_plugin.session import UNLABELLED
from workbench.nomenclature import LandCoverClass, Nomenclature

_ROW = Qt.ItemDataRole.UserRole
_SMALLEST_ROW, _LARGEST_ROW = 21, 28
_SHARE_WIDTH = 54
_INK, _DIM, _LINE = QColor("#f0f1f2"), QColor("#9aa0a8"), QColor("#5a626c")
_CHOSEN = QColor("#414851")


@dataclass(slots=True, kw_only=True)
class _Row:
    code: int
    key: str
    colour: QColor | None
    title: str
    second: str
    share: str = ""


class ClassList(QListWidget):
    """Shows the classes of a nomenclature, and a last row that erases; a click takes one in hand."""

    chosen = Signal(int)
    """Code of the class that was clicked; 0 erases."""

    def __init__(self, nomenclature: Nomenclature) -> None:
        super().__init__()
        self.setItemDelegate(_RowPainter(self))
        # The focus stays with the canvas, so that arrows and keys go on working there.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setUniformItemSizes(True)
        for position, entry in enumerate(nomenclature.classes):
            self._add(_class_row(entry, key_hint("class", position)), _tip(entry, position, nomenclature))
        erase = _Row(code=UNLABELLED, key="X", colour=None, title="effacer", second="erase")
        self._add(erase, f"Make a region unlabelled again. Key: {key_hint('erase')}")
        self.itemClicked.connect(lambda item: self.chosen.emit(item.data(_ROW).code))

    def show_chosen(self, code: int) -> None:
        """Mark the class in hand."""
        for row in range(self.count()):
            if self.item(row).data(_ROW).code == code:
                self.setCurrentRow(row)
                self.scrollToItem(self.item(row))

    def show_shares(self, counts: Mapping[int, int]) -> None:
        """Show the share of the zone's pixels that each class has."""
        total = sum(counts.values())
        for row in range(self.count()):
            item = self.item(row)
            entry = item.data(_ROW)
            pixels = counts.get(entry.code, 0) if entry.code != UNLABELLED else 0
            entry.share = _percent(pixels / total) if pixels else ""
            item.setData(_ROW, entry)
        self.viewport().update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the rows breathe where there is room, and scroll where there is none."""
        super().resizeEvent(event)
        height = min(max(self.viewport().height() // max(1, self.count()), _SMALLEST_ROW), _LARGEST_ROW)
        for row in range(self.count()):
            self.item(row).setSizeHint(QSize(0, height))

    def sizeHint(self) -> QSize:
        """Ask for all rows at their largest."""
        return QSize(300, self.count() * _LARGEST_ROW)

    def minimumSizeHint(self) -> QSize:
        """Do with six rows."""
        return QSize(240, 6 * _SMALLEST_ROW)

    def _add(self, row: _Row, tip: str) -> None:
        item = QListWidgetItem(self)
        item.setData(_ROW, row)
        item.setToolTip(tip)


class _RowPainter(QStyledItemDelegate):
    """Paints one class: key cap, swatch, titles, share."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row: _Row = index.data(_ROW)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRect(option.rect)
        if chosen:
            _rounded(painter, area.adjusted(1, 1, -1, -1), _CHOSEN, None)
        left = area.left() + 6
        _key_cap(painter, QRect(left, area.center().y() - 8, 20, 17), row.key, option.font, chosen=chosen)
        _swatch(painter, QRect(left + 27, area.center().y() - 7, 26, 15), row.colour)
        titles = area.adjusted(left + 61 - area.left(), 0, -_SHARE_WIDTH, 0)
        _titles(painter, titles, row, option.font, chosen=chosen)
        painter.setPen(_INK if chosen else _DIM)
        share = QRect(area.right() - _SHARE_WIDTH, area.top(), _SHARE_WIDTH - 7, area.height())
        painter.drawText(share, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, row.share)
        painter.restore()


def _titles(painter: QPainter, area: QRect, row: _Row, font: QFont, *, chosen: bool) -> None:
    """Write the French title, and as much of the English one as fits beside it."""
    middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    first = QFont(font)
    first.setBold(chosen)
    painter.setFont(first)
    painter.setPen(_INK)
    painter.drawText(area, middle, row.title)
    used = QFontMetrics(first).horizontalAdvance(row.title) + 7
    painter.setFont(font)
    painter.setPen(_DIM)
    rest = area.adjusted(used, 0, 0, 0)
    elided = QFontMetrics(font).elidedText(row.second, Qt.TextElideMode.ElideRight, max(0, rest.width()))
    painter.drawText(rest, middle, elided)


def _key_cap(painter: QPainter, area: QRect, key: str, font: QFont, *, chosen: bool) -> None:
    if not key:
        return
    _rounded(painter, area, QColor(0, 0, 0, 50), _INK if chosen else _LINE)
    painter.setFont(font)
    painter.setPen(_INK)
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, key)


def _swatch(painter: QPainter, area: QRect, colour: QColor | None) -> None:
    _rounded(painter, area, colour or QColor(0, 0, 0, 0), QColor(255, 255, 255, 90))
    if colour is None:
        painter.setPen(_DIM)
        painter.drawLine(area.bottomLeft(), area.topRight())


def _rounded(painter: QPainter, area: QRect, fill: QColor, line: QColor | None) -> None:
    painter.setBrush(fill)
    painter.setPen(line if line is not None else Qt.PenStyle.NoPen)
    painter.drawRoundedRect(area, 3, 3)


def _class_row(entry: LandCoverClass, key: str) -> _Row:
    return _Row(
        code=entry.code,
        key=key,
        colour=QColor(entry.colour),
        title=entry.titles["fr"],
        second=entry.titles["en"],
    )


def _tip(entry: LandCoverClass, position: int, nomenclature: Nomenclature) -> str:
    """Return what a class means, what it is taken for, and its keys."""
    name = f"<b>{entry.titles['fr']}</b> · {entry.titles['en']} ({entry.code})"
    lines = [name, entry.definition.get("en", "")]
    if entry.confused_with:
        pairs = ", ".join(nomenclature.by_key(key).titles["fr"] for key in entry.confused_with)
        lines.append(f"<i>Taken for:</i> {pairs}")
    if position < len(CLASS_KEYS):
        lines.append(f"<i>Key:</i> {' or '.join(CLASS_KEYS[position])}")
    return "<br>".join(line for line in lines if line)


def _percent(share: float) -> str:
    """Return a share in percent: ``12.3 %``, ``< 0.1 %``."""
    return f"{share:.1%}".replace("%", " %") if share >= 0.001 else "< 0.1 %"
