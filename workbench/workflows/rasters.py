"""More rasters for a zone to look at: height models, infrared, other dates, satellites, of any resolution."""

from __future__ import annotations

__all__ = ["ROLES", "AddedRaster", "add_raster"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.errors import CampaignError, RasterError
from workbench.geo.grid import Window
from workbench.geo.placed import data_share, pixels_digest, read_placed
from workbench.geo.raster import RasterInfo, inspect_raster
from workbench.geo.zone import Zone, ZoneRaster

_COLOURS = {1: ("P",), 3: ("R", "G", "B"), 4: ("R", "G", "B", "NIR")}
# In the order of FLAIR-HUB's files; bands of 10 m have the names that they have everywhere.
_SENTINEL2 = ("B", "G", "R", "B05", "B06", "B07", "NIR", "B8A", "B11", "B12")
ROLES: Mapping[str, Mapping[int, tuple[str, ...]]] = {
    "dsm": {1: ("DSM",)},
    "dtm": {1: ("DTM",)},
    "chm": {1: ("CHM",)},
    "irc": {3: ("NIR", "R", "G")},
    "other-date": {**_COLOURS, 5: ("R", "G", "B", "NIR", "E")},
    "map": _COLOURS,
    "historical": {1: ("P",)},
    "spot": _COLOURS,
    "sentinel1": {2: ("VV", "VH")},
    "sentinel1-asc": {2: ("VV", "VH")},
    "sentinel1-desc": {2: ("VV", "VH")},
    "sentinel2": {10: _SENTINEL2},
    "sentinel2-mask": {2: ("SNOW", "CLOUD")},
    "lpis": {1: ("LPIS3",)},
}
"""What a raster can be to a zone, and what its bands show by their number where nobody says it.

DSM, DTM and CHM are metres: of the surface, the terrain, and the height above ground. SNOW and CLOUD are 0 to
100; LPIS3 are the 46 crops of FLAIR-HUB's third level, 0 to 45.
"""

_BANDS = (
    "P", "R", "G", "B", "NIR", "E", "DSM", "DTM", "CHM", *_SENTINEL2[3:6], *_SENTINEL2[7:], "VV", "VH",
    "SNOW", "CLOUD", "LPIS3",
)  # fmt: skip
_DATED = ("other-date", "sentinel1-asc", "sentinel1-desc", "sentinel2-mask")
_LARGEST = 2 << 30
"""Bytes of a raster's part that covers a zone: the desk holds it in memory, and a third more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedRaster:
    """What `add_raster` did."""

    zone: Zone
    """With the raster."""
    raster: ZoneRaster
    share: float
    """Of the zone's ground, where the raster has data."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/zone-add-raster.schema.json``)."""
        return {"zone": self.zone.id, **self.raster.document(self.zone), "share": self.share}

    def text(self) -> str:
        """Return two lines for a person."""
        raster = self.raster
        return f"{self.zone.id}: {raster.told(self.zone)}\n  it has data on {self.share:.1%} of the zone"


def add_raster(
    campaign: Campaign,
    zone: Zone,
    path: Path,
    *,
    role: str,
    bands: Sequence[str] | None = None,
    acquired: date | None = None,
) -> AddedRaster:
    """Have a zone look at one more raster; it stays where it is and is never written.

    Parameters
    ----------
    campaign, zone
        Who looks at it.
    path
        A north-up raster in the zone's CRS, of any resolution and pixel type, over all of the zone or a part.
    role
        One of `ROLES`.
    bands
        What each band shows; by default taken from role and number of bands.
    acquired
        Day that it shows; tells several rasters of one role apart, and is needed for ``other-date``.

    Raises
    ------
    RasterError, CampaignError
        What does not fit, where, and the way out; the campaign is as it was.
    """
    if role not in ROLES:
        raise CampaignError(f"{role!r} is no role of a raster; choose one of {', '.join(ROLES)}")
    if role in _DATED and acquired is None:
        raise CampaignError(f"{path}: a raster of another date needs its day; give it: --date 2019-08-26")
    info = inspect_raster(path)
    names, window = _band_names(info, role, bands), _part(info, zone)
    found, _ = read_placed(path, window, bands=names)
    share = data_share(zone, found.grid, found.valid)
    if not share:
        raise RasterError(f"{path} has no data on zone {zone.id}; choose a raster of that ground")
    raster = ZoneRaster(
        role=role,
        path=path,
        bands=names,
        window=window,
        pixels_sha256=pixels_digest(found.pixels),
        grid=found.grid,
        acquired=acquired,
    )
    return AddedRaster(zone=campaign.add_raster(zone, raster), raster=raster, share=share)


def _part(info: RasterInfo, zone: Zone) -> Window:
    """Return which pixels cover a zone, or refuse a raster that cannot be shown beside it."""
    path, wanted = info.path, zone.grid
    if info.grid.crs != wanted.crs:
        raise RasterError(
            f"{path} is in {info.grid.crs[:40]}, zone {zone.id} in {wanted.crs}; "
            f"warp it first: gdalwarp -t_srs {wanted.crs} {path.name} warped.tif"
        )
    if info.palette:
        raise RasterError(
            f"{path}: its pixels are entries of a colour table; "
            f"give it colours first: gdal_translate -expand rgb {path.name} colours.tif"
        )
    window = info.grid.covering(wanted.bounds)
    if window is None:
        raise RasterError(
            f"{path} covers {info.grid.bounds} and nothing of zone {zone.id}, which is {wanted.bounds}; "
            "choose a raster of that ground"
        )
    size = window.height * window.width * info.band_count * np.dtype(info.dtype).itemsize
    if size > _LARGEST:
        side = f"{wanted.resolution:g}"
        raise RasterError(
            f"{path}: {window.height:,} × {window.width:,} pixels × {info.band_count} bands on zone "
            f"{zone.id} are {size / 2**30:.1f} GiB, the limit is {_LARGEST / 2**30:.0f}; make them coarser: "
            f"gdalwarp -tr {side} {side} -r average {path.name} coarser.tif"
        )
    return window


def _band_names(info: RasterInfo, role: str, bands: Sequence[str] | None) -> tuple[str, ...]:
    if bands is None:
        usual = ROLES[role]
        if info.band_count not in usual:
            raise RasterError(
                f"{info.path} has {counted(info.band_count, 'band')}, a raster {role} has "
                f"{' or '.join(map(str, usual))}; say what they show: --bands {','.join(max(usual.values()))}"
            )
        return usual[info.band_count]
    unknown = sorted(set(bands) - set(_BANDS))
    if len(bands) != info.band_count or unknown or len(set(bands)) != len(bands):
        raise CampaignError(
            f"--bands {','.join(bands)} does not name the {counted(info.band_count, 'band')} of {info.path}; "
            f"give one of {', '.join(_BANDS)} for each"
        )
    return tuple(bands)
