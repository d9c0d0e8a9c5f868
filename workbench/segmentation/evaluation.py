"""What is said of a hierarchy that was judged by a truth: its figures as values, JSON and lines to read."""

from __future__ import annotations

__all__ = ["Evaluation", "OptimalEnergy", "PartitionQuality", "PickCounts"]

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from workbench.counting import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class PickCounts:
    """Picks that a perfect annotator needs for an accuracy; None where no picks reach it."""

    target: float
    """Share of the known pixels, such as 0.95."""
    nested: int | None
    """Painting nodes, then other nodes inside them: what this workbench offers."""
    disjoint: int | None
    """Painting each region of a cut of the tree, of mixed scales, once."""
    single_scale: int | None
    """Painting each region of one cut once: what superpixel tools offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionQuality:
    """Measures of one cut: of its regions' values, and against the truth's classes."""

    regions: int
    scale: float
    distortion: float
    """D: the weighted squared differences of all pixels to their regions' means."""
    boundary_length: int
    """L: edgels between regions, each counted once."""
    explained_variation: float | None
    """Moore et al. 2008: 1 − D over the D of one region, weights applied; None for a constant image."""
    achievable_accuracy: float
    """ASA: share of the pixels that are right if each region takes its majority class."""
    undersegmentation_error: float
    """Neubert and Protzel 2012: per class and region the smaller of the parts inside and outside, summed,
    over all pixels."""
    boundary_recall: float | None
    """Share of the truth's boundary pixels within 2 pixels of the cut's; None where there is no boundary."""
    boundary_precision: float | None
    """Share of the cut's boundary pixels within 2 pixels of the truth's, where classes are known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimalEnergy:
    """E*(λ): the least D + λ·L over all cuts of the tree, D of the bands as they are, L in edgels."""

    scale: float
    regions: int
    """Of the cut that has it."""
    energy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """A hierarchy judged by a truth."""

    pixels: int
    """Known pixels."""
    values: tuple[int, ...]
    """Class values among them."""
    picks: tuple[PickCounts, ...]
    partitions: tuple[PartitionQuality, ...]
    """The finest cut, then cuts of one region per 250, 1,000, 4,000 and 20,000 pixels where it is finer."""
    energies: tuple[OptimalEnergy, ...]
    """At λ = 30 … 10,000, comparable between hierarchies of one image whatever their preset."""

    def document(self) -> dict[str, Any]:
        """Return JSON values; ``picks`` is keyed by percent: ``{"90": {"nested": …}, …}``."""
        return {
            "pixels": self.pixels,
            "values": list(self.values),
            "picks": {
                f"{100 * counts.target:g}": {
                    "nested": counts.nested,
                    "disjoint": counts.disjoint,
                    "single_scale": counts.single_scale,
                }
                for counts in self.picks
            },
            "partitions": [asdict(part) for part in self.partitions],
            "energies": [asdict(energy) for energy in self.energies],
        }

    def text(self) -> str:
        """Return the figures as lines for a person, none longer than 110 characters."""
        return "\n".join(
            [
                f"{counted(self.pixels, 'pixel')} of {counted(len(self.values), 'class', 'classes')}",
                "",
                *_aligned(("picks", "nested", "disjoint", "one scale"), map(_picks_row, self.picks)),
                "",
                *_aligned(
                    ("regions", "scale", "D", "L", "EV", "ASA", "UE", "BR", "BP"),
                    map(_partition_row, self.partitions),
                ),
                "",
                *_aligned(("λ", "regions", "E*"), map(_energy_row, self.energies)),
                "",
                "D squared differences to the regions' means, L boundary length, E* the least D + λ · L,",
                "EV explained variation, ASA achievable accuracy, UE undersegmentation error,",
                "BR and BP boundary recall and precision within 2 pixels",
            ]
        )


def _picks_row(counts: PickCounts) -> tuple[str, ...]:
    found = (counts.nested, counts.disjoint, counts.single_scale)
    return (f"{100 * counts.target:g} %", *("–" if count is None else f"{count:,}" for count in found))


def _partition_row(part: PartitionQuality) -> tuple[str, ...]:
    shares = (
        part.explained_variation,
        part.achievable_accuracy,
        part.undersegmentation_error,
        part.boundary_recall,
        part.boundary_precision,
    )
    return (
        f"{part.regions:,}",
        f"{part.scale:.4g}",
        f"{part.distortion:.4g}",
        f"{part.boundary_length:,}",
        *("–" if share is None else f"{share:.4f}" for share in shares),
    )


def _energy_row(energy: OptimalEnergy) -> tuple[str, ...]:
    return f"{energy.scale:,g}", f"{energy.regions:,}", f"{energy.energy:.5g}"


def _aligned(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table of right-aligned columns as lines."""
    table = [heads, *rows]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    return ["  ".join(map(str.rjust, row, widths)) for row in table]
