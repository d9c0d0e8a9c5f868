"""Proposed zones: where, why, what they are expected to take; and the file that QGIS and the desk read."""

from __future__ import annotations

__all__ = ["PROPOSALS", "ZoneProposal", "proposal_bytes", "read_proposals"]

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from workbench.active.selection import Reason
from workbench.errors import CampaignError
from workbench.geo.geopackage import geopackage_bytes, is_map, read_polygons
from workbench.outputs import FileKind

_MARK: Final = "ocs-workbench/proposals"
_LAYER: Final = "proposals"
_MOST: Final = 100_000
"""Proposals that a file may hold: more than anybody reads."""

PROPOSALS: Final = FileKind(
    name="a file of proposals", mark=_MARK, is_one=lambda path: is_map(path, mark=_MARK, fields=())
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneProposal:
    """Ground that a strategy would have labelled next."""

    id: str
    """Domain and name, such as ``D055_2018/55-2018-0870-6850-r5c10``; the name begins with the dalle's."""
    dalle: str
    """Id of the dalle that it would be cut from."""
    footprint: BaseGeometry
    """Whole patch cells, in the CRS of the national grid."""
    area: float
    """km²."""
    score: float
    """What it adds to those before it, for its cost."""
    picks: float
    """How many picks it is expected to take."""
    seconds: float
    """How long these and the opening of the zone are expected to take."""
    reasons: tuple[Reason, ...]
    """The largest share first; shares add up to 1."""
    strategy: str
    inclusion: float | None = None
    """Probability by which it was chosen; None where that is no matter of chance."""
    model_id: str | None = None
    """Model that was asked, None where none was."""
    model_sha256: str | None = None
    seed: int = 0

    @property
    def domain(self) -> str:
        """Department and year."""
        return self.id.partition("/")[0]

    @property
    def reason(self) -> str:
        """Why, in one line."""
        return "; ".join(f"{one.told} ({one.share:.0%})" for one in self.reasons if one.share >= 0.005)

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        left, bottom, right, top = self.footprint.bounds
        return {
            "id": self.id,
            "dalle": self.dalle,
            "bounds": [left, bottom, right, top],
            "area_km2": round(self.area, 6),
            "score": float(f"{self.score:.6g}"),
            "picks": round(self.picks, 1),
            "minutes": round(self.seconds / 60, 2),
            "reasons": [one.document() for one in self.reasons],
            "strategy": self.strategy,
            "inclusion": self.inclusion,
            "model": self.model_id,
            "model_sha256": self.model_sha256,
            "seed": self.seed,
        }

    def text(self) -> str:
        """Return one line for a person."""
        return (
            f"{self.id}: {self.area:.3f} km², about {self.picks:,.0f} picks, {self.seconds / 60:,.0f} min; "
            f"{self.reason}"
        )


def proposal_bytes(proposals: Sequence[ZoneProposal], *, crs: str) -> bytes:
    """Return proposals as a GeoPackage, the best first; equal proposals give equal bytes.

    QGIS shows why each is proposed: its main reason and the sentence are columns of their own.
    """
    rows = [_row(rank, one) for rank, one in enumerate(proposals, start=1)]
    columns = {name: np.array([row[name] for row in rows], dtype=dtype) for name, dtype in _COLUMNS.items()}
    polygons = np.array(
        [shapely.MultiPolygon(shapely.get_parts(one.footprint).tolist()) for one in proposals]
    )
    return geopackage_bytes(
        polygons, columns, kind=PROPOSALS, layer=_LAYER, crs=crs, geometry_type="MultiPolygon"
    )


def read_proposals(path: Path) -> tuple[ZoneProposal, ...]:
    """Read proposals, the best first.

    Raises
    ------
    CampaignError
        There is no such file, or it is none of the workbench's.
    """
    if not path.is_file():
        raise CampaignError(f"{path} is not there; have zones proposed: workbench propose {path.parent}")
    if not PROPOSALS.is_one(path):
        raise CampaignError(f"{path} is no file of proposals; have zones proposed again")
    try:
        polygons, columns = read_polygons(path, layer=_LAYER, columns=list(_COLUMNS), most=_MOST)
        found = [
            _proposal(polygon, {name: column[place] for name, column in columns.items()})
            for place, polygon in enumerate(polygons)
        ]
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        reason = " ".join(str(error).split())
        raise CampaignError(f"{path} is damaged ({reason}); have zones proposed again") from error
    return tuple(found)


_COLUMNS: Final[dict[str, Any]] = {
    "rank": np.int32,
    "id": object,
    "dalle": object,
    "main_reason": object,
    "reason": object,
    "picks": np.float64,
    "minutes": np.float64,
    "km2": np.float64,
    "score": np.float64,
    "strategy": object,
    "inclusion": np.float64,
    "model": object,
    "model_sha256": object,
    "seed": np.int64,
    "reasons": object,
}


def _row(rank: int, one: ZoneProposal) -> dict[str, Any]:
    return {
        "rank": rank,
        "id": one.id,
        "dalle": one.dalle,
        "main_reason": one.reasons[0].kind if one.reasons else None,
        "reason": one.reason,
        "picks": one.picks,
        "minutes": one.seconds / 60,
        "km2": one.area,
        "score": one.score,
        "strategy": one.strategy,
        "inclusion": math.nan if one.inclusion is None else one.inclusion,
        "model": one.model_id,
        "model_sha256": one.model_sha256,
        "seed": one.seed,
        "reasons": json.dumps([reason.document() for reason in one.reasons], ensure_ascii=False),
    }


def _proposal(polygon: shapely.MultiPolygon, row: dict[str, Any]) -> ZoneProposal:
    inclusion = float(row["inclusion"])
    return ZoneProposal(
        id=str(row["id"]),
        dalle=str(row["dalle"]),
        footprint=polygon,
        area=float(row["km2"]),
        score=float(row["score"]),
        picks=float(row["picks"]),
        seconds=float(row["minutes"]) * 60,
        reasons=tuple(Reason.of(reason) for reason in json.loads(row["reasons"])),
        strategy=str(row["strategy"]),
        inclusion=None if math.isnan(inclusion) else inclusion,
        model_id=row["model"],
        model_sha256=row["model_sha256"],
        seed=int(row["seed"]),
    )
