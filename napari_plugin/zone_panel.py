"""All panels of one zone, and the wires between them, its session and its desk."""

from __future__ import annotations

__all__ = ["ZonePanel"]

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from napari_plugin.bindings import install_shortcuts
from napari_plugin.desk import Desk
from napari_plugin.palette import ClassList
from napari_plugin.panels import Banner, CoveragePanel, LockPanel, PlacePanel, SavedPanel, ScalePanel
from napari_plugin.session import UNLABELLED, Saved, Session
from workbench.geo.grid import Window


class ZonePanel(QWidget):
    """What the dock shows while a zone is open."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._pixel: tuple[int, int] | None = None
        self.banner = Banner()
        self.lock = LockPanel()
        self.classes = ClassList(session.nomenclature)
        self.scale = ScalePanel()
        self.saved = SavedPanel()
        self.coverage = CoveragePanel()
        self.place = PlacePanel(session.grid.crs)
        self._lay_out()
        self._connect_panels()
        self._follow()
        self._show_all()

    def bind(self, desk: Desk) -> None:
        """Give the keys of the desk to this panel; they go with it."""
        session, classes = self._session, self._session.nomenclature.classes

        def take(position: int) -> None:
            if position < len(classes):
                session.set_class(classes[position].code)

        handlers: dict[str, Callable[..., None]] = {
            "class": take,
            "erase": lambda: session.set_class(UNLABELLED),
            "finer": lambda: session.step_scale(-1),
            "coarser": lambda: session.step_scale(1),
            "refine": session.refine,
            "undo": session.undo,
            "redo": session.redo,
            "infrared": lambda: desk.toggle(desk.infrared),
            "labels": lambda: desk.toggle(desk.classes),
            "contours": lambda: desk.toggle(desk.contours),
            "whole_zone": desk.fit,
        }
        install_shortcuts(self, handlers)

    def release(self) -> None:
        """Stop following the session."""
        for signal, slot in self._slots():
            signal.disconnect(slot)

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
        column.setSpacing(9)
        head = QVBoxLayout()
        head.setSpacing(1)
        head.addWidget(title)
        head.addWidget(author)
        column.addLayout(head)
        column.addWidget(self.banner)
        column.addWidget(self.lock)
        column.addWidget(self.classes, 100)
        for panel in (self.scale, self.saved, self.coverage, self.place):
            column.addWidget(panel)
        column.addStretch(1)

    def _connect_panels(self) -> None:
        session = self._session
        self.classes.chosen.connect(session.set_class)
        self.scale.level_chosen.connect(session.set_level)
        self.scale.stepped.connect(session.step_scale)
        self.saved.undo_wanted.connect(session.undo)
        self.saved.redo_wanted.connect(session.redo)
        self.lock.sent_back.connect(session.send_back)

    def _slots(self) -> tuple[tuple[Any, Callable[..., None]], ...]:
        session = self._session
        return (
            (session.class_chosen, self.classes.show_chosen),
            (session.rescaled, self._on_rescaled),
            (session.repainted, self._on_repainted),
            (session.reviewed, self._show_steps),
            (session.saved, self._on_saved),
            (session.refused, self.banner.warn),
            (session.noticed, self.place.notice),
        )

    def _follow(self) -> None:
        for signal, slot in self._slots():
            signal.connect(slot)

    def _show_all(self) -> None:
        session = self._session
        self.classes.show_chosen(session.code)
        if session.hierarchy is None:
            self.scale.disable()
            self.banner.advise(session.advice)
        else:
            self._on_rescaled(session.level)
        if session.remark:
            self.banner.warn(session.remark)
        self._show_saved(session.last_saved)
        self._on_repainted(session.grid.whole)

    def _on_rescaled(self, level: int) -> None:
        session = self._session
        self.scale.show_level(
            level, session.regions, session.regions_per_km2, session.scale, finest=session.finest
        )

    def _on_repainted(self, _window: Window) -> None:
        store = self._session.store
        self.coverage.show_share(store.coverage())
        self.classes.show_shares(store.counts())
        self.show_place(self._pixel)
        self._show_steps()

    def _show_steps(self) -> None:
        store = self._session.store
        self.saved.show_possible(undo=store.undo_steps > 0, redo=store.redo_steps > 0)
        self.lock.show_lock(self._session.locked_by)

    def _on_saved(self, saved: Saved) -> None:
        self.banner.settle()
        self._show_steps()
        self._show_saved(saved)

    def _show_saved(self, saved: Saved | None) -> None:
        journal = self._session.journal
        number, time = (saved.number, f"{saved.at:%H:%M:%S}") if saved is not None else (None, "")
        self.saved.show_saved(number, time, journal=journal.name, path=str(journal))
