"""Marks on the glass: pins of comments, signs of conflicts and findings, the outline of one place."""

from __future__ import annotations

__all__ = ["PIN_COLOURS", "Highlight", "PinPicker", "Pins", "Sign", "Signs"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from qtpy.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QFont, QPainter, QPainterPath, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

from napari_plugin.glass import draw_codes
from napari_plugin.reviewing import ThreadKind, ThreadView
from napari_plugin.screen import View, sampled
from napari_plugin.veil_codes import CASE, INSIDE, RIM, rimmed
from napari_plugin.veils import exposed
from workbench.geo.grid import Window
from workbench.labels.editing import Region

_LIGHT, _DARK = QColor(255, 255, 255), QColor(20, 22, 28, 200)
_HEAD, _TALL = 9.0, 24.0
"""Radius of a pin's head and the pin's height, in pixels of the screen."""
_REACH = 13.0
"""Pixels from the middle of a pin's head within which it is pointed at."""
PIN_COLOURS: dict[ThreadKind, QColor] = {
    "question": QColor("#e8590c"),
    "ruled": QColor("#2b8a3e"),
    "comment": QColor("#1c6fb8"),
}
_PIN_SIGNS: dict[ThreadKind, str] = {"question": "?", "ruled": "✓", "comment": "…"}
_SIGN = 5.0
"""Half the height of a sign."""
_DIAMOND = QPolygonF([QPointF(0, -_SIGN), QPointF(_SIGN, 0), QPointF(0, _SIGN), QPointF(-_SIGN, 0)])
_SMALLEST = 14.0
"""Pixels of the screen below which a place that is outlined gets a ring, so that it is found."""


class Highlight:
    """The outline of one place: light in dark, on any picture."""

    def __init__(self) -> None:
        self.region: Region | None = None

    def paint(self, painter: QPainter, view: View) -> None:
        """Paint it."""
        if self.region is None:
            return
        window, mask = self.region
        box = view.box(window)
        if box is None:
            return
        canvas = Window(row=0, col=0, height=view.height, width=view.width)
        part = exposed(painter, box.grown(3, within=canvas))
        if part is None:
            return
        part = part.grown(3, within=canvas)  # a rim is found by what is around it
        codes = rimmed(sampled(mask, view.rows(part), view.cols(part), window))
        veil = QColor(_LIGHT)
        veil.setAlphaF(0.12)
        draw_codes(painter, part, codes, {INSIDE: veil, RIM: _LIGHT, CASE: _DARK})
        if max(box.height, box.width) < _SMALLEST:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            middle = QPointF(box.col + box.width / 2, box.row + box.height / 2)
            for pen in (QPen(_DARK, 4), QPen(_LIGHT, 2)):
                painter.setPen(pen)
                painter.drawEllipse(middle, _SMALLEST, _SMALLEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Where something is to be looked at."""

    row: int
    col: int
    colour: str
    """``#rrggbb``."""


class Signs:
    """Diamonds where something is to be looked at, as large at any zoom.

    Parameters
    ----------
    shown
        Tells whether they are seen just now.
    """

    def __init__(self, shown: Callable[[], bool]) -> None:
        self._shown = shown
        self.signs: Sequence[Sign] = ()

    def paint(self, painter: QPainter, view: View) -> None:
        """Paint those in view."""
        if not self._shown():
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shown = painter.clipBoundingRect().adjusted(-_SIGN, -_SIGN, _SIGN, _SIGN)
        for sign in self.signs:
            point = QPointF(*view.point(sign.row, sign.col))
            if not shown.contains(point):
                continue
            diamond = _DIAMOND.translated(point)
            painter.setPen(QPen(_DARK, 3))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolygon(diamond)
            painter.setPen(QPen(_LIGHT, 1.2))
            painter.setBrush(QColor(sign.colour))
            painter.drawPolygon(diamond)


class Pins:
    """Pins where somebody said something; open questions differ from what is settled."""

    def __init__(self) -> None:
        self.threads: Sequence[ThreadView] = ()
        self.chosen: str | None = None
        """Id of the thread that is read."""
        self.hidden = False

    def at(self, point: QPointF, view: View) -> str | None:
        """Return the id of the thread whose pin is at a point of the canvas; None where there is none."""
        if self.hidden:
            return None
        for thread in reversed(self._in_order()):
            head = self._head(thread, view)
            if (point - head).manhattanLength() < 2 * _REACH and _distance(point, head) <= _REACH:
                return thread.id
        return None

    def paint(self, painter: QPainter, view: View) -> None:
        """Paint those in view, what is settled below what is not."""
        if self.hidden:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        shown = painter.clipBoundingRect().adjusted(-_TALL, -_TALL, _TALL, _TALL)
        for thread in self._in_order():
            head = self._head(thread, view)
            if shown.contains(head):
                self._paint_pin(painter, head, thread)

    def _in_order(self) -> list[ThreadView]:
        kinds = ("ruled", "comment", "question")
        return sorted(self.threads, key=lambda one: (one.id == self.chosen, kinds.index(one.kind)))

    @staticmethod
    def _head(thread: ThreadView, view: View) -> QPointF:
        x, y = view.point(thread.row, thread.col)
        return QPointF(x, y - _TALL + _HEAD)

    def _paint_pin(self, painter: QPainter, head: QPointF, thread: ThreadView) -> None:
        chosen = thread.id == self.chosen
        radius = _HEAD + (2 if chosen else 0)
        path = _pin(radius).translated(head)
        painter.strokePath(path, QPen(_DARK, 4))
        painter.strokePath(path, QPen(_LIGHT, 3 if chosen else 2))
        painter.fillPath(path, PIN_COLOURS[thread.kind])
        painter.setPen(_LIGHT)
        font = QFont(painter.font())
        font.setBold(True)
        font.setPixelSize(13)
        painter.setFont(font)
        box = QRectF(head.x() - radius, head.y() - radius, 2 * radius, 2 * radius)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, _PIN_SIGNS[thread.kind])


class PinPicker(QObject):
    """Notices when a pin is pointed at or clicked; a click on a pin paints nothing.

    Parameters
    ----------
    canvas
        The widget that napari draws in.
    pins
        On the glass over it.
    view
        Tells what the canvas shows just now.
    """

    pointed = Signal(object)
    """Id of the thread whose pin is under the pointer, None where there is none."""
    picked = Signal(str)
    """Id of the thread whose pin was clicked."""

    def __init__(self, canvas: QWidget, pins: Pins, view: Callable[[], View | None]) -> None:
        super().__init__(canvas)
        self._canvas, self._pins, self._view = canvas, pins, view
        self._under: str | None = None
        self._pressed = False
        canvas.installEventFilter(self)

    def release(self) -> None:
        """Let go of the canvas."""
        self._canvas.removeEventFilter(self)
        self.deleteLater()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look at moves and clicks; keep a click on a pin from the tool in hand."""
        kind = event.type()
        if kind == QEvent.Type.MouseMove and not event.buttons():
            self._point(self._at(event))
            return False
        if kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            found = self._at(event) if event.button() == Qt.MouseButton.LeftButton else None
            if found is not None:
                self._pressed = True
                self.picked.emit(found)
                return True
        if self._pressed and kind == QEvent.Type.MouseMove:
            return True
        if self._pressed and kind == QEvent.Type.MouseButtonRelease:
            self._pressed = False
            return True
        return False

    def _at(self, event: QEvent) -> str | None:
        view = self._view()
        return self._pins.at(event.position(), view) if view is not None else None

    def _point(self, found: str | None) -> None:
        if found != self._under:
            self._under = found
            self.pointed.emit(found)


@lru_cache(maxsize=2)
def _pin(radius: float) -> QPainterPath:
    """Return the outline of a pin around the middle of its head."""
    head, point = QPainterPath(), QPainterPath(QPointF(-radius * 0.72, radius * 0.66))
    head.addEllipse(QPointF(0, 0), radius, radius)
    point.lineTo(0, _TALL - _HEAD)
    point.lineTo(radius * 0.72, radius * 0.66)
    point.closeSubpath()
    return head.united(point)


def _distance(one: QPointF, other: QPointF) -> float:
    return float(((one.x() - other.x()) ** 2 + (one.y() - other.y()) ** 2) ** 0.5)
