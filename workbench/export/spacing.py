"""How far apart the sets of a split lie on the ground.

Distances are between the borders of patches, in metres; patches that touch are 0 apart. On a lattice the
distance of a square to others is that of its middle to the middles of all squares that are these or touch
them, so the nearest square is found by a tree of points, exactly.
"""

from __future__ import annotations

__all__ = ["EDGES", "Contact", "Spacing", "contacts", "spacing"]

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.export.columns import COLUMNS, PatchColumns
from workbench.export.folds import SUBSETS, Subset

EDGES: Final = (0.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0, 50_000.0)
"""Where the classes of a histogram of distances begin, in metres; the last has no end."""
_AT_ONCE: Final = 1 << 21
"""Pairs of patches in memory."""
_BITS: Final = 1 << np.arange(len(COLUMNS))
_TOUCHING: Final = tuple(product((-1, 0, 1), repeat=2))
_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Spacing:
    """How far the patches of one set are from the nearest ones of another, in one split."""

    column: str
    subset: Subset
    """Whose patches are counted."""
    other: Subset
    smallest: float
    """Metres."""
    counts: tuple[int, ...]
    """Patches by distance, in the classes of `EDGES`."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "column": self.column,
            "from": self.subset,
            "to": self.other,
            "smallest_m": self.smallest,
            "patches": list(self.counts),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """Two zones of which patches of different sets are too near each other."""

    zones: tuple[int, int]
    """Places in the columns' names, the lower one first."""
    patches: tuple[int, int]
    """Of all such patches the nearest two, by their place."""
    columns: tuple[str, ...]
    """Splits in which some of them are in different sets."""
    distance: float
    """Of the nearest two, in metres."""
    pairs: int
    """Pairs of such patches."""
    shared: int
    """Pairs of these that are the same ground."""


def spacing(columns: PatchColumns) -> tuple[list[Spacing], NDArray[np.float64]]:
    """Return how far the sets of each split are from each other.

    Returns
    -------
    spacings, nearest
        Of each split and pair of sets that both have patches; and for each patch the distance to the nearest
        one of another set, shape (patch,), of each two sets as seen from one of them.
    """
    found, nearest = [], np.full(len(columns), np.inf)
    for column, sets in zip(COLUMNS, columns.sets, strict=True):
        members = [np.flatnonzero(sets == place) for place in range(len(SUBSETS))]
        for first, second in combinations(range(len(SUBSETS)), 2):
            own, others = members[second], members[first]
            if not own.size or not others.size:
                continue
            apart = _distances(columns.cells[own], columns.cells[others]) * columns.pitch
            nearest[own] = np.minimum(nearest[own], apart)
            counts = np.histogram(apart, (*EDGES, np.inf))[0]
            found.append(
                Spacing(
                    column=column,
                    subset=SUBSETS[second],
                    other=SUBSETS[first],
                    smallest=round(float(apart.min()), 3),
                    counts=tuple(counts.tolist()),
                )
            )
    return found, nearest


def contacts(columns: PatchColumns, nearest: NDArray[np.float64], *, buffer: float) -> list[Contact]:
    """Return the zones of which patches of different sets of a split are nearer than a buffer, or touch.

    Parameters
    ----------
    columns
        The patches.
    nearest
        What `spacing` gave of them.
    buffer
        In metres. With 0 those that share ground are found, and no others.
    """
    found: dict[tuple[int, int], Contact] = {}
    for first, second in _pairs(columns, nearest < max(buffer, _TINY), buffer=buffer):
        for contact in _by_zones(columns, first, second):
            before = found.get(contact.zones)
            found[contact.zones] = contact if before is None else _joined(before, contact)
    return [found[zones] for zones in sorted(found)]


def _distances(own: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how many patches lie between each cell and the nearest of others, as the crow flies."""
    from scipy.spatial import cKDTree

    corner, width = others.min(axis=0) - 1, int(np.ptp(others[:, 1])) + 3
    numbers = (others - corner) @ (width, 1)
    touching = np.unique(np.concatenate([numbers + row * width + col for row, col in _TOUCHING]))
    apart: NDArray[np.float64] = cKDTree(np.column_stack(np.divmod(touching, width)) + corner).query(own)[0]
    return apart


def _gaps(steps: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how many patches lie between cells that are some rows and columns apart, shape (pair, 2)."""
    between = np.maximum(np.abs(steps) - 1, 0)
    apart: NDArray[np.float64] = np.hypot(between[:, 0], between[:, 1])
    return apart


def _pairs(
    columns: PatchColumns, suspects: NDArray[np.bool_], *, buffer: float
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield pairs of patches of different kinds, each pair once, some million at a time.

    Of each pair that is nearer than the buffer, or the same ground, one is a suspect at least.
    """
    from scipy.spatial import cKDTree

    places = np.flatnonzero(suspects)
    if not places.size:
        return
    tree, kinds = cKDTree(columns.cells), columns.kinds
    reach = buffer / columns.pitch + 1
    for part in np.array_split(places, places.size * int(2 * reach + 1) ** 2 // _AT_ONCE + 1):
        around = tree.query_ball_point(columns.cells[part], reach, p=np.inf)
        first = np.repeat(part, [len(one) for one in around])
        second = np.concatenate(around).astype(np.int64)
        steps = columns.cells[second] - columns.cells[first]
        near = (_gaps(steps) * columns.pitch < buffer) | (steps == 0).all(axis=1)
        # Where both are suspects, the pair is found from either; it counts from the lower one.
        once = (first < second) | ~suspects[second]
        kept = near & once & (kinds[first] != kinds[second])
        yield first[kept], second[kept]


def _by_zones(
    columns: PatchColumns, first: NDArray[np.int64], second: NDArray[np.int64]
) -> Iterator[Contact]:
    """Yield what pairs of patches, each of two different kinds, are for their zones."""
    if not first.size:
        return
    turned = columns.zone[first] > columns.zone[second]
    first, second = np.where(turned, second, first), np.where(turned, first, second)
    steps = columns.cells[second] - columns.cells[first]
    shared = (steps == 0).all(axis=1)
    apart = np.where(shared, -1.0, _gaps(steps) * columns.pitch)
    order = np.lexsort((second, first, apart, columns.zone[second], columns.zone[first]))
    first, second, shared, apart = first[order], second[order], shared[order], apart[order]
    zones = np.column_stack([columns.zone[first], columns.zone[second]])
    begins = np.flatnonzero(np.diff(zones, axis=0, prepend=-1).any(axis=1))
    parted = (columns.sets[:, first] != columns.sets[:, second]).T @ _BITS
    masks, same = np.bitwise_or.reduceat(parted, begins), np.add.reduceat(shared.astype(np.int64), begins)
    for begin, stop, mask, count in zip(begins, [*begins[1:], first.size], masks, same, strict=True):
        yield Contact(
            zones=(int(zones[begin, 0]), int(zones[begin, 1])),
            patches=(int(first[begin]), int(second[begin])),
            columns=tuple(name for name, bit in zip(COLUMNS, _BITS, strict=True) if mask & bit),
            distance=max(round(float(apart[begin]), 3), 0.0),
            pairs=int(stop - begin),
            shared=int(count),
        )


def _joined(one: Contact, other: Contact) -> Contact:
    """Return what two parts of the pairs of patches of the same two zones are together."""
    nearest = min(one, other, key=lambda part: (part.shared == 0, part.distance, part.patches))
    return Contact(
        zones=one.zones,
        patches=nearest.patches,
        columns=tuple(name for name in COLUMNS if name in {*one.columns, *other.columns}),
        distance=nearest.distance,
        pairs=one.pairs + other.pairs,
        shared=one.shared + other.shared,
    )
