"""The dock "Land-cover labelling": makes all that shows a zone, and puts it away when another one comes."""

from __future__ import annotations

__all__ = ["LabellingDock"]

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from functools import partial
from getpass import getuser
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QTimer
from qtpy.QtGui import QShortcut
from qtpy.QtOpenGLWidgets import QOpenGLWidget
from qtpy.QtWidgets import QFileDialog, QGridLayout, QInputDialog, QWidget

import napari_plugin.ending  # noqa: F401 - a program ends in order
from napari_plugin.appraisal import Appraisal
from napari_plugin.beside import Beside, name_dock
from napari_plugin.bindings import HeldKeys, install_shortcuts, main_window
from napari_plugin.campaign_page import CampaignPage
from napari_plugin.class_examples import ClassExamples, Pictures
from napari_plugin.commands import commands, held_commands
from napari_plugin.desk import Desk
from napari_plugin.desk_rasters import DeskRaster
from napari_plugin.help import HelpOverlay
from napari_plugin.jobs import Job, OneAtATime, Report, start
from napari_plugin.language import language, said, title, tr
from napari_plugin.opening import OpenZone
from napari_plugin.others import Others
from napari_plugin.overlay_list import OverlayList
from napari_plugin.panels import WelcomePage
from napari_plugin.pauses import free_soon, shorten_pauses
from napari_plugin.pictures import reserve
from napari_plugin.preferences import Preferences, use_language
from napari_plugin.processes import dismiss
from napari_plugin.queue import ZoneChoice
from napari_plugin.session import Session
from napari_plugin.settings_dialog import SettingsDialog
from napari_plugin.strangers import put_in_place
from napari_plugin.theme import style_sheet, use_theme
from napari_plugin.tiles import Tiles
from napari_plugin.view_page import ViewPage
from napari_plugin.views import Views
from napari_plugin.work import Snapshots, Work
from napari_plugin.zone_layers import ZoneLayers
from napari_plugin.zone_panel import ZonePanel
from workbench.campaign import Campaign
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    import napari.viewer

_OTHERS_MILLISECONDS = 3000
"""Time between two looks at what other authors did."""
_OPENING_MILLISECONDS = 10_000
"""Opening that takes longer gets a bar; until then the dock tells of it by itself."""


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
        shorten_pauses()
        self._viewer: Any = viewer
        self.session: Session | None = None
        self.desk: Desk | None = None
        self.preferences = Preferences()
        use_language(self.preferences.language)
        self._layers = ZoneLayers(viewer)
        self._author = ""
        """Who labelled in this window last: it is theirs until somebody says another name."""
        self._opening = OneAtATime()
        self._gone = False
        self._jobs: list[Job] = []
        self.beside = Beside(viewer)
        self.beside.chosen.connect(self._open_chosen)
        self.work = Work(self, lambda: self.session.opened if self.session is not None else None)
        self.work.segmented.connect(self._on_segmented)
        QTimer.singleShot(0, self.work.rehearse)
        self._examples = ClassExamples()
        self._others: Others | None = None
        self.help: HelpOverlay | None = None
        self.setMinimumWidth(310)
        # Not a column: napari would add an empty stretch to it.
        self._place = QGridLayout(self)
        self._place.setContentsMargins(10, 8, 10, 8)
        self.contents: QWidget | None = None
        """The panels of the zone, or the page that offers to open one."""
        self._follow_theme()
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
        free_soon()

    def _build(self, session: Session) -> None:
        """Make all that shows a session."""
        keys, later = self.preferences.keys, self._screen.callback
        self._author = session.author
        panel = ZonePanel(session, keys)
        later(panel.release)
        views = Views(session, self._read_beside)
        desk = Desk(self._viewer, session, self._layers, views, on_place=panel.show_place)
        later(desk.close)
        desk.outlines.patterned = self.preferences.outlines
        panel.tools.chosen.connect(desk.tools.take)
        desk.tools.changed.connect(panel.tools.show_tool)
        panel.tools.show_tool(desk.tools.current)
        panel.banner.followed.connect(self.work.segment)
        self._watch_others(session, panel)
        self.tiles = Tiles(session)
        self.overlays = OverlayList(desk, self._choose_layers)
        self.appraisal = Appraisal(desk, keys)
        later(self.appraisal.release)
        self.session, self.desk = session, desk
        self.commands = {
            **commands(desk, self.tiles, self),
            **self.appraisal.commands,
            **self.work.commands,
            "identify": self.overlays.identify,
            "help": self._toggle_help,
            "keys": self._choose_settings,
            "zones": self.beside.show_queue,
        }
        self._show(panel)
        self._put_in_place(self._viewer.layers)
        if self.work.rehearsing:
            session.noticed.emit(
                tr("This machine compiles the desk once, for minutes; a first click may wait for it.")
            )
        hidden = session.zone_id if session.opened.blind else ""
        self._examples.find(
            session.opened.campaign, partial(self._show_examples, session, panel), hidden=hidden
        )
        later(Snapshots(session).release)
        self.work.expect_questions()
        self._take_window()

    def _watch_others(self, session: Session, panel: ZonePanel) -> None:
        """Look at what others do in the zone, every few seconds."""
        clock = QTimer(panel, interval=_OTHERS_MILLISECONDS)
        # Held here: a connection to a method keeps nothing alive but widgets, and goes without a word.
        self._others = Others(session)
        panel.banner.agreed.connect(self._others.stay)
        clock.timeout.connect(self._others.look)
        clock.start()
        self._screen.callback(clock.stop)

    def _show_examples(self, session: Session, panel: ZonePanel, found: Pictures) -> None:
        if self.session is session and self.contents is panel:
            panel.card.take_examples(found)

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
        nomenclature = self.session.nomenclature if self.session is not None else None
        if SettingsDialog(self, self.preferences, nomenclature).exec():
            self.take_preferences()

    def take_preferences(self) -> None:
        """Show everything as the preferences say now."""
        before = language()
        use_language(self.preferences.language)
        name_dock(self, tr("Land-cover labelling"))
        if self.session is not None:
            session = self.session
            self._screen.close()
            if language() != before:
                self.beside.forget_queue()
            self._build(session)

    def open_zone(
        self, directory: Path, zone_id: str, author: str, *, together: bool = False, blind: bool = False
    ) -> None:
        """Open a zone of a campaign, while the window goes on; what is in the way is shown in the dock.

        Parameters are those of `opening.open_zone`.
        """
        if self._opening.busy:
            return
        self._author = author
        self.close_session()
        self._show(WelcomePage(self._choose_campaign, opening=zone_id))

        def work(report: Report) -> Session:
            progress = partial(report, 0.3)
            return Session.open(
                directory, zone_id=zone_id, author=author, together=together, blind=blind, progress=progress
            )

        begin = partial(start, tr("Opening {zone}", zone=zone_id), work, patience=_OPENING_MILLISECONDS)
        self._opening.begin(partial(begin, done=self._on_opened, failed=self._on_not_opened))

    def _on_opened(self, session: Session) -> None:
        if self._gone:
            session.close()
        else:
            self.show_session(session)

    def _open_chosen(self, campaign: Path, author: str, choice: ZoneChoice) -> None:
        """Open a zone that was chosen in the queue."""
        self.open_zone(campaign, choice.zone, author, together=choice.together, blind=choice.blind)

    def _on_segmented(self, zone_id: str) -> None:
        """Open the zone again that has regions now."""
        if self.session is not None and zone_id in ("", self.session.zone_id):
            self._open_again(self.session.opened)

    def _open_again(self, opened: OpenZone) -> None:
        """Open a zone once more, as it was opened before: blind, for one."""
        self.open_zone(
            opened.campaign.path,
            opened.zone.id,
            opened.author,
            together=opened.tenancy.together,
            blind=opened.blind,
        )

    def _on_not_opened(self, why: str) -> None:
        self._show(WelcomePage(self._choose_campaign, said(why)))

    def _leave(self) -> None:
        """Take the zone off the screen."""
        self.close_session()
        dismiss()
        self._layers.remove()
        self.beside.leave()

    def _take_window(self) -> None:
        """Lay the glass over the canvas, and hear the keys that are held, once there is a window."""
        name_dock(self, tr("Land-cover labelling"))
        if self.desk is None or self.desk.glass is not None:
            return
        window = main_window(self)
        canvas = window.findChild(QOpenGLWidget)
        if canvas is not None:
            self.desk.lay_glass(canvas)
            # The main window's, not the dock's: they work where the dock floats or is hidden, too.
            shortcuts = install_shortcuts(window, self.preferences.keys, self.commands)
            self._screen.callback(partial(_take_back, shortcuts))
            QTimer.singleShot(0, partial(reserve, canvas.height(), canvas.width()))
            held = HeldKeys(window, self.preferences.keys, held_commands(self.desk))
            self._screen.callback(held.release)
            self.help = HelpOverlay(
                canvas,
                self.preferences.keys,
                self.desk.session.nomenclature,
                [title(recipe.titles) for recipe in self.desk.views.recipes],
            )
            self.help.destroyed.connect(self._on_help_gone)
            self._screen.callback(self._put_help_away)
            self.appraisal.lay()
            self._show_side(self.desk)

    def _on_help_gone(self) -> None:
        self.help = None  # with the canvas, when the window is closed

    def _put_help_away(self) -> None:
        if self.help is not None:
            self.help.destroyed.disconnect(self._on_help_gone)
            self.help.deleteLater()
            self.help = None

    def _show_side(self, desk: Desk) -> None:
        """Show the pages beside the picture, over napari's layer list, which stays a click away."""
        page = ViewPage(desk, self.overlays, self.preferences.keys)
        self._screen.callback(page.release)
        side = self.beside.show(desk, self.tiles, [(page, tr("View")), *self.appraisal.pages()])
        self._screen.callback(side.release)

    def _follow_theme(self, _event: object = None) -> None:
        use_theme(self._viewer.theme)
        self.setStyleSheet(style_sheet())
        self.beside.follow_theme()
        if isinstance(self.contents, ZonePanel):
            self.contents.follow_theme()

    def _show(self, contents: QWidget) -> None:
        if self.contents is not None:
            self._place.removeWidget(self.contents)
            self.contents.deleteLater()
        self.contents = contents
        self._place.addWidget(contents)

    def _on_layer(self, event: Any) -> None:
        # Not while napari is still inserting the layer that names the zone.
        QTimer.singleShot(0, self._adopt)
        self._put_in_place([event.value])

    def _put_in_place(self, layers: Iterable[Any]) -> None:
        """Lay what others opened where it lies on the ground."""
        if self.session is not None:
            # One that names a campaign is taken out at once, and its zone is opened.
            ours = self._layers.all
            strangers = [one for one in layers if one not in ours and "campaign" not in one.metadata]
            for told in put_in_place(strangers, self.session.grid):
                self.session.noticed.emit(told)

    def _adopt(self) -> bool:
        """Open the zone that layers of the sample or the reader name, in place of them and of the one before.

        Both would lie at the origin of the world: one would label a zone that is hidden by another one.
        """
        layers = self._viewer.layers
        told = [layer for layer in layers if {"campaign", "zone"} <= layer.metadata.keys()]
        if not told or self._gone:  # a dock that was taken out leaves them to the next one
            return False
        directory, zone_id = Path(told[0].metadata["campaign"]), str(told[0].metadata["zone"])
        for layer in told:
            layers.remove(layer)
        opened = self.session.opened if self.session is not None else None
        if opened is not None and _is_same(opened, directory, zone_id):
            self._open_again(opened)
        else:
            self.open_zone(directory, zone_id, self._author or getuser())
        return True

    def _choose_campaign(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, tr("Open a campaign"))
        if not chosen:
            return
        try:
            zones = [zone.id for zone in Campaign.open(Path(chosen)).zones()]
        except WorkbenchError as error:
            self.close_session()
            self._show(WelcomePage(self._choose_campaign, said(str(error))))
            return
        if not zones:
            self._show_proposals(Path(chosen))
            return
        zone_id, agreed = QInputDialog.getItem(self, tr("Open a zone"), tr("Zone:"), zones, 0, editable=False)
        if agreed:
            self.open_zone(Path(chosen), zone_id, self._author or getuser())

    def _show_proposals(self, directory: Path) -> None:
        """Show a campaign without any zone: one may be made of what is proposed."""
        self.close_session()
        author = self._author or getuser()
        page = CampaignPage(directory, author, self._choose_campaign)
        page.queue.chosen.connect(partial(self._open_chosen, directory, author))
        self._screen.callback(page.release)
        self._show(page)


def _is_same(opened: OpenZone, directory: Path, zone_id: str) -> bool:
    return opened.zone.id == zone_id and opened.campaign.path.resolve() == directory.resolve()


def _take_back(shortcuts: list[QShortcut]) -> None:
    """Have shortcuts do nothing from now on: others may have their keys before they are gone."""
    for shortcut in shortcuts:
        shortcut.setEnabled(False)
        shortcut.deleteLater()
