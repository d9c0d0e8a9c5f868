"""What decides a hierarchy: its parameters and its image, and the digest that names both."""

from __future__ import annotations

__all__ = ["SegmentationParameters", "digest_image", "usable_pixels"]

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from workbench import documents
from workbench.errors import HierarchyError
from workbench.segmentation.partition import noise_levels

_ALGORITHM = 1
"""Part of every digest; goes up whenever the same image and parameters give another hierarchy."""

_DTYPES = ("uint8", "uint16", "float32")
_MAX_PIXELS = 2**31 - 1
# Far above any radiance, reflectance or height: what lies beyond is a fill value such as −3.4e38 that
# nobody declared, and one pixel of it would outweigh the whole image.
_LARGEST_VALUE = 1e12
# Standard deviation of rounding to whole numbers: no integer band is less noisy than that.
_ROUNDING_NOISE = 1.0 / math.sqrt(12.0)

Start = Literal["basins", "pixels"]
Equaliser = Literal["equal", "noise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentationParameters:
    """How an image is segmented; recorded in the hierarchy.

    >>> SegmentationParameters().as_document()["band_weights"]
    'equal'
    """

    start: Start = "basins"
    """Where merging starts: from gradient basins, or from single pixels (finer, about ten times the work;
    touching pixels of equal values are one leaf)."""
    smoothing: float = 0.65
    """Standard deviation in pixels of the Gaussian on the gradient that basins are found in; 0 for none."""
    band_weights: tuple[float, ...] | Equaliser = "equal"
    """Factor of each band's squared differences in D: one number per band, all 1 (``equal``), or the inverse
    of the band's noise variance (``noise``)."""

    def __post_init__(self) -> None:
        if self.start not in get_args(Start):
            raise HierarchyError(f"start is {self.start!r}; choose one of {', '.join(get_args(Start))}")
        if not 0.0 <= self.smoothing <= 16.0:
            raise HierarchyError(f"smoothing is {self.smoothing} px; choose 0 to 16")
        weights = self.band_weights
        if isinstance(weights, str):
            if weights not in get_args(Equaliser):
                raise HierarchyError(f"band_weights is {weights!r}; give numbers, or 'equal' or 'noise'")
        elif not (all(math.isfinite(w) and w >= 0 for w in weights) and any(w > 0 for w in weights)):
            raise HierarchyError(f"band_weights are {weights}; give finite numbers ≥ 0, not all 0")

    def as_document(self) -> dict[str, Any]:
        """Return the parameters as JSON values, with the number of the algorithm that reads them."""
        weights = self.band_weights
        return {
            "algorithm": _ALGORITHM,
            "start": self.start,
            "smoothing": self.smoothing,
            "band_weights": weights if isinstance(weights, str) else list(weights),
        }

    @classmethod
    def from_document(cls, document: object) -> SegmentationParameters:
        """Build the parameters back from `as_document`.

        Raises
        ------
        HierarchyError
            A key is missing, unknown or of the wrong type, or another algorithm made them.
        """
        if not isinstance(document, Mapping):
            raise HierarchyError(
                f"parameters are {type(document).__name__}, not an object of names and values"
            )
        rest = dict(document)
        algorithm = rest.pop("algorithm", None)
        if algorithm != _ALGORITHM:
            raise HierarchyError(f"parameters are of algorithm {algorithm!r}, this software has {_ALGORITHM}")
        weights = rest.get("band_weights")
        if isinstance(weights, list):
            rest["band_weights"] = tuple(float(weight) for weight in weights)
        try:
            return cls(**rest)
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

    def weights_of(self, image: NDArray[np.generic], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the factor of each band for an image, shape (band,)."""
        bands = image.shape[0]
        if self.band_weights == "equal":
            return np.ones(bands)
        if self.band_weights == "noise":
            levels = noise_levels(image, valid=valid)
            floor = _ROUNDING_NOISE if image.dtype.kind == "u" else 0.0
            levels = np.maximum(levels, floor)
            levels[levels == 0.0] = levels.max() or 1.0
            return np.asarray(levels**-2.0)
        if len(self.band_weights) != bands:
            raise HierarchyError(f"image has {bands} bands, band_weights has {len(self.band_weights)}")
        return np.array(self.band_weights)


def usable_pixels(image: NDArray[np.generic], valid: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Check an image and return which of its pixels take part: valid ones that are finite in all bands.

    Parameters
    ----------
    image
        Shape (band, row, col); uint8, uint16 or float32.
    valid
        Shape (row, col), or None where all pixels are.

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
        usable = np.array(valid, np.bool_, order="C")
    if image.dtype.kind == "f":
        for band in image:
            usable &= np.isfinite(band)
        for number, band in enumerate(image, start=1):
            largest = float(np.max(np.abs(band), where=usable, initial=0.0))
            if largest > _LARGEST_VALUE:
                raise HierarchyError(f"band {number} holds {largest:g}, a fill value; declare it as nodata")
    if not usable.any():
        raise HierarchyError(f"all {usable.size} pixels are nodata; there is nothing to segment")
    return usable


def digest_image(image: NDArray[np.generic], valid: NDArray[np.bool_] | None = None) -> str:
    """Return the SHA-256 of an image's type, shape, pixels and mask, as 64 hexadecimal digits."""
    hasher = hashlib.sha256(f"{image.dtype.name} {image.shape}".encode())
    for band in image:
        hasher.update(np.ascontiguousarray(band, dtype=image.dtype.newbyteorder("<")).data)
    if valid is not None and not valid.all():
        hasher.update(np.packbits(valid).data)
    return hasher.hexdigest()
