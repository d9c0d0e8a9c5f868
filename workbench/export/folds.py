"""Which set a zone belongs to: folds of domains, train / valid / test of each split.

A domain keeps its fold for ever, and a zone keeps its set: both depend on nothing that is added later. All
years of a department are in one fold, and all departments of a joined domain, such as D024047. In ``split_k``
(k = 1 … 5) the domains of fold k are *test*; the zones of the other domains are *train* or *valid*, drawn one
by one from a hash of their id, or together with a zone that they lie near. In ``prod`` no zone is *test*.

Ground goes before names: a domain of another name that shows the ground of one that is there, or lies nearer
than `NEAR` to it, gets its fold.

The draw is independent for each place, so 20 % is the expected share of *valid*. A campaign of a few zones
may leave a set empty; the release then says so.
"""

from __future__ import annotations

__all__ = [
    "FOLDS",
    "NEAR",
    "PROD",
    "RULE",
    "SEED",
    "SPLITS",
    "SUBSETS",
    "Subset",
    "assign_fold",
    "fold_for",
    "splits_of_zone",
]

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from workbench.errors import ReleaseError
from workbench.geo.zone import departments_of

Subset = Literal["train", "valid", "test"]

FOLDS: Final = (1, 2, 3, 4, 5)
SPLITS: Final = tuple(f"split_{fold}" for fold in FOLDS)
PROD: Final = "prod"
SUBSETS: Final[tuple[Subset, ...]] = ("train", "valid", "test")
SEED: Final = "ocs-workbench/splits/1"
"""Part of the hash that draws valid zones; another seed would move zones between sets."""
NEAR: Final = 100.0
"""Metres; a zone that lies nearer to another one, at whatever date, is drawn together with it."""
RULE: Final = (
    "split_k: zones of the domains of fold k are test; another zone is valid if the first 8 bytes of "
    "SHA-256('{seed}|{column}|{place}'), as a big-endian fraction of 2^64, are below 0.2, "
    "else train; place is domain/zone, or that of the zone that it lies near; prod: the same draw for every "
    "zone, none is test"
)


def assign_fold(areas: Mapping[int, float]) -> int:
    """Return the fold that a new domain gets: the one with the least area so far, ties to the smaller number.

    Parameters
    ----------
    areas
        Ground area in each fold, any unit; a fold that is not named is empty.

    Raises
    ------
    ReleaseError
        A fold outside 1–5 is named.

    >>> assign_fold({})
    1
    >>> assign_fold({1: 2.5, 2: 1.0, 3: 1.0, 4: 9.0, 5: 3.0})
    2
    """
    unknown = sorted(set(areas) - set(FOLDS))
    if unknown:
        raise ReleaseError(f"fold {unknown[0]} is not one of {FOLDS[0]}–{FOLDS[-1]}; correct the registry")
    return min(FOLDS, key=lambda fold: (areas.get(fold, 0.0), fold))


def fold_for(
    domain: str, folds: Mapping[str, int], areas: Mapping[int, float], *, beside: Iterable[str] = ()
) -> int:
    """Return the fold that a new domain gets: that of its ground, else of its department, else the emptiest.

    The same ground may be known by any name. What is of a department may be that of another year, and is kept
    with it unseen.
    A joined domain is of several departments. Where these are in several folds already, which nothing mends,
    it goes to where most of their domains are, ties to the smaller number.

    Parameters
    ----------
    domain
        Department and year, such as ``D055_2018``.
    folds
        Of the domains that have one.
    areas
        As for `assign_fold`.
    beside
        Domains that it shares ground with or lies nearer to than `NEAR`, the nearest first.

    >>> fold_for("D099_2023", {"D036_2020": 1, "D055_2018": 4}, {1: 1.0, 4: 9.0}, beside=["D055_2018"])
    4
    >>> fold_for("D055_2021", {"D036_2020": 1, "D055_2018": 4}, {1: 1.0, 4: 9.0})
    4
    >>> fold_for("D047_2020", {"D024047_2021": 4}, {1: 1.0, 4: 9.0})
    4
    """
    first = next(iter(beside), None)
    if first is not None:
        return folds[first]
    own = departments_of(domain)
    kin = Counter(fold for name, fold in folds.items() if departments_of(name) & own)
    return min(kin, key=lambda fold: (-kin[fold], fold)) if kin else assign_fold(areas)


def splits_of_zone(zone_id: str, *, fold: int, place: str | None = None) -> dict[str, Subset]:
    """Return the set of a zone in each split and in ``prod``.

    Parameters
    ----------
    zone_id
        ``domain/zone``.
    fold
        Fold of its domain.
    place
        Zone that it is drawn together with, for they lie near each other; by default it is drawn alone.

    >>> splits_of_zone("D055_2018/Z2_UF", fold=2)["split_2"]
    'test'
    """
    if fold not in FOLDS:
        raise ReleaseError(f"zone {zone_id}: fold {fold} is not one of {FOLDS[0]}–{FOLDS[-1]}")
    splits: dict[str, Subset] = {
        column: "test" if fold == number else _draw(column, place or zone_id)
        for number, column in zip(FOLDS, SPLITS, strict=True)
    }
    splits[PROD] = _draw(PROD, place or zone_id)
    return splits


def _draw(column: str, zone_id: str) -> Subset:
    number = int.from_bytes(hashlib.sha256(f"{SEED}|{column}|{zone_id}".encode()).digest()[:8], "big")
    return "valid" if number * 5 < 1 << 64 else "train"
