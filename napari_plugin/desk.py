"""A session on the screen: layers, glass, pointer and camera, and what they do when the session speaks."""

from __future__ import annotations

__all__ = ["Desk"]

from collections.abc import Callable
from typing import Any

from napari.layers import Image, Labels
from psygnal import Signal
from qtpy.QtWidgets import QWidget

from napari_plugin.bindings import PointerGestures, Wheel
from napari_plugin.glass import Glass, RegionLight, SketchDrawing, SwipeLine
from napari_plugin.here import Here
from napari_plugin.language import tr
from napari_plugin.outlines import LabelOutlines
from napari_plugin.pointed import Hover, Sketch, Spot
from napari_plugin.scale_bar import ScaleBar
from napari_plugin.screen import View
from napari_plugin.session import Session
from napari_plugin.tools import ToolBox
from napari_plugin.views import Views
from napari_plugin.wires import Wires
from napari_plugin.zone_layers import ZoneLayers
from workbench.geo.grid import Window

_FIT_MARGIN = 0.03
_CLOSER = 1.25
"""What a notch of the wheel makes of the zoom."""
_LARGEST_PIXEL, _SMALLEST_ZONE = 100.0, 100.0
"""In pixels of the screen."""
_GRIP = 7.0
"""Pixels of the screen within which a press takes hold of the line between two views."""
_PAN_SHARE = 0.2
"""Share of the canvas that an arrow key moves the picture by."""


class Desk:
    """Shows a session in a viewer until it is closed; the viewer may hold other layers.

    Parameters
    ----------
    viewer
        The napari viewer, or the proxy of it that plugins get.
    session
        What to show. The desk follows it; it does not own it.
    layers
        What shows it in the viewer.
    views
        What is seen of it.
    on_place
        Called with the pixel (row, col) under the pointer, or None when it leaves the canvas.
    """

    viewed = Signal()
    """The canvas shows another part of the zone."""

    def __init__(
        self,
        viewer: Any,
        session: Session,
        layers: ZoneLayers,
        views: Views,
        *,
        on_place: Callable[[tuple[int, int] | None], None],
    ) -> None:
        self.viewer, self.session, self.layers, self.views = viewer, session, layers, views
        self.tools, self.here = ToolBox(session), Here(session)
        self.glass: Glass | None = None
        self.light, self._drawn = RegionLight(session), SketchDrawing(session)
        self.outlines, self._line = LabelOutlines(session), SwipeLine(session)
        layers.show(session, views.first)
        self.gestures = PointerGestures(
            viewer,
            session,
            self.tools,
            grab=self.grab,
            take_class=self.here.take_class,
            on_place=on_place,
        )
        self._wires = self._wired()
        self._on_help()
        self._fitted, self._fitting = True, False
        self.fit()

    def close(self) -> None:
        """Let go of session and viewer; the layers stay for the next zone."""
        self.gestures.detach()
        self._wires.cut()
        if self.glass is not None:
            self._wheel.release()
            self.glass.deleteLater()
            self.glass = None

    def lay_glass(self, canvas: QWidget) -> None:
        """Lay the pane of glass over the canvas, once the window has one."""
        if self.glass is None:
            self.glass = Glass(canvas, self.view)
            self.glass.destroyed.connect(self._on_glass_gone)
            self.glass.add(self.light)
            self.glass.add(self._drawn)
            self.glass.add(self._line)
            self.glass.add(ScaleBar(self.session.grid.resolution))
            self.show_outlines(only=False)
            self._wheel = Wheel(canvas, zoom=self.zoom, resize=self.resize)

    def view(self) -> View | None:
        """Return what the canvas shows; None where it shows several views."""
        if self.viewer.canvas.grid.enabled:
            return None
        camera, (height, width) = self.viewer.scene.camera, self.viewer.canvas.size
        down, across = camera.center[-2:]
        return View.of((down, across), camera.zoom, (height, width), self.session.grid.resolution)

    def fit(self) -> None:
        """Show the whole zone, as large as the canvas allows, and keep it so until the user moves."""
        rows, cols = self.session.grid.shape
        self._fitting = True
        try:
            # Not napari's fit_to_view: it fails where another layer has an axis more, a raster of bands, say.
            self.viewer.scene.camera.zoom = self._fitting_zoom
            self.centre(Spot(row=(rows - 1) / 2, col=(cols - 1) / 2))
        finally:
            self._fitting = False
        self._fitted = True

    def go_to(self, window: Window) -> None:
        """Show a window of the zone with its surroundings; no closer than one is wont to look.

        Nor farther away than the whole zone: what lies beyond it is of no use.
        """
        camera, (height, width) = self.viewer.scene.camera, self.viewer.canvas.size
        resolution = self.session.grid.resolution
        extent = max(window.height / height, window.width / width) * resolution * 3
        camera.zoom = min(max(1 / extent, self._fitting_zoom), 2 / resolution)
        self.centre(Spot(row=window.row + (window.height - 1) / 2, col=window.col + (window.width - 1) / 2))

    def centre(self, spot: Spot) -> None:
        """Show a position of the zone in the middle of the canvas."""
        camera, resolution = self.viewer.scene.camera, self.session.grid.resolution
        camera.center = (*camera.center[:-2], spot.row * resolution, spot.col * resolution)

    def zoom(self, notches: float, x: float, y: float) -> None:
        """Come closer, by notches of the wheel, to what lies at a position on the canvas; it stays there."""
        view = self.view()
        if view is None:
            return
        camera, factor = self.viewer.scene.camera, _CLOSER**notches
        spot, (height, width) = view.spot(x, y), self.viewer.canvas.size
        pitch = view.pitch / factor
        # No closer than a pixel as large as a thumb, no farther than the zone as small as one.
        if not _LARGEST_PIXEL > 1 / pitch > _SMALLEST_ZONE / max(self.session.grid.shape):
            return
        camera.zoom *= factor
        self.centre(Spot(row=spot.row + (height / 2 - y) * pitch, col=spot.col + (width / 2 - x) * pitch))

    def resize(self, notches: int, x: float, y: float) -> None:
        """Make regions at a position of the canvas, or the tool in hand, larger by notches of the wheel."""
        view = self.view()
        if view is not None:
            self.tools.current.hover(view.spot(x, y))
            self.tools.resize(notches)

    def pan(self, down: int, across: int) -> None:
        """Move the picture by a fifth of the canvas."""
        camera, (height, width) = self.viewer.scene.camera, self.viewer.canvas.size
        y, x = camera.center[-2:]
        y, x = y + down * _PAN_SHARE * height / camera.zoom, x + across * _PAN_SHARE * width / camera.zoom
        camera.center = (*camera.center[:-2], y, x)

    def toggle_outlines(self) -> None:
        """Show labels as outlines only, or as coloured areas again."""
        self.show_outlines(only=self.layers.classes.visible)

    def show_outlines(self, *, only: bool) -> None:
        """Show the outlines of labels, and their areas unless it is the outlines only."""
        if self.layers.classes.visible == only:  # napari works for it also where nothing changes
            self.layers.classes.visible = not only
        if self.glass is not None:
            self.glass.remove(self.outlines)
            if only or self.outlines.patterned:
                self.glass.add(self.outlines, below=True)

    @staticmethod
    def toggle(layer: Image | Labels) -> None:
        """Show a layer, or hide it."""
        layer.visible = not layer.visible

    @property
    def _fitting_zoom(self) -> float:
        """The zoom at which the whole zone fits on the canvas."""
        (height, width), (rows, cols) = self.viewer.canvas.size, self.session.grid.shape
        return min(height / rows, width / cols) * (1 - _FIT_MARGIN) / self.session.grid.resolution

    def _wired(self) -> Wires:
        session, camera, views = self.session, self.viewer.scene.camera, self.views
        return Wires(
            (session.repainted, self._on_repainted),
            (session.hovered, self._on_hovered),
            (session.sketched, self._on_sketched),
            (session.class_chosen, self._on_class_chosen),
            (session.rescaled, self.layers.show_level),
            (session.refined, self._on_refined),
            (views.changed, self._on_views),
            (camera.events.center, self._on_camera),
            (camera.events.zoom, self._on_camera),
            (self.viewer.canvas.events.size, self._on_size),
            (self.viewer.events.help, self._on_help),
        )

    def _on_help(self, _event: Any = None) -> None:
        # napari says there what the keys of its own layer controls do; at a desk they do something else.
        told = tr(
            "click: give the class in hand · Ctrl + wheel: size of the regions · "
            "right click: take a class in hand · ?: help"
        )
        if self.viewer.layers.selection.active in self.layers.all and self.viewer.help != told:
            self.viewer.help = told

    def _on_glass_gone(self) -> None:
        self.glass = None

    def _on_size(self, _event: Any = None) -> None:
        # A window finds its size after it is shown, docks settle later still: refit until the user moves.
        if self._fitted:
            self.fit()
        self._refresh_glass()
        self.viewed.emit()

    def _on_camera(self, _event: Any = None) -> None:
        if not self._fitting:
            self._fitted = False
        self._refresh_glass()
        self.viewed.emit()

    def _on_hovered(self, hover: Hover | None) -> None:
        self._show_light(hover, self._drawn.sketch)

    def _on_sketched(self, sketch: Sketch | None) -> None:
        self._drawn.sketch = sketch
        self._show_light(self.session.hover, sketch)
        self._refresh_glass()

    def _on_repainted(self, window: Window) -> None:
        shows_outlines = self.glass is not None and self.outlines in self.glass.drawings
        self.layers.repaint(window, show=not shows_outlines)
        if shows_outlines:
            self._refresh_glass()

    def _on_class_chosen(self, _given: object) -> None:
        self._refresh_glass()

    def _on_refined(self, _window: Window) -> None:
        self.layers.show_refined()

    def _on_views(self) -> None:
        self.layers.show_pictures(self.views.first, self.views.second)
        self._line.at = self.views.swipe if not self.views.blinking else None
        self._refresh_glass()

    def toggle_swipe(self) -> None:
        """Show the second view right of a line in the middle of the canvas; or no longer."""
        centre = self.viewer.scene.camera.center[-1]
        self.views.swipe_at(None if self.views.swipe is not None else centre)

    def grab(self, x: float) -> Callable[[float], None] | None:
        """Return what moves the line between two views to another x of the canvas; None if x is not on it."""
        view = self.view()
        line = self._line.x(view) if view is not None else None
        if line is None or abs(x - line) > _GRIP:
            return None

        def move(to: float) -> None:
            view = self.view()
            if view is not None:
                self.views.swipe_at(view.spot(to, 0).col * self.session.grid.resolution)

        return move

    def _show_light(self, hover: Hover | None, sketch: Sketch | None) -> None:
        view = self.view()
        if view is not None:
            boxes = self.light.show(hover, sketch, view)
            if self.glass is not None:
                self.glass.expose(*boxes)

    def _refresh_glass(self) -> None:
        if self.glass is not None:
            self.glass.update()
