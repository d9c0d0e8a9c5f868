"""A campaign in whose pool zones are proposed, by a model that writes down what it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from made_orthos import made_grid, made_image, made_truth

from workbench.active.budget import Budget
from workbench.campaign import Campaign
from workbench.geo.dalle import Dalle
from workbench.geo.geotiff import write_raster
from workbench.geo.predictions import PLANES, PREDICTION
from workbench.workflows.pooling import add_to_pool
from workbench.workflows.predictions import dalle_prediction, prediction_tags
from workbench.workflows.zone_proposing import Adviser, ProposalOrder, Proposed, propose_zones

HEIGHT, WIDTH = 600, 1100
"""Of the dalle, in pixels: two patches side by side, and a margin."""
ROW, COL = 20_480 - 40, -30
MODEL, DIGEST = "told", "a" * 64


def pooled(campaign: Campaign) -> Campaign:
    """Give a campaign a pool of one dalle, away from other made zones."""
    raster = campaign.path.parent / "dalle.tif"
    grid = made_grid(HEIGHT, WIDTH, row=ROW, col=COL)
    write_raster(raster, made_image(made_truth(HEIGHT, WIDTH)), grid, level=1)
    add_to_pool(campaign, [raster], domain="D051_2019")
    return campaign


def told(campaign: Campaign, *, digest: str = DIGEST) -> Adviser:
    """Return a model that knows the truth, and is less sure of it to the right."""

    def predict(dalle: Dalle) -> Path:
        path, truth = dalle_prediction(campaign, dalle), made_truth(HEIGHT, WIDTH)
        sure = np.broadcast_to(np.linspace(250, 90, WIDTH).astype(np.uint8), truth.shape)
        planes = np.stack([campaign.nomenclature.decode(truth, "flair"), sure, 255 - sure])
        tags = prediction_tags(model=MODEL, digest=digest, nomenclature=campaign.nomenclature.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_raster(
            path,
            planes,
            dalle.grid,
            kind=PREDICTION,
            descriptions=PLANES,
            tags=tags,
            level=1,
            overwrite=True,
        )
        return path

    return Adviser(model=MODEL, digest=digest, predict=predict)


def propose(campaign: Campaign, *, adviser: Adviser | None) -> Proposed:
    """Propose both zones of the pool."""
    strategy = "uncertain" if adviser is not None else "stratified"
    order = ProposalOrder(budget=Budget.parse("2zones"), strategy=strategy, zone_size=1)
    return propose_zones(campaign, order, adviser=adviser)
