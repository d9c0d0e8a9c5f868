"""What is segmented: made scenes of any size, and real FLAIR patches; kept as .npy files."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED, THEME = 1, "AU"
BANDS = 4
"""R, G, B, NIR: what every method but OpenCV's takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An image and what is true of it, as files."""

    name: str
    pixels: int
    image: str
    """Shape (4, row, col), uint8."""
    classes: str
    """Shape (row, col)."""
    objects: str | None
    """Shape (row, col). Which object each pixel is of; made scenes only."""

    def document(self) -> dict[str, Any]:
        """Return JSON values."""
        return asdict(self)


def made_scene(megapixels: float, cache: Path, *, say: Callable[[str], None]) -> Picture:
    """Return a square scene of a size, made once.

    Sides of a megapixel and more are whole hundreds of pixels: 1 → 1,000², 4 → 2,000², 22 → 4,700².
    """
    side = round(math.sqrt(megapixels) * 1000)
    if side >= 1000:
        side = math.ceil(side / 100) * 100
    from workbench.workflows.demo import load_sample_maker

    maker = load_sample_maker()
    name = f"scene-{maker.VERSION}-{THEME}-{SEED}-{side}"
    paths = {part: cache / f"{name}-{part}.npy" for part in ("image", "classes", "objects")}
    if not all(path.exists() for path in paths.values()):
        say(f"making a scene of {side} × {side} pixels")
        scene = maker.make_scene(seed=SEED, height=side, theme=THEME)
        np.save(paths["image"], scene.image[:BANDS])
        np.save(paths["classes"], scene.classes)
        np.save(paths["objects"], scene.objects)
    return Picture(name=name, pixels=side * side, **{part: str(path) for part, path in paths.items()})


def flair_patches(folder: Path, cache: Path) -> list[Picture]:
    """Return the patches of a folder in FLAIR's layout, ``*/*/img/IMG_*.tif`` and ``*/*/msk/MSK_*.tif``."""
    from workbench.geo.raster import read_bands

    pictures = []
    for path in sorted(folder.glob("*/*/img/IMG_*.tif")):
        mask = path.parent.parent / "msk" / path.name.replace("IMG_", "MSK_")
        image, classes = read_bands(path)[:BANDS], read_bands(mask)[0]
        paths = cache / f"{path.stem}-image.npy", cache / f"{path.stem}-classes.npy"
        np.save(paths[0], image)
        np.save(paths[1], classes)
        pictures.append(
            Picture(
                name=path.stem,
                pixels=classes.size,
                image=str(paths[0]),
                classes=str(paths[1]),
                objects=None,
            )
        )
    if not pictures:
        raise SystemExit(f"{folder} holds no */*/img/IMG_*.tif")
    return pictures


def truths(picture: Picture) -> dict[str, NDArray[np.int32]]:
    """Return what is true of a picture, numbered from 0: its classes, and its objects where known."""
    found = {"classes": np.load(picture.classes)}
    if picture.objects is not None:
        found["objects"] = np.load(picture.objects)
    return {
        name: np.unique(values, return_inverse=True)[1].reshape(values.shape).astype(np.int32)
        for name, values in found.items()
    }
