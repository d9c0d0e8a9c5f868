"""Labels as outlines, and patterns that tell groups of classes apart without colour, painted on the glass."""

from __future__ import annotations

__all__ = ["LabelOutlines", "outlined", "patterns_of"]

import numpy as np
from numpy.typing import NDArray
from qtpy.QtGui import QColor, QPainter

from napari_plugin.glass import draw_codes
from napari_plugin.screen import View, sampled
from napari_plugin.session import Session
from workbench.compiled import kernel
from workbench.nomenclature import Nomenclature

LIGHT, DARK = 255, 254
PATTERNS = 6
"""Number of patterns; 0 is none."""


@kernel
def outlined(
    labels: NDArray[np.uint8], patterns: NDArray[np.uint8], row: int, col: int, cased: bool
) -> NDArray[np.uint8]:
    """Return what of some labels on the screen is painted.

    Parameters
    ----------
    labels
        Shape (row, col). Code that each pixel of the screen shows, 0 = unlabelled.
    patterns
        Shape (256,). Pattern of each code, 0 = none.
    row, col
        Of the first pixel on the screen, so that patterns go on from box to box.
    cased
        Whether outlines are a light line in a dark one, and not of their class's colour.

    Returns
    -------
    NDArray[np.uint8]
        Shape (row, col): the code on the two outermost pixels of each label, or `LIGHT` and `DARK`; `DARK`
        on the pixels of its pattern; 0 elsewhere.
    """
    height, width = labels.shape
    painted = np.zeros((height, width), np.uint8)
    for y in range(height):
        for x in range(width):
            code = labels[y, x]
            if code == 0:
                continue
            depth = 3
            for step in range(1, 3):
                if (
                    (y >= step and labels[y - step, x] != code)
                    or (y + step < height and labels[y + step, x] != code)
                    or (x >= step and labels[y, x - step] != code)
                    or (x + step < width and labels[y, x + step] != code)
                ):
                    depth = step
                    break
            if depth < 3:
                painted[y, x] = code if not cased else (LIGHT if depth == 1 else DARK)
                continue
            i, j = row + y, col + x
            pattern = patterns[code]
            if (
                (pattern == 1 and (i + j) % 9 == 0)
                or (pattern == 2 and (i - j) % 9 == 0)
                or (pattern == 3 and i % 8 == 0)
                or (pattern == 4 and j % 8 == 0)
                or (pattern == 5 and i % 7 < 2 and j % 7 < 2)
                or (pattern == 6 and ((i + j) % 11 == 0 or (i - j) % 11 == 0))
            ):
                painted[y, x] = DARK
    return painted


def patterns_of(nomenclature: Nomenclature) -> NDArray[np.uint8]:
    """Return the pattern of each code, shape (256,): one for each upper class that holds classes itself."""
    patterns = np.zeros(256, np.uint8)
    parents = [group.key for group in nomenclature.groups]
    holding = [key for key in parents if any(entry.parent == key for entry in nomenclature.classes)]
    for entry in nomenclature.classes:
        if entry.parent in holding:
            patterns[entry.code] = 1 + holding.index(entry.parent) % PATTERNS
    return patterns


class LabelOutlines:
    """The outlines of all labels in view.

    Parameters
    ----------
    session
        Whose labels.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._patterns = patterns_of(session.nomenclature)
        self.patterned = False
        """Whether groups of classes have patterns, and outlines are seen without colour."""

    def paint(self, painter: QPainter, view: View) -> None:
        """Paint them."""
        box = view.box(self._session.grid.whole)
        if box is None:
            return
        labels = sampled(self._session.labels, view.rows(box), view.cols(box))
        patterns = self._patterns if self.patterned else np.zeros_like(self._patterns)
        codes = outlined(labels, patterns, box.row, box.col, self.patterned)
        colours = {entry.code: QColor(entry.colour) for entry in self._session.nomenclature.classes}
        draw_codes(painter, box, codes, colours | {LIGHT: QColor(255, 255, 255), DARK: QColor(0, 0, 0, 170)})
