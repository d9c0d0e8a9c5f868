"""A model's prediction for a zone as a raster: what it sees where and how sure it is, pixel by pixel.

``prediction.tif`` lies beside a zone's hierarchy: class, probability of that class and entropy, each in one
byte. Its tags ``MODEL``, ``MODEL_SHA256`` and ``NOMENCLATURE`` say whose it is, and what its classes mean.
"""

from __future__ import annotations

__all__ = ["Prediction", "prediction_path", "prediction_tags", "read_prediction"]

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.errors import GridError, RasterError
from workbench.geo.grid import PixelGrid
from workbench.geo.raster import inspect_raster, read_bands
from workbench.geo.zone import Zone

_FILE = "prediction.tif"
_BANDS = ("class", "probability of the class", "entropy")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """What a model said of each pixel of a zone, shape (row, col) each."""

    codes: NDArray[np.uint8]
    """0 where it said nothing."""
    probability: NDArray[np.uint8]
    """Of the class, from 0 to 255."""
    entropy: NDArray[np.uint8]
    """From 0, sure, to 255, every class alike."""
    tags: Mapping[str, str]
    """What the file says of itself; see `prediction_tags`."""


def prediction_path(campaign: Campaign, zone: Zone) -> Path:
    """Return where a prediction for a zone lies, if there is one."""
    return campaign.zone_dir(zone) / _FILE


def prediction_tags(*, model: str, digest: str, nomenclature: str) -> dict[str, str]:
    """Return what a prediction says of itself: id and digest of the model's card, and the nomenclature."""
    return {"MODEL": model, "MODEL_SHA256": digest, "NOMENCLATURE": nomenclature}


def read_prediction(path: Path, grid: PixelGrid) -> Prediction:
    """Read a prediction on the pixels of a zone.

    Raises
    ------
    RasterError
        It cannot be read, or is none for these pixels.
    """
    info = inspect_raster(path, assume_crs=grid.crs)
    if info.band_count < len(_BANDS) or info.dtype != "uint8":
        raise RasterError(
            f"{path}: a prediction has the bands {', '.join(_BANDS)} in 8 bits, this has "
            f"{info.band_count} of {info.dtype}; predict the zone again"
        )
    try:
        window = info.grid.window(grid.bounds)
    except GridError as error:
        told = f"{path} is no prediction for this zone: {error}; predict the zone again"
        raise RasterError(told) from error
    if info.grid.crs != grid.crs or window.shape != grid.shape:
        raise RasterError(
            f"{path} is no prediction for this zone: it is in {info.grid.crs[:40]} at "
            f"{info.grid.resolution:g} m; predict the zone again"
        )
    codes, probability, entropy = read_bands(path, bands=(1, 2, 3), window=window)
    return Prediction(codes=codes, probability=probability, entropy=entropy, tags=info.tags)
