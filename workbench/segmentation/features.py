"""Bands → features: the numbers whose squared differences the data term D adds up."""

from __future__ import annotations

__all__ = ["Mixing", "noise_levels", "texture_matrix"]

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.compiled import kernel
from workbench.segmentation.mapper import Mapper

# For a centred unit-variance noise the 3 × 3 Laplacian below has this standard deviation, and a normal
# variable's median absolute deviation is 0.6745 standard deviations.
_LAPLACIAN_GAIN = 6.0
_MAD_OF_NORMAL = 0.6745

_TEXTURE = 6.0
"""Standard deviation, in pixels, of the Gaussian beyond which an image is texture."""
_FLOOR = 0.5


class Mixing(NamedTuple):
    """An affine map of bands to features."""

    centre: NDArray[np.float64]
    """Shape (band,). What is subtracted first, near the image's mean so that no digits are lost."""
    matrix: NDArray[np.float64]
    """Shape (feature, band)."""

    @property
    def weights(self) -> NDArray[np.float64]:
        """Return the factor of each band's squared differences, shape (band,); 1 where bands are mixed."""
        factors = np.diagonal(self.matrix)
        mixed = np.count_nonzero(self.matrix) > np.count_nonzero(factors)
        return np.ones(self.matrix.shape[1]) if mixed else np.asarray(factors**2)

    def means(self, sums: NDArray[np.float64], area: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the mean features of regions, shape (region, feature), of their sums (band, region)."""
        return _mean_features(sums, area, self.centre, self.matrix)


@kernel
def _mean_features(
    sums: NDArray[np.float64],
    area: NDArray[np.int64],
    centre: NDArray[np.float64],
    matrix: NDArray[np.float64],
) -> NDArray[np.float64]:
    count, bands = matrix.shape
    means, centred = np.zeros((area.size, count)), np.empty(bands)
    for region in range(area.size):
        for band in range(bands):
            centred[band] = sums[band, region] / area[region] - centre[band]
        for k in range(count):
            for band in range(bands):
                means[region, k] += matrix[k, band] * centred[band]
    return means


def texture_matrix(
    samples: Sequence[tuple[NDArray[np.generic], NDArray[np.bool_]]],
    map: Mapper = map,  # noqa: A002 - it takes the place of the builtin
) -> NDArray[np.float64]:
    """Return the matrix that makes fine texture equally strong in all directions of the bands.

    Texture is what a Gaussian of 6 pixels takes away. Its covariance C, with half of its mean variance
    added to the diagonal, so that directions without texture are not blown up, gives the features' matrix
    C^(−1/2): a difference of 1 is one standard deviation of texture, in whatever units the bands are.
    """
    bands = samples[0][0].shape[0]
    scatter = sum(map(_scatter, samples), np.zeros((bands, bands)))
    pixels = sum(int(np.count_nonzero(valid)) for _, valid in samples)
    variance = np.trace(scatter) / (bands * max(pixels, 1))
    if variance <= 0.0:
        return np.eye(bands)
    covariance = scatter / (pixels * variance) + _FLOOR * np.eye(bands)
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * values**-0.5 @ vectors.T * math.sqrt((1.0 + _FLOOR) / variance))


def _scatter(sample: tuple[NDArray[np.generic], NDArray[np.bool_]]) -> NDArray[np.float64]:
    """Return the sums of products of what a Gaussian takes away from bands, shape (band, band)."""
    image, valid = sample
    values = np.where(valid, image, 0).astype(np.float32)
    share = ndimage.gaussian_filter(valid.astype(np.float32), _TEXTURE, mode="constant", truncate=2.0)
    soft = ndimage.gaussian_filter(values, (0, _TEXTURE, _TEXTURE), mode="constant", truncate=2.0)
    rest = (values - soft / np.maximum(share, 1e-9))[:, valid].astype(np.float64)
    return np.asarray(np.einsum("bn,cn->bc", rest, rest))  # not BLAS, whose sums depend on its threads


def noise_levels(samples: Sequence[tuple[NDArray[np.generic], NDArray[np.bool_]]]) -> NDArray[np.float64]:
    """Estimate each band's noise standard deviation, in the band's unit; 0 where a band shows none.

    The median absolute 3 × 3 Laplacian (Immerkær 1996) over samples of the image: edges and texture are few
    enough among pixels for the median to pass them over.
    """
    found = [_laplacian(image, valid) for image, valid in samples if min(valid.shape) >= 3]
    known = np.concatenate(found, axis=1) if found else np.empty((samples[0][0].shape[0], 0))
    if not known.size:
        return np.zeros(known.shape[0])
    return np.asarray(np.median(np.abs(known), axis=1) / (_MAD_OF_NORMAL * _LAPLACIAN_GAIN))


def _laplacian(image: NDArray[np.generic], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the 3 × 3 Laplacian wherever all nine pixels are valid, shape (band, pixel)."""
    rows = valid[:-2] & valid[1:-1] & valid[2:]
    whole = rows[:, :-2] & rows[:, 1:-1] & rows[:, 2:]
    values = image.astype(np.float64)
    across = 2.0 * values[:, 1:-1] - values[:, :-2] - values[:, 2:]
    return np.asarray((2.0 * across[:, :, 1:-1] - across[:, :, :-2] - across[:, :, 2:])[:, whole])
