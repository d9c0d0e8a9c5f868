"""The model of the benchmark: multinomial logistic regression on the frozen features of regions.

Convex, so that a labelled set has one best head and seeds add no noise of training; ridge and tempering of
class frequencies were tuned for the random arm, on development pools (README). Regions count by their pixels,
and teach all the classes in them by their shares.
"""

from __future__ import annotations

__all__ = ["Head", "Settings", "confusion", "fit", "intersection_over_union"]

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from zone_tables import CODES, ZoneTable

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a head learns."""

    ridge: float = 1e-4
    """Half of it times the squared weights is added to the mean cross-entropy."""
    temper: float = 0.3
    """A class that has a share f of the pixels weighs f to the power of 1 − temper in all."""
    rows: int = 600
    """Regions drawn of each labelled zone."""
    steps: int = 80
    """Iterations of L-BFGS at most."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Head:
    """What was learned."""

    columns: NDArray[np.intp]
    """Shape (learned class,). Columns of the classes that the labelled zones have."""
    weights: Floats
    """Shape (feature, learned class). Of features as they are."""
    bias: Floats
    """Shape (learned class,)."""

    def proba(self, features: Floats) -> Floats:
        """Return what the head says of regions: (region, feature) gives (region, class); rows sum to 1."""
        logits = features @ self.weights
        logits += self.bias
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)
        found = np.zeros((len(features), len(CODES)), np.float32)
        found[:, self.columns] = logits
        return found


def fit(tables: Sequence[ZoneTable], settings: Settings) -> Head:
    """Learn from labelled zones; the same zones in the same order give the same head."""
    drawn = [_drawn(table, settings.rows) for table in tables]
    x = np.concatenate([table.features[rows] for table, (rows, _) in zip(tables, drawn, strict=True)])
    pixels = np.concatenate(
        [table.counts[rows] * each[:, None] for table, (rows, each) in zip(tables, drawn, strict=True)]
    )
    columns = np.flatnonzero(pixels.any(axis=0))
    targets = pixels[:, columns]
    frequency = targets.sum(axis=0) / targets.sum()
    targets = targets * frequency**-settings.temper
    targets /= targets.sum()
    mass = targets.sum(axis=1)
    mean = mass @ x
    spread = np.sqrt(np.maximum(mass @ (x - mean) ** 2, 1e-8))
    x = ((x - mean) / spread).astype(np.float32)
    weights, bias = _descend(x, targets.astype(np.float32), settings)
    scaled = weights / spread[:, None]
    return Head(
        columns=columns,
        weights=scaled.astype(np.float32),
        bias=(bias - mean @ scaled).astype(np.float32),
    )


def confusion(head: Head, tables: Sequence[ZoneTable]) -> NDArray[np.int64]:
    """Count the pixels of zones by true class (rows) and predicted class (columns)."""
    found = np.zeros((len(CODES), len(CODES)), np.int64)
    for table in tables:
        said = head.proba(table.features).argmax(axis=1)
        for code in np.unique(said):
            found[:, code] += table.counts[said == code].sum(axis=0)
    return found


def intersection_over_union(pixels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the IoU of each class, NaN for classes that do not occur; of a confusion of true and predicted.

    >>> intersection_over_union(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])).tolist()
    [0.75, 0.8, nan]
    """
    right = np.diag(pixels).astype(float)
    true = pixels.sum(axis=1)
    union = true + pixels.sum(axis=0) - right
    return np.where(true > 0, right / np.maximum(union, 1), np.nan)


def _drawn(table: ZoneTable, rows: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Draw about so many regions of a zone, those of its rare classes rather, and how many each stands for.

    A class with n regions is drawn from in proportion to √n. Systematic sampling: every region has exactly
    its chance, and a zone always gives the same ones.
    """
    main = table.counts.argmax(axis=1)
    wish = 1 / np.sqrt(np.bincount(main, minlength=len(CODES))[main])
    chance = np.minimum(1.0, wish * (rows / wish.sum()))
    level = np.concatenate([[0.0], np.cumsum(chance)]) + 0.5
    taken = np.flatnonzero(np.floor(level[1:]) > np.floor(level[:-1]))
    return taken, 1 / chance[taken]


def _descend(
    x: Floats, targets: Floats, settings: Settings
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Minimise cross-entropy plus ridge; targets (row, class) sum to 1 in all."""
    size = x.shape[1], targets.shape[1]
    mass = targets.sum(axis=1, keepdims=True)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat[: size[0] * size[1]].reshape(size)
        logits = x @ weights.astype(np.float32)
        logits += flat[size[0] * size[1] :].astype(np.float32)
        logits -= logits.max(axis=1, keepdims=True)
        proba = np.exp(logits)
        total = proba.sum(axis=1, keepdims=True)
        entropy = -float((targets * (logits - np.log(total))).sum(dtype=np.float64))
        proba *= mass / total
        proba -= targets
        slope = (x.T @ proba).astype(np.float64) + settings.ridge * weights
        value = entropy + 0.5 * settings.ridge * float((weights**2).sum())
        return value, np.concatenate([slope.reshape(-1), proba.sum(axis=0, dtype=np.float64)])

    begun = np.zeros(size[0] * size[1] + size[1])
    begun[size[0] * size[1] :] = np.log(targets.sum(axis=0))
    found = minimize(
        loss, begun, jac=True, method="L-BFGS-B", options={"maxiter": settings.steps, "ftol": 1e-7}
    )
    return found.x[: size[0] * size[1]].reshape(size), found.x[size[0] * size[1] :]
