"""``hierarchy.h5``: the file of a hierarchy, written once. The only door to HDF5.

Format version 2. Attributes: ``format``, ``format_version``, ``software``, ``grid``, ``parameters`` (JSON),
``image_digest``, ``digest``. Datasets, all with deflate, Fletcher-32 and (numbers) shuffle:

===============  =======================  ============================================================
leaf_codes       uint8 (row/2, col/2)     where each pixel's leaf is taken from, in chunks of 512² pixels
leaf_starts      uint32 (start,)          and the rest of it: see `workbench.segmentation.packing`
s                float32 (leaf,)          `Hierarchy.s`
area             uint32 (leaf,)           `Hierarchy.area`
sums             uint (band, leaf)        `Hierarchy.sums` where they are whole numbers, else float64
spread           uint (band, leaf)        squares less the least that they can be, ⌊sums² / area⌋ …
squares          float64 (band, leaf)     … or the squares themselves where sums are no whole numbers
matrix           float64 (feature, band)  `Hierarchy.matrix`; version 1: weights (band,), its squared diagonal
saliency_<n>     uint8 (row/n, col/n)     optional: `Hierarchy.saliency_pyramid`, n = 1, 2, 4 …
===============  =======================  ============================================================

Before all that lie the 512 bytes of `workbench.segmentation.sealing`. Earlier files of version 2 are without,
and are read; earlier software reads those that have them.

Version 1, which is still read, has ``leaves`` (uint32 numbers) in place of codes and starts, float64 ``sums``
and ``squares``, and a ``saliency`` in levels of its own, which is not used.
"""

from __future__ import annotations

__all__ = ["HIERARCHY", "read_hierarchy", "write_hierarchy"]

import io
import itertools
import json
from importlib import metadata
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from affine import Affine
from numpy.typing import NDArray

from workbench import documents
from workbench.errors import GridError, HierarchyError
from workbench.geo.grid import PixelGrid
from workbench.outputs import FileKind
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.leafmap import LeafMap
from workbench.segmentation.packing import pack_leaves, unpack_leaves
from workbench.segmentation.parameters import SegmentationParameters
from workbench.segmentation.pyramid import level_shapes
from workbench.segmentation.sealing import BLOCK, is_sealed, read_content, seal

FORMAT = "workbench-hierarchy"
FORMAT_VERSION = 2

_CHUNK = 256
_LINE_CHUNK = 65536
# Levels above 4 save another 2 % for twice the time; see tests/benchmarks/storage_and_display.py.
_LEVEL = 4
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}
# Deflate packs at most 1,032 to 1; what claims more declares sizes that it does not hold.
_LARGEST_RATIO = 1100
_MOST_PIXELS = 2**31 - 1
_UNSIGNED = (np.uint32, np.uint64)


def write_hierarchy(
    hierarchy: Hierarchy, path: Path, *, overwrite: bool = False, saliency: bool = False
) -> None:
    """Write a hierarchy to an HDF5 file, once: it appears whole or not at all, and is never changed.

    The same hierarchy gives the same bytes.

    Parameters
    ----------
    hierarchy
        What to write; as segmented, since refinements are in the journals of those who made them.
    path
        The file; its directory must exist.
    overwrite
        Replace a file that is there.
    saliency
        Store the pyramid of the saliency too, for other software: it doubles the file, and to make it from
        leaves and ``s`` takes no longer than to read it.
    """
    if hierarchy.refinements:
        raise HierarchyError(
            f"{path}: a refined hierarchy is not written; its base and the journal's ops give it again"
        )
    if path.exists() and not overwrite:
        raise HierarchyError(f"{path} exists; choose another name, or say --overwrite")
    if not path.parent.is_dir():
        raise HierarchyError(f"{path.parent} is no folder; make it first")
    content = _encoded(hierarchy, saliency=saliency)
    try:
        with documents.replacing(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise HierarchyError(f"{path} cannot be written ({error}); nothing was changed") from error


def read_hierarchy(path: Path) -> Hierarchy:
    """Read a hierarchy from its file, trusting nothing in it.

    Raises
    ------
    HierarchyError
        The file is missing, no HDF5, damaged, or not a hierarchy that this software can read.
    """
    if path.is_dir():
        raise HierarchyError(f"{path} is a folder; give the file that `workbench segment` wrote")
    try:
        content = read_content(path)
        with h5py.File(h5py.h5f.open_file_image(content)) as file:
            return _read_file(file)
    except FileNotFoundError:
        reason = "there is no such file"
    except (HierarchyError, GridError) as error:
        reason = str(error)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, OverflowError) as error:
        # h5py tells of damage in all of these, and broken JSON is a ValueError.
        reason = f"it is damaged, or cannot be read ({' '.join(str(error).split())})"
    raise HierarchyError(f"{path}: {reason}; make it again with `workbench segment`")


def _is_hierarchy(path: Path) -> bool:
    """Tell whether a file is a hierarchy: by its seal, or from before there was one, as a whole."""
    return is_sealed(path) or read_hierarchy(path) is not None


HIERARCHY = FileKind(name="a hierarchy", mark=FORMAT, is_one=_is_hierarchy)


def _encoded(hierarchy: Hierarchy, *, saliency: bool) -> memoryview:
    """Return the bytes of the file. HDF5 writes them to memory: on a full disk it would end the process."""
    codes, starts = pack_leaves(hierarchy.leaves)
    arrays: dict[str, NDArray[Any]] = {
        "leaf_codes": codes,
        "leaf_starts": starts,
        "s": hierarchy.s,
        "area": hierarchy.area,
    }
    arrays |= _packed_statistics(hierarchy) | {"matrix": hierarchy.matrix}
    if saliency:
        levels = hierarchy.saliency_pyramid()
        arrays |= {f"saliency_{1 << number}": level for number, level in enumerate(levels)}
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=BLOCK) as file:
        file.attrs["format"] = FORMAT
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["software"] = f"ocs-workbench {metadata.version('ocs-workbench')}"
        file.attrs["grid"] = json.dumps(_grid_document(hierarchy.grid), sort_keys=True)
        file.attrs["parameters"] = json.dumps(hierarchy.parameters.as_document(), sort_keys=True)
        file.attrs["image_digest"] = hierarchy.image_digest
        file.attrs["digest"] = hierarchy.digest
        for name, array in arrays.items():
            _write_array(file, name, array)
    content = buffer.getbuffer()
    content[:BLOCK] = seal(content[BLOCK:])
    return content


def _packed_statistics(hierarchy: Hierarchy) -> dict[str, NDArray[Any]]:
    """Return sums and squares as they are stored: in small whole numbers where that loses nothing."""
    sums, squares = hierarchy.sums, hierarchy.squares
    spread = squares - _least_squares(sums, hierarchy.area)
    if (
        (sums == np.floor(sums)).all()
        and min(sums.min(), spread.min()) >= 0
        and max(sums.max(), squares.max()) < 2.0**53
        and (spread == np.floor(spread)).all()
    ):
        return {"sums": _smallest(sums), "spread": _smallest(spread)}
    return {"sums": sums, "squares": squares}


def _least_squares(sums: NDArray[np.float64], area: NDArray[np.uint32]) -> NDArray[np.float64]:
    """Return ⌊sums² / area⌋, in double precision by three operations that IEEE 754 defines to the bit."""
    least = sums * sums
    least /= area
    return np.floor(least, out=least)


def _smallest(whole: NDArray[np.float64]) -> NDArray[Any]:
    return whole.astype(np.uint32 if whole.max() < 2.0**32 else np.uint64)


def _write_array(file: h5py.File, name: str, array: NDArray[Any]) -> None:
    side = (_CHUNK, _CHUNK) if array.dtype == np.uint8 else (1,) * (array.ndim - 1) + (_LINE_CHUNK,)
    file.create_dataset(
        name,
        data=array,
        chunks=tuple(max(1, min(step, size)) for step, size in zip(side, array.shape, strict=True)),
        compression="gzip",
        compression_opts=_LEVEL,
        shuffle=array.dtype.itemsize > 1,
        fletcher32=True,
        track_times=False,
    )


def _read_file(file: h5py.File) -> Hierarchy:
    version = _version_of(file)
    grid = _grid_of(json.loads(_text(file, "grid")))
    area = _read_array(file, "area", np.uint32, axes=1)
    sums, squares = _read_statistics(file, area)
    hierarchy = Hierarchy(
        leafmap=LeafMap(numbers=_read_leaves(file, grid, version)),
        s=_read_array(file, "s", np.float32, axes=1),
        area=area,
        sums=sums,
        squares=squares,
        matrix=_read_matrix(file),
        grid=grid,
        parameters=SegmentationParameters.from_document(json.loads(_text(file, "parameters"))),
        image_digest=_text(file, "image_digest"),
    )
    if hierarchy.digest != _text(file, "digest"):
        raise HierarchyError(
            f"its digest is {_text(file, 'digest')!r}, its parameters and image say {hierarchy.digest}"
        )
    if "saliency_1" in file:
        hierarchy.keep_saliency(_read_pyramid(file, grid))
    return hierarchy


def _version_of(file: h5py.File) -> int:
    if "format" not in file.attrs or _text(file, "format") != FORMAT:
        raise HierarchyError(f"it is not a {FORMAT} file")
    version = _attribute(file, "format_version", h5py.h5t.TypeIntegerID)
    if not isinstance(version, np.integer) or version < 1:
        raise HierarchyError("its format_version is no whole number from 1 on")
    if version > FORMAT_VERSION:
        raise HierarchyError(f"it has format version {version}, this software reads up to {FORMAT_VERSION}")
    return int(version)


def _read_matrix(file: h5py.File) -> NDArray[np.float64]:
    if "matrix" in file:
        matrix = _read_array(file, "matrix", np.float64, axes=2)
        if not matrix.size or not np.isfinite(matrix).all():
            raise HierarchyError(f"its matrix of shape {matrix.shape} is empty, or not finite")
        return matrix
    weights = _read_array(file, "weights", np.float64, axes=1)
    if not weights.size or not (np.isfinite(weights) & (weights >= 0)).all():
        raise HierarchyError(f"its weights are {weights.tolist()}")
    return np.diag(np.sqrt(weights))


def _read_leaves(file: h5py.File, grid: PixelGrid, version: int) -> NDArray[np.uint32]:
    if version == 1:
        return _read_array(file, "leaves", np.uint32, axes=2)
    if grid.height * grid.width > _MOST_PIXELS:
        raise HierarchyError(f"it declares {grid.shape} pixels, at most {_MOST_PIXELS} fit")
    codes = _read_array(file, "leaf_codes", np.uint8, axes=2)
    starts = _read_array(file, "leaf_starts", np.uint32, axes=1)
    return unpack_leaves(codes, starts, grid.shape)


def _read_statistics(
    file: h5py.File, area: NDArray[np.uint32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if "spread" not in file:
        sums = _read_array(file, "sums", np.float64, axes=2)
        squares = _read_array(file, "squares", np.float64, axes=2)
        if not (np.isfinite(sums).all() and np.isfinite(squares).all()):
            raise HierarchyError("its sums or squares are not finite")
        return sums, squares
    sums = _read_array(file, "sums", *_UNSIGNED, axes=2).astype(np.float64)
    spread = _read_array(file, "spread", *_UNSIGNED, axes=2)
    if sums.shape[1:] != area.shape or spread.shape != sums.shape or not area.all():
        raise HierarchyError(
            f"sums have shape {sums.shape}, spread {spread.shape}, of {area.size} leaves "
            f"{np.count_nonzero(area)} have pixels"
        )
    squares = _least_squares(sums, area)
    squares += spread
    return sums, squares


def _read_pyramid(file: h5py.File, grid: PixelGrid) -> list[NDArray[np.uint8]]:
    levels = []
    for number, shape in enumerate(level_shapes(grid.shape)):
        name = f"saliency_{1 << number}"
        level = _read_array(file, name, np.uint8, axes=2)
        if level.shape != shape:
            raise HierarchyError(f"{name} has shape {level.shape}, expected {shape}")
        levels.append(level)
    return levels


def _read_array(file: h5py.File, name: str, *dtypes: type[np.generic], axes: int) -> NDArray[Any]:
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise HierarchyError(f"{name} is missing or a link to elsewhere")
    dataset = file[name]
    if not isinstance(dataset, h5py.Dataset) or dataset.external or dataset.is_virtual:
        raise HierarchyError(f"{name} is not a dataset of this file")
    known = dataset.dtype in [np.dtype(dtype) for dtype in dtypes]
    if not known or dataset.ndim != axes or dataset.id.get_type() != h5py.h5t.py_create(dataset.dtype):
        raise HierarchyError(
            f"{name} is {dataset.dtype} {dataset.shape}, not {axes}-dimensional {np.dtype(dtypes[0])}"
        )
    _check_filters(dataset)
    if dataset.size * dataset.dtype.itemsize > _LARGEST_RATIO * dataset.id.get_storage_size():
        raise HierarchyError(f"{name} declares {dataset.shape} but holds almost nothing")
    if dataset.chunks is not None:
        _check_chunks(dataset)
    return np.asarray(dataset[()])


def _check_filters(dataset: h5py.Dataset) -> None:
    """Refuse a dataset that `_write_array` has not packed, unless it is a plain one."""
    plist, itemsize = dataset.id.get_create_plist(), dataset.dtype.itemsize
    filters = {number: values for number, _, values, _ in map(plist.get_filter, range(plist.get_nfilters()))}
    if unknown := filters.keys() - _FILTERS:
        raise HierarchyError(f"{dataset.name[1:]} uses HDF5 filter {max(unknown)}, which is not read")
    shuffles = filters.pop(h5py.h5z.FILTER_SHUFFLE, ()) == ((itemsize,) if itemsize > 1 else ())
    if dataset.chunks is not None and not (shuffles and len(filters) == 2):
        raise HierarchyError(
            f"{dataset.name[1:]} is in chunks without the filters of format {FORMAT_VERSION}"
        )


def _check_chunks(dataset: h5py.Dataset) -> None:
    """Refuse a dataset where HDF5, as it reads, would take lost chunks for zeros, or not run a filter."""
    if any(step > size for size, step in zip(dataset.shape, dataset.chunks, strict=True)):
        raise HierarchyError(f"{dataset.name[1:]} of shape {dataset.shape} has chunks of {dataset.chunks}")
    steps = (range(0, size, step) for size, step in zip(dataset.shape, dataset.chunks, strict=True))
    for corner in itertools.product(*steps):
        filters_off, _ = dataset.id.read_direct_chunk(corner)
        if filters_off:
            raise HierarchyError(f"{dataset.name[1:]} has a chunk at {corner} whose filters are off")


def _text(file: h5py.File, name: str) -> str:
    value = _attribute(file, name, h5py.h5t.TypeStringID)
    if not isinstance(value, str) or not value.isprintable():
        raise HierarchyError(f"its attribute {name} is not text")
    return value


def _attribute(file: h5py.File, name: str, kind: type) -> Any:
    """Return a single value of one HDF5 type, or None: to read one of a damaged type may end the process."""
    if name not in file.attrs:
        raise HierarchyError(f"its attribute {name} is missing")
    attribute = file.attrs.get_id(name)
    return file.attrs[name] if attribute.shape == () and isinstance(attribute.get_type(), kind) else None


def _grid_document(grid: PixelGrid) -> dict[str, Any]:
    return {
        "crs": grid.crs,
        "transform": list(grid.transform)[:6],
        "height": grid.height,
        "width": grid.width,
    }


def _grid_of(document: object) -> PixelGrid:
    """Return the grid that `_grid_document` tells of; nothing is rounded, guessed or turned into text."""
    if not isinstance(document, dict) or set(document) != {"crs", "transform", "height", "width"}:
        raise HierarchyError("its grid has not the names crs, transform, height and width")
    if not isinstance(document["crs"], str):
        raise HierarchyError(f"crs of its grid is {document['crs']!r}, not text")
    for name in ("height", "width"):
        if type(document[name]) is not int or not 0 < document[name] <= _MOST_PIXELS:
            raise HierarchyError(f"{name} of its grid is {document[name]!r}, not a number of pixels")
    numbers = document["transform"]
    if not isinstance(numbers, list) or [type(number) for number in numbers] != [float] * 6:
        raise HierarchyError(f"transform of its grid is {numbers!r}, not six numbers")
    return PixelGrid(**document | {"transform": Affine(*numbers)})
