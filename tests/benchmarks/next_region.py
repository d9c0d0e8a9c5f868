"""Where to look first: how much looks at pre-labels put right, by the order in which they are looked at.

    python tests/benchmarks/next_region.py --seeds 3 --json figures.json

Made scenes of several themes are one zone. A model pre-labels it, as `workbench prelabel` does, and all of
that is accepted; then somebody looks at one pre-label after the other, and gives it the class that most of its
pixels have, where it has another: one pick at most. A look that ends in a pick is a hit. Models are the one
that ships, and simulated ones of three accuracies (`noisy_predictions`).

Orders: by *confidence*, the least sure first, as the desk went before; *size*, the largest first; *value*, the
desk's (`workbench.active.regions`), pixels · (1 − confidence); *squared*, pixels · (1 − confidence)²; *weak*,
the value times 1 − IoU of the class that is proposed, measured on other scenes with the same model; *chance*,
the mean of twenty; *best*, by the pixels that are really put right, which nobody can know beforehand.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from affine import Affine
from noisy_predictions import simulated
from numpy.typing import NDArray

from workbench.active.regions import expected_wrong
from workbench.geo.grid import PixelGrid
from workbench.inference.embedded import embedded_model
from workbench.inference.network import NetworkSegmenter, open_segmenter
from workbench.nomenclature import load_nomenclature
from workbench.segmentation import Hierarchy, segment
from workbench.segmentation.explaining import explain, gather_mass
from workbench.workflows.predictions import Prediction
from workbench.workflows.prelabelling import PRICE
from workbench.workflows.proposing import Proposal

LOOKS = 5, 10, 20, 50, 100
ACCURACIES = 0.65, 0.75, 0.85
ORDERS = "confidence", "value", "squared", "weak", "size", "chance", "best"
_THEMES = "AU", "FN", "UA", "AH", "NF", "UU"
_DRAWS = 20
_CODES = 20
_TILE = 512
_FIRST_OTHER = 500
"""Seed of the first scene on which the quality of classes is measured."""


class Scene(NamedTuple):
    """A picture, its regions and its truth."""

    image: NDArray[np.uint8]
    hierarchy: Hierarchy
    truth: NDArray[np.uint8]


class Regions(NamedTuple):
    """The pre-labels of a zone."""

    codes: NDArray[np.uint8]
    """Shape (region,). What is proposed."""
    confidence: NDArray[np.float64]
    """Shape (region,)."""
    truth: NDArray[np.int64]
    """Shape (region, code). Pixels by what they really are."""

    @property
    def pixels(self) -> NDArray[np.int64]:
        """Shape (region,)."""
        return self.truth.sum(axis=1)

    @property
    def gains(self) -> NDArray[np.int64]:
        """Shape (region,). Pixels that a look puts right."""
        return self.truth.max(axis=1) - self.truth[np.arange(self.codes.size), self.codes]


class Walk(NamedTuple):
    """What looks in one order put right; each a figure after `LOOKS`."""

    group: str
    order: str
    accuracy: tuple[float, ...]
    miou: tuple[float, ...]
    hits: tuple[float, ...]
    """Share of the looks so far that ended in a pick."""
    expected: tuple[float, ...]
    """Pixels expected to be wrong in what was looked at, for each that was wrong."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table by model, write the file."""
    options = _parser().parse_args(arguments)
    walks: list[Walk] = []
    for group, seed, regions, quality in zones(options):
        walks += walked(group, regions, quality, seed=seed)
        right = regions.truth[np.arange(regions.codes.size), regions.codes].sum() / regions.truth.sum()
        print(f"{group}: {regions.codes.size:,} pre-labels, {right:.1%} right", flush=True)
    for group in dict.fromkeys(walk.group for walk in walks):
        print("\n" + table(group, [walk for walk in walks if walk.group == group]), flush=True)
    if options.json is not None:
        document = {"format": "ocs-workbench/next-region", "format_version": 1, "looks": LOOKS}
        entries = [walk._asdict() for walk in walks]
        options.json.write_text(json.dumps(document | {"walks": entries}, indent=1), encoding="utf-8")
    return 0


def zones(options: argparse.Namespace) -> Iterator[tuple[str, int, Regions, NDArray[np.float64]]]:
    """Yield zones with the model that pre-labels them, a seed, and the IoU of its classes elsewhere."""
    segmenter = open_segmenter(embedded_model(), device="cpu")
    for seed in range(options.seeds):
        own = list(scenes(options.scenes, options.side, first=1 + 100 * seed))
        others = list(scenes(options.scenes, options.side, first=_FIRST_OTHER + 100 * seed))
        said = {"the model that ships": lambda one, _: predicted(segmenter, one.image)} | {
            f"simulated {accuracy:.0%}": (lambda one, at, accuracy=accuracy: noisy(one.truth, accuracy, at))
            for accuracy in ACCURACIES
        }
        for group, say in said.items():
            parts = [prelabels(one, say(one, seed + 10 * place)) for place, one in enumerate(own)]
            matrix = np.zeros((_CODES, _CODES))
            for place, one in enumerate(others):
                codes = say(one, seed + 10 * place).codes
                matrix += np.bincount(_CODES * one.truth.ravel() + codes.ravel(), minlength=_CODES**2).reshape(
                    _CODES, _CODES
                )
            regions = Regions(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
            yield group, seed, regions, ious(matrix)


def walked(
    group: str, regions: Regions, quality: NDArray[np.float64], *, seed: int
) -> Iterator[Walk]:
    """Yield what looks put right in each of the orders."""
    rng = np.random.default_rng(seed)
    wrong = expected_wrong(regions.pixels, regions.confidence)
    known = np.where(np.isnan(quality), np.nanmean(quality), quality)
    firsts: Mapping[str, NDArray[Any]] = {
        "confidence": regions.confidence,
        "value": -wrong,
        "squared": -wrong * (1 - regions.confidence),
        "weak": -wrong * (1 - known[regions.codes]),
        "size": -regions.pixels,
        "best": -regions.gains,
    }
    for name in ORDERS:
        if name == "chance":
            draws = [_walk(group, name, regions, rng.permutation(regions.codes.size)) for _ in range(_DRAWS)]
            yield Walk(group, name, *(_mean(figures) for figures in list(zip(*draws, strict=True))[2:]))
        else:
            yield _walk(group, name, regions, np.argsort(firsts[name], kind="stable"))


def prelabels(scene: Scene, said: Prediction) -> Regions:
    """Return the pre-labels of a scene, and what is true of them."""
    leaves = scene.hierarchy.leaves
    classes, mass = gather_mass(leaves, said.codes, said.probability, leaf_count=scene.hierarchy.leaf_count)
    proposal = Proposal.of(explain(scene.hierarchy.s, mass, price=PRICE), classes, scene.hierarchy, said)
    keys = proposal.regions.astype(np.int64) * _CODES + scene.truth
    counts = np.bincount(keys.ravel(), minlength=proposal.codes.size * _CODES)
    return Regions(proposal.codes, proposal.confidence, counts.reshape(-1, _CODES))


def predicted(segmenter: NetworkSegmenter, image: NDArray[np.uint8]) -> Prediction:
    """Return what a network says of a picture, tile by tile."""
    planes = np.zeros((3, *image.shape[1:]), np.uint8)
    for row in range(0, image.shape[1], _TILE):
        for col in range(0, image.shape[2], _TILE):
            place = np.s_[:, row : row + _TILE, col : col + _TILE]
            tile = np.ascontiguousarray(image[place].transpose(1, 2, 0))
            planes[place] = segmenter.predict_reduced(tile[np.newaxis])[0]
    codes = load_nomenclature("flair-19").decode(planes[0], "flair")
    return Prediction(codes=codes, probability=planes[1], entropy=planes[2], tags={})


def noisy(truth: NDArray[np.uint8], accuracy: float, seed: int) -> Prediction:
    """Return what a simulated model says."""
    said = simulated(truth, accuracy, seed)
    return Prediction(
        codes=said.codes, probability=said.probability, entropy=255 - said.probability, tags={}
    )


def scenes(count: int, side: int, *, first: int) -> Iterator[Scene]:
    """Make scenes, of another theme each."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from sample_data import make_scene

    nomenclature, transform = load_nomenclature("flair-19"), Affine(0.2, 0, 650_000, 0, -0.2, 6_860_000)
    grid = PixelGrid(crs="EPSG:2154", transform=transform, height=side, width=side)
    for seed, theme in enumerate(_THEMES[:count], start=first):
        made = make_scene(seed=seed, height=side, theme=theme)
        truth = nomenclature.decode(made.classes, "flair")
        yield Scene(made.image, segment(made.image[:4], grid=grid), truth)


def ious(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the IoU of each code of a confusion matrix, NaN for those that are not true anywhere."""
    true, hit = matrix.sum(axis=1), np.diag(matrix)
    either = true + matrix.sum(axis=0) - hit
    return np.where(true > 0, hit / np.maximum(either, 1), np.nan)


def table(group: str, walks: Sequence[Walk]) -> str:
    """Return a table of means over the zones of a model."""
    orders = defaultdict[str, list[Walk]](list)
    for walk in walks:
        orders[walk.order].append(walk)
    before = np.mean([walk.accuracy[0] for walk in walks])
    lines = [f"{group}: {len(orders[ORDERS[0]])} zones, {before:.2%} right before, after looks:"]
    head = "".join(f"{looks:>8}" for looks in LOOKS)
    lines.append(f"{'order':11}{head}   mIoU{LOOKS[-1]:>4}  {'hits':>5}{head}   expected / wrong")
    for name, own in orders.items():
        right, hits = (np.mean([getattr(walk, one) for walk in own], axis=0) for one in ("accuracy", "hits"))
        miou = np.mean([walk.miou[-1] for walk in own])
        told = np.mean([walk.expected[-1] for walk in own])
        figures = "".join(f"{one:8.2%}" for one in right[1:])
        shares = "".join(f"{one:8.0%}" for one in hits[1:])
        lines.append(f"{name:11}{figures}   {miou:8.2%}       {shares}   {told:.2f}")
    return "\n".join(lines)


def _walk(group: str, name: str, regions: Regions, order: NDArray[np.int64]) -> Walk:
    """Return what looks in an order put right, first after none."""
    total, gains = regions.truth.sum(), regions.gains[order]
    own = np.arange(regions.codes.size)
    standing = regions.codes.copy()
    right = float(regions.truth[own, standing].sum())
    expected = np.cumsum(expected_wrong(regions.pixels, regions.confidence)[order])
    wrong = np.cumsum((regions.pixels - regions.truth[own, regions.codes])[order])
    best = regions.truth.argmax(axis=1).astype(np.uint8)
    figures = []
    for looks in (0, *LOOKS):
        seen = order[:looks]
        standing[seen] = np.where(regions.gains[seen] > 0, best[seen], standing[seen])
        matrix = np.zeros((_CODES, _CODES))
        np.add.at(matrix.T, standing, regions.truth)
        last = max(looks, 1) - 1
        figures.append(
            (
                (right + gains[:looks].sum()) / total,
                float(np.nanmean(ious(matrix))),
                float((gains[:looks] > 0).mean()) if looks else 0.0,
                float(expected[last] / max(wrong[last], 1)),
            )
        )
    return Walk(group, name, *(tuple(map(float, one)) for one in zip(*figures, strict=True)))


def _mean(figures: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(np.mean(figures, axis=0).tolist())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=3, help="zones by model (default 3)")
    parser.add_argument("--scenes", type=int, default=6, help="scenes of a zone (default 6)")
    parser.add_argument("--side", type=int, default=1024, help="pixels a side of these (default 1024)")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
