"""Which patches a preview shows: rare classes, and every zone, before any zone twice."""

from __future__ import annotations

__all__ = ["choose_patches"]

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.documents import digest


def choose_patches(
    ids: Sequence[str], zones: Sequence[str], shares: NDArray[np.floating], *, wanted: int
) -> list[int]:
    """Choose patches spread over zones and classes; the same ones each time.

    Half of the places go to classes, the rarest first: to the patches that have most of one, a zone once for
    each class. The other half goes from zone to zone, in an order that a hash of their names gives, so that a
    release with more zones shows the old ones in the same order.

    Parameters
    ----------
    ids
        Of all patches.
    zones
        Of each patch.
    shares
        Shape (patch, class). Part of its pixels that has the class.
    wanted
        How many at most.

    Returns
    -------
    list of int
        Numbers of patches, ascending.

    >>> choose_patches("abc", ["x", "x", "y"], np.array([[1.0, 0.0], [0.9, 0.1], [1.0, 0.0]]), wanted=2)
    [1, 2]
    """
    if len(ids) <= wanted:
        return list(range(len(ids)))
    chosen = dict.fromkeys(_of_classes(zones, shares, wanted // 2))
    for number in _of_zones(ids, zones):
        if len(chosen) >= wanted:
            break
        chosen[number] = None
    return sorted(chosen)


def _of_classes(zones: Sequence[str], shares: NDArray[np.floating], wanted: int) -> list[int]:
    """Return the patches that have most of each class, class by class in turn."""
    totals = shares.sum(axis=0)
    there = [int(column) for column in np.argsort(totals, kind="stable") if totals[column] > 0]
    columns = [_best(zones, shares[:, column], wanted) for column in there]
    found: dict[int, None] = {}
    for place in range(wanted):
        for column in columns:
            if place < len(column) and len(found) < wanted:
                found[column[place]] = None
    return list(found)


def _best(zones: Sequence[str], share: NDArray[np.floating], wanted: int) -> list[int]:
    """Return the patches with the largest share, the best of each zone; at most so many."""
    found: dict[str, int] = {}
    for number in np.argsort(-share, kind="stable").tolist():
        if len(found) >= wanted or share[number] <= 0:
            break
        found.setdefault(zones[number], number)
    return list(found.values())


def _of_zones(ids: Sequence[str], zones: Sequence[str]) -> list[int]:
    """Return all patches, the first of each zone before the second of any."""
    by_zone: dict[str, list[tuple[str, int]]] = {}
    for number, (patch, zone) in enumerate(zip(ids, zones, strict=True)):
        by_zone.setdefault(zone, []).append((digest(patch.encode()), number))
    turns = [
        (turn, digest(zone.encode()), number)
        for zone, patches in by_zone.items()
        for turn, (_, number) in enumerate(sorted(patches))
    ]
    return [number for _, _, number in sorted(turns)]
