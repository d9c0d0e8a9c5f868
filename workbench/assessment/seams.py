"""Seams: the labels of two zones along the border that they share, and the picture across it."""

from __future__ import annotations

__all__ = ["SEAM_DEPTH", "Seam", "find_breaks"]

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.assessment.findings import Finding, Limits, Region, finding_at
from workbench.geo.grid import Window
from workbench.nomenclature import Nomenclature

SEAM_DEPTH = 13
"""Pixels on either side of a border that are looked at."""
_SIDE = 3  # pixels on either side of a step that are compared
_SLACK = 2  # a class border is drawn this many pixels beside the edge that it follows
_ALONG = 5  # pixels along the border over which the picture is averaged
_QUIET = 3.0  # grey levels; texture below this is noise of the camera


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seam:
    """One straight piece of border between a zone and a finished neighbour."""

    neighbour: str
    """Id of the neighbour."""
    line: Window
    """The zone's own pixels along the border: one row, or one column."""
    codes: NDArray[np.uint8]
    """Shape (2, along): the zone's codes along the border, and the neighbour's across it; 0 = unlabelled."""
    image: NDArray[np.uint8]
    """Shape (band, across, along): the picture from `SEAM_DEPTH` pixels inside to as many outside."""


def find_breaks(
    seams: Iterable[Seam], codes: NDArray[np.uint8], nomenclature: Nomenclature, limits: Limits
) -> Iterator[Finding]:
    """Yield where classes differ across a border and the picture goes on.

    A class border that crosses the seam is drawn a little differently on both sides, so a few pixels differ
    at every crossing; and a class border may truly lie on the seam, but then the picture has an edge there.

    Parameters
    ----------
    seams
        Labels and picture on both sides of each border.
    codes
        Shape (row, col) of the zone.
    nomenclature
        Of the codes.
    limits
        From which length and contrast on.
    """
    for seam in seams:
        runs = [run for run in _differing(seam) if run.stop - run.start >= limits.break_length]
        here, beside = _steps(seam.image) if runs else (np.zeros(0), np.zeros(0))
        for run in runs:
            contrast = float(here[run].mean() / max(float(beside[run].mean()), _QUIET))
            if contrast < limits.break_contrast:
                own, other = (
                    nomenclature.by_code(int(np.bincount(side[run]).argmax())).key for side in seam.codes
                )
                told = f"{own} here and {other} in {seam.neighbour}, and the picture shows no edge there"
                yield finding_at(
                    _region(seam.line, run), "border-break", codes,
                    measured=contrast, limit=limits.break_contrast, told=told,
                    named=(own, other, seam.neighbour),
                )  # fmt: skip


def _differing(seam: Seam) -> Iterator[slice]:
    """Yield the runs of pixels along a seam that are labelled differently on both sides."""
    own, other = seam.codes
    differ = (own != other) & (own > 0) & (other > 0)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], differ, [False])).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2):
        yield slice(int(start), int(stop))


def _region(line: Window, run: slice) -> Region:
    """Return the pixels of a run along a line of one row or one column."""
    length = run.stop - run.start
    if line.height == 1:
        window = Window(row=line.row, col=line.col + run.start, height=1, width=length)
    else:
        window = Window(row=line.row + run.start, col=line.col, height=length, width=1)
    return Region(window=window, mask=np.ones(window.shape, np.bool_))


def _steps(image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the largest step of the picture at the border and, on average of both sides, beside it.

    Both of shape (along,), in grey levels: the root mean square over the bands of the difference between the
    means of some pixels before and behind, across the border.
    """
    smooth = ndimage.uniform_filter1d(image.astype(np.float32), _ALONG, axis=2, mode="nearest")
    total = np.cumsum(np.pad(smooth, ((0, 0), (1, 0), (0, 0))), axis=1)
    means = (total[:, _SIDE:] - total[:, :-_SIDE]) / _SIDE
    steps = np.sqrt(np.square(means[:, _SIDE:] - means[:, :-_SIDE]).mean(axis=0))
    # steps[i] lies between rows i + _SIDE − 1 and i + _SIDE; the border before row SEAM_DEPTH.
    border = SEAM_DEPTH - _SIDE
    near, width = slice(border - _SLACK, border + _SLACK + 1), 2 * _SLACK + 1
    beside = (steps[:width].max(axis=0) + steps[-width:].max(axis=0)) / 2
    return steps[near].max(axis=0), beside
