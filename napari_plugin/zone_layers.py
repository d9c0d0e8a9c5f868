"""The napari layers of the zone that is open: made once for a viewer, then filled with zone after zone.

To take a layer out of a viewer and put another one in costs half a second, to give it other data a few
milliseconds. Bottom to top: picture, second view (hidden until it is wanted), classes, regions (their
contours).
"""

from __future__ import annotations

__all__ = ["ZoneLayers"]

from typing import Any

import numpy as np
from napari.layers import Image, Labels
from napari.utils import DirectLabelColormap
from napari.utils.colormaps import Colormap

from napari_plugin import layers as data
from napari_plugin.language import tr
from napari_plugin.pictures import Picture
from napari_plugin.session import Session
from workbench.geo.grid import Window

_CONTOUR_COLOUR = (1.0, 1.0, 1.0, 0.5)
_CLASS_OPACITY = 0.55
_UNITS = ("m", "m")


class ZoneLayers:
    """The layers in a viewer that show a session.

    Parameters
    ----------
    viewer
        The napari viewer, or the proxy of it that plugins get; it may hold other layers.
    """

    def __init__(self, viewer: Any) -> None:
        self._viewer = viewer
        self._session: Session | None = None
        self._shown: dict[Image, Picture] = {}
        # The layers themselves, not what the viewer hands back: in a plugin that is a slow proxy.
        self.picture = self._image()
        self.second = self._image(visible=False)
        self.classes = self._labels({None: (0, 0, 0, 0)}, opacity=_CLASS_OPACITY)
        step = Colormap([(0.0, 0.0, 0.0, 0.0), _CONTOUR_COLOUR], name="contours")
        self.contours = Image(
            [np.zeros((2, 2), np.uint8), np.zeros((1, 1), np.uint8)],
            multiscale=True,
            colormap=step,
            contrast_limits=(0, 1),
            units=_UNITS,
        )
        self._give_names()

    @property
    def all(self) -> tuple[Image | Labels, ...]:
        """Every layer, bottom to top."""
        return (self.picture, self.second, self.classes, self.contours)

    def show(self, session: Session, picture: Picture) -> None:
        """Fill the layers with a session's zone, and put those into the viewer that are not there."""
        self._session = session
        self._give_names()
        self.show_pictures(picture, None)
        for layer in self.all:
            layer.metadata = data.world_metadata(session.grid, session.zone_id)
        self._fill_classes(session)
        self._fill_contours(session)
        for layer in self.all:
            if layer not in self._viewer.layers:
                self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = self.classes
        self.classes.mode = "pan_zoom"

    def remove(self) -> None:
        """Take the layers out of the viewer."""
        for layer in self.all:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def repaint(self, window: Window, *, show: bool = True) -> None:
        """Show labels that changed in a window; where labels are hidden, show them again if they should."""
        data.repaint(self.classes, window)
        if show and not self.classes.visible:  # napari works for 15 ms even where nothing changes
            self.classes.visible = True

    def show_level(self, level: int) -> None:
        """Show the regions of a level of the scale."""
        self.contours.contrast_limits = data.contour_limits(level)

    def show_refined(self) -> None:
        """Show regions that are others than before."""
        if self._session is not None:
            self._fill_contours(self._session)

    def show_pictures(self, first: Picture, second: Picture | None) -> None:
        """Show a picture, and a second one over it where it is not clear."""
        self._fill_picture(self.picture, first)
        if second is not None:
            self._fill_picture(self.second, second)
        if self.second.visible != (second is not None):
            self.second.visible = second is not None

    def _give_names(self) -> None:
        """Call the layers what they are called in the language in use."""
        names = tr("Picture"), tr("Second view"), tr("Classes"), tr("Regions")
        for layer, name in zip(self.all, names, strict=True):
            layer.name = name

    def _fill_picture(self, layer: Image, picture: Picture) -> None:
        """Give a layer a picture; the same one as before is drawn anew."""
        if self._shown.get(layer) is picture:
            layer.refresh(thumbnail=False, extent=False, highlight=False)
            return
        self._shown[layer] = picture
        raster = picture.raster
        with layer.events.blocker_all():
            layer.scale, layer.translate = (raster.scale, raster.scale), raster.translate
        layer.data = picture.levels

    def _fill_classes(self, session: Session) -> None:
        # The store's own array, read-only: the layer is a view of it, and napari's brush cannot write to it.
        self._fill(self.classes, session.labels, session)
        # What its numbers mean, for whoever saves it.
        self.classes.metadata["nomenclature"] = session.nomenclature.document()
        self.classes.colormap = DirectLabelColormap(color_dict=data.class_colours(session.nomenclature))
        self.classes.features = data.class_features(session.nomenclature)
        # With all new data: napari makes those editable, and its brush fails on an array it may not write.
        self.classes.editable = False

    def _fill_contours(self, session: Session) -> None:
        hierarchy = session.hierarchy
        levels = hierarchy.saliency_pyramid() if hierarchy is not None else [np.zeros((2, 2), np.uint8)]
        if len(levels) < 2:  # napari tells an image from a pyramid once and for all
            levels = [*levels, levels[0][::2, ::2]]
        self._fill(self.contours, levels, session)
        self.contours.contrast_limits = data.contour_limits(session.level)

    @staticmethod
    def _fill(layer: Image | Labels, pixels: Any, session: Session) -> None:
        resolution = session.grid.resolution
        layer.data = pixels
        layer.scale = (resolution, resolution)

    @staticmethod
    def _image(*, visible: bool = True) -> Image:
        nothing = [np.zeros((2, 2, 4), np.uint8), np.zeros((1, 1, 4), np.uint8)]
        return Image(
            nothing,
            rgb=True,
            multiscale=True,
            visible=visible,
            units=_UNITS,
            axis_labels=("y", "x"),
        )

    @staticmethod
    def _labels(colours: Any, *, opacity: float = 1.0) -> Labels:
        return Labels(
            np.zeros((2, 2), np.uint8),
            colormap=DirectLabelColormap(color_dict=colours),
            opacity=opacity,
            units=_UNITS,
            axis_labels=("y", "x"),
        )
