"""What napari saves of ours: a layer of labels as a GeoTIFF, numbered by a scheme of its nomenclature.

The layer's metadata say where it lies (``crs``, ``transform``) and what its numbers mean (``nomenclature``,
as a document or the name of one that ships with the workbench; ``flair-19`` where nothing is said). Layers of
the desk and of a release have them. What is saved is what the layer shows: pixels in conflict too, which
*Export the labels of this zone* leaves out.
"""

from __future__ import annotations

__all__ = ["write_cosia_numero", "write_flair", "write_flair_hub"]

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from workbench.errors import RasterError
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import PixelGrid
from workbench.geo.raster_kinds import LABELS
from workbench.nomenclature import Nomenclature, load_nomenclature

_DEFAULT = "flair-19"


def write_flair(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write a layer of labels with the values of FLAIR#1 masks, 1 to 19; return what was written."""
    return _write(path, data, attributes, scheme="flair")


def write_flair_hub(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write a layer of labels with the values of FLAIR-HUB, 0 to 18; return what was written."""
    return _write(path, data, attributes, scheme="flair_hub")


def write_cosia_numero(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write a layer of labels with the numbers of CoSIA; return what was written."""
    return _write(path, data, attributes, scheme="cosia_numero")


def _write(path: str, data: Any, attributes: Mapping[str, Any], *, scheme: str) -> list[str]:
    """Write labels, over older ones that are there: napari's dialog has asked.

    Raises
    ------
    WorkbenchError
        The layer does not say where it lies, is no single raster of codes of its nomenclature, or the file
        cannot be written.
    """
    name, metadata = attributes.get("name", "layer"), attributes.get("metadata") or {}
    try:
        return _written(path, data, name, metadata, scheme)
    except ValueError as error:
        # napari takes one of those for a plugin that does not write such files, and says nothing more.
        raise RasterError(f"{name}: {error}") from error


def _written(path: str, data: Any, name: str, metadata: Mapping[str, Any], scheme: str) -> list[str]:
    if isinstance(data, (list, tuple)) or np.ndim(data) != 2:
        raise RasterError(
            f"{name}: it is no single raster of rows and columns; save one level or slice of it"
        )
    codes = np.asarray(data)
    if not np.issubdtype(codes.dtype, np.integer):
        raise RasterError(f"{name}: its pixels are {codes.dtype}, not class codes; save a layer of labels")
    nomenclature = _nomenclature_of(metadata)
    write_raster(
        Path(path),
        nomenclature.encode(codes, scheme),
        _grid_of(name, metadata, codes.shape),
        kind=LABELS,
        colours=nomenclature.colour_table(scheme),
        tags=_tags(metadata, nomenclature, scheme),
        overwrite=True,
    )
    return [path]


def _nomenclature_of(metadata: Mapping[str, Any]) -> Nomenclature:
    given = metadata.get("nomenclature", _DEFAULT)
    if isinstance(given, Mapping):
        return Nomenclature.from_document(given, source="the layer's metadata")
    return load_nomenclature(str(given))


def _grid_of(name: str, metadata: Mapping[str, Any], shape: tuple[int, ...]) -> PixelGrid:
    crs, numbers = metadata.get("crs"), metadata.get("transform")
    try:
        transform = Affine(*(float(value) for value in tuple(numbers or ())[:6]))
    except (TypeError, ValueError) as error:
        raise RasterError(
            f"{name}: its metadata do not say where it lies; give them crs, such as EPSG:2154, and "
            "transform, six numbers as in rasterio, or export the labels of a zone from the desk"
        ) from error
    if not isinstance(crs, str) or not crs:
        raise RasterError(f"{name}: its metadata have no crs; give them one, such as EPSG:2154")
    return PixelGrid(crs=crs, transform=transform, height=shape[0], width=shape[1])


def _tags(metadata: Mapping[str, Any], nomenclature: Nomenclature, scheme: str) -> dict[str, str]:
    tags = {"NOMENCLATURE": f"{nomenclature.name} {nomenclature.version}", "SCHEME": scheme}
    return tags | ({"ZONE": str(metadata["zone"])} if "zone" in metadata else {})
