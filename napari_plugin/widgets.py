"""The dock "Land-cover labelling", and `annotate`, which opens a window with it."""

from __future__ import annotations

__all__ = ["LabellingDock", "annotate"]

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QEvent, QPoint, QTimer
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import (
    QDockWidget,
    QFileDialog,
    QGridLayout,
    QInputDialog,
    QMainWindow,
    QStackedWidget,
    QWidget,
)

from napari_plugin.bindings import HeldKeys, install_shortcuts
from napari_plugin.commands import commands, held_commands
from napari_plugin.desk import Desk
from napari_plugin.desk_rasters import DeskRaster
from napari_plugin.help import HelpOverlay
from napari_plugin.jobs import Job, Report, start
from napari_plugin.language import language, said, tr
from napari_plugin.layers import natural_colours
from napari_plugin.opening import OpenZone, open_zone
from napari_plugin.others import Others
from napari_plugin.overlay_list import OverlayList
from napari_plugin.panels import WelcomePage
from napari_plugin.pictures import reserve
from napari_plugin.preferences import Preferences, use_language
from napari_plugin.queue import ZoneChoice
from napari_plugin.queue_panel import QueuePanel
from napari_plugin.session import Session
from napari_plugin.settings_dialog import SettingsDialog
from napari_plugin.side import SideDock
from napari_plugin.theme import style_sheet, use_theme
from napari_plugin.tiles import Tiles
from napari_plugin.view_page import ViewPage
from napari_plugin.views import Views
from napari_plugin.work import Snapshots, Work
from napari_plugin.zone_layers import ZoneLayers
from napari_plugin.zone_panel import ZonePanel
from workbench.campaign import Campaign
from workbench.errors import WorkbenchError
from workbench.workflows.examples import Example, examples_of

if TYPE_CHECKING:
    import napari.viewer

DOCK_NAME = "Land-cover labelling"
_SETTLING_MILLISECONDS = 300
_OTHERS_MILLISECONDS = 3000
"""Time between two looks at what other authors did."""


class LabellingDock(QWidget):
    """The dock: classes, size of the regions, undo, what is saved, what is under the pointer.

    Parameters
    ----------
    viewer
        Injected by napari.
    session
        What to label; without one the dock offers to open a campaign, and takes up layers that name a zone
        (those of the sample zone, or of a campaign's registry that was dropped on the window).
    """

    def __init__(self, viewer: napari.viewer.Viewer, session: Session | None = None) -> None:
        super().__init__()
        self._viewer: Any = viewer
        self.session: Session | None = None
        self.desk: Desk | None = None
        self.preferences = Preferences()
        use_language(self.preferences.language)
        self._layers = ZoneLayers(viewer)
        self._opening: Job | None = None
        self._gone = False
        self._jobs: list[Job] = []
        self._queue: QueuePanel | None = None
        self.work = Work(self, lambda: self.session.opened if self.session is not None else None)
        self.work.segmented.connect(self._on_segmented)
        self._examples: dict[Path, Mapping[int, Sequence[NDArray[np.uint8]]]] = {}
        self._side: QStackedWidget | None = None
        self.side: SideDock | None = None
        self.help: HelpOverlay | None = None
        self._follow_theme()
        self.setMinimumWidth(310)
        # Not a column: napari would add an empty stretch to it.
        self._place = QGridLayout(self)
        self._place.setContentsMargins(10, 8, 10, 8)
        self.contents: QWidget | None = None
        """The panels of the zone, or the page that offers to open one."""
        self._zone, self._screen = ExitStack(), ExitStack()
        """What to undo when another zone is shown or the dock goes, and when only the screen is made anew."""
        # A dock gets no closeEvent from napari. Nothing is lost without one; this only frees the journal.
        # What is on the screen goes with its window.
        self.destroyed.connect(self._zone.close)
        viewer.layers.events.inserted.connect(self._on_layer)
        viewer.events.theme.connect(self._follow_theme)
        if session is not None:
            self.show_session(session)
        elif not self._adopt():
            self._show(WelcomePage(self._choose_campaign))

    def event(self, event: QEvent) -> bool:
        """Take hold of the window's canvas; let go of the zone when the dock is taken out (its ✕)."""
        if event.type() == QEvent.Type.ParentChange:
            self._gone = self.parent() is None
            if self._gone:
                QTimer.singleShot(0, self._leave)
        if event.type() in (QEvent.Type.Show, QEvent.Type.ParentChange):
            QTimer.singleShot(0, self._take_window)
        return super().event(event)

    def show_session(self, session: Session) -> None:
        """Label a zone in this dock, in place of the one before."""
        self.close_session()
        self._zone.callback(session.close)
        self._build(session)

    def close_session(self) -> None:
        """Take the zone off the desk and free its journal."""
        self.session = self.desk = None
        self.commands: Mapping[str, Callable[[], None]] = {}
        self._screen.close()
        self._zone.close()

    def _build(self, session: Session) -> None:
        """Make all that shows a session."""
        keys, later = self.preferences.keys, self._screen.callback
        panel = ZonePanel(session, keys)
        later(panel.release)
        views = Views(session, self._read_beside)
        desk = Desk(self._viewer, session, self._layers, views, on_place=panel.show_place)
        later(desk.close)
        desk.outlines.patterned = self.preferences.outlines
        panel.tools.chosen.connect(desk.tools.take)
        desk.tools.changed.connect(panel.tools.show_tool)
        panel.tools.show_tool(desk.tools.current)
        others = QTimer(panel, interval=_OTHERS_MILLISECONDS)
        others.timeout.connect(Others(session).look)
        others.start()
        later(others.stop)
        self.tiles = Tiles(session)
        self.overlays = OverlayList(desk, self._choose_layers)
        self.session, self.desk = session, desk
        self.commands = {
            **commands(desk, self.tiles, self),
            **self.work.commands,
            "identify": self.overlays.identify,
            "help": self._toggle_help,
            "keys": self._choose_settings,
            "zones": self._show_queue,
        }
        install_shortcuts(panel, keys, self.commands)
        self._show(panel)
        self._find_examples(session, panel)
        later(Snapshots(session).release)
        self._take_window()

    def _find_examples(self, session: Session, panel: ZonePanel) -> None:
        """Have examples of the classes looked for in accepted zones, once for a campaign."""
        campaign = session.opened.campaign
        known = self._examples.get(campaign.path)
        if known is not None:
            panel.card.take_examples(known)
            return

        def done(found: Mapping[int, Sequence[Example]]) -> None:
            pictures = {
                code: [natural_colours(one.pixels, one.bands) for one in examples]
                for code, examples in found.items()
            }
            self._examples[campaign.path] = pictures
            if self.session is session:
                panel.card.take_examples(pictures)

        def work(report: Report) -> Mapping[int, Sequence[Example]]:
            return examples_of(campaign, progress=report)

        self._jobs.append(start(tr("Examples of classes"), work, done=done, failed=lambda why: None))

    def _read_beside(
        self,
        title: str,
        read: Callable[[], DeskRaster],
        done: Callable[[DeskRaster], None],
        failed: Callable[[str], None],
    ) -> None:
        """Have a raster read while the window goes on."""
        self._jobs.append(start(title, lambda report: read(), done=done, failed=failed))

    def _choose_layers(self, names: list[str]) -> list[str]:
        """Ask which layer of a vector file is meant."""
        name, agreed = QInputDialog.getItem(
            self, tr("Add an overlay"), tr("Layer:"), names, 0, editable=False
        )
        return [name] if agreed else []

    def _toggle_help(self) -> None:
        if self.help is not None:
            self.help.toggle()

    def _choose_settings(self) -> None:
        if SettingsDialog(self, self.preferences).exec():
            self.take_preferences()

    def take_preferences(self) -> None:
        """Show everything as the preferences say now."""
        before = language()
        use_language(self.preferences.language)
        if self.session is not None:
            session = self.session
            self._screen.close()
            if language() != before:
                self._let_queue_go()
            self._build(session)

    def open_zone(
        self, directory: Path, zone_id: str, author: str, *, together: bool = False, blind: bool = False
    ) -> None:
        """Open a zone of a campaign, while the window goes on; what is in the way is shown in the dock.

        Parameters are those of `opening.open_zone`.
        """
        if self._opening is not None and self._opening.running:
            return
        self.close_session()
        self._show(WelcomePage(self._choose_campaign, opening=zone_id))

        def work(report: Report) -> OpenZone:
            progress = partial(report, 0.3)
            return open_zone(
                directory, zone_id=zone_id, author=author, together=together, blind=blind, progress=progress
            )

        self._opening = start(
            tr("Opening {zone}", zone=zone_id), work, done=self._on_opened, failed=self._on_not_opened
        )

    def _on_opened(self, opened: OpenZone) -> None:
        if self._gone:
            opened.close()
            return
        try:
            self.show_session(Session(opened))
        except WorkbenchError as error:
            opened.close()
            self._on_not_opened(str(error))

    def _open_chosen(self, choice: ZoneChoice) -> None:
        """Open a zone that was chosen in the queue."""
        if self._queue is not None:
            self.open_zone(
                self._queue.directory,
                choice.zone,
                self._queue.author,
                together=choice.together,
                blind=choice.blind,
            )

    def _on_segmented(self, zone_id: str) -> None:
        """Open the zone again that has regions now."""
        if self.session is not None and zone_id in ("", self.session.zone_id):
            opened = self.session.opened
            self.open_zone(
                opened.campaign.path,
                self.session.zone_id,
                opened.author,
                together=opened.tenancy.together,
                blind=opened.blind,
            )

    def _show_queue(self) -> None:
        if self.side is not None and self._queue is not None:
            self.side.pages.setCurrentWidget(self._queue)

    def _queue_of(self, campaign: Path, author: str) -> QueuePanel:
        """Return the queue of a campaign: it stays as zones come and go."""
        if self._queue is None or (self._queue.directory, self._queue.author) != (campaign, author):
            self._let_queue_go()
            self._queue = QueuePanel(campaign, author)
            self._queue.chosen.connect(self._open_chosen)
        return self._queue

    def _let_queue_go(self) -> None:
        if self._queue is not None:
            self._queue.release()
            self._queue.deleteLater()
            self._queue = None

    def _on_not_opened(self, why: str) -> None:
        self._show(WelcomePage(self._choose_campaign, said(why)))

    def _leave(self) -> None:
        """Take the zone off the screen."""
        self.close_session()
        self._layers.remove()

    def _take_window(self) -> None:
        """Lay the glass over the canvas, and hear the keys that are held, once there is a window."""
        if self.desk is None or self.desk.glass is not None:
            return
        canvas = self.window().findChild(QOpenGLWidget)
        if canvas is not None:
            self.desk.lay_glass(canvas)
            QTimer.singleShot(0, partial(reserve, canvas.height(), canvas.width()))
            held = HeldKeys(self.window(), self.preferences.keys, held_commands(self.desk))
            self._screen.callback(held.release)
            self.help = HelpOverlay(canvas, self.preferences.keys, self.desk.session.nomenclature)
            self.help.destroyed.connect(self._on_help_gone)
            self._screen.callback(self._put_help_away)
            self._show_side()

    def _gather_docks(self) -> None:
        """Lay napari's layer docks and the zone's over each other, so that each has the whole height."""
        window = self.window()
        docks = {dock.objectName(): dock for dock in window.findChildren(QDockWidget)}
        controls, layers = docks.get("layer controls"), docks.get("layer list")
        if isinstance(window, QMainWindow) and controls is not None and layers is not None:
            window.tabifyDockWidget(layers, controls)
        own = self._side.parentWidget() if self._side is not None else None
        if own is not None:
            own.raise_()

    def _on_help_gone(self) -> None:
        self.help = None  # with the canvas, when the window is closed

    def _put_help_away(self) -> None:
        if self.help is not None:
            self.help.destroyed.disconnect(self._on_help_gone)
            self.help.deleteLater()
            self.help = None

    def _show_side(self) -> None:
        """Show the pages beside the picture, over napari's layer list, which stays a click away."""
        assert self.desk is not None  # noqa: S101 - only with a zone open
        if self._queue is not None:
            self._queue.setParent(None)  # it outlives the pages of one zone
        side = SideDock(self.desk, self.tiles)
        self._screen.callback(side.release)
        page = ViewPage(self.desk, self.overlays, self.preferences.keys)
        self._screen.callback(page.release)
        opened = self.desk.session.opened
        queue = self._queue_of(opened.campaign.path, opened.author)
        queue.show_current(opened.zone.id)
        side.add_page(page, tr("View"))
        side.add_page(queue, tr("Zones"))
        if self._side is None:
            self._side = QStackedWidget()
            self._viewer.window.add_dock_widget(self._side, name=tr("Zone"), area="left", tabify=True)
            self._gather_docks()
        while (before := self._side.currentWidget()) is not None:
            self._side.removeWidget(before)
            before.deleteLater()
        self._side.addWidget(side)
        self.side = side

    def _follow_theme(self, _event: object = None) -> None:
        use_theme(self._viewer.theme)
        self.setStyleSheet(style_sheet())

    def _show(self, contents: QWidget) -> None:
        if self.contents is not None:
            self._place.removeWidget(self.contents)
            self.contents.deleteLater()
        self.contents = contents
        self._place.addWidget(contents)

    def _on_layer(self) -> None:
        if self.session is None:
            # Not while napari is still inserting the layer that names the zone.
            QTimer.singleShot(0, self._adopt)

    def _adopt(self) -> bool:
        """Open the zone that layers of the sample or the reader name, in place of those layers."""
        layers = self._viewer.layers
        told = [layer for layer in layers if {"campaign", "zone"} <= layer.metadata.keys()]
        if not told or self.session is not None:
            return False
        directory, zone_id = Path(told[0].metadata["campaign"]), str(told[0].metadata["zone"])
        for layer in told:
            layers.remove(layer)
        self.open_zone(directory, zone_id, getuser())
        return True

    def _choose_campaign(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, tr("Open a campaign"))
        if not chosen:
            return
        try:
            zones = [zone.id for zone in Campaign.open(Path(chosen)).zones()]
        except WorkbenchError as error:
            self._show(WelcomePage(self._choose_campaign, said(str(error))))
            return
        zone_id, agreed = QInputDialog.getItem(self, tr("Open a zone"), tr("Zone:"), zones, 0, editable=False)
        if agreed:
            self.open_zone(Path(chosen), zone_id, getuser())


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
        name = tr(DOCK_NAME)
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
    canvas = dock.window().findChild(QOpenGLWidget)
    if canvas is None or dock.session is None:
        return "no zone is shown"
    zoom, (down, across) = viewer.scene.camera.zoom, viewer.scene.camera.center[-2:]
    corner = canvas.mapToGlobal(QPoint(0, 0))
    x = corner.x() + canvas.width() / 2 - across * zoom
    y = corner.y() + canvas.height() / 2 - down * zoom
    pitch = zoom * dock.session.grid.resolution
    zone = dock.session.zone_id
    return f"{zone} is open: pixel (0, 0) at x {x:.2f}, y {y:.2f} of the screen, {pitch:.4f} each"
