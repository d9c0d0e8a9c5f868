"""Which patches of a release are shown: rare classes, and every zone, before any zone twice.

The report of a release and the preview of a data set show the same ones, as many as they have room for.
"""

from __future__ import annotations

__all__ = ["ZonePatches", "choose_patches", "spread"]

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from workbench.export.patch_rows import WITHHELD
from workbench.export.patches import Patch
from workbench.export.release import Release
from workbench.geo.zone import domain_of

_BYTES: Final = 12
"""Of a digest, by which patches and zones are put in a sequence that nobody chose."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZonePatches:
    """What is kept of the patches of a zone, or of some of them."""

    zone: str
    pixels: NDArray[np.int64]
    """Shape (class,). Of all its patches."""
    most: NDArray[np.int64]
    """Shape (class,). The most pixels that a patch has of each class."""
    best: NDArray[np.int64]
    """Shape (class,). Row of the first such patch."""
    drawn: tuple[tuple[bytes, int], ...]
    """Digests of ids and rows of its patches, sorted; no more than are wanted in all."""

    @classmethod
    def of(
        cls, zone: str, ids: Sequence[str], rows: NDArray[np.int64], pixels: NDArray[np.int64], *, wanted: int
    ) -> Self:
        """Return it of patches, given by id and row, with pixels of shape (patch, class)."""
        places = pixels.argmax(axis=0)
        drawn = ((_digest(name), row) for name, row in zip(ids, rows.tolist(), strict=True))
        return cls(
            zone=zone,
            pixels=pixels.sum(axis=0),
            most=pixels.max(axis=0),
            best=rows[places],
            drawn=tuple(nsmallest(wanted, drawn)),
        )

    def joined(self, later: Self, *, wanted: int) -> Self:
        """Return it of these and of later patches of the zone."""
        more = later.most > self.most
        return type(self)(
            zone=self.zone,
            pixels=self.pixels + later.pixels,
            most=np.where(more, later.most, self.most),
            best=np.where(more, later.best, self.best),
            drawn=tuple(nsmallest(wanted, [*self.drawn, *later.drawn])),
        )


def choose_patches(release: Release, *, wanted: int) -> list[Patch]:
    """Choose patches spread over classes, zones and domains; the same ones each time.

    Parameters
    ----------
    release
        Its index is read once, and little of it kept; no image. Patches whose labels are withheld are not
        chosen.
    wanted
        How many at most.
    """
    zones: dict[str, ZonePatches] = {}
    for part in _parts(release, wanted):
        before = zones.get(part.zone)
        zones[part.zone] = part if before is None else before.joined(part, wanted=wanted)
    index = release.patches()
    return [index[row] for row in spread(list(zones.values()), wanted=wanted)]


def spread(zones: Sequence[ZonePatches], *, wanted: int) -> list[int]:
    """Return rows of patches, ascending.

    Half of the places go to classes, the rarest first: to the patches that have most of one, a zone once for
    each class. The other half goes to the zones that are shown least, of these to domains that are, and then
    in an order that a hash of their names gives, so that a release with more zones shows the old ones in the
    same order: nobody picks the beautiful ones.
    """
    chosen = dict.fromkeys(islice(_of_classes(zones), wanted // 2))
    waiting = {one.zone: [row for _, row in reversed(one.drawn) if row not in chosen] for one in zones}
    shown, domains = Counter[str](), Counter[str]()
    for one in zones:
        own = {row for _, row in one.drawn} | set(one.best.tolist())
        shown[one.zone] = len(own & chosen.keys())
        domains[domain_of(one.zone)] += shown[one.zone]
    order = {one.zone: _digest(one.zone) for one in zones}
    while len(chosen) < wanted and (left := [zone for zone, rows in waiting.items() if rows]):
        zone = min(left, key=lambda zone: (shown[zone], domains[domain_of(zone)], order[zone]))
        chosen[waiting[zone].pop()] = None
        shown[zone] += 1
        domains[domain_of(zone)] += 1
    return sorted(chosen)


def _of_classes(zones: Sequence[ZonePatches]) -> Iterator[int]:
    """Yield the patches that have most of each class, class by class in turn, each patch once."""
    if not zones:
        return
    totals = np.sum([one.pixels for one in zones], axis=0)
    columns = [
        sorted((-int(one.most[column]), int(one.best[column])) for one in zones if one.most[column])
        for column in np.argsort(totals, kind="stable").tolist()
    ]
    seen = set[int]()
    for turn in range(len(zones)):
        for column in columns:
            if turn < len(column) and (row := column[turn][1]) not in seen:
                seen.add(row)
                yield row


def _parts(release: Release, wanted: int) -> Iterator[ZonePatches]:
    """Yield what is kept of the patches of each zone, as far as they are read together."""
    index, begin = release.patches(), 0
    columns = [f"pixels_{key}" for key in release.nomenclature.keys]
    apart = [WITHHELD] if WITHHELD in index.columns else []
    for rows in index.batches(["id", "zone", *columns, *apart]):
        pixels = np.stack(
            [rows.column(name).fill_null(0).to_numpy().astype(np.int64) for name in columns], axis=1
        )
        told = np.ones(len(pixels), np.bool_)
        if apart:
            told = ~rows.column(WITHHELD).to_numpy(zero_copy_only=False).astype(np.bool_)
        ids, zones = (np.array(rows.column(name).to_pylist(), object) for name in ("id", "zone"))
        for zone in dict.fromkeys(zones[told].tolist()):
            there = np.flatnonzero(told & (zones == zone))
            yield ZonePatches.of(zone, ids[there].tolist(), there + begin, pixels[there], wanted=wanted)
        begin += rows.num_rows


def _digest(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:_BYTES]
