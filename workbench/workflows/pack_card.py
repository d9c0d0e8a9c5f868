"""``pack.json``: which zone a pack is of, and the digest of everything else in it.

Its schema is ``schema/pack.schema.json``. It tells neither when nor by whom the zone was packed.
"""

from __future__ import annotations

__all__ = ["MARGIN", "card_of", "choice_of", "read_card", "zone_of"]

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, time
from pathlib import Path
from typing import Any

from affine import Affine

from workbench.documents import canonical_bytes, parse_document, validate
from workbench.errors import CampaignError, GridError
from workbench.export.assistance import Choice
from workbench.geo.grid import NATIONAL_GRID, PixelGrid, Window
from workbench.geo.zone import Cell, Zone, ZoneRaster
from workbench.nomenclature import Nomenclature
from workbench.workflows.archive import FORMAT

MARGIN = 256
"""Pixels around the zone that go with it, as far as there are some: what the desk shows."""

_FORMAT_VERSION = 1
_SCHEMA = "pack"


def card_of(
    zone: Zone,
    nomenclature: Nomenclature,
    *,
    offset: tuple[int, int],
    digests: Mapping[str, str],
    choice: Choice | None,
    source: str,
) -> bytes:
    """Return what ``pack.json`` says of a zone.

    Parameters
    ----------
    zone, nomenclature
        What is packed, and what its codes mean.
    offset
        (row, col) of the packed orthophoto's first pixel in the zone's grid; negative or zero.
    digests
        SHA-256 by the name of each other member.
    choice
        How the zone was chosen, where that was not by a person.
    source
        What the pack is called in an error.

    Raises
    ------
    DocumentError
        The zone is none that could be unpacked.
    """
    grid, ortho = zone.grid, zone.ortho
    card = {
        "format": FORMAT,
        "format_version": _FORMAT_VERSION,
        "zone": {
            "id": zone.id,
            "domain": zone.domain,
            "name": zone.name,
            "grid": {
                "crs": grid.crs,
                "transform": [float(number) for number in tuple(grid.transform)[:6]],
                "height": grid.height,
                "width": grid.width,
            },
            "cells": [[cell.row, cell.col] for cell in zone.cells],
            "acquired": zone.acquired.isoformat() if zone.acquired else None,
            **({"time": f"{zone.time_of_day:%H:%M}"} if zone.time_of_day else {}),
            "camera": zone.camera,
            "theme": zone.theme,
            **({"choice": choice.document()} if choice else {}),
        },
        "nomenclature": {"name": nomenclature.name, "version": nomenclature.version},
        "rasters": [
            {
                "role": ortho.role,
                "path": "ortho.tif",
                "bands": list(ortho.bands),
                "window": [-offset[0], -offset[1], grid.height, grid.width],
                "pixels_sha256": ortho.pixels_sha256,
            }
        ],
        "files": dict(digests),
    }
    validate(card, _SCHEMA, source=source)
    return canonical_bytes(card) + b"\n"


def read_card(text: bytes, path: Path) -> dict[str, Any]:
    """Read the ``pack.json`` of a pack.

    Raises
    ------
    CampaignError
        A newer workbench wrote it.
    DocumentError
        It breaks its schema.
    """
    version = _version_of(text)
    if version > _FORMAT_VERSION:
        raise CampaignError(
            f"{path} has format {version}, this workbench knows up to {_FORMAT_VERSION}; "
            "install a newer workbench"
        )
    return parse_document(text, schema=_SCHEMA, source=f"{path}: pack.json")


def zone_of(card: Mapping[str, Any], path: Path, directory: Callable[[Zone], Path]) -> Zone:
    """Return the zone of a pack as it would be in a campaign.

    Parameters
    ----------
    card
        What `read_card` returned.
    path
        The pack's, for errors.
    directory
        Gives the directory that a zone would have; its orthophoto is in it.

    Raises
    ------
    CampaignError
        The zone cannot be: names, grid and cells do not fit together, or lie off the national patch grid.
    """
    about, raster = card["zone"], card["rasters"][0]
    place, (row, col, height, width) = about["grid"], raster["window"]
    try:
        grid = PixelGrid(
            crs=place["crs"],
            transform=Affine(*(float(number) for number in place["transform"])),
            height=place["height"],
            width=place["width"],
        )
        zone = Zone(
            domain=about["domain"],
            name=about["name"],
            grid=grid,
            cells=tuple(Cell(row=row, col=col) for row, col in about["cells"]),
            rasters=(),
            acquired=date.fromisoformat(about["acquired"]) if about["acquired"] else None,
            time_of_day=time.fromisoformat(about["time"]) if about.get("time") else None,
            camera=about["camera"],
            theme=about["theme"],
        )
        corner = NATIONAL_GRID.offset(grid)
    except (GridError, CampaignError) as error:
        raise CampaignError(f"{path}: {error}") from error
    if corner != (0, 0) or (height, width) != grid.shape or zone.id != about["id"]:
        raise CampaignError(
            f"{path}: zone {about['id']} of {grid.shape} pixels is called {zone.id}, has {(height, width)} "
            f"in its orthophoto, or lies {corner} off the patch grid; ask for the zone to be packed again"
        )
    ortho = ZoneRaster(
        role=raster["role"],
        path=directory(zone) / raster["path"],
        bands=tuple(raster["bands"]),
        window=Window(row=row, col=col, height=height, width=width),
        pixels_sha256=raster["pixels_sha256"],
    )
    return replace(zone, rasters=(ortho,))


def choice_of(card: Mapping[str, Any]) -> Choice | None:
    """Return how the zone of a pack was chosen, None where that was by a person."""
    choice = card["zone"].get("choice")
    return Choice(**choice) if choice else None


def _version_of(text: bytes) -> int:
    """Return the version of a document that may be of a newer format, 0 where it has none."""
    try:
        version = json.loads(text)["format_version"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return 0
    return version if isinstance(version, int) else 0
