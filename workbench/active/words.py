"""Visual words: kinds of looks, found by clustering what parts of zones look like.

A zone is then how many pixels it has of each word, as a text is how often it has each (Sivic & Zisserman,
*Video Google*, ICCV 2003). Words of a whole pool are found at once, so that they mean the same in all zones.
"""

from __future__ import annotations

__all__ = ["MOST_WORDS", "visual_words"]

import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2, vq

from workbench.active.variety import standardised

MOST_WORDS: Final = 64
_SAMPLED: Final = 8_000
"""Parts that words are found from, where there are more."""
_ROUNDS: Final = 20
_SEED: Final = 0
"""The same parts always have the same words."""


def visual_words(looks: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the word of each part, 0 to `MOST_WORDS` − 1; not all words need occur.

    Words are the means of k-means on standardised features, seeded by k-means++ (Arthur & Vassilvitskii,
    2007).

    Parameters
    ----------
    looks
        Shape (part, feature).

    Examples
    --------
    >>> looks = np.repeat([[0.0, 0.0], [0.0, 9.0], [9.0, 9.0]], 50, axis=0)
    >>> words = visual_words(looks).reshape(3, 50)
    >>> [len(set(row)) for row in words.tolist()], len(set(words[:, 0].tolist()))
    ([1, 1, 1], 3)
    """
    (columns,) = standardised(looks)
    some = columns[np.unique(np.linspace(0, len(columns) - 1, min(len(columns), _SAMPLED)).astype(np.int64))]
    distinct = len(np.unique(some, axis=0))
    if distinct <= 1:
        return np.zeros(len(looks), np.int64)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One of the clusters is empty")
        means, _ = kmeans2(some, min(MOST_WORDS, distinct), iter=_ROUNDS, minit="++", rng=_SEED)
    words: NDArray[np.int64] = vq(columns, means)[0].astype(np.int64)
    return words
