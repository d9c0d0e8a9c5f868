"""Class rasters read as codes of a nomenclature, however whoever wrote them counts."""

from __future__ import annotations

__all__ = ["ARGMAX", "CODES", "numbering_of", "read_codes"]

from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.errors import NomenclatureError, RasterError
from workbench.geo.grid import Window
from workbench.geo.predictions import PREDICTION
from workbench.geo.raster import RasterInfo, read_bands, read_valid
from workbench.geo.raster_kinds import LABELS
from workbench.nomenclature import Nomenclature
from workbench.nomenclature.code_counts import code_counts

CODES: Final = "codes"
"""Numbering of a raster whose pixels are codes of the nomenclature, 0 where there is nothing."""
ARGMAX: Final = "flair-argmax"
"""Numbering of a raster that FLAIR-1's ``flair-detect`` wrote: the numbers of its masks less 1."""
_FLAIR: Final = "flair"


def numbering_of(info: RasterInfo, scheme: str | None, *, otherwise: str) -> str:
    """Return how the classes of a raster are numbered: as it says itself, or else as somebody knows.

    Parameters
    ----------
    info
        Header of a class raster.
    scheme
        What it is said to be: a scheme of a nomenclature, `CODES` or `ARGMAX`; None = nobody said.
    otherwise
        What it is where neither says anything.

    Raises
    ------
    RasterError
        The two contradict each other.
    """
    said = _said(info)
    if said is not None and scheme not in (None, said):
        numbered = "codes of their nomenclature" if said == CODES else f"numbered as {said}"
        raise RasterError(
            f"{info.path} says that its classes are {numbered}, not {scheme}; leave the scheme out"
        )
    return said or scheme or otherwise


def _said(info: RasterInfo) -> str | None:
    if PREDICTION.holds(info) or "MODEL_SHA256" in info.tags:
        return CODES
    return info.tags.get("SCHEME") if LABELS.holds(info) else None


def read_codes(
    info: RasterInfo, window: Window, nomenclature: Nomenclature, scheme: str
) -> NDArray[np.uint8]:
    """Read the first band of a class raster as codes, shape (row, col); 0 where there is nothing.

    Nothing is its nodata, and 0 where that is no class of the scheme.

    Parameters
    ----------
    info
        Header of an 8-bit raster.
    window
        Pixels to read.
    nomenclature
        Of the classes.
    scheme
        How they are numbered: a scheme of the nomenclature, `CODES` or `ARGMAX`.

    Raises
    ------
    RasterError
        The pixels cannot be read, or say that they are codes of something else.
    NomenclatureError
        The scheme is unknown, or some pixel has a value that it does not allow.
    """
    values: NDArray[np.uint8] = read_bands(info.path, bands=(1,), window=window)[0]
    counts = read_valid(info.path, window=window) if info.band_count == 1 else np.ones(values.shape, np.bool_)
    if scheme == CODES:
        return _checked(np.where(counts, values, np.uint8(0)), info, nomenclature)
    where = str(info.path)
    if window.shape != info.grid.shape:
        where += f", from row {window.row} and column {window.col} on"
    if scheme == ARGMAX:
        # 255 becomes 0, which no mask of FLAIR has.
        values, scheme, where = values + np.uint8(1), _FLAIR, f"{where}, its numbers raised by 1"
    numbers = {entry.values[scheme] for entry in nomenclature.classes if scheme in entry.values}
    if 0 not in numbers and numbers:
        counts &= values != 0
    # Where nothing counts, anything may stand.
    known = np.where(counts, values, np.uint8(min(numbers, default=0)))
    try:
        return np.where(counts, nomenclature.decode(known, scheme), np.uint8(0))
    except NomenclatureError as error:
        if scheme not in nomenclature.schemes:
            raise
        raise NomenclatureError(f"{where}: {error}") from error


def _checked(codes: NDArray[np.uint8], info: RasterInfo, nomenclature: Nomenclature) -> NDArray[np.uint8]:
    """Return codes, if they are those of a nomenclature."""
    named = info.tags.get("NOMENCLATURE", nomenclature.name).split(" ")[0]
    if named != nomenclature.name:
        raise RasterError(
            f"{info.path} says that its classes are those of {named}, not of {nomenclature.name}; pass "
            f"--nomenclature {named}, or predict again"
        )
    pixels = code_counts(codes)
    strange = sorted(set(np.flatnonzero(pixels).tolist()) - {0, *nomenclature.codes})
    if strange:
        raise RasterError(
            f"{info.path} has class {strange[0]} in {counted(int(pixels[strange[0]]), 'pixel')}, which "
            f"{nomenclature.name} does not have; is it a prediction?"
        )
    return codes
