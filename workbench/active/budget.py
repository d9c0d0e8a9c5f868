"""What labelling may cost: picks, hours or ground; and what a pick and a zone take."""

from __future__ import annotations

__all__ = ["Budget", "Tariff", "Unit"]

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.errors import CampaignError

_WRITTEN: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(picks?|s|min|h|km2|km²|zones?)")


class Unit(StrEnum):
    """What a budget is counted in."""

    PICKS = "picks"
    SECONDS = "seconds"
    AREA = "km2"
    ZONES = "zones"


_WORDS: Final[Mapping[str, tuple[Unit, float]]] = {
    "pick": (Unit.PICKS, 1.0),
    "picks": (Unit.PICKS, 1.0),
    "s": (Unit.SECONDS, 1.0),
    "min": (Unit.SECONDS, 60.0),
    "h": (Unit.SECONDS, 3600.0),
    "km2": (Unit.AREA, 1.0),
    "km²": (Unit.AREA, 1.0),
    "zone": (Unit.ZONES, 1.0),
    "zones": (Unit.ZONES, 1.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What labelling takes beside the number of picks.

    Raises
    ------
    CampaignError
        A number is below 0, or a pick takes no time.
    """

    seconds_per_pick: float = 3.0
    """A class, a place, a click: 1.35 s to decide, 1.1 s to point and 0.2 s to click are the least
    (keystroke-level model, ``tests/benchmarks/hand_plan.py``)."""
    opening: float = 60.0
    """Seconds that a zone takes before and after its picks: opened, looked over, handed in."""

    def __post_init__(self) -> None:
        if not self.seconds_per_pick > 0 or not self.opening >= 0:
            raise CampaignError(
                f"{self.seconds_per_pick:g} s a pick and {self.opening:g} s a zone cannot be; a pick takes "
                "time, and no zone less than none"
            )

    @property
    def opening_picks(self) -> float:
        """The opening of a zone as picks that take as long."""
        return self.opening / self.seconds_per_pick


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that zones may cost together.

    Raises
    ------
    CampaignError
        It is not above 0.
    """

    limit: float
    unit: Unit

    def __post_init__(self) -> None:
        if not 0 < self.limit < float("inf"):
            raise CampaignError(
                f"a budget of {self.limit:g} {self.unit} labels nothing; give one like 500picks, 2h or 3km2"
            )

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read a budget such as ``500picks``, ``2h``, ``90min``, ``3km2`` or ``10zones``.

        Raises
        ------
        CampaignError
            It is none.

        Examples
        --------
        >>> Budget.parse("2h")
        Budget(limit=7200.0, unit=<Unit.SECONDS: 'seconds'>)
        """
        found = _WRITTEN.fullmatch(text.strip().lower())
        if found is None:
            raise CampaignError(f"{text!r} is no budget; write it like 500picks, 2h, 90min, 3km2 or 10zones")
        unit, factor = _WORDS[found[2]]
        return cls(limit=float(found[1]) * factor, unit=unit)

    def costs(
        self, picks: NDArray[np.float64], area: NDArray[np.float64], *, tariff: Tariff
    ) -> NDArray[np.float64]:
        """Return what zones cost, in the unit of the budget.

        Picks count the opening of a zone as the picks that take as long: else whoever counts clicks would
        open a thousand zones for one click each.

        Parameters
        ----------
        picks
            Shape (zone,). Expected.
        area
            Shape (zone,). km².
        tariff
            What else there is to pay.
        """
        match self.unit:
            case Unit.PICKS:
                return picks + tariff.opening_picks
            case Unit.SECONDS:
                return picks * tariff.seconds_per_pick + tariff.opening
            case Unit.AREA:
                return area.astype(np.float64)
            case Unit.ZONES:
                return np.ones(len(area))

    def text(self) -> str:
        """Return it in words.

        Examples
        --------
        >>> Budget.parse("90min").text(), Budget.parse("500picks").text()
        ('1.5 h', '500 picks')
        """
        return self.said(self.limit)

    def said(self, cost: float) -> str:
        """Return a cost in words."""
        match self.unit:
            case Unit.SECONDS:
                return f"{cost / 3600:.3g} h" if cost >= 3600 else f"{cost / 60:.3g} min"
            case Unit.AREA:
                return f"{cost:.3g} km²"
            case Unit.PICKS:
                return counted(round(cost), "pick")
            case Unit.ZONES:
                return counted(round(cost), "zone")
