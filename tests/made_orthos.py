"""Small made orthophotos on the national grid, with exact truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from scipy import ndimage

from workbench.geo.grid import PixelGrid

# The upper left corner of a measured patch (IMG_034217).
LEFT, TOP = 831081.6, 6829179.2
# Bands R, G, B, NIR, E and FLAIR value of what the made images show.
SURFACES = {
    1: (190, 110, 95, 90, 30),
    3: (140, 140, 145, 100, 0),
    5: (40, 60, 70, 15, 0),
    7: (60, 85, 50, 150, 60),
    10: (110, 150, 80, 190, 2),
    11: (170, 160, 100, 130, 4),
}


def made_truth(height: int, width: int, seed: int = 1) -> NDArray[np.uint8]:
    """Return fields of some classes: the nearest of a few seeded points, and a road across."""
    rng = np.random.default_rng(seed)
    count = max(4, height * width // 40_000)
    points = np.zeros((height, width), dtype=np.int32)
    points[rng.integers(0, height, count), rng.integers(0, width, count)] = np.arange(1, count + 1)
    nearest = ndimage.distance_transform_edt(points == 0, return_distances=False, return_indices=True)
    classes = np.array([10, *rng.choice([1, 5, 7, 10, 11], count)], dtype=np.uint8)
    truth = classes[points[tuple(nearest)]]
    truth[height // 3 : height // 3 + 12] = 3
    return truth


def made_image(truth: NDArray[np.uint8], seed: int = 1) -> NDArray[np.uint8]:
    """Return the five bands that show a truth, with sensor noise."""
    table = np.zeros((20, 5))
    for value, colour in SURFACES.items():
        table[value] = colour
    clean = np.moveaxis(table[truth], 2, 0)
    noisy = clean + np.random.default_rng(seed + 100).normal(0, 2.6, clean.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def made_grid(height: int, width: int, *, row: int = 0, col: int = 0) -> PixelGrid:
    """Return a grid whose first pixel lies some rows and columns from a national patch corner."""
    transform = Affine(0.2, 0, LEFT + 0.2 * col, 0, -0.2, TOP - 0.2 * row)
    return PixelGrid(crs="EPSG:2154", transform=transform, height=height, width=width)


MakeOrtho = Callable[..., tuple[Path, Path]]
