"""Make the model that ships: ``python -m workbench.workflows.embedding``, five minutes of two processors.

A tiny U-Net learns from synthetic scenes of every theme, some of them at other resolutions, in other light
and without some bands, and is measured on scenes that it never saw. Not one real pixel goes in: what it knows
of real orthophotos is nothing, what it is good for is to begin with.
"""

from __future__ import annotations

__all__ = ["main", "make_embedded", "scene_patches"]

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from workbench.inference.card import ModelCard, write_card
from workbench.inference.models import write_model
from workbench.inference.network import NetworkSegmenter, open_segmenter
from workbench.inference.places import HISTORY
from workbench.nomenclature import load_nomenclature
from workbench.training import Budget, LabelledPixels, PatchSet, Recipe
from workbench.training.loop import train
from workbench.training.preparing import prepare
from workbench.training.sampling import MASKED
from workbench.training.validation import validate_on
from workbench.workflows.demo import load_sample_maker
from workbench.workflows.training import software

SIDE = 512
BANDS = ("R", "G", "B", "NIR", "E")
BAND_SETS = (("R", "G", "B"), ("NIR", "R", "G"), ("R", "G", "B", "NIR"))
"""What it learns to do with, beside all bands."""
_FIRST_SEED, _CANDIDATES, _LEARNED = 5000, 300, 112
_FIRST_UNSEEN, _UNSEEN_CANDIDATES, _UNSEEN = 9000, 120, 40
_SIDES = (SIDE, SIDE, 416, SIDE, SIDE, 624)
"""Pixels a side that scenes are made with, before they are all brought to `SIDE`: other resolutions."""
_SNOWY = 11
"""One scene in so many has snow."""
RECIPE = Recipe(rate=4e-3, band_dropout=0.6, band_sets=(*BAND_SETS, BAND_SETS[0]))
_USAGE = (
    "A start for training on labelled zones of your own (workbench train begins with it), and something to "
    "show and test the workbench with on its own synthetic scenes. Takes R, G and any of B, NIR and E."
)
_LIMITS = (
    "Demonstration weights, not a land-cover model. It learned from synthetic scenes alone; on real "
    "orthophotos its predictions are worthless until it is trained on labelled ones. Its metrics are of "
    "synthetic scenes and say nothing about real ground."
)


def scene_patches(
    first: int, candidates: int, count: int, *, sides: Sequence[int] = (SIDE,), say: Callable[[str], None]
) -> PatchSet:
    """Make synthetic scenes and keep those which together hold all classes best.

    Parameters
    ----------
    first, candidates
        First seed, and how many scenes are made from there on, theme after theme.
    count
        Scenes that are kept.
    sides
        Pixels a side that scenes are made with, in turn.
    say
        Told how far it is.
    """
    maker = load_sample_maker()
    found: list[LabelledPixels] = []
    names: list[str] = []
    for number in range(candidates):
        theme, side = maker.THEMES[number % len(maker.THEMES)], sides[number % len(sides)]
        scene = maker.make_scene(
            seed=first + number, height=side, theme=theme, snow=number % _SNOWY == _SNOWY - 1
        )
        found.append(_brought(scene.image, scene.classes))
        names.append(f"synthetic/{scene.seed}-{theme}")
        if number % 50 == 49:
            say(f"{number + 1} of {candidates} scenes made")
    counts = np.stack([np.bincount(one.codes.ravel(), minlength=20) for one in found]).astype(np.int32)
    kept = _balanced(counts, count)
    chosen = [found[number] for number in kept]
    return PatchSet(
        zones=tuple(names[number] for number in kept),
        bands=(BANDS,) * len(kept),
        pixels=counts[kept],
        shape=(SIDE, SIDE),
        resolution=0.2,
        read=chosen.__getitem__,
    )


def make_embedded(
    output: Path, *, budget: Budget, clock: Callable[[], float], say: Callable[[str], None]
) -> ModelCard:
    """Train the model and write it, with its metrics on unseen scenes.

    Parameters
    ----------
    output
        Directory to write; an older model there is replaced.
    budget
        Seconds or steps to train for; its card tells how many steps there were.
    clock
        That seconds are measured by.
    say
        Told how far it is.
    """
    patches = scene_patches(_FIRST_SEED, _CANDIDATES, _LEARNED, sides=_SIDES, say=say)
    nomenclature = load_nomenclature("flair-19")
    prepared = prepare(patches, id="tiny", nomenclature=nomenclature, recipe=RECIPE)
    told = [0.0]

    def progress(share: float, what: str) -> None:
        if share >= told[0]:
            say(f"{share:.0%} {what}")
            told[0] += 0.1

    done = train(
        prepared,
        patches,
        recipe=RECIPE,
        budget=budget,
        device="cpu",
        clock=clock,
        progress=progress,
    )
    card = replace(
        prepared.card,
        title="Demonstration weights, not a land-cover model",
        licence="Apache-2.0",
        source="python -m workbench.workflows.embedding",
        usage=_USAGE,
        limits=_LIMITS,
        training={
            "scenes": list(patches.zones),
            "generator_version": load_sample_maker().VERSION,
            "recipe": RECIPE.document(),
            "steps": done.steps,
            "seconds": round(done.seconds, 1),
            "software": software(),
        },
    )
    history = {HISTORY: done.history.files()[HISTORY]}
    write_model(card, done.weights, output, beside=history, overwrite=output.exists(), half=True)
    unseen = scene_patches(_FIRST_UNSEEN, _UNSEEN_CANDIDATES, _UNSEEN, say=say)
    segmenter = open_segmenter(output, device="cpu")
    measured = replace(segmenter.card, metrics={"unseen_synthetic_scenes": _measured(segmenter, unseen)})
    write_card(measured, output)
    return measured


def _brought(image: NDArray[np.uint8], classes: NDArray[np.uint8]) -> LabelledPixels:
    """Return a scene of `SIDE` pixels a side, as another camera height would have shown it."""
    factor = SIDE / len(classes)
    if factor == 1:
        return LabelledPixels(image=image, codes=classes)
    blurred = (
        image if factor > 1 else ndimage.gaussian_filter(image, (0, 0.4 / factor, 0.4 / factor))
    )  # what is between the new pixels counts as well
    return LabelledPixels(
        image=ndimage.zoom(blurred, (1, factor, factor), order=1),
        codes=ndimage.zoom(classes, factor, order=0),
    )


def _balanced(counts: NDArray[np.int32], count: int) -> list[int]:
    """Return scenes, sorted: each time the one that adds most to the roots of the classes' totals."""
    shares = counts / counts[0].sum()
    total, left, kept = np.zeros(shares.shape[1]), list(range(len(shares))), list[int]()
    for _ in range(count):
        gains = (np.sqrt(total + shares[left]) - np.sqrt(total)).sum(axis=1)
        best = left.pop(int(gains.argmax()))
        total += shares[best]
        kept.append(best)
    return sorted(kept)


def _measured(segmenter: NetworkSegmenter, unseen: PatchSet) -> dict[str, Any]:
    """Return scores with all bands, and with each set of them."""
    card = segmenter.card
    output_of = np.full(256, MASKED, np.uint8)
    for number, code in enumerate(card.codes(load_nomenclature(card.nomenclature))):
        if code:
            output_of[code] = number
    means = np.array(card.fills, np.uint8)
    scores: dict[str, Any] = {"scenes": len(unseen)}
    for kept in (BANDS, *BAND_SETS):
        there = np.array([band.name in kept for band in card.bands])

        def predict(
            image: NDArray[np.uint8], bands: tuple[str, ...], there: NDArray[np.bool_] = there
        ) -> NDArray[np.uint8]:
            tile = np.where(there, np.moveaxis(image, 0, 2), means)
            found: NDArray[np.uint8] = segmenter.predict_reduced(tile[np.newaxis])[0, 0] - 1
            return found

        score = validate_on(unseen, predict, output_of=output_of, outputs=len(card.classes))
        scores[",".join(kept)] = {"mIoU": round(score.mean_iou, 4), "OA": round(score.accuracy, 4)}
    return scores


@click.command()
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path(__file__).resolve().parents[1] / "weights" / "tiny",
    help="Directory of the model; the shipped one is replaced if not given.",
)
@click.option("--seconds", type=float, default=600.0, show_default=True, help="Processor time to train for.")
@click.option("--steps", type=int, help="Steps to train for in place of seconds, as an older card has them.")
@click.option("--threads", type=int, default=2, show_default=True, help="Threads of torch.")
def main(output: Path, seconds: float, steps: int | None, threads: int) -> None:
    """Train the model that ships with the workbench."""
    import time

    torch.set_num_threads(threads)
    output.parent.mkdir(parents=True, exist_ok=True)

    def say(message: str) -> None:
        click.echo(message, err=True)

    budget = Budget(seconds=seconds) if steps is None else Budget(steps=steps)
    card = make_embedded(output, budget=budget, clock=time.process_time, say=say)
    click.echo(f"{output}: {card.metrics}")


if __name__ == "__main__":
    main()
