"""From a campaign's files to what a session is made of."""

from __future__ import annotations

__all__ = ["Backdrop", "open_hierarchy", "read_backdrop"]

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.errors import HierarchyError
from workbench.geo.grid import PixelGrid
from workbench.geo.zone import Zone
from workbench.segmentation.hierarchy import Hierarchy

_MARGIN = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backdrop:
    """The orthophoto that is looked at: the zone, and what lies around it."""

    pixels: NDArray[Any]
    """Shape (band, row, col)."""
    bands: tuple[str, ...]
    """What each band shows, such as ``R G B NIR E``."""
    offset: tuple[int, int] = (0, 0)
    """(row, col) of the first pixel in the zone's grid; negative or zero."""

    def inside(self, grid: PixelGrid) -> NDArray[Any]:
        """Return the pixels of the zone alone, shape (band, row, col), by the zone's grid."""
        row, col = (-first for first in self.offset)
        return self.pixels[:, row : row + grid.height, col : col + grid.width]


def read_backdrop(campaign: Campaign, zone: Zone) -> Backdrop:
    """Read a zone with its surroundings, and prove that the zone still looks as when it was added."""
    pixels, offset = campaign.read_surroundings(zone, margin=_MARGIN)
    return Backdrop(pixels=pixels, bands=zone.ortho.bands, offset=offset)


def open_hierarchy(campaign: Campaign, zone: Zone, backdrop: Backdrop) -> tuple[Hierarchy | None, str]:
    """Return a zone's hierarchy, or None and what to do about it."""
    path = campaign.hierarchy_path(zone)
    command = f"workbench segment {campaign.path} --zone {zone.id}"
    if not path.exists():
        return None, f"Not segmented yet: nothing to pick. Run `{command}`, then open the zone again."
    try:
        return campaign.read_hierarchy(zone, image=backdrop.inside(zone.grid)), ""
    except HierarchyError as error:
        return None, str(error)
