"""The dock beside the picture: where one is in the zone, what one sees, what there is to do."""

from __future__ import annotations

__all__ = ["SideDock"]

import time

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QLabel, QTabWidget, QVBoxLayout, QWidget

from napari_plugin.desk import Desk
from napari_plugin.language import count, percent, tr
from napari_plugin.minimap import Minimap
from napari_plugin.pointed import Spot
from napari_plugin.tiles import Tiles

_TICK_MILLISECONDS = 500


class SideDock(QWidget):
    """Map of the zone, and pages below it, of the zone that is open.

    Parameters
    ----------
    desk
        Of the zone.
    tiles
        Of the zone.
    """

    def __init__(self, desk: Desk, tiles: Tiles) -> None:
        super().__init__()
        self._desk, self._tiles = desk, tiles
        session = desk.session
        self.map = Minimap(tiles, session.grid.shape, desk.views.thumbnail())
        self._looked = QLabel()
        self._looked.setObjectName("dim")
        self.pages = QTabWidget()
        self.pages.setDocumentMode(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 4, 6, 6)
        column.addWidget(self.map)
        column.addWidget(self._looked)
        column.addWidget(self.pages, 1)
        self.map.chosen.connect(self._go)
        tiles.changed.connect(self._tell)
        session.repainted.connect(tiles.follow)
        desk.viewed.connect(self._on_viewed)
        self._clock = QTimer(self, interval=_TICK_MILLISECONDS)
        self._clock.timeout.connect(self._on_tick)
        self._clock.start()
        self._tell()
        self._on_viewed()

    def release(self) -> None:
        """Stop following the zone."""
        self._clock.stop()
        self.map.release()
        self._desk.viewed.disconnect(self._on_viewed)
        self._desk.session.repainted.disconnect(self._tiles.follow)
        self._tiles.changed.disconnect(self._tell)

    def add_page(self, page: QWidget, title: str) -> None:
        """Add a page below the map."""
        self.pages.addTab(page, title)

    @property
    def titles(self) -> list[str]:
        """Of the pages, in order."""
        return [self.pages.tabText(place) for place in range(self.pages.count())]

    def _go(self, spot: Spot) -> None:
        self._desk.centre(spot)

    def _on_viewed(self) -> None:
        self.map.show_view(self._desk.view())
        self._watch()

    def _on_tick(self) -> None:
        self._tiles.count()
        self._watch()

    def _watch(self) -> None:
        self._tiles.watch(self._desk.view(), time.monotonic())

    def _tell(self) -> None:
        looked, all_of_them = int(np.count_nonzero(self._tiles.looked)), len(self._tiles.windows)
        done = count("looked at {count} tile", "looked at {count} tiles", looked)
        labelled = percent(float(self._tiles.labelled.mean()))
        self._looked.setText(
            tr("{done} of {all} · {labelled} labelled", done=done, all=all_of_them, labelled=labelled)
        )
