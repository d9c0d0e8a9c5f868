"""Review on the screen: the page, pins of what people said, signs where they contradict each other."""

from __future__ import annotations

__all__ = ["ReviewDesk"]

from collections.abc import Callable, Mapping

from napari_plugin.actions import Keymap
from napari_plugin.desk import Desk
from napari_plugin.guide import Guide
from napari_plugin.handin import HandIn
from napari_plugin.language import title, tr
from napari_plugin.marks import PinPicker, Pins, Sign, Signs
from napari_plugin.page_desk import PageDesk
from napari_plugin.places import Stop
from napari_plugin.review_page import ReviewPage
from napari_plugin.reviewing import Reviewing, ThreadView
from workbench.geo.grid import Window
from workbench.labels.comments import one_line

_CONFLICT_COLOUR = "#d6336c"


class ReviewDesk(PageDesk):
    """Shows what people said and did in a desk's zone, and judges it.

    Parameters
    ----------
    desk
        Of the zone.
    guide
        Goes to places on it.
    keys
        Shown beside what they do.
    handin
        Its checks.
    """

    def __init__(self, desk: Desk, guide: Guide, keys: Keymap, handin: HandIn) -> None:
        nomenclature = desk.session.nomenclature
        self.page = ReviewPage(keys, {entry.key: title(entry.titles) for entry in nomenclature.classes})
        super().__init__(desk, guide, self.page)
        self._handin = handin
        self.reviewing = Reviewing(desk.session)
        self.pins, self.signs = Pins(), Signs(self.page.isVisible)
        self._threads: dict[str, ThreadView] = {}
        self._picker: PinPicker | None = None
        self._stale = True
        page = self.page
        page.thread_chosen.connect(self._visit)
        page.answered.connect(self._answer)
        page.ruled.connect(self._rule)
        page.conflict_chosen.connect(self._go_to_conflict)
        page.accepted.connect(self._accept)
        page.sent_back.connect(self._send_back)
        self._follow(
            (self._session.reviewed, self._on_reviewed),
            (self._session.repainted, self._on_repainted),
            (self._handin.changed, self._show_state),
        )
        self._on_reviewed()

    @property
    def commands(self) -> Mapping[str, Callable[[], None]]:
        """What to call for each action, by id."""
        return {
            "next_conflict": self._go_next_conflict,
            "next_comment": self._go_next_comment,
            "accept_labels": self.reviewing.accept_labels,
            "reopen_labels": self.reviewing.reopen_labels,
        }

    def pick_pins(self) -> None:
        """Notice when pins are pointed at and clicked, once there is a glass."""
        if self._desk.glass is not None and self._picker is None:
            canvas = self._desk.glass.parentWidget()
            self._picker = PinPicker(canvas, self.pins, self._desk.view)
            self._picker.pointed.connect(self._on_pointed)
            self._picker.picked.connect(self._show_thread)

    def release(self) -> None:
        """Stop following session and canvas."""
        if self._picker is not None:
            self._picker.release()
            self._picker = None
        super().release()

    # What is shown

    def _on_reviewed(self) -> None:
        threads = self.reviewing.threads()
        self._threads = {thread.id: thread for thread in threads}
        self.pins.threads = threads
        self.page.show_threads(threads)
        self._on_repainted()
        self._guide.refresh()

    def _on_repainted(self, _window: Window | None = None) -> None:
        # To look for conflicts costs more than a stroke may: only while somebody looks.
        self._stale = True
        if self.page.isVisible():
            self._show_conflicts()
            self._guide.refresh()

    def _on_sight(self, seen: bool) -> None:
        if seen and self._stale:
            self._show_conflicts()
        super()._on_sight(seen)

    def _show_conflicts(self) -> None:
        if self._session.lent:
            return
        self._stale = False
        stops = self.reviewing.conflicts()
        self.page.show_conflicts(stops)
        self.signs.signs = [Sign(row=stop.row, col=stop.col, colour=_CONFLICT_COLOUR) for stop in stops]
        self._show_state()

    def _show_state(self) -> None:
        if self._session.lent or not self.page.isVisible():
            return
        state = self.reviewing.state
        sentences = {
            "open": tr("Open: somebody labels it, or may."),
            "submitted": tr("Handed in by {author}.", author=state.by),
            "accepted": tr("Accepted by {author}, and locked.", author=state.by),
            "sent_back": tr("Sent back by {author}.", author=state.by),
        }
        reason = " " + tr("Reason given: {reason}", reason=one_line(state.reason)) if state.reason else ""
        done = state.state == "accepted"
        self.page.show_state(
            sentences[state.state] + reason,
            () if done else self.reviewing.in_the_way(),
            acceptable=state.state in ("open", "submitted"),
            judged=state.state in ("submitted", "accepted"),
        )

    # Places to go to

    def _go_next_conflict(self) -> None:
        stop = self.reviewing.next_conflict()
        if stop is not None:
            self._go_to_conflict(stop)

    def _go_to_conflict(self, stop: Stop) -> None:
        self._guide.go(stop.window, self.reviewing.conflict_region(stop))

    def _go_next_comment(self) -> None:
        stop = self.reviewing.next_comment()
        if stop is not None:
            self._guide.go(stop.window)
            self._show_thread(stop.key)

    def _visit(self, name: str) -> None:
        thread = self._threads.get(name)
        if thread is not None:
            self._guide.go(self.reviewing.visit(thread).window)
            self._show_thread(name)

    def _show_thread(self, name: str) -> None:
        self.pins.chosen = name
        self.page.show_thread(self._threads.get(name))
        self._guide.refresh()

    def _on_pointed(self, name: str | None) -> None:
        """Show what a pin under the pointer says, and the one that was chosen once the pointer is gone."""
        shown = name if name is not None else self.pins.chosen
        self.page.show_thread(self._threads.get(shown) if shown is not None else None)

    # What is said and judged: what was written stays where it could not be done

    def _answer(self, thread: str, text: str) -> None:
        if self.reviewing.answer(thread, text):
            self.page.text.clear()

    def _rule(self, thread: str, key: str, text: str) -> None:
        if self.reviewing.rule(thread, key, text):
            self.page.text.clear()

    def _accept(self, reason: str) -> None:
        checked = self._handin.fresh and not self._handin.open
        if self.reviewing.accept(reason=reason, checked=checked):
            self.page.reason.clear()

    def _send_back(self, reason: str) -> None:
        if self.reviewing.send_back(reason):
            self.page.reason.clear()
