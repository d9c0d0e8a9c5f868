"""The whole zone, small: its tiles, what was looked at and labelled, and what the canvas shows."""

from __future__ import annotations

__all__ = ["Minimap"]

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, QSize, Qt, Signal
from qtpy.QtGui import QBrush, QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_plugin.language import tr
from napari_plugin.pointed import Spot
from napari_plugin.screen import View
from napari_plugin.tiles import Tiles

_MARGIN = 3
_BARE, _DONE = QColor(20, 22, 28, 95), QColor(70, 190, 120, 90)
_GRID, _HERE = QColor(255, 255, 255, 60), QColor(255, 255, 255, 235)
_UNSEEN = QColor(255, 255, 255, 70)


class Minimap(QWidget):
    """Shows the tiles of a zone over its picture; a click goes there.

    Tiles with a label on every pixel are green, those without any dark; those that were not looked at yet
    are hatched.

    Parameters
    ----------
    tiles
        Of the zone.
    shape
        (rows, columns) of the zone.
    picture
        Shape (row, col, 3), uint8, of the zone; as small as one likes.
    """

    chosen = Signal(object)
    """`Spot` of the zone that was clicked."""

    def __init__(self, tiles: Tiles, shape: tuple[int, int], picture: NDArray[np.uint8]) -> None:
        super().__init__()
        self._tiles, self._shape = tiles, shape
        pixels: Any = np.ascontiguousarray(picture)
        height, width = pixels.shape[:2]
        self._picture = QImage(pixels.data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        self._view: View | None = None
        self.setToolTip(
            tr("Click: go there. Hatched: not looked at yet. Green: labelled. Dark: not labelled.")
        )
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        tiles.changed.connect(self._refresh)

    def show_view(self, view: View | None) -> None:
        """Show what the canvas shows."""
        self._view = view
        self.update()

    def release(self) -> None:
        """Stop following the tiles."""
        self._tiles.changed.disconnect(self._refresh)

    def sizeHint(self) -> QSize:
        """Ask for a width, and the height that the zone has then."""
        return QSize(260, self.heightForWidth(260))

    def hasHeightForWidth(self) -> bool:
        """Say that the zone has a shape."""
        return True

    def heightForWidth(self, width: int) -> int:
        """Return the height at which a width is used."""
        height, across = self._shape
        return min(340, round((width - 2 * _MARGIN) * height / across) + 2 * _MARGIN)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint picture, tiles and view."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(self._area(), self._picture)
        for number, window in enumerate(self._tiles.windows):
            box = QRectF(self._at(window.row, window.col), self._at(window.row_stop, window.col_stop))
            labelled = float(self._tiles.labelled[number])
            if labelled >= 1:
                painter.fillRect(box, _DONE)
            else:
                veil = QColor(_BARE)
                veil.setAlphaF(_BARE.alphaF() * (1 - labelled))
                painter.fillRect(box, veil)
            if not self._tiles.looked[number]:
                painter.fillRect(box, QBrush(_UNSEEN, Qt.BrushStyle.BDiagPattern))
            painter.setPen(QPen(_GRID, 1))
            painter.drawRect(box)
        self._paint_view(painter)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go where the button went down."""
        self._go(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on as the pointer moves with the button down."""
        if event.buttons():
            self._go(event.position())

    def _refresh(self) -> None:
        self.update()

    def _go(self, point: QPointF) -> None:
        area, (height, width) = self._area(), self._shape
        row = (point.y() - area.top()) / area.height() * height
        col = (point.x() - area.left()) / area.width() * width
        self.chosen.emit(Spot(row=min(max(row, 0), height - 1), col=min(max(col, 0), width - 1)))

    def _paint_view(self, painter: QPainter) -> None:
        view = self._view
        if view is None:
            return
        corner = self._at(view.top, view.left)
        other = self._at(view.top + view.height * view.pitch, view.left + view.width * view.pitch)
        painter.setPen(QPen(_HERE, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(corner, other).intersected(QRectF(self.rect()).adjusted(1, 1, -2, -2)))

    def _area(self) -> QRectF:
        """Return where the zone is, as large as fits."""
        height, width = self._shape
        room = QRectF(self.rect()).adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        scale = min(room.width() / width, room.height() / height)
        area = QRectF(0, 0, width * scale, height * scale)
        area.moveCenter(room.center())
        return area

    def _at(self, row: float, col: float) -> QPointF:
        area, (height, width) = self._area(), self._shape
        return QPointF(area.left() + col / width * area.width(), area.top() + row / height * area.height())
