"""FLAIR-HUB's layout."""

from __future__ import annotations

__all__ = ["CALLED", "DATED", "FlairHub"]

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

from workbench.export.folds import PROD, SPLITS, SUBSETS
from workbench.export.index import PatchIndex
from workbench.export.layouts.layout import Container
from workbench.export.modalities import MODALITIES
from workbench.export.patches import IMAGE, LABEL, Patch, ZoneSource
from workbench.export.tables import PatchTable, Table, TextTable, csv_lines

CALLED: Final = {
    IMAGE: "AERIAL_RGBI",
    LABEL: "AERIAL_LABEL-COSIA",
    "elevation": "DEM_ELEV",
    "historical": "AERIAL-RLT_PAN",
    "spot": "SPOT_RGBI",
    "sentinel2": "SENTINEL2_TS",
    "sentinel2-masks": "SENTINEL2_MSK-SC",
    "sentinel1-asc": "SENTINEL1-ASC_TS",
    "sentinel1-desc": "SENTINEL1-DESC_TS",
    "parcels": "ALL_LABEL-LPIS",
}
"""Modalities, as FLAIR-HUB calls them."""
DATED: Final = {
    IMAGE: "AERIAL",
    "historical": "AERIAL-RLT",
    "spot": "SPOT",
    "sentinel2": "SENTINEL2",
    "sentinel1-asc": "SENTINEL1-ASC",
    "sentinel1-desc": "SENTINEL1-DESC",
}
"""Modalities whose days are a GeoPackage of their own."""
# The header of FLAIR-HUB's own CSV files.
_COLUMNS: Final = (
    "patch_id",
    "AERIAL-RLT_PAN",
    "AERIAL_LABEL-COSIA",
    "AERIAL_RGBI",
    "ALL_LABEL-LPIS",
    "DEM_ELEV",
    "SENTINEL1-ASC_TS",
    "SENTINEL1-DESC_TS",
    "SENTINEL2_MSK-SC",
    "SENTINEL2_TS",
    "SPOT_RGBI",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlairHub:
    """FLAIR-HUB: a folder per domain, year and modality; labels 0–18.

    IGN's loader takes the paths from the CSV column of each active modality, rebuilds the patch id from the
    first and the last two parts of the label's name, and needs a split column in which each patch has
    ``train``, ``valid`` or ``test``. The CSV has the whole header of FLAIR-HUB; cells of modalities that a
    release does not have are empty, and its user's configuration sets them to False. ``DEM_ELEV`` is a
    surface and a terrain model in metres: a band of heights times five cannot be turned into it.

    TorchGeo's ``FLAIRHUBToy`` wants the folder ``FLAIR-HUB_TOY``: ``FlairHub(root="FLAIR-HUB_TOY")``.
    """

    name: ClassVar[str] = "flair-hub"
    scheme: ClassVar[str] = "flair_hub"
    bands: ClassVar[tuple[str, ...]] = ("R", "G", "B", "NIR")
    coloured: ClassVar[bool] = True
    numbered: ClassVar[bool] = False
    container: ClassVar[Container] = "files"
    views: ClassVar[tuple[str, ...]] = ()
    root: str = "FLAIR-HUB"
    modalities: tuple[str, ...] = (IMAGE, LABEL)

    def path(self, patch: Patch, modality: str) -> str:
        """Return where a modality of a patch lies."""
        department, _, year = patch.domain.partition("_")
        folder = f"{department}-{'195X' if modality == 'historical' else year}_{CALLED[modality]}"
        return f"{folder}/{patch.roi}/{folder}_{patch.roi}_{patch.row}-{patch.col}.tif"

    def zone_paths(self, patches: Sequence[Patch]) -> tuple[str, ...]:
        """Return nothing: patches have all."""
        return ()

    def zone_files(self, source: ZoneSource, patches: Sequence[Patch]) -> Iterator[tuple[str, bytes]]:
        """Yield nothing: patches have all."""
        return iter(())

    def tables(self, patches: PatchIndex) -> Iterator[Table]:
        """Yield GeoPackages of splits and dates, and the CSV files of the three sets of ``split_1``.

        Paths in the CSV files start at their own folder, as FLAIR-HUB's do (``../D055-2018_AERIAL_RGBI/…``).
        """
        yield PatchTable(path="GLOBAL_ALL_MTD/GLOBAL_ALL_MTD_SPLIT.gpkg", patches=patches, row=_split_row)
        for modality in self.modalities:
            if modality in DATED:
                yield PatchTable(
                    path=f"GLOBAL_ALL_MTD/GLOBAL_{DATED[modality]}_MTD_DATES.gpkg",
                    patches=patches,
                    row=partial(_dates_row, modality),
                )
        for subset in SUBSETS:
            yield TextTable(path=f"csv/split_1_{subset}.csv", lines=partial(self._lines, patches, subset))

    def note(self) -> str:
        """Return what ``README.md`` says about the layout."""
        called = ", ".join(f"`{CALLED[one]}`" for one in self.modalities)
        missing = [] if "elevation" in self.modalities else [_NO_ELEVATION]
        return "".join(
            [f"## Folder `{self.root}`: layout FLAIR-HUB\n\nModalities {called}. ", _NOTE, *missing]
        )

    def _lines(self, patches: PatchIndex, subset: str) -> Iterator[str]:
        yield from csv_lines([_COLUMNS])
        for patch in patches.of_set(SPLITS[0], subset):
            cells = {CALLED[one]: f"../{self.path(patch, one)}" for one in patch.shown(self.modalities)}
            cells["patch_id"] = patch.id
            yield from csv_lines([[cells.get(column, "") for column in _COLUMNS]])


_NOTE: Final = """\
Labels have the numbers of
the scheme `flair_hub` of `nomenclature.json`; those of flair-19 are 0–18. The paths in `csv/split_1_*.csv`
start at the folder `csv`. Cells of other modalities are empty: in `flair_hub`'s configuration keep their keys
under `modalities: inputs:` (`SENTINEL2_TS` among them) and set them to `False`. `split_toy` and
`split_flairchallenge` repeat `split_1`. Days that nobody knows are empty.
"""
_NO_ELEVATION: Final = """\
`DEM_ELEV` is absent: it holds a surface and a terrain model, which a height above ground does not give.
"""


def _split_row(patch: Patch) -> dict[str, Any]:
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


def _dates_row(modality: str, patch: Patch) -> dict[str, Any]:
    """Return the days of a modality: of a series ``{"1": "20180916", …}``, else a day."""
    if modality in MODALITIES and MODALITIES[modality].series:
        days = {str(place): f"{day:%Y%m%d}" for place, day in enumerate(patch.dates[modality], start=1)}
        return {"acquisition_dates": json.dumps(days)}
    known = (patch.acquired,) if modality == IMAGE else patch.dates.get(modality, ())
    return {"date": f"{known[0]:%Y%m%d}" if known and known[0] else None}
