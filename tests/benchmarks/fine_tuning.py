"""From the shipped model or from nothing: ten processor seconds on half of a real image, judged on the other.

    python tests/benchmarks/fine_tuning.py --flair ../shared/data/flair --json figures.json

Both sides in turn, several seeds, one thread; seconds are those of the process's own processor time, so that
what else the machine does does not count. The recipe is that of ``workbench train``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workbench.geo.raster import read_bands
from workbench.inference.embedded import embedded_model
from workbench.inference.models import read_model
from workbench.nomenclature import load_nomenclature
from workbench.training import Budget, LabelledPixels, PatchSet
from workbench.training.loop import train
from workbench.training.preparing import Begun, prepare
from workbench.training.recipe import recipe_for
from workbench.training.starting import named_architecture
from workbench.training.validation import Score

BANDS = ("R", "G", "B", "NIR", "E")
FLAIR = load_nomenclature("flair-19")
SIDES = ("left", "right")


def half(image: np.ndarray, codes: np.ndarray, side: str) -> PatchSet:
    """Return one half of an image as a set of one patch."""
    middle = codes.shape[1] // 2
    part = slice(0, middle) if side == "left" else slice(middle, None)
    pixels = LabelledPixels(image=image[:, :, part], codes=codes[:, part])
    return PatchSet(
        zones=(f"{side} half",),
        bands=(BANDS,),
        pixels=np.bincount(pixels.codes.ravel(), minlength=20)[np.newaxis].astype(np.int32),
        shape=pixels.codes.shape,
        resolution=0.2,
        read=lambda number: pixels,
    )


def learned(
    learn: PatchSet, judge: PatchSet, *, begin: Begun | None, seed: int, seconds: float
) -> tuple[Score, int]:
    """Train on one half for some seconds, and judge on the other; return the score and the steps."""
    tiny = named_architecture("tiny-unet", inputs=5, outputs=19)
    recipe = replace(recipe_for(tiny, seed=seed, begun=begin is not None), validations=1)
    prepared = prepare(learn, id="half", nomenclature=FLAIR, recipe=recipe, begin=begin)
    done = train(
        prepared,
        learn,
        recipe=recipe,
        budget=Budget(seconds=seconds),
        held_out=judge,  # judged once, when the time is over: nothing is chosen by it
        device="cpu",
        clock=time.process_time,
    )
    assert done.score is not None
    return done.score, done.steps


def measure(image_path: Path, *, seeds: range, seconds: float) -> list[dict[str, Any]]:
    image = read_bands(image_path)
    codes = FLAIR.decode(read_bands(Path(str(image_path).replace("/img/IMG_", "/msk/MSK_")))[0], "flair")
    rows = []
    for side, other in (SIDES, SIDES[::-1]):
        learn, judge = half(image, codes, side), half(image, codes, other)
        for seed in seeds:
            for name in ("shipped", "nothing"):
                begin = read_model(embedded_model()) if name == "shipped" else None
                score, steps = learned(learn, judge, begin=begin, seed=seed, seconds=seconds)
                row = {"image": image_path.stem, "learned_from": side, "seed": seed, "begun_with": name}
                rows.append(row | {"mean_iou": score.mean_iou, "accuracy": score.accuracy, "steps": steps})
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """Return means over seeds as a Markdown table, the lowest and highest behind."""
    lines = [
        "| image | learned from | mIoU shipped | mIoU nothing | OA shipped | OA nothing | steps |",
        "|---|---|---|---|---|---|---|",
    ]
    for image in dict.fromkeys(row["image"] for row in rows):
        for sides in (("left",), ("right",), SIDES):
            cells = [image, "both" if len(sides) == 2 else sides[0]]
            own = [row for row in rows if row["image"] == image and row["learned_from"] in sides]
            for measure_name in ("mean_iou", "accuracy"):
                for begun in ("shipped", "nothing"):
                    found = [row[measure_name] for row in own if row["begun_with"] == begun]
                    cells.append(f"{statistics.mean(found):.3f} ({min(found):.3f}–{max(found):.3f})")
            cells.append(f"{statistics.mean(row['steps'] for row in own):.0f}")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--flair", type=Path, required=True, help="folder of real patches in FLAIR's layout")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    rows = []
    for path in sorted(options.flair.glob("*/*/img/IMG_*.tif")):
        rows += measure(path, seeds=seeds, seconds=options.seconds)
    print(table(rows))
    if options.json:
        options.json.write_text(json.dumps({"seconds": options.seconds, "runs": rows}, indent=1))


if __name__ == "__main__":
    main()
