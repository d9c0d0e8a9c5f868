"""An array for napari that is made of patches, each read when its pixels are asked for."""

from __future__ import annotations

__all__ = ["PatchMosaic"]

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.export.patches import Patch
from workbench.geo.grid import Window


class PatchMosaic:
    """Pixels of patches in their places, each patch read when pixels of it are asked for; 0 in between.

    Napari takes it for an array of shape (row, col), or (row, col, channel).

    Parameters
    ----------
    patches
        Of one zone.
    whole
        Window of the zone's grid that holds them.
    read
        Gives the pixels of a patch: (row, col), or (row, col, channel).
    channels
        Number of channels; none if not given.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self,
        patches: Sequence[Patch],
        whole: Window,
        read: Callable[[Patch], NDArray[np.uint8]],
        *channels: int,
    ) -> None:
        self._waiting = {patch.id: (patch, patch.window.within(whole)) for patch in patches}
        self._read, self.shape = read, (*whole.shape, *channels)
        self._pixels = np.zeros(self.shape, np.uint8)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return self._pixels.size

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        self._have(key)
        return self._pixels[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._have(key)
        self._pixels[key] = value

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        self._have(())
        return np.array(self._pixels, dtype, copy=copy)

    def _have(self, key: Any) -> None:
        """Read the patches that an index touches and that were not read before."""
        keys = (*key, ..., ...) if isinstance(key, tuple) else (key, ...)
        rows, cols = (
            np.arange(length)[one] if isinstance(one, slice | int | np.integer) else np.arange(length)
            for one, length in zip((*keys, ...)[:2], self.shape[:2], strict=True)
        )
        for name, (patch, window) in [*self._waiting.items()]:
            if _crosses(rows, window.row, window.height) and _crosses(cols, window.col, window.width):
                self._pixels[window.slices] = self._read(patch)
                del self._waiting[name]


def _crosses(places: Any, first: int, length: int) -> bool:
    return bool(np.any((places >= first) & (places < first + length)))
