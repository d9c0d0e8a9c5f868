"""Patches to look at: picture and classes of a few of a release as images for a page."""

from __future__ import annotations

__all__ = ["Look", "look_at"]

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.export.patches import Patch
from workbench.export.release import Release
from workbench.geo.thumbnails import indexed_png, jpeg, picked, shrunk, three_bands

_SIDE: Final = 256
"""Pixels of an image on the page, at most."""
_SHOWN: Final = 0.01
"""Share of a patch from which on a class is worth showing there, and named."""
_NUMBERED: Final = 0.02
_RIM: Final = 0.05
"""Share of an image at its sides where no number has room."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """One patch on the page."""

    patch: Patch
    picture: bytes
    """JPEG: red, green, blue; or the first band, where the release has no colours."""
    classes: bytes
    """PNG in the colours of the nomenclature."""
    shares: tuple[tuple[int, float], ...]
    """Classes by code and their share of the patch, the largest first."""
    numbers: tuple[tuple[int, float, float], ...]
    """A code, and where its class has most room: right and down, 0–1."""


def look_at(release: Release, patch: Patch) -> Look:
    """Read a patch and make its images.

    Raises
    ------
    WorkbenchError
        Its files cannot be read.
    """
    codes = release.labels(patch, layout=release.richest.name)
    found, counts = np.unique(codes, return_counts=True)
    shares = sorted(
        ((int(code), float(n / codes.size)) for code, n in zip(found, counts, strict=True)), key=_rank
    )
    return Look(
        patch=patch,
        picture=_picture(release, patch),
        classes=indexed_png(picked(codes, _SIDE), release.nomenclature.colour_table()),
        shares=tuple(pair for pair in shares if pair[1] >= _SHOWN),
        numbers=tuple(_roomiest(codes == code, code) for code, share in shares if share >= _NUMBERED),
    )


def _rank(pair: tuple[int, float]) -> tuple[float, int]:
    return -pair[1], pair[0]


def _picture(release: Release, patch: Patch) -> bytes:
    layout = release.richest
    image = release.image(patch, layout=layout.name)
    shown = [layout.bands.index(name) for name in three_bands(layout.bands)]
    return jpeg(shrunk(image[shown], _SIDE))


def _roomiest(mask: NDArray[np.bool_], code: int) -> tuple[int, float, float]:
    """Return a code and the middle of the largest disc inside its pixels, where a number has room."""
    from scipy import ndimage

    step = max(1, mask.shape[0] // 128)
    room = ndimage.distance_transform_edt(np.pad(mask[::step, ::step], 1))[1:-1, 1:-1]
    row, col = np.unravel_index(int(room.argmax()), room.shape)
    right, down = (
        float(np.clip((at + 0.5) / size, _RIM, 1 - _RIM))
        for at, size in zip((col, row), room.shape[::-1], strict=True)
    )
    return code, round(right, 4), round(down, 4)
