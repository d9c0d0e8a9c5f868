"""Handing in on the screen: the page, signs where something was found, and checking beside the window."""

from __future__ import annotations

__all__ = ["HandInDesk"]

from collections.abc import Callable, Mapping
from typing import Any

from napari_plugin.desk import Desk
from napari_plugin.guide import Guide, Visibility
from napari_plugin.handin import FINDING_TITLES, HandIn
from napari_plugin.handin_page import FindingRow, HandInPage
from napari_plugin.inquiries import Checked, check_labels
from napari_plugin.jobs import in_process, start
from napari_plugin.language import said, tr
from napari_plugin.marks import Sign, Signs
from workbench.assessment.findings import JUSTIFIABLE
from workbench.geo.grid import Window
from workbench.labels.comments import one_line
from workbench.workflows.closing import Judged

_FINDING_COLOUR = "#f2c744"


class HandInDesk:
    """Checks a desk's zone and hands it in.

    Parameters
    ----------
    desk
        Of the zone.
    guide
        Goes to places on it.
    """

    def __init__(self, desk: Desk, guide: Guide) -> None:
        self._session, self._guide = desk.session, guide
        self.handin = HandIn(desk.session)
        self.page = HandInPage()
        self.signs = Signs(self.page.isVisible)
        self._rows: list[Judged] = []
        self._checking = self._released = False
        self._sight = Visibility(self.page)
        self._sight.changed.connect(lambda _: guide.refresh())
        page = self.page
        page.check_wanted.connect(self._check)
        page.finding_chosen.connect(lambda place: self._go(self._rows[place]))
        page.justified.connect(lambda place, text: self.handin.justify(self._rows[place].finding, text))
        page.submitted.connect(lambda reason: self.handin.submit(reason=reason))
        for signal, slot in self._slots():
            signal.connect(slot)
        self.page.destroyed.connect(self._on_page_gone)
        self._show()

    @property
    def commands(self) -> Mapping[str, Callable[[], None]]:
        """What to call for each action, by id."""
        return {"next_finding": self._go_next, "check": self._check}

    def _on_page_gone(self) -> None:
        self._released = True  # with its window, whatever is still read or counted for it

    def release(self) -> None:
        """Stop following the session."""
        self._released = True
        for signal, slot in self._slots():
            signal.disconnect(slot)

    def _slots(self) -> tuple[tuple[Any, Callable[..., None]], ...]:
        return (
            (self._session.repainted, self._on_repainted),
            (self._session.reviewed, self._show_state),
            (self.handin.changed, self._show),
        )

    def _check(self) -> None:
        if self._checking:
            return
        opened = self._session.opened
        self._checking = True
        self.page.show_checking(on=True)
        start(
            tr("Checking the zone"),
            in_process(check_labels, opened.campaign.path, opened.zone.id, self.handin.blind),
            done=self._on_checked,
            failed=self._on_failed,
        )

    def _on_checked(self, checked: Checked) -> None:
        self._checking = False
        if not self._released:
            self.page.show_checking(on=False)
            self.handin.take(checked)

    def _on_failed(self, why: str) -> None:
        self._checking = False
        if not self._released:
            self.page.show_checking(on=False)
            if why:
                self._session.refused.emit(said(why))

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
            title=self.handin.title_of(finding.code),
            told=said(finding.told),
            pixels=finding.pixels,
            justified=one_line(judged.by[1].text) if judged.by is not None else None,
            justifiable=finding.kind in JUSTIFIABLE,
        )
