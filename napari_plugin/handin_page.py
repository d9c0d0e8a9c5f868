"""The page on handing in: what the checks found by kind, what justifies it, and submitting the zone."""

from __future__ import annotations

__all__ = ["FindingRow", "HandInPage"]

from collections.abc import Sequence
from dataclasses import dataclass

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QBrush
from qtpy.QtWidgets import QHBoxLayout, QLabel, QTreeWidgetItem

from napari_plugin.language import number, tr
from napari_plugin.panels import Banner
from napari_plugin.pieces import Page, button, field, heading, note, tip, tree
from napari_plugin.theme import ink

_ROW = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """A finding, as the page shows it."""

    number: int
    """Its place among all findings: what the page says of it."""
    title: str
    """Of its class."""
    told: str
    """What was measured."""
    pixels: int
    justified: str | None
    """Why it is right as it is; None where it is open."""
    justifiable: bool


class HandInPage(Page):
    """Shows findings; says which one is looked at, justified, and that the zone is handed in."""

    check_wanted = Signal()
    finding_chosen = Signal(int)
    """Number of the finding to go to."""
    justified = Signal(int, str)
    """Number of a finding, and why it is right as it is."""
    submitted = Signal(str)
    """The reason, empty where there is none to give."""

    def __init__(self) -> None:
        super().__init__()
        self.state = Banner()
        self.told = note()
        self.check = button(tr("Check"), tr("Looks the labels over: gaps, slivers, odd surfaces, borders"))
        self.findings = tree(("", ""), nested=True)
        self.left_out = note()
        self.why = field(tr("Why it is right as it is"))
        self.justify = button(tr("Justify"), tr("Others read why the chosen finding is right as it is"))
        self.reason = field(tr("Reason to hand it in all the same"))
        self.submit = button(tr("Hand in"), tr("Gives the zone to whoever reviews it"))
        self._open, self._clean = True, False
        self._lay_out()
        self._connect()
        self._enable()

    def show_state(self, sentence: str, *, open_for_work: bool, warns: bool) -> None:
        """Show where the zone stands.

        Parameters
        ----------
        sentence
            Empty where it is simply open.
        open_for_work
            Whether it can be handed in.
        warns
            Whether somebody asks for something: it was sent back.
        """
        self.state.hide()
        if sentence:
            (self.state.warn if warns else self.state.advise)(sentence)
        self._open = open_for_work
        self._enable()

    def show_checks(self, told: str, left_out: Sequence[str], *, clean: bool) -> None:
        """Show how the checks went; ``clean`` says that nothing is left to fix, justify or check."""
        self.told.setText(told)
        self.left_out.setText("\n".join(left_out))
        self.left_out.setVisible(bool(left_out))
        self._clean = clean
        self._enable()

    def show_checking(self, *, on: bool) -> None:
        """Show that the checks run."""
        self.check.setEnabled(not on)
        self.check.setText(tr("Checking…") if on else tr("Check"))

    def show_findings(self, groups: Sequence[tuple[str, Sequence[FindingRow]]]) -> None:
        """Show what was found, by the title of its kind."""
        chosen = self.chosen
        self.findings.clear()
        dim = QBrush(ink().dim)
        for title, rows in groups:
            left = sum(row.justified is None for row in rows)
            top = QTreeWidgetItem(self.findings, [title, f"{left} / {len(rows)}" if left else "✓"])
            top.setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
            for row in rows:
                item = QTreeWidgetItem(top, [row.title, f"{number(row.pixels)} px"])
                item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
                item.setData(0, _ROW, row)
                told = row.told if row.justified is None else f"{row.told}\n✓ {row.justified}"
                for column in (0, 1):
                    item.setToolTip(column, tip(told))
                    if row.justified is not None:
                        item.setForeground(column, dim)
                if row.justified is not None:
                    item.setText(0, f"✓ {row.title}")
                if row.number == chosen:
                    self.findings.setCurrentItem(item)
            top.setExpanded(left > 0)
        self._enable()

    def show_chosen(self, finding: int) -> None:
        """Mark a finding by its number."""
        for place in range(self.findings.topLevelItemCount()):
            top = self.findings.topLevelItem(place)
            for child in (top.child(rank) for rank in range(top.childCount())):
                if child.data(0, _ROW).number == finding:
                    top.setExpanded(True)
                    self.findings.setCurrentItem(child)
                    self.findings.scrollToItem(child)
        self._enable()

    @property
    def chosen(self) -> int | None:
        """Number of the finding that is marked; None without."""
        row = self._row()
        return row.number if row is not None else None

    def _row(self) -> FindingRow | None:
        item = self.findings.currentItem()
        found = item.data(0, _ROW) if item is not None else None
        return found if isinstance(found, FindingRow) else None

    def _lay_out(self) -> None:
        column = self.column
        column.addWidget(self.state)
        head = QHBoxLayout()
        head.addWidget(heading(tr("Checks")))
        head.addStretch()
        head.addWidget(self.check)
        column.addLayout(head)
        column.addWidget(self.told)
        column.addWidget(self.findings, 1)
        column.addWidget(self.left_out)
        justify = QHBoxLayout()
        justify.addWidget(self.why, 1)
        justify.addWidget(self.justify)
        column.addLayout(justify)
        column.addWidget(heading(tr("Hand in")))
        self._reason_told = QLabel()
        self._reason_told.setWordWrap(True)
        column.addWidget(self._reason_told)
        submit = QHBoxLayout()
        submit.addWidget(self.reason, 1)
        submit.addWidget(self.submit)
        column.addLayout(submit)

    def _connect(self) -> None:
        self.check.clicked.connect(lambda: self.check_wanted.emit())
        self.findings.currentItemChanged.connect(lambda *_: self._enable())
        self.findings.itemClicked.connect(self._on_clicked)
        self.why.textChanged.connect(lambda _: self._enable())
        self.why.returnPressed.connect(self._on_justify)
        self.justify.clicked.connect(self._on_justify)
        self.reason.textChanged.connect(lambda _: self._enable())
        self.submit.clicked.connect(lambda: self.submitted.emit(self._given_reason()))

    def _given_reason(self) -> str:
        return "" if self._clean else self.reason.text().strip()

    def _on_clicked(self, item: QTreeWidgetItem) -> None:
        row = item.data(0, _ROW)
        if row is not None:
            self.finding_chosen.emit(row.number)

    def _on_justify(self) -> None:
        row, text = self._row(), self.why.text().strip()
        if row is not None and text and self.justify.isEnabled():
            self.why.clear()
            self.justified.emit(row.number, text)

    def _enable(self) -> None:
        row = self._row()
        can = row is not None and row.justifiable and row.justified is None
        self.why.setEnabled(can)
        self.justify.setEnabled(can and bool(self.why.text().strip()))
        self.reason.setVisible(not self._clean)
        self.reason.setEnabled(self._open)
        self._reason_told.setVisible(self._open)
        self._reason_told.setText(
            tr("Nothing is open.")
            if self._clean
            else tr("Something is open or unchecked: it is handed in for a written reason only.")
        )
        self.submit.setEnabled(self._open and (self._clean or bool(self._given_reason())))
