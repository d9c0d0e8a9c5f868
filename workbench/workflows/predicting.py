"""A model predicts the orthophoto of a zone."""

from __future__ import annotations

__all__ = ["predict_zone"]

from collections.abc import Callable
from pathlib import Path

import numpy as np

from workbench.campaign import Campaign
from workbench.errors import ModelError
from workbench.geo.raster import write_raster
from workbench.geo.zone import Zone
from workbench.segmentation.parameters import usable_pixels
from workbench.workflows.predictions import prediction_path, prediction_tags

_TILE = 512


def predict_zone(
    campaign: Campaign,
    zone: Zone,
    model_dir: Path,
    *,
    device: str = "auto",
    say: Callable[[str], None] = lambda _: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Predict the orthophoto of a zone into its ``prediction.tif``; return the path.

    Raises
    ------
    ModelError
        There is no model, it gives classes that the campaign does not have, or takes other bands.
    """
    from workbench.inference.network import open_segmenter  # torch

    segmenter = open_segmenter(model_dir, device=device)
    card = segmenter.card
    codes = np.concatenate([np.zeros(1, np.uint8), card.codes(campaign.nomenclature)])
    numbers = card.band_numbers(zone.ortho.bands, where=zone.id)
    image = campaign.read_image(zone)
    if image.dtype != np.uint8:
        raise ModelError(f"{zone.id} has pixels of {image.dtype}, model {card.id} takes 8 bits")
    planes = np.zeros((3, *zone.grid.shape), np.uint8)
    height, width = zone.grid.shape
    places = [(row, col) for row in range(0, height, _TILE) for col in range(0, width, _TILE)]
    for done, (row, col) in enumerate(places):
        progress(done, len(places))
        part = np.s_[row : row + _TILE, col : col + _TILE]
        tile = [
            image[number - 1][part]
            if number is not None
            else np.full(image[0][part].shape, round(band.mean), np.uint8)
            for band, number in zip(card.bands, numbers, strict=True)
        ]
        planes[:, *part] = segmenter.predict_reduced(np.stack(tile, axis=-1)[np.newaxis])[0]
    progress(len(places), len(places))
    planes[0] = codes[planes[0]]
    planes *= usable_pixels(image, zone.footprint()) & (planes[0] > 0)
    path = prediction_path(campaign, zone)
    tags = prediction_tags(model=card.id, digest=card.digest, nomenclature=campaign.nomenclature.name)
    write_raster(path, planes, zone.grid, tags=tags, level=1, overwrite=True)
    say(f"{zone.id}: predicted by {card.id}")
    return path
