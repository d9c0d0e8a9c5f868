"""Pre-labels: what models propose for a zone, and the edits by which a person takes it over.

A model writes into a journal of its own, ``model-<id>``, on the track ``prelabels``; no label comes from
there by itself. Whoever accepts a pre-label copies its pixels into the labels by an edit of their own, which
names the op that it was copied from.
"""

from __future__ import annotations

__all__ = ["BULK_TOOL", "MODEL", "POINTED_TOOL", "PRELABELS", "Prelabels", "is_model"]

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused
from workbench.geo.grid import Window
from workbench.labels.edits import AssignMask, Provenance, assign
from workbench.labels.fold import Fold
from workbench.labels.op import Op
from workbench.labels.payloads import edit_of
from workbench.labels.tables import Row

PRELABELS = "prelabels"
"""The track of what models propose."""
MODEL = "model-"
"""What the name of an author begins with that is a model."""
POINTED_TOOL, BULK_TOOL = "accept", "accept-all"
"""Tools of edits that accept pre-labels: where a person pointed, or wherever something is true of them."""


def is_model(author: str) -> bool:
    """Tell whether an author is a model."""
    return author.startswith(MODEL)


class Prelabels:
    """The pre-labels of a zone at one moment: of all models' that of the last op on each pixel."""

    def __init__(self, labels: Fold, rows: Mapping[str, Sequence[Row]], *, directory: Path) -> None:
        self._labels = labels
        self._fold = Fold.begun(labels.canvas, PRELABELS, rows, None, directory=directory)

    @property
    def codes(self) -> NDArray[np.uint8]:
        """Shape (row, col). Class codes, 0 where no model proposes anything."""
        return self._fold.labels.values

    @property
    def last(self) -> NDArray[np.uint32]:
        """Shape (row, col). 1 + place in `ops` of the op that proposes the code, 0 = none."""
        return self._fold.labels.last

    @property
    def ops(self) -> tuple[Op, ...]:
        """The ops of the models' journals."""
        return tuple(self._fold.table.op(position) for position in range(len(self._fold.table)))

    def accepting(
        self,
        *,
        region: tuple[Window, NDArray[np.bool_]] | None = None,
        pointed: bool = False,
        code: int | None = None,
        above: float | None = None,
        over: bool = False,
    ) -> list[AssignMask]:
        """Return the edits that take pre-labels over, one for each op that proposes some of the pixels.

        Meant for `AnnotationStore.apply_all`.

        Parameters
        ----------
        region
            Where: a window and its mask. None = anywhere.
        pointed
            Whether a person pointed at this very region, and so looked at it for itself.
        code
            Only pre-labels of this class.
        above
            Only pre-labels in which the model has at least this confidence, 0 to 1.
        over
            Replace labels that are there, too; else only what is unlabelled.

        Raises
        ------
        EditRefused
            There is no such pre-label.
        """
        whole = self._fold.canvas.subject.grid.whole
        window, mask = region if region is not None else (whole, np.ones(whole.shape, np.bool_))
        here, proposed = self._labels.labels.values[window.slices], self.codes[window.slices]
        unsure = self._labels.uppers(window)[0] > 0
        free = (here != proposed) | unsure if over else (here == 0) & ~unsure
        wanted = np.where(mask & free & (proposed > 0), self.last[window.slices], np.uint32(0))
        places = np.flatnonzero(np.bincount(wanted.reshape(-1), minlength=1))
        edits = []
        for place in places[places > 0].tolist():
            op = self._fold.table.op(place - 1)
            found = edit_of(op)
            assert isinstance(found, AssignMask)  # noqa: S101 - nothing else paints pre-labels
            sure = above is None or (found.confidence is not None and found.confidence >= above)
            if sure and code in (None, found.code):
                part = window.intersection(found.window)
                assert part is not None  # noqa: S101 - some of the pixels are its
                pixels = wanted[part.within(window).slices] == place
                edits.append(_copy(op, found, pixels, part, tool=POINTED_TOOL if pointed else BULK_TOOL))
        if not edits:
            there = "" if self.codes.any() else ", for no model proposes anything in this zone"
            raise EditRefused(f"there is no such pre-label to accept{there}")
        return edits


def _copy(op: Op, found: AssignMask, pixels: NDArray[np.bool_], window: Window, *, tool: str) -> AssignMask:
    """Return the edit that copies some pixels of a pre-label."""
    made = Provenance(
        tool=tool,
        scale=op.scale,
        hierarchy_digest=op.hierarchy_digest,
        model=op.model or op.author.removeprefix(MODEL),
    )
    return replace(assign(pixels, window, found.code, made), upper=found.upper, source=op.id)
