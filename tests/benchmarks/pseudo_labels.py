"""What pseudo-labels bring: a student learns from labels, and from what its teacher is sure of elsewhere.

    python tests/benchmarks/pseudo_labels.py --labelled 6 --unlabelled 24 --seconds 30 --seeds 3

Synthetic scenes of 512 × 512 pixels, all themes. A tiny U-Net learns from the labelled ones (the *teacher*,
from random weights) and predicts the unlabelled ones. Then two begin anew with random weights and the same
budget of processor time: *alone* from the labelled ones, the *student* also from pixels of the others of
which the teacher is at least so sure, in no more patches than are labelled, as `workbench train --sure` does.
Judged on unseen scenes; mean IoU over the classes that are there.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workbench.inference.network import NetworkSegmenter
from workbench.nomenclature import load_nomenclature
from workbench.training import Budget, LabelledPixels, PatchSet
from workbench.training.loop import Trained, train
from workbench.training.preparing import Prepared, prepare
from workbench.training.recipe import recipe_for
from workbench.training.starting import named_architecture
from workbench.workflows.embedding import scene_patches

_FLAIR = load_nomenclature("flair-19")


def main() -> None:
    """Measure, print the table."""
    options = _parser().parse_args()
    torch.set_num_threads(1)
    rows: list[dict[str, Any]] = []
    for seed in range(options.seeds):
        first = 20_000 + 1000 * seed
        labelled, unlabelled, unseen = (
            scene_patches(first + begin, count, count, say=lambda _: None)
            for begin, count in ((0, options.labelled), (300, options.unlabelled), (600, 24))
        )
        prepared, teacher = _learned(labelled, unseen, seed, options.seconds)
        prepared.network.load_state_dict(teacher.weights)
        segmenter = NetworkSegmenter(prepared.card, prepared.network, device="cpu")
        row = {"seed": seed, "teacher": _score(teacher), "alone": None}
        row["alone"] = _score(_learned(labelled, unseen, seed + 100, options.seconds)[1])
        for confidence in options.confidences:
            sure, right = _sure(unlabelled, segmenter, confidence, most=len(labelled), seed=seed)
            found = _learned(labelled.joined(sure), unseen, seed + 100, options.seconds)[1]
            row[f"student {confidence}"] = _score(found)
            row[f"right {confidence}"] = round(right, 4)
        rows.append(row)
        print(json.dumps(row), flush=True)
    names = [name for name in rows[0] if name != "seed"]
    print("mean", {name: round(statistics.mean(row[name] for row in rows), 4) for name in names})
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def _learned(learn: PatchSet, judge: PatchSet, seed: int, seconds: float) -> tuple[Prepared, Trained]:
    tiny = named_architecture("tiny-unet", inputs=5, outputs=19)
    recipe = replace(recipe_for(tiny, seed=seed), validations=1)
    prepared = prepare(learn, id="one", nomenclature=_FLAIR, recipe=recipe)
    done = train(
        prepared,
        learn,
        recipe=recipe,
        budget=Budget(seconds=seconds),
        held_out=judge,  # judged once, at the end: nothing is chosen by it
        device="cpu",
        clock=time.process_time,
    )
    return prepared, done


def _score(done: Trained) -> float:
    assert done.score is not None
    return round(done.score.mean_iou, 4)


def _sure(
    patches: PatchSet, segmenter: NetworkSegmenter, confidence: float, *, most: int, seed: int
) -> tuple[PatchSet, float]:
    """Return patches with what a model is sure of, and the share of that which is right."""
    codes_of = np.concatenate([np.zeros(1, np.uint8), segmenter.card.codes(_FLAIR)])
    found, right, sure = [], 0, 0
    chosen = np.random.default_rng(seed).permutation(len(patches))[:most]
    for number in chosen.tolist():
        patch = patches.read(number)
        tile = np.ascontiguousarray(np.moveaxis(patch.image, 0, 2))[np.newaxis]
        classes, probability, _ = segmenter.predict_reduced(tile)[0]
        counted = probability >= math.ceil(255 * confidence)
        codes = np.where(counted, codes_of[classes], np.uint8(0))
        right += int((codes == patch.codes)[counted].sum())
        sure += int(counted.sum())
        found.append(LabelledPixels(image=patch.image, codes=codes))
    counts = np.stack([np.bincount(one.codes.ravel(), minlength=20) for one in found]).astype(np.int32)
    whole = PatchSet(
        zones=tuple(patches.zones[number] for number in chosen),
        bands=tuple(patches.bands[number] for number in chosen),
        pixels=counts,
        shape=patches.shape,
        resolution=patches.resolution,
        read=found.__getitem__,
    )
    return whole, right / max(1, sure)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labelled", type=int, default=6)
    parser.add_argument("--unlabelled", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=30.0, help="processor time of each training")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--confidences", type=lambda text: [*map(float, text.split(","))], default=[0.8, 0.9])
    parser.add_argument("--json", type=Path)
    return parser


if __name__ == "__main__":
    main()
