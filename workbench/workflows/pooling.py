"""The pool of a campaign: orthophotos join it once it is sure that zones can be cut from them."""

from __future__ import annotations

__all__ = ["Pooled", "add_to_pool", "drop_from_pool", "pool_document", "pool_table"]

import re
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Any

from workbench.campaign import Campaign
from workbench.counting import counted, listed
from workbench.errors import CampaignError, GridError
from workbench.geo.dalle import Dalle
from workbench.geo.grid import NATIONAL_GRID
from workbench.geo.lonlat import check_ground
from workbench.geo.predictions import check_picture
from workbench.geo.raster import inspect_raster
from workbench.geo.zone import cut_cells
from workbench.pool import add_dalles, drop_dalle, pool
from workbench.workflows.intake import named_bands
from workbench.workflows.predictions import pool_dir

_SEPARATORS = re.compile(r"[^A-Za-z0-9]+")
_LONGEST = 32
"""Letters of a dalle's name, which zones of it begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """Dalles that joined a pool."""

    dalles: tuple[Dalle, ...]

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/pool-add.schema.json``)."""
        return {"added": [_document(dalle) for dalle in self.dalles]}

    def text(self) -> str:
        """Return a line for each."""
        return "\n".join(_told(dalle) for dalle in self.dalles)


def add_to_pool(
    campaign: Campaign,
    rasters: Sequence[Path],
    *,
    domain: str,
    bands: Sequence[str] | None = None,
    acquired: date | None = None,
    time_of_day: time | None = None,
    camera: str | None = None,
) -> Pooled:
    """Add orthophotos of one domain to the pool, all of them or none. They stay where they are.

    Parameters
    ----------
    campaign
        Whose pool.
    rasters
        uint8 orthophotos on the national pixel grid.
    domain
        Department and year.
    bands
        What each band shows; by their number if not given.
    acquired, time_of_day, camera
        What is known about the pictures.

    Raises
    ------
    RasterError, GridError, CampaignError
        What does not fit, where, and the way out; the pool is as it was.
    """
    found: list[Dalle] = []
    taken = {dalle.id.lower() for dalle in pool(campaign.registry)}
    for path in rasters:
        info = inspect_raster(path)
        check_picture(info)
        names = named_bands(info, bands)
        try:
            cut_cells(info.grid)
            check_ground(info.grid)
        except GridError as error:
            raise GridError(f"{path}: {error}") from error
        found.append(
            Dalle(
                domain=domain,
                name=_name_of(path, domain, taken | {dalle.id.lower() for dalle in found}),
                path=path,
                bands=names,
                grid=info.grid,
                acquired=acquired,
                time_of_day=time_of_day,
                camera=camera,
            )
        )
    add_dalles(campaign.registry, found)
    return Pooled(dalles=tuple(found))


def drop_from_pool(campaign: Campaign, dalle_id: str) -> str:
    """Take a dalle out of a pool, with what was derived from it; return what was done, in a sentence.

    Raises
    ------
    CampaignError
        There is none of that id.
    """
    known = {dalle.id: dalle for dalle in pool(campaign.registry)}
    if dalle_id not in known:
        raise CampaignError(f"the pool has no dalle {dalle_id!r}; it has {listed(list(known)) or 'none'}")
    drop_dalle(campaign.registry, known[dalle_id])
    shutil.rmtree(pool_dir(campaign, known[dalle_id]), ignore_errors=True)
    return f"{dalle_id} is out of the pool; {known[dalle_id].path} stays where it is"


def pool_document(campaign: Campaign) -> dict[str, Any]:
    """Return the JSON view of a pool (``schema/outputs/pool-list.schema.json``)."""
    return {"dalles": [_document(dalle) for dalle in pool(campaign.registry)]}


def pool_table(campaign: Campaign) -> str:
    """Return a line for each dalle of a pool, and what they are together."""
    dalles = pool(campaign.registry)
    if not dalles:
        return f"{campaign.path} has no pool yet; see workbench pool add --help"
    area = sum(_area(dalle) for dalle in dalles)
    domains = len({dalle.domain for dalle in dalles})
    total = f"{counted(len(dalles), 'dalle')} of {counted(domains, 'domain')}, {area:.3f} km²"
    return "\n".join([*map(_told, dalles), total])


def _name_of(path: Path, domain: str, taken: Collection[str]) -> str:
    """Return what a dalle is called: by its file, and by the folder too where another one is called so."""
    whole = path.resolve()
    for name in (whole.stem, f"{whole.parent.name}-{whole.stem}"):
        plain = _SEPARATORS.sub("-", name).strip("-")[-_LONGEST:].strip("-")
        if plain and f"{domain}/{plain}".lower() not in taken:
            return plain
    raise CampaignError(
        f"{path} has no name of its own in letters and digits: another dalle of {domain} is called like its "
        "file and folder, or neither has any; rename it"
    )


def _document(dalle: Dalle) -> dict[str, Any]:
    bounds = dalle.grid.bounds
    return {
        "dalle": dalle.id,
        "path": str(dalle.path),
        "bands": list(dalle.bands),
        "bounds": [bounds.left, bounds.bottom, bounds.right, bounds.top],
        "area_km2": round(_area(dalle), 6),
        "acquired": dalle.acquired.isoformat() if dalle.acquired else None,
        "camera": dalle.camera,
    }


def _told(dalle: Dalle) -> str:
    return (
        f"{dalle.id}: {dalle.grid.height:,} × {dalle.grid.width:,} px, {_area(dalle):.3f} km², "
        f"bands {','.join(dalle.bands)} of {dalle.path}"
    )


def _area(dalle: Dalle) -> float:
    """Return the ground of a dalle's whole patch cells in km²."""
    return len(cut_cells(dalle.grid)) * (NATIONAL_GRID.pitch / 1000) ** 2
