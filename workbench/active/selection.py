"""Which zones a strategy chose, for what they cost, and why."""

from __future__ import annotations

__all__ = ["Chosen", "Reason", "Selection", "affordable"]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A part of why a zone was chosen, in values: whoever shows it finds the words, in a language.

    >>> Reason(kind="rare", share=0.3, named=("snow", "swimming_pool")).told
    'rare snow, swimming_pool'
    """

    kind: str
    """One of `workbench.active.reasons.REASON_KINDS`, or of another package's."""
    share: float
    """Of all reasons for this zone, 0 to 1."""
    named: tuple[str, ...] = ()
    """What it is about: keys of classes, what counts most first, or a domain; where chance chose, what it
    chose in, such as ``domain``, ``theme`` and ``main class``."""
    measured: float | None = None
    """How much: doubt and share of the ground 0 to 1, metres, km²; None where there is nothing to measure."""
    words: str = ""
    """What a kind of another package tells, for it tells nothing by values."""

    @property
    def told(self) -> str:
        """In a few words, in English."""
        named = ", ".join(self.named)
        match self.kind, self.named, self.measured:
            case "uncertain", (), float(doubt):
                return f"{doubt:.0%} doubtful"
            case "uncertain", (_, *_), _:
                return f"doubtful {named}"
            case "mapped", (_, *_), _:
                return f"an old map has {named}"
            case "weak" | "rare", (_, *_), _:
                return f"{self.kind} {named}"
            case "uncovered", _, float(ground):
                taken = f", taken for {named}" if named else ""
                return f"{ground:.0%} looks like nothing that is labelled or chosen{taken}"
            case "scarce", _, float(ground):
                return f"{ground:.0%} looks like what has few labels"
            case "far", _, None:
                return "nothing is labelled yet"
            case "far", _, float(metres):
                return f"{metres / 1000:,.1f} km from what is labelled or chosen"
            case "domain", (domain,), None:
                return f"{domain} has no zone yet"
            case "domain", (domain,), float(area):
                return f"{area:.3g} km² of {domain} are labelled or chosen"
            case "drawn", (), _:
                return "drawn by chance"
            case "drawn", _, _:
                return f"drawn by chance in its {' and '.join(named.rsplit(', ', 1))}"
            case _:
                return self.words

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "kind": self.kind,
            "share": round(self.share, 4),
            "named": list(self.named),
            "measured": None if self.measured is None else float(f"{self.measured:.6g}"),
            "told": self.told,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the reason of its JSON view."""
        measured = document.get("measured")
        found = cls(
            kind=str(document["kind"]),
            share=float(document["share"]),
            named=tuple(map(str, document.get("named", ()))),
            measured=None if measured is None else float(measured),
        )
        return found if found.told else replace(found, words=str(document["told"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One zone of a selection."""

    row: int
    """Of the candidates."""
    score: float
    """What it adds to those before it, for its cost."""
    cost: float
    """In the unit of the budget."""
    reasons: tuple[Reason, ...]
    """The largest share first; shares add up to 1."""
    inclusion: float | None = None
    """Probability that it was chosen; None where that is no matter of chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a strategy chose under a budget, in its order."""

    strategy: str
    chosen: tuple[Chosen, ...]
    reached: float | None = None
    """What the selection is worth at least, as a share of the best that any selection under the budget could
    be; None where a strategy maximises nothing."""

    @property
    def rows(self) -> list[int]:
        """The candidates that were chosen."""
        return [one.row for one in self.chosen]

    @property
    def cost(self) -> float:
        """Of all of them, in the unit of the budget."""
        return float(sum(one.cost for one in self.chosen))


def affordable(order: Iterable[int], costs: NDArray[np.float64], limit: float) -> list[int]:
    """Return, of candidates in order of preference, each that still fits into what the others leave.

    Examples
    --------
    >>> affordable([2, 0, 1], np.array([5.0, 2.0, 4.0]), 6.5)
    [2, 1]
    """
    taken, left, each = [], limit * (1 + 1e-9), costs.tolist()
    cheapest = min(each)
    for row in order:
        if each[row] <= left:
            taken.append(row)
            left -= each[row]
            if left < cheapest:
                break
    return taken
