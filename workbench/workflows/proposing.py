"""What a model ought to propose for a zone, held against what it proposes already: the edits in between."""

from __future__ import annotations

__all__ = ["Proposal"]

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.geo.spans import spans_of_labels, spans_of_mask
from workbench.labels.edits import Provenance, assign_spans
from workbench.labels.fold import Drawn
from workbench.labels.proposed import Proposed
from workbench.segmentation.explaining import UNEXPLAINED, Explanation
from workbench.segmentation.hierarchy import Hierarchy
from workbench.workflows.predictions import Prediction

_STRIP = 1 << 20
"""Pixels that are looked at at a time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proposal:
    """The pre-labels that there ought to be."""

    regions: NDArray[np.uint32]
    """Shape (row, col). `UNEXPLAINED` where nothing is proposed."""
    codes: NDArray[np.uint8]
    """Shape (region,)."""
    scales: NDArray[np.float32]
    """Shape (region,)."""
    sizes: NDArray[np.int64]
    """Shape (region,). Pixels."""
    confidence: NDArray[np.float64]
    """Shape (region,). Mean probability of the region's class, to three decimals; a pixel for which another
    class is the most probable counts 0."""

    @classmethod
    def of(
        cls,
        found: Explanation,
        classes: NDArray[np.uint8],
        hierarchy: Hierarchy,
        said: Prediction,
    ) -> Proposal:
        """Return the pre-labels of an explanation."""
        regions = found.regions(hierarchy.leaves, said.codes)
        codes = classes[found.column]
        sizes, sure = np.zeros(found.count, np.int64), np.zeros(found.count)
        for strip in _strips(regions.shape):
            known = regions[strip] != UNEXPLAINED
            here = regions[strip][known]
            agreeing = said.codes[strip][known] == codes[here]
            sizes += np.bincount(here, minlength=found.count)
            sure += np.bincount(here, np.where(agreeing, said.probability[strip][known], 0), found.count)
        confidence = np.round(sure / (255.0 * sizes), 3).astype(np.float64)
        return cls(regions=regions, codes=codes, scales=found.scale, sizes=sizes, confidence=confidence)

    def drawn(self, made: Provenance, standing: Proposed) -> list[Drawn]:
        """Return the edits that turn what a model proposes into this: erasing, then region by region."""
        spans, starts = spans_of_labels(self.regions, self.sizes.size)
        last = standing.last(standing.fold.canvas.subject.grid.whole)
        standing_ops = self._standing(standing, last, spans[starts[:-1]], made.model)
        found = self._erasing(made, standing, last, standing_ops)
        for number in np.flatnonzero(standing_ops == 0).tolist():
            own = spans[starts[number] : starts[number + 1]].copy()
            given = replace(made, scale=float(self.scales[number]))
            edit = assign_spans(own, code=int(self.codes[number]), provenance=given)
            sure = float(self.confidence[number])
            found.append(Drawn(edit=replace(edit, confidence=sure), spans=own))
        return found

    def _standing(
        self, standing: Proposed, last: NDArray[np.uint32], firsts: NDArray[np.int32], model: str | None
    ) -> NDArray[np.int64]:
        """Return the op by which a model proposes just what a region does, shape (region,); 0: none.

        ``firsts`` are the first span of each region, ``last`` is the op that stands on each pixel. What
        another version of the model proposes is not its own: who takes it over has both before their eyes.
        """
        ops = last[firsts[:, 0], firsts[:, 1]].astype(np.int64)
        same = np.zeros(ops.size, np.int64)
        covered = np.zeros(len(standing.edits) + 1, np.int64)
        for strip in _strips(last.shape):
            known = self.regions[strip] != UNEXPLAINED
            here = self.regions[strip][known]
            same += np.bincount(here[last[strip][known] == ops[here]], minlength=ops.size)
            covered += np.bincount(last[strip].reshape(-1), minlength=covered.size)
        alike = (same == self.sizes) & (covered[ops] == self.sizes)
        for number in np.flatnonzero(alike).tolist():
            edit = standing.edits[ops[number] - 1] if ops[number] else None
            own = (int(self.codes[number]), None, float(self.confidence[number]), model)
            alike[number] = edit is not None and own == (
                edit.code,
                edit.upper,
                edit.confidence,
                edit.provenance.model,
            )
        return np.where(alike, ops, 0)

    def _erasing(
        self, made: Provenance, standing: Proposed, last: NDArray[np.uint32], kept: NDArray[np.int64]
    ) -> list[Drawn]:
        """Return the edit that takes pre-labels away where nothing is proposed any more, if any has to be."""
        coded = [edit is not None and (edit.code > 0 or edit.upper is not None) for edit in standing.edits]
        proposing = np.array([False, *coded])
        proposing[kept] = False
        stale = proposing[last] & (self.regions == UNEXPLAINED)
        if not stale.any():
            return []
        spans = spans_of_mask(stale, standing.fold.canvas.subject.grid.whole)
        return [Drawn(edit=assign_spans(spans, code=0, provenance=made), spans=spans)]


def _strips(shape: tuple[int, ...]) -> Iterator[slice]:
    """Yield the rows of an image, some at a time: what is worked out by pixel there is wide."""
    rows = max(1, _STRIP // shape[1])
    yield from (slice(row, row + rows) for row in range(0, shape[0], rows))
