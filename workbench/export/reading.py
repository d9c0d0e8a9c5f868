"""A modality of a patch, read from whatever holds it."""

from __future__ import annotations

__all__ = ["read_modality"]

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.documents import inside
from workbench.export.hdf5 import read_patch
from workbench.export.layouts import Layout
from workbench.export.patches import Patch
from workbench.export.tars import read_member
from workbench.geo.raster import decode_raster, read_bands


def read_modality(release: Path, layout: Layout, patch: Patch, modality: str) -> NDArray[Any]:
    """Return the pixels of a modality as a layout has them, shape (band, row, col).

    Raises
    ------
    WorkbenchError
        They cannot be read.
    """
    file = patch.files[layout.name][modality]
    path = inside(release, file.path)
    if layout.container == "tar":
        name = f"{file.member}.{modality}.tif"
        return decode_raster(read_member(path, name), called=f"{path}: {name}")[0]
    if layout.container == "hdf5":
        pixels = read_patch(path, modality, str(file.member))
        return pixels if pixels.ndim == 3 else pixels[np.newaxis]
    return read_bands(path)
