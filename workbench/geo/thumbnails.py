"""Small pictures for pages: pixels made fewer, and encoded as PNG or JPEG."""

from __future__ import annotations

__all__ = ["indexed_png", "jpeg", "picked", "png", "shrunk", "three_bands", "touched"]

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.io import MemoryFile

_QUALITY: Final = 82
_NOWHERE: Final = Affine(1.0, 0.0, 1.0, 0.0, -1.0, 0.0)


def three_bands(bands: tuple[str, ...]) -> tuple[str, str, str]:
    """Return the bands that are shown as red, green and blue: these, or the first one in grey.

    >>> three_bands(("NIR", "R", "G", "B")), three_bands(("P", "NIR"))
    (('R', 'G', 'B'), ('P', 'P', 'P'))
    """
    return ("R", "G", "B") if {"R", "G", "B"} <= set(bands) else (bands[0],) * 3


def shrunk(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return means of blocks of pixels, so that no side is longer than asked for.

    Parameters
    ----------
    pixels
        Shape (band, row, col).
    side
        Pixels. Rows and columns that fill no block are left out.

    >>> shrunk(np.array([[[1, 2], [3, 6]]], np.uint8), 1)
    array([[[3]]], dtype=uint8)
    """
    blocks = _blocks(pixels, side)
    means: NDArray[np.uint8] = np.floor(blocks.mean(axis=(2, 4)) + 0.5).astype(np.uint8)
    return means


def picked(values: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return the middle pixel of each of these blocks: of numbers there are no means; shape (row, col)."""
    blocks = _blocks(values[np.newaxis], side)
    middle: NDArray[np.uint8] = blocks[0, :, blocks.shape[2] // 2, :, blocks.shape[4] // 2]
    return middle.copy()


def touched(mask: NDArray[np.bool_], side: int) -> NDArray[np.bool_]:
    """Return the blocks in which any pixel is True, so that a single one is seen; shape (row, col)."""
    found: NDArray[np.bool_] = np.any(_blocks(mask[np.newaxis], side)[0], axis=(1, 3))
    return found


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return a PNG of red, green and blue, shape (3, row, col): for maps, whose colours must stay."""
    return _encoded(pixels, driver="PNG", zlevel=9)


def indexed_png(values: NDArray[np.uint8], colours: Mapping[int, tuple[int, int, int]]) -> bytes:
    """Return a PNG whose bytes are numbers, shape (row, col), and whose palette has their colours."""
    return _encoded(values[np.newaxis], driver="PNG", zlevel=9, colours=colours)


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    """Return a JPEG of red, green and blue, shape (3, row, col)."""
    return _encoded(pixels, driver="JPEG", quality=_QUALITY)


def _blocks(pixels: NDArray[Any], side: int) -> NDArray[Any]:
    """Return pixels in square blocks: shape (band, row, row in block, col, col in block)."""
    bands, height, width = pixels.shape
    step = -(-max(height, width) // side)
    rows, cols = max(1, height // step), max(1, width // step)
    return pixels[:, : rows * step, : cols * step].reshape(bands, rows, -1, cols, min(step, width))


def _encoded(
    pixels: NDArray[np.uint8], *, colours: Mapping[int, tuple[int, int, int]] | None = None, **options: Any
) -> bytes:
    bands, height, width = pixels.shape
    # GDAL wants a picture to lie somewhere, and rasterio warns of one that does not; the file says nothing.
    options |= {"dtype": "uint8", "transform": _NOWHERE}
    with rasterio.Env(GDAL_PAM_ENABLED="NO"), MemoryFile() as memory:
        with memory.open(width=width, height=height, count=bands, **options) as target:
            if colours is not None:
                target.write_colormap(1, {value: (*colour, 255) for value, colour in colours.items()})
            target.write(pixels)
        return bytes(memory.getbuffer())
