"""What a prediction is made of: the fewest regions of a hierarchy that explain it, by dynamic programming.

Regions are painted like picks: a node gets a class, and nodes inside it may get another. A painting costs the
pixels that it contradicts, each by how sure the prediction is of it, and a price for each region. For a price
the cheapest painting is found exactly, in one pass up the tree and one down: the pruning of Breiman et al.
(*Classification and Regression Trees*, 1984) and of Guigues, Cocquerez & Le Men (*Scale-sets image analysis*,
IJCV 2006), with a state for each class that a node may inherit. Price and contradictions are the two parts
of a description length (Rissanen 1978). O(pixels + leaves · classes), in whole numbers: equal input gives
equal regions everywhere.

Disjoint regions, a cut of the tree, need about twice as many regions for the same picks left; all classes'
probabilities leave no fewer picks than the highest one (``tests/benchmarks/prelabel_picks.py``).
"""

from __future__ import annotations

__all__ = ["UNEXPLAINED", "Explanation", "explain", "gather_mass"]

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.errors import HierarchyError

UNEXPLAINED = 0xFFFFFFFF
"""Number of no region, for leaves and pixels of which nothing is known."""
_UNIT = 255
"""What a pixel weighs of whose class the prediction is certain."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Explanation:
    """The cheapest painting, outer regions before those inside them."""

    first: NDArray[np.int64]
    """Shape (region,). First leaf of the node that a region paints."""
    stop: NDArray[np.int64]
    """Shape (region,). Leaf after its last one."""
    scale: NDArray[np.float32]
    """Shape (region,). Altitude of the node."""
    column: NDArray[np.int64]
    """Shape (region,). Its class, as a column of the masses."""
    region: NDArray[np.uint32]
    """Shape (leaf,). The region that a leaf has its class from: the innermost that holds it."""
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


def explain(s: NDArray[np.float32], mass: NDArray[np.int64], *, price: float) -> Explanation:
    """Return the cheapest painting of a prediction: contradicted pixels plus price times regions.

    Each part of the image where something is known is painted, be it ever so little. Where costs are equal
    there is no region, and the first class is taken.

    Parameters
    ----------
    s
        Shape (leaf,). Altitude of the lowest common ancestor of leaves j − 1 and j; inf at 0.
    mass
        Shape (leaf, class), as `gather_mass` gives it.
    price
        Pixels that a region must explain better than the one around it, above 0.

    Raises
    ------
    HierarchyError
        The price is none, or the masses are those of other leaves.

    Examples
    --------
    >>> s, mass = np.array([np.inf, 1, 2], np.float32), 255 * np.array([[9, 0], [0, 4], [30, 1]])
    >>> found = explain(s, mass, price=3.0)
    >>> found.first.tolist(), found.stop.tolist(), found.column.tolist(), found.contradicted
    ([0, 1], [3, 2], [0, 1], 1.0)
    """
    if not 0 < price < 2**31:
        raise HierarchyError(f"a price of {price} pixels per region explains nothing; give one above 0")
    if len(mass) != s.size:
        raise HierarchyError(f"masses of {len(mass)} leaves do not fit a hierarchy of {s.size}")
    tree = _climb(s, mass, max(1, round(price * _UNIT)))
    painted, state = _descend(*tree)
    first, stop, altitude = tree[1], tree[2], tree[3]
    found = np.flatnonzero(painted)
    found = found[np.lexsort((-stop[found], first[found]))]
    region, contradicted = _paint(s, mass, first[found], stop[found], state[found])
    return Explanation(
        first=first[found],
        stop=stop[found],
        scale=altitude[found],
        column=state[found],
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
) -> tuple[
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.int64],
    NDArray[np.float32],
    NDArray[np.int64],
    NDArray[np.bool_],
    NDArray[np.bool_],
]:
    """Find for every node what is best inside it, children first.

    Returns
    -------
    parent, first, stop, altitude
        Shape (node,). A node comes after its children; the parent of a root is −1.
    best
        Shape (node,). The class to paint a node with, if it is painted.
    known
        Shape (node,). Whether the prediction says anything there.
    switch
        Shape (node, class). Whether it is painted where it would inherit a class.
    """
    leaves, classes = mass.shape
    parent = np.full(2 * leaves, -1, np.int64)
    first, stop = np.empty(2 * leaves, np.int64), np.empty(2 * leaves, np.int64)
    altitude = np.zeros(2 * leaves, np.float32)
    best, known = np.zeros(2 * leaves, np.int64), np.zeros(2 * leaves, np.bool_)
    switch = np.zeros((2 * leaves, max(classes, 1)), np.bool_)
    # A stack of nodes that wait for their parents: the altitude in front of each, and its cost for each class
    # that it keeps. Rows of the stack are touched only as deep as it gets.
    stack, before = np.empty(leaves + 1, np.int64), np.empty(leaves + 1, np.float32)
    costs = np.empty((leaves + 1, classes), np.int64)
    height, nodes = 0, 0
    for leaf in range(leaves + 1):
        here = s[leaf] if leaf < leaves else np.float32(np.inf)
        total = 0
        if leaf < leaves:
            for k in range(classes):
                total += mass[leaf, k]
        if leaf > 0 and leaf < leaves and here == 0:
            # No cut, however fine, parts it from the leaf before.
            node = stack[height - 1]
            stop[node] = leaf + 1
            known[node] |= total > 0
            for k in range(classes):
                costs[height - 1, k] += total - mass[leaf, k]
            continue
        while height > 0 and (before[height - 1] < here or leaf == leaves):
            # What is on top of the stack is a child of the node that ends here, or a root.
            level = before[height - 1]
            run = height - 1
            while level < np.inf and before[run] == level:
                run -= 1
            for at in range(run, height):
                node = stack[at]
                choice = 0
                for k in range(1, classes):
                    if costs[at, k] < costs[at, choice]:
                        choice = k
                best[node] = choice
                if classes:
                    painted = costs[at, choice] + price
                    for k in range(classes):
                        if painted < costs[at, k]:
                            switch[node, k] = True
                            costs[at, k] = painted
                if level == np.inf:
                    continue
                parent[node] = nodes
                known[nodes] |= known[node]
                if at > run:
                    for k in range(classes):
                        costs[run, k] += costs[at, k]
            if level == np.inf:
                height = run
                continue
            first[nodes], stop[nodes] = first[stack[run]], stop[stack[height - 1]]
            altitude[nodes] = level
            stack[run] = nodes
            height = run + 1
            nodes += 1
        if leaf < leaves:
            first[nodes], stop[nodes], known[nodes] = leaf, leaf + 1, total > 0
            for k in range(classes):
                costs[height, k] = total - mass[leaf, k]
            stack[height], before[height] = nodes, here
            height += 1
            nodes += 1
    return (
        parent[:nodes],
        first[:nodes],
        stop[:nodes],
        altitude[:nodes],
        best[:nodes],
        known[:nodes],
        switch[:nodes],
    )


@kernel
def _descend(
    parent: NDArray[np.int64],
    first: NDArray[np.int64],
    stop: NDArray[np.int64],
    altitude: NDArray[np.float32],
    best: NDArray[np.int64],
    known: NDArray[np.bool_],
    switch: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which nodes are painted, and the class of each node."""
    painted, state = np.zeros(parent.size, np.bool_), np.zeros(parent.size, np.int64)
    for node in range(parent.size - 1, -1, -1):
        above = parent[node]
        if above < 0:
            painted[node] = known[node]
        else:
            state[node] = state[above]
            painted[node] = switch[node, state[node]]
        if painted[node]:
            state[node] = best[node]
    return painted, state


@kernel
def _paint(
    s: NDArray[np.float32],
    mass: NDArray[np.int64],
    first: NDArray[np.int64],
    stop: NDArray[np.int64],
    column: NDArray[np.int64],
) -> tuple[NDArray[np.uint32], int]:
    """Return the innermost region of each leaf, and what is contradicted."""
    leaves, classes = mass.shape
    region = np.full(leaves, np.uint32(UNEXPLAINED), np.uint32)
    for number in range(first.size):
        region[first[number] : stop[number]] = number
    contradicted = 0
    for leaf in range(leaves):
        if region[leaf] < first.size:
            for k in range(classes):
                if k != column[region[leaf]]:
                    contradicted += mass[leaf, k]
    return region, contradicted
