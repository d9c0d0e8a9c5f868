"""Leads the eye to one place of the zone after the other: goes there and outlines it on the glass."""

from __future__ import annotations

__all__ = ["Guide", "Visibility"]

from qtpy.QtCore import QEvent, QObject, Signal
from qtpy.QtWidgets import QWidget

from napari_plugin.desk import Desk
from napari_plugin.glass import Drawing
from napari_plugin.marks import Highlight
from workbench.geo.grid import Window
from workbench.labels.editing import Region


class Guide:
    """Goes to places on a desk.

    Parameters
    ----------
    desk
        Whose canvas and glass.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.highlight = Highlight()
        self._drawings: list[Drawing] = []

    def lay(self, *drawings: Drawing, below: bool = False) -> None:
        """Have drawings painted on the glass, once there is one, until `release`."""
        if self._desk.glass is not None:
            for drawing in drawings:
                self._desk.glass.add(drawing, below=below)
                self._drawings.append(drawing)

    def release(self) -> None:
        """Take all drawings off the glass."""
        if self._desk.glass is not None:
            for drawing in self._drawings:
                self._desk.glass.remove(drawing)
        self._drawings.clear()

    def go(self, window: Window, region: Region | None = None) -> None:
        """Show a window of the zone, and outline a region in it."""
        self.highlight.region = region
        self._desk.go_to(window)
        self.refresh()

    def follow(self, window: Window) -> None:
        """Take the outline away where labels changed: what it showed may be settled."""
        region = self.highlight.region
        if region is not None and region[0].intersection(window) is not None:
            self.highlight.region = None
            self.refresh()

    def refresh(self) -> None:
        """Have the glass painted again."""
        if self._desk.glass is not None:
            self._desk.glass.update()


class Visibility(QObject):
    """Tells when a page comes into sight, and when it goes out of it."""

    changed = Signal(bool)

    def __init__(self, page: QWidget) -> None:
        super().__init__(page)
        page.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look at pages that are shown and hidden."""
        if event.type() in (QEvent.Type.Show, QEvent.Type.Hide):
            self.changed.emit(event.type() == QEvent.Type.Show)
        return False
