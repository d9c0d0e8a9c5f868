"""The zone queue on the screen: all zones of a campaign, whose turn it is in each, and a way into them."""

from __future__ import annotations

__all__ = ["QueuePanel"]

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from napari.utils.notifications import show_info
from qtpy.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from qtpy.QtGui import QGuiApplication
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QMessageBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_plugin.jobs import Job, start
from napari_plugin.language import count, number, said, tr
from napari_plugin.proposal_strip import ProposalStrip
from napari_plugin.queue import (
    FILTERS,
    Offers,
    QueuedZone,
    ZoneChoice,
    arranged,
    counts,
    kept_offers,
    turn_of,
)
from napari_plugin.queue_reading import ZoneReader
from napari_plugin.queue_rows import QueueModel, QueueRowPainter, ZoneList

_SETTLING_MILLISECONDS = 250
"""How long the list has to stand still before what it shows is counted."""
_ARRANGING_MILLISECONDS = 1000
"""Zones that turn out to be somebody's turn move up so often, while all are read."""
_FRESH_SECONDS = 20.0
"""What was read so long ago is believed when the window gets the focus again."""


class _Relay(QObject):
    """Carries what is read from the thread that reads to the window's; it outlives the panel."""

    told = Signal(object)


class QueuePanel(QWidget):
    """All zones of a campaign; needs no zone to be open.

    It reads when it is first shown, when the window gets the focus again, and when it is told to.

    Parameters
    ----------
    directory
        The campaign.
    author
        Who looks.
    offers
        Says which zones are proposed.
    """

    chosen = Signal(object)
    """`ZoneChoice`: a zone to open; whoever was in the way was asked about."""

    def __init__(self, directory: Path, author: str, *, offers: Offers = kept_offers) -> None:
        super().__init__()
        self.directory, self.author = directory, author
        self._reader = ZoneReader(directory, author, offers=offers)
        self._title = tr("Zones of {campaign}", campaign=directory.resolve().name)
        self._zones: dict[str, QueuedZone] = {}
        self._job: Job | None = None
        self._unarranged = False
        """Whether more is known of the rows than when they were put in order."""
        self._begun: float | None = None
        self._stopped = False
        self._outdated = False
        """Whether the registry changed while it was being read."""
        self._elsewhere = False
        """Whether somebody opened another zone while one is made of a proposal."""
        self._relay = _Relay()
        self._relay.told.connect(self._on_read)
        self._build(author)
        self._settling = QTimer(self, singleShot=True, interval=_SETTLING_MILLISECONDS)
        self._settling.timeout.connect(self._go_on)
        self._arranging = QTimer(self, singleShot=True, interval=_ARRANGING_MILLISECONDS)
        self._arranging.timeout.connect(self._arrange_at_rest)
        QGuiApplication.instance().applicationStateChanged.connect(self._on_focus)

    # What others do with it

    def refresh(self) -> None:
        """Read the zones again; those whose files are as they were cost next to nothing."""
        if self._job is not None:
            return
        self._begun, self._stopped = time.monotonic(), False
        self._work(self._reader.read)

    def stop(self) -> None:
        """Read no further."""
        if self._job is not None:
            self._job.stop()

    def release(self) -> None:
        """Let go of the campaign: stop reading and listening."""
        self._outdated = False
        self.stop()
        self._relay.told.disconnect(self._on_read)
        self.proposals.made.disconnect(self._on_made)  # what is being made is a zone all the same
        QGuiApplication.instance().applicationStateChanged.disconnect(self._on_focus)

    def show_current(self, zone_id: str) -> None:
        """Mark the zone that is open; an empty id marks none."""
        self._elsewhere |= self.proposals.making and zone_id != self._painter.current
        self._painter.current = zone_id
        self.view.viewport().update()

    def show_only(self, name: str) -> None:
        """Narrow the list down to one of `FILTERS`."""
        self.only.setCurrentIndex(list(FILTERS).index(name))

    @property
    def told(self) -> str:
        """What it says about itself."""
        return self._told.text()

    @property
    def reading(self) -> bool:
        """Whether zones are being read."""
        return self._job is not None

    # What Qt asks

    def showEvent(self, event: QEvent) -> None:
        """Read when first seen."""
        super().showEvent(event)
        if self._begun is None:
            self.refresh()

    # Inside: building

    def _build(self, author: str) -> None:
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Zone, person, reason…"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._arrange)
        self.only = QComboBox()
        for name, one in FILTERS.items():
            self.only.addItem(tr(one.title), name)
        self.only.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.only.setMinimumContentsLength(9)
        self.only.currentIndexChanged.connect(self._arrange)
        self.model, self._painter = QueueModel(author), QueueRowPainter(author)
        self.view = ZoneList(self.model, self._painter)
        self.view.opened.connect(self._open)
        self.view.menu_wanted.connect(self._show_menu)
        self.view.moved.connect(self._on_moved)
        self.search.returnPressed.connect(self.view.open_current)
        self._told = QLabel()
        self._told.setObjectName("dim")
        self._told.setWordWrap(True)
        self.again = QToolButton()
        self.again.setAutoRaise(True)
        self.again.clicked.connect(self._on_again)
        self.proposals = ProposalStrip(self.directory)
        self.proposals.made.connect(self._on_made)
        self._lay_out()
        self._tell()

    def _lay_out(self) -> None:
        top, foot = QHBoxLayout(), QHBoxLayout()
        top.addWidget(self.search, 1)
        top.addWidget(self.only, 1)
        foot.addWidget(self._told, 1)
        foot.addWidget(self.again, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(4, 6, 4, 2)
        column.setSpacing(4)
        column.addLayout(top)
        column.addWidget(self.proposals)
        column.addWidget(self.view, 1)
        column.addLayout(foot)

    # Inside: reading

    def _work(self, read: Callable[..., None]) -> None:
        relay = self._relay
        self._reader.wanted = self.view.shown()
        self._job = start(
            self._title,
            partial(_read_and_tell, read, relay),
            done=self._on_done,
            failed=self._on_failed,
        )
        self._tell()

    def _go_on(self) -> None:
        """Count the labels of the zones that are shown now."""
        if self._job is None and not self._stopped and self._reader.lacks(self.view.shown()):
            self._work(self._reader.go_on)

    def _on_read(self, zones: list[QueuedZone]) -> None:
        moved = not self._zones or any(map(self._moves, zones))
        first = not self._zones
        self._zones.update({queued.zone.id: queued for queued in zones})
        self.proposals.show_waiting(self._reader.waiting)
        self._unarranged |= moved
        self.model.update(zones)
        if first:
            self._arrange()
        elif moved and not self._arranging.isActive():
            self._arranging.start()
        self._tell()

    def _moves(self, queued: QueuedZone) -> bool:
        """Tell whether what is known of a zone now may give it another place in the list."""
        before = self._zones.get(queued.zone.id)
        return before is None or turn_of(before, self.author) != turn_of(queued, self.author)

    def _on_done(self, _nothing: object) -> None:
        self._end("")

    def _on_failed(self, why: str) -> None:
        self._stopped = True
        self._end(said(why))

    def _end(self, problem: str) -> None:
        self._job = None
        self._unarranged = True  # a search may find what was not known when it was typed
        self._arrange_at_rest()
        self._count_filters()
        self._tell(problem)
        if self._outdated:
            self._outdated = False
            self.refresh()

    def _on_focus(self, state: Qt.ApplicationState) -> None:
        begun = self._begun
        if state != Qt.ApplicationState.ApplicationActive or begun is None or not self.isVisible():
            return
        if time.monotonic() - begun > _FRESH_SECONDS and not self._stopped:
            self.refresh()

    def _on_again(self) -> None:
        if self._job is not None:
            self.stop()
        else:
            self.refresh()

    def _on_moved(self) -> None:
        self._reader.wanted = self.view.shown()
        self._settling.start()

    # Inside: showing

    def _arrange_at_rest(self) -> None:
        """Put the rows in order as soon as no hand is about to click one."""
        if self._unarranged and self.view.at_rest:
            self._arrange()
        elif self._unarranged:
            self._arranging.start()

    def _arrange(self) -> None:
        self._unarranged = False
        only, text = str(self.only.currentData()), self.search.text()
        self.view.keep_place(arranged(self._zones.values(), self.author, only=only, text=text))
        self._on_moved()
        self._tell()

    def _count_filters(self) -> None:
        found = counts(self._zones.values(), self.author)
        for place, (name, one) in enumerate(FILTERS.items()):
            self.only.setItemText(place, f"{tr(one.title)} ({number(found[name])})")

    def _tell(self, problem: str = "") -> None:
        """Say how much of the campaign is shown and read."""
        total, shown = len(self._zones), self.model.rowCount()
        self.again.setText("✕" if self._job is not None else "⟳")
        self.again.setToolTip(tr("Read no further") if self._job is not None else tr("Read again"))
        if problem:
            self._told.setText(problem)
            return
        zones = count("{count} zone", "{count} zones", shown)
        parts = [zones if shown == total else tr("{zones} of {total}", zones=zones, total=number(total))]
        unread = sum(not queued.read for queued in self._zones.values())
        if self._job is not None and not total:
            parts = [tr("Reading the registry…")]
        elif self._job is not None and unread:
            parts.append(tr("{unread} still to be read", unread=number(unread)))
        elif unread:
            parts.append(tr("{unread} were not read", unread=number(unread)))
        self._told.setText(" · ".join(parts))

    # Inside: opening

    def _on_made(self, zone_id: str) -> None:
        """Show a zone that was made of a proposal, and open it unless another was opened meanwhile."""
        self._outdated = self._job is not None
        self.refresh()
        if self._elsewhere:
            show_info(tr("{zone} is ready to be labelled.", zone=zone_id))
        else:
            self.chosen.emit(ZoneChoice(zone=zone_id))
        self._elsewhere = False

    def _open(self, queued: QueuedZone) -> None:
        """Open a zone, after a question where somebody else is there or one should not see their labels."""
        blind = queued.entrance or (queued.to_be_blind(self.author) and self._ask_blind(queued))
        other = queued.held_by_other(self.author)
        if blind or not other:
            self.chosen.emit(ZoneChoice(zone=queued.zone.id, blind=blind))
        elif self._ask(
            tr("Label together?"),
            tr(
                "{holder} is labelling {zone} just now. Label together? Where both label the same pixels "
                "the zone shows a conflict.",
                holder=other,
                zone=queued.zone.id,
            ),
        ):
            self.chosen.emit(ZoneChoice(zone=queued.zone.id, together=True))

    def _ask_blind(self, queued: QueuedZone) -> bool:
        return self._ask(
            tr("Annotate blind?"),
            tr(
                "{zone} is annotated by two people, and {names} did so first. Label it without seeing "
                "their labels, as the second one?",
                zone=queued.zone.id,
                names=", ".join(queued.outline.authors if queued.outline is not None else ()),
            ),
        )

    def _ask(self, title: str, question: str) -> bool:
        answers = QMessageBox.StandardButton
        answer = QMessageBox.question(self, title, question, answers.Yes | answers.No, answers.No)
        return bool(answer == answers.Yes)

    def _show_menu(self, queued: QueuedZone, where: QPoint) -> None:
        menu = QMenu(self)
        menu.addAction(tr("Open this zone"), partial(self._open, queued))
        blind = ZoneChoice(zone=queued.zone.id, blind=True)
        menu.addAction(tr("Open blind, as a second annotation"), partial(self.chosen.emit, blind))
        copy = partial(QGuiApplication.clipboard().setText, queued.zone.id)
        menu.addAction(tr("Copy its name"), copy)
        menu.exec(where)
        menu.deleteLater()


def _read_and_tell(read: Callable[..., None], relay: _Relay, report: Callable[[float, str], None]) -> None:
    """Read zones in another thread, and tell of them in the window's."""
    read(tell=relay.told.emit, report=report)
