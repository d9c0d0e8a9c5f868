"""Trees of FLAIR#1 and FLAIR#2: ``…/{domain}/{zone}/img/IMG_036294.tif`` and ``msk/MSK_036294.tif``."""

from __future__ import annotations

__all__ = ["FlairOneTree"]

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime, time
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from workbench.errors import ReleaseError
from workbench.export.trees.sets import folds_of_test
from workbench.export.trees.tree import FileRaster, TreePatch
from workbench.geo.raster import ORTHO_BANDS
from workbench.geo.zone import is_domain, theme_of
from workbench.nomenclature import Nomenclature

_IMAGE, _MASK = re.compile(r"IMG_([0-9]+)\.tif"), re.compile(r"MSK_([0-9]+)\.tif")
_METADATA = re.compile(r"flair.*metadata.*\.json")
_HUB = re.compile(r"D[0-9]+-[0-9]{4}_")
"""Folders of FLAIR-HUB's, which are not looked into."""
_TEST = re.compile(r"(^|[_-])test([_-]|$)")


class FlairOneTree:
    """A tree of FLAIR#1 or FLAIR#2, whole, the toy, or a part: any folder above domains and zones.

    Images and masks are paired by number. What ``flair_aerial_metadata.json`` says of day, time and camera is
    taken, its centres are not: those of published patches lie up to 24 m beside them.
    """

    layout: Final = "flair1"
    scheme: Final = "flair"
    nomenclature: Nomenclature | None = None
    bands: Mapping[int, tuple[str, ...]] = ORTHO_BANDS

    def __init__(self, path: Path) -> None:
        self.path = path
        self._images: defaultdict[str, list[Path]] = defaultdict(list)
        self._masks: defaultdict[str, list[Path]] = defaultdict(list)
        self._metadata: list[Path] = []
        self._tested, self._others = Counter[str](), Counter[str]()
        self._series = 0
        for folder, folders, files in os.walk(path):
            folders[:] = sorted(name for name in folders if not _HUB.match(name))
            self._take(Path(folder), sorted(files))
        self.zones = tuple(sorted(self._images))
        self.folds, note = folds_of_test(self._tested, self._others)
        notes = [f"folds: {note}"]
        if self._series:
            many = f"{self._series} zone{'s' * (self._series != 1)}"
            notes.append(f"super-patches of Sentinel-2 ({many}) stay out: they do not say where they lie")
        self.notes = tuple(notes)

    def theme(self, zone: str) -> str | None:
        """Return the two letters at the end of a zone's name."""
        return theme_of(zone.partition("/")[2])

    def patches(self, zone: str) -> tuple[TreePatch, ...]:
        """Return the patches of a zone, by number."""
        masks = {
            int(found[1]): path
            for folder in self._masks[zone]
            for path in folder.iterdir()
            if (found := _MASK.fullmatch(path.name))
        }
        images = sorted(
            (int(found[1]), path)
            for folder in self._images[zone]
            for path in folder.iterdir()
            if (found := _IMAGE.fullmatch(path.name))
        )
        return tuple(self._patch(number, path, masks.get(number)) for number, path in images)

    def _take(self, folder: Path, files: list[str]) -> None:
        """Note what lies in a folder."""
        below = folder.relative_to(self.path).parts
        self._metadata += [folder / name for name in files if _METADATA.fullmatch(name)]
        images = sum(1 for name in files if _IMAGE.fullmatch(name))
        masks = any(_MASK.fullmatch(name) for name in files)
        series = any(name.startswith("SEN2_sp_") and name.endswith("_data.npy") for name in files)
        if not (images or masks or series):
            return
        domain = next((part for part in reversed((self.path.name, *below)) if is_domain(part)), None)
        if domain is None or not below:
            raise ReleaseError(
                f"{folder} lies below no domain such as D055_2018; give the folder above those of the domains"
            )
        zone = f"{domain}/{folder.parent.name}"
        self._series += series
        if masks:
            self._masks[zone].append(folder)
        if images:
            self._images[zone].append(folder)
            tested = any(_TEST.search(part.lower()) for part in below[:-2])
            (self._tested if tested else self._others)[domain] += images

    def _patch(self, number: int, image: Path, mask: Path | None) -> TreePatch:
        name = image.stem
        record = self._records.get(name, {})
        day, clock = _moment(record, name)
        x, y = (_number(record.get(f"patch_centroid_{axis}")) for axis in "xy")
        return TreePatch(
            name=name,
            image=FileRaster(image),
            label=None if mask is None else FileRaster(mask),
            number=number,
            acquired=day,
            time_of_day=clock,
            camera=str(record["camera"]) if record.get("camera") else None,
            centre=None if x is None or y is None else (x, y),
        )

    @cached_property
    def _records(self) -> dict[str, dict[str, Any]]:
        """What is known of each image, by its name."""
        records: dict[str, dict[str, Any]] = {}
        for path in self._metadata:
            try:
                found = json.loads(path.read_bytes())
                records |= {str(name): dict(record) for name, record in found.items()}
            except (OSError, ValueError, TypeError, AttributeError) as error:
                raise ReleaseError(
                    f"{path} is no metadata of FLAIR's, an object of an object for each image; move it away"
                ) from error
        return records


def _moment(record: Mapping[str, Any], name: str) -> tuple[date | None, time | None]:
    """Return day and time of day of an image: ``2020-06-23`` and ``09h43``."""
    day, clock = record.get("date"), record.get("time")
    try:
        return (
            date.fromisoformat(day) if day else None,
            datetime.strptime(clock, "%Hh%M").time() if clock else None,
        )
    except (ValueError, TypeError) as error:
        raise ReleaseError(
            f"metadata of {name}: {day!r}, {clock!r} is no moment; write 2020-06-23 and 09h43, or null"
        ) from error


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
