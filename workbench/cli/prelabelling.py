"""The command that has a model propose labels."""

from __future__ import annotations

__all__ = ["prelabel"]

from pathlib import Path

import click

from workbench.cli.commands import Command
from workbench.cli.options import DIR, JSON, PATH, emit, example, open_campaign, say
from workbench.cli.zone_predictions import who_predicts, zone_predictions


@click.command(
    cls=Command,
    epilog=example("workbench prelabel DIR --zone D055_2018/Z2_UF --prediction prediction.tif"),
)
@DIR
@click.option("--zone", "zone_id", help="Zone, such as D055_2018/Z2_UF.")
@click.option("--all", "every", is_flag=True, help="All zones that are segmented.")
@who_predicts
@click.option("--prediction", type=PATH, help="Prediction to take; the zone's prediction.tif if not given.")
@click.option(
    "--price",
    type=click.FloatRange(min=0.0, min_open=True),
    help="Pixels that a region more must explain (30 if not given): more gives fewer regions.",
)
@JSON
def prelabel(
    directory: Path,
    zone_id: str | None,
    every: bool,
    members: tuple[Path, ...],
    models: Path | None,
    prediction: Path | None,
    price: float | None,
    device: str,
    as_json: bool,
) -> None:
    """Have a model propose labels: the regions of the hierarchy that explain its prediction."""
    from workbench.segmentation.explaining import PRICE
    from workbench.workflows.prelabelling import prelabel_zone, prelabel_zones, summary

    if (zone_id is None) != every or sum(map(bool, (members, models, prediction))) > 1:
        raise click.UsageError("give --zone ID or --all, and at most one of --model, --models, --prediction")
    if every and prediction is not None:
        raise click.UsageError("--prediction is of one zone; give --zone ID")
    opened = open_campaign(directory)
    predicted = zone_predictions(opened, members=members, models=models, device=device, prediction=prediction)
    if zone_id is not None:
        zone = opened.zone(zone_id)
        done = [prelabel_zone(opened, zone, predict=predicted, price=price or PRICE, say=say)]
    else:
        done = list(prelabel_zones(opened, opened.zones(), predict=predicted, price=price or PRICE, say=say))
    text = "\n".join(one.text() for one in done) or f"{directory} has no zone that could be pre-labelled"
    emit("prelabel", summary(done), text, as_json=as_json)
