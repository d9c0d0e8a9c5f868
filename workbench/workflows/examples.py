"""Examples of classes: small pictures of what accepted zones of the campaign call by a class."""

from __future__ import annotations

__all__ = ["Example", "examples_of"]

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.errors import WorkbenchError
from workbench.geo.grid import Window
from workbench.geo.zone import Zone
from workbench.labels.review import zone_state

_SIDE = 96
"""Pixels a side: 19.2 m at 20 cm, a house with its garden."""
_LEAST_SHARE = 0.3
"""Share of the picture that has the class at least: a pool fills no more."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Example:
    """What one place of one class looks like."""

    zone: str
    """Id."""
    window: Window
    pixels: NDArray[np.generic]
    """Shape (band, row, col), in the order of ``bands``."""
    bands: tuple[str, ...]
    share: float
    """Of its pixels that have the class."""


def examples_of(
    campaign: Campaign,
    *,
    each: int = 4,
    zones: int = 8,
    progress: Callable[[float, str], None] = lambda share, what: None,
) -> dict[int, tuple[Example, ...]]:
    """Return {code: examples} from accepted zones, the purest of each zone, zones taking turns.

    Parameters
    ----------
    campaign
        Whose zones.
    each
        Examples of each class.
    zones
        Accepted zones that are looked at, by id.
    progress
        Told the share that is done, and the zone that is looked at.
    """
    found: dict[int, list[list[Example]]] = {}
    looked = 0
    every = campaign.zones()
    for number, zone in enumerate(every):
        if looked == zones:
            break
        progress(number / len(every), zone.id)
        try:
            own = _examples_in(campaign, zone, each)
        except WorkbenchError:  # a zone that cannot be read has no examples; whoever opens it is told why
            continue
        looked += bool(own)
        for code, examples in own.items():
            found.setdefault(code, []).append(examples)
    return {code: _in_turns(own, each) for code, own in sorted(found.items())}


def _examples_in(campaign: Campaign, zone: Zone, each: int) -> dict[int, list[Example]]:
    """Return the purest squares of each class of a zone, none if it is not accepted."""
    with campaign.open_store(zone) as store:
        if zone_state(store).state != "accepted":
            return {}
        labels = store.settled_labels()
    shares = _shares(labels)
    found: dict[int, list[Example]] = {}
    for code in range(1, shares.shape[2]):
        of_class = shares[:, :, code]
        best = np.argsort(-of_class, axis=None, kind="stable")[:each]
        for row, col in zip(*np.unravel_index(best, of_class.shape), strict=True):
            if of_class[row, col] < _LEAST_SHARE:
                break
            window = Window(row=int(row) * _SIDE, col=int(col) * _SIDE, height=_SIDE, width=_SIDE)
            example = Example(
                zone=zone.id,
                window=window,
                pixels=campaign.read_image(zone, window=window),
                bands=zone.ortho.bands,
                share=float(of_class[row, col]),
            )
            found.setdefault(code, []).append(example)
    return found


def _shares(labels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the share of each code in each square, shape (square row, square col, code)."""
    down, across = labels.shape[0] // _SIDE, labels.shape[1] // _SIDE
    squares = labels[: down * _SIDE, : across * _SIDE]
    codes = int(labels.max()) + 1
    rows = np.arange(down * _SIDE) // _SIDE * across
    numbers = (rows[:, np.newaxis] + np.arange(across * _SIDE) // _SIDE) * codes + squares
    counts = np.bincount(numbers.reshape(-1), minlength=down * across * codes)
    return np.asarray(counts.reshape(down, across, codes) / _SIDE**2, np.float64)


def _in_turns(zones: list[list[Example]], each: int) -> tuple[Example, ...]:
    """Return the first example of each zone, then the second, up to a number."""
    longest = max(map(len, zones))
    return tuple(own[place] for place in range(longest) for own in zones if place < len(own))[:each]
