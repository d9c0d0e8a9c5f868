"""Double annotation on the screen: the page, the map of differences, and comparing beside the window."""

from __future__ import annotations

__all__ = ["DoubleDesk"]

from collections.abc import Callable, Mapping
from typing import Any

from napari_plugin.actions import Keymap
from napari_plugin.desk import Desk
from napari_plugin.double_page import DoublePage, PlaceRow
from napari_plugin.doubles import Doubles
from napari_plugin.guide import Guide, Visibility
from napari_plugin.inquiries import compare_authors, double_standing
from napari_plugin.jobs import in_process, start
from napari_plugin.language import said, tr
from napari_plugin.veils import DisagreementVeil
from workbench.assessment.disagreement import Disagreement
from workbench.workflows.doubling import Compared, Double


class DoubleDesk:
    """Lays two annotations of a desk's zone over each other, once both are done.

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
        self._session, self._guide, self._layers = desk.session, guide, desk.layers
        self._hid_classes = False
        self.doubles = Doubles(desk.session)
        self.page = DoublePage(keys)
        self.veil = DisagreementVeil(desk.session, self.doubles)
        self._working = self._released = False
        self._sight = Visibility(self.page)
        self._sight.changed.connect(self._on_sight)
        page, doubles = self.page, self.doubles
        page.authors_chosen.connect(lambda first, second: doubles.choose((first, second)))
        page.compare_wanted.connect(self._compare)
        page.shown_chosen.connect(doubles.show)
        page.place_chosen.connect(self._on_place)
        page.next_wanted.connect(self._go_next)
        for signal, slot in self._slots():
            signal.connect(slot)
        self.page.destroyed.connect(self._on_page_gone)
        self._show()

    @property
    def commands(self) -> Mapping[str, Callable[[], None]]:
        """What to call for each action, by id."""
        return {"next_difference": self._go_next}

    def _on_page_gone(self) -> None:
        self._released = True  # with its window, whatever is still read or counted for it

    def release(self) -> None:
        """Stop following the session."""
        self._released = True
        self._show_classes(hidden=False)
        for signal, slot in self._slots():
            signal.disconnect(slot)

    def _slots(self) -> tuple[tuple[Any, Callable[..., None]], ...]:
        return ((self.doubles.changed, self._show),)

    def _on_sight(self, seen: bool) -> None:
        if seen and not self._session.opened.blind:
            self._look_who_is_done()

    def _look_who_is_done(self) -> None:
        self._work(tr("Looking who is done"), in_process(double_standing, *self._zone), self._on_standing)

    def _compare(self) -> None:
        if self.doubles.authors is not None:
            self.page.show_comparing(on=True)
            work = in_process(compare_authors, *self._zone, self.doubles.authors)
            self._work(tr("Comparing two annotations"), work, self._on_compared)

    def _work(self, what: str, work: Callable[..., Any], done: Callable[[Any], None]) -> None:
        if not self._working:
            self._working = True
            start(what, work, done=done, failed=self._on_failed)

    @property
    def _zone(self) -> tuple[Any, str]:
        return self._session.opened.campaign.path, self._session.zone_id

    def _on_standing(self, standing: Double) -> None:
        self._working = False
        if not self._released:
            self.doubles.take_standing(standing)

    def _on_compared(self, compared: Compared) -> None:
        self._working = False
        if not self._released:
            self.page.show_comparing(on=False)
            self.doubles.take(compared)

    def _on_failed(self, why: str) -> None:
        self._working = False
        if not self._released:
            self.page.show_comparing(on=False)
            self._show()
            if why:
                self._session.refused.emit(said(why))

    def _on_place(self, place: int) -> None:
        if self.doubles.compared is not None:
            self._go(self.doubles.compared.places[place])

    def _go_next(self) -> None:
        place = self.doubles.next_place()
        if place is not None:
            self._go(place)

    def _go(self, place: Disagreement) -> None:
        self._guide.go(place.window, (place.window, place.mask.decode()))

    def _show(self) -> None:
        doubles, page = self.doubles, self.page
        page.show_authors(doubles.annotators(), doubles.authors)
        page.show_hidden(doubles.hidden())
        page.show_shown(doubles.shown)
        self._show_classes(hidden=doubles.compared is not None and doubles.shown != "nothing")
        compared = doubles.compared
        if compared is None:
            page.show_nothing()
        else:
            found = compared.comparison.found
            classes = {self._session.title_of(code): one.value for code, one in found.classes.items()}
            page.show_figures(found.overall, found.kappa, found.boundary, classes)
            page.show_places(
                [PlaceRow(kind=one.kind, told=self._pair(one), pixels=one.pixels) for one in compared.places]
            )
        self._guide.refresh()

    def _show_classes(self, *, hidden: bool) -> None:
        """Put the labels of the zone away while others are looked at: their colours would mix."""
        classes = self._layers.classes
        if hidden and classes.visible:
            classes.visible, self._hid_classes = False, True
        elif not hidden and self._hid_classes:
            classes.visible, self._hid_classes = True, False

    def _pair(self, place: Disagreement) -> str:
        first, second = (self._session.title_of(code) for code in place.classes)
        return tr("{first} or {second}", first=first, second=second)
