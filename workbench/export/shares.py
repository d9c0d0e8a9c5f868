"""Shares: what nobody labelled, what shows nothing, and how far class shares drift between sets."""

from __future__ import annotations

__all__ = ["ClassCounts", "blank_verdict", "drift", "drift_verdict", "unlabelled_verdicts"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from workbench.counting import listed
from workbench.export.columns import COLUMNS, PatchColumns
from workbench.export.folds import SUBSETS
from workbench.export.index import PatchIndex
from workbench.export.patches import ZoneSource
from workbench.export.rules import Outcome, Rules, Verdict

_UNLABELLED: Final = "pixels_unlabelled"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassCounts:
    """Pixels of each class, patch by patch or zone by zone."""

    names: tuple[str, ...]
    """Of the rows."""
    zones: tuple[str, ...]
    zone: NDArray[np.int32]
    """Shape (row,). Place in ``zones``."""
    sets: NDArray[np.int8]
    """Shape (column, row). Place in `SUBSETS`, in each of `COLUMNS`."""
    classes: NDArray[np.int64]
    """Shape (row, class). Labelled pixels."""
    unlabelled: NDArray[np.int64]
    """Shape (row,)."""

    @classmethod
    def of_index(cls, index: PatchIndex, columns: PatchColumns) -> Self:
        """Read the counts of the patches of an index, whose other columns are at hand."""
        keys = [name for name in index.columns if name.startswith("pixels_") and name != _UNLABELLED]
        table = index.table([*keys, _UNLABELLED])
        return cls(
            names=tuple(columns.ids.tolist()),
            zones=columns.names,
            zone=columns.zone,
            sets=columns.sets,
            classes=np.column_stack([table.column(key).to_numpy() for key in keys]).astype(np.int64),
            unlabelled=table.column(_UNLABELLED).to_numpy().astype(np.int64),
        )

    @classmethod
    def of_sources(cls, sources: Sequence[ZoneSource]) -> Self | None:
        """Return the counts of zones that are not cut yet; None where nobody counted them."""
        counts = [source.code_counts for source in sources]
        known = [one for one in counts if one is not None]
        if len(known) < len(sources):
            return None
        table = np.array(known, np.int64).reshape(-1, 256)
        sets = [[SUBSETS.index(source.splits[name]) for name in COLUMNS] for source in sources]
        ids = tuple(source.zone.id for source in sources)
        return cls(
            names=ids,
            zones=ids,
            zone=np.arange(len(ids), dtype=np.int32),
            sets=np.array(sets, np.int8).reshape(-1, len(COLUMNS)).T,
            classes=table[:, 1:],
            unlabelled=table[:, 0],
        )

    def by_zone(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the labelled pixels of each zone, and those that nobody labelled, shape (zone,)."""
        labelled, unlabelled = (np.zeros(len(self.zones), np.int64) for _ in range(2))
        np.add.at(labelled, self.zone, self.classes.sum(axis=1))
        np.add.at(unlabelled, self.zone, self.unlabelled)
        return labelled, unlabelled


def unlabelled_verdicts(
    counts: ClassCounts, rules: Rules, *, patches: bool, excuse: str
) -> Iterator[Verdict]:
    """Yield what is to be said of pixels that nobody labelled: in all, by zone, and by patch if these are."""
    labelled, bare = counts.by_zone()
    parts = [
        ("release", ("the release",), _share(bare.sum(keepdims=True), labelled.sum()), rules.unlabelled),
        ("zone", counts.zones, _share(bare, labelled), rules.unlabelled_zone),
    ]
    if patches:
        shares = _share(counts.unlabelled, counts.classes.sum(axis=1))
        parts.append(("patch", counts.names, shares, rules.unlabelled_patch))
    for part, names, shares, limit in parts:
        option = "--unlabelled" if part == "release" else f"--unlabelled-{part}"
        worst = np.argsort(-shares, kind="stable")
        found = tuple(f"{names[place]} ({shares[place]:.1%})" for place in worst if shares[place] > limit)
        yield Verdict(
            rule="unlabelled-" + part,
            outcome="kept" if not found else "warned" if excuse else "refused",
            measured=round(float(shares.max(initial=0.0)), 6),
            limit=limit,
            unit="of the pixels",
            message=f"more than {limit:.2%} of the pixels have no label in {listed(found)}",
            way_out=f"have them labelled, draw a footprint without them, or allow more: {option}",
            excuse=excuse,
            places=found,
        )


def _share(part: NDArray[np.int64], rest: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the share of a part in itself and the rest, 0 of nothing."""
    shares: NDArray[np.float64] = part / np.maximum(part + rest, 1)
    return shares


def blank_verdict(columns: PatchColumns, rules: Rules, *, excuse: str) -> Verdict:
    """Return what is to be said of patches whose picture is of one colour, as where a raster has no data."""
    contrasts = columns.contrasts
    (blank,) = np.nonzero(contrasts == 0.0) if contrasts is not None else (np.empty(0, np.int64),)
    share = blank.size / max(len(columns), 1)
    found = tuple(str(columns.ids[place]) for place in blank)
    broken: Outcome = "warned" if excuse else "refused"
    return Verdict(
        rule="blank",
        outcome=broken if share > rules.blank else "kept",
        measured=round(share, 6),
        limit=rules.blank,
        unit="of the patches",
        message=f"the pictures of {listed(found)} are of one colour",
        way_out="put the orthophotos right, draw a footprint without them, or allow more: --blank",
        excuse=excuse,
        places=found,
    )


def drift(one: NDArray[np.integer], other: NDArray[np.integer]) -> float:
    """Return the Jensen-Shannon distance of two sets of counts, 0 to 1: the root of the divergence, base 2.

    >>> drift(np.array([3, 1]), np.array([6, 2])), drift(np.array([5, 0]), np.array([0, 5]))
    (0.0, 1.0)
    """
    from scipy.spatial.distance import jensenshannon

    return float(jensenshannon(one, other, base=2))


def drift_verdict(counts: ClassCounts, rules: Rules, *, excuse: str) -> Verdict:
    """Return how far the class shares of two sets of a split are apart at most, and where too far."""
    found, measured, enough = list[tuple[float, str]](), list[float](), False
    for column, sets in zip(COLUMNS, counts.sets, strict=True):
        for first, second in combinations(range(len(SUBSETS)), 2):
            rows = [sets == place for place in (first, second)]
            sums = [counts.classes[one].sum(axis=0) for one in rows]
            if not all(one.any() for one in sums):
                continue
            apart = drift(*sums)
            measured.append(round(apart, 4))
            if apart > rules.drift:
                enough |= all(np.unique(counts.zone[one]).size >= rules.least_zones for one in rows)
                name = f"{SUBSETS[first]} and {SUBSETS[second]} of {column}"
                found.append((apart, f"{name} ({apart:.2f})"))
    if not excuse and not enough:
        excuse = f"these sets have fewer than {rules.least_zones} zones"
    places = tuple(text for _, text in sorted(found, key=lambda one: (-one[0], one[1])))
    return Verdict(
        rule="drift",
        outcome="kept" if not found else "warned" if excuse else "refused",
        measured=max(measured, default=None),
        limit=rules.drift,
        unit="Jensen-Shannon distance",
        message=f"class shares differ between {listed(places, most=3)} by more than {rules.drift:g}",
        way_out="add zones of other landscapes, put domains into other folds, or allow more: --drift",
        excuse=excuse,
        places=places,
    )
