"""As many tiles at a time as a device has memory for."""

from __future__ import annotations

__all__ = ["Batches"]

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from workbench.errors import ModelError

_LARGEST = 16
"""Tiles that a graphics card is asked for at once, until it has no memory for them."""
_Number = TypeVar("_Number", np.uint8, np.float32)


class Batches:
    """Asks a device for tiles; remembers how many it has memory for.

    Parameters
    ----------
    device
        A processor, where a tile at a time is fastest, or a graphics card.
    each
        Images that the device looks at for a tile.
    """

    def __init__(self, device: torch.device, *, each: int = 1) -> None:
        self._device = device
        self.size = 1 if device.type == "cpu" else max(1, _LARGEST // each)
        """Tiles that are looked at at once; halved when there is no memory for more."""

    def ask(
        self, tiles: NDArray[np.uint8], told: Callable[[NDArray[np.uint8]], NDArray[_Number]]
    ) -> NDArray[_Number]:
        """Return what is told of tiles, shape (tile, …) both.

        The last of several batches is filled up, and what is told of that forgotten: for a graphics card a
        batch of another size is another program, which it plans first, and which rounds otherwise.

        Raises
        ------
        ModelError
            There is no memory for a single tile.
        """
        done: list[NDArray[_Number]] = []
        first = 0
        while first < len(tiles):
            size = self.size
            part = tiles[first : first + size]
            try:
                with torch.inference_mode():
                    done.append(told(_filled(part, size if len(tiles) > 1 else 1))[: len(part)])
            except torch.cuda.OutOfMemoryError as error:
                if size == 1:
                    raise ModelError(
                        f"{self._device} has no memory for a tile of {tiles.shape[1]} pixels; choose smaller "
                        "tiles, or --device cpu"
                    ) from error
                self.size = max(1, min(size, self.size) // 2)
                torch.cuda.empty_cache()
            else:
                first += size
        return np.concatenate(done)


def _filled(tiles: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    if len(tiles) == count:
        return tiles
    return np.concatenate([tiles, np.zeros((count - len(tiles), *tiles.shape[1:]), np.uint8)])
