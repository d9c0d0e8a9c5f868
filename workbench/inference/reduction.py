"""From a number per class to a byte each for class, probability and doubt, where the numbers are.

Nineteen float planes are 76 bytes per pixel, what is kept of them is three.
"""

from __future__ import annotations

__all__ = ["disagreement", "reduce_probabilities", "reduce_scores"]

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.compiled import kernel

_MOST = 255.0
_NEAR = 256
"""Pixels whose classes lie beside each other: 20 kB of the processor's nearest cache."""


def reduce_scores(scores: Tensor) -> NDArray[np.uint8]:
    """Return the planes of `workbench.geo.predictions.PLANES` for logits.

    Entropy is that of the softmax over the classes whose logit is not -inf, over its most, the logarithm of
    their number (Shannon 1948).

    Parameters
    ----------
    scores
        Shape (tile, class, row, col), float32, on any device; -inf for classes that do not count.

    Returns
    -------
    numpy.ndarray
        Shape (tile, plane, row, col). Of equal logits the first class counts; where a logit is no number
        all planes are 0.
    """
    counted = int(torch.isfinite(scores[0, :, 0, 0]).sum())
    if scores.device.type != "cpu":
        return _on_device(scores, counted)
    tiles, classes, rows, cols = scores.shape
    listed = scores.permute(0, 2, 3, 1).reshape(-1, classes)  # no copy where channels lie last
    planes = np.empty((3, len(listed)), dtype=np.uint8)
    _reduce(listed.numpy(), 1 / math.log(max(counted, 2)), planes)
    return np.ascontiguousarray(planes.reshape(3, tiles, rows, cols).swapaxes(0, 1))


def reduce_probabilities(mean: Tensor, shared: Tensor, counted: int) -> NDArray[np.uint8]:
    """Return class, probability, entropy and mutual information for what several members say together.

    Members are averaged in probability.

    Parameters
    ----------
    mean, shared, counted
        As for `disagreement`.

    Returns
    -------
    numpy.ndarray
        Shape (tile, plane, row, col), the planes of `workbench.geo.predictions.PLANES` and what the members
        disagree on; all 0 where a probability is no number.
    """
    top, index = mean.max(dim=1)
    doubt = torch.special.entr(mean).sum(dim=1) / math.log(max(counted, 2))
    disagreed = disagreement(mean, shared, counted)
    return _in_bytes(top, [index + 1.0, top * _MOST, doubt * _MOST, disagreed * _MOST])


def disagreement(mean: Tensor, shared: Tensor, counted: int) -> Tensor:
    """Return the mutual information of what several members say, shape (tile, row, col), from 0 to 1.

    It is the entropy of the mean less the mean of the entropies (Houlsby et al. 2011, BALD): what they
    disagree on, not what none of them can tell. Its most is that of the entropy, the logarithm of the number
    of classes.

    Parameters
    ----------
    mean
        Shape (tile, class, row, col), the mean of the members' probabilities.
    shared
        Shape (tile, row, col), the mean of the members' entropies, in nats.
    counted
        Number of classes that can be predicted.
    """
    doubt = torch.special.entr(mean).sum(dim=1)
    disagreed: Tensor = (doubt - shared).clamp(min=0) / math.log(max(counted, 2))
    return disagreed


def _on_device(scores: Tensor, counted: int) -> NDArray[np.uint8]:
    logs = scores.log_softmax(dim=1)
    top, index = logs.max(dim=1)
    doubt = torch.special.entr(logs.exp()).sum(dim=1) / math.log(max(counted, 2))
    return _in_bytes(top, [index + 1.0, top.exp() * _MOST, doubt * _MOST])


def _in_bytes(top: Tensor, planes: Sequence[Tensor]) -> NDArray[np.uint8]:
    """Return planes as bytes, 0 where the score of the first class is no number: the largest is NaN there."""
    told = torch.where(top.isnan(), 0.0, torch.stack(list(planes))).movedim(0, 1)
    told_bytes: NDArray[np.uint8] = told.round().clamp(0, _MOST).to(torch.uint8).cpu().numpy()
    return told_bytes


@kernel
def _reduce(scores: NDArray[np.float32], scale: float, planes: NDArray[np.uint8]) -> None:
    """Fill (plane, pixel) from logits (pixel, class).

    Classes of a few pixels lie beside each other in the processor's cache, pixels in its registers: eight
    exponentials at a time, 2.5 times as fast as by torch. Each is 2 to a whole number, written into the bits
    of a float, times Taylor's polynomial of the rest, which errs by 3e-6: a byte cannot tell.
    """
    pixels, classes = scores.shape
    near = np.empty((classes, _NEAR), np.float32)
    most, best = np.empty(_NEAR, np.float32), np.empty(_NEAR, np.float32)
    total, weighted = np.empty(_NEAR, np.float32), np.empty(_NEAR, np.float32)
    bits, rest = np.empty(_NEAR, np.int32), np.empty(_NEAR, np.float32)
    powers = bits.view(np.float32)
    near[:] = 0
    for first in range(0, pixels, _NEAR):
        count = min(_NEAR, pixels - first)
        for pixel in range(count):
            for number in range(classes):
                near[number, pixel] = scores[first + pixel, number]
        most[:], best[:] = near[0], 0
        for number in range(1, classes):
            for pixel in range(_NEAR):
                above = near[number, pixel] > most[pixel]
                best[pixel] = np.float32(number) if above else best[pixel]
                most[pixel] = near[number, pixel] if above else most[pixel]
        total[:], weighted[:] = 0, 0
        for number in range(classes):
            for pixel in range(_NEAR):
                below = max(near[number, pixel] - most[pixel], np.float32(-80))
                halves = below * np.float32(1.4426950408889634)
                whole = np.floor(halves + np.float32(0.5))
                x = (halves - whole) * np.float32(0.6931471805599453)
                five = np.float32(1 / 24) + x * np.float32(1 / 120)
                three = np.float32(0.5) + x * (np.float32(1 / 6) + x * five)
                rest[pixel] = np.float32(1) + x * (np.float32(1) + x * three)
                bits[pixel] = (np.int32(whole) + np.int32(127)) << np.int32(23)
                near[number, pixel] = below
            for pixel in range(_NEAR):
                power = rest[pixel] * powers[pixel]
                total[pixel] += power
                weighted[pixel] += power * near[number, pixel]
        for pixel in range(count):
            if not total[pixel] >= 1:  # not a number: nothing is known
                planes[:, first + pixel] = 0
                continue
            doubt = (math.log(total[pixel]) - weighted[pixel] / total[pixel]) * scale
            planes[0, first + pixel] = np.uint8(best[pixel]) + 1
            planes[1, first + pixel] = int(_MOST / total[pixel] + 0.5)
            planes[2, first + pixel] = min(int(doubt * _MOST + 0.5), 255)
