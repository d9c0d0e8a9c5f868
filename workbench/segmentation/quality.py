"""How good a hierarchy is: picks to reach an accuracy, energies, and the usual measures of its partitions.

Truth is an image of class values. Pixels of an ignored value, and nodata pixels of the hierarchy, never
count against it.
"""

from __future__ import annotations

__all__ = ["Pick", "distortion", "evaluate", "nested_picks", "optimal_energy", "reachable_accuracy"]

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.errors import HierarchyError
from workbench.segmentation import intervals
from workbench.segmentation.cuts import NODATA_LEAF, Cut
from workbench.segmentation.energies import least_energies
from workbench.segmentation.evaluation import Evaluation, OptimalEnergy, PartitionQuality, PickCounts
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.partition_measures import (
    TrueBoundary,
    boundary_length,
    boundary_precision,
    boundary_recall,
    class_agreement,
    squared_differences,
    true_boundary,
)
from workbench.segmentation.picks import (
    PickTree,
    cheapest_cut,
    cheapest_painting,
    count_classes,
    cut_errors,
    least_errors,
    pick_tree,
)

_PIXELS_PER_REGION = (20000, 4000, 1000, 250)
_SCALES = (30.0, 100.0, 300.0, 1000.0, 3000.0, 10000.0)
# Truths with more values than this are no classes, and found by sorting.
_MOST_VALUES = 1 << 16
# Every value has a count in every leaf, 8 bytes each.
_MOST_CLASSES, _LARGEST_TABLE = 255, 1 << 29


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """One click that labels a region: the node at a pixel and a scale gets a class."""

    row: int
    col: int
    scale: float
    value: int
    """The truth's class value."""


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
    boundary = true_boundary(known.classes)
    return Evaluation(
        pixels=known.pixels,
        values=known.values,
        picks=tuple(_count_picks(hierarchy, known, tree, target) for target in targets),
        partitions=tuple(_judge(hierarchy, known, boundary, cut) for cut in _cuts_to_judge(hierarchy)),
        energies=_least_energies(hierarchy, _SCALES),
    )


def nested_picks(
    hierarchy: Hierarchy,
    truth: NDArray[np.integer[Any]],
    accuracy: float,
    *,
    ignore: int | None = None,
    begun: NDArray[np.integer[Any]] | None = None,
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
    begun
        Shape (row, col). What the pixels are labelled as already, pre-labels for instance; default nothing.

    Raises
    ------
    HierarchyError
        No set of picks reaches it, since leaves straddle classes.
    """
    known = _known_pixels(hierarchy, truth, ignore)
    tree = _begun_tree(hierarchy, truth, known, begun)
    painting = cheapest_painting(tree, _most_errors(known.pixels, accuracy))
    if painting is None and begun is not None:
        raise HierarchyError(f"picks do not reach {accuracy} of the truth; brush the rest")
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


def reachable_accuracy(
    hierarchy: Hierarchy,
    truth: NDArray[np.integer[Any]],
    *,
    ignore: int | None = None,
    begun: NDArray[np.integer[Any]] | None = None,
) -> float:
    """Return the share of the known pixels that nested picks get right at most; as for `nested_picks`."""
    known = _known_pixels(hierarchy, truth, ignore)
    return 1 - least_errors(_begun_tree(hierarchy, truth, known, begun)) / known.pixels


def distortion(hierarchy: Hierarchy, cut: Cut) -> float:
    """Return D of a cut: the weighted squared differences of all pixels to their regions' means."""
    return _weighted_differences(hierarchy, cut.lut)


def optimal_energy(hierarchy: Hierarchy, scale: float) -> float:
    """Return E*(λ), the least D + λ·L over all cuts of the tree.

    D is of the bands as they are, times their weights where the hierarchy has some, and L counts edgels: so
    hierarchies of any preset compare. Where they were made for this energy, it is that of the cut at λ.
    """
    return _least_energies(hierarchy, (scale,))[0].energy


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
    values, found = _numbered(truth[usable])
    if not values.size:
        raise HierarchyError("truth has no pixel of known class inside the hierarchy")
    if values.size > _MOST_CLASSES and values.size * hierarchy.leaf_count > _LARGEST_TABLE:
        raise HierarchyError(
            f"truth has {values.size:,} values, too many to be classes; give a raster of class numbers"
        )
    classes = np.full(truth.shape, -1, np.int32)
    classes[usable] = found
    return _Known(
        values=tuple(int(value) for value in values),
        classes=classes,
        counts=count_classes(hierarchy.leaves, classes, (hierarchy.leaf_count, values.size)),
        pixels=int(np.count_nonzero(usable)),
    )


def _begun_tree(
    hierarchy: Hierarchy,
    truth: NDArray[np.integer[Any]],
    known: _Known,
    begun: NDArray[np.integer[Any]] | None,
) -> PickTree:
    """Return the tree of nodes worth picking where some pixels are labelled already."""
    if begun is None:
        return pick_tree(hierarchy.s, known.counts)
    agreeing = np.where((begun == truth) & (known.classes >= 0), 0, -1).astype(np.int32)
    right = count_classes(hierarchy.leaves, agreeing, (hierarchy.leaf_count, 1))[:, 0]
    return pick_tree(hierarchy.s, known.counts, right)


def _numbered(
    values: NDArray[np.integer[Any]],
) -> tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]:
    """Return the distinct values, rising, and the position among them of each value."""
    if not values.size:
        return values, values
    low = int(values.min())
    if int(values.max()) - low >= _MOST_VALUES:
        return np.unique(values, return_inverse=True)
    # As np.unique, without sorting millions of pixels.
    shifted = values.astype(np.int64) - low
    present = np.bincount(shifted) > 0
    distinct = (np.flatnonzero(present) + low).astype(values.dtype)
    return distinct, (np.cumsum(present, dtype=np.int32) - 1)[shifted]


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


def _judge(hierarchy: Hierarchy, known: _Known, boundary: TrueBoundary, cut: Cut) -> PartitionQuality:
    labels = cut.labels()
    length = boundary_length(labels)
    differences = _weighted_differences(hierarchy, cut.lut)
    most = _weighted_differences(hierarchy, np.zeros_like(cut.lut))
    classes = class_agreement(cut.lut, known.counts)
    return PartitionQuality(
        regions=cut.count,
        scale=cut.scale,
        distortion=differences,
        boundary_length=length,
        explained_variation=max(1.0 - differences / most, 0.0) if most > 0 else None,
        achievable_accuracy=classes.right / known.pixels,
        undersegmentation_error=classes.wrong / known.pixels,
        boundary_recall=boundary_recall(labels, boundary),
        boundary_precision=boundary_precision(labels, boundary),
    )


def _least_energies(hierarchy: Hierarchy, scales: Sequence[float]) -> tuple[OptimalEnergy, ...]:
    energies, regions = least_energies(
        hierarchy.leaves,
        hierarchy.s,
        hierarchy.area,
        hierarchy.sums,
        hierarchy.squares,
        weights=hierarchy.weights,
        scales=np.array(scales, np.float64),
    )
    return tuple(
        OptimalEnergy(scale=scale, regions=int(count), energy=float(energy))
        for scale, count, energy in zip(scales, regions, energies, strict=True)
    )


def _weighted_differences(hierarchy: Hierarchy, lut: NDArray[np.uint32]) -> float:
    found = squared_differences(lut, hierarchy.area, hierarchy.sums, hierarchy.squares)
    return float(hierarchy.weights @ found)
