"""Why the labels of a release are others than those of the one before, as the journals of a campaign tell it.

Each pixel that changed has a cause where the journals, replayed to the heads of both releases, show what both
releases show, and an op lies in between; or where they show what the second shows, and its classes are those
of another nomenclature. Any other pixel is unexplained, and so is its patch.
"""

from __future__ import annotations

__all__ = ["Explained", "Reasons", "Unexplained", "ZoneReasons", "explain"]

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.errors import CampaignError, GridError, JournalError
from workbench.export.changed_patches import ChangedPatch
from workbench.export.patch_diff import PatchReader
from workbench.export.patches import Patch
from workbench.export.pixels import codes_on
from workbench.export.release_diff import ReleaseDiff
from workbench.export.transitions import UNLABELLED
from workbench.export.zone_changes import ZoneChange
from workbench.geo.grid import PixelGrid
from workbench.geo.regridding import mean_pixels
from workbench.geo.zone import Zone
from workbench.nomenclature import Nomenclature
from workbench.workflows.remarks import Remark
from workbench.workflows.zone_history import Cause, ZoneHistory, zone_history

NOMENCLATURE = Cause(kind="nomenclature")
"""The pixel is as it was, its class is called otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What one kind of edit did."""

    cause: Cause
    ops: int
    """In between, whether or not they stand on a pixel."""
    pixels: int
    """That changed by it."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "kind": self.cause.kind,
            "about": self.cause.about or None,
            "ops": self.ops,
            "pixels": self.pixels,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Unexplained:
    """A patch that changed and nobody knows why."""

    patch: str
    """Id in the second release."""
    pixels: int
    """Whose labels nothing explains."""
    picture: bool = False
    """Whether its picture is another one of the same raster."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {"patch": self.patch, "pixels": self.pixels, "picture": self.picture}


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneReasons:
    """Why a zone changed."""

    zone: str
    """Id in the second release."""
    explained: tuple[Explained, ...]
    """The most pixels first."""
    remarks: tuple[Remark, ...]
    unexplained: tuple[Unexplained, ...]
    problem: str = ""
    """Why its journals tell nothing; empty where they do."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "zone": self.zone,
            "explained": [one.document() for one in self.explained],
            "remarks": [remark.document() for remark in self.remarks],
            "unexplained": [one.document() for one in self.unexplained],
            "problem": self.problem or None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Why a release changed."""

    campaign: Path
    zones: tuple[ZoneReasons, ...]
    """Those in which labels or pictures changed, or the heads moved; by name."""

    @property
    def explained(self) -> tuple[Explained, ...]:
        """What each kind of edit did in all zones, the most pixels first."""
        return _ranked(one for zone in self.zones for one in zone.explained)

    @property
    def unexplained(self) -> int:
        """Number of patches that nobody knows a reason for."""
        return sum(len(zone.unexplained) for zone in self.zones)

    @property
    def unexplained_pixels(self) -> int:
        """Number of pixels of labels that nothing explains."""
        return sum(one.pixels for zone in self.zones for one in zone.unexplained)

    def of_zone(self, zone: str) -> ZoneReasons | None:
        """Return the reasons of a zone of the second release."""
        return next((one for one in self.zones if one.zone == zone), None)

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "campaign": str(self.campaign),
            "explained": [one.document() for one in self.explained],
            "unexplained": {"patches": self.unexplained, "pixels": self.unexplained_pixels},
            "zones": [zone.document() for zone in self.zones],
        }


def explain(diff: ReleaseDiff, campaign: Campaign) -> Reasons:
    """Return why labels changed, as the journals of the campaign tell it that the second release is of.

    Raises
    ------
    CampaignError
        The campaign labels with other classes than the second release has.
    """
    classes, theirs = campaign.nomenclature, diff.after.nomenclature
    if (classes.name, classes.version) != (theirs.name, theirs.version):
        raise CampaignError(
            f"{campaign.path} labels with {classes.name} {classes.version}, {diff.after.name} with "
            f"{theirs.name} {theirs.version}; give the campaign that it was built from"
        )
    inquiry = _Inquiry(diff, campaign)
    found = [inquiry.zone(name, change) for change in diff.changed_zones for name in change.after]
    return Reasons(campaign=campaign.path, zones=tuple(zone for zone in found if zone is not None))


class _Inquiry:
    """Looks for reasons, zone by zone."""

    def __init__(self, diff: ReleaseDiff, campaign: Campaign) -> None:
        self._diff, self._campaign = diff, campaign
        self._there = {zone.id: zone for zone in campaign.zones()}
        self._cards = [
            {entry["id"]: entry for entry in one.card["zones"]} for one in (diff.before, diff.after)
        ]
        self._patches = diff.before.patches(), diff.after.patches()
        self._labels = _Labels(diff, campaign.nomenclature)

    def zone(self, name: str, change: ZoneChange) -> ZoneReasons | None:
        """Return the reasons of a zone of the second release; None where there is nothing to explain."""
        changed = self._diff.changed.of_zone(name)
        moved = any(fact.name == "heads" for fact in change.facts)
        if not changed and not moved:
            return None
        pictures = [
            Unexplained(patch=one.id, pixels=0, picture=True) for one in changed if self._repainted(one)
        ]
        relabelled = [one for one in changed if one.labels]
        try:
            found = self._asked(name, relabelled)
        except (CampaignError, GridError, JournalError) as error:
            left = tuple(Unexplained(patch=one.id, pixels=one.pixels) for one in relabelled)
            found = ZoneReasons(zone=name, explained=(), remarks=(), unexplained=left, problem=str(error))
        return replace(found, unexplained=_merged(found.unexplained, pictures))

    def _asked(self, name: str, relabelled: Sequence[ChangedPatch]) -> ZoneReasons:
        """Return what the journals say of a zone.

        Raises
        ------
        CampaignError, GridError, JournalError
            They say nothing: the zone is another one, or gone, or they cannot be believed.
        """
        if name not in self._there:
            raise CampaignError(f"{self._campaign.path} has no zone {name}")
        zone, before = self._there[name], self._cards[0].get(name)
        heads = before["heads"] if before else None
        history = zone_history(self._campaign, zone, heads, self._cards[1][name]["heads"])
        pixels: Counter[Cause] = Counter()
        left = [found for found in self._found(zone, history, relabelled, pixels) if found is not None]
        explained = _ranked(
            Explained(cause=cause, ops=history.ops.get(cause, 0), pixels=pixels[cause])
            for cause in {*history.ops, *pixels}
        )
        return ZoneReasons(zone=name, explained=explained, remarks=history.remarks, unexplained=tuple(left))

    def _repainted(self, patch: ChangedPatch) -> bool:
        """Tell whether a picture is another one though its zone is said to be of the same pixels."""
        first, second = self._cards[0].get(patch.zone_before, {}), self._cards[1].get(patch.zone, {})
        digests = first.get("pixels_sha256"), second.get("pixels_sha256")
        return patch.picture and None not in digests and digests[0] == digests[1]

    def _found(
        self, zone: Zone, history: ZoneHistory, changed: Iterable[ChangedPatch], pixels: Counter[Cause]
    ) -> Iterator[Unexplained | None]:
        """Add the pixels of each patch to their causes; yield what is left of it."""
        ids = {one.id: one for one in changed}
        second = {patch.id: patch for patch in self._patches[1].of_zone(zone.id)}
        first: dict[str, Patch] = {}
        for name in sorted({one.zone_before for one in ids.values()}):
            first |= {patch.id: patch for patch in self._patches[0].of_zone(name)}
        for one in ids.values():
            causes, unexplained = self._labels.causes(
                zone.grid, history, one, first[one.before], second[one.id]
            )
            pixels.update(causes)
            nothing = not causes.total()
            yield Unexplained(patch=one.id, pixels=unexplained) if unexplained or nothing else None


class _Labels:
    """Holds labels of releases against those of journals."""

    def __init__(self, diff: ReleaseDiff, classes: Nomenclature) -> None:
        self._readers = [PatchReader.of(release) for release in (diff.before, diff.after)]
        self._same_classes = diff.nomenclature.before == diff.nomenclature.after
        keys = dict.fromkeys(key for reader in self._readers for key in reader.shown.keys.values())
        numbers = {key: number for number, key in enumerate(keys, start=1)}
        self._shown = [
            _table({at: numbers[key] for at, key in one.shown.keys.items()}) for one in self._readers
        ]
        """Number of the class of each value."""
        self._told = [
            _table(
                {entry.code: numbers.get(entry.key, 0) for entry in classes.classes}
                | {0: numbers[one.shown.other]}
            )
            for one in self._readers
        ]
        """Number of the class that each code is shown as."""
        self._open = [numbers[one.shown.other] for one in self._readers]

    def causes(
        self, grid: PixelGrid, history: ZoneHistory, changed: ChangedPatch, before: Patch, after: Patch
    ) -> tuple[Counter[Cause], int]:
        """Return the pixels of a patch by their cause, and how many have none."""
        first, second = (
            table[reader.label(patch)]
            for table, reader, patch in zip(self._shown, self._readers, (before, after), strict=True)
        )
        there = codes_on(after.grid, history.after, grid)
        here = codes_on(after.grid, history.before, grid) if history.before is not None else None
        cause = _cause_on(after.grid, history, grid)
        other, swapped = first != second, np.zeros(first.shape, np.bool_)
        sound = self._told[1][there] == second
        if here is not None:
            # What a release shows as *other* may be unlabelled; the journals know.
            swapped = ~other & (first == self._open[0]) & ((here == 0) != (there == 0))
            if self._same_classes:
                sound &= self._told[0][here] == first
        due = (other | swapped) & sound & ((cause > 0) | (not self._same_classes))
        counts = np.bincount(cause[due], minlength=1)
        found = Counter(
            {
                history.causes[number - 1] if number else NOMENCLATURE: int(counts[number])
                for number in np.flatnonzero(counts).tolist()
            }
        )
        told = sum(move.pixels for move in changed.moves if self._is_swap(move.before, move.after))
        return found, int((other & ~due).sum()) + max(0, told - int((swapped & due).sum()))

    def _is_swap(self, before: str, after: str) -> bool:
        """Tell whether what was shown as *other* still is: that part of a change which no label shows."""
        first, second = (reader.shown for reader in self._readers)
        return first.is_open(before) and second.is_open(after) and UNLABELLED in (before, after)


def _cause_on(patch: PixelGrid, history: ZoneHistory, zone: PixelGrid) -> NDArray[np.uint8]:
    """Return the cause of each pixel of a patch: on coarser pixels the one with most ground in it, if any."""
    if zone.same_lattice(patch):
        return history.cause[zone.window(patch.bounds).slices]
    window = zone.covering(patch.bounds) or zone.whole
    cause = history.cause[window.slices]
    there = np.unique(cause)
    shares = mean_pixels(
        np.stack([(cause == number) * np.uint8(255) for number in there]), zone.crop(window), patch
    )
    shares[there == 0] = 0
    found: NDArray[np.uint8] = np.where(shares.any(axis=0), there[shares.argmax(axis=0)], 0).astype(np.uint8)
    return found


def _table(entries: Mapping[int, int]) -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    table[list(entries)] = list(entries.values())
    return table


def _merged(labels: Iterable[Unexplained], pictures: Iterable[Unexplained]) -> tuple[Unexplained, ...]:
    """Return patches once, by id, whether their labels, their picture or both are unexplained."""
    pixels = {one.patch: one.pixels for one in labels}
    repainted = {one.patch for one in pictures}
    return tuple(
        Unexplained(patch=patch, pixels=pixels.get(patch, 0), picture=patch in repainted)
        for patch in sorted(pixels.keys() | repainted)
    )


def _ranked(found: Iterable[Explained]) -> tuple[Explained, ...]:
    """Return causes once, the most pixels first, then the most ops."""
    ops, pixels = Counter[Cause](), Counter[Cause]()
    for one in found:
        ops[one.cause] += one.ops
        pixels[one.cause] += one.pixels
    summed = (Explained(cause=cause, ops=ops[cause], pixels=pixels[cause]) for cause in {*ops, *pixels})
    return tuple(sorted(summed, key=lambda one: (-one.pixels, -one.ops, one.cause)))
