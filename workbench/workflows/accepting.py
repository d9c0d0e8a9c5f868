"""Proposals become zones, cut from their dalles; the registry keeps why, and what was expected of them."""

from __future__ import annotations

__all__ = ["Accepted", "ProposalTable", "accept_proposals", "proposal_table"]

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.active.offer import Offer
from workbench.active.proposal import ZoneProposal, read_proposals
from workbench.campaign import Campaign
from workbench.counting import counted, listed
from workbench.errors import CampaignError
from workbench.export.assistance import Choice
from workbench.geo.dalle import Dalle
from workbench.geo.zone import cut_cells
from workbench.pool import pool
from workbench.workflows.held_ground import HeldGround
from workbench.workflows.intake import add_zone
from workbench.workflows.zone_proposing import FILE

_NUMBERED = re.compile(r"Z(\d+)(?:[-_].*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """Proposals that became zones."""

    zones: tuple[tuple[str, ZoneProposal], ...]
    """Id of the zone, and what was proposed."""
    waiting: int
    """Proposals of the file that are no zones yet."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/proposal-accept.schema.json``)."""
        zones = [
            {
                "zone": zone,
                "proposal": one.id,
                "picks": round(one.picks, 1),
                "area_km2": round(one.area, 6),
                "reason": one.reason,
            }
            for zone, one in self.zones
        ]
        return {"zones": zones, "waiting": self.waiting}

    def text(self) -> str:
        """Return a line for each, and what they are together."""
        lines = [
            f"{zone}: {one.area:.3f} km², about {one.picks:,.0f} picks; {one.reason}"
            for zone, one in self.zones
        ]
        picks = sum(one.picks for _, one in self.zones)
        lines.append(
            f"{counted(len(self.zones), 'zone')} to label, about {picks:,.0f} picks; "
            f"{counted(self.waiting, 'proposal waits', 'proposals wait')}"
        )
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalTable:
    """What was proposed last, and what became of it."""

    proposals: tuple[ZoneProposal, ...]
    zones: Mapping[str, str]
    """By id of a proposal, the zone that it is now."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/proposal-list.schema.json``)."""
        rows = [one.document() | {"zone": self.zones.get(one.id)} for one in self.proposals]
        return {"proposals": rows}

    def text(self) -> str:
        """Return a line for each."""
        lines = []
        for rank, one in enumerate(self.proposals, start=1):
            now = f", zone {self.zones[one.id]} now" if one.id in self.zones else ""
            lines.append(f"{rank:3} {one.text()}{now}")
        return "\n".join(lines) or "nothing was proposed"


def proposal_table(campaign: Campaign) -> ProposalTable:
    """Return what was proposed last.

    Raises
    ------
    CampaignError
        Nothing ever was, or the file is damaged.
    """
    zones = {offer.proposal: zone for zone, offer in campaign.registry.offers().items() if offer.proposal}
    return ProposalTable(proposals=read_proposals(campaign.path / FILE), zones=zones)


def accept_proposals(
    campaign: Campaign,
    *,
    ids: Collection[str] = (),
    first: int | None = None,
    path: Path | None = None,
) -> Accepted:
    """Make zones of what was proposed.

    A zone is called Z and the next number in its domain. What is a zone already is left as it is, so that a
    run that was killed goes on.

    Parameters
    ----------
    campaign
        Whose proposals.
    ids
        Which of them; all that are no zones yet if not given.
    first
        How many of these at most, the best first.
    path
        File of proposals; the campaign's ``proposals.gpkg`` if not given.

    Raises
    ------
    CampaignError
        There is no such proposal, its dalle has left the pool, other zones took its ground meanwhile, or it
        lies on or beside ground that is kept for test since.
    RasterError
        A dalle has gone, or changed.
    """
    proposals = read_proposals(path or campaign.path / FILE)
    there = {offer.proposal for offer in campaign.registry.offers().values()}
    known = [one.id for one in proposals]
    if strange := sorted(set(ids) - set(known)):
        raise CampaignError(f"there is no proposal {strange[0]}; there are {listed(known) or 'none'}")
    wanted = [one for one in proposals if one.id not in there and (not ids or one.id in ids)]
    chosen = wanted if first is None else wanted[:first]
    dalles = {dalle.id: dalle for dalle in pool(campaign.registry)}
    if gone := [one.dalle for one in chosen if one.dalle not in dalles]:
        raise CampaignError(f"dalle {gone[0]} is in the pool no more; have zones proposed again")
    _check_free(campaign, chosen, dalles)
    done = []
    for one in chosen:
        dalle = dalles[one.dalle]
        made = add_zone(
            campaign,
            dalle.path,
            domain=dalle.domain,
            name=_next_name(campaign.registry.zone_ids(), dalle.domain),
            bands=dalle.bands,
            footprint=one.footprint,
            acquired=dalle.acquired,
            time_of_day=dalle.time_of_day,
            camera=dalle.camera,
            choice=Choice(strategy=one.strategy, inclusion=one.inclusion),
            offer=Offer(
                reason=one.reason,
                picks=round(one.picks),
                proposal=one.id,
                model=one.model_id,
                reasons=one.reasons,
            ),
        )
        done.append((made.zone.id, one))
    waiting = sum(one.id not in there for one in proposals) - len(done)
    return Accepted(zones=tuple(done), waiting=waiting)


def _check_free(campaign: Campaign, proposals: Iterable[ZoneProposal], dalles: Mapping[str, Dalle]) -> None:
    """Refuse proposals that would not be made any more: folds may be kept for test since they were."""
    held = HeldGround.of(campaign)
    for one in proposals:
        dalle = dalles[one.dalle]
        cells = cut_cells(dalle.grid, footprint=one.footprint)
        if held.holds(dalle.zone(one.id.partition("/")[2], cells)):
            raise CampaignError(
                f"proposal {one.id} lies on or beside {held.text()}; have zones proposed again"
            )


def _next_name(zones: Collection[str], domain: str) -> str:
    """Return the name of one more zone of a domain.

    >>> _next_name(["D055_2018/Z2_UF", "D055_2018/Z11_AA", "D067_2021/Z40"], "D055_2018")
    'Z12'
    """
    names = [zone.partition("/")[2] for zone in zones if zone.startswith(f"{domain}/")]
    numbers = [int(found[1]) for name in names if (found := _NUMBERED.fullmatch(name))]
    return f"Z{max(numbers, default=0) + 1}"
