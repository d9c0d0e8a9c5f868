"""Pre-labels on the screen: the page, the veil over the picture, and the work beside the window."""

from __future__ import annotations

__all__ = ["PrelabelDesk"]

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from qtpy.QtCore import QTimer

from napari_plugin.actions import Keymap
from napari_plugin.desk import Desk
from napari_plugin.guide import Guide
from napari_plugin.inquiries import Fates, count_fates
from napari_plugin.jobs import OneAtATime, in_kept_process, start
from napari_plugin.language import said, tr
from napari_plugin.page_desk import PageDesk
from napari_plugin.prelabel_page import FateRow, GroupRow, PrelabelPage
from napari_plugin.prelabels import Prelabelling, replayed
from napari_plugin.veils import PrelabelVeil, VeilKind
from workbench.geo.grid import Window
from workbench.labels.proposed import Proposed
from workbench.workflows.predictions import Prediction, prediction_path, read_prediction

_SETTLED_MILLISECONDS = 1200
"""After a zone is opened: reading what models wrote keeps a processor busy for some seconds."""


class PrelabelDesk(PageDesk):
    """Shows the pre-labels of a desk's zone, and accepts them.

    Parameters
    ----------
    desk
        Of the zone.
    guide
        Goes to places on it.
    keys
        Shown beside what they do.
    """

    def __init__(self, desk: Desk, guide: Guide, keys: Keymap) -> None:
        self.page = PrelabelPage(keys)
        super().__init__(desk, guide, self.page)
        self.prelabels = Prelabelling(desk.session)
        self.veil = PrelabelVeil(desk.session, self.prelabels)
        self._reading = OneAtATime()
        self._fates: Fates | None = None
        self._counter = QTimer(self.page, interval=0)
        self._counter.timeout.connect(self._count)
        self._connect_page()
        self._follow(
            (self._session.repainted, self._on_repainted),
            (self._session.reviewed, self._read),
            (self.prelabels.changed, self._refresh),
        )
        self._refresh()
        self.page.show_veil(self.veil.kind)
        QTimer.singleShot(_SETTLED_MILLISECONDS, self._read)

    @property
    def commands(self) -> Mapping[str, Callable[[], None]]:
        """What to call for each action, by id."""
        return {"accept_prelabel": self.prelabels.accept_here, "next_uncertain": self._go_next}

    def release(self) -> None:
        """Stop following the session."""
        self._counter.stop()
        super().release()

    def _connect_page(self) -> None:
        page = self.page
        page.veil_chosen.connect(self._show_veil)
        page.opacity_chosen.connect(self._on_opacity)
        page.waiting_toggled.connect(self._on_waiting)
        page.group_toggled.connect(self.prelabels.toggle)
        page.above_chosen.connect(self._on_above)
        page.over_toggled.connect(lambda on: self.prelabels.choose(replace(self.prelabels.choice, over=on)))
        page.preview_toggled.connect(self._preview)
        page.accept_wanted.connect(self._accept)
        page.next_wanted.connect(self._go_next)
        page.fates_wanted.connect(self._count_fates)

    # What models wrote

    def _read(self) -> None:
        """Have what models wrote replayed, if there is anything new."""
        if self._gone or self._reading.busy:
            return
        journals = self.prelabels.unread()
        if journals is not None:
            begin = partial(self._work, tr("Reading pre-labels"), lambda report: replayed(journals))
            self._reading.begin(partial(begin, self._on_read))
        self._refresh()

    def _on_read(self, proposed: Proposed) -> None:
        self.prelabels.take(proposed)
        self._counter.start()
        QTimer.singleShot(0, self._read)  # they may have written more meanwhile

    def _on_repainted(self, window: Window) -> None:
        self.prelabels.follow(window)
        self._counter.start()

    def _count(self) -> None:
        if not self.prelabels.count():
            self._counter.stop()

    # What is seen

    def _refresh(self) -> None:
        """Show what is chosen as it is now: after each stroke, so only where somebody sees it."""
        if self._gone:
            return
        if self.veil.previewing or self.veil.kind != "nothing":
            self._guide.refresh()
        if self.page.isVisible():
            self._show_figures()

    def _show_figures(self) -> None:
        prelabels, session = self.prelabels, self._session
        self.page.show_notice(self._notice())
        tally, pixel = prelabels.tally(), session.grid.resolution**2
        groups = prelabels.choice.groups
        rows = [
            GroupRow(
                group=group,
                title=prelabels.title_of(group),
                colour=prelabels.colour_of(group),
                chosen=groups is None or group in groups,
                regions=tally[group].regions if group in tally else 0,
                area=tally[group].pixels * pixel if group in tally else 0.0,
            )
            for group in prelabels.groups
        ]
        self.page.show_groups(rows, models=len({row.group.model for row in rows}) > 1)
        regions = sum(one.regions for one in tally.values()) if prelabels.counted else 0
        self.page.show_choice(prelabels.told(), regions, over=prelabels.choice.over)
        self.page.show_above(prelabels.choice.above)
        self._show_fates()

    def _notice(self) -> str:
        if self._session.opened.blind:
            return tr("You label this zone blind, without pre-labels.")
        if not self.prelabels.present:
            return tr("No model proposes anything in this zone.")
        if not self.prelabels.ready:
            return tr("The pre-labels are being read…")
        return self._session.lent

    def _show_veil(self, kind: VeilKind) -> None:
        if kind == "entropy" and self.veil.prediction is None:
            self._read_prediction()
            return
        self.veil.kind = kind
        self._preview(on=False)
        self.page.show_veil(kind)

    def _read_prediction(self) -> None:
        opened, session = self._session.opened, self._session
        path = prediction_path(opened.campaign, opened.zone)
        self.page.show_veil(self.veil.kind)
        if not path.exists():
            session.noticed.emit(tr("No model has predicted this zone pixel by pixel: there is no entropy."))
            return
        self._work(
            tr("Reading the prediction"),
            lambda report: read_prediction(path, session.grid),
            self._on_prediction,
        )

    def _on_prediction(self, prediction: Prediction) -> None:
        self.veil.prediction = prediction
        self._show_veil("entropy")

    def _on_opacity(self, opacity: float) -> None:
        self.veil.opacity = opacity
        self._guide.refresh()

    def _on_waiting(self, only: bool) -> None:
        self.veil.waiting_only = only
        self._guide.refresh()

    def _on_above(self, above: float | None) -> None:
        self._preview(on=True)
        self.prelabels.choose(replace(self.prelabels.choice, above=above))

    def _on_sight(self, seen: bool) -> None:
        if seen:
            self._show_figures()
        else:
            self._preview(on=False)

    def _preview(self, on: bool) -> None:
        self.veil.previewing = on
        self.page.show_previewing(on=on)
        self._guide.refresh()

    def _go_next(self) -> None:
        region = self.prelabels.next_uncertain()
        if region is not None:
            self._guide.go(region[0], region)

    # What is done

    def _accept(self) -> None:
        work = self.prelabels.begin_accepting()
        if work is None:
            return

        self._refresh()
        # Not as other work: the store is lent, and has to come back though the page is gone.
        start(tr("Accepting pre-labels"), work, done=self._on_accepted, failed=self._on_refused)

    def _on_accepted(self, window: Window) -> None:
        if not self._gone:
            self._preview(on=False)
        self.prelabels.end_accepting(window)
        self._read()

    def _on_refused(self, why: str) -> None:
        self.prelabels.end_accepting(None)
        self._refresh()
        if why:
            self._session.refused.emit(said(why))

    def _count_fates(self) -> None:
        opened = self._session.opened
        self.page.count.setEnabled(False)
        self._work(
            tr("Counting what became of pre-labels"),
            in_kept_process(count_fates, opened.campaign.path, opened.zone.id),
            self._on_fates,
            failed=partial(self.page.count.setEnabled, True),
        )

    def _on_fates(self, fates: Fates) -> None:
        self._fates = fates
        self.page.count.setEnabled(True)
        self._show_fates()

    def _show_fates(self) -> None:
        if self._fates is None:
            return
        waiting, rows = self.prelabels.waiting(), []
        for group in self.prelabels.groups:
            pixels = dict(self._fates.get(group, {}))
            if group in waiting:
                pixels["waiting"] = waiting[group].pixels
            rows.append(
                FateRow(
                    title=self.prelabels.title_of(group),
                    colour=self.prelabels.colour_of(group),
                    pixels=pixels,
                )
            )
        self.page.show_fates(rows)
