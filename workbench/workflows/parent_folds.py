"""Ground that a release has in one fold and the campaign that builds on it in another one."""

from __future__ import annotations

__all__ = ["folds_apart"]

from collections import defaultdict
from collections.abc import Iterable, Iterator

from workbench.export.columns import PatchColumns
from workbench.export.ground import GroundMap
from workbench.export.patches import ZoneSource
from workbench.export.release import Release
from workbench.geo.grid import NATIONAL_GRID
from workbench.geo.zone import Cell, domain_of


def folds_apart(sources: Iterable[ZoneSource], before: Release) -> Iterator[str]:
    """Yield a sentence for each domain with ground that a release has by another name in another fold.

    A campaign gives ground its fold by what it has itself. One that begins anew, as a pilot does, does not
    know that of the release that it builds on; what is test in one is then learned from in the other.
    """
    if before.lattice != NATIONAL_GRID:
        return
    folds = {entry["id"]: entry["fold"] for entry in before.card["zones"]}
    columns = PatchColumns.of_index(before.patches(), before.lattice)
    there: defaultdict[Cell, set[str]] = defaultdict(set)
    for place, (row, col) in zip(columns.zone.tolist(), columns.cells.tolist(), strict=True):
        there[Cell(row=row, col=col)].add(columns.names[place])
    told = set[str]()
    own = {source.zone.id: source for source in sources}
    for name, cells in sorted(GroundMap.of_zones(source.zone for source in own.values()).zones.items()):
        source = own[name]
        met = sorted({zone for cell in cells for zone in there.get(cell, ()) if folds[zone] != source.fold})
        if met and source.zone.domain not in told:
            told.add(source.zone.domain)
            yield (
                f"{name} is in fold {source.fold}, and {before.name} has its ground as {met[0]} in fold "
                f"{folds[met[0]]}: put {domain_of(name)} into that fold before it is released, by workbench "
                "campaign folds --table, or models of the two releases cannot be compared"
            )
