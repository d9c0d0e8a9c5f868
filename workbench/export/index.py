"""The index of a release: GeoParquet, a row per patch, written and read a few at a time.

Equal patches give equal bytes. What its columns are is told by `workbench.export.patch_rows`.
"""

from __future__ import annotations

__all__ = [
    "INDEX",
    "PatchIndex",
    "bounded",
    "part_bytes",
    "part_key",
    "write_index",
    "write_zones",
]

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export.patch_rows import RowReader, column_type, digest_column, file_column, row_columns
from workbench.export.patches import Patch
from workbench.geo.grid import NATIONAL_GRID, PatchLattice

INDEX: Final = "index.parquet"
_AT_ONCE = 4096
"""Rows in memory, and in a group of the file."""
_KEY: Final = b"part"


class PatchIndex(Sequence[Patch]):
    """The patches of a release by zone, row and column, read from its index as they are asked for.

    Parameters
    ----------
    path
        The index.
    layouts
        By name, the modalities that a layout has.
    lattice
        What the patches are cut on.
    """

    def __init__(
        self, path: Path, layouts: Mapping[str, Sequence[str]], lattice: PatchLattice = NATIONAL_GRID
    ) -> None:
        self.path, self._layouts, self._lattice = path, layouts, lattice

    def __len__(self) -> int:
        with self._read():
            return int(self._file.metadata.num_rows)

    def __iter__(self) -> Iterator[Patch]:
        with self._read():
            for batch in self._file.iter_batches(_AT_ONCE):
                yield from self._patches(batch)

    @overload
    def __getitem__(self, at: int) -> Patch: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Patch, ...]: ...
    def __getitem__(self, at: int | slice) -> Patch | tuple[Patch, ...]:
        if isinstance(at, slice):
            wanted = range(len(self))[at]
            if not wanted:
                return ()
            low, high = min(wanted), max(wanted) + 1
            found = self._rows(low, high)
            return tuple(found[number - low] for number in wanted)
        number = range(len(self))[at]
        return self._rows(number, number + 1)[0]

    def of_zone(self, zone: str) -> tuple[Patch, ...]:
        """Return the patches of a zone."""
        first, count = self._zones.get(zone, (0, 0))
        return self[first : first + count]

    def of_set(self, split: str, subset: str) -> Iterator[Patch]:
        """Yield the patches of a set of a split."""
        import pyarrow.compute as pc

        with self._read():
            for batch in self._file.iter_batches(_AT_ONCE):
                yield from self._patches(batch.filter(pc.equal(batch.column(split), subset)))

    def files(self) -> Iterator[tuple[str, str]]:
        """Yield path and digest of each file that holds one modality of one patch, as `files_of` does."""
        names = [
            (file_column(layout, one), digest_column(layout, one))
            for layout, modalities in self._layouts.items()
            for one in modalities
        ]
        for path, digest in names:
            if digest in self.columns:
                for rows in self.batches([path, digest]):
                    pairs = zip(rows.column(path).to_pylist(), rows.column(digest).to_pylist(), strict=True)
                    yield from (pair for pair in pairs if pair[1] is not None)

    def by_number(self) -> Iterator[Patch]:
        """Yield all patches by their number."""
        order = np.argsort(self.table(["number"]).column(0).to_numpy(), kind="stable")
        for run in np.split(order, np.flatnonzero(np.diff(order) != 1) + 1):
            yield from self[int(run[0]) : int(run[-1]) + 1]

    def table(self, columns: Sequence[str]) -> Any:
        """Return some columns of all patches as a `pyarrow.Table`.

        Raises
        ------
        ReleaseError
            The index cannot be read, or has no such column.
        """
        with self._read():
            return self._file.read(columns=list(columns))

    def batches(self, columns: Sequence[str]) -> Iterator[Any]:
        """Yield some columns of all patches, a few thousand at a time, as `pyarrow.Table`.

        Raises
        ------
        ReleaseError
            As `table`.
        """
        import pyarrow as pa

        with self._read():
            if lacking := [name for name in columns if name not in self.columns]:
                raise KeyError(lacking[0])
            for batch in self._file.iter_batches(_AT_ONCE, columns=list(columns)):
                yield pa.Table.from_batches([batch])

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns; older formats have fewer."""
        with self._read():
            return tuple(self._file.schema_arrow.names)

    def bounds(self) -> NDArray[np.float64]:
        """Return where all patches lie, shape (patch, 4): left, bottom, right, top in metres."""
        import shapely

        with self._read():
            outlines = self._file.read(columns=["geometry"]).column(0).to_numpy()
            bounds: NDArray[np.float64] = shapely.bounds(shapely.from_wkb(outlines))
        return bounds

    def by_domain(self) -> Iterator[tuple[str, Any]]:
        """Yield each domain and the rows of its patches, a `pyarrow.Table`, in the sequence of their names.

        Raises
        ------
        ReleaseError
            The index cannot be read, or its domains are in another sequence.
        """
        import numpy as np
        import pyarrow as pa

        waiting: list[Any] = []
        domain = ""
        with self._read():
            for batch in self._file.iter_batches(_AT_ONCE):
                names = batch.column("domain").to_numpy(zero_copy_only=False)
                edges = [0, *(np.flatnonzero(names[1:] != names[:-1]) + 1).tolist(), len(names)]
                for low, high in pairwise(edges):
                    if names[low] < domain:
                        raise ValueError(f"{names[low]} after {domain}")
                    if names[low] != domain and waiting:
                        yield domain, pa.Table.from_batches(waiting)
                        waiting = []
                    domain = names[low]
                    waiting.append(batch.slice(low, high - low))
            if waiting:
                yield domain, pa.Table.from_batches(waiting)

    def patches_of(self, rows: Any) -> list[Patch]:
        """Return the patches of some rows of the index, a `pyarrow.Table`."""
        with self._read():
            return self._patches(rows)

    @cached_property
    def _zones(self) -> dict[str, tuple[int, int]]:
        """Where the patches of each zone begin, and how many there are: they lie beside each other."""
        found: dict[str, tuple[int, int]] = {}
        for number, zone in enumerate(self.table(["zone"]).column(0).to_pylist()):
            first, count = found.get(zone, (number, 0))
            found[zone] = first, count + 1
        return found

    @cached_property
    def _file(self) -> Any:
        import pyarrow.parquet as pq

        return pq.ParquetFile(self.path)

    def _rows(self, low: int, high: int) -> list[Patch]:
        """Return the patches from one number to another, from the row groups that hold them."""
        found: list[Patch] = []
        first = 0
        with self._read():
            for group in range(self._file.metadata.num_row_groups):
                count = self._file.metadata.row_group(group).num_rows
                if first < high and first + count > low:
                    batch = self._file.read_row_group(group)
                    found += self._patches(
                        batch.slice(max(low - first, 0), min(high, first + count) - max(low, first))
                    )
                first += count
        return found

    def _patches(self, rows: Any) -> list[Patch]:
        import shapely

        bounds = shapely.bounds(shapely.from_wkb(rows.column("geometry").to_numpy(zero_copy_only=False)))
        documents = rows.drop_columns(["geometry"]).to_pylist()
        reader = RowReader(rows.schema.names, self._layouts, self._lattice)
        corners = bounds[:, [0, 3]].tolist()
        return [reader.patch(row, *corner) for row, corner in zip(documents, corners, strict=True)]

    @contextmanager
    def _read(self) -> Iterator[None]:
        import shapely.errors

        try:
            yield
        except (
            OSError, AttributeError, KeyError, ValueError, TypeError, shapely.errors.ShapelyError,
        ) as error:  # fmt: skip
            raise ReleaseError(f"{self.path} is no index of patches; copy the release again") from error


def part_bytes(patches: Sequence[Patch], *, key: str = "") -> bytes:
    """Return the rows of some patches, one at least, as GeoParquet; all of a release have the same columns.

    Parameters
    ----------
    patches
        In the sequence of the rows.
    key
        Kept beside the rows; `part_key` gives it back.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq
    import shapely

    columns, outlines = row_columns(patches), shapely.box(*_bounds(patches).T)
    plain = _plain_schema(patches[0].grid.crs)
    types = [(name, column_type(name, values)) for name, values in columns.items()]
    schema = pa.schema([*types, plain.field("geometry")], plain.metadata)
    schema = bounded(schema, [shapely.total_bounds(outlines).tolist()])
    rows = pa.table([*columns.values(), [*shapely.to_wkb(outlines)]], schema)
    content = io.BytesIO()
    pq.write_table(rows.replace_schema_metadata({**schema.metadata, _KEY: key.encode()}), content)
    return content.getvalue()


@cache
def _plain_schema(crs: str) -> Any:
    """Return the schema of outlines alone, with what geopandas says of them."""
    import geopandas
    import pyarrow.parquet as pq
    import shapely

    content = io.BytesIO()
    geopandas.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=crs).to_parquet(content, index=False)
    return pq.read_schema(content)


def _bounds(patches: Sequence[Patch]) -> NDArray[np.float64]:
    """Return where patches lie, shape (patch, 4): left, bottom, right, top."""
    bounds = [patch.grid.bounds for patch in patches]
    return np.array([(one.left, one.bottom, one.right, one.top) for one in bounds])


def part_key(path: Path) -> str | None:
    """Return the key of a part, None where there is no whole part."""
    import pyarrow.parquet as pq

    try:
        metadata: dict[bytes, bytes] = pq.read_schema(path).metadata or {}
        return metadata.get(_KEY, b"").decode()
    except (OSError, ValueError):
        return None


def write_index(parts: Sequence[Path], target: Path) -> None:
    """Write the index of a release from its parts, in their sequence.

    Raises
    ------
    OSError
        The disk is full.
    """
    import pyarrow.parquet as pq

    schemas = [pq.read_schema(part) for part in parts]
    boxes = [json.loads(one.metadata[b"geo"])["columns"]["geometry"]["bbox"] for one in schemas]
    write_zones((pq.read_table(part) for part in parts), bounded(schemas[0], boxes), target)


def write_zones(tables: Iterable[Any], schema: Any, target: Path) -> None:
    """Write an index from a `pyarrow.Table` of each zone; the rows of a zone are in one group of the file.

    Raises
    ------
    OSError
        The disk is full.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with target.open("wb") as file, pq.ParquetWriter(file, schema, compression="zstd") as writer:
        waiting: list[Any] = []
        for table in tables:
            waiting.append(table.cast(schema))
            if sum(map(len, waiting)) >= _AT_ONCE:
                writer.write_table(pa.concat_tables(waiting), row_group_size=1 << 30)
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting), row_group_size=1 << 30)


def bounded(schema: Any, boxes: Iterable[Sequence[float]]) -> Any:
    """Return the schema of an index with the bounds (left, bottom, right, top) of some boxes together."""
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    bounds = [min(lefts), min(bottoms), max(rights), max(tops)]
    geo = json.loads(schema.metadata[b"geo"])
    whole = geo | {"columns": {"geometry": geo["columns"]["geometry"] | {"bbox": bounds}}}
    kept = {name: value for name, value in schema.metadata.items() if name not in (_KEY, b"pandas")}
    return schema.with_metadata(kept | {b"geo": json.dumps(whole).encode()})
