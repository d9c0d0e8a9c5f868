"""The small panels of the dock.

Each shows values that it is given and says what the user wants; none knows a session or a viewer.
"""

from __future__ import annotations

__all__ = [
    "Banner",
    "CoveragePanel",
    "LockPanel",
    "PlacePanel",
    "SavedPanel",
    "ScalePanel",
    "ToolPanel",
    "WelcomePage",
]

from collections.abc import Callable
from datetime import datetime

from qtpy.QtCore import QRectF, Qt, QTimer, Signal
from qtpy.QtGui import QPainter, QPaintEvent, QShowEvent
from qtpy.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_plugin.actions import ACTIONS, Keymap
from napari_plugin.keycaps import shown_keys
from napari_plugin.language import ago, figure, number, percent, tr
from napari_plugin.language import sentence as as_sentence
from napari_plugin.theme import ink
from napari_plugin.tools import TOOLS, Tool

_NOTICE_MILLISECONDS = 6000
TOOL_NAMES = {
    "pick": "Pick",
    "brush": "Brush",
    "line": "Line",
    "polygon": "Polygon",
    "cut": "Split",
    "merge": "Merge",
}
_TOOLS_IN_A_ROW = 3
_SECOND = 1000


class Banner(QFrame):
    """A sentence that must not be missed: what went wrong, or what to do first."""

    agreed = Signal()
    """Somebody wants to go on in spite of what it says."""
    followed = Signal()
    """Somebody wants to do what it advises."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)  # people's words are in it
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._close = QToolButton()
        self._close.setText("✕")
        self._close.setAutoRaise(True)
        self._close.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._close.clicked.connect(self.hide)
        self._agree = QPushButton()
        self._agree.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._agree.clicked.connect(self._on_agreed)
        grid = QGridLayout(self)
        grid.setContentsMargins(9, 7, 5, 7)
        grid.setColumnStretch(0, 1)
        grid.addWidget(self._text, 0, 0)
        grid.addWidget(self._close, 0, 1, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self._agree, 1, 0, 1, 2, Qt.AlignmentFlag.AlignRight)
        self.hide()

    @property
    def text(self) -> str:
        """What it says."""
        return self._text.text()

    def warn(self, sentence: str) -> None:
        """Show an error, once, until it is put away or an edit succeeds."""
        self._show(sentence, "error")

    def advise(self, sentence: str, answer: str = "") -> None:
        """Show what has to be done first, and a button that does it, if there is one; it stays."""
        self._agree.setText(answer)
        self._show(sentence, "advice")

    def ask(self, sentence: str, answer: str) -> None:
        """Show what bars all edits, and how to go on all the same; it stays until somebody does."""
        self._agree.setText(answer)
        self._show(sentence, "bar")

    def settle(self) -> None:
        """Put an error away: the desk works again."""
        if self.property("kind") == "error":
            self.hide()

    def _show(self, sentence: str, kind: str) -> None:
        self._text.setText(as_sentence(sentence))
        self._close.setVisible(kind == "error")
        self._agree.setVisible(kind == "bar" or (kind == "advice" and bool(self._agree.text())))
        self.setProperty("kind", kind)
        self.style().unpolish(self)
        self.style().polish(self)
        self.show()

    def _on_agreed(self) -> None:
        self.hide()
        (self.followed if self.property("kind") == "advice" else self.agreed).emit()


class ScalePanel(QWidget):
    """How large the regions are: a slider over the levels of λ, and what it means on the ground."""

    level_chosen = Signal(int)
    stepped = Signal(int)

    def __init__(self, keys: Keymap) -> None:
        super().__init__()
        self._keys = keys
        self._value = QLabel()
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setRange(0, 254)
        self._slider.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._slider.setToolTip(tr("Size of the regions (scale λ). Over the picture: Ctrl + wheel."))
        self._slider.valueChanged.connect(self.level_chosen)
        head = QHBoxLayout()
        head.addWidget(_heading(tr("Regions")))
        head.addStretch()
        head.addWidget(self._value)
        row = QHBoxLayout()
        row.addWidget(self._button("−", -1, "finer"))
        row.addWidget(self._slider, 1)
        row.addWidget(self._button("+", 1, "coarser"))
        _stack(self, head, row)

    def show_level(self, level: int, regions: int, per_km2: float, scale: float, *, finest: int = 0) -> None:
        """Show a level, how many regions the zone has there, and λ itself in the tooltip.

        Levels below ``finest`` show no more regions, and the slider does not reach them.
        """
        self._slider.blockSignals(True)
        self._slider.setMinimum(finest)
        self._slider.setValue(level)
        self._slider.blockSignals(False)
        self._value.setText(
            tr(
                "{regions} in zone · {density} /km²",
                regions=number(regions),
                density=number(_rounded(per_km2)),
            )
        )
        self._value.setToolTip(f"λ = {figure(scale)}")

    def disable(self) -> None:
        """Show that there are no regions."""
        self._value.setText(tr("none yet"))
        self.setEnabled(False)

    def _button(self, text: str, steps: int, action: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setAutoRepeat(True)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(_hint(action, self._keys))
        button.clicked.connect(lambda: self.stepped.emit(steps))
        return button


class SavedPanel(QWidget):
    """Undo, redo, and what is on the disk."""

    undo_wanted = Signal()
    redo_wanted = Signal()

    def __init__(self, keys: Keymap) -> None:
        super().__init__()
        self.undo = self._button("↶  ", "undo", keys, self.undo_wanted)
        self.redo = self._button("↷  ", "redo", keys, self.redo_wanted)
        self._state = QLabel()
        self._last: tuple[int, datetime] | None = None
        # Its age is told anew every second, so that it can be believed.
        self._clock = QTimer(self, interval=_SECOND)
        self._clock.timeout.connect(self._tell)
        self._clock.start()
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.undo, 1)
        buttons.addWidget(self.redo, 1)
        _stack(self, buttons, self._state)

    @property
    def text(self) -> str:
        """What it says about the last edit."""
        return self._state.text()

    def show_saved(self, number_of: int | None, at: datetime | None, *, path: str) -> None:
        """Show the last durable edit (None before the first); the journal that holds it is in the tooltip."""
        self._last = (number_of, at) if number_of is not None and at is not None else None
        self._state.setToolTip(f"{tr('Every click is on the disk before it is on the screen:')}\n{path}")
        self._tell()

    def show_possible(self, *, undo: bool, redo: bool) -> None:
        """Enable the buttons that would do something."""
        self.undo.setEnabled(undo)
        self.redo.setEnabled(redo)

    def _tell(self) -> None:
        if self._last is None:
            self._state.setText(tr("No edit yet"))
            return
        done, at = self._last
        age = ago(at, datetime.now(at.tzinfo))
        told = tr("Saved · edit {edit} · {ago}", edit=number(done), ago=age)
        self._state.setText(f"<span style='color:{ink().good.name()}'>●</span> {told}")

    def _button(self, sign: str, action: str, keys: Keymap, wanted: Signal) -> QPushButton:
        button = QPushButton(sign + _title(action))
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        button.setToolTip(_hint(action, keys))
        button.clicked.connect(lambda: wanted.emit())
        return button


class ToolPanel(QWidget):
    """The tools, one of them in hand, and what to say about it."""

    chosen = Signal(str)
    """Id of a tool."""

    def __init__(self, keys: Keymap) -> None:
        super().__init__()
        self._buttons: dict[str, QToolButton] = {}
        grid = QGridLayout()
        grid.setSpacing(2)
        for place, kind in enumerate(TOOLS):
            button = QToolButton()
            button.setObjectName("tool")
            button.setText(tr(TOOL_NAMES[kind.id]))
            button.setCheckable(True)
            button.setAutoRaise(True)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setToolTip(_hint(kind.id, keys))
            button.clicked.connect(lambda _=False, tool=kind.id: self.chosen.emit(tool))
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self._buttons[kind.id] = button
            grid.addWidget(button, *divmod(place, _TOOLS_IN_A_ROW))
        self._told = QLabel()
        self._told.setObjectName("dim")
        self._told.setWordWrap(True)
        _stack(self, grid, self._told)

    def show_tool(self, tool: Tool) -> None:
        """Show which tool is in hand."""
        for name, button in self._buttons.items():
            button.setChecked(name == tool.id)
        self._told.setText(tool.told)
        self._told.setVisible(bool(tool.told))


class LockPanel(QFrame):
    """That a zone is accepted and locked, and the way to label in it all the same; hidden otherwise."""

    sent_back = Signal(str)
    """The reason."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setProperty("kind", "advice")
        self._text = QLabel()
        self._text.setWordWrap(True)
        self.button = QPushButton(tr("Send back…"))
        self.button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.button.setToolTip(tr("Opens the zone for labels again; the reason stays in its review."))
        self.button.clicked.connect(self._ask)
        row = QHBoxLayout(self)
        row.setContentsMargins(9, 7, 9, 7)
        row.addWidget(self._text, 1)
        row.addWidget(self.button)
        self.hide()

    @property
    def text(self) -> str:
        """What it says."""
        return self._text.text()

    def show_lock(self, reviewer: str | None) -> None:
        """Show who accepted the zone; None where it is open."""
        self._text.setText(tr("Accepted by {reviewer}, and locked.", reviewer=reviewer) if reviewer else "")
        self.setVisible(reviewer is not None)

    def _ask(self) -> None:
        reason, given = QInputDialog.getText(self, tr("Send back"), tr("Why? Whoever labels it reads this:"))
        if given and reason.strip():
            self.sent_back.emit(reason.strip())


class CoveragePanel(QWidget):
    """How much of the zone is labelled."""

    def __init__(self) -> None:
        super().__init__()
        self.share = 0.0
        self._value = QLabel()
        self._bar = _Bar()
        head = QHBoxLayout()
        head.addWidget(_heading(tr("Labelled")))
        head.addStretch()
        head.addWidget(self._value)
        _stack(self, head, self._bar)

    def show_share(self, share: float) -> None:
        """Show the labelled share, 0 to 1; 100 % only when no pixel is left."""
        self.share = share
        self._bar.show_share(share)
        self._value.setText(percent(min(share, 0.999) if share < 1 else 1.0))


class _Bar(QWidget):
    """A share as a bar. Qt's own repaints the whole window at once whenever it changes: a frame each edit."""

    def __init__(self) -> None:
        super().__init__()
        self._share = 0.0
        self.setFixedHeight(6)

    def show_share(self, share: float) -> None:
        """Show a share, 0 to 1."""
        self._share = share
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for width, colour in ((self.width(), ink().chosen), (self.width() * self._share, ink().good)):
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(0, 0, width, self.height()), 3, 3)
        painter.end()


class PlacePanel(QWidget):
    """What is under the pointer, and a quiet line for gestures that did nothing."""

    def __init__(self, crs: str) -> None:
        super().__init__()
        self._crs = "Lambert-93" if crs == "EPSG:2154" else crs
        self._what, self._where, self._pixel = QLabel(), QLabel(), QLabel()
        self._pixel.setObjectName("dim")
        self._pixel.setToolTip(tr("Row and column of the pixel in the zone"))
        self._notice = QLabel()
        self._notice.setObjectName("notice")
        self._notice.setWordWrap(True)
        self._notice.setTextFormat(Qt.TextFormat.PlainText)
        self._notice.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._quiet = QTimer(self, singleShot=True, interval=_NOTICE_MILLISECONDS)
        self._quiet.timeout.connect(self._notice.clear)
        ground = QHBoxLayout()
        ground.addWidget(self._where)
        ground.addStretch()
        ground.addWidget(self._pixel)
        _stack(self, self._what, ground, self._notice)
        self.clear()

    def showEvent(self, event: QShowEvent) -> None:
        """Keep two lines free: nothing may move under the pointer when a notice comes or goes."""
        super().showEvent(event)
        text = self._notice.text()
        self._notice.setText("\n")
        self._notice.setFixedHeight(self._notice.sizeHint().height())
        self._notice.setText(text)

    def show_place(self, title: str, colour: str | None, *, x: float, y: float, row: int, col: int) -> None:
        """Show a class by title and colour, a ground position in metres and a pixel."""
        chip = f"<span style='color:{colour}'>■</span> " if colour else ""
        self._what.setText(f"{chip}{title}")
        self._where.setText(f"{number(x, 1)} E  {number(y, 1)} N")
        self._where.setToolTip(tr("{crs}, metres", crs=self._crs))
        self._pixel.setText(f"{row}, {col}")

    def clear(self) -> None:
        """Show that the pointer is elsewhere."""
        self._what.setText(f"<span style='color:{ink().dim.name()}'>{tr('Nothing under the pointer')}</span>")
        self._where.setText(self._crs)
        self._pixel.setText("")

    def notice(self, sentence: str) -> None:
        """Show a quiet line for a while."""
        self._notice.setText(sentence)
        self._quiet.start()

    @property
    def text(self) -> str:
        """What it says about the class under the pointer."""
        return self._what.text()

    @property
    def noticed(self) -> str:
        """The quiet line, empty when there is none."""
        return self._notice.text()


class WelcomePage(QWidget):
    """What the dock shows without a zone: what went wrong, if something did, and a way in."""

    def __init__(self, choose: Callable[[], None], problem: str = "", *, opening: str = "") -> None:
        super().__init__()
        self.problem = problem
        banner = Banner()
        title = QLabel(tr("Opening {zone}…", zone=opening) if opening else tr("No zone is open"))
        title.setObjectName("title")
        hint = QLabel(
            tr(
                "Open a campaign and choose a zone, or try File › Open Sample › Sample zone. "
                "Every click is saved at once; there is nothing else to save."
            )
        )
        hint.setObjectName("dim")
        hint.setWordWrap(True)
        button = QPushButton(tr("Open a campaign…"))
        button.setObjectName("open")
        button.clicked.connect(lambda: choose())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (banner, title, hint, button):
            column.addWidget(widget)
        column.addStretch()
        if problem:
            banner.warn(problem)


def _title(action: str) -> str:
    """Return what an action is called."""
    return tr(next(one.title for one in ACTIONS if one.id == action))


def _hint(action: str, keys: Keymap) -> str:
    """Return what an action is called, and its keys."""
    own = shown_keys(keys.get(action, ()))
    return f"{_title(action)} ({own})" if own else _title(action)


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setObjectName("heading")
    return label


def _stack(panel: QWidget, *rows: QLayout | QWidget) -> None:
    column = QVBoxLayout(panel)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(4)
    for row in rows:
        if isinstance(row, QWidget):
            column.addWidget(row)
        else:
            row.setContentsMargins(0, 0, 0, 0)
            column.addLayout(row)


def _rounded(value: float) -> float:
    """Keep three leading digits: a density is no count."""
    return float(f"{value:.3g}")
