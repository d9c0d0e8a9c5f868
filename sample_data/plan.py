"""The sample campaign as data: which scenes lie where, and when they were flown."""

from __future__ import annotations

__all__ = ["ZonePlan", "sample_campaign_plan"]

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonePlan:
    """One zone of the sample campaign: a scene of 2 × 2 patches."""

    domain: str
    """Department and year, such as ``D012_2019``."""
    zone: str
    """Zone name as in FLAIR, such as ``Z1_AA``."""
    acquired: date
    camera: str
    seed: int
    size: int
    """Rows and columns, in pixels of 0.2 m."""
    x: float
    """Left edge in Lambert-93, on the national patch grid."""
    y: float
    """Top edge in Lambert-93, on the national patch grid."""

    @property
    def theme(self) -> str:
        """Main and second theme: the last two letters of the zone's name."""
        return self.zone[-2:]


def sample_campaign_plan() -> tuple[ZonePlan, ...]:
    """Return the six zones of the sample campaign: three domains of two zones, with no pixels yet.

    They lie inside their departments (Aveyron, Hérault, Bas-Rhin) and together hold every class that the
    FLAIR models learn except snow.

    >>> sorted({plan.domain for plan in sample_campaign_plan()})
    ['D012_2019', 'D034_2021', 'D067_2021']
    """
    ultracam, digital = "UCE-M3-f120-s06", "CAMERA#030"
    flights = {
        "D012_2019": (date(2019, 7, 3), ultracam),
        "D034_2021": (date(2021, 6, 14), digital),
        "D067_2021": (date(2021, 8, 20), ultracam),
    }
    zones = (
        ("D012_2019", "Z1_AA", 309, 667_241.6, 6_361_108.8),
        ("D012_2019", "Z2_NF", 203, 671_440.0, 6_364_180.8),
        ("D034_2021", "Z1_UA", 300, 768_412.8, 6_281_851.2),
        ("D034_2021", "Z2_UU", 301, 773_123.2, 6_279_086.4),
        ("D067_2021", "Z1_FF", 201, 1_047_964.8, 6_861_025.6),
        ("D067_2021", "Z2_AU", 314, 1_043_254.4, 6_843_003.2),
    )
    return tuple(
        ZonePlan(
            domain=domain,
            zone=zone,
            acquired=flights[domain][0],
            camera=flights[domain][1],
            seed=seed,
            size=1024,
            x=x,
            y=y,
        )
        for domain, zone, seed, x, y in zones
    )
