"""Commands that decide whose labels count: gold zones, and who is admitted by them."""

from __future__ import annotations

__all__ = ["gold"]

import sys
from pathlib import Path

import click

from workbench.cli.commands import Group
from workbench.cli.options import DIR, JSON, ZONE, emit, example, open_campaign


@click.group(cls=Group)
def gold() -> None:
    """Gold zones: where new annotators show how they label before they go on elsewhere."""


@gold.command("add", epilog=example("workbench gold add DIR --zone D055_2018/Z2_UF"))
@DIR
@ZONE
@click.option("--minimum", type=float, default=0.9, show_default=True, help="Share of pixels to be right.")
def gold_add(directory: Path, zone_id: str, minimum: float) -> None:
    """Make an accepted zone a gold zone; from then on annotators have to be admitted."""
    from workbench.workflows.admitting import set_gold

    opened = open_campaign(directory)
    zone = opened.zone(zone_id)
    set_gold(opened, zone, minimum)
    click.echo(f"{zone.id}: gold zone, {minimum:.0%} of its pixels have to be right")


@gold.command("remove", epilog=example("workbench gold remove DIR --zone D055_2018/Z2_UF"))
@DIR
@ZONE
def gold_remove(directory: Path, zone_id: str) -> None:
    """Make a gold zone one like the others; its labels stay."""
    from workbench.workflows.admitting import set_gold

    opened = open_campaign(directory)
    zone = opened.zone(zone_id)
    set_gold(opened, zone, None)
    click.echo(f"{zone.id}: not a gold zone any more; who it admitted stays admitted")


@gold.command("admit", epilog=example('workbench gold admit DIR --author marie --anyway "trains the others"'))
@DIR
@click.option("--author", required=True, help="Who labelled the gold zones with --blind.")
@click.option("--anyway", "reason", metavar="REASON", help="Admit them without that, saying why.")
@JSON
def gold_admit(directory: Path, author: str, reason: str | None, as_json: bool) -> None:
    """Judge an annotator by the gold zones, and admit them if they label well enough."""
    from workbench.workflows.admitting import admit

    found = admit(open_campaign(directory), author, reason=reason)
    emit("gold-admit", found.document(), found.text(), as_json=as_json)
    sys.exit(0 if found.passed else 1)
