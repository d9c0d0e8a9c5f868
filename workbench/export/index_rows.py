"""Rows of an index as an index of their own: some zones, some layouts, and no word of withheld labels."""

from __future__ import annotations

__all__ = ["take_rows"]

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from workbench.errors import ReleaseError
from workbench.export.folds import PROD, SPLITS
from workbench.export.index import bounded, write_zones
from workbench.export.modalities import MODALITIES
from workbench.export.patch_rows import WITHHELD, file_column
from workbench.export.patches import LABELS

_OF_FILES: Final = ("", "_sha256", "_member")
_TOLD: Final = frozenset(
    {"id", "domain", "zone", "roi", "row", "col", "number", "fold", *SPLITS, PROD, "acquired", "time"}
    | {"ground", "camera", "theme", "area_m2", "window_row", "window_col", "image_sha256", "geometry"}
    | {f"{name.replace('-', '_')}_dates" for name in MODALITIES if name not in LABELS}
)
"""Columns that a patch keeps when its labels are withheld, with those of the files that are no labels. A
column that nobody thought of here is emptied, not told."""


def take_rows(
    index: Path,
    target: Path,
    *,
    zones: Collection[str],
    withheld: Collection[str],
    before: Mapping[str, Sequence[str]],
    layouts: Mapping[str, Sequence[str]],
) -> None:
    """Write the rows of some zones of an index, a few at a time; the same rows give the bytes of a build.

    Parameters
    ----------
    index
        Of the release that they are taken from.
    target
        File to write.
    zones
        Ids of the zones.
    withheld
        Those of them whose labels are not to be told.
    before, layouts
        By name, the modalities of each layout there, and of each that is kept.

    Raises
    ------
    ReleaseError
        The index cannot be read, or has none of these zones.
    OSError
        The disk is full.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        source = pq.ParquetFile(index)
        gone = _columns_of(before) - _columns_of(layouts)
        columns = [name for name in source.schema_arrow.names if name not in gone]
        schema = pa.schema([source.schema_arrow.field(name) for name in columns])
        schema = schema.with_metadata(source.schema_arrow.metadata)
        if withheld:
            schema = schema.append(pa.field(WITHHELD, pa.bool_()))
        boxes = [_bounds(table) for table in _zones(source, ["zone", "geometry"], zones)]
        if not boxes:
            raise ReleaseError(f"{index} has no patch of {', '.join(sorted(zones)[:3])}; name other zones")
        told = _TOLD | _columns_of({name: _unlabelled(shown) for name, shown in layouts.items()})
        tables = (
            _marked(table, table["zone"][0].as_py() in withheld, told) if withheld else table
            for table in _zones(source, columns, zones)
        )
        write_zones(tables, bounded(schema, boxes), target)
    except (pa.ArrowException, KeyError, ValueError) as error:
        if isinstance(error, ReleaseError):
            raise
        raise ReleaseError(f"{index} is no index of patches; copy the release again") from error


def _columns_of(layouts: Mapping[str, Sequence[str]]) -> set[str]:
    return {
        f"{file_column(name, modality)}{ending}"
        for name, modalities in layouts.items()
        for modality in modalities
        for ending in _OF_FILES
    }


def _unlabelled(modalities: Sequence[str]) -> list[str]:
    return [one for one in modalities if one not in LABELS]


def _zones(source: Any, columns: Sequence[str], zones: Collection[str]) -> Iterator[Any]:
    """Yield the rows of each zone that is wanted; those of a zone lie beside each other, in one group."""
    for group in range(source.num_row_groups):
        table = source.read_row_group(group, columns=list(columns))
        names, first = table["zone"].to_pylist(), 0
        while first < len(names):
            stop = first
            while stop < len(names) and names[stop] == names[first]:
                stop += 1
            if names[first] in zones:
                yield table.slice(first, stop - first)
            first = stop


def _bounds(table: Any) -> list[float]:
    import shapely

    found: list[float] = shapely.total_bounds(shapely.from_wkb(table["geometry"].to_numpy())).tolist()
    return found


def _marked(table: Any, withheld: bool, told: Collection[str]) -> Any:
    """Return the rows of a zone with the column that says whether labels are withheld, and without these."""
    import pyarrow as pa

    if withheld:
        for place, field in enumerate(table.schema):
            if field.name not in told:
                table = table.set_column(place, field, pa.nulls(len(table), field.type))
    return table.append_column(WITHHELD, pa.array([withheld] * len(table), pa.bool_()))
