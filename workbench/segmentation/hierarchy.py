"""The hierarchy of regions of one image, its cuts and nodes, and the file that holds it.

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
    "read_hierarchy",
    "write_hierarchy",
]

import json
import math
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from affine import Affine
from numpy.typing import NDArray

from workbench import documents
from workbench.errors import GridError, HierarchyError
from workbench.geo.grid import PixelGrid, Window
from workbench.segmentation import intervals
from workbench.segmentation.cuts import NODATA_LEAF, Cut, Node, ScaleSteps, single
from workbench.segmentation.parameters import SegmentationParameters

FORMAT = "workbench-hierarchy"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hierarchy:
    """A scale-sets hierarchy: every cut minimises D + λ·C over the cuts of the tree.

    D is the squared difference of each pixel to its region's mean, times the band's weight, summed; C is the
    length of the boundaries between regions in edgels, each counted once.
    """

    leaves: NDArray[np.uint32]
    """Shape (row, col). Leaf of each pixel, `NODATA_LEAF` where there is none."""
    s: NDArray[np.float32]
    """Shape (leaf,). Altitude of the lowest common ancestor of leaves j − 1 and j; inf at 0."""
    area: NDArray[np.uint32]
    """Shape (leaf,). Pixels."""
    sums: NDArray[np.float64]
    """Shape (band, leaf). Sum of the values, in the image's unit."""
    squares: NDArray[np.float64]
    """Shape (band, leaf). Sum of the squared values."""
    weights: NDArray[np.float64]
    """Shape (band,). Factor of each band's squared differences in D."""
    grid: PixelGrid
    parameters: SegmentationParameters
    image_digest: str
    """SHA-256 of the image and its mask."""
    _known: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    """What was asked for once: bounding boxes, saliency."""

    def __post_init__(self) -> None:
        _check_shapes(self)
        bad = intervals.first_bad_leaf(_sealed(self.leaves), self.s.size, NODATA_LEAF)
        if bad >= 0:
            row, col = divmod(int(bad), self.leaves.shape[1])
            raise HierarchyError(
                f"pixel ({row}, {col}) is in leaf {self.leaves[row, col]}, there are {self.s.size} leaves"
            )
        for name in ("leaves", "s", "area", "sums", "squares", "weights"):
            object.__setattr__(self, name, _sealed(getattr(self, name)))

    @property
    def digest(self) -> str:
        """Name of this hierarchy: the same image and parameters always give the same one."""
        return self.parameters.digest(self.image_digest)

    @property
    def leaf_count(self) -> int:
        """Number of leaves."""
        return self.s.size

    def cut(self, scale: float) -> Cut:
        """Return the optimal partition at a scale λ ≥ 0."""
        lut, count = intervals.cut_lut(self.s, single(scale))
        return Cut(leaves=self.leaves, lut=_sealed(lut), count=int(count), scale=float(single(scale)))

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
        leaf = int(self.leaves[row, col])
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
        return window, intervals.mask_of(self.leaves[window.slices], node.first, node.stop)

    def pixel_count(self, node: Node) -> int:
        """Return the number of pixels of a node."""
        return int(self.area[node.first : node.stop].sum(dtype=np.int64))

    def means(self, node: Node) -> NDArray[np.float64]:
        """Return a node's mean in each band, shape (band,), in the image's unit."""
        return np.asarray(self.sums[:, node.first : node.stop].sum(axis=1) / self.pixel_count(node))

    @property
    def scale_steps(self) -> ScaleSteps:
        """Levels that span this hierarchy's scales, over at most 24 octaves below its highest."""
        altitudes = self._altitudes()
        lowest = int(np.searchsorted(altitudes, 0.0, side="right"))
        if lowest == altitudes.size:
            return ScaleSteps(low=1.0, high=1.0)
        high = float(altitudes[-1])
        return ScaleSteps(low=max(float(altitudes[lowest]), high * 2.0**-24), high=high)

    def saliency(self) -> NDArray[np.uint8]:
        """Return at which level each pixel's right or lower edge disappears, shape (row, col).

        An edge is a boundary of the cut at ``scale_steps.scale(k)`` exactly where the saliency is above k; at
        the border of nodata it is 255. Made once and kept.
        """
        if "saliency" not in self._known:
            levels = np.searchsorted(self.scale_steps.scales, self.s, side="left").astype(np.uint8)
            self._known["saliency"] = _sealed(intervals.region_edges(self.leaves, levels, NODATA_LEAF))
        saliency: NDArray[np.uint8] = self._known["saliency"]
        return saliency

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


def write_hierarchy(
    hierarchy: Hierarchy, path: Path, *, overwrite: bool = False, saliency: bool = True
) -> None:
    """Write a hierarchy to an HDF5 file, once: it appears whole or not at all, and is never changed.

    The same hierarchy gives the same bytes.

    Parameters
    ----------
    hierarchy
        What to write.
    path
        The file; its directory must exist.
    overwrite
        Replace a file that is there.
    saliency
        Store the saliency image too, so that boundaries show as soon as the file is open.
    """
    if path.exists() and not overwrite:
        raise HierarchyError(f"{path} exists; choose another name, or say --overwrite")
    if not path.parent.is_dir():
        raise HierarchyError(f"{path.parent} is no folder; make it first")
    try:
        _write_file(hierarchy, path, saliency=saliency)
    except OSError as error:
        raise HierarchyError(f"{path} cannot be written ({error}); nothing was changed") from error


def read_hierarchy(path: Path) -> Hierarchy:
    """Read a hierarchy from its file, trusting nothing in it.

    Raises
    ------
    HierarchyError
        The file is missing, no HDF5, truncated, or not a hierarchy that this software can read.
    """
    try:
        with h5py.File(path, "r") as file:
            return _read_file(file)
    except (HierarchyError, GridError) as error:
        reason = str(error)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        # h5py tells of damage in all of these, and broken JSON is a ValueError.
        reason = f"it is damaged, or no HDF5 file ({error})" if path.exists() else "there is no such file"
    raise HierarchyError(f"{path}: {reason}; make it again with `workbench segment`")


_DATASETS: dict[str, tuple[type[np.generic], int]] = {
    "leaves": (np.uint32, 2),
    "s": (np.float32, 1),
    "area": (np.uint32, 1),
    "sums": (np.float64, 2),
    "squares": (np.float64, 2),
    "weights": (np.float64, 1),
}
"""Type and number of axes of each stored array."""

_CHUNK = 256
_LINE_CHUNK = 65536
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
# Deflate packs at most 1,032 to 1; what claims more declares sizes that it does not hold.
_LARGEST_RATIO = 1100


def _write_file(hierarchy: Hierarchy, path: Path, *, saliency: bool) -> None:
    with documents.replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["software"] = f"ocs-workbench {metadata.version('ocs-workbench')}"
        file.attrs["grid"] = json.dumps(_grid_document(hierarchy.grid), sort_keys=True)
        file.attrs["parameters"] = json.dumps(hierarchy.parameters.as_document(), sort_keys=True)
        file.attrs["image_digest"] = hierarchy.image_digest
        file.attrs["digest"] = hierarchy.digest
        for name in _DATASETS:
            _write_array(file, name, getattr(hierarchy, name))
        if saliency:
            _write_array(file, "saliency", hierarchy.saliency())


def _write_array(file: h5py.File, name: str, array: NDArray[np.generic]) -> None:
    side = (_CHUNK, _CHUNK) if name in ("leaves", "saliency") else (1, _LINE_CHUNK)[-array.ndim :]
    file.create_dataset(
        name,
        data=array,
        chunks=tuple(min(step, size) for step, size in zip(side, array.shape, strict=True)),
        compression="gzip",
        compression_opts=1,
        shuffle=True,
        fletcher32=True,
        track_times=False,
    )


def _read_file(file: h5py.File) -> Hierarchy:
    if _text(file, "format") != FORMAT:
        raise HierarchyError(f"it is not a {FORMAT} file")
    version = int(file.attrs["format_version"])
    if version > FORMAT_VERSION:
        raise HierarchyError(f"it has format version {version}, this software reads up to {FORMAT_VERSION}")
    hierarchy = Hierarchy(
        **{name: _read_array(file, name, dtype, axes) for name, (dtype, axes) in _DATASETS.items()},
        grid=_grid_of(json.loads(_text(file, "grid"))),
        parameters=SegmentationParameters.from_document(json.loads(_text(file, "parameters"))),
        image_digest=_text(file, "image_digest"),
    )
    if hierarchy.digest != _text(file, "digest"):
        raise HierarchyError(
            f"its digest is {_text(file, 'digest')}, its parameters and image say {hierarchy.digest}"
        )
    if "saliency" in file:
        saliency = _read_array(file, "saliency", np.uint8, 2)
        if saliency.shape != hierarchy.leaves.shape:
            raise HierarchyError(f"saliency has shape {saliency.shape}, leaves {hierarchy.leaves.shape}")
        hierarchy._known["saliency"] = _sealed(saliency)  # noqa: SLF001 - its own module
    return hierarchy


def _read_array(file: h5py.File, name: str, dtype: type[np.generic], axes: int) -> NDArray[Any]:
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise HierarchyError(f"{name} is missing or a link to elsewhere")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise HierarchyError(f"{name} is not a dataset of this file")
    if dataset.dtype != np.dtype(dtype) or dataset.ndim != axes:
        raise HierarchyError(
            f"{name} is {dataset.dtype} {dataset.shape}, not {axes}-dimensional {np.dtype(dtype)}"
        )
    plist = dataset.id.get_create_plist()
    filters = {plist.get_filter(number)[0] for number in range(plist.get_nfilters())}
    if not filters <= _FILTERS:
        raise HierarchyError(f"{name} uses HDF5 filter {max(filters - _FILTERS)}, which is not read")
    if dataset.size * dataset.dtype.itemsize > _LARGEST_RATIO * dataset.id.get_storage_size():
        raise HierarchyError(f"{name} declares {dataset.shape} but holds almost nothing")
    return np.asarray(dataset[()])


def _text(file: h5py.File, name: str) -> str:
    value = file.attrs[name]
    if not isinstance(value, str):
        raise HierarchyError(f"its attribute {name} is not text")
    return value


def _grid_document(grid: PixelGrid) -> dict[str, Any]:
    return {
        "crs": grid.crs,
        "transform": list(grid.transform)[:6],
        "height": grid.height,
        "width": grid.width,
    }


def _grid_of(document: dict[str, Any]) -> PixelGrid:
    transform = Affine(*(float(value) for value in document["transform"]))
    height, width = int(document["height"]), int(document["width"])
    return PixelGrid(crs=str(document["crs"]), transform=transform, height=height, width=width)


def _check_shapes(hierarchy: Hierarchy) -> None:
    """Refuse arrays that do not fit each other."""
    s, bands = hierarchy.s, hierarchy.weights.size
    shapes = {
        "leaves": (hierarchy.leaves.shape, hierarchy.grid.shape),
        "area": (hierarchy.area.shape, s.shape),
        "sums": (hierarchy.sums.shape, (bands, s.size)),
        "squares": (hierarchy.squares.shape, (bands, s.size)),
    }
    for name, (found, expected) in shapes.items():
        if found != expected:
            raise HierarchyError(f"{name} has shape {found}, expected {expected}")
    pixels, area = (
        int(np.count_nonzero(hierarchy.leaves != NODATA_LEAF)),
        int(hierarchy.area.sum(dtype=np.int64)),
    )
    if pixels != area:
        raise HierarchyError(f"leaves cover {pixels} pixels, their areas add up to {area}")
    if not s.size or not math.isinf(s[0]):
        raise HierarchyError(f"s starts with {s[0] if s.size else 'nothing'}, not with inf")
    bad = np.flatnonzero(~(s >= 0))
    if bad.size:
        raise HierarchyError(f"s is {s[bad[0]]} at leaf {bad[0]}; altitudes are numbers ≥ 0")


def _sealed(array: NDArray[Any]) -> NDArray[Any]:
    """Return a contiguous view of an array that cannot be written through."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view
