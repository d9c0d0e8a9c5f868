"""Review on the desk: what people said about the zone, where they contradict each other, and verdicts."""

from __future__ import annotations

__all__ = ["Reviewing", "Saying", "ThreadView"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from napari_plugin.language import count, said, tr
from napari_plugin.places import Rounds, Stop, conflict_region, conflict_stops
from napari_plugin.session import Session
from workbench.errors import EditRefused
from workbench.geo.grid import Window
from workbench.labels.comments import one_line, threads
from workbench.labels.editing import Region, protecting
from workbench.labels.edits import Comment
from workbench.labels.losses import lost_edits
from workbench.labels.review import ZoneState, accept, send_back, zone_state
from workbench.labels.rulings import open_questions
from workbench.workflows.admitting import check_admitted

ThreadKind = Literal["question", "ruled", "comment"]
_SURROUNDINGS = 40
"""Pixels to each side of a comment that are shown when one goes there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What one person said."""

    id: str
    """``author:seq``."""
    author: str
    at: datetime
    text: str
    ruling: str | None
    """What people call the class that they ruled to be right; None where they did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadView:
    """A comment or question and its answers, as the desk shows them."""

    id: str
    row: int
    col: int
    kind: ThreadKind
    """A question that waits for a ruling, one that has it, or a comment."""
    sayings: tuple[Saying, ...]
    """First to last; the comment or question itself comes first."""

    @property
    def text(self) -> str:
        """What was said first."""
        return self.sayings[0].text


class Reviewing:
    """Comments, conflicts and verdicts of the zone of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._comments, self._conflicts = Rounds(), Rounds()

    # What is there

    @property
    def state(self) -> ZoneState:
        """Where the zone stands in review."""
        return zone_state(self._session.store)

    def threads(self) -> tuple[ThreadView, ...]:
        """Return what people said, questions that wait for a ruling first, then first to last."""
        comments = self._session.store.comments()
        ops, waiting = {op.id: op for op, _ in comments}, {name for name, _ in open_questions(comments)}
        nomenclature = self._session.nomenclature

        def saying(name: str, comment: Comment) -> Saying:
            op = ops[name]
            ruled = nomenclature.by_key(comment.ruling).code if comment.ruling is not None else None
            return Saying(
                id=name,
                author=op.author,
                at=op.wall_time,
                text=comment.text,
                ruling=self._session.title_of(ruled) if ruled is not None else None,
            )

        found = []
        for thread in threads(comments):
            asked = thread.comment.question
            kind: ThreadKind = "question" if thread.id in waiting else "ruled" if asked else "comment"
            first = saying(thread.id, thread.comment)
            answers = tuple(saying(name, answer) for name, answer in thread.answers)
            found.append(
                ThreadView(
                    id=thread.id,
                    row=thread.comment.row,
                    col=thread.comment.col,
                    kind=kind,
                    sayings=(first, *answers),
                )
            )
        return tuple(sorted(found, key=lambda one: one.kind != "question"))

    def conflicts(self) -> tuple[Stop, ...]:
        """Return where authors contradict each other who had not seen each other's edits, largest first."""
        return conflict_stops(self._session.store.conflicts(), self._session.called)

    def conflict_region(self, stop: Stop) -> Region:
        """Return the pixels of a conflict."""
        return conflict_region(self._session.store.conflicts(), stop.window)

    def stop_of(self, thread: ThreadView) -> Stop:
        """Return where something was said."""
        around = Window(row=thread.row, col=thread.col, height=1, width=1).grown(
            _SURROUNDINGS, within=self._session.grid.whole
        )
        told = tr("{where}: {what}", where=thread.sayings[0].author, what=one_line(thread.text))
        return Stop(key=thread.id, window=around, row=thread.row, col=thread.col, told=told)

    def in_the_way(self) -> tuple[str, ...]:
        """Return what keeps the zone from being accepted as it is, one sentence each."""
        store, found = self._session.store, []
        if many := len(store.conflicts().found):
            found.append(
                count(
                    "{count} conflict: somebody has to label those pixels again.",
                    "{count} conflicts: somebody has to label those pixels again.",
                    many,
                )
            )
        if lost := lost_edits(store.missing()):
            found.append(f"{said(lost)[:1].upper()}{said(lost)[1:]}.")
        if self.state.state == "open":
            found.append(tr("It was not handed in, so nobody has checked it."))
        if self.state.state == "sent_back":
            found.append(tr("It can be accepted once it was handed in again."))
        return tuple(found)

    # Places to go to

    def next_conflict(self) -> Stop | None:
        """Return the next conflict, and say what it is."""
        return self._next(self._conflicts, self.conflicts(), tr("Nobody contradicts anybody in this zone."))

    def next_comment(self) -> Stop | None:
        """Return the next comment or question, those that wait for a ruling first, and say what it is."""
        stops = [self.stop_of(thread) for thread in self.threads()]
        return self._next(self._comments, stops, tr("Nobody has said anything about this zone."))

    def visit(self, thread: ThreadView) -> Stop:
        """Return where something was said that somebody chose; the next one comes after it."""
        stops, stop = [self.stop_of(one) for one in self.threads()], self.stop_of(thread)
        if stop in stops:
            self._comments.at(stop, stops)
        return stop

    # What is done

    def answer(self, thread: str, text: str) -> bool:
        """Answer a comment or question; return whether that is done."""
        return self._say(thread, text, ruling=None)

    def rule(self, thread: str, key: str, text: str) -> bool:
        """Decide a question by the key of the class that is right; return whether that is done."""
        return self._say(thread, text, ruling=key)

    def accept(self, *, reason: str = "", checked: bool = False) -> bool:
        """Accept the zone as it is; return whether that is done.

        Parameters
        ----------
        reason
            Why it is accepted although it was not handed in, or edits may be lost.
        checked
            Whether the checks found nothing that is open in the labels as they are.
        """
        if self._is_blind():
            return False
        store, why = self._session.store, reason.strip() or None

        def verdict() -> None:
            if why is None and not checked and self.state.state == "open":
                raise EditRefused(
                    f"zone {store.zone_id} was not handed in; check it first, or give a reason to accept it "
                    "as it is"
                )
            accept(store, reason=why)

        return self._judge(verdict)

    def send_back(self, reason: str) -> bool:
        """Give the zone back to who labels it, with the reason; return whether that is done."""
        return self._judge(lambda: send_back(self._session.store, reason))

    def accept_labels(self) -> None:
        """Accept the labels of the region under the pointer: nobody paints over them any more."""
        self._guard(on=True)

    def reopen_labels(self) -> None:
        """Let the labels of the region under the pointer be painted over again."""
        self._guard(on=False)

    # Inside

    def _is_blind(self) -> bool:
        """Tell whether the zone is labelled blind, and say that nobody reviews that."""
        if self._session.opened.blind:
            self._session.refused.emit(
                tr("You label this zone blind, and nobody reviews that: hand it in when it is done.")
            )
        return self._session.opened.blind

    def _judge(self, verdict: Callable[[], object]) -> bool:
        """Write a verdict of somebody who may judge."""
        session = self._session

        def judge() -> None:
            check_admitted(session.opened.campaign, session.author)
            verdict()

        return session.write(judge)

    def _guard(self, *, on: bool) -> None:
        session = self._session
        if self._is_blind():
            return
        hover = session.pointed()
        if hover is not None:
            region = session.pixels_of(hover)
            if session.commit(lambda: [protecting(session.store, region, on=on, accepted=True)]):
                session.noticed.emit(
                    tr("Accepted: nobody paints over these labels until they are opened again.")
                    if on
                    else tr("Opened again: these labels can be painted over.")
                )

    def _say(self, thread: str, text: str, *, ruling: str | None) -> bool:
        store = self._session.store
        there = {op.id: comment for op, comment in store.comments()}
        asked = there.get(thread)
        if asked is None:
            return False
        answer = Comment(row=asked.row, col=asked.col, text=text, answers=thread, ruling=ruling)
        return self._session.write(lambda: store.record(answer))

    def _next(self, rounds: Rounds, stops: Sequence[Stop], nothing: str) -> Stop | None:
        stop = rounds.next(stops)
        if stop is None:
            self._session.noticed.emit(nothing)
            return None
        rank = stops.index(stop) + 1
        self._session.noticed.emit(tr("{rank} of {all}: {told}", rank=rank, all=len(stops), told=stop.told))
        return stop
