"""Pre-labels on the desk: what models propose, what of it is chosen, what that would change, accepting it.

Models' journals are replayed in another thread; from then on figures and preview follow the labels by the
windows that change.
"""

from __future__ import annotations

__all__ = ["Choice", "Looked", "Prelabelling", "replayed"]

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_plugin import veil_codes
from napari_plugin.language import area, count, number, percent, tr
from napari_plugin.lasting import lasting
from napari_plugin.lending import lend, take_back
from napari_plugin.prelabel_walk import PrelabelWalk, ShownPrelabel
from napari_plugin.processes import Report
from napari_plugin.screen import sampled
from napari_plugin.session import Session
from napari_plugin.veil_codes import class_table, heat_codes, looked_up, taken
from workbench.geo.grid import Window
from workbench.labels import uptake
from workbench.labels.editing import Given, Region
from workbench.labels.edits import AssignMask
from workbench.labels.prelabels import Chosen, Prelabels
from workbench.labels.proposed import Group, ModelJournals, Proposed, is_model
from workbench.labels.uptake import Tally, Uptake

_Axis = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which pre-labels a person has chosen to accept."""

    groups: frozenset[Group] | None = None
    """Only these; None = all that there are."""
    above: float | None = None
    """Only those in which the model has at least this confidence, 0 to 1; None = whatever it says."""
    over: bool = False
    """Whether labels that differ are replaced, too."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looked:
    """Where somebody looks: rows and columns of the zone that the screen shows, and a part of them."""

    rows: _Axis
    """Never falling; they may reach outside."""
    cols: _Axis
    part: Window | None = None
    """Of these rows and columns; None = all."""

    @property
    def place(self) -> tuple[slice, slice]:
        """The part as slices."""
        return self.part.slices if self.part is not None else (slice(None), slice(None))


def replayed(journals: ModelJournals) -> Proposed:
    """Return what models propose, for another thread to call; all that shows it is loaded there, too."""
    uptake.load_kernels()
    veil_codes.load_kernels()
    with lasting():
        return journals.replayed()


class Prelabelling:
    """The pre-labels of the zone of a session, and what is chosen of them.

    Parameters
    ----------
    session
        Of the zone; its labels are followed by `follow`.
    """

    changed = Signal()
    """Pre-labels, labels below them, or the choice are others than before."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._prelabels: Prelabels | None = None
        self._uptake: Uptake | None = None
        self.choice = Choice()
        """What is chosen; `choose` changes it."""
        self._chosen = np.zeros(1, np.bool_)
        self._class_table = self._heat_table = self._chosen_table = np.zeros(1, np.uint8)
        self.colours: Mapping[int, str] = {}
        """``#rrggbb`` of each code that `class_codes` and `preview_codes` return."""
        self._walk: PrelabelWalk | None = None
        self._looked: tuple[_Axis, _Axis, NDArray[np.uint32]] | None = None
        """What the screen showed last: while a slider moves it shows the same ops."""

    # What is there

    @property
    def present(self) -> bool:
        """Whether a model wrote anything about the zone."""
        return any(is_model(author) for author in self._session.store.head)

    @property
    def ready(self) -> bool:
        """Whether what models wrote was replayed, so that it can be shown and accepted."""
        return self._prelabels is not None

    @property
    def counted(self) -> bool:
        """Whether the figures are those of the labels as they are."""
        return self._uptake is not None and self._uptake.counted

    @property
    def groups(self) -> tuple[Group, ...]:
        """The classes that models propose, by model."""
        return self._prelabels.proposed.groups if self._prelabels is not None else ()

    @property
    def sayings(self) -> bool:
        """Whether a model said how sure it is of something."""
        return self._prelabels is not None and not np.isnan(self._prelabels.proposed.confidence).all()

    def title_of(self, group: Group) -> str:
        """Return what people call the class of a group."""
        return self._session.called(Given(code=group.code, upper=group.upper))

    def colour_of(self, group: Group) -> str:
        """Return the colour ``#rrggbb`` of the class of a group."""
        nomenclature = self._session.nomenclature
        if group.upper is not None:
            return nomenclature.upper(group.upper).colour
        return nomenclature.by_code(group.code).colour

    def unread(self) -> ModelJournals | None:
        """Return what models wrote that was not replayed yet; None if nothing."""
        proposals = self._session.store.proposals
        if self._session.lent or not self.present:
            return None
        if proposals.replayed:
            if self._prelabels is None:
                self._show(proposals.prelabels())
            return None
        return proposals.journals()

    def take(self, proposed: Proposed) -> None:
        """Take what another thread replayed."""
        proposals = self._session.store.proposals
        proposals.keep(proposed)
        if proposals.replayed:  # else a model wrote more meanwhile
            self._show(proposals.prelabels())

    def follow(self, window: Window) -> None:
        """Take notice of labels that changed in a window."""
        if self._uptake is not None:
            self._uptake.follow(window)
            self.changed.emit()

    def count(self) -> bool:
        """Count a part of what is to be counted, some twenty milliseconds; return whether there is more."""
        if self._uptake is None or self._uptake.counted or self._session.lent:
            return False
        more = self._uptake.count()
        if not more:
            self.changed.emit()
        return more

    # What is chosen

    def choose(self, choice: Choice) -> None:
        """Choose what is to be accepted."""
        self.choice = choice
        self._choose()
        self.changed.emit()

    def toggle(self, group: Group) -> None:
        """Choose a group, or no longer."""
        groups = set(self.groups if self.choice.groups is None else self.choice.groups)
        groups ^= {group}
        every = groups == set(self.groups)
        self.choose(replace(self.choice, groups=None if every else frozenset(groups)))

    def tally(self) -> Mapping[Group, Tally]:
        """Return what would be accepted, by group."""
        return {} if self._uptake is None else self._uptake.tally(self._chosen, over=self.choice.over)

    def waiting(self) -> Mapping[Group, Tally]:
        """Return what waits, by group: pre-labels where there is no label."""
        return {} if self._uptake is None else self._uptake.tally(np.ones_like(self._chosen), over=False)

    def told(self) -> str:
        """Return what would change, in one sentence."""
        if self._session.opened.blind:
            return tr("Nothing would change.")
        if not self.counted:
            return tr("Counting…")
        tallies = self.tally().values()
        regions, pixels = sum(one.regions for one in tallies), sum(one.pixels for one in tallies)
        if not regions:
            return tr("Nothing would change.")
        return count(
            "{count} region would change: {pixels} pixels, {area}",
            "{count} regions would change: {pixels} pixels, {area}",
            regions,
            pixels=number(pixels),
            area=area(pixels * self._session.grid.resolution**2),
        )

    # What is seen

    def class_codes(self, looked: Looked, *, waiting: bool = False) -> NDArray[np.uint8]:
        """Return the class that is proposed where somebody looks, as `colours` has it.

        Parameters
        ----------
        looked
            Where.
        waiting
            Only where nothing is labelled.
        """
        return self._codes(looked, self._class_table, waiting=waiting)

    def heat_codes(self, looked: Looked, *, waiting: bool = False) -> NDArray[np.uint8]:
        """Return how sure models are where somebody looks, as `veil_codes.heat` has it.

        Parameters are those of `class_codes`.
        """
        return self._codes(looked, self._heat_table, waiting=waiting)

    def preview_codes(self, looked: Looked) -> NDArray[np.uint8]:
        """Return the class that is given where accepting would change something; 0 where it would not."""
        return self._standing_codes(looked, self._chosen_table, over=self.choice.over)

    # What is done

    def accept_here(self) -> None:
        """Accept the pre-labels in the region under the pointer, over labels only if that is chosen."""
        session, hover = self._session, self._session.pointed()
        if hover is None:
            return
        prelabels = self._prelabels
        if prelabels is None:
            session.noticed.emit(self._why_none())
            return
        chosen = Chosen(region=session.pixels_of(hover), pointed=True, over=self.choice.over)
        session.commit(
            lambda: [one.edit for one in prelabels.accepting(chosen) if isinstance(one.edit, AssignMask)]
        )

    def begin_accepting(self) -> Callable[[Report], Window] | None:
        """Lend the store to another thread that accepts what is chosen; `end_accepting` has it back.

        Returns
        -------
        Callable or None
            What that thread calls, with what it reports its progress to; it returns what changed. None where
            nothing can be accepted, which was said.
        """
        session, prelabels, choice = self._session, self._prelabels, self.choice
        if prelabels is None or not lend(
            session, tr("Pre-labels are being accepted; wait until that is done.")
        ):
            return None

        def work(report: Report) -> Window:
            with session.borrowed, lasting():
                report(0.05, tr("making edits"))
                chosen = Chosen(above=choice.above, over=choice.over, among=choice.groups)
                drawn = prelabels.accepting(chosen)
                report(0.4, tr("writing them down"))
                return session.store.apply_drawn(drawn)

        return work

    def end_accepting(self, window: Window | None) -> None:
        """Have the store back, and show what changed."""
        take_back(self._session, window)

    def next_uncertain(self) -> Region | None:
        """Return the pixels of the pre-label in which a pick is worth most; called again, of the next one."""
        if self._walk is None:
            self._session.noticed.emit(self._why_none())
            return None
        shown = self._walk.next()
        if shown is None:
            self._session.noticed.emit(tr("No pre-label waits any more, and each was looked at."))
            return None
        self._session.noticed.emit(self._told_of(shown))
        return shown.region

    # Inside

    def _why_none(self) -> str:
        if self.present:
            return tr("The pre-labels are still being read.")
        return tr("No model proposes anything in this zone.")

    def _show(self, prelabels: Prelabels) -> None:
        """Show what models propose."""
        self._prelabels, self._uptake = prelabels, Uptake(prelabels)
        proposed, self._looked = prelabels.proposed, None
        self._walk = PrelabelWalk(proposed, self._uptake)
        codes, self.colours = class_table(proposed.groups, self._session.nomenclature)
        self._class_table = codes[proposed.group]
        self._heat_table = np.where(proposed.group > 0, heat_codes(proposed.confidence), 0).astype(np.uint8)
        there = frozenset(proposed.groups)
        if self.choice.groups is not None:
            self.choice = replace(self.choice, groups=self.choice.groups & there)
        self._choose()
        self.changed.emit()

    def _choose(self) -> None:
        if self._uptake is not None:
            self._chosen = self._uptake.chosen(among=self.choice.groups, above=self.choice.above)
            self._chosen_table = np.where(self._chosen, self._class_table, 0).astype(np.uint8)

    def _codes(self, looked: Looked, table: NDArray[np.uint8], *, waiting: bool) -> NDArray[np.uint8]:
        if waiting:
            return self._standing_codes(looked, table, over=False)
        return looked_up(self._ops(looked), table)

    def _standing_codes(self, looked: Looked, table: NDArray[np.uint8], *, over: bool) -> NDArray[np.uint8]:
        """Return the code of each op where it stands on pixels that can be taken over."""
        ops, (down, across) = self._ops(looked), looked.place
        if self._uptake is None:
            return np.zeros(ops.shape, np.uint8)
        standing = sampled(self._uptake.standing, looked.rows[down], looked.cols[across])
        return taken(ops, standing, table, over=over)

    def _ops(self, looked: Looked) -> NDArray[np.uint32]:
        """Return the op that proposes the class where somebody looks, 0 where none does."""
        if self._prelabels is None:
            return np.zeros((looked.rows.size, looked.cols.size), np.uint32)[looked.place]
        rows, cols, known = looked.rows, looked.cols, self._looked
        if known is None or not (np.array_equal(known[0], rows) and np.array_equal(known[1], cols)):
            known = self._looked = rows, cols, self._prelabels.proposed.last_across(rows, cols)
        return known[2][looked.place]

    def _told_of(self, shown: ShownPrelabel) -> str:
        """Return why somebody should look at a pre-label, in a sentence."""
        title, pixels = self.title_of(shown.group), number(shown.pixels)
        if shown.accepted:
            title = tr("{title}, accepted unseen", title=title)
        if np.isnan(shown.confidence):
            return tr("{title}: {pixels} px, no confidence said", title=title, pixels=pixels)
        return tr(
            "{title}: {pixels} px, confidence {sure}, about {wrong} wrong",
            title=title,
            pixels=pixels,
            sure=percent(shown.confidence, 0),
            wrong=number(round(shown.wrong)),
        )
