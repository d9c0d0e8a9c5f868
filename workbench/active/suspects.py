"""Suspects: places whose label a model contradicts that never saw them, the most wrong pixels first.

Confident learning (Northcutt, Jiang & Chuang, *JAIR* 70, 2021) says which pixels: the model gives another
class than the label, and is as sure of it as it is, on average, of that class where labels say it. What a
person looks at are places, so pixels become regions of the hierarchy: the fewest that explain where the model
is surely against the labels and where it agrees (`workbench.segmentation.explaining`); neighbours that are
suspected of the same are one place, and its regions are the picks that mend it.

A prediction tells the probability p of one class only. What is left of it goes to the others alike, where the
threshold of a class needs it. Ranked is by the pixels that are expected to be wrong: if a share ε of all
labels is, then one that a calibrated model contradicts with p is by ε·p / (ε·p + (1 − ε)·(1 − p)) at least
(Bayes; the label's own class has at most 1 − p), which counts sure contradictions for more than p does.
It is an order and no count: a network errs surely, too, and alike in many places.
"""

from __future__ import annotations

__all__ = ["PRIOR", "Suspect", "Tally", "find_suspects", "suspect_pixels", "tally"]

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.geo.grid import Window
from workbench.labels.runs import RunLengthMask
from workbench.segmentation.explaining import PRICE, UNEXPLAINED, explain, gather_mass
from workbench.segmentation.hierarchy import Hierarchy

PRIOR = 0.05
"""Share of labels that are taken to be wrong before a model is asked: few, whatever it is exactly."""
_SUREST = 254.5
"""A probability that is written as 255 is at least this, and no certainty."""
_AGREED = 255
"""In place of a class: the model says what the label says. No class has this code."""
_SURE = 255
"""What a probability of 1 is in a prediction."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Tally:
    """How sure a model is of each class where labels say it; adds up over zones.

    Shape (256,) each, by code.
    """

    labelled: NDArray[np.int64]
    """Pixels with this label."""
    said: NDArray[np.int64]
    """Pixels that the model gives this class, whatever their label."""
    own: NDArray[np.float64]
    """Probability that it gives to the label, where it says so, added up."""
    left: NDArray[np.float64]
    """Probability that it leaves to all but the class it says, where that is not the label, added up."""

    def __add__(self, other: Self) -> Self:
        """Return the tally of both."""
        return type(self)(
            labelled=self.labelled + other.labelled,
            said=self.said + other.said,
            own=self.own + other.own,
            left=self.left + other.left,
        )

    @cached_property
    def thresholds(self) -> NDArray[np.float64]:
        """Probability from which on the model is sure of a class, shape (256,).

        The mean that it gives to a class where labels say so; of a class that no label says, the mean over
        all labels.
        """
        others = max(int(np.count_nonzero(self.said)) - 1, 1)
        given = self.own + self.left / others
        usual = float(given.sum()) / max(int(self.labelled.sum()), 1)
        found: NDArray[np.float64] = np.where(self.labelled > 0, given / np.maximum(self.labelled, 1), usual)
        return found

    @property
    def never_said(self) -> tuple[int, ...]:
        """Codes that labels have and the model never says: of these it can tell nothing."""
        return tuple(np.flatnonzero((self.labelled > 0) & (self.said == 0)).tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A place whose label may be wrong."""

    label: int
    """Code that most of its suspect pixels have."""
    suggested: int
    """Code that the model gives them."""
    pixels: int
    """Suspect pixels."""
    confidence: float
    """Mean probability that the model gives to the suggested class there."""
    share: float
    """Suspect pixels among all of the place."""
    wrong: float
    """Suspect pixels whose label is expected to be wrong: what suspects are ranked by."""
    picks: int | None
    """Regions of the hierarchy to be labelled anew; None where there is no hierarchy."""
    row: int
    """A suspect pixel, for a person to go to."""
    col: int
    mask: RunLengthMask
    """The place, all of it; its window is the bounding box in the zone."""


def tally(labels: NDArray[np.uint8], codes: NDArray[np.uint8], probability: NDArray[np.uint8]) -> Tally:
    """Count how sure a model is where labels and the model say something.

    Parameters
    ----------
    labels, codes
        Shape (row, col). What labels and the model say, 0 = nothing.
    probability
        Shape (row, col). Of the model's class, 0 to 255.
    """
    both = (labels > 0) & (codes > 0)
    label, code, sure = labels[both], codes[both], probability[both] / _SURE
    same = label == code
    return Tally(
        labelled=np.bincount(label, minlength=256),
        said=np.bincount(code, minlength=256),
        own=np.bincount(label[same], weights=sure[same], minlength=256).astype(np.float64),
        left=np.bincount(label[~same], weights=1 - sure[~same], minlength=256).astype(np.float64),
    )


def suspect_pixels(
    labels: NDArray[np.uint8], codes: NDArray[np.uint8], probability: NDArray[np.uint8], found: Tally
) -> NDArray[np.bool_]:
    """Return the pixels that a model surely gives another class than their label, shape (row, col).

    Labels of a class that the model never says are not among them.

    Parameters
    ----------
    labels, codes, probability
        As for `tally`.
    found
        Of all zones that are judged together.
    """
    judged = np.ones(256, np.bool_)
    judged[[0, *found.never_said]] = False
    sure = probability / np.float32(_SURE) >= found.thresholds.astype(np.float32)[codes]
    suspect: NDArray[np.bool_] = judged[labels] & (codes > 0) & (labels != codes) & sure
    return suspect


def find_suspects(
    labels: NDArray[np.uint8],
    codes: NDArray[np.uint8],
    probability: NDArray[np.uint8],
    *,
    found: Tally,
    excused: NDArray[np.bool_],
    hierarchy: Hierarchy | None,
    least: int = 40,
    price: float = PRICE,
) -> tuple[Suspect, ...]:
    """Return the places where a model surely contradicts the labels, those with most wrong pixels first.

    Parameters
    ----------
    labels, codes, probability
        As for `tally`.
    found
        Of all zones that are judged together.
    excused
        Shape (row, col). Pixels where both are right, such as those of which a moved border gives account:
        they count neither for a suspect nor against it.
    hierarchy
        Of the zone; without one a place is connected suspect pixels.
    least
        Suspect pixels that a place has at least.
    price
        Pixels that a region more has to explain.
    """
    suspect = suspect_pixels(labels, codes, probability, found) & ~excused
    if not suspect.any():
        return ()
    if hierarchy is None:
        pairs, parts = np.where(suspect, labels * np.int32(256) + codes, 0), None
    else:
        agreed = (labels > 0) & (labels == codes)
        said = np.where(suspect, codes, np.where(agreed, np.uint8(_AGREED), np.uint8(0)))
        pairs, parts = _suspect_regions(hierarchy, labels, said, probability, price=price)
    return _places(pairs, parts, suspect, probability, least=least)


def _suspect_regions(
    hierarchy: Hierarchy,
    labels: NDArray[np.uint8],
    said: NDArray[np.uint8],
    probability: NDArray[np.uint8],
    *,
    price: float,
) -> tuple[NDArray[np.int32], NDArray[np.uint32]]:
    """Return what pixels are suspected of (label · 256 + class, 0 = nothing) and their region, (row, col)."""
    classes, mass = gather_mass(hierarchy.leaves, said, probability, leaf_count=hierarchy.leaf_count)
    found = explain(hierarchy.s, mass, price=price)
    lut = np.append(found.region, np.uint32(UNEXPLAINED))
    regions = lut[np.minimum(hierarchy.leaves, np.uint32(hierarchy.leaf_count))]
    given = np.append(classes[found.column], np.uint8(_AGREED))
    place = np.minimum(regions, np.uint32(found.count))
    meant = (said > 0) & (said != _AGREED) & (given[place] == said)
    keys, counts = np.unique(place[meant].astype(np.int64) * 256 + labels[meant], return_counts=True)
    pairs = np.zeros(found.count + 1, np.int32)
    order = np.argsort(counts, kind="stable")  # the most frequent label of a region is written last
    pairs[keys[order] // 256] = keys[order] % 256 * 256 + given[keys[order] // 256]
    return pairs[place], regions


def _places(
    pairs: NDArray[np.int32],
    regions: NDArray[np.uint32] | None,
    suspect: NDArray[np.bool_],
    probability: NDArray[np.uint8],
    *,
    least: int,
) -> tuple[Suspect, ...]:
    """Return the connected pixels (by their sides) that are suspected of the same, ranked."""
    from skimage.measure import label

    numbers, count = label(pairs, background=0, connectivity=1, return_num=True)  # type: ignore[no-untyped-call]
    inside = numbers > 0
    area = np.bincount(numbers[inside], minlength=count + 1)
    meant = inside & suspect
    pixels = np.bincount(numbers[meant], minlength=count + 1)
    sure = np.bincount(numbers[meant], weights=probability[meant] / _SURE, minlength=count + 1)
    wrong = np.bincount(numbers[meant], weights=_doubt(probability[meant]), minlength=count + 1)
    of = np.zeros(count + 1, np.int64)
    of[numbers[inside]] = pairs[inside]
    picks = None
    if regions is not None:
        distinct = np.unique(numbers[inside].astype(np.int64) << 32 | regions[inside])
        picks = np.bincount(distinct >> 32, minlength=count + 1)
    boxes = ndimage.find_objects(numbers)
    places = []
    for number in np.flatnonzero(pixels >= max(least, 1)).tolist():
        rows, cols = boxes[number - 1]
        window = Window(
            row=rows.start, col=cols.start, height=rows.stop - rows.start, width=cols.stop - cols.start
        )
        mask = numbers[rows, cols] == number
        row, col = _middle(mask & suspect[rows, cols])
        places.append(
            Suspect(
                label=int(of[number] // 256),
                suggested=int(of[number] % 256),
                pixels=int(pixels[number]),
                confidence=float(sure[number] / pixels[number]),
                share=float(pixels[number] / area[number]),
                wrong=float(wrong[number]),
                picks=None if picks is None else int(picks[number]),
                row=window.row + row,
                col=window.col + col,
                mask=RunLengthMask.encode(mask, window),
            )
        )
    return tuple(sorted(places, key=lambda one: (-one.wrong, one.row, one.col)))


def _doubt(probability: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return with what probability labels are wrong that a model contradicts; see the module."""
    sure = np.minimum(probability, _SUREST) / _SURE
    return PRIOR * sure / (PRIOR * sure + (1 - PRIOR) * (1 - sure))


def _middle(mask: NDArray[np.bool_]) -> tuple[int, int]:
    """Return (row, col) of the middle pixel of the middle row of some pixels."""
    below = np.cumsum(np.count_nonzero(mask, axis=1))
    row = int(np.searchsorted(below, (int(below[-1]) + 1) // 2))
    cols = np.flatnonzero(mask[row])
    return row, int(cols[cols.size // 2])
