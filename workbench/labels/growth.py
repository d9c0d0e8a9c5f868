"""Arrays with room at their end, for what is added one by one."""

from __future__ import annotations

__all__ = ["doubled", "roomy"]

from typing import Any

import numpy as np
from numpy.typing import NDArray

_ROOM = 64


def roomy(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of an array with some room at its end."""
    return np.concatenate([array, np.zeros((_ROOM, *array.shape[1:]), array.dtype)])


def doubled(array: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of an array that is full, with as much room again."""
    return np.concatenate([array, np.zeros_like(array)])
