"""Two annotations of a zone laid over each other, once both are done: where they differ, and in which way."""

from __future__ import annotations

__all__ = ["Doubles", "Shown", "disagreement_stop"]

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_plugin.language import count, said, tr
from napari_plugin.places import Rounds, Stop
from napari_plugin.screen import sampled
from napari_plugin.session import Session
from workbench.assessment.disagreement import BORDER, CLASS, Disagreement
from workbench.labels.op import Head
from workbench.workflows.doubling import Annotator, Compared, Double

Shown = Literal["nothing", "kinds", "first", "second"]
"""What is laid over the picture: nothing, where the two differ, or the labels of one of them."""


class Doubles:
    """The double annotation of the zone of a session."""

    changed = Signal()
    """Who is done, what was compared, or what is shown is another than before."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rounds = Rounds()
        self._heads: tuple[Head, ...] = ()
        self.standing: Double | None = None
        """How far the annotations are; None before that was looked up."""
        self.authors: tuple[str, str] | None = None
        """Whose labels are compared."""
        self.compared: Compared | None = None
        """What came of it; None before both are done and were compared."""
        self.shown: Shown = "nothing"

    @property
    def wanted(self) -> bool:
        """Whether the zone has, or is to have, a second annotation."""
        session = self._session
        return bool(session.store.blind_authors) or session.opened.campaign.drawn(session.opened.zone)

    def hidden(self) -> str:
        """Return why the two are not laid over each other; empty where they can be."""
        if self._session.opened.blind:
            return tr("You label this zone blind: what others did stays hidden.")
        if self.standing is None:
            return tr("Looking who is done…")
        if not self.standing.begun:
            return tr("Nobody labels this zone a second time yet.")
        if self.authors is None:
            return tr("There are no two annotations to compare.")
        if self.authors[0] == self.authors[1]:
            return tr("Choose two people: one is compared with nobody.")
        why = self.standing.hidden(self.authors)
        return f"{said(why)[:1].upper()}{said(why)[1:]}." if why else ""

    def take_standing(self, standing: Double) -> None:
        """Take how far the annotations are; compare the first open one with the first blind one."""
        self.standing = standing
        names = [one.author for one in standing.authors]
        if self.authors is None or not set(self.authors) <= set(names):
            blind = [one.author for one in standing.authors if one.blind]
            others = [name for name in names if name not in blind[:1]]
            self.authors = (others[0], blind[0]) if blind and others else None
            self.compared = None
        self.changed.emit()

    def choose(self, authors: tuple[str, str]) -> None:
        """Choose whose labels are compared."""
        if authors != self.authors:
            self.authors, self.compared = authors, None
            self.changed.emit()

    def take(self, compared: Compared) -> None:
        """Take what came of comparing, unless others were chosen meanwhile."""
        if compared.comparison.authors != self.authors:
            return
        self.compared, self._heads = compared, self._session.store.label_heads()
        self.shown = "kinds" if self.shown == "nothing" else self.shown
        self.changed.emit()

    def show(self, shown: Shown) -> None:
        """Choose what is laid over the picture."""
        self.shown = shown
        self.changed.emit()

    def follow(self) -> None:
        """Put away what was compared where labels changed since: who mends a place sees what they do."""
        if self.shown != "nothing" and self._session.store.label_heads() != self._heads:
            self.show("nothing")
            self._session.noticed.emit(tr("Labels changed since they were compared: they are shown again."))

    def codes(self, rows: NDArray[np.int64], cols: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return what is shown where rows and columns cross: `BORDER` or `CLASS`, or codes of classes."""
        found = self.compared
        if found is None or self.shown == "nothing":
            return np.zeros((rows.size, cols.size), np.uint8)
        planes = {"kinds": found.kinds, "first": found.first, "second": found.second}
        return sampled(planes[self.shown], rows, cols)

    def next_place(self) -> Disagreement | None:
        """Return the next place where the two differ, the largest first, and say what it is."""
        places = self.compared.places if self.compared is not None else ()
        stops = [disagreement_stop(place, self.told(place)) for place in places]
        stop = self._rounds.next(stops)
        if stop is None:
            self._session.noticed.emit(tr("There is no place where two annotations differ."))
            return None
        rank = stops.index(stop)
        told = tr("{rank} of {all}: {told}", rank=rank + 1, all=len(stops), told=stop.told)
        self._session.noticed.emit(told)
        return places[rank]

    def told(self, place: Disagreement) -> str:
        """Return what is different at a place, in one line."""
        first, second = (self._session.title_of(code) for code in place.classes)
        what = tr("{first} or {second}", first=first, second=second)
        return f"{what} · {count('{count} pixel', '{count} pixels', place.pixels)}"

    def annotators(self) -> tuple[Annotator, ...]:
        """Return who labelled the zone."""
        return self.standing.authors if self.standing is not None else ()


def disagreement_stop(place: Disagreement, told: str) -> Stop:
    """Return a disagreement as a stop."""
    kinds = {BORDER: "border", CLASS: "class"}
    key = f"{kinds[place.kind]} {place.row} {place.col}"
    return Stop(key=key, window=place.window, row=place.row, col=place.col, told=told)
