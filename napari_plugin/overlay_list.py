"""Overlays of a zone: vector files that are looked at over the picture, and what they say about a place."""

from __future__ import annotations

__all__ = ["OverlayList"]

from collections.abc import Callable
from html import escape
from pathlib import Path

from psygnal import Signal

from napari_plugin.desk import Desk
from napari_plugin.jobs import Job, start
from napari_plugin.language import count, said, tr
from napari_plugin.overlay_drawing import OVERLAY_COLOURS, OverlayDrawing
from workbench.geo.overlays import Overlay
from workbench.geo.vectors import list_layers, read_overlay

_REACH = 6.0
"""Pixels of the screen around the pointer in which features are found."""
_MOST_TOLD = 5


class OverlayList:
    """The overlays over the zone of a desk, the first lowest.

    Parameters
    ----------
    desk
        Where they are painted.
    choose
        Asks which layers of a file with several are meant; called with their names.
    """

    changed = Signal()
    """Overlays came, went, or are seen or not."""
    told = Signal(str)
    """Rich text: what the overlays say about a place."""

    def __init__(self, desk: Desk, choose: Callable[[list[str]], list[str]]) -> None:
        self._desk, self._choose = desk, choose
        self.drawings: list[OverlayDrawing] = []
        self._jobs: list[Job] = []

    def add(self, path: Path) -> None:
        """Read a file beside the window, and lay it over the picture."""
        title = tr("Reading {file}", file=path.name)
        job = start(title, lambda report: list_layers(path), done=self._on_layers(path), failed=self._refuse)
        self._jobs.append(job)

    def remove(self, place: int) -> None:
        """Take an overlay away."""
        if 0 <= place < len(self.drawings):
            drawing = self.drawings.pop(place)
            if self._desk.glass is not None:
                self._desk.glass.remove(drawing)
            self.changed.emit()

    def show(self, place: int, seen: bool) -> None:
        """Show an overlay, or hide it."""
        self.drawings[place].seen = seen
        if self._desk.glass is not None:
            self._desk.glass.update()
        self.changed.emit()

    def identify(self) -> None:
        """Tell what lies under the pointer, the nearest first."""
        session, view = self._desk.session, self._desk.view()
        if session.pointer is None or view is None:
            session.noticed.emit(tr("Point at what you want to know about."))
            return
        row, col = session.pointer
        found = [
            (feature.distance, drawing.overlay.name, feature.attributes)
            for drawing in self.drawings
            if drawing.seen
            for feature in drawing.overlay.identify(row, col, tolerance=_REACH * view.pitch)
        ]
        if not found:
            session.noticed.emit(tr("The overlays show nothing here."))
        found.sort(key=lambda one: one[0])
        self.told.emit("<br>".join(_told(name, attributes) for _, name, attributes in found[:_MOST_TOLD]))

    def _on_layers(self, path: Path) -> Callable[[object], None]:
        def read(layers: object) -> None:
            names = [layer.name for layer in layers]  # type: ignore[attr-defined]
            for name in names if len(names) == 1 else self._choose(names):
                self._read(path, name)

        return read

    def _read(self, path: Path, layer: str) -> None:
        grid = self._desk.session.grid
        title = tr("Reading {file}", file=f"{path.name} · {layer}")
        job = start(
            title,
            lambda report: read_overlay(path, grid, layer=layer),
            done=self._take,
            failed=self._refuse,
        )
        self._jobs.append(job)

    def _take(self, overlay: Overlay) -> None:
        colour = OVERLAY_COLOURS[len(self.drawings) % len(OVERLAY_COLOURS)]
        drawing = OverlayDrawing(overlay, colour)
        self.drawings.append(drawing)
        if self._desk.glass is not None:
            self._desk.glass.add(drawing, below=True)
        found = count(
            "The overlay {name} shows {count} object here.",
            "The overlay {name} shows {count} objects here.",
            len(overlay),
            name=overlay.name,
        )
        if not len(overlay):
            found = tr("The overlay {name} shows nothing in this zone or around it.", name=overlay.name)
        self._desk.session.noticed.emit(" ".join([found, *map(said, overlay.notices)]))
        self.changed.emit()

    def _refuse(self, why: str) -> None:
        if why:
            self._desk.session.refused.emit(said(why))


def _told(name: str, attributes: dict[str, str]) -> str:
    filled = ", ".join(f"{escape(key)} <b>{escape(value)}</b>" for key, value in attributes.items() if value)
    return f"<i>{escape(name)}</i>: {filled}" if filled else f"<i>{escape(name)}</i>"
