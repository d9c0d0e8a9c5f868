"""How far the zones of one set lie from those of another.

Zones that are held out beside those that a model learned from flatter it (Kattenborn et al. 2022). Distances
are between the ground of patches, zone by zone; 0 = they touch.
"""

from __future__ import annotations

__all__ = ["SetDistance", "set_distances"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from workbench.export.folds import NEAR
from workbench.export.inventory import ZoneSum

_PAIRS: Final = (("valid", "train"), ("test", "train"), ("test", "valid"))
_STEPS: Final = (NEAR, 1_000.0, 10_000.0, 100_000.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDistance:
    """Distances of the zones of a set to the nearest zone of another."""

    of: str
    """The set whose zones are looked at."""
    to: str
    zones: int
    nearest: float
    """In metres, as all distances."""
    median: float
    within: Mapping[int, int]
    """Zones that have one of the other set nearer than some metres."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "of": self.of,
            "to": self.to,
            "zones": self.zones,
            "nearest_m": self.nearest,
            "median_m": self.median,
            "zones_within_m": {str(step): count for step, count in self.within.items()},
        }


def set_distances(sums: Sequence[ZoneSum], split: str) -> tuple[SetDistance, ...]:
    """Return how far apart the sets of a split lie, pair by pair; without pairs of which one is empty.

    Parameters
    ----------
    sums
        Zones of a release, see `workbench.export.inventory`.
    split
        Such as ``split_1`` or ``prod``.
    """
    import shapely

    grounds = {
        name: [one.ground for one in sums if one.splits[split] == name] for pair in _PAIRS for name in pair
    }
    found = []
    for of, to in _PAIRS:
        if not grounds[of] or not grounds[to]:
            continue
        tree = shapely.STRtree(grounds[to])
        _, away = tree.query_nearest(grounds[of], return_distance=True, all_matches=False)
        found.append(
            SetDistance(
                of=of,
                to=to,
                zones=len(grounds[of]),
                nearest=round(float(away.min()), 1),
                median=round(float(np.median(away)), 1),
                within={int(step): int((away < step).sum()) for step in _STEPS},
            )
        )
    return tuple(found)
