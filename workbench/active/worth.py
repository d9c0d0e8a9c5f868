"""What zones are worth together: doubtful pixels of each kind of ground, and domains.

Both are sums of concave functions of what is there already, so they are monotone and submodular (Lin &
Bilmes, *A class of submodular functions for document summarization*, 2011), and so is their sum. That is what
`workbench.active.greedy` asks for, and what one wants: the second lake teaches less than the first.

They are shares of what the whole pool would give, so that weights compare. What was tried, and on what, is
told in ``tests/benchmarks/README.md``.
"""

from __future__ import annotations

__all__ = ["Weights", "Worth"]

import copy
from dataclasses import dataclass, replace
from typing import Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from workbench.active.measures import Known, Measures
from workbench.active.selection import Reason
from workbench.active.words import visual_words

_ENOUGH: Final = 1_000.0
"""Doubtful pixels of a kind of ground after which as many more teach half as much: 40 m² at 0.2 m."""
_RARE: Final = 0.01
"""Share of the labelled pixels below which a class is called rare."""
_WEAK: Final = 0.1
"""IoU below the mean of the classes by which one is called weak."""
_NAMED: Final = 3
"""Classes that a reason names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How much each term counts."""

    grounds: float = 1.0
    domains: float = 0.1


class _Term(Protocol):
    """A term of what zones are worth; see `workbench.active.greedy.Objective`."""

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
        Of the terms.
    """

    def __init__(self, candidates: Measures, known: Known, *, weights: Weights) -> None:
        self._terms: list[_Term] = [
            _Grounds(candidates, known, weights.grounds),
            _Domains(candidates, known, weights.domains),
        ]
        self.reasons: list[tuple[Reason, ...]] = []
        """Of each candidate that was taken, the largest share first; they add up to 1."""

    def copy(self) -> Self:
        """Return the same with the same candidates taken; each goes on for itself."""
        return copy.deepcopy(self)

    def gains(self) -> NDArray[np.float64]:
        """Return what each candidate would add, shape (candidate,)."""
        gains: NDArray[np.float64] = np.sum([term.weight * term.gains() for term in self._terms], axis=0)
        return gains

    def take(self, row: int) -> None:
        """Take a candidate."""
        told = [(term.weight * one.share, one) for term in self._terms for one in term.why(row)]
        total = sum(share for share, _ in told)
        found = [
            replace(one, share=share / total if total else 1 / len(told))
            for share, one in told
            if share > 0 or not total
        ]
        self.reasons.append(tuple(sorted(found, key=lambda one: -one.share)))
        for term in self._terms:
            term.take(row)


class _Grounds:
    """Doubtful pixels of each kind of ground, on a logarithmic scale; those of weak classes count more.

    A kind of ground is a visual word and the class that it is taken for, so that classes count as much as
    what is unlike within them; and what no model was taught is a kind, too, whatever it is taken for. Without
    a model all pixels count.
    """

    def __init__(self, candidates: Measures, known: Known, weight: float) -> None:
        self._keys, asked = candidates.classes, bool(candidates.doubtful.any())
        pixels, doubtful, labelled = _by_ground(candidates, known.zones)
        amounts = doubtful if asked else pixels
        there = np.flatnonzero(amounts.any(axis=0))
        self._amounts, self._pixels = amounts[:, there], pixels[:, there]
        # What is labelled was doubtful, too, as far as its kind is.
        self._have = labelled[there] * self._amounts.sum(axis=0) / self._pixels.sum(axis=0)
        self._words, self._columns = divmod(there, len(self._keys) + 1)
        quality = known.quality if known.quality.size else np.full(len(self._keys), np.nan)
        self._factors = np.append(1.0, np.where(np.isnan(quality), 1.0, 1.0 - quality))[self._columns]
        plain = _kinds(known.zones.expected.sum(axis=0), quality, asked=asked)
        self._plain = np.array(["scarce", *plain])[self._columns]
        self._seen: NDArray[np.bool_] = np.any(labelled.reshape(-1, len(self._keys) + 1) > 0, axis=1)
        whole = _logarithm(self._have + self._amounts.sum(axis=0)) - _logarithm(self._have)
        most = float(self._factors @ whole)
        self.weight = weight / most if most > 0 else 0.0

    def gains(self) -> NDArray[np.float64]:
        more = _logarithm(self._have + self._amounts) - _logarithm(self._have)
        gains: NDArray[np.float64] = more @ self._factors
        return gains

    def take(self, row: int) -> None:
        self._have = self._have + self._amounts[row]
        self._seen[self._words[self._pixels[row] > 0]] = True

    def why(self, row: int) -> list[Reason]:
        kinds = np.where(self._seen[self._words], self._plain, "uncovered")
        more = (_logarithm(self._have + self._amounts[row]) - _logarithm(self._have)) * self._factors
        reasons = []
        for kind in sorted(set(kinds[more > 0].tolist())):
            own = kinds == kind
            by_class = np.bincount(self._columns[own], more[own], len(self._keys) + 1)[1:]
            order = np.argsort(-by_class, kind="stable")[:_NAMED]
            ground = float(self._pixels[row, own].sum() / self._pixels[row].sum())
            reasons.append(
                Reason(
                    kind=kind,
                    share=float(more[own].sum()),
                    named=tuple(self._keys[at] for at in order if by_class[at] > 0),
                    measured=ground if kind in ("uncovered", "scarce") else None,
                )
            )
        return reasons


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


def _logarithm(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    logarithm: NDArray[np.float64] = np.log1p(pixels / _ENOUGH)
    return logarithm


def _kinds(labelled: NDArray[np.float64], quality: NDArray[np.float64], *, asked: bool) -> list[str]:
    """Return whether each class is rare, weak, or only doubtful, or an old map tells of it."""
    rare = labelled < _RARE * float(labelled.sum())
    known = ~np.isnan(quality)
    mean = float(quality[known].mean()) if known.any() else 0.0
    weak = known & (np.nan_to_num(quality) < mean - _WEAK)
    plain = "uncertain" if asked else "mapped"
    return [
        "rare" if one else "weak" if other else plain
        for one, other in zip(rare.tolist(), weak.tolist(), strict=True)
    ]


def _by_ground(
    candidates: Measures, labelled: Measures
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return pixels and doubtful pixels by candidate and kind of ground, and those that are labelled by kind.

    Kinds are counted word by word, and inside a word by class, first what nobody says to be one: of that
    everything is labelled that has a class.
    """
    parts, width = [*candidates.parts, *labelled.parts], len(candidates.classes) + 1
    words = visual_words(np.concatenate([one.looks for one in parts]))
    kinds = words * width + np.concatenate([one.classes for one in parts]) + 1
    zones = np.repeat(np.arange(len(parts)), [len(one) for one in parts])
    shape = len(parts), width * (int(words.max(initial=0)) + 1)
    pixels, doubtful = (
        sparse.csr_array((np.concatenate(column), (zones, kinds)), shape=shape).toarray()
        for column in ([one.pixels for one in parts], [one.doubtful for one in parts])
    )
    count = len(candidates)
    have = pixels[count:].sum(axis=0).reshape(-1, width)
    have[:, 0] = have[:, 1:].sum(axis=1)
    return pixels[:count], doubtful[:count], have.reshape(-1)
