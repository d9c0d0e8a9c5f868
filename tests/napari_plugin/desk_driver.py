"""A hand at the desk: Qt events on the canvas and the window of a real viewer, and what is seen there.

To make a viewer with its layers takes seconds, to show another zone in it a tenth of one: the tests of a
module share one window, each with a session of its own.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import napari
import numpy as np
import pytest
from app_model import Application
from napari._app_model._app import NapariApplication, _napari_names
from napari._qt._qapp_model.qactions import init_qactions
from napari.plugins import _initialize_plugins
from napari.utils._proxies import PublicOnlyProxy
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence, QMouseEvent, QWheelEvent
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_plugin.session import Session
from napari_plugin.widgets import LabellingDock

NOTHING, LEFT = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
MIDDLE, RIGHT = Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton
PLAIN, CONTROL = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ControlModifier
NO_DISPLAY = sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
needs_window = [
    pytest.mark.window,
    pytest.mark.skipif(NO_DISPLAY, reason="a window needs a display: apt-get install xvfb"),
]


class Driver:
    """A person at the desk.

    Parameters
    ----------
    viewer
        As plugins get it.
    session
        What the dock shows from the beginning, if anything.
    """

    def __init__(self, viewer: Any, session: Session | None = None) -> None:
        self.viewer = viewer
        viewer.window.resize(1400, 900)
        self.dock = LabellingDock(viewer, session)
        viewer.window.add_dock_widget(self.dock, name="Land-cover labelling", area="right")
        self.window = self.dock.window()
        self.canvas = self.window.findChild(QOpenGLWidget)
        self.window.activateWindow()
        QTest.qWait(200)
        self.settle()

    def settle(self) -> None:
        """Wait until docks that came have found their place: the zone is fitted anew each time."""
        size = None
        while size != self.canvas.size():
            size = self.canvas.size()
            QTest.qWait(100)

    def take(self, session: Session) -> None:
        """Label a zone from now on, from a desk as a new window has it."""
        for layer in self.dock._layers.all:
            layer.visible = layer is not self.dock._layers.second
        self.dock._layers.classes.opacity = 0.55
        self.viewer.window.resize(1400, 900)
        self.dock.show_session(session)
        QTest.qWait(30)
        self.desk.fit()
        self.window.activateWindow()
        self.canvas.setFocus()
        QTest.qWait(30)

    @property
    def desk(self) -> Any:
        assert self.dock.desk is not None
        return self.dock.desk

    @property
    def session(self) -> Session:
        assert self.dock.session is not None
        return self.dock.session

    @property
    def panel(self) -> Any:
        """The panels of the zone."""
        return self.dock.contents

    def at(self, row: float, col: float) -> QPointF:
        """Return where on the canvas a position of the zone is, by the camera alone."""
        camera, resolution = self.viewer.scene.camera, self.session.grid.resolution
        down, across = camera.center[-2:]
        return QPointF(
            self.canvas.width() / 2 + (col * resolution - across) * camera.zoom,
            self.canvas.height() / 2 + (row * resolution - down) * camera.zoom,
        )

    def send(
        self,
        kind: QEvent.Type,
        point: QPointF,
        button: Any = NOTHING,
        held: Any = NOTHING,
        modifiers: Any = PLAIN,
    ) -> None:
        where = self.canvas.mapToGlobal(point)
        QApplication.sendEvent(self.canvas, QMouseEvent(kind, point, where, button, held, modifiers))
        QTest.qWait(8)  # napari takes a move every 5 ms

    def move(self, row: float, col: float) -> None:
        self.send(QEvent.Type.MouseMove, self.at(row, col))

    def down(self, row: float, col: float, button: Any = LEFT) -> None:
        self.move(row, col)
        self.send(QEvent.Type.MouseButtonPress, self.at(row, col), button, button)

    def on(self, row: float, col: float, button: Any = LEFT) -> None:
        """Move with the button down."""
        self.send(QEvent.Type.MouseMove, self.at(row, col), NOTHING, button)

    def up(self, row: float, col: float, button: Any = LEFT) -> None:
        self.send(QEvent.Type.MouseButtonRelease, self.at(row, col), button)

    def click(self, row: float, col: float, button: Any = LEFT) -> None:
        self.down(row, col, button)
        self.up(row, col, button)

    def double_click(self, row: float, col: float) -> None:
        """Click a second time where one has just clicked."""
        self.send(QEvent.Type.MouseButtonDblClick, self.at(row, col), LEFT, LEFT)
        self.up(row, col)

    def stroke(self, *places: tuple[float, float], button: Any = LEFT) -> None:
        """Drag from place to place."""
        self.down(*places[0], button)
        for place in places[1:]:
            self.on(*place, button)
        self.up(*places[-1], button)

    def drag(self, start: QPointF, stop: QPointF, button: Any = LEFT) -> None:
        """Drag from one point of the canvas to another, whatever moves meanwhile."""
        self.send(QEvent.Type.MouseMove, start)
        self.send(QEvent.Type.MouseButtonPress, start, button, button)
        self.send(QEvent.Type.MouseMove, (start + stop) / 2, NOTHING, button)
        self.send(QEvent.Type.MouseMove, stop, NOTHING, button)
        self.send(QEvent.Type.MouseButtonRelease, stop, button)

    def wheel(self, row: float, col: float, notches: float, modifiers: Any = CONTROL) -> None:
        point = self.at(row, col)
        event = QWheelEvent(
            point,
            self.canvas.mapToGlobal(point),
            QPoint(),
            QPoint(0, round(120 * notches)),
            NOTHING,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.canvas, event)
        QTest.qWait(8)

    def press(self, key: str) -> None:
        """Press and let go of a key, with its modifiers."""
        QTest.keySequence(self.window, QKeySequence(key))
        QTest.qWait(8)

    def hold(self, key: Qt.Key, kind: QEvent.Type) -> None:
        """Send a key that goes down or comes up to whatever has the focus."""
        receiver = QApplication.focusWidget() or self.window
        QApplication.sendEvent(receiver, QKeyEvent(kind, key, PLAIN))
        QTest.qWait(8)

    def colour(self, row: float, col: float) -> NDArray[np.int64]:
        """Return the colour of napari's own picture at a position of the zone."""
        shot = self.viewer.screenshot(canvas_only=True, flash=False)
        point, ratio = self.at(row, col), shot.shape[1] / self.canvas.width()
        return np.asarray(shot[int(point.y() * ratio), int(point.x() * ratio), :3].astype(np.int64))

    def close(self) -> None:
        """Forget everything: pytest keeps a driver until napari has looked for leaked viewers."""
        self.dock.close_session()
        vars(self).clear()


@contextmanager
def one_window() -> Iterator[Any]:
    """Open a viewer, as `make_napari_viewer` does, for longer than a test; yield it as plugins get it."""
    init_qactions.cache_clear()
    _initialize_plugins.cache_clear()
    app = NapariApplication("desk_of_tests")
    app.injection_store.namespace = _napari_names
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NapariApplication, "get_app_model", lambda: app)
        patch.setattr("napari._qt.threads.status_checker.StatusChecker.start", lambda checker: None)
        patch.setenv("NAPARI_ENSURE_PLUGIN_MAIN_THREAD", "1")
        viewer = napari.Viewer(show=True, show_welcome_screen=False)
        yield PublicOnlyProxy(viewer)
        viewer.close()
        del viewer
        Application.destroy("desk_of_tests")
        init_qactions.cache_clear()
        _initialize_plugins.cache_clear()
    gc.collect()
