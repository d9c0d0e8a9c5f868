"""Image → hierarchy: blocks reduced to leaves, leaves merged, scales, numbering."""

from __future__ import annotations

__all__ = ["DEFAULT", "Keeper", "Reader", "segment", "segment_source"]

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import HierarchyError
from workbench.geo.grid import PixelGrid, Window
from workbench.segmentation.climbing import QUEUED, merge_all
from workbench.segmentation.features import Mixing
from workbench.segmentation.graph import LeafStatistics, RegionGraph
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.leafmap import LeafMap
from workbench.segmentation.mapper import Mapper
from workbench.segmentation.parameters import (
    ALGORITHM,
    SegmentationParameters,
    digest_image,
    usable_pixels,
)
from workbench.segmentation.premerging import absorb, swarm_of
from workbench.segmentation.scales import leaf_order, persistent_scales
from workbench.segmentation.swarm import Swarm, surviving_graph, survivors
from workbench.segmentation.tiling import (
    BLOCK,
    Block,
    Reduced,
    blocks_of,
    cut_block,
    margin_for,
    number_leaves,
    reduce_block,
    stitch,
    summed,
)

DEFAULT = SegmentationParameters.preset("default")

_LEAST_SAMPLE, _MOST_SAMPLE = 48, 192
"""Side of a sample in pixels."""

_JUMP = 8
"""Times fewer leaves than wanted that one step of the scale may leave."""

_NOTHING = np.empty((0, 0), np.int32)


Reader = Callable[[Window], tuple[NDArray[np.generic], NDArray[np.bool_]]]
Keeper = Callable[[int, Callable[[], Reduced]], Reduced]


def segment(
    image: NDArray[np.generic],
    *,
    grid: PixelGrid,
    valid: NDArray[np.bool_] | None = None,
    parameters: SegmentationParameters = DEFAULT,
    matrix: NDArray[np.float64] | None = None,
    map: Mapper = map,  # noqa: A002 - it takes the place of the builtin
    progress: Callable[[str, float], None] | None = None,
) -> Hierarchy:
    """Build the scale-sets hierarchy of an image.

    Parameters
    ----------
    image
        Shape (band, row, col); uint8, uint16 or float32. Pixels with a NaN in any band are nodata.
    grid
        Where the pixels lie; of the image's size.
    valid
        Shape (row, col); False for nodata. Nodata is a wall: it is in no region, and regions on both sides of
        it are no neighbours.
    parameters
        How to segment.
    matrix
        Shape (feature, band). What makes features of bands, in place of what the parameters find in the
        image: to segment a part of it like the whole.
    map
        What runs the blocks of the image: the builtin, one after the other, or the ``map`` of a
        `concurrent.futures.ThreadPoolExecutor`. The hierarchy is the same, byte by byte.
    progress
        Called with the name of each step and the share of the work done before it.

    Raises
    ------
    HierarchyError
        The image is of a type that cannot be segmented, or has no valid pixel.
    """
    report = progress or _silent
    report("reading", 0.0)
    usable = usable_pixels(image, valid)
    if usable.shape != grid.shape:
        raise HierarchyError(f"image has {usable.shape} pixels, its grid {grid.shape}")
    pixels = np.asarray(image, dtype=image.dtype.newbyteorder("="))
    return segment_source(
        lambda window: (_cut(pixels, window), _cut(usable, window)),
        grid=grid,
        parameters=parameters,
        matrix=matrix,
        image_digest=lambda: digest_image(pixels, usable),
        keep=lambda _, make: make(),
        map=map,
        progress=report,
    )


def segment_source(
    read: Reader,
    *,
    grid: PixelGrid,
    parameters: SegmentationParameters,
    matrix: NDArray[np.float64] | None,
    image_digest: Callable[[], str],
    keep: Keeper,
    map: Mapper,  # noqa: A002 - it takes the place of the builtin
    progress: Callable[[str, float], None],
) -> Hierarchy:
    """Build the hierarchy of an image that is read window by window.

    Parameters
    ----------
    read
        Returns the pixels of a window, shape (band, row, col), and which of them are valid.
    image_digest
        Returns the digest of the whole image.
    keep
        Takes the number of a block and what makes its regions, and returns them, from wherever they are kept.
    """
    if parameters.algorithm != ALGORITHM:
        raise HierarchyError(
            f"parameters are of algorithm {parameters.algorithm}, whose hierarchies are read but not made; "
            f"make them with algorithm {ALGORITHM}"
        )
    samples = [read(window) for window in _sample_windows(grid.shape)]
    mixing = parameters.mixing_of(samples, map)
    if matrix is not None:
        mixing = mixing._replace(matrix=matrix)
    share = sum(int(np.count_nonzero(valid)) for _, valid in samples) / sum(v.size for _, v in samples)
    per_leaf = parameters.pixels_per_leaf(max(1, int(share * grid.height * grid.width)))
    scale = _finest_scale(samples, mixing, parameters, per_leaf, map)
    progress("leaves", 0.05)
    windows = blocks_of(grid.shape, BLOCK if parameters.start == "basins" else 2 * BLOCK)
    margin = margin_for(parameters)

    def reduced(item: tuple[int, Window]) -> Reduced:
        number, window = item

        def make() -> Reduced:
            image, valid = _with_margin(read, grid.shape, window, margin)
            return reduce_block(image, valid, mixing=mixing, parameters=parameters, scale=scale)

        return keep(number, make)

    blocks = []
    for block in map(reduced, enumerate(windows)):
        blocks.append(block)
        progress("leaves", 0.05 + 0.54 * len(blocks) / len(windows))
    progress("merging", 0.6)
    images = [block.labels for block in blocks]
    del block
    regions, statistics, graph = _together(blocks, windows, mixing, scale, parameters.region_cost)
    if not statistics.area.size:
        pixels = grid.height * grid.width
        raise HierarchyError(f"all {pixels:,} pixels are nodata; there is nothing to segment")
    means = mixing.means(statistics.sums, statistics.area)
    # From single pixels there are many more leaves than anybody sees at once.
    queued = QUEUED if parameters.start == "basins" else min(QUEUED, statistics.area.size // 8)
    tree = merge_all(graph, statistics.area, means, region_cost=parameters.region_cost, queued=queued)
    del graph, means
    progress("scales", 0.85)
    rank, s = leaf_order(tree, persistent_scales(tree).astype(np.float32))
    del tree
    order = np.argsort(rank)
    area = statistics.area[order].astype(np.uint32)
    sums, squares = statistics.sums[:, order], statistics.squares[:, order]
    del statistics, order
    progress("numbering", 0.9)
    leaves = np.empty(grid.shape, np.uint32)

    def finished(number: int) -> str:
        if number == len(windows):
            return image_digest()
        labels, images[number] = images[number], _NOTHING  # those on disk are mapped no longer than needed
        number_leaves(labels, rank[regions[number]], leaves[windows[number].slices])
        return ""

    *_, digest = map(finished, range(len(windows) + 1))
    return Hierarchy(
        leafmap=LeafMap(numbers=leaves),
        s=s,
        area=area,
        sums=sums,
        squares=squares,
        matrix=mixing.matrix,
        grid=grid,
        parameters=parameters,
        image_digest=digest,
    )


def _together(
    blocks: list[Reduced],
    windows: Sequence[Window],
    mixing: Mixing,
    scale: float,
    region_cost: int,
) -> tuple[list[NDArray[np.int32]], LeafStatistics, RegionGraph]:
    """Put blocks together, and merge what their borders kept waiting; empties the list of blocks.

    Returns
    -------
    regions, statistics, graph
        Per block the leaf of each of its regions; and the leaves.
    """
    if len(blocks) == 1:
        statistics, graph = blocks[0].statistics, blocks[0].graph
        return [np.arange(statistics.area.size, dtype=np.int32)], statistics, graph
    regions, statistics, graph = stitch(blocks, windows)
    blocks.clear()
    means = mixing.means(statistics.sums, statistics.area).astype(np.float32)
    swarm = swarm_of(graph, statistics.area, means, region_cost=region_cost)
    nothing = np.zeros(statistics.area.size, np.bool_)
    swarm, _ = absorb(swarm, scale, ends=np.array([statistics.area.size]), keep=nothing)
    ids, count = survivors(swarm)
    merged = summed([statistics], [ids], count)
    return [ids[numbers] for numbers in regions], merged, surviving_graph(swarm, ids, count)


def _sample_windows(shape: tuple[int, int]) -> list[Window]:
    """Return windows spread evenly over an image, a sixteenth of it at most but for small ones."""
    height, width = (min(side, max(_LEAST_SAMPLE, min(side // 16, _MOST_SAMPLE))) for side in shape)
    rows, cols = (
        min(max(2, side // 128), 4 + side // 8192, side // size)
        for side, size in zip(shape, (height, width), strict=True)
    )
    return [
        Window(
            row=int((row + 0.5) * shape[0] / rows - height / 2),
            col=int((col + 0.5) * shape[1] / cols - width / 2),
            height=height,
            width=width,
        )
        for row in range(rows)
        for col in range(cols)
    ]


def _finest_scale(
    samples: Sequence[tuple[NDArray[np.generic], NDArray[np.bool_]]],
    mixing: Mixing,
    parameters: SegmentationParameters,
    pixels_per_leaf: float,
    map: Mapper,  # noqa: A002 - as above
) -> float:
    """Return the scale at which the regions of samples have so many pixels on average."""
    margin = margin_for(parameters)

    def cut(sample: tuple[NDArray[np.generic], NDArray[np.bool_]]) -> Block:
        image, valid = sample
        around = (margin, margin)
        padded = np.pad(image, ((0, 0), around, around)), np.pad(valid, around)
        return cut_block(*padded, mixing=mixing, parameters=parameters)

    blocks = list(map(cut, samples))
    swarms, ends = [block.swarm for block in blocks], [block.leaves.ends for block in blocks]
    wanted = sum(float(block.statistics.area.sum()) for block in blocks) / pixels_per_leaf
    costs = _costs(swarms)
    before, scale = costs.size, 0.0
    positive = costs[costs > 0]
    if before <= wanted or not positive.size:
        return 0.0
    following = float(np.quantile(positive, 0.01))
    while True:
        for number, swarm in enumerate(swarms):
            keep = np.zeros(swarm.size, np.bool_)
            swarms[number], _ = absorb(swarm, following, ends=ends[number], keep=keep)
        costs = _costs(swarms)
        now = costs.size
        if now <= wanted:
            if now < wanted / _JUMP:
                return scale  # all at one cost, as on a chessboard: rather too many leaves than none
            # Between two steps, counts fall about as a power of the scale.
            share = np.log(before / max(wanted, 1.0)) / np.log(before / now) if now < before else 1.0
            return float(following * 2.0 ** (0.5 * (min(share, 1.0) - 1.0))) if scale else following
        before, scale, following = now, following, max(following * np.sqrt(2.0), float(costs.min()))


def _costs(swarms: Sequence[Swarm]) -> NDArray[np.float32]:
    """Return what it costs least to merge each region that has a neighbour, in all swarms."""
    costs = np.concatenate([swarm.living_costs() for swarm in swarms])
    return np.asarray(costs[np.isfinite(costs)])


def _cut(array: NDArray[Any], window: Window) -> NDArray[Any]:
    return array[(..., *window.slices)]


def _with_margin(
    read: Reader, shape: tuple[int, int], window: Window, margin: int
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Read a window of an image and some pixels around it; what lies beyond the image is nodata."""
    top, left = max(0, window.row - margin), max(0, window.col - margin)
    bottom, right = min(shape[0], window.row_stop + margin), min(shape[1], window.col_stop + margin)
    image, valid = read(Window(row=top, col=left, height=bottom - top, width=right - left))
    around = (
        (top - window.row + margin, window.row_stop + margin - bottom),
        (left - window.col + margin, window.col_stop + margin - right),
    )
    return np.pad(image, ((0, 0), *around)), np.pad(valid, around)


def _silent(step: str, done: float) -> None:
    """Report progress to nobody."""
