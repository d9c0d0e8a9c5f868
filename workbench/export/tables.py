"""Tables about patches: the index of a release (GeoParquet), FLAIR-HUB's GeoPackage of splits, CSV.

The one place of the export that knows geopandas. Equal patches give equal bytes.
"""

from __future__ import annotations

__all__ = ["csv_bytes", "index_bytes", "read_geopackage", "read_index", "split_geopackage", "split_records"]

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from affine import Affine

from workbench.errors import ReleaseError
from workbench.export.folds import PROD, SPLITS, SUBSETS
from workbench.export.patches import Patch, PatchFiles
from workbench.geo.grid import NATIONAL_GRID, PixelGrid, Window

# OGR writes the time of writing into a GeoPackage.
_PINNED_DATE: Final = "2000-01-01T00:00:00.000Z"
_FILES: Final = ("image", "label", "image_sha256", "label_sha256")
_TEXTS: Final = ("acquired", "camera", "theme")


def csv_bytes(rows: Iterable[Sequence[str]]) -> bytes:
    r"""Return rows as CSV in UTF-8.

    >>> csv_bytes([("a", "b"), ("1", "")])
    b'a,b\n1,\n'
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def split_records(patches: Iterable[Patch]) -> dict[str, dict[str, Any]]:
    """Return what FLAIR-HUB's GeoPackage of splits says about each patch, by its id."""
    return {patch.id: _split_record(patch) for patch in patches}


def split_geopackage(patches: Sequence[Patch]) -> bytes:
    """Return a GeoPackage of the patches' outlines and what `split_records` says about them."""
    import geopandas
    import pyogrio

    rows = [{"patch_id": patch.id, **_split_record(patch)} for patch in patches]
    frame = geopandas.GeoDataFrame(rows, geometry=_outlines(patches), crs=NATIONAL_GRID.crs)
    content = io.BytesIO()
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _PINNED_DATE})
    try:
        frame.to_file(content, driver="GPKG", layer="GLOBAL_ALL_MTD_SPLIT", engine="pyogrio")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})
    return content.getvalue()


def read_geopackage(path: Path) -> dict[str, dict[str, Any]]:
    """Read a GeoPackage of splits as `split_records`.

    Raises
    ------
    ReleaseError
        It cannot be read, or has no column ``patch_id``.
    """
    import pyogrio
    from pyogrio.errors import DataSourceError

    try:
        frame: Any = pyogrio.read_dataframe(path, read_geometry=False)
        records: dict[str, dict[str, Any]] = frame.set_index("patch_id").to_dict(orient="index")
    except (DataSourceError, KeyError, ValueError) as error:
        raise ReleaseError(f"{path} is no GeoPackage of splits; copy the release again") from error
    return records


def index_bytes(patches: Sequence[Patch]) -> bytes:
    """Return the index of a release as GeoParquet, one row per patch, in the order given."""
    import geopandas

    columns: dict[str, list[Any]] = {
        name: [getattr(patch, name) for patch in patches]
        for name in ("id", "domain", "zone", "roi", "row", "col", "number", "fold")
    }
    for name in (*SPLITS, PROD):
        columns[name] = [patch.splits[name] for patch in patches]
    columns |= {
        "acquired": [patch.acquired.isoformat() if patch.acquired else None for patch in patches],
        "camera": [patch.camera for patch in patches],
        "theme": [patch.theme for patch in patches],
        "area_m2": [patch.area for patch in patches],
        "window_row": [patch.window.row for patch in patches],
        "window_col": [patch.window.col for patch in patches],
    }
    for key in patches[0].class_counts:
        columns[f"pixels_{key}"] = [patch.class_counts[key] for patch in patches]
    columns["pixels_unlabelled"] = [patch.unlabelled for patch in patches]
    for layout in patches[0].files:
        for name in _FILES:
            columns[f"{_prefix(layout)}_{name}"] = [getattr(patch.files[layout], name) for patch in patches]
    frame = geopandas.GeoDataFrame(columns, geometry=_outlines(patches), crs=NATIONAL_GRID.crs)
    content = io.BytesIO()
    # Columns without any value would have no type at all.
    frame.astype(dict.fromkeys(_TEXTS, "string")).to_parquet(content, index=False, compression="zstd")
    return content.getvalue()


def read_index(path: Path, *, layouts: Iterable[str]) -> tuple[Patch, ...]:
    """Read the patches of a release from its index.

    Raises
    ------
    ReleaseError
        The index cannot be read, or lacks what it must have.
    """
    import geopandas

    try:
        frame: Any = geopandas.read_parquet(path)
        bounds = frame.geometry.bounds
        corners = zip(bounds["minx"].tolist(), bounds["maxy"].tolist(), strict=True)
        rows: list[dict[str, Any]] = frame.drop(columns="geometry").to_dict(orient="records")
        names, crs = tuple(layouts), f"EPSG:{frame.crs.to_epsg()}"
        return tuple(
            _patch(row, left, top, names, crs) for row, (left, top) in zip(rows, corners, strict=True)
        )
    except (OSError, AttributeError, KeyError, ValueError, TypeError) as error:
        raise ReleaseError(f"{path} is no index of patches; copy the release again") from error


def _split_record(patch: Patch) -> dict[str, Any]:
    """Return a patch's sets.

    ``split_toy`` and ``split_flairchallenge`` are FLAIR-HUB's; a release has no such sets of its own, so they
    repeat ``split_1``.
    """
    return {
        **{column: patch.splits[column] for column in (*SPLITS, PROD)},
        "split_flairchallenge": patch.splits[SPLITS[0]],
        "split_toy": patch.splits[SPLITS[0]],
        "domain": patch.domain,
        "zone": patch.zone_name,
        "fold": patch.fold,
    }


def _patch(row: Mapping[str, Any], left: float, top: float, layouts: Sequence[str], crs: str) -> Patch:
    step, side = NATIONAL_GRID.resolution, NATIONAL_GRID.pixels
    facts: dict[str, Any] = {name: str(row[name]) for name in ("id", "domain", "zone", "roi")}
    facts |= {name: int(row[name]) for name in ("row", "col", "number", "fold")}
    facts |= {name: row[name] if isinstance(row[name], str) else None for name in _TEXTS}
    acquired = facts.pop("acquired")
    return Patch(
        **facts,
        acquired=date.fromisoformat(acquired) if acquired else None,
        splits={name: SUBSETS[SUBSETS.index(row[name])] for name in (*SPLITS, PROD)},
        window=Window(row=int(row["window_row"]), col=int(row["window_col"]), height=side, width=side),
        grid=PixelGrid(crs=crs, transform=Affine(step, 0.0, left, 0.0, -step, top), height=side, width=side),
        class_counts={
            name.removeprefix("pixels_"): int(count)
            for name, count in row.items()
            if name.startswith("pixels_") and name != "pixels_unlabelled"
        },
        unlabelled=int(row["pixels_unlabelled"]),
        files={
            layout: PatchFiles(**{name: str(row[f"{_prefix(layout)}_{name}"]) for name in _FILES})
            for layout in layouts
        },
    )


def _outlines(patches: Sequence[Patch]) -> list[Any]:
    import shapely

    bounds = [patch.grid.bounds for patch in patches]
    return [shapely.box(b.left, b.bottom, b.right, b.top) for b in bounds]


def _prefix(layout: str) -> str:
    return layout.replace("-", "_")
