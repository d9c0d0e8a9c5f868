"""Two releases compared, exactly: zones, patches, sets, and every pixel's class.

Patches are matched by domain and ground. Of patches whose digests are the same nothing is read; of the others
the labels of both releases are, in any layout, in threads. Memory is that of the largest domain.
"""

from __future__ import annotations

__all__ = ["diff_releases"]

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export.card_changes import FactChange, NomenclatureChange, layout_changes, zone_facts
from workbench.export.changed_patches import ChangedPatch, ChangedPatches
from workbench.export.domains import DomainRows, MatchedDomain, each_domain
from workbench.export.folds import PROD, SPLITS
from workbench.export.likeness import Alike, Likeness, alike_counts
from workbench.export.patch_diff import Compared, PatchComparer, PatchPair
from workbench.export.release import Release
from workbench.export.release_diff import ReleaseDiff
from workbench.export.transitions import UNLABELLED, Transitions
from workbench.export.zone_changes import Counts, Related, ZoneChange, related_zones, set_moves
from workbench.geo.grid import PatchLattice
from workbench.threads import Map

_SETS: Final = (*SPLITS, PROD, "fold")
"""Columns of the index that say which set a patch is in."""
_AT_ONCE: Final = 256
"""Pairs in memory."""
_NEAR: Final = 1e-6
"""Of a patch, by which corners may differ that are one."""


def diff_releases(
    before: Release,
    after: Release,
    *,
    progress: Callable[[int, int], None] | None = None,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> ReleaseDiff:
    """Return what changed from one release to another.

    Parameters
    ----------
    before, after
        Releases on one lattice; formats, layouts, encodings and nomenclatures may be others.
    progress
        Called with the patches of the second release that are done, and their total.
    map
        Such as `workbench.threads.in_threads` gives; its results come in order.

    Raises
    ------
    ReleaseError
        The releases are on different lattices, one of them withholds labels, or one is damaged in what is
        read of it: card, index, classes, and files of patches whose digests differ.
    """
    for release in (before, after):
        release.prove()
    _check_lattices(before, after)
    _check_whole(before, after)
    work = _Diffing(before, after)
    total = len(after.patches())
    for found in map(work.compare, work.pairs()):
        work.take(found)
        if progress is not None:
            progress(work.done, total)
    if progress is not None:
        progress(total, total)
    return work.finished()


@dataclass(slots=True, kw_only=True, eq=False)
class _Sums:
    """What is known so far of a zone, or of zones that belong together."""

    zone: ZoneChange
    """With the pixels of patches whose labels are the same."""
    read: Transitions = field(default_factory=Transitions)
    """Of patches whose labels were read."""
    labels: int = 0
    pictures: int = 0

    def finished(self) -> ZoneChange:
        """Return all that is known."""
        counts = replace(self.zone.patches, labels=self.labels, pictures=self.pictures)
        self.read.add(self.zone.transitions)
        return replace(self.zone, patches=counts, transitions=self.read)


class _Diffing:
    """A difference in the making."""

    def __init__(self, before: Release, after: Release) -> None:
        self._before, self._after = before, after
        self._likeness = Likeness(before, after)
        self.compare = PatchComparer(before, after, same_codes=self._likeness.same_codes)
        classes = before.nomenclature, after.nomenclature
        self._names = tuple(dict.fromkeys([*classes[0].keys, *classes[1].keys, UNLABELLED]))
        self._cards = [{entry["id"]: entry for entry in one.card["zones"]} for one in (before, after)]
        self._zones: dict[str, _Sums] = {}
        """By each zone of the second release."""
        self._sums: list[_Sums] = []
        self._changed = ChangedPatches()
        self.done = 0
        """Patches of the second release that are compared."""

    def pairs(self) -> Iterator[PatchPair]:
        """Yield the pairs that have to be read; all others are summed up on the way."""
        lattice = self._after.lattice
        for domain in each_domain(self._before.patches(), self._after.patches(), lattice):
            yield from self._domain(domain)

    def take(self, found: Compared) -> None:
        """Add what was read of a pair to its zone."""
        pair, transitions = found.pair, found.transitions
        self._zones[pair.after.zone].read.add(transitions)
        self._note(
            ChangedPatch(
                id=pair.after.id,
                before=pair.before.id,
                zone=pair.after.zone,
                zone_before=pair.before.zone,
                labels=found.labels_differ,
                picture=found.picture_differs,
                pixels=transitions.changed,
                untold=transitions.untold,
                moves=transitions.moves(),
            ),
        )
        self.done += 1

    def finished(self) -> ReleaseDiff:
        """Return the difference."""
        zones = sorted((one.finished() for one in self._sums), key=lambda zone: (zone.name, zone.before))
        transitions, added, removed = Transitions(), Counter[str](), Counter[str]()
        for zone in zones:
            transitions.add(zone.transitions)
            added.update(zone.added)
            removed.update(zone.removed)
        return ReleaseDiff(
            before=self._before,
            after=self._after,
            nomenclature=NomenclatureChange.between(self._before.nomenclature, self._after.nomenclature),
            layouts=layout_changes(self._before, self._after),
            zones=tuple(zones),
            transitions=transitions,
            added=dict(added),
            removed=dict(removed),
            patches=sum((zone.patches for zone in zones), Counts()),
            changed=self._changed,
            bands=self.compare.bands,
        )

    def _domain(self, domain: MatchedDomain) -> Iterator[PatchPair]:
        """Sum up what is known of a domain; yield the pairs of it that have to be read."""
        alike = self._likeness.alike(domain)
        pixels = alike_counts(domain, alike, self._names)
        sets = _sets(domain.before)[domain.here], _sets(domain.after)[domain.there]
        gone, new = domain.before.counts(self._names), domain.after.counts(self._names)
        for related in related_zones(domain):
            first, second = (one[related.pairs] for one in sets)
            patches = Counts(
                both=len(related.pairs),
                added=len(related.added),
                removed=len(related.removed),
                sets=int((first != second).any(axis=1).sum()),
            )
            stayed = self._summed(pixels[related.pairs])
            zone = ZoneChange(
                kind=related.kind,
                before=related.before,
                after=related.after,
                patches=patches,
                transitions=Transitions({(key, key): count for key, count in stayed.items()}),
                added=self._summed(new[related.added]),
                removed=self._summed(gone[related.removed]),
                sets=set_moves(first, second, _SETS),
                facts=self._facts(related),
            )
            sums = _Sums(zone=zone)
            self._sums.append(sums)
            self._zones |= dict.fromkeys(related.after, sums)
        self.done += len(domain.after) - int(alike.unread.sum())
        self._note_pictures(domain, alike)
        yield from _pairs(domain, alike)

    def _note_pictures(self, domain: MatchedDomain, alike: Alike) -> None:
        """Take note of patches whose picture alone changed, which is known without a look at it."""
        chosen = np.flatnonzero(~alike.unread & ~alike.pictures)
        columns = [values[chosen].tolist() for name in ("id", "zone") for values in domain.column(name)]
        for before, name, zone_before, zone in zip(*columns, strict=True):
            patch = ChangedPatch(
                id=name, before=before, zone=zone, zone_before=zone_before, labels=False, picture=True
            )
            self._note(patch)

    def _note(self, patch: ChangedPatch) -> None:
        """Take note of a patch, if it changed."""
        sums = self._zones[patch.zone]
        sums.labels += patch.labels
        sums.pictures += patch.picture
        if patch.labels or patch.picture:
            self._changed.add(patch)

    def _summed(self, counts: NDArray[np.int64]) -> dict[str, int]:
        """Return the pixels of each class in some patches, of classes that are there."""
        sums = counts.sum(axis=0).tolist()
        return {name: count for name, count in zip(self._names, sums, strict=True) if count}

    def _facts(self, related: Related) -> tuple[FactChange, ...]:
        """Return what the cards tell otherwise of a zone that is one in both releases."""
        if len(related.before) != 1 or len(related.after) != 1:
            return ()
        first, second = self._cards[0].get(related.before[0]), self._cards[1].get(related.after[0])
        return zone_facts(first, second) if first and second else ()


def _pairs(domain: MatchedDomain, alike: Alike) -> Iterator[PatchPair]:
    """Yield the pairs that have to be read, made a few at a time."""
    (unread,) = np.nonzero(alike.unread)
    for low in range(0, len(unread), _AT_ONCE):
        some = unread[low : low + _AT_ONCE]
        for place, one, other in zip(some.tolist(), *domain.patches(some), strict=True):
            known = not alike.pictures[place] if alike.told[place] else None
            yield PatchPair(before=one, after=other, labels=not alike.labels[place], picture=known)


def _sets(rows: DomainRows) -> NDArray[Any]:
    """Return the set of each patch by split, and its fold, shape (patch, column)."""
    return np.column_stack([rows.column(name).astype(str) for name in _SETS])


def _check_whole(*releases: Release) -> None:
    for release in releases:
        if "withheld" in release.card:
            whole, sealed = release.card["subset"]["of"], release.card["withheld"]["sealed"]
            raise ReleaseError(
                f"{release.path} withholds labels, so nobody can tell what changed; compare {whole}, of "
                f"which it is a part, or {sealed}"
            )


def _check_lattices(before: Release, after: Release) -> None:
    """Refuse releases whose patches are not of one lattice."""
    first, second = before.lattice, after.lattice
    apart = ((first.x - second.x) / first.pitch, (first.y - second.y) / first.pitch)
    if (
        first.crs != second.crs
        or first.pixels != second.pixels
        or not math.isclose(first.pitch, second.pitch, rel_tol=1e-9)
        or any(abs(one - round(one)) > _NEAR for one in apart)
    ):
        raise ReleaseError(
            f"{before.name} has patches of {_lattice(first)}, {after.name} of {_lattice(second)}, so none "
            "shows the ground of another; build one of them again on the other grid: workbench release build "
            "--grid"
        )


def _lattice(lattice: PatchLattice) -> str:
    corner = f"({lattice.x:g}, {lattice.y:g})"
    return f"{lattice.pitch:g} m at {lattice.resolution:g} m from {corner} in {lattice.crs}"
