"""Overlays on the screen: lines, outlines and points of vector files, as thin as a pen at any zoom."""

from __future__ import annotations

__all__ = ["OVERLAY_COLOURS", "OverlayDrawing"]

from qtpy.QtCore import QPointF
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF

from napari_plugin.screen import View
from workbench.geo.overlays import Overlay

OVERLAY_COLOURS = ("#ff4fd8", "#2de2ff", "#ffd23f", "#7dff6a", "#ff8552", "#b28dff")
"""Of overlays, in turn: none is a class's, all are seen on fields, roofs and woods."""
_DOT = 3.5


class OverlayDrawing:
    """One overlay.

    Parameters
    ----------
    overlay
        What is drawn.
    colour
        ``#rrggbb``.
    """

    def __init__(self, overlay: Overlay, colour: str) -> None:
        self.overlay, self.colour = overlay, QColor(colour)
        self.seen = True

    def paint(self, painter: QPainter, view: View) -> None:
        """Paint what of it is in view."""
        if not self.seen:
            return
        margin = 4 * view.pitch
        rows = view.top - margin, view.top + view.height * view.pitch + margin
        cols = view.left - margin, view.left + view.width * view.pitch + margin
        paths = self.overlay.paths(rows, cols, tolerance=view.pitch)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        points = (paths.vertices[:, ::-1] - (view.left, view.top)) / view.pitch
        lines = [
            QPolygonF([QPointF(x, y) for x, y in points[first:stop].tolist()])
            for first, stop in zip(paths.starts[:-1].tolist(), paths.starts[1:].tolist(), strict=True)
        ]
        dots = ((paths.points[:, ::-1] - (view.left, view.top)) / view.pitch).tolist()
        shadow = QColor(0, 0, 0, 130)
        for pen in (QPen(shadow, 3.2), QPen(self.colour, 1.6)):
            painter.setPen(pen)
            for line in lines:
                painter.drawPolyline(line)
        painter.setPen(QPen(shadow, 1))
        painter.setBrush(self.colour)
        for x, y in dots:
            painter.drawEllipse(QPointF(x, y), _DOT, _DOT)
