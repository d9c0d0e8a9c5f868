"""The dock beside the picture: pages of the zone that is open, and the queue, which stays when it goes."""

from __future__ import annotations

__all__ = ["Beside", "name_dock"]

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QDockWidget, QLabel, QMainWindow, QStackedWidget, QWidget

from napari_plugin.bindings import main_window
from napari_plugin.desk import Desk
from napari_plugin.language import tr
from napari_plugin.queue_panel import QueuePanel
from napari_plugin.side import SideDock
from napari_plugin.theme import style_sheet
from napari_plugin.tiles import Tiles


class Beside(QObject):
    """Shows pages of one zone after the other in one dock of the window.

    Parameters
    ----------
    viewer
        In whose window.
    """

    chosen = Signal(Path, str, object)
    """A zone of the queue: the campaign, who labels, and the `ZoneChoice`."""

    def __init__(self, viewer: Any) -> None:
        super().__init__()
        self._viewer = viewer
        self._stack: QStackedWidget | None = None
        self.side: SideDock | None = None
        """Map and pages of the zone that is open; those of the last one where none is."""
        self.queue: QueuePanel | None = None
        """Of the campaign of that zone."""

    def show(self, desk: Desk, tiles: Tiles, pages: Iterable[tuple[QWidget, str]]) -> SideDock:
        """Show a zone: where one is in it, the pages given with their titles, and the zones of its campaign.

        What is returned is to be released when another zone is shown.
        """
        if self.queue is not None:
            self.queue.setParent(None)  # it outlives the pages of one zone
        side = SideDock(desk, tiles)
        (first, title), *others = pages
        before = self.side.pages.tabText(self.side.pages.currentIndex()) if self.side is not None else ""
        opened = desk.session.opened
        queue = self._queue_of(opened.campaign.path, opened.author)
        queue.show_current(opened.zone.id)
        for page, called in ((first, title), (queue, tr("Zones")), *others):
            side.add_page(page, called)
        # Whoever reviews zone after zone stays on the page of reviews.
        side.pages.setCurrentIndex(side.titles.index(before) if before in side.titles else 0)
        if self._stack is None:
            self._stack = QStackedWidget()
            self.follow_theme()
        if self._stack.parentWidget() is None:  # new, or somebody closed its dock
            self.gather()
        name_dock(self._stack, tr("Zone"))
        while (before := self._stack.currentWidget()) is not None:
            self._stack.removeWidget(before)
            before.deleteLater()
        self._stack.addWidget(side)
        self.side = side
        return side

    def show_queue(self) -> None:
        """Bring the queue to the front."""
        if self.side is not None and self.queue is not None:
            self.gather()
            self.side.pages.setCurrentWidget(self.queue)

    def follow_theme(self) -> None:
        """Take the style in the colours in use: what has no own style is napari's, and marks nothing."""
        if self._stack is not None:
            self._stack.setStyleSheet(style_sheet())

    def forget_queue(self) -> None:
        """Have the queue made anew with the next zone, in the language of that day."""
        if self.queue is not None:
            self.queue.release()
            self.queue.deleteLater()
            self.queue = None

    def leave(self) -> None:
        """Take the dock out: pages of a zone that nobody labels here any more would judge nothing."""
        self.forget_queue()
        if self._stack is not None:
            stack, self._stack, self.side = self._stack, None, None
            if stack.parentWidget() is not None:
                self._viewer.window.remove_dock_widget(stack)
            stack.deleteLater()

    def gather(self) -> None:
        """Lay napari's layer docks and this one over each other, so that each has the whole height.

        Where somebody closed it, it comes back.
        """
        if self._stack is None:
            return
        if self._stack.parentWidget() is None:
            self._viewer.window.add_dock_widget(self._stack, name=tr("Zone"), area="left", tabify=True)
            self._stack.show()
        window = main_window(self._stack)
        docks = {dock.objectName(): dock for dock in window.findChildren(QDockWidget)}
        controls, layers = docks.get("layer controls"), docks.get("layer list")
        if isinstance(window, QMainWindow) and controls is not None and layers is not None:
            window.tabifyDockWidget(layers, controls)
        own = self._stack.parentWidget()
        if own is not None:
            own.raise_()

    def _queue_of(self, campaign: Path, author: str) -> QueuePanel:
        """Return the queue of a campaign: it stays as zones come and go."""
        if self.queue is None or (self.queue.directory, self.queue.author) != (campaign, author):
            self.forget_queue()
            self.queue = QueuePanel(campaign, author)
            self.queue.chosen.connect(lambda choice: self.chosen.emit(campaign, author, choice))
        return self.queue


def name_dock(widget: QWidget, name: str) -> None:
    """Have the dock that napari put a widget in called by a name: on its bar, its tab and in the menu.

    napari names a dock once, in the language of that moment, and knows it by that name from then on.
    """
    dock: QWidget | None = widget
    while dock is not None and not isinstance(dock, QDockWidget):
        dock = dock.parentWidget()
    if dock is None:
        return
    dock.setWindowTitle(name)
    bar = dock.titleBarWidget()
    for label in bar.findChildren(QLabel) if bar is not None else ():
        label.setText(name)
