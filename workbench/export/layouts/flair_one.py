"""FLAIR#1's layout."""

from __future__ import annotations

__all__ = ["FlairOne"]

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

from workbench.export.folds import SPLITS
from workbench.export.index import PatchIndex
from workbench.export.layouts.layout import Container
from workbench.export.patches import IMAGE, LABEL, Patch
from workbench.export.tables import Table, TextTable, csv_lines

_TREES: Final = {
    (IMAGE, False): "flair_aerial_train",
    (IMAGE, True): "flair_1_aerial_test",
    (LABEL, False): "flair_labels_train",
    (LABEL, True): "flair_1_labels_test",
}
"""Folder of a modality, of patches that are test or not."""
_FILES: Final = {IMAGE: "img/IMG", LABEL: "msk/MSK"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FlairOne:
    """FLAIR#1: a folder per domain and zone, numbered patches of five bands, labels 1–19.

    IGN's loader takes the paths from headless CSV files and subtracts 1 from the labels. Its five channels
    are fixed by default, and a tree whose images have four or five bands fails in mid-training; so zones
    without elevation are refused. Labels carry no colour table, as IGN's do not: readers that apply one would
    turn classes into colours. Test = ``split_1``.
    """

    name: ClassVar[str] = "flair1"
    scheme: ClassVar[str] = "flair"
    bands: ClassVar[tuple[str, ...]] = ("R", "G", "B", "NIR", "E")
    coloured: ClassVar[bool] = False
    numbered: ClassVar[bool] = True
    container: ClassVar[Container] = "files"
    modalities: ClassVar[tuple[str, ...]] = (IMAGE, LABEL)
    root: str = "FLAIR1"

    def path(self, patch: Patch, modality: str) -> str:
        """Return where a modality of a patch lies."""
        tree = _TREES[modality, patch.splits[SPLITS[0]] == "test"]
        return f"{tree}/{patch.domain}/{patch.zone_name}/{_FILES[modality]}_{patch.number:06d}.tif"

    def tables(self, patches: PatchIndex) -> Iterator[Table]:
        """Yield the CSV files of the three sets, paths starting at their own folder, and the metadata."""
        for called, subset in (("train", "train"), ("val", "valid"), ("test", "test")):
            yield TextTable(path=f"{called}.csv", lines=partial(self._lines, patches, subset))
        yield TextTable(path="flair_aerial_metadata.json", lines=partial(_metadata, patches))

    def note(self) -> str:
        """Return what ``README.md`` says about the layout."""
        return f"""\
## Folder `{self.root}`: layout FLAIR#1

Images have R, G, B, NIR and the height above ground × 5; masks have 1–19. The paths in `train.csv`, `val.csv`
and `test.csv` (`split_1`) start at this folder. What is unknown in `flair_aerial_metadata.json` is null: keep
`use_metadata: False` where something is.
"""

    def _lines(self, patches: PatchIndex, subset: str) -> Iterator[str]:
        return csv_lines(
            (self.path(patch, IMAGE), self.path(patch, LABEL))
            for patch in patches
            if patch.splits[SPLITS[0]] == subset
        )


def _metadata(patches: PatchIndex) -> Iterator[str]:
    """Yield the lines of a JSON object with a record for each patch, by number."""
    yield "{\n"
    for place, patch in enumerate(patches.by_number(), start=1):
        record = json.dumps(_record(patch), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        first, *lines, last = record.splitlines()
        yield f' "IMG_{patch.number:06d}": {first}\n'
        yield from (f" {line}\n" for line in lines)
        yield f" {last},\n" if place < len(patches) else f" {last}\n"
    yield "}\n"


def _record(patch: Patch) -> dict[str, Any]:
    """Return a patch's record; what nobody knows is null, so that no loader takes it for a measurement.

    IGN's encoder of metadata stops at a null, and at a year outside 2018–2021; its default,
    ``use_metadata: False``, reads neither.
    """
    bounds = patch.grid.bounds
    return {
        "domain": patch.domain,
        "zone": patch.zone_name,
        "patch_centroid_x": round((bounds.left + bounds.right) / 2, 3),
        "patch_centroid_y": round((bounds.bottom + bounds.top) / 2, 3),
        "patch_centroid_z": patch.ground,
        "date": patch.acquired.isoformat() if patch.acquired else None,
        "time": patch.time.strftime("%Hh%M") if patch.time else None,
        "camera": patch.camera,
    }
