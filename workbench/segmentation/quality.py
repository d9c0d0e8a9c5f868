"""How good a hierarchy is: picks to reach an accuracy, and the usual measures of its partitions.

Truth is an image of class values. Pixels of an ignored value, and nodata pixels of the hierarchy, never
count.
"""

from __future__ import annotations

__all__ = [
    "Evaluation",
    "PartitionQuality",
    "Pick",
    "PickCounts",
    "boundary_length",
    "distortion",
    "evaluate",
    "nested_picks",
    "optimal_energy",
]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.errors import HierarchyError
from workbench.segmentation import intervals
from workbench.segmentation.cuts import NODATA_LEAF, Cut
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.picks import (
    PickTree,
    cheapest_cut,
    cheapest_painting,
    count_classes,
    cut_errors,
    pick_tree,
)

_PIXELS_PER_REGION = (20000, 4000, 1000, 250)
_TOLERANCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One click that labels a region: the node at a pixel and a scale gets a class."""

    row: int
    col: int
    scale: float
    value: int
    """The truth's class value."""


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
    """Measures of one cut against the truth's classes."""

    regions: int
    scale: float
    achievable_accuracy: float
    """ASA: share of the pixels that are right if each region takes its majority class."""
    undersegmentation_error: float
    """Neubert and Protzel 2012: per class and region the smaller of the parts inside and outside, summed,
    over all pixels."""
    boundary_recall: float | None
    """Share of the truth's boundary pixels within 2 pixels of the cut's; None where there is no boundary."""


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

    def document(self) -> dict[str, Any]:
        """Return JSON values; ``picks`` is keyed by percent: ``{"90": {"nested": …}, …}``."""
        picks = {
            f"{100 * counts.target:g}": {
                "nested": counts.nested,
                "disjoint": counts.disjoint,
                "single_scale": counts.single_scale,
            }
            for counts in self.picks
        }
        partitions = [
            {
                "regions": part.regions,
                "scale": part.scale,
                "achievable_accuracy": part.achievable_accuracy,
                "undersegmentation_error": part.undersegmentation_error,
                "boundary_recall": part.boundary_recall,
            }
            for part in self.partitions
        ]
        return {"pixels": self.pixels, "values": list(self.values), "picks": picks, "partitions": partitions}

    def text(self) -> str:
        """Return the figures as lines for a person."""
        lines = [
            f"{self.pixels:,} pixels of {len(self.values)} classes",
            "picks     nested  disjoint  one scale",
        ]
        for counts in self.picks:
            found = (counts.nested, counts.disjoint, counts.single_scale)
            cells = "".join(f"{'–' if count is None else format(count, ','):>10}" for count in found)
            lines.append(f"{100 * counts.target:4g} % {cells}")
        lines.append("regions         scale  achievable  undersegmented  boundary recall")
        for part in self.partitions:
            recall = "–" if part.boundary_recall is None else f"{part.boundary_recall:.4f}"
            lines.append(
                f"{part.regions:<10,} {part.scale:10.4g} {part.achievable_accuracy:11.4f} "
                f"{part.undersegmentation_error:15.4f} {recall:>16}"
            )
        return "\n".join(lines)


def evaluate(
    hierarchy: Hierarchy,
    truth: NDArray[np.integer[Any]],
    *,
    ignore: int | None = None,
    targets: Sequence[float] = (0.90, 0.95, 0.98),
) -> Evaluation:
    """Judge a hierarchy by an image of true classes.

    Parameters
    ----------
    hierarchy
        What to judge.
    truth
        Shape (row, col). Class values.
    ignore
        Value of pixels whose class is unknown.
    targets
        Accuracies to reach, as shares.
    """
    known = _known_pixels(hierarchy, truth, ignore)
    tree = pick_tree(hierarchy.s, known.counts)
    return Evaluation(
        pixels=known.pixels,
        values=known.values,
        picks=tuple(_count_picks(hierarchy, known, tree, target) for target in targets),
        partitions=tuple(_judge(hierarchy, known, cut) for cut in _cuts_to_judge(hierarchy)),
    )


def nested_picks(
    hierarchy: Hierarchy, truth: NDArray[np.integer[Any]], accuracy: float, *, ignore: int | None = None
) -> list[Pick]:
    """Return picks that reach an accuracy, in painting order: a node before those inside it.

    Parameters
    ----------
    hierarchy
        What is picked from.
    truth
        Shape (row, col). Class values.
    accuracy
        Share of the known pixels to get right, such as 0.95.
    ignore
        Value of pixels whose class is unknown.

    Raises
    ------
    HierarchyError
        No set of picks reaches it, since leaves straddle classes.
    """
    known = _known_pixels(hierarchy, truth, ignore)
    tree = pick_tree(hierarchy.s, known.counts)
    painting = cheapest_painting(tree, _most_errors(known.pixels, accuracy))
    if painting is None:
        errors, _ = cut_errors(hierarchy.s, known.counts, np.float32(0))
        best = 1 - errors / known.pixels
        raise HierarchyError(f"picks reach {best:.4f} of the truth at most, not {accuracy}; brush the rest")
    pixels = intervals.leaf_pixels(hierarchy.leaves, hierarchy.leaf_count, NODATA_LEAF)
    picks = []
    for node in np.flatnonzero(painting.painted >= 0):
        row, col = divmod(int(pixels[tree.first[node]]), hierarchy.grid.width)
        value = known.values[painting.painted[node]]
        picks.append(Pick(row=row, col=col, scale=float(tree.altitude[node]), value=value))
    return picks


def distortion(hierarchy: Hierarchy, cut: Cut) -> float:
    """Return D of a cut: the weighted squared differences of all pixels to their regions' means."""
    starts = np.flatnonzero(np.diff(cut.lut, prepend=np.uint32(NODATA_LEAF)))
    leaf_area = hierarchy.area.astype(np.float64)
    # About the image's mean: raw squares of a small variance on a large mean would lose all their digits.
    centre = (hierarchy.sums.sum(axis=1) / leaf_area.sum())[:, None]
    sums = hierarchy.sums - centre * leaf_area
    squares = hierarchy.squares - 2 * centre * hierarchy.sums + centre**2 * leaf_area
    area = np.add.reduceat(leaf_area, starts)
    spread = np.add.reduceat(squares, starts, axis=1) - np.add.reduceat(sums, starts, axis=1) ** 2 / area
    return float((hierarchy.weights[:, None] * np.maximum(spread, 0.0)).sum())


def boundary_length(labels: NDArray[np.uint32]) -> int:
    """Return C of a partition: edgels between pixels of different regions, each counted once.

    >>> boundary_length(np.array([[0, 0, 1], [2, 2, NODATA_LEAF]], dtype=np.uint32))
    3
    """
    length = 0
    for here, there in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        parted = (here != there) & (here != NODATA_LEAF) & (there != NODATA_LEAF)
        length += int(np.count_nonzero(parted))
    return length


def optimal_energy(hierarchy: Hierarchy, scale: float) -> float:
    """Return E*(λ) = D + λ·C of the cut at a scale."""
    cut = hierarchy.cut(scale)
    return distortion(hierarchy, cut) + cut.scale * boundary_length(cut.labels())


class _Known(NamedTuple):
    """The truth where it counts."""

    values: tuple[int, ...]
    classes: NDArray[np.int32]
    """Shape (row, col). Position in ``values``, −1 where unknown or nodata."""
    counts: NDArray[np.int64]
    """Shape (leaf, class). Pixels."""
    pixels: int


def _known_pixels(hierarchy: Hierarchy, truth: NDArray[np.integer[Any]], ignore: int | None) -> _Known:
    if truth.shape != hierarchy.grid.shape:
        raise HierarchyError(f"truth has {truth.shape} pixels, the hierarchy {hierarchy.grid.shape}")
    if truth.dtype.kind not in "iu":
        raise HierarchyError(f"truth is {truth.dtype.name}; give class values as integers")
    usable = hierarchy.leaves != NODATA_LEAF
    if ignore is not None:
        usable &= truth != ignore
    values, found = np.unique(truth[usable], return_inverse=True)
    if not values.size:
        raise HierarchyError("truth has no pixel of known class inside the hierarchy")
    classes = np.full(truth.shape, -1, np.int32)
    classes[usable] = found
    return _Known(
        values=tuple(int(value) for value in values),
        classes=classes,
        counts=count_classes(hierarchy.leaves, classes, (hierarchy.leaf_count, values.size)),
        pixels=int(np.count_nonzero(usable)),
    )


def _most_errors(pixels: int, accuracy: float) -> int:
    if not 0.0 <= accuracy <= 1.0:
        raise HierarchyError(f"accuracy is {accuracy}; give a share such as 0.95")
    # 0.9 of 10 pixels allows one error, though 1 − 0.9 is less than 0.1 in floating point.
    return math.floor((1.0 - accuracy) * pixels + 1e-6)


def _count_picks(hierarchy: Hierarchy, known: _Known, tree: PickTree, target: float) -> PickCounts:
    most_errors = _most_errors(known.pixels, target)
    nested = cheapest_painting(tree, most_errors)
    disjoint = cheapest_cut(tree, most_errors)
    return PickCounts(
        target=target,
        nested=nested.picks if nested else None,
        disjoint=disjoint.picks if disjoint else None,
        single_scale=_single_scale(hierarchy, known.counts, most_errors),
    )


def _single_scale(hierarchy: Hierarchy, counts: NDArray[np.int64], most_errors: int) -> int | None:
    """Count the regions of the coarsest cut with at most so many errors, which never fall with λ."""
    finite = hierarchy.s[np.isfinite(hierarchy.s)]
    scales = np.unique(np.append(finite, np.float32(0)))
    fine, coarse = 0, scales.size
    errors, regions = cut_errors(hierarchy.s, counts, scales[0])
    if errors > most_errors:
        return None
    while coarse - fine > 1:
        middle = (fine + coarse) // 2
        errors, count = cut_errors(hierarchy.s, counts, scales[middle])
        if errors <= most_errors:
            fine, regions = middle, count
        else:
            coarse = middle
    return regions


def _cuts_to_judge(hierarchy: Hierarchy) -> list[Cut]:
    cuts = [hierarchy.cut(0.0)]
    pixels = int(hierarchy.area.sum(dtype=np.int64))
    for size in reversed(_PIXELS_PER_REGION):
        cut = hierarchy.cut_count(max(1, pixels // size))
        if cut.count < cuts[-1].count:
            cuts.append(cut)
    return cuts


def _judge(hierarchy: Hierarchy, known: _Known, cut: Cut) -> PartitionQuality:
    starts = np.flatnonzero(np.diff(cut.lut, prepend=np.uint32(NODATA_LEAF)))
    counts = np.add.reduceat(known.counts, starts, axis=0)
    outside = counts.sum(axis=1, keepdims=True) - counts
    return PartitionQuality(
        regions=cut.count,
        scale=cut.scale,
        achievable_accuracy=float(counts.max(axis=1).sum() / known.pixels),
        undersegmentation_error=float(np.minimum(counts, outside).sum() / known.pixels),
        boundary_recall=_boundary_recall(cut.labels(), known.classes),
    )


def _boundary_recall(labels: NDArray[np.uint32], classes: NDArray[np.int32]) -> float | None:
    wanted = _boundary(classes, classes >= 0)
    if not wanted.any():
        return None
    found = _boundary(labels, np.ones(labels.shape, np.bool_))
    near = ndimage.maximum_filter(found, size=2 * _TOLERANCE + 1, mode="constant")
    return float(np.count_nonzero(wanted & near) / np.count_nonzero(wanted))


def _boundary(labels: NDArray[np.integer[Any]], known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the known pixels whose right or lower neighbour is known and has another label."""
    boundary = np.zeros(labels.shape, np.bool_)
    boundary[:, :-1] |= (labels[:, :-1] != labels[:, 1:]) & known[:, :-1] & known[:, 1:]
    boundary[:-1] |= (labels[:-1] != labels[1:]) & known[:-1] & known[1:]
    return boundary
