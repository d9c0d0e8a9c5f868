"""What a release is made of, zone by zone, in one pass over its index.

The sums of `workbench.export.inventory` are of a few columns, for figures alone. Here every patch is read
whole, for where its files lie; to have the inventory do that would cost each report what only a publication
needs.
"""

from __future__ import annotations

__all__ = ["Survey", "ZoneSurvey", "survey"]

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from workbench.dataset.patterns import Patterns
from workbench.export import Patch, Release
from workbench.export.index import INDEX
from workbench.nomenclature import Nomenclature


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneSurvey:
    """A zone in a release."""

    id: str
    domain: str
    fold: int
    splits: Mapping[str, str]
    acquired: date | None
    camera: str | None
    patches: int
    area: float
    """In m²."""
    class_pixels: Mapping[str, int]
    """Labelled pixels, by key."""
    unlabelled: int
    outline: BaseGeometry
    """Ground of its patches, in the release's CRS."""
    files: Mapping[str, Mapping[str, str]]
    """By layout and modality, where its first patch lies."""

    @property
    def period(self) -> tuple[date, date]:
        """First and last day on which its picture can have been taken: its day, or else its domain's year."""
        if self.acquired:
            return self.acquired, self.acquired
        year = int(self.domain.rpartition("_")[2])
        return date(year, 1, 1), date(year, 12, 31)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Survey:
    """What a release is made of."""

    release: Release
    nomenclature: Nomenclature
    zones: tuple[ZoneSurvey, ...]
    """By id."""
    patterns: Mapping[tuple[str, str], str]
    """By layout and modality, the glob of its files."""
    columns: tuple[tuple[str, str], ...]
    """Of the index: name and Arrow type."""

    @property
    def name(self) -> str:
        """Name of the release."""
        return self.release.name

    @property
    def card(self) -> Mapping[str, Any]:
        """The content of ``release.json``."""
        return self.release.card

    @property
    def domains(self) -> dict[str, tuple[ZoneSurvey, ...]]:
        """Zones by domain."""
        by_domain = sorted(self.zones, key=lambda zone: (zone.domain, zone.id))
        return {name: tuple(zones) for name, zones in groupby(by_domain, key=lambda zone: zone.domain)}

    @property
    def folds(self) -> dict[int, tuple[ZoneSurvey, ...]]:
        """Zones by fold, for the folds that have any."""
        by_fold = sorted(self.zones, key=lambda zone: (zone.fold, zone.id))
        return {fold: tuple(zones) for fold, zones in groupby(by_fold, key=lambda zone: zone.fold)}

    @property
    def class_pixels(self) -> Counter[str]:
        """Labelled pixels of all zones, by key."""
        return class_pixels(self.zones)

    @property
    def unlabelled(self) -> int:
        """Pixels that nobody labelled."""
        return sum(zone.unlabelled for zone in self.zones)

    @property
    def pixels(self) -> int:
        """All pixels."""
        return int(self.card["counts"]["pixels"])

    @property
    def withheld(self) -> int:
        """Pixels whose labels are kept apart."""
        return self.pixels - self.class_pixels.total() - self.unlabelled

    @property
    def period(self) -> tuple[date, date]:
        """First and last day that a picture can have been taken on."""
        return min(zone.period[0] for zone in self.zones), max(zone.period[1] for zone in self.zones)

    @property
    def people(self) -> tuple[str, ...]:
        """Pseudonyms of those whose edits the labels are made of."""
        return tuple(sorted({name for zone in self.card["zones"] for name in zone["heads"]}))


def class_pixels(zones: Iterable[ZoneSurvey]) -> Counter[str]:
    """Return the labelled pixels of some zones, by key."""
    found: Counter[str] = Counter()
    for zone in zones:
        found.update(zone.class_pixels)
    return found


def survey(release: Release) -> Survey:
    """Read the index of a release once, a few patches at a time.

    Raises
    ------
    ReleaseError
        It is damaged.
    """
    patterns, index = Patterns(), release.patches()
    zones = [
        _zone(zone, tuple(patches), patterns)
        for zone, patches in groupby(index, key=lambda patch: patch.zone)
    ]
    return Survey(
        release=release,
        nomenclature=release.nomenclature,
        zones=tuple(sorted(zones, key=lambda zone: zone.id)),
        patterns=patterns.globs(),
        columns=_columns(release),
    )


def _columns(release: Release) -> tuple[tuple[str, str], ...]:
    import pyarrow.parquet as pq

    return tuple((one.name, str(one.type)) for one in pq.read_schema(release.path / INDEX))


def _zone(zone: str, patches: tuple[Patch, ...], patterns: Patterns) -> ZoneSurvey:
    first, counts = patches[0], Counter[str]()
    for patch in patches:
        counts.update(patch.class_counts)
        for layout, files in patch.files.items():
            for modality, file in files.items():
                patterns.add((layout, modality), file.path)
    bounds = np.array([[b.left, b.bottom, b.right, b.top] for b in (patch.grid.bounds for patch in patches)])
    return ZoneSurvey(
        id=zone,
        domain=first.domain,
        fold=first.fold,
        splits=dict(first.splits),
        acquired=first.acquired,
        camera=first.camera,
        patches=len(patches),
        area=sum(patch.area for patch in patches),
        class_pixels=dict(counts),
        unlabelled=sum(patch.unlabelled for patch in patches),
        outline=shapely.union_all(shapely.box(*bounds.T)).normalize(),
        files={
            layout: {modality: file.path for modality, file in files.items()}
            for layout, files in first.files.items()
        },
    )
