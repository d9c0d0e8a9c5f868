"""Kinds of rasters that commands write, and how one of them is known: by its tag ``FORMAT``.

What earlier versions wrote has no such tag, and is known by others where it has some.
"""

from __future__ import annotations

__all__ = ["LABELS", "ORIGINS", "REGIONS", "RasterKind"]

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from workbench.geo.raster import FORMAT, RasterInfo, inspect_raster


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterKind:
    """A kind of raster that a command writes; see `workbench.outputs.OutputKind`."""

    name: str
    mark: str
    unmarked: Callable[[RasterInfo], bool] = lambda info: False
    """Whether a raster that does not say what it is was written as this kind by an earlier version."""

    def holds(self, info: RasterInfo) -> bool:
        """Tell whether a raster is of this kind."""
        said = info.tags.get(FORMAT)
        return self.unmarked(info) if said is None else said == self.mark

    def is_one(self, path: Path, /) -> bool:
        """Tell whether a file is a raster of this kind."""
        return self.holds(inspect_raster(path))


LABELS: Final = RasterKind(
    name="a raster of labels",
    mark="ocs-workbench/labels",
    unmarked=lambda info: {"NOMENCLATURE", "SCHEME"} <= info.tags.keys(),
)
ORIGINS: Final = RasterKind(
    name="a raster of provenance",
    mark="ocs-workbench/provenance",
    unmarked=lambda info: {"TABLE_SHA256", "ZONE"} <= info.tags.keys(),
)
REGIONS: Final = RasterKind(name="a raster of regions", mark="ocs-workbench/regions")
