"""The page on pre-labels: what models propose, what accepting some of it would change, what became of it."""

from __future__ import annotations

__all__ = ["FATE_TITLES", "FateRow", "GroupRow", "PrelabelPage", "VEIL_TITLES"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qtpy.QtCore import QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_plugin.actions import Keymap
from napari_plugin.language import area, count, number, percent, tr
from napari_plugin.pieces import Page, button, choice, fit, heading, note, quietly, slider, swatch, tree
from napari_plugin.theme import ink
from napari_plugin.veil_codes import HEAT_STEPS, heat
from napari_plugin.veils import VeilKind
from workbench.labels.proposed import Group

_GROUP, _SHARES = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole
_STEPS = 100
_MOST_ROWS = 12
VEIL_TITLES: Mapping[VeilKind, str] = {
    "nothing": "Nothing",
    "classes": "Classes",
    "confidence": "Confidence",
    "entropy": "Entropy",
}
FATE_TITLES: Mapping[str, str] = {
    "kept": "kept",
    "corrected": "corrected",
    "untouched": "untouched",
    "waiting": "waiting",
}
"""What can become of a pre-label, in English, as `language.tr` takes it."""
_FATE_COLOURS: Mapping[str, str] = {
    "kept": "#2b8a3e",
    "corrected": "#e8590c",
    "untouched": "#74a9cf",
    "waiting": "#8a8a8a",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow:
    """A class that a model proposes, and what accepting would change."""

    group: Group
    title: str
    colour: str
    """``#rrggbb``."""
    chosen: bool
    regions: int
    area: float
    """In m²."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FateRow:
    """What became of the pre-labels of a class."""

    title: str
    colour: str
    pixels: Mapping[str, int]
    """By fate, among them ``waiting``."""


class PrelabelPage(Page):
    """Shows pre-labels in figures; says what the user wants to see and to accept.

    Parameters
    ----------
    keys
        Shown beside what they do.
    """

    veil_chosen = Signal(str)
    """`VeilKind`."""
    opacity_chosen = Signal(float)
    waiting_toggled = Signal(bool)
    """Whether only what waits is seen, not what is labelled."""
    group_toggled = Signal(object)
    """`Group`."""
    above_chosen = Signal(object)
    """The least confidence, 0 to 1; None for all, also those of which the model says none."""
    over_toggled = Signal(bool)
    preview_toggled = Signal(bool)
    accept_wanted = Signal()
    next_wanted = Signal()
    fates_wanted = Signal()

    def __init__(self, keys: Keymap) -> None:
        super().__init__()
        self.notice = note()
        self._body = QWidget()
        titles = {kind: tr(title) for kind, title in VEIL_TITLES.items()}
        self._veil_row, self._veils = choice(titles, self.veil_chosen.emit)
        self.opacity = slider(60, _STEPS, tr("Opacity of the overlay"))
        self.waiting = QCheckBox(tr("only where nothing is labelled"))
        self.waiting.setChecked(True)
        self.waiting.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.legend = _HeatLegend()
        self.groups = tree((tr("Class"), tr("regions"), tr("area")))
        self.groups.setSelectionMode(QTreeWidget.SelectionMode.NoSelection)
        self.groups.setToolTip(tr("Only the classes that are ticked are accepted."))
        self.above = slider(0, _STEPS, tr("Accept only what the model is at least so sure of"))
        self._above_told = QLabel()
        self.over = QCheckBox(tr("replace labels that differ"))
        self.over.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.preview = button(tr("Preview"), tr("Shows exactly what would change, and nothing else"))
        self.preview.setCheckable(True)
        self.told = note()
        self.accept = button(tr("Accept"), tr("One gesture: undo takes all of it back"))
        tip = tr(
            "Where a pick is worth most: large, and the model is unsure; first what waits, then what was "
            "accepted with others"
        )
        self.next = button(tr("Next uncertain"), tip, action="next_uncertain", keys=keys)
        self.fates = tree((tr("Class"), tr("became")))
        self.fates.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.fates.setSelectionMode(QTreeWidget.SelectionMode.NoSelection)
        self.fates.setItemDelegateForColumn(1, _ShareBar(self.fates))
        self.count = button(tr("Count"), tr("Counts what became of the pre-labels, from the journals"))
        self._lay_out()
        self._connect()
        self.show_above(None)

    def show_notice(self, sentence: str) -> None:
        """Show why there is nothing to accept yet; empty where there is."""
        self.notice.setText(sentence)
        self.notice.setVisible(bool(sentence))
        self._body.setEnabled(not sentence)

    def show_veil(self, kind: VeilKind) -> None:
        """Show which overlay is seen."""
        for one in self._veils.buttons():
            one.setChecked(one.property("key") == kind)
        self.legend.setVisible(kind in ("confidence", "entropy"))
        self.legend.show_words(tr("sure"), tr("undecided") if kind == "entropy" else tr("unsure"))

    def show_groups(self, rows: Sequence[GroupRow], *, models: bool) -> None:
        """Show the classes that are proposed, with their models' names where there are several."""
        with quietly(self.groups):
            while self.groups.topLevelItemCount() > len(rows):
                self.groups.takeTopLevelItem(self.groups.topLevelItemCount() - 1)
            for place, row in enumerate(rows):
                item = self.groups.topLevelItem(place) or QTreeWidgetItem(self.groups)
                if item.data(0, _GROUP) != row.group:
                    name = row.title + (f" · {row.group.model.removeprefix('model-')}" if models else "")
                    item.setText(0, name)
                    item.setIcon(0, swatch(row.colour))
                    item.setData(0, _GROUP, row.group)
                    for column in (1, 2):
                        item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight)
                item.setCheckState(0, Qt.CheckState.Checked if row.chosen else Qt.CheckState.Unchecked)
                item.setText(1, number(row.regions) if row.regions else "")
                item.setText(2, area(row.area) if row.regions else "")
        fit(self.groups, _MOST_ROWS)

    def show_above(self, above: float | None) -> None:
        """Show the least confidence that is accepted."""
        with quietly(self.above):
            self.above.setValue(0 if above is None else round(above * _STEPS))
        self._above_told.setText(tr("any") if above is None else f"≥ {percent(above, 0)}")

    def show_choice(self, told: str, regions: int, *, over: bool) -> None:
        """Show what would change."""
        self.told.setText(told)
        with quietly(self.over):
            self.over.setChecked(over)
        self.accept.setEnabled(regions > 0)
        self.accept.setText(
            count("Accept {count} region", "Accept {count} regions", regions) if regions else tr("Accept")
        )

    def show_previewing(self, *, on: bool) -> None:
        """Show whether the picture shows what would change."""
        with quietly(self.preview):
            self.preview.setChecked(on)

    def show_fates(self, rows: Sequence[FateRow]) -> None:
        """Show what became of the pre-labels by class."""
        self.fates.clear()
        for row in rows:
            total = sum(row.pixels.values())
            item = QTreeWidgetItem(self.fates, [row.title, ""])
            item.setIcon(0, swatch(row.colour))
            shares = [(fate, row.pixels.get(fate, 0) / total) for fate in FATE_TITLES] if total else []
            item.setData(1, _SHARES, shares)
            told = [f"{tr(FATE_TITLES[fate])} {percent(share)}" for fate, share in shares if share]
            for column in (0, 1):
                item.setToolTip(column, f"{row.title}: {', '.join(told)}")
        fit(self.fates, _MOST_ROWS)
        self._legend.setVisible(bool(rows))

    def _lay_out(self) -> None:
        self.column.addWidget(self.notice)
        self.column.addWidget(self._body, 1)
        body = QVBoxLayout(self._body)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(5)
        body.addWidget(heading(tr("Laid over the picture")))
        body.addLayout(self._veil_row)
        body.addWidget(self.legend)
        body.addWidget(self.opacity)
        body.addWidget(self.waiting)
        body.addWidget(heading(tr("Accept")))
        body.addWidget(self.groups)
        sure = QHBoxLayout()
        sure.addWidget(QLabel(tr("Confidence")))  # with what is right of it: Confidence ≥ 80 %
        sure.addWidget(self.above, 1)
        sure.addWidget(self._above_told)
        self._above_told.setMinimumWidth(self.fontMetrics().horizontalAdvance("≥ 100 %  "))
        body.addLayout(sure)
        body.addWidget(self.over)
        body.addWidget(self.told)
        buttons = QHBoxLayout()
        buttons.addWidget(self.preview)
        buttons.addWidget(self.accept, 1)
        body.addLayout(buttons)
        body.addWidget(self.next)
        head = QHBoxLayout()
        head.addWidget(heading(tr("What became of them")))
        head.addStretch()
        head.addWidget(self.count)
        body.addLayout(head)
        body.addWidget(self.fates)
        self._legend = QLabel(
            "  ".join(
                f"<span style='color:{_FATE_COLOURS[fate]}'>■</span> {tr(title)}"
                for fate, title in FATE_TITLES.items()
            )
        )
        self._legend.setWordWrap(True)
        self._legend.setVisible(False)
        body.addWidget(self._legend)
        body.addStretch()
        fit(self.fates, 1)

    def _connect(self) -> None:
        self.opacity.valueChanged.connect(lambda value: self.opacity_chosen.emit(value / _STEPS))
        self.waiting.toggled.connect(self.waiting_toggled)
        self.groups.itemChanged.connect(lambda item: self.group_toggled.emit(item.data(0, _GROUP)))
        self.above.valueChanged.connect(self._on_above)
        self.over.toggled.connect(self.over_toggled)
        self.preview.toggled.connect(self.preview_toggled)
        self.accept.clicked.connect(lambda: self.accept_wanted.emit())
        self.next.clicked.connect(lambda: self.next_wanted.emit())
        self.count.clicked.connect(lambda: self.fates_wanted.emit())

    def _on_above(self, value: int) -> None:
        above = value / _STEPS if value else None
        self.show_above(above)
        self.above_chosen.emit(above)


class _HeatLegend(QWidget):
    """A bar from what is sure to what is not."""

    def __init__(self) -> None:
        super().__init__()
        self._words = ("", "")
        self.setFixedHeight(self.fontMetrics().height() + 4)

    def show_words(self, cold: str, hot: str) -> None:
        """Show what its ends mean."""
        self._words = cold, hot
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bar between its words."""
        painter = QPainter(self)
        painter.setPen(ink().dim)
        cold, hot = (self.fontMetrics().horizontalAdvance(word) for word in self._words)
        painter.drawText(
            self.rect(), Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._words[0]
        )
        painter.drawText(
            self.rect(), Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._words[1]
        )
        bar = QRectF(cold + 6, 4, self.width() - cold - hot - 12, self.height() - 8)
        ramp, colours = QLinearGradient(bar.left(), 0, bar.right(), 0), heat(1.0)
        for step in range(0, HEAT_STEPS + 1, 10):
            ramp.setColorAt(1 - step / HEAT_STEPS, QColor(*colours[step + 1]))
        painter.fillRect(bar, ramp)
        painter.end()


class _ShareBar(QStyledItemDelegate):
    """Paints shares as one bar."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint the bar of a row."""
        bar = QRectF(option.rect).adjusted(2, 4, -4, -4)
        left = bar.left()
        for fate, share in index.data(_SHARES) or ():
            width = share * bar.width()
            painter.fillRect(QRectF(left, bar.top(), width, bar.height()), QColor(_FATE_COLOURS[fate]))
            left += width

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Be as high as a line."""
        return QSize(60, option.fontMetrics.height() + 2)
