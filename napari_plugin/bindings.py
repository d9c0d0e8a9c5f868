"""What keys and pointer do: one table of keys, and the pointer's gestures as calls to the session.

Keys are Qt shortcuts of the dock with the window as context: they win over napari's own layer and viewer
keys, work wherever the focus is in the window, and leave text fields alone.

The wheel changes the scale with **Ctrl** held: napari's camera ignores a wheel with any modifier, Alt + wheel
walks through the layer list and turns into a sideways wheel in Qt, Shift + wheel does so on macOS. napari's
own Ctrl + wheel moves the slider of a third dimension, which a zone has not.
"""

from __future__ import annotations

__all__ = ["CLASS_KEYS", "KEYS", "Binding", "PointerGestures", "install_shortcuts", "key_hint"]

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QWidget

from napari_plugin.layers import pixel_at
from napari_plugin.session import Session

# Digits, then a block of three by three under 3, 4, 5: all within the left hand's reach while the right one
# holds the mouse, and in the same place on QWERTY, QWERTZ and AZERTY. The second key of each digit is what
# AZERTY's digit row gives without Shift.
CLASS_KEYS: tuple[tuple[str, ...], ...] = (
    ("1", "&"),
    ("2", "É"),
    ("3", '"'),
    ("4", "'"),
    ("5", "("),
    ("6", "-"),
    ("7", "È"),
    ("8", "_"),
    ("9", "Ç"),
    ("0", "À"),
    *((letter,) for letter in "ERTDFGCVB"),
)
"""Keys of the first 19 classes of a nomenclature, in its order."""

# A hand that clicks moves a little; farther than this, in screen pixels, the gesture is a drag.
_CLICK_RADIUS = 4.0
_LEFT, _MIDDLE = 1, 3
# napari's own gestures that would act on a desk's clicks and wheel: a second quick click would zoom, and
# Ctrl + wheel would make all layers slice again.
_REPLACED = ("double_click_to_zoom", "dims_scroll")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A thing to do and the keys that do it."""

    action: str
    title: str
    keys: tuple[str, ...]
    """Qt key sequences; the first one is shown."""
    position: int | None = None
    """Which class of the nomenclature, for the action ``class``."""
    repeats: bool = False
    """Whether holding the key does it again and again."""


KEYS: tuple[Binding, ...] = (
    *(
        Binding(action="class", title=f"Class {position + 1}", keys=keys, position=position)
        for position, keys in enumerate(CLASS_KEYS)
    ),
    Binding(action="erase", title="Erase: make unlabelled", keys=("X", "Del")),
    Binding(action="finer", title="Smaller regions", keys=("[", "PgDown"), repeats=True),
    Binding(action="coarser", title="Larger regions", keys=("]", "PgUp"), repeats=True),
    Binding(action="refine", title="Refine: finer regions under the pointer", keys=("S",)),
    Binding(action="undo", title="Undo", keys=("Ctrl+Z",), repeats=True),
    Binding(action="redo", title="Redo", keys=("Ctrl+Y", "Ctrl+Shift+Z"), repeats=True),
    Binding(action="infrared", title="Colour-infrared or natural colours", keys=("N",)),
    Binding(action="labels", title="Show or hide the labels", keys=("L",)),
    Binding(action="contours", title="Show or hide the region contours", keys=("K",)),
    Binding(action="whole_zone", title="Show the whole zone", keys=("Home",)),
)
"""Every key of the desk: shortcuts, tooltips and tests are made from this table."""


def key_hint(action: str, position: int | None = None) -> str:
    """Return the keys of an action as people read them, empty where it has none.

    >>> key_hint("redo"), key_hint("class", 9), key_hint("class", 40)
    ('Ctrl+Y or Ctrl+Shift+Z', '0', '')
    """
    for binding in KEYS:
        if binding.action == action and binding.position == position:
            return binding.keys[0] if action == "class" else " or ".join(binding.keys)
    return ""


def install_shortcuts(dock: QWidget, handlers: Mapping[str, Callable[..., None]]) -> list[QShortcut]:
    """Give a dock the shortcuts of `KEYS`.

    Parameters
    ----------
    dock
        Owner of the shortcuts; they live as long as it does.
    handlers
        What to call for each action; ``class`` is called with the position of the class.
    """
    shortcuts = []
    for binding in KEYS:
        for key in binding.keys:
            shortcut = QShortcut(QKeySequence(key), dock)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.setAutoRepeat(binding.repeats)
            call = _bound(handlers[binding.action], binding.position)
            shortcut.activated.connect(call)
            # A key that a menu of napari's has too arrives here instead.
            shortcut.activatedAmbiguously.connect(call)
            shortcuts.append(shortcut)
    return shortcuts


def _bound(handler: Callable[..., None], position: int | None) -> Callable[[], None]:
    return (lambda: handler()) if position is None else (lambda: handler(position))


class PointerGestures:
    """The pointer over the canvas: moves hover, clicks pick, Ctrl + wheel changes the scale.

    Dragging with the left button pans as everywhere in napari, and so does the middle button; a gesture only
    picks if it ends within 4 screen pixels of where it began.

    Parameters
    ----------
    viewer
        The napari viewer; its own double click and Ctrl + wheel are put aside until `detach`.
    session
        What the gestures act on.
    on_place
        Called with the pixel (row, col) under the pointer, or None when it leaves the canvas.
    """

    def __init__(
        self, viewer: Any, session: Session, on_place: Callable[[tuple[int, int] | None], None]
    ) -> None:
        self._viewer, self._session, self._on_place = viewer, session, on_place
        self._notches = 0.0
        self._lists = (
            (viewer.mouse_move_callbacks, self._on_move),
            (viewer.mouse_drag_callbacks, self._on_drag),
            (viewer.mouse_wheel_callbacks, self._on_wheel),
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

    def _pixel(self, event: Any) -> tuple[int, int]:
        return pixel_at(event.position, self._session.grid.resolution)

    def _on_move(self, _viewer: Any, event: Any) -> None:
        pixel = self._pixel(event)
        self._session.hover_at(*pixel)
        self._on_place(pixel)

    def _on_drag(self, viewer: Any, event: Any) -> Iterator[None]:
        if event.button == _LEFT and not event.modifiers:
            return self._click(event)
        if event.button == _MIDDLE:
            return self._pan(viewer, event)
        return iter(())

    def _click(self, event: Any) -> Iterator[None]:
        # What is picked is what was pointed at when the button went down: hand and camera may slip after.
        pixel, start = self._pixel(event), event.pos
        moved = 0.0
        yield
        while event.type == "mouse_move":
            moved = max(moved, _distance(event.pos, start))
            yield
        if max(moved, _distance(event.pos, start)) <= _CLICK_RADIUS:
            self._session.assign_at(*pixel)
            self._on_place(pixel)
        else:
            self._on_move(None, event)

    def _pan(self, viewer: Any, event: Any) -> Iterator[None]:
        """Keep the ground that was grabbed under the pointer."""
        centre, start = viewer.scene.camera.center, event.pos
        yield
        while event.type == "mouse_move":
            zoom = viewer.scene.camera.zoom
            across, down = (float(now - then) / zoom for now, then in zip(event.pos, start, strict=True))
            viewer.scene.camera.center = (*centre[:-2], centre[-2] - down, centre[-1] - across)
            yield

    def _on_double_click(self, _viewer: Any, event: Any) -> None:
        # The second of two quick clicks arrives as a double click and no press: it picks like any other.
        if event.button == _LEFT and not event.modifiers:
            pixel = self._pixel(event)
            self._session.assign_at(*pixel)
            self._on_place(pixel)

    def _on_wheel(self, _viewer: Any, event: Any) -> None:
        if "Control" not in event.modifiers:
            return
        self._session.hover_at(*self._pixel(event))
        self._notches += float(event.delta[1])
        whole = int(self._notches)
        self._notches -= whole
        if whole:
            self._session.step_scale(whole)

    def _on_enter_or_leave(self, event: Any) -> None:
        if event.value:
            _take_keys_from_fields()
        else:
            self._session.leave()
            self._on_place(None)


def _take_keys_from_fields() -> None:
    """Take the keyboard from a text field of napari's: over the image a digit is a class."""
    field = QApplication.focusWidget()
    if isinstance(field, (QLineEdit, QAbstractSpinBox)):
        field.clearFocus()


def _distance(one: Any, other: Any) -> float:
    return float(max(abs(one[0] - other[0]), abs(one[1] - other[1])))
