"""What a zone has beside its orthophoto, as a release takes it: heights, other times, satellites, crops."""

from __future__ import annotations

__all__ = ["MADE_OF", "zone_views"]

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.documents import canonical_bytes, digest
from workbench.errors import NomenclatureError, ReleaseError
from workbench.export.modalities import MODALITIES, Modality
from workbench.export.patches import GROUND, View
from workbench.geo.grid import Bounds, PixelGrid
from workbench.geo.placed import data_share
from workbench.geo.raster import inspect_raster, read_onto
from workbench.geo.zone import Zone, ZoneRaster
from workbench.nomenclature import load_crosswalk, load_nomenclature

MADE_OF: Final[Mapping[str, Sequence[str]]] = {
    "elevation": ("dsm", "dtm"),
    "historical": ("historical",),
    "spot": ("spot",),
    "sentinel2": ("sentinel2",),
    "sentinel2-masks": ("sentinel2-mask",),
    "sentinel1-asc": ("sentinel1-asc",),
    "sentinel1-desc": ("sentinel1-desc",),
    "parcels": ("lpis",),
}
"""Of which rasters of a zone a modality is made."""
_WHOLE: Final = 1 - 1e-9
_LPIS: Final = "lpis"
_LEVELS: Final = ("lpis-to-lpis-1", "lpis-to-lpis-2")


def zone_views(campaign: Campaign, zone: Zone) -> dict[str, View]:
    """Return the modalities that a zone has whole, and the height of its ground where it is known.

    Of several SPOT or historical pictures it is the one nearest to the day of the orthophoto.

    Raises
    ------
    ReleaseError
        A raster is of a type that its modality has not, or a part of a series has no date.
    RasterError
        A raster has gone, or was changed since it was added.
    """
    views = {}
    for name, roles in MADE_OF.items():
        modality = MODALITIES[name]
        found = [_rasters(campaign, zone, role) for role in roles]
        if not all(found):
            continue
        if modality.series:
            series = sorted(found[0], key=lambda raster: _day(raster, zone))
            views[name] = _view(modality, zone, series, dates=tuple(_day(one, zone) for one in series))
        else:
            chosen = [min(rasters, key=partial(_apart, zone.acquired)) for rasters in found]
            views[name] = _view(modality, zone, chosen, dates=_known(chosen))
    if terrain := _rasters(campaign, zone, "dtm"):
        views[GROUND] = View(read=partial(_heights, terrain[0]), sha256=terrain[0].pixels_sha256)
    return views


def _view(modality: Modality, zone: Zone, rasters: Sequence[ZoneRaster], *, dates: tuple[date, ...]) -> View:
    for raster in rasters:
        _check_type(modality, zone, raster)
    read = _read_parcels if modality.name == "parcels" else _read
    made_of = [modality.name, [raster.pixels_sha256 for raster in rasters], [f"{day}" for day in dates]]
    return View(
        read=partial(read, modality, tuple(rasters)),
        sha256=digest(canonical_bytes(made_of)),
        dates=dates,
        names=tuple(raster.path.stem for raster in rasters),
        reach=_reach(zone, rasters),
    )


def _reach(zone: Zone, rasters: Sequence[ZoneRaster]) -> Bounds:
    """Return the ground that all rasters cover, in and around a zone."""
    bounds = [inspect_raster(raster.path, assume_crs=zone.grid.crs).grid.bounds for raster in rasters]
    return Bounds(
        left=max(one.left for one in bounds),
        bottom=max(one.bottom for one in bounds),
        right=min(one.right for one in bounds),
        top=min(one.top for one in bounds),
    )


def _rasters(campaign: Campaign, zone: Zone, role: str) -> list[ZoneRaster]:
    """Return the rasters of a role that have data on the whole zone, as they were when they were added."""
    whole = []
    for raster in zone.rasters:
        if raster.role == role:
            found = campaign.read_raster(zone, raster, margin=0)
            if data_share(zone, found.grid, found.valid) >= _WHOLE:
                whole.append(raster)
    return whole


def _check_type(modality: Modality, zone: Zone, raster: ZoneRaster) -> None:
    wanted = modality.bands if len(modality.bands) == len(raster.bands) else modality.bands[-1:]
    found = inspect_raster(raster.path, assume_crs=zone.grid.crs).dtype
    fits = np.can_cast(found, modality.dtype, "same_kind" if modality.dtype == "float32" else "safe")
    if not fits:
        raise ReleaseError(
            f"zone {zone.id}: {raster.key} {raster.path} has {found} pixels, {modality.name} of "
            f"{','.join(wanted)} are {modality.dtype}; write it in that type: gdal_translate -ot"
        )


def _day(raster: ZoneRaster, zone: Zone) -> date:
    if raster.acquired is None:
        raise ReleaseError(
            f"zone {zone.id}: {raster.key} {raster.path} has no date, and a series needs one for each; "
            "add it again with --date"
        )
    return raster.acquired


def _apart(day: date | None, raster: ZoneRaster) -> tuple[int, str]:
    """Return how many days lie between a raster and a day; without one, rasters count by their key."""
    known = day is not None and raster.acquired is not None
    return (abs((raster.acquired - day).days) if known else 0, raster.key)  # type: ignore[operator]


def _known(rasters: Iterable[ZoneRaster]) -> tuple[date, ...]:
    return tuple(raster.acquired for raster in rasters if raster.acquired is not None)


def _read(modality: Modality, rasters: Sequence[ZoneRaster], grid: PixelGrid) -> NDArray[Any]:
    """Return the bands of rasters after each other, in the modality's type."""
    parts = [
        read_onto(
            raster.path, grid, bands=_places(modality, raster), nearest=modality.resampling == "nearest"
        )
        for raster in rasters
    ]
    return np.concatenate(parts).astype(modality.dtype)


def _places(modality: Modality, raster: ZoneRaster) -> list[int]:
    """Return the numbers of a modality's bands in a raster, from 1, by their names."""
    return [raster.bands.index(band) + 1 for band in modality.bands if band in raster.bands]


def _read_parcels(modality: Modality, rasters: Sequence[ZoneRaster], grid: PixelGrid) -> NDArray[np.uint8]:
    """Return the three levels of crops, of which the finest one gives the others."""
    (raster,) = rasters
    finest = read_onto(raster.path, grid, bands=[raster.bands.index("LPIS3") + 1], nearest=True)[0]
    try:
        codes = load_nomenclature(_LPIS).decode(finest, _LPIS)
    except NomenclatureError as error:
        raise ReleaseError(
            f"{raster.path}: {error}; write FLAIR-HUB's third level of crops, 0 to 45"
        ) from error
    coarser = [load_crosswalk(name).apply(codes) for name in _LEVELS]
    return np.stack([*coarser, finest]).astype(modality.dtype)


def _heights(raster: ZoneRaster, grid: PixelGrid) -> NDArray[Any]:
    return read_onto(raster.path, grid, bands=[raster.bands.index("DTM") + 1]).astype(np.float64)
