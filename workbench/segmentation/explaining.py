"""What a prediction is made of: the fewest regions of a hierarchy that explain it, by dynamic programming.

A cut gives each of its regions a class, which costs the pixels that it contradicts, each by how sure the
prediction is of it, and a price for the region. For a price the cheapest cut is found exactly, in one pass up
the tree and one down: the pruning of Breiman et al. (*Classification and Regression Trees*, 1984) and of
Guigues, Cocquerez & Le Men (*Scale-sets image analysis*, IJCV 2006). Price and contradictions are the two
parts of a description length (Rissanen 1978). O(pixels + leaves · classes), in whole numbers: equal input
gives equal regions everywhere.

Regions inside regions, as picks are counted, would need half as many regions; they leave as many picks after
a network and more after blotchy noise (``tests/benchmarks/prelabel_picks.py``), and what is left of an outer
one is no node that anybody could point at.
"""

from __future__ import annotations

__all__ = ["PRICE", "UNEXPLAINED", "Explanation", "check_price", "explain", "gather_mass"]

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.errors import HierarchyError

PRICE = 30.0
"""Pixels that a region more has to explain, unless told otherwise: it leaves the fewest picks to 95 and to
98 % over all that ``tests/benchmarks/prelabel_picks.py`` measures. After a network 15 leaves 2 % fewer and
proposes two thirds more regions, after blotchy predictions 60 leaves fewer."""
UNEXPLAINED = 0xFFFFFFFF
"""Number of no region, for leaves and pixels of which nothing is known."""
_UNIT = 255
"""What a pixel weighs of whose class the prediction is certain."""
_DEAREST = 1 << 31
"""Pixels per region that no price reaches, so that costs are whole numbers of 64 bits."""
_NO_PARTS = 1 << 62
"""A cost that none reaches."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanation:
    """The cheapest cut: regions in the order of their leaves, those left out of which nothing is known."""

    first: NDArray[np.int64]
    """Shape (region,). First leaf of the node that a region is."""
    stop: NDArray[np.int64]
    """Shape (region,). Leaf after its last one."""
    scale: NDArray[np.float32]
    """Shape (region,). Altitude of the node."""
    column: NDArray[np.int64]
    """Shape (region,). Its class, as a column of the masses."""
    region: NDArray[np.uint32]
    """Shape (leaf,). The region that holds a leaf, `UNEXPLAINED` for none."""
    contradicted: float
    """Pixels that the prediction has another class for, each by how sure it is."""

    @property
    def count(self) -> int:
        """Number of regions."""
        return self.first.size

    def regions(self, leaves: NDArray[np.uint32], codes: NDArray[np.uint8]) -> NDArray[np.uint32]:
        """Return the region of each pixel, shape (row, col), `UNEXPLAINED` where nothing is known.

        ``leaves`` and ``codes`` are those of `gather_mass`.
        """
        labels: NDArray[np.uint32] = _labels(leaves, codes, self.region)
        return labels


def gather_mass(
    leaves: NDArray[np.uint32],
    codes: NDArray[np.uint8],
    weights: NDArray[np.uint8],
    *,
    leaf_count: int,
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Add up, by leaf and class, what the pixels weigh.

    Parameters
    ----------
    leaves
        Shape (row, col). Leaf of each pixel; numbers from ``leaf_count`` on are none.
    codes
        Shape (row, col). Predicted class of each pixel, 0 where nothing is known.
    weights
        Shape (row, col). How sure the prediction is of it, 0 to 255.
    leaf_count
        Number of leaves.

    Returns
    -------
    classes
        Shape (class,). The codes that there are, rising.
    mass
        Shape (leaf, class). A known pixel weighs 1 at least.

    Examples
    --------
    >>> leaves, codes = np.array([[0, 0, 1]], np.uint32), np.array([[7, 2, 0]], np.uint8)
    >>> classes, mass = gather_mass(leaves, codes, np.full((1, 3), 200, np.uint8), leaf_count=2)
    >>> classes.tolist(), mass.tolist()
    ([2, 7], [[200, 200], [0, 0]])
    """
    if not leaves.shape == codes.shape == weights.shape:
        raise HierarchyError(
            f"leaves have {leaves.shape} pixels, classes {codes.shape} and weights {weights.shape}"
        )
    present = _present(leaves, codes, leaf_count)
    present[0] = False
    classes = np.flatnonzero(present).astype(np.uint8)
    columns = np.zeros(256, np.int64)
    columns[classes] = np.arange(classes.size)
    mass = np.zeros((leaf_count, classes.size), np.int64)
    _add_mass(leaves, codes, weights, columns, mass)
    return classes, mass


def check_price(price: float) -> None:
    """Refuse a price that is none, such as one that is no number.

    Raises
    ------
    HierarchyError
        It is not above 0, or not below 2³¹.
    """
    if not 0 < price < _DEAREST:
        raise HierarchyError(
            f"a price of {price:g} pixels per region cannot be; give one above 0 and below {_DEAREST:,}, "
            "more pixels than any zone has"
        )


def explain(s: NDArray[np.float32], mass: NDArray[np.int64], *, price: float) -> Explanation:
    """Return the cheapest cut of a prediction: contradicted pixels plus price times regions.

    A region of which nothing is known costs nothing, and is none. Where costs are equal the regions are fewer
    and the class is the first.

    Parameters
    ----------
    s
        Shape (leaf,). Altitude of the lowest common ancestor of leaves j − 1 and j; inf at 0.
    mass
        Shape (leaf, class), as `gather_mass` gives it.
    price
        Pixels that a region more must explain, above 0.

    Raises
    ------
    HierarchyError
        The price is none, or the masses are those of other leaves.

    Examples
    --------
    >>> s, mass = np.array([np.inf, 1, 2], np.float32), 255 * np.array([[9, 0], [8, 1], [2, 30]])
    >>> found = explain(s, mass, price=3.0)
    >>> found.first.tolist(), found.stop.tolist(), found.column.tolist(), found.contradicted
    ([0, 2], [2, 3], [0, 1], 3.0)
    """
    check_price(price)
    if len(mass) != s.size:
        raise HierarchyError(f"masses of {len(mass)} leaves do not fit a hierarchy of {s.size}")
    parent, first, stop, altitude, column = _climb(s, mass, max(1, round(price * _UNIT)))
    found = np.flatnonzero(_uppermost(parent, column))
    found = found[np.argsort(first[found])]
    first, stop, column = first[found], stop[found], column[found]
    region, contradicted = _explained(mass, first, stop, column)
    return Explanation(
        first=first,
        stop=stop,
        scale=altitude[found],
        column=column,
        region=region,
        contradicted=contradicted / _UNIT,
    )


@kernel
def _present(leaves: NDArray[np.uint32], codes: NDArray[np.uint8], leaf_count: int) -> NDArray[np.bool_]:
    present = np.zeros(256, np.bool_)
    height, width = leaves.shape
    for row in range(height):
        for col in range(width):
            if leaves[row, col] < leaf_count:
                present[codes[row, col]] = True
    return present


@kernel
def _add_mass(
    leaves: NDArray[np.uint32],
    codes: NDArray[np.uint8],
    weights: NDArray[np.uint8],
    columns: NDArray[np.int64],
    mass: NDArray[np.int64],
) -> None:
    height, width = leaves.shape
    for row in range(height):
        for col in range(width):
            leaf, code = leaves[row, col], codes[row, col]
            if leaf < len(mass) and code > 0:
                mass[leaf, columns[code]] += max(weights[row, col], 1)


@kernel
def _labels(
    leaves: NDArray[np.uint32], codes: NDArray[np.uint8], region: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    height, width = leaves.shape
    labels = np.full((height, width), np.uint32(UNEXPLAINED), np.uint32)
    for row in range(height):
        for col in range(width):
            leaf = leaves[row, col]
            if leaf < region.size and codes[row, col] > 0:
                labels[row, col] = region[leaf]
    return labels


@kernel
def _climb(
    s: NDArray[np.float32], mass: NDArray[np.int64], price: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Find for every node whether it is better as one region than in parts.

    Returns
    -------
    parent, first, stop, altitude
        Shape (node,). A node comes after its children; the parent of a root is −1.
    column
        Shape (node,). The class of a node as one region; −1 where it is better in parts, or nothing is known.
    """
    leaves, classes = mass.shape
    parent = np.full(2 * leaves, -1, np.int64)
    first, stop = np.empty(2 * leaves, np.int64), np.empty(2 * leaves, np.int64)
    altitude = np.zeros(2 * leaves, np.float32)
    column = np.full(2 * leaves, -1, np.int64)
    # A stack of nodes that wait for their parents: the altitude in front of each, its masses, and the least
    # cost of its parts. Rows of the stack are touched only as deep as it gets.
    stack, before = np.empty(leaves, np.int64), np.empty(leaves, np.float32)
    sums, least = np.empty((leaves, classes), np.int64), np.empty(leaves, np.int64)
    height, nodes = 0, 0
    for leaf in range(leaves + 1):
        here = s[leaf] if leaf < leaves else np.float32(np.inf)
        if 0 < leaf < leaves and here == 0:
            # No cut, however fine, parts it from the leaf before.
            stop[stack[height - 1]] = leaf + 1
            for k in range(classes):
                sums[height - 1, k] += mass[leaf, k]
            continue
        if height > 0:
            # The leaf on top is complete now. It has no parts.
            least[height - 1] = _judged(sums[height - 1], _NO_PARTS, price, stack[height - 1], column)
        while height > 1 and before[height - 1] < here:
            level = before[height - 1]
            run = height - 1
            while before[run] == level:
                run -= 1
            for at in range(run, height):
                parent[stack[at]] = nodes
                if at > run:
                    least[run] += least[at]
                    for k in range(classes):
                        sums[run, k] += sums[at, k]
            first[nodes], stop[nodes] = first[stack[run]], stop[stack[height - 1]]
            altitude[nodes] = level
            least[run] = _judged(sums[run], least[run], price, nodes, column)
            stack[run] = nodes
            height = run + 1
            nodes += 1
        if leaf < leaves:
            first[nodes], stop[nodes] = leaf, leaf + 1
            sums[height] = mass[leaf]
            stack[height], before[height] = nodes, here
            height += 1
            nodes += 1
    return parent[:nodes], first[:nodes], stop[:nodes], altitude[:nodes], column[:nodes]


@kernel
def _judged(sums: NDArray[np.int64], parts: int, price: int, node: int, column: NDArray[np.int64]) -> int:
    """Return the least cost of a node, whose parts cost so much; note its class if it is one region."""
    total, most = 0, 0
    for k in range(sums.size):
        total += sums[k]
        if sums[k] > sums[most]:
            most = k
    if total == 0:
        return 0
    cost = total - int(sums[most]) + price
    if cost <= parts:
        column[node] = most
        return cost
    return parts


@kernel
def _uppermost(parent: NDArray[np.int64], column: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which nodes are one region while none above them is."""
    taken, covered = np.zeros(parent.size, np.bool_), np.zeros(parent.size, np.bool_)
    for node in range(parent.size - 1, -1, -1):
        above = parent[node]
        covered[node] = above >= 0 and covered[above]
        if not covered[node] and column[node] >= 0:
            taken[node] = covered[node] = True
    return taken


@kernel
def _explained(
    mass: NDArray[np.int64],
    first: NDArray[np.int64],
    stop: NDArray[np.int64],
    column: NDArray[np.int64],
) -> tuple[NDArray[np.uint32], int]:
    """Return the region of each leaf, and what is contradicted."""
    leaves, classes = mass.shape
    region = np.full(leaves, np.uint32(UNEXPLAINED), np.uint32)
    contradicted = 0
    for number in range(first.size):
        for leaf in range(first[number], stop[number]):
            region[leaf] = number
            for k in range(classes):
                if k != column[number]:
                    contradicted += mass[leaf, k]
    return region, contradicted
