"""The canvas: what may be painted on a zone, in which codes. Edits and ops of others are held against it."""

from __future__ import annotations

__all__ = ["Canvas", "Codes"]

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused, JournalError
from workbench.geo.grid import Window
from workbench.geo.spans import bounds, kept
from workbench.labels.covering import all_inside
from workbench.labels.edits import AssignMask, Look, Protect, Refine, RunLengthMask
from workbench.labels.ground import ground_of
from workbench.labels.meta import JournalSubject
from workbench.labels.op import Op
from workbench.labels.painting import Ground

_Painting = TypeVar("_Painting", bound=AssignMask | Protect)


class Codes(Protocol):
    """What labels need of a nomenclature."""

    @property
    def name(self) -> str:
        """Its name; journals are bound to it."""

    @property
    def codes(self) -> Collection[int]:
        """The codes that a pixel may have."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Canvas:
    """The pixels of a zone that can be painted, and the codes that they can have."""

    subject: JournalSubject
    ground: Ground
    """The pixels of the zone."""
    codes: frozenset[int]
    """0, which erases, and those of the nomenclature."""

    @classmethod
    def of(cls, subject: JournalSubject, footprint: NDArray[np.bool_], codes: Iterable[int]) -> Self:
        """Return the canvas with a copy of a footprint."""
        footprint = footprint.copy()
        footprint.flags.writeable = False
        return cls(
            subject=subject,
            ground=ground_of(footprint),
            codes=frozenset(int(code) for code in codes) | {0},
        )

    @property
    def footprint(self) -> NDArray[np.bool_]:
        """Shape (row, col), read-only. True inside the zone."""
        return self.ground.footprint

    def clipped(
        self, edit: _Painting, allowed: Iterable[tuple[Window, NDArray[np.bool_]]] = ()
    ) -> _Painting | None:
        """Return an edit cut down to the pixels that it may paint, None where there are none.

        Parameters
        ----------
        edit
            To be cut.
        allowed
            Windows and, shape (row, col) of each, which pixels may be painted. Outside them all of the zone
            may.

        Raises
        ------
        EditRefused
            The code is none of the nomenclature's, or the mask reaches outside the grid.
        """
        if isinstance(edit, AssignMask) and edit.code not in self.codes:
            raise EditRefused(
                f"code {edit.code} is none of nomenclature {self.subject.nomenclature}; take one of "
                f"{', '.join(str(code) for code in sorted(self.codes - {0}))}, or 0 to erase"
            )
        self.check_inside(edit.window, "; cut the mask at its edge")
        given = edit.mask.spans()
        spans = (
            given
            if all_inside(given, self.footprint, self.ground.whole)
            else kept(given, self.footprint, self._whole)
        )
        for window, pixels in allowed:
            spans = kept(spans, pixels, window)
        if not spans.size:
            return None
        if spans is given and bounds(spans) == edit.window:
            return edit
        return replace(edit, mask=RunLengthMask.of_spans(spans))

    def check_inside(self, window: Window, way_out: str = "") -> None:
        """Refuse an edit that reaches outside the grid."""
        if not self._holds(window):
            row, col, shape = int(window.row), int(window.col), self.subject.grid.shape
            what = f"pixel ({row}, {col}) lies"
            if window.shape != (1, 1):
                what = f"the window of {window.height} × {window.width} pixels at ({row}, {col}) reaches"
            raise EditRefused(
                f"{what} outside zone {self.subject.zone} of {shape[0]} × {shape[1]} pixels{way_out}"
            )

    def check_pixel(self, row: int, col: int) -> None:
        """Refuse what is pinned to a pixel that is none of the zone's."""
        if not self.subject.grid.whole.contains(row, col) or not self.footprint[row, col]:
            raise EditRefused(
                f"pixel ({row}, {col}) lies outside zone {self.subject.zone} of {self.subject.grid.shape} "
                "pixels, or of its footprint"
            )

    def check_op(self, op: Op, edit: AssignMask | Protect | Refine | Look) -> None:
        """Refuse an op of a journal that cannot be one of this zone.

        Raises
        ------
        JournalError
            With the way out.
        """
        if isinstance(edit, AssignMask) and edit.code not in self.codes:
            raise JournalError(
                f"op {op.id} labels with code {edit.code}, which nomenclature {self.subject.nomenclature} "
                "does not have; update the nomenclature"
            )
        if not self._holds(edit.window):
            verb = {Refine: "refines", Look: "looked at"}.get(type(edit), "paints")
            shape = self.subject.grid.shape
            raise JournalError(f"op {op.id} {verb} {edit.window}, outside the zone's {shape} pixels")

    def _holds(self, window: Window) -> bool:
        return self._whole.intersection(window) == window

    @property
    def _whole(self) -> Window:
        return self.subject.grid.whole
