"""Second, slow definitions of what the kernels compute, in plain Python; and small images to try them on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from affine import Affine
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy import ndimage

from workbench.geo.grid import PixelGrid
from workbench.segmentation.building import segment
from workbench.segmentation.features import Mixing
from workbench.segmentation.hierarchy import Hierarchy, SegmentationParameters
from workbench.segmentation.merging import MergeTree
from workbench.segmentation.partition import OUTSIDE, RING, basins, pixels
from workbench.segmentation.relief import blurred, sobel

PIXELS = SegmentationParameters(start="pixels", leaf_pixels=1.0)
BASINS = SegmentationParameters(leaf_pixels=1.0)


def grid_of(image: NDArray[np.generic]) -> PixelGrid:
    """Return a grid that an image fits."""
    transform = Affine(0.2, 0.0, 650000.0, 0.0, -0.2, 6860000.0)
    return PixelGrid(crs="EPSG:2154", transform=transform, height=image.shape[-2], width=image.shape[-1])


def hierarchy_of(
    image: NDArray[np.generic], parameters: SegmentationParameters = PIXELS, **options
) -> Hierarchy:
    """Segment an image on a grid of its size."""
    return segment(image, grid=grid_of(image), parameters=parameters, **options)


def mixing_of(image: NDArray[np.generic], weights: Sequence[float] | None = None) -> Mixing:
    """Return the map that takes each band as a feature, times the square root of its weight."""
    bands = image.shape[0]
    return Mixing(
        centre=np.zeros(bands), matrix=np.diag(np.sqrt(weights if weights is not None else np.ones(bands)))
    )


def with_margin(
    image: NDArray[np.generic], valid: NDArray[np.bool_], margin: int
) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """Return a whole image with a margin of nodata around, and what is valid."""
    return np.pad(image, ((0, 0), (margin, margin), (margin, margin))), np.pad(valid, margin)


def slope_of(
    image: NDArray[np.generic],
    valid: NDArray[np.bool_],
    *,
    smoothing: float = 0.0,
    weights: Sequence[float] | None = None,
) -> NDArray[np.float32]:
    """Return how steep an image is, after a Gaussian."""
    factors = np.asarray(np.ones(image.shape[0]) if weights is None else weights, np.float32)
    wide, walled = with_margin(image, valid, 1)
    slope = sobel(wide, walled, factors)
    return (blurred(slope, walled, smoothing) if smoothing else slope)[1:-1, 1:-1]


def basins_of(
    image: NDArray[np.generic],
    valid: NDArray[np.bool_] | None = None,
    *,
    smoothing: float = 0.0,
    zones: NDArray[np.int32] | None = None,
) -> tuple[NDArray[np.int32], int]:
    """Cut a whole image into basins; return labels and their number."""
    valid = np.ones(image.shape[1:], np.bool_) if valid is None else valid
    zones = np.zeros(valid.shape, np.int32) if zones is None else zones
    walled = np.pad(np.where(valid, zones, OUTSIDE).astype(np.int32), RING, constant_values=OUTSIDE)
    leaves = basins(np.pad(slope_of(image, valid, smoothing=smoothing), RING), walled)
    return leaves.labels, leaves.size


def flat_zones_of(
    image: NDArray[np.generic],
    valid: NDArray[np.bool_] | None = None,
    *,
    most: float = 0.0,
    metric: NDArray[np.floating] | None = None,
):
    """Make leaves of the pixels of a whole image; return labels and their number."""
    wide, walled = with_margin(image, np.ones(image.shape[1:], np.bool_) if valid is None else valid, RING)
    metric = np.eye(image.shape[0]) if metric is None else metric
    zones = np.where(walled, 0, OUTSIDE).astype(np.int32)
    leaves = pixels(wide, zones, metric=metric.astype(np.float32), most=most)
    return leaves.labels, leaves.size


def scene(seed: int, *, side: int = 48, bands: int = 3, noise: float = 4.0) -> NDArray[np.uint8]:
    """Return a seeded image of blurred, noisy Voronoi fields, shape (band, row, col)."""
    rng = np.random.default_rng(seed)
    seeds = rng.uniform(0, side, (12, 2))
    rows, cols = np.mgrid[:side, :side]
    field = np.argmin((rows[..., None] - seeds[:, 0]) ** 2 + (cols[..., None] - seeds[:, 1]) ** 2, axis=2)
    clean = ndimage.gaussian_filter(rng.uniform(40, 200, (bands, 12))[:, field], (0, 0.7, 0.7))
    return np.clip(clean + rng.normal(0, noise, clean.shape), 0, 255).astype(np.uint8)


def fields(seed: int, *, side: int = 48) -> NDArray[np.uint8]:
    """Return which of four classes each field of `scene` is, shape (row, col), values 1 … 4."""
    seeds = np.random.default_rng(seed).uniform(0, side, (12, 2))
    rows, cols = np.mgrid[:side, :side]
    field = np.argmin((rows[..., None] - seeds[:, 0]) ** 2 + (cols[..., None] - seeds[:, 1]) ** 2, axis=2)
    return (1 + field % 4).astype(np.uint8)


def images(*, most_side: int, most_value: int = 6) -> st.SearchStrategy[NDArray[np.uint8]]:
    """Draw tiny uint8 images of one to three bands with few values, so that ties are common."""
    side = st.integers(1, most_side)
    shapes = st.tuples(st.integers(1, 3), side, side)
    return shapes.flatmap(lambda shape: arrays(np.uint8, shape, elements=st.integers(0, most_value)))


def masks(shape: tuple[int, int]) -> st.SearchStrategy[NDArray[np.bool_]]:
    """Draw masks with at least one valid pixel."""
    return arrays(np.bool_, shape).filter(lambda mask: bool(mask.any()))


def pixel_leaves(valid: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """Make each valid pixel a leaf, numbered in raster order; −1 at nodata."""
    ids = np.cumsum(valid.ravel()).reshape(valid.shape) - 1
    return np.where(valid, ids, -1).astype(np.int32), int(valid.sum())


def pixel_energy(
    image: NDArray[np.generic], labels: NDArray[np.integer], weights: NDArray[np.float64] | None = None
) -> tuple[float, int]:
    """Return (D, C) of a partition from its pixels; negative labels are nodata."""
    weights = np.ones(image.shape[0]) if weights is None else weights
    rise = 0.0
    for label in np.unique(labels[labels >= 0]):
        values = image[:, labels == label].astype(np.float64)
        rise += float((weights[:, None] * (values - values.mean(axis=1, keepdims=True)) ** 2).sum())
    length = 0
    for here, there in ((labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])):
        length += int(np.count_nonzero((here != there) & (here >= 0) & (there >= 0)))
    return rise, length


def signed(labels: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return labels with nodata as −1."""
    return np.where(labels == 0xFFFFFFFF, -1, labels.astype(np.int64))


def greedy_merges(
    leaves: NDArray[np.int32], area: NDArray[np.int64], means: NDArray[np.float64]
) -> list[tuple[int, int, float, int]]:
    """Merge by looking at every pair of touching regions each time.

    Returns
    -------
    list
        (left node, right node, rise of D, shared edgels) of each merge, nodes numbered as in `MergeTree`.
    """
    border: dict[tuple[int, int], int] = {}
    for here, there in ((leaves[:, :-1], leaves[:, 1:]), (leaves[:-1], leaves[1:])):
        for a, b in zip(here.ravel().tolist(), there.ravel().tolist(), strict=True):
            if a >= 0 and b >= 0 and a != b:
                border[min(a, b), max(a, b)] = border.get((min(a, b), max(a, b)), 0) + 1
    size = {i: float(n) for i, n in enumerate(area)}
    mean = {i: [float(v) for v in row] for i, row in enumerate(means)}
    low = {i: i for i in size}
    merges: list[tuple[int, int, float, int]] = []

    def rise(pair: tuple[int, int]) -> float:
        a, b = pair
        squares = 0.0
        for u, v in zip(mean[a], mean[b], strict=True):
            squares += (u - v) * (u - v)
        return squares * (size[a] * size[b] / (size[a] + size[b]))

    def rank(item: tuple[tuple[int, int], int]) -> tuple[float, int, int]:
        pair, length = item
        ends = sorted((low[pair[0]], low[pair[1]]))
        return rise(pair) / length, ends[0], ends[1]

    while border:
        pair, _ = min(border.items(), key=rank)
        a, b = sorted(pair, key=low.__getitem__)
        node = len(area) + len(merges)
        merges.append((a, b, rise(pair), border[pair]))
        size[node] = size[a] + size[b]
        mean[node] = [(size[a] * u + size[b] * v) / size[node] for u, v in zip(mean[a], mean[b], strict=True)]
        low[node] = low[a]
        renamed: dict[tuple[int, int], int] = {}
        for (x, y), length in border.items():
            ends = tuple(sorted(node if end in (a, b) else end for end in (x, y)))
            if ends[0] != ends[1]:
                renamed[ends] = renamed.get(ends, 0) + length
        border = renamed
    return merges


def tree_cuts(tree: MergeTree) -> Iterator[list[int]]:
    """Yield every cut of a binary forest as the list of its nodes."""

    def below(node: int) -> list[list[int]]:
        cuts = [[node]]
        if node >= tree.leaves:
            merge = node - tree.leaves
            left, right = below(int(tree.left[merge])), below(int(tree.right[merge]))
            cuts += [a + b for a in left for b in right]
        return cuts

    children = set(tree.left.tolist()) | set(tree.right.tolist())
    cuts: list[list[int]] = [[]]
    for root in sorted(set(range(tree.leaves + tree.left.size)) - children):
        cuts = [cut + more for cut in cuts for more in below(root)]
    yield from cuts


def node_leaves(tree: MergeTree, node: int) -> list[int]:
    """Return the leaves of a node."""
    if node < tree.leaves:
        return [node]
    merge = node - tree.leaves
    return node_leaves(tree, int(tree.left[merge])) + node_leaves(tree, int(tree.right[merge]))


@cache
def connected_partitions(height: int, width: int) -> tuple[NDArray[np.int64], ...]:
    """Return every partition of a small image into 4-connected regions, as label images."""
    pixels = height * width
    found = []

    def grow(labels: list[int], used: int) -> Iterator[list[int]]:
        if len(labels) == pixels:
            yield labels
            return
        for label in range(used + 1):
            yield from grow([*labels, label], max(used, label + 1))

    for labels in grow([], 0):
        image = np.array(labels).reshape(height, width)
        if all(ndimage.label(image == label)[1] == 1 for label in range(image.max() + 1)):
            found.append(image)
    return tuple(found)


def drop_of_water(
    slope: NDArray[np.float32], zones: NDArray[np.integer], *, corners: bool = False
) -> NDArray[np.int64]:
    """Follow a drop from each pixel to the minimum of its zone; return its index, −1 at zones below 0."""
    height, width = slope.shape
    steps = [(0, 0), (-1, 0), (0, -1), (0, 1), (1, 0)]
    steps += [(-1, -1), (-1, 1), (1, -1), (1, 1)] if corners else []

    def next_pixel(row: int, col: int) -> tuple[int, int]:
        near = [(row + down, col + right) for down, right in steps]
        near = [(r, c) for r, c in near if 0 <= r < height and 0 <= c < width]
        near = [at for at in near if zones[at] == zones[row, col]]
        return min(near, key=lambda at: (slope[at], at[0] * width + at[1]))

    minima = np.full(slope.shape, -1)
    for row, col in np.argwhere(zones >= 0).tolist():
        at = (row, col)
        while (below := next_pixel(*at)) != at:
            at = below
        minima[row, col] = at[0] * width + at[1]
    return minima
