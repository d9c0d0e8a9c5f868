"""Domain ↔ layer data: arrays, colours and places as napari wants them. Pure functions, no viewer.

Layers share one world: metres, rows downwards, the zone's pixel (0, 0) at the origin. Ground coordinates
stay in the layers' metadata: northings of six million metres as ``translate`` leave too few bits of
float32 for panning.
"""

from __future__ import annotations

__all__ = [
    "class_colours",
    "class_features",
    "composite",
    "contour_limits",
    "grey",
    "natural_colours",
    "repaint",
    "spot_at",
    "steps_between",
    "world_metadata",
]

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from napari_plugin.language import title, tr
from napari_plugin.pointed import Spot
from workbench.geo.grid import PixelGrid, Window
from workbench.nomenclature import Nomenclature

Colour = tuple[float, float, float, float]
"""Red, green, blue and opacity, 0 to 1."""


_CLEAR: Colour = (0.0, 0.0, 0.0, 0.0)
# Display range of rasters that are not 8-bit: percentiles of a sample, as QGIS does.
_STRETCH = (2.0, 98.0)
_SAMPLE_SIDE = 1024


class RefreshingLayer(Protocol):
    """What `repaint` needs of a napari Labels layer."""

    data: Any
    events: Any

    def refresh(self) -> None:
        """Send all of the data to the screen."""


def composite(
    pixels: NDArray[Any], bands: Sequence[str], shown: tuple[str, str, str] = ("R", "G", "B")
) -> NDArray[np.uint8] | None:
    """Return three bands as a colour image, or None where the raster has not all of them.

    Parameters
    ----------
    pixels
        Shape (band, row, col). 8-bit values are shown as they are, others stretched from their 2nd to their
        98th percentile, each band by itself.
    bands
        What each band shows, such as ``("R", "G", "B", "NIR")``.
    shown
        Bands to show as red, green and blue; ``("NIR", "R", "G")`` is the colour-infrared composite.

    Returns
    -------
    NDArray[np.uint8] | None
        Shape (row, col, 3), contiguous.

    Examples
    --------
    >>> pixels = np.arange(4, dtype=np.uint8).reshape(4, 1, 1)
    >>> composite(pixels, ("R", "G", "B", "NIR"), ("NIR", "R", "G"))
    array([[[3, 0, 1]]], dtype=uint8)
    """
    if not set(shown) <= set(bands):
        return None
    image = np.empty((*pixels.shape[1:], 3), dtype=np.uint8)
    for channel, name in enumerate(shown):
        image[..., channel] = _eight_bits(pixels[list(bands).index(name)])
    return image


def natural_colours(pixels: NDArray[Any], bands: Sequence[str]) -> NDArray[np.uint8]:
    """Return pixels (band, row, col) in natural colours, or their first band in grey: (row, col, 3)."""
    image = composite(pixels, bands)
    return image if image is not None else grey(pixels)


def grey(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Return the first band of (band, row, col) as a grey image, shape (row, col, 3)."""
    return np.repeat(_eight_bits(pixels[0])[..., np.newaxis], 3, axis=2)


def _eight_bits(band: NDArray[Any]) -> NDArray[np.uint8]:
    if band.dtype == np.uint8:
        return np.asarray(band, dtype=np.uint8)
    step = max(1, max(band.shape) // _SAMPLE_SIDE)
    sample = band[::step, ::step]
    known = sample[np.isfinite(sample)]
    low, high = map(float, np.percentile(known, _STRETCH)) if known.size else (0.0, 1.0)
    gain = 255.0 / (high - low if high > low else 1.0)
    stretched = (band.astype(np.float32) - np.float32(low)) * np.float32(gain)
    shown: NDArray[np.uint8] = np.nan_to_num(np.clip(stretched, 0, 255)).astype(np.uint8)
    return shown


def class_colours(nomenclature: Nomenclature) -> dict[int | None, Colour]:
    """Return the official colour of each code; unlabelled (0) and unknown codes (None) are clear."""
    colours: dict[int | None, Colour] = {None: _CLEAR, 0: _CLEAR}
    for entry in nomenclature.classes:
        colours[entry.code] = _rgba(entry.colour, 1.0)
    return colours


def class_features(nomenclature: Nomenclature) -> dict[str, list[Any]]:
    """Return the table that tells napari the title of each code; unlabelled (0) comes first."""
    titles = [title(entry.titles) for entry in nomenclature.classes]
    return {"index": [0, *nomenclature.codes], tr("class"): [tr("unlabelled"), *titles]}


def _rgba(colour: str, opacity: float) -> Colour:
    red, green, blue = (int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5))
    return red, green, blue, opacity


def contour_limits(level: int) -> tuple[float, float]:
    """Return contrast limits that show the edges of the cut at a level: the saliencies above it.

    >>> contour_limits(7)
    (7.0, 8.0)
    """
    return float(level), float(level + 1)


def spot_at(position: Sequence[float], resolution: float) -> Spot:
    """Return what of the zone lies at a world position (y, x), also outside of it.

    napari puts the *centre* of pixel (0, 0) at the origin.

    >>> spot_at((0.09, 0.31), 0.2).pixel
    (0, 2)
    """
    row, col = (value / resolution for value in position[-2:])
    return Spot(row=row, col=col)


def world_metadata(grid: PixelGrid, zone_id: str) -> dict[str, Any]:
    """Return the metadata that tie a layer to the ground: CRS and affine of the zone's pixel grid."""
    return {"zone": zone_id, "crs": grid.crs, "transform": tuple(grid.transform)[:6]}


def steps_between(grid: PixelGrid, transform: Sequence[float]) -> tuple[float, float]:
    """Return how far (down, across) the first pixel of an affine lies from a zone's, in metres.

    Examples
    --------
    >>> from affine import Affine
    >>> affine = Affine(0.2, 0, 600_000, 0, -0.2, 6_200_000)
    >>> grid = PixelGrid(crs="EPSG:2154", transform=affine, height=10, width=10)
    >>> steps_between(grid, (0.2, 0, 600_050, 0, -0.2, 6_200_100))
    (-100.0, 50.0)
    """
    x, y = Affine(*transform) @ (0.5, 0.5)
    own_x, own_y = grid.transform @ (0.5, 0.5)
    return round(own_y - y, 3), round(x - own_x, 3)


def repaint(layer: RefreshingLayer, window: Window) -> None:
    """Send the pixels of a window that changed in place to the screen, and no others.

    ``labels_update`` is what napari's own brush emits; it is no documented interface (a pixel test pins it),
    so a napari without it gets a full refresh.
    """
    update = getattr(layer.events, "labels_update", None)
    if update is None:
        layer.refresh()
    else:
        update(data=layer.data[window.slices], offset=(window.row, window.col))
