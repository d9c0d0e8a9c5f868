"""From a number per class to a byte each for class, probability and doubt, where the numbers are.

Nineteen float planes are 76 bytes per pixel, what is kept of them is three.
"""

from __future__ import annotations

__all__ = ["reduce_probabilities", "reduce_scores"]

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.compiled import kernel

_MOST = 255.0


def reduce_scores(scores: Tensor) -> NDArray[np.uint8]:
    """Return the planes of `segmenter.PLANES` for logits.

    Entropy is that of the softmax over the classes whose logit is not -inf, over its most, the logarithm of
    their number (Shannon 1948).

    Parameters
    ----------
    scores
        Shape (tile, class, row, col), float32, on any device; -inf for classes that do not count.

    Returns
    -------
    numpy.ndarray
        Shape (tile, plane, row, col). Of equal logits the first class counts.
    """
    counted = int(torch.isfinite(scores[0, :, 0, 0]).sum())
    if scores.device.type != "cpu":
        return _on_device(scores, counted)
    tiles, classes, rows, cols = scores.shape
    listed = scores.permute(0, 2, 3, 1).reshape(-1, classes)  # no copy where channels lie last
    shifted = listed - listed.amax(dim=1, keepdim=True)
    planes = np.empty((3, len(listed)), dtype=np.uint8)
    # torch takes eight exponentials at a time, a kernel of ours one; the sums are as fast in either.
    _reduce(shifted.numpy(), shifted.exp().numpy(), 1 / math.log(max(counted, 2)), planes)
    return np.ascontiguousarray(planes.reshape(3, tiles, rows, cols).swapaxes(0, 1))


def reduce_probabilities(mean: Tensor, shared: Tensor, counted: int) -> NDArray[np.uint8]:
    """Return class, probability, entropy and mutual information for what several members say together.

    Members are averaged in probability; mutual information is the entropy of the mean less the mean of the
    entropies (Houlsby et al. 2011, BALD): what they disagree on, not what none of them can tell.

    Parameters
    ----------
    mean
        Shape (tile, class, row, col), the mean of the members' probabilities.
    shared
        Shape (tile, row, col), the mean of the members' entropies, in nats.
    counted
        Number of classes that can be predicted.

    Returns
    -------
    numpy.ndarray
        Shape (tile, plane, row, col), the planes of `segmenter.PLANES` and mutual information over the same
        most, the logarithm of `counted`.
    """
    top, index = mean.max(dim=1)
    most = math.log(max(counted, 2))
    doubt = torch.special.entr(mean).sum(dim=1)
    told = torch.stack(
        [index + 1.0, top * _MOST, doubt * (_MOST / most), (doubt - shared).clamp(min=0) * (_MOST / most)],
        dim=1,
    )
    planes: NDArray[np.uint8] = told.round().clamp(0, _MOST).to(torch.uint8).cpu().numpy()
    return planes


def _on_device(scores: Tensor, counted: int) -> NDArray[np.uint8]:
    logs = scores.log_softmax(dim=1)
    top, index = logs.max(dim=1)
    doubt = torch.special.entr(logs.exp()).sum(dim=1) / math.log(max(counted, 2))
    told = torch.stack([index + 1.0, top.exp() * _MOST, doubt * _MOST], dim=1)
    planes: NDArray[np.uint8] = told.round().clamp(0, _MOST).to(torch.uint8).cpu().numpy()
    return planes


@kernel
def _reduce(
    shifted: NDArray[np.float32], powers: NDArray[np.float32], scale: float, planes: NDArray[np.uint8]
) -> None:
    """Fill (plane, pixel) from logits less their most, (pixel, class), and their exponentials."""
    for pixel in range(len(shifted)):
        total, weighted, best = np.float32(0), np.float32(0), 0
        for number in range(shifted.shape[1]):
            power = powers[pixel, number]
            total += power
            if power > 0:
                weighted += power * shifted[pixel, number]
            if shifted[pixel, number] == 0 and shifted[pixel, best] != 0:
                best = number
        if not total >= 1:  # not a number: nothing is known
            planes[:, pixel] = 0
            continue
        doubt = (math.log(total) - weighted / total) * scale
        planes[0, pixel] = best + 1
        planes[1, pixel] = int(_MOST / total + 0.5)
        planes[2, pixel] = min(int(doubt * _MOST + 0.5), 255)
