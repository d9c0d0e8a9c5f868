"""What an arm sees when it chooses: zones and what the current head says of them, never their truth.

An arm is a function ``(view, rng, budget) -> order``: places in ``view.candidates``, the first to be labelled
first. The loop opens zones in that order until the round's budget of picks is spent; the zone in which that
happens is finished. What it costs to look at predictions is paid only by arms that ask for them.
"""

from __future__ import annotations

__all__ = ["Arm", "Oracle", "Predicted", "Regions", "View", "Zones", "predict"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from annotator import OPENING, mass_of
from linear_head import Head
from numpy.typing import NDArray
from zone_tables import CODES, ZoneTable

from workbench.active.cost import expected_left


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Zones:
    """Zones without a look at their truth."""

    ids: tuple[str, ...]
    domains: tuple[str, ...]
    themes: tuple[str, ...]
    x: NDArray[np.float64]
    """Shape (zone,). Centres in Lambert-93, metres."""
    y: NDArray[np.float64]
    """Shape (zone,)."""
    features: NDArray[np.float32]
    """Shape (zone, feature). Means over the pixels."""
    spread: NDArray[np.float32]
    """Shape (zone, feature). Standard deviations between the regions, by their pixels."""

    def taken(self, places: Sequence[int]) -> Zones:
        """Return some of the zones, in the order given."""
        at = np.asarray(places, np.intp)
        return Zones(
            ids=tuple(self.ids[one] for one in at),
            domains=tuple(self.domains[one] for one in at),
            themes=tuple(self.themes[one] for one in at),
            x=self.x[at],
            y=self.y[at],
            features=self.features[at],
            spread=self.spread[at],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predicted:
    """What the current head says of zones; columns are those of FLAIR's codes less one."""

    mass: NDArray[np.float64]
    """Shape (zone, class). Expected pixels: probabilities, summed."""
    entropy: NDArray[np.float64]
    """Shape (zone, class). −p ln p summed over the pixels; the sum over classes is the zone's entropy."""
    picks: NDArray[np.float64]
    """Shape (zone,). Expected picks, with those for opening."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Regions:
    """The regions of one zone, and what the current head says of each."""

    s: NDArray[np.float32]
    """Shape (region,). Altitude between regions j − 1 and j; inf at 0."""
    area: NDArray[np.int64]
    """Shape (region,). Pixels."""
    features: NDArray[np.float32]
    """Shape (region, feature)."""
    proba: NDArray[np.float32]
    """Shape (region, class). Of labelled zones, the truth: somebody labelled them."""


class View:
    """The pool in the hour of a choice."""

    def __init__(
        self,
        *,
        candidates: Zones,
        labelled: Zones,
        labelled_pixels: NDArray[np.int64],
        tables: Sequence[ZoneTable],
        labelled_tables: Sequence[ZoneTable],
        head: Head,
        round_number: int,
    ) -> None:
        self.candidates = candidates
        self.labelled = labelled
        self.labelled_pixels = labelled_pixels
        """Shape (zone, class). True pixels of the labelled zones: somebody labelled them."""
        self.round_number = round_number
        self._tables = tables
        self._labelled_tables = labelled_tables
        self._head = head

    @cached_property
    def predicted(self) -> Predicted:
        """Return what the head says of the candidates."""
        return predict(self._head, self._tables)

    @cached_property
    def labelled_predicted(self) -> Predicted:
        """Return what the head says of the zones that it learned from."""
        return predict(self._head, self._labelled_tables)

    def regions(self, place: int) -> Regions:
        """Return the regions of one candidate."""
        table = self._tables[place]
        return Regions(
            s=table.s, area=table.area, features=table.features, proba=self._head.proba(table.features)
        )

    def labelled_regions(self, place: int) -> Regions:
        """Return the regions of one labelled zone."""
        table = self._labelled_tables[place]
        shares = (table.counts / table.area[:, None]).astype(np.float32)
        return Regions(s=table.s, area=table.area, features=table.features, proba=shares)


Arm = Callable[[View, np.random.Generator, float], Sequence[int]]
"""Takes the view, what it may draw from, and the round's budget in picks; returns places, best first."""
Oracle = Callable[[View, np.random.Generator, float, NDArray[np.int64]], Sequence[int]]
"""An arm that is also shown the truth of the candidates, pixels by (zone, class)."""


def predict(head: Head, tables: Sequence[ZoneTable]) -> Predicted:
    """Say what a head says of zones."""
    mass, entropy = np.zeros((len(tables), len(CODES))), np.zeros((len(tables), len(CODES)))
    picks = np.zeros(len(tables))
    for number, table in enumerate(tables):
        proba = head.proba(table.features)
        area = table.area.astype(np.float32)
        mass[number] = area @ proba
        entropy[number] = -(area @ (proba * np.log(np.maximum(proba, 1e-12))))
        picks[number] = OPENING + expected_left(table.s, mass_of(table, proba), table.area)
    return Predicted(mass=mass, entropy=entropy, picks=picks)
