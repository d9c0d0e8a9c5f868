"""The command that looks for label errors."""

from __future__ import annotations

__all__ = ["suspects"]

from pathlib import Path

import click

from workbench.cli.commands import Command
from workbench.cli.options import DIR, JSON, OVERWRITE, PATH, emit, example, open_campaign, say
from workbench.cli.zone_predictions import who_predicts, zone_predictions


@click.command(cls=Command, epilog=example("workbench suspects DIR --all --model MODEL -o suspects.gpkg"))
@DIR
@click.option("--zone", "zone_id", help="Zone, such as D055_2018/Z2_UF.")
@click.option("--all", "every", is_flag=True, help="All accepted zones, ranked together.")
@who_predicts
@click.option("-o", "--output", type=PATH, help="GeoPackage to draw them into, one polygon each.")
@OVERWRITE
@JSON
def suspects(
    directory: Path,
    zone_id: str | None,
    every: bool,
    members: tuple[Path, ...],
    models: Path | None,
    device: str,
    output: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Find accepted labels that a model surely contradicts, those with most wrong pixels first."""
    from workbench.workflows.suspect_map import check_map, write_map
    from workbench.workflows.suspecting import accepted_zones, suspect_zones

    if (zone_id is None) != every or (members and models):
        raise click.UsageError("give --zone ID or --all, and at most one of --model and --models")
    if output is not None:
        check_map(output, overwrite=overwrite)
    opened = open_campaign(directory)
    zones = [opened.zone(zone_id)] if zone_id is not None else accepted_zones(opened, say=say)
    predict = zone_predictions(opened, members=members, models=models, device=device)
    found = suspect_zones(opened, zones, predict=predict, say=say)
    if output is not None:
        write_map(found, output)
    emit("suspects", found.document(), found.text(), as_json=as_json)
