"""A hand on the desk's mouse and keys: real Qt events on napari's canvas and window."""

from __future__ import annotations

import time
from typing import Any

from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QKeySequence, QMouseEvent, QWheelEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

_THROTTLE_SECONDS = 0.006
"""napari takes a move of the pointer every 5 ms."""
_LEFT, _NOTHING = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
MIDDLE = Qt.MouseButton.MiddleButton


class Hand:
    """Sends events to the canvas of a viewer and to its window."""

    def __init__(self, viewer: Any, dock: Any) -> None:
        self.viewer, self.window = viewer, dock.window()
        self.canvas = self.window.findChild(QOpenGLWidget)
        self.window.activateWindow()
        QTest.qWait(300)

    @staticmethod
    def point(x: float, y: float) -> QPointF:
        """Return a position on the canvas."""
        return QPointF(x, y)

    def move(self, point: QPointF, *, held: bool = False, button: Any = _LEFT) -> None:
        """Move to a position, with a button down or not, and rest there until napari has noticed."""
        self.step(point, held=held, button=button)
        time.sleep(_THROTTLE_SECONDS)
        QTest.qWait(1)

    def step(self, point: QPointF, *, held: bool = False, button: Any = _LEFT) -> None:
        """Move to a position and no more."""
        self._send(QEvent.Type.MouseMove, point, _NOTHING, button if held else _NOTHING)

    def press(self, point: QPointF, button: Any = _LEFT) -> None:
        """Press a button."""
        self._send(QEvent.Type.MouseButtonPress, point, button, button)

    def release(self, point: QPointF, button: Any = _LEFT) -> None:
        """Let it go."""
        self._send(QEvent.Type.MouseButtonRelease, point, button, _NOTHING)

    def click(self, point: QPointF) -> None:
        """Press and let go."""
        self.press(point)
        self.release(point)

    def wheel(self, point: QPointF, notches: int, *, control: bool = True) -> None:
        """Turn the wheel, with Ctrl held or not."""
        modifier = Qt.KeyboardModifier.ControlModifier if control else Qt.KeyboardModifier.NoModifier
        where, turned = self.canvas.mapToGlobal(point), QPoint(0, 120 * notches)
        phase = Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(point, where, QPoint(), turned, _NOTHING, modifier, phase, False)
        QApplication.sendEvent(self.canvas, event)

    def key(self, keys: str) -> None:
        """Press a key."""
        QTest.keySequence(self.window, QKeySequence(keys))

    @staticmethod
    def settle(milliseconds: int = 8) -> None:
        """Have painted what is to be painted."""
        QTest.qWait(milliseconds)

    def _send(self, kind: Any, point: QPointF, button: Any, held: Any) -> None:
        where, plain = self.canvas.mapToGlobal(point), Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(self.canvas, QMouseEvent(kind, point, where, button, held, plain))
