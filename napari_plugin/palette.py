"""The classes in groups: key, official colour, title in the language in use and in the other one, share."""

from __future__ import annotations

__all__ = ["ClassList"]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from qtpy.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from qtpy.QtGui import QColor, QFont, QFontMetrics, QPainter
from qtpy.QtWidgets import (
    QFrame,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from napari_plugin.actions import Keymap
from napari_plugin.keycaps import shown_key
from napari_plugin.language import percent, second_title, title, tr
from napari_plugin.theme import ink
from workbench.labels.editing import Given
from workbench.nomenclature import LandCoverClass, Nomenclature, UpperClass

_ROW = Qt.ItemDataRole.UserRole
_CLASS_HEIGHT, _GROUP_HEIGHT = 21, 18
_INDENT, _SHARE_WIDTH, _SOME_LETTERS = 9, 56, 36


@dataclass(slots=True, kw_only=True)
class _Row:
    given: Given
    key: str
    colour: QColor | None
    title: str
    second: str
    depth: int
    group: bool
    share: str = ""


class ClassList(QListWidget):
    """Shows the classes of a nomenclature under their upper classes, and a last row that erases.

    A click takes a class in hand; one on an upper class takes that, for where no class is sure.

    Parameters
    ----------
    nomenclature
        Whose classes.
    keys
        Shown beside the classes.
    """

    chosen = Signal(object)
    """`Given` of the row that was clicked."""
    pointed = Signal(object)
    """Key of the class under the pointer, None where there is none."""

    def __init__(self, nomenclature: Nomenclature, keys: Keymap) -> None:
        super().__init__()
        self._nomenclature = nomenclature
        self.setItemDelegate(_RowPainter(self))
        # The focus stays with the canvas, so that arrows and keys go on working there.
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setMouseTracking(True)
        shown = {
            place: _first(keys.get(f"class_{place + 1}", ())) for place in range(len(nomenclature.classes))
        }
        for row, tip in _rows(nomenclature, shown):
            self._add(row, tip)
        key = _first(keys.get("erase", ()))
        erase = _Row(
            given=Given(code=0), key=key, colour=None, title=tr("eraser"), second="", depth=0, group=False
        )
        self._add(erase, tr("Makes regions unlabelled again"))
        self.itemClicked.connect(lambda item: self.chosen.emit(item.data(_ROW).given))
        self.itemEntered.connect(self._on_entered)

    def show_chosen(self, given: Given) -> None:
        """Mark the class in hand."""
        for place in range(self.count()):
            row = self.item(place).data(_ROW)
            same = row.given.upper == given.upper if given.upper else row.given == given
            if same:
                self.setCurrentRow(place)
                self.scrollToItem(self.item(place))
                return

    def show_shares(self, counts: Mapping[int, int], unresolved: Mapping[str, int]) -> None:
        """Show the share of the zone that each class has, and each upper class for itself.

        Parameters
        ----------
        counts
            {code: pixels}, 0 = unlabelled.
        unresolved
            {key of an upper class: pixels} that are sure of no class; they are among those of its fallback.
        """
        total = sum(counts.values())
        for place in range(self.count()):
            item = self.item(place)
            row = item.data(_ROW)
            if row.group:
                pixels = unresolved.get(row.given.upper, 0)
            else:
                pixels = counts.get(row.given.code, 0) - self._fallen_back(row.given.code, unresolved)
            row.share = _share(pixels / total) if pixels > 0 and row.given != Given(code=0) else ""
            item.setData(_ROW, row)
        self.viewport().update()

    def leaveEvent(self, event: object) -> None:
        """Point at nothing."""
        self.pointed.emit(None)

    def sizeHint(self) -> QSize:
        """Ask for all rows."""
        return QSize(300, sum(self.sizeHintForRow(row) for row in range(self.count())) + 4)

    def minimumSizeHint(self) -> QSize:
        """Do with eight rows."""
        return QSize(240, 8 * _CLASS_HEIGHT)

    def _fallen_back(self, code: int, unresolved: Mapping[str, int]) -> int:
        """Return the pixels of a code that are of an upper class only."""
        keys = {entry.code: entry.key for entry in self._nomenclature.classes}
        fallbacks = {group.key: group.fallback for group in self._nomenclature.groups}
        return sum(n for key, n in unresolved.items() if fallbacks.get(key) == keys.get(code) and code)

    def _on_entered(self, item: QListWidgetItem) -> None:
        row: _Row = item.data(_ROW)
        code = row.given.code if not row.group else 0
        self.pointed.emit(self._nomenclature.by_code(code).key if code else None)

    def _add(self, row: _Row, tip: str) -> None:
        item = QListWidgetItem(self)
        item.setData(_ROW, row)
        item.setToolTip(tip)
        item.setSizeHint(QSize(0, _GROUP_HEIGHT if row.group else _CLASS_HEIGHT))


class _RowPainter(QStyledItemDelegate):
    """Paints one class, or the upper class over some."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        row: _Row = index.data(_ROW)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRect(option.rect)
        if chosen:
            _rounded(painter, area.adjusted(1, 1, -1, -1), ink().chosen, None)
        left = area.left() + 5 + _INDENT * row.depth
        if row.group:
            _group(painter, area.adjusted(left - area.left(), 0, -_SHARE_WIDTH, 0), row, option.font)
        else:
            middle = area.center().y()
            _key_cap(painter, QRect(left, middle - 8, 20, 17), row.key, option.font, chosen=chosen)
            _swatch(painter, QRect(left + 26, middle - 7, 26, 15), row.colour)
            titles = area.adjusted(left + 59 - area.left(), 0, -_SHARE_WIDTH, 0)
            _titles(painter, titles, row, option.font, chosen=chosen)
        painter.setPen(ink().text if chosen else ink().dim)
        share = QRect(area.right() - _SHARE_WIDTH, area.top(), _SHARE_WIDTH - 7, area.height())
        painter.setFont(option.font)
        painter.drawText(share, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, row.share)
        painter.restore()


def _rows(nomenclature: Nomenclature, keys: Mapping[int, str]) -> Iterator[tuple[_Row, str]]:
    """Yield the rows of the upper classes, each before what it holds, and the classes that none holds."""
    places = {entry.key: place for place, entry in enumerate(nomenclature.classes)}

    def below(parent: str | None, depth: int) -> Iterator[tuple[_Row, str]]:
        for entry in nomenclature.classes:
            if entry.parent == parent:
                key = keys[places[entry.key]]
                yield _class_row(entry, key, depth), _tip(entry, key, nomenclature)
        for group in nomenclature.groups:
            if group.parent == parent:
                yield (
                    _group_row(group, depth),
                    tr("Where no class of these is sure: {title}", title=title(group.titles)),
                )
                yield from below(group.key, depth + 1)

    rows = list(below(None, 0))
    # What no upper class holds comes last: it is what is left over.
    yield from (one for one in rows if one[0].group or one[0].depth)
    yield from (one for one in rows if not one[0].group and not one[0].depth)


def _group(painter: QPainter, area: QRect, row: _Row, font: QFont) -> None:
    """Write the title of an upper class, a square of its colour before it."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(row.colour)
    painter.drawRoundedRect(QRect(area.left(), area.center().y() - 4, 9, 9), 2, 2)
    small = QFont(font)
    small.setPointSizeF(font.pointSizeF() * 0.92 if font.pointSizeF() > 0 else 8)
    painter.setFont(small)
    painter.setPen(ink().dim)
    text = QFontMetrics(small).elidedText(row.title, Qt.TextElideMode.ElideRight, area.width() - 15)
    painter.drawText(
        area.adjusted(15, 0, 0, 0), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text
    )


def _titles(painter: QPainter, area: QRect, row: _Row, font: QFont, *, chosen: bool) -> None:
    """Write the title, and as much of that in the other language as fits beside it."""
    middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
    first = QFont(font)
    first.setBold(chosen)
    painter.setFont(first)
    painter.setPen(ink().text)
    right = Qt.TextElideMode.ElideRight
    painter.drawText(area, middle, QFontMetrics(first).elidedText(row.title, right, area.width()))
    used = QFontMetrics(first).horizontalAdvance(row.title) + 7
    painter.setFont(font)
    painter.setPen(ink().dim)
    rest = area.adjusted(used, 0, 0, 0)
    if rest.width() > _SOME_LETTERS:
        painter.drawText(rest, middle, QFontMetrics(font).elidedText(row.second, right, rest.width()))


def _key_cap(painter: QPainter, area: QRect, key: str, font: QFont, *, chosen: bool) -> None:
    if not key:
        return
    _rounded(painter, area, QColor(0, 0, 0, 30), ink().text if chosen else ink().line)
    painter.setFont(font)
    painter.setPen(ink().text)
    painter.drawText(area, Qt.AlignmentFlag.AlignCenter, key)


def _swatch(painter: QPainter, area: QRect, colour: QColor | None) -> None:
    _rounded(painter, area, colour or QColor(0, 0, 0, 0), ink().line)
    if colour is None:
        painter.setPen(ink().dim)
        painter.drawLine(area.bottomLeft(), area.topRight())


def _rounded(painter: QPainter, area: QRect, fill: QColor, line: QColor | None) -> None:
    painter.setBrush(fill)
    painter.setPen(line if line is not None else Qt.PenStyle.NoPen)
    painter.drawRoundedRect(area, 3, 3)


def _class_row(entry: LandCoverClass, key: str, depth: int) -> _Row:
    return _Row(
        given=Given(code=entry.code),
        key=key,
        colour=QColor(entry.colour),
        title=title(entry.titles),
        second=second_title(entry.titles),
        depth=depth,
        group=False,
    )


def _group_row(group: UpperClass, depth: int) -> _Row:
    return _Row(
        given=Given(code=0, upper=group.key),
        key="",
        colour=QColor(group.colour),
        title=title(group.titles),
        second="",
        depth=depth,
        group=True,
    )


def _tip(entry: LandCoverClass, key: str, nomenclature: Nomenclature) -> str:
    """Return what a class means, what it is taken for, and its key."""
    lines = [f"<b>{title(entry.titles)}</b> · {second_title(entry.titles)} ({entry.code})"]
    lines.append(title(entry.definition) if entry.definition else "")
    if entry.confused_with:
        pairs = ", ".join(title(nomenclature.by_key(other).titles) for other in entry.confused_with)
        lines.append(f"<i>{tr('Taken for:')}</i> {pairs}")
    if key:
        lines.append(f"<i>{tr('Key:')}</i> {key}")
    return "<br>".join(line for line in lines if line)


def _first(keys: Sequence[str]) -> str:
    """Return the key to show of those of an action; empty where it has none."""
    return shown_key(keys[0]) if keys else ""


def _share(share: float) -> str:
    """Return a share in percent: ``12.3 %``, ``< 0.1 %``."""
    return percent(share) if share >= 0.001 else f"< {percent(0.001)}"
