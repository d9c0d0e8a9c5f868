"""Double annotation on the screen: the page, the map of differences, and comparing beside the window."""

from __future__ import annotations

__all__ = ["DoubleDesk"]

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from napari_plugin.actions import Keymap
from napari_plugin.desk import Desk
from napari_plugin.double_page import DoublePage, PlaceRow
from napari_plugin.doubles import Doubles
from napari_plugin.guide import Guide
from napari_plugin.inquiries import compare_authors, double_standing
from napari_plugin.jobs import OneAtATime, in_kept_process
from napari_plugin.language import tr
from napari_plugin.page_desk import PageDesk
from napari_plugin.veils import DisagreementVeil
from workbench.assessment.disagreement import Disagreement
from workbench.geo.grid import Window
from workbench.workflows.doubling import Compared


class DoubleDesk(PageDesk):
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
        self.page = DoublePage(keys)
        super().__init__(desk, guide, self.page)
        self._hid_classes = False
        self.doubles = Doubles(desk.session)
        self.veil = DisagreementVeil(desk.session, self.doubles)
        self._looking, self._comparing = OneAtATime(), OneAtATime()
        page, doubles = self.page, self.doubles
        page.authors_chosen.connect(lambda first, second: doubles.choose((first, second)))
        page.compare_wanted.connect(self._compare)
        page.shown_chosen.connect(doubles.show)
        page.place_chosen.connect(self._on_place)
        page.next_wanted.connect(self._go_next)
        self._follow((doubles.changed, self._show), (self._session.repainted, self._on_repainted))
        self._show()

    @property
    def commands(self) -> Mapping[str, Callable[[], None]]:
        """What to call for each action, by id."""
        return {"next_difference": self._go_next}

    def release(self) -> None:
        """Stop following the session."""
        self._show_classes(hidden=False)
        super().release()

    def _on_sight(self, seen: bool) -> None:
        if seen and not self._session.opened.blind:
            self._look_who_is_done()

    def _look_who_is_done(self) -> None:
        work = in_kept_process(double_standing, *self._zone)
        begin = partial(self._work, tr("Looking who is done"), work, self.doubles.take_standing)
        self._looking.begin(partial(begin, failed=self._show))

    def _compare(self) -> None:
        if self.doubles.authors is not None:
            work = in_kept_process(compare_authors, *self._zone, self.doubles.authors)
            begin = partial(self._work, tr("Comparing two annotations"), work, self._on_compared)
            self._comparing.begin(partial(begin, failed=self._show))
            self._show()

    @property
    def _zone(self) -> tuple[Any, str]:
        return self._session.opened.campaign.path, self._session.zone_id

    def _on_compared(self, compared: Compared) -> None:
        self.doubles.take(compared)

    def _on_repainted(self, _window: Window) -> None:
        self.doubles.follow()

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
        page.show_comparing(on=self._comparing.busy)
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
        classes = self._desk.layers.classes
        if hidden and classes.visible:
            classes.visible, self._hid_classes = False, True
        elif not hidden and self._hid_classes:
            classes.visible, self._hid_classes = True, False

    def _pair(self, place: Disagreement) -> str:
        first, second = (self._session.title_of(code) for code in place.classes)
        return tr("{first} or {second}", first=first, second=second)
