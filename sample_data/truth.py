"""From painted ids to objects: connected, numbered, without crumbs."""

from __future__ import annotations

__all__ = ["tidy"]

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

# 50 pixels are 2 m²: a photo-interpreter draws nothing smaller.
_CRUMB = 50


def tidy(
    classes: NDArray[np.uint8], painted: NDArray[np.uint32]
) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Return class and object truth in which each object is 4-connected, of one class and no crumb.

    Parameters
    ----------
    classes
        Shape (row, col). Code of each pixel; one code per painted id.
    painted
        Shape (row, col). Id of what was painted last; its visible parts may be apart.

    Returns
    -------
    classes, objects
        Parts under 50 pixels are given to the object beside them; ids are 1 … n in order of first pixel.
    """
    labels: NDArray[np.int32] = label(  # type: ignore[no-untyped-call]
        painted.view(np.int32), background=-1, connectivity=1
    ).astype(np.int32, copy=False)
    flat = labels.ravel()
    sizes = np.bincount(flat)
    code_of = np.zeros(len(sizes), np.uint8)
    code_of[flat] = classes.ravel()
    crumb = sizes < _CRUMB
    left = np.flatnonzero(crumb[flat])
    width = labels.shape[1]
    while left.size:
        home = flat[left]
        for step, edge in ((-width, None), (-1, 0), (1, width - 1), (width, None)):
            beside = left + step
            inside = (beside >= 0) & (beside < flat.size)
            if edge is not None:
                inside &= left % width != edge
            found = flat[np.where(inside, beside, left)]
            take = crumb[home] & inside & ~crumb[found]
            home = np.where(take, found, home)
        if not (home != flat[left]).any():
            break
        flat[left] = home
        left = left[crumb[home]]
    kept = np.bincount(flat, minlength=len(sizes)) > 0
    number = np.cumsum(kept).astype(np.uint32)
    return code_of[labels], number[labels]
