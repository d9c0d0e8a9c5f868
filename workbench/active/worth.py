"""What zones are worth together: doubtful pixels of each class, looks that nothing labelled has, domains.

Each part is a sum of concave functions of what is there already, or a *facility location*, so it is monotone
and submodular (Lin & Bilmes, *A class of submodular functions for document summarization*, 2011), and so is
their sum. That is what `workbench.active.greedy` asks for, and what one wants: the second lake teaches less
than the first.

Parts are shares of what the whole pool would give, so that their weights compare: 1 for each is as good as
another until something is measured (``tests/benchmarks/active_learning``).
"""

from __future__ import annotations

__all__ = ["Weights", "Worth"]

from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.active.measures import Known, Measures
from workbench.active.selection import Reason
from workbench.active.variety import distances, standardised

_ENOUGH: Final = 20_000.0
"""Doubtful pixels of a class after which as many more teach half as much: 800 m² at 0.2 m."""
_RARE: Final = 0.01
"""Share of the labelled pixels below which a class is called rare."""
_WEAK: Final = 0.1
"""IoU below the mean of the classes by which one is called weak."""
_STANDING: Final = 2_000
"""Zones of a pool that stand for all of it, where it has more."""
_NAMED: Final = 3
"""Classes that a reason names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each part counts."""

    classes: float = 1.0
    looks: float = 1.0
    domains: float = 1.0


class _Part(Protocol):
    """A part of what zones are worth; see `workbench.active.greedy.Objective`."""

    weight: float

    def gains(self) -> NDArray[np.float64]:
        """Return what each candidate would add, shape (candidate,)."""

    def take(self, row: int) -> None:
        """Take a candidate."""

    def why(self, row: int) -> list[Reason]:
        """Return what a candidate would add, as reasons whose shares add up to that."""


class Worth:
    """What candidates are worth, given what is labelled and what was taken.

    Parameters
    ----------
    candidates, known
        As a task has them.
    weights
        Of the parts.
    """

    def __init__(self, candidates: Measures, known: Known, *, weights: Weights) -> None:
        self._parts: list[_Part] = [
            _Classes(candidates, known, weights.classes),
            _Looks(candidates, known, weights.looks),
            _Domains(candidates, known, weights.domains),
        ]
        self.reasons: list[tuple[Reason, ...]] = []
        """Of each candidate that was taken, the largest share first; they add up to 1."""

    def gains(self) -> NDArray[np.float64]:
        """Return what each candidate would add, shape (candidate,)."""
        gains: NDArray[np.float64] = np.sum([part.weight * part.gains() for part in self._parts], axis=0)
        return gains

    def take(self, row: int) -> None:
        """Take a candidate."""
        told = [(part.weight * one.share, one) for part in self._parts for one in part.why(row)]
        total = sum(share for share, _ in told)
        found = [
            replace(one, share=share / total if total else 1 / len(told))
            for share, one in told
            if share > 0 or not total
        ]
        self.reasons.append(tuple(sorted(found, key=lambda one: -one.share)))
        for part in self._parts:
            part.take(row)


class _Classes:
    """Doubtful pixels of each class, on a logarithmic scale; weak classes count more.

    Without a model all pixels that an old map tells of count.
    """

    def __init__(self, candidates: Measures, known: Known, weight: float) -> None:
        asked = candidates.doubtful.any()
        self._amounts = candidates.doubtful if asked else candidates.expected
        labelled = known.zones.expected.sum(axis=0)
        total = candidates.expected.sum(axis=0)
        # What is labelled was doubtful, too, as far as its class is.
        mean = np.where(total > 0, self._amounts.sum(axis=0) / np.maximum(total, 1), 1.0)
        self._have = labelled * mean
        self._keys, self._asked = candidates.classes, asked
        quality = known.quality if known.quality.size else np.full(len(self._keys), np.nan)
        self._factors = np.where(np.isnan(quality), 1.0, 1.0 - quality)
        self._kinds = _kinds(labelled, quality)
        whole = _logarithm(self._have + self._amounts.sum(axis=0)) - _logarithm(self._have)
        most = float(self._factors @ whole)
        self.weight = weight / most if most > 0 else 0.0

    def gains(self) -> NDArray[np.float64]:
        more = _logarithm(self._have + self._amounts) - _logarithm(self._have)
        gains: NDArray[np.float64] = more @ self._factors
        return gains

    def take(self, row: int) -> None:
        self._have = self._have + self._amounts[row]

    def why(self, row: int) -> list[Reason]:
        more = (_logarithm(self._have + self._amounts[row]) - _logarithm(self._have)) * self._factors
        reasons = []
        for kind in sorted(set(self._kinds)):
            own = np.array([one == kind for one in self._kinds])
            share = float(more[own].sum())
            if share > 0:
                order = np.argsort(-np.where(own, more, 0), kind="stable")[:_NAMED]
                best = [self._keys[at] for at in order if own[at] and more[at] > 0]
                told = "mapped" if kind == "uncertain" and not self._asked else kind
                reasons.append(Reason(kind=told, share=share, named=tuple(best)))
        return reasons


class _Looks:
    """Facility location: how like the most alike labelled zone each zone of the pool is, domains alike.

    Likeness is a Gaussian of the distance between standardised features, as wide as the distance within which
    the median candidate has a tenth of the pool. Of a large pool some zones stand for all.
    """

    def __init__(self, candidates: Measures, known: Known, weight: float) -> None:
        own, labelled = standardised(candidates.features, known.zones.features)
        some = np.unique(np.linspace(0, len(own) - 1, min(len(own), _STANDING)).round().astype(np.int64))
        apart = distances(own, own[some])
        width = float(np.median(np.quantile(apart, 0.1, axis=1))) or 1.0
        self._like = _likeness(apart, width)
        self._covered = np.zeros(some.size)
        if len(labelled):
            self._covered = _likeness(distances(own[some], labelled), width).max(axis=1)
        domains = [candidates.domains[at] for at in some.tolist()]
        _, inverse, counts = np.unique(domains, return_inverse=True, return_counts=True)
        self._shares = 1.0 / (counts[inverse] * counts.size)
        self.weight = weight

    def gains(self) -> NDArray[np.float64]:
        more = np.maximum(self._like - self._covered, 0)
        gains: NDArray[np.float64] = more @ self._shares
        return gains

    def take(self, row: int) -> None:
        self._covered = np.maximum(self._covered, self._like[row])

    def why(self, row: int) -> list[Reason]:
        more = np.maximum(self._like[row] - self._covered, 0)
        return [Reason(kind="uncovered", share=float(self._shares @ more), measured=float(more.max()))]


class _Domains:
    """Labelled ground of each domain of the pool, on a logarithmic scale."""

    def __init__(self, candidates: Measures, known: Known, weight: float) -> None:
        names = sorted(set(candidates.domains))
        self._names, self._at = names, np.array([names.index(one) for one in candidates.domains])
        self._area, self._unit = candidates.area, float(candidates.area.mean())
        self._have = np.zeros(len(names))
        for domain, area in zip(known.zones.domains, known.zones.area.tolist(), strict=True):
            if domain in names:
                self._have[names.index(domain)] += area
        whole = np.bincount(self._at, self._area, len(names))
        most = float((self._log(self._have + whole) - self._log(self._have)).sum())
        self.weight = weight / most if most > 0 else 0.0

    def gains(self) -> NDArray[np.float64]:
        have = self._have[self._at]
        gains: NDArray[np.float64] = self._log(have + self._area) - self._log(have)
        return gains

    def take(self, row: int) -> None:
        self._have[self._at[row]] += self._area[row]

    def why(self, row: int) -> list[Reason]:
        at = self._at[row]
        have = float(self._have[at])
        share = float(self._log(np.array(have + self._area[row])) - self._log(np.array(have)))
        return [Reason(kind="domain", share=share, named=(self._names[at],), measured=have or None)]

    def _log(self, area: NDArray[np.float64]) -> NDArray[np.float64]:
        logarithm: NDArray[np.float64] = np.log1p(area / self._unit)
        return logarithm


def _likeness(apart: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    likeness: NDArray[np.float64] = np.exp(-((apart / width) ** 2) / 2)
    return likeness


def _logarithm(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    logarithm: NDArray[np.float64] = np.log1p(pixels / _ENOUGH)
    return logarithm


def _kinds(labelled: NDArray[np.float64], quality: NDArray[np.float64]) -> list[str]:
    """Return whether each class is rare, weak, or only uncertain."""
    rare = labelled < _RARE * float(labelled.sum())
    known = ~np.isnan(quality)
    mean = float(quality[known].mean()) if known.any() else 0.0
    weak = known & (np.nan_to_num(quality) < mean - _WEAK)
    return [
        "rare" if one else "weak" if other else "uncertain"
        for one, other in zip(rare.tolist(), weak.tolist(), strict=True)
    ]
