"""How few picks label an image with a hierarchy: exact dynamic programming on the tree.

A pick paints one node with one class. *Nested* picks may paint a node and then, inside it, other nodes;
*disjoint* picks form a cut of the tree, one pick per region. For a price μ per pick the cheapest set of picks
(errors + μ · picks) is found exactly in one pass over the tree; moving μ walks the lower convex hull of
(picks, errors), and the answer for a target is the hull's first point that reaches it. Only nodes that
a user can point at count: a node with its parent's altitude is in no cut.
"""

from __future__ import annotations

__all__ = [
    "Painting",
    "PickTree",
    "cheapest_cut",
    "cheapest_painting",
    "count_classes",
    "cut_errors",
    "least_errors",
    "pick_tree",
]

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel


class PickTree(NamedTuple):
    """The tree of nodes worth picking, parents first; nodes of at most one class have no children."""

    parent: NDArray[np.int64]
    """Shape (node,). −1 for roots."""
    first: NDArray[np.int64]
    """Shape (node,). First leaf of the node's interval."""
    altitude: NDArray[np.float32]
    """Shape (node,). A node's scale; strictly below its parent's."""
    counts: NDArray[np.int64]
    """Shape (node, class). Pixels of each true class."""
    right: NDArray[np.int64]
    """Shape (node,). Pixels that have their true class before the first pick."""
    terminal: NDArray[np.bool_]
    """Shape (node,). True where there are no children."""


class Painting(NamedTuple):
    """A set of picks; what it costs and what it paints."""

    errors: int
    """Pixels left without their true class."""
    picks: int
    painted: NDArray[np.int64]
    """Shape (node,). Class painted on the node by a pick, −1 for none."""


def count_classes(
    leaves: NDArray[np.uint32], classes: NDArray[np.int32], size: tuple[int, int]
) -> NDArray[np.int64]:
    """Count the pixels of each class in each leaf, shape (leaf, class) = ``size``.

    Pixels of class −1, and of no leaf, do not count.
    """
    return _count_classes(leaves, classes, *size)


def pick_tree(
    s: NDArray[np.float32], counts: NDArray[np.int64], right: NDArray[np.int64] | None = None
) -> PickTree:
    """Build the tree of pickable nodes from ``s`` and the class counts of the leaves.

    Inside a node of one class nothing is worth a pick that is not better spent on the node itself, so
    such nodes are not divided further: the tree keeps its optimum and loses most of its size.

    Parameters
    ----------
    s
        Shape (leaf,). Scales of the hierarchy.
    counts
        Shape (leaf, class). Pixels of each true class.
    right
        Shape (leaf,). Pixels that have their true class already; default none.
    """
    column = np.zeros(len(counts), np.int64) if right is None else right
    parent, first, altitude, found, terminal = _prune(*_tree(s, np.column_stack((counts, column))))
    classes = np.ascontiguousarray(found[:, :-1])
    return PickTree(parent, first, altitude, classes, np.ascontiguousarray(found[:, -1]), terminal)


def cheapest_painting(tree: PickTree, most_errors: int) -> Painting | None:
    """Return the first hull point of nested picks with at most so many errors, None if there is none."""
    return _first_on_hull(lambda price: Painting(*_paint(tree, price)), tree, most_errors)


def cheapest_cut(tree: PickTree, most_errors: int) -> Painting | None:
    """Return the first hull point of disjoint picks with at most so many errors, None if there is none.

    Regions without a pixel of known class need no pick.
    """
    return _first_on_hull(lambda price: Painting(*_cover(tree, price)), tree, most_errors)


def cut_errors(s: NDArray[np.float32], counts: NDArray[np.int64], scale: np.float32) -> tuple[int, int]:
    """Return (errors, regions with a known pixel) of a cut whose regions take their majority class."""
    errors, regions = _cut_errors(s, counts, scale)
    return int(errors), int(regions)


def least_errors(tree: PickTree) -> int:
    """Return the errors that are left when no pick is spared."""
    return Painting(*_paint(tree, _cheap(tree))).errors


def _cheap(tree: PickTree) -> float:
    """Return a price at which no pick is spared that saves a pixel.

    Errors are whole numbers, and there are at most as many picks as nodes.
    """
    return 1.0 / (tree.parent.size + 1)


def _first_on_hull(solve: Callable[[float], Painting], tree: PickTree, most_errors: int) -> Painting | None:
    good = solve(_cheap(tree))
    if good.errors > most_errors:
        return None
    poor = solve(float(tree.counts.sum()) + 1.0)
    if poor.errors <= most_errors:
        return poor
    while True:
        price = (poor.errors - good.errors) / (good.picks - poor.picks)
        between = solve(price)
        # On the line from one to the other: nothing lies below it.
        if between.errors + price * between.picks >= good.errors + price * good.picks - 1e-6:
            return good
        if between.errors <= most_errors:
            good = between
        else:
            poor = between


@kernel
def _count_classes(
    leaves: NDArray[np.uint32], classes: NDArray[np.int32], leaf_count: int, class_count: int
) -> NDArray[np.int64]:
    counts = np.zeros((leaf_count, class_count), np.int64)
    height, width = leaves.shape
    for row in range(height):
        for col in range(width):
            leaf, code = leaves[row, col], classes[row, col]
            if leaf < leaf_count and code >= 0:
                counts[leaf, code] += 1
    return counts


@kernel
def _tree(
    s: NDArray[np.float32], leaf_counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Build all nodes, children first: a stack of finished nodes with the altitude in front of each.

    Counts are added up, column by column.
    """
    leaves, classes = leaf_counts.shape
    parent = np.full(2 * leaves, -1, np.int64)
    first = np.empty(2 * leaves, np.int64)
    altitude = np.zeros(2 * leaves, np.float32)
    counts = np.zeros((2 * leaves, classes), np.int64)
    stack = np.empty(leaves, np.int64)
    before = np.empty(leaves, np.float32)
    height, nodes = 0, 0
    for leaf in range(leaves + 1):
        here = s[leaf] if leaf < leaves else np.float32(np.inf)
        if leaf < leaves and here == 0:
            # No cut, however fine, parts it from the leaf before.
            for k in range(classes):
                counts[nodes - 1, k] += leaf_counts[leaf, k]
            continue
        while height > 1 and before[height - 1] < here:
            level = before[height - 1]
            run = height - 1
            while run > 0 and before[run] == level:
                run -= 1
            for at in range(run, height):
                parent[stack[at]] = nodes
                for k in range(classes):
                    counts[nodes, k] += counts[stack[at], k]
            first[nodes], altitude[nodes] = first[stack[run]], level
            stack[run] = nodes
            height = run + 1
            nodes += 1
        if leaf < leaves:
            first[nodes] = leaf
            counts[nodes] = leaf_counts[leaf]
            stack[height], before[height] = nodes, here
            height += 1
            nodes += 1
    return parent[:nodes], first[:nodes], altitude[:nodes], counts[:nodes]


@kernel
def _prune(
    parent: NDArray[np.int64],
    first: NDArray[np.int64],
    altitude: NDArray[np.float32],
    counts: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
    nodes, classes = counts.shape[0], counts.shape[1] - 1  # the last column is what is right already
    terminal = np.ones(nodes, np.bool_)
    for node in range(nodes):
        if parent[node] >= 0:
            terminal[parent[node]] = False
    pure = np.empty(nodes, np.bool_)
    for node in range(nodes):
        present = 0
        for k in range(classes):
            present += counts[node, k] > 0
        pure[node] = present <= 1
    kept = np.full(nodes, -1, np.int64)
    count = 0
    for node in range(nodes - 1, -1, -1):
        above = parent[node]
        if above < 0 or (kept[above] >= 0 and not pure[above]):
            kept[node] = count
            count += 1
    old = np.empty(count, np.int64)
    for node in range(nodes):
        if kept[node] >= 0:
            old[kept[node]] = node
    parents = np.empty(count, np.int64)
    for node in range(count):
        above = parent[old[node]]
        parents[node] = kept[above] if above >= 0 else -1
    return parents, first[old], altitude[old], counts[old], (terminal | pure)[old]


@kernel
def _paint(tree: PickTree, price: float) -> tuple[int, int, NDArray[np.int64]]:
    """Find the cheapest nested picks: state = the class inherited from above, the last one = as it was."""
    nodes, classes = tree.counts.shape
    cost = np.zeros((nodes, classes + 1))
    choice = np.empty(nodes, np.int64)
    for node in range(nodes - 1, -1, -1):
        if tree.terminal[node]:
            total = tree.counts[node].sum()
            for k in range(classes):
                cost[node, k] = total - tree.counts[node, k]
            cost[node, classes] = total - tree.right[node]
        choice[node] = np.argmin(cost[node, :classes]) if classes else -1
        above = tree.parent[node]
        if above >= 0:
            repainted = price + cost[node, choice[node]] if classes else np.inf
            for k in range(classes + 1):
                cost[above, k] += min(cost[node, k], repainted)
    state = np.empty(nodes, np.int64)
    painted = np.full(nodes, -1, np.int64)
    errors, picks = 0, 0
    for node in range(nodes):
        above = tree.parent[node]
        state[node] = state[above] if above >= 0 else classes
        if classes and price + cost[node, choice[node]] < cost[node, state[node]]:
            state[node] = choice[node]
            painted[node] = choice[node]
            picks += 1
        if tree.terminal[node]:
            errors += tree.counts[node].sum()
            if state[node] < classes:
                errors -= tree.counts[node, state[node]]
            else:
                errors -= tree.right[node]
    return errors, picks, painted


@kernel
def _cover(tree: PickTree, price: float) -> tuple[int, int, NDArray[np.int64]]:
    """Find the cheapest cut."""
    nodes, classes = tree.counts.shape
    below = np.zeros(nodes)
    whole = np.zeros(nodes, np.bool_)
    for node in range(nodes - 1, -1, -1):
        total, most = 0, 0
        for k in range(classes):
            total += tree.counts[node, k]
            most = max(most, tree.counts[node, k])
        cost = total - most + price if total > 0 else 0.0
        whole[node] = tree.terminal[node] or cost <= below[node]
        if not whole[node]:
            cost = below[node]
        if tree.parent[node] >= 0:
            below[tree.parent[node]] += cost
    painted = np.full(nodes, -1, np.int64)
    covered = np.zeros(nodes, np.bool_)
    errors, picks = 0, 0
    for node in range(nodes):
        above = tree.parent[node]
        covered[node] = above >= 0 and covered[above]
        if whole[node] and not covered[node]:
            covered[node] = True
            total = tree.counts[node].sum()
            if total > 0:
                painted[node] = np.argmax(tree.counts[node])
                errors += total - tree.counts[node, painted[node]]
                picks += 1
    return errors, picks, painted


@kernel
def _cut_errors(s: NDArray[np.float32], leaf_counts: NDArray[np.int64], scale: np.float32) -> tuple[int, int]:
    leaves, classes = leaf_counts.shape
    sums = np.zeros(classes, np.int64)
    errors, regions = 0, 0
    for leaf in range(leaves + 1):
        if leaf == leaves or s[leaf] > scale:
            total = sums.sum()
            if total > 0:
                errors += total - sums.max()
                regions += 1
            sums[:] = 0
        if leaf < leaves:
            sums += leaf_counts[leaf]
    return errors, regions
