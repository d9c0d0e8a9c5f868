"""Planted label errors: how soon a reviewer meets them, by rank, at random, by size; and what they then mend.

    python tests/benchmarks/label_errors.py --scenes 6 --side 1024 --json figures.json

Truths of made scenes get the mistakes of a scripted annotator (`Habits.preset`): whole objects of a class
that is taken for another. Predictions are simulated at stated accuracies (`noisy_predictions`), of the tiny
network trained on other scenes with their true labels, and of the same trained on labels with such mistakes.
Suspects of all scenes are ranked together. P@k is the share of the first k whose label is wrong for most of
their suspect pixels, R@k the share of all wrong pixels that lie in them. At random, by size and by confidence
the same suspects come in another order; *pixels* are connected suspect pixels without a hierarchy, *argmax*
all pixels on which model and label differ, *borders count* does not excuse moved borders.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from affine import Affine
from noisy_predictions import Predicted, simulated, trained
from numpy.typing import NDArray

from workbench.active.suspects import Suspect, find_suspects, tally
from workbench.assessment.borders import moved_borders
from workbench.assessment.perception import perceived
from workbench.geo.grid import PixelGrid
from workbench.nomenclature import load_nomenclature
from workbench.segmentation import Hierarchy, segment
from workbench.segmentation.explaining import PRICE
from workbench.workflows.habits import Habits

NOMENCLATURE = load_nomenclature("flair-19")
FIRST = 10, 20, 50, 100
_THEMES = "AU", "FN", "UU", "NF", "UA", "AH"
_SHUFFLES = 200


class Scene(NamedTuple):
    """A made scene, labelled with mistakes."""

    image: NDArray[np.uint8]
    hierarchy: Hierarchy
    truth: NDArray[np.uint8]
    labels: NDArray[np.uint8]


class Judged(NamedTuple):
    """A suspect, held against the truth."""

    suspect: Suspect
    right: bool
    """Whether the label of most of its suspect pixels is wrong."""
    mended: bool
    """Whether most of them are of the suggested class."""
    wrong: int
    """Pixels of the place whose label is wrong."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant, find, print the tables, write the file."""
    options = _parser().parse_args(arguments)
    scenes = list(made_scenes(options.scenes, options.side, options.annotator))
    planted = sum(int((one.labels != one.truth).sum()) for one in scenes)
    share = planted / sum(one.truth.size for one in scenes)
    print(f"{len(scenes)} scenes of {options.side}², {options.annotator}: {share:.2%} of the labels wrong\n")
    print(head())
    rows = []
    for name, said in predictions(scenes, options):
        right = np.mean([(one.codes == scene.truth).mean() for one, scene in zip(said, scenes, strict=True)])
        for method, options_of in METHODS.items():
            begun = time.process_time()
            judged = list(found(scenes, said, **options_of))
            seconds = time.process_time() - begun
            for order, figures in orders(judged, planted):
                row = {"model": name, "right": round(float(right), 3), "method": method, "order": order}
                row |= figures | {"suspects": len(judged), "seconds": round(seconds, 2)}
                rows.append(row)
                print(line(row), flush=True)
    if options.json is not None:
        document = {"format": "ocs-workbench/label-errors", "format_version": 1, "wrong": share, "rows": rows}
        options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return 0


METHODS: dict[str, dict[str, Any]] = {
    "regions": {},
    "pixels": {"flat": True},
    "argmax": {"sure": False},
    "borders count": {"tolerance": 0},
}


def made_scenes(count: int, side: int, annotator: Any) -> Iterator[Scene]:
    """Yield scenes with the mistakes of an annotator."""
    for number in range(count):
        image, truth = _scene(number + 1, side, _THEMES[number % len(_THEMES)])
        hierarchy = segment(image, grid=_grid(image))
        yield Scene(image, hierarchy, truth, mistaken(truth, hierarchy, annotator, f"scene {number}"))


def mistaken(
    truth: NDArray[np.uint8], hierarchy: Hierarchy | None, annotator: Any, zone: str
) -> NDArray[np.uint8]:
    """Return a truth as an annotator sees it."""
    habits = Habits.preset(annotator, NOMENCLATURE)
    within = None
    if hierarchy is not None:
        within = hierarchy.cut_count(max(1, truth.size // habits.extent)).labels()
    return perceived(
        truth, habits.confusions, rng=habits.rng(zone, "seeing"), within=within, reach=habits.reach
    )


def predictions(scenes: Sequence[Scene], options: Any) -> Iterator[tuple[str, list[Predicted]]]:
    """Yield what each model says of all scenes."""
    for accuracy in options.accuracies:
        yield (
            f"simulated {accuracy:.0%}",
            [simulated(one.truth, accuracy, seed) for seed, one in enumerate(scenes, start=1)],
        )
    if not options.steps:
        return
    others = [_scene(100 + number, 512, _THEMES[number % len(_THEMES)]) for number in range(24)]
    images, truths = [image for image, _ in others], [truth for _, truth in others]
    wrong = [
        mistaken(truth, segment(image, grid=_grid(image)), options.annotator, f"other {number}")
        for number, (image, truth) in enumerate(others)
    ]
    asked = [one.image for one in scenes]
    for name, learned in (("network", truths), ("network of such labels", wrong)):
        for _, said in trained(images, learned, asked, marks=(options.steps,)):
            yield name, said


def found(
    scenes: Sequence[Scene],
    said: Sequence[Predicted],
    *,
    flat: bool = False,
    sure: bool = True,
    tolerance: int = 5,
) -> Iterator[Judged]:
    """Yield the suspects of all scenes, held against the truth."""
    pairs = list(zip(scenes, said, strict=True))
    tallies = [tally(scene.labels, one.codes, one.probability) for scene, one in pairs]
    total = tallies[0]
    for one in tallies[1:]:
        total = total + one
    if not sure:
        total = replace(total, own=np.zeros(256), left=np.zeros(256))
    for scene, one in pairs:
        there = np.ones(scene.truth.shape, np.bool_)
        excused = moved_borders(scene.labels, one.codes, there, distance=tolerance)
        hierarchy = None if flat else scene.hierarchy
        for suspect in find_suspects(
            scene.labels, one.codes, one.probability, found=total, excused=excused, hierarchy=hierarchy,
            price=PRICE,
        ):  # fmt: skip
            yield judged(scene, one, suspect)


def judged(scene: Scene, said: Predicted, suspect: Suspect) -> Judged:
    """Hold a suspect against the truth."""
    window, mask = suspect.mask.window, suspect.mask.decode()
    truth, labels = scene.truth[window.slices][mask], scene.labels[window.slices][mask]
    meant = (labels == suspect.label) & (said.codes[window.slices][mask] == suspect.suggested)
    wrong = labels != truth
    return Judged(
        suspect,
        right=bool(wrong[meant].mean() > 0.5),
        mended=bool((truth[meant] == suspect.suggested).mean() > 0.5),
        wrong=int(wrong.sum()),
    )


def orders(judged: Sequence[Judged], planted: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the figures of each order of the suspects."""
    ranked = sorted(judged, key=lambda one: -one.suspect.wrong)
    yield "ranked", figures(ranked, planted)
    yield "by size", figures(sorted(judged, key=lambda one: -one.suspect.mask.pixels), planted)
    yield "by confidence", figures(sorted(judged, key=lambda one: -one.suspect.confidence), planted)
    rng = np.random.default_rng(0)
    draws = [
        figures([judged[place] for place in rng.permutation(len(judged))], planted) for _ in range(_SHUFFLES)
    ]
    yield "at random", {key: float(np.mean([one[key] for one in draws])) for key in draws[0]}


def figures(ordered: Sequence[Judged], planted: int) -> dict[str, float]:
    """Return precision and recall of the first suspects, and the picks that they take."""
    told: dict[str, float] = {}
    for first in FIRST:
        some = ordered[:first]
        told[f"right {first}"] = sum(one.right for one in some) / max(len(some), 1)
        told[f"mended {first}"] = sum(one.mended for one in some) / max(len(some), 1)
        told[f"recall {first}"] = sum(one.wrong for one in some) / planted
        told[f"picks {first}"] = sum(one.suspect.picks or 0 for one in some)
    told["recall all"] = sum(one.wrong for one in ordered) / planted
    return told


def head() -> str:
    """Return the head of the table."""
    ks = "".join(f"  P@{k:<4} R@{k:<4}" for k in FIRST)
    return f"{'model':24} {'right':>5}  {'method':14} {'order':14}{ks}  R all  picks@{FIRST[-1]}  suspects"


def line(row: dict[str, Any]) -> str:
    """Return a row of the table."""
    ks = "".join(f"  {row[f'right {k}']:6.2f} {row[f'recall {k}']:6.2f}" for k in FIRST)
    return (
        f"{row['model']:24} {row['right']:5.1%}  {row['method']:14} {row['order']:14}{ks}  "
        f"{row['recall all']:5.2f}  {row[f'picks {FIRST[-1]}']:8.0f}  {row['suspects']:8}"
    )


def _scene(seed: int, side: int, theme: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from sample_data import make_scene

    scene = make_scene(seed=seed, height=side, theme=theme)
    return scene.image, NOMENCLATURE.decode(scene.classes, "flair")


def _grid(image: NDArray[np.uint8]) -> PixelGrid:
    transform = Affine(0.2, 0, 650_000, 0, -0.2, 6_860_000)
    return PixelGrid(crs="EPSG:2154", transform=transform, height=image.shape[1], width=image.shape[2])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--scenes", type=int, default=6)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--annotator", choices=["practised", "novice"], default="practised")
    parser.add_argument("--accuracies", type=float, nargs="*", default=[0.75, 0.85])
    parser.add_argument("--steps", type=int, default=400, help="of training the network; 0 trains none")
    parser.add_argument("--json", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
