"""The page on review: what people said, where they contradict each other, and verdicts."""

from __future__ import annotations

__all__ = ["ReviewPage", "THREAD_TITLES"]

from collections.abc import Mapping, Sequence
from datetime import datetime

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QTreeWidgetItem,
    QWidget,
)

from napari_plugin.actions import Keymap
from napari_plugin.keycaps import shown_key
from napari_plugin.language import ago, number, tr
from napari_plugin.marks import PIN_COLOURS
from napari_plugin.panels import Banner
from napari_plugin.pieces import Page, button, field, fit, heading, note, swatch, tip, tree
from napari_plugin.places import Stop
from napari_plugin.reviewing import ThreadView
from workbench.labels.comments import one_line

_DATA = Qt.ItemDataRole.UserRole
_MOST_ROWS = 7
THREAD_TITLES = {"question": "question, open", "ruled": "question, ruled on", "comment": "comment"}


class ReviewPage(Page):
    """Shows threads, conflicts and the zone's state; says what is chosen, answered and judged.

    Parameters
    ----------
    keys
        Shown beside what they do.
    classes
        Titles by key, for rulings.
    """

    thread_chosen = Signal(str)
    """Id of the thread to go to."""
    answered = Signal(str, str)
    """Id of a thread, and the answer."""
    ruled = Signal(str, str, str)
    """Id of a question, key of the class that is right, and why."""
    conflict_chosen = Signal(object)
    """`Stop` to go to."""
    accepted = Signal(str)
    """The reason, empty where there is none to give."""
    sent_back = Signal(str)
    """The reason."""

    def __init__(self, keys: Keymap, classes: Mapping[str, str]) -> None:
        super().__init__()
        self._keys = keys
        self._thread: ThreadView | None = None
        self.state = Banner()
        self.in_the_way = note()
        self.conflicts = tree(("", ""))
        self.threads = tree(("", ""))
        self.sayings = note()
        self.sayings.setObjectName("")
        self.sayings.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.text = field(tr("Answer, or why it is ruled so"))
        self.answer = button(tr("Answer"), tr("Adds what is written to the thread"))
        self.classes = QComboBox()
        self.classes.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for key, title in classes.items():
            self.classes.addItem(title, key)
        self.rule = button(tr("Rule"), tr("Decides the question: this class is right there"))
        self.reason = field(tr("Reason: to send it back, or to accept it all the same"))
        self.accept = button(tr("Accept"), tr("Locks the zone; releases are made of accepted zones"))
        self.send_back = button(tr("Send back"), tr("Whoever labels it reads the reason and the comments"))
        self._conflict_head, self._thread_head = heading(""), heading("")
        self._lay_out()
        self._connect()
        self.show_thread(None)

    def show_state(self, sentence: str, in_the_way: Sequence[str], *, acceptable: bool, judged: bool) -> None:
        """Show where the zone stands.

        Parameters
        ----------
        sentence
            Where it stands.
        in_the_way
            What keeps it from being accepted as it is.
        acceptable
            Whether it can be accepted, for a reason at least.
        judged
            Whether it can be sent back.
        """
        self.state.advise(sentence)
        self.in_the_way.setText("\n".join(in_the_way))
        self.in_the_way.setVisible(bool(in_the_way))
        self._acceptable, self._judged = acceptable, judged
        self._enable()

    def show_conflicts(self, stops: Sequence[Stop]) -> None:
        """Show where people contradict each other."""
        self._conflict_head.setText(tr("Conflicts ({count})", count=len(stops)))
        self.conflicts.clear()
        for stop in stops:
            item = QTreeWidgetItem(self.conflicts, [stop.what, f"{number(stop.pixels)} px"])
            item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight)
            item.setData(0, _DATA, stop)
            item.setToolTip(0, tip(stop.told))
        self.conflicts.setVisible(bool(stops))
        fit(self.conflicts, _MOST_ROWS)

    def show_threads(self, threads: Sequence[ThreadView]) -> None:
        """Show what people said; the thread that is read stays."""
        left = sum(thread.kind == "question" for thread in threads)
        self._thread_head.setText(
            tr("Comments ({count}), open questions: {left}", count=len(threads), left=left)
        )
        self.threads.clear()
        for thread in threads:
            many = len(thread.sayings) - 1
            item = QTreeWidgetItem(self.threads, [one_line(thread.text), f"↩ {many}" if many else ""])
            item.setIcon(0, swatch(PIN_COLOURS[thread.kind].name()))
            item.setData(0, _DATA, thread.id)
            item.setToolTip(0, tip(f"{tr(THREAD_TITLES[thread.kind])}: {one_line(thread.text)}"))
        self.threads.setVisible(bool(threads))
        fit(self.threads, _MOST_ROWS)
        read = {thread.id: thread for thread in threads}
        self.show_thread(read.get(self._thread.id) if self._thread is not None else None)

    def show_thread(self, thread: ThreadView | None) -> None:
        """Show what was said in a thread; None shows nothing."""
        self._thread = thread
        for place in range(self.threads.topLevelItemCount()):
            item = self.threads.topLevelItem(place)
            if thread is not None and item.data(0, _DATA) == thread.id:
                self.threads.setCurrentItem(item)
        lines = []
        for saying in thread.sayings if thread is not None else ():
            age = ago(saying.at, datetime.now(saying.at.tzinfo))
            ruled = f" · {tr('ruled: {title}', title=saying.ruling)}" if saying.ruling else ""
            lines.append(f"{saying.author}, {age}{ruled}\n{saying.text}")
        self.sayings.setText(
            "\n\n".join(lines) if lines else tr("Click a comment, here or over the picture.")
        )
        self._enable()

    def _lay_out(self) -> None:
        column = self.column
        column.addWidget(self.state)
        column.addWidget(self.in_the_way)
        column.addWidget(self._conflict_head)
        column.addWidget(self.conflicts)
        column.addWidget(self._thread_head)
        column.addWidget(self.threads)
        column.addWidget(self.sayings)
        answer = QHBoxLayout()
        answer.addWidget(self.text, 1)
        answer.addWidget(self.answer)
        column.addLayout(answer)
        self._ruling = QWidget()
        rule = QHBoxLayout(self._ruling)
        rule.setContentsMargins(0, 0, 0, 0)
        rule.addWidget(self.classes, 1)
        rule.addWidget(self.rule)
        column.addWidget(self._ruling)
        column.addStretch()
        column.addWidget(heading(tr("Verdict")))
        column.addWidget(self.reason)
        verdict = QHBoxLayout()
        verdict.addWidget(self.accept, 1)
        verdict.addWidget(self.send_back, 1)
        column.addLayout(verdict)
        here = QLabel(
            tr(
                "Region under the pointer: {accept} accepts its labels, {reopen} opens them again.",
                accept=self._key("accept_labels"),
                reopen=self._key("reopen_labels"),
            )
        )
        here.setObjectName("dim")
        here.setWordWrap(True)
        column.addWidget(here)
        self._acceptable = self._judged = False

    def _key(self, action: str) -> str:
        keys = self._keys.get(action)
        return shown_key(keys[0]) if keys else "–"

    def _connect(self) -> None:
        self.conflicts.itemClicked.connect(lambda item: self.conflict_chosen.emit(item.data(0, _DATA)))
        self.threads.itemClicked.connect(lambda item: self.thread_chosen.emit(item.data(0, _DATA)))
        self.text.textChanged.connect(lambda _: self._enable())
        self.text.returnPressed.connect(self._on_answer)
        self.answer.clicked.connect(self._on_answer)
        self.rule.clicked.connect(self._on_rule)
        self.reason.textChanged.connect(lambda _: self._enable())
        self.accept.clicked.connect(lambda: self.accepted.emit(self.reason.text().strip()))
        self.send_back.clicked.connect(lambda: self.sent_back.emit(self.reason.text().strip()))

    def _on_answer(self) -> None:
        if self._thread is not None and self.answer.isEnabled():
            self.answered.emit(self._thread.id, self.text.text().strip())

    def _on_rule(self) -> None:
        if self._thread is not None:
            self.ruled.emit(self._thread.id, self.classes.currentData(), self.text.text().strip())

    def _enable(self) -> None:
        thread, text = self._thread, bool(self.text.text().strip())
        self.text.setEnabled(thread is not None)
        self.answer.setEnabled(thread is not None and text)
        self._ruling.setVisible(thread is not None and thread.kind != "comment")
        self.rule.setEnabled(text)
        self.accept.setEnabled(self._acceptable)
        self.send_back.setEnabled(self._judged and bool(self.reason.text().strip()))
