"""Tools that paint what the hand draws, whatever the regions are: brush, line, polygon."""

from __future__ import annotations

__all__ = ["Brush", "Line", "Polygon"]

from collections.abc import Callable
from typing import ClassVar

from napari_plugin.language import number, said, tr
from napari_plugin.pointed import Sketch, Spot
from napari_plugin.session import Session
from napari_plugin.tool import Tool, points_of
from workbench.errors import EditRefused
from workbench.labels.editing import Region
from workbench.labels.edits import Provenance
from workbench.labels.strokes import brush_mask, polygon_mask

_WIDER = 1.25
"""What a notch of the wheel makes of the width of a brush or line."""
_NARROWEST, _WIDEST = 0.5, 250.0
"""Radius of brush and line, in pixels."""


class _Width:
    """How wide a tool paints; it stays from one stroke to the next."""

    def __init__(self, session: Session, radius: float) -> None:
        self._session = session
        self.radius = radius
        """In pixels."""

    def resize(self, notches: int) -> None:
        """Become wider or narrower by a quarter a notch."""
        self.radius = min(max(self.radius * _WIDER**notches, _NARROWEST), _WIDEST)

    def paint(self, path: list[Spot], tool: str) -> bool:
        """Paint what lies within the radius of a path; return whether that is done."""
        shape = self._session.grid.shape
        region = _checked(self._session, lambda: brush_mask(points_of(path), self.radius, shape))
        return region is not None and self._session.paint(region, Provenance(tool=tool))

    @property
    def told(self) -> str:
        """How wide it is on the ground."""
        metres = 2 * self.radius * self._session.grid.resolution
        return tr("{width} m wide · Ctrl + wheel", width=number(metres, 1))


class Brush(Tool):
    """Paints what lies within its radius of the way of the pointer."""

    id = "brush"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.width = _Width(session, radius=8.0)
        self._path: list[Spot] = []
        self._spot: Spot | None = None

    def press(self, spot: Spot) -> None:
        """Begin a stroke."""
        self._path = [spot]
        self._show()

    def drag(self, spot: Spot) -> None:
        """Go on with it."""
        if self._path:
            self._path.append(spot)
            self._show()

    def release(self, spot: Spot, *, dragged: bool) -> None:
        """Paint it."""
        path, self._path = self._path, []
        if path:
            self.width.paint([*path, spot] if dragged else path, self.id)
        self.hover(spot)

    def hover(self, spot: Spot) -> None:
        """Show how wide it is where the pointer is."""
        self._spot = spot
        self._session.point_at(*spot.pixel)
        self._show()

    def cancel(self) -> None:
        """Give up the stroke."""
        self._path, self._spot = [], None
        super().cancel()

    def resize(self, notches: int) -> bool:
        """Become wider or narrower."""
        self.width.resize(notches)
        self._show()
        return True

    @property
    def told(self) -> str:
        """How wide it is."""
        return self.width.told

    def _show(self) -> None:
        path = self._path or ([self._spot] if self._spot is not None else [])
        self._session.sketch(Sketch(path=tuple(path), radius=self.width.radius) if path else None)


class _Cornered(Tool):
    """A tool that takes corner after corner, until `finish`."""

    least: ClassVar[int]
    """Corners without which there is nothing to paint."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._corners: list[Spot] = []
        self._pressed: Spot | None = None
        self._spot: Spot | None = None

    def press(self, spot: Spot) -> None:
        """Begin a corner, or a way that is drawn."""
        self._pressed = spot

    def drag(self, spot: Spot) -> None:
        """Draw freely: the way of the pointer is one corner after the other."""
        if self._pressed is not None:
            self._set(self._pressed)
            self._set(spot)
            self._pressed = spot

    def release(self, spot: Spot, *, dragged: bool) -> None:
        """Set a corner."""
        if dragged:
            self.drag(spot)
        elif self._pressed is not None:
            self._set(spot)
        self._pressed = None

    def hover(self, spot: Spot) -> None:
        """Show what another corner here would make."""
        self._spot = spot
        self._session.point_at(*spot.pixel)
        self._show()

    def finish(self) -> None:
        """Paint it, if there are corners enough."""
        if len(self._corners) >= self.least and self._painted(self._corners):
            self._corners = []
            self._session.sketch(None)

    def back(self) -> None:
        """Take the last corner away."""
        if self._corners:
            self._corners.pop()
            self._show()

    def cancel(self) -> None:
        """Forget the corners."""
        self._corners, self._pressed = [], None
        super().cancel()

    @property
    def told(self) -> str:
        """How to go on."""
        return tr("click corners, or draw · Enter or double click ends · Backspace takes back")

    def _set(self, spot: Spot) -> None:
        # A double click, which ends a path, sets its last corner twice.
        if self._corners[-1:] != [spot]:
            self._corners.append(spot)
        self._spot = spot
        self._show()

    def _show(self) -> None:
        raise NotImplementedError

    def _painted(self, corners: list[Spot]) -> bool:
        raise NotImplementedError


class Polygon(_Cornered):
    """Paints the pixels whose centre lies inside its corners."""

    id = "polygon"
    least = 3

    def _show(self) -> None:
        path = (*self._corners, self._spot) if self._spot is not None else tuple(self._corners)
        self._session.sketch(Sketch(path=path, closed=True) if self._corners else None)

    def _painted(self, corners: list[Spot]) -> bool:
        region = _checked(self._session, lambda: polygon_mask(points_of(corners), self._session.grid.shape))
        return region is not None and self._session.paint(region, Provenance(tool="polygon"))


class Line(_Cornered):
    """Paints a line with a width through its corners: a road, a hedge, a ditch."""

    id = "line"
    least = 2

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.width = _Width(session, radius=10.0)

    def resize(self, notches: int) -> bool:
        """Become wider or narrower."""
        self.width.resize(notches)
        self._show()
        return True

    @property
    def told(self) -> str:
        """How wide it is, and how to go on."""
        return f"{self.width.told} · {super().told}"

    def _show(self) -> None:
        spots = (*self._corners, self._spot) if self._spot is not None else tuple(self._corners)
        self._session.sketch(Sketch(path=spots, radius=self.width.radius) if spots else None)

    def _painted(self, corners: list[Spot]) -> bool:
        return self.width.paint(corners, self.id)


def _checked(session: Session, region: Callable[[], Region]) -> Region | None:
    """Return a stroke's pixels; where it has none, say why."""
    try:
        return region()
    except EditRefused as error:
        session.noticed.emit(tr("Nothing to paint: {why}.", why=said(str(error))))
        return None
