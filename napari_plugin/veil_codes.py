"""What veils show on the screen: codes of its pixels, and their colours. Pure functions, no viewer.

A veil looks at the pixels of the zone that the screen shows and at a table with a row for each thing that
can be there, so it costs the screen's pixels, however large the zone and however many things there are.
"""

from __future__ import annotations

__all__ = [
    "CASE",
    "HEAT_STEPS",
    "INSIDE",
    "RIM",
    "Rgba",
    "class_table",
    "heat",
    "heat_codes",
    "load_kernels",
    "looked_up",
    "rimmed",
    "taken",
]

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from napari_plugin.screen import hatched
from workbench.compiled import kernel
from workbench.geo.ramps import INFERNO
from workbench.labels.proposed import Group
from workbench.labels.uptake import FREE, OTHER
from workbench.nomenclature import Nomenclature

Rgba = tuple[int, int, int, int]
"""Red, green, blue and opacity, 0 to 255."""
INSIDE, RIM, CASE = 1, 2, 3
HEAT_STEPS = 100
"""Codes 1 to `HEAT_STEPS` + 1 are hot to cold, the next one is for what has no figure."""
_COLDEST, _HOTTEST = 40, 255
"""Part of the ramp that is used: its black would look like shadow."""
_FAINTEST = 0.25
"""Opacity of what is sure, as a share of that of what is not: it need not be looked at, the picture does."""
_NO_FIGURE: Rgba = (150, 150, 150, 110)


def class_table(
    groups: Sequence[Group], nomenclature: Nomenclature
) -> tuple[NDArray[np.uint8], Mapping[int, str]]:
    """Return a code for each group, so that groups of one class or upper class share it, and its colour.

    Returns
    -------
    codes, colours
        Shape (group + 1,), 0 for none; and ``#rrggbb`` by code.
    """
    codes = np.zeros(len(groups) + 1, np.uint8)
    known: dict[tuple[int, str | None], int] = {}
    for place, group in enumerate(groups, start=1):
        codes[place] = known.setdefault((group.code, group.upper), len(known) + 1)
    colours = {
        number: nomenclature.upper(upper).colour if upper else nomenclature.by_code(code).colour
        for (code, upper), number in known.items()
    }
    return codes, colours


def heat_codes(shares: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return the code of each share from 0, hot, to 1, cold; NaN has no figure.

    >>> heat_codes(np.array([0.0, 0.5, 1.0, np.nan])).tolist()
    [1, 51, 101, 102]
    """
    steps = np.rint(np.nan_to_num(shares, nan=0) * HEAT_STEPS)
    return np.where(np.isnan(shares), HEAT_STEPS + 2, steps + 1).astype(np.uint8)


def heat(opacity: float) -> dict[int, Rgba]:
    """Return the colours of `heat_codes`: what is unsure stands out, what is sure is faint.

    Parameters
    ----------
    opacity
        0 to 1, of what is hottest.
    """
    colours: dict[int, Rgba] = {}
    for step in range(HEAT_STEPS + 1):
        share = 1 - step / HEAT_STEPS
        red, green, blue = INFERNO[round(_COLDEST + share * (_HOTTEST - _COLDEST))].tolist()
        strength = _FAINTEST + share * (1 - _FAINTEST)
        colours[step + 1] = red, green, blue, round(255 * opacity * strength)
    red, green, blue, alpha = _NO_FIGURE
    return colours | {HEAT_STEPS + 2: (red, green, blue, round(alpha * opacity))}


def looked_up(ops: NDArray[np.uint32], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the code of each pixel of the screen by the op that it shows.

    Parameters
    ----------
    ops
        Shape (row, col) of the screen, such as `Proposed.last_across` gives.
    table
        Shape (op + 1,). Code of each op, 0 for what is not painted.
    """
    codes: NDArray[np.uint8] = _looked_up(ops, table)
    return codes


@kernel
def _looked_up(ops: NDArray[np.uint32], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    codes = np.empty(ops.shape, np.uint8)
    for row in range(ops.shape[0]):
        for col in range(ops.shape[1]):
            codes[row, col] = table[ops[row, col]]
    return codes


def taken(
    ops: NDArray[np.uint32], standing: NDArray[np.uint8], table: NDArray[np.uint8], *, over: bool
) -> NDArray[np.uint8]:
    """Return the code of each pixel of the screen that would change, 0 where nothing would.

    Parameters
    ----------
    ops
        Shape (row, col) of the screen.
    standing
        Shape (row, col) of the screen, of `Uptake.standing`.
    table
        Shape (op + 1,). Code of each op that is chosen, else 0.
    over
        Whether labels that are there are replaced.
    """
    codes: NDArray[np.uint8] = _taken(ops, standing, table, OTHER if over else FREE)
    return codes


def load_kernels() -> None:
    """Load what draws veils, in any thread: the first look must not wait for it."""
    codes = np.zeros((1, 1), np.uint8)
    for ops in (np.zeros((1, 1), np.uint32), np.zeros((2, 2), np.uint32)[:1, :1]):  # a whole screen, a part
        looked_up(ops, codes[0])
        taken(ops, codes, codes[0], over=False)
    rimmed(codes > 0)
    hatched(codes, np.zeros((2, 256), np.uint32), 0)


@kernel
def _taken(
    ops: NDArray[np.uint32], standing: NDArray[np.uint8], table: NDArray[np.uint8], most: int
) -> NDArray[np.uint8]:
    codes = np.zeros(ops.shape, np.uint8)
    for row in range(ops.shape[0]):
        for col in range(ops.shape[1]):
            state = standing[row, col]
            if 0 < state <= most:
                codes[row, col] = table[ops[row, col]]
    return codes


@kernel
def rimmed(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return how a place is marked on the screen: `INSIDE`, `RIM` on its two outermost pixels, `CASE` around.

    What goes on beyond the border of the array has no rim there.

    Parameters
    ----------
    mask
        Shape (row, col) of a box of the screen, which had better be two pixels larger than what it holds.
    """
    height, width = mask.shape
    codes = np.zeros(mask.shape, np.uint8)
    for row in range(height):
        for col in range(width):
            here, near, at_hand = mask[row, col], False, False
            for step in range(1, 3):
                other = (
                    (row >= step and mask[row - step, col] != here)
                    or (row + step < height and mask[row + step, col] != here)
                    or (col >= step and mask[row, col - step] != here)
                    or (col + step < width and mask[row, col + step] != here)
                )
                near |= other
                at_hand |= other and step == 1
            if here:
                codes[row, col] = RIM if near else INSIDE
            elif at_hand:
                codes[row, col] = CASE
    return codes
