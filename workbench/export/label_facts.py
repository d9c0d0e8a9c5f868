"""What the zones of a release tell of their labels, added up: origins, agreement, segmentation bias.

Zones tell sums (``release.json``), so figures of all zones are exact. How sure they are is told by drawing
zones anew, see `workbench.assessment.blocks`; a single zone has the interval that it was measured with.
"""

from __future__ import annotations

__all__ = ["Agreed", "Biased", "LabelFacts", "label_facts"]

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.assessment.blocks import Interval, draw_blocks

_SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """Agreement of the released labels with second annotations, made blind."""

    zones: int
    pixels: int
    """That both labelled."""
    overall: Interval
    """Share of the pixels that have the same class."""
    classes: Mapping[str, tuple[int, int]]
    """By class, the pixels to which both gave it, and those to which either did."""
    pairs: tuple[tuple[str, str, int, int], ...]
    """Two classes, pixels of a moved border and of another class between them; most of these first."""

    @property
    def boundary(self) -> float | None:
        """Share of the disagreement of which moved borders give account; None where nothing differs."""
        moved, other = sum(pair[2] for pair in self.pairs), sum(pair[3] for pair in self.pairs)
        return moved / (moved + other) if moved + other else None

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "zones": self.zones,
            "pixels": self.pixels,
            "overall": self.overall.document(),
            "boundary_share": None if self.boundary is None else round(self.boundary, 6),
            "classes": {
                key: {"both": both, "either": either, "iou": round(both / either, 6)}
                for key, (both, either) in self.classes.items()
            },
            "pairs": [
                {"classes": [one, other], "boundary": boundary, "class": label}
                for one, other, boundary, label in self.pairs
            ],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Biased:
    """How far borders of labels follow leaf borders where a hand does not, over some zones."""

    against: str
    """``second``: a blind annotation by hand; ``own``: what was drawn by hand in the labels themselves."""
    zones: int
    bias: Interval
    labels: float
    """Share of the labels' borders that follow leaves."""
    reference: float
    """Share of the hand's."""
    edgels: int
    """Of the labels."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "against": self.against,
            "zones": self.zones,
            "bias": self.bias.document(),
            "labels": round(self.labels, 6),
            "reference": round(self.reference, 6),
            "edgels": self.edgels,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFacts:
    """What is known of the labels of a release."""

    zones: int
    """All of the release."""
    told: int
    """Those that tell where their labels come from."""
    origins: Mapping[str, int]
    """Labelled pixels by where they come from; empty where no zone tells."""
    agreed: Agreed | None
    biased: tuple[Biased, ...]

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "zones": self.zones,
            "zones_with_origins": self.told,
            "origins": dict(self.origins),
            "agreement": None if self.agreed is None else self.agreed.document(),
            "bias": [one.document() for one in self.biased],
        }


def label_facts(zones: Sequence[Mapping[str, Any]]) -> LabelFacts:
    """Add up what the entries of zones in a ``release.json`` tell of their labels."""
    origins = Counter[str]()
    for entry in zones:
        origins.update(entry.get("origins", {}))
    biased = [entry["bias"] for entry in zones if "bias" in entry]
    return LabelFacts(
        zones=len(zones),
        told=sum("origins" in entry for entry in zones),
        origins=dict(origins),
        agreed=_agreed([entry["agreement"] for entry in zones if "agreement" in entry]),
        biased=tuple(
            _biased(against, found)
            for against in ("second", "own")
            if (found := [one for one in biased if one["against"] == against])
        ),
    )


def _agreed(zones: Sequence[Sequence[Mapping[str, Any]]]) -> Agreed | None:
    """Add up the second annotations of some zones, by zone."""
    if not zones:
        return None
    every = [one for zone in zones for one in zone]
    both, either, moved, other = (Counter[Any]() for _ in range(4))
    for one in every:
        for key, counts in one["classes"].items():
            both[key] += counts["both"]
            either[key] += counts["either"]
        for pair in one["pairs"]:
            moved[tuple(sorted(pair["classes"]))] += pair["boundary"]
            other[tuple(sorted(pair["classes"]))] += pair["class"]
    same, pixels = (
        np.array([sum(one[name] for one in zone) for zone in zones]) for name in ("same", "pixels")
    )
    pairs = [(*keys, moved[keys], other[keys]) for keys in moved]
    return Agreed(
        zones=len(zones),
        pixels=int(pixels.sum()),
        overall=_interval(every[0]["overall"]) if len(every) == 1 else _drawn_share(same, pixels),
        classes={key: (both[key], either[key]) for key in sorted(either)},
        pairs=tuple(sorted(pairs, key=lambda pair: (-pair[3], -pair[2], pair[:2]))),
    )


def _biased(against: str, zones: Sequence[Mapping[str, Any]]) -> Biased:
    """Add up the bias of some zones."""
    weights = draw_blocks(len(zones), np.random.default_rng(_SEED))
    shares, drawn = [], []
    for name in ("labels", "reference"):
        edgels, follow = (np.array(one) for one in zip(*map(_followed, _each(zones, name)), strict=True))
        shares.append(float(follow.sum() / edgels.sum()))
        drawn.append((weights @ follow) / (weights @ edgels))
    whole = Interval.of(shares[0] - shares[1], drawn[0] - drawn[1])
    return Biased(
        against=against,
        zones=len(zones),
        bias=_interval(zones[0]["bias"]) if len(zones) == 1 else whole,
        labels=shares[0],
        reference=shares[1],
        edgels=sum(one["labels"]["edgels"] for one in zones),
    )


def _each(zones: Iterable[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    return [one[name] for one in zones]


def _followed(one: Mapping[str, Any]) -> tuple[int, float]:
    """Return all edgels, and those that follow leaves."""
    return one["edgels"], one["edgels"] * one["share"]


def _drawn_share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> Interval:
    weights = draw_blocks(len(whole), np.random.default_rng(_SEED))
    return Interval.of(float(part.sum() / whole.sum()), (weights @ part) / (weights @ whole))


def _interval(document: Mapping[str, float | None]) -> Interval:
    known = {name: np.nan if figure is None else figure for name, figure in document.items()}
    return Interval(**known)
