"""Double annotation: who labels a zone a second time, blind, and when the two may be laid over each other.

What somebody labels blind is on a track of its own, which is part of nobody's labels; who labels blind reads
nobody else's. That is so as long as a person looks only at what they should, and it is the desk that people
look through: there nobody sees the other's labels before both are done. The open annotation is done once the
zone was handed in. A blind one is done once its author handed it in, or has labelled every pixel.
"""

from __future__ import annotations

__all__ = ["Annotator", "Compared", "Double", "check_unblinded", "compare_doubles", "double"]

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.assessment.disagreement import Disagreement, disagreement_kinds, disagreements
from workbench.campaign import Campaign
from workbench.errors import EditRefused
from workbench.geo.zone import Zone
from workbench.labels.annotation import AnnotationStore
from workbench.labels.proposed import is_model
from workbench.labels.review import StateName, zone_state
from workbench.workflows.authors import open_alone
from workbench.workflows.comparing import Comparison, compare_authors


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotator:
    """Somebody who labelled a zone, alone or with others."""

    author: str
    blind: bool
    """Whether they labelled it without seeing what others did."""
    labelled: float
    """Share of the zone that they, or where they do not label blind all of them, labelled."""
    state: StateName
    """Of the zone; of a blind annotation its own."""

    @property
    def done(self) -> bool:
        """Whether others may see what they labelled."""
        return self.state in ("submitted", "accepted") or (self.blind and self.labelled >= 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Double:
    """How far the two annotations of a zone are."""

    zone: str
    drawn: bool
    """Whether the zone was drawn for that."""
    authors: tuple[Annotator, ...]
    """Those who label openly first, each by name."""

    @property
    def begun(self) -> bool:
        """Whether somebody labels the zone blind."""
        return any(one.blind for one in self.authors)

    def hidden(self, authors: Sequence[str]) -> str:
        """Return why the labels of some authors are not laid over each other yet; empty where they may be."""
        left = [one for one in self.authors if one.author in authors and not one.done]
        if not left:
            return ""
        told = " and ".join(
            f"{one.author} has labelled {one.labelled:.0%}{' blind' if one.blind else ''}" for one in left
        )
        return f"hidden until both are handed in: {told}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """Two annotations of a zone, and where they differ."""

    comparison: Comparison
    first: NDArray[np.uint8]
    """Shape (row, col). Codes of the first author."""
    second: NDArray[np.uint8]
    kinds: NDArray[np.uint8]
    """Shape (row, col), of `disagreement_kinds`."""
    places: tuple[Disagreement, ...]
    """Where they differ in so many pixels that it is worth a look, the largest first."""


def double(campaign: Campaign, zone: Zone) -> Double:
    """Return how far the annotations of a zone are, read from its journals.

    Raises
    ------
    JournalError
        A journal cannot be read.
    """
    with campaign.open_store(zone) as store:
        state, labelled, blind = zone_state(store).state, store.coverage(), store.blind_authors
        openly = [head.author for head in store.label_heads() if not is_model(head.author)]
    found = [Annotator(author=one, blind=False, labelled=labelled, state=state) for one in openly]
    for author in blind:
        with open_alone(campaign, zone, author) as alone:
            found.append(_blind_annotator(alone, author))
    return Double(zone=zone.id, drawn=campaign.drawn(zone), authors=tuple(found))


def check_unblinded(campaign: Campaign, zone: Zone, store: AnnotationStore, author: str) -> None:
    """Refuse to show the labels of a zone to who labels it blind and is not done.

    Parameters
    ----------
    campaign, zone
        Which zone.
    store
        Its labels, as `Campaign.open_store` opens them.
    author
        Who wants to see them.

    Raises
    ------
    EditRefused
        With the way out.
    """
    if author not in store.blind_authors:
        return
    with open_alone(campaign, zone, author) as alone:
        annotator = _blind_annotator(alone, author)
    if not annotator.done:
        raise EditRefused(
            f"{author} labels zone {zone.id} blind and is not done ({annotator.labelled:.0%} labelled); go "
            "on with it blind and hand it in, then the labels of the others can be seen"
        )


def compare_doubles(campaign: Campaign, zone: Zone, authors: tuple[str, str], *, least: int = 20) -> Compared:
    """Lay the annotations of two authors over each other, if both are done.

    Parameters
    ----------
    campaign, zone, authors
        Whose labels of which zone: their blind labels, where they made some, else what they labelled alone.
    least
        Pixels from which on a place is worth a look.

    Raises
    ------
    EditRefused
        One of them is not done; or they are one and the same, or have no pixel in common.
    JournalError
        An author has no journal in the zone.
    """
    if hidden := double(campaign, zone).hidden(authors):
        raise EditRefused(f"zone {zone.id} is {hidden}")
    comparison = compare_authors(campaign, zone, authors)
    first, second = (open_alone(campaign, zone, author).labels for author in authors)
    kinds = disagreement_kinds(first, second, zone.footprint())
    return Compared(
        comparison=comparison,
        first=first,
        second=second,
        kinds=kinds,
        places=disagreements(kinds, first, second, least=least),
    )


def _blind_annotator(alone: AnnotationStore, author: str) -> Annotator:
    state = zone_state(alone).state
    return Annotator(author=author, blind=True, labelled=alone.coverage(), state=state)
