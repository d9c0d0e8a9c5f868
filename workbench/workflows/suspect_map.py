"""Suspects as polygons that QGIS opens in the colours of the classes that models suggest."""

from __future__ import annotations

__all__ = ["SUSPECTS", "SUSPECTS_STYLE", "check_map", "write_map"]

from pathlib import Path
from typing import Final

import numpy as np

from workbench.documents import write_files
from workbench.errors import CampaignError
from workbench.geo.geopackage import geopackage_bytes, is_map, style_bytes
from workbench.geo.polygons import polygonise
from workbench.geo.styles import style_kind
from workbench.outputs import FileKind, check_output
from workbench.workflows.suspecting import Suspected

_MARK: Final = "ocs-workbench/suspects"
SUSPECTS: Final = FileKind(
    name="a map of suspects", mark=_MARK, is_one=lambda path: is_map(path, mark=_MARK, fields=())
)
SUSPECTS_STYLE: Final = style_kind("a style of suspects", f"{_MARK}-style")


def check_map(path: Path, *, overwrite: bool) -> None:
    """Refuse a map before any work goes into it.

    Raises
    ------
    CampaignError
        Something else lies there, or its name does not end in ``.gpkg``.
    """
    if path.suffix.lower() != ".gpkg":
        raise CampaignError(f"{path}: suspects are drawn into a GeoPackage; give a name that ends in .gpkg")
    check_output(path, SUSPECTS, overwrite=overwrite, error=CampaignError)
    check_output(path.with_suffix(".qml"), SUSPECTS_STYLE, overwrite=overwrite, error=CampaignError)


def write_map(found: Suspected, path: Path) -> None:
    """Write suspects as a GeoPackage of one polygon each, by rank, and the style that QGIS opens it with.

    Raises
    ------
    CampaignError
        The zones lie in several CRS.
    """
    if len(systems := sorted({one.zone.grid.crs for one in found.zones})) > 1:
        raise CampaignError(
            f"the zones lie in {' and '.join(systems)}, a map has one CRS; draw them one by one with --zone"
        )
    ranked, polygons = found.ranked, []
    for zone, one in ranked:
        outline = polygonise(one.mask.decode().astype(np.uint8), zone.zone.grid.crop(one.mask.window))
        polygons += list(outline.polygons)
    columns = {
        "rank": np.arange(1, len(ranked) + 1, dtype=np.int32),
        "zone": np.array([zone.zone.id for zone, _ in ranked], object),
        "label": np.array([found.key(one.label) for _, one in ranked], object),
        "suggested": np.array([found.key(one.suggested) for _, one in ranked], object),
        "pixels": np.array([one.pixels for _, one in ranked], np.int64),
        "wrong": np.array([round(one.wrong, 1) for _, one in ranked], np.float64),
        "confidence": np.array([round(one.confidence, 4) for _, one in ranked], np.float64),
        "share": np.array([round(one.share, 4) for _, one in ranked], np.float64),
        "picks": np.array([one.picks or 0 for _, one in ranked], np.int32),
        "model": np.array([zone.model for zone, _ in ranked], object),
    }
    content = geopackage_bytes(
        np.array(polygons, dtype=object), columns, kind=SUSPECTS, layer="suspects", crs=systems[0]
    )
    classes = [(one.key, one.titles["fr"], one.colour) for one in found.nomenclature.classes]
    style = style_bytes(SUSPECTS_STYLE, "suggested", classes, numeric=False)
    write_files({path: content, path.with_suffix(".qml"): style}, error=CampaignError)
