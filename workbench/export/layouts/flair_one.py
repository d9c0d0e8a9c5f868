"""FLAIR#1's layout."""

from __future__ import annotations

__all__ = ["FlairOne", "json_lines"]

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Final

from workbench.export.folds import SPLITS
from workbench.export.index import PatchIndex
from workbench.export.layouts.layout import Container
from workbench.export.patches import IMAGE, LABEL, Patch, ZoneSource
from workbench.export.tables import Table, TextTable, csv_lines

_SHOWN: Final = {IMAGE: "aerial", LABEL: "labels"}
"""Modalities in the names of folders."""
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
    edition: ClassVar[str] = "flair_1"
    """Of the challenge, in the names of the test folders."""
    scheme: ClassVar[str] = "flair"
    bands: ClassVar[tuple[str, ...]] = ("R", "G", "B", "NIR", "E")
    coloured: ClassVar[bool] = False
    numbered: ClassVar[bool] = True
    container: ClassVar[Container] = "files"
    views: ClassVar[tuple[str, ...]] = ()
    modalities: ClassVar[tuple[str, ...]] = (IMAGE, LABEL)
    root: str = "FLAIR1"

    def path(self, patch: Patch, modality: str) -> str:
        """Return where a modality of a patch lies."""
        tree = self._tree(_SHOWN[modality], patch.splits)
        return f"{tree}/{patch.domain}/{patch.zone_name}/{_FILES[modality]}_{patch.number:06d}.tif"

    def zone_paths(self, patches: Sequence[Patch]) -> tuple[str, ...]:
        """Return nothing: patches have all."""
        return ()

    def zone_files(self, source: ZoneSource, patches: Sequence[Patch]) -> Iterator[tuple[str, bytes]]:
        """Yield nothing: patches have all."""
        return iter(())

    def tables(self, patches: PatchIndex) -> Iterator[Table]:
        """Yield the CSV files of the three sets, paths starting at their own folder, and the metadata."""
        for called, subset in (("train", "train"), ("val", "valid"), ("test", "test")):
            yield TextTable(path=f"{called}.csv", lines=partial(self._lines, patches, subset))
        yield TextTable(path="flair_aerial_metadata.json", lines=partial(json_lines, patches, _record))

    def note(self) -> str:
        """Return what ``README.md`` says about the layout."""
        return f"""\
## Folder `{self.root}`: layout FLAIR#1

Images have R, G, B, NIR and the height above ground × 5; masks have the numbers of the scheme
`flair` of `nomenclature.json`; those of flair-19 are 1–19. The paths in `train.csv`, `val.csv` and `test.csv`
(`split_1`) start at this folder. What is unknown in `flair_aerial_metadata.json` is null: keep
`use_metadata: False` where something is.
"""

    def _tree(self, shown: str, splits: Mapping[str, str]) -> str:
        """Return the folder of what is shown of a zone, by its set."""
        return f"{self.edition}_{shown}_test" if splits[SPLITS[0]] == "test" else f"flair_{shown}_train"

    def _lines(self, patches: PatchIndex, subset: str) -> Iterator[str]:
        # IGN's loader takes the second column whatever it reads, and opens no mask when it predicts.
        return csv_lines(
            (self.path(patch, IMAGE), "" if patch.withheld else self.path(patch, LABEL))
            for patch in patches.of_set(SPLITS[0], subset)
        )


def json_lines(patches: PatchIndex, record: Callable[[Patch], tuple[str, Any]]) -> Iterator[str]:
    """Yield the lines of a JSON object with an entry for each patch, by number.

    Parameters
    ----------
    patches
        All of a release.
    record
        Gives key and value of a patch.
    """
    yield "{\n"
    for place, patch in enumerate(patches.by_number(), start=1):
        key, value = record(patch)
        text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        *lines, last = f"{json.dumps(key)}: {text}".splitlines()
        yield from (f" {line}\n" for line in lines)
        yield f" {last},\n" if place < len(patches) else f" {last}\n"
    yield "}\n"


def _record(patch: Patch) -> tuple[str, dict[str, Any]]:
    """Return name and record of a patch; what nobody knows is null: no loader takes it for a measurement.

    IGN's encoder of metadata stops at a null, and at a year outside 2018–2021; its default,
    ``use_metadata: False``, reads neither.
    """
    bounds = patch.grid.bounds
    return f"IMG_{patch.number:06d}", {
        "domain": patch.domain,
        "zone": patch.zone_name,
        "patch_centroid_x": round((bounds.left + bounds.right) / 2, 3),
        "patch_centroid_y": round((bounds.bottom + bounds.top) / 2, 3),
        "patch_centroid_z": patch.ground,
        "date": patch.acquired.isoformat() if patch.acquired else None,
        "time": patch.time.strftime("%Hh%M") if patch.time else None,
        "camera": patch.camera,
    }
