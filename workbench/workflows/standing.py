"""How far a zone is, and its way through review."""

from __future__ import annotations

__all__ = ["Standing", "review_zone", "standing"]

from dataclasses import dataclass
from typing import Any, Literal

from workbench.campaign import Campaign
from workbench.geo.zone import Zone
from workbench.labels.review import ZoneState, accept, send_back, submit, zone_state

Verdict = Literal["submit", "accept", "send-back"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a zone stands."""

    zone: Zone
    fold: int
    state: ZoneState
    coverage: float
    """Share of the footprint that is labelled."""
    counts: dict[str, int]
    """Labelled pixels per class key."""
    heads: dict[str, int]
    """Last op of each author."""
    segmented: bool

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/zone-status.schema.json``)."""
        zone, state = self.zone, self.state
        return {
            "zone": zone.id,
            "domain": zone.domain,
            "fold": self.fold,
            "theme": zone.theme,
            "acquired": zone.acquired.isoformat() if zone.acquired else None,
            "camera": zone.camera,
            "patches": len(zone.cells),
            "area_km2": round(zone.area / 1e6, 6),
            "raster": str(zone.ortho.path),
            "bands": list(zone.ortho.bands),
            "state": state.state,
            "by": state.by,
            "reason": state.reason,
            "coverage": self.coverage,
            "pixels": self.counts,
            "heads": self.heads,
            "segmented": self.segmented,
        }

    def row(self) -> tuple[object, ...]:
        """Return one row of ``zone list``."""
        yes = "yes" if self.segmented else "no"
        state = self.state.state.replace("_", " ")
        return self.zone.id, self.fold, len(self.zone.cells), state, f"{self.coverage:.1%}", yes

    def text(self) -> str:
        """Return a page for a person."""
        zone, total = self.zone, sum(self.counts.values())
        heads = ", ".join(f"{author}:{seq}" for author, seq in self.heads.items()) or "no edit yet"
        lines = [
            f"{zone.id}: {self.state}",
            f"  fold {self.fold}, {len(zone.cells)} patches, {zone.area / 1e6:.3f} km²",
            f"  theme {zone.theme or 'not given'}, camera {zone.camera or 'not given'}",
            f"  picture {zone.ortho.path} ({','.join(zone.ortho.bands)}), "
            f"taken {zone.acquired or 'at an unknown date'}",
            f"  {'segmented' if self.segmented else 'not segmented yet'}",
            f"  {self.coverage:.1%} labelled; journals: {heads}",
        ]
        ranked = sorted(self.counts.items(), key=lambda item: -item[1])
        return "\n".join(lines + [f"    {key:24} {count / total:6.1%}" for key, count in ranked if count])


def standing(campaign: Campaign, zone: Zone) -> Standing:
    """Return where a zone stands, read from its journals."""
    nomenclature = campaign.nomenclature
    with campaign.open_store(zone) as store:
        return Standing(
            zone=zone,
            fold=campaign.folds()[zone.domain],
            state=zone_state(store),
            coverage=store.coverage(),
            counts={nomenclature.by_code(code).key: n for code, n in store.counts().items() if code and n},
            heads=dict(sorted(store.head.items())),
            segmented=campaign.hierarchy_path(zone).exists(),
        )


def review_zone(
    campaign: Campaign, zone: Zone, *, author: str, verdict: Verdict, reason: str = ""
) -> ZoneState:
    """Submit, accept or send back a zone.

    Raises
    ------
    EditRefused
        The zone's state does not allow it.
    """
    with campaign.open_store(zone, author=author) as store:
        if verdict == "send-back":
            return send_back(store, reason)
        return submit(store) if verdict == "submit" else accept(store)
