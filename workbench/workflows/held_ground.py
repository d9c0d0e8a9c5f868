"""Ground of the folds that are kept for test: no model proposes zones on it or beside it."""

from __future__ import annotations

__all__ = ["HeldGround", "ground_of"]

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Self

from workbench.campaign import Campaign
from workbench.counting import listed
from workbench.export.folds import NEAR
from workbench.export.ground import GroundMap
from workbench.geo.grid import NATIONAL_GRID
from workbench.geo.zone import Cell, Zone, departments_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeldGround:
    """Where a campaign's test zones lie, and as near to it as sets of a release must not."""

    folds: frozenset[int]
    departments: frozenset[str]
    """Of their domains: another year of a department is its test, too."""
    cells: frozenset[Cell]
    """Of the national grid."""

    @classmethod
    def of(cls, campaign: Campaign) -> Self:
        """Return that of a campaign; nothing where it keeps no fold for test."""
        folds, held = campaign.folds(), campaign.test_folds
        domains = [domain for domain, fold in folds.items() if fold in held]
        zones = [zone for zone in campaign.zones() if zone.domain in domains]
        return cls(
            folds=held,
            departments=frozenset[str]().union(*map(departments_of, domains)),
            cells=_around(ground_of(zones)),
        )

    def holds(self, zone: Zone) -> bool:
        """Tell whether a zone lies on that ground or beside it."""
        return bool(departments_of(zone.domain) & self.departments or ground_of([zone]) & self.cells)

    def text(self) -> str:
        """Return it in a few words."""
        named = listed([str(fold) for fold in sorted(self.folds)])
        return f"ground of fold{'s' if len(self.folds) > 1 else ''} {named}, kept for test"


def ground_of(zones: Iterable[Zone]) -> frozenset[Cell]:
    """Return the cells of the national grid that zones lie on."""
    ground = GroundMap.of_zones(zones)
    return ground.cells(ground.zones)


def _around(cells: Collection[Cell]) -> frozenset[Cell]:
    """Return cells and those beside them, as far as sets of a release have to lie apart."""
    reach = range(-math.ceil(NEAR / NATIONAL_GRID.pitch), math.ceil(NEAR / NATIONAL_GRID.pitch) + 1)
    return frozenset(
        Cell(row=cell.row + down, col=cell.col + right) for cell in cells for down in reach for right in reach
    )
