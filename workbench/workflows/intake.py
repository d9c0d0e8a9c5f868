"""From an orthophoto (and, if there is one, an existing mask) to a zone of a campaign."""

from __future__ import annotations

__all__ = ["DEFAULT_BANDS", "Intake", "add_zone", "import_labels", "named_bands", "pixels_per_class"]

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.active.offer import Offer
from workbench.arrivals import Arrival
from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.errors import CampaignError, GridError, NomenclatureError, RasterError
from workbench.export.assistance import Choice
from workbench.geo.grid import NATIONAL_GRID, PixelGrid, Window
from workbench.geo.lonlat import check_ground
from workbench.geo.placed import pixels_digest
from workbench.geo.predictions import check_picture
from workbench.geo.raster import ORTHO_BANDS, RasterInfo, inspect_raster, read_bands, read_valid
from workbench.geo.zone import (
    LARGEST_ZONE,
    Cell,
    Zone,
    ZoneRaster,
    check_names,
    cut_cells,
    read_footprint,
    theme_of,
    zone_grid,
)
from workbench.labels.edits import Provenance, assign_raster
from workbench.labels.op import check_author
from workbench.labels.review import accept
from workbench.nomenclature import Nomenclature
from workbench.nomenclature.code_counts import code_counts

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

DEFAULT_BANDS = {1: ("P",), **ORTHO_BANDS}
"""What the bands of an orthophoto show, by their number; P is panchromatic."""

_BAND_NAMES = ("P", "R", "G", "B", "NIR", "E")


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What `add_zone` did."""

    zone: Zone
    left_out: int
    """Whole patch cells that the footprint asked for and that hold pixels without data."""
    imported: dict[str, int]
    """Pixels imported per class key; empty without a mask."""
    choice: Choice | None
    """How the zone was chosen, where that was not by a person."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/zone-add.schema.json``)."""
        bounds = self.zone.grid.bounds
        return {
            "zone": self.zone.id,
            "patches": len(self.zone.cells),
            "left_out": self.left_out,
            "bands": list(self.zone.ortho.bands),
            "bounds": [bounds.left, bounds.bottom, bounds.right, bounds.top],
            "imported": self.imported,
            "choice": self.choice.document() if self.choice else None,
        }

    def text(self) -> str:
        """Return a few lines for a person."""
        zone = self.zone
        lines = [f"{zone.id}: {zone.extent}"]
        lines.append(f"  bands {','.join(zone.ortho.bands)} of {zone.ortho.path}")
        if self.choice:
            lines.append(f"  {self.choice.text()}")
        if self.left_out:
            lines.append(f"  left out: {counted(self.left_out, 'cell')} with pixels without data")
        if self.imported:
            total = sum(self.imported.values())
            lines.append(
                f"  {counted(total, 'pixel')} of {counted(len(self.imported), 'class', 'classes')} "
                "imported as accepted labels"
            )
        return "\n".join(lines)


def add_zone(
    campaign: Campaign,
    raster: Path,
    *,
    domain: str,
    name: str,
    bands: Sequence[str] | None = None,
    footprint: Path | BaseGeometry | None = None,
    acquired: date | None = None,
    time_of_day: time | None = None,
    camera: str | None = None,
    theme: str | None = None,
    mask: Path | None = None,
    scheme: str = "flair",
    author: str = "import",
    choice: Choice | None = None,
    offer: Offer | None = None,
) -> Intake:
    """Cut a zone out of an orthophoto and register it; nothing is written unless everything fits.

    Parameters
    ----------
    campaign
        Where to add it.
    raster
        uint8 orthophoto on the national pixel grid. It stays where it is; only the zone's cells are labelled,
        the rest stays visible around them.
    domain, name
        Such as ``D055_2018`` and ``Z2_UF``.
    bands
        What each band shows; by default taken from the number of bands.
    footprint
        Polygons, or a vector file of them, that choose the patch cells (those whose centre is inside); all
        whole cells of the raster by default.
    acquired, time_of_day, camera, theme
        What is known about the picture; the theme is read off the end of a FLAIR zone name by default.
    mask
        Existing labels of the raster's size and place, imported as accepted edits.
    scheme
        How the mask is numbered.
    author
        Whose edits the imported labels are.
    choice
        How the zone was chosen, where that was not by a person: releases tell it.
    offer
        Why it was proposed, where it was: the desk tells it.

    Raises
    ------
    RasterError, GridError, CampaignError, NomenclatureError
        What does not fit, where, and the way out; the campaign is as it was.
    """
    check_names(domain, name)
    check_author(author)
    info = inspect_raster(raster)
    check_picture(info)
    names = named_bands(info, bands)
    wanted = _cells(info, footprint)
    cells, grid, window = _with_data(info, wanted)
    pixels = read_bands(raster, window=window)
    zone = Zone(
        domain=domain,
        name=name,
        grid=grid,
        cells=cells,
        rasters=(
            ZoneRaster(
                role="ortho", path=raster, bands=names, window=window, pixels_sha256=pixels_digest(pixels)
            ),
        ),
        acquired=acquired,
        time_of_day=time_of_day,
        camera=camera,
        theme=theme_of(name) if theme is None else theme,
    )
    codes = None
    if mask is not None:
        values = _read_mask(mask, info, window)
        codes = _decode(values, zone, mask, scheme, campaign.nomenclature)

    def fill(staged: Campaign) -> None:
        if codes is not None and mask is not None:
            import_labels(staged, zone, codes, author=author, source=mask.name)

    campaign.add_zone(Arrival(zone=zone, choice=choice, offer=offer), fill=fill)
    return Intake(
        zone=zone,
        left_out=len(wanted) - len(cells),
        imported={} if codes is None else pixels_per_class(codes, campaign.nomenclature),
        choice=choice,
    )


def named_bands(info: RasterInfo, bands: Sequence[str] | None) -> tuple[str, ...]:
    """Return what each band of an orthophoto shows: as told, or by their number.

    Raises
    ------
    RasterError, CampaignError
        It is not in 8 bits, nobody says what its bands show, or names do not fit them.
    """
    if info.dtype != "uint8":
        raise RasterError(
            f"{info.path}: pixels are {info.dtype}, zones are labelled on uint8 orthophotos; "
            "rescale it: gdal_translate -ot Byte -scale"
        )
    if bands is None:
        if info.band_count not in DEFAULT_BANDS:
            raise RasterError(
                f"{info.path} has {counted(info.band_count, 'band')}; say what they show: --bands R,G,B,NIR,E"
            )
        return DEFAULT_BANDS[info.band_count]
    unknown = sorted(set(bands) - set(_BAND_NAMES))
    if len(bands) != info.band_count or unknown or len(set(bands)) != len(bands):
        raise CampaignError(
            f"--bands {','.join(bands)} does not name the {counted(info.band_count, 'band')} of {info.path}; "
            f"give one of {', '.join(_BAND_NAMES)} for each"
        )
    return tuple(bands)


def _cells(info: RasterInfo, footprint: Path | BaseGeometry | None) -> tuple[tuple[int, int], ...]:
    try:
        shape = read_footprint(footprint, crs=info.grid.crs) if isinstance(footprint, Path) else footprint
        return cut_cells(info.grid, footprint=shape)
    except GridError as error:
        raise GridError(f"{info.path}: {error}") from error


def _with_data(
    info: RasterInfo, wanted: Sequence[tuple[int, int]]
) -> tuple[tuple[Cell, ...], PixelGrid, Window]:
    """Keep the cells that have data everywhere, and box them."""
    _, window = zone_grid(info.grid, wanted, NATIONAL_GRID)
    size = NATIONAL_GRID.pixels
    if max(window.shape) > LARGEST_ZONE:
        raise GridError(
            f"{info.path}: a zone of {window.height} × {window.width} pixels is above {LARGEST_ZONE:,} "
            "a side; cut a smaller one with --footprint"
        )
    first_row, first_col = min(row for row, _ in wanted), min(col for _, col in wanted)
    valid = read_valid(info.path, window=window)
    kept = []
    for row, col in wanted:
        top, left = (row - first_row) * size, (col - first_col) * size
        if valid[top : top + size, left : left + size].all():
            kept.append((row, col))
    if not kept:
        raise RasterError(
            f"{info.path}: all of {counted(len(wanted), 'patch cell')} asked for hold pixels without data "
            f"({np.count_nonzero(~valid):,} in all); choose others, or drop a wrong nodata tag: "
            "gdal_edit.py -unsetnodata"
        )
    grid, window = zone_grid(info.grid, kept, NATIONAL_GRID)
    try:
        check_ground(grid)
    except GridError as error:
        raise GridError(f"{info.path}: {error}") from error
    first_row, first_col = min(row for row, _ in kept), min(col for _, col in kept)
    cells = tuple(sorted(Cell(row=row - first_row, col=col - first_col) for row, col in kept))
    return cells, grid, window


def _read_mask(path: Path, image: RasterInfo, window: Window) -> NDArray[Any]:
    """Read the zone's part of a mask that lies exactly on the image."""
    info = inspect_raster(path, assume_crs=image.grid.crs)
    if info.grid.shape != image.grid.shape:
        raise RasterError(
            f"{path} has {info.grid.height} × {info.grid.width} pixels, the image {image.path} has "
            f"{image.grid.height} × {image.grid.width}; cut the mask to the image first"
        )
    if not info.grid.coincides(image.grid):
        raise RasterError(
            f"{path} does not lie on the image {image.path}; warp the mask to the image's grid first"
        )
    if info.band_count != 1 or not np.issubdtype(np.dtype(info.dtype), np.integer):
        raise RasterError(
            f"{path} has {counted(info.band_count, 'band')} of {info.dtype}; a mask has one band of integers"
        )
    mask: NDArray[Any] = read_bands(path, window=window)[0]
    return mask


def _decode(
    values: NDArray[Any], zone: Zone, mask: Path, scheme: str, nomenclature: Nomenclature
) -> NDArray[np.uint8]:
    """Return the codes of a mask inside the footprint, 0 outside, whatever the mask holds there."""
    inside = zone.footprint()
    try:
        codes = nomenclature.decode(np.where(inside, values, values[inside][0]), scheme)
    except NomenclatureError as error:
        raise NomenclatureError(f"{mask}, in the zone's window: {error}") from error
    if not codes[inside].any():
        raise NomenclatureError(
            f"{mask} labels no pixel of zone {zone.id}, all are {scheme}'s unlabelled; leave it out"
        )
    return np.where(inside, codes, 0).astype(np.uint8)


def import_labels(
    staged: Campaign,
    zone: Zone,
    codes: NDArray[np.uint8],
    *,
    author: str,
    source: str,
    accepted: bool = True,
) -> None:
    """Write existing labels into a zone that is being added.

    Parameters
    ----------
    staged, zone
        As `Campaign.add_zones` gives them.
    codes
        Shape (row, col) of the zone; 0 is no label.
    author
        Whose edits they are.
    source
        What they come from, for the verdict.
    accepted
        Whether they were finished by whoever published them; who corrects them sends the zone back first.
    """
    with staged.open_store(zone, author=author, from_snapshot=False) as store:
        store.apply_all(assign_raster(codes, provenance=Provenance(tool="import")))
        if accepted:
            accept(store, reason=f"imported from {source}")


def pixels_per_class(codes: NDArray[np.uint8], nomenclature: Nomenclature) -> dict[str, int]:
    """Return the pixels of each class that codes have, by key."""
    counts = code_counts(codes)
    return {nomenclature.by_code(int(code)).key: int(counts[code]) for code in np.flatnonzero(counts) if code}
