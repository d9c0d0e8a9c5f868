"""Handing in on the screen: the page, signs where something was found, and checking beside the window."""

from __future__ import annotations

__all__ = ["HandInDesk"]

from collections.abc import Callable, Mapping
from functools import partial

from napari_plugin.desk import Desk
from napari_plugin.guide import Guide
from napari_plugin.handin import FINDING_TITLES, HandIn
from napari_plugin.handin_page import FindingRow, HandInPage
from napari_plugin.inquiries import Checked, check_labels
from napari_plugin.jobs import OneAtATime, in_kept_process
from napari_plugin.language import tr
from napari_plugin.marks import Sign, Signs
from napari_plugin.page_desk import PageDesk
from workbench.assessment.findings import JUSTIFIABLE
from workbench.geo.grid import Window
from workbench.labels.comments import one_line
from workbench.workflows.closing import Judged

_FINDING_COLOUR = "#f2c744"


class HandInDesk(PageDesk):
    """Checks a desk's zone and hands it in.

    Parameters
    ----------
    desk
        Of the zone.
    guide
        Goes to places on it.
    """

    def __init__(self, desk: Desk, guide: Guide) -> None:
        self.page = HandInPage()
        super().__init__(desk, guide, self.page)
        self.handin = HandIn(desk.session)
        self.signs = Signs(self.page.isVisible)
        self._rows: list[Judged] = []
        self._checking = OneAtATime()
        page = self.page
        page.check_wanted.connect(self._check)
        page.finding_chosen.connect(lambda place: self._go(self._rows[place]))
        page.justified.connect(lambda place, text: self.handin.justify(self._rows[place].finding, text))
        page.submitted.connect(self._submit)
        self._follow(
            (self._session.repainted, self._on_repainted),
            (self._session.reviewed, self._show_state),
            (self.handin.changed, self._show),
        )
        self._show()

    @property
    def commands(self) -> Mapping[str, Callable[[], None]]:
        """What to call for each action, by id."""
        return {"next_finding": self._go_next, "check": self._check}

    def _check(self) -> None:
        opened, failed = self._session.opened, partial(self.page.show_checking, on=False)
        work = in_kept_process(check_labels, opened.campaign.path, opened.zone.id, self.handin.blind)
        begin = partial(self._work, tr("Checking the zone"), work, self._on_checked, failed=failed)
        if self._checking.begin(begin):
            self.page.show_checking(on=True)

    def _on_checked(self, checked: Checked) -> None:
        self.page.show_checking(on=False)
        self.handin.take(checked)

    def _submit(self, reason: str) -> None:
        if self.handin.submit(reason=reason):
            self.page.reason.clear()

    def _on_repainted(self, _window: Window) -> None:
        self._show_state()

    def _go(self, judged: Judged) -> None:
        finding = judged.finding
        self._guide.go(finding.window, (finding.window, finding.mask.decode()))

    def _go_next(self) -> None:
        judged = self.handin.next_finding()
        if judged is not None:
            self.page.show_chosen(self._rows.index(judged))
            self._go(judged)

    def _show(self) -> None:
        """Show findings and state."""
        self._rows, groups = [], []
        for kind, found in self.handin.groups().items():
            rows = [self._row(one, len(self._rows) + rank) for rank, one in enumerate(found)]
            self._rows += found
            groups.append((tr(FINDING_TITLES[kind]), rows))
        self.page.show_findings(groups)
        self.signs.signs = [
            Sign(row=one.row, col=one.col, colour=_FINDING_COLOUR) for one in self.handin.open
        ]
        self._show_state()
        self._guide.refresh()

    def _show_state(self) -> None:
        handin, state = self.handin, self.handin.state
        clean = handin.fresh and not handin.open
        self.page.show_checks(handin.told(), handin.left_out, clean=clean)
        reason = one_line(state.reason or "")
        sentences = {
            "open": tr("You label this zone blind: others see it once it is handed in.")
            if handin.blind
            else "",
            "submitted": tr("Handed in by {author}. Labelling on opens it again.", author=state.by),
            "accepted": tr("Accepted by {author}, and locked.", author=state.by),
            "sent_back": tr("Sent back by {author}: {reason}", author=state.by, reason=reason),
        }
        said_so = sentences[state.state]
        if state.state == "submitted" and reason:
            said_so += " " + tr("Reason given: {reason}", reason=reason)
        self.page.show_state(
            said_so,
            open_for_work=state.state in ("open", "sent_back"),
            warns=state.state == "sent_back",
        )

    def _row(self, judged: Judged, place: int) -> FindingRow:
        finding = judged.finding
        return FindingRow(
            number=place,
            title=self.handin.title_of(finding),
            told=self.handin.told_of(finding),
            pixels=finding.pixels,
            justified=one_line(judged.by[1].text) if judged.by is not None else None,
            justifiable=finding.kind in JUSTIFIABLE and not self.handin.blind,  # nobody would read it
        )
