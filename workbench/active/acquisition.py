"""Acquisition functions: how much a label would tell, from what a model says of each pixel.

All are between 0, where the model is sure, and 1, where it cannot tell any class from any other; a pixel of
which nothing is known, whose probabilities are all 0, tells 0. Probabilities have their class axis first and
any others after it: pixels of an image, regions of a hierarchy, samples of a pool.

Settles, *Active Learning Literature Survey* (2009), has the first three; mutual information is that of
Houlsby, Huszár, Ghahramani & Lengyel, *Bayesian Active Learning for Classification and Preference Learning*
(2011): members are the networks of an ensemble, one network's views of a tile (test-time augmentation), or
its passes with dropout (Gal & Ghahramani 2016).
"""

from __future__ import annotations

__all__ = ["entropy", "least_confidence", "margin", "mutual_information"]

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import entr

from workbench.errors import GridError

_TOLERANCE = 0.05
"""By which probabilities of a pixel may miss 1: a file has them in bytes, each half a byte wrong at most."""


def least_confidence(proba: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return how far the most probable class is from certain, (1 − p₁) · K / (K − 1) for K classes.

    Parameters
    ----------
    proba
        Shape (class, …), at least two classes.

    Raises
    ------
    GridError
        These are no probabilities.

    Examples
    --------
    >>> least_confidence(np.array([[1.0, 0.5, 0.0], [0.0, 0.5, 0.0]])).tolist()
    [0.0, 1.0, 0.0]
    """
    known = _known(proba)
    most = 1 - 1 / len(proba)
    return _where(known, (1 - proba.max(axis=0)) / most)


def margin(proba: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return 1 − (p₁ − p₂), how near the second class is to the first.

    Parameters and errors are those of `least_confidence`.

    Examples
    --------
    >>> margin(np.array([[0.75, 0.5, 0.0], [0.25, 0.5, 0.0]])).tolist()
    [0.5, 1.0, 0.0]
    """
    known = _known(proba)
    second, first = np.partition(proba, len(proba) - 2, axis=0)[-2:]
    return _where(known, 1 - (first - second))


def entropy(proba: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return Shannon's entropy over its most, the logarithm of the number of classes.

    Parameters and errors are those of `least_confidence`.

    Examples
    --------
    >>> entropy(np.array([[1.0, 0.5, 0.0], [0.0, 0.5, 0.0]])).tolist()
    [0.0, 1.0, 0.0]
    """
    known = _known(proba)
    return _where(known, entr(proba).sum(axis=0) / math.log(len(proba)))


def mutual_information(members: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return what members disagree on: the entropy of their mean less the mean of their entropies (BALD).

    Where none of them can tell it is 0: no label of such a pixel would teach them.

    Parameters
    ----------
    members
        Shape (member, class, …), at least two members.

    Raises
    ------
    GridError
        There is one member, or a member's are no probabilities.

    Examples
    --------
    >>> sure = np.array([[[1.0], [0.0]], [[0.0], [1.0]]])
    >>> mutual_information(sure).tolist(), mutual_information(np.full((2, 2, 1), 0.5)).tolist()
    ([1.0], [0.0])
    """
    if len(members) < 2:
        raise GridError("one member disagrees with nobody; give the probabilities of several")
    known = np.logical_and.reduce([_known(member) for member in members])
    shared = np.mean([entr(member).sum(axis=0) for member in members], axis=0)
    doubt = entr(members.mean(axis=0)).sum(axis=0)
    return _where(known, np.maximum(doubt - shared, 0) / math.log(members.shape[1]))


def _known(proba: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Return where anything is known, the shape without classes.

    Raises
    ------
    GridError
        There is one class, a number is no probability, or those of a pixel do not add up to 1.
    """
    if proba.ndim < 1 or len(proba) < 2:
        raise GridError(f"probabilities of shape {proba.shape}: two classes at least, on the first axis")
    total = proba.sum(axis=0, dtype=np.float64)
    known: NDArray[np.bool_] = total != 0
    if not proba.size:
        return known
    if not (proba.min() >= 0 and np.isfinite(total).all()):
        raise GridError("a probability is below 0 or no number; give what a softmax returns")
    worst = float(np.abs(total[known] - 1).max(initial=0))
    if worst > _TOLERANCE:
        raise GridError(
            f"probabilities of a pixel miss a sum of 1 by {worst:.3g}; give what a softmax returns, classes "
            "on the first axis"
        )
    return known


def _where(known: NDArray[np.bool_], scores: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    return np.where(known, np.clip(scores, 0, 1), 0).astype(np.float32)
