"""What is known of a zone before anybody labels it, and of many zones as columns."""

from __future__ import annotations

__all__ = ["Measured", "measures_of", "shared_bands"]

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from workbench.active.appearance import STATISTICS
from workbench.active.measures import Measures
from workbench.active.parts import Parts
from workbench.geo.zone import Zone
from workbench.nomenclature import Nomenclature


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A zone, and what is known of it before anybody labels it."""

    zone: Zone
    expected: Mapping[str, float]
    """Pixels by class."""
    doubtful: Mapping[str, float]
    """The same pixels, each times its doubt, 0 to 1."""
    looks: Mapping[str, tuple[float, ...]]
    """`workbench.active.appearance.STATISTICS` of each band."""
    parts: Parts
    """What it is made of, with looks in the order of the bands."""
    picks: float
    """How many it is expected to take."""

    def document(self) -> dict[str, Any]:
        """Return what is kept of it; which zone it is of stands beside."""
        return {
            "expected": dict(self.expected),
            "doubtful": dict(self.doubtful),
            "looks": dict(self.looks),
            "parts": self.parts.document(),
            "picks": self.picks,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any], zone: Zone) -> Self:
        """Return what was kept of a zone."""
        return cls(
            zone=zone,
            expected={str(key): float(pixels) for key, pixels in document["expected"].items()},
            doubtful={str(key): float(pixels) for key, pixels in document["doubtful"].items()},
            looks={str(band): tuple(map(float, told)) for band, told in document["looks"].items()},
            parts=Parts.of(document["parts"]),
            picks=float(document["picks"]),
        )


def measures_of(
    measured: Sequence[Measured], *, nomenclature: Nomenclature, bands: Sequence[str]
) -> Measures:
    """Return zones as columns.

    What a zone looks like is, in columns, the statistics of some bands, which all zones have that are
    compared, and the square root of the share of each class: so that distances are Hellinger's, and rare
    classes count.

    Parameters
    ----------
    measured
        The zones.
    nomenclature
        Whose classes columns are of.
    bands
        Bands that count.
    """
    keys = tuple(entry.key for entry in nomenclature.classes)
    expected = np.array([[one.expected.get(key, 0.0) for key in keys] for one in measured])
    expected = expected.reshape(len(measured), len(keys))
    doubtful = np.array([[one.doubtful.get(key, 0.0) for key in keys] for one in measured])
    looks = np.array([[one.looks[band] for band in bands] for one in measured])
    looks = looks.reshape(len(measured), len(bands) * len(STATISTICS))
    shares = expected / np.maximum(expected.sum(axis=1, keepdims=True), 1)
    centres = [one.zone.grid.bounds for one in measured]
    places = [((one.left + one.right) / 2, (one.bottom + one.top) / 2) for one in centres]
    return Measures(
        ids=tuple(one.zone.id for one in measured),
        domains=tuple(one.zone.domain for one in measured),
        themes=tuple(one.zone.theme for one in measured),
        places=np.array(places, np.float64).reshape(len(measured), 2),
        area=np.array([one.zone.area / 1e6 for one in measured], np.float64),
        picks=np.array([one.picks for one in measured], np.float64),
        classes=keys,
        expected=expected,
        doubtful=doubtful.reshape(expected.shape),
        features=np.hstack([looks, np.sqrt(shares)]),
        parts=tuple(one.parts.of_bands([list(one.looks).index(band) for band in bands]) for one in measured),
    )


def shared_bands(measured: Iterable[Measured]) -> tuple[str, ...]:
    """Return the bands that all of some zones have, in the order of the first."""
    found: tuple[str, ...] | None = None
    for one in measured:
        found = tuple(one.looks) if found is None else tuple(band for band in found if band in one.looks)
    return found or ()
