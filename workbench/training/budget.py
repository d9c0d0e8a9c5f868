"""How long training lasts, and how the learning rate follows it."""

from __future__ import annotations

__all__ = ["Budget", "one_cycle"]

import math
from dataclasses import dataclass

from workbench.errors import ModelError

_WARM_UP = 0.25
_FIRST, _LAST = 1 / 25, 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Steps, seconds, or both: what is used up first ends the training.

    Raises
    ------
    ModelError
        Neither is given, or one of them is not above 0.

    >>> Budget(steps=200).spent(step=50, seconds=1e9)
    0.25
    """

    steps: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        given = [one for one in (self.steps, self.seconds) if one is not None]
        if not given or not all(math.isfinite(one) and one > 0 for one in given):
            raise ModelError(
                f"a budget of {self.steps} steps and {self.seconds} s trains nothing; give steps or minutes "
                "above 0"
            )

    def spent(self, *, step: int, seconds: float) -> float:
        """Return the share that is used up after some steps and seconds, 1 at the end."""
        shares = (
            used / most for used, most in ((step, self.steps), (seconds, self.seconds)) if most is not None
        )
        return min(1.0, max(shares))


def one_cycle(spent: float) -> float:
    """Return the learning rate over its peak, when a share of the budget is spent.

    Smith's one cycle (2018), as half cosines: up in the first quarter, down to nearly nothing in the rest. It
    hangs on the share alone, so it ends where the budget does, however fast the machine is.

    >>> [round(one_cycle(spent), 2) for spent in (0, 0.25, 0.625, 1)]
    [0.04, 1.0, 0.5, 0.0]
    """
    if spent < _WARM_UP:
        return _between(_FIRST, 1.0, spent / _WARM_UP)
    return _between(1.0, _LAST, (spent - _WARM_UP) / (1 - _WARM_UP))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
