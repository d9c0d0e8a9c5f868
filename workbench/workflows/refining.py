"""Refinements between hierarchy and journal: made here, kept there, and had again when a zone is opened."""

from __future__ import annotations

__all__ = ["RefinedHierarchy", "edit_for", "refine_node", "refined_by"]

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.errors import HierarchyError, JournalError
from workbench.labels.edits import Refine
from workbench.labels.op import Op
from workbench.labels.payloads import edit_of
from workbench.labels.refine import FinerRegions
from workbench.segmentation.cuts import Node
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.leafmap import NODATA_LEAF
from workbench.segmentation.refinement import Refinement
from workbench.segmentation.refining import refine

# States kept for undo and redo; each holds arrays of shape (leaf,), 20 MB at 300,000 leaves and four bands.
_STATES = 4


class RefinedHierarchy:
    """The hierarchy of a zone with those refinements of an author that count, as they come and go.

    Parameters
    ----------
    base
        As segmented.
    ops
        The author's refine ops that count, from `AnnotationStore.refinements`.
    """

    def __init__(self, base: Hierarchy, ops: Sequence[Op]) -> None:
        self._base = base
        self._states: dict[tuple[str, ...], Hierarchy] = {}
        self.current, self.left_out = refined_by(base, ops)
        self._keep(ops, self.current)

    def follow(self, ops: Sequence[Op]) -> bool:
        """Apply exactly these ops; return whether that changed anything."""
        before = self.current
        ids = tuple(op.id for op in ops)
        known = max((len(key) for key in self._states if ids[: len(key)] == key), default=0)
        start = self._states.get(ids[:known], self._base)
        self.current, _ = refined_by(start, ops[known:])
        self._keep(ops, self.current)
        return self.current.digest != before.digest

    def add(self, op: Op, before: Sequence[Op], refined: Hierarchy) -> None:
        """Take the hierarchy that an op of the journal was made with."""
        self.current = refined
        self._keep([*before, op], refined)

    def _keep(self, ops: Iterable[Op], state: Hierarchy) -> None:
        ids = tuple(op.id for op in ops)
        self._states.pop(ids, None)
        self._states[ids] = state
        while len(self._states) > _STATES:
            self._states.pop(next(iter(self._states)))


def refine_node(
    hierarchy: Hierarchy, node: Node, image: NDArray[np.generic], *, row: int, col: int, scale: float
) -> tuple[Refine, Hierarchy]:
    """Refine a node, and return the edit to record and the hierarchy to go on with once it is.

    Parameters
    ----------
    hierarchy, node, image
        As for `workbench.segmentation.refining.refine`.
    row, col
        The pixel that was picked.
    scale
        Scale (λ) that it was picked at.

    Raises
    ------
    HierarchyError
        The node is too large, or there is nothing finer in it.
    """
    refinement = refine(hierarchy, node, image)
    return edit_for(refinement, row=row, col=col, scale=scale), hierarchy.refined(refinement)


def edit_for(refinement: Refinement, *, row: int, col: int, scale: float) -> Refine:
    """Return the edit that records a refinement, and the pick that it was made at."""
    inside = refinement.leaves != NODATA_LEAF
    finer = FinerRegions(
        mask=inside,
        leaves=refinement.leaves[inside],
        s=refinement.s,
        sums=refinement.sums,
        squares=refinement.squares,
    )
    return Refine.encode(
        finer, refinement.window, hierarchy_digest=refinement.base, scale=scale, row=row, col=col
    )


def refined_by(hierarchy: Hierarchy, ops: Iterable[Op]) -> tuple[Hierarchy, str]:
    """Return a hierarchy with the refinements that were made on it, and a sentence on those that were not.

    Nothing is segmented again. A refinement of another hierarchy, or one that does not fit, is left out, and
    so are those that build on it.

    Returns
    -------
    hierarchy, left_out
        The sentence is empty where all refinements fit.
    """
    total, left_out, reason = 0, 0, ""
    for op in ops:
        total += 1
        try:
            hierarchy = hierarchy.refined(_refinement_of(op))
        except (HierarchyError, JournalError) as error:
            left_out += 1
            reason = reason or f"{op.id}: {error}"
    if not left_out:
        return hierarchy, ""
    return hierarchy, f"{left_out} of {total} refinements are left out ({reason}); labels are not touched"


def _refinement_of(op: Op) -> Refinement:
    edit = edit_of(op)
    if not isinstance(edit, Refine):
        raise JournalError(f"op {op.id} is no refinement")
    finer = edit.decode()
    leaves = np.full(edit.window.shape, NODATA_LEAF, np.uint32)
    leaves[finer.mask] = finer.leaves
    return Refinement(
        base=edit.hierarchy_digest,
        window=edit.window,
        leaves=leaves,
        s=finer.s,
        sums=finer.sums,
        squares=finer.squares,
    )
