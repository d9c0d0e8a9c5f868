"""The pool of a campaign: dalles of which nothing has to be labelled yet, as its registry lists them."""

from __future__ import annotations

__all__ = ["add_dalles", "drop_dalle", "pool"]

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from affine import Affine

from workbench.errors import CampaignError
from workbench.geo.dalle import Dalle
from workbench.geo.grid import PixelGrid
from workbench.geo.zone import moment_of, taken_at
from workbench.registry import Registry
from workbench.zone_rows import stored_path


def pool(registry: Registry) -> tuple[Dalle, ...]:
    """Return the dalles of a pool, sorted by domain and name.

    Raises
    ------
    CampaignError
        What is written of one is damaged.
    """
    try:
        found = [_dalle_of(row, registry.path.parent) for row in registry.rows("dalles")]
    except (ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise CampaignError(
            f"{registry.path}: a dalle in the registry is damaged ({reason}); restore it from a backup"
        ) from error
    return tuple(sorted(found, key=lambda one: (one.domain, one.name)))


def add_dalles(registry: Registry, dalles: Iterable[Dalle]) -> None:
    """Add dalles to a pool, all of them or none.

    Raises
    ------
    CampaignError
        One of that file, or of that name in its domain, is there already.
    """
    there = list(pool(registry))
    rows = []
    for dalle in dalles:
        for other in there:
            if other.path.resolve() == dalle.path.resolve():
                raise CampaignError(f"{dalle.path} is in the pool already, as {other.id}")
            if other.id.lower() == dalle.id.lower():
                raise CampaignError(
                    f"there is a dalle {other.id} in the pool already, {other.path}; rename one of the files"
                )
        there.append(dalle)
        rows.append(_row_of(dalle, registry.path.parent))
    with registry.writing() as connection:
        connection.executemany(
            "INSERT INTO dalles VALUES (:domain, :name, :path, :bands, :acquired, :camera, :grid)", rows
        )


def drop_dalle(registry: Registry, dalle: Dalle) -> None:
    """Take a dalle out of a pool; zones that were cut from it stay."""
    with registry.writing() as connection:
        connection.execute("DELETE FROM dalles WHERE domain = ? AND name = ?", (dalle.domain, dalle.name))


def _row_of(dalle: Dalle, root: Path) -> dict[str, Any]:
    grid = dalle.grid
    place = {"crs": grid.crs, "transform": list(grid.transform)[:6], "shape": list(grid.shape)}
    return {
        "domain": dalle.domain,
        "name": dalle.name,
        "path": stored_path(dalle.path, root),
        "bands": json.dumps(dalle.bands),
        "acquired": taken_at(dalle.acquired, dalle.time_of_day),
        "camera": dalle.camera,
        "grid": json.dumps(place),
    }


def _dalle_of(row: Mapping[str, Any], root: Path) -> Dalle:
    place = json.loads(row["grid"])
    height, width = place["shape"]
    grid = PixelGrid(crs=place["crs"], transform=Affine(*place["transform"]), height=height, width=width)
    acquired, clock = moment_of(row["acquired"])
    return Dalle(
        domain=row["domain"],
        name=row["name"],
        path=root / row["path"],
        bands=tuple(json.loads(row["bands"])),
        grid=grid,
        acquired=acquired,
        time_of_day=clock,
        camera=row["camera"],
    )
