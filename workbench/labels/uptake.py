"""Uptake: what of each pre-label waits, is another class, or is taken, as the labels are now; and by whom.

One plane of the zone says where each pre-label stands; figures for any choice of pre-labels are sums over
ops, and a preview is a look at the plane. Both follow the labels by the windows that changed, so that they
cost neither the zone nor its journals while somebody moves a slider.
"""

from __future__ import annotations

__all__ = ["FREE", "OTHER", "SETTLED", "UNTOUCHED", "Tally", "Uptake", "load_kernels"]

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.geo.grid import Window
from workbench.labels.edits import OPEN
from workbench.labels.prelabels import Prelabels
from workbench.labels.proposed import Group

FREE, OTHER, SETTLED, UNTOUCHED = 1, 2, 3, 4
"""A pre-label's pixel has no label; has another than it proposes; has the same, or may not be painted; has
the same, which was accepted with others, so that nobody looked at it for itself, and may be painted."""
_STRIP = 1 << 21
"""Pixels that are counted at a time, in some twenty milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many pre-labels of a group there are, and their pixels."""

    regions: int
    pixels: int


class Uptake:
    """Where the pre-labels of a zone stand, pixel by pixel and op by op.

    Nothing is counted at first: `count` goes on until all is.

    Parameters
    ----------
    prelabels
        Of the zone, with the labels that are followed.
    """

    def __init__(self, prelabels: Prelabels) -> None:
        self._prelabels = prelabels
        proposed = prelabels.proposed
        self.standing = np.zeros(proposed.shape, np.uint8)
        """Shape (row, col). `FREE`, `OTHER`, `SETTLED`, `UNTOUCHED`; 0: nothing is proposed, or counted."""
        self._pixels = np.zeros((UNTOUCHED + 1, proposed.group.size), np.int64)
        self._left: deque[Window] = deque()
        self.follow(prelabels.whole)

    @property
    def counted(self) -> bool:
        """Whether all is counted as the labels are."""
        return not self._left

    def follow(self, window: Window) -> None:
        """Take notice of labels that changed in a window."""
        rows = max(1, _STRIP // window.width)
        for row in range(window.row, window.row_stop, rows):
            height = min(rows, window.row_stop - row)
            self._left.append(Window(row=row, col=window.col, height=height, width=window.width))

    def count(self) -> bool:
        """Count a part of what is not counted yet; return whether there is more to count."""
        if self._left:
            window = self._left.popleft()
            prelabels, proposed = self._prelabels, self._prelabels.proposed
            given, wanted = prelabels.given(window)
            _stand(
                given,
                wanted,
                np.equal(prelabels.levels(window), OPEN),
                prelabels.untouched(window),
                proposed.last(window),
                self.standing[window.slices],
                self._pixels,
            )
        return bool(self._left)

    def pixels(self, *, over: bool) -> NDArray[np.int64]:
        """Return the pixels of each op that can be taken over, shape (op + 1,).

        Parameters
        ----------
        over
            Where there is another label, too; else only where there is none.
        """
        free: NDArray[np.int64] = self._pixels[FREE] + (self._pixels[OTHER] if over else 0)
        return free

    @property
    def untouched(self) -> NDArray[np.int64]:
        """Shape (op + 1,). Pixels of each op that were accepted with others, and that nobody looked at."""
        untouched: NDArray[np.int64] = self._pixels[UNTOUCHED]
        return untouched

    def chosen(self, *, among: Collection[Group] | None, above: float | None) -> NDArray[np.bool_]:
        """Return the ops that a choice means, shape (op + 1,); parameters are those of `prelabels.Chosen`."""
        proposed = self._prelabels.proposed
        meant = np.array([False, *(among is None or group in among for group in proposed.groups)])
        chosen: NDArray[np.bool_] = meant[proposed.group]
        # NaN, for what the model gave no confidence, is above nothing.
        return chosen if above is None else chosen & (proposed.confidence >= above)

    def tally(self, chosen: NDArray[np.bool_], *, over: bool) -> dict[Group, Tally]:
        """Return what of some ops, shape (op + 1,), can be taken over, by group; groups without are left out.

        ``over`` is that of `pixels`.
        """
        proposed, free = self._prelabels.proposed, self.pixels(over=over)
        taken = np.where(chosen, free, 0)
        regions = np.bincount(proposed.group[taken > 0], minlength=len(proposed.groups) + 1)[1:]
        pixels = np.bincount(proposed.group, weights=taken, minlength=len(proposed.groups) + 1)[1:]
        return {
            group: Tally(regions=int(regions[place]), pixels=int(pixels[place]))
            for place, group in enumerate(proposed.groups)
            if regions[place]
        }


def load_kernels() -> None:
    """Load what counts, which takes a tenth of a second, in any thread: the first slider must not wait."""
    given, last, no = np.zeros((1, 1), np.uint16), np.zeros((1, 1), np.uint32), np.zeros((1, 1), np.bool_)
    standing, pixels = np.zeros((1, 1), np.uint8), np.zeros((UNTOUCHED + 1, 1), np.int64)
    _stand(given, given, no, no, last, standing, pixels)


@kernel
def _stand(
    given: NDArray[np.uint16],
    wanted: NDArray[np.uint16],
    open_pixels: NDArray[np.bool_],
    untouched: NDArray[np.bool_],
    last: NDArray[np.uint32],
    standing: NDArray[np.uint8],
    pixels: NDArray[np.int64],
) -> None:
    """Count a window anew: ``standing`` and ``pixels``, shape (state, op + 1), are changed."""
    height, width = given.shape
    for row in range(height):
        for col in range(width):
            op = last[row, col]
            if wanted[row, col] == 0:
                state = 0
            elif not open_pixels[row, col]:
                state = SETTLED
            elif given[row, col] == wanted[row, col]:
                state = UNTOUCHED if untouched[row, col] else SETTLED
            elif given[row, col] == 0:
                state = FREE
            else:
                state = OTHER
            before = standing[row, col]
            if state != before:
                if before:
                    pixels[before, op] -= 1
                if state:
                    pixels[state, op] += 1
                standing[row, col] = state
