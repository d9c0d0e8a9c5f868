"""Tools: what the left button means. Those that take regions are here, with the box that holds them all."""

from __future__ import annotations

__all__ = ["TOOLS", "Brush", "Cut", "Line", "Merge", "Pick", "Polygon", "Tool", "ToolBox"]

import numpy as np
from psygnal import Signal

from napari_plugin.language import tr
from napari_plugin.pointed import Hover, Sketch, Spot
from napari_plugin.session import Session
from napari_plugin.stroke_tools import Brush, Line, Polygon
from napari_plugin.tool import Tool, points_of
from workbench.errors import EditRefused
from workbench.geo.grid import Window
from workbench.labels.editing import Region, merging
from workbench.labels.edits import tight
from workbench.labels.strokes import cut_mask


class Pick(Tool):
    """Gives regions the class in hand: one by a click, every one that is touched by a drag."""

    id = "pick"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._from: Spot | None = None
        self._last: Spot | None = None
        self._first: tuple[int, int] | None = None
        self._touched: dict[tuple[int, int], Hover] = {}

    def press(self, spot: Spot) -> None:
        """Point at where the button went down: that is what a click takes."""
        self._from = self._last = spot
        self._first, self._touched = None, {}
        self._session.hover_at(*spot.pixel)

    def drag(self, spot: Spot) -> None:
        """Take the regions between the last position and this one."""
        if self._last is None or self._from is None:
            return
        if not self._touched:
            self._touch(*self._from.pixel)
        for row, col in _pixels_between(self._last, spot):
            self._touch(row, col)
        self._last = spot
        self._session.hover_at(*spot.pixel)
        self._session.sketch(Sketch(nodes=tuple(hover.node for hover in self._touched.values())))

    def release(self, spot: Spot, *, dragged: bool) -> None:
        """Paint what was taken, as one gesture."""
        if dragged:
            self.drag(spot)  # of moves that come too fast some never arrive
        session, start, first, touched = self._session, self._from, self._first, list(self._touched.values())
        self.cancel()
        if start is None:
            return
        if not dragged:
            # What is picked is what was pointed at when the button went down: the hand may slip after.
            session.assign_at(*start.pixel)
        elif first is None:
            session.noticed.emit(session.why_nothing(*start.pixel))
        else:
            made = session.made("drag", *first, touched[0].scale)
            session.paint(_joined([session.pixels_of(hover) for hover in touched]), made)
            session.hover_at(*spot.pixel)

    def cancel(self) -> None:
        """Forget the drag."""
        self._from = self._last = None
        self._first, self._touched = None, {}
        super().cancel()

    def forget_regions(self) -> None:
        """Forget the drag: its nodes are numbers of a hierarchy that is no longer there."""
        self.cancel()

    def _touch(self, row: int, col: int) -> None:
        hover = self._session.region_at(row, col)
        if hover is not None:
            self._first = self._first or (row, col)
            self._touched.setdefault((hover.node.first, hover.node.stop), hover)


class Cut(Tool):
    """Splits a region by a line that is drawn across it; a click on one side then gives it the class."""

    id = "cut"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._line: list[Spot] = []
        self._whole: Hover | None = None
        self._side: Region | None = None

    def press(self, spot: Spot) -> None:
        """Begin a line where there is none yet."""
        if self._whole is None:
            self._line = [spot]

    def drag(self, spot: Spot) -> None:
        """Draw the line."""
        if self._whole is None and self._line:
            self._line.append(spot)
            self._session.sketch(Sketch(path=tuple(self._line)))

    def release(self, spot: Spot, *, dragged: bool) -> None:
        """Take the region that the line crosses; or, once it is split, paint the side that was clicked."""
        if dragged:
            self.drag(spot)
        if self._whole is not None:
            self._paint_side(spot)
        elif len(self._line) > 1:
            row, col = _halfway(self._line).pixel
            self._whole = self._session.hover_at(row, col)
            if self._whole is None:
                self._session.noticed.emit(self._session.why_nothing(row, col))
                self.cancel()
        elif self._line:
            self._line = []
            self._session.noticed.emit(tr("Draw a line across the region, then click a side."))

    def hover(self, spot: Spot) -> None:
        """Point at a region, or at a side of the one that is split."""
        if self._whole is None:
            super().hover(spot)
        else:
            side = self._side_at(*spot.pixel)
            self._session.sketch(Sketch(path=tuple(self._line), region=side))

    def cancel(self) -> None:
        """Give up the line."""
        self._line, self._whole, self._side = [], None, None
        super().cancel()

    def forget_regions(self) -> None:
        """Give up the line, and the region that it splits."""
        self.cancel()

    @property
    def told(self) -> str:
        """How to go on."""
        return tr("draw a line across a region, then click a side · Esc: another line")

    def _side_at(self, row: int, col: int) -> Region | None:
        """Return the side of the split region that holds a pixel; the same as long as it does."""
        if self._side is not None:
            window, mask = self._side
            if window.contains(row, col) and mask[row - window.row, col - window.col]:
                return self._side
        assert self._whole is not None  # noqa: S101 - there is a region to have sides
        window, mask = self._session.pixels_of(self._whole)
        try:
            side = cut_mask(mask, window, points_of(self._line), row=row, col=col)
        except EditRefused:
            self._side = None
        else:
            self._side = window, side
        return self._side

    def _paint_side(self, spot: Spot) -> None:
        session, whole = self._session, self._whole
        row, col = spot.pixel
        side = self._side_at(row, col)
        if side is None or whole is None:
            session.noticed.emit(tr("The line does not part the region here; Esc, then draw it across."))
        else:
            session.paint(side, session.made("cut", row, col, whole.scale))


class Merge(Tool):
    """Gives a label the class of its neighbour: dragged from the one into the other."""

    id = "merge"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._from: Spot | None = None

    def press(self, spot: Spot) -> None:
        """Take the class of the label there."""
        self._from = spot

    def drag(self, spot: Spot) -> None:
        """Show from where to where."""
        if self._from is not None:
            self._session.sketch(Sketch(path=(self._from, spot)))

    def release(self, spot: Spot, *, dragged: bool) -> None:
        """Give the label here that class."""
        session, start = self._session, self._from
        self.cancel()
        if start is None or not dragged:
            session.noticed.emit(tr("Drag from one label into the one that becomes part of it."))
            return
        session.commit(
            lambda: [merging(session.store, session.nomenclature, source=start.pixel, target=spot.pixel)]
        )

    def cancel(self) -> None:
        """Forget where it began."""
        self._from = None
        super().cancel()


TOOLS: tuple[type[Tool], ...] = (Pick, Brush, Line, Polygon, Cut, Merge)


class ToolBox:
    """The tools of a session, one of them in hand."""

    changed = Signal(Tool)
    """The tool that is in hand now, or the one that was there before and looks different."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tools = {kind.id: kind(session) for kind in TOOLS}
        self.current: Tool = self._tools["pick"]
        session.refined.connect(self._on_refined)

    def take(self, tool: str) -> None:
        """Take a tool in hand; what the one before had begun is given up."""
        self.current.cancel()
        self.current = self._tools[tool]
        self.changed.emit(self.current)

    def resize(self, notches: int) -> None:
        """Make the tool in hand wider, or regions larger where it has no width."""
        if self.current.resize(notches):
            self.changed.emit(self.current)
        else:
            self._session.step_scale(notches)

    def _on_refined(self, _window: Window) -> None:
        self.current.forget_regions()


def _pixels_between(start: Spot, stop: Spot) -> list[tuple[int, int]]:
    """Return the pixels of a straight line, its start left out."""
    from skimage.draw import line

    rows, cols = line(*start.pixel, *stop.pixel)  # type: ignore[no-untyped-call]
    return list(zip(rows[1:].tolist(), cols[1:].tolist(), strict=True))


def _halfway(path: list[Spot]) -> Spot:
    """Return the place on a path that is as far from its beginning as from its end."""
    points = np.array(points_of(path))
    reached = np.append(0.0, np.hypot(*np.diff(points, axis=0).T).cumsum())
    row, col = (float(np.interp(reached[-1] / 2, reached, axis)) for axis in points.T)
    return Spot(row=row, col=col)


def _joined(regions: list[Region]) -> Region:
    """Return the pixels of several regions as one."""
    window = regions[0][0]
    for other, _ in regions[1:]:
        window = window.union(other)
    mask = np.zeros(window.shape, np.bool_)
    for part, inside in regions:
        mask[part.within(window).slices] |= inside
    found = tight(mask, window)
    return (window, mask) if found is None else (found[1], found[0])
