"""The pane of glass over the canvas: what follows the pointer is painted here, not by napari.

A layer costs tens of milliseconds when it moves with the camera, and as many as the zone has pixels when it
does not. What is painted on glass costs the pixels of the screen, at any zoom and in a zone of any size.
"""

from __future__ import annotations

__all__ = [
    "Drawing",
    "Glass",
    "RegionLight",
    "SketchDrawing",
    "SwipeLine",
    "class_colour",
    "draw_codes",
    "draw_hatched",
]

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QObject, QPointF, QRect, QRectF, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from qtpy.QtWidgets import QWidget

from napari_plugin.pointed import Hover, Sketch
from napari_plugin.screen import HOVER, PENDING, RIM, View, coloured, hatched, lit_in, sampled
from napari_plugin.session import Session
from workbench.geo.grid import Window

_LIGHT = QColor(255, 255, 255, 242)
_SHADOW = QColor(0, 0, 0, 150)
_DARKER, _FAINTER = 300, 0.4
"""What lies between stripes: so many times darker, in percent, and that share of their opacity."""


class Drawing(Protocol):
    """Something that is painted on the glass."""

    def paint(self, painter: QPainter, view: View) -> None:
        """Paint it where the view shows it."""


class Glass(QWidget):
    """Lies over the canvas and lets all events through.

    Parameters
    ----------
    canvas
        The widget that napari draws in.
    view
        Tells what the canvas shows just now; None where it shows no single view of the zone.
    """

    def __init__(self, canvas: QWidget, view: Callable[[], View | None]) -> None:
        super().__init__(canvas)
        self._view = view
        self.drawings: list[Drawing] = []
        """From below to above."""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAttribute(Qt.WidgetAttribute.WA_NoSystemBackground)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        canvas.installEventFilter(self)
        self.resize(canvas.size())
        self.show()

    def add(self, drawing: Drawing, *, below: bool = False) -> None:
        """Paint something from now on, over what is there or below it."""
        self.drawings.insert(0 if below else len(self.drawings), drawing)
        self.update()

    def remove(self, drawing: Drawing) -> None:
        """Paint it no longer."""
        if drawing in self.drawings:
            self.drawings.remove(drawing)
            self.update()

    def expose(self, *boxes: Window | None) -> None:
        """Have some boxes of the screen painted again."""
        for box in boxes:
            if box is not None:
                # A pen is wider than what it draws.
                self.update(QRect(box.col, box.row, box.width, box.height).adjusted(-2, -2, 2, 2))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint all drawings."""
        view = self._view()
        if view is None or not self.drawings:
            return
        painter = QPainter(self)
        painter.setClipRegion(event.region())
        for drawing in self.drawings:
            painter.save()
            drawing.paint(painter, view)
            painter.restore()
        painter.end()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay as large as the canvas."""
        if event.type() == QEvent.Type.Resize:
            self.resize(self.parentWidget().size())
        return super().eventFilter(watched, event)


class RegionLight:
    """The region under the pointer, and those that a drag has touched: exactly the pixels that they have.

    Parameters
    ----------
    session
        Whose regions.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._marks = np.zeros(0, np.uint8)
        self._lit: list[tuple[int, int]] = []
        self._hover: Hover | None = None
        self._pending: Sketch | None = None

    def show(self, hover: Hover | None, sketch: Sketch | None, view: View) -> tuple[Window | None, ...]:
        """Take what lights up now; return the boxes of the screen that change."""
        before = self._box(view)
        self._hover, self._pending = hover, sketch
        return before, self._box(view)

    def codes(self, view: View) -> tuple[Window, NDArray[np.uint8]] | None:
        """Return what lights up, as `screen.lit` does, and the box of the screen where it is."""
        hierarchy, box = self._session.hierarchy, self._box(view)
        if hierarchy is None or box is None:
            return None
        self._mark(hierarchy.leaf_count)
        return box, lit_in(box, view, hierarchy, self._session.store.footprint, self._marks)

    def paint(self, painter: QPainter, view: View) -> None:
        """Paint the light."""
        found = self.codes(view)
        if found is not None:
            box, codes = found
            draw_codes(painter, box, codes, self._colours())

    def _box(self, view: View) -> Window | None:
        """Return the part of the screen in which anything is lit, with a pixel around it for the rim."""
        windows = [self._hover.window] if self._hover is not None else []
        hierarchy = self._session.hierarchy
        if self._pending is not None and hierarchy is not None:
            windows += [hierarchy.window(node) for node in self._pending.nodes]
        boxes = [box for box in map(view.box, windows) if box is not None]
        if not boxes:
            return None
        whole = boxes[0]
        for box in boxes[1:]:
            whole = whole.union(box)
        return whole

    def _mark(self, leaves: int) -> None:
        if self._marks.size != leaves:
            self._marks = np.zeros(leaves, np.uint8)
        else:
            for first, stop in self._lit:
                self._marks[first:stop] = 0
        nodes = [(node, PENDING) for node in self._pending.nodes] if self._pending is not None else []
        if self._hover is not None:
            nodes.append((self._hover.node, HOVER))
        for node, mark in nodes:
            self._marks[node.first : node.stop] = mark
        self._lit = [(node.first, node.stop) for node, _ in nodes]

    def _colours(self) -> dict[int, QColor]:
        veil = class_colour(self._session)
        hover, pending = QColor(veil), QColor(veil)
        hover.setAlphaF(0.45 if self._session.given.code or self._session.given.upper else 0.25)
        pending.setAlphaF(0.7)
        return {HOVER: hover, PENDING: pending, RIM: _LIGHT}


class SketchDrawing:
    """What a tool has begun: a stroke as wide as it paints, corners, a line, the side of a cut."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.sketch: Sketch | None = None

    def paint(self, painter: QPainter, view: View) -> None:
        """Paint it."""
        sketch = self.sketch
        if sketch is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = class_colour(self._session)
        veil.setAlphaF(0.45)
        if sketch.region is not None:
            self._paint_region(painter, view, sketch, veil)
        points = [QPointF(*view.point(spot.row, spot.col)) for spot in sketch.path]
        if not points:
            return
        if sketch.radius:
            self._paint_stroke(painter, points, sketch.radius / view.pitch, veil)
        else:
            self._paint_path(painter, points, veil if sketch.closed else None)

    @staticmethod
    def _paint_region(painter: QPainter, view: View, sketch: Sketch, veil: QColor) -> None:
        assert sketch.region is not None  # noqa: S101 - asked before
        window, mask = sketch.region
        box = view.box(window)
        if box is not None:
            codes = sampled(mask, view.rows(box), view.cols(box), window).view(np.uint8)
            draw_codes(painter, box, codes, {1: veil})

    @staticmethod
    def _paint_stroke(painter: QPainter, points: list[QPointF], radius: float, veil: QColor) -> None:
        path = QPainterPath(points[0])
        for point in points[1:]:
            path.lineTo(point)
        if len(points) == 1:
            outline = QPainterPath()
            outline.addEllipse(points[0], radius, radius)
        else:
            pen = QPen(
                veil, 2 * radius, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
            )
            painter.strokePath(path, pen)
            outline = QPainterPath()
            outline.addEllipse(points[-1], radius, radius)
            painter.strokePath(path, QPen(_LIGHT, 1))
        painter.strokePath(outline, QPen(_SHADOW, 3))
        painter.strokePath(outline, QPen(_LIGHT, 1.5))

    @staticmethod
    def _paint_path(painter: QPainter, points: list[QPointF], veil: QColor | None) -> None:
        if veil is not None and len(points) > 2:
            painter.setBrush(veil)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.drawPolygon(QPolygonF(points), Qt.FillRule.OddEvenFill)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        line = QPolygonF([*points, points[0]] if veil is not None else points)
        for pen in (QPen(_SHADOW, 3.5), QPen(_LIGHT, 1.5)):
            painter.setPen(pen)
            painter.drawPolyline(line)
        if veil is not None:
            painter.setBrush(_LIGHT)
            painter.setPen(QPen(_SHADOW, 1))
            for point in points:
                painter.drawRect(QRectF(point.x() - 2.5, point.y() - 2.5, 5, 5))


class SwipeLine:
    """The line between the first view and the second one, with a handle to drag it by."""

    def __init__(self, session: Session) -> None:
        self._resolution = session.grid.resolution
        self.at: float | None = None
        """World x in metres; None where there is no line."""

    def x(self, view: View) -> float | None:
        """Return where it is on the canvas."""
        return view.point(0, self.at / self._resolution)[0] if self.at is not None else None

    def paint(self, painter: QPainter, view: View) -> None:
        """Paint it from top to bottom, the handle in the middle."""
        x = self.x(view)
        if x is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        top, middle, bottom = QPointF(x, 0), QPointF(x, view.height / 2), QPointF(x, view.height)
        for pen in (QPen(_SHADOW, 4), QPen(_LIGHT, 2)):
            painter.setPen(pen)
            painter.drawLine(top, bottom)
        painter.setBrush(_LIGHT)
        painter.setPen(QPen(_SHADOW, 1.5))
        painter.drawEllipse(middle, 9, 9)
        painter.drawText(QRectF(x - 9, view.height / 2 - 9, 18, 18), Qt.AlignmentFlag.AlignCenter, "↔")


def class_colour(session: Session) -> QColor:
    """Return the colour of the class in hand; white where it erases."""
    given = session.given
    if given.upper is not None:
        return QColor(session.nomenclature.upper(given.upper).colour)
    return QColor(session.nomenclature.by_code(given.code).colour) if given.code else QColor("white")


def draw_codes(
    painter: QPainter, box: Window, codes: NDArray[np.uint8], colours: Mapping[int, QColor]
) -> None:
    """Paint an image of codes, shape (row, col) of a box of the screen; 0 is clear."""
    _draw(painter, box, coloured(codes, _palette(colours)))


def draw_hatched(
    painter: QPainter, box: Window, codes: NDArray[np.uint8], colours: Mapping[int, QColor], view: View
) -> None:
    """Paint an image of codes in stripes of their colours, by which it is told from labels at any zoom.

    Parameters are those of `draw_codes`, and the view that the box is of.
    """
    between = {code: _between(colour) for code, colour in colours.items()}
    palette = np.stack([_palette(between), _palette(colours)])
    _draw(painter, box, hatched(codes, palette, box.row + box.col + view.hatch))


def _between(colour: QColor) -> QColor:
    """Return what lies between stripes of a colour: seen also where the picture has that colour."""
    darker = colour.darker(_DARKER)
    darker.setAlphaF(colour.alphaF() * _FAINTER)
    return darker


def _palette(colours: Mapping[int, QColor]) -> NDArray[np.uint32]:
    """Return colours by their codes as Qt takes them, shape (code,)."""
    palette = np.zeros(256, np.uint32)
    for code, colour in colours.items():
        red, green, blue, alpha = colour.getRgb()
        red, green, blue = (round(channel * alpha / 255) for channel in (red, green, blue))
        palette[code] = alpha << 24 | red << 16 | green << 8 | blue
    return palette


def _draw(painter: QPainter, box: Window, pixels: NDArray[np.uint32]) -> None:
    data: Any = pixels.data
    form = QImage.Format.Format_ARGB32_Premultiplied
    painter.drawImage(box.col, box.row, QImage(data, box.width, box.height, 4 * box.width, form))
