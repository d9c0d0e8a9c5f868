"""Zones as rows of the registry: what is read from one and written to one, and which may not be added."""

from __future__ import annotations

__all__ = ["check_another", "check_new", "raster_document", "raster_of", "row_of", "stored_path", "zone_of"]

import json
import struct
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from affine import Affine

from workbench.counting import counted
from workbench.errors import CampaignError
from workbench.geo.grid import NATIONAL_GRID, PixelGrid, Window
from workbench.geo.zone import Cell, Zone, ZoneRaster, moment_of

SRID: Final = 2154


def zone_of(row: Any, root: Path) -> Zone:
    """Return the zone of a row, whose columns are had by name; paths of rasters start at a root."""
    lines = row["cells"].split("/")
    cells = tuple(
        Cell(row=r, col=c) for r, line in enumerate(lines) for c, mark in enumerate(line) if mark == "1"
    )
    size, place = NATIONAL_GRID.pixels, json.loads(row["grid"])
    grid = PixelGrid(
        crs=place["crs"],
        transform=Affine(*place["transform"]),
        height=size * len(lines),
        width=size * len(lines[0]),
    )
    acquired, clock = moment_of(row["acquired"])
    return Zone(
        domain=row["domain"],
        name=row["name"],
        grid=grid,
        cells=cells,
        rasters=tuple(raster_of(document, root) for document in json.loads(row["rasters"])),
        acquired=acquired,
        time_of_day=clock,
        camera=row["camera"],
        theme=row["theme"],
    )


def row_of(zone: Zone, root: Path) -> dict[str, Any]:
    """Return the columns of a zone."""
    return {
        "geom": _geometry(zone),
        "id": zone.id,
        "domain": zone.domain,
        "name": zone.name,
        "acquired": zone.taken,
        "camera": zone.camera,
        "theme": zone.theme,
        "cells": _cell_map(zone),
        "grid": json.dumps({"crs": zone.grid.crs, "transform": list(zone.grid.transform)[:6]}),
        "rasters": json.dumps([raster_document(raster, root) for raster in zone.rasters]),
    }


def stored_path(path: Path, root: Path) -> str:
    """Return a path as a registry has it: relative inside the campaign, so that that can be moved."""
    whole, home = path.resolve(), root.resolve()
    return whole.relative_to(home).as_posix() if whole.is_relative_to(home) else whole.as_posix()


def raster_document(raster: ZoneRaster, root: Path) -> dict[str, Any]:
    """Return the JSON of a raster of a zone."""
    window = raster.window
    document: dict[str, Any] = {
        "role": raster.role,
        "path": stored_path(raster.path, root),
        "bands": list(raster.bands),
        "window": [window.row, window.col, window.height, window.width],
        "pixels_sha256": raster.pixels_sha256,
    }
    if raster.grid is not None:
        document["grid"] = {"crs": raster.grid.crs, "transform": list(raster.grid.transform)[:6]}
    if raster.acquired is not None:
        document["acquired"] = raster.acquired.isoformat()
    return document


def raster_of(document: Mapping[str, Any], root: Path) -> ZoneRaster:
    """Return the raster of its JSON."""
    row, col, height, width = document["window"]
    place, day = document.get("grid"), document.get("acquired")
    grid = None
    if place is not None:
        grid = PixelGrid(crs=place["crs"], transform=Affine(*place["transform"]), height=height, width=width)
    return ZoneRaster(
        role=document["role"],
        path=root / document["path"],
        bands=tuple(document["bands"]),
        window=Window(row=row, col=col, height=height, width=width),
        pixels_sha256=document["pixels_sha256"],
        grid=grid,
        acquired=date.fromisoformat(day) if day else None,
    )


def _cell_map(zone: Zone) -> str:
    """Draw the cells as rows of 0 and 1, such as ``11/10`` for an L."""
    size, taken = NATIONAL_GRID.pixels, {(cell.row, cell.col) for cell in zone.cells}
    rows, cols = zone.grid.height // size, zone.grid.width // size
    return "/".join("".join("01"[(row, col) in taken] for col in range(cols)) for row in range(rows))


def _geometry(zone: Zone) -> bytes:
    """Encode the footprint as a GeoPackage geometry (OGC 12-128r18, clause 2.1.3)."""
    import shapely

    union = zone.outline()
    shape = shapely.MultiPolygon([union]) if isinstance(union, shapely.Polygon) else union
    left, bottom, right, top = shape.bounds
    little_endian_with_envelope = 0b00000011
    header = struct.pack("<2sBBi4d", b"GP", 0, little_endian_with_envelope, SRID, left, right, bottom, top)
    return header + shapely.to_wkb(shape, byte_order=1)


def check_new(zone: Zone, others: Sequence[Zone]) -> None:
    """Refuse a zone whose name, or ground in its domain, one that is registered has.

    Raises
    ------
    CampaignError
        With that zone.
    """
    for other in others:
        if other.id.lower() == zone.id.lower():
            raise CampaignError(f"there is a zone {other.id} already; choose another name")
        shared = zone.shared(other) if other.domain == zone.domain else 0
        if shared:
            raise CampaignError(
                f"zone {zone.id} shares {counted(shared, 'patch cell')} with zone {other.id}, and a "
                "release would hold that ground twice; draw a footprint that leaves it out"
            )


def check_another(zone_id: str, raster: ZoneRaster, others: Sequence[ZoneRaster]) -> None:
    """Refuse a raster of a zone that has it, or one of that role and date.

    Raises
    ------
    CampaignError
        With that raster.
    """
    for other in others:
        if other.key == raster.key:
            when = "" if raster.acquired else "; tell them apart by --date"
            raise CampaignError(f"zone {zone_id} has a raster {other.key} already, {other.path}{when}")
        if other.path.resolve() == raster.path.resolve():
            raise CampaignError(
                f"{raster.path} is the {other.key} of zone {zone_id} already; one file is added once"
            )
