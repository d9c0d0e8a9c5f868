"""From one pre-label to the next, where a pick is worth most; no screen, no words."""

from __future__ import annotations

__all__ = ["PrelabelWalk", "ShownPrelabel"]

from dataclasses import dataclass

import numpy as np

from workbench.active.regions import expected_wrong, next_region
from workbench.geo.spans import bounds, mask_of
from workbench.labels.editing import Region
from workbench.labels.proposed import Group, Proposed
from workbench.labels.uptake import FREE, UNTOUCHED, Uptake


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShownPrelabel:
    """A pre-label that somebody should look at, and why."""

    region: Region
    """Its pixels that wait, or that nobody looked at."""
    group: Group
    pixels: int
    confidence: float
    """From 0 to 1, NaN where the model said none."""
    wrong: float
    """Pixels that are expected to be wrong; NaN where the model said no confidence."""
    accepted: bool
    """Whether it was accepted with others; else it waits."""


class PrelabelWalk:
    """Goes through pre-labels that wait, then through those accepted with others; each is shown once a round.

    Parameters
    ----------
    proposed
        The pre-labels.
    uptake
        Where they stand; it is followed.
    """

    def __init__(self, proposed: Proposed, uptake: Uptake) -> None:
        self._proposed, self._uptake = proposed, uptake
        self._shown = np.zeros(proposed.group.size, np.bool_)

    def next(self) -> ShownPrelabel | None:
        """Return the pre-label in which a pick is worth most now, of those that this round did not show.

        Once it has shown all that are left, another round begins.

        Returns
        -------
        ShownPrelabel or None
            None where none waits, and somebody looked at each that was accepted.
        """
        found = self._next()
        if found is None and self._shown.any():
            self._shown[:] = False
            found = self._next()
        return found

    def _next(self) -> ShownPrelabel | None:
        for standing, pixels in (
            (FREE, self._uptake.pixels(over=False)),
            (UNTOUCHED, self._uptake.untouched),
        ):
            op = next_region(pixels, self._proposed.confidence, seen=self._shown)
            if op is not None:
                self._shown[op] = True
                return self._found(op, standing, int(pixels[op]))
        return None

    def _found(self, op: int, standing: int, pixels: int) -> ShownPrelabel:
        proposed = self._proposed
        spans, sure = proposed.spans(op), proposed.confidence[op : op + 1]
        window = bounds(spans)
        there = mask_of(spans, window) & (self._uptake.standing[window.slices] == standing)
        return ShownPrelabel(
            region=(window, there & (proposed.last(window) == op)),
            group=proposed.groups[int(proposed.group[op]) - 1],
            pixels=pixels,
            confidence=float(sure[0]),
            wrong=float(expected_wrong(np.array([pixels]), sure)[0]),
            accepted=standing == UNTOUCHED,
        )
