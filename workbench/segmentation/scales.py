"""Binary merges → scales: at which λ each node becomes optimal, and the leaf order that makes it an interval.

Guigues, Cocquerez and Le Men, *Scale-sets image analysis*, IJCV 68(3), 2006: for D + λ·C with C subadditive,
the optimal cuts of a tree are nested in λ, and each node enters them at one scale of appearance λ⁺.
"""

from __future__ import annotations

__all__ = ["leaf_order", "persistent_scales"]

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.segmentation.merging import MergeTree


def persistent_scales(tree: MergeTree) -> NDArray[np.float64]:
    """Return the scale at which each merge enters the optimal cuts of the tree, exactly.

    The optimal energy of a subtree is a concave piecewise affine function of λ. Written as its breakpoints
    (scale, fall of C, rise of D), two children's functions add by putting their breakpoints together, and
    the parent replaces all those above its own scale by a single one: itself. Its scale is the total rise
    of D over the total fall of C of what it replaces, which is at most what it absorbs, so breakpoints are
    taken from the top of a heap until the next one lies below. Each breakpoint is put in and taken out once:
    O(n log n) with skew heaps, and no piece is ever dropped.

    Returns
    -------
    NDArray[np.float64]
        Shape (merge,). λ⁺, clamped to the parent's: a merge whose parent is optimal no later is never seen.

    Examples
    --------
    Leaves 0 and 1 are alike and merge at once; leaf 2 joins them when λ pays for what that distorts.

    >>> children = np.array([0, 3], dtype=np.int32), np.array([1, 2], dtype=np.int32)
    >>> persistent_scales(MergeTree(3, *children, np.array([0.0, 60.0]), np.array([1, 2])))
    array([ 0., 30.])
    """
    scales = _breakpoints(tree)
    _clamp_to_parents(tree, scales)
    return scales


def leaf_order(
    tree: MergeTree, altitudes: NDArray[np.float32]
) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """Renumber the leaves depth-first, so that every node is an interval of them.

    The child with the smaller old leaf id comes first; trees of a forest (parts of an image that nodata
    keeps apart) follow each other by their smallest old leaf id.

    Returns
    -------
    rank
        Shape (leaf,). New id of each old leaf.
    s
        Shape (leaf,). Altitude of the lowest common ancestor of new leaves j − 1 and j; inf where there is
        none, so always at 0.
    """
    return _depth_first(tree, altitudes)


@kernel
def _meld(
    root: int, other: int, scales: NDArray[np.float64], first: NDArray[np.int32], second: NDArray[np.int32]
) -> int:
    """Put two skew heaps (largest scale on top) together; −1 is the empty heap."""
    if root < 0:
        return other
    if other < 0:
        return root
    if scales[root] < scales[other]:
        root, other = other, root
    top = root
    while True:
        below = second[root]
        second[root] = first[root]
        if below < 0:
            first[root] = other
            return top
        if scales[below] < scales[other]:
            below, other = other, below
        first[root] = below
        root = below


@kernel
def _breakpoints(tree: MergeTree) -> NDArray[np.float64]:
    merges = tree.left.size
    scales = np.empty(merges, np.float64)
    rises, falls = tree.gains.copy(), tree.lengths.astype(np.float64)
    first, second = np.full(merges, -1, np.int32), np.full(merges, -1, np.int32)
    heaps = np.full(merges, -1, np.int32)
    for merge in range(merges):
        a, b = tree.left[merge] - tree.leaves, tree.right[merge] - tree.leaves
        heap = _meld(heaps[a] if a >= 0 else -1, heaps[b] if b >= 0 else -1, scales, first, second)
        scale = rises[merge] / falls[merge]
        while heap >= 0 and scales[heap] >= scale:
            rises[merge] += rises[heap]
            falls[merge] += falls[heap]
            scale = rises[merge] / falls[merge]
            heap = _meld(first[heap], second[heap], scales, first, second)
        scales[merge] = scale
        heaps[merge] = _meld(heap, merge, scales, first, second)
    return scales


@kernel
def _clamp_to_parents(tree: MergeTree, scales: NDArray[np.float64]) -> None:
    for merge in range(scales.size - 1, -1, -1):
        for child in (tree.left[merge] - tree.leaves, tree.right[merge] - tree.leaves):
            if child >= 0 and scales[child] > scales[merge]:
                scales[child] = scales[merge]


@kernel
def _depth_first(
    tree: MergeTree, altitudes: NDArray[np.float32]
) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    leaves, merges = tree.leaves, tree.left.size
    nodes = leaves + merges
    count, low = np.ones(nodes, np.int64), np.arange(nodes)
    child = np.zeros(nodes, np.bool_)
    for merge in range(merges):
        a, b = tree.left[merge], tree.right[merge]
        count[leaves + merge] = count[a] + count[b]
        low[leaves + merge] = min(low[a], low[b])
        child[a], child[b] = True, True
    root_at = np.full(leaves, -1, np.int64)
    for node in range(nodes):
        if not child[node]:
            root_at[low[node]] = node
    first = np.zeros(nodes, np.int64)
    s = np.empty(leaves, np.float32)
    stop = 0
    for leaf in range(leaves):
        if root_at[leaf] >= 0:
            first[root_at[leaf]] = stop
            s[stop] = np.inf
            stop += count[root_at[leaf]]
    for merge in range(merges - 1, -1, -1):
        a, b = tree.left[merge], tree.right[merge]
        first[a] = first[leaves + merge]
        first[b] = first[a] + count[a]
        s[first[b]] = altitudes[merge]
    return first[:leaves].astype(np.uint32), s
