"""The wires between the page on what one sees, the views and the desk."""

from __future__ import annotations

__all__ = ["ViewPage"]

from pathlib import Path

from qtpy.QtWidgets import QFileDialog

from napari_plugin.actions import Keymap
from napari_plugin.desk import Desk
from napari_plugin.language import title, tr
from napari_plugin.overlay_list import OverlayList
from napari_plugin.view_panel import ViewPanel, Way

_VECTOR_FILES = "*.gpkg *.shp *.geojson *.json *.fgb"


class ViewPage(ViewPanel):
    """The page on what one sees of the zone of a desk.

    Parameters
    ----------
    desk
        What it acts on, and shows.
    overlays
        Of the desk.
    keys
        Shown beside the first ways to look at the zone.
    """

    def __init__(self, desk: Desk, overlays: OverlayList, keys: Keymap) -> None:
        super().__init__(
            [Way(key=recipe.key, title=title(recipe.titles)) for recipe in desk.views.recipes], keys
        )
        self._desk, self._overlays = desk, overlays
        views, layers = desk.views, desk.layers
        self.chosen.connect(views.show)
        self.second_chosen.connect(views.show_second)
        self.swipe_toggled.connect(lambda on: desk.toggle_swipe() if on != self._swiping else None)
        self.gamma_chosen.connect(views.lift)
        self.opacity_chosen.connect(lambda opacity: setattr(layers.classes, "opacity", opacity))
        self.outlines_toggled.connect(lambda only: desk.show_outlines(only=only))
        self.contours_toggled.connect(lambda on: setattr(layers.contours, "visible", on))
        views.changed.connect(self._tell)
        for events in (layers.classes.events.opacity, layers.classes.events.visible):
            events.connect(self._tell)
        layers.contours.events.visible.connect(self._tell)
        self.overlay_wanted.connect(self._choose_file)
        self.overlay_toggled.connect(overlays.show)
        self.overlay_removed.connect(overlays.remove)
        overlays.changed.connect(self._list_overlays)
        overlays.told.connect(self.show_found)
        self._tell()

    def release(self) -> None:
        """Stop following the desk."""
        layers = self._desk.layers
        self._desk.views.changed.disconnect(self._tell)
        for events in (layers.classes.events.opacity, layers.classes.events.visible):
            events.disconnect(self._tell)
        layers.contours.events.visible.disconnect(self._tell)

    def _choose_file(self) -> None:
        what = tr("Vector files")
        chosen, _ = QFileDialog.getOpenFileName(
            self, tr("Add an overlay"), filter=f"{what} ({_VECTOR_FILES})"
        )
        if chosen:
            self._overlays.add(Path(chosen))

    def _list_overlays(self) -> None:
        self.show_overlays([(one.overlay.name, one.colour, one.seen) for one in self._overlays.drawings])

    @property
    def _swiping(self) -> bool:
        return self._desk.views.swipe is not None

    def _tell(self, _event: object = None) -> None:
        views, layers = self._desk.views, self._desk.layers
        self.show_way(views.first.view.recipe.key)
        self.show_second(views.second_recipe.key, swiping=self._swiping)
        self.show_labels(
            opacity=layers.classes.opacity,
            outlines=not layers.classes.visible,
            contours=layers.contours.visible,
        )
