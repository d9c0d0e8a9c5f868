"""The eight ways to lay a square picture: as it is, turned by right angles, and mirrored.

Mirrored pixels turn the sign of the odd waves of a cosine transform, and transposed ones swap its axes. So
the hash of a picture that was turned follows from its own, but for waves that lie between the median and its
opposite: up to 10 bits of 64 in FLAIR patches and made scenes, mostly 4.
"""

from __future__ import annotations

__all__ = ["ORIENTATIONS", "UPRIGHT", "Orientation"]

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_ODD_ROWS: Final = np.uint64(0xFF00FF00FF00FF00)
_ODD_COLS: Final = np.uint64(0xAAAAAAAAAAAAAAAA)
_SWAPS: Final = (
    (np.uint64(7), np.uint64(0x00AA00AA00AA00AA)),
    (np.uint64(14), np.uint64(0x0000CCCC0000CCCC)),
    (np.uint64(28), np.uint64(0x00000000F0F0F0F0)),
)
"""Steps by which 8 × 8 bits are transposed (Warren, *Hacker's Delight*, section 7-3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orientation:
    """How a picture is laid beside another one: transposed, then mirrored.

    >>> turned = ORIENTATIONS[5]
    >>> turned.name, turned.laid(np.array([[1, 2], [3, 4]])).tolist()
    ('turned by 90° to the left', [[2, 4], [1, 3]])
    """

    name: str
    """What was done to it, as a person would say; empty where that is nothing."""
    transposed: bool
    top_down: bool
    """Whether rows are mirrored, the first for the last."""
    left_right: bool

    def laid(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return a picture, shape (row, col), laid so."""
        shown = pixels.T if self.transposed else pixels
        return shown[:: -1 if self.top_down else 1, :: -1 if self.left_right else 1]

    def hashes(self, words: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return about the hashes of pictures that are laid so, from those of the pictures."""
        found = words.copy()
        if self.transposed:
            for by, mask in _SWAPS:
                moved = (found ^ (found >> by)) & mask
                found ^= moved ^ (moved << by)
        if self.top_down:
            found ^= _ODD_ROWS
        if self.left_right:
            found ^= _ODD_COLS
        return found


ORIENTATIONS: Final = tuple(
    Orientation(name=name, transposed=transposed, top_down=top_down, left_right=left_right)
    for name, transposed, top_down, left_right in (
        ("", False, False, False),
        ("mirrored top to bottom", False, True, False),
        ("mirrored left to right", False, False, True),
        ("turned by 180°", False, True, True),
        ("mirrored along a diagonal", True, False, False),
        ("turned by 90° to the left", True, True, False),
        ("turned by 90° to the right", True, False, True),
        ("mirrored along the other diagonal", True, True, True),
    )
)
UPRIGHT: Final = ORIENTATIONS[0]
