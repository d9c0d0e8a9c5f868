"""A predicted raster held against a mask, a strip of rows at a time."""

from __future__ import annotations

__all__ = ["evaluate_raster"]

from pathlib import Path

import numpy as np

from workbench.errors import EvaluationError, GridError
from workbench.evaluation.evaluation import Evaluation
from workbench.evaluation.rules import Rule
from workbench.evaluation.tally import Tally
from workbench.geo.codes import CODES, numbering_of, read_codes
from workbench.geo.grid import Window
from workbench.geo.predictions import check_prediction
from workbench.geo.raster import RasterInfo, inspect_raster, read_bands
from workbench.nomenclature import Nomenclature

_FLAIR = "flair"
"""Scheme of a mask that does not say its own."""
_STRIP = 1024
"""Rows that are in memory at once."""


def evaluate_raster(
    truth: Path,
    prediction: Path,
    *,
    nomenclature: Nomenclature,
    rule: Rule,
    scheme: str | None = None,
    prediction_scheme: str | None = None,
) -> Evaluation:
    """Hold a prediction against a mask of the same pixels.

    Parameters
    ----------
    truth
        A mask of one band. Its nodata, and 0 where that is no class of the scheme, do not count.
    prediction
        ``prediction.tif`` of the workbench, whose bands are class, top-1 probability and entropy, or a raster
        of one band of classes; see `workbench.geo.predictions`. It covers the mask and may be larger.
    nomenclature
        Of the classes.
    rule
        By which the figures are made.
    scheme
        How the mask is numbered: a scheme of the nomenclature, ``codes`` or ``flair-argmax``; by default as
        it says itself, or ``flair``.
    prediction_scheme
        How the prediction is; by default as it says itself, or as the mask if it has one band, else in codes.

    Raises
    ------
    EvaluationError
        The two do not lie on the same pixels, or the mask is none.
    RasterError
        The prediction is none, or one of them is not numbered as it is told.
    """
    theirs, ours = _on_one_crs(truth, prediction)
    try:
        window = theirs.grid.window(ours.grid.bounds)
    except GridError as error:
        raise EvaluationError(f"{prediction} does not cover the pixels of {truth}: {error}") from error
    if theirs.grid.crs != ours.grid.crs or window.shape != ours.grid.shape:
        raise EvaluationError(
            f"{prediction} ({theirs.grid.crs[:40]}, {theirs.grid.resolution:g} m) has other pixels than "
            f"{truth} ({ours.grid.crs[:40]}, {ours.grid.resolution:g} m); warp it onto them first"
        )
    if ours.band_count != 1:
        raise EvaluationError(f"{truth} has {ours.band_count} bands; a mask has one band of class numbers")
    numbered = numbering_of(ours, scheme, otherwise=_FLAIR)
    numbering = numbering_of(
        theirs, prediction_scheme, otherwise=numbered if theirs.band_count == 1 else CODES
    )
    tallies = []
    for row in range(0, window.height, _STRIP):
        height = min(_STRIP, window.height - row)
        here = Window(row=row, col=0, height=height, width=window.width)
        there = Window(row=window.row + row, col=window.col, height=height, width=window.width)
        known = read_codes(ours, here, nomenclature, numbered)
        planes = [read_codes(theirs, there, nomenclature, numbering)]
        if theirs.band_count > 1:
            planes.append(read_bands(prediction, bands=(2,), window=there)[0])
        tallies.append(Tally.of(known, np.stack(planes), nomenclature))
    return Evaluation(
        subject=str(prediction),
        reference=str(truth),
        split=None,
        patches=0,
        nomenclature=nomenclature,
        rule=rule,
        zones={"": Tally.total(tallies)},
    )


def _on_one_crs(truth: Path, prediction: Path) -> tuple[RasterInfo, RasterInfo]:
    """Return the headers of the prediction and the truth; where only one has a true CRS, both have that."""
    theirs = inspect_raster(prediction)
    ours = inspect_raster(truth, assume_crs=theirs.grid.crs)
    if theirs.grid.crs != ours.grid.crs:
        theirs = inspect_raster(prediction, assume_crs=ours.grid.crs)
    check_prediction(theirs)
    if ours.dtype != "uint8":
        raise EvaluationError(f"{truth} is {ours.dtype}; the classes of a mask are 8-bit numbers")
    return theirs, ours
