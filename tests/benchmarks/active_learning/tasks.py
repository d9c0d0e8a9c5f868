"""What an arm sees, as the task that strategies of the workbench are given."""

from __future__ import annotations

__all__ = ["chosen_by"]

import math
from collections.abc import Sequence

import numpy as np
from annotator import OPENING
from numpy.typing import NDArray
from views import Regions, View, Zones
from zone_tables import CODES

from workbench.active.acquisition import entropy
from workbench.active.budget import Budget, Tariff, Unit
from workbench.active.measures import Known, Measures
from workbench.active.parts import PIXELS_PER_PART, Parts
from workbench.active.task import Strategy, Task

_CLASSES = tuple(f"class_{code}" for code in CODES)
_AREA = 0.0419
"""km² of a zone; all are as large."""
_MORE = 2.0
"""How many times the budget a strategy may choose for: zones are labelled in its order until the picks are
spent, and some cost less than was expected."""


def chosen_by(strategy: Strategy, view: View, rng: np.random.Generator, budget: float) -> Sequence[int]:
    """Return what a strategy chooses, in its order."""
    said = view.predicted
    candidates = _measures(
        view.candidates,
        pixels=said.mass,
        doubtful=said.entropy / math.log(len(CODES)),
        picks=np.maximum(said.picks - OPENING, 0),
        parts=tuple(_parts(view.regions(at), doubt=True) for at in range(len(view.candidates.ids))),
    )
    labelled = _measures(
        view.labelled,
        pixels=view.labelled_pixels.astype(float),
        doubtful=np.zeros(view.labelled_pixels.shape),
        picks=np.zeros(len(view.labelled.ids)),
        parts=tuple(_parts(view.labelled_regions(at), doubt=False) for at in range(len(view.labelled.ids))),
    )
    task = Task(
        candidates=candidates,
        known=Known(zones=labelled),
        budget=Budget(limit=_MORE * max(budget, float(said.picks.min())), unit=Unit.PICKS),
        tariff=Tariff(seconds_per_pick=1, opening=OPENING),
        seed=int(rng.integers(2**31)),
    )
    return strategy(task).rows


def _measures(
    zones: Zones,
    *,
    pixels: NDArray[np.float64],
    doubtful: NDArray[np.float64],
    picks: NDArray[np.float64],
    parts: tuple[Parts, ...],
) -> Measures:
    count = len(zones.ids)
    return Measures(
        ids=zones.ids,
        domains=zones.domains,
        themes=zones.themes,
        places=np.column_stack([zones.x, zones.y]),
        area=np.full(count, _AREA),
        picks=picks,
        classes=_CLASSES,
        expected=pixels,
        doubtful=doubtful,
        features=np.hstack([zones.features, zones.spread]).astype(float),
        parts=parts,
    )


def _parts(regions: Regions, *, doubt: bool) -> Parts:
    """Cut a zone into parts as `workbench.active.parts.parts_of` does, with the looks that heads learn by."""
    area = regions.area
    count = int(area.sum()) // PIXELS_PER_PART
    borders = np.sort(regions.s[1:])[::-1]
    least = borders[count - 1] if count <= borders.size else -np.inf
    first = np.flatnonzero(np.append(True, regions.s[1:] > least))
    pixels = np.add.reduceat(area, first)
    looks = np.add.reduceat(regions.features.astype(float) * area[:, None], first) / pixels[:, None]
    said = regions.proba.argmax(axis=1)
    votes = np.zeros((area.size, len(CODES)))
    votes[np.arange(area.size), said] = area
    unsure = entropy(regions.proba.T)
    return Parts(
        looks=looks,
        classes=np.add.reduceat(votes, first).argmax(axis=1),
        pixels=pixels.astype(float),
        doubtful=np.add.reduceat(area * unsure, first) * doubt,
    )
