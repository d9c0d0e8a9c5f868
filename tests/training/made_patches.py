"""Small made patches to learn from: what they show is plain to see."""

from __future__ import annotations

import numpy as np
from made_orthos import made_image, made_truth
from numpy.typing import NDArray

from workbench.training import LabelledPixels, PatchSet, Recipe

BANDS = ("R", "G", "B", "NIR", "E")
QUICK = Recipe(rate=4e-3, batch=2, crop=32, validations=4, patience=4)


def made_patches(
    zones: int = 4,
    *,
    side: int = 64,
    seed: int = 1,
    bands: tuple[str, ...] = BANDS,
    codes: list[NDArray[np.uint8]] | None = None,
) -> PatchSet:
    """Return one patch per zone; its labels are those of its picture, or given."""
    truths = [made_truth(side, side, seed + number) for number in range(zones)]
    images = [made_image(truth)[[BANDS.index(name) for name in bands]] for truth in truths]
    return patch_set(images, codes or truths, bands)


def patch_set(
    images: list[NDArray[np.uint8]], codes: list[NDArray[np.uint8]], bands: tuple[str, ...] = BANDS
) -> PatchSet:
    return PatchSet(
        zones=tuple(f"D00{1 + number % 2}_2020/Z{number}_AA" for number in range(len(codes))),
        bands=(bands,) * len(codes),
        pixels=np.stack([np.bincount(one.ravel(), minlength=20) for one in codes]).astype(np.int32),
        shape=codes[0].shape,
        resolution=0.2,
        read=lambda number: LabelledPixels(image=images[number], codes=codes[number]),
    )
