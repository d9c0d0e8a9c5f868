"""How many picks are left after a model has pre-labelled: its pixels, superpixels, or explained regions.

    python tests/benchmarks/prelabel_picks.py --flair ../shared/data/flair --scenes 3 --json figures.json

Counted are nested picks (exact, `workbench.segmentation.picks`) from the pre-labels that are there already,
all of them accepted. Models are simulated at three accuracies (`noisy_predictions`), or are the tiny network
itself, trained here: on other made scenes, and on the left half of each FLAIR patch for its right half.

*vote* gives each region of a cut of one scale its most frequent class; of nine scales the one that leaves the
fewest picks is taken for each picture and target, which nobody can know beforehand. *explained* is what
pre-labels are made of, at a price; *nested* are regions inside regions for the same price, and *one* and
*spread* other weights of the pixels.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from affine import Affine
from noisy_predictions import Predicted, simulated, trained
from numpy.typing import NDArray

from workbench.geo.grid import PixelGrid
from workbench.geo.raster import inspect_raster, read_bands
from workbench.nomenclature import load_nomenclature
from workbench.segmentation import Hierarchy, intervals, picks, segment
from workbench.segmentation.explaining import explain, gather_mass

TARGETS = 0.95, 0.98
ACCURACIES = 0.65, 0.75, 0.85
SCALES = 60, 125, 250, 500, 1000, 2000, 4000, 8000, 16000
"""Regions per megapixel of the cuts that vote."""
PRICES = 8.0, 15.0, 22.0, 30.0, 45.0, 60.0, 120.0, 250.0
WEIGHINGS = "one", "top", "spread"
"""What a pixel weighs: 1; the probability p of its class; p less what is left for each other class."""
_THEMES = "AU", "FN", "UA", "AH", "NF", "UU"


class Case(NamedTuple):
    """A picture with its truth, and what a model says of it."""

    group: str
    hierarchy: Hierarchy
    truth: NDArray[np.uint8]
    said: Predicted


class Row(NamedTuple):
    """What pre-labels of a case are worth."""

    group: str
    method: str
    regions: int
    accuracy: float
    left: tuple[int | None, ...]
    """Picks to each target, None where none reach it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the file."""
    options = _parser().parse_args(arguments)
    rows: list[Row] = []
    for number, case in enumerate(cases(options), start=1):
        begun = time.perf_counter()
        found = list(measured(case, prices=options.prices))
        rows += found
        right = float((case.said.codes == case.truth).mean())
        print(f"{number}: {case.group}, {right:.1%} right, {time.perf_counter() - begun:.0f} s", flush=True)
    groups = list(dict.fromkeys(row.group for row in rows))
    for group in groups:
        print("\n" + table(group, [row for row in rows if row.group == group]), flush=True)
    if len(groups) > 1:
        print("\n" + table("all", rows))
    if options.json is not None:
        document = {"format": "ocs-workbench/prelabel-picks", "format_version": 1, "targets": TARGETS}
        entries = [row._asdict() for row in rows]
        options.json.write_text(json.dumps(document | {"rows": entries}, indent=1), encoding="utf-8")
    return 0


def measured(case: Case, *, prices: Sequence[float]) -> Iterator[Row]:
    """Yield what is left of a case after each kind of pre-labels."""
    hierarchy, truth, said = case.hierarchy, case.truth, case.said
    right = float((said.codes == truth).mean())
    yield Row(case.group, "nothing", 0, 0.0, left(hierarchy, truth, None))
    yield Row(case.group, "pixels", 0, right, left(hierarchy, truth, said.codes))
    votes = [Row(case.group, "vote", *vote(case, scale)) for scale in SCALES]
    for place, target in enumerate(TARGETS):
        best = min(votes, key=lambda one: (one.left[place] is None, one.left[place], one.regions))
        only = tuple(count if at == place else None for at, count in enumerate(best.left))
        yield best._replace(method=f"vote, best for {target:.0%}", left=only)
    for weighing in WEIGHINGS:
        weights = weighed(said, weighing)
        classes, mass = gather_mass(hierarchy.leaves, said.codes, weights, leaf_count=hierarchy.leaf_count)
        for kind in ("explained", "nested") if weighing == "top" else ("explained",):
            for price in prices:
                lut, count = (nested if kind == "nested" else explained)(hierarchy, classes, mass, price)
                labels = lut[hierarchy.leaves]
                name = f"{kind} {weighing} {price:g}" if weighing != "top" else f"{kind} {price:g}"
                accuracy = float((labels == truth).mean())
                yield Row(case.group, name, count, accuracy, left(hierarchy, truth, labels))


def left(
    hierarchy: Hierarchy, truth: NDArray[np.uint8], begun: NDArray[np.uint8] | None
) -> tuple[int | None, ...]:
    """Return how many nested picks are left to each target, None where none reach it."""
    values, places = np.unique(truth, return_inverse=True)
    classes = places.reshape(truth.shape).astype(np.int32)
    counts = picks.count_classes(hierarchy.leaves, classes, (hierarchy.leaf_count, values.size))
    there = None
    if begun is not None:
        same = np.where(begun == truth, 0, -1).astype(np.int32)
        there = picks.count_classes(hierarchy.leaves, same, (hierarchy.leaf_count, 1))[:, 0]
    tree = picks.pick_tree(hierarchy.s, counts, there)
    found = []
    for target in TARGETS:
        painting = picks.cheapest_painting(tree, int((1 - target) * truth.size + 1e-6))
        found.append(painting.picks if painting is not None else None)
    return tuple(found)


def vote(case: Case, scale: int) -> tuple[int, float, tuple[int | None, ...]]:
    """Return regions, accuracy and picks left where each region of a cut has its most frequent class."""
    codes, truth = case.said.codes, case.truth
    found = case.hierarchy.cut_count(max(2, round(scale * truth.size / 1e6)))
    regions = found.labels().astype(np.int64)
    counts = np.bincount(regions.reshape(-1) * 256 + codes.reshape(-1), minlength=found.count * 256)
    labels = counts.reshape(-1, 256).argmax(axis=1).astype(np.uint8)[regions]
    return found.count, float((labels == truth).mean()), left(case.hierarchy, truth, labels)


def weighed(said: Predicted, weighing: str) -> NDArray[np.uint8]:
    """Return what each pixel weighs."""
    share = np.arange(256) / 255
    if weighing == "one":
        share = np.ones(256)
    elif weighing == "spread":
        share = np.maximum(share - (1 - share) / max(said.classes - 1, 1), 0)
    return np.rint(255 * share).astype(np.uint8)[said.probability]


def explained(
    hierarchy: Hierarchy, classes: NDArray[np.uint8], mass: NDArray[np.int64], price: float
) -> tuple[NDArray[np.uint8], int]:
    """Return the class of each leaf, and how many regions explain them."""
    found = explain(hierarchy.s, mass, price=price)
    return classes[found.column][found.region], found.count


def nested(
    hierarchy: Hierarchy, classes: NDArray[np.uint8], mass: NDArray[np.int64], price: float
) -> tuple[NDArray[np.uint8], int]:
    """Return the same for regions inside regions, by the solver of nested picks."""
    tree = picks.pick_tree(hierarchy.s, mass)
    _, count, painted = picks._paint(tree, 255 * price)
    lut = np.zeros(hierarchy.leaf_count, np.uint8)
    for node in np.flatnonzero(painted >= 0).tolist():
        first = int(tree.first[node])
        start, stop, _ = intervals.interval_at(hierarchy.s, first, first + 1, tree.altitude[node])
        lut[start:stop] = classes[painted[node]]
    return lut, int(count)


def cases(options: argparse.Namespace) -> Iterator[Case]:
    """Yield all cases."""
    patches = list(_patches(options.flair)) if options.flair else []
    scenes = list(_scenes(options.scenes, options.side))
    for kind, pictures, seeds in (("FLAIR", patches, options.seeds), ("made", scenes, 1)):
        for accuracy in ACCURACIES:
            for seed in range(seeds):
                for _, hierarchy, truth in pictures:
                    said = simulated(truth, accuracy, seed)
                    yield Case(f"{kind}, simulated {accuracy:.0%}", hierarchy, truth, said)
    marks = [int(one) for one in options.network.split(",")] if options.network else []
    if marks and scenes:
        from sample_data import make_scene

        train = [make_scene(seed=100 + number, height=512) for number in range(24)]
        asked = [image for image, _, _ in scenes]
        nomenclature = load_nomenclature("flair-19")
        truths = [nomenclature.decode(one.classes, "flair") for one in train]
        for steps, said in trained([one.image for one in train], truths, asked, marks=marks):
            for (_, hierarchy, truth), one in zip(scenes, said, strict=True):
                yield Case(f"made, network of {steps} steps", hierarchy, truth, one)
    for image, _, truth in patches if marks else ():
        half = truth.shape[1] // 2
        right, true = np.ascontiguousarray(image[:, :, half:]), np.ascontiguousarray(truth[:, half:])
        hierarchy = segment(right, grid=_grid(right))
        for _, said in trained([image[:, :, :half]], [truth[:, :half]], [right], marks=(60, 120, 240)):
            yield Case("FLAIR, network of the other half", hierarchy, true, said[0])


def table(group: str, rows: Sequence[Row]) -> str:
    """Return a table of sums over the pictures in which nothing but picks reach the target."""
    methods = defaultdict[str, list[Row]](list)
    for row in rows:
        methods[row.method].append(row)
    reached = [[row.left[place] is not None for row in methods["nothing"]] for place in range(len(TARGETS))]
    lines = [f"{group}: {len(methods['nothing'])} pictures"]
    lines.append(f"{'method':22} {'regions':>8} {'right':>7}  " + "  ".join(f"to {t:.0%}" for t in TARGETS))
    for method, own in methods.items():
        sums = []
        for place in range(len(TARGETS)):
            counts = [row.left[place] for row, one in zip(own, reached[place], strict=True) if one]
            sums.append("–" if None in counts or not counts else f"{sum(map(int, counts))}")  # type: ignore[arg-type]
        regions, accuracy = np.mean([row.regions for row in own]), np.mean([row.accuracy for row in own])
        lines.append(f"{method:22} {regions:8.0f} {accuracy:7.1%}  " + "  ".join(f"{s:>6}" for s in sums))
    return "\n".join(lines)


def _patches(folder: Path) -> Iterator[tuple[Any, Hierarchy, NDArray[np.uint8]]]:
    nomenclature = load_nomenclature("flair-19")
    for path in sorted(folder.rglob("IMG*.tif")):
        mask = next(path.parent.parent.rglob(f"MSK{path.stem[3:]}.tif"))
        image, truth = read_bands(path), nomenclature.decode(read_bands(mask)[0], "flair")
        yield image, segment(image, grid=inspect_raster(path).grid), truth


def _scenes(count: int, side: int) -> Iterator[tuple[Any, Hierarchy, NDArray[np.uint8]]]:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from sample_data import make_scene

    nomenclature = load_nomenclature("flair-19")
    for seed, theme in enumerate(_THEMES[:count], start=1):
        scene = make_scene(seed=seed, height=side, theme=theme)
        truth = nomenclature.decode(scene.classes, "flair")
        yield scene.image, segment(scene.image, grid=_grid(scene.image)), truth


def _grid(image: NDArray[np.uint8]) -> PixelGrid:
    transform = Affine(0.2, 0, 650_000, 0, -0.2, 6_860_000)
    return PixelGrid(crs="EPSG:2154", transform=transform, height=image.shape[1], width=image.shape[2])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--flair", type=Path, help="folder of FLAIR patches with their masks")
    parser.add_argument("--scenes", type=int, default=3, help="made scenes (default 3)")
    parser.add_argument("--side", type=int, default=1024, help="pixels a side of these (default 1024)")
    parser.add_argument("--seeds", type=int, default=4, help="simulated models per FLAIR patch (default 4)")
    parser.add_argument(
        "--network", default="150,450,1100", help="steps of the network's training, '' for none"
    )
    parser.add_argument(
        "--prices",
        type=lambda text: [float(one) for one in text.split(",")],
        default=PRICES,
        help=f"pixels per region (default {','.join(f'{price:g}' for price in PRICES)})",
    )
    parser.add_argument("--json", type=Path, help="file for the figures")
    return parser


if __name__ == "__main__":
    sys.exit(main())
