"""What somebody sees of a truth: objects taken for another class, and borders that are left as they come.

The opposite way of `workbench.assessment.agreement`: that counts what two people take for what, this makes
somebody who does. Who takes brushwood for deciduous does so for a patch of it and not for a pixel here and
there, so objects are mistaken as a whole; an object's chance does not depend on its size, and on average the
share of mistaken pixels is what the confusions say (the dominant-label noise of a matrix, as Patrini et al.,
*Making deep neural networks robust to label noise*, CVPR 2017, have it, drawn for objects).
"""

from __future__ import annotations

__all__ = ["Confusions", "believed", "loose_borders", "perceived"]

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, special

from workbench.assessment.agreement import Agreement
from workbench.assessment.borders import edges_of
from workbench.errors import EditRefused
from workbench.nomenclature import Nomenclature

_ROUNDED = 1e-6
"""By how much a row may miss 1."""
_FINEST = 4.0
"""Parts of its reach in which a field of chances is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Confusions:
    """How often objects of one class are taken for another; classes not listed are seen as they are."""

    codes: tuple[int, ...] = ()
    """Of the classes, rising."""
    shares: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))
    """Shape (class, class). Probability that an object of the row's class is taken for one of the column's;
    each row adds up to 1, and the identity is who never errs."""

    def __post_init__(self) -> None:
        count = len(self.codes)
        if self.shares.shape != (count, count):
            raise EditRefused(f"confusions of {count} classes are a table of {self.shares.shape}")
        if any(low >= high for low, high in pairwise((0, *self.codes, 256))):
            raise EditRefused(f"codes {self.codes} do not rise from 1 to 255; list each class once")
        right = (np.abs(self.shares.sum(axis=1) - 1) <= _ROUNDED) & (self.shares >= 0).all(axis=1)
        for place in np.flatnonzero(~right)[:1]:
            raise EditRefused(
                f"class {self.codes[place]} is taken for others with {self.shares[place].tolist()}; give "
                "probabilities that add up to 1"
            )
        self.shares.setflags(write=False)

    @classmethod
    def of(cls, nomenclature: Nomenclature, confused: Mapping[str, Mapping[str, float]]) -> Self:
        """Return the confusions of classes by their keys; what is left to 1 is seen as what it is.

        >>> from workbench.nomenclature import load_nomenclature
        >>> flair = load_nomenclature("flair-19")
        >>> Confusions.of(flair, {"brushwood": {"deciduous": 0.25}}).shares.tolist()
        [[1.0, 0.0], [0.25, 0.75]]
        """
        named = {nomenclature.by_key(key).code: key for key in {*confused, *chain(*confused.values())}}
        places = {key: place for place, (_, key) in enumerate(sorted(named.items()))}
        shares = np.eye(len(places))
        for true, row in confused.items():
            shares[places[true], places[true]] = 1 - sum(row.values()) + row.get(true, 0)
            for taken, share in row.items():
                shares[places[true], places[taken]] = share
        return cls(codes=tuple(sorted(named)), shares=shares)

    @classmethod
    def measured(cls, agreement: Agreement) -> Self:
        """Return the confusions of one of two people who err alike, from where they disagree on the class.

        Who of them errs, and what is true there, is not known: of the pixels on which two classes stand
        against each other, half are of either class, and either person errs on half of those. Moved borders
        are no confusion. What both mistake alike nobody sees, so these are too few rather than too many.
        """
        codes = tuple(sorted(agreement.classes))
        apart, near = np.zeros((len(codes), len(codes))), np.zeros(len(codes))
        for pair in agreement.pairs:
            one, other = (codes.index(code) for code in pair.classes)
            apart[one, other] = apart[other, one] = pair.label
            near[[one, other]] += pair.boundary / 2
        same = np.array([agreement.same[code] for code in codes], np.float64)
        true = same + near + apart.sum(axis=1) / 2
        shares = apart / 4 / true[:, np.newaxis]
        np.fill_diagonal(shares, 1 - shares.sum(axis=1))
        return cls(codes=codes, shares=shares)

    def document(self, nomenclature: Nomenclature) -> dict[str, dict[str, float]]:
        """Return what is taken for what by the keys of the classes, as `of` takes it."""
        keys = [nomenclature.by_code(code).key for code in self.codes]
        return {
            keys[true]: {keys[taken]: float(self.shares[true, taken]) for taken in np.flatnonzero(row)}
            for true, row in enumerate(self.shares)
            if row[true] < 1
        }


def perceived(
    truth: NDArray[np.uint8],
    confusions: Confusions,
    *,
    rng: np.random.Generator,
    within: NDArray[np.integer[Any]] | None = None,
    reach: float = 0.0,
) -> NDArray[np.uint8]:
    """Return what somebody sees of a truth, shape (row, col).

    Parameters
    ----------
    truth
        Shape (row, col). Codes, 0 = unknown, which stays.
    confusions
        What they take for what. Each object, pixels of one class that hang together by their sides, is
        mistaken as a whole.
    rng
        Draws what is mistaken.
    within
        Shape (row, col). Parts of the ground, such as the regions of a cut: no object is larger than one.
    reach
        Pixels over which objects of one class are mistaken alike, by smooth fields of chances; 0 is each for
        itself. The shares are the same on average.
    """
    from skimage.measure import label

    values = truth if within is None else np.where(truth > 0, truth + 256 * within.astype(np.int64), 0)
    objects, count = label(values, background=0, connectivity=1, return_num=True)  # type: ignore[no-untyped-call]
    seen = np.zeros(count + 1, np.uint8)
    seen[objects] = truth
    seen[0] = 0
    true = seen.copy()
    middles = _middles(objects, count) if reach > 0 else None
    for place, code in enumerate(confusions.codes):
        own = np.flatnonzero(true == code)
        # For each class from a generator of its own: what becomes of one does not depend on the others.
        (drawn,) = rng.spawn(1)
        if middles is None:
            chances = drawn.random(own.size)
        else:
            chances = _alike(middles[:, own], truth.shape, reach, drawn)
        edges = np.cumsum(confusions.shares[place])[:-1]
        seen[own] = np.array(confusions.codes, np.uint8)[np.searchsorted(edges, chances, side="right")]
    found: NDArray[np.uint8] = seen[objects]
    return found


def believed(
    seen: NDArray[np.uint8], proposed: NDArray[np.uint8], *, trust: float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return what somebody believes to whom a model proposes labels, shape (row, col).

    Parameters
    ----------
    seen
        Shape (row, col). What they see themselves.
    proposed
        Shape (row, col). What the model says, 0 = nothing.
    trust
        Probability that they believe the model where they would have seen something else: the automation
        bias of Parasuraman & Manzey, *Human Factors* 2010. It strikes whole pieces.
    rng
        Draws what is believed.
    """
    from skimage.measure import label

    against = (seen > 0) & (proposed > 0) & (seen != proposed)
    pairs = np.where(against, seen.astype(np.int32) * 256 + proposed, 0)
    pieces, count = label(pairs, background=0, connectivity=1, return_num=True)  # type: ignore[no-untyped-call]
    takes = rng.random(count + 1) < trust
    return np.where(against & takes[pieces], proposed, seen)


def loose_borders(codes: NDArray[np.uint8], distance: int) -> NDArray[np.bool_]:
    """Return the pixels along borders about which nobody cares who draws them that well, shape (row, col).

    What is too thin to have an inside at that distance is no border but an object, and not among them.

    Parameters
    ----------
    codes
        Shape (row, col). 0 = unknown, which has no border.
    distance
        How many pixels on either side.

    Examples
    --------
    >>> loose_borders(np.array([[7, 7, 7, 7, 3, 7, 7, 7, 7]], np.uint8), 1)[0].astype(int).tolist()
    [0, 0, 0, 1, 0, 1, 0, 0, 0]
    """
    edges = edges_of(codes, codes > 0)
    beside = edges[0] | edges[1]
    beside[:, 1:] |= edges[0, :, :-1]
    beside[1:] |= edges[1, :-1]
    if distance < 1 or not beside.any():
        return np.zeros(codes.shape, np.bool_)
    near = ndimage.distance_transform_edt(~beside) < distance
    if near.all():
        return np.zeros(codes.shape, np.bool_)
    inside = ndimage.distance_transform_edt(near, return_distances=False, return_indices=True)
    found: NDArray[np.bool_] = near & (codes[tuple(inside)] == codes)
    return found


def _middles(objects: NDArray[np.integer[Any]], count: int) -> NDArray[np.float64]:
    """Return mean row and column of each object, shape (2, object)."""
    flat = objects.reshape(-1)
    area = np.maximum(np.bincount(flat, minlength=count + 1), 1)
    places = np.indices(objects.shape, np.int32).reshape(2, -1)
    return np.stack([np.bincount(flat, weights=one, minlength=count + 1) / area for one in places])


def _alike(
    middles: NDArray[np.float64], shape: tuple[int, ...], reach: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return chances, each between 0 and 1 alike likely, that are alike for places within a reach.

    White noise, smoothed: what one pixel of it spreads to tells its variance exactly.
    """
    step = max(reach / _FINEST, 1.0)
    size = tuple(int(np.ceil(side / step)) + 1 for side in shape)
    spot = np.zeros(size)
    spot[0, 0] = 1
    spread, smooth = (
        ndimage.gaussian_filter(one, reach / step, mode="wrap") for one in (spot, rng.standard_normal(size))
    )
    rows, cols = (middles / step).astype(np.int64)
    found: NDArray[np.float64] = special.ndtr(smooth / np.sqrt((spread**2).sum()))[rows, cols]
    return found
