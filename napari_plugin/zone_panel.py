"""All panels of one zone, and the wires between them, its session and its desk."""

from __future__ import annotations

__all__ = ["ZonePanel"]


from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from napari_plugin.actions import Keymap
from napari_plugin.class_card import ClassCard
from napari_plugin.language import said, tr
from napari_plugin.palette import ClassList
from napari_plugin.panels import (
    Banner,
    CoveragePanel,
    LockPanel,
    PlacePanel,
    SavedPanel,
    ScalePanel,
    ToolPanel,
)
from napari_plugin.session import Saved, Session
from napari_plugin.wires import Wires
from workbench.geo.grid import Window
from workbench.labels.editing import Given
from workbench.labels.review import send_back

_SHARES_MILLISECONDS = 100


class ZonePanel(QWidget):
    """What the dock shows while a zone is open.

    Parameters
    ----------
    session
        The zone.
    keys
        Shown beside what they do.
    """

    def __init__(self, session: Session, keys: Keymap) -> None:
        super().__init__()
        self._session = session
        self._pixel: tuple[int, int] | None = None
        self.banner = Banner()
        self.lock = LockPanel()
        self.tools = ToolPanel(keys)
        self.classes = ClassList(session.nomenclature, keys)
        self.card = ClassCard(session.nomenclature)
        self.scale = ScalePanel(keys)
        self.saved = SavedPanel(keys)
        self.coverage = CoveragePanel()
        self.place = PlacePanel(session.grid.crs)
        # Figures need not keep pace with the hand; what it paints must.
        self._shares = QTimer(self, singleShot=True, interval=_SHARES_MILLISECONDS)
        self._shares.timeout.connect(self._show_shares)
        self._lay_out()
        self._connect_panels()
        self._wires = self._wired()
        self._show_all()

    def release(self) -> None:
        """Stop following the session."""
        self._shares.stop()
        self._wires.cut()

    def show_place(self, pixel: tuple[int, int] | None) -> None:
        """Show what lies at a pixel (row, col); None where the pointer is elsewhere."""
        self._pixel = pixel
        if pixel is None:
            self.place.clear()
            return
        place = self._session.place_at(*pixel)
        colour = self._session.nomenclature.by_code(place.code).colour if place.code else None
        title = self._session.title_of(place.code)
        self.place.show_place(title, colour, x=place.x, y=place.y, row=place.row, col=place.col)

    def _lay_out(self) -> None:
        title, author = QLabel(self._session.zone_id), QLabel(self._session.subtitle)
        title.setObjectName("title")
        author.setObjectName("dim")
        for label in (title, author):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        head = QVBoxLayout()
        head.setSpacing(1)
        head.addWidget(title)
        head.addWidget(author)
        column.addLayout(head)
        column.addWidget(self.tools)
        column.addWidget(self.classes, 100)
        # Over the card, from below, where nothing is clicked: what comes unasked must not move the classes.
        news = QVBoxLayout()
        news.addStretch()
        news.addWidget(self.banner)
        news.addWidget(self.lock)
        below = QGridLayout()
        below.addWidget(self.card, 0, 0)
        below.addLayout(news, 0, 0)
        column.addLayout(below)
        for panel in (self.scale, self.saved, self.coverage, self.place):
            column.addWidget(panel)
        column.addStretch(1)
        for panel in (self.banner, self.lock):
            panel.raise_()

    def follow_theme(self) -> None:
        """Say again, in the colours in use, what has its colours in the text."""
        self._on_pointed(None)
        self._show_saved(self._session.last_saved)
        self.show_place(self._pixel)

    def _connect_panels(self) -> None:
        session = self._session
        self.classes.chosen.connect(session.give)
        self.classes.pointed.connect(self._on_pointed)
        self.scale.level_chosen.connect(session.set_level)
        self.scale.stepped.connect(session.step_scale)
        self.saved.undo_wanted.connect(session.undo)
        self.saved.redo_wanted.connect(session.redo)
        self.lock.sent_back.connect(lambda reason: session.write(lambda: send_back(session.store, reason)))

    def _wired(self) -> Wires:
        session = self._session
        return Wires(
            (session.class_chosen, self._on_class),
            (session.rescaled, self._on_rescaled),
            (session.repainted, self._on_repainted),
            (session.reviewed, self._show_steps),
            (session.saved, self._on_saved),
            (session.refused, self._on_refused),
            (session.noticed, self.place.notice),
        )

    def _show_all(self) -> None:
        session = self._session
        self._on_class(session.given)
        if session.hierarchy is None:
            self.scale.disable()
            self.banner.advise(said(session.opened.advice), tr("Make the regions of this zone"))
        else:
            self._on_rescaled(session.level)
        if session.remark:
            self.banner.warn(session.remark)
        self._show_saved(session.last_saved)
        self._on_repainted(session.grid.whole)
        self._show_shares()

    def _on_class(self, given: Given) -> None:
        self.classes.show_chosen(given)
        self._on_pointed(None)

    def _on_pointed(self, key: str | None) -> None:
        """Show the class under the pointer in the list, else the one in hand."""
        code = self._session.code
        in_hand = self._session.nomenclature.by_code(code).key if code else None
        self.card.show_class(key or in_hand)

    def _on_rescaled(self, level: int) -> None:
        scales = self._session.scales
        self.scale.show_level(
            level, scales.regions, scales.regions_per_km2, scales.scale, finest=scales.finest
        )

    def _on_repainted(self, _window: Window) -> None:
        self.show_place(self._pixel)
        self._show_steps()
        if not self._shares.isActive():
            self._shares.start()

    def _show_shares(self) -> None:
        store = self._session.store
        self.coverage.show_share(store.coverage())
        self.classes.show_shares(store.counts(), store.unresolved())

    def _show_steps(self) -> None:
        store = self._session.store
        self.saved.show_possible(undo=store.undo_steps > 0, redo=store.redo_steps > 0)
        self.lock.show_lock(self._session.locked_by)

    def _on_refused(self, sentence: str) -> None:
        if sentence == self._session.barred:
            self.banner.ask(sentence, tr("Label all the same"))
        else:
            self.banner.warn(sentence)

    def _on_saved(self, saved: Saved) -> None:
        self.banner.settle()
        self._show_steps()
        self._show_saved(saved)

    def _show_saved(self, saved: Saved | None) -> None:
        journal = self._session.opened.journal
        number, at = (saved.number, saved.at) if saved is not None else (None, None)
        self.saved.show_saved(number, at, path=str(journal))
