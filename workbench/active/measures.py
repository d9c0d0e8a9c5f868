"""What is measured of zones before anybody labels them, a row each: all that a strategy may look at."""

from __future__ import annotations

__all__ = ["Known", "Measures"]

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workbench.active.parts import Parts
from workbench.counting import counted
from workbench.errors import CampaignError


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measures:
    """Columns of some zones, candidates or labelled ones.

    Raises
    ------
    CampaignError
        Columns are of different lengths, or hold what is no number.
    """

    ids: tuple[str, ...]
    """What each zone is called; no two alike."""
    domains: tuple[str, ...]
    """Department and year."""
    themes: tuple[str | None, ...]
    """Two letters of the main and second landscape, None where nobody said it."""
    places: NDArray[np.float64]
    """Shape (zone, 2). x and y of its centre, metres."""
    area: NDArray[np.float64]
    """Shape (zone,). km²."""
    picks: NDArray[np.float64]
    """Shape (zone,). How many it is expected to take."""
    classes: tuple[str, ...]
    """Keys of the classes that columns of pixels are of."""
    expected: NDArray[np.float64]
    """Shape (zone, class). Pixels of each class: as predicted, as an old map has them, or as labelled."""
    doubtful: NDArray[np.float64]
    """Shape (zone, class). The same pixels, each times how little the model knows of it, 0 to 1; 0 without a
    model."""
    features: NDArray[np.float64]
    """Shape (zone, feature). What it looks like; the same columns for all zones that are compared."""
    parts: tuple[Parts, ...]
    """What each zone is made of, with the same features in all that are compared."""

    def __post_init__(self) -> None:
        rows = len(self.ids)
        if len(set(self.ids)) != rows:
            twice = next(name for name in self.ids if self.ids.count(name) > 1)
            raise CampaignError(f"{twice} is measured twice; give each zone once")
        shapes = {
            "places": (rows, 2),
            "area": (rows,),
            "picks": (rows,),
            "expected": (rows, len(self.classes)),
            "doubtful": (rows, len(self.classes)),
            "features": (rows, *self.features.shape[1:]),
        }
        for name, shape in shapes.items():
            column = getattr(self, name)
            if column.shape != shape or {len(self.domains), len(self.themes), len(self.parts)} != {rows}:
                raise CampaignError(
                    f"{name} of {counted(rows, 'zone')} have shape {column.shape}, not {shape}"
                )
            if not np.isfinite(column).all():
                raise CampaignError(f"{name} of zones are no numbers, first of {self._first_bad(column)}")
            column.flags.writeable = False

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def pixels(self) -> NDArray[np.float64]:
        """Shape (zone,). Pixels of which something is known."""
        pixels: NDArray[np.float64] = self.expected.sum(axis=1)
        return pixels

    @property
    def doubt(self) -> NDArray[np.float64]:
        """Shape (zone,). Mean doubt of these pixels, 0 to 1."""
        doubt: NDArray[np.float64] = self.doubtful.sum(axis=1) / np.maximum(self.pixels, 1)
        return doubt

    def taken(self, rows: Sequence[int] | NDArray[np.integer[Any]]) -> Self:
        """Return some rows, in the order asked for."""
        numbers = np.asarray(rows, dtype=np.int64)
        changed: dict[str, Any] = {}
        for one in fields(self):
            column = getattr(self, one.name)
            if one.name != "classes":
                whole = isinstance(column, np.ndarray)
                changed[one.name] = column[numbers] if whole else tuple(column[n] for n in numbers.tolist())
        return replace(self, **changed)

    def _first_bad(self, column: NDArray[np.float64]) -> str:
        bad = ~np.isfinite(column.reshape(len(self.ids), -1)).all(axis=1)
        return self.ids[int(np.flatnonzero(bad)[0])]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """What is labelled already, and how well a model does with it."""

    zones: Measures
    """Zones that are labelled, or being labelled: ``expected`` has what is in them."""
    quality: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """Shape (class,). Cross-validated IoU of each class of ``zones``, NaN where nobody measured it; empty
    where nothing was measured."""

    def __post_init__(self) -> None:
        if self.quality.size not in (0, len(self.zones.classes)):
            raise CampaignError(
                f"IoU of {self.quality.size} classes for zones that are measured in {len(self.zones.classes)}"
            )
