"""Pre-labels of a model that is right on a stated share of the pixels, for annotators that have a truth only.

Two things go wrong, as in maps of segmentation networks: borders are displaced (each pixel has the class of
one a few pixels away, in a smooth field of shifts), and objects (regions of a cut, drawn with equal chances)
get another class, the more often the more of it there is, until the share is reached. The map becomes
pre-labels as a workbench makes them: each region of a finer cut gets its most frequent class, with a
confidence that is its share in the region, lower where a whole object is wrong.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.campaign import Campaign
from workbench.geo.grid import Window
from workbench.labels.edits import Provenance, assign

AUTHOR = "model-noise"
_JITTER = 3.0
"""Standard deviation of the borders' displacement, in pixels."""
_OBJECTS, _REGIONS = 400, 4000
"""Per million pixels: what may get another class as a whole, and what a pre-label is given for."""


def propose(campaign: Path, truth: NDArray[np.uint8], *, accuracy: float, seed: int = 0) -> float:
    """Have a model propose labels in the only zone of a campaign; return the share that is right.

    Parameters
    ----------
    campaign
        With one zone, segmented.
    truth
        Shape (row, col). Codes, none 0.
    accuracy
        Share of the pixels that the model's map has right; that of its pre-labels differs a little.
    seed
        Of the errors.
    """
    opened = Campaign.open(campaign)
    zone = opened.only_zone()
    hierarchy, rng = opened.read_hierarchy(zone), np.random.default_rng(seed)
    megapixels = truth.size / 1e6
    objects = hierarchy.cut_count(max(2, round(_OBJECTS * megapixels))).labels()
    seen, drawn = model_map(truth, objects, accuracy, rng)
    regions = hierarchy.cut_count(max(2, round(_REGIONS * megapixels))).labels().astype(np.int64)
    count = int(regions.max()) + 1
    votes = np.zeros((count, 256), np.int32)
    np.add.at(votes, (regions.reshape(-1), seen.reshape(-1)), 1)
    codes, sizes = votes.argmax(axis=1), votes.sum(axis=1)
    shares = votes.max(axis=1) / np.maximum(sizes, 1)
    unsure = np.bincount(regions.reshape(-1), drawn.reshape(-1), count) > sizes / 2
    confidence = np.clip(shares * np.where(unsure, rng.beta(4, 3, count), rng.beta(9, 2, count)), 0.01, 0.999)
    made = Provenance(tool="tree", model=AUTHOR.removeprefix("model-"))
    edits = []
    for number, box in enumerate(ndimage.find_objects(regions + 1)):
        window = Window(
            row=box[0].start,
            col=box[1].start,
            height=box[0].stop - box[0].start,
            width=box[1].stop - box[1].start,
        )
        edit = assign(regions[box] == number, window, int(codes[number]), made)
        edits.append(replace(edit, confidence=round(float(confidence[number]), 3)))
    with opened.open_store(zone, author=AUTHOR) as store:
        store.apply_all(edits)
    return float((codes[regions] == truth).mean())


def model_map(
    truth: NDArray[np.uint8], objects: NDArray[np.uint32], accuracy: float, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return a model's map, shape (row, col), and where whole objects have another class in it."""
    height, width = truth.shape
    shift = [
        ndimage.gaussian_filter(rng.standard_normal(truth.shape).astype(np.float32), 4)
        * 4
        * np.sqrt(4 * np.pi)
        for _ in range(2)
    ]
    rows = np.clip(np.arange(height)[:, None] + np.round(_JITTER * shift[0]), 0, height - 1).astype(int)
    cols = np.clip(np.arange(width)[None, :] + np.round(_JITTER * shift[1]), 0, width - 1).astype(int)
    seen = truth[rows, cols]
    present, frequency = np.unique(truth, return_counts=True)
    drawn = np.zeros(truth.shape, bool)
    boxes = ndimage.find_objects(objects.astype(np.int64) + 1)
    wrong, most = int((seen != truth).sum()), (1 - accuracy) * truth.size
    for number in rng.permutation(len(boxes)).tolist():
        if wrong >= most or present.size < 2:
            break
        box = boxes[number]
        inside = objects[box] == number
        before = int((seen[box][inside] != truth[box][inside]).sum())
        own = np.bincount(truth[box][inside]).argmax()
        others = present != own
        code = rng.choice(present[others], p=frequency[others] / frequency[others].sum())
        after = int((truth[box][inside] != code).sum())
        if wrong + after - before > most * 1.05:
            continue
        seen[box][inside] = code
        drawn[box][inside] = True
        wrong += after - before
    return seen, drawn
