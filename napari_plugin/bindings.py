"""What keys and pointer do: shortcuts of the actions, keys that are held, and the pointer's gestures.

Keys are Qt shortcuts of the window: they win over napari's own layer and viewer
keys, work wherever the focus is in the window, and leave text fields alone.

The wheel zooms, and with **Ctrl** held it changes the scale: Alt + wheel walks through napari's layer list
and turns into a sideways wheel in Qt, Shift + wheel does so on macOS. The desk takes the wheel from Qt,
before napari hears of it: vispy draws the whole scene once more for each notch, to find out what was hit, and
waits for the graphics card.
"""

from __future__ import annotations

__all__ = ["HeldKeys", "PointerGestures", "Wheel", "install_shortcuts", "main_window"]

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtGui import QKeyEvent, QKeySequence, QShortcut
from qtpy.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QPlainTextEdit, QTextEdit, QWidget

from napari_plugin.actions import ACTIONS, Keymap
from napari_plugin.layers import spot_at
from napari_plugin.pointed import Spot
from napari_plugin.session import Session
from napari_plugin.tools import ToolBox

# A hand that clicks moves a little; farther than this, in screen pixels, the gesture is a drag.
_CLICK_RADIUS = 4.0
_LEFT, _RIGHT, _MIDDLE = 1, 2, 3
# napari's own gesture that would act on a desk's clicks: a second quick click would zoom.
_REPLACED = ("double_click_to_zoom",)
_NOTCH = 120.0
"""What Qt gives for a notch of the wheel: eighths of a degree."""
_FIELDS = (QLineEdit, QAbstractSpinBox, QTextEdit, QPlainTextEdit)


def install_shortcuts(
    window: QWidget, keys: Keymap, handlers: Mapping[str, Callable[[], None]]
) -> list[QShortcut]:
    """Give a window the shortcuts of the actions that are done at once.

    Parameters
    ----------
    window
        Owner of the shortcuts; they live as long as it does, and work in docks of it that float.
    keys
        Key sequences of each action.
    handlers
        What to call for each action; those without one, or whose key is held, get no shortcut.
    """
    shortcuts = []
    for action in ACTIONS:
        if action.held or action.id not in handlers:
            continue
        for key in keys[action.id]:
            shortcut = QShortcut(QKeySequence(key), window)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.setAutoRepeat(action.repeats)
            shortcut.activated.connect(handlers[action.id])
            # A key that a menu of napari's has too arrives here instead.
            shortcut.activatedAmbiguously.connect(handlers[action.id])
            shortcuts.append(shortcut)
    return shortcuts


def main_window(widget: QWidget) -> QWidget:
    """Return the window that a widget belongs to: a dock that floats is a window of another one."""
    window = widget.window()
    while (owner := window.parentWidget()) is not None:
        window = owner.window()
    return window


class HeldKeys(QObject):
    """Actions that last as long as their key is held, anywhere in a window but in its text fields.

    Parameters
    ----------
    window
        In which keys count.
    keys
        Key sequences of each action.
    handlers
        Called with True when the key goes down and with False when it comes up, by action.
    """

    def __init__(self, window: QWidget, keys: Keymap, handlers: Mapping[str, Callable[[bool], None]]) -> None:
        super().__init__(window)
        self._window, self._held = window, set[str]()
        self._handlers = {
            _key_code(key): (action.id, handlers[action.id])
            for action in ACTIONS
            if action.held and action.id in handlers
            for key in keys[action.id]
        }
        QApplication.instance().installEventFilter(self)

    def release(self) -> None:
        """Let go of all keys, and of the window."""
        QApplication.instance().removeEventFilter(self)
        self._let_go()
        self.deleteLater()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Notice keys that go down and come up."""
        kind = event.type()
        if kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease, QEvent.Type.ShortcutOverride):
            return self._on_key(watched, event)
        if kind == QEvent.Type.WindowDeactivate and watched is self._window:
            self._let_go()  # the key comes up where nobody tells us
        return False

    def _on_key(self, watched: QObject, event: Any) -> bool:
        assert isinstance(event, QKeyEvent)  # noqa: S101 - by its type
        found = self._handlers.get(event.key())
        if found is None or event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier or self._elsewhere():
            return False
        name, handler = found
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # no shortcut of napari's, no walk through its widgets
        elif not event.isAutoRepeat() and event.type() == QEvent.Type.KeyPress and name not in self._held:
            self._held.add(name)
            handler(True)
        elif not event.isAutoRepeat() and event.type() == QEvent.Type.KeyRelease and name in self._held:
            self._held.discard(name)
            handler(False)
        return True

    def _elsewhere(self) -> bool:
        focus = QApplication.focusWidget()
        return isinstance(focus, _FIELDS) or QApplication.activeWindow() not in (self._window, None)

    def _let_go(self) -> None:
        for name, handler in list(self._handlers.values()):
            if name in self._held:
                self._held.discard(name)
                handler(False)


class PointerGestures:
    """The pointer over the canvas, as calls to the tool in hand.

    The left button is the tool's. The middle button, or the left one while `panning`, moves the picture; a
    right click takes the class under the pointer in hand.

    Parameters
    ----------
    viewer
        The napari viewer; its own double click is put aside until `detach`.
    session
        What is labelled.
    tools
        The tools, one of them in hand.
    grab
        Called with the x of the canvas where the left button went down; returns what is dragged from there
        in place of the tool, to be called with each x of the pointer, or None.
    take_class
        Called on a right click.
    on_place
        Called with the pixel (row, col) under the pointer, or None when it leaves the canvas.
    """

    def __init__(
        self,
        viewer: Any,
        session: Session,
        tools: ToolBox,
        *,
        grab: Callable[[float], Callable[[float], None] | None],
        take_class: Callable[[], None],
        on_place: Callable[[tuple[int, int] | None], None],
    ) -> None:
        self._viewer, self._session, self._tools = viewer, session, tools
        self._grab, self._take_class, self._on_place = grab, take_class, on_place
        self.panning = False
        """Whether the left button moves the picture."""
        self._lists = (
            (viewer.mouse_move_callbacks, self._on_move),
            (viewer.mouse_drag_callbacks, self._on_drag),
            (viewer.mouse_double_click_callbacks, self._on_double_click),
        )
        self._aside: list[tuple[Any, Any]] = []
        for callbacks, own in self._lists:
            for callback in [one for one in callbacks if getattr(one, "__name__", "") in _REPLACED]:
                callbacks.remove(callback)
                self._aside.append((callbacks, callback))
            callbacks.append(own)
        viewer.events.mouse_over_canvas.connect(self._on_enter_or_leave)

    def detach(self) -> None:
        """Give the pointer back to napari."""
        for callbacks, own in self._lists:
            callbacks.remove(own)
        for callbacks, callback in self._aside:
            callbacks.append(callback)
        self._viewer.events.mouse_over_canvas.disconnect(self._on_enter_or_leave)

    def _spot(self, event: Any) -> Spot:
        return spot_at(event.position, self._session.grid.resolution)

    def _on_move(self, _viewer: Any, event: Any) -> None:
        spot = self._spot(event)
        self._tools.current.hover(spot)
        self._on_place(spot.pixel)

    def _on_drag(self, viewer: Any, event: Any) -> Iterator[None]:
        if event.button == _MIDDLE or (event.button == _LEFT and self.panning):
            return self._pan(viewer, event)
        if event.button == _LEFT and not event.modifiers:
            held = self._grab(float(event.pos[0]))
            return self._stroke(event) if held is None else self._hold(event, held)
        if event.button == _RIGHT and not event.modifiers:
            return self._right_click(event)
        return iter(())

    def _stroke(self, event: Any) -> Iterator[None]:
        event.handled = True  # napari's camera would move with it
        start, dragged, tool = event.pos, False, self._tools.current
        tool.press(self._spot(event))
        yield
        while event.type == "mouse_move":
            event.handled = True
            dragged = dragged or _distance(event.pos, start) > _CLICK_RADIUS
            spot = self._spot(event)
            if dragged and tool is self._tools.current:
                tool.drag(spot)
            self._on_place(spot.pixel)
            yield
        dragged = dragged or _distance(event.pos, start) > _CLICK_RADIUS
        if tool is self._tools.current:
            tool.release(self._spot(event), dragged=dragged)
        self._on_place(self._spot(event).pixel)

    @staticmethod
    def _hold(event: Any, held: Callable[[float], None]) -> Iterator[None]:
        event.handled = True
        yield
        while event.type == "mouse_move":
            event.handled = True
            held(float(event.pos[0]))
            yield

    def _right_click(self, event: Any) -> Iterator[None]:
        start, farthest = event.pos, 0.0
        yield
        while event.type == "mouse_move":
            farthest = max(farthest, _distance(event.pos, start))
            yield
        if max(farthest, _distance(event.pos, start)) <= _CLICK_RADIUS:
            self._session.hover_at(*self._spot(event).pixel)
            self._take_class()

    def _pan(self, viewer: Any, event: Any) -> Iterator[None]:
        """Keep the ground that was grabbed under the pointer."""
        event.handled = True
        centre, start = viewer.scene.camera.center, event.pos
        yield
        while event.type == "mouse_move":
            event.handled = True
            zoom = viewer.scene.camera.zoom
            across, down = (float(now - then) / zoom for now, then in zip(event.pos, start, strict=True))
            viewer.scene.camera.center = (*centre[:-2], centre[-2] - down, centre[-1] - across)
            yield

    def _on_double_click(self, _viewer: Any, event: Any) -> None:
        # The second of two quick clicks arrives as a double click and no press.
        if event.button == _LEFT and not event.modifiers and not self.panning:
            spot, tool = self._spot(event), self._tools.current
            tool.press(spot)
            tool.release(spot, dragged=False)
            tool.finish()
            self._on_place(spot.pixel)

    def _on_enter_or_leave(self, event: Any) -> None:
        if event.value:
            _take_keys_from_fields()
        else:
            self._session.leave()
            self._on_place(None)


class Wheel(QObject):
    """The wheel over the canvas: zooms about the pointer, and with Ctrl changes what the tool in hand takes.

    Parameters
    ----------
    canvas
        The widget that napari draws in.
    zoom
        Called with notches and the position (x, y) on the canvas.
    resize
        Called with whole notches and the position, where Ctrl is held.
    """

    def __init__(
        self,
        canvas: QWidget,
        *,
        zoom: Callable[[float, float, float], None],
        resize: Callable[[int, float, float], None],
    ) -> None:
        super().__init__(canvas)
        self._canvas, self._zoom, self._resize = canvas, zoom, resize
        self._turned = 0.0
        canvas.installEventFilter(self)

    def release(self) -> None:
        """Give the wheel back to napari."""
        self._canvas.removeEventFilter(self)
        self.deleteLater()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Take the wheel, unless it has a meaning to napari."""
        if event.type() != QEvent.Type.Wheel:
            return False
        control = event.modifiers() == Qt.KeyboardModifier.ControlModifier
        if not control and event.modifiers() != Qt.KeyboardModifier.NoModifier:
            return False
        notches, point = event.angleDelta().y() / _NOTCH, event.position()
        if not control:
            self._zoom(notches, point.x(), point.y())
            return True
        self._turned += notches
        whole = int(self._turned)
        self._turned -= whole
        if whole:
            self._resize(whole, point.x(), point.y())
        return True


def _take_keys_from_fields() -> None:
    """Take the keyboard from a text field of napari's: over the image a digit is a class."""
    field = QApplication.focusWidget()
    if isinstance(field, (QLineEdit, QAbstractSpinBox)):
        field.clearFocus()


def _key_code(key: str) -> int:
    """Return Qt's number of a key without modifiers."""
    combination = QKeySequence(key)[0]
    return int(combination.key()) if hasattr(combination, "key") else int(combination)


def _distance(one: Any, other: Any) -> float:
    return float(max(abs(one[0] - other[0]), abs(one[1] - other[1])))
