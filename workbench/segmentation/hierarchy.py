"""The hierarchy of regions of one image, its cuts and nodes.

Leaves are numbered depth-first, so a node is an interval of leaves, and the whole tree is one array:
``s[j]`` is the altitude (scale λ of appearance) of the lowest common ancestor of leaves j − 1 and j. Where
nodata keeps parts of the image apart they have no common ancestor, and ``s`` is inf.

Scales are compared in single precision everywhere, so a cut and a node at the same scale always agree.
"""

from __future__ import annotations

__all__ = [
    "NODATA_LEAF",
    "Cut",
    "Hierarchy",
    "Node",
    "ScaleSteps",
    "SegmentationParameters",
]

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench import documents
from workbench.errors import HierarchyError
from workbench.geo.grid import PixelGrid, Window
from workbench.segmentation import intervals
from workbench.segmentation.cuts import Cut, Node, ScaleSteps, single
from workbench.segmentation.features import Mixing
from workbench.segmentation.leafmap import NODATA_LEAF, LeafMap
from workbench.segmentation.parameters import SegmentationParameters, digest_image, usable_pixels
from workbench.segmentation.pyramid import max_pooled
from workbench.segmentation.refinement import FINEST, Refinement

# The slider reaches this far below the highest altitude, whatever the lowest: refining a region makes finer
# ones, and the levels of all others must not change. 24 octaves below that of a zone lie single pixels.
_OCTAVES = 24

_DTYPES = {
    "s": np.float32,
    "area": np.uint32,
    "sums": np.float64,
    "squares": np.float64,
    "matrix": np.float64,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hierarchy:
    """A scale-sets hierarchy: every cut minimises D + λ·C over the cuts of the tree.

    D is the squared difference of each pixel's features to their mean in its region, summed; C is the length
    of the boundaries between regions in edgels, each counted once, with the weights of the parameters.
    """

    leafmap: LeafMap
    """Leaf of each pixel, `NODATA_LEAF` where there is none."""
    s: NDArray[np.float32]
    """Shape (leaf,). Altitude of the lowest common ancestor of leaves j − 1 and j; inf at 0."""
    area: NDArray[np.uint32]
    """Shape (leaf,). Pixels."""
    sums: NDArray[np.float64]
    """Shape (band, leaf). Sum of the values, in the image's unit."""
    squares: NDArray[np.float64]
    """Shape (band, leaf). Sum of the squared values."""
    matrix: NDArray[np.float64]
    """Shape (feature, band). What makes features of bands: of the texture, or one factor per band."""
    grid: PixelGrid
    parameters: SegmentationParameters
    image_digest: str
    """SHA-256 of the image and its mask; of the raster file where it was read block by block."""
    refinements: tuple[str, ...] = ()
    """Digest of each refinement that was made since it was segmented, in order."""
    _known: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    """What was asked for once: bounding boxes, saliency, steps of the scale."""

    def __post_init__(self) -> None:
        for name, dtype in _DTYPES.items():
            array = getattr(self, name)
            if array.dtype != dtype:
                raise HierarchyError(f"{name} is {array.dtype}, expected {np.dtype(dtype)}")
            object.__setattr__(self, name, _sealed(array))
        if not self.refinements:
            _check_arrays(self)

    @property
    def leaves(self) -> NDArray[np.uint32]:
        """Return the leaf of each pixel, shape (row, col), `NODATA_LEAF` where there is none.

        For the whole image at once. Made once and kept where nodes were refined: what follows the pointer
        asks the `leafmap` for a window.
        """
        if "leaves" not in self._known:
            self._known["leaves"] = _sealed(self.leafmap.leaves())
        leaves: NDArray[np.uint32] = self._known["leaves"]
        return leaves

    @property
    def weights(self) -> NDArray[np.float64]:
        """Return the factor of each band's squared differences, shape (band,); 1 where bands are mixed."""
        return Mixing(centre=np.zeros(self.matrix.shape[1]), matrix=self.matrix).weights

    @property
    def digest(self) -> str:
        """Name of this hierarchy: the same image, parameters and refinements always give the same one."""
        name = self.parameters.digest(self.image_digest)
        for refinement in self.refinements:
            name = documents.digest(documents.canonical_bytes({"hierarchy": name, "refinement": refinement}))
        return name

    @property
    def leaf_count(self) -> int:
        """Number of leaves."""
        return self.s.size

    def is_made_of(self, image: NDArray[np.generic], grid: PixelGrid, footprint: NDArray[np.bool_]) -> bool:
        """Tell whether it was made of an image, shape (band, row, col), where a footprint is."""
        pixels = digest_image(image, usable_pixels(image, footprint))
        return self.grid.coincides(grid) and self.image_digest == pixels

    def cut(self, scale: float) -> Cut:
        """Return the optimal partition at a scale λ ≥ 0."""
        lut, count = intervals.cut_lut(self.s, single(scale))
        return Cut(leafmap=self.leafmap, lut=_sealed(lut), count=int(count), scale=float(single(scale)))

    def cut_count(self, count: int) -> Cut:
        """Return the finest cut with at most ``count`` regions; the coarsest one where all have more."""
        if count < 1:
            raise HierarchyError(f"a cut has at least 1 region, not {count}")
        altitudes = self._altitudes()
        merged = min(self.leaf_count - count, altitudes.size)
        return self.cut(float(altitudes[merged - 1]) if merged > 0 else 0.0)

    def node_at(self, row: int, col: int, scale: float) -> Node:
        """Return the region that holds a pixel in the cut at a scale.

        Raises
        ------
        HierarchyError
            The pixel is outside the image, or nodata.
        """
        height, width = self.grid.shape
        if not (0 <= row < height and 0 <= col < width):
            raise HierarchyError(f"pixel ({row}, {col}) is outside the image of {height} × {width}")
        leaf = self.leafmap.at(row, col)
        if leaf == NODATA_LEAF:
            raise HierarchyError(f"pixel ({row}, {col}) is nodata: it belongs to no region; pick beside it")
        return self._node(leaf, leaf + 1, scale)

    def parent(self, node: Node) -> Node | None:
        """Return the smallest node that is larger than this one, None for the largest."""
        beyond = self.s[node.stop] if node.stop < self.leaf_count else math.inf
        scale = float(min(self.s[node.first], beyond))
        return None if math.isinf(scale) else self._node(node.first, node.stop, scale)

    def children(self, node: Node) -> tuple[Node, ...]:
        """Return the largest nodes inside this one, in leaf order; none for a leaf."""
        if node.leaf_count == 1:
            return ()
        starts = intervals.splits_of(self.s, node.first, node.stop, np.float32(node.scale))
        stops = [*starts[1:], node.stop]
        return tuple(
            Node(first=int(first), stop=int(stop), scale=float(self.s[first + 1 : stop].max(initial=0.0)))
            for first, stop in zip(starts, stops, strict=True)
        )

    def window(self, node: Node) -> Window:
        """Return the bounding box of a node's pixels."""
        row, col, row_stop, col_stop = map(int, intervals.box_of(self._boxes(), node.first, node.stop))
        return Window(row=row, col=col, height=row_stop - row, width=col_stop - col)

    def mask(self, node: Node) -> tuple[Window, NDArray[np.bool_]]:
        """Return a node's bounding box and which of its pixels are the node's."""
        window = self.window(node)
        return window, intervals.mask_of(self.leafmap.leaves(window), node.first, node.stop)

    def spans(self, node: Node) -> NDArray[np.int32]:
        """Return a node's pixels as spans, shape (span, 3); see `workbench.geo.spans`.

        The pixels of `mask`, without a look at those inside the node: fit to follow the pointer, and to label
        regions of any size.
        """
        return self.leafmap.spans(node.first, node.stop, self.window(node))

    def pixel_count(self, node: Node) -> int:
        """Return the number of pixels of a node."""
        return int(self.area[node.first : node.stop].sum(dtype=np.int64))

    def means(self, node: Node) -> NDArray[np.float64]:
        """Return a node's mean in each band, shape (band,), in the image's unit."""
        return np.asarray(self.sums[:, node.first : node.stop].sum(axis=1) / self.pixel_count(node))

    @property
    def scale_steps(self) -> ScaleSteps:
        """Levels over the 24 octaves below the highest altitude; refining a node does not change them."""
        if "steps" not in self._known:
            high = float(self.s.max(where=np.isfinite(self.s), initial=0.0)) or 1.0
            self._known["steps"] = ScaleSteps(low=high * 2.0**-_OCTAVES, high=high)
        steps: ScaleSteps = self._known["steps"]
        return steps

    @property
    def region_counts(self) -> NDArray[np.int64]:
        """Return how many regions the cut at each level has, shape (level,)."""
        if "levels" not in self._known:
            self._known["levels"] = self._levels_of(self.s)
        return np.asarray(self.leaf_count - np.cumsum(self._known["levels"][:255]))

    def saliency(self) -> NDArray[np.uint8]:
        """Return at which level each pixel's right or lower edge disappears, shape (row, col).

        An edge is a boundary of the cut at ``scale_steps.scale(k)`` exactly where the saliency is above k; at
        the border of nodata it is 255. Made once and kept.
        """
        if "saliency" not in self._known:
            beneath = self._known.get("saliency beneath")
            if beneath is None:
                levels = np.searchsorted(self.scale_steps.scales, self.s, side="left").astype(np.uint8)
                found = intervals.region_edges(self.leaves, levels, NODATA_LEAF)
            else:
                found = self.leafmap.saliency(beneath)
            self._known["saliency"] = _sealed(found)
        saliency: NDArray[np.uint8] = self._known["saliency"]
        return saliency

    def saliency_pyramid(self) -> list[NDArray[np.uint8]]:
        """Return the saliency and ever coarser maxima of it, for display; made once and kept."""
        if "pyramid" not in self._known:
            self._known["pyramid"] = [_sealed(level) for level in max_pooled(self.saliency())]
        pyramid: list[NDArray[np.uint8]] = self._known["pyramid"]
        return pyramid

    def refine(
        self, node: Node, image: NDArray[np.generic], *, parameters: SegmentationParameters = FINEST
    ) -> Hierarchy:
        """Return the hierarchy in which a node was segmented again from its pixels.

        `workbench.segmentation.refining.refine` and `refined` in one; apart, the refinement can be kept.
        """
        from workbench.segmentation.refining import refine  # it segments, and makes hierarchies itself

        return self.refined(refine(self, node, image, parameters=parameters))

    def keep_saliency(self, pyramid: list[NDArray[np.uint8]]) -> None:
        """Take a pyramid that was stored, in the levels of `scale_steps`, instead of making it."""
        self._known["pyramid"] = [_sealed(level) for level in pyramid]
        self._known["saliency"] = self._known["pyramid"][0]

    def refined(self, refinement: Refinement) -> Hierarchy:
        """Return the hierarchy in which one node has other leaves and nodes inside.

        All other nodes keep their pixels, their altitudes and their order, and cuts at the node's altitude or
        above stay what they are. Costs the pixels of the node and one pass over the leaves, not the image.

        Raises
        ------
        HierarchyError
            The refinement was made on another hierarchy, or is none of a node.
        """
        if refinement.base != self.digest:
            raise HierarchyError(
                f"the refinement was made on hierarchy {refinement.base[:8]}…, this is {self.digest[:8]}…"
            )
        node = self._refined_node(refinement)
        s = self._spliced(self.s, refinement.s, node)
        s[node.first] = self.s[node.first]
        window, count = refinement.window, refinement.leaf_count
        found = replace(
            self,
            leafmap=self.leafmap.refined(
                node.first,
                node.stop,
                window,
                refinement.leaves,
                self._refined_edges(node, refinement, s),
                leaf_count=self.leaf_count,
                count=count,
            ),
            s=s,
            area=self._spliced(self.area, refinement.area, node),
            sums=self._spliced(self.sums, refinement.sums, node),
            squares=self._spliced(self.squares, refinement.squares, node),
            refinements=(*self.refinements, refinement.digest),
        )
        found._known.update(self._known_of_refined(node, refinement))  # noqa: SLF001 - its own class
        return found

    @staticmethod
    def _spliced(old: NDArray[Any], new: NDArray[Any], node: Node) -> NDArray[Any]:
        """Return an array of which the last axis is leaves with those of a node replaced."""
        return np.concatenate([old[..., : node.first], new, old[..., node.stop :]], axis=-1)

    def _refined_edges(self, node: Node, refinement: Refinement, s: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return the saliency of a refined node's pixels, shape (row, col) of its window."""
        window = refinement.window
        around = Window(row=window.row, col=window.col, height=window.height + 1, width=window.width + 1)
        leaves = self.leafmap.leaves(self.grid.whole.intersection(around)).copy()
        shift = np.uint32(refinement.leaf_count - node.leaf_count)
        leaves[(leaves >= node.stop) & (leaves != NODATA_LEAF)] += shift
        inside = refinement.leaves != NODATA_LEAF
        here = leaves[: window.height, : window.width]
        np.copyto(here, refinement.leaves + np.uint32(node.first), where=inside)
        stop = node.first + refinement.leaf_count
        edges = intervals.node_edges(leaves, s, node.first, stop, self.scale_steps.scales, NODATA_LEAF)
        return edges[: window.height, : window.width]

    def _refined_node(self, refinement: Refinement) -> Node:
        """Return the node that a refinement is of, proven to be one."""
        window = refinement.window
        if self.grid.whole.intersection(window) != window:
            raise HierarchyError(f"the refinement's {window} reaches outside {self.grid.shape} pixels")
        leaves = self.leafmap.leaves(window)[refinement.leaves != NODATA_LEAF]
        first, stop = int(leaves.min()), int(leaves.max()) + 1
        if stop > self.leaf_count or int(self.area[first:stop].sum(dtype=np.int64)) != leaves.size:
            raise HierarchyError(f"the {leaves.size} pixels of the refinement in {window} are no node's")
        scale = float(self.s[first + 1 : stop].max(initial=0.0))
        if scale >= min(self.s[first], self.s[stop] if stop < self.leaf_count else math.inf):
            raise HierarchyError(f"the {leaves.size} pixels of the refinement in {window} are no node's")
        node = Node(first=first, stop=stop, scale=scale)
        highest = float(refinement.s[1:].max(initial=0.0))
        if highest > self.ceiling(node):
            raise HierarchyError(
                f"the refinement has altitude {highest:g} inside, its node goes up to {self.ceiling(node):g}"
            )
        for name in ("sums", "squares"):
            old, new = getattr(self, name)[:, first:stop].sum(axis=1), getattr(refinement, name).sum(axis=1)
            if old.shape != new.shape or not np.allclose(old, new, rtol=1e-6, atol=0.0):
                raise HierarchyError(
                    f"the refinement's {name} add up to {new.tolist()}, its node's are {old.tolist()}: "
                    "it was made of another image"
                )
        return node

    def ceiling(self, node: Node) -> float:
        """Return the highest altitude that a refinement of a node may have.

        It is the node's own. A leaf has none, and goes up to just below that of its parent.
        """
        if node.leaf_count > 1:
            return node.scale
        parent = self.parent(node)
        return float(np.nextafter(np.float32(parent.scale if parent else np.inf), np.float32(0)))

    def _known_of_refined(self, node: Node, refinement: Refinement) -> dict[str, Any]:
        """Return what is known of a refined hierarchy without looking at all of it."""
        known: dict[str, Any] = {"steps": self.scale_steps}
        if "levels" in self._known:
            old, new = self.s[node.first + 1 : node.stop], refinement.s[1:]
            known["levels"] = self._known["levels"] + self._levels_of(new) - self._levels_of(old)
        beneath = self._known.get("saliency beneath")
        if beneath is None and not self.refinements:
            beneath = self._known.get("saliency")
        if beneath is not None:
            known["saliency beneath"] = beneath
        if "boxes" in self._known:
            boxes = intervals.leaf_boxes(refinement.leaves, refinement.leaf_count, NODATA_LEAF)
            window, old_boxes = refinement.window, self._known["boxes"]
            boxes += np.array([window.row, window.col, window.row, window.col], np.int32)
            known["boxes"] = _sealed(np.concatenate([old_boxes[: node.first], boxes, old_boxes[node.stop :]]))
        return known

    def _levels_of(self, s: NDArray[np.float32]) -> NDArray[np.int64]:
        """Return how many altitudes there are of each level, shape (256,)."""
        levels = np.searchsorted(self.scale_steps.scales, s, side="left")
        return np.bincount(levels, minlength=256)

    def _node(self, first: int, stop: int, scale: float) -> Node:
        first, stop, altitude = intervals.interval_at(self.s, first, stop, single(scale))
        return Node(first=int(first), stop=int(stop), scale=float(altitude))

    def _altitudes(self) -> NDArray[np.float32]:
        """Return the finite altitudes, rising."""
        if "altitudes" not in self._known:
            self._known["altitudes"] = _sealed(np.sort(self.s[np.isfinite(self.s)]))
        altitudes: NDArray[np.float32] = self._known["altitudes"]
        return altitudes

    def _boxes(self) -> NDArray[np.int32]:
        if "boxes" not in self._known:
            self._known["boxes"] = _sealed(intervals.leaf_boxes(self.leaves, self.leaf_count, NODATA_LEAF))
        boxes: NDArray[np.int32] = self._known["boxes"]
        return boxes


def _check_arrays(hierarchy: Hierarchy) -> None:
    """Refuse arrays that do not fit each other."""
    s, bands = hierarchy.s, hierarchy.matrix.shape[1]
    shapes = {
        "leaves": (hierarchy.leafmap.shape, hierarchy.grid.shape),
        "area": (hierarchy.area.shape, s.shape),
        "sums": (hierarchy.sums.shape, (bands, s.size)),
        "squares": (hierarchy.squares.shape, (bands, s.size)),
    }
    for name, (found, expected) in shapes.items():
        if found != expected:
            raise HierarchyError(f"{name} has shape {found}, expected {expected}")
    if not s.size or not math.isinf(s[0]):
        raise HierarchyError(f"s starts with {s[0] if s.size else 'nothing'}, not with inf")
    bad = np.flatnonzero(~(s >= 0))
    if bad.size:
        raise HierarchyError(f"s is {s[bad[0]]} at leaf {bad[0]}; altitudes are numbers ≥ 0")
    ranges = hierarchy.leafmap.ranges
    if int(ranges.stop.max()) > s.size:
        leaves = hierarchy.leaves
        row, col = np.argwhere((leaves >= s.size) & (leaves != NODATA_LEAF))[0].tolist()
        raise HierarchyError(f"pixel ({row}, {col}) is in leaf {leaves[row, col]}, there are {s.size} leaves")
    pixels = hierarchy.leaves.size - int(ranges.voids.sum(dtype=np.int64))
    area = int(hierarchy.area.sum(dtype=np.int64))
    if pixels != area:
        raise HierarchyError(f"leaves cover {pixels} pixels, their areas add up to {area}")


def _sealed(array: NDArray[Any]) -> NDArray[Any]:
    """Return a contiguous view of an array that cannot be written through."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
