"""Veils over the picture: pre-labels, confidence, what accepting changes, where annotations differ."""

from __future__ import annotations

__all__ = ["DISAGREEMENT_COLOURS", "DisagreementVeil", "PrelabelVeil", "VeilKind", "exposed"]

from collections.abc import Mapping
from typing import Literal

import numpy as np
from qtpy.QtGui import QColor, QPainter

from napari_plugin.doubles import Doubles
from napari_plugin.glass import draw_codes, draw_hatched
from napari_plugin.prelabels import Looked, Prelabelling
from napari_plugin.screen import View, sampled
from napari_plugin.session import Session
from napari_plugin.veil_codes import heat, heat_codes
from workbench.assessment.disagreement import BORDER, CLASS
from workbench.geo.grid import Window
from workbench.workflows.predictions import Prediction

VeilKind = Literal["nothing", "classes", "confidence", "entropy"]
DISAGREEMENT_COLOURS: Mapping[int, str] = {BORDER: "#56b4e9", CLASS: "#d81b60"}
"""Told apart by the colour-blind, and by how light they are (Wong 2011)."""
_ENTROPY_CODES = heat_codes(1 - np.arange(256) / 255)
_PREVIEW_OPACITY = 0.85


def exposed(painter: QPainter, box: Window | None) -> Window | None:
    """Return the part of a box of the screen that is painted just now; None if none is.

    The pointer has a few pixels painted anew each time that it moves: what it costs must be theirs.
    """
    clip = painter.clipBoundingRect().toAlignedRect()
    if box is None or clip.isEmpty():
        return None
    row, col = max(box.row, clip.top()), max(box.col, clip.left())
    row_stop, col_stop = min(box.row_stop, clip.bottom() + 1), min(box.col_stop, clip.right() + 1)
    if row >= row_stop or col >= col_stop:
        return None
    return Window(row=row, col=col, height=row_stop - row, width=col_stop - col)


class PrelabelVeil:
    """What models propose, or how sure they are; while a choice is looked at, what it would change.

    Classes are hatched: whatever is hatched is proposed, and no label yet.

    Parameters
    ----------
    session
        Of the zone.
    prelabels
        Its pre-labels.
    """

    def __init__(self, session: Session, prelabels: Prelabelling) -> None:
        self._session, self._prelabels = session, prelabels
        self.kind: VeilKind = "nothing"
        self.opacity = 0.6
        """0 to 1."""
        self.waiting_only = True
        """Whether it is seen only where nothing is labelled."""
        self.previewing = False
        """Whether what would change is shown, in place of the rest."""
        self.prediction: Prediction | None = None

    def paint(self, painter: QPainter, view: View) -> None:
        """Paint it."""
        box = view.box(self._session.grid.whole)
        part = exposed(painter, box)
        if box is None or part is None:
            return
        looked = Looked(rows=view.rows(box), cols=view.cols(box), part=part.within(box))
        if self.previewing:
            codes = self._prelabels.preview_codes(looked)
            draw_hatched(painter, part, codes, self._class_colours(_PREVIEW_OPACITY), view)
        elif self.kind == "classes":
            codes = self._prelabels.class_codes(looked, waiting=self.waiting_only)
            draw_hatched(painter, part, codes, self._class_colours(self.opacity), view)
        elif self.kind == "confidence":
            codes = self._prelabels.heat_codes(looked, waiting=self.waiting_only)
            draw_codes(painter, part, codes, self._heat_colours())
        elif self.kind == "entropy" and self.prediction is not None:
            rows, cols = view.rows(part), view.cols(part)
            said = sampled(self.prediction.codes, rows, cols) > 0
            if self.waiting_only:
                said &= sampled(self._session.labels, rows, cols) == 0
            codes = _ENTROPY_CODES[sampled(self.prediction.entropy, rows, cols)] * said
            draw_codes(painter, part, codes, self._heat_colours())

    def _class_colours(self, opacity: float) -> dict[int, QColor]:
        colours = {0: QColor(0, 0, 0, 0)}
        for code, name in self._prelabels.colours.items():
            colours[code] = QColor(name)
            colours[code].setAlphaF(opacity)
        return colours

    def _heat_colours(self) -> dict[int, QColor]:
        return {code: QColor(*colour) for code, colour in heat(self.opacity).items()}


class DisagreementVeil:
    """Where two annotations differ and in which way, or one of the two.

    Parameters
    ----------
    session
        Of the zone.
    doubles
        Its two annotations.
    """

    def __init__(self, session: Session, doubles: Doubles) -> None:
        self._session, self._doubles = session, doubles

    def paint(self, painter: QPainter, view: View) -> None:
        """Paint it."""
        if self._doubles.compared is None or self._doubles.shown == "nothing":
            return
        part = exposed(painter, view.box(self._session.grid.whole))
        if part is not None:
            codes = self._doubles.codes(view.rows(part), view.cols(part))
            draw_codes(painter, part, codes, self._colours())

    def _colours(self) -> dict[int, QColor]:
        named: Mapping[int, str] = DISAGREEMENT_COLOURS
        if self._doubles.shown != "kinds":
            named = {entry.code: entry.colour for entry in self._session.nomenclature.classes}
        colours = {0: QColor(0, 0, 0, 0)}
        for code, name in named.items():
            colours[code] = QColor(name)
            colours[code].setAlphaF(0.75)
        return colours
