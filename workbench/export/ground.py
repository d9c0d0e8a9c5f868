"""Ground: the cells of the national grid that zones lie on, whatever domain they are of.

Zones are made of whole cells of one lattice, so two of them share ground where they share a cell, and nowhere
else. A domain is department and year: the same place at another date is another domain, and the same ground.
"""

from __future__ import annotations

__all__ = ["GroundMap", "Seen"]

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Self

from workbench.export.patches import Patch, ground_cell
from workbench.geo.grid import NATIONAL_GRID, PixelGrid
from workbench.geo.zone import Cell, Zone, domain_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """That something was trained on a domain, by its name or on the same ground by another one.

    >>> str(Seen(domain="D055_2018", here="D055_2018/Z1", there="D055_2021/Z4"))
    'D055_2018 as D055_2021 (D055_2018/Z1 shows the ground of D055_2021/Z4)'
    """

    domain: str
    here: str | None = None
    """Zone of the domain whose ground was seen by another name; None where the domain itself was."""
    there: str | None = None
    """Zone of the other domain that shows the same ground."""

    def __str__(self) -> str:
        if self.there is None:
            return self.domain
        return f"{self.domain} as {domain_of(self.there)} ({self.here} shows the ground of {self.there})"


@dataclass(frozen=True, kw_only=True, eq=False)
class GroundMap:
    """On which cells of the national grid each zone of a release or a campaign lies."""

    zones: Mapping[str, frozenset[Cell]]
    """Cells by the zone's id."""

    @classmethod
    def of_patches(cls, patches: Iterable[Patch]) -> Self:
        """Return the ground of the zones that patches were cut from, as far as the patches reach."""
        cells: defaultdict[str, set[Cell]] = defaultdict(set)
        for patch in patches:
            cells[patch.zone].update(_touched(patch.grid))
        return cls(zones={zone: frozenset(own) for zone, own in cells.items()})

    @classmethod
    def of_zones(cls, zones: Iterable[Zone]) -> Self:
        """Return the ground of zones."""
        found = {}
        for zone in zones:
            corner = ground_cell(zone.grid)
            found[zone.id] = frozenset(
                Cell(row=corner.row + cell.row, col=corner.col + cell.col) for cell in zone.cells
            )
        return cls(zones=found)

    @property
    def domains(self) -> frozenset[str]:
        """Domains of the zones."""
        return frozenset(map(domain_of, self.zones))

    def cells(self, zones: Iterable[str]) -> frozenset[Cell]:
        """Return the cells of some of the zones."""
        return frozenset[Cell]().union(*(self.zones[zone] for zone in zones))

    def twin(self, zone: str, among: Collection[str]) -> str | None:
        """Return the first of some other zones that shows ground of a zone; None where none does."""
        met = {other for cell in self.zones[zone] for other in self._shown_by[cell]} - {zone}
        return min(met & set(among), default=None)

    def seen(self, zones: Iterable[str], trained_on: Collection[str]) -> tuple[Seen, ...]:
        """Return the domains of some zones that were seen by who was trained on some domains, sorted.

        A domain is seen as a whole, as it is trained on as a whole: by its name, or where one of the zones
        shows ground of a domain that was trained on.
        """
        learned = {zone for zone in self.zones if domain_of(zone) in trained_on}
        found: dict[str, Seen] = {}
        for zone in sorted(zones):
            domain = domain_of(zone)
            if domain in found:
                continue
            if domain in trained_on:
                found[domain] = Seen(domain=domain)
            elif twin := self.twin(zone, learned):
                found[domain] = Seen(domain=domain, here=zone, there=twin)
        return tuple(found[domain] for domain in sorted(found))

    @cached_property
    def _shown_by(self) -> Mapping[Cell, tuple[str, ...]]:
        """Zones by the cells that they lie on."""
        found: defaultdict[Cell, list[str]] = defaultdict(list)
        for zone, cells in self.zones.items():
            for cell in cells:
                found[cell].append(zone)
        return {cell: tuple(zones) for cell, zones in found.items()}


def _touched(grid: PixelGrid) -> Iterator[Cell]:
    """Yield the cells of the national grid that another grid touches; that of a patch is one of them."""
    bounds, lattice, near = grid.bounds, NATIONAL_GRID, 1e-3
    rows = (lattice.y - bounds.top) / lattice.pitch, (lattice.y - bounds.bottom) / lattice.pitch
    cols = (bounds.left - lattice.x) / lattice.pitch, (bounds.right - lattice.x) / lattice.pitch
    spans = (range(math.floor(low + near), math.ceil(high - near)) for low, high in (rows, cols))
    yield from (Cell(row=row, col=col) for row, col in product(*spans))
