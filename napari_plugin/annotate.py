"""`annotate`: a window on a zone, from the command line until it is closed."""

from __future__ import annotations

__all__ = ["annotate"]

from contextlib import closing
from pathlib import Path
from typing import Any

import click
from qtpy.QtCore import QPoint, QTimer
from qtpy.QtOpenGLWidgets import QOpenGLWidget

from napari_plugin.bindings import main_window
from napari_plugin.language import tr
from napari_plugin.session import Session
from napari_plugin.widgets import LabellingDock

_SETTLING_MILLISECONDS = 300


def annotate(
    directory: Path, *, zone_id: str | None, author: str, blind: bool = False, together: bool = False
) -> None:
    """Open napari on a zone of a campaign and label until the window is closed.

    When the window is ready, and again whenever the zone is fitted into it anew, one line on standard error
    says where the zone's pixels are on the screen.

    Parameters
    ----------
    directory
        The campaign.
    zone_id
        Which zone; None where the campaign has a single one.
    author
        Whose journal to write.
    blind, together
        As for `Session.open`.

    Raises
    ------
    WorkbenchError
        The zone cannot be opened; no window has appeared then.
    """
    import napari

    opened = Session.open(directory, zone_id=zone_id, author=author, blind=blind, together=together)
    with closing(opened) as session:
        viewer = napari.Viewer(title=session.title)
        dock = LabellingDock(viewer, session)
        name = tr("Land-cover labelling")
        viewer.title = f"{session.title} – {name}"
        viewer.window.add_dock_widget(dock, name=name, area="right")
        dock.window().showMaximized()
        _announce_when_settled(viewer, dock)
        napari.run()


def _announce_when_settled(viewer: Any, dock: LabellingDock) -> None:
    timer = QTimer(dock, singleShot=True, interval=_SETTLING_MILLISECONDS)
    timer.timeout.connect(lambda: click.echo(_whereabouts(viewer, dock), err=True))
    viewer.canvas.events.size.connect(lambda: timer.start())
    timer.start()


def _whereabouts(viewer: Any, dock: LabellingDock) -> str:
    """Say where the centre of pixel (0, 0) is on the screen, and how large pixels are."""
    canvas = main_window(dock).findChild(QOpenGLWidget)
    if canvas is None or dock.session is None:
        return "no zone is shown"
    zoom, (down, across) = viewer.scene.camera.zoom, viewer.scene.camera.center[-2:]
    corner = canvas.mapToGlobal(QPoint(0, 0))
    x = corner.x() + canvas.width() / 2 - across * zoom
    y = corner.y() + canvas.height() / 2 - down * zoom
    pitch = zoom * dock.session.grid.resolution
    zone = dock.session.zone_id
    return f"{zone} is open: pixel (0, 0) at x {x:.2f}, y {y:.2f} of the screen, {pitch:.4f} each"
