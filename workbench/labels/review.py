"""Review: a zone is open, submitted, accepted or sent back, and a verdict holds for the labels it judged.

Reviews are ops like any other. Each carries the heads it judged: the last label op (edit, undo or redo) of
every author at that moment. An accepted zone is locked: who has read the verdict cannot label in it until it
is sent back with a reason. A submitted zone is not: the annotator who finds a mistake mends it, and the zone
is open again. So it is where somebody labels who had not read a verdict: an edit is never lost to it.
*Sent back* is a request for edits and stays until somebody submits.
"""

from __future__ import annotations

__all__ = ["ZoneState", "accept", "check_judge", "send_back", "state_after", "submit", "zone_state"]

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from workbench.counting import counted
from workbench.errors import EditRefused
from workbench.labels.annotation import AnnotationStore
from workbench.labels.comments import one_line
from workbench.labels.edits import Review
from workbench.labels.losses import lost_edits
from workbench.labels.op import Head, Op
from workbench.labels.payloads import edit_of
from workbench.labels.proposed import is_model

StateName = Literal["open", "submitted", "accepted", "sent_back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneState:
    """Where a zone stands in review."""

    state: StateName
    by: str | None = None
    """Author of the verdict; None while open."""
    reason: str | None = None
    heads: tuple[Head, ...] = ()
    """Last label op of each author that the verdict judged, sorted by author."""
    at: datetime | None = None
    """Wall time of the verdict."""

    def __str__(self) -> str:
        by = f" by {self.by}" if self.by else ""
        reason = f": {one_line(self.reason)}" if self.reason else ""
        return f"{self.state.replace('_', ' ')}{by}{reason}"


def zone_state(store: AnnotationStore) -> ZoneState:
    """Return where the zone of a store stands in review."""
    return state_after(store.last_review(), store.label_heads())


def state_after(verdict: Op | None, heads: tuple[Head, ...]) -> ZoneState:
    """Return where a zone stands after its last verdict, None before the first.

    Parameters
    ----------
    verdict
        The review op that holds.
    heads
        Last label op of each author as it is now, sorted by author.
    """
    review = edit_of(verdict) if verdict is not None else None
    if verdict is None or not isinstance(review, Review):
        return ZoneState(state="open")
    if review.state != "sent_back" and review.heads != heads:
        return ZoneState(state="open")
    return ZoneState(
        state=review.state, by=verdict.author, reason=review.reason, heads=review.heads, at=verdict.wall_time
    )


def check_judge(author: str) -> None:
    """Refuse verdicts of a model.

    Raises
    ------
    EditRefused
        The author is one.
    """
    if is_model(author):
        raise EditRefused(f"{author} is a model, and judges no labels; review as a person")


def submit(store: AnnotationStore, *, reason: str | None = None) -> ZoneState:
    """Hand an open zone, or one that was sent back, to review.

    Raises
    ------
    EditRefused
        The zone is submitted or accepted already, or a model submits it.
    """
    check_judge(store.author or "")
    before = zone_state(store)
    if before.state == "submitted":
        raise EditRefused(f"zone {store.zone_id} is {before}; accept it or send it back")
    if before.state == "accepted":
        raise EditRefused(f"zone {store.zone_id} is {before}; send it back to label in it again")
    return _record(store, "submitted", reason)


def accept(store: AnnotationStore, *, reason: str | None = None) -> ZoneState:
    """Accept the labels of an open or submitted zone as they are.

    Parameters
    ----------
    store
        Of the zone.
    reason
        Why; edits that may be lost are passed over for a reason only.

    Raises
    ------
    EditRefused
        The zone is accepted already, or was sent back and not submitted since; or authors are in conflict,
        or edits may be lost, or a model accepts it.
    """
    check_judge(store.author or "")
    before = zone_state(store)
    if before.state == "accepted":
        raise EditRefused(f"zone {store.zone_id} is {before} already; there is nothing to do")
    if before.state == "sent_back":
        raise EditRefused(f"zone {store.zone_id} is {before}; submit it again before it is accepted")
    if reason is None and (missing := store.missing()):
        raise EditRefused(
            f"zone {store.zone_id} cannot be accepted, {lost_edits(missing)}, or say why it is accepted "
            "without them: --anyway REASON"
        )
    conflicts = store.conflicts().found
    if conflicts:
        first = conflicts[0]
        raise EditRefused(
            f"zone {store.zone_id} has {counted(len(conflicts), 'conflict')}, the largest at pixel "
            f"({first.row}, {first.col}) between "
            f"{' and '.join(first.ops)}; label those pixels again (opened first where a "
            "reviewer accepted them), then accept it"
        )
    return _record(store, "accepted", reason)


def send_back(store: AnnotationStore, reason: str) -> ZoneState:
    """Give a submitted or accepted zone back to its annotators, with the reason.

    Raises
    ------
    EditRefused
        The zone is open or was sent back already, the reason is empty, or a model sends it back.
    """
    check_judge(store.author or "")
    before = zone_state(store)
    if before.state in ("open", "sent_back"):
        raise EditRefused(f"zone {store.zone_id} is {before} and nobody's to send back; submit it first")
    return _record(store, "sent_back", reason)


def _record(
    store: AnnotationStore, state: Literal["submitted", "accepted", "sent_back"], reason: str | None
) -> ZoneState:
    store.record(Review(state=state, reason=reason, heads=store.label_heads()))
    return zone_state(store)
