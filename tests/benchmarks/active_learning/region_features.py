"""What regions look like: a fixed bank of filters, learned from nothing, so that no class is known to it.

Colours, indices and heights, their means around a region at two distances, their spread in it and near it,
small blobs, how steep it is and how much of that points one way, and the region's own size and shape.
"""

from __future__ import annotations

__all__ = ["FEATURES", "region_features"]

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Floats = NDArray[np.float32]

_CHANNELS = ("light", "near infrared", "NDVI", "green-red", "blue-red", "height")
_NEAR, _FAR = 5.0, 20.0
"""Widths in pixels of what is around a region."""
_GRAINS = (1.5, 4.0, 12.0)
_BLOBS = (1.0, 2.0, 4.0)
_FLOWS = (4.0, 12.0)

FEATURES = (
    *(f"{name}, mean" for name in _CHANNELS),
    *(f"{name}, spread" for name in _CHANNELS),
    *(f"{name}, within {width:g}" for name in _CHANNELS for width in (_NEAR, _FAR)),
    *(f"{name}, grain {width:g}" for name in _CHANNELS for width in _GRAINS),
    *(f"{name}, blobs {width:g}" for name in ("light", "height") for width in _BLOBS),
    *(f"light, {what} {width:g}" for width in _FLOWS for what in ("slope", "flow")),
    "size",
    "shape",
)
"""Names of the columns."""


def region_features(image: NDArray[np.uint8], labels: NDArray[np.uint32], count: int) -> Floats:
    """Describe each region of a picture.

    Parameters
    ----------
    image
        Shape (band, row, col): R, G, B, NIR and height × 5. Rows and columns are multiples of 16.
    labels
        Shape (row, col). Region of each pixel, 0 … ``count`` − 1.

    Returns
    -------
    NDArray
        Shape (region, feature), as `FEATURES`.
    """
    flat = labels.reshape(-1).astype(np.intp)
    area = np.bincount(flat, minlength=count).astype(np.float32)

    def mean(pixels: Floats) -> Floats:
        found: Floats = (np.bincount(flat, pixels.reshape(-1), count) / area).astype(np.float32)
        return found

    channels = _channels(image)
    means = {name: mean(pixels) for name, pixels in channels.items()}
    spread = [
        np.sqrt(np.maximum(mean(pixels * pixels) - means[name] ** 2, 0)) for name, pixels in channels.items()
    ]
    around = [mean(_blurred(pixels, width)) for pixels in channels.values() for width in (_NEAR, _FAR)]
    grains = [mean(_deviation(pixels, width)) for pixels in channels.values() for width in _GRAINS]
    blobs = [mean(_blobs(channels[name], width)) for name in ("light", "height") for width in _BLOBS]
    flows = [mean(found) for width in _FLOWS for found in _flow(channels["light"], width)]
    columns = [*means.values(), *spread, *around, *grains, *blobs, *flows]
    columns += [np.log(area), np.log(_boundary(labels, flat, count) / np.sqrt(area))]
    return np.stack(columns, axis=1).astype(np.float32)


def _channels(image: NDArray[np.uint8]) -> dict[str, Floats]:
    red, green, blue, infrared, height = image.astype(np.float32) / 255
    return dict(
        zip(
            _CHANNELS,
            (
                (red + green + blue) / 3,
                infrared,
                (infrared - red) / (infrared + red + 0.02),
                (green - red) / (green + red + 0.02),
                (blue - red) / (blue + red + 0.02),
                np.sqrt(height),
            ),
            strict=True,
        )
    )


def _halved(pixels: Floats, width: float) -> tuple[Floats, int]:
    """Halve the resolution until a filter is 1 to 2 pixels wide; return by how much, too."""
    block = 1
    while 2 * block <= width:
        pixels = 0.25 * (pixels[::2, ::2] + pixels[1::2, ::2] + pixels[::2, 1::2] + pixels[1::2, 1::2])
        block *= 2
    return pixels, block


def _spread_out(pixels: Floats, block: int) -> Floats:
    return pixels.repeat(block, 0).repeat(block, 1) if block > 1 else pixels


def _blurred(pixels: Floats, width: float) -> Floats:
    """Return the mean around each pixel, shape (row, col)."""
    coarse, block = _halved(pixels, width)
    return _spread_out(ndimage.gaussian_filter(coarse, width / block, truncate=3.0), block)


def _deviation(pixels: Floats, width: float) -> Floats:
    """Return the standard deviation around each pixel, shape (row, col)."""
    centred = pixels - pixels.mean()
    squares, block = _halved(centred * centred, width)
    coarse, _ = _halved(centred, width)
    mean = ndimage.gaussian_filter(coarse, width / block, truncate=3.0)
    square = ndimage.gaussian_filter(squares, width / block, truncate=3.0)
    return _spread_out(np.sqrt(np.maximum(square - mean * mean, 0)), block)


def _blobs(pixels: Floats, width: float) -> Floats:
    """Return how much darker or brighter it is than around, shape (row, col): |Laplacian| of a Gaussian."""
    coarse, block = _halved(pixels, width)
    found = np.abs(ndimage.gaussian_laplace(coarse, width / block, truncate=3.0)) * (width / block) ** 2
    return _spread_out(found, block)


def _flow(pixels: Floats, width: float) -> tuple[Floats, Floats]:
    """Return how steep it is around each pixel, and how much of that points one way (1: stripes)."""
    down = ndimage.gaussian_filter(pixels, 1.0, order=(1, 0), truncate=3.0)
    right = ndimage.gaussian_filter(pixels, 1.0, order=(0, 1), truncate=3.0)
    tall, wide, mixed = (_blurred(part, width) for part in (down * down, right * right, down * right))
    total = tall + wide
    coherence = np.sqrt((tall - wide) ** 2 + 4 * mixed**2) / (total + 1e-6)
    return np.sqrt(total), coherence


def _boundary(labels: NDArray[np.uint32], flat: NDArray[np.intp], count: int) -> Floats:
    """Count the edgels of each region, those at the border of the picture too."""
    framed = np.pad(labels.astype(np.int64), 1, constant_values=-1)
    inner = framed[1:-1, 1:-1]
    sides = sum(
        (inner != beside).astype(np.float32)
        for beside in (framed[:-2, 1:-1], framed[2:, 1:-1], framed[1:-1, :-2], framed[1:-1, 2:])
    )
    return np.bincount(flat, np.asarray(sides).reshape(-1), count).astype(np.float32)
