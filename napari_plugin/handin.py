"""Handing a zone in: what the checks found, what its author says to that, and the verdict *submitted*."""

from __future__ import annotations

__all__ = ["FINDING_TITLES", "HandIn"]

from collections.abc import Mapping, Sequence

from psygnal import Signal

from napari_plugin.inquiries import Checked
from napari_plugin.language import count, number, said, title, tr
from napari_plugin.places import Rounds, Stop
from napari_plugin.session import Session
from workbench.assessment.findings import JUSTIFIABLE, KINDS, Finding, Kind
from workbench.counting import counted
from workbench.errors import EditRefused
from workbench.labels.edits import Comment
from workbench.labels.op import Op
from workbench.labels.review import ZoneState, submit, zone_state
from workbench.workflows.admitting import check_admitted
from workbench.workflows.closing import Judged

FINDING_TITLES: Mapping[Kind, str] = {
    "unlabelled": "Without a label",
    "unresolved": "Of an upper class only",
    "tall-water": "Water that stands up",
    "green-impervious": "Sealed ground that is green",
    "flat-building": "Buildings without height",
    "sliver": "Slivers",
    "border-break": "Breaks at the border with a neighbour",
}
"""What each kind of finding is called, in English, as `language.tr` takes it."""


class HandIn:
    """The checks of the zone of a session, and its way into review."""

    changed = Signal()
    """The checks, what is justified, or the zone's state are others than before."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rounds = Rounds()
        self._checked: Checked | None = None
        self._judged: tuple[Judged, ...] = ()

    # What is there

    @property
    def state(self) -> ZoneState:
        """Where the zone, or the author's blind annotation of it, stands in review."""
        return zone_state(self._session.store)

    @property
    def blind(self) -> str:
        """Who labels the zone blind in this session; empty where it is labelled openly."""
        return self._session.author if self._session.opened.blind else ""

    @property
    def checked(self) -> bool:
        """Whether the labels were looked over, now or before they changed."""
        return self._checked is not None

    @property
    def fresh(self) -> bool:
        """Whether the labels are those that were looked over."""
        return self._checked is not None and self._checked.heads == self._session.store.label_heads()

    @property
    def open(self) -> tuple[Finding, ...]:
        """The findings that are neither fixed nor justified, the largest first."""
        return tuple(one.finding for one in self._judged if one.by is None)

    @property
    def left_out(self) -> tuple[str, ...]:
        """Checks that could not be made, one sentence each."""
        if self._checked is None:
            return ()
        zone = self._checked.zone
        kinds = [
            tr("{check}: not checked, {why}.", check=tr(FINDING_TITLES[kind]), why=said(why))
            for kind, why in zone.left_out
        ]
        borders = [
            tr("Border with {zone}: not checked, {why}.", zone=name, why=said(why))
            for name, why in zone.neighbours
        ]
        return (*kinds, *borders)

    def groups(self) -> Mapping[Kind, Sequence[Judged]]:
        """Return what was found by kind, what is open first and then the largest."""
        return {
            kind: sorted(
                (one for one in self._judged if one.finding.kind == kind), key=lambda one: one.by is not None
            )
            for kind in KINDS
            if any(one.finding.kind == kind for one in self._judged)
        }

    def told(self) -> str:
        """Return how the zone stands, in one sentence."""
        if self._checked is None:
            return tr("Not checked yet.")
        if not self.fresh:
            return tr("The labels changed since they were checked.")
        if not self._judged:
            return tr("Checked: nothing was found.")
        if not self.open:
            return tr("Checked: everything that was found is justified.")
        return count("{count} finding is open.", "{count} findings are open.", len(self.open))

    # What is done

    def take(self, checked: Checked) -> None:
        """Take what the checks found."""
        self._checked, self._judged = checked, checked.zone.findings
        self.changed.emit()

    def follow(self) -> None:
        """Take notice of labels or verdicts that changed."""
        self.changed.emit()

    def justify(self, finding: Finding, text: str) -> bool:
        """Say why a finding is right as it is; return whether that is done."""
        if finding.kind not in JUSTIFIABLE:
            self._session.noticed.emit(tr("A pixel without a label cannot be justified: label it."))
            return False
        comment = Comment(row=finding.row, col=finding.col, text=text, justifies=finding.kind)
        written: list[Op] = []
        if not self._session.write(lambda: written.append(self._session.store.record(comment))):
            return False
        self._judged = tuple(
            Judged(finding=finding, by=(written[0].id, comment)) if one.finding is finding else one
            for one in self._judged
        )
        self.changed.emit()
        return True

    def submit(self, *, reason: str = "") -> bool:
        """Hand the zone in; return whether that is done.

        Parameters
        ----------
        reason
            Why it is handed in although findings are open, or it was not checked; others read it.
        """
        session, why = self._session, reason.strip() or None

        def verdict() -> None:
            check_admitted(session.opened.campaign, session.author)
            if why is None:
                self._check_closed()
            submit(session.store, reason=why)

        done = session.write(verdict)
        self.changed.emit()
        return done

    def next_finding(self) -> Judged | None:
        """Return the next finding that is open, and say what it is."""
        left = [one for one in self._judged if one.by is None]
        stops = [self._stop(one.finding) for one in left]
        stop = self._rounds.next(stops)
        if stop is None:
            self._session.noticed.emit(
                tr("Nothing that was found is open.") if self.checked else tr("The zone was not checked yet.")
            )
            return None
        rank = stops.index(stop)
        self._session.noticed.emit(
            tr("{rank} of {all}: {told}", rank=rank + 1, all=len(stops), told=stop.told)
        )
        return left[rank]

    def title_of(self, finding: Finding) -> str:
        """Return what people call the class, or upper class, of a finding."""
        if finding.kind == "unresolved" and finding.named:
            return self._called(finding.named[0])
        return self._session.title_of(finding.code)

    def told_of(self, finding: Finding) -> str:
        """Return what was measured, against what, in words; classes by their titles."""
        match finding.kind, finding.named:
            case "unresolved", (key,):
                return tr("its author was sure of {key} only", key=self._called(key))
            case "flat-building", (key,):
                return tr(
                    "{height} m above ground, a {key} has at least {least} m",
                    height=number(finding.measured, 1),
                    key=self._called(key),
                    least=number(finding.limit, 1),
                )
            case "border-break", (own, other, neighbour):
                return tr(
                    "{own} here and {other} in {neighbour}, and the picture shows no edge there",
                    own=self._called(own),
                    other=self._called(other),
                    neighbour=neighbour,
                )
            case _:
                return said(finding.told)

    def measured(self, finding: Finding) -> str:
        """Return how large a finding is, and what was measured."""
        pixels = count("{count} pixel", "{count} pixels", finding.pixels)
        return f"{pixels}, {self.told_of(finding)}"

    # Inside

    def _called(self, key: str) -> str:
        """Return what people call a class or upper class."""
        nomenclature = self._session.nomenclature
        upper = any(group.key == key for group in nomenclature.groups)
        return title((nomenclature.upper(key) if upper else nomenclature.by_key(key)).titles)

    def _stop(self, finding: Finding) -> Stop:
        kind, row, col = finding.kind, finding.row, finding.col
        called = f"{tr(FINDING_TITLES[kind])}, {self.title_of(finding)}"
        told = tr("{title}: {told}", title=called, told=self.measured(finding))
        return Stop(key=f"{kind} {row} {col}", window=finding.window, row=row, col=col, told=told)

    def _check_closed(self) -> None:
        zone = self._session.zone_id
        if self._checked is None or not self.fresh:
            raise EditRefused(f"zone {zone} was not checked as it is now; check it, then hand it in")
        if self.open:
            raise EditRefused(
                f"zone {zone} has {counted(len(self.open), 'open finding')}; fix or justify each, or give a "
                "reason to hand it in all the same"
            )
