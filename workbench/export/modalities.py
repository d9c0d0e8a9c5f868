"""Modalities: what a release may have of each patch beside the orthophoto and its labels.

Sizes, types and bands are those of FLAIR-HUB, in metres instead of pixels, so that patches of another size
have them, too: a patch of 102.4 m is 512² pixels of elevation, 10² of Sentinel-2.
"""

from __future__ import annotations

__all__ = ["MODALITIES", "Modality", "check_modalities", "grid_of"]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from affine import Affine

from workbench.errors import ReleaseError
from workbench.geo.grid import PixelGrid

_SENTINEL2: Final = ("B", "G", "R", "B05", "B06", "B07", "NIR", "B8A", "B11", "B12")


@dataclass(frozen=True, slots=True, kw_only=True)
class Modality:
    """One way of looking at a patch."""

    name: str
    pixel: float
    """Side of its pixels in metres, where a patch of 102.4 m has a whole number of them."""
    dtype: str
    bands: tuple[str, ...]
    """Of one date, in order."""
    series: bool = False
    """Whether it has several dates: their bands follow each other, the oldest date first."""
    resampling: Literal["bilinear", "nearest"] = "bilinear"
    """How pixels are made of a raster's finer or coarser ones; means, where these are finer."""

    def grid(self, patch: PixelGrid) -> PixelGrid:
        """Return the grid of its pixels on a patch."""
        ground = patch.resolution * patch.width
        side = round(ground / self.pixel)
        transform = Affine(ground / side, 0.0, patch.transform.c, 0.0, -ground / side, patch.transform.f)
        return PixelGrid(crs=patch.crs, transform=transform, height=side, width=side)


_ALL: Final = (
    Modality(name="elevation", pixel=0.2, dtype="float32", bands=("DSM", "DTM")),
    Modality(name="historical", pixel=0.4, dtype="uint8", bands=("P",)),
    Modality(name="spot", pixel=1.6, dtype="uint16", bands=("R", "G", "B", "NIR")),
    Modality(name="sentinel2", pixel=10.24, dtype="uint16", bands=_SENTINEL2, series=True),
    Modality(name="sentinel2-masks", pixel=10.24, dtype="uint8", bands=("SNOW", "CLOUD"), series=True),
    Modality(name="sentinel1-asc", pixel=10.24, dtype="float32", bands=("VV", "VH"), series=True),
    Modality(name="sentinel1-desc", pixel=10.24, dtype="float32", bands=("VV", "VH"), series=True),
    Modality(
        name="parcels", pixel=0.2, dtype="uint8", bands=("LPIS1", "LPIS2", "LPIS3"), resampling="nearest"
    ),
)
MODALITIES: Final[Mapping[str, Modality]] = MappingProxyType({one.name: one for one in _ALL})
"""By name: digital elevation models, orthophotos of about 1950, SPOT, Sentinel, and the crops of the land
parcel identification system in three levels."""


def check_modalities(names: Iterable[str]) -> tuple[str, ...]:
    """Return names of modalities, if there are such; of ``none`` alone there are none.

    Raises
    ------
    ReleaseError
        One is unknown.

    >>> check_modalities(["elevation"])
    ('elevation',)
    """
    chosen = tuple(dict.fromkeys(names))
    if chosen == ("none",):
        return ()
    if unknown := [name for name in chosen if name not in MODALITIES]:
        raise ReleaseError(f"modality {unknown[0]!r} is unknown; choose from {', '.join(MODALITIES)}")
    return chosen


def grid_of(modality: str, patch: PixelGrid) -> PixelGrid:
    """Return the grid of a modality's pixels on a patch; orthophoto and labels are the patch's own."""
    return MODALITIES[modality].grid(patch) if modality in MODALITIES else patch
