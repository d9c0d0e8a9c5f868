"""Proposals that are no zones yet, above a queue: why each is proposed, and a zone made of one."""

from __future__ import annotations

__all__ = ["ProposalStrip"]

from functools import partial
from pathlib import Path

from napari.utils.notifications import show_warning
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QSizePolicy, QToolButton, QTreeWidgetItem, QVBoxLayout, QWidget

from napari_plugin import chores
from napari_plugin.jobs import OneAtATime, in_process, start
from napari_plugin.language import count, number, said, sentence, tr
from napari_plugin.pieces import button, fit, note, swatch, tip, tree
from napari_plugin.queue import WaitingProposals
from napari_plugin.reasons import ClassTitles, reason_colour, reason_lines, reasons_told
from workbench.active.proposal import ZoneProposal
from workbench.workflows.readying import Readied

_ID = Qt.ItemDataRole.UserRole
_MOST_ROWS = 5


class ProposalStrip(QWidget):
    """One line that says how many proposals are no zones yet, and opens to a list of them.

    Parameters
    ----------
    directory
        The campaign.
    """

    made = Signal(str)
    """Id of a zone that was made of a proposal, and can be labelled."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory
        self._making = OneAtATime()
        self._shown: WaitingProposals | None = None
        self.head = QToolButton()
        self.head.setObjectName("tool")
        self.head.setCheckable(True)
        self.head.setAutoRaise(True)
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.head.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.head.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.head.toggled.connect(self._on_head)
        self.problem = note()
        self.list = tree(("", ""))
        self.list.itemDoubleClicked.connect(lambda _: self._make())
        self.make = button(
            tr("Make a zone of it and open it"),
            tr(
                "Cuts the zone, makes its regions and takes over what the model said of it, beside the window"
            ),
        )
        self.make.clicked.connect(lambda: self._make())
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(3)
        for one in (self.head, self.problem, self.list, self.make):
            column.addWidget(one)
        self.show_waiting(WaitingProposals())

    @property
    def making(self) -> bool:
        """Whether a zone is being made."""
        return self._making.busy

    def show_waiting(self, waiting: WaitingProposals) -> None:
        """Show proposals, the best first; nothing at all where there are none."""
        if waiting == self._shown:
            return
        self._shown = waiting
        current = self._current()
        self.list.clear()
        self.list.addTopLevelItems([_row_of(one, waiting.classes) for one in waiting.proposals])
        ids = [one.id for one in waiting.proposals]
        if ids:
            self.list.setCurrentItem(self.list.topLevelItem(ids.index(current) if current in ids else 0))
        fit(self.list, _MOST_ROWS)
        self.problem.setText(said(waiting.problem))
        self._show_parts()

    def _show_parts(self) -> None:
        waiting = self._shown or WaitingProposals()
        many, opened = len(waiting.proposals), self.head.isChecked()
        arrow = Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow
        self.head.setArrowType(arrow)
        self.head.setText(
            tr("Making a zone…")
            if self.making
            else count("{count} proposal is no zone yet", "{count} proposals are no zones yet", many)
        )
        self.head.setVisible(bool(many) or self.making)
        self.problem.setVisible(bool(waiting.problem))
        self.list.setVisible(bool(many) and opened)
        self.make.setVisible(bool(many) and opened)
        self.make.setEnabled(not self.making)

    def _on_head(self, _opened: bool) -> None:
        self._show_parts()

    def _make(self) -> None:
        """Make a zone of the proposal that is taken."""
        proposal = self._current()
        if not proposal:
            return
        work = in_process(chores.ready_proposal, self._directory, proposal)
        title = tr("A zone of {proposal}", proposal=proposal)
        self._making.begin(partial(start, title, work, done=self._on_made, failed=self._on_failed))
        self._show_parts()

    def _current(self) -> str:
        """Return the id of the proposal that is taken; empty where none is."""
        item = self.list.currentItem()
        return str(item.data(0, _ID)) if item is not None else ""

    def _on_made(self, readied: Readied) -> None:
        self._show_parts()
        if readied.problem:
            show_warning(sentence(said(readied.problem)))
        self.made.emit(readied.zone)

    def _on_failed(self, why: str) -> None:
        self._show_parts()
        if why:  # else somebody stopped it
            show_warning(sentence(said(why)))


def _row_of(one: ZoneProposal, classes: ClassTitles) -> QTreeWidgetItem:
    """Return a row of two lines: what and why, and at the right what it takes."""
    minutes = max(1, round(one.seconds / 60))
    takes = [
        count("{count} pick", "{count} picks", round(one.picks)),
        tr("{minutes} min", minutes=number(minutes)),
    ]
    item = QTreeWidgetItem([f"{one.id}\n{reasons_told(one.reasons)}", "\n".join(takes)])
    item.setIcon(0, swatch(reason_colour(one.reasons)))
    item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
    item.setData(0, _ID, one.id)
    for column in (0, 1):
        item.setToolTip(column, tip("\n".join([one.id, *reason_lines(one.reasons, classes)])))
    return item
