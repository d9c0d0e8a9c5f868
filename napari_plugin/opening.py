"""From a campaign's files to what a session is made of."""

from __future__ import annotations

__all__ = ["Backdrop", "only_zone", "open_hierarchy", "read_backdrop"]

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign, pixels_digest
from workbench.errors import CampaignError, HierarchyError, RasterError
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


def only_zone(campaign: Campaign) -> Zone:
    """Return the zone of a campaign that has one; else say which there are."""
    zones = campaign.zones()
    if len(zones) != 1:
        known = ", ".join(zone.id for zone in zones) or "none yet; add one: workbench zone add"
        raise CampaignError(f"{campaign.path} has {len(zones)} zones ({known}); say which with --zone")
    return zones[0]


def read_backdrop(campaign: Campaign, zone: Zone) -> Backdrop:
    """Read a zone with its surroundings, and prove that the zone still looks as when it was added."""
    pixels, (row, col) = campaign.read_surroundings(zone, margin=_MARGIN)
    height, width = zone.grid.shape
    inside = np.ascontiguousarray(pixels[:, -row : height - row, -col : width - col])
    if pixels_digest(inside) != zone.ortho.pixels_sha256:
        raise RasterError(
            f"{zone.ortho.path}: its pixels are not those that zone {zone.id} was made on; "
            "put the old file back or add the new one as another zone"
        )
    return Backdrop(pixels=pixels, bands=zone.ortho.bands, offset=(row, col))


def open_hierarchy(campaign: Campaign, zone: Zone) -> tuple[Hierarchy | None, str]:
    """Return a zone's hierarchy, or None and what to do about it."""
    path = campaign.hierarchy_path(zone)
    command = f"workbench segment {campaign.path} --zone {zone.id}"
    if not path.exists():
        return None, f"Not segmented yet: nothing to pick. Run `{command}`, then open the zone again."
    try:
        return campaign.read_hierarchy(zone), ""
    except HierarchyError as error:
        return None, str(error)
