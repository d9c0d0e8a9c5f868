"""Trees of FLAIR-HUB: ``D055-2018_{modality}/{roi}/D055-2018_{modality}_{roi}_{row}-{col}.tif``."""

from __future__ import annotations

__all__ = ["FlairHubTree"]

import csv
import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from workbench.errors import ReleaseError
from workbench.export.folds import SPLITS
from workbench.export.layouts.flair_hub import CALLED, DATED
from workbench.export.modalities import MODALITIES
from workbench.export.patches import IMAGE, LABEL
from workbench.export.tables import read_rows
from workbench.export.trees.sets import folds_of_splits, folds_of_test
from workbench.export.trees.tree import FileRaster, TreePatch
from workbench.geo.zone import domain_of, theme_of
from workbench.nomenclature import Nomenclature

_FOLDER = re.compile(rf"(D[0-9]+)-([0-9]{{4}})_{CALLED[IMAGE]}")
_OTHER = re.compile(r"D[0-9]+[-_][0-9]")
"""Folders of other modalities, or of FLAIR#1's domains, which are not looked into."""
_ROI = re.compile(r"([A-Z]{2})-S[0-9]-.+")
_SETS: Final = {"train": "train", "val": "valid", "valid": "valid", "test": "test"}


class FlairHubTree:
    """A tree of FLAIR-HUB, whole, the toy, or a part: any folder above those of domains and modalities."""

    layout: Final = "flair-hub"
    scheme: Final = "flair_hub"
    nomenclature: Nomenclature | None = None
    bands: Mapping[int, tuple[str, ...]] = {4: ("R", "G", "B", "NIR")}

    def __init__(self, path: Path) -> None:
        self.path = path
        self._rois: defaultdict[str, list[Path]] = defaultdict(list)
        self._sizes = Counter[str]()
        self._tables: defaultdict[str, list[Path]] = defaultdict(list)
        for folder, folders, files in os.walk(path):
            folders.sort()
            for name in sorted(files):
                if name.endswith((".gpkg", ".csv")):
                    self._tables[name].append(Path(folder, name))
            if found := _FOLDER.fullmatch(Path(folder).name):
                self._take(Path(folder), f"{found[1]}_{found[2]}", folders)
            folders[:] = [name for name in folders if _FOLDER.fullmatch(name) or not _OTHER.match(name)]
        self.zones = tuple(sorted(self._rois))
        self.folds, note = self._folded()
        self.notes = (f"folds: {note}",) if note else ()

    def theme(self, zone: str) -> str | None:
        """Return the two letters that a region of interest begins with, or a zone of ours ends with."""
        name = zone.partition("/")[2]
        found = _ROI.fullmatch(name)
        return found[1] if found else theme_of(name)

    def patches(self, zone: str) -> tuple[TreePatch, ...]:
        """Return the patches of a zone, by row, then column."""
        return tuple(patch for folder in self._rois[zone] for patch in self._of_folder(folder))

    def _take(self, folder: Path, domain: str, rois: list[str]) -> None:
        """Note the regions of interest of a domain."""
        for roi in rois:
            count = sum(1 for path in (folder / roi).iterdir() if path.suffix == ".tif")
            if count:
                self._rois[f"{domain}/{roi.replace('--', '_')}"].append(folder / roi)
                self._sizes[domain] += count
        rois.clear()

    def _of_folder(self, images: Path) -> Iterator[TreePatch]:
        """Yield the patches of a region of interest, whose images lie in a folder."""
        prefix, roi = images.parent.name.removesuffix(f"_{CALLED[IMAGE]}"), images.name
        form = re.compile(re.escape(f"{images.parent.name}_{roi}_") + r"([0-9]+)-([0-9]+)\.tif")
        folders = {one: self._folder(images, prefix, one) for one in (LABEL, *MODALITIES)}
        there = {
            one: {path.name for path in folder.iterdir()}
            for one, folder in folders.items()
            if folder.is_dir()
        }
        found = ((form.fullmatch(path.name), path) for path in images.iterdir())
        for row, col, path in sorted((int(one[1]), int(one[2]), path) for one, path in found if one):
            names = {one: f"{folder.parent.name}_{roi}_{row}-{col}.tif" for one, folder in folders.items()}
            files = {
                one: FileRaster(folders[one] / name)
                for one, name in names.items()
                if name in there.get(one, ())
            }
            patch_id = f"{prefix}_{roi}_{row}-{col}"
            yield TreePatch(
                name=patch_id,
                image=FileRaster(path),
                label=files.get(LABEL),
                views={one: file for one, file in files.items() if one != LABEL},
                place=(row, col),
                acquired=next(iter(self._days(IMAGE).get(patch_id, ())), None),
                dates={one: days for one in files if (days := self._days(one).get(patch_id, ()))},
            )

    def _folder(self, images: Path, prefix: str, modality: str) -> Path:
        """Return where the files of a modality lie beside those images."""
        department = prefix.rpartition("-")[0]
        name = f"{department}-195X" if modality == "historical" else prefix
        return images.parents[1] / f"{name}_{CALLED[modality]}" / images.name

    def _days(self, modality: str) -> Mapping[str, tuple[date, ...]]:
        """Return the days that a modality shows of each patch."""
        series = "sentinel2" if modality == "sentinel2-masks" else modality
        return self._dates.get(series, {})

    @cached_property
    def _dates(self) -> dict[str, dict[str, tuple[date, ...]]]:
        found: dict[str, dict[str, tuple[date, ...]]] = {}
        for modality, called in DATED.items():
            days = found.setdefault(modality, {})
            for table in self._tables.get(f"GLOBAL_{called}_MTD_DATES.gpkg", ()):
                for row in read_rows(table, ["patch_id", "date", "acquisition_dates"]):
                    days[str(row["patch_id"])] = _days_of(row, table)
        return found

    def _folded(self) -> tuple[dict[str, int], str]:
        """Return the folds that the tables of splits tell, and what is to be known of them."""
        domains = {domain_of(zone) for zone in self.zones}
        tables = self._tables.get("GLOBAL_ALL_MTD_SPLIT.gpkg", ())
        if tables:
            sets: dict[str, dict[str, set[str]]] = {domain: defaultdict(set) for domain in domains}
            for table in tables:
                for row in read_rows(table, ["patch_id", *SPLITS]):
                    if (domain := _domain_of(row)) in domains:
                        for split in SPLITS:
                            sets[domain][split].add(str(row.get(split)))
            return folds_of_splits(sets)
        tested, others = Counter[str](), Counter[str]()
        for subset, domain in self._listed():
            if domain in domains:
                (tested if subset == "test" else others)[domain] += 1
        return folds_of_test(tested, others)

    def _listed(self) -> Iterator[tuple[str, str]]:
        """Yield set and domain of each patch in CSV files that are called after a set."""
        for name, tables in self._tables.items():
            parts = [_SETS[part] for part in re.split(r"[^a-z]+", name.lower()) if part in _SETS]
            if not name.endswith(".csv") or not parts:
                continue
            for table in tables:
                with table.open(encoding="utf-8", newline="") as lines:
                    yield from (
                        (parts[-1], _domain_of(row)) for row in csv.DictReader(lines) if row.get("patch_id")
                    )


def _domain_of(row: Mapping[str, Any]) -> str:
    return str(row["patch_id"]).partition("_")[0].replace("-", "_")


def _days_of(row: Mapping[str, Any], table: Path) -> tuple[date, ...]:
    """Return the days of a row: ``20180916``, or ``{"1": "20180603", …}`` as text."""
    try:
        if row.get("acquisition_dates"):
            days = json.loads(row["acquisition_dates"])
            return tuple(_day(days[place]) for place in sorted(days, key=int))
        return (_day(row["date"]),) if row.get("date") else ()
    except (ValueError, TypeError, KeyError) as error:
        raise ReleaseError(
            f"{table}: the dates of {row.get('patch_id')} are none; write them like 20180916"
        ) from error


def _day(text: Any) -> date:
    return datetime.strptime(str(text).replace("-", "")[:8], "%Y%m%d").date()
