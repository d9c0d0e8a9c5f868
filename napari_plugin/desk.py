"""A session on the screen: its layers in a viewer, and what happens to them when it speaks.

Layers, bottom to top: orthophoto, colour-infrared (hidden), surroundings (dimmed), classes, regions (their
contours), pointer (the region under it).
"""

from __future__ import annotations

__all__ = ["Desk"]

from collections.abc import Callable
from typing import Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils import DirectLabelColormap
from napari.utils.colormaps import Colormap

from napari_plugin import layers as data
from napari_plugin.bindings import PointerGestures
from napari_plugin.pointed import Hover
from napari_plugin.session import Session
from workbench.geo.grid import Window

_CONTOUR_COLOUR = (1.0, 1.0, 1.0, 0.5)
_CLASS_OPACITY = 0.55
_UNITS = ("m", "m")
_FIT_MARGIN = 0.03
_HELP = (
    "click: give the class · Ctrl+wheel: size of the regions · wheel: zoom · drag: move · "
    "S: finer regions here · Ctrl+Z: undo · N: infrared · L: labels · K: contours · Home: whole zone"
)


class Desk:
    """Shows a session in a viewer until it is closed; the viewer may hold other layers.

    Parameters
    ----------
    viewer
        The napari viewer, or the proxy of it that plugins get.
    session
        What to show. The desk follows it; it does not own it.
    on_place
        Called with the pixel (row, col) under the pointer, or None when it leaves the canvas.
    """

    def __init__(
        self, viewer: Any, session: Session, on_place: Callable[[tuple[int, int] | None], None]
    ) -> None:
        self.viewer, self.session = viewer, session
        # The layers themselves, not what the viewer hands back: in a plugin that is a slow proxy.
        self.ortho, self.infrared = self._backdrop_layers()
        self.shade = self._shade_layer()
        self.classes = self._class_layer()
        self.contours = self._contour_layer()
        self.pointer = self._pointer_layer()
        self._lit: Window | None = None
        for layer in self.layers:
            viewer.add_layer(layer)
        viewer.layers.selection.active = self.classes
        self.classes.mode = "pan_zoom"
        # Napari's status line would offer the keys of its own brushes.
        self.classes.help = _HELP
        viewer.canvas.overlays.scale_bar.visible = True
        self._connect()
        self._gestures = PointerGestures(viewer, session, on_place)
        self._fitted = True
        viewer.canvas.events.size.connect(self._keep_fit)
        for events in (viewer.scene.camera.events.center, viewer.scene.camera.events.zoom):
            events.connect(self._on_camera)
        self.fit()

    @property
    def layers(self) -> list[Image | Labels]:
        """Return the desk's layers, bottom to top."""
        stack = (self.ortho, self.infrared, self.shade, self.classes, self.contours, self.pointer)
        return [layer for layer in stack if layer is not None]

    def close(self) -> None:
        """Take the layers away and let go of session and viewer."""
        self._gestures.detach()
        self.viewer.canvas.events.size.disconnect(self._keep_fit)
        for events in (self.viewer.scene.camera.events.center, self.viewer.scene.camera.events.zoom):
            events.disconnect(self._on_camera)
        for signal, slot in self._slots():
            signal.disconnect(slot)
        for layer in self.layers:
            if layer in self.viewer.layers:
                self.viewer.layers.remove(layer)

    def fit(self) -> None:
        """Show the whole zone, as large as the canvas allows, and keep it so until the user moves."""
        if self.classes not in self.viewer.layers:  # somebody threw the layer away
            return
        self._fitting = True
        try:
            self.viewer.fit_to_view(layers=[self.classes], margin=_FIT_MARGIN)
        finally:
            self._fitting = False
        self._fitted = True

    def toggle(self, layer: Image | Labels | None) -> None:
        """Show a layer, or hide it."""
        if layer is not None:
            layer.visible = not layer.visible

    def _keep_fit(self) -> None:
        # A window finds its size after it is shown, docks settle later still: refit until the user moves.
        if self._fitted:
            self.fit()

    def _on_camera(self) -> None:
        if not self._fitting:
            self._fitted = False

    def _slots(self) -> tuple[tuple[Any, Callable[..., None]], ...]:
        session = self.session
        return (
            (session.repainted, self._on_repainted),
            (session.hovered, self._on_hovered),
            (session.class_chosen, self._on_class_chosen),
            (session.rescaled, self._on_rescaled),
            (session.refined, self._on_refined),
        )

    def _connect(self) -> None:
        for signal, slot in self._slots():
            signal.connect(slot)

    def _on_repainted(self, window: Window) -> None:
        data.repaint(self.classes, window)
        if not self.classes.visible:  # napari works for 15 ms even where nothing changes
            self.classes.visible = True

    def _on_hovered(self, hover: Hover | None) -> None:
        codes: Any = self.pointer.data
        if self._lit is not None:
            codes[self._lit.slices] = 0
            data.repaint(self.pointer, self._lit)
        self._lit = hover.window if hover is not None else None
        if hover is not None:
            codes[hover.window.slices] = data.hover_codes(hover.mask)
            data.repaint(self.pointer, hover.window)

    def _on_class_chosen(self, _code: int) -> None:
        self.pointer.colormap = self._hover_colormap()

    def _on_rescaled(self, level: int) -> None:
        if self.contours is not None:
            self.contours.contrast_limits = data.contour_limits(level)

    def _on_refined(self, _window: Window) -> None:
        if self.contours is not None:
            self.contours.data = self._contour_levels()

    def _contour_levels(self) -> Any:
        levels = self.session.hierarchy.saliency_pyramid() if self.session.hierarchy is not None else []
        return levels if len(levels) > 1 else levels[0]

    def _backdrop_layers(self) -> tuple[Image, Image | None]:
        backdrop = self.session.backdrop
        natural = data.composite(backdrop.pixels, backdrop.bands)
        infrared = data.composite(backdrop.pixels, backdrop.bands, ("NIR", "R", "G"))
        shown = natural if natural is not None else data.grey(backdrop.pixels)
        ortho = self._image(shown, "Orthophoto")
        if infrared is None:
            return ortho, None
        return ortho, self._image(infrared, "Colour-infrared", visible=False)

    def _image(self, image: Any, name: str, *, visible: bool = True) -> Image:
        levels = data.mean_pooled(image)
        return Image(
            levels if len(levels) > 1 else image,
            rgb=True,
            multiscale=len(levels) > 1,
            name=name,
            visible=visible,
            **self._world(self.session.backdrop.offset),
        )

    def _shade_layer(self) -> Labels | None:
        backdrop, session = self.session.backdrop, self.session
        codes = data.shade(session.store.footprint, backdrop.pixels.shape[1:], backdrop.offset)
        if codes is None:
            return None
        colours = DirectLabelColormap(color_dict=data.shade_colours())
        return self._labels(codes, "Around the zone", colours, offset=backdrop.offset)

    def _class_layer(self) -> Labels:
        colours = DirectLabelColormap(color_dict=data.class_colours(self.session.nomenclature))
        # The store's own array, read-only: the layer is a view of it, and napari's brush cannot write to it.
        layer = self._labels(self.session.labels, "Classes", colours, opacity=_CLASS_OPACITY)
        # Napari's status line and tooltips show these beside the code.
        layer.features = data.class_features(self.session.nomenclature)
        return layer

    def _contour_layer(self) -> Image | None:
        if self.session.hierarchy is None:
            return None
        levels = self._contour_levels()
        step = Colormap([(0.0, 0.0, 0.0, 0.0), _CONTOUR_COLOUR], name="contours")
        return Image(
            levels,
            multiscale=isinstance(levels, list),
            name="Regions",
            colormap=step,
            contrast_limits=data.contour_limits(self.session.level),
            **self._world((0, 0)),
        )

    def _pointer_layer(self) -> Labels:
        codes = np.zeros(self.session.grid.shape, dtype=np.uint8)
        return self._labels(codes, "Pointer", self._hover_colormap())

    def _hover_colormap(self) -> DirectLabelColormap:
        code = self.session.code
        colour = self.session.nomenclature.by_code(code).colour if code else None
        return DirectLabelColormap(color_dict=dict(data.hover_colours(colour)))

    def _labels(
        self,
        codes: Any,
        name: str,
        colormap: DirectLabelColormap,
        *,
        offset: tuple[int, int] = (0, 0),
        opacity: float = 1.0,
    ) -> Labels:
        layer = Labels(codes, name=name, colormap=colormap, opacity=opacity, **self._world(offset))
        layer.editable = False
        return layer

    def _world(self, offset: tuple[int, int]) -> dict[str, Any]:
        resolution = self.session.grid.resolution
        return {
            "scale": (resolution, resolution),
            "translate": (offset[0] * resolution, offset[1] * resolution),
            "units": _UNITS,
            "axis_labels": ("y", "x"),
            "metadata": data.world_metadata(self.session.grid, self.session.zone_id),
        }
