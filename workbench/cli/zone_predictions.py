"""Which prediction of a zone a command takes: of the models it names, of one that never saw it, or a file."""

from __future__ import annotations

__all__ = ["who_predicts", "zone_predictions"]

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from workbench.cli.options import DEVICE, PATH, progress, say, together

if TYPE_CHECKING:
    from workbench.campaign import Campaign
    from workbench.geo.zone import Zone
    from workbench.inference.segmenter import Segmenter

who_predicts = together(
    click.option(
        "--model",
        "members",
        type=PATH,
        multiple=True,
        help="Directory of the model that predicts each zone first; given several times, they do together.",
    ),
    click.option(
        "--models", type=PATH, help="Folder of models; each zone gets one that never saw its ground."
    ),
    DEVICE,
)
"""Options by which `zone_predictions` finds its models."""


def zone_predictions(
    campaign: Campaign,
    *,
    members: tuple[Path, ...],
    models: Path | None,
    device: str,
    prediction: Path | None = None,
) -> Callable[[Zone], Path | None]:
    """Return what predicts a zone when it is wanted, and tells where; None is the zone's own prediction.

    Models that are named are opened at once: refused once, and not zone by zone.

    Parameters
    ----------
    members
        Models that do together.
    models
        Folder of models, of which each zone gets one that never saw its ground.
    device
        Where networks run.
    prediction
        To be taken as it is.
    """
    from workbench.export.ground import GroundMap

    ground = GroundMap.of_zones(campaign.zones())

    @cache
    def segmenter(paths: tuple[Path, ...]) -> Segmenter:
        from workbench.workflows.predicting import open_models

        return open_models(paths, device=device)

    if members:
        segmenter(members)

    def predicted(zone: Zone) -> Path | None:
        paths = members
        if models is not None:
            from workbench.workflows.unseen import unseen_model

            chosen = unseen_model(models, zone, ground)
            say(chosen.text())
            paths = (chosen.path,)
        if not paths:
            return prediction
        from workbench.workflows.predicting import predict_zone

        with progress("tiles") as bar:
            return predict_zone(campaign, zone, segmenter(paths), say=say, progress=bar)

    return predicted
