"""Tables about the patches of a release: text such as CSV and JSON, and GeoPackages.

Equal patches give equal bytes, and any number of patches takes the same memory.
"""

from __future__ import annotations

__all__ = ["PatchTable", "Table", "TextTable", "csv_lines", "read_rows"]

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any, Final, Protocol

from workbench.errors import ReleaseError
from workbench.export.patches import Patch

# OGR writes the time of writing into a GeoPackage.
_PINNED_DATE: Final = "2000-01-01T00:00:00.000Z"
_AT_ONCE: Final = 4096


class Table(Protocol):
    """A file of a layout that says something of all patches."""

    @property
    def path(self) -> str:
        """Where it lies in the layout's folder."""

    def write(self, target: Path) -> None:
        """Write it; raises `OSError` where the disk is full."""

    def is_said_by(self, file: Path) -> bool:
        """Tell whether a file says the same.

        Raises
        ------
        ReleaseError
            It is no such table.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class TextTable:
    """Text in UTF-8."""

    path: str
    lines: Callable[[], Iterator[str]]
    """Gives its lines, each with its end, each time anew."""

    def write(self, target: Path) -> None:
        """Write the lines."""
        with target.open("w", encoding="utf-8", newline="") as file:
            file.writelines(self.lines())

    def is_said_by(self, file: Path) -> bool:
        """Tell whether a file has the same bytes."""
        with file.open("rb") as lines:
            ours = (line.encode() for line in self.lines())
            return all(one == other for one, other in zip_longest(ours, lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchTable:
    """A GeoPackage of the patches' outlines and something of each, as FLAIR-HUB has them."""

    path: str
    patches: Iterable[Patch]
    """Given anew each time that they are asked for."""
    row: Callable[[Patch], dict[str, Any]]
    """Gives the columns of a patch, beside its id."""

    def write(self, target: Path) -> None:
        """Write the rows, a few at a time."""
        import geopandas
        import pyogrio
        import shapely
        from pyogrio.errors import DataLayerError, DataSourceError

        with _pinned():
            for patches in _batched(self.patches):
                bounds = [patch.grid.bounds for patch in patches]
                frame = geopandas.GeoDataFrame(
                    self._rows(patches),
                    geometry=[shapely.box(b.left, b.bottom, b.right, b.top) for b in bounds],
                    crs=patches[0].grid.crs,
                )
                try:
                    pyogrio.write_dataframe(
                        frame, target, layer=target.stem, driver="GPKG", append=target.exists()
                    )
                except (DataSourceError, DataLayerError) as error:
                    raise OSError(None, f"GDAL says: {error}") from error

    def is_said_by(self, file: Path) -> bool:
        """Tell whether a GeoPackage has the same rows in the same sequence."""
        import pyogrio
        from pyogrio.errors import DataLayerError, DataSourceError

        first = 0
        try:
            if pyogrio.read_info(file)["features"] != sum(1 for _ in self.patches):
                return False
            for patches in _batched(self.patches):
                frame: Any = pyogrio.read_dataframe(
                    file, read_geometry=False, skip_features=first, max_features=len(patches)
                )
                known = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
                if known != self._rows(patches):
                    return False
                first += len(patches)
        except (DataSourceError, DataLayerError, KeyError, ValueError) as error:
            raise ReleaseError(f"{file} is no GeoPackage of patches; copy the release again") from error
        return True

    def _rows(self, patches: Iterable[Patch]) -> list[dict[str, Any]]:
        return [{"patch_id": patch.id, **self.row(patch)} for patch in patches]


def read_rows(file: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows of a GeoPackage, those of its columns that are named, without their outlines.

    Raises
    ------
    ReleaseError
        It is none.
    """
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    first = 0
    try:
        total = pyogrio.read_info(file)["features"]
        while first < total:
            frame: Any = pyogrio.read_dataframe(
                file,
                columns=list(columns),
                read_geometry=False,
                skip_features=first,
                max_features=_AT_ONCE,
            )
            yield from frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
            first += _AT_ONCE
    except (DataSourceError, DataLayerError, ValueError) as error:
        raise ReleaseError(f"{file} is no GeoPackage that can be read; copy it again") from error


def csv_lines(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    r"""Yield rows as lines of CSV.

    >>> list(csv_lines([("a", "b"), ("1", "")]))
    ['a,b\n', '1,\n']
    """
    for row in rows:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(row)
        yield text.getvalue()


def _batched(patches: Iterable[Patch]) -> Iterator[list[Patch]]:
    waiting = iter(patches)
    while batch := list(islice(waiting, _AT_ONCE)):
        yield batch


@contextmanager
def _pinned() -> Iterator[None]:
    import pyogrio

    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _PINNED_DATE})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
