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
from workbench.export.packed import PackedFiles
from workbench.export.patches import Patch
from workbench.export.proving import proven
from workbench.export.tars import read_member
from workbench.geo.raster import decode_raster, read_bands


def read_modality(
    release: Path, layout: Layout, patch: Patch, modality: str, *, packed: PackedFiles | None = None
) -> NDArray[Any]:
    """Return the pixels of a modality as a layout has them, shape (band, row, col).

    A file that holds this alone is proven as it is read; one of many patches is only by ``release verify``.

    Parameters
    ----------
    release
        Folder of the release.
    layout, patch, modality
        What is read.
    packed
        What is known of files of many patches, for who reads many; else each is opened anew.

    Raises
    ------
    WorkbenchError
        They cannot be read, or the file is not the one that was built.
    """
    file = patch.files[layout.name][modality]
    if file.sha256 is not None:
        return read_bands(proven(release, file.path, file.sha256))
    path = inside(release, file.path)
    if layout.container == "tar":
        name = f"{file.member}.{modality}.tif"
        content = packed.member(path, name) if packed else read_member(path, name)
        return decode_raster(content, called=f"{path}: {name}")[0]
    pixels = (packed.patch if packed else read_patch)(path, modality, str(file.member))
    return pixels if pixels.ndim == 3 else pixels[np.newaxis]
