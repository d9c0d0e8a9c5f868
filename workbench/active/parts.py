"""Parts of a zone: the regions of a coarse cut, each with what it looks like and what it is taken for."""

from __future__ import annotations

__all__ = ["PIXELS_PER_PART", "STATISTICS", "Parts", "parts_of"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.errors import CampaignError
from workbench.segmentation.hierarchy import NODATA_LEAF, Hierarchy

PIXELS_PER_PART: Final = 8192
"""A zone is cut into one part for so many of its pixels: 330 m² at 20 cm, on average. Four times as many
choose no better (``tests/benchmarks/README.md``)."""
STATISTICS: Final = ("mean", "deviation", "around")
"""What is told of each band of a part: its mean, its standard deviation, and the mean of what lies around."""
_AROUND: Final = 65
"""Pixels a side of the square around each pixel: 13 m at 20 cm."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """Parts of a zone, a row each.

    Raises
    ------
    CampaignError
        Columns are of different lengths, or hold what is no number.
    """

    looks: NDArray[np.float64]
    """Shape (part, feature). The same features for all zones that are compared."""
    classes: NDArray[np.int64]
    """Shape (part,). The class that most of it is said to be, a column of `Measures.classes`; −1 where nobody
    says."""
    pixels: NDArray[np.float64]
    """Shape (part,)."""
    doubtful: NDArray[np.float64]
    """Shape (part,). The same pixels, each times how little the model knows of it, 0 to 1."""

    def __post_init__(self) -> None:
        rows = len(self.looks)
        for name in ("classes", "pixels", "doubtful"):
            if getattr(self, name).shape != (rows,):
                raise CampaignError(
                    f"{name} of {rows} parts have shape {getattr(self, name).shape}, not {(rows,)}"
                )
        if not all(np.isfinite(column).all() for column in (self.looks, self.pixels, self.doubtful)):
            raise CampaignError("parts of a zone are measured in what is no number; measure it again")

    def __len__(self) -> int:
        return len(self.looks)

    def document(self) -> dict[str, Any]:
        """Return what is kept of them."""
        return {
            "looks": self.looks.tolist(),
            "classes": self.classes.tolist(),
            "pixels": self.pixels.tolist(),
            "doubtful": self.doubtful.tolist(),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return what was kept of them."""
        return cls(
            looks=np.array(document["looks"], np.float64).reshape(len(document["looks"]), -1),
            classes=np.array(document["classes"], np.int64),
            pixels=np.array(document["pixels"], np.float64),
            doubtful=np.array(document["doubtful"], np.float64),
        )

    def of_bands(self, bands: Sequence[int]) -> Self:
        """Return them by the looks of some bands only, where `parts_of` made them."""
        shape = len(self), -1, len(STATISTICS)
        return replace(self, looks=self.looks.reshape(shape)[:, list(bands)].reshape(len(self), -1))


def parts_of(
    hierarchy: Hierarchy,
    image: NDArray[Any],
    codes: NDArray[np.uint8],
    doubt: NDArray[np.uint8],
    *,
    columns: NDArray[np.int64],
) -> Parts:
    """Cut a zone into parts and describe them.

    Features of a part are `STATISTICS` of the first band, of the second, and so on. Looks and doubtful pixels
    are rounded to a tenth, which is what is kept of them.

    Parameters
    ----------
    hierarchy
        Of the zone.
    image
        Shape (band, row, col). What it was made of.
    codes, doubt
        Shape (row, col). What each pixel is said to be, and how doubtful that is, 0 to 255.
    columns
        Shape (256,). The column of each code, −1 of those that say nothing.
    """
    cut = hierarchy.cut_count(max(int(hierarchy.area.sum()) // PIXELS_PER_PART, 1))
    labels = cut.labels()
    inside = labels != NODATA_LEAF
    part = labels[inside].astype(np.int64)
    said = columns[codes[inside]]
    width = int(columns.max(initial=0)) + 2
    votes = np.bincount(part * width + said + 1, minlength=cut.count * width).reshape(cut.count, width)
    pixels = votes.sum(axis=1).astype(np.float64)
    votes[:, 0] = 0
    return Parts(
        looks=_looks(hierarchy, cut.lut, part, pixels, image, inside),
        classes=np.where(votes.any(axis=1), votes.argmax(axis=1) - 1, -1),
        pixels=pixels,
        doubtful=np.round(np.bincount(part, doubt[inside], minlength=cut.count) / 255, 1),
    )


def _looks(
    hierarchy: Hierarchy,
    lut: NDArray[np.uint32],
    part: NDArray[np.int64],
    pixels: NDArray[np.float64],
    image: NDArray[Any],
    inside: NDArray[np.bool_],
) -> NDArray[np.float64]:
    looks = np.empty((pixels.size, len(image), len(STATISTICS)))
    near = _blurred(inside)
    for number, band in enumerate(image):
        mean = np.bincount(lut, hierarchy.sums[number]) / pixels
        square = np.bincount(lut, hierarchy.squares[number]) / pixels
        around = _blurred(np.where(inside, band, 0))[inside] / near[inside]
        looks[:, number, 0] = mean
        looks[:, number, 1] = np.sqrt(np.maximum(square - mean**2, 0))
        looks[:, number, 2] = np.bincount(part, around) / pixels
    return np.round(looks.reshape(pixels.size, -1), 1)


def _blurred(band: NDArray[Any]) -> NDArray[np.float32]:
    blurred: NDArray[np.float32] = ndimage.uniform_filter(band.astype(np.float32), _AROUND, mode="nearest")
    return blurred
