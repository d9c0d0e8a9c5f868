"""A patch as a row of the index, and the row as a patch.

Files of a layout are columns: ``flair_hub_image`` is the path of a patch's image in the layout
``flair-hub``, ``flair_hub_image_sha256`` its digest; where a file holds many patches,
``hdf5_image_member`` says which part of it the patch is.
"""

from __future__ import annotations

__all__ = ["WITHHELD", "RowReader", "column_type", "digest_column", "file_column", "row_columns"]

import json
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any, Final

from affine import Affine

from workbench.export.folds import PROD, SPLITS, SUBSETS
from workbench.export.patches import Patch, PatchFile
from workbench.geo.grid import PatchLattice, PixelGrid, Window

WITHHELD: Final = "withheld"
"""Column of the patches whose labels are kept apart, in releases that have such."""
_FILE: Final = ("sha256", "member")
_DATES: Final = "_dates"
"""End of the column of the days that a modality shows, a JSON list."""
_PIXELS: Final = "pixels_"
_UNLABELLED: Final = "pixels_unlabelled"
_DIGESTS: Final = ("image_sha256", "label_sha256", "picture_hash")
_TEXTS: Final = ("acquired", "time", "camera", "theme", *_DIGESTS)
_METRIC: Final = ("ground", "contrast")


def row_columns(patches: Sequence[Patch]) -> dict[str, list[Any]]:
    """Return the columns of some patches, one at least, but where they lie."""
    columns: dict[str, list[Any]] = {
        name: [getattr(patch, name) for patch in patches]
        for name in ("id", "domain", "zone", "roi", "row", "col", "number", "fold")
    }
    for name in (*SPLITS, PROD):
        columns[name] = [patch.splits[name] for patch in patches]
    columns |= {
        "acquired": [patch.acquired.isoformat() if patch.acquired else None for patch in patches],
        "time": [patch.time.isoformat("minutes") if patch.time else None for patch in patches],
        "ground": [patch.ground for patch in patches],
        "camera": [patch.camera for patch in patches],
        "theme": [patch.theme for patch in patches],
        "area_m2": [patch.area for patch in patches],
        "window_row": [patch.window.row for patch in patches],
        "window_col": [patch.window.col for patch in patches],
    }
    for name in patches[0].dates:
        days = [[day.isoformat() for day in patch.dates[name]] for patch in patches]
        columns[f"{name.replace('-', '_')}{_DATES}"] = [json.dumps(one) for one in days]
    for key in patches[0].class_counts:
        columns[f"{_PIXELS}{key}"] = [patch.class_counts[key] for patch in patches]
    columns[_UNLABELLED] = [patch.unlabelled for patch in patches]
    for name in (*_DIGESTS, "contrast"):
        columns[name] = [getattr(patch, name) for patch in patches]
    for layout, modalities in patches[0].files.items():
        for modality, first in modalities.items():
            column, files = (
                file_column(layout, modality),
                [patch.files[layout][modality] for patch in patches],
            )
            columns[column] = [file.path for file in files]
            for name in _FILE:
                if getattr(first, name) is not None:
                    columns[f"{column}_{name}"] = [getattr(file, name) for file in files]
    return columns


def column_type(name: str, values: Sequence[Any]) -> Any:
    """Return the type of a column; of those that may have no value at all, it is known."""
    import pyarrow as pa

    if name in _TEXTS or isinstance(values[0], str):
        return pa.large_string()
    return pa.float64() if name in _METRIC or isinstance(values[0], float) else pa.int64()


class RowReader:
    """Makes patches of rows; what their columns are is found out once.

    Parameters
    ----------
    columns
        Those that rows have; older formats have fewer.
    layouts
        By name, the modalities that a layout has.
    lattice
        What the patches are cut on.
    """

    def __init__(
        self, columns: Sequence[str], layouts: Mapping[str, Sequence[str]], lattice: PatchLattice
    ) -> None:
        self._lattice = lattice
        self._classes = [
            (name, name.removeprefix(_PIXELS))
            for name in columns
            if name.startswith(_PIXELS) and name != _UNLABELLED
        ]
        self._dates = [
            (name, name.removesuffix(_DATES).replace("_", "-")) for name in columns if name.endswith(_DATES)
        ]
        self._files = {
            layout: [(one, file_column(layout, one)) for one in modalities]
            for layout, modalities in layouts.items()
        }

    def patch(self, row: Mapping[str, Any], left: float, top: float) -> Patch:
        """Return the patch of a row, by column, whose upper left corner is given.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is no row of an index.
        """
        lattice, withheld = self._lattice, bool(row.get(WITHHELD))
        step, side = lattice.resolution, lattice.pixels
        facts: dict[str, Any] = {name: str(row[name]) for name in ("id", "domain", "zone", "roi")}
        facts |= {name: int(row[name]) for name in ("row", "col", "fold")}
        facts |= {name: row.get(name) for name in ("number", "camera", "theme", *_METRIC)}
        facts |= {name: row.get(name) or "" for name in _DIGESTS}
        return Patch(
            **facts,
            acquired=date.fromisoformat(row["acquired"]) if row["acquired"] else None,
            time=time.fromisoformat(row["time"]) if row.get("time") else None,
            dates={
                modality: tuple(map(date.fromisoformat, json.loads(days)))
                for name, modality in self._dates
                if (days := row[name]) is not None
            },
            splits={name: SUBSETS[SUBSETS.index(row[name])] for name in (*SPLITS, PROD)},
            window=Window(row=int(row["window_row"]), col=int(row["window_col"]), height=side, width=side),
            grid=PixelGrid(
                crs=lattice.crs,
                transform=Affine(step, 0.0, left, 0.0, -step, top),
                height=side,
                width=side,
            ),
            class_counts={key: int(count) for name, key in self._classes if (count := row[name]) is not None},
            unlabelled=int(row[_UNLABELLED] or 0),
            withheld=withheld,
            files={
                layout: {
                    one: _file(row, column)
                    for one, column in columns
                    if not withheld or row[column] is not None
                }
                for layout, columns in self._files.items()
            },
        )


def _file(row: Mapping[str, Any], column: str) -> PatchFile:
    return PatchFile(
        path=str(row[column]), sha256=row.get(f"{column}_sha256"), member=row.get(f"{column}_member")
    )


def digest_column(layout: str, modality: str) -> str:
    """Return the column of the digests of the files that hold a modality in a layout.

    >>> digest_column("flair-hub", "label")
    'flair_hub_label_sha256'
    """
    return f"{file_column(layout, modality)}_sha256"


def file_column(layout: str, modality: str) -> str:
    """Return the column of the paths of a modality in a layout; others begin with its name.

    >>> file_column("flair-hub", "image")
    'flair_hub_image'
    """
    return f"{layout.replace('-', '_')}_{modality}"
