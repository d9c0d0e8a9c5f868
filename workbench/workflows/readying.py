"""A proposal is made ready to be labelled: a zone, its regions, and what the model said of it."""

from __future__ import annotations

__all__ = ["Readied", "Step", "ready_proposal"]

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from workbench.active.proposal import ZoneProposal
from workbench.campaign import Campaign
from workbench.errors import CampaignError, WorkbenchError
from workbench.geo.geotiff import write_raster
from workbench.geo.predictions import PLANES, PREDICTION
from workbench.geo.raster import FORMAT
from workbench.geo.zone import Zone
from workbench.pool import pool
from workbench.workflows.accepting import accept_proposals, proposal_table
from workbench.workflows.predictions import dalle_prediction, prediction_path, read_prediction
from workbench.workflows.prelabelling import prelabel_zone
from workbench.workflows.segmenting import segment_zones

Step = Literal["zone", "regions", "prelabels"]
"""What is made, one after the other."""
_OF_THE_DALLE = "SOURCE_SHA256"
"""Tag of a prediction that says of which pixels it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readied:
    """A proposal that is a zone now, to be labelled."""

    zone: str
    """Id."""
    prelabels: int
    """Regions that the model pre-labelled."""
    problem: str
    """Why nothing is pre-labelled though the model was asked; empty where there is nothing to say."""


def ready_proposal(
    campaign: Campaign, proposal: str, *, progress: Callable[[Step, float], None] = lambda step, share: None
) -> Readied:
    """Make a zone of a proposal, segment it, and pre-label it by the prediction that it was proposed for.

    No network runs: the pool has the prediction already. What is done is not done again, so a run that was
    killed goes on, and what somebody else made a zone of meanwhile is made ready.

    Parameters
    ----------
    campaign
        Whose proposal.
    proposal
        Id.
    progress
        Called with the step, and the share of it that is done.

    Raises
    ------
    WorkbenchError
        It cannot become a zone, or the zone cannot be segmented. What was done stays.
    """
    progress("zone", 0.0)
    accept_proposals(campaign, ids=[proposal])
    table = proposal_table(campaign)
    (asked,) = (one for one in table.proposals if one.id == proposal)
    zone = campaign.zone(table.zones[proposal])
    for _ in segment_zones(
        campaign, zone.id, say=lambda _: None, progress=lambda _, share: progress("regions", share)
    ):
        pass
    progress("prelabels", 0.0)
    try:
        regions = prelabel_zone(campaign, zone).regions if _predicted(campaign, zone, asked) else 0
    except WorkbenchError as error:  # the zone can be labelled all the same
        return Readied(zone=zone.id, prelabels=0, problem=str(error))
    return Readied(zone=zone.id, prelabels=regions, problem="")


def _predicted(campaign: Campaign, zone: Zone, asked: ZoneProposal) -> bool:
    """Return whether a zone has a prediction, once it is cut from its dalle's where there is one."""
    output = prediction_path(campaign, zone)
    dalle = next((one for one in pool(campaign.registry) if one.id == asked.dalle), None)
    if output.exists() or asked.model_id is None or dalle is None:
        return output.exists()
    source = dalle_prediction(campaign, dalle)
    if not source.exists():
        return False
    said = read_prediction(source, zone.grid)
    if said.tags.get("MODEL_SHA256") != asked.model_sha256:
        raise CampaignError(
            f"{source} is of another model than {asked.model_id}, for which {zone.id} was proposed; run: "
            f"workbench prelabel {campaign.path} --zone {zone.id} --model M"
        )
    # A prediction of the zone alone would have other pixels at its borders: this one does not pass for it.
    tags = {name: value for name, value in said.tags.items() if name not in (FORMAT, _OF_THE_DALLE)}
    planes = np.stack([said.codes, said.probability, said.entropy])
    write_raster(output, planes, zone.grid, kind=PREDICTION, descriptions=PLANES, tags=tags, level=1)
    return True
