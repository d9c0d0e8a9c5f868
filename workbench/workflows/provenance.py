"""Whose each pixel of a zone is, as a raster and a table, and what the labels cost."""

from __future__ import annotations

__all__ = ["Origins", "write_provenance"]

import csv
import io
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.documents import digest, write_file
from workbench.geo.geotiff import write_raster
from workbench.geo.raster_kinds import ORIGINS
from workbench.geo.zone import Zone
from workbench.labels.carrying import name_outside
from workbench.labels.provenance import Effort, Given, Source, effort, sources
from workbench.outputs import FileKind, begins_with, check_output

_COLUMNS = (
    "number", "op", "person", "time", "tool", "scale", "model", "class", "upper", "prelabel", "pixels",
    "contested",
)  # fmt: skip
_TABLE = FileKind(
    name="a table of provenance",
    is_one=begins_with(",".join(_COLUMNS[:-1]).encode()),  # what earlier versions wrote did not tell the last
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where the labels of a zone come from."""

    zone: str
    raster: Path
    table: Path
    sources: int
    total: Effort
    classes: dict[str, Effort]

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/labels-provenance.schema.json``)."""
        return {
            "zone": self.zone,
            "raster": str(self.raster),
            "table": str(self.table),
            "sources": self.sources,
            "total": _figures(self.total),
            "classes": {key: _figures(one) for key, one in self.classes.items()},
        }

    def text(self) -> str:
        """Return a page for a person."""
        lines = [
            f"{self.raster}, {self.table}: the labels of {self.zone} come from "
            f"{counted(self.sources, 'edit')}"
        ]
        lines += [
            f"  {key:24} {one.minutes:7.1f} min, {one.gestures:6} gestures"
            + "".join(f", {tool} {count / one.gestures:.0%}" for tool, count in one.tools.items())
            + "".join(f", pre-label {fate} {count / one.pixels:.0%}" for fate, count in _fates(one))
            for key, one in {"all": self.total, **self.classes}.items()
        ]
        return "\n".join(lines)


def write_provenance(
    campaign: Campaign, zone: Zone, output: Path, *, overwrite: bool, names: bool = False
) -> Origins:
    """Write a raster of numbers, and beside it a CSV table of what each number stands for.

    Parameters
    ----------
    campaign, zone
        Whose labels.
    output
        The raster; the table is written beside it.
    overwrite
        Replace older ones.
    names
        Whether people appear under their names; else under their pseudonyms, as in a release.

    Raises
    ------
    WorkbenchError
        An output is there already, or would replace something else.
    """
    table_path = output.with_suffix(".csv")
    pictures = [raster.path for raster in zone.rasters]
    check_output(output, ORIGINS, overwrite=overwrite, sources=pictures)
    check_output(table_path, _TABLE, overwrite=overwrite)
    with campaign.open_store(zone) as store:
        numbers, table = sources(store)
        total, classes = effort((op for op in store.ops if op.track == "labels"), table)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    named = str if names else partial(name_outside, pseudonym=campaign.pseudonym)
    writer.writerows(_row(campaign, source, named(source.op.author)) for source in table)
    content = text.getvalue().encode("utf-8")
    # Two files do not appear at once: a raster names its table, so that one of another day can be told.
    tags = {"TABLE_SHA256": digest(content), "ZONE": zone.id}
    write_raster(output, numbers, zone.grid, kind=ORIGINS, predictor=2, tags=tags, overwrite=overwrite)
    write_file(table_path, content)
    keys: dict[Given, str] = {one.code: one.key for one in campaign.nomenclature.classes}
    keys[0] = "erased"
    return Origins(
        zone=zone.id,
        raster=output,
        table=table_path,
        sources=len(table),
        total=total,
        classes={keys.get(given, str(given)): one for given, one in classes.items()},
    )


def _row(campaign: Campaign, source: Source, person: str) -> tuple[object, ...]:
    op = source.op
    key = campaign.nomenclature.by_code(source.code).key if source.code else ""
    time = op.wall_time.isoformat(timespec="seconds")
    return (
        source.number, f"{person}:{op.seq}", person, time, op.tool or "",
        "" if op.scale is None else op.scale, op.model or "", key, source.upper or "", source.prelabel,
        source.pixels, source.contested,
    )  # fmt: skip


def _fates(one: Effort) -> list[tuple[str, int]]:
    """Return what became of pre-labels, where there were any."""
    return list(one.prelabels.items()) if set(one.prelabels) - {"none"} else []


def _figures(one: Effort) -> dict[str, Any]:
    return {
        "minutes": round(one.minutes, 2),
        "gestures": one.gestures,
        "tools": dict(one.tools),
        "pixels": one.pixels,
        "prelabels": dict(one.prelabels),
    }
