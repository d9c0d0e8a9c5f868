"""What is in a release: patches, ground and classes by domain, fold and set, from the columns of its index.

The index is read once, a few thousand rows at a time, and kept as sums of zones: memory does not grow with
the patches. Shares of classes are of labelled pixels. How unlike two of them are is told by the
Jensen-Shannon distance (Endres & Schindelin 2003), to base 2: 0 = the same shares, 1 = no class in common.
"""

from __future__ import annotations

__all__ = ["Availability", "Inventory", "Part", "ZoneSum", "class_distance", "take_inventory"]

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.export.folds import FOLDS, PROD, SPLITS, SUBSETS
from workbench.export.release import Release
from workbench.geo.grid import PatchLattice
from workbench.geo.zone import domain_of

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

_SETS: Final = (*SPLITS, PROD)
_PIXELS, _UNLABELLED, _DATES = "pixels_", "pixels_unlabelled", "_dates"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneSum:
    """The patches of a zone, added up."""

    zone: str
    """Id of the zone: ``D055_2018/Z2_UF``."""
    domain: str
    fold: int
    splits: Mapping[str, str]
    """Set in each split and in ``prod``."""
    patches: int
    pixels: NDArray[np.int64]
    """Shape (class,). Labelled pixels, in the sequence of the inventory's classes."""
    unlabelled: int
    ground: BaseGeometry
    """What the patches cover."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """What there is of the ground of a domain, and of when."""

    days: tuple[str, ...] = ()
    """Of the orthophotos, as ISO dates."""
    cameras: tuple[str, ...] = ()
    undated: int = 0
    """Patches whose day nobody knows."""
    without_camera: int = 0
    modalities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By modality beside orthophoto and labels, the days that it shows; empty where it has none."""
    zones: Mapping[str, int] = field(default_factory=dict)
    """By modality, how many zones had it in the campaign, released or not."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "orthophotos": _days(self.days),
            "undated_patches": self.undated,
            "cameras": list(self.cameras),
            "patches_without_camera": self.without_camera,
            "modalities": {name: _days(days) for name, days in self.modalities.items()},
            "zones_with": dict(self.zones),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """A part of a release, or all of it."""

    zones: int
    domains: int
    patches: int
    area: float
    """In km²."""
    all_pixels: int
    """Those whose labels are withheld, too."""
    pixels: NDArray[np.int64]
    """Shape (class,). Labelled pixels."""
    unlabelled: int

    @classmethod
    def of(cls, sums: Sequence[ZoneSum], *, classes: int, lattice: PatchLattice) -> Part:
        """Add up zones of patches of a lattice."""
        patches = sum(one.patches for one in sums)
        return cls(
            zones=len({one.zone for one in sums}),
            domains=len({one.domain for one in sums}),
            patches=patches,
            area=round(patches * lattice.pitch**2 / 1e6, 6),
            all_pixels=patches * lattice.pixels**2,
            pixels=sum((one.pixels for one in sums), np.zeros(classes, np.int64)),
            unlabelled=sum(one.unlabelled for one in sums),
        )

    @property
    def labelled(self) -> int:
        """Pixels that have a class."""
        return int(self.pixels.sum())

    @property
    def withheld(self) -> int:
        """Pixels whose labels are kept apart."""
        return self.all_pixels - self.labelled - self.unlabelled

    @property
    def shares(self) -> NDArray[np.float64]:
        """Shape (class,). Of the labelled pixels; 0 where there is none."""
        return self.pixels / max(1, self.labelled)

    def document(self, keys: Sequence[str], *, whole: Part | None = None) -> dict[str, Any]:
        """Return the JSON view; with its distance to a whole, if that is given."""
        told = {
            "domains": self.domains,
            "zones": self.zones,
            "patches": self.patches,
            "area_km2": self.area,
            "pixels": self.all_pixels,
            "unlabelled_pixels": self.unlabelled,
            "withheld_pixels": self.withheld,
            "class_pixels": dict(zip(keys, self.pixels.tolist(), strict=True)),
            "class_shares": {
                key: round(share, 9) for key, share in zip(keys, self.shares.tolist(), strict=True)
            },
        }
        if whole is not None:
            told["distance"] = _rounded(class_distance(self.pixels, whole.pixels))
        return told


@dataclass(frozen=True, kw_only=True, eq=False)
class Inventory:
    """What is in a release."""

    keys: tuple[str, ...]
    """Of the classes, in the nomenclature's sequence."""
    sums: tuple[ZoneSum, ...]
    """Zones, sorted by id."""
    available: Mapping[str, Availability]
    """By domain."""
    lattice: PatchLattice

    @cached_property
    def whole(self) -> Part:
        """All of it."""
        return self._part(self.sums)

    @cached_property
    def domains(self) -> dict[str, Part]:
        """By domain."""
        return {name: self._part([one for one in self.sums if one.domain == name]) for name in self.available}

    @cached_property
    def folds(self) -> dict[int, Part]:
        """By fold, empty ones, too."""
        return {fold: self._part([one for one in self.sums if one.fold == fold]) for fold in FOLDS}

    @cached_property
    def sets(self) -> dict[str, dict[str, Part]]:
        """By split and set, empty ones, too."""
        return {
            split: {
                subset: self._part([one for one in self.sums if one.splits[split] == subset])
                for subset in SUBSETS
            }
            for split in _SETS
        }

    def fold_of(self, domain: str) -> int:
        """Return the fold of a domain."""
        return next(one.fold for one in self.sums if one.domain == domain)

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "total": self.whole.document(self.keys),
            "domains": {
                name: {
                    "fold": self.fold_of(name),
                    **part.document(self.keys, whole=self.whole),
                    "availability": self.available[name].document(),
                }
                for name, part in self.domains.items()
            },
            "folds": {
                str(fold): part.document(self.keys, whole=self.whole) for fold, part in self.folds.items()
            },
            "splits": {
                split: {name: part.document(self.keys, whole=self.whole) for name, part in parts.items()}
                for split, parts in self.sets.items()
            },
        }

    def _part(self, sums: Sequence[ZoneSum]) -> Part:
        return Part.of(sums, classes=len(self.keys), lattice=self.lattice)


def class_distance(one: NDArray[np.int64], other: NDArray[np.int64]) -> float | None:
    """Return the Jensen-Shannon distance of two counts of classes, None where one of them is empty.

    >>> class_distance(np.array([1, 0]), np.array([0, 7]))
    1.0
    >>> class_distance(np.array([1, 1]), np.array([3, 3]))
    0.0
    """
    from scipy.spatial.distance import jensenshannon

    if not one.sum() or not other.sum():
        return None
    # What scipy rounds below 0 has no root.
    with np.errstate(invalid="ignore"):
        return float(np.nan_to_num(jensenshannon(one / one.sum(), other / other.sum(), base=2)))


def take_inventory(release: Release) -> Inventory:
    """Add up the index of a release.

    Raises
    ------
    ReleaseError
        The index cannot be read.
    """
    index = release.patches()
    keys = tuple(key for key in release.nomenclature.keys if f"{_PIXELS}{key}" in index.columns)
    dates = tuple(name for name in index.columns if name.endswith(_DATES))
    grouped, counted = ("zone", "domain", "fold", *_SETS), [f"{_PIXELS}{key}" for key in keys]
    sums: dict[tuple[Any, ...], _Sum] = defaultdict(lambda: _Sum(np.zeros(len(keys) + 1, np.int64)))
    seen = _Seen()
    columns = [*grouped, *counted, _UNLABELLED, "acquired", "camera", *dates, "geometry"]
    for rows in index.batches(columns):
        for key, found in _by_zone(rows, grouped, [*counted, _UNLABELLED]):
            sums[key].add(found)
        seen.add(rows, dates)
    return Inventory(
        keys=keys,
        sums=tuple(_settled(key, sums[key]) for key in sorted(sums)),
        available=seen.available(release),
        lattice=release.lattice,
    )


@dataclass(slots=True)
class _Sum:
    """What is added up of a zone."""

    pixels: NDArray[np.int64]
    """Shape (class + 1,), the last one unlabelled."""
    patches: int = 0
    ground: BaseGeometry | None = None

    def add(self, other: _Sum) -> None:
        self.pixels += other.pixels
        self.patches += other.patches
        self.ground = other.ground if self.ground is None else self.ground.union(other.ground)


def _by_zone(
    rows: Any, grouped: Sequence[str], counted: Sequence[str]
) -> Iterator[tuple[tuple[Any, ...], _Sum]]:
    """Yield the sums of some rows by zone, or by whatever else differs in it."""
    import shapely

    plain = rows.select(grouped).to_pydict()
    keys = list(zip(*plain.values(), strict=True))
    numbers: dict[tuple[Any, ...], int] = {}
    places = np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.int64)
    # Of labels that are withheld there are no counts.
    pixels = np.stack([rows.column(name).fill_null(0).to_numpy() for name in counted], axis=1)
    shapes = shapely.from_wkb(rows.column("geometry").to_numpy())
    for key, number in numbers.items():
        (own,) = np.nonzero(places == number)
        ground = shapely.union_all(shapes[own])
        yield key, _Sum(pixels[own].sum(axis=0), own.size, ground)


def _settled(key: tuple[Any, ...], found: _Sum) -> ZoneSum:
    assert found.ground is not None  # noqa: S101 - each sum was added to
    zone, domain, fold, *sets = key
    return ZoneSum(
        zone=zone,
        domain=domain,
        fold=fold,
        splits=dict(zip(_SETS, sets, strict=True)),
        patches=found.patches,
        pixels=found.pixels[:-1],
        unlabelled=int(found.pixels[-1]),
        ground=found.ground,
    )


class _Seen:
    """Days and cameras by domain."""

    def __init__(self) -> None:
        self._days = defaultdict[str, dict[str | None, int]](lambda: defaultdict(int))
        self._cameras = defaultdict[str, dict[str | None, int]](lambda: defaultdict(int))
        self._dates = defaultdict[str, dict[str, set[str]]](lambda: defaultdict(set))

    def add(self, rows: Any, dates: Iterable[str]) -> None:
        """Add what some rows say."""
        for column, kept in (("acquired", self._days), ("camera", self._cameras)):
            for domain, value, count in _counted(rows, column):
                kept[domain][value] += count
        for column in dates:
            name = column.removesuffix(_DATES).replace("_", "-")
            for domain, days, _ in _counted(rows, column):
                self._dates[domain][name] |= set(json.loads(days or "[]"))

    def available(self, release: Release) -> dict[str, Availability]:
        """Return what there is of each domain, sorted."""
        having = defaultdict[str, dict[str, int]](lambda: defaultdict(int))
        for entry in release.card["zones"]:
            for name in entry.get("views", ()):
                having[domain_of(entry["id"])][name] += 1
        released = {name for layout in release.layouts for name in layout.modalities}
        others = sorted(released - {"image", "label"})
        return {
            domain: Availability(
                days=tuple(sorted(day for day in days if day)),
                cameras=tuple(sorted(one for one in self._cameras[domain] if one)),
                undated=days.get(None, 0),
                without_camera=self._cameras[domain].get(None, 0),
                modalities={name: tuple(sorted(self._dates[domain].get(name, ()))) for name in others},
                zones=dict(sorted(having[domain].items())),
            )
            for domain, days in sorted(self._days.items())
        }


def _counted(rows: Any, column: str) -> Iterator[tuple[str, str | None, int]]:
    """Yield what stands in a column, by domain, and how often."""
    found = rows.select(["domain", column]).group_by(["domain", column]).aggregate([([], "count_all")])
    plain = found.to_pydict()
    yield from zip(plain["domain"], plain[column], plain["count_all"], strict=True)


def _days(days: Sequence[str]) -> dict[str, Any]:
    return {"days": len(days), "first": days[0] if days else None, "last": days[-1] if days else None}


def _rounded(distance: float | None) -> float | None:
    return None if distance is None else round(distance, 6)
