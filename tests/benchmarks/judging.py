"""How good what a method made is: the same measures for one-level methods and for cuts of hierarchies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from methods import METHODS, SCALES
from numpy.typing import NDArray
from pictures import Picture, truths
from scipy import sparse

from workbench.segmentation import Hierarchy, evaluate, read_hierarchy
from workbench.segmentation.partition_measures import (
    TrueBoundary,
    boundary_precision,
    boundary_recall,
    true_boundary,
)
from workbench.segmentation.quality import optimal_energy


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judge:
    """A picture and what is true of it."""

    picture: Picture
    image: NDArray[np.uint8]
    truths: dict[str, NDArray[np.int32]]
    boundaries: dict[str, TrueBoundary]
    variation: float
    """D of the whole image as one region."""

    @classmethod
    def of(cls, picture: Picture) -> Judge:
        """Read a picture."""
        image, found = np.load(picture.image), truths(picture)
        return cls(
            picture=picture,
            image=image,
            truths=found,
            boundaries={name: true_boundary(truth) for name, truth in found.items()},
            variation=_distortion(np.zeros(image.shape[1:], np.uint32), image),
        )

    def measures(self, labels: NDArray[np.uint32]) -> dict[str, Any]:
        """Return region count, EV, and for each truth ASA, UE, boundary recall and precision."""
        figures: dict[str, Any] = {
            "regions": int(np.unique(labels).size),
            "ev": 1.0 - _distortion(labels, self.image) / self.variation,
        }
        for name, truth in self.truths.items():
            boundary = self.boundaries[name]
            figures[name] = _overlap(labels, truth) | {
                "br": boundary_recall(labels, boundary),
                "bp": boundary_precision(labels, boundary),
            }
        return figures

    def curve(self, hierarchy: Hierarchy, counts: list[int]) -> list[dict[str, Any]]:
        """Return the measures of cuts of some region counts."""
        return [self.measures(hierarchy.cut_count(count).labels()) for count in counts]

    def picks(self, hierarchy: Hierarchy) -> dict[str, Any]:
        """Return the picks that reach 90, 95 and 98 % of the classes, and how many objects there are."""
        document = evaluate(hierarchy, self.truths["classes"]).document()
        objects = self.truths.get("objects")
        return {**document["picks"], "objects": None if objects is None else int(objects.max()) + 1}


def judge_case(pictures: list[Picture], names: list[str], out: Path, *, curve: bool) -> dict[str, Any]:
    """Judge what each method made of some pictures: means over them, but of picks and objects sums.

    Returns
    -------
    dict
        Per method its own ``quality``; of trees ``energies``, their ratio to higra's, and ``picks``; of the
        others ``ours``: the quality of our cuts of at most as many regions, per preset.
    """
    judged = [_judge_picture(picture, number, names, out, curve) for number, picture in enumerate(pictures)]
    return {name: _combined([one[name] for one in judged], np.mean) for name in names}


def _judge_picture(
    picture: Picture, number: int, names: list[str], out: Path, curve: bool
) -> dict[str, dict[str, Any]]:
    judge = Judge.of(picture)
    presets = [name for name in names if METHODS[name].preset is not None]
    trees = {name: read_hierarchy(out / f"{name}-{number}.h5") for name in presets}
    found: dict[str, dict[str, Any]] = {}
    for name, tree in trees.items():
        found[name] = {
            "quality": judge.measures(tree.cut(0.0).labels()),
            "energies": [optimal_energy(tree, scale) for scale in SCALES],
            "picks": judge.picks(tree),
        }
        if curve:
            counts = np.unique(np.geomspace(tree.leaf_count / 1000 + 1, tree.leaf_count, 24).astype(int))
            found[name]["curve"] = judge.curve(tree, [int(count) for count in counts])
    for name in names:
        if name in trees:
            continue
        quality = judge.measures(np.load(out / f"{name}-{number}.npy"))
        count = quality["regions"]
        ours = {preset: judge.curve(tree, [count])[0] for preset, tree in trees.items()}
        found[name] = {"quality": quality, "ours": ours}
        energies = out / f"{name}-{number}.json"
        if energies.exists():
            found[name]["energies"] = json.loads(energies.read_text())
    reference = found.get("higra", {}).get("energies")
    for figures in found.values():
        if reference and "energies" in figures:
            figures["energy_ratios"] = [
                mine / theirs for mine, theirs in zip(figures["energies"], reference, strict=True)
            ]
    return found


def _combined(values: list[Any], how: Callable[[list[float]], Any]) -> Any:
    """Return the means or sums of the numbers in documents of one shape; None where one of them is."""
    first = values[0]
    if len(values) == 1:
        return first
    if isinstance(first, dict):
        return {
            key: _combined([value[key] for value in values], np.sum if key == "picks" else how)
            for key in first
        }
    if isinstance(first, list):
        return [_combined(list(items), how) for items in zip(*values, strict=False)]
    return None if any(value is None for value in values) else float(how(values))


def _distortion(labels: NDArray[np.uint32], image: NDArray[np.uint8]) -> float:
    """Return the squared differences of all pixels to their regions' means, without weights."""
    flat = labels.ravel()
    area = np.maximum(np.bincount(flat), 1)
    total = 0.0
    for band in image.reshape(image.shape[0], -1).astype(np.float64):
        means = np.bincount(flat, band) / area
        total += float(((band - means[flat]) ** 2).sum())
    return total


def _overlap(labels: NDArray[np.uint32], truth: NDArray[np.int32]) -> dict[str, float]:
    pairs = sparse.csr_array((np.ones(labels.size), (labels.ravel(), truth.ravel())))
    pairs.sum_duplicates()
    outside = np.repeat(pairs.sum(axis=1), np.diff(pairs.indptr)) - pairs.data
    return {
        "asa": float(pairs.max(axis=1).sum() / labels.size),
        "ue": float(np.minimum(pairs.data, outside).sum() / labels.size),
    }
