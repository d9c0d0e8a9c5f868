"""What a network is punished for: wrong classes of labelled pixels, never anything where nobody labelled."""

from __future__ import annotations

__all__ = ["class_weights", "pixel_loss"]

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from workbench.training.recipe import Focal, Loss
from workbench.training.sampling import MASKED

_LARGEST = 10.0
"""Weight that no class exceeds, where labelled pixels weigh 1 on average: a few must not shake everything."""


def class_weights(pixels: NDArray[np.int64], power: float) -> NDArray[np.float32]:
    """Return the weight of each class, from its pixels, shape (class,); 0 where it has none.

    A class of a share f weighs f to the minus ``power``, scaled so that labelled pixels weigh 1 on average.

    >>> [round(float(weight), 2) for weight in class_weights(np.array([900, 100, 0]), 0.5)]
    [0.83, 2.5, 0.0]
    """
    shares = pixels / max(1, pixels.sum())
    weights = np.where(pixels > 0, np.maximum(shares, 1e-12) ** -power, 0.0)
    weights /= max(float((weights * shares).sum()), 1e-12)
    return np.minimum(weights, _LARGEST).astype(np.float32)


def pixel_loss(logits: Tensor, outputs: Tensor, weights: Tensor, loss: Loss) -> Tensor:
    """Return the weighted mean of the loss over the pixels that are not masked; 0 where all are.

    Parameters
    ----------
    logits
        Shape (crop, class, row, col).
    outputs
        Shape (crop, row, col), int64; `MASKED` for pixels that count for nothing.
    weights
        Shape (class,).
    loss
        Which one.
    """
    # A row per pixel: where classes lie last in memory, as here, that is no copy, and twice as fast.
    listed, outputs = logits.permute(0, 2, 3, 1).reshape(-1, logits.shape[1]), outputs.reshape(-1)
    each = functional.cross_entropy(listed, outputs, reduction="none", ignore_index=MASKED)
    if isinstance(loss, Focal):
        each = each * (1 - torch.exp(-each)) ** loss.gamma
    counted = outputs != MASKED
    weight = weights[torch.where(counted, outputs, 0)] * counted
    return (each * weight).sum() / weight.sum().clamp(min=1e-12)
