"""Segmentation bias: how far borders of labels follow leaf borders where a free hand does not.

Labels that are picked from regions have their borders where leaves have theirs. IGN names it as a weak point
of its own annotations (« saisie contrainte par une segmentation »). Here they are held against a *reference*
that was drawn by hand, where both labelled.

A border is cut into edgels. An edgel *follows* the leaves where a leaf border is at most `TOLERANCE` pixels
away. The **bias** is the share of edgels that follow the leaves in the labels, minus that in the reference:
of 100 m of border so many metres are where leaves are, and where no hand would have drawn them. It is 0 where
labels follow the leaves as far as a hand does, and grows towards 1 with what leaves and hand do not share. An
edge that can be seen attracts leaves and hand alike, and fine leaves leave room for every border: neither is
bias.

What it does not tell:

- *How bad it is.* A border may follow a leaf half a metre beside the edge, or two pixels. That is what the
  disagreement is split for: pixels are *forced* that lie in a leaf which holds several classes of the
  reference, and have the best class that one leaf can have; no pick could have been right. That is of labels
  that were picked: two hands differ by 40 % in such leaves, for no reason of theirs. And a border of the
  reference can be *missed*, with a leaf border to follow or without one.
- *What the hand does.* A hand wavers by a pixel or two, away from good leaves as well, and that adds to the
  bias. ``unsteady`` is what it adds: the bias of the labels against themselves, each edgel moved at random.
  A bias no larger says nothing against the leaves. In the disagreement, what is *beyond* `WAVERING` pixels is
  no matter of the hand.
- *Whether it is meant.* Where leaves are small, borders follow them by chance. **Attraction** is the share a
  of edgels that follow on purpose: of all a share p follows, of the same edgels shifted by some tens of
  pixels, where leaves know nothing of them, a share p₀; and p = a + (1 − a) p₀.
- *What is right.* The reference is as good as who drew it, and nothing is said of where nobody did.

A figure takes `FEWEST` edgels in labels and reference at least. Intervals are those of
`workbench.assessment.blocks`.
"""

from __future__ import annotations

__all__ = [
    "FEWEST",
    "MISSED",
    "TOLERANCE",
    "WAVERING",
    "Bias",
    "ClassBias",
    "Disagreement",
    "Following",
    "Missed",
    "bias_against",
    "bias_within",
]

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.assessment.blocks import Interval, draw_blocks
from workbench.assessment.borders import edges_of, grown, moved_borders
from workbench.assessment.following import (
    TOLERANCES,
    Counter,
    Counts,
    Edgels,
    shares_of,
    steps_to_leaves,
)
from workbench.errors import EditRefused

TOLERANCE = 1
"""Pixels, along rows and along columns, within which a border follows a leaf border."""
WAVERING = 2
"""Pixels by which a hand may miss an edge: 0.4 m."""
MISSED = 3
"""Pixels beyond which a border of the reference has no counterpart in the labels."""
FEWEST = 200
"""Edgels that a figure takes: 40 m of border."""
_DEVIATIONS = (1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassBias:
    """Bias at the borders of one class."""

    bias: Interval | None
    """None where there are too few edgels."""
    edgels: tuple[int, int]
    """Of labels and reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """Pixels whose class is not the reference's, and those of them that the leaves force."""

    pixels: int
    forced: int
    beyond: int
    """For which borders moved by `WAVERING` pixels give no account."""
    beyond_forced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """Edgels of the reference, and those of them that have no border of the labels within `MISSED` pixels."""

    edgels: int
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """How far borders follow the leaves."""

    edgels: int
    share: Interval
    """Of edgels that have a leaf border within `TOLERANCE` pixels."""
    chance: float
    """The same share by chance."""
    attraction: Interval
    """Share that follows on purpose: 0 = no more than by chance, 1 = all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bias:
    """How far borders of labels follow leaf borders compared with those of a reference."""

    pixels: int
    """That labels and reference both labelled."""
    bias: Interval
    """The figure to print: share of the labels' borders that follow the leaves, minus the reference's."""
    labels: Following
    reference: Following
    tolerances: dict[int, Interval]
    """The bias by tolerance in pixels; 0 = on the leaf border."""
    unsteady: dict[int, float]
    """The bias that an unsteady hand alone adds, by the standard deviation of its wavering in pixels."""
    classes: dict[int, ClassBias]
    """By code; an edgel is one of both classes between which it lies."""
    disagreement: Disagreement | None
    """None where no pixel has both a label and a class of the reference."""
    with_leaf: Missed | None
    """Edgels of the reference that have a leaf border within `TOLERANCE` pixels."""
    without_leaf: Missed | None


def bias_against(
    labels: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    leaves: NDArray[np.uint32],
    where: NDArray[np.bool_],
    *,
    rng: np.random.Generator,
) -> Bias:
    """Measure the bias of labels against a reference that somebody drew by hand.

    Parameters
    ----------
    labels, reference
        Shape (row, col). Codes, 0 = unlabelled.
    leaves
        Shape (row, col). Leaf of each pixel: the finest regions that the labels could be picked from.
    where
        Shape (row, col), True inside the zone where there is a leaf.
    rng
        Draws shifts and squares.

    Raises
    ------
    EditRefused
        There is no pixel that both labelled, or too few edgels of borders there.
    """
    both = where & (labels > 0) & (reference > 0)
    if not both.any():
        raise EditRefused("there is no pixel that both labelled; nothing can be compared")
    steps = steps_to_leaves(leaves, where)
    drawn = [Edgels.of(codes, edges_of(codes, both)) for codes in (labels, reference)]
    mine, theirs = drawn
    missed = ~_near(theirs, edges_of(labels, both))
    close = steps[theirs.at] <= TOLERANCE
    with_leaf, without_leaf = (
        Missed(edgels=int(kind.sum()), missed=int((kind & missed).sum())) for kind in (close, ~close)
    )
    return _measured(
        mine,
        theirs,
        steps,
        pixels=int(both.sum()),
        disagreement=_disagreement(labels, reference, leaves, both),
        missed=(with_leaf, without_leaf),
        rng=rng,
    )


def bias_within(
    labels: NDArray[np.uint8],
    by_hand: NDArray[np.bool_],
    order: NDArray[np.integer],
    leaves: NDArray[np.uint32],
    where: NDArray[np.bool_],
    *,
    rng: np.random.Generator,
) -> Bias:
    """Measure the bias of labels against those of their own borders that were drawn by hand.

    A border is of the later of the two edits between which it lies. All borders are held against those drawn
    by hand, which are others: nothing is known of how a hand would have drawn the same, and there is no
    disagreement to split. On synthetic truth the figure is right where hands drew anywhere, and about twice
    too large where they mended picks only: hands draw where picks fail. The bias is this at most.

    Parameters
    ----------
    labels
        Shape (row, col). Codes, 0 = unlabelled.
    by_hand
        Shape (row, col). True where the edit that gave the code was drawn by hand.
    order
        Shape (row, col). Larger where that edit was later.
    leaves, where, rng
        As for `bias_against`.

    Raises
    ------
    EditRefused
        There are too few edgels of borders, or of borders drawn by hand.
    """
    labelled = where & (labels > 0)
    edges = edges_of(labels, labelled)
    mine = Edgels.of(labels, edges)
    later = order[mine.rows, mine.cols] >= order[mine.beyond]
    hand = np.where(later, by_hand[mine.rows, mine.cols], by_hand[mine.beyond])
    drawn = np.zeros_like(edges)
    drawn[tuple(index[hand] for index in mine.at)] = True
    return _measured(
        mine,
        Edgels.of(labels, drawn),
        steps_to_leaves(leaves, where),
        pixels=int(labelled.sum()),
        disagreement=None,
        missed=(None, None),
        rng=rng,
    )


def _measured(
    mine: Edgels,
    theirs: Edgels,
    steps: NDArray[np.uint8],
    *,
    pixels: int,
    disagreement: Disagreement | None,
    missed: tuple[Missed | None, Missed | None],
    rng: np.random.Generator,
) -> Bias:
    """Measure the bias of some edgels against others, from the steps of each edgel to a leaf border."""
    edgels = mine.rows.size, theirs.rows.size
    if min(edgels) < FEWEST:
        raise EditRefused(
            f"the labels have {edgels[0]:,} edgels of borders and the reference has {edgels[1]:,}, a bias "
            f"takes {FEWEST} of each; have more drawn by hand"
        )
    counter, seed = Counter((mine, theirs), steps), int(rng.integers(1 << 32))
    # Labels and reference are shifted alike, so that the same borders are attracted alike.
    counts = [counter.count(one, np.random.default_rng(seed)) for one in (mine, theirs)]
    weights = draw_blocks(counter.blocks, rng)
    whole, drawn = [one.whole() for one in counts], [one.drawn(weights) for one in counts]
    value, values = whole[0].shares - whole[1].shares, drawn[0].shares - drawn[1].shares
    labels, reference = (_following(*pair) for pair in zip(whole, drawn, strict=True))
    unsteady = {
        deviation: labels.share.value
        - float(shares_of(counter.wavered(mine, deviation, rng).sum(axis=0))[0, TOLERANCE])
        for deviation in _DEVIATIONS
    }
    classes = {}
    for group, code in enumerate(counter.codes, start=1):
        found = Interval.of(value[group, TOLERANCE], values[:, group, TOLERANCE])
        own = int(whole[0].found[group].sum()), int(whole[1].found[group].sum())
        classes[code] = ClassBias(bias=found if min(own) >= FEWEST else None, edgels=own)
    return Bias(
        pixels=pixels,
        bias=Interval.of(value[0, TOLERANCE], values[:, 0, TOLERANCE]),
        labels=labels,
        reference=reference,
        tolerances={one: Interval.of(value[0, one], values[:, 0, one]) for one in TOLERANCES},
        unsteady=unsteady,
        classes=classes,
        disagreement=disagreement,
        with_leaf=missed[0],
        without_leaf=missed[1],
    )


def _following(whole: Counts, drawn: Counts) -> Following:
    """Return how far all edgels follow the leaves, from the counts of all squares and of each draw."""
    return Following(
        edgels=int(whole.found[0].sum()),
        share=Interval.of(whole.shares[0, TOLERANCE], drawn.shares[:, 0, TOLERANCE]),
        chance=float(shares_of(whole.shifted)[0, TOLERANCE]),
        attraction=Interval.of(whole.attraction[0, TOLERANCE], drawn.attraction[:, 0, TOLERANCE]),
    )


def _near(edgels: Edgels, edges: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which edgels have some edge within `MISSED` pixels, shape (edgel,)."""
    for _ in range(MISSED):
        edges = grown(edges)
    return edges[edgels.at]


def _disagreement(
    labels: NDArray[np.uint8],
    reference: NDArray[np.uint8],
    leaves: NDArray[np.uint32],
    both: NDArray[np.bool_],
) -> Disagreement:
    """Split the pixels whose class is not the reference's."""
    differ = both & (labels != reference)
    owners, kept = leaves[differ], leaves[both]
    torn = np.zeros(int(kept.max()) + 1, np.bool_)
    torn[owners] = True
    numbers = np.cumsum(torn) - 1
    inside, truths = torn[kept], reference[both]
    used = np.bincount(truths, minlength=256) + np.bincount(labels[differ], minlength=256) > 0
    places, classes = np.cumsum(used) - 1, int(used.sum())
    keys = numbers[kept[inside]] * classes + places[truths[inside]]
    counts = np.bincount(keys, minlength=classes * int(torn.sum())).reshape(-1, classes)
    most = counts.max(axis=1)
    forced = counts[numbers[owners], places[labels[differ]]] == most[numbers[owners]]
    beyond = ~moved_borders(labels, reference, both, distance=WAVERING)[differ]
    return Disagreement(
        pixels=int(owners.size),
        forced=int(forced.sum()),
        beyond=int(beyond.sum()),
        beyond_forced=int((forced & beyond).sum()),
    )
