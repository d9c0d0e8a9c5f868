"""Predictions with known errors: simulated ones of a stated accuracy, and those of a network trained here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_JITTER = 2.0, 5.0
"""Least and most standard deviation of the borders' displacement, in pixels."""
_SALT = 0.02
"""Share of the pixels whose scores are mostly noise."""
_TOO_SURE = 0.04
"""How much more sure a network is than right."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Predicted:
    """What a model said of each pixel, shape (row, col) each."""

    codes: NDArray[np.uint8]
    probability: NDArray[np.uint8]
    classes: int
    """Classes that it could say."""


def simulated(truth: NDArray[np.uint8], accuracy: float, seed: int) -> Predicted:
    """Return the prediction of a model that is right on a share of the pixels.

    Classes have scores: the truth with displaced borders, softened, and smooth random fields of several
    widths, the stronger the more often the truth is taken for the class (drawn once for every pair); so
    errors are blobs, most of all along borders. Some pixels are salt. The fields' strength gives the
    accuracy, a temperature makes the probabilities a little surer than right.
    """
    rng = np.random.default_rng(seed)
    classes = np.unique(truth)
    height, width = truth.shape
    reach = rng.uniform(*_JITTER)
    rows = np.arange(height)[:, None] + np.rint(reach * _smooth(truth.shape, 6, rng)).astype(int)
    cols = np.arange(width)[None, :] + np.rint(reach * _smooth(truth.shape, 6, rng)).astype(int)
    seen = truth[np.clip(rows, 0, height - 1), np.clip(cols, 0, width - 1)]
    alike = rng.gamma(0.7, 1.0, (classes.size, classes.size)).astype(np.float32)
    factor = np.sqrt(alike / alike.mean())[np.searchsorted(classes, seen)].transpose(2, 0, 1)
    clean = np.stack([ndimage.gaussian_filter((seen == code).astype(np.float32), 1.5) for code in classes])
    fields = [
        _smooth(truth.shape, 12, rng) + _smooth(truth.shape, 40, rng) + 0.6 * _smooth(truth.shape, 4, rng)
        for _ in classes
    ]
    blobs = np.stack(fields) * factor
    salt = (0.25 + 3 * (rng.random(truth.shape) < _SALT)) * rng.standard_normal(clean.shape)
    weak, strong = 0.0, 12.0
    for _ in range(12):
        middle = (weak + strong) / 2
        score = 4 * clean + middle * blobs + salt.astype(np.float32)
        right = float((classes[score.argmax(axis=0)] == truth).mean())
        weak, strong = (middle, strong) if right > accuracy else (weak, middle)
    return _predicted(_softened(score, accuracy + _TOO_SURE), classes)


def trained(
    images: Sequence[NDArray[np.uint8]],
    truths: Sequence[NDArray[np.uint8]],
    asked: Sequence[NDArray[np.uint8]],
    *,
    marks: Sequence[int],
    seed: int = 0,
) -> Iterator[tuple[int, list[Predicted]]]:
    """Train the tiny network and yield, after some steps, its predictions for other images.

    Parameters
    ----------
    images, truths
        Shapes (band, row, col) and (row, col); at least 128 pixels a side.
    asked
        Images to predict.
    marks
        Steps after which it predicts; the last one ends the training.
    """
    import torch
    from torch.nn import functional

    from workbench.inference.networks.tiny_unet import TinyUNet

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    classes = np.unique(np.concatenate([np.unique(one) for one in truths]))
    pictures = [_normal(one) for one in images]
    targets = [np.searchsorted(classes, one).astype(np.int64) for one in truths]
    network = TinyUNet(pictures[0].shape[0], classes.size)
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3)
    for step in range(1, marks[-1] + 1):
        share = step / marks[-1]
        for group in optimizer.param_groups:
            group["lr"] = 4e-3 * min(1.0, 10 * share) * (0.52 + 0.5 * np.cos(np.pi * share))
        batch = [_crop(pictures, targets, rng) for _ in range(8)]
        network.train()
        scores = network(torch.from_numpy(np.stack([one for one, _ in batch])))
        loss = functional.cross_entropy(scores, torch.from_numpy(np.stack([one for _, one in batch])))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step in marks:
            network.eval()
            with torch.inference_mode():
                said = [network(torch.from_numpy(_normal(one)[None])).softmax(1)[0] for one in asked]
            yield step, [_predicted(one.numpy(), classes) for one in said]


def _crop(pictures: Any, targets: Any, rng: np.random.Generator, side: int = 128) -> tuple[Any, Any]:
    number = int(rng.integers(len(pictures)))
    picture, target = pictures[number], targets[number]
    row = int(rng.integers(target.shape[0] - side + 1))
    col = int(rng.integers(target.shape[1] - side + 1))
    turns = int(rng.integers(4))
    x = np.rot90(picture[:, row : row + side, col : col + side], turns, (1, 2))
    y = np.rot90(target[row : row + side, col : col + side], turns)
    return (x[:, :, ::-1].copy(), y[:, ::-1].copy()) if rng.random() < 0.5 else (x.copy(), y.copy())


def _normal(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    return (image.astype(np.float32) - 100) / 50


def _smooth(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> NDArray[np.float32]:
    field = ndimage.gaussian_filter(rng.standard_normal(shape).astype(np.float32), sigma, mode="wrap")
    return field / field.std()


def _softened(score: NDArray[np.float32], sureness: float) -> NDArray[np.float32]:
    """Return the softmax whose mean highest probability is about so much."""
    cold, warm = 0.05, 20.0
    shifted = score - score.max(axis=0)
    for _ in range(14):
        temperature = np.sqrt(cold * warm)
        proba = np.exp(shifted / temperature)
        proba /= proba.sum(axis=0)
        cold, warm = (temperature, warm) if proba.max(axis=0).mean() > sureness else (cold, temperature)
    return proba


def _predicted(proba: NDArray[np.float32], classes: NDArray[np.uint8]) -> Predicted:
    return Predicted(
        codes=classes[proba.argmax(axis=0)].astype(np.uint8),
        probability=np.rint(proba.max(axis=0) * 255).astype(np.uint8),
        classes=classes.size,
    )
