"""What decides a hierarchy: its parameters and its image, and the digest that names both."""

from __future__ import annotations

__all__ = ["ALGORITHM", "Preset", "SegmentationParameters", "digest_image", "usable_pixels"]

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from workbench import documents
from workbench.errors import HierarchyError
from workbench.segmentation.features import Mixing, noise_levels, texture_matrix
from workbench.segmentation.mapper import Mapper

ALGORITHM = 2
"""Part of every digest; goes up whenever the same image and parameters give another hierarchy. 1 knew no
``leaf_pixels``: each basin was a leaf."""

_DTYPES = ("uint8", "uint16", "float32")
_MAX_PIXELS = 2**31 - 1
_COARSEST_LEAF = 73.0
_SINCE_2 = (
    "leaf_pixels",
    "leaf_budget",
    "coarse",
    "inside",
    "region_cost",
)
# Far above any radiance, reflectance or height: what lies beyond is a fill value such as −3.4e38 that
# nobody declared, and one pixel of it would outweigh the whole image.
_LARGEST_VALUE = 1e12
# Standard deviation of rounding to whole numbers: no integer band is less noisy than that.
_ROUNDING_NOISE = 1.0 / math.sqrt(12.0)

_NUMBER: Any = (int, float)
_RANGES: dict[str, tuple[Any, float, float]] = {
    "smoothing": (_NUMBER, 0, 16),
    "leaf_pixels": (_NUMBER, 1, 1_000_000),
    "leaf_budget": (int, 1, _MAX_PIXELS),
    "coarse": (_NUMBER, 0.25, 4),
    "inside": (int, 1, 15),
    "region_cost": (int, 0, 1000),
    "algorithm": (int, 1, ALGORITHM),
}
"""Kind of each number, and from where to where it goes."""

Start = Literal["basins", "pixels"]
Equaliser = Literal["equal", "noise", "texture"]
Preset = Literal["default", "plain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationParameters:
    """How an image is segmented; recorded in the hierarchy.

    The values that stand here are the plainest: squared error of the bands plus boundary length, from all
    basins of the gradient. `preset` has the settings to work with.

    >>> SegmentationParameters().as_document()["band_weights"]
    'equal'
    """

    start: Start = "basins"
    """Where merging starts: from gradient basins, or from single pixels (finer, about ten times the work;
    touching pixels of equal values are one leaf)."""
    smoothing: float = 0.65
    """Standard deviation in pixels of the Gaussian on the gradient that basins are found in; 0 for none."""
    leaf_pixels: float = 1.0
    """Pixels per leaf, on average, at least. Whatever merges at a smaller scale than the one that leaves so
    many regions is merged beforehand and is in no hierarchy; 1 keeps everything."""
    leaf_budget: int = _MAX_PIXELS
    """Leaves at most, in images whose leaves then have 73 pixels or fewer. Larger ones have a leaf for every
    73 pixels."""
    band_weights: tuple[float, ...] | Equaliser = "equal"
    """Factor of each band's squared differences in D: one number per band, all 1 (``equal``), the inverse of
    the band's noise variance (``noise``), or bands mixed so that fine texture counts the same in all
    directions (``texture``)."""
    coarse: float = 0.0
    """Deriche's α, per cell of 2 × 2 pixels, of the coarse basins that no leaf crosses; 0 for none. With 1.0,
    at 20 cm, these are the regions whose borders IGN's masks follow."""
    inside: int = 1
    """What an edgel inside a coarse basin counts in C, 1 … 15; one between two counts 1."""
    region_cost: int = 0
    """What a region itself counts in C, in edgels."""

    algorithm: int = ALGORITHM
    """Number of the algorithm that reads the parameters. Hierarchies of earlier ones are read, not made."""

    def __post_init__(self) -> None:
        if self.start not in get_args(Start):
            raise HierarchyError(f"start is {self.start!r}; choose one of {', '.join(get_args(Start))}")
        for name, (kind, low, high) in _RANGES.items():
            value = getattr(self, name)
            if name == "coarse" and value == 0:
                continue
            if isinstance(value, bool) or not (isinstance(value, kind) and low <= value <= high):
                what = "a whole number" if kind is int else "a number"
                raise HierarchyError(f"{name} is {value!r}; choose {what} from {low:,} to {high:,}")
        weights: Any = self.band_weights
        if isinstance(weights, str):
            if weights not in get_args(Equaliser):
                raise HierarchyError(
                    f"band_weights is {weights!r}; give numbers, or one of {', '.join(get_args(Equaliser))}"
                )
        elif not isinstance(weights, tuple) or not all(
            isinstance(weight, (int, float)) for weight in weights
        ):
            raise HierarchyError(f"band_weights is {weights!r}; give a tuple of numbers, one for each band")
        elif not (all(math.isfinite(w) and w >= 0 for w in weights) and any(w > 0 for w in weights)):
            raise HierarchyError(f"band_weights are {weights}; give finite numbers ≥ 0, not all 0")

    @classmethod
    def preset(cls, name: Preset) -> SegmentationParameters:
        """Return one of the settings that have a name.

        ``default`` is the one tuned for picks. ``plain`` is the textbook's: from single pixels, all bands
        alike, nothing smoothed, and leaves so fine that all scales from 30 on (for uint8 bands) are there.

        >>> SegmentationParameters.preset("plain").start
        'pixels'
        """
        if name not in get_args(Preset):
            raise HierarchyError(f"there is no preset {name!r}; choose one of {', '.join(get_args(Preset))}")
        if name == "plain":
            return cls(start="pixels", smoothing=0.0, leaf_pixels=2.2)
        return cls(
            smoothing=1.0,
            leaf_pixels=16.0,
            leaf_budget=300_000,
            band_weights="texture",
            coarse=1.0,
            inside=6,
            region_cost=3,
        )

    def as_document(self) -> dict[str, Any]:
        """Return the parameters as JSON values, with the number of the algorithm that reads them."""
        weights = self.band_weights
        document: dict[str, Any] = {
            "algorithm": self.algorithm,
            "start": self.start,
            "smoothing": self.smoothing,
            "band_weights": weights if isinstance(weights, str) else list(weights),
        }
        if self.algorithm > 1:
            document |= {name: getattr(self, name) for name in _SINCE_2}
        return document

    @classmethod
    def from_document(cls, document: object) -> SegmentationParameters:
        """Build the parameters back from `as_document`.

        Raises
        ------
        HierarchyError
            A key is missing, unknown or of the wrong type, or a later algorithm made them.
        """
        if not isinstance(document, Mapping):
            raise HierarchyError(
                f"parameters are {type(document).__name__}, not an object of names and values"
            )
        values = dict(document)
        if not isinstance(values.get("algorithm"), int):
            raise HierarchyError(f"parameters are of algorithm {values.get('algorithm')!r}, not of a number")
        weights = values.get("band_weights")
        if isinstance(weights, list):
            values["band_weights"] = tuple(float(weight) for weight in weights)
        try:
            return cls(**values)
        except TypeError as error:
            raise HierarchyError(f"parameters {dict(document)} are not understood: {error}") from error

    def digest(self, image_digest: str) -> str:
        """Name the hierarchy that these parameters make of an image, before or after making it.

        Parameters
        ----------
        image_digest
            From `digest_image`.
        """
        return documents.digest(
            documents.canonical_bytes({"parameters": self.as_document(), "image": image_digest})
        )

    def pixels_per_leaf(self, pixels: int) -> float:
        """Return how many pixels a leaf has on average in an image of so many.

        >>> parameters = SegmentationParameters.preset("default")
        >>> [parameters.pixels_per_leaf(pixels) for pixels in (512**2, 12_000_000, 10**9)]
        [16.0, 40.0, 73.0]
        """
        return max(self.leaf_pixels, min(pixels / self.leaf_budget, _COARSEST_LEAF))

    def mixing_of(
        self,
        samples: Sequence[tuple[NDArray[np.generic], NDArray[np.bool_]]],
        map: Mapper = map,  # noqa: A002 - it takes the place of the builtin
    ) -> Mixing:
        """Return how the bands of an image become features, estimated on samples of it.

        Parameters
        ----------
        samples
            Parts of the image, shape (band, row, col), and which of their pixels are valid.
        """
        bands, dtype = samples[0][0].shape[0], samples[0][0].dtype
        known = np.concatenate([image[:, valid] for image, valid in samples], axis=1)
        centre = known.mean(axis=1, dtype=np.float64) if known.size else np.zeros(bands)
        if self.band_weights == "texture":
            return Mixing(centre=centre, matrix=texture_matrix(samples, map))
        if self.band_weights == "equal":
            weights = np.ones(bands)
        elif self.band_weights == "noise":
            levels = noise_levels(samples)
            floor = _ROUNDING_NOISE if dtype.kind == "u" else 0.0
            levels = np.maximum(levels, floor)
            levels[levels == 0.0] = levels.max() or 1.0
            weights = levels**-2.0
        elif len(self.band_weights) != bands:
            raise HierarchyError(f"image has {bands} bands, band_weights has {len(self.band_weights)}")
        else:
            weights = np.array(self.band_weights)
        return Mixing(centre=centre, matrix=np.diag(np.sqrt(weights)))


def usable_pixels(
    image: NDArray[np.generic], valid: NDArray[np.bool_] | None, *, some: bool = True
) -> NDArray[np.bool_]:
    """Check an image and return which of its pixels take part: valid ones that are finite in all bands.

    Parameters
    ----------
    image
        Shape (band, row, col); uint8, uint16 or float32.
    valid
        Shape (row, col), or None where all pixels are.
    some
        Whether there must be a usable pixel.

    Raises
    ------
    HierarchyError
        The image is of another type or shape, holds an undeclared fill value, or has no usable pixel.
    """
    if image.ndim != 3 or 0 in image.shape:
        raise HierarchyError(f"image has shape {image.shape}; give a non-empty (band, row, col) array")
    if image.dtype.name not in _DTYPES:
        raise HierarchyError(f"image is {image.dtype.name}; convert it to one of {', '.join(_DTYPES)}")
    if image[0].size > _MAX_PIXELS:
        raise HierarchyError(
            f"image has {image[0].size} pixels, at most {_MAX_PIXELS} fit; cut it into zones"
        )
    if valid is None:
        usable = np.ones(image.shape[1:], np.bool_)
    elif valid.shape != image.shape[1:]:
        raise HierarchyError(f"valid mask has shape {valid.shape}, the image's pixels {image.shape[1:]}")
    else:
        usable = np.ascontiguousarray(valid, np.bool_)
    if image.dtype.kind == "f":
        for band in image:
            usable = usable & np.isfinite(band)
        for number, band in enumerate(image, start=1):
            largest = float(np.max(np.abs(band), where=usable, initial=0.0))
            if largest > _LARGEST_VALUE:
                raise HierarchyError(f"band {number} holds {largest:g}, a fill value; declare it as nodata")
    if some and not usable.any():
        raise HierarchyError(f"all {usable.size} pixels are nodata; there is nothing to segment")
    return usable


def digest_image(image: NDArray[np.generic], valid: NDArray[np.bool_] | None = None) -> str:
    """Return the SHA-256 of an image's type, shape, pixels and mask, as 64 hexadecimal digits."""
    bands = image.astype(image.dtype.newbyteorder("<"), copy=False)
    mask = [] if valid is None or valid.all() else [np.packbits(valid)]
    return documents.digest_arrays(f"{image.dtype.name} {image.shape}".encode(), itertools.chain(bands, mask))
