"""What tests of the desk have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_plugin.pointed import Hover, Spot
from napari_plugin.session import Session
from workbench.labels.editing import Region
from workbench.labels.edits import Look
from workbench.labels.op import Op
from workbench.labels.payloads import edit_of


def heard(signal: Any) -> list[Any]:
    """Return a list that grows with everything a signal says."""
    said: list[Any] = []
    signal.connect(said.append)
    return said


def over(region: Region, shape: Sequence[int]) -> NDArray[np.bool_]:
    """Return a region's pixels in the whole zone, shape (row, col)."""
    window, mask = region
    found = np.zeros(shape, np.bool_)
    found[window.slices] = mask
    return found


def lit(session: Session, hover: Hover | None) -> NDArray[np.bool_]:
    """Return which pixels of the zone a click on a region takes, shape (row, col)."""
    assert hover is not None
    return over(session.pixels_of(hover), session.grid.shape)


def at(row: float, col: float) -> Spot:
    return Spot(row=row, col=col)


def edits(session: Session) -> list[Op]:
    """Return all that was done to the zone but looking at it, as it is in the journals."""
    return [op for op in session.store.ops if not isinstance(edit_of(op), Look)]


def last_op(session: Session) -> Op:
    """Return the last edit, as it is in the journal."""
    return edits(session)[-1]
