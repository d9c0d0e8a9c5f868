"""The patches of a domain as two releases have them, matched by the ground that they show.

Rows of an index lie by domain, so two releases are read side by side, one domain at a time: as much memory as
the largest domain takes, however many there are.
"""

from __future__ import annotations

__all__ = ["DomainRows", "MatchedDomain", "each_domain"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export.index import PatchIndex
from workbench.export.patches import Patch
from workbench.geo.grid import PatchLattice


class DomainRows:
    """Some rows of an index: the patches of one domain, or none.

    Parameters
    ----------
    index
        That they are of.
    rows
        As `PatchIndex.by_domain` gives them; None for none.
    lattice
        What cells are those of.
    """

    def __init__(self, index: PatchIndex, rows: Any | None, lattice: PatchLattice) -> None:
        self._index, self._rows, self._lattice = index, rows, lattice

    def __len__(self) -> int:
        return 0 if self._rows is None else len(self._rows)

    def column(self, name: str) -> NDArray[Any]:
        """Return a column, shape (patch,); Nones where the index has none of that name."""
        if self._rows is None or name not in self._rows.column_names:
            return np.full(len(self), None, object)
        values: NDArray[Any] = self._rows.column(name).to_numpy()
        return values

    def counts(self, names: Sequence[str]) -> NDArray[np.int64]:
        """Return the pixels of some classes in each patch, shape (patch, class), 0 of those not counted."""
        found = np.zeros((len(self), len(names)), np.int64)
        for place, name in enumerate(names):
            column = f"pixels_{name}"
            if self._rows is not None and column in self._rows.column_names:
                found[:, place] = self.column(column)
        return found

    @cached_property
    def cells(self) -> NDArray[np.int64]:
        """Number of the cell of the lattice that each patch lies in, shape (patch,)."""
        import shapely

        if self._rows is None:
            return np.zeros(0, np.int64)
        bounds = shapely.bounds(shapely.from_wkb(self.column("geometry")))
        rows = np.rint((self._lattice.y - bounds[:, 3]) / self._lattice.pitch).astype(np.int64)
        cols = np.rint((bounds[:, 0] - self._lattice.x) / self._lattice.pitch).astype(np.int64)
        cells: NDArray[np.int64] = (rows << 32) + cols
        if np.unique(cells).size < cells.size:
            raise ReleaseError(
                f"{self._index.path}: two patches of domain {self.column('domain')[0]} show the same ground; "
                "look it over: workbench release verify"
            )
        return cells

    @cached_property
    def zones(self) -> NDArray[Any]:
        """Id of the zone of each patch, shape (patch,)."""
        return self.column("zone")

    def patches(self, places: NDArray[np.intp]) -> list[Patch]:
        """Return the patches at some places."""
        return self._index.patches_of(self._rows.take(places)) if self._rows is not None else []


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MatchedDomain:
    """A domain in two releases, and which of its patches show the same ground."""

    before: DomainRows
    after: DomainRows
    here: NDArray[np.intp]
    """Shape (pair,). Places in the first release's rows, ascending."""
    there: NDArray[np.intp]
    """Shape (pair,). Places in the second release's rows, of the same ground."""
    removed: NDArray[np.intp]
    """Places in the first release's rows, of ground that the second does not have."""
    added: NDArray[np.intp]

    @classmethod
    def of(cls, before: DomainRows, after: DomainRows) -> Self:
        """Match patches by their ground, whatever they are called."""
        _, here, there = np.intersect1d(before.cells, after.cells, assume_unique=True, return_indices=True)
        order = np.argsort(here)
        return cls(
            before=before,
            after=after,
            here=here[order],
            there=there[order],
            removed=np.setdiff1d(np.arange(len(before)), here),
            added=np.setdiff1d(np.arange(len(after)), there),
        )

    def __len__(self) -> int:
        """Return the number of pairs."""
        return len(self.here)

    def column(self, name: str, other: str | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return a column of the pairs in both releases; in the second one it may have another name."""
        return self.before.column(name)[self.here], self.after.column(other or name)[self.there]

    def counts(self, names: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the pixels of some classes in each pair, shape (pair, class), in both releases."""
        return self.before.counts(names)[self.here], self.after.counts(names)[self.there]

    def patches(self, pairs: NDArray[np.intp]) -> tuple[list[Patch], list[Patch]]:
        """Return the patches of some pairs in both releases."""
        return self.before.patches(self.here[pairs]), self.after.patches(self.there[pairs])


def each_domain(before: PatchIndex, after: PatchIndex, lattice: PatchLattice) -> Iterator[MatchedDomain]:
    """Yield each domain that one of two releases has, by its name.

    Raises
    ------
    ReleaseError
        An index cannot be read, or its domains are not in sequence.
    """
    first, second = before.by_domain(), after.by_domain()
    one, other = next(first, None), next(second, None)
    while one or other:
        name = min(found[0] for found in (one, other) if found)
        here, there = one is not None and one[0] == name, other is not None and other[0] == name
        yield MatchedDomain.of(
            DomainRows(before, one[1] if one and here else None, lattice),
            DomainRows(after, other[1] if other and there else None, lattice),
        )
        one = next(first, None) if here else one
        other = next(second, None) if there else other
