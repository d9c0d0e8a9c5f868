"""The scale bar on the glass. napari's own costs a third of each step of the zoom."""

from __future__ import annotations

__all__ = ["ScaleBar", "bar_length"]

import math
from itertools import product

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen

from napari_plugin.language import number
from napari_plugin.screen import View

_MOST_PIXELS, _MARGIN, _TICK, _TEXT_HEIGHT = 140, 14, 5, 16
_LIGHT, _SHADOW = QColor(255, 255, 255), QColor(0, 0, 0, 150)
_KILOMETRE = 1000


def bar_length(longest: float) -> float:
    """Return the largest of 1, 2 and 5 times a power of ten that is no longer than a length.

    >>> [bar_length(longest) for longest in (0.7, 1, 49.9, 730)]
    [0.5, 1.0, 20.0, 500.0]
    """
    power = 10.0 ** math.floor(math.log10(longest))
    return max(step * power for step in (0.5, 1, 2, 5) if step * power <= longest)


class ScaleBar:
    """How long a round length on the ground is on the screen, at its lower right.

    Parameters
    ----------
    resolution
        Of the zone, in metres.
    """

    def __init__(self, resolution: float) -> None:
        self._resolution = resolution

    def paint(self, painter: QPainter, view: View) -> None:
        """Paint it."""
        pitch = view.pitch * self._resolution
        metres = bar_length(_MOST_PIXELS * pitch)
        right, bottom = view.width - _MARGIN, view.height - _MARGIN
        left = right - metres / pitch
        corners = [
            QPointF(left, bottom - _TICK),
            QPointF(left, bottom),
            QPointF(right, bottom),
            QPointF(right, bottom - _TICK),
        ]
        for pen in (QPen(_SHADOW, 4), QPen(_LIGHT, 2)):
            painter.setPen(pen)
            painter.drawPolyline(corners)
        text = _told(metres)
        place = QRectF(
            left - _MOST_PIXELS, bottom - _TICK - _TEXT_HEIGHT, right - left + _MOST_PIXELS, _TEXT_HEIGHT
        )
        flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        painter.setPen(_SHADOW)  # on all sides: the ground of the canvas is white in the light theme
        for across, down in product((-1, 0, 1), repeat=2):
            painter.drawText(place.translated(across, down), flags, text)
        painter.setPen(_LIGHT)
        painter.drawText(place, flags, text)


def _told(metres: float) -> str:
    if metres >= _KILOMETRE:
        return f"{number(metres / _KILOMETRE)} km"
    return f"{number(metres, max(0, -math.floor(math.log10(metres))))} m"
