"""Where to look first: how much looks at pre-labels put right, by the order in which they are looked at.

    python tests/benchmarks/next_region.py --flair ../shared/data/flair --json figures.json

A model pre-labels a zone as `workbench prelabel` does, and all of that is accepted; then somebody looks at
one pre-label after the other, and gives it the class that most of its pixels have, where it has another:
one pick at most. A look that ends in a pick is a hit. Zones are made scenes of several themes, or FLAIR
patches; models are the network that ships (made scenes), networks trained on the left half of each FLAIR
patch for its right half, and simulated ones of three accuracies (`noisy_predictions`).

Orders: *confidence*, the least sure first; *size*, the largest first; pixels · (1 − confidence) to the
power of *1*, *2*, *3*, *4* and *6*, of which 3 is the desk's (`workbench.active.regions`); *weak*, that
times 1 − IoU of the proposed class, as measured on another zone with the same model; *chance*, the mean of
twenty; *best*, by the pixels that are really put right, which nobody can know beforehand.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from affine import Affine
from noisy_predictions import Predicted, simulated, trained
from numpy.typing import NDArray
from prelabel_picks import _patches

from workbench.active.regions import value_per_pick
from workbench.geo.grid import PixelGrid
from workbench.inference.embedded import embedded_model
from workbench.inference.network import NetworkSegmenter, open_segmenter
from workbench.nomenclature import load_nomenclature
from workbench.segmentation import Hierarchy, segment
from workbench.segmentation.explaining import PRICE, explain, gather_mass
from workbench.workflows.predictions import Prediction
from workbench.workflows.proposing import Proposal

LOOKS = 5, 10, 20, 50, 100
ACCURACIES = 0.65, 0.75, 0.85
POWERS = 1, 2, 3, 4, 6
_THEMES = "AU", "FN", "UA", "AH", "NF", "UU"
_DRAWS = 20
_CODES = 20
_TILE = 512
_MARKS = 60, 120, 240
"""Steps of the networks that are trained on FLAIR patches."""


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


class Zone(NamedTuple):
    """Pre-labels that one kind of model made."""

    group: str
    """What kind of model, on which pictures."""
    regions: Regions
    quality: NDArray[np.float64]
    """Shape (code,). IoU of the model's classes there, NaN for those that are not true anywhere."""


class Walk(NamedTuple):
    """What looks in one order put right; each a figure after none, and after `LOOKS`."""

    group: str
    order: str
    accuracy: tuple[float, ...]
    miou: tuple[float, ...]
    hits: tuple[float, ...]
    """Share of the looks so far that ended in a pick."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a table by kind of model, write the file."""
    options = _parser().parse_args(arguments)
    found = defaultdict[str, list[Zone]](list)
    for zone in zones(options):
        found[zone.group].append(zone)
        print(f"{zone.group}: {zone.regions.codes.size:,} pre-labels", flush=True)
    walks: list[Walk] = []
    for group, own in found.items():
        for place, zone in enumerate(own):
            walks += walked(zone, own[(place + 1) % len(own)].quality, seed=place)
        print("\n" + table(group, [walk for walk in walks if walk.group == group]), flush=True)
    if options.json is not None:
        document = {"format": "ocs-workbench/next-region", "format_version": 1, "looks": LOOKS}
        entries = [walk._asdict() for walk in walks]
        options.json.write_text(json.dumps(document | {"walks": entries}, indent=1), encoding="utf-8")
    return 0


def zones(options: argparse.Namespace) -> Iterator[Zone]:
    """Yield all zones that are looked through."""
    segmenter = open_segmenter(embedded_model(), device="cpu")
    for seed in range(options.seeds):
        own = list(scenes(options.scenes, options.side, first=1 + 100 * seed))
        yield zone_of("made, the model that ships", own, [predicted(segmenter, one.image) for one in own])
        yield from simulations("made", own, seed)
    if options.flair is not None:
        patches = [Scene(*one) for one in _patches(options.flair)]
        for seed in range(options.seeds):
            yield from simulations("FLAIR", patches, seed)
        yield from networks(patches)


def simulations(name: str, pictures: Sequence[Scene], seed: int) -> Iterator[Zone]:
    """Yield a zone of pictures with a simulated model of each accuracy."""
    for accuracy in ACCURACIES:
        said = [
            _as_read(simulated(one.truth, accuracy, seed + 10 * place)) for place, one in enumerate(pictures)
        ]
        yield zone_of(f"{name}, simulated {accuracy:.0%}", pictures, said)


def networks(patches: Sequence[Scene]) -> Iterator[Zone]:
    """Yield the right halves of patches with networks that learned from the left ones."""
    halves, said = [], defaultdict[int, list[Prediction]](list)
    for one in patches:
        half = one.truth.shape[1] // 2
        right = np.ascontiguousarray(one.image[:, :, half:])
        truth = np.ascontiguousarray(one.truth[:, half:])
        halves.append(Scene(right, segment(right, grid=_grid(right)), truth))
        for steps, answers in trained([one.image[:, :, :half]], [one.truth[:, :half]], [right], marks=_MARKS):
            said[steps].append(_as_read(answers[0]))
    for own in said.values():
        yield zone_of("FLAIR, networks of the other half", halves, own)


def zone_of(group: str, pictures: Sequence[Scene], said: Sequence[Prediction]) -> Zone:
    """Return the pre-labels of pictures as those of one zone."""
    parts = [prelabels(one, what) for one, what in zip(pictures, said, strict=True)]
    matrix = np.zeros((_CODES, _CODES))
    for one, what in zip(pictures, said, strict=True):
        keys = one.truth.astype(np.int64) * _CODES + what.codes
        matrix += np.bincount(keys.ravel(), minlength=_CODES**2).reshape(_CODES, _CODES)
    joined = Regions(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    return Zone(group, joined, ious(matrix))


def walked(zone: Zone, quality: NDArray[np.float64], *, seed: int) -> Iterator[Walk]:
    """Yield what looks put right in each of the orders, by the quality of classes elsewhere."""
    regions, rng = zone.regions, np.random.default_rng(seed)
    doubt, known = 1 - regions.confidence, np.where(np.isnan(quality), np.nanmean(quality), quality)
    value = value_per_pick(regions.pixels, regions.confidence)
    firsts: dict[str, NDArray[Any]] = {"confidence": regions.confidence, "size": -regions.pixels}
    firsts |= {f"power {power}": -regions.pixels * doubt**power for power in POWERS}
    firsts |= {"weak": -value * (1 - known[regions.codes]), "best": -regions.gains}
    for name, first in firsts.items():
        yield _walk(zone.group, name, regions, np.argsort(first, kind="stable"))
    draws = [_walk(zone.group, "chance", regions, rng.permutation(regions.codes.size)) for _ in range(_DRAWS)]
    figures = [[getattr(draw, name) for draw in draws] for name in ("accuracy", "miou", "hits")]
    yield Walk(zone.group, "chance", *(tuple(np.mean(one, axis=0).tolist()) for one in figures))


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


def _as_read(said: Predicted) -> Prediction:
    return Prediction(codes=said.codes, probability=said.probability, entropy=255 - said.probability, tags={})


def scenes(count: int, side: int, *, first: int) -> Iterator[Scene]:
    """Make scenes, of another theme each."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from sample_data import make_scene

    nomenclature = load_nomenclature("flair-19")
    for seed, theme in enumerate(_THEMES[:count], start=first):
        made = make_scene(seed=seed, height=side, theme=theme)
        truth = nomenclature.decode(made.classes, "flair")
        yield Scene(made.image, segment(made.image[:4], grid=_grid(made.image)), truth)


def ious(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the IoU of each code of a confusion matrix, NaN for those that are not true anywhere."""
    true, hit = matrix.sum(axis=1), np.diag(matrix)
    either = true + matrix.sum(axis=0) - hit
    return np.where(true > 0, hit / np.maximum(either, 1), np.nan)


def table(group: str, walks: Sequence[Walk]) -> str:
    """Return a table of means over the zones of a kind of model."""
    orders = defaultdict[str, list[Walk]](list)
    for walk in walks:
        orders[walk.order].append(walk)
    before = np.mean([walk.accuracy[0] for walk in walks])
    head = "".join(f"{looks:>8}" for looks in LOOKS)
    lines = [f"{group}: {len(orders['size'])} zones, {before:.2%} right; points more, mIoU, hits after looks"]
    lines.append(f"{'order':11}{head}{'mIoU':>9}{head}")
    for name, own in orders.items():
        right, hits = (np.mean([getattr(walk, one) for walk in own], axis=0) for one in ("accuracy", "hits"))
        figures = "".join(f"{100 * (one - right[0]):8.2f}" for one in right[1:])
        shares = "".join(f"{one:8.0%}" for one in hits[1:])
        lines.append(f"{name:11}{figures}{np.mean([walk.miou[-1] for walk in own]):9.1%}{shares}")
    return "\n".join(lines)


def _walk(group: str, name: str, regions: Regions, order: NDArray[np.int64]) -> Walk:
    """Return what looks in an order put right."""
    total, gains = regions.truth.sum(), regions.gains[order]
    right = int(regions.truth[np.arange(regions.codes.size), regions.codes].sum())
    standing, best = regions.codes.copy(), regions.truth.argmax(axis=1).astype(np.uint8)
    figures = []
    for looks in (0, *LOOKS):
        seen = order[:looks]
        standing[seen] = np.where(regions.gains[seen] > 0, best[seen], standing[seen])
        matrix = np.zeros((_CODES, _CODES))
        np.add.at(matrix.T, standing, regions.truth)
        hits = float((gains[:looks] > 0).mean()) if looks else 0.0
        figures.append((float((right + gains[:looks].sum()) / total), float(np.nanmean(ious(matrix))), hits))
    accuracy, miou, hit = zip(*figures, strict=True)
    return Walk(group, name, accuracy, miou, hit)


def _grid(image: NDArray[np.uint8]) -> PixelGrid:
    transform = Affine(0.2, 0, 650_000, 0, -0.2, 6_860_000)
    return PixelGrid(crs="EPSG:2154", transform=transform, height=image.shape[1], width=image.shape[2])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--flair", type=Path, help="folder of FLAIR patches with their masks")
    parser.add_argument("--seeds", type=int, default=2, help="zones by kind of model (default 2)")
    parser.add_argument("--scenes", type=int, default=6, help="scenes of a zone (default 6)")
    parser.add_argument("--side", type=int, default=768, help="pixels a side of these (default 768)")
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
