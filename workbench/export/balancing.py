"""Folds of domains that are alike: each with a fifth of the area, and of the ground of each class."""

from __future__ import annotations

__all__ = ["DomainGround", "balance_folds", "imbalance"]

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export.folds import FOLDS
from workbench.geo.zone import departments_of

_LITTLE: Final = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainGround:
    """What lies in a domain."""

    name: str
    area: float
    """Ground of its zones, any unit."""
    classes: Mapping[str, float]
    """Ground of each class that is labelled, any unit."""
    beside: frozenset[str] = frozenset()
    """Domains that it shares ground with, or lies near."""


def balance_folds(
    domains: Sequence[DomainGround],
    *,
    fixed: Mapping[str, int],
    barred: Mapping[str, Collection[int]] = MappingProxyType({}),
) -> dict[str, int]:
    """Return a fold for each domain, so that folds have like areas and like shares of each class.

    Domains that show the same ground or lie side by side stay together, those of one department, which are
    years of one place, and all departments that a joined domain is of; where releases have some in several
    folds, each of the others goes with one of these. The largest go first, each to where it does least harm;
    then departments move and swap as long as `imbalance` falls (local search, n² steps a round). The same
    domains give the same folds in any sequence.

    Parameters
    ----------
    domains
        All of a campaign.
    fixed
        Folds of domains that must not change, for a release has them.
    barred
        Folds that domains must not come into; not all of them.

    Raises
    ------
    ReleaseError
        A fold is not 1–5.

    >>> alike = [DomainGround(name=f"D0{n}1_2019", area=1.0, classes={}) for n in range(5)]
    >>> sorted(balance_folds(alike, fixed={}).values())
    [1, 2, 3, 4, 5]
    """
    if wrong := [name for name, fold in fixed.items() if fold not in FOLDS]:
        raise ReleaseError(f"domain {wrong[0]} is in fold {fixed[wrong[0]]}; folds are 1 to 5")
    domains = sorted(domains, key=lambda one: one.name)  # sums of floats depend on their sequence
    groups = _groups(domains, fixed)
    held = {name: fixed[one.name] for name, members in groups.items() for one in members if one.name in fixed}
    ordered = sorted(groups, key=lambda name: (-sum(one.area for one in groups[name]), name))
    ground = np.stack([_ground(groups[name], domains) for name in ordered]) if ordered else np.zeros((0, 1))
    folds = np.array([held.get(name, 0) for name in ordered])
    free = {place: _allowed(groups[name], barred) for place, name in enumerate(ordered) if name not in held}
    for place, allowed in free.items():
        folds[place] = min(allowed, key=lambda fold: (_cost(ground, _put(folds, {place: fold})), fold))
    _improve(folds, free, ground)
    return {one.name: int(fold) for name, fold in zip(ordered, folds, strict=True) for one in groups[name]}


def imbalance(domains: Sequence[DomainGround], folds: Mapping[str, int]) -> float:
    """Return how unlike folds are: 0 where each has a fifth of the area and of each class.

    The root of the mean, over area and classes, of the squared differences from a fifth, summed over folds.
    Area counts as much as all classes together.

    >>> two = [DomainGround(name=name, area=1.0, classes={}) for name in ("D001_2019", "D002_2019")]
    >>> imbalance(two, {"D001_2019": 1, "D002_2019": 1}) > imbalance(two, {"D001_2019": 1, "D002_2019": 2})
    True
    """
    if not domains:
        return 0.0
    ground = np.stack([_ground([one], domains) for one in domains])
    return math.sqrt(_cost(ground, np.array([folds[one.name] for one in domains])))


def _groups(domains: Sequence[DomainGround], fixed: Mapping[str, int]) -> dict[str, list[DomainGround]]:
    """Return the domains that stay together, by the first of each group."""
    from scipy.sparse.csgraph import connected_components

    bound = np.zeros((len(domains), len(domains)), np.bool_)
    for place, one in enumerate(domains):
        bound[place] = [_bound(one, other) for other in domains]
    _, labels = connected_components(bound, directed=False)
    groups: dict[tuple[int, int], list[DomainGround]] = {}
    for place, (one, label) in enumerate(zip(domains, labels.tolist(), strict=True)):
        held = [at for at in np.flatnonzero(labels == label).tolist() if domains[at].name in fixed]
        kin = [at for at in held if at == place] or [at for at in held if bound[place, at]] or held
        groups.setdefault((label, fixed[domains[kin[0]].name] if kin else 0), []).append(one)
    return {members[0].name: members for members in groups.values()}


def _allowed(members: Sequence[DomainGround], barred: Mapping[str, Collection[int]]) -> list[int]:
    """Return the folds that domains that stay together may come into."""
    out = {fold for one in members for fold in barred.get(one.name, ())}
    return [fold for fold in FOLDS if fold not in out]


def _bound(one: DomainGround, other: DomainGround) -> bool:
    near = other.name in one.beside or one.name in other.beside
    return near or bool(departments_of(one.name) & departments_of(other.name))


def _ground(members: Sequence[DomainGround], domains: Sequence[DomainGround]) -> NDArray[np.float64]:
    """Return the share of all area, and of all ground of each class, in some domains, by root of weight."""
    keys = sorted({key for one in domains for key, amount in one.classes.items() if amount > 0})
    area = sum(one.area for one in members) / max(sum(one.area for one in domains), _LITTLE)
    shares = [
        sum(one.classes.get(key, 0.0) for one in members) / sum(one.classes.get(key, 0.0) for one in domains)
        for key in keys
    ]
    return np.array([area, *(share / len(keys) ** 0.5 for share in shares)])


def _cost(ground: NDArray[np.float64], folds: NDArray[np.int64]) -> float:
    """Return the squared differences from a fifth, summed; departments without a fold (0) are in none."""
    fifth = ground.sum(axis=0) / len(FOLDS)
    return float(sum(((ground[folds == fold].sum(axis=0) - fifth) ** 2).sum() for fold in FOLDS))


def _put(folds: NDArray[np.int64], places: Mapping[int, int]) -> NDArray[np.int64]:
    changed = folds.copy()
    for place, fold in places.items():
        changed[place] = fold
    return changed


def _improve(
    folds: NDArray[np.int64], free: Mapping[int, Collection[int]], ground: NDArray[np.float64]
) -> None:
    """Move and swap departments as long as that helps, each time what helps most."""
    now = _cost(ground, folds)
    while True:
        moves = [{place: fold} for place, allowed in free.items() for fold in allowed if folds[place] != fold]
        moves += [
            {one: int(folds[other]), other: int(folds[one])}
            for one, other in combinations(free, 2)
            if folds[one] != folds[other] and folds[other] in free[one] and folds[one] in free[other]
        ]
        costs = [_cost(ground, _put(folds, move)) for move in moves]
        if not costs or min(costs) >= now - _LITTLE:
            return
        now = min(costs)
        for place, fold in moves[costs.index(now)].items():
            folds[place] = fold
