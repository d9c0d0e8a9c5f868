"""FLAIR-HUB's layout."""

from __future__ import annotations

__all__ = ["FlairHub"]

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, Final

from workbench.export.folds import SPLITS, SUBSETS
from workbench.export.index import PatchIndex
from workbench.export.patches import IMAGE, LABEL, Patch
from workbench.export.tables import SplitTable, Table, TextTable, csv_lines

_CALLED: Final = {IMAGE: "AERIAL_RGBI", LABEL: "AERIAL_LABEL-COSIA"}
"""Modalities, as FLAIR-HUB calls them."""
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
    surface and a terrain model in metres: a band of heights times five cannot be turned into it, so it is
    left out.

    TorchGeo's ``FLAIRHUBToy`` wants the folder ``FLAIR-HUB_TOY``: ``FlairHub(root="FLAIR-HUB_TOY")``.
    """

    name: ClassVar[str] = "flair-hub"
    scheme: ClassVar[str] = "flair_hub"
    bands: ClassVar[tuple[str, ...]] = ("R", "G", "B", "NIR")
    coloured: ClassVar[bool] = True
    modalities: ClassVar[tuple[str, ...]] = (IMAGE, LABEL)
    root: str = "FLAIR-HUB"

    def path(self, patch: Patch, modality: str) -> str:
        """Return where a modality of a patch lies."""
        folder = f"{patch.domain.replace('_', '-')}_{_CALLED[modality]}"
        return f"{folder}/{patch.roi}/{folder}_{patch.roi}_{patch.row}-{patch.col}.tif"

    def tables(self, patches: PatchIndex) -> Iterator[Table]:
        """Yield the GeoPackage of splits, and the CSV files of the three sets of ``split_1``.

        Paths in the CSV files start at their own folder, as FLAIR-HUB's do (``../D055-2018_AERIAL_RGBI/…``).
        """
        yield SplitTable(path="GLOBAL_ALL_MTD/GLOBAL_ALL_MTD_SPLIT.gpkg", patches=patches)
        for subset in SUBSETS:
            yield TextTable(path=f"csv/split_1_{subset}.csv", lines=partial(self._lines, patches, subset))

    def note(self) -> str:
        """Return what ``README.md`` says about the layout."""
        return f"""\
## Folder `{self.root}`: layout FLAIR-HUB

Modalities `AERIAL_RGBI` (R, G, B, NIR) and `AERIAL_LABEL-COSIA` (0–18). The paths in `csv/split_1_*.csv`
start at the folder `csv`. Cells of other modalities are empty: in `flair_hub`'s configuration keep their
keys under `modalities: inputs:` (`SENTINEL2_TS` among them) and set them to `False`. `DEM_ELEV` is absent:
it holds a surface and a terrain model, which a height above ground does not give. `split_toy` and
`split_flairchallenge` repeat `split_1`.
"""

    def _lines(self, patches: PatchIndex, subset: str) -> Iterator[str]:
        yield from csv_lines([_COLUMNS])
        for patch in patches:
            if patch.splits[SPLITS[0]] == subset:
                cells = {_CALLED[one]: f"../{self.path(patch, one)}" for one in self.modalities}
                cells["patch_id"] = patch.id
                yield from csv_lines([[cells.get(column, "") for column in _COLUMNS]])
