"""The page on what one sees: ways to look at the zone, a second one beside it, light, labels, overlays."""

from __future__ import annotations

__all__ = ["ViewPanel", "Way"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_plugin.actions import Keymap
from napari_plugin.keycaps import shown_key
from napari_plugin.language import number, tr

_KEY = Qt.ItemDataRole.UserRole
_STEPS = 100
_MOST_GAMMA = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to look at the zone."""

    key: str
    title: str


class ViewPanel(QWidget):
    """Shows what can be seen and how; says what the user wants to see.

    Parameters
    ----------
    ways
        To look at the zone, the one that it opens with first.
    keys
        The first ways have one each.
    """

    chosen = Signal(str)
    """Key of the way to look at the zone."""
    second_chosen = Signal(str)
    """Key of the second view."""
    swipe_toggled = Signal(bool)
    gamma_chosen = Signal(float)
    """Above 1 lifts shadows."""
    opacity_chosen = Signal(float)
    """Of the labels, 0 to 1."""
    outlines_toggled = Signal(bool)
    contours_toggled = Signal(bool)
    overlay_wanted = Signal()
    overlay_toggled = Signal(int, bool)
    overlay_removed = Signal(int)

    def __init__(self, ways: Sequence[Way], keys: Keymap) -> None:
        super().__init__()
        self.ways = QListWidget()
        self.ways.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.second = QComboBox()
        self.second.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for place, way in enumerate(ways):
            own = keys.get(f"view_{place + 1}", ())
            item = QListWidgetItem(f"{way.title}   {shown_key(own[0])}" if own else way.title)
            item.setData(_KEY, way.key)
            self.ways.addItem(item)
            self.second.addItem(way.title, way.key)
        self.swipe = _box(tr("beside, by a line to drag"), on=False)
        self.gamma = _slider(round(_STEPS / _MOST_GAMMA), tr("Lift shadows"))
        self._gamma_told = QLabel("1")
        self.opacity = _slider(55, tr("Opacity of the labels"))
        self.outlines = _box(tr("labels as outlines only"), on=False)
        self.contours = _box(tr("contours of the regions"), on=True)
        self.overlays = QListWidget()
        self.overlays.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.add = QPushButton(tr("Add roads, parcels, an old map…"))
        self.add.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.remove = QToolButton()
        self.remove.setText("✕")
        self.remove.setToolTip(tr("Take the overlay away"))
        self.remove.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.found = QLabel()
        self.found.setWordWrap(True)
        self.found.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._lay_out()
        self._connect()

    def show_way(self, key: str) -> None:
        """Mark the way in use."""
        for row in range(self.ways.count()):
            if self.ways.item(row).data(_KEY) == key:
                self.ways.setCurrentRow(row)

    def show_second(self, key: str, *, swiping: bool) -> None:
        """Show which the second view is, and whether it is beside the first."""
        _quietly(self.second, lambda: self.second.setCurrentIndex(self.second.findData(key)))
        _quietly(self.swipe, lambda: self.swipe.setChecked(swiping))

    def show_labels(self, *, opacity: float, outlines: bool, contours: bool) -> None:
        """Show how labels and regions are shown."""
        _quietly(self.opacity, lambda: self.opacity.setValue(round(opacity * _STEPS)))
        _quietly(self.outlines, lambda: self.outlines.setChecked(outlines))
        _quietly(self.contours, lambda: self.contours.setChecked(contours))

    def show_overlays(self, overlays: Sequence[tuple[str, QColor, bool]]) -> None:
        """Show the overlays by name, colour, and whether they are seen."""

        def fill() -> None:
            self.overlays.clear()
            for name, colour, seen in overlays:
                swatch = QPixmap(12, 12)
                swatch.fill(colour)
                item = QListWidgetItem(QIcon(swatch), name)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked if seen else Qt.CheckState.Unchecked)
                self.overlays.addItem(item)

        _quietly(self.overlays, fill)
        self.overlays.setVisible(bool(overlays))
        self.remove.setVisible(bool(overlays))

    def show_found(self, text: str) -> None:
        """Show what the overlays say about a place."""
        self.found.setText(text)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 6, 4, 4)
        column.setSpacing(6)
        column.addWidget(self.ways, 3)
        grid = QGridLayout()
        grid.addWidget(QLabel(tr("Second view")), 0, 0)
        grid.addWidget(self.second, 0, 1)
        grid.addWidget(self.swipe, 1, 1)
        grid.addWidget(QLabel(tr("Shadows")), 2, 0)
        lift = QHBoxLayout()
        lift.addWidget(self.gamma, 1)
        lift.addWidget(self._gamma_told)
        grid.addLayout(lift, 2, 1)
        grid.addWidget(QLabel(tr("Labels")), 3, 0)
        grid.addWidget(self.opacity, 3, 1)
        grid.addWidget(self.outlines, 4, 1)
        grid.addWidget(self.contours, 5, 1)
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)
        row = QHBoxLayout()
        row.addWidget(self.add, 1)
        row.addWidget(self.remove)
        column.addLayout(row)
        column.addWidget(self.overlays, 1)
        column.addWidget(self.found)
        self.show_overlays(())

    def _connect(self) -> None:
        self.ways.itemClicked.connect(lambda item: self.chosen.emit(item.data(_KEY)))
        self.second.currentIndexChanged.connect(
            lambda index: self.second_chosen.emit(self.second.itemData(index))
        )
        self.swipe.toggled.connect(self.swipe_toggled)
        self.gamma.valueChanged.connect(self._on_gamma)
        self.opacity.valueChanged.connect(lambda value: self.opacity_chosen.emit(value / _STEPS))
        self.outlines.toggled.connect(self.outlines_toggled)
        self.contours.toggled.connect(self.contours_toggled)
        self.add.clicked.connect(lambda: self.overlay_wanted.emit())
        self.remove.clicked.connect(lambda: self.overlay_removed.emit(self.overlays.currentRow()))
        self.overlays.itemChanged.connect(
            lambda item: self.overlay_toggled.emit(
                self.overlays.row(item), item.checkState() == Qt.CheckState.Checked
            )
        )

    def _on_gamma(self, value: int) -> None:
        gamma = max(0.3, value / _STEPS * _MOST_GAMMA)
        self._gamma_told.setText(number(gamma, 1))
        self.gamma_chosen.emit(gamma)


def _box(text: str, *, on: bool) -> QCheckBox:
    box = QCheckBox(text)
    box.setChecked(on)
    box.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return box


def _slider(value: int, tip: str) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, _STEPS)
    slider.setValue(value)
    slider.setToolTip(tip)
    slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    return slider


def _quietly(widget: QWidget, change: Callable[[], object]) -> None:
    """Change a widget without its telling anybody."""
    widget.blockSignals(True)
    change()
    widget.blockSignals(False)
